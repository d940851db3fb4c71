//! The files of a CA that makes way for another, or of the service accounts' key: what comes, what goes, and what signs alone.
//!
//! In: a [`Layout`] and kubeadm's name. Out: paths. They stand beside the pair that is in use, and are there only while it is
//! replaced: which of them is there says how far that is.

use std::path::PathBuf;

use super::{CLUSTER_CA, Kind, Layout, SERVICE_ACCOUNT, row, rows};

/// The base name of the certificate that signs alone during a rotation.
pub const ROTATION_SIGNING: &str = "ca-rotation-signing";

/// The one that is not in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aside {
    /// The one that comes.
    Next,
    /// The one that goes.
    Previous,
}

/// A certificate, or public key, and its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFiles {
    /// `ca.crt`, `sa.pub`.
    pub public: PathBuf,
    /// `ca.key`, `sa.key`.
    pub key: PathBuf,
}

impl KeyFiles {
    /// Both.
    #[must_use]
    pub fn paths(self) -> [PathBuf; 2] {
        [self.public, self.key]
    }
}

/// The names of all that can be replaced by steps: the CAs, then the service accounts' key.
#[must_use]
pub fn rotated_names() -> Vec<&'static str> {
    rows([Kind::Authority, Kind::ServiceAccount]).map(|row| row.name).collect()
}

impl Layout {
    /// The pair that is in use.
    #[must_use]
    pub fn in_use(&self, name: &str) -> KeyFiles {
        self.key_files(name, "")
    }

    /// The one that is not in use, beside it.
    #[must_use]
    pub fn aside(&self, name: &str, aside: Aside) -> KeyFiles {
        self.key_files(
            name,
            match aside {
                Aside::Next => "-next",
                Aside::Previous => "-previous",
            },
        )
    }

    /// The certificate with which the controller manager signs while `ca.crt` holds several. No other than a rotation writes it:
    /// `ca-signing.crt` is an administrator's.
    #[must_use]
    pub fn signing_certificate(&self) -> PathBuf {
        self.certificate(ROTATION_SIGNING)
    }

    /// The certificate that an administrator gives the controller manager to sign with, where `ca.crt` is not for it.
    #[must_use]
    pub fn own_signing_certificate(&self) -> PathBuf {
        self.certificate(&format!("{CLUSTER_CA}-signing"))
    }

    /// Every file that is there only while something is replaced.
    pub fn all_aside(&self) -> impl Iterator<Item = PathBuf> {
        let aside = |name: &&'static str| [Aside::Next, Aside::Previous].map(|aside| self.aside(name, aside));
        let files: Vec<_> = rotated_names().iter().flat_map(aside).flat_map(KeyFiles::paths).collect();
        files.into_iter().chain([self.signing_certificate()])
    }

    fn key_files(&self, name: &str, ending: &str) -> KeyFiles {
        let base = format!("{}{ending}", row(name).map_or(name, |row| row.base_name));
        let public = if name == SERVICE_ACCOUNT {
            self.certificates_dir.join(format!("{base}.pub"))
        } else {
            self.certificate(&base)
        };
        KeyFiles { public, key: self.key(&base) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_stand_beside_the_pair_in_use() {
        let layout = Layout::below("/k".into());
        assert_eq!(layout.aside("etcd-ca", Aside::Next).key, PathBuf::from("/k/pki/etcd/ca-next.key"));
        assert_eq!(layout.aside("sa", Aside::Previous).public, PathBuf::from("/k/pki/sa-previous.pub"));
        assert_eq!(layout.in_use("front-proxy-ca").public, PathBuf::from("/k/pki/front-proxy-ca.crt"));
        assert_eq!(layout.all_aside().count(), 17);
    }
}
