//! Looking at a running component: what it serves, since when it runs, whether it is well.
//!
//! In: a [`Component`]. Out: [`Evidence`]; whether it is well, or why not; whether something of it is still there.
//! Every look has a time limit of [`TIMEOUT`].

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::catalogue::{KUBELET_CONF, Reload, is_written_by_kubelet};
use crate::clock::SystemClock;
use crate::edge::http;
use crate::edge::listener::{Process, process_at};
use crate::edge::process::{self, ProcessError};
use crate::edge::tls::{self, Address};
use crate::plan::restart::{Component, Endpoint, Evidence, HealthAction, KUBELET, Look};
use crate::store::Store;
use crate::tree::Tree;
use crate::x509::{Certificate, read_certificates};

/// As long as the longest that kubeadm lets a probe take, less what a restart has no use for.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A kubelet that joins has written its kubeconfig within this time of its start.
const BOOTSTRAP: TimeDelta = TimeDelta::seconds(60);

/// How long `crictl` may take.
const CRICTL_TIMEOUT: Duration = Duration::from_secs(10);

/// What can be seen of the component.
pub(super) fn evidence(store: &Store, component: &Component) -> Evidence {
    evidence_of(store, component, listening(component))
}

/// What can be seen of the component, whose process is known already.
pub(super) fn evidence_of(store: &Store, component: &Component, process: Option<Process>) -> Evidence {
    let paths = component.endpoints.iter().filter_map(|endpoint| endpoint.certificate.clone());
    let tree = store.read(paths);
    let looks = thread::scope(|scope| {
        let all: Vec<_> = component
            .endpoints
            .iter()
            .map(|endpoint| scope.spawn(|| served(endpoint).map_err(|e| e.to_string())))
            .collect();
        let looks = all.into_iter().zip(&component.endpoints).map(|(look, endpoint)| Look {
            served: look.join().unwrap_or_else(|_| Err(format!("{} could not be inspected", address(endpoint)))),
            on_disk: endpoint.certificate.as_deref().and_then(|path| first_certificate(&tree, path)),
        });
        looks.collect()
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
    let chain = tls::chain(&address(endpoint), TIMEOUT)?;
    let first = chain.first().map(Vec::as_slice).unwrap_or_default();
    Ok(Certificate::from_der(first)?)
}

fn first_certificate(tree: &Tree, path: &Path) -> Option<Certificate> {
    read_certificates(tree.content(path)?).ok()?.into_iter().next()
}

/// Where an endpoint is.
pub(super) fn address(endpoint: &Endpoint) -> Address {
    Address { host: endpoint.host.clone(), port: endpoint.port }
}

/// Every address at which the component listens.
fn addresses(component: &Component) -> Vec<Address> {
    let health = component.health.iter().map(|health| Address { host: health.host.clone(), port: health.port });
    component.endpoints.iter().map(address).chain(health).collect()
}

/// The process that listens at the component's ports.
pub(super) fn listening(component: &Component) -> Option<Process> {
    addresses(component).iter().find_map(process_at)
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

/// What a component is recognised by once its manifest is gone.
#[derive(Clone, Debug)]
pub(super) struct Running {
    process: Option<Process>,
    containers: Vec<String>,
}

impl Running {
    pub(super) fn of(component: &Component) -> Self {
        Self { process: listening(component), containers: containers(component.name).unwrap_or_default() }
    }

    /// What of it is still there; `None` when it has ended.
    pub(super) fn remains(&self, component: &Component) -> Option<String> {
        if let Some(process) = self.process.filter(Process::is_running) {
            return Some(format!("process {} still runs", process.pid));
        }
        if let Some(open) = addresses(component).iter().find(|place| tls::is_open(place, TIMEOUT)) {
            return Some(format!("{open} is still open"));
        }
        if self.containers.is_empty() {
            return None;
        }
        let now = containers(component.name).unwrap_or_default();
        let left = self.containers.iter().find(|container| now.contains(container))?;
        Some(format!("container {} still runs", left.get(..13).unwrap_or(left)))
    }

    /// Whether the process that listens now is the one of before.
    pub(super) fn is_still(&self, component: &Component) -> bool {
        self.process.is_some_and(|process| process.is_running() && listening(component) == Some(process))
    }
}

/// The ids of the component's running containers, where `crictl` is there and says so.
fn containers(name: &str) -> Option<Vec<String>> {
    let crictl = match process::find("crictl") {
        Ok(crictl) => crictl,
        Err(ProcessError::NotFound { .. }) => return None,
        Err(error) => {
            log::warn!("containers cannot be seen, only processes and ports: {error}");
            return None;
        }
    };
    let (name, label) = (format!("^{name}$"), "io.kubernetes.pod.namespace=kube-system");
    let arguments = ["ps", "--quiet", "--no-trunc", "--state", "Running", "--name", &name, "--label", label];
    match process::run(&crictl, &arguments, CRICTL_TIMEOUT) {
        Ok(output) => Some(String::from_utf8_lossy(&output).split_whitespace().map(str::to_owned).collect()),
        Err(error) => {
            log::warn!("containers cannot be seen, only processes and ports: {error}");
            None
        }
    }
}
