//! Alternative names of a renewal: changed on request, compared with the configuration; and certificates of another node.
//!
//! In: the old certificate, the wanted changes. Out: the new names, and findings.

use std::path::Path;

use super::Renewal;
use crate::audit::subject::judge_kept;
use crate::audit::{Finding, FindingCode, Remedy, Severity};
use crate::catalogue::{AlternativeNames, CommonName, KUBELET_CONF, Kind as RowKind, SYSTEM_NODE};
use crate::inventory::{Found, Item};
use crate::remedy::command;
use crate::x509::{Certificate, SubjectAltName, SubjectAltNames};

/// How the alternative names change. Without a change they stay as they are, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameChanges {
    /// Names that are there afterwards.
    pub add: Vec<SubjectAltName>,
    /// Names that are not there afterwards.
    pub remove: Vec<SubjectAltName>,
    /// Whether DNS names and addresses are those of the configuration.
    pub from_config: bool,
}

impl Renewal<'_> {
    /// The names of the new certificate.
    pub(super) fn new_names(&mut self, item: &Item<'_>, certificate: &Certificate, path: &Path) -> SubjectAltNames {
        let changes = &self.options.name_changes;
        let old = certificate.subject_alt_names();
        if !item.row.has_alternative_names() {
            return old.clone();
        }
        let has = |name: &&SubjectAltName| old.iter().any(|one| one == *name);
        let absent: Vec<_> = changes.remove.iter().filter(|name| !has(name)).map(ToString::to_string).collect();
        let present: Vec<_> = changes.add.iter().filter(has).map(ToString::to_string).collect();
        let (configured, others): (Vec<_>, Vec<_>) = match self.expected_names(item) {
            Some(expected) if changes.from_config => (expected.iter().cloned().collect(), text_names(old, false)),
            _ => (old.iter().cloned().collect(), Vec::new()),
        };
        let mut names: Vec<_> = configured.into_iter().chain(others).collect();
        names.extend(changes.add.iter().cloned());
        names.retain(|name| !changes.remove.contains(name));
        let names = in_kubeadms_order(&names);
        if !absent.is_empty() {
            // A run that is made again and again (--before) may have removed it the first time.
            let severity = if self.options.before.is_some() { Severity::Warning } else { Severity::Critical };
            let evidence = format!("it cannot lose {}: its names are {}", absent.join(", "), or_none(old));
            let remedy = "correct the name in --remove-san, or leave it out";
            self.findings.push(
                Finding::new(FindingCode::CertificateNameAbsent, item.name, path, evidence, remedy).as_bad_as(severity),
            );
        }
        if !present.is_empty() {
            let evidence = format!("it has {} already", present.join(", "));
            let remedy = Remedy::nothing("nothing: the name stays");
            self.findings.push(Finding::new(FindingCode::CertificateNamePresent, item.name, path, evidence, remedy));
        }
        if names.has_same_names(old) { old.clone() } else { names }
    }

    /// The configuration's names for it.
    fn expected_names(&self, item: &Item<'_>) -> Option<SubjectAltNames> {
        let is_known = item.row.has_alternative_names() && item.row.kind != RowKind::KubeletServer;
        is_known.then(|| item.row.subject_alt_names(self.inventory.spec))
    }

    /// Compares the new certificate's names with the configuration's, where there is one.
    pub(super) fn note_drift(&mut self, item: &Item<'_>, held: &Found, names: &SubjectAltNames) {
        let Some(expected) = self.expected_names(item).filter(|_| self.inventory.is_said) else { return };
        let lacking: Vec<_> =
            expected.iter().filter(|name| !names.iter().any(|one| one == *name)).map(ToString::to_string).collect();
        let could_be_this_nodes = |name: &&SubjectAltName| match name {
            SubjectAltName::Ip(_) => self.inventory.spec.advertise_address.is_unspecified(),
            _ => self.inventory.spec.node_name.is_empty(),
        };
        let extra: Vec<_> = text_names(names, true)
            .iter()
            .filter(|name| !could_be_this_nodes(name))
            .filter(|name| !expected.iter().any(|one| one == *name))
            .map(ToString::to_string)
            .collect();
        let parts = [("it lacks", lacking), ("it also has", extra)];
        let parts: Vec<_> = parts
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(words, names)| format!("{words} {}", names.join(", ")))
            .collect();
        if !parts.is_empty() {
            let evidence = format!("its names are not the configuration's: {}", parts.join("; "));
            let renew = command(["kubepki", "certs", "renew", item.name, "--sans-from-config"]);
            let remedy = format!("take the configuration's names: {renew}; or put these names into the configuration");
            let path = &held.certificate_path;
            self.findings.push(Finding::new(FindingCode::CertificateNamesDiffer, item.name, path, evidence, remedy));
        }
    }

    /// Notes a subject that kubeadm of the configuration's version would not write: it is kept.
    pub(super) fn note_version(&mut self, item: &Item<'_>, held: &Found, certificate: &Certificate) {
        if !self.inventory.is_said {
            return;
        }
        let is_made_by_kubeadm = matches!(item.row.kind, RowKind::Leaf | RowKind::Kubeconfig);
        if let Some(expected) = item.row.subject(self.inventory.spec).ok().filter(|_| is_made_by_kubeadm) {
            self.findings.extend(judge_kept(item.name, &held.certificate_path, certificate, &expected));
        }
    }

    /// Notes a certificate that was made for another node; `true` when that blocks.
    pub(super) fn judge_node(
        &mut self,
        item: &Item<'_>,
        held: &Found,
        certificate: &Certificate,
        names: &SubjectAltNames,
    ) -> bool {
        let Some((node_name, is_sure)) = self.node_name() else { return false };
        let is_node = |name: &str| name.eq_ignore_ascii_case(&node_name);
        let common_name = certificate.subject().common_name().unwrap_or_default();
        let row = item.row;
        let evidence = match row.common_name {
            // What the kubelet serves with may have any name: some are made elsewhere.
            _ if row.kind == RowKind::KubeletServer => return false,
            CommonName::Node if !is_node(&common_name) => format!("it is for the node {common_name:?}"),
            CommonName::SystemNode if !common_name.strip_prefix(SYSTEM_NODE).is_some_and(is_node) => {
                format!("it is for {common_name:?}")
            }
            CommonName::Fixed(_)
                if row.alternative_names == AlternativeNames::ApiServer && !names.dns_names().any(is_node) =>
            {
                format!("its names lack the node's (it has {})", or_none(names))
            }
            _ => return false,
        };
        let severity = if is_sure && !self.options.force { Severity::Critical } else { Severity::Warning };
        self.findings.push(Finding::new(FindingCode::CertificateOtherNode, item.name, &held.certificate_path, format!("{evidence}; this node is {node_name:?}"), Remedy::chosen("remove a file that was copied from another node, and make this node's: `kubepki init`; --force renews it as it is")).as_bad_as(severity));
        severity == Severity::Critical
    }

    /// This node's name, and whether it is sure: given, or certified in `kubelet.conf`. That file's user may be named like
    /// another node, and the host too.
    fn node_name(&self) -> Option<(String, bool)> {
        if self.inventory.spec.node_name.is_empty() {
            return self.options.host_name.clone().map(|name| (name, false));
        }
        let kubelet = self.inventory.get(KUBELET_CONF).and_then(Item::client);
        let is_sure =
            self.options.has_node_name || matches!(kubelet, Some(Ok(client)) if client.certified_node_name().is_some());
        Some((self.inventory.spec.node_name.clone(), is_sure))
    }
}

fn or_none(names: &SubjectAltNames) -> String {
    let text = names.to_string();
    if text.is_empty() { "none".to_owned() } else { text }
}

fn is_text(name: &SubjectAltName) -> bool {
    matches!(name, SubjectAltName::Dns(_) | SubjectAltName::Ip(_))
}

/// The DNS names and addresses, or the others.
fn text_names(names: &SubjectAltNames, wanted: bool) -> Vec<SubjectAltName> {
    names.iter().filter(|name| is_text(name) == wanted).cloned().collect()
}

/// DNS names sorted, then addresses, then the other forms as they come.
fn in_kubeadms_order(names: &[SubjectAltName]) -> SubjectAltNames {
    let all = SubjectAltNames::in_order(names.to_vec());
    let sorted = SubjectAltNames::sorted(all.dns_names(), all.ip_addresses());
    let mut ordered: Vec<_> = sorted.iter().cloned().collect();
    for other in names.iter().filter(|name| !is_text(name)) {
        if !ordered.contains(other) {
            ordered.push(other.clone());
        }
    }
    SubjectAltNames::in_order(ordered)
}
