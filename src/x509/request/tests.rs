//! What is read of requests: kubeadm's own, ours, foreign ones, and no request at all.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::key::Algorithm;

fn golden(case: &str, file: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(case).join("csr").join(file);
    read(path)
}

#[allow(clippy::disallowed_methods)]
fn read(path: PathBuf) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

fn template() -> RequestTemplate {
    RequestTemplate {
        subject: DistinguishedName::new(&["system:nodes"], "system:node:cp1").unwrap(),
        subject_alt_names: SubjectAltNames::sorted(["cp1", "localhost"], ["::1".parse().unwrap()]),
        key_usages: vec![KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment],
        extended_key_usages: vec![ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth],
    }
}

#[test]
fn kubeadms_requests_are_read_and_hold() {
    let request = CertificateRequest::from_pem(&golden("minimal", "kubelet.conf.csr")).unwrap();
    assert_eq!(request.subject().organizations(), ["system:nodes"]);
    assert!(request.subject_alt_names().is_empty());
    assert_eq!(request.key_kind(), "RSA-2048");
    assert_eq!((request.key_usages(), request.extended_key_usages(), request.asks_for_ca()), (None, None, false));
    request.verify_signature().unwrap();

    let request = CertificateRequest::from_pem(&golden("ecdsa-p256", "pki/etcd/peer.csr")).unwrap();
    assert!(request.subject_alt_names().to_string().contains("DNS:localhost"));
    assert_eq!(request.key_kind(), "ECDSA-P256");
    assert!(request.other_extensions().is_empty());
    request.verify_signature().unwrap();
}

#[test]
fn what_is_written_is_read_for_every_algorithm() {
    for algorithm in Algorithm::ALL {
        let key = PrivateKey::generate(algorithm).unwrap();
        let request = template().sign(&key).unwrap();
        let read = CertificateRequest::from_pem(&request.to_pem()).unwrap();
        assert_eq!(read, request);
        assert_eq!(read.subject(), &template().subject);
        assert_eq!(read.subject_alt_names(), &template().subject_alt_names);
        assert_eq!(read.key_usages(), Some(&*template().key_usages));
        assert_eq!(read.extended_key_usages(), Some(&*template().extended_key_usages));
        assert_eq!(read.key_kind(), algorithm.as_str());
        assert_eq!(read.public_key_info(), key.public_key_info());
        read.verify_signature().unwrap();
    }
}

#[test]
fn a_changed_request_does_not_prove_anything() {
    let key = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
    let request = template().sign(&key).unwrap();
    let position = request.as_der().windows(3).position(|three| three == b"cp1").unwrap();
    let mut changed = request.as_der().to_vec();
    changed[position + 2] = b'2';
    let error = CertificateRequest::from_der(&changed).unwrap().verify_signature().unwrap_err();
    assert!(matches!(error, X509Error::RequestSignature { .. }), "{error}");

    // Somebody else's key in the place of the maker's.
    let other = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
    let start = request.as_der().windows(91).position(|bytes| bytes == key.public_key_info()).unwrap();
    let mut stolen = request.as_der().to_vec();
    stolen[start..start + 91].copy_from_slice(other.public_key_info());
    CertificateRequest::from_der(&stolen).unwrap().verify_signature().unwrap_err();
}

#[test]
fn a_file_holds_one_request() {
    let key = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
    let text = template().sign(&key).unwrap().to_pem();
    let code = |text: &[u8]| crate::error::Diagnostic::code(&CertificateRequest::from_pem(text).unwrap_err());
    assert_eq!(code(&[text.clone(), text.clone()].concat()), "x509.request_damaged");
    assert_eq!(code(text.get(..text.len() - 40).unwrap()), "x509.request_damaged");
    assert_eq!(code(b"no request"), "x509.no_request");
    assert_eq!(code(&key.public_key_pem()), "x509.other_format");
    let renamed = String::from_utf8(text.clone()).unwrap().replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST");
    CertificateRequest::from_pem(format!("a text before\n{renamed}").as_bytes()).unwrap();
    let mut longer = template().sign(&key).unwrap().as_der().to_vec();
    longer.push(0);
    assert!(CertificateRequest::from_der(&longer).is_err());
}

#[test]
fn foreign_requests_are_read() {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let mut parameters = rcgen::CertificateParams::new(["a.example".to_owned(), "192.0.2.1".to_owned()]).unwrap();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "somebody");
    let foreign = parameters.serialize_request(&key).unwrap();
    let request = CertificateRequest::from_pem(foreign.pem().unwrap().as_bytes()).unwrap();
    assert_eq!(request.subject().common_name().as_deref(), Some("somebody"));
    assert_eq!(request.subject_alt_names().to_string(), "DNS:a.example, IP:192.0.2.1");
    assert_eq!(request.key_kind(), "ECDSA-P384");
    request.verify_signature().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("KUBEPKI_FUZZ_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300)
    ))]

    #[test]
    fn no_damage_makes_the_reader_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        for text in [golden("ecdsa-p256", "pki/apiserver.csr"), golden("ecdsa-p256", "admin.conf.csr")] {
            let mut der = CertificateRequest::from_pem(&text).unwrap().as_der().to_vec();
            for (position, byte) in &changes {
                let at = position.index(der.len());
                der[at] = *byte;
            }
            if let Some(cut) = cut {
                der.truncate(cut.index(der.len()));
            }
            if let Ok(request) = CertificateRequest::from_der(&der) {
                let _ = (request.verify_signature(), format!("{request:?} {}", request.subject_alt_names()));
            }
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = CertificateRequest::from_der(&bytes);
        let _ = CertificateRequest::from_pem(&bytes);
    }
}
