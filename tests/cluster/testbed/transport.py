"""What SSH is to real nodes: `python transport.py FOLDER NODE COMMAND...` runs the command, which enters the node.

It notes what ran, when and how it ended, a line of JSON in FOLDER/runs. A node whose name with `.off` is a file there
cannot be reached.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path


def main(folder: Path, node: str, command: list[str]) -> int:
    """Run it; return its exit code, as SSH does."""
    if (folder / f"{node}.off").exists():
        print(f"ssh: connect to host {node} port 22: No route to host", file=sys.stderr)
        return 255
    began = time.time()
    code = subprocess.run(command, check=False).returncode
    run = {"node": node, "command": command, "began": began, "ended": time.time(), "code": code}
    with (folder / "runs").open("a") as out:
        out.write(f"{json.dumps(run)}\n")
    # A signal's number is negative here.
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
