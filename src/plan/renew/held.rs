//! What there is of an item that is to be renewed, where it is kept, and who signs it.

use super::Renewal;
use crate::audit::{Finding, FindingCode, Remedy};
use crate::catalogue::{CLUSTER_CA, Kind as RowKind};
use crate::component::ServingSource;
use crate::error::Diagnostic;
use crate::inventory::{Found, Item, Place};
use crate::plan::place;
use crate::x509::Certificate;

impl<'a> Renewal<'a> {
    /// What is kept; none when nothing is there. What is there and cannot be used is noted.
    pub(super) fn find(&mut self, item: &'a Item<'a>) -> Result<Option<&'a Found>, ()> {
        let path = item.path();
        if item.kubeconfig.is_some() && !self.is_usable(item)? {
            return Ok(None);
        }
        let Some(held) = item.found() else { return Ok(None) };
        if self.note_fault(item, &held.certificate_path, &held.certificates) {
            return Err(());
        }
        if held.certificate().is_none() && item.kubeconfig.is_some() {
            let evidence = format!("the certificate that it names is missing: {}", held.certificate_path.display());
            let remedy = "restore that file; or remove the kubeconfig and make it again: `kubepki kubeconfig init`";
            self.findings.push(Finding::new(FindingCode::FileMissing, item.name, path, evidence, remedy));
            return Err(());
        }
        Ok(held.certificate().is_some().then_some(held))
    }

    /// Whether a kubeconfig is there whose user shows a certificate.
    fn is_usable(&mut self, item: &Item<'_>) -> Result<bool, ()> {
        let path = item.path();
        let Some(client) = item.client() else {
            let Some(fault) = place::unreadable(self.inventory.tree, path) else { return Ok(false) };
            self.findings.push(Finding::unusable(item.name, path, fault.clone()));
            return Err(());
        };
        let faults = match client {
            Ok(client) if client.certified().is_none() => {
                self.findings.push(Finding::new(
                    FindingCode::KubeconfigNoCertificate,
                    item.name,
                    path,
                    "its user has no client certificate (a token, or an exec plugin)",
                    Remedy::nothing("nothing, if that is meant"),
                ));
                return Ok(false);
            }
            Ok(client) => place::faults_when_renewed(self.inventory.tree, client, self.other_authority(item).is_some()),
            Err(error) => Err(error.clone()),
        };
        let faults = faults.unwrap_or_else(|error| vec![error]);
        for fault in &faults {
            self.findings.push(Finding::unusable(item.name, path, fault.fault()));
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
    pub(super) fn other_authority(&self, item: &Item<'_>) -> Option<Vec<u8>> {
        let (Some(Ok(client)), Some(trusted)) = (item.client(), self.trusted_bundle()) else { return None };
        place::other_authority(client, &trusted)
    }

    /// The CA that signs it; none when it signs itself.
    pub(super) fn issuer(&self, item: &Item<'_>, held: &Found) -> Option<&'static str> {
        // What the kubelet made for itself is nobody's; what the cluster's CA signed stays the CA's.
        let is_issued = item.row.kind != RowKind::KubeletServer
            || held.certificate().is_some_and(|one| self.is_signed_by_cluster(one));
        is_issued.then_some(item.row.issuer)
    }

    fn is_signed_by_cluster(&self, certificate: &Certificate) -> bool {
        self.inventory.is_issuer(CLUSTER_CA, certificate)
    }

    /// Who signed the kubelet's serving certificate, where that is neither the cluster's CA nor the kubelet itself: it
    /// cannot be renewed here. The kubelet signs its own with a CA that it keeps to itself.
    pub(super) fn foreign_signer(&self, item: &Item<'_>, held: &Found) -> Option<String> {
        let certificate = held.certificate().filter(|_| item.row.kind == RowKind::KubeletServer)?;
        let is_own = item.serving == Some(ServingSource::Own) || certificate.issuer() == certificate.subject();
        (!is_own && !self.is_signed_by_cluster(certificate)).then(|| certificate.issuer().to_string())
    }
}
