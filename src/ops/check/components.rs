//! What the static pods of the node are told: reads the manifests, and the files that they name.
//!
//! In: a store, the kubelet's configuration. Out: [`Told`]. A manifest that cannot be read is passed over here: the kubelet
//! cannot use it either, and `restart` says so.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::audit::flags::{self, Flagged};
use crate::audit::node::Checkup;
use crate::audit::profile::Profile;
use crate::catalogue::{CLUSTER_CA, KUBELET_CONF};
use crate::component::{STATIC_PODS, StaticPod};
use crate::config::KubernetesVersion;
use crate::ops::kubelet::Kubelet;
use crate::store::Store;

/// The manifests of a node, as they were read.
#[derive(Debug)]
pub(super) struct Told {
    folder: PathBuf,
    pods: Vec<(&'static str, StaticPod)>,
    /// The release of Kubernetes, as the configuration says it, or else the API server's image.
    pub(super) version: Option<KubernetesVersion>,
}

impl Told {
    pub(super) fn read(store: &Store, kubelet: &Kubelet, dir: &Path, said: Option<KubernetesVersion>) -> Self {
        let folder = kubelet.configuration.manifests_dir(dir);
        let paths = STATIC_PODS.map(|name| folder.join(format!("{name}.yaml")));
        let tree = store.read(&paths);
        let pods = STATIC_PODS.into_iter().zip(&paths);
        let pods: Vec<_> =
            pods.filter_map(|(name, path)| Some((name, StaticPod::parse(tree.content(path)?).ok()?))).collect();
        let mut told = Self { folder, pods, version: said };
        told.version = told.version.take().or_else(|| told.api_server_version().cloned());
        told
    }

    /// As the API server's manifest has it.
    pub(super) fn api_server_version(&self) -> Option<&KubernetesVersion> {
        self.pod("kube-apiserver")?.version()
    }

    pub(super) fn pod(&self, name: &str) -> Option<&StaticPod> {
        self.pods.iter().find(|(own, _)| *own == name).map(|(_, pod)| pod)
    }

    pub(super) fn manifest(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.yaml"))
    }
}

impl Checkup<'_> {
    /// The flags of the node's components, held against the files that they name.
    pub(super) fn flags(&mut self, store: &Store, profile: Profile, kubelet: &Kubelet, told: &Told, dir: &Path) {
        let named = told.pods.iter().flat_map(|(name, pod)| pod.credentials(name).map(|(_, path)| path));
        let of_kubelet = kubelet.configuration.client_authority.clone();
        let paths: BTreeSet<_> = named.chain(of_kubelet).chain(kubelet.paths()).collect();
        // Most of them were read for the inventory.
        let known = self.inventory.tree;
        let (there, new): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| known.is_there(path));
        let mut tree = store.read(new);
        for path in there {
            let found = known.get(&path).clone();
            tree.insert(path, found);
        }
        let flagged = Flagged {
            pods: told.pods.iter().map(|(name, pod)| (*name, told.manifest(name), pod)).collect(),
            kubelet: kubelet.is_known.then_some(&kubelet.configuration),
            serving: &kubelet.serving,
            node_name: self.node_name(),
            tree: &tree,
            authority: self.inventory.layout.authority(CLUSTER_CA).0,
            layout: self.inventory.layout,
            known,
            kubelet_config: dir.join("config.yaml"),
            version: told.version.as_ref(),
            profile,
            now: self.now,
        };
        let findings = flags::judge(&flagged, &self.findings);
        self.findings.extend(findings);
    }

    /// The node's name: as the configuration has it, or as the kubelet calls itself.
    fn node_name(&self) -> Option<String> {
        let said = self.inventory.spec.known_node_name().map(str::to_owned);
        said.or_else(|| self.inventory.get(KUBELET_CONF)?.client()?.ok()?.node_name())
    }
}
