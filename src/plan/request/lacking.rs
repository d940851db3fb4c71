//! What is lacking of a node's keys and requests: what is there and as it is wanted is kept, so that a second run makes nothing.
//!
//! | there is | what happens |
//! |---|---|
//! | no key | key and request are made |
//! | a certificate as it is wanted, of the CA that is there, which does not end too soon | it is kept |
//! | a request for that key and what is wanted | it waits for its signature |
//! | a key | a request is made with it; one for something else makes way |
//!
//! A key is never replaced here: the certificate in use works on until the new one takes its place. The kubelet's own alone gets
//! a new key, which waits beside its request: the kubelet takes one too when it renews by itself.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use super::renewal::in_place;
use super::{Asking, secret_file};
use crate::audit::subject::same_subject;
use crate::audit::{Finding, SeenCertificate};
use crate::catalogue::{KUBELET_CONF, Kind as RowKind, Row};
use crate::inventory::{Item, Part};
use crate::key::PrivateKey;
use crate::plan::generate::Selection;
use crate::plan::{Artefact, Cause, Step};
use crate::policy::{due, is_signed_by};
use crate::tree::Observed;
use crate::x509::{Certificate, CertificateRequest, RequestTemplate, SubjectAltNames};

/// What a certificate or a request must be for.
struct Wanted<'a> {
    request: &'a RequestTemplate,
    /// The `SubjectPublicKeyInfo` of the key that is there.
    key: &'a [u8],
    /// The certificates of its CA's file; without any, nobody's signature is judged.
    authorities: &'a [Certificate],
    renew_before: TimeDelta,
    now: DateTime<Utc>,
}

impl Wanted<'_> {
    /// Why a certificate, with what follows it in its file, has to be asked for again; `None` while it is as it is wanted.
    fn fault_of(&self, certificate: &Certificate, intermediates: &[Certificate]) -> Option<String> {
        let Self { request, key, authorities, renew_before, now } = *self;
        let names = certificate.subject_alt_names();
        if certificate.public_key_info() != key {
            Some("its certificate is for another key".to_owned())
        } else if !same_subject(certificate.subject(), &request.subject) {
            Some(format!("its certificate is for {}", certificate.subject()))
        } else if !names.has_same_names(&request.subject_alt_names) {
            let without = |some: &SubjectAltNames, others: &SubjectAltNames| {
                let rest: Vec<_> = some.iter().filter(|name| others.iter().all(|one| one != *name)).collect();
                rest.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            };
            let lacking = without(&request.subject_alt_names, names);
            let extra = without(names, &request.subject_alt_names);
            let parts = [("lacks", lacking), ("has besides", extra)].into_iter().filter(|(_, names)| !names.is_empty());
            let said: Vec<_> = parts.map(|(words, names)| format!("{words} {names}")).collect();
            Some(format!("its certificate {}", said.join(" and ")))
        } else if !has_usages(request, certificate) {
            Some("its certificate is for other usages".to_owned())
        } else if let Some(due) = due(certificate, renew_before, now) {
            Some(format!("its certificate {due}"))
        } else if !is_signed_by(authorities, certificate, intermediates, now) {
            Some(format!("its certificate was signed by another CA, {}", certificate.issuer()))
        } else {
            None
        }
    }

    /// Whether a request asks for what is wanted, with the key that is there.
    fn is_asked_for(&self, request: &CertificateRequest) -> bool {
        let wanted = self.request;
        let asks = |usages: bool, is_same: bool| !usages || is_same;
        request.public_key_info() == self.key
            && request.subject() == &wanted.subject
            && request.subject_alt_names().has_same_names(&wanted.subject_alt_names)
            && asks(!wanted.key_usages.is_empty(), request.key_usages() == Some(wanted.key_usages.as_slice()))
            && asks(
                !wanted.extended_key_usages.is_empty(),
                request.extended_key_usages() == Some(wanted.extended_key_usages.as_slice()),
            )
            && request.verify_signature().is_ok()
    }
}

/// Whether a certificate is for what is asked for. One without usages is for all of them (RFC 5280 section 4.2.1.12), and where the
/// request does not say them they are the CA's to choose.
fn has_usages(request: &RequestTemplate, certificate: &Certificate) -> bool {
    let Some(has) = certificate.extended_key_usages() else { return true };
    request.extended_key_usages.iter().all(|usage| has.contains(usage))
}

impl Asking<'_> {
    /// What becomes of a pair or a kubeconfig of which there is something; `None` where key and request are to be made.
    pub(super) fn what_is_there(
        &mut self,
        item: &Item<'_>,
        request: &RequestTemplate,
        renew_before: TimeDelta,
    ) -> Option<Artefact> {
        let row = item.row;
        if let Err((cause @ Cause::LeftToKubelet, reason)) = in_place(item) {
            return Some(self.untouched(row, cause.skips(), reason));
        }
        if row.name == KUBELET_CONF && self.options.names == Selection::All && self.is_left_behind() {
            let reason = "the kubelet shows another, which is asked for as kubelet-client";
            return Some(self.untouched(row, Cause::LeftToKubelet.skips(), reason));
        }
        let file = self.outputs.key(row);
        let key = match item.key_in_use() {
            Part::Present(key) => key,
            Part::Broken(_) => return Some(self.with_key(row, request.clone(), file, "its key cannot be used")),
            // Whoever shows a token has no certificate to ask for.
            Part::Missing if item.kubeconfig.is_some() && item.is_there() => {
                let reason = "it has neither a key nor a certificate";
                return Some(self.untouched(row, Cause::NoClientCertificate.skips(), reason));
            }
            Part::Missing => return None,
        };
        let authorities = self.inventory.bundle(row.issuer);
        let wanted = Wanted { request, key: key.public_key_info(), authorities, renew_before, now: self.now };
        let in_use = item.leaf();
        let on_the_way = item.kubeconfig.as_ref().and_then(|_| item.pair().certificate());
        let behind = |all| <[Certificate]>::get(all, 1..).unwrap_or_default();
        let on_the_ways = behind(item.pair().all());
        let intermediates = if in_use.is_some() { behind(item.certificates()) } else { on_the_ways };
        let current = in_use.map(|one| SeenCertificate::of(row.name, item.path(), one, self.now));
        let fault = match in_use.or(on_the_way).map(|one| (one, wanted.fault_of(one, intermediates))) {
            Some((certificate, None)) => {
                return Some(self.kept(row, certificate, "its certificate is as it is wanted"));
            }
            Some((_, Some(fault))) => Some(fault),
            None => None,
        };
        if let Some(certificate) = on_the_way.filter(|one| item.has_key(one.public_key_info()))
            && (Wanted { key: certificate.public_key_info(), ..wanted }).fault_of(certificate, on_the_ways).is_none()
        {
            return Some(self.kept(row, certificate, "its certificate is there, to be embedded"));
        }
        let lacking = fault.unwrap_or_else(|| "its key has no certificate yet".to_owned());
        Some(Artefact { current, ..self.waits_or_is_made(row, &wanted, &file, &lacking) })
    }

    /// What becomes of the certificate that the kubelet rotates; `None` where key and request are to be made.
    pub(super) fn kubelets_own(
        &mut self,
        item: &Item<'_>,
        request: &RequestTemplate,
        renew_before: TimeDelta,
    ) -> Option<Artefact> {
        let (row, now) = (item.row, self.now);
        let authorities = self.inventory.bundle(row.issuer);
        if let (Some((certificate, rest)), Part::Present(key)) = (item.certificates().split_first(), item.key_in_use())
            && (Wanted { request, key: key.public_key_info(), authorities, renew_before, now })
                .fault_of(certificate, rest)
                .is_none()
        {
            return Some(self.kept(row, certificate, "its certificate is as it is wanted"));
        }
        // A request is for the key that waits beside it, or for the one in use.
        let beside = self.outputs.key_beside(row);
        let (file, key) = match Part::read(self.tree, &beside, PrivateKey::from_pem) {
            Part::Missing if !self.tree.is_there(&self.outputs.request(row)) => return None,
            Part::Missing => (item.certificate.clone(), Part::read(self.tree, &item.certificate, PrivateKey::from_pem)),
            key => (beside, key),
        };
        let Part::Present(key) = key else {
            return Some(self.with_key(row, request.clone(), file, "its key cannot be used"));
        };
        let wanted = Wanted { request, key: key.public_key_info(), authorities, renew_before, now };
        let current = item.leaf().map(|one| SeenCertificate::of(row.name, &item.certificate, one, now));
        Some(Artefact {
            current,
            ..self.waits_or_is_made(
                row,
                &wanted,
                &file,
                "its certificate is not as it is wanted, ends soon or has ended",
            )
        })
    }

    /// A request that is there for what is wanted, or one that is made with the key at `file`.
    fn waits_or_is_made(&mut self, row: &Row, wanted: &Wanted<'_>, file: &Path, lacking: &str) -> Artefact {
        let path: PathBuf = self.outputs.request(row);
        if let Observed::Unreadable(fault) = self.tree.get(&path) {
            self.findings.push(Finding::unusable(row.name, &path, fault.clone()));
            return self.untouched(row, Cause::Unusable.blocks(), "its request cannot be read");
        }
        let (reason, files) = match Part::read(self.tree, &path, CertificateRequest::from_pem) {
            Part::Present(request) if wanted.is_asked_for(&request) => {
                let step = Step::Wait { request_pem: String::from_utf8_lossy(&request.to_pem()).into_owned() };
                let reason = format!("waiting for its signature: {lacking}");
                return Artefact::of(row, step, &reason, vec![secret_file(path)]);
            }
            Part::Missing => (lacking.to_owned(), file),
            Part::Present(_) | Part::Broken(_) => (format!("its request is for something else; {lacking}"), file),
        };
        let reason = format!("with the key that is there: {reason}");
        self.with_key(row, wanted.request.clone(), files.to_owned(), &reason)
    }

    fn kept(&self, row: &Row, certificate: &Certificate, reason: &str) -> Artefact {
        let expires_at = Some(certificate.not_after());
        let files = match row.kind {
            RowKind::KubeletClient => Vec::new(),
            _ => self.untouched(row, Step::Keep, reason).files,
        };
        Artefact { expires_at, ..Artefact::of(row, Step::Keep, reason, files) }
    }
}
