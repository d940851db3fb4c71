//! What `_core.pyi` says of the values: made of their declarations, so that it cannot differ from them.
//!
//! In: nothing. Out: lines of Python.

use pyo3::prelude::*;

use super::{Certificate, CertificateFile, CheckReport, Convert, FileProblem, Finding, Problem};

/// A name and its annotation.
type Named = (&'static str, fn() -> String);

/// What is declared of one class.
pub(in crate::python) struct Class {
    pub(in crate::python) name: &'static str,
    pub(in crate::python) doc: &'static [&'static str],
    pub(in crate::python) attributes: &'static [Named],
    pub(in crate::python) methods: &'static [Named],
}

const CLASSES: &[Class] =
    &[Certificate::STUB, CertificateFile::STUB, CheckReport::STUB, FileProblem::STUB, Finding::STUB, Problem::STUB];

/// The annotation of an expression that is not evaluated.
pub(in crate::python) fn annotation_of<T: Convert>(_: Option<T>) -> String {
    T::annotation()
}

impl Class {
    fn text(&self) -> String {
        let doc: Vec<_> = self.doc.iter().map(|line| line.trim()).collect();
        let end = if doc.len() > 1 { "\n    " } else { "" };
        let mut lines = vec![
            "@final".to_owned(),
            format!("class {}:", self.name),
            format!("    \"\"\"{}{end}\"\"\"\n", doc.join("\n    ").replace("\n    \n", "\n\n")),
        ];
        for (name, annotation) in self.attributes {
            lines.push(format!("    @property\n    def {name}(self) -> {}: ...", annotation()));
        }
        for (name, annotation) in self.methods {
            lines.push(format!("    def {name}(self) -> {}: ...", annotation()));
        }
        lines.push(ALWAYS.to_owned());
        lines.join("\n")
    }
}

const ALWAYS: &str = "    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: object) -> Self: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
    def _repr_html_(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self: ...
";

/// The classes as `_core.pyi` has them.
#[pyfunction]
pub(in crate::python) fn values_stub() -> String {
    CLASSES.iter().map(Class::text).collect::<Vec<_>>().join("\n")
}
