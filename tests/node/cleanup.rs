//! `certs cleanup`: what a certificate needed on its way goes once it has arrived; CA keys when nobody needs them.

use chrono::TimeDelta;
use kubepki::ops::check_expiration::check_expiration;
use kubepki::ops::cleanup::{self, CleanupRequest};
use kubepki::ops::embed::{self, EmbedRequest};
use kubepki::plan::generate::Selection;
use kubepki::plan::{Action, Plan};
use kubepki::request::Backups;

use super::external::*;
use super::support::*;

fn request(node: &Node, names: &[&str], ca_keys: &[&str]) -> CleanupRequest {
    let names = if names.is_empty() {
        Selection::All
    } else {
        Selection::Names(names.iter().map(|name| (*name).to_owned()).collect())
    };
    CleanupRequest {
        node: node.request.node.clone(),
        names,
        ca_keys: ca_keys.iter().map(|name| (*name).to_owned()).collect(),
        backups: Backups::none(),
        ..CleanupRequest::default()
    }
}

fn plan_cleanup(node: &Node, names: &[&str], ca_keys: &[&str]) -> Plan {
    cleanup::plan(&request(node, names, ca_keys), node.now).unwrap().plan
}

fn embed_all(node: &Node) {
    let request = EmbedRequest { node: node.request.node.clone(), ..EmbedRequest::default() };
    apply_plan(&embed::plan(&request, node.now).unwrap().plan).unwrap();
}

fn on_the_way(node: &Node) -> Vec<String> {
    let all = files(node.root.path()).into_iter().map(|path| path.display().to_string());
    all.filter(|path| path.ends_with(".csr") || path.ends_with(".conf.crt") || path.ends_with(".conf.key")).collect()
}

#[test]
fn the_whole_road_ends_in_a_clean_tree_with_external_cas() {
    let (node, owner) = requested();
    owner.sign_all(&node, "/etc/kubernetes");
    assert!(plan_import(&node, &[]).is_empty());
    let pairs_only = plan_cleanup(&node, &[], &[]);
    assert_eq!(pairs_only.changes().count(), 7);
    assert_eq!(problems(&pairs_only.findings).len(), 5);
    embed_all(&node);
    let plan = plan_cleanup(&node, &[], &[]);
    assert_eq!((problems(&plan.findings), plan.changes().count()), (Vec::new(), 12));
    let report = apply_plan(&plan).unwrap();
    assert!(report.changed.iter().all(|one| one.action == Action::Remove && one.serial.is_none()));
    assert_eq!(on_the_way(&node), Vec::<String>::new());
    assert!(plan_cleanup(&node, &[], &[]).artefacts.is_empty());
    let checked = check_expiration(&node.request.node).unwrap().report;
    let rows = checked.certificates().iter().chain(checked.certificate_authorities());
    assert!(rows.clone().count() == 14 && rows.clone().all(|row| row.externally_managed && row.expires_at.is_some()));
}

#[test]
fn what_has_not_arrived_stays_and_says_why() {
    let (node, owner) = requested();
    let in_place = |place: &str, certificate: &kubepki::x509::Certificate| {
        node.write(&format!("/etc/kubernetes/{place}.crt"), certificate.to_pem());
    };
    owner.sign_all(&node, "/etc/kubernetes");
    embed_all(&node);
    node.remove("/etc/kubernetes/pki/apiserver.crt");
    in_place(
        "pki/etcd/peer",
        &owner.sign_with(&node, "pki/etcd/peer", |one| one.not_after = now() - TimeDelta::days(1)),
    );
    node.write("/etc/kubernetes/pki/front-proxy-client.csr", node.read("/etc/kubernetes/pki/apiserver.csr"));
    in_place("admin.conf", &owner.sign(&node, "admin.conf"));
    node.write("/etc/kubernetes/scheduler.conf.key", ecdsa_key().to_pem().expose());
    node.write("/etc/kubernetes/kubelet.conf.csr", "junk");
    let before = node.snapshot();
    let plan = plan_cleanup(&node, &[], &[]);
    assert!(!plan.is_blocked());
    let kept = ["apiserver", "front-proxy-client", "etcd-peer", "admin.conf", "kubelet.conf", "scheduler.conf"];
    let mut expected: Vec<_> = kept.iter().map(|name| format!("{name} cleanup.still_needed")).collect();
    expected.sort();
    assert_eq!(problems(&plan.findings), expected);
    for name in kept {
        let named = plan_cleanup(&node, &[name], &[]);
        assert_eq!(criticals(&named.findings), [format!("{name} cleanup.still_needed")]);
        assert_eq!(apply_plan(&named).unwrap_err().code(), "plan.blocked");
    }
    let both = plan_cleanup(&node, &["etcd-server", "apiserver"], &[]);
    assert_eq!(apply_plan(&both).unwrap_err().code(), "plan.blocked");
    assert_eq!(node.snapshot(), before);
    assert_eq!(apply_plan(&plan).unwrap().changed.len(), 6);
    for name in
        ["pki/apiserver.csr", "pki/front-proxy-client.csr", "admin.conf.crt", "admin.conf.csr", "scheduler.conf.key"]
    {
        assert!(node.path(&format!("/etc/kubernetes/{name}")).exists(), "{name}");
    }
    let error = cleanup::plan(&request(&node, &["apisever"], &[]), now()).unwrap_err();
    assert_eq!((error.code().as_str(), error.hint()), ("plan.unknown_name", "did you mean apiserver?".into()));
}

#[test]
fn a_ca_key_goes_when_everything_it_signed_is_there_and_well() {
    let node = Node::made(CONTROL_PLANE);
    let keys = ["ca", "etcd-ca", "front-proxy-ca"];
    let plan = plan_cleanup(&node, &[], &keys);
    assert_eq!(problems(&plan.findings), Vec::<String>::new());
    assert_eq!(rows(&plan), ["ca remove", "front-proxy-ca remove", "etcd-ca remove"]);
    apply_plan(&plan).unwrap();
    for key in ["ca.key", "etcd/ca.key", "front-proxy-ca.key"] {
        assert!(!node.path(&format!("/etc/kubernetes/pki/{key}")).exists(), "{key}");
    }
    assert!(node.plan().is_empty() && !node.plan().is_blocked());
    let again = plan_cleanup(&node, &[], &keys);
    assert!(again.is_empty() && !again.is_blocked());
    // Without a configuration too, with the kind of node read off its files.
    let node = Node::made(CONTROL_PLANE);
    let mut bare = request(&node, &[], &["ca"]);
    bare.node.config = None;
    assert_eq!(rows(&cleanup::plan(&bare, node.now).unwrap().plan), ["ca remove"]);
}

#[test]
fn a_ca_key_stays_while_anything_needs_it() {
    let node = Node::made(CONTROL_PLANE);
    let is_refused = |reason: &str| {
        let plan = plan_cleanup(&node, &[], &["ca"]);
        assert_eq!(criticals(&plan.findings), ["ca authority.key_needed"]);
        let evidence = &find(&plan.findings, "authority.key_needed").evidence;
        assert!(evidence.contains(reason), "{evidence}");
        assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.blocked");
        assert!(node.path("/etc/kubernetes/pki/ca.key").exists());
    };
    let restored = |path: &str, broken: &dyn Fn(), reason: &str| {
        let whole = node.read(path);
        broken();
        is_refused(reason);
        node.write(path, whole);
    };
    let certificate = "/etc/kubernetes/pki/apiserver.crt";
    restored(certificate, &|| node.remove(certificate), "apiserver: the file is missing");
    let key = "/etc/kubernetes/pki/apiserver-kubelet-client.key";
    restored(
        key,
        &|| node.write(key, ecdsa_key().to_pem().expose()),
        "apiserver-kubelet-client: the key is not the one",
    );
    let kubeconfig = "/etc/kubernetes/scheduler.conf";
    restored(kubeconfig, &|| node.remove(kubeconfig), "scheduler.conf: the file is missing");
    let other = Node::made(CONTROL_PLANE);
    restored(kubeconfig, &|| node.write(kubeconfig, other.read(kubeconfig)), "scheduler.conf: the cluster");

    let manifest = "/etc/kubernetes/manifests/kube-controller-manager.yaml";
    node.write(manifest, "    - --cluster-signing-key-file=/etc/kubernetes/pki/ca.key\n");
    is_refused("manifests/kube-controller-manager.yaml names it");
    node.remove(manifest);
    let (asking, _) = requested();
    node.write("/etc/kubernetes/pki/apiserver.csr", asking.read("/etc/kubernetes/pki/apiserver.csr"));
    is_refused("/etc/kubernetes/pki/apiserver.csr waits to be signed");
    node.remove("/etc/kubernetes/pki/apiserver.csr");
    assert!(!plan_cleanup(&node, &[], &["ca"]).is_blocked());
}

#[test]
fn a_ca_key_is_looked_for_in_the_manifests_that_the_kubelet_reads_and_comments_name_none() {
    let node = Node::made(CONTROL_PLANE);
    let manifest = |folder: &str, text: &str| {
        node.write(&format!("{folder}/kube-controller-manager.yaml"), text);
        plan_cleanup(&node, &[], &["ca"]).is_blocked()
    };
    let pod = |flag: &str, container: &str, host: &str| {
        format!(
            "# --cluster-signing-key-file=/etc/kubernetes/pki/ca.key\nspec: {{containers: [{{command: [x, {flag}], \
             volumeMounts: [{{mountPath: {container}, name: v}}]}}], volumes: [{{name: v, hostPath: {{path: {host}}}}}]}}\n"
        )
    };
    let flag = "--cluster-signing-key-file=/ca/ca.key";
    let usual = "/etc/kubernetes/manifests";
    assert!(!manifest(usual, &pod("--v=2", "/ca", "/etc/kubernetes/pki")), "a comment, and a folder");
    assert!(!manifest(usual, &pod(flag, "/ca", "/srv")), "another file of the host");
    assert!(manifest(usual, &pod(flag, "/ca", "/etc/kubernetes/pki")), "the same file under another name");
    assert!(manifest(usual, &pod("--v=2", "/x", "/etc/kubernetes/pki/ca.key")), "the file alone");
    node.write("/var/lib/kubelet/config.yaml", "staticPodPath: /srv/pods\n");
    assert!(!manifest("/srv/pods", &pod("--v=2", "/ca", "/etc/kubernetes/pki")), "the usual folder is not read");
    assert!(manifest("/srv/pods", &pod(flag, "/ca", "/etc/kubernetes/pki")));
    node.remove("/srv/pods/kube-controller-manager.yaml");
    std::fs::create_dir(node.path("/srv/pods/kube-controller-manager.yaml")).unwrap();
    assert!(plan_cleanup(&node, &[], &["ca"]).is_blocked(), "nobody knows what it names");
}

#[test]
fn a_ca_key_is_never_kept_in_the_usual_backup() {
    let node = Node::made(CONTROL_PLANE);
    let mut wanted = request(&node, &[], &["ca"]);
    *wanted.backups.no_backup = false;
    let error = cleanup::plan(&wanted, node.now).unwrap_err();
    assert_eq!((error.code().as_str(), error.category().exit_code()), ("cleanup.ca_key_backup", 2));
    wanted.ca_key_backup = Some("/mnt/usb".into());
    assert_eq!(cleanup::plan(&wanted, node.now).unwrap().plan.backup_dir, Some("/mnt/usb".into()));
    *wanted.backups.no_backup = true;
    assert_eq!(cleanup::plan(&wanted, node.now).unwrap().plan.backup_dir, None);
    *wanted.backups.no_backup = false;
    wanted.ca_keys.clear();
    assert_eq!(cleanup::plan(&wanted, node.now).unwrap().plan.backup_dir, wanted.backups.dir());
    wanted.ca_keys = vec!["etcd".into()];
    assert_eq!(cleanup::plan(&wanted, node.now).unwrap_err().code(), "plan.unknown_name");
}

#[test]
fn a_renewal_s_folder_goes_once_its_keys_are_in_use() {
    let (node, owner) = requested();
    owner.sign_all(&node, "/etc/kubernetes");
    embed_all(&node);
    let keys = [("admin.conf", ecdsa_key()), ("pki/apiserver", ecdsa_key())];
    for (place, key) in &keys {
        let folder = format!("/etc/kubernetes/renewal/{place}");
        let template = template_of(&owner.sign(&node, place));
        let serial = kubepki::x509::SerialNumber::random().unwrap();
        let new = template.issue(&serial, key.public_key_info(), owner.issuer("ca")).unwrap();
        let request = kubepki::x509::RequestTemplate {
            subject: new.subject().clone(),
            subject_alt_names: new.subject_alt_names().clone(),
            key_usages: Vec::new(),
            extended_key_usages: Vec::new(),
        };
        node.write(&format!("{folder}.csr"), request.sign(key).unwrap().to_pem());
        node.write(&format!("{folder}.key"), key.to_pem().expose());
        node.write(&format!("{folder}.crt"), new.to_pem());
    }
    let waiting = plan_cleanup(&node, &["apiserver"], &[]);
    assert_eq!(criticals(&waiting.findings), ["apiserver cleanup.still_needed"]);
    let named = plan_import(&node, &["/etc/kubernetes/renewal"]);
    assert_eq!(rows(&named), ["apiserver install", "admin.conf install"]);
    // Without a path the renewal's certificates count, not those that they take the place of.
    let plan = plan_import(&node, &[]);
    assert_eq!(plan.changes().collect::<Vec<_>>(), named.changes().collect::<Vec<_>>());
    assert_eq!(problems(&plan.findings), Vec::<String>::new());
    apply_plan(&plan).unwrap();
    embed_all(&node);
    // The first requests are for the old keys, and nobody will answer them.
    node.remove("/etc/kubernetes/pki/apiserver.csr");
    node.remove("/etc/kubernetes/admin.conf.csr");
    apply_plan(&plan_cleanup(&node, &["apiserver", "admin.conf"], &[])).unwrap();
    assert!(!node.path("/etc/kubernetes/renewal").exists());
    for (place, key) in &keys {
        let there = if *place == "admin.conf" {
            embedded(&node.read("/etc/kubernetes/admin.conf"), "client-key-data")
        } else {
            node.read("/etc/kubernetes/pki/apiserver.key")
        };
        assert_eq!(there, key.to_pem().expose(), "{place}");
    }
}
