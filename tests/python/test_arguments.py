"""Arguments of a wrong type: every public function names the argument, whatever it is, before anything is read."""

from __future__ import annotations

import inspect
import os
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

import kubepki
from kubepki import ConfigurationError, Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOT_UTF8 = os.fsdecode(b"/tmp/\xff")


class Other:
    """A value of a type that nothing takes."""


class BytesPath:
    """A path of bytes."""

    def __fspath__(self) -> bytes:
        return b"/tmp"


def exported() -> kubepki.Bundle:
    """Return a bundle; it has no other way into being."""
    with TemporaryDirectory() as folder:
        kubepki.apply(kubepki.plan(node_name="cp1", certificates=["ca"], kubeconfigs=(), rootfs=folder))
        return kubepki.export_bundle(role="worker", rootfs=folder)


# What each kind of argument is not. By the annotation: a new one must be added here, which is the point.
TEXTS: list[Any] = [5, b"x", 1.5, Other(), ["x"]]
PATHS: list[Any] = [5, b"/tmp", BytesPath(), Other(), True]
LISTS: list[Any] = ["apiserver", b"ab", 5, [5], [b"x"], ["x", None], {"a": 1}, Path("/x"), Other()]
WRONG: dict[str, list[Any]] = {
    "bool": [1, 0, "yes", None, Other()],
    "int | None": [True, "5", 1.5, Other()],
    "str": [*TEXTS, None],
    "str | None": TEXTS,
    "str | bytes": [5, None, Other(), ["x"], Path("/x")],
    "str | bytes | None": [5, Other(), ["x"], Path("/x")],
    "str | bytes | Mapping[str, str | bytes] | None": [5, Other(), ["x"], Path("/x"), {"a": 1}, {1: "a"}],
    "StrPath": [*PATHS, None, ["/x"]],
    "StrPath | None": [*PATHS, ["/x"]],
    "StrPath | Iterable[StrPath]": [5, None, b"/tmp", [5], [b"x"], [None], {"a": 1}, BytesPath(), Other()],
    "Literal['all'] | StrPath | Iterable[StrPath]": [5, None, b"/tmp", [5], [b"x"], {"a": 1}, Other()],
    "Literal['all'] | Iterable[str]": [*LISTS, None],
    "Iterable[str]": [*LISTS, None],
    "Mapping[str, StrPath] | Iterable[StrPath]": ["x.csr", 5, None, [5], {"a": 1}, {1: "a"}, b"x", Other()],
    "StrPath | Mapping[str, Mapping[str, str]] | None": [
        5,
        b"/x",
        ["/x"],
        {"a": "b"},
        {"a": {"b": 5}},
        {1: {}},
        Other(),
    ],
    "datetime | None": [date(2026, 1, 1), 5, "2026-01-01", timedelta(1), Other()],
    "timedelta": [5, 1.5, "30d", None, True, Other()],
    "timedelta | None": [5, 1.5, "30d", True, Other()],
    "Algorithm | str | None": [5, b"RSA-2048", Other()],
    "Callable[[int, int, str], object] | None": [5, "print", Other()],
    "Callable[[str, str, float, str], object] | None": [5, "print", Other()],
    "Callable[[str, str, str], object] | None": [5, "print", Other()],
    "Executor | None": [5, "x", Other()],
    "Iterable[TreeReport]": [5, None, ["x"], [None], Other()],
    "Bundle": [{}, None, "bundle", Other()],
    "Plan": [{}, None, "plan", Other()],
    "Schedule": [{}, None, "daily", Other()],
}
CHOICES: list[Any] = [5, b"refuse", Other(), ["refuse"]]
ENOUGH: dict[str, Any] = {
    "csr": "x",
    "name": "x",
    "ca_cert": "/x",
    "ca_key": "/x",
    "client_name": "x",
    "verb": "abort",
    "bundle": "x",
    "exported": exported(),
    "paths": [],
    "content": "x",
    "trees": [],
    "schedule": Schedule(Path("/k")),
    "plan": kubepki.Plan.from_dict(
        {
            "operation": "init",
            "made_at": "2026-01-01T00:00:00Z",
            "rootfs": None,
            "certificates_dir": "/x",
            "kubeconfig_dir": "/x",
            "artefacts": [],
            "findings": [],
            "inputs": [],
            "warnings": [],
        }
    ),
}


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in kubepki.__all__:
        value = getattr(kubepki, name)
        if inspect.isfunction(value):
            yield name, value


def parameters(function: Callable[..., Any]) -> Iterator[tuple[str, str]]:
    for parameter in inspect.signature(function).parameters.values():
        yield parameter.name, parameter.annotation


def required(function: Callable[..., Any], but: str) -> dict[str, Any]:
    every = inspect.signature(function).parameters.values()
    needed = [each.name for each in every if each.default is inspect.Parameter.empty]
    return {name: ENOUGH[name] for name in needed if name != but}


def wrong(annotation: str) -> list[Any]:
    if annotation.startswith("Literal[") and "Iterable" not in annotation:
        return CHOICES if annotation.endswith("| None") else [*CHOICES, None]
    return WRONG[annotation.replace('"', "'")]


CASES = [(name, *each) for name, function in functions() for each in parameters(function)]


@pytest.mark.parametrize(("function", "name", "annotation"), CASES, ids=[f"{case[0]}-{case[1]}" for case in CASES])
def test_every_argument_of_a_wrong_type_is_a_type_error_with_its_name(
    function: str, name: str, annotation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    called = getattr(kubepki, function)
    for value in wrong(annotation):
        with pytest.raises(TypeError, match=rf"^{function}\(\): `{name}`.* must ") as caught:
            called(**required(called, name), **{name: value})
        assert len(str(caught.value)) < 300
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("function", "name", "annotation"), CASES, ids=[f"{case[0]}-{case[1]}" for case in CASES])
def test_paths_that_lead_nowhere_and_unknown_choices_name_the_argument(
    function: str, name: str, annotation: str
) -> None:
    called = getattr(kubepki, function)

    def refused(value: object, code: str) -> None:
        with pytest.raises(ConfigurationError, match=rf"^{function}\(\): `{name}`") as caught:
            called(**required(called, name), **{name: value})
        assert (caught.value.code, caught.value.exit_code) == (code, 2)
        str(caught.value).encode()

    if "StrPath" in annotation and "Mapping" not in annotation:
        for path in ("", NOT_UTF8, Path(NOT_UTF8), "a\0b"):
            refused(path, "api.bad_path")
    if "Iterable[StrPath]" in annotation:
        refused(["/x", NOT_UTF8], "api.bad_path")
    if annotation in ("str", "str | None", "str | bytes", "str | bytes | None"):
        refused("\udcff", "api.bad_text")
    if annotation.startswith("Literal[") and "Iterable" not in annotation:
        refused("sometimes", "api.unknown_choice")


def test_positional_arguments_are_checked_too_and_unknown_names_are_named() -> None:
    anything: Any = kubepki
    with pytest.raises(TypeError, match=r"^plan\(\): `config` must be a path \(str or os.PathLike\) or None, not int"):
        anything.plan(5)
    with pytest.raises(TypeError, match=r"^user_kubeconfig\(\): `client_name` must be a str, not bytes"):
        anything.user_kubeconfig(b"x")
    with pytest.raises(TypeError, match=r"write \['apiserver'\]"):
        anything.plan_renew("apiserver")
    with pytest.raises(TypeError, match=r"plan\(\) got an unexpected keyword argument 'rootf'"):
        anything.plan(rootf="/x")
    with pytest.raises(TypeError):
        anything.sign_csr("x", "y")


def test_what_may_be_given_in_several_ways_may_be(tmp_path: Path) -> None:
    moment = datetime(2026, 1, 1, tzinfo=timezone.utc)
    for names in (("ca",), ["ca"], {"ca"}, (name for name in ["ca"])):
        planned = kubepki.plan(node_name="cp1", certificates=names, kubeconfigs=(), rootfs=tmp_path, now=moment)
        assert [each.name for each in planned.artefacts] == ["ca"]
    for path in (str(tmp_path), tmp_path, os.fspath(tmp_path)):
        assert kubepki.list_backups(rootfs=path) == []
    assert kubepki.read_certificates(iter([tmp_path / "no.crt"]))[0].problem is not None


def test_methods_and_schedules_are_checked() -> None:
    fields: dict[str, list[Any]] = {
        "program": [5, None, b"/k"],
        "before": [5, None, "30d"],
        "on_calendar": [5, None],
        "randomized_delay": [5, None],
        "restart": [1, None],
        "kubelet": ["yes"],
        "config": [5],
        "writes": ["/srv", 5, [5]],
    }
    assert set(fields) == set(inspect.signature(Schedule).parameters)
    for name, values in fields.items():
        for value in values:
            with pytest.raises(TypeError, match=f"^Schedule: `{name}`.* must "):
                Schedule(**{"program": Path("/k"), name: value})
    with pytest.raises(TypeError, match=r"Algorithm.parse\(\): `name` must be a str, not int"):
        kubepki.Algorithm.parse(5)  # type: ignore[arg-type]


def test_a_saved_file_has_a_path(tmp_path: Path) -> None:
    made = kubepki.user_kubeconfig("jane", token="x.y", server="https://a:6443", rootfs=make_ca(tmp_path))  # noqa: S106
    for path in (5, None, b"/tmp/x", ["x"]):
        with pytest.raises(TypeError, match=r"UserKubeconfig.save\(\): `path` must be a path"):
            made.save(path)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="`force` must be True or False"):
        made.save(tmp_path / "x", force=1)  # type: ignore[arg-type]


def make_ca(tmp_path: Path) -> Path:
    kubepki.apply(kubepki.plan(node_name="cp1", certificates=["ca"], kubeconfigs=(), rootfs=tmp_path))
    return tmp_path


def test_times_and_counts_beyond_all_bounds_are_no_crash(tmp_path: Path) -> None:
    for moment in (
        datetime.min.replace(tzinfo=timezone(timedelta(hours=23))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-23))),
    ):
        assert kubepki.check(rootfs=tmp_path, now=moment).checked_at.year == moment.year
    assert kubepki.prune_backups(keep=10**30, rootfs=tmp_path).removed == ()
    with pytest.raises(ConfigurationError, match="must not be negative"):
        kubepki.prune_backups(keep=-(10**30), rootfs=tmp_path)
    for field in ("before", "randomized_delay"):
        with pytest.raises(ConfigurationError) as caught:
            kubepki.schedule_units(Schedule(Path("/k"), **{field: timedelta(days=-1)}))  # type: ignore[arg-type]
        assert caught.value.code == "systemd.bad_value"


def test_a_warning_comes_before_the_critical_state(tmp_path: Path) -> None:
    for warning in (timedelta(days=1), timedelta(days=-1)):
        with pytest.raises(ConfigurationError, match="is shorter than --critical 7d") as caught:
            kubepki.check(rootfs=tmp_path, warning=warning)
        assert caught.value.code == "cli.thresholds"
