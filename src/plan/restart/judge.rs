//! Whether a component uses what is on disk.
//!
//! In: a [`Component`] and what was seen of it ([`Evidence`]). Out: a [`Judgement`]: reasons to restart it; none when it
//! is up to date, or will be by itself. Three things are looked at:
//!
//! 1. The certificate that is served, against the first one of its file. That the new one is served is proof, and that
//!    the process started before it changed says nothing.
//! 2. Every other file that the component reads only as it starts, against the moment when the process started: it may
//!    have changed since. A file that it loads by itself ([`Reload`]) is no reason; what it has not loaded yet is noted.
//! 3. Where the kernel does not show the process: the controller manager and the scheduler make a certificate in memory
//!    when they start, valid from an hour before, and its subject names the second.
//!
//! What cannot be seen is a reason, where a restart could be needed.
//!
//! Source: client-go `util/cert` (`GenerateSelfSignedCertKeyWithOptions`), and the rows of `catalogue::RELOADS`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use super::component::{Component, Endpoint, ReadFile};
use super::{EndpointPlan, LiveCertificate};
use crate::catalogue::Reload;
use crate::text::file_name;
use crate::x509::Certificate;

/// What was seen at one endpoint.
#[derive(Clone, Debug)]
pub struct Look {
    /// The first certificate of the chain, or why it could not be seen.
    pub served: Result<Certificate, String>,
    /// The first certificate of the file, where there is one.
    pub on_disk: Option<Certificate>,
    /// Whether it listens there and has no certificate to serve yet: it waits for the one that it has asked for.
    pub awaits: bool,
}

/// What was seen of a component.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// When it was looked at, by the clock of the files' times.
    pub looked_at: DateTime<Utc>,
    /// For each endpoint, in order.
    pub looks: Vec<Look>,
    /// When the process that listens started, if the kernel shows it.
    pub process_started_at: Option<DateTime<Utc>>,
    /// When each file that is there changed last.
    pub changed: Vec<(PathBuf, DateTime<Utc>)>,
    /// Those of them that the component has written itself.
    pub own: BTreeSet<PathBuf>,
}

impl Evidence {
    /// The component's ports with what was seen at them.
    #[must_use]
    pub fn endpoints(&self, component: &Component) -> Vec<EndpointPlan> {
        let seen = component.endpoints.iter().zip(&self.looks);
        let plan = |(endpoint, look): (&Endpoint, &Look)| EndpointPlan {
            purpose: endpoint.purpose.to_owned(),
            address: endpoint.address().to_string(),
            served: look.served.as_ref().ok().map(LiveCertificate::of),
            problem: look.served.as_ref().err().cloned(),
            path: endpoint.certificate.clone(),
            on_disk: look.on_disk.as_ref().map(LiveCertificate::of),
        };
        seen.map(plan).collect()
    }

    /// A port that cannot be seen, or serves another certificate than that of its file.
    #[must_use]
    pub fn difference(&self, component: &Component) -> Option<String> {
        component.endpoints.iter().zip(&self.looks).find_map(|(endpoint, look)| match (&look.served, &look.on_disk) {
            (Err(_), _) if look.awaits => None,
            (Err(problem), _) => Some(problem.clone()),
            (Ok(served), Some(on_disk)) if served.as_der() != on_disk.as_der() => {
                let (place, path) = (endpoint.address(), endpoint.certificate.as_deref().unwrap_or(Path::new("")));
                let (served, on_disk) = (served.serial(), on_disk.serial());
                Some(format!("{place} serves {served}, and {} holds {on_disk}", path.display()))
            }
            _ => None,
        })
    }
}

/// What the evidence says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// What could not be seen, each in a few words.
    pub unseen: Vec<String>,
    /// What is old of it, each in a few words.
    pub outdated: Vec<String>,
    /// What it will load by itself in a while, each in a few words.
    pub awaited: Vec<String>,
    /// The files that are old of it, where it has read files and that can be told.
    pub files: Vec<PathBuf>,
}

impl Judgement {
    /// Why the component must be restarted; none when it need not be.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        self.unseen.iter().chain(&self.outdated).cloned().collect()
    }
}

/// Whether the component uses what is on disk.
#[must_use]
pub fn judge(component: &Component, evidence: &Evidence) -> Judgement {
    let mut judgement = Judgement::default();
    let mut proven = BTreeSet::new();
    let mut awaited = Vec::new();
    for (endpoint, look) in component.endpoints.iter().zip(&evidence.looks) {
        match (&look.served, &look.on_disk) {
            (Err(_), _) if look.awaits => {}
            (Err(problem), _) => judgement.unseen.push(problem.clone()),
            (Ok(served), Some(on_disk)) if served.as_der() == on_disk.as_der() => {
                proven.extend(endpoint.certificate.iter().chain(&endpoint.key).map(PathBuf::as_path));
            }
            (Ok(served), Some(on_disk)) => match endpoint.certificate.as_deref() {
                Some(path) if still_loads(component, evidence, path) => awaited.push(path),
                _ => {
                    judgement.outdated.push(format!("serves {}, on disk is {}", served.serial(), on_disk.serial()));
                }
            },
            (Ok(_), None) => {}
        }
    }
    // A port that cannot be seen says enough: the process may be another one by now.
    if !judgement.reasons().is_empty() {
        return judgement;
    }
    let others = evidence.changed.iter().filter_map(|(path, at)| {
        let file = component.files.iter().find(|file| file.path == *path)?;
        (!proven.contains(path.as_path())).then_some((file, *at))
    });
    let (by_itself, at_start): (Vec<_>, Vec<_>) = others.partition(|(file, _)| loads_by_itself(file, evidence));
    let started_at = start_of(component, evidence);
    match outdated(&at_start, started_at) {
        Ok(files) => {
            judgement.outdated.extend(changed(&files));
            judgement.files = files;
        }
        Err(reason) => judgement.unseen.push(reason),
    }
    if judgement.reasons().is_empty() {
        let is_newer = |at: DateTime<Utc>| started_at.is_none_or(|started_at| at >= started_at);
        let waiting =
            by_itself.into_iter().filter(|(file, at)| is_newer(*at) && is_awaited(file.reload, *at, evidence));
        judgement.awaited = notes(component, awaited.into_iter().chain(waiting.map(|(file, _)| file.path.as_path())));
    }
    judgement
}

/// Whether a change of the file is used without a restart.
fn loads_by_itself(file: &ReadFile, evidence: &Evidence) -> bool {
    file.reload.is_by_itself() || evidence.own.contains(&file.path)
}

/// Whether what changed at `at` may not be loaded yet.
fn is_awaited(reload: Reload, at: DateTime<Utc>, evidence: &Evidence) -> bool {
    reload.within_seconds().is_some_and(|within| evidence.looked_at - at < TimeDelta::seconds(within))
}

/// Whether the component may still load the certificate that it is to serve.
fn still_loads(component: &Component, evidence: &Evidence, path: &Path) -> bool {
    let changed = evidence.changed.iter().find(|(changed, _)| changed == path);
    let file = component.files.iter().find(|file| file.path == path);
    file.zip(changed).is_some_and(|(file, (_, at))| is_awaited(file.reload, *at, evidence))
}

/// What is awaited: a line for each time that it takes; a key is meant with its certificate.
fn notes<'p>(component: &Component, paths: impl Iterator<Item = &'p Path>) -> Vec<String> {
    let mut by_time: BTreeMap<i64, BTreeMap<PathBuf, String>> = BTreeMap::new();
    for path in paths {
        let file = component.files.iter().find(|file| file.path == path);
        let Some(within) = file.and_then(|file| file.reload.within_seconds()) else { continue };
        by_time.entry(within).or_default().entry(path.with_extension("")).or_insert_with(|| file_name(path));
    }
    let line = |(within, names): (i64, BTreeMap<PathBuf, String>)| {
        let time = if within == 60 { "a minute".to_owned() } else { format!("{} minutes", within / 60) };
        format!("loads {} by itself within {time}", names.into_values().collect::<Vec<_>>().join(", "))
    };
    by_time.into_iter().map(line).collect()
}

/// What has changed since the start, of the files that are read only then; an error when the start is not known.
fn outdated(files: &[(&ReadFile, DateTime<Utc>)], started_at: Option<DateTime<Utc>>) -> Result<Vec<PathBuf>, String> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let Some(started_at) = started_at else {
        return Err("its start time cannot be determined".into());
    };
    let newer = files.iter().filter(|(_, changed_at)| *changed_at >= started_at);
    Ok(newer.map(|(file, _)| file.path.clone()).collect())
}

fn changed(files: &[PathBuf]) -> Option<String> {
    let first = files.first()?;
    Some(match files.len() {
        1 => format!("{} has changed since it started", file_name(first)),
        more => format!("{} and {} more have changed since it started", file_name(first), more - 1),
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
        let file = |(path, reload): (&str, _)| ReadFile { path: path.into(), reload };
        let files = [
            ("/pki/a.crt", Reload::Watched),
            ("/pki/a.key", Reload::Watched),
            ("/pki/ca.crt", Reload::Watched),
            ("/pki/client.crt", Reload::FiveMinutes),
            ("/pki/client.key", Reload::FiveMinutes),
            ("/pki/current.pem", Reload::OwnFile),
            ("/etc/kubernetes/scheduler.conf", Reload::AtStart),
        ];
        let files = files.map(file).to_vec();
        Component {
            name: "x",
            endpoints: vec![endpoint],
            health: None,
            files,
            pairs: Vec::new(),
            etcd_client: None,
            signing: Vec::new(),
            service_account: None,
        }
    }

    /// What is said at 12:00 of what is served, on disk, when the process started, and when files changed.
    fn judged(
        component: &Component,
        served: &Certificate,
        on_disk: Option<&Certificate>,
        process_started_at: Option<DateTime<Utc>>,
        changed: &[(&str, DateTime<Utc>)],
    ) -> Judgement {
        let evidence = Evidence {
            looked_at: at(12, 0),
            own: BTreeSet::new(),
            looks: vec![Look { served: Ok(served.clone()), on_disk: on_disk.cloned(), awaits: false }],
            process_started_at,
            changed: changed.iter().map(|(path, at)| (PathBuf::from(path), *at)).collect(),
        };
        judge(component, &evidence)
    }

    fn reasons(
        component: &Component,
        served: &Certificate,
        on_disk: Option<&Certificate>,
        process_started_at: Option<DateTime<Utc>>,
        changed: &[(&str, DateTime<Utc>)],
    ) -> Vec<String> {
        judged(component, served, on_disk, process_started_at, changed).reasons()
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
    fn a_file_that_is_loaded_by_itself_is_no_reason_and_what_is_not_loaded_yet_is_noted() {
        let same = certificate("a", at(1, 0));
        let served = component(Some("/pki/a.crt"));
        let says = |changed: &[(&str, DateTime<Utc>)], started| {
            let judgement = judged(&served, &same, Some(&same), started, changed);
            (judgement.reasons(), judgement.awaited)
        };
        let nothing = (vec![], vec![]);
        assert_eq!(says(&[("/pki/ca.crt", at(11, 58)), ("/pki/client.crt", at(11, 54))], Some(at(9, 0))), nothing);
        // Nor is the start asked for, where all is loaded by itself.
        assert_eq!(says(&[("/pki/ca.crt", at(11, 58))], None), nothing);
        let fresh = [("/pki/client.key", at(11, 56)), ("/pki/client.crt", at(11, 56)), ("/pki/ca.crt", at(12, 0))];
        let notes = ["loads ca.crt by itself within a minute", "loads client.key by itself within 5 minutes"];
        assert_eq!(says(&fresh, Some(at(9, 0))), (vec![], notes.map(str::to_owned).to_vec()));
        assert_eq!(says(&fresh, Some(at(12, 1))), nothing, "it started afterwards");
        let both = [("/pki/client.crt", at(11, 56)), ("/etc/kubernetes/scheduler.conf", at(11, 56))];
        let restart = "scheduler.conf has changed since it started".to_owned();
        assert_eq!(says(&both, Some(at(9, 0))), (vec![restart], vec![]), "the restart loads both");
    }

    #[test]
    fn a_serving_pair_has_a_minute_to_be_loaded() {
        let (old, new) = (certificate("a", at(1, 0)), certificate("a", at(2, 0)));
        let served = component(Some("/pki/a.crt"));
        let fresh = judged(&served, &old, Some(&new), Some(at(9, 0)), &[("/pki/a.crt", at(12, 0))]);
        assert_eq!(
            (fresh.reasons(), fresh.awaited),
            (vec![], vec!["loads a.crt by itself within a minute".to_owned()])
        );
        let late = judged(&served, &old, Some(&new), Some(at(9, 0)), &[("/pki/a.crt", at(11, 59))]);
        assert_eq!(late.outdated.len(), 1);
    }

    #[test]
    fn what_a_component_has_written_itself_it_knows() {
        let same = certificate("a", at(1, 0));
        let served = component(Some("/pki/a.crt"));
        let mut evidence = Evidence {
            looked_at: at(12, 0),
            looks: vec![Look { served: Ok(same.clone()), on_disk: Some(same), awaits: false }],
            process_started_at: Some(at(9, 0)),
            changed: vec![("/pki/current.pem".into(), at(10, 0))],
            own: BTreeSet::new(),
        };
        assert_eq!(judge(&served, &evidence).reasons(), ["current.pem has changed since it started"]);
        evidence.own.insert("/pki/current.pem".into());
        assert_eq!(judge(&served, &evidence), Judgement::default());
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
            looks: vec![Look { served: Err("127.0.0.1:1: connection refused".into()), on_disk: None, awaits: false }],
            ..Evidence::default()
        };
        assert_eq!(judge(&component(None), &evidence).reasons(), ["127.0.0.1:1: connection refused"]);
    }

    #[test]
    fn a_port_whose_certificate_was_asked_for_and_has_not_come_is_none() {
        let awaits = Look { served: Err("127.0.0.1:1: no TLS".into()), on_disk: None, awaits: true };
        let evidence = Evidence { looks: vec![awaits], ..Evidence::default() };
        let served = component(Some("/pki/current.pem"));
        assert_eq!((judge(&served, &evidence).reasons(), evidence.difference(&served)), (vec![], None));
    }
}
