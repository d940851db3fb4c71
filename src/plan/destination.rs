//! The places of leaf certificates: what stands where while one is on its way to its CA and back.
//!
//! In: the catalogue, a layout, the wanted cluster. Out: one [`Destination`] for each leaf of `pki/` and each kubeconfig.
//! The request of a kubeconfig's user is `admin.conf.csr`, its certificate on the way in `admin.conf.crt`, and a new
//! key for it, where one was made elsewhere, `admin.conf.key`.
//!
//! Source: kubeadm `phases/kubeconfig` `CreateKubeConfigFileAndCSR`, `util/pkiutil` `WriteCSR`.

use std::path::PathBuf;

use super::{Kind, PlannedFile};
use crate::audit::Part;
use crate::audit::certificate::Expectation;
use crate::audit::kubeconfig::client_key;
use crate::catalogue::{self, Layout, with_ending};
use crate::config::ClusterSpec;
use crate::key::PrivateKey;
use crate::tree::Tree;
use crate::x509::{CertificateRequest, ExtendedKeyUsage, X509Error};

/// Where a leaf's certificate, key and request are, and what the certificate must say.
#[derive(Debug)]
pub(crate) struct Destination {
    /// kubeadm's name.
    pub(crate) name: &'static str,
    /// [`Kind::Certificate`] or [`Kind::Kubeconfig`].
    pub(crate) kind: Kind,
    /// The CA that signs it.
    pub(crate) issuer: &'static str,
    /// The file below its directory without its ending: `etcd/server`, `admin.conf`.
    pub(crate) base_name: &'static str,
    /// The certificate file.
    pub(crate) certificate: PathBuf,
    /// The key file; for a kubeconfig that of a key that is on its way in.
    pub(crate) key: PathBuf,
    /// The request.
    pub(crate) request: PathBuf,
    /// The kubeconfig.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// What the certificate must say.
    pub(crate) expectation: Expectation,
}

impl Destination {
    /// All places, in kubeadm's order. Without a configuration (`is_said` is false) nobody has said what this node is
    /// called, so neither its name nor its alternative names are expected.
    pub(crate) fn all(layout: &Layout, spec: &ClusterSpec, is_said: bool) -> Result<Vec<Self>, X509Error> {
        // The configuration may leave the name to a host whose name is none.
        let is_named = is_said && !spec.node_name.is_empty();
        let mut places = Vec::new();
        for row in &catalogue::CERTIFICATES {
            let mut expectation =
                Expectation { extended_key_usages: row.extended_key_usages.to_vec(), ..Expectation::default() };
            if is_named || !row.is_named_after_node() {
                expectation.subject = Some(row.subject(spec)?);
            }
            if is_said {
                expectation.subject_alt_names = row.subject_alt_names(spec);
            }
            let certificate = layout.certificate(row.base_name);
            places.push(Self {
                name: row.name,
                kind: Kind::Certificate,
                issuer: row.issuer,
                base_name: row.base_name,
                request: certificate.with_extension("csr"),
                certificate,
                key: layout.key(row.base_name),
                kubeconfig: None,
                expectation,
            });
        }
        for row in &catalogue::KUBECONFIGS {
            let mut expectation =
                Expectation { extended_key_usages: vec![ExtendedKeyUsage::ClientAuth], ..Expectation::default() };
            if is_named || !row.is_named_after_node() {
                expectation.subject = Some(row.subject(spec)?);
            }
            let kubeconfig = layout.kubeconfig(row.name);
            places.push(Self {
                name: row.name,
                kind: Kind::Kubeconfig,
                issuer: "ca",
                base_name: row.name,
                certificate: with_ending(&kubeconfig, "crt"),
                key: with_ending(&kubeconfig, "key"),
                request: with_ending(&kubeconfig, "csr"),
                kubeconfig: Some(kubeconfig),
                expectation,
            });
        }
        Ok(places)
    }

    /// The files that the catalogue's own list of paths does not have.
    pub(crate) fn paths_on_the_way(&self) -> [PathBuf; 3] {
        [self.certificate.clone(), self.key.clone(), self.request.clone()]
    }

    /// The keys on the node that the certificate may be for: the one in use, then the one that is on its way in.
    pub(crate) fn keys(&self, tree: &Tree) -> Vec<Part<PrivateKey>> {
        let beside = Part::read(tree, &self.key, PrivateKey::from_pem);
        match &self.kubeconfig {
            Some(path) => vec![client_key(tree, path), beside],
            None => vec![beside],
        }
    }

    /// The request, if there is one that can be read.
    pub(crate) fn read_request(&self, tree: &Tree) -> Part<CertificateRequest> {
        Part::read(tree, &self.request, CertificateRequest::from_pem)
    }

    /// The files that an import writes: the key, when one comes along, and the certificate.
    pub(crate) fn imported_files(&self, with_key: bool) -> Vec<PlannedFile> {
        let certificate = PlannedFile { path: self.certificate.clone(), mode: 0o644 };
        let key = PlannedFile { path: self.key.clone(), mode: 0o600 };
        if with_key { vec![key, certificate] } else { vec![certificate] }
    }
}
