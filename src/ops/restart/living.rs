//! What a check says of the components that run on this machine.
//!
//! In: a store, the kubelet's directory. Out: [`Living`]. It looks at components whose process can be
//! seen, and says nothing of others: a check is made by anybody, anywhere.

use std::path::{Path, PathBuf};

use super::node::Components;
use super::{RestartRequest, look, tokens};
use crate::audit::signing::judge_signing;
use crate::audit::{Finding, FindingCode, Severity};
use crate::catalogue::KUBELET;
use crate::plan::restart::{Component, judge};
use crate::remedy::command;
use crate::store::Store;

/// What was seen.
#[derive(Debug, Default)]
pub(in crate::ops) struct Living {
    /// Components that use older files than those on disk, and what the restart of some would do.
    pub(in crate::ops) findings: Vec<Finding>,
    /// Whether the kubelet serves TLS, where it runs.
    pub(in crate::ops) kubelet_serves: Option<bool>,
}

/// Looks at the manifests, and at the components that run here if the store is of this machine.
pub(in crate::ops) fn living(store: &Store, kubelet_dir: &Path, is_this_machine: bool) -> Living {
    let request = RestartRequest { kubelet_dir: kubelet_dir.into(), ..RestartRequest::default() };
    // What is wrong with a manifest is said by whoever needs it.
    let read = if is_this_machine { Components::read } else { Components::as_written };
    let Ok(components) = read(&request, store) else { return Living::default() };
    let mut living = Living::default();
    for component in components.members.iter().filter_map(|member| member.component.as_ref()) {
        living.findings.extend(signing(store, component, Severity::Warning));
    }
    if !is_this_machine {
        return living;
    }
    let seen = components.at_once(|member| {
        let component = member.component.as_ref()?;
        Some(look::evidence_of(store, component, Some(look::listening(component)?)))
    });
    for (member, evidence) in components.members.iter().zip(&seen) {
        let (Some(component), Some(evidence)) = (&member.component, evidence) else { continue };
        if member.name == KUBELET {
            living.kubelet_serves = Some(evidence.looks.iter().any(|look| look.served.is_ok()));
        }
        let outdated = judge(component, evidence).outdated;
        if !outdated.is_empty() {
            let evidence = format!("it does not use what is on disk: {}", outdated.join("; "));
            let remedy = command(["kubepki", "restart", member.name]);
            living.findings.push(Finding::about(FindingCode::ComponentOutdated, member.name, evidence, remedy));
        }
    }
    living.findings.extend(tokens::outlived(&components, &seen.iter().map(Option::as_ref).collect::<Vec<_>>()));
    living
}

/// Why the component would not come up again with what it is to sign with.
pub(super) fn signing(store: &Store, component: &Component, severity: Severity) -> Vec<Finding> {
    let judge = |(certificate, key): &(PathBuf, PathBuf)| {
        judge_signing(component.name, &store.read([certificate, key]), certificate, key, severity)
    };
    component.signing.iter().filter_map(judge).collect()
}
