//! How a value is shown where it stands: by `repr` in one short line, in notebooks as a table.
//!
//! In: a value's class and attributes. Out: text that is escaped for where it goes.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use super::stub::Named;
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

/// A line for each attribute, unless the class has a text of its own.
pub(in crate::python) fn text(
    value: &Bound<'_, PyAny>,
    attributes: &[Named],
    own: impl IntoIterator<Item = String>,
) -> PyResult<String> {
    if let Some(own) = own.into_iter().next() {
        return Ok(own);
    }
    let mut lines = Vec::new();
    for (name, kind) in attributes {
        let (name, items) = (spoken(name), items(&value.getattr(*name)?, kind().has_lines)?);
        match items.as_slice() {
            [] => {}
            [one] if one.len() == 1 => lines.push(format!("{name}: {}", one.concat())),
            items if items.iter().all(|item| item.len() == 1) => {
                lines.push(format!("{name}: {}", items.concat().join(", ")));
            }
            items => {
                lines.push(format!("{name}:"));
                lines.extend(items.concat().iter().map(|line| format!("  {line}")));
            }
        }
    }
    Ok(lines.join("\n"))
}

/// A table with a row for each attribute; what holds several values has a table of its own, with a row for each.
pub(in crate::python) fn html(value: &Bound<'_, PyAny>, class: &str, attributes: &[Named]) -> PyResult<String> {
    let row = |(name, kind): &Named| {
        let attribute = value.getattr(*name)?;
        let cell = match values_of_one_class(&attribute)? {
            Some(values) => listing(&values)?,
            None => lines(&attribute, kind().has_lines)?,
        };
        Ok(format!("<tr><th>{}</th><td>{cell}</td></tr>", spoken(name)))
    };
    let rows = attributes.iter().map(row).collect::<PyResult<String>>()?;
    Ok(format!("<table><caption>{class}</caption>{rows}</table>"))
}

/// The members of a tuple, where all are values of one of our classes.
fn values_of_one_class<'py>(attribute: &Bound<'py, PyAny>) -> PyResult<Option<Vec<Bound<'py, PyAny>>>> {
    let Ok(members) = attribute.cast::<PyTuple>() else { return Ok(None) };
    let members: Vec<_> = members.iter().collect();
    let Some(first) = members.first() else { return Ok(None) };
    let are_one = members.iter().all(|one| one.get_type().is(first.get_type())) && attributes_of(first)?.is_some();
    Ok(are_one.then_some(members))
}

/// The names of the attributes of one of our values; `None` for everything else.
fn attributes_of<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    value.getattr_opt(intern!(value.py(), "__match_args__"))
}

/// A table of values of one class. A column in which nothing would stand is left out.
fn listing(values: &[Bound<'_, PyAny>]) -> PyResult<String> {
    let names = values.first().map(attributes_of).transpose()?.flatten();
    let names: Vec<String> = names.map(|names| names.extract()).transpose()?.unwrap_or_default();
    let (mut header, mut rows) = (Vec::new(), vec![Vec::new(); values.len()]);
    for name in names {
        let cell = |value: &Bound<'_, PyAny>| {
            let attribute = value.getattr(name.as_str())?;
            let has_lines = attributes_of(&attribute)?.is_some() || values_of_one_class(&attribute)?.is_some();
            lines(&attribute, has_lines)
        };
        let cells = values.iter().map(cell).collect::<PyResult<Vec<_>>>()?;
        if cells.iter().any(|cell| !cell.is_empty()) {
            header.push(spoken(&name));
            rows.iter_mut().zip(cells).for_each(|(row, cell)| row.push(cell));
        }
    }
    let rows: Vec<_> = rows.iter().map(|row| format!("<tr><td>{}</td></tr>", row.join("</td><td>"))).collect();
    let header = header.join("</th><th>");
    Ok(format!("<table><thead><tr><th>{header}</th></tr></thead>{}</table>", rows.concat()))
}

/// The lines of one attribute, within a cell.
fn lines(attribute: &Bound<'_, PyAny>, has_lines: bool) -> PyResult<String> {
    let lines = items(attribute, has_lines)?.concat();
    Ok(lines.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("<br>"))
}

/// The words of a name.
fn spoken(name: &str) -> String {
    name.replace('_', " ")
}

/// The printable lines of each thing that an attribute has: none for `None`, one for a word of an enumeration, a name or a path,
/// whatever is in it.
fn items(value: &Bound<'_, PyAny>, has_lines: bool) -> PyResult<Vec<Vec<String>>> {
    let lines = |one: &Bound<'_, PyAny>| {
        // A path may be of any bytes.
        let shown = super::super::text::printable(&word(one)?.str()?)?;
        if !has_lines {
            return Ok(vec![shown]);
        }
        Ok(one.str()?.to_string_lossy().lines().map(|line| printable(line).into_owned()).collect())
    };
    match value.cast::<PyTuple>() {
        Ok(all) => all.iter().map(|one| lines(&one)).collect(),
        Err(_) if value.is_none() => Ok(Vec::new()),
        Err(_) => Ok(vec![lines(value)?]),
    }
}

/// What stands for a member of an enumeration: the core's word where that is a text, its name in lower case otherwise.
fn word<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    match value.getattr_opt("_value_")? {
        Some(word) if word.is_instance_of::<PyString>() => Ok(word),
        Some(_) => value.getattr("name")?.call_method0(intern!(py, "lower")),
        None => Ok(value.clone()),
    }
}

/// A line within an element.
fn escaped(line: &str) -> String {
    let line = line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    line.replace('"', "&quot;").replace('\'', "&#39;")
}
