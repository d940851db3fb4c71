"""Shell completion and manual pages, made from the command line."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from trees import kubepki

if kubepki("completion", "bash").returncode != 0:
    pytest.skip("this command line has no completion yet", allow_module_level=True)

# What bash does when Tab is pressed behind the last word.
TAB = """
source /dev/stdin
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_kubepki "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["re"], "restart"),
        (["certs", ""], "renew"),
        (["certs", "renew", "--be"], "--before"),
        (["completion", ""], "fish"),
    ],
)
def test_bash_completes_commands_and_options(typed: list[str], offered: str) -> None:
    script = kubepki("completion", "bash").stdout
    command = ["bash", "-c", TAB, "bash", "kubepki", *typed]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=True)
    assert offered in done.stdout.split()
    assert "manual" not in done.stdout.split()


@pytest.mark.parametrize(("shell", "option"), [("zsh", "-n"), ("fish", "--no-execute")])
def test_the_scripts_of_other_shells_are_whole(shell: str, option: str) -> None:
    done = kubepki("completion", shell)
    assert (done.returncode, done.stderr, "check-expiration" in done.stdout or "renew" in done.stdout) == (0, "", True)
    if shutil.which(shell) is None:
        pytest.skip(f"{shell}, which could read the script, is not installed")
    read = subprocess.run([shell, option], input=done.stdout, capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff, which reads manual pages, is not installed")
def test_every_manual_page_is_typeset_without_a_warning() -> None:
    pages = kubepki("manual").stdout.split()
    assert {"kubepki", "kubepki-certs-renew"} <= set(pages)
    for page in pages:
        source = kubepki("manual", page).stdout
        command = ["groff", "-K", "utf8", "-T", "utf8", "-man", "-ww"]
        done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), page
        assert "EXAMPLES" in done.stdout.upper() or page.count("-") < 2, page


def test_a_page_that_is_not_there_is_a_usage_error() -> None:
    done = kubepki("manual", "kubepki-nothing")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, "  code: cli.usage")
