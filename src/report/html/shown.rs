//! Texts and states as a page shows them.
//!
//! In: text from outside, states. Out: [`Shown`], which is printable by its making and escaped by the template; the class, the
//! sign and the word of a state, since colour alone says nothing.

use std::fmt;

use crate::audit::node::Status;
use crate::audit::{SeenCertificate, Severity};
use crate::report::certificate::State;
use crate::text::printable;

/// A text that may be shown: one line that nothing obeys.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shown(String);

impl Shown {
    pub(super) fn of(text: impl AsRef<str>) -> Self {
        Self(printable(text.as_ref()).into_owned())
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// At most so many characters; what is cut ends with an ellipsis.
    pub(super) fn shortened(&self, length: usize) -> Self {
        if self.0.chars().count() <= length {
            return self.clone();
        }
        Self(self.0.chars().take(length.saturating_sub(1)).chain(['…']).collect())
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How something stands: by colour, by sign and by word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) class: &'static str,
    pub(super) mark: &'static str,
    pub(super) word: &'static str,
}

/// Mid-tones that can be told from a white and from a black ground.
const COLOURS: [(&str, &str); 5] =
    [("ok", "#2da44e"), ("warning", "#bf8700"), ("critical", "#d1242f"), ("unknown", "#8250df"), ("info", "#218bff")];

impl Standing {
    const fn new(class: &'static str, mark: &'static str, word: &'static str) -> Self {
        Self { class, mark, word }
    }

    pub(super) const fn of_status(status: Status) -> Self {
        match status {
            Status::Ok => Self::new("ok", "✓", "ok"),
            Status::Warning => Self::new("warning", "!", "warning"),
            Status::Critical => Self::new("critical", "✗", "critical"),
            Status::Unknown => Self::new("unknown", "?", "unknown"),
        }
    }

    pub(super) const fn of_severity(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::new("info", "i", "info"),
            Severity::Warning => Self::new("warning", "!", "warning"),
            Severity::Critical => Self::new("critical", "✗", "critical"),
        }
    }

    pub(super) const fn of_state(state: State) -> Self {
        match state.rank() {
            0 => Self::new("ok", "✓", state.word()),
            1 => Self::new("warning", "!", state.word()),
            _ => Self::new("critical", "✗", state.word()),
        }
    }

    /// Its colour in a picture, which has no style.
    pub(super) fn colour(self) -> &'static str {
        COLOURS.iter().find(|(class, _)| *class == self.class).map_or("currentColor", |(_, colour)| colour)
    }
}

/// A name with its certificate's kind, where that is a CA's.
pub(super) fn name_of(seen: &SeenCertificate) -> Shown {
    Shown::of(if seen.is_ca { format!("{} (CA)", seen.name) } else { seen.name.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_one_line_and_cut_with_a_sign() {
        assert_eq!(Shown::of("a\nb\u{202e}").to_string(), "a\\nb\\u{202e}");
        assert_eq!(Shown::of("abcdef").shortened(4).to_string(), "abc…");
        assert_eq!(Shown::of("abcd").shortened(4).to_string(), "abcd");
    }
}
