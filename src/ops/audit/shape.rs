//! How the files of a node are laid out in a folder or an archive, and where they are found by their names.
//!
//! In: a folder; the name of an archive's member. Out: [`Shape`]; to which tree a member belongs, and its path there.

use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

use crate::catalogue::{self, CLUSTER_CA, Kind, Layout};
use crate::request::{CheckRequest, NodeRequest};
use crate::store::{EntryKind, Store};

/// The layout of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// A node's root, with `etc/kubernetes` in it.
    Root,
    /// What `etc/kubernetes` holds: a folder `pki`, kubeconfigs beside it.
    Kubernetes,
    /// The folder of certificates itself.
    Certificates,
}

/// What of the kubelet's folder an audit reads.
const OF_KUBELET: [&str; 4] = ["pki", "config.yaml", "kubeadm-flags.env", "instance-config.yaml"];

impl Shape {
    /// The layout of a folder with these names in it; none when it is no tree itself.
    pub(super) fn of(store: &Store, folder: &Path, names: &[(OsString, EntryKind)]) -> Option<Self> {
        let has = |wanted: &str| names.iter().any(|(name, _)| name == wanted);
        let is_root = |first: &str, path: &str| has(first) && store.is_directory(&folder.join(path));
        if is_root("etc", "etc/kubernetes") || is_root("var", "var/lib/kubelet/pki") {
            return Some(Self::Root);
        }
        if has("pki") && store.entries(&folder.join("pki")).is_ok_and(|names| Self::is_certificates(&names)) {
            return Some(Self::Kubernetes);
        }
        if Self::is_certificates(names) {
            return Some(Self::Certificates);
        }
        catalogue::kubeconfig_names().into_iter().any(has).then_some(Self::Kubernetes)
    }

    /// Whether a folder has the CA's certificate, and anything else of a node.
    fn is_certificates(names: &[(OsString, EntryKind)]) -> bool {
        let layout = Layout { certificates_dir: PathBuf::new(), kubeconfig_dir: PathBuf::new() };
        let has = |path: &Path| path.iter().next().is_some_and(|first| names.iter().any(|(name, _)| name == first));
        let (authority, key) = layout.authority(CLUSTER_CA);
        let pairs = catalogue::rows([Kind::Authority, Kind::Leaf])
            .filter(|row| row.name != CLUSTER_CA)
            .map(|row| layout.certificate(row.base_name));
        let keys = [key, layout.service_account_key(), layout.service_account_public_key()];
        has(&authority) && pairs.chain(keys).any(|path| has(&path))
    }

    /// The check that is made of it; `rootfs` where it is a folder.
    pub(super) fn request(self, rootfs: Option<&Path>) -> CheckRequest {
        let dir = |path: &str| Some(PathBuf::from(path));
        let (certificates_dir, kubeconfig_dir) = match self {
            Self::Root => (None, None),
            Self::Kubernetes => (dir("/pki"), dir("/")),
            Self::Certificates => (dir("/"), dir("/")),
        };
        let rootfs = rootfs.map(Path::to_owned).into();
        let node = NodeRequest { certificates_dir, kubeconfig_dir, rootfs, ..NodeRequest::default() };
        CheckRequest { node, ..CheckRequest::default() }
    }
}

/// A member of an archive that is a node's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Placed {
    /// The folder in the archive that is the tree.
    pub(super) tree: PathBuf,
    pub(super) shape: Shape,
    /// Its path in the tree, absolute.
    pub(super) path: PathBuf,
}

/// Where a member belongs by its name; none for what no node has, and for names that lead out of the archive.
pub(super) fn place(member: &Path) -> Option<Placed> {
    let mut parts: Vec<&OsStr> = Vec::new();
    for part in member.components() {
        match part {
            Component::Normal(name) => parts.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            Component::ParentDir => return None,
        }
    }
    let at = |index: usize, names: &[&str]| {
        names.iter().enumerate().all(|(place, name)| parts.get(index + place).is_some_and(|part| *part == *name))
    };
    let placed = |tree: usize, shape: Shape, from: usize| Placed {
        tree: parts.iter().take(tree).collect(),
        shape,
        path: std::iter::once(OsStr::new("/")).chain(parts.iter().skip(from).copied()).collect(),
    };
    for index in 0..parts.len() {
        let is_kubelets = || {
            let name = parts.get(index + 3).and_then(|name| name.to_str());
            at(index, &["var", "lib", "kubelet"]) && name.is_some_and(|name| OF_KUBELET.contains(&name))
        };
        let is_flags = || ["default", "sysconfig"].iter().any(|folder| at(index, &["etc", folder, "kubelet"]));
        if at(index, &["etc", "kubernetes"]) || is_kubelets() || is_flags() {
            return Some(placed(index, Shape::Root, index));
        }
    }
    if let Some(index) = (0..parts.len()).find(|index| at(*index, &["pki"])) {
        return Some(placed(index, Shape::Kubernetes, index));
    }
    let name = parts.last().and_then(|name| name.to_str())?;
    let last = parts.len().saturating_sub(1);
    catalogue::kubeconfig_names().contains(&name).then(|| placed(last, Shape::Kubernetes, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_belongs_to_the_folder_that_is_a_node() {
        for (member, tree, shape, path) in [
            ("./etc/kubernetes/pki/ca.crt", "", Shape::Root, "/etc/kubernetes/pki/ca.crt"),
            ("nodes/cp1/etc/kubernetes/admin.conf", "nodes/cp1", Shape::Root, "/etc/kubernetes/admin.conf"),
            ("cp1/var/lib/kubelet/pki/kubelet.crt", "cp1", Shape::Root, "/var/lib/kubelet/pki/kubelet.crt"),
            ("cp1/etc/default/kubelet", "cp1", Shape::Root, "/etc/default/kubelet"),
            ("/backup/pki/etcd/ca.crt", "backup", Shape::Kubernetes, "/pki/etcd/ca.crt"),
            ("backup/admin.conf", "backup", Shape::Kubernetes, "/admin.conf"),
        ] {
            let placed = place(Path::new(member)).unwrap();
            assert_eq!((placed.tree, placed.shape, placed.path), (tree.into(), shape, path.into()), "{member}");
        }
        for member in ["var/log/messages", "cp1/var/lib/kubelet/pods/x", "../etc/kubernetes/pki/ca.crt", "", "/"] {
            assert_eq!(place(Path::new(member)), None, "{member}");
        }
    }
}
