//! `ca renew`: the same key and name, in every copy; what the CA has signed stays valid.

use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use kubepki::ops::check::{self, CheckRequest};
use kubepki::ops::renew_ca::{RenewCaRequest, plan};
use kubepki::plan::generate::Selection;
use kubepki::plan::{Action, Plan};
use kubepki::x509::{Certificate, CertificateTemplate, describe_certificate, read_certificates};

use super::support::*;

const KUBECONFIGS: [&str; 5] =
    ["admin.conf", "super-admin.conf", "controller-manager.conf", "scheduler.conf", "kubelet.conf"];
const LEAVES: [(&str, &str); 7] = [
    ("ca", "apiserver"),
    ("ca", "apiserver-kubelet-client"),
    ("front-proxy-ca", "front-proxy-client"),
    ("etcd/ca", "etcd/server"),
    ("etcd/ca", "etcd/peer"),
    ("etcd/ca", "etcd/healthcheck-client"),
    ("etcd/ca", "apiserver-etcd-client"),
];

fn request(node: &Node, names: &[&str]) -> RenewCaRequest {
    let names = Selection::Names(names.iter().map(|name| (*name).to_owned()).collect());
    let mut request = RenewCaRequest { names, ..RenewCaRequest::default() };
    request.node.rootfs.clone_from(&node.request.node.rootfs);
    request
}

fn planned(node: &Node, names: &[&str]) -> Plan {
    plan(&request(node, names), node.now).unwrap().plan
}

fn renew(node: &Node, names: &[&str]) -> Plan {
    let plan = planned(node, names);
    assert_eq!(criticals(&plan.findings), Vec::<String>::new());
    apply_plan(&plan).unwrap();
    plan
}

/// What another node has renewed, as a file of this one.
fn taken(node: &Node, names: &[&str], content: &[u8]) -> Plan {
    node.write("/given.crt", content);
    let request = RenewCaRequest { certificates: vec!["/given.crt".into()], ..request(node, names) };
    plan(&request, node.now).unwrap().plan
}

fn bundle(node: &Node, base_name: &str) -> Vec<Certificate> {
    read_certificates(&node.read(&format!("/etc/kubernetes/pki/{base_name}.crt"))).unwrap()
}

fn trusted(node: &Node, kubeconfig: &str) -> Vec<Certificate> {
    let text = node.read(&format!("/etc/kubernetes/{kubeconfig}"));
    read_certificates(&embedded(&text, "certificate-authority-data")).unwrap()
}

fn check_problems(node: &Node) -> Vec<String> {
    let check = CheckRequest { node: node.request.node.clone(), ..CheckRequest::default() };
    problems(&check::check(&check, node.now).unwrap().findings)
}

/// Whether webpki, which knows nothing of our reading, finds a way from the leaf to the CA.
fn webpki_verifies(leaf: &Certificate, ca: &Certificate, at: DateTime<Utc>) -> bool {
    let (leaf, ca) = (leaf.as_der().into(), ca.as_der().into());
    let anchor = webpki::anchor_from_trusted_cert(&ca).unwrap();
    let leaf = webpki::EndEntityCert::try_from(&leaf).unwrap();
    let at =
        rustls_pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(at.timestamp().unsigned_abs()));
    [webpki::KeyUsage::server_auth(), webpki::KeyUsage::client_auth()].into_iter().any(|usage| {
        leaf.verify_for_usage(webpki::ALL_VERIFICATION_ALGS, std::slice::from_ref(&anchor), &[], at, usage, None, None)
            .is_ok()
    })
}

fn openssl_verifies(node: &Node, ca: &str, leaf: &str, at: DateTime<Utc>) {
    let path = |name: &str| node.path(&format!("/etc/kubernetes/pki/{name}.crt"));
    let output = Command::new("openssl")
        .args(["verify", "-x509_strict", "-attime", &at.timestamp().to_string(), "-CAfile"])
        .args([path(ca), path(leaf)])
        .output()
        .unwrap();
    assert!(output.status.success(), "{leaf}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Everything but serial number, times and fingerprint.
fn wording(certificate: &Certificate) -> impl PartialEq + std::fmt::Debug {
    let said = describe_certificate(certificate.as_der()).unwrap();
    let extensions: Vec<_> = said.extensions.into_iter().map(|one| (one.oid, one.critical, one.values)).collect();
    (certificate.subject().as_der().to_vec(), certificate.public_key_info().to_vec(), extensions)
}

#[test]
fn on_every_golden_tree_what_each_ca_has_signed_chains_to_the_renewed_one() {
    for case in CASES {
        let node = Node::golden(case);
        let old = ["ca", "front-proxy-ca"].map(|name| node.certificate(name));
        let before = check_problems(&node);
        renew(&node, &["all"]);
        for (name, old) in ["ca", "front-proxy-ca"].iter().zip(&old) {
            let new = node.certificate(name);
            assert_eq!(wording(&new), wording(old), "{case} {name}");
            assert_eq!(new.subject_key_identifier(), old.subject_key_identifier());
            assert_ne!(new.serial(), old.serial());
            assert_eq!(new.not_before(), node.now - TimeDelta::minutes(5));
            assert_eq!(new.not_after(), node.now + TimeDelta::days(3650));
            assert!(new.has_signed(&new));
        }
        // The time in which the CA before it would have ended, and the leaves with it.
        for (ca, leaf) in LEAVES {
            if case == "external-etcd" && ca == "etcd/ca" {
                continue;
            }
            let at = node.certificate(leaf).not_after() - TimeDelta::hours(1);
            assert!(webpki_verifies(&node.certificate(leaf), &node.certificate(ca), at), "{case} {leaf}");
            openssl_verifies(&node, ca, leaf, at);
        }
        for name in KUBECONFIGS {
            assert_eq!(trusted(&node, name), bundle(&node, "ca"), "{case} {name}");
        }
        assert_eq!(check_problems(&node), before, "{case}");
    }
}

#[test]
fn nothing_but_the_certificate_changes_and_what_was_there_is_kept() {
    let node = Node::made(CONTROL_PLANE);
    let before = node.snapshot();
    let report = apply_plan(&planned(&node, &["ca"])).unwrap();
    assert_eq!(report.changed.len(), 1);
    assert_eq!(report.changed[0].action, Action::RenewAuthority);
    let backup = report.backup.unwrap();
    let after = node.snapshot();
    let changed: Vec<_> = after
        .iter()
        .filter(|(path, now)| before.get(*path).is_some_and(|then| then != *now) && !path.is_dir())
        .map(|(path, _)| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    let mut expected = [&["ca.crt"][..], &KUBECONFIGS].concat();
    expected.sort_unstable();
    let mut changed = changed;
    changed.sort_unstable();
    assert_eq!(changed, expected);
    for (path, (mode, _)) in &before {
        assert_eq!(after[path].0, *mode, "{}", path.display());
    }
    // The certificate is the only difference of a kubeconfig.
    let admin = node.path("/etc/kubernetes/admin.conf");
    let [was, is] = [&before, &after].map(|all| String::from_utf8(all[&admin].1.clone()).unwrap());
    let differing: Vec<_> = was.lines().zip(is.lines()).filter(|(one, other)| one != other).collect();
    assert_eq!(differing.len(), 1);
    assert!(differing[0].0.trim_start().starts_with("certificate-authority-data:"));
    assert!(node.path(backup.to_str().unwrap()).join("manifest.json").exists());
    assert!(!serde_json::to_string(&planned(&node, &["ca"])).unwrap().contains("PRIVATE KEY"));
}

#[test]
fn in_a_bundle_only_this_certificate_changes_and_keeps_its_place() {
    let node = Node::made(CONTROL_PLANE);
    let (old, other) = (node.certificate("ca"), authority("other", 100).certificate().clone());
    for order in [[&old, &other], [&other, &old]] {
        let pem: Vec<u8> = order.iter().flat_map(|one| one.to_pem()).collect();
        node.write("/etc/kubernetes/pki/ca.crt", old.to_pem());
        node.write("/etc/kubernetes/pki/ca-signing.crt", old.to_pem());
        node.write("/etc/kubernetes/pki/ca-rotation-signing.crt", old.to_pem());
        node.write("/etc/kubernetes/pki/ca-previous.crt", other.to_pem());
        node.edit("/etc/kubernetes/admin.conf", |text| {
            let now = base64(&embedded(text.as_bytes(), "certificate-authority-data"));
            text.replace(&now, &base64(&pem))
        });
        // The issuing one is the first, or nothing could be signed.
        node.write("/etc/kubernetes/pki/ca.crt", [old.to_pem(), other.to_pem()].concat());
        renew(&node, &["ca"]);
        let all = bundle(&node, "ca");
        assert_eq!((all.len(), &all[1]), (2, &other));
        assert_ne!(all[0], old);
        let place = order.iter().position(|one| **one == old).unwrap();
        let in_admin = trusted(&node, "admin.conf");
        assert_eq!((in_admin.len(), &in_admin[place], &in_admin[1 - place]), (2, &all[0], &other));
        assert_eq!(bundle(&node, "ca-signing"), [all[0].clone()]);
        assert_eq!(bundle(&node, "ca-rotation-signing"), [all[0].clone()]);
        assert_eq!(bundle(&node, "ca-previous"), std::slice::from_ref(&other));
    }
}

#[test]
fn other_nodes_take_the_same_certificate_without_a_key() {
    let node = Node::golden("ha");
    renew(&node, &["all"]);
    let (first, worker) = (Node::golden("ha"), Node::empty(CONTROL_PLANE));
    // Another control-plane node has the key, and uses the same certificate all the same.
    let plan = taken(&first, &["ca"], &node.read("/etc/kubernetes/pki/ca.crt"));
    assert_eq!(criticals(&plan.findings), Vec::<String>::new());
    apply_plan(&plan).unwrap();
    assert_eq!(bundle(&first, "ca"), bundle(&node, "ca"));
    assert_eq!(trusted(&first, "kubelet.conf"), bundle(&node, "ca"));

    worker.copy_golden("ha", |path| ["pki/ca.crt", "kubelet.conf"].contains(&path));
    let refused = planned(&worker, &["ca"]);
    let finding = find(&refused.findings, "authority.not_renewable");
    assert!(finding.evidence.contains("is not on this node"), "{finding:?}");
    assert!(finding.remedy.contains("--certificate FILE"), "{finding:?}");
    let plan = taken(&worker, &["all"], &node.read("/etc/kubernetes/pki/ca.crt"));
    assert_eq!(criticals(&plan.findings), Vec::<String>::new());
    assert_eq!(apply_plan(&plan).unwrap().changed.len(), 1);
    assert_eq!(bundle(&worker, "ca"), bundle(&node, "ca"));
    assert_eq!(trusted(&worker, "kubelet.conf"), bundle(&node, "ca"));
    let snapshot = worker.snapshot();
    let again = taken(&worker, &["ca"], &node.read("/etc/kubernetes/pki/ca.crt"));
    assert!(again.is_empty() && !again.is_blocked());
    assert_eq!(action(&again, "ca"), Action::Keep);
    apply_plan(&again).unwrap();
    assert_eq!(worker.snapshot(), snapshot);
}

#[test]
fn a_file_that_was_missed_gets_the_certificate_that_ca_crt_has_already() {
    let node = Node::golden("ha");
    renew(&node, &["ca"]);
    let other = Node::golden("ha");
    other.write("/etc/kubernetes/pki/ca.crt", node.read("/etc/kubernetes/pki/ca.crt"));
    let plan = taken(&other, &["ca"], &node.read("/etc/kubernetes/pki/ca.crt"));
    assert_eq!(plan.changes().next().unwrap().files.len(), KUBECONFIGS.len());
    apply_plan(&plan).unwrap();
    assert!(KUBECONFIGS.iter().all(|name| trusted(&other, name) == bundle(&node, "ca")));
}

#[test]
fn what_does_not_follow_the_ca_is_refused_and_changes_nothing() {
    let node = Node::golden("minimal");
    let (old, key) = (node.certificate("ca"), node.key("ca"));
    let again = |change: &dyn Fn(&mut CertificateTemplate)| {
        let mut template = CertificateTemplate::like(&old, old.not_before(), old.not_after() + TimeDelta::days(1));
        change(&mut template);
        template.self_sign(&kubepki::x509::SerialNumber::random().unwrap(), &key).unwrap()
    };
    let before = node.snapshot();
    let refused = |given: &Certificate| {
        let plan = taken(&node, &["ca"], &given.to_pem());
        assert!(plan.is_blocked());
        node.remove("/given.crt");
        assert_eq!(node.snapshot(), before);
        criticals(&plan.findings)
    };
    assert_eq!(refused(authority("kubernetes", 5000).certificate()), ["ca authority.not_renewable"]);
    let older = again(&|template| template.not_after = old.not_after() - TimeDelta::days(1));
    assert_eq!(refused(&older), ["ca authority.not_renewable"]);
    let no_ca = again(&|template| template.is_ca = false);
    assert!(refused(&no_ca).contains(&"ca authority.not_an_authority".to_owned()));
    let expired = again(&|template| template.not_before = node.now + TimeDelta::days(1));
    assert_eq!(refused(&expired), ["ca certificate.not_yet_valid"]);
    let servers_only =
        again(&|template| template.extended_key_usages = vec![kubepki::x509::ExtendedKeyUsage::ServerAuth]);
    assert!(!taken(&node, &["ca"], &servers_only.to_pem()).findings.is_empty());
    node.remove("/given.crt");
    assert_eq!(
        criticals(&taken(&node, &["ca"], b"no certificate").findings),
        ["/given.crt x509.none", "ca authority.not_renewable"]
    );
}

#[test]
fn a_ca_that_lasts_longer_is_kept_and_an_expired_one_is_renewed() {
    let node = Node::golden("minimal");
    let within = |span: &str| {
        let request = RenewCaRequest { before: Some(span.parse().unwrap()), ..request(&node, &["all"]) };
        plan(&request, node.now).unwrap().plan
    };
    let kept = within("30d");
    assert!(kept.is_empty() && kept.artefacts.iter().all(|one| one.action() == Action::Keep));
    apply_plan(&within("3649d")).unwrap();
    assert!(within("3649d").is_empty(), "a second run changes nothing");
    let mut later = Node::golden("minimal");
    later.now = later.certificate("ca").not_after() + TimeDelta::days(1);
    let plan = planned(&later, &["ca"]);
    assert_eq!(criticals(&plan.findings), Vec::<String>::new());
    assert_eq!(plan.artefacts[0].reason, "expired");
    apply_plan(&plan).unwrap();
    assert_eq!(later.certificate("ca").not_after(), later.now + TimeDelta::days(3650));
}

#[test]
fn a_ca_of_another_ca_and_one_of_another_key_are_not_renewed_here() {
    let node = Node::made(CONTROL_PLANE);
    let root = authority("root", 5000);
    let key = node.key("ca");
    let below = authority_template("kubernetes", 500)
        .issue(&kubepki::x509::SerialNumber::random().unwrap(), key.public_key_info(), &root)
        .unwrap();
    node.write("/etc/kubernetes/pki/ca.crt", below.to_pem());
    let plan = planned(&node, &["ca"]);
    assert!(find(&plan.findings, "authority.not_renewable").evidence.contains("another CA has signed it: CN=root"));
    node.write("/etc/kubernetes/pki/ca.crt", authority("other", 500).certificate().to_pem());
    assert!(criticals(&planned(&node, &["ca"]).findings).contains(&"ca key.mismatch".to_owned()));
}

#[test]
fn a_validity_that_would_end_sooner_is_refused() {
    let node = Node::made(CONTROL_PLANE);
    let validity = Some("30d".parse().unwrap());
    let plan = plan(&RenewCaRequest { validity, ..request(&node, &["ca"]) }, node.now).unwrap().plan;
    assert_eq!(criticals(&plan.findings), ["ca authority.not_renewable"]);
    assert!(find(&plan.findings, "authority.not_renewable").remedy.contains("--validity"));
}
