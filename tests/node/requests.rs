//! `certs generate-csr` on real trees: against kubeadm's own files, by role, by name, for renewal.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use kubepki::catalogue::leaf_names;
use kubepki::error::Error;
use kubepki::inventory::Client;
use kubepki::key::PrivateKey;
use kubepki::ops::generate_csr::{GenerateCsrRequest, plan};
use kubepki::plan::generate::Selection;
use kubepki::plan::request::RequestRole;
use kubepki::plan::{Action, Plan};
use kubepki::tree::Tree;
use kubepki::x509::{CertificateRequest, ExtendedKeyUsage, KeyUsage};

use super::support::*;

fn wanted(node: &Node) -> GenerateCsrRequest {
    GenerateCsrRequest { node: node.request.node.clone(), ..GenerateCsrRequest::default() }
}

fn try_plan(node: &Node, change: impl FnOnce(&mut GenerateCsrRequest)) -> Result<Plan, Error> {
    let mut request = wanted(node);
    change(&mut request);
    plan(&request, node.now).map(|planned| planned.plan)
}

fn requested(node: &Node, change: impl FnOnce(&mut GenerateCsrRequest)) -> Plan {
    let plan = try_plan(node, change).unwrap();
    apply_plan(&plan).unwrap();
    plan
}

fn into_csr_folder(request: &mut GenerateCsrRequest) {
    request.node.certificates_dir = Some("/csr/pki".into());
    request.node.kubeconfig_dir = Some("/csr".into());
}

fn request_at(node: &Node, path: &str) -> CertificateRequest {
    let request = CertificateRequest::from_pem(&node.read(path)).unwrap();
    request.verify_signature().unwrap();
    request
}

/// A node with the keys and kubeconfigs that kubeadm made beside its requests.
fn golden_keys(case_name: &str) -> Node {
    let node = Node::empty(&fs::read_to_string(case(case_name).join("config.yaml")).unwrap());
    let from = case(case_name).join("csr");
    for file in files(&from).iter().filter(|file| file.extension().is_some_and(|end| end != "csr")) {
        node.write(&format!("/csr/{}", file.display()), fs::read(from.join(file)).unwrap());
    }
    node
}

#[test]
fn requests_for_kubeadms_keys_are_kubeadms_to_the_byte() {
    let mut compared = 0;
    for name in CASES {
        let node = golden_keys(name);
        let plan = requested(&node, |request| {
            into_csr_folder(request);
            request.reuse_keys = true;
        });
        assert!(plan.changes().all(|artefact| artefact.step.new_key().is_none() && artefact.files.len() == 1));
        let golden = case(name).join("csr");
        assert_eq!(files(&node.path("/csr")), files(&golden), "{name}");
        for file in files(&golden) {
            let (ours, theirs) =
                (node.read(&format!("/csr/{}", file.display())), fs::read(golden.join(&file)).unwrap());
            if name == "ecdsa-p256" && file.extension().is_some_and(|end| end == "csr") {
                let (ours, theirs) =
                    (CertificateRequest::from_pem(&ours).unwrap(), CertificateRequest::from_pem(&theirs).unwrap());
                ours.verify_signature().unwrap();
                assert_eq!(ours.subject(), theirs.subject());
                assert_eq!(ours.subject_alt_names(), theirs.subject_alt_names());
                assert_eq!(ours.public_key_info(), theirs.public_key_info());
            } else {
                assert!(ours == theirs, "{name}: {}", file.display());
            }
            compared += 1;
        }
    }
    // 7 keys, 12 requests, 5 kubeconfigs in each case.
    assert_eq!(compared, 7 * 24);
}

#[test]
fn new_kubeconfigs_are_kubeadms_but_for_the_key() {
    let without_key = |text: Vec<u8>| -> Vec<String> {
        let text = String::from_utf8(text).unwrap();
        text.lines().filter(|line| !line.trim_start().starts_with("client-key-data: ")).map(str::to_owned).collect()
    };
    for name in CASES {
        let node = Node::empty(&fs::read_to_string(case(name).join("config.yaml")).unwrap());
        requested(&node, |request| {
            into_csr_folder(request);
            request.names = Selection::Names(leaf_names().into_iter().skip(7).map(str::to_owned).collect());
        });
        for file in ["admin.conf", "super-admin.conf", "kubelet.conf", "controller-manager.conf", "scheduler.conf"] {
            let golden = fs::read(case(name).join("csr").join(file)).unwrap();
            assert_eq!(without_key(node.read(&format!("/csr/{file}"))), without_key(golden), "{name} {file}");
            let content = node.read(&format!("/csr/{file}"));
            let client = Client::read(&Tree::default(), Path::new("/k"), content.as_ref()).unwrap();
            let key = client.found.key;
            let request = request_at(&node, &format!("/csr/{file}.csr"));
            assert_eq!(key.present().unwrap().public_key_info(), request.public_key_info());
        }
    }
}

#[test]
fn every_file_is_the_owners_alone_and_the_request_is_its_keys() {
    let node = Node::empty(CONTROL_PLANE);
    let plan = requested(&node, |_| {});
    assert_eq!(plan.changes().map(|one| one.name.as_str()).collect::<Vec<_>>(), leaf_names());
    for (path, (mode, _)) in
        node.snapshot().iter().filter(|(path, _)| path.is_file() && !path.ends_with("kubeadm.yaml"))
    {
        assert_eq!(mode & 0o7777, 0o600, "{}", path.display());
    }
    let request = request_at(&node, "/etc/kubernetes/pki/etcd/server.csr");
    assert_eq!(request.public_key_info(), node.key("etcd/server").public_key_info());
    assert_eq!((request.key_usages(), request.extended_key_usages()), (None, None));
    let printed = serde_json::to_string(&plan).unwrap();
    assert!(!printed.contains("PRIVATE KEY"));
}

#[test]
fn what_is_in_the_way_is_named_all_at_once_and_nothing_is_made() {
    let node = Node::empty(CONTROL_PLANE);
    node.write("/etc/kubernetes/pki/apiserver.key", "mine");
    node.write("/etc/kubernetes/pki/etcd/peer.csr", "mine");
    node.write("/etc/kubernetes/admin.conf", "mine");
    node.write("/etc/kubernetes/scheduler.conf.key", "mine");
    node.write("/etc/kubernetes/pki/etcd/server.crt", "a certificate is not in the way, as for kubeadm");
    let before = node.snapshot();
    let plan = try_plan(&node, |_| {}).unwrap();
    assert_eq!(
        criticals(&plan.findings),
        ["admin.conf file.exists", "apiserver file.exists", "etcd-peer file.exists", "scheduler.conf file.exists"]
    );
    assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.blocked");
    assert_eq!(node.snapshot(), before);
}

#[test]
fn roles_say_what_is_asked_for() {
    let names = |role| {
        let node = Node::empty(CONTROL_PLANE);
        let plan = try_plan(&node, |request| request.role = role).unwrap();
        plan.changes().map(|one| one.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(Some(RequestRole::Worker)), ["kubelet.conf"]);
    let etcd = ["etcd-server", "etcd-peer", "etcd-healthcheck-client", "apiserver-etcd-client"];
    assert_eq!(names(Some(RequestRole::Etcd)), etcd);
    assert_eq!(names(None), leaf_names());

    let join = |control_plane: &str| {
        Node::empty(&format!(
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\nnodeRegistration: {{name: w1}}\n{control_plane}\
             discovery: {{bootstrapToken: {{token: abcdef.0123456789abcdef, apiServerEndpoint: '192.0.2.9:6443', \
             unsafeSkipCAVerification: true}}}}\n"
        ))
    };
    let worker = join("");
    let plan = requested(&worker, |_| {});
    assert_eq!(plan.changes().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["kubelet.conf"]);
    assert_eq!(action(&plan, "apiserver"), Action::Skip);
    let request = request_at(&worker, "/etc/kubernetes/kubelet.conf.csr");
    assert_eq!(request.subject().to_string(), "CN=system:node:w1,O=system:nodes");
    let secondary = join("controlPlane: {localAPIEndpoint: {advertiseAddress: 192.0.2.11}}\n");
    let plan = try_plan(&secondary, |_| {}).unwrap();
    assert_eq!(action(&plan, "super-admin.conf"), Action::Skip);
    assert_eq!(plan.changes().count(), 11);
}

#[test]
fn usages_are_asked_for_when_wanted() {
    let node = Node::empty(CONTROL_PLANE);
    requested(&node, |request| request.with_usages = true);
    let request = request_at(&node, "/etc/kubernetes/pki/etcd/peer.csr");
    assert_eq!(request.key_usages().unwrap(), [KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment]);
    assert_eq!(request.extended_key_usages().unwrap(), [ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth]);
}

#[test]
fn a_renewal_asks_for_the_same_and_leaves_what_is_in_use_alone() {
    let node = Node::golden("ha");
    let before = node.snapshot();
    let plan = requested(&node, |request| request.renew = true);
    assert_eq!(plan.changes().count(), 12);
    let after = node.snapshot();
    assert!(before.iter().all(|(path, content)| path.is_dir() || after.get(path) == Some(content)));
    let new: BTreeSet<_> = after.keys().filter(|path| path.is_file() && !before.contains_key(*path)).collect();
    assert_eq!(new.len(), 24);
    assert!(new.iter().all(|path| path.starts_with(node.path("/etc/kubernetes/renewal"))));

    for base in ["apiserver", "etcd/server", "front-proxy-client"] {
        let request = request_at(&node, &format!("/etc/kubernetes/renewal/pki/{base}.csr"));
        let certificate = node.certificate(base);
        assert_eq!(request.subject(), certificate.subject());
        assert_eq!(request.subject_alt_names(), certificate.subject_alt_names());
        assert_ne!(request.public_key_info(), certificate.public_key_info());
        let key = PrivateKey::from_pem(&node.read(&format!("/etc/kubernetes/renewal/pki/{base}.key"))).unwrap();
        assert_eq!(request.public_key_info(), key.public_key_info());
    }
    let request = request_at(&node, "/etc/kubernetes/renewal/admin.conf.csr");
    assert_eq!(request.subject().organizations(), ["kubeadm:cluster-admins"]);
    assert_eq!(plan.artefacts[0].current.as_ref().unwrap().subject, "CN=kube-apiserver");
    // Once more: the keys that wait for their certificates are in the way.
    let again = try_plan(&node, |request| request.renew = true).unwrap();
    assert_eq!(criticals(&again.findings).len(), 24);
}

#[test]
fn a_renewal_can_keep_its_keys() {
    let node = Node::golden("ecdsa-p256");
    let plan = requested(&node, |request| (request.renew, request.keep_key) = (true, true));
    assert!(plan.changes().all(|one| one.step.new_key().is_none() && one.files.len() == 1));
    let request = request_at(&node, "/etc/kubernetes/pki/apiserver.csr");
    assert_eq!(request.public_key_info(), node.certificate("apiserver").public_key_info());
    request_at(&node, "/etc/kubernetes/kubelet.conf.csr");
    // It says what the key says: asking again is no harm.
    requested(&node, |request| (request.renew, request.keep_key) = (true, true));
}

#[test]
fn without_a_configuration_a_renewed_key_is_of_the_kind_of_the_old_one() {
    let node = Node::golden("ecdsa-p256");
    let kinds = |with_config: bool| {
        let plan = try_plan(&node, |request| {
            request.renew = true;
            if !with_config {
                request.node.config = None;
            }
        });
        let plan = plan.unwrap();
        plan.changes().map(|one| one.step.new_key().unwrap().to_string()).collect::<BTreeSet<_>>()
    };
    assert_eq!(kinds(false), BTreeSet::from(["ECDSA-P256".to_owned()]));
    node.edit("/etc/kubeadm.yaml", |text| text.replace("ECDSA-P256", "RSA-3072"));
    assert_eq!(kinds(true), BTreeSet::from(["RSA-3072".to_owned()]));
}

#[test]
fn what_cannot_be_renewed_here_is_skipped_or_blocks() {
    let node = Node::golden("minimal");
    node.remove("/etc/kubernetes/pki/apiserver.crt");
    node.write("/etc/kubernetes/pki/front-proxy-client.crt", "junk");
    node.edit("/etc/kubernetes/kubelet.conf", |text| {
        text.lines()
            .map(|line| match line.trim_start() {
                start if start.starts_with("client-certificate-data") => {
                    "    client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem\n".to_owned()
                }
                start if start.starts_with("client-key-data") => {
                    "    client-key: /var/lib/kubelet/pki/kubelet-client-current.pem\n".to_owned()
                }
                _ => format!("{line}\n"),
            })
            .collect()
    });
    let plan = try_plan(&node, |request| request.renew = true).unwrap();
    assert_eq!(action(&plan, "apiserver"), Action::Skip);
    assert_eq!(action(&plan, "kubelet.conf"), Action::Skip);
    assert_eq!(action(&plan, "front-proxy-client"), Action::Blocked);
    assert_eq!(criticals(&plan.findings), ["front-proxy-client x509.none"]);

    node.write("/etc/kubernetes/pki/etcd/peer.key", "junk");
    let plan = try_plan(&node, |request| (request.renew, request.keep_key) = (true, true)).unwrap();
    assert_eq!(criticals(&plan.findings), ["etcd-peer key.none", "front-proxy-client x509.none"]);
}

#[test]
fn a_key_that_changed_since_the_plan_is_not_signed_with() {
    let node = Node::golden("ecdsa-p256");
    let plan = try_plan(&node, |request| (request.renew, request.keep_key) = (true, true)).unwrap();
    node.write("/etc/kubernetes/pki/apiserver.key", ecdsa_key().to_pem().expose());
    assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.stale");
    assert!(!node.path("/etc/kubernetes/pki/apiserver.csr").exists());
}

#[test]
fn names_are_known_and_a_failure_half_way_leaves_nothing() {
    let node = Node::empty(CONTROL_PLANE);
    let error = try_plan(&node, |request| request.names = Selection::Names(vec!["ca".into()])).unwrap_err();
    assert_eq!(error.code(), "plan.unknown_name");
    // The folder of the kubeconfigs is a file: pki/ could be written, and is not.
    node.write("/csr", "a file");
    let before = node.snapshot();
    let plan = try_plan(&node, |request| {
        request.node.certificates_dir = Some("/elsewhere/pki".into());
        request.node.kubeconfig_dir = Some("/csr/deeper".into());
    });
    assert!(plan.map_or_else(|_| true, |plan| apply_plan(&plan).is_err()));
    assert_eq!(node.snapshot(), before);
}
