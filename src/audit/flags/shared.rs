//! A CA with two purposes that must not have both.
//!
//! Source: kubernetes/kubernetes#119267 (NCC-E003660-F9W) and #131411: an API server from 1.35 on does not start when
//! `--client-ca-file` and `--requestheader-client-ca-file` have a certificate in common and no names are allowed; CIS 2.7.

use std::path::Path;

use super::{API_SERVER, ETCD, Flagged};
use crate::audit::{Finding, FindingCode, Severity};
use crate::config::KubernetesVersion;
use crate::text::file_name;
use crate::x509::Certificate;

/// The first release whose API server refuses it.
const REFUSED: &str = "v1.35.0";

pub(super) fn judge(flagged: &Flagged<'_>) -> Vec<Finding> {
    header(flagged).into_iter().chain(etcd(flagged)).collect()
}

/// A certificate whose key both files trust.
fn common(flagged: &Flagged<'_>, one: &Path, other: &Path) -> Option<Certificate> {
    let others = flagged.certificates(other);
    let is_there = |ca: &Certificate| others.iter().any(|other| other.public_key_info() == ca.public_key_info());
    flagged.certificates(one).into_iter().find(is_there)
}

fn header(flagged: &Flagged<'_>) -> Option<Finding> {
    let (manifest, pod) = flagged.pod(API_SERVER)?;
    let (clients, proxies) = (pod.file("client-ca-file")?, pod.file("requestheader-client-ca-file")?);
    let names = pod.flag("requestheader-allowed-names").unwrap_or_default();
    let is_named = names.split(',').any(|name| !name.trim().is_empty());
    if is_named {
        return None;
    }
    if let Some(ca) = common(flagged, &clients, &proxies) {
        let refuses = flagged.version.zip(KubernetesVersion::parse(REFUSED).as_ref()).map(|(is, from)| is >= from);
        let then = match refuses {
            Some(false) => "API servers from 1.35 on will not start with it",
            Some(true) | None => "API servers from 1.35 on do not start with it",
        };
        return Some(Finding::new(
            FindingCode::FlagSharedAuthority,
            API_SERVER,
            manifest,
            format!(
                "--client-ca-file and --requestheader-client-ca-file both trust {} (serial {}), and \
                 --requestheader-allowed-names is empty: whoever has a client certificate can be any user; {then}",
                ca.subject(),
                ca.serial()
            ),
            format!(
                "set --requestheader-allowed-names=front-proxy-client in the command in {} (the kubelet then restarts it), or give the front proxy a CA of its own",
                manifest.display()
            ),
        ));
    }
    let finding = Finding::new(
        FindingCode::FlagAbsent,
        API_SERVER,
        manifest,
        format!(
            "it has no --requestheader-allowed-names: every certificate of {} may speak for any user",
            file_name(&proxies)
        ),
        format!(
            "add --requestheader-allowed-names=front-proxy-client to its command in {}; the kubelet then restarts it",
            manifest.display()
        ),
    );
    Some(finding.as_bad_as(Severity::Info))
}

fn etcd(flagged: &Flagged<'_>) -> Option<Finding> {
    let (manifest, pod) = flagged.pod(ETCD)?;
    let trusted = pod.file("trusted-ca-file")?;
    let clients = flagged.file(API_SERVER, "client-ca-file").unwrap_or_else(|| flagged.authority.clone());
    let ca = common(flagged, &trusted, &clients)?;
    Some(Finding::new(
        FindingCode::FlagSharedAuthority,
        ETCD,
        manifest,
        format!(
            "it accepts every client of the cluster's CA ({}, serial {}), kubelets and users among them, and they may read all of it (CIS 2.7)",
            ca.subject(),
            ca.serial()
        ),
        format!(
            "give etcd a CA of its own, sign its certificates and those of its clients with it, and name it with --trusted-ca-file in {} and --etcd-cafile of the API server",
            manifest.display()
        ),
    ).as_bad_as(Severity::Warning))
}
