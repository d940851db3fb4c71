//! One tree looked at.
//!
//! In: a folder, the files of an archive, a single file. Out: its [`TreeReport`]. What cannot be read is said in it.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::bundle::Packed;
use super::shape::Shape;
use super::tree::cluster_of;
use super::{TreeKind, TreeReport};
use crate::error::Result;
use crate::inventory::{Client, referenced_paths};
use crate::key::Blocklist;
use crate::kubeconfig::Kubeconfig;
use crate::ops::check::{CheckFilesRequest, CheckReport, KnownNode, Status, check_files_with, check_in};
use crate::request::{AuditRequest, CheckRequest};
use crate::store::Store;
use crate::x509::{Certificate, read_certificates};

/// What every tree is looked at with.
pub(super) struct Examiner<'r> {
    pub(super) request: &'r AuditRequest,
    pub(super) blocklist: Option<&'r Blocklist>,
    pub(super) now: DateTime<Utc>,
}

impl Examiner<'_> {
    /// A tree in a folder.
    pub(super) fn folder(&self, path: &Path, shape: Shape) -> TreeReport {
        let checked = Store::new(Some(path.to_owned()))
            .map_err(Into::into)
            .and_then(|store| self.check(store.at_one_moment(), shape.request(Some(path)), shape));
        known(path, None, TreeKind::Folder, checked)
    }

    /// A tree of an archive.
    pub(super) fn packed(&self, path: &Path, tree: Packed) -> TreeReport {
        let Packed { member, shape, files, problem } = tree;
        let member = Some(member.to_string_lossy().into_owned()).filter(|member| !member.is_empty());
        let checked = self.check(Store::of(files), shape.request(None), shape);
        let report = known(path, member, TreeKind::Archive, checked).of_another_machine();
        match problem {
            // What was not read may be worse.
            Some(problem) => TreeReport { problem: Some(problem), ..report }.at_least(Status::Unknown),
            None => report,
        }
    }

    fn check(&self, store: Store, request: CheckRequest, shape: Shape) -> Result<(CheckReport, KnownNode)> {
        let AuditRequest { warning, critical, profile, .. } = self.request.clone();
        let request = CheckRequest { warning, critical, profile, ..request };
        check_in(store, &request, self.blocklist, shape == Shape::Root, self.now)
    }

    /// A kubeconfig, or certificates.
    pub(super) fn file(&self, path: &Path) -> TreeReport {
        let AuditRequest { warning, critical, .. } = self.request.clone();
        let request = CheckFilesRequest { paths: vec![path.to_owned()], warning, critical, ..Default::default() };
        match check_files_with(&request, self.blocklist, self.now) {
            Ok((report, moduli)) => {
                let found = TreeReport::found(path, None, TreeKind::File, report);
                let (cluster, node) = of_kubeconfig(path);
                TreeReport {
                    cluster: cluster.or(found.cluster.clone()),
                    node: node.or(found.node.clone()),
                    moduli,
                    ..found
                }
            }
            Err(error) => TreeReport::unread(path, None, TreeKind::File, error.into()),
        }
    }
}

fn known(path: &Path, member: Option<String>, kind: TreeKind, checked: Result<(CheckReport, KnownNode)>) -> TreeReport {
    match checked {
        Ok((report, known)) => {
            let found = TreeReport::found(path, member, kind, report);
            TreeReport {
                node: known.name.or(found.node),
                cluster: known.cluster_key.as_deref().and_then(cluster_of).or(found.cluster),
                role: known.role,
                kubernetes_version: known.kubernetes_version,
                service_account_keys: known.service_account_keys,
                moduli: known.moduli,
                ..found
            }
        }
        Err(error) => TreeReport::unread(path, member, kind, error.into()),
    }
}

/// The cluster whose CA a kubeconfig trusts, and the node whose kubelet uses it.
fn of_kubeconfig(path: &Path) -> (Option<String>, Option<String>) {
    let known = || {
        let store = Store::new(None).ok()?;
        let mut tree = store.read([path]);
        let document = Kubeconfig::parse(tree.content(path)?).ok()?;
        tree.add(store.read(referenced_paths(path, &document)));
        let current = document.current().ok()?;
        let authority = match (current.certificate_authority_data, current.certificate_authority) {
            (Some(data), _) => Some(data),
            (None, Some(named)) => tree.content(&crate::catalogue::beside(path, named)).map(<[u8]>::to_vec),
            (None, None) => None,
        };
        let authority = authority.and_then(|pem| read_certificates(&pem).ok()).unwrap_or_default();
        let cluster = authority.first().map(Certificate::public_key_fingerprint);
        let node = Client::of(&tree, path, Ok(document.clone())).ok().and_then(|client| client.node_name());
        Some((cluster.as_deref().and_then(cluster_of), node))
    };
    known().unwrap_or_default()
}
