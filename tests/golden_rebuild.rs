//! The strictest check that the golden cases allow: RSA PKCS#1 v1.5 signatures are deterministic, so every
//! certificate and request that kubeadm wrote, built again by our encoder from its own serial, times and key and
//! signed with its own CA's key, must be the same bytes. ECDSA differs in the signature alone, which must verify.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::panic, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use kubepki::key::{PrivateKey, pem};
use kubepki::x509::{
    Certificate, CertificateTemplate, DistinguishedName, Issuer, RequestTemplate, SubjectAltNames, read_certificates,
    verify_chain,
};
use x509_parser::prelude::{FromDer, X509CertificationRequest};

const CASES: [&str; 7] = ["dual-stack", "ecdsa-p256", "external-etcd", "ha", "minimal", "v1beta3", "validity"];

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_str().unwrap().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The text behind `field:` in a kubeconfig, decoded; independent of our kubeconfig reader.
fn embedded(kubeconfig: &Path, field: &str) -> Option<Vec<u8>> {
    let text = fs::read_to_string(kubeconfig).unwrap();
    let line = text.lines().find(|line| line.trim_start().starts_with(field))?;
    Some(base64::engine::general_purpose::STANDARD.decode(line.split_once(": ").unwrap().1).unwrap())
}

fn authority(folder: &Path) -> Issuer {
    let certificate = read_certificates(&fs::read(folder.join("ca.crt")).unwrap()).unwrap().remove(0);
    Issuer::new(certificate, PrivateKey::from_pem(&fs::read(folder.join("ca.key")).unwrap()).unwrap()).unwrap()
}

fn authorities(case: &Path) -> Vec<Issuer> {
    let pki = case.join("kubernetes/pki");
    let mut all = vec![authority(&pki)];
    if pki.join("etcd/ca.key").exists() {
        all.push(authority(&pki.join("etcd")));
    }
    let front_proxy = read_certificates(&fs::read(pki.join("front-proxy-ca.crt")).unwrap()).unwrap().remove(0);
    let key = PrivateKey::from_pem(&fs::read(pki.join("front-proxy-ca.key")).unwrap()).unwrap();
    all.push(Issuer::new(front_proxy, key).unwrap());
    all
}

fn template(of: &Certificate) -> CertificateTemplate {
    CertificateTemplate {
        subject: DistinguishedName::new(&of.subject().organizations(), &of.subject().common_name().unwrap()).unwrap(),
        subject_alt_names: SubjectAltNames::sorted(
            of.subject_alt_names().dns_names(),
            of.subject_alt_names().ip_addresses(),
        ),
        key_usages: of.key_usages().unwrap().to_vec(),
        extended_key_usages: of.extended_key_usages().unwrap_or_default().to_vec(),
        is_ca: of.is_ca(),
        not_before: of.not_before(),
        not_after: of.not_after(),
        other_extensions: Vec::new(),
    }
}

/// Everything but the signature: the first element of the outer SEQUENCE.
fn to_be_signed(der: &[u8]) -> Vec<u8> {
    x509_parser::prelude::X509Certificate::from_der(der).unwrap().1.tbs_certificate.as_ref().to_vec()
}

fn assert_rebuilt(path: &Path, golden: &Certificate, authorities: &[Issuer]) {
    let issuer = authorities.iter().find(|one| one.certificate().subject() == golden.issuer()).unwrap();
    let rebuilt = if golden.is_ca() {
        let key = fs::read(path.with_extension("key")).unwrap();
        template(golden).self_sign(golden.serial(), &PrivateKey::from_pem(&key).unwrap()).unwrap()
    } else {
        template(golden).issue(golden.serial(), golden.public_key_info(), issuer).unwrap()
    };
    if issuer.certificate().key_kind().starts_with("RSA") {
        assert_eq!(rebuilt.to_pem(), golden.to_pem(), "{}", path.display());
    } else {
        assert_eq!(to_be_signed(rebuilt.as_der()), to_be_signed(golden.as_der()), "{}", path.display());
        if !golden.is_ca() {
            verify_chain(&rebuilt, &[], std::slice::from_ref(issuer.certificate()), golden.not_before(), None).unwrap();
        }
    }
}

#[test]
fn every_certificate_is_rebuilt_byte_for_byte() {
    let mut rebuilt = 0;
    for name in CASES {
        let case = case(name);
        let authorities = authorities(&case);
        for path in files(&case.join("kubernetes/pki"), ".crt") {
            let golden = read_certificates(&fs::read(&path).unwrap()).unwrap().remove(0);
            // An outside etcd's owner made these two with openssl.
            if name == "external-etcd"
                && golden.issuer() != authorities[0].certificate().subject()
                && golden.issuer() != authorities.last().unwrap().certificate().subject()
            {
                continue;
            }
            assert_rebuilt(&path, &golden, &authorities);
            rebuilt += 1;
        }
        let kubeconfigs = files(&case.join("kubernetes"), ".conf").into_iter().chain(files(&case, "user-appdevs.conf"));
        for path in kubeconfigs.chain(files(&case, "user-two-orgs.conf")) {
            let golden = read_certificates(&embedded(&path, "client-certificate-data").unwrap()).unwrap().remove(0);
            assert_rebuilt(&path, &golden, &authorities);
            rebuilt += 1;
        }
    }
    // 10 PKI certificates (5 with external etcd), 5 kubeconfigs and 2 users in each of the 7 cases.
    assert_eq!(rebuilt, 6 * 10 + 5 + 7 * 7);
}

#[test]
fn every_request_is_rebuilt_byte_for_byte() {
    let mut rebuilt = 0;
    for name in CASES {
        for path in files(&case(name).join("csr"), ".csr") {
            let text = fs::read(&path).unwrap();
            let block = pem::blocks(&text).next().unwrap();
            let (_, parsed) = X509CertificationRequest::from_der(block.der.expose()).unwrap();
            let info = &parsed.certification_request_info;
            let subject = DistinguishedName::from_der(info.subject.as_raw()).unwrap();
            let names = requested_names(&parsed);
            let kubeconfig = path.with_extension("");
            let key = if kubeconfig.extension().is_some_and(|extension| extension == "conf") {
                embedded(&kubeconfig, "client-key-data").unwrap()
            } else {
                fs::read(path.with_extension("key")).unwrap()
            };
            let key = PrivateKey::from_pem(&key).unwrap();
            let template = RequestTemplate {
                subject: DistinguishedName::new(&subject.organizations(), &subject.common_name().unwrap()).unwrap(),
                subject_alt_names: names,
                key_usages: Vec::new(),
                extended_key_usages: Vec::new(),
            };
            let again = template.sign(&key).unwrap();
            if key.kind().starts_with("RSA") {
                assert_eq!(again.to_pem(), text, "{}", path.display());
            } else {
                let (_, again) = X509CertificationRequest::from_der(again.as_der()).unwrap();
                assert_eq!(again.certification_request_info.raw, info.raw, "{}", path.display());
                again.verify_signature().unwrap();
            }
            rebuilt += 1;
        }
    }
    assert_eq!(rebuilt, 7 * 12);
}

fn requested_names(request: &X509CertificationRequest<'_>) -> SubjectAltNames {
    use x509_parser::prelude::{GeneralName, ParsedExtension};
    let mut dns = Vec::new();
    let mut addresses = Vec::new();
    for extension in request.requested_extensions().into_iter().flatten() {
        let ParsedExtension::SubjectAlternativeName(names) = extension else { panic!("unexpected extension") };
        for name in &names.general_names {
            match name {
                GeneralName::DNSName(name) => dns.push((*name).to_owned()),
                GeneralName::IPAddress(octets) => addresses.push(match <[u8; 4]>::try_from(*octets) {
                    Ok(four) => four.into(),
                    Err(_) => <[u8; 16]>::try_from(*octets).unwrap().into(),
                }),
                other => panic!("unexpected name {other}"),
            }
        }
    }
    SubjectAltNames::sorted(dns, addresses)
}
