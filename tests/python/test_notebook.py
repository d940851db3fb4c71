"""Reports in notebooks and in tables: pandas, Arrow, charts, and the notebooks of the examples."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from kubepki import CheckReport, Status, apply, check, plan
from kubepki.report import Picture, Table

ROOT = Path(__file__).parents[2]
NOW = datetime(2027, 11, 1, 12, tzinfo=timezone.utc)
NOTEBOOKS = sorted(path.name for path in (ROOT / "examples").glob("*.ipynb"))
REASON = "what notebooks are made of is for Python 3.11 and newer"


@pytest.fixture(name="report", scope="module")
def made_report(tmp_path_factory: pytest.TempPathFactory) -> CheckReport:
    folder = tmp_path_factory.mktemp("node")
    before = NOW - timedelta(days=345)
    apply(plan(node_name="cp1", rootfs=folder, now=before))
    (folder / "etc/kubernetes/admin.conf").chmod(0o644)
    return check(rootfs=folder, now=NOW)


def test_certificates_and_findings_are_frames_of_pandas(report: CheckReport) -> None:
    pandas = pytest.importorskip("pandas", reason=REASON)
    frame = report.to_pandas()
    assert list(frame["name"]) == [each.name for each in report.certificates]
    assert list(frame["not_after"]) == [pandas.Timestamp(each.not_after) for each in report.certificates]
    assert str(frame["not_after"].dt.tz) == "UTC"
    assert set(frame[~frame["is_ca"]]["days_left"]) == {20}
    assert frame.set_index("name").loc["apiserver", "subject_alt_names"][0] == "DNS:cp1"
    found = report.to_pandas("findings")
    assert set(found["code"]) >= {"certificate.expires_soon", "file.mode_too_wide"}
    assert list(report.to_pandas("findings").columns) == list(report.table("findings").columns)
    with pytest.raises(ValueError, match="'trees'"):
        report.to_pandas("trees")


def test_polars_pyarrow_and_duckdb_take_a_report_as_it_is(report: CheckReport) -> None:
    polars = pytest.importorskip("polars", reason=REASON)
    pyarrow = pytest.importorskip("pyarrow", reason=REASON)
    duckdb = pytest.importorskip("duckdb", reason=REASON)
    pytest.importorskip("nanoarrow", reason=REASON)
    frame, table = polars.DataFrame(report), pyarrow.table(report)
    for columns in (frame.to_dict(as_series=False), table.to_pydict()):
        assert columns == report.table().columns
    assert str(table.schema.field("not_after").type) == "timestamp[us, tz=UTC]"
    assert str(table.schema.field("key_usages").type) == "list<item: string>" or "list" in str(
        frame.schema["key_usages"]
    )
    found = report.table("findings")
    assert polars.DataFrame(found)["path"].to_list() == found.columns["path"]
    assert table.num_rows == len(report.certificates)
    counted = duckdb.sql("SELECT count(*) FROM report WHERE NOT is_ca").fetchall()
    assert counted == [(sum(not each.is_ca for each in report.certificates),)]


def test_a_table_without_rows_has_its_types(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason=REASON)
    pandas = pytest.importorskip("pandas", reason=REASON)
    empty = check(rootfs=tmp_path)
    assert empty.certificates == ()
    assert str(pyarrow.table(empty).schema.field("not_after").type) == "timestamp[us, tz=UTC]"
    assert pandas.api.types.is_datetime64_any_dtype(empty.to_pandas()["not_after"])
    assert isinstance(empty.table(), Table)
    assert len(empty.table()) == 0


def test_charts_are_altairs_and_hold_what_the_report_has(report: CheckReport) -> None:
    altair = pytest.importorskip("altair", reason=REASON)
    timeline, graph = report.timeline(most=5), report.trust_graph()
    assert isinstance(timeline, altair.LayerChart)
    assert isinstance(graph, altair.LayerChart)
    (bars, *_), title = timeline.to_dict()["layer"], timeline.to_dict()["title"]
    first = sorted(report.certificates, key=lambda each: each.not_after)[:5]
    assert [bar["name"] for bar in bars["data"]["values"]] == [each.name for each in first]
    assert title == f"When certificates end ({len(report.certificates) - 5} later ones are not drawn)"
    signed = next(
        layer["data"]["values"] for layer in graph.to_dict()["layer"] if "count" in layer["data"]["values"][0]
    )
    assert sum(one["count"] for one in signed) == sum(not each.is_ca for each in report.certificates)


WITHOUT_EXTRAS = """
import sys
sys.modules.update(dict.fromkeys(["altair", "pandas", "nanoarrow"]))
import kubepki
report = kubepki.check(rootfs=sys.argv[1])
from kubepki.report import Picture
for picture in (report.timeline(), report.trust_graph()):
    assert isinstance(picture, Picture) and picture.svg.startswith("<svg "), picture
assert "<script" not in report._repr_html_() and "<table" in report._repr_html_()
for ask in (report.to_pandas, report.__arrow_c_stream__):
    try:
        ask()
    except ModuleNotFoundError as error:
        assert "pip install 'kubepki[notebook]'" in str(error), error
    else:
        raise AssertionError(ask)
"""


def test_without_the_extras_a_chart_is_a_picture_and_a_frame_says_what_to_install(tmp_path: Path) -> None:
    apply(plan(node_name="cp1", rootfs=tmp_path))
    program = [sys.executable, "-W", "error", "-c", WITHOUT_EXTRAS, str(tmp_path)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_picture_is_saved_as_a_file_of_its_own(tmp_path: Path) -> None:
    Picture('<svg xmlns="http://www.w3.org/2000/svg"/>').save(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text().startswith('<svg color="black" style="background: white" xmlns=')


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_of_the_examples_runs_and_is_stored_without_outputs(name: str, tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason=REASON)
    nbclient = pytest.importorskip("nbclient", reason=REASON)
    path = ROOT / "examples" / name
    notebook = nbformat.read(path, as_version=4)
    assert path.stat().st_size < 20_000
    assert [cell for cell in notebook.cells if cell.get("outputs")] == []
    places = {"IPYTHONDIR": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path)}
    here = {"metadata": {"path": str(ROOT / "examples")}}
    client = nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=here)
    client.execute(env={**os.environ, **places, "JUPYTER_PLATFORM_DIRS": "1"})
    outputs: list[Any] = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"] == []
    forms = [form for output in outputs for form in output.get("data", {})]
    assert "text/html" in forms
    assert forms.count("image/svg+xml") == 2
    # Many clusters have no way out: nothing that is shown fetches a script.
    assert "<script" not in "".join(output.get("data", {}).get("text/html", "") for output in outputs)


def test_the_status_of_a_report_is_a_word_in_its_fragment(report: CheckReport) -> None:
    assert report.status is Status.WARNING
    assert '<span class="state warning">warning</span>' in report._repr_html_()
