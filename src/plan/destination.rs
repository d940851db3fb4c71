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
use crate::catalogue::{self, KUBELET_CLIENT, KUBELET_CONF, Kind as RowKind, KubeletFiles, Layout, Row, with_ending};
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
    /// Where the kubelet rotates it, if that is what it does.
    pub(crate) rotating: Option<Rotating>,
    /// What the certificate must say.
    pub(crate) expectation: Expectation,
}

/// What belongs to the file that the kubelet rotates.
#[derive(Debug)]
pub(crate) struct Rotating {
    /// The file that the next pair goes into; none where the place is no link, and is written itself.
    pub(crate) next: Option<PathBuf>,
    /// The kubeconfig that reads its user from there.
    pub(crate) kubeconfig: PathBuf,
}

impl Destination {
    /// All places, in kubeadm's order. Without a configuration (`is_said` is false) nobody has said what this node is
    /// called, so neither its name nor its alternative names are expected.
    pub(crate) fn all(layout: &Layout, spec: &ClusterSpec, is_said: bool) -> Result<Vec<Self>, X509Error> {
        // The configuration may leave the name to a host whose name is none.
        let is_named = is_said && !spec.node_name.is_empty();
        let mut places = Vec::new();
        for row in catalogue::rows([RowKind::Leaf]) {
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
                rotating: None,
                expectation,
            });
        }
        for row in catalogue::rows([RowKind::Kubeconfig]) {
            let expectation = client_expectation(row, spec, is_named)?;
            let kubeconfig = layout.kubeconfig(row.name);
            places.push(Self {
                name: row.name,
                kind: Kind::Kubeconfig,
                issuer: row.issuer,
                base_name: row.name,
                certificate: with_ending(&kubeconfig, "crt"),
                key: with_ending(&kubeconfig, "key"),
                request: with_ending(&kubeconfig, "csr"),
                kubeconfig: Some(kubeconfig),
                rotating: None,
                expectation,
            });
        }
        Ok(places)
    }

    /// The places of what is renewed with a new key: all of them, and the kubelet's, below [`Layout::renewal`].
    pub(crate) fn renewals(layout: &Layout, spec: &ClusterSpec, is_said: bool) -> Result<Vec<Self>, X509Error> {
        let renewal = layout.renewal();
        let mut places = Self::all(&renewal, spec, is_said)?;
        let base = renewal.kubeconfig_dir.join(KUBELET_CLIENT);
        let [certificate, key] = ["crt", "key"].map(|ending| with_ending(&base, ending));
        places.push(Self::of_kubelet(&renewal, spec, is_said, certificate, key, None)?);
        Ok(places)
    }

    /// The place of the kubelet's own client certificate: the file that it rotates. Where that is a link, or is not
    /// there, the next pair goes into `next`.
    pub(crate) fn kubelet_client(
        layout: &Layout,
        kubelet: &KubeletFiles,
        next: Option<PathBuf>,
        spec: &ClusterSpec,
        is_said: bool,
    ) -> Result<Self, X509Error> {
        let rotating = Rotating { next, kubeconfig: layout.kubeconfig(KUBELET_CONF) };
        Self::of_kubelet(layout, spec, is_said, kubelet.client(), kubelet.client(), Some(rotating))
    }

    fn of_kubelet(
        layout: &Layout,
        spec: &ClusterSpec,
        is_said: bool,
        certificate: PathBuf,
        key: PathBuf,
        rotating: Option<Rotating>,
    ) -> Result<Self, X509Error> {
        let row = catalogue::row(KUBELET_CLIENT);
        let is_named = is_said && !spec.node_name.is_empty();
        Ok(Self {
            name: KUBELET_CLIENT,
            kind: Kind::Certificate,
            issuer: catalogue::CLUSTER_CA,
            base_name: KUBELET_CLIENT,
            certificate,
            key,
            request: with_ending(&layout.kubeconfig_dir.join(KUBELET_CLIENT), "csr"),
            kubeconfig: None,
            rotating,
            expectation: row.map(|row| client_expectation(row, spec, is_named)).transpose()?.unwrap_or_default(),
        })
    }

    /// The files that the catalogue's own list of paths does not have.
    pub(crate) fn paths_on_the_way(&self) -> Vec<PathBuf> {
        let next = self.rotating.iter().filter_map(|rotating| rotating.next.clone());
        [self.certificate.clone(), self.key.clone(), self.request.clone()].into_iter().chain(next).collect()
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

    /// The files that an import writes: the key, when one comes along, and the certificate; of the kubelet's the file
    /// with both, and the link that leads there.
    pub(crate) fn imported_files(&self, with_key: bool) -> Vec<PlannedFile> {
        if let Some(Rotating { next, .. }) = &self.rotating {
            let both = next.iter().chain([&self.certificate]);
            return both.map(|path| PlannedFile { path: path.clone(), mode: 0o600 }).collect();
        }
        let certificate = PlannedFile { path: self.certificate.clone(), mode: 0o644 };
        let key = PlannedFile { path: self.key.clone(), mode: 0o600 };
        if with_key { vec![key, certificate] } else { vec![certificate] }
    }
}

/// What the client certificate of a kubeconfig's user must say.
fn client_expectation(row: &Row, spec: &ClusterSpec, is_named: bool) -> Result<Expectation, X509Error> {
    let is_known = is_named || !row.is_named_after_node();
    Ok(Expectation {
        extended_key_usages: vec![ExtendedKeyUsage::ClientAuth],
        subject: is_known.then(|| row.subject(spec)).transpose()?,
        ..Expectation::default()
    })
}
