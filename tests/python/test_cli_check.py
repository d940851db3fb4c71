"""`check` and `certs check-expiration` as a process: exit codes for monitoring, output for people and programs."""

from __future__ import annotations

import base64
import json
import re
import shutil
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

import kubepki as library
from trees import GOLDEN, golden, kubepki, make_tree, run

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = GOLDEN / "ecdsa-p256" / "config.yaml"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rootfs = tmp_path_factory.mktemp("made")
    make_tree(rootfs, "ecdsa-p256")
    return rootfs


@pytest.fixture
def node(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "node")


@pytest.mark.parametrize(
    ("flags", "status", "exit_code"),
    [
        ((), "OK", 0),
        (("--warning", "366d"), "WARNING", 1),
        (("--warning", "53w", "--critical", "8784h"), "CRITICAL", 2),
        (("--warning", "364d", "--critical", "1h30m"), "OK", 0),
    ],
)
def test_the_exit_code_is_monitorings(flags: tuple[str, ...], status: str, exit_code: int, made: Path) -> None:
    done = kubepki("check", "--config", CONFIG, "--rootfs", made, *flags)
    assert (done.returncode, done.stderr) == (exit_code, "")
    assert done.stdout.splitlines()[-1].startswith(f"{status}: ")


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (("--warning", "soon"), "'soon' is not a duration", "cli.duration"),
        (("--critical", "30"), "'30' is not a duration", "cli.duration"),
        (("--warning", "1d", "--critical", "2d"), "--warning 1d is shorter than --critical 2d", "cli.thresholds"),
        (("--bogus",), "unrecognized arguments: --bogus", "cli.usage"),
        (("-o", "xml"), "--output <FORM>: 'xml' is none of text, json, yaml", "cli.usage"),
        (("--profile", "pci"), "--profile <PROFILE>: 'pci' is none of kubeadm, cis", "cli.usage"),
        (("--config", "/no/such.yaml"), "/no/such.yaml", "store.missing"),
        (("--rootfs", "/no/such/root"), "the root directory /no/such/root", "store.rootfs_not_a_directory"),
        (("--config", "pyproject.toml"), "pyproject.toml", "config.invalid"),
    ],
)
def test_what_keeps_the_check_from_running_is_unknown(arguments: tuple[str, ...], message: str, code: str) -> None:
    # 2 would be read as a critical state of the node.
    done = kubepki("check", *arguments)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.endswith(f"\n  code: {code}\n")


def test_the_profile_says_whose_rules_hold(node: Path) -> None:
    unit = node / "etc/systemd/system/kubelet.service.d/10-kubeadm.conf"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\n")
    unit.chmod(0o644)
    done = kubepki("check", "--config", CONFIG, "--rootfs", node, "--profile", "kubeadm")
    assert (done.returncode, done.stderr) == (0, "")
    done = kubepki("check", "--config", CONFIG, "--rootfs", node, "--profile", "cis")
    assert done.returncode == 1
    assert "CIS 4.1.1 asks for 600" in done.stdout
    assert library.check(CONFIG, rootfs=node).status is library.Status.OK
    assert library.check(CONFIG, rootfs=node, profile="cis").status is library.Status.WARNING
    unit.chmod(0o600)
    assert library.check(CONFIG, rootfs=node, profile="cis").status is library.Status.OK


def test_the_report_for_people(made: Path) -> None:
    done = kubepki("check", "--config", CONFIG, "--rootfs", made)
    table, summary = done.stdout.rstrip("\n").split("\n\n")
    lines = [re.split(r" {2,}", line) for line in table.splitlines()]
    assert lines[0] == ["NAME", "STATUS", "EXPIRES", "REMAINING", "KEY", "SUBJECT", "ISSUER"]
    by_name = {line[0]: line[1:] for line in lines[1:]}
    assert len(by_name) == 15
    assert by_name["scheduler.conf"][3:] == ["ECDSA-P256", "CN=system:kube-scheduler", "CN=kubernetes"]
    assert by_name["apiserver"][2] in {"364d", "365d"}
    assert {line[0] for line in by_name.values()} == {"ok"}
    assert re.fullmatch(r"OK: 15 certificates, the first to expire is [\w.-]+ \(36[45]d left\)", summary)


def test_the_status_of_a_certificate_is_that_of_its_key_too(node: Path) -> None:
    kubernetes = node / "etc/kubernetes"
    open_to_all = {"apiserver": kubernetes / "pki/apiserver.key", "admin.conf": kubernetes / "admin.conf"}
    for path in open_to_all.values():
        path.chmod(0o644)
    table = kubepki("check", "--config", CONFIG, "--rootfs", node).stdout.split("\n\n")[0]
    rows = [re.split(r" {2,}", line)[:2] for line in table.splitlines()[1:]]
    assert {name for name, status in rows if status == "warning"} == {*open_to_all}
    assert {status for _, status in rows} == {"ok", "warning"}


def test_findings_are_data_on_stdout(node: Path) -> None:
    (node / "etc/kubernetes/pki/apiserver.crt").write_text("junk")
    (node / "etc/kubernetes/pki/etcd/peer.key").unlink()
    done = kubepki("check", "--config", CONFIG, "--rootfs", node)
    assert (done.returncode, done.stderr) == (2, "")
    assert "critical: apiserver: data does not contain" in done.stdout
    assert "[x509.none]\n  path: /etc/kubernetes/pki/apiserver.crt\n  remedy: " in done.stdout
    assert "\x1b" not in done.stdout
    assert re.match(r"CRITICAL: 2 critical, 14 certificates, ", done.stdout.splitlines()[-1])


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_the_report_for_programs(form: str, node: Path) -> None:
    (node / "etc/kubernetes/admin.conf").unlink()
    done = kubepki("check", "--config", CONFIG, "--rootfs", node, "-o", form)
    assert done.returncode == 2
    if form == "yaml":
        assert "\nstatus: critical\n" in f"\n{done.stdout}"
        return
    report = library.CheckReport.from_dict(json.loads(done.stdout))
    assert report.exit_code == 2
    assert [(each.subject, each.code) for each in report.findings] == [("admin.conf", "file.missing")]
    assert len(report.certificates) == 14


def test_paths_named_besides(node: Path) -> None:
    (node / "srv").mkdir()
    shutil.copy(node / "etc/kubernetes/pki/apiserver.crt", node / "srv/other.crt")
    done = kubepki("check", "--config", CONFIG, "--rootfs", node, "/srv")
    assert done.returncode == 0, done.stdout
    assert "16 certificates" in done.stdout
    assert kubepki("check", "--config", CONFIG, "--rootfs", node, "/srv/absent.crt").returncode == 2


def test_the_kubelets_folder(node: Path) -> None:
    pki = node / "data/kubelet/pki"
    pki.mkdir(parents=True)
    (pki / "kubelet-client-current.pem").write_text("junk")
    words = ("check", "--config", CONFIG, "--rootfs", node)
    assert kubepki(*words).returncode == 0
    done = kubepki(*words, "--kubelet-dir", "/data/kubelet")
    assert done.returncode == 2
    assert "/data/kubelet/pki/kubelet-client-current.pem" in done.stdout


def test_warnings_of_the_configuration_are_talk(node: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.read_text() + "clusterNaem: x\n")
    assert kubepki("check", "--config", config, "--rootfs", node).returncode == 3
    done = kubepki("check", "--config", config, "--rootfs", node, "--lenient")
    assert done.returncode == 0
    assert done.stderr.startswith(f"warning: {config}:10:1: clusterNaem: unknown field")
    assert "clusterNaem" not in done.stdout


# ---- durations -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shortest"),
    [("30d", "30d"), ("2w", "14d"), ("1h30m", "90m"), ("1.5h", "90m"), ("90s", "90s"), ("1500ms", "1s"), ("0s", "0s")],
)
def test_durations(text: str, shortest: str) -> None:
    printed = kubepki("systemd", "install", "--print", "--before", text)
    assert f" --before {shortest}\n" in printed.stdout


@pytest.mark.parametrize("text", ["", "d", "3", "3 d", "-3d", "3d!", "3y", "1h-2m", "٣d", "9" * 400 + "w"])
def test_nonsense_is_no_duration(text: str) -> None:
    done = kubepki("check", f"--warning={text}")
    assert (done.returncode, done.stdout) == (3, "")
    assert "\n  hint: " in done.stderr
    assert done.stderr.endswith("\n  code: cli.duration\n")


# ---- check-expiration ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "json", "yaml"])
def test_check_expiration_prints_the_report_as_it_is(form: str, tmp_path: Path) -> None:
    # Of an empty disk, so that no time is in it.
    done = kubepki("certs", "check-expiration", "--config", CONFIG, "--rootfs", tmp_path, "-o", form)
    report = library.check_expiration(CONFIG, rootfs=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == getattr(report, form)
    assert ("!MISSING! apiserver" in done.stdout) is (form == "text")


def test_check_expiration_of_a_golden_tree() -> None:
    folder = GOLDEN / "ecdsa-p256"
    flags = ("--cert-dir", folder / "kubernetes/pki", "--kubeconfig-dir", folder / "kubernetes")
    done = kubepki("certs", "check-expiration", "--config", CONFIG, *flags)
    assert done.returncode == 0
    dates = re.compile(r"[A-Z][a-z]{2} \d\d, \d{4} \d\d:\d\d UTC")
    golden = (folder / "check-expiration.txt").read_text()
    assert dates.findall(done.stdout) == dates.findall(golden)
    assert len(dates.findall(golden)) == 14


def test_kubeadms_flag_is_accepted_and_said_to_be_for_the_clusters_configuration(made: Path) -> None:
    done = kubepki("certs", "check-expiration", "--rootfs", made, "--node-name", "x", "--kubeconfig", "/no/such.conf")
    assert done.returncode == 0
    assert done.stderr == "note: --kubeconfig is not used: no cluster is asked\n"
    assert done.stdout.startswith("CERTIFICATE ")


def test_another_format_is_a_usage_error_that_names_the_formats() -> None:
    done = kubepki("certs", "check-expiration", "-o", "jsonpath={.kind}")
    assert (done.returncode, done.stdout) == (2, "")
    first, *rest = done.stderr.splitlines()
    assert all(form in first for form in ("text", "json", "yaml", "jsonpath={.kind}"))
    assert rest[0].endswith("`kubepki certs check-expiration --help` shows the usage")


def test_what_has_expired_reads_as_people_say_it(tmp_path: Path) -> None:
    past = datetime.now(timezone.utc) - timedelta(days=368, hours=1)
    library.apply(library.plan(CONFIG, rootfs=tmp_path, now=past))
    done = kubepki("check", "--config", CONFIG, "--rootfs", tmp_path)
    assert done.returncode == 2
    rows = [line for line in done.stdout.splitlines() if re.search(r"  expired  .*  expired 3 days ago  ", line)]
    assert len(rows) == 12
    summary = done.stdout.splitlines()[-1]
    assert re.search(r", 15 certificates, [\w.-]+ expired 3 days ago, 11 more expired$", summary), summary
    assert "expired left" not in done.stdout
    data = json.loads(kubepki("check", "--config", CONFIG, "--rootfs", tmp_path, "-o", "json").stdout)
    assert min(each["residual_seconds"] for each in data["certificates"]) < -3 * 86_400


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")
def test_no_library_speaks_for_itself(node: Path) -> None:
    pki = node / "etc/kubernetes/pki"
    small = run("openssl", "genrsa", "-traditional", "1024")
    (pki / "apiserver.key").write_text(small.stdout)
    der = base64.b64decode("".join((pki / "front-proxy-client.crt").read_text().splitlines()[1:-1]))
    for name, cut in (("front-proxy-client", 20), ("apiserver-kubelet-client", 400), ("etcd/peer", 4)):
        text = base64.encodebytes(der[:cut]).decode()
        (pki / f"{name}.crt").write_text(f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n")
    done = kubepki("check", "--config", CONFIG, "--rootfs", node)
    assert done.returncode == 2
    assert "it is too short" in done.stdout
    assert not re.search(r"TooSmall|nom error|BER error|Eof|Incomplete|KeyRejected|\(it has \)", done.stdout), (
        done.stdout
    )


def test_a_key_of_another_certificate_in_the_bundle_is_told_from_a_lost_one(tmp_path: Path) -> None:
    kubernetes = golden(tmp_path / "one", "ecdsa-p256")
    other = golden(tmp_path / "other", "minimal") / "pki/ca.crt"
    bundle = kubernetes / "pki/ca.crt"
    first = bundle.read_text()
    bundle.write_text(other.read_text() + first)
    done = kubepki("check", "--rootfs", tmp_path / "one")
    assert done.returncode == 2
    assert (
        "the key is not the one of the first certificate in /etc/kubernetes/pki/ca.crt, but of number 2 ("
        in done.stdout
    )
    assert f"remedy: put certificate number 2 of `{bundle}` before the others" in done.stdout
    bundle.write_text(first + other.read_text())
    assert "key.mismatch" not in kubepki("check", "--rootfs", tmp_path / "one").stdout


def test_any_files_and_texts_are_judged_without_a_node(node: Path) -> None:
    path = node / "etc/kubernetes/pki/apiserver.crt"
    seen = library.check_files(path)
    assert (seen.status.name, [one.subject for one in seen.certificates]) == ("OK", ["CN=kube-apiserver"])
    end = seen.certificates[0].not_after
    assert seen.is_valid_at(end)
    assert not seen.is_valid_at(end + timedelta(seconds=1))
    late = library.check_files(content=path.read_text(), now=end + timedelta(days=1))
    assert (late.status.name, late.findings[0].code) == ("CRITICAL", "certificate.expired")
    assert (late.certificates[0].days_left, late.certificates[0].is_expired) == (-1, True)
    soon = library.check_files(path, now=end - timedelta(days=10))
    assert (soon.status.name, soon.certificates[0].days_left) == ("WARNING", 10)
    now = end - timedelta(days=10)
    assert library.check_files(path, now=now, critical=timedelta(days=10)).status.name == "CRITICAL"
    nothing = library.check_files(node / "etc/kubernetes/pki/sa.pub")
    assert (nothing.certificates, nothing.is_valid_at(end)) == ((), False)
    for content in (None, "", " "):
        with pytest.raises(library.ConfigurationError) as raised:
            library.check_files(content=content)
        assert (raised.value.code, bool(raised.value.hint)) == ("plan.bad_request", True)
