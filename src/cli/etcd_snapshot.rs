//! `kubepki etcd snapshot`: what etcd holds, in a file.

use clap::Args;

use super::options::{Form, NodeWords, Output};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::ops::etcd_snapshot::{EtcdSnapshotRequest, snapshot};
use crate::report;

/// Keep what etcd holds in a file, as `etcdctl snapshot save` does.
///
/// On a control-plane node: etcd is asked as its API server asks it. The file has mode 0600, is there only when it is whole, and its
/// hash is compared with the one that etcd sends. It holds every secret of the cluster. `etcdutl snapshot restore` takes it.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki etcd snapshot
  kubepki etcd snapshot /var/backups/before-rotation.db -o json")]
pub(super) struct Snapshot {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: EtcdSnapshotRequest,
    #[command(flatten)]
    _node: NodeWords,
}

impl Run for Snapshot {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let taken = snapshot(&self.request, session.now, &mut || session.tell())?;
        match self.output.form {
            Form::Text => session.screen.show(&report::etcd_snapshot::text(&taken, session.screen.width()))?,
            form => session.structured(&taken, form)?,
        }
        Ok(session.ended(0))
    }
}
