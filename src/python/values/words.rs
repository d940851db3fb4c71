//! The enumerations: classes of Python's own, with the core's words as their values.
//!
//! In: a word of the core. Out: the member of the class that has it.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};
use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

use super::super::data::answer;
use super::Convert;
use crate::audit::{self, node::Status};
use crate::config::Role;
use crate::key::Algorithm;
use crate::ops::audit::TreeKind;
use crate::plan;
use crate::plan::restart::{RestartAction, Way};
use crate::store::Outcome;
use crate::store::backup::{Difference, State};

macro_rules! words {
    ($($class:literal in $module:literal: $kind:ty = $word:expr;)*) => {
        $(
            impl Convert for $kind {
                fn annotation() -> String {
                    $class.to_owned()
                }

                fn convert(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
                    let word: fn(Python<'_>, Self) -> PyResult<Bound<'_, PyAny>> = $word;
                    CLASS.import(py, $module, $class)?.call1((word(py, self)?,))
                }
            }
        )*

        /// The words of each enumeration, as the core has them: for the test that Python's have the same.
        #[pyfunction]
        pub(in crate::python) fn enumeration_words(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
            let words = PyDict::new(py);
            $(words.set_item($class, words_of::<$kind>())?;)*
            Ok(words)
        }
    };
}

words! {
    "Action" in "kubepki.types": plan::Action = |py, word| answer(py, &word);
    "Algorithm" in "kubepki.types": Algorithm = |py, word| answer(py, &word);
    "BackupState" in "kubepki.types": State = |py, word| answer(py, &word);
    "Cause" in "kubepki.types": plan::Cause = |py, word| answer(py, &word);
    "Difference" in "kubepki.types": Difference = |py, word| answer(py, &word);
    "Kind" in "kubepki.types": plan::Kind = |py, word| answer(py, &word);
    "RecoveryOutcome" in "kubepki.types": Outcome = |py, word| answer(py, &word);
    "RestartAction" in "kubepki.types": RestartAction = |py, word| answer(py, &word);
    "RestartWay" in "kubepki.types": Way = |py, word| answer(py, &word);
    "Role" in "kubepki.types": Role = |py, word| answer(py, &word);
    "Severity" in "kubepki.types": audit::Severity = |py, word| answer(py, &word);
    "Status" in "kubepki.types": Status = |py, word| word.exit_code().convert(py);
    "TreeKind" in "kubepki.types": TreeKind = |py, word| answer(py, &word);
}

/// The words that an enumeration is read from.
fn words_of<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut words: &'static [&'static str] = &[];
    // It is asked which words there are, and gets none.
    let _ = T::deserialize(Asking(&mut words));
    words
}

struct Asking<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Asking<'_> {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(serde::de::Error::custom("an enumeration was expected"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = variants;
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
