"""Signals at any moment: nothing was changed, or the change is reported as a whole; a manifest is back in its place."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import kubepki
import records
from nodes import RunningNode, eventually
from playbooks import ANSIBLE, ROOT
from trees import PROGRAM, make_tree, state
from trees import kubepki as command

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 40


@pytest.fixture(autouse=True)
def _signals_as_a_user_has_them() -> Iterator[None]:
    # Whatever started the tests may have them ignored, and what is ignored is inherited.
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers[1:]:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def start(*command: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def how_long(*command: str | Path) -> float:
    begun = time.monotonic()
    done = start(*command)
    done.communicate(timeout=60)
    return time.monotonic() - begun


def interrupted_at(seconds: float, *command: str | Path) -> tuple[int, str, str]:
    """Run a command, send it SIGINT after a time, and return how it ended and what it printed."""
    run = start(*command)
    timer = threading.Timer(seconds, run.send_signal, [signal.SIGINT])
    timer.start()
    out, err = run.communicate(timeout=60)
    timer.cancel()
    timer.join()
    return run.returncode, out, err


def moments(earliest: float, latest: float, ends: set[str], rounds: int = ROUNDS) -> Iterator[float]:
    """Yield moments at random, then later and later ones until one came after the change: machines become slow."""
    chance = random.Random(11)  # noqa: S311 (moments, not secrets)
    for _ in range(rounds):
        yield chance.uniform(earliest, latest)
    while "made" not in ends:
        latest *= 1.5
        assert latest < 60, f"{ends}: no run has ended"
        yield latest


def ended(code: int, out: str, err: str, *, changed: bool) -> str:
    """Judge how an interrupted command ended: `before` it began, `stopped` with nothing changed, or `made`."""
    assert "SystemError" not in err
    assert "panic" not in err
    if (code, out, err) == (-signal.SIGINT, "", ""):
        # The signal came before anything was there to take it.
        assert not changed
        return "before"
    # While Python loads a module, its own machinery may drop what a signal raised: then nobody has heard it.
    is_lost = err.startswith("Exception ignored in: ")
    if not is_lost and ("KeyboardInterrupt" in err or "Fatal Python error: init" in err):
        # Python was starting, or loading the program: nothing of it had run.
        assert (changed, out, code in (1, 130, -signal.SIGINT)) == (False, "", True), err
        return "before"
    if "nothing was changed" in err:
        # The interpreter itself may end by the signal, which a shell calls 130 too.
        assert (changed, out, code in (130, -signal.SIGINT)) == (False, "", True)
        return "stopped"
    assert changed, (code, out, err)
    assert code in (0, 130, -signal.SIGINT)
    assert ("it is on disk" in err) == (code == 130)
    return "made"


def test_the_command_says_whether_the_change_was_made(tmp_path: Path) -> None:
    node = tmp_path / "node"
    kubernetes = make_tree(node, "ecdsa-p256")
    renew = (*PROGRAM, "certs", "renew", "all", "--rootfs", node)
    longest = max(how_long(*renew) for _ in range(3))
    ends: set[str] = set()
    for moment in moments(0.0, longest, ends):
        before = state(kubernetes)
        code, out, err = interrupted_at(moment, *renew)
        end = ended(code, out, err, changed=state(kubernetes) != before)
        if end == "made":
            assert out.count(" renewed\n") == 11
            assert "renewed 11:" in err
        ends.add(end)
    assert "made" in ends
    assert ends & {"before", "stopped"}


def test_ctrl_c_while_the_core_is_loaded_ends_the_script(tmp_path: Path) -> None:
    # Whatever is raised when an object goes is dropped, as it is within Python's own import of a module.
    (tmp_path / "kubepki").mkdir()
    (tmp_path / "kubepki/__init__.py").touch()
    (tmp_path / "kubepki/_core.py").write_text(
        "import os\n"
        "class Going:\n"
        "    def __del__(self): os.kill(os.getpid(), 2); [None for _ in range(1000)]\n"
        "Going()\n"
        "def main(_): print('went on', flush=True); return 0\n"
    )
    script = ROOT / "python/kubepki.data/scripts/kubepki"

    def run() -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        return subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)

    done = run()
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")
    # A parent that has it ignored means it.
    ignored = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        done = run()
    finally:
        signal.signal(signal.SIGINT, ignored)
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr


def test_ctrl_c_ends_the_wait_for_what_is_handed_over(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    words = ("kubeconfig", "user", "--client-name", "jane", "--token-file", str(pipe), "--rootfs", str(tmp_path))
    waiting = subprocess.Popen([*PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    writers: list[int] = []

    def is_read() -> bool:
        with contextlib.suppress(OSError):  # Nobody reads it yet.
            writers.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        return bool(writers) or waiting.poll() is not None

    eventually(is_read, "the pipe is read")
    waiting.send_signal(signal.SIGINT)
    out, said = waiting.communicate(timeout=60)
    for writer in writers:
        os.close(writer)
    assert (waiting.returncode, out, said) == (130, "", "interrupted: nothing was changed\n")


@pytest.mark.parametrize(
    ("signals", "lasting"),
    [(1, 4.0), (4, 0.3)],
    ids=["once", "again and again"],
)
def test_whoever_waits_after_ctrl_c_is_told_once_what_for_and_breaks_nothing(
    tmp_path: Path, signals: int, lasting: float
) -> None:
    kubernetes = make_tree(tmp_path, "ecdsa-p256")
    before = state(kubernetes)
    lock = kubernetes / "pki/.kubepki.lock"
    with lock.open("w") as held:
        lock.chmod(0o600)
        fcntl.flock(held, fcntl.LOCK_EX)
        run = start(*PROGRAM, "certs", "renew", "apiserver", "--rootfs", tmp_path)
        eventually(lambda: "interrupts" in threads(run.pid), "signals are heard")
        time.sleep(1)  # By now it waits, for ten seconds.
        for _ in range(signals):
            run.send_signal(signal.SIGINT)
            time.sleep(lasting)
        fcntl.flock(held, fcntl.LOCK_UN)
        out, said = run.communicate(timeout=60)
    lock.unlink(missing_ok=True)
    told, *rest = said.splitlines()
    assert re.fullmatch(r"still at work, \d\.\d s after the first Ctrl-C: .*lock is waited for 10 s at most", told), (
        said
    )
    assert (run.returncode, out, rest) == (130, "", ["interrupted: nothing was changed"])
    assert state(kubernetes) == before


def threads(process: int) -> set[str]:
    """Return the names of a process's threads."""
    found = set()
    for task in Path(f"/proc/{process}/task").glob("*/comm"):
        with contextlib.suppress(OSError):
            found.add(task.read_text().strip())
    return found


@pytest.mark.parametrize(
    ("words", "report"),
    [
        (("recover",), "apiserver.crt"),
        (("backup", "prune", "--keep", "0"), "removed: "),
        (("systemd", "install", "--program", "/usr/bin/kubepki"), ": created"),
        (("systemd", "remove"), ": removed"),
        (("bundle", "export", "--out", "bundle.yaml"), "certificate key: "),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_ctrl_c_once_the_change_is_made_does_not_lose_its_report(
    words: tuple[str, ...], report: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved, node = tmp_path / "saved", tmp_path / "node"
    make_tree(saved, "ecdsa-p256")
    (saved / "usr/bin").mkdir(parents=True)
    (saved / "usr/bin/kubepki").write_text("#!/bin/sh\n")
    (saved / "usr/bin/kubepki").chmod(0o755)
    if words[0] == "recover":
        other = shutil.copytree(saved, tmp_path / "other")
        assert command("certs", "renew", "apiserver", "--rootfs", other).returncode == 0
        records.interrupt(saved / "etc/kubernetes/pki", other / "etc/kubernetes/pki")
    elif words[0] == "backup":
        assert command("certs", "renew", "apiserver", "--rootfs", saved).returncode == 0
    elif words[1] == "remove":
        assert command("systemd", "install", "--program", "/usr/bin/kubepki", "--rootfs", saved).returncode == 0
    run = (*PROGRAM, *words, "--rootfs", node)

    def again() -> object:
        shutil.rmtree(node, ignore_errors=True)
        shutil.copytree(saved, node)
        monkeypatch.chdir(node)
        return state(node)

    again()
    longest = how_long(*run)
    ends: set[str] = set()
    for moment in moments(0.3 * longest, 1.05 * longest, ends, ROUNDS // 2):
        before = again()
        code, out, err = interrupted_at(moment, *run)
        end = ended(code, out, err, changed=state(node) != before)
        assert (report in out + err) == (end == "made"), (code, out, err)
        ends.add(end)
    assert "made" in ends


APPLY = """\
import json, logging, sys, kubepki
from kubepki.errors import InterruptedAfterChange
logging.basicConfig(level=0, stream=open("/dev/null", "w"))
plan = kubepki.plan_renew("all", rootfs=sys.argv[1], no_backup=True)
print("ready", flush=True)
end, report = "made", None
try:
    report = kubepki.apply(plan)
except InterruptedAfterChange as error:
    end, report = "late", error.report
except KeyboardInterrupt:
    end = "stopped"
print(json.dumps([end, report and len(report.changed)]), flush=True)
"""


def test_the_library_raises_before_the_change_or_has_its_report(tmp_path: Path) -> None:
    node = tmp_path / "node"
    kubernetes = make_tree(node, "ecdsa-p256")
    chance = random.Random(12)  # noqa: S311 (moments, not secrets)
    ends = []
    for _ in range(ROUNDS):
        before = state(kubernetes)
        run = start(sys.executable, "-c", APPLY, node)
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.0, 0.06))
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
        changed = state(kubernetes) != before
        assert "SystemError" not in err
        if not out:
            # It came before the `try`, or behind it.
            assert "KeyboardInterrupt" in err
            continue
        end, count = json.loads(out)
        assert (changed, count) == ((False, None) if end == "stopped" else (True, 11)), (end, err)
        ends.append(end)
    assert {"late"} <= set(ends) <= {"late", "made", "stopped"}, ends


def test_an_exception_from_logging_does_not_undo_a_change_nor_vanish(tmp_path: Path) -> None:
    import logging

    kubernetes = make_tree(tmp_path / "node", "ecdsa-p256")
    before = state(kubernetes)
    plan = kubepki.plan_renew("all", rootfs=tmp_path / "node", no_backup=True)

    class Raises(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise KeyboardInterrupt(record.getMessage())

    logger, handler = logging.getLogger("kubepki"), Raises()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(1)
    try:
        with pytest.raises(kubepki.errors.InterruptedAfterChange) as caught:
            kubepki.apply(plan)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert len(caught.value.report.changed) == 11
    assert state(kubernetes) != before


def test_the_handler_of_ctrl_c_is_the_callers_again(tmp_path: Path) -> None:
    make_tree(tmp_path / "node", "ecdsa-p256")
    plan = kubepki.plan_renew("all", rootfs=tmp_path / "node", no_backup=True)

    def stop(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt) as caught:
        kubepki.apply(plan, progress=stop)
    assert type(caught.value) is KeyboardInterrupt
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    kubepki.apply(plan)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


# ---- long reading --------------------------------------------------------------------------------------------


def endless(folder: Path, name: str, beginning: bytes, piece: bytes) -> Path:
    """Write a file of packed pieces that takes a minute and more to read: 7 GiB."""
    packed = gzip.compress(piece * ((64 << 20) // len(piece)), 1)
    with (folder / name).open("wb") as file:
        file.write(gzip.compress(beginning))
        for _ in range(112):
            file.write(packed)
    return folder / name


def endless_archive(folder: Path) -> Path:
    header = tarfile.TarInfo("var/log/messages")
    header.size = 7 << 30
    return endless(folder, "long.tar.gz", header.tobuf(tarfile.GNU_FORMAT), b"\0")


def hears(pid: int) -> bool:
    return "interrupts" in threads(pid)


def test_ctrl_c_is_heard_within_a_long_archive_and_a_long_log(tmp_path: Path) -> None:
    archive, log = endless_archive(tmp_path), endless(tmp_path, "audit.log", b"", b"no event\n")
    for words in (("audit", archive), ("access", "--rootfs", tmp_path, "--audit-log", log)):
        run = start(*PROGRAM, *words)
        eventually(partial(hears, run.pid), "signals are heard")
        time.sleep(0.5)
        run.send_signal(signal.SIGINT)
        out, said = run.communicate(timeout=30)
        assert (run.returncode, out, said) == (130, "", "interrupted: nothing was changed\n"), words


LOOK = """\
import sys, kubepki
try:
    print("ready", flush=True)
    if sys.argv[1].endswith(".log"):
        kubepki.access(rootfs=sys.argv[2], audit_log=sys.argv[1])
    else:
        list(kubepki.audit(sys.argv[1]))
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


def test_the_library_is_stopped_within_a_long_archive_and_a_long_log(tmp_path: Path) -> None:
    for long in (endless_archive(tmp_path), endless(tmp_path, "audit.log", b"", b"no event\n")):
        run = start(sys.executable, "-c", LOOK, long, tmp_path)
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
        time.sleep(0.5)
        run.send_signal(signal.SIGINT)
        out, said = run.communicate(timeout=30)
        assert (run.returncode, out) == (0, "stopped\n"), said


# ---- restarts ------------------------------------------------------------------------------------------------

RESTART = """\
import sys, kubepki
kubepki.restart(["etcd"], force=True, rootfs=sys.argv[1])
"""

MODULE = """\
import json, sys
from ansible.module_utils import basic
from ansible_collections.kubepki.kubeadm.plugins.modules import restart
arguments = {"components": ["etcd"], "force": True, "rootfs": sys.argv[1]}
try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
    restart.main()
else:
    with patch_module_args(arguments):
        restart.main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_program_that_restarts_ends_when_the_manifest_is_back(tmp_path: Path, number: signal.Signals) -> None:
    with RunningNode(tmp_path / "node").running() as node:
        # The API server's manifest is out for as long as etcd does not come back.
        (node.root / "broken/etcd").touch()
        manifest = node.manifests / "kube-apiserver.yaml"
        run = start(sys.executable, "-c", RESTART, node.root)
        with contextlib.ExitStack() as stack:
            stack.callback(run.kill)
            eventually(lambda: not manifest.exists(), "the manifest is moved out")
            run.send_signal(number)
            _, talk = run.communicate(timeout=60)
        # What the signal does to a program without handlers, and not before.
        assert run.returncode == -number, talk
        node.assert_manifests_are_in_place()
        (node.root / "broken/etcd").unlink()
        node.wait_until_up()


@pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is not installed")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_module_that_is_stopped_puts_the_manifest_back_and_says_so(tmp_path: Path, number: signal.Signals) -> None:
    with RunningNode(tmp_path / "node").running() as node:
        # The API server's manifest is out for as long as etcd does not come back.
        (node.root / "broken/etcd").touch()
        manifest = node.manifests / "kube-apiserver.yaml"
        run = start(sys.executable, "-c", MODULE, node.root)
        with contextlib.ExitStack() as stack:
            stack.callback(run.kill)
            eventually(lambda: not manifest.exists(), "the manifest is moved out")
            run.send_signal(number)
            out, talk = run.communicate(timeout=60)
        result = json.loads(out)
        assert (result["failed"], result["code"]) == (True, "restart.interrupted"), talk
        assert number.name in result["msg"]
        node.assert_manifests_are_in_place()
        (node.root / "broken/etcd").unlink()
        node.wait_until_up()
