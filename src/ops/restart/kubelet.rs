//! The kubelet: what it is told, whether it can react, and why not.
//!
//! In: its own directory. Out: [`RunningKubelet`]; from it an error when nothing that is done to a static pod would have an
//! effect. How the kubelet that runs was called goes before what the files say.
//!
//! Source: kubelet `cmd/kubelet/app/options`.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::super::kubelet::Kubelet;
use super::error::RestartError;
use super::look;
use crate::catalogue::{DEFAULT_KUBECONFIG_DIR, KUBELET, KUBELET_CONF};
use crate::component::flags;
use crate::edge::listener::{self, Process};
use crate::edge::socket;
use crate::edge::tls::{self, Address};
use crate::error::Result;
use crate::plan::restart::{Component, kubelet};
use crate::plan::serving::SeenKubelet;
use crate::store::Store;

/// How long a kubelet that is just starting may take until it listens.
const STARTING: Duration = Duration::from_secs(5);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// How long a port of this host may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What is known of the kubelet.
#[derive(Clone, Debug)]
pub(super) struct RunningKubelet {
    pub(super) component: Component,
    /// The manifests folder that it reads.
    pub(super) manifests_dir: PathBuf,
    /// How long it may take to see a change there, if it is not told of it.
    pub(super) file_check_frequency: Duration,
    /// The longest that it waits before it starts a container again, where it is told.
    pub(super) longest_back_off: Option<Duration>,
    /// Where its container runtime listens.
    pub(super) runtime_endpoint: Option<String>,
    client_certificate: PathBuf,
}

impl RunningKubelet {
    /// Reads what it is told.
    pub(super) fn read(store: &Store, directory: &Path) -> Result<Self> {
        let written = Self::as_written(store, directory)?;
        let Some(running) = look::listening(&written.component).filter(is_kubelet) else { return Ok(written) };
        let words = running.command_line();
        let path = flag(&words, "config").map_or_else(|| directory.join("config.yaml"), PathBuf::from);
        Self::of(Kubelet::read_as_called(store, directory, &path, &words))
    }

    /// What its files say, whatever runs on this machine.
    pub(super) fn as_written(store: &Store, directory: &Path) -> Result<Self> {
        Self::of(Kubelet::read(store, directory))
    }

    fn of(kubelet_of_node: Kubelet) -> Result<Self> {
        let Kubelet { configuration, files, serving, problem, .. } = kubelet_of_node;
        if let Some((path, reason)) = problem {
            return Err(RestartError::BadKubeletConfiguration { path, reason }.into());
        }
        let kubeconfig_dir = Path::new(DEFAULT_KUBECONFIG_DIR);
        Ok(Self {
            component: kubelet(&configuration, &files, &serving, &kubeconfig_dir.join(KUBELET_CONF)),
            manifests_dir: configuration.manifests_dir(kubeconfig_dir),
            file_check_frequency: configuration.file_check_frequency,
            longest_back_off: configuration.longest_back_off,
            runtime_endpoint: configuration.runtime_endpoint,
            client_certificate: files.client(),
        })
    }

    /// Why it cannot react to anything; `None` when it runs.
    pub(super) fn stuck(&self, store: &Store, now: DateTime<Utc>) -> Option<RestartError> {
        let end = Instant::now() + STARTING;
        loop {
            if self.component.addresses().any(|place| is_kubelets(&place)) {
                return None;
            }
            // One that has just been started does not listen yet; one that ends again and again is gone soon.
            if listener::processes_that(is_kubelet).is_empty() || Instant::now() >= end {
                break;
            }
            thread::sleep(PAUSE);
        }
        let place = self.component.addresses().next().map(|place| place.to_string()).unwrap_or_default();
        Some(RestartError::NoKubelet { place, expired: self.expired(store, now), runtime: self.runtime_problem() })
    }

    /// Its client certificate, if that has ended: then it gives up as soon as it is started.
    fn expired(&self, store: &Store, now: DateTime<Utc>) -> Option<(PathBuf, DateTime<Utc>)> {
        let path = &self.client_certificate;
        let certificate = look::first_certificate(&store.read([path]), path)?;
        (certificate.not_after() < now).then(|| (path.clone(), certificate.not_after()))
    }

    fn runtime_problem(&self) -> Option<String> {
        let path = self.runtime_endpoint.as_deref()?.strip_prefix("unix://")?;
        let error = socket::connect(Path::new(path)).err()?;
        Some(format!("the container runtime does not answer at {path}: {error}"))
    }
}

/// The kubelet that runs on this machine, as far as it can be seen.
pub(in super::super) fn kubelet_that_runs(store: &Store, directory: &Path) -> Result<SeenKubelet> {
    let written = RunningKubelet::as_written(store, directory)?;
    let Some(running) = look::listening(&written.component).filter(is_kubelet) else {
        return Ok(SeenKubelet::default());
    };
    let words = running.command_line();
    let reads = flag(&words, "config").map_or_else(|| directory.join("config.yaml"), PathBuf::from);
    Ok(SeenKubelet { started_at: Some(running.started_at), reads: Some(reads) })
}

/// Whether root on the node, if it can be seen who, listens there.
fn is_kubelets(place: &Address) -> bool {
    listener::process_at(place).map_or_else(|| tls::is_open(place, TIMEOUT), |process| is_of_the_node(&process))
}

/// Whether nobody but root on the node can have started it: what a process of another user, or of a pod, says must not decide what root
/// does.
fn is_of_the_node(process: &Process) -> bool {
    process.is_of_root_or_ours() && !process.is_in_pod()
}

/// Whether it is the kubelet.
fn is_kubelet(process: &Process) -> bool {
    let is_named = |word: &String| Path::new(word).file_name().is_some_and(|name| name == KUBELET);
    is_of_the_node(process) && process.command_line().first().is_some_and(is_named)
}

/// The value of `--name` in a command line; the last one where it is repeated.
fn flag<'w>(words: &'w [String], name: &str) -> Option<&'w str> {
    let all = flags(words.iter().map(String::as_str));
    let (_, value) = all.into_iter().rev().find(|(flag, _)| *flag == name)?;
    value.filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_as_the_kubelet_reads_them() {
        let words: Vec<_> = ["kubelet", "--config", "/a", "--config-dir=/d", "--pod-manifest-path=/m", "--v=2"]
            .map(str::to_owned)
            .into();
        assert_eq!(flag(&words, "config"), Some("/a"));
        assert_eq!(flag(&words, "pod-manifest-path"), Some("/m"));
        assert_eq!(flag(&words, "container-runtime-endpoint"), None);
    }
}
