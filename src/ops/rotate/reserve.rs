//! `kubepki rotate reserve`: one run over all nodes at a time, from whichever machine.
//!
//! In: a node. Out: [`Reserved`], for as long as no other run is to work on this node. Each run reserves every control plane, and two
//! runs that rotate the same cluster have one in common.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::{Result, faults};
use crate::ops::node::Node;
pub use crate::request::RotateReserveRequest;
use crate::store::{Holder, Reserved, StoreError};

/// A run that has just been killed is gone within this time.
const WAIT: Duration = Duration::from_secs(5);

/// Whoever has a node reserved says so at least this often; one that says nothing for longer has gone.
pub const SILENCE: Duration = Duration::from_secs(60);

/// How often it does.
pub const BEAT: Duration = Duration::from_secs(10);

/// What `kubepki rotate reserve` says on stderr once the node is reserved.
pub const RESERVED: &str = "reserved";

/// What it says where no lock can be taken: a full disk must not keep anybody from the way back.
pub const UNGUARDED: &str = "not reserved: no lock can be taken here";

faults! {
    /// Why a node cannot be reserved.
    pub enum ReserveError {
        /// Another run over all nodes works on it.
        #[error("another run has reserved this node: {holder}")]
        #[fault("rotate.reserved" as TAKEN, Refused, format!("wait for its end; {see}"))]
        Taken {
            /// What holds it here, for a run that may be on another machine.
            holder: String,
            /// How to find out which.
            see: String,
        },
        /// The folder of certificates is not there.
        #[error("there is no {}: no control plane is here", folder.display())]
        #[fault("rotate.nothing_here", Usage, "name this node's folder of certificates: --certificates-dir DIR")]
        NothingHere {
            /// The folder.
            folder: PathBuf,
        },
    }
}

impl ReserveError {
    fn taken(holder: Option<&Holder>) -> Self {
        let Some(holder) = holder else {
            let see = "nothing here says which process that is".to_owned();
            return Self::Taken { holder: "an unknown process".to_owned(), see };
        };
        let see = format!("`ps -o args -p {}` on this node says which machine it runs on", holder.pid);
        Self::Taken { holder: holder.to_string(), see }
    }
}

/// Reserves this node.
///
/// # Errors
/// [`ReserveError`]; the configuration cannot be read, or the folder of certificates not looked at.
pub fn reserve(request: &RotateReserveRequest) -> Result<Reserved> {
    let node = Node::open_without_address(&request.node)?;
    let folder = &node.layout.certificates_dir;
    if !node.store.is_directory(folder) {
        return Err(ReserveError::NothingHere { folder: folder.clone() }.into());
    }
    node.store.reserve(&node.layout.certificates_dir, WAIT).map_err(|error| match error {
        StoreError::Locked { holder, .. } => ReserveError::taken(holder.as_ref()).into(),
        error => error.into(),
    })
}
