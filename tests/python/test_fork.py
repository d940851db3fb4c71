"""RSA keys after `fork`, without `exec`: parent and children share nothing that a key is made from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

import kubepki

if TYPE_CHECKING:
    from pathlib import Path


def make_key(folder: Path) -> None:
    """Make `sa.key` in the folder."""
    folder.mkdir()
    kubepki.apply(kubepki.plan(node_name="cp1", certificates=["sa"], kubeconfigs=(), rootfs=folder))


def in_a_child(folder: Path) -> int:
    """Make a key in a forked child; return the child's process id."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            make_key(folder)
            status = 0
        finally:
            os._exit(status)
    return child


def test_parent_and_children_make_different_keys_after_a_fork(tmp_path: Path) -> None:
    make_key(tmp_path / "before")  # the generator is in use when the process is forked
    children = [in_a_child(tmp_path / name) for name in ("first", "second")]
    make_key(tmp_path / "after")
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]

    primes: set[int] = set()
    for name in ("before", "first", "second", "after"):
        pem = (tmp_path / name / "etc/kubernetes/pki/sa.key").read_bytes()
        key = load_pem_private_key(pem, None)
        assert isinstance(key, RSAPrivateKey)
        primes |= {key.private_numbers().p, key.private_numbers().q}
    assert len(primes) == 8, "two keys share a prime"
