//! What a component is not told, and needs.

use std::path::PathBuf;

use super::{API_SERVER, CONTROLLER_MANAGER, ETCD, Flagged};
use crate::audit::{Finding, FindingCode, Severity};
use crate::catalogue::{named_by, row};
use crate::component::PAIRS;
use crate::remedy::command;

/// The controller manager's, for the service accounts' key.
const SIGNS_TOKENS: &str = "service-account-private-key-file";

/// Flags that belong together.
struct Needed {
    component: &'static str,
    flags: &'static [&'static str],
    /// What it means that they are not there.
    means: &'static str,
    /// The number of the benchmark's rule; nothing where it has none.
    number: &'static str,
    /// How bad it is; none where kubeadm leaves them out too.
    severity: Option<Severity>,
}

const NEEDED: [Needed; 13] = [
    Needed {
        component: API_SERVER,
        flags: &["tls-cert-file", "tls-private-key-file"],
        means: "it serves a certificate that it makes itself, which no client trusts",
        number: "1.2.24",
        severity: Some(Severity::Warning),
    },
    Needed {
        component: API_SERVER,
        flags: &["client-ca-file"],
        means: "it knows nobody by a client certificate, no kubelet either",
        number: "1.2.25",
        severity: Some(Severity::Warning),
    },
    Needed {
        component: API_SERVER,
        flags: &["kubelet-client-certificate", "kubelet-client-key"],
        means: "kubelets do not know it: they refuse logs and exec, or answer everyone",
        number: "1.2.4",
        severity: Some(Severity::Warning),
    },
    Needed {
        component: API_SERVER,
        flags: &["kubelet-certificate-authority"],
        means: "it accepts whatever certificate a kubelet serves, so that anyone between them can read logs and exec",
        number: "1.2.5",
        severity: None,
    },
    Needed {
        component: API_SERVER,
        flags: &["etcd-cafile"],
        means: "it does not know etcd's CA, and accepts an etcd of any CA that the system trusts",
        number: "1.2.26",
        severity: Some(Severity::Warning),
    },
    Needed {
        component: API_SERVER,
        flags: &["etcd-certfile", "etcd-keyfile"],
        means: "it has no certificate for etcd: etcd either accepts clients without one, or refuses the API server",
        number: "1.2.23",
        severity: Some(Severity::Warning),
    },
    Needed {
        component: API_SERVER,
        flags: &["requestheader-client-ca-file"],
        means: "aggregated API servers cannot tell its requests from those of other clients",
        number: "",
        severity: Some(Severity::Info),
    },
    Needed {
        component: CONTROLLER_MANAGER,
        flags: &["root-ca-file"],
        means: "pods get no CA with which they could verify the API server",
        number: "1.3.5",
        severity: Some(Severity::Warning),
    },
    Needed {
        component: CONTROLLER_MANAGER,
        flags: &[SIGNS_TOKENS],
        means: "it signs no tokens of service accounts",
        number: "1.3.4",
        severity: Some(Severity::Warning),
    },
    Needed {
        component: ETCD,
        flags: &["cert-file", "key-file"],
        means: "it serves no TLS with a certificate of its CA: all that is in the cluster is readable on the way",
        number: "2.1",
        severity: Some(Severity::Warning),
    },
    Needed {
        component: ETCD,
        flags: &["trusted-ca-file"],
        means: "it does not know which CA its clients have",
        number: "2.2",
        severity: Some(Severity::Warning),
    },
    Needed {
        component: ETCD,
        flags: &["peer-cert-file", "peer-key-file"],
        means: "its members talk without TLS of their CA",
        number: "2.4",
        severity: Some(Severity::Warning),
    },
    Needed {
        component: ETCD,
        flags: &["peer-trusted-ca-file"],
        means: "it does not know which CA its members have",
        number: "2.5",
        severity: Some(Severity::Warning),
    },
];

pub(super) fn judge(flagged: &Flagged<'_>) -> Vec<Finding> {
    NEEDED.iter().filter_map(|needed| absent(flagged, needed)).collect()
}

fn absent(flagged: &Flagged<'_>, needed: &Needed) -> Option<Finding> {
    let (manifest, pod) = flagged.pod(needed.component)?;
    // What a configuration file says is not a flag.
    if pod.flag("config-file").is_some() {
        return None;
    }
    let is_missing = |flag: &&&str| pod.flag(flag).is_none_or(str::is_empty);
    let missing: Vec<_> = needed.flags.iter().filter(is_missing).collect();
    if missing.is_empty() {
        return None;
    }
    let names: Vec<_> = missing.iter().map(|flag| format!("--{flag}")).collect();
    let files: Vec<_> = missing.iter().map(|flag| file_for(flagged, needed.component, flag)).collect();
    let value =
        |path: &Option<PathBuf>| path.as_ref().map_or_else(|| "FILE".to_owned(), |path| path.display().to_string());
    let set: Vec<_> = missing.iter().zip(&files).map(|(flag, file)| format!("--{flag}={}", value(file))).collect();
    let from = if files.iter().all(Option::is_some) { "" } else { ", with the files that kubeadm names there" };
    let severity = needed.severity.unwrap_or_else(|| flagged.severity_of_default());
    let rule = if needed.number.is_empty() { String::new() } else { format!(" (CIS {})", needed.number) };
    let (set, place) = (set.join(" and "), manifest.display());
    let remedy = match needed.severity {
        Some(_) => format!("add {set} to its command in {place}{from}; the kubelet then restarts it"),
        None => format!(
            "once all kubelets serve certificates of the cluster's CA, by `kubepki kubelet enable-serving-certs`, have it verify them: {}",
            command(["kubepki", "kubelet", "require-serving-certs"])
        ),
    };
    let evidence = format!("it has no {}: {}{rule}", names.join(" and no "), needed.means);
    Some(Finding::new(FindingCode::FlagAbsent, needed.component, manifest, evidence, remedy).as_bad_as(severity))
}

/// The file that kubeadm would name with the flag, where it is there.
fn file_for(flagged: &Flagged<'_>, component: &str, flag: &str) -> Option<PathBuf> {
    let layout = flagged.layout;
    let file = if flag == SIGNS_TOKENS {
        layout.service_account_key()
    } else if let Some((certificate_flag, _)) = PAIRS.iter().find(|(_, key_flag)| *key_flag == flag) {
        layout.key(row(named_by(component, certificate_flag)?)?.base_name)
    } else {
        layout.of(row(named_by(component, flag)?)?)
    };
    flagged.known.is_there(&file).then_some(file)
}
