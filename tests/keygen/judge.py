"""Judge many RSA keys by others' means: OpenSSL, GMP, and the distribution of their primes.

Reads PEM from a file or pipe (`make soak KEYS=10000` feeds it from the crate). For every key: `openssl rsa -check`,
both primes prime by GMP's BPSW and Miller-Rabin rounds (gmpy2), and the conditions of FIPS 186-5 A.1.3. For all keys
of a size: no prime twice; the bits below the top two, the residues modulo 4 and modulo the primes below 100, and the
distances of p and q are distributed as those of random primes, by chi-square with the 0.9999 quantile as the bound of
each statistic (27 statistics a size: one size in 370 fails by chance).
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import gmpy2
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

END = b"-----END RSA PRIVATE KEY-----\n"
EXPONENT = 65537
# The 0.9999 quantile of the normal distribution, for Wilson and Hilferty's approximation of chi-square's.
QUANTILE = 3.719


def keys(source: Path) -> Iterator[bytes]:
    """Yield the PEM documents of the source, one by one."""
    lines: list[bytes] = []
    with source.open("rb") as stream:
        for line in stream:
            lines.append(line)
            if line == END:
                yield b"".join(lines)
                lines = []
    assert not lines, "the last key is cut off"


def judge(pem: bytes) -> tuple[int, int, int]:
    """Judge one key; return its size and its primes."""
    key = load_pem_private_key(pem, None)
    assert isinstance(key, RSAPrivateKey)
    check = subprocess.run(["openssl", "rsa", "-check", "-noout"], input=pem, capture_output=True, check=False)
    assert check.stdout.startswith(b"RSA key ok"), check.stderr
    private = key.private_numbers()
    p, q, size = private.p, private.q, key.key_size
    half = size // 2
    assert private.public_numbers.e == EXPONENT
    assert p * q == private.public_numbers.n
    assert gmpy2.is_prime(p, 32)
    assert gmpy2.is_prime(q, 32)
    assert p.bit_length() == q.bit_length() == half
    assert p >> half - 2 == q >> half - 2 == 0b11
    assert abs(p - q) > 1 << half - 100
    assert private.d > 1 << half
    assert private.d * EXPONENT % math.lcm(p - 1, q - 1) == 1
    return size, p, q


def chi_square(values: Iterable[int], classes: Iterable[int]) -> tuple[float, float]:
    """Return the statistic of the values over equally likely classes, and its bound."""
    counts = Counter(values)
    expected_in = list(classes)
    assert set(counts) <= set(expected_in), "a class that a prime cannot be in"
    expected = counts.total() / len(expected_in)
    freedom = len(expected_in) - 1
    statistic = sum((counts[each] - expected) ** 2 / expected for each in expected_in)
    bound = freedom * (1 - 2 / (9 * freedom) + QUANTILE * math.sqrt(2 / (9 * freedom))) ** 3
    return statistic, bound


def place(p: int, q: int, half: int) -> int:
    """Return the eighth of its distribution that (p - q) / 2^(half - 2) is in.

    Both primes are even over an interval of that length, so the distance's share of it, u, has 1 - (1 - u)^2 for its
    distribution function.
    """
    share = min(abs(p - q) / (1 << half - 2), 1.0)
    return min(int(8 * (1 - (1 - share) ** 2)), 7)


def report(size: int, pairs: list[tuple[int, int]]) -> None:
    """Judge the primes of all keys of a size, and print what was found."""
    half = size // 2
    primes = [prime for pair in pairs for prime in pair]
    assert len(set(primes)) == len(primes), "a prime came twice"
    statistics = {
        "three bits below the top two": chi_square((prime >> half - 5 & 7 for prime in primes), range(8)),
        "modulo 4": chi_square((prime % 4 for prime in primes), (1, 3)),
        "distance of p and q": chi_square((place(p, q, half) for p, q in pairs), range(8)),
    }
    for small in filter(gmpy2.is_prime, range(3, 100)):
        statistics[f"modulo {small}"] = chi_square((prime % small for prime in primes), range(1, small))
    print(f"RSA-{size}: {len(pairs)} keys: OpenSSL and GMP agree that all are sound; no prime came twice")
    for name, (statistic, bound) in statistics.items():
        print(f"  {name}: chi-square {statistic:.1f}, bound {bound:.1f}")
        assert statistic < bound, f"RSA-{size}: {name} is not even"


def main() -> None:
    """Judge the keys of the file that is named first."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    # Processes, for GMP computes under the interpreter's lock.
    with ProcessPoolExecutor(os.cpu_count()) as workers:
        for size, p, q in workers.map(judge, keys(Path(sys.argv[1])), chunksize=8):
            found[size].append((p, q))
    assert found, "there are no keys"
    for size, pairs in sorted(found.items()):
        report(size, pairs)


if __name__ == "__main__":
    main()
