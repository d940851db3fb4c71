//! What leads to the cause: a CA that is of no use before what it signed, one command where all have to be renewed.

use chrono::TimeDelta;
use kubepki::audit::Finding;
use kubepki::audit::profile::Profile;
use kubepki::ops::check::{CheckRequest, check};

use super::flags::checked;
use super::support::*;

const CA: &str = "/etc/kubernetes/pki/ca.crt";

fn without_end(node: &Node) -> Vec<Finding> {
    checked(node, Profile::Kubeadm).findings
}

/// The first finding, and all others that ask for something.
fn cause_of(findings: &[Finding]) -> (&Finding, Vec<&Finding>) {
    let (cause, rest) = findings.split_first().unwrap();
    (cause, rest.iter().filter(|one| one.is_critical()).collect())
}

#[test]
fn an_expired_ca_comes_before_what_it_signed() {
    let mut node = Node::golden("ecdsa-p256");
    node.now = node.certificate("ca").not_after() + TimeDelta::days(1);
    let findings = without_end(&node);
    for (ca, leaf) in [("ca", "apiserver"), ("etcd-ca", "etcd-server"), ("front-proxy-ca", "front-proxy-client")] {
        let place = |name: &str| findings.iter().position(|one| one.subject == name).unwrap();
        assert!(place(ca) < place(leaf), "{ca}: {findings:#?}");
        let cause = &findings[place(ca)];
        assert_eq!(cause.code.as_str(), "certificate.expired");
        for of_leaf in findings.iter().filter(|one| one.subject == leaf) {
            let expected = format!("{ca} comes first, it cannot sign before: {}", cause.remedy);
            assert_eq!(of_leaf.remedy, expected, "{of_leaf:?}");
        }
    }
}

#[test]
fn garbage_in_a_cas_place_leads_what_is_to_be_renewed() {
    let mut node = Node::golden("ecdsa-p256");
    node.now = node.certificate("apiserver").not_after() + TimeDelta::days(3);
    node.write(CA, "-----BEGIN CERTIFICATE-----\ngarbage\n-----END CERTIFICATE-----\n");
    let findings = without_end(&node);
    let (cause, rest) = cause_of(&findings);
    assert_eq!(cause.subject, "ca");
    let of_ca =
        |one: &&&Finding| matches!(one.subject.as_str(), "apiserver" | "admin.conf" | "apiserver-kubelet-client");
    assert!(rest.iter().filter(of_ca).count() >= 3, "{rest:#?}");
    for finding in rest.iter().filter(of_ca) {
        assert!(finding.remedy.starts_with("ca comes first, "), "{finding:?}");
        assert!(finding.remedy.ends_with(&cause.remedy), "{finding:?}");
    }
    // Another CA's is renewed as ever.
    let other = rest.iter().find(|one| one.subject == "front-proxy-client").unwrap();
    assert!(other.remedy.contains("`kubepki certs renew front-proxy-client"), "{other:?}");
}

#[test]
fn where_every_certificate_is_due_one_command_renews_all() {
    let mut node = Node::golden("ecdsa-p256");
    node.now = node.certificate("apiserver").not_after() + TimeDelta::days(3);
    let findings = without_end(&node);
    let expired: Vec<_> = findings.iter().filter(|one| one.code.as_str() == "certificate.expired").collect();
    assert!(expired.len() > 9, "{findings:#?}");
    let root = node.path("/");
    let root = root.to_str().unwrap().trim_end_matches('/');
    for finding in expired.iter().filter(|one| one.subject != "kubelet.conf") {
        assert!(finding.remedy.contains("`kubepki certs renew all "), "{finding:?}");
        assert!(finding.remedy.contains(&format!("--rootfs {root}`")), "{finding:?}");
        // Another machine's components are not restarted here.
        assert!(finding.remedy.ends_with("kubepki restart (on that node, once it runs)"), "{finding:?}");
    }
    // One that is not due has to stay as it is.
    let issuer = node.issuer("ca");
    let now = node.now;
    node.replace_leaf("apiserver", &issuer, |template| template.not_after = now + TimeDelta::days(300));
    for finding in without_end(&node) {
        assert!(!finding.remedy.contains("renew all"), "{finding:?}");
    }
}

#[test]
fn below_a_root_directory_no_component_is_restarted_here_but_a_held_manifest_is_put_back() {
    let node = Node::golden("ecdsa-p256");
    node.write("/var/lib/kubepki/restart/kube-scheduler.yaml", "apiVersion: v1\nkind: Pod\n");
    let root = node.path("/");
    let root = root.to_str().unwrap().trim_end_matches('/');
    let report = check(&CheckRequest { node: node.request.node.clone(), ..CheckRequest::default() }, node.now).unwrap();
    let held = find(&report.findings, "restart.manifest_held");
    assert!(held.remedy.ends_with(&format!("`kubepki restart --rootfs {root}`")), "{held:?}");
}

#[test]
fn what_follows_stands_behind_what_it_follows_from() {
    let node = Node::golden("ecdsa-p256");
    node.write("/etc/kubernetes/pki/front-proxy-ca.crt", authority("front-proxy-ca", 3650).certificate().to_pem());
    let codes: Vec<_> =
        without_end(&node).iter().filter(|one| one.is_critical()).map(|one| one.code.as_str()).collect();
    assert_eq!(codes, ["key.mismatch", "certificate.untrusted"]);
}
