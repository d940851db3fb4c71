"""CA keys that are on no disk in the clear: as text, and behind a passphrase."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import kubepki
from trees import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_key_as_text_behind_a_passphrase_signs_what_is_not_signed_well(tmp_path: Path) -> None:
    kubepki.apply(kubepki.plan(certificates=["ca"], kubeconfigs=(), node_name="cp1", rootfs=tmp_path))
    kubepki.apply(kubepki.plan_generate_csr(names=["apiserver"], node_name="cp1", rootfs=tmp_path, out_dir="/requests"))
    cas = tmp_path / "etc/kubernetes/pki"
    csr = next(tmp_path.rglob("apiserver.csr")).read_text()
    sealed = tmp_path / "sealed"
    done = run("openssl", "pkcs8", "-topk8", "-passout", "pass:open sesame", "-in", cas / "ca.key", "-out", sealed)
    assert done.returncode == 0, done.stderr
    (cas / "ca.key").unlink()
    arguments: dict[str, Any] = {"name": "apiserver", "role": "control-plane", "node_name": "cp1"}
    key = sealed.read_bytes()
    sealed.unlink()
    signed = kubepki.sign_csr(
        csr, ca_dir=cas, ca_key_content={"ca": key}, ca_key_passphrase=b"open sesame", **arguments
    )
    assert not signed.is_kept
    # The same is kept, and a dry run says so; one that would sign has no certificate.
    given: dict[str, Any] = {
        "ca_cert": cas / "ca.crt",
        "ca_key_content": key.decode(),
        "ca_key_passphrase": "open sesame",
        **arguments,
    }
    kept = kubepki.sign_csr(csr, present=str(signed), renew_before=timedelta(days=30), dry_run=True, **given)
    assert (kept.is_kept, kept.certificate, kept.before_text) == (True, signed.certificate, kept.after_text)
    due = kubepki.sign_csr(csr, present=str(signed), renew_before=timedelta(days=370), dry_run=True, **given)
    assert (due.is_kept, due.certificate, due.serial) == (False, None, None)
    assert "serial: (new)" in due.after_text
    assert f"serial: {signed.serial}" in due.before_text
    with pytest.raises(kubepki.ConfigurationError, match="nothing says where"):
        kubepki.sign_csr(csr, **arguments)
    with pytest.raises(TypeError, match="ca_key_content"):
        kubepki.sign_csr(csr, **{**given, "ca_key_content": {"ca": 5}})


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_certificate_that_an_intermediate_ca_signed_is_kept_with_its_chain(tmp_path: Path) -> None:
    kubepki.apply(kubepki.plan(certificates=["ca"], kubeconfigs=(), node_name="cp1", rootfs=tmp_path))
    asked = kubepki.plan_generate_csr(
        names=["apiserver"], node_name="cp1", rootfs=tmp_path, out_dir="/requests", with_usages=True
    )
    kubepki.apply(asked)
    pki, request = tmp_path / "etc/kubernetes/pki", next(tmp_path.rglob("apiserver.csr"))
    key, middle, leaf = (tmp_path / name for name in ("middle.key", "middle.crt", "leaf.crt"))
    extensions = tmp_path / "extensions"
    extensions.write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n")
    new = ("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-subj", "/CN=middle", "-out", middle)
    by_root = ("x509", "-req", "-in", middle, "-CA", pki / "ca.crt", "-CAkey", pki / "ca.key", "-days", "90")
    by_middle = ("x509", "-req", "-in", request, "-CA", middle, "-CAkey", key, "-days", "60")
    for command in (
        new,
        (*by_root, "-extfile", extensions, "-out", middle),
        (*by_middle, "-copy_extensions", "copyall", "-out", leaf),
    ):
        done = run("openssl", *command)
        assert done.returncode == 0, done.stderr
    given: dict[str, Any] = {"name": "apiserver", "role": "control-plane", "node_name": "cp1", "ca_dir": pki}
    for present, is_kept in ((leaf.read_text() + middle.read_text(), True), (leaf.read_text(), False)):
        answer = kubepki.sign_csr(request.read_text(), present=present, dry_run=True, **given)
        assert (answer.is_kept, answer.reason == "the certificate is not of this CA") == (is_kept, not is_kept)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_plan_is_signed_with_a_key_behind_a_passphrase_which_it_does_not_hold(tmp_path: Path) -> None:
    kubepki.apply(kubepki.plan(certificates=["ca"], kubeconfigs=(), node_name="cp1", rootfs=tmp_path))
    kubepki.apply(kubepki.plan_generate_csr(names=["apiserver"], node_name="cp1", rootfs=tmp_path, out_dir="/requests"))
    key = tmp_path / "etc/kubernetes/pki/ca.key"
    sealed = tmp_path / "sealed"
    done = run("openssl", "pkcs8", "-topk8", "-passout", "pass:open sesame", "-in", key, "-out", sealed)
    assert done.returncode == 0, done.stderr
    sealed.replace(key)
    arguments: dict[str, Any] = {"role": "control-plane", "node_name": "cp1", "rootfs": tmp_path}
    for wrong in (None, "open barley"):
        blocked = kubepki.plan_sign("/requests", ca_key_passphrase=wrong, **arguments)
        assert blocked.is_blocked
    opened: dict[str, Any] = {**arguments, "ca_key_passphrase": "open sesame"}
    plan = kubepki.plan_sign("/requests", **opened)
    assert not plan.is_blocked, plan
    assert "sesame" not in str(plan.to_dict()) + repr(plan)
    kubepki.rehearse(plan)
    with pytest.raises(kubepki.KubepkiError):
        kubepki.apply(plan)
    assert not list(tmp_path.rglob("requests/*.crt"))
    # A plan that went through a file is the same.
    read = kubepki.Plan.from_dict(plan.to_dict())
    report = kubepki.apply(read, ca_key_passphrase=b"open sesame")
    assert [change.name for change in report.changed] == ["apiserver"]
    with pytest.raises(TypeError, match="ca_key_passphrase"):
        kubepki.apply(read, ca_key_passphrase=5)  # type: ignore[arg-type]
