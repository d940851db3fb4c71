//! Which components of a node must be restarted so that they use what is on disk, and why.
//!
//! In: static-pod manifests, the kubelet's configuration, the certificates served live, when processes started and
//! files changed. Out: [`RestartPlan`], plain data. Pure: it reads no file and asks no port.
//!
//! | part | what it holds |
//! |---|---|
//! | `component` | where each component listens, what it reads, how its health is asked for |
//! | `kubelet` | the kubelet as such a component |
//! | `judge` | the decision |
//! | `way` | how it is restarted |
//! | `draft` | what becomes of each, and the order |
//! | `quorum` | whether etcd can spare its member |

mod component;
mod draft;
mod judge;
mod kubelet;
mod quorum;
mod way;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use component::{Component, Endpoint, Health, HealthAction, ReadFile, ServiceAccount, from_manifest};
pub use draft::{Inspection, Member, Step, draft, steps};
pub use judge::{Evidence, Judgement, Look, judge, start_of};
pub use kubelet::kubelet;
pub use quorum::{Quorum, QuorumMember, judge_quorum};
pub use way::{Drain, Manners, Sight, Way};

use crate::audit::Finding;
use crate::digest::sha256_hex;
use crate::error::Fault;
use crate::x509::Certificate;

/// What happens to a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestartAction {
    /// It is restarted.
    Restart,
    /// It uses what is on disk.
    Keep,
    /// It is not asked for, or not on this node.
    Skip,
    /// It would not come up again: a finding says why.
    Blocked,
}

/// A certificate, served or on disk, as far as the comparison is concerned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveCertificate {
    /// Its subject (RFC 4514).
    pub subject: String,
    /// Its serial number in hexadecimal.
    pub serial: String,
    /// Its first moment.
    pub not_before: DateTime<Utc>,
    /// Its last moment.
    pub not_after: DateTime<Utc>,
    /// The SHA-256 of its DER in hexadecimal.
    pub fingerprint: String,
}

impl LiveCertificate {
    /// What can be said of `certificate`.
    #[must_use]
    pub fn of(certificate: &Certificate) -> Self {
        Self {
            subject: certificate.subject().to_string(),
            serial: certificate.serial().to_string(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            fingerprint: sha256_hex(certificate.as_der()),
        }
    }
}

/// One port of a component: what it serves, and what it should.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointPlan {
    /// What it is for: `clients`, `peers`, `serving`.
    pub purpose: String,
    /// Where it was looked at.
    pub address: String,
    /// The certificate that is served there; none when none could be seen.
    pub served: Option<LiveCertificate>,
    /// Why none could be seen.
    pub problem: Option<String>,
    /// The file that it is read from; none when it is made in memory.
    pub path: Option<PathBuf>,
    /// The first certificate of that file.
    pub on_disk: Option<LiveCertificate>,
}

impl EndpointPlan {
    /// Whether what is on disk is served there; none where that cannot be said.
    #[must_use]
    pub fn is_current(&self) -> Option<bool> {
        let (served, on_disk) = (self.served.as_ref()?, self.on_disk.as_ref()?);
        Some(served.fingerprint == on_disk.fingerprint)
    }
}

/// One component, and what happens to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentPlan {
    /// Its name: `etcd`, `kube-apiserver`, …, `kubelet`.
    pub name: String,
    /// What happens to it.
    pub action: RestartAction,
    /// Why, each in a few words.
    pub reasons: Vec<String>,
    /// The files that it has not read since they changed, where that is a reason.
    #[serde(default)]
    pub outdated_files: Vec<PathBuf>,
    /// What it will load by itself in a while, each in a few words.
    pub awaited: Vec<String>,
    /// How it is restarted; none when it is not.
    pub way: Option<Way>,
    /// Why not by a shorter way.
    pub way_reason: Option<String>,
    /// The longest that the kubelet may wait before it starts it again, in seconds.
    pub back_off_seconds: u64,
    /// Its static-pod manifest; none for the kubelet.
    pub manifest: Option<PathBuf>,
    /// When it started, where that can be seen.
    pub started_at: Option<DateTime<Utc>>,
    /// Its ports.
    pub endpoints: Vec<EndpointPlan>,
}

/// A manifest that a restart which did not end has left outside the manifests directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldManifest {
    /// The component.
    pub component: String,
    /// Where it belongs.
    pub manifest: PathBuf,
    /// Where it is.
    pub held: PathBuf,
    /// Since when; none when its note is unreadable.
    pub held_at: Option<DateTime<Utc>>,
}

/// All that one run would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RestartPlan {
    /// The moment for which it was made.
    pub made_at: DateTime<Utc>,
    /// The directory in front of every path.
    pub rootfs: Option<PathBuf>,
    /// Where the kubelet reads static-pod manifests.
    pub manifests_dir: PathBuf,
    /// How long the kubelet may take to see a change there, in seconds.
    pub file_check_frequency_seconds: f64,
    /// Manifests that are put back first.
    pub held: Vec<HeldManifest>,
    /// Every component, in the order of the restarts.
    pub components: Vec<ComponentPlan>,
    /// What stands against it; a critical finding blocks the whole plan.
    pub findings: Vec<Finding>,
    /// What of the node itself stands against any restart: an error when it is tried.
    pub obstacles: Vec<Fault>,
}

impl RestartPlan {
    /// Whether a critical finding stands against it.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.findings.iter().any(Finding::is_critical)
    }

    /// The components that are restarted, in order.
    pub fn restarts(&self) -> impl Iterator<Item = &ComponentPlan> {
        self.components.iter().filter(|component| component.action == RestartAction::Restart)
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty() && self.restarts().next().is_none()
    }
}
