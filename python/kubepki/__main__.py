"""The command line, which is the core's: the script `kubepki`, and `python -m kubepki`."""

from __future__ import annotations

import sys

from kubepki import _core


def main() -> int:
    """Run `kubepki` with the arguments of this process, and return its exit code."""
    program, *arguments = sys.argv
    if not program.endswith("/kubepki"):
        # `python -m kubepki`: the script beside the interpreter is what a unit can name.
        program = sys.executable.rpartition("/")[0] + "/kubepki"
    return _core.main([program, *arguments])


if __name__ == "__main__":
    sys.exit(main())
