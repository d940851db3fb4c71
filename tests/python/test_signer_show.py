"""The signers of the controller manager, by its manifest and its files: `kubepki signer show`."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

import kubepki
from kubepki import errors
from trees import PROGRAM, run

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

PKI = "/etc/kubernetes/pki"
KUBEADMS = (f"--cluster-signing-cert-file={PKI}/ca.crt", f"--cluster-signing-key-file={PKI}/ca.key")
# What kubeadm gives to a controller manager whose CA's key is elsewhere.
EXTERNAL = ("--cluster-signing-cert-file=", "--cluster-signing-key-file=")
NAMES = [
    "kubernetes.io/kube-apiserver-client",
    "kubernetes.io/kube-apiserver-client-kubelet",
    "kubernetes.io/kubelet-serving",
    "kubernetes.io/legacy-unknown",
]


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """Make a control-plane node."""
    kubepki.apply(kubepki.plan(node_name="cp1", rootfs=tmp_path))
    return tmp_path


def tell(node: Path, *flags: str) -> None:
    """Write the manifest of a controller manager with these flags."""
    folder = node / "etc/kubernetes/manifests"
    folder.mkdir(exist_ok=True)
    container = {
        "image": "registry.k8s.io/kube-controller-manager:v1.36.2",
        "command": ["kube-controller-manager", "--use-service-account-credentials=true", *flags],
        "volumeMounts": [{"mountPath": PKI, "name": "pki"}],
    }
    volumes = [{"name": "pki", "hostPath": {"path": PKI}}]
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [container], "volumes": volumes}}
    (folder / "kube-controller-manager.yaml").write_text(json.dumps(pod))


def show(node: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run `signer show`."""
    return run(*PROGRAM, "signer", "show", "--rootfs", node, *more)


def seen(node: Path, code: int = 0) -> dict[str, Any]:
    """Return what it says, after the exit code that is expected."""
    done = show(node, "-o", "json")
    assert done.returncode == code, done
    report: dict[str, Any] = json.loads(done.stdout)
    assert [one["name"] for one in report["signers"]] == NAMES
    return report


def states(report: dict[str, Any]) -> list[str]:
    """Return the state of each signer."""
    return [one["state"] for one in report["signers"]]


def test_one_pair_signs_all_for_a_year_and_no_longer_than_the_ca_lasts(node: Path, tmp_path: Path) -> None:
    """What kubeadm sets up; a CA that ends sooner is the limit."""
    tell(node, *KUBEADMS)
    report = seen(node)
    assert states(report) == ["ready"] * 4
    first = report["signers"][0]
    assert (first["certificate"], first["key"], first["has_own_pair"]) == (f"{PKI}/ca.crt", f"{PKI}/ca.key", False)
    assert (first["authority"]["subject"], first["longest_seconds"]) == ("CN=kubernetes", 365 * 86_400)
    assert (report["findings"], report["extra_args"]) == ([], None)
    text = show(node).stdout
    assert (
        f"kubernetes.io/kubelet-serving                 ready   365 days   {first['authority']['not_after'][:4]}"
        in text
    )

    tell(node, *KUBEADMS, "--cluster-signing-duration=720h0m0s")
    assert seen(node)["signers"][3]["longest_seconds"] == 30 * 86_400

    short = tmp_path / "short"
    short.mkdir()
    (short / "kubeadm.yaml").write_text(
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n"
        "caCertificateValidityPeriod: 240h\ncertificateValidityPeriod: 100h\n"
    )
    kubepki.apply(kubepki.plan(short / "kubeadm.yaml", node_name="cp1", rootfs=short))
    tell(short, *KUBEADMS)
    assert 9 * 86_400 < seen(short)["signers"][0]["longest_seconds"] <= 10 * 86_400


def test_an_external_ca_signs_nothing_and_what_kubeadm_has_to_be_told_is_a_configuration(node: Path) -> None:
    """Both forms are read as configurations; the files in them are named by what is there."""
    tell(node, *EXTERNAL)
    report = seen(node)
    assert states(report) == ["disabled"] * 4
    assert f"{PKI}/ca.crt" in report["extra_args"]["v1beta4"]
    (node / "etc/kubernetes/pki/ca.key").unlink()
    report = seen(node)
    assert states(report) == ["disabled"] * 4
    for version, text in report["extra_args"].items():
        assert f"apiVersion: kubeadm.k8s.io/{version}\n" in text
        assert f"{PKI}/ca-signing.key" in text
        (node / "extra.yaml").write_text(text)
        read = run(*PROGRAM, "config", "validate", "--config", node / "extra.yaml", "--node-name", "cp1")
        assert read.returncode == 0, read
    assert f"\n  - name: cluster-signing-key-file\n    value: {PKI}/ca-signing.key\n" in report["extra_args"]["v1beta4"]
    assert f"\n    cluster-signing-key-file: {PKI}/ca-signing.key\n" in report["extra_args"]["v1beta3"]
    text = show(node).stdout
    assert "all signers: disabled: --cluster-signing-cert-file and --cluster-signing-key-file are not given" in text
    assert report["extra_args"]["v1beta3"] in text


def test_with_a_pair_for_some_signers_the_others_are_disabled(node: Path) -> None:
    """As soon as one has its own, the pair for all counts no more; half a pair ends the controller manager."""
    serving = [
        f"--cluster-signing-kubelet-serving-{end}-file={PKI}/ca.{name}"
        for end, name in (("cert", "crt"), ("key", "key"))
    ]
    tell(node, *serving)
    report = seen(node)
    assert states(report) == ["disabled", "disabled", "ready", "disabled"]
    assert report["signers"][2]["has_own_pair"]
    assert report["signers"][0]["reason"].startswith("other signers have pairs of their own")
    assert report["extra_args"] is not None
    tell(node, serving[0])
    report = seen(node, code=1)
    assert states(report) == ["disabled", "disabled", "broken", "disabled"]
    assert report["signers"][2]["reason"] == "--cluster-signing-kubelet-serving-key-file is not given"

    tell(node, *KUBEADMS, *serving)
    report = seen(node, code=1)
    assert states(report) == ["broken"] * 4
    assert [one["code"] for one in report["findings"]] == ["component.would_not_start"]


def test_a_pair_that_cannot_sign_is_found_once_with_its_remedy(node: Path) -> None:
    """Another's key, a bundle, no key, no certificate, an expired CA."""
    tell(node, *KUBEADMS)
    pki = node / "etc/kubernetes/pki"
    certificate, key, other = ((pki / name).read_bytes() for name in ("ca.crt", "ca.key", "front-proxy-ca.key"))

    def finding() -> dict[str, Any]:
        report = seen(node, code=1)
        assert states(report) == ["broken"] * 4
        (found,) = report["findings"]
        assert report["signers"][0]["reason"] == found["evidence"]
        return dict(found)

    (pki / "ca.key").write_bytes(other)
    assert "ca.key is not the key of ca.crt" in finding()["evidence"]
    (pki / "ca.key").unlink()
    assert "ca.key is missing" in finding()["evidence"]
    (pki / "ca.key").write_bytes(key)
    (pki / "ca.crt").write_bytes(certificate + (pki / "front-proxy-ca.crt").read_bytes())
    found = finding()
    assert "ca.crt holds 2 certificates" in found["evidence"]
    assert str(pki / "ca-signing.crt") in found["remedy"]
    (pki / "ca.crt").unlink()
    assert "ca.crt cannot be used" in finding()["evidence"]
    (pki / "ca.crt").write_bytes(certificate)

    later = datetime.now(timezone.utc) + timedelta(days=4000)
    report = kubepki.show_signers(rootfs=node, now=later)
    assert {one.state for one in report.signers} == {"broken"}
    assert [one.code for one in report.findings] == ["certificate.expired"]


def test_a_controller_that_is_turned_off_needs_no_pair(node: Path) -> None:
    """Its older name counts too; a list without `*` has what it names."""
    for controllers, state in [
        ("*,bootstrapsigner,tokencleaner", "ready"),
        ("*,-csrsigning", "disabled"),
        ("-certificatesigningrequest-signing-controller,*", "disabled"),
        ("tokencleaner", "disabled"),
        ("tokencleaner,csrsigning", "ready"),
    ]:
        tell(node, *KUBEADMS, f"--controllers={controllers}")
        report = seen(node)
        assert states(report) == [state] * 4, controllers
        assert report["extra_args"] is None
    tell(node, *KUBEADMS, "--controllers=*,-csrsigning")
    assert "all signers: disabled: --controllers turns the signing controller off" in show(node).stdout


def test_what_cannot_be_seen_is_unknown(node: Path) -> None:
    """A file that the pod does not mount may be in its image."""
    tell(node, "--cluster-signing-cert-file=/in/the/image.crt", "--cluster-signing-key-file=/in/the/image.key")
    report = seen(node)
    assert states(report) == ["unknown"] * 4
    assert report["signers"][0]["reason"] == "/in/the/image.crt is in none of its mounts: it may be in the image"


def test_a_node_without_a_controller_manager_says_where_to_go(node: Path) -> None:
    """A worker; and a manifest that nobody can use."""
    done = show(node)
    assert (done.returncode, "code: signer.no_controller_manager" in done.stderr) == (1, True), done
    tell(node)
    (node / "etc/kubernetes/manifests/kube-controller-manager.yaml").write_text("spec: 3")
    done = show(node)
    assert (done.returncode, "code: signer.bad_manifest" in done.stderr) == (1, True), done
    with pytest.raises(errors.FindingError):
        kubepki.show_signers(rootfs=node)
