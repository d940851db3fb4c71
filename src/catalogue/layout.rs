//! Where a node's files are.
//!
//! In: the two directories. Out: the path of every file of the catalogue. Paths are logical: a root directory in
//! front of them is floor 5's business.

use std::path::{Path, PathBuf};

/// kubeadm's directory of kubeconfigs.
pub const DEFAULT_KUBECONFIG_DIR: &str = "/etc/kubernetes";

/// The certificates directory and the kubeconfig directory of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// `certificatesDir`.
    pub certificates_dir: PathBuf,
    /// Where `admin.conf` and the others are.
    pub kubeconfig_dir: PathBuf,
}

impl Layout {
    /// The certificate of a pair by its base name (`etcd/server`).
    #[must_use]
    pub fn certificate(&self, base_name: &str) -> PathBuf {
        self.certificates_dir.join(format!("{base_name}.crt"))
    }

    /// The private key of a pair.
    #[must_use]
    pub fn key(&self, base_name: &str) -> PathBuf {
        self.certificates_dir.join(format!("{base_name}.key"))
    }

    /// The certificate and the key of a CA by kubeadm's name (`etcd-ca`).
    #[must_use]
    pub fn authority(&self, name: &str) -> (PathBuf, PathBuf) {
        let base_name = super::authority(name).map_or("ca", |row| row.base_name);
        (self.certificate(base_name), self.key(base_name))
    }

    /// `sa.key`.
    #[must_use]
    pub fn service_account_key(&self) -> PathBuf {
        self.certificates_dir.join("sa.key")
    }

    /// `sa.pub`.
    #[must_use]
    pub fn service_account_public_key(&self) -> PathBuf {
        self.certificates_dir.join("sa.pub")
    }

    /// A kubeconfig by its file name.
    #[must_use]
    pub fn kubeconfig(&self, name: &str) -> PathBuf {
        self.kubeconfig_dir.join(name)
    }

    /// Where new keys and their requests wait for their certificates: laid out as `/etc/kubernetes` is.
    #[must_use]
    pub fn renewal(&self) -> Self {
        Self::below(self.kubeconfig_dir.join("renewal"))
    }

    /// A folder that is laid out as `/etc/kubernetes` is.
    #[must_use]
    pub fn below(folder: PathBuf) -> Self {
        Self { certificates_dir: folder.join("pki"), kubeconfig_dir: folder }
    }

    /// Every path that the catalogue knows, for whatever kind of node.
    #[must_use]
    pub fn every_path(&self) -> Vec<PathBuf> {
        let bases = super::AUTHORITIES.iter().map(|row| row.base_name);
        let bases = bases.chain(super::CERTIFICATES.iter().map(|row| row.base_name));
        let pairs = bases.flat_map(|base| [self.certificate(base), self.key(base)]);
        let service_account = [self.service_account_key(), self.service_account_public_key()];
        let kubeconfigs = super::KUBECONFIGS.iter().map(|row| self.kubeconfig(row.name));
        pairs.chain(service_account).chain(kubeconfigs).collect()
    }
}

/// A path with an ending more: `admin.conf` with `.csr` behind it.
#[must_use]
pub fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// A path in a kubeconfig is relative to the kubeconfig's own directory.
#[must_use]
pub fn beside(kubeconfig: &Path, referenced: &str) -> PathBuf {
    kubeconfig.parent().unwrap_or_else(|| Path::new("")).join(referenced)
}
