"""How the command line says that something went wrong, and with which exit code it ends.

| exit code | it means |
|---|---|
| 0 | done |
| 1 | there are findings |
| 2 | the call or the configuration is wrong |
| 3 | the environment failed: files, permissions, space, network; or kubepki has a defect |
| 4 | refused: it would do harm |
| 5 | partly done |
| 130 | interrupted |
| 141 | the reader of stdout went away (128 + SIGPIPE, what a shell reports for any other filter) |
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from kubepki.cli.output import complete_commands, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from kubepki.errors import KubepkiError

BROKEN_PIPE = 141


def report(error: KubepkiError, given: Mapping[str, Any] | None = None) -> None:
    """Print an error on stderr: what is wrong, what to do, and its code; an interrupt is a line of its own.

    The commands of kubepki in a hint get the options of this run (`given`) that say which node it is about.
    """
    if error.category == "interrupted":
        print(error.message, file=sys.stderr)
        return
    problems = error.context.get("problems", ())
    # One problem is the message itself; of several each has a hint of its own.
    lines = _listed(problems) if len(problems) > 1 else [f"error: {error.message}"]
    if error.hint:
        lines.append(f"  hint: {_completed(error.hint, given or {})}")
    lines.append(f"  code: {error.code}")
    print(*map(printable, lines), sep="\n", file=sys.stderr)


def _completed(hint: str, given: Mapping[str, Any]) -> str:
    if "`kubepki " not in hint or " --help`" in hint:
        return hint
    from kubepki.api.node import DEFAULT_BACKUP_DIR

    names = {"certificates_dir": "cert_dir"}
    fields = ("config", "lenient", "node_name", "certificates_dir", "kubeconfig_dir", "rootfs")
    node = {field: given.get(names.get(field, field)) for field in fields}
    hint = complete_commands(hint, {**node, "lenient": bool(node["lenient"])})
    backup_dir = given.get("backup_dir", DEFAULT_BACKUP_DIR)
    if backup_dir == DEFAULT_BACKUP_DIR:
        return hint
    from shlex import quote

    return re.sub(r"`(kubepki backup [^`]+)`", lambda found: f"`{found[1]} --backup-dir {quote(backup_dir)}`", hint)


def _listed(problems: Iterable[Mapping[str, Any]]) -> list[str]:
    from kubepki.types import Problem

    lines = []
    for problem in map(Problem.from_dict, problems):
        lines.append(f"{problem.severity}: {problem}")
        if problem.hint:
            lines.append(f"  hint: {problem.hint}")
    return lines
