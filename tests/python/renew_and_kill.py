"""Renew a tree again and again, in children that are killed at random moments; a program of its own, as it forks.

Arguments: the root directory, how many rounds, a seed. After each kill every file must be whole, and after the next
look with `recover` all must be of one generation. Prints how many children were killed, and in what state they died.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

import kubepki
from trees import KUBECONFIGS, LEAVES, embedded

PUBLIC = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
START = datetime(2026, 12, 1, tzinfo=timezone.utc)


def renew(rootfs: Path, generation: int) -> None:
    """Renew everything; the certificates' time says in which round."""
    now = START + timedelta(minutes=generation)
    kubepki.apply(kubepki.plan_renew(rootfs=rootfs, now=now, kubelet=True))


def generations(kubernetes: Path, *, paired: bool) -> set[datetime]:
    """Return from when the certificates are valid; every file must be whole and, with `paired`, fit its key."""
    seen = set()
    places = [((kubernetes / "pki" / f"{base}.crt"), (kubernetes / "pki" / f"{base}.key")) for base in LEAVES]
    pems = [(crt.read_bytes(), key.read_bytes()) for crt, key in places]
    fields = ("client-certificate-data", "client-key-data")
    for name in KUBECONFIGS:
        certificate_pem, key_pem = (embedded(kubernetes / name, field) for field in fields)
        pems.append((certificate_pem, key_pem))
    for certificate_pem, key_pem in pems:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        assert key_pem.endswith(b"-----END EC PRIVATE KEY-----\n")
        if paired:
            key = load_pem_private_key(key_pem, None)
            assert certificate.public_key().public_bytes(*PUBLIC) == key.public_key().public_bytes(*PUBLIC)
        seen.add(certificate.not_valid_before_utc)
    return seen


def main(rootfs: Path, rounds: int, seed: int) -> None:
    """Kill, recover, look."""
    chance = random.Random(seed)  # noqa: S311 (moments, not secrets)
    kubernetes = rootfs / "etc/kubernetes"
    renew(rootfs, -1)  # warms up: what comes after is quicker
    began = time.monotonic()
    renew(rootfs, 0)
    duration = time.monotonic() - began
    killed = {"before": 0, "during": 0, "completed": 0}
    last = generations(kubernetes, paired=True)
    for generation in range(1, rounds + 1):
        child = os.fork()
        if child == 0:
            renew(rootfs, generation)
            os._exit(0)
        time.sleep(chance.uniform(0.1, 1.3) * duration)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        generations(kubernetes, paired=False)
        under_way = any(path.name.startswith(".kubepki-") for path in kubernetes.rglob("*"))
        assert kubepki.plan_renew(rootfs=rootfs, recover=True, before=timedelta(0), now=START).is_empty
        left = [path for path in kubernetes.rglob("*") if path.name.startswith(".kubepki-")]
        assert not left, left
        found = generations(kubernetes, paired=True)
        assert len(found) == 1, f"round {generation}: {found}"
        # What has changed was kept before, and is whole; what was not kept whole says so.
        backups = kubepki.list_backups(rootfs=rootfs)
        states = [backup.state.value for backup in backups]
        assert set(states) <= {"complete", "incomplete"}, [backup.problems for backup in backups]
        assert found == last or "complete" in states, f"round {generation}: {states}"
        kubepki.prune_backups(keep=0, rootfs=rootfs, now=datetime.now(timezone.utc) + timedelta(days=2))
        if os.WIFSIGNALED(status):
            killed["during" if under_way else "before" if found == last else "completed"] += 1
        last = found
    print(json.dumps(killed))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
