//! `check` holds the flags of components against the files that they name: a node of which kubeadm's own flags are right,
//! then one thing wrong at a time.

use std::path::Path;

use kubepki::audit::profile::Profile;
use kubepki::audit::{Finding, FindingCode, Severity};
use kubepki::ops::check::{CheckReport, CheckRequest, Status, check};

use super::support::*;

const MANIFESTS: &str = "/etc/kubernetes/manifests";
const KUBELET: &str = "/var/lib/kubelet/config.yaml";

/// The flags of kubeadm 1.36 that concern certificates, of each component.
const FLAGS: [(&str, &str); 4] = [
    (
        "kube-apiserver",
        "--client-ca-file=/etc/kubernetes/pki/ca.crt
--etcd-cafile=/etc/kubernetes/pki/etcd/ca.crt
--etcd-certfile=/etc/kubernetes/pki/apiserver-etcd-client.crt
--etcd-keyfile=/etc/kubernetes/pki/apiserver-etcd-client.key
--etcd-servers=https://127.0.0.1:2379
--kubelet-client-certificate=/etc/kubernetes/pki/apiserver-kubelet-client.crt
--kubelet-client-key=/etc/kubernetes/pki/apiserver-kubelet-client.key
--proxy-client-cert-file=/etc/kubernetes/pki/front-proxy-client.crt
--proxy-client-key-file=/etc/kubernetes/pki/front-proxy-client.key
--requestheader-allowed-names=front-proxy-client
--requestheader-client-ca-file=/etc/kubernetes/pki/front-proxy-ca.crt
--service-account-key-file=/etc/kubernetes/pki/sa.pub
--service-account-signing-key-file=/etc/kubernetes/pki/sa.key
--tls-cert-file=/etc/kubernetes/pki/apiserver.crt
--tls-private-key-file=/etc/kubernetes/pki/apiserver.key",
    ),
    (
        "kube-controller-manager",
        "--authentication-kubeconfig=/etc/kubernetes/controller-manager.conf
--client-ca-file=/etc/kubernetes/pki/ca.crt
--cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt
--cluster-signing-key-file=/etc/kubernetes/pki/ca.key
--requestheader-client-ca-file=/etc/kubernetes/pki/front-proxy-ca.crt
--root-ca-file=/etc/kubernetes/pki/ca.crt
--service-account-private-key-file=/etc/kubernetes/pki/sa.key",
    ),
    ("kube-scheduler", "--kubeconfig=/etc/kubernetes/scheduler.conf"),
    (
        "etcd",
        "--cert-file=/etc/kubernetes/pki/etcd/server.crt
--client-cert-auth=true
--data-dir=/var/lib/etcd
--key-file=/etc/kubernetes/pki/etcd/server.key
--listen-client-urls=https://127.0.0.1:2379,https://192.0.2.10:2379
--listen-peer-urls=https://192.0.2.10:2380
--peer-cert-file=/etc/kubernetes/pki/etcd/peer.crt
--peer-client-cert-auth=true
--peer-key-file=/etc/kubernetes/pki/etcd/peer.key
--peer-trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt
--trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt",
    ),
];

/// What kubeadm writes for the kubelet.
const KUBELET_CONFIGURATION: &str = "\
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}}
authorization: {mode: Webhook}
rotateCertificates: true
staticPodPath: /etc/kubernetes/manifests
";

/// A manifest as kubeadm writes it, as far as certificates are concerned.
pub fn manifest(component: &str, version: &str, flags: &str) -> String {
    let flags: String = flags.lines().flat_map(|flag| ["    - ", flag, "\n"]).collect();
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {component}}}\nspec:\n  containers:\n  - image: registry.k8s.io/{component}:{version}\n    \
         command:\n    - {component}\n{flags}    volumeMounts:\n    - {{mountPath: /etc/kubernetes, name: k8s}}\n    \
         - {{mountPath: /var/lib/etcd, name: data}}\n  volumes:\n  - {{name: k8s, hostPath: {{path: /etc/kubernetes}}}}\n  \
         - {{name: data, hostPath: {{path: /var/lib/etcd}}}}\n"
    )
}

/// A control plane as a fresh kubeadm of `version` leaves it.
pub fn fresh(version: &str) -> Node {
    let node = Node::made(&CONTROL_PLANE.replace("v1.36.2", version));
    for (component, flags) in FLAGS {
        let path = format!("{MANIFESTS}/{component}.yaml");
        node.write(&path, manifest(component, version, flags));
        node.set_mode(&path, 0o600);
    }
    node.write(KUBELET, KUBELET_CONFIGURATION);
    node
}

pub fn checked(node: &Node, profile: Profile) -> CheckReport {
    let request = CheckRequest { node: node.request.node.clone(), profile: profile.into(), ..CheckRequest::default() };
    check(&request, node.now).unwrap()
}

/// Changes a manifest, or the kubelet's configuration.
fn edit(node: &Node, component: &str, from: &str, to: &str) {
    let path = if component == "kubelet" { KUBELET.to_owned() } else { format!("{MANIFESTS}/{component}.yaml") };
    let text = String::from_utf8(node.read(&path)).unwrap();
    assert!(text.contains(from), "{component} has no {from}");
    node.write(&path, text.replace(from, to));
}

fn said(finding: &Finding) -> (&str, &str, Severity) {
    (finding.subject.as_str(), finding.code.as_str(), finding.severity)
}

#[test]
fn a_fresh_kubeadm_has_the_two_documented_weaknesses_and_no_other() {
    for version in ["v1.30.4", "v1.36.2"] {
        let node = fresh(version);
        let report = checked(&node, Profile::Kubeadm);
        let all: Vec<_> = report.findings.iter().map(said).collect();
        let weak = [("kube-apiserver", "flag.absent", Severity::Info), ("kubelet", "flag.absent", Severity::Info)];
        assert_eq!((report.status, all.as_slice()), (Status::Ok, weak.as_slice()), "{version}: {:#?}", report.findings);
        let [authority, own] = report.findings.as_slice() else { panic!() };
        assert!(authority.evidence.contains("--kubelet-certificate-authority"), "{authority:?}");
        assert!(own.evidence.contains("serverTLSBootstrap"), "{own:?}");
        // The benchmark has a rule about both.
        let report = checked(&node, Profile::Cis);
        for (subject, code, _) in weak {
            assert!(report.findings.iter().map(said).any(|one| one == (subject, code, Severity::Warning)), "{subject}");
        }
    }
}

const PKI: &str = "/etc/kubernetes/pki";

/// Who is told, what is replaced by what, and what is found then: code, severity, a part of the evidence.
type Wrong<'a> = (&'a str, String, &'a str, &'a str, Severity, &'a str);

fn line(flag: &str) -> String {
    format!("    - --{flag}")
}

fn each<const N: usize>(wrong: [Wrong<'_>; N]) {
    for (component, from, to, code, severity, evidence) in wrong {
        let node = fresh("v1.36.2");
        edit(&node, component, &from, to);
        let report = checked(&node, Profile::Kubeadm);
        let is_it = |one: &&Finding| one.code.as_str() == code && one.evidence.contains(evidence);
        let found: Vec<_> = report.findings.iter().filter(is_it).collect();
        let [finding] = found.as_slice() else { panic!("{component} {from} -> {to}: {:#?}", report.findings) };
        assert_eq!(finding.severity, severity, "{finding:?}");
        assert!(!finding.remedy.is_empty());
    }
}

#[test]
fn what_a_component_is_not_told_is_found_with_what_follows() {
    use Severity::{Info, Warning};
    each([
        (
            "kube-apiserver",
            line("client-ca-file=/etc/kubernetes/pki/ca.crt\n"),
            "",
            "flag.absent",
            Warning,
            "knows nobody",
        ),
        (
            "kube-apiserver",
            line("tls-cert-file=/etc/kubernetes/pki/apiserver.crt\n"),
            "",
            "flag.absent",
            Warning,
            "--tls-cert-file",
        ),
        (
            "kube-apiserver",
            line("kubelet-client-key=/etc/kubernetes/pki/apiserver-kubelet-client.key\n"),
            "",
            "flag.absent",
            Warning,
            "CIS 1.2.4",
        ),
        (
            "kube-apiserver",
            line("etcd-cafile=/etc/kubernetes/pki/etcd/ca.crt\n"),
            "",
            "flag.absent",
            Warning,
            "CIS 1.2.26",
        ),
        (
            "kube-apiserver",
            line("requestheader-allowed-names=front-proxy-client\n"),
            "",
            "flag.absent",
            Info,
            "may speak for any user",
        ),
        (
            "kube-controller-manager",
            line("root-ca-file=/etc/kubernetes/pki/ca.crt\n"),
            "",
            "flag.absent",
            Warning,
            "CIS 1.3.5",
        ),
        (
            "etcd",
            line("peer-trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt\n"),
            "",
            "flag.absent",
            Warning,
            "--peer-trusted-ca-file",
        ),
        ("kubelet", "rotateCertificates: true".into(), "rotateCertificates: false", "flag.absent", Info, "CIS 4.2.10"),
        (
            "kubelet",
            ", x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}".into(),
            "",
            "flag.absent",
            Warning,
            "CIS 4.2.3",
        ),
    ]);
}

#[test]
fn a_flag_that_is_not_there_is_asked_for_with_its_file() {
    for (component, flags) in FLAGS {
        for flag in flags.lines().filter(|flag| flag.contains("/etc/kubernetes/pki/")) {
            let node = fresh("v1.36.2");
            edit(&node, component, &format!("    - {flag}\n"), "");
            let report = checked(&node, Profile::Kubeadm);
            let absent = report
                .findings
                .iter()
                .filter(|one| one.code == FindingCode::FlagAbsent && one.severity > Severity::Info);
            for finding in absent {
                assert!(finding.remedy.contains(&format!("add {flag} to its command")), "{flag}: {}", finding.remedy);
                assert!(!finding.remedy.contains("FILE"), "{}", finding.remedy);
            }
        }
    }
    // Of what is not there nobody knows where it is.
    let node = fresh("v1.36.2");
    edit(&node, "kube-apiserver", &line("etcd-cafile=/etc/kubernetes/pki/etcd/ca.crt\n"), "");
    node.remove("/etc/kubernetes/pki/etcd/ca.crt");
    let report = checked(&node, Profile::Kubeadm);
    let asks = |one: &Finding| {
        one.remedy.contains("add --etcd-cafile=FILE to its command") && one.remedy.contains("with the files")
    };
    assert!(report.findings.iter().any(asks), "{:#?}", report.findings);
}

#[test]
fn a_file_that_is_missing_or_does_not_fit_and_one_that_the_other_side_refuses_are_found() {
    use Severity::{Critical, Warning};
    each([
        (
            "kube-apiserver",
            "pki/apiserver.crt".into(),
            "pki/gone.crt",
            "flag.file_missing",
            Critical,
            "--tls-cert-file of kube-apiserver",
        ),
        (
            "kube-scheduler",
            "scheduler.conf".into(),
            "other.conf",
            "flag.file_missing",
            Critical,
            "--kubeconfig of kube-scheduler",
        ),
        (
            "kube-apiserver",
            "pki/apiserver.key".into(),
            "pki/front-proxy-client.key",
            "flag.pair_mismatch",
            Critical,
            "is not the key of --tls-cert-file",
        ),
        (
            "kube-apiserver",
            "apiserver-etcd-client".into(),
            "front-proxy-client",
            "flag.not_accepted",
            Critical,
            "etcd refuses it",
        ),
        (
            "kube-apiserver",
            "allowed-names=front-proxy-client".into(),
            "allowed-names=other",
            "flag.not_accepted",
            Critical,
            "\"front-proxy-client\"",
        ),
        (
            "kube-controller-manager",
            "root-ca-file=/etc/kubernetes/pki/ca.crt".into(),
            "root-ca-file=/etc/kubernetes/pki/front-proxy-ca.crt",
            "flag.not_accepted",
            Critical,
            "pods do not trust",
        ),
        (
            "kubelet",
            "clientCAFile: /etc/kubernetes/pki/ca.crt".into(),
            "clientCAFile: /etc/kubernetes/pki/etcd/ca.crt",
            "flag.not_accepted",
            Critical,
            "clientCAFile of the kubelet",
        ),
        (
            "kube-controller-manager",
            "    - --root-ca-file".into(),
            "    - --cluster-signing-kubelet-serving-cert-file=/etc/kubernetes/pki/ca.crt\n    - --root-ca-file",
            "component.would_not_start",
            Warning,
            "--cluster-signing-kubelet-serving-cert-file too",
        ),
    ]);
}

#[test]
fn a_ca_with_two_purposes_and_doors_that_are_open_are_found() {
    use Severity::{Critical, Warning};
    each([
        (
            "kube-apiserver",
            line(
                "requestheader-allowed-names=front-proxy-client\n    - --requestheader-client-ca-file=/etc/kubernetes/pki/front-proxy-ca.crt",
            ),
            "    - --requestheader-client-ca-file=/etc/kubernetes/pki/ca.crt",
            "flag.shared_authority",
            Critical,
            "do not start with it",
        ),
        (
            "etcd",
            "    - --trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt".into(),
            "    - --trusted-ca-file=/etc/kubernetes/pki/ca.crt",
            "flag.shared_authority",
            Warning,
            "CIS 2.7",
        ),
        (
            "etcd",
            "    - --client-cert-auth=true".into(),
            "    - --client-cert-auth=false",
            "flag.open",
            Critical,
            "CIS 2.2",
        ),
        ("etcd", "    - --peer-client-cert-auth=true\n".into(), "", "flag.open", Critical, "CIS 2.5"),
        (
            "etcd",
            "    - --client-cert-auth=true".into(),
            "    - --client-cert-auth\n    - --auto-tls",
            "flag.open",
            Warning,
            "--auto-tls is on",
        ),
        ("kubelet", "enabled: false".into(), "enabled: true", "flag.open", Warning, "CIS 4.2.1"),
    ]);
}

#[test]
fn an_api_server_before_1_35_starts_with_a_shared_ca_and_is_open_all_the_same() {
    for (version, then) in [("v1.34.1", "will not start"), ("v1.35.0", "do not start")] {
        let node = fresh(version);
        edit(&node, "kube-apiserver", "front-proxy-ca.crt", "ca.crt");
        edit(&node, "kube-apiserver", "allowed-names=front-proxy-client", "allowed-names=");
        let report = checked(&node, Profile::Kubeadm);
        let finding = find(&report.findings, "flag.shared_authority");
        assert!(finding.is_critical() && finding.evidence.contains(then), "{version}: {finding:?}");
        // Names that are allowed close it.
        edit(&node, "kube-apiserver", "allowed-names=", "allowed-names=front-proxy-client");
        let report = checked(&node, Profile::Kubeadm);
        assert!(!report.findings.iter().any(|one| one.code == "flag.shared_authority"), "{version}");
    }
}

#[test]
fn a_file_of_the_image_is_not_missing_and_one_that_is_missing_is_said_once() {
    let node = fresh("v1.36.2");
    edit(
        &node,
        "kube-apiserver",
        "    - --client-ca-file",
        "    - --oidc-ca-file=/opt/image/ca.crt\n    - --client-ca-file",
    );
    assert_eq!(checked(&node, Profile::Kubeadm).status, Status::Ok);
    node.remove("/etc/kubernetes/pki/front-proxy-ca.crt");
    let report = checked(&node, Profile::Kubeadm);
    let path = Path::new("/etc/kubernetes/pki/front-proxy-ca.crt");
    let about: Vec<_> = report.findings.iter().filter(|one| one.path.as_deref() == Some(path)).collect();
    assert_eq!(about.len(), 1, "{about:#?}");
}

#[test]
fn a_kubelet_that_serves_what_its_api_server_refuses_and_one_whose_certificate_names_no_node() {
    let node = fresh("v1.36.2");
    edit(
        &node,
        "kube-apiserver",
        "    - --client-ca-file",
        "    - --kubelet-certificate-authority=/etc/kubernetes/pki/ca.crt\n    - --client-ca-file",
    );
    // It has made its certificate itself.
    node.write("/var/lib/kubelet/pki/kubelet.crt", node.read(&format!("{PKI}/etcd/server.crt")));
    node.write("/var/lib/kubelet/pki/kubelet.key", node.read(&format!("{PKI}/etcd/server.key")));
    node.set_mode("/var/lib/kubelet/pki/kubelet.key", 0o600);
    let report = checked(&node, Profile::Kubeadm);
    let finding = find(&report.findings, "flag.not_accepted");
    assert!(finding.evidence.contains("--kubelet-certificate-authority of kube-apiserver"), "{finding:?}");
    assert!(finding.is_critical() && finding.subject == "kubelet");

    // One of the cluster's CA, with a name of its own.
    let pair = "tlsCertFile: /etc/kubernetes/pki/apiserver.crt\ntlsPrivateKeyFile: /etc/kubernetes/pki/apiserver.key\n";
    edit(&node, "kubelet", "rotateCertificates", &format!("{pair}rotateCertificates"));
    let report = checked(&node, Profile::Kubeadm);
    let finding = find(&report.findings, "certificate.not_node_name");
    assert_eq!(finding.severity, Severity::Info);
    assert!(finding.evidence.contains("kube-apiserver") && finding.evidence.contains("system:node:cp1"), "{finding:?}");
    assert!(!report.findings.iter().any(|one| one.code == "flag.not_accepted"), "{:#?}", report.findings);
    // Where the API server looks at the name, it fails.
    edit(
        &node,
        "kube-apiserver",
        "    - --client-ca-file",
        "    - --enable-kubelet-cert-cn-validation\n    - --client-ca-file",
    );
    let report = checked(&node, Profile::Kubeadm);
    assert!(find(&report.findings, "certificate.not_node_name").is_critical());
}

#[test]
fn what_follows_from_a_replaced_ca_has_its_remedy_and_stands_behind_it() {
    let node = Node::golden("ecdsa-p256");
    node.write("/etc/kubernetes/pki/ca.crt", authority("kubernetes", 3650).certificate().to_pem());
    let report = checked(&node, Profile::Kubeadm);
    let (cause, rest) = report.findings.split_first().unwrap();
    assert_eq!((cause.subject.as_str(), cause.code.as_str()), ("ca", "key.mismatch"));
    assert!(cause.remedy.starts_with("restore ") && cause.remedy.contains("ca.crt"), "{cause:?}");
    let criticals: Vec<_> = rest.iter().filter(|one| one.is_critical()).collect();
    assert!(criticals.len() > 9, "{criticals:#?}");
    for finding in criticals {
        let expected = format!("ca comes first, and this follows from it: {}", cause.remedy);
        assert_eq!(finding.remedy, expected, "{finding:?}");
    }
    // What another CA signed has its own remedy.
    node.write("/etc/kubernetes/pki/front-proxy-client.key", ecdsa_key().to_pem().expose());
    let report = checked(&node, Profile::Kubeadm);
    let own = report.findings.iter().find(|one| one.subject == "front-proxy-client").unwrap();
    assert!(own.remedy.contains("`kubepki certs renew front-proxy-client"), "{own:?}");
}
