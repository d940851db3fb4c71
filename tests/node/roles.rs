//! Other kinds of node: further control planes, workers; and other algorithms.

use kubepki::plan::Action;

use super::support::*;

pub const SECONDARY: &str = "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
nodeRegistration: {name: cp2}
controlPlane:
  localAPIEndpoint: {advertiseAddress: 192.0.2.12, bindPort: 6443}
discovery:
  bootstrapToken: {apiServerEndpoint: \"api.example.test:6443\", token: abcdef.0123456789abcdef, unsafeSkipCAVerification: true}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.2
encryptionAlgorithm: ECDSA-P256
controlPlaneEndpoint: \"api.example.test:6443\"
";

const WORKER: &str = "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
nodeRegistration: {name: worker1}
discovery:
  bootstrapToken: {apiServerEndpoint: \"api.example.test:6443\", token: abcdef.0123456789abcdef, unsafeSkipCAVerification: true}
";

const SHARED: [&str; 8] =
    ["ca.crt", "ca.key", "front-proxy-ca.crt", "front-proxy-ca.key", "etcd/ca.crt", "etcd/ca.key", "sa.key", "sa.pub"];

fn copy(from: &Node, to: &Node, shared: &[&str]) {
    for file in shared {
        let path = format!("/etc/kubernetes/pki/{file}");
        to.write(&path, from.read(&path));
        to.set_mode(&path, 0o600);
    }
}

#[test]
fn a_further_control_plane_makes_its_own_from_the_shared_cas() {
    let (first, second) = (Node::made(CONTROL_PLANE), Node::empty(SECONDARY));
    copy(&first, &second, &SHARED);
    let shared = second.snapshot();
    let plan = second.plan();
    assert!(plan.findings.is_empty(), "{:?}", plan.findings);
    assert_eq!(action(&plan, "ca"), Action::Keep);
    assert_eq!(action(&plan, "sa"), Action::Keep);
    assert_eq!(action(&plan, "super-admin.conf"), Action::Skip);
    apply_plan(&plan).unwrap();
    let after = second.snapshot();
    for path in SHARED {
        let path = second.path(&format!("/etc/kubernetes/pki/{path}"));
        assert_eq!(after[&path], shared[&path], "{}", path.display());
    }
    assert!(!second.path("/etc/kubernetes/super-admin.conf").exists());
    assert_eq!(files(&second.path("/etc/kubernetes")).len(), 8 + 14 + 4);
    let names: Vec<_> = second.certificate("apiserver").subject_alt_names().iter().map(ToString::to_string).collect();
    for name in ["DNS:cp2", "DNS:api.example.test", "IP:192.0.2.12"] {
        assert!(names.iter().any(|one| one == name), "{name} in {names:?}");
    }
    assert_eq!(second.certificate("etcd/peer").subject().common_name().as_deref(), Some("cp2"));
    let kubelet = String::from_utf8(second.read("/etc/kubernetes/kubelet.conf")).unwrap();
    assert!(kubelet.contains("server: https://192.0.2.12:6443\n"), "{kubelet}");
    let admin = String::from_utf8(second.read("/etc/kubernetes/admin.conf")).unwrap();
    assert!(admin.contains("server: https://api.example.test:6443\n"), "{admin}");
    assert!(second.plan().is_empty());
}

#[test]
fn a_further_control_plane_names_every_shared_file_that_is_missing() {
    let node = Node::empty(SECONDARY);
    let plan = node.plan();
    let expected =
        ["ca shared.missing", "etcd-ca shared.missing", "front-proxy-ca shared.missing", "sa shared.missing"];
    assert_eq!(criticals(&plan.findings), expected);
    for finding in &plan.findings {
        assert!(finding.remedy.contains("from the first control-plane node"), "{finding:?}");
    }
    assert!(created(&plan).is_empty());
    assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.blocked");
    assert_eq!(files(&node.path("/etc")).len(), 1);
}

#[test]
fn each_shared_file_that_alone_is_missing_is_named() {
    let first = Node::made(CONTROL_PLANE);
    for (missing, expected) in [
        ("ca.crt", "ca file.missing"),
        ("front-proxy-ca.crt", "front-proxy-ca file.missing"),
        ("etcd/ca.crt", "etcd-ca file.missing"),
        ("sa.key", "sa file.missing"),
    ] {
        let node = Node::empty(SECONDARY);
        let rest: Vec<_> = SHARED.into_iter().filter(|file| *file != missing).collect();
        copy(&first, &node, &rest);
        assert_eq!(criticals(&node.plan().findings), [expected], "{missing}");
    }
}

#[test]
fn a_worker_makes_its_kubelet_conf_alone() {
    let (first, worker) = (Node::made(CONTROL_PLANE), Node::empty(WORKER));
    copy(&first, &worker, &["ca.crt", "ca.key"]);
    let plan = worker.plan();
    assert!(plan.findings.is_empty(), "{:?}", plan.findings);
    assert_eq!(created(&plan), ["kubelet.conf"]);
    assert_eq!(plan.artefacts.iter().filter(|one| one.action() == Action::Skip).count(), 2 + 7 + 1 + 4);
    apply_plan(&plan).unwrap();
    let kubelet = worker.read("/etc/kubernetes/kubelet.conf");
    assert!(String::from_utf8_lossy(&kubelet).contains("server: https://api.example.test:6443\n"));
    let client = kubepki::x509::read_certificates(&embedded(&kubelet, "client-certificate-data")).unwrap().remove(0);
    assert_eq!(client.subject().common_name().as_deref(), Some("system:node:worker1"));
    assert_eq!(client.subject().organizations(), ["system:nodes"]);
    assert_eq!(files(&worker.path("/etc/kubernetes")).len(), 3);
    assert!(worker.plan().is_empty());
}

#[test]
fn a_worker_without_the_ca_or_its_key_says_what_it_needs() {
    let (first, worker) = (Node::made(CONTROL_PLANE), Node::empty(WORKER));
    let plan = worker.plan();
    assert_eq!(criticals(&plan.findings), ["ca shared.missing"]);
    let remedy = &find(&plan.findings, "shared.missing").remedy;
    assert!(remedy.contains("ca.crt") && !remedy.contains("ca.key"), "a worker must never have the key: {remedy}");
    copy(&first, &worker, &["ca.crt"]);
    let plan = worker.plan();
    assert_eq!(criticals(&plan.findings), ["kubelet.conf authority.external_incomplete"]);
    let finding = find(&plan.findings, "authority.external_incomplete");
    assert!(finding.evidence.contains("system:node:worker1"), "{finding:?}");
    assert!(finding.evidence.contains("https://api.example.test:6443"), "{finding:?}");
}

#[test]
fn each_algorithm_is_used_for_every_key() {
    for (algorithm, label) in [("ECDSA-P384", "EC PRIVATE KEY"), ("RSA-3072", "RSA PRIVATE KEY")] {
        let node = Node::made(&CONTROL_PLANE.replace("ECDSA-P256", algorithm));
        for file in files(&node.path("/etc/kubernetes/pki")) {
            let path = format!("/etc/kubernetes/pki/{}", file.display());
            if path.ends_with(".key") {
                let text = node.read(&path);
                assert!(text.starts_with(format!("-----BEGIN {label}-----\n").as_bytes()), "{path}");
                let key = kubepki::key::PrivateKey::from_pem(&text).unwrap();
                assert_eq!(key.kind(), algorithm, "{path}");
            }
        }
        assert_eq!(node.certificate("etcd/server").key_kind(), algorithm);
        assert!(node.plan().is_empty() && node.plan().findings.is_empty());
    }
}

#[test]
fn an_ipv6_node_has_bracketed_servers_and_sixteen_byte_addresses() {
    let config =
        CONTROL_PLANE.replace("192.0.2.10", "\"2001:db8::10\"") + "networking: {serviceSubnet: \"fd00:10:96::/112\"}\n";
    let node = Node::made(&config);
    let admin = String::from_utf8(node.read("/etc/kubernetes/admin.conf")).unwrap();
    assert!(admin.contains("server: https://[2001:db8::10]:6443\n"), "{admin}");
    let addresses: Vec<_> = node.certificate("apiserver").subject_alt_names().ip_addresses().collect();
    let expected: Vec<std::net::IpAddr> = vec!["fd00:10:96::1".parse().unwrap(), "2001:db8::10".parse().unwrap()];
    assert_eq!(addresses, expected);
    assert!(node.plan().is_empty());
}

#[test]
fn other_directories_are_used_throughout() {
    let mut node = Node::empty(&format!("{CONTROL_PLANE}certificatesDir: /srv/pki\n"));
    node.request.node.kubeconfig_dir = Some("/srv/conf".into());
    node.apply();
    assert_eq!(files(&node.path("/srv/pki")).len(), 22);
    assert_eq!(files(&node.path("/srv/conf")).len(), 5);
    assert!(!node.path("/etc/kubernetes").exists());
    node.request.node.certificates_dir = Some("/srv/other".into());
    let plan = node.plan();
    assert_eq!(plan.certificates_dir, std::path::Path::new("/srv/other"));
    // The kubeconfigs are of another CA then, which will not be made behind their back.
    assert_eq!(criticals(&plan.findings), ["ca authority.missing"]);
}
