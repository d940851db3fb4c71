//! What can be wrong with a configuration file, and the one list in which all of it is gathered.
//!
//! In: what the other modules of `config` find, each with its place. Out: [`Problem`]s in file order, and
//! [`ConfigError`]. It never decides whether something is wrong, and a value of a secret field never gets here.

mod code;

use serde::{Deserialize, Serialize};

pub(super) use code::Code;

use super::convert;
use crate::error::{self, Declaration, Declared as _, Evidence, faults};
use crate::yaml::Mark;

/// Whether a problem stops the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used; the user should know.
    Warning,
}

/// One thing that is wrong with a configuration file, or suspicious in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Whether it stops the work.
    pub severity: Severity,
    /// The stable code, as `config.unknown_field`; `docs/reference/configuration.md` lists them all.
    pub code: error::Code,
    /// The name of the file, as the caller gave it.
    pub file: String,
    /// The line, from 1; absent when the problem has no place (nothing is there).
    pub line: Option<usize>,
    /// The column in characters, from 1.
    pub column: Option<usize>,
    /// The dotted path of the field, as `apiServer.certSANs[1]`; empty for the file or a whole document.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:", self.file)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "{line}:{column}:")?;
        }
        if !self.field.is_empty() {
            write!(f, " {}:", self.field)?;
        }
        write!(f, " {}", self.message)
    }
}

impl Problem {
    /// Those of an error of the whole crate, whose evidence they are; none for every other error.
    #[must_use]
    pub fn all_of(error: &error::Error) -> Vec<Self> {
        let evidence = if error.code() == ConfigError::INVALID { error.context().get("problems") } else { None };
        evidence.and_then(|problems| Deserialize::deserialize(problems).ok()).unwrap_or_default()
    }
}

impl Evidence for Problem {
    fn evidence(&self) -> serde_json::Value {
        serde_json::json!(self)
    }
}

faults! {
    /// Why a configuration cannot be used.
    pub enum ConfigError {
        /// The file is larger than 1 MiB, more than any kubeadm configuration; check that it is the right one.
        #[error("{file}: {size} bytes are more than the {limit} that a configuration file may have")]
        #[fault("config.too_large", Usage, "check that this is the kubeadm configuration and not another file")]
        TooLarge {
            /// The name of the file.
            file: String,
            /// Its size in bytes.
            size: usize,
            /// The largest accepted size in bytes.
            limit: usize,
        },
        /// The file is not UTF-8 text; save it as UTF-8.
        #[error("{file}:{line}: the text is {}not UTF-8", encoding.map_or(String::new(), |name| format!("{name}, ")))]
        #[fault("config.not_utf8", Usage,
            match encoding {
                Some(encoding) => format!("convert it, and give the result: {}", convert::to_utf8(file, encoding)),
                None => "save the file as UTF-8".to_owned(),
            })]
        NotUtf8 {
            /// The name of the file.
            file: String,
            /// The line of the first byte that is not UTF-8, from 1.
            line: usize,
            /// What it is, as far as that is known.
            encoding: Option<&'static str>,
        },
        /// The file has problems; all are listed, each with line, column, field and hint.
        #[error("{}", lines(.problems))]
        #[fault("config.invalid" as INVALID, Usage, hint_of_all(problems))]
        Invalid {
            /// All of it.
            problems: Vec<Problem>,
        },
    }
}

/// The hint of the only error, or how many there are.
fn hint_of_all(problems: &[Problem]) -> String {
    let mut errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
    match (errors.next(), errors.count()) {
        (Some(only), 0) => only.hint.clone(),
        (_, more) => format!("correct the {} places listed; each has its own hint", more.saturating_add(1)),
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Every kind of problem, for the reference.
pub const PROBLEMS: &[Declaration] = Code::DECLARATIONS;

/// A place in a file: where, and under which dotted path.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) mark: Option<Mark>,
    pub(super) field: String,
}

impl Place {
    /// The file as a whole.
    pub(super) const fn file() -> Self {
        Self { mark: None, field: String::new() }
    }

    /// A place outside every field.
    pub(super) const fn at(mark: Mark) -> Self {
        Self { mark: Some(mark), field: String::new() }
    }
}

/// Where a text stands: in which file, and how many lines and columns further down and to the right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) file: String,
    pub(super) lines: usize,
    pub(super) columns: usize,
}

impl From<&str> for Origin {
    /// A text that is the file.
    fn from(file: &str) -> Self {
        Self { file: file.to_owned(), ..Self::default() }
    }
}

/// Gathers the problems of one file.
#[derive(Debug)]
pub(super) struct Problems {
    origin: Origin,
    lenient: bool,
    list: Vec<Problem>,
    /// What was found after the list was full, and whether an error was among it.
    more: usize,
    more_errors: bool,
}

/// Nobody reads more; a hostile file cannot make a larger report.
const MOST: usize = 500;

impl Problems {
    pub(super) fn new(origin: Origin, lenient: bool) -> Self {
        Self { origin, lenient, list: Vec::new(), more: 0, more_errors: false }
    }

    /// Records what is as bad as its code says.
    pub(super) fn add(&mut self, code: Code, place: &Place, message: impl Into<String>, hint: impl Into<String>) {
        self.push(code.severity(), code, place, message.into(), hint.into());
    }

    /// Records what is but a warning here.
    pub(super) fn warning(&mut self, code: Code, place: &Place, message: impl Into<String>, hint: impl Into<String>) {
        self.push(Severity::Warning, code, place, message.into(), hint.into());
    }

    /// Records what is an error unless the caller asked for leniency.
    pub(super) fn strict(&mut self, code: Code, place: &Place, message: impl Into<String>, hint: impl Into<String>) {
        let severity = if self.lenient { Severity::Warning } else { code.severity() };
        self.push(severity, code, place, message.into(), hint.into());
    }

    fn push(&mut self, severity: Severity, code: Code, place: &Place, message: String, hint: String) {
        if self.is_full() {
            self.more = self.more.saturating_add(1);
            self.more_errors |= severity == Severity::Error;
            return;
        }
        self.list.push(Problem {
            severity,
            code: code.code(),
            file: self.origin.file.clone(),
            line: place.mark.map(|mark| self.line(mark.line)),
            column: place.mark.map(|mark| mark.column.saturating_add(self.origin.columns)),
            field: place.field.clone(),
            message,
            hint,
        });
    }

    /// The file's number of a line of the text.
    pub(super) const fn line(&self, number: usize) -> usize {
        number.saturating_add(self.origin.lines)
    }

    /// Whether further problems are only counted.
    pub(super) fn is_full(&self) -> bool {
        self.list.len() >= MOST
    }

    /// Whether an error was recorded.
    pub(super) fn has_errors(&self) -> bool {
        self.more_errors || self.list.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// The warnings, or all problems when one of them is an error; in file order, those without a place first.
    pub(super) fn finish(mut self) -> Result<Vec<Problem>, ConfigError> {
        self.list.sort_by_key(|problem| (problem.line, problem.column));
        if self.more > 0 {
            self.list.push(Problem {
                severity: if self.more_errors { Severity::Error } else { Severity::Warning },
                code: Code::TooMany.code(),
                file: self.origin.file.clone(),
                line: None,
                column: None,
                field: String::new(),
                message: if self.more == 1 {
                    "1 more problem is not listed".into()
                } else {
                    format!("{} more problems are not listed", self.more)
                },
                hint: "correct those that are listed and look again".into(),
            });
        }
        if self.has_errors() { Err(ConfigError::Invalid { problems: self.list }) } else { Ok(self.list) }
    }
}

/// A value of the file for a message: quoted, control characters escaped, cut when long.
pub(super) fn quoted(value: &str) -> String {
    const LONGEST: usize = 80;
    if value.chars().nth(LONGEST).is_some() {
        let start: String = value.chars().take(LONGEST).collect();
        format!("{start:?}…")
    } else {
        format!("{value:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Category, Diagnostic};

    #[test]
    fn a_problem_shows_its_place_its_field_and_itself() {
        let mut problems = Problems::new("k.yaml".into(), false);
        let place = Place { mark: Some(Mark { line: 3, column: 7 }), field: "a.b[1]".into() };
        problems.add(Code::San, &place, "is bad", "make it good");
        problems.warning(Code::NoNodeName, &Place::file(), "is odd", "look");
        let error = problems.finish().unwrap_err();
        let ConfigError::Invalid { problems } = &error else { panic!("{error}") };
        assert_eq!(&Problem::all_of(&error.fault().into()), problems);
        assert_eq!(error.to_string(), "k.yaml: is odd; k.yaml:3:7: a.b[1]: is bad");
        assert_eq!(error.hint(), "make it good");
        assert_eq!(error.category(), Category::Usage);
        assert_eq!(error.context()["problems"][1]["line"], 3);
        assert_eq!(error.context()["problems"][1]["code"], "config.san");
    }

    #[test]
    fn leniency_turns_strict_problems_into_warnings() {
        for (lenient, usable) in [(false, false), (true, true)] {
            let mut problems = Problems::new("k.yaml".into(), lenient);
            problems.strict(Code::UnknownField, &Place::file(), "m", "h");
            assert_eq!(problems.finish().is_ok(), usable);
        }
    }

    #[test]
    fn an_error_counts_even_when_the_list_is_full() {
        let mut problems = Problems::new("k.yaml".into(), false);
        for _ in 0..=MOST {
            problems.add(Code::LongValidity, &Place::file(), "m", "h");
        }
        assert!(!problems.has_errors());
        problems.add(Code::Syntax, &Place::file(), "m", "h");
        let ConfigError::Invalid { problems } = problems.finish().unwrap_err() else { panic!("not invalid") };
        assert_eq!(problems.len(), MOST + 1);
        assert_eq!(problems[MOST].code, "config.too_many_problems");
        assert_eq!(problems[MOST].message, "2 more problems are not listed");
    }

    #[test]
    fn a_long_value_is_cut() {
        assert_eq!(quoted("a\nb"), r#""a\nb""#);
        assert_eq!(quoted(&"ä".repeat(80)), format!("\"{}\"", "ä".repeat(80)));
        assert_eq!(quoted(&"ä".repeat(81)), format!("\"{}\"…", "ä".repeat(80)));
    }
}
