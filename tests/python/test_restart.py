"""`kubepki restart` on a node that runs: real etcd, real TLS servers, real processes, killed at real moments."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import termios
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import kubepki
from kubepki.errors import EnvironmentFailure, PartialError
from nodes import COMPONENTS, RunningNode, eventually
from pods import needs_pods
from trees import PROGRAM, state, with_programs
from trees import kubepki as command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("etcd") is None, reason="etcd is not installed (make system-tools)")

TIMEOUT = ("--timeout", "60s")
RENEWED = ("pki/apiserver", "pki/etcd/server", "pki/etcd/peer", "controller-manager.conf", "scheduler.conf")
KILLS = 6
# What a dry run ends with when a restart is due.
DUE = 10


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    """Give a node on which everything is up."""
    with RunningNode(tmp_path / "node").running() as node:
        yield node


def wait_until_held(node: RunningNode, name: str) -> Path:
    """Wait until a manifest is out, and the transaction that moved it is over; return the manifest."""
    manifest = node.manifests / f"{name}.yaml"
    held = node.root / "var/lib/kubepki/restart"
    eventually(lambda: not manifest.exists(), "the manifest is moved out")
    folders = (held, node.manifests)
    # The lock stays; it does not belong to a move.
    eventually(
        lambda: {path.name for folder in folders for path in folder.glob(".kubepki-*")} <= {".kubepki-lock"},
        "the move is over",
    )
    return manifest


def as_shown(serial: int) -> str:
    """Return a serial number in whole bytes, as kubepki prints it."""
    return serial.to_bytes((serial.bit_length() + 7) // 8, "big").hex()


def actions(node: RunningNode, *arguments: str, before: tuple[str, ...] = ()) -> dict[str, str]:
    """Return what a dry run says of each component."""
    shown = node.restart("--dry-run", "-o", "json", *arguments, before=before)
    assert shown.returncode in (0, 1, DUE), shown.stderr
    return {each["name"]: each["action"] for each in json.loads(shown.stdout)["plan"]["components"]}


def test_after_a_renewal_what_differs_is_restarted_one_at_a_time_and_a_second_run_does_nothing(
    node: RunningNode,
) -> None:
    assert set(actions(node).values()) == {"keep", "skip"}
    old = node.served("kube-apiserver")
    node.replace(*RENEWED)

    shown = node.restart("--dry-run")
    assert shown.returncode == DUE
    assert as_shown(node.on_disk("apiserver")) in shown.stdout
    assert as_shown(old) not in shown.stdout
    assert "scheduler.conf has changed since it started" in shown.stdout
    assert node.starts() == dict.fromkeys(COMPONENTS, 1)

    done = node.restart(*TIMEOUT)
    assert done.returncode == 0, done.stderr
    assert "restarted 2: kube-controller-manager, kube-scheduler" in done.stderr
    for port, file in (("kube-apiserver", "apiserver"), ("clients", "etcd/server"), ("peers", "etcd/peer")):
        assert node.served(port) == node.on_disk(file)
    node.wait_until_up()
    # etcd and the API server have loaded their new certificates by themselves.
    assert node.starts() == {**dict.fromkeys(COMPONENTS, 2), "etcd": 1, "kube-apiserver": 1}
    node.assert_never_two_down()
    node.assert_manifests_are_in_place()

    again = node.restart(*TIMEOUT)
    assert (again.returncode, "nothing to restart" in again.stderr) == (0, True), again.stderr

    everything = node.restart("--all", *TIMEOUT)
    assert everything.returncode == 0, everything.stderr
    node.wait_until_up()
    assert node.starts() == {**dict.fromkeys(COMPONENTS, 3), "etcd": 2, "kube-apiserver": 2}
    node.assert_never_two_down()
    node.assert_manifests_are_in_place()


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="gives up capabilities with setpriv, as root"
)
def test_the_capabilities_of_the_timers_service_are_enough_to_see_what_is_up_to_date(node: RunningNode) -> None:
    unit = command("systemd", "install", "--print", "--restart").stdout
    (line,) = re.findall("^CapabilityBoundingSet=(.*)$", unit, re.MULTILINE)
    kept = [name.removeprefix("CAP_").lower() for name in line.split()]

    def limited(names: list[str]) -> tuple[str, ...]:
        return ("setpriv", "--bounding-set", ",".join(["-all", *(f"+{name}" for name in names)]))

    assert set(actions(node, before=limited(kept)).values()) == {"keep", "skip"}
    blind = actions(node, before=limited([name for name in kept if name != "sys_ptrace"]))
    assert blind["kube-apiserver"] == "restart"


def test_a_renewal_with_restart_does_both_and_again_does_neither(node: RunningNode) -> None:
    def renew(*arguments: str) -> subprocess.CompletedProcess[str]:
        return command("certs", "renew", "all", "--rootfs", node.root, "--restart", *TIMEOUT, *arguments)

    before = {port: node.served(port) for port in ("kube-apiserver", "clients", "peers")}
    shown = renew("--dry-run")
    assert (shown.returncode, "would be restarted" in shown.stderr) == (0, True), shown.stderr
    done = renew()
    assert done.returncode == 0, done.stderr
    assert "You must restart" not in done.stdout
    assert "restarted 2: kube-controller-manager, kube-scheduler" in done.stderr
    for port, file in (("kube-apiserver", "apiserver"), ("clients", "etcd/server"), ("peers", "etcd/peer")):
        assert before[port] != node.served(port) == node.on_disk(file)
    node.wait_until_up()
    node.assert_never_two_down()
    node.assert_manifests_are_in_place()
    again = renew("--before", "30d", "-o", "json")
    assert again.returncode == 0, again.stderr
    data = json.loads(again.stdout)
    assert (data["report"]["changed"], data["restart"]["restarted"]) == ([], [])


def test_a_renewal_that_may_not_restart_renews_nothing(node: RunningNode) -> None:
    before = state(node.kubernetes)
    with held_lock(node.manifests):
        refused = command("certs", "renew", "apiserver", "--rootfs", node.root, "--restart", *TIMEOUT)
        assert (refused.returncode, "code: store.locked" in refused.stderr) == (3, True), refused.stderr
        # What is wrong with the names is said first, lock or not.
        for verb in (("certs", "renew", "apiservr", "--restart"), ("restart", "kube-apiservr")):
            misspelt = command(*verb, "--rootfs", node.root)
            assert (misspelt.returncode, "code: plan.unknown_name" in misspelt.stderr) == (2, True), misspelt.stderr
    timeout = command("certs", "renew", "apiserver", "--rootfs", node.root, "--restart", "--timeout", "0s")
    assert (timeout.returncode, "code: restart.bad_timeout" in timeout.stderr) == (2, True), timeout.stderr
    assert state(node.kubernetes) == before


@contextlib.contextmanager
def held_lock(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, as another run does."""
    with (folder / ".kubepki.lock").open("w") as lock:
        (folder / ".kubepki.lock").chmod(0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    (folder / ".kubepki.lock").unlink(missing_ok=True)


def test_a_renewal_whose_restart_fails_is_partly_done_and_says_what_was_renewed(node: RunningNode) -> None:
    (node.root / "broken/kube-scheduler").touch()
    renew = ("certs", "renew", "scheduler.conf", "--rootfs", node.root)
    failed = command(*renew, "--restart", "--timeout", "1s", "-o", "json")
    assert failed.returncode == 5
    assert "the certificates are renewed; kube-scheduler did not come back" in failed.stderr
    assert [each["name"] for each in json.loads(failed.stdout)["report"]["changed"]] == ["scheduler.conf"]
    node.assert_manifests_are_in_place()


def rewrite(path: Path) -> None:
    """Write a file anew: it counts as changed, whatever it held before."""
    path.write_bytes(path.read_bytes())


def test_files_that_are_loaded_by_themselves_are_no_reason_and_what_is_awaited_is_said(node: RunningNode) -> None:
    rewrite(node.kubernetes / "pki/ca.crt")
    node.replace("pki/apiserver-kubelet-client", "pki/apiserver-etcd-client")
    shown = node.restart("--dry-run", *TIMEOUT)
    assert (shown.returncode, "dry run: nothing to restart" in shown.stderr) == (0, True), shown.stdout
    assert "loads ca.crt by itself within a minute" in shown.stdout
    assert "loads apiserver-kubelet-client.crt by itself within 5 minutes" in shown.stdout
    plan = kubepki.plan_restart(rootfs=node.root)
    assert [len(each.awaited) for each in plan.components] == [0, 2, 0, 0, 0]


def test_a_ca_that_is_read_at_the_start_and_a_kubeconfig_are_reasons_and_names_restrict(node: RunningNode) -> None:
    node.replace("scheduler.conf")
    rewrite(node.kubernetes / "pki/etcd/ca.crt")
    expected = {"etcd": "restart", "kube-apiserver": "restart", "kube-controller-manager": "keep"}
    assert actions(node) == {**expected, "kube-scheduler": "restart", "kubelet": "skip"}
    only = actions(node, "kube-scheduler")
    assert (only["kube-scheduler"], only["etcd"], only["kube-apiserver"]) == ("restart", "skip", "skip")

    done = node.restart("kube-scheduler", *TIMEOUT)
    assert done.returncode == 0, done.stderr
    node.wait_until_up()
    assert node.starts() == {**dict.fromkeys(COMPONENTS, 1), "kube-scheduler": 2}

    unknown = node.restart("kube-schedular")
    assert unknown.returncode == 2
    assert "did you mean kube-scheduler?" in unknown.stderr


@needs_pods
def test_the_api_plans_and_restarts_in_place_and_tells_how_far_it_is(tmp_path: Path) -> None:
    with RunningNode(tmp_path / "node", file_check_frequency="10m").running() as node:
        plan = kubepki.plan_restart(rootfs=node.root)
        assert plan.is_empty
        assert plan.file_check_frequency == timedelta(minutes=10)
        assert all(endpoint.is_current for endpoint in plan.components[0].endpoints)
        phases: list[tuple[str, str]] = []

        def note(component: str, phase: str, _seconds: float, _detail: str) -> None:
            if phases[-1:] != [(component, phase)]:
                phases.append((component, phase))

        report = kubepki.restart(["kube-scheduler"], force=True, rootfs=node.root, progress=note)
        assert [(each.name, each.way) for each in report.restarted] == [("kube-scheduler", kubepki.RestartWay.IN_PLACE)]
        started_at = report.restarted[0].started_at
        before = plan.components[3].started_at
        assert started_at is not None
        assert before is not None
        assert started_at > before
        names = [phase for component, phase in phases if component == "kube-scheduler"]
        assert names == ["inspected", "stopped", "started", "done"]
        # Its manifest has not moved.
        assert ("kube-scheduler", "out") not in node.events()


def test_a_component_that_does_not_come_back_stops_the_run_and_its_manifest_is_in_place(node: RunningNode) -> None:
    (node.root / "broken/kube-controller-manager").touch()
    with pytest.raises(PartialError) as partial:
        kubepki.restart(force=True, timeout=timedelta(seconds=2), rootfs=node.root)
    assert partial.value.code == "restart.not_healthy"
    assert partial.value.context["component"] == "kube-controller-manager"
    assert partial.value.context["restarted"] == ["etcd", "kube-apiserver"]
    assert "connection refused" in partial.value.message
    # The kubelet did not start it again by itself, so its manifest was moved out and back.
    assert ("kube-controller-manager", "out") in node.events() or node.kubelet.poll() is None
    node.assert_manifests_are_in_place()
    assert node.starts()["kube-scheduler"] == 1

    first = node.restart("kube-controller-manager", "--timeout", "1s")
    assert first.returncode == 3
    assert "crictl logs" in first.stderr

    (node.root / "broken/kube-controller-manager").unlink()
    node.wait_until_up()
    assert node.restart(*TIMEOUT).returncode == 0
    node.assert_manifests_are_in_place()


def test_what_is_waited_for_stays_on_one_line_of_the_terminal(node: RunningNode) -> None:
    """A line that is wrapped cannot be taken back: a narrow terminal would be full of it."""
    (node.root / "broken/kube-scheduler").touch()
    main, other = os.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 30, 0, 0))
    words = [*PROGRAM, "restart", "kube-scheduler", "--all", "--timeout", "3s", "--rootfs", str(node.root)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=other) as restart:
        os.close(other)
        said = b""
        # A terminal that nobody holds any more ends with an error.
        with contextlib.suppress(OSError):
            while piece := os.read(main, 65536):
                said += piece
    os.close(main)
    waits = re.findall(r"\r\x1b\[K(  \d+ s: [^\r\n]*)", said.decode())
    assert restart.returncode == 3
    assert max(map(len, waits)) == 29


@needs_pods
def test_a_component_that_does_not_end_gets_its_manifest_back(tmp_path: Path) -> None:
    with RunningNode(tmp_path / "node").running() as node:
        kubelet = node.kubelet
        kubelet.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(EnvironmentFailure) as failure:
                kubepki.restart(["etcd"], force=True, timeout=timedelta(seconds=1), rootfs=node.root)
        finally:
            kubelet.send_signal(signal.SIGCONT)
        assert failure.value.code == "restart.not_stopped"
        assert failure.value.context["component"] == "kube-apiserver"
        assert "still runs" in failure.value.message
        node.assert_manifests_are_in_place()


def test_what_would_not_come_up_again_is_not_stopped(node: RunningNode) -> None:
    shutil.copy(node.kubernetes / "pki/etcd/server.key", node.kubernetes / "pki/apiserver.key")
    refused = node.restart("--all", *TIMEOUT)
    assert refused.returncode == 1
    assert "the key is not the one of the certificate" in refused.stderr
    assert node.starts() == dict.fromkeys(COMPONENTS, 1)
    assert actions(node, "--all")["kube-apiserver"] == "blocked"
    node.assert_manifests_are_in_place()


def test_a_key_for_tokens_that_nobody_would_verify_keeps_everything_from_being_restarted(node: RunningNode) -> None:
    pki = node.kubernetes / "pki"
    shutil.copy(pki / "apiserver.key", pki / "sa.key")
    refused = node.restart(*TIMEOUT)
    assert refused.returncode == 1, refused.stderr
    assert "sa.pub does not hold the public half of sa.key" in refused.stderr
    assert actions(node)["kube-apiserver"] == "blocked"
    assert node.starts() == dict.fromkeys(COMPONENTS, 1)

    # With the old public key beside the new one no token ends; with the new one alone all do, and that is said first.
    openssl = ["openssl", "pkey", "-in", str(pki / "sa.key"), "-pubout"]
    new = subprocess.run(openssl, check=True, capture_output=True).stdout
    old = (pki / "sa.pub").read_bytes()
    (pki / "sa.pub").write_bytes(new + old)
    kept = node.restart("--dry-run")
    assert (kept.returncode, "service_account" in kept.stderr) == (DUE, False), kept.stderr
    (pki / "sa.pub").write_bytes(new)
    warned = node.restart("--dry-run")
    assert (warned.returncode, "service_account.replaced" in warned.stderr) == (DUE, True), warned.stderr
    assert "refuses every token that was issued so far" in warned.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_puts_the_manifest_back_before_it_ends(tmp_path: Path, number: signal.Signals) -> None:
    with RunningNode(tmp_path / "node").running() as node:
        manifest = node.manifests / "kube-apiserver.yaml"
        (node.root / "broken/etcd").touch()
        # A run whose parent ignores the signal (nohup) ignores it too: whatever started the tests does not count here.
        of_the_tests = signal.signal(number, signal.SIG_DFL)
        try:
            run = node.start_restart("etcd", "--all")
        finally:
            signal.signal(number, of_the_tests)
        eventually(lambda: not manifest.exists(), "the manifest is moved out")
        run.send_signal(number)
        _, talk = run.communicate(timeout=60)
        assert run.returncode == 130, talk
        node.assert_manifests_are_in_place()
        (node.root / "broken/etcd").unlink()
        node.wait_until_up()


def test_killed_while_the_manifest_is_out_check_names_it_and_the_next_run_restores_it(tmp_path: Path) -> None:
    with RunningNode(tmp_path / "node").running() as node:
        # The API server's manifest is out for as long as etcd does not come back.
        (node.root / "broken/etcd").touch()
        run = node.start_restart("etcd", "--all")
        manifest = wait_until_held(node, "kube-apiserver")
        eventually(lambda: ("etcd", "down") in node.events(), "etcd has ended")
        # Two runs at once exclude each other.
        rival = node.restart("kube-scheduler", *TIMEOUT)
        assert rival.returncode == 3
        assert "code: store.locked" in rival.stderr
        run.kill()
        run.communicate(timeout=60)
        assert not manifest.exists()

        checked = command("check", "--rootfs", node.root)
        assert checked.returncode == 2
        assert "restart.manifest_held" in checked.stdout
        shown = node.restart("--dry-run")
        assert f"`kubepki restart --rootfs {node.root}` puts it back" in shown.stderr
        assert not manifest.exists()

        (node.root / "broken/etcd").unlink()
        done = node.restart(*TIMEOUT)
        assert done.returncode == 0, done.stderr
        assert "an interrupted restart: " in done.stderr
        assert "kube-apiserver" in done.stderr
        node.assert_manifests_are_in_place()
        node.wait_until_up()
        # It was started by putting it back, and has loaded everything: once is enough.
        assert node.starts()["kube-apiserver"] == 2
        assert "restart.manifest_held" not in command("check", "--rootfs", node.root).stdout


def test_killed_while_a_component_comes_back_its_manifest_is_in_place(node: RunningNode) -> None:
    (node.root / "broken/kube-scheduler").touch()
    run = node.start_restart("kube-scheduler", "--all")
    assert run.stderr is not None
    assert any("kube-scheduler: coming back" in line for line in run.stderr)
    run.kill()
    run.communicate(timeout=60)
    node.assert_manifests_are_in_place()
    (node.root / "broken/kube-scheduler").unlink()
    assert node.restart(*TIMEOUT).returncode == 0


def test_killed_at_random_moments_the_next_run_leaves_everything_up_and_in_place(node: RunningNode) -> None:
    chance = random.Random(20261125)  # noqa: S311 (moments, not secrets)
    for _ in range(KILLS):
        run = node.start_restart("--all")
        threading.Timer(chance.uniform(0.2, 2.5), run.kill).start()
        run.communicate(timeout=120)
        out = {path.stem for path in node.before if not path.exists()}
        assert len(out) <= 1 or out == {"etcd", "kube-apiserver"}
    done = node.restart(*TIMEOUT)
    assert done.returncode == 0, done.stderr
    node.wait_until_up()
    node.assert_manifests_are_in_place()
    assert not list(node.root.rglob(".kubepki*"))
    node.assert_never_two_down()


def test_another_manifest_in_the_place_of_a_held_one_is_not_overwritten(tmp_path: Path) -> None:
    with RunningNode(tmp_path / "node").running() as node:
        (node.root / "broken/etcd").touch()
        run = node.start_restart("etcd", "--all")
        manifest = wait_until_held(node, "kube-apiserver")
        run.kill()
        run.communicate(timeout=60)
        other = node.before[manifest].replace(b"127.0.0.1", b"127.0.0.1 ", 1)
        manifest.write_bytes(other)
        refused = node.restart()
        assert refused.returncode == 4
        assert "code: restart.held_conflict" in refused.stderr
        assert manifest.read_bytes() == other
        assert (node.root / "var/lib/kubepki/restart/kube-apiserver.yaml").read_bytes() == node.before[manifest]


def fake_crictl(folder: Path, node: RunningNode) -> Path:
    """Make a `crictl` that shows the stand-in kubelet's containers, and stops one as the runtime would."""
    folder.mkdir()
    crictl = folder / "crictl"
    # `crictl ps … --name ^(NAME|…)$ …`, `crictl stop --timeout SECONDS NAME-PID`.
    crictl.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {folder}/asked\n'
        'if [ "$1" = stop ]; then kill "${4##*-}"; exit; fi\n'
        'while [ "$1" != --name ]; do shift; done\n'
        f"cd {node.root}/containers || exit\n"
        'for name in $(ls | grep -E "$2"); do\n'
        'one="{\\"id\\":\\"$(cat "$name")\\",\\"state\\":\\"CONTAINER_RUNNING\\","\n'
        'one="$one\\"metadata\\":{\\"name\\":\\"$name\\"}}"\n'
        'all="${all:+$all,}$one"\n'
        "done\n"
        'echo "{\\"containers\\":[$all]}"\n'
    )
    crictl.chmod(0o755)
    return crictl


def blind() -> tuple[str, ...]:
    """Return what to run before a command that shall not see which process has which port."""
    return ("setpriv", "--bounding-set", "-all,+chown,+dac_override,+dac_read_search,+fowner,+kill")


def test_crictl_is_asked_whether_the_container_has_ended(node: RunningNode, tmp_path: Path) -> None:
    crictl = fake_crictl(tmp_path / "programs", node)
    (node.root / "linger/kube-apiserver").touch()
    done = node.restart("etcd", "--all", *TIMEOUT, before=with_programs(crictl.parent))
    assert done.returncode == 0, done.stderr
    mine = [event for name, event in node.events() if name == "kube-apiserver"]
    # The manifest came back when the container was gone, not when the process was.
    assert mine[:6] == ["in", "up", "out", "down", "removed", "in"]
    assert "ps --all --output json" in (crictl.parent / "asked").read_text()


@needs_pods
@pytest.mark.skipif(not shutil.which("setpriv"), reason="gives up capabilities with setpriv")
def test_where_the_process_cannot_be_seen_the_runtime_stops_its_container_or_the_manifest_is_moved(
    node: RunningNode, tmp_path: Path
) -> None:
    def ways(before: tuple[str, ...]) -> dict[str, str]:
        shown = node.restart("--dry-run", "--all", "-o", "json", before=before)
        assert shown.returncode == 10, shown.stderr
        return {each["name"]: each["way"] for each in json.loads(shown.stdout)["plan"]["components"]}

    crictl = fake_crictl(tmp_path / "programs", node)
    by_runtime = (*with_programs(crictl.parent), *blind())
    assert ways(())["kube-scheduler"] == "in_place"
    assert ways(by_runtime)["kube-scheduler"] == "runtime"
    assert ways(blind())["kube-scheduler"] == "manifest"

    def restart(before: tuple[str, ...]) -> list[str]:
        start = len(node.events())
        done = node.restart("kube-scheduler", "--all", *TIMEOUT, before=before)
        assert done.returncode == 0, done.stderr
        node.wait_until_up()
        return [event for name, event in node.events()[start:] if name == "kube-scheduler"]

    assert "out" not in restart(by_runtime)
    assert "stop --timeout 30 kube-scheduler-" in (crictl.parent / "asked").read_text()
    assert restart(blind())[:2] == ["out", "down"]
    node.assert_manifests_are_in_place()


def test_etcd_restarts_only_while_the_api_server_of_its_node_is_stopped(node: RunningNode) -> None:
    shown = node.restart("etcd", "--all", "--dry-run")
    assert "etcd restarts, and it has no other" in shown.stdout
    done = node.restart("etcd", "--all", *TIMEOUT)
    assert done.returncode == 0, done.stderr
    assert "restarted 2: etcd, kube-apiserver" in done.stderr
    node.wait_until_up()
    assert node.starts() == {**dict.fromkeys(COMPONENTS, 1), "etcd": 2, "kube-apiserver": 2}
    node.assert_never_two_down()
    node.assert_manifests_are_in_place()


def test_without_a_kubelet_nothing_is_stopped(tmp_path: Path) -> None:
    node = RunningNode(tmp_path / "node")
    shown = node.restart("--dry-run")
    assert (shown.returncode, "code: restart.no_kubelet" in shown.stderr) == (3, True), shown.stderr
    assert "kube-scheduler" in shown.stdout
    refused = node.restart(*TIMEOUT)
    assert (refused.returncode, "the kubelet does not run" in refused.stderr) == (3, True), refused.stderr
    node.assert_manifests_are_in_place()
    (client,) = kubepki.plan_restart(rootfs=node.root).obstacles
    assert "journalctl" in client.hint


def test_the_kubelet_is_restarted_only_when_it_is_asked_for(node: RunningNode, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    systemctl = programs / "systemctl"
    systemctl.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\necho no unit >&2\nexit 5\n')
    systemctl.chmod(0o755)
    path = with_programs(programs)
    assert node.restart("--all", *TIMEOUT, before=path).returncode == 0
    assert not (tmp_path / "asked").exists()
    failed = node.restart("kubelet", *TIMEOUT, before=path)
    assert failed.returncode == 3
    assert "`systemctl restart kubelet` failed: no unit" in failed.stderr
    assert (tmp_path / "asked").read_text() == "restart kubelet\n"


def test_a_node_without_static_pods_says_so(tmp_path: Path) -> None:
    shown = command("restart", "--rootfs", tmp_path)
    assert (shown.returncode, "code: restart.no_static_pods" in shown.stderr) == (3, True), shown.stderr
    named = command("restart", "etcd", "--rootfs", tmp_path)
    assert named.returncode == 2
    assert "code: restart.not_here" in named.stderr


def test_a_manifest_that_is_no_pod_is_named_and_does_not_hide_the_others(node: RunningNode) -> None:
    manifest = node.manifests / "kube-scheduler.yaml"
    # The stand-in kubelet would trip over it.
    node.kubelet.send_signal(signal.SIGSTOP)
    manifest.write_text("spec: [")
    shown = node.restart("--dry-run", "--all")
    assert shown.returncode == 1
    assert "it is not a pod manifest" in shown.stderr
    rows = {line.split()[0]: line.split()[1] for line in shown.stdout.splitlines() if line[0] != " "}
    assert (rows["kube-scheduler"], rows["kube-controller-manager"]) == ("blocked", "restart")
    # It stands in nobody's way who names others.
    assert node.restart("kube-controller-manager", "--all", "--dry-run").returncode == 10


def test_a_time_limit_of_nothing_is_refused(tmp_path: Path) -> None:
    refused = command("restart", "--timeout", "0s", "--rootfs", tmp_path)
    assert refused.returncode == 2
    assert "code: restart.bad_timeout" in refused.stderr
