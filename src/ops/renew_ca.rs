//! `kubepki ca renew`: the plan that renews the certificates of CAs, with their keys.
//!
//! In: a request, now. Out: a plan. It reads files alone: the API server may be down, and the CA expired.

use chrono::{DateTime, Utc};

use super::given::Sources;
use super::node::Node;
use super::planned::Planned;
use crate::catalogue::{self, Kind};
use crate::error::Result;
use crate::inventory::infer;
use crate::plan::renew_ca::{self, Options};
pub use crate::request::RenewCaRequest;

/// Reads the node's files and those that were given, and plans the renewal.
///
/// # Errors
/// The configuration cannot be read or is invalid; a name is unknown, options contradict each other
/// ([`RequestError`](crate::request::RequestError)); a given file is not there. What is wrong with a certificate is a
/// finding in the plan.
pub fn plan(request: &RenewCaRequest, now: DateTime<Utc>) -> Result<Planned> {
    let mut node = Node::open_without_address(&request.node)?;
    if *request.recover {
        node.recover()?;
    }
    let beside = catalogue::rows([Kind::Authority]).flat_map(|row| renew_ca::beside(&node.layout, row));
    let tree = node.read_with(beside);
    if !request.node.has_configuration() {
        infer(&mut node.spec, &node.layout, &tree);
    }
    let options = request.options(&node.spec, now)?;
    let outside = Sources::new(&node.store, request.node.rootfs.as_deref())?;
    let given = request.certificates.iter().map(|path| outside.certificate_file(path)).collect::<Result<_>>()?;
    let options = Options { given, ..options };
    let inventory = node.own_inventory(&tree, request.node.has_configuration())?;
    let mut plan = renew_ca::renew_ca(&inventory, &options, now);
    plan.backup_dir = request.backups.dir();
    Planned::of(plan, node.warnings, &request.node)?.record(request, &request.node.recorded(&node.spec))
}
