//! What becomes of each component, and in which order.
//!
//! In: the components as their manifests have them ([`Member`]), and what was seen of each ([`Inspection`]). Out:
//! [`ComponentPlan`]s, findings, and the [`Step`]s of the run.

use std::path::{Path, PathBuf};

use super::judge::{Evidence, judge, start_of};
use super::way::{Manners, Sight, Way};
use super::{Component, ComponentPlan, RestartAction, RestartPlan};
use crate::audit::{Finding, FindingCode};
use crate::catalogue::KUBELET;

/// A component, and whether it is asked for.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// Whether it is asked for.
    pub is_wanted: bool,
    /// Its manifest; none for the kubelet.
    pub manifest: Option<PathBuf>,
    /// None where the node has no such component.
    pub component: Option<Component>,
    /// How it ends, and by what its process is recognised; none for the kubelet.
    pub manners: Option<Manners>,
    /// Why its manifest cannot be used.
    pub problem: Option<String>,
}

/// What was seen of a component.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Whether it uses what is on disk.
    pub evidence: Evidence,
    /// How it can be restarted.
    pub sight: Sight,
    /// Why it would not come up again.
    pub unusable: Vec<Finding>,
}

/// What becomes of the components: all of `members` in their order, each with what was seen of it.
#[must_use]
pub fn draft(members: &[Member], seen: &[Option<Inspection>], is_forced: bool) -> (Vec<ComponentPlan>, Vec<Finding>) {
    let mut drafting = Drafting { is_forced, findings: Vec::new() };
    let mut planned: Vec<_> =
        members.iter().zip(seen).map(|(member, seen)| drafting.component(member, seen.as_ref())).collect();
    drafting.join_server_to_etcd(members, seen, &mut planned);
    (planned, drafting.findings)
}

/// The API server with what is planned for it, and etcd of its node likewise; or one component.
pub enum Step<'c> {
    /// One component.
    One(&'c Member, &'c ComponentPlan),
    /// etcd while the API server is stopped.
    Around {
        /// The API server.
        server: (&'c Member, &'c ComponentPlan),
        /// etcd.
        etcd: (&'c Member, &'c ComponentPlan),
    },
}

/// What is restarted, in order; the kubelet last, or first when it is what keeps the others from being restarted.
#[must_use]
pub fn steps<'c>(members: &'c [Member], plan: &'c RestartPlan, kubelet_goes_first: bool) -> Vec<Step<'c>> {
    let due = |name: &str| {
        let planned = plan.restarts().find(|planned| planned.name == name)?;
        Some((members.iter().find(|member| member.name == name)?, planned))
    };
    let mut steps = Vec::new();
    let around = due("kube-apiserver").filter(|(_, planned)| planned.way == Some(Way::AroundEtcd)).zip(due("etcd"));
    for planned in plan.restarts() {
        let step = match (around, planned.name.as_str()) {
            (Some((server, etcd)), "etcd") => Some(Step::Around { server, etcd }),
            (Some(_), "kube-apiserver") => None,
            (_, name) => due(name).map(|(member, planned)| Step::One(member, planned)),
        };
        steps.extend(step);
    }
    let is_kubelet = |step: &Step<'_>| matches!(step, Step::One(member, _) if member.name == KUBELET);
    if kubelet_goes_first && let Some(place) = steps.iter().position(is_kubelet) {
        let kubelet = steps.remove(place);
        steps.insert(0, kubelet);
    }
    steps
}

struct Drafting {
    /// Whether those that are up to date are restarted too.
    is_forced: bool,
    findings: Vec<Finding>,
}

impl Drafting {
    fn component(&mut self, member: &Member, seen: Option<&Inspection>) -> ComponentPlan {
        let mut planned = ComponentPlan {
            name: member.name.to_owned(),
            action: RestartAction::Skip,
            reasons: Vec::new(),
            outdated_files: Vec::new(),
            awaited: Vec::new(),
            way: None,
            way_reason: None,
            back_off_seconds: 0,
            manifest: member.manifest.clone(),
            started_at: None,
            endpoints: Vec::new(),
        };
        if let Some(problem) = &member.problem {
            planned.reasons.push(format!("its manifest is no pod: {problem}"));
            if member.is_wanted {
                self.block_by_manifest(&mut planned, member, problem);
            }
            return planned;
        }
        let (Some(component), Some(Inspection { evidence, sight, unusable })) = (&member.component, seen) else {
            planned.reasons.push("this node has no manifest for it".into());
            return planned;
        };
        planned.started_at = start_of(component, evidence);
        planned.endpoints = evidence.endpoints(component);
        let judgement = judge(component, evidence);
        planned.reasons = judgement.reasons();
        planned.outdated_files.clone_from(&judgement.files);
        planned.back_off_seconds = sight.back_off().as_secs();
        if !member.is_wanted {
            if member.name == KUBELET && !planned.reasons.is_empty() {
                planned.reasons.push("it is restarted only on request (--kubelet)".into());
            } else if member.name != KUBELET {
                planned.reasons = vec!["it was not selected".into()];
            }
            return planned;
        }
        if planned.reasons.is_empty() && self.is_forced {
            planned.reasons.push("the restart was requested".into());
        }
        if planned.reasons.is_empty() {
            planned.action = RestartAction::Keep;
            planned.awaited = judgement.awaited;
            return planned;
        }
        let (way, way_reason) = if member.manners.is_some() { sight.way() } else { (Way::Service, None) };
        (planned.way, planned.way_reason) = (Some(way), way_reason);
        self.restart(&mut planned, unusable);
        planned
    }

    /// It is restarted, unless it would not come up again.
    fn restart(&mut self, planned: &mut ComponentPlan, unusable: &[Finding]) {
        planned.action = if unusable.is_empty() { RestartAction::Restart } else { RestartAction::Blocked };
        let new: Vec<_> = unusable.iter().filter(|finding| !self.findings.contains(finding)).cloned().collect();
        self.findings.extend(new);
    }

    fn block_by_manifest(&mut self, planned: &mut ComponentPlan, member: &Member, problem: &str) {
        planned.action = RestartAction::Blocked;
        self.findings.push(Finding::new(
            FindingCode::BadManifest,
            member.name,
            member.manifest.as_deref().unwrap_or(Path::new("")),
            format!("it is not a pod manifest: {problem}"),
            "correct it: the kubelet cannot use it either; until then name the other components to restart them",
        ));
    }

    /// etcd does not restart under an API server that has no other: every request there would hang. So that one is stopped
    /// before and started afterwards, whether it has a reason of its own or not.
    fn join_server_to_etcd(&mut self, members: &[Member], seen: &[Option<Inspection>], planned: &mut [ComponentPlan]) {
        let is_due = |planned: &ComponentPlan| planned.action == RestartAction::Restart;
        let place = |name: &str| members.iter().position(|member| member.name == name);
        let (Some(etcd), Some(at)) = (place("etcd"), place("kube-apiserver")) else { return };
        let (Some(member), Some(of_etcd)) = (members.get(at), members.get(etcd)) else { return };
        let etcd_is_due = planned.get(etcd).is_some_and(is_due);
        let Some(server) = planned.get_mut(at).filter(|one| etcd_is_due && one.action != RestartAction::Blocked) else {
            return;
        };
        if let Some(problem) = &member.problem {
            self.block_by_manifest(server, member, problem);
        }
        let manners = member.manners.as_ref().zip(of_etcd.manners.as_ref());
        let Some(Some(seen)) = seen.get(at).filter(|_| manners.is_some_and(|(own, etcd)| own.depends_on(etcd))) else {
            return;
        };
        if !is_due(server) {
            server.reasons = Vec::new();
            self.restart(server, &seen.unusable);
        }
        server.reasons.push("etcd restarts, and it has no other".into());
        server.way = Some(Way::AroundEtcd);
        server.way_reason = None;
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::component::StaticPod;
    use crate::plan::restart::from_manifest;

    fn member(name: &'static str, is_wanted: bool, flag: &str) -> Member {
        let text = format!("spec: {{containers: [{{command: [{name}, {flag:?}]}}]}}");
        let pod = StaticPod::parse(text.as_bytes()).unwrap();
        let manners = (name != KUBELET).then(|| Manners::of(name, &pod));
        let component = Some(Component { health: None, endpoints: Vec::new(), ..from_manifest(name, &pod) });
        Member { name, is_wanted, manifest: None, component, manners, problem: None }
    }

    fn node(etcd_servers: &str) -> Vec<Member> {
        vec![
            member("etcd", true, "--listen-client-urls=https://192.0.2.10:2379"),
            member("kube-apiserver", false, &format!("--etcd-servers={etcd_servers}")),
            member(KUBELET, true, "--v=2"),
        ]
    }

    fn run(members: &[Member], unusable: &[Finding], kubelet_goes_first: bool) -> (Vec<RestartAction>, Vec<String>) {
        let seen = |member: &Member| {
            let unusable = if member.name == "kube-apiserver" { unusable.to_vec() } else { Vec::new() };
            Some(Inspection { evidence: Evidence::default(), sight: Sight::default(), unusable })
        };
        let (components, findings) = draft(members, &members.iter().map(seen).collect::<Vec<_>>(), true);
        let actions = components.iter().map(|planned| planned.action).collect();
        let plan = RestartPlan {
            made_at: DateTime::UNIX_EPOCH,
            rootfs: None,
            manifests_dir: PathBuf::new(),
            file_check_frequency_seconds: 20.0,
            held: Vec::new(),
            components,
            findings,
            obstacles: Vec::new(),
        };
        let name = |step: Step<'_>| match step {
            Step::One(member, _) => member.name.to_owned(),
            Step::Around { server, etcd } => format!("{} around {}", server.0.name, etcd.0.name),
        };
        (actions, steps(members, &plan, kubelet_goes_first).into_iter().map(name).collect())
    }

    #[test]
    fn the_api_server_is_restarted_around_the_etcd_without_which_it_cannot_be() {
        use RestartAction::{Blocked, Restart, Skip};
        let alone = node("https://192.0.2.10:2379");
        assert_eq!(
            run(&alone, &[], false),
            (vec![Restart; 3], vec!["kube-apiserver around etcd".into(), KUBELET.into()])
        );
        assert_eq!(run(&alone, &[], true).1, [KUBELET, "kube-apiserver around etcd"]);
        let others = node("https://192.0.2.10:2379,https://192.0.2.11:2379");
        assert_eq!(run(&others, &[], false), (vec![Restart, Skip, Restart], vec!["etcd".into(), KUBELET.into()]));
        let broken = Finding::new(FindingCode::KeyMismatch, "kube-apiserver", Path::new("/x"), "", "");
        assert_eq!(run(&alone, &[broken], false).0, [Restart, Blocked, Restart]);
    }
}
