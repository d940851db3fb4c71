//! Who is let in without a certificate of the right CA.
//!
//! Source: etcd "Transport security model"; CIS 2.2, 2.3, 2.5, 2.6.

use super::{ETCD, Flagged};
use crate::audit::{Finding, FindingCode, Severity};
use crate::component::{StaticPod, Url};

pub(super) fn judge(flagged: &Flagged<'_>) -> Vec<Finding> {
    let Some((manifest, pod)) = flagged.pod(ETCD).filter(|(_, pod)| pod.flag("config-file").is_none()) else {
        return Vec::new();
    };
    let finding = |evidence: String, remedy: &str, severity: Severity| {
        let remedy = format!("{remedy} its command in {}; the kubelet then restarts it", manifest.display());
        Finding::new(FindingCode::FlagOpen, ETCD, manifest, evidence, remedy).as_bad_as(severity)
    };
    let mut findings = Vec::new();
    for (flag, urls, who, number) in [
        (
            "client-cert-auth",
            "listen-client-urls",
            "whoever reaches its port can read and change everything in the cluster",
            "2.2",
        ),
        (
            "peer-client-cert-auth",
            "listen-peer-urls",
            "whoever reaches its port can join as a member and gets all data",
            "2.5",
        ),
    ] {
        if !pod.is_on(flag) {
            let severity = if is_reachable(pod, urls) { Severity::Critical } else { Severity::Warning };
            findings.push(finding(
                format!("--{flag} is not on: {who} (CIS {number})"),
                &format!("set --{flag}=true in"),
                severity,
            ));
        }
    }
    for (flag, whose, number) in [("auto-tls", "clients", "2.3"), ("peer-auto-tls", "members", "2.6")] {
        if pod.is_on(flag) {
            findings.push(finding(
                format!(
                    "--{flag} is on: it signs its certificate itself, and its {whose} cannot verify it (CIS {number})"
                ),
                &format!("take --{flag} out of"),
                Severity::Warning,
            ));
        }
    }
    findings
}

/// Whether others than this host can reach what it listens at; what it does not say is not known to be closed.
fn is_reachable(pod: &StaticPod, urls: &str) -> bool {
    pod.flag(urls).is_none_or(|urls| Url::list(urls).any(|url| !url.is_local()))
}
