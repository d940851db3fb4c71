//! Components of this machine that still use older files.

use super::{CheckRequest, Checking};
use crate::ops::restart::{self, Living};

impl Checking<'_> {
    /// What runs on this machine says nothing about a tree below another root.
    pub(super) fn living(&self, request: &CheckRequest) -> Living {
        if self.is_node {
            restart::living(&self.node.store, &request.kubelet_dir, request.node.rootfs.is_none())
        } else {
            Living::default()
        }
    }
}
