//! Files that cannot be used: each is a finding with a code and a remedy, and nothing on disk changes.

use std::fs;
use std::os::unix::fs::symlink;

use kubepki::ops::check::{CheckRequest, Status, check};
use kubepki::ops::check_expiration::check_expiration;

use super::support::*;

/// Made by `openssl genpkey -aes256`: PKCS#8, encrypted; what is inside protects nothing.
const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIBvTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQI\n-----END ENCRYPTED PRIVATE KEY-----\n";

type Damage = fn(&Node, &str);

/// What may stand in a file's place, and the code that a certificate, a key and a kubeconfig of that kind has.
const DAMAGES: [(&str, Damage, [&str; 3]); 13] = [
    ("empty", |node, path| node.write(path, ""), ["x509.none", "key.none", "kubeconfig."]),
    ("cut in the middle", cut, ["x509.", "key.", "kubeconfig."]),
    ("DER cut in the middle", cut_der, ["x509.", "key.", "kubeconfig."]),
    ("a flipped byte", flip, ["x509.", "key.", "kubeconfig."]),
    ("raw DER", |node, path| node.write(path, [0x30, 0x82, 1, 2, 0xff, 0, 0]), ["x509.", "key.", "kubeconfig."]),
    ("zeros", |node, path| node.write(path, [0; 4096]), ["x509.", "key.", "kubeconfig."]),
    ("no UTF-8", |node, path| node.write(path, b"\xff\xfe\x00-----BEGIN"), ["x509.", "key.", "kubeconfig."]),
    ("an encrypted key", |node, path| node.write(path, ENCRYPTED), ["x509.", "key.encrypted", "kubeconfig."]),
    ("a folder", folder, ["store.is_a_directory"; 3]),
    ("a link to nowhere", |node, path| relink(node, path, "nowhere"), ["store.dangling_symlink"; 3]),
    ("a link to itself", |node, path| relink(node, path, path.rsplit_once('/').unwrap().1), ["store.symlink_loop"; 3]),
    (
        "a link out of the root",
        |node, path| relink(node, path, "../../../../../../../../../dev/null"),
        ["store.symlink_escapes"; 3],
    ),
    ("a hundred megabytes", sparse, ["store.too_large"; 3]),
];

fn cut(node: &Node, path: &str) {
    let text = node.read(path);
    node.write(path, &text[..text.len() / 2]);
}

/// Well-formed PEM or YAML around half of the DER or of the embedded CA.
fn cut_der(node: &Node, path: &str) {
    let text = node.read(path);
    if path.ends_with(".conf") {
        let ca = base64(&embedded(&text, "certificate-authority-data"));
        return node.edit(path, |text| text.replace(&ca, &ca[..ca.len() / 8 * 4]));
    }
    let block = x509_parser::pem::Pem::iter_from_buffer(&text).next().unwrap().unwrap();
    let half = &block.contents[..block.contents.len() / 2];
    node.write(path, kubepki::key::pem::encode(&block.label, half).expose());
}

/// One byte of the middle of the DER, or of the YAML's structure.
fn flip(node: &Node, path: &str) {
    if path.ends_with(".conf") {
        return node.edit(path, |text| text.replacen("clusters:", "clusters", 1));
    }
    let text = node.read(path);
    let mut block = x509_parser::pem::Pem::iter_from_buffer(&text).next().unwrap().unwrap();
    block.contents[1] ^= 0x01;
    node.write(path, kubepki::key::pem::encode(&block.label, &block.contents).expose());
}

fn folder(node: &Node, path: &str) {
    node.remove(path);
    fs::create_dir(node.path(path)).unwrap();
}

fn relink(node: &Node, path: &str, target: &str) {
    node.remove(path);
    symlink(target, node.path(path)).unwrap();
}

fn sparse(node: &Node, path: &str) {
    node.remove(path);
    fs::File::create(node.path(path)).unwrap().set_len(100 << 20).unwrap();
}

/// The file, the name that a finding about it has, and which of a damage's codes.
const FILES: [(&str, &str, usize); 9] = [
    ("pki/ca.crt", "ca", 0),
    ("pki/ca.key", "ca", 1),
    ("pki/etcd/ca.crt", "etcd-ca", 0),
    ("pki/apiserver.crt", "apiserver", 0),
    ("pki/apiserver.key", "apiserver", 1),
    ("pki/etcd/peer.crt", "etcd-peer", 0),
    ("pki/sa.key", "sa", 1),
    ("pki/sa.pub", "sa", 1),
    ("admin.conf", "admin.conf", 2),
];

#[test]
fn each_damage_to_each_file_is_a_finding_and_nothing_changes() {
    for (what, damage, codes) in DAMAGES {
        for (file, name, kind) in FILES {
            let node = Node::golden("ecdsa-p256");
            node.remove("/etc/kubernetes/scheduler.conf");
            let path = format!("/etc/kubernetes/{file}");
            damage(&node, &path);
            let before = node.snapshot();

            let plan = node.plan();
            let case = format!("{what} as {file}: {:?}", plan.findings);
            let about: Vec<_> = plan.findings.iter().filter(|one| one.is_critical() && one.subject == name).collect();
            let at_file: Vec<_> =
                about.iter().filter(|one| one.path.as_deref() == Some(std::path::Path::new(&path))).collect();
            assert_eq!(at_file.len(), 1, "{case}");
            // An encrypted private key is no public one.
            let expected = if file == "pki/sa.pub" && what == "an encrypted key" { "key.none" } else { codes[kind] };
            assert!(at_file[0].code.as_str().starts_with(expected), "{expected}: {case}");
            assert!(!at_file[0].remedy.is_empty() && !at_file[0].evidence.is_empty(), "{case}");
            assert!(!at_file[0].evidence.contains("PRIVATE KEY-----"), "{case}");
            assert_eq!(about.len(), 1, "one finding is enough: {case}");
            let error = apply_plan(&plan).unwrap_err();
            assert_eq!(error.code(), "plan.blocked", "{case}");

            let report = check(&CheckRequest { node: node.request.node.clone(), ..CheckRequest::default() }, node.now);
            let report = report.unwrap();
            assert_eq!(report.status, Status::Critical, "{case}");
            assert!(
                criticals(&report.findings).iter().any(|one| one.starts_with(&format!("{name} {expected}"))),
                "{case}"
            );
            let rows = check_expiration(&node.request.node).unwrap().report;
            assert_eq!(rows.certificates().len() + rows.certificate_authorities().len(), 14, "{case}");
            assert_eq!(node.snapshot(), before, "{case}");
        }
    }
}

#[test]
fn several_damages_are_all_named() {
    let node = Node::golden("ecdsa-p256");
    for (file, _, _) in FILES {
        node.write(&format!("/etc/kubernetes/{file}"), "");
    }
    let expected = [
        "admin.conf kubeconfig.",
        "apiserver key.none",
        "apiserver x509.none",
        "ca key.none",
        "ca x509.none",
        "etcd-ca x509.none",
        "etcd-peer x509.none",
        "sa key.none",
        "sa key.none",
    ];
    let found = criticals(&node.plan().findings);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (one, start) in found.iter().zip(expected) {
        assert!(one.starts_with(start), "{one} {start}");
    }
}

#[test]
fn links_to_files_within_the_root_are_followed_and_kept() {
    let node = Node::golden("ecdsa-p256");
    fs::rename(node.path("/etc/kubernetes/pki"), node.path("/etc/elsewhere")).unwrap();
    symlink("../elsewhere", node.path("/etc/kubernetes/pki")).unwrap();
    node.remove("/etc/elsewhere/apiserver.crt");
    node.remove("/etc/elsewhere/apiserver.key");
    assert_eq!(created(&node.plan()), ["apiserver"]);
    node.apply();
    assert!(node.path("/etc/kubernetes/pki").is_symlink());
    assert!(node.path("/etc/elsewhere/apiserver.crt").is_file());
    assert!(node.plan().is_empty());
}

#[test]
fn a_configuration_that_cannot_be_read_is_an_error_and_nothing_is_planned() {
    let cases: [(&str, &dyn Fn(&Node), &str); 5] = [
        ("missing", &|node| node.remove("/etc/kubeadm.yaml"), "store.missing"),
        ("empty", &|node| node.write("/etc/kubeadm.yaml", ""), "config."),
        ("no YAML", &|node| node.write("/etc/kubeadm.yaml", "a: ["), "config."),
        ("a folder", &|node| folder(node, "/etc/kubeadm.yaml"), "store.is_a_directory"),
        ("too large", &|node| sparse(node, "/etc/kubeadm.yaml"), "store.too_large"),
    ];
    for (what, damage, code) in cases {
        let node = Node::empty(CONTROL_PLANE);
        damage(&node);
        let before = node.snapshot();
        let error = node.try_plan().unwrap_err();
        assert!(error.code().as_str().starts_with(code), "{what}: {error:?}");
        assert!(!error.hint().is_empty(), "{what}");
        assert_eq!(node.snapshot(), before, "{what}");
    }
}

#[test]
fn a_root_that_is_no_folder_is_an_error() {
    let mut node = Node::empty(CONTROL_PLANE);
    node.request.node.config = Some(node.path("/etc/kubeadm.yaml"));
    node.request.node.rootfs = node.path("/etc/kubeadm.yaml").into();
    assert_eq!(node.try_plan().unwrap_err().code(), "store.rootfs_not_a_directory");
}
