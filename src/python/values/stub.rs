//! What `_core.pyi` says of the values: made of their declarations, so that it cannot differ from them.
//!
//! In: nothing. Out: lines of Python.

use super::Convert;

/// What an attribute's value is, or a method's.
pub(in crate::python) struct Kind {
    /// Its type as an annotation.
    annotation: String,
    /// Whether its text is of several lines.
    pub(super) has_lines: bool,
}

/// An attribute or a method.
pub(in crate::python) type Named = (&'static str, fn() -> Kind);

/// What is declared of one class.
pub(in crate::python) struct Class {
    pub(in crate::python) name: &'static str,
    pub(in crate::python) doc: &'static [&'static str],
    pub(in crate::python) attributes: &'static [Named],
    pub(in crate::python) methods: &'static [Named],
    /// The lines of what every class of its kind has.
    pub(in crate::python) always: &'static str,
    /// The lines of its further methods.
    pub(in crate::python) further: &'static [&'static str],
}

/// The kind of an expression that is not evaluated.
pub(in crate::python) fn kind_of<T: Convert>(_: Option<T>) -> Kind {
    Kind { annotation: T::annotation(), has_lines: T::HAS_LINES }
}

impl Class {
    pub(super) fn text(&self) -> String {
        let doc: Vec<_> = self.doc.iter().map(|line| line.trim()).collect();
        let end = if doc.len() > 1 { "\n    " } else { "" };
        let mut lines = vec![
            "@final".to_owned(),
            format!("class {}:", self.name),
            format!("    \"\"\"{}{end}\"\"\"\n", doc.join("\n    ").replace("\n    \n", "\n\n")),
        ];
        let names: Vec<_> = self.attributes.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        lines.push(tuple("    __match_args__: Final = ", &names));
        for (name, kind) in self.attributes {
            lines.push(format!("    @property\n    def {name}(self) -> {}: ...", kind().annotation));
        }
        for (name, kind) in self.methods {
            lines.push(format!("    def {name}(self) -> {}: ...", kind().annotation));
        }
        lines.extend(self.further.iter().map(|line| (*line).to_owned()));
        lines.push(self.always.to_owned());
        lines.join("\n")
    }
}

/// A tuple on one line where that has room, on one for each item otherwise, as the formatter has it.
fn tuple(start: &str, items: &[String]) -> String {
    let line = format!("{start}({}{})", items.join(", "), if items.len() == 1 { "," } else { "" });
    if line.len() <= LINE {
        return line;
    }
    let items: Vec<_> = items.iter().map(|item| format!("        {item},")).collect();
    format!("{start}(\n{}\n    )", items.join("\n"))
}

/// A line of the stub is no longer.
const LINE: usize = 120;

pub(in crate::python) const OF_A_VALUE: &str = "    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: object) -> Self: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
    def _repr_html_(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self: ...
";

pub(in crate::python) const OF_A_SECRET: &str = "    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> NoReturn: ...
    def _repr_html_(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
";
