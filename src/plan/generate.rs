//! The plan that makes what a node lacks: `kubepki init`.
//!
//! In: the inventory, options, now. Out: a [`Plan`]. What is there is never overwritten; it is
//! judged in full, and any critical finding blocks the plan as a whole, so that nothing is half done.
//!
//! Source: kubeadm `phases/certs`, `phases/kubeconfig`; external CA mode as `UsingExternalCA` has it.

mod authorities;
mod issued;

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Artefact, Cause, Operation, Plan, PlannedFile};
use crate::audit::chain::judge_draft;
use crate::audit::{Finding, FindingCode, Remedy, Severity};
use crate::catalogue::{self, Kind};
use crate::config::ClusterSpec;
use crate::error::Result;
use crate::inventory::{Inventory, Item};
pub use crate::policy::OutliveAuthority;
pub use crate::x509::BACKDATE;
use crate::x509::{Certificate, CertificateTemplate};

/// Which part of the catalogue a plan is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Said", into = "Said")]
pub enum Selection {
    /// Everything that the node has.
    #[default]
    All,
    /// Nothing of it.
    None,
    /// These names.
    Names(Vec<String>),
}

/// A [`Selection`] whose names may be paths too.
pub type SelectionOfPaths = Selection;

/// A selection as data: `all`, or names, of which there may be none.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Said {
    All(All),
    Names(Vec<String>),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum All {
    All,
}

impl From<Said> for Selection {
    fn from(said: Said) -> Self {
        match said {
            Said::All(All::All) => Self::All,
            Said::Names(names) if names.is_empty() => Self::None,
            Said::Names(names) => Self::Names(names),
        }
    }
}

impl From<Selection> for Said {
    fn from(selection: Selection) -> Self {
        match selection {
            Selection::All => Self::All(All::All),
            Selection::None => Self::Names(Vec::new()),
            Selection::Names(names) => Self::Names(names),
        }
    }
}

impl Selection {
    /// Whether `name` is part of it.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Names(names) => names.iter().any(|one| one == name),
        }
    }
}

/// How a plan is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Which CAs, certificates and key pairs.
    pub certificates: Selection,
    /// Which kubeconfigs.
    pub kubeconfigs: Selection,
    /// What to do with a leaf that would outlive its CA.
    pub outlive_authority: OutliveAuthority,
}

/// What becomes of a CA, for those who need its signature.
pub(super) enum AuthorityState {
    /// It is there. Without a key on this node it is external.
    Existing {
        /// The certificates of its file, at least one.
        certificates: Vec<Certificate>,
        is_external: bool,
    },
    /// It will be made, with this validity.
    New { not_before: DateTime<Utc>, not_after: DateTime<Utc> },
    /// It is neither there nor made; a finding says why.
    Unusable,
}

/// What all parts of the plan work with.
pub(super) struct Planning<'a> {
    pub(super) inventory: &'a Inventory<'a>,
    pub(super) spec: &'a ClusterSpec,
    pub(super) options: &'a Options,
    pub(super) now: DateTime<Utc>,
    pub(super) authorities: BTreeMap<&'static str, AuthorityState>,
    pub(super) artefacts: Vec<Artefact>,
    pub(super) findings: Vec<Finding>,
}

/// Why an artefact is not made.
type Why = (Cause, &'static str);

/// Plans what the node lacks.
///
/// # Errors
/// [`X509Error::Encoding`](crate::x509::X509Error::Encoding) when a name cannot be put into a certificate.
pub fn generate(inventory: &Inventory<'_>, options: &Options, now: DateTime<Utc>) -> Result<Plan> {
    let mut planning = Planning {
        inventory,
        spec: inventory.spec,
        options,
        now,
        authorities: BTreeMap::new(),
        artefacts: Vec::new(),
        findings: Vec::new(),
    };
    planning.plan_authorities()?;
    planning.plan_items()?;

    let mut artefacts = planning.artefacts;
    artefacts.sort_by_key(|artefact| catalogue::position(&artefact.name));
    Ok(Plan::new(Operation::Init, inventory.layout, inventory.tree, now, artefacts, planning.findings))
}

impl Planning<'_> {
    /// Takes over the findings about something that is there; `true` when one of them is critical.
    pub(super) fn take(&mut self, findings: Vec<Finding>) -> bool {
        let blocks = findings.iter().any(Finding::is_critical);
        self.findings.extend(findings);
        blocks
    }

    /// The certificates of a CA that is there and can be used.
    pub(super) fn bundle(&self, issuer: &str) -> &[Certificate] {
        match self.authorities.get(issuer) {
            Some(AuthorityState::Existing { certificates, .. }) => certificates,
            _ => &[],
        }
    }

    /// From when until when the CA is valid that will sign `name`; else why it cannot, for the plan's table. An
    /// external CA's owner is asked for what is `needed`.
    pub(super) fn signing_time(
        &mut self,
        name: &str,
        issuer: &str,
        path: &Path,
        needed: String,
        remedy: &str,
    ) -> std::result::Result<(DateTime<Utc>, DateTime<Utc>), Why> {
        match self.authorities.get(issuer) {
            Some(AuthorityState::New { not_before, not_after }) => Ok((*not_before, *not_after)),
            Some(AuthorityState::Existing { certificates, is_external: false }) => Ok(certificates
                .first()
                .map_or((self.now, self.now), |certificate| (certificate.not_before(), certificate.not_after()))),
            Some(AuthorityState::Existing { is_external: true, .. }) => {
                let code = FindingCode::AuthorityExternalIncomplete;
                self.findings.push(Finding::new(code, name, path, needed, remedy));
                Err((Cause::ExternalAuthority, "external CA: must be made by its owner"))
            }
            Some(AuthorityState::Unusable) | None => {
                self.find_without_authority(name, issuer);
                Err((Cause::UnusableAuthority, "its CA cannot sign"))
            }
        }
    }

    /// Says that a CA is needed and not to be had, unless the CA's own findings have said so.
    fn find_without_authority(&mut self, name: &str, issuer: &str) {
        let said = self.findings.iter().any(|finding| finding.subject == issuer && finding.is_critical());
        if !said {
            let (ca_path, _) = self.inventory.layout.authority(issuer);
            let evidence = format!("its CA {issuer} is not there");
            let remedy = format!("make it first: `kubepki certs init {issuer}`");
            self.findings.push(Finding::new(FindingCode::AuthorityMissing, name, &ca_path, evidence, remedy));
        }
    }

    /// Judges what would be written; `true` when it must not be.
    pub(super) fn refuses(&mut self, name: &str, issuer: &str, path: &Path, template: &CertificateTemplate) -> bool {
        let findings = judge_draft(name, path, template, None, self.bundle(issuer), self.now);
        self.take(findings)
    }

    /// The end of a new certificate of `issuer` that should end at `wanted`; `None` when it is refused.
    pub(super) fn end_within_authority(
        &mut self,
        name: &str,
        path: &Path,
        wanted: DateTime<Utc>,
        authority_end: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let end = self.options.outlive_authority.end(wanted, authority_end);
        if end.is_none() {
            self.findings.push(outlives(name, path, wanted, authority_end));
        }
        end
    }
}

/// Says that a certificate is refused because it would outlive its CA.
pub(super) fn outlives(name: &str, path: &Path, wanted: DateTime<Utc>, authority_end: DateTime<Utc>) -> Finding {
    Finding::new(
        FindingCode::CertificateOutlivesAuthority,
        name,
        path,
        format!("it would be valid until {wanted}, its CA only until {authority_end}"),
        Remedy::chosen(
            "shorten certificateValidityPeriod, or choose: --outlive-ca clamp (end with the CA) or --outlive-ca allow",
        ),
    )
    .as_bad_as(Severity::Critical)
}

/// What a new item consists of: a pair, the key first, or a kubeconfig.
pub(super) fn files(item: &Item<'_>) -> Vec<PlannedFile> {
    let file = |path: &Path, mode| PlannedFile { path: path.to_owned(), mode };
    match &item.kubeconfig {
        Some(path) => vec![file(path, 0o600)],
        // kubeadm's mode of sa.pub.
        None if item.row.kind == Kind::ServiceAccount => vec![file(&item.key, 0o600), file(&item.certificate, 0o600)],
        None => vec![file(&item.key, 0o600), file(&item.certificate, 0o644)],
    }
}
