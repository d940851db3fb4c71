"""A whole cluster's PKI: kubepki against the openssl command line, pyca/cryptography and Go doing the same 16 keys.

The 16 keys are 3 CAs, 7 leaves, `sa` and 5 kubeconfigs; 15 certificates are signed. All write their files.
"""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import kubepki
from measure import report, side_by_side

CONFIGS = Path(__file__).parent.parent / "golden"
# How many certificates each CA signs: with the CAs themselves 15.
LEAVES = {"ca": 7, "front-proxy-ca": 1, "etcd-ca": 4}


def with_kubepki(config: Path) -> None:
    """As a script does it: plan and apply."""
    with tempfile.TemporaryDirectory() as rootfs:
        kubepki.apply(kubepki.plan(config, rootfs=rootfs))


def with_kubepki_process(config: Path) -> None:
    """As a shell does it: one process."""
    with tempfile.TemporaryDirectory() as rootfs:
        command = [sys.executable, "-m", "kubepki", "init", "--config", str(config), "--rootfs", rootfs]
        subprocess.run(command, check=True, capture_output=True)


def with_openssl(kind: str) -> None:
    """As the documented scripts do it: a process for each key and for each certificate."""
    algorithm = ["rsa:2048"] if kind == "RSA-2048" else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    with tempfile.TemporaryDirectory() as folder:

        def openssl(*arguments: str) -> None:
            subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)

        for ca, leaves in LEAVES.items():
            new = ["req", "-nodes", "-newkey", *algorithm]
            openssl(*new, "-x509", "-days", "3650", "-subj", f"/CN={ca}", "-keyout", f"{ca}.key", "-out", f"{ca}.crt")
            for leaf in range(leaves):
                name = f"{ca}-{leaf}"
                openssl(*new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
                signer = ["-CA", f"{ca}.crt", "-CAkey", f"{ca}.key", "-CAcreateserial", "-days", "365"]
                openssl("x509", "-req", "-in", f"{name}.csr", *signer, "-out", f"{name}.crt")
        if kind == "RSA-2048":
            openssl("genrsa", "-out", "sa.key", "2048")
        else:
            openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "sa.key")


def with_pyca(kind: str) -> None:
    """As a Python program does it without kubepki: one process, one key after the other."""
    now = dt.datetime.now(dt.timezone.utc)

    def new_key() -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
        return rsa.generate_private_key(65537, 2048) if kind == "RSA-2048" else ec.generate_private_key(ec.SECP256R1())

    with tempfile.TemporaryDirectory() as folder:

        def write(name: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
            Path(folder, f"{name}.key").write_bytes(pem)

        def certify(name: str, issuer: str, signer: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None) -> object:
            key = new_key()
            subject, issued_by = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, n)]) for n in (name, issuer))
            builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issued_by)
            builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
            builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=365))
            builder = builder.add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
            certificate = builder.sign(signer or key, hashes.SHA256())
            Path(folder, f"{name}.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
            write(name, key)
            return key

        for ca, leaves in LEAVES.items():
            signer = certify(ca, ca, None)
            for leaf in range(leaves):
                certify(f"{ca}-{leaf}", ca, signer)  # type: ignore[arg-type]
        write("sa", new_key())


def go_program(folder: str) -> list[str]:
    """Build what stands for kubeadm, once; without a Go toolchain there is no such contestant."""
    if shutil.which("go") is None:
        return []
    program = str(Path(folder, "cluster"))
    subprocess.run(["go", "build", "-o", program, str(Path(__file__).with_name("cluster.go"))], check=True)
    return [program]


def with_go(program: list[str], kind: str) -> None:
    """As kubeadm does it: one process, one key after the other."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*program, folder, kind], check=True)


def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as folder:
        compare(go_program(folder))


def compare(program: list[str]) -> None:
    """Measure, with Go's program if there is one."""
    for kind, case, rounds in (("RSA-2048", "minimal", 15), ("ECDSA-P256", "ecdsa-p256", 15)):
        config = CONFIGS / case / "config.yaml"
        contestants = {
            "kubepki, from Python": lambda config=config: with_kubepki(config),
            "`kubepki init`, a process": lambda config=config: with_kubepki_process(config),
            "openssl, a process a step": lambda kind=kind: with_openssl(kind),
            "pyca/cryptography, from Python": lambda kind=kind: with_pyca(kind),
        }
        if program:
            contestants["Go, as kubeadm: a process"] = lambda kind=kind: with_go(program, kind)
        medians = side_by_side(contestants, rounds)
        report(f"A cluster's PKI: 16 {kind} keys, 15 certificates", medians, "kubepki, from Python")


if __name__ == "__main__":
    main()
