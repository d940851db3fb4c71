//! What is there and does not fit is named, all at once, and left alone.

use chrono::TimeDelta;
use kubepki::plan::Action;
use kubepki::x509::{DistinguishedName, ExtendedKeyUsage, SerialNumber, SubjectAltNames};

use super::support::*;

#[test]
fn every_mismatch_is_named_at_once_and_nothing_changes() {
    let node = Node::made(CONTROL_PLANE);
    let (ca, etcd_ca) = (node.issuer("ca"), node.issuer("etcd/ca"));
    let now = node.now;
    node.replace_leaf("apiserver", &ca, |leaf| {
        leaf.subject_alt_names = SubjectAltNames::sorted(["kubernetes", "cp1"], ["192.0.2.10".parse().unwrap()]);
    });
    node.write("/etc/kubernetes/pki/apiserver-kubelet-client.key", ecdsa_key().to_pem().expose());
    node.replace_leaf("front-proxy-client", &authority("front-proxy-ca", 3650), |_| {});
    node.replace_leaf("etcd/server", &etcd_ca, |leaf| leaf.extended_key_usages = vec![ExtendedKeyUsage::ServerAuth]);
    node.replace_leaf("etcd/peer", &etcd_ca, |leaf| {
        (leaf.not_before, leaf.not_after) = (now - TimeDelta::days(30), now - TimeDelta::seconds(1));
    });
    node.replace_leaf("etcd/healthcheck-client", &etcd_ca, |leaf| leaf.not_before = now + TimeDelta::seconds(1));
    node.remove("/etc/kubernetes/pki/apiserver-etcd-client.key");
    node.write("/etc/kubernetes/pki/sa.pub", ecdsa_key().public_key_pem());
    let other = authority("kubernetes", 3650).certificate().to_pem();
    let ours = base64(&node.read("/etc/kubernetes/pki/ca.crt"));
    node.edit("/etc/kubernetes/admin.conf", |text| text.replace("192.0.2.10", "lb.example.test"));
    node.edit("/etc/kubernetes/super-admin.conf", |text| text.replace(&ours, &base64(&other)));
    let key = embedded(&node.read("/etc/kubernetes/controller-manager.conf"), "client-key-data");
    node.edit("/etc/kubernetes/controller-manager.conf", |text| {
        text.replace(&base64(&key), &base64(ecdsa_key().to_pem().expose()))
    });
    node.edit("/etc/kubernetes/scheduler.conf", |text| text.replace("certificate-authority-data", "other-data"));

    let before = node.snapshot();
    let plan = node.plan();
    let expected = [
        "apiserver certificate.missing_names",
        "apiserver-etcd-client file.missing",
        "apiserver-kubelet-client key.mismatch",
        "controller-manager.conf key.mismatch",
        "etcd-healthcheck-client certificate.not_yet_valid",
        "etcd-peer certificate.expired",
        "etcd-server certificate.missing_usages",
        "front-proxy-client certificate.untrusted",
        "sa service_account.mismatch",
        "scheduler.conf kubeconfig.no_certificate_authority",
        "super-admin.conf kubeconfig.other_certificate_authority",
    ];
    assert_eq!(criticals(&plan.findings), expected);
    for finding in &plan.findings {
        assert!(!finding.remedy.is_empty() && !finding.evidence.is_empty(), "{finding:?}");
        assert!(finding.path.is_some(), "{finding:?}");
    }
    let names = find(&plan.findings, "certificate.missing_names");
    for missing in ["kubernetes.default.svc.cluster.local", "10.96.0.1"] {
        assert!(names.evidence.contains(missing), "{names:?}");
    }
    assert!(created(&plan).is_empty());
    assert_eq!(action(&plan, "admin.conf"), Action::Keep);
    assert_eq!(action(&plan, "apiserver"), Action::Blocked);
    let error = apply_plan(&plan).unwrap_err();
    assert_eq!((error.code().as_str(), error.category().exit_code()), ("plan.blocked", 1));
    for line in expected {
        let (subject, _) = line.split_once(' ').unwrap();
        assert!(error.to_string().contains(&format!("{subject}: ")), "{subject}: {error}");
    }
    assert!(error.to_string().contains("11 critical findings"), "{error}");
    assert_eq!(error.context()["findings"].as_array().unwrap().len(), plan.findings.len());
    assert_eq!(node.snapshot(), before);
}

/// The findings of a finished node after `change`, at least warnings.
fn after(change: impl FnOnce(&Node)) -> Vec<String> {
    let node = Node::golden("ecdsa-p256");
    change(&node);
    let plan = node.plan();
    assert!(created(&plan).is_empty());
    problems(&plan.findings)
}

fn nothing() -> Vec<String> {
    Vec::new()
}

#[test]
fn a_leaf_may_have_more_names_and_usages_than_it_needs() {
    let found = after(|node| {
        node.replace_leaf("apiserver", &node.issuer("ca"), |leaf| {
            let more = leaf.subject_alt_names.dns_names().map(str::to_owned).chain(["more.example.test".to_owned()]);
            leaf.subject_alt_names = SubjectAltNames::sorted(more, leaf.subject_alt_names.ip_addresses());
            leaf.extended_key_usages.push(ExtendedKeyUsage::ClientAuth);
        });
        node.replace_leaf("front-proxy-client", &node.issuer("front-proxy-ca"), |leaf| {
            leaf.extended_key_usages.clear();
        });
    });
    assert_eq!(found, nothing());
}

#[test]
fn another_subject_is_a_warning_and_kept() {
    let found = after(|node| {
        node.replace_leaf("apiserver-kubelet-client", &node.issuer("ca"), |leaf| {
            leaf.subject = DistinguishedName::new(&["system:masters"], "kube-apiserver-kubelet-client").unwrap();
        });
    });
    assert_eq!(found, ["apiserver-kubelet-client certificate.other_subject"]);
}

#[test]
fn a_leaf_on_its_last_second_is_kept_and_then_is_not() {
    let node = Node::golden("ecdsa-p256");
    let end = node.certificate("apiserver").not_after();
    let at = |moment| Node { now: moment, ..Node::golden("ecdsa-p256") }.plan();
    assert!(!criticals(&at(end).findings).iter().any(|one| one.starts_with("apiserver ")));
    assert!(criticals(&at(end + TimeDelta::seconds(1)).findings).contains(&"apiserver certificate.expired".into()));
}

#[test]
fn an_expired_leaf_of_another_ca_is_both() {
    let found = after(|node| {
        node.replace_leaf("etcd/peer", &authority("etcd-ca", 3650), |leaf| {
            leaf.not_before = now() - TimeDelta::days(30);
            leaf.not_after = now() - TimeDelta::hours(1);
        });
    });
    assert_eq!(found, ["etcd-peer certificate.expired", "etcd-peer certificate.untrusted"]);
}

#[test]
fn a_leaf_reaches_its_ca_through_the_intermediates_in_its_file() {
    let chained = |with_intermediate: bool| {
        after(|node| {
            let ca = node.issuer("front-proxy-ca");
            let key = ecdsa_key();
            let intermediate = authority_template("between", 300)
                .issue(&SerialNumber::random().unwrap(), key.public_key_info(), &ca)
                .unwrap();
            let between = kubepki::x509::Issuer::new(intermediate.clone(), key).unwrap();
            node.replace_leaf("front-proxy-client", &between, |_| {});
            if with_intermediate {
                let mut text = node.read("/etc/kubernetes/pki/front-proxy-client.crt");
                text.extend(intermediate.to_pem());
                node.write("/etc/kubernetes/pki/front-proxy-client.crt", text);
            }
        })
    };
    assert_eq!(chained(true), nothing());
    assert_eq!(chained(false), ["front-proxy-client certificate.untrusted"]);
}

fn admin_after(change: impl FnOnce(String, &Node) -> String) -> Vec<String> {
    after(|node| node.edit("/etc/kubernetes/admin.conf", |text| change(text, node)))
}

#[test]
fn a_kubeconfig_that_differs_only_in_form_is_kept() {
    let ca = |node: &Node| node.read("/etc/kubernetes/pki/ca.crt");
    let found = admin_after(|text, node| {
        let padded = [b" \n\n".as_slice(), &ca(node), b"\n\n "].concat();
        text.replace(&base64(&ca(node)), &base64(&padded))
    });
    assert_eq!(found, nothing(), "white space around the CA");
    let found =
        admin_after(|text, _| text.replace("kubernetes-admin@kubernetes", "mine").replace(": kubernetes\n", ": k\n"));
    assert_eq!(found, nothing(), "other names of context and cluster");
    let found = admin_after(|text, node| {
        let line = format!("certificate-authority-data: {}", base64(&ca(node)));
        text.replace(&line, "certificate-authority: pki/ca.crt")
    });
    assert_eq!(found, nothing(), "the CA by a path beside the file");
    let found = admin_after(|text, _| text.replace("192.0.2.10", "lb.example.test"));
    assert_eq!(found, ["admin.conf kubeconfig.other_server"], "kubeadm warns of it and keeps it");
}

#[test]
fn a_kubeconfig_may_trust_any_certificate_of_the_ca_bundle() {
    let found = after(|node| {
        let second = authority("next", 3650).certificate().to_pem();
        let ca = node.read("/etc/kubernetes/pki/ca.crt");
        node.write("/etc/kubernetes/pki/ca.crt", [ca.as_slice(), &second].concat());
        node.edit("/etc/kubernetes/admin.conf", |text| text.replace(&base64(&ca), &base64(&second)));
    });
    assert_eq!(found, nothing());
}

#[test]
fn each_way_in_which_a_kubeconfig_is_broken_has_its_code() {
    let cases: [(&str, &dyn Fn(&str) -> String, &str); 7] = [
        ("no YAML", &|_| "a: [".into(), "kubeconfig.invalid_yaml"),
        ("empty", &|_| String::new(), "kubeconfig."),
        ("no such context", &|text| text.replace("current-context: k", "current-context: x"), "kubeconfig."),
        ("no such cluster", &|text| text.replace("    cluster: kubernetes\n", "    cluster: x\n"), "kubeconfig."),
        ("no such user", &|text| text.replace("    user: k", "    user: x"), "kubeconfig."),
        ("CA path to nowhere", &by_path, "kubeconfig.unreadable_certificate_authority"),
        ("CA is no PEM", &bad_ca, "kubeconfig.invalid_certificate_authority"),
    ];
    for (what, change, code) in cases {
        let found = admin_after(|text, _| change(&text));
        assert_eq!(found.len(), 1, "{what}: {found:?}");
        assert!(found[0].starts_with(&format!("admin.conf {code}")), "{what}: {found:?}");
    }
}

fn replace_ca(text: &str, with: &str) -> String {
    let line = text.lines().find(|line| line.contains("certificate-authority-data")).unwrap();
    text.replace(line.trim(), with)
}

fn by_path(text: &str) -> String {
    replace_ca(text, "certificate-authority: nowhere.crt")
}

fn bad_ca(text: &str) -> String {
    replace_ca(text, "certificate-authority-data: bm90aGluZw==")
}

#[test]
fn a_user_with_a_token_is_kept_without_a_warning() {
    let found = admin_after(|text, _| {
        let user = text.find("    client-certificate-data").unwrap();
        format!("{}    token: secret\n", &text[..user])
    });
    assert_eq!(found, nothing());
}

#[test]
fn a_kubelet_conf_that_follows_the_rotating_link_is_kept() {
    let rotate = |node: &Node| {
        let path = "/etc/kubernetes/kubelet.conf";
        let text = node.read(path);
        let pem = [embedded(&text, "client-certificate-data"), embedded(&text, "client-key-data")].concat();
        node.write("/var/lib/kubelet/pki/kubelet-client-2026.pem", pem);
        let link = node.path("/var/lib/kubelet/pki/kubelet-client-current.pem");
        std::os::unix::fs::symlink("kubelet-client-2026.pem", link).unwrap();
        let user = String::from_utf8(text).unwrap();
        let user = user.split_once("    client-certificate-data").unwrap().0.to_owned();
        let current = "/var/lib/kubelet/pki/kubelet-client-current.pem";
        node.write(path, format!("{user}    client-certificate: {current}\n    client-key: {current}\n"));
    };
    assert_eq!(after(rotate), nothing());
    let found = after(|node| {
        rotate(node);
        node.remove("/var/lib/kubelet/pki/kubelet-client-2026.pem");
    });
    assert!(found.iter().all(|one| one.starts_with("kubelet.conf ")) && !found.is_empty(), "{found:?}");
}
