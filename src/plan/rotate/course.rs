//! The next step of a rotation over all nodes.
//!
//! In: how far each node is, and what is wanted. Out: the next [`Leg`]: a step, and the nodes that it is due on; or why there is none.
//! Nothing is noted between two legs: whoever comes later sees the same and goes on.

mod error;
mod imagined;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use self::error::CourseError;
pub use self::imagined::imagined;
use super::{Phase, words};
use crate::audit::rotation::{Anchor, AuthorityRotation, SignedLeaf, Stage, shown};
use crate::catalogue::{CLUSTER_CA, ETCD_CA, KUBELET, SERVICE_ACCOUNT};

words! {
    /// Where a rotation is to go.
    Goal {
        /// The new CA signs, and both are trusted.
        Forward = "start",
        /// The old CA is gone.
        Finish = "finish",
        /// The new CA is gone.
        Back = "abort",
    }
}

/// One node, and how far it is.
#[derive(Clone, Debug)]
pub struct Stop<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether it is a worker.
    pub is_worker: bool,
    /// How far.
    pub authorities: &'a [AuthorityRotation],
    /// The components that do not use what is on disk.
    pub to_restart: &'a [DueRestart],
    /// Where a component serves another certificate than that on disk, each in a few words.
    pub serves_other: &'a [String],
}

/// A component that does not use what is on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueRestart {
    /// Its name.
    pub component: String,
    /// Why, in a few words.
    pub reason: String,
    /// Authorities whose key it still signs with, or whose certificate it still shows, although another is on disk.
    #[serde(default)]
    pub uses_old: Vec<String>,
    /// Authorities whose file says something else now than when it started: it trusts what that file held then.
    #[serde(default)]
    pub trusts_old: Vec<String>,
}

impl DueRestart {
    /// Whether the component has to know the authority, or goes on with what that was before.
    #[must_use]
    pub fn concerns(&self, authority: &str) -> bool {
        let is_named = |names: &[String]| names.iter().any(|name| name == authority);
        readers(authority).contains(&self.component.as_str()) || is_named(&self.uses_old) || is_named(&self.trusts_old)
    }

    /// In a few words.
    #[must_use]
    pub fn said(&self) -> String {
        format!("{} is to restart: {}", self.component, self.reason)
    }
}

impl Stop<'_> {
    /// Whether a component that has to know the authority goes on with what was there before: files come first, restarts last, and
    /// whatever broke off between is not done.
    fn awaits_restart(&self, authority: &str) -> bool {
        let readers = readers(authority);
        self.to_restart.iter().any(|due| readers.contains(&due.component.as_str()))
    }

    /// Whether a component trusts what the authority's file held before.
    fn trusts_old(&self, authority: &str) -> bool {
        self.to_restart.iter().any(|due| due.trusts_old.iter().any(|name| name == authority))
    }

    /// Whether a component still signs with the authority's other key, or shows a certificate of the other one.
    fn uses_old(&self, authority: &str) -> bool {
        self.to_restart.iter().any(|due| due.uses_old.iter().any(|name| name == authority))
    }
}

/// The components that read an authority's files only as they start.
#[must_use]
pub fn readers(authority: &str) -> &'static [&'static str] {
    match authority {
        CLUSTER_CA => &["kube-apiserver", "kube-controller-manager", "kube-scheduler", KUBELET],
        ETCD_CA => &["etcd", "kube-apiserver"],
        SERVICE_ACCOUNT => &["kube-apiserver", "kube-controller-manager"],
        _ => &[],
    }
}

/// The components that sign with an authority's key, or show its certificates, as they read them when they start.
#[must_use]
pub fn bearers(authority: &str) -> &'static [&'static str] {
    match authority {
        CLUSTER_CA => &["kube-controller-manager", "kube-scheduler", KUBELET],
        SERVICE_ACCOUNT => &["kube-apiserver", "kube-controller-manager"],
        _ => &[],
    }
}

/// A step, and where it is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// The step.
    pub phase: Phase,
    /// What it is about.
    pub authorities: Vec<String>,
    /// The nodes, control planes first.
    pub nodes: Vec<String>,
}

/// How far a node is with one authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Position {
    /// The old one alone.
    Old,
    /// Both, and the old one signs.
    Both,
    /// Both, and the new one signs.
    New,
    /// The new one alone.
    Alone,
}

/// The old and the new one, by the SHA-256 of the certificate that signs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pair {
    old: String,
    new: String,
}

/// What one authority is on every node.
struct Line<'a> {
    name: &'a str,
    pair: Option<Pair>,
    nodes: Vec<(&'a Stop<'a>, &'a AuthorityRotation)>,
}

impl<'a> Line<'a> {
    fn of(name: &'a str, stops: &'a [Stop<'a>], goal: Goal) -> Result<Self, CourseError> {
        let find = |stop: &'a Stop<'a>| Some((stop, stop.authorities.iter().find(|one| one.name == name)?));
        let (nodes, lacking): (Vec<_>, Vec<_>) =
            stops.iter().filter_map(find).partition(|(_, one)| one.stage != Stage::Absent);
        // A worker has the cluster's CA alone; what none of the control planes has is elsewhere, or nowhere.
        let is_missed = |stop: &Stop<'_>| name == CLUSTER_CA || (!stop.is_worker && !nodes.is_empty());
        if let Some((stop, _)) = lacking.iter().find(|(stop, _)| is_missed(stop)) {
            return Err(CourseError::Missing { node: stop.name.to_owned(), authority: name.to_owned() });
        }
        if let Some((stop, one)) = nodes.iter().find(|(_, one)| one.stage == Stage::Unclear) {
            return Err(CourseError::Unclear {
                node: stop.name.to_owned(),
                authority: name.to_owned(),
                stage: one.stage.as_str(),
                reason: one.behind.join("; "),
            });
        }
        // Only a control plane knows what comes; all of them must mean the same. One that has joined meanwhile guesses.
        let known = |guess: bool| {
            let all = nodes.iter().filter(move |(stop, one)| !stop.is_worker && one.lacks_other() == guess);
            all.filter_map(|(_, one)| pair(one)).collect::<Vec<_>>()
        };
        let pairs = Some(known(false)).filter(|all| !all.is_empty()).unwrap_or_else(|| known(true));
        let is_one = pairs.windows(2).all(|pair| pair.first() == pair.last());
        let pair = pairs.into_iter().next().or_else(|| left_over(&nodes, goal));
        let line = Self { name, pair, nodes };
        if !is_one {
            return Err(line.differ());
        }
        line.refuse_differences()?;
        Ok(line)
    }

    /// Nodes that trust one CA have the old or the new one.
    fn refuse_differences(&self) -> Result<(), CourseError> {
        let firsts: BTreeSet<_> = self.nodes.iter().filter_map(|(_, one)| Some(&one.trusted.first()?.sha256)).collect();
        let is_known = |sha256: &String| match &self.pair {
            Some(pair) => [&pair.old, &pair.new].contains(&sha256),
            None => firsts.len() == 1,
        };
        if firsts.iter().all(|sha256| is_known(sha256)) {
            return Ok(());
        }
        Err(self.differ())
    }

    fn differ(&self) -> CourseError {
        let shown = |(stop, one): &(&Stop<'_>, &AuthorityRotation)| {
            let is_its_key = one.issuing.as_ref().is_none_or(|key| one.trusted.iter().any(|one| one.sha256 == *key));
            let key = if is_its_key { "" } else { ", and its key is that of none of them" };
            format!("{} trusts {}{key}", stop.name, shown(&one.trusted))
        };
        let (authority, nodes) = (self.name.to_owned(), self.nodes.iter().map(shown).collect());
        let firsts: Vec<_> = self.nodes.iter().filter_map(|(_, one)| one.trusted.first()).collect();
        let is_one_key = firsts.windows(2).all(|pair| match pair {
            [one, other] => one.public_key_sha256 == other.public_key_sha256,
            _ => true,
        });
        let are_one = firsts.windows(2).all(|pair| pair.first() == pair.last());
        if is_one_key && !are_one {
            return CourseError::Renewed { authority, nodes };
        }
        CourseError::NodesDiffer { authority, nodes }
    }

    fn position(&self, stop: &Stop<'_>, one: &AuthorityRotation) -> Position {
        match (one.stage, &self.pair) {
            (_, Some(pair)) if !stop.is_worker && one.lacks_other() => {
                if one.signs() == Some(&pair.new) {
                    Position::New
                } else {
                    Position::Both
                }
            }
            (Stage::IssueNew, _) => Position::New,
            (Stage::TrustBoth, Some(pair)) if stop.is_worker => {
                let own = one.leaves.iter().filter(|leaf| !leaf.is_requested);
                let is_new = own.into_iter().all(|leaf| leaf.signed_by.as_ref() == Some(&pair.new));
                if is_new { Position::New } else { Position::Both }
            }
            (Stage::IssueOld | Stage::TrustBoth, _) => Position::Both,
            (_, Some(pair)) if one.trusted.first().is_some_and(|first| first.sha256 == pair.new) => Position::Alone,
            _ => Position::Old,
        }
    }

    fn positions(&self) -> impl Iterator<Item = (&'a Stop<'a>, &'a AuthorityRotation, Position)> + '_ {
        self.nodes.iter().map(|(stop, one)| (*stop, *one, self.position(stop, one)))
    }

    /// Whether a control plane has joined meanwhile, and another one has what it lacks.
    fn lacks(&self, stop: &Stop<'_>, one: &AuthorityRotation) -> bool {
        let has_both = |(stop, one): &(&Stop<'_>, &AuthorityRotation)| {
            !stop.is_worker && one.stage.trusts_both() && !one.lacks_other()
        };
        !stop.is_worker && one.lacks_other() && self.nodes.iter().any(has_both)
    }

    /// Whether control planes have one again, and a worker has not.
    fn is_left_over(&self) -> bool {
        self.nodes.iter().all(|(stop, one)| stop.is_worker || one.stage == Stage::Single)
    }

    /// Whether every node has one again, and a component goes on with what the file held before: files come first, and what broke off
    /// before the restarts is not done.
    fn lacks_restarts(&self) -> bool {
        self.pair.is_none() && self.nodes.iter().any(|(stop, _)| stop.trusts_old(self.name))
    }

    /// A control plane of those that have one again, when it is the younger one: that is no way back.
    fn kept_the_new_one(&self) -> Option<(String, String)> {
        let (stop, single) = self.nodes.iter().find(|(stop, _)| !stop.is_worker && self.is_left_over())?;
        let stays = single.trusted.first()?;
        let others = self.nodes.iter().flat_map(|(_, one)| &one.trusted).filter(|anchor| anchor.sha256 != stays.sha256);
        others
            .into_iter()
            .any(|goes| goes.not_after < stays.not_after)
            .then(|| (self.name.to_owned(), stop.name.to_owned()))
    }

    /// Whether the old one is gone on a control plane: a worker's word does not end a rotation.
    fn is_ending(&self) -> bool {
        self.positions().any(|(stop, _, position)| position == Position::Alone && !stop.is_worker)
    }

    /// A node that has the old one alone, when others have given it up: nobody there would believe the other.
    fn left_behind(&self) -> Option<(String, String)> {
        let (stop, ..) = self.positions().find(|(_, _, position)| *position == Position::Old)?;
        Some((self.name.to_owned(), stop.name.to_owned()))
    }

    /// Whether a certificate of the node is not signed by `sha256`. What a kubelet asks the cluster for itself is not renewed here.
    fn has_others(one: &AuthorityRotation, sha256: &str) -> bool {
        let leaves = one.leaves.iter().filter(|leaf| !leaf.is_requested);
        leaves.into_iter().any(|leaf| leaf.signed_by.as_deref() != Some(sha256))
    }

    /// Whether some control plane is past a step already: what had to hold before it held then, and does not any more.
    fn is_past(&self, phase: Phase) -> bool {
        self.positions().filter(|(stop, ..)| !stop.is_worker).any(|(_, _, position)| match phase {
            Phase::IssueNew => position >= Position::New,
            Phase::TrustNew => position == Position::Alone,
            Phase::TrustOld => position == Position::Old,
            _ => false,
        })
    }
}

/// Control planes have one again, and a worker, or one that has joined with older copies, has both: what the control planes have stays.
fn left_over(nodes: &[(&Stop<'_>, &AuthorityRotation)], goal: Goal) -> Option<Pair> {
    let (_, single) = nodes.iter().find(|(stop, one)| !stop.is_worker && one.stage == Stage::Single)?;
    let stays = single.trusted.first()?.sha256.clone();
    let (_, both) = nodes.iter().find(|(_, one)| one.stage == Stage::TrustBoth)?;
    let goes = both.trusted.iter().find(|anchor| anchor.sha256 != stays)?.sha256.clone();
    Some(if goal == Goal::Back { Pair { old: stays, new: goes } } else { Pair { old: goes, new: stays } })
}

fn pair(one: &AuthorityRotation) -> Option<Pair> {
    let first = |all: &[Anchor]| all.first().map(|first| first.sha256.clone());
    let issuing = one.issuing.clone().or_else(|| first(&one.trusted))?;
    match one.stage {
        Stage::Prepared => Some(Pair { old: issuing, new: first(&one.next)? }),
        Stage::IssueOld => {
            let other = one.trusted.iter().find(|anchor| anchor.sha256 != issuing).map(|anchor| anchor.sha256.clone());
            Some(Pair { new: first(&one.next).or(other)?, old: issuing })
        }
        Stage::IssueNew => {
            let other = one.trusted.iter().find(|anchor| anchor.sha256 != issuing).map(|anchor| anchor.sha256.clone());
            Some(Pair { old: first(&one.previous).or(other)?, new: issuing })
        }
        _ => None,
    }
}

/// What is due next; none when the goal is reached.
///
/// # Errors
/// [`CourseError`].
pub fn next(stops: &[Stop<'_>], authorities: &[&str], goal: Goal) -> Result<Option<Leg>, CourseError> {
    let lines = authorities.iter().map(|name| Line::of(name, stops, goal)).collect::<Result<Vec<_>, _>>()?;
    let lines: Vec<_> = lines.iter().filter(|line| !line.nodes.is_empty()).collect();
    match goal {
        Goal::Forward => Ok(forward(&lines)),
        Goal::Finish => finish(&lines),
        Goal::Back => back(&lines),
    }
}

/// Whether a control plane has done the step already, so that the cluster as a whole is between two states.
///
/// # Errors
/// [`CourseError`].
pub fn is_begun(stops: &[Stop<'_>], leg: &Leg, goal: Goal) -> Result<bool, CourseError> {
    let lines = leg.authorities.iter().map(|name| Line::of(name, stops, goal)).collect::<Result<Vec<_>, _>>()?;
    Ok(lines.iter().any(|line| line.is_past(leg.phase)))
}

/// Where a rotation goes that has broken off: to its end where the old CA is gone somewhere already.
///
/// # Errors
/// [`CourseError`]; [`CourseError::None`] where every node has one CA, and all the same.
pub fn direction(stops: &[Stop<'_>], authorities: &[&str]) -> Result<Vec<(Goal, Vec<String>)>, CourseError> {
    let (mut forward, mut finish) = (Vec::new(), Vec::new());
    for name in authorities {
        let line = Line::of(name, stops, Goal::Finish)?;
        let is_one = line.pair.is_none() && line.nodes.iter().all(|(_, one)| !one.stage.trusts_both());
        if is_one && !line.lacks_restarts() {
            continue;
        }
        if line.is_ending() || line.is_left_over() {
            finish.push((*name).to_owned());
        } else {
            forward.push((*name).to_owned());
        }
    }
    let all = [(Goal::Forward, forward), (Goal::Finish, finish)];
    let all: Vec<_> = all.into_iter().filter(|(_, names)| !names.is_empty()).collect();
    if all.is_empty() { Err(CourseError::None) } else { Ok(all) }
}

/// One step for several authorities and nodes at once.
#[derive(Default)]
struct Due<'a> {
    authorities: BTreeSet<&'a str>,
    nodes: Vec<&'a Stop<'a>>,
}

impl<'a> Due<'a> {
    fn add(&mut self, line: &Line<'a>, stop: &'a Stop<'a>) {
        self.authorities.insert(line.name);
        if !self.nodes.iter().any(|one| one.name == stop.name) {
            self.nodes.push(stop);
        }
    }

    fn leg(mut self, phase: Phase) -> Option<Leg> {
        self.nodes.sort_by_key(|stop| stop.is_worker);
        let names = crate::catalogue::rotated_names().into_iter().filter(|name| self.authorities.contains(name));
        (!self.nodes.is_empty()).then(|| Leg {
            phase,
            authorities: names.map(str::to_owned).collect(),
            nodes: self.nodes.iter().map(|stop| stop.name.to_owned()).collect(),
        })
    }
}

fn due<'a>(
    lines: &[&Line<'a>],
    phase: Phase,
    is_due: impl Fn(&Line<'a>, &Stop<'a>, &AuthorityRotation, Position) -> bool,
) -> Option<Leg> {
    let mut all = Due::default();
    for line in lines {
        for (stop, one, position) in line.positions() {
            if is_due(line, stop, one, position) {
                all.add(line, stop);
            }
        }
    }
    all.leg(phase)
}

fn forward(lines: &[&Line<'_>]) -> Option<Leg> {
    let lags = |line: &Line<'_>, stop: &Stop<'_>, one: &AuthorityRotation, position| {
        let is_behind = position == Position::Both && (is_torn(one) || stop.awaits_restart(&one.name));
        position == Position::Old || is_behind || line.lacks(stop, one)
    };
    // A component that goes on with the other key is not done, whatever the files say.
    let signs = |_: &Line<'_>, stop: &Stop<'_>, one: &AuthorityRotation, position| {
        let is_torn = position == Position::New && signs_with_the_other(stop, one);
        !stop.is_worker && (position == Position::Both || is_torn)
    };
    let shows = |line: &Line<'_>, stop: &Stop<'_>, one: &AuthorityRotation, position| {
        let is_torn = position == Position::New && shows_the_other(stop, one);
        is_torn || is_unsigned(line, one, |pair| &pair.new)
    };
    due(lines, Phase::TrustBoth, lags)
        .or_else(|| due(lines, Phase::IssueNew, signs))
        .or_else(|| due(lines, Phase::Reissue, shows))
}

fn signs_with_the_other(stop: &Stop<'_>, one: &AuthorityRotation) -> bool {
    one.name == SERVICE_ACCOUNT && stop.uses_old(&one.name)
}

fn shows_the_other(stop: &Stop<'_>, one: &AuthorityRotation) -> bool {
    one.name != SERVICE_ACCOUNT && stop.uses_old(&one.name)
}

/// Whether a node in trust-both does not trust both everywhere.
fn is_torn(one: &AuthorityRotation) -> bool {
    one.stage == Stage::IssueOld && !one.behind.is_empty()
}

fn is_unsigned(line: &Line<'_>, one: &AuthorityRotation, by: impl Fn(&Pair) -> &String) -> bool {
    let has_others = line.pair.as_ref().is_some_and(|pair| Line::has_others(one, by(pair)));
    let is_behind = one.stage == Stage::IssueNew && !one.behind.is_empty();
    one.name != SERVICE_ACCOUNT && (has_others || is_behind)
}

fn finish(lines: &[&Line<'_>]) -> Result<Option<Leg>, CourseError> {
    let lines: Vec<_> = lines.iter().copied().filter(|line| line.pair.is_some() || line.lacks_restarts()).collect();
    let lines = lines.as_slice();
    // Where the old one is gone on every control plane, nothing is left to wait for.
    let waiting: Vec<_> = lines.iter().copied().filter(|line| !line.is_left_over()).collect();
    if let Some(leg) = forward(&waiting) {
        let ending: Vec<_> = waiting.iter().copied().filter(|line| line.is_ending()).collect();
        if let Some((authority, node)) = ending.iter().find_map(|line| line.left_behind()) {
            return Err(CourseError::LeftBehind { authority, node });
        }
        // What has ended on a control plane is ended on all; whoever lags goes the same steps while another still trusts the old one.
        if let Some(leg) = forward(&ending) {
            return Ok(Some(leg));
        }
        let of = |node: &String| format!("{node}: {} ({})", leg.phase, leg.authorities.join(", "));
        return Err(CourseError::NotReady { left: leg.nodes.iter().map(of).collect() });
    }
    refuse_serving(lines, |pair| &pair.new)?;
    refuse_served(lines)?;
    let trusts = |line: &Line<'_>, stop: &Stop<'_>, one: &AuthorityRotation, position| match position {
        Position::New | Position::Both => true,
        Position::Alone => stop.awaits_restart(&one.name),
        Position::Old => line.pair.is_none() && stop.trusts_old(&one.name),
    };
    Ok(due(lines, Phase::TrustNew, trusts))
}

fn back(lines: &[&Line<'_>]) -> Result<Option<Leg>, CourseError> {
    let lines: Vec<_> = lines.iter().copied().filter(|line| line.pair.is_some() || line.lacks_restarts()).collect();
    let lines = lines.as_slice();
    for line in lines {
        let is_alone = |stop: &Stop<'_>, position| position == Position::Alone && !stop.is_worker;
        if let Some((stop, _, _)) = line.positions().find(|(stop, _, position)| is_alone(stop, *position)) {
            return Err(CourseError::TooLate { authority: line.name.to_owned(), node: stop.name.to_owned() });
        }
    }
    if let Some((authority, node)) = lines.iter().find_map(|line| line.kept_the_new_one()) {
        return Err(CourseError::TooLate { authority, node });
    }
    // None steps back before all can: two CAs would sign otherwise, and nothing would bring them together again.
    if let Some(leg) = due(lines, Phase::TrustBoth, |line, stop, one, _| line.lacks(stop, one)) {
        return Ok(Some(leg));
    }
    refuse_one_way(lines)?;
    let signs = |_: &Line<'_>, stop: &Stop<'_>, one: &AuthorityRotation, position| {
        let is_torn = position == Position::Both && signs_with_the_other(stop, one);
        !stop.is_worker && (position == Position::New || is_torn)
    };
    let shows = |line: &Line<'_>, stop: &Stop<'_>, one: &AuthorityRotation, position| {
        let is_torn = position == Position::Both && shows_the_other(stop, one);
        position != Position::Old && (is_torn || is_unsigned(line, one, |pair| &pair.old))
    };
    let trusts = |line: &Line<'_>, stop: &Stop<'_>, one: &AuthorityRotation, position| {
        let has_old = if line.pair.is_some() { stop.awaits_restart(&one.name) } else { stop.trusts_old(&one.name) };
        let is_left = one.stage == Stage::Prepared || has_old;
        position == Position::Both || position == Position::New || is_left
    };
    if let Some(leg) = due(lines, Phase::IssueOld, signs).or_else(|| due(lines, Phase::Reissue, shows)) {
        return Ok(Some(leg));
    }
    refuse_serving(lines, |pair| &pair.old)?;
    refuse_served(lines)?;
    Ok(due(lines, Phase::TrustOld, trusts))
}

/// Refuses to give a CA up that kubelets serve a certificate of; `stays` is the other one.
fn refuse_serving(lines: &[&Line<'_>], stays: impl Fn(&Pair) -> &String) -> Result<(), CourseError> {
    let mut nodes = BTreeSet::new();
    for line in lines {
        let Some(pair) = &line.pair else { continue };
        let is_of_other = |leaf: &SignedLeaf| leaf.is_requested && leaf.signed_by.as_ref() != Some(stays(pair));
        let serving = line.nodes.iter().filter(|(_, one)| one.leaves.iter().any(is_of_other));
        nodes.extend(serving.map(|(stop, _)| stop.name.to_owned()));
    }
    if nodes.is_empty() { Ok(()) } else { Err(CourseError::ServingLeft { nodes: nodes.into_iter().collect() }) }
}

/// Refuses the way back while a control plane could not go it.
fn refuse_one_way(lines: &[&Line<'_>]) -> Result<(), CourseError> {
    let stuck = lines.iter().flat_map(|line| {
        let all = line
            .positions()
            .filter(|(stop, one, position)| *position == Position::New && !stop.is_worker && !one.can_step_back());
        all.map(|(stop, _, _)| format!("{}: {}", stop.name, line.name))
    });
    let stuck: Vec<_> = stuck.collect();
    if stuck.is_empty() { Ok(()) } else { Err(CourseError::OneWay { nodes: stuck }) }
}

/// Refuses to give a CA up while something is served that may be of it: on disk everything has been renewed.
fn refuse_served(lines: &[&Line<'_>]) -> Result<(), CourseError> {
    let mut served = BTreeSet::new();
    for line in lines.iter().filter(|line| line.name != SERVICE_ACCOUNT) {
        let still = line.positions().filter(|(_, _, position)| matches!(position, Position::Both | Position::New));
        served.extend(still.flat_map(|(stop, ..)| stop.serves_other.iter().map(|one| format!("{}: {one}", stop.name))));
    }
    if served.is_empty() { Ok(()) } else { Err(CourseError::StillServed { served: served.into_iter().collect() }) }
}

#[cfg(test)]
mod tests;
