//! Why a rotation over all nodes stops.
//!
//! In: nodes, steps, what they said. Out: [`ConductError`].

use crate::error::faults;

faults! {
    /// Why a rotation over all nodes stops.
    pub enum ConductError {
        /// A step was done, and it is due again: something on the node undoes it, or it cannot be done there.
        #[error("{phase} was done on {}, and it is still due: {}", nodes.join(", "), left.join("; "))]
        #[fault("rotate.no_progress", Finding, "see what is left to do on each node: `kubepki rotate status`",
            context = crate::error::evidence!(phase, nodes, left))]
        NoProgress {
            /// The step.
            phase: &'static str,
            /// The nodes.
            nodes: Vec<String>,
            /// What is left, by node.
            left: Vec<String>,
        },
        /// The clock of a node is another one: what is signed on one node would not be valid yet on another.
        #[error("the clock of {node} is {seconds} s away from this one")]
        #[fault("rotate.clocks", Environment, "set the clocks of all nodes by the same source first (chrony, systemd-timesyncd)")]
        Clocks {
            /// The node.
            node: String,
            /// How far.
            seconds: i64,
        },
        /// What runs on a node could not be looked at, so nobody can say what would have to restart.
        #[error("{node}: what runs there could not be looked at: {reason}")]
        #[fault("rotate.unseen", Environment, "see it on that node, and put it right: `kubepki restart --dry-run`")]
        Unseen {
            /// The node.
            node: String,
            /// Why.
            reason: String,
        },
        /// Nodes have different versions of kubepki.
        #[error("nodes have different versions of kubepki: {}", versions.join(", "))]
        #[fault("rotate.versions", Environment, "install the same version on all nodes", context = crate::error::evidence!(versions))]
        Versions {
            /// Each node and its version.
            versions: Vec<String>,
        },
        /// Nodes of the cluster are not in the file: they would be cut off when the old CA goes.
        #[error("nodes of the cluster are not in the file: {}", nodes.join(", "))]
        #[fault("rotate.nodes_missing" as NODES_MISSING, Refused, "add them to the file (--nodes FILE), or take them out of the cluster first: kubectl delete node NAME",
            context = crate::error::evidence!(nodes))]
        NodesMissing {
            /// Their names.
            nodes: Vec<String>,
        },
        /// What etcd holds could not be kept; nothing was begun.
        #[error("{node}: no snapshot of etcd, and nothing was begun: {reason}")]
        #[fault("rotate.no_snapshot", Environment,
            "see what is wrong: `kubepki etcd snapshot` on that node; or take one by other means, and begin without: --no-etcd-snapshot")]
        NoSnapshot {
            /// The node.
            node: String,
            /// What it said.
            reason: String,
        },
        /// A rotation is under way: another one is not begun.
        #[error("a rotation is under way: {}", stages.join("; "))]
        #[fault("rotate.under_way", Refused, "see what comes next: `kubepki rotate status`; or go back: `kubepki rotate abort`",
            context = crate::error::evidence!(stages))]
        UnderWay {
            /// Each node and how far it is.
            stages: Vec<String>,
        },
        /// A control plane refuses to give the CA up, so this run has given it up nowhere.
        #[error("{node} refuses, and this run has given nothing up{}: {reason}", already(given_up))]
        #[fault("rotate.not_yet", Refused,
            "do what it asks for, then run the same again; an authority that it does not speak of can go first: --authority NAME",
            context = crate::error::evidence!(node, given_up))]
        NotYet {
            /// The node.
            node: String,
            /// What it said.
            reason: String,
            /// The control planes that have given it up before.
            given_up: Vec<String>,
        },
        /// Pods that may not know the new CA still run, so the old one stays.
        #[error("the old CA stays, as pods that may not know the new one could not be restarted: {}", pods.join("; "))]
        #[fault("rotate.pods_left", Refused,
            "restart these by hand, and run the same again; without --restart-pods nobody waits for them",
            context = crate::error::evidence!(pods))]
        PodsLeft {
            /// Each pod, and why it was left.
            pods: Vec<String>,
        },
    }
}

fn already(nodes: &[String]) -> String {
    if nodes.is_empty() { String::new() } else { format!(" ({} had, before)", nodes.join(", ")) }
}
