//! What depends on the version of Kubernetes: groups, key usages, `super-admin.conf`, and the access rules that go with
//! them.

use kubepki::audit::{Finding, Severity};
use kubepki::catalogue::{
    ENCIPHERMENT_FOR_RSA_ALONE, KUBELET_CLIENT_BINDING, Kind, NodeRole, SEPARATE_SUPER_ADMIN, leaf_key_usages, row,
    rows,
};
use kubepki::config::KubernetesVersion;
use kubepki::ops::check::{CheckReport, CheckRequest, Status, check};
use kubepki::ops::generate_csr::{self, GenerateCsrRequest};
use kubepki::ops::import::{ImportRequest, plan as plan_import};
use kubepki::ops::renew::{RenewRequest, plan as plan_renewal};
use kubepki::ops::sign::{SignRequest, plan as plan_signing};
use kubepki::plan::generate::Selection;
use kubepki::plan::{Action, Plan};
use kubepki::x509::{CertificateRequest, DistinguishedName, KeyUsage, read_certificates};

use super::support::*;

const KUBELET_CLIENT: &str = "apiserver-kubelet-client";
const MASTERS: &[&str] = &["system:masters"];
const ADMINS: &[&str] = &["kubeadm:cluster-admins"];
const NONE: &[&str] = &[];
const BINDING: &str = "kubectl create clusterrolebinding kubeadm:apiserver-kubelet-client \
                       --clusterrole=system:kubelet-api-admin --user=kube-apiserver-kubelet-client";

/// A configuration of this version; of none when there is no text.
fn of(version: &str) -> String {
    let line = if version.is_empty() { String::new() } else { format!("kubernetesVersion: {version}\n") };
    CONTROL_PLANE.replace("kubernetesVersion: v1.36.2\n", &line)
}

fn set_version(node: &Node, version: &str) {
    node.write("/etc/kubeadm.yaml", of(version));
}

fn checked(node: &Node) -> CheckReport {
    check(&CheckRequest { node: node.request.node.clone(), ..CheckRequest::default() }, node.now).unwrap()
}

fn groups(node: &Node, base_name: &str) -> Vec<String> {
    node.certificate(base_name).subject().organizations()
}

fn groups_of_kubeconfig(node: &Node, name: &str) -> Vec<String> {
    let text = node.read(&format!("/etc/kubernetes/{name}"));
    let pem = embedded(&text, "client-certificate-data");
    read_certificates(&pem).unwrap()[0].subject().organizations()
}

/// Signs the certificate again with these groups, as another kubeadm would have made it.
fn put_groups(node: &Node, base_name: &str, issuer: &str, groups: &[&str]) {
    node.replace_leaf(base_name, &node.issuer(issuer), |leaf| {
        leaf.subject = DistinguishedName::new(groups, &leaf.subject.common_name().unwrap()).unwrap();
    });
}

fn found(findings: &[Finding]) -> Vec<(&str, &str, Severity)> {
    findings.iter().map(|one| (one.subject.as_str(), one.code.as_str(), one.severity)).collect()
}

/// Runs the commands of a remedy that are ours or `rm`, by hand.
fn follow(node: &Node, remedy: &str) {
    let commands: Vec<_> = remedy.split('`').skip(1).step_by(2).collect();
    assert!(!commands.is_empty(), "{remedy}");
    for command in commands {
        let words: Vec<_> = command.split(' ').collect();
        match words.as_slice() {
            ["rm", paths @ ..] => paths.iter().for_each(|path| std::fs::remove_file(path).unwrap()),
            ["kubepki", "certs" | "kubeconfig", "init", ..] => {
                node.apply();
            }
            // There is no cluster.
            ["kubectl", "create", "clusterrolebinding", ..] => {}
            _ => panic!("{command}"),
        }
    }
}

/// version, groups of `apiserver-kubelet-client`, of etcd's clients, of `admin.conf`; whether `super-admin.conf` is made
/// and whether ECDSA keys may encipher.
type Era =
    (&'static [&'static str], &'static [&'static str], &'static [&'static str], &'static [&'static str], bool, bool);

const ERAS: [Era; 4] = [
    (&["v1.27.16", "v1.28.15", "stable-1.28"], MASTERS, MASTERS, MASTERS, false, true),
    (
        &["v1.29.0", "v1.32.9", "v1.33.11", "v1.33.5+k3s1", "v1.34.8-rc.0", "v1.35.4", "v1.36.0", "v1.36.0-rc.1"],
        ADMINS,
        NONE,
        ADMINS,
        true,
        true,
    ),
    (
        &["v1.33.12", "v1.34.8", "v1.35.5", "v1.36.1", "v1.36.2", "v1.37.0-alpha.1", "stable-1.35"],
        NONE,
        NONE,
        ADMINS,
        true,
        true,
    ),
    (
        &["v1.38.0-alpha.1", "v1.38.0", "v1.41.2", "stable-1", "latest", "ci/latest", ""],
        NONE,
        NONE,
        ADMINS,
        true,
        false,
    ),
];

#[test]
fn init_makes_what_kubeadm_of_that_version_makes_and_check_is_content() {
    for (versions, kubelet_client, etcd_clients, admin, has_super_admin, ecdsa_enciphers) in ERAS {
        for version in versions {
            let node = Node::made(&of(version));
            assert_eq!(groups(&node, KUBELET_CLIENT), kubelet_client, "{version}");
            for etcd_client in ["apiserver-etcd-client", "etcd/healthcheck-client"] {
                assert_eq!(groups(&node, etcd_client), etcd_clients, "{version}");
            }
            for without in ["apiserver", "front-proxy-client", "etcd/server", "etcd/peer"] {
                assert_eq!(groups(&node, without), NONE, "{version}");
            }
            assert_eq!(groups_of_kubeconfig(&node, "admin.conf"), admin, "{version}");
            assert_eq!(groups_of_kubeconfig(&node, "kubelet.conf"), ["system:nodes"]);
            assert_eq!(node.path("/etc/kubernetes/super-admin.conf").exists(), has_super_admin, "{version}");
            if has_super_admin {
                assert_eq!(groups_of_kubeconfig(&node, "super-admin.conf"), MASTERS);
            }
            for one in ["ca", "etcd/ca", "apiserver", "etcd/peer"] {
                let enciphers = node.certificate(one).key_usages().unwrap().contains(&KeyUsage::KeyEncipherment);
                assert_eq!(enciphers, ecdsa_enciphers, "{version} {one}");
            }
            let report = checked(&node);
            assert_eq!((report.status, &report.findings), (Status::Ok, &Vec::new()), "{version}");
            assert!(node.plan().is_empty() && node.plan().findings.is_empty(), "{version}");
        }
    }
}

#[test]
fn rsa_keys_encipher_in_each_version() {
    let node = Node::made(&of("v1.38.0").replace("ECDSA-P256", "RSA-2048"));
    for one in ["ca", "apiserver"] {
        assert!(node.certificate(one).key_usages().unwrap().contains(&KeyUsage::KeyEncipherment), "{one}");
    }
}

#[test]
fn super_admin_conf_is_neither_missed_before_1_29_nor_passed_over_when_it_is_there() {
    let listed = |node: &Node| {
        let report = kubepki::ops::check_expiration::check_expiration(&node.request.node).unwrap();
        let text = report.report.to_text(node.now);
        (text.contains("super-admin.conf"), text.contains("!MISSING!"))
    };
    let node = Node::made(&of("v1.28.4"));
    assert_eq!(listed(&node), (false, false));
    let newer = Node::made(&of("v1.29.0"));
    assert_eq!(listed(&newer), (true, false));
    set_version(&newer, "v1.28.4");
    assert_eq!(listed(&newer), (true, false));
    newer.remove("/etc/kubernetes/super-admin.conf");
    assert_eq!(listed(&newer), (false, false));
    set_version(&newer, "v1.29.0");
    assert_eq!(listed(&newer), (true, true));
}

fn requested(node: &Node, change: impl FnOnce(&mut GenerateCsrRequest)) -> Plan {
    let mut request = GenerateCsrRequest { node: node.request.node.clone(), ..GenerateCsrRequest::default() };
    request.out_dir = Some("/csr".into());
    request.with_usages = true;
    change(&mut request);
    generate_csr::plan(&request, node.now).unwrap().plan
}

fn signing(node: &Node, change: impl FnOnce(&mut SignRequest)) -> Plan {
    let role = Some(NodeRole::ControlPlane);
    let mut request = SignRequest { csr_dir: Some("/csr".into()), role, ..SignRequest::default() };
    request.node.rootfs.clone_from(&node.request.node.rootfs);
    request.node.config.clone_from(&node.request.node.config);
    change(&mut request);
    plan_signing(&request, node.now).unwrap().plan
}

#[test]
fn requests_ask_for_what_the_version_has_and_are_signed_by_its_configuration() {
    for (versions, kubelet_client, _, admin, has_super_admin, ecdsa_enciphers) in ERAS {
        let version = versions[0];
        let node = Node::made(&of(version));
        let plan = requested(&node, |_| {});
        apply_plan(&plan).unwrap();
        let action = plan.artefacts.iter().find(|one| one.name == "super-admin.conf").unwrap().action();
        assert_eq!(action, if has_super_admin { Action::Request } else { Action::Skip }, "{version}");
        let read = |path| CertificateRequest::from_pem(&node.read(path)).unwrap();
        let (request, admin_request) = (read("/csr/pki/apiserver-kubelet-client.csr"), read("/csr/admin.conf.csr"));
        assert_eq!(request.subject().organizations(), kubelet_client, "{version}");
        assert_eq!(admin_request.subject().organizations(), admin, "{version}");
        assert_eq!(request.key_usages().unwrap().contains(&KeyUsage::KeyEncipherment), ecdsa_enciphers, "{version}");
        let plan = signing(&node, |_| {});
        assert_eq!(problems(&plan.findings), Vec::<String>::new(), "{version}");
        apply_plan(&plan).unwrap();
        let signed = read_certificates(&node.read("/csr/pki/apiserver-kubelet-client.crt")).unwrap().remove(0);
        assert_eq!(signed.subject(), request.subject());
        assert_eq!(signed.key_usages().unwrap().contains(&KeyUsage::KeyEncipherment), ecdsa_enciphers, "{version}");
    }
}

#[test]
fn the_all_powerful_group_is_signed_only_for_a_version_that_has_it() {
    let refused = |version: Option<&str>, file: &str, groups: &[&str], policy: &str| {
        let node = Node::made(&of(version.unwrap_or("v1.36.2")));
        let common_name = if file.contains("admin") { "kubernetes-admin" } else { "kube-apiserver-kubelet-client" };
        let template = kubepki::x509::RequestTemplate {
            subject: DistinguishedName::new(groups, common_name).unwrap(),
            subject_alt_names: kubepki::x509::SubjectAltNames::default(),
            key_usages: Vec::new(),
            extended_key_usages: Vec::new(),
        };
        node.write(&format!("/csr/{file}"), template.sign(&ecdsa_key()).unwrap().to_pem());
        node.write("/policy.yaml", if policy.is_empty() { "{}" } else { policy });
        let plan = signing(&node, |request| {
            if version.is_none() {
                request.node.config = None;
            }
            request.policy = Some(node.path("/policy.yaml"));
        });
        !plan.findings.is_empty()
    };
    let (client, admin) = ("pki/apiserver-kubelet-client.csr", "admin.conf.csr");
    for version in [None, Some("v1.36.2"), Some("v1.32.0"), Some("v1.29.0"), Some("latest"), Some("")] {
        for groups in [NONE, ADMINS] {
            assert!(!refused(version, client, groups, ""), "{version:?} {groups:?}");
        }
        assert!(refused(version, client, MASTERS, ""), "{version:?}");
        assert!(refused(version, admin, MASTERS, ""), "{version:?}");
        assert!(refused(version, client, &["kubeadm:cluster-admins", "system:masters"], ""), "{version:?}");
        assert!(refused(version, admin, NONE, ""), "{version:?}");
    }
    assert!(!refused(Some("v1.28.0"), client, MASTERS, ""));
    assert!(!refused(Some("v1.28.0"), admin, MASTERS, ""));
    // Whoever must not have admin.conf does not get its power by another name.
    let no_admin = "certificates: {admin.conf: {allow: false}}";
    for version in [None, Some("v1.36.2")] {
        assert!(refused(version, client, ADMINS, no_admin), "{version:?}");
        assert!(!refused(version, client, NONE, no_admin), "{version:?}");
    }
    assert!(!refused(Some("v1.32.0"), client, ADMINS, no_admin), "it is the version's own");
    // What a policy says of a name is all that holds for it.
    let own = "certificates: {apiserver-kubelet-client: {organizations: [kubeadm:cluster-admins]}}";
    assert!(!refused(None, client, ADMINS, own));
    assert!(refused(None, client, NONE, own));
}

fn renewed(node: &Node) -> Plan {
    let mut request = RenewRequest { node: node.request.node.clone(), ..RenewRequest::default() };
    request.names = Selection::All;
    let plan = plan_renewal(&request, node.now).unwrap().plan;
    apply_plan(&plan).unwrap();
    plan
}

#[test]
fn renewal_keeps_groups_and_usages_whatever_the_configuration_says() {
    for (made_by, ..) in ERAS {
        for (configured, ..) in ERAS {
            let node = Node::made(&of(made_by[0]));
            let of_all = |node: &Node| {
                let bases = rows([Kind::Leaf]).map(|row| node.certificate(row.base_name));
                bases.map(|one| (one.subject().clone(), one.key_usages().map(<[_]>::to_vec))).collect::<Vec<_>>()
            };
            let (before, admin) = (of_all(&node), groups_of_kubeconfig(&node, "admin.conf"));
            set_version(&node, configured[0]);
            let plan = renewed(&node);
            assert_eq!(of_all(&node), before, "{} {}", made_by[0], configured[0]);
            assert_eq!(groups_of_kubeconfig(&node, "admin.conf"), admin);
            let same_groups = found(&plan.findings).iter().all(|(name, ..)| *name != KUBELET_CLIENT);
            let version = |text: &str| KubernetesVersion::parse(text);
            let row = row(KUBELET_CLIENT).unwrap();
            let at = |text| row.organizations.at(version(text).as_ref());
            assert_eq!(same_groups, at(made_by[0]) == at(configured[0]), "{} {}", made_by[0], configured[0]);
        }
    }
}

#[test]
fn a_client_without_the_group_that_its_version_needs_is_found_and_both_ways_out_are_said() {
    for version in ["v1.32.4", "v1.36.0", "v1.28.9"] {
        let node = Node::made(&of(version));
        put_groups(&node, KUBELET_CLIENT, "ca", &[]);
        for findings in [checked(&node).findings, node.plan().findings] {
            assert_eq!(
                found(&findings),
                [(KUBELET_CLIENT, "certificate.needs_binding", Severity::Warning)],
                "{version}"
            );
            assert!(findings[0].evidence.contains("kubectl logs"), "{}", findings[0].evidence);
            assert!(findings[0].remedy.contains(BINDING), "{}", findings[0].remedy);
        }
        assert_eq!(checked(&node).status, Status::Warning);
        follow(&node, &checked(&node).findings[0].remedy);
        assert_eq!(checked(&node).status, Status::Ok, "{version}");
    }
}

#[test]
fn where_the_ca_is_elsewhere_the_way_out_is_a_request() {
    let node = Node::made(&of("v1.32.4"));
    put_groups(&node, KUBELET_CLIENT, "ca", &[]);
    node.remove("/etc/kubernetes/pki/ca.key");
    let report = checked(&node);
    let finding = find(&report.findings, "certificate.needs_binding");
    assert!(finding.remedy.contains("`kubepki certs generate-csr apiserver-kubelet-client"), "{}", finding.remedy);
    assert!(!finding.remedy.contains("certs init") && finding.remedy.contains(BINDING), "{}", finding.remedy);
}

#[test]
fn an_administrator_of_a_group_that_an_old_cluster_does_not_know_is_found() {
    let node = Node::made(&of("v1.36.2"));
    set_version(&node, "v1.28.9");
    let report = checked(&node);
    let admin = report.findings.iter().find(|one| one.subject == "admin.conf").unwrap();
    assert_eq!((admin.code.as_str(), admin.severity), ("certificate.needs_binding", Severity::Warning));
    assert!(admin.remedy.contains("clusterrolebinding kubeadm:cluster-admins --clusterrole=cluster-admin"));
    follow(&node, &admin.remedy);
    assert_eq!(groups_of_kubeconfig(&node, "admin.conf"), MASTERS);
    assert!(checked(&node).findings.iter().all(|one| one.subject != "admin.conf"));
    let etcd = report.findings.iter().find(|one| one.subject == "apiserver-etcd-client").unwrap();
    assert_eq!((etcd.code.as_str(), etcd.severity), ("certificate.other_subject", Severity::Info));
    assert!(etcd.evidence.contains("kubeadm's before 1.29.0 is CN=kube-apiserver-etcd-client,O="), "{}", etcd.evidence);
}

#[test]
fn groups_that_an_older_kubeadm_gave_are_no_fault_unless_nothing_can_restrict_them() {
    let node = Node::made(&of("v1.29.3"));
    set_version(&node, "v1.36.2");
    let report = checked(&node);
    assert_eq!(found(&report.findings), [(KUBELET_CLIENT, "certificate.other_subject", Severity::Info)]);
    let evidence = &report.findings[0].evidence;
    assert!(evidence.contains("kubeadm's from 1.33.12, 1.34.8, 1.35.5, 1.36.1 on is CN="), "{evidence}");
    assert_eq!(report.status, Status::Ok);

    let node = Node::made(&of("v1.28.9"));
    set_version(&node, "v1.36.2");
    let report = checked(&node);
    let mut all = found(&report.findings);
    all.sort_unstable();
    // super-admin.conf is best kept elsewhere, and is not missed.
    assert_eq!(
        all,
        [
            ("admin.conf", "certificate.other_subject", Severity::Warning),
            ("apiserver-etcd-client", "certificate.other_subject", Severity::Info),
            (KUBELET_CLIENT, "certificate.other_subject", Severity::Warning),
            ("etcd-healthcheck-client", "certificate.other_subject", Severity::Info),
        ]
    );
    for finding in report.findings.iter().filter(|one| one.severity == Severity::Warning) {
        follow(&node, &finding.remedy);
    }
    assert_eq!(checked(&node).status, Status::Ok);
}

#[test]
fn a_cluster_that_is_older_than_the_binding_may_lack_it() {
    let made_at = |moment: &str| {
        let mut node = Node::empty(&of("v1.36.2"));
        node.now = moment.parse().unwrap();
        node.apply();
        node
    };
    let young = made_at("2026-05-20T00:00:00Z");
    let old = made_at("2025-03-01T00:00:00Z");
    for with_config in [true, false] {
        let findings = |node: &Node| {
            let mut request = CheckRequest { node: node.request.node.clone(), ..CheckRequest::default() };
            if !with_config {
                request.node.config = None;
            }
            let report = check(&request, node.now).unwrap();
            assert_eq!(report.status, Status::Ok);
            report.findings
        };
        assert_eq!(found(&findings(&young)), []);
        let doubts = findings(&old);
        assert_eq!(found(&doubts), [(KUBELET_CLIENT, "certificate.needs_binding", Severity::Info)]);
        assert!(
            doubts[0].remedy.starts_with("nothing, if kubeadm upgrade apply") && doubts[0].remedy.contains(BINDING)
        );
    }
    // Also before it is made.
    for name in ["crt", "key"] {
        old.remove(&format!("/etc/kubernetes/pki/apiserver-kubelet-client.{name}"));
    }
    let plan = old.plan();
    assert_eq!(found(&plan.findings), [(KUBELET_CLIENT, "certificate.needs_binding", Severity::Info)]);
    set_version(&old, "v1.35.1");
    assert_eq!(found(&old.plan().findings), []);
    old.apply();
    assert_eq!(found(&checked(&old).findings), [], "it has the group that needs no binding");
}

#[test]
fn a_certificate_that_takes_a_group_away_is_told_before_it_is_put_in_place() {
    let node = Node::made(&of("v1.35.1"));
    let key = node.read("/etc/kubernetes/pki/apiserver-kubelet-client.key");
    let mut template = template_of(&node.certificate(KUBELET_CLIENT));
    template.subject = DistinguishedName::new::<&str>(&[], "kube-apiserver-kubelet-client").unwrap();
    let issued = template
        .issue(
            &kubepki::x509::SerialNumber::random().unwrap(),
            kubepki::key::PrivateKey::from_pem(&key).unwrap().public_key_info(),
            &node.issuer("ca"),
        )
        .unwrap();
    node.write("/signed/apiserver-kubelet-client.crt", issued.to_pem());
    for (version, with_config) in [("v1.35.1", true), ("v1.36.2", true), ("v1.35.1", false)] {
        set_version(&node, version);
        let mut request = ImportRequest { node: node.request.node.clone(), ..ImportRequest::default() };
        request.paths = vec!["/signed".into()];
        if !with_config {
            request.node.config = None;
        }
        let plan = plan_import(&request, node.now).unwrap().plan;
        assert_eq!(
            found(&plan.findings),
            [(KUBELET_CLIENT, "certificate.needs_binding", Severity::Warning)],
            "{version} {with_config}"
        );
        assert!(plan.findings[0].remedy.contains(BINDING), "{}", plan.findings[0].remedy);
        assert!(!plan.findings[0].remedy.contains("`rm "), "the given file is not the node's");
    }
}

/// The table of the documentation, as the catalogue has it.
fn table() -> Vec<String> {
    let versions = ["v1.28.0", "v1.32.0", "v1.36.2", "v1.38.0"].map(|text| KubernetesVersion::parse(text).unwrap());
    let mut rows = vec![format!(
        "| | before {SEPARATE_SUPER_ADMIN} | from {SEPARATE_SUPER_ADMIN} on | from {KUBELET_CLIENT_BINDING} on | from {ENCIPHERMENT_FOR_RSA_ALONE} on |"
    )];
    let shown = |groups: &[&str]| match groups {
        [] => "no O".to_owned(),
        all => all.iter().map(|group| format!("`O={group}`")).collect::<Vec<_>>().join(", "),
    };
    for row in kubepki::catalogue::rows([Kind::Leaf]).filter(|row| row.organizations.all().count() > 1) {
        let cells = versions.each_ref().map(|version| shown(row.organizations.at(Some(version))));
        rows.push(format!("| `{}` | {} |", row.name, cells.join(" | ")));
    }
    for row in kubepki::catalogue::rows([Kind::Kubeconfig])
        .filter(|row| row.organizations.all().count() > 1 || row.since.is_some())
    {
        let cells = versions.each_ref().map(|version| {
            let is_made = row.since.is_none_or(|change| change.is_in(Some(version)));
            if is_made { shown(row.organizations.at(Some(version))) } else { "not made".to_owned() }
        });
        rows.push(format!("| `{}` | {} |", row.name, cells.join(" | ")));
    }
    let usages = versions.each_ref().map(|version| {
        let all = leaf_key_usages(Some(version), "ECDSA-P256");
        all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    });
    rows.push(format!("| key usage of ECDSA keys | {} |", usages.join(" | ")));
    rows
}

#[test]
fn the_documented_table_of_versions_is_the_catalogues() {
    let text = std::fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/configuration.md"),
    )
    .unwrap();
    for row in table() {
        assert!(text.lines().any(|line| line == row), "docs/reference/configuration.md lacks\n{row}");
    }
}
