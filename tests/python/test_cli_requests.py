"""`certs generate-csr` and `certs sign` as processes, beside the real openssl and requests that others made."""

from __future__ import annotations

import json
import re
import shutil
import stat
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type  # the one way to choose a string type

import kubepki
from trees import GOLDEN, KUBECONFIGS, LEAVES, make_tree, run
from trees import kubepki as command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONFIG = GOLDEN / "ecdsa-p256" / "config.yaml"
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `pki` folder of the CAs' machine; RSA."""
    return make_tree(tmp_path_factory.mktemp("cas"), "minimal") / "pki"


@pytest.fixture(scope="module")
def requests_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("requests")
    done = command("certs", "generate-csr", "--config", CONFIG, "--out-dir", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def requests(requests_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(requests_once, tmp_path / "requests")


def sign(*arguments: str | Path, ca_dir: Path) -> tuple[int, str, str]:
    known: list[str] = [] if "--nodes" in arguments else ["--role", "control-plane", "--node-name", "cp1"]
    done = command("certs", "sign", "--ca-dir", ca_dir, *known, *arguments)
    return done.returncode, done.stdout, done.stderr


def authority_of(base: str, authorities: Path) -> Path:
    return authorities / f"{LEAVES.get(base, 'ca')}.crt"


def assert_verifies(certificate: Path, ca: Path) -> None:
    done = run("openssl", "verify", "-x509_strict", "-CAfile", ca, certificate)
    assert done.returncode == 0, done.stderr


def test_it_prints_what_kubeadm_prints(tmp_path: Path) -> None:
    done = command(
        "certs",
        "generate-csr",
        "--config",
        CONFIG,
        "--cert-dir",
        "/csr/pki",
        "--kubeconfig-dir",
        "/csr",
        "--rootfs",
        tmp_path,
    )
    golden = (GOLDEN / "ecdsa-p256/stdout/generate-csr.txt").read_text().split("---")[0]
    assert sorted(done.stdout.splitlines()) == sorted(golden.splitlines())
    headings = ["generating keys and CSRs in /csr/pki", "generating keys and CSRs in /csr"]
    assert [line for line in done.stdout.splitlines() if not line.startswith(" ")] == headings
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_file()} == {0o600}
    assert "PRIVATE KEY" not in done.stdout + done.stderr


def test_twice_is_refused_with_every_file_named(requests: Path) -> None:
    before = snapshot(requests)
    done = command("certs", "generate-csr", "--config", CONFIG, "--out-dir", requests)
    assert done.returncode == 1
    assert "[file.exists]" in done.stderr
    assert done.stderr.count("\n  path: ") == 24
    assert done.stderr.endswith("nothing was changed: 24 critical findings\n")
    assert snapshot(requests) == before
    again = command("certs", "generate-csr", "--config", CONFIG, "--out-dir", requests, "--reuse-keys", "--with-usages")
    assert again.returncode == 0
    changed = {name for name, content in snapshot(requests).items() if before[name] != content}
    assert changed == {name for name in before if name.endswith(".csr")}


def test_a_dry_run_and_wrong_words(tmp_path: Path) -> None:
    done = command("certs", "generate-csr", "admin", "etcd-peer", "--config", CONFIG, "--rootfs", tmp_path, "--dry-run")
    assert [line.split()[:2] for line in done.stdout.splitlines()[1:]] == [
        ["etcd-peer", "request"],
        ["admin.conf", "request"],
    ]
    assert done.stderr == "dry run: nothing was changed; 2 would be made\n"
    assert not list(tmp_path.iterdir())
    for words, code in (
        (["ca"], "plan.unknown_name"),
        (["--role", "master"], "cli.usage"),
        (["--keep-key"], "plan.bad_request"),
    ):
        done = command("certs", "generate-csr", *words, "--rootfs", tmp_path)
        assert (done.returncode, done.stderr.splitlines()[-1]) == (2, f"  code: {code}")


@needs_openssl
def test_openssl_reads_and_signs_ours_with_the_documented_script(requests: Path, authorities: Path) -> None:
    for path in sorted(requests.rglob("*.csr")):
        read = run("openssl", "req", "-in", path, "-noout", "-verify")
        assert read.returncode == 0, read.stderr
        base = str(path.relative_to(requests).with_suffix("")).removeprefix("pki/")
        ca = authority_of(base, authorities)
        certificate = path.with_suffix(".crt")
        script: list[str | Path] = [
            "openssl",
            "x509",
            "-req",
            "-in",
            path,
            "-CA",
            ca,
            "-CAkey",
            ca.with_suffix(".key"),
            "-days",
            "30",
        ]
        signed = run(
            *script,
            "-copy_extensions",
            "copy",
            "-CAserial",
            requests / "ca.srl",
            "-CAcreateserial",
            "-out",
            certificate,
        )
        assert signed.returncode == 0, signed.stderr
        assert_verifies(certificate, ca)


@needs_openssl
def test_everything_is_signed_and_verifies(requests: Path, authorities: Path) -> None:
    status, text, talk = sign("--csr-dir", requests, "--config", CONFIG, "--days", "90", ca_dir=authorities)
    assert status == 0, talk
    assert talk.startswith("signed 12: ")
    certificates = sorted(requests.rglob("*.crt"))
    assert len(certificates) == 12
    assert all(str(path) in text for path in certificates)
    for path in certificates:
        base = str(path.relative_to(requests).with_suffix("")).removeprefix("pki/")
        assert_verifies(path, authority_of(base, authorities))
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
    server = x509.load_pem_x509_certificate((requests / "pki/etcd/server.crt").read_bytes())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    assert 89 <= (server.not_valid_after_utc - server.not_valid_before_utc).days <= 90

    status, _, talk = sign("--csr-dir", requests, ca_dir=authorities)
    assert (status, talk) == (0, "nothing to do: every request is signed already\n")


def test_masters_under_the_kubelets_name_are_refused_with_every_reason(requests: Path, authorities: Path) -> None:
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 (weak on purpose)
    name = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "system:masters"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, "system:node:cp1"),
        ]
    )
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("evil")]), critical=False)
    builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
    request = builder.sign(key, hashes.SHA256())
    (requests / "kubelet.conf.csr").write_bytes(request.public_bytes(Encoding.PEM))
    before = snapshot(requests)
    status, _, talk = sign("--csr-dir", requests, ca_dir=authorities)
    assert status == 4
    assert re.findall(r"\[(request\.\w+)\]", talk) == [
        "request.weak_key",
        "request.other_subject",
        "request.other_names",
        "request.certificate_authority",
        "request.other_extensions",
    ]
    assert snapshot(requests) == before

    status, text, talk = sign("--csr-dir", requests, "--partial", "-o", "json", ca_dir=authorities)
    assert status == 5
    data = json.loads(text)
    assert len(data["report"]["changed"]) == 11
    assert talk.endswith("not signed 1: kubelet.conf\n")
    assert {finding["severity"] for finding in data["plan"]["findings"]} == {"warning"}


@pytest.mark.parametrize("lack", ["all", "key", "damaged", "other key"])
def test_partly_what_another_ca_signs_is_signed(lack: str, requests: Path, authorities: Path, tmp_path: Path) -> None:
    cas = shutil.copytree(authorities, tmp_path / "cas")
    if lack == "all":
        shutil.rmtree(cas / "etcd")
    elif lack == "key":
        (cas / "etcd/ca.key").unlink()
    elif lack == "damaged":
        (cas / "etcd/ca.key").write_text("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n")
    else:
        shutil.copy(cas / "ca.key", cas / "etcd/ca.key")
    before = snapshot(requests)
    status, _, talk = sign("--csr-dir", requests, ca_dir=cas)
    assert (status, snapshot(requests)) == (1, before), talk
    status, _, talk = sign("--csr-dir", requests, "--partial", ca_dir=cas)
    assert (status, "critical: " in talk) == (5, False), talk
    assert "warning: etcd-ca: " in talk
    signed = {str(path.relative_to(requests)) for path in requests.rglob("*.crt")}
    assert signed == {
        "pki/apiserver.crt",
        "pki/apiserver-kubelet-client.crt",
        "pki/front-proxy-client.crt",
        *(f"{name}.crt" for name in KUBECONFIGS),
    }
    # A second run has signed all that can be, and it is not done: the rest waits still.
    assert sign("--csr-dir", requests, "--partial", ca_dir=cas)[0] == 5
    # Without anything to sign nothing is done partly.
    for path in requests.rglob("*"):
        if path.is_file() and "etcd" not in str(path.relative_to(requests)):
            path.unlink()
    status, _, talk = sign("--csr-dir", requests, "--partial", ca_dir=cas)
    assert (status, "critical: etcd-ca" in talk) == (1, True), talk


def answer(csr: str, name: str, authorities: Path, config: Path | None = None) -> kubepki.SignedCertificate:
    return kubepki.sign_csr(
        csr,
        name=name,
        ca_cert=authorities / "ca.crt",
        ca_key=authorities / "ca.key",
        config=config,
        role="control-plane",
        node_name="cp1",
    )


def pyca_request(*names: x509.GeneralName, kind: _ASN1Type | None = None) -> x509.CertificateSigningRequestBuilder:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "system:kube-scheduler", _type=kind)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder


# What makes a key, what signs with it, and the one reason why that is refused.
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Digest = hashes.SHA224 | hashes.SHA256 | hashes.SHA512
FOREIGN: dict[str, tuple[Callable[[], Key], Digest | None, str | None]] = {
    "rsa-2048": (lambda: rsa.generate_private_key(65537, 2048), hashes.SHA256(), None),
    "rsa-sha512": (lambda: rsa.generate_private_key(65537, 2048), hashes.SHA512(), None),
    "p256": (lambda: ec.generate_private_key(ec.SECP256R1()), hashes.SHA256(), None),
    "p384-sha256": (lambda: ec.generate_private_key(ec.SECP384R1()), hashes.SHA256(), None),
    "p521": (lambda: ec.generate_private_key(ec.SECP521R1()), hashes.SHA512(), None),
    "p224": (lambda: ec.generate_private_key(ec.SECP224R1()), hashes.SHA256(), "request.weak_key"),
    "secp256k1": (lambda: ec.generate_private_key(ec.SECP256K1()), hashes.SHA256(), "request.weak_key"),
    "ed25519": (ed25519.Ed25519PrivateKey.generate, None, "request.weak_key"),
    "sha224": (lambda: rsa.generate_private_key(65537, 2048), hashes.SHA224(), "request.signature"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_keys_and_signatures_of_pyca(name: str, authorities: Path) -> None:
    make, algorithm, refused = FOREIGN[name]
    key = make()
    request = pyca_request().sign(key, algorithm).public_bytes(Encoding.PEM).decode()
    if refused is None:
        signed = answer(request, "scheduler.conf", authorities)
        certificate = x509.load_pem_x509_certificate(str(signed).encode())
        assert certificate.public_key() == key.public_key()
        authority = x509.load_pem_x509_certificate((authorities / "ca.crt").read_bytes())
        certificate.verify_directly_issued_by(authority)
        assert signed.serial is not None
        assert int(signed.serial, 16) == certificate.serial_number
    else:
        with pytest.raises(kubepki.RefusedError) as caught:
            answer(request, "scheduler.conf", authorities)
        assert [finding["code"] for finding in caught.value.context["findings"]] == [refused]


def test_odd_attributes_and_strings_of_pyca(authorities: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())

    def signed(builder: x509.CertificateSigningRequestBuilder) -> kubepki.SignedCertificate:
        csr = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
        return answer(csr, "scheduler.conf", authorities)

    # A challenge password asks for no extension; it is never copied. Two kinds of strings say the same.
    password = pyca_request().add_attribute(x509.oid.AttributeOID.CHALLENGE_PASSWORD, b"secret")
    assert "secret" not in str(signed(password))
    for kind in (_ASN1Type.UTF8String, _ASN1Type.PrintableString):
        assert signed(pyca_request(kind=kind)).subject == "CN=system:kube-scheduler"
    # A T61 or BMP string could be read in more than one way.
    for builder in (
        pyca_request(kind=_ASN1Type.T61String),
        pyca_request(kind=_ASN1Type.BMPString),
        pyca_request(x509.RFC822Name("a@example")),
        pyca_request(x509.UniformResourceIdentifier("spiffe://x")),
        pyca_request(x509.RegisteredID(x509.ObjectIdentifier("1.2.3"))),
    ):
        with pytest.raises(kubepki.RefusedError):
            signed(builder)


def test_folders_of_many_nodes_and_a_request_in_the_wrong_one(tmp_path: Path, authorities: Path) -> None:
    folders, nodes = tmp_path / "requests", tmp_path / "nodes.yaml"
    for host, names in (("cp1", ["apiserver", "admin.conf", "kubelet.conf"]), ("w1", ["kubelet.conf"])):
        done = command(
            "certs", "generate-csr", *names, "--config", CONFIG, "--node-name", host, "--out-dir", folders / host
        )
        assert done.returncode == 0, done.stderr
    nodes.write_text("cp1: {role: control-plane}\nw1: {role: worker}\nw2: {role: worker}\n")
    status, _, talk = sign("--csr-dir", folders, "--nodes", nodes, ca_dir=authorities)
    assert (status, talk.splitlines()[0][:9]) == (0, "signed 4:"), talk

    # The request of w1 in the folder of w2; then the whole of cp1 in that of a worker.
    (folders / "w2").mkdir()
    stolen = folders / "w2/kubelet.conf.csr"
    shutil.copy(folders / "w1/kubelet.conf.csr", stolen)
    status, _, talk = sign("--csr-dir", folders, "--nodes", nodes, ca_dir=authorities)
    assert status == 4
    assert re.findall(r"critical: kubelet.conf: .*CN=system:node:w2,.*\[(\S+)\]", talk) == ["request.other_subject"]
    stolen.unlink()
    shutil.copytree(folders / "cp1", folders / "w2", dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.crt"))
    status, _, talk = sign("--csr-dir", folders, "--nodes", nodes, ca_dir=authorities)
    assert status == 4
    refused = dict(re.findall(r"critical: (\S+): .*\[(request\.other\S+)\]", talk))
    assert refused == {
        "apiserver": "request.other_role",
        "admin.conf": "request.other_role",
        "kubelet.conf": "request.other_subject",
    }
    assert not list((folders / "w2").rglob("*.crt"))

    entries = {"cp1": {"role": "control-plane"}, "w1": {"role": "worker"}, "w2": {"role": "worker"}}
    assert kubepki.plan_sign(folders, nodes=entries, ca_dir=authorities).is_blocked
    shutil.rmtree(folders / "w2")
    assert kubepki.plan_sign(folders, nodes=entries, ca_dir=authorities).is_empty
    assert kubepki.plan_sign(folders, nodes=nodes, ca_dir=authorities).is_empty
    with pytest.raises(TypeError, match="`nodes`"):
        kubepki.plan_sign(folders, nodes=["cp1"], ca_dir=authorities)  # type: ignore[arg-type]


def test_nobody_says_which_node_it_is(requests: Path, authorities: Path) -> None:
    done = command("certs", "sign", "--ca-dir", authorities, "--csr-dir", requests)
    assert done.returncode == 4
    assert set(re.findall(r"\[(request\.\w+)\]", done.stderr)) == {"request.unknown_node"}
    assert done.stderr.count("[request.unknown_node]") == 12
    assert "--role control-plane" in done.stderr
    assert "--node-name NAME" in done.stderr
    assert not list(requests.rglob("*.crt"))


@needs_openssl
def test_requests_of_openssl(tmp_path: Path, authorities: Path) -> None:
    key = tmp_path / "key"
    new: list[str | Path] = [
        "openssl",
        "req",
        "-new",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-384",
        "-nodes",
        "-keyout",
        key,
    ]
    made = run(*new, "-subj", "/CN=kube-apiserver", "-out", tmp_path / "bare.csr")
    assert made.returncode == 0, made.stderr
    status, _, talk = sign(f"apiserver={tmp_path}/bare.csr", ca_dir=authorities)
    assert status == 4
    assert "request.missing_names" in talk
    names = "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:cp1,IP:192.0.2.1"
    made = run(
        *new, "-subj", "/CN=kube-apiserver", "-addext", f"subjectAltName={names}",
        "-addext", "keyUsage=critical,digitalSignature", "-addext", "extendedKeyUsage=serverAuth",
        "-out", tmp_path / "whole.csr",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    status, _, talk = sign(f"apiserver={tmp_path}/whole.csr", "--out-dir", tmp_path / "out", ca_dir=authorities)
    assert status == 0, talk
    shown = run("openssl", "x509", "-in", tmp_path / "out/apiserver.crt", "-noout", "-ext", "subjectAltName,keyUsage")
    # Without a version the newest rule holds: only RSA keys encipher.
    assert "Digital Signature\n" in shown.stdout
    assert "IP Address:192.0.2.1" in shown.stdout
    assert_verifies(tmp_path / "out/apiserver.crt", authorities / "ca.crt")


@needs_openssl
def test_openssl_and_kubepki_count_in_one_file(tmp_path: Path, authorities: Path) -> None:
    numbers = tmp_path / "ca.srl"
    key = ec.generate_private_key(ec.SECP256R1())
    request = tmp_path / "scheduler.conf.csr"
    request.write_bytes(pyca_request().sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    ca: list[str | Path] = ["-CA", authorities / "ca.crt", "-CAkey", authorities / "ca.key"]

    def with_openssl() -> int:
        out = tmp_path / "by-openssl.crt"
        done = run("openssl", "x509", "-req", "-in", request, *ca, "-CAserial", numbers, "-CAcreateserial", "-out", out)
        assert done.returncode == 0, done.stderr
        return x509.load_pem_x509_certificate(out.read_bytes()).serial_number

    def with_kubepki() -> int:
        status, _, talk = sign(request, "--force", "--ca-serial", numbers, ca_dir=authorities)
        assert status == 0, talk
        return x509.load_pem_x509_certificate((tmp_path / "scheduler.conf.crt").read_bytes()).serial_number

    first = with_openssl()
    assert [with_kubepki(), with_kubepki(), with_openssl(), with_kubepki()] == [first + step for step in (1, 2, 3, 4)]
    assert int(numbers.read_text(), 16) == first + 4
    numbers.unlink()
    begun = with_kubepki()
    assert with_openssl() == begun + 1


def test_a_policy_file_with_a_typing_error_signs_nothing(requests: Path, authorities: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("certificates:\n  kubelet.conf:\n    comonNames: ['system:node:w-*']\n")
    status, text, talk = sign("--csr-dir", requests, "--policy", policy, ca_dir=authorities)
    assert (status, text) == (2, "")
    assert "line 3 column 5: unknown field `comonNames`" in talk
    assert talk.endswith("  code: policy.invalid\n")
    policy.write_text("certificates:\n  kubelet.conf:\n    commonNames: ['system:node:w-*']\n")
    status, _, talk = sign("--csr-dir", requests, "--policy", policy, ca_dir=authorities)
    assert status == 4
    assert re.findall(r"critical: (\S+): .*\[(\S+)\]", talk) == [("kubelet.conf", "request.other_subject")]


def test_words_of_sign(tmp_path: Path, authorities: Path, requests: Path) -> None:
    admin = requests / "admin.conf.csr"
    for words, status, code in (
        ([], 2, "cli.usage"),
        (["--csr-dir", tmp_path / "none"], 3, "store.missing"),
        ([f"admin.conf={admin}", admin], 2, "cli.usage"),
        ([f"admin.conf={admin}", f"admin.conf={admin}"], 2, "cli.usage"),
        ([admin, "--days", "0"], 2, "cli.duration"),
        ([admin, "--days", "3", "--validity", "3d"], 2, "cli.usage"),
        ([admin, "--ca-serial", "x", "--srl"], 2, "cli.usage"),
        ([admin, "--role", "admin"], 2, "cli.usage"),
        ([admin, "--nodes", tmp_path / "none"], 3, "store.missing"),
    ):
        done = sign(*words, ca_dir=authorities)
        assert (done[0], done[2].splitlines()[-1]) == (status, f"  code: {code}"), words
    status, text, talk = sign(admin, "--dry-run", ca_dir=authorities)
    assert (status, talk) == (0, "dry run: nothing was changed; 1 would be signed\n")
    assert "create" in text
    assert not admin.with_suffix(".crt").exists()


def test_a_ca_without_its_key_ends_with_1(requests: Path, authorities: Path, tmp_path: Path) -> None:
    keyless = shutil.copytree(authorities, tmp_path / "keyless")
    (keyless / "ca.key").unlink()
    status, _, talk = sign("--csr-dir", requests, ca_dir=keyless)
    assert status == 1
    assert "critical: ca: the CA's key is not there, so it cannot sign here [file.missing]" in talk
    assert not list(requests.rglob("*.crt"))


def test_the_way_of_a_node_through_the_api(tmp_path: Path, authorities: Path) -> None:
    planned = kubepki.plan_generate_csr(CONFIG, names=["apiserver", "admin.conf"], out_dir="/csr", rootfs=tmp_path)
    assert kubepki.Plan.from_dict(planned.to_dict()) == planned
    report = kubepki.apply(planned)
    assert [(each.name, each.action) for each in report.changed] == [
        ("apiserver", kubepki.Action.REQUEST),
        ("admin.conf", kubepki.Action.REQUEST),
    ]
    signing = kubepki.plan_sign(tmp_path / "csr", ca_dir=authorities, config=CONFIG, role="control-plane")
    assert [each.issuer for each in signing.changes] == ["ca", "ca"]
    kubepki.apply(signing)
    assert sorted(path.name for path in tmp_path.rglob("*.crt")) == ["admin.conf.crt", "apiserver.crt"]
    assert kubepki.plan_sign(tmp_path / "csr", ca_dir=authorities, config=CONFIG, role="control-plane").is_empty

    csr = (tmp_path / "csr/pki/apiserver.csr").read_text()
    signed = answer(csr, "apiserver", authorities, CONFIG)
    assert signed == kubepki.SignedCertificate.from_dict(signed.to_dict())
    assert str(signed).startswith("-----BEGIN CERTIFICATE-----\n")
    assert "DNS:kubernetes" in signed.subject_alt_names
    with pytest.raises(kubepki.RefusedError) as caught:
        answer(csr, "kubelet.conf", authorities)
    assert caught.value.code == "policy.refused"
    with pytest.raises(kubepki.RefusedError):
        kubepki.apply(
            kubepki.plan_sign(
                files={"kubelet.conf": tmp_path / "csr/pki/apiserver.csr"}, ca_dir=authorities, node_name="cp1"
            )
        )


def test_the_kubeconfigs_beside_requests_are_kubeconfigs(requests: Path) -> None:
    assert {path.name for path in requests.glob("*.conf")} == set(KUBECONFIGS)
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    for path in requests.glob("*.conf"):
        shown = run("kubectl", "config", "view", "--kubeconfig", path, "--minify", "-o", "json")
        assert shown.returncode == 0, shown.stderr
        assert "client-key-data" in json.loads(shown.stdout)["users"][0]["user"]


def test_only_what_is_lacking_is_asked_for_and_what_waits_is_shown(tmp_path: Path) -> None:
    lacking = (
        "certs",
        "generate-csr",
        "--config",
        CONFIG,
        "--rootfs",
        tmp_path,
        "--only-lacking",
        "--renew-before",
        "30d",
    )
    first = command(*lacking)
    assert first.returncode == 0, first.stderr
    before = snapshot(tmp_path)
    second = command(*lacking)
    assert (second.returncode, snapshot(tmp_path)) == (0, before)
    assert second.stdout.count("waiting for its signature") == len(LEAVES) + len(KUBECONFIGS)
    assert "nothing to do" in second.stderr

    planned = kubepki.plan_generate_csr(CONFIG, only_lacking=True, rootfs=tmp_path)
    assert planned.is_empty
    for artefact in planned.artefacts:
        assert artefact.action is kubepki.Action.WAIT
        assert artefact.request_path is not None
        assert artefact.request_pem == (tmp_path / artefact.request_path.relative_to("/")).read_text()
    both = command(*lacking, "--renew")
    assert (both.returncode, "--only-lacking keeps" in both.stderr) == (2, True), both.stderr
    with pytest.raises(kubepki.ConfigurationError, match="renew-before is for"):
        kubepki.plan_generate_csr(CONFIG, renew_before=timedelta(days=1), rootfs=tmp_path)


def test_a_signature_is_made_again_before_it_ends(requests: Path, authorities: Path) -> None:
    assert sign("--csr-dir", requests, "--validity", "60d", ca_dir=authorities)[0] == 0
    before = snapshot(requests)
    again = ("--csr-dir", requests, "--validity", "90d", "--renew-before")
    assert sign(*again, "30d", ca_dir=authorities)[0] == 0
    assert snapshot(requests) == before
    status, shown, _ = sign(*again, "61d", ca_dir=authorities)
    assert (status, shown.count("signed again: the certificate ends on")) == (0, 12)
    changed = {name for name, content in snapshot(requests).items() if before[name] != content}
    assert len(changed) == 12
    assert all(name.endswith(".crt") for name in changed)
    assert sign(*again, "90d", ca_dir=authorities)[0] == 2


@needs_openssl
def test_keys_behind_a_passphrase_sign_and_stay_behind_it(requests: Path, authorities: Path, tmp_path: Path) -> None:
    cas = shutil.copytree(authorities, tmp_path / "cas")
    for key in cas.rglob("*ca.key"):
        run("openssl", "pkcs8", "-topk8", "-passout", "pass:open sesame", "-in", key, "-out", f"{key}.p8")
        shutil.move(f"{key}.p8", key)
    before = snapshot(cas)
    status, _, talk = sign("--csr-dir", requests, ca_dir=cas)
    assert (status, "key.encrypted" in talk, "--ca-key-passphrase-file" in talk) == (1, True, True), talk
    secret = tmp_path / "passphrase"
    secret.write_text("open says me\n")
    status, _, talk = sign("--csr-dir", requests, "--ca-key-passphrase-file", secret, ca_dir=cas)
    assert (status, "key.wrong_passphrase" in talk) == (1, True), talk
    secret.write_text("open sesame\n")
    status, _, talk = sign("--csr-dir", requests, "--ca-key-passphrase-file", secret, ca_dir=cas)
    assert status == 0, talk
    assert snapshot(cas) == before
    assert_verifies(requests / "pki/apiserver.crt", cas / "ca.crt")
