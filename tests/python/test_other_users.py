"""Attacks by another user of the machine, really run: root works in folders that `nobody` owns or can look into."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import kubepki as kubepki_package
import records
from playbooks import ANSIBLE, play
from trees import GOLDEN, kubepki, make_tree, state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONFIG = GOLDEN / "ecdsa-p256/config.yaml"
NOBODY = 65_534
CP1 = ("--role", "control-plane", "--node-name", "cp1")
USER = ("kubeconfig", "user", "--client-name", "jane")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def machine() -> Iterator[Path]:
    """Return a root folder that all can look into, with a node's tree and the home of `nobody` in it."""
    place = Path(tempfile.mkdtemp(prefix="kubepki-machine-"))
    place.chmod(0o755)
    make_tree(place, "ecdsa-p256")
    home = place / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    yield place
    shutil.rmtree(place)


def as_nobody(work: Callable[[], object]) -> None:
    """Do something as another user, in a child."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


HOLDER = """
import fcntl, os, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
held = []
for folder, _, names in os.walk(sys.argv[1]):
    for path in [folder, *(os.path.join(folder, name) for name in names)]:
        try:
            held.append(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
            fcntl.flock(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pass
print(len(held), flush=True)
sys.stdin.read()
"""


def test_another_user_who_locks_all_that_can_be_opened_stops_no_renewal(machine: Path) -> None:
    # A lock file of a killed run is there as well: it cannot be opened.
    left = records.write(machine / "etc/kubernetes/.kubepki.lock", b"")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(machine)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin
    assert holder.stdout
    with holder:
        assert int(holder.stdout.readline()) > 10, "folders and certificates can be opened by all"
        done = kubepki("certs", "renew", "all", "--rootfs", machine)
        holder.stdin.close()
    assert done.returncode == 0, done.stderr
    assert not left.exists()
    # The lock itself still excludes another run.
    records.write(left, b"")
    with left.open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        busy = kubepki("certs", "renew", "all", "--rootfs", machine)
    assert busy.returncode == 3
    assert "store.locked" in busy.stderr


def user(machine: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return kubepki(*USER, "--config", CONFIG, "--rootfs", machine, "--out", out, *more)


def test_a_journal_that_the_owner_of_a_folder_forged_has_nothing_removed(machine: Path) -> None:
    home, pki = machine / "home", machine / "etc/kubernetes/pki"
    before = state(pki)
    lines = [records.removal(pki / "ca.crt", 1)]
    as_nobody(lambda: records.journal(home, lines, ("../etc/kubernetes/pki",)))
    made = user(machine, home / "jane.conf")
    assert made.returncode == 0, made.stderr
    assert (home / "jane.conf").stat().st_uid == 0
    # An archive that root unpacked: the records are root's, and so is the folder.
    unpacked = machine / "unpacked"
    unpacked.mkdir()
    asked = kubepki(
        "certs", "generate-csr", "apiserver", "--node-name", "cp1", "--rootfs", machine, "--out-dir", "/asked"
    )
    assert asked.returncode == 0, asked.stderr
    shutil.copy(machine / "asked/pki/apiserver.csr", unpacked / "apiserver.csr")
    records.journal(unpacked, lines, ("../etc/kubernetes/pki",))
    (machine / "signed").mkdir()
    for out in ("/signed", None):
        options = ("--out-dir", out) if out else ()
        signed = kubepki(
            "certs",
            "sign",
            *CP1,
            "--csr-dir",
            "/unpacked",
            "--cert-dir",
            "/etc/kubernetes/pki",
            "--rootfs",
            machine,
            *options,
        )
        assert signed.returncode == 0, signed.stderr
    assert (unpacked / "apiserver.crt").exists()
    assert kubepki("certs", "renew", "apiserver", "--rootfs", machine).returncode == 0
    unchanged = {path: fact for path, fact in state(pki).items() if path.stem != "apiserver"}
    assert unchanged == {path: fact for path, fact in before.items() if path.stem != "apiserver"}


@pytest.mark.parametrize("place", ["home", "sticky"])
def test_a_record_of_roots_that_was_moved_to_where_others_write_has_nothing_removed(machine: Path, place: str) -> None:
    folder = machine / place
    if place == "sticky":
        folder.mkdir()
        folder.chmod(0o1777)
    victim = folder / "root.conf"
    victim.write_text("root's")
    # It is root's, as if it had been linked or moved here.
    records.journal(folder, [records.removal(victim)])
    done = user(machine, folder / "jane.conf")
    assert done.returncode == 0, done.stderr
    assert victim.read_text() == "root's"
    assert kubepki("recover", folder).returncode == 0
    assert victim.read_text() == "root's"


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_out_follows_no_link_and_overwrites_no_file_of_another_user(machine: Path, force: tuple[str, ...]) -> None:
    home, key = machine / "home", machine / "etc/kubernetes/pki/ca.key"
    before = state(machine / "etc")
    as_nobody(lambda: (home / "link").symlink_to(key))
    as_nobody(lambda: (home / "dangling").symlink_to(machine / "etc/kubernetes/new.conf"))
    as_nobody(lambda: (home / "folder").symlink_to(machine / "etc/kubernetes"))
    as_nobody(lambda: records.write(home / "theirs", b"theirs"))
    for name in ("link", "dangling", "folder/jane.conf", "theirs"):
        refused = user(machine, home / name, *force)
        assert refused.returncode in (3, 4), refused.stderr
        assert "code: store." in refused.stderr or "code: output.exists" in refused.stderr
    assert state(machine / "etc") == before
    assert (home / "theirs").read_bytes() == b"theirs"
    assert "jane" not in "".join(path.name for path in machine.rglob("*"))


def test_a_file_without_end_of_another_user_is_refused_and_not_read(machine: Path) -> None:
    out = machine / "home/config"

    def make() -> None:
        with out.open("wb") as file:
            file.truncate(1 << 42)

    as_nobody(make)
    done = user(machine, out, "--force")
    assert (done.returncode, "store.foreign_file" in done.stderr) == (4, True), done.stderr
    assert out.stat().st_size == 1 << 42


def test_sign_force_writes_through_no_link(machine: Path) -> None:
    home, key = machine / "home", machine / "etc/kubernetes/pki/ca.key"
    asked = kubepki(
        "certs", "generate-csr", "apiserver", "--node-name", "cp1", "--rootfs", machine, "--out-dir", "/asked"
    )
    assert asked.returncode == 0, asked.stderr
    request = (machine / "asked/pki/apiserver.csr").read_bytes()
    as_nobody(lambda: (home / "apiserver.csr").write_bytes(request))
    as_nobody(lambda: (home / "apiserver.crt").symlink_to("../etc/kubernetes/pki/ca.key"))
    before = key.read_bytes()
    arguments = ("certs", "sign", *CP1, "--csr-dir", "/home", "--cert-dir", "/etc/kubernetes/pki", "--rootfs", machine)
    refused = kubepki(*arguments, "--force")
    assert refused.returncode == 1, refused.stderr
    assert "store.is_a_symlink" in refused.stderr
    assert key.read_bytes() == before
    (home / "apiserver.crt").unlink()
    signed = kubepki(*arguments)
    assert signed.returncode == 0, signed.stderr


def test_a_backup_restores_no_file_that_is_none_of_a_pki_and_no_set_id_bit(machine: Path) -> None:
    assert kubepki("certs", "renew", "apiserver", "--rootfs", machine).returncode == 0
    (manifest,) = (machine / "var/lib/kubepki/backups").glob("*/manifest.json")
    text = manifest.read_text()
    restore = ("backup", "restore", manifest.parent.name, "--no-backup", "--rootfs", machine)
    for path, folder in (
        ("/root/.ssh/authorized_keys", "/root/.ssh"),
        ("/etc/cron.d/task", "/etc/kubernetes/pki"),
        ("/etc/sysctl.conf", "/etc"),
        ("/etc/kubernetes/manifests/pod.yaml", "/etc/kubernetes/pki"),
        ("/etc/passwd.crt", "/etc"),
    ):
        edit(manifest, path, folder)
        refused = kubepki(*restore)
        assert refused.returncode == 4, (path, refused.stderr)
        assert "backup.elsewhere" in refused.stderr
        assert not (machine / path[1:]).exists()
        manifest.write_text(text)
    edit(manifest, "/etc/kubernetes/pki/other.crt", "/etc/kubernetes/pki")
    restored = kubepki(*restore)
    assert restored.returncode == 0, restored.stderr
    assert stat.S_IMODE((machine / "etc/kubernetes/pki/other.crt").stat().st_mode) == 0o755


def test_a_backup_that_may_not_be_read_is_listed_and_said_to_be_anothers(machine: Path) -> None:
    assert kubepki("certs", "renew", "apiserver", "--rootfs", machine).returncode == 0
    (folder,) = (machine / "var/lib/kubepki/backups").iterdir()
    folder.parent.chmod(0o755)

    def look() -> None:
        (listed,) = kubepki_package.list_backups(rootfs=machine)
        assert (listed.name, listed.state) == (folder.name, kubepki_package.BackupState.UNTRUSTED)
        assert "belongs to another user" in listed.problems[0]

    as_nobody(look)


def edit(manifest: Path, path: str, certificates_dir: str) -> None:
    """Name another path for a file of a manifest, with a set-id bit, and make its digest fit again."""
    sealed = json.loads(manifest.read_text())
    sealed["manifest"]["certificates_dir"] = certificates_dir
    sealed["manifest"]["files"][-1].update(path=path, mode=0o4755)
    line = json.dumps(sealed["manifest"], separators=(",", ":"))
    sealed["sha256"] = hashlib.sha256(line.encode()).hexdigest()
    manifest.write_text(json.dumps(sealed, indent=2))


BECOME_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


def live(place: Path, *, mode: int, nobody: bool) -> None:
    """Make, renew, interrupt, recover and check a node in a folder of one's own."""

    def work(deed: Callable[[], object]) -> None:
        as_nobody(deed) if nobody else deed()

    def done(*arguments: str | Path) -> None:
        end = kubepki(*arguments, before=BECOME_NOBODY if nobody else ())
        assert end.returncode == 0, end.stderr

    def open_up() -> None:
        for folder in (tree, tree / "etc", pki.parent, pki):
            folder.chmod(mode)

    tree, other = place / "node", place / "other"
    pki = tree / "etc/kubernetes/pki"
    work(tree.mkdir)
    done("init", "--config", CONFIG, "--rootfs", tree)
    done("certs", "renew", "all", "--rootfs", tree)
    work(open_up)
    work(lambda: shutil.copytree(tree, other))
    done("certs", "renew", "apiserver", "--rootfs", other)
    work(lambda: records.interrupt(pki, other / "etc/kubernetes/pki"))
    done("recover", "--rootfs", tree)
    done("check", "--config", CONFIG, "--rootfs", tree)
    out = ("--config", CONFIG, "--rootfs", tree, "--out", place / "jane.conf")
    done(*USER, *out)
    done(*USER, *out, "--force")
    assert not [path for path in tree.rglob("*") if path.name.startswith(".kubepki")]


def test_a_user_works_in_folders_of_their_own_as_before(machine: Path) -> None:
    own = machine / "own"
    own.mkdir()
    live(own, mode=0o755, nobody=False)
    if kubepki("version", before=BECOME_NOBODY).returncode != 0:
        pytest.skip("another user cannot run kubepki where it is")
    # Many systems give users a group of their own, which may write by default.
    live(machine / "home", mode=0o775, nobody=True)
    assert {path.stat().st_uid for path in (machine / "home").rglob("*")} == {NOBODY}


PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - kubepki.kubeadm.kubeconfig_user:
        config: "{{ config }}"
        rootfs: "{{ machine }}"
        client_name: jane
        path: "{{ path }}"
        force: "{{ forced }}"
        owner: "{{ owner }}"
        group: "{{ owner }}"
        mode: "0640"
      register: made
    - ansible.builtin.debug:
        msg: "changed={{ made.changed }}"
"""


@pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is not installed (it wants Python 3.11)")
def test_ansible_writes_into_a_users_home_and_follows_no_link_there(machine: Path, tmp_path: Path) -> None:
    home = machine / "home"
    playbook = tmp_path / "play.yml"
    playbook.write_text(PLAYBOOK)

    def played(name: str, *arguments: str, owner: int = NOBODY, forced: bool = False) -> tuple[int, str]:
        done = play(
            playbook, tmp_path / "ansible", *arguments, config=CONFIG, machine=machine, path=home / name, owner=owner,
            forced=forced,
        )  # fmt: skip
        return done.returncode, done.output

    # In a folder of theirs, `config` is a link to root's file; the file must keep content, mode and owner.
    victim = machine / "etc/kubernetes/pki/ca.key"
    before = victim.read_bytes(), victim.stat()
    as_nobody(lambda: (home / "link").symlink_to(victim))
    code, output = played("link")
    assert code != 0
    assert "store.untrusted_link" in output
    after = victim.read_bytes(), victim.stat()
    assert (before[0], before[1].st_mode, before[1].st_uid, before[1].st_ctime_ns) == (
        after[0], after[1].st_mode, after[1].st_uid, after[1].st_ctime_ns,
    )  # fmt: skip

    # What is asked for is made: the user's own file with that mode, again when it is forced, and kept when it is good.
    for arguments, forced, changed in (
        (("--check", "--diff"), False, True),
        ((), False, True),
        ((), False, False),
        ((), True, True),
    ):
        code, output = played("config", *arguments, forced=forced)
        assert code == 0, output
        assert f"changed={changed}" in output
        if arguments:
            assert not (home / "config").exists()
            continue
        there = (home / "config").stat()
        assert (there.st_uid, there.st_gid, stat.S_IMODE(there.st_mode)) == (NOBODY, NOBODY, 0o640)
    (home / "config").chmod(0o600)
    code, output = played("config")
    assert code == 0, output
    assert "changed=True" in output
    assert stat.S_IMODE((home / "config").stat().st_mode) == 0o640

    # A second name of root's file is not given away, and a user's file is not overwritten with root's key.
    code, output = played("config", owner=0, forced=True)
    assert code != 0
    assert "store.foreign_file" in output
    os.link(home / "config", home / "second")
    os.chown(home / "config", 0, 0)
    code, output = played("second")
    assert code != 0, output
    assert (home / "second").stat().st_uid == 0


def test_a_rehearsal_finds_what_writing_would_be_refused_for(machine: Path) -> None:
    config, new = machine / "kubeadm.yaml", machine / "new"
    config.write_bytes(CONFIG.read_bytes())
    config.chmod(0o644)
    new.mkdir(mode=0o755)
    plan = kubepki_package.plan(config, certificates=["ca"], kubeconfigs=(), rootfs=new)
    jane: dict[str, Any] = {"path": machine / "jane.conf", "token": "abcdef.0123456789abcdef", "rootfs": machine}

    def try_all() -> None:
        codes = []
        for call in (
            lambda: kubepki_package.rehearse(plan),
            lambda: kubepki_package.apply(plan),
            lambda: kubepki_package.ensure_user("jane", config, dry_run=True, **jane),
            lambda: kubepki_package.ensure_user("jane", config, **jane),
        ):
            with pytest.raises(kubepki_package.EnvironmentFailure) as raised:
                call()
            codes.append(raised.value.code)
        assert codes == ["store.no_permission"] * 4

    before = state(machine)
    kubepki_package.rehearse(plan)
    assert kubepki_package.ensure_user("jane", config, dry_run=True, **jane).reason == "missing"
    as_nobody(try_all)
    assert state(machine) == before
