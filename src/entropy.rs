//! The one place that randomness comes from.
//!
//! In: bytes to fill. Out: bytes of the system's generator as aws-lc has it, which seeds itself again after a fork. What
//! draws much takes an [`Entropy`], so that a test can repeat it. Keys of elliptic curves and nonces are drawn inside
//! aws-lc, from the same generator.

use aws_lc_rs::rand::{SystemRandom, fill as fill_from_system};

/// The system gives no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoEntropy;

/// Where randomness comes from: [`System`] in the product, a seeded stream in tests.
pub trait Entropy {
    /// Fills `out`.
    ///
    /// # Errors
    /// [`NoEntropy`].
    fn fill(&mut self, out: &mut [u8]) -> Result<(), NoEntropy>;
}

/// The system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Entropy for System {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), NoEntropy> {
        fill(out)
    }
}

/// Fills `out` from the system's generator.
///
/// # Errors
/// [`NoEntropy`].
#[allow(clippy::disallowed_methods)] // This is the place.
pub fn fill(out: &mut [u8]) -> Result<(), NoEntropy> {
    fill_from_system(out).map_err(|_| NoEntropy)
}

/// The system's generator for the signatures that aws-lc makes.
#[allow(clippy::disallowed_methods)] // This is the place.
pub(crate) fn for_signatures() -> SystemRandom {
    SystemRandom::new()
}
