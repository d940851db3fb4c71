"""The native values: their stub, their words, how they are shown."""

from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import kubepki
import rotation_samples
import samples
import trees
from kubepki import _core

if TYPE_CHECKING:
    from enum import Enum

STUB = Path(kubepki.__file__).with_name("_core.pyi")
MARK = "# ---- values: written by `make reference`"
GOLDEN = Path(__file__).parent.parent / "golden"


def test_the_stub_says_of_the_values_what_is_declared() -> None:
    own, mark, rest = STUB.read_text().partition(MARK)
    line, _, written = rest.partition("\n")
    made = f"\n{_core.values_stub()}"
    if os.environ.get("KUBEPKI_WRITE_REFERENCE"):
        STUB.write_text(f"{own}{mark}{line}\n{made}")
    else:
        assert written == made, "it is stale: make reference"


@pytest.mark.parametrize("name", _core.enumeration_words())
def test_an_enumeration_has_the_words_of_the_core_in_its_order(name: str) -> None:
    words = [member.name.lower() if name == "Status" else member.value for member in getattr(kubepki, name)]
    assert words == _core.enumeration_words()[name]


def test_every_enumeration_is_held_against_the_core() -> None:
    from enum import Enum

    classes: list[type[Enum]] = [each for each in map(vars(kubepki).get, dir(kubepki)) if isinstance(each, type(Enum))]
    assert {each.__name__ for each in classes} <= {*_core.enumeration_words()}


def native_values(tmp_path: Path) -> list[Any]:
    """Return values of all native classes."""
    node = tmp_path / "node"
    folder = node / "etc/kubernetes/pki"
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes((GOLDEN / "minimal/kubernetes/pki/ca.crt").read_bytes())
    (folder / "front-proxy-ca.crt").write_text("junk")
    report = kubepki.check(rootfs=node)
    read = kubepki.read_certificates([folder / "ca.crt", "/absent"])
    probed = kubepki.probe(["127.0.0.1:1"])
    configuration = kubepki.load_config(config_text=UNKNOWN_FIELD, lenient=True)
    expiration = kubepki.check_expiration(rootfs=node)
    made = tmp_path / "made"
    made.mkdir()
    blank = kubepki.plan(node_name="x", certificates=["ca", "apiserver"], kubeconfigs=(), rootfs=made)
    done = kubepki.apply(blank)
    renewal = kubepki.plan_renew(["apiserver"], rootfs=made, add_sans=["one.example"])
    request = kubepki.plan_generate_csr(names=["apiserver"], node_name="x", rootfs=made, out_dir="/requests")
    kubepki.apply(request)
    pki = made / "etc/kubernetes/pki"
    signed = kubepki.sign_csr(
        next(made.rglob("apiserver.csr")).read_text(),
        name="apiserver",
        ca_cert=pki / "ca.crt",
        ca_key=pki / "ca.key",
        node_name="x",
        role="control-plane",
    )
    log = tmp_path / "audit.log"
    credential = {"authentication.kubernetes.io/credential-id": ["X509SHA256=" + "ab" * 32]}
    who = {"username": "eve", "extra": credential}
    event = {"stage": "Panic", "stageTimestamp": "2026-11-26T10:00:00.5Z", "sourceIPs": ["192.0.2.1"], "user": who}
    log.write_text(json.dumps(event))
    whole = tmp_path / "whole"
    whole.mkdir()
    kubepki.apply(kubepki.plan(node_name="y", rootfs=whole))
    access = kubepki.access(rootfs=whole, audit_log=log)
    (tree,) = kubepki.audit(made)
    # The same keys in another cluster.
    other = kubepki.TreeReport.from_dict({**tree.to_dict(), "path": "/other", "cluster": "other"})
    fleet = kubepki.fleet_report([tree, other])
    reason = {
        "code": "request.no_node",
        "severity": "critical",
        "subject": "csr-1",
        "evidence": "no node",
        "remedy": "none",
    }
    asked = {"name": "csr-1", "uid": "1", "username": "system:node:w1", "names": ["DNS:w1"], "outcome": "waits"}
    kubelets = kubepki.ServingReport.from_dict(
        {
            "reviewed_at": "2026-11-26T10:00:00Z",
            "server": "https://192.0.2.10:6443",
            "requests": [{**asked, "verdict": "leave", "reasons": [reason]}],
        }
    )
    setting = {"place": "/var/lib/kubelet/config.yaml", "says": "a: true", "before": "", "after": "a: true\n"}
    setup = kubepki.ServingSetup.from_dict(
        {
            "node": "w1",
            "server": None,
            "settings": [setting],
            "is_written": True,
            "backup": "/backups/1",
            "was_restarted": True,
            "request": {"state": "waits", "name": "csr-1", "names": ["DNS:w1"]},
        }
    )
    seen = {"name": "w1", "endpoint": "192.0.2.20:10250", "not_after": "2027-11-26T10:00:00Z", "problem": None}
    requirement = kubepki.ServingRequirement.from_dict(
        {
            "server": "https://192.0.2.10:6443",
            "authority": "/etc/kubernetes/pki/ca.crt",
            "nodes": [seen],
            "control_plane": ["cp1"],
            "settings": [setting],
            "is_written": False,
            "backup": None,
        }
    )
    signer = {"name": "kubernetes.io/kubelet-serving", "state": "disabled", "reason": "no flags", "has_own_pair": False}
    refused = {"code": "signer.not_signed", "message": "it did not sign", "hint": "look"}
    signers = kubepki.SignersReport.from_dict(
        {
            "looked_at": "2026-11-26T10:00:00Z",
            "signers": [{**signer, "probe": {"problem": refused}}],
            "findings": [],
            "warnings": [],
        }
    )
    uploaded = kubepki.UploadedBundle.from_dict(
        {
            "server": "https://192.0.2.10:6443",
            "secret": "kube-system/kubeadm-certs",
            "expires_at": "2026-11-26T12:00:00Z",
            "has_replaced": False,
        }
    )
    plans = [blank, renewal, request]
    artefacts = [artefact for plan in plans for artefact in plan.artefacts]
    return [
        *(report, *report.certificates, *report.findings),
        *(*read, read[1].problem),
        *(probed, *probed.endpoints),
        *(kubelets, *kubelets.requests),
        *(setup, *setup.settings, setup.request, requirement, *requirement.nodes),
        *(signers, *signers.signers, signers.signers[0].probe, uploaded),
        *rotation_samples.values(),
        *(access, *access.credentials, *access.unknown, access.unknown[0].used, access.log),
        *(fleet, fleet.counts, *fleet.trees, *fleet.findings),
        *(configuration, configuration.spec, *configuration.warnings),
        *(expiration, *expiration.rows),
        *(*plans, *artefacts, artefacts[0].files[0], done, *done.changed, signed),
        *samples.values(tmp_path / "operations"),
    ]


UNKNOWN_FIELD = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nodd: 1\n"
CLASSES = {name for name in _core.__all__ if hasattr(getattr(_core, name), "from_dict")}


def test_there_is_a_value_of_every_class(tmp_path: Path) -> None:
    assert {type(each).__name__ for each in native_values(tmp_path)} == CLASSES


def test_a_value_is_equal_to_its_copies(tmp_path: Path) -> None:
    values = native_values(tmp_path)
    for value in values:
        copies = [
            type(value).from_dict(value.to_dict()),
            type(value).from_dict(json.loads(json.dumps(value.to_dict()))),
            pickle.loads(pickle.dumps(value)),  # noqa: S301 (our own bytes)
            copy.copy(value),
            copy.deepcopy(value),
        ]
        for each in copies:
            assert (each, hash(each), str(each), repr(each)) == (value, hash(value), str(value), repr(value))
            assert each.to_dict() == value.to_dict()
    assert len(set(values)) > len(values) * 2 / 3


def test_what_a_report_warns_of_is_pickled_with_it() -> None:
    warned = kubepki.check_expiration(config_text=UNKNOWN_FIELD, lenient=True)
    assert len(warned.warnings) == 1
    assert pickle.loads(pickle.dumps(warned)) == warned  # noqa: S301 (our own bytes)


def test_a_value_is_matched_by_position_and_by_name(tmp_path: Path) -> None:
    for value in native_values(tmp_path):
        public = {name for name in dir(value) if not name.startswith("_") and not callable(getattr(value, name))}
        assert set(type(value).__match_args__) == public
    match kubepki.FileProblem.from_dict({"code": "a.b", "message": "bad", "hint": "mend"}):
        case kubepki.FileProblem("a.b", message, hint=hint):
            assert (message, hint) == ("bad", "mend")
        case _:
            pytest.fail("it does not match")


def test_a_value_is_shown_in_one_short_line(tmp_path: Path) -> None:
    for value in native_values(tmp_path):
        assert type(value).__module__ == "kubepki"
        assert repr(value).startswith(f"<{type(value).__name__} ")
        assert repr(value).endswith(">")
        assert len(repr(value)) < 120
        assert repr(value).isprintable()
    long = kubepki.FileProblem.from_dict({"code": "a.b", "message": "\x1b[31m" + "x" * 500, "hint": ""})
    assert len(repr(long)) < 120
    assert repr(long).isprintable()
    assert repr(kubepki.parse_certificates((GOLDEN / "minimal/kubernetes/pki/ca.crt").read_text())[0]) == (
        "<Certificate -, ends 2036-11-21>"
    )


def test_a_value_is_printed_in_lines_for_people(tmp_path: Path) -> None:
    for value in native_values(tmp_path):
        assert str(value) != repr(value)
        assert str(value).strip()
        assert str(value).replace("\n", "").isprintable()
    authority = kubepki.parse_certificates((GOLDEN / "minimal/kubernetes/pki/ca.crt").read_text())[0]
    assert str(authority) == (
        "-: RSA-2048, until 2036-11-21 10:06 UTC\n  subject: CN=kubernetes\n  names: DNS:kubernetes"
    )
    spec = str(kubepki.load_config(node_name="cp1").spec).splitlines()
    assert spec[:2] == ["role: control-plane", "node name: cp1"]
    assert "algorithm: RSA-2048" in spec


def test_a_report_of_a_check_is_printed_as_the_command_prints_it(tmp_path: Path) -> None:
    report, *_ = native_values(tmp_path)
    printed = trees.kubepki("check", "--rootfs", tmp_path / "node").stdout
    assert f"{report}\n" == printed


def test_a_notebook_shows_a_table_in_which_nothing_from_outside_is_markup(tmp_path: Path) -> None:
    # A report shows what it found (test_page.py).
    for value in (each for each in native_values(tmp_path) if not hasattr(each, "to_html")):
        html = value._repr_html_()
        assert html.startswith(f"<table><caption>{type(value).__name__}</caption><tr><th>")
        # What lists values has a table of its own in its cell.
        own = html.count("<tr><th>") - html.count("<thead>")
        assert own == len(type(value).__match_args__)
        assert html.replace("<br>", "").isprintable()
    problem = kubepki.FileProblem.from_dict({"code": "a.b", "message": "<script>'&\x1b", "hint": "one\ntwo"})
    assert "<td>&lt;script&gt;&#39;&amp;\\x1b</td>" in problem._repr_html_()
    file = kubepki.PlannedFile.from_dict({"path": "/one\n<b>two", "mode": 0o600})
    assert "<td>/one\\n&lt;b&gt;two</td>" in file._repr_html_()
    assert str(file) == "/one\\n<b>two"


def test_codes_that_are_declared_are_read_whatever_else_was() -> None:
    program = (
        "import kubepki\n"
        "read = lambda code: kubepki.FileProblem.from_dict({'code': code, 'message': '', 'hint': ''})\n"
        "for number in range(5000):\n"
        "    try: read(f'odd.code{number}')\n"
        "    except TypeError: break\n"
        "else: raise SystemExit('there is no limit')\n"
        "print(number, read('store.missing').code, read('config.unknown_field').code)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "4096 store.missing config.unknown_field\n"


def test_plain_data_that_is_no_value_is_a_type_error() -> None:
    for data in ({}, {"code": "a.b"}, {"code": "no code", "message": "", "hint": ""}, 5, None):
        with pytest.raises(TypeError):
            kubepki.FileProblem.from_dict(data)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        kubepki.FileProblem()


def test_plain_data_that_holds_itself_does_not_take_all_of_the_stack() -> None:
    within: list[object] = []
    within.append(within)
    with pytest.raises(TypeError, match="nested more than 64 deep"):
        kubepki.Finding.from_dict({"code": "file.missing", "evidence": within})
    with pytest.raises(kubepki.ConfigurationError, match="nested more than 64 deep") as caught:
        kubepki.Plan.from_dict({"request": {"within": within}})
    assert caught.value.code == "plan.bad"


def test_a_value_leaves_it_to_what_is_of_another_type_whether_they_are_equal(tmp_path: Path) -> None:
    from unittest import mock

    for value in native_values(tmp_path):
        assert (value == 1) is False
        assert (value == None) is False  # noqa: E711
        assert (value != 1) is True
        assert value == mock.ANY


def test_a_number_of_seconds_beyond_every_duration_is_an_error_of_python() -> None:
    data = kubepki.parse_certificates((GOLDEN / "minimal/kubernetes/pki/ca.crt").read_text())[0].to_dict()
    for seconds in (2**62, -(2**62), 10**14):
        with pytest.raises(OverflowError):
            kubepki.Certificate.from_dict({**data, "residual_seconds": seconds}).remaining  # noqa: B018


def test_a_value_is_not_changed_by_its_plain_data_and_has_no_other_attributes(tmp_path: Path) -> None:
    for value in native_values(tmp_path):
        before = value.to_dict()
        value.to_dict().clear()
        assert value.to_dict() == before
        assert value != before
        with pytest.raises(AttributeError):
            value.other = 1
        with pytest.raises(AttributeError):
            setattr(value, next(name for name in dir(value) if not name.startswith("_")), None)


def modules_after(program: str) -> set[str]:
    listing = "import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", f"{program}\n{listing}"], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_of_the_standard_library_but_what_it_needs() -> None:
    loaded = modules_after("import kubepki") - modules_after("")
    assert loaded == {"kubepki", "kubepki._core"}
    # Nor does the core, when it is called.
    assert "logging" not in modules_after("import kubepki; kubepki._core.certificate_key()")


@pytest.mark.parametrize("call", ["check_expiration()", "check()", "plan(node_name='x')", "plan_renew(['apiserver'])"])
def test_planning_and_checking_load_no_more_than_they_need(call: str, tmp_path: Path) -> None:
    call = call.replace(")", f", rootfs={str(tmp_path)!r})").replace("(, ", "(")
    loaded = modules_after(f"import kubepki; str(kubepki.{call})") - modules_after("")
    assert not loaded & {"dataclasses", "logging", "inspect", "json", "typing", "re"}


def test_a_class_and_the_errors_are_there_when_they_are_first_asked_for() -> None:
    program = (
        "import kubepki, kubepki._core as core, sys\n"
        "assert not {'Plan', 'Report'} & {*vars(core)} and {'Plan', 'KubepkiError'} <= {*dir(kubepki)}\n"
        "assert kubepki.Plan is core.Plan is vars(core)['Plan'] and 'Report' not in vars(core)\n"
        "assert 'kubepki.errors' not in sys.modules and kubepki.errors.KubepkiError is kubepki.KubepkiError\n"
        "for module in (kubepki, core):\n"
        "    try: module.Nothing\n"
        "    except AttributeError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert [line.partition(" has ")[2] for line in done.stdout.splitlines()] == ["no attribute 'Nothing'"] * 2


def test_the_core_logs_once_logging_is_loaded_though_it_was_not_when_the_core_was(tmp_path: Path) -> None:
    program = (
        "import kubepki, sys; kubepki._core.certificate_key(); assert 'logging' not in sys.modules; "
        "import logging; logging.basicConfig(level='DEBUG', format='%(name)s'); "
        f"kubepki.apply(kubepki.plan(node_name='x', certificates=['ca'], kubeconfigs=(), rootfs={str(tmp_path)!r}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "kubepki.ops" in done.stderr
