//! The one place where an error of the core becomes a Python exception.
//!
//! In: [`Error`]. Out: an instance of the class that `kubepki.errors` keeps for the error's category, with
//! message, code, hint and context. The classes are defined in Python, so they can be subclassed, pickled
//! and read there; nothing else under `python` raises an exception of kubepki's.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::error::{Category, Error};

/// `kubepki.errors.from_native`, imported when the first error crosses.
static FROM_NATIVE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The category's name in `kubepki.errors`: its serialised form.
const fn category_name(category: Category) -> &'static str {
    match category {
        Category::Usage => "usage",
        Category::Finding => "finding",
        Category::Environment => "environment",
        Category::Refused => "refused",
        Category::Partial => "partial",
        Category::Interrupted => "interrupted",
        Category::Internal => "internal",
    }
}

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        // A failure to build the exception (a broken installation) is itself the exception then.
        Python::attach(|py| exception(py, &error).unwrap_or_else(|failure| failure))
    }
}

fn exception(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let from_native = FROM_NATIVE.get_or_try_init(py, || -> PyResult<Py<PyAny>> {
        Ok(py.import("kubepki.errors")?.getattr("from_native")?.unbind())
    })?;
    let context = pythonize::pythonize(py, &error.context())?;
    let arguments = (category_name(error.category()), error.to_string(), error.code().as_str(), error.hint(), context);
    Ok(PyErr::from_value(from_native.bind(py).call1(arguments)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_have_one_name_in_json_and_in_python() {
        for category in [
            Category::Usage,
            Category::Finding,
            Category::Environment,
            Category::Refused,
            Category::Partial,
            Category::Interrupted,
            Category::Internal,
        ] {
            assert_eq!(serde_json::to_value(category).unwrap(), category_name(category));
        }
    }
}
