//! Primes that several RSA keys have in common: a generator with too little entropy made them, and who has both keys has
//! both private ones.
//!
//! In: the moduli of any number of keys. Out: for each its common factor with another, if there is one. Time grows a little more than
//! linearly: a product tree instead of a comparison of each with each. Many moduli are a tree for each group of them, which also gets
//! the product of the other groups: memory is that of one tree, and a product for each group.
//!
//! With P the product of all moduli, the sum C of all P/n leaves the remainder P/n by n, so gcd(C mod n, n) is what n has
//! in common with the others. The remainders come down the same tree as fractions of each node's product, of which only
//! as many digits are kept as the node needs: multiplications alone, but for one division at the root.
//!
//! Source: N. Heninger et al., Mining your Ps and Qs (2012); D. J. Bernstein, Scaled remainder trees (2004).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use dashu_int::UBig;
use dashu_int::ops::{BitTest, Gcd};

use super::{LARGEST_BITS, trimmed};
use crate::remembered::{Remembered, question};
use crate::workers::{self, StopSignal};

/// Each level of the tree may double the error of a fraction: enough for 2^60 moduli.
const GUARD_BITS: usize = 64;
/// As many moduli are in one tree: some 200 MB for RSA-2048.
const MOST_IN_TREE: usize = 8192;
/// Fewer moduli, as those of one node, are no work for several threads: to start them takes longer.
const FEW: usize = 256;
/// So many sets of few moduli of which none shares a prime are remembered: copies of a node have the same.
const MOST_KNOWN: usize = 1024;

static COPRIME: LazyLock<Remembered<()>> = LazyLock::new(|| Remembered::new(MOST_KNOWN));

/// As many keys are compared one by one to tell who shares a prime with whom.
const MOST_COMPARED: usize = 512;

/// A factor that a modulus has in common with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedFactor {
    /// The factor, its highest byte first; the modulus itself, when each of its primes is another key's.
    pub factor: Vec<u8>,
    /// The places of other moduli that have it or a part of it, ascending; of the first 512 alone, where more share primes.
    pub with: Vec<usize>,
}

/// For each modulus (its highest byte first), in its place, the factor that it shares with another one. The same modulus
/// twice is one key, and no finding here. Even ones, those of more than 16,384 bits and those below 2 are passed over.
///
/// # Examples
/// ```
/// use kubepki::key::shared_factors;
/// let shared = shared_factors(&[&[7 * 11], &[11 * 13], &[3 * 5]]);
/// let factor = shared[0].as_ref().ok_or("none")?;
/// assert_eq!((factor.factor.as_slice(), factor.with.as_slice()), (&[11][..], &[1][..]));
/// assert!(shared[1].is_some() && shared[2].is_none());
/// # Ok::<(), &str>(())
/// ```
#[must_use]
pub fn shared_factors(moduli: &[&[u8]]) -> Vec<Option<SharedFactor>> {
    shared_factors_until(moduli, &StopSignal::default())
}

/// The same, which takes minutes for a hundred thousand; nothing is found once `stop` has come.
#[must_use]
pub fn shared_factors_until(moduli: &[&[u8]], stop: &StopSignal) -> Vec<Option<SharedFactor>> {
    let moduli_given = moduli.len();
    let mut places: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    for (place, modulus) in moduli.iter().enumerate() {
        let modulus = trimmed(modulus);
        let is_odd = modulus.last().is_some_and(|last| last % 2 == 1);
        if is_odd && modulus != [1] && modulus.len() * 8 <= LARGEST_BITS {
            places.entry(modulus).or_default().push(place);
        }
    }
    let moduli: Vec<_> = places.keys().copied().collect();
    let question = (moduli.len() < FEW).then(|| question(&moduli));
    if question.is_some_and(|question| COPRIME.find(&question).is_some()) {
        return vec![None; moduli_given];
    }
    let distinct: Vec<UBig> = places.keys().map(|modulus| UBig::from_be_bytes(modulus)).collect();
    let places: Vec<_> = places.into_values().collect();
    let mut found = vec![None; moduli_given];
    let mut shared: Vec<(usize, UBig)> =
        common_factors(&distinct, MOST_IN_TREE, stop).into_iter().enumerate().collect();
    shared.retain(|(_, factor)| *factor != UBig::ONE);
    if stop.has_come() {
        return found;
    }
    if let Some(question) = question.filter(|_| shared.is_empty()) {
        COPRIME.keep(question, ());
    }
    for (rank, (one, factor)) in shared.iter().enumerate() {
        let compared = if rank < MOST_COMPARED { MOST_COMPARED } else { 0 };
        let others = shared.iter().take(compared).filter(|(other, _)| {
            other != one && distinct.get(*other).is_some_and(|modulus| factor.gcd(modulus) != UBig::ONE)
        });
        let mut with: Vec<_> =
            others.flat_map(|(other, _)| places.get(*other).into_iter().flatten().copied()).collect();
        with.sort_unstable();
        let answer = SharedFactor { factor: factor.to_be_bytes().into(), with };
        for place in places.get(*one).into_iter().flatten() {
            if let Some(slot) = found.get_mut(*place) {
                *slot = Some(answer.clone());
            }
        }
    }
    found
}

/// What each number has in common with the product of the others; whatever, once `stop` has come.
fn common_factors(numbers: &[UBig], most: usize, stop: &StopSignal) -> Vec<UBig> {
    if numbers.len() < FEW && are_coprime(numbers) {
        return vec![UBig::ONE; numbers.len()];
    }
    let groups: Vec<_> = numbers.chunks(most).collect();
    if groups.len() < 2 {
        return factors_in_group(numbers, &[], stop);
    }
    let products: Vec<_> = groups.iter().map(|group| product(group, stop)).collect();
    let of_group = |(place, group): (usize, &&[UBig])| {
        let others = products.iter().enumerate().filter(|(other, _)| *other != place);
        let others: Vec<_> = others.map(|(_, product)| product).collect();
        factors_in_group(group, &others, stop)
    };
    groups.iter().enumerate().flat_map(of_group).collect()
}

/// Whether no two of a few numbers have a factor in common, in half of the time that it takes to tell which: each is compared with the
/// product of those behind it alone. That comes down to it from each product that has the number in its left half, as a remainder.
fn are_coprime(numbers: &[UBig]) -> bool {
    let mut levels = vec![numbers.to_vec()];
    while let Some(level) = levels.last().filter(|level| level.len() > 1) {
        let above: Vec<UBig> = level.chunks(2).map(|pair| pair.iter().product()).collect();
        levels.push(above);
    }
    let mut met = vec![UBig::ONE; numbers.len()];
    for (height, level) in levels.iter().enumerate() {
        for (place, pair) in level.chunks(2).enumerate() {
            if let [left, right] = pair {
                meet(&(right % left), &levels, height, 2 * place, &mut met);
            }
        }
    }
    numbers.iter().zip(met).all(|(number, met)| !met.is_zero() && met.gcd(number) == UBig::ONE)
}

/// Each number below a node meets `other`.
fn meet(other: &UBig, levels: &[Vec<UBig>], height: usize, place: usize, met: &mut [UBig]) {
    let Some(below) = height.checked_sub(1) else {
        if let (Some(met), Some(number)) = (met.get_mut(place), levels.first().and_then(|level| level.get(place))) {
            *met = &*met * other % number;
        }
        return;
    };
    for child in [2 * place, 2 * place + 1] {
        if let Some(product) = levels.get(below).and_then(|level| level.get(child)) {
            meet(&(other % product), levels, below, child, met);
        }
    }
}

fn product(numbers: &[UBig], stop: &StopSignal) -> UBig {
    let mut level = numbers.to_vec();
    while level.len() > 1 {
        let pairs: Vec<_> = level.chunks(2).collect();
        level = map(numbers.len(), &pairs, |pair| if stop.has_come() { UBig::ONE } else { pair.iter().product() });
    }
    level.pop().unwrap_or(UBig::ONE)
}

/// The same for the numbers of one group, beside the products of the other groups.
fn factors_in_group(numbers: &[UBig], others: &[&UBig], stop: &StopSignal) -> Vec<UBig> {
    let leaves: Vec<_> = numbers.iter().map(|number| Node { product: number.clone(), sum: UBig::ONE }).collect();
    let mut levels = vec![leaves];
    while let Some(level) = levels.last().filter(|level| level.len() > 1) {
        let pairs: Vec<_> = level.chunks(2).collect();
        let above = map(numbers.len(), &pairs, |pair| Node::above(if stop.has_come() { &[] } else { pair }));
        // Only the root's sum is needed.
        if let Some(level) = levels.last_mut() {
            for node in level {
                node.sum = UBig::ZERO;
            }
        }
        levels.push(above);
    }
    let Some(mut root) = levels.pop().and_then(|mut level| level.pop()) else { return Vec::new() };
    root.sum %= &root.product;
    for other in others.iter().take_while(|_| !stop.has_come()) {
        root.sum *= *other % &root.product;
        root.sum %= &root.product;
    }
    let mut fractions = vec![Fraction::of(&root)];
    for level in levels.iter().rev() {
        let places: Vec<_> = (0..level.len()).collect();
        fractions = map(numbers.len(), &places, |place| {
            let parent = fractions.get(place / 2).cloned().unwrap_or_default();
            let is_wanted = !stop.has_come();
            match (level.get(*place).filter(|_| is_wanted), level.get(place ^ 1)) {
                (Some(own), Some(sibling)) => parent.below(&own.product, &sibling.product),
                _ => parent,
            }
        });
    }
    let pairs: Vec<_> = numbers.iter().zip(&fractions).collect();
    map(numbers.len(), &pairs, |(number, fraction)| {
        if stop.has_come() {
            return UBig::ONE;
        }
        let rest = fraction.times(number);
        if rest.is_zero() { (*number).clone() } else { rest.gcd(*number) }
    })
}

fn map<T: Sync, R: Send>(all: usize, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if all < FEW { items.iter().map(work).collect() } else { workers::map(items, work) }
}

/// A node of the tree: the product of the moduli below it, and the sum of its quotients by each of them.
struct Node {
    product: UBig,
    sum: UBig,
}

impl Node {
    fn above(pair: &[Self]) -> Self {
        match pair {
            [left, right] => Self {
                product: &left.product * &right.product,
                sum: &left.product * &right.sum + &right.product * &left.sum,
            },
            _ => Self {
                product: pair.iter().map(|one| &one.product).product(),
                sum: pair.iter().map(|one| &one.sum).sum(),
            },
        }
    }
}

/// What is behind the point of C / P for a node's product P, rounded down.
#[derive(Clone, Default)]
struct Fraction {
    digits: UBig,
    bits: usize,
}

impl Fraction {
    fn of(root: &Node) -> Self {
        let bits = root.product.bit_len() + GUARD_BITS;
        Self { digits: (&root.sum << bits) / &root.product, bits }
    }

    /// That of a child: C / P of the parent times the sibling's product.
    fn below(&self, own: &UBig, sibling: &UBig) -> Self {
        let bits = own.bit_len() + GUARD_BITS;
        let mut digits = &self.digits * sibling;
        digits.clear_high_bits(self.bits);
        Self { digits: digits >> self.bits.saturating_sub(bits), bits: bits.min(self.bits) }
    }

    /// C mod n for a leaf: the fraction was rounded down, and the remainder is whole.
    fn times(&self, number: &UBig) -> UBig {
        let ones = (UBig::ONE << self.bits) - UBig::ONE;
        ((&self.digits * number + ones) >> self.bits) % number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(number: &UBig) -> Vec<u8> {
        number.to_be_bytes().into()
    }

    /// Primes of 61, 89, 107, 127 and 521 bits (Mersenne's), and a large one beside each.
    fn primes() -> Vec<UBig> {
        [61, 89, 107, 127, 521, 607].map(|bits| (UBig::ONE << bits) - UBig::ONE).to_vec()
    }

    #[test]
    fn each_modulus_is_told_of_the_prime_that_it_shares() {
        let p = primes();
        let moduli = [&p[0] * &p[1], &p[1] * &p[2], &p[3] * &p[4], &p[2] * &p[5], &p[3] * &p[4]];
        let bytes: Vec<_> = moduli.iter().map(bytes).collect();
        let moduli: Vec<_> = bytes.iter().map(Vec::as_slice).collect();
        let shared = shared_factors(&moduli);
        let of = |place: usize| shared[place].as_ref().map(|one| (one.factor.clone(), one.with.clone()));
        assert_eq!(of(0), Some((self::bytes(&p[1]), vec![1])));
        // Both of its primes are another's: all of it is shared.
        assert_eq!(of(1), Some((bytes[1].clone(), vec![0, 3])));
        assert_eq!(of(3), Some((self::bytes(&p[2]), vec![1])));
        // The same key twice shares nothing.
        assert_eq!((of(2), of(4)), (None, None));
    }

    #[test]
    fn any_two_of_few_that_share_a_prime_are_seen_wherever_they_stand() {
        let primes = [3_u8, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61].map(UBig::from);
        assert!(are_coprime(&[]));
        for count in 1..=primes.len() {
            let sound: Vec<_> = primes[..count].iter().map(|prime| prime * prime).collect();
            assert!(are_coprime(&sound), "{count}");
            for (one, other) in (0..count).flat_map(|one| (0..count).map(move |other| (one, other))) {
                let mut shared = sound.clone();
                shared[one] = &primes[one] * &primes[other];
                assert_eq!(are_coprime(&shared), one == other, "{count}: {one} {other}");
            }
        }
    }

    #[test]
    fn nothing_is_found_and_little_is_done_once_it_is_asked_to_stop() {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicUsize, Ordering};
        let p = primes();
        let moduli: Vec<_> = (0..200_u32).map(|number| bytes(&(&p[4] * UBig::from(2 * number + 3)))).collect();
        let moduli: Vec<_> = moduli.iter().map(Vec::as_slice).collect();
        assert_eq!(shared_factors(&moduli).iter().flatten().count(), 200);
        for after in [0, 1, 50, 150, 300, 400] {
            let asked = Arc::new(AtomicUsize::new(0));
            let stop = StopSignal::new(move || asked.fetch_add(1, Ordering::Relaxed) >= after);
            assert_eq!(shared_factors_until(&moduli, &stop).iter().flatten().count(), 0, "{after}");
        }
    }

    #[test]
    fn a_set_that_shares_nothing_is_remembered_and_one_that_shares_is_not() {
        let p = primes();
        let [one, other, third] = [&p[0] * &p[3], &p[1] * &p[4], &p[0] * &p[5]].map(|number| bytes(&number));
        let is_known = |moduli: &[&[u8]]| COPRIME.find(&question(moduli)).is_some();
        let mut sorted = [one.as_slice(), &other];
        sorted.sort_unstable();
        assert!(!is_known(&sorted));
        for _ in 0..2 {
            assert_eq!(shared_factors(&[&one, &other, &one]), [None, None, None]);
            assert!(is_known(&sorted));
            assert_eq!(shared_factors(&[&one, &other, &third]).iter().flatten().count(), 2);
        }
        let mut sorted = [one.as_slice(), &other, &third];
        sorted.sort_unstable();
        assert!(!is_known(&sorted));
    }

    #[test]
    fn moduli_that_are_none_are_passed_over() {
        assert_eq!(shared_factors(&[]), []);
        let (zeros, long) = ([0; 40], [0xff; 4096]);
        assert_eq!(shared_factors(&[&[], &zeros, &[1], &[0, 1], &[22], &[2], &long, &long]), vec![None; 8]);
        assert_eq!(shared_factors(&[&[0, 0, 77]]), [None]);
        assert_eq!(shared_factors(&[&[0, 0, 77], &[77]]), [None, None]);
    }

    #[test]
    fn any_number_of_moduli_of_any_length_is_told_as_one_by_one() {
        // A small generator, so that factors are shared often.
        let mut state = 0x1234_5678_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for count in 1..70 {
            let moduli: Vec<UBig> = (0..count)
                .map(|_| {
                    let words: Vec<_> = (0..=next() % 5).map(|_| next()).collect();
                    UBig::from_words(&words) | UBig::ONE
                })
                .collect();
            let fast = common_factors(&moduli, MOST_IN_TREE, &StopSignal::default());
            for most in [1, 2, 3, 7, 16, 64] {
                assert_eq!(common_factors(&moduli, most, &StopSignal::default()), fast, "{count} in groups of {most}");
            }
            for (place, modulus) in moduli.iter().enumerate() {
                let others = moduli.iter().enumerate().filter(|(other, _)| *other != place);
                let product: UBig =
                    others.map(|(_, other)| other % modulus).fold(UBig::ONE, |sum, one| sum * one % modulus);
                let slow = if product.is_zero() { modulus.clone() } else { product.gcd(modulus) };
                assert_eq!(fast[place], slow, "{count} {place}");
            }
        }
    }
}
