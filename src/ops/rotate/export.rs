//! `kubepki rotate export`: what other nodes need of this one, with private keys for control planes.

use std::path::Path;

use super::{Place, RotationRequest};
use crate::audit::rotation::{AuthorityRotation, Stage, is_chain};
use crate::catalogue::{Aside, SERVICE_ACCOUNT};
use crate::config::Role;
use crate::error::Result;
use crate::inventory::Inventory;
use crate::plan::rotate::{Given, Material};
use crate::secret::Secret;
use crate::x509::{Certificate, read_certificates};

/// What comes, for another control-plane node; for a worker what it has to trust: with what comes or, when the old ones are
/// gone here, what is left.
///
/// # Errors
/// A name that is unknown; the configuration cannot be read.
pub fn export(request: &RotationRequest, to: Role) -> Result<Material> {
    let names = request.chosen()?;
    let place = Place::open(&request.node, &request.kubelet_dir, None)?;
    let inventory = place.inventory()?;
    let rotations = place.rotations(&names)?;
    let given = |rotation: &AuthorityRotation| {
        let given =
            if to == Role::Worker { for_worker(&inventory, rotation) } else { for_control_plane(&inventory, rotation) };
        Some((rotation.name.clone(), given?))
    };
    Ok(Material { common_name: None, authorities: rotations.iter().filter_map(given).collect() })
}

/// The one that comes and, where both are trusted, the one that goes: a node that has joined meanwhile lacks one of them, whichever signs
/// there.
fn for_control_plane(inventory: &Inventory<'_>, rotation: &AuthorityRotation) -> Option<Given> {
    let name = rotation.name.as_str();
    let aside = |aside| {
        let files = inventory.layout.aside(name, aside);
        let content = inventory.tree.content(&files.public)?;
        let certificates = if name == SERVICE_ACCOUNT {
            String::from_utf8(content.to_vec()).ok()?
        } else {
            pem(read_certificates(content).ok()?.iter())?
        };
        Some(Given { certificates, key: secret(inventory, &files.key), previous: None })
    };
    let in_use = || {
        let key = secret(inventory, &inventory.layout.in_use(name).key);
        Some(Given { certificates: first_ones(inventory, rotation)?, key, previous: None })
    };
    let (comes, goes) = match rotation.stage {
        Stage::Prepared => (aside(Aside::Next)?, None),
        Stage::IssueOld => (aside(Aside::Next)?, in_use()),
        Stage::IssueNew => (in_use()?, aside(Aside::Previous)),
        _ => return None,
    };
    Some(Given { previous: goes.map(Box::new), ..comes })
}

fn secret(inventory: &Inventory<'_>, path: &Path) -> Option<Secret> {
    inventory.tree.content(path).map(|content| Secret::new(content.to_vec()))
}

/// Of the file in use, those that do not go.
fn first_ones(inventory: &Inventory<'_>, rotation: &AuthorityRotation) -> Option<String> {
    if rotation.name == SERVICE_ACCOUNT {
        let key = inventory.get(SERVICE_ACCOUNT)?.service_account()?.key.present()?;
        return String::from_utf8(key.public_key_pem()).ok();
    }
    let all = inventory.get(&rotation.name)?.certificates();
    // The one that signs, and those above it; the others go.
    let above = all.windows(2).take_while(|pair| is_chain(pair)).count();
    pem(all.iter().take(above + 1))
}

/// Certificates alone: their file may hold a key besides.
fn pem<'c>(certificates: impl Iterator<Item = &'c Certificate>) -> Option<String> {
    String::from_utf8(certificates.flat_map(Certificate::to_pem).collect()).ok()
}

/// A worker has the cluster's CA alone, and trusts what this node trusts: the one that signs first.
fn for_worker(inventory: &Inventory<'_>, rotation: &AuthorityRotation) -> Option<Given> {
    if rotation.name != crate::catalogue::CLUSTER_CA {
        return None;
    }
    let certificates = inventory.get(&rotation.name)?.certificates();
    Some(Given { certificates: pem(certificates.iter())?, key: None, previous: None })
}
