//! The client certificate of a kubelet that can renew its own no more, and that has no CA's key beside it: on a worker,
//! or under an external CA.
//!
//! The request says what the certificate says that is there. Where none can be read, it is for the node that
//! `kubelet.conf` or the caller names. Certificate and key come into the kubelet's file together, by `certs import`.
//!
//! Source: client-go `util/certificate` (`certificate_manager.go`): an expired certificate cannot ask for its successor.

use std::path::PathBuf;

use super::{Asking, Renewal};
use crate::audit::{Finding, FindingCode, SeenCertificate};
use crate::catalogue::{KUBELET_CLIENT, KUBELET_CONF, Kind as RowKind, Row};
use crate::error::Result;
use crate::inventory::Item;
use crate::key::Algorithm;
use crate::plan::generate::Selection;
use crate::plan::{Artefact, Cause};
use crate::policy::due;
use crate::remedy::command;
use crate::x509::{RequestTemplate, SubjectAltNames};

/// The kind of key that the kubelet makes for itself.
const KUBELETS_ALGORITHM: Algorithm = Algorithm::EcdsaP256;

impl Asking<'_> {
    /// What was asked for. `kubelet.conf` stands for the file that it leads to; without names, the kubelet renews its
    /// own, unless nobody has signed for it in time.
    pub(super) fn is_chosen(&self, row: &Row) -> bool {
        let is_renewal = self.options.renewal != Renewal::No;
        let is_named =
            |name: &str| matches!(&self.options.names, Selection::Names(names) if names.iter().any(|one| one == name));
        match row.kind {
            RowKind::KubeletClient => match &self.options.names {
                Selection::Names(_) => {
                    is_named(KUBELET_CLIENT) || is_renewal && is_named(KUBELET_CONF) && self.rotates()
                }
                Selection::All => self.is_left_behind(),
                Selection::None => false,
            },
            _ if row.name == KUBELET_CONF && is_renewal && is_named(KUBELET_CONF) => !self.rotates(),
            _ => self.options.names.contains(row.name),
        }
    }

    /// Whether `kubelet.conf` reads its user from the file that the kubelet rotates.
    fn rotates(&self) -> bool {
        self.inventory.kubelet_rotates()
    }

    /// Whether the kubelet renews its own, and has not: it is over, or ends within the time in which what is lacking is
    /// asked for. Under an external CA nobody signs what the kubelet asks the cluster for.
    pub(super) fn is_left_behind(&self) -> bool {
        let Some(certificate) = self.inventory.get(KUBELET_CLIENT).and_then(Item::leaf) else { return false };
        match self.options.only_lacking {
            // kubeadm leaves a kubelet.conf as it is that was there before it: the kubelet has copied its user.
            Some(renew_before) if self.options.kubelet_rotates || self.rotates() => {
                due(certificate, renew_before, self.now).is_some()
            }
            Some(_) => false,
            None => self.options.renewal != Renewal::No && self.rotates() && certificate.not_after() < self.now,
        }
    }

    pub(super) fn kubelet_request(&mut self, item: &Item<'_>) -> Result<Artefact> {
        let (row, path, certificate) = (item.row, item.certificate.clone(), item.leaf());
        let Some(subject) = (match certificate {
            Some(certificate) => Some(certificate.subject().clone()),
            None if self.spec.node_name.is_empty() => None,
            // By the name that was given, or that `kubelet.conf` and the kubelet's flags say.
            None => Some(row.subject(self.spec)?),
        }) else {
            let evidence = "neither its certificate nor kubelet.conf nor a flag says which node this is".to_owned();
            let remedy = "say it: --node-name NAME, as `kubectl get nodes` shows it".to_owned();
            self.findings.push(Finding::new(FindingCode::FileMissing, row.name, &path, evidence, remedy));
            return Ok(Artefact::of(row, Cause::UnknownNode.blocks(), "the node's name is not known", Vec::new()));
        };
        // A configuration's kind of key is for what kubeadm makes.
        let own = certificate.and_then(|certificate| certificate.key_kind().parse().ok());
        let algorithm: Algorithm = own.unwrap_or(KUBELETS_ALGORITHM);
        let request = RequestTemplate {
            subject,
            subject_alt_names: SubjectAltNames::default(),
            key_usages: self.key_usages(algorithm.as_str()),
            extended_key_usages: self.extended_key_usages(row),
        };
        if let Some(renew_before) = self.options.only_lacking
            && let Some(artefact) = self.kubelets_own(item, &request, renew_before)
        {
            return Ok(artefact);
        }
        let keeps_key = self.options.reuse_keys || self.options.renewal == Renewal::SameKeys;
        let artefact = if keeps_key {
            self.with_key(row, request, path.clone(), "for renewal, with the same key")
        } else {
            self.with_new_key(row, request, algorithm, algorithm.as_str())
        };
        let current = certificate.map(|one| SeenCertificate::of(row.name, &path, one, self.now));
        Ok(Artefact { current, ..artefact })
    }

    /// What to do about files that are in the way, where a kubelet has been at work.
    pub(super) fn kubelets_way(&self, row: &Row, found: &[PathBuf]) -> Option<String> {
        match row.kind {
            RowKind::KubeletClient => {
                let remove = command(std::iter::once("rm".as_ref()).chain(found.iter().map(|path| path.as_os_str())));
                Some(format!(
                    "have that request signed, and import the certificate: {}; to ask anew, remove it first: {remove}",
                    command(["kubepki", "certs", "import"])
                ))
            }
            _ if row.name == KUBELET_CONF && self.rotates() => Some(format!(
                "this node has joined already: renew what its kubelet shows to the API server: {}",
                command(["kubepki", "certs", "generate-csr", KUBELET_CLIENT])
            )),
            _ => None,
        }
    }
}
