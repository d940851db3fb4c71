//! The nodes of a cluster, and how kubepki is run on each.
//!
//! In: a file that names them. Out: [`Fleet`], whose nodes can be asked. The words of a node are run as they are, with kubepki's
//! arguments behind them.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::NodeRotation;
use crate::edge::program::{self, Distrust};
use crate::edge::transport::{CallError, Ended, Input, MOST, Patience, call};
use crate::error::{Category, Result, faults};
use crate::ops::named::read_named;
use crate::plan::rotate::course::Stop;
use crate::secret::Secret;
use crate::text::{is_plain_word, printable};
use crate::workers::StopSignal;
use crate::yaml;

/// For so long a node is waited for that only says what is there.
pub const LOOK: Duration = Duration::from_secs(2 * 60);

/// For so long a node is waited for that hands on all that etcd holds, or has every pod restart.
const LONGEST: Duration = Duration::from_secs(4 * 60 * 60);

/// So many lines of a node are shown while it works.
const MOST_LINES: usize = 1000;

/// What is in the middle of a change is waited for to its end: in a step each component may take `timeout`, every static pod, the
/// kubelet, the cluster's gates, and what each of them waits for besides.
#[must_use]
pub const fn step_patience(timeout: Duration, lets_go: &StopSignal) -> Patience<'_> {
    Patience { limit: timeout.saturating_mul(10).saturating_add(LOOK), stop: Some(lets_go) }
}

/// So is a snapshot of etcd, and a cluster whose pods restart one by one.
#[must_use]
pub const fn long_patience(lets_go: &StopSignal) -> Patience<'_> {
    Patience { limit: LONGEST, stop: Some(lets_go) }
}

/// Who only says what is there can be left alone at any time.
#[must_use]
pub const fn question(stop: &StopSignal) -> Patience<'_> {
    Patience { limit: LOOK, stop: Some(stop) }
}

faults! {
    /// Why a node cannot be asked.
    pub enum NodesError {
        /// The file with the nodes says something else than nodes.
        #[error("{file}: {reason}")]
        #[fault("rotate.bad_nodes", Usage,
            "write, for each node: `nodes: [{name: cp1, role: control-plane, run: [ssh, root@cp1, kubepki]}]`")]
        BadFile {
            /// The file.
            file: String,
            /// What is wrong.
            reason: String,
        },
        /// Others can change the file with the nodes, which says which programs run and who is given the keys of new CAs.
        #[error("others can change the file with the nodes: {place}: {reason}")]
        #[fault("rotate.foreign_nodes", Refused, format!("let it and its folders belong to root or to you, and nobody else write to them: {place}"))]
        Foreign {
            /// What they can change.
            place: String,
            /// Who.
            reason: String,
        },
        /// A node does not answer, or kubepki failed there; the message has what it said last.
        #[error("{node}: {what}: {reason}")]
        #[fault("rotate.node_failed" as FAILED, Environment,
            "run the same by hand on that node, then go on: `kubepki rotate resume`; nodes that are done stay done")]
        Failed {
            /// The node.
            node: String,
            /// What it was asked for.
            what: String,
            /// What it said.
            reason: String,
        },
        /// kubepki refused there; the message has why.
        #[error("{node}: {what}: {reason}")]
        #[fault("rotate.node_refused" as REFUSED, Refused,
            "it says why; put that right on that node, then go on: `kubepki rotate resume`; nodes that are done stay done")]
        Refused {
            /// The node.
            node: String,
            /// What it was asked for.
            what: String,
            /// Why.
            reason: String,
        },
        /// What came back is no answer of kubepki's.
        #[error("{node} answers with something else than kubepki's JSON: {reason}")]
        #[fault("rotate.bad_answer", Environment,
            "see that the node's words end with kubepki, and that it is of the same version: run them with `version` behind")]
        BadAnswer {
            /// The node.
            node: String,
            /// What is wrong.
            reason: String,
        },
        /// A node is not who the file says it is.
        #[error("the node that is called {given} in the file says that it is {said}")]
        #[fault("rotate.other_node", Refused, "correct the name or the words of this node in the file; one that was reset has to leave it")]
        OtherNode {
            /// In the file.
            given: String,
            /// By its own files.
            said: String,
        },
        /// Without a file of nodes it is about this machine, and no node of a cluster is here.
        #[error("nothing that a rotation replaces is on this machine")]
        #[fault("rotate.no_node", Usage, "name the cluster's nodes: --nodes FILE; or run it on a control-plane node")]
        NoNode,
        /// Another run changes the same cluster: one that goes on and one that gives up would undo each other's work.
        #[error("{node}: {reason}")]
        #[fault("rotate.busy", Environment, "when it has ended, see how far it came: `kubepki rotate status`")]
        Busy {
            /// The node that it has reserved.
            node: String,
            /// What that node says of it.
            reason: String,
        },
        /// Ctrl-C came between two steps, or while a node was only looked at.
        #[error("interrupted; no step is half done")]
        #[fault("rotate.interrupted" as INTERRUPTED, Interrupted,
            "see how far each node is: `kubepki rotate status`; go on: `kubepki rotate resume`")]
        Interrupted,
        /// Somebody has pressed Ctrl-C again after it was said what is waited for: the node is not waited for any more. What had begun there
        /// goes on, or has broken off.
        #[error("{node} was not waited for: what had begun there goes on, or has broken off")]
        #[fault("rotate.let_go" as LET_GO, Interrupted,
            "see how far each node is: `kubepki rotate status`; go on: `kubepki rotate resume`")]
        LetGo {
            /// The node.
            node: String,
        },
    }
}

impl NodesError {
    /// The same, in the middle of a step on a node.
    pub(super) fn in_a_step(self, node: &str) -> Self {
        if matches!(self, Self::Interrupted) { Self::LetGo { node: node.to_owned() } } else { self }
    }
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeKind {
    /// It has the CAs' keys.
    ControlPlane,
    /// It has the cluster's CA certificate alone.
    Worker,
}

/// One node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its name in the cluster.
    pub name: String,
    /// What it is.
    pub role: NodeKind,
    /// The program that runs kubepki there, and its first arguments.
    pub run: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    nodes: Vec<Member>,
}

/// All of them.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// Control planes first, as the file has them.
    pub members: Vec<Member>,
}

impl Fleet {
    /// The nodes of the file; without one this node alone, by the program that runs.
    ///
    /// # Errors
    /// [`NodesError::BadFile`]; the file cannot be read.
    pub fn read(file: Option<&Path>, program: &Path) -> Result<Self> {
        let Some(file) = file else {
            let run = vec![program.display().to_string()];
            return Ok(Self { members: vec![Member { name: String::new(), role: NodeKind::ControlPlane, run }] });
        };
        let bad = |reason: String| NodesError::BadFile { file: file.display().to_string(), reason };
        refuse_foreign(file)?;
        let content = read_named(file, None)?;
        let text = std::str::from_utf8(content.expose()).map_err(|error| bad(error.to_string()))?;
        if text.trim().is_empty() {
            return Err(bad("it is empty".to_owned()).into());
        }
        let File { nodes: mut members } = yaml::from_str(text).map_err(|error| bad(error.to_string()))?;
        for (at, one) in members.iter().enumerate() {
            if one.run.is_empty() || one.name.is_empty() {
                return Err(bad(format!("node {} has no name, or no words that run kubepki", at + 1)).into());
            }
            if members.iter().take(at).any(|other| other.name == one.name) {
                return Err(bad(format!("{} is there twice", one.name)).into());
            }
        }
        if !members.iter().any(|one| one.role == NodeKind::ControlPlane) {
            return Err(bad("there is no control-plane node".to_owned()).into());
        }
        members.sort_by_key(|one| one.role == NodeKind::Worker);
        Ok(Self { members })
    }

    /// The node of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|one| one.name == name)
    }

    /// The first control plane.
    #[must_use]
    pub fn first(&self) -> Option<&Member> {
        self.members.first()
    }
}

/// The file says which programs run, and who is given the keys.
fn refuse_foreign(file: &Path) -> Result<(), NodesError> {
    program::refuse_foreign(file)
        .map_err(|Distrust { place, reason }| NodesError::Foreign { place: place.display().to_string(), reason })
}

impl Member {
    /// Whether it is a worker.
    #[must_use]
    pub fn is_worker(&self) -> bool {
        self.role == NodeKind::Worker
    }

    /// What kubepki prints there, as data. Whoever has the node has every text of it: none of them has a line of its own here.
    ///
    /// # Errors
    /// [`NodesError`].
    pub fn ask<T: Serialize + DeserializeOwned>(
        &self,
        arguments: &[&str],
        input: Option<&Secret>,
        patience: Patience<'_>,
        see: &mut dyn FnMut(&str),
    ) -> Result<T, NodesError> {
        let output = self.call(arguments, input.into(), patience, see)?;
        let bad = |error: serde_json::Error| self.bad_answer(printable(&error.to_string()));
        // Of what is no part of the answer nothing is kept, however much there is.
        let answer: T = serde_json::from_slice(output.expose()).map_err(bad)?;
        let mut answer = serde_json::to_value(answer).map_err(bad)?;
        on_one_line(&mut answer);
        serde_json::from_value(answer).map_err(bad)
    }

    /// The same as it is printed: it may be a key.
    ///
    /// # Errors
    /// [`NodesError`].
    pub fn receive<T: DeserializeOwned>(
        &self,
        arguments: &[&str],
        input: Option<&Secret>,
        patience: Patience<'_>,
        see: &mut dyn FnMut(&str),
    ) -> Result<T, NodesError> {
        let output = self.call(arguments, input.into(), patience, see)?;
        // It is not quoted.
        serde_json::from_slice(output.expose())
            .map_err(|error| self.bad_answer(format!("line {}, column {}", error.line(), error.column())))
    }

    /// Of this node.
    pub(super) fn bad_answer(&self, reason: impl Into<String>) -> NodesError {
        NodesError::BadAnswer { node: self.name.clone(), reason: reason.into() }
    }

    /// What it was asked for has failed.
    pub(super) fn failed(&self, what: &str, reason: String) -> NodesError {
        NodesError::Failed { node: self.shown_name(), what: what.to_owned(), reason }
    }

    /// The same as bytes.
    ///
    /// # Errors
    /// [`NodesError`].
    pub fn call(
        &self,
        arguments: &[&str],
        input: Input<'_>,
        patience: Patience<'_>,
        see: &mut dyn FnMut(&str),
    ) -> Result<Secret, NodesError> {
        let what = arguments.iter().take_while(|word| !word.starts_with("--")).copied().collect::<Vec<_>>().join(" ");
        let failed = |reason: String| self.failed(&what, reason);
        let arguments: Vec<_> = arguments.iter().map(|word| (*word).to_owned()).collect();
        // The words may lead through a shell of another host.
        if let Some(word) = arguments.iter().find(|word| !is_plain_word(word)) {
            return Err(failed(format!("a shell could take this for several words, so it is not handed on: {word:?}")));
        }
        let mut lines = 0;
        let mut show = |line: &str| {
            lines += 1;
            match lines.cmp(&MOST_LINES) {
                Ordering::Less => see(&printable(line)),
                Ordering::Equal => see("it says more than is shown here"),
                Ordering::Greater => {}
            }
        };
        match call(&self.run, &arguments, input, patience, &mut show) {
            Ok(Ended { code: Some(0), stdout, .. }) => Ok(Secret::new(stdout)),
            Ok(Ended { code, said, .. }) => {
                let (last, error) = last_words(&said);
                // As kubepki ends when it refuses.
                let is_refusal = code == Some(i32::from(Category::Refused.exit_code()));
                if let Some(reason) = error.filter(|_| is_refusal) {
                    return Err(NodesError::Refused { node: self.shown_name(), what, reason });
                }
                let how = code.map_or("a signal ended it".to_owned(), |code| format!("exit code {code}"));
                Err(failed(if last.is_empty() { how } else { format!("{how}: {}", last.join(" | ")) }))
            }
            Err(CallError::Failed(reason)) => Err(failed(reason)),
            Err(CallError::Timeout) => Err(failed(format!("it did not end within {} s", patience.limit.as_secs()))),
            Err(CallError::Stopped) => Err(NodesError::Interrupted),
            Err(CallError::TooMuch) => {
                Err(self.bad_answer(format!("it prints more than {} MiB", MOST >> 20)))
            }
            Err(CallError::Asks) => Err(failed(
                "it asks something on the terminal, where nobody answers: let ssh have a key of its agent, and know the host"
                    .to_owned(),
            )),
        }
    }

    /// Its name; the node on which kubepki runs may have none.
    fn shown_name(&self) -> String {
        if self.name.is_empty() { "this node".to_owned() } else { self.name.clone() }
    }

    /// How the course sees it.
    #[must_use]
    pub fn stop<'a>(&'a self, seen: &'a NodeRotation) -> Stop<'a> {
        Stop {
            name: &self.name,
            is_worker: seen.is_worker,
            authorities: &seen.authorities,
            to_restart: &seen.to_restart,
            serves_other: &seen.serves_other,
        }
    }
}

/// The last lines, and what they call an error: its sentence, and what to do about it.
fn last_words(said: &[String]) -> (Vec<String>, Option<String>) {
    let shown: Vec<_> = said.iter().map(|line| printable(line).into_owned()).collect();
    let part =
        |start: &str| shown.iter().rev().find_map(|line| line.trim_start().strip_prefix(start).map(str::to_owned));
    let error = part("error: ").map(|error| match part("hint: ") {
        Some(hint) => format!("{error} ({hint})"),
        None => error,
    });
    let last = shown.iter().rev().take(3).rev().cloned().collect();
    (last, error)
}

/// Every text in it is on one line, and moves no cursor.
fn on_one_line(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(shown) = printable(text) {
                *text = shown;
            }
        }
        Value::Array(all) => all.iter_mut().for_each(on_one_line),
        Value::Object(fields) => fields.values_mut().for_each(on_one_line),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
