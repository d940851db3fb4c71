"""Signing requests: made on a node, signed where the CA is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from kubepki import _core
from kubepki.api.node import DEFAULT_KUBELET_DIR, in_utc, node_fields, path_text, path_texts, selection
from kubepki.arguments import checked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta

    from typing_extensions import Unpack

    from kubepki.api.node import NodeOptions, StrPath
    from kubepki.types import Plan, SignedCertificate


def leaf_names() -> list[str]:
    """Return every name that a request can be made and signed for, in kubeadm's order."""
    return _core.leaf_names()


@checked
def plan_generate_csr(
    config: StrPath | None = None,
    *,
    names: Literal["all"] | Iterable[str] = "all",
    role: Literal["control-plane", "worker", "etcd"] | None = None,
    with_usages: bool = False,
    reuse_keys: bool = False,
    renew: bool = False,
    keep_key: bool = False,
    kubelet_dir: StrPath = DEFAULT_KUBELET_DIR,
    out_dir: StrPath | None = None,
    recover: bool = False,
    now: datetime | None = None,
    **node: Unpack[NodeOptions],
) -> Plan:
    """Plan keys and signing requests, as `kubeadm certs generate-csr` makes them; `apply` makes them, all or none.

    A file in the way is a critical finding (`file.exists`), so nothing is overwritten. No CA is needed.

    Source: kubeadm `cmd/certs.go` (`newCmdGenCSR`).

    Args:
        config: See `kubepki.api`, as for `node`.
        names: kubeadm's names (`apiserver`, `admin.conf`), or all; `kubelet-client` for what the kubelet shows to the
            API server and cannot renew any more.
        role: Which kind of node; the configuration's without one. `etcd` means what etcd's CA signs.
        with_usages: Whether requests ask for key usages and extended key usages too; kubeadm's do not.
        reuse_keys: Whether a key that is there is used; its request is then made anew.
        renew: Whether the requests are for the certificates that are there, for another CA to renew.
        keep_key: Whether a renewed certificate keeps its key.
        kubelet_dir: The kubelet's folder.
        out_dir: The folder that the files go into, laid out as `/etc/kubernetes`; for a renewal with new keys it is
            `renewal` below the kubeconfig folder unless given, and always for `kubelet-client`.
        recover: Whether a change that was interrupted is completed or taken back first.
        now: The moment that the plan records.
        **node: Which node, and where its files are.

    Raises:
        ConfigurationError: `config.*`, `plan.unknown_name`, or `api.naive_datetime`.
        EnvironmentFailure: `store.*`.

    """
    new_keys = "same_keys" if keep_key else "new_keys"
    return _core.plan_generate_csr(
        {
            "node": node_fields(config, **node),
            "names": selection(names),
            "role": role,
            "with_usages": with_usages,
            "reuse_keys": reuse_keys,
            "renewal": new_keys if renew else "no",
            "kubelet_dir": path_text(kubelet_dir),
            "out_dir": path_text(out_dir),
            "recover": recover,
        },
        in_utc(now),
    )


@checked
def plan_sign(
    csr_dir: StrPath | None = None,
    *,
    files: Mapping[str, StrPath] | Iterable[StrPath] = (),
    ca_dir: StrPath | None = None,
    out_dir: StrPath | None = None,
    validity: timedelta | None = None,
    policy: StrPath | None = None,
    serial_file: StrPath | None = None,
    serial_files: bool = False,
    outlive_ca: Literal["refuse", "clamp", "allow"] = "refuse",
    force: bool = False,
    partial: bool = False,
    config: StrPath | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    role: Literal["control-plane", "worker", "etcd"] | None = None,
    nodes: StrPath | Mapping[str, Mapping[str, str]] | None = None,
    rootfs: StrPath | None = None,
    recover: bool = False,
    now: datetime | None = None,
) -> Plan:
    """Plan the certificates that answer signing requests, where the CA is; `apply` signs and writes them, all or none.

    Each request is held against the catalogue first: its signature, key, subject, alternative names and usages. What
    is not as it should be is a critical finding (`request.*`), and every reason is there. Usages and constraints are
    the catalogue's, never the request's; alternative names are the request's.

    Which node a request is from, and of which kind it is, is what you say, never what the request or its node says:
    `node_name` and `role` for one node, `nodes` for the folders of many. Without a role nothing but a worker's
    `kubelet.conf` is signed; without a name, nothing that holds one.

    Args:
        csr_dir: A folder with requests at any depth, named as kubeadm names them (`etcd/server.csr`).
        files: Requests by their files, or by name: `{"kubelet.conf": "node7.csr"}`.
        ca_dir: The folder with the CAs, laid out as `/etc/kubernetes/pki`, which it is unless given.
        out_dir: The folder for the certificates; each goes beside its request without one.
        validity: How long they are valid; the configuration's or kubeadm's time without it.
        policy: A policy file, which loosens or tightens the catalogue's rules.
        serial_file: openssl's file with the last serial number, for one CA; numbers are random without one.
        serial_files: Whether there is such a file beside each CA (`ca.srl`).
        outlive_ca: What to do with a certificate that would be valid for longer than its CA.
        force: Whether certificates that are there make way.
        partial: Whether what can be signed is signed although something is refused.
        config: A kubeadm configuration, which says what alternative names there may be.
        lenient: Whether unknown fields of it are warnings.
        node_name: The name of the node that the requests are from, unless the configuration names it.
        role: Its kind, which bounds what is signed.
        nodes: For the requests of many nodes, the node of each folder of `csr_dir`: `{"cp1": {"role":
            "control-plane"}, "w1": {"role": "worker", "node_name": "w1.example"}}`, or a YAML file that says the same.
            A node without a name has its folder's.
        rootfs: See `kubepki.api`.
        recover: Whether a change that was interrupted is completed or taken back first.
        now: The moment from which validity counts.

    Raises:
        ConfigurationError: `config.*`, `policy.invalid`, `plan.bad_request`, `sign.*`, `cli.usage`, or
            `api.naive_datetime`.
        EnvironmentFailure: `store.*`.

    """
    is_mapping = nodes is not None and not isinstance(nodes, (str, os.PathLike))
    serial_numbers: str | dict[str, str | None] = "beside_authority" if serial_files else "random"
    if serial_file is not None:
        serial_numbers = {"file": path_text(serial_file)}
    return _core.plan_sign(
        {
            "node": node_fields(config, lenient=lenient, node_name=node_name, certificates_dir=ca_dir, rootfs=rootfs),
            "role": role,
            "nodes": nodes if is_mapping else None,
            "nodes_file": None if is_mapping else path_text(nodes),  # type: ignore[arg-type]
            "csr_dir": path_text(csr_dir),
            "files": _named_files(files),
            "out_dir": path_text(out_dir),
            "validity_seconds": None if validity is None else int(validity.total_seconds()),
            "policy": path_text(policy),
            "serial_numbers": serial_numbers,
            "outlive_authority": outlive_ca,
            "force": force,
            "partial": partial,
            "recover": recover,
        },
        in_utc(now),
    )


@checked
def sign_csr(
    csr: str,
    *,
    name: str,
    ca_cert: StrPath,
    ca_key: StrPath,
    validity: timedelta | None = None,
    policy: StrPath | None = None,
    outlive_ca: Literal["refuse", "clamp", "allow"] = "refuse",
    config: StrPath | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    role: Literal["control-plane", "worker", "etcd"] | None = None,
    config_text: str | None = None,
    now: datetime | None = None,
) -> SignedCertificate:
    """Sign one request that is given as text, and write nothing.

    It is held against the same rules as by `plan_sign`. The serial number is random.

    Args:
        csr: The request in PEM.
        name: kubeadm's name (`apiserver`, `kubelet.conf`), or one that the policy adds.
        ca_cert: The certificate of the CA that signs this name.
        ca_key: Its key.
        validity: See `plan_sign`, as for the rest.
        policy: A policy file.
        outlive_ca: What to do with a certificate that would be valid for longer than its CA.
        config: A kubeadm configuration.
        lenient: Whether unknown fields of it are warnings.
        node_name: The name of the node that the request is from.
        role: Its kind.
        config_text: The configuration itself, instead of `config`.
        now: The moment from which validity counts.

    Raises:
        RefusedError: `policy.refused`, with every reason in `context["findings"]`.
        FindingError: `plan.blocked` when the CA may not sign; `x509.*` when there is no request in the text.
        ConfigurationError: `plan.unknown_name`, `policy.invalid`, `config.*`, or `api.naive_datetime`.
        EnvironmentFailure: `store.*`.

    """
    return _core.sign_csr(
        {
            "node": node_fields(config, lenient=lenient, node_name=node_name, config_text=config_text),
            "role": role,
            "csr": csr,
            "name": name,
            "ca_certificate": path_text(ca_cert),
            "ca_key": path_text(ca_key),
            "validity_seconds": None if validity is None else int(validity.total_seconds()),
            "policy": path_text(policy),
            "outlive_authority": outlive_ca,
        },
        in_utc(now),
    )


def _named_files(files: Mapping[str, StrPath] | Iterable[StrPath]) -> list[dict[str, str | None]]:
    from collections.abc import Mapping

    if isinstance(files, Mapping):
        return [{"path": path_text(path), "name": name} for name, path in files.items()]
    return [{"path": path, "name": None} for path in path_texts(files)]
