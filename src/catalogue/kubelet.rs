//! The kubelet's own certificates, which kubeadm neither makes nor renews.
//!
//! In: the kubelet's directory. Out: the paths in it; `configuration` says which of them it uses.
//!
//! Source: kubelet `pkg/kubelet/certificate`; client-go `util/certificate` `certificate_store.go` (dated files and the
//! link to the current one), `util/cert` `GenerateSelfSignedCertKey`.

mod configuration;

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

pub use configuration::{BadConfiguration, KubeletConfiguration, ServingFiles, ServingSource};

/// The kubelet's directory unless its flags name another.
pub const DEFAULT_KUBELET_DIR: &str = "/var/lib/kubelet";

/// What the node's name follows in its kubelet's user name.
pub const SYSTEM_NODE: &str = "system:node:";

/// The name of the certificate that the kubelet shows to the API server.
pub const KUBELET_CLIENT: &str = "kubelet-client";

/// The name of the certificate that the kubelet serves with.
pub const KUBELET_SERVER: &str = "kubelet-server";

/// The certificate files of one kubelet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeletFiles {
    folder: PathBuf,
}

impl KubeletFiles {
    /// Those below the kubelet's directory.
    #[must_use]
    pub fn of(kubelet_dir: &Path) -> Self {
        Self { folder: kubelet_dir.join("pki") }
    }

    /// Those in the folder itself, which `--cert-dir` names.
    #[must_use]
    pub fn within(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The client certificate and its key: a link to the newest dated file.
    #[must_use]
    pub fn client(&self) -> PathBuf {
        self.folder.join("kubelet-client-current.pem")
    }

    /// The serving certificate that the cluster's CA signed, with its key: a link too.
    #[must_use]
    pub fn server(&self) -> PathBuf {
        self.folder.join("kubelet-server-current.pem")
    }

    /// The serving certificate that the kubelet made for itself.
    #[must_use]
    pub fn own_certificate(&self) -> PathBuf {
        self.folder.join("kubelet.crt")
    }

    /// Its key.
    #[must_use]
    pub fn own_key(&self) -> PathBuf {
        self.folder.join("kubelet.key")
    }

    /// Every one of them.
    #[must_use]
    pub fn every_path(&self) -> [PathBuf; 4] {
        [self.client(), self.server(), self.own_certificate(), self.own_key()]
    }
}

/// The dated file beside a link that ends in `-current.pem`; another link has no such file.
#[must_use]
pub fn dated(link: &Path, now: DateTime<Utc>) -> Option<PathBuf> {
    let prefix = link.file_name()?.to_str()?.strip_suffix("-current.pem")?;
    Some(link.with_file_name(format!("{prefix}-{}.pem", now.format("%Y-%m-%d-%H-%M-%S"))))
}
