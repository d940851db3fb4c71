//! The CAs of a renewal: which of them sign on this node, and until when.
//!
//! In: the tree. Out: an [`Authority`] for each CA that is needed, judged once. A CA that does not fit its key, has
//! expired, or is not valid yet must not sign: every certificate of it would be refused, and the old ones gone.

use chrono::{DateTime, TimeDelta, Utc};

use super::{OutliveAuthority, Renewal};
use crate::audit::authority::judge_authority;
use crate::audit::certificate::Thresholds;
use crate::audit::{Finding, FindingCode, Remedy, Severity};
use crate::catalogue::CLUSTER_CA;
use crate::inventory::{Found, Item};
use crate::plan::generate::outlives;
use crate::x509::Certificate;

/// What can be had of a CA.
#[derive(Clone, Copy, Debug)]
pub(super) enum Authority {
    /// It signs here; its certificates end when it does, or whenever they are asked to.
    Signs { until: Option<DateTime<Utc>> },
    /// Its key is not on this node.
    External,
    /// A finding says why.
    Unusable,
}

impl Renewal<'_> {
    /// Judges the CA when it is first needed.
    pub(super) fn authority(&mut self, name: &str) -> Authority {
        if let Some(known) = self.authorities.get(name) {
            return *known;
        }
        let inventory = self.inventory;
        let Some(item) = inventory.get(name) else { return Authority::Unusable };
        // A signer of the cluster has the key, wherever that is.
        let is_external = item.pair().is_external() && self.options.signers.is_none();
        let authority = match (is_external, &self.options.signers) {
            (true, _) => Authority::External,
            (false, None) => self.judge(item.name, item.pair()),
            // Its key is elsewhere, and one that is here is not asked.
            (false, Some(_)) => {
                let Found { certificate_path, key_path, .. } = item.pair();
                let alone = Found::without_key(inventory.tree, certificate_path.clone(), key_path.clone());
                self.judge(item.name, &alone)
            }
        };
        self.authorities.insert(item.name, authority);
        authority
    }

    fn judge(&mut self, name: &'static str, pair: &Found) -> Authority {
        if pair.certificates.is_missing() {
            self.findings.push(Finding::new(
                FindingCode::AuthorityMissing,
                name,
                &pair.certificate_path,
                "the CA is missing, and certificates that it signed are to be renewed",
                "put the CA's certificate back (without its key it is an external CA); or name other certificates only",
            ));
            return Authority::Unusable;
        }
        let mut findings = judge_authority(name, pair, self.inventory.tree, Thresholds::NONE, self.now);
        let expired = FindingCode::CertificateExpired;
        for finding in findings.iter_mut().filter(|finding| finding.code == expired) {
            finding.set_remedy(Remedy::chosen(
                "replace the CA; --force signs with it anyway, but no client will trust the certificates",
            ));
            if self.options.force {
                finding.severity = Severity::Warning;
            }
        }
        if self.options.signers.is_some() {
            findings.retain(|finding| finding.code != FindingCode::AuthorityExternal);
        }
        let is_blocked = findings.iter().any(Finding::is_critical);
        self.findings.extend(findings);
        match pair.certificate() {
            Some(certificate) if !is_blocked => {
                // Of several CAs in the file any may be the signer's.
                let others =
                    pair.certificates.present().into_iter().flatten().filter(|_| self.options.signers.is_some());
                let ends = others.chain([certificate]).map(Certificate::not_after);
                Authority::Signs { until: ends.max().filter(|end| *end >= self.now) }
            }
            _ => Authority::Unusable,
        }
    }

    /// The end of a certificate that should end at `wanted`, within its CA's time unless told otherwise.
    pub(super) fn end(
        &mut self,
        item: &Item<'_>,
        held: &Found,
        wanted: DateTime<Utc>,
        authority_end: Option<DateTime<Utc>>,
        issuer: Option<&str>,
    ) -> Option<DateTime<Utc>> {
        let (Some(authority_end), Some(issuer)) = (authority_end, issuer) else { return Some(wanted) };
        let end = self.options.outlive_authority.end(wanted, authority_end);
        if end.is_none() {
            self.findings.push(outlives(item.name, &held.certificate_path, wanted, authority_end));
        } else if end != Some(wanted) || wanted > authority_end {
            self.note_early_end(issuer, wanted, authority_end);
        }
        end
    }

    /// Says once for each CA that it ends before its certificates would.
    fn note_early_end(&mut self, issuer: &str, wanted: DateTime<Utc>, authority_end: DateTime<Utc>) {
        let code = FindingCode::CertificateOutlivesAuthority;
        if self.findings.iter().any(|finding| finding.code == code && finding.subject == issuer) {
            return;
        }
        let evidence = if self.options.outlive_authority == OutliveAuthority::Clamp {
            format!("it ends on {authority_end}: what it signs now ends with it, not on {wanted} as requested")
        } else {
            format!("it ends on {authority_end}: what it signs now is useless from then on, not valid until {wanted}")
        };
        let (path, _) = self.inventory.layout.authority(issuer);
        self.findings.push(Finding::new(code, issuer, &path, evidence, "renew the CA before its end"));
    }

    /// Says that the CA's owner has to do it, and that it is late when it is.
    pub(super) fn note_external(&mut self, item: &Item<'_>, held: &Found, certificate: &Certificate) {
        let code = FindingCode::AuthorityExternal;
        let is_said = |one: &Finding| one.code == code && one.path.as_ref() == Some(&held.certificate_path);
        if self.findings.iter().any(is_said) {
            return;
        }
        let left = certificate.not_after() - self.now;
        let when = if left < TimeDelta::zero() { "expired" } else { "ends" };
        let is_due = left < TimeDelta::zero() || self.options.before.is_some_and(|before| left <= before);
        let severity = if is_due { Severity::Warning } else { Severity::Info };
        let evidence = format!("it {when} on {}, and the key of its CA is not on this node", certificate.not_after());
        let remedy = Self::way_to_external(item);
        let finding = Finding::new(code, item.name, &held.certificate_path, evidence, remedy);
        self.findings.push(finding.as_bad_as(severity));
    }

    /// What kubeconfigs shall trust: the whole `ca.crt`.
    pub(super) fn trusted_bundle(&self) -> Option<Vec<u8>> {
        let certificates = self.inventory.bundle(CLUSTER_CA);
        (!certificates.is_empty()).then(|| certificates.iter().flat_map(Certificate::to_pem).collect())
    }
}
