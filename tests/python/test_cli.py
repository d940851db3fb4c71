"""The command line's frame: exit codes, error texts, suggestions, output that cannot be written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, NoReturn

import pytest

import kubepki
from kubepki import Interrupted, PartialError, _core
from kubepki.cli import verbs
from kubepki.cli.main import main
from kubepki.cli.verbs import Verb

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction
    from collections.abc import Callable
    from pathlib import Path

Capture = pytest.CaptureFixture[str]


class Deed:
    """A verb's module whose `run` does what a test wants."""

    def __init__(self, name: str, deed: Callable[[], int]) -> None:
        self.name = name
        self.deed = deed

    def add_parser(self, subparsers: _SubParsersAction[ArgumentParser]) -> None:
        subparsers.add_parser(self.name, help="do it").add_argument("--count", type=int)

    def run(self, _arguments: Namespace) -> int:
        return self.deed()


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put a verb into the table: `install("certs", "init", deed=...)`."""

    def install(*words: str, deed: Callable[[], int]) -> None:
        module = "test_verb_" + "_".join(words)
        monkeypatch.setitem(sys.modules, module, Deed(words[-1], deed))
        monkeypatch.setattr(verbs, "VERBS", (*verbs.VERBS, Verb(words, module, "do it")))
        for depth in range(1, len(words)):
            monkeypatch.setitem(verbs.GROUPS, words[:depth], "a group of commands")

    return install


def process(*arguments: str, stdout: int = subprocess.PIPE, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kubepki", *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_version_flag_and_verb(capsys: Capture) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"kubepki {kubepki.__version__}\n"
    assert main(["version"]) == 0
    long = capsys.readouterr().out
    assert long.startswith(f"kubepki {kubepki.__version__} (")
    assert main(["--version", "--verbose"]) == 0
    assert capsys.readouterr().out == long
    assert re.search("^RSA keys: (sieve|library)", long, re.MULTILINE)
    assert main(["version", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == _core.build_info()


def test_help_lists_every_verb(capsys: Capture) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    for verb in verbs.VERBS:
        assert verb.words[0] in shown.out


@pytest.mark.parametrize("verb", verbs.VERBS, ids=lambda verb: " ".join(verb.words))
def test_a_verb_is_called_the_same_in_the_table_and_in_its_module(verb: Verb, capsys: Capture) -> None:
    assert main([*verb.words, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: kubepki {' '.join(verb.words)} ")


@pytest.mark.parametrize(
    ("arguments", "message", "hint", "code"),
    [
        (["versoin"], "unknown command 'versoin'", "did you mean `kubepki version`?", "cli.unknown_command"),
        (["renew", "all"], "unknown command 'renew'", "did you mean `kubepki certs renew`?", "cli.unknown_command"),
        (["certs", "check"], "unknown command 'check'", "did you mean `kubepki check`?", "cli.unknown_command"),
        (["import"], "unknown", "`kubepki certs import` or `kubepki bundle import`", "cli.unknown_command"),
        (["qqqq"], "unknown command 'qqqq'", "`kubepki --help` lists the commands", "cli.unknown_command"),
        ([], "a command is missing", "`kubepki --help` lists", "cli.command_missing"),
        (["--verbose"], "--verbose goes with --version", "kubepki --version --verbose", "cli.usage"),
        (["version", "--color"], "unrecognized arguments: --color", "`kubepki version --help`", "cli.usage"),
        (["version", "-o", "xml"], "argument -o/--output: invalid choice", "`kubepki version --help`", "cli.usage"),
        (["version", "--out", "json"], "unrecognized arguments: --out", "--help", "cli.usage"),
    ],
)
def test_a_wrong_call_says_what_and_how(
    arguments: list[str], message: str, hint: str, code: str, capsys: Capture
) -> None:
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = shown.err.splitlines()
    assert lines[0].startswith(f"error: {message}")
    assert lines[1].startswith("  hint: ")
    assert hint in lines[1]
    assert lines[2:] == [f"  code: {code}"]


def test_grouped_verbs(install: Callable[..., None], capsys: Capture) -> None:
    install("vault", "forge", deed=lambda: 0)
    install("vault", "renew", deed=lambda: 1)
    assert main(["vault", "forge", "--count", "1"]) == 0
    assert main(["vault", "renew"]) == 1
    assert main(["vault", "--help"]) == 0
    assert {"forge", "renew"} <= set(capsys.readouterr().out.split())
    assert main(["vault", "rewen"]) == 2
    assert "did you mean `kubepki vault renew`? `kubepki vault --help` lists" in capsys.readouterr().err
    assert main(["vault"]) == 2
    assert "hint: `kubepki vault --help` lists the commands" in capsys.readouterr().err


def test_an_error_of_the_library_decides_the_exit_code(install: Callable[..., None], capsys: Capture) -> None:
    def fail() -> int:
        message = "half done"
        raise PartialError(message, code="ops.half")

    install("fail", deed=fail)
    assert main(["fail"]) == 5
    assert capsys.readouterr().err == "error: half done\n  code: ops.half\n"


def test_an_interrupt(install: Callable[..., None], capsys: Capture) -> None:
    def interrupt() -> int:
        raise KeyboardInterrupt

    install("wait", deed=interrupt)
    assert main(["wait"]) == 130
    assert capsys.readouterr().err == "interrupted: nothing was changed\n"


def test_a_defect_is_not_taken_for_findings(install: Callable[..., None], capsys: Capture) -> None:
    nothing: dict[str, int] = {}
    install("break", deed=lambda: nothing["absent"])
    assert main(["break"]) == 3
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert "code: cli.internal_error" in shown


def test_a_file_that_cannot_be_used_is_named(install: Callable[..., None], capsys: Capture) -> None:
    def look() -> int:
        with open("/no/such/file"):  # noqa: PTH123
            return 0

    install("look", deed=look)
    assert main(["look"]) == 3
    assert capsys.readouterr().err.startswith("error: /no/such/file: No such file or directory\n")


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


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_are_no_defect(closed: str, tmp_path: Path) -> None:
    words = f"init --dry-run --node-name cp1 --rootfs {tmp_path}"
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec {sys.executable} -m kubepki {words} {closed}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert ("create" in done.stdout) is (closed in {"<&-", "2>&-"})
    assert ("dry run" in done.stderr) is (closed in {"<&-", ">&-"})


def test_an_argument_that_is_no_text_is_a_usage_error() -> None:
    done = subprocess.run(
        [os.fsencode(sys.executable), b"-m", b"kubepki", b"check", b"--rootfs", b"/\xff\xfe"],
        capture_output=True,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 3  # of `check`; 2 elsewhere
    assert done.stderr.startswith(b"error: the argument '/\\udcff\\udcfe' is not UTF-8 text\n")


@pytest.mark.parametrize("word", ["init", "check"])
def test_an_interrupt_keeps_its_exit_code(word: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def stop(*_arguments: object) -> NoReturn:
        raise Interrupted("stopped", code="cli.interrupted")

    monkeypatch.setattr(f"kubepki.cli.{word}.run", stop)
    assert main([word]) == 130
    assert capsys.readouterr().err == "stopped\n"
