//! The plan that renews a node's certificates: `kubepki certs renew`.
//!
//! In: the inventory, options, now. Out: a [`Plan`]. From disk alone, whatever has expired; nothing is
//! asked of a cluster. A certificate keeps its whole subject, its names, usages and further extensions; what stands
//! against the plan is a critical finding, and blocks it as a whole.
//!
//! | part | what it holds |
//! |---|---|
//! | `authority` | the CAs: which of them sign here, and until when |
//! | `kubelet` | the kubelet's certificates that are due and were not asked for |
//! | `signers` | signers of the cluster that are asked in place of the CAs |
//! | `names` | alternative names: changed, compared with the configuration; certificates of another node |
//! | `held` | what there is of an item, and where it is kept |
//!
//! Source: kubeadm `phases/certs/renewal/manager.go`, `readwriter.go`; contract of `certs renew`.

mod authority;
mod held;
mod kubelet;
mod names;
mod signers;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use self::authority::Authority;
pub use self::names::NameChanges;
pub use self::signers::Signers;
use super::generate::BACKDATE;
use super::kind_of_key::{change_of_kind, kind_of_new_key};
use super::place::fault;
use super::{Artefact, Cause, Operation, Plan, PlannedFile, Step, TrustBundle};
use crate::audit::chain::judge_draft;
use crate::audit::expiration::residual_time;
use crate::audit::{Finding, FindingCode, Remedy, SeenCertificate, Severity};
use crate::catalogue::{self, CLUSTER_CA};
use crate::error::Fault;
use crate::inventory::{Found, Inventory, Item, Part, Place, Slot};
use crate::key::Algorithm;
pub use crate::policy::OutliveAuthority;
use crate::x509::{Certificate, CertificateTemplate, KeyUsage, read_certificates};

/// How certificates are renewed.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools)] // each is a flag of the command line
pub struct Options {
    /// Which, by name.
    pub names: BTreeSet<&'static str>,
    /// Which of them are only shown: the kubelet's, on a node that has nothing else.
    pub shown: BTreeSet<&'static str>,
    /// Only those that end within this time.
    pub before: Option<TimeDelta>,
    /// How long the new ones are valid; the configuration's period without it.
    pub validity: Option<TimeDelta>,
    /// The kind of the new keys; without it the one that the configuration says, and without that each key's own.
    pub algorithm: Option<Algorithm>,
    /// Whether the keys stay.
    pub keep_key: bool,
    /// Changes of the alternative names.
    pub name_changes: NameChanges,
    /// What to do with a certificate that would outlive its CA.
    pub outlive_authority: OutliveAuthority,
    /// Whether to go on with a CA that has expired, or a certificate of another node.
    pub force: bool,
    /// Whether the node's name is given, by the configuration or by itself.
    pub has_node_name: bool,
    /// The host's name: only a guess at the node's, where nothing says that.
    pub host_name: Option<String>,
    /// Whether certificates of the kubelet that are due, and are not among `names`, are findings.
    pub points_at_kubelet: bool,
    /// The files that the next pairs behind links of the kubelet go into, by the link.
    pub next: BTreeMap<PathBuf, PathBuf>,
    /// The signers of the cluster that are asked; without them the CAs on the node sign.
    pub signers: Option<Signers>,
}

/// What all parts of the plan work with.
struct Renewal<'a> {
    inventory: &'a Inventory<'a>,
    options: &'a Options,
    now: DateTime<Utc>,
    authorities: BTreeMap<&'static str, Authority>,
    /// The files that an artefact of this plan renews already.
    claimed: BTreeSet<PathBuf>,
    artefacts: Vec<Artefact>,
    findings: Vec<Finding>,
}

/// Plans the renewal of what `options` names.
#[must_use]
pub fn renew(inventory: &Inventory<'_>, options: &Options, now: DateTime<Utc>) -> Plan {
    let mut renewal = Renewal {
        inventory,
        options,
        now,
        authorities: BTreeMap::new(),
        claimed: BTreeSet::new(),
        artefacts: Vec::new(),
        findings: Vec::new(),
    };
    let names = catalogue::renewable_names().into_iter().filter(|name| options.names.contains(name));
    for item in names.filter_map(|name| inventory.get(name)) {
        let artefact = if options.shown.contains(item.name) { renewal.show(item) } else { Some(renewal.plan(item)) };
        renewal.artefacts.extend(artefact);
    }
    if options.points_at_kubelet {
        renewal.note_kubelet();
    }
    Plan::new(Operation::Renew, inventory.layout, inventory.tree, now, renewal.artefacts, renewal.findings)
}

impl<'a> Renewal<'a> {
    /// In kubeadm's order: is it there, is its CA here, can it be read, does it need it, may it be done.
    fn plan(&mut self, item: &'a Item<'a>) -> Artefact {
        let none = |step, reason: &str| Artefact { issuer: None, ..Artefact::of(item.row, step, reason, Vec::new()) };
        let path = item.path();
        let held = match self.find(item) {
            Ok(Some(held)) => held,
            // The finding about its user says it.
            Ok(None) if self.inventory.tree.content(path).is_some() => {
                return none(Cause::NoClientCertificate.skips(), "no client certificate");
            }
            Ok(None) => {
                let remedy = Self::way_to_missing(item);
                self.findings.push(
                    Finding::new(FindingCode::FileMissing, item.name, path, "it is not there", remedy)
                        .as_bad_as(Severity::Info),
                );
                return none(Cause::Missing.skips(), "missing");
            }
            Err(()) => return none(Cause::Unusable.blocks(), "the existing file cannot be used"),
        };
        let files = self.files(item, held);
        let issuer = self.issuer(item, held);
        let about = |step, reason: &str| Artefact {
            files: files.clone(),
            issuer: issuer.map(str::to_owned),
            expires_at: held.certificate().map(Certificate::not_after),
            current: held
                .certificate()
                .map(|one| SeenCertificate::of(item.name, &held.certificate_path, one, self.now)),
            ..none(step, reason)
        };
        if self.is_claimed(&held.place) {
            return about(Step::Keep, "renewed with the kubeconfig that names it");
        }
        let artefact = about(Cause::Unusable.blocks(), "the existing file cannot be used");
        if let Some(signer) = self.foreign_signer(item, held) {
            self.note_foreign(item, held, &signer);
            return Artefact { step: Cause::OtherAuthority.skips(), reason: "of another CA".into(), ..artefact };
        }
        self.plan_held(item, held, artefact)
    }

    fn plan_held(&mut self, item: &Item<'_>, held: &Found, artefact: Artefact) -> Artefact {
        let Some(certificate) = held.certificate() else {
            return artefact;
        };
        let with = |step, reason: &str| Artefact { step, reason: reason.to_owned(), ..artefact.clone() };
        let authority_end = match artefact.issuer.as_deref().map(|issuer| self.authority(issuer)) {
            None => None,
            Some(Authority::Signs { until }) => until,
            Some(Authority::External) => {
                self.note_external(item, held, certificate);
                return with(Cause::ExternalAuthority.skips(), "external CA");
            }
            Some(Authority::Unusable) => return with(Cause::UnusableAuthority.blocks(), "its CA cannot sign"),
        };
        let names = self.new_names(item, certificate, &held.certificate_path);
        let names_change = names != *certificate.subject_alt_names();
        let wanted_end = self.now + self.validity();
        let Some(not_after) = self.end(item, held, wanted_end, authority_end, artefact.issuer.as_deref()) else {
            return with(Cause::OutlivesAuthority.blocks(), "it would outlive its CA");
        };
        let Some(reason) = self.reason(certificate, names_change, not_after) else {
            return self.keep(item, held, certificate, not_after, &with(Step::Keep, ""));
        };
        let is_other_nodes = self.judge_node(item, held, certificate, &names);
        let key_is_lost = self.options.keep_key && self.judge_kept_key(item, held, certificate);
        if key_is_lost {
            return with(Cause::Unusable.blocks(), "its key cannot be kept");
        }
        if is_other_nodes {
            return with(Cause::OtherNode.blocks(), "another node's");
        }
        self.note_drift(item, held, &names);
        self.note_version(item, held, certificate);
        let template = self.template(certificate, names, not_after);
        let bundle = artefact.issuer.as_deref().map(|issuer| self.inventory.bundle(issuer)).unwrap_or_default();
        let findings = judge_draft(item.name, &held.certificate_path, &template, None, bundle, self.now);
        let is_refused = findings.iter().any(Finding::is_critical);
        self.findings.extend(findings);
        if is_refused {
            return with(Cause::Refused.blocks(), "no client and no server would accept it");
        }
        let order = match self
            .options
            .signers
            .as_ref()
            .map(|signers| signers.order(&template, artefact.issuer.as_deref()))
            .transpose()
        {
            Ok(order) => order,
            Err(why) => {
                self.note_no_signer(item, held, why);
                return with(Cause::NoSigner.skips(), "no signer makes it");
            }
        };
        self.claim(&held.place);
        let new_key = (!self.options.keep_key).then(|| self.algorithm(certificate));
        let reason = match new_key.and_then(|kind| change_of_kind(certificate.key_kind(), kind)) {
            Some(change) => format!("{reason}; {change}"),
            None => reason,
        };
        let reason = match &order {
            Some(order) => format!("{reason}; by {}", order.signer.as_str()),
            None => reason,
        };
        let (place, trust) = (self.place(held), self.trust(item));
        let step = Step::Renew { certificate: template, new_key, place, trust, order };
        Artefact { expires_at: Some(not_after), ..with(step, &reason) }
    }

    /// What the new certificate says: all that the old one says, but never that it is a CA's.
    fn template(
        &self,
        certificate: &Certificate,
        names: crate::x509::SubjectAltNames,
        not_after: DateTime<Utc>,
    ) -> CertificateTemplate {
        let mut template = CertificateTemplate::like(certificate, self.now - BACKDATE, not_after);
        template.subject_alt_names = names;
        template.is_ca = false;
        template.key_usages.retain(|usage| !matches!(usage, KeyUsage::KeyCertSign | KeyUsage::CrlSign));
        template
    }

    fn validity(&self) -> TimeDelta {
        self.options.validity.unwrap_or(self.inventory.spec.certificate_validity)
    }

    /// Why it is renewed; `None` when it stays.
    fn reason(&self, certificate: &Certificate, names_change: bool, not_after: DateTime<Utc>) -> Option<String> {
        let left = certificate.not_after() - self.now;
        let time = if left < TimeDelta::zero() {
            "expired".to_owned()
        } else {
            format!("ends in {}", residual_time(left.num_seconds()))
        };
        let other_key = self.options.algorithm.is_some_and(|algorithm| algorithm.as_str() != certificate.key_kind());
        let Some(before) = self.options.before else { return Some(time) };
        match () {
            () if left <= before && not_after > certificate.not_after() => Some(time),
            () if names_change => Some("names change".into()),
            () if other_key => Some(time),
            () => None,
        }
    }

    /// It ends later than asked about; or there is no later end to be had.
    fn keep(
        &mut self,
        item: &Item<'_>,
        held: &Found,
        certificate: &Certificate,
        not_after: DateTime<Utc>,
        artefact: &Artefact,
    ) -> Artefact {
        let left = certificate.not_after() - self.now;
        let is_due = self.options.before.is_some_and(|before| left <= before);
        let reason = if is_due {
            self.findings.push(Finding::new(
                FindingCode::CertificateExpiresSoon,
                item.name,
                &held.certificate_path,
                format!(
                    "it ends on {}, and a new one could not be valid for longer than until {not_after}",
                    certificate.not_after()
                ),
                Remedy::chosen("renew its CA: a certificate ends with its CA, or before"),
            ));
            "ends with its CA".to_owned()
        } else {
            format!("ends in {}", residual_time(left.num_seconds()))
        };
        Artefact { reason, ..artefact.clone() }
    }

    /// The kind of the new key.
    fn algorithm(&self, certificate: &Certificate) -> Algorithm {
        self.options.algorithm.unwrap_or_else(|| kind_of_new_key(certificate.key_kind(), self.inventory.spec))
    }

    /// Notes a key that cannot be kept; `true` when it blocks.
    fn judge_kept_key(&mut self, item: &Item<'_>, held: &Found, certificate: &Certificate) -> bool {
        let without = "renew it with a new key: without --keep-key";
        let mut note = |code, evidence| {
            let finding = Finding::new(code, item.name, &held.certificate_path, evidence, without);
            self.findings.push(finding.as_bad_as(Severity::Critical));
        };
        match &*held.key {
            Part::Present(key) if key.public_key_info() == certificate.public_key_info() => return false,
            Part::Present(_) => note(FindingCode::KeyMismatch, "its key is not the one of the certificate"),
            Part::Missing => note(FindingCode::FileMissing, "its key is missing"),
            Part::Broken(fault) => {
                let fault = Fault { hint: without.to_owned(), ..fault.clone() };
                self.findings.push(Finding::unusable(item.name, &held.certificate_path, fault));
            }
        }
        true
    }

    /// The files that are written, and the link that is set anew.
    fn files(&self, item: &Item<'_>, held: &Found) -> Vec<PlannedFile> {
        let file = |path: &Path, mode| PlannedFile { path: path.to_owned(), mode };
        let mut files = Vec::new();
        match &self.place(held) {
            Place::Apart { certificate, key } => {
                if let (Slot::File(key), false) = (key, self.options.keep_key) {
                    files.push(file(key, 0o600));
                }
                if let Slot::File(certificate) = certificate {
                    files.push(file(certificate, 0o644));
                }
                if *certificate == Slot::Embedded || self.other_authority(item).is_some() {
                    files.push(file(item.path(), 0o600));
                }
            }
            Place::Together { file: one, next } => {
                files.extend(next.iter().map(|next| file(next, 0o600)));
                files.push(file(one, 0o600));
                if self.other_authority(item).is_some() {
                    files.push(file(item.path(), 0o600));
                }
            }
        }
        files
    }

    /// What a kubeconfig trusts from then on, where it embeds other CAs than `ca.crt` has.
    fn trust(&self, item: &Item<'_>) -> Option<TrustBundle> {
        let there = read_certificates(&self.other_authority(item)?).unwrap_or_default();
        let (path, wanted) = (item.path(), self.inventory.bundle(CLUSTER_CA));
        Some(TrustBundle::of_kubeconfig(item.name, path, wanted, (path, &there), self.now))
    }

    fn is_claimed(&self, place: &Place) -> bool {
        claims(place).any(|path| self.claimed.contains(path))
    }

    fn claim(&mut self, place: &Place) {
        self.claimed.extend(claims(place).cloned());
    }

    /// Notes a part that cannot be used.
    fn note_fault<T>(&mut self, item: &Item<'_>, path: &Path, part: &Part<T>) -> bool {
        let Some(fault) = fault(part) else { return false };
        self.findings.push(Finding::unusable(item.name, path, fault.clone()));
        true
    }
}

/// What a renewal leaves although it is due: a CA's key is elsewhere, no signer makes it, or the CA itself ends. Each says why, and what to do.
#[must_use]
pub fn not_renewed(plan: &Plan) -> Vec<&Finding> {
    let says = [FindingCode::AuthorityExternal, FindingCode::CertificateNoSigner, FindingCode::CertificateExpiresSoon];
    // A plan from elsewhere may have many thousand of them.
    let left: BTreeSet<_> =
        plan.artefacts.iter().filter(|one| !one.step.is_change()).map(|one| one.name.as_str()).collect();
    let is_one = |finding: &&Finding| {
        finding.severity != Severity::Info
            && says.into_iter().any(|code| finding.code == code)
            && left.contains(finding.subject.as_str())
    };
    if plan.operation != Operation::Renew {
        return Vec::new();
    }
    plan.findings.iter().filter(is_one).collect()
}

/// The files of a place that stand for it.
fn claims(place: &Place) -> impl Iterator<Item = &PathBuf> {
    let (first, second) = match place {
        Place::Together { file, .. } => (Some(file), None),
        Place::Apart { certificate, key } => (file_of(certificate), file_of(key)),
    };
    first.into_iter().chain(second)
}

fn file_of(slot: &Slot) -> Option<&PathBuf> {
    match slot {
        Slot::File(path) => Some(path),
        Slot::Embedded => None,
    }
}
