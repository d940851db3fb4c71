//! A CA that makes way for another, as `check` sees it in every state; a CA that ends.

use chrono::TimeDelta;
use kubepki::audit::Severity;
use kubepki::ops::check::{self, CheckReport, CheckRequest};
use kubepki::ops::embed::{self, EmbedRequest};
use kubepki::ops::renew::{self, RenewRequest};
use kubepki::plan::generate::Selection;

use super::support::*;

const CA: &str = "/etc/kubernetes/pki/ca.crt";
const KUBECONFIGS: [&str; 5] =
    ["admin.conf", "super-admin.conf", "controller-manager.conf", "scheduler.conf", "kubelet.conf"];

fn checked(node: &Node) -> CheckReport {
    let request = CheckRequest { node: node.request.node.clone(), ..CheckRequest::default() };
    check::check(&request, node.now).unwrap()
}

/// Both CAs are trusted: `pem` is all that `ca.crt` and the kubeconfigs have.
fn trusting(node: &Node, pem: &[u8]) {
    node.write(CA, pem);
    let embed = EmbedRequest { node: node.request.node.clone(), ..EmbedRequest::default() };
    apply_plan(&embed::plan(&embed, node.now).unwrap().plan).unwrap();
}

#[test]
fn while_both_cas_are_trusted_nothing_is_wrong_in_either_order_and_it_is_said() {
    let node = Node::made(CONTROL_PLANE);
    let new = authority("kubernetes", 3000);
    let (old, next) = (node.read(CA), new.certificate().to_pem());
    trusting(&node, &[old.clone(), next.clone()].concat());
    node.write("/etc/kubernetes/pki/ca-next.crt", &next);
    let report = checked(&node);
    assert_eq!(problems(&report.findings), Vec::<String>::new());
    let finding = find(&report.findings, "authority.replaced");
    assert_eq!((finding.severity, finding.subject.as_str()), (Severity::Info, "ca"));
    assert!(finding.evidence.contains("trust-both/issue-old"), "{finding:?}");
    assert!(finding.remedy.contains("`kubepki rotate status"), "{finding:?}");
    // A worker has neither key, and its own order.
    let worker = Node::empty(CONTROL_PLANE);
    worker.write("/etc/kubernetes/kubelet.conf", node.read("/etc/kubernetes/kubelet.conf"));
    worker.set_mode("/etc/kubernetes/kubelet.conf", 0o600);
    for pem in [[old.clone(), next.clone()].concat(), [next, old].concat()] {
        worker.write(CA, pem);
        let mut request = CheckRequest::default();
        request.node.rootfs.clone_from(&worker.request.node.rootfs);
        let report = check::check(&request, worker.now).unwrap();
        assert_eq!(problems(&report.findings), Vec::<String>::new());
        find(&report.findings, "authority.replaced");
    }
}

#[test]
fn a_kubeconfig_that_trusts_the_first_alone_is_found_and_its_remedy_works() {
    let node = Node::made(CONTROL_PLANE);
    let old = node.read(CA);
    trusting(&node, &[old.clone(), authority("kubernetes", 3000).certificate().to_pem()].concat());
    let before = node.read("/etc/kubernetes/scheduler.conf");
    let both = base64(&embedded(&before, "certificate-authority-data"));
    node.edit("/etc/kubernetes/scheduler.conf", |text| text.replace(&both, &base64(&old)));
    let report = checked(&node);
    assert_eq!(problems(&report.findings), ["scheduler.conf kubeconfig.fewer_authorities"]);
    let finding = find(&report.findings, "kubeconfig.fewer_authorities");
    assert!(finding.remedy.contains("`kubepki kubeconfig embed scheduler.conf"), "{finding:?}");
    let names = Selection::Names(vec!["scheduler.conf".to_owned()]);
    let embed = EmbedRequest { kubeconfigs: names, node: node.request.node.clone(), ..EmbedRequest::default() };
    apply_plan(&embed::plan(&embed, node.now).unwrap().plan).unwrap();
    assert_eq!(problems(&checked(&node).findings), Vec::<String>::new());
    assert!(KUBECONFIGS.iter().all(|name| {
        base64(&embedded(&node.read(&format!("/etc/kubernetes/{name}")), "certificate-authority-data")) == both
    }));
}

#[test]
fn one_ca_and_the_chain_of_an_intermediate_are_no_rotation() {
    let node = Node::made(CONTROL_PLANE);
    let root = authority("root", 3000);
    let key = node.key("ca");
    let below = authority_template("kubernetes", 2000)
        .issue(&kubepki::x509::SerialNumber::random().unwrap(), key.public_key_info(), &root)
        .unwrap();
    assert!(checked(&node).findings.iter().all(|one| one.code.as_str() != "authority.replaced"));
    trusting(&node, &[below.to_pem(), root.certificate().to_pem()].concat());
    assert!(checked(&node).findings.iter().all(|one| one.code.as_str() != "authority.replaced"));
}

#[test]
fn a_ca_that_ends_sooner_than_what_it_signs_is_said_early_with_the_cheap_way() {
    let mut node = Node::made(CONTROL_PLANE);
    let early = |node: &Node| {
        let all = checked(node).findings;
        all.iter()
            .filter(|one| one.code.as_str() == "authority.ends_early")
            .map(|one| one.remedy.clone())
            .collect::<Vec<_>>()
    };
    assert!(early(&node).is_empty());
    node.now = node.certificate("ca").not_after() - TimeDelta::days(300);
    let renewal = RenewRequest { node: node.request.node.clone(), ..RenewRequest::default() };
    apply_plan(&renew::plan(&renewal, node.now).unwrap().plan).unwrap();
    let remedies = early(&node);
    assert_eq!(remedies.len(), 3);
    assert!(remedies[0].contains("`kubepki ca renew ca"), "{remedies:?}");
    let request = kubepki::ops::renew_ca::RenewCaRequest { node: node.request.node.clone(), ..Default::default() };
    apply_plan(&kubepki::ops::renew_ca::plan(&request, node.now).unwrap().plan).unwrap();
    assert!(early(&node).is_empty());
}
