//! Options that several verbs have: each is declared here, with its help and its default, and nowhere else.
//!
//! A request flattens such a type; serde reads it as its one field. [`Backups`] is two of them.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};

use super::{Span, defaults};
use crate::audit::profile::Profile;
use crate::catalogue::DEFAULT_KUBELET_DIR;
use crate::policy::OutliveAuthority;
use crate::store::DEFAULT_BACKUP_DIR;

macro_rules! options {
    ($(pub struct $name:ident { $(#[$attribute:meta])* $option:ident: $kind:ty })+) => {$(
        #[doc = concat!("The option `", stringify!($option), "`.")]
        #[derive(Args, Clone, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name { $(#[$attribute])* $option: $kind }

        defaults! { $name }

        impl<T: Into<$kind>> From<T> for $name {
            fn from(value: T) -> Self {
                Self { $option: value.into() }
            }
        }

        impl Deref for $name {
            type Target = $kind;

            fn deref(&self) -> &$kind {
                &self.$option
            }
        }

        impl DerefMut for $name {
            fn deref_mut(&mut self) -> &mut $kind {
                &mut self.$option
            }
        }
    )+};
}

options! {
    pub struct Rootfs {
        /// The directory in front of every path of the node: a mounted disk, a folder.
        #[arg(long, value_name = "DIR")]
        rootfs: Option<PathBuf>
    }

    pub struct KubeletDir {
        /// The kubelet's directory of the node, with its `config.yaml` and its certificates in `pki`.
        #[arg(long, value_name = "DIR", default_value = DEFAULT_KUBELET_DIR)]
        kubelet_dir: PathBuf
    }

    pub struct BackupDir {
        /// The directory of the node where backups are kept.
        #[arg(long, value_name = "DIR", default_value = DEFAULT_BACKUP_DIR)]
        backup_dir: PathBuf
    }

    pub struct NoBackup {
        /// Keep no backup of the files that are replaced or removed.
        #[arg(long)]
        no_backup: bool
    }

    pub struct Warning {
        /// Warn of a certificate with at most this much time left.
        #[arg(long, value_name = "DURATION", default_value = "30d")]
        warning: Span
    }

    pub struct Critical {
        /// A certificate with at most this much time left is critical.
        #[arg(long, value_name = "DURATION", default_value = "7d")]
        critical: Span
    }

    pub struct FileProfile {
        /// Whose rules hold for modes and owners of files, and how bad a weakness is that a fresh kubeadm has: those of kubeadm, or of
        /// the CIS benchmark.
        #[arg(long, value_name = "PROFILE", default_value = "kubeadm")]
        profile: Profile
    }

    pub struct KeyBlocklist {
        /// The `blocklist.dat` of badkeys: published private keys, those of Debian's OpenSSL of 2006 to 2008 among them.
        #[arg(long, value_name = "FILE")]
        key_blocklist: Option<PathBuf>
    }

    pub struct DryRun {
        /// Show what would be done, and change nothing.
        #[arg(long)]
        dry_run: bool
    }

    pub struct Recover {
        /// First end a change that was interrupted: complete it, or take it back. It is the only change that planning makes.
        #[arg(skip)]
        recover: bool
    }

    pub struct Authorities {
        /// What is replaced: `ca`, `front-proxy-ca`, `etcd-ca`, `sa`; without any, all of them.
        #[arg(long, value_name = "NAME", value_delimiter = ',')]
        authority: Vec<String>
    }

    pub struct OutliveCa {
        /// What to do with a certificate that would be valid for longer than its CA: refuse it, let it end with the CA, or make it anyway,
        /// as kubeadm does.
        #[arg(long, value_name = "WHAT", default_value = "refuse")]
        outlive_ca: OutliveAuthority
    }
}

impl Rootfs {
    /// The directory.
    #[must_use]
    pub fn dir(&self) -> Option<PathBuf> {
        self.rootfs.clone()
    }
}

/// Where what is replaced or removed is kept.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Backups {
    /// Where backups are kept.
    #[command(flatten)]
    pub backup_dir: BackupDir,
    /// Whether nothing is kept.
    #[command(flatten)]
    pub no_backup: NoBackup,
}

impl Backups {
    /// Nothing is kept.
    #[must_use]
    pub fn none() -> Self {
        Self { no_backup: true.into(), ..Self::default() }
    }

    /// The directory; none when nothing is kept.
    #[must_use]
    pub fn dir(&self) -> Option<PathBuf> {
        (!*self.no_backup).then(|| self.backup_dir.to_path_buf())
    }
}
