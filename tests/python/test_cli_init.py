"""`init`, `certs init` and `kubeconfig init` as a process: what they print, change, refuse and leave behind."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

import kubepki
from trees import GOLDEN, KUBECONFIGS, PROGRAM, run

CONFIG = GOLDEN / "ecdsa-p256" / "config.yaml"
ALL = [*kubepki.certificate_names(), *kubepki.kubeconfig_names()]
APISERVER = "etc/kubernetes/pki/apiserver.crt"


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return every file below a folder with mode and content."""
    return {
        str(path.relative_to(folder)): (stat.S_IMODE(path.stat().st_mode), path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def command(*arguments: str | Path, rootfs: Path, config: Path = CONFIG) -> subprocess.CompletedProcess[str]:
    return run(*PROGRAM, *arguments, "--config", config, "--rootfs", rootfs)


def rows(table: str) -> dict[str, list[str]]:
    """Return the rows of a table by their first column."""
    lines = [re.split(r" {2,}", line) for line in table.splitlines()]
    assert lines[0] == ["NAME", "ACTION", "REASON", "EXPIRES", "FILES"]
    return {line[0]: line[1:] for line in lines[1:]}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rootfs = tmp_path_factory.mktemp("made")
    assert command("init", rootfs=rootfs).returncode == 0
    return rootfs


@pytest.fixture
def node(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "node")


def test_init_prints_a_table_and_a_summary(tmp_path: Path) -> None:
    done = command("init", rootfs=tmp_path)
    assert done.returncode == 0
    table = rows(done.stdout)
    assert list(table) == ALL
    assert table["etcd-peer"][:2] == ["create", "missing"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", table["etcd-peer"][2])
    assert table["etcd-peer"][3] == "/etc/kubernetes/pki/etcd/peer.key, /etc/kubernetes/pki/etcd/peer.crt"
    assert done.stderr == f"made {len(ALL)}: {', '.join(ALL)}\n"
    assert "PRIVATE KEY" not in done.stdout + done.stderr
    assert set(re.findall(r"(/etc/kubernetes/\S+?)(?:,|\n)", done.stdout)) == {
        f"/{name}" for name in snapshot(tmp_path)
    }


def test_the_second_run_changes_nothing_and_says_so(node: Path) -> None:
    before = snapshot(node)
    done = command("init", rootfs=node)
    assert (done.returncode, done.stderr) == (0, "nothing to do: everything is there\n")
    assert {row[0] for row in rows(done.stdout).values()} == {"keep"}
    assert snapshot(node) == before


def test_a_dry_run_prints_the_same_table_and_writes_nothing(tmp_path: Path) -> None:
    dry = command("init", "--dry-run", rootfs=tmp_path)
    assert dry.returncode == 0
    assert dry.stderr == f"dry run: nothing was changed; {len(ALL)} would be made\n"
    assert list(tmp_path.iterdir()) == []
    wet = command("init", rootfs=tmp_path)
    without_minutes = re.compile(r"\d\d:\d\d UTC")
    assert without_minutes.sub("", dry.stdout) == without_minutes.sub("", wet.stdout)


def test_a_dry_run_over_a_whole_tree_has_nothing_to_do(node: Path) -> None:
    before = snapshot(node)
    done = command("init", "--dry-run", rootfs=node)
    assert (done.returncode, done.stderr) == (0, "nothing to do: everything is there\n")
    assert snapshot(node) == before


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_a_blocked_plan_exits_with_1_and_changes_nothing(dry: tuple[str, ...], node: Path) -> None:
    (node / APISERVER).write_text("junk\n")
    (node / "etc/kubernetes/admin.conf").unlink()
    before = snapshot(node)
    done = command("init", *dry, rootfs=node)
    assert done.returncode == 1
    assert snapshot(node) == before
    assert rows(done.stdout)["apiserver"][0] == "blocked"
    assert done.stderr.startswith("critical: apiserver: data does not contain any valid")
    assert "[x509.none]\n  path: /etc/kubernetes/pki/apiserver.crt\n  remedy: " in done.stderr
    assert done.stderr.count("x509.none") == 1
    assert done.stderr.endswith("nothing was changed: 1 critical finding\n")


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_structured_output(form: str, node: Path) -> None:
    (node / "etc/kubernetes/admin.conf").unlink()
    done = command("init", "-o", form, rootfs=node)
    assert done.returncode == 0
    if form == "yaml":
        assert re.findall(r"^\w+", done.stdout, re.MULTILINE) == ["plan", "report", "warnings"]
        assert "PRIVATE KEY" not in done.stdout
        return
    data = json.loads(done.stdout)
    assert list(data) == ["plan", "report", "warnings"]
    assert [each["name"] for each in data["report"]["changed"]] == ["admin.conf"]
    plan = kubepki.Plan.from_dict(data["plan"])
    assert [each.name for each in plan.changes] == ["admin.conf"]


def test_a_dry_run_as_json_can_be_applied_by_the_api(tmp_path: Path) -> None:
    done = command("init", "--dry-run", "-o", "json", rootfs=tmp_path)
    data = json.loads(done.stdout)
    assert (done.returncode, data["report"], data["warnings"]) == (0, None, [])
    report = kubepki.apply(kubepki.Plan.from_dict(data["plan"]))
    assert [each.name for each in report.changed] == ALL


def test_certs_and_kubeconfigs_alone_or_by_name(tmp_path: Path) -> None:
    single = command("certs", "init", "ca", "apiserver", rootfs=tmp_path)
    assert (single.returncode, single.stderr.splitlines()[-1]) == (
        0,
        f"next: `kubepki check --config {CONFIG} --rootfs {tmp_path}`",
    )
    pki = {"ca.crt", "ca.key", "apiserver.crt", "apiserver.key"}
    assert {Path(name).name for name in snapshot(tmp_path)} == pki
    assert command("kubeconfig", "init", "admin", "scheduler.conf", rootfs=tmp_path).returncode == 0
    assert {Path(name).name for name in snapshot(tmp_path)} == pki | {"admin.conf", "scheduler.conf"}
    all_of_them = command("certs", "init", "all", rootfs=tmp_path)
    assert (all_of_them.returncode, "next: `kubepki kubeconfig init --config" in all_of_them.stderr) == (0, True)
    assert not (tmp_path / "etc/kubernetes/kubelet.conf").exists()
    assert (tmp_path / "etc/kubernetes/pki/sa.pub").exists()
    assert command("kubeconfig", "init", rootfs=tmp_path).returncode == 0
    assert {path.name for path in (tmp_path / "etc/kubernetes").glob("*.conf")} == set(KUBECONFIGS)


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (("certs", "init", "apisever"), 'unknown name "apisever"', "did you mean apiserver?"),
        (("certs", "init", "all", "ca"), 'unknown name "all"', ""),
        (("kubeconfig", "init", "amdin"), 'unknown name "amdin.conf"', "did you mean admin.conf?"),
        (
            ("init", "--outlive-ca", "maybe"),
            "--outlive-ca <WHAT>: 'maybe' is none of refuse, clamp, allow",
            "`kubepki init --help`",
        ),
        (("init", "--bogus"), "unrecognized arguments: --bogus", "`kubepki init --help` shows the usage"),
    ],
)
def test_wrong_words_are_usage_errors(arguments: tuple[str, ...], error: str, hint: str, tmp_path: Path) -> None:
    done = command(*arguments, rootfs=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {error}")
    assert f"hint: {hint}" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_typo_in_the_configuration_names_line_field_and_nearest(tmp_path: Path) -> None:
    config = tmp_path / "kubeadm.yaml"
    config.write_text(CONFIG.read_text().replace("encryptionAlgorithm", "encryptionAlgoritm"))
    rootfs = tmp_path / "root"
    rootfs.mkdir()
    done = command("init", rootfs=rootfs, config=config)
    assert (done.returncode, done.stdout) == (2, "")
    assert f'{config}:9:1: encryptionAlgoritm: unknown field "encryptionAlgoritm"' in done.stderr
    assert "did you mean encryptionAlgorithm?" in done.stderr
    assert list(rootfs.iterdir()) == []
    lenient = command("init", "--lenient", "--dry-run", rootfs=rootfs, config=config)
    assert lenient.returncode == 0
    assert lenient.stderr.startswith(f"warning: {config}:9:1: encryptionAlgoritm: unknown field")
    assert "RSA" not in lenient.stdout


def test_every_problem_of_a_configuration_is_told(tmp_path: Path) -> None:
    config = tmp_path / "kubeadm.yaml"
    config.write_text(CONFIG.read_text().replace("ECDSA-P256", "ECDSA-P999") + "clusterNaem: x\n")
    done = command("init", "--dry-run", rootfs=tmp_path, config=config)
    assert done.returncode == 2
    assert f"{config}:9:" in done.stderr
    assert f"{config}:10:1: clusterNaem" in done.stderr
    assert "did you mean clusterName?" in done.stderr


def test_relative_paths_are_taken_from_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    shutil.copy(CONFIG, tmp_path / "config.yaml")
    words = ("certs", "init", "ca", "--config", "config.yaml", "--rootfs", "root", "--cert-dir", "/srv/pki")
    done = subprocess.run([*PROGRAM, *words], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "root/srv/pki").iterdir()) == ["ca.crt", "ca.key"]


def test_a_certificate_that_would_outlive_its_ca(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.read_text() + "caCertificateValidityPeriod: 24h\n")
    rootfs = tmp_path / "root"
    rootfs.mkdir()
    assert command("certs", "init", "ca", rootfs=rootfs, config=config).returncode == 0
    refused = command("certs", "init", "apiserver", rootfs=rootfs, config=config)
    assert refused.returncode == 1
    assert "[certificate.outlives_authority]" in refused.stderr
    clamped = command("certs", "init", "apiserver", "--outlive-ca", "clamp", "-o", "json", rootfs=rootfs, config=config)
    assert clamped.returncode == 0
    (ca,), (apiserver,) = (
        file.certificates
        for file in kubepki.read_certificates(
            ["/etc/kubernetes/pki/ca.crt", "/etc/kubernetes/pki/apiserver.crt"], rootfs=rootfs
        )
    )
    assert apiserver.not_after == ca.not_after


def slow_config(folder: Path) -> Path:
    """Return a configuration whose keys take seconds."""
    config = folder / "slow.yaml"
    config.write_text(CONFIG.read_text().replace("ECDSA-P256", "RSA-4096"))
    return config


def start_on_a_terminal(rootfs: Path, config: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start `init` with a terminal as stderr; return the process and the other end of the terminal."""
    ours, theirs = pty.openpty()
    # A test run in the background may hand SIGINT on as ignored, which no shell does to a command that is typed.
    not_ignored = (
        "import os, signal, sys;signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    )
    words = ("init", "--config", str(config), "--rootfs", str(rootfs))
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"} | {"TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-c", not_ignored, *PROGRAM, *words], stdout=subprocess.PIPE, stderr=theirs, env=environment
    )
    os.close(theirs)
    return process, ours


def read_until(terminal: int, wanted: bytes | None, seconds: float = 60) -> bytes:
    """Return what a terminal shows until something is seen, or until it is closed."""
    shown = b""
    end = time.monotonic() + seconds
    while time.monotonic() < end and (wanted is None or wanted not in shown):
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux says EIO when the last writer is gone
            break
        if not part:
            break
        shown += part
    return shown


def test_ctrl_c_while_keys_are_made_leaves_nothing(tmp_path: Path) -> None:
    rootfs = tmp_path / "root"
    rootfs.mkdir()
    process, terminal = start_on_a_terminal(rootfs, slow_config(tmp_path))
    try:
        assert b"keys [" in read_until(terminal, b"keys [")
        process.send_signal(signal.SIGINT)
        rest = read_until(terminal, None)
        stdout, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        os.close(terminal)
    assert process.returncode == 130
    assert stdout == b""
    assert rest.endswith(b"\r\x1b[2Kinterrupted: nothing was changed\r\n")
    assert b"Traceback" not in rest
    assert list(rootfs.iterdir()) == []


def test_on_a_terminal_a_bar_is_drawn_and_wiped_out(tmp_path: Path) -> None:
    process, terminal = start_on_a_terminal(tmp_path, CONFIG)
    shown = read_until(terminal, None)
    stdout, _ = process.communicate(timeout=60)
    os.close(terminal)
    assert process.returncode == 0
    assert re.search(rb"keys \[[#.]{24}\] \d+/16", shown)
    assert re.search(rb"\r\x1b\[2Kmade 16: [^\x1b]*\r\n$", shown)
    assert b"\x1b" not in stdout
    assert b"keys [" not in stdout


@pytest.mark.parametrize("colourless", [False, True])
def test_colour_is_for_terminals_and_only_if_wanted(
    *, colourless: bool, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (node / APISERVER).write_text("junk\n")
    ours, theirs = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if colourless:
        monkeypatch.setenv("NO_COLOR", "1")
    words = ("init", "--dry-run", "--config", str(CONFIG), "--rootfs", str(node))
    process = subprocess.Popen([*PROGRAM, *words], stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = read_until(ours, None)
    os.close(ours)
    assert process.wait(60) == 1
    assert (b"\x1b[31mcritical\x1b[0m: apiserver" in shown) is not colourless
    assert (b"critical: apiserver" in shown) is colourless


def test_a_folder_that_cannot_be_written_is_the_environments_failure(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/kubernetes").write_text("a file in the folder's place")
    before = snapshot(tmp_path)
    done = command("init", rootfs=tmp_path)
    assert done.returncode in {1, 3}
    assert "kubernetes" in done.stderr
    assert "Traceback" not in done.stderr
    assert snapshot(tmp_path) == before


def test_a_dry_run_leaves_an_interrupted_change_to_the_next_real_run(node: Path) -> None:
    # What a power cut leaves while the journal is written.
    journal = node / "etc/kubernetes/.kubepki-0123456789abcdef.prepared"
    whole = snapshot(node)
    journal.write_text("cut off")
    assert command("init", "--dry-run", rootfs=node).returncode == 0
    assert journal.read_text() == "cut off"
    assert command("init", rootfs=node).returncode == 0
    assert snapshot(node) == whole
