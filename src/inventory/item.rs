//! One thing of the catalogue on a node: where it lives, what it is expected to be, and what was found there, parsed
//! when it is first asked for.
//!
//! The request of a kubeconfig's user is `admin.conf.csr`, its certificate on the way in `admin.conf.crt`, and a new
//! key for it, where one was made elsewhere, `admin.conf.key`.
//!
//! Source: kubeadm `phases/kubeconfig` `CreateKubeConfigFileAndCSR`, `util/pkiutil` `WriteCSR`.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use super::{Client, Documents, Expectation, Found, Inventory, Part, ServiceAccountKeys};
use crate::catalogue::{Kind, Layout, Row};
use crate::component::ServingSource;
use crate::key::PrivateKey;
use crate::kubeconfig::KubeconfigError;
use crate::tree::{Observed, Tree};
use crate::x509::{Certificate, CertificateRequest, X509Error};

/// A CA, a leaf, a kubeconfig, a certificate of the kubelet, or the service accounts' keys.
#[derive(Debug)]
pub struct Item<'t> {
    /// Its row of the catalogue.
    pub row: &'static Row,
    /// kubeadm's name.
    pub name: &'static str,
    /// Whether this kind of node has it.
    pub is_on_node: bool,
    /// Why this node has none; `None` when it has one.
    pub absence: Option<&'static str>,
    /// The certificate file; of a kubeconfig that of a certificate that is on its way in; `sa.pub`.
    pub certificate: PathBuf,
    /// The key file, likewise.
    pub key: PathBuf,
    /// The request.
    pub request: PathBuf,
    /// The kubeconfig.
    pub kubeconfig: Option<PathBuf>,
    /// What the certificate must say.
    pub expectation: Expectation,
    /// The API servers that a kubeconfig may name, as far as they are known ([`Row::possible_servers`]).
    pub servers: Vec<String>,
    /// Where the kubelet rotates it, if that is what it does.
    pub rotating: Option<Rotating>,
    /// Where it comes from, if it is what the kubelet serves with.
    pub serving: Option<ServingSource>,
    /// What was read.
    pub tree: &'t Tree,
    documents: &'t Documents,
    client: OnceCell<Result<Client, KubeconfigError>>,
    pair: OnceCell<Found>,
    service_account: OnceCell<ServiceAccountKeys>,
}

/// What belongs to the file that the kubelet rotates.
#[derive(Debug)]
pub struct Rotating {
    /// The file that the next pair goes into; none where the place is no link, and is written itself.
    pub next: Option<PathBuf>,
}

impl<'t> Item<'t> {
    pub(super) fn of(row: &'static Row, inventory: &Inventory<'t>, layout: &Layout) -> Result<Self, X509Error> {
        let Inventory { tree, spec, is_said, documents, .. } = *inventory;
        let [request, mut certificate, key] = layout.on_the_way(row);
        if row.kind == Kind::ServiceAccount {
            certificate = layout.service_account_public_key();
        }
        let kubeconfig = (row.kind == Kind::Kubeconfig).then(|| layout.kubeconfig(row.name));
        Ok(Self {
            row,
            name: row.name,
            is_on_node: row.is_on(spec),
            absence: row.absence(spec),
            certificate,
            key,
            request,
            servers: if is_said && kubeconfig.is_some() { row.possible_servers(spec) } else { Vec::new() },
            kubeconfig,
            expectation: Expectation::of(row, spec, is_said)?,
            rotating: None,
            serving: None,
            tree,
            documents,
            client: OnceCell::new(),
            pair: OnceCell::new(),
            service_account: OnceCell::new(),
        })
    }
}

impl Item<'_> {
    /// The file that stands for it.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.kubeconfig.as_deref().unwrap_or(&self.certificate)
    }

    /// How that file was found.
    #[must_use]
    pub fn observed(&self) -> &Observed {
        self.tree.get(self.path())
    }

    /// Whether there is anything in its place.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.tree.is_there(self.path())
    }

    /// Whether there is nothing of it: neither certificate nor key, or no kubeconfig.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        !self.is_there() && (self.kubeconfig.is_some() || !self.tree.is_there(&self.key))
    }

    /// The kubeconfig, or why it is none; `None` when there is no such file that can be read.
    pub fn client(&self) -> Option<Result<&Client, &KubeconfigError>> {
        let path = self.kubeconfig.as_deref()?;
        let content = self.tree.content(path)?;
        let client = || Client::of(self.tree, path, self.documents.parse(content));
        Some(self.client.get_or_init(client).as_ref())
    }

    /// The API server that the kubeconfig must name: the one that it names where that is one of several, else the first.
    #[must_use]
    pub fn server(&self) -> Option<&String> {
        if self.servers.len() < 2 {
            return self.servers.first();
        }
        let current = self.client().and_then(Result::ok).and_then(|client| client.document.current().ok()?.server);
        self.servers.iter().find(|server| Some(server.as_str()) == current).or_else(|| self.servers.first())
    }

    /// The pair of files: the one in use, or what is on its way into a kubeconfig.
    #[must_use]
    pub fn pair(&self) -> &Found {
        self.pair.get_or_init(|| Found::pair(self.tree, self.certificate.clone(), self.key.clone()))
    }

    /// The service accounts' keys, if this is what they are.
    #[must_use]
    pub fn service_account(&self) -> Option<&ServiceAccountKeys> {
        let read = || ServiceAccountKeys::read(self.tree, self.key.clone(), self.certificate.clone());
        (self.row.kind == Kind::ServiceAccount).then(|| self.service_account.get_or_init(read))
    }

    /// What is in use: the pair, or what a kubeconfig's user shows. `None` where the kubeconfig cannot be read, or shows
    /// no certificate.
    #[must_use]
    pub fn found(&self) -> Option<&Found> {
        match self.row.kind {
            Kind::ServiceAccount => None,
            Kind::Kubeconfig => self.client()?.ok()?.certified(),
            _ => Some(self.pair()),
        }
    }

    /// The certificates in use, the leaf first.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        self.found().map(Found::all).unwrap_or_default()
    }

    /// The leaf in use.
    #[must_use]
    pub fn leaf(&self) -> Option<&Certificate> {
        self.certificates().first()
    }

    /// The key in use, whether there is a certificate for it yet or not.
    #[must_use]
    pub fn key_in_use(&self) -> Part<&PrivateKey> {
        let Some(path) = &self.kubeconfig else { return self.pair().key.as_ref() };
        match self.client() {
            Some(Ok(client)) => client.found.key.as_ref(),
            Some(Err(error)) => Part::of_error(error),
            None => Part::of_file(self.tree.get(path)),
        }
    }

    /// The keys on the node that the certificate may be for: the one in use, then the one that is on its way in.
    pub fn keys(&self) -> impl Iterator<Item = Part<&PrivateKey>> {
        let on_the_way = self.kubeconfig.is_some().then(|| self.pair().key.as_ref());
        std::iter::once(self.key_in_use()).chain(on_the_way)
    }

    /// Whether one of [`Self::keys`] has this public key.
    #[must_use]
    pub fn has_key(&self, public_key_info: &[u8]) -> bool {
        self.keys().any(|key| key.present().is_some_and(|key| key.public_key_info() == public_key_info))
    }

    /// The request, if there is one that can be read.
    #[must_use]
    pub fn read_request(&self) -> Part<CertificateRequest> {
        Part::read(self.tree, &self.request, CertificateRequest::from_pem)
    }
}
