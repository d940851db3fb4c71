//! Why a restart was not done, or not to its end.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::patience::Phase;
use crate::error::{Category, Diagnostic};
use crate::plan::restart::Obstacle;

/// A failure of `kubepki restart`. After each of them but [`RestartError::NotPutBack`] every manifest is in its place.
#[derive(Debug, thiserror::Error)]
pub enum RestartError {
    /// A component was named that this node has no manifest of.
    #[error("{component} is not a static pod of this node: there is no {}", manifest.display())]
    NotHere {
        /// The component.
        component: String,
        /// Where its manifest would be.
        manifest: PathBuf,
    },
    /// The node has no static pods of a control plane.
    #[error("nothing to restart on this node: none of etcd, kube-apiserver, kube-controller-manager, kube-scheduler has a manifest in {}", manifests_dir.display())]
    NoStaticPods {
        /// Where they would be.
        manifests_dir: PathBuf,
    },
    /// No kubelet runs that would react to anything.
    #[error("the kubelet does not run: nothing listens at {place}{}", why(.expired.as_ref(), .runtime.as_deref()))]
    NoKubelet {
        /// Where it was looked for.
        place: String,
        /// Its client certificate, if that has ended, and when.
        expired: Option<(PathBuf, DateTime<Utc>)>,
        /// Why its container runtime does not answer.
        runtime: Option<String>,
    },
    /// etcd would lose its quorum.
    #[error("without its member here etcd would lose its quorum: not well of its {members} members: {}", missing.join(", "))]
    QuorumAtRisk {
        /// How many members vote.
        members: usize,
        /// The members that are not well, and why.
        missing: Vec<String>,
    },
    /// The kubelet's configuration cannot be read.
    #[error("{} is not a kubelet configuration: {reason}", path.display())]
    BadKubeletConfiguration {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The time limit is zero, negative or beyond all measure.
    #[error("--timeout: {seconds} s is not a usable timeout")]
    BadTimeout {
        /// What was given.
        seconds: f64,
    },
    /// A manifest was held when an earlier run ended, and another one is in its place by now.
    #[error("{} differs from the manifest that a restart has held in {}", manifest.display(), held.display())]
    HeldConflict {
        /// The component.
        component: String,
        /// The manifest in its place.
        manifest: PathBuf,
        /// The one that was held.
        held: PathBuf,
    },
    /// A manifest could not be put back.
    #[error("the manifest of {component} could not be put back into {}: {reason}", manifest.display())]
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
    /// The component still ran when the time was up.
    #[error("{component} did not end within {waited_seconds:.0} s: {evidence}")]
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
    /// The component was not well when the time was up.
    #[error("{component} did not come back within {waited_seconds:.0} s: {evidence}")]
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
    /// etcd of this node lives, and the other members do not answer it.
    #[error("etcd runs with the new certificates and has no quorum yet: the other members do not answer")]
    NoQuorum {
        /// What had been restarted before.
        restarted: Vec<String>,
    },
    /// The caller asked to stop.
    #[error("interrupted while {component} was {phase}: every manifest is in its place{}", after(.restarted))]
    Interrupted {
        /// The component that was being restarted.
        component: String,
        /// What was being done.
        phase: Phase,
        /// What had been restarted before.
        restarted: Vec<String>,
    },
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

impl From<&RestartError> for Obstacle {
    fn from(error: &RestartError) -> Self {
        Self { code: error.code(), message: error.to_string(), hint: error.hint() }
    }
}

impl Diagnostic for RestartError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotHere { .. } => "restart.not_here",
            Self::NoStaticPods { .. } => "restart.no_static_pods",
            Self::NoKubelet { .. } => "restart.no_kubelet",
            Self::QuorumAtRisk { .. } => "restart.quorum_at_risk",
            Self::BadKubeletConfiguration { .. } => "restart.bad_kubelet_configuration",
            Self::BadTimeout { .. } => "restart.bad_timeout",
            Self::HeldConflict { .. } => "restart.held_conflict",
            Self::NotPutBack { .. } => "restart.not_put_back",
            Self::NotStopped { .. } => "restart.not_stopped",
            Self::NotHealthy { .. } => "restart.not_healthy",
            Self::NoQuorum { .. } => "restart.no_quorum",
            Self::Interrupted { .. } => "restart.interrupted",
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::NotHere { .. } => "name components that run on this node, or none for all of them".into(),
            Self::NoStaticPods { .. } => "on a worker only the kubelet can be restarted: `kubepki restart kubelet`; \
                 where the manifests are elsewhere, name their folder with --manifests-dir"
                .into(),
            Self::NoKubelet { expired: Some(_), .. } => {
                "renew the kubelet's client certificate and restart the kubelet, \
                 then the others: `kubepki certs renew all --kubelet --restart`, where the CA's key is on this node"
                    .into()
            }
            Self::NoKubelet { runtime: Some(_), .. } => {
                "start the container runtime first (`systemctl status containerd`), \
                 then the kubelet: `systemctl restart kubelet`"
                    .into()
            }
            Self::NoKubelet { .. } => "see why it does not run (`systemctl status kubelet`, `journalctl -u kubelet`); \
                 `kubepki restart --kubelet` starts it before the others"
                .into(),
            Self::QuorumAtRisk { .. } => {
                "mend these members first, and run it again; --ignore-quorum restarts etcd all the \
                 same, and the cluster cannot write until it is back"
                    .into()
            }
            Self::BadKubeletConfiguration { .. } => {
                "correct the file, or name the kubelet's directory with --kubelet-dir".into()
            }
            Self::BadTimeout { .. } => "give --timeout a time between a moment and a year, as 5m".into(),
            Self::HeldConflict { manifest, held, .. } => format!(
                "compare the two, keep the right one as {}, remove {}, and run again",
                manifest.display(),
                held.display()
            ),
            Self::NotPutBack { manifest, held, .. } => format!(
                "resolve the problem and run `kubepki restart`, or move {} to {} by hand",
                held.display(),
                manifest.display()
            ),
            Self::NotStopped { .. } => {
                "its manifest is in its place; see whether the kubelet runs (`systemctl status kubelet`)".into()
            }
            Self::NotHealthy { component, .. } => format!(
                "its manifest is in its place; see what it says (`crictl ps -a --name {component}`, `crictl logs`, \
                 `journalctl -u kubelet`) and run again"
            ),
            Self::NoQuorum { .. } => {
                "every manifest is in its place, and the kubelet starts the others when etcd answers: \
                 run the same command on the other control-plane nodes, then `kubepki restart` here"
                    .into()
            }
            Self::Interrupted { .. } => "run it again: what is up to date is not restarted".into(),
        }
    }

    fn category(&self) -> Category {
        match self {
            Self::NotHere { .. } | Self::BadTimeout { .. } => Category::Usage,
            Self::BadKubeletConfiguration { .. } => Category::Finding,
            Self::NoStaticPods { .. } | Self::NoKubelet { .. } | Self::QuorumAtRisk { .. } => Category::Environment,
            Self::HeldConflict { .. } => Category::Refused,
            Self::NotStopped { restarted, .. } | Self::NotHealthy { restarted, .. } if restarted.is_empty() => {
                Category::Environment
            }
            Self::NotPutBack { .. } | Self::NotStopped { .. } | Self::NotHealthy { .. } | Self::NoQuorum { .. } => {
                Category::Partial
            }
            Self::Interrupted { .. } => Category::Interrupted,
        }
    }

    fn context(&self) -> Value {
        match self {
            Self::NotHere { component, manifest } => json!({ "component": component, "manifest": manifest }),
            Self::BadKubeletConfiguration { path, reason } => json!({ "path": path, "reason": reason }),
            Self::NoStaticPods { manifests_dir } => json!({ "manifests_dir": manifests_dir }),
            Self::NoKubelet { place, expired, runtime } => {
                let path = expired.as_ref().map(|(path, _)| path);
                json!({ "place": place, "expired": path, "runtime": runtime })
            }
            Self::QuorumAtRisk { members, missing } => json!({ "members": members, "missing": missing }),
            Self::BadTimeout { seconds } => json!({ "seconds": seconds }),
            Self::HeldConflict { component, manifest, held } => {
                json!({ "component": component, "manifest": manifest, "held": held })
            }
            Self::NotPutBack { component, manifest, held, reason } => {
                json!({ "component": component, "manifest": manifest, "held": held, "reason": reason })
            }
            Self::NotStopped { component, waited_seconds, evidence, restarted }
            | Self::NotHealthy { component, waited_seconds, evidence, restarted } => json!({
                "component": component, "waited_seconds": waited_seconds, "evidence": evidence, "restarted": restarted,
            }),
            Self::NoQuorum { restarted } => json!({ "restarted": restarted }),
            Self::Interrupted { component, phase, restarted } => {
                json!({ "component": component, "phase": phase, "restarted": restarted })
            }
        }
    }
}
