//! What the search promises, with seeded entropy.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "numbers of the tests are small, or cut off on purpose"
)]

use aws_lc_rs::digest::{SHA256, digest};
use zeroize::Zeroizing;

use super::bignum::{Context, Modulus, Number, Power};
use super::limbs::{
    Limbs, add_small, difference, is_small, less_than, minus_one, remainder, shift_right, trailing_zeros,
};
use super::window::{Pair, SMALL_PRIMES, Window};
use super::{
    Candidate, Entropy, FAILED, NoEntropy, PUBLIC_EXPONENT, System, Tester, far_apart, generate_with, is_usable, prime,
    prime_in, rounds, two_primes, window,
};

/// Arnault's 397-digit composite: a strong pseudoprime to every base below 307 (Mathematics of Computation 64, 1995,
/// and J. Symbolic Computation 20, 1995), a product of three primes.
const ARNAULT_397: &str = "2887148238050771212671429597130393991977609459279722700926516024197432303799152733116328983144639225941977803110929349655578418949441740933805615113979999421542416933972905423711002751042080134966731755152859226962916775325475044445856101949404200039904432116776619949629539250452698719329070373564032273701278453899126120309244841494728976885406024976768122077071687938121709811322297802059565867";
/// Arnault's 337-digit composite: a strong pseudoprime to every prime base below 200.
const ARNAULT_337: &str = "8038374574536394912570796143419421081388376882875581458374889175222974273765333652186502336163960045457915042023603208766569966760987284043965408232928738791850869166857328267761771029389697739470167082304286871099974399765441448453411558724506334092790222752962294149842306881685404326457534018329786111298960644845216191652872597534901";
/// (6m+1)(12m+1)(18m+1), Chernick's Carmichael numbers, 1018 bits; three prime factors.
const CARMICHAEL: &str = "1869730783259305222375694941847541420591656267233097376861518549831155929508320513223726174294634852933992277331732772121480351518742355736489913504571367739224803744435426078936971416650013643746031786260879012390810566801058968470944147308307491524833276103026879899494686705375537562181936972067941097729";
/// A prime p with 2p - 1 prime: p(2p - 1) passes Miller-Rabin to about a quarter of all bases.
const HALF: &str = "13204495495018682589818505451695857420706923065265952128748242312807646834813718197563715870667565128156652819929509865822812076313121898103178049476997507";

/// A stream of SHA-256(seed, counter).
struct Seeded(u64, u64);

impl Entropy for Seeded {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), NoEntropy> {
        for chunk in out.chunks_mut(32) {
            self.1 += 1;
            let input = [self.0.to_be_bytes(), self.1.to_be_bytes()].concat();
            chunk.copy_from_slice(&digest(&SHA256, &input).as_ref()[..chunk.len()]);
        }
        Ok(())
    }
}

/// Entropy that never comes.
struct Broken;

impl Entropy for Broken {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), NoEntropy> {
        Err(NoEntropy)
    }
}

fn decimal(text: &str) -> Limbs {
    let mut limbs = vec![0_u64];
    for digit in text.bytes() {
        let mut carry = u128::from(digit - b'0');
        for limb in &mut limbs {
            let product = u128::from(*limb) * 10 + carry;
            *limb = (product & u128::from(u64::MAX)) as u64;
            carry = product >> 64;
        }
        if carry != 0 {
            limbs.push(carry as u64);
        }
    }
    Zeroizing::new(limbs)
}

fn product(a: &[u64], b: &[u64]) -> Limbs {
    let mut result = vec![0_u64; a.len() + b.len()];
    for (i, x) in a.iter().enumerate() {
        let mut carry = 0;
        for (j, y) in b.iter().enumerate() {
            let sum = u128::from(*x) * u128::from(*y) + u128::from(result[i + j]) + carry;
            result[i + j] = (sum & u128::from(u64::MAX)) as u64;
            carry = sum >> 64;
        }
        result[i + b.len()] = carry as u64;
    }
    Zeroizing::new(result)
}

fn bit_length(number: &[u64]) -> usize {
    let top = number.iter().rposition(|limb| *limb != 0).unwrap();
    64 * (top + 1) - number[top].leading_zeros() as usize
}

fn small_primes() -> impl Iterator<Item = u32> {
    SMALL_PRIMES.iter().flatten().flat_map(Pair::primes).map(|prime| u32::try_from(prime.value()).unwrap())
}

fn candidate(number: Limbs, tester: &Tester) -> Candidate {
    let bits = bit_length(&number);
    tester.candidate(number, bits).unwrap()
}

fn is_prime(number: Limbs, in_pairs: bool, rounds: usize) -> bool {
    let tester = Tester::new(in_pairs).unwrap();
    let candidate = candidate(number, &tester);
    tester.miller_rabin(&candidate, rounds, &mut Seeded(6, 0)).unwrap()
}

fn fools_fermat(number: Limbs) -> bool {
    let tester = Tester::new(true).unwrap();
    tester.fermat(&candidate(number, &tester), None).unwrap()[0]
}

#[test]
fn composites_that_fool_weak_tests_are_found_out() {
    let half = decimal(HALF);
    // 2p is even, so one less borrows nothing.
    let mut twice_less_one = product(&half, &[2]);
    twice_less_one[0] -= 1;
    assert!(is_prime(half.clone(), true, 5) && is_prime(twice_less_one.clone(), true, 5));
    for (name, number) in [
        ("Arnault 397", decimal(ARNAULT_397)),
        ("Arnault 337", decimal(ARNAULT_337)),
        ("Carmichael", decimal(CARMICHAEL)),
        ("p(2p-1)", product(&half, &twice_less_one)),
        ("p squared", product(&half, &half)),
    ] {
        for in_pairs in [true, false] {
            assert!(!is_prime(number.clone(), in_pairs, 16), "{name} in_pairs={in_pairs}");
        }
    }
    // The test before the test is fooled, which is why it is not the last.
    assert!(fools_fermat(decimal(ARNAULT_397)) && fools_fermat(decimal(CARMICHAEL)));
}

#[test]
fn small_numbers_are_judged_as_trial_division_does() {
    let primes: Vec<u32> = small_primes().collect();
    for number in (5..8000).step_by(2) {
        let expected = primes.binary_search(&number).is_ok();
        assert_eq!(is_prime(Zeroizing::new(vec![u64::from(number)]), number % 4 == 1, 40), expected, "{number}");
    }
    for carmichael in [561, 1105, 1729, 2465, 2821, 6601, 8911, 825_265, 321_197_185] {
        assert!(!is_prime(Zeroizing::new(vec![carmichael]), true, 40), "{carmichael}");
    }
}

#[test]
fn primes_with_many_twos_in_their_predecessor_are_accepted() {
    // 3 * 2^189 + 1 and 7 * 2^120 + 1: more twos than the fixed number of squarings.
    for (factor, exponent) in [(3_u64, 189), (7, 120), (5, 55)] {
        let mut limbs = vec![0; exponent / 64 + 2];
        limbs[exponent / 64] = factor << (exponent % 64);
        limbs[exponent / 64 + 1] = if exponent % 64 == 0 { 0 } else { factor >> (64 - exponent % 64) };
        limbs[0] |= 1;
        let twos = trailing_zeros(&minus_one(&Zeroizing::new(limbs.clone())));
        assert_eq!(twos, u64::try_from(exponent).unwrap());
        assert!(is_prime(Zeroizing::new(limbs), true, 5), "{factor} * 2^{exponent} + 1");
    }
}

#[test]
fn the_sieve_agrees_with_trial_division() {
    for bits in [1024, 1536, 2048] {
        let window = Window::random(bits, &mut Seeded(1, 0)).unwrap();
        let mut survivors = 0;
        for (index, word) in (0..).zip(window.survivors()) {
            for bit in 0..64 {
                let number = add_small(window.base(), 2 * (64 * index + bit));
                let divided = small_primes().any(|prime| remainder(&number, prime) == 0);
                assert_eq!(word >> bit & 1 == 0, divided, "{bits} {index} {bit}");
                survivors += usize::from(!divided);
            }
        }
        // Mertens: a share of about 2 e^-gamma / ln 65536 = 0.101 of the odd numbers.
        let share = survivors as f64 / (bits * 2) as f64;
        assert!((0.07..0.14).contains(&share), "{share}");
    }
}

#[test]
fn the_primes_of_the_sieve_are_all_there() {
    let primes: std::collections::BTreeSet<u32> = small_primes().collect();
    assert_eq!(primes.len(), 6541);
    assert_eq!((primes.first(), primes.last()), (Some(&3), Some(&65521)));
}

#[test]
fn a_window_gives_each_survivor_once_and_then_nothing() {
    let mut entropy = Seeded(2, 0);
    let mut window = Window::random(1024, &mut entropy).unwrap();
    let mut expected: Vec<Limbs> = (0..2048_u64)
        .filter(|index| window.survivors()[usize::try_from(index / 64).unwrap()] >> (index % 64) & 1 == 1)
        .map(|index| add_small(window.base(), 2 * index))
        .collect();
    let mut taken = Vec::new();
    while let Some(number) = window.take(&mut entropy).unwrap() {
        taken.push(number);
    }
    assert_ne!(taken, expected, "drawn in random order");
    taken.sort_by(|a, b| a.as_slice().cmp(b));
    expected.sort_by(|a, b| a.as_slice().cmp(b));
    assert_eq!(taken, expected);
}

#[test]
fn arithmetic_agrees_with_128_bits() {
    let mut random = Zeroizing::new(vec![0; 4]);
    let mut entropy = Seeded(3, 0);
    for _ in 0..500 {
        window::random_limbs(&mut random, &mut entropy).unwrap();
        let wide = |low: u64, high: u64| u128::from(low) | u128::from(high) << 64;
        let limbs = |number: u128| Zeroizing::new(vec![number as u64, (number >> 64) as u64]);
        let (a, b) = (wide(random[0], random[1]), wide(random[2], random[3]));
        assert_eq!(difference(&limbs(a), &limbs(b)), limbs(a.abs_diff(b)));
        assert_eq!(less_than(&limbs(a), &limbs(b)), a < b);
        let amount = random[0] % 128;
        assert_eq!(shift_right(&limbs(a), amount), limbs(a >> amount));
        let shifted = a << amount;
        assert_eq!(trailing_zeros(&limbs(shifted)), u64::from(shifted.trailing_zeros()));
        for modulus in [3, 5, 251, 65521, 65537] {
            assert_eq!(u128::from(remainder(&limbs(a), modulus)), a % u128::from(modulus));
        }
        let bound = usize::try_from(amount).unwrap();
        assert_eq!(is_small(&limbs(b), bound), b <= 1 << bound);
    }
    assert!(is_small(&limbs_of(1 << 40), 40) && !is_small(&limbs_of((1 << 40) + 1), 40));
    assert!(
        !far_apart(&limbs_of(5), &limbs_of(5 + (1 << 20)), 240)
            && far_apart(&limbs_of(5), &limbs_of(6 + (1 << 20)), 240)
    );
}

fn limbs_of(number: u64) -> Limbs {
    Zeroizing::new(vec![number, 0])
}

/// Holds the binding: pairs and single exponentiations agree on the vector path (full widths, with leading zeros
/// kept by `BN_bin2bn`), on the fallback (widths that differ) and on unequal moduli.
#[test]
fn paired_and_single_exponentiation_agree() {
    let context = Context::new().unwrap();
    let mut entropy = Seeded(4, 0);
    for (first_width, second_width, shorter) in
        [(16, 16, 0), (24, 24, 0), (32, 32, 0), (16, 16, 15), (16, 24, 0), (4, 4, 0), (16, 16, 8)]
    {
        for _ in 0..10 {
            let mut number = |width: usize, odd: bool| {
                let mut limbs = Zeroizing::new(vec![0; width]);
                window::random_limbs(&mut limbs, &mut entropy).unwrap();
                limbs[width - 1] >>= 1;
                if odd {
                    limbs[0] |= 1;
                    limbs[width - 1] |= 1 << 63;
                }
                limbs
            };
            let (first, second) = (number(first_width, true), number(second_width, true));
            let moduli = [Modulus::new(&first, &context).unwrap(), Modulus::new(&second, &context).unwrap()];
            let bases = [number(first_width, false), number(second_width - shorter, false)];
            let bases = bases.map(|base| Number::new(&base).unwrap());
            let exponents = [number(first_width, false), number(second_width, false)];
            let exponents = exponents.map(|exponent| Number::new(&exponent).unwrap());
            let powers = [0, 1].map(|at| Power { modulus: &moduli[at], base: &bases[at], exponent: &exponents[at] });
            let pair = context.power_pair(&powers).unwrap();
            for (power, paired) in powers.iter().zip(&pair) {
                assert!(context.power(power).unwrap().equals(paired), "{first_width} {second_width} {shorter}");
            }
        }
    }
    assert!(Modulus::new(&[4, 1], &context).is_err(), "an even modulus is refused");
    let modulus = Modulus::new(&[7], &context).unwrap();
    let number = Number::new(&[9]).unwrap();
    assert!(context.power(&Power { modulus: &modulus, base: &number, exponent: &number }).is_err(), "not reduced");
}

/// A few hundred primes from one seed: size, distinctness, second opinions, and residues by chi-square.
#[test]
fn primes_are_full_distinct_and_evenly_spread() {
    const COUNT: usize = 400;
    let tester = Tester::new(true).unwrap();
    let mut entropy = Seeded(5, 0);
    let primes: Vec<Limbs> = (0..COUNT).map(|_| prime(512, &tester, &mut entropy).unwrap()).collect();
    for number in &primes {
        assert_eq!(number[7] >> 62, 0b11);
        assert_eq!(number[0] & 1, 1);
        assert_ne!(remainder(number, PUBLIC_EXPONENT), 1);
    }
    let distinct: std::collections::BTreeSet<&Vec<u64>> = primes.iter().map(|prime| &**prime).collect();
    assert_eq!(distinct.len(), COUNT);
    // The two bits below the top ones and the residues: even over the classes that a prime can be in.
    let mut statistics = vec![("bits below the top", chi_square(primes.iter().map(|p| p[7] >> 60 & 3), 0..4))];
    statistics.push(("mod 4", chi_square(primes.iter().map(|p| p[0] & 3), [1, 3].into_iter())));
    for modulus in [3, 5, 7, 11, 13, 17, 19, 23] {
        let residues = primes.iter().map(|p| remainder(p, modulus));
        statistics.push(("a small prime", chi_square(residues, 1..u64::from(modulus))));
    }
    for (name, result) in statistics {
        assert_even(name, result);
    }
}

/// Distances within windows. A search that took the next prime from a random start would prefer primes behind long
/// gaps: the gap before its primes would be nearly twice the mean gap. Here every prime of a window must be as likely
/// as any other, wherever in the window and behind whatever gap it is.
#[test]
fn every_prime_of_a_window_is_as_likely_as_any_other() {
    const WINDOWS: u64 = 600;
    const BITS: usize = 256;
    let tester = Tester::new(true).unwrap();
    let mut entropy = Seeded(6, 0);
    let (mut places, mut ranks, mut behind_a_long_gap) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..WINDOWS {
        let mut window = Window::random(BITS, &mut entropy).unwrap();
        let indices = primes_of(&window, &tester, &mut entropy);
        let base = window.base().clone();
        let Some(found) = prime_in(&mut window, BITS, &tester, &mut entropy).unwrap() else {
            assert!(indices.is_empty());
            continue;
        };
        let index = difference(&found, &base)[0] / 2;
        let rank = indices.iter().position(|each| *each == index).expect("a prime of the window");
        places.push(index * 8 / (2 * BITS as u64));
        // Two halves of a window's primes, by rank and by the gap before; the middle one of an odd number counts not.
        let gap = |at: usize| if at == 0 { indices[0] + 1 } else { indices[at] - indices[at - 1] };
        let longer = (0..indices.len()).filter(|at| gap(*at) > gap(rank)).count();
        for (halves, before) in [(&mut ranks, rank), (&mut behind_a_long_gap, longer)] {
            if 2 * before + 1 != indices.len() {
                halves.push(u64::from(2 * before + 1 > indices.len()));
            }
        }
    }
    assert!(places.len() > 500 && ranks.len() > 400);
    assert_even("place in the window", chi_square(places.into_iter(), 0..8));
    assert_even("rank among the window's primes", chi_square(ranks.into_iter(), 0..2));
    assert_even("length of the gap before", chi_square(behind_a_long_gap.into_iter(), 0..2));
}

/// The indices of all usable primes of a window, in order.
fn primes_of(window: &Window, tester: &Tester, entropy: &mut Seeded) -> Vec<u64> {
    let mut found = Vec::new();
    for (word_index, word) in (0_u64..).zip(window.survivors()) {
        for index in (0..64).filter(|bit| word >> bit & 1 == 1).map(|bit| 64 * word_index + bit) {
            let candidate = candidate(add_small(window.base(), 2 * index), tester);
            if tester.fermat(&candidate, None).unwrap()[0]
                && is_usable(&candidate)
                && tester.miller_rabin(&candidate, 5, entropy).unwrap()
            {
                found.push(index);
            }
        }
    }
    found
}

/// Below the 0.9999 quantile by Wilson and Hilferty; with the fixed seed the outcome is fixed too.
fn assert_even(name: &str, (statistic, freedom): (f64, f64)) {
    let (k, z) = (freedom, 3.719);
    let bound = k * (1.0 - 2.0 / (9.0 * k) + z * (2.0 / (9.0 * k)).sqrt()).powi(3);
    assert!(statistic < bound, "{name}: {statistic} with {freedom} degrees of freedom, bound {bound}");
    assert!(statistic > 0.0, "{name}: too even");
}

fn chi_square(values: impl Iterator<Item = u64>, classes: impl Iterator<Item = u64>) -> (f64, f64) {
    let mut counts: std::collections::BTreeMap<u64, f64> = classes.map(|class| (class, 0.0)).collect();
    let mut total = 0.0;
    for value in values {
        *counts.get_mut(&value).expect("a class that a prime can be in") += 1.0;
        total += 1.0;
    }
    let expected = total / counts.len() as f64;
    (counts.values().map(|count| (count - expected).powi(2) / expected).sum(), counts.len() as f64 - 1.0)
}

/// What `make secret-check` follows through memcheck, the system's random bytes marked as secret.
#[test]
fn two_primes_of_each_size_from_the_system() {
    let tester = Tester::new(false).unwrap();
    for bits in [2048, 3072, 4096] {
        let [p, q] = two_primes(bits, &tester, &mut System).unwrap().expect("far apart");
        assert_eq!([p.len(), q.len()], [bits / 128; 2]);
    }
}

/// The control of `make secret-check`: memcheck must report it, or would not report the search either.
#[test]
#[ignore = "tells a secret on purpose"]
fn a_branch_on_a_secret() {
    let mut limbs = [0];
    window::random_limbs(&mut limbs, &mut System).unwrap();
    let told = if limbs[0] & 1 == 1 { std::hint::black_box("odd") } else { std::hint::black_box("even") };
    assert_eq!(told == "odd", limbs[0] % 2 == 1);
}

#[test]
fn without_entropy_there_is_no_key() {
    let tester = Tester::new(true).unwrap();
    assert_eq!(generate_with(2048, &tester, &mut Broken).unwrap_err().to_string(), FAILED.to_string());
}

/// `.cargo/config.toml` says so to the build of aws-lc too.
#[test]
fn entropy_is_the_kernels_alone() {
    assert_eq!(option_env!("AWS_LC_SYS_NO_JITTER_ENTROPY"), Some("1"));
}

#[test]
fn one_seed_one_key_and_both_forms_pass_the_same_primes() {
    let key = |seed, in_pairs| generate_with(2048, &Tester::new(in_pairs).unwrap(), &mut Seeded(seed, 0)).unwrap();
    assert_eq!(key(7, true), key(7, true));
    assert_eq!(key(7, true), key(7, false));
    assert_ne!(key(7, true), key(8, true));
}

#[test]
fn rounds_are_those_of_table_b_1() {
    assert_eq!([1024, 1536, 2048].map(rounds), [5, 4, 4]);
}
