"""Durations beyond the calendar, and panics: errors with a code, for every caller."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import kubepki
from kubepki import ConfigurationError, InternalError, KubepkiError, _core
from kubepki.types import Schedule
from trees import golden
from trees import kubepki as command

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 26, 12, tzinfo=timezone.utc)
LATEST = datetime.max.replace(tzinfo=timezone.utc)

# Each is beyond the year 9999; most are beyond what the core can say as a date.
LONG = ["100000000d", "2400000000h", "4000000w", "999999998d"]


@pytest.mark.parametrize("long", LONG)
@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("certs", "renew", "apiserver", "--dry-run", "--validity"), "--validity"),
        (("certs", "renew", "apiserver", "--dry-run", "--before"), "--before"),
        (
            (
                "certs",
                "sign",
                "--csr-dir",
                "requests",
                "--role",
                "worker",
                "--node-name",
                "w1",
                "--dry-run",
                "--validity",
            ),
            "--validity",
        ),
        (
            ("kubeconfig", "user", "--server", "https://192.0.2.1:6443", "--client-name", "jane", "--validity-period"),
            "--validity",
        ),
        (("check", "--warning"), "--warning"),
        (("backup", "prune", "--older-than"), "--older-than"),
        (("restart", "--dry-run", "--timeout"), "--timeout"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_a_time_beyond_the_calendar_is_an_error_that_names_the_option(
    tmp_path: Path, arguments: tuple[str, ...], option: str, long: str
) -> None:
    golden(tmp_path, "minimal")
    (tmp_path / "requests").mkdir()
    (tmp_path / "requests/apiserver.csr").write_text("")
    end = command(*arguments, long, "--rootfs", tmp_path)
    assert "panic" not in end.stderr
    assert "Traceback" not in end.stderr
    if "--timeout" not in arguments:  # A dry run waits for nothing.
        assert end.returncode == (3 if arguments[0] == "check" else 2), end
        assert option in end.stderr


def test_days_beyond_the_calendar_are_an_error(tmp_path: Path) -> None:
    for days in ("100000000", "999999999", "99999999999999999999", "3000000"):
        end = command(
            "certs",
            "sign",
            "--csr-dir",
            tmp_path,
            "--role",
            "control-plane",
            "--node-name",
            "cp1",
            "--days",
            days,
            "--dry-run",
        )
        assert end.returncode == 2, end
        assert end.stderr.startswith("error: --days: "), end
        assert "panic" not in end.stderr
        assert "Traceback" not in end.stderr


def test_a_duration_that_cannot_be_held_names_its_option(tmp_path: Path) -> None:
    golden(tmp_path, "minimal")
    for option in ("--warning", "--critical"):
        end = command("check", "--rootfs", tmp_path, option, "9999999999d")
        assert end.returncode == 3, end
        assert option in end.stderr


CALLS: dict[str, Callable[[Path, timedelta], object]] = {
    "--warning": lambda root, span: kubepki.check(rootfs=root, warning=span, critical=span, now=NOW),
    "--before": lambda root, span: kubepki.plan_renew(["apiserver"], rootfs=root, before=span, now=NOW),
    "--validity": lambda root, span: kubepki.plan_renew(["apiserver"], rootfs=root, validity=span, now=NOW),
    "--older-than": lambda root, span: kubepki.prune_backups(rootfs=root, older_than=span, dry_run=True, now=NOW),
    "--validity of a user": lambda root, span: kubepki.user_kubeconfig(
        "jane", rootfs=root, server="https://192.0.2.1:6443", validity=span, now=NOW
    ),
    "--timeout": lambda root, span: kubepki.restart(rootfs=root, timeout=span, now=NOW),
}


@pytest.mark.parametrize(
    "span", [timedelta.max, timedelta.min, timedelta(days=100_000_000), timedelta(days=9000 * 366)]
)
@pytest.mark.parametrize("option", CALLS)
def test_the_extremes_of_python_are_errors_of_kubepki(tmp_path: Path, option: str, span: timedelta) -> None:
    golden(tmp_path, "minimal")
    if span == timedelta(days=9000 * 366) and option.split(maxsplit=1)[0] not in ("--validity", "--timeout"):
        pytest.skip("a threshold may be as long as the calendar")
    with pytest.raises(ConfigurationError) as raised:
        CALLS[option](tmp_path, span)
    named = raised.value.message + raised.value.hint
    assert option.split(maxsplit=1)[0] in named or span < timedelta(0), named


def code_of(call: Callable[[], object]) -> str | None:
    """Return the code of the error that the call ends with; None where there is none."""
    try:
        call()
    except KubepkiError as error:
        return error.code
    return None


@pytest.mark.parametrize("now", [LATEST, datetime.min.replace(tzinfo=timezone.utc)])
def test_the_ends_of_the_calendar_are_no_panic(tmp_path: Path, now: datetime) -> None:
    golden(tmp_path, "minimal")
    kubepki.check(rootfs=tmp_path, now=now)
    for call in (
        lambda: kubepki.plan_renew("all", rootfs=tmp_path, now=now),
        lambda: kubepki.plan(rootfs=tmp_path, config_text=(tmp_path / "k.yaml").read_text(), now=now),
        lambda: kubepki.user_kubeconfig("jane", rootfs=tmp_path, server="https://192.0.2.1:6443", now=now),
    ):
        (tmp_path / "k.yaml").write_text(
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n"
            "localAPIEndpoint: {advertiseAddress: 192.0.2.10}\nnodeRegistration: {name: cp1}\n"
        )
        assert code_of(call) != "internal.panic"


def test_seconds_of_any_size_are_errors_at_the_border_of_the_core(tmp_path: Path) -> None:
    node = {"rootfs": str(golden(tmp_path, "minimal").parent.parent)}
    for seconds in (2**63 - 1, -(2**63), 2**53):
        for call, request in (
            (_core.check, {**node, "warning": seconds}),
            (_core.plan_sign, {**node, "csr_dir": "/", "validity": seconds}),
        ):
            with pytest.raises(KubepkiError) as raised:
                call(request)
            assert raised.value.code in ("plan.bad_request", "sign.no_requests"), raised.value


def test_a_schedule_beyond_the_calendar_is_an_error() -> None:
    with pytest.raises(KubepkiError, match="--before"):
        kubepki.schedule_units(Schedule(program=Path("/usr/bin/kubepki"), before=timedelta.max))


def test_a_panic_is_an_error_like_any_other() -> None:
    with pytest.raises(InternalError, match="a panic that was asked for") as raised:
        _core._panic()  # noqa: SLF001
    error = raised.value
    assert isinstance(error, Exception)
    assert (error.code, error.category, error.exit_code) == ("internal.panic", "internal", 3)
    assert "report" in error.hint


def test_ansible_gets_its_json_when_the_core_panics(tmp_path: Path) -> None:
    import subprocess
    import sys

    program = tmp_path / "module.py"
    program.write_text(
        "from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki\n"
        "from kubepki import _core\n"
        "module = _kubepki.make_module({})\n"
        "with _kubepki.failures(module):\n"
        "    _core._panic()\n"
    )
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {"rootfs": str(tmp_path)}})
    end = subprocess.run([sys.executable, program, arguments], capture_output=True, text=True, check=False)
    answer = json.loads(end.stdout)
    assert answer["failed"] is True
    assert answer["code"] == "internal.panic"
    assert "internal.panic" in answer["msg"]
