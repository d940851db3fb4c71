"""Planning the renewal of certificates; `kubepki.apply` does what the plan says."""

from __future__ import annotations

from datetime import timedelta

from kubepki import _core
from kubepki.api.request import in_utc, request
from kubepki.arguments import asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from typing import Literal

    from kubepki.arguments import StrPath
    from kubepki.types import Algorithm, Plan


@asked("RenewRequest", "names")
def plan_renew(
    names: Literal["all"] | Iterable[str] = "all",
    *,
    kubelet: bool = False,
    kubelet_dir: StrPath = "/var/lib/kubelet",
    before: timedelta | None = None,
    validity: timedelta | None = None,
    algorithm: Algorithm | str | None = None,
    keep_key: bool = False,
    add_sans: Iterable[str] = (),
    remove_sans: Iterable[str] = (),
    sans_from_config: bool = False,
    outlive_ca: Literal["refuse", "clamp", "allow"] = "clamp",
    force: bool = False,
    issuer: Literal["ca", "kubernetes"] = "ca",
    signer: str | None = None,
    issuer_ca: StrPath | None = None,
    approve: bool = False,
    timeout: timedelta | None = None,
    kubeconfig: StrPath | None = None,
    request_timeout: timedelta = timedelta(seconds=30),
    backup_dir: StrPath = "/var/lib/kubepki/backups",
    no_backup: bool = False,
    recover: bool = False,
    config: StrPath | None = None,
    config_text: str | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
    now: datetime | None = None,
) -> Plan:
    """Plan the renewal of certificates, from disk only, even if all have expired and there is no API server.

    Each keeps its whole subject, its alternative names in their order, its usages and further extensions, and gets a
    new key of its own kind, or of the configuration's where there is one. Nothing is changed, but for `recover`.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     planned = plan_renew(["apiserver"], rootfs=folder)
    >>> [(artefact.name, artefact.action.value, artefact.reason) for artefact in planned.artefacts]
    [('apiserver', 'skip', 'missing')]

    Source: kubeadm `cmd/certs.go` (`newCmdCertsRenewal`), `phases/certs/renewal/manager.go`.

    Args:
        names: Which certificates, by kubeadm's names, and `kubelet.conf`, `kubelet-client`, `kubelet-server`; `all`
            means kubeadm's eleven.
        kubelet: With `all`: the kubelet's three too.
        kubelet_dir: The kubelet's directory of the node, with its `config.yaml` and its certificates in `pki`.
        before: Renew only what ends within this time: then a second run changes nothing.
        validity: How long the new certificates are valid, instead of the configuration's period, or 365 days.
        algorithm: The kind of the new keys, as `ECDSA-P256`.
        keep_key: Keep the keys; only the certificates are new.
        add_sans: Add alternative names: `example.test`, `10.0.0.1`, `URI:spiffe://…`, `email:…`.
        remove_sans: Remove alternative names.
        sans_from_config: Use the alternative names of the configuration.
        outlive_ca: What to do with a certificate that would be valid for longer than its CA: let it end with the CA,
            refuse it, or make it anyway, as kubeadm does.
        force: Go on with an expired CA, or with a certificate of another node.
        issuer: Who signs: the CAs on this node, or a signer of the cluster's certificates API, which needs no CA key
            here.
        signer: With `issuer` kubernetes: the signer, as `kubernetes.io/kube-apiserver-client` or
            `clusterissuers.cert-manager.io/NAME`.
        issuer_ca: With `issuer` kubernetes: CA certificates, one of which has to vouch for what was signed; for signers
            that hand out none.
        approve: With `issuer` kubernetes: approve the requests; otherwise somebody else has to.
        timeout: With `issuer` kubernetes: how long certificates are waited for; five minutes without it.
        kubeconfig: The kubeconfig for the cluster's API; without it `$KUBECONFIG`, the pod's service account, the
            node's `admin.conf`, or `~/.kube/config`: the first of them that is there.
        request_timeout: How long each request to the API server may take, with all that is asked again while it is
            busy.
        backup_dir: The directory of the node where backups are kept.
        no_backup: Keep no backup of the files that are replaced or removed.
        recover: First end a change that was interrupted: complete it, or take it back. It is the only change that
            planning makes.
        config: The kubeadm configuration (v1beta3, v1beta4), or `cluster` for the one that the cluster has; kubeadm's
            defaults without one.
        config_text: The configuration itself as YAML or JSON text, instead of `config`.
        lenient: Warn of unknown fields, as kubeadm does; they are errors otherwise.
        node_name: The node's name, instead of the configuration's.
        certificates_dir: The directory of certificates of the node, instead of the configuration's `certificatesDir`.
        kubeconfig_dir: The directory of kubeconfigs of the node, instead of `/etc/kubernetes`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        now: The moment from which validity counts.

    Raises:
        ConfigurationError: `config.*`, `plan.unknown_name`, `plan.not_renewable`, `plan.bad_request`,
            `key.unknown_algorithm`, or `api.naive_datetime`.
        EnvironmentFailure: `store.*`. A file of the node that cannot be used is a finding in the plan instead.

    """
    return _core.plan_renew(request(locals()), in_utc(now))


@asked("RenewCaRequest", "names")
def plan_renew_ca(
    names: Literal["all"] | Iterable[str] = "all",
    *,
    certificates: StrPath | Iterable[StrPath] = (),
    validity: timedelta | None = None,
    before: timedelta | None = None,
    backup_dir: StrPath = "/var/lib/kubepki/backups",
    no_backup: bool = False,
    recover: bool = False,
    config: StrPath | None = None,
    config_text: str | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
    now: datetime | None = None,
) -> Plan:
    """Plan new certificates for CAs, with the keys and names that they have: what they have signed stays valid.

    Every copy on the node is replaced at once: in `ca.crt`, in the files beside it and in kubeconfigs, and only this
    certificate where others stand beside it. All nodes must have the same one: the others get it by `certificates`.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     planned = plan_renew_ca("all", rootfs=folder)
    >>> planned.operation, planned.is_empty
    ('ca renew', True)

    Source: RFC 5280 section 6.1 (a path is found by names and keys).

    Args:
        names: Which CAs, by kubeadm's names: `ca`, `front-proxy-ca`, `etcd-ca`; all that the node has, or none for an
            empty list.
        certificates: The renewed certificate, from the node or the owner that has the key: nothing is signed here, and
            no key is needed.
        validity: How long the new certificates are valid, instead of the configuration's `caCertificateValidityPeriod`,
            or 3650 days.
        before: Renew only what ends within this time: then a second run changes nothing.
        backup_dir: The directory of the node where backups are kept.
        no_backup: Keep no backup of the files that are replaced or removed.
        recover: First end a change that was interrupted: complete it, or take it back. It is the only change that
            planning makes.
        config: The kubeadm configuration (v1beta3, v1beta4), or `cluster` for the one that the cluster has; kubeadm's
            defaults without one.
        config_text: The configuration itself as YAML or JSON text, instead of `config`.
        lenient: Warn of unknown fields, as kubeadm does; they are errors otherwise.
        node_name: The node's name, instead of the configuration's.
        certificates_dir: The directory of certificates of the node, instead of the configuration's `certificatesDir`.
        kubeconfig_dir: The directory of kubeconfigs of the node, instead of `/etc/kubernetes`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        now: The moment from which validity counts.

    Raises:
        ConfigurationError: `config.*`, `plan.unknown_name`, `plan.bad_request`, or `api.naive_datetime`.
        EnvironmentFailure: `store.*`. A file of the node that cannot be used is a finding in the plan instead.

    """
    return _core.plan_renew_ca(request(locals()), in_utc(now))


def renewable_names() -> list[str]:
    """Return every name that `plan_renew` takes: kubeadm's eleven, then the kubelet's.

    >>> renewable_names()[0], renewable_names()[-1]
    ('admin.conf', 'kubelet-server')
    """
    return _core.renewable_names()
