//! Modes and owners of what concerns certificates: looks at each file, and has it judged by the profile.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::audit::node::Checkup;
use crate::audit::profile::{Profile, Role, Setting, Stands, judge};
use crate::catalogue::{self, Kind};
use crate::component::StaticPod;
use crate::ops::kubelet::Kubelet;
use crate::store::Store;
use crate::text::file_name;

use super::components::Told;

/// Where etcd's data is unless its manifest says otherwise.
const ETCD_DATA: &str = "/var/lib/etcd";

/// What users of etcd are called: by the benchmark, and by kubeadm's gate `RootlessControlPlane`.
const ETCD_ACCOUNTS: [&str; 2] = ["etcd", "kubeadm-etcd"];

/// The units of the kubelet's service, as packages and kubeadm's documentation place them.
const KUBELET_UNITS: [&str; 5] = [
    "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf",
    "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
    "/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
    "/etc/systemd/system/kubelet.service",
    "/usr/lib/systemd/system/kubelet.service",
];

/// The numbers of the benchmark about manifests: mode and owner.
const MANIFESTS: [(&str, &str, &str); 4] = [
    ("kube-apiserver", "1.1.1", "1.1.2"),
    ("kube-controller-manager", "1.1.3", "1.1.4"),
    ("kube-scheduler", "1.1.5", "1.1.6"),
    ("etcd", "1.1.7", "1.1.8"),
];

/// The CNI configuration of the container runtime.
const NETWORK_DIR: &str = "/etc/cni/net.d";

/// kube-proxy's kubeconfig where kube-proxy is a service of the node; kubeadm's is a pod with a `ConfigMap`.
const PROXY_KUBECONFIGS: [&str; 4] = [
    "/etc/kubernetes/proxy.conf",
    "/etc/kubernetes/kube-proxy.conf",
    "/var/lib/kube-proxy/kubeconfig",
    "/var/lib/kube-proxy/kubeconfig.conf",
];

impl Checkup<'_> {
    pub(super) fn standing(&mut self, store: &Store, profile: Profile, kubelet: &Kubelet, told: &Told, dir: &Path) {
        let setting = Setting {
            profile,
            version: told.version.clone(),
            etcd_user: told.pod("etcd").map(StaticPod::user).unwrap_or_default(),
            // The benchmark alone asks for them.
            etcd_accounts: if profile == Profile::Cis { accounts(store) } else { Vec::new() },
        };
        let all = self.pki(store).into_iter().chain(self.kubeconfigs()).chain(of_components(kubelet, told, dir));
        let all = all.chain(of_network(store));
        let stands = all.filter_map(|(name, path, role)| {
            let standing = store.standing(&path)?;
            Some(Stands { name, path, role, standing })
        });
        let mut stands: Vec<_> = stands.collect();
        // The benchmark has two rules about the kubelet's CA; kubeadm has one file.
        if profile == Profile::Kubeadm {
            let mut seen = BTreeSet::new();
            stands.retain(|one| seen.insert(one.path.clone()));
        }
        let findings = judge(&stands, &setting, &self.findings);
        self.findings.extend(findings);
    }

    /// The certificates directory with all that is in it: known files by their names.
    fn pki(&self, store: &Store) -> Vec<(String, PathBuf, Role)> {
        let layout = self.inventory.layout;
        let folder = &layout.certificates_dir;
        let rows = catalogue::rows([Kind::Authority, Kind::Leaf]);
        let name_of = |path: &Path| {
            let mut rows = rows.clone();
            let row = rows
                .find(|row| [layout.certificate(row.base_name), layout.key(row.base_name)].contains(&path.to_owned()));
            row.map_or_else(|| file_name(path), |row| row.name.to_owned())
        };
        let files = store.list(folder).map(|listing| listing.files).unwrap_or_default();
        let folders = [folder.clone(), folder.join("etcd")].map(|path| (path.display().to_string(), path, Role::OfPki));
        let files = files.into_iter().filter_map(|path| {
            let role = match path.extension()?.to_str()? {
                "crt" => Role::Certificate,
                "key" => Role::Key,
                "pub" => Role::OfPki,
                _ => return None,
            };
            Some((name_of(&path), path, role))
        });
        folders.into_iter().chain(files).collect()
    }

    fn kubeconfigs(&self) -> Vec<(String, PathBuf, Role)> {
        let layout = self.inventory.layout;
        let rows = catalogue::rows([Kind::Kubeconfig]);
        rows.map(|row| (row.name.to_owned(), layout.of(row), Role::Kubeconfig(row.benchmark.0, row.benchmark.1)))
            .collect()
    }
}

/// Manifests, etcd's data, and what the kubelet is told.
fn of_components(kubelet: &Kubelet, told: &Told, dir: &Path) -> Vec<(String, PathBuf, Role)> {
    let manifests =
        MANIFESTS.map(|(name, mode, owner)| (name.to_owned(), told.manifest(name), Role::Manifest(mode, owner)));
    let etcd = told.pod("etcd");
    let data = etcd.and_then(|pod| pod.file("data-dir")).unwrap_or_else(|| ETCD_DATA.into());
    let data = etcd.map(|_| ("etcd".to_owned(), data, Role::EtcdData));
    let authority = kubelet.configuration.client_authority.clone();
    let authority = authority.map(|path| ("kubelet".to_owned(), path, Role::KubeletAuthority));
    let configuration = ("kubelet".to_owned(), dir.join("config.yaml"), Role::KubeletConfiguration);
    let units = KUBELET_UNITS.map(|path| ("kubelet".to_owned(), PathBuf::from(path), Role::KubeletService));
    manifests.into_iter().chain(data).chain(authority).chain([configuration]).chain(units).collect()
}

/// What the container runtime and kube-proxy have of the network's.
fn of_network(store: &Store) -> Vec<(String, PathBuf, Role)> {
    let files = store.list(Path::new(NETWORK_DIR)).map(|listing| listing.files).unwrap_or_default();
    let files = files.into_iter().map(|path| (file_name(&path), path, Role::Network));
    let proxy =
        PROXY_KUBECONFIGS.map(|path| ("kube-proxy".to_owned(), path.into(), Role::Kubeconfig("4.1.3", "4.1.4")));
    files.chain(proxy).collect()
}

/// The numbers of the users that etcd may run as, of the node's own list.
fn accounts(store: &Store) -> Vec<u32> {
    let path = Path::new("/etc/passwd");
    let tree = store.read([path]);
    let text = String::from_utf8_lossy(tree.content(path).unwrap_or_default()).into_owned();
    let number = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        ETCD_ACCOUNTS.contains(&name).then(|| fields.nth(1)?.parse().ok()).flatten()
    };
    text.lines().filter_map(number).collect()
}
