"""Keys leave no trace: in values, in freed memory, in core files, in other programs; what root runs is root's."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import kubepki
from nodes import RunningNode, eventually
from trees import GOLDEN, PROGRAM, make_tree, run, with_programs
from trees import kubepki as command

if TYPE_CHECKING:
    from collections.abc import Iterator

CERTIFICATE_KEY = "3f" * 32
PR_GET_DUMPABLE, PR_SET_MDWE = 3, 65
NOBODY = 65_534


def keys_below(kubernetes: Path) -> dict[str, tuple[bytes, ...]]:
    """Return a piece of every private key there: of its DER, and of its base64 as the file has it."""
    pieces: dict[str, tuple[bytes, ...]] = {}
    for path in kubernetes.rglob("*.key"):
        lines = path.read_text().splitlines()[1:-1]
        der = base64.b64decode("".join(lines))
        # The secret number of an ECDSA key (SEC 1) begins behind the version; the curve's name is no secret.
        pieces[str(path.relative_to(kubernetes))] = (der[8:36], "".join(lines)[12:48].encode())
    for path in kubernetes.glob("*.conf"):
        if found := re.search(r"client-key-data: (\S+)", path.read_text()):
            text = base64.b64decode(found[1]).decode()
            lines = text.splitlines()[1:-1]
            der = base64.b64decode("".join(lines))
            pieces[str(path.relative_to(kubernetes))] = (
                der[8:36],
                "".join(lines)[12:48].encode(),
                found[1][80:140].encode(),
            )
    return pieces


def found_in_memory(pid: int, pieces: dict[str, tuple[bytes, ...]]) -> list[str]:
    """Return which keys lie in the memory of a process, and in which form."""
    found = []
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            span, mode, *_ = line.split()
            if not mode.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(start)
                content = memory.read(end - start)
            except OSError:
                continue
            for name, forms in pieces.items():
                here = [index for index, form in enumerate(forms) if form in content]
                found += [f"{name}: form {index} in {line.strip()}" for index in here]
    return found


HOLDS = """\
import sys, kubepki
root = sys.argv[1]
if sys.argv[2] == "renew":
    kubepki.apply(kubepki.plan_renew("all", rootfs=root, keep_key=sys.argv[3] == "keep", backup_dir=sys.argv[4]))
elif sys.argv[2] == "check":
    kubepki.check(rootfs=root)
elif sys.argv[2] == "init":
    kubepki.apply(kubepki.plan(rootfs=root, config=sys.argv[3]))
elif sys.argv[2] == "embed":
    kubepki.apply(kubepki.plan_embed(rootfs=root))
elif sys.argv[2] == "export":
    kubepki.export_bundle(rootfs=root)
elif sys.argv[2] == "control":
    kept = open(f"{root}/etc/kubernetes/pki/ca.key").read()
print("ready", flush=True)
sys.stdin.read()
"""


def left_by(root: Path, *arguments: str | Path, before: dict[str, tuple[bytes, ...]] | None = None) -> list[str]:
    """Return the keys of a tree, those of before included, that are in a process once it has done its work."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(root), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        pieces = keys_below(root / "etc/kubernetes")
        return found_in_memory(child.pid, pieces) + found_in_memory(child.pid, before or {})
    finally:
        child.kill()
        child.communicate()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into the memory of a process that is not dumpable")
def test_no_key_is_left_in_memory_that_is_freed(tmp_path: Path) -> None:
    root = tmp_path / "node"
    kubernetes = make_tree(root, "ecdsa-p256")
    assert left_by(root, "control") != []
    backups = tmp_path / "backups"
    for arguments in (
        ("check",),
        ("renew", "new", backups),
        ("renew", "keep", backups),
        ("embed",),
        ("export",),
    ):
        before = keys_below(kubernetes)
        left = left_by(root, *arguments, before=before)
        assert left == [], (arguments, left)
    config = Path(__file__).parent.parent / "golden/ecdsa-p256/config.yaml"
    other = tmp_path / "other"
    other.mkdir()
    assert left_by(other, "init", config) == []


def test_a_value_gives_its_secret_away_by_its_own_calls_alone(tmp_path: Path) -> None:
    import copy
    import pickle

    root = tmp_path / "node"
    make_tree(root, "ecdsa-p256")
    user: Any = kubepki.user_kubeconfig("jane", rootfs=root)
    bundle: Any = kubepki.export_bundle(rootfs=root)
    token: Any = kubepki.user_kubeconfig("bot", token="abcdef.0123456789abcdef", rootfs=root)  # noqa: S106
    secrets = {
        user: re.findall(r"client-key-data: (\S+)", user.to_yaml()),
        bundle: [bundle.certificate_key()],
        token: ["abcdef.0123456789abcdef"],
    }
    for value, (secret,) in secrets.items():
        ways = [
            repr(value),
            str(value),
            f"{value}",
            json.dumps(value.to_dict()),
            value._repr_html_(),
            repr([getattr(value, name) for name in type(value).__match_args__]),
            str([str(getattr(value, name)) for name in dir(value) if not callable(getattr(value, name))]),
            repr(value.__getstate__() if hasattr(value, "__getstate__") else ""),
        ]
        assert not [way for way in ways if secret in way]
        assert not hasattr(value, "__dict__")
        for dump in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="holds a secret"):
                dump(value)
        with pytest.raises(TypeError):
            type(value)()
        assert not hasattr(value, "from_dict")
    assert user == user  # noqa: PLR0124 (that is the question)
    assert user != kubepki.user_kubeconfig("jane", rootfs=root)
    assert bundle != kubepki.export_bundle(rootfs=root)
    assert token == kubepki.user_kubeconfig("bot", token="abcdef.0123456789abcdef", rootfs=root)  # noqa: S106
    assert token != kubepki.user_kubeconfig("bot", token="abcdef.0123456789abcdex", rootfs=root)  # noqa: S106
    assert len({user, bundle, token}) == 3


# ---- core files ----------------------------------------------------------------------------------------------

DUMPABLE = f"""\
import ctypes, resource, sys
def state():
    return ctypes.CDLL(None).prctl({PR_GET_DUMPABLE}, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE)[0]
"""


@contextlib.contextmanager
def waiting(folder: Path, *before: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command that waits for its input, and wait until it does."""
    pipe = folder / "bundle"
    os.mkfifo(pipe, 0o666)
    words = ("bundle", "import", pipe, "--certificate-key", CERTIFICATE_KEY)
    with subprocess.Popen([*before, *PROGRAM, *words]) as process:
        ends: list[int] = []

        def is_read() -> bool:
            assert process.poll() is None
            with contextlib.suppress(OSError):
                ends.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
            return bool(ends)

        try:
            eventually(is_read, "it reads its input")
            yield process
        finally:
            process.kill()
            for end in ends:
                os.close(end)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(
    ("place", "arguments"),
    [
        ("var/lib/kubelet/config.yaml", ("restart", "--dry-run")),
        ("etc/kubernetes/manifests/kube-apiserver.yaml", ("restart", "--dry-run")),
        ("etc/kubernetes/admin.conf", ("check", "/etc/kubernetes/admin.conf")),
        ("policy", ("certs", "sign", "--csr-dir", "/", "--policy")),
        ("nodes", ("certs", "sign", "--csr-dir", "/", "--nodes")),
    ],
)
def test_a_key_in_the_place_of_another_file_is_in_no_message(
    tmp_path: Path, place: str, arguments: tuple[str, ...]
) -> None:
    """Who can put a link there has root's run read a key, and may read what the run says."""
    kubernetes = make_tree(tmp_path, "ecdsa-p256")
    file = tmp_path / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    shutil.copy(kubernetes / "pki/ca.key", file)
    named = (file,) if arguments[-1].startswith("--") and place in ("policy", "nodes") else ()
    secret = file.read_text().splitlines()[1][8:40]
    for form in ("text", "json"):
        done = command(*arguments, *named, "--rootfs", tmp_path, "-o", form)
        assert done.returncode in (1, 2, 3), done.stderr
        assert done.stderr or done.stdout
        assert secret not in done.stderr + done.stdout


def test_the_password_of_a_server_is_in_no_message(tmp_path: Path) -> None:
    kubernetes = make_tree(tmp_path, "ecdsa-p256")
    text = (kubernetes / "admin.conf").read_text()
    (kubernetes / "admin.conf").write_text(re.sub("server: https://", "server: https://ann:hunter2@", text))
    config = GOLDEN / "ecdsa-p256/config.yaml"
    for words in (("show", "/etc/kubernetes/admin.conf"), ("check", "--config", config)):
        for form in ("text", "json"):
            done = command(*words, "--rootfs", tmp_path, "-o", form)
            assert "(not shown)@" in done.stdout
            assert "hunter2" not in done.stderr + done.stdout


def test_the_command_refuses_core_files_from_its_start() -> None:
    # pytest's own folders are private.
    folder = Path(tempfile.mkdtemp(prefix="kubepki-core-"))
    folder.chmod(0o755)
    become = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    if command("version", before=become).returncode != 0:
        pytest.skip("another user cannot run kubepki where it is")
    with waiting(folder, *become) as process:
        about = Path(f"/proc/{process.pid}")
        assert re.search(r"^Max core file size +0 +0 ", (about / "limits").read_text(), re.MULTILINE)
        # Of a process that may be dumped, they are its user's.
        assert (about / "environ").stat().st_uid == 0
    shutil.rmtree(folder)


def test_a_program_that_calls_the_library_is_dumpable_before_and_after_and_not_meanwhile(tmp_path: Path) -> None:
    program = f"""{DUMPABLE}
import kubepki
before = state()
during = []
plan = kubepki.plan(node_name="cp1", certificates=["ca"], kubeconfigs=(), rootfs={str(tmp_path)!r})
kubepki.apply(plan, progress=lambda *_: during.append(state()[0]))
print(before == state(), before[0], set(during))
"""
    assert run(sys.executable, "-c", program).stdout == "True 1 {0}\n"


def test_a_crash_leaves_no_core_file(tmp_path: Path) -> None:
    limit = ("env", f"--chdir={tmp_path}", "sh", "-c", 'ulimit -c unlimited; exec "$@"', "sh")
    run(*limit, sys.executable, "-c", f"import os; os.kill(os.getpid(), {int(signal.SIGSEGV)})")
    if not list(tmp_path.iterdir()):
        pytest.skip("no core files are written here, or not into the current folder")
    for core in tmp_path.iterdir():
        core.unlink()
    with waiting(tmp_path, *limit) as process:
        process.send_signal(signal.SIGSEGV)
        assert process.wait(60) == -signal.SIGSEGV
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


# ---- programs that are run -----------------------------------------------------------------------------------


def test_programs_get_no_secret_and_come_from_no_folder_of_others(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    systemctl = programs / "systemctl"
    systemctl.write_text(f"#!/bin/sh\nenv > {tmp_path}/environment\nexit 5\n")
    systemctl.chmod(0o755)
    secrets = (f"KUBEPKI_CERTIFICATE_KEY={CERTIFICATE_KEY}", "LD_LIBRARY_PATH=/tmp", "LANG=C.UTF-8", "HOME=/root")
    install = ("systemd", "install", "--now", "--unit-dir", tmp_path / "units")
    here = with_programs(programs)
    failed = command(*install, before=(*here, "env", *secrets))
    assert failed.returncode == 3, failed.stderr
    environment = (tmp_path / "environment").read_text()
    assert "PATH=/usr/local/sbin:" in environment
    assert "LANG=C.UTF-8" in environment
    assert CERTIFICATE_KEY not in environment
    assert not re.findall("^(LD_LIBRARY_PATH|HOME|KUBEPKI)", environment, re.MULTILINE)

    # A program that is first on PATH is not run.
    (tmp_path / "environment").unlink()
    run("env", f"PATH={programs}:{os.environ['PATH']}", *PROGRAM, *install)
    assert not (tmp_path / "environment").exists()

    for change in ({"uid": 65534}, {"mode": 0o777}):
        place = programs if "mode" in change else systemctl
        if "uid" in change:
            os.chown(systemctl, change["uid"], 0)
        else:
            os.chown(systemctl, 0, 0)
            place.chmod(change["mode"])
        refused = command(*install, before=here)
        assert refused.returncode == 4, refused.stderr
        assert "code: process.untrusted" in refused.stderr
        assert not (tmp_path / "environment").exists()


def test_a_grandchild_that_holds_the_pipe_does_not_hold_the_restart(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    systemctl = programs / "systemctl"
    systemctl.write_text('#!/bin/sh\nsetsid sleep 600 &\necho "no unit" >&2\nexit 5\n')
    systemctl.chmod(0o755)
    with RunningNode(tmp_path / "node").running() as node:
        failed = node.restart("kubelet", "--timeout", "5m", before=with_programs(programs))
    assert failed.returncode == 3
    assert "no unit" in failed.stderr


# ---- the timer's service -------------------------------------------------------------------------------------


def test_a_timer_runs_no_program_that_another_user_can_change(tmp_path: Path) -> None:
    root = tmp_path / "root"
    folder = root / "home/jane/venv/bin"
    folder.mkdir(parents=True)
    program = folder / "kubepki"
    program.write_text("#!/usr/bin/python3\n")
    program.chmod(0o755)

    def install(path: str, *options: str) -> subprocess.CompletedProcess[str]:
        return command("systemd", "install", "--rootfs", root, "--program", path, *options)

    assert install("/home/jane/venv/bin/kubepki").returncode == 0
    os.chown(root / "home/jane", 65534, 65534)
    refused = install("/home/jane/venv/bin/kubepki")
    assert refused.returncode == 4
    assert "code: systemd.untrusted_program" in refused.stderr
    assert "home/jane: it belongs to user 65534" in refused.stderr
    assert "--program /opt/kubepki/bin/kubepki" in refused.stderr
    # Through a link, and by a script's interpreter.
    (root / "usr/local/bin").mkdir(parents=True)
    (root / "usr/local/bin/kubepki").symlink_to("/home/jane/venv/bin/kubepki")
    assert install("/usr/local/bin/kubepki").returncode == 4
    script = root / "usr/local/bin/other"
    script.write_text("#!/home/jane/venv/bin/python\n")
    script.chmod(0o755)
    assert install("/usr/local/bin/other").returncode == 4
    # What is not there yet is judged by its folders.
    assert install("/opt/kubepki/bin/kubepki", "--force").returncode == 0


def test_the_service_is_confined(tmp_path: Path) -> None:
    assert command("systemd", "install", "--rootfs", tmp_path).returncode == 0
    service = (tmp_path / "etc/systemd/system/kubepki-renew.service").read_text().splitlines()
    assert {"SystemCallFilter=@system-service", "MemoryDenyWriteExecute=yes", "LimitCORE=0", "UMask=0077"} <= {*service}


def test_a_renewal_works_without_memory_that_is_written_and_run(tmp_path: Path) -> None:
    """What `MemoryDenyWriteExecute=` and `UMask=` do to the service, by the kernel's own means."""
    make_tree(tmp_path / "node", "ecdsa-p256")
    confine = (
        f"import ctypes, os, sys; refused = ctypes.CDLL(None).prctl({PR_SET_MDWE}, 1, 0, 0, 0); os.umask(0o077); "
        "os.execv(sys.argv[1], sys.argv[1:]) if refused == 0 else sys.exit(77)"
    )
    renewed = run(sys.executable, "-c", confine, *PROGRAM, "certs", "renew", "all", "--rootfs", tmp_path / "node")
    if renewed.returncode == 77:
        pytest.skip("this kernel has no PR_SET_MDWE")
    assert renewed.returncode == 0, renewed.stderr
    assert command("check", "--rootfs", tmp_path / "node").returncode == 0
