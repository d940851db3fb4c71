"""`kubepki systemd install` and `remove`, as processes; systemd itself judges the units where it is installed."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import kubepki
from kubepki import ConfigurationError, Schedule
from trees import COMMAND, GOLDEN, run, state, with_programs
from trees import kubepki as command

if TYPE_CHECKING:
    from subprocess import CompletedProcess

UNITS = ("kubepki-renew.service", "kubepki-renew.timer")
ANALYZE = shutil.which("systemd-analyze")


def install(rootfs: Path, *arguments: str | Path) -> CompletedProcess[str]:
    return command("systemd", "install", "--rootfs", rootfs, *arguments)


def units(rootfs: Path) -> list[str]:
    return [(rootfs / "etc/systemd/system" / name).read_text() for name in UNITS]


def values(unit: str, key: str) -> list[str]:
    return [line.removeprefix(f"{key}=") for line in unit.splitlines() if line.startswith(f"{key}=")]


def test_both_units_are_written_and_a_second_time_changes_nothing(tmp_path: Path) -> None:
    first = install(tmp_path)
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines() == [f"/etc/systemd/system/{name}: created" for name in UNITS]
    assert f"systemctl --root={tmp_path} enable kubepki-renew.timer" in first.stderr
    service, timer = units(tmp_path)
    assert values(service, "ExecStart") == [f"{COMMAND} certs renew all --before 30d"]
    assert values(service, "Type") == ["oneshot"]
    assert values(timer, "OnCalendar") + values(timer, "RandomizedDelaySec") == ["daily", "1h"]
    assert values(timer, "Persistent") == ["true"]
    assert [(tmp_path / "etc/systemd/system" / name).stat().st_mode & 0o777 for name in UNITS] == [0o644, 0o644]
    before = state(tmp_path)
    second = install(tmp_path, "-o", "json")
    assert [each["action"] for each in json.loads(second.stdout)["units"]] == ["unchanged", "unchanged"]
    assert (install(tmp_path).stdout.count("already as wanted"), state(tmp_path)) == (2, before)


def test_the_service_runs_what_is_installed(tmp_path: Path) -> None:
    """What stands behind `ExecStart` is a command that works."""
    assert install(tmp_path, "--before", "2w", "--restart").returncode == 0
    (line,) = values(units(tmp_path)[0], "ExecStart")
    program, *arguments = line.split()
    assert arguments == ["certs", "renew", "all", "--before", "14d", "--restart"]
    (tmp_path / "node").mkdir()
    made = run(program, "init", "--rootfs", tmp_path / "node", "--config", GOLDEN / "ecdsa-p256/config.yaml")
    assert made.returncode == 0, made.stderr
    quiet = run(program, *arguments[:-1], "--rootfs", tmp_path / "node")
    assert (quiet.returncode, quiet.stdout) == (0, "")


def test_printing_writes_nothing(tmp_path: Path) -> None:
    printed = command("systemd", "install", "--print", "--on-calendar", "Mon 03:00", "--rootfs", tmp_path)
    assert (printed.returncode, list(tmp_path.iterdir())) == (0, [])
    assert all(f"# /etc/systemd/system/{name}" in printed.stdout for name in UNITS)
    assert "OnCalendar=Mon 03:00" in printed.stdout
    both = json.loads(command("systemd", "install", "--print", "-o", "json", "--rootfs", tmp_path).stdout)["units"]
    assert [unit["path"] for unit in both] == [f"/etc/systemd/system/{name}" for name in UNITS]
    assert both[0]["text"] in command("systemd", "install", "--print").stdout


def test_what_somebody_else_wrote_is_kept_and_the_difference_shown(tmp_path: Path) -> None:
    assert install(tmp_path).returncode == 0
    before = state(tmp_path)
    refused = install(tmp_path, "--before", "60d")
    assert (refused.returncode, refused.stdout, state(tmp_path)) == (4, "", before)
    assert f"-ExecStart={COMMAND} certs renew all --before 30d" in refused.stderr
    assert f"+ExecStart={COMMAND} certs renew all --before 60d" in refused.stderr
    assert "systemd.other_content" in refused.stderr
    dry = install(tmp_path, "--before", "60d", "--force", "--dry-run")
    assert (dry.returncode, state(tmp_path)) == (0, before)
    assert dry.stdout.splitlines()[0].endswith("replaced")
    forced = install(tmp_path, "--before", "60d", "--force")
    assert forced.returncode == 0
    assert values(units(tmp_path)[0], "ExecStart")[0].endswith("60d")


def test_what_not_everybody_may_read_is_not_shown_as_a_difference(tmp_path: Path) -> None:
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    key = tmp_path / "etc/systemd/system/secret"
    key.write_text("a secret")
    key.chmod(0o600)
    (tmp_path / "etc/systemd/system" / UNITS[0]).symlink_to("secret")
    refused = install(tmp_path)
    assert (refused.returncode, "a secret" in refused.stderr, "(not shown" in refused.stderr) == (4, False, True)


def test_removing_takes_both_and_nothing_that_is_not_ours(tmp_path: Path) -> None:
    assert install(tmp_path).returncode == 0
    (tmp_path / "etc/systemd/system/other.timer").write_text("[Timer]\n")
    removed = command("systemd", "remove", "--rootfs", tmp_path)
    assert (removed.returncode, removed.stdout.count("removed")) == (0, 2)
    assert [path.name for path in state(tmp_path)] == ["other.timer"]
    again = command("systemd", "remove", "--rootfs", tmp_path)
    assert (again.returncode, again.stdout) == (0, "")
    assert "nothing to do" in again.stderr
    assert install(tmp_path).returncode == 0
    (tmp_path / "etc/systemd/system" / UNITS[1]).write_text("[Timer]\n")
    before = state(tmp_path)
    refused = command("systemd", "remove", "--rootfs", tmp_path)
    assert (refused.returncode, state(tmp_path)) == (4, before)
    assert "systemd.not_ours" in refused.stderr
    assert command("systemd", "remove", "--force", "--rootfs", tmp_path).returncode == 0


def test_a_configuration_is_read_and_its_certificates_may_be_written(tmp_path: Path) -> None:
    config = tmp_path / "kubeadm.yaml"
    config.write_text(
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n"
        "kubernetesVersion: v1.36.2\ncertificatesDir: /srv/pki\n"
    )
    done = install(tmp_path, "--config", config)
    assert done.returncode == 0, done.stderr
    service, _ = units(tmp_path)
    assert values(service, "ExecStart")[0].endswith(f"--config {config}")
    assert values(service, "ReadWritePaths") == ["-/etc/kubernetes -/var/lib/kubelet -/srv/pki"]
    config.write_text("kind: Nothing\n")
    refused = install(tmp_path, "--config", config, "--force")
    assert (refused.returncode, units(tmp_path)[0]) == (2, service)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (["--on-calendar", " "], 2, ["systemd.bad_value", "empty"]),
        (["--on-calendar", "daily\nUser=x"], 2, ["systemd.bad_value", "line break"]),
        (["--before", "soon"], 2, ["cli.duration"]),
        (["--program", "kubepki"], 2, ["systemd.bad_value", "absolute"]),
        (["--now"], 2, ["systemd.other_root"]),
        (["--config", "/no/such/file"], 3, ["store.missing"]),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    arguments: list[str], exit_code: int, words: list[str], tmp_path: Path
) -> None:
    done = install(tmp_path, *arguments)
    assert (done.returncode, done.stdout, list(tmp_path.iterdir())) == (exit_code, "", [])
    assert all(word in done.stderr for word in words), done.stderr


def test_now_tells_systemd_in_the_right_order(tmp_path: Path) -> None:
    """No systemd runs where tests do: a stand-in for `systemctl` notes what it is told, and the number of units."""
    program = tmp_path / "bin/systemctl"
    program.parent.mkdir()
    folder, noted = tmp_path / "units", tmp_path / "noted"
    program.write_text(f'#!/bin/sh\necho "$@" "$(ls {folder} | wc -l)" >> {noted}\n')
    program.chmod(0o755)
    here = with_programs(program.parent)
    where = ("--now", "--unit-dir", str(folder))
    assert command("systemd", "install", *where, before=here).returncode == 0
    assert noted.read_text().splitlines() == ["daemon-reload 2", "enable --now kubepki-renew.timer 2"]
    noted.unlink()
    assert command("systemd", "remove", *where, before=here).returncode == 0
    assert noted.read_text().splitlines() == ["disable --now kubepki-renew.timer 2", "daemon-reload 0"]


def test_a_timer_that_does_not_start_leaves_the_units_as_they_were(tmp_path: Path) -> None:
    program = tmp_path / "bin/systemctl"
    program.parent.mkdir()
    folder, noted, fails = tmp_path / "units", tmp_path / "noted", tmp_path / "fails"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {noted}\n[ "$1" != "$(cat {fails})" ] || {{ echo "no bus" >&2; exit 1; }}\n'
    )
    program.chmod(0o755)
    folder.mkdir()
    here = with_programs(program.parent)
    where = ("--now", "--unit-dir", str(folder))

    def tell(verb: str, *arguments: str, fail: str) -> CompletedProcess[str]:
        noted.unlink(missing_ok=True)
        fails.write_text(fail)
        return command("systemd", verb, *where, *arguments, before=here)

    for fail in ("enable", "daemon-reload"):
        failed = tell("install", fail=fail)
        assert (failed.returncode, state(folder)) == (3, {}), failed.stderr
        assert failed.stderr.splitlines()[-1] == "  code: systemd.not_started"
        assert "no bus" in failed.stderr
        assert "the unit files are as they were before" in failed.stderr
        assert "disable --now kubepki-renew.timer" in noted.read_text()

    assert tell("install", fail="never").returncode == 0
    before = state(folder)
    failed = tell("install", fail="enable")
    assert (failed.returncode, state(folder)) == (3, before)
    assert "were there already and stay" in failed.stderr
    assert "systemctl enable --now kubepki-renew.timer" in failed.stderr
    assert "disable" not in noted.read_text()
    failed = tell("install", "--before", "60d", "--force", fail="enable")
    assert (failed.returncode, state(folder)) == (3, before)

    kept = tell("remove", fail="disable")
    assert (kept.returncode, state(folder)) == (3, before)
    gone = tell("remove", fail="daemon-reload")
    assert (gone.returncode, state(folder)) == (3, {})
    assert "the units are removed" in gone.stderr
    assert gone.stderr.splitlines()[-2:] == ["  hint: systemctl daemon-reload", "  code: systemd.not_reloaded"]


def test_the_timer_can_renew_the_kubelets_certificates(tmp_path: Path) -> None:
    assert install(tmp_path, "--kubelet", "--restart").returncode == 0
    (line,) = values(units(tmp_path)[0], "ExecStart")
    assert line.endswith("certs renew all --before 30d --kubelet --restart")
    assert "--kubelet" in kubepki.schedule_units(Schedule(Path("/k"), kubelet=True))[0].text


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed (make system-tools)")
def test_systemd_accepts_the_units_and_says_what_it_does_not_know(tmp_path: Path) -> None:
    program = tmp_path / "100% of it" / "kubepki"
    program.parent.mkdir()
    shutil.copy("/bin/true", program)
    odd = Path('/srv/100% $odd "name"\\')
    schedule = Schedule(program, restart=True, config=odd / "kubeadm.yaml", writes=(odd,))
    kubepki.install_units(schedule, rootfs=tmp_path)
    paths = [tmp_path / "etc/systemd/system" / name for name in UNITS]
    verified = run("systemd-analyze", "verify", "--man=no", *paths)
    # It names what is wrong with other units of the machine, too.
    assert verified.returncode == 0, verified.stderr
    assert "kubepki-renew" not in verified.stderr
    (tmp_path / "second").mkdir()
    unknown = install(tmp_path / "second", "--on-calendar", "dayly")
    assert (unknown.returncode, list((tmp_path / "second").iterdir())) == (2, [])
    assert "systemd does not know it" in unknown.stderr


def test_the_functions_and_values(tmp_path: Path) -> None:
    schedule = Schedule(Path("/opt/kubepki"), before=timedelta(days=7), on_calendar="weekly")
    service, timer = kubepki.schedule_units(schedule)
    assert "certs renew all --before 7d" in str(service)
    assert values(str(timer), "OnCalendar") == ["weekly"]
    changes = kubepki.install_units(schedule, rootfs=tmp_path)
    assert [(str(each.path), each.action) for each in changes] == [
        (f"/etc/systemd/system/{name}", "created") for name in UNITS
    ]
    assert units(tmp_path) == [service.text, timer.text]
    assert len(kubepki.remove_units(rootfs=tmp_path)) == 2
    with pytest.raises(ConfigurationError, match="absolute"):
        kubepki.schedule_units(Schedule(Path("kubepki")))
