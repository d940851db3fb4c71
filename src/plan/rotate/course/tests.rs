//! A cluster of three control planes and two workers goes every way, and breaks off wherever it can.

use super::*;
use crate::audit::rotation::SignedLeaf;
use crate::catalogue::rotated_names;

/// Three control planes and two workers, each with what it has of every authority.
#[derive(Clone)]
struct Cluster(Vec<(String, bool, Vec<AuthorityRotation>)>);

fn anchor(sha256: &str) -> Anchor {
    let not_after = chrono::DateTime::from_timestamp(if sha256 == "old" { 1 } else { 2 }, 0);
    Anchor { sha256: sha256.into(), public_key_sha256: sha256.into(), subject: None, not_after }
}

fn single(name: &str, is_worker: bool) -> AuthorityRotation {
    let leaves = if name == SERVICE_ACCOUNT { Vec::new() } else { vec![leaf("old")] };
    AuthorityRotation {
        name: name.into(),
        stage: Stage::Single,
        trusted: vec![anchor("old")],
        issuing: (!is_worker).then(|| "old".into()),
        next: Vec::new(),
        previous: Vec::new(),
        has_other_key: false,
        lacks_bridge: false,
        leaves,
        elsewhere: Vec::new(),
        behind: Vec::new(),
    }
}

fn leaf(by: &str) -> SignedLeaf {
    SignedLeaf { name: "a".into(), sha256: "leaf".into(), signed_by: Some(by.into()), is_requested: false }
}

impl Cluster {
    fn new() -> Self {
        let control_plane =
            |name: &str| (name.to_owned(), false, rotated_names().iter().map(|one| single(one, false)).collect());
        let worker = |name: &str| (name.to_owned(), true, vec![single("ca", true)]);
        Self(vec![control_plane("cp1"), control_plane("cp2"), control_plane("cp3"), worker("w1"), worker("w2")])
    }

    fn stops(&self) -> Vec<Stop<'_>> {
        self.0
            .iter()
            .map(|(name, is_worker, authorities)| Stop {
                name,
                is_worker: *is_worker,
                authorities,
                to_restart: &[],
                serves_other: &[],
            })
            .collect()
    }

    fn do_on(&mut self, leg: &Leg, nodes: &[String]) {
        let signs = self.0[0].2[0].issuing.clone();
        let before = self.clone();
        for (name, is_worker, authorities) in &mut self.0 {
            let worker_of = signs.as_deref().filter(|_| *is_worker);
            for one in authorities.iter_mut().filter(|one| nodes.contains(name) && leg.authorities.contains(&one.name))
            {
                let all = before.0.iter().filter(|(_, is_worker, _)| !is_worker).flat_map(|(_, _, all)| all);
                let whole = all.clone().find(|other| other.name == one.name && !other.lacks_other());
                *one = imagined(one, leg.phase, worker_of, whole);
                for new in one.trusted.iter_mut().chain(&mut one.next).filter(|anchor| anchor.sha256 == "new") {
                    *new = anchor("new");
                }
            }
        }
    }

    fn go(&mut self, goal: Goal) -> Vec<Phase> {
        let mut phases = Vec::new();
        while let Some(leg) = next(&self.stops(), &rotated_names(), goal).unwrap() {
            assert!(phases.len() < 20, "it does not end: {leg:?}");
            self.do_on(&leg, &leg.nodes);
            phases.push(leg.phase);
        }
        phases
    }

    fn all_have(&self, trusted: &[&str]) -> bool {
        let all = self.0.iter().flat_map(|(_, _, authorities)| authorities);
        let mut same = all.map(|one| {
            let mut has: Vec<_> = one.trusted.iter().map(|anchor| anchor.sha256.as_str()).collect();
            has.sort_unstable();
            has == trusted
                && one.leaves.iter().all(|leaf| leaf.signed_by.as_deref().is_some_and(|by| trusted.contains(&by)))
        });
        same.all(|is_same| is_same)
    }
}

const FORWARD: [Phase; 3] = [Phase::TrustBoth, Phase::IssueNew, Phase::Reissue];

#[test]
fn a_rotation_goes_forward_and_is_finished() {
    let mut cluster = Cluster::new();
    assert_eq!(cluster.go(Goal::Forward), FORWARD);
    assert!(cluster.all_have(&["new", "old"]));
    assert_eq!(cluster.go(Goal::Forward), []);
    assert_eq!(cluster.go(Goal::Finish), [Phase::TrustNew]);
    assert!(cluster.all_have(&["new"]));
    assert_eq!(cluster.go(Goal::Finish), []);
}

#[test]
fn a_rotation_that_has_begun_is_given_up() {
    let mut cluster = Cluster::new();
    let leg = next(&cluster.stops(), &rotated_names(), Goal::Back).unwrap();
    assert_eq!(leg, None);
    let leg = next(&cluster.stops(), &rotated_names(), Goal::Forward).unwrap().unwrap();
    assert_eq!(leg.nodes, ["cp1", "cp2", "cp3", "w1", "w2"]);
    cluster.do_on(&leg, &leg.nodes);
    assert_eq!(cluster.go(Goal::Back), [Phase::TrustOld]);
    assert!(cluster.all_have(&["old"]));

    assert_eq!(cluster.go(Goal::Forward), FORWARD);
    assert_eq!(cluster.go(Goal::Back), [Phase::IssueOld, Phase::Reissue, Phase::TrustOld]);
    assert!(cluster.all_have(&["old"]));
}

/// Every cluster in which a run towards `goal` breaks off, after any number of nodes of any step.
fn broken_off(mut cluster: Cluster, goal: Goal) -> Vec<Cluster> {
    let mut all = Vec::new();
    while let Some(leg) = next(&cluster.stops(), &rotated_names(), goal).unwrap() {
        for done in 1..=leg.nodes.len() {
            let mut broken = cluster.clone();
            broken.do_on(&leg, &leg.nodes[..done]);
            all.push(broken);
        }
        cluster.do_on(&leg, &leg.nodes);
    }
    all
}

#[test]
fn wherever_it_breaks_off_it_is_gone_on_with_and_can_be_given_up() {
    for broken in broken_off(Cluster::new(), Goal::Forward) {
        let goals = direction(&broken.stops(), &rotated_names()).unwrap();
        assert!(goals.iter().all(|(goal, _)| *goal == Goal::Forward), "{goals:?}");
        let (mut on, mut back) = (broken.clone(), broken);
        on.go(Goal::Forward);
        assert!(on.all_have(&["new", "old"]));
        back.go(Goal::Back);
        assert!(back.all_have(&["old"]));
    }
}

#[test]
fn a_finish_that_breaks_off_is_finished_and_cannot_be_given_up() {
    let mut ready = Cluster::new();
    ready.go(Goal::Forward);
    let broken = broken_off(ready, Goal::Finish);
    let (last, rest) = broken.split_last().unwrap();
    assert!(matches!(direction(&last.stops(), &rotated_names()), Err(CourseError::None)));
    for broken in rest {
        let goals = direction(&broken.stops(), &rotated_names()).unwrap();
        assert!(goals.iter().all(|(goal, _)| *goal == Goal::Finish), "{goals:?}");
        assert!(matches!(next(&broken.stops(), &["ca"], Goal::Back), Err(CourseError::TooLate { .. })));
        let mut on = broken.clone();
        on.go(Goal::Finish);
        assert!(on.all_have(&["new"]));
    }
}

#[test]
fn the_old_one_is_not_given_up_while_it_is_needed() {
    let mut cluster = Cluster::new();
    let leg = next(&cluster.stops(), &rotated_names(), Goal::Forward).unwrap().unwrap();
    cluster.do_on(&leg, &leg.nodes);
    let refused = next(&cluster.stops(), &rotated_names(), Goal::Finish).unwrap_err();
    assert!(matches!(&refused, CourseError::NotReady { left } if left[0].starts_with("cp1: issue-new")), "{refused}");
}

#[test]
fn a_node_of_another_cluster_is_refused() {
    let mut cluster = Cluster::new();
    cluster.0[4].2[0].trusted = vec![anchor("other")];
    let refused = next(&cluster.stops(), &rotated_names(), Goal::Forward).unwrap_err();
    assert!(matches!(&refused, CourseError::NodesDiffer { authority, .. } if authority == "ca"), "{refused}");
    cluster.0[4].2[0] = AuthorityRotation { stage: Stage::Unclear, ..single("ca", true) };
    assert!(matches!(next(&cluster.stops(), &["ca"], Goal::Forward), Err(CourseError::Unclear { .. })));
    assert!(next(&cluster.stops(), &["etcd-ca"], Goal::Forward).is_ok());
}

#[test]
fn nothing_relies_on_what_a_component_has_not_read_yet() {
    let mut cluster = Cluster::new();
    let first = next(&cluster.stops(), &rotated_names(), Goal::Forward).unwrap().unwrap();
    cluster.do_on(&first, &first.nodes);
    let due = |component: &str| {
        [DueRestart {
            component: component.into(),
            reason: "older".into(),
            uses_old: Vec::new(),
            trusts_old: Vec::new(),
        }]
    };
    let waiting = due("etcd");
    let mut stops = cluster.stops();
    stops[1].to_restart = &waiting;
    let leg = next(&stops, &rotated_names(), Goal::Forward).unwrap().unwrap();
    assert_eq!((leg.phase, leg.authorities, leg.nodes), (Phase::TrustBoth, vec!["etcd-ca".into()], vec!["cp2".into()]));
    // One that has nothing to do with it does not hold it up.
    assert_eq!(next(&stops, &["front-proxy-ca", "ca"], Goal::Forward).unwrap().unwrap().phase, Phase::IssueNew);

    cluster.go(Goal::Forward);
    let last = next(&cluster.stops(), &["ca"], Goal::Finish).unwrap().unwrap();
    cluster.do_on(&last, &last.nodes[..1]);
    let waiting = due("kubelet");
    let mut stops = cluster.stops();
    stops[0].to_restart = &waiting;
    assert!(next(&stops, &["ca"], Goal::Finish).unwrap().unwrap().nodes.contains(&"cp1".to_owned()));
}

/// A component that has not read what `authority` has it sign with, or show.
fn uses_old(component: &str, authority: &str) -> [DueRestart; 1] {
    [DueRestart {
        component: component.into(),
        reason: "older".into(),
        uses_old: vec![authority.into()],
        trusts_old: Vec::new(),
    }]
}

#[test]
fn what_goes_on_with_the_other_key_is_restarted_before_the_old_one_is_given_up() {
    let mut cluster = Cluster::new();
    cluster.go(Goal::Forward);
    for (node, component, authority, phase) in [
        (1, "kube-apiserver", "sa", Phase::IssueNew),
        (0, "kube-scheduler", "ca", Phase::Reissue),
        (3, "kubelet", "ca", Phase::Reissue),
    ] {
        let waiting = uses_old(component, authority);
        let mut stops = cluster.stops();
        stops[node].to_restart = &waiting;
        let leg = next(&stops, &rotated_names(), Goal::Forward).unwrap().unwrap();
        assert_eq!(
            (leg.phase, leg.authorities, leg.nodes),
            (phase, vec![authority.into()], vec![stops[node].name.into()])
        );
        let refused = next(&stops, &rotated_names(), Goal::Finish).unwrap_err();
        assert!(matches!(refused, CourseError::NotReady { .. }), "{refused}");
    }
    // On the way back the same holds for what still signs with the new one.
    let leg = next(&cluster.stops(), &rotated_names(), Goal::Back).unwrap().unwrap();
    cluster.do_on(&leg, &leg.nodes);
    let waiting = uses_old("kube-apiserver", "sa");
    let mut stops = cluster.stops();
    stops[2].to_restart = &waiting;
    let leg = next(&stops, &["sa"], Goal::Back).unwrap().unwrap();
    assert_eq!((leg.phase, leg.nodes), (Phase::IssueOld, vec!["cp3".into()]));
}

#[test]
fn a_restart_that_broke_off_at_the_end_is_made_up_for() {
    for (goal, phase) in [(Goal::Finish, Phase::TrustNew), (Goal::Back, Phase::TrustOld)] {
        let mut cluster = Cluster::new();
        cluster.go(Goal::Forward);
        cluster.go(goal);
        let trusts_old = vec!["etcd-ca".into()];
        let waiting =
            [DueRestart { component: "etcd".into(), reason: "older".into(), uses_old: Vec::new(), trusts_old }];
        let mut stops = cluster.stops();
        stops[1].to_restart = &waiting;
        let leg = next(&stops, &rotated_names(), goal).unwrap().unwrap();
        assert_eq!((leg.phase, leg.authorities, leg.nodes), (phase, vec!["etcd-ca".into()], vec!["cp2".into()]));
        assert_eq!(direction(&stops, &rotated_names()).unwrap(), [(Goal::Finish, vec!["etcd-ca".to_owned()])]);
        // A renewal that waits for a restart is no rotation.
        let renewed = uses_old("kube-scheduler", "ca");
        stops[1].to_restart = &renewed;
        assert!(matches!(direction(&stops, &rotated_names()), Err(CourseError::None)));
    }
}

#[test]
fn between_two_control_planes_of_a_step_the_cluster_is_not_looked_at() {
    for (goal, phase) in
        [(Goal::Forward, Phase::IssueNew), (Goal::Finish, Phase::TrustNew), (Goal::Back, Phase::TrustOld)]
    {
        let mut cluster = Cluster::new();
        if goal != Goal::Forward {
            cluster.go(Goal::Forward);
        }
        let leg = loop {
            let leg = next(&cluster.stops(), &rotated_names(), goal).unwrap().unwrap();
            if leg.phase == phase {
                break leg;
            }
            cluster.do_on(&leg, &leg.nodes);
        };
        assert!(!is_begun(&cluster.stops(), &leg, goal).unwrap(), "{goal:?}");
        cluster.do_on(&leg, &leg.nodes[..1]);
        let rest = next(&cluster.stops(), &rotated_names(), goal).unwrap().unwrap();
        assert_eq!(rest.phase, phase);
        assert!(is_begun(&cluster.stops(), &rest, goal).unwrap(), "{goal:?}");
    }
}

#[test]
fn a_control_plane_that_was_restored_meanwhile_goes_the_same_steps_and_one_with_the_old_ca_alone_joins_anew() {
    let mut cluster = Cluster::new();
    let first = next(&cluster.stops(), &rotated_names(), Goal::Forward).unwrap().unwrap();
    let single = cluster.0[1].2.clone();
    cluster.do_on(&first, &first.nodes);
    let both = cluster.0[1].2.clone();
    cluster.go(Goal::Forward);
    let last = next(&cluster.stops(), &rotated_names(), Goal::Finish).unwrap().unwrap();
    cluster.do_on(&last, &last.nodes[..1]);

    let mut restored = cluster.clone();
    restored.0[1].2 = both;
    assert_eq!(restored.go(Goal::Finish), [Phase::IssueNew, Phase::Reissue, Phase::TrustNew]);
    assert!(restored.all_have(&["new"]));

    cluster.0[1].2 = single;
    let refused = next(&cluster.stops(), &["ca"], Goal::Finish).unwrap_err();
    assert!(matches!(&refused, CourseError::LeftBehind { node, .. } if node == "cp2"), "{refused}");
}

#[test]
fn what_a_kubelet_asks_for_itself_holds_up_the_end_alone() {
    let mut cluster = Cluster::new();
    for (_, _, authorities) in &mut cluster.0 {
        authorities[0].leaves.push(SignedLeaf { is_requested: true, ..leaf("old") });
    }
    let keeps = |cluster: &mut Cluster, by: &str| {
        for (_, _, authorities) in &mut cluster.0 {
            authorities[0].leaves[1].signed_by = Some(by.into());
        }
    };
    while let Some(leg) = next(&cluster.stops(), &rotated_names(), Goal::Forward).unwrap() {
        cluster.do_on(&leg, &leg.nodes);
        keeps(&mut cluster, "old");
    }
    let refused = next(&cluster.stops(), &["ca"], Goal::Finish).unwrap_err();
    assert!(matches!(&refused, CourseError::ServingLeft { nodes } if nodes.len() == 5), "{refused}");
    assert!(next(&cluster.stops(), &["etcd-ca"], Goal::Finish).is_ok());
    keeps(&mut cluster, "new");
    assert_eq!(next(&cluster.stops(), &["ca"], Goal::Finish).unwrap().unwrap().phase, Phase::TrustNew);
}

/// A control plane that has joined: the pairs in use of the first one, and nothing beside them.
fn join(cluster: &mut Cluster) {
    let copied = cluster.0[0].2.iter().map(|one| {
        let mut one = AuthorityRotation { next: Vec::new(), previous: Vec::new(), has_other_key: false, ..one.clone() };
        if one.stage.trusts_both() {
            // What a node guesses by age, or cannot guess.
            one.stage = if one.name == SERVICE_ACCOUNT { Stage::TrustBoth } else { Stage::IssueOld };
        }
        one
    });
    let copied = copied.collect();
    cluster.0.push(("cp4".into(), false, copied));
}

#[test]
fn a_control_plane_that_joins_at_any_moment_gets_what_it_lacks() {
    for mut joined in broken_off(Cluster::new(), Goal::Forward) {
        join(&mut joined);
        let (mut on, mut back) = (joined.clone(), joined);
        on.go(Goal::Forward);
        assert!(on.all_have(&["new", "old"]));
        assert!(on.0.iter().filter(|node| !node.1).flat_map(|node| &node.2).all(AuthorityRotation::can_step_back));
        on.go(Goal::Finish);
        assert!(on.all_have(&["new"]));
        back.go(Goal::Back);
        assert!(back.all_have(&["old"]));
    }
}

#[test]
fn none_steps_back_before_all_can() {
    let mut cluster = Cluster::new();
    cluster.go(Goal::Forward);
    join(&mut cluster);
    assert!(matches!(next(&cluster.stops(), &["sa"], Goal::Finish), Err(CourseError::NotReady { .. })));
    let leg = next(&cluster.stops(), &["sa"], Goal::Back).unwrap().unwrap();
    assert_eq!((leg.phase, leg.nodes.as_slice()), (Phase::TrustBoth, ["cp4".to_owned()].as_slice()));
    cluster.do_on(&leg, &leg.nodes);
    assert_eq!(next(&cluster.stops(), &["sa"], Goal::Back).unwrap().unwrap().phase, Phase::IssueOld);
    cluster.0[1].2[3].has_other_key = false;
    let refused = next(&cluster.stops(), &["sa"], Goal::Back).unwrap_err();
    assert!(matches!(&refused, CourseError::OneWay { nodes } if *nodes == ["cp2: sa"]), "{refused}");
}

#[test]
fn one_that_joined_with_older_copies_has_left_over_what_is_gone_elsewhere() {
    let mut cluster = Cluster::new();
    cluster.go(Goal::Forward);
    join(&mut cluster);
    let joined = cluster.0.pop().unwrap();
    cluster.go(Goal::Finish);
    cluster.0.push(joined);
    assert_eq!(direction(&cluster.stops(), &["sa"]).unwrap(), [(Goal::Finish, vec!["sa".to_owned()])]);
    let leg = next(&cluster.stops(), &["sa"], Goal::Finish).unwrap().unwrap();
    assert_eq!((leg.phase, leg.nodes.as_slice()), (Phase::TrustNew, ["cp4".to_owned()].as_slice()));
}

#[test]
fn no_ca_is_given_up_while_a_certificate_is_served_that_is_not_on_disk() {
    let mut cluster = Cluster::new();
    cluster.go(Goal::Forward);
    let served = ["etcd at 127.0.0.1:2379".to_owned()];
    let mut stops = cluster.stops();
    stops[1].serves_other = &served;
    let refused = next(&stops, &["etcd-ca"], Goal::Finish).unwrap_err();
    assert_eq!(refused.to_string(), "another certificate is served than that on disk: cp2: etcd at 127.0.0.1:2379");
    assert!(next(&stops, &["sa"], Goal::Finish).is_ok());
    assert!(next(&stops, &["etcd-ca"], Goal::Forward).unwrap().is_none());
    let (back, old) = (next(&stops, &["etcd-ca"], Goal::Back).unwrap().unwrap(), cluster.clone());
    assert_eq!(back.phase, Phase::IssueOld);
    let mut before = old;
    before.do_on(&back, &back.nodes);
    let reissued = next(&before.stops(), &["etcd-ca"], Goal::Back).unwrap().unwrap();
    assert_eq!(reissued.phase, Phase::Reissue);
    before.do_on(&reissued, &reissued.nodes);
    let mut stops = before.stops();
    stops[0].serves_other = &served;
    assert!(matches!(next(&stops, &["etcd-ca"], Goal::Back), Err(CourseError::StillServed { .. })));
}
