//! The plan that renews the certificates of CAs: `kubepki ca renew`.
//!
//! In: the inventory, options, now; certificates that were renewed on another node, where they were given. Out: a [`Plan`]. The
//! key, the name and the extensions stay, so that all that the CA has signed stays valid. Every copy of the certificate on the node is
//! replaced at once: in the CA's own file and in those beside it only this certificate, in its place; in each kubeconfig likewise.
//!
//! | part | what it holds |
//! |---|---|
//! | `copies` | the files that hold the certificate |
//!
//! Source: RFC 5280 section 6.1 (a path is found by names and keys).

mod copies;

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use self::copies::Copies;
use super::generate::BACKDATE;
use super::import::{Given, pem_of};
use super::{Artefact, AuthorityRenewal, Cause, NewCertificate, Operation, Plan, Step};
use crate::audit::authority::{judge_authority, judge_authority_certificate};
use crate::audit::certificate::{Thresholds, judge_validity_of};
use crate::audit::chain::judge_end;
use crate::audit::expiration::residual_time;
use crate::audit::key_strength::{SeenKey, judge_keys};
use crate::audit::{Finding, FindingCode, Remedy, SeenCertificate, Severity};
use crate::catalogue::{CLUSTER_CA, Kind as RowKind};
use crate::error::Diagnostic;
use crate::inventory::{Found, Inventory, Item, Part};
use crate::remedy::command;
use crate::x509::{Certificate, Successor, names_serial, verify_chain};

pub use copies::{beside, is_copy, replaced};

/// How CAs are renewed.
#[derive(Debug, Default)]
pub struct Options {
    /// Which, by name.
    pub names: BTreeSet<&'static str>,
    /// Whether they were named, and are not all that the node has.
    pub are_named: bool,
    /// Only those that end within this time.
    pub before: Option<TimeDelta>,
    /// How long the new certificates are valid; the configuration's period without it.
    pub validity: Option<TimeDelta>,
    /// Files with certificates that were renewed elsewhere; with any, nothing is signed.
    pub given: Vec<Given>,
}

/// What all CAs of the plan are planned with.
struct Renewal<'a> {
    inventory: &'a Inventory<'a>,
    options: &'a Options,
    now: DateTime<Utc>,
    findings: Vec<Finding>,
}

/// Plans the renewal of the CAs that `options` names.
#[must_use]
pub fn renew_ca(inventory: &Inventory<'_>, options: &Options, now: DateTime<Utc>) -> Plan {
    let mut renewal = Renewal { inventory, options, now, findings: Vec::new() };
    for given in &options.given {
        if let Part::Broken(fault) = &given.certificates {
            renewal.findings.push(Finding::unusable(&given.path.display().to_string(), &given.path, fault.clone()));
        }
    }
    let wanted = inventory.items(&[RowKind::Authority]).filter(|item| options.names.contains(item.name));
    let artefacts = wanted.map(|item| renewal.plan(item)).collect();
    Plan::new(Operation::RenewCa, inventory.layout, inventory.tree, now, artefacts, renewal.findings)
}

impl<'a> Renewal<'a> {
    fn plan(&mut self, item: &'a Item<'a>) -> Artefact {
        let pair = item.pair();
        let none = |step, reason: &str| Artefact::of(item.row, step, reason, Vec::new());
        match &pair.certificates {
            // Somebody else's etcd has somebody else's CA.
            _ if !self.options.are_named && item.absence.is_some() => {
                return none(Cause::NotOnNode.skips(), item.absence.unwrap_or_default());
            }
            Part::Missing if self.options.are_named => {
                let why = item.absence.unwrap_or("it is not there");
                let remedy = "name a CA that this node has";
                self.findings.push(Finding::new(
                    FindingCode::AuthorityMissing,
                    item.name,
                    &pair.certificate_path,
                    why,
                    remedy,
                ));
                return none(Cause::Missing.blocks(), "missing");
            }
            Part::Missing => return none(Cause::Missing.skips(), "missing"),
            Part::Broken(fault) => {
                self.findings.push(Finding::unusable(item.name, &pair.certificate_path, fault.clone()));
                return none(Cause::Unusable.blocks(), "the existing file cannot be used");
            }
            Part::Present(_) => {}
        }
        if self.options.given.is_empty() { self.plan_signed(item, pair) } else { self.plan_given(item, pair) }
    }

    /// The CA's own key signs.
    fn plan_signed(&mut self, item: &'a Item<'a>, pair: &'a Found) -> Artefact {
        let Some(current) = pair.certificate() else {
            return Artefact::of(item.row, Cause::Unusable.blocks(), "it cannot be used", Vec::new());
        };
        let about = |step, reason: &str| Artefact {
            expires_at: Some(current.not_after()),
            current: Some(SeenCertificate::of(item.name, &pair.certificate_path, current, self.now)),
            ..Artefact::of(item.row, step, reason, Vec::new())
        };
        let left = current.not_after() - self.now;
        let time = if left < TimeDelta::zero() {
            "expired".to_owned()
        } else {
            format!("ends in {}", residual_time(left.num_seconds()))
        };
        let not_after = self.now + self.options.validity.unwrap_or(self.inventory.spec.ca_certificate_validity);
        if self.options.before.is_some_and(|before| left > before || not_after <= current.not_after()) {
            return about(Step::Keep, &time);
        }
        let (keep, blocked) =
            (about(Step::Keep, &time), about(Cause::UnusableAuthority.blocks(), "it cannot be renewed"));
        let mut findings = self.judge_signed(item, pair, current, not_after);
        let is_refused = findings.iter().any(Finding::is_critical);
        self.findings.append(&mut findings);
        if is_refused {
            return blocked;
        }
        let template = match Successor::of(current, self.now - BACKDATE, not_after) {
            Ok(template) => template,
            Err(error) => {
                self.findings.push(Finding::unusable(item.name, &pair.certificate_path, error.fault()));
                return blocked;
            }
        };
        self.note_named_by_serial(item, current);
        let copies = Copies::of(self.inventory, item, current, None);
        self.findings.extend(copies.findings);
        let step = Step::RenewAuthority(AuthorityRenewal {
            certificate: NewCertificate::Signed { certificate: template, key: pair.key_path.clone() },
            kubeconfigs: copies.kubeconfigs,
        });
        Artefact { step, files: copies.files, expires_at: Some(not_after), ..keep }
    }

    /// What keeps a CA from signing its own next certificate.
    fn judge_signed(
        &self,
        item: &Item<'_>,
        pair: &Found,
        current: &Certificate,
        not_after: DateTime<Utc>,
    ) -> Vec<Finding> {
        let path = &pair.certificate_path;
        let refuse = |evidence: String, remedy: Remedy| {
            Finding::new(FindingCode::AuthorityNotRenewable, item.name, path, evidence, remedy)
        };
        let elsewhere = || Remedy::chosen(from_elsewhere(item.name));
        if pair.key.is_missing() {
            let evidence = format!("its key {} is not on this node", pair.key_path.display());
            return vec![refuse(evidence, elsewhere())];
        }
        if current.subject() != current.issuer() || !current.has_signed(current) {
            return vec![refuse(format!("another CA has signed it: {}", current.issuer()), elsewhere())];
        }
        let mut findings = judge_authority(item.name, pair, self.inventory.tree, Thresholds::NONE, self.now);
        // That it has is what a renewal is for.
        findings.retain(|finding| finding.code != FindingCode::CertificateExpired);
        findings.extend(judge_end(item.name, path, not_after, self.now));
        if current.version() < 3 {
            let evidence =
                format!("it is of X.509 version {}, which says nothing of what it may sign", current.version());
            findings.push(refuse(evidence, Remedy::chosen("replace the CA by one of version 3, with a new key")));
        }
        if not_after < current.not_after() {
            let evidence =
                format!("it would end on {not_after}, and the one that is there ends on {}", current.not_after());
            findings.push(refuse(evidence, Remedy::chosen("give a longer --validity, or leave it as it is")));
        }
        let weak = judge_keys(&[SeenKey::of(item.name, path, current)], None);
        findings.extend(weak.into_iter().map(|mut finding| {
            finding.set_remedy(Remedy::chosen("its renewal keeps this key: replace the CA by one with a new key"));
            finding.as_bad_as(Severity::Warning)
        }));
        findings
    }

    /// Somebody else has signed, or another node.
    fn plan_given(&mut self, item: &'a Item<'a>, pair: &'a Found) -> Artefact {
        let none = |step, reason: &str| Artefact::of(item.row, step, reason, Vec::new());
        let Some((path, given, current)) = self.successor(pair) else {
            if !self.options.are_named {
                return none(Cause::Missing.skips(), "not in the given files");
            }
            let evidence = "none of the given files has a certificate of its name and its key";
            let remedy = Remedy::chosen("give the certificate that follows it; a new CA comes by a rotation");
            let code = FindingCode::AuthorityNotRenewable;
            self.findings.push(Finding::new(code, item.name, &pair.certificate_path, evidence, remedy));
            return none(Cause::Missing.blocks(), "not in the given files");
        };
        let about = |step, reason: &str| Artefact {
            expires_at: Some(given.not_after()),
            current: Some(SeenCertificate::of(item.name, &pair.certificate_path, current, self.now)),
            ..none(step, reason)
        };
        let copies = Copies::of(self.inventory, item, current, Some(given));
        if copies.files.is_empty() {
            return about(Step::Keep, "in place already");
        }
        let (done, refused) = (
            about(Step::Keep, &format!("ends on {}", current.not_after())),
            about(Cause::Unusable.blocks(), "the given certificate cannot be used"),
        );
        let mut findings = self.judge_given(item, pair, (path, given), current);
        let is_refused = findings.iter().any(Finding::is_critical);
        self.findings.append(&mut findings);
        if is_refused {
            return refused;
        }
        self.note_named_by_serial(item, current);
        self.findings.extend(copies.findings);
        let step = Step::RenewAuthority(AuthorityRenewal {
            certificate: NewCertificate::Given { pem: pem_of(std::slice::from_ref(given)) },
            kubeconfigs: copies.kubeconfigs,
        });
        Artefact { step, files: copies.files, ..done }
    }

    /// The given certificate that lasts longest of those that follow one of the CA's file, and that one.
    fn successor<'p>(&self, pair: &'p Found) -> Option<(&'a Path, &'a Certificate, &'p Certificate)> {
        let of_file = |given: &'a Given| {
            let all = given.certificates.present().map(Vec::as_slice).unwrap_or_default();
            all.iter().map(|one| (given.path.as_path(), one))
        };
        let follows = |(path, given): (&'a Path, &'a Certificate)| {
            let current = pair.all().iter().find(|current| copies::is_copy(current, given))?;
            Some((path, given, current))
        };
        let all = self.options.given.iter().flat_map(of_file).filter_map(follows);
        // Of a bundle that is given the issuing one comes first, and of two that follow the same CA the later one counts.
        all.reduce(|best, one| {
            let is_later = copies::is_copy(best.1, one.1) && one.1.not_after() > best.1.not_after();
            if is_later { one } else { best }
        })
    }

    fn judge_given(
        &self,
        item: &Item<'_>,
        pair: &Found,
        (path, given): (&Path, &Certificate),
        current: &Certificate,
    ) -> Vec<Finding> {
        let mut findings = judge_authority_certificate(item.name, path, given);
        findings.extend(judge_validity_of(item.name, path, given, Thresholds::NONE, self.now));
        if given != current && given.not_after() < current.not_after() {
            let evidence =
                format!("it ends on {}, and the one that is there ends on {}", given.not_after(), current.not_after());
            let remedy = Remedy::chosen("give the newer one");
            findings.push(Finding::new(FindingCode::AuthorityNotRenewable, item.name, path, evidence, remedy));
        }
        let bundle: Vec<_> = copies::replaced(pair.all(), given);
        for place in self.inventory.issued().filter(|place| place.row.is_signed_by(item.row)) {
            let Some((leaf, intermediates)) = place.certificates().split_first() else { continue };
            let Err(problem) = verify_chain(leaf, intermediates, &bundle, self.now, None) else { continue };
            // What is wrong already is not the new one's fault.
            let was_wrong = verify_chain(leaf, intermediates, pair.all(), self.now, None).is_err();
            if !problem.is_about_time() && !was_wrong {
                let evidence = format!("it would not verify with the given certificate of {}: {problem}", item.name);
                let remedy = Remedy::chosen("give a certificate of the CA that allows all that the present one allows");
                let code = FindingCode::CertificateUntrusted;
                findings.push(Finding::new(code, place.name, place.path(), evidence, remedy));
            }
        }
        findings
    }

    /// Leaves that name the CA's certificate by its serial number, which changes.
    fn note_named_by_serial(&mut self, item: &Item<'_>, current: &Certificate) {
        for place in self.inventory.issued().filter(|place| place.row.is_signed_by(item.row)) {
            if !place.leaf().is_some_and(|leaf| leaf.issuer() == current.subject() && names_serial(leaf)) {
                continue;
            }
            let remedy = format!("renew it afterwards: {}", command(["kubepki", "certs", "renew", place.name]));
            self.findings.push(
                Finding::new(
                    FindingCode::CertificateKeyIdentifier,
                    place.name,
                    place.path(),
                    format!(
                        "it names its CA by the serial number {} too, which the new certificate of the CA does not have: \
                         Go does not mind, but OpenSSL (curl, Python) does not find its CA",
                        current.serial()
                    ),
                    remedy,
                )
                .as_bad_as(Severity::Warning),
            );
        }
    }
}

/// What to do where the CA cannot sign its own next certificate.
fn from_elsewhere(name: &str) -> String {
    let take = command(["kubepki", CLUSTER_CA, "renew", name, "--certificate", "FILE"]);
    format!(
        "have it renewed where its key is (another node, its owner), with this key and this name, and bring the certificate here: {take} \
         (FILE: the new certificate)"
    )
}
