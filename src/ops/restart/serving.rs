//! What a node's own components serve, held against the files that they are told to serve with.
//!
//! In: a store, the kubelet's directory, the CAs, now. Out: findings. Each port is greeted and left again, all at once,
//! with a time limit; nothing is asked of it. Where they listen is what manifests and the kubelet's configuration say.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::RestartRequest;
use super::look::TIMEOUT;
use super::node::Components;
use crate::audit::Finding;
use crate::audit::certificate::Thresholds;
use crate::audit::served::{Live, judge_live, judge_silent};
use crate::catalogue::KUBELET;
use crate::edge::tls::{self, Hello};
use crate::plan::restart::Endpoint;
use crate::store::Store;
use crate::workers;
use crate::x509::{Certificate, read_certificates};

/// Asks every port of every component that has a certificate of its own.
pub(in crate::ops) fn serving(
    store: &Store,
    kubelet_dir: &Path,
    authorities: &[Certificate],
    thresholds: Thresholds,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let request = RestartRequest { kubelet_dir: kubelet_dir.into(), ..RestartRequest::default() };
    let read = if store.is_of_this_machine() { Components::read } else { Components::as_written };
    let Ok(components) = read(&request, store) else { return Vec::new() };
    let kubelet = kubelet_dir.join("config.yaml");
    let has_kubelet = store.read([&kubelet]).is_there(&kubelet);
    let members = components.members.iter().filter(|member| member.name != KUBELET || has_kubelet);
    let ports = members.filter_map(|member| Some((member.name, member.component.as_ref()?)));
    let ports: Vec<(&str, &Endpoint)> =
        ports.flat_map(|(name, component)| component.endpoints.iter().map(move |endpoint| (name, endpoint))).collect();
    let looks = workers::at_once(&ports, |(name, endpoint)| {
        let path = endpoint.certificate.as_deref()?;
        let address = endpoint.address();
        let tree = store.read([path]);
        // What is wrong with the file is said where files are judged.
        let on_disk = tree.content(path).and_then(|content| read_certificates(content).ok())?;
        let place = address.to_string();
        Some(match tls::chain(&address, Hello::default(), TIMEOUT) {
            Err(error) => judge_silent(name, &place, path, &error.to_string()),
            Ok(sent) => {
                let served: Vec<_> = sent.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
                let live = Live { component: name, place: &place, path, served: &served, on_disk: &on_disk };
                judge_live(&live, authorities, thresholds, now)
            }
        })
    });
    looks.into_iter().flatten().flatten().collect()
}
