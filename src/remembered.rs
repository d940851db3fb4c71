//! Answers that depend on nothing but public bytes, or on a digest of secret ones, remembered: a fleet has the same certificate in many
//! files, and a report looks at it for one question after the other.
//!
//! In: all that an answer depends on, and the answer. Out: the same answer again, on any thread. As an answer follows from the bytes alone,
//! what is remembered changes how long something takes and nothing else: neither order nor time matter. What is kept is bounded by a
//! number; whoever keeps answers of any size has to refuse large ones.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::digest::{Digest, Hasher};

/// Threads meet in one of these, by the digest's first byte.
const PARTS: usize = 16;

/// Answers by the digest of all that they depend on.
#[derive(Debug)]
pub struct Remembered<V> {
    parts: [Mutex<HashMap<Digest, V>>; PARTS],
    most: usize,
}

impl<V: Clone> Remembered<V> {
    /// One that keeps no more answers than `most`.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { parts: std::array::from_fn(|_| Mutex::default()), most: most / PARTS }
    }

    /// The answer, where it is known.
    pub fn find(&self, question: &Digest) -> Option<V> {
        self.part(question)?.lock().unwrap_or_else(PoisonError::into_inner).get(question).cloned()
    }

    /// Keeps an answer. Where there are too many, others are forgotten.
    pub fn keep(&self, question: Digest, answer: V) {
        let Some(part) = self.part(&question) else { return };
        let mut known = part.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= self.most {
            known.clear();
        }
        known.insert(question, answer);
    }

    /// The answer, asked for where it is not known.
    pub fn answer(&self, question: Digest, ask: impl FnOnce() -> V) -> V {
        if let Some(known) = self.find(&question) {
            return known;
        }
        let answer = ask();
        self.keep(question, answer.clone());
        answer
    }

    fn part(&self, question: &Digest) -> Option<&Mutex<HashMap<Digest, V>>> {
        let [first, ..] = question.as_bytes();
        self.parts.get(usize::from(*first) % PARTS)
    }
}

/// The digest of all that an answer depends on.
#[must_use]
pub fn question(parts: &[&[u8]]) -> Digest {
    let mut hasher = Hasher::default();
    for part in parts {
        // Two lists of parts that are the same one behind the other are different ones.
        hasher.update(&part.len().to_be_bytes());
        hasher.update(part);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_asked_for_once_and_other_questions_have_other_answers() {
        let known = Remembered::new(64);
        assert_eq!(known.find(&question(&[b"a"])), None);
        assert_eq!(known.answer(question(&[b"a"]), || 1), 1);
        assert_eq!(known.answer(question(&[b"a"]), || 2), 1);
        for (number, other) in (3..).zip([&[&b"b"[..]][..], &[b"a", b""], &[b"", b"a"], &[b"aa"], &[]]) {
            assert_eq!(known.answer(question(other), || number), number, "{other:?}");
        }
        assert_eq!(known.find(&question(&[b"a"])), Some(1));
    }

    #[test]
    fn no_more_is_kept_than_the_limit() {
        let known = Remembered::new(64);
        let kept = || known.parts.iter().map(|part| part.lock().unwrap().len()).sum::<usize>();
        for number in 0..1_000_usize {
            known.keep(question(&[&number.to_be_bytes()]), number);
            assert!(kept() <= 64, "{}", kept());
        }
        assert!(kept() > 16);
    }

    #[test]
    fn threads_remember_together() {
        let known = Remembered::new(64);
        std::thread::scope(|scope| scope.spawn(|| known.keep(question(&[b"a"]), 1)).join().unwrap());
        assert_eq!(known.find(&question(&[b"a"])), Some(1));
    }
}
