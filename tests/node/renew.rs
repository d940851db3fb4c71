//! Renewal on real trees: what stays, what changes, what is refused, and that nothing changes when it is.

mod content;
mod kubelet;
mod refused;

use kubepki::key::PrivateKey;
use kubepki::ops::renew::{RenewRequest, plan};
use kubepki::plan::generate::Selection;
use kubepki::x509::{Certificate, read_certificates};

use super::support::*;

/// The eleven of kubeadm, in the order of plans.
const ALL: [&str; 11] = [
    "admin.conf",
    "apiserver",
    "apiserver-etcd-client",
    "apiserver-kubelet-client",
    "controller-manager.conf",
    "etcd-healthcheck-client",
    "etcd-peer",
    "etcd-server",
    "front-proxy-client",
    "scheduler.conf",
    "super-admin.conf",
];

/// A golden tree without its configuration, as a node on which nobody gives one.
fn golden(name: &str) -> (Node, RenewRequest) {
    let node = Node::golden(name);
    let request = request(&node);
    (node, request)
}

/// A tree of quick keys.
fn quick() -> (Node, RenewRequest) {
    let node = Node::made(CONTROL_PLANE);
    let request = request(&node);
    (node, request)
}

fn request(node: &Node) -> RenewRequest {
    let mut request = RenewRequest::default();
    request.node.rootfs.clone_from(&node.request.node.rootfs);
    request
}

fn with_config(node: &Node, request: RenewRequest) -> RenewRequest {
    RenewRequest { node: node.request.node.clone(), ..request }
}

fn names(names: &[&str]) -> Selection {
    Selection::Names(names.iter().map(|name| (*name).to_owned()).collect())
}

fn planned(node: &Node, request: &RenewRequest) -> kubepki::plan::Plan {
    plan(request, node.now).unwrap().plan
}

fn renewed(node: &Node, request: &RenewRequest) -> kubepki::ops::apply::Report {
    apply_plan(&planned(node, request)).unwrap()
}

/// The certificate that a kubeconfig embeds.
fn client(node: &Node, name: &str) -> Certificate {
    let content = node.read(&format!("/etc/kubernetes/{name}"));
    read_certificates(&embedded(&content, "client-certificate-data")).unwrap().remove(0)
}

fn client_key(node: &Node, name: &str) -> PrivateKey {
    let content = node.read(&format!("/etc/kubernetes/{name}"));
    PrivateKey::from_pem(&embedded(&content, "client-key-data")).unwrap()
}

/// Nothing on disk changes, and the plan is refused for these reasons.
fn refused(node: &Node, request: &RenewRequest, expected: &[&str]) {
    let before = node.snapshot();
    let plan = planned(node, request);
    assert_eq!(criticals(&plan.findings), expected);
    assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.blocked");
    assert_eq!(node.snapshot(), before);
}
