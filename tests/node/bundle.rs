//! Bundles: what one node gives and another takes, and every way in which that is refused.

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use kubepki::audit::Finding;
use kubepki::bundle::{Manifest, Recipient};
use kubepki::certificate_key::CertificateKey;
use kubepki::error::{Category, Error};
use kubepki::ops::Continue;
use kubepki::ops::apply::{Report, apply};
use kubepki::ops::bundle::{Collected, ExportRequest, ImportRequest, collect, import, plan_import};
use kubepki::plan::{Action, Plan};
use kubepki::secret::Secret;
use kubepki::x509::SerialNumber;
use proptest::prelude::*;

use super::support::*;

const SHARED: [&str; 8] =
    ["ca.crt", "ca.key", "front-proxy-ca.crt", "front-proxy-ca.key", "sa.pub", "sa.key", "etcd/ca.crt", "etcd/ca.key"];
const NAMES: [&str; 8] =
    ["ca.crt", "ca.key", "etcd-ca.crt", "etcd-ca.key", "front-proxy-ca.crt", "front-proxy-ca.key", "sa.key", "sa.pub"];
const DIGITS: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const JOINING: &str = "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
nodeRegistration: {name: cp2}
controlPlane: {localAPIEndpoint: {advertiseAddress: 192.0.2.11}}
discovery: {bootstrapToken: {token: abcdef.0123456789abcdef, apiServerEndpoint: 192.0.2.10:6443, unsafeSkipCAVerification: true}}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.2
encryptionAlgorithm: ECDSA-P256
";

fn key() -> CertificateKey {
    CertificateKey::from_hex(&Secret::new(DIGITS.into())).unwrap()
}

fn pki(file: &str) -> String {
    format!("/etc/kubernetes/pki/{file}")
}

fn try_collect(node: &Node, change: impl FnOnce(&mut ExportRequest)) -> Result<Collected, Error> {
    let mut wanted = ExportRequest { node: node.request.node.clone(), ..ExportRequest::default() };
    change(&mut wanted);
    collect(&wanted, node.now)
}

fn export(node: &Node) -> Manifest {
    try_collect(node, |_| ()).unwrap().seal(&key()).unwrap()
}

fn request(node: &Node) -> ImportRequest {
    ImportRequest { node: node.request.node.clone(), ..ImportRequest::default() }
}

fn plan_of(node: &Node, bundle: &str) -> Result<Plan, Error> {
    plan_import(&request(node), bundle.as_bytes(), Some(&key()), node.now).map(|planned| planned.plan)
}

fn put(node: &Node, bundle: &str, change: impl FnOnce(&mut ImportRequest)) -> Result<Report, Error> {
    let mut wanted = request(node);
    change(&mut wanted);
    import(&wanted, bundle.as_bytes(), Some(&key()), node.now)
}

/// The findings of a refusal, after which nothing has changed.
fn blocked(node: &Node, bundle: &str, change: impl FnOnce(&mut ImportRequest)) -> Vec<Finding> {
    let before = node.snapshot();
    let error = put(node, bundle, change).unwrap_err();
    assert_eq!(error.code(), "plan.blocked", "{error}");
    assert_eq!(node.snapshot(), before);
    serde_json::from_value(error.context()["findings"].clone()).unwrap()
}

/// A code of a bundle that cannot be used, after which nothing has changed.
fn refused(node: &Node, bundle: &str, key: Option<&CertificateKey>) -> (String, String) {
    let before = node.snapshot();
    let error = import(&request(node), bundle.as_bytes(), key, node.now).unwrap_err();
    assert_eq!(node.snapshot(), before, "{error}");
    (error.code().as_str().to_owned(), error.to_string())
}

/// The manifest of a node with one entry sealed anew.
fn with_entry(node: &Node, name: &str, content: &[u8]) -> String {
    let mut manifest = export(node);
    manifest.data.insert(name.into(), key().seal(content).unwrap());
    manifest.to_yaml(false)
}

#[test]
fn a_second_node_gets_the_first_ones_bytes_with_kubeadms_modes_and_can_be_made() {
    let first = Node::made(CONTROL_PLANE);
    for text in [export(&first).to_yaml(false), export(&first).to_yaml(true), export(&first).to_json(true)] {
        let second = Node::empty(JOINING);
        let report = put(&second, &text, |_| ()).unwrap();
        let names: Vec<_> = report.changed.iter().map(|one| (one.name.as_str(), one.action)).collect();
        assert_eq!(names, ["ca", "front-proxy-ca", "sa", "etcd-ca"].map(|name| (name, Action::Install)));
        assert_eq!(report.changed[0].serial, Some(first.certificate("ca").serial().to_string()));
        assert_eq!(files(&second.path("/etc/kubernetes/pki")).len(), SHARED.len());
        for file in SHARED {
            assert_eq!(second.read(&pki(file)), first.read(&pki(file)), "{file}");
            let mode =
                std::os::unix::fs::PermissionsExt::mode(&second.path(&pki(file)).metadata().unwrap().permissions());
            assert_eq!(mode & 0o7777, if file.ends_with(".key") { 0o600 } else { 0o644 }, "{file}");
        }
        assert!(problems(&second.plan().findings).is_empty());
        second.apply();
        assert!(second.plan().is_empty());
    }
}

#[test]
fn every_golden_tree_travels() {
    for name in CASES {
        let first = Node::golden(name);
        let second = Node::empty(&String::from_utf8(first.read("/etc/kubeadm.yaml")).unwrap());
        let text = export(&first).to_yaml(false);
        assert!(!text.contains("PRIVATE"));
        put(&second, &text, |_| ()).unwrap();
        let arrived = files(&second.path("/etc/kubernetes"));
        assert_eq!(arrived.len(), if name == "external-etcd" { 9 } else { 8 }, "{name}: {arrived:?}");
        for file in arrived {
            let path = format!("/etc/kubernetes/{}", file.display());
            assert_eq!(second.read(&path), first.read(&path), "{name} {path}");
        }
        assert!(plan_of(&second, &text).unwrap().is_empty(), "a second time there is nothing to do");
    }
}

#[test]
fn the_secret_has_kubeadms_names_sealed_with_nonces_of_their_own() {
    let local = export(&Node::golden("minimal"));
    assert_eq!(local.data.keys().collect::<Vec<_>>(), NAMES);
    let nonces: std::collections::BTreeSet<_> = local.data.values().map(|sealed| &sealed[..12]).collect();
    assert_eq!(nonces.len(), 8);
    let external = export(&Node::golden("external-etcd"));
    let names: Vec<_> = external.data.keys().filter(|name| name.contains("etcd")).collect();
    assert_eq!(names, ["external-etcd-ca.crt", "external-etcd.crt", "external-etcd.key"]);
}

/// Sealed by another interface of the library, from the description in the contract: nonce, ciphertext, tag.
#[test]
fn what_others_seal_is_opened() {
    let first = Node::golden("minimal");
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &(0..32).collect::<Vec<u8>>()).unwrap());
    let data: BTreeMap<_, _> = NAMES
        .iter()
        .zip(1_u8..)
        .map(|(name, number)| {
            let mut sealed = first.read(&pki(&name.replace("etcd-", "etcd/")));
            let nonce = [number; 12];
            cipher.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed).unwrap();
            ((*name).to_owned(), [nonce.as_slice(), &sealed].concat())
        })
        .collect();
    let second = Node::empty(CONTROL_PLANE);
    put(&second, &Manifest { data }.to_yaml(false), |_| ()).unwrap();
    assert_eq!(second.read(&pki("etcd/ca.key")), first.read(&pki("etcd/ca.key")));
}

#[test]
fn a_wrong_key_a_changed_byte_a_cut_and_an_absence_are_told_apart() {
    let first = Node::made(CONTROL_PLANE);
    let second = Node::empty(CONTROL_PLANE);
    let whole = export(&first);
    let edited = |change: &dyn Fn(&mut BTreeMap<String, Vec<u8>>)| {
        let mut data = whole.data.clone();
        change(&mut data);
        Manifest { data }.to_yaml(false)
    };
    let other = CertificateKey::random().unwrap();
    assert_eq!(refused(&second, &edited(&|_| ()), Some(&other)).0, "bundle.wrong_key");
    assert_eq!(refused(&second, &edited(&|_| ()), None).0, "bundle.no_key");
    for position in [0, 11, 12, 100] {
        let text = edited(&|data| data.get_mut("sa.key").unwrap()[position] ^= 1);
        let (code, message) = refused(&second, &text, Some(&key()));
        assert_eq!(code, "bundle.damaged");
        assert!(message.ends_with(": sa.key"), "{message}");
    }
    let last = |data: &mut BTreeMap<String, Vec<u8>>| {
        let sealed = data.get_mut("ca.crt").unwrap();
        sealed.truncate(sealed.len() - 1);
    };
    assert_eq!(refused(&second, &edited(&last), Some(&key())).0, "bundle.damaged");
    let (code, message) = refused(&second, &edited(&|data| data.get_mut("ca.key").unwrap().truncate(27)), Some(&key()));
    assert_eq!((code.as_str(), message.as_str()), ("bundle.truncated", "these entries are cut off: ca.key"));
    let (code, message) = refused(&second, &edited(&|data| drop(data.remove("sa.pub"))), Some(&key()));
    assert_eq!((code.as_str(), message.as_str()), ("bundle.missing_entries", "the bundle lacks sa.pub"));
    let (code, _) = refused(&second, &edited(&|data| data.get_mut("sa.pub").unwrap().clear()), Some(&key()));
    assert_eq!(code, "bundle.empty_entries");
    let (code, message) = refused(&second, &edited(&|data| data.clear()), Some(&key()));
    assert_eq!(code, "bundle.missing_entries");
    assert!(NAMES.iter().all(|name| message.contains(name)), "{message}");
    assert_eq!(
        refused(&second, &edited(&|_| ()).replace("ca.crt: ", "ca.crt: ?"), Some(&key())).0,
        "bundle.invalid_base64"
    );
}

#[test]
fn what_nodes_do_not_share_is_refused_by_name() {
    let first = Node::made(CONTROL_PLANE);
    let second = Node::empty(CONTROL_PLANE);
    for (name, code) in [
        ("apiserver.crt", "bundle.node_bound"),
        ("apiserver.key", "bundle.node_bound"),
        ("apiserver-etcd-client.crt", "bundle.node_bound"),
        ("etcd-server.key", "bundle.node_bound"),
        ("etcd-peer.crt", "bundle.node_bound"),
        ("admin.conf", "bundle.node_bound"),
        ("kubelet.conf", "bundle.node_bound"),
        ("kubelet-client-current.pem", "bundle.node_bound"),
        ("authorized_keys", "bundle.unknown_entries"),
        ("..", "bundle.unknown_entries"),
        ("external-etcd.crt", "bundle.other_etcd"),
    ] {
        let (found, message) = refused(&second, &with_entry(&first, name, b"x"), Some(&key()));
        assert_eq!(found, code, "{name}");
        assert!(code == "bundle.other_etcd" || message.contains(name), "{message}");
    }
    let external = export(&Node::golden("external-etcd")).to_yaml(false);
    assert_eq!(refused(&second, &external, Some(&key())).0, "bundle.other_etcd");
}

#[test]
fn an_external_etcds_own_files_are_read_where_the_configuration_says_and_are_never_the_nodes() {
    let node = Node::golden("external-etcd");
    node.edit("/etc/kubeadm.yaml", |text| text.replace("apiserver-etcd-client.key", "apiserver.key"));
    let error = try_collect(&node, |_| ()).unwrap_err();
    assert_eq!((error.code().as_str(), error.category()), ("bundle.node_bound", Category::Refused));
    node.edit("/etc/kubeadm.yaml", |text| text.replace("/etc/kubernetes/pki/apiserver.key", "/somewhere/else.key"));
    node.write("/somewhere/else.key", node.read(&pki("apiserver-etcd-client.key")));
    assert_eq!(export(&node).data.len(), 9);
    let text = String::from_utf8(node.read("/etc/kubeadm.yaml")).unwrap();
    let kept = text.lines().filter(|line| !["caFile", "certFile", "keyFile"].iter().any(|field| line.contains(field)));
    let plain = kept
        .collect::<Vec<_>>()
        .join("\n")
        .replace("https://203", "http://203")
        .replace("endpoints", "httpEndpoints: [\"http://203.0.113.21:2379\"]\n    endpoints");
    let node = Node::golden("external-etcd");
    node.write("/etc/kubeadm.yaml", plain);
    let manifest = export(&node);
    assert!(manifest.data["external-etcd.key"].is_empty(), "as kubeadm has it for what is not configured");
    let second = Node::empty(&String::from_utf8(node.read("/etc/kubeadm.yaml")).unwrap());
    assert_eq!(put(&second, &manifest.to_yaml(false), |_| ()).unwrap().changed.len(), 3);
}

#[test]
fn what_the_bundle_has_is_judged_before_anything_is_written() {
    let first = Node::made(CONTROL_PLANE);
    let second = Node::empty(CONTROL_PLANE);
    let not_a_ca = first.read(&pki("apiserver.crt"));
    let foreign = authority("other", 10);
    let foreign_key = ecdsa_key();
    let bundle_with_key = [first.read(&pki("ca.crt")), first.read(&pki("ca.key"))].concat();
    for (name, content, code) in [
        ("ca.crt", not_a_ca.as_slice(), "authority.not_an_authority"),
        ("ca.crt", b"junk", "x509.none"),
        ("ca.crt", b"", "x509.none"),
        ("ca.crt", &foreign.certificate().to_pem(), "key.mismatch"),
        ("front-proxy-ca.key", foreign_key.to_pem().expose(), "key.mismatch"),
        ("etcd-ca.key", b"junk", "key.none"),
        ("sa.pub", &foreign_key.public_key_pem(), "service_account.mismatch"),
        ("ca.crt", &bundle_with_key, "certificate.holds_key"),
    ] {
        find(&blocked(&second, &with_entry(&first, name, content), |_| ()), code);
    }
    let mut expired = Node::empty(CONTROL_PLANE);
    let old = authority_template("kubernetes", 1).self_sign(&SerialNumber::random().unwrap(), &foreign_key).unwrap();
    let mut manifest = export(&first);
    manifest.data.insert("ca.crt".into(), key().seal(&old.to_pem()).unwrap());
    manifest.data.insert("ca.key".into(), key().seal(foreign_key.to_pem().expose()).unwrap());
    expired.now += chrono::TimeDelta::days(2);
    find(&blocked(&expired, &manifest.to_yaml(false), |_| ()), "certificate.expired");
}

/// Every way in which somebody without the key can put entries of one Secret, or of two sealed with one key, in each
/// other's places. The second Secret is of another cluster.
#[test]
fn entries_that_are_exchanged_without_the_key_are_noticed_by_what_they_say() {
    let node = Node::made(CONTROL_PLANE);
    let (whole, older) = (export(&node), export(&Node::made(CONTROL_PLANE)));
    let moves: [(&[(&str, &str)], &str); 14] = [
        // One entry in two places.
        (&[("etcd-ca.crt", "ca.crt"), ("etcd-ca.key", "ca.key")], "shared.same_key"),
        (&[("front-proxy-ca.crt", "ca.crt"), ("front-proxy-ca.key", "ca.key")], "shared.same_key"),
        (&[("ca.crt", "front-proxy-ca.crt"), ("ca.key", "front-proxy-ca.key")], "shared.same_key"),
        (&[("front-proxy-ca.crt", "etcd-ca.crt"), ("front-proxy-ca.key", "etcd-ca.key")], "shared.same_key"),
        (&[("sa.key", "ca.key")], "shared.same_key"),
        (&[("sa.key", "etcd-ca.key")], "shared.same_key"),
        (&[("ca.crt", "etcd-ca.crt")], "key.mismatch"),
        (&[("ca.key", "sa.key")], "key.mismatch"),
        // Two pairs in each other's places: nothing is there twice, and each key is its certificate's.
        (
            &[
                ("etcd-ca.crt", "ca.crt"),
                ("etcd-ca.key", "ca.key"),
                ("ca.crt", "etcd-ca.crt"),
                ("ca.key", "etcd-ca.key"),
            ],
            "shared.other_name",
        ),
        (
            &[
                ("front-proxy-ca.crt", "etcd-ca.crt"),
                ("front-proxy-ca.key", "etcd-ca.key"),
                ("etcd-ca.crt", "front-proxy-ca.crt"),
                ("etcd-ca.key", "front-proxy-ca.key"),
            ],
            "shared.other_name",
        ),
        // Kinds in each other's places.
        (&[("ca.crt", "ca.key"), ("ca.key", "ca.crt")], "certificate.holds_key"),
        (&[("sa.pub", "ca.key")], "shared.same_key"),
        (&[("sa.pub", "ca.crt"), ("sa.key", "ca.key")], "shared.same_key"),
        (&[("ca.crt", "sa.pub")], "x509.other_format"),
    ];
    for (moved, code) in moves {
        let mut data = whole.data.clone();
        for (to, from) in moved {
            data.insert((*to).to_owned(), whole.data[*from].clone());
        }
        let joining = Node::empty(JOINING);
        let findings = blocked(&joining, &Manifest { data }.to_yaml(false), |_| ());
        find(&findings, code);
        assert!(findings.iter().any(|one| one.code == code && one.is_critical()), "{moved:?} {findings:?}");
        assert!(!joining.path("/etc/kubernetes").exists(), "{moved:?}");
    }
    // An older pair, sealed with the same key: against what the node has, and with --force too.
    let mut data = whole.data.clone();
    data.insert("etcd-ca.crt".into(), older.data["ca.crt"].clone());
    data.insert("etcd-ca.key".into(), older.data["ca.key"].clone());
    let text = Manifest { data }.to_yaml(false);
    find(&blocked(&Node::empty(JOINING), &text, |_| ()), "shared.other_name");
    find(&blocked(&node, &text, |_| ()), "shared.differs");
    find(&blocked(&node, &text, |wanted| wanted.force = true), "shared.other_name");
}

#[test]
fn the_client_of_an_external_etcd_is_no_ca_and_its_ca_no_other() {
    let whole = export(&Node::golden("external-etcd"));
    let joining = Node::empty(&String::from_utf8(Node::golden("external-etcd").read("/etc/kubeadm.yaml")).unwrap());
    let moves: [(&[(&str, &str)], &str); 3] = [
        (&[("external-etcd.crt", "ca.crt"), ("external-etcd.key", "ca.key")], "certificate.is_an_authority"),
        (&[("external-etcd-ca.crt", "ca.crt")], "shared.other_name"),
        (&[("external-etcd-ca.crt", "front-proxy-ca.crt")], "shared.same_key"),
    ];
    for (moved, code) in moves {
        let mut data = whole.data.clone();
        for (to, from) in moved {
            data.insert((*to).to_owned(), whole.data[*from].clone());
        }
        find(&blocked(&joining, &Manifest { data }.to_yaml(false), |_| ()), code);
    }
}

/// A node whose CAs somebody else has named.
fn with_named_authorities(names: [(&str, &str); 2]) -> Node {
    let node = Node::made(CONTROL_PLANE);
    for (base_name, common_name) in names {
        let key = ecdsa_key();
        let certificate =
            authority_template(common_name, 10).self_sign(&SerialNumber::random().unwrap(), &key).unwrap();
        node.put_pair(base_name, &certificate, &key);
    }
    node
}

#[test]
fn cas_may_have_any_names_and_when_nothing_tells_them_apart_it_is_said() {
    let one = with_named_authorities([("ca", "Example Root"), ("ca", "Example Kubernetes CA")]);
    let report = plan_of(&Node::empty(JOINING), &export(&one).to_yaml(false)).unwrap();
    assert_eq!(report.findings, []);
    let two = with_named_authorities([("ca", "Example Kubernetes CA"), ("etcd/ca", "Example etcd CA")]);
    let plan = plan_of(&Node::empty(JOINING), &export(&two).to_yaml(false)).unwrap();
    assert_eq!(problems(&plan.findings), ["ca shared.other_name"]);
    let evidence = &plan.findings[0].evidence;
    assert!(evidence.contains("Example Kubernetes CA") && evidence.contains("Example etcd CA"), "{evidence}");
    put(&Node::empty(JOINING), &export(&two).to_yaml(false), |_| ()).unwrap();
}

#[test]
fn a_cluster_that_uses_one_ca_for_all_is_told_when_it_exports() {
    let node = Node::made(CONTROL_PLANE);
    node.put_pair("etcd/ca", &node.certificate("ca"), &node.key("ca"));
    let collected = try_collect(&node, |_| ()).unwrap();
    assert_eq!(problems(&collected.findings), ["etcd-ca shared.other_name", "etcd-ca shared.same_key"]);
    let text = export(&node).to_yaml(false);
    let joining = Node::empty(JOINING);
    find(&blocked(&joining, &text, |_| ()), "shared.same_key");
    // What was copied by hand is there, and is no obstacle to the next run; one file that is not makes it one again.
    for file in SHARED {
        joining.write(&pki(file), node.read(&pki(file)));
        joining.set_mode(&pki(file), if file.ends_with(".key") { 0o600 } else { 0o644 });
    }
    assert!(plan_of(&joining, &text).unwrap().is_empty());
    assert!(put(&joining, &text, |_| ()).unwrap().changed.is_empty());
    joining.remove(&pki("etcd/ca.key"));
    find(&blocked(&joining, &text, |_| ()), "shared.same_key");
}

#[test]
fn a_file_that_differs_stays_unless_that_is_meant_and_is_kept_then() {
    let first = Node::made(CONTROL_PLANE);
    let second = Node::made(CONTROL_PLANE);
    let text = export(&first).to_yaml(false);
    let findings = blocked(&second, &text, |_| ());
    assert_eq!(findings.iter().filter(|one| one.code == "shared.differs").count(), 8);
    let before = second.read(&pki("ca.key"));
    let report = put(&second, &text, |wanted| {
        wanted.force = true;
        wanted.backups.backup_dir = "/var/backups".into();
    })
    .unwrap();
    assert_eq!(second.read(&pki("ca.key")), first.read(&pki("ca.key")));
    let backup = report.backup.unwrap();
    let kept: Vec<_> = files(&second.path(backup.to_str().unwrap()));
    assert!(
        kept.iter().any(|file| second.read(&format!("{}/{}", backup.display(), file.display())) == before),
        "{kept:?}"
    );
}

#[test]
fn what_is_there_already_stays_and_what_is_missing_comes() {
    let first = Node::made(CONTROL_PLANE);
    let second = Node::empty(CONTROL_PLANE);
    let text = export(&first).to_yaml(false);
    put(&second, &text, |_| ()).unwrap();
    second.remove(&pki("sa.pub"));
    let plan = plan_of(&second, &text).unwrap();
    assert_eq!(created(&plan), ["sa"]);
    assert_eq!(plan.changes().next().unwrap().files.len(), 1);
    put(&second, &text, |_| ()).unwrap();
    assert_eq!(second.read(&pki("sa.pub")), first.read(&pki("sa.pub")));
    second.set_mode(&pki("ca.key"), 0o644);
    assert_eq!(problems(&plan_of(&second, &text).unwrap().findings), ["ca file.mode_too_wide"]);
}

#[test]
fn no_key_goes_into_a_file_that_others_can_read() {
    let second = Node::made(CONTROL_PLANE);
    second.set_mode(&pki("ca.key"), 0o640);
    let text = export(&Node::made(CONTROL_PLANE)).to_yaml(false);
    find(&blocked(&second, &text, |wanted| wanted.force = true), "file.mode_too_wide");
    second.remove(&pki("front-proxy-ca.key"));
    std::os::unix::fs::symlink("/nowhere", second.path(&pki("front-proxy-ca.key"))).unwrap();
    find(&blocked(&second, &text, |wanted| wanted.force = true), "store.dangling_symlink");
}

#[test]
fn export_needs_every_file_and_says_which_are_missing() {
    let node = Node::made(CONTROL_PLANE);
    node.remove(&pki("sa.pub"));
    node.remove(&pki("front-proxy-ca.crt"));
    node.remove(&pki("front-proxy-ca.key"));
    let error = try_collect(&node, |_| ()).unwrap_err();
    assert_eq!(error.code(), "bundle.missing_files");
    let missing = ["front-proxy-ca.crt", "front-proxy-ca.key", "sa.pub"].map(pki);
    assert_eq!(error.context()["paths"], serde_json::json!(missing));
    let error = try_collect(&node, |wanted| wanted.allow_missing_ca_keys = true).unwrap_err();
    assert_eq!(error.code(), "bundle.missing_files", "an external CA has a certificate");

    let node = Node::made(CONTROL_PLANE);
    node.write(&pki("ca.key"), ecdsa_key().to_pem().expose());
    assert_eq!(try_collect(&node, |_| ()).unwrap_err().code(), "plan.blocked");
    node.remove(&pki("ca.key"));
    std::fs::create_dir(node.path(&pki("ca.key"))).unwrap();
    assert!(try_collect(&node, |_| ()).is_err());
}

#[test]
fn an_external_ca_keeps_its_key_when_that_is_said() {
    let first = Node::made(CONTROL_PLANE);
    first.remove(&pki("ca.key"));
    let error = try_collect(&first, |_| ()).unwrap_err();
    assert_eq!((error.code().as_str(), error.category()), ("bundle.external_authority", Category::Refused));
    let collected = try_collect(&first, |wanted| wanted.allow_missing_ca_keys = true).unwrap();
    assert!(collected.findings.is_empty());
    let manifest = collected.seal(&key()).unwrap();
    assert!(manifest.data["ca.key"].is_empty(), "kubeadm passes over an empty entry and fails for an absent one");
    let second = Node::empty(CONTROL_PLANE);
    let text = manifest.to_yaml(false);
    let error = put(&second, &text, |_| ()).unwrap_err();
    assert_eq!(error.code(), "bundle.empty_entries");
    assert!(error.hint().contains("--allow-missing-ca-keys"));
    put(&second, &text, |wanted| wanted.allow_missing_ca_keys = true).unwrap();
    assert_eq!(files(&second.path("/etc/kubernetes")).len(), 7);
}

#[test]
fn a_worker_gets_the_cas_certificate_and_never_a_key() {
    let first = Node::made(CONTROL_PLANE);
    let collected = try_collect(&first, |wanted| wanted.role = Recipient::Worker).unwrap();
    assert_eq!(collected.authority(), first.read(&pki("ca.crt")));
    assert_eq!(collected.entries.len(), 1);
    let worker = Node::empty(
        JOINING
            .split_once("---")
            .unwrap()
            .0
            .replace("controlPlane:", "x:")
            .lines()
            .filter(|line| !line.starts_with("x:"))
            .collect::<Vec<_>>()
            .join("\n")
            .as_str(),
    );
    let text = export(&first).to_yaml(false);
    let (code, _) = refused(&worker, &text, Some(&key()));
    assert_eq!(code, "bundle.not_for_workers");
    let error = put(&worker, &text, |wanted| wanted.role = Some(Recipient::ControlPlane)).unwrap_err();
    assert_eq!((error.code().as_str(), error.category()), ("bundle.not_for_workers", Category::Refused));
    let with_key = [first.read(&pki("ca.crt")), first.read(&pki("ca.key"))].concat();
    find(&blocked(&worker, str::from_utf8(&with_key).unwrap(), |_| ()), "certificate.holds_key");
    find(&blocked(&worker, "junk", |_| ()), "x509.none");
    put(&worker, str::from_utf8(collected.authority()).unwrap(), |_| ()).unwrap();
    assert_eq!(files(&worker.path("/etc/kubernetes")).len(), 1);
}

#[test]
fn a_plan_holds_no_file_and_cannot_be_applied_without_the_bundle() {
    let second = Node::empty(CONTROL_PLANE);
    let plan = plan_of(&second, &export(&Node::made(CONTROL_PLANE)).to_yaml(false)).unwrap();
    let json = serde_json::to_string(&plan).unwrap();
    assert!(!json.contains("BEGIN") && !json.contains(DIGITS));
    let error = apply(&plan, &mut |_| Continue::Yes).unwrap_err();
    assert_eq!(error.code(), "plan.bad");
    assert!(!second.path("/etc/kubernetes").exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_entry_of_whatever_content_panics(
        name in proptest::sample::select(NAMES.as_slice()), content in proptest::collection::vec(any::<u8>(), 0..200),
        pem in any::<bool>(),
    ) {
        let second = Node::empty(CONTROL_PLANE);
        let content = if pem { kubepki::key::pem::encode("CERTIFICATE", &content).expose().to_vec() } else { content };
        let mut manifest = Manifest::default();
        for each in NAMES {
            manifest.data.insert(each.into(), key().seal(b"x").unwrap());
        }
        manifest.data.insert(name.into(), key().seal(&content).unwrap());
        prop_assert!(put(&second, &manifest.to_yaml(false), |_| ()).is_err());
        prop_assert!(!second.path("/etc/kubernetes").exists());
    }
}
