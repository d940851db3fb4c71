//! CAs that kubepki did not make: whatever their names, keys and chains; with and without their key.

use chrono::TimeDelta;
use kubepki::plan::Action;
use kubepki::x509::{Issuer, SerialNumber};
use x509_parser::pem::Pem;

use super::support::*;

/// Made by openssl: C, two O, two OU, UTF-8, RSA-4096, SHA-512, no SAN; its key protects nothing.
const SEVERAL_CRT: &[u8] = include_bytes!("authorities/several.crt");
const SEVERAL_KEY: &[u8] = include_bytes!("authorities/several.key");

#[test]
fn a_ca_with_several_organizations_is_used_and_its_name_is_copied_byte_for_byte() {
    let node = Node::empty(CONTROL_PLANE);
    for base in ["ca", "front-proxy-ca", "etcd/ca"] {
        node.write(&format!("/etc/kubernetes/pki/{base}.crt"), SEVERAL_CRT);
        node.write(&format!("/etc/kubernetes/pki/{base}.key"), SEVERAL_KEY);
        node.set_mode(&format!("/etc/kubernetes/pki/{base}.key"), 0o600);
    }
    let report = node.apply();
    assert_eq!(report.changed.len(), 7 + 1 + 5);
    assert_eq!(node.read("/etc/kubernetes/pki/ca.crt"), SEVERAL_CRT);
    let ca = Pem::iter_from_buffer(SEVERAL_CRT).next().unwrap().unwrap();
    let ca = ca.parse_x509().unwrap();
    assert_eq!(ca.subject().iter_organization().count(), 2);
    let mut checked = 0;
    for file in files(&node.path("/etc/kubernetes")) {
        let content = node.read(&format!("/etc/kubernetes/{}", file.display()));
        let pem = match file.extension().unwrap().to_str().unwrap() {
            "crt" if content != SEVERAL_CRT => content,
            "conf" => embedded(&content, "client-certificate-data"),
            _ => continue,
        };
        let block = Pem::iter_from_buffer(&pem).next().unwrap().unwrap();
        let leaf = block.parse_x509().unwrap();
        assert_eq!(leaf.issuer().as_raw(), ca.subject().as_raw(), "{}", file.display());
        leaf.verify_signature(Some(ca.public_key())).unwrap();
        // sha256WithRSAEncryption, as from any RSA key, though the CA's own signature is SHA-512.
        assert_eq!(leaf.signature_algorithm.algorithm.to_id_string(), "1.2.840.113549.1.1.11");
        checked += 1;
    }
    assert_eq!(checked, 7 + 5);
    assert!(node.plan().is_empty() && node.plan().findings.is_empty(), "{:?}", node.plan().findings);
}

#[test]
fn an_intermediate_ca_signs_and_its_whole_file_is_trusted() {
    let node = Node::empty(CONTROL_PLANE);
    let root = authority("root", 7300);
    let key = ecdsa_key();
    let between = authority_template("between", 3650)
        .issue(&SerialNumber::random().unwrap(), key.public_key_info(), &root)
        .unwrap();
    node.put_pair("ca", &between, &key);
    let bundle = [between.to_pem(), root.certificate().to_pem()].concat();
    node.write("/etc/kubernetes/pki/ca.crt", &bundle);
    node.apply();
    assert_eq!(node.read("/etc/kubernetes/pki/ca.crt"), bundle);
    assert_eq!(node.certificate("apiserver").issuer(), between.subject());
    assert_eq!(embedded(&node.read("/etc/kubernetes/admin.conf"), "certificate-authority-data"), bundle);
    assert!(node.plan().is_empty() && node.plan().findings.is_empty(), "{:?}", node.plan().findings);
}

/// A finished node after `change` to its front-proxy CA: what stands against the plan.
fn after(change: impl FnOnce(&Node)) -> Vec<String> {
    let node = Node::golden("ecdsa-p256");
    node.remove("/etc/kubernetes/pki/front-proxy-client.crt");
    node.remove("/etc/kubernetes/pki/front-proxy-client.key");
    change(&node);
    let before = node.snapshot();
    let plan = node.plan();
    assert!(apply_plan(&plan).is_err());
    assert_eq!(node.snapshot(), before);
    criticals(&plan.findings)
}

fn put(node: &Node, issuer: &Issuer, key: &kubepki::key::PrivateKey) {
    node.put_pair("front-proxy-ca", issuer.certificate(), key);
}

#[test]
fn a_ca_that_cannot_sign_is_named_once() {
    let replaced = |change: fn(&mut kubepki::x509::CertificateTemplate)| {
        after(|node| {
            let mut template = authority_template("front-proxy-ca", 3650);
            change(&mut template);
            let key = ecdsa_key();
            let ca = template.self_sign(&SerialNumber::random().unwrap(), &key).unwrap();
            node.put_pair("front-proxy-ca", &ca, &key);
        })
    };
    assert_eq!(replaced(|ca| ca.not_after = now() - TimeDelta::seconds(1)), ["front-proxy-ca certificate.expired"]);
    assert_eq!(
        replaced(|ca| ca.not_before = now() + TimeDelta::seconds(1)),
        ["front-proxy-ca certificate.not_yet_valid"]
    );
    assert_eq!(replaced(|ca| ca.is_ca = false), ["front-proxy-ca authority.not_an_authority"]);
    assert_eq!(
        replaced(|ca| ca.key_usages = vec![kubepki::x509::KeyUsage::DigitalSignature]),
        ["front-proxy-ca authority.not_an_authority"]
    );
    let found = after(|node| put(node, &authority("front-proxy-ca", 3650), &ecdsa_key()));
    assert_eq!(found, ["front-proxy-ca key.mismatch"]);
    let found = after(|node| node.remove("/etc/kubernetes/pki/front-proxy-ca.crt"));
    assert_eq!(found, ["front-proxy-ca file.missing"]);
    // A key that is there and broken does not make the CA external.
    let found = after(|node| node.write("/etc/kubernetes/pki/front-proxy-ca.key", "broken"));
    assert_eq!(found, ["front-proxy-ca key.none"]);
}

#[test]
fn a_ca_that_is_missing_while_its_certificates_are_there_is_not_made_anew() {
    let node = Node::golden("ecdsa-p256");
    for base in ["ca", "front-proxy-ca", "etcd/ca"] {
        node.remove(&format!("/etc/kubernetes/pki/{base}.crt"));
        node.remove(&format!("/etc/kubernetes/pki/{base}.key"));
    }
    let plan = node.plan();
    let expected = ["ca authority.missing", "etcd-ca authority.missing", "front-proxy-ca authority.missing"];
    assert_eq!(criticals(&plan.findings), expected);
    let evidence = &plan.findings[0].evidence;
    for name in ["apiserver, apiserver-kubelet-client", "admin.conf", "scheduler.conf"] {
        assert!(evidence.contains(name), "{evidence}");
    }
    let before = node.snapshot();
    assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.blocked");
    assert_eq!(node.snapshot(), before);
}

#[test]
fn an_external_ca_lists_every_file_that_is_still_needed() {
    for (base, name, needed) in [
        (
            "ca",
            "ca",
            &[
                "admin.conf",
                "apiserver",
                "apiserver-kubelet-client",
                "controller-manager.conf",
                "kubelet.conf",
                "scheduler.conf",
                "super-admin.conf",
            ][..],
        ),
        ("front-proxy-ca", "front-proxy-ca", &["front-proxy-client"]),
        ("etcd/ca", "etcd-ca", &["apiserver-etcd-client", "etcd-healthcheck-client", "etcd-peer", "etcd-server"]),
    ] {
        let node = Node::empty(CONTROL_PLANE);
        node.write(&format!("/etc/kubernetes/pki/{base}.crt"), authority(name, 3650).certificate().to_pem());
        let before = node.snapshot();
        let plan = node.plan();
        let expected: Vec<_> = needed.iter().map(|name| format!("{name} authority.external_incomplete")).collect();
        assert_eq!(criticals(&plan.findings), expected, "{name}");
        assert_eq!(action(&plan, name), Action::Keep);
        for finding in plan.findings.iter().filter(|finding| finding.is_critical()) {
            let path = finding.path.as_ref().unwrap().to_str().unwrap();
            assert!(finding.evidence.contains(path) && finding.evidence.contains("CN="), "{finding:?}");
        }
        let error = apply_plan(&plan).unwrap_err();
        for name in needed {
            assert!(error.to_string().contains(&format!("{name}: ")), "{error}");
        }
        assert_eq!(node.snapshot(), before, "{name}");
    }
}

#[test]
fn an_external_ca_with_all_its_files_is_done() {
    let node = Node::golden("ecdsa-p256");
    for base in ["ca", "front-proxy-ca", "etcd/ca"] {
        node.remove(&format!("/etc/kubernetes/pki/{base}.key"));
    }
    let plan = node.plan();
    assert!(plan.is_empty() && !plan.is_blocked(), "{:?}", plan.findings);
    let said: Vec<_> = plan.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(said, ["authority.external"; 3]);
    assert!(apply_plan(&plan).unwrap().changed.is_empty());
}

#[test]
fn an_external_ca_does_not_keep_the_others_from_signing_once_it_is_complete() {
    let node = Node::golden("ecdsa-p256");
    node.remove("/etc/kubernetes/pki/ca.key");
    node.remove("/etc/kubernetes/pki/etcd/peer.crt");
    node.remove("/etc/kubernetes/pki/etcd/peer.key");
    assert_eq!(created(&node.plan()), ["etcd-peer"]);
    node.apply();
    assert!(node.plan().is_empty());
}
