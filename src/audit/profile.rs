//! What a profile asks of modes and owners: kubeadm's own way, or the CIS benchmark.
//!
//! In: what stands on the node, and the release of Kubernetes. Out: findings. In the profile `kubeadm` what a fresh
//! kubeadm leaves is right; in the profile `cis` the rules of the CIS Kubernetes Benchmark 1.1 and 4.1 hold. Keys and kubeconfigs that others can read are judged in both, elsewhere.
//!
//! Source: CIS Kubernetes Benchmark 1.10 (Kubernetes 1.28) and 1.11 (from 1.29); kubeadm `phases/certs`,
//! `util/staticpod`, `phases/kubelet/config.go`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Finding, FindingCode, Severity};
use crate::config::KubernetesVersion;
use crate::remedy::command;
use crate::store::Standing;

/// Whose rules hold for modes and owners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// What a fresh kubeadm leaves is right.
    #[default]
    Kubeadm,
    /// The CIS Kubernetes Benchmark.
    Cis,
}

impl Profile {
    /// A deviation that kubeadm has too: worth knowing, and for the benchmark a warning.
    #[must_use]
    pub const fn severity_of_default(self) -> Severity {
        match self {
            Self::Kubeadm => Severity::Info,
            Self::Cis => Severity::Warning,
        }
    }
}

/// What a file or folder is, as far as its mode and owner are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A certificate of the certificates directory.
    Certificate,
    /// A private key there.
    Key,
    /// A folder there, or `sa.pub`.
    OfPki,
    /// A static-pod manifest, with the numbers of the rules about its mode and owner.
    Manifest(&'static str, &'static str),
    /// A kubeconfig, with the numbers of the rules about its mode and owner.
    Kubeconfig(&'static str, &'static str),
    /// etcd's data folder.
    EtcdData,
    /// The CAs whose clients the kubelet accepts.
    KubeletAuthority,
    /// The kubelet's configuration.
    KubeletConfiguration,
    /// The unit of the kubelet's service.
    KubeletService,
    /// The CNI configuration of the container runtime.
    Network,
}

/// What is asked of one file.
struct Rule {
    /// The widest mode, and the number of the benchmark's rule; none where another judgement says it.
    mode: Option<(u32, &'static str)>,
    /// The number of the benchmark's rule about its owner.
    owner: &'static str,
}

/// A thing whose mode and owner are judged.
#[derive(Clone, Debug)]
pub struct Stands {
    /// What it is called in findings.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub role: Role,
    /// How it stands.
    pub standing: Standing,
}

/// What is known of the node besides.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// Whose rules hold.
    pub profile: Profile,
    /// The release, where it is known.
    pub version: Option<KubernetesVersion>,
    /// The user as which etcd runs.
    pub etcd_user: u32,
    /// The users of the node that are called `etcd`, or as kubeadm calls etcd's.
    pub etcd_accounts: Vec<u32>,
}

/// The first release of which the benchmark lets everybody read certificates.
const CERTIFICATES_ARE_PUBLIC: &str = "v1.29.0";

/// Judges mode and owner of every file and folder. A file that has such a finding in `known` gets no second one.
#[must_use]
pub fn judge(all: &[Stands], setting: &Setting, known: &[Finding]) -> Vec<Finding> {
    let is_said = |one: &Stands, code: FindingCode| {
        known.iter().any(|finding| finding.code == code && finding.path.as_ref() == Some(&one.path))
    };
    let judged = all.iter().flat_map(|one| {
        let mode = mode(one, setting).filter(|_| !is_said(one, FindingCode::FileModeTooWide));
        let owner = owner(one, setting).filter(|_| !is_said(one, FindingCode::FileOtherOwner));
        mode.into_iter().chain(owner)
    });
    judged.collect()
}

/// What the benchmark asks, for this release.
fn rule(role: Role, version: Option<&KubernetesVersion>) -> Rule {
    let public = KubernetesVersion::parse(CERTIFICATES_ARE_PUBLIC);
    let is_older = version.zip(public.as_ref()).is_some_and(|(version, public)| version < public);
    let of_certificates = if is_older { 0o600 } else { 0o644 };
    let (mode, owner) = match role {
        Role::Certificate => (Some((of_certificates, "1.1.20")), "1.1.19"),
        Role::Key => (Some((0o600, "1.1.21")), "1.1.19"),
        Role::OfPki => (None, "1.1.19"),
        Role::Manifest(mode, owner) | Role::Kubeconfig(mode, owner) => (Some((0o600, mode)), owner),
        Role::EtcdData => (Some((0o700, "1.1.11")), "1.1.12"),
        Role::KubeletAuthority => (Some((of_certificates, "4.1.7")), "4.1.8"),
        Role::KubeletConfiguration => (Some((0o600, "4.1.9")), "4.1.10"),
        Role::KubeletService => (Some((0o600, "4.1.1")), "4.1.2"),
        Role::Network => (Some((0o600, "1.1.9")), "1.1.10"),
    };
    Rule { mode, owner }
}

/// The widest mode that a fresh kubeadm, or the package of the kubelet, leaves.
const fn kubeadms(role: Role) -> Option<u32> {
    match role {
        Role::Certificate | Role::KubeletAuthority | Role::KubeletConfiguration | Role::KubeletService => Some(0o644),
        Role::Manifest(..) => Some(0o600),
        Role::EtcdData => Some(0o700),
        // Said of the key or kubeconfig itself, and of the folder that it is in; the network's files are not kubeadm's.
        Role::Key | Role::Kubeconfig(..) | Role::OfPki | Role::Network => None,
    }
}

fn mode(one: &Stands, setting: &Setting) -> Option<Finding> {
    let Standing { mode, owner, is_folder, .. } = one.standing;
    let (widest, asks) = match setting.profile {
        Profile::Kubeadm => (kubeadms(one.role)?, "kubeadm gives it".to_owned()),
        Profile::Cis => {
            // What others can read of a key or kubeconfig is said in both profiles.
            let (widest, number) = rule(one.role, setting.version.as_ref()).mode?;
            (widest, format!("CIS {number} asks for"))
        }
    };
    // A group of the owner's own number is its alone.
    let is_own_group = setting.profile == Profile::Kubeadm && owner.is_none_or(|(user, group)| user == group);
    let more = mode & 0o777 & !widest & if is_own_group { 0o707 } else { 0o777 };
    let others_more = more & 0o077;
    if others_more == 0 {
        return None;
    }
    let may_write = others_more & 0o022 != 0;
    let is_grave = may_write || one.role == Role::EtcdData || setting.profile == Profile::Cis;
    let what = if is_folder { "folder" } else { "file" };
    let does = match (may_write, is_folder) {
        (true, _) => "others can change it",
        (false, true) => "others can look into it",
        (false, false) => "others can read it",
    };
    let finding = Finding::new(
        FindingCode::ProfileMode,
        &one.name,
        &one.path,
        format!("the {what} has mode {mode:04o}, and {asks} {widest:o}: {does}"),
        command(["chmod".as_ref(), format!("{widest:o}").as_ref(), one.path.as_os_str()]),
    );
    Some(finding.as_bad_as(if is_grave { Severity::Warning } else { Severity::Info }))
}

fn owner(one: &Stands, setting: &Setting) -> Option<Finding> {
    let Standing { is_right_user, right_owner, .. } = one.standing;
    let owner = one.standing.owner?;
    let is_root = owner == (0, 0) || owner == right_owner;
    let number = rule(one.role, setting.version.as_ref()).owner;
    let (is_right, asks, wanted) = match (one.role, setting.profile) {
        (Role::EtcdData, Profile::Cis) => {
            let is_etcds = setting.etcd_accounts.contains(&owner.0);
            (is_etcds, format!("CIS {number} asks for the user etcd"), "etcd:etcd".to_owned())
        }
        (Role::EtcdData, Profile::Kubeadm) => (
            is_right_user || owner.0 == setting.etcd_user,
            format!("etcd runs as {}", setting.etcd_user),
            named((setting.etcd_user, setting.etcd_user)),
        ),
        (_, Profile::Cis) => (is_root, format!("CIS {number} asks for root:root"), named(right_owner)),
        // Said of the key or kubeconfig itself, and of the folder that it is in; the network's files are not kubeadm's.
        (Role::Key | Role::Kubeconfig(..) | Role::OfPki | Role::Network, Profile::Kubeadm) => return None,
        (_, Profile::Kubeadm) => (is_right_user, "kubeadm's is root's".to_owned(), named(right_owner)),
    };
    if is_right {
        return None;
    }
    let chown = command(["chown".as_ref(), wanted.as_ref(), one.path.as_os_str()]);
    let remedy = if wanted == "etcd:etcd" && setting.etcd_accounts.is_empty() {
        format!("make the user etcd on the node (useradd --system --user-group etcd), and give it the folder: {chown}")
    } else {
        chown
    };
    let evidence = format!("it belongs to {}, and {asks}", named(owner));
    Some(Finding::new(FindingCode::ProfileOwner, &one.name, &one.path, evidence, remedy))
}

/// `root:root`, or both numbers.
fn named(owner: (u32, u32)) -> String {
    match owner {
        (0, 0) => "root:root".to_owned(),
        (user, group) => format!("{user}:{group}"),
    }
}
