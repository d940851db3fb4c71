//! What can be renewed, by name, and where it is kept.
//!
//! In: nothing but the catalogue, then the tree. Out: [`Target`]s in the order of plans: kubeadm's names by their
//! bytes, then the kubelet's.

use std::path::{Path, PathBuf};

use super::Renewal;
use crate::audit::{Finding, FindingCode};
use crate::catalogue::{self, CLUSTER_CA, Kind as RowKind, Row, dated};
use crate::component::ServingSource;
use crate::error::Diagnostic;
use crate::plan::Kind;
use crate::plan::place::{self, Held};
use crate::x509::Certificate;

/// A certificate that can be renewed.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) row: &'static Row,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

/// All of them; `kubelet.conf` comes before the certificate that it may lead to.
pub(super) fn all() -> impl Iterator<Item = Target> {
    let rows = catalogue::renewable_names().into_iter().filter_map(catalogue::row);
    rows.map(|row| Target { row, name: row.name, kind: Kind::of(row) })
}

impl Target {
    /// The file that stands for it in messages.
    pub(super) fn path(&self, renewal: &Renewal<'_>) -> PathBuf {
        match self.row.kind {
            RowKind::KubeletClient => renewal.kubelet.client(),
            RowKind::KubeletServer => renewal.serving.certificate.clone(),
            _ => renewal.layout.of(self.row),
        }
    }
}

impl Renewal<'_> {
    /// What is kept; none when nothing is there. What is there and cannot be used is noted.
    pub(super) fn find(&mut self, target: &Target) -> Result<Option<Held>, ()> {
        let path = target.path(self);
        let tree = self.tree;
        let held = match target.row.kind {
            RowKind::KubeletClient => place::together(tree, path.clone(), self.next(&path)),
            RowKind::KubeletServer if self.serving.key == path => place::together(tree, path.clone(), self.next(&path)),
            RowKind::KubeletServer => place::apart(tree, path.clone(), self.serving.key.clone()),
            RowKind::Kubeconfig => match self.find_in_kubeconfig(target, &path)? {
                Some(held) => held,
                None => return Ok(None),
            },
            _ => place::apart(tree, path.clone(), self.layout.key(target.row.base_name)),
        };
        for fault in &held.faults {
            self.findings.push(Finding::unusable(target.name, &path, fault.fault()));
        }
        if !held.faults.is_empty() {
            return Err(());
        }
        if self.note_fault(target, &held.certificate_path.clone(), &held.certificates) {
            return Err(());
        }
        if held.certificate().is_none() && target.kind == Kind::Kubeconfig {
            let evidence = format!("the certificate that it names is missing: {}", held.certificate_path.display());
            let remedy = "restore that file; or remove the kubeconfig and make it again: `kubepki kubeconfig init`";
            self.findings.push(Finding::new(FindingCode::FileMissing, target.name, &path, evidence, remedy));
            return Err(());
        }
        Ok(held.certificate().is_some().then_some(held))
    }

    fn find_in_kubeconfig(&mut self, target: &Target, path: &Path) -> Result<Option<Held>, ()> {
        if let Some(fault) = place::unreadable(self.tree, path) {
            self.findings.push(Finding::unusable(target.name, path, fault.clone()));
            return Err(());
        }
        let trusted = self.trusted_bundle();
        match place::kubeconfig(self.tree, path, trusted.as_deref(), |link| self.next(link)) {
            Ok(held) => {
                if held.is_none() && self.tree.content(path).is_some() {
                    self.findings.push(Finding::new(
                        FindingCode::KubeconfigNoCertificate,
                        target.name,
                        path,
                        "its user has no client certificate (a token, or an exec plugin)",
                        "nothing, if that is meant",
                    ));
                }
                Ok(held)
            }
            Err(error) => {
                self.findings.push(Finding::unusable(target.name, path, error.fault()));
                Err(())
            }
        }
    }

    /// The file that the next pair behind a link goes into.
    fn next(&self, link: &Path) -> Option<PathBuf> {
        if self.options.links.contains(link) { dated(link, self.now) } else { None }
    }

    /// The CA that signs it; none when it signs itself.
    pub(super) fn issuer(&self, target: &Target, held: &Held) -> Option<&'static str> {
        // What the kubelet made for itself is nobody's; what the cluster's CA signed stays the CA's.
        let is_issued = target.row.kind != RowKind::KubeletServer
            || held.certificate().is_some_and(|one| self.is_signed_by_cluster(one));
        is_issued.then_some(target.row.issuer)
    }

    fn is_signed_by_cluster(&self, certificate: &Certificate) -> bool {
        self.authority_certificates(CLUSTER_CA).iter().any(|ca| ca.subject() == certificate.issuer())
    }

    /// Who signed the kubelet's serving certificate, where that is neither the cluster's CA nor the kubelet itself: it
    /// cannot be renewed here. The kubelet signs its own with a CA that it keeps to itself.
    pub(super) fn foreign_signer(&self, target: &Target, held: &Held) -> Option<String> {
        let certificate = held.certificate().filter(|_| target.row.kind == RowKind::KubeletServer)?;
        let is_own = self.serving.source == ServingSource::Own || certificate.issuer() == certificate.subject();
        (!is_own && !self.is_signed_by_cluster(certificate)).then(|| certificate.issuer().to_string())
    }
}
