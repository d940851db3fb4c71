//! The kinds of nodes, and which certificates each may have: what a signer has to know of a node.
//!
//! In: a name of the catalogue. Out: whether a node of a kind has it. It reads no configuration: a node can write
//! whatever it likes into its own.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::config::Role;

/// A kind of node, as a request's maker or its signer names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeRole {
    /// Every certificate and kubeconfig of a control-plane node; etcd's too when etcd is external, as kubeadm has it.
    ControlPlane,
    /// `kubelet.conf` alone.
    Worker,
    /// The certificates that etcd's CA signs.
    Etcd,
}

impl NodeRole {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::ControlPlane, Self::Worker, Self::Etcd];

    /// Its name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ControlPlane => "control-plane",
            Self::Worker => "worker",
            Self::Etcd => "etcd",
        }
    }

    /// Whether a node of this kind has the certificate or kubeconfig; `None` for a name that the catalogue lacks.
    #[must_use]
    pub fn has(self, name: &str) -> Option<bool> {
        let row = super::issued(name)?;
        Some(match self {
            Self::ControlPlane => true,
            Self::Worker => row.roles.contains(&Role::Worker),
            Self::Etcd => row.is_etcd(),
        })
    }

    /// The kinds of nodes that have a certificate or kubeconfig.
    pub fn that_have(name: &str) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |role| role.has(name) == Some(true))
    }
}

impl fmt::Display for NodeRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
