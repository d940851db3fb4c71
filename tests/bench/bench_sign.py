"""1,000 signing requests of kubelets: kubepki against the shell loop over openssl of the kubeadm documentation.

An RSA-2048 CA, an RSA-2048 key for each request. kubepki judges each request first, and makes every file durable; the
loop does neither.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

import kubepki
from measure import report, side_by_side

REQUESTS = 1_000
ROUNDS = 3
NODES = {f"worker-{number}": {"role": "worker"} for number in range(REQUESTS)}

# As in the documentation of kubeadm's external CA mode.
SCRIPT = """
for csr in "$1"/*.csr; do
    openssl x509 -req -in "$csr" -CA "$2/ca.crt" -CAkey "$2/ca.key" -CAcreateserial -out "${csr%.csr}.crt" -days 365
done
"""


def write_requests(folder: Path) -> None:
    """Write the requests of as many workers into one folder."""
    folder.mkdir()
    for number in range(REQUESTS):
        parts = [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "system:nodes"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, f"system:node:worker-{number}"),
        ]
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(parts))
        request = builder.sign(rsa.generate_private_key(65537, 2048), hashes.SHA256())
        (folder / f"worker-{number}.kubelet.conf.csr").write_bytes(request.public_bytes(Encoding.PEM))


def with_openssl(requests: Path, authority: Path) -> None:
    """As the documentation does it: a process for each request."""
    subprocess.run(["sh", "-c", SCRIPT, "sh", str(requests), str(authority)], check=True, capture_output=True)


def with_kubepki(requests: Path, authority: Path) -> None:
    """As a script does it: plan and apply."""
    kubepki.apply(kubepki.plan_sign(requests, ca_dir=authority, nodes=NODES))


def with_kubepki_process(requests: Path, authority: Path) -> None:
    """As a shell does it: one process."""
    nodes = requests.parent / "nodes.json"
    nodes.write_text(json.dumps(NODES))
    command = [sys.executable, "-m", "kubepki", "certs", "sign", "--csr-dir", str(requests), "--ca-dir", str(authority)]
    subprocess.run([*command, "--nodes", str(nodes)], check=True, capture_output=True)


def in_memory(requests: Path, authority: Path) -> None:
    """As a controller does it that keeps certificates elsewhere: text in, text out, nothing written."""
    for path in requests.glob("*.csr"):
        ca = {"ca_cert": authority / "ca.crt", "ca_key": authority / "ca.key"}
        node = path.name.partition(".")[0]
        kubepki.sign_csr(path.read_text(), name="kubelet.conf", role="worker", node_name=node, **ca)  # type: ignore[arg-type]


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        requests, authority = Path(folder, "requests"), Path(folder, "ca")
        kubepki.apply(kubepki.plan(node_name="cp1", certificates=["ca"], kubeconfigs=(), certificates_dir=authority))
        write_requests(requests)
        contestants = {
            "kubepki, from Python": with_kubepki,
            "`kubepki certs sign`, a process": with_kubepki_process,
            "`sign_csr`, request by request, nothing written": in_memory,
            "openssl, a process a request": with_openssl,
        }

        # A folder for each run, made before its time is taken: to delete what the run before has signed would
        # slow down whoever makes files next, as file systems are slow to use again what has just been freed.
        runs = [Path(folder, f"run-{number}") for number in range(len(contestants) * ROUNDS)]
        for run in runs:
            shutil.copytree(requests, run)
        ready = iter(runs)
        timed = {name: (lambda work=work: work(next(ready), authority)) for name, work in contestants.items()}
        medians = side_by_side(timed, ROUNDS)
        signed = [len(list(run.glob("*.crt"))) for run in runs]
        assert sorted(signed) == [0] * ROUNDS + [REQUESTS] * (3 * ROUNDS)
        report(f"{REQUESTS:,} signing requests, an RSA-2048 CA", medians, "kubepki, from Python")


if __name__ == "__main__":
    main()
