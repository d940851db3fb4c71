//! Findings of one cause: what a CA signed cannot be put right before the CA is, and certificates that all have to be
//! renewed are renewed together.
//!
//! In: findings with their remedies. Out: the CA's first, and of those that follow from it the CA's remedy; one remedy for
//! all certificates, where all have the same.

use std::collections::{BTreeMap, BTreeSet};

use super::{Advisor, is_about_the_authority, is_judged_here, is_put_right_by_renewal, opening};
use crate::audit::{Finding, FindingCode as Code, Settled, Severity};
use crate::catalogue::{self, CLUSTER_CA, KUBELET_CONF, Kind, Row};
use crate::error::Declared as _;
use crate::remedy::{command, file};
use crate::store::StoreError;
use crate::x509::X509Error;

impl Advisor<'_> {
    /// Gives those that follow from a broken CA the remedy of the CA, and puts the CA's before them.
    /// Whether there is one.
    pub(super) fn follow_the_authority(&self, findings: &mut [Finding]) -> bool {
        let mut broken: BTreeMap<&str, String> = findings
            .iter()
            .filter(|one| one.is_critical() && makes_it_another(one))
            .filter_map(|one| {
                let row = self.row(one).filter(|row| row.kind == Kind::Authority)?;
                Some((row.name, one.remedy.clone()))
            })
            .collect();
        for row in catalogue::rows([Kind::Authority]) {
            if !broken.contains_key(row.name) && self.signed_nothing(row.name, findings) {
                broken.insert(row.name, self.put_back(row.name));
            }
        }
        if broken.is_empty() {
            return false;
        }
        for finding in findings.iter_mut() {
            if let Some((authority, remedy)) = self.follows_from(finding).and_then(|name| broken.get_key_value(name)) {
                finding.remedy = format!("{authority} comes first, and this follows from it: {remedy}");
            } else if let Some((authority, remedy)) =
                self.needs_signature_of(finding).and_then(|name| broken.get_key_value(name))
            {
                finding.remedy = format!("{authority} comes first, it cannot sign before: {remedy}");
            }
        }
        findings.sort_by_key(|one| (std::cmp::Reverse(one.severity), rank(one)));
        true
    }

    /// Where every certificate that is signed here has to be renewed: one command for all.
    pub(super) fn renew_together(&self, findings: &mut [Finding]) {
        let signed = self.inventory.items(&[Kind::Leaf, Kind::Kubeconfig]);
        // The kubelet renews its own; its kubeconfig has one of its own only where that has failed.
        let signed = signed.filter(|item| item.leaf().is_some() && item.name != KUBELET_CONF);
        let all: BTreeSet<_> = signed.map(|item| item.name).collect();
        let is_due = |finding: &Finding| self.renews_alone(finding) && all.contains(finding.subject.as_str());
        let due: BTreeSet<_> =
            findings.iter().filter(|one| is_due(one)).filter_map(|one| self.row(one)).map(|row| row.name).collect();
        if all.len() < 2 || due != all {
            return;
        }
        let (renew, restart) = (command(["kubepki", "certs", "renew", "all"]), command(["kubepki", "restart"]));
        for finding in findings.iter_mut().filter(|one| is_due(one)) {
            finding.remedy = format!("renew all of them, then restart what uses them: {renew}, {restart}");
        }
    }

    /// Whether its remedy is to renew this certificate, and nothing besides.
    fn renews_alone(&self, finding: &Finding) -> bool {
        let is_renewed = |row: &Row| {
            let is_waiting = match row.kind {
                Kind::Leaf => self.waiting_leaf(row).is_some(),
                _ => self.waiting_kubeconfig(row).is_some(),
            };
            self.signs_here(row) && self.leaf(row.name).is_some() && !is_waiting
        };
        finding.severity > Severity::Info
            && matches!(finding.settled, Settled::Open)
            && is_put_right_by_renewal(finding.code)
            && finding.code != Code::CertificateUntrusted
            && opening(finding.code).is_empty()
            && self.row(finding).is_some_and(is_renewed)
    }

    /// The CA that has to sign again before a finding is put right.
    fn needs_signature_of(&self, finding: &Finding) -> Option<&'static str> {
        let row = self.row(finding)?;
        let is_signed = matches!(row.kind, Kind::Leaf | Kind::Kubeconfig | Kind::KubeletClient);
        let is_asked = finding.severity > Severity::Info && matches!(finding.settled, Settled::Open);
        (is_signed && is_asked && is_judged_here(finding.code)).then_some(row.issuer)
    }

    /// Whether a CA signed none of the certificates here that are to be its own: it is another cluster's, or was replaced.
    fn signed_nothing(&self, authority: &str, findings: &[Finding]) -> bool {
        let issued = self.inventory.items(&[Kind::Leaf, Kind::Kubeconfig]);
        let issued: Vec<_> = issued.filter(|item| item.row.issuer == authority && item.found().is_some()).collect();
        let is_untrusted = |name: &str| {
            findings
                .iter()
                .any(|one| one.code == Code::CertificateUntrusted && one.is_critical() && one.subject == name)
        };
        issued.len() > 1 && issued.iter().all(|item| is_untrusted(item.name))
    }

    fn put_back(&self, authority: &str) -> String {
        let (certificate, key) = self.layout.authority(authority);
        let files: Vec<_> = [certificate, key].into_iter().filter(|path| self.tree.is_there(path)).collect();
        let files: Vec<_> = files.iter().map(|path| file(path)).collect();
        format!(
            "it signed none of the certificates here: restore {} from a backup or another node of this cluster; only if the new CA is meant \
             to be here, renew all that it signs",
            files.join(" and ")
        )
    }

    /// The CA from whose state a finding may follow: it did not sign, or is not the one that is embedded.
    fn follows_from(&self, finding: &Finding) -> Option<&'static str> {
        // It signs with a pair that does not fit, or without its certificate.
        if finding.code == Code::ComponentWouldNotStart {
            let (certificate, key) = self.layout.authority(CLUSTER_CA);
            return finding.path.iter().any(|path| *path == certificate || *path == key).then_some(CLUSTER_CA);
        }
        let row = self.row(finding).filter(|row| row.kind != Kind::Authority)?;
        let is_of_chain = [Code::CertificateUntrusted, Code::AuthorityMissing].iter().any(|code| finding.code == *code);
        (is_of_chain || is_about_the_authority(finding.code)).then_some(row.issuer)
    }
}

/// The order among findings that are equally bad: what is wrong with a CA, then the rest, then what follows from others.
#[must_use]
pub fn rank(finding: &Finding) -> u8 {
    let is_authoritys = catalogue::authority(&finding.subject).is_some();
    let consequences =
        [Code::CertificateUntrusted, Code::AuthorityMissing, Code::ComponentWouldNotStart, Code::FlagNotAccepted];
    if is_authoritys && makes_it_another(finding) {
        0
    } else if is_about_the_authority(finding.code) || consequences.iter().any(|code| finding.code == *code) {
        2
    } else {
        1
    }
}

/// Whether another file is in the place of a CA's certificate, or none that can be used.
fn makes_it_another(finding: &Finding) -> bool {
    let known = [
        Code::KeyMismatch,
        Code::AuthorityNotAnAuthority,
        Code::AuthorityMissing,
        Code::FileMissing,
        Code::CertificateExpired,
        Code::CertificateNotYetValid,
    ];
    known.iter().any(|code| finding.code == *code)
        || X509Error::declares(finding.code)
        || StoreError::declares(finding.code)
}
