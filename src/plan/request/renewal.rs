//! Requests for certificates that are there, for a CA elsewhere to renew.
//!
//! Subject and alternative names are the certificate's own; the configuration is not asked, as for kubeadm's renewal. A
//! new key does not touch the one in use: it is written beside its request, into a folder of its own, until certificate
//! and key are imported together.

use super::{Asking, Renewal, secret_file};
use crate::audit::{Finding, SeenCertificate};
use crate::catalogue::{Kind as RowKind, Row};
use crate::inventory::{Item, Part};
use crate::key::Algorithm;
use crate::plan::kind_of_key::{change_of_kind, kind_of_new_key};
use crate::plan::{Artefact, Cause, RequestKey, Step};
use crate::x509::{Certificate, RequestTemplate};

impl Asking<'_> {
    pub(super) fn renewal_request(&mut self, item: &Item<'_>) -> Artefact {
        let (row, path) = (item.row, item.path());
        let certificates = match in_place(item) {
            Ok(certificates) => certificates,
            Err((cause, reason)) => return self.untouched(row, cause.skips(), reason),
        };
        let certificate = match certificates {
            Part::Present(certificates) => certificates.first(),
            Part::Missing => None,
            Part::Broken(fault) => {
                self.findings.push(Finding::unusable(row.name, path, fault));
                return self.untouched(row, Cause::Unusable.blocks(), "the existing file cannot be read");
            }
        };
        let Some(certificate) = certificate else {
            return self.untouched(row, Cause::Missing.skips(), "not there");
        };
        let request = RequestTemplate {
            subject: certificate.subject().clone(),
            subject_alt_names: certificate.subject_alt_names().clone(),
            key_usages: self.key_usages(match self.options.renewal {
                Renewal::SameKeys => certificate.key_kind(),
                Renewal::NewKeys | Renewal::No => kind_of_new_key(certificate.key_kind(), self.spec).as_str(),
            }),
            extended_key_usages: self.extended_key_usages(row),
        };
        let artefact = match self.options.renewal {
            Renewal::SameKeys => {
                let key = item.kubeconfig.as_ref().unwrap_or(&item.key).clone();
                self.with_key(row, request, key, "for renewal, with the same key")
            }
            Renewal::NewKeys | Renewal::No => {
                let old = certificate.key_kind();
                self.with_new_key(row, request, kind_of_new_key(old, self.spec), old)
            }
        };
        let current = SeenCertificate::of(row.name, path, certificate, self.now);
        Artefact { current: Some(current), ..artefact }
    }

    /// The kind of a key that is asked for anew: that of the certificate in its place, where there is one.
    pub(super) fn kind_of_first_key(&self, item: &Item<'_>) -> Algorithm {
        let certificates = if item.row.kind == RowKind::KubeletClient { Ok(Part::Missing) } else { in_place(item) };
        let certificates = certificates.unwrap_or(Part::Missing);
        let in_place = certificates.present().and_then(|certificates| certificates.first());
        in_place.map_or(self.spec.algorithm, |one| kind_of_new_key(one.key_kind(), self.spec))
    }

    pub(super) fn with_new_key(&mut self, row: &Row, request: RequestTemplate, kind: Algorithm, old: &str) -> Artefact {
        let key = self.outputs.key_beside(row);
        let files = vec![key, self.outputs.request(row)];
        let planned = files.iter().cloned().map(secret_file).collect();
        if self.is_in_the_way(row, files) {
            return Artefact::of(row, Cause::Exists.blocks(), "there is a key or request already", planned);
        }
        let change = change_of_kind(old, kind).map(|change| format!("; {change}"));
        let reason = format!("for renewal, with a new key{}", change.unwrap_or_default());
        let step = Step::Request { request, key: RequestKey::NewKey { new_key: kind } };
        Artefact::of(row, step, &reason, planned)
    }
}

/// The certificates of a file, or why there are none to be renewed.
pub(super) fn in_place<'i>(item: &'i Item<'_>) -> Result<Part<&'i Vec<Certificate>>, (Cause, &'static str)> {
    match item.client() {
        None if item.kubeconfig.is_none() => Ok(item.pair().certificates.as_ref()),
        None if !item.is_there() => Err((Cause::Missing, "not there")),
        None => Ok(Part::of_file(item.observed())),
        Some(Err(error)) => Ok(Part::of_error(error)),
        Some(Ok(client)) => match client.certified() {
            None => Err((Cause::NoClientCertificate, "it has no certificate")),
            Some(found) if found.certificate_path != client.path => {
                Err((Cause::LeftToKubelet, "the kubelet renews it, as kubelet-client"))
            }
            Some(found) => Ok(found.certificates.as_ref()),
        },
    }
}
