//! A signer never takes a node's word for what it is: name and kind come from the signer's side, and bound what is
//! signed. And a request that is strange or weak is refused with its reason.

use kubepki::audit::Severity;
use kubepki::catalogue::{NodeRole, leaf_names};
use kubepki::error::Error;
use kubepki::key::{Algorithm, PrivateKey};
use kubepki::ops::sign::{NodeEntry, SignRequest, SignTextRequest, plan, sign_text};
use kubepki::plan::generate::OutliveAuthority;
use kubepki::plan::{Action, Artefact, Plan};
use kubepki::request::{self, OfAuthorities};
use kubepki::x509::{DistinguishedName, RequestTemplate, SubjectAltName, SubjectAltNames};

use super::support::*;

fn template(organizations: &[&str], common_name: &str, names: SubjectAltNames) -> RequestTemplate {
    RequestTemplate {
        subject: DistinguishedName::new(organizations, common_name).unwrap(),
        subject_alt_names: names,
        key_usages: Vec::new(),
        extended_key_usages: Vec::new(),
    }
}

/// What a node of this name asks for by kubeadm's name, as kubeadm would.
fn right(name: &str, node: &str) -> RequestTemplate {
    let without = SubjectAltNames::default;
    let loopback = || SubjectAltNames::sorted([node, "localhost"], ["127.0.0.1".parse().unwrap()]);
    match name {
        "apiserver" => template(
            &[],
            "kube-apiserver",
            SubjectAltNames::sorted(
                [node, "kubernetes", "kubernetes.default", "kubernetes.default.svc"],
                ["10.96.0.1".parse().unwrap()],
            ),
        ),
        "apiserver-kubelet-client" => template(&[], "kube-apiserver-kubelet-client", without()),
        "apiserver-etcd-client" => template(&[], "kube-apiserver-etcd-client", without()),
        "front-proxy-client" => template(&[], "front-proxy-client", without()),
        "etcd-server" | "etcd-peer" => template(&[], node, loopback()),
        "etcd-healthcheck-client" => template(&[], "kube-etcd-healthcheck-client", without()),
        "admin.conf" => template(&["kubeadm:cluster-admins"], "kubernetes-admin", without()),
        "super-admin.conf" => template(&["system:masters"], "kubernetes-super-admin", without()),
        "kubelet.conf" => template(&["system:nodes"], &format!("system:node:{node}"), without()),
        "controller-manager.conf" => template(&[], "system:kube-controller-manager", without()),
        "scheduler.conf" => template(&[], "system:kube-scheduler", without()),
        other => panic!("no {other}"),
    }
}

fn base_name(name: &str) -> String {
    match name.strip_prefix("etcd-") {
        Some(rest) => format!("pki/etcd/{rest}"),
        None if name.ends_with(".conf") => name.to_owned(),
        None => format!("pki/{name}"),
    }
}

fn put(node: &Node, path: &str, template: &RequestTemplate) -> PrivateKey {
    let key = ecdsa_key();
    node.write(path, template.sign(&key).unwrap().to_pem());
    key
}

fn try_plan(node: &Node, change: impl FnOnce(&mut SignRequest)) -> Result<Plan, Error> {
    let mut request = SignRequest { csr_dir: Some("/csr".into()), ..SignRequest::default() };
    request.node.rootfs.clone_from(&node.request.node.rootfs);
    change(&mut request);
    plan(&request, node.now).map(|planned| planned.plan)
}

fn entry(role: NodeRole) -> NodeEntry {
    NodeEntry { node_name: None, role }
}

#[test]
fn a_node_gets_what_its_kind_has_and_nothing_else() {
    let node = Node::golden("minimal");
    let names = leaf_names();
    for name in &names {
        put(&node, &format!("/csr/{}.csr", base_name(name)), &right(name, "n1"));
    }
    let signed = |role: Option<NodeRole>, node_name: Option<&str>| -> (Vec<String>, Vec<String>) {
        let plan = try_plan(&node, |request| {
            request.role = role;
            request.node.node_name = node_name.map(str::to_owned);
            request.partial = true;
        })
        .unwrap();
        let mut codes: Vec<_> = plan.findings.iter().map(|finding| finding.code.to_string()).collect();
        codes.sort();
        codes.dedup();
        (created(&plan).into_iter().map(str::to_owned).collect(), codes)
    };
    let etcd = ["apiserver-etcd-client", "etcd-healthcheck-client", "etcd-peer", "etcd-server"];
    let sorted = |(mut names, codes): (Vec<String>, Vec<String>)| {
        names.sort();
        (names, codes)
    };
    let (all, reasons) = signed(Some(NodeRole::ControlPlane), Some("n1"));
    assert_eq!((all.len(), reasons.as_slice()), (names.len(), [].as_slice()));
    assert_eq!(
        signed(Some(NodeRole::Worker), Some("n1")),
        (vec!["kubelet.conf".into()], vec!["request.other_role".into()])
    );
    assert_eq!(
        sorted(signed(Some(NodeRole::Etcd), Some("n1"))),
        (etcd.map(String::from).to_vec(), vec!["request.other_role".into()])
    );
    // Nobody has said what kind of node it is: a worker at most. Nobody has said which node: no name of a node.
    assert_eq!(signed(None, Some("n1")), (vec!["kubelet.conf".into()], vec!["request.unknown_node".into()]));
    assert_eq!(signed(None, None), (vec![], vec!["request.unknown_node".into()]));
    let (nameless, codes) = signed(Some(NodeRole::ControlPlane), None);
    assert_eq!(codes, ["request.unknown_node"]);
    assert!(
        !nameless.iter().any(|name| ["kubelet.conf", "apiserver", "etcd-server", "etcd-peer"].contains(&name.as_str()))
    );
    assert_eq!(nameless.len(), names.len() - 4);
    // Another node's.
    let (others, codes) = signed(Some(NodeRole::ControlPlane), Some("n2"));
    assert_eq!((others.len(), codes), (names.len() - 3, vec!["request.other_subject".to_owned()]));
}

#[test]
fn a_workers_own_configuration_makes_it_no_more_than_a_worker() {
    let node = Node::golden("minimal");
    put(&node, "/csr/admin.conf.csr", &right("admin.conf", "w1"));
    put(&node, "/csr/super-admin.conf.csr", &right("super-admin.conf", "w1"));
    let join = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\nnodeRegistration: {name: w1}\ndiscovery:\n  bootstrapToken: {token: abcdef.0123456789abcdef, apiServerEndpoint: '192.0.2.10:6443', unsafeSkipCAVerification: true}\n";
    for config in [join, CONTROL_PLANE] {
        node.write("/signers.yaml", config);
        for role in [None, Some(NodeRole::Worker)] {
            let plan = try_plan(&node, |request| {
                request.node.config = Some("/signers.yaml".into());
                request.role = role;
            })
            .unwrap();
            let code = if role.is_some() { "request.other_role" } else { "request.unknown_node" };
            assert_eq!(criticals(&plan.findings), [format!("admin.conf {code}"), format!("super-admin.conf {code}")]);
            assert_eq!(apply_plan(&plan).unwrap_err().code(), "policy.refused");
        }
    }
    node.write("/signers.yaml", join);
    let contradiction = try_plan(&node, |request| {
        request.node.config = Some("/signers.yaml".into());
        request.role = Some(NodeRole::ControlPlane);
    });
    assert_eq!(contradiction.unwrap_err().code(), "plan.bad_request");
    assert!(!node.path("/csr/admin.conf.crt").exists());
}

#[test]
fn each_folder_is_one_nodes() {
    let node = Node::golden("minimal");
    for name in ["kubelet.conf", "admin.conf", "apiserver"] {
        put(&node, &format!("/csr/cp1/{}.csr", base_name(name)), &right(name, "cp1"));
    }
    put(&node, "/csr/worker-1/kubelet.conf.csr", &right("kubelet.conf", "worker-1"));
    put(&node, "/csr/w2.kubelet.conf.csr", &right("kubelet.conf", "worker-2.example"));
    put(&node, "/csr/etcd-1/pki/etcd/peer.csr", &right("etcd-peer", "etcd-1"));
    node.write(
        "/nodes.yaml",
        "cp1: {role: control-plane}\nworker-1: {role: worker}\nw2: {node_name: worker-2.example, role: worker}\netcd-1: {role: etcd}\n",
    );
    let by_file = |request: &mut SignRequest| request.nodes = Some(request::Nodes::File("/nodes.yaml".into()));
    let plan = try_plan(&node, by_file).unwrap();
    assert_eq!(problems(&plan.findings), Vec::<String>::new());
    assert_eq!(apply_plan(&plan).unwrap().changed.len(), 6);
    assert!(try_plan(&node, by_file).unwrap().is_empty());

    let refused = |path: &str, template: &RequestTemplate, code: &str, says: &str| {
        put(&node, path, template);
        let plan = try_plan(&node, by_file).unwrap();
        let of_path: Vec<_> =
            plan.findings.iter().filter(|one| one.path.as_deref() == Some(std::path::Path::new(path))).collect();
        assert!(of_path.iter().any(|one| one.code == code && one.evidence.contains(says)), "{path}: {of_path:#?}");
        assert_eq!(apply_plan(&plan).unwrap_err().code(), "policy.refused", "{path}");
        node.remove(path);
    };
    let kubelet = |of: &str| right("kubelet.conf", of);
    refused(
        "/csr/worker-1/other.kubelet.conf.csr",
        &kubelet("worker-2.example"),
        "request.other_subject",
        "CN=system:node:worker-1,",
    );
    refused("/csr/worker-1/more/kubelet.conf.csr", &kubelet("worker-2.example"), "request.other_subject", "worker-1,");
    refused("/csr/worker-1/admin.conf.csr", &right("admin.conf", "worker-1"), "request.other_role", "worker-1 is one");
    refused("/csr/worker-1/super-admin.conf.csr", &right("super-admin.conf", ""), "request.other_role", "worker nodes");
    refused("/csr/etcd-1/admin.conf.csr", &right("admin.conf", "etcd-1"), "request.other_role", "etcd nodes");
    refused("/csr/cp1/pki/etcd/server.csr", &right("etcd-server", "etcd-1"), "request.other_subject", "CN=cp1");
    let mut neighbour = right("apiserver", "cp1");
    let mut names: Vec<_> = neighbour.subject_alt_names.iter().cloned().collect();
    names.push(SubjectAltName::Dns("worker-2.example".into()));
    neighbour.subject_alt_names = SubjectAltNames::in_order(names);
    refused("/csr/cp1/more/pki/apiserver.csr", &neighbour, "request.other_names", "another node's name");
    refused("/csr/stranger/kubelet.conf.csr", &kubelet("stranger"), "request.unknown_node", "stranger");
    refused("/csr/kubelet.conf.csr", &kubelet("worker-1"), "request.unknown_node", "no folder");
    refused("/csr/pki/front-proxy-client.csr", &right("front-proxy-client", ""), "request.unknown_node", "pki");
}

#[test]
fn a_list_of_nodes_is_whole_and_alone() {
    let node = Node::golden("minimal");
    put(&node, "/csr/w1/kubelet.conf.csr", &right("kubelet.conf", "w1"));
    for text in [
        "",
        "{}",
        "- w1",
        "w1: worker",
        "w1: {}",
        "w1: {role: admin}",
        "w1: {role: worker, rolle: x}",
        "w1: {role: worker}\nw1: {role: control-plane}\n",
        "../w1: {role: worker}",
        "w1/: {role: worker}",
        "'': {role: worker}",
        "W1: {role: worker}",
        "w1: {role: worker, node_name: '*.example'}",
        "w1: {role: worker, node_name: ''}",
        "w1: {role: worker}\n---\nw1: {role: control-plane}\n",
    ] {
        node.write("/nodes.yaml", text);
        let error =
            try_plan(&node, |request| request.nodes = Some(request::Nodes::File("/nodes.yaml".into()))).unwrap_err();
        assert_eq!((error.code().as_str(), error.category().exit_code()), ("plan.bad_request", 2), "{text}");
    }
    let nodes = || Some(request::Nodes::Listed([("w1".to_owned(), entry(NodeRole::Worker))].into()));
    assert_eq!(try_plan(&node, |request| request.nodes = nodes()).unwrap().changes().count(), 1);
    let changes: [fn(&mut SignRequest); 4] = [
        |request| request.role = Some(NodeRole::Worker),
        |request| request.node.node_name = Some("w1".into()),
        |request| request.nodes = Some(request::Nodes::File("/nodes.yaml".into())),
        |request| request.csr_dir = None,
    ];
    for change in changes {
        let error = try_plan(&node, |request| {
            request.nodes = nodes();
            change(request);
        });
        assert_eq!(error.unwrap_err().code(), "plan.bad_request");
    }
}

#[test]
fn a_policy_cannot_make_one_kubelet_another() {
    let node = Node::golden("minimal");
    node.write("/policy.yaml", "certificates: {kubelet.conf: {commonNames: ['system:node:*']}}");
    put(&node, "/csr/w1/kubelet.conf.csr", &right("kubelet.conf", "w2"));
    let plan = try_plan(&node, |request| {
        request.nodes = Some(request::Nodes::Listed([("w1".to_owned(), entry(NodeRole::Worker))].into()));
        request.policy = Some("/policy.yaml".into());
    })
    .unwrap();
    assert_eq!(criticals(&plan.findings), ["kubelet.conf request.other_subject"]);

    // Nor under a name of its own.
    let own = "certificates: {agent: {issuer: ca, usages: [clientAuth], commonNames: ['*'], organizations: ['system:nodes']}}";
    node.write("/policy.yaml", own);
    put(&node, "/agents/w1/agent.csr", &right("kubelet.conf", "w2"));
    let plan = try_plan(&node, |request| {
        request.csr_dir = Some("/agents".into());
        request.nodes = Some(request::Nodes::Listed([("w1".to_owned(), entry(NodeRole::Worker))].into()));
        request.policy = Some("/policy.yaml".into());
    })
    .unwrap();
    assert_eq!(criticals(&plan.findings), ["agent request.other_subject"]);
}

#[test]
fn a_request_as_text_is_bound_by_the_same() {
    let node = Node::golden("minimal");
    let text = |name: &str, of: &str| String::from_utf8(right(name, of).sign(&ecdsa_key()).unwrap().to_pem()).unwrap();
    let request = |name: &str, of: &str, role: Option<NodeRole>, node_name: Option<&str>| {
        let mut request = SignTextRequest {
            node: node.request.node.clone(),
            role,
            csr: text(name, of),
            name: name.into(),
            ca_dir: Some("/etc/kubernetes/pki".into()),
            ca_cert: None,
            ca_key: None,
            ca_key_content: OfAuthorities::None,
            ca_key_passphrase: OfAuthorities::None,
            present: None,
            renew_before: None,
            dry_run: false,
            validity: None,
            policy: None,
            outlive_ca: OutliveAuthority::Refuse.into(),
        };
        request.node.config = None;
        request.node.node_name = node_name.map(str::to_owned);
        sign_text(&request, node.now).map(|_| ()).map_err(|error| {
            let codes = error.context()["findings"].as_array().unwrap().clone();
            codes.iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        })
    };
    let worker = Some(NodeRole::Worker);
    assert_eq!(request("kubelet.conf", "w1", worker, Some("w1")), Ok(()));
    assert_eq!(request("kubelet.conf", "w2", worker, Some("w1")), Err(vec!["request.other_subject".into()]));
    assert_eq!(request("kubelet.conf", "w1", worker, None), Err(vec!["request.unknown_node".into()]));
    for name in ["super-admin.conf", "admin.conf", "apiserver", "scheduler.conf"] {
        assert_eq!(request(name, "w1", worker, Some("w1")), Err(vec!["request.other_role".into()]), "{name}");
        assert_eq!(request(name, "w1", None, Some("w1")), Err(vec!["request.unknown_node".into()]), "{name}");
    }
}

#[test]
fn one_key_is_one_nodes() {
    let node = Node::golden("minimal");
    let key = put(&node, "/csr/w1/kubelet.conf.csr", &right("kubelet.conf", "w1"));
    node.write("/csr/w2/kubelet.conf.csr", right("kubelet.conf", "w2").sign(&key).unwrap().to_pem());
    put(&node, "/csr/w3/kubelet.conf.csr", &right("kubelet.conf", "w3"));
    let nodes = |request: &mut SignRequest| {
        request.nodes = Some(request::Nodes::Listed(
            ["w1", "w2", "w3"].map(|name| (name.to_owned(), entry(NodeRole::Worker))).into(),
        ));
    };
    let plan = try_plan(&node, nodes).unwrap();
    assert_eq!(criticals(&plan.findings), ["kubelet.conf request.reused_key", "kubelet.conf request.reused_key"]);
    assert!(plan.findings[0].evidence.contains("/csr/w2/kubelet.conf.csr"));
    let partial = try_plan(&node, |request| {
        nodes(request);
        request.partial = true;
    })
    .unwrap();
    assert_eq!(
        partial.artefacts.iter().map(Artefact::action).collect::<Vec<_>>(),
        [Action::Blocked, Action::Blocked, Action::Create]
    );

    // One node's two certificates with one key are a thing to look at; the CA's own key is none to sign.
    let node = Node::golden("minimal");
    let key = put(&node, "/csr/admin.conf.csr", &right("admin.conf", ""));
    node.write("/csr/scheduler.conf.csr", right("scheduler.conf", "").sign(&key).unwrap().to_pem());
    let control_plane = |request: &mut SignRequest| request.role = Some(NodeRole::ControlPlane);
    let plan = try_plan(&node, control_plane).unwrap();
    assert!(plan.findings.iter().all(|one| one.code == "request.reused_key" && one.severity == Severity::Warning));
    assert_eq!((plan.findings.len(), plan.changes().count()), (2, 2));
    node.write("/csr/admin.conf.csr", right("admin.conf", "").sign(&node.key("ca")).unwrap().to_pem());
    let plan = try_plan(&node, control_plane).unwrap();
    assert_eq!(criticals(&plan.findings), ["admin.conf request.reused_key"]);
}

#[test]
fn ordinary_keys_are_not_weak() {
    for algorithm in [Algorithm::Rsa2048, Algorithm::Rsa3072, Algorithm::EcdsaP256, Algorithm::EcdsaP384] {
        let key = PrivateKey::generate(algorithm).unwrap();
        assert_eq!(kubepki::key::public_key_weakness(key.public_key_info(), kubepki::key::Effort::Quick), None);
        let request = right("admin.conf", "").sign(&key).unwrap();
        assert_eq!(request.misunderstandings(), Vec::<String>::new());
    }
}

#[cfg(unix)]
#[test]
fn a_link_that_came_with_the_requests_leads_nowhere() {
    use std::os::unix::fs::symlink;

    let node = Node::golden("minimal");
    put(&node, "/csr/a1/kubelet.conf.csr", &right("kubelet.conf", "a1"));
    put(&node, "/csr/cp1/pki/apiserver.csr", &right("apiserver", "cp1"));
    let nodes: std::collections::BTreeMap<_, _> = [("a1", NodeRole::Worker), ("cp1", NodeRole::ControlPlane)]
        .map(|(name, role)| (name.to_owned(), entry(role)))
        .into();
    let sign = |force| {
        try_plan(&node, |wanted| (wanted.nodes, wanted.force) = (Some(request::Nodes::Listed(nodes.clone())), force))
            .unwrap()
    };
    // A worker's link into another node's folder takes nothing from that node.
    symlink("../cp1/pki", node.path("/csr/a1/x")).unwrap();
    let folders = |plan: Plan| plan.artefacts.iter().map(|one| one.files[0].path.clone()).collect::<Vec<_>>();
    let both = ["/csr/a1/kubelet.conf.crt", "/csr/cp1/pki/apiserver.crt"].map(std::path::PathBuf::from);
    let plan = sign(false);
    assert!(plan.findings.iter().all(|finding| finding.severity != Severity::Critical), "{:?}", plan.findings);
    assert_eq!(folders(plan), both);
    // A link in a certificate's place, to root's file or to nothing, is overwritten by nothing.
    node.write("/etc/precious", "precious");
    for target in ["/etc/precious", "/etc/nothing", "../cp1/pki/apiserver.crt"] {
        symlink(target, node.path("/csr/a1/kubelet.conf.crt")).unwrap();
        for force in [false, true] {
            let plan = sign(force);
            assert!(plan.is_blocked(), "{target}");
            assert!(plan.findings.iter().any(|finding| finding.code == "store.is_a_symlink"), "{:?}", plan.findings);
        }
        std::fs::remove_file(node.path("/csr/a1/kubelet.conf.crt")).unwrap();
    }
}
