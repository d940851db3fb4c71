"""The connection `node_namespaces`: Ansible works inside a node of a test's cluster, as it does by SSH on a real one.

In: the host's variable `node_pid`, the node's first process as this machine counts it. Commands are run, and files are
put and fetched, inside all of the node's namespaces, as `Node.run` does it.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import BinaryIO

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = r"""
name: node_namespaces
author: The kubepki contributors
short_description: Work inside a node that is namespaces of this machine
description:
  - Enters the namespaces of the node's first process with C(nsenter).
options:
  node_pid:
    description: The node's first process, as this machine counts it.
    type: int
    required: true
    vars:
      - name: node_pid
"""

# A root shell of the node has these and no others.
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}


class Connection(ConnectionBase):  # type: ignore[misc]
    """A root shell in a node."""

    transport = "node_namespaces"
    has_pipelining = True

    def _connect(self) -> Connection:
        if not Path(f"/proc/{self.get_option('node_pid')}/ns").is_dir():
            raise AnsibleConnectionFailure(f"no node runs as process {self.get_option('node_pid')}")
        self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:  # noqa: FBT001, FBT002 (Ansible's signature)
        """Run a command line in the node's shell."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        done = subprocess.run(
            self._entering("/bin/sh", "-c", cmd),
            input=in_data or b"",
            env=_ENVIRONMENT,
            capture_output=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path: str, out_path: str) -> None:
        """Bring a file of the controller to the node."""
        super().put_file(in_path, out_path)
        if not Path(in_path).exists():
            raise AnsibleFileNotFound(f"{in_path} is not on the controller")
        with Path(in_path).open("rb") as source:
            self._copy('cat > "$1"', out_path, stdin=source, stdout=None)

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Bring a file of the node to the controller."""
        super().fetch_file(in_path, out_path)
        with Path(out_path).open("wb") as target:
            self._copy('cat "$1"', in_path, stdin=None, stdout=target)

    def close(self) -> None:
        """Nothing is held open."""
        self._connected = False

    def _entering(self, *command: str) -> list[str]:
        target = str(self.get_option("node_pid"))
        return ["nsenter", "--target", target, "--mount", "--uts", "--ipc", "--net", "--pid", "--", *command]

    def _copy(self, script: str, path: str, *, stdin: BinaryIO | None, stdout: BinaryIO | None) -> None:
        done = subprocess.run(
            self._entering("/bin/sh", "-c", script, "sh", path),
            stdin=stdin or subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env=_ENVIRONMENT,
            check=False,
        )
        if done.returncode:
            raise AnsibleError(f"{path}: {done.stderr.decode(errors='replace')}")
