"""Signing requests: made on a node, signed where the CA is."""

from __future__ import annotations

from kubepki import _core
from kubepki.api.request import encoded, in_utc, request, secrets_of_authorities
from kubepki.arguments import asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta
    from typing import Literal

    from kubepki.arguments import StrPath
    from kubepki.types import Plan, SignedCertificate


def leaf_names() -> list[str]:
    """Return every name that a request can be made and signed for, in kubeadm's order.

    >>> leaf_names()[0]
    'apiserver'
    """
    return _core.leaf_names()


@asked("GenerateCsrRequest", "config")
def plan_generate_csr(
    config: StrPath | None = None,
    *,
    names: Literal["all"] | Iterable[str] = "all",
    role: Literal["control-plane", "worker", "etcd"] | None = None,
    with_usages: bool = False,
    reuse_keys: bool = False,
    renew: bool = False,
    keep_key: bool = False,
    only_lacking: bool = False,
    renew_before: timedelta | None = None,
    kubelet_dir: StrPath = "/var/lib/kubelet",
    out_dir: StrPath | None = None,
    recover: bool = False,
    config_text: str | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
    now: datetime | None = None,
) -> Plan:
    """Plan keys and signing requests, as `kubeadm certs generate-csr` makes them; `apply` makes them, all or none.

    A file in the way is a critical finding (`file.exists`), so nothing is overwritten. No CA is needed.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     planned = plan_generate_csr(node_name="cp1", names=["admin.conf"], rootfs=folder)
    >>> [(artefact.name, artefact.action.value) for artefact in planned.artefacts]
    [('admin.conf', 'request')]

    Source: kubeadm `cmd/certs.go` (`newCmdGenCSR`).

    Args:
        config: The kubeadm configuration (v1beta3, v1beta4), or `cluster` for the one that the cluster has; kubeadm's
            defaults without one.
        names: Which certificates and kubeconfigs, by kubeadm's names; `kubelet-client` for what the kubelet shows to
            the API server and cannot renew any more.
        role: What the node is, instead of the configuration's; `etcd` means what etcd's CA signs.
        with_usages: Ask for key usages too; kubeadm's requests do not.
        reuse_keys: Use existing keys, and make their requests again.
        renew: Make requests for the existing certificates, for another CA to renew; the kubelet's own always is such a
            one.
        keep_key: With `renew`: keep the keys.
        only_lacking: Keep what is there: a certificate that is as it is wanted, and a request that waits for its
            signature. What is lacking is asked for, and what is not as it is wanted any more, with the key that is
            there.
        renew_before: With `only_lacking`: ask again for what ends within this time; for what has expired without it.
        kubelet_dir: The kubelet's directory of the node, with its `config.yaml` and its certificates in `pki`.
        out_dir: The directory of the node that the files go into, laid out as `/etc/kubernetes`; beside the
            certificates and kubeconfigs without it, but for new keys for renewal, which go into `renewal` below the
            kubeconfig directory.
        recover: First end a change that was interrupted: complete it, or take it back. It is the only change that
            planning makes.
        config_text: The configuration itself as YAML or JSON text, instead of `config`.
        lenient: Warn of unknown fields, as kubeadm does; they are errors otherwise.
        node_name: The node's name, instead of the configuration's.
        certificates_dir: The directory of certificates of the node, instead of the configuration's `certificatesDir`.
        kubeconfig_dir: The directory of kubeconfigs of the node, instead of `/etc/kubernetes`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        now: The moment that the plan records.

    Raises:
        ConfigurationError: `config.*`, `plan.unknown_name`, or `api.naive_datetime`.
        EnvironmentFailure: `store.*`.

    """
    return _core.plan_generate_csr(request(locals()), in_utc(now))


@asked("SignRequest", "csr_dir", without="certificates_dir kubeconfig_dir")
def plan_sign(
    csr_dir: StrPath | None = None,
    *,
    config: StrPath | None = None,
    config_text: str | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    rootfs: StrPath | None = None,
    ca_dir: StrPath | None = None,
    role: Literal["control-plane", "worker", "etcd"] | None = None,
    nodes: StrPath | Mapping[str, Mapping[str, str]] | None = None,
    files: Mapping[str, StrPath] | Iterable[StrPath] = (),
    out_dir: StrPath | None = None,
    validity: timedelta | None = None,
    policy: StrPath | None = None,
    serial_file: StrPath | None = None,
    serial_files: bool = False,
    outlive_ca: Literal["refuse", "clamp", "allow"] = "refuse",
    force: bool = False,
    renew_before: timedelta | None = None,
    partial: bool = False,
    recover: bool = False,
    ca_key_passphrase: str | bytes | None = None,
    now: datetime | None = None,
) -> Plan:
    """Plan the certificates that answer signing requests, where the CA is; `apply` signs and writes them, all or none.

    Each request is held against the catalogue first: its signature, key, subject, alternative names and usages. What
    is not as it should be is a critical finding (`request.*`), and every reason is there. Usages and constraints are
    the catalogue's, never the request's; alternative names are the request's.

    Which node a request is from, and of which kind it is, is what you say, never what the request or its node says:
    `node_name` and `role` for one node, `nodes` for the folders of many. Without a role nothing but a worker's
    `kubelet.conf` is signed; without a name, nothing that holds one.

    >>> from tempfile import TemporaryDirectory
    >>> from kubepki import apply, plan, plan_generate_csr
    >>> with TemporaryDirectory() as folder:
    ...     made = apply(plan(node_name="cp1", certificates=["ca"], kubeconfigs=(), rootfs=folder))
    ...     wanted = ["apiserver-kubelet-client"]
    ...     asked = apply(plan_generate_csr(names=wanted, node_name="cp1", out_dir="/csr", rootfs=folder))
    ...     signed = apply(plan_sign("/csr", role="control-plane", node_name="cp1", rootfs=folder))
    >>> [(change.name, change.action.value) for change in signed.changed]
    [('apiserver-kubelet-client', 'create')]

    Args:
        csr_dir: The directory of the node below which every `.csr` is signed.
        config: The kubeadm configuration (v1beta3, v1beta4), or `cluster` for the one that the cluster has; kubeadm's
            defaults without one.
        config_text: The configuration itself as YAML or JSON text, instead of `config`.
        lenient: Warn of unknown fields, as kubeadm does; they are errors otherwise.
        node_name: The node's name, instead of the configuration's.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        ca_dir: The directory of CAs of the node, laid out as in `certificatesDir`; the configuration's or
            `/etc/kubernetes/pki` without it.
        role: The kind of node that the requests are from, which bounds what is signed; without it nothing but a
            worker's `kubelet.conf` is.
        nodes: For requests of many nodes, the node of each directory below `csr_dir`: `{cp1: {role: control-plane}}`,
            in YAML.
        files: Requests by their files on the node; by name where the file does not say it: `{"kubelet.conf":
            "node7.csr"}`.
        out_dir: The directory of the node for the certificates, not beside their requests.
        validity: How long certificates are valid; the configuration's period without it.
        policy: The policy file: what may be signed besides the catalogue, or may not.
        serial_file: openssl's file (`-CAserial`) on the node with the last serial number of one CA; numbers are random
            without it.
        serial_files: The same in a file beside each CA (`ca.srl`).
        outlive_ca: What to do with a certificate that would be valid for longer than its CA: refuse it, let it end with
            the CA, or make it anyway, as kubeadm does.
        force: Overwrite certificates that are there.
        renew_before: Sign again what was signed before and ends within this time, or answers its request no more.
        partial: Sign what can be signed, whatever else is refused.
        recover: First end a change that was interrupted: complete it, or take it back. It is the only change that
            planning makes.
        ca_key_passphrase: The passphrase of the CAs' keys, where they have one (PKCS#8, as `openssl pkcs8 -topk8`
            writes it). The plan does not hold it: give it to `apply` too.
        now: The moment from which validity counts.

    Raises:
        ConfigurationError: `config.*`, `policy.invalid`, `plan.bad_request`, `sign.*`, `cli.usage`, or
            `api.naive_datetime`.
        EnvironmentFailure: `store.*`.

    """
    passphrase = None if ca_key_passphrase is None else encoded(ca_key_passphrase)
    return _core.plan_sign(request(locals(), "ca_key_passphrase", "passphrase"), passphrase, in_utc(now))


@asked("SignTextRequest", "csr", without="certificates_dir kubeconfig_dir rootfs")
def sign_csr(
    csr: str,
    *,
    config: StrPath | None = None,
    config_text: str | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    role: Literal["control-plane", "worker", "etcd"] | None = None,
    name: str,
    ca_dir: StrPath | None = None,
    ca_cert: StrPath | None = None,
    ca_key: StrPath | None = None,
    present: str | None = None,
    renew_before: timedelta | None = None,
    dry_run: bool = False,
    validity: timedelta | None = None,
    policy: StrPath | None = None,
    outlive_ca: Literal["refuse", "clamp", "allow"] = "refuse",
    ca_key_content: str | bytes | Mapping[str, str | bytes] | None = None,
    ca_key_passphrase: str | bytes | Mapping[str, str | bytes] | None = None,
    now: datetime | None = None,
) -> SignedCertificate:
    """Sign one request that is given as text, and write nothing.

    It is held against the same rules as by `plan_sign`. The serial number is random. With `present`, the certificate
    that the request was answered with before, nothing is signed while that still says what a new one would say:
    `is_kept` tells.

    >>> from tempfile import TemporaryDirectory
    >>> from pathlib import Path
    >>> from kubepki import apply, plan, plan_generate_csr
    >>> with TemporaryDirectory() as folder:
    ...     made = apply(plan(node_name="cp1", certificates=["ca"], kubeconfigs=(), rootfs=folder))
    ...     asked = apply(plan_generate_csr(node_name="cp1", names=["apiserver-kubelet-client"], rootfs=folder))
    ...     pki = Path(folder, "etc/kubernetes/pki")
    ...     signed = sign_csr(
    ...         (pki / "apiserver-kubelet-client.csr").read_text(),
    ...         name="apiserver-kubelet-client",
    ...         role="control-plane",
    ...         ca_dir=pki,
    ...     )
    >>> signed.subject
    'CN=kube-apiserver-kubelet-client'

    Args:
        csr: The request in PEM.
        config: The kubeadm configuration (v1beta3, v1beta4), or `cluster` for the one that the cluster has; kubeadm's
            defaults without one.
        config_text: The configuration itself as YAML or JSON text, instead of `config`.
        lenient: Warn of unknown fields, as kubeadm does; they are errors otherwise.
        node_name: The node's name, instead of the configuration's.
        role: The kind of the node, which bounds what is signed; a worker without one.
        name: kubeadm's name (`apiserver`, `kubelet.conf`), or one that the policy adds.
        ca_dir: The directory of CAs, laid out as in `certificatesDir`: the name says which of them signs.
        ca_cert: The file with the certificate of the CA that signs this name, instead of the one in `ca_dir`.
        ca_key: The file with its key, likewise.
        present: The certificate in PEM that the request was answered with before: it is kept while it answers the
            request.
        renew_before: With `present`: sign again when it ends within this time; when it has expired without it.
        dry_run: Show what would be done, and change nothing.
        validity: How long the certificate is valid; the configuration's period without it.
        policy: The policy file: what may be signed besides the catalogue, or may not.
        outlive_ca: What to do with a certificate that would be valid for longer than its CA: refuse it, let it end with
            the CA, or make it anyway, as kubeadm does.
        ca_key_content: The key itself (PEM), which is on no disk then; or the keys by their CAs' names
            (`front-proxy-ca`).
        ca_key_passphrase: The passphrase of the key (PKCS#8, as `openssl pkcs8 -topk8` writes it); or by CA, likewise.
        now: The moment from which validity counts.

    Raises:
        RefusedError: `policy.refused`, with every reason in `context["findings"]`.
        FindingError: `plan.blocked` when the CA may not sign, or its key cannot be opened; `x509.*` when there is no
            request in the text.
        ConfigurationError: `plan.unknown_name`, `plan.bad_request`, `policy.invalid`, `config.*`, or
            `api.naive_datetime`.
        EnvironmentFailure: `store.*`.

    """
    key, passphrase = map(secrets_of_authorities, (ca_key_content, ca_key_passphrase))
    fields = request(locals(), "ca_key_content", "ca_key_passphrase", "key", "passphrase")
    return _core.sign_csr(fields, key, passphrase, in_utc(now))
