//! What to do about a finding, and how far that is settled where it is judged.
//!
//! In: a sentence of the form of [`crate::remedy`]. Out: a [`Remedy`]. Whoever judges knows what is wrong; whoever advises
//! ([`crate::audit::advice`]) knows the node, and looks at [`Settled`], never at the words.

use crate::catalogue::Binding;

/// What to do, as whoever judges has it.
#[derive(Clone, Debug)]
pub struct Remedy {
    pub(super) text: String,
    pub(super) settled: Settled,
}

/// How far a remedy holds for every node.
#[derive(Clone, Debug, Default)]
pub(crate) enum Settled {
    /// What to do depends on the node.
    #[default]
    Open,
    /// Nothing need be done.
    Nothing,
    /// An option of the run, or another file, puts it right; a new file would not.
    Chosen,
    /// It holds where its CA signs here. Elsewhere it is asked for; the binding may be made instead.
    WhereSigned(Option<&'static Binding>),
    /// A new certificate of the same CA would be refused too.
    AuthorityForbids,
    /// The CA allows the certificate, but not a name: this one, where it can be told.
    AuthorityForbidsName(Option<String>),
}

/// What is settled makes no finding another one: it is not shown, and does not outlive the run.
impl PartialEq for Settled {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Settled {}

impl Remedy {
    /// One that asks for nothing. The text starts with `nothing`.
    #[must_use]
    pub fn nothing(text: impl Into<String>) -> Self {
        let text = text.into();
        debug_assert!(text.starts_with("nothing"), "{text}");
        Self { text, settled: Settled::Nothing }
    }

    /// One that holds on every node.
    #[must_use]
    pub fn chosen(text: impl Into<String>) -> Self {
        Self { text: text.into(), settled: Settled::Chosen }
    }

    /// One that is settled so far.
    pub(crate) fn settled(text: impl Into<String>, settled: Settled) -> Self {
        Self { text: text.into(), settled }
    }
}

/// A remedy that depends on the node.
impl<T: Into<String>> From<T> for Remedy {
    fn from(text: T) -> Self {
        Self { text: text.into(), settled: Settled::Open }
    }
}
