//! Certificates that are there are kept while they answer their requests; keys of CAs as text and behind a passphrase.

use std::fs;

use chrono::TimeDelta;
use kubepki::error::Error;
use kubepki::key::{PrivateKey, pem};
use kubepki::ops::apply::{Continue, apply_behind};
use kubepki::ops::sign::{SignRequest, SignTextRequest, plan, sign_text};
use kubepki::plan::Action;
use kubepki::request::{OfAuthorities, Span};
use kubepki::secret::Secret;
use kubepki::x509::{CertificateRequest, SubjectAltNames, read_certificates, verify_chain};

use super::signing::*;
use super::support::*;

/// The codes of an error's critical findings.
fn finding_codes(error: &Error) -> Vec<String> {
    let context = error.context();
    let all = context["findings"].as_array().unwrap();
    all.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn one_request_is_signed_as_text_and_nothing_is_written() {
    let node = golden_requests("minimal");
    let before = node.snapshot();
    let mut request = as_text(&node);
    let signed = sign_text(&request, node.now).unwrap();
    let certificate = read_certificates(signed.certificate.unwrap().as_bytes()).unwrap().remove(0);
    verify_chain(&certificate, &[], &[node.certificate("ca")], node.now, None).unwrap();
    assert_eq!(certificate.not_after(), node.now + TimeDelta::hours(1));
    assert_eq!(signed.serial.unwrap(), certificate.serial().to_string());
    assert!(!signed.is_kept);
    assert_eq!(node.snapshot(), before);

    request.name = "admin.conf".into();
    let error = sign_text(&request, node.now).unwrap_err();
    assert_eq!(error.code(), "policy.refused");
    assert_eq!(error.context()["findings"].as_array().unwrap().len(), 2);
    request.name = "nothing".into();
    assert_eq!(sign_text(&request, node.now).unwrap_err().code(), "plan.unknown_name");
    request.name = "apiserver".into();
    request.ca_key = Some("/etc/kubernetes/pki/front-proxy-ca.key".into());
    assert_eq!(sign_text(&request, node.now).unwrap_err().code(), "plan.blocked");
    request.ca_dir = None;
    assert_eq!(sign_text(&request, node.now).unwrap_err().code(), "plan.bad_request");
    request.csr = "no request".into();
    assert_eq!(sign_text(&request, node.now).unwrap_err().code(), "x509.no_request");
}

#[test]
fn the_name_says_which_ca_of_a_folder_signs() {
    let node = golden_requests("minimal");
    for (name, file, authority) in [
        ("front-proxy-client", "pki/front-proxy-client.csr", "front-proxy-ca"),
        ("apiserver-etcd-client", "pki/apiserver-etcd-client.csr", "etcd/ca"),
        ("admin.conf", "admin.conf.csr", "ca"),
    ] {
        let csr = String::from_utf8(node.read(&format!("/csr/{file}"))).unwrap();
        let request = SignTextRequest { csr, name: name.into(), ..as_text(&node) };
        let signed = sign_text(&request, node.now).unwrap();
        let certificate = read_certificates(signed.certificate.unwrap().as_bytes()).unwrap().remove(0);
        verify_chain(&certificate, &[], &[node.certificate(authority)], node.now, None).unwrap();
    }
}

#[test]
fn a_certificate_that_still_answers_its_request_is_kept() {
    let node = golden_requests("minimal");
    let request = SignTextRequest { validity: Some(Span::of_seconds(90 * 86_400)), ..as_text(&node) };
    let first = sign_text(&request, node.now).unwrap();
    let again = |change: &dyn Fn(&mut SignTextRequest), days: i64| {
        let mut request = SignTextRequest {
            present: first.certificate.clone(),
            renew_before: Some(Span::of_seconds(30 * 86_400)),
            ..request.clone()
        };
        change(&mut request);
        sign_text(&request, node.now + TimeDelta::days(days)).unwrap()
    };
    let kept = again(&|_| {}, 0);
    assert!(kept.is_kept && kept.certificate == first.certificate && kept.serial == first.serial);
    // Nothing is signed in vain: its end decides, even where a new one could not be as long.
    let long = |request: &mut SignTextRequest| request.validity = Some(Span::of_seconds(40 * 366 * 86_400));
    assert!(again(&long, 0).is_kept);

    let due = again(&|_| {}, 61);
    assert!(!due.is_kept && due.serial != first.serial && due.reason.contains("ends on"), "{}", due.reason);
    assert_eq!(due.present.unwrap().serial, first.serial.clone().unwrap());
    assert!(again(&|request| request.renew_before = None, 89).is_kept);
    assert!(again(&|_| {}, 91).reason.contains("expired"));

    let other = String::from_utf8(node.read("/etc/kubernetes/pki/apiserver-kubelet-client.crt")).unwrap();
    assert!(again(&|request| request.present = Some(other.clone()), 0).reason.contains("another key or subject"));
    assert!(!again(&|request| request.present = Some("junk".into()), 0).is_kept);

    // A dry run says the same and signs nothing.
    let would = again(&|request| request.dry_run = true, 61);
    assert!(!would.is_kept && would.certificate.is_none() && would.serial.is_none());
    assert_eq!(would.subject, first.subject);
    assert_eq!(again(&|request| request.dry_run = true, 0).certificate, first.certificate);
}

#[test]
fn a_request_with_other_names_is_signed_again_and_so_is_one_of_another_ca() {
    let node = golden_requests("minimal");
    let first = sign_text(&as_text(&node), node.now).unwrap();
    let present = |node: &Node| SignTextRequest { present: first.certificate.clone(), ..as_text(node) };
    let kept = sign_text(&present(&node), node.now).unwrap();
    assert!(kept.is_kept, "{}", kept.reason);
    let key = PrivateKey::from_pem(&fs::read(case("minimal").join("csr/pki/apiserver.key")).unwrap()).unwrap();
    let names = CertificateRequest::from_pem(&node.read("/csr/pki/apiserver.csr")).unwrap();
    let mut names: Vec<_> = names.subject_alt_names().iter().cloned().collect();
    names.pop();
    put_template(&node, "pki/apiserver.csr", &key, &template(&[], "kube-apiserver", SubjectAltNames::in_order(names)));
    let mut request = present(&node);
    request.node.config = None;
    request.node.node_name = Some("cp1".into());
    let signed = sign_text(&request, node.now).unwrap();
    assert!(!signed.is_kept && signed.reason.contains("other names"), "{}", signed.reason);

    let (other, made) = (golden_requests("minimal"), Node::made(CONTROL_PLANE));
    other.put_pair("ca", &made.certificate("ca"), &made.key("ca"));
    let signed = sign_text(&present(&other), other.now).unwrap();
    assert!(!signed.is_kept && signed.reason.contains("not of this CA"), "{}", signed.reason);
}

fn every(secret: Option<&Secret>) -> OfAuthorities {
    secret.cloned().map_or(OfAuthorities::None, OfAuthorities::Every)
}

/// The CA's key behind a passphrase, as openssl writes it.
fn behind_passphrase(node: &Node, words: &[&str]) -> Vec<u8> {
    let path = node.path("/etc/kubernetes/pki/ca.key");
    let mut openssl = std::process::Command::new("openssl");
    openssl.args(words).args(["-passout", "pass:open sesame", "-in"]).arg(&path);
    let made = openssl.output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    made.stdout
}

#[test]
fn a_key_behind_a_passphrase_is_opened_in_memory_alone() {
    for words in [
        vec!["pkcs8", "-topk8"],
        vec!["pkcs8", "-topk8", "-v2", "aes-128-cbc", "-iter", "100000"],
        vec!["pkcs8", "-topk8", "-scrypt"],
    ] {
        let node = golden_requests("minimal");
        let encrypted = behind_passphrase(&node, &words);
        let plain = node.read("/etc/kubernetes/pki/ca.key");
        node.write("/etc/kubernetes/pki/ca.key", &encrypted);
        let before = node.snapshot();
        let right = Some(Secret::new(b"open sesame".to_vec()));
        let mut request = as_text(&node);
        let error = sign_text(&request, node.now).unwrap_err();
        assert_eq!((error.code().as_str(), finding_codes(&error)), ("plan.blocked", vec!["key.encrypted".to_owned()]));
        request.ca_key_passphrase = OfAuthorities::Every(Secret::new(b"open".to_vec()));
        assert_eq!(finding_codes(&sign_text(&request, node.now).unwrap_err()), ["key.wrong_passphrase"]);
        request.ca_key_passphrase = every(right.as_ref());
        assert!(sign_text(&request, node.now).unwrap().certificate.is_some());
        assert_eq!(node.snapshot(), before);

        // The key as text, with the passphrase and without one.
        for (content, passphrase) in [(encrypted.clone(), right.clone()), (plain.clone(), None)] {
            let node = golden_requests("minimal");
            node.remove("/etc/kubernetes/pki/ca.key");
            let content = OfAuthorities::Each([("ca".to_owned(), Secret::new(content))].into());
            let ca_key_passphrase = every(passphrase.as_ref());
            let given = SignTextRequest { ca_key_content: content, ca_key_passphrase, ..as_text(&node) };
            assert!(sign_text(&given, node.now).unwrap().certificate.is_some());
        }

        // A whole folder: other CAs' keys have none.
        let signing = try_plan(&node, |request| request.ca_key_passphrase.clone_from(&right)).unwrap();
        assert!(!signing.is_blocked(), "{:#?}", signing.findings);
        assert!(!serde_json::to_string(&signing).unwrap().contains("sesame"));
        // The plan is made again when it is applied, and holds no passphrase.
        assert!(apply_plan(&signing).is_err());
        let report = apply_behind(&signing, right.as_ref(), &mut |_| Continue::Yes).unwrap();
        assert_eq!(report.changed.len(), signing.changes().count());
        assert_eq!(node.read("/etc/kubernetes/pki/ca.key"), encrypted);
    }
}

#[test]
fn a_key_that_takes_too_much_to_open_or_is_in_an_old_form_is_refused_at_once() {
    let node = golden_requests("minimal");
    let refused = |content: Vec<u8>| {
        let request = SignTextRequest {
            ca_key_content: OfAuthorities::Every(Secret::new(content)),
            ca_key_passphrase: OfAuthorities::Every(Secret::new(b"open sesame".to_vec())),
            ..as_text(&node)
        };
        finding_codes(&sign_text(&request, node.now).unwrap_err())
    };
    let traditional = behind_passphrase(&node, &["rsa", "-aes256", "-traditional"]);
    assert_eq!(refused(traditional), ["key.other_encryption"]);
    // More iterations, and more memory, written over the usual ones.
    let costlier = |text: Vec<u8>, old: &[u8], new: &[u8]| {
        let mut der = pem::blocks(&text).next().unwrap().der.expose().to_vec();
        let at = der.windows(old.len()).position(|window| window == old).unwrap();
        der[at..at + old.len()].copy_from_slice(new);
        refused(pem::encode("ENCRYPTED PRIVATE KEY", &der).expose().to_vec())
    };
    let iterations = behind_passphrase(&node, &["pkcs8", "-topk8", "-iter", "100000"]);
    assert_eq!(costlier(iterations, &[2, 3, 1, 0x86, 0xa0], &[2, 3, 0x7f, 0xff, 0xff]), ["key.costly_encryption"]);
    let scrypt = behind_passphrase(&node, &["pkcs8", "-topk8", "-scrypt"]);
    let (usual, large) = ([2, 2, 0x40, 0, 2, 1, 8, 2, 1, 1], [2, 2, 0x40, 0, 2, 1, 0x7f, 2, 1, 1]);
    assert_eq!(costlier(scrypt, &usual, &large), ["key.costly_encryption"]);
}

#[test]
fn what_was_signed_is_signed_again_when_it_ends_soon_or_answers_its_request_no_more() {
    let node = golden_requests("minimal");
    let year = |request: &mut SignRequest| request.validity = Some(Span::of_seconds(90 * 86_400));
    apply_plan(&try_plan(&node, year).unwrap()).unwrap();
    let renewed = |request: &mut SignRequest| {
        year(request);
        request.renew_before = Some(Span::of_seconds(30 * 86_400));
    };
    let early = try_plan(&node, renewed).unwrap();
    assert!(early.is_empty() && early.artefacts.iter().all(|one| one.action() == Action::Keep));

    let mut request = wanted(&node);
    renewed(&mut request);
    let due = plan(&request, node.now + TimeDelta::days(61)).unwrap().plan;
    assert!(!due.is_blocked() && due.changes().count() == due.artefacts.len());
    assert!(
        due.changes()
            .all(|one| one.reason.starts_with("signed again: the certificate ends on") && one.current.is_some())
    );
    // Validity that is no longer than that would never come to rest.
    request.validity = Some(Span::of_seconds(86_400));
    assert_eq!(plan(&request, node.now).unwrap_err().code(), "plan.bad_request");
}
