//! What objects are to say, and gates that look at them.

use serde_json::json;

use super::*;
use crate::digest::{Digest, sha256_hex};
use crate::key::{Algorithm, PrivateKey};
use crate::objects::{Pod, Secret};
use crate::plan::rotate::affected::{self, Bundle};
use crate::x509::{CertificateTemplate, DistinguishedName, Issuer, KeyUsage, SerialNumber, SubjectAltNames};

const FILE: &str = "/etc/kubernetes/pki/ca-rotation-signing.crt";

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000)
}

fn template(is_ca: bool) -> CertificateTemplate {
    CertificateTemplate {
        subject: DistinguishedName::new::<&str>(&[], "kubernetes").unwrap(),
        subject_alt_names: SubjectAltNames::in_order(Vec::new()),
        key_usages: vec![KeyUsage::DigitalSignature, KeyUsage::KeyCertSign],
        extended_key_usages: Vec::new(),
        is_ca,
        not_before: now(),
        not_after: now() + chrono::TimeDelta::days(10),
        other_extensions: Vec::new(),
    }
}

/// A CA, and its key.
fn authority() -> (Certificate, PrivateKey) {
    let key = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
    (template(true).self_sign(&SerialNumber::random().unwrap(), &key).unwrap(), key)
}

fn two() -> [Certificate; 2] {
    [authority().0, authority().0]
}

fn kubeconfig(certificates: &[Certificate]) -> String {
    format!(
        "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {}\n    server: https://10.0.0.1:6443\n  name: \"\"\ncontexts: null\ncurrent-context: \"\"\nkind: Config\nusers: null\n",
        STANDARD.encode(pem(certificates))
    )
}

fn text(certificates: &[Certificate]) -> String {
    String::from_utf8(pem(certificates)).unwrap()
}

#[test]
fn a_ca_that_was_signed_again_is_no_other_one() {
    let ((old, key), (new, _)) = (authority(), authority());
    let renewed = template(true).self_sign(&SerialNumber::random().unwrap(), &key).unwrap();
    let has_others = |there: &[&Certificate], wanted: &[&Certificate]| {
        let owned = |all: &[&Certificate]| all.iter().map(|one| (*one).clone()).collect::<Vec<_>>();
        let (there, wanted) = (owned(there), owned(wanted));
        let info = cluster_info("it", &kubeconfig(&there), &wanted).unwrap();
        let clients = certificates("it", "client-ca-file", &text(&there), &wanted);
        [has_other_keys(GateName::ClusterInfo, &info), has_other_keys(GateName::ClientTrust, &clients)]
    };
    assert_eq!(has_others(&[&old, &renewed], &[&renewed]), [false; 2]);
    assert_eq!(has_others(&[&old], &[&renewed]), [false; 2]);
    assert_eq!(has_others(&[&old, &new], &[&new]), [true; 2]);
    assert_eq!(has_others(&[&old], &[&renewed, &new]), [true; 2]);
    let setting =
        kubeadm_config("it", "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n", Some(Path::new(FILE)));
    assert!(has_other_keys(GateName::KubeadmConfig, &setting.unwrap()));
}

#[test]
fn cluster_info_holds_the_cas_in_their_order_and_nothing_else_changes() {
    let [old, new] = two();
    let of = |text: &str, wanted: &[Certificate]| cluster_info("it", text, wanted).unwrap().after;
    let both = [new.clone(), old.clone()];
    let made = of(&kubeconfig(std::slice::from_ref(&old)), &both);
    assert_eq!(made, kubeconfig(&both));
    assert_eq!(of(&made, &both), made, "again");
    assert_eq!(of(&made, std::slice::from_ref(&new)), kubeconfig(std::slice::from_ref(&new)));
    assert_eq!(of(&made, &[old, new]), kubeconfig(&[both[1].clone(), both[0].clone()]), "the order counts");
    assert_eq!(of(&made, &[]), made, "nothing is known");
    assert!(cluster_info("it", "clusters: 1\n", &both).is_err());
}

#[test]
fn what_is_no_longer_trusted_is_taken_out_and_a_mere_order_stays() {
    let [old, new] = two();
    let both = [old.clone(), new.clone()];
    let of = |there: &str, wanted: &[Certificate]| certificates("it", "client-ca-file", there, wanted);
    assert_eq!(of(&text(&both), std::slice::from_ref(&new)).after, text(std::slice::from_ref(&new)));
    assert_eq!(of(&text(std::slice::from_ref(&old)), &both).after, text(&both));
    assert!(of(&text(&both), &[new, old]).is_set());
    assert!(of(&text(&both), &[]).is_set());
    assert!(of("", &both).is_set(), "a cluster without a front proxy");
    assert_eq!(of("nonsense", &both).after, text(&both));
}

#[test]
fn kubeadm_is_told_of_the_signing_certificate_and_an_administrators_own_stays() {
    let of = |arguments: &str, file: Option<&str>| {
        let text =
            format!("apiVersion: kubeadm.k8s.io/v1beta4\ncontrollerManager:{arguments}\nkind: ClusterConfiguration\n");
        let after = kubeadm_config("it", &text, file.map(Path::new)).unwrap().after;
        after.lines().skip(1).take_while(|line| !line.starts_with("kind")).collect::<Vec<_>>().join("\n")
    };
    let argument = |name: &str, value: &str| format!("\n  - name: {name}\n    value: {value}");
    let own = format!("\n  extraArgs:{}", argument(SIGNING_FLAG, FILE));
    assert_eq!(of(" {}", Some(FILE)), format!("controllerManager:{own}"));
    assert_eq!(of(&own, None), "controllerManager: {}");
    assert_eq!(of(" {}", None), "controllerManager: {}");
    let other = format!("\n  extraArgs:{}", argument(SIGNING_FLAG, "/etc/kubernetes/pki/sub.crt"));
    assert_eq!(of(&other, None), format!("controllerManager:{other}"));
    let key = |name: &str| argument("cluster-signing-key-file", &format!("/etc/kubernetes/pki/{name}.key"));
    let pair =
        format!("\n  extraArgs:{}{}", argument(SIGNING_FLAG, "/etc/kubernetes/pki/ca-signing.crt"), key("ca-signing"));
    assert_eq!(of(&pair, None), format!("controllerManager:{pair}"));
    assert_eq!(of(&format!("{own}{}", key("ca")), None), format!("controllerManager:\n  extraArgs:{}", key("ca")));
}

#[test]
fn a_namespace_that_lacks_a_ca_is_named() {
    let both = two();
    let namespace = |name: &str, phase: &str| -> Namespace {
        serde_json::from_value(json!({"metadata": {"name": name}, "status": {"phase": phase}})).unwrap()
    };
    let map = |namespace: &str, held: &[Certificate]| -> ConfigMap {
        let metadata = json!({"name": "kube-root-ca.crt", "namespace": namespace});
        serde_json::from_value(json!({"metadata": metadata, "data": {"ca.crt": text(held)}})).unwrap()
    };
    let all = [namespace("a", "Active"), namespace("b", "Active"), namespace("gone", "Terminating")];
    let reversed = [both[1].clone(), both[0].clone()];
    let gate = root_authority(&all, &[map("a", &both), map("b", &reversed)], &both);
    assert!(gate.is_open && gate.waits_for.is_empty(), "{gate:?}");
    for maps in [vec![map("a", &both)], vec![map("a", &both), map("b", &both[..1])]] {
        let gate = root_authority(&all, &maps, &both);
        assert!(!gate.is_open && gate.seen.contains("1 of 2 namespaces hold something else: b"), "{gate:?}");
    }
    let gate = root_authority(&all, &[map("a", &both), map("b", &both)], &both[..1]);
    assert!(!gate.is_open, "one too many");
}

#[test]
fn the_signer_must_be_the_first_ca_though_the_names_are_the_same() {
    let ((old, old_key), (new, new_key)) = (authority(), authority());
    let key = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
    let signed = |certificate: &Certificate, by: PrivateKey| {
        let issuer = Issuer::new(certificate.clone(), by).unwrap();
        let leaf = CertificateTemplate { key_usages: vec![KeyUsage::DigitalSignature], ..template(false) };
        leaf.issue(&SerialNumber::random().unwrap(), key.public_key_info(), &issuer).unwrap()
    };
    let (by_old, by_new) = (signed(&old, old_key), signed(&new, new_key));
    let both = [new, old.clone()];
    assert!(signer(&Ok(&[by_new]), &both, now()).is_open);
    let gate = signer(&Ok(&[by_old]), &both, now());
    assert!(!gate.is_open && gate.seen.contains(&shown(&[old])), "{gate:?}");
    let gate = signer(&Err("it was denied".into()), &both, now());
    assert_eq!((gate.is_open, gate.seen.as_str()), (false, "it was denied"));
    assert!(!signer(&Ok(&[]), &both, now()).is_open);
    assert!(signer(&Ok(&[]), &[], now()).is_open);
}

#[test]
fn trust_bundles_hold_the_cas_together() {
    let both = two();
    let bundle = |held: &[Certificate]| -> ClusterTrustBundle {
        serde_json::from_value(json!({"spec": {"trustBundle": text(held)}})).unwrap()
    };
    assert!(trust_bundles(None, &both).is_open);
    assert!(trust_bundles(Some(&[bundle(&both[..1]), bundle(&both[1..])]), &both).is_open);
    assert!(!trust_bundles(Some(&[bundle(&both[..1])]), &both).is_open);
}

#[test]
fn what_holds_the_ca_that_goes_is_named() {
    let [old, new] = two();
    let encoded = |held: &[Certificate]| STANDARD.encode(pem(held));
    let goes = std::slice::from_ref(&old);
    let judged = |held: &[Certificate]| {
        Bundle { object: "APIService x".into(), base64: Some(&encoded(held)) }.judge(goes).map(|one| one.reason)
    };
    assert_eq!(judged(std::slice::from_ref(&new)), None);
    assert!(judged(&[old.clone(), new.clone()]).unwrap().contains("besides"));
    assert!(Bundle { object: String::new(), base64: None }.judge(goes).is_none());
    let secret = |held: &[Certificate]| -> Secret {
        serde_json::from_value(json!({"metadata": {"name": "t"}, "data": {"ca.crt": encoded(held)}})).unwrap()
    };
    assert!(affected::token(&secret(&[old.clone(), new.clone()]), &[new.clone(), old.clone()], &[]).is_none());
    assert!(affected::token(&secret(goes), &[new, old.clone()], &[]).is_some());
    assert!(affected::token(&secret(goes), &[], &[]).is_none());
}

#[test]
fn a_lasting_token_is_told_by_the_key_that_has_signed_it() {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    // As `keyIDFromPublicKey` of kubernetes has it.
    let digest = Digest::of(b"a public key");
    let header = json!({"alg": "RS256", "kid": URL_SAFE_NO_PAD.encode(digest.as_bytes())}).to_string();
    let token = format!("{}.e30.c2lnbmVk", URL_SAFE_NO_PAD.encode(header));
    let secret = |token: &str| -> Secret {
        serde_json::from_value(
            json!({"metadata": {"name": "t", "namespace": "prod"}, "data": {"token": STANDARD.encode(token)}}),
        )
        .unwrap()
    };
    let goes = [sha256_hex(b"a public key")];
    let told = affected::token(&secret(&token), &[], &goes).unwrap();
    assert_eq!(told.object, "Secret prod/t");
    assert!(told.reason.contains(&goes[0][..12]), "{}", told.reason);
    assert!(affected::token(&secret(&token), &[], &[sha256_hex(b"another")]).is_none());
    for broken in ["", "a", "a.b.c", &token.replace('.', "")] {
        assert!(affected::token(&secret(broken), &[], &goes).is_none(), "{broken}");
    }
}

#[test]
fn a_pod_that_started_before_is_named_and_a_static_one_is_not() {
    let pod = |mut metadata: serde_json::Value, phase: &str| -> Pod {
        metadata["name"] = "p".into();
        serde_json::from_value(
            json!({"metadata": metadata, "status": {"phase": phase, "startTime": "2024-10-01T00:00:00Z"}}),
        )
        .unwrap()
    };
    let owner = |kind: &str| json!({"ownerReferences": [{"apiVersion": "v1", "kind": kind, "name": "o", "uid": "u", "controller": true}]});
    let replica = pod(owner("ReplicaSet"), "Running");
    let at =
        |one: &Pod, hours: i64| affected::pod(one, one.status.start_time.unwrap() + chrono::TimeDelta::hours(hours));
    assert!(at(&replica, 1).is_some() && at(&replica, 0).is_none());
    assert!(affected::stays_by_hand(&replica).is_none());
    assert!(affected::stays_by_hand(&pod(json!({}), "Running")).unwrap().contains("by hand"));
    assert!(affected::stays_by_hand(&pod(owner("Job"), "Running")).is_some());
    assert!(at(&pod(json!({"annotations": {"kubernetes.io/config.mirror": "x"}}), "Running"), 1).is_none());
    assert!(at(&pod(json!({}), "Succeeded"), 1).is_none());
}
