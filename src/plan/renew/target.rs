//! What can be renewed, by name, and where it is kept.
//!
//! In: nothing but the catalogue, then the tree. Out: [`Target`]s in the order of plans: kubeadm's names by their
//! bytes, then the kubelet's.

use std::path::{Path, PathBuf};

use super::Renewal;
use crate::audit::{FindingCode, Severity};
use crate::catalogue::{
    AlternativeNames, CERTIFICATES, KUBECONFIGS, KUBELET_CLIENT, KUBELET_CONF, KUBELET_SERVER, ServingSource, dated,
};
use crate::plan::Kind;
use crate::plan::place::{self, Held};
use crate::x509::Certificate;

/// A certificate that can be renewed.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) name: &'static str,
    pub(super) long_name: &'static str,
    pub(super) kind: Kind,
    home: Home,
}

/// Where it lives.
#[derive(Clone, Copy)]
enum Home {
    Pair { base_name: &'static str, issuer: &'static str, names: AlternativeNames },
    Kubeconfig,
    KubeletClient,
    KubeletServer,
}

/// All of them; `kubelet.conf` comes before the certificate that it may lead to.
pub(super) fn all() -> impl Iterator<Item = Target> {
    let certificates = CERTIFICATES.iter().map(|row| Target {
        name: row.name,
        long_name: row.long_name,
        kind: Kind::Certificate,
        home: Home::Pair { base_name: row.base_name, issuer: row.issuer, names: row.alternative_names },
    });
    let kubeconfigs = KUBECONFIGS.iter().map(|row| Target {
        name: row.name,
        long_name: row.long_name,
        kind: Kind::Kubeconfig,
        home: Home::Kubeconfig,
    });
    let kubelet = [
        (KUBELET_CLIENT, "certificate for the kubelet to connect to the API server", Home::KubeletClient),
        (KUBELET_SERVER, "certificate for serving the kubelet API", Home::KubeletServer),
    ]
    .map(|(name, long_name, home)| Target { name, long_name, kind: Kind::Certificate, home });
    let mut all: Vec<_> = certificates.chain(kubeconfigs).chain(kubelet).collect();
    all.sort_by_key(|target| ([KUBELET_CONF, KUBELET_CLIENT, KUBELET_SERVER].contains(&target.name), target.order()));
    all.into_iter()
}

impl Target {
    /// `kubelet.conf` sorts behind `kubelet-client` by its bytes, and goes first.
    fn order(&self) -> &'static str {
        if self.name == KUBELET_CONF { "kubelet" } else { self.name }
    }

    /// The file that stands for it in messages.
    pub(super) fn path(&self, renewal: &Renewal<'_>) -> PathBuf {
        match self.home {
            Home::Pair { base_name, .. } => renewal.layout.certificate(base_name),
            Home::Kubeconfig => renewal.layout.kubeconfig(self.name),
            Home::KubeletClient => renewal.kubelet.client(),
            Home::KubeletServer => renewal.serving.certificate.clone(),
        }
    }

    /// Its rule for alternative names; `None` for one that has none to change.
    pub(super) fn alternative_names(&self) -> Option<AlternativeNames> {
        match self.home {
            Home::Pair { names: AlternativeNames::None, .. } | Home::Kubeconfig | Home::KubeletClient => None,
            Home::Pair { names, .. } => Some(names),
            Home::KubeletServer => Some(AlternativeNames::None),
        }
    }
}

impl Renewal<'_> {
    /// What is kept; none when nothing is there. What is there and cannot be used is noted.
    pub(super) fn find(&mut self, target: &Target) -> Result<Option<Held>, ()> {
        let path = target.path(self);
        let tree = self.tree;
        let held = match target.home {
            Home::Pair { base_name, .. } => place::apart(tree, path.clone(), self.layout.key(base_name)),
            Home::KubeletClient => place::together(tree, path.clone(), self.next(&path)),
            Home::KubeletServer if self.serving.key == path => place::together(tree, path.clone(), self.next(&path)),
            Home::KubeletServer => place::apart(tree, path.clone(), self.serving.key.clone()),
            Home::Kubeconfig => match self.find_in_kubeconfig(target, &path)? {
                Some(held) => held,
                None => return Ok(None),
            },
        };
        for fault in &held.faults {
            let (code, evidence, remedy) = place::problem(fault);
            self.note_coded(target.name, code, Severity::Critical, &path, evidence, remedy);
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
            self.note(target, FindingCode::FileMissing, Severity::Critical, &path, evidence, remedy);
            return Err(());
        }
        Ok(held.certificate().is_some().then_some(held))
    }

    fn find_in_kubeconfig(&mut self, target: &Target, path: &Path) -> Result<Option<Held>, ()> {
        if let Some((code, evidence, remedy)) = place::unreadable(self.tree, path) {
            self.note_coded(target.name, code, Severity::Critical, path, evidence, remedy);
            return Err(());
        }
        let trusted = self.trusted_bundle();
        match place::kubeconfig(self.tree, path, trusted.as_deref(), |link| self.next(link)) {
            Ok(held) => {
                if held.is_none() && self.tree.content(path).is_some() {
                    self.note(
                        target,
                        FindingCode::KubeconfigNoCertificate,
                        Severity::Info,
                        path,
                        "its user has no client certificate (a token, or an exec plugin)",
                        "nothing, if that is meant",
                    );
                }
                Ok(held)
            }
            Err(error) => {
                let (code, evidence, remedy) = place::problem(&error);
                self.note_coded(target.name, code, Severity::Critical, path, evidence, remedy);
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
        match target.home {
            Home::Pair { issuer, .. } => Some(issuer),
            Home::Kubeconfig | Home::KubeletClient => Some("ca"),
            Home::KubeletServer => {
                // What the kubelet made for itself is nobody's; what the cluster's CA signed stays the CA's.
                held.certificate().is_some_and(|one| self.is_signed_by_cluster(one)).then_some("ca")
            }
        }
    }

    fn is_signed_by_cluster(&self, certificate: &Certificate) -> bool {
        self.authority_certificates("ca").iter().any(|ca| ca.subject() == certificate.issuer())
    }

    /// Who signed the kubelet's serving certificate, where that is neither the cluster's CA nor the kubelet itself: it
    /// cannot be renewed here. The kubelet signs its own with a CA that it keeps to itself.
    pub(super) fn foreign_signer(&self, target: &Target, held: &Held) -> Option<String> {
        let certificate = held.certificate().filter(|_| matches!(target.home, Home::KubeletServer))?;
        let is_own = self.serving.source == ServingSource::Own || certificate.issuer() == certificate.subject();
        (!is_own && !self.is_signed_by_cluster(certificate)).then(|| certificate.issuer().to_string())
    }
}
