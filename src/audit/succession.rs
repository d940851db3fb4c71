//! CAs that make way: one that is being replaced by another, one that ends sooner than what it signs.
//!
//! In: the inventory with the files beside each pair, the controller manager's manifest, now. Out: findings.

use super::node::Checkup;
use super::rotation::{AuthorityRotation, Stage, look};
use super::{Finding, FindingCode, Remedy, Severity};
use crate::catalogue::{API_SERVER, CLUSTER_CA, Kind};
use crate::component::StaticPod;
use crate::config::Role;
use crate::inventory::Inventory;
use crate::remedy::command;
use crate::x509::Certificate;

impl Checkup<'_> {
    /// Notes all of it.
    pub fn succession(&mut self, controller_manager: Option<&StaticPod>) {
        let inventory = self.inventory;
        for rotation in look(inventory, controller_manager, &[]) {
            // Of a file that cannot be read another finding says so.
            if matches!(rotation.stage, Stage::Absent | Stage::Single) || rotation.trusted.is_empty() {
                continue;
            }
            if rotation.name == CLUSTER_CA && rotation.stage.trusts_both() {
                self.findings.extend(fewer_authorities(inventory));
            }
            self.findings.push(replaced(inventory, &rotation));
        }
        self.ends_early();
    }

    /// Early enough for the cheap way: the key stays, and what it has signed stays valid.
    fn ends_early(&mut self) {
        let inventory = self.inventory;
        if inventory.spec.role == Role::Worker {
            return;
        }
        for item in inventory.items(&[Kind::Authority]).filter(|item| item.absence.is_none()) {
            let Some(ca) = item.leaf().filter(|_| !item.pair().is_external()) else { continue };
            let left = ca.not_after() - self.now;
            // Of one that ends sooner still another finding says so.
            if left <= self.thresholds.warning || left >= inventory.spec.certificate_validity {
                continue;
            }
            let renew = command(["kubepki", CLUSTER_CA, "renew", item.name]);
            self.findings.push(Finding::new(
                FindingCode::AuthorityEndsEarly,
                item.name,
                item.path(),
                format!("it ends on {}: what it signs from now on ends with it", ca.not_after()),
                Remedy::chosen(format!(
                    "renew it with the key that it has, and all that it has signed stays valid: {renew}; where that key may be known to \
                     others, replace the CA (kubepki rotate plan)"
                )),
            ));
        }
    }
}

fn replaced(inventory: &Inventory<'_>, rotation: &AuthorityRotation) -> Finding {
    let named = |sha256: &String| sha256.get(..12).unwrap_or(sha256).to_owned();
    let trusted: Vec<_> = rotation.trusted.iter().map(|one| one.short().to_owned()).collect();
    let issuing = rotation.issuing.as_ref().map(|one| format!(", {} signs", named(one))).unwrap_or_default();
    let behind = if rotation.behind.is_empty() { String::new() } else { format!("; {}", rotation.behind.join("; ")) };
    let code = FindingCode::AuthorityReplaced;
    let (severity, remedy) = if rotation.lacks_bridge {
        let renew = command(["kubepki", "certs", "renew", API_SERVER]);
        let remedy = format!("clients that know the old CA alone are refused until it is renewed here: {renew}");
        (Severity::Warning, Remedy::chosen(remedy))
    } else {
        let remedy = "nothing, while that goes on; `kubepki rotate status` says how far it is, and what comes next";
        (code.severity(), Remedy::nothing(remedy))
    };
    let evidence =
        format!("it is being replaced: {}; trusted: {}{issuing}{behind}", rotation.stage.as_str(), trusted.join(", "));
    let place = &inventory.layout.in_use(&rotation.name).public;
    Finding { severity, ..Finding::new(code, &rotation.name, place, evidence, remedy) }
}

/// Kubeconfigs that trust some of the CAs and not all: kubeadm has renewed them meanwhile.
fn fewer_authorities<'i>(inventory: &'i Inventory<'_>) -> impl Iterator<Item = Finding> + 'i {
    let trusted = inventory.bundle(CLUSTER_CA);
    inventory.items(&[Kind::Kubeconfig]).filter_map(move |item| {
        let has = item.client()?.ok()?.embedded_authorities()?;
        let lacking: Vec<&Certificate> = trusted.iter().filter(|one| !has.contains(one)).collect();
        // One that trusts another CA altogether is another finding.
        if lacking.is_empty() || lacking.len() == trusted.len() {
            return None;
        }
        let embed = command(["kubepki", "kubeconfig", "embed", item.name]);
        Some(Finding::new(
            FindingCode::KubeconfigFewerAuthorities,
            item.name,
            item.path(),
            format!(
                "it trusts {} of the {} CAs in ca.crt: what the other signs is refused. `kubeadm certs renew` writes the first alone",
                trusted.len() - lacking.len(),
                trusted.len()
            ),
            Remedy::chosen(format!("put all of them into it: {embed}")),
        ))
    })
}
