//! What is on a node and should be elsewhere: a CA's key on a worker, the kubeconfig of the mightiest, another node's
//! certificates.
//!
//! In: the inventory, now. Out: findings.

use std::path::Path;

use chrono::TimeDelta;

use super::node::Checkup;
use super::profile::Profile;
use super::{Finding, FindingCode, Remedy, Severity};
use crate::catalogue::{CLUSTER_CA, CommonName, KUBELET_CLIENT, KUBELET_CONF, Kind, SYSTEM_NODE};
use crate::config::Role;
use crate::inventory::Item;
use crate::remedy::command;
use crate::x509::Certificate;

/// How long a new cluster may need the kubeconfig of the mightiest.
const SET_UP: TimeDelta = TimeDelta::days(7);

impl Checkup<'_> {
    /// Notes all of it.
    pub fn misplaced(&mut self, profile: Profile) {
        let found: Vec<_> =
            self.keys_on_worker().into_iter().chain(self.left_in_place(profile)).chain(self.of_other_nodes()).collect();
        self.findings.extend(found);
    }

    fn keys_on_worker(&self) -> Vec<Finding> {
        if self.inventory.spec.role != Role::Worker {
            return Vec::new();
        }
        let keys = self.inventory.items(&[Kind::Authority]).filter(|item| self.inventory.tree.is_there(&item.key));
        let finding = |item: &Item<'_>| {
            Finding::new(
                FindingCode::AuthorityKeyOnWorker,
                item.name,
                &item.key,
                "a worker needs only this CA's certificate, and has its key too: whoever takes over the worker can sign a certificate for any user",
                format!(
                    "see that a control-plane node or a safe place has it, then remove it here: {}",
                    command(["rm".as_ref(), item.key.as_os_str()])
                ),
            )
        };
        keys.map(finding).collect()
    }

    /// A fresh cluster needs it; later it is better kept elsewhere. How old the cluster is, its CA says.
    fn left_in_place(&self, profile: Profile) -> Vec<Finding> {
        let made = self.inventory.bundle(CLUSTER_CA).iter().map(Certificate::not_before).min();
        if made.is_none_or(|made| self.now - made < SET_UP) {
            return Vec::new();
        }
        let items = self.inventory.items(&[Kind::Kubeconfig]);
        let left = items.filter(|item| item.row.is_best_elsewhere && item.is_there());
        let finding = |item: &Item<'_>| {
            let finding = Finding::new(
                FindingCode::KubeconfigLeftInPlace,
                item.name,
                item.path(),
                "it may do everything, whatever the rules of the cluster say, and nothing but a new CA takes that away",
                Remedy::nothing(format!(
                    "nothing, or keep it where it is safe: move {} away from this node",
                    item.path().display()
                )),
            );
            finding.as_bad_as(profile.severity_of_default())
        };
        left.map(finding).collect()
    }

    /// Certificates that name another node than the one that the kubelet says this is.
    fn of_other_nodes(&self) -> Vec<Finding> {
        let Some(own) = self.own_name() else { return Vec::new() };
        let named = self.inventory.items(&[Kind::Leaf, Kind::Kubeconfig, Kind::KubeletClient]);
        let named = named.filter(|item| item.is_on_node && item.row.is_named_after_node());
        named.filter_map(|item| self.of_other_node(item, &own)).collect()
    }

    fn own_name(&self) -> Option<String> {
        let of = |name: &str| {
            let common_name = self.inventory.get(name)?.leaf()?.subject().common_name()?;
            common_name.strip_prefix(SYSTEM_NODE).map(str::to_owned)
        };
        of(KUBELET_CLIENT).or_else(|| of(KUBELET_CONF))
    }

    fn of_other_node(&self, item: &Item<'_>, own: &str) -> Option<Finding> {
        let leaf = item.leaf()?;
        let common_name = leaf.subject().common_name()?;
        // A kubelet's without the prefix names no node at all.
        let named = match item.row.common_name {
            CommonName::SystemNode => common_name.strip_prefix(SYSTEM_NODE)?,
            CommonName::Node | CommonName::Fixed(_) => &common_name,
        };
        let path: &Path = item.path();
        let is_said = |finding: &Finding| {
            finding.code == FindingCode::CertificateOtherSubject && finding.path.as_deref() == Some(path)
        };
        if named == own || self.findings.iter().any(is_said) {
            return None;
        }
        let finding = Finding::new(
            FindingCode::CertificateOtherNode,
            item.name,
            path,
            format!("it names the node {named}, and the kubelet here is {own}: it may have been copied"),
            "make this node's own: remove the pair, and make it again",
        );
        Some(finding.as_bad_as(Severity::Warning))
    }
}
