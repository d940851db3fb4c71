//! Modes and owners by profile, and what should not be on a node at all.

use std::os::unix::fs::MetadataExt;

use chrono::TimeDelta;
use kubepki::audit::profile::Profile;
use kubepki::audit::{Finding, Severity};
use kubepki::ops::check::{CheckRequest, Status, check};

use super::flags::{checked, fresh};
use super::support::*;

const PKI: &str = "/etc/kubernetes/pki";

/// What is said of modes and owners of the profile.
fn of_profile(node: &Node, profile: Profile) -> Vec<Finding> {
    let findings = checked(node, profile).findings;
    findings.into_iter().filter(|one| one.code.as_str().starts_with("profile.")).collect()
}

/// A fresh node with etcd's data and the kubelet's unit.
fn whole(version: &str) -> Node {
    let node = fresh(version);
    node.write("/var/lib/etcd/member/snap/db", "");
    node.set_mode("/var/lib/etcd", 0o700);
    node.write("/etc/systemd/system/kubelet.service.d/10-kubeadm.conf", "[Service]\n");
    node
}

fn paths(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|one| one.path.as_ref().unwrap().display().to_string()).collect()
}

#[test]
fn what_a_fresh_kubeadm_leaves_is_right_by_its_own_profile() {
    for version in ["v1.28.15", "v1.36.2"] {
        let node = whole(version);
        assert_eq!(of_profile(&node, Profile::Kubeadm), [], "{version}");
        assert_eq!(checked(&node, Profile::Kubeadm).status, Status::Ok, "{version}");
    }
}

#[test]
fn the_benchmark_asks_600_of_certificates_up_to_1_28_and_644_from_1_29() {
    for (version, is_public) in [("v1.28.15", false), ("v1.29.0", true), ("v1.36.2", true)] {
        let node = whole(version);
        let of_certificates = |findings: &[Finding]| {
            let about = |one: &&Finding| one.code == "profile.mode" && one.evidence.contains("CIS 1.1.20");
            findings.iter().filter(about).count()
        };
        let found = of_profile(&node, Profile::Cis);
        assert_eq!(of_certificates(&found) == 0, is_public, "{version}: {found:#?}");
        // The CA of the kubelet's clients is a rule of its own.
        assert_eq!(found.iter().any(|one| one.evidence.contains("CIS 4.1.7")), !is_public, "{version}");

        // Without a configuration the API server's image says the version.
        let mut request = CheckRequest { node: node.request.node.clone(), ..CheckRequest::default() };
        (request.node.config, request.profile) = (None, Profile::Cis.into());
        let found = check(&request, node.now).unwrap().findings;
        assert_eq!(of_certificates(&found) == 0, is_public, "{version} by its image");
    }
}

#[test]
fn the_benchmark_has_more_to_say_of_a_fresh_node_and_its_remedies_put_it_right() {
    let node = whole("v1.36.2");
    let found = of_profile(&node, Profile::Cis);
    let expected =
        ["/etc/systemd/system/kubelet.service.d/10-kubeadm.conf", "/var/lib/etcd", "/var/lib/kubelet/config.yaml"];
    let mut named = paths(&found);
    named.sort();
    assert_eq!(named, expected, "{found:#?}");
    assert!(found.iter().all(|one| one.severity == Severity::Warning), "{found:#?}");
    node.set_mode("/var/lib/kubelet/config.yaml", 0o600);
    node.set_mode("/etc/systemd/system/kubelet.service.d/10-kubeadm.conf", 0o600);
    assert_eq!(paths(&of_profile(&node, Profile::Cis)), ["/var/lib/etcd"]);
    // etcd's data belongs to a user of that name.
    let owner = std::fs::metadata(node.path("/var/lib/etcd")).unwrap().uid();
    node.write("/etc/passwd", format!("root:x:0:0::/root:/bin/sh\netcd:x:{owner}:{owner}::/:/bin/false\n"));
    assert_eq!(of_profile(&node, Profile::Cis), []);
}

#[test]
fn a_mode_that_is_wider_than_kubeadms_is_found_in_both_profiles() {
    for (path, mode, severity) in [
        ("/etc/kubernetes/pki/apiserver.crt", 0o666, Severity::Warning),
        ("/etc/kubernetes/pki/etcd/ca.crt", 0o646, Severity::Warning),
        ("/etc/kubernetes/manifests/etcd.yaml", 0o602, Severity::Warning),
        ("/etc/kubernetes/manifests/kube-scheduler.yaml", 0o604, Severity::Info),
        ("/var/lib/etcd", 0o755, Severity::Warning),
        ("/var/lib/kubelet/config.yaml", 0o646, Severity::Warning),
        ("/etc/systemd/system/kubelet.service.d/10-kubeadm.conf", 0o666, Severity::Warning),
    ] {
        let node = whole("v1.36.2");
        node.set_mode(path, mode);
        let found = of_profile(&node, Profile::Kubeadm);
        let [finding] = found.as_slice() else { panic!("{path}: {found:#?}") };
        assert_eq!((paths(&found).as_slice(), finding.severity), ([path.to_owned()].as_slice(), severity));
        assert!(finding.code == "profile.mode" && finding.remedy.starts_with("`chmod "), "{finding:?}");
        assert!(paths(&of_profile(&node, Profile::Cis)).contains(&path.to_owned()), "{path}");
    }
}

#[test]
fn a_file_that_all_may_read_is_said_once_where_it_holds_a_key() {
    let node = whole("v1.36.2");
    node.set_mode(&format!("{PKI}/apiserver.key"), 0o644);
    node.set_mode("/etc/kubernetes/admin.conf", 0o644);
    for profile in [Profile::Kubeadm, Profile::Cis] {
        let findings = checked(&node, profile).findings;
        for path in ["/etc/kubernetes/pki/apiserver.key", "/etc/kubernetes/admin.conf"] {
            let about: Vec<_> = findings.iter().filter(|one| one.path.as_deref() == Some(path.as_ref())).collect();
            let codes: Vec<_> = about.iter().map(|one| one.code.as_str()).collect();
            assert_eq!(codes, ["file.mode_too_wide"], "{profile:?}");
        }
    }
}

#[test]
fn what_belongs_to_another_user_is_found_by_root() {
    if !rustix_is_root() {
        eprintln!("skipped: only root gives files away");
        return;
    }
    let node = whole("v1.36.2");
    let give = |path: &str, user: u32| std::os::unix::fs::chown(node.path(path), Some(user), Some(user)).unwrap();
    give("/etc/kubernetes/manifests/etcd.yaml", 1234);
    give("/etc/kubernetes/pki/ca.crt", 1234);
    give("/var/lib/etcd", 4321);
    let found = of_profile(&node, Profile::Kubeadm);
    let mut named = paths(&found);
    named.sort();
    let expected = ["/etc/kubernetes/manifests/etcd.yaml", "/etc/kubernetes/pki/ca.crt", "/var/lib/etcd"];
    assert_eq!(named, expected, "{found:#?}");
    assert!(found.iter().all(|one| one.code == "profile.owner" && one.remedy.starts_with("`chown ")), "{found:#?}");
    // An etcd that runs as that user has its own.
    let manifest = String::from_utf8(node.read("/etc/kubernetes/manifests/etcd.yaml")).unwrap();
    node.write(
        "/etc/kubernetes/manifests/etcd.yaml",
        manifest.replace("spec:\n", "spec:\n  securityContext: {runAsUser: 4321}\n"),
    );
    assert!(!paths(&of_profile(&node, Profile::Kubeadm)).contains(&"/var/lib/etcd".to_owned()));
    // A group counts for the benchmark alone.
    std::os::unix::fs::chown(node.path("/etc/kubernetes/admin.conf"), Some(0), Some(1234)).unwrap();
    let admin = "/etc/kubernetes/admin.conf".to_owned();
    assert!(!paths(&of_profile(&node, Profile::Kubeadm)).contains(&admin));
    assert!(paths(&of_profile(&node, Profile::Cis)).contains(&admin));
}

fn rustix_is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

#[test]
fn a_cas_key_on_a_worker_is_found_with_and_without_a_configuration() {
    let node = Node::golden("ecdsa-p256");
    for file in node.snapshot().into_keys() {
        let name = file.strip_prefix(node.root.path()).unwrap().to_str().unwrap().to_owned();
        let stays = ["etc/kubernetes/kubelet.conf", "etc/kubernetes/pki/ca.crt", "etc/kubernetes/pki/ca.key"];
        if file.is_file() && !stays.contains(&name.as_str()) {
            std::fs::remove_file(file).unwrap();
        }
    }
    let mut request = CheckRequest { node: node.request.node.clone(), ..CheckRequest::default() };
    request.node.config = None;
    let report = check(&request, node.now).unwrap();
    assert_eq!(problems(&report.findings), ["ca authority.key_on_worker"]);
    let finding = find(&report.findings, "authority.key_on_worker");
    assert!(finding.remedy.contains("`rm ") && report.status == Status::Warning, "{finding:?}");
    node.remove("/etc/kubernetes/pki/ca.key");
    assert_eq!(check(&request, node.now).unwrap().status, Status::Ok);
}

#[test]
fn super_admin_conf_is_mentioned_a_week_after_the_cluster_was_made() {
    let mut node = Node::golden("ecdsa-p256");
    let made = node.certificate("ca").not_before();
    for (age, severity) in [(TimeDelta::days(6), None), (TimeDelta::days(8), Some(Severity::Info))] {
        node.now = made + age;
        let report = checked(&node, Profile::Kubeadm);
        let found = report.findings.iter().find(|one| one.code == "kubeconfig.left_in_place");
        assert_eq!((report.status, found.map(|one| one.severity)), (Status::Ok, severity));
        let found =
            checked(&node, Profile::Cis).findings.into_iter().find(|one| one.code == "kubeconfig.left_in_place");
        assert_eq!(found.map(|one| one.severity), severity.map(|_| Severity::Warning));
    }
    node.remove("/etc/kubernetes/super-admin.conf");
    assert!(checked(&node, Profile::Kubeadm).findings.is_empty());
}

#[test]
fn a_certificate_of_another_node_is_found_by_the_kubelets_name() {
    let node = Node::golden("ecdsa-p256");
    let other = Node::made(&CONTROL_PLANE.replace("cp1", "cp2"));
    let issuer = node.issuer("etcd/ca");
    node.replace_leaf("etcd/server", &issuer, |template| {
        template.subject = other.certificate("etcd/server").subject().clone();
    });
    let mut request = CheckRequest { node: node.request.node.clone(), ..CheckRequest::default() };
    request.node.config = None;
    let report = check(&request, node.now).unwrap();
    assert_eq!(problems(&report.findings), ["etcd-server certificate.other_node"]);
    let finding = find(&report.findings, "certificate.other_node");
    assert!(finding.evidence.contains("cp2") && finding.evidence.contains("cp1"), "{finding:?}");
    assert!(finding.remedy.contains("`kubepki certs init etcd-server"), "{finding:?}");
    // With the configuration its subject is wrong, and that is enough.
    let report = checked(&node, Profile::Kubeadm);
    assert!(!report.findings.iter().any(|one| one.code == "certificate.other_node"), "{:#?}", report.findings);
}

#[test]
fn the_benchmark_asks_600_of_the_networks_files_and_of_kube_proxys_kubeconfig() {
    let node = whole("v1.36.2");
    for path in ["/etc/cni/net.d/10-flannel.conflist", "/var/lib/kube-proxy/kubeconfig.conf"] {
        node.write(path, "{}");
        node.set_mode(path, 0o644);
    }
    let about = |profile| {
        let findings = of_profile(&node, profile);
        let known = |one: &&Finding| one.evidence.contains("CIS 1.1.9 ") || one.evidence.contains("CIS 4.1.3 ");
        paths(&findings.iter().filter(known).cloned().collect::<Vec<_>>())
    };
    let mut named = about(Profile::Cis);
    named.sort();
    assert_eq!(named, ["/etc/cni/net.d/10-flannel.conflist", "/var/lib/kube-proxy/kubeconfig.conf"]);
    assert_eq!(about(Profile::Kubeadm), [""; 0]);
    node.set_mode("/etc/cni/net.d/10-flannel.conflist", 0o600);
    node.set_mode("/var/lib/kube-proxy/kubeconfig.conf", 0o600);
    assert_eq!(about(Profile::Cis), [""; 0]);
}
