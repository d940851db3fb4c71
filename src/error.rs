//! What every error of this crate can say about itself.
//!
//! In: the declarations of each module's own errors ([`declare`]). Out: [`Diagnostic`], which they implement; [`Fault`],
//! what one of them says as a value; and [`Error`], the one type that crosses module borders. An error keeps its evidence
//! in fields; this module never formats evidence and never decides what a caller does with an error.

mod code;
pub mod declare;
mod fault;

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use code::{Code, Declaration, Declared, read_codes_by};
pub use declare::{Evidence, Hint};
pub(crate) use declare::{evidence, faults, findings};
pub use fault::Fault;

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

/// What every module's own error says of itself; [`faults!`](declare) implements it.
///
/// Codes are `area.what_is_wrong` (`key.encrypted`) and never change once released;
/// `docs/reference/errors.md` lists them all.
pub trait Diagnostic: fmt::Display {
    /// Which error it is.
    fn code(&self) -> Code;

    /// The kind of failure.
    fn category(&self) -> Category;

    /// What the user can do about it: one sentence, no trailing newline, with commands that name the file at fault.
    fn hint_at(&self, file: &Path) -> String;

    /// The same where that file is not known.
    fn hint(&self) -> String {
        self.hint_at(Path::new("FILE"))
    }

    /// The evidence as data (paths, names, numbers; never key material).
    fn context(&self) -> serde_json::Value;

    /// All of it as a value.
    fn fault(&self) -> Fault {
        self.fault_at(Path::new("FILE"))
    }

    /// The same where the file is known that the error is about.
    fn fault_at(&self, file: &Path) -> Fault {
        Fault {
            code: self.code(),
            category: self.category(),
            message: self.to_string(),
            hint: self.hint_at(file),
            context: self.context(),
        }
    }
}

/// Any module's error, with its code, hint and evidence intact.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Fault>);

/// The result of everything that can fail across a module border.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Which error it is, as `key.encrypted`.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        printable(&self.0.hint).into_owned()
    }

    /// The kind of failure.
    #[must_use]
    pub fn category(&self) -> Category {
        self.0.category
    }

    /// The evidence as data.
    #[must_use]
    pub fn context(&self) -> &serde_json::Value {
        &self.0.context
    }
}

impl<T: Diagnostic> From<T> for Error {
    fn from(error: T) -> Self {
        error.fault().into()
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        *error.0
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self(Box::new(fault))
    }
}

/// What is wrong, in one line that may be shown: evidence comes from outside.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.0.message))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {self}", self.0.code)
    }
}

faults! {
    /// kubepki has a fault of its own.
    #[derive(PartialEq, Eq)]
    pub enum InternalError {
        /// A defect in kubepki: please report it with the command, the message and `kubepki version`. In Python it is
        /// `InternalError`. What was begun is completed or taken back by the next run.
        #[error("kubepki stopped at a fault of its own: {message}")]
        #[fault("internal.panic", Internal,
            "this is a defect in kubepki: report it with the command, this message and `kubepki version`; the next run \
             completes or takes back what was begun")]
        Panic {
            /// What the panic says.
            message: String,
        },
    }
}

/// Does `work`; a panic in it becomes [`InternalError::Panic`], so that callers in other languages get an error like any other.
///
/// # Errors
/// [`InternalError::Panic`].
pub fn without_panic<T>(work: impl FnOnce() -> T) -> Result<T, InternalError> {
    // What a panic left half changed is dropped with the closure: callers keep nothing of it.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).map_err(|payload| {
        let message = payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "no message".to_owned());
        InternalError::Panic { message }
    })
}

/// The known name that a mistyped one was most likely meant to be, for a hint.
///
/// ```
/// assert_eq!(kubepki::error::nearest("apisrever", ["ca", "apiserver"]), Some("apiserver"));
/// assert_eq!(kubepki::error::nearest("cluster_name", ["etcd", "clusterName"]), Some("clusterName"));
/// assert_eq!(kubepki::error::nearest("etcdServers", ["etcd", "clusterName"]), Some("etcd"));
/// assert_eq!(kubepki::error::nearest("apiserver", ["etcd", "kube-apiserver"]), Some("kube-apiserver"));
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
    // `dataDirectory` for `dataDir` is many letters away, and so is `apiserver` for `kube-apiserver`.
    let is_lengthened = |known: &str| {
        let known = known.to_lowercase();
        let is_end = || known.strip_suffix(&name).is_some_and(|rest| rest.ends_with('-'));
        known.len() >= SHORTEST_STEM && (name.starts_with(&known) || is_end())
    };
    let candidates = known.into_iter().map(|known| (distance(known), known));
    let (far, known) =
        candidates.min_by_key(|(distance, known)| (*distance > wrong && !is_lengthened(known), *distance))?;
    (far <= wrong || is_lengthened(known)).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    faults! {
        /// Why it did not go.
        #[derive(PartialEq, Eq)]
        enum Absent or Panicked(InternalError) {
            /// It is not there.
            #[error("no such thing: {name}")]
            #[fault("test.absent" as ABSENT, Environment or Partial if *tries > 1, "make it")]
            Name {
                /// What.
                name: String,
                /// How often it was looked for.
                tries: usize,
            },
            /// It is another thing, and nobody
            /// wants it.
            #[error("another thing")]
            #[fault("test.other", Usage, |file: &Path| format!("rm {}", file.display()), context = serde_json::json!([7]))]
            Other,
        }
    }

    findings! {
        /// What is found.
        enum Found: Category {
            /// It is odd.
            #[finding("test.odd", Usage also "refused on Sundays", "Look again.", example = "how odd")]
            Odd,
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
            Err(Absent::Name { name: "x".into(), tries: 1 })?
        }
        let error = fails().unwrap_err();
        assert_eq!(error.code(), "test.absent");
        assert_eq!(error.hint(), "make it");
        assert_eq!(error.to_string(), "no such thing: x");
        assert_eq!(format!("{error:?}"), "[test.absent] no such thing: x");
        assert_eq!(error.category().exit_code(), 3);
        assert_eq!(error.context(), &serde_json::json!({ "name": "x", "tries": 1 }));
    }

    #[test]
    fn a_declaration_says_everything() {
        let other = Absent::Other.fault_at(Path::new("/x"));
        assert_eq!((other.hint.as_str(), other.context), ("rm /x", serde_json::json!([7])));
        assert_eq!(Absent::Name { name: String::new(), tries: 2 }.category(), Category::Partial);
        let panic = Absent::from(InternalError::Panic { message: "odd".into() });
        assert_eq!((panic.code().as_str(), panic.category()), ("internal.panic", Category::Internal));

        let [name, other] = Absent::DECLARATIONS else { panic!("not two") };
        assert_eq!((name.code, name.kinds), (Absent::ABSENT, &["Environment", "Partial"][..]));
        assert_eq!(other.meaning, " It is another thing, and nobody wants it.");
        assert!(Absent::declares(Absent::ABSENT) && !Absent::declares(Found::Odd.code()));

        let [odd] = Found::DECLARATIONS else { panic!("not one") };
        assert!(odd.code == Found::Odd && Found::Odd.severity() == Category::Usage);
        assert_eq!((odd.kinds, odd.example), (&["Usage", "refused on Sundays"][..], "how odd"));
        assert_eq!(odd.remedy, Found::Odd.remedy());
    }
}
