//! How text from outside is shown.
//!
//! In: text. Out: one printable line, by the rule of [`crate::text`] that the core's own messages follow.

use pyo3::prelude::*;

use crate::error::Error;
use crate::request::Span;
use crate::text;

/// The text as one line that a terminal does not obey; a lone surrogate (a byte of a file name that is not UTF-8) is
/// escaped too.
#[pyfunction]
pub(super) fn printable(value: &Bound<'_, pyo3::types::PyString>) -> PyResult<String> {
    if let Ok(value) = value.to_str() {
        return Ok(text::printable(value).into_owned());
    }
    let escaped: Vec<u8> = value.call_method1("encode", ("utf-8", "backslashreplace"))?.extract()?;
    Ok(text::printable(&String::from_utf8_lossy(&escaped)).into_owned())
}

/// A duration as a command line has it (`30d`, `1h30m`), in seconds.
///
/// # Errors
/// `cli.duration`.
#[pyfunction]
pub(super) fn duration_seconds(text: &str) -> PyResult<f64> {
    Ok(text.parse::<Span>().map_err(Error::from)?.precise())
}
