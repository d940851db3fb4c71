//! `kubepki rotate`: a CA, or the service accounts' key, makes way for another while the cluster works.

use std::path::Path;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::error::CommandError;
use super::input::{Beat, beat, content};
use super::options::{DryRun, Form, Output};
use super::restart::talk;
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::config::Role;
use crate::error::{Category, Fault};
use crate::ops::rotate::conduct::{Event, Wish, conduct, due, foresee, survey};
use crate::ops::rotate::reserve::{RESERVED, RotateReserveRequest, SILENCE, UNGUARDED, reserve};
use crate::ops::rotate::unused::{UnusedHereRequest, UnusedRequest, refuse_old_credentials_here};
use crate::ops::rotate::{
    self, NodeRotation, NodeRotationRequest, RotateStepRequest, RotationRequest, Trial, export, look_at_cluster, step,
    trial,
};
use crate::plan::rotate::Phase;
use crate::plan::rotate::course::CourseError;
use crate::report;
use crate::request::{
    Coming, ConductRequest, Evicting, Keeping, KubeletDir, Leaving, NodeRequest, Objects, RotatedNodes, StepPatience,
};

/// Do one step of a rotation on this node.
///
/// `kubepki rotate start` runs it on every node, in the right order; it is for other tools that do the same. A step that was done
/// already changes nothing.
///
/// trust-both: the new CA is made or taken over, and trusted beside the old one. issue-new: it signs (issue-old: the old one signs
/// again). reissue: what the other CA has signed is renewed. trust-new: the old CA is not trusted any more (trust-old: the new one
/// is not). cluster: the cluster's objects follow the files of this control plane, and gates are waited for.
///
/// A dry run works the step out to its end, with keys that are thrown away: a new CA that it names is not the one that a run makes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki rotate step trust-both --authority ca --dry-run
  kubepki rotate step trust-both --authority ca,etcd-ca
  kubepki rotate step reissue --authority ca
  kubepki rotate step trust-both --authority ca --material -")]
pub(super) struct Step {
    /// The step: trust-both, issue-new, issue-old, reissue, trust-new, trust-old, cluster.
    #[arg(value_name = "STEP", value_parser = phase_of, hide_possible_values = true)]
    phase: Phase,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: RotateStepRequest,
}

/// Keep other runs of `kubepki rotate` away from this node, for as long as lines come through stdin.
///
/// `kubepki rotate start`, `resume`, `finish` and `abort` run it on every control plane; it is for other tools that go over all nodes.
/// It says `reserved` on stderr after the first line, and ends with stdin, or a minute after the last line. A single `kubepki rotate step`
/// is not kept away.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  while echo; do sleep 10; done | kubepki rotate reserve --by admin1:4242")]
pub(super) struct Reserve {
    #[command(flatten)]
    request: RotateReserveRequest,
}

/// Print what other nodes need of a rotation that has begun here: for a control plane the new CAs with their private keys.
///
/// It is what `kubepki rotate step --material` takes. Whoever has it can sign for the cluster: hand it on through a pipe. It is not
/// printed on a terminal.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki rotate export --to worker
  kubepki rotate export --to control-plane | ssh cp2 kubepki rotate step trust-both --material -")]
pub(super) struct Export {
    /// For which node: control-plane or worker.
    #[arg(long, value_name = "ROLE", default_value = "control-plane")]
    to: Receiver,
    #[command(flatten)]
    request: RotationRequest,
}

/// Say whether somebody uses a certificate of the old CA, by the audit logs of this node's API server.
///
/// `kubepki rotate finish --audit-log` asks so for all API servers; it is for other tools that ask on each control plane. While the new CA
/// signs here, and both are trusted. What is known as new is what this node has, and what is given.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki rotate unused --audit-log /var/log/kubernetes/audit.log --new-credential kubeconfigs
  kubepki rotate unused --audit-log /var/log/kubernetes/audit.log --unused-for 12h --known -")]
pub(super) struct Unused {
    #[command(flatten)]
    request: UnusedHereRequest,
}

/// Whom it is for.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Receiver {
    /// With private keys.
    ControlPlane,
    /// Certificates alone.
    Worker,
}

/// Prints a value as text that fits the terminal, or as data.
fn show<T: Serialize>(
    session: &Session,
    output: Output,
    value: &T,
    text: impl FnOnce(&T, Option<usize>) -> String,
) -> Result<(), Stop> {
    match output.form {
        Form::Text => session.screen.show(&text(value, session.screen.width())),
        form => session.structured(value, form),
    }
}

fn phase_of(text: &str) -> Result<Phase, String> {
    let known = Phase::ALL.into_iter().find(|phase| phase.as_str() == text);
    known.ok_or_else(|| {
        let all: Vec<_> = Phase::ALL.iter().map(|phase| phase.as_str()).collect();
        format!("it is none of {}", all.join(", "))
    })
}

impl Run for Step {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let mut request = self.request;
        request.recover = (!*self.dry_run).into();
        if request.material.as_deref() == Some(Path::new("-")) {
            request.material_content = Some(content(session, Path::new("-"))?);
            request.material = None;
        }
        session.go_on()?;
        if *self.dry_run && self.phase == Phase::Cluster {
            let seen = talk(session, |progress| look_at_cluster(&request, session.now, progress))?;
            show(session, self.output, &seen, report::rotate::step)?;
            session.screen.say("dry run: nothing was changed");
            return Ok(0);
        }
        if *self.dry_run {
            let Trial { plan, settings, restarts } = trial(&request, self.phase, session.now)?;
            session.screen.say_findings(&plan.findings);
            show(session, self.output, &plan, report::plan::text)?;
            if plan.is_blocked() {
                session.screen.say("blocked: nothing would be changed");
                return Ok(Category::Finding.exit_code());
            }
            for setting in &settings {
                session.screen.say(&format!("{} would say {}", setting.place, setting.says));
            }
            if !restarts.is_empty() {
                session
                    .screen
                    .say(&format!("restarted where they have not loaded it by themselves: {}", restarts.join(", ")));
            }
            let changes = plan.changes().count() + settings.len();
            session.screen.say(&format!("dry run: nothing was changed; {changes} would be"));
            return Ok(0);
        }
        if request.node.rootfs.is_some() && !request.no_restart {
            session.screen.say("below --rootfs nothing is restarted");
        }
        let done = talk(session, |progress| step(&request, self.phase, session.now, progress))?;
        show(session, self.output, &done, report::rotate::step)?;
        if done.is_empty() {
            session.screen.say("nothing to do: this step is done here");
        }
        Ok(session.ended(0))
    }
}

impl Run for Reserve {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        session.interrupts.note_ends();
        let reserved = reserve(&self.request)?;
        let answer = if reserved.is_locked() { RESERVED } else { UNGUARDED };
        let mut is_said = false;
        loop {
            match beat(session, SILENCE) {
                Ok(Beat::Heard) if is_said => {}
                Ok(Beat::Heard) => {
                    session.screen.say(answer);
                    is_said = true;
                }
                Ok(Beat::End) if is_said => return Ok(0),
                Ok(Beat::End) => {
                    let hint = "it ends with stdin; the words of a node have to hand stdin on: `docker exec -i`, `ssh` without -n";
                    return Err(CommandError::usage("nothing comes through stdin".to_owned(), hint).into());
                }
                Ok(Beat::Silence) => {
                    session.screen.say(&format!("nothing came through stdin for {} s", SILENCE.as_secs()));
                    return Ok(Category::Environment.exit_code());
                }
                Err(stop) => return Err(stop),
            }
        }
    }
}

impl Run for Export {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let to = match self.to {
            Receiver::ControlPlane if session.screen.shows_data => {
                let hint = "hand it on through a pipe: `kubepki rotate export | ssh NODE kubepki rotate step STEP --material -`";
                return Err(CommandError::usage("private keys are not printed on a terminal".to_owned(), hint).into());
            }
            Receiver::ControlPlane => Role::ControlPlane,
            Receiver::Worker => Role::Worker,
        };
        let material = export(&self.request, to)?;
        if material.is_empty() {
            session.screen.say(
                "nothing to export: no rotation has begun here, and a control plane is asked for the worker's part",
            );
            return Ok(Category::Finding.exit_code());
        }
        session.structured(&material, Form::Json)?;
        Ok(0)
    }
}

impl Run for Unused {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let mut request = self.request;
        if request.known.as_deref() == Some(Path::new("-")) {
            request.known_content = Some(content(session, Path::new("-"))?);
            request.known = None;
        }
        let seen = refuse_old_credentials_here(&request, session.now, &session.stop_signal())?;
        session.screen.show(&seen)?;
        Ok(0)
    }
}

/// What every verb has that goes over all nodes and changes something.
#[derive(Args, Debug)]
struct Course {
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    on: RotatedNodes,
    #[command(flatten)]
    patience: StepPatience,
}

/// Replace a CA by a new one, up to where the new one signs and both are trusted.
///
/// On every node of the file, one after the other, with gates between: the new CA is trusted beside the old one, it signs, and what the
/// old one has signed is renewed. API requests go on meanwhile. The old CA stays trusted until `kubepki rotate finish`; until
/// then there is a way back: `kubepki rotate abort`. What broke off is gone on with: `kubepki rotate resume`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki rotate start --nodes nodes.yaml --authority ca --dry-run
  kubepki rotate start --nodes nodes.yaml
  kubepki rotate start --authority ca --new-ca corporate.pem --nodes nodes.yaml")]
pub(super) struct Start {
    #[command(flatten)]
    course: Course,
    #[command(flatten)]
    coming: Coming,
    #[command(flatten)]
    keeping: Keeping,
}

/// Say what a rotation would do on which node, and what still holds on to the CA that is in use.
///
/// Nothing is changed. It is `kubepki rotate start --dry-run`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki rotate plan --nodes nodes.yaml
  kubepki rotate plan --nodes nodes.yaml --authority ca -o json")]
pub(super) struct Plan {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    on: RotatedNodes,
    #[command(flatten)]
    coming: Coming,
    #[command(flatten)]
    keeping: Keeping,
}

impl Run for Plan {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let Self { output, on, coming, keeping } = self;
        let request = ConductRequest { on, coming, keeping, ..ConductRequest::default() };
        foretell(session, Wish::Start, output, &request)
    }
}

/// Go on with a rotation that has broken off.
///
/// How far each node is, is read off its files: it does not matter what broke off, or where. A rotation whose old CA is gone on some
/// node already is finished; every other goes on to where the new CA signs.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki rotate resume --nodes nodes.yaml
  kubepki rotate resume --nodes nodes.yaml --dry-run")]
pub(super) struct Resume {
    #[command(flatten)]
    course: Course,
    #[command(flatten)]
    leaving: Leaving,
    #[command(flatten)]
    evicting: Evicting,
}

/// Give up the old CA: nothing that it has signed is accepted afterwards.
///
/// Before: every client outside of the cluster has the new CA and a certificate of it. The way back is another rotation then.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki rotate finish --nodes nodes.yaml --dry-run
  kubepki rotate finish --nodes nodes.yaml
  kubepki rotate finish --nodes nodes.yaml --audit-log cp1.log --audit-log cp2.log --new-credential kubeconfigs")]
pub(super) struct Finish {
    #[command(flatten)]
    course: Course,
    #[command(flatten)]
    leaving: Leaving,
    #[command(flatten)]
    evicting: Evicting,
    #[command(flatten)]
    unused: UnusedRequest,
}

/// Give up the new CA: everything is as it was before the rotation.
///
/// Where the new one signs already, the old one signs again first, and what the new one has signed is renewed. A service-account key
/// that has signed stays trusted for as long as its tokens may live.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki rotate abort --nodes nodes.yaml")]
pub(super) struct Abort {
    #[command(flatten)]
    course: Course,
    #[command(flatten)]
    leaving: Leaving,
}

/// Say how far a rotation is on every node.
///
/// It is read off the files of each node, whoever changed them; where they leave nothing to do, the cluster is asked whether its objects
/// hold the same CAs. The exit code is 1 when something is left to do, 3 when a node, or the cluster, does not answer.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki rotate status --nodes nodes.yaml
  kubepki rotate status --local -o json")]
pub(super) struct Status {
    #[command(flatten)]
    output: Output,
    /// This node alone, as `kubepki rotate start` asks each node.
    #[arg(long, conflicts_with = "nodes")]
    local: bool,
    #[command(flatten)]
    objects: Objects,
    #[command(flatten)]
    on: RotatedNodes,
    #[command(flatten)]
    kubelet_dir: KubeletDir,
    #[command(flatten)]
    node: NodeRequest,
}

impl Run for Start {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let Self { course, coming, keeping } = self;
        course.go(session, Wish::Start, ConductRequest { coming, keeping, ..ConductRequest::default() })
    }
}

impl Run for Resume {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let Self { course, leaving, evicting } = self;
        course.go(session, Wish::Resume, ConductRequest { leaving, evicting, ..ConductRequest::default() })
    }
}

impl Run for Finish {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let Self { course, leaving, evicting, unused } = self;
        course.go(session, Wish::Finish, ConductRequest { leaving, evicting, unused, ..ConductRequest::default() })
    }
}

impl Run for Abort {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let Self { course, leaving } = self;
        course.go(session, Wish::Abort, ConductRequest { leaving, ..ConductRequest::default() })
    }
}

fn unseen(problem: &Fault) -> String {
    format!("what runs there could not be looked at: {}", problem.message)
}

fn unasked(problem: &Fault) -> String {
    format!("whether the cluster's objects hold what the nodes' files do is not known: {}", problem.message)
}

impl Run for Status {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        // A root directory is that of one node.
        let is_local = self.local || self.node.rootfs.is_some();
        let is_of_one_node = self.node.is_of_one_node() || *self.kubelet_dir != *KubeletDir::default();
        if (!is_local && is_of_one_node) || (is_local && self.on.nodes.is_some()) {
            let hint = "with --local it is about this node alone; for the others write it behind kubepki in the file of --nodes";
            return Err(CommandError::usage("what is said of a node's files is about one node".to_owned(), hint).into());
        }
        if is_local {
            let Self { objects, on, kubelet_dir, node, .. } = self;
            let request = NodeRotationRequest { authority: on.authority, objects, kubelet_dir, node };
            let rotation = rotate::status(&request, session.now, &mut || session.tell())?;
            show(session, self.output, &rotation, report::rotate::status)?;
            if let Some(problem) = &rotation.unseen {
                session.screen.say(&unseen(problem));
            }
            for object in rotation.objects.iter().flatten() {
                session.screen.say(&report::rotate::object_behind(object));
            }
            return Ok(0);
        }
        if self.objects.cluster {
            let hint = "leave it out: the cluster is asked where no node has anything left to do; or ask one node, with --local";
            return Err(CommandError::usage("--cluster is about one node".to_owned(), hint).into());
        }
        session.interrupts.note_ends();
        let nodes = survey(&self.on, &session.program, &session.stop_signal())?;
        let due = due(&nodes, &self.on.chosen()?);
        let legs = due.as_deref().unwrap_or_default();
        show(session, self.output, &nodes, |nodes, width| report::rotate::nodes(nodes, legs, width))?;
        let mut is_unknown = false;
        for node in &nodes {
            let rotation = node.rotation.as_ref();
            let of_components = rotation.and_then(|rotation| rotation.unseen.as_ref()).map(unseen);
            let of_objects = rotation.and_then(|rotation| rotation.objects_problem.as_ref()).map(unasked);
            let of_node =
                of_components.into_iter().chain(of_objects).map(|problem| format!("{}: {problem}", node.name));
            for problem in node.problem.iter().map(|problem| problem.message.clone()).chain(of_node) {
                session.screen.say(&problem);
                is_unknown = true;
            }
        }
        let objects = nodes.iter().flat_map(|node| {
            let of_node = node.rotation.iter().flat_map(|rotation| rotation.objects.iter().flatten());
            of_node.map(|object| format!("{}: {}", node.name, report::rotate::object_behind(object)))
        });
        let objects: Vec<_> = objects.collect();
        for object in &objects {
            session.screen.say(object);
        }
        if !objects.is_empty() {
            session.screen.say(&self.on.complete(&report::rotate::objects_follow()));
        } else if !is_unknown {
            let knows = |rotation: &NodeRotation| !rotation.is_worker;
            let comes = if due.is_err() || nodes.iter().filter_map(|node| node.rotation.as_ref()).any(knows) {
                report::rotate::comes(&due)
            } else {
                "which CA comes and which goes is known on a control-plane node: ask there".to_owned()
            };
            session.screen.say(&self.on.complete(&comes));
        }
        let fits = due.as_ref().err().is_none_or(|error| error.code() == CourseError::NONE);
        let is_left = !fits
            || !legs.is_empty()
            || nodes.iter().filter_map(|node| node.rotation.as_ref()).any(NodeRotation::is_under_way);
        Ok(match (is_unknown, is_left) {
            (true, _) => Category::Environment.exit_code(),
            (false, true) => Category::Finding.exit_code(),
            (false, false) => 0,
        })
    }
}

/// Says what would be done.
fn foretell(session: &Session, wish: Wish, output: Output, request: &ConductRequest) -> Result<u8, Stop> {
    session.interrupts.note_ends();
    let foreseen = foresee(request, wish, &session.program, &session.stop_signal())?;
    show(session, output, &foreseen, report::rotate::foreseen)?;
    if let Some(unused) = &foreseen.unused {
        session.screen.say(unused);
    }
    for warning in &foreseen.warnings {
        session.screen.say(&format!("warning: {warning}"));
    }
    session.screen.say("dry run: nothing was changed");
    Ok(0)
}

impl Course {
    /// Does it; what the verb has besides is in `more`.
    fn go(self, session: &Session, wish: Wish, more: ConductRequest) -> Result<u8, Stop> {
        let Self { dry_run, output, on, patience } = self;
        let request = ConductRequest { on, patience, ..more };
        if *dry_run {
            return foretell(session, wish, output, &request);
        }
        session.interrupts.note_ends();
        let mut tell = |event: &Event<'_>| {
            match event {
                Event::Keeping { node } => {
                    session.screen.say(&format!("{node}: snapshot of etcd"));
                    session.begin_work(format!(
                        "a snapshot of etcd on {node}; it ends with that, and Ctrl-C again lets go of {node}"
                    ));
                }
                Event::Kept { node, snapshot } => session.screen.say(&report::rotate::kept(node, snapshot)),
                Event::Begins { node, phase, authorities } => {
                    session.screen.say(&format!("{node}: {phase} ({})", authorities.join(", ")));
                    session.begin_work(format!(
                        "{phase} on {node}; it ends with this step, and Ctrl-C again lets go of {node}"
                    ));
                }
                Event::Said { node, line } => session.screen.say(&format!("  {node}: {line}")),
                Event::Ended(done) => {
                    session.screen.say(&format!("{}: {} done, {:.1} s", done.node, done.phase, done.seconds));
                }
                Event::Unused(said) => session.screen.say(said),
                Event::Looking => {}
            }
            session.tell()
        };
        let conducted = conduct(&request, wish, &session.program, &session.stop_signal(), &mut tell)?;
        show(session, output, &conducted, |done, width| report::rotate::nodes(&done.nodes, &[], width))?;
        for line in report::rotate::afterwards(&conducted) {
            session.screen.say(&request.complete(&line));
        }
        Ok(session.ended(0))
    }
}
