//! RSA keys that have a prime in common with a key of another tree.
//!
//! In: the moduli of each tree as it comes. Out: which keys share a prime, and where they are. Of each modulus one copy is
//! kept, however many trees have it.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::{Short, Words, short};
use crate::audit::key_strength::SeenKey;
use crate::digest::{hex, unhex};
use crate::key::{rsa_modulus, shared_factors_until};
use crate::workers::StopSignal;

/// An RSA key of a tree, to be held against those of other trees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeModulus {
    /// What holds it: kubeadm's name of the certificate, or the file's.
    pub name: String,
    /// The modulus in hexadecimal.
    pub modulus: String,
}

impl TreeModulus {
    /// Each RSA key of a tree once, by the first that holds it.
    #[must_use]
    pub fn each(keys: &[SeenKey]) -> Vec<Self> {
        let mut seen = BTreeSet::new();
        let moduli = keys.iter().filter_map(|key| Some((key, rsa_modulus(&key.public_key_info)?)));
        moduli
            .filter(|(_, modulus)| seen.insert(*modulus))
            .map(|(key, modulus)| Self { name: key.name.clone(), modulus: hex(modulus) })
            .collect()
    }
}

/// Where a modulus was seen.
#[derive(Clone, Copy, Debug)]
struct Holder {
    tree: u32,
    name: u32,
}

/// A key that shares a prime with others.
pub(super) struct Sharing {
    pub(super) name: u32,
    /// The trees that have it.
    pub(super) trees: Vec<u32>,
    /// The others: what holds them, and where.
    pub(super) others: Vec<(u32, u32)>,
}

/// All moduli so far.
#[derive(Debug, Default)]
pub(super) struct Moduli {
    places: HashMap<Short, usize>,
    numbers: Vec<Box<[u8]>>,
    holders: Vec<Vec<Holder>>,
}

impl Moduli {
    pub(super) fn add(&mut self, tree: u32, words: &mut Words, moduli: &[TreeModulus]) {
        for one in moduli {
            let Some(number) = unhex(one.modulus.as_bytes()) else { continue };
            let place = *self.places.entry(short(&[&one.modulus])).or_insert_with(|| {
                self.numbers.push(number.into());
                self.holders.push(Vec::new());
                self.numbers.len() - 1
            });
            if let Some(holders) = self.holders.get_mut(place) {
                holders.push(Holder { tree, name: words.number(&one.name) });
            }
        }
    }

    pub(super) fn sharing(&self, stop: &StopSignal) -> Vec<Sharing> {
        let numbers: Vec<&[u8]> = self.numbers.iter().map(AsRef::as_ref).collect();
        let found = shared_factors_until(&numbers, stop).into_iter().zip(&self.holders);
        let sharing = found.filter_map(|(shared, holders)| {
            let others = shared?.with.into_iter().filter_map(|place| self.holders.get(place)?.first());
            Some(Sharing {
                name: holders.first()?.name,
                trees: holders.iter().map(|holder| holder.tree).collect(),
                others: others.map(|other| (other.name, other.tree)).collect(),
            })
        });
        sharing.collect()
    }
}
