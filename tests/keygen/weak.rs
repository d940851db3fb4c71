//! What it costs to look at keys: each for itself, and all of them for primes that they share.
//!
//! `cargo test --release --test keygen weak -- --ignored --nocapture` prints it.

use std::time::Instant;

use kubepki::key::{Effort, public_key_weakness, public_key_weaknesses, shared_factors};

/// A generator of numbers that only have to be different.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// An odd number of 2048 bits: the work does not depend on whether it is the product of two primes.
    fn modulus(&mut self) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..32).flat_map(|_| self.next().to_be_bytes()).collect();
        (bytes[0], bytes[255]) = (bytes[0] | 0x80, bytes[255] | 1);
        bytes
    }
}

fn public_key_info(modulus: &[u8]) -> Vec<u8> {
    let sequence = |content: &[u8]| {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[0x30, 0x82], &length[..], content].concat()
    };
    let length = |length: usize| u16::try_from(length).unwrap().to_be_bytes();
    let integer = [&[2, 0x82], &length(modulus.len() + 1)[..], &[0], modulus].concat();
    let key = sequence(&[&integer[..], &[2, 3, 1, 0, 1]].concat());
    let key = [&[3, 0x82], &length(key.len() + 1)[..], &[0], &key].concat();
    let rsa = kubepki::digest::unhex(b"300d06092a864886f70d0101010500").unwrap();
    sequence(&[rsa, key].concat())
}

#[test]
#[ignore = "it measures"]
fn weak_keys_are_looked_for_in_this_time() {
    let mut numbers = Numbers(88_172_645_463_325_252);
    // What has no small factor goes through all tests, and hardly ever shares one.
    let is_sound = |modulus: &Vec<u8>| public_key_weakness(&public_key_info(modulus), Effort::Quick).is_none();
    let moduli: Vec<_> = std::iter::repeat_with(|| numbers.modulus()).filter(is_sound).take(40_000).collect();
    let sound: Vec<_> = moduli.iter().map(|modulus| public_key_info(modulus)).collect();
    let began = Instant::now();
    for info in &sound {
        assert_eq!(public_key_weakness(info, Effort::Quick), None);
    }
    let each = began.elapsed() / u32::try_from(sound.len()).unwrap();
    eprintln!("one key for itself: {each:?} ({} keys)", sound.len());
    let began = Instant::now();
    for infos in sound.chunks(16) {
        let infos: Vec<_> = infos.iter().map(Vec::as_slice).collect();
        assert!(public_key_weaknesses(&infos).iter().all(Option::is_none));
    }
    let each = began.elapsed() / u32::try_from(sound.len()).unwrap();
    eprintln!("one key of the sixteen of a node: {each:?}");
    // The longest that are looked at, with small factors or without.
    let long: Vec<_> = moduli.chunks(8).take(100).map(|eight| public_key_info(&eight.concat())).collect();
    let long: Vec<_> = long.iter().map(Vec::as_slice).collect();
    let began = Instant::now();
    let weak = public_key_weaknesses(&long).iter().flatten().count();
    eprintln!("one key of 16,384 bits: {:?} ({weak} of 100 are weak)", began.elapsed() / 100);
    for count in [20, 1000, 10_000, 40_000] {
        let moduli: Vec<_> = moduli.iter().take(count).map(Vec::as_slice).collect();
        let began = Instant::now();
        let shared = shared_factors(&moduli).iter().flatten().count();
        let peak = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let peak = peak.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default().to_owned();
        eprintln!("{count} moduli beside each other: {:?} ({shared} share a factor; {peak})", began.elapsed());
    }
}
