"""`certs renew` on kubeadm's own trees, held against what `kubeadm certs renew all` made of them, and as a process."""

from __future__ import annotations

import json
import re
import shutil
import stat
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import kubepki
from trees import GOLDEN, LEAVES, embedded, facts, golden, run, state
from trees import kubepki as command

if TYPE_CHECKING:
    from subprocess import CompletedProcess

CASES = sorted(path.parent.name for path in GOLDEN.glob("*/facts.json"))
NOTICE = "Done renewing certificates. You must restart"


def renew(*arguments: str | Path, rootfs: Path) -> CompletedProcess[str]:
    return command("certs", "renew", *arguments, "--rootfs", rootfs)


def certificate_in(path: Path) -> x509.Certificate:
    pem = embedded(path, "client-certificate-data") if path.suffix == ".conf" else path.read_bytes()
    return x509.load_pem_x509_certificate(pem)


def decoded(certificate: x509.Certificate) -> dict[str, Any]:
    """Return what `facts.json` says of a certificate, in its words; times, serial numbers and key ids apart."""
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
    kind = f"RSA-{key.key_size}" if isinstance(key, rsa.RSAPublicKey) else f"ECDSA-{key.curve.name}"
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return {
        "subject": named(certificate.subject),
        "issuer": named(certificate.issuer),
        "key": kind,
        "signature": certificate.signature_algorithm_oid._name,  # noqa: SLF001 (there is no other way to the name)
        "lifetime_seconds": int(lifetime.total_seconds()),
        "extensions": [extension(each) for each in certificate.extensions],
    }


def named(name: x509.Name) -> list[list[list[str]]]:
    return [[[part.oid._name, str(part.value)] for part in relative] for relative in name.rdns]  # noqa: SLF001


def extension(each: x509.Extension[Any]) -> dict[str, Any]:
    oid, critical, value = each.oid.dotted_string, each.critical, each.value
    fields: dict[str, Any] = {"oid": oid, "critical": critical, "name": each.oid._name}  # noqa: SLF001
    if isinstance(value, x509.KeyUsage):
        usages = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"]
        usages += ["key_cert_sign", "crl_sign"]
        fields["usages"] = [usage for usage in usages if getattr(value, usage)]
    elif isinstance(value, x509.ExtendedKeyUsage):
        fields["usages"] = [usage._name for usage in value]  # noqa: SLF001
    elif isinstance(value, x509.BasicConstraints):
        fields |= {"ca": value.ca, "path_length": value.path_length}
    elif isinstance(value, x509.AuthorityKeyIdentifier):
        fields["id"] = value.key_identifier.hex() if value.key_identifier else None
    elif isinstance(value, x509.SubjectAlternativeName):
        fields["dns"] = value.get_values_for_type(x509.DNSName)
        fields["ip"] = [str(address) for address in value.get_values_for_type(x509.IPAddress)]
    return fields


@pytest.mark.parametrize("case", CASES)
def test_a_golden_tree_renewed_is_what_kubeadm_renewed(case: str, tmp_path: Path) -> None:
    kubernetes = golden(tmp_path, case)
    before = {path.name: path.read_bytes() for path in (kubernetes / "pki").iterdir() if path.is_file()}
    config = GOLDEN / case / "config.yaml"
    done = renew("all", "--config", config, "--no-backup", rootfs=tmp_path)
    assert done.returncode == 0, done.stderr
    kubeadms = next((GOLDEN / case / "stdout").glob("*renew*")).read_text().split("--- ")[0]
    # kubeadm names all four, though etcd and the API server load their certificates by themselves.
    all_four = "kube-apiserver, kube-controller-manager, kube-scheduler and etcd"
    kubeadms = kubeadms.replace(all_four, "kube-controller-manager and kube-scheduler")
    assert done.stdout == kubeadms
    assert {path.name for path in kubernetes.rglob("*")} == {Path(name).name or "kubernetes" for name in names(case)}

    expected = facts(case)["renewed"]
    for name, fact in expected.items():
        assert stat.S_IMODE((kubernetes / name).stat().st_mode) == int(fact["mode"], 8), name
        if "certificate" not in fact or name in untouched(case):
            continue
        wanted = {field: fact["certificate"][field] for field in decoded(certificate_in(kubernetes / name))}
        assert decoded(certificate_in(kubernetes / name)) == wanted, name
    for name in ("ca.crt", "ca.key", "sa.key", "sa.pub", "front-proxy-ca.crt", "front-proxy-ca.key"):
        assert (kubernetes / "pki" / name).read_bytes() == before[name]


def names(case: str) -> list[str]:
    return [name for name in facts(case)["renewed"] if name != "./"]


def untouched(case: str) -> set[str]:
    """Return what kubeadm leaves as it is: CAs, kubelet.conf, and what an outside etcd's owner gave."""
    given = {"pki/apiserver-etcd-client.crt"} if case == "external-etcd" else set()
    return {"pki/ca.crt", "pki/front-proxy-ca.crt", "pki/etcd/ca.crt", "kubelet.conf", *given}


@pytest.mark.parametrize("age", [timedelta(hours=2), timedelta(days=5 * 365)])
def test_an_expired_tree_is_renewed_and_openssl_verifies_it(age: timedelta, tmp_path: Path) -> None:
    kubernetes = golden(tmp_path, "minimal")
    last = max(certificate_in(kubernetes / "pki" / f"{base}.crt").not_valid_after_utc for base in LEAVES)
    now = last + age
    plan = kubepki.plan_renew(rootfs=tmp_path, no_backup=True, now=now)
    assert {each.reason for each in plan.artefacts} == {"expired"}
    assert len(kubepki.apply(plan).changed) == 11
    moment = ("-attime", str(int(now.timestamp())))
    for base, ca in LEAVES.items():
        pki = kubernetes / "pki"
        answer = run("openssl", "verify", *moment, "-CAfile", pki / f"{ca}.crt", pki / f"{base}.crt")
        assert answer.returncode == 0, answer.stderr
        key = run("openssl", "pkey", "-in", pki / f"{base}.key", "-pubout").stdout
        assert run("openssl", "x509", "-in", pki / f"{base}.crt", "-noout", "-pubkey").stdout == key


def test_a_dry_run_shows_what_is_and_what_will_be(tmp_path: Path) -> None:
    kubernetes = golden(tmp_path, "minimal")
    before = (kubernetes / "pki/apiserver.crt").read_bytes()
    dry = ("apiserver", "--dry-run", "--add-san", "lb.example.test", "--algorithm", "ECDSA-P256")
    shown = renew(*dry, rootfs=tmp_path)
    assert shown.returncode == 0, shown.stderr
    header, row = (re.split(r" {2,}", line) for line in shown.stdout.splitlines())
    assert header == ["NAME", "ACTION", "REASON", "ENDS", "WILL END", "SERIAL", "KEY", "NAMES", "FILES"]
    assert row[0:2] == ["apiserver", "renew"]
    assert row[5:8] == [
        "3e0c0fe0b2688090",
        "RSA-2048 -> ECDSA-P256",
        "+DNS:lb.example.test",
    ]
    diff = renew(*dry, "--diff", rootfs=tmp_path).stdout
    changed = [line for line in diff.splitlines() if line[:1] in "+-"]
    assert changed[:2] == ["--- apiserver (is)", "+++ apiserver (will be)"]
    assert "+serial: (new)" in changed
    assert "+key: ECDSA-P256" in changed
    assert "+  DNS:lb.example.test" in changed
    assert "PRIVATE" not in diff
    data = json.loads(renew(*dry, "-o", "json", rootfs=tmp_path).stdout)
    assert data["report"] is None
    assert data["plan"]["artefacts"][0]["current"]["key"] == "RSA-2048"
    assert data["plan"]["backup_dir"] == "/var/lib/kubepki/backups"
    assert (kubernetes / "pki/apiserver.crt").read_bytes() == before


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    golden(tmp_path, "ecdsa-p256")
    first = renew("all", "--before", "400d", "--validity", "500d", rootfs=tmp_path)
    assert first.returncode == 0, first.stderr
    assert NOTICE in first.stdout
    state = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    second = renew("all", "--before", "400d", "--validity", "500d", rootfs=tmp_path)
    assert (second.returncode, second.stdout) == (0, "")
    assert second.stderr.splitlines()[-1] == "nothing to do; 11 kept"
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == state


def test_a_diff_alone_changes_nothing(tmp_path: Path) -> None:
    golden(tmp_path, "ecdsa-p256")
    before = state(tmp_path)
    for more in ((), ("--restart",), ("-o", "json")):
        shown = renew("apiserver", "--diff", *more, rootfs=tmp_path)
        assert (shown.returncode, state(tmp_path)) == (0, before), shown.stderr
        assert "dry run: nothing was changed; 1 would be renewed" in shown.stderr
        assert "(new)" in shown.stdout or more == ("-o", "json")


@pytest.mark.parametrize(
    ("names", "components"),
    [
        (["apiserver", "etcd-peer"], []),
        (["scheduler.conf", "front-proxy-client"], ["kube-scheduler"]),
        (["admin.conf", "etcd-healthcheck-client"], []),
        (["kubelet.conf"], ["kubelet"]),
        (["all"], ["kube-controller-manager", "kube-scheduler"]),
        (["all", "kubelet.conf"], ["kube-controller-manager", "kube-scheduler", "kubelet"]),
    ],
)
def test_the_last_line_names_who_reads_what_was_renewed_only_at_its_start(
    names: list[str], components: list[str], tmp_path: Path
) -> None:
    golden(tmp_path, "ecdsa-p256")
    done = renew(*names, rootfs=tmp_path)
    assert done.returncode == 0, done.stderr
    last = done.stderr.splitlines()[-1]
    wanted = f"to use them: kubepki restart {' '.join(components)} --rootfs {tmp_path}"
    assert (last == wanted) if components else ("restart" not in done.stderr)
    assert (NOTICE in done.stdout) == ("all" in names)
    if components:
        dry = command(*last.split(": kubepki ", 1)[1].split(), "--dry-run")
        assert "unrecognized" not in dry.stderr
    nothing = renew(*names, "--before", "1h", rootfs=tmp_path)
    assert (nothing.returncode, nothing.stdout, "restart" in nothing.stderr) == (0, "", False)


def test_new_names_are_a_matter_of_the_clusters_configuration_too(tmp_path: Path) -> None:
    golden(tmp_path, "ecdsa-p256")
    done = renew("apiserver", "etcd-peer", "--add-san", "more.example.test", rootfs=tmp_path)
    assert done.returncode == 0, done.stderr
    (said,) = [line for line in done.stderr.splitlines() if "kubeadm-config" in line]
    assert "apiServer.certSANs and etcd.local.peerCertSANs" in said
    assert "`kubectl -n kube-system edit configmap kubeadm-config`" in said
    assert "kubeadm-config" not in renew("apiserver", rootfs=tmp_path).stderr


def kinds(tmp_path: Path, *arguments: str | Path) -> dict[str, tuple[str, str]]:
    """Return the kind of each new key, and the reason, as a dry run has it."""
    shown = command(*arguments, "--rootfs", tmp_path, "--dry-run", "-o", "json")
    assert shown.returncode == 0, shown.stderr
    artefacts = json.loads(shown.stdout)["plan"]["artefacts"]
    return {each["name"]: (each["new_key"], each["reason"]) for each in artefacts if each["new_key"]}


@pytest.mark.parametrize(
    "verb",
    [("certs", "renew", "all"), ("certs", "generate-csr", "--renew"), ("certs", "generate-csr", "--out-dir", "/out")],
)
def test_keys_keep_their_kind_unless_the_configuration_says_another(verb: tuple[str, ...], tmp_path: Path) -> None:
    golden(tmp_path, "ecdsa-p256")
    text = (GOLDEN / "ecdsa-p256/config.yaml").read_text()
    silent, explicit = tmp_path / "silent.yaml", tmp_path / "explicit.yaml"
    silent.write_text(text.replace("encryptionAlgorithm: ECDSA-P256", ""))
    explicit.write_text(text.replace("ECDSA-P256", "RSA-2048"))
    kept = kinds(tmp_path, *verb, "--config", silent)
    assert len(kept) >= 11
    assert {kind for kind, _ in kept.values()} == {"ECDSA-P256"}
    assert not any("becomes" in reason for _, reason in kept.values())
    changed = kinds(tmp_path, *verb, "--config", explicit)
    assert {kind for kind, _ in changed.values()} == {"RSA-2048"}
    if "--out-dir" not in verb:
        assert all("its key becomes RSA-2048 (it is ECDSA-P256)" in reason for _, reason in changed.values())
    gate = text.replace("encryptionAlgorithm: ECDSA-P256", "featureGates: {PublicKeysECDSA: false}")
    explicit.write_text(gate)
    assert {kind for kind, _ in kinds(tmp_path, *verb, "--config", explicit).values()} == {"RSA-2048"}


def test_an_algorithm_on_the_command_line_is_named_in_the_plan(tmp_path: Path) -> None:
    golden(tmp_path, "ecdsa-p256")
    said = kinds(tmp_path, "certs", "renew", "apiserver", "--algorithm", "ECDSA-P384", "--before", "1h")
    kind, reason = said["apiserver"]
    assert kind == "ECDSA-P384"
    assert reason.endswith("; its key becomes ECDSA-P384 (it is ECDSA-P256)")


def test_names_that_cannot_be_removed_or_are_there_already(tmp_path: Path) -> None:
    golden(tmp_path, "ecdsa-p256")
    before = state(tmp_path)
    absent = renew("apiserver", "--remove-san", "old.example.test", rootfs=tmp_path)
    assert (absent.returncode, state(tmp_path)) == (1, before)
    assert "DNS:old.example.test" in absent.stderr
    assert "[certificate.name_absent]" in absent.stderr
    assert "remedy: correct the name in --remove-san, or leave it out\n" in absent.stderr
    both = renew("apiserver", "--add-san", "a.test", "--remove-san", "A.test", rootfs=tmp_path)
    assert (both.returncode, state(tmp_path)) == (2, before)
    assert "both added and removed" in both.stderr
    # A scheduled run may have removed it the first time.
    again = renew("apiserver", "--remove-san", "old.example.test", "--before", "1h", rootfs=tmp_path)
    assert (again.returncode, state(tmp_path)) == (0, before)
    assert "warning: apiserver: " in again.stderr
    there = renew("apiserver", "--add-san", "kubernetes", rootfs=tmp_path)
    assert there.returncode == 0
    assert "info: apiserver: it has DNS:kubernetes already [certificate.name_present]" in there.stderr
    removed = renew("apiserver", "--remove-san", "kubernetes", rootfs=tmp_path)
    assert removed.returncode == 0, removed.stderr


@pytest.mark.parametrize("before", [None, timedelta(days=30)])
def test_an_expired_kubelet_certificate_is_named_with_its_option(before: timedelta | None, tmp_path: Path) -> None:
    kubernetes = golden(tmp_path, "ecdsa-p256")
    end = certificate_in(kubernetes / "kubelet.conf").not_valid_after_utc
    for now, code in (
        (end - timedelta(days=90), None),
        (end - timedelta(days=20), "certificate.expires_soon"),
        (end + timedelta(days=1), "certificate.expired"),
    ):
        plan = kubepki.plan_renew(rootfs=tmp_path, before=before, now=now)
        found = [finding for finding in plan.findings if finding.subject == "kubelet.conf"]
        assert [finding.code for finding in found] == ([code] if code else [])
        assert all("--kubelet" in finding.evidence for finding in found)
        assert all("`kubepki certs renew all --kubelet --before 30d --restart" in finding.remedy for finding in found)
        assert not plan.is_blocked
        asked = kubepki.plan_renew(rootfs=tmp_path, before=before, kubelet=True, now=now)
        assert [finding for finding in asked.findings if finding.code == code] == []
        single = kubepki.plan_renew(["apiserver"], rootfs=tmp_path, before=before, now=now)
        assert [finding for finding in single.findings if finding.subject == "kubelet.conf"] == []
    # Without the CA's key no command of this node helps.
    (kubernetes / "pki/ca.key").unlink()
    (dead,) = [
        finding
        for finding in kubepki.plan_renew(rootfs=tmp_path, before=before, now=end + timedelta(days=1)).findings
        if finding.subject == "kubelet.conf"
    ]
    assert "kubepki certs renew" not in dead.remedy


def test_what_was_replaced_is_in_a_backup(tmp_path: Path) -> None:
    kubernetes = golden(tmp_path, "ecdsa-p256")
    old = (kubernetes / "pki/apiserver.key").read_bytes()
    assert renew("apiserver", rootfs=tmp_path).returncode == 0
    (backup,) = (tmp_path / "var/lib/kubepki/backups").iterdir()
    assert old in [path.read_bytes() for path in backup.iterdir()]
    assert (kubernetes / "pki/apiserver.key").read_bytes() != old
    shutil.rmtree(tmp_path / "var")
    assert renew("apiserver", "--no-backup", rootfs=tmp_path).returncode == 0
    assert not (tmp_path / "var").exists()


def test_exit_codes_say_what_happened(tmp_path: Path) -> None:
    kubernetes = golden(tmp_path, "ecdsa-p256")
    (kubernetes / "pki/front-proxy-ca.key").unlink()
    (kubernetes / "super-admin.conf").unlink()
    external = "Detected external front-proxy-ca, certificate for the front proxy client can't be renewed"
    missing = "MISSING! certificate embedded in the kubeconfig file for the super-admin"
    everything = renew("all", rootfs=tmp_path)
    assert everything.returncode == 0
    assert {external, missing} <= set(everything.stdout.splitlines())
    named = renew("front-proxy-client", rootfs=tmp_path)
    assert (named.returncode, named.stdout) == (1, f"{external}\n")
    assert "not renewed: front-proxy-client" in named.stderr
    partly = renew("super-admin.conf", "apiserver", rootfs=tmp_path)
    assert partly.returncode == 5
    assert partly.stdout.splitlines() == ["certificate for serving the Kubernetes API renewed", missing]
    blocked_by = kubernetes / "pki/ca.key"
    blocked_by.write_bytes((kubernetes / "pki/etcd/ca.key").read_bytes())
    blocked = renew("all", rootfs=tmp_path)
    assert blocked.returncode == 1
    assert "[key.mismatch]" in blocked.stderr
    assert "nothing was changed: 1 critical finding" in blocked.stderr
    for wrong, code in (("ca", "plan.not_renewable"), ("apisrever", "plan.unknown_name")):
        answer = renew(wrong, rootfs=tmp_path)
        assert answer.returncode == 2
        assert f"code: {code}" in answer.stderr
    assert renew(rootfs=tmp_path).returncode == 2


def test_a_folder_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    kubernetes = golden(tmp_path, "ecdsa-p256")
    state = {path: path.read_bytes() for path in kubernetes.rglob("*") if path.is_file()}
    immutable = kubernetes / "pki/etcd"
    shutil.move(immutable, tmp_path / "elsewhere")
    immutable.symlink_to("../../../elsewhere/nothing")
    answer = renew("all", rootfs=tmp_path)
    assert answer.returncode == 1, answer.stderr
    assert "store.dangling_symlink" in answer.stderr
    immutable.unlink()
    shutil.move(tmp_path / "elsewhere", immutable)
    assert {path: path.read_bytes() for path in kubernetes.rglob("*") if path.is_file()} == state


def test_a_ca_that_joins_is_part_of_the_difference(tmp_path: Path) -> None:
    kubernetes = golden(tmp_path, "minimal")
    authorities = kubernetes / "pki/ca.crt"
    authorities.write_bytes(authorities.read_bytes() + (kubernetes / "pki/etcd/ca.crt").read_bytes())
    plan = kubepki.plan_renew(["admin.conf", "apiserver"], rootfs=tmp_path)
    (admin, apiserver) = plan.artefacts
    assert "trusted CAs:\n  CN=kubernetes, serial " in admin.before_text
    assert "CN=etcd-ca" not in admin.before_text
    assert "\n  CN=etcd-ca, serial " in admin.after_text
    assert "trusted CAs" not in apiserver.before_text + apiserver.after_text
    assert sum(line.startswith("+  CN=etcd-ca, serial ") for line in plan.diff().splitlines()) == 1
    assert not any(line.startswith("-  CN=kubernetes, serial ") for line in plan.diff().splitlines())


def test_the_api_takes_and_gives_values(tmp_path: Path) -> None:
    kubernetes = golden(tmp_path, "minimal")
    plan = kubepki.plan_renew(["apiserver"], add_sans=["10.9.8.7"], remove_sans=["kubernetes"], rootfs=tmp_path)
    (artefact,) = plan.artefacts
    assert artefact.names_added == ("IP:10.9.8.7",)
    assert artefact.names_removed == ("DNS:kubernetes",)
    assert artefact.current is not None
    assert artefact.current.extended_key_usages == ("serverAuth",)
    assert artefact.long_name == "certificate for serving the Kubernetes API"
    again = kubepki.Plan.from_dict(json.loads(json.dumps(plan.to_dict())))
    assert again == plan
    (changed,) = kubepki.apply(again).changed
    assert changed.previous_serial == artefact.current.serial
    new = certificate_in(kubernetes / "pki/apiserver.crt")
    assert int(changed.serial or "0", 16) == new.serial_number
    assert new.not_valid_after_utc == changed.expires_at
    with pytest.raises(kubepki.RefusedError) as stale:
        kubepki.apply(plan)
    assert stale.value.code == "plan.stale"
    with pytest.raises(kubepki.ConfigurationError) as unknown:
        kubepki.plan_renew(algorithm="RSA-1024", rootfs=tmp_path)
    assert unknown.value.code == "key.unknown_algorithm"
    with pytest.raises(kubepki.ConfigurationError):
        kubepki.plan_renew(now=datetime(2026, 1, 1), rootfs=tmp_path)  # noqa: DTZ001 (that it is refused is the test)
    future = datetime.now(timezone.utc) + timedelta(days=30)
    planned = kubepki.plan_renew("all", before=timedelta(days=1), now=future, rootfs=tmp_path)
    assert planned.is_empty
