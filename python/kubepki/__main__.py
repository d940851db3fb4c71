"""The command line, which is the core's: `python -m kubepki`, as the script `kubepki` has it."""

import sys

from kubepki._core import main

if __name__ == "__main__":
    sys.exit(main(sys.argv))
