"""`python -m kubepki`: the command line, where the `kubepki` script is not on PATH."""

import sys

from kubepki.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
