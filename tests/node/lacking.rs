//! `certs generate-csr --only-lacking`: what is there stays, what waits is shown, and a second run makes nothing.

use std::collections::BTreeMap;

use kubepki::catalogue::{NodeRole, leaf_names};
use kubepki::ops::apply::Report;
use kubepki::ops::generate_csr::{GenerateCsrRequest, plan};
use kubepki::plan::generate::Selection;
use kubepki::plan::{Action, Cause, Plan};
use kubepki::request::Span;
use kubepki::x509::CertificateRequest;

use super::support::*;

const APISERVER: &str = "/etc/kubernetes/pki/apiserver";

fn lacking(node: &Node, days: i64) -> Plan {
    changed(node, days, |_| {})
}

fn changed(node: &Node, days: i64, change: impl FnOnce(&mut GenerateCsrRequest)) -> Plan {
    let mut request = GenerateCsrRequest {
        node: node.request.node.clone(),
        only_lacking: true,
        renew_before: Some(Span::of_seconds(days * 86_400)),
        ..GenerateCsrRequest::default()
    };
    change(&mut request);
    plan(&request, node.now).unwrap().plan
}

fn apply_all(plan: &Plan) -> Report {
    apply_plan(plan).unwrap()
}

fn reason<'p>(plan: &'p Plan, name: &str) -> &'p str {
    &plan.artefacts.iter().find(|one| one.name == name).unwrap().reason
}

/// The keys of a node, and the kubeconfigs, which hold keys.
fn keys(node: &Node) -> BTreeMap<std::path::PathBuf, (u32, Vec<u8>)> {
    let is_key =
        |path: &std::path::Path| path.extension().is_some_and(|end| end == "key" || end == "conf" || end == "crt");
    node.snapshot().into_iter().filter(|(path, _)| is_key(path)).collect()
}

#[test]
fn what_was_asked_for_waits_and_a_second_run_makes_nothing() {
    let node = Node::empty(CONTROL_PLANE);
    let first = lacking(&node, 30);
    assert_eq!(created(&first), leaf_names());
    let made = apply_all(&first);
    let before = node.snapshot();

    let second = lacking(&node, 30);
    assert!(second.is_empty() && second.findings.is_empty());
    for (artefact, changed) in second.artefacts.iter().zip(&made.changed) {
        assert_eq!(artefact.action(), Action::Wait, "{}", artefact.name);
        assert!(artefact.reason.starts_with("waiting for its signature"), "{}", artefact.reason);
        // What was made is what waits, and is what is in the file.
        assert_eq!(artefact.step.waiting_request(), changed.request_pem.as_deref());
        let file = node.read(artefact.request_path().unwrap().to_str().unwrap());
        assert_eq!(artefact.step.waiting_request().unwrap().as_bytes(), file);
    }
    assert!(apply_all(&second).changed.is_empty());
    assert_eq!(node.snapshot(), before);
}

#[test]
fn a_good_certificate_is_kept_and_one_that_ends_soon_is_asked_for_with_its_key() {
    let node = Node::golden("ecdsa-p256");
    let plan = lacking(&node, 30);
    assert!(plan.is_empty() && plan.artefacts.iter().all(|one| one.action() == Action::Keep), "{plan:#?}");
    let before = keys(&node);

    let due = lacking(&node, 366);
    assert_eq!(created(&due), leaf_names());
    assert!(due.changes().all(|one| one.step.new_key().is_none() && one.files.len() == 1));
    assert!(
        due.changes().all(|one| one.reason.contains("its certificate ends on 2027-")),
        "{:?}",
        reason(&due, "apiserver")
    );
    apply_all(&due);
    assert_eq!(keys(&node), before);
    let request = CertificateRequest::from_pem(&node.read(&format!("{APISERVER}.csr"))).unwrap();
    assert_eq!(request.public_key_info(), node.certificate("apiserver").public_key_info());
    assert_eq!(request.subject_alt_names(), node.certificate("apiserver").subject_alt_names());

    let again = lacking(&node, 366);
    assert!(again.is_empty() && again.artefacts.iter().all(|one| one.action() == Action::Wait));
    // What no longer ends too soon needs no signature, whatever request lies there.
    assert_eq!(action(&lacking(&node, 30), "apiserver"), Action::Keep);
}

#[test]
fn what_another_ca_signed_is_asked_for_again() {
    let node = Node::golden("ecdsa-p256");
    node.remove("/etc/kubernetes/pki/ca.key");
    node.write("/etc/kubernetes/pki/ca.crt", Node::golden("minimal").read("/etc/kubernetes/pki/ca.crt"));
    let before = keys(&node);
    let plan = lacking(&node, 30);
    let foreign = "with the key that is there: its certificate was signed by another CA, CN=kubernetes";
    for name in ["apiserver", "apiserver-kubelet-client", "admin.conf", "scheduler.conf"] {
        assert_eq!((action(&plan, name), reason(&plan, name)), (Action::Request, foreign), "{name}");
    }
    for name in ["front-proxy-client", "etcd-server", "apiserver-etcd-client"] {
        assert_eq!(action(&plan, name), Action::Keep, "{name}");
    }
    apply_all(&plan);
    assert_eq!(keys(&node), before);
}

#[test]
fn a_name_that_is_new_in_the_configuration_is_asked_for_once() {
    let node = Node::golden("ecdsa-p256");
    let before = keys(&node);
    node.edit("/etc/kubeadm.yaml", |text| {
        text.replace(
            "kind: ClusterConfiguration",
            "kind: ClusterConfiguration\napiServer: {certSANs: [api.example.test]}",
        )
    });
    let plan = lacking(&node, 30);
    assert_eq!(created(&plan), ["apiserver"]);
    assert_eq!(reason(&plan, "apiserver"), "with the key that is there: its certificate lacks DNS:api.example.test");
    apply_all(&plan);
    assert_eq!(keys(&node), before);
    assert_eq!(action(&lacking(&node, 30), "apiserver"), Action::Wait);

    // The request that waits asks for too little, once there is another name.
    node.edit("/etc/kubeadm.yaml", |text| text.replace("[api.example.test]", "[api.example.test, b.example.test]"));
    let plan = lacking(&node, 30);
    assert_eq!(created(&plan), ["apiserver"]);
    assert!(reason(&plan, "apiserver").contains("its request is for something else"));
    apply_all(&plan);
    let request = CertificateRequest::from_pem(&node.read(&format!("{APISERVER}.csr"))).unwrap();
    assert!(request.subject_alt_names().dns_names().any(|name| name == "b.example.test"));
    assert!(lacking(&node, 30).is_empty());
}

#[test]
fn a_key_without_request_and_certificate_is_asked_for_with_it() {
    let node = Node::empty(CONTROL_PLANE);
    apply_all(&lacking(&node, 30));
    let before = keys(&node);
    node.remove(&format!("{APISERVER}.csr"));
    node.remove("/etc/kubernetes/admin.conf.csr");
    node.write("/etc/kubernetes/pki/etcd/peer.csr", "no request");
    let plan = lacking(&node, 30);
    assert_eq!(created(&plan), ["apiserver", "etcd-peer", "admin.conf"]);
    assert!(plan.changes().all(|one| one.step.new_key().is_none()));
    apply_all(&plan);
    assert_eq!(keys(&node), before);
    assert!(lacking(&node, 30).is_empty());
}

#[test]
fn what_cannot_be_used_blocks_and_a_request_without_its_key_is_never_overwritten() {
    let node = Node::empty(CONTROL_PLANE);
    apply_all(&lacking(&node, 30));
    node.write("/etc/kubernetes/pki/etcd/peer.key", "junk");
    node.remove(&format!("{APISERVER}.key"));
    let plan = lacking(&node, 30);
    assert_eq!(criticals(&plan.findings), ["apiserver file.exists", "etcd-peer key.none"]);
    assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.blocked");
}

/// As kubeadm leaves a node: `kubelet.conf` reads its user from the file that the kubelet rotates.
fn let_the_kubelet_rotate(node: &Node) {
    let rotated = "/var/lib/kubelet/pki/kubelet-client-current.pem";
    let own = node.read("/etc/kubernetes/kubelet.conf");
    node.write(rotated, [embedded(&own, "client-certificate-data"), embedded(&own, "client-key-data")].concat());
    node.edit("/etc/kubernetes/kubelet.conf", |text| {
        let line = |line: &str| match line.trim_start().split(':').next() {
            Some("client-certificate-data") => format!("    client-certificate: {rotated}\n"),
            Some("client-key-data") => format!("    client-key: {rotated}\n"),
            _ => format!("{line}\n"),
        };
        text.lines().map(line).collect()
    });
}

#[test]
fn a_kubeconfig_that_the_kubelet_keeps_or_that_shows_a_token_is_left_alone() {
    let node = Node::golden("ecdsa-p256");
    let_the_kubelet_rotate(&node);
    node.edit("/etc/kubernetes/scheduler.conf", |text| {
        let line = |line: &str| match line.trim_start().split(':').next() {
            Some("client-certificate-data") => "    token: abc\n".to_owned(),
            Some("client-key-data") => String::new(),
            _ => format!("{line}\n"),
        };
        text.lines().map(line).collect()
    });
    let plan = lacking(&node, 30);
    assert!(plan.is_empty() && !plan.is_blocked(), "{:#?}", plan.findings);
    let cause = |name| plan.artefacts.iter().find(|one| one.name == name).unwrap().step.cause();
    assert_eq!(cause("kubelet.conf"), Some(Cause::LeftToKubelet));
    assert_eq!(cause("scheduler.conf"), Some(Cause::NoClientCertificate));
}

#[test]
fn a_kubelets_own_certificate_is_asked_for_when_it_is_due_and_then_waits() {
    let node = Node::golden("ecdsa-p256");
    let own = String::from_utf8(node.read("/etc/kubernetes/kubelet.conf")).unwrap();
    let pair = [embedded(own.as_bytes(), "client-certificate-data"), embedded(own.as_bytes(), "client-key-data")];
    node.write("/var/lib/kubelet/pki/kubelet-client-current.pem", pair.concat());
    let kubelets =
        |days| changed(&node, days, |request| request.names = Selection::Names(vec!["kubelet-client".into()]));
    assert_eq!(action(&kubelets(30), "kubelet-client"), Action::Keep);
    let due = kubelets(366);
    assert_eq!(created(&due), ["kubelet-client"]);
    assert!(due.artefacts[0].step.new_key().is_some());
    apply_all(&due);
    let again = kubelets(366);
    assert_eq!(action(&again, "kubelet-client"), Action::Wait);
    // The key that waits beside it is used when the request is gone.
    node.remove("/etc/kubernetes/renewal/kubelet-client.csr");
    let plan = kubelets(366);
    assert!(plan.artefacts[0].step.new_key().is_none() && !plan.is_empty());
    apply_all(&plan);
    assert_eq!(action(&kubelets(366), "kubelet-client"), Action::Wait);
}

#[test]
fn a_kubelet_that_nobody_has_signed_for_in_time_is_asked_for_with_all_the_others() {
    let node = Node::golden("ecdsa-p256");
    let_the_kubelet_rotate(&node);
    assert!(lacking(&node, 30).artefacts.iter().all(|one| one.name != "kubelet-client"), "the kubelet renews its own");
    let due = lacking(&node, 366);
    let own = due.changes().find(|one| one.name == "kubelet-client").unwrap();
    assert!(own.step.new_key().is_some(), "{own:?}");
    assert_eq!(due.artefacts.iter().find(|one| one.name == "kubelet.conf").unwrap().action(), Action::Skip);
    apply_all(&due);
    assert!(lacking(&node, 366).is_empty());
    assert_eq!(action(&lacking(&node, 366), "kubelet-client"), Action::Wait);
    let worker = changed(&node, 366, |request| request.role = Some(NodeRole::Worker));
    assert_eq!(action(&worker, "kubelet-client"), Action::Wait);
    // Other names are other names.
    let only = changed(&node, 366, |request| request.names = Selection::Names(vec!["apiserver".into()]));
    assert_eq!(only.artefacts.len(), 1);
}

#[test]
fn a_kubelet_that_has_copied_its_user_from_kubelet_conf_is_asked_for_in_place_of_it() {
    // As `kubeadm join` leaves a worker whose kubelet.conf was there before.
    let node = Node::golden("ecdsa-p256");
    let own = node.read("/etc/kubernetes/kubelet.conf");
    let pair = [embedded(&own, "client-certificate-data"), embedded(&own, "client-key-data")];
    node.write("/var/lib/kubelet/pki/kubelet-client-current.pem", pair.concat());
    assert_eq!(action(&lacking(&node, 366), "kubelet.conf"), Action::Request, "it does not rotate");
    let config = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nrotateCertificates: true\n";
    node.write("/var/lib/kubelet/config.yaml", config);
    assert_eq!(action(&lacking(&node, 30), "kubelet.conf"), Action::Keep);
    let due = lacking(&node, 366);
    assert_eq!((action(&due, "kubelet.conf"), action(&due, "kubelet-client")), (Action::Skip, Action::Request));
}

#[test]
fn what_asks_for_all_anew_and_what_keeps_what_is_there_exclude_each_other() {
    let node = Node::empty(CONTROL_PLANE);
    let refused = |change: fn(&mut GenerateCsrRequest)| {
        let mut request = GenerateCsrRequest { node: node.request.node.clone(), ..GenerateCsrRequest::default() };
        request.only_lacking = true;
        change(&mut request);
        plan(&request, node.now).unwrap_err().code().to_string()
    };
    assert_eq!(refused(|request| request.reuse_keys = true), "plan.bad_request");
    assert_eq!(refused(|request| request.renew = true), "plan.bad_request");
    assert_eq!(refused(|request| request.out_dir = Some("/csr".into())), "plan.bad_request");
    let alone = refused(|request| (request.only_lacking, request.renew_before) = (false, Some(Span::of_seconds(1))));
    assert_eq!(alone, "plan.bad_request");
}
