//! What etcd holds, in a file: as text.

use super::table;
use crate::ops::etcd_snapshot::EtcdSnapshot;
use crate::text::printable;

/// Where it is, and how it is known again.
#[must_use]
pub fn text(snapshot: &EtcdSnapshot, width: Option<usize>) -> String {
    let EtcdSnapshot { file, size, sha256, server, etcd_version } = snapshot;
    let file = printable(&file.display().to_string()).into_owned();
    let row = [file, size.to_string(), sha256.clone(), format!("{server} ({etcd_version})")];
    table(width, ["FILE", "BYTES", "SHA-256", "ETCD"], [row])
}
