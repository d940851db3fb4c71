"""`bundle export`, `bundle import` and `certs certificate-key` as processes; pyca/cryptography as the other side."""

from __future__ import annotations

import base64
import json
import os
import pickle
import re
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import kubepki
from kubepki import FindingError, RefusedError
from trees import GOLDEN, PROGRAM, run
from trees import kubepki as command

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = GOLDEN / "ecdsa-p256" / "config.yaml"
KEY = "00112233445566778899aabbccddeeff" * 2
FILES = {
    "ca.crt": "ca.crt",
    "ca.key": "ca.key",
    "front-proxy-ca.crt": "front-proxy-ca.crt",
    "front-proxy-ca.key": "front-proxy-ca.key",
    "sa.pub": "sa.pub",
    "sa.key": "sa.key",
    "etcd-ca.crt": "etcd/ca.crt",
    "etcd-ca.key": "etcd/ca.key",
}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a node with what nodes share; tests do not change it."""
    rootfs = tmp_path_factory.mktemp("first")
    shared = ["ca", "front-proxy-ca", "etcd-ca", "sa"]
    kubepki.apply(kubepki.plan(CONFIG, certificates=shared, kubeconfigs=(), rootfs=rootfs))
    return rootfs


@pytest.fixture
def second(tmp_path: Path) -> Path:
    rootfs = tmp_path / "second"
    rootfs.mkdir()
    return rootfs


def bundle(verb: str, node: Path, *arguments: str | Path, stdin: str = "", **environment: str) -> tuple[int, str, str]:
    """Run a verb; return exit code, stdout and stderr."""
    words = [*PROGRAM, "bundle", verb, "--config", CONFIG, "--rootfs", node, *arguments]
    done = subprocess.run(
        list(map(str, words)),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **environment},
    )
    assert "Traceback" not in done.stderr
    assert "PRIVATE KEY" not in done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr


def pki(node: Path) -> Path:
    return node / "etc/kubernetes/pki"


def opened(secret: dict[str, str], key: str) -> dict[str, bytes]:
    """Decrypt a Secret's data as kubeadm does: twelve bytes of nonce, then ciphertext and tag, no additional data."""
    sealed = {name: base64.b64decode(value) for name, value in secret.items()}
    return {name: AESGCM(bytes.fromhex(key)).decrypt(data[:12], data[12:], None) for name, data in sealed.items()}


def sealed_by_pyca(node: Path, key: str) -> str:
    """Return the Secret that kubeadm would upload, as kubectl prints it."""
    data = {}
    for name, file in FILES.items():
        nonce = os.urandom(12)
        sealed = nonce + AESGCM(bytes.fromhex(key)).encrypt(nonce, (pki(node) / file).read_bytes(), None)
        data[name] = base64.b64encode(sealed).decode()
    owner = {"apiVersion": "v1", "kind": "Secret", "name": "bootstrap-token-abcdef", "uid": "0", "controller": True}
    metadata = {"name": "kubeadm-certs", "namespace": "kube-system", "ownerReferences": [owner], "resourceVersion": "1"}
    return json.dumps({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "data": data})


def test_pyca_opens_what_we_seal_and_no_other_key_does(first: Path) -> None:
    code, out, err = bundle("export", first, "-o", "json", "--certificate-key", KEY)
    assert (code, err) == (0, "")
    secret = json.loads(out)
    assert (secret["kind"], secret["metadata"]) == ("Secret", {"name": "kubeadm-certs", "namespace": "kube-system"})
    expected = {name: (pki(first) / file).read_bytes() for name, file in FILES.items()}
    assert opened(secret["data"], KEY) == expected
    with pytest.raises(InvalidTag):
        opened(secret["data"], "11" * 32)
    again = json.loads(bundle("export", first, "-o", "json", "--certificate-key", KEY)[1])
    nonces = {value[:16] for one in (secret, again) for value in one["data"].values()}
    assert len(nonces) == 2 * len(FILES)


@pytest.mark.parametrize("form", ["json", "yaml by kubectl", "list"])
def test_we_open_what_pyca_sealed_as_kubectl_prints_it(form: str, first: Path, second: Path, tmp_path: Path) -> None:
    text = sealed_by_pyca(first, KEY)
    if form == "yaml by kubectl":
        source = tmp_path / "secret.json"
        source.write_text(text)
        local = run("kubectl", "label", "--local", "-f", source, "-o", "yaml", "a=b")
        assert local.returncode == 0, local.stderr
        text = local.stdout
    elif form == "list":
        text = json.dumps({"kind": "List", "apiVersion": "v1", "items": [json.loads(text)]})
    code, out, err = bundle("import", second, "-", "--certificate-key", KEY, stdin=text)
    assert (code, err) == (0, "installed 4: ca, front-proxy-ca, sa, etcd-ca\n")
    assert "install" in out
    for file in FILES.values():
        copy = pki(second) / file
        assert copy.read_bytes() == (pki(first) / file).read_bytes()
        assert stat.S_IMODE(copy.stat().st_mode) == (0o600 if file.endswith(".key") else 0o644)
    code, _, err = bundle("import", second, "-", "--certificate-key", KEY, stdin=text)
    assert (code, err) == (0, "nothing to do: everything is there\n")


def test_a_new_key_is_said_once_on_stderr_and_opens_the_file(first: Path, second: Path, tmp_path: Path) -> None:
    file, key_file = tmp_path / "bundle.yaml", tmp_path / "key"
    code, out, err = bundle("export", first, "--rbac", "--out", file)
    assert (code, out) == (0, "")
    found = re.search(r"^certificate key: ([0-9a-f]{64})$", err, re.MULTILINE)
    assert found
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert found[1] not in file.read_text()
    kinds = re.findall(r"^kind: (\w+)$", file.read_text(), re.MULTILINE)
    assert kinds == ["Secret", "Role", "RoleBinding"]
    key_file.write_text(f"{found[1]}\n")
    code, _, err = bundle("import", second, file, "--certificate-key-file", key_file)
    assert code == 0, err
    code, _, err = bundle("export", first, "--out", file)
    assert (code, err.splitlines()[-1]) == (4, "  code: output.exists")


def test_kubectl_reads_the_documents(first: Path, tmp_path: Path) -> None:
    file = tmp_path / "bundle.yaml"
    for form in ("yaml", "json"):
        code, _, _ = bundle("export", first, "--rbac", "--out", file, "--force", "-o", form)
        assert code == 0
        read = run("kubectl", "label", "--local", "-f", file, "-o", "name", "a=b")
        assert read.stdout.split() == [
            "secret/kubeadm-certs",
            "role.rbac.authorization.k8s.io/kubeadm:kubeadm-certs",
            "rolebinding.rbac.authorization.k8s.io/kubeadm:kubeadm-certs",
        ], read.stderr


def test_the_key_may_come_from_the_environment_or_stdin(first: Path, second: Path, tmp_path: Path) -> None:
    file = tmp_path / "bundle.yaml"
    code, _, err = bundle("export", first, "--out", file, KUBEPKI_CERTIFICATE_KEY=KEY)
    assert (code, err) == (0, f"wrote {file}\n")
    code, _, err = bundle("import", second, file, "--certificate-key-file", "-", "--dry-run", stdin=f"{KEY}\n")
    assert (code, err) == (0, "dry run: nothing was changed; 4 would be installed\n")
    assert list(second.iterdir()) == []


WITH_KEY = ("--certificate-key", KEY)


@pytest.mark.parametrize(
    ("change", "arguments", "expected"),
    [
        ("", ("--certificate-key", "11" * 32), (2, "bundle.wrong_key")),
        ("", ("--certificate-key", "11" * 31), (2, "certificate_key.wrong_length")),
        ("", ("--certificate-key", "xy" * 32), (2, "certificate_key.not_hexadecimal")),
        ("", (), (2, "bundle.no_key")),
        ("change", WITH_KEY, (1, "bundle.damaged")),
        ("cut", WITH_KEY, (1, "bundle.truncated")),
        ("empty", WITH_KEY, (1, "bundle.empty_entries")),
        ("drop", WITH_KEY, (1, "bundle.missing_entries")),
        ("add", WITH_KEY, (4, "bundle.node_bound")),
        ("base64", WITH_KEY, (1, "bundle.invalid_base64")),
        ("junk", WITH_KEY, (1, "bundle.unreadable")),
        ("other", WITH_KEY, (1, "bundle.no_secret")),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    change: str, arguments: tuple[str, ...], expected: tuple[int, str], first: Path, second: Path
) -> None:
    secret = json.loads(sealed_by_pyca(first, KEY))
    data = secret["data"]
    sealed = base64.b64decode(data["sa.key"])
    edits = {
        "change": {"sa.key": base64.b64encode(sealed[:-1] + bytes([sealed[-1] ^ 1])).decode()},
        "cut": {"sa.key": base64.b64encode(sealed[:20]).decode()},
        "empty": {"sa.key": ""},
        "add": {"apiserver.key": data["sa.key"]},
        "base64": {"sa.key": "?"},
    }
    data.update(edits.get(change, {}))
    if change == "drop":
        del data["sa.key"]
    if change == "other":
        secret["metadata"]["name"] = "other"
    text = "{" if change == "junk" else json.dumps(secret)
    exit_code, out, err = bundle("import", second, "-", *arguments, stdin=text)
    assert (exit_code, err.splitlines()[-1]) == (expected[0], f"  code: {expected[1]}")
    assert out == ""
    assert list(second.iterdir()) == []


def test_another_ca_is_replaced_only_by_force_and_kept(first: Path, second: Path) -> None:
    kubepki.apply(kubepki.plan(CONFIG, certificates=["ca"], kubeconfigs=(), rootfs=second))
    old = (pki(second) / "ca.key").read_bytes()
    text = sealed_by_pyca(first, KEY)
    code, out, err = bundle("import", second, "-", "--certificate-key", KEY, stdin=text)
    assert code == 1
    assert "shared.differs" in err
    assert re.search(r"^ca +blocked", out, re.MULTILINE)
    assert not (pki(second) / "sa.key").exists()
    code, out, err = bundle("import", second, "-", "--certificate-key", KEY, "--force", "-o", "json", stdin=text)
    assert code == 0
    report = json.loads(out)["report"]
    assert (pki(second) / "ca.key").read_bytes() == (pki(first) / "ca.key").read_bytes()
    kept = [path.read_bytes() for path in (second / report["backup"].lstrip("/")).rglob("*") if path.is_file()]
    assert old in kept


@pytest.mark.parametrize("force", [(), ("--force",)], ids=["plain", "force"])
@pytest.mark.parametrize(
    ("moves", "code"),
    [
        ({"etcd-ca.crt": "ca.crt", "etcd-ca.key": "ca.key"}, "shared.same_key"),
        ({"sa.key": "ca.key"}, "shared.same_key"),
        (
            {"etcd-ca.crt": "ca.crt", "etcd-ca.key": "ca.key", "ca.crt": "etcd-ca.crt", "ca.key": "etcd-ca.key"},
            "shared.other_name",
        ),
        ({"ca.crt": "ca.key"}, "certificate.holds_key"),
    ],
    ids=["one CA twice", "a CA's key for tokens", "two CAs exchanged", "a key as a certificate"],
)
def test_entries_that_were_exchanged_without_the_key_are_refused(
    moves: dict[str, str], code: str, force: tuple[str, ...], first: Path, second: Path
) -> None:
    secret = json.loads(sealed_by_pyca(first, KEY))
    secret["data"] |= {to: secret["data"][source] for to, source in moves.items()}
    text = json.dumps(secret)
    exit_code, _, err = bundle("import", second, "-", "--certificate-key", KEY, *force, stdin=text)
    assert exit_code == 1
    assert code in err
    assert list(second.iterdir()) == []


def test_a_worker_gets_the_certificate_and_no_key(first: Path, second: Path) -> None:
    code, out, err = bundle("export", first, "--role", "worker")
    assert (code, err) == (0, "")
    assert out == (pki(first) / "ca.crt").read_text()
    code, _, err = bundle("import", second, "-", "--role", "worker", stdin=out)
    assert (code, err) == (0, "installed 1: ca\n")
    assert [path.name for path in pki(second).iterdir()] == ["ca.crt"]
    code, _, err = bundle("import", second, "-", "--role", "worker", stdin=sealed_by_pyca(first, KEY))
    assert (code, err.splitlines()[-1]) == (4, "  code: bundle.not_for_workers")


def test_export_says_what_is_missing_and_an_external_ca_is_meant(first: Path, second: Path) -> None:
    code, out, err = bundle("export", second)
    assert (code, out, err.splitlines()[-1]) == (1, "", "  code: bundle.missing_files")
    for file in FILES.values():
        if file != "ca.key":
            copy = pki(second) / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((pki(first) / file).read_bytes())
            copy.chmod(0o600)
    code, out, err = bundle("export", second)
    assert (code, out, err.splitlines()[-1]) == (4, "", "  code: bundle.external_authority")
    code, out, err = bundle("export", second, "--allow-missing-ca-keys", "--dry-run")
    assert (code, err) == (0, "dry run: nothing was made\n")
    assert re.search(r"^ca.key +/etc/kubernetes/pki/ca.key +empty$", out, re.MULTILINE)


def test_both_from_stdin_is_a_usage_error(second: Path) -> None:
    code, _, err = bundle("import", second, "-", "--certificate-key-file", "-")
    assert (code, err.splitlines()[-1]) == (2, "  code: cli.usage")


def test_a_certificate_key_is_64_digits_and_takes_no_arguments() -> None:
    words = ("certs", "certificate-key")
    first, other = command(*words), command(*words)
    assert re.fullmatch(r"[0-9a-f]{64}\n", first.stdout)
    assert first.stdout != other.stdout
    assert command(*words, "more").returncode == 2


def test_a_file_without_end_is_not_read_to_its_end(second: Path) -> None:
    code, _, err = bundle("import", second, "/dev/zero", "--certificate-key", KEY)
    assert (code, err.splitlines()[-1]) == (2, "  code: cli.too_large")


# ---- the API -------------------------------------------------------------------------------------------------


def test_a_bundle_shows_neither_text_nor_key(first: Path, second: Path) -> None:
    made = kubepki.export_bundle(CONFIG, rootfs=first)
    key = made.certificate_key()
    assert made.to_yaml().startswith("apiVersion: v1\n")
    shown = f"{made!r} {made} {made.to_dict()}"
    assert key not in shown
    assert "kubeadm-certs" not in shown
    with pytest.raises(TypeError, match="secret"):
        pickle.dumps(made)
    with pytest.raises(ValueError, match="pem"):
        made.to_pem()
    plan = kubepki.plan_import_bundle(made.to_json(), CONFIG, key=key, rootfs=second)
    assert [each.name for each in plan.changes] == ["ca", "front-proxy-ca", "sa", "etcd-ca"]
    with pytest.raises(kubepki.ConfigurationError) as raised:
        kubepki.apply(plan)
    assert raised.value.code == "plan.bad"
    assert list(second.iterdir()) == []
    report = kubepki.import_bundle(made.to_yaml().encode(), CONFIG, key=key, rootfs=second)
    assert len(report.changed) == 4
    assert kubepki.plan_import_bundle(made.to_yaml(), CONFIG, key=key, rootfs=second).is_empty


def test_refusals_are_exceptions(first: Path, second: Path) -> None:
    worker = kubepki.export_bundle(CONFIG, role="worker", rootfs=first)
    assert worker.to_pem().startswith("-----BEGIN CERTIFICATE-----")
    with pytest.raises(ValueError, match="no certificate key"):
        worker.certificate_key()
    made = kubepki.export_bundle(CONFIG, key=KEY, rootfs=first)
    with pytest.raises(RefusedError) as refused:
        kubepki.import_bundle(made.to_yaml(), CONFIG, key=KEY, role="worker", rootfs=second)
    assert refused.value.code == "bundle.not_for_workers"
    kubepki.apply(kubepki.plan(CONFIG, certificates=["ca"], kubeconfigs=(), rootfs=second))
    with pytest.raises(FindingError) as blocked:
        kubepki.import_bundle(made.to_yaml(), CONFIG, key=KEY, rootfs=second)
    assert blocked.value.code == "plan.blocked"
