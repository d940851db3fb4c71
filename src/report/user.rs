//! What can be shown of a user's kubeconfig.

use chrono::{DateTime, Utc};

use crate::ops::user::UserFacts;
use crate::text::printable;

/// A line for each fact that there is.
#[must_use]
pub fn text(facts: &UserFacts) -> String {
    let moment = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M:%S UTC");
    let valid = facts.not_before.zip(facts.not_after);
    let all = [
        ("user:", Some(facts.user.clone())),
        ("subject:", facts.subject.clone()),
        ("key:", facts.algorithm.map(|algorithm| algorithm.to_string())),
        ("serial:", facts.serial.clone()),
        ("valid:", valid.map(|(from, until)| format!("{} to {}", moment(from), moment(until)))),
        ("credential:", Some(facts.credential.as_str().to_owned())),
        ("server:", Some(facts.server.clone())),
        ("cluster:", Some(facts.cluster_name.clone())),
    ];
    let shown = all.iter().filter_map(|(name, value)| Some((name, value.as_ref().filter(|value| !value.is_empty())?)));
    shown.map(|(name, value)| format!("{name:<11} {}", printable(value))).collect::<Vec<_>>().join("\n")
}
