//! The one place with `unsafe`: owned handles around aws-lc's big numbers.
//!
//! In: limbs. Out: [`Number`], [`Modulus`], [`Context`], wiped and freed when dropped, and four operations of which
//! aws-lc says that their time does not depend on the values. It never hands out a pointer, and all lengths come
//! from slices. aws-lc wipes what a `BN_CTX` and a `BN_MONT_CTX` hold when it frees them (`OPENSSL_free`).
//!
//! Source: aws-lc 1.x `include/openssl/bn.h`, `crypto/fipsmodule/bn/exponentiation.c`.
#![allow(unsafe_code, reason = "aws-lc-rs has no arithmetic interface; this module is the crate's only unsafe code")]

use std::ptr::{NonNull, null_mut};

use aws_lc_sys::{
    BIGNUM, BN_CTX, BN_CTX_free, BN_CTX_new, BN_MONT_CTX, BN_MONT_CTX_free, BN_MONT_CTX_new_consttime, BN_bin2bn,
    BN_clear_free, BN_equal_consttime, BN_is_one, BN_mod_exp_mont_consttime, BN_mod_exp_mont_consttime_x2,
    BN_mod_mul_montgomery, BN_new, BN_to_montgomery,
};

use super::limbs::{Limbs, minus_one, to_bytes};
use super::{FAILED, KeyError};

/// A non-negative number. The pointer is owned, so the type is neither `Send` nor `Sync`, and need not be.
pub(super) struct Number(NonNull<BIGNUM>);

impl Number {
    /// A number that keeps the width of `limbs`, leading zeros and all: the paired exponentiation takes its fast
    /// path only for numbers that are as wide as the modulus.
    pub(super) fn new(limbs: &[u64]) -> Result<Self, KeyError> {
        let bytes = to_bytes(limbs);
        // SAFETY: the pointer and length are those of a live slice; a null third argument makes a new BIGNUM,
        // which the caller owns. Null is returned on failure, and `from` turns it into an error.
        Self::from(unsafe { BN_bin2bn(bytes.as_ptr(), bytes.len(), null_mut()) })
    }

    fn zero() -> Result<Self, KeyError> {
        // SAFETY: no precondition; the caller owns the result, null is turned into an error.
        Self::from(unsafe { BN_new() })
    }

    fn from(pointer: *mut BIGNUM) -> Result<Self, KeyError> {
        NonNull::new(pointer).map(Self).ok_or(FAILED)
    }

    pub(super) fn is_one(&self) -> bool {
        // SAFETY: the handle is live and only read.
        unsafe { BN_is_one(self.0.as_ptr()) == 1 }
    }

    /// Compares in constant time.
    pub(super) fn equals(&self, other: &Self) -> bool {
        // SAFETY: both handles are live and only read.
        unsafe { BN_equal_consttime(self.0.as_ptr(), other.0.as_ptr()) == 1 }
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        // SAFETY: the handle is owned by `self`, came from BN_new or BN_bin2bn, and is not used after this.
        unsafe { BN_clear_free(self.0.as_ptr()) }
    }
}

/// An odd modulus above 1 with its Montgomery constants.
pub(super) struct Modulus {
    number: Number,
    montgomery: NonNull<BN_MONT_CTX>,
}

impl Modulus {
    pub(super) fn new(limbs: &[u64], context: &Context) -> Result<Self, KeyError> {
        let number = Number::new(limbs)?;
        // SAFETY: both handles are live; the function copies the number, checks that it is odd and positive, and
        // returns null otherwise. The caller owns the result.
        let montgomery = unsafe { BN_MONT_CTX_new_consttime(number.0.as_ptr(), context.0.as_ptr()) };
        Ok(Self { number, montgomery: NonNull::new(montgomery).ok_or(FAILED)? })
    }
}

impl Drop for Modulus {
    fn drop(&mut self) {
        // SAFETY: the handle is owned by `self`, came from BN_MONT_CTX_new_consttime, and is not used after this.
        unsafe { BN_MONT_CTX_free(self.montgomery.as_ptr()) }
    }
}

/// One exponentiation: base^exponent mod modulus, the base below the modulus.
pub(super) struct Power<'a> {
    pub(super) modulus: &'a Modulus,
    pub(super) base: &'a Number,
    pub(super) exponent: &'a Number,
}

/// aws-lc's scratch space; not `Sync`, so no two threads can be in it at once.
pub(super) struct Context(NonNull<BN_CTX>);

impl Context {
    pub(super) fn new() -> Result<Self, KeyError> {
        // SAFETY: no precondition; the caller owns the result, null is turned into an error.
        NonNull::new(unsafe { BN_CTX_new() }).map(Self).ok_or(FAILED)
    }

    /// One power.
    pub(super) fn power(&self, power: &Power<'_>) -> Result<Number, KeyError> {
        let result = Number::zero()?;
        // SAFETY: all handles are live, `result` is a fresh number that aliases none of them, and the Montgomery
        // constants belong to this modulus. A base that is not reduced is refused with 0.
        let status = unsafe {
            BN_mod_exp_mont_consttime(
                result.0.as_ptr(),
                power.base.0.as_ptr(),
                power.exponent.0.as_ptr(),
                power.modulus.number.0.as_ptr(),
                self.0.as_ptr(),
                power.modulus.montgomery.as_ptr(),
            )
        };
        if status == 1 { Ok(result) } else { Err(FAILED) }
    }

    /// Two powers side by side where the processor can, else one after the other.
    pub(super) fn power_pair(&self, [first, second]: &[Power<'_>; 2]) -> Result<[Number; 2], KeyError> {
        let results = [Number::zero()?, Number::zero()?];
        // SAFETY: as in `power`; the two results are distinct fresh numbers. The inputs may be shared between the
        // halves, since they are only read. The vector path is entered only when bases and exponents have the
        // width of a modulus of exactly 1024, 1536 or 2048 bits, which aws-lc checks, and widens the results.
        let status = unsafe {
            BN_mod_exp_mont_consttime_x2(
                results[0].0.as_ptr(),
                first.base.0.as_ptr(),
                first.exponent.0.as_ptr(),
                first.modulus.number.0.as_ptr(),
                first.modulus.montgomery.as_ptr(),
                results[1].0.as_ptr(),
                second.base.0.as_ptr(),
                second.exponent.0.as_ptr(),
                second.modulus.number.0.as_ptr(),
                second.modulus.montgomery.as_ptr(),
                self.0.as_ptr(),
            )
        };
        if status == 1 { Ok(results) } else { Err(FAILED) }
    }

    /// number * R mod modulus, the number below the modulus.
    pub(super) fn to_montgomery(&self, number: &Number, modulus: &Modulus) -> Result<Number, KeyError> {
        let result = Number::zero()?;
        // SAFETY: all handles are live and `result` is a fresh number.
        let status = unsafe {
            BN_to_montgomery(result.0.as_ptr(), number.0.as_ptr(), modulus.montgomery.as_ptr(), self.0.as_ptr())
        };
        if status == 1 { Ok(result) } else { Err(FAILED) }
    }

    /// The square of a number in Montgomery form, in that form.
    pub(super) fn square_montgomery(&self, number: &Number, modulus: &Modulus) -> Result<Number, KeyError> {
        let result = Number::zero()?;
        // SAFETY: all handles are live and `result` is a fresh number; the factors may be the same number.
        let status = unsafe {
            BN_mod_mul_montgomery(
                result.0.as_ptr(),
                number.0.as_ptr(),
                number.0.as_ptr(),
                modulus.montgomery.as_ptr(),
                self.0.as_ptr(),
            )
        };
        if status == 1 { Ok(result) } else { Err(FAILED) }
    }
}

/// base^(n - 1) modulo an odd n.
pub(super) fn fermat_power(modulus: &Limbs, base: u64) -> Result<Number, KeyError> {
    let context = Context::new()?;
    let mut small = Limbs::new(vec![0; modulus.len()]);
    if let Some(lowest) = small.first_mut() {
        *lowest = base;
    }
    let (base, exponent) = (Number::new(&small)?, Number::new(&minus_one(modulus))?);
    context.power(&Power { modulus: &Modulus::new(modulus, &context)?, base: &base, exponent: &exponent })
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the handle is owned by `self`, came from BN_CTX_new, and is not used after this.
        unsafe { BN_CTX_free(self.0.as_ptr()) }
    }
}
