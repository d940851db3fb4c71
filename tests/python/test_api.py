"""The functions that scripts call, on real trees: what they return, what they change, what they refuse."""

from __future__ import annotations

import json
import logging
import pickle
import shutil
import stat
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

import kubepki
from kubepki import Action, ConfigurationError, EnvironmentFailure, FindingError, RefusedError, Role, Severity, Status
from trees import GOLDEN, KUBECONFIGS, LEAVES

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = GOLDEN / "ecdsa-p256" / "config.yaml"
CASES = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=timezone.utc)
AUTHORITIES = ("ca", "front-proxy-ca", "etcd/ca")


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return every file below a folder with mode and content."""
    return {
        str(path.relative_to(folder)): (stat.S_IMODE(path.stat().st_mode), path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def make(rootfs: Path, **options: Any) -> kubepki.Report:  # noqa: ANN401 (options of plan)
    return kubepki.apply(kubepki.plan(CONFIG, rootfs=rootfs, **options))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a whole tree; tests do not change it."""
    rootfs = tmp_path_factory.mktemp("made")
    make(rootfs)
    return rootfs


@pytest.fixture
def node(made: Path, tmp_path: Path) -> Path:
    """Return a copy of a whole tree, to be broken."""
    return shutil.copytree(made, tmp_path / "node")


# ---- plan and apply ------------------------------------------------------------------------------------------


def test_a_plan_says_what_will_be_made_and_makes_nothing(tmp_path: Path) -> None:
    plan = kubepki.plan(CONFIG, rootfs=tmp_path, now=NOW)
    assert snapshot(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []
    assert [each.name for each in plan.artefacts] == [*kubepki.certificate_names(), *kubepki.kubeconfig_names()]
    assert {each.action for each in plan.artefacts} == {Action.CREATE}
    assert plan.made_at == NOW
    assert plan.made_at.tzinfo is timezone.utc
    apiserver = plan.artefacts[1]
    assert (apiserver.name, apiserver.issuer, apiserver.new_key) == ("apiserver", "ca", kubepki.Algorithm.ECDSA_P256)
    assert [(str(file), file.mode) for file in apiserver.files] == [
        ("/etc/kubernetes/pki/apiserver.key", 0o600),
        ("/etc/kubernetes/pki/apiserver.crt", 0o644),
    ]
    assert apiserver.expires_at == NOW + timedelta(days=365)
    assert (plan.is_empty, plan.is_blocked) == (False, False)


def test_what_is_applied_is_what_was_planned(tmp_path: Path) -> None:
    plan = kubepki.plan(CONFIG, rootfs=tmp_path, now=NOW)
    report = kubepki.apply(plan)
    assert [each.name for each in report.changed] == [each.name for each in plan.changes]
    planned = {str(file): file.mode for each in plan.artefacts for file in each.files}
    written = {f"/{name}": mode for name, (mode, _) in snapshot(tmp_path).items()}
    assert written == planned
    assert [each.expires_at for each in report.changed] == [each.expires_at for each in plan.artefacts]
    seen = {
        str(each.path): each
        for file in kubepki.read_certificates(["/etc/kubernetes/pki/apiserver.crt"], rootfs=tmp_path, now=NOW)
        for each in file.certificates
    }
    apiserver = seen["/etc/kubernetes/pki/apiserver.crt"]
    assert apiserver.serial == next(each.serial for each in report.changed if each.name == "apiserver")
    assert apiserver.not_after == NOW + timedelta(days=365)
    assert apiserver.remaining == timedelta(days=365)


def test_the_second_run_changes_nothing(node: Path) -> None:
    before = snapshot(node)
    plan = kubepki.plan(CONFIG, rootfs=node)
    assert plan.is_empty
    assert {each.action for each in plan.artefacts} == {Action.KEEP}
    assert kubepki.apply(plan).changed == ()
    assert snapshot(node) == before


def test_only_what_is_missing_is_made_again(node: Path) -> None:
    before = snapshot(node)
    (node / "etc/kubernetes/admin.conf").unlink()
    (node / "etc/kubernetes/pki/etcd/peer.crt").unlink()
    (node / "etc/kubernetes/pki/etcd/peer.key").unlink()
    assert [each.name for each in make(node).changed] == ["etcd-peer", "admin.conf"]
    after = snapshot(node)
    assert after.keys() == before.keys()
    changed = {name for name, value in before.items() if after[name] != value}
    assert changed == {
        "etc/kubernetes/admin.conf",
        "etc/kubernetes/pki/etcd/peer.crt",
        "etc/kubernetes/pki/etcd/peer.key",
    }


@pytest.mark.parametrize(
    ("certificates", "kubeconfigs", "names"),
    [
        (["ca", "apiserver"], (), ["ca", "apiserver"]),
        (["sa"], (), ["sa"]),
        (iter(["front-proxy-ca"]), (), ["front-proxy-ca"]),
        (["ca"], ["admin.conf"], ["ca", "admin.conf"]),
    ],
)
def test_names_can_be_chosen(certificates: Any, kubeconfigs: Any, names: list[str], tmp_path: Path) -> None:  # noqa: ANN401
    report = make(tmp_path, certificates=certificates, kubeconfigs=kubeconfigs)
    assert [each.name for each in report.changed] == names


def test_an_unknown_name_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        kubepki.plan(CONFIG, certificates=["apisever"], rootfs=tmp_path)
    assert (raised.value.code, raised.value.hint) == ("plan.unknown_name", "did you mean apiserver?")


def test_directories_can_be_elsewhere(tmp_path: Path) -> None:
    make(tmp_path, certificates_dir="/var/pki", kubeconfig_dir=tmp_path.__class__("/var/conf"))
    assert (tmp_path / "var/pki/etcd/ca.key").is_file()
    assert (tmp_path / "var/conf/scheduler.conf").is_file()
    assert not (tmp_path / "etc").exists()


def test_a_relative_rootfs_is_taken_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "root").mkdir()
    make(tmp_path.__class__("root"), certificates=["ca"], kubeconfigs=())
    assert (tmp_path / "root/etc/kubernetes/pki/ca.crt").is_file()


def test_critical_findings_block_the_plan_and_nothing_is_touched(node: Path) -> None:
    (node / "etc/kubernetes/pki/apiserver.crt").write_text("no certificate\n")
    (node / "etc/kubernetes/pki/etcd/server.key").write_bytes((node / "etc/kubernetes/pki/etcd/peer.key").read_bytes())
    (node / "etc/kubernetes/admin.conf").unlink()
    before = snapshot(node)
    plan = kubepki.plan(CONFIG, rootfs=node)
    assert plan.is_blocked
    assert {(each.subject, each.code) for each in plan.findings if each.is_critical} == {
        ("apiserver", "x509.none"),
        ("etcd-server", "key.mismatch"),
    }
    with pytest.raises(FindingError) as raised:
        kubepki.apply(plan)
    assert raised.value.code == "plan.blocked"
    assert {each["subject"] for each in raised.value.context["findings"]} >= {"apiserver", "etcd-server"}
    assert snapshot(node) == before


def test_a_certificate_may_outlive_its_ca_only_if_told(tmp_path: Path) -> None:
    make(tmp_path, certificates=["ca"], kubeconfigs=(), now=NOW)
    ca_ends = NOW + timedelta(days=3650)
    late: dict[str, Any] = {"certificates": ["apiserver"], "kubeconfigs": (), "rootfs": tmp_path}
    late["now"] = ca_ends - timedelta(days=10)
    assert kubepki.plan(CONFIG, **late).is_blocked
    assert kubepki.plan(CONFIG, **late, outlive_ca="clamp").artefacts[0].expires_at == ca_ends
    allowed = kubepki.plan(CONFIG, **late, outlive_ca="allow").artefacts[0]
    assert allowed.expires_at == late["now"] + timedelta(days=365)


def test_an_interrupted_change_is_ended_only_if_told(node: Path) -> None:
    whole = snapshot(node)
    journal = node / "etc/kubernetes/.kubepki-0123456789abcdef.prepared"
    journal.write_text("cut off")
    kubepki.plan(CONFIG, rootfs=node)
    assert journal.exists()
    kubepki.plan(CONFIG, rootfs=node, recover=True)
    assert snapshot(node) == whole


# ---- a plan that travels -------------------------------------------------------------------------------------


def test_a_plan_goes_through_json_and_is_applied_later(tmp_path: Path) -> None:
    plan = kubepki.plan(CONFIG, rootfs=tmp_path, now=NOW)
    read = kubepki.Plan.from_dict(json.loads(json.dumps(plan.to_dict())))
    assert read == plan
    assert hash(read) == hash(plan)
    assert len(kubepki.apply(read).changed) == len(plan.artefacts)
    assert (tmp_path / "etc/kubernetes/pki/apiserver.key").is_file()


def test_the_warnings_go_through_json_with_the_plan(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.read_text() + "encryptionAlgoritm: x\n")
    plan = kubepki.plan(config, rootfs=tmp_path, lenient=True)
    assert [(each.line, each.field) for each in plan.warnings] == [(10, "encryptionAlgoritm")]
    assert kubepki.Plan.from_dict(plan.to_dict()).warnings == plan.warnings


def test_a_stale_plan_is_refused(node: Path) -> None:
    (node / "etc/kubernetes/admin.conf").unlink()
    plan = kubepki.plan(CONFIG, rootfs=node)
    ca = node / "etc/kubernetes/pki/ca.crt"
    ca.write_bytes(ca.read_bytes() + b"\n")
    before = snapshot(node)
    with pytest.raises(RefusedError) as raised:
        kubepki.apply(plan)
    assert (raised.value.code, raised.value.exit_code) == ("plan.stale", 4)
    assert snapshot(node) == before


def test_the_same_plan_is_not_applied_twice(tmp_path: Path) -> None:
    plan = kubepki.plan(CONFIG, rootfs=tmp_path, certificates=["ca"], kubeconfigs=())
    kubepki.apply(plan)
    with pytest.raises(RefusedError, match=r"ca\.(crt|key)"):
        kubepki.apply(plan)


@pytest.mark.parametrize("data", [{}, {"operation": "init"}, [], {"operation": "init", "made_at": "yesterday"}])
def test_what_is_no_plan_is_refused(data: Any) -> None:  # noqa: ANN401
    with pytest.raises(ConfigurationError) as raised:
        kubepki.Plan.from_dict(data)
    assert raised.value.code == "plan.bad"


def test_a_plan_with_a_number_beyond_every_time_is_refused(tmp_path: Path) -> None:
    kubepki.apply(kubepki.plan(CONFIG, rootfs=tmp_path))
    data = kubepki.plan_renew(["apiserver"], config=CONFIG, rootfs=tmp_path).to_dict()
    data["artefacts"][0]["current"]["residual_seconds"] = 2**63
    with pytest.raises(ConfigurationError) as raised:
        kubepki.Plan.from_dict(data)
    assert raised.value.code == "plan.bad"


def test_plain_data_is_a_copy(tmp_path: Path) -> None:
    plan = kubepki.plan(CONFIG, rootfs=tmp_path)
    data = plan.to_dict()
    data["artefacts"][0]["files"].clear()
    data["findings"].append({})
    assert plan.to_dict() != data
    assert plan == kubepki.Plan.from_dict(plan.to_dict())
    assert plan.to_dict()["artefacts"][0]["files"] != []


# ---- progress, interruption, log -----------------------------------------------------------------------------


def test_progress_counts_the_keys(tmp_path: Path) -> None:
    calls: list[tuple[int, int, str]] = []
    plan = kubepki.plan(CONFIG, rootfs=tmp_path)
    kubepki.apply(plan, progress=lambda done, total, name: calls.append((done, total, name)))
    assert calls
    assert [done for done, _, _ in calls] == sorted(done for done, _, _ in calls)
    assert {total for _, total, _ in calls} == {16}
    assert calls[-1][0] == 16
    assert {name for _, _, name in calls} - {""} <= {each.name for each in plan.artefacts}


class StopError(Exception):
    """A caller's own exception."""


def test_an_exception_in_progress_comes_through_and_leaves_no_file(tmp_path: Path) -> None:
    def stop(_done: int, _total: int, _name: str) -> None:
        raise StopError

    with pytest.raises(StopError):
        kubepki.apply(kubepki.plan(CONFIG, rootfs=tmp_path), progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_the_audit_trail_reaches_logging_without_keys(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "kubepki")
    report = make(tmp_path)
    trail = [record.getMessage() for record in caplog.records if record.name.startswith("kubepki")]
    for changed in report.changed:
        files = ", ".join(map(str, changed.files))
        assert f"{changed.name}: create: serial {changed.serial or 'none'}, files {files}" in trail
    assert "PRIVATE KEY" not in "\n".join(trail)


# ---- check ---------------------------------------------------------------------------------------------------


def test_a_whole_node_is_ok(made: Path) -> None:
    report = kubepki.check(CONFIG, rootfs=made)
    assert (report.status, report.exit_code, report.findings) == (Status.OK, 0, ())
    assert len(report.certificates) == len(LEAVES) + len(AUTHORITIES) + len(KUBECONFIGS)


@pytest.mark.parametrize(
    ("left", "status"),
    [
        (timedelta(days=31), Status.OK),
        (timedelta(days=30), Status.WARNING),
        (timedelta(days=7), Status.CRITICAL),
        (timedelta(seconds=-1), Status.CRITICAL),
    ],
)
def test_the_thresholds(left: timedelta, status: Status, tmp_path: Path) -> None:
    make(tmp_path, now=NOW)
    report = kubepki.check(CONFIG, rootfs=tmp_path, now=NOW + timedelta(days=365) - left)
    assert report.status is status
    assert report.checked_at == NOW + timedelta(days=365) - left
    assert min(each.remaining for each in report.certificates) == left


def test_other_files_are_checked_besides(node: Path, tmp_path: Path) -> None:
    (node / "srv").mkdir()
    (node / "srv/broken.crt").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert kubepki.check(CONFIG, rootfs=node).status is Status.OK
    for extra in ("/srv/broken.crt", ["/srv/broken.crt"], ["/srv"]):
        report = kubepki.check(CONFIG, rootfs=node, extra=extra)
        assert report.status is Status.CRITICAL, extra
        assert [str(each.path) for each in report.findings] == ["/srv/broken.crt"]
    assert tmp_path.is_dir()


def test_a_missing_key_and_a_wide_mode_are_findings(node: Path) -> None:
    (node / "etc/kubernetes/pki/apiserver.key").unlink()
    (node / "etc/kubernetes/pki/sa.key").chmod(0o644)
    findings = {(each.subject, each.severity) for each in kubepki.check(CONFIG, rootfs=node).findings}
    assert ("apiserver", Severity.CRITICAL) in findings
    assert "sa" in {subject for subject, _ in findings}


def test_an_empty_disk_is_unknown_unless_a_configuration_says_what_must_be_there(tmp_path: Path) -> None:
    report = kubepki.check(rootfs=tmp_path)
    assert report.status is Status.UNKNOWN
    assert (report.certificates, report.findings) == ((), ())
    expected = kubepki.check(GOLDEN / "minimal/config.yaml", rootfs=tmp_path)
    assert expected.status is Status.CRITICAL
    assert {each.code for each in expected.findings} == {"file.missing"}
    text = (GOLDEN / "minimal/config.yaml").read_text()
    inline = kubepki.check(config_text=text, rootfs=tmp_path)
    # A text has no path that a command could name.
    named = str(GOLDEN / "minimal/config.yaml")
    assert [str(each) for each in inline.findings] == [str(each).replace(named, "FILE") for each in expected.findings]


# ---- check-expiration ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_the_expiration_report_is_kubeadms_byte_for_byte(case: str) -> None:
    golden = GOLDEN / case
    expected = {form: (golden / f"check-expiration.{form}").read_text() for form in ("txt", "json", "yaml")}
    row = json.loads(expected["json"])["certificates"][0]
    ends = datetime.fromisoformat(row["expirationDate"].replace("Z", "+00:00"))
    # kubeadm's clock stood within the second before this moment.
    now = ends - timedelta(seconds=row["residualTime"] + 0.5)
    report = kubepki.check_expiration(
        golden / "config.yaml",
        certificates_dir=golden / "kubernetes/pki",
        kubeconfig_dir=golden / "kubernetes",
        now=now,
    )
    assert {"txt": report.text, "json": report.json, "yaml": report.yaml} == expected
    assert report.to_dict() == json.loads(expected["json"])
    assert str(report) == expected["txt"]


def test_the_rows_as_values(made: Path, tmp_path: Path) -> None:
    rows = {row.name: row for row in kubepki.check_expiration(CONFIG, rootfs=made).rows}
    assert len(rows) == 14
    assert (rows["etcd-peer"].ca_name, rows["etcd-peer"].is_ca) == ("etcd-ca", False)
    assert (rows["ca"].ca_name, rows["ca"].is_ca) == (None, True)
    left = rows["apiserver"].remaining
    assert left is not None
    assert timedelta(days=364) < left <= timedelta(days=365)
    nothing = kubepki.check_expiration(CONFIG, rootfs=tmp_path).rows
    assert {(row.is_missing, row.expires_at, row.remaining, row.problem) for row in nothing} == {
        (True, None, None, None)
    }


def test_a_corrupt_file_is_a_row(node: Path) -> None:
    (node / "etc/kubernetes/pki/apiserver.crt").write_text("junk")
    rows = {row.name: row for row in kubepki.check_expiration(CONFIG, rootfs=node).rows}
    assert (rows["apiserver"].is_missing, rows["apiserver"].expires_at) == (False, None)
    assert "does not contain" in (rows["apiserver"].problem or "")
    assert rows["etcd-server"].expires_at is not None


# ---- reading -------------------------------------------------------------------------------------------------


def test_certificates_are_read_in_order_and_problems_are_answers(made: Path) -> None:
    files = ["/etc/kubernetes/pki/ca.crt", "/nowhere.crt", "/etc/kubernetes/pki/sa.pub"]
    ca, nowhere, public_key = kubepki.read_certificates(files, rootfs=made)
    assert (ca.certificates[0].is_ca, ca.certificates[0].subject, ca.problem) == (True, "CN=kubernetes", None)
    assert nowhere.problem is not None
    assert nowhere.problem.code == "store.missing"
    assert public_key.certificates == ()
    assert public_key.problem is not None
    assert public_key.problem.code.startswith("x509.")


def test_one_path_is_not_taken_for_its_letters(made: Path) -> None:
    (file,) = kubepki.read_certificates("/etc/kubernetes/pki/ca.crt", rootfs=made)
    assert file.problem is None


def test_certificates_of_text_have_no_file(made: Path) -> None:
    pki = made / "etc/kubernetes/pki"
    text = (pki / "apiserver.crt").read_text() + (pki / "ca.crt").read_text()
    leaf, ca = kubepki.parse_certificates(text, now=NOW)
    assert (leaf.subject, ca.is_ca) == ("CN=kube-apiserver", True)
    assert (leaf.name, str(leaf.path)) == ("-", "-")
    assert leaf.remaining == leaf.not_after - NOW
    assert kubepki.parse_certificates(text.encode(), now=NOW) == [leaf, ca]
    with pytest.raises(FindingError) as raised:
        kubepki.parse_certificates("no certificate")
    assert raised.value.code == "x509.none"


# ---- configuration -------------------------------------------------------------------------------------------


def test_a_configuration_as_a_value() -> None:
    spec = kubepki.load_config(GOLDEN / "ha/config.yaml").spec
    assert (spec.role, spec.node_name, spec.cluster_name) == (Role.CONTROL_PLANE, "cp-a.example.test", "prod-eu1")
    assert (spec.control_plane_endpoint, spec.bind_port) == ("api.example.test:8443", 6444)
    assert spec.api_server_cert_sans == ("lb.example.test", "198.51.100.7", "*.apps.example.test")
    assert spec.certificate_validity == timedelta(days=365)
    assert not spec.has_external_etcd
    assert spec.to_dict()["etcd"]["local"]["data_dir"] == "/var/lib/etcd"
    assert kubepki.load_config(GOLDEN / "external-etcd/config.yaml").spec.has_external_etcd
    assert kubepki.load_config(GOLDEN / "ha/config.yaml", node_name="other").spec.node_name == "other"


def test_a_configuration_can_be_text() -> None:
    text = (GOLDEN / "ha/config.yaml").read_text()
    assert kubepki.load_config(config_text=text).spec == kubepki.load_config(GOLDEN / "ha/config.yaml").spec
    with pytest.raises(ConfigurationError) as raised:
        kubepki.load_config(config_text=text.replace("clusterName", "clustername"))
    assert raised.value.context["problems"][0]["file"] == "(inline configuration)"
    with pytest.raises(ConfigurationError) as raised:
        kubepki.plan(GOLDEN / "ha/config.yaml", config_text=text)
    assert raised.value.code == "api.two_configurations"


def test_a_typo_in_a_configuration_names_line_field_and_nearest(tmp_path: Path) -> None:
    config = tmp_path / "kubeadm.yaml"
    config.write_text(CONFIG.read_text().replace("encryptionAlgorithm", "encryptionAlgoritm"))
    with pytest.raises(ConfigurationError) as raised:
        kubepki.load_config(config)
    (problem,) = raised.value.context["problems"]
    assert (problem["line"], problem["column"], problem["field"]) == (9, 1, "encryptionAlgoritm")
    assert "encryptionAlgorithm" in problem["hint"]
    lenient = kubepki.load_config(config, lenient=True)
    assert [warning.field for warning in lenient.warnings] == ["encryptionAlgoritm"]
    assert str(lenient.warnings[0]).startswith(f"{config}:9:1: encryptionAlgoritm: unknown field")


def test_a_missing_configuration_is_the_environments_failure(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailure) as raised:
        kubepki.load_config(tmp_path / "absent.yaml")
    assert raised.value.code == "store.missing"
    assert "absent.yaml" in raised.value.message


# ---- all -----------------------------------------------------------------------------------------------------


def test_a_time_without_zone_is_refused(made: Path) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 (the point)
    for call in (
        lambda: kubepki.plan(CONFIG, rootfs=made, now=naive),
        lambda: kubepki.check(CONFIG, rootfs=made, now=naive),
        lambda: kubepki.check_expiration(CONFIG, rootfs=made, now=naive),
        lambda: kubepki.read_certificates([], now=naive),
    ):
        with pytest.raises(ConfigurationError) as raised:
            call()
        assert raised.value.code == "api.naive_datetime"


def test_another_zone_is_the_same_moment(tmp_path: Path) -> None:
    there = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert kubepki.plan(CONFIG, rootfs=tmp_path, now=there) == kubepki.plan(CONFIG, rootfs=tmp_path, now=NOW)


def test_a_rootfs_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    for call in (
        lambda: kubepki.plan(CONFIG, rootfs=tmp_path / "absent"),
        lambda: kubepki.check(CONFIG, rootfs=tmp_path / "absent"),
        lambda: kubepki.read_certificates([], rootfs=tmp_path / "absent"),
    ):
        with pytest.raises(ConfigurationError) as raised:
            call()
        assert raised.value.code == "store.rootfs_not_a_directory"


def test_values_are_equal_by_value_picklable_and_without_secrets(node: Path, tmp_path: Path) -> None:
    (node / "etc/kubernetes/pki/apiserver.crt").write_text("junk")
    plan = kubepki.plan(CONFIG, rootfs=node, now=NOW)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    values: list[Any] = [
        plan,
        *plan.artefacts,
        *plan.findings,
        make(fresh),
        kubepki.check(CONFIG, rootfs=node),
        kubepki.check_expiration(CONFIG, rootfs=node),
        *kubepki.check_expiration(CONFIG, rootfs=node).rows,
        *kubepki.read_certificates(["/etc/kubernetes/pki/ca.crt", "/absent"], rootfs=node),
        kubepki.load_config(CONFIG),
    ]
    for value in values:
        copy = pickle.loads(pickle.dumps(value))  # noqa: S301 (our own bytes)
        assert copy == value
        assert hash(copy) == hash(value)
        assert json.loads(json.dumps(value.to_dict())) == value.to_dict()
        shown = repr(value) + str(value) + json.dumps(value.to_dict())
        assert "PRIVATE KEY" not in shown
        assert not hasattr(value, "__dict__"), type(value)
        with pytest.raises(AttributeError):
            setattr(value, next(name for name in dir(value) if not name.startswith("_")), None)


def test_the_findings_of_a_plan_are_printed_with_all_they_know(node: Path) -> None:
    (node / "etc/kubernetes/pki/apiserver.crt").write_text("junk")
    (finding,) = kubepki.plan(CONFIG, rootfs=node).findings
    text = str(finding)
    assert text.startswith("critical: apiserver: ")
    for part in (finding.evidence, finding.remedy, "[x509.none]", "/etc/kubernetes/pki/apiserver.crt"):
        assert part in text
