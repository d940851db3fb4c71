"""The values that go into and come out of kubepki: frozen, equal by value, picklable, without secrets."""

from __future__ import annotations

from enum import Enum

from kubepki import _core


class Algorithm(Enum):
    """A kind of key, by kubeadm's name (`encryptionAlgorithm` in kubeadm v1beta4)."""

    ECDSA_P256 = "ECDSA-P256"
    ECDSA_P384 = "ECDSA-P384"
    RSA_2048 = "RSA-2048"
    RSA_3072 = "RSA-3072"
    RSA_4096 = "RSA-4096"

    @classmethod
    def parse(cls, name: str) -> Algorithm:
        """Return the algorithm that kubeadm calls `name` (case-sensitive).

        >>> Algorithm.parse("ECDSA-P256")
        <Algorithm.ECDSA_P256: 'ECDSA-P256'>

        Raises:
            ConfigurationError: `key.unknown_algorithm` when there is none.

        """
        return cls(_core.parse_algorithm(name))

    def __str__(self) -> str:
        """Return kubeadm's name."""
        return self.value
