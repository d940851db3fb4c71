//! What stands against a renewal; then nothing changes.

use chrono::TimeDelta;
use kubepki::ops::renew::plan;
use kubepki::request::Span;

use super::*;

#[test]
fn a_ca_that_does_not_fit_its_key_signs_nothing() {
    let (node, request) = quick();
    node.write("/etc/kubernetes/pki/ca.key", ecdsa_key().to_pem().expose());
    node.set_mode("/etc/kubernetes/pki/ca.key", 0o600);
    refused(&node, &request, &["ca key.mismatch"]);
    let others = RenewRequest { names: names(&["etcd-server", "front-proxy-client"]), ..request };
    assert_eq!(renewed(&node, &others).changed.len(), 2, "other CAs are not concerned");
}

#[test]
fn a_ca_that_has_expired_signs_only_when_forced() {
    let (mut node, request) = quick();
    node.now = now() + TimeDelta::days(3651);
    let only = RenewRequest { names: names(&["apiserver"]), ..request };
    refused(&node, &only, &["ca certificate.expired"]);
    let forced = RenewRequest { force: true, ..only };
    assert_eq!(problems(&planned(&node, &forced).findings), ["ca certificate.expired"]);
    renewed(&node, &forced);
    assert_eq!(node.certificate("apiserver").not_after(), node.now + TimeDelta::days(365));
}

#[test]
fn a_clock_before_the_cas_start_is_refused_even_when_forced() {
    let (mut node, request) = quick();
    node.now = now() - TimeDelta::days(1);
    let only = RenewRequest { names: names(&["apiserver"]), force: true, ..request };
    refused(&node, &only, &["ca certificate.not_yet_valid"]);
}

#[test]
fn a_ca_that_is_missing_broken_or_none_is_refused() {
    let (node, request) = quick();
    let only = RenewRequest { names: names(&["apiserver"]), ..request };
    let ca = node.read("/etc/kubernetes/pki/ca.crt");
    node.write("/etc/kubernetes/pki/ca.crt", node.read("/etc/kubernetes/pki/apiserver.crt"));
    refused(&node, &only, &["ca authority.not_an_authority", "ca key.mismatch"]);
    node.write("/etc/kubernetes/pki/ca.crt", "broken");
    refused(&node, &only, &["ca x509.none"]);
    node.remove("/etc/kubernetes/pki/ca.crt");
    refused(&node, &only, &["ca authority.missing"]);
    node.write("/etc/kubernetes/pki/ca.crt", ca);
    node.write("/etc/kubernetes/pki/ca.key", "broken");
    node.set_mode("/etc/kubernetes/pki/ca.key", 0o600);
    refused(&node, &only, &["ca key.none"]);
}

#[test]
fn another_nodes_certificates_are_refused_unless_forced() {
    let (node, request) = quick();
    let other = Node::empty(&CONTROL_PLANE.replace("cp1", "cp2").replace("192.0.2.10", "192.0.2.11"));
    for file in ["ca.crt", "ca.key", "etcd/ca.crt", "etcd/ca.key", "front-proxy-ca.crt", "front-proxy-ca.key"] {
        other.write(&format!("/etc/kubernetes/pki/{file}"), node.read(&format!("/etc/kubernetes/pki/{file}")));
    }
    other.apply();
    for base in ["etcd/server", "etcd/peer", "apiserver"] {
        node.put_pair(base, &other.certificate(base), &other.key(base));
    }
    let expected =
        ["apiserver certificate.other_node", "etcd-peer certificate.other_node", "etcd-server certificate.other_node"];
    refused(&node, &request, &expected);
    let evidence = |plan: &kubepki::plan::Plan| find(&plan.findings, "certificate.other_node").evidence.clone();
    assert!(evidence(&planned(&node, &request)).ends_with("this node is \"cp1\""), "as kubelet.conf says");
    let forced = RenewRequest { force: true, ..request.clone() };
    assert_eq!(problems(&planned(&node, &forced).findings), expected);
    let kubelet_conf = node.read("/etc/kubernetes/kubelet.conf");
    node.edit("/etc/kubernetes/kubelet.conf", |text| {
        let (head, _) = text.split_once("    client-certificate-data").unwrap();
        format!("{head}    client-certificate: /gone.pem\n    client-key: /gone.pem\n")
    });
    let without_certificate = planned(&node, &request);
    assert_eq!(problems(&without_certificate.findings), expected);
    assert!(criticals(&without_certificate.findings).is_empty(), "a user's name is no proof");
    assert!(evidence(&without_certificate).ends_with("this node is \"cp1\""), "as its user is named");
    node.write("/etc/kubernetes/kubelet.conf", kubelet_conf);

    node.write("/etc/kubernetes/kubelet.conf", other.read("/etc/kubernetes/kubelet.conf"));
    assert!(planned(&node, &request).findings.is_empty(), "without a configuration kubelet.conf is what there is");
    let named = RenewRequest {
        node: kubepki::ops::NodeRequest { node_name: Some("cp1".into()), ..request.node.clone() },
        kubelet: true,
        ..request
    };
    assert_eq!(criticals(&planned(&node, &named).findings)[3..], ["kubelet.conf certificate.other_node"]);
    node.remove("/etc/kubernetes/kubelet.conf");
    assert_eq!(renewed(&node, &forced).changed.len(), 11, "on a mounted disk, nothing says which node this is");
}

#[test]
fn names_of_the_configuration_put_a_copied_certificate_right() {
    let (node, request) = quick();
    node.replace_leaf("apiserver", &node.issuer("ca"), |template| {
        template.subject_alt_names = kubepki::x509::SubjectAltNames::sorted(["cp2"], []);
    });
    let only = RenewRequest { names: names(&["apiserver"]), ..request };
    refused(&node, &only, &["apiserver certificate.other_node"]);
    renewed(&node, &RenewRequest { sans_from_config: true, ..with_config(&node, only) });
    assert!(node.plan().findings.is_empty());
}

#[test]
fn one_thing_that_cannot_be_read_leaves_everything_as_it_was() {
    let (node, request) = quick();
    let scheduler = node.read("/etc/kubernetes/scheduler.conf");
    for (content, code) in
        [("{[", "kubeconfig.invalid_yaml"), ("kind: Config\ncurrent-context: nowhere\n", "kubeconfig.context_missing")]
    {
        node.write("/etc/kubernetes/scheduler.conf", content);
        refused(&node, &request, &[&format!("scheduler.conf {code}")]);
    }
    node.write("/etc/kubernetes/scheduler.conf", scheduler);
    node.write("/etc/kubernetes/pki/etcd/server.crt", "-----BEGIN CERTIFICATE-----\n");
    refused(&node, &request, &["etcd-server x509.damaged"]);
}

#[test]
fn a_key_that_cannot_be_kept_is_refused() {
    let (node, request) = quick();
    let keep = RenewRequest { keep_key: true, names: names(&["apiserver"]), ..request };
    node.write("/etc/kubernetes/pki/apiserver.key", ecdsa_key().to_pem().expose());
    refused(&node, &keep, &["apiserver key.mismatch"]);
    node.write("/etc/kubernetes/pki/apiserver.key", "broken");
    refused(&node, &keep, &["apiserver key.none"]);
    node.remove("/etc/kubernetes/pki/apiserver.key");
    refused(&node, &keep, &["apiserver file.missing"]);
}

#[test]
fn requests_that_cannot_be_meant_are_errors() {
    let (node, request) = quick();
    let code = |request: RenewRequest| plan(&request, node.now).unwrap_err().code();
    let of = |list: &[&str]| RenewRequest { names: names(list), ..request.clone() };
    let add = |list: &[&str], name: &str| RenewRequest { add_sans: vec![name.to_owned()], ..of(list) };
    assert_eq!(code(of(&["apisever"])), "plan.unknown_name");
    assert_eq!(code(of(&["ca"])), "plan.not_renewable");
    assert_eq!(code(of(&["apiserver", "sa"])), "plan.not_renewable");
    assert_eq!(code(add(&["admin.conf"], "a.test")), "plan.bad_request");
    assert_eq!(code(add(&["all"], "a.test")), "plan.bad_request");
    assert_eq!(
        code(RenewRequest { names: kubepki::plan::generate::Selection::All, ..add(&[], "a.test") }),
        "plan.bad_request"
    );
    for name in ["https://a", "a b", "", "URI:x", "email:x", "*"] {
        assert_eq!(code(add(&["apiserver"], name)), "plan.bad_request", "{name}");
    }
    assert_eq!(code(RenewRequest { sans_from_config: true, ..request.clone() }), "plan.bad_request");
    assert_eq!(code(RenewRequest { validity: Some(Span::of_seconds(0)), ..request.clone() }), "plan.bad_request");
    assert_eq!(
        code(RenewRequest { before: Some(Span::of_seconds(366 * 86_400)), ..request.clone() }),
        "plan.bad_request"
    );
    let both = RenewRequest { keep_key: true, algorithm: Some(kubepki::key::Algorithm::Rsa2048), ..request.clone() };
    assert_eq!(code(both), "plan.bad_request");
}

#[test]
fn a_plan_is_stale_once_a_file_has_changed() {
    let (node, request) = quick();
    let plan = planned(&node, &RenewRequest { names: names(&["admin.conf"]), ..request.clone() });
    renewed(&node, &RenewRequest { names: names(&["apiserver"]), ..request });
    let before = node.snapshot();
    assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.stale");
    assert_eq!(node.snapshot(), before);
}
