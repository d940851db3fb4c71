"""Shell completion and manual pages, made from the command line."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from trees import SEARCH_PATH, kubepki

if TYPE_CHECKING:
    from pathlib import Path

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


# What is typed, and what Tab offers or completes: a command, an option, a value of an option or an argument, a file.
TYPED = [
    ("kubepki certs ren", "renew"),
    ("kubepki certs renew --be", "--before"),
    ("kubepki check -o y", "yaml"),
    ("kubepki certs sign --role w", "worker"),
    ("kubepki certs renew apiserver-e", "apiserver-etcd-client"),
    ("kubepki certs renew --dry-run apiserver scheduler.c", "scheduler.conf"),
    ("kubepki certs generate-csr kubelet-c", "kubelet-client"),
    ("kubepki certs init front-proxy-ca sa", "sa"),
    ("kubepki certs cleanup etcd-s", "etcd-server"),
    ("kubepki kubeconfig init sup", "super-admin.conf"),
    ("kubepki restart kube-s", "kube-scheduler"),
    ("kubepki explain key.encr", "key.encrypted"),
    ("kubepki completion f", "fish"),
    ("kubepki check --config kubea", "kubeadm.yaml"),
    ("kubepki show kubea", "kubeadm.yaml"),
    ("kubepki check kubea", "kubeadm.yaml"),
]


def script(shell: str, folder: Path) -> Path:
    """Write a shell's script, and files to be completed, into a folder."""
    done = kubepki("completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    (folder / "kubeadm.yaml").touch()
    path = folder / "_kubepki"
    path.write_text(done.stdout)
    return path


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish, which runs the script, is not installed")
@pytest.mark.parametrize(("typed", "offered"), TYPED)
def test_fish_completes(typed: str, offered: str, tmp_path: Path) -> None:
    asked = ("source $argv[1]; complete -C $argv[2]", str(script("fish", tmp_path)), typed)
    command = ["fish", "--no-config", "-c", *asked]
    home = {**os.environ, "HOME": str(tmp_path), "PATH": SEARCH_PATH}
    done = subprocess.run(command, cwd=tmp_path, env=home, capture_output=True, text=True, check=True)
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == [offered], done.stderr


# A zsh on a terminal of its own, in which Tab is pressed behind what is typed.
ZSH = r"""
zmodload zsh/zpty
zpty shell "PS1= zsh -f -i"
until_seen() {
    local all= part
    for _ in {1..400}; do
        while zpty -rt shell part; do all+=$part; done
        [[ $all == *"$1"* ]] && { print -r -- $all; return 0 }
        sleep 0.05
    done
    print -r -- $all
    return 1
}
zpty -w shell "fpath=($1 \$fpath); autoload -U compinit; compinit -u -D; print set-\up"
until_seen set-up > /dev/null
zpty -n -w shell "$2"$'\t'
until_seen "$3"
"""


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh, which runs the script, is not installed")
@pytest.mark.parametrize(("typed", "offered"), TYPED)
def test_zsh_completes(typed: str, offered: str, tmp_path: Path) -> None:
    folder = script("zsh", tmp_path).parent
    # What is typed is echoed too: what Tab adds is the rest.
    added = offered.removeprefix(typed.rsplit(" ", maxsplit=1)[-1])
    command = ["zsh", "-f", "-c", ZSH, "zsh", str(folder), typed, added]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PATH": SEARCH_PATH}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.mark.parametrize(("typed", "offered"), [one for one in TYPED if one[1] != "kubeadm.yaml"])
def test_bash_completes_the_same(typed: str, offered: str) -> None:
    command = ["bash", "-c", TAB, "bash", *typed.split(" ")]
    source = kubepki("completion", "bash").stdout
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=True)
    assert offered in done.stdout.split()


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
