//! Documents that are to say something else, as text.
//!
//! In: what is to change, or was changed. Out: a table; a unified diff.

use super::cell::minute;
use super::{table, unified};
use crate::ops::enable_serving::{AwaitedRequest, ServingSetup};
use crate::ops::require_serving::{NodeServing, ServingRequirement};
use crate::plan::serving::Awaited;
use crate::plan::setting::Setting;
use crate::remedy::command;
use crate::text::printable;

/// Which document says what, and whether it did before.
#[must_use]
pub fn table_of(settings: &[Setting], is_written: bool, width: Option<usize>) -> String {
    let state = |setting: &Setting| match (setting.is_set(), is_written) {
        (true, _) => "as it was",
        (false, true) => "changed",
        (false, false) => "to be changed",
    };
    let row = |setting: &Setting| [setting.place.clone(), state(setting).to_owned(), setting.says.clone()];
    table(width, ["PLACE", "STATE", "SAYS"], settings.iter().map(row))
}

/// What changes in the documents; nothing when nothing does.
#[must_use]
pub fn diff(settings: &[Setting]) -> String {
    let changed = settings.iter().filter(|setting| !setting.is_set());
    let of = |setting: &Setting| {
        let named = |what: &str| format!("{} ({what})", printable(&setting.place));
        let text = unified(&setting.before, &setting.after, &named("is"), &named("will be"));
        text.lines().map(|line| printable(line) + "\n").collect::<String>()
    };
    changed.map(of).collect()
}

/// All of a setup.
#[must_use]
pub fn setup(setup: &ServingSetup, width: Option<usize>) -> String {
    table_of(&setup.settings, setup.is_written, width)
}

/// What came of the kubelet's request, and what comes next.
#[must_use]
pub fn awaited(node: &str, request: &AwaitedRequest) -> String {
    let name = request.name.as_deref().unwrap_or_default();
    match request.state {
        Awaited::Served => format!("{node} has its certificate"),
        Awaited::Denied => format!("{name} of {node} was denied"),
        Awaited::Waits => {
            let asked = request.names.iter().filter_map(|name| name.split_once(':')).map(|(_, name)| name);
            let asked: Vec<_> = asked.filter(|name| *name != node).collect();
            let allow = format!("{node}={}", asked.join(","));
            let approve = command(["kubepki", "kubelet", "approve", "--allow", &allow]);
            format!("{name} of {node} waits for approval: if the node has these names, {approve}")
        }
    }
}

/// All of a requirement.
#[must_use]
pub fn requirement(requirement: &ServingRequirement, width: Option<usize>) -> String {
    let row =
        |node: &NodeServing| [node.name.clone(), node.endpoint.clone().unwrap_or_default(), minute(node.not_after)];
    let nodes = table(width, ["NODE", "ENDPOINT", "CERTIFICATE ENDS"], requirement.nodes.iter().map(row));
    format!("{nodes}\n\n{}", table_of(&requirement.settings, requirement.is_written, width))
}
