//! A value of the core as an object of Python, and what annotations call it.
//!
//! In: texts, numbers, times, paths, and lists and options of them. Out: `str`, `int`, aware `datetime`s, `timedelta`s,
//! `pathlib.Path`s, tuples, `None`. The classes and the enumerations of this package have their own
//! implementations, by the macros that declare them.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use pyo3::PyTypeInfo as _;
use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{IntoPyDict as _, PyDelta, PyDict, PyString, PyTuple, PyType};

use crate::error::Result;
use crate::secret::Secret;

/// What a class's attribute is made of.
pub(in crate::python) trait Convert: Sized {
    /// Whether its text is of several lines: what is of one line by its nature stays on one, whatever is in it.
    const HAS_LINES: bool = false;

    /// Its type as an annotation of Python.
    fn annotation() -> String;

    /// The object.
    fn convert(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>>;
}

macro_rules! as_pyo3_does {
    ($($kind:ty: $annotation:literal;)*) => {$(
        impl Convert for $kind {
            fn annotation() -> String {
                $annotation.to_owned()
            }

            fn convert(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                self.into_bound_py_any(py)
            }
        }
    )*};
}

use pyo3::IntoPyObjectExt as _;

as_pyo3_does! {
    bool: "bool";
    u8: "int";
    u16: "int";
    i64: "int";
    u32: "int";
    u64: "int";
    usize: "int";
    String: "str";
    TimeDelta: "timedelta";
    DateTime<Utc>: "datetime";
}

/// A duration that is kept in whole seconds; plain data may have any number of them.
pub(in crate::python) struct Seconds(pub(in crate::python) i64);

impl Seconds {
    /// Of a number that is never negative.
    pub(in crate::python) fn of(seconds: u64) -> Self {
        Self(seconds.try_into().unwrap_or(i64::MAX))
    }
}

impl Convert for Seconds {
    fn annotation() -> String {
        TimeDelta::annotation()
    }

    fn convert(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let too_long = || PyOverflowError::new_err(format!("{} seconds are beyond every duration", self.0));
        TimeDelta::try_seconds(self.0).ok_or_else(too_long)?.convert(py)
    }
}

/// A text of several lines.
pub(in crate::python) struct Lines<T>(pub(in crate::python) T);

impl<T: Convert> Convert for Lines<T> {
    const HAS_LINES: bool = true;

    fn annotation() -> String {
        T::annotation()
    }

    fn convert(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        self.0.convert(py)
    }
}

/// What a value may not have, which is an exception of Python's own.
impl<T: Convert> Convert for PyResult<T> {
    const HAS_LINES: bool = T::HAS_LINES;

    fn annotation() -> String {
        T::annotation()
    }

    fn convert(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        self?.convert(py)
    }
}

/// What may fail when it is asked for.
impl<T: Convert> Convert for Result<T> {
    const HAS_LINES: bool = T::HAS_LINES;

    fn annotation() -> String {
        T::annotation()
    }

    fn convert(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        self?.convert(py)
    }
}

/// A duration that is kept in seconds and parts of them; Python has microseconds.
pub(in crate::python) struct Fraction(pub(in crate::python) f64);

impl Convert for Fraction {
    fn annotation() -> String {
        TimeDelta::annotation()
    }

    fn convert(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        // Python rounds as its durations do, and knows which are too long.
        let fields = [("seconds", self.0)].into_py_dict(py)?;
        PyDelta::type_object(py).call((), Some(&fields))
    }
}

impl Convert for &str {
    fn annotation() -> String {
        String::annotation()
    }

    fn convert(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        Ok(PyString::new(py, self).into_any())
    }
}

/// The text of a secret: one that was asked for by name.
impl Convert for &Secret {
    fn annotation() -> String {
        String::annotation()
    }

    fn convert(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        // Borrowed: a copy of the core's would lie in freed memory.
        PyString::from_bytes(py, self.expose()).map(Bound::into_any)
    }
}

impl Convert for Secret {
    fn annotation() -> String {
        String::annotation()
    }

    fn convert(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        (&self).convert(py)
    }
}

/// Calls the method `save` of a class: in Python, where the rules for arguments are.
pub(in crate::python) fn saved<'py>(
    value: &Bound<'py, PyAny>,
    class: &str,
    arguments: &Bound<'py, PyTuple>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    let save = py.import("kubepki.types.secret")?.getattr(class)?.getattr("save")?;
    let all: Vec<_> = std::iter::once(value.clone()).chain(arguments).collect();
    save.call(PyTuple::new(py, all)?, options)
}

impl Convert for &Path {
    fn annotation() -> String {
        "Path".to_owned()
    }

    fn convert(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        static PATH: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        PATH.import(py, "pathlib", "Path")?.call1((self.as_os_str(),))
    }
}

macro_rules! borrowed {
    ($($kind:ty => $of:ident: $target:ty = $how:expr;)*) => {$(
        impl Convert for $kind {
            fn annotation() -> String {
                <$target>::annotation()
            }

            fn convert(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                let $of = self;
                <$target>::convert($how, py)
            }
        }
    )*};
}

borrowed! {
    &String => text: &str = text.as_str();
    &PathBuf => path: &Path = path.as_path();
    &DateTime<Utc> => time: DateTime<Utc> = *time;
    crate::error::Code => code: &str = code.as_str();
    crate::bundle::Recipient => recipient: &str = recipient.as_str();
    crate::plan::user::Credential => credential: &str = credential.as_str();
    crate::store::Action => action: String = action.to_string();
    crate::x509::KeyUsage => usage: &str = usage.as_str();
    &crate::x509::KeyUsage => usage: &str = usage.as_str();
    &crate::x509::ExtendedKeyUsage => usage: String = usage.to_string();
}

impl<T: Convert> Convert for Option<T> {
    const HAS_LINES: bool = T::HAS_LINES;

    fn annotation() -> String {
        format!("{} | None", T::annotation())
    }

    fn convert(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        self.map_or_else(|| Ok(py.None().into_bound(py)), |value| value.convert(py))
    }
}

impl<'a, T> Convert for &'a Option<T>
where
    &'a T: Convert,
{
    const HAS_LINES: bool = <&T as Convert>::HAS_LINES;

    fn annotation() -> String {
        Option::<&T>::annotation()
    }

    fn convert(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        self.as_ref().convert(py)
    }
}

impl<T: Convert> Convert for Vec<T> {
    const HAS_LINES: bool = T::HAS_LINES;

    fn annotation() -> String {
        format!("tuple[{}, ...]", T::annotation())
    }

    fn convert(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let objects = self.into_iter().map(|each| each.convert(py)).collect::<PyResult<Vec<_>>>()?;
        Ok(PyTuple::new(py, objects)?.into_any())
    }
}

impl<'a, T> Convert for &'a Vec<T>
where
    &'a T: Convert,
{
    const HAS_LINES: bool = <&T as Convert>::HAS_LINES;

    fn annotation() -> String {
        Vec::<&T>::annotation()
    }

    fn convert(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        self.iter().collect::<Vec<_>>().convert(py)
    }
}
