"""What the pages show of the program's output is what it prints; moments and numbers that change are masked."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from trees import kubepki

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"

# Samples that a node made of examples/single-node.yaml can show: the page, the command as it is printed there, and the
# commands that come before it.
SAMPLES = [
    ("README.md", "check --config examples/single-node.yaml --rootfs demo", ()),
    ("README.md", "init --config examples/single-node.yaml --rootfs node --dry-run", None),
    ("docs/guides/renew.md", "certs renew all --dry-run", ()),
    ("docs/guides/renew.md", "certs renew all", ()),
    ("docs/guides/backup.md", "certs renew apiserver", ()),
    ("docs/guides/backup.md", "backup list", ("certs renew all", "certs renew apiserver")),
    ("docs/guides/backup.md", "backup show latest", ("certs renew apiserver",)),
    ("docs/guides/monitor.md", "check", ()),
    ("docs/guides/monitor.md", "explain certificate.expired", None),
    ("docs/guides/monitor.md", "show /etc/kubernetes/pki/apiserver.crt", ()),
    ("docs/reference/errors.md", "certs init apisever", ()),
]


def samples(page: str) -> dict[str, list[str]]:
    """Return what a page shows below each command."""
    found: dict[str, list[str]] = {}
    for block in re.findall(r"^```(?:console|text)\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE):
        lines: list[str] = []
        for line in block.splitlines():
            if line.startswith(("$ ", "# ")):
                lines = found.setdefault(line[2:].removeprefix("kubepki ").split("  #")[0].strip(), [])
            else:
                lines.append(line)
        if "what is in demo now (mode and name):" in lines:
            # The demo goes on without the program.
            del lines[lines.index("what is in demo now (mode and name):") :]
    return found


def masked(line: str, root: Path) -> str:
    """Return a line without what differs from run to run."""
    for pattern, mask in [
        (re.escape(str(root)), ""),
        (r" --rootfs( \S+)?(?=[`\s]|$)", ""),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC", "MOMENT"),
        (r"\d{8}T\d{6}(\.\d+)?Z?(-[\w-]+)?|\d{8}-\d{6}[\w.-]*", "BACKUP"),
        (r"\b\d+[dhyms]\b", "SPAN"),
        (r"\b[0-9a-f]{6,40}\b…?", "NUMBER"),
        (r"[A-Z][a-z]{2} \d\d, \d{4} \d\d:\d\d UTC", "MOMENT"),
        (r"\s+", " "),
    ]:
        line = re.sub(pattern, mask, line)
    return line.strip()


@pytest.mark.parametrize(("page", "command", "before"), SAMPLES, ids=lambda value: str(value)[:60])
def test_a_sample_is_what_the_program_prints(
    page: str, command: str, before: tuple[str, ...] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "node"
    root.mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(EXAMPLES)
    shutil.copy(EXAMPLES / "single-node.yaml", tmp_path / "kubeadm.yaml")
    if before is not None:
        for each in ("init --config kubeadm.yaml", *before):
            done = kubepki(*each.split(), "--rootfs", root)
            assert done.returncode == 0, done.stderr
    words = [word for word in shlex.split(command) if word not in ("--rootfs", "demo", "node")]
    of_a_node = () if words[0] == "explain" else ("--rootfs", root)
    done = kubepki(*words, *of_a_node)
    printed = [masked(line, root) for line in (done.stdout + done.stderr).splitlines()]
    shown = [masked(line, root) for line in samples(page)[command]]
    assert shown, f"{page} shows nothing of {command}"
    # What is left out is shown as …, alone or at the end of a line.
    missing = [
        line
        for line in shown
        if line not in ("", "…")
        and not (
            any(each.startswith(line[:-1].rstrip()) for each in printed) if line.endswith("…") else line in printed
        )
    ]
    assert missing == [], "\n".join(["printed:", *printed, "shown:", *shown])
