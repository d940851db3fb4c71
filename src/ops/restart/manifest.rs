//! A static pod whose manifest is changed: the kubelet sees it and starts the pod anew.
//!
//! In: the right to change manifests, the change, a flag with its value. Out: the component runs with that flag and is well;
//! or an error. The manifest is not moved: one that cannot run is there with its backup.
//!
//! Source: kubelet `pkg/kubelet/config/file.go`.

use std::time::Duration;

use super::super::keys::Continue;
use super::node::Components;
use super::patience::Patience;
use super::progress::{Phase, Progress};
use super::{Reservation, look};
use crate::component::flags;
use crate::error::Result;
use crate::plan::serving::ServingError;
use crate::store::Session;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);

impl Reservation {
    /// The right to change the manifests.
    pub(in super::super) const fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Waits until the component runs with `--name=value`, and is well.
    pub(in super::super) fn wait_for_flag(
        self,
        component: &'static str,
        (name, value): (&str, &str),
        progress: &mut dyn FnMut(&Progress) -> Continue,
    ) -> Result<()> {
        let Self { request, store, session, timeout } = self;
        drop(session);
        let components = Components::read(&request, &store)?;
        let limit = timeout.saturating_add(components.kubelet.file_check_frequency);
        let mut patience = Patience::new(progress);
        patience.begin(component, Phase::Started)?;
        loop {
            let (looked_at, told) = (components.clone(), (name.to_owned(), value.to_owned()));
            let problem = patience.during(move || problem(&looked_at, component, &told))?;
            let Some(problem) = problem else {
                patience.begin(component, Phase::Done)?;
                return Ok(());
            };
            let waited = patience.waited();
            if waited >= limit {
                return Err(ServingError::NotBack { component: component.to_owned(), waited, reason: problem }.into());
            }
            patience.note(&problem);
            patience.pause(PAUSE)?;
        }
    }
}

/// What is not yet as it shall be.
fn problem(components: &Components, name: &str, (flag, value): &(String, String)) -> Option<String> {
    let member = components.member(name)?;
    let (Some(component), Some(manners)) = (&member.component, &member.manners) else {
        return Some(member.problem.clone().unwrap_or_else(|| "its manifest is not there".into()));
    };
    let Some(process) = look::process_of(component, manners) else { return Some("it does not run yet".into()) };
    let words = process.command_line();
    let told = flags(words.iter().map(String::as_str)).into_iter().rev().find(|(name, _)| name == flag);
    if told.and_then(|(_, told)| told) != Some(value) {
        return Some(format!("process {} runs without the flag", process.pid));
    }
    look::evidence(&components.store, component).difference(component).or_else(|| look::health(component).err())
}
