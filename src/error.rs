//! What every error of this crate can say about itself.
//!
//! In: nothing. Out: [`Diagnostic`], which each module's own error enum implements, and [`Error`], the
//! one type that crosses module borders. An error enum keeps its evidence in fields; this module never
//! formats evidence and never decides what a caller does with an error.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::printable;

/// What kind of failure an error is; a command line turns it into its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// The call itself is wrong: a flag, a name, a configuration file (exit code 2).
    Usage,
    /// Something on disk is not as it must be (exit code 1).
    Finding,
    /// The environment failed: files, permissions, space, locks (exit code 3).
    Environment,
    /// kubepki could do it and will not, because it would do harm (exit code 4).
    Refused,
    /// A part was done and a part was not (exit code 5).
    Partial,
    /// The user interrupted the work (exit code 130).
    Interrupted,
    /// kubepki itself is at fault (exit code 3).
    Internal,
}

impl Category {
    /// The process exit code of this category.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Finding => 1,
            Self::Usage => 2,
            Self::Environment | Self::Internal => 3,
            Self::Refused => 4,
            Self::Partial => 5,
            Self::Interrupted => 130,
        }
    }
}

/// An error with a stable code, a hint that says what to do, and evidence.
///
/// Codes are `area.what_is_wrong` (`key.encrypted`) and never change once released;
/// `docs/reference/errors.md` lists them all.
pub trait Diagnostic: std::error::Error + Send + Sync + 'static {
    /// The stable dotted code.
    fn code(&self) -> &'static str;

    /// What the user can do about it: one sentence, no trailing newline.
    fn hint(&self) -> String;

    /// The same where the file is known that the error is about: with commands that name it.
    fn hint_at(&self, _path: &std::path::Path) -> String {
        self.hint()
    }

    /// The kind of failure.
    fn category(&self) -> Category {
        Category::Environment
    }

    /// The evidence as data (paths, names, numbers; never key material).
    fn context(&self) -> serde_json::Value {
        serde_json::Value::Object(serde_json::Map::new())
    }
}

/// Any module's error, with its code, hint and evidence intact.
pub struct Error(Box<dyn Diagnostic>);

/// The result of everything that can fail across a module border.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The stable dotted code, as `key.encrypted`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code()
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        printable(&self.0.hint()).into_owned()
    }

    /// The same where the file is known that the error is about.
    #[must_use]
    pub fn hint_at(&self, path: &std::path::Path) -> String {
        self.0.hint_at(path)
    }

    /// The kind of failure.
    #[must_use]
    pub fn category(&self) -> Category {
        self.0.category()
    }

    /// The evidence as data.
    #[must_use]
    pub fn context(&self) -> serde_json::Value {
        self.0.context()
    }
}

impl<T: Diagnostic> From<T> for Error {
    fn from(error: T) -> Self {
        Self(Box::new(error))
    }
}

/// What is wrong, in one line that may be shown: evidence comes from outside.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.0.to_string()))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {self}", self.0.code())
    }
}

/// kubepki has a fault of its own: a panic.
#[derive(Debug, thiserror::Error)]
#[error("kubepki stopped at a fault of its own: {message}")]
pub struct Panicked {
    /// What the panic says.
    message: String,
}

impl Diagnostic for Panicked {
    fn code(&self) -> &'static str {
        "internal.panic"
    }

    fn hint(&self) -> String {
        "this is a defect in kubepki: report it with the command, this message and `kubepki version`; the next run \
         completes or takes back what was begun"
            .into()
    }

    fn category(&self) -> Category {
        Category::Internal
    }
}

/// Does `work`; a panic in it becomes [`Panicked`], so that callers in other languages get an error like any other.
///
/// # Errors
/// [`Panicked`].
pub fn without_panic<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    // What a panic left half changed is dropped with the closure: callers keep nothing of it.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).map_err(|payload| {
        let message = payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "no message".to_owned());
        Panicked { message }
    })
}

/// The known name that a mistyped one was most likely meant to be, for a hint.
///
/// ```
/// assert_eq!(kubepki::error::nearest("apisrever", ["ca", "apiserver"]), Some("apiserver"));
/// assert_eq!(kubepki::error::nearest("cluster_name", ["etcd", "clusterName"]), Some("clusterName"));
/// assert_eq!(kubepki::error::nearest("etcdServers", ["etcd", "clusterName"]), Some("etcd"));
/// assert_eq!(kubepki::error::nearest("mars", ["ca", "apiserver"]), None);
/// ```
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 256;
    const SHORTEST_STEM: usize = 4;
    if name.len() > LONGEST {
        return None;
    }
    // More wrong letters are another name.
    let wrong = 3.min(name.chars().count() / 2);
    let name = name.to_lowercase();
    let distance = |known: &str| strsim::damerau_levenshtein(&name, &known.to_lowercase());
    // `dataDirectory` for `dataDir` is many letters away.
    let is_lengthened = |known: &str| known.len() >= SHORTEST_STEM && name.starts_with(&known.to_lowercase());
    let candidates = known.into_iter().map(|known| (distance(known), known));
    let (far, known) =
        candidates.min_by_key(|(distance, known)| (*distance > wrong && !is_lengthened(known), *distance))?;
    (far <= wrong || is_lengthened(known)).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("no such thing: {0}")]
    struct Absent(String);

    impl Diagnostic for Absent {
        fn code(&self) -> &'static str {
            "test.absent"
        }
        fn hint(&self) -> String {
            "make it".into()
        }
    }

    #[test]
    fn a_panic_is_an_error_with_a_code() {
        let error = Error::from(without_panic(|| panic!("{} is odd", 7)).unwrap_err());
        assert_eq!(error.code(), "internal.panic");
        assert!(error.to_string().contains("7 is odd"), "{error}");
        assert!(error.hint().contains("report"), "{}", error.hint());
        assert_eq!(error.category().exit_code(), 3);
        assert_eq!(without_panic(|| 7).unwrap(), 7);
    }

    #[test]
    fn an_error_keeps_code_hint_and_text_across_the_border() {
        fn fails() -> Result<()> {
            Err(Absent("x".into()))?
        }
        let error = fails().unwrap_err();
        assert_eq!(error.code(), "test.absent");
        assert_eq!(error.hint(), "make it");
        assert_eq!(error.to_string(), "no such thing: x");
        assert_eq!(format!("{error:?}"), "[test.absent] no such thing: x");
        assert_eq!(error.category().exit_code(), 3);
    }
}
