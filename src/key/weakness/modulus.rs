//! Moduli that are no product of two large random primes.
//!
//! In: a modulus of at most 16,384 bits. Out: what is weak. For RSA-2048 it takes some 50 microseconds.
//!
//! Source: Fermat's factorisation (CVE-2022-26320 is a case of it); CVE-2017-15361 (M. Nemec et al., ROCA, section 3.1).

use std::sync::LazyLock;

use dashu_int::UBig;
use dashu_int::ops::{BitTest, Gcd, SquareRoot};

use super::Weakness;

/// Primes below this are looked for among the factors.
const SMALL: u64 = 1 << 14;
/// Random primes of 1024 bits are further apart than these steps reach by a factor of 2^500.
const FERMAT_STEPS: usize = 128;
/// Every generator of the marked primes is a power of this one.
const ROCA_GENERATOR: u64 = 65537;

/// The primes by which keys of Infineon's library are known: each residue of theirs is a power of 65537.
const ROCA_PRIMES: [u64; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// The product of all odd primes below [`SMALL`]: what a number has in common with it are its small factors.
static SMALL_PRODUCT: LazyLock<UBig> = LazyLock::new(|| product(&small_primes().collect::<Vec<_>>()));
/// The same in parts: time grows with the square of the length, so that to look for factors in each takes a third.
static SMALL_PARTS: LazyLock<Vec<UBig>> = LazyLock::new(|| {
    let primes: Vec<_> = small_primes().collect();
    primes.chunks(primes.len().div_ceil(8).max(1)).map(product).collect()
});
static ROCA_PRODUCT: LazyLock<UBig> = LazyLock::new(|| product(&ROCA_PRIMES));
/// For each of [`ROCA_PRIMES`] the bits of the residues that are powers of 65537.
static ROCA_RESIDUES: LazyLock<Vec<UBig>> = LazyLock::new(|| ROCA_PRIMES.iter().map(|prime| powers(*prime)).collect());

/// The bits of the squares modulo 64: 0, 1, 4, 9, 16, 17, 25, 33, 36, 41, 49 and 57.
const SQUARES: u64 = 0x0202_0212_0203_0213;
/// Squares leave few remainders by this, 63 · 65 · 11.
const SIEVE: u64 = 45_045;
const SQUARES_OF_SIEVE: [(u64, u128); 3] = [(63, squares(63)), (65, squares(65)), (11, squares(11))];

/// Whether small factors were looked for already, and there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SmallFactors {
    None,
    Unknown,
}

/// What is known of the small factors of several moduli at once: one look at their product for all of them.
pub(super) fn small_factors(moduli: &[&UBig]) -> SmallFactors {
    let product = by_halves(moduli, &|modulus| (*modulus).clone());
    if product.is_zero() {
        return SmallFactors::Unknown;
    }
    let rest = &product % &*SMALL_PRODUCT;
    let has_none = |part: &UBig| {
        let rest = &rest % part;
        !rest.is_zero() && rest.gcd(part) == UBig::ONE
    };
    if SMALL_PARTS.iter().all(has_none) { SmallFactors::None } else { SmallFactors::Unknown }
}

pub(super) fn weakness(modulus: &UBig, known: SmallFactors) -> Option<Weakness> {
    if !modulus.bit(0) {
        return Some(Weakness::broken("the modulus is even"));
    }
    if known == SmallFactors::Unknown
        && let Some(prime) = small_factor(modulus)
    {
        return Some(Weakness::broken(format!("the modulus is divided by {prime}")));
    }
    if is_marked(modulus) {
        let reason = "the modulus has the mark of Infineon's broken generator (ROCA, CVE-2017-15361)";
        return Some(Weakness::broken(reason));
    }
    has_close_factors(modulus)
        .then(|| Weakness::broken("the modulus is the product of two primes that are close to each other (Fermat)"))
}

pub(super) fn is_prime() -> Weakness {
    Weakness::broken("the modulus is a prime number")
}

fn small_factor(modulus: &UBig) -> Option<u64> {
    let rest = &*SMALL_PRODUCT % modulus;
    // A modulus that divides the product is made of small primes alone.
    let common = if rest.is_zero() { modulus.clone() } else { rest.gcd(modulus) };
    if common == UBig::ONE && *modulus != UBig::ONE {
        return None;
    }
    small_primes().find(|prime| (&common % UBig::from(*prime)).is_zero()).or(Some(1))
}

/// The odd primes below [`SMALL`].
fn small_primes() -> impl Iterator<Item = u64> {
    (3..SMALL).step_by(2).filter(|number| {
        (3..).step_by(2).take_while(|factor| factor * factor <= *number).all(|factor| number % factor != 0)
    })
}

fn product(numbers: &[u64]) -> UBig {
    by_halves(numbers, &|number| UBig::from(*number))
}

/// The product by halves, so that large factors meet large ones.
fn by_halves<T>(numbers: &[T], of: &impl Fn(&T) -> UBig) -> UBig {
    match numbers {
        [] => UBig::ONE,
        [one] => of(one),
        _ => {
            let (left, right) = numbers.split_at(numbers.len() / 2);
            by_halves(left, of) * by_halves(right, of)
        }
    }
}

fn powers(prime: u64) -> UBig {
    let mut residues = UBig::ZERO;
    let mut power = 1;
    for _ in 0..prime {
        residues |= UBig::ONE << usize::try_from(power).unwrap_or_default();
        power = power * ROCA_GENERATOR % prime;
    }
    residues
}

fn is_marked(modulus: &UBig) -> bool {
    let rest = modulus % &*ROCA_PRODUCT;
    ROCA_PRIMES.iter().zip(&*ROCA_RESIDUES).all(|(prime, powers)| {
        let residue = &rest % *prime;
        powers.bit(usize::try_from(residue).unwrap_or_default())
    })
}

/// Fermat: n = a^2 - b^2 = (a - b)(a + b), with a near the root of n when both factors are.
fn has_close_factors(modulus: &UBig) -> bool {
    let root = modulus.sqrt();
    let square = &root * &root;
    if square == *modulus {
        return true;
    }
    let root = root + UBig::ONE;
    // (a + 1)^2 - n is 2a + 1 more than a^2 - n.
    let mut step = (&root << 1) + UBig::ONE;
    let mut rest = &root * &root - modulus;
    for _ in 0..FERMAT_STEPS {
        if may_be_square(&rest) && is_square(&rest) {
            return true;
        }
        rest += &step;
        step += UBig::from(2_u8);
    }
    false
}

/// Most numbers are seen not to be squares by their remainders.
fn may_be_square(number: &UBig) -> bool {
    let lowest = number.as_words().first().copied().unwrap_or_default();
    if SQUARES >> (lowest % 64) & 1 == 0 {
        return false;
    }
    let rest = number % SIEVE;
    SQUARES_OF_SIEVE.iter().all(|(divisor, squares)| squares >> (rest % divisor) & 1 == 1)
}

/// The bits of the squares modulo a number.
const fn squares(divisor: u64) -> u128 {
    let (mut found, mut root) = (0, 0);
    while root < divisor {
        found |= 1 << (root * root % divisor);
        root += 1;
    }
    found
}

fn is_square(number: &UBig) -> bool {
    let root = number.sqrt();
    &root * &root == *number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_primes_are_prime() {
        assert_eq!(small_primes().take(6).collect::<Vec<_>>(), [3, 5, 7, 11, 13, 17]);
        assert_eq!(small_primes().count(), 1899);
    }

    #[test]
    fn each_small_prime_is_seen_in_a_product_and_a_large_one_is_not() {
        assert_eq!(SMALL_PARTS.iter().fold(UBig::ONE, |whole, part| whole * part), *SMALL_PRODUCT);
        let sound = (UBig::ONE << 521) - UBig::ONE;
        let others = [&sound, &sound];
        assert_eq!(small_factors(&others), SmallFactors::None);
        for prime in small_primes() {
            assert_eq!(small_factors(&[&sound, &(&sound * UBig::from(prime))]), SmallFactors::Unknown, "{prime}");
        }
        for odd in [UBig::ZERO, SMALL_PRODUCT.clone(), SMALL_PARTS[3].clone()] {
            assert_eq!(small_factors(&[&sound, &odd]), SmallFactors::Unknown);
        }
    }

    #[test]
    fn no_square_is_sieved_out() {
        for root in 0_u64..5000 {
            let square = UBig::from(root) * UBig::from(root);
            assert!(may_be_square(&square) && is_square(&square), "{root}");
        }
        let passed = (0_u64..10_000).filter(|number| may_be_square(&UBig::from(*number))).count();
        assert!(passed < 400, "{passed}");
    }

    #[test]
    fn a_small_factor_is_named_wherever_it_stands() {
        let large = (UBig::ONE << 521) - UBig::ONE;
        assert_eq!(small_factor(&large), None);
        for prime in [3_u64, 5, 101, 16_381] {
            assert_eq!(small_factor(&(&large * UBig::from(prime))), Some(prime));
            assert_eq!(small_factor(&UBig::from(prime)), Some(prime));
        }
    }
}
