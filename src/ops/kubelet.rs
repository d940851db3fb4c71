//! The kubelet of this node: what it is told, and which of its files it uses.
//!
//! In: a store, the kubelet's directory. Out: [`Kubelet`], the one answer that checking, renewing and restarting share.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use crate::catalogue::{KubeletFiles, dated};
use crate::component::{BadConfiguration, KubeletConfiguration, ServingFiles};
use crate::store::Store;
use crate::tree::Observed;

/// Where distributions keep more flags of the service: Debian's and Red Hat's packages.
const ENVIRONMENTS: [&str; 2] = ["/etc/default/kubelet", "/etc/sysconfig/kubelet"];

/// What is known of this node's kubelet.
#[derive(Clone, Debug)]
pub(super) struct Kubelet {
    /// What it is told; the kubelet's defaults where its configuration cannot be used.
    pub(super) configuration: KubeletConfiguration,
    /// Its certificate files.
    pub(super) files: KubeletFiles,
    /// Those that it serves with.
    pub(super) serving: ServingFiles,
    /// The configuration file, and why it cannot be used.
    pub(super) problem: Option<(PathBuf, String)>,
    /// Whether its configuration was read: else nobody can say which of its files it serves with.
    pub(super) is_known: bool,
}

impl Kubelet {
    /// The file that its next client certificate goes into; none where the present one is no link, and is written
    /// itself.
    pub(super) fn next_client(&self, store: &Store, now: DateTime<Utc>) -> Option<PathBuf> {
        let current = self.files.client();
        let is_there = || store.read([&current]).is_there(&current);
        if !store.is_link(&current) && is_there() { None } else { next_behind(store, &current, now) }
    }

    /// Its certificate files, and those that it serves with.
    pub(super) fn paths(&self) -> impl Iterator<Item = PathBuf> {
        let ServingFiles { certificate, key, .. } = self.serving.clone();
        self.files.every_path().into_iter().chain([certificate, key])
    }

    /// Reads the configuration and the flags in `kubelet_dir`, and the flags that the service has besides.
    pub(super) fn read(store: &Store, kubelet_dir: &Path) -> Self {
        Self::read_as_called(store, kubelet_dir, &kubelet_dir.join("config.yaml"), &[])
    }

    /// The same with another configuration file, and with flags of its command line.
    pub(super) fn read_as_called(store: &Store, kubelet_dir: &Path, path: &Path, words: &[String]) -> Self {
        let path = path.to_owned();
        let environments = environments(kubelet_dir);
        let tree = store.read(environments.iter().chain([&path]));
        let (mut configuration, problem) = match tree.get(&path) {
            Observed::Missing => (KubeletConfiguration::default(), None),
            Observed::Unreadable(fault) => (KubeletConfiguration::default(), Some((path, fault.message.clone()))),
            Observed::File { content, .. } => match KubeletConfiguration::parse(content.expose()) {
                Ok(configuration) => (configuration, None),
                Err(BadConfiguration(reason)) => (KubeletConfiguration::default(), Some((path, reason))),
            },
        };
        for environment in environments.iter().filter_map(|path| tree.content(path)) {
            configuration = configuration.with_flags(&String::from_utf8_lossy(environment));
        }
        configuration = configuration.called_with(words.iter().map(String::as_str));
        let files = configuration.files(kubelet_dir);
        let requested = store.read([files.server()]);
        let is_there = |path: &Path| requested.is_there(path);
        let is_known = problem.is_none() && tree.content(&kubelet_dir.join("config.yaml")).is_some();
        // Where nobody can say what it is told, a certificate that it once asked for stands for what it serves.
        let configuration = configuration.requesting(!is_known && is_there(&files.server()));
        let serving = configuration.serving(&files, is_there);
        Self { configuration, files, serving, problem, is_known }
    }
}

/// Whether the flags of the kubelet's service keep it from asking the cluster for its serving certificate, whatever its configuration says.
pub(super) fn flags_forbid_request(store: &Store, kubelet_dir: &Path) -> bool {
    let files = environments(kubelet_dir);
    let tree = store.read(&files);
    let asking = KubeletConfiguration::default().requesting(true);
    let told = files
        .iter()
        .filter_map(|path| tree.content(path))
        .fold(asking, |told, environment| told.with_flags(&String::from_utf8_lossy(environment)));
    !told.requests_server_certificate()
}

/// The files with the flags of the kubelet's service.
fn environments(kubelet_dir: &Path) -> Vec<PathBuf> {
    [kubelet_dir.join("kubeadm-flags.env")].into_iter().chain(ENVIRONMENTS.map(PathBuf::from)).collect()
}

/// The file that the next pair behind a link of the kubelet's goes into: dated as the kubelet does, and a second later
/// for each name that something has already; none for a link that the kubelet does not rotate.
pub(super) fn next_behind(store: &Store, link: &Path, now: DateTime<Utc>) -> Option<PathBuf> {
    let mut moment = now;
    loop {
        let next = dated(link, moment)?;
        if !store.read([&next]).is_there(&next) && !store.is_link(&next) {
            return Some(next);
        }
        moment += TimeDelta::seconds(1);
    }
}
