"""The words of values, as enumerations; a test holds them equal to the core's."""

from __future__ import annotations

from enum import Enum, IntEnum

from kubepki import _core
from kubepki.arguments import checked


class Severity(Enum):
    """How bad a finding is; a plan with a critical one is not applied."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Status(IntEnum):
    """The state of a node as monitoring systems have it; the value is the exit code of `kubepki check`."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


class Kind(Enum):
    """What kind of thing an artefact is."""

    CERTIFICATE_AUTHORITY = "certificate_authority"
    CERTIFICATE = "certificate"
    KEY_PAIR = "key_pair"
    KUBECONFIG = "kubeconfig"
    FILE = "file"


class Action(Enum):
    """What happens to an artefact.

    It is made, gets a new certificate, gets a key and a signing request, gets what was signed elsewhere, trusts other
    CAs, is a CA with a new certificate, is taken away, becomes what it was; or its request waits for a signature, it
    stays, is not this node's to have, or cannot be done as things are.
    """

    CREATE = "create"
    RENEW = "renew"
    REQUEST = "request"
    INSTALL = "install"
    TRUST = "trust"
    RENEW_AUTHORITY = "renew_authority"
    REMOVE = "remove"
    RESTORE = "restore"
    WAIT = "wait"
    KEEP = "keep"
    SKIP = "skip"
    BLOCKED = "blocked"

    @property
    def is_change(self) -> bool:
        """Whether a file changes."""
        return self not in (Action.WAIT, Action.KEEP, Action.SKIP, Action.BLOCKED)


class Cause(Enum):
    """Why an artefact is skipped or blocked; its `reason` says it in words."""

    MISSING = "missing"
    NOT_ON_NODE = "not_on_node"
    NO_CLIENT_CERTIFICATE = "no_client_certificate"
    EXTERNAL_AUTHORITY = "external_authority"
    OTHER_AUTHORITY = "other_authority"
    NO_SIGNER = "no_signer"
    UNUSABLE_AUTHORITY = "unusable_authority"
    OUTLIVES_AUTHORITY = "outlives_authority"
    LEFT_TO_KUBELET = "left_to_kubelet"
    NOT_SIGNED = "not_signed"
    UNUSABLE = "unusable"
    EXISTS = "exists"
    OTHER_NODE = "other_node"
    UNKNOWN_NODE = "unknown_node"
    REFUSED = "refused"
    EXPOSED = "exposed"
    STILL_NEEDED = "still_needed"


class BackupState(Enum):
    """What can be done with a backup: a complete one can be restored, with all its checksums verified."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    DAMAGED = "damaged"
    UNTRUSTED = "untrusted"


class Difference(Enum):
    """How the file that is in its place now differs from the one in a backup."""

    SAME = "same"
    MISSING = "missing"
    CONTENT = "content"
    ATTRIBUTES = "attributes"


class RecoveryOutcome(Enum):
    """What was made of an interrupted change: all its files are new, all are old, or all are as they were found."""

    COMPLETED = "completed"
    TAKEN_BACK = "taken_back"
    LEFT_AS_FOUND = "left_as_found"


class RestartAction(Enum):
    """What happens to a component: it is restarted, is up to date, is not asked for, or would not come up again."""

    RESTART = "restart"
    KEEP = "keep"
    SKIP = "skip"
    BLOCKED = "blocked"


class RestartWay(Enum):
    """How a component is restarted.

    Its process is asked to end and the kubelet starts the container again, or the container runtime is asked to stop
    it; its manifest is moved out and back; the API server's is out while etcd restarts; systemd restarts the kubelet.
    """

    IN_PLACE = "in_place"
    RUNTIME = "runtime"
    MANIFEST = "manifest"
    AROUND_ETCD = "around_etcd"
    SERVICE = "service"

    def __str__(self) -> str:
        """Return it in words."""
        return self.value.replace("_", " ")


class Algorithm(Enum):
    """A kind of key, by kubeadm's name (`encryptionAlgorithm` in kubeadm v1beta4)."""

    ECDSA_P256 = "ECDSA-P256"
    ECDSA_P384 = "ECDSA-P384"
    RSA_2048 = "RSA-2048"
    RSA_3072 = "RSA-3072"
    RSA_4096 = "RSA-4096"

    @classmethod
    @checked
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


class Role(Enum):
    """What a node does: the first of a control plane, a further one, or a worker."""

    CONTROL_PLANE = "control-plane"
    SECONDARY_CONTROL_PLANE = "secondary-control-plane"
    WORKER = "worker"


class TreeKind(Enum):
    """In what a tree was found: a folder, a tar archive, a single file, or a report that was made elsewhere."""

    FOLDER = "folder"
    ARCHIVE = "archive"
    FILE = "file"
    REPORT = "report"
