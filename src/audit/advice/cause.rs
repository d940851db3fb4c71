//! Findings of one cause: what a CA signed cannot be put right before the CA is.
//!
//! In: findings with their remedies. Out: the CA's first, and of those that follow from it the CA's remedy.

use std::collections::BTreeMap;

use super::{Advisor, is_about_the_authority};
use crate::audit::{Finding, FindingCode as Code};
use crate::catalogue::{self, CLUSTER_CA, Kind};
use crate::error::Declared as _;
use crate::remedy::file;
use crate::store::StoreError;
use crate::x509::X509Error;

impl Advisor<'_> {
    /// Gives those that follow from a broken CA the remedy of the CA, and puts the CA's before them.
    pub(super) fn follow_the_authority(&self, findings: &mut [Finding]) {
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
            return;
        }
        for finding in findings.iter_mut() {
            if let Some((authority, remedy)) = self.follows_from(finding).and_then(|name| broken.get_key_value(name)) {
                finding.remedy = format!("{authority} comes first, and this follows from it: {remedy}");
            }
        }
        findings.sort_by_key(|one| {
            let is_cause = makes_it_another(one) && self.row(one).is_some_and(|row| row.kind == Kind::Authority);
            (std::cmp::Reverse(one.severity), !is_cause)
        });
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

/// Whether another file is in the place of a CA's certificate, or none that can be used.
fn makes_it_another(finding: &Finding) -> bool {
    let known = [Code::KeyMismatch, Code::AuthorityNotAnAuthority, Code::AuthorityMissing, Code::FileMissing];
    known.iter().any(|code| finding.code == *code)
        || X509Error::declares(finding.code)
        || StoreError::declares(finding.code)
}
