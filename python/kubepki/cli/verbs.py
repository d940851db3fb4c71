"""The table of commands: what `kubepki --help` lists, and which module answers each.

A verb's module is imported only when the verb is asked for, so the start of the process stays short. It has
`add_parser(subparsers)`, which adds one parser named after the verb's last word, and `run(arguments)`, which
returns the exit code. To add a verb, add its module and its row here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


class Verb(NamedTuple):
    """A command: `words` as typed (`("certs", "init")`), its module, and its line in the help."""

    words: tuple[str, ...]
    module: str
    summary: str


class VerbModule(Protocol):
    """What a verb's module offers; and `FAILURE_EXIT_CODE`, if all its errors shall end with one exit code."""

    def add_parser(self, subparsers: _SubParsersAction[ArgumentParser]) -> None:
        """Add the verb's parser, with its arguments, to those of its group."""

    def run(self, arguments: Namespace) -> int:
        """Do it and return the exit code."""


# What a first word that groups others stands for: `{"certs": "..."}` for `kubepki certs init`.
GROUPS: dict[tuple[str, ...], str] = {
    ("certs",): "certificates, CAs and service account keys",
    ("kubeconfig",): "kubeconfig files",
    ("backup",): "files that were kept before they were replaced or removed",
    ("systemd",): "renewal by a systemd timer",
    ("bundle",): "what the nodes of a cluster share, encrypted",
    ("config",): "kubeadm configuration files",
}

VERBS: tuple[Verb, ...] = (
    Verb(("init",), "kubepki.cli.init", "make all that a node lacks"),
    Verb(("check",), "kubepki.cli.check", "check everything; exit code for monitoring"),
    Verb(("recover",), "kubepki.cli.recover", "end changes that were interrupted"),
    Verb(("restart",), "kubepki.cli.restart", "restart what does not use the files on disk"),
    Verb(("certs", "init"), "kubepki.cli.certs_init", "make missing CAs, certificates and sa keys"),
    Verb(("certs", "renew"), "kubepki.cli.certs_renew", "renew certificates"),
    Verb(("certs", "check-expiration"), "kubepki.cli.check_expiration", "print when certificates end, as kubeadm does"),
    Verb(("certs", "generate-csr"), "kubepki.cli.generate_csr", "make keys and signing requests for a CA elsewhere"),
    Verb(("certs", "sign"), "kubepki.cli.sign", "sign requests, checked against the catalogue and a policy"),
    Verb(("certs", "import"), "kubepki.cli.certs_import", "install certificates that were signed elsewhere"),
    Verb(("certs", "cleanup"), "kubepki.cli.certs_cleanup", "remove what signing elsewhere left behind"),
    Verb(("certs", "certificate-key"), "kubepki.cli.certificate_key", "print a new key for bundles"),
    Verb(("kubeconfig", "init"), "kubepki.cli.kubeconfig_init", "make missing kubeconfigs"),
    Verb(("kubeconfig", "user"), "kubepki.cli.kubeconfig_user", "print a kubeconfig for a user"),
    Verb(("kubeconfig", "embed"), "kubepki.cli.kubeconfig_embed", "embed signed client certificates and the CA"),
    Verb(("backup", "list"), "kubepki.cli.backup_list", "list backups and verify their checksums"),
    Verb(("backup", "show"), "kubepki.cli.backup_show", "show what is in a backup"),
    Verb(("backup", "restore"), "kubepki.cli.backup_restore", "put back what a backup holds"),
    Verb(("backup", "prune"), "kubepki.cli.backup_prune", "remove backups that are old"),
    Verb(("systemd", "install"), "kubepki.cli.systemd_install", "write a service and a timer that renew certificates"),
    Verb(("systemd", "remove"), "kubepki.cli.systemd_remove", "remove them"),
    Verb(("bundle", "export"), "kubepki.cli.bundle_export", "encrypt what a joining node needs"),
    Verb(("bundle", "import"), "kubepki.cli.bundle_import", "put an encrypted bundle on a node"),
    Verb(("config", "validate"), "kubepki.cli.config_validate", "check a kubeadm configuration file"),
    Verb(("version",), "kubepki.cli.version", "print which kubepki this is"),
)
