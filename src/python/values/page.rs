//! What every report has besides: its page, its pictures, its tables.
//!
//! In: the page of a report. Out: HTML; what `kubepki.report` draws, as SVG and as plain data; what it makes of the report.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use serde::Serialize;

use crate::python::data::answer;
use crate::report::html::{self, Page};

/// Their lines of the stub.
pub(in crate::python) const fn lines(_page: &str) -> &'static str {
    "    def to_html(self, title: str | None = None) -> str: ...
    def table(self, rows: str = \"certificates\") -> Table: ...
    def to_pandas(self, rows: str = \"certificates\") -> Any: ...
    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...
    def timeline(self, most: int = ...) -> Any: ...
    def trust_graph(self, most: int = ...) -> Any: ..."
}

/// A picture, and what is in it.
#[derive(Serialize)]
struct Drawn<T> {
    svg: String,
    data: T,
}

/// The page with a heading of the caller's.
pub(in crate::python) fn document(page: Page<'_>, title: Option<&str>) -> String {
    let title = title.map_or_else(|| page.title.clone(), str::to_owned);
    html::page(Page { title, ..page })
}

/// What the chart of ends is made of.
pub(in crate::python) fn timeline<'py>(
    py: Python<'py>,
    page: &Page<'_>,
    most: usize,
) -> PyResult<(Bound<'py, PyAny>,)> {
    let data = html::timeline::timeline(page, most);
    Ok((answer(py, &Drawn { svg: html::timeline::svg(&data), data })?,))
}

/// What the chart of issuers is made of.
pub(in crate::python) fn trust<'py>(py: Python<'py>, page: &Page<'_>, most: usize) -> PyResult<(Bound<'py, PyAny>,)> {
    let data = html::trust::trust(page, most);
    Ok((answer(py, &Drawn { svg: html::trust::svg(&data), data })?,))
}

/// Calls a function of `kubepki.report` with a report: loaded when it is first asked for.
pub(in crate::python) fn in_python<'py>(
    report: &Bound<'py, PyAny>,
    function: &str,
    arguments: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error = PyErr>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = report.py();
    let arguments = arguments.into_pyobject(py)?;
    let all: Vec<_> = std::iter::once(report.clone()).chain(arguments.iter()).collect();
    py.import("kubepki.report")?.getattr(function)?.call1(PyTuple::new(py, all)?)
}
