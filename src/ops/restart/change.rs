//! Restarting one component: out, wait, in, wait.
//!
//! In: a component, the right to change the manifests. Out: what it serves afterwards. Between "out" and "in" nothing
//! returns: whatever goes wrong while it is waited, the manifest goes back first.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::error::RestartError;
use super::holding::Held;
use super::look::{self, Running, address};
use super::patience::{Patience, Phase};
use crate::edge::process;
use crate::error::Result;
use crate::plan::restart::{Component, EndpointPlan, Evidence, KUBELET};
use crate::store::{Session, Store};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// What the waiting needs to know.
pub(super) struct Limits {
    /// How long the kubelet may take to see that a manifest went or came.
    pub(super) file_check_frequency: Duration,
    /// How long the component may take to end, and again to come back.
    pub(super) timeout: Duration,
}

/// Restarts a static pod.
pub(super) fn static_pod(
    component: &Component,
    manifest: &Path,
    session: &mut Session,
    store: &Store,
    limits: &Limits,
    now: DateTime<Utc>,
    patience: &mut Patience<'_>,
) -> Result<Evidence> {
    patience.begin(component.name, Phase::Inspected)?;
    let looked_at = component.clone();
    let before = patience.during(move || Running::of(&looked_at))?;
    patience.begin(component.name, Phase::Stopped)?;
    let held = Held::take(session, store, component.name, manifest, now)?;
    let ended = wait_until_ended(component, &before, limits, patience);
    held.put_back()?;
    ended?;
    wait_until_well(component, store, Some(&before), limits, patience)
}

/// Restarts the kubelet.
pub(super) fn kubelet(
    component: &Component,
    store: &Store,
    limits: &Limits,
    patience: &mut Patience<'_>,
) -> Result<Evidence> {
    patience.begin(KUBELET, Phase::Stopped)?;
    let systemctl = process::find("systemctl")?;
    let (looked_at, timeout) = (component.clone(), limits.timeout);
    let before = patience.during(move || {
        let before = Running::of(&looked_at);
        process::run(&systemctl, &["restart", "kubelet"], timeout).map(|_| before)
    })??;
    wait_until_well(component, store, Some(&before), limits, patience)
}

/// Waits until the kubelet must have seen that the manifest is gone, and until the component has ended.
fn wait_until_ended(
    component: &Component,
    before: &Running,
    limits: &Limits,
    patience: &mut Patience<'_>,
) -> Result<(), RestartError> {
    loop {
        let (component, before) = (component.clone(), before.clone());
        let name = component.name;
        let remains = patience.during(move || before.remains(&component))?;
        let waited = patience.waited();
        match remains {
            None if waited >= limits.file_check_frequency => return Ok(()),
            Some(evidence) if waited >= limits.file_check_frequency.saturating_add(limits.timeout) => {
                return Err(RestartError::NotStopped {
                    component: name.to_owned(),
                    waited_seconds: waited.as_secs_f64(),
                    evidence,
                    restarted: patience.restarted.clone(),
                });
            }
            remains => patience.note(remains.as_deref().unwrap_or("the kubelet's next look at its manifests")),
        }
        patience.pause(PAUSE)?;
    }
}

/// Waits until the component is well and serves what is on disk; `before` is what must no longer be there.
pub(super) fn wait_until_well(
    component: &Component,
    store: &Store,
    before: Option<&Running>,
    limits: &Limits,
    patience: &mut Patience<'_>,
) -> Result<Evidence> {
    patience.begin(component.name, Phase::Started)?;
    loop {
        let (looked_at, store, before) = (component.clone(), store.clone(), before.cloned());
        let (evidence, problem) = patience.during(move || {
            let evidence = look::evidence(&store, &looked_at);
            let problem = problem(&looked_at, &evidence, before.as_ref());
            (evidence, problem)
        })?;
        let Some(problem) = problem else {
            patience.begin(component.name, Phase::Done)?;
            return Ok(evidence);
        };
        let waited = patience.waited();
        if waited >= limits.file_check_frequency.saturating_add(limits.timeout) {
            return Err(RestartError::NotHealthy {
                component: component.name.to_owned(),
                waited_seconds: waited.as_secs_f64(),
                evidence: problem,
                restarted: patience.restarted.clone(),
            }
            .into());
        }
        patience.note(&problem);
        patience.pause(PAUSE)?;
    }
}

/// What is not yet as it shall be.
fn problem(component: &Component, evidence: &Evidence, before: Option<&Running>) -> Option<String> {
    if before.is_some_and(|before| before.is_still(component)) {
        return Some("the old process is still listening".into());
    }
    for (endpoint, look) in component.endpoints.iter().zip(&evidence.looks) {
        match (&look.served, &look.on_disk) {
            (Err(problem), _) => return Some(problem.clone()),
            (Ok(served), Some(on_disk)) if served.as_der() != on_disk.as_der() => {
                let (place, path) = (address(endpoint), endpoint.certificate.as_deref().unwrap_or(Path::new("")));
                return Some(format!(
                    "{place} serves {}, and {} holds {}",
                    served.serial(),
                    path.display(),
                    on_disk.serial()
                ));
            }
            _ => {}
        }
    }
    look::health(component).err()
}

/// The endpoints with what was seen at them.
pub(super) fn endpoints(component: &Component, evidence: &Evidence) -> Vec<EndpointPlan> {
    let seen = component.endpoints.iter().zip(&evidence.looks);
    seen.map(|(endpoint, look)| EndpointPlan::of(endpoint, address(endpoint).to_string(), look)).collect()
}
