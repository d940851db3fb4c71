//! `sa.pub` is what Kubernetes reads as one: public keys, private keys, certificates, several of them.

use std::fs;

use kubepki::bundle::Recipient;
use kubepki::certificate_key::CertificateKey;
use kubepki::key::{Algorithm, PrivateKey, pem, read_public_keys};
use kubepki::ops::bundle::{ExportRequest, ImportRequest, collect, import};
use kubepki::ops::check::{CheckRequest, check};
use kubepki::x509::{Certificate, CertificateTemplate, DistinguishedName, KeyUsage, SerialNumber, SubjectAltNames};

use super::client_go;
use super::support::*;

const PUBLIC_KEY: &str = "/etc/kubernetes/pki/sa.pub";

/// A certificate for `key`, signed by itself.
fn certificate(key: &PrivateKey) -> Certificate {
    let template = CertificateTemplate {
        subject: DistinguishedName::new::<&str>(&[], "service-accounts").unwrap(),
        subject_alt_names: SubjectAltNames::default(),
        key_usages: vec![KeyUsage::DigitalSignature],
        extended_key_usages: Vec::new(),
        is_ca: false,
        other_extensions: Vec::new(),
        not_before: now(),
        not_after: now(),
    };
    let signer = PrivateKey::from_pem(key.to_pem().expose()).unwrap();
    template.self_sign(&SerialNumber::random().unwrap(), &signer).unwrap()
}

fn text(label: &str, der: &[u8]) -> Vec<u8> {
    pem::encode(label, der).expose().to_vec()
}

fn pkcs8(key: &PrivateKey) -> Vec<u8> {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut openssl = Command::new("openssl")
        .args(["pkcs8", "-topk8", "-nocrypt"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    openssl.stdin.take().unwrap().write_all(key.to_pem().expose()).unwrap();
    openssl.wait_with_output().unwrap().stdout
}

/// The first key of PEM text under another label.
fn relabelled(label: &str, pem_text: &[u8]) -> Vec<u8> {
    text(label, pem::blocks(pem_text).next().unwrap().der.expose())
}

/// Files of every kind, each with whether it makes tokens of `key` good: yes, no, or it cannot be read.
fn files(key: &PrivateKey, other: &PrivateKey) -> Vec<(&'static str, Vec<u8>, Option<bool>)> {
    let own = key.public_key_pem();
    let foreign = other.public_key_pem();
    let private = key.to_pem().expose().to_vec();
    let joined = |parts: &[&[u8]]| parts.concat();
    let broken = b"-----BEGIN PUBLIC KEY-----\n%%%%\n-----END PUBLIC KEY-----\n";
    let is_rsa = key.kind().starts_with("RSA");
    vec![
        ("public key", own.clone(), Some(true)),
        ("private key", private.clone(), Some(true)),
        ("private key in PKCS#8", pkcs8(key), if is_rsa { Some(true) } else { None }),
        ("certificate", certificate(key).to_pem(), Some(true)),
        ("certificate of another key", certificate(other).to_pem(), Some(false)),
        ("private key of another", other.to_pem().expose().to_vec(), Some(false)),
        ("another's, then its own", joined(&[&foreign, &own]), Some(true)),
        ("another's certificate, then its own", joined(&[&certificate(other).to_pem(), &own]), Some(true)),
        ("its own, then rubbish", joined(&[&own, broken]), Some(true)),
        ("rubbish, then its own", joined(&[broken, &own]), Some(true)),
        ("text around it", joined(&[b"the key of the cluster\n", &own, b"\nthe end\n"]), Some(true)),
        ("another label", relabelled("WHATEVER", &own), Some(true)),
        ("a private key under the label of a public one", relabelled("PUBLIC KEY", &private), Some(true)),
        ("a certificate under the label of a key", relabelled("PUBLIC KEY", &certificate(key).to_pem()), Some(true)),
        ("CRLF", String::from_utf8(own.clone()).unwrap().replace('\n', "\r\n").into_bytes(), Some(true)),
        ("rubbish alone", broken.to_vec(), None),
        ("empty", Vec::new(), None),
        ("no PEM", b"ssh-rsa AAAAB3NzaC1yc2E=\n".to_vec(), None),
        ("DER", pem::blocks(&own).next().unwrap().der.expose().to_vec(), None),
        ("another kind of block", text("CERTIFICATE REQUEST", b"\x30\x00"), None),
    ]
}

#[test]
fn what_kubernetes_reads_as_public_keys_is_read_and_nothing_else() {
    for algorithm in [Algorithm::Rsa2048, Algorithm::EcdsaP256] {
        let (key, other) = (PrivateKey::generate(algorithm).unwrap(), PrivateKey::generate(algorithm).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let files = files(&key, &other);
        for (index, (_, content, _)) in files.iter().enumerate() {
            fs::write(folder.path().join(format!("{index:02}")), content).unwrap();
        }
        let verdicts = client_go::verdicts("public-keys", folder.path());
        for (index, (what, content, makes_good)) in files.iter().enumerate() {
            let ours = read_public_keys(content).ok();
            let is_among = ours.as_ref().map(|keys| keys.iter().any(|one| one == key.public_key_info()));
            assert_eq!(is_among, *makes_good, "{algorithm:?}: {what}");
            if let Some(verdicts) = &verdicts {
                let verdict = &verdicts[format!("{index:02}")];
                let theirs = verdict["keys"].as_array().cloned().unwrap_or_default();
                assert_eq!(ours.unwrap_or_default().len(), theirs.len(), "{algorithm:?}: {what}: {verdict}");
            }
        }
    }
}

#[test]
fn check_init_and_bundles_agree_with_kubernetes_about_sa_pub() {
    let node = Node::golden("ecdsa-p256");
    let key = PrivateKey::from_pem(&node.read("/etc/kubernetes/pki/sa.key")).unwrap();
    let other = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
    for (what, content, makes_good) in files(&key, &other) {
        node.write(PUBLIC_KEY, &content);
        node.set_mode(PUBLIC_KEY, 0o600);
        let request = CheckRequest { node: node.request.node.clone(), ..CheckRequest::default() };
        let critical: Vec<_> = check(&request, node.now)
            .unwrap()
            .findings
            .into_iter()
            .filter(|finding| finding.subject == "sa" && finding.is_critical())
            .collect();
        assert_eq!(critical.is_empty(), makes_good == Some(true), "check: {what}: {critical:?}");
        let is_blocked = node.plan().findings.iter().any(|finding| finding.subject == "sa" && finding.is_critical());
        assert_eq!(is_blocked, makes_good != Some(true), "init: {what}");
        let export = ExportRequest {
            node: node.request.node.clone(),
            role: Recipient::ControlPlane,
            allow_missing_ca_keys: false,
        };
        assert_eq!(collect(&export, node.now).is_ok(), makes_good == Some(true), "bundle: {what}");
    }
}

#[test]
fn an_open_sa_pub_that_holds_the_private_key_is_a_finding() {
    let node = Node::golden("ecdsa-p256");
    let key = node.read("/etc/kubernetes/pki/sa.key");
    let codes = |content: &[u8]| {
        node.write(PUBLIC_KEY, content);
        node.set_mode(PUBLIC_KEY, 0o644);
        let request = CheckRequest { node: node.request.node.clone(), ..CheckRequest::default() };
        let findings = check(&request, node.now).unwrap().findings;
        findings.into_iter().filter(|one| one.subject == "sa").map(|one| one.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(&PrivateKey::from_pem(&key).unwrap().public_key_pem()), Vec::<&str>::new());
    assert_eq!(codes(&key), ["file.mode_too_wide"]);
}

#[test]
fn a_bundle_brings_sa_pub_whatever_it_is_and_the_private_key_stays_closed() {
    let first = Node::golden("ecdsa-p256");
    let sealing: CertificateKey = CertificateKey::random().unwrap();
    for (content, mode) in [
        (first.read("/etc/kubernetes/pki/sa.key"), 0o600),
        (certificate(&PrivateKey::from_pem(&first.read("/etc/kubernetes/pki/sa.key")).unwrap()).to_pem(), 0o644),
    ] {
        first.write(PUBLIC_KEY, &content);
        first.set_mode(PUBLIC_KEY, 0o600);
        let export = ExportRequest {
            node: first.request.node.clone(),
            role: Recipient::ControlPlane,
            allow_missing_ca_keys: false,
        };
        let bundle = collect(&export, first.now).unwrap().seal(&sealing).unwrap();
        let second = Node::empty(&String::from_utf8(first.read("/etc/kubeadm.yaml")).unwrap());
        let request = ImportRequest { node: second.request.node.clone(), ..ImportRequest::default() };
        import(&request, bundle.to_yaml(false).as_bytes(), Some(&sealing), second.now).unwrap();
        assert_eq!(second.read(PUBLIC_KEY), content);
        let found = fs::metadata(second.path(PUBLIC_KEY)).unwrap();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o777, mode);
    }
}
