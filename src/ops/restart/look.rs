//! Looking at a running component: what it serves, since when it runs, whether it is well.
//!
//! In: a [`Component`]. Out: [`Evidence`]; whether it is well, or why not; whether something of it is still there; what
//! decides how it is restarted. Every look has a time limit of [`TIMEOUT`].

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use super::runtime::{Container, Runtime};
use crate::catalogue::{KUBELET, KUBELET_CONF, KUBELET_SERVER_FILE, Reload, is_written_by_kubelet};
use crate::clock::SystemClock;
use crate::edge::http;
use crate::edge::listener::{Process, process_at, processes_that};
use crate::edge::signal::Target;
use crate::edge::tls::{self, Address, Hello};
use crate::plan::restart::{Component, Endpoint, Evidence, HealthAction, Look, Manners, Sight};
use crate::store::Store;
use crate::tree::Tree;
use crate::workers;
use crate::x509::{Certificate, read_certificates};

/// As long as the longest that kubeadm lets a probe take, less what a restart has no use for.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// A kubelet that joins has written its kubeconfig within this time of its start.
const BOOTSTRAP: TimeDelta = TimeDelta::seconds(60);

/// A process that is younger may be about to listen, and gets so long for it.
const YOUNG: TimeDelta = TimeDelta::seconds(60);
const START_LIMIT: Duration = Duration::from_secs(20);
const START_PAUSE: Duration = Duration::from_millis(200);

/// What can be seen of the component.
pub(super) fn evidence(store: &Store, component: &Component) -> Evidence {
    evidence_of(store, component, listening(component))
}

/// What can be seen of the component, whose process is known already.
pub(super) fn evidence_of(store: &Store, component: &Component, process: Option<Process>) -> Evidence {
    let paths = component.endpoints.iter().filter_map(|endpoint| endpoint.certificate.clone());
    let tree = store.read(paths);
    let looks = workers::at_once(&component.endpoints, |endpoint| Look {
        served: served(endpoint).map_err(|error| error.to_string()),
        on_disk: endpoint.certificate.as_deref().and_then(|path| first_certificate(&tree, path)),
        awaits: component.name == KUBELET
            && endpoint.certificate.as_deref().is_some_and(|path| is_requested(path) && !tree.is_there(path))
            && tls::is_open(&endpoint.address(), TIMEOUT),
    });
    let changed = component.files.iter().filter_map(|file| Some((file.path.clone(), store.changed_at(&file.path)?)));
    let changed: Vec<_> = changed.collect();
    let process_started_at = process.map(|process| process.started_at);
    Evidence {
        looked_at: SystemClock.exact(),
        looks,
        own: own_files(store, component, &changed, process_started_at),
        process_started_at,
        changed,
    }
}

/// Whether the kubelet asks the cluster for what is to be in the file.
fn is_requested(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == KUBELET_SERVER_FILE)
}

/// The files that the component has written itself while it ran, and so knows.
fn own_files(
    store: &Store,
    component: &Component,
    changed: &[(PathBuf, DateTime<Utc>)],
    started_at: Option<DateTime<Utc>>,
) -> BTreeSet<PathBuf> {
    let Some(started_at) = started_at.filter(|_| component.name == KUBELET) else { return BTreeSet::new() };
    let is_own = |link: &Path| {
        let (target, linked_at) = store.behind(link)?;
        let written_at = store.changed_at(&target)?;
        Some(written_at >= started_at && is_written_by_kubelet(link, &target, written_at, linked_at))
    };
    let links = component.files.iter().filter(|file| file.reload == Reload::OwnFile);
    let mut own: BTreeSet<_> =
        links.map(|file| &file.path).filter(|link| is_own(link) == Some(true)).cloned().collect();
    // A kubelet that joins writes its kubeconfig as it starts, then gets the certificate that this names.
    let certified_at = changed.iter().filter(|(path, _)| own.contains(path)).map(|(_, at)| *at).max();
    let is_bootstraps = |(path, at): &&(PathBuf, DateTime<Utc>)| {
        path.file_name().is_some_and(|name| name == KUBELET_CONF)
            && *at >= started_at
            && *at - started_at < BOOTSTRAP
            && certified_at.is_some_and(|certified_at| *at <= certified_at)
    };
    own.extend(changed.iter().filter(is_bootstraps).map(|(path, _)| path.clone()));
    own
}

fn served(endpoint: &Endpoint) -> crate::error::Result<Certificate> {
    let chain = tls::chain(&endpoint.address(), Hello::default(), TIMEOUT)?;
    let first = chain.first().map(Vec::as_slice).unwrap_or_default();
    Ok(Certificate::from_der(first)?)
}

/// The leaf of a file.
pub(super) fn first_certificate(tree: &Tree, path: &Path) -> Option<Certificate> {
    read_certificates(tree.content(path)?).ok()?.into_iter().next()
}

/// The process that listens at the component's ports.
pub(super) fn listening(component: &Component) -> Option<Process> {
    component.addresses().find_map(|place| process_at(&place))
}

/// Asks for the component's health.
pub(super) fn health(component: &Component) -> Result<(), String> {
    let Some(health) = &component.health else { return Ok(()) };
    let place = Address { host: health.host.clone(), port: health.port };
    let HealthAction::Get { path, is_tls, may_refuse } = &health.action else {
        return if tls::is_open(&place, TIMEOUT) { Ok(()) } else { Err(format!("{place}: connection refused")) };
    };
    let answer = http::get(&place, *is_tls, path, TIMEOUT).map_err(|error| error.to_string())?;
    match answer.status {
        200..=399 => Ok(()),
        401 | 403 if *may_refuse => Ok(()),
        status => {
            let failed = answer.body.lines().find(|line| line.starts_with("[-]"));
            let said = failed.or(answer.body.lines().next()).unwrap_or_default().trim();
            Err(format!("{place}{path} answers {status} {said}").trim_end().to_owned())
        }
    }
}

/// The process of the component, not of what happens to have its port or its name: by its port, or by how it was called
/// while it has none.
pub(super) fn process_of(component: &Component, manners: &Manners) -> Option<Process> {
    listener_of(component, manners).or_else(|| called(manners))
}

/// The process of the component by how it was called, the youngest of several.
fn called(manners: &Manners) -> Option<Process> {
    processes_that(|process| is_it(process, manners, false)).into_iter().max_by_key(|process| process.started_at)
}

/// The process of the component, if it listens.
fn listener_of(component: &Component, manners: &Manners) -> Option<Process> {
    listening(component).filter(|process| is_it(process, manners, true))
}

fn is_it(process: &Process, manners: &Manners, listens: bool) -> bool {
    manners.describes(&process.command_line(), listens, || (process.user(), process.is_in_pod()))
}

/// Waits while the component has a process that has just started and does not listen yet, as after a run that was killed:
/// it is judged by what it serves, not restarted once more.
pub(super) fn wait_while_starting(component: &Component, manners: &Manners, now: DateTime<Utc>) {
    let is_starting =
        || listening(component).is_none() && called(manners).is_some_and(|process| now - process.started_at < YOUNG);
    let end = Instant::now() + START_LIMIT;
    while is_starting() && Instant::now() < end {
        thread::sleep(START_PAUSE);
    }
}

/// What a component is recognised by once it is asked to end.
#[derive(Clone, Debug)]
pub(super) struct Running {
    /// Its process.
    pub(super) process: Option<Process>,
    /// The ids of its containers that run.
    pub(super) containers: Vec<String>,
    /// Whether it listened.
    pub(super) is_open: bool,
}

impl Running {
    pub(super) fn of(component: &Component, manners: Option<&Manners>, runtime: &Runtime) -> Self {
        let containers = manners.and_then(|manners| runtime.running(manners.name)).unwrap_or_default();
        Self { containers, ..Self::by_process(component, manners) }
    }

    /// What runs now, as far as it must be known to tell it from this one. The runtime is asked only where no process can
    /// be seen: asking takes as much of the processor as a small component needs to start.
    pub(super) fn now(&self, component: &Component, manners: Option<&Manners>, runtime: &Runtime) -> Self {
        match self.process {
            Some(_) => Self::by_process(component, manners),
            None => Self::of(component, manners, runtime),
        }
    }

    fn by_process(component: &Component, manners: Option<&Manners>) -> Self {
        let process = match manners {
            Some(manners) => process_of(component, manners),
            None => listening(component),
        };
        Self { process, containers: Vec::new(), is_open: process.is_none() && open_address(component).is_some() }
    }

    /// Whether its end can be seen for certain.
    pub(super) const fn is_seen(&self) -> bool {
        self.process.is_some() || !self.containers.is_empty()
    }

    /// What of the old one is still there; `None` when it has ended. Its ports count only while no other one can come.
    pub(super) fn remains(&self, component: &Component, runtime: &Runtime, ports_count: bool) -> Option<String> {
        if let Some(process) = self.process.filter(Process::is_running) {
            return Some(format!("process {} still runs", process.pid));
        }
        if ports_count && let Some(open) = open_address(component) {
            return Some(format!("{open} is still open"));
        }
        // In its place the kubelet starts another one at once; that the process has ended is enough.
        if self.containers.is_empty() || (self.process.is_some() && !ports_count) {
            return None;
        }
        let now = runtime.running(component.name).unwrap_or_default();
        let left = self.containers.iter().find(|container| now.contains(container))?;
        Some(format!("container {} still runs", left.get(..13).unwrap_or(left)))
    }

    /// Whether what runs now is the one of before.
    pub(super) fn is_still(&self, now: &Self) -> bool {
        match self.process {
            Some(process) => process.is_running() && now.process == Some(process),
            None => self.containers.iter().any(|container| now.containers.contains(container)),
        }
    }

    /// Whether `self` is a start that came after `before`.
    pub(super) fn is_after(&self, before: &Self) -> bool {
        let is_other_process = self.process.is_some() && self.process != before.process;
        let is_other_container = self.containers.iter().any(|container| !before.containers.contains(container));
        is_other_process || is_other_container || (!before.is_seen() && self.is_open)
    }
}

fn open_address(component: &Component) -> Option<Address> {
    component.addresses().find(|place| tls::is_open(place, TIMEOUT))
}

/// What decides how the component is restarted; `containers` are those of all, if the runtime lists them.
pub(super) fn sight(
    store: &Store,
    (runtime, containers): (&Runtime, Option<&[Container]>),
    component: &Component,
    manners: &Manners,
    now: DateTime<Utc>,
) -> Sight {
    let listener = listener_of(component, manners);
    let can_be_signalled = listener.and_then(Target::open).is_some_and(|target| target.may_be_signalled());
    let own = || containers.into_iter().flatten().filter(|container| container.name() == manners.name);
    let running = own().find(|container| container.is_running());
    let is_gone = listener.is_none()
        && running.is_none()
        && open_address(component).is_none()
        && process_of(component, manners).is_none();
    Sight {
        can_be_signalled,
        has_container: running.is_some(),
        running_for: listener.map(|process| now - process.started_at),
        attempt: running.map(Container::attempt).or_else(|| attempt_of(store, manners.name)),
        ended: is_gone.then(|| {
            let last = own().max_by_key(|container| container.attempt());
            last.and_then(|last| runtime.end_of(last)).unwrap_or_else(|| match component.addresses().next() {
                Some(place) => format!("nothing listens at {place}"),
                None => "it has no process".into(),
            })
        }),
        ..Sight::default()
    }
}

/// How often the kubelet has started the component again, as the names of its log files count.
pub(super) fn attempt_of(store: &Store, name: &str) -> Option<u32> {
    let logs = logs_of(store, name)?;
    let latest = logs.into_iter().max_by_key(|log| store.changed_at(log))?;
    latest.file_stem()?.to_str()?.parse().ok()
}

/// The log files of the component's containers; a container that the kubelet has removed has none. `None` where they cannot
/// be seen.
pub(super) fn logs_of(store: &Store, name: &str) -> Option<Vec<PathBuf>> {
    const FOLDER: &str = "/var/log/pods";
    let pod = format!("kube-system_{name}-");
    let is_one = |path: &PathBuf| {
        let mut parts = path.iter().map(|part| part.to_string_lossy());
        parts.next().is_some_and(|folder| folder.starts_with(&pod)) && parts.next().is_some_and(|folder| folder == name)
    };
    let found = store.list(Path::new(FOLDER)).ok()?.files.into_iter().filter(is_one);
    Some(
        found
            .filter(|path| path.extension().is_some_and(|ending| ending == "log"))
            .map(|path| Path::new(FOLDER).join(path))
            .collect(),
    )
}

/// How many containers of the component the kubelet still keeps, whether they run or not; `None` where that cannot be seen.
pub(super) fn remnants(store: &Store, runtime: &Runtime, name: &str) -> Option<usize> {
    let listed = runtime.containers(&[name]).map(|containers| containers.len());
    listed.or_else(|| logs_of(store, name).map(|logs| logs.len()))
}
