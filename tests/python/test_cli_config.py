"""`config validate` as a process, and the help of every verb."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from trees import GOLDEN, PROGRAM, commands, kubepki, run

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
    # A certificate key is one line, in no other form, as kubeadm has it.
    assert ("--output" in done.stdout) == (words not in ("certs certificate-key", "completion"))
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


@pytest.mark.parametrize("data", ["yaml", "json", "fields"])
def test_the_data_of_a_config_map_is_taken_out_too(tmp_path: Path, data: str) -> None:
    inner = CONFIG.read_text()
    indented = "".join(f"  {line}\n" for line in inner.splitlines())
    text = {
        "json": json.dumps({"ClusterConfiguration": inner}),
        "fields": f"ClusterConfiguration: |\n{indented}",
        "yaml": "data:\n  ClusterConfiguration: |\n" + "".join(f"  {line}\n" for line in indented.splitlines()),
    }[data]
    dumped = tmp_path / "data"
    dumped.write_text(text)
    done = kubepki("config", "validate", "--config", dumped, "-o", "json")
    (problem,) = json.loads(done.stdout)["problems"]
    assert (done.returncode, problem["code"]) == (2, "config.config_map")
    if data != "json" and not shutil.which("kubectl"):
        pytest.skip("no kubectl that could run the command of the hint")
    subprocess.run(["bash", "-c", problem["hint"].split("`")[1]], check=True, cwd="/")
    assert Path(f"{dumped}.yaml").read_text().strip() == inner.strip()


def test_a_folder_and_a_pipe_are_no_configuration(tmp_path: Path) -> None:
    done = kubepki("config", "validate", "--config", tmp_path)
    assert done.returncode == 3
    assert f"name a file, as {tmp_path}/FILE" in done.stdout + done.stderr
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    done = kubepki("config", "validate", "--config", pipe)
    assert done.returncode == 3
    assert "to a file first" in done.stdout + done.stderr


def test_what_a_template_left_is_shown_with_its_place(tmp_path: Path) -> None:
    config = tmp_path / "kubeadm.yaml.j2"
    config.write_text(CONFIG.read_text() + "clusterName: {{ cluster_name }}\n")
    done = kubepki("config", "validate", "--config", config)
    assert done.returncode == 2
    assert f'{config}:10:14: "{{{{ cluster_name }}}}" is left over from a template' in done.stdout
    assert "render the template first" in done.stdout
