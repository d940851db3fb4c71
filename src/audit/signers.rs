//! The signers of the controller manager, by its flags: which pair each signs with, and why one does not.
//!
//! In: its static pod, the files that it names, now. Out: a [`Signer`] for each of the four that are built in, findings, and
//! what a kubeadm configuration would have to say. Nobody is asked whether they sign.
//!
//! Source: kubernetes `cmd/kube-controller-manager/app/certificates.go` (`startCSRSigningController`, `anySpecificFilesSet`),
//! `pkg/controller/certificates/signer`; KEP-1513 (`expirationSeconds`).

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::signing::{contradiction, judge_signing};
use super::{Finding, FindingCode, SeenCertificate, Severity};
use crate::catalogue::signer::{API_SERVER_CLIENT, KUBELET_CLIENT, KUBELET_SERVING, LEGACY_UNKNOWN};
use crate::component::StaticPod;
use crate::config::parse_duration;
use crate::inventory::Found;
use crate::text::file_name;
use crate::tree::{Observed, Tree};
use crate::x509::Certificate;
use crate::yaml::to_yaml;

/// The component that signs.
pub const CONTROLLER_MANAGER: &str = "kube-controller-manager";

/// What its signers are called in the API, and in its flags.
pub const BUILT_IN: [(&str, &str); 4] = [
    (API_SERVER_CLIENT, "-kube-apiserver-client"),
    (KUBELET_CLIENT, "-kubelet-client"),
    (KUBELET_SERVING, "-kubelet-serving"),
    (LEGACY_UNKNOWN, "-legacy-unknown"),
];

/// The names of the controller in `--controllers`, the older one last.
const CONTROLLER: [&str; 2] = ["certificatesigningrequest-signing-controller", "csrsigning"];

/// For how long is signed without `--cluster-signing-duration`.
const USUAL: TimeDelta = TimeDelta::days(365);

/// How a signer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignerState {
    /// It has what it needs.
    Ready,
    /// It is not told to sign.
    Disabled,
    /// It is told to sign, and cannot.
    Broken,
    /// What it has cannot be seen.
    Unknown,
}

impl SignerState {
    /// Its word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Disabled => "disabled",
            Self::Broken => "broken",
            Self::Unknown => "unknown",
        }
    }
}

/// One signer, by the flags and files of this node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// Its name in the API.
    pub name: String,
    /// Whether it can sign.
    pub state: SignerState,
    /// Why it does not; empty where it does.
    pub reason: String,
    /// Whether it has a pair of its own, and not the one for all.
    pub has_own_pair: bool,
    /// The file of the CA's certificate, on the node.
    pub certificate: Option<PathBuf>,
    /// The file of its key.
    pub key: Option<PathBuf>,
    /// The CA that signs.
    pub authority: Option<SeenCertificate>,
    /// For how many seconds it signs at most now: what the controller manager is set to, and no longer than the CA lasts.
    pub longest_seconds: Option<i64>,
}

/// What `controllerManager.extraArgs` would have to say, as a part of a `ClusterConfiguration`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtraArgs {
    /// In the words of `kubeadm.k8s.io/v1beta4`.
    pub v1beta4: String,
    /// In those of `kubeadm.k8s.io/v1beta3`.
    pub v1beta3: String,
}

/// All that is to be said of the signers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signers {
    /// Each of [`BUILT_IN`].
    pub all: Vec<Signer>,
    /// What keeps them from signing.
    pub findings: Vec<Finding>,
    /// Whether one lacks nothing but the flags of a pair.
    pub lacks_flags: bool,
}

/// The files that the signers' flags name.
#[must_use]
pub fn files(pod: &StaticPod) -> Vec<PathBuf> {
    let signers = BUILT_IN.iter().map(|(_, flag)| *flag).chain([""]);
    signers.flat_map(|signer| ["cert", "key"].into_iter().filter_map(move |end| pod.file(&flag(signer, end)))).collect()
}

/// Judges the signers of the controller manager `pod`, whose manifest is at `manifest`.
#[must_use]
pub fn judge(manifest: &Path, pod: &StaticPod, tree: &Tree, now: DateTime<Utc>) -> Signers {
    let judge = Judge { pod, tree, now, longest: longest(pod) };
    let mut findings: Vec<Finding> = contradiction(manifest, pod).into_iter().collect();
    let all_are = match findings.first() {
        Some(finding) => Some((SignerState::Broken, finding.evidence.clone())),
        None if !is_controller_on(pod) => {
            Some((SignerState::Disabled, "--controllers turns the signing controller off".to_owned()))
        }
        None => None,
    };
    let has_own =
        BUILT_IN.iter().any(|(_, signer)| ["cert", "key"].iter().any(|end| !judge.value(signer, end).is_empty()));
    let mut all = Vec::new();
    for (name, own) in BUILT_IN {
        let mut signer = judge.signer(name, if has_own { own } else { "" }, &mut findings);
        if let Some((state, reason)) = &all_are {
            (signer.state, signer.reason, signer.longest_seconds) = (*state, reason.clone(), None);
        }
        all.push(signer);
    }
    let lacks_flags = all_are.is_none() && all.iter().any(|signer| signer.state == SignerState::Disabled);
    Signers { all, findings, lacks_flags }
}

/// The signers where nothing is known of the controller manager, and why.
#[must_use]
pub fn unknown(reason: &str) -> Signers {
    let signer = |(name, _): (&str, _)| Signer { reason: reason.to_owned(), ..blank(name, SignerState::Unknown) };
    Signers { all: BUILT_IN.into_iter().map(signer).collect(), findings: Vec::new(), lacks_flags: false }
}

/// What a `ClusterConfiguration` says so that all signers sign with one pair.
#[must_use]
pub fn extra_args(certificate: &Path, key: &Path) -> ExtraArgs {
    let pairs = [("cert", certificate), ("key", key)];
    let pairs = pairs.map(|(end, path)| (flag("", end), path.display().to_string()));
    let listed = pairs.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let mapped = Value::Object(pairs.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect());
    let document = |version: &str, extra: Value| {
        let document = [
            ("apiVersion", format!("kubeadm.k8s.io/{version}").into()),
            ("controllerManager", json!({ "extraArgs": extra })),
            ("kind", "ClusterConfiguration".into()),
        ];
        to_yaml(&document.map(|(name, value)| (name.to_owned(), value)).into_iter().collect())
    };
    ExtraArgs { v1beta4: document("v1beta4", Value::Array(listed)), v1beta3: document("v1beta3", mapped) }
}

/// The controller manager's flag with what a signer has; the common one for no name.
#[must_use]
pub fn flag(signer: &str, end: &str) -> String {
    format!("cluster-signing{signer}-{end}-file")
}

fn blank(name: &str, state: SignerState) -> Signer {
    Signer {
        name: name.to_owned(),
        state,
        reason: String::new(),
        has_own_pair: false,
        certificate: None,
        key: None,
        authority: None,
        longest_seconds: None,
    }
}

/// For how long is signed; none where the flag's value is no time.
fn longest(pod: &StaticPod) -> Option<TimeDelta> {
    match pod.flag("cluster-signing-duration") {
        None | Some("") => Some(USUAL),
        Some(text) => parse_duration(text).ok().filter(|time| *time > TimeDelta::zero()),
    }
}

/// Whether `--controllers` has the controller; the first word about it counts, then `*`.
fn is_controller_on(pod: &StaticPod) -> bool {
    let Some(listed) = pod.flag("controllers").filter(|listed| !listed.is_empty()) else { return true };
    let words: Vec<&str> = listed.split(',').map(str::trim).collect();
    let about = |word: &&&str| CONTROLLER.contains(&word.trim_start_matches('-'));
    words.iter().find(about).map_or_else(|| words.contains(&"*"), |word| !word.starts_with('-'))
}

/// What all signers are judged by.
struct Judge<'a> {
    pod: &'a StaticPod,
    tree: &'a Tree,
    now: DateTime<Utc>,
    longest: Option<TimeDelta>,
}

impl Judge<'_> {
    fn value(&self, signer: &str, end: &str) -> &str {
        self.pod.flag(&flag(signer, end)).unwrap_or_default()
    }

    /// One signer, with the pair of the flags for `own`; what is wrong with a pair that several have is said once.
    fn signer(&self, name: &str, own: &str, findings: &mut Vec<Finding>) -> Signer {
        let signer = Signer {
            has_own_pair: !own.is_empty(),
            certificate: self.pod.file(&flag(own, "cert")),
            key: self.pod.file(&flag(own, "key")),
            ..blank(name, SignerState::Ready)
        };
        let given = ["cert", "key"].map(|end| !self.value(own, end).is_empty());
        let [cert_flag, key_flag] = ["cert", "key"].map(|end| format!("--{}", flag(own, end)));
        let stops = |state, reason: String, signer: Signer| Signer { state, reason, ..signer };
        match (given, &signer.certificate, &signer.key) {
            ([false, false], ..) if signer.has_own_pair => {
                let reason =
                    format!("other signers have pairs of their own, and {cert_flag} and {key_flag} are not given");
                stops(SignerState::Disabled, reason, signer)
            }
            ([false, false], ..) => {
                stops(SignerState::Disabled, format!("{cert_flag} and {key_flag} are not given"), signer)
            }
            ([has_cert, true | false], ..) if given != [true, true] => {
                let lacking = if has_cert { key_flag } else { cert_flag };
                // A pair for all that is not whole counts as none.
                let state = if signer.has_own_pair { SignerState::Broken } else { SignerState::Disabled };
                stops(state, format!("{lacking} is not given"), signer)
            }
            (_, Some(certificate), Some(key)) => {
                let (certificate, key) = (certificate.clone(), key.clone());
                self.with_pair(signer, &certificate, &key, findings)
            }
            _ => {
                let reason = format!("{cert_flag} or {key_flag} is no absolute path");
                stops(SignerState::Unknown, reason, signer)
            }
        }
    }

    fn with_pair(&self, signer: Signer, certificate: &Path, key: &Path, findings: &mut Vec<Finding>) -> Signer {
        let unseen = [certificate, key].into_iter().find_map(|path| match self.tree.get(path) {
            Observed::Unreadable(fault) => Some(fault.message.clone()),
            Observed::Missing if !self.pod.mounts(path) => {
                Some(format!("{} is in none of its mounts: it may be in the image", path.display()))
            }
            Observed::Missing | Observed::File { .. } => None,
        });
        let pair = Found::pair(self.tree, certificate.to_owned(), key.to_owned());
        let authority = pair.certificate();
        let seen = |one: &Certificate| SeenCertificate::of(&file_name(certificate), certificate, one, self.now);
        let signer = Signer { authority: authority.map(seen), ..signer };
        if let Some(reason) = unseen {
            return Signer { state: SignerState::Unknown, reason, ..signer };
        }
        if let Some(finding) = judge_signing(CONTROLLER_MANAGER, self.tree, certificate, key, Severity::Critical) {
            let reason = finding.evidence.clone();
            if !findings.contains(&finding) {
                findings.push(finding);
            }
            return Signer { state: SignerState::Broken, reason, ..signer };
        }
        let left = authority.map(|authority| authority.not_after() - self.now);
        if let (Some(authority), Some(true)) = (authority, left.map(|left| left < TimeDelta::zero())) {
            let evidence = format!("it expired on {}: nothing can be signed with it", authority.not_after());
            let finding = Finding::new(
                FindingCode::CertificateExpired,
                CONTROLLER_MANAGER,
                certificate,
                evidence.clone(),
                "see what to do about the CA: `kubepki check`",
            );
            if !findings.contains(&finding) {
                findings.push(finding);
            }
            return Signer { state: SignerState::Broken, reason: evidence, ..signer };
        }
        let longest = self.longest.zip(left).map(|(longest, left)| longest.min(left).num_seconds());
        Signer { longest_seconds: longest, ..signer }
    }
}
