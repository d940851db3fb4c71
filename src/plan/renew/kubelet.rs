//! The kubelet's certificates that are due, where `all` does not include them.
//!
//! In: the tree, the options. Out: a warning for each certificate that has expired or ends in time, with the command that
//! renews it. kubeadm's `all` leaves them to the kubelet, which renews its client certificate while that is valid, and
//! not afterwards.

use std::collections::BTreeSet;

use super::authority::Authority;
use super::{Renewal, target};
use crate::audit::{FindingCode, Severity};
use crate::catalogue::{KUBELET_CLIENT, KUBELET_CONF, KUBELET_SERVER};

impl Renewal<'_> {
    /// Notes what has expired, or ends within the time that the renewal is for.
    pub(super) fn note_kubelet(&mut self) {
        let mut seen = BTreeSet::new();
        for name in [KUBELET_CLIENT, KUBELET_SERVER, KUBELET_CONF] {
            let Some(target) = target::all().find(|one| one.name == name) else { continue };
            if self.options.names.contains(name) {
                continue;
            }
            // What cannot be used is said when it is to be renewed.
            let known = self.findings.len();
            let held = self.find(&target);
            self.findings.truncate(known);
            let Ok(Some(held)) = held else { continue };
            let Some(certificate) = held.certificate() else { continue };
            let end = certificate.not_after();
            let has_expired = end < self.now;
            let is_due = self.options.before.is_some_and(|before| end - self.now <= before);
            if !(has_expired || is_due) || !seen.insert(held.certificate_path.clone()) {
                continue;
            }
            let issuer = self.issuer(&target, &held);
            let can_sign = issuer.is_none_or(|issuer| !matches!(self.authority_here(issuer), Authority::External));
            let remedy = if can_sign {
                format!("`kubepki certs renew {name}`, then `kubepki restart kubelet`")
            } else {
                "issue it where the CA's key is, or let the kubelet join again with a bootstrap token".to_owned()
            };
            let (code, when) = if has_expired {
                (FindingCode::CertificateExpired, "expired")
            } else {
                (FindingCode::CertificateExpiresSoon, "expires")
            };
            let evidence = format!("it {when} on {end}, and all includes it only with --kubelet");
            self.note(&target, code, Severity::Warning, &held.certificate_path, evidence, remedy);
        }
    }

    /// The CA, judged without a word about it.
    fn authority_here(&mut self, name: &str) -> Authority {
        let known = self.findings.len();
        let authority = self.authority(name);
        self.findings.truncate(known);
        authority
    }
}
