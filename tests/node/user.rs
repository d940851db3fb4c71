//! Kubeconfigs of users, held against those that kubeadm made from the same CAs.

use kubepki::request::{ClusterAccess, Signing, Span};
use std::fs;

use chrono::TimeDelta;
use kubepki::audit::Finding;
use kubepki::error::{Category, Error};
use kubepki::key::{Algorithm, PrivateKey};
use kubepki::kubeconfig::{Client, Kubeconfig};
use kubepki::ops::Continue;
use kubepki::ops::user::{Planned, UserRequest, plan};
use kubepki::plan::generate::OutliveAuthority;
use kubepki::plan::user::Credential;
use kubepki::secret::Secret;
use kubepki::x509::{Certificate, SerialNumber, read_certificates};

use super::support::*;

fn request(node: &Node, name: &str, organizations: &[&str]) -> UserRequest {
    UserRequest {
        node: node.request.node.clone(),
        client_name: name.into(),
        organizations: organizations.iter().map(|group| (*group).to_owned()).collect(),
        validity: Span::of_seconds(8760 * 3600),
        renew_before: None,
        algorithm: None,
        server: None,
        allow_masters: false,
        outlive_ca: OutliveAuthority::Refuse.into(),
        signing: Signing::default(),
        access: ClusterAccess::default(),
        token: None,
    }
}

fn token(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

/// The kubeconfig's text, its client certificate and its key.
fn make(planned: &Planned) -> (String, Certificate, PrivateKey) {
    let made = planned.make(None, &mut |_| Continue::Yes).unwrap();
    let text = String::from_utf8(made.text.expose().to_vec()).unwrap();
    let certificate = read_certificates(&embedded(text.as_bytes(), "client-certificate-data")).unwrap().remove(0);
    let key = PrivateKey::from_pem(&embedded(text.as_bytes(), "client-key-data")).unwrap();
    (text, certificate, key)
}

fn refused(node: &Node, change: impl FnOnce(&mut UserRequest)) -> Error {
    let mut wanted = request(node, "jane", &[]);
    change(&mut wanted);
    plan(&wanted, node.now).unwrap_err()
}

#[test]
fn kubeadms_own_users_are_rebuilt_from_their_key_serial_number_and_end() {
    for name in CASES {
        let node = Node::golden(name);
        for (file, user, groups, hours) in [
            ("user-appdevs.conf", "johndoe", vec!["appdevs"], 24),
            ("user-two-orgs.conf", "jane", vec!["b", "a"], 8760),
        ] {
            let golden = fs::read(case(name).join(file)).unwrap();
            let theirs = read_certificates(&embedded(&golden, "client-certificate-data")).unwrap().remove(0);
            let key = PrivateKey::from_pem(&embedded(&golden, "client-key-data")).unwrap();
            let wanted = UserRequest { validity: Span::of_seconds(hours * 3600), ..request(&node, user, &groups) };
            let planned = plan(&wanted, theirs.not_after() - TimeDelta::hours(hours)).unwrap();
            let (algorithm, template) = planned.plan.certificate.clone().unwrap();
            assert_eq!(algorithm.to_string(), theirs.key_kind(), "{name} {file}");
            assert_eq!(template, template_of(&theirs), "{name} {file}");

            // An ECDSA signature is another each time; then kubeadm's own certificate stands in for ours.
            let ours = template.issue(theirs.serial(), key.public_key_info(), &node.issuer("ca")).unwrap();
            let ours = if theirs.signature_oid() == "1.2.840.113549.1.1.11" { ours } else { theirs };
            let client = Client::Certificate { certificate_pem: ours.to_pem(), key_pem: key.to_pem() };
            // The command prints one line break more than the file has.
            let printed = [planned.plan.kubeconfig(client).to_yaml().expose(), b"\n"].concat();
            assert_eq!(String::from_utf8_lossy(&printed), String::from_utf8_lossy(&golden), "{name} {file}");
        }
    }
}

#[test]
fn a_token_gives_kubeadms_bytes_and_needs_no_key_of_the_ca() {
    for name in CASES {
        let node = Node::golden(name);
        node.remove("/etc/kubernetes/pki/ca.key");
        let wanted = UserRequest { token: Some(token("abcdef.0123456789abcdef")), ..request(&node, "bot", &[]) };
        let planned = plan(&wanted, node.now).unwrap();
        let made = planned.make(wanted.token.as_ref(), &mut |_| panic!("there is no key to make")).unwrap();
        let printed = [made.text.expose(), b"\n"].concat();
        assert_eq!(printed, fs::read(case(name).join("user-token.conf")).unwrap(), "{name}");
        assert_eq!((made.facts.credential, made.facts.subject, made.facts.findings), (Credential::Token, None, vec![]));
    }
}

#[test]
fn a_made_user_has_a_key_of_its_own_signed_by_the_ca() {
    let node = Node::made(CONTROL_PLANE);
    let planned = plan(&request(&node, "jane", &["qa", "dev", "qa"]), node.now).unwrap();
    let (text, certificate, key) = make(&planned);
    assert_eq!(certificate.public_key_info(), key.public_key_info());
    kubepki::x509::verify_chain(&certificate, &[], &[node.certificate("ca")], node.now, None).unwrap();
    assert_eq!(certificate.subject().organizations(), ["qa", "qa", "dev"], "duplicates stay, in DER's order");
    assert_eq!(certificate.subject().relative_names().len(), 2, "all groups are in one relative name");
    assert_eq!(certificate.not_before(), node.certificate("ca").not_before());
    assert_eq!(certificate.not_after(), node.now + TimeDelta::days(365));
    let (again, other, _) = make(&planned);
    assert!(
        text != again && certificate.serial() != other.serial() && key.public_key_info() != other.public_key_info()
    );
}

#[test]
fn names_times_tokens_and_servers_that_make_no_sense_are_usage_errors() {
    let node = Node::made(CONTROL_PLANE);
    let cases: [(&str, fn(&mut UserRequest)); 13] = [
        ("user.bad_name", |wanted| wanted.client_name = String::new()),
        ("user.bad_name", |wanted| wanted.client_name = "jane\n".into()),
        ("user.bad_name", |wanted| wanted.organizations = vec![String::new()]),
        ("user.bad_name", |wanted| wanted.organizations = vec!["dev".into(), " qa".into()]),
        ("user.bad_validity", |wanted| wanted.validity = Span::of_seconds(0)),
        ("user.bad_validity", |wanted| wanted.validity = Span::of_seconds(-3600)),
        ("user.bad_validity", |wanted| wanted.validity = Span::of_seconds(i64::MAX)),
        ("user.bad_validity", |wanted| {
            wanted.validity = Span::of_seconds(9000 * 365 * 86400);
            wanted.outlive_ca = OutliveAuthority::Allow.into();
        }),
        ("user.bad_token", |wanted| wanted.token = Some(token(""))),
        ("user.bad_token", |wanted| wanted.token = Some(token("hunter 2"))),
        ("user.bad_server", |wanted| wanted.server = Some(String::new())),
        ("user.bad_server", |wanted| wanted.server = Some("192.0.2.10:6443".into())),
        ("user.bad_server", |wanted| wanted.server = Some("http://192.0.2.10:6443".into())),
    ];
    for (position, (code, change)) in cases.into_iter().enumerate() {
        let error = refused(&node, change);
        assert_eq!((error.code().as_str(), error.category()), (code, Category::Usage), "case {position}: {error}");
        assert!(!format!("{error} {} {}", error.hint(), error.context()).contains("hunter"));
    }
}

#[test]
fn the_group_that_nothing_can_restrict_is_refused_unless_it_is_meant() {
    let node = Node::made(CONTROL_PLANE);
    let error = refused(&node, |wanted| wanted.organizations = vec!["dev".into(), "system:masters".into()]);
    assert_eq!((error.code().as_str(), error.category()), ("user.masters", Category::Refused));
    let meant = UserRequest { allow_masters: true, ..request(&node, "jane", &["system:masters"]) };
    let planned = plan(&meant, node.now).unwrap();
    assert_eq!(problems(&planned.plan.findings), ["jane user.privileged"]);
    assert_eq!(make(&planned).1.subject().to_string(), "CN=jane,O=system:masters");
}

#[test]
fn powerful_names_and_long_validity_are_warnings() {
    let node = Node::made(CONTROL_PLANE);
    let codes = |wanted: &UserRequest| problems(&plan(wanted, node.now).unwrap().plan.findings);
    let plain = request(&node, "jane", &["dev"]);
    assert!(codes(&plain).is_empty());
    let admin = request(&node, "system:admin", &["kubeadm:cluster-admins", "system:nodes"]);
    let expected = ["user.privileged", "user.reserved_name", "user.reserved_name"];
    assert_eq!(codes(&admin), expected.map(|code| format!("system:admin {code}")));
    let long = UserRequest { validity: Span::of_seconds(366 * 86400), ..plain.clone() };
    assert_eq!(codes(&long), ["jane user.long_validity"]);
    let with_token = UserRequest { token: Some(token("x")), ..admin };
    assert!(codes(&with_token).is_empty(), "a token's groups are the API server's");
}

#[test]
fn a_certificate_that_would_outlive_its_ca_is_refused_clamped_or_allowed() {
    let node = Node::made(CONTROL_PLANE);
    let end = node.certificate("ca").not_after();
    let beyond = |choice: OutliveAuthority| UserRequest {
        validity: Span::of_seconds(20 * 365 * 86400),
        outlive_ca: choice.into(),
        ..request(&node, "jane", &[])
    };
    let error = plan(&beyond(OutliveAuthority::Refuse), node.now).unwrap_err();
    assert_eq!((error.code().as_str(), error.category()), ("user.outlives_authority", Category::Refused));
    let clamped = plan(&beyond(OutliveAuthority::Clamp), node.now).unwrap();
    assert_eq!(clamped.facts().not_after, Some(end));
    let allowed = plan(&beyond(OutliveAuthority::Allow), node.now).unwrap();
    assert!(allowed.facts().not_after > Some(end));
    assert!(problems(&allowed.plan.findings).contains(&"jane certificate.outlives_authority".to_owned()));
}

#[test]
fn a_ca_that_cannot_sign_is_said_with_its_findings() {
    let broken: [(&str, fn(&Node)); 5] = [
        ("file.missing", |node| node.remove("/etc/kubernetes/pki/ca.crt")),
        ("x509.none", |node| node.write("/etc/kubernetes/pki/ca.crt", "junk")),
        ("key.none", |node| node.write("/etc/kubernetes/pki/ca.key", "junk")),
        ("key.mismatch", |node| node.write("/etc/kubernetes/pki/ca.key", ecdsa_key().to_pem().expose())),
        ("certificate.expired", |node| {
            let old = authority("kubernetes", -1);
            let key = ecdsa_key();
            let expired = template_of(old.certificate()).self_sign(&SerialNumber::random().unwrap(), &key).unwrap();
            node.put_pair("ca", &expired, &key);
        }),
    ];
    for (code, break_it) in broken {
        let mut node = Node::made(CONTROL_PLANE);
        break_it(&node);
        if code == "certificate.expired" {
            node.now += TimeDelta::hours(1);
        }
        let error = refused(&node, |_| ());
        assert_eq!(error.code(), "plan.blocked", "{code}: {error}");
        let findings: Vec<Finding> = serde_json::from_value(error.context()["findings"].clone()).unwrap();
        find(&findings, code);
    }
    let node = Node::made(CONTROL_PLANE);
    node.remove("/etc/kubernetes/pki/ca.key");
    let error = refused(&node, |_| ());
    assert_eq!((error.code().as_str(), error.category()), ("user.external_authority", Category::Finding));
}

#[test]
fn every_certificate_of_the_ca_file_is_trusted_and_the_first_signs() {
    let node = Node::made(CONTROL_PLANE);
    let old = authority("old", 10);
    let first = node.read("/etc/kubernetes/pki/ca.crt");
    let bundle = [first.as_slice(), &old.certificate().to_pem()].concat();
    node.write("/etc/kubernetes/pki/ca.crt", &bundle);
    let wanted = UserRequest { algorithm: Some(Algorithm::EcdsaP384), ..request(&node, "jane", &[]) };
    let wanted = UserRequest { server: Some("https://lb.example.test".into()), ..wanted };
    let (text, certificate, key) = make(&plan(&wanted, node.now).unwrap());
    let kubeconfig = Kubeconfig::parse(text.as_bytes()).unwrap();
    let current = kubeconfig.current().unwrap();
    assert_eq!(current.certificate_authority_data.as_deref(), Some(bundle.as_slice()));
    assert_eq!(current.server, Some("https://lb.example.test"));
    assert_eq!(certificate.issuer(), node.certificate("ca").subject());
    assert_eq!(key.kind(), "ECDSA-P384");
}

#[test]
fn debug_shows_neither_key_nor_token() {
    let node = Node::made(CONTROL_PLANE);
    let wanted = UserRequest { token: Some(token("hunter2")), ..request(&node, "bot", &[]) };
    let planned = plan(&wanted, node.now).unwrap();
    let made = planned.make(wanted.token.as_ref(), &mut |_| Continue::Yes).unwrap();
    assert!(!format!("{wanted:?} {planned:?} {made:?}").contains("hunter2"));
}
