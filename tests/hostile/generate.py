"""Makes the corpus: certificates and chains with one thing odd in each, and the verdicts of Go on them.

In: nothing, but Go for the verdicts. Out: `corpus.json`. Run it after a change: `python generate.py`. Keys are made
from fixed numbers where that is possible; RSA keys and signatures differ from run to run, verdicts must not.
"""

from __future__ import annotations

import argparse
import base64
import json
import subprocess
from pathlib import Path

from build import AT, HERE, PLAIN_BELOW, PLAIN_INTER, PLAIN_LEAF, PLAIN_ROOT, cases, certificates
from cases_basic import heads, names, plain, times
from cases_constraints import constraints, policies
from cases_extensions import alternative_names, extensions
from cases_keys import keys, paths
from mutants import edits, mutants


def packed(name: str, der: bytes, place: dict[str, int]) -> list:
    """A certificate as edits of a plain one, by its position, or as it is."""
    plain = {"leaf": PLAIN_LEAF, "root": PLAIN_ROOT, "inter": PLAIN_INTER, "below": PLAIN_BELOW}
    if name in plain:
        return [None, der.hex()]
    kind = name.rsplit("/", 1)[-1].rstrip("0123456789")
    base = {"root": "root", "intermediate": "inter"}.get(kind, "leaf")
    return [place[base], edits(plain[base], der)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=20261126)
    parser.add_argument("--mutants", type=int, default=1600)
    parser.add_argument("--output", type=Path, default=HERE / "corpus.json")
    options = parser.parse_args()
    for part in (plain, times, heads, names, alternative_names, extensions, keys, paths, constraints, policies):
        part()
    changed = mutants(options.seed, options.mutants)
    everything = dict(certificates)
    for number, one in enumerate(changed):
        der = bytearray(certificates[one["base"]])
        for offset, taken, put in reversed(one["edits"]):
            der[offset : offset + taken] = bytes.fromhex(put)
        everything[f"mutant {number}"] = bytes(der)
    asked = cases + [
        {
            "name": f"mutant {number}",
            "leaf": "rich" if one["is_root"] else f"mutant {number}",
            "intermediates": [],
            "roots": [f"mutant {number}" if one["is_root"] else "rich root" if one["base"] == "rich" else "root"],
            "at": AT,
        }
        for number, one in enumerate(changed)
    ]
    question = {
        "certificates": {name: base64.b64encode(der).decode() for name, der in everything.items()},
        "cases": asked,
    }
    answer = subprocess.run(
        ["go", "run", "."], cwd=HERE / "judge", input=json.dumps(question), capture_output=True, text=True, check=True
    )
    verdict = json.loads(answer.stdout)
    for one in cases:
        one["verdict"] = verdict["cases"][one["name"]]
    flags = lambda found: "".join(
        letter for letter, use in (("a", "any"), ("s", "server"), ("c", "client")) if not found[use]
    )
    place = {name: position for position, name in enumerate(certificates)}
    parts = {
        # How each is made, and Go's message if it cannot read it.
        "certificates": [
            [*packed(name, der, place), verdict["certificates"][name]] for name, der in certificates.items()
        ],
        # Name, leaf, intermediates, roots, moment, verdict (any purpose, server, client), Go's message.
        "cases": [
            [
                one["name"],
                place[one["leaf"]],
                [place[name] for name in one["intermediates"]],
                [place[name] for name in one["roots"]],
                one["at"],
                flags(one["verdict"]),
                one["verdict"]["any"],
            ]
            for one in cases
        ],
        # A certificate, edits of it, whether Go reads the result, its leaf and its root (none: itself), verdict.
        "mutants": [
            [
                place[one["base"]],
                one["edits"],
                not verdict["certificates"][f"mutant {number}"],
                place.get(asked[len(cases) + number]["leaf"]),
                place.get(asked[len(cases) + number]["roots"][0]),
                flags(verdict["cases"][f"mutant {number}"]),
            ]
            for number, one in enumerate(changed)
        ],
    }
    short = lambda value: json.dumps(value, separators=(",", ":"))
    lists = [f'"{name}":[\n' + ",\n".join(short(one) for one in part) + "\n]" for name, part in parts.items()]
    options.output.write_text(f'{{"go":"{verdict["go"]}",\n' + ",\n".join(lists) + "}\n")
    read = sum(not one[2] for one in parts["certificates"])
    good = sum(bool(one[5]) for one in parts["cases"])
    print(f"{len(certificates)} certificates, {read} read; {len(cases)} cases, {good} verified;", end=" ")
    print(
        f"{len(changed)} mutants, {sum(one[2] for one in parts['mutants'])} read, {sum(bool(one[5]) for one in parts['mutants'])} verified"
    )


if __name__ == "__main__":
    main()
