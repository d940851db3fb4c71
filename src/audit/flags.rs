//! Compares the flags of a node's components with the files that they name.
//!
//! In: [`Flagged`]: the flags of static pods, the kubelet's configuration, the files that they name, now. Out: findings. What
//! kubeadm leaves out too is worth knowing; in the profile `cis` it is a warning.
//!
//! | part | what it judges |
//! |---|---|
//! | `absent` | what a component is not told, and needs |
//! | `files` | files that flags name and that are not there, certificates with another's key |
//! | `open` | who is let in without a certificate |
//! | `shared` | a CA with two purposes that must not have both |
//! | `meeting` | what one component shows, and another is told to accept |
//! | `kubelet` | what the kubelet is told, and the name in what it serves |
//!
//! Source: the components' options in Kubernetes 1.36 and etcd 3.6; CIS Kubernetes Benchmark 1.11, sections 1.2, 1.3, 2
//! and 4.2.

mod absent;
mod files;
mod kubelet;
mod meeting;
mod open;
mod shared;

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::profile::Profile;
use super::{Finding, FindingCode, Severity};
use crate::catalogue::Layout;
use crate::component::{KubeletConfiguration, ServingFiles, StaticPod};
use crate::config::KubernetesVersion;
use crate::inventory::Part;
use crate::tree::Tree;
use crate::x509::{Certificate, read_certificates};

const API_SERVER: &str = "kube-apiserver";
const CONTROLLER_MANAGER: &str = "kube-controller-manager";
const ETCD: &str = "etcd";
const KUBELET: &str = "kubelet";

/// What components are told, and what was read of it.
#[derive(Debug)]
pub struct Flagged<'a> {
    /// The static pods with their manifests.
    pub pods: Vec<(&'static str, PathBuf, &'a StaticPod)>,
    /// The kubelet's configuration, where it was read.
    pub kubelet: Option<&'a KubeletConfiguration>,
    /// What the kubelet serves with.
    pub serving: &'a ServingFiles,
    /// The node's name, where it is known.
    pub node_name: Option<String>,
    /// Every file that is named.
    pub tree: &'a Tree,
    /// Where kubeadm keeps the certificate of the cluster's CA on this node.
    pub authority: PathBuf,
    /// Where it keeps everything.
    pub layout: &'a Layout,
    /// What is there of that.
    pub known: &'a Tree,
    /// The kubelet's configuration file.
    pub kubelet_config: PathBuf,
    /// The release of Kubernetes, where it is known.
    pub version: Option<&'a KubernetesVersion>,
    /// Whose rules hold.
    pub profile: Profile,
    /// The moment for which it holds.
    pub now: DateTime<Utc>,
}

/// Judges all of it. A file that has a finding in `known` gets no second one.
#[must_use]
pub fn judge(flagged: &Flagged<'_>, known: &[Finding]) -> Vec<Finding> {
    let mut findings = absent::judge(flagged);
    findings.extend(files::judge(flagged, known));
    findings.extend(open::judge(flagged));
    findings.extend(shared::judge(flagged));
    findings.extend(meeting::judge(flagged, known));
    findings.extend(kubelet::judge(flagged));
    findings
}

impl<'a> Flagged<'a> {
    /// The pod of that name, with its manifest.
    fn pod(&self, name: &str) -> Option<(&Path, &'a StaticPod)> {
        self.pods.iter().find(|(own, ..)| *own == name).map(|(_, manifest, pod)| (manifest.as_path(), *pod))
    }

    /// The file that a flag of a component names.
    fn file(&self, component: &str, flag: &str) -> Option<PathBuf> {
        self.pod(component)?.1.file(flag)
    }

    /// The certificates in a file; none where there are none that can be read.
    fn certificates(&self, path: &Path) -> Vec<Certificate> {
        match Part::read(self.tree, path, read_certificates) {
            Part::Present(certificates) => certificates,
            Part::Missing | Part::Broken(_) => Vec::new(),
        }
    }

    fn severity_of_default(&self) -> Severity {
        self.profile.severity_of_default()
    }
}

/// Whether something is known already that makes the file useless.
fn is_useless(known: &[Finding], path: &Path) -> bool {
    known.iter().any(|finding| {
        finding.path.as_deref() == Some(path)
            && finding.is_critical()
            && finding.code != FindingCode::CertificateExpired
            && finding.code != FindingCode::CertificateExpiresSoon
    })
}
