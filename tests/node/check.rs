//! `check`: what it sees, what it says, and its exit code.

use kubepki::request::Span;
use std::fs;

use chrono::TimeDelta;
use kubepki::ops::check::{CheckReport, CheckRequest, Status, check};
use kubepki::x509::SerialNumber;

use super::support::*;

/// Longer than any certificate is valid.
const LONG: i64 = 200 * 366 * 24 * 60 * 60;

fn request(node: &Node) -> CheckRequest {
    CheckRequest { node: node.request.node.clone(), ..CheckRequest::default() }
}

fn checked(node: &Node) -> CheckReport {
    check(&request(node), node.now).unwrap()
}

fn without_config(node: &Node) -> CheckRequest {
    let mut request = request(node);
    request.node.config = None;
    request
}

fn seen(report: &CheckReport) -> Vec<&str> {
    report.certificates.iter().map(|one| one.name.as_str()).collect()
}

/// The catalogue's certificates in the order of the report.
const ALL: [&str; 15] = [
    "ca",
    "front-proxy-ca",
    "etcd-ca",
    "apiserver",
    "apiserver-kubelet-client",
    "front-proxy-client",
    "etcd-server",
    "etcd-peer",
    "etcd-healthcheck-client",
    "apiserver-etcd-client",
    "admin.conf",
    "super-admin.conf",
    "kubelet.conf",
    "controller-manager.conf",
    "scheduler.conf",
];

const LOCAL_ETCD: [&str; 3] = ["etcd-server", "etcd-peer", "etcd-healthcheck-client"];

#[test]
fn every_golden_tree_is_ok_with_and_without_its_configuration() {
    for name in CASES {
        let mut node = Node::golden(name);
        let before = node.snapshot();
        if name == "validity" {
            // Its leaves live for thirty days: that is the warning threshold.
            node.now = "2026-11-24T10:00:00Z".parse().unwrap();
            node.now = node.certificate("apiserver").not_before();
        }
        for request in [request(&node), without_config(&node)] {
            let mut request = request;
            request.warning = Span::of_seconds(TimeDelta::days(20).num_seconds()).into();
            let report = check(&request, node.now).unwrap();
            assert_eq!((report.status, &report.findings), (Status::Ok, &Vec::new()), "{name}");
            let mut sorted = seen(&report);
            let mut expected: Vec<_> =
                ALL.into_iter().filter(|one| name != "external-etcd" || !LOCAL_ETCD.contains(one)).collect();
            sorted.sort_unstable();
            expected.sort_unstable();
            assert_eq!(sorted, expected, "{name}");
            assert_eq!(report.checked_at, node.now);
        }
        assert_eq!(node.snapshot(), before, "{name}");
    }
}

#[test]
fn what_is_seen_of_a_certificate_is_what_it_says() {
    let node = Node::golden("ha");
    let report = checked(&node);
    let one = report.certificates.iter().find(|one| one.name == "etcd-peer").unwrap();
    let certificate = node.certificate("etcd/peer");
    assert_eq!(one.path, std::path::Path::new("/etc/kubernetes/pki/etcd/peer.crt"));
    assert_eq!((one.subject.as_str(), one.issuer.as_str()), ("CN=cp-a.example.test", "CN=etcd-ca"));
    assert_eq!(one.serial, certificate.serial().to_string());
    assert_eq!((one.not_before, one.not_after), (certificate.not_before(), certificate.not_after()));
    assert_eq!(one.residual_seconds, (certificate.not_after() - node.now).num_seconds());
    assert_eq!((one.key.as_str(), one.is_ca), ("RSA-2048", false));
    assert!(one.subject_alt_names.contains(&"DNS:peer-a.example.test".to_owned()), "{one:?}");
    assert!(report.certificates.iter().filter(|one| one.is_ca).count() == 3);
    assert!(!serde_json::to_string(&report).unwrap().contains("PRIVATE"));
}

#[test]
fn exit_codes_are_those_of_monitoring() {
    let codes = [Status::Ok, Status::Warning, Status::Critical, Status::Unknown].map(Status::exit_code);
    assert_eq!(codes, [0, 1, 2, 3]);
}

#[test]
fn thresholds_turn_over_at_their_very_second() {
    let mut node = Node::golden("ecdsa-p256");
    let end = ["apiserver", "etcd/peer", "front-proxy-client"].map(|base| node.certificate(base).not_after());
    let end = end.into_iter().min().unwrap();
    let apiserver = node.certificate("apiserver").not_after();
    let days = TimeDelta::days;
    for (now, status, code) in [
        (end - days(30) - TimeDelta::seconds(1), Status::Ok, None),
        (apiserver - days(30), Status::Warning, Some("certificate.expires_soon")),
        (end - days(7) - TimeDelta::seconds(1), Status::Warning, Some("certificate.expires_soon")),
        (apiserver - days(7), Status::Critical, Some("certificate.expires_soon")),
        (apiserver, Status::Critical, Some("certificate.expires_soon")),
        (apiserver + TimeDelta::seconds(1), Status::Critical, Some("certificate.expired")),
    ] {
        node.now = now;
        let report = checked(&node);
        assert_eq!(report.status, status, "{now}: {:?}", report.findings);
        let about: Vec<_> = report.findings.iter().filter(|one| one.subject == "apiserver").collect();
        assert_eq!(about.iter().map(|one| one.code.as_str()).next(), code, "{now}");
        assert!(about.len() <= 1, "{about:?}");
    }
}

#[test]
fn thresholds_are_the_callers_and_none_is_none() {
    let node = Node::golden("ecdsa-p256");
    let outcome = |warning, critical| {
        let request = CheckRequest {
            warning: Span::of_seconds(warning).into(),
            critical: Span::of_seconds(critical).into(),
            ..request(&node)
        };
        check(&request, node.now)
    };
    let with = |warning, critical| outcome(warning, critical).unwrap().status;
    let year = TimeDelta::days(366).num_seconds();
    assert_eq!(with(year, 0), Status::Warning);
    assert_eq!(with(year, year), Status::Critical);
    assert_eq!(outcome(0, year).unwrap_err().code(), "cli.thresholds", "a warning comes first");
    assert_eq!(with(0, 0), Status::Ok);
    assert_eq!(with(LONG, LONG), Status::Critical);
    assert_eq!(with(-LONG, -LONG), Status::Ok);
}

#[test]
fn the_worst_finding_comes_first() {
    let node = Node::golden("ecdsa-p256");
    node.set_mode("/etc/kubernetes/pki/ca.key", 0o644);
    node.remove("/etc/kubernetes/pki/front-proxy-ca.key");
    let report = checked(&node);
    assert_eq!(report.status, Status::Warning);
    node.remove("/etc/kubernetes/pki/sa.pub");
    let report = checked(&node);
    let codes: Vec<_> = report.findings.iter().map(|one| one.code.as_str()).collect();
    assert_eq!(codes, ["file.missing", "file.mode_too_wide", "authority.external"]);
    assert_eq!(report.status, Status::Critical);
}

#[test]
fn each_file_that_is_missing_is_critical_but_super_admin_conf() {
    for file in ["pki/ca.crt", "pki/apiserver.key", "pki/etcd/server.crt", "pki/sa.key", "admin.conf", "kubelet.conf"] {
        let node = Node::golden("ecdsa-p256");
        node.remove(&format!("/etc/kubernetes/{file}"));
        for request in [request(&node), without_config(&node)] {
            let report = check(&request, node.now).unwrap();
            assert_eq!(report.status, Status::Critical, "{file}");
            assert!(report.findings.iter().any(|one| one.code == "file.missing"), "{file}: {:?}", report.findings);
        }
    }
    let node = Node::golden("ecdsa-p256");
    node.remove("/etc/kubernetes/super-admin.conf");
    assert_eq!(checked(&node).status, Status::Ok);
}

#[test]
fn names_are_judged_only_with_a_configuration() {
    let node = Node::golden("ecdsa-p256");
    let config = String::from_utf8(node.read("/etc/kubeadm.yaml")).unwrap().replace("name: cp1", "name: other");
    node.write("/etc/kubeadm.yaml", config);
    let report = checked(&node);
    assert_eq!(
        problems(&report.findings),
        [
            "apiserver certificate.missing_names",
            "etcd-peer certificate.missing_names",
            "etcd-peer certificate.other_subject",
            "etcd-server certificate.missing_names",
            "etcd-server certificate.other_subject",
            "kubelet.conf certificate.other_subject",
        ]
    );
    assert_eq!(check(&without_config(&node), node.now).unwrap().status, Status::Ok);
}

#[test]
fn a_worker_is_known_by_its_files() {
    let node = Node::empty(CONTROL_PLANE);
    node.copy_golden("ecdsa-p256", |file| ["pki/ca.crt", "kubelet.conf"].contains(&file));
    let report = check(&without_config(&node), node.now).unwrap();
    assert_eq!(seen(&report), ["ca", "kubelet.conf"]);
    assert!(report.status == Status::Ok && report.findings.is_empty(), "{:?}", report.findings);
    // With the configuration of a control plane nearly everything is missing.
    assert_eq!(checked(&node).status, Status::Critical);
}

#[test]
fn what_the_api_server_shows_an_external_etcd_is_seen() {
    let node = Node::golden("external-etcd");
    let mut request = request(&node);
    request.warning = Span::of_seconds(LONG).into();
    let report = check(&request, node.now).unwrap();
    for name in ["etcd-ca", "apiserver-etcd-client"] {
        assert!(problems(&report.findings).contains(&format!("{name} certificate.expires_soon")), "{name}");
    }
    node.write("/etc/kubernetes/pki/apiserver-etcd-client.key", ecdsa_key().to_pem().expose());
    assert_eq!(criticals(&checked(&node).findings), ["apiserver-etcd-client key.mismatch"]);
    node.write("/etc/kubernetes/pki/etcd/ca.crt", "broken");
    assert_eq!(criticals(&checked(&node).findings)[1], "etcd-ca x509.none");
    for file in ["apiserver-etcd-client.crt", "apiserver-etcd-client.key", "etcd/ca.crt"] {
        node.remove(&format!("/etc/kubernetes/pki/{file}"));
    }
    let expected = ["apiserver-etcd-client file.missing", "etcd-ca file.missing"];
    assert_eq!(criticals(&checked(&node).findings), expected);
    assert_eq!(check(&without_config(&node), node.now).unwrap().status, Status::Ok);
}

#[test]
fn a_host_without_any_file_is_unknown_and_no_broken_worker() {
    let node = Node::empty(CONTROL_PLANE);
    let report = check(&without_config(&node), node.now).unwrap();
    assert_eq!((report.status, report.findings.len()), (Status::Unknown, 0), "{:?}", report.findings);
    // What else is to be checked there is what counts.
    node.write("/srv/tls.crt", authority("other", 300).certificate().to_pem());
    let request = CheckRequest { extra: vec!["/srv".into()], ..without_config(&node) };
    let report = check(&request, node.now).unwrap();
    assert_eq!((report.status, seen(&report)), (Status::Ok, vec!["/srv/tls.crt"]), "{:?}", report.findings);
}

#[test]
fn the_kubelets_own_certificates_are_seen() {
    let node = Node::golden("ecdsa-p256");
    let ca = node.issuer("ca");
    let current = |name: &str, base: &str, days: i64| {
        let mut template = template_of(&node.certificate(base));
        template.not_after = node.now + TimeDelta::days(days);
        let key = ecdsa_key();
        let certificate = template.issue(&SerialNumber::random().unwrap(), key.public_key_info(), &ca).unwrap();
        let pem = [certificate.to_pem(), key.to_pem().expose().to_vec()].concat();
        node.write(&format!("/var/lib/kubelet/pki/{name}-2026.pem"), pem);
        node.set_mode(&format!("/var/lib/kubelet/pki/{name}-2026.pem"), 0o600);
        let link = node.path(&format!("/var/lib/kubelet/pki/{name}-current.pem"));
        // The kubelet writes absolute links: under a root directory they mean that directory.
        std::os::unix::fs::symlink(format!("/var/lib/kubelet/pki/{name}-2026.pem"), link).unwrap();
    };
    current("kubelet-client", "apiserver-kubelet-client", 300);
    current("kubelet-server", "apiserver", 20);
    let own = authority("worker@1", 3);
    let key = ecdsa_key();
    let template = kubepki::x509::CertificateTemplate {
        extended_key_usages: vec![kubepki::x509::ExtendedKeyUsage::ServerAuth],
        ..template_of(own.certificate())
    };
    let own = template.self_sign(&SerialNumber::random().unwrap(), &key).unwrap();
    node.write("/var/lib/kubelet/pki/kubelet.crt", own.to_pem());
    node.write("/var/lib/kubelet/pki/kubelet.key", key.to_pem().expose());
    node.set_mode("/var/lib/kubelet/pki/kubelet.key", 0o600);
    let report = checked(&node);
    assert_eq!(seen(&report)[15..], ["kubelet-client-current.pem", "kubelet-server-current.pem", "kubelet.crt"]);
    assert_eq!(
        problems(&report.findings),
        ["kubelet-server-current.pem certificate.expires_soon", "kubelet.crt certificate.expires_soon"]
    );
    assert_eq!(find(&report.findings, "certificate.expires_soon").subject, "kubelet.crt", "critical comes first");

    let elsewhere = CheckRequest { kubelet_dir: "/nowhere".into(), ..request(&node) };
    assert_eq!(check(&elsewhere, node.now).unwrap().certificates.len(), 15);
    node.write("/var/lib/kubelet/pki/kubelet.crt", "broken");
    assert!(criticals(&checked(&node).findings).contains(&"kubelet.crt x509.none".into()));
}

/// A kubelet's serving pair, valid for so many days, signed by itself.
fn serving(days: i64) -> [Vec<u8>; 2] {
    let (own, key) = (authority("worker@1", days), ecdsa_key());
    let template = kubepki::x509::CertificateTemplate {
        extended_key_usages: vec![kubepki::x509::ExtendedKeyUsage::ServerAuth],
        ..template_of(own.certificate())
    };
    let own = template.self_sign(&SerialNumber::random().unwrap(), &key).unwrap();
    [own.to_pem(), key.to_pem().expose().to_vec()]
}

#[test]
fn a_kubelet_is_judged_by_what_it_serves_with() {
    let node = Node::golden("ecdsa-p256");
    let put = |certificate: &str, key: &str, days| {
        let [own, private] = serving(days);
        if certificate == key {
            node.write(key, [own, private].concat());
        } else {
            node.write(certificate, own);
            node.write(key, private);
        }
        node.set_mode(key, 0o600);
    };
    let said = || {
        let report = checked(&node);
        let one = |one: &kubepki::audit::Finding| format!("{} {} {}", one.severity, one.subject, one.code);
        // What else it is told is judged besides.
        let besides = |code: &str| code.starts_with("flag.") || code == "certificate.not_node_name";
        let is_of_certificate = |one: &&kubepki::audit::Finding| !besides(one.code.as_str());
        let findings: Vec<_> = report.findings.iter().filter(is_of_certificate).map(one).collect();
        (findings, seen(&report)[15..].iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    };
    let pki = "/var/lib/kubelet/pki";
    let (own, key, server) =
        (format!("{pki}/kubelet.crt"), format!("{pki}/kubelet.key"), format!("{pki}/kubelet-server-current.pem"));
    put(&own, &key, 3);
    let info = |subject: &str| vec![format!("info {subject} certificate.expires_soon")];
    let critical = |subject: &str| vec![format!("critical {subject} certificate.expires_soon")];

    node.write("/var/lib/kubelet/config.yaml", "kind: KubeletConfiguration\n");
    assert_eq!(said(), (critical("kubelet.crt"), vec!["kubelet.crt".to_owned()]));

    node.write("/var/lib/kubelet/config.yaml", "serverTLSBootstrap: true\n");
    let pending = "critical kubelet-server-current.pem certificate.pending".to_owned();
    assert_eq!(said(), ([vec![pending], info("kubelet.crt")].concat(), vec![]));
    let report = checked(&node);
    assert_eq!(find(&report.findings, "certificate.expires_soon").remedy, "nothing; it may be removed");
    assert!(find(&report.findings, "certificate.pending").remedy.contains("`kubepki kubelet csrs`"));

    node.write("/var/lib/kubelet/config.yaml", "{}\n");
    node.write("/var/lib/kubelet/kubeadm-flags.env", "KUBELET_KUBEADM_ARGS=\"--rotate-server-certificates=true\"\n");
    assert_eq!(said().0.len(), 2, "the flag asks for it too");
    let from_ca = node.issuer("ca");
    let (mut template, key_of_server) = (template_of(&node.certificate("apiserver")), ecdsa_key());
    template.not_after = node.now + TimeDelta::days(300);
    let serial = SerialNumber::random().unwrap();
    let issued = template.issue(&serial, key_of_server.public_key_info(), &from_ca).unwrap();
    node.write(&server, [issued.to_pem(), key_of_server.to_pem().expose().to_vec()].concat());
    node.set_mode(&server, 0o600);
    assert_eq!(said(), (info("kubelet.crt"), vec!["kubelet-server-current.pem".to_owned()]));
    node.remove("/var/lib/kubelet/kubeadm-flags.env");

    node.write("/var/lib/kubelet/config.yaml", "tlsCertFile: /srv/k.crt\ntlsPrivateKeyFile: /srv/k.key\n");
    let missing = "critical kubelet-server file.missing".to_owned();
    assert_eq!(said(), ([vec![missing], info("kubelet.crt")].concat(), vec![]));
    put("/srv/k.crt", "/srv/k.key", 300);
    assert_eq!(said(), (info("kubelet.crt"), vec!["kubelet-server".to_owned()]));
}

#[test]
fn a_controller_manager_that_would_not_start_again_is_a_warning() {
    let node = Node::golden("ecdsa-p256");
    let (ca, key) = ("/etc/kubernetes/pki/ca.crt", "/etc/kubernetes/pki/ca.key");
    let others = format!("--root-ca-file={ca}, --service-account-private-key-file=/etc/kubernetes/pki/sa.key");
    let flags = format!("--cluster-signing-cert-file={ca}, --cluster-signing-key-file={key}, {others}");
    let manifest = "/etc/kubernetes/manifests/kube-controller-manager.yaml";
    node.write(manifest, format!("spec: {{containers: [{{command: [kube-controller-manager, {flags}]}}]}}"));
    assert_eq!(problems(&checked(&node).findings), [""; 0]);

    let alone = node.read(ca);
    node.write(ca, [alone.clone(), authority("other", 3000).certificate().to_pem()].concat());
    let report = checked(&node);
    let finding = find(&report.findings, "component.would_not_start");
    assert_eq!((report.status, finding.subject.as_str()), (Status::Warning, "kube-controller-manager"));
    assert!(finding.evidence.contains("holds 2 certificates"), "{finding:?}");
    assert!(finding.remedy.contains("`openssl x509 -in ") && finding.remedy.contains("ca-signing.crt`"), "{finding:?}");

    node.write(ca, alone);
    node.remove(key);
    let report = checked(&node);
    assert!(find(&report.findings, "component.would_not_start").evidence.contains("ca.key is missing"));
}

#[test]
fn a_kubelet_link_that_leads_nowhere_is_one_finding() {
    let node = Node::golden("ecdsa-p256");
    let text = node.read("/etc/kubernetes/kubelet.conf");
    let pem = [embedded(&text, "client-certificate-data"), embedded(&text, "client-key-data")].concat();
    let current = "/var/lib/kubelet/pki/kubelet-client-current.pem";
    node.write("/var/lib/kubelet/pki/kubelet-client-2026.pem", &pem);
    node.set_mode("/var/lib/kubelet/pki/kubelet-client-2026.pem", 0o600);
    std::os::unix::fs::symlink("kubelet-client-2020.pem", node.path(current)).unwrap();
    node.edit("/etc/kubernetes/kubelet.conf", |text| {
        let (head, _) = text.split_once("    client-certificate-data").unwrap();
        format!("{head}    client-certificate: {current}\n    client-key: {current}\n")
    });
    let report = checked(&node);
    assert_eq!(criticals(&report.findings), ["kubelet.conf store.dangling_symlink"]);
    let remedy = &report.findings[0].remedy;
    assert!(remedy.contains("ln -s -f -n kubelet-client-2026.pem") && !remedy.contains("`rm "), "{remedy}");
    node.remove(current);
    assert_eq!(criticals(&checked(&node).findings), ["kubelet.conf file.missing"]);
}

fn with_extra(node: &Node, extra: &str) -> CheckReport {
    check(&CheckRequest { extra: vec![extra.into()], ..request(node) }, node.now).unwrap()
}

#[test]
fn files_and_folders_besides_are_checked() {
    let node = Node::golden("ecdsa-p256");
    let pem = authority("soon", 10).certificate().to_pem();
    node.write("/srv/a.crt", &pem);
    node.write("/srv/below/chain.pem", [authority("one", 100).certificate().to_pem(), pem].concat());
    node.write("/srv/README", "nothing");
    node.write("/srv/key.pem", ecdsa_key().to_pem().expose());
    node.write("/srv/user.conf", node.read("/etc/kubernetes/admin.conf"));
    let report = with_extra(&node, "/srv");
    let names: Vec<_> = seen(&report)[15..].to_vec();
    assert_eq!(names, ["/srv/a.crt", "/srv/below/chain.pem", "/srv/below/chain.pem", "/srv/user.conf"]);
    assert_eq!(report.status, Status::Warning);
    assert_eq!(
        problems(&report.findings),
        [
            "/srv/a.crt certificate.expires_soon",
            "/srv/below/chain.pem certificate.expires_soon",
            "/srv/user.conf file.mode_too_wide"
        ]
    );
    assert_eq!(seen(&with_extra(&node, "/srv/a.crt"))[15..], ["/srv/a.crt"]);
}

#[test]
fn a_folder_may_hold_what_is_no_certificate() {
    let node = Node::golden("ecdsa-p256");
    node.write("/srv/empty", "");
    node.write("/srv/pod.yaml", "apiVersion: v1\nkind: Pod\n");
    node.write("/srv/noise", [0xff; 300]);
    fs::File::create(node.path("/srv/log")).unwrap().set_len(100 << 20).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(node.path("/srv/socket")).unwrap();
    let report = with_extra(&node, "/srv");
    assert_eq!((report.status, report.findings.len()), (Status::Ok, 0), "{:?}", report.findings);
    std::os::unix::fs::symlink("nowhere", node.path("/srv/tls.crt")).unwrap();
    let report = with_extra(&node, "/srv");
    assert_eq!(criticals(&report.findings), ["/srv store.dangling_symlink"]);
    assert!(report.findings[0].evidence.contains("/srv/tls.crt"), "{:?}", report.findings);
}

#[test]
fn a_file_that_was_named_must_hold_a_certificate() {
    let node = Node::golden("ecdsa-p256");
    node.write("/srv/README", "nothing");
    node.write("/srv/key.pem", ecdsa_key().to_pem().expose());
    fs::File::create(node.path("/srv/large")).unwrap().set_len(100 << 20).unwrap();
    for (file, code) in [
        ("/srv/README", "x509.none"),
        ("/srv/key.pem", "x509.other_format"),
        ("/srv/absent", "store.missing"),
        ("/srv/large", "store.too_large"),
        ("/srv/README/below", "store.not_a_directory"),
    ] {
        let report = with_extra(&node, file);
        assert_eq!(criticals(&report.findings), [format!("{file} {code}")], "{file}");
        assert_eq!(report.status, Status::Critical);
        assert!(!report.findings[0].remedy.is_empty());
    }
}

#[test]
fn a_damaged_certificate_in_a_folder_is_not_passed_over() {
    let node = Node::golden("ecdsa-p256");
    let pem = authority("cut", 300).certificate().to_pem();
    node.write("/srv/cut.crt", &pem[..pem.len() / 2]);
    let report = with_extra(&node, "/srv");
    assert_eq!(report.status, Status::Critical, "{:?}", report.findings);
    assert!(criticals(&report.findings)[0].starts_with("/srv/cut.crt x509."), "{:?}", report.findings);
}

#[test]
fn a_kubeconfig_besides_may_refer_to_files_or_carry_a_token() {
    let node = Node::golden("ecdsa-p256");
    let text = node.read("/etc/kubernetes/admin.conf");
    let head = String::from_utf8(text.clone()).unwrap();
    let head = head.split_once("    client-certificate-data").unwrap().0.to_owned();
    node.write("/home/tls/c.pem", embedded(&text, "client-certificate-data"));
    node.write("/home/tls/k.pem", embedded(&text, "client-key-data"));
    node.write("/home/by-path.conf", format!("{head}    client-certificate: tls/c.pem\n    client-key: tls/k.pem\n"));
    node.write("/home/token.conf", format!("{head}    token: secret\n"));
    for file in ["/home/by-path.conf", "/home/token.conf"] {
        node.set_mode(file, 0o600);
    }
    let report = with_extra(&node, "/home/by-path.conf");
    assert_eq!((report.status, report.findings.len()), (Status::Ok, 0), "{:?}", report.findings);
    assert_eq!(report.certificates[15].path, std::path::Path::new("/home/tls/c.pem"));
    let report = with_extra(&node, "/home/token.conf");
    assert_eq!(report.status, Status::Ok, "{:?}", report.findings);
    assert_eq!(find(&report.findings, "kubeconfig.no_certificate").subject, "/home/token.conf");
}

#[test]
fn garbage_in_every_file_is_reported_and_never_a_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let clean = Node::golden("ecdsa-p256");
    let all = files(&clean.path("/etc/kubernetes"));
    for round in 0..40 {
        let node = Node::golden("ecdsa-p256");
        for file in &all {
            let path = format!("/etc/kubernetes/{}", file.display());
            let mut content = node.read(&path);
            for _ in 0..=random() % 4 {
                let at = usize::try_from(random()).unwrap() % content.len();
                match random() % 3 {
                    0 => content[at] = random().to_le_bytes()[0],
                    1 => drop(content.drain(at..)),
                    _ => content.insert(at, random().to_le_bytes()[0]),
                }
                if content.is_empty() {
                    break;
                }
            }
            node.write(&path, content);
        }
        for request in [request(&node), without_config(&node)] {
            let report = check(&CheckRequest { extra: vec!["/etc/kubernetes".into()], ..request }, node.now).unwrap();
            assert_eq!(report.status, Status::Critical, "round {round}");
            assert!(
                report.findings.iter().all(|one| !one.remedy.is_empty() && !one.code.as_str().is_empty()),
                "round {round}"
            );
        }
        assert!(node.plan().is_blocked(), "round {round}");
    }
}

/// The warnings of `kubelet.conf`'s server, on a node of this configuration whose file names `server`.
fn server_findings(config: &str, server: &str) -> usize {
    let node = Node::made(CONTROL_PLANE);
    let text = String::from_utf8(node.read("/etc/kubernetes/kubelet.conf")).unwrap();
    node.write("/etc/kubernetes/kubelet.conf", text.replace("https://192.0.2.10:6443", server));
    let node_request = kubepki::ops::NodeRequest { config_text: Some(config.into()), ..without_config(&node).node };
    let report = check(&CheckRequest { node: node_request, ..request(&node) }, node.now).unwrap();
    let is_it = |one: &&kubepki::audit::Finding| one.code == "kubeconfig.other_server" && one.subject == "kubelet.conf";
    report.findings.iter().filter(is_it).count()
}

#[test]
fn the_server_of_the_kubelet_is_judged_by_what_made_its_kubeconfig() {
    let cluster = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.34.0\n";
    let endpoint = format!("{cluster}controlPlaneEndpoint: api.example.test:6443\n");
    let init = "---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nlocalAPIEndpoint:\n  \
                advertiseAddress: 192.0.2.10\nnodeRegistration:\n  name: cp1\n";
    let join = "---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\ndiscovery:\n  bootstrapToken:\n    \
                apiServerEndpoint: 192.0.2.7:6443\n    token: abcdef.0123456789abcdef\n    unsafeSkipCAVerification: true\n\
                nodeRegistration:\n  name: cp1\n";
    let control_plane = "controlPlane:\n  localAPIEndpoint:\n    advertiseAddress: 192.0.2.10\n";
    for (config, server, wanted) in [
        (format!("{endpoint}{init}"), "https://192.0.2.10:6443", 0),
        (format!("{endpoint}{init}"), "https://api.example.test:6443", 0),
        (format!("{endpoint}{init}"), "https://192.0.2.99:6443", 1),
        // Joined, over whichever endpoint it was told.
        (format!("{endpoint}{join}{control_plane}"), "https://192.0.2.7:6443", 0),
        (format!("{cluster}{join}"), "https://192.0.2.7:6443", 0),
        (format!("{cluster}{join}"), "https://192.0.2.99:6443", 1),
        // The cluster's configuration alone does not say which node this is.
        (cluster.to_owned(), "https://192.0.2.99:6443", 0),
        (endpoint, "https://192.0.2.99:6443", 0),
    ] {
        assert_eq!(server_findings(&config, server), wanted, "{server} in\n{config}");
    }
}
