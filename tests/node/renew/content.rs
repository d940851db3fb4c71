//! What a renewed certificate says.

use chrono::TimeDelta;
use kubepki::config::Role;
use kubepki::key::Algorithm;
use kubepki::plan::{Action, Step};
use kubepki::request::Span;
use kubepki::x509::{DistinguishedName, ExtendedKeyUsage, OtherExtension, SubjectAltName, SubjectAltNames};
use proptest::prelude::*;

use super::*;

/// C, two OUs in one relative name, an O, and a CN, as openssl writes them.
fn rich_subject() -> DistinguishedName {
    let attribute = |oid: &[u8], text: &str| {
        let mut value = vec![0x06, u8::try_from(oid.len()).unwrap()];
        value.extend(oid);
        value.extend([0x0c, u8::try_from(text.len()).unwrap()]);
        value.extend(text.as_bytes());
        wrap(0x30, &value)
    };
    let relative = |attributes: &[Vec<u8>]| wrap(0x31, &attributes.concat());
    let parts = [
        relative(&[attribute(&[0x55, 4, 6], "DE")]),
        relative(&[attribute(&[0x55, 4, 10], "system:masters")]),
        relative(&[attribute(&[0x55, 4, 11], "one"), attribute(&[0x55, 4, 11], "two")]),
        relative(&[attribute(&[0x55, 4, 3], "cp1")]),
    ];
    DistinguishedName::from_der(&wrap(0x30, &parts.concat())).unwrap()
}

fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
}

#[test]
fn everything_is_new_and_says_the_same() {
    let (node, request) = golden("minimal");
    let before: Vec<_> = ALL.iter().map(|name| held(&node, name)).collect();
    let others = ["pki/ca.crt", "pki/ca.key", "pki/sa.key", "pki/sa.pub", "pki/etcd/ca.crt", "kubelet.conf"];
    let untouched: Vec<_> = others.iter().map(|file| node.read(&format!("/etc/kubernetes/{file}"))).collect();
    let plan = planned(&node, &request);
    assert_eq!(plan.artefacts.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ALL);
    assert!(
        plan.artefacts
            .iter()
            .all(|one| one.action() == Action::Renew && one.step.new_key() == Some(Algorithm::Rsa2048))
    );
    assert!(plan.findings.is_empty(), "{:?}", plan.findings);

    let report = apply_plan(&plan).unwrap();
    for ((name, (old, _)), changed) in ALL.iter().zip(&before).zip(&report.changed) {
        let (new, key) = held(&node, name);
        assert_eq!(new.subject(), old.subject(), "{name}");
        assert_eq!(new.subject_alt_names(), old.subject_alt_names(), "{name}");
        assert_eq!(new.key_usages(), old.key_usages(), "{name}");
        assert_eq!(new.extended_key_usages(), old.extended_key_usages(), "{name}");
        assert_eq!(new.authority_key_identifier(), old.authority_key_identifier(), "{name}");
        assert_eq!(new.not_before(), node.now - TimeDelta::minutes(5), "{name}");
        assert_eq!(new.not_after(), node.now + TimeDelta::days(365), "{name}");
        assert_ne!(new.public_key_info(), old.public_key_info(), "{name}");
        assert_eq!(new.public_key_info(), key.public_key_info(), "{name}");
        assert_eq!((&changed.name[..], changed.action), (*name, Action::Renew));
        assert_eq!(changed.serial, Some(new.serial().to_string()));
        assert_eq!(changed.previous_serial, Some(old.serial().to_string()));
    }
    for (file, old) in others.iter().zip(untouched) {
        assert_eq!(node.read(&format!("/etc/kubernetes/{file}")), old, "{file}");
    }
    assert!(node.plan().findings.is_empty(), "init finds nothing wrong");
}

/// The certificate of a name, and the key beside it.
fn held(node: &Node, name: &str) -> (Certificate, PrivateKey) {
    if name.ends_with(".conf") {
        return (client(node, name), client_key(node, name));
    }
    let base = match name.strip_prefix("etcd-") {
        Some(rest) => format!("etcd/{rest}"),
        None => name.to_owned(),
    };
    (node.certificate(&base), node.key(&base))
}

#[test]
fn whatever_has_expired_is_renewed() {
    let (mut node, request) = golden("minimal");
    for (time, reason) in [(TimeDelta::days(365), "expired"), (TimeDelta::days(4 * 365), "expired")] {
        node.now = now() + time;
        let plan = planned(&node, &request);
        assert!(plan.artefacts.iter().all(|one| one.reason == reason && one.action() == Action::Renew));
        apply_plan(&plan).unwrap();
        assert!(node.certificate("apiserver").not_after() > node.now);
        assert_eq!(
            criticals(&node.plan().findings),
            ["kubelet.conf certificate.expired"],
            "all but what was not named"
        );
    }
}

#[test]
fn subjects_names_purposes_and_extensions_that_kubeadm_loses_are_kept() {
    let (node, request) = quick();
    let policies = OtherExtension { oid: "2.5.29.32".into(), critical: false, value: "3008300606042a030405".into() };
    let poison = OtherExtension { oid: "1.3.6.1.4.1.11129.2.4.3".into(), critical: false, value: "0500".into() };
    let subject_names = SubjectAltNames::in_order(vec![
        SubjectAltName::Uri("spiffe://cluster.test/etcd".into()),
        SubjectAltName::Dns("zebra".into()),
        SubjectAltName::Dns("ant".into()),
        SubjectAltName::Email("root@example.test".into()),
        SubjectAltName::Ip("::1".parse().unwrap()),
        SubjectAltName::Ip("127.0.0.1".parse().unwrap()),
    ]);
    let purposes =
        ["1.3.6.1.4.1.311.20.2.2", "clientAuth", "1.3.6.1.5.5.7.3.3", "serverAuth"].map(|one| one.to_owned().into());
    node.replace_leaf("etcd/server", &node.issuer("etcd/ca"), |template| {
        template.subject = rich_subject();
        template.subject_alt_names = subject_names.clone();
        template.extended_key_usages = purposes.to_vec();
        template.other_extensions = vec![policies.clone(), poison];
    });
    renewed(&node, &RenewRequest { names: names(&["etcd-server"]), ..request });
    let new = node.certificate("etcd/server");
    assert_eq!(new.subject().as_der(), rich_subject().as_der());
    assert_eq!(new.subject().to_string(), "CN=cp1,OU=one+OU=two,O=system:masters,C=DE");
    assert_eq!(new.subject_alt_names(), &subject_names);
    assert_eq!(new.extended_key_usages(), Some(&purposes[..]));
    assert_eq!(new.other_extensions(), [policies], "but for what vouches for one signature");
}

#[test]
fn a_leaf_never_becomes_a_ca() {
    let (node, request) = quick();
    node.replace_leaf("etcd/server", &node.issuer("etcd/ca"), |template| {
        template.is_ca = true;
        template.key_usages.push(kubepki::x509::KeyUsage::KeyCertSign);
    });
    renewed(&node, &RenewRequest { names: names(&["etcd-server"]), ..request });
    assert!(!node.certificate("etcd/server").is_ca());
    assert_eq!(node.certificate("etcd/server").key_usages().unwrap().len(), 2);
}

#[test]
fn a_key_keeps_its_kind_unless_told_otherwise() {
    let (node, request) = quick();
    let only = RenewRequest { names: names(&["apiserver", "admin.conf"]), ..request };
    renewed(&node, &only);
    assert_eq!(node.key("apiserver").kind(), "ECDSA-P256", "kubeadm falls back to RSA");
    renewed(&node, &RenewRequest { algorithm: Some(Algorithm::EcdsaP384), ..only.clone() });
    assert_eq!(node.key("apiserver").kind(), "ECDSA-P384");
    assert_eq!(client_key(&node, "admin.conf").kind(), "ECDSA-P384");
    renewed(&node, &with_config(&node, only.clone()));
    assert_eq!(node.key("apiserver").kind(), "ECDSA-P256", "the configuration's");
    let (key, kubeconfig_key) = (node.read("/etc/kubernetes/pki/apiserver.key"), client_key(&node, "admin.conf"));
    let serial = node.certificate("apiserver").serial().clone();
    renewed(&node, &RenewRequest { keep_key: true, ..only });
    assert_eq!(node.read("/etc/kubernetes/pki/apiserver.key"), key);
    assert_eq!(client_key(&node, "admin.conf").public_key_info(), kubeconfig_key.public_key_info());
    assert_ne!(node.certificate("apiserver").serial(), &serial);
}

#[test]
fn a_lost_or_foreign_key_is_no_obstacle_to_a_new_one() {
    let (node, request) = quick();
    node.remove("/etc/kubernetes/pki/apiserver.key");
    node.write("/etc/kubernetes/pki/front-proxy-client.key", "broken");
    renewed(&node, &RenewRequest { names: names(&["apiserver", "front-proxy-client"]), ..request });
    for base in ["apiserver", "front-proxy-client"] {
        assert_eq!(node.key(base).public_key_info(), node.certificate(base).public_key_info());
    }
    let mode = std::fs::metadata(node.path("/etc/kubernetes/pki/apiserver.key")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777, 0o600);
}

#[test]
fn before_an_end_renews_once() {
    let (mut node, request) = quick();
    let soon = RenewRequest { before: Some(Span::of_seconds(TimeDelta::days(30).num_seconds())), ..request };
    assert!(planned(&node, &soon).is_empty());
    node.now = now() + TimeDelta::days(336);
    assert_eq!(renewed(&node, &soon).changed.len(), 11);
    let before = node.snapshot();
    let again = planned(&node, &soon);
    assert!(again.is_empty());
    assert_eq!(problems(&again.findings), ["kubelet.conf certificate.expires_soon"], "what was not asked for is named");
    assert!(again.artefacts.iter().all(|one| one.action() == Action::Keep && one.reason == "ends in 365d"));
    assert!(apply_plan(&again).unwrap().changed.is_empty());
    assert_eq!(node.snapshot(), before);
    let other_key = RenewRequest { algorithm: Some(Algorithm::EcdsaP384), ..soon };
    assert_eq!(renewed(&node, &other_key).changed.len(), 11, "another kind of key is a reason of its own");
    assert!(planned(&node, &other_key).is_empty());
}

#[test]
fn a_certificate_ends_with_its_ca_and_is_then_left_alone() {
    let (mut node, request) = quick();
    node.now = now() + TimeDelta::days(3650 - 20);
    let soon = RenewRequest { before: Some(Span::of_seconds(TimeDelta::days(30).num_seconds())), ..request.clone() };
    let plan = planned(&node, &soon);
    assert_eq!(
        problems(&plan.findings),
        [
            "ca certificate.outlives_authority",
            "etcd-ca certificate.outlives_authority",
            "front-proxy-ca certificate.outlives_authority",
            "kubelet.conf certificate.expired"
        ]
    );
    apply_plan(&plan).unwrap();
    assert_eq!(node.certificate("apiserver").not_after(), node.certificate("ca").not_after());
    let again = planned(&node, &soon);
    assert!(again.is_empty(), "a second run would gain nothing");
    assert_eq!(find(&again.findings, "certificate.expires_soon").subject, "admin.conf");

    let refuse = RenewRequest {
        outlive_ca: kubepki::plan::renew::OutliveAuthority::Refuse,
        names: names(&["apiserver"]),
        ..request.clone()
    };
    refused(&node, &refuse, &["apiserver certificate.outlives_authority"]);
    let allow = RenewRequest { outlive_ca: kubepki::plan::renew::OutliveAuthority::Allow, ..request };
    renewed(&node, &allow);
    assert_eq!(node.certificate("apiserver").not_after(), node.now + TimeDelta::days(365));
}

#[test]
fn names_are_added_removed_and_taken_from_the_configuration() {
    let (node, request) = quick();
    let only = RenewRequest { names: names(&["apiserver"]), ..request };
    let text = |node: &Node| node.certificate("apiserver").subject_alt_names().to_string();
    let original = text(&node);
    let changes = RenewRequest {
        add_sans: ["LB.example.test", "192.0.2.99", "URI:spiffe://a/b", "cp1"].map(str::to_owned).to_vec(),
        remove_sans: ["kubernetes.default", "not.there"].map(str::to_owned).to_vec(),
        ..only.clone()
    };
    let evidence = format!("it cannot lose DNS:not.there: its names are {original}");
    assert_eq!(find(&planned(&node, &changes).findings, "certificate.name_absent").evidence, evidence);
    refused(&node, &changes, &["apiserver certificate.name_absent"]);
    let changes = RenewRequest { remove_sans: vec!["kubernetes.default".into()], ..changes };
    let plan = planned(&node, &changes);
    assert_eq!(find(&plan.findings, "certificate.name_present").evidence, "it has DNS:cp1 already");
    apply_plan(&plan).unwrap();
    assert_eq!(
        text(&node),
        "DNS:cp1, DNS:kubernetes, DNS:kubernetes.default.svc, DNS:kubernetes.default.svc.cluster.local, \
         DNS:lb.example.test, IP:10.96.0.1, IP:192.0.2.10, IP:192.0.2.99, URI:spiffe://a/b"
    );
    let once = RenewRequest { before: Some(Span::of_seconds(3600)), ..changes };
    assert!(planned(&node, &once).is_empty(), "a second run changes nothing");

    let drift = planned(&node, &with_config(&node, only.clone()));
    assert_eq!(
        find(&drift.findings, "certificate.names_differ").evidence,
        "its names are not the configuration's: it lacks DNS:kubernetes.default; it also has DNS:lb.example.test, IP:192.0.2.99"
    );
    assert!(planned(&node, &only).findings.is_empty(), "without a configuration nothing is compared");
    let configured = RenewRequest {
        sans_from_config: true,
        before: Some(Span::of_seconds(3600)),
        ..with_config(&node, request_all(&node))
    };
    let plan = planned(&node, &configured);
    assert_eq!(created(&plan), ["apiserver"], "the others have them already");
    apply_plan(&plan).unwrap();
    assert_eq!(text(&node), format!("{original}, URI:spiffe://a/b"), "other forms stay");
    assert!(planned(&node, &configured).is_empty());
}

fn request_all(node: &Node) -> RenewRequest {
    request(node)
}

#[test]
fn kubeconfigs_keep_all_else_and_trust_the_whole_bundle() {
    let (node, request) = quick();
    node.edit("/etc/kubernetes/admin.conf", |text| {
        text.replace("preferences: {}\n", "").replace(
            "users:\n",
            "extensions:\n- extension:\n    a: 1\n  name: mine\nusers:\n- name: another\n  user:\n    token: s3cret\n",
        ) + "x-own: kept\n"
    });
    let before = String::from_utf8(node.read("/etc/kubernetes/admin.conf")).unwrap();
    let other = authority("kubernetes", 900);
    let bundle = [node.read("/etc/kubernetes/pki/ca.crt"), other.certificate().to_pem()].concat();
    node.write("/etc/kubernetes/pki/ca.crt", &bundle);
    let plan = planned(&node, &RenewRequest { names: names(&["admin.conf"]), ..request });
    let Step::Renew { trust: Some(trust), .. } = &plan.artefacts[0].step else { panic!("{:?}", plan.artefacts[0]) };
    assert_eq!((trust.certificates.as_bytes(), trust.replaces.len()), (bundle.as_slice(), 1));
    apply_plan(&plan).unwrap();
    let after = String::from_utf8(node.read("/etc/kubernetes/admin.conf")).unwrap();
    let wording = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split_once("-data: ").map_or(line, |(field, _)| field).to_owned()).collect()
    };
    assert_eq!(wording(&after), wording(&before));
    assert!(after.contains("x-own: kept") && after.contains("token: s3cret"));
    assert_eq!(embedded(after.as_bytes(), "certificate-authority-data"), bundle);
    let current = kubepki::kubeconfig::Kubeconfig::parse(after.as_bytes()).unwrap();
    assert_eq!(current.current().unwrap().user, "kubernetes-admin");
}

#[test]
fn a_kubeconfig_that_names_files_is_renewed_there() {
    let (node, request) = quick();
    let (certificate, key) = (client(&node, "admin.conf").to_pem(), client_key(&node, "admin.conf"));
    node.write("/etc/kubernetes/users/admin.crt", certificate);
    node.write("/etc/kubernetes/users/admin.key", key.to_pem().expose());
    node.set_mode("/etc/kubernetes/users/admin.key", 0o600);
    node.edit("/etc/kubernetes/admin.conf", |text| {
        text.lines()
            .map(|line| match line.trim_start().split_once("-data: ") {
                Some(("client-certificate", _)) => "    client-certificate: users/admin.crt\n".to_owned(),
                Some(("client-key", _)) => "    client-key: /etc/kubernetes/users/admin.key\n".to_owned(),
                _ => format!("{line}\n"),
            })
            .collect()
    });
    let before = node.read("/etc/kubernetes/admin.conf");
    let report = renewed(&node, &RenewRequest { names: names(&["admin.conf"]), ..request });
    let files: Vec<_> = report.changed[0].files.iter().map(|file| file.to_str().unwrap()).collect();
    assert_eq!(files, ["/etc/kubernetes/users/admin.key", "/etc/kubernetes/users/admin.crt"]);
    assert_eq!(node.read("/etc/kubernetes/admin.conf"), before, "not even its layout");
    let new = read_certificates(&node.read("/etc/kubernetes/users/admin.crt")).unwrap().remove(0);
    assert_eq!(new.not_after(), node.now + TimeDelta::days(365));
    let new_key = PrivateKey::from_pem(&node.read("/etc/kubernetes/users/admin.key")).unwrap();
    assert_eq!(new_key.public_key_info(), new.public_key_info());
    assert_ne!(new_key.public_key_info(), key.public_key_info());
}

#[test]
fn what_is_missing_external_or_has_no_certificate_is_passed_over() {
    let (node, request) = quick();
    node.remove("/etc/kubernetes/super-admin.conf");
    node.remove("/etc/kubernetes/pki/etcd/ca.key");
    node.remove("/etc/kubernetes/pki/etcd/peer.crt");
    node.edit("/etc/kubernetes/scheduler.conf", |text| {
        let token = text.lines().filter(|line| !line.contains("client-key-data"));
        token
            .map(
                |line| {
                    if line.contains("client-certificate-data") {
                        "    token: abc\n".into()
                    } else {
                        format!("{line}\n")
                    }
                },
            )
            .collect()
    });
    let plan = planned(&node, &request);
    let passed: Vec<_> = plan
        .artefacts
        .iter()
        .filter(|one| one.action() == Action::Skip)
        .map(|one| (&one.name[..], &one.reason[..]))
        .collect();
    assert_eq!(
        passed,
        [
            ("apiserver-etcd-client", "external CA"),
            ("etcd-healthcheck-client", "external CA"),
            ("etcd-peer", "missing"),
            ("etcd-server", "external CA"),
            ("scheduler.conf", "no client certificate"),
            ("super-admin.conf", "missing"),
        ]
    );
    assert!(problems(&plan.findings).is_empty(), "{:?}", plan.findings);
    assert_eq!(apply_plan(&plan).unwrap().changed.len(), 5);
}

#[test]
fn a_worker_has_nothing_that_all_would_renew() {
    let node = Node::empty(&std::fs::read_to_string("examples/worker.yaml").unwrap());
    let request = with_config(&node, request(&node));
    assert!(planned(&node, &request).artefacts.is_empty());
    assert_eq!(kubepki::ops::configuration(&request.node).unwrap().spec.role, Role::Worker);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn renewal_keeps_subject_names_and_purposes(
        organizations in proptest::collection::vec("[a-zA-Zäß:@*&. -]{1,12}", 0..4),
        common_name in "[a-z0-9.:-]{1,20}",
        dns in proptest::collection::vec("[a-zA-Z0-9.-]{1,12}", 0..5),
        address in any::<u128>(),
        purposes in proptest::collection::vec(0u8..40, 0..4),
    ) {
        let (node, request) = quick();
        let subject = DistinguishedName::new(&organizations, &common_name).unwrap();
        let mut all: Vec<_> = dns.into_iter().map(SubjectAltName::Dns).collect();
        all.push(SubjectAltName::Ip(std::net::Ipv6Addr::from(address).into()));
        let purposes: Vec<ExtendedKeyUsage> = purposes.into_iter().map(|arc| format!("1.3.6.1.5.5.7.3.{arc}").into()).collect();
        node.replace_leaf("front-proxy-client", &node.issuer("front-proxy-ca"), |template| {
            template.subject = subject;
            template.subject_alt_names = SubjectAltNames::in_order(all);
            template.extended_key_usages = purposes;
        });
        let old = node.certificate("front-proxy-client");
        renewed(&node, &RenewRequest { names: names(&["front-proxy-client"]), ..request });
        let new = node.certificate("front-proxy-client");
        prop_assert_eq!(new.subject().as_der(), old.subject().as_der());
        prop_assert_eq!(new.subject_alt_names(), old.subject_alt_names());
        prop_assert_eq!(new.extended_key_usages(), old.extended_key_usages());
        prop_assert_eq!(new.key_usages(), old.key_usages());
        prop_assert_ne!(new.serial(), old.serial());
    }
}
