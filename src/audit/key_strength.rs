//! Judging public keys: too weak, of a kind that nothing uses, published, or with a prime in common with another key.
//!
//! In: every key that was seen, with what holds it, and perhaps a list of known keys. Out: findings. Each key is looked at once, however often
//! it was seen.
//!
//! Source: NIST SP 800-131A (RSA from 2048 bits, curves from 224 bits on), Go `crypto/tls` (RSA up to 8192 bits).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Finding, FindingCode, Severity};
use crate::key::{Blocklist, SharedFactor, Weakness, public_key_weaknesses, rsa_modulus, shared_factors};
use crate::x509::Certificate;

/// The shortest RSA key that is not too short, in bits.
const SHORTEST_RSA: usize = 2048;
/// Go's TLS takes no longer ones.
const LONGEST_RSA: usize = 8192;

/// Primes in common are looked for in so many bits of moduli at once, those of 1,000 keys of a usual length: it takes a quarter of a
/// second. More are a fleet's, which compares all of its keys once ([`shared_factors`]).
const MOST_COMPARED_BITS: usize = 1000 * SHORTEST_RSA;

/// A public key that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenKey {
    /// What holds it: kubeadm's name of the certificate, or the file's.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Its kind, as `RSA-2048`.
    pub kind: String,
    /// The `SubjectPublicKeyInfo` DER.
    pub public_key_info: Vec<u8>,
}

impl SeenKey {
    /// The key of a certificate.
    #[must_use]
    pub fn of(name: &str, path: &Path, certificate: &Certificate) -> Self {
        Self {
            name: name.to_owned(),
            path: path.to_owned(),
            kind: certificate.key_kind().to_owned(),
            public_key_info: certificate.public_key_info().to_vec(),
        }
    }

    fn finding(&self, code: FindingCode, severity: Severity, evidence: String, remedy: &str) -> Finding {
        Finding::new(code, &self.name, &self.path, evidence, remedy).as_bad_as(severity)
    }
}

/// Judges each key for itself and beside the others. Keys of other trees are compared by [`shared_factors`] alone.
#[must_use]
pub fn judge_keys(keys: &[SeenKey], blocklist: Option<&Blocklist>) -> Vec<Finding> {
    let mut holders: BTreeMap<&[u8], Vec<&SeenKey>> = BTreeMap::new();
    for key in keys {
        holders.entry(&key.public_key_info).or_default().push(key);
    }
    let mut findings = Vec::new();
    let weaknesses = public_key_weaknesses(&holders.keys().copied().collect::<Vec<_>>());
    for ((info, holders), by_numbers) in holders.iter().zip(weaknesses) {
        let Some(first) = holders.first() else { continue };
        let said =
            [weakness(&first.kind, by_numbers), unusable(&first.kind), blocklist.and_then(|list| blocked(list, info))];
        for (code, severity, evidence, remedy) in said.into_iter().flatten() {
            findings.extend(holders.iter().map(|holder| holder.finding(code, severity, evidence.clone(), remedy)));
        }
    }
    findings.extend(shared(&holders.into_values().collect::<Vec<_>>()));
    findings
}

/// What to do about a key that is weak.
pub(super) const NEW_KEY: &str = "have it issued again with a new key, made on a current system";
/// A CA's key is replaced with the CA; whoever has it can sign for anyone until then.
type Said = (FindingCode, Severity, String, &'static str);

fn weakness(kind: &str, by_numbers: Option<Weakness>) -> Option<Said> {
    let said = |is_broken: bool, reason: String| {
        let severity = if is_broken { Severity::Critical } else { Severity::Warning };
        (FindingCode::KeyWeak, severity, format!("its key is weak: {reason}"), NEW_KEY)
    };
    // A number that can be taken apart is worse than one that is short.
    if let Some(weakness) = by_numbers.as_ref().filter(|weakness| weakness.is_broken) {
        return Some(said(true, weakness.reason.clone()));
    }
    if kind == "ECDSA-P224" {
        return Some(said(false, "the curve P-224 is too small, and neither kubeadm nor TLS 1.3 uses it".to_owned()));
    }
    if let Some(bits) = kind.strip_prefix("RSA-").and_then(|bits| bits.parse::<usize>().ok()) {
        if bits < SHORTEST_RSA {
            return Some(said(bits < SHORTEST_RSA / 2, format!("RSA with {bits} bits; {SHORTEST_RSA} are the least")));
        }
        if bits > LONGEST_RSA {
            return Some(said(true, format!("RSA with {bits} bits; Go takes at most {LONGEST_RSA} in TLS")));
        }
    }
    by_numbers.map(|weakness| said(false, weakness.reason))
}

fn unusable(kind: &str) -> Option<Said> {
    let is_used = ["RSA-", "ECDSA-"].iter().any(|known| kind.starts_with(known)) || kind == "Ed25519";
    (!is_used).then(|| {
        let evidence = format!("its key is of the kind {kind}, which no component of Kubernetes uses");
        (FindingCode::KeyUnusable, Severity::Warning, evidence, "have it issued again with an RSA or ECDSA key")
    })
}

fn blocked(list: &Blocklist, info: &[u8]) -> Option<Said> {
    let found = list.find(info)?;
    let evidence = format!("its private key is published, and anyone has it (badkeys' list {found})");
    Some((FindingCode::KeyPublished, Severity::Critical, evidence, NEW_KEY))
}

/// Keys of this tree that have a prime in common.
fn shared(keys: &[Vec<&SeenKey>]) -> Vec<Finding> {
    let moduli: Vec<_> =
        keys.iter().map(|holders| holders.first().and_then(|key| rsa_modulus(&key.public_key_info))).collect();
    if moduli.iter().flatten().map(|modulus| modulus.len() * 8).sum::<usize>() > MOST_COMPARED_BITS {
        return Vec::new();
    }
    let found = shared_factors(&moduli.iter().map(|modulus| modulus.unwrap_or_default()).collect::<Vec<_>>());
    let mut findings = Vec::new();
    for (holders, SharedFactor { with, .. }) in keys.iter().zip(found).filter_map(|(key, one)| Some((key, one?))) {
        let others = with.iter().filter_map(|place| keys.get(*place)?.first());
        let others: Vec<_> = others.map(|key| format!("{} ({})", key.name, key.path.display())).collect();
        for holder in holders {
            let (code, evidence) = (FindingCode::KeySharedPrime, shares_with(&others.join(", ")));
            findings.push(holder.finding(code, Severity::Critical, evidence, NEW_KEY));
        }
    }
    findings
}

/// The evidence of a key that shares a prime with the keys of `others`.
#[must_use]
pub fn shares_with(others: &str) -> String {
    format!(
        "its modulus has a prime in common with the key of {others}: who has both certificates has both private keys"
    )
}
