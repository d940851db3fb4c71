//! `certs import`: what was signed elsewhere comes into its place, or nothing does and every reason is reported.

use chrono::TimeDelta;
use kubepki::ops::check::{self, CheckRequest};
use kubepki::plan::{Action, Plan};
use kubepki::x509::{Certificate, ExtendedKeyUsage, KeyUsage, SerialNumber, SubjectAltNames, read_certificates};

use super::external::*;
use super::support::*;

const SIGNED: &str = "/signed";

fn pem(certificates: &[&Certificate]) -> Vec<u8> {
    certificates.iter().flat_map(|one| one.to_pem()).collect()
}

/// Plans the import of the whole folder, and shows that a blocked plan changes nothing.
fn refused(node: &Node) -> Plan {
    let plan = plan_import(node, &[SIGNED]);
    let before = node.snapshot();
    assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.blocked");
    assert_eq!(node.snapshot(), before);
    plan
}

#[test]
fn a_signed_tree_is_installed_once() {
    let (node, owner) = requested();
    owner.sign_all(&node, SIGNED);
    let plan = plan_import(&node, &[SIGNED]);
    assert_eq!(problems(&plan.findings), Vec::<String>::new());
    assert_eq!(plan.changes().count(), 12);
    assert!(plan.changes().all(|one| one.action() == Action::Install));
    let written: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    let report = apply_plan(&written).unwrap();
    assert_eq!(report.changed.len(), 12);
    for (place, ..) in PLACES {
        let path = format!("/etc/kubernetes/{place}.crt");
        assert_eq!(node.read(&path), node.read(&format!("{SIGNED}/{place}.crt")), "{place}");
        let there = report.changed.iter().find(|one| one.files.iter().any(|file| file.ends_with(&path[1..])));
        let serial = read_certificates(&node.read(&path)).unwrap()[0].serial().to_string();
        assert_eq!(there.and_then(|one| one.serial.clone()), Some(serial), "{place}");
    }
    let before = node.snapshot();
    let again = plan_import(&node, &[SIGNED]);
    assert!(again.is_empty());
    assert_eq!(apply_plan(&again).unwrap().changed, []);
    // And those beside their requests, which is where they are now.
    let beside = plan_import(&node, &[]);
    assert_eq!((beside.artefacts.len(), beside.is_empty(), beside.is_blocked()), (12, true, false));
    assert_eq!(node.snapshot(), before);
}

#[test]
fn the_pairs_of_an_imported_tree_are_clean() {
    let (node, owner) = requested();
    owner.sign_all(&node, SIGNED);
    apply_plan(&plan_import(&node, &[SIGNED])).unwrap();
    let request = CheckRequest { node: node.request.node.clone(), ..CheckRequest::default() };
    let report = check::check(&request, node.now).unwrap();
    let pairs: Vec<_> = problems(&report.findings).into_iter().filter(|one| !one.contains(".conf ")).collect();
    assert_eq!(pairs, Vec::<String>::new());
}

#[test]
fn what_is_not_signed_yet_is_a_row_and_no_fault() {
    let (node, owner) = requested();
    node.write("/signed/apiserver.crt", owner.sign(&node, "pki/apiserver").to_pem());
    let plan = plan_import(&node, &[SIGNED]);
    assert_eq!(plan.changes().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["apiserver"]);
    assert_eq!(plan.artefacts.iter().filter(|one| one.action() == Action::Skip).count(), 11);
    assert_eq!(plan.findings, []);
}

#[test]
fn names_tell_in_every_usual_form_and_keys_tell_where_they_do_not() {
    let (node, owner) = requested();
    for (file, place) in [
        ("apiserver.pem", "pki/apiserver"),
        ("etcd-server.crt", "pki/etcd/server"),
        ("etcd/peer.cer", "pki/etcd/peer"),
        ("0001.pem", "pki/front-proxy-client"),
        ("cert from our CA.crt", "admin.conf"),
    ] {
        node.write(&format!("{SIGNED}/{file}"), owner.sign(&node, place).to_pem());
    }
    let plan = plan_import(&node, &[SIGNED]);
    assert_eq!(problems(&plan.findings), Vec::<String>::new());
    let names: Vec<_> = plan.changes().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["apiserver", "front-proxy-client", "etcd-server", "etcd-peer", "admin.conf"]);
}

#[test]
fn every_fault_of_every_file_is_told_at_once_and_nothing_changes() {
    let (node, owner) = requested();
    owner.sign_all(&node, SIGNED);
    let put = |place: &str, certificate: &Certificate| {
        node.write(&format!("{SIGNED}/{place}.crt"), certificate.to_pem());
    };
    // Swapped files.
    put("pki/apiserver", &owner.sign(&node, "pki/apiserver-kubelet-client"));
    put("pki/apiserver-kubelet-client", &owner.sign(&node, "pki/apiserver"));
    // Another CA.
    let stranger = authority("kubernetes", 1000);
    let scheduler = template_of(&owner.sign(&node, "scheduler.conf"));
    let request =
        kubepki::x509::CertificateRequest::from_pem(&node.read("/etc/kubernetes/scheduler.conf.csr")).unwrap();
    put(
        "scheduler.conf",
        &scheduler.issue(&SerialNumber::random().unwrap(), request.public_key_info(), &stranger).unwrap(),
    );
    // Names lost on the way, as the documented script without -copy_extensions does it.
    put(
        "pki/etcd/server",
        &owner.sign_with(&node, "pki/etcd/server", |one| one.subject_alt_names = SubjectAltNames::default()),
    );
    // For servers alone.
    put(
        "pki/etcd/peer",
        &owner.sign_with(&node, "pki/etcd/peer", |one| one.extended_key_usages = vec![ExtendedKeyUsage::ServerAuth]),
    );
    // Out of its time, on both sides.
    put("admin.conf", &owner.sign_with(&node, "admin.conf", |one| one.not_after = now() - TimeDelta::minutes(1)));
    put("kubelet.conf", &owner.sign_with(&node, "kubelet.conf", |one| one.not_before = now() + TimeDelta::hours(1)));
    // A CA, and one whose key may sign nothing that TLS asks for.
    put("controller-manager.conf", &owner.sign_with(&node, "controller-manager.conf", |one| one.is_ca = true));
    put(
        "super-admin.conf",
        &owner.sign_with(&node, "super-admin.conf", |one| one.key_usages = vec![KeyUsage::KeyEncipherment]),
    );
    // A key that is on no node, and a file that is cut off.
    let other = ecdsa_key();
    let template = template_of(&owner.sign(&node, "pki/apiserver-etcd-client"));
    put(
        "pki/apiserver-etcd-client",
        &template.issue(&SerialNumber::random().unwrap(), other.public_key_info(), owner.issuer("etcd/ca")).unwrap(),
    );
    let whole = owner.sign(&node, "pki/front-proxy-client").to_pem();
    node.write("/signed/pki/front-proxy-client.crt", &whole[..whole.len() / 2]);

    let plan = refused(&node);
    assert_eq!(
        criticals(&plan.findings),
        [
            "admin.conf certificate.expired",
            "apiserver certificate.missing_names",
            "apiserver certificate.missing_usages",
            "apiserver key.mismatch",
            "apiserver-etcd-client key.mismatch",
            "apiserver-kubelet-client key.mismatch",
            "controller-manager.conf certificate.is_an_authority",
            "etcd-peer certificate.missing_usages",
            "etcd-server certificate.missing_names",
            "front-proxy-client x509.damaged",
            "kubelet.conf certificate.not_yet_valid",
            "scheduler.conf certificate.untrusted",
        ]
    );
    let swapped = plan.findings.iter().find(|one| one.subject == "apiserver" && one.code == "key.mismatch").unwrap();
    assert!(swapped.evidence.ends_with("; it belongs to apiserver-kubelet-client"), "{}", swapped.evidence);
    assert_eq!(action(&plan, "etcd-healthcheck-client"), Action::Install);
    assert_eq!(action(&plan, "apiserver"), Action::Blocked);
}

#[test]
fn force_lifts_what_a_certificate_says_and_never_its_key() {
    let (node, owner) = requested();
    let bare = owner.sign_with(&node, "pki/etcd/server", |one| one.subject_alt_names = SubjectAltNames::default());
    node.write("/signed/etcd/server.crt", bare.to_pem());
    let request = kubepki::ops::import::ImportRequest { force: true, ..import_request(&node, &[SIGNED]) };
    let plan = plan_request(&node, &request);
    assert_eq!(problems(&plan.findings), ["etcd-server certificate.missing_names"]);
    assert!(!plan.is_blocked());
    apply_plan(&plan).unwrap();
    assert_eq!(node.certificate("etcd/server"), bare);

    node.write("/signed/etcd/server.crt", owner.sign(&node, "pki/etcd/peer").to_pem());
    assert_eq!(criticals(&plan_request(&node, &request).findings), ["etcd-server key.mismatch"]);
    node.write("/signed/etcd/server.crt", owner.sign_with(&node, "pki/etcd/server", |one| one.is_ca = true).to_pem());
    let plan = plan_request(&node, &request);
    assert_eq!(criticals(&plan.findings), ["etcd-server certificate.is_an_authority"]);
}

#[test]
fn a_chain_comes_in_order_without_its_root() {
    let (node, owner) = requested();
    let root = owner.issuer("ca");
    let key = ecdsa_key();
    let lower = authority_template("issuing", 300)
        .issue(&SerialNumber::random().unwrap(), key.public_key_info(), root)
        .unwrap();
    let lower = kubepki::x509::Issuer::new(lower, key).unwrap();
    let template = template_of(&owner.sign(&node, "pki/apiserver"));
    let leaf =
        template.issue(&SerialNumber::random().unwrap(), node.key("apiserver").public_key_info(), &lower).unwrap();
    let mut file = b"subject=/CN=issuing\nissuer=/CN=kubernetes\n".to_vec();
    file.extend(pem(&[lower.certificate(), root.certificate()]));
    file.extend(b"subject=/CN=kube-apiserver\r\n");
    file.extend(pem(&[&leaf]));
    node.write("/signed/apiserver.crt", file);
    let plan = plan_import(&node, &[SIGNED]);
    assert_eq!(problems(&plan.findings), Vec::<String>::new());
    apply_plan(&plan).unwrap();
    assert_eq!(node.read("/etc/kubernetes/pki/apiserver.crt"), pem(&[&leaf, lower.certificate()]));

    // In its place, and out of order there: put in order.
    node.write("/etc/kubernetes/pki/apiserver.crt", pem(&[lower.certificate(), &leaf]));
    let plan = plan_import(&node, &[]);
    assert_eq!(plan.changes().map(|one| one.reason.as_str()).collect::<Vec<_>>(), ["put in order"]);
    apply_plan(&plan).unwrap();
    assert_eq!(node.read("/etc/kubernetes/pki/apiserver.crt"), pem(&[&leaf, lower.certificate()]));
}

#[test]
fn a_new_key_comes_with_its_certificate_or_not_at_all() {
    let (node, owner) = requested();
    owner.sign_all(&node, SIGNED);
    apply_plan(&plan_import(&node, &[SIGNED])).unwrap();
    let old = node.certificate("front-proxy-client");
    let key = ecdsa_key();
    let new = template_of(&old)
        .issue(&SerialNumber::random().unwrap(), key.public_key_info(), owner.issuer("front-proxy-ca"))
        .unwrap();
    node.write("/renewed/front-proxy-client.crt", new.to_pem());
    assert_eq!(criticals(&plan_import(&node, &["/renewed"]).findings), ["front-proxy-client key.mismatch"]);

    node.write("/renewed/front-proxy-client.key", key.to_pem().expose());
    let plan = plan_import(&node, &["/renewed"]);
    assert!(!serde_json::to_string(&plan).unwrap().contains("PRIVATE KEY"));
    assert_eq!(plan.changes().map(|one| one.reason.as_str()).collect::<Vec<_>>(), ["new certificate with a new key"]);
    // Another key in its place since: the plan is stale, nothing changes.
    let before = node.snapshot();
    node.write("/renewed/front-proxy-client.key", ecdsa_key().to_pem().expose());
    assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.stale");
    node.write("/renewed/front-proxy-client.key", key.to_pem().expose());
    assert_eq!(node.snapshot(), before);

    let report = apply_plan(&plan).unwrap();
    assert_eq!(report.changed[0].previous_serial, Some(old.serial().to_string()));
    assert_eq!(node.certificate("front-proxy-client"), new);
    assert_eq!(node.read("/etc/kubernetes/pki/front-proxy-client.key"), key.to_pem().expose());
    let mode = std::fs::metadata(node.path("/etc/kubernetes/pki/front-proxy-client.key")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777, 0o600);
    assert!(plan_import(&node, &["/renewed"]).is_empty());
}

#[test]
fn a_kubeconfig_s_new_key_waits_beside_it() {
    let (node, owner) = requested();
    let key = ecdsa_key();
    let template = template_of(&owner.sign(&node, "admin.conf"));
    let new = template.issue(&SerialNumber::random().unwrap(), key.public_key_info(), owner.issuer("ca")).unwrap();
    node.write("/renewed/admin.conf.crt", new.to_pem());
    let config = String::from_utf8(node.read("/etc/kubernetes/admin.conf")).unwrap();
    let data = config.lines().find(|line| line.contains("client-key-data")).unwrap().trim().to_owned();
    let renewed = config.replace(&data, &format!("client-key-data: {}", base64(key.to_pem().expose())));
    node.write("/renewed/admin.conf", renewed);
    apply_plan(&plan_import(&node, &["/renewed"])).unwrap();
    assert_eq!(node.read("/etc/kubernetes/admin.conf.key"), key.to_pem().expose());
    assert_eq!(String::from_utf8(node.read("/etc/kubernetes/admin.conf")).unwrap(), config);
}

#[test]
fn what_belongs_to_nobody_is_passed_over_in_a_folder_and_refused_by_name() {
    let (node, owner) = requested();
    let stranger = authority("their root", 100);
    let template = template_of(&owner.sign(&node, "admin.conf"));
    let leaf = template.issue(&SerialNumber::random().unwrap(), ecdsa_key().public_key_info(), &stranger).unwrap();
    node.write("/signed/other-node.crt", leaf.to_pem());
    node.write("/signed/their-root.crt", stranger.certificate().to_pem());
    let plan = plan_import(&node, &[SIGNED]);
    assert_eq!(problems(&plan.findings), ["/signed/other-node.crt import.unmatched"]);
    assert!(!plan.is_blocked());
    let plan = plan_import(&node, &["/signed/other-node.crt"]);
    assert_eq!(criticals(&plan.findings), ["/signed/other-node.crt import.unmatched"]);
}

#[test]
fn two_certificates_for_one_place_are_not_guessed_between() {
    let (node, owner) = requested();
    node.write("/signed/apiserver.crt", owner.sign(&node, "pki/apiserver").to_pem());
    node.write("/signed/second.crt", owner.sign(&node, "pki/apiserver").to_pem());
    assert_eq!(criticals(&refused(&node).findings), ["apiserver import.ambiguous"]);
    let two = [owner.sign(&node, "pki/apiserver"), owner.sign(&node, "admin.conf")];
    node.write("/signed/second.crt", pem(&[&two[0], &two[1]]));
    assert_eq!(criticals(&refused(&node).findings), ["/signed/second.crt import.ambiguous"]);
    let error = kubepki::ops::import::plan(&import_request(&node, &["/no/such.crt"]), now()).unwrap_err();
    assert_eq!(error.code(), "store.missing");
}

#[test]
fn external_cas_come_with_their_certificates_and_never_with_a_key() {
    let (node, owner) = requested();
    owner.sign_all(&node, SIGNED);
    for name in ["ca", "front-proxy-ca", "etcd/ca"] {
        node.remove(&format!("/etc/kubernetes/pki/{name}.crt"));
        node.write(&format!("{SIGNED}/pki/{name}.crt"), owner.issuer(name).certificate().to_pem());
        let key = std::fs::read(case(CASE).join(format!("kubernetes/pki/{name}.key"))).unwrap();
        node.write(&format!("{SIGNED}/pki/{name}.key"), key);
    }
    node.write("/alone/apiserver.crt", owner.sign(&node, "pki/apiserver").to_pem());
    assert_eq!(criticals(&plan_import(&node, &["/alone"]).findings), ["apiserver authority.missing"]);
    let plan = plan_import(&node, &[SIGNED]);
    assert_eq!(problems(&plan.findings), Vec::<String>::new());
    assert_eq!(plan.changes().count(), 15);
    apply_plan(&plan).unwrap();
    assert_eq!(node.certificate("etcd/ca"), *owner.issuer("etcd/ca").certificate());
    assert!(!node.path("/etc/kubernetes/pki/ca.key").exists());
}

#[test]
fn a_ca_is_replaced_only_if_all_that_is_there_stands_under_the_new_file() {
    let (node, owner) = requested();
    owner.sign_all(&node, SIGNED);
    apply_plan(&plan_import(&node, &[SIGNED])).unwrap();
    let (old, new) = (owner.issuer("ca").certificate().clone(), authority("kubernetes", 3000));
    node.write("/new/ca.crt", new.certificate().to_pem());
    let plan = plan_import(&node, &["/new"]);
    let expected = ["apiserver certificate.untrusted", "apiserver-kubelet-client certificate.untrusted"];
    assert_eq!(criticals(&plan.findings), expected);

    node.write("/new/ca.crt", pem(&[&old, new.certificate()]));
    let plan = plan_import(&node, &["/new"]);
    assert_eq!(problems(&plan.findings), Vec::<String>::new());
    apply_plan(&plan).unwrap();
    assert_eq!(node.read("/etc/kubernetes/pki/ca.crt"), pem(&[&old, new.certificate()]));

    // The new CA first: it works, and kubeadm would not see it.
    let leaf = template_of(&node.certificate("apiserver"));
    let leaf = leaf.issue(&SerialNumber::random().unwrap(), node.key("apiserver").public_key_info(), &new).unwrap();
    node.write("/leaf/apiserver.crt", leaf.to_pem());
    let plan = plan_import(&node, &["/leaf"]);
    assert_eq!((problems(&plan.findings), plan.is_blocked()), (vec!["apiserver certificate.untrusted".into()], false));

    node.write("/new/ca.crt", owner.sign(&node, "admin.conf").to_pem());
    assert!(criticals(&plan_import(&node, &["/new"]).findings).contains(&"ca authority.not_an_authority".into()));
}

#[test]
fn a_ca_whose_key_is_here_stays_first_in_its_file() {
    let node = Node::made(CONTROL_PLANE);
    let (old, new) = (node.certificate("ca"), authority("kubernetes", 3000));
    node.write("/new/ca.crt", pem(&[new.certificate(), &old]));
    assert_eq!(criticals(&plan_import(&node, &["/new"]).findings), ["ca key.mismatch"]);
    node.write("/new/ca.crt", pem(&[&old, new.certificate()]));
    let plan = plan_import(&node, &["/new"]);
    assert_eq!(problems(&plan.findings), Vec::<String>::new());
    assert_eq!(rows(&plan), ["ca trust"]);
}

#[test]
fn a_certificate_without_its_key_on_the_node_is_refused() {
    let (node, owner) = requested();
    node.write("/signed/apiserver.crt", owner.sign(&node, "pki/apiserver").to_pem());
    node.remove("/etc/kubernetes/pki/apiserver.key");
    assert_eq!(criticals(&refused(&node).findings), ["apiserver file.missing"]);
    node.write("/etc/kubernetes/pki/apiserver.key", "no key");
    assert_eq!(criticals(&refused(&node).findings), ["apiserver key.mismatch", "apiserver key.none"]);
}

#[test]
fn a_request_for_another_key_is_told_and_its_names_do_not_count() {
    let (node, owner) = requested();
    let certificate = owner.sign(&node, "pki/apiserver");
    node.write("/signed/apiserver.crt", certificate.to_pem());
    node.write("/etc/kubernetes/pki/apiserver.csr", node.read("/etc/kubernetes/pki/etcd/peer.csr"));
    let plan = plan_import(&node, &[SIGNED]);
    assert_eq!((problems(&plan.findings), plan.is_blocked()), (vec!["apiserver request.other_key".into()], false));
    let long = owner.sign_with(&node, "admin.conf", |one| one.not_after = days(9000));
    node.write("/signed/admin.conf.crt", long.to_pem());
    assert!(
        problems(&plan_import(&node, &[SIGNED]).findings).contains(&"admin.conf certificate.outlives_authority".into())
    );
}
