//! A plan is made again before it is applied: what is done is what kubepki plans, whatever became of the plan meanwhile.
//!
//! In: a plan, perhaps from a file that somebody has edited. Out: nothing, or why it is not applied. A plan carries the
//! request that it was made from. The same request, for the same moment and with files that are as they were, gives
//! the same plan; so a plan that says anything else was changed after it was made: another subject, a path, a finding that
//! is gone. Configurations are carried as they were read, without the secrets that they may hold, and are not read again.

use chrono::TimeDelta;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::given::refuse_other_keys;
use super::{OperationError, backup, bad, cleanup, embed, generate_csr, import, init, renew, renew_ca, sign};
use crate::audit::Finding;
use crate::clock::SystemClock;
use crate::digest::sha256_hex;
use crate::error::Result;
use crate::plan::{Operation, Plan};
use crate::request::SignRequest;
use crate::secret::Secret;
use crate::store::Store;
use crate::tree::Tree;

/// How far the clocks of two machines may be apart: that of the planner and that of the one who applies.
const CLOCKS_APART: TimeDelta = TimeDelta::days(1);

/// Refuses a plan of which a file has changed since.
pub(super) fn refuse_stale(plan: &Plan, tree: &Tree) -> Result<()> {
    for input in &plan.inputs {
        let now = tree.content(&input.path).map(sha256_hex);
        if now != input.sha256 {
            return Err(OperationError::Stale { path: input.path.display().to_string() }.into());
        }
    }
    Ok(())
}

/// Refuses a plan that is not what its request plans.
pub(super) fn refuse_other(plan: &Plan, passphrase: Option<&Secret>) -> Result<()> {
    // The policy's longest validity counts from then.
    if plan.operation == Operation::Sign && plan.made_at > SystemClock.now() + CLOCKS_APART {
        return Err(bad(format!("it was made at {}, which is yet to come", plan.made_at)).into());
    }
    let store = Store::new(plan.rootfs.clone())?;
    refuse_stale(plan, &store.read(plan.inputs.iter().map(|input| input.path.clone())))?;
    refuse_other_keys(plan, &store)?;
    let again = make(plan, passphrase)?;
    if again.is_blocked() {
        sign::refuse(&again)?;
    }
    if let Some(finding) = again.findings.iter().find(|finding| !is_said(plan, finding)) {
        return Err(bad(format!("it does not show a finding: {finding}")).into());
    }
    let (given, made) = (without_findings(plan)?, without_findings(&again)?);
    match difference("plan", &given, &made) {
        Some(place) => Err(bad(format!(
            "{place} is not what the plan's request gives; it was changed after it was made, or a file that it was made from was"
        ))
        .into()),
        None => Ok(()),
    }
}

fn make(plan: &Plan, passphrase: Option<&Secret>) -> Result<Plan> {
    let now = plan.made_at;
    match plan.operation {
        Operation::Init => Ok(init::plan(&request(plan)?, now)?.plan),
        Operation::Renew => Ok(renew::plan(&request(plan)?, now)?.plan),
        Operation::RenewCa => Ok(renew_ca::plan(&request(plan)?, now)?.plan),
        Operation::Request => Ok(generate_csr::plan(&request(plan)?, now)?.plan),
        Operation::Sign => {
            let wanted = SignRequest { ca_key_passphrase: passphrase.cloned(), ..request(plan)? };
            Ok(sign::plan(&wanted, now)?.plan)
        }
        Operation::Import => Ok(import::plan(&request(plan)?, now)?.plan),
        Operation::Embed => Ok(embed::plan(&request(plan)?, now)?.plan),
        Operation::Cleanup => Ok(cleanup::plan(&request(plan)?, now)?.plan),
        Operation::Restore => backup::plan_restore(&request(plan)?, now),
        Operation::Bundle => Err(bad("a bundle's plan is applied with the bundle").into()),
        Operation::Rotate => Err(bad("a step of a rotation is applied by `kubepki rotate step`").into()),
    }
}

/// The request that a plan was made from.
pub(super) fn request<T: DeserializeOwned>(plan: &Plan) -> Result<T> {
    if plan.request.is_null() {
        return Err(bad("it does not say what it was made from").into());
    }
    let request = T::deserialize(&plan.request).map_err(|error| bad(format!("its request: {error}")))?;
    Ok(request)
}

/// Whether the plan shows a finding. How to help may be said otherwise where a named file is gone.
fn is_said(plan: &Plan, finding: &Finding) -> bool {
    plan.findings.iter().any(|one| Finding { remedy: finding.remedy.clone(), ..one.clone() } == *finding)
}

fn without_findings(plan: &Plan) -> Result<Value> {
    let plan = Plan { findings: Vec::new(), ..plan.clone() };
    Ok(serde_json::to_value(plan).map_err(|error| bad(error.to_string()))?)
}

/// The first place where two values differ: `plan.artefacts[2].certificate.is_ca`.
fn difference(place: &str, one: &Value, other: &Value) -> Option<String> {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => one.keys().chain(other.keys()).find_map(|key| {
            difference(
                &format!("{place}.{key}"),
                one.get(key).unwrap_or(&Value::Null),
                other.get(key).unwrap_or(&Value::Null),
            )
        }),
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => one
            .iter()
            .zip(other)
            .enumerate()
            .find_map(|(at, (one, other))| difference(&format!("{place}[{at}]"), one, other)),
        _ => (one != other).then(|| place.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        let plan = json!({"a": [{"b": 1, "c": null}], "d": "x"});
        assert_eq!(difference("plan", &plan, &plan), None);
        assert_eq!(difference("plan", &plan, &json!({"a": [{"b": 1}], "d": "x"})), None);
        assert_eq!(difference("plan", &plan, &json!({"a": [{"b": 2}], "d": "x"})).as_deref(), Some("plan.a[0].b"));
        assert_eq!(difference("plan", &plan, &json!({"a": [], "d": "x"})).as_deref(), Some("plan.a"));
        assert_eq!(difference("plan", &plan, &json!({"a": plan["a"], "d": "x", "e": 1})).as_deref(), Some("plan.e"));
    }
}
