//! Where a node's files are.
//!
//! In: the two directories. Out: the path of every file of the catalogue. Paths are logical: a root directory in
//! front of them is `store`'s business.

use std::path::{Path, PathBuf};

use super::{Kind, ROWS, Row};

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
        let base_name = super::authority(name).map_or(super::CLUSTER_CA, |row| row.base_name);
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

    /// The file that stands for a row: the certificate of a pair, `sa.key`, a kubeconfig.
    #[must_use]
    pub fn of(&self, row: &Row) -> PathBuf {
        match row.kind {
            Kind::Authority | Kind::Leaf => self.certificate(row.base_name),
            Kind::ServiceAccount => self.service_account_key(),
            Kind::Kubeconfig | Kind::KubeletClient | Kind::KubeletServer => self.kubeconfig(row.base_name),
        }
    }

    /// The file of a row without its ending; behind it come those of what is on its way: `.csr`, `.key`, `.crt`.
    #[must_use]
    pub fn base(&self, row: &Row) -> PathBuf {
        match row.kind {
            Kind::Authority | Kind::Leaf | Kind::ServiceAccount => self.certificates_dir.join(row.base_name),
            Kind::Kubeconfig | Kind::KubeletClient | Kind::KubeletServer => self.kubeconfig(row.base_name),
        }
    }

    /// What is on its way to a row and back: request, certificate, key. Of a pair the last two are those in use.
    #[must_use]
    pub fn on_the_way(&self, row: &Row) -> [PathBuf; 3] {
        let base = self.base(row);
        ["csr", "crt", "key"].map(|ending| with_ending(&base, ending))
    }

    /// [`Self::on_the_way`] of all that the owner of a CA signs.
    pub fn all_on_the_way(&self) -> impl Iterator<Item = PathBuf> {
        super::rows([Kind::Leaf, Kind::Kubeconfig, Kind::KubeletClient]).flat_map(|row| self.on_the_way(row))
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

    /// The files of a row, but for those of the kubelet, which are elsewhere.
    #[must_use]
    pub fn paths(&self, row: &Row) -> Vec<PathBuf> {
        match row.kind {
            Kind::Authority | Kind::Leaf => vec![self.certificate(row.base_name), self.key(row.base_name)],
            Kind::ServiceAccount => vec![self.service_account_key(), self.service_account_public_key()],
            Kind::Kubeconfig => vec![self.kubeconfig(row.name)],
            Kind::KubeletClient | Kind::KubeletServer => Vec::new(),
        }
    }

    /// Every path that the catalogue knows, for whatever kind of node.
    #[must_use]
    pub fn every_path(&self) -> Vec<PathBuf> {
        ROWS.iter().flat_map(|row| self.paths(row)).collect()
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
