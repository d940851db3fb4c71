"""Every file of examples/ used for what it is for, and the Python of the documentation; its links lead somewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from trees import KUBECONFIGS, LEAVES, SEARCH_PATH, kubepki, run

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
CONFIGURATIONS = sorted(
    path.relative_to(EXAMPLES).as_posix()
    for path in EXAMPLES.rglob("*.yaml")
    if path.parent.name not in {"kubernetes", "monitoring"}
)
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md"))
)
AUTHORITIES = ("ca", "front-proxy-ca", "etcd/ca")
ETCD_FILES = ("pki/etcd/ca.crt", "pki/apiserver-etcd-client.crt", "pki/apiserver-etcd-client.key")


def pairs(*bases: str) -> set[str]:
    return {f"pki/{base}.{ending}" for base in bases for ending in ("crt", "key")}


CONTROL_PLANE = pairs(*AUTHORITIES, *LEAVES) | {"pki/sa.key", "pki/sa.pub"} | set(KUBECONFIGS)
SHARED = pairs(*AUTHORITIES) | {"pki/sa.key", "pki/sa.pub"}


def files(kubernetes: Path) -> set[str]:
    return {path.relative_to(kubernetes).as_posix() for path in kubernetes.rglob("*") if path.is_file()}


def init(example: str, rootfs: Path) -> subprocess.CompletedProcess[str]:
    rootfs.mkdir(exist_ok=True)
    return kubepki("init", "--config", EXAMPLES / example, "--rootfs", rootfs)


def made(example: str, rootfs: Path) -> Path:
    """Make what an example describes; return its `/etc/kubernetes`, which `kubepki check` finds nothing wrong with."""
    done = init(example, rootfs)
    assert done.returncode == 0, done.stderr
    checked = kubepki("check", "--config", EXAMPLES / example, "--rootfs", rootfs)
    assert checked.returncode == 0, checked.stdout
    return rootfs / "etc/kubernetes"


def hand_over(names: set[str], source: Path, target: Path) -> None:
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, target / name)


def assert_chains(kubernetes: Path) -> None:
    """Have openssl verify every leaf that is there, if openssl is there."""
    if not shutil.which("openssl"):
        return
    for leaf, authority in LEAVES.items():
        certificate = kubernetes / "pki" / f"{leaf}.crt"
        if certificate.exists():
            verified = run("openssl", "verify", "-CAfile", kubernetes / "pki" / f"{authority}.crt", certificate)
            assert verified.returncode == 0, verified.stderr


@pytest.mark.parametrize("example", CONFIGURATIONS)
def test_every_configuration_is_valid_without_a_warning(example: str) -> None:
    done = kubepki("config", "validate", "--config", EXAMPLES / example)
    assert (done.returncode, done.stdout) == (0, f"{EXAMPLES / example}: ok\n")


@pytest.mark.parametrize("example", ["single-node.yaml", "dual-stack.yaml", "ha/first.yaml"])
def test_a_first_control_plane_node(example: str, tmp_path: Path) -> None:
    kubernetes = made(example, tmp_path)
    assert files(kubernetes) == CONTROL_PLANE
    assert_chains(kubernetes)
    again = init(example, tmp_path)
    assert (again.returncode, again.stderr) == (0, "nothing to do: everything is there\n")


@pytest.mark.parametrize("example", ["ha/second.yaml", "ha/third.yaml"])
def test_a_further_control_plane_node_needs_the_shared_files(example: str, tmp_path: Path) -> None:
    first = made("ha/first.yaml", tmp_path / "first")
    refused = init(example, tmp_path / "next")
    assert refused.returncode == 1
    assert refused.stderr.count("[shared.missing]") == len({*AUTHORITIES, "sa"})
    assert files(tmp_path / "next") == set()

    kubernetes = tmp_path / "next/etc/kubernetes"
    hand_over(SHARED, first, kubernetes)
    assert made(example, tmp_path / "next") == kubernetes
    assert files(kubernetes) == CONTROL_PLANE - {"super-admin.conf"}
    assert_chains(kubernetes)
    for name in SHARED:
        assert (kubernetes / name).read_bytes() == (first / name).read_bytes()


def test_a_worker_gets_its_kubeconfig_from_where_the_ca_is(tmp_path: Path) -> None:
    first = made("ha/first.yaml", tmp_path / "first")
    worker = tmp_path / "worker/etc/kubernetes"
    hand_over({"pki/ca.crt"}, first, worker)
    refused = init("worker.yaml", tmp_path / "worker")
    assert refused.returncode == 1
    assert "subject CN=system:node:worker1,O=system:nodes" in refused.stderr
    assert "[authority.external_incomplete]" in refused.stderr

    hand_over({"pki/ca.key"}, first, worker)
    assert init("worker.yaml", tmp_path / "worker").returncode == 0
    (worker / "pki/ca.key").unlink()
    assert files(worker) == {"kubelet.conf", "pki/ca.crt"}
    assert "server: https://api.example.test:6443\n" in (worker / "kubelet.conf").read_text()
    assert kubepki("check", "--rootfs", tmp_path / "worker").returncode == 0


def test_an_external_etcd_keeps_what_its_owner_handed_over(tmp_path: Path) -> None:
    owner = made("single-node.yaml", tmp_path / "owner")
    kubernetes = tmp_path / "node/etc/kubernetes"
    hand_over(set(ETCD_FILES), owner, kubernetes)
    made("external-etcd.yaml", tmp_path / "node")
    own = {"ca", "front-proxy-ca", *(leaf for leaf, authority in LEAVES.items() if authority != "etcd/ca")}
    assert files(kubernetes) == pairs(*own) | {"pki/sa.key", "pki/sa.pub", *KUBECONFIGS, *ETCD_FILES}
    for name in ETCD_FILES:
        assert (kubernetes / name).read_bytes() == (owner / name).read_bytes()
    assert_chains(kubernetes)


def provision(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, EXAMPLES / "provision.py", *arguments)


def test_the_script_shows_then_makes_then_has_nothing_to_do(tmp_path: Path) -> None:
    arguments = (EXAMPLES / "single-node.yaml", "--rootfs", tmp_path)
    shown = provision(*arguments)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.splitlines()[1].split() == ["create", "apiserver", "missing"]
    assert files(tmp_path) == set()

    applied = provision(*arguments, "--apply")
    assert (applied.returncode, applied.stderr) == (0, "")
    assert applied.stdout.count("made ") == 16
    assert applied.stdout.endswith("OK: 15 certificates, 0 findings\n")
    assert files(tmp_path / "etc/kubernetes") == CONTROL_PLANE

    again = provision(*arguments, "--apply")
    assert (again.returncode, again.stdout.count("made ")) == (0, 0)


def test_the_script_ends_as_the_command_line_would(tmp_path: Path) -> None:
    blocked = provision(EXAMPLES / "ha/second.yaml", "--rootfs", tmp_path, "--apply")
    assert blocked.returncode == 1
    assert f"remedy: restore `{tmp_path}/etc/kubernetes/pki/sa.key` and `" in blocked.stderr
    absent = provision(tmp_path / "absent.yaml")
    assert absent.returncode == 3
    assert absent.stderr.endswith("code: store.missing\n")
    broken = tmp_path / "broken.yaml"
    broken.write_text("apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nclustername: x\n")
    invalid = provision(broken)
    assert invalid.returncode == 2
    assert 'unknown field "clustername"' in invalid.stderr


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no sh")
def test_the_demo_twice(tmp_path: Path) -> None:
    if shutil.which("kubepki", path=SEARCH_PATH) is None:
        pytest.skip("kubepki is not installed as a command")

    def demo() -> subprocess.CompletedProcess[str]:
        command = ["sh", str(EXAMPLES / "demo.sh"), str(tmp_path / "demo")]
        environment = {**os.environ, "PATH": SEARCH_PATH}
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)

    first = demo()
    assert first.returncode == 0, first.stderr
    assert "OK: 15 certificates" in first.stdout
    assert "-rw-------         ca.key\n" in first.stdout
    kubernetes = tmp_path / "demo/etc/kubernetes"
    before = {name: (kubernetes / name).read_bytes() for name in files(kubernetes)}
    assert set(before) == CONTROL_PLANE
    assert_chains(kubernetes)

    second = demo()
    assert second.returncode == 0, second.stderr
    assert "nothing to do" in second.stderr
    assert {name: (kubernetes / name).read_bytes() for name in files(kubernetes)} == before


@pytest.mark.parametrize("signer", ["openssl", "kubepki"])
def test_the_road_of_an_external_ca(signer: str, tmp_path: Path) -> None:
    if not all(shutil.which(program, path=SEARCH_PATH) for program in ("sh", "tar", "openssl", "kubepki")):
        pytest.skip("sh, tar, openssl or the command kubepki is missing")
    if kubepki("certs", "generate-csr", "--help").returncode != 0:
        pytest.skip("this kubepki makes no requests")
    command = ["sh", str(EXAMPLES / "external-ca/external-ca.sh"), str(tmp_path / "road"), signer]
    environment = {**os.environ, "PATH": SEARCH_PATH}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    assert "OK: 15 certificates" in done.stdout
    report = done.stdout.split("$ kubepki certs check-expiration")[1]
    assert [line.split()[-1] for line in report.splitlines() if " UTC " in line] == ["yes"] * 14
    kubernetes = tmp_path / "road/node/etc/kubernetes"
    assert files(kubernetes) == CONTROL_PLANE - {f"pki/{authority}.key" for authority in AUTHORITIES}
    assert_chains(kubernetes)
    again = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
    assert (again.returncode, "is there already" in again.stderr) == (2, True)


@pytest.mark.parametrize("page", ["README.md", "docs/guides/python.md"])
def test_the_python_of_a_page_runs(page: str, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(EXAMPLES)
    shutil.copy(EXAMPLES / "single-node.yaml", tmp_path / "kubeadm.yaml")
    for rootfs in ("demo", "node"):
        (tmp_path / rootfs).mkdir()
    program = tmp_path / "program.py"
    program.write_text("\n".join(re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)))
    done = subprocess.run(
        [sys.executable, program], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "apiserver-kubelet-client" in done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    path = ROOT / page
    targets = re.findall(r"\]\(([^)\s]+)\)", path.read_text())
    local = [target for target in targets if not target.startswith("https://")]
    assert [target for target in local if not leads_somewhere(path, target)] == []


def leads_somewhere(page: Path, target: str) -> bool:
    """Whether the file is there, and the heading in it, as code hosts name headings."""
    name, _, anchor = target.partition("#")
    path = page.parent / name if name else page
    if not path.exists() or not anchor:
        return path.exists()
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
