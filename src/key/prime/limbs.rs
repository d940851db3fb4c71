//! Fixed-width arithmetic on secret numbers, without branches on and without indexing by their value.
//!
//! In and out: numbers as little-endian 64-bit limbs, wiped when dropped. The number of limbs is public; what else
//! becomes public passes through [`declassify`].
//! It never normalises: a number keeps its leading zero limbs.

use std::hint::black_box;

use zeroize::Zeroizing;

/// A secret number, least significant limb first.
pub(super) type Limbs = Zeroizing<Vec<u64>>;

/// All ones when `bit` is 1, zero when it is 0. The barrier hides from the compiler that there are but two cases, which
/// it would else now and then tell apart by a branch.
pub(super) fn mask(bit: u64) -> u64 {
    black_box(bit).wrapping_neg()
}

/// Makes a value that depends on secrets public. No other way may lead from a secret to a branch, an address or a
/// length: `make secret-check` tells of those that do not pass here, so this is never inlined.
#[inline(never)]
pub(super) fn declassify(value: u64) -> u64 {
    black_box(value)
}

/// [`declassify`] for an answer.
pub(super) fn declassify_bool(answer: bool) -> bool {
    declassify(u64::from(answer)) == 1
}

/// 1 when a < b; both below 2^63.
pub(super) const fn less(a: u64, b: u64) -> u64 {
    a.wrapping_sub(b) >> 63
}

/// 1 when a = b; both below 2^63.
pub(super) const fn equal(a: u64, b: u64) -> u64 {
    (a ^ b).wrapping_sub(1) >> 63
}

/// The upper half of a product.
pub(super) fn high(a: u64, b: u64) -> u64 {
    u64::try_from((u128::from(a) * u128::from(b)) >> 64).unwrap_or(u64::MAX)
}

/// A public divisor and floor((2^64 - 1) / divisor): Barrett's way, for the time of a division depends on its operands.
#[derive(Clone, Copy)]
pub(super) struct Divisor {
    value: u64,
    reciprocal: u64,
}

impl Divisor {
    /// `value` is above 1.
    pub(super) fn new(value: u32) -> Self {
        let value = u64::from(value);
        Self { value, reciprocal: u64::MAX / value }
    }

    pub(super) const fn value(self) -> u64 {
        self.value
    }

    /// x mod divisor, for every x: the estimate of the quotient is right or one too low, so one subtraction is enough.
    pub(super) fn reduce(self, x: u64) -> u64 {
        let rest = x.wrapping_sub(high(x, self.reciprocal).wrapping_mul(self.value));
        rest.wrapping_sub(self.value & mask(1 ^ less(rest, self.value)))
    }

    /// The remainder with 32 more bits of the dividend brought down.
    pub(super) fn bring_down(self, rest: u64, digit: u64) -> u64 {
        self.reduce((rest << 32) | digit)
    }
}

/// The two 32-bit digits of a limb, the upper first.
pub(super) const fn digits(limb: u64) -> [u64; 2] {
    [limb >> 32, limb & 0xffff_ffff]
}

/// number mod divisor.
pub(super) fn remainder(number: &[u64], divisor: u32) -> u64 {
    let divisor = Divisor::new(divisor);
    number.iter().rev().flat_map(|limb| digits(*limb)).fold(0, |rest, digit| divisor.bring_down(rest, digit))
}

/// a - b and the borrow (1 when a < b); equal widths.
pub(super) fn subtract(a: &[u64], b: &[u64]) -> (Limbs, u64) {
    let mut borrow = 0;
    let limbs = a.iter().zip(b).map(|(a, b)| {
        let (partial, first) = a.overflowing_sub(*b);
        let (result, second) = partial.overflowing_sub(borrow);
        borrow = u64::from(first) | u64::from(second);
        result
    });
    let mut result = Zeroizing::new(Vec::with_capacity(a.len()));
    result.extend(limbs);
    (result, borrow)
}

/// number + small, modulo the width.
pub(super) fn add_small(number: &[u64], small: u64) -> Limbs {
    let mut carry = small;
    let mut result = Zeroizing::new(Vec::with_capacity(number.len()));
    result.extend(number.iter().map(|limb| {
        let (sum, overflow) = limb.overflowing_add(carry);
        carry = u64::from(overflow);
        sum
    }));
    result
}

/// `number - 1` for an odd number.
pub(super) fn minus_one(number: &Limbs) -> Limbs {
    let mut result = number.clone();
    if let Some(lowest) = result.first_mut() {
        *lowest &= !1;
    }
    result
}

/// Whether a < b.
pub(super) fn less_than(a: &[u64], b: &[u64]) -> bool {
    subtract(a, b).1 == 1
}

/// |a - b|.
pub(super) fn difference(a: &[u64], b: &[u64]) -> Limbs {
    let (forward, borrow) = subtract(a, b);
    let (backward, _) = subtract(b, a);
    let negative = mask(borrow);
    let mut result = Zeroizing::new(Vec::with_capacity(a.len()));
    result.extend(forward.iter().zip(backward.iter()).map(|(f, b)| (f & !negative) | (b & negative)));
    result
}

/// Whether number <= 2^exponent.
pub(super) fn is_small(number: &[u64], exponent: usize) -> bool {
    let mut bound = vec![0; number.len()];
    match bound.get_mut(exponent / 64) {
        Some(limb) => *limb = 1 << (exponent % 64),
        None => return true,
    }
    !less_than(&bound, number)
}

/// How often 2 divides the number.
pub(super) fn trailing_zeros(number: &[u64]) -> u64 {
    let (mut zeros, mut all_zero_so_far) = (0, u64::MAX);
    for limb in number {
        let here = u64::from((!limb & limb.wrapping_sub(1)).count_ones());
        zeros += here & all_zero_so_far;
        all_zero_so_far &= mask(equal(here, 64));
    }
    zeros
}

/// number / 2^amount for a secret amount below the width in bits: a barrel shifter.
pub(super) fn shift_right(number: &Limbs, amount: u64) -> Limbs {
    let mut result = number.clone();
    let bits = u64::try_from(number.len()).unwrap_or_default() * 64;
    let mut step = 0;
    while 1 << step < bits {
        let (limbs, rest) = ((1_usize << step) / 64, (1_u64 << step) % 64);
        let chosen = mask((amount >> step) & 1);
        for index in 0..result.len() {
            let low = result.get(index + limbs).copied().unwrap_or(0);
            let above = result.get(index + limbs + 1).copied().unwrap_or(0);
            let moved = if rest == 0 { low } else { (low >> rest) | (above << (64 - rest)) };
            result[index] = (result[index] & !chosen) | (moved & chosen);
        }
        step += 1;
    }
    result
}

/// Big-endian bytes, all of them.
pub(super) fn to_bytes(number: &[u64]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(number.len() * 8));
    bytes.extend(number.iter().rev().flat_map(|limb| limb.to_be_bytes()));
    bytes
}
