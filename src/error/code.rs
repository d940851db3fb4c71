//! Codes: what an error, a finding or a problem is called, for ever.
//!
//! In: the declarations of [`faults!`](super::faults) and [`findings!`](super::findings). Out: [`Code`], which only a
//! declaration makes, and [`Declaration`], of which the tables of `docs/reference` are made.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// The stable name of an error, a finding or a problem: `area.what_is_wrong`, as `key.encrypted`. Codes are compared with
/// declared ones (`FindingCode::FileMissing`, `StoreError::NO_PERMISSION`), never with text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Code(&'static str);

impl Code {
    /// For the macros that declare codes.
    #[must_use]
    pub const fn declared(text: &'static str) -> Self {
        Self(text)
    }

    /// Its text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

/// What finds the codes that this version declares; the modules that declare them are on the floors above.
static DECLARED: OnceLock<fn(&str) -> Option<Code>> = OnceLock::new();

/// Says once for the process how a text becomes a declared code.
pub fn read_codes_by(declared: fn(&str) -> Option<Code>) {
    // Whoever comes second says the same.
    let _ = DECLARED.set(declared);
}

/// What was serialised is read back, whichever version has declared it. The texts of codes that this one does not know stay in
/// memory, so they are few and short.
impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        static READ: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
        let text = String::deserialize(deserializer)?;
        if let Some(declared) = DECLARED.get().and_then(|declared| declared(&text)) {
            return Ok(declared);
        }
        let is_code =
            text.len() <= 80 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte));
        let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = read.get(text.as_str()) {
            return Ok(Self(known));
        }
        if !is_code || read.len() >= 4096 {
            return Err(D::Error::custom(format!("{text:?} is no code")));
        }
        let kept: &'static str = text.leak();
        read.insert(kept);
        Ok(Self(kept))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

/// For tests, which hold codes against the text that users see; one of them sees that nothing else does.
impl PartialEq<&str> for Code {
    fn eq(&self, text: &&str) -> bool {
        self.0 == *text
    }
}

/// What is declared of a code, as `docs/reference` shows it.
#[derive(Clone, Copy, Debug)]
pub struct Declaration {
    /// The code.
    pub code: Code,
    /// The category of an error, the usual severity of a finding; then what else it may be, and when.
    pub kinds: &'static [&'static str],
    /// What it means; of an error also what to do, as far as that does not depend on its evidence.
    pub meaning: &'static str,
    /// What to do about a finding or a problem; empty for an error, which makes its hint of its evidence.
    pub remedy: &'static str,
    /// What says that it is a fault: a benchmark, an RFC, a KEP, an issue; empty for an error.
    pub source: &'static str,
    /// A message, for example; empty where there is none to show.
    pub example: &'static str,
}

/// A set of codes that are declared together.
pub trait Declared {
    /// All of them, in the order of the reference.
    const DECLARATIONS: &'static [Declaration];

    /// What finds codes of the sets that are passed on.
    const OTHERS: &'static [fn(&str) -> Option<Code>];

    /// Whether the code is one of them, and not of another set.
    #[must_use]
    fn declares(code: Code) -> bool {
        Self::DECLARATIONS.iter().any(|one| one.code == code)
    }

    /// The code with this text, of this set or of one that is passed on.
    #[must_use]
    fn known(text: &str) -> Option<Code> {
        let mut own = Self::DECLARATIONS.iter().map(|one| one.code);
        own.find(|code| code.as_str() == text).or_else(|| Self::OTHERS.iter().find_map(|known| known(text)))
    }
}
