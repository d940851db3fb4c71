//! The search for a chain from a leaf to a trusted certificate, and what must hold on it.
//!
//! In: a leaf, intermediates, trusted certificates, a moment, a purpose. Out: the position of the trusted certificate, or
//! a [`Failure`]: the rule that stands in the way, and whose certificate breaks it. As Go has it, any trusted certificate
//! will do, key identifiers only order the search, and a leaf that is trusted itself needs no chain.
//!
//! Source: Go `crypto/x509` `Verify`, `buildChains`, `isValid`, `CheckSignatureFrom`, `checkChainForKeyUsage`.

use chrono::{DateTime, Utc};

use super::key::PublicKey;
use super::read::Facts;
use super::rule::{Broken, Rule};
use super::{constraint, policy, signature};

/// How many signatures Go looks at before it gives up.
const MOST_SIGNATURES: usize = 100;
const ANY_USAGE: &str = "2.5.29.37.0";

/// A certificate that may stand in a chain.
#[derive(Clone, Copy, Debug)]
pub(in crate::x509) struct Candidate<'a> {
    pub(in crate::x509) facts: &'a Facts,
    pub(in crate::x509) der: &'a [u8],
}

/// Whether the leaf is signed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::x509) enum LeafSignature {
    /// It is, and its signature counts.
    Made,
    /// It is a draft: whoever has its issuer's name will sign it.
    Promised,
}

/// What is searched for.
#[derive(Clone, Copy, Debug)]
pub(in crate::x509) struct Search<'a> {
    pub(in crate::x509) leaf: Candidate<'a>,
    pub(in crate::x509) leaf_signature: LeafSignature,
    pub(in crate::x509) intermediates: &'a [Candidate<'a>],
    pub(in crate::x509) roots: &'a [Candidate<'a>],
    pub(in crate::x509) now: DateTime<Utc>,
    /// The purpose, dotted; `None` for any.
    pub(in crate::x509) usage: Option<&'a str>,
}

/// Why there is no chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::x509) struct Failure {
    /// The subject (DER) of the certificate that breaks the rule.
    pub(in crate::x509) subject: Vec<u8>,
    pub(in crate::x509) broken: Broken,
}

impl Failure {
    fn of(facts: &Facts, rule: Rule, found: impl Into<String>) -> Self {
        Self { subject: facts.subject.clone(), broken: Broken::of(rule, found) }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Leaf,
    Intermediate,
    Root,
}

/// Finds a chain; the position in `roots` of the certificate that it ends at.
pub(in crate::x509) fn search(search: &Search<'_>) -> Result<usize, Failure> {
    let leaf = search.leaf;
    is_valid(leaf.facts, Kind::Leaf, 0, search.now)?;
    let mut walk = Walk { search, checks: 0, chains: Vec::new(), failures: Vec::new() };
    if let Some(position) = search.roots.iter().position(|root| root.der == leaf.der) {
        walk.chains.push((vec![leaf], position));
    } else {
        walk.climb(&mut vec![leaf]);
    }
    if walk.chains.is_empty() {
        return Err(walk.failure());
    }
    let mut failure = None;
    for (chain, root) in walk.chains {
        match check_chain(&chain, search.usage) {
            Ok(()) => return Ok(root),
            Err(found) => failure = failure.or(Some(found)),
        }
    }
    Err(failure.unwrap_or_else(|| Failure::of(leaf.facts, Rule::UNKNOWN_AUTHORITY, "no chain was found")))
}

struct Walk<'s, 'a> {
    search: &'s Search<'a>,
    checks: usize,
    chains: Vec<(Vec<Candidate<'a>>, usize)>,
    failures: Vec<Failure>,
}

impl<'a> Walk<'_, 'a> {
    /// Follows every certificate that may have signed the last one of `chain`.
    fn climb(&mut self, chain: &mut Vec<Candidate<'a>>) {
        let Some(child) = chain.last().copied() else { return };
        let Search { roots, intermediates, .. } = *self.search;
        for (kind, pool) in [(Kind::Root, roots), (Kind::Intermediate, intermediates)] {
            for position in likely(child.facts, pool) {
                let Some(candidate) = pool.get(position).copied() else { continue };
                self.checks += 1;
                if self.checks > MOST_SIGNATURES {
                    self.failures.push(Failure::of(
                        child.facts,
                        Rule::TOO_LONG,
                        "more than 100 signatures would have to be checked",
                    ));
                    return;
                }
                let is_unreadable = matches!(candidate.facts.public_key, PublicKey::Unknown { .. });
                if is_unreadable || is_in_chain(candidate.facts, chain) {
                    continue;
                }
                let draft = chain.len() == 1 && self.search.leaf_signature == LeafSignature::Promised;
                let checked = check_signature(child.facts, candidate.facts, draft)
                    .and_then(|()| is_valid(candidate.facts, kind, chain.len(), self.search.now));
                if let Err(failure) = checked {
                    self.failures.push(failure);
                    continue;
                }
                chain.push(candidate);
                if kind == Kind::Root {
                    self.chains.push((chain.clone(), position));
                } else {
                    self.climb(chain);
                }
                chain.pop();
            }
        }
    }

    /// The failure that says most: not the wrong signature of a namesake, if there is another.
    fn failure(self) -> Failure {
        let leaf = self.search.leaf.facts;
        let says_more = self.failures.iter().position(|failure| failure.broken.rule != Rule::SIGNATURE);
        let mut failures = self.failures;
        match (says_more, failures.is_empty()) {
            (Some(position), _) => failures.swap_remove(position),
            (None, false) => failures.swap_remove(0),
            (None, true) => {
                let found = "no trusted certificate, and no intermediate, has its issuer's name";
                Failure::of(leaf, Rule::UNKNOWN_AUTHORITY, found)
            }
        }
    }
}

/// The positions of those whose subject is the issuer, the likeliest by their key identifiers first; each once.
fn likely(child: &Facts, pool: &[Candidate<'_>]) -> Vec<usize> {
    let wanted = child.extensions.authority_key_identifier.as_deref().unwrap_or_default();
    let is_first = |position: usize, candidate: &Candidate<'_>| {
        pool.iter().position(|other| other.der == candidate.der) == Some(position)
    };
    let mut found: Vec<(u8, usize)> = Vec::new();
    for (position, candidate) in pool.iter().enumerate() {
        if candidate.facts.subject == child.issuer && is_first(position, candidate) {
            let has = candidate.facts.extensions.subject_key_identifier.as_deref().unwrap_or_default();
            let class = if has == wanted { 0 } else { 1 + u8::from(!has.is_empty() && !wanted.is_empty()) };
            found.push((class, position));
        }
    }
    found.sort_unstable();
    found.into_iter().map(|(_, position)| position).collect()
}

/// Subject, key and alternative names say whether it is the same again, not the bytes.
fn is_in_chain(candidate: &Facts, chain: &[Candidate<'_>]) -> bool {
    let names = |facts: &Facts| facts.extensions.alternative_names.as_ref().map(|(_, value)| value.clone());
    for one in chain {
        let is_same = one.facts.subject == candidate.subject && one.facts.public_key_info == candidate.public_key_info;
        if !is_same {
            continue;
        }
        match (names(candidate), names(one.facts)) {
            (None, None) => return true,
            (Some(own), Some(other)) if own == other => return true,
            (Some(_), Some(_)) => {}
            _ => return false,
        }
    }
    false
}

/// Verifies a certificate's signature by `key`.
pub(in crate::x509) fn verify_signature(signed: &Facts, key: &PublicKey) -> Result<(), Broken> {
    signature::verify(signed.algorithm, &signed.algorithm_oid, &signed.signed_part, &signed.signature, key)
}

fn check_signature(child: &Facts, parent: &Facts, is_draft: bool) -> Result<(), Failure> {
    let is_authority = match parent.extensions.basic_constraints {
        Some((is_ca, _)) => is_ca,
        None => parent.version != 3,
    };
    if !is_authority {
        return Err(Failure::of(parent, Rule::NOT_AN_AUTHORITY, "its basic constraints do not say that it is a CA"));
    }
    if parent.extensions.key_usage.is_some_and(|usage| usage != 0 && usage >> 5 & 1 == 0) {
        return Err(Failure::of(parent, Rule::KEY_CERT_SIGN, "its key usage lacks keyCertSign"));
    }
    let checked = if is_draft {
        signature::check_kinds(child.algorithm, &child.algorithm_oid, &parent.public_key)
    } else {
        verify_signature(child, &parent.public_key)
    };
    checked.map_err(|broken| Failure { subject: child.subject.clone(), broken })
}

/// What must hold of the certificate itself; `below` certificates of the chain stand under it.
fn is_valid(facts: &Facts, kind: Kind, below: usize, now: DateTime<Utc>) -> Result<(), Failure> {
    if let Some(oid) = facts.extensions.unknown_critical.first() {
        let found = format!("it has the critical extension {oid}, which Go does not know");
        return Err(Failure::of(facts, Rule::CRITICAL_EXTENSION, found));
    }
    if now < facts.not_before || now > facts.not_after {
        let found = format!("it is valid from {} to {} only", facts.not_before, facts.not_after);
        return Err(Failure::of(facts, Rule::EXPIRED, found));
    }
    let constraints = facts.extensions.basic_constraints;
    if kind == Kind::Intermediate && !constraints.is_some_and(|(is_ca, _)| is_ca) {
        return Err(Failure::of(
            facts,
            Rule::NOT_AN_AUTHORITY,
            "it is an intermediate and no CA by its basic constraints",
        ));
    }
    let between = u64::try_from(below.saturating_sub(1)).unwrap_or(u64::MAX);
    if let Some((_, Some(longest))) = constraints
        && kind != Kind::Leaf
        && between > longest
    {
        let found = format!("its path length is {longest}, and {between} intermediates stand below it");
        return Err(Failure::of(facts, Rule::PATH_LENGTH, found));
    }
    Ok(())
}

fn check_chain(chain: &[Candidate<'_>], usage: Option<&str>) -> Result<(), Failure> {
    let facts: Vec<&Facts> = chain.iter().map(|one| one.facts).collect();
    let Some(leaf) = facts.first() else { return Ok(()) };
    if !policy::is_valid(&facts) {
        return Err(Failure::of(
            leaf,
            Rule::POLICY,
            "a CA asks for a certificate policy, and none is valid through the chain",
        ));
    }
    if let Some(usage) = usage
        && let Some(one) = facts.iter().rev().find(|one| !allows(one, usage))
    {
        return Err(Failure::of(
            one,
            Rule::USAGE,
            format!("its extended key usages do not allow {}", usage_name(usage)),
        ));
    }
    let constrained = facts.iter().map(|facts| {
        let names = facts.extensions.alternative_names.as_ref().map_or(&[][..], |(names, _)| names);
        (names, facts.extensions.name_constraints.as_ref())
    });
    constraint::check(&constrained.collect::<Vec<_>>())
        .map_err(|broken| Failure { subject: leaf.subject.clone(), broken })
}

fn allows(facts: &Facts, usage: &str) -> bool {
    match facts.extensions.extended_key_usages.as_deref() {
        None | Some([]) => true,
        Some(usages) => usages.iter().any(|one| one == usage || one == ANY_USAGE),
    }
}

fn usage_name(usage: &str) -> &str {
    match usage {
        "1.3.6.1.5.5.7.3.1" => "serverAuth",
        "1.3.6.1.5.5.7.3.2" => "clientAuth",
        other => other,
    }
}
