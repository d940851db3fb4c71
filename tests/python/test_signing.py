"""Certificates that a signer of the cluster signs, before a strict stand-in for its API server: openssl signs."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import kubepki
from api_servers import Answer, ApiServer, api_server, status
from trees import PROGRAM, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
CONFIGURATION = """\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration: {name: cp1}
localAPIEndpoint: {advertiseAddress: 192.0.2.10}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.35.0
apiServer: {certSANs: [127.0.0.1]}
"""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiServer]:
    """Serve a cluster whose CA is in `tmp_path`."""
    (tmp_path / "kubeadm.yaml").write_text(CONFIGURATION)
    kubepki.apply(kubepki.plan(tmp_path / "kubeadm.yaml", rootfs=tmp_path))
    pki = tmp_path / "etc/kubernetes/pki"
    with api_server(pki) as serving:
        (tmp_path / "kubeconfig").write_text(serving.kubeconfig((pki / "ca.crt").read_text()))
        yield serving


class Signer:
    """Signs what is approved, whenever somebody looks at it; each part of what it signs can be spoilt."""

    def __init__(self, api: ApiServer, folder: Path, *, authority: str = "ca", is_apart: bool = False) -> None:
        """`is_apart` takes the CA's key away from the node."""
        self.api, self.folder = api, folder
        pki = folder / "etc/kubernetes/pki"
        self.certificate, self.key = pki / f"{authority}.crt", pki / f"{authority}.key"
        if is_apart:
            self.key = self.key.rename(folder / "apart.key")
        self.usages = "keyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=clientAuth\n"
        self.more: tuple[str, ...] = ()
        self.subject = ""
        # A day more than what is renewed by default: a second decides nothing.
        self.days = "91"
        self.certificate_text = b""
        self.seen: list[dict[str, Any]] = []
        api.trouble.append(self)

    def __call__(self, method: str, target: str) -> Answer | None:
        """Sign it if it may be signed."""
        there = self.api.objects.get(target)
        if method == "GET" and there and target.startswith(f"{CSRS}/") and "certificate" not in there["status"]:
            kinds = [one["type"] for one in there["status"].get("conditions", [])]
            if "Approved" in kinds:
                self.seen.append(there)
                there["status"]["certificate"] = base64.b64encode(self.sign(there["spec"]["request"])).decode()
        return None

    def sign(self, request: str) -> bytes:
        """Have openssl sign it."""
        if self.certificate_text:
            return self.certificate_text
        wanted = self.folder / "request.pem"
        wanted.write_bytes(base64.b64decode(request))
        if self.subject:
            public = self.folder / "public.pem"
            public.write_text(run("openssl", "req", "-in", wanted, "-pubkey", "-noout").stdout)
            other = ("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", str(self.folder / "other"))
            assert run(*other, "-subj", self.subject, "-out", wanted).returncode == 0
            self.more = ("-force_pubkey", str(public))
        (self.folder / "usages").write_text(self.usages)
        signed = run(
            *(
                "openssl",
                "x509",
                "-req",
                "-in",
                wanted,
                "-CA",
                self.certificate,
                "-CAkey",
                self.key,
                "-days",
                self.days,
            ),
            *("-extfile", self.folder / "usages"),
            *self.more,
        )
        assert signed.returncode == 0, signed
        return signed.stdout.encode()


def renew(folder: Path, *words: str, timeout: str = "20s") -> subprocess.CompletedProcess[str]:
    """Renew in the tree by the cluster's signers."""
    issuer = ("--issuer", "kubernetes", "--kubeconfig", folder / "kubeconfig", "--timeout", timeout)
    return run(*PROGRAM, "certs", "renew", *words, *issuer, "--rootfs", folder)


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of the node."""
    return {str(path): path.read_bytes() for path in sorted((folder / "etc").rglob("*")) if path.is_file()}


def failed(api: ApiServer, folder: Path, code: str, *words: str, timeout: str = "20s") -> str:
    """Renew admin.conf, which fails: nothing has changed, and no request is left. Return what was said."""
    before = contents(folder)
    done = renew(folder, "admin.conf", *words, timeout=timeout)
    assert f"code: {code}\n" in done.stderr, done
    assert contents(folder) == before
    assert list(api.objects) == []
    return done.stderr


def test_a_signer_signs_for_a_node_without_the_cas_key(api: ApiServer, tmp_path: Path) -> None:
    signer = Signer(api, tmp_path, is_apart=True)
    done = renew(tmp_path, "admin.conf", "scheduler.conf", "--approve", "--validity", "90d")
    assert done.returncode == 0, done
    report = kubepki.check_expiration(rootfs=tmp_path)
    left = {row.name: row.remaining.days for row in report.rows if row.remaining}
    assert {name for name, days in left.items() if 85 < days < 91} == {"admin.conf", "scheduler.conf"}
    assert (
        sorted(one["spec"]["usages"] for one in signer.seen)
        == [["digital signature", "key encipherment", "client auth"]] * 2
    )
    assert {one["spec"]["signerName"] for one in signer.seen} == {"kubernetes.io/kube-apiserver-client"}
    assert all(abs(one["spec"]["expirationSeconds"] - 90 * 86400) < 600 for one in signer.seen)
    assert list(api.objects) == []
    # Now nothing is due.
    again = renew(tmp_path, "admin.conf", "--approve", "--before", "30d")
    assert (again.returncode, "nothing to do" in again.stderr, list(api.objects)) == (0, True, []), again


def test_what_no_signer_makes_is_passed_over_with_the_reason(api: ApiServer, tmp_path: Path) -> None:
    Signer(api, tmp_path)
    before = contents(tmp_path)
    names = ("apiserver", "apiserver-etcd-client", "etcd-server", "front-proxy-client", "super-admin.conf")
    done = renew(tmp_path, *names, "--approve")
    assert done.returncode == 1, done
    for why in ("never signs for the group system:masters", "stands under etcd-ca", "stands under front-proxy-ca"):
        assert why in done.stderr
    assert f"not renewed: {', '.join(names)}" in done.stderr
    assert (contents(tmp_path), api.requests) == (before, [])


def answer_once(method: str, end: str, answer: Answer) -> Callable[[str, str], Answer | None]:
    """Return trouble at the first such request."""
    return lambda made, target: answer if (made, target.endswith(end)) == (method, True) else None


def test_a_busy_server_and_a_change_at_the_same_moment_are_waited_out(api: ApiServer, tmp_path: Path) -> None:
    Signer(api, tmp_path)
    busy: Answer = (429, {"Retry-After": "1"}, status(429, "TooManyRequests", "busy"))
    api.trouble.append(answer_once("POST", "certificatesigningrequests", busy))
    api.trouble.append(answer_once("PUT", "/approval", (409, {}, status(409, "Conflict", "changed"))))
    done = renew(tmp_path, "admin.conf", "--approve", "--validity", "90d")
    assert done.returncode == 0, done
    assert sum(one.endswith("/approval") for one in api.requests) == 2


def decided(api: ApiServer, kind: str, message: str) -> Callable[[str, str], Answer | None]:
    """Return somebody who decides as soon as a request is looked at."""

    def decide(method: str, target: str) -> Answer | None:
        if method == "GET" and target in api.objects:
            condition = {"type": kind, "status": "True", "reason": "Policy", "message": message}
            api.objects[target]["status"] = {"conditions": [condition]}
        return None

    return decide


@pytest.mark.parametrize(("kind", "code"), [("Denied", "signer.denied"), ("Failed", "signer.failed")])
def test_a_decision_against_it_is_told_in_its_own_words(api: ApiServer, tmp_path: Path, kind: str, code: str) -> None:
    api.trouble.append(decided(api, kind, "not \x1b[31mtoday"))
    said = failed(api, tmp_path, code)
    assert "Policy: not" in said
    assert "\x1b" not in said


def test_nobody_approves(api: ApiServer, tmp_path: Path) -> None:
    said = failed(api, tmp_path, "signer.not_approved", timeout="1s")
    assert "a request waits to be approved: `kubectl certificate approve kubepki-admin-conf-" in said


def test_nobody_signs_and_the_events_say_why(api: ApiServer, tmp_path: Path) -> None:
    about = {"kind": "CertificateSigningRequest", "name": "any"}
    event = {
        "metadata": {"name": "e"},
        "involvedObject": about,
        "reason": "IssuerNotFound",
        "message": "no such issuer",
    }
    api.put("/api/v1/namespaces/default/events/e", event)
    before = contents(tmp_path)
    signer = ("--signer", "clusterissuers.cert-manager.io/etcd", "--approve")
    done = renew(tmp_path, "etcd-server", *signer, timeout="1s")
    assert "code: signer.not_signed" in done.stderr
    assert "IssuerNotFound: no such issuer" in done.stderr
    assert "ExperimentalCertificateSigningRequestControllers" in done.stderr
    assert (contents(tmp_path), list(api.objects)) == (before, ["/api/v1/namespaces/default/events/e"])


def test_cert_manager_is_asked_in_its_way_and_held_to_its_ca(api: ApiServer, tmp_path: Path) -> None:
    """For etcd, whose CA no controller manager has."""
    signer = Signer(api, tmp_path, authority="etcd/ca")
    signer.usages = "keyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth,clientAuth\n"
    signer.more = ("-copy_extensions", "copy")
    pki = tmp_path / "etc/kubernetes/pki"
    words = ("etcd-server", "--signer", "issuers.cert-manager.io/pki.etcd", "--approve", "--validity", "90d")
    before = contents(tmp_path)
    refused = renew(tmp_path, *words, "--issuer-ca", str(pki / "ca.crt"))
    assert "code: signer.other_authority" in refused.stderr, refused
    assert contents(tmp_path) == before
    done = renew(tmp_path, *words, "--issuer-ca", str(pki / "etcd/ca.crt"))
    assert done.returncode == 0, done
    assert signer.seen[-1]["metadata"]["annotations"]["experimental.cert-manager.io/request-duration"].endswith("s")
    assert signer.seen[-1]["spec"]["usages"] == ["digital signature", "key encipherment", "server auth", "client auth"]
    verified = run("openssl", "verify", "-CAfile", pki / "etcd/ca.crt", pki / "etcd/server.crt")
    assert verified.returncode == 0, verified


@pytest.mark.parametrize(
    ("spoilt", "code", "said"),
    [
        ("another subject", "signer.wrong_certificate", "its subject is"),
        ("another key", "signer.wrong_certificate", "it is for another key"),
        ("other usages", "signer.wrong_certificate", "its purposes are"),
        ("a CA's", "signer.wrong_certificate", "it is a CA's"),
        ("no certificate", "signer.wrong_certificate", "code: signer.wrong_certificate"),
        ("of another CA", "signer.untrusted", "unknown authority"),
    ],
)
def test_what_was_not_asked_for_is_never_installed(
    api: ApiServer, tmp_path: Path, spoilt: str, code: str, said: str
) -> None:
    signer = Signer(api, tmp_path, authority="etcd/ca" if spoilt == "of another CA" else "ca")
    if spoilt == "another subject":
        signer.subject = "/O=system:masters/CN=kubernetes-admin"
    elif spoilt == "another key":
        run("openssl", "genpkey", "-algorithm", "RSA", "-out", tmp_path / "other.key")
        run("openssl", "pkey", "-in", tmp_path / "other.key", "-pubout", "-out", tmp_path / "other.pub")
        signer.more = ("-force_pubkey", str(tmp_path / "other.pub"))
    elif spoilt == "other usages":
        signer.usages = "keyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth\n"
    elif spoilt == "a CA's":
        signer.usages += "basicConstraints=critical,CA:TRUE\n"
    elif spoilt == "no certificate":
        signer.certificate_text = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    # For less than is there: what the signer shortens of a whole year would be refused for that alone, a second later.
    assert said in failed(api, tmp_path, code, "--approve", "--validity", "90d")


def test_what_a_webhook_has_changed_is_not_approved(api: ApiServer, tmp_path: Path) -> None:
    """It would be signed, and whoever can read requests would have it."""

    def made(body: dict[str, Any]) -> dict[str, Any]:
        return {**body, "spec": {**body["spec"], "usages": ["client auth"]}}

    api.admits = made
    failed(api, tmp_path, "signer.altered", "--approve")
    assert not any(one.endswith("/approval") for one in api.requests)


def test_an_api_server_that_starts_again_is_waited_for(api: ApiServer, tmp_path: Path) -> None:
    Signer(api, tmp_path)
    failure: Answer = (500, {}, status(500, "InternalError", "etcd is not there"))
    looks = iter([failure])

    def fail_once(method: str, target: str) -> Answer | None:
        return next(looks, None) if method == "GET" and target.startswith(f"{CSRS}/") else None

    api.trouble.append(fail_once)
    done = renew(tmp_path, "admin.conf", "--approve", "--validity", "90d")
    assert (done.returncode, "asked again" in done.stderr, list(api.objects)) == (0, True, []), done


def test_a_certificate_that_would_be_renewed_at_every_run_is_refused(api: ApiServer, tmp_path: Path) -> None:
    signer = Signer(api, tmp_path)
    before = contents(tmp_path)
    # The one that is there lasts for a year: a shorter one is no renewal, unless it is asked for.
    failed(api, tmp_path, "signer.too_short", "--approve", "--validity", "400d")
    assert contents(tmp_path) == before
    signer.days = "20"
    done = renew(tmp_path, "admin.conf", "--approve", "--validity", "30d")
    assert done.returncode == 0, done
    assert "made it valid until" in done.stderr
    again = renew(tmp_path, "admin.conf", "--approve", "--validity", "60d", "--before", "25d")
    assert "code: signer.too_short" in again.stderr, again


def test_a_users_file_that_cannot_be_written_is_known_before_anybody_is_asked(api: ApiServer, tmp_path: Path) -> None:
    (tmp_path / "jane.conf").write_text("there\n")
    words = ("kubeconfig", "user", "--client-name", "jane", "--issuer", "kubernetes", "--approve", "--rootfs", tmp_path)
    done = run(*PROGRAM, *words, "--kubeconfig", tmp_path / "kubeconfig", "--out", tmp_path / "jane.conf")
    assert (done.returncode, "code: output.exists" in done.stderr, api.requests) == (4, True, []), done


def test_the_kubeconfigs_of_another_disk_are_not_used(api: ApiServer, tmp_path: Path) -> None:
    """Its admin.conf could name a program to run."""
    elsewhere = {**os.environ, "HOME": str(tmp_path / "home")}
    elsewhere.pop("KUBECONFIG", None)
    words = ("certs", "renew", "scheduler.conf", "--issuer", "kubernetes", "--approve", "--rootfs", str(tmp_path))
    done = subprocess.run([*PROGRAM, *words], env=elsewhere, capture_output=True, text=True, check=False)
    assert "code: cluster.no_credentials" in done.stderr, done
    assert api.requests == []


def test_a_request_that_somebody_deletes(api: ApiServer, tmp_path: Path) -> None:
    def delete(method: str, target: str) -> Answer | None:
        if method == "GET":
            api.objects.pop(target, None)
        return None

    api.trouble.append(delete)
    failed(api, tmp_path, "signer.gone")


def test_whoever_may_not_ask_or_approve_is_told(api: ApiServer, tmp_path: Path) -> None:
    forbidden: Answer = (403, {}, status(403, "Forbidden", "may not"))
    api.trouble.append(answer_once("POST", "certificatesigningrequests", forbidden))
    failed(api, tmp_path, "cluster.forbidden", "--approve")
    api.trouble.append(answer_once("PUT", "/approval", forbidden))
    failed(api, tmp_path, "cluster.forbidden", "--approve")


def test_ctrl_c_deletes_the_request(api: ApiServer, tmp_path: Path) -> None:
    before = contents(tmp_path)
    words = ("certs", "renew", "admin.conf", "--issuer", "kubernetes", "--kubeconfig", tmp_path / "kubeconfig")
    command = [os.fspath(word) for word in (*PROGRAM, *words, "--rootfs", tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as asking:
        while not any(one.startswith(f"GET {CSRS}/") for one in api.requests):
            assert asking.poll() is None, asking.communicate()
            time.sleep(0.05)
        asking.send_signal(signal.SIGINT)
        _, error = asking.communicate(timeout=60)
    assert asking.returncode in {130, -signal.SIGINT}, error
    assert (contents(tmp_path), list(api.objects)) == (before, [])


def test_python_makes_a_person_a_kubeconfig_by_the_cluster(api: ApiServer, tmp_path: Path) -> None:
    Signer(api, tmp_path, is_apart=True)
    how: Any = {"issuer": "kubernetes", "approve": True, "kubeconfig": tmp_path / "kubeconfig", "rootfs": tmp_path}
    jane = kubepki.user_kubeconfig(
        "jane", organizations=["qa", "dev"], validity=timedelta(days=1), server="https://192.0.2.1:6443", **how
    )
    assert (jane.user, sorted(jane.organizations), list(api.objects)) == ("jane", ["dev", "qa"], [])
    (tmp_path / "jane.conf").write_text(jane.to_yaml() or "")
    assert run(*PROGRAM, "show", tmp_path / "jane.conf").returncode == 0
    with pytest.raises(kubepki.RefusedError, match="never signs for the group system:masters"):
        kubepki.user_kubeconfig("eve", organizations=["system:masters"], allow_masters=True, **how)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--approve",), "--approve is about the cluster"),
        (("--issuer", "kubernetes", "--keep-key"), "--keep-key keeps keys"),
        (("--issuer", "kubernetes", "--validity", "5m"), "ten minutes"),
        (("--issuer", "kubernetes", "--signer", "kubernetes.io/legacy-unknown"), "takes no requests"),
        (("--issuer", "kubernetes", "--timeout", "0s"), "--timeout"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_asked(
    api: ApiServer, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    done = run(*PROGRAM, "certs", "renew", "admin.conf", *words, "--rootfs", tmp_path)
    assert (done.returncode, said in done.stderr, api.requests) == (2, True, []), done
