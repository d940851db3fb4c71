//! What is there already is used and never overwritten.

use kubepki::key::Algorithm;
use kubepki::ops::apply::{Continue, apply};
use kubepki::plan::generate::{OutliveAuthority, Selection};
use kubepki::plan::{Action, Artefact, Creation, Plan, Step};
use x509_parser::pem::Pem;

use serde_json::json;

use super::support::*;

#[test]
fn only_what_is_missing_is_made_and_nothing_else_changes_a_byte() {
    let node = Node::made(CONTROL_PLANE);
    for file in ["pki/apiserver.crt", "pki/apiserver.key", "pki/sa.pub", "scheduler.conf"] {
        node.remove(&format!("/etc/kubernetes/{file}"));
    }
    let before = node.snapshot();
    let report = node.apply();
    let names: Vec<_> = report.changed.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["apiserver", "sa", "scheduler.conf"]);
    let after = node.snapshot();
    for (path, state) in &before {
        assert_eq!(after.get(path), Some(state), "{}", path.display());
    }
    assert_eq!(after.len(), before.len() + 4);
    assert_eq!(node.read("/etc/kubernetes/pki/sa.pub"), node.key("sa").public_key_pem());
}

#[test]
fn the_report_names_what_is_on_disk() {
    let node = Node::empty(CONTROL_PLANE);
    let report = node.apply();
    let apiserver = report.changed.iter().find(|one| one.name == "apiserver").unwrap();
    let certificate = node.certificate("apiserver");
    assert_eq!(apiserver.serial, Some(certificate.serial().to_string()));
    assert_eq!(apiserver.expires_at, Some(certificate.not_after()));
    let files: Vec<_> = apiserver.files.iter().map(|file| file.to_str().unwrap()).collect();
    assert_eq!(files, ["/etc/kubernetes/pki/apiserver.key", "/etc/kubernetes/pki/apiserver.crt"]);
    let service_account = report.changed.iter().find(|one| one.name == "sa").unwrap();
    assert_eq!((service_account.serial.as_ref(), service_account.expires_at), (None, None));
}

#[test]
fn a_plan_carries_no_key_and_survives_being_written_down() {
    let node = Node::empty(CONTROL_PLANE);
    let plan = node.plan();
    let text = serde_json::to_string(&plan).unwrap();
    assert!(!text.contains("PRIVATE KEY"));
    let read: Plan = serde_json::from_str(&text).unwrap();
    assert_eq!(read, plan);
    assert_eq!(apply_plan(&read).unwrap().changed.len(), 16);
    assert!(node.plan().is_empty());
}

#[test]
fn planning_touches_nothing() {
    let node = Node::empty(CONTROL_PLANE);
    let before = node.snapshot();
    assert_eq!(node.plan().changes().count(), 16);
    assert_eq!(node.snapshot(), before);
}

#[test]
fn a_plan_is_refused_once_its_files_have_changed() {
    let node = Node::made(CONTROL_PLANE);
    node.remove("/etc/kubernetes/admin.conf");
    let plan = node.plan();
    node.edit("/etc/kubernetes/kubelet.conf", |text| text.replace("192.0.2.10", "192.0.2.99"));
    let before = node.snapshot();
    let error = apply_plan(&plan).unwrap_err();
    assert_eq!(error.code(), "plan.stale");
    assert_eq!(error.category().exit_code(), 4);
    assert!(error.to_string().contains("/etc/kubernetes/kubelet.conf"), "{error}");
    assert_eq!(node.snapshot(), before);
}

#[test]
fn a_plan_is_refused_once_somebody_else_has_made_the_file() {
    let node = Node::made(CONTROL_PLANE);
    node.remove("/etc/kubernetes/admin.conf");
    let plan = node.plan();
    node.write("/etc/kubernetes/admin.conf", "somebody else's");
    assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.stale");
    assert_eq!(node.read("/etc/kubernetes/admin.conf"), b"somebody else's");
}

#[test]
fn the_same_plan_cannot_be_applied_twice() {
    let node = Node::empty(CONTROL_PLANE);
    let plan = node.plan();
    apply_plan(&plan).unwrap();
    let before = node.snapshot();
    assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.stale");
    assert_eq!(node.snapshot(), before);
}

#[test]
fn stopping_while_keys_are_made_leaves_nothing_behind() {
    let node = Node::empty(CONTROL_PLANE);
    let before = node.snapshot();
    let error = apply(&node.plan(), &mut |_| Continue::No).unwrap_err();
    assert_eq!(error.code(), "plan.interrupted");
    assert_eq!(node.snapshot(), before);
}

#[test]
fn a_plan_of_another_operation_is_refused() {
    let node = Node::empty(CONTROL_PLANE);
    let mut data = serde_json::to_value(node.plan()).unwrap();
    data["operation"] = "destroy".into();
    assert!(serde_json::from_value::<Plan>(data.clone()).unwrap_err().to_string().contains("destroy"));
    data["operation"] = "certs renew".into();
    let before = node.snapshot();
    assert_eq!(apply_plan(&serde_json::from_value(data).unwrap()).unwrap_err().code(), "plan.bad");
    assert_eq!(node.snapshot(), before);
}

#[test]
fn a_step_without_what_it_needs_is_no_step() {
    let node = Node::empty(CONTROL_PLANE);
    let plan = serde_json::to_value(node.plan()).unwrap();
    let (pair, kubeconfig) = (&plan["artefacts"][0], &plan["artefacts"][15]);
    assert_eq!(
        (&pair["action"], &pair["makes"], &kubeconfig["makes"]),
        (&json!("create"), &json!("pair"), &json!("kubeconfig"))
    );
    for (artefact, field) in
        [(pair, "certificate"), (pair, "new_key"), (pair, "makes"), (kubeconfig, "kubeconfig"), (pair, "action")]
    {
        let mut edited = artefact.clone();
        edited.as_object_mut().unwrap().remove(field).unwrap();
        let error = serde_json::from_value::<Artefact>(edited).unwrap_err();
        assert!(error.to_string().contains(field), "{field}: {error}");
        let mut edited = artefact.clone();
        edited[field] = serde_json::Value::Null;
        assert!(serde_json::from_value::<Artefact>(edited).is_err(), "{field}");
    }
}

#[test]
fn a_plan_that_was_edited_is_refused_and_nothing_is_written() {
    let node = Node::empty(CONTROL_PLANE);
    let before = node.snapshot();
    let good = node.plan();
    let edits: [fn(&mut Plan); 5] = [
        |plan| plan.artefacts[0].step = Step::Remove,
        |plan| plan.artefacts[1].issuer = Some("nobody".into()),
        |plan| plan.artefacts[1].step = Step::Create(Creation::KeyPair { new_key: Algorithm::Rsa2048 }),
        |plan| plan.artefacts[1].files.truncate(1),
        |plan| plan.artefacts.last_mut().unwrap().step = plan.artefacts[1].step.clone(),
    ];
    for (index, edit) in edits.into_iter().enumerate() {
        let mut plan = good.clone();
        edit(&mut plan);
        let error = apply_plan(&plan).unwrap_err();
        assert_eq!(error.code(), "plan.bad", "edit {index}: {error}");
        assert!(!error.hint().is_empty());
        assert_eq!(node.snapshot(), before, "edit {index}");
    }
}

fn selected(certificates: Selection, kubeconfigs: Selection) -> Node {
    let mut node = Node::empty(CONTROL_PLANE);
    node.request.certificates = certificates;
    node.request.kubeconfigs = kubeconfigs;
    node
}

fn names(names: &[&str]) -> Selection {
    Selection::Names(names.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn one_part_after_the_other_gives_the_same_as_all_at_once() {
    let mut node = selected(names(&["ca"]), Selection::None);
    assert_eq!(created(&node.plan()), ["ca"]);
    node.apply();
    node.request.certificates = names(&["apiserver", "sa"]);
    assert_eq!(created(&node.plan()), ["apiserver", "sa"]);
    node.apply();
    node.request.certificates = Selection::None;
    node.request.kubeconfigs = names(&["admin.conf"]);
    assert_eq!(created(&node.plan()), ["admin.conf"]);
    node.apply();
    node.request.certificates = Selection::All;
    node.request.kubeconfigs = Selection::All;
    assert_eq!(node.apply().changed.len(), 12);
    assert!(node.plan().is_empty());
}

#[test]
fn a_leaf_alone_without_its_ca_is_refused() {
    for (certificates, kubeconfigs, subject) in
        [(names(&["etcd-peer"]), Selection::None, "etcd-peer"), (Selection::None, names(&["admin.conf"]), "admin.conf")]
    {
        let node = selected(certificates, kubeconfigs);
        let plan = node.plan();
        assert_eq!(criticals(&plan.findings), [format!("{subject} authority.missing")]);
        assert_eq!(action(&plan, subject), Action::Blocked);
        assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.blocked");
    }
}

#[test]
fn what_is_not_asked_for_does_not_stand_in_the_way() {
    let mut node = Node::made(CONTROL_PLANE);
    node.write("/etc/kubernetes/pki/front-proxy-ca.crt", "broken");
    node.remove("/etc/kubernetes/pki/etcd/ca.crt");
    node.remove("/etc/kubernetes/pki/etcd/ca.key");
    node.remove("/etc/kubernetes/pki/apiserver.crt");
    node.remove("/etc/kubernetes/pki/apiserver.key");
    node.remove("/etc/kubernetes/admin.conf");
    assert_eq!(criticals(&node.plan().findings), ["etcd-ca authority.missing", "front-proxy-ca x509.none"]);
    node.request.certificates = names(&["apiserver"]);
    node.request.kubeconfigs = names(&["admin.conf"]);
    assert_eq!(criticals(&node.plan().findings), Vec::<String>::new());
    assert_eq!(node.apply().changed.len(), 2);
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest() {
    let node = selected(names(&["apisrever"]), Selection::None);
    let error = node.try_plan().unwrap_err();
    assert_eq!((error.code().as_str(), error.category().exit_code()), ("plan.unknown_name", 2));
    assert_eq!(error.hint(), "did you mean apiserver?");
    let error = selected(Selection::All, names(&["mars.conf"])).try_plan().unwrap_err();
    assert_eq!(error.code(), "plan.unknown_name");
    assert!(error.hint().contains("super-admin.conf"), "{}", error.hint());
}

#[test]
fn a_leaf_that_outlives_its_ca_is_refused_unless_one_chooses() {
    let with = |choice: OutliveAuthority| {
        let mut node = Node::empty(CONTROL_PLANE);
        let ca = authority("short", 30);
        node.write("/etc/kubernetes/pki/ca.crt", ca.certificate().to_pem());
        let key = ecdsa_key();
        let again =
            template_of(ca.certificate()).self_sign(&kubepki::x509::SerialNumber::random().unwrap(), &key).unwrap();
        node.put_pair("ca", &again, &key);
        node.request.outlive_ca = choice.into();
        node
    };
    let refused = with(OutliveAuthority::Refuse);
    let plan = refused.plan();
    let expected = [
        "admin.conf",
        "apiserver",
        "apiserver-kubelet-client",
        "controller-manager.conf",
        "kubelet.conf",
        "scheduler.conf",
        "super-admin.conf",
    ];
    assert_eq!(criticals(&plan.findings), expected.map(|name| format!("{name} certificate.outlives_authority")));
    assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.blocked");
    assert_eq!(files(&refused.path("/etc/kubernetes")).len(), 2);

    let clamped = with(OutliveAuthority::Clamp);
    clamped.apply();
    let end = clamped.certificate("ca").not_after();
    assert_eq!(clamped.certificate("apiserver").not_after(), end);
    let admin = embedded(&clamped.read("/etc/kubernetes/admin.conf"), "client-certificate-data");
    let admin = Pem::iter_from_buffer(&admin).next().unwrap().unwrap();
    assert_eq!(admin.parse_x509().unwrap().validity().not_after.timestamp(), end.timestamp());
    assert!(clamped.plan().is_empty() && problems(&clamped.plan().findings).is_empty());

    let allowed = with(OutliveAuthority::Allow);
    allowed.apply();
    assert_eq!(allowed.certificate("apiserver").not_after(), allowed.now + chrono::TimeDelta::days(365));
    let again = allowed.plan();
    assert!(again.is_empty() && !again.is_blocked());
    assert!(problems(&again.findings).contains(&"apiserver certificate.outlives_authority".to_owned()));
}

#[test]
fn an_end_equal_to_the_cas_is_no_outliving() {
    let node =
        Node::empty(&format!("{CONTROL_PLANE}caCertificateValidityPeriod: 24h\ncertificateValidityPeriod: 24h\n"));
    node.apply();
    assert_eq!(node.certificate("apiserver").not_after(), node.certificate("ca").not_after());
    let node =
        Node::empty(&format!("{CONTROL_PLANE}caCertificateValidityPeriod: 24h\ncertificateValidityPeriod: 24h1s\n"));
    assert!(node.plan().is_blocked());
}

#[test]
fn several_service_account_keys_are_kept_if_one_of_them_is_the_keys_own() {
    let node = Node::golden("ecdsa-p256");
    let own = node.read("/etc/kubernetes/pki/sa.pub");
    let former = ecdsa_key().public_key_pem();
    node.write("/etc/kubernetes/pki/sa.pub", [former.as_slice(), &own].concat());
    assert!(node.plan().findings.is_empty(), "{:?}", node.plan().findings);
    node.write("/etc/kubernetes/pki/sa.pub", former);
    assert_eq!(criticals(&node.plan().findings), ["sa service_account.mismatch"]);
}

#[test]
fn a_service_account_key_of_another_algorithm_is_kept() {
    let node = Node::golden("minimal");
    let config = String::from_utf8(node.read("/etc/kubeadm.yaml")).unwrap() + "encryptionAlgorithm: ECDSA-P384\n";
    node.write("/etc/kubeadm.yaml", config);
    let plan = node.plan();
    assert!(plan.is_empty() && plan.findings.is_empty(), "{:?}", plan.findings);
}

#[test]
fn a_file_that_is_there_is_not_overwritten_even_if_an_edited_plan_names_it() {
    let node = Node::empty(CONTROL_PLANE);
    node.write("/etc/shadow", "precious");
    let mut plan = node.plan();
    plan.artefacts.last_mut().unwrap().files[0].path = "/etc/shadow".into();
    let before = node.snapshot();
    let error = apply_plan(&plan).unwrap_err();
    assert_eq!(error.code(), "plan.bad", "{error:?}");
    assert!(error.to_string().contains("plan.artefacts[15].files[0].path"), "{error}");
    assert_eq!(node.snapshot(), before);
}
