//! What Go's `crypto/x509` refuses is refused by every verb, and what it takes is taken; on the files that showed it first.
//!
//! `tests/hostile/` holds reader and chains against Go itself; here the verbs must all ask them.

use kubepki::request::{Backups, ClusterAccess, OfAuthorities, Signing, Span};
use std::fs;
use std::path::Path;

use chrono::TimeDelta;
use kubepki::audit::{Finding, Severity};
use kubepki::catalogue::NodeRole;
use kubepki::ops::check::{CheckReport, CheckRequest, check};
use kubepki::ops::import::{self, ImportRequest};
use kubepki::ops::renew::{self, RenewRequest};
use kubepki::ops::sign::{self, NamedFile, SignRequest, SignTextRequest, sign_text};
use kubepki::ops::user::{self, UserRequest};
use kubepki::plan::generate::{OutliveAuthority, Selection};
use kubepki::plan::{Action, Step};
use kubepki::x509::{
    CertificateTemplate, DistinguishedName, ExtendedKeyUsage, Issuer, KeyUsage, OtherExtension, RequestTemplate,
    SerialNumber, SubjectAltName, SubjectAltNames,
};

use super::support::*;

fn file(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/cases").join(name)).unwrap()
}

/// A node without anything but this CA.
fn with_authority(folder: &str) -> Node {
    let node = Node::empty(CONTROL_PLANE);
    put_authority(&node, &file(&format!("{folder}/ca.crt")), &file(&format!("{folder}/ca.key")));
    node
}

fn put_authority(node: &Node, certificate: &[u8], key: &[u8]) {
    node.write("/etc/kubernetes/pki/ca.crt", certificate);
    node.write("/etc/kubernetes/pki/ca.key", key);
    node.set_mode("/etc/kubernetes/pki/ca.key", 0o600);
}

fn checked(node: &Node) -> CheckReport {
    check(&CheckRequest { node: node.request.node.clone(), ..CheckRequest::default() }, node.now).unwrap()
}

/// The evidence of the critical findings about `subject`.
fn evidence(findings: &[Finding], subject: &str) -> String {
    let about = findings.iter().filter(|one| one.subject == subject && one.is_critical());
    about.map(|one| format!("{} {}", one.code, one.evidence)).collect::<Vec<_>>().join("\n")
}

fn user(node: &Node) -> Result<user::Planned, kubepki::error::Error> {
    let request = UserRequest {
        node: node.request.node.clone(),
        client_name: "jane".into(),
        organizations: Vec::new(),
        validity: Span::of_seconds(3600),
        renew_before: None,
        algorithm: None,
        server: None,
        allow_masters: false,
        outlive_ca: OutliveAuthority::Refuse.into(),
        signing: Signing::default(),
        access: ClusterAccess::default(),
        token: None,
    };
    user::plan(&request, node.now)
}

/// `init` is blocked, and changes nothing.
fn init_is_blocked(node: &Node) -> Vec<Finding> {
    let before = node.snapshot();
    let plan = node.plan();
    assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.blocked");
    assert_eq!(node.snapshot(), before);
    plan.findings
}

fn renewal(node: &Node, change: impl FnOnce(&mut RenewRequest)) -> kubepki::plan::Plan {
    let mut request = RenewRequest { names: Selection::Names(vec!["apiserver".into()]), ..RenewRequest::default() };
    request.node = node.request.node.clone();
    request.backups = Backups::none();
    change(&mut request);
    renew::plan(&request, node.now).unwrap().plan
}

#[test]
fn a_ca_for_other_purposes_signs_nothing() {
    let node = with_authority("ca-usages/eku-ocsp");
    let found = evidence(&init_is_blocked(&node), "ca");
    assert!(found.contains("authority.missing_usages") && found.contains("serverAuth and clientAuth"), "{found}");
    assert_eq!(user(&node).unwrap_err().code(), "plan.blocked");
    assert!(evidence(&checked(&node).findings, "ca").contains("authority.missing_usages"));
}

#[test]
fn an_intermediate_for_clients_alone_vouches_for_no_server() {
    let node = Node::empty(CONTROL_PLANE);
    node.write("/etc/kubernetes/pki/ca.crt", file("ca-usages/chain/ca.crt"));
    node.write("/etc/kubernetes/pki/apiserver.crt", file("ca-usages/chain/apiserver.crt"));
    let found = evidence(&checked(&node).findings, "apiserver");
    assert!(found.contains("certificate.untrusted") && found.contains("verify.extended_key_usage"), "{found}");
    assert!(found.contains("Issuing CA eku-client"), "{found}");
}

#[test]
fn certificates_that_go_cannot_read_are_named_with_the_rule() {
    for (name, rule) in [
        ("serial-neg", "read.serial_negative"),
        ("san-ip5", "read.address_length"),
        ("sub-ps-bad", "read.printable_string"),
        ("00plain", ""),
    ] {
        let node = with_authority("go-cannot-parse");
        node.write("/etc/kubernetes/pki/apiserver.key", file("go-cannot-parse/apiserver.key"));
        node.set_mode("/etc/kubernetes/pki/apiserver.key", 0o600);
        node.write("/given/apiserver.crt", file(&format!("go-cannot-parse/{name}.crt")));
        let request = ImportRequest {
            node: node.request.node.clone(),
            paths: vec!["/given/apiserver.crt".into()],
            ..ImportRequest::default()
        };
        let plan = import::plan(&request, node.now).unwrap().plan;
        let imported = plan.findings.iter().map(|one| format!("{one}")).collect::<Vec<_>>().join("\n");
        node.write("/etc/kubernetes/pki/apiserver.crt", file(&format!("go-cannot-parse/{name}.crt")));
        let found = evidence(&checked(&node).findings, "apiserver");
        let init = evidence(&node.plan().findings, "apiserver");
        let renewed = renewal(&node, |_| {});
        if rule.is_empty() {
            assert!(!found.contains("x509.") && !init.contains("x509.") && !imported.contains("x509."), "{found}");
            continue;
        }
        for text in [&found, &init, &evidence(&renewed.findings, "apiserver")] {
            assert!(text.contains("x509.go_cannot_parse") && text.contains(rule), "{name}: {text}");
        }
        assert!(imported.contains("x509.go_cannot_parse") && plan.is_blocked(), "{name}: {imported}");
        assert!(renewed.is_blocked());
    }
}

#[test]
fn a_ca_that_go_cannot_read_signs_nothing() {
    let node = with_authority("go-cannot-parse/ca-negative-serial");
    assert!(evidence(&init_is_blocked(&node), "ca").contains("read.serial_negative"));
    assert_eq!(user(&node).unwrap_err().code(), "plan.blocked");
    assert!(evidence(&checked(&node).findings, "ca").contains("read.serial_negative"));
}

#[test]
fn a_working_certificate_is_not_replaced_by_one_outside_of_its_cas_name_constraints() {
    let node = with_authority("name-constraints");
    node.apply();
    assert_eq!(criticals(&checked(&node).findings), Vec::<String>::new());
    let before = node.snapshot();
    let plan = renewal(&node, |request| request.add_sans = vec!["api.example.org".into()]);
    let found = evidence(&plan.findings, "apiserver");
    assert!(found.contains("verify.name_constraints") && found.contains("DNS:api.example.org"), "{found}");
    assert_eq!(action(&plan, "apiserver"), Action::Blocked);
    assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.blocked");
    assert_eq!(node.snapshot(), before);
    // What the constraints permit is added.
    let plan = renewal(&node, |request| request.add_sans = vec!["api.cp1".into()]);
    apply_plan(&plan).unwrap();
    assert_eq!(criticals(&checked(&node).findings), Vec::<String>::new());
}

#[test]
fn a_plan_that_was_edited_to_break_gos_rules_writes_nothing() {
    let node = with_authority("name-constraints");
    node.apply();
    let before = node.snapshot();
    let mut plan = renewal(&node, |_| {});
    let apiserver = plan.artefacts.iter_mut().find(|one| one.name == "apiserver").unwrap();
    let Step::Renew { certificate: template, .. } = &mut apiserver.step else { panic!("{apiserver:?}") };
    let names = template.subject_alt_names.iter().cloned().chain([SubjectAltName::Dns("evil.example".into())]);
    template.subject_alt_names = SubjectAltNames::in_order(names.collect());
    let error = apply_plan(&plan).unwrap_err();
    assert_eq!(error.code(), "plan.bad");
    assert!(error.to_string().contains("certificate.subject_alt_names"), "{error}");
    assert_eq!(node.snapshot(), before);
}

#[test]
fn nothing_is_made_that_has_ended_already() {
    for period in ["-1h", "0s", "-0.5s"] {
        let periods = format!("certificateValidityPeriod: {period}\ncaCertificateValidityPeriod: {period}\n");
        let findings = init_is_blocked(&Node::empty(&format!("{CONTROL_PLANE}{periods}")));
        for subject in ["ca", "apiserver", "admin.conf"] {
            let is_said = |one: &&Finding| one.subject == subject && one.code == "certificate.expired";
            let found = findings.iter().find(is_said).unwrap_or_else(|| panic!("{period}: {subject}: {findings:#?}"));
            assert!(found.remedy.contains("ValidityPeriod"), "{found:?}");
        }
    }
}

#[test]
fn a_plan_keeps_fractions_of_a_second_on_its_way() {
    for period in ["1h0m0.5s", "8760h0m0.7s", "87600h0m0.000001s", "1h0m0.000000001s"] {
        let periods = format!("certificateValidityPeriod: {period}\ncaCertificateValidityPeriod: {period}\n");
        let node = Node::empty(&format!("{CONTROL_PLANE}{periods}"));
        let text = serde_json::to_string(&node.plan()).unwrap();
        let report = apply_plan(&serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!(report.changed.len(), 16, "{period}");
    }
}

#[test]
fn init_does_not_make_names_that_the_ca_may_not_sign() {
    let node = with_authority("name-constraints");
    node.edit("/etc/kubeadm.yaml", |text| format!("{text}apiServer: {{certSANs: [api.example.org]}}\n"));
    let findings = init_is_blocked(&node);
    let found = evidence(&findings, "apiserver");
    assert!(found.contains("DNS:api.example.org"), "{found}");
    assert_eq!(criticals(&findings), ["apiserver certificate.untrusted"]);
}

#[test]
fn a_signer_does_not_sign_names_that_its_ca_may_not() {
    let node = with_authority("name-constraints");
    let request = |names: &[&str]| {
        let template = RequestTemplate {
            subject: DistinguishedName::new::<&str>(&[], "kube-apiserver").unwrap(),
            subject_alt_names: SubjectAltNames::sorted(names.iter().copied(), []),
            key_usages: Vec::new(),
            extended_key_usages: Vec::new(),
        };
        template.sign(&ecdsa_key()).unwrap().to_pem()
    };
    let good = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "cp1"];
    let bad = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "cp1", "api.example.org"];
    for (names, is_good) in [(&good[..], true), (&bad[..], false)] {
        node.write("/csr/apiserver.csr", request(names));
        let mut wanted = SignRequest {
            files: vec![NamedFile { path: "/csr/apiserver.csr".into(), name: Some("apiserver".into()) }],
            role: Some(NodeRole::ControlPlane),
            ..SignRequest::default()
        };
        wanted.node.rootfs.clone_from(&node.request.node.rootfs);
        wanted.node.node_name = Some("cp1".into());
        let plan = sign::plan(&wanted, node.now).unwrap().plan;
        let found = evidence(&plan.findings, "apiserver");
        assert_eq!(plan.is_blocked(), !is_good, "{found}");
        assert_eq!(found.contains("verify.name_constraints"), !is_good, "{found}");
        let text = SignTextRequest {
            node: wanted.node.clone(),
            role: wanted.role,
            csr: String::from_utf8(request(names)).unwrap(),
            name: "apiserver".into(),
            ca_dir: Some("/etc/kubernetes/pki".into()),
            ca_cert: None,
            ca_key: None,
            ca_key_content: OfAuthorities::None,
            ca_key_passphrase: OfAuthorities::None,
            present: None,
            renew_before: None,
            dry_run: false,
            validity: None,
            policy: None,
            outlive_ca: OutliveAuthority::Refuse.into(),
        };
        assert_eq!(sign_text(&text, node.now).is_ok(), is_good);
    }
}

#[test]
fn a_ca_that_began_before_1970_is_a_ca_like_others() {
    let node = with_authority("before-1970/ca");
    node.apply();
    assert_eq!(criticals(&checked(&node).findings), Vec::<String>::new());
    assert!(node.plan().is_empty());
    let made = user(&node).unwrap().make(None, &mut |_| kubepki::ops::Continue::Yes).unwrap();
    assert!(made.facts.not_before.unwrap() < chrono::DateTime::UNIX_EPOCH);
    apply_plan(&renewal(&node, |_| {})).unwrap();
}

#[test]
fn critical_certificate_policies_are_accepted() {
    for name in ["control", "leaf-critical-policies"] {
        let node = Node::empty(CONTROL_PLANE);
        for one in ["ca.crt", "apiserver.key", "apiserver.csr"] {
            let path = format!("/etc/kubernetes/pki/{one}");
            node.write(&path, file(&format!("critical-policies/node/etc/kubernetes/pki/{one}")));
        }
        node.set_mode("/etc/kubernetes/pki/apiserver.key", 0o600);
        node.write("/given/apiserver.crt", file(&format!("critical-policies/in/{name}.crt")));
        let request = ImportRequest {
            node: node.request.node.clone(),
            paths: vec!["/given/apiserver.crt".into()],
            ..ImportRequest::default()
        };
        let plan = import::plan(&request, node.now).unwrap().plan;
        assert_eq!(criticals(&plan.findings), Vec::<String>::new(), "{name}");
        apply_plan(&plan).unwrap();
        assert_eq!(evidence(&checked(&node).findings, "apiserver"), "", "{name}");
    }
}

fn unknown_critical() -> OtherExtension {
    OtherExtension { oid: "1.2.3.4.5".into(), critical: true, value: "0500".into() }
}

fn authority_with(change: impl FnOnce(&mut CertificateTemplate)) -> Issuer {
    let key = ecdsa_key();
    let mut template = authority_template("kubernetes", 3650);
    change(&mut template);
    Issuer::new(template.self_sign(&SerialNumber::random().unwrap(), &key).unwrap(), key).unwrap()
}

fn put_issuer(node: &Node, change: impl FnOnce(&mut CertificateTemplate)) {
    let key = ecdsa_key();
    let mut template = authority_template("kubernetes", 3650);
    change(&mut template);
    let certificate = template.self_sign(&SerialNumber::random().unwrap(), &key).unwrap();
    node.put_pair("ca", &certificate, &key);
}

#[test]
fn an_unknown_critical_extension_is_refused_on_a_ca_and_on_a_leaf() {
    let node = Node::empty(CONTROL_PLANE);
    put_issuer(&node, |template| template.other_extensions = vec![unknown_critical()]);
    assert!(evidence(&init_is_blocked(&node), "ca").contains("1.2.3.4.5"));
    assert!(evidence(&checked(&node).findings, "ca").contains("1.2.3.4.5"));

    let node = Node::made(CONTROL_PLANE);
    let issuer = node.issuer("ca");
    node.replace_leaf("apiserver", &issuer, |template| template.other_extensions = vec![unknown_critical()]);
    assert!(evidence(&checked(&node).findings, "apiserver").contains("1.2.3.4.5"));
    // A renewal would copy it.
    let plan = renewal(&node, |_| {});
    assert!(evidence(&plan.findings, "apiserver").contains("1.2.3.4.5") && plan.is_blocked());
}

#[test]
fn a_ca_for_clients_signs_clients_and_no_servers() {
    let node = Node::empty(CONTROL_PLANE);
    put_issuer(&node, |template| template.extended_key_usages = vec![ExtendedKeyUsage::ClientAuth]);
    let findings = init_is_blocked(&node);
    assert_eq!(criticals(&findings), ["apiserver certificate.untrusted"]);
    assert_eq!(find(&findings, "authority.missing_usages").severity, Severity::Warning);
    user(&node).unwrap();
}

#[test]
fn an_intermediate_that_may_not_sign_vouches_for_nothing() {
    let node = Node::made(CONTROL_PLANE);
    let root = node.issuer("ca");
    let key = ecdsa_key();
    let mut template = authority_template("between", 365);
    template.key_usages = vec![KeyUsage::DigitalSignature];
    let between = template.issue(&SerialNumber::random().unwrap(), key.public_key_info(), &root).unwrap();
    let chain = between.to_pem();
    node.replace_leaf("apiserver", &Issuer::new(between, key).unwrap(), |_| {});
    let leaf = node.read("/etc/kubernetes/pki/apiserver.crt");
    node.write("/etc/kubernetes/pki/apiserver.crt", [leaf, chain].concat());
    let found = evidence(&checked(&node).findings, "apiserver");
    assert!(found.contains("verify.key_cert_sign"), "{found}");
}

/// A certificate of openssl's `x509 -req`: version 1 without extensions.
fn old_version(node: &Node, arguments: &[&str]) {
    let done = std::process::Command::new("openssl")
        .args(["x509", "-req", "-days", "400", "-in", "request.csr", "-out", "made.crt"])
        .args(arguments)
        .current_dir(node.root.path())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_ca_of_version_1_vouches_and_kubeadm_does_not_take_it() {
    if std::process::Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: there is no openssl");
        return;
    }
    let node = Node::made(CONTROL_PLANE);
    let key = ecdsa_key();
    let template = RequestTemplate {
        subject: DistinguishedName::new::<&str>(&[], "kubernetes").unwrap(),
        subject_alt_names: SubjectAltNames::default(),
        key_usages: Vec::new(),
        extended_key_usages: Vec::new(),
    };
    node.write("/request.csr", template.sign(&key).unwrap().to_pem());
    node.write("/signing.key", key.to_pem().expose());
    old_version(&node, &["-signkey", "signing.key"]);
    node.write("/etc/kubernetes/pki/ca.crt", node.read("/made.crt"));
    node.write("/etc/kubernetes/pki/ca.key", key.to_pem().expose());
    let ca = node.certificate("ca");
    assert_eq!((ca.version(), ca.is_ca()), (1, false));
    // openssl's clock is the machine's.
    let later = node.now.max(ca.not_before() + TimeDelta::hours(1));
    node.replace_leaf("apiserver", &node.issuer("ca"), |template| {
        template.not_before = later - TimeDelta::minutes(5);
        template.not_after = later + TimeDelta::days(30);
    });
    let request = CheckRequest { node: node.request.node.clone(), ..CheckRequest::default() };
    let findings = check(&request, later).unwrap().findings;
    assert_eq!(evidence(&findings, "apiserver"), "");
    let about_ca = find(&findings, "authority.not_an_authority");
    assert_eq!(about_ca.severity, Severity::Warning, "{about_ca:?}");
}

/// A CA that is being replaced: `ca.crt` holds the old one and the new one, and leaves are of either.
#[test]
fn every_ca_of_the_bundle_vouches() {
    let node = Node::made(CONTROL_PLANE);
    let other = authority_with(|template| template.subject = DistinguishedName::new::<&str>(&[], "new").unwrap());
    let bundle = [node.read("/etc/kubernetes/pki/ca.crt"), other.certificate().to_pem()].concat();
    node.replace_leaf("apiserver", &other, |template| template.not_before = node.now - TimeDelta::minutes(5));
    assert!(evidence(&checked(&node).findings, "apiserver").contains("unknown authority"));
    node.write("/etc/kubernetes/pki/ca.crt", bundle);
    let findings = checked(&node).findings;
    assert_eq!(evidence(&findings, "apiserver"), "");
    let info = findings.iter().find(|one| one.code == "authority.not_the_first").unwrap();
    assert_eq!((info.subject.as_str(), info.severity), ("apiserver", Severity::Info));
}
