//! What `kubepki etcd snapshot` is asked for.

use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};

use super::{KubeletDir, Rootfs, defaults};

/// What is kept, and where.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EtcdSnapshotRequest {
    /// The file of the node, which must not exist; without it one below `/var/lib/kubepki/etcd` that is named after the moment.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The kubelet's directory, whose configuration says where manifests are.
    #[command(flatten)]
    pub kubelet_dir: KubeletDir,
    /// The directory in front of the node's paths.
    #[command(flatten)]
    pub rootfs: Rootfs,
}

defaults! { EtcdSnapshotRequest }
