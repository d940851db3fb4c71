"""The command line's frame: exit codes, error texts, suggestions, output that cannot be written."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

import kubepki
from kubepki import _core
from trees import BINARY, PROGRAM, commands
from trees import kubepki as command

if TYPE_CHECKING:
    from pathlib import Path


def process(*arguments: str, stdout: int = subprocess.PIPE, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def printed(*words: str) -> str:
    """Return what a command prints that succeeds and says nothing."""
    done = command(*words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_version_flag_and_verb() -> None:
    assert printed("--version") == printed("-V") == f"kubepki {kubepki.__version__}\n"
    long = printed("version")
    assert long.startswith(f"kubepki {kubepki.__version__} (")
    assert printed("--version", "--verbose") == printed("-Vv") == long
    assert re.search("^RSA keys: (sieve|library)", long, re.MULTILINE)
    data, expected = json.loads(printed("version", "-o", "json")), _core.build_info()
    # The binary is of another build.
    assert data == expected if BINARY is None else data.keys() == expected.keys()


def test_help_lists_every_command() -> None:
    shown = printed("--help")
    for words in commands():
        assert words.split()[0] in shown


@pytest.mark.parametrize(
    ("arguments", "message", "hint", "code"),
    [
        (["versoin"], "unknown command 'versoin'", "did you mean `kubepki version`?", "cli.unknown_command"),
        (
            ["renew", "all"],
            "unknown command 'renew'",
            "did you mean `kubepki certs renew` or `kubepki ca renew`?",
            "cli.unknown_command",
        ),
        (["certs", "check"], "unknown command 'check'", "did you mean `kubepki check`?", "cli.unknown_command"),
        (["import"], "unknown", "`kubepki certs import` or `kubepki bundle import`", "cli.unknown_command"),
        (["qqqq"], "unknown command 'qqqq'", "`kubepki --help` lists the commands", "cli.unknown_command"),
        (["version", "--color"], "unrecognized arguments?: --color", "`kubepki version --help`", "cli.usage"),
        (["version", "-o", "xml"], "--output.*: .*xml", "`kubepki version --help`", "cli.usage"),
        (["version", "--out", "json"], "unrecognized arguments?: --out", "--help", "cli.usage"),
        (["--rotfs", ".", "init"], "unrecognized arguments: --rotfs", "did you mean --rootfs?", "cli.usage"),
        (["-o", "json"], "-o is an option of a command, and none is named", "`kubepki --help` lists", "cli.usage"),
        (["certs", "--dry-run"], "--dry-run is an option of a command", "`kubepki certs --help` lists", "cli.usage"),
        (["init", "--dry-run=true"], "--dry-run takes no value", "`kubepki init --help`", "cli.usage"),
        (["certs", "sign", "--days", "0"], "'0' is not a positive", "--days takes a number alone", "cli.duration"),
    ],
)
def test_a_wrong_call_says_what_and_how(arguments: list[str], message: str, hint: str, code: str) -> None:
    done = command(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert re.match(f"error: .*{message}", lines[0])
    assert lines[1].startswith("  hint: ")
    assert hint in lines[1]
    assert lines[2:] == [f"  code: {code}"]


def test_grouped_verbs() -> None:
    assert {"list", "show", "restore", "prune"} <= set(printed("backup", "--help").split())
    wrong = command("backup", "lisst")
    assert wrong.returncode == 2
    assert "did you mean `kubepki backup list`? `kubepki backup --help` lists" in wrong.stderr
    missing = command("backup")
    assert (missing.returncode, missing.stderr) == (0, "")
    assert missing.stdout == printed("backup", "--help") == printed("help", "backup")


def test_without_a_command_there_is_help() -> None:
    for words in ((), ("help",), ("-v",)):
        done = command(*words)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == printed("--help")


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (("kubeconfig", "user", "--clientname", "jane"), "--client-name"),
        (("certs", "renew", "all", "--dryrun"), "--dry-run"),
        (("restart", "apiserver"), "kube-apiserver"),
        (("explain", "file.mode_to_wide"), "file.mode_too_wide"),
    ],
)
def test_a_misspelt_word_is_answered_with_the_nearest(arguments: tuple[str, ...], near: str, tmp_path: Path) -> None:
    (tmp_path / "etc/kubernetes/manifests").mkdir(parents=True)
    (tmp_path / "etc/kubernetes/manifests/kube-apiserver.yaml").write_text("")
    wrong = command(*arguments, *(("--rootfs", str(tmp_path)) if arguments[0] == "restart" else ()))
    assert wrong.returncode == 2
    assert f"did you mean {near}?" in wrong.stderr


def test_options_may_stand_in_front_of_the_command(tmp_path: Path) -> None:
    behind = command("backup", "list", "-o", "json", "--rootfs", str(tmp_path))
    ahead = command("-o", "json", "--rootfs", str(tmp_path), "backup", "list")
    assert (ahead.returncode, ahead.stdout) == (0, behind.stdout)
    assert '"backups": []' in ahead.stdout


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["version"]])
def test_a_full_disk_behind_stdout_is_an_error(arguments: list[str], unbuffered: str) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        done = process(*arguments, stdout=full, PYTHONUNBUFFERED=unbuffered)
    finally:
        os.close(full)
    assert done.returncode == 3
    assert done.stderr.splitlines()[0] == "error: cannot write the output: No space left on device"


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_went_away_is_no_error_to_talk_about(unbuffered: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = process("version", stdout=writer, PYTHONUNBUFFERED=unbuffered)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("words", ["explain -o json", "manual kubepki-certs-renew", "completion bash", "--help"])
def test_a_reader_of_the_first_line_is_served_quietly(words: str) -> None:
    # `head` goes away after a line: before all is written, where there is more than a pipe holds.
    line = f"{shlex.join(PROGRAM)} {words} | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    whole = printed(*words.split())
    assert (done.stdout, done.stderr) == (whole.splitlines(keepends=True)[0], "")
    assert done.returncode == 141 if len(whole) > 75_000 else done.returncode in {0, 141}


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_are_no_defect(closed: str, tmp_path: Path) -> None:
    words = f"init --dry-run --node-name cp1 --rootfs {tmp_path}"
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec {shlex.join(PROGRAM)} {words} {closed}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert ("create" in done.stdout) is (closed in {"<&-", "2>&-"})
    assert ("dry run" in done.stderr) is (closed in {"<&-", ">&-"})


def test_an_argument_that_is_no_text_is_a_usage_error() -> None:
    done = subprocess.run(
        [*map(os.fsencode, PROGRAM), b"check", b"--rootfs", b"/\xff\xfe"],
        capture_output=True,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 3  # of `check`; 2 elsewhere
    assert re.match(rb"error: the argument ['\"]/.+['\"] is not UTF-8 text\n", done.stderr)
