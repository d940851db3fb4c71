//! What is made from each golden configuration, against what kubeadm made from it.
//!
//! Certificates are decoded by x509-parser, which shares nothing with our encoder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, TimeDelta, Utc};
use kubepki::plan::Action;
use x509_parser::pem::Pem;
use x509_parser::prelude::{ParsedExtension, X509Certificate};

use super::support::*;

/// Everything of a certificate but its times, serial number, keys and key identifiers.
#[derive(Debug, PartialEq)]
struct Decoded {
    version: u32,
    subject: Vec<u8>,
    issuer: Vec<u8>,
    signature: Vec<String>,
    key: (String, usize),
    /// Identifier, whether critical, value; in the certificate's order.
    extensions: Vec<(String, bool, Vec<u8>)>,
}

/// A certificate file with its text around it.
struct Found {
    pem: Vec<u8>,
    decoded: Decoded,
    not_before: DateTime<Utc>,
    not_after: DateTime<Utc>,
    serial: Vec<u8>,
    key_bits_sha256: Vec<u8>,
    subject_key_id: Option<Vec<u8>>,
    authority_key_id: Option<Vec<u8>>,
}

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn decode(pem: &[u8]) -> Found {
    let blocks: Vec<_> = Pem::iter_from_buffer(pem).map(Result::unwrap).collect();
    assert_eq!(blocks.len(), 1, "one certificate a file");
    let certificate: X509Certificate<'_> = blocks[0].parse_x509().unwrap();
    let (mut subject_key_id, mut authority_key_id) = (None, None);
    let extensions = certificate
        .extensions()
        .iter()
        .map(|extension| {
            let value = match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => {
                    subject_key_id = Some(id.0.to_vec());
                    Vec::new()
                }
                ParsedExtension::AuthorityKeyIdentifier(id) => {
                    assert!(id.authority_cert_issuer.is_none() && id.authority_cert_serial.is_none());
                    authority_key_id = Some(id.key_identifier.as_ref().unwrap().0.to_vec());
                    Vec::new()
                }
                _ => extension.value.to_vec(),
            };
            (extension.oid.to_id_string(), extension.critical, value)
        })
        .collect();
    let algorithm = |one: &x509_parser::prelude::AlgorithmIdentifier<'_>| format!("{one:?}");
    let key = certificate.public_key();
    let decoded = Decoded {
        version: certificate.version().0,
        subject: certificate.subject().as_raw().to_vec(),
        issuer: certificate.issuer().as_raw().to_vec(),
        signature: vec![algorithm(&certificate.signature_algorithm), algorithm(&certificate.tbs_certificate.signature)],
        key: (algorithm(&key.algorithm), key.parsed().unwrap().key_size()),
        extensions,
    };
    Found {
        decoded,
        not_before: time(certificate.validity().not_before.timestamp()),
        not_after: time(certificate.validity().not_after.timestamp()),
        serial: certificate.raw_serial().to_vec(),
        key_bits_sha256: digest(&SHA256, &key.subject_public_key.data).as_ref().to_vec(),
        subject_key_id,
        authority_key_id,
        pem: pem.to_owned(),
    }
}

/// Every certificate below a `kubernetes` folder by relative path, those of kubeconfigs too.
fn certificates(folder: &Path) -> BTreeMap<String, Found> {
    let mut all = BTreeMap::new();
    for file in files(folder) {
        let content = fs::read(folder.join(&file)).unwrap();
        let pem = match file.extension().and_then(|extension| extension.to_str()) {
            Some("crt") => content,
            Some("conf") => embedded(&content, "client-certificate-data"),
            _ => continue,
        };
        all.insert(file.to_str().unwrap().to_owned(), decode(&pem));
    }
    all
}

fn authority_of(file: &str, decoded: &Decoded) -> &'static str {
    match file {
        _ if decoded.subject == decoded.issuer => "",
        "pki/front-proxy-client.crt" => "pki/front-proxy-ca.crt",
        "pki/apiserver-etcd-client.crt" => "pki/etcd/ca.crt",
        _ if file.starts_with("pki/etcd/") => "pki/etcd/ca.crt",
        _ => "pki/ca.crt",
    }
}

fn is_given(case: &str, file: &str) -> bool {
    case == "external-etcd" && (file.starts_with("pki/etcd/") || file.starts_with("pki/apiserver-etcd-client."))
}

/// Makes a case's tree from its configuration alone.
fn make(name: &str) -> Node {
    let node = Node::empty(&fs::read_to_string(case(name).join("config.yaml")).unwrap());
    node.copy_golden(name, |file| is_given(name, file));
    let report = node.apply();
    let expected = if name == "external-etcd" { 2 + 3 + 1 + 5 } else { 3 + 7 + 1 + 5 };
    assert_eq!(report.changed.len(), expected, "{name}");
    node
}

fn assert_files_and_modes(name: &str, node: &Node) {
    let facts = facts(name);
    let expected: BTreeMap<String, u32> = facts["kubernetes"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(path, fact)| (path.trim_end_matches('/').trim_start_matches("./").to_owned(), mode_of(fact)))
        .filter(|(path, _)| !path.is_empty() && path != ".")
        .collect();
    let base = node.path("/etc/kubernetes");
    let found: BTreeMap<String, u32> = snapshot(&base)
        .keys()
        .map(|path| {
            let mode = fs::metadata(path).unwrap().permissions().mode() & 0o7777;
            (path.strip_prefix(&base).unwrap().to_str().unwrap().to_owned(), mode)
        })
        .collect();
    assert_eq!(found, expected, "{name}");
}

fn assert_certificates(name: &str, node: &Node) {
    let golden = certificates(&case(name).join("kubernetes"));
    let made = certificates(&node.path("/etc/kubernetes"));
    assert_eq!(made.keys().collect::<Vec<_>>(), golden.keys().collect::<Vec<_>>(), "{name}");
    for (file, one) in &made {
        let kubeadms = &golden[file];
        if is_given(name, file) {
            assert_eq!(one.pem, kubeadms.pem, "{name} {file}");
            continue;
        }
        assert_eq!(one.decoded, kubeadms.decoded, "{name} {file}");
        assert!(!one.serial.is_empty() && one.serial.len() <= 8 && one.serial[0] < 0x80, "{name} {file}");
        let issuer = authority_of(file, &one.decoded);
        if issuer.is_empty() {
            assert_eq!(one.subject_key_id.as_deref(), Some(&one.key_bits_sha256[..20]), "{name} {file}");
        } else {
            assert_eq!(one.authority_key_id, made[issuer].subject_key_id, "{name} {file}");
            let issuer_pem = Pem::iter_from_buffer(&made[issuer].pem).next().unwrap().unwrap();
            let issuer = issuer_pem.parse_x509().unwrap();
            let block = Pem::iter_from_buffer(&one.pem).next().unwrap().unwrap();
            block.parse_x509().unwrap().verify_signature(Some(issuer.public_key())).unwrap();
        }
        if file.ends_with(".conf") {
            assert_eq!(one.not_before, made["pki/ca.crt"].not_before, "{name} {file}");
            assert_eq!(kubeadms.not_before, golden["pki/ca.crt"].not_before, "{name} {file}");
            let lifetime = golden["pki/apiserver.crt"].not_after - golden["pki/apiserver.crt"].not_before;
            assert_eq!(one.not_after, node.now - TimeDelta::minutes(5) + lifetime, "{name} {file}");
        } else {
            assert_eq!(one.not_before, node.now - TimeDelta::minutes(5), "{name} {file}");
            assert_eq!(one.not_after - one.not_before, kubeadms.not_after - kubeadms.not_before, "{name} {file}");
        }
    }
    let serials: std::collections::BTreeSet<_> = made.values().map(|one| &one.serial).collect();
    assert_eq!(serials.len(), made.len(), "{name}: serial numbers are unique");
}

/// A kubeconfig without what is embedded.
fn wording(text: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(text).unwrap();
    text.split_inclusive('\n')
        .map(|line| match line.split_once("-data: ") {
            Some((field, _)) => format!("{field}-data"),
            None => line.to_owned(),
        })
        .collect()
}

fn assert_kubeconfigs(name: &str, node: &Node) {
    for file in ["admin.conf", "super-admin.conf", "kubelet.conf", "controller-manager.conf", "scheduler.conf"] {
        let made = node.read(&format!("/etc/kubernetes/{file}"));
        let golden = fs::read(case(name).join("kubernetes").join(file)).unwrap();
        assert_eq!(wording(&made), wording(&golden), "{name} {file}");
        let ca = node.read("/etc/kubernetes/pki/ca.crt");
        assert_eq!(embedded(&made, "certificate-authority-data"), ca, "{name} {file}");
    }
}

/// Keys are of the golden kind and belong to their certificates.
fn assert_keys(name: &str, node: &Node) {
    let label = |text: &[u8]| String::from_utf8_lossy(text).lines().next().unwrap().to_owned();
    for file in files(&node.path("/etc/kubernetes/pki")) {
        let path = format!("/etc/kubernetes/pki/{}", file.display());
        let golden = fs::read(case(name).join("kubernetes/pki").join(&file)).unwrap();
        assert_eq!(label(&node.read(&path)), label(&golden), "{name} {path}");
        let base = path.trim_start_matches("/etc/kubernetes/pki/").trim_end_matches(".key");
        if path.ends_with(".key") && base != "sa" {
            assert_eq!(node.key(base).public_key_info(), node.certificate(base).public_key_info(), "{name} {path}");
        }
    }
    assert_eq!(node.read("/etc/kubernetes/pki/sa.pub"), node.key("sa").public_key_pem(), "{name}");
}

/// Planning what has been made finds nothing to do and nothing to say, and doing it changes no byte.
fn assert_done(name: &str, node: &Node) {
    let before = node.snapshot();
    let again = node.plan();
    assert!(again.is_empty(), "{name}: {:?}", created(&again));
    assert!(again.findings.is_empty(), "{name}: {:?}", again.findings);
    assert!(again.artefacts.iter().all(|one| matches!(one.action(), Action::Keep | Action::Skip)), "{name}");
    assert!(apply_plan(&again).unwrap().changed.is_empty());
    assert_eq!(node.snapshot(), before, "{name}");
}

fn holds_against_kubeadm(name: &str) {
    let node = make(name);
    assert_files_and_modes(name, &node);
    assert_certificates(name, &node);
    assert_kubeconfigs(name, &node);
    assert_keys(name, &node);
    assert_done(name, &node);
}

#[test]
fn dual_stack_is_what_kubeadm_makes() {
    holds_against_kubeadm("dual-stack");
}

#[test]
fn ecdsa_is_what_kubeadm_makes() {
    holds_against_kubeadm("ecdsa-p256");
}

#[test]
fn an_external_etcds_certificates_are_left_as_they_were_given() {
    holds_against_kubeadm("external-etcd");
}

#[test]
fn a_highly_available_node_is_what_kubeadm_makes() {
    holds_against_kubeadm("ha");
}

#[test]
fn the_smallest_configuration_is_what_kubeadm_makes() {
    holds_against_kubeadm("minimal");
}

#[test]
fn the_older_configuration_version_is_what_kubeadm_makes() {
    holds_against_kubeadm("v1beta3");
}

#[test]
fn other_validity_periods_are_what_kubeadm_makes() {
    holds_against_kubeadm("validity");
}

#[test]
fn kubeadms_own_trees_are_done_as_they_are() {
    for name in CASES {
        let node = Node::golden(name);
        assert_files_and_modes(name, &node);
        assert_done(name, &node);
    }
}
