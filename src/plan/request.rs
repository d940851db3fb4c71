//! The plan that makes keys and signing requests: `kubepki certs generate-csr`.
//!
//! In: the inventory, where to write, options, now. Out: a [`Plan`] whose artefacts ask for a certificate. A key
//! in use is never overwritten: what is in the way is named, all at once, and nothing is made. No CA is needed.
//!
//! | part | what it holds |
//! |---|---|
//! | this file | what a node asks for at first, from the configuration |
//! | `lacking` | what is there and stays, or waits for its signature; what is asked for again |
//! | `renewal` | what it asks for again, from the certificates that are there |
//! | `kubelet` | the client certificate of a kubelet that can renew its own no more |
//!
//! Source: kubeadm `cmd/certs.go` (`newCmdGenCSR`), `phases/certs` `CreateCSR`, `phases/kubeconfig`
//! `CreateDefaultKubeConfigsAndCSRFiles`.

mod kubelet;
mod lacking;
mod renewal;

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::generate::Selection;
use super::{Artefact, Cause, KubeconfigTemplate, Operation, Plan, PlannedFile, RequestKey, Step};
use crate::audit::{Finding, FindingCode};
/// Which requests a node makes.
pub use crate::catalogue::NodeRole as RequestRole;
use crate::catalogue::{self, Kind as RowKind, Layout, Row, leaf_key_usages, with_ending};
use crate::config::{ClusterSpec, Role};
use crate::error::{Fault, Result};
use crate::inventory::{Client, Inventory, Item, Part};
use crate::key::PrivateKey;
use crate::tree::Tree;
use crate::x509::{ExtendedKeyUsage, RequestTemplate};

/// Whether requests are for certificates that are there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Renewal {
    /// For new certificates, from the configuration.
    #[default]
    No,
    /// For what is there, each with a new key.
    NewKeys,
    /// For what is there, with the keys that are there.
    SameKeys,
}

/// How a plan is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // most are flags of the command line
pub struct Options {
    /// Which certificates and kubeconfigs.
    pub names: Selection,
    /// Which kind of node; the configuration's without one.
    pub role: Option<RequestRole>,
    /// Whether requests ask for the usages that the catalogue has (kubeadm's ask for none).
    pub with_usages: bool,
    /// Whether a key that is there is used; its request is made anew.
    pub reuse_keys: bool,
    /// Whether the requests are for renewal.
    pub renewal: Renewal,
    /// Whether what is there is kept, for as long as it ends no sooner than within this time.
    pub only_lacking: Option<TimeDelta>,
    /// Whether the kubelet is told to renew its client certificate.
    pub kubelet_rotates: bool,
}

/// Where a request and what belongs to it are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outputs {
    /// Laid out as the node.
    pub layout: Layout,
    /// The folder of the kubelet's own, whose place has nothing beside it.
    pub kubelet_dir: PathBuf,
}

impl Outputs {
    /// What the files of a row begin with.
    fn base(&self, row: &Row) -> PathBuf {
        match row.kind {
            RowKind::KubeletClient => self.kubelet_dir.join(row.name),
            _ => self.layout.base(row),
        }
    }

    /// A request beside its key (`apiserver.csr`) or kubeconfig (`admin.conf.csr`).
    fn request(&self, row: &Row) -> PathBuf {
        with_ending(&self.base(row), "csr")
    }

    /// The key of a pair, or the kubeconfig that holds it.
    fn key(&self, row: &Row) -> PathBuf {
        if row.kind == RowKind::Kubeconfig { self.base(row) } else { self.key_beside(row) }
    }

    /// A key that is in a file of its own: a kubeconfig's is not in it (`admin.conf.key`).
    fn key_beside(&self, row: &Row) -> PathBuf {
        with_ending(&self.base(row), "key")
    }

    /// Every path that a plan looks at.
    #[must_use]
    pub fn every_path(&self) -> Vec<PathBuf> {
        rows().flat_map(|row| [self.request(row), self.key(row), self.key_beside(row)]).collect()
    }
}

/// What a request can be made for.
fn rows() -> impl Iterator<Item = &'static Row> {
    catalogue::rows([RowKind::Leaf, RowKind::Kubeconfig, RowKind::KubeletClient])
}

/// Why a node of this kind has none; `None` when it has one.
fn absence(row: &Row, role: Option<RequestRole>, spec: &ClusterSpec) -> Option<&'static str> {
    let role = role.unwrap_or(match spec.role {
        Role::Worker => RequestRole::Worker,
        Role::ControlPlane | Role::SecondaryControlPlane => RequestRole::ControlPlane,
    });
    match role {
        RequestRole::ControlPlane if row.kind == RowKind::Kubeconfig && spec.role == Role::SecondaryControlPlane => {
            row.absence(spec)
        }
        RequestRole::ControlPlane => row.absence_from_version(spec),
        RequestRole::Worker => (!row.roles.contains(&Role::Worker)).then_some("a worker has none"),
        RequestRole::Etcd => (!row.is_etcd()).then_some("etcd has none"),
    }
}

/// What all parts of the plan work with.
struct Asking<'a> {
    inventory: &'a Inventory<'a>,
    tree: &'a Tree,
    outputs: &'a Outputs,
    spec: &'a ClusterSpec,
    options: &'a Options,
    now: DateTime<Utc>,
    findings: Vec<Finding>,
}

/// Plans the requests of the node, or, for renewal, of what is there, and in the kubelet's own files.
///
/// # Errors
/// [`X509Error::Encoding`](crate::x509::X509Error::Encoding) when a name cannot be put into a request.
pub fn requests(inventory: &Inventory<'_>, outputs: &Outputs, options: &Options, now: DateTime<Utc>) -> Result<Plan> {
    let Inventory { tree, spec, .. } = *inventory;
    let mut asking = Asking { inventory, tree, outputs, spec, options, now, findings: Vec::new() };
    let mut artefacts = Vec::new();
    for item in inventory.issued() {
        let row = item.row;
        if !asking.is_chosen(row) {
            continue;
        }
        let artefact = match (absence(row, options.role, spec), options.renewal) {
            (Some(reason), Renewal::No) => asking.untouched(row, Cause::NotOnNode.skips(), reason),
            (_, Renewal::No) => asking.first_request(item)?,
            (_, Renewal::NewKeys | Renewal::SameKeys) if row.kind == RowKind::KubeletClient => {
                asking.kubelet_request(item)?
            }
            (_, Renewal::NewKeys | Renewal::SameKeys) => asking.renewal_request(item),
        };
        artefacts.push(artefact);
    }
    Ok(Plan::new(Operation::Request, &outputs.layout, tree, now, artefacts, asking.findings))
}

impl Asking<'_> {
    fn first_request(&mut self, item: &Item<'_>) -> Result<Artefact> {
        let row = item.row;
        if row.kind == RowKind::KubeletClient {
            return self.kubelet_request(item);
        }
        let kind = self.kind_of_first_key(item);
        let request = RequestTemplate {
            subject: row.subject(self.spec)?,
            subject_alt_names: row.subject_alt_names(self.spec),
            key_usages: self.key_usages(kind.as_str()),
            extended_key_usages: self.extended_key_usages(row),
        };
        if let Some(renew_before) = self.options.only_lacking
            && let Some(artefact) = self.what_is_there(item, &request, renew_before)
        {
            return Ok(artefact);
        }
        let key = self.outputs.key(row);
        if self.options.reuse_keys && self.tree.is_there(&key) {
            return Ok(self.with_key(row, request, key, "for the key that is there"));
        }
        let mut files = vec![key, self.outputs.request(row)];
        files.extend((row.kind == RowKind::Kubeconfig).then(|| self.outputs.key_beside(row)));
        if self.is_in_the_way(row, files) {
            return Ok(self.untouched(row, Cause::Exists.blocks(), "there is a key or request already"));
        }
        let key = match row.kind {
            RowKind::Kubeconfig => RequestKey::NewKubeconfig {
                new_key: kind,
                kubeconfig: KubeconfigTemplate {
                    cluster_name: self.spec.cluster_name.clone(),
                    server: row.request_server(self.spec),
                    user: row.user_name(self.spec),
                },
            },
            _ => RequestKey::NewKey { new_key: kind },
        };
        Ok(self.untouched(row, Step::Request { request, key }, "key and request are made"))
    }

    /// A request that is signed with a key of this node; only the request is written.
    fn with_key(&mut self, row: &Row, request: RequestTemplate, key: PathBuf, reason: &str) -> Artefact {
        let files = vec![secret_file(self.outputs.request(row))];
        if let Some(fault) = self.fault_of_key(row, &key) {
            self.findings.push(Finding::unusable(row.name, &key, fault));
            return Artefact::of(row, Cause::Unusable.blocks(), "its key cannot be used", files);
        }
        let key = match row.kind {
            RowKind::Kubeconfig => RequestKey::ExistingKubeconfig { key_file: key },
            _ => RequestKey::ExistingKey { key_file: key },
        };
        let step = Step::Request { request, key };
        Artefact::of(row, step, reason, files)
    }

    fn fault_of_key(&self, row: &Row, path: &Path) -> Option<Fault> {
        let key = match row.kind {
            RowKind::Kubeconfig => {
                let documents = self.inventory.documents;
                let read = |content: &[u8]| Client::of(self.tree, path, documents.parse(content));
                let client = Part::read(self.tree, path, read);
                client.and_then(|client| client.found.key.into_part())
            }
            _ => Part::read(self.tree, path, PrivateKey::from_pem),
        };
        match key {
            Part::Present(_) => None,
            Part::Missing => Some(Fault::new(
                FindingCode::FileMissing,
                "there is no key to sign a request with",
                "leave out --reuse-keys or --keep-key, so that a new key is made",
            )),
            Part::Broken(fault) => Some(fault),
        }
    }

    /// Says what is in the way of new files: kubeadm's rule, but for all at once.
    fn is_in_the_way(&mut self, row: &Row, files: Vec<PathBuf>) -> bool {
        let found: Vec<_> = files.into_iter().filter(|path| self.tree.is_there(path)).collect();
        for path in &found {
            let remedy = self.kubelets_way(row, &found).unwrap_or_else(|| {
                let renewal = if self.options.renewal == Renewal::No { " for renewal (--renew)," } else { "" };
                format!(
                    "move it away; or make only what is lacking (--only-lacking), ask with the key that is there (--reuse-keys),{renewal} or in \
                     another folder (--out-dir)"
                )
            });
            let evidence = "file already exists: a key or CSR is never overwritten".to_owned();
            self.findings.push(Finding::new(FindingCode::FileExists, row.name, path, evidence, remedy));
        }
        !found.is_empty()
    }

    /// For a key of this kind (`ECDSA-P256`).
    fn key_usages(&self, key_kind: &str) -> Vec<crate::x509::KeyUsage> {
        let version = self.spec.version();
        if self.options.with_usages { leaf_key_usages(version.as_ref(), key_kind) } else { Vec::new() }
    }

    fn extended_key_usages(&self, row: &Row) -> Vec<ExtendedKeyUsage> {
        if self.options.with_usages { row.extended_key_usages.to_vec() } else { Vec::new() }
    }

    fn untouched(&self, row: &Row, step: Step, reason: &str) -> Artefact {
        let files = vec![secret_file(self.outputs.key(row)), secret_file(self.outputs.request(row))];
        Artefact::of(row, step, reason, files)
    }
}

fn secret_file(path: PathBuf) -> PlannedFile {
    PlannedFile { path, mode: 0o600 }
}
