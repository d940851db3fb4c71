//! What can be renewed, by name, and where it is kept.
//!
//! In: nothing but the catalogue, then the tree. Out: [`Target`]s in the order of plans: kubeadm's names by their
//! bytes, then the kubelet's.

use std::path::PathBuf;

use super::Renewal;
use crate::audit::{Finding, FindingCode};
use crate::catalogue::{self, CLUSTER_CA, Kind as RowKind, Row};
use crate::component::ServingSource;
use crate::error::Diagnostic;
use crate::inventory::{Found, Item, Place};
use crate::plan::Kind;
use crate::plan::place;
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
        renewal.inventory.get(self.name).map(|item| item.path().to_owned()).unwrap_or_default()
    }
}

impl<'a> Renewal<'a> {
    /// What is kept; none when nothing is there. What is there and cannot be used is noted.
    pub(super) fn find(&mut self, target: &Target) -> Result<Option<&'a Found>, ()> {
        let inventory = self.inventory;
        let Some(item) = inventory.get(target.name) else { return Ok(None) };
        let path = item.path();
        if item.kubeconfig.is_some() && !self.is_usable(target, item)? {
            return Ok(None);
        }
        let Some(held) = item.found() else { return Ok(None) };
        if self.note_fault(target, &held.certificate_path, &held.certificates) {
            return Err(());
        }
        if held.certificate().is_none() && target.kind == Kind::Kubeconfig {
            let evidence = format!("the certificate that it names is missing: {}", held.certificate_path.display());
            let remedy = "restore that file; or remove the kubeconfig and make it again: `kubepki kubeconfig init`";
            self.findings.push(Finding::new(FindingCode::FileMissing, target.name, path, evidence, remedy));
            return Err(());
        }
        Ok(held.certificate().is_some().then_some(held))
    }

    /// Whether a kubeconfig is there whose user shows a certificate.
    fn is_usable(&mut self, target: &Target, item: &Item<'_>) -> Result<bool, ()> {
        let path = item.path();
        let Some(client) = item.client() else {
            let Some(fault) = place::unreadable(self.tree, path) else { return Ok(false) };
            self.findings.push(Finding::unusable(target.name, path, fault.clone()));
            return Err(());
        };
        let faults = match client {
            Ok(client) if client.certified().is_none() => {
                self.findings.push(Finding::new(
                    FindingCode::KubeconfigNoCertificate,
                    target.name,
                    path,
                    "its user has no client certificate (a token, or an exec plugin)",
                    "nothing, if that is meant",
                ));
                return Ok(false);
            }
            Ok(client) => place::faults_when_renewed(self.tree, client, self.other_authority(target).is_some()),
            Err(error) => Err(error.clone()),
        };
        let faults = faults.unwrap_or_else(|error| vec![error]);
        for fault in &faults {
            self.findings.push(Finding::unusable(target.name, path, fault.fault()));
        }
        if faults.is_empty() { Ok(true) } else { Err(()) }
    }

    /// Where it is kept, and where the next pair goes when that is a link.
    pub(super) fn place(&self, held: &Found) -> Place {
        match &held.place {
            Place::Together { file, .. } => {
                Place::Together { next: self.options.next.get(file).cloned(), file: file.clone() }
            }
            apart @ Place::Apart { .. } => apart.clone(),
        }
    }

    /// The CAs that a kubeconfig embeds, where they are others than the node's.
    pub(super) fn other_authority(&self, target: &Target) -> Option<Vec<u8>> {
        let client = self.inventory.get(target.name).and_then(Item::client);
        let trusted = self.trusted_bundle();
        let (Some(Ok(client)), Some(trusted)) = (client, trusted) else { return None };
        place::other_authority(client, &trusted)
    }

    /// The CA that signs it; none when it signs itself.
    pub(super) fn issuer(&self, target: &Target, held: &Found) -> Option<&'static str> {
        // What the kubelet made for itself is nobody's; what the cluster's CA signed stays the CA's.
        let is_issued = target.row.kind != RowKind::KubeletServer
            || held.certificate().is_some_and(|one| self.is_signed_by_cluster(one));
        is_issued.then_some(target.row.issuer)
    }

    fn is_signed_by_cluster(&self, certificate: &Certificate) -> bool {
        self.inventory.bundle(CLUSTER_CA).iter().any(|ca| ca.subject() == certificate.issuer())
    }

    /// Who signed the kubelet's serving certificate, where that is neither the cluster's CA nor the kubelet itself: it
    /// cannot be renewed here. The kubelet signs its own with a CA that it keeps to itself.
    pub(super) fn foreign_signer(&self, target: &Target, held: &Found) -> Option<String> {
        let certificate = held.certificate().filter(|_| target.row.kind == RowKind::KubeletServer)?;
        let is_own = self.serving.source == ServingSource::Own || certificate.issuer() == certificate.subject();
        (!is_own && !self.is_signed_by_cluster(certificate)).then(|| certificate.issuer().to_string())
    }
}
