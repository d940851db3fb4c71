//! The command line as the package's script and `python -m kubepki` run it.
//!
//! In: the arguments of the process. Out: its exit code. The process is ours from then on: [`crate::cli`] takes over the
//! signals that Python would hear.

use std::ffi::OsString;
use std::path::PathBuf;

use pyo3::prelude::*;

use super::call::converted;

/// Runs `kubepki` with `arguments`, `sys.argv`, and returns its exit code.
///
/// # Errors
/// Only Python's own.
#[pyfunction]
pub(super) fn main(py: Python<'_>, mut arguments: Vec<OsString>) -> PyResult<u8> {
    leave_ctrl_c(py)?;
    if let Some(program) = arguments.first_mut().filter(|program| !program.as_encoded_bytes().ends_with(b"/kubepki")) {
        *program = script(py)?;
    }
    converted(|| Ok(py.detach(|| crate::cli::main(arguments))))
}

/// The script beside the interpreter: what a unit, or another process, can be given where the program is Python.
pub(super) fn script(py: Python<'_>) -> PyResult<OsString> {
    let interpreter: PathBuf = py.import("sys")?.getattr("executable")?.extract()?;
    Ok(interpreter.with_file_name("kubepki").into_os_string())
}

/// Takes Python's handler of Ctrl-C away, which would raise when all is done. A parent that has the signal ignored means
/// it, and so does a program with a handler of its own.
fn leave_ctrl_c(py: Python<'_>) -> PyResult<()> {
    // Not `signal`, which loads `enum`: this is the start of every process.
    let signal = py.import("_signal")?;
    let number = signal.getattr("SIGINT")?;
    if signal.call_method1("getsignal", (&number,))?.is(signal.getattr("default_int_handler")?) {
        signal.call_method1("signal", (&number, signal.getattr("SIG_DFL")?))?;
    }
    Ok(())
}
