//! `certs sign` on real trees: kubeadm's requests and foreign ones, signed or refused with every reason.

use kubepki::request::{OfAuthorities, Span};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use kubepki::audit::Finding;
use kubepki::catalogue::NodeRole;
use kubepki::error::Error;
use kubepki::key::{Algorithm, PrivateKey};
use kubepki::ops::generate_csr::{self, GenerateCsrRequest};
use kubepki::ops::sign::{NamedFile, SignRequest, SignTextRequest, plan};
use kubepki::plan::generate::OutliveAuthority;
use kubepki::plan::{Action, Creation, Plan, Step};
use kubepki::x509::{
    CertificateRequest, DistinguishedName, ExtendedKeyUsage, KeyUsage, RequestTemplate, SubjectAltNames,
    read_certificates, verify_chain,
};

use super::support::*;

/// kubeadm's requests beside the CAs that kubeadm made.
pub(super) fn golden_requests(case_name: &str) -> Node {
    let node = Node::golden(case_name);
    let from = case(case_name).join("csr");
    for file in files(&from).iter().filter(|file| file.extension().is_some_and(|end| end == "csr")) {
        node.write(&format!("/csr/{}", file.display()), fs::read(from.join(file)).unwrap());
    }
    node
}

/// The CA's machine: of the node its name and kind are known, and no more.
pub(super) fn wanted(node: &Node) -> SignRequest {
    let role = Some(NodeRole::ControlPlane);
    let mut request = SignRequest { csr_dir: Some("/csr".into()), role, ..SignRequest::default() };
    let config = String::from_utf8(node.read("/etc/kubeadm.yaml")).unwrap();
    let is_first_of_three = config.contains("cp-a.example.test");
    request.node.node_name = Some(if is_first_of_three { "cp-a.example.test" } else { "cp1" }.into());
    request.node.rootfs.clone_from(&node.request.node.rootfs);
    request
}

pub(super) fn try_plan(node: &Node, change: impl FnOnce(&mut SignRequest)) -> Result<Plan, Error> {
    let mut request = wanted(node);
    change(&mut request);
    plan(&request, node.now).map(|planned| planned.plan)
}

/// A request in `/csr`, signed with a key of its own.
fn put(node: &Node, file: &str, organizations: &[&str], common_name: &str, names: SubjectAltNames) -> PrivateKey {
    let key = ecdsa_key();
    put_template(node, file, &key, &template(organizations, common_name, names));
    key
}

pub(super) fn template(organizations: &[&str], common_name: &str, names: SubjectAltNames) -> RequestTemplate {
    RequestTemplate {
        subject: DistinguishedName::new(organizations, common_name).unwrap(),
        subject_alt_names: names,
        key_usages: Vec::new(),
        extended_key_usages: Vec::new(),
    }
}

pub(super) fn put_template(node: &Node, file: &str, key: &PrivateKey, template: &RequestTemplate) {
    node.write(&format!("/csr/{file}"), template.sign(key).unwrap().to_pem());
}

fn none() -> SubjectAltNames {
    SubjectAltNames::default()
}

fn dns(names: &[&str]) -> SubjectAltNames {
    SubjectAltNames::sorted(names.iter().copied(), [])
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code.as_str()).collect()
}

#[test]
fn kubeadms_requests_are_signed_each_by_its_ca() {
    for name in CASES {
        for with_config in [false, true] {
            let node = golden_requests(name);
            if name == "external-etcd" {
                for request in ["apiserver-etcd-client", "etcd/server", "etcd/peer", "etcd/healthcheck-client"] {
                    node.remove(&format!("/csr/pki/{request}.csr"));
                }
            }
            if name == "ha" && !with_config {
                // It has a wildcard, which a configuration or a policy must name.
                continue;
            }
            let plan = try_plan(&node, |request| {
                request.node.config = with_config.then(|| "/etc/kubeadm.yaml".into());
                request.outlive_ca = OutliveAuthority::Allow.into();
            })
            .unwrap();
            assert_eq!(problems(&plan.findings), Vec::<String>::new(), "{name}");
            apply_plan(&plan).unwrap();
            for artefact in &plan.artefacts {
                let Step::Create(Creation::Answer(answer)) = &artefact.step else { panic!("{artefact:?}") };
                let request = CertificateRequest::from_pem(&node.read(answer.request_file.to_str().unwrap())).unwrap();
                let path = artefact.files[0].path.to_str().unwrap();
                let certificate = read_certificates(&node.read(path)).unwrap().remove(0);
                assert_eq!(certificate.subject(), request.subject());
                assert_eq!(certificate.subject_alt_names(), request.subject_alt_names());
                assert_eq!(certificate.public_key_info(), request.public_key_info());
                // Without a version the newest rule holds: only RSA keys encipher.
                let enciphers = with_config || certificate.key_kind().starts_with("RSA-");
                let both = [KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment];
                assert_eq!(certificate.key_usages().unwrap(), &both[..if enciphers { 2 } else { 1 }]);
                let base = match artefact.issuer.as_deref().unwrap() {
                    "etcd-ca" => "etcd/ca",
                    other => other,
                };
                verify_chain(&certificate, &[], &[node.certificate(base)], node.now, None).unwrap();
            }
            let both = [ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth];
            if name != "external-etcd" {
                let peer = read_certificates(&node.read("/csr/pki/etcd/peer.crt")).unwrap().remove(0);
                assert_eq!(peer.extended_key_usages().unwrap(), both);
            }
        }
    }
}

#[test]
fn what_is_signed_is_what_init_would_have_made() {
    let node = Node::made(CONTROL_PLANE);
    let mut request = GenerateCsrRequest { node: node.request.node.clone(), ..GenerateCsrRequest::default() };
    request.out_dir = Some("/csr".into());
    apply_plan(&generate_csr::plan(&request, node.now).unwrap().plan).unwrap();
    let plan = try_plan(&node, |request| request.node.config = Some("/etc/kubeadm.yaml".into())).unwrap();
    apply_plan(&plan).unwrap();
    for base in ["apiserver", "etcd/server", "etcd/peer", "front-proxy-client", "apiserver-kubelet-client"] {
        let signed = read_certificates(&node.read(&format!("/csr/pki/{base}.crt"))).unwrap().remove(0);
        assert_eq!(template_of(&signed), template_of(&node.certificate(base)), "{base}");
        assert_eq!(signed.authority_key_identifier(), node.certificate(base).authority_key_identifier());
    }
}

#[test]
fn a_second_run_has_nothing_to_do_and_another_file_is_never_overwritten() {
    let node = golden_requests("minimal");
    apply_plan(&try_plan(&node, |_| {}).unwrap()).unwrap();
    let before = node.snapshot();
    let again = try_plan(&node, |_| {}).unwrap();
    assert!(again.is_empty() && again.artefacts.iter().all(|one| one.action() == Action::Keep));

    node.write("/csr/pki/apiserver.crt", "a file of somebody's");
    let blocked = try_plan(&node, |_| {}).unwrap();
    assert_eq!(criticals(&blocked.findings), ["apiserver file.exists"]);
    assert_eq!(apply_plan(&blocked).unwrap_err().code(), "plan.blocked");
    assert_eq!(node.read("/csr/pki/apiserver.crt"), b"a file of somebody's");

    let forced = try_plan(&node, |request| request.force = true).unwrap();
    assert_eq!(forced.changes().count(), 12);
    apply_plan(&forced).unwrap();
    assert!(before.keys().eq(node.snapshot().keys()));
    assert!(node.read("/csr/pki/apiserver.crt").starts_with(b"-----BEGIN CERTIFICATE"));
}

#[test]
fn one_refused_request_stops_all_unless_the_rest_is_wanted() {
    let node = golden_requests("minimal");
    put(&node, "kubelet.conf.csr", &["system:masters"], "system:node:cp1", none());
    let before = node.snapshot();
    let plan = try_plan(&node, |_| {}).unwrap();
    assert_eq!(criticals(&plan.findings), ["kubelet.conf request.other_subject"]);
    let error = apply_plan(&plan).unwrap_err();
    assert_eq!((error.code().as_str(), error.category().exit_code()), ("policy.refused", 4));
    assert_eq!(node.snapshot(), before);

    let partial = try_plan(&node, |request| request.partial = true).unwrap();
    assert_eq!(action(&partial, "kubelet.conf"), Action::Blocked);
    assert_eq!(apply_plan(&partial).unwrap().changed.len(), 11);
    assert!(!node.path("/csr/kubelet.conf.crt").exists());
}

#[test]
fn every_reason_is_given() {
    let node = Node::golden("minimal");
    let key = ecdsa_key();
    let mut bad = template(&["system:masters"], "kubernetes-admin", dns(&["evil.example"]));
    bad.key_usages = vec![KeyUsage::DigitalSignature, KeyUsage::KeyCertSign];
    bad.extended_key_usages = vec![ExtendedKeyUsage::ServerAuth];
    let request = bad.sign(&key).unwrap();
    let mut der = request.as_der().to_vec();
    let position = der.windows(4).position(|bytes| bytes == b"evil").unwrap();
    der[position] = b'E';
    node.write("/csr/admin.conf.csr", CertificateRequest::from_der(&der).unwrap().to_pem());
    let plan = try_plan(&node, |_| {}).unwrap();
    assert_eq!(
        codes(&plan.findings),
        ["request.signature", "request.other_subject", "request.other_names", "request.other_usages"]
    );
    let other = find(&plan.findings, "request.other_usages");
    assert!(other.evidence.contains("keyCertSign, serverAuth"), "{other}");
    assert_eq!(other.path.as_deref(), Some(Path::new("/csr/admin.conf.csr")));
}

#[test]
fn subjects_are_exactly_the_catalogues() {
    let refused = |file: &str, organizations: &[&str], common_name: &str| {
        let node = Node::golden("minimal");
        put(&node, file, organizations, common_name, none());
        let plan = try_plan(&node, |request| request.node.node_name = Some("w1".into())).unwrap();
        !plan.findings.is_empty()
    };
    assert!(!refused("kubelet.conf.csr", &["system:nodes"], "system:node:w1"));
    assert!(!refused("admin.conf.csr", &["kubeadm:cluster-admins"], "kubernetes-admin"));
    assert!(!refused("scheduler.conf.csr", &[], "system:kube-scheduler"));
    for (file, organizations, common_name) in [
        ("kubelet.conf.csr", &["system:nodes"][..], "system:node:"),
        ("kubelet.conf.csr", &["system:nodes"], "system:node:w2"),
        ("kubelet.conf.csr", &["system:nodes"], "system:node:w1.example"),
        ("kubelet.conf.csr", &["system:nodes"], "system:node:Upper"),
        ("kubelet.conf.csr", &["system:nodes"], "system:node:*.example"),
        ("kubelet.conf.csr", &["system:nodes"], "system:node:192.0.2.1"),
        ("kubelet.conf.csr", &["system:nodes", "system:masters"], "system:node:w1"),
        ("kubelet.conf.csr", &["system:nodes", "system:nodes"], "system:node:w1"),
        ("kubelet.conf.csr", &[], "system:node:w1"),
        ("kubelet.conf.csr", &["system:nodes"], "kubernetes-admin"),
        ("admin.conf.csr", &["system:masters"], "kubernetes-admin"),
        ("scheduler.conf.csr", &["system:masters"], "system:kube-scheduler"),
        ("pki/front-proxy-client.csr", &[], "kubernetes-admin"),
        ("pki/front-proxy-client.csr", &["system:masters"], "front-proxy-client"),
    ] {
        assert!(refused(file, organizations, common_name), "{file} {organizations:?} {common_name}");
    }
}

#[test]
fn two_common_names_are_not_one() {
    // Go takes the last, others the first: neither is to be had this way.
    let both = [
        DistinguishedName::new(&["system:nodes"], "system:node:w1").unwrap(),
        DistinguishedName::new::<&str>(&[], "kubernetes-admin").unwrap(),
    ];
    let content: Vec<u8> = both.iter().flat_map(|name| name.as_der()[2..].to_vec()).collect();
    let der = [&[0x30, u8::try_from(content.len()).unwrap()], content.as_slice()].concat();
    let mut template = template(&[], "x", none());
    template.subject = DistinguishedName::from_der(&der).unwrap();
    let node = Node::golden("minimal");
    put_template(&node, "kubelet.conf.csr", &ecdsa_key(), &template);
    let plan = try_plan(&node, |_| {}).unwrap();
    assert_eq!(codes(&plan.findings), ["request.not_understood", "request.other_subject"]);
}

#[test]
fn the_configuration_and_the_nodes_name_say_which_names_are_right() {
    let sans = |more: &[&str], addresses: &[&str]| {
        let mut dns =
            vec!["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"];
        dns.extend(more);
        SubjectAltNames::sorted(dns, addresses.iter().map(|address| address.parse().unwrap()))
    };
    let judged = |names: SubjectAltNames, config: Option<&str>, node_name: Option<&str>| {
        let node = Node::golden("minimal");
        if let Some(config) = config {
            node.write("/etc/kubeadm.yaml", config);
        }
        put(&node, "pki/apiserver.csr", &[], "kube-apiserver", names);
        let plan = try_plan(&node, |request| {
            request.node.config = config.map(|_| "/etc/kubeadm.yaml".into());
            request.node.node_name = node_name.map(str::to_owned);
        })
        .unwrap();
        plan.findings.iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    let nothing: Vec<&str> = Vec::new();
    let service = "10.96.0.1";
    // One node's configuration.
    assert_eq!(judged(sans(&["cp1"], &[service, "192.0.2.10"]), Some(CONTROL_PLANE), None), nothing);
    assert_eq!(
        judged(sans(&["cp1", "evil"], &[service, "192.0.2.10"]), Some(CONTROL_PLANE), None),
        ["request.other_names"]
    );
    assert_eq!(judged(sans(&["cp1"], &[service]), Some(CONTROL_PLANE), None), ["request.missing_names"]);
    assert_eq!(judged(sans(&["cp2"], &[service, "192.0.2.10"]), Some(CONTROL_PLANE), Some("cp2")), nothing);
    // The cluster's: the address of the node may be any, and no more than that.
    let cluster = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.36.2\n";
    assert_eq!(judged(sans(&["cp7"], &[service, "192.0.2.77"]), Some(cluster), Some("cp7")), nothing);
    assert_eq!(
        judged(sans(&["cp7"], &[service, "192.0.2.77", "192.0.2.78"]), Some(cluster), Some("cp7")),
        ["request.other_names"]
    );
    assert_eq!(judged(sans(&["cp7"], &[service, "0.0.0.0"]), Some(cluster), Some("cp7")), ["request.other_names"]);
    assert_eq!(
        judged(sans(&["cp7", "cp8"], &[service, "192.0.2.77"]), Some(cluster), Some("cp7")),
        ["request.other_names"]
    );
    assert_eq!(judged(sans(&["cp7"], &[service, "192.0.2.77"]), Some(cluster), None), ["request.unknown_node"]);
    // No configuration: what a host can have, and what every API server has.
    let cp7 = Some("cp7");
    assert_eq!(judged(sans(&["cp7", "api.example"], &[service]), None, cp7), nothing);
    assert_eq!(judged(dns(&["cp7"]), None, cp7), ["request.missing_names"]);
    for (names, addresses) in [
        (&["cp7", "*.apps.example"][..], &[service][..]),
        (&["x.default.svc"], &[]),
        (&["*.svc"], &[]),
        (&["cp 7"], &[]),
        (&[], &["0.0.0.0"]),
        (&[], &["255.255.255.255"]),
        (&[], &["169.254.169.254"]),
        (&[], &["fe80::1"]),
    ] {
        assert_eq!(judged(sans(names, addresses), None, cp7), ["request.other_names"], "{names:?} {addresses:?}");
    }
    let many: Vec<String> = (0..29).map(|number| format!("api{number}.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(judged(sans(&many[..28], &[]), None, cp7), nothing);
    assert_eq!(judged(sans(&many, &[]), None, cp7), ["request.other_names"]);
}

#[test]
fn etcds_requests_are_for_one_host() {
    let judged = |common_name: &str, names: SubjectAltNames| {
        let node = Node::golden("minimal");
        put(&node, "pki/etcd/server.csr", &[], common_name, names);
        let plan = try_plan(&node, |_| {}).unwrap();
        plan.findings.iter().map(|finding| finding.evidence.clone()).collect::<Vec<_>>()
    };
    let loopback = ["127.0.0.1".parse().unwrap()];
    assert!(judged("cp1", SubjectAltNames::sorted(["cp1", "localhost"], loopback)).is_empty());
    let other = judged("cp1", SubjectAltNames::sorted(["cp2", "localhost"], loopback));
    assert!(other[0].ends_with("DNS:cp1"), "{other:?}");
    assert!(judged("cp1", none())[0].contains("DNS:localhost, IP:127.0.0.1, DNS:cp1"));
}

#[test]
fn a_policy_loosens_and_tightens() {
    let with_policy = |policy: &str, change: &dyn Fn(&Node, &mut SignRequest)| {
        let node = golden_requests("minimal");
        node.write("/policy.yaml", policy);
        let mut request = wanted(&node);
        request.policy = Some("/policy.yaml".into());
        change(&node, &mut request);
        plan(&request, node.now).map(|planned| (node, planned.plan))
    };
    let unchanged: &dyn Fn(&Node, &mut SignRequest) = &|_, _| {};

    let (node, plan) = with_policy(
        "maxValidity: 720h\ncertificates:\n  vault:\n    issuer: ca\n    usages: [clientAuth]\n    commonNames: ['vault-*']\n    organizations: [readers]\n    names: ['DNS:*.vault.example', 192.0.2.0/24]\n",
        &|node, _| {
            put(node, "vault.csr", &["readers"], "vault-1", SubjectAltNames::sorted(["a.vault.example"], ["192.0.2.9".parse().unwrap()]));
        },
    )
    .unwrap();
    assert_eq!(problems(&plan.findings), Vec::<String>::new());
    apply_plan(&plan).unwrap();
    let certificate = read_certificates(&node.read("/csr/vault.crt")).unwrap().remove(0);
    assert_eq!(certificate.extended_key_usages().unwrap(), [ExtendedKeyUsage::ClientAuth]);
    assert_eq!(certificate.not_after(), node.now + TimeDelta::hours(720));

    let (_, plan) = with_policy("certificates: {super-admin.conf: {allow: false}}", unchanged).unwrap();
    assert_eq!(criticals(&plan.findings), ["super-admin.conf request.not_allowed"]);
    let (_, plan) = with_policy("minimumRsaBits: 3072", unchanged).unwrap();
    assert_eq!(plan.findings.len(), 12);
    let (_, plan) =
        with_policy("maxValidity: 24h", &|_, request| request.validity = Some(Span::of_seconds(86_401))).unwrap();
    assert_eq!(BTreeSet::from_iter(codes(&plan.findings)), BTreeSet::from(["request.validity"]));
    let (_, plan) = with_policy("certificates: {apiserver: {names: ['kubernetes*']}}", unchanged).unwrap();
    assert_eq!(criticals(&plan.findings), ["apiserver request.other_names"]);

    for (policy, says) in [
        ("certificates:\n  apiserver:\n    comonNames: [x]\n", "line 3 column 5"),
        ("maxValidity: 90d\n", "8760h"),
        ("certificates: {apiserver: {issuer: etcd-ca}}", "the catalogue's"),
        ("certificates: {mine: {usages: [clientAuth], commonNames: [x]}}", "needs an issuer"),
        ("certificates: {mine: {issuer: ca, usages: [client], commonNames: [x]}}", "not a usage"),
        ("certificates: {mine: {issuer: other, usages: [clientAuth], commonNames: [x]}}", "no CA"),
        ("certificates: {apiserver: {names: ['IP:x']}}", "neither an address"),
        ("", "empty"),
        ("# nothing\n", "empty"),
        ("---\n", "empty"),
        ("certificates:\n", "certificates: it has no value"),
        ("certificates:\n  admin.conf:\n  # allow: false\n", "certificates.admin.conf: it has no value"),
        ("certificates: {admin.conf: {allow: }}", "no value"),
        ("certificates: {admin.conf: {organizations: }}", "no value"),
        ("certificates: {admin.conf: {commonNames: [~]}}", "no value"),
        ("certificates: {admin.conf: {commonNames: []}}", "allow: false"),
        ("certificates: {admin.conf: {commonNames: ['']}}", "matches nothing"),
        ("certificates: {admin.conf: {commonNames: ['kubernetes-admin ']}}", "matches nothing"),
        ("certificates: {admin.conf: {allow: no}}", "line 1"),
        ("certificates: {admin.conf: {allow: off}}", "line 1"),
        ("certificates: {admin.conf: {allow: 'no'}}", "line 1"),
        ("certificates: {admin.conf: {allow: 0}}", "line 1"),
        ("certificates: {admin: {allow: false}}", "did you mean admin.conf?"),
        ("certificates: {Admin.conf: {allow: false}}", "did you mean admin.conf?"),
        ("certificates: {'admin.conf ': {allow: false}}", "did you mean admin.conf?"),
        ("certificates: {' admin.conf': {allow: false}}", "did you mean admin.conf?"),
        ("certificates: {admin.conf.csr: {allow: false}}", "did you mean admin.conf?"),
        ("certificates: {cp1.admin.conf: {allow: false}}", "did you mean admin.conf?"),
        ("certificates: {admin.cnf: {allow: false}}", "did you mean admin.conf?"),
        ("certificates: {super_admin.conf: {allow: false}}", "did you mean super-admin.conf?"),
        ("certificates: {etcd/server: {allow: false}}", "did you mean etcd-server?"),
        ("certificates: {pki/apiserver: {allow: false}}", "did you mean apiserver?"),
        ("certificates: {API-Server: {allow: false}}", "in lower case"),
        ("certificates: {apiservr: {allow: false}}", "did you mean apiserver?"),
        ("certificates: {ca: {allow: false}}", "no request is signed"),
        ("certificates: {kubelet-server: {allow: false}}", "no request is signed"),
        ("certificates: {unheard: {allow: false}}", "needs an issuer"),
        ("certificates: {'': {allow: false}}", "a name is"),
        ("certificates: {admin.conf: {allow: false}, admin.conf: {allow: true}}", "line 1"),
        ("certificates: {admin.conf: {allow: false, allow: true}}", "line 1"),
        ("certificates: {}\ncertificates: {admin.conf: {allow: false}}\n", "line 2"),
        ("maxValidity: 24h\n---\ncertificates: {admin.conf: {allow: false}}\n", "document"),
        ("certificate: {admin.conf: {allow: false}}", "unknown field"),
        ("minimumRsaBits: 1024", "2048"),
        ("minimumRsaBits: 99999", "8192"),
        ("- a list", "line 1"),
        ("maxValidity: {{ validity }}", "line 1 column 14: \"{{ validity }}\" is left over from a template"),
        ("{% if x %}\nmaxValidity: 24h\n{% endif %}", "is left over from a template"),
    ] {
        let error = with_policy(policy, unchanged).err().unwrap_or_else(|| panic!("accepted: {policy}"));
        assert_eq!((error.code().as_str(), error.category().exit_code()), ("policy.invalid", 2), "{policy}");
        assert!(error.to_string().contains(says), "{policy}: {error}");
    }
}

#[test]
fn files_can_be_named_and_go_elsewhere() {
    let node = golden_requests("minimal");
    put(&node, "../inbox/node7.csr", &["system:nodes"], "system:node:node7", none());
    let plan = try_plan(&node, |request| {
        request.csr_dir = None;
        request.out_dir = Some("/out".into());
        request.files = vec![
            NamedFile { path: "/inbox/node7.csr".into(), name: Some("kubelet.conf".into()) },
            NamedFile { path: "/csr/pki/front-proxy-client.csr".into(), name: None },
        ];
        request.node.node_name = Some("node7".into());
    })
    .unwrap();
    apply_plan(&plan).unwrap();
    assert_eq!(files(&node.path("/out")), [PathBuf::from("front-proxy-client.crt"), PathBuf::from("kubelet.conf.crt")]);

    let missing = try_plan(&node, |request| {
        request.csr_dir = None;
        request.files = vec![NamedFile { path: "/nowhere/apiserver.csr".into(), name: None }];
    });
    assert_eq!(criticals(&missing.unwrap().findings), ["apiserver file.missing"]);
    node.write("/empty/readme", "");
    let error = try_plan(&node, |request| request.csr_dir = Some("/empty".into())).unwrap_err();
    assert_eq!(error.code(), "sign.no_requests");
    let error = try_plan(&node, |request| {
        request.files = vec![NamedFile { path: "/csr/pki/apiserver.csr".into(), name: None }];
    });
    assert_eq!(error.unwrap_err().code(), "sign.same_place");
    put(&node, "w1.kubelet.conf.csr", &["system:nodes"], "system:node:cp1", none());
    let plan = try_plan(&node, |_| {}).unwrap();
    assert_eq!(plan.artefacts.iter().filter(|one| one.name == "kubelet.conf").count(), 2);
    assert!(plan.findings.is_empty());
    put(&node, "unheard-of.csr", &[], "x", none());
    put(&node, "super-kubelet.conf.csr", &[], "x", none());
    let plan = try_plan(&node, |_| {}).unwrap();
    assert_eq!(codes(&plan.findings), ["request.unknown_name"; 2]);
}

#[test]
fn a_ca_that_cannot_sign_is_said_once() {
    let node = golden_requests("minimal");
    node.remove("/etc/kubernetes/pki/ca.key");
    node.write("/etc/kubernetes/pki/etcd/ca.key", ecdsa_key().to_pem().expose());
    node.remove("/etc/kubernetes/pki/front-proxy-ca.crt");
    node.remove("/etc/kubernetes/pki/front-proxy-ca.key");
    let plan = try_plan(&node, |request| request.partial = true).unwrap();
    assert_eq!(
        criticals(&plan.findings),
        ["ca file.missing", "etcd-ca key.mismatch", "front-proxy-ca authority.missing"]
    );
    assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.blocked");
    let node = golden_requests("minimal");
    let far = (node.certificate("ca").not_after() - node.now).num_seconds() + 1;
    let outliving = |choice: OutliveAuthority| {
        let wanted = |request: &mut SignRequest| {
            request.validity = Some(Span::of_seconds(far));
            request.outlive_ca = choice.into();
        };
        try_plan(&node, wanted).unwrap()
    };
    assert!(codes(&outliving(OutliveAuthority::Refuse).findings).contains(&"certificate.outlives_authority"));
    let clamped = outliving(OutliveAuthority::Clamp);
    assert!(clamped.artefacts.iter().all(|one| one.expires_at <= Some(node.certificate("ca").not_after())));
}

#[test]
fn serial_numbers_go_on_from_openssls_file_in_one_transaction() {
    let node = golden_requests("minimal");
    node.write("/etc/kubernetes/pki/ca.srl", "0FFE\n");
    let plan = try_plan(&node, |request| request.serial_files = true).unwrap();
    let report = apply_plan(&plan).unwrap();
    let of_ca: Vec<_> = plan
        .artefacts
        .iter()
        .zip(&report.changed)
        .filter(|(artefact, _)| artefact.issuer.as_deref() == Some("ca"))
        .filter_map(|(_, changed)| changed.serial.clone())
        .collect();
    assert_eq!(of_ca, ["0fff", "1000", "1001", "1002", "1003", "1004", "1005"]);
    assert_eq!(node.read("/etc/kubernetes/pki/ca.srl"), b"1005\n");
    // The two others begin anew with a random number.
    let etcd = String::from_utf8(node.read("/etc/kubernetes/pki/etcd/ca.srl")).unwrap();
    assert!(etcd.len() >= 13 && etcd.to_uppercase() == etcd, "{etcd}");
    assert!(node.path("/etc/kubernetes/pki/front-proxy-ca.srl").exists());

    node.write("/etc/kubernetes/pki/ca.srl", "no number");
    let plan = try_plan(&node, |request| {
        request.serial_files = true;
        request.force = true;
    })
    .unwrap();
    let before = node.snapshot();
    assert_eq!(apply_plan(&plan).unwrap_err().code(), "sign.bad_serial_file");
    assert_eq!(node.snapshot(), before);
    let error = try_plan(&node, |request| request.serial_file = Some("/ca.srl".into()));
    assert_eq!(error.unwrap_err().code(), "sign.shared_serial_file");
}

#[test]
fn a_request_that_changed_since_the_plan_is_not_signed() {
    let node = golden_requests("minimal");
    let plan = try_plan(&node, |_| {}).unwrap();
    put(&node, "admin.conf.csr", &["kubeadm:cluster-admins"], "kubernetes-admin", none());
    assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.stale");
    assert!(!node.path("/csr/admin.conf.crt").exists());
}

/// The signing of `apiserver`'s request as text, by the CAs of the node.
pub(super) fn as_text(node: &Node) -> SignTextRequest {
    SignTextRequest {
        node: wanted(node).node,
        role: Some(NodeRole::ControlPlane),
        csr: String::from_utf8(node.read("/csr/pki/apiserver.csr")).unwrap(),
        name: "apiserver".into(),
        ca_dir: Some("/etc/kubernetes/pki".into()),
        ca_cert: None,
        ca_key: None,
        ca_key_content: OfAuthorities::None,
        ca_key_passphrase: OfAuthorities::None,
        present: None,
        renew_before: None,
        dry_run: false,
        validity: Some(Span::of_seconds(3600)),
        policy: None,
        outlive_ca: OutliveAuthority::Refuse.into(),
    }
}

#[test]
fn requests_made_by_rcgen_are_signed_or_refused() {
    let node = Node::golden("minimal");
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let write = |file: &str, common_name: &str, names: Vec<String>, key: &rcgen::KeyPair| {
        let mut parameters = rcgen::CertificateParams::new(names).unwrap();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, common_name);
        node.write(&format!("/csr/{file}"), parameters.serialize_request(key).unwrap().pem().unwrap());
    };
    write("pki/front-proxy-client.csr", "front-proxy-client", Vec::new(), &key);
    write("pki/etcd/peer.csr", "cp1", vec!["cp1".into(), "localhost".into(), "127.0.0.1".into()], &key);
    let ed25519 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    write("scheduler.conf.csr", "system:kube-scheduler", Vec::new(), &ed25519);
    let plan = try_plan(&node, |request| request.partial = true).unwrap();
    // One key for two certificates of a node is a warning.
    assert_eq!(codes(&plan.findings), ["request.reused_key", "request.reused_key", "request.weak_key"]);
    assert_eq!(apply_plan(&plan).unwrap().changed.len(), 2);
    let key = PrivateKey::generate(Algorithm::Rsa3072).unwrap();
    put_template(&node, "controller-manager.conf.csr", &key, &template(&[], "system:kube-controller-manager", none()));
    assert_eq!(
        action(&try_plan(&node, |request| request.partial = true).unwrap(), "controller-manager.conf"),
        Action::Create
    );
}
