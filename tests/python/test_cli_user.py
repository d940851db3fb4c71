"""`kubeconfig user` as a process: what it prints, what it refuses, what it leaves behind."""

from __future__ import annotations

import base64
import json
import pickle
import stat
import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import kubepki
from kubepki import Algorithm, FindingError, RefusedError
from trees import GOLDEN, PROGRAM, run

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = GOLDEN / "ecdsa-p256" / "config.yaml"
TOKEN = "abcdef.0123456789abcdef"  # noqa: S105 (nobody's)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tree with a CA; tests do not change it."""
    rootfs = tmp_path_factory.mktemp("node")
    kubepki.apply(kubepki.plan(CONFIG, certificates=["ca"], kubeconfigs=(), rootfs=rootfs))
    return rootfs


def user(node: Path, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, "kubeconfig", "user", "--config", CONFIG, "--rootfs", node, *arguments]
    return subprocess.run(list(map(str, command)), input=stdin, capture_output=True, text=True, check=False, timeout=60)


def embedded(kubeconfig: str, field: str) -> bytes:
    line = next(line for line in kubeconfig.splitlines() if line.strip().startswith(field))
    return base64.b64decode(line.split(": ")[1])


def test_a_kubeconfig_is_printed_as_kubeadm_does_and_nothing_is_written(node: Path, tmp_path: Path) -> None:
    before = sorted(node.rglob("*"))
    done = user(node, "--client-name", "jane", "--org", "a,b", "--org", "c", "--validity-period", "24h")
    assert (done.returncode, done.stderr) == (0, "")
    golden = (GOLDEN / "ecdsa-p256" / "user-two-orgs.conf").read_text()
    without_data = [line for line in done.stdout.splitlines() if "-data: " not in line]
    assert without_data == [line for line in golden.splitlines() if "-data: " not in line]
    assert done.stdout.endswith("\n\n")
    assert sorted(node.rglob("*")) == before
    certificate = tmp_path / "jane.crt"
    certificate.write_bytes(embedded(done.stdout, "client-certificate-data"))
    authority = node / "etc/kubernetes/pki/ca.crt"
    assert run("openssl", "verify", "-purpose", "sslclient", "-CAfile", authority, certificate).returncode == 0
    shown = run("openssl", "x509", "-in", certificate, "-noout", "-subject", "-nameopt", "RFC2253").stdout
    assert shown.strip() == "subject=CN=jane,O=c+O=b+O=a"
    assert run("openssl", "x509", "-in", certificate, "-noout", "-checkend", "86000").returncode == 0
    assert run("openssl", "x509", "-in", certificate, "-noout", "-checkend", "86500").returncode == 1


def test_kubectl_reads_it(node: Path, tmp_path: Path) -> None:
    out = tmp_path / "jane.conf"
    done = user(node, "--client-name", "jane", "--out", out)
    assert (done.returncode, done.stderr) == (0, f"wrote {out}\n")
    assert "PRIVATE" not in done.stdout
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    view = run("kubectl", "config", "view", "--kubeconfig", out, "-o", "json")
    assert view.returncode == 0, view.stderr
    document = json.loads(view.stdout)
    assert document["current-context"] == "jane@kubernetes"
    assert document["clusters"][0]["cluster"]["server"] == "https://192.0.2.10:6443"


def test_a_dash_is_stdout(node: Path, tmp_path: Path) -> None:
    plain = user(node, "--client-name", "jane", "--token", "abc")
    words = ("kubeconfig", "user", "--client-name", "jane", "--token", "abc", "--rootfs", node, "--config", CONFIG)
    dash = run("env", f"--chdir={tmp_path}", *PROGRAM, *words, "--out", "-")
    assert (dash.returncode, dash.stdout, dash.stderr) == (0, plain.stdout, plain.stderr)
    assert not (tmp_path / "-").exists()
    empty = user(node, "--client-name", "jane", "--out", "")
    assert (empty.returncode, "is empty" in empty.stderr) == (2, True)


def test_nothing_is_overwritten_unasked_and_no_secret_goes_where_others_read(node: Path, tmp_path: Path) -> None:
    out = tmp_path / "jane.conf"
    out.write_text("mine\n")
    out.chmod(0o644)
    done = user(node, "--client-name", "jane", "--out", out)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (4, "  code: output.exists")
    done = user(node, "--client-name", "jane", "--out", out, "--force")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (4, "  code: output.readable_by_others")
    assert out.read_text() == "mine\n"
    out.chmod(0o600)
    assert user(node, "--client-name", "jane", "--out", out, "--force").returncode == 0
    assert out.read_text().startswith("apiVersion: v1\n")
    assert [path.name for path in tmp_path.iterdir()] == ["jane.conf"]


def test_a_file_is_kept_while_it_is_what_is_asked_for(node: Path, tmp_path: Path) -> None:
    out = tmp_path / "jane.conf"
    arguments = ("--client-name", "jane", "--validity", "90d", "--renew-before", "30d", "--out", out)
    foretold = user(node, *arguments, "--dry-run")
    assert (foretold.returncode, foretold.stderr) == (0, f"dry run: {out} would be written: missing\n")
    assert not out.exists()
    assert user(node, *arguments).stderr == f"wrote {out}: missing\n"
    first = out.read_bytes()
    again = user(node, *arguments)
    assert (again.returncode, again.stderr, out.read_bytes()) == (0, f"kept {out}\n", first)
    assert user(node, *arguments, "--org", "qa").stderr == f"wrote {out}: it is for another user or other groups\n"
    assert user(node, *arguments, "--org", "qa", "--force").stderr == f"wrote {out}: forced\n"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    endless = user(node, "--client-name", "jane", "--validity", "30d", "--renew-before", "30d", "--out", out)
    assert (endless.returncode, endless.stderr.splitlines()[-1]) == (2, "  code: plan.bad_request")
    nowhere = user(node, "--client-name", "jane", "--renew-before", "30d")
    assert (nowhere.returncode, "--out FILE" in nowhere.stderr) == (2, True)


@pytest.mark.parametrize("way", ["--token", "stdin", "file"])
def test_a_token_comes_from_the_command_line_a_file_or_stdin(way: str, node: Path, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    ways: dict[str, tuple[str | Path, ...]] = {
        "--token": ("--token", TOKEN),
        "stdin": ("--token-file", "-"),
        "file": ("--token-file", file),
    }
    done = user(node, "--client-name", "bot", *ways[way], stdin=f"{TOKEN}\n")
    assert (done.returncode, done.stderr) == (0, "")
    golden = (GOLDEN / "ecdsa-p256" / "user-token.conf").read_text()
    ours, theirs = (
        [line for line in text.split("\n") if "authority-data" not in line] for text in (done.stdout, golden)
    )
    assert ours == theirs


def test_a_dry_run_shows_subject_validity_and_server_and_makes_no_key(node: Path) -> None:
    done = user(node, "--client-name", "jane", "--org", "qa", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "dry run: nothing was made\n")
    assert "subject:    CN=jane,O=qa\n" in done.stdout
    assert "server:     https://192.0.2.10:6443\n" in done.stdout
    assert "\nvalid:      2" in done.stdout
    assert "serial" not in done.stdout
    data = json.loads(user(node, "--client-name", "jane", "--dry-run", "-o", "json").stdout)
    assert (data["user"]["serial"], data["kubeconfig"]) == (None, None)


def test_structured_output_has_facts_and_file(node: Path) -> None:
    done = user(node, "--client-name", "jane", "-o", "json")
    data = json.loads(done.stdout)
    assert data["user"]["subject"] == "CN=jane"
    assert data["kubeconfig"].startswith("apiVersion: v1\n")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (["--client-name", ""], 2, "user.bad_name"),
        (["--client-name", "jane", "--org", "a, b"], 2, "user.bad_name"),
        (["--client-name", "jane", "--org", "system:masters"], 4, "user.masters"),
        (["--client-name", "jane", "--validity-period", "0s"], 2, "user.bad_validity"),
        (["--client-name", "jane", "--validity-period", "365"], 2, "cli.duration"),
        (["--client-name", "jane", "--validity-period", "20000d"], 4, "user.outlives_authority"),
        (["--client-name", "jane", "--token", ""], 2, "user.bad_token"),
        (["--client-name", "jane", "--token", "x", "--token-file", "-"], 2, "cli.usage"),
        (["--client-name", "jane", "--token-file", "/no/such/file"], 3, "cli.io_failed"),
        (["--client-name", "jane", "--server", "cp1:6443"], 2, "user.bad_server"),
        (["--client-name", "jane", "--algorithm", "RSA"], 2, "key.unknown_algorithm"),
        (["--client-name", "jane", "--cert-dir", "/none"], 1, "plan.blocked"),
        ([], 2, "cli.usage"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_printed(
    arguments: list[str], exit_code: int, code: str, node: Path
) -> None:
    done = user(node, *arguments)
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert done.stderr.splitlines()[-1] == f"  code: {code}"
    assert "Traceback" not in done.stderr


# ---- the API -------------------------------------------------------------------------------------------------


def test_a_value_shows_facts_and_gives_its_secret_to_to_yaml_alone(node: Path, tmp_path: Path) -> None:
    made = kubepki.user_kubeconfig(
        "jane", CONFIG, organizations=["qa"], validity=timedelta(days=1), algorithm=Algorithm.ECDSA_P384, rootfs=node
    )
    assert (made.subject, made.algorithm, made.is_made) == ("CN=jane,O=qa", Algorithm.ECDSA_P384, True)
    assert made.not_before is not None
    assert made.not_after is not None
    key = embedded(made.to_yaml(), "client-key-data").decode()
    assert key.startswith("-----BEGIN EC PRIVATE KEY-----")
    assert "client-key-data" not in f"{made!r} {made} {made.to_dict()}"
    with pytest.raises(TypeError, match="secret"):
        pickle.dumps(made)
    saved = made.save(tmp_path / "jane.conf")
    assert saved.read_text() == made.to_yaml()
    with pytest.raises(RefusedError) as raised:
        made.save(saved)
    assert raised.value.code == "output.exists"


def test_what_is_there_as_text_is_kept_or_says_why_not(node: Path) -> None:
    wanted: dict[str, Any] = {"algorithm": Algorithm.ECDSA_P256, "rootfs": node}
    first = kubepki.ensure_user("jane", CONFIG, **wanted)
    assert (first.reason, first.reason_code, first.before) == ("missing", "missing", None)
    text = first.kubeconfig.to_yaml()
    kept = kubepki.ensure_user("jane", CONFIG, present=text, **wanted)
    assert (kept.is_kept, kept.kubeconfig.to_yaml(), kept.kubeconfig.serial) == (True, text, first.kubeconfig.serial)
    other = kubepki.ensure_user("joe", CONFIG, present=text, dry_run=True, **wanted)
    assert (other.reason_code, other.kubeconfig.is_made) == ("other_user", False)
    assert other.before is not None
    assert (other.before.user, other.kubeconfig.user) == ("jane", "joe")
    assert "client-key-data" not in f"{kept!r} {kept} {kept.to_dict()}"
    with pytest.raises(kubepki.ConfigurationError):
        kubepki.ensure_user("jane", CONFIG, present=text, path="/x", **wanted)


def test_a_dry_run_has_no_file_to_give(node: Path, tmp_path: Path) -> None:
    planned = kubepki.user_kubeconfig("jane", CONFIG, dry_run=True, rootfs=node)
    assert not planned.is_made
    with pytest.raises(ValueError, match="dry run"):
        planned.save(tmp_path / "jane.conf")
    assert list(tmp_path.iterdir()) == []


def test_an_external_ca_signs_nobody_here_and_a_token_needs_no_key(node: Path, tmp_path: Path) -> None:
    pki = tmp_path / "etc/kubernetes/pki"
    pki.mkdir(parents=True)
    (pki / "ca.crt").write_bytes((node / "etc/kubernetes/pki/ca.crt").read_bytes())
    with pytest.raises(FindingError) as raised:
        kubepki.user_kubeconfig("jane", CONFIG, rootfs=tmp_path)
    assert raised.value.code == "user.external_authority"
    bot = kubepki.user_kubeconfig("bot", CONFIG, token=TOKEN, rootfs=tmp_path)
    assert (bot.credential, bot.subject, TOKEN in bot.to_yaml(), TOKEN in repr(bot)) == ("token", None, True, False)


def test_progress_may_stop_it(node: Path) -> None:
    def stop(_done: int, _total: int, _name: str) -> None:
        raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        kubepki.user_kubeconfig("jane", CONFIG, progress=stop, rootfs=node)
