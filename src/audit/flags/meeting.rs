//! What one component shows, and another is told to accept: each side is right by itself, and they do not get on.

use std::path::PathBuf;

use super::{API_SERVER, CONTROLLER_MANAGER, ETCD, Flagged, KUBELET, is_useless};
use crate::audit::{Finding, FindingCode};
use crate::inventory::{Found, Part};
use crate::text::file_name;
use crate::x509::{ExtendedKeyUsage, read_certificates, verify_chain};

/// A certificate that is shown to a component.
struct Meeting {
    /// Who shows it, how that is told, and which file.
    shown: (&'static str, &'static str, PathBuf),
    /// Who looks at it, how that is told its CAs, and which file.
    trusted: (&'static str, &'static str, PathBuf),
    purpose: ExtendedKeyUsage,
    /// What does not work then.
    fails: &'static str,
}

/// Of pods: who shows what, to whom, whether as a server, and what fails.
const OF_PODS: [(&str, &str, &str, &str, bool, &str); 5] = [
    (API_SERVER, "etcd-certfile", ETCD, "trusted-ca-file", false, "the API server has no data"),
    (ETCD, "cert-file", API_SERVER, "etcd-cafile", true, "the API server has no data"),
    (ETCD, "peer-cert-file", ETCD, "peer-trusted-ca-file", false, "etcd's members cannot connect to each other"),
    (API_SERVER, "tls-cert-file", CONTROLLER_MANAGER, "root-ca-file", true, "pods do not trust the API server"),
    (
        API_SERVER,
        "proxy-client-cert-file",
        API_SERVER,
        "requestheader-client-ca-file",
        false,
        "aggregated APIs refuse the API server",
    ),
];

pub(super) fn judge(flagged: &Flagged<'_>, known: &[Finding]) -> Vec<Finding> {
    let mut findings: Vec<_> = meetings(flagged).iter().filter_map(|one| refused(flagged, one, known)).collect();
    findings.extend(name(flagged));
    findings
}

fn meetings(flagged: &Flagged<'_>) -> Vec<Meeting> {
    let of_pods = OF_PODS.into_iter().filter_map(|(shows, flag, looks, ca_flag, is_server, fails)| {
        Some(Meeting {
            shown: (shows, flag, flagged.file(shows, flag)?),
            trusted: (looks, ca_flag, flagged.file(looks, ca_flag)?),
            purpose: if is_server { ExtendedKeyUsage::ServerAuth } else { ExtendedKeyUsage::ClientAuth },
            fails,
        })
    });
    let to_kubelet = || {
        let authority = flagged.kubelet?.client_authority.clone()?;
        Some(Meeting {
            shown: (API_SERVER, "kubelet-client-certificate", flagged.file(API_SERVER, "kubelet-client-certificate")?),
            trusted: (KUBELET, "clientCAFile", authority),
            purpose: ExtendedKeyUsage::ClientAuth,
            fails: "logs, exec and metrics of this node fail",
        })
    };
    let of_kubelet = || {
        flagged.kubelet?;
        Some(Meeting {
            shown: (KUBELET, "what it serves", flagged.serving.certificate.clone()),
            trusted: (
                API_SERVER,
                "kubelet-certificate-authority",
                flagged.file(API_SERVER, "kubelet-certificate-authority")?,
            ),
            purpose: ExtendedKeyUsage::ServerAuth,
            fails: "logs, exec and metrics of this node fail",
        })
    };
    of_pods.chain(to_kubelet()).chain(of_kubelet()).collect()
}

fn refused(flagged: &Flagged<'_>, meeting: &Meeting, known: &[Finding]) -> Option<Finding> {
    let ((shows, flag, path), (looks, ca_flag, ca_path)) = (&meeting.shown, &meeting.trusted);
    if is_useless(known, path) || is_useless(known, ca_path) {
        return None;
    }
    let found = Found::pair(flagged.tree, path.clone(), path.clone());
    let leaf = found.certificate()?;
    let Part::Present(authorities) = Part::read(flagged.tree, ca_path, read_certificates) else { return None };
    let purpose = Some(&meeting.purpose).filter(|purpose| leaf.allows_purpose(purpose));
    let problem = verify_chain(leaf, found.intermediates(), &authorities, flagged.now, purpose).err()?;
    if problem.is_about_time() {
        return None;
    }
    let (told, ca_told) = (as_told(shows, flag), as_told(looks, ca_flag));
    let evidence = format!("{looks} refuses it ({ca_told} is {}): {problem}; {}", file_name(ca_path), meeting.fails);
    let remedy = format!(
        "have it signed by a CA of {}, or add the CA that signed it to that file; or name other files with {told} and {ca_told}",
        ca_path.display()
    );
    Some(Finding::new(FindingCode::FlagNotAccepted, shows, path, evidence, remedy))
}

fn as_told(component: &str, flag: &str) -> String {
    if component == KUBELET { format!("{flag} of the kubelet") } else { format!("--{flag} of {component}") }
}

/// The front proxy's certificate has a name that is not among those that may speak for others.
fn name(flagged: &Flagged<'_>) -> Option<Finding> {
    let (_, pod) = flagged.pod(API_SERVER)?;
    let path = pod.file("proxy-client-cert-file")?;
    let allowed = pod.flag("requestheader-allowed-names").filter(|names| !names.trim().is_empty())?;
    let certificates = flagged.certificates(&path);
    let own = certificates.first()?.subject().common_name().unwrap_or_default();
    if allowed.split(',').any(|name| name.trim() == own) {
        return None;
    }
    Some(Finding::new(
        FindingCode::FlagNotAccepted,
        API_SERVER,
        &path,
        format!(
            "it names {own:?}, and --requestheader-allowed-names has {allowed}: aggregated APIs refuse the API server"
        ),
        format!("add {own} to --requestheader-allowed-names, or make the certificate again with one of these names"),
    ))
}
