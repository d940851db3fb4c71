//! A plan that was edited after it was made is not carried out, whatever was edited, of whichever operation it is.
//!
//! Each plan is taken apart as JSON, as a script that stores plans has it, and everything in it is changed once.

use std::collections::BTreeSet;

use chrono::SubsecRound as _;
use kubepki::catalogue::NodeRole;
use kubepki::error::Error;
use kubepki::ops::apply::Report;
use kubepki::ops::backup::{BackupPlace, RestoreRequest, plan_restore};
use kubepki::ops::cleanup::{self, CleanupRequest};
use kubepki::ops::embed::{self, EmbedRequest};
use kubepki::ops::generate_csr::{self, GenerateCsrRequest};
use kubepki::ops::import::{self, ImportRequest};
use kubepki::ops::renew::{self, RenewRequest};
use kubepki::ops::sign::{self, SignRequest};
use kubepki::plan::Plan;
use kubepki::x509::DistinguishedName;
use serde_json::{Value, json};

use super::support::*;

/// Every place in a plan but those of its request, each list by its first item.
fn places(value: &Value, place: &str, all: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let place = format!("{place}/{name}");
                if place != "/request" {
                    all.push(place.clone());
                    places(value, &place, all);
                }
            }
        }
        Value::Array(items) => {
            let mut kinds = BTreeSet::new();
            for (at, item) in items.iter().enumerate() {
                // An item of each shape: steps of one kind have the same fields.
                let shape = |(name, value): (&String, &Value)| format!("{name}{}", value.is_null());
                let kind: Vec<_> = item.as_object().into_iter().flatten().map(shape).collect();
                if kinds.insert((kind, item["action"].to_string())) {
                    all.push(format!("{place}/{at}"));
                    places(item, &format!("{place}/{at}"), all);
                }
            }
        }
        _ => {}
    }
}

/// Other values for one.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => vec![json!("x"), json!(1), json!({})],
        Value::Bool(it) => vec![json!(!it)],
        Value::Number(it) => vec![json!(it.as_i64().unwrap_or_default() + 1)],
        Value::String(it) => {
            let digit = if it.ends_with('0') { "1" } else { "0" };
            let cut = &it[..it.len().saturating_sub(1)];
            // Another moment, another digit in hexadecimal; another text.
            vec![json!(format!("{cut}{digit}")), json!(it.replace("2027", "2037")), json!(format!("{it}x")), json!("")]
        }
        Value::Array(items) => {
            let twice: Vec<_> = items.iter().chain(items.first()).cloned().collect();
            vec![json!([]), json!(items.get(1..).unwrap_or_default()), json!(twice)]
        }
        Value::Object(_) => vec![Value::Null],
    }
}

fn apply_json(plan: &Value) -> Result<Report, Error> {
    apply_plan(&serde_json::from_value::<Plan>(plan.clone()).unwrap())
}

/// Changes everything once, then applies the plan as it is.
fn hold(node: &Node, plan: &Plan) -> Report {
    let original = serde_json::to_value(plan).unwrap();
    let before = node.snapshot();
    let mut all = Vec::new();
    places(&original, "", &mut all);
    let mut refused = 0;
    for place in &all {
        // How to help is not what is done, and the moment alone does nothing where nothing is signed.
        if place.ends_with("/remedy") {
            continue;
        }
        for other in others(original.pointer(place).unwrap()) {
            let mut edited = original.clone();
            *edited.pointer_mut(place).unwrap() = other.clone();
            // What cannot be read is refused before it is a plan; what reads as the same is the same.
            let Ok(read) = serde_json::from_value::<Plan>(edited.clone()) else { continue };
            if read == *plan || place == "/made_at" {
                continue;
            }
            match apply_plan(&read) {
                Ok(report) => assert!(report.changed.is_empty(), "{}: {place} = {other}", plan.operation),
                Err(error) => {
                    let code = error.code();
                    let is_meant = code.as_str().starts_with("plan.")
                        || code.as_str().starts_with("store.")
                        || code == "policy.refused";
                    assert!(is_meant, "{}: {place} = {other}: {error}", plan.operation);
                    refused += 1;
                }
            }
            assert_eq!(node.snapshot(), before, "{}: {place} = {other}", plan.operation);
        }
    }
    assert!(refused > 20, "{}: {refused}", plan.operation);
    let mut unasked = original.clone();
    unasked["request"] = Value::Null;
    assert_eq!(apply_json(&unasked).unwrap_err().code(), "plan.bad");
    apply_json(&original).unwrap()
}

fn requested() -> Node {
    let node = Node::made(CONTROL_PLANE);
    let mut request = GenerateCsrRequest { node: node.request.node.clone(), ..GenerateCsrRequest::default() };
    request.out_dir = Some("/csr".into());
    apply_plan(&generate_csr::plan(&request, node.now).unwrap().plan).unwrap();
    node
}

fn signing(node: &Node) -> SignRequest {
    let role = Some(NodeRole::ControlPlane);
    SignRequest { node: node.request.node.clone(), csr_dir: Some("/csr".into()), role, ..SignRequest::default() }
}

#[test]
fn of_init() {
    let node = Node::empty(CONTROL_PLANE);
    assert_eq!(hold(&node, &node.plan()).changed.len(), 16);
}

#[test]
fn of_renew() {
    let node = Node::made(CONTROL_PLANE);
    let request = RenewRequest { node: node.request.node.clone(), ..RenewRequest::default() };
    let plan = renew::plan(&request, node.now).unwrap().plan;
    hold(&node, &plan);

    let place = BackupPlace { rootfs: request.node.rootfs, ..BackupPlace::default() };
    let restore = RestoreRequest {
        place,
        name: "latest".into(),
        only: Vec::new(),
        no_backup: false.into(),
        recover: false.into(),
    };
    let plan = plan_restore(&restore, node.now).unwrap();
    hold(&node, &plan);
}

#[test]
fn of_generate_csr() {
    let node = Node::made(CONTROL_PLANE);
    let mut request = GenerateCsrRequest { node: node.request.node.clone(), ..GenerateCsrRequest::default() };
    request.out_dir = Some("/csr".into());
    request.with_usages = true;
    hold(&node, &generate_csr::plan(&request, node.now).unwrap().plan);
}

#[test]
fn of_sign_import_embed_and_cleanup() {
    let node = requested();
    hold(&node, &sign::plan(&signing(&node), node.now).unwrap().plan);

    // What was signed comes to a node that has the keys and nothing else.
    for file in files(&node.path("/csr")) {
        let to = format!("/etc/kubernetes/{}", file.display());
        node.write(&to, node.read(&format!("/csr/{}", file.display())));
    }
    for file in files(&node.path("/etc/kubernetes/pki")) {
        let file = file.to_str().unwrap();
        if file.ends_with(".crt") && !file.ends_with("ca.crt") {
            node.remove(&format!("/etc/kubernetes/pki/{file}"));
        }
    }
    let of_node = node.request.node.clone();
    let import = ImportRequest { node: of_node.clone(), paths: vec!["/csr".into()], ..ImportRequest::default() };
    hold(&node, &import::plan(&import, node.now).unwrap().plan);
    let embed = EmbedRequest { node: of_node.clone(), ..EmbedRequest::default() };
    hold(&node, &embed::plan(&embed, node.now).unwrap().plan);
    let cleanup = CleanupRequest { node: of_node, ..CleanupRequest::default() };
    hold(&node, &cleanup::plan(&cleanup, node.now).unwrap().plan);
}

#[test]
fn what_is_shown_is_what_its_der_says() {
    let node = requested();
    let plan = serde_json::to_value(sign::plan(&signing(&node), node.now).unwrap().plan).unwrap();
    let position = plan["artefacts"].as_array().unwrap().iter().position(|one| one["name"] == "admin.conf").unwrap();
    let masters =
        serde_json::to_value(DistinguishedName::new(&["system:masters"], "kubernetes-admin").unwrap()).unwrap();
    let before = node.snapshot();

    let mut edited = plan.clone();
    edited["artefacts"][position]["certificate"]["subject"]["der"] = masters["der"].clone();
    let error = serde_json::from_value::<Plan>(edited.clone()).unwrap_err();
    assert!(error.to_string().contains("O=system:masters"), "{error}");
    // Both at once can be read, and is not what the request says.
    edited["artefacts"][position]["certificate"]["subject"] = masters;
    let error = apply_json(&edited).unwrap_err();
    assert_eq!(error.code(), "plan.bad");
    assert!(error.to_string().contains(&format!("plan.artefacts[{position}].certificate.subject")), "{error}");
    assert_eq!(node.snapshot(), before);
}

#[test]
fn a_moment_that_is_yet_to_come_makes_no_signature_valid_for_longer() {
    let node = requested();
    let in_three_days = chrono::Utc::now().trunc_subsecs(0) + chrono::TimeDelta::days(3);
    let plan = sign::plan(&signing(&node), in_three_days).unwrap().plan;
    assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.bad");
    let past = sign::plan(&signing(&node), node.now).unwrap().plan;
    apply_plan(&past).unwrap();
}

#[test]
fn a_policy_that_was_tightened_since_holds() {
    let node = requested();
    node.write("/policy.yaml", "maxValidity: 720h");
    let request = SignRequest { policy: Some(node.path("/policy.yaml")), ..signing(&node) };
    let plan = sign::plan(&request, node.now).unwrap().plan;
    node.write("/policy.yaml", "certificates: {admin.conf: {allow: false}}");
    assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.stale");
}

#[test]
fn a_plan_carries_no_secret_of_its_configuration() {
    let node = Node::empty(CONTROL_PLANE);
    let mut request = node.request.clone();
    request.node.config = None;
    request.node.config_text = Some(format!("{CONTROL_PLANE}---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nbootstrapTokens: [{{token: abcdef.0123456789abcdef}}]\ncertificateKey: '{}'\nnodeRegistration: {{name: cp1}}\nlocalAPIEndpoint: {{advertiseAddress: 192.0.2.10}}\n", "7".repeat(64)).split_once("---\n").unwrap().1.to_owned());
    let plan = kubepki::ops::init::plan(&request, node.now).unwrap().plan;
    let text = serde_json::to_string(&plan).unwrap();
    assert!(!text.contains("0123456789abcdef") && !text.contains("77777777"), "{text}");
    apply_json(&serde_json::from_str(&text).unwrap()).unwrap();
}
