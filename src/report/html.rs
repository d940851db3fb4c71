//! A report as one page: whole in itself, without a fetch, readable without its script.
//!
//! In: a [`Page`]: nodes with their certificates and findings. Out: the text of an HTML document, of a fragment for notebooks
//! ([`fragment`]), or of a picture alone ([`timeline`], [`trust`]), with everything from outside escaped. The script only
//! filters; the page's policy names script and style by their digests, so that nothing else that got into it would act.
//!
//! Source: Content Security Policy Level 3; WAI-ARIA 1.2.

mod cause;
mod fragment;
mod listing;
mod page;
mod shown;
pub mod timeline;
pub mod trust;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};

pub use fragment::fragment;
pub use page::page;

use crate::audit::node::Status;
use crate::audit::{Finding, SeenCertificate};
use crate::config::Role;
use crate::digest::Digest;
use crate::ops::audit::{FleetReport, TreeKind, TreeReport};
use crate::ops::check::CheckReport;
use crate::text::counted;

/// What a page is about.
#[derive(Clone, Debug)]
pub struct Page<'r> {
    /// Its heading.
    pub title: String,
    /// The moment for which it holds; none where nothing could be read.
    pub made_at: Option<DateTime<Utc>>,
    /// The whole in one word.
    pub status: Status,
    /// Every node that was looked at.
    pub nodes: Vec<Node<'r>>,
    /// What is wrong with several nodes together.
    pub across: Vec<Across<'r>>,
}

/// One thing that is wrong with several nodes together.
#[derive(Clone, Debug)]
pub struct Across<'r> {
    /// What it is.
    pub finding: &'r Finding,
    /// Where the nodes were read.
    pub nodes: &'r [String],
}

/// One node of a page: a tree of files.
#[derive(Clone, Debug)]
pub struct Node<'r> {
    /// What it is called: a host, a folder, an archive.
    pub name: String,
    /// Where it was read; empty where that is its name.
    pub place: String,
    /// What is known of it besides, as its cluster and its version.
    pub facts: String,
    /// Its state in one word.
    pub status: Status,
    /// Why nothing, or not all, could be seen of it; mostly empty.
    pub reason: String,
    /// Its certificates.
    pub certificates: &'r [SeenCertificate],
    /// What is wrong with it.
    pub findings: &'r [Finding],
}

impl<'r> Page<'r> {
    /// Of one node, by the name that the kubelet's certificate has.
    #[must_use]
    pub fn of(report: &'r CheckReport) -> Self {
        let name = report.certificates.iter().find_map(SeenCertificate::node).unwrap_or("this node").to_owned();
        Self::alone(Node::of(name, report), Some(report.checked_at))
    }

    /// Of one tree.
    #[must_use]
    pub fn of_tree(tree: &'r TreeReport) -> Self {
        Self::alone(Node::of_tree(tree, true), tree.report.as_ref().map(|report| report.checked_at))
    }

    /// Of all trees.
    #[must_use]
    pub fn of_fleet(fleet: &'r FleetReport) -> Self {
        let mut named: BTreeMap<&str, usize> = BTreeMap::new();
        for name in fleet.trees.iter().filter_map(|tree| tree.node.as_deref()) {
            *named.entry(name).or_default() += 1;
        }
        let is_unique = |tree: &TreeReport| tree.node.as_deref().is_some_and(|name| named.get(name) == Some(&1));
        Self {
            title: format!("Certificates of {}", counted(fleet.trees.len(), "node")),
            made_at: Some(fleet.audited_at),
            status: fleet.summary.status,
            nodes: fleet.trees.iter().map(|tree| Node::of_tree(tree, is_unique(tree))).collect(),
            across: fleet
                .summary
                .findings
                .iter()
                .map(|one| Across { finding: &one.finding, nodes: &one.trees })
                .collect(),
        }
    }

    fn alone(node: Node<'r>, made_at: Option<DateTime<Utc>>) -> Self {
        let title = format!("Certificates of {}", node.name);
        Self { title, made_at, status: node.status, nodes: vec![node], across: Vec::new() }
    }

    /// The moment by which certificates are judged.
    fn now(&self) -> DateTime<Utc> {
        self.made_at.unwrap_or_default()
    }
}

impl<'r> Node<'r> {
    fn of(name: String, report: &'r CheckReport) -> Self {
        let CheckReport { status, certificates, findings, .. } = report;
        Self {
            name,
            place: String::new(),
            facts: String::new(),
            status: *status,
            reason: String::new(),
            certificates,
            findings,
        }
    }

    fn of_tree(tree: &'r TreeReport, is_unique: bool) -> Self {
        let place = tree.place();
        // Hosts are known by the names that an inventory gives them.
        let host = tree.member.clone().filter(|_| tree.kind == TreeKind::Report);
        let name = host.or_else(|| tree.node.clone().filter(|_| is_unique)).unwrap_or_else(|| place.clone());
        let role = tree.role.map(|role| match role {
            Role::ControlPlane | Role::SecondaryControlPlane => "control plane".to_owned(),
            Role::Worker => "worker".to_owned(),
        });
        let cluster = tree.cluster.as_ref().map(|cluster| format!("cluster {cluster}"));
        let facts: Vec<_> = [cluster, role, tree.kubernetes_version.clone()].into_iter().flatten().collect();
        let (certificates, findings) =
            tree.report.as_ref().map_or((&[][..], &[][..]), |one| (&one.certificates, &one.findings));
        Self {
            place: if name == place { String::new() } else { place },
            name,
            facts: facts.join(", "),
            status: tree.status,
            reason: tree
                .problem
                .as_ref()
                .map(|fault| format!("{} ({})", fault.message, fault.hint))
                .unwrap_or_default(),
            certificates,
            findings,
        }
    }

    /// Where it was read.
    fn key(&self) -> &str {
        if self.place.is_empty() { &self.name } else { &self.place }
    }
}

/// What the policy of a page allows: this text, as a style or a script.
fn source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Digest::of(text.as_bytes()).as_bytes()))
}
