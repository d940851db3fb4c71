//! The plan that puts certificates that were signed elsewhere into their places: `kubepki certs import`.
//!
//! In: the tree as read, the files that were given, the wanted cluster, now. Out: a [`Plan`] that holds the
//! certificates (never a key). Each is matched to its row of the catalogue and held against its key, its request, its
//! CA, its purposes and its names; one critical finding blocks the plan as a whole, so that nothing is half done.
//!
//! | part | what it holds |
//! |---|---|
//! | `matching` | which file is for which place |
//! | `leaves` | leaf certificates, with the key that came along |
//! | `authorities` | CA certificates, and whether what is there stands under them |

mod authorities;
mod leaves;
mod matching;

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

pub(crate) use matching::ENDINGS;

use super::{Artefact, KeySource, Operation, Plan};
use crate::audit::{Finding, FindingCode, Severity};
use crate::catalogue;
use crate::inventory::{Inventory, Part};
use crate::key::PrivateKey;
use crate::x509::{Certificate, CertificateRequest};

/// A file that holds certificates, and what lies beside it.
#[derive(Debug)]
pub struct Given {
    /// The file, as it was named or found.
    pub path: PathBuf,
    /// Whether it was named, and not found in a directory that was.
    pub is_named: bool,
    /// Its certificates in its order.
    pub certificates: Part<Vec<Certificate>>,
    /// The keys beside it.
    pub keys: Vec<GivenKey>,
    /// The request beside it.
    pub request: Option<CertificateRequest>,
}

/// A key that was made for a renewal and waits for its certificate, with its request.
#[derive(Debug)]
pub struct Waiting {
    /// kubeadm's name.
    pub name: &'static str,
    /// The key, if it is there.
    pub key: Option<GivenKey>,
    /// The request, if it is there.
    pub request: Option<CertificateRequest>,
}

impl Waiting {
    /// Whether the certificate has the public key of the key or the request.
    fn is_for(&self, leaf: &Certificate) -> bool {
        let is_its = |info: &[u8]| info == leaf.public_key_info();
        self.key.as_ref().is_some_and(|one| is_its(one.key.public_key_info()))
            || self.request.as_ref().is_some_and(|request| is_its(request.public_key_info()))
    }
}

/// A private key beside a certificate.
#[derive(Debug)]
pub struct GivenKey {
    /// The file.
    pub source: KeySource,
    /// The key.
    pub key: PrivateKey,
}

/// How a plan is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether what a certificate says (names, purposes, validity, signer) may be wrong. Never its key.
    pub force: bool,
}

/// What `--force` turns into warnings.
const FORCEABLE: [FindingCode; 5] = [
    FindingCode::CertificateExpired,
    FindingCode::CertificateNotYetValid,
    FindingCode::CertificateUntrusted,
    FindingCode::CertificateMissingNames,
    FindingCode::CertificateMissingUsages,
];

/// What all parts of the plan work with.
pub(super) struct Importing<'a> {
    pub(super) inventory: &'a Inventory<'a>,
    pub(super) waiting: &'a [Waiting],
    pub(super) options: &'a Options,
    pub(super) now: DateTime<Utc>,
    /// The certificates that each CA's file will hold, of those that there are.
    pub(super) bundles: BTreeMap<&'static str, Vec<Certificate>>,
    /// The chain that each leaf will have, of those that change.
    pub(super) chains: BTreeMap<&'static str, Vec<Certificate>>,
    pub(super) artefacts: Vec<Artefact>,
    pub(super) findings: Vec<Finding>,
}

/// Plans the import of `given` into its places; keys made for a renewal are in `waiting`.
pub(crate) fn import(
    inventory: &Inventory<'_>,
    given: &[Given],
    waiting: &[Waiting],
    options: &Options,
    now: DateTime<Utc>,
) -> Plan {
    let mut importing = Importing {
        inventory,
        waiting,
        options,
        now,
        bundles: BTreeMap::new(),
        chains: BTreeMap::new(),
        artefacts: Vec::new(),
        findings: Vec::new(),
    };
    let matched = importing.match_all(given);
    // A leaf may come with its CA: the CAs are known first, and judged last, when all leaves are known.
    let authorities = importing.take_authorities(&matched);
    importing.plan_leaves(&matched);
    importing.plan_authorities(authorities);
    importing.note_unsigned(given);

    let Importing { mut artefacts, mut findings, .. } = importing;
    if options.force {
        for finding in &mut findings {
            if FORCEABLE.iter().any(|code| finding.code == *code) {
                finding.severity = finding.severity.min(Severity::Warning);
            }
        }
    }
    artefacts.sort_by_key(|artefact| catalogue::position(&artefact.name));
    Plan::new(Operation::Import, inventory.layout, inventory.tree, now, artefacts, findings)
}

impl Importing<'_> {
    /// Whether a critical finding, which no `--force` lifts, stands against `name`.
    pub(super) fn is_refused(&self, name: &str) -> bool {
        self.findings.iter().any(|finding| {
            finding.subject == name
                && finding.is_critical()
                && !(self.options.force && FORCEABLE.iter().any(|code| finding.code == *code))
        })
    }
}

/// The PEM of certificates, one after the other.
pub(super) fn pem_of(certificates: &[Certificate]) -> String {
    String::from_utf8_lossy(&certificates.iter().flat_map(Certificate::to_pem).collect::<Vec<_>>()).into_owned()
}
