"""Metrics for Prometheus: names and labels of x509-certificate-exporter 4, as its readers and Prometheus' take them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from trees import kubepki, make_tree, run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.metrics_core import Metric

MONITORING = Path(__file__).parents[2] / "examples/monitoring"
PROMTOOL = shutil.which("promtool")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("node")
    make_tree(root, "minimal")
    return root


def families(text: str) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def samples(families: dict[str, Metric], name: str, **labels: str) -> list[float]:
    wanted = labels.items()
    return [one.value for one in families[name].samples if wanted <= one.labels.items()]


def accepted(text: str) -> None:
    """Hold it against Prometheus' own linter."""
    if PROMTOOL:
        done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        said = [line for line in done.stderr.splitlines() if "x509_" not in line]
        assert done.returncode in (0, 3), done.stderr
        assert said == [], done.stderr


def test_a_certificate_has_the_labels_of_the_exporter(node: Path) -> None:
    done = kubepki("check", "--rootfs", node, "-o", "prometheus")
    assert done.returncode == 0
    accepted(done.stdout)
    read = families(done.stdout)
    pki = node / "etc/kubernetes/pki"
    shown = run("openssl", "x509", "-in", pki / "apiserver.crt", "-noout", "-serial").stdout
    serial = str(int(shown.strip().removeprefix("serial="), 16))
    (one,) = [each for each in read["x509_cert_not_after"].samples if each.labels.get("serial_number") == serial]
    assert one.labels == {
        "serial_number": serial,
        "subject_CN": "kube-apiserver",
        "issuer_CN": "kubernetes",
        "filename": "apiserver.crt",
        "filepath": "/etc/kubernetes/pki/apiserver.crt",
    }
    (user,) = [each for each in read["x509_cert_not_after"].samples if each.labels["filename"] == "admin.conf"]
    assert (user.labels["embedded_kind"], user.labels["embedded_key"]) == ("user", "kubernetes-admin")
    assert user.labels["subject_O"] == "kubeadm:cluster-admins"
    assert set(samples(read, "x509_cert_expired")) == {0}
    assert samples(read, "kubepki_status") == [0]
    assert samples(read, "x509_source_up", source_kind="file") == [1]
    assert len(read["x509_cert_not_before"].samples) == len(read["x509_cert_not_after"].samples) == 15


def test_findings_and_files_that_cannot_be_used_are_counted(node: Path, tmp_path: Path) -> None:
    shutil.copytree(node, tmp_path / "n")
    (tmp_path / "n/etc/kubernetes/pki/apiserver.crt").write_text("nonsense")
    done = kubepki("check", "--rootfs", tmp_path / "n", "-o", "prometheus")
    assert done.returncode == 2
    accepted(done.stdout)
    read = families(done.stdout)
    assert samples(read, "kubepki_status") == [2]
    assert samples(read, "kubepki_findings", severity="critical") == [1]
    assert samples(read, "x509_cert_error", filepath="/etc/kubernetes/pki/apiserver.crt") == [1]
    assert sum(samples(read, "x509_source_errors")) == 1


def test_names_from_outside_stay_within_their_labels(tmp_path: Path) -> None:
    odd = 'a"b\\c\nd'
    folder = tmp_path / odd
    make_tree(folder, "minimal")
    done = kubepki("audit", folder, "-o", "prometheus")
    accepted(done.stdout)
    trees = {one.labels["tree"] for one in families(done.stdout)["x509_cert_not_after"].samples}
    assert trees == {str(folder)}


def test_the_file_for_the_node_exporter_is_replaced_as_a_whole(node: Path, tmp_path: Path) -> None:
    file = tmp_path / "kubepki.prom"
    for _ in range(2):
        done = kubepki("metrics", "--rootfs", node, "--textfile", file)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert file.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in tmp_path.glob("*.prom*")] == ["kubepki.prom"]
    shown = kubepki("metrics", "--rootfs", node)
    without_time = [
        [line for line in text.splitlines() if "last_run" not in line] for text in (file.read_text(), shown.stdout)
    ]
    assert without_time[0] == without_time[1]
    assert kubepki("metrics", "--rootfs", tmp_path / "gone").returncode == 3


def test_a_mistyped_name_replaces_nothing_and_makes_nothing(node: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.prom"
    other.write_text("a key\n")
    for name in (tmp_path / "kubepki.txt", tmp_path / "gone/kubepki.prom", other):
        done = kubepki("metrics", "--rootfs", node, "--textfile", name)
        assert done.returncode == 3, done.stderr
        assert "hint" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["other.prom"]
    assert other.read_text() == "a key\n"


def metrics_of(rules: Iterable[dict[str, str]]) -> str:
    return " ".join(rule["expr"] for rule in rules)


def test_the_alert_rules_are_those_of_the_exporter_and_prometheus_takes_them() -> None:
    rules = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"]
    names = [rule["alert"] for group in rules for rule in group["rules"]]
    exporters = {
        "SourceErrors",
        "SourceErrorsSustained",
        "SourceDown",
        "KubeTransportErrors",
        "KubeTransportErrorsSustained",
        "KeystorePassphraseFailures",
        "CertificateError",
        "CertificateRenewal",
        "CertificateExpiration",
        "CertificateNotYetValid",
        "CertificateCollision",
        "CRLNeedsRefresh",
        "CRLStale",
    }
    said = (MONITORING / "alerts.yaml").read_text()
    assert all(name in said for name in exporters)
    assert len(names) == len(set(names))
    if PROMTOOL:
        run(PROMTOOL, "check", "rules", MONITORING / "alerts.yaml")
        run(PROMTOOL, "test", "rules", MONITORING / "alerts_test.yaml")


def test_the_dashboard_asks_for_metrics_that_there_are(node: Path) -> None:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    asked = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", []))
    there = {
        one.split("{")[0].split()[0]
        for one in kubepki("check", "--rootfs", node, "-o", "prometheus").stdout.splitlines()
    }
    for name in ("x509_cert_not_after", "x509_cert_expired", "kubepki_status", "kubepki_last_run_timestamp_seconds"):
        assert name in asked
        assert name in there


def test_the_plugin_says_the_sum_first(tmp_path: Path) -> None:
    first = "OK: 1 certificate, the first to expire is ca (9d left)"
    program = tmp_path / "kubepki"
    program.write_text(f"#!/bin/sh\nprintf 'NAME  STATUS\\nca  ok\\n\\n{first}\\n'\n")
    program.chmod(0o755)
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["sh", MONITORING / "check_kubepki"], env=path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, first)
