//! Values by their plain data: read back, compared, hashed.
//!
//! In: what `to_dict` gave; values. Out: a value; whether two say the same. The plain data is all that a value says:
//! what the core keeps beside it (an error's context) is in none of them.

use std::hash::{DefaultHasher, Hasher as _};
use std::io;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::call::converted;
use super::super::data;

/// A value from its plain data; what is none is a `TypeError`, or the error that is made of the reason.
pub(in crate::python) fn read<T: DeserializeOwned>(
    plain: &Bound<'_, PyAny>,
    unreadable: &[fn(String) -> PyErr],
) -> PyResult<T> {
    let error = unreadable.first().copied().unwrap_or(PyTypeError::new_err::<String>);
    converted(|| data::read(plain).map_err(error))
}

/// Whether both say the same.
pub(in crate::python) fn are_equal<T: Serialize>(one: &T, other: &T) -> bool {
    match (serde_json::to_vec(one), serde_json::to_vec(other)) {
        (Ok(one), Ok(other)) => one == other,
        // A file name that is not UTF-8 has no plain data.
        _ => false,
    }
}

/// The same for values that say the same.
pub(in crate::python) fn hash<T: Serialize>(value: &T) -> u64 {
    let mut hasher = Hashed(DefaultHasher::new());
    // As far as it has plain data.
    let _ = serde_json::to_writer(&mut hasher, value);
    hasher.0.finish()
}

struct Hashed(DefaultHasher);

impl io::Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
