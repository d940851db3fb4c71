//! Whether a component uses what is on disk.
//!
//! In: a [`Component`] and what was seen of it ([`Evidence`]). Out: reasons to restart it; none when it is up to date.
//! What cannot be seen is a reason. Three things are looked at:
//!
//! 1. The certificate that is served, against the first one of its file. etcd and the API server load a changed file
//!    by themselves, so that they serve the new one is proof, and that they started before it changed is none.
//! 2. Every other file that the component reads, against the moment when the process started: it may have changed
//!    since.
//! 3. Where the kernel does not show the process: the controller manager and the scheduler make a certificate in memory
//!    when they start, valid from an hour before, and its subject names the second.
//!
//! Source: client-go `util/cert` (`GenerateSelfSignedCertKeyWithOptions`), etcd `client/pkg/transport/listener.go`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use super::component::{Component, Endpoint};
use super::{EndpointPlan, LiveCertificate};
use crate::x509::Certificate;

/// What was seen at one endpoint.
#[derive(Clone, Debug)]
pub struct Look {
    /// The first certificate of the chain, or why it could not be seen.
    pub served: Result<Certificate, String>,
    /// The first certificate of the file, where there is one.
    pub on_disk: Option<Certificate>,
}

/// What was seen of a component.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// For each endpoint, in order.
    pub looks: Vec<Look>,
    /// When the process that listens started, if the kernel shows it.
    pub process_started_at: Option<DateTime<Utc>>,
    /// When each file that is there changed last.
    pub changed: Vec<(PathBuf, DateTime<Utc>)>,
}

/// Why the component must be restarted.
#[must_use]
pub fn judge(component: &Component, evidence: &Evidence) -> Vec<String> {
    let mut reasons = Vec::new();
    let mut proven = BTreeSet::new();
    for (endpoint, look) in component.endpoints.iter().zip(&evidence.looks) {
        match (&look.served, &look.on_disk) {
            (Err(problem), _) => reasons.push(problem.clone()),
            (Ok(served), Some(on_disk)) if served.as_der() == on_disk.as_der() => {
                proven.extend(endpoint.certificate.iter().chain(&endpoint.key).map(PathBuf::as_path));
            }
            (Ok(served), Some(on_disk)) => {
                reasons.push(format!("serves {}, on disk is {}", served.serial(), on_disk.serial()));
            }
            (Ok(_), None) => {}
        }
    }
    // A port that cannot be seen says enough: the process may be another one by now.
    if reasons.is_empty() {
        reasons.extend(outdated(component, evidence, &proven));
    }
    reasons
}

fn outdated(component: &Component, evidence: &Evidence, proven: &BTreeSet<&Path>) -> Option<String> {
    let others: Vec<_> = evidence.changed.iter().filter(|(path, _)| !proven.contains(path.as_path())).collect();
    if others.is_empty() {
        return None;
    }
    let Some(started_at) = start_of(component, evidence) else {
        return Some("its start time cannot be determined".into());
    };
    let newer: Vec<_> = others.iter().filter(|(_, changed_at)| *changed_at >= started_at).collect();
    let (path, _) = newer.first()?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    Some(match newer.len() {
        1 => format!("{name} has changed since it started"),
        more => format!("{name} and {} more have changed since it started", more - 1),
    })
}

/// When the component started: as the kernel has it, or as a certificate tells that it made when it started.
#[must_use]
pub fn start_of(component: &Component, evidence: &Evidence) -> Option<DateTime<Utc>> {
    let made = || {
        let looks = component.endpoints.iter().zip(&evidence.looks);
        looks.filter_map(|(endpoint, look)| made_in_memory(endpoint, look)).min()
    };
    evidence.process_started_at.or_else(made)
}

/// The second in which a certificate was made in memory: its subject is `localhost@SECOND`.
fn made_in_memory(endpoint: &Endpoint, look: &Look) -> Option<DateTime<Utc>> {
    let served = look.served.as_ref().ok().filter(|_| endpoint.certificate.is_none())?;
    let name = served.subject().common_name()?;
    let (_, second) = name.rsplit_once('@')?;
    let made_at = DateTime::from_timestamp(second.parse().ok()?, 0)?;
    let valid_from = served.not_before() + TimeDelta::hours(1);
    // The two times are taken one after the other; if they differ by more, it is somebody else's certificate.
    let is_gos = (made_at - valid_from).abs() <= TimeDelta::seconds(60);
    is_gos.then(|| valid_from.min(made_at))
}

impl EndpointPlan {
    /// The endpoint with what was seen at it.
    #[must_use]
    pub fn of(endpoint: &Endpoint, address: String, look: &Look) -> Self {
        Self {
            purpose: endpoint.purpose,
            address,
            served: look.served.as_ref().ok().map(LiveCertificate::of),
            problem: look.served.as_ref().err().cloned(),
            path: endpoint.certificate.clone(),
            on_disk: look.on_disk.as_ref().map(LiveCertificate::of),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{Algorithm, PrivateKey};
    use crate::x509::{CertificateTemplate, DistinguishedName, SerialNumber, SubjectAltNames};

    fn at(hour: u32, minute: u32) -> DateTime<Utc> {
        format!("2026-11-25T{hour:02}:{minute:02}:00Z").parse().unwrap()
    }

    fn certificate(common_name: &str, not_before: DateTime<Utc>) -> Certificate {
        let key = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
        let template = CertificateTemplate {
            subject: DistinguishedName::new::<&str>(&[], common_name).unwrap(),
            subject_alt_names: SubjectAltNames::default(),
            key_usages: Vec::new(),
            extended_key_usages: Vec::new(),
            is_ca: false,
            other_extensions: Vec::new(),
            not_before,
            not_after: not_before + TimeDelta::days(365),
        };
        template.self_sign(&SerialNumber::random().unwrap(), &key).unwrap()
    }

    fn component(certificate: Option<&str>) -> Component {
        let endpoint = Endpoint {
            purpose: "serving",
            host: "127.0.0.1".into(),
            port: 1,
            certificate: certificate.map(PathBuf::from),
            key: None,
        };
        Component { name: "x", endpoints: vec![endpoint], health: None, files: Vec::new(), pairs: Vec::new() }
    }

    /// Served, on disk, when the process started, and when `scheduler.conf` changed.
    fn reasons(
        component: &Component,
        served: &Certificate,
        on_disk: Option<&Certificate>,
        process_started_at: Option<DateTime<Utc>>,
        changed: &[(&str, DateTime<Utc>)],
    ) -> Vec<String> {
        let evidence = Evidence {
            looks: vec![Look { served: Ok(served.clone()), on_disk: on_disk.cloned() }],
            process_started_at,
            changed: changed.iter().map(|(path, at)| (PathBuf::from(path), *at)).collect(),
        };
        judge(component, &evidence)
    }

    #[test]
    fn a_served_certificate_that_is_not_the_one_on_disk_is_a_reason() {
        let (old, new) = (certificate("a", at(1, 0)), certificate("a", at(2, 0)));
        let served = component(Some("/pki/a.crt"));
        assert_eq!(
            reasons(&served, &old, Some(&new), Some(at(9, 0)), &[]),
            [format!("serves {}, on disk is {}", old.serial(), new.serial())]
        );
        // It was loaded, whenever the process started.
        let changed = [("/pki/a.crt", at(10, 0))];
        assert!(reasons(&served, &new, Some(&new), Some(at(9, 0)), &changed).is_empty());
    }

    #[test]
    fn any_other_file_that_changed_after_the_start_is_a_reason() {
        let same = certificate("a", at(1, 0));
        let served = component(Some("/pki/a.crt"));
        let changed = [("/etc/kubernetes/scheduler.conf", at(10, 0))];
        assert_eq!(
            reasons(&served, &same, Some(&same), Some(at(9, 0)), &changed),
            ["scheduler.conf has changed since it started"]
        );
        assert!(reasons(&served, &same, Some(&same), Some(at(10, 1)), &changed).is_empty());
        assert_eq!(reasons(&served, &same, Some(&same), None, &changed), ["its start time cannot be determined"]);
    }

    #[test]
    fn a_certificate_made_in_memory_tells_the_start_where_the_kernel_does_not() {
        let in_memory = component(None);
        let started = at(9, 0);
        let made = certificate(&format!("localhost@{}", started.timestamp()), started - TimeDelta::hours(1));
        let changed = |at| [("/etc/kubernetes/scheduler.conf", at)];
        assert!(reasons(&in_memory, &made, None, None, &changed(at(8, 59))).is_empty());
        let outdated = reasons(&in_memory, &made, None, None, &changed(at(9, 1)));
        assert_eq!(outdated, ["scheduler.conf has changed since it started"]);
        // One that somebody else made tells nothing.
        let foreign = certificate("localhost", started - TimeDelta::hours(1));
        assert_eq!(
            reasons(&in_memory, &foreign, None, None, &changed(at(1, 0))),
            ["its start time cannot be determined"]
        );
        let copied = certificate("localhost@1700000000", started - TimeDelta::hours(1));
        assert_eq!(
            reasons(&in_memory, &copied, None, None, &changed(at(1, 0))),
            ["its start time cannot be determined"]
        );
    }

    #[test]
    fn a_port_that_cannot_be_seen_is_a_reason() {
        let evidence = Evidence {
            looks: vec![Look { served: Err("127.0.0.1:1: connection refused".into()), on_disk: None }],
            ..Evidence::default()
        };
        assert_eq!(judge(&component(None), &evidence), ["127.0.0.1:1: connection refused"]);
    }
}
