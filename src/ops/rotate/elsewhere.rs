//! Which components of this node take whom they trust from files that are not kubeadm's.
//!
//! In: a node. Out: each such file with what names it and what it holds, by the authority. The same file by another path is kubeadm's.

use std::path::{Path, PathBuf};

use super::Place;
use crate::audit::rotation::{Anchor, Elsewhere};
use crate::catalogue::{CLUSTER_CA, SERVICE_ACCOUNT, trusting_flags};
use crate::component::StaticPod;
use crate::key::read_public_keys;
use crate::x509::read_certificates;

/// The API server's flags with the keys that tokens are verified with, and with the one that signs them.
const VERIFIES: &str = "service-account-key-file";
const SIGNS: &str = "service-account-signing-key-file";

pub(super) fn find(place: &Place) -> Vec<(&'static str, Elsewhere)> {
    let mut all = Vec::new();
    let mut trusts = |authority, setting: String, file: PathBuf| {
        if !place.node.store.are_one(&file, &place.node.layout.in_use(authority).public) {
            let trusted = certificates(place, &file);
            all.push((authority, Elsewhere { setting, file, trusted }));
        }
    };
    for (authority, component, flag) in trusting_flags() {
        if let Some(file) = place.static_pod(component).and_then(|pod| pod.file(flag)) {
            trusts(authority, format!("{component} --{flag}"), file);
        }
    }
    if let Some(file) = &place.kubelet.configuration.client_authority {
        trusts(CLUSTER_CA, "clientCAFile of the kubelet".to_owned(), file.clone());
    }
    if let Some(pod) = place.static_pod("kube-apiserver") {
        all.extend(keys(place, &pod).map(|one| (SERVICE_ACCOUNT, one)));
    }
    all
}

fn certificates(place: &Place, file: &Path) -> Vec<Anchor> {
    let tree = place.node.store.read([file]);
    let all = tree.content(file).and_then(|pem| read_certificates(pem).ok()).unwrap_or_default();
    all.iter().map(Anchor::of).collect()
}

/// Tokens are verified with all files that are named; one that signs elsewhere is not replaced at all.
fn keys(place: &Place, pod: &StaticPod) -> impl Iterator<Item = Elsewhere> {
    let own = place.node.layout.in_use(SERVICE_ACCOUNT);
    let store = &place.node.store;
    let files = pod.files(VERIFIES);
    let is_own = files.iter().any(|file| store.are_one(file, &own.public));
    let verifies = files.into_iter().next().filter(|_| !is_own).map(|file| {
        let tree = store.read([&file]);
        let keys = tree.content(&file).and_then(|pem| read_public_keys(pem).ok()).unwrap_or_default();
        let trusted = keys.iter().map(|key| Anchor::of_key(key)).collect();
        Elsewhere { setting: format!("kube-apiserver --{VERIFIES}"), file, trusted }
    });
    let signs = pod.file(SIGNS).filter(|file| !store.are_one(file, &own.key));
    let signs = signs.map(|file| Elsewhere { setting: format!("kube-apiserver --{SIGNS}"), file, trusted: Vec::new() });
    verifies.into_iter().chain(signs)
}
