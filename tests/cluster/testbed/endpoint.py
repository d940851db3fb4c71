"""The endpoint of several API servers: a TCP forwarder that asks each for /readyz, and that holds the network.

`python endpoint.py ADDRESS PORT SERVER...`: listens at ADDRESS:PORT and connects to PORT of a ready SERVER. It runs in
the network namespace of the clusters' bridge, which lives as long as this process; its standard input, when that is
a pipe, is the life line of whoever started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import ssl
import stat
import subprocess
import sys

_EVERY = 0.3
_PATIENCE = 1.0
# As many failed checks in a row take a server out; one success brings it back.
_FALL = 2
_CHUNK = 1 << 16


class Servers:
    """Which servers are ready."""

    def __init__(self, names: list[str], port: int) -> None:
        """None is ready before it has been asked."""
        self.port = port
        self._failures = dict.fromkeys(names, _FALL)
        self._turn = itertools.count()
        # What is looked at is readiness, not identity: clients verify the certificate through the endpoint.
        self._tls = ssl.create_default_context()
        self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE

    def in_order(self) -> list[str]:
        """Return the servers to try: the ready ones in turn, then the others."""
        ready = [name for name, failures in self._failures.items() if failures < _FALL]
        if ready:
            start = next(self._turn) % len(ready)
            ready = ready[start:] + ready[:start]
        return [*ready, *(name for name in self._failures if name not in ready)]

    async def watch(self, name: str) -> None:
        """Ask one server again and again."""
        while True:
            is_ready = False
            with contextlib.suppress(OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
                is_ready = await asyncio.wait_for(self._is_ready(name), _PATIENCE)
            before = self._failures[name]
            self._failures[name] = 0 if is_ready else before + 1
            if (before < _FALL) != (self._failures[name] < _FALL):
                print(name, "ready" if is_ready else "out", flush=True)
            await asyncio.sleep(_EVERY)

    async def _is_ready(self, name: str) -> bool:
        reader, writer = await asyncio.open_connection(name, self.port, ssl=self._tls)
        try:
            writer.write(f"GET /readyz HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            return b" 200 " in await reader.readline()
        finally:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect a client with a server."""
        for name in self.in_order():
            with contextlib.suppress(OSError, asyncio.TimeoutError):
                there = await asyncio.wait_for(asyncio.open_connection(name, self.port), _PATIENCE)
                await asyncio.gather(_pass_on(reader, there[1]), _pass_on(there[0], writer))
                return
        writer.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes, and the end of it."""
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


async def _until_the_life_line_ends() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


def _make_network(address: str) -> None:
    for words in (
        "link set lo up",
        "link add br0 type bridge",
        f"address add {address}/24 dev br0",
        "link set br0 up",
    ):
        subprocess.run(["ip", *words.split()], check=True)


async def main(address: str, port: int, names: list[str]) -> None:
    """Serve until the life line ends."""
    _make_network(address)
    servers = Servers(names, port)
    watches = [asyncio.create_task(servers.watch(name)) for name in names]
    async with await asyncio.start_server(servers.serve, address, port):
        print("listening", flush=True)
        has_life_line = stat.S_ISFIFO(os.fstat(0).st_mode)
        await (_until_the_life_line_ends() if has_life_line else asyncio.gather(*watches))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
