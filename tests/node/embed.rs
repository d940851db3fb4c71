//! `kubeconfig embed`: certificate and CA go into the kubeconfigs, and nothing else of them changes.

use std::os::unix::fs::PermissionsExt;

use kubepki::ops::check::{self, CheckRequest};
use kubepki::ops::embed::{self, EmbedRequest};
use kubepki::plan::generate::Selection;
use kubepki::plan::{Action, Plan, Step};
use kubepki::x509::{ExtendedKeyUsage, SerialNumber};

use super::external::*;
use super::support::*;

fn request(node: &Node, kubeconfigs: &[&str]) -> EmbedRequest {
    EmbedRequest {
        node: node.request.node.clone(),
        kubeconfigs: if kubeconfigs.is_empty() {
            Selection::All
        } else {
            Selection::Names(kubeconfigs.iter().map(|name| (*name).to_owned()).collect())
        },
        ..EmbedRequest::default()
    }
}

fn plan_embed(node: &Node, kubeconfigs: &[&str]) -> Plan {
    embed::plan(&request(node, kubeconfigs), node.now).unwrap().plan
}

/// A node on which everything is signed and imported.
fn imported() -> (Node, Owner) {
    let (node, owner) = requested();
    owner.sign_all(&node, "/signed");
    apply_plan(&plan_import(&node, &["/signed"])).unwrap();
    (node, owner)
}

#[test]
fn a_whole_tree_is_embedded_once_and_then_clean() {
    let (node, _) = imported();
    let plan = plan_embed(&node, &[]);
    assert_eq!(problems(&plan.findings), Vec::<String>::new());
    assert_eq!(plan.changes().count(), 5);
    assert!(!serde_json::to_string(&plan).unwrap().contains("PRIVATE KEY"));
    let keys: Vec<_> = kubeconfigs().map(|name| embedded(&node.read(name), "client-key-data")).collect();
    apply_plan(&plan).unwrap();
    for (name, key) in kubeconfigs().zip(keys) {
        let file = node.read(name);
        assert_eq!(embedded(&file, "client-certificate-data"), node.read(&format!("{name}.crt")), "{name}");
        assert_eq!(embedded(&file, "certificate-authority-data"), node.read("/etc/kubernetes/pki/ca.crt"), "{name}");
        assert_eq!(embedded(&file, "client-key-data"), key, "{name}");
    }
    let check = CheckRequest { node: node.request.node.clone(), ..CheckRequest::default() };
    // The one difference that kubeadm makes itself: the kubelet.conf of generate-csr leads to the control plane's endpoint.
    assert_eq!(problems(&check::check(&check, node.now).unwrap().findings), Vec::<String>::new());
    let before = node.snapshot();
    let again = plan_embed(&node, &[]);
    assert!(again.is_empty() && !again.is_blocked());
    assert_eq!(apply_plan(&again).unwrap().changed, []);
    assert_eq!(node.snapshot(), before);
    // The way is over, and an import of the same finds all in place.
    for name in kubeconfigs() {
        node.remove(&format!("{name}.crt"));
    }
    assert!(plan_import(&node, &["/signed"]).is_empty());
}

fn kubeconfigs() -> impl Iterator<Item = &'static str> {
    [
        "/etc/kubernetes/admin.conf",
        "/etc/kubernetes/super-admin.conf",
        "/etc/kubernetes/kubelet.conf",
        "/etc/kubernetes/controller-manager.conf",
        "/etc/kubernetes/scheduler.conf",
    ]
    .into_iter()
}

#[test]
fn everything_else_in_the_file_stays() {
    let (node, _) = imported();
    node.edit("/etc/kubernetes/admin.conf", |text| {
        text.replace("apiVersion: v1\n", "x-owner: {team: '010', list: [b, a]}\napiVersion: v1\npreferences: {}\n")
            .replace("users:\n", "users:\n- name: zed\n  user:\n    token: abc\n    extensions:\n    - name: e\n      extension:\n        kept: true\n")
            .replace("contexts:\n", "contexts:\n- context:\n    cluster: elsewhere\n    namespace: default\n    user: zed\n  name: aside\n")
    });
    let before = String::from_utf8(node.read("/etc/kubernetes/admin.conf")).unwrap();
    apply_plan(&plan_embed(&node, &["admin"])).unwrap();
    let after = String::from_utf8(node.read("/etc/kubernetes/admin.conf")).unwrap();
    let new: Vec<_> = after.lines().filter(|line| !before.lines().any(|old| old == *line)).map(str::trim).collect();
    let fields: Vec<_> = new.iter().filter_map(|line| line.split_once(": ").map(|(field, _)| field)).collect();
    assert_eq!(fields, ["team", "certificate-authority-data", "client-certificate-data"], "{after}");
    assert!(
        after.starts_with("x-owner:\n  team: \"010\"\n  list:\n  - b\n  - a\napiVersion: v1\npreferences: {}\n"),
        "{after}"
    );
    assert_eq!(plan_embed(&node, &["admin.conf"]).artefacts[0].action(), Action::Keep);
}

#[test]
fn a_wrong_certificate_is_refused_with_every_reason() {
    let (node, owner) = imported();
    node.write("/etc/kubernetes/admin.conf.crt", owner.sign(&node, "scheduler.conf").to_pem());
    let server =
        owner.sign_with(&node, "kubelet.conf", |one| one.extended_key_usages = vec![ExtendedKeyUsage::ServerAuth]);
    node.write("/etc/kubernetes/kubelet.conf.crt", server.to_pem());
    let request =
        kubepki::x509::CertificateRequest::from_pem(&node.read("/etc/kubernetes/scheduler.conf.csr")).unwrap();
    let stranger = template_of(&owner.sign(&node, "scheduler.conf"))
        .issue(&SerialNumber::random().unwrap(), request.public_key_info(), &authority("kubernetes", 1000))
        .unwrap();
    node.write("/etc/kubernetes/scheduler.conf.crt", stranger.to_pem());
    node.write("/etc/kubernetes/super-admin.conf.crt", "junk");
    let other = owner.sign_with(&node, "controller-manager.conf", |one| {
        one.subject = kubepki::x509::DistinguishedName::new(&["system:masters"], "me").unwrap();
    });
    node.write("/etc/kubernetes/controller-manager.conf.crt", other.to_pem());
    let plan = plan_embed(&node, &[]);
    assert_eq!(
        problems(&plan.findings),
        [
            "admin.conf certificate.other_subject",
            "admin.conf key.mismatch",
            "controller-manager.conf certificate.other_subject",
            "kubelet.conf certificate.missing_usages",
            "scheduler.conf certificate.untrusted",
            "super-admin.conf x509.none",
        ]
    );
    let before = node.snapshot();
    assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.blocked");
    assert_eq!(node.snapshot(), before);
    let warned = plan_embed(&node, &["controller-manager.conf"]);
    assert_eq!((warned.is_blocked(), warned.changes().count()), (false, 1));
}

#[test]
fn what_is_not_signed_is_passed_over_among_all_and_refused_by_name() {
    let (node, _) = imported();
    node.remove("/etc/kubernetes/admin.conf.crt");
    let all = plan_embed(&node, &[]);
    assert_eq!((problems(&all.findings), all.is_blocked()), (vec!["admin.conf file.missing".into()], false));
    assert_eq!((action(&all, "admin.conf"), all.changes().count()), (Action::Skip, 4));
    let skipped = serde_json::to_value(all.artefacts.iter().find(|one| one.name == "admin.conf").unwrap()).unwrap();
    assert_eq!((&skipped["action"], &skipped["cause"]), (&"skip".into(), &"not_signed".into()));
    assert_eq!(criticals(&plan_embed(&node, &["admin.conf"]).findings), ["admin.conf file.missing"]);
    assert_eq!(criticals(&plan_embed(&node, &["./amdin.conf"]).findings), ["./amdin.conf file.missing"]);
    node.write("/etc/kubernetes/scheduler.conf", "{");
    let broken = plan_embed(&node, &[]);
    assert_eq!(criticals(&broken.findings), ["scheduler.conf kubeconfig.invalid_yaml"]);
    let remedy = &broken.findings.iter().find(|finding| finding.subject == "scheduler.conf").unwrap().remedy;
    for part in ["`mv ", "/etc/kubernetes/scheduler.conf.old`, `kubepki kubeconfig init scheduler.conf"] {
        assert!(remedy.contains(part), "{remedy}");
    }
    node.remove("/etc/kubernetes/pki/ca.crt");
    assert!(criticals(&plan_embed(&node, &[]).findings).contains(&"ca authority.missing".into()));
}

#[test]
fn certificate_key_and_ca_can_be_named_for_one() {
    let (node, owner) = imported();
    let key = ecdsa_key();
    let template = template_of(&owner.sign(&node, "admin.conf"));
    let new = template.issue(&SerialNumber::random().unwrap(), key.public_key_info(), owner.issuer("ca")).unwrap();
    node.write("/new/my.pem", new.to_pem());
    node.write("/home/me/config", node.read("/etc/kubernetes/admin.conf"));
    node.set_mode("/home/me/config", 0o600);
    let mut request = request(&node, &["/home/me/config"]);
    request.client_certificate = Some("/new/my.pem".into());
    assert_eq!(criticals(&embed::plan(&request, node.now).unwrap().plan.findings), ["/home/me/config key.mismatch"]);
    node.write("/new/my.key", key.to_pem().expose());
    request.client_key = Some(node.path("/new/my.key"));
    let plan = embed::plan(&request, node.now).unwrap().plan;
    assert_eq!(rows(&plan), ["/home/me/config install"]);
    apply_plan(&plan).unwrap();
    let file = node.read("/home/me/config");
    assert_eq!(embedded(&file, "client-certificate-data"), new.to_pem());
    assert_eq!(embedded(&file, "client-key-data"), key.to_pem().expose());
    assert!(embed::plan(&request, node.now).unwrap().plan.is_empty());

    request.certificate_authority = Some("/new/other.crt".into());
    node.write("/new/other.crt", authority("kubernetes", 100).certificate().to_pem());
    let refused = embed::plan(&request, node.now).unwrap().plan;
    assert_eq!(criticals(&refused.findings), ["/home/me/config certificate.untrusted"]);
    request.kubeconfigs = Selection::All;
    assert_eq!(embed::plan(&request, node.now).unwrap_err().code(), "embed.one_kubeconfig");
}

#[test]
fn a_ca_that_joins_is_trusted_and_nothing_else_changes() {
    let (node, _) = imported();
    apply_plan(&plan_embed(&node, &[])).unwrap();
    let both = [node.read("/etc/kubernetes/pki/ca.crt"), authority("kubernetes", 900).certificate().to_pem()].concat();
    node.write("/etc/kubernetes/pki/ca.crt", &both);
    let before = node.read("/etc/kubernetes/admin.conf");
    let plan = plan_embed(&node, &["admin.conf"]);
    assert_eq!(rows(&plan), ["admin.conf trust"]);
    let Step::TrustBundle(bundle) = &plan.artefacts[0].step else { panic!("{:?}", plan.artefacts[0]) };
    assert_eq!((bundle.certificates.as_bytes(), bundle.replaces.len()), (both.as_slice(), 1));
    let report = apply_plan(&plan).unwrap();
    assert_eq!(report.changed[0].expires_at, plan.artefacts[0].expires_at);
    let after = node.read("/etc/kubernetes/admin.conf");
    assert_eq!(embedded(&after, "certificate-authority-data"), both);
    for field in ["client-certificate-data", "client-key-data"] {
        assert_eq!(embedded(&after, field), embedded(&before, field), "{field}");
    }
    assert!(plan_embed(&node, &["admin.conf"]).is_empty());
}

#[test]
fn a_renewed_key_that_waits_beside_it_comes_in_with_its_certificate() {
    let (node, owner) = imported();
    apply_plan(&plan_embed(&node, &[])).unwrap();
    let key = ecdsa_key();
    let template = template_of(&owner.sign(&node, "admin.conf"));
    let new = template.issue(&SerialNumber::random().unwrap(), key.public_key_info(), owner.issuer("ca")).unwrap();
    node.write("/renewed/admin.conf.crt", new.to_pem());
    node.write("/renewed/admin.conf.key", key.to_pem().expose());
    apply_plan(&plan_import(&node, &["/renewed"])).unwrap();
    let report = apply_plan(&plan_embed(&node, &[])).unwrap();
    assert_eq!(report.changed.len(), 1);
    assert!(report.changed[0].previous_serial.is_some());
    let file = node.read("/etc/kubernetes/admin.conf");
    assert_eq!(embedded(&file, "client-certificate-data"), new.to_pem());
    assert_eq!(embedded(&file, "client-key-data"), key.to_pem().expose());
}

#[test]
fn paths_are_embedded_when_asked_and_the_kubelet_s_own_rotation_never() {
    let node = Node::made(CONTROL_PLANE);
    let by_path = |name: &str, certificate: &str, key: &str| {
        let path = format!("/etc/kubernetes/{name}");
        let file = node.read(&path);
        node.write(&format!("/etc/kubernetes/{certificate}"), embedded(&file, "client-certificate-data"));
        node.write(&format!("/etc/kubernetes/{key}"), embedded(&file, "client-key-data"));
        let mut text = String::from_utf8(file).unwrap();
        for (field, value) in [("client-certificate", certificate), ("client-key", key)] {
            let line = text.lines().find(|line| line.contains(&format!("{field}-data"))).unwrap().to_owned();
            text = text.replace(&line, &format!("    {field}: {value}"));
        }
        node.write(&path, text);
    };
    by_path("admin.conf", "client.pem", "client-key.pem");
    by_path("kubelet.conf", "kubelet-client-current.pem", "kubelet-client-current.pem.key");
    assert!(plan_embed(&node, &[]).is_empty());
    let mut flat = request(&node, &[]);
    flat.flatten = true;
    let plan = embed::plan(&flat, node.now).unwrap().plan;
    assert_eq!(plan.changes().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["admin.conf"]);
    apply_plan(&plan).unwrap();
    let file = node.read("/etc/kubernetes/admin.conf");
    assert_eq!(embedded(&file, "client-certificate-data"), node.read("/etc/kubernetes/client.pem"));
    assert_eq!(embedded(&file, "client-key-data"), node.read("/etc/kubernetes/client-key.pem"));
    assert!(!String::from_utf8(file).unwrap().contains("client.pem"));
    assert!(embed::plan(&flat, node.now).unwrap().plan.is_empty());
}

#[test]
fn a_new_bundle_goes_into_kubeconfigs_whose_certificates_stay() {
    let node = Node::made(CONTROL_PLANE);
    let mut bundle = node.read("/etc/kubernetes/pki/ca.crt");
    bundle.extend(authority("kubernetes", 3000).certificate().to_pem());
    node.write("/etc/kubernetes/pki/ca.crt", &bundle);
    let before = embedded(&node.read("/etc/kubernetes/admin.conf"), "client-certificate-data");
    let report = apply_plan(&plan_embed(&node, &[])).unwrap();
    assert_eq!(report.changed.len(), 5);
    let file = node.read("/etc/kubernetes/admin.conf");
    assert_eq!(embedded(&file, "certificate-authority-data"), bundle);
    assert_eq!(embedded(&file, "client-certificate-data"), before);
}

#[test]
fn a_ca_that_was_named_by_its_path_is_said_to_be_replaced() {
    let (node, _) = imported();
    apply_plan(&plan_embed(&node, &[])).unwrap();
    let path = "/etc/kubernetes/admin.conf";
    let mut text = String::from_utf8(node.read(path)).unwrap();
    let old = authority("former", 900).certificate().to_pem();
    node.write("/etc/kubernetes/former.crt", &old);
    let line = text.lines().find(|line| line.contains("certificate-authority-data")).unwrap().to_owned();
    text = text.replace(&line, "    certificate-authority: former.crt");
    node.write(path, text);
    let plan = plan_embed(&node, &["admin.conf"]);
    let Step::TrustBundle(bundle) = &plan.artefacts[0].step else { panic!("{:?}", plan.artefacts[0]) };
    let [replaced] = &bundle.replaces[..] else { panic!("{bundle:?}") };
    assert!(replaced.path.ends_with("former.crt") && replaced.subject.contains("former"), "{replaced:?}");
}

#[test]
fn an_older_certificate_is_told() {
    let (node, owner) = imported();
    apply_plan(&plan_embed(&node, &[])).unwrap();
    let older = owner.sign_with(&node, "admin.conf", |one| one.not_after = days(30));
    node.write("/older/admin.conf.crt", older.to_pem());
    let plan = plan_import(&node, &["/older"]);
    assert_eq!(
        (problems(&plan.findings), plan.is_blocked()),
        (vec!["admin.conf certificate.ends_earlier".into()], false)
    );
    apply_plan(&plan).unwrap();
    let plan = plan_embed(&node, &["admin.conf"]);
    assert_eq!(
        (problems(&plan.findings), plan.is_blocked()),
        (vec!["admin.conf certificate.ends_earlier".into()], false)
    );
}

#[test]
fn copies_of_a_kubeconfig_get_its_certificate_and_key_and_nothing_else_does() {
    let node = Node::golden("minimal");
    let copies = ["/root/.kube/config", "/root/mine.conf", "/root/not-there.conf", "/root/other-server.conf"];
    let text = |path: &str| String::from_utf8(node.read(path)).unwrap();
    let admin = text("/etc/kubernetes/admin.conf");
    let mine = admin.replace("kubernetes-admin@kubernetes", "prod");
    let other = admin.replace("server: https://", "server: https://elsewhere.");
    for (path, content) in [(copies[0], &admin), (copies[1], &mine), (copies[3], &other)] {
        node.write(path, content);
    }
    for (path, mode) in [(copies[0], 0o600), (copies[1], 0o400), (copies[3], 0o644)] {
        node.set_mode(path, mode);
    }
    let renewal = kubepki::ops::renew::RenewRequest {
        node: node.request.node.clone(),
        names: Selection::Names(["admin.conf".to_owned()].into()),
        ..kubepki::ops::renew::RenewRequest::default()
    };
    apply_plan(&kubepki::ops::renew::plan(&renewal, node.now).unwrap().plan).unwrap();
    let new = text("/etc/kubernetes/admin.conf");
    assert_ne!(new, admin);

    let request = EmbedRequest { copies_of: Some("admin.conf".into()), ..request(&node, &copies) };
    let plan = embed::plan(&request, node.now).unwrap().plan;
    let actions: Vec<_> = plan.artefacts.iter().map(|one| (one.name.as_str(), one.action())).collect();
    assert_eq!(
        actions,
        [(copies[0], Action::Install), (copies[1], Action::Install), (copies[3], Action::Keep)],
        "{:?}",
        plan.findings
    );
    assert!(!serde_json::to_string(&plan).unwrap().contains("PRIVATE KEY"));
    apply_plan(&plan).unwrap();
    assert_eq!(text(copies[0]), new);
    assert_eq!(text(copies[1]), new.replace("kubernetes-admin@kubernetes", "prod"));
    assert_eq!(std::fs::metadata(node.path(copies[1])).unwrap().permissions().mode() & 0o777, 0o400);
    assert_eq!(text(copies[3]), other);
    assert!(embed::plan(&request, node.now).unwrap().plan.is_empty());

    let two = EmbedRequest { client_key: Some("/root/mine.conf".into()), ..request };
    assert_eq!(embed::plan(&two, node.now).unwrap_err().code(), "embed.two_sources");
}

#[test]
fn what_has_another_ca_or_a_key_of_something_else_is_no_copy() {
    let node = Node::golden("minimal");
    let text = |path: &str| String::from_utf8(node.read(path)).unwrap();
    let admin = text("/etc/kubernetes/admin.conf");
    let line = |text: &str, field: &str| {
        let found = text.lines().find(|line| line.trim_start().starts_with(field)).unwrap();
        found.trim_start().to_owned()
    };
    // Another cluster behind the same address, whose administrator has the same name.
    let ha = std::fs::read_to_string(case("ha").join("kubernetes/admin.conf")).unwrap();
    let elsewhere = ha.replace(&line(&ha, "server:"), &line(&admin, "server:"));
    let other = |field: &str| admin.replace(&line(&admin, field), &line(&ha, field));
    for (path, content, why) in [
        ("/root/elsewhere", elsewhere, "its CA is another"),
        ("/root/ca", other("certificate-authority-data:"), "its CA is another"),
        ("/root/key", other("client-key-data:"), "it has not the key of its certificate"),
        (
            "/root/damaged",
            admin.replace(&line(&admin, "client-key-data:"), "client-key-data: bm9uZQ=="),
            "it has not the key",
        ),
        (
            "/root/none",
            admin.replace(&line(&admin, "client-certificate-data:"), "token: none"),
            "it has no certificate",
        ),
        ("/root/server", admin.replace("server: https://", "server: https://x."), "its server is another"),
    ] {
        node.write(path, &content);
        let request = EmbedRequest { copies_of: Some("admin.conf".into()), ..request(&node, &[path]) };
        let plan = embed::plan(&request, node.now).unwrap().plan;
        let reason = &plan.artefacts[0].reason;
        assert!(plan.is_empty() && reason.starts_with("no copy of /etc/kubernetes/admin.conf: "), "{path}: {reason}");
        assert!(reason.contains(why), "{path}: {reason}");
    }
}
