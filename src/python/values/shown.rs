//! How a value is shown where it stands: by `repr` in one short line, in notebooks as a table.
//!
//! In: a value's class and attributes. Out: text that is escaped for where it goes.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::text::printable;

/// A line of `repr` is shorter than this.
const LINE: usize = 120;

/// `<Certificate apiserver, ends 2027-01-01>`.
pub(in crate::python) fn in_one_line(class: &str, facts: &str) -> String {
    let line = format!("<{class} {}", printable(facts));
    if line.chars().count() + 1 < LINE {
        return format!("{}>", line.trim_end());
    }
    let kept: String = line.chars().take(LINE - 3).collect();
    format!("{kept}…>")
}

/// A table with a row for each attribute.
pub(in crate::python) fn html(value: &Bound<'_, PyAny>, class: &str, attributes: &[&str]) -> PyResult<String> {
    let row = |name: &&str| {
        Ok(format!("<tr><th>{}</th><td>{}</td></tr>", name.replace('_', " "), cell(&value.getattr(*name)?)?))
    };
    let rows = attributes.iter().map(row).collect::<PyResult<String>>()?;
    Ok(format!("<table><caption>{class}</caption>{rows}</table>"))
}

fn cell(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if value.is_none() {
        return Ok(String::new());
    }
    let Ok(items) = value.cast::<PyTuple>() else { return Ok(escaped(&value.str()?.to_string_lossy())) };
    let items = items.iter().map(|each| Ok(escaped(&each.str()?.to_string_lossy()))).collect::<PyResult<Vec<_>>>()?;
    Ok(items.join("<br>"))
}

/// Text within an element; its lines stay lines.
fn escaped(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = printable(line).replace('&', "&amp;");
        line.replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
    });
    lines.collect::<Vec<_>>().join("<br>")
}
