//! Why a restart was not done, or not to its end.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::progress::Phase;
use crate::catalogue::KUBELET;
use crate::error::{Evidence, faults};

faults! {
    /// A failure of `kubepki restart`. After each of them but [`RestartError::NotPutBack`] every manifest is in its place.
    pub enum RestartError {
        /// The files below `--rootfs` are not those of this machine: its components, ports and services are not that node's, and
        /// none of them is looked at or touched. The root directory of this machine is known under whatever name it is mounted in a
        /// container that has the host's processes; in one that has not, `KUBEPKI_NODE_RUNS_HERE=1` says that the node runs here.
        #[error("the node of the files below {} does not run on this machine", rootfs.display())]
        #[fault("restart.not_this_machine", Usage,
            "restart on that node, once it runs; in a container of the node itself, give it the host's processes, or set \
             KUBEPKI_NODE_RUNS_HERE=1")]
        NotThisMachine {
            /// The root directory.
            rootfs: PathBuf,
        },
        /// A component is named that this node has no manifest of.
        #[error("{component} is not a static pod of this node: there is no {}", manifest.display())]
        #[fault("restart.not_here", Usage, "name components that run on this node, or none for all of them")]
        NotHere {
            /// The component.
            component: String,
            /// Where its manifest would be.
            manifest: PathBuf,
        },
        /// None of the four components has a manifest on this node. On a worker only the kubelet can be restarted.
        #[error("nothing to restart on this node: none of etcd, kube-apiserver, kube-controller-manager, kube-scheduler has a manifest in {}", manifests_dir.display())]
        #[fault("restart.no_static_pods", Environment,
            "on a worker only the kubelet can be restarted: `kubepki restart kubelet`; \
             where the manifests are elsewhere, name their folder with --manifests-dir")]
        NoStaticPods {
            /// Where they would be.
            manifests_dir: PathBuf,
        },
        /// No kubelet runs that would react to anything; the message says why where that can be seen (its client
        /// certificate has expired, the container runtime does not answer), the hint what mends it. Nothing was stopped.
        #[error("the kubelet does not run: nothing listens at {place}{}", why(.expired.as_ref(), .runtime.as_deref()))]
        #[fault("restart.no_kubelet", Environment,
            match (expired, runtime) {
                (Some(_), _) => "renew the kubelet's client certificate and restart the kubelet, \
                 then the others: `kubepki certs renew all --kubelet --restart`, where the CA's key is on this node",
                (None, Some(_)) => "start the container runtime first (`systemctl status containerd`), \
                 then the kubelet: `systemctl restart kubelet`",
                (None, None) => "see why it does not run (`systemctl status kubelet`, `journalctl -u kubelet`); \
                 `kubepki restart --kubelet` starts it before the others",
            },
            context = json!({ "place": place, "expired": expired.as_ref().map(|(path, _)| path.evidence()), "runtime": runtime }))]
        NoKubelet {
            /// Where it was looked for.
            place: String,
            /// Its client certificate, if that has ended, and when.
            expired: Option<(PathBuf, DateTime<Utc>)>,
            /// Why its container runtime does not answer.
            runtime: Option<String>,
        },
        /// Other members of etcd are not well, and without this node's the cluster would lose its quorum. Nothing was
        /// stopped. `--ignore-quorum` restarts it all the same.
        #[error("without its member here etcd would lose its quorum: not well of its {members} members: {}", missing.join(", "))]
        #[fault("restart.quorum_at_risk", Environment,
            "mend these members first, and run it again; --ignore-quorum restarts etcd all the \
             same, and the cluster cannot write until it is back")]
        QuorumAtRisk {
            /// How many members vote.
            members: usize,
            /// The members that are not well, and why.
            missing: Vec<String>,
        },
        /// The kubelet's `config.yaml` cannot be read; put it right, or name another folder with `--kubelet-dir`.
        #[error("{} is not a kubelet configuration: {reason}", path.display())]
        #[fault("restart.bad_kubelet_configuration", Finding,
            "correct the file, or name the kubelet's directory with --kubelet-dir")]
        BadKubeletConfiguration {
            /// The file.
            path: PathBuf,
            /// What is wrong with it.
            reason: String,
        },
        /// A restart that did not end has held a manifest, and another one is in its place by now: keep one, remove the
        /// held one.
        #[error("{} differs from the manifest that a restart has held in {}", manifest.display(), held.display())]
        #[fault("restart.held_conflict", Refused,
            format!(
                "compare the two, keep the right one as {}, remove {}, and run again",
                manifest.display(),
                held.display()
            ))]
        HeldConflict {
            /// The component.
            component: String,
            /// The manifest in its place.
            manifest: PathBuf,
            /// The one that was held.
            held: PathBuf,
        },
        /// A manifest could not be put back (a full disk, say): put that right and run `kubepki restart`, or move it by
        /// hand; the message has both paths.
        #[error("the manifest of {component} could not be put back into {}: {reason}", manifest.display())]
        #[fault("restart.not_put_back", Partial,
            format!(
                "resolve the problem and run `kubepki restart`, or move {} to {} by hand",
                held.display(),
                manifest.display()
            ))]
        NotPutBack {
            /// The component.
            component: String,
            /// Where it belongs.
            manifest: PathBuf,
            /// Where it is.
            held: PathBuf,
            /// What went wrong.
            reason: String,
        },
        /// The component still ran when the time was up; its manifest is back. See whether the kubelet runs. Partial when
        /// others had been restarted before.
        #[error("{component} did not end within {waited_seconds:.0} s: {evidence}")]
        #[fault("restart.not_stopped", Environment or Partial if !restarted.is_empty(),
            "its manifest is in its place; see whether the kubelet runs (`systemctl status kubelet`)")]
        NotStopped {
            /// The component.
            component: String,
            /// How long it was waited for.
            waited_seconds: f64,
            /// What still ran.
            evidence: String,
            /// What had been restarted before.
            restarted: Vec<String>,
        },
        /// The component did not come back, or does not serve what is on disk; the message has what was seen last, the
        /// hint what to look at. Partial when others had been restarted before.
        #[error("{component} did not come back within {waited_seconds:.0} s: {evidence}")]
        #[fault("restart.not_healthy", Environment or Partial if !restarted.is_empty(),
            format!("{} and run again", where_to_look(component)))]
        NotHealthy {
            /// The component.
            component: String,
            /// How long it was waited for.
            waited_seconds: f64,
            /// What was seen last.
            evidence: String,
            /// What had been restarted before.
            restarted: Vec<String>,
        },
        /// etcd of this node runs with its new certificates, and the other members do not answer it yet: what comes after
        /// it is left to the kubelet. Run the same command on the other control-plane nodes, then `kubepki restart` on
        /// this one.
        #[error("etcd runs with the new certificates and has no quorum yet: the other members do not answer")]
        #[fault("restart.no_quorum", Partial,
            "every manifest is in its place, and the kubelet starts the others when etcd answers: \
             run the same command on the other control-plane nodes, then `kubepki restart` here")]
        NoQuorum {
            /// What had been restarted before.
            restarted: Vec<String>,
        },
        /// The work was stopped; the manifest was put back first.
        #[error("interrupted while {component} was {phase}: every manifest is in its place{}", after(.restarted))]
        #[fault("restart.interrupted" as INTERRUPTED, Interrupted, "run it again: what is up to date is not restarted")]
        Interrupted {
            /// The component that was being restarted.
            component: String,
            /// What was being done.
            phase: Phase,
            /// What had been restarted before.
            restarted: Vec<String>,
        },
    }
}

/// `; its client certificate … ended at …; the container runtime does not answer …`, or nothing.
fn why(expired: Option<&(PathBuf, DateTime<Utc>)>, runtime: Option<&str>) -> String {
    let expired = expired.map(|(path, at)| {
        format!("; its client certificate {} expired at {}", path.display(), at.format("%Y-%m-%d %H:%M:%S UTC"))
    });
    let runtime = runtime.map(|problem| format!("; {problem}"));
    [expired, runtime].into_iter().flatten().collect()
}

/// `; restarted before: etcd, kube-apiserver`, or nothing.
fn after(restarted: &[String]) -> String {
    if restarted.is_empty() { String::new() } else { format!("; restarted before: {}", restarted.join(", ")) }
}

/// Where a component that does not come back says why. The kubelet has neither manifest nor container.
fn where_to_look(component: &str) -> String {
    if component == KUBELET {
        return "see what it says (`journalctl -u kubelet`)".to_owned();
    }
    format!(
        "its manifest is in its place; see what it says (`crictl ps -a --name {component}`, `crictl logs`, `journalctl -u kubelet`)"
    )
}
