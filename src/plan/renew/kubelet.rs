//! The kubelet's certificates, where `all` does not include them.
//!
//! In: the tree, the options. Out: a warning for each certificate that has expired or ends soon, with the command that
//! renews it; and what a worker has to show. kubeadm's `all` leaves them to the kubelet, which renews its client
//! certificate while that is valid, and not afterwards.
//!
//! Source: client-go `util/certificate` `certificate_manager.go` (`nextRotationDeadline`): the kubelet renews when 70 to
//! 90 % of the time are over, so that the last tenth says that it has failed.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::Renewal;
use super::authority::Authority;
use crate::audit::expiration::residual_time;
use crate::audit::{Finding, FindingCode, Remedy, SeenCertificate, Severity};
use crate::catalogue::{KUBELET, KUBELET_CLIENT, KUBELET_CONF, KUBELET_SERVER};
use crate::component::ServingSource;
use crate::inventory::{Found, Item};
use crate::plan::{Artefact, Cause};
use crate::remedy::command;
use crate::x509::Certificate;

/// The kubelet asks for its serving certificate itself; somebody has to say that the request is right.
const APPROVE: &str = "the kubelet asks the cluster for it (serverTLSBootstrap): see its request, `kubepki kubelet csrs`, and approve it: `kubepki kubelet approve --allow NODE=ADDRESS`";

/// The longest time before the end that is soon.
const SOON: TimeDelta = TimeDelta::days(30);

impl<'a> Renewal<'a> {
    /// Notes what has expired, or ends soon, or within the time that the renewal is for.
    pub(super) fn note_kubelet(&mut self) {
        let (inventory, mut seen) = (self.inventory, BTreeSet::new());
        for name in [KUBELET_CLIENT, KUBELET_SERVER, KUBELET_CONF] {
            let Some(item) = inventory.get(name) else { continue };
            if self.options.names.contains(name) && !self.options.shown.contains(name) {
                continue;
            }
            let Some(held) = self.find_quietly(item) else { continue };
            let Some(certificate) = held.certificate() else { continue };
            let end = certificate.not_after();
            let left = end - self.now;
            let is_due = left <= soon(certificate) || self.options.before.is_some_and(|before| left <= before);
            if !is_due || !seen.insert(held.certificate_path.clone()) {
                continue;
            }
            let issuer = self.issuer(item, held);
            let is_external = issuer.is_some_and(|one| matches!(self.authority_here(one), Authority::External));
            let has_expired = left < TimeDelta::zero();
            let (code, when) = if has_expired {
                (FindingCode::CertificateExpired, "expired")
            } else {
                (FindingCode::CertificateExpiresSoon, "expires")
            };
            let (why, remedy) = if let Some(signer) = self.foreign_signer(item, held) {
                (format!("it was signed by {signer}, not by the cluster's CA"), Self::way_to_foreign(item).into())
            } else if is_external {
                ("the key of its CA is not on this node".to_owned(), Self::way_to_external(item).into())
            } else {
                let remedy = Remedy::chosen(format!("include it: {}", self.including_command(left)));
                ("all includes it only with --kubelet".to_owned(), remedy)
            };
            let evidence = format!("it {when} on {end}, and {why}");
            let finding = Finding::new(code, item.name, &held.certificate_path, evidence, remedy);
            self.findings.push(finding.as_bad_as(Severity::Warning));
        }
    }

    /// How a certificate comes to be whose CA's key is elsewhere.
    pub(super) fn way_to_external(item: &Item<'_>) -> String {
        match item.name {
            // The node's own state decides what comes next: `audit::advice` knows it.
            KUBELET_CLIENT => format!("ask for it: {}", command(["kubepki", "certs", "generate-csr", KUBELET_CLIENT])),
            KUBELET_SERVER => Self::way_to_foreign(item),
            name => {
                let ask = command(["kubepki", "certs", "generate-csr", name, "--renew"]);
                format!("have it signed by the owner of the CA: {ask}")
            }
        }
    }

    /// How the kubelet's serving certificate comes to be that is not signed here.
    fn way_to_foreign(item: &Item<'_>) -> String {
        if item.serving == Some(ServingSource::Requested) {
            return APPROVE.to_owned();
        }
        let (file, restart) = (item.certificate.display(), command(["kubepki", "restart", KUBELET]));
        format!("have it renewed where it was issued, put it into {file}, then restart the kubelet: {restart}")
    }

    /// What to do about a certificate that is not there.
    pub(super) fn way_to_missing(item: &Item<'_>) -> Remedy {
        if item.serving == Some(ServingSource::Requested) {
            APPROVE.into()
        } else {
            Remedy::nothing("nothing, if this node has none")
        }
    }

    /// Says that somebody else's CA signed what the kubelet serves with.
    pub(super) fn note_foreign(&mut self, item: &Item<'_>, held: &Found, signer: &str) {
        let has_expired = held.certificate().is_some_and(|one| one.not_after() < self.now);
        let severity = if has_expired { Severity::Warning } else { Severity::Info };
        let evidence = format!("it was signed by {signer}, not by the cluster's CA");
        let remedy = Self::way_to_foreign(item);
        self.findings.push(
            Finding::new(FindingCode::AuthorityExternal, item.name, &held.certificate_path, evidence, remedy)
                .as_bad_as(severity),
        );
    }

    /// Renews what is due and the kubelet's, and nothing twice when the others have been renewed meanwhile.
    fn including_command(&self, left: TimeDelta) -> String {
        let validity = self.validity();
        let before = self.options.before.unwrap_or(SOON).max(left);
        let mut words = vec!["kubepki".to_owned(), "certs".into(), "renew".into(), "all".into(), "--kubelet".into()];
        // As long as the new ones are valid they would be due at once.
        if before < validity {
            words.extend(["--before".to_owned(), in_words(before)]);
        }
        words.push("--restart".into());
        command(words)
    }

    /// What a node has to show that does not renew it now; `None` when it is not there.
    pub(super) fn show(&mut self, item: &'a Item<'a>) -> Option<Artefact> {
        let held = self.find_quietly(item)?;
        let certificate = held.certificate()?;
        // What it leads to has a row of its own.
        let client = self.inventory.get(KUBELET_CLIENT).map(|client| &client.certificate);
        if item.name == KUBELET_CONF && client == Some(&held.certificate_path) {
            return None;
        }
        let left = certificate.not_after() - self.now;
        let time = if left < TimeDelta::zero() {
            "expired".to_owned()
        } else {
            format!("ends in {}", residual_time(left.num_seconds()))
        };
        let reason = format!("{time}; left to the kubelet without --kubelet");
        Some(Artefact {
            files: self.files(item, held),
            expires_at: Some(certificate.not_after()),
            current: Some(SeenCertificate::of(item.name, &held.certificate_path, certificate, self.now)),
            issuer: None,
            ..Artefact::of(item.row, Cause::LeftToKubelet.skips(), &reason, Vec::new())
        })
    }

    /// What cannot be used is said when it is to be renewed.
    fn find_quietly(&mut self, item: &'a Item<'a>) -> Option<&'a Found> {
        let known = self.findings.len();
        let held = self.find(item);
        self.findings.truncate(known);
        held.ok().flatten()
    }

    /// The CA, judged without a word about it.
    fn authority_here(&mut self, name: &str) -> Authority {
        let known = self.findings.len();
        let authority = self.authority(name);
        self.findings.truncate(known);
        authority
    }
}

/// As `--before` takes it, rounded up to hours.
fn in_words(duration: TimeDelta) -> String {
    match (duration.num_seconds().max(0) + 3599) / 3600 {
        hours if hours > 0 && hours % 24 == 0 => format!("{}d", hours / 24),
        hours => format!("{hours}h"),
    }
}

/// A tenth of the certificate's time, and never more than a month.
fn soon(certificate: &Certificate) -> TimeDelta {
    let whole = certificate.not_after() - certificate.not_before();
    (whole / 10).clamp(TimeDelta::zero(), SOON)
}
