//! What the kubelet is told, and the name in what it serves.
//!
//! Source: kubelet `pkg/kubelet/apis/config/v1beta1/defaults.go`; KEP-4872: an API server with
//! `--enable-kubelet-cert-cn-validation` wants the common name `system:node:NAME`; CIS 4.2.1, 4.2.3, 4.2.10, 4.2.11.

use super::{API_SERVER, Flagged, KUBELET};
use crate::audit::{Finding, FindingCode, Severity};
use crate::catalogue::SYSTEM_NODE;
use crate::component::{Authorization, KubeletConfiguration, ServingSource};
use crate::remedy::command;

/// The flag of the API server that makes the name count.
const CHECKED: &str = "enable-kubelet-cert-cn-validation";

pub(super) fn judge(flagged: &Flagged<'_>) -> Vec<Finding> {
    let Some(told) = flagged.kubelet else { return Vec::new() };
    told_of(flagged, told).into_iter().chain(anonymous(flagged, told)).chain(name(flagged)).collect()
}

fn restart() -> String {
    command(["systemctl", "restart", "kubelet"])
}

/// Fields that are not there, or off.
fn told_of(flagged: &Flagged<'_>, told: &KubeletConfiguration) -> Vec<Finding> {
    let path = &flagged.kubelet_config;
    let finding = |severity: Severity, evidence: String, remedy: String| {
        Finding::new(FindingCode::FlagAbsent, KUBELET, path, evidence, remedy).as_bad_as(severity)
    };
    let (place, restart) = (path.display(), restart());
    let authority = told.client_authority.is_none().then(|| {
        finding(
            Severity::Warning,
            "it has no authentication.x509.clientCAFile: it knows no API server by its certificate (CIS 4.2.3)".into(),
            format!(
                "set authentication.x509.clientCAFile to {} in {place}, then restart it: {restart}",
                flagged.authority.display()
            ),
        )
    });
    let rotation = (!told.rotates_client_certificate).then(|| {
        finding(
            flagged.severity_of_default(),
            "rotateCertificates is not on: nobody renews its client certificate before it ends (CIS 4.2.10)".into(),
            format!("set rotateCertificates to true in {place}, then restart it: {restart}"),
        )
    });
    let own = (flagged.serving.source == ServingSource::Own).then(|| {
        finding(
            flagged.severity_of_default(),
            "it serves a certificate that it has made itself, which nobody can verify: serverTLSBootstrap is not on (CIS 4.2.11)".into(),
            format!(
                "have it ask for one, and approve its request: {}, then {}",
                command(["kubepki", "kubelet", "enable-serving-certs", "--restart"]),
                command(["kubepki", "kubelet", "approve", "--allow", "NODE=ADDRESS"])
            ),
        )
    });
    authority.into_iter().chain(rotation).chain(own).collect()
}

fn anonymous(flagged: &Flagged<'_>, told: &KubeletConfiguration) -> Option<Finding> {
    if !told.admits_anonymous {
        return None;
    }
    let (severity, then) = if told.authorization == Authorization::AlwaysAllow {
        (Severity::Critical, "and does what they ask: whoever reaches its port runs commands in every pod")
    } else {
        (Severity::Warning, "and leaves it to the API server what they may")
    };
    let finding = Finding::new(
        FindingCode::FlagOpen,
        KUBELET,
        &flagged.kubelet_config,
        format!("it answers callers without certificate or token, {then} (CIS 4.2.1)"),
        format!(
            "set authentication.anonymous.enabled to false in {}, then restart it: {}",
            flagged.kubelet_config.display(),
            restart()
        ),
    );
    Some(finding.as_bad_as(severity))
}

/// The common name of a serving certificate that others can verify.
fn name(flagged: &Flagged<'_>) -> Option<Finding> {
    if flagged.serving.source == ServingSource::Own {
        return None;
    }
    let path = &flagged.serving.certificate;
    let certificates = flagged.certificates(path);
    let own = certificates.first()?.subject().common_name().unwrap_or_default();
    let wanted = flagged.node_name.as_ref().map(|name| format!("{SYSTEM_NODE}{name}"));
    let is_right = wanted.as_ref().map_or_else(|| own.starts_with(SYSTEM_NODE), |wanted| own == *wanted);
    if is_right {
        return None;
    }
    let is_checked = flagged.pod(API_SERVER).is_some_and(|(_, pod)| pod.is_on(CHECKED));
    let wanted = wanted.unwrap_or_else(|| format!("{SYSTEM_NODE}NAME"));
    let finding = Finding::new(
        FindingCode::CertificateNotNodeName,
        KUBELET,
        path,
        format!("what the kubelet serves names {own:?}, and an API server that checks it (--{CHECKED}) wants {wanted}"),
        format!("have it issued with the common name {wanted}, or let the kubelet ask for it (serverTLSBootstrap)"),
    );
    Some(finding.as_bad_as(if is_checked { Severity::Critical } else { Severity::Info }))
}
