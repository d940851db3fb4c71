"""The native values: their stub, their words, how they are shown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import kubepki
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
    assert {each.__name__ for each in classes} <= {*_core.enumeration_words(), "Algorithm", *NOT_YET}


# Enumerations of values that are not native yet.
NOT_YET = {
    "Action", "BackupState", "Cause", "Difference", "Kind", "RecoveryOutcome", "RestartAction", "RestartWay", "Role",
}  # fmt: skip


def native_values(tmp_path: Path) -> list[Any]:
    node = tmp_path / "node"
    folder = node / "etc/kubernetes/pki"
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes((GOLDEN / "minimal/kubernetes/pki/ca.crt").read_bytes())
    (folder / "front-proxy-ca.crt").write_text("junk")
    report = kubepki.check(rootfs=node)
    read = kubepki.read_certificates([folder / "ca.crt", "/absent"])
    warned = kubepki.load_config(config_text=UNKNOWN_FIELD, lenient=True).warnings
    return [report, *report.certificates, *report.findings, *read, read[1].problem, *warned]


UNKNOWN_FIELD = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nodd: 1\n"


def test_a_value_is_shown_in_one_short_line(tmp_path: Path) -> None:
    values = native_values(tmp_path)
    assert {type(each).__name__ for each in values} == {
        "Certificate", "CertificateFile", "CheckReport", "FileProblem", "Finding", "Problem",
    }  # fmt: skip
    for value in values:
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


def test_a_notebook_shows_a_table_in_which_nothing_from_outside_is_markup(tmp_path: Path) -> None:
    for value in native_values(tmp_path):
        html = value._repr_html_()
        assert html.startswith(f"<table><caption>{type(value).__name__}</caption><tr><th>")
        assert html.count("<th>") > 2
    problem = kubepki.FileProblem.from_dict({"code": "a.b", "message": "<script>'&\x1b", "hint": "one\ntwo"})
    assert "<td>&lt;script&gt;&#39;&amp;\\x1b</td>" in problem._repr_html_()
    assert "<td>one<br>two</td>" in problem._repr_html_()


def test_plain_data_that_is_no_value_is_a_type_error() -> None:
    for data in ({}, {"code": "a.b"}, {"code": "no code", "message": "", "hint": ""}, 5, None):
        with pytest.raises(TypeError):
            kubepki.FileProblem.from_dict(data)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        kubepki.FileProblem()


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
    assert {name for name in loaded if not name.startswith("kubepki")} <= {"__future__"}
    # Nor does the core, when it is called.
    assert "logging" not in modules_after("import kubepki; kubepki._core.certificate_key()")


def test_the_core_logs_once_logging_is_loaded_though_it_was_not_when_the_core_was(tmp_path: Path) -> None:
    program = (
        "import kubepki, sys; kubepki._core.certificate_key(); assert 'logging' not in sys.modules; "
        "import logging; logging.basicConfig(level='DEBUG', format='%(name)s'); "
        f"kubepki.apply(kubepki.plan(node_name='x', certificates=['ca'], kubeconfigs=(), rootfs={str(tmp_path)!r}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "kubepki.ops" in done.stderr
