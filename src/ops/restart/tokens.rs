//! Service accounts' keys under running components: what a restart would do to the tokens.
//!
//! In: the node's components and what was seen of them. Out: findings.

use std::path::PathBuf;

use super::node::Components;
use crate::audit::Finding;
use crate::audit::service_account::{judge_use, number_of_public_keys, replaced};
use crate::plan::restart::{Component, Evidence, Member, ServiceAccount, start_of};

/// Why a restart of the component would end every token: its key is none that tokens are verified with.
pub(super) fn unusable(components: &Components, component: &Component) -> Vec<Finding> {
    let Some(own) = &component.service_account else { return Vec::new() };
    // The API server of this node knows what is accepted.
    let api_server = components.component("kube-apiserver").and_then(|server| server.service_account.as_ref());
    let ServiceAccount { public_keys, .. } = api_server.unwrap_or(own);
    let tree = components.store.read(public_keys.iter().chain([&own.key]));
    let is_there = |path: &&PathBuf| api_server.is_some() || tree.content(path).is_some();
    judge_use(&tree, &own.key, &public_keys.iter().filter(is_there).cloned().collect::<Vec<_>>())
}

/// A component that runs with an older pair than the one on disk, of which no public key is kept.
pub(super) fn outlived(components: &Components, seen: &[Option<&Evidence>]) -> Option<Finding> {
    let replaced_under = |(member, evidence): (&Member, Option<&Evidence>)| {
        let (component, evidence) = (member.component.as_ref()?, evidence?);
        let ServiceAccount { key, public_keys } = component.service_account.as_ref()?;
        let [public] = public_keys.as_slice() else { return None };
        let started_at = start_of(component, evidence)?;
        let has_changed = |path| components.store.changed_at(path).is_some_and(|at| at >= started_at);
        let tree = components.store.read([key, public]);
        let is_alone = number_of_public_keys(&tree, public_keys) == 1 && judge_use(&tree, key, public_keys).is_empty();
        (has_changed(key) && has_changed(public) && is_alone).then(|| replaced(component.name, key, public))
    };
    components.members.iter().zip(seen.iter().copied()).find_map(replaced_under)
}
