//! A node as the operations meet it: its configuration, its directories, its files.
//!
//! In: a [`NodeRequest`]. Out: the cluster specification, the layout, the tree.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::cluster;
use super::kubelet::Kubelet;
use super::named::find_named;
pub(super) use super::named::{content_of, named_content, read_named};
use crate::catalogue::{self, DEFAULT_KUBECONFIG_DIR, KUBELET_CONF, Layout};
use crate::config::{self, CLUSTER_NAME, ClusterSpec, HostFacts, Loaded, Problem, Role};
use crate::edge::host;
use crate::error::Result;
use crate::inventory::{Client, Documents, Inventory, is_worker, referenced_paths};
use crate::key::PrivateKey;
use crate::remedy::Caller;
use crate::request::{ClusterAccess, NodeRequest, Rootfs};
use crate::store::Store;
use crate::tree::Tree;
use crate::x509::{Issuer, X509Error, read_certificates};

/// What a configuration that is in no file is called in messages.
const INLINE: &str = "(inline configuration)";
/// The same for one that came through stdin.
pub const STDIN: &str = "(stdin)";

impl NodeRequest {
    /// A text whose commands of kubepki are completed so that they are about the same node ([`crate::remedy`]).
    #[must_use]
    pub fn complete_commands(&self, text: &str) -> String {
        let caller = self.caller();
        // What is not known to run here is another machine's disk.
        let is_at_the_node =
            caller.rootfs.clone().is_some_and(|root| Store::new(Some(root)).is_ok_and(|store| runs_here(&store)));
        Caller { is_at_the_node, ..caller }.complete(text)
    }

    /// How a command has to be run that is about the same node, for [`crate::remedy`].
    pub(super) fn caller(&self) -> Caller {
        let config = match (&self.config, &self.config_text) {
            (Some(word), _) if self.is_of_cluster() => Some(word.clone()),
            // The text is in no file: the reader has to name one.
            (_, Some(_)) => Some(PathBuf::from("FILE")),
            (None, None) => None,
            // As it was found: below the root directory, a relative path is not the working directory's.
            (Some(path), None) => Some(match Store::new(None).map(|outside| outside.read([path])) {
                Ok(tree) if tree.is_there(path) => absolute(path),
                _ => path.clone(),
            }),
        };
        Caller {
            config,
            lenient: self.lenient,
            node_name: self.node_name.clone(),
            certificates_dir: self.certificates_dir.clone(),
            kubeconfig_dir: self.kubeconfig_dir.clone(),
            ..caller_below(self.rootfs.as_deref())
        }
    }
}

/// The caller of a verb that has no options of a node but the root directory.
pub(super) fn caller_below(rootfs: Option<&Path>) -> Caller {
    // Without links, as messages of the store have it.
    let physical = |rootfs: &Path| {
        let store = Store::new(Some(rootfs.to_owned()));
        store.map_or_else(|_| absolute(rootfs), |store| store.root_directory().to_owned())
    };
    Caller { rootfs: rootfs.map(physical).filter(|rootfs| rootfs != Path::new("/")), ..Caller::default() }
}

/// Whether the node of these files runs on this machine.
pub(super) fn runs_here(store: &Store) -> bool {
    store.is_of_this_machine() || host::environment().says_node_runs_here
}

/// Commands are read in mails and run from other folders.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A request with its configuration read.
#[derive(Debug)]
pub(super) struct Node {
    /// The files.
    pub(super) store: Store,
    /// What the node shall be.
    pub(super) spec: ClusterSpec,
    /// Where its files are.
    pub(super) layout: Layout,
    /// What the configuration's reader warns of.
    pub(super) warnings: Vec<Problem>,
    documents: Documents,
}

impl Node {
    /// Reads the configuration and finds the directories, for work that makes a new node: as for kubeadm, the host's name
    /// and address are the node's unless the configuration says otherwise.
    pub(super) fn open(request: &NodeRequest) -> Result<Self> {
        let loaded = configuration(request)?;
        Ok(Self::of(Store::new(request.rootfs.dir())?, request, loaded, Documents::default()))
    }

    /// The same for work that writes the address of a node that is there: its name is the one in `kubelet.conf`.
    pub(super) fn open_with_address(request: &NodeRequest) -> Result<Self> {
        let (facts, documents) = (host::facts(), Documents::default());
        let store = Store::new(request.rootfs.dir())?;
        let hostname = name_in_kubelet_conf(&store, request, &documents).or(facts.hostname);
        let host = HostFacts { hostname, default_address: facts.default_address, is_optional: false };
        let node = Self::of(store, request, configuration_with(request, host)?, documents);
        Ok(node.known_by_its_files(request))
    }

    /// The same for work that reads or renews what is there: nothing is asked of the host. What neither the
    /// configuration nor `kubelet.conf` says is unspecified in [`Self::spec`], and is not judged.
    pub(super) fn open_without_address(request: &NodeRequest) -> Result<Self> {
        Self::open_in(Store::new(request.rootfs.dir())?, request)
    }

    /// The same among the files of `store`, whatever root directory the request has.
    pub(super) fn open_in(store: Store, request: &NodeRequest) -> Result<Self> {
        let documents = Documents::default();
        let hostname = name_in_kubelet_conf(&store, request, &documents);
        let host = HostFacts { hostname, default_address: None, is_optional: true };
        let node = Self::of(store, request, configuration_with(request, host)?, documents);
        Ok(node.known_by_its_files(request))
    }

    /// The cluster's own configuration is the same on every node: whether this one is a worker is seen by its files.
    fn known_by_its_files(mut self, request: &NodeRequest) -> Self {
        if request.is_of_cluster() && is_worker(&self.layout, &self.read()) {
            self.spec.role = Role::Worker;
        }
        self
    }

    /// The same for work that is about files of no node: nothing is read, and nothing asked.
    pub(super) fn of_nobody(rootfs: Rootfs) -> Result<Self> {
        let request = NodeRequest { rootfs, ..NodeRequest::default() };
        let host = HostFacts { hostname: None, default_address: None, is_optional: true };
        let loaded = configuration_with(&request, host)?;
        Ok(Self::of(Store::new(request.rootfs.dir())?, &request, loaded, Documents::default()))
    }

    fn of(store: Store, request: &NodeRequest, loaded: Loaded, documents: Documents) -> Self {
        let certificates_dir =
            request.certificates_dir.clone().unwrap_or_else(|| PathBuf::from(&loaded.spec.certificates_dir));
        let kubeconfig_dir = request.kubeconfig_dir.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_KUBECONFIG_DIR));
        Self {
            store,
            layout: Layout { certificates_dir, kubeconfig_dir },
            spec: loaded.spec,
            warnings: loaded.warnings,
            documents,
        }
    }

    /// The catalogue beside what was read, with what the kubelet has for itself.
    pub(super) fn inventory<'t>(
        &'t self,
        tree: &'t Tree,
        kubelet: &Kubelet,
        next_client: Option<&Path>,
        is_said: bool,
    ) -> Result<Inventory<'t>> {
        let inventory = self.own_inventory(tree, is_said)?;
        Ok(inventory.with_kubelet(&kubelet.files, &kubelet.serving, next_client)?)
    }

    /// The same without what the kubelet has for itself.
    pub(super) fn own_inventory<'t>(&'t self, tree: &'t Tree, is_said: bool) -> Result<Inventory<'t>> {
        Ok(Inventory::of(tree, &self.layout, &self.spec, is_said, &self.documents)?)
    }

    /// Reads what [`Self::read`] does, what is on its way to certificates, and the kubelet's file that rotates.
    pub(super) fn read_on_the_way(&self, kubelet: &Kubelet, more: impl IntoIterator<Item = PathBuf>) -> Tree {
        self.read_with(self.layout.all_on_the_way().chain([kubelet.files.client()]).chain(more))
    }

    /// Completes or takes back what an earlier run left half done.
    pub(super) fn recover(&self) -> Result<()> {
        self.store.lock(&[&self.layout.certificates_dir, &self.layout.kubeconfig_dir])?;
        Ok(())
    }

    /// Reads every file of the catalogue, and those that kubeconfigs refer to.
    pub(super) fn read(&self) -> Tree {
        let mut tree = self.store.read(self.layout.every_path());
        let kubeconfigs = catalogue::kubeconfig_names().into_iter().map(|name| self.layout.kubeconfig(name));
        self.add_referenced(&mut tree, kubeconfigs);
        tree
    }

    /// Reads the files that these kubeconfigs refer to.
    pub(super) fn add_referenced(&self, tree: &mut Tree, kubeconfigs: impl IntoIterator<Item = PathBuf>) {
        add_referenced(tree, &self.store, &self.documents, kubeconfigs);
    }

    /// [`Self::read`], and `more` files besides.
    pub(super) fn read_with(&self, more: impl IntoIterator<Item = PathBuf>) -> Tree {
        let mut tree = self.read();
        tree.add(self.store.read(more));
        tree
    }
}

/// The name under which the node's kubelet joined the cluster.
pub(super) fn name_in_kubelet_conf(store: &Store, request: &NodeRequest, documents: &Documents) -> Option<String> {
    let folder = request.kubeconfig_dir.as_deref().unwrap_or(Path::new(DEFAULT_KUBECONFIG_DIR));
    let path = folder.join(KUBELET_CONF);
    let mut tree = store.read([&path]);
    add_referenced(&mut tree, store, documents, [path.clone()]);
    let client = tree.content(&path).and_then(|content| Client::of(&tree, &path, documents.parse(content)).ok());
    client.and_then(|client| client.node_name())
}

fn add_referenced(
    tree: &mut Tree,
    store: &Store,
    documents: &Documents,
    kubeconfigs: impl IntoIterator<Item = PathBuf>,
) {
    let of = |path: PathBuf| Some(referenced_paths(&path, &documents.parse(tree.content(&path)?).ok()?));
    let referenced: Vec<_> = kubeconfigs.into_iter().filter_map(of).flatten().collect();
    tree.add(store.read(referenced));
}

/// Reads the request's kubeadm configuration: the file, the text or the cluster's own with defaults filled in, or kubeadm's
/// defaults.
///
/// # Errors
/// The file cannot be read (`store.*`), the cluster cannot be asked (`cluster.*`), or it is not a valid configuration
/// (`config.*`).
pub fn configuration(request: &NodeRequest) -> Result<Loaded> {
    let facts = host::facts();
    let host = HostFacts { hostname: facts.hostname, default_address: facts.default_address, is_optional: false };
    configuration_with(request, host)
}

/// The same, with what is taken from the host where the configuration says nothing.
pub(super) fn configuration_with(request: &NodeRequest, host: HostFacts) -> Result<Loaded> {
    let options = config::Options { lenient: request.lenient, node_name: request.node_name.clone(), host };
    if let Some(recorded) = &request.recorded {
        let mut spec = recorded.clone();
        spec.node_name = request.node_name.clone().unwrap_or(spec.node_name);
        return Ok(Loaded { spec, warnings: Vec::new() });
    }
    if let Some(text) = &request.config_text {
        let name = match request.config.as_deref() {
            Some(path) if path == Path::new("-") => STDIN,
            Some(_) if request.is_of_cluster() => CLUSTER_NAME,
            _ => INLINE,
        };
        return Ok(config::load(name, text.as_bytes(), &options)?);
    }
    if request.awaits_cluster() {
        // Whoever has options for it, or can be interrupted, has read it before.
        let mut request = request.clone();
        cluster::read_configuration(&mut request, &ClusterAccess::default(), &mut || ControlFlow::Continue(()))?;
        return configuration_with(&request, options.host);
    }
    let Some(path) = &request.config else {
        return Ok(Loaded { spec: config::defaults(&options)?, warnings: Vec::new() });
    };
    let (bytes, found) = find_named(path, request.rootfs.as_deref())?;
    Ok(config::load(&found.display().to_string(), bytes.expose(), &options)?)
}

/// A CA that can sign: the first certificate of its file, and the key beside it.
pub(super) fn issuer_on_disk(tree: &Tree, layout: &Layout, name: &str) -> Result<Issuer> {
    let (certificate, key) = layout.authority(name);
    let certificates = read_certificates(content_of(tree, &certificate)?.expose())?;
    let text = match tree.opened(&key) {
        Some(opened) => opened.as_ref().map_err(Clone::clone)?,
        None => content_of(tree, &key)?,
    };
    let key = PrivateKey::from_pem(text.expose())?;
    Ok(Issuer::new(certificates.into_iter().next().ok_or(X509Error::NoCertificate)?, key)?)
}
