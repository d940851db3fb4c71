//! Whether a candidate is prime: a Fermat test to throw composites away, Miller-Rabin to be sure.
//!
//! In: odd numbers above 3, entropy for bases. Out: yes or no, which is all that becomes public: the time does not
//! depend on the number beyond its size, the number of rejected bases, and a power of two above 2^64 in n - 1.
//!
//! Source: FIPS 186-5 appendix B.3.1.

use zeroize::Zeroizing;

use super::KeyError;
use super::bignum::{Context, Modulus, Number, Power};
use super::limbs::{Limbs, declassify, declassify_bool, less_than, minus_one, shift_right, trailing_zeros};
use super::window::random_limbs;
use crate::entropy::Entropy;

/// Squarings that every round does, needed or not, so that the power of two in n - 1 is not told by time.
const SQUARINGS: u64 = 64;

/// An odd number above 3, ready to be exponentiated modulo.
pub(super) struct Candidate {
    limbs: Limbs,
    bits: usize,
    modulus: Modulus,
}

impl Candidate {
    pub(super) fn limbs(&self) -> &Limbs {
        &self.limbs
    }

    pub(super) fn into_limbs(self) -> Limbs {
        self.limbs
    }
}

/// Tests candidates; belongs to one thread.
pub(super) struct Tester {
    context: Context,
    in_pairs: bool,
}

impl Tester {
    /// `in_pairs`: two exponentiations at a time, for processors with AVX512-IFMA.
    pub(super) fn new(in_pairs: bool) -> Result<Self, KeyError> {
        Ok(Self { context: Context::new()?, in_pairs })
    }

    /// A number of `bits` bits, which is public.
    pub(super) fn candidate(&self, limbs: Limbs, bits: usize) -> Result<Candidate, KeyError> {
        let modulus = Modulus::new(&limbs, &self.context)?;
        Ok(Candidate { limbs, bits, modulus })
    }

    /// Fermat's test to base 2: false is composite, true is very probably prime for a random candidate.
    pub(super) fn fermat(&self, first: &Candidate, second: Option<&Candidate>) -> Result<[bool; 2], KeyError> {
        let [first_base, first_exponent] = fermat_input(first)?;
        let power = Power { modulus: &first.modulus, base: &first_base, exponent: &first_exponent };
        let Some(second) = second else {
            return Ok([self.context.power(&power)?.is_one(), false]);
        };
        let [base, exponent] = fermat_input(second)?;
        let powers = [power, Power { modulus: &second.modulus, base: &base, exponent: &exponent }];
        Ok(self.powers(&powers)?.map(|power| power.is_one()))
    }

    /// Miller-Rabin with at least this many random bases, rounded up to a pair.
    pub(super) fn miller_rabin(
        &self,
        candidate: &Candidate,
        rounds: usize,
        entropy: &mut dyn Entropy,
    ) -> Result<bool, KeyError> {
        let even = minus_one(&candidate.limbs);
        let twos = trailing_zeros(&even);
        let exponent = Number::new(&shift_right(&even, twos))?;
        let one = self.context.to_montgomery(&Number::new(&small(1, even.len()))?, &candidate.modulus)?;
        let minus_one = self.context.to_montgomery(&Number::new(&even)?, &candidate.modulus)?;
        for _ in 0..rounds.div_ceil(2) {
            let bases = [base(&even, candidate.bits, entropy)?, base(&even, candidate.bits, entropy)?];
            let powers = bases.each_ref().map(|base| Power { modulus: &candidate.modulus, base, exponent: &exponent });
            for power in self.powers(&powers)? {
                let mut power = self.context.to_montgomery(&power, &candidate.modulus)?;
                let mut passed = power.equals(&one) | power.equals(&minus_one);
                for step in 1..declassify(twos.max(SQUARINGS)) {
                    power = self.context.square_montgomery(&power, &candidate.modulus)?;
                    // Not `&&`: both are looked at, whatever the number.
                    let (reached, counts) = (power.equals(&minus_one), step < twos);
                    passed |= reached & counts;
                }
                if !declassify_bool(passed) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn powers(&self, powers: &[Power<'_>; 2]) -> Result<[Number; 2], KeyError> {
        if self.in_pairs {
            self.context.power_pair(powers)
        } else {
            Ok([self.context.power(&powers[0])?, self.context.power(&powers[1])?])
        }
    }
}

fn fermat_input(candidate: &Candidate) -> Result<[Number; 2], KeyError> {
    Ok([Number::new(&small(2, candidate.limbs.len()))?, Number::new(&minus_one(&candidate.limbs))?])
}

fn small(value: u64, width: usize) -> Limbs {
    let mut limbs = Zeroizing::new(vec![0; width]);
    limbs[0] = value;
    limbs
}

/// A base drawn evenly from 2 ..= n - 2, by rejection; `even` is n - 1, of `bits` bits.
fn base(even: &Limbs, bits: usize, entropy: &mut dyn Entropy) -> Result<Number, KeyError> {
    let (top, unused) = ((bits - 1) / 64, (64 - bits % 64) % 64);
    let mut limbs = Zeroizing::new(vec![0; even.len()]);
    let two = small(2, even.len());
    loop {
        random_limbs(&mut limbs[..=top], entropy)?;
        limbs[top] &= u64::MAX >> unused;
        if declassify_bool(less_than(&limbs, even) & !less_than(&limbs, &two)) {
            return Number::new(&limbs);
        }
    }
}
