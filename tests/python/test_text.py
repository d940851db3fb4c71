"""What comes from outside is printable before it reaches a terminal, a log or a page."""

from __future__ import annotations

import json
import os
import unicodedata
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

import kubepki
from kubepki import _core
from playbooks import ANSIBLE, play
from trees import PROGRAM

if TYPE_CHECKING:
    from pathlib import Path

# Clears a screen, ends a line, sets a title, turns the direction of text, hides, ends a paragraph.
HOSTILE = "evil\x1b[2J\nOK: all\r\x07\x1b]0;t\x9b\u202egpj\u2066\u200b\u2028\x7f"
# Of the names of a certificate, which are ASCII.
HOSTILE_NAME = 'evil\x1b[2J\nOK: all\r\x07", DNS:kubernetes\x7f'


def unprintable(text: str) -> set[str]:
    """Return the characters that no output may have: all that is no letter, sign or space, but for the line's end."""
    return {each for each in text if each != "\n" and unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp")}


def kubepki_bytes(*arguments: str | bytes | Path) -> str:
    """Run the command; what it prints on both streams must be printable."""
    import subprocess

    done = subprocess.run(
        [*PROGRAM, *map(os.fsencode, arguments)],
        capture_output=True,
        check=False,
        timeout=120,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    text = (done.stdout + done.stderr).decode()
    assert unprintable(text) == set(), ascii(text)
    assert "Traceback" not in text, text
    return text


def name(common_name: str, organization: str | None = None) -> x509.Name:
    attributes = [x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)]
    if organization:
        attributes.append(x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def hostile_certificate(kubernetes: Path, base_name: str = "apiserver", authority: str = "ca") -> None:
    """Put a certificate with hostile names, which the node's CA signed, in the place of one of kubepki's."""
    pki = kubernetes / "pki"
    signer = serialization.load_pem_private_key((pki / f"{authority}.key").read_bytes(), None)
    issuer = x509.load_pem_x509_certificate((pki / f"{authority}.crt").read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(timezone.utc)
    names = [
        x509.DNSName(HOSTILE_NAME),
        x509.RFC822Name("a\x1b[31m@example"),
        x509.DNSName("*.apps.example"),
    ]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name(HOSTILE[:60], HOSTILE[:60]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=3))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(signer, hashes.SHA256())  # type: ignore[arg-type]
    )
    (pki / f"{base_name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (pki / f"{base_name}.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """Return the root folder of a node whose API server has a hostile certificate."""
    root = tmp_path / "node"
    root.mkdir()
    made = kubepki.plan(node_name="cp1", rootfs=root, config_text=CONFIGURATION)
    kubepki.apply(made)
    hostile_certificate(root / "etc/kubernetes")
    return root


CONFIGURATION = """\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: 10.0.0.5
nodeRegistration:
  name: cp1
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
encryptionAlgorithm: ECDSA-P256
"""


@given(st.text())
def test_printable_text_is_one_line_that_nothing_obeys(text: str) -> None:
    shown = _core.printable(text)
    assert not any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in shown)
    assert not {*shown} & {*"\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"}
    assert _core.printable(shown) == shown


@given(st.text(st.characters(categories=("L", "N", "P", "S"))))
def test_letters_of_every_script_stay_as_they_are(text: str) -> None:
    invisible = "\u115f\u1160\u3164\uffa0"
    assert _core.printable(text) == text or set(text) & set(invisible)


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("certs", "check-expiration"),
        ("certs", "renew", "all", "--dry-run"),
        ("certs", "renew", "all", "--diff"),
        ("certs", "renew", "apiserver", "--diff", "--remove-san", "kubernetes"),
        ("certs", "renew", "all"),
        ("init", "--dry-run"),
        ("certs", "init", "all", "--dry-run"),
        ("kubeconfig", "embed", "all", "--dry-run"),
        ("certs", "cleanup", "--dry-run"),
        ("bundle", "export", "--dry-run"),
        ("restart", "--dry-run"),
    ],
    ids=" ".join,
)
def test_names_of_a_certificate_do_not_reach_the_terminal(node: Path, arguments: tuple[str, ...]) -> None:
    for form in ((), ("-o", "json"), ("-o", "yaml")):
        kubepki_bytes(*arguments, *form, "--rootfs", node)


def test_a_name_shows_its_escapes_and_cannot_pass_for_two(node: Path) -> None:
    (node / "etc/kubernetes/pki/apiserver.crt").rename(node / "apiserver.crt")
    (seen,) = kubepki.read_certificates(node / "apiserver.crt")
    assert seen.certificates[0].subject_alt_names == (
        r'DNS:"evil\x1b[2J\nOK: all\r\x07\", DNS:kubernetes\x7f"',
        r'email:"a\x1b[31m@example"',
        "DNS:*.apps.example",
    )
    assert unprintable(seen.certificates[0].subject) == set()


def test_file_names_do_not_reach_the_terminal(node: Path, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    good = (node / "etc/kubernetes/pki/apiserver.crt").read_bytes()
    for file, content in {
        b"a\x1b[2J\nb.crt": good,
        b"c\xff.crt": good,
        "d\u202e.crt".encode(): b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"e\x1b[2J\nf.csr": b"nonsense\x1b[2J",
        b"g\x07.conf": b"kind: Config\nclusters: \x1b[2J\n",
    }.items():
        path = os.path.join(os.fsencode(folder), file)  # noqa: PTH118 (bytes that are not UTF-8)
        with open(path, "wb") as opened:  # noqa: PTH123
            opened.write(content)
    pki = node / "etc/kubernetes/pki"
    for arguments in (
        ("check", "--rootfs", node, folder),
        ("certs", "import", folder, "--rootfs", node, "--dry-run"),
        ("certs", "sign", "--csr-dir", folder, "--ca-dir", pki, "--out-dir", tmp_path / "signed", "--dry-run"),
    ):
        for form in ((), ("-o", "json")):
            kubepki_bytes(*arguments, *form)


def test_configurations_kubeconfigs_and_manifests_do_not_reach_the_terminal(node: Path, tmp_path: Path) -> None:
    config = tmp_path / "kubeadm\x1b[2J.yaml"
    config.write_text(
        'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nclusterName: "a\\e[2J\\nb"\n'
        'certificatesDir: "x\\u202e"\n"f\\e[2J\\n": 1\n'
    )
    kubepki_bytes("config", "validate", config)
    kubepki_bytes("config", "validate", config, "-o", "json")
    admin = node / "etc/kubernetes/admin.conf"
    for old, new in (("kubernetes-admin", "x\\e[2J\\ny"), ("https://", "ftp\\e[2J://")):
        admin.write_text(admin.read_text().replace(old, new))
    admin.write_text('"x\\e[2J\\u202e": "y"\n' + admin.read_text())
    manifests = node / "etc/kubernetes/manifests"
    manifests.mkdir()
    (manifests / "etcd.yaml").write_text('kind: "Pod\\e[2J"\nspec: {containers: [{command: ["etcd", "\\e[2J"]}]}\n')
    for arguments in (("check",), ("certs", "renew", "all", "--dry-run"), ("restart", "--dry-run")):
        kubepki_bytes(*arguments, "--rootfs", node)


def test_arguments_do_not_reach_the_terminal(node: Path) -> None:
    for arguments in (
        (HOSTILE.replace("\x00", ""),),
        ("check", HOSTILE),
        ("check", "--rootfs", f"/no\n{HOSTILE}"),
        ("check", "--config", f"/no\n{HOSTILE}"),
        ("certs", "renew", HOSTILE, "--rootfs", node),
        ("certs", "renew", "all", "--before", HOSTILE, "--rootfs", node),
        ("certs", "renew", "apiserver", "--add-san", HOSTILE, "--dry-run", "--rootfs", node),
        ("kubeconfig", "user", "--client-name", HOSTILE, "--dry-run", "--rootfs", node),
        ("backup", "show", HOSTILE, "--rootfs", node),
        ("restart", HOSTILE, "--rootfs", node),
        ("systemd", "install", "--on-calendar", HOSTILE, "--rootfs", node),
    ):
        kubepki_bytes(*arguments)


def test_an_error_is_printable_and_its_context_exact(tmp_path: Path) -> None:
    path = tmp_path / "no\x1b[2J\nsuch"
    with pytest.raises(kubepki.KubepkiError) as caught:
        kubepki.load_config(path)
    for text in (str(caught.value), caught.value.message, caught.value.hint, repr(caught.value)):
        assert unprintable(text) == set()
    assert "no\x1b[2J\nsuch" in json.dumps(caught.value.context).encode().decode("unicode_escape")


def test_several_problems_are_one_line_without_escapes(node: Path, tmp_path: Path) -> None:
    """A message is one line, and no line break is shown as an escape in it."""
    bad = tmp_path / "bad.yaml"
    bad.write_text("kind: ClusterConfiguration\napiVersion: kubeadm.k8s.io/v1beta4\nnope: 1\nnever: 2\n")
    with pytest.raises(kubepki.KubepkiError) as caught:
        kubepki.load_config(bad)
    assert len(caught.value.context["problems"]) > 1
    assert "; " in caught.value.message
    assert "\\n" not in str(caught.value)
    for authority in ("ca", "front-proxy-ca"):
        (node / f"etc/kubernetes/pki/{authority}.crt").write_text("no certificate")
    refused = kubepki_bytes("bundle", "export", "--rootfs", node)
    assert "2 critical findings: ca: " in refused
    assert "\\n" not in refused


def test_a_log_record_is_one_printable_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    odd = "/etc/odd\x1b[2J\nx"
    kubepki.apply(kubepki.plan(config_text=CONFIGURATION, rootfs=tmp_path, certificates_dir=odd))
    messages = [record.getMessage() for record in caplog.records]
    assert any("odd" in message for message in messages)
    assert [message for message in messages if unprintable(message) or "\n" in message] == []


# ---- the page of an audit ------------------------------------------------------------------------------------

MARKUP = "\"'><script>alert(1)</script>{{ 7 * 191 }}{% raw %}\x1b[2J\u202e"


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def answers() -> dict[str, Any]:
    """Return what hosts answer that mean no good, or do not know what they do."""
    certificate = {
        "name": MARKUP,
        "path": MARKUP,
        "subject": MARKUP,
        "issuer": MARKUP,
        "key": MARKUP,
        "not_after": MARKUP,
        "days_left": MARKUP,
        "is_ca": MARKUP,
        "expired": MARKUP,
    }
    finding = dict.fromkeys(("code", "severity", "subject", "path", "evidence", "remedy"), MARKUP)
    whole = {"status": "ok", "checked_at": MARKUP, "certificates": [certificate], "findings": [finding]}
    return {
        "whole": whole,
        "text": MARKUP,
        "number": 7,
        "list": [MARKUP],
        "failed": {"msg": MARKUP},
        "message-is-a-list": {"msg": [MARKUP]},
        "status-is-nonsense": {**whole, "status": MARKUP},
        "status-is-a-list": {**whole, "status": ["ok"]},
        "no-certificates": {"status": "ok", "findings": []},
        "certificates-are-text": {**whole, "certificates": MARKUP},
        "certificates-of-text": {**whole, "certificates": [MARKUP, None, certificate]},
        "empty-certificate": {**whole, "certificates": [{}, {"not_after": None, "days_left": 10**40}]},
        "findings-are-a-mapping": {**whole, "findings": {"a": MARKUP}},
        "huge": {**whole, "findings": [{"evidence": "x" * 10**6, "severity": "critical"}] * 50},
    }


def rendered(answer_of: dict[str, Any], folder: Path) -> tuple[str, dict[str, Any]]:
    """Let the role's own tasks make the page and the JSON file of these answers."""
    hosts = {host: {"ansible_connection": "local", "audit_answer": f"answer-{host}.json"} for host in answer_of}
    for host, answer in answer_of.items():
        (folder / f"answer-{host}.json").write_text(json.dumps(answer))
    (folder / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts}}))
    tasks = [
        {
            "name": "Let every host answer as it likes",
            "ansible.builtin.set_fact": {"audit_seen": "{{ lookup('file', audit_answer) | from_json }}"},
        },
    ]
    import yaml

    from playbooks import COLLECTION

    role = yaml.safe_load((COLLECTION / "roles/audit/tasks/main.yml").read_text())
    defaults = yaml.safe_load((COLLECTION / "roles/audit/defaults/main.yml").read_text())
    page, data = folder / "page.html", folder / "report.json"
    variables = {**defaults, "audit_html": str(page), "audit_json": str(data), "audit_title": "Audit <1>"}
    steps = [each for each in role if "kubepki.kubeadm.certificate_info" not in each]
    play_of_it = [
        {
            "hosts": "all",
            "gather_facts": False,
            "vars": {**variables, "audit_fail_on": "never"},
            "tasks": [*tasks, *steps],
        }
    ]
    (folder / "play.yml").write_text(yaml.safe_dump(play_of_it))
    played = play(folder / "play.yml", folder / "home", "-i", folder / "hosts.yml")
    assert played.returncode == 0, played.output
    return page.read_text(), json.loads(data.read_text())


@pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is not installed")
def test_the_page_of_an_audit_escapes_every_field_and_survives_nonsense(tmp_path: Path) -> None:
    hosts = {f"{host}{number}": answer for number, (host, answer) in enumerate(answers().items())}
    html, report = rendered(hosts, tmp_path)
    page = _Page()
    page.feed(html)
    page.close()
    # The page has one script of its own, and its policy knows no other.
    assert page.tags.count("script") == 1
    assert not [each for each in page.attributes if "alert" in (each[1] or "") and each[0] != "datetime"]
    # What a host says is no template.
    assert "1337" not in html
    assert "{{ 7 * 191 }}" in page.text
    assert unprintable(html) == set()
    assert {each["host"] for each in report["hosts"]} == set(hosts)
    states = {each["host"].rstrip("0123456789"): each["status"] for each in report["hosts"]}
    assert states.pop("whole") == states.pop("huge") == states.pop("empty-certificate") == "ok"
    assert set(states.values()) == {"unknown"}
    assert len(html) < 2 * 10**6
