"""The command line, which is the core's: the script `kubepki`, and `python -m kubepki`."""

from __future__ import annotations

import sys

from kubepki import _core


def main() -> int:
    """Run `kubepki` with the arguments of this process, and return its exit code."""
    return _core.main(sys.argv)


if __name__ == "__main__":
    sys.exit(main())
