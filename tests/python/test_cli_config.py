"""`config validate` as a process, and the help of every verb."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from trees import GOLDEN, PROGRAM, commands, kubepki, run

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = GOLDEN / "ecdsa-p256" / "config.yaml"
HOSTILE = GOLDEN.parent / "hostile" / "cases"
CASES = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())


@pytest.mark.parametrize("case", CASES)
def test_what_kubeadm_took_is_valid(case: str) -> None:
    config = GOLDEN / case / "config.yaml"
    done = kubepki("config", "validate", "--config", config)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"{config}: ok\n")


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    config = tmp_path / "wrong.yaml"
    config.write_text(CONFIG.read_text().replace("ECDSA-P256", "ECDSA-P999") + "clusterNaem: x\n")
    return config


def test_every_problem_is_told_with_its_place_and_a_hint(wrong: Path) -> None:
    done = kubepki("config", "validate", "--config", wrong)
    assert (done.returncode, done.stderr) == (2, "")
    lines = done.stdout.splitlines()
    assert lines[-1] == f"{wrong}: not valid"
    problems = [line for line in lines if line.startswith("error: ")]
    assert [line.split(": ")[1] for line in problems] == [f"{wrong}:9:22", f"{wrong}:10:1"]
    assert "encryptionAlgorithm: " in problems[0]
    assert "clusterNaem: unknown field" in problems[1]
    assert "  hint: did you mean clusterName?" in lines


def test_problems_as_json(wrong: Path) -> None:
    done = kubepki("config", "validate", "--config", wrong, "-o", "json")
    assert done.returncode == 2
    data = json.loads(done.stdout)
    assert data["valid"] is False
    assert [(each["line"], each["field"]) for each in data["problems"]] == [
        (9, "encryptionAlgorithm"),
        (10, "clusterNaem"),
    ]


def test_leniency_makes_warnings_of_unknown_fields(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.read_text() + "clusterNaem: x\n")
    done = kubepki("config", "validate", "--config", config, "--lenient")
    assert done.returncode == 0
    assert done.stdout.startswith(f"warning: {config}:10:1: clusterNaem: ")
    assert done.stdout.endswith(f"{config}: ok\n")


def test_a_file_that_is_not_there_is_the_environments_failure(tmp_path: Path) -> None:
    done = kubepki("config", "validate", "--config", tmp_path / "absent.yaml")
    assert (done.returncode, done.stdout) == (3, "")
    assert "absent.yaml" in done.stderr


def test_a_configuration_must_be_named() -> None:
    done = kubepki("config", "validate")
    assert done.returncode == 2
    assert "--config" in done.stderr


@pytest.mark.parametrize("words", commands())
def test_the_help_of_every_verb(words: str) -> None:
    done = kubepki(*words.split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"usage: kubepki {words} " in done.stdout.replace("Usage:", "usage:")
    # A certificate key is one line, as kubeadm has it; metrics have their own form; nodes hand each other JSON; of what
    # is unused there is one sentence, or a refusal; a reservation says one word.
    one_form = ("certs certificate-key", "completion", "metrics", "rotate export", "rotate reserve", "rotate unused")
    assert ("--output" in done.stdout) == (words not in one_form)
    for flag in {
        "init": ("--dry-run", "--outlive-ca", "--rootfs", "--cert-dir", "--kubeconfig-dir", "--config", "--lenient"),
        "check": ("--warning", "--critical", "--kubelet-dir", "--rootfs"),
        "check-expiration": ("--kubeconfig ", "--cert-dir", "--config"),
        "validate": ("--config", "--lenient"),
    }.get(words.rsplit(maxsplit=1)[-1], ()):
        assert flag in done.stdout


def test_a_dumped_config_map_is_a_configuration(tmp_path: Path) -> None:
    dumped = tmp_path / "dumped by kubectl.yaml"
    shutil.copy(HOSTILE / "configmap" / "configmap.yaml", dumped)
    done = kubepki("config", "validate", "--config", dumped)
    assert done.returncode == 0, done.stdout + done.stderr
    node = ("--rootfs", tmp_path, "--node-name", "cp1")
    planned = kubepki("certs", "init", "apiserver", "--config", dumped, *node, "--dry-run", "-o", "json")
    assert "api.example.test" in planned.stdout
    words = ("certs", "init", "apiserver", "--config", "-", *node, "--dry-run", "-o", "json")
    by_pipe = run("sh", "-c", 'exec "$@" < "$0"', str(dumped), *PROGRAM, *words)
    assert "api.example.test" in by_pipe.stdout


def test_a_problem_in_a_dumped_config_map_names_its_place_within_it(tmp_path: Path) -> None:
    dumped = tmp_path / "dumped.yaml"
    inner = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nclusterNam: x\n"
    dumped.write_text(
        json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "data": {"ClusterConfiguration": inner}, "metadata": {}})
    )
    done = kubepki("config", "validate", "--config", dumped)
    assert done.returncode == 2
    assert f"{dumped}: data.ClusterConfiguration:3:1: clusterNam: unknown field" in done.stdout + done.stderr


def test_a_config_map_without_a_configuration_is_called_that(tmp_path: Path) -> None:
    dumped = tmp_path / "dumped.yaml"
    dumped.write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kubelet-config}\ndata: {kubelet: ''}\n")
    done = kubepki("config", "validate", "--config", dumped)
    assert done.returncode == 2
    assert 'this is the ConfigMap "kubelet-config", without ClusterConfiguration' in done.stdout + done.stderr
    assert "get configmap kubeadm-config" in done.stdout + done.stderr


@pytest.mark.parametrize("form", ["object", "data", "entry", "data in JSON", "list"])
def test_what_kubectl_prints_of_the_config_map_is_a_configuration_with_its_own_lines(tmp_path: Path, form: str) -> None:
    inner = CONFIG.read_text().rstrip("\n") + "\nclusterNam: x\n"

    def indented(by: int, text: str) -> str:
        return "".join(f"{' ' * by}{line}\n" for line in text.splitlines())

    entry = "ClusterConfiguration: |\n" + indented(2, inner)
    data = "data:\n" + indented(2, entry)
    object_ = f"apiVersion: v1\n{data}kind: ConfigMap\nmetadata:\n  name: kubeadm-config\n  namespace: kube-system\n"
    other = "- apiVersion: v1\n  data:\n    ca.crt: x\n  kind: ConfigMap\n  metadata:\n    name: kube-root-ca.crt\n"
    text = {
        "object": object_,
        "data": data,
        "entry": entry,
        "data in JSON": json.dumps({"ClusterConfiguration": inner}),
        "list": f"apiVersion: v1\nitems:\n{other}-{indented(2, object_)[1:]}{other}kind: List\n",
    }[form]
    dumped = tmp_path / "dumped"
    dumped.write_text(text)
    by_pipe = run("sh", "-c", 'exec "$@" < "$0"', str(dumped), *PROGRAM, "config", "validate", "--config", "-")
    by_file = kubepki("config", "validate", "--config", dumped)
    for done, name in [(by_file, str(dumped)), (by_pipe, "(stdin)")]:
        lines = (text if "JSON" not in form else inner).splitlines()
        line = next(number for number, line in enumerate(lines, 1) if "clusterNam:" in line)
        column = lines[line - 1].index("clusterNam") + 1
        place = f"{name}: ClusterConfiguration:" if "JSON" in form else f"{name}:"
        assert done.stdout.startswith(f"error: {place}{line}:{column}: clusterNam: unknown field"), done.stdout
        assert (done.returncode, done.stdout.splitlines()[-1]) == (2, f"{name}: not valid")
    dumped.write_text(text.replace("clusterNam:", "#"))
    good = kubepki("config", "validate", "--config", dumped)
    assert (good.returncode, good.stdout) == (0, f"{dumped}: ok\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x1f\x8b\x08\x00", "(stdin): this is compressed by gzip"),
        ("kind: ClusterConfiguration\n".encode("utf-16"), "(stdin):1: the text is UTF-16"),
        (b"a: b\nname: \xff\n", "(stdin):2: the text is not UTF-8"),
    ],
)
def test_bytes_on_stdin_that_are_no_text_are_called_what_they_are(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    words = ("config", "validate", "--config", "-")
    done = run("sh", "-c", 'exec "$@" < "$0"', str(file), *PROGRAM, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"error: {said}" in done.stderr


def test_a_timer_has_no_configuration_from_stdin(tmp_path: Path) -> None:
    done = kubepki("systemd", "install", "--config", "-", "--rootfs", tmp_path)
    assert (done.returncode, "name a file" in done.stderr) == (2, True)
