//! A random window of odd numbers, sieved by the odd primes below 2^16.
//!
//! In: a size and entropy. Out: the window's survivors, one at a time in random order. Each step reads and writes
//! the same addresses whatever the numbers are: residues by multiplication, one pass over all words of the window
//! for each small prime, survivors chosen and crossed out by passes too. Only that a window is used up is told.
//!
//! Source: Brandt, Damgard, "On generation of probable primes by incremental search" (CRYPTO '92); random order
//! within the window takes away its preference for primes behind long gaps.

use std::array;
use std::hint::black_box;
use std::sync::LazyLock;

use zeroize::Zeroizing;

use super::KeyError;
use super::limbs::{Divisor, Limbs, add_small, declassify_bool, digits, equal, high, less, mask};
use crate::entropy::Entropy;

/// The sieve's primes are below this.
const LIMIT: u32 = 1 << 16;

/// How many pairs of small primes are worked on side by side, so that their chains of multiplications overlap.
const LANES: usize = 8;

/// Two small primes: the long division is by their product, which has at most 32 bits, and so done once for both.
pub(super) struct Pair {
    product: Divisor,
    primes: [Divisor; 2],
}

impl Pair {
    fn new(primes: [u32; 2]) -> Self {
        Self { product: Divisor::new(primes[0] * primes[1]), primes: primes.map(Divisor::new) }
    }

    pub(super) const fn primes(&self) -> &[Divisor; 2] {
        &self.primes
    }
}

/// Public: every odd prime below 2^16; the last lanes are filled up with 3.
pub(super) static SMALL_PRIMES: LazyLock<Vec<[Pair; LANES]>> = LazyLock::new(|| {
    let mut primes: Vec<u32> = Vec::new();
    for number in (3..LIMIT).step_by(2) {
        if primes.iter().take_while(|prime| *prime * *prime <= number).all(|prime| number % prime != 0) {
            primes.push(number);
        }
    }
    primes.resize(primes.len().next_multiple_of(2 * LANES), 3);
    primes
        .chunks(2 * LANES)
        .map(|chunk| array::from_fn(|lane| Pair::new([chunk[2 * lane], chunk[2 * lane + 1]])))
        .collect()
});

/// The numbers base, base + 2, base + 4 ... and which of them may still be prime.
pub(super) struct Window {
    base: Limbs,
    survivors: Limbs,
}

impl Window {
    /// A fresh window of 2 * `bits` odd numbers of `bits` bits (a multiple of 64) with their two top bits set.
    pub(super) fn random(bits: usize, entropy: &mut dyn Entropy) -> Result<Self, KeyError> {
        let mut base = Zeroizing::new(vec![0; bits / 64]);
        loop {
            random_limbs(&mut base, entropy)?;
            let top = base.len() - 1;
            base[0] |= 1;
            base[top] |= 0b11 << 62;
            // The window must not run over 2^bits; this happens once in 2^62 and keeps the arithmetic plain.
            if declassify_bool(base[top] != u64::MAX) {
                return Ok(Self::sieved(base, bits / 32));
            }
        }
    }

    /// The window of 64 * `words` odd numbers from an odd `base` that is larger than the small primes.
    pub(super) fn sieved(base: Limbs, words: usize) -> Self {
        let mut survivors = Zeroizing::new(vec![u64::MAX; words]);
        for lanes in SMALL_PRIMES.iter() {
            let mut rests = [0; LANES];
            for digit in base.iter().rev().flat_map(|limb| digits(*limb)) {
                for (rest, pair) in rests.iter_mut().zip(lanes) {
                    *rest = pair.product.bring_down(*rest, digit);
                }
            }
            for (rest, pair) in rests.iter().zip(lanes) {
                for prime in pair.primes() {
                    cross_out(&mut survivors, prime.value(), prime.reduce(*rest));
                }
            }
        }
        Self { base, survivors }
    }

    /// A survivor drawn at random and crossed out, or nothing when there are none left.
    pub(super) fn take(&mut self, entropy: &mut dyn Entropy) -> Result<Option<Limbs>, KeyError> {
        let count: u64 = self.survivors.iter().map(|word| u64::from(word.count_ones())).sum();
        if declassify_bool(count == 0) {
            return Ok(None);
        }
        let mut random = Zeroizing::new(vec![0]);
        random_limbs(&mut random, entropy)?;
        // Not exactly even: off by less than count / 2^64.
        let index = self.cross_out_nth(high(random[0], count));
        Ok(Some(add_small(&self.base, index << 1)))
    }

    /// Finds the survivor with `rank` others before it, crosses it out and gives its index.
    fn cross_out_nth(&mut self, mut rank: u64) -> u64 {
        let (mut word, mut word_index, mut searching) = (0, 0, u64::MAX);
        for (index, candidates) in (0..).zip(self.survivors.iter()) {
            let count = u64::from(candidates.count_ones());
            let here = mask(less(rank, count)) & searching;
            word |= candidates & here;
            word_index |= index & here;
            searching &= !here;
            rank = rank.wrapping_sub(count & searching);
        }
        let (mut bit_index, mut searching) = (0, u64::MAX);
        for bit in 0..64 {
            let set = (word >> bit) & 1;
            let here = mask(set & equal(rank, 0)) & searching;
            bit_index |= bit & here;
            searching &= !here;
            rank = rank.wrapping_sub(set & searching);
        }
        for (index, candidates) in (0..).zip(self.survivors.iter_mut()) {
            *candidates &= !((1 << bit_index) & mask(equal(index, word_index)));
        }
        (word_index << 6) | bit_index
    }

    /// The survivors' bits, for tests.
    #[cfg(test)]
    pub(super) fn survivors(&self) -> &[u64] {
        &self.survivors
    }

    /// The first number, for tests.
    #[cfg(test)]
    pub(super) fn base(&self) -> &Limbs {
        &self.base
    }
}

/// Crosses out the multiples of `prime` in a window whose first number has this remainder. Which words are read and
/// written depends on the prime alone.
fn cross_out(survivors: &mut [u64], prime: u64, remainder: u64) {
    // The first index with base + 2 * index = 0 mod prime: -remainder / 2.
    let negative = prime - remainder;
    let half = (negative + (prime & mask(negative & 1))) >> 1;
    let mut offset = half - (prime & mask(1 ^ less(half, prime)));
    if prime < 64 {
        let pattern = (0..64).step_by(usize::try_from(prime).unwrap_or(64)).fold(0, |all, bit| all | (1_u64 << bit));
        for word in survivors {
            *word &= !(pattern << offset);
            let next = offset + prime - 64 % prime;
            offset = next - (prime & mask(1 ^ less(next, prime)));
        }
    } else if usize::try_from(prime / 64).is_ok_and(|words| words < survivors.len()) {
        for word in survivors {
            let here = mask(less(offset, 64));
            *word &= !((1 << (offset & 63)) & here);
            offset = offset.wrapping_sub(64).wrapping_add(prime & here);
        }
    } else {
        // At most one multiple. No word's turn depends on the one before, so the compiler takes several at a time; a
        // barrier in the loop would forbid that.
        let (bit, here) = (black_box(1 << (offset & 63)), black_box(offset >> 6));
        for (index, word) in (0..).zip(survivors) {
            *word &= !(bit & equal(index, here).wrapping_neg());
        }
    }
}

/// Fills limbs with random bits.
pub(super) fn random_limbs(limbs: &mut [u64], entropy: &mut dyn Entropy) -> Result<(), KeyError> {
    let mut bytes = Zeroizing::new(vec![0; limbs.len() * 8]);
    entropy.fill(&mut bytes)?;
    for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
        *limb = chunk.iter().fold(0, |all, byte| (all << 8) | u64::from(*byte));
    }
    Ok(())
}
