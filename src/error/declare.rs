//! The two macros with which modules declare what can go wrong: `faults!` for errors, `findings!` for what is judged.
//!
//! One declaration has all there is to say of a code; the tables of `docs/reference` are made of it (`make reference`).
//!
//! An error has evidence, so its message and hint are made of its fields:
//!
//! ```ignore
//! faults! {
//!     /// Why a key could not be read.
//!     pub enum KeyError {
//!         /// The key is damaged; restore it from a backup.        (what the reference says)
//!         #[error("the key is damaged at {offset}")]              (the message, as thiserror has it)
//!         #[fault("key.damaged", Finding, format!("restore {path}", path = path.display()))]
//!         Damaged {
//!             /// Where it is.
//!             path: PathBuf,
//!             /// The first damaged byte.
//!             offset: usize,
//!         },
//!     }
//! }
//! ```
//!
//! `#[fault(code, category, hint)]` is the code, a [`Category`](super::Category), and an expression for the hint that can use
//! the fields: text, a `String`, or `|file: &Path| …` for a hint that names the file at fault. What may follow:
//!
//! - the code `as NAME`: a constant of the error (`StoreError::NO_PERMISSION`) for those who compare codes;
//! - the category `or Partial if …`: the other category when the condition on the fields holds;
//! - `context = …`: the evidence where it is not all fields by their names; `evidence!(path, limit)` takes some of them.
//!
//! `enum X509Error or Key(KeyError)` also passes on an error of another module as it is.
//!
//! A finding's evidence is said by whoever judges, so its declaration has no message:
//!
//! ```ignore
//! findings! {
//!     /// What can be wrong with a file.
//!     pub enum FindingCode: Severity {
//!         /// The file is missing.                                (what the reference says)
//!         #[finding("file.missing", Critical, "Restore it.")]
//!         FileMissing,
//!     }
//! }
//! ```
//!
//! `#[finding(code, severity, remedy)]` is the code, its usual severity and what to do. The severity may be followed by
//! `also "warning in a plan"`, for the reference; the remedy by `example = "a message"`. `enum FindingCode: Severity or StoreError`
//! says that codes of another set are found too.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::Diagnostic;

/// A field of an error, as data.
pub trait Evidence {
    /// The data.
    fn evidence(&self) -> Value;
}

macro_rules! as_it_is {
    ($($kind:ty),+) => {
        $(impl Evidence for $kind {
            fn evidence(&self) -> Value {
                json!(self)
            }
        })+
    };
}

as_it_is!(bool, &'static str, String, i64, u32, u64, usize, f64, DateTime<Utc>);

/// A file name may be any bytes, and JSON holds only text.
impl Evidence for PathBuf {
    fn evidence(&self) -> Value {
        json!(self.to_string_lossy())
    }
}

/// In seconds.
impl Evidence for Duration {
    fn evidence(&self) -> Value {
        json!(self.as_secs_f64())
    }
}

/// The system's number of it.
impl Evidence for std::io::Error {
    fn evidence(&self) -> Value {
        json!(self.raw_os_error())
    }
}

impl<T: Evidence> Evidence for Option<T> {
    fn evidence(&self) -> Value {
        self.as_ref().map_or(Value::Null, Evidence::evidence)
    }
}

impl<T: Evidence> Evidence for Vec<T> {
    fn evidence(&self) -> Value {
        self.iter().map(Evidence::evidence).collect()
    }
}

/// An error that another one was caused by.
impl<T: Diagnostic> Evidence for Box<T> {
    fn evidence(&self) -> Value {
        json!({ "code": self.code(), "context": self.context() })
    }
}

/// What a hint may be written as.
pub trait Hint {
    /// Its text, where `file` is what the error is about.
    fn text(self, file: &Path) -> String;
}

impl Hint for &str {
    fn text(self, _file: &Path) -> String {
        self.to_owned()
    }
}

impl Hint for String {
    fn text(self, _file: &Path) -> String {
        self
    }
}

impl<F: Fn(&Path) -> String> Hint for F {
    fn text(self, file: &Path) -> String {
        self(file)
    }
}

/// An object of these variables, by their names.
macro_rules! evidence {
    ($($field:ident),* $(,)?) => {
        serde_json::json!({ $((stringify!($field)): $crate::error::Evidence::evidence($field)),* })
    };
}

/// Declares an error: see the module.
macro_rules! faults {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $Name:ident $(or $Inner:ident($inner:ty))? {
            $(
                $(#[doc = $meaning:literal])+
                #[error($($message:tt)+)]
                #[fault(
                    $code:literal $(as $CONSTANT:ident)?,
                    $category:ident $(or $Other:ident if $when:expr)?,
                    $hint:expr
                    $(, context = $context:expr)? $(,)?
                )]
                $Variant:ident $({ $($(#[doc = $about:literal])+ $field:ident: $kind:ty),+ $(,)? })?
            ),+ $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, thiserror::Error)]
        $visibility enum $Name {
            $(
                $(#[doc = $meaning])+
                #[error($($message)+)]
                $Variant $({ $($(#[doc = $about])+ $field: $kind),+ })?,
            )+
            $(
                /// An error of another module, as it is.
                #[error(transparent)]
                $Inner(#[from] $inner),
            )?
        }

        #[allow(unused_variables, clippy::match_same_arms, clippy::too_many_lines)]
        impl $crate::error::Diagnostic for $Name {
            fn code(&self) -> $crate::error::Code {
                match self {
                    $(Self::$Variant { .. } => $crate::error::Code::declared($code),)+
                    $(Self::$Inner(inner) => <$inner as $crate::error::Diagnostic>::code(inner),)?
                }
            }

            fn category(&self) -> $crate::error::Category {
                match self {
                    $(Self::$Variant $({ $($field),+ })? => {
                        $(if $when { return $crate::error::Category::$Other; })?
                        $crate::error::Category::$category
                    })+
                    $(Self::$Inner(inner) => <$inner as $crate::error::Diagnostic>::category(inner),)?
                }
            }

            fn hint_at(&self, file: &std::path::Path) -> String {
                match self {
                    $(Self::$Variant $({ $($field),+ })? => $crate::error::Hint::text($hint, file),)+
                    $(Self::$Inner(inner) => <$inner as $crate::error::Diagnostic>::hint_at(inner, file),)?
                }
            }

            fn context(&self) -> serde_json::Value {
                match self {
                    $(Self::$Variant $({ $($field),+ })? => {
                        $crate::error::faults!(@context [$($context)?] $($($field),+)?)
                    })+
                    $(Self::$Inner(inner) => <$inner as $crate::error::Diagnostic>::context(inner),)?
                }
            }
        }

        impl $crate::error::Declared for $Name {
            const DECLARATIONS: &'static [$crate::error::Declaration] = &[$($crate::error::Declaration {
                code: $crate::error::Code::declared($code),
                kinds: &[stringify!($category) $(, stringify!($Other))?],
                meaning: concat!($($meaning),+),
                remedy: "",
                source: "",
                example: "",
            }),+];
            const OTHERS: &'static [fn(&str) -> Option<$crate::error::Code>] =
                &[$(<$inner as $crate::error::Declared>::known)?];
        }

        $crate::error::faults!(@constants $visibility $Name [$($(($CONSTANT $code))?)+]);
    };
    (@context [$context:expr] $($field:ident),*) => { $context };
    (@context [] $($field:ident),*) => { $crate::error::evidence!($($field),*) };
    (@constants $visibility:vis $Name:ident []) => {};
    (@constants $visibility:vis $Name:ident [$(($CONSTANT:ident $code:literal))+]) => {
        impl $Name {
            $(
                #[doc = concat!("The code `", $code, "`.")]
                $visibility const $CONSTANT: $crate::error::Code = $crate::error::Code::declared($code);
            )+
        }
    };
}

/// Declares what can be found: see the module.
macro_rules! findings {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $Name:ident: $Severity:ident $(or $($other_set:ty),+)? {
            $(
                $(#[doc = $meaning:literal])+
                #[finding(
                    $code:literal, $severity:ident $(also $other:literal)?, $remedy:literal
                    $(, source = $source:literal)? $(, example = $example:literal)? $(,)?
                )]
                $Variant:ident
            ),+ $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $visibility enum $Name {
            $($(#[doc = $meaning])+ $Variant),+
        }

        #[allow(dead_code)] // not every room asks for all of it
        impl $Name {
            /// The stable dotted code.
            #[must_use]
            $visibility const fn code(self) -> $crate::error::Code {
                match self {
                    $(Self::$Variant => $crate::error::Code::declared($code)),+
                }
            }

            /// The one with this code, if it is declared here.
            #[must_use]
            $visibility fn of(code: $crate::error::Code) -> Option<Self> {
                [$(Self::$Variant),+].into_iter().find(|one| one.code() == code)
            }

            /// How bad it usually is.
            #[must_use]
            $visibility const fn severity(self) -> $Severity {
                match self {
                    $(Self::$Variant => $Severity::$severity),+
                }
            }

            /// What to do, as the reference says it.
            #[must_use]
            $visibility const fn remedy(self) -> &'static str {
                match self {
                    $(Self::$Variant => $remedy),+
                }
            }
        }

        impl From<$Name> for $crate::error::Code {
            fn from(code: $Name) -> Self {
                code.code()
            }
        }

        impl PartialEq<$Name> for $crate::error::Code {
            fn eq(&self, other: &$Name) -> bool {
                *self == other.code()
            }
        }

        impl $crate::error::Declared for $Name {
            const DECLARATIONS: &'static [$crate::error::Declaration] = &[$($crate::error::Declaration {
                code: $crate::error::Code::declared($code),
                kinds: &[stringify!($severity) $(, $other)?],
                meaning: concat!($($meaning),+),
                remedy: $remedy,
                source: concat!($($source)?),
                example: concat!($($example)?),
            }),+];
            const OTHERS: &'static [fn(&str) -> Option<$crate::error::Code>] =
                &[$($(<$other_set as $crate::error::Declared>::known),+)?];
        }
    };
}

pub(crate) use {evidence, faults, findings};
