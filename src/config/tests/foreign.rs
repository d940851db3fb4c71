//! Files that are something else, and what is said of them.

use super::*;

const DUMPED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hostile/cases/configmap/configmap.yaml"));

macro_rules! golden {
    ($path:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/minimal/kubernetes/", $path))
    };
}

fn problem_of_bytes(bytes: &[u8]) -> Problem {
    match load("a b.yaml", bytes, &options()) {
        Err(ConfigError::Invalid { mut problems }) if problems.len() == 1 => problems.remove(0),
        other => panic!("{}: {other:#?}", String::from_utf8_lossy(bytes)),
    }
}

/// The text without its first lines, as `kubectl get --output yaml` of one field has it.
fn data() -> String {
    let lines = DUMPED.lines().skip(1).take_while(|line| *line != "kind: ConfigMap");
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

const JSON: &str = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"managedFields": [{"fieldsV1": {"f:data": {".": {}, "f:ClusterConfiguration": {}}}}]}, "data": {"ClusterConfiguration": "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\napiServer: {certSANs: [api.example.test]}\n"}}"#;

fn list() -> String {
    format!("apiVersion: v1\nkind: List\nitems:\n-{}", DUMPED.replace('\n', "\n  ").replacen("", " ", 1))
}

/// What is below `data` alone.
fn entry() -> String {
    data().lines().skip(1).map(|line| &line[2..]).collect::<Vec<_>>().join("\n") + "\n"
}

fn named(namespace: &str, name: &str) -> String {
    JSON.replacen(r#""metadata": {"#, &format!(r#""metadata": {{"namespace": "{namespace}", "name": "{name}", "#), 1)
}

fn json_list(items: &[&str]) -> String {
    format!(r#"{{"apiVersion": "v1", "kind": "List", "items": [{}]}}"#, items.join(", "))
}

#[test]
fn the_configuration_in_a_dumped_config_map_is_read() {
    let inner = data().lines().skip(2).map(|line| &line[4..]).collect::<Vec<_>>().join("\n");
    let wanted = spec_of(&inner);
    assert_eq!(wanted.api_server_cert_sans, ["api.example.test"]);
    let dumps = [
        DUMPED.to_owned(),
        format!("---\n{DUMPED}"),
        format!("# dumped\n---\n{DUMPED}---\n"),
        format!("\u{feff}{DUMPED}"),
        DUMPED.replace('\n', "\r\n"),
        list(),
        data(),
        entry(),
    ];
    for text in dumps {
        assert_eq!(spec_of(&text), wanted, "{text}");
    }
    let (own, other) = (named("kube-system", "kubeadm-config"), named("default", "copy"));
    let texts = r#""apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\napiServer: {certSANs: [api.example.test]}\n""#;
    for text in [
        JSON.to_owned(),
        JSON.replace("\": ", "\":"),
        json_list(&[r#"{"apiVersion": "v1", "kind": "Secret", "data": {"ClusterConfiguration": "eA=="}}"#, JSON]),
        json_list(&[&other.replace("api.example.test", "wrong.example.test"), &own]),
        format!(r#"{{"apiVersion": "v1", "kind": "ConfigMapList", "items": [{JSON}]}}"#),
        format!(r#"{{"ClusterConfiguration": {texts}}}"#),
        format!(r#"{{"ClusterConfiguration":{texts},"ClusterStatus":"x"}}"#),
        format!(r#"{{"data": {{"ClusterConfiguration": {texts}}}}}"#),
    ] {
        assert_eq!(spec_of(&text).api_server_cert_sans, ["api.example.test"], "{text}");
    }
}

#[test]
fn a_problem_in_a_config_map_names_its_line_in_the_file() {
    let broken = |text: &str| text.replace("clusterName", "clusterNam");
    for text in
        [DUMPED.to_owned(), list(), data(), entry(), DUMPED.replace('\n', "\r\n"), format!("# x\n\n---\n{DUMPED}")]
    {
        let text = broken(&text);
        let line = text.lines().position(|line| line.contains("clusterNam:")).unwrap() + 1;
        let column = text.lines().nth(line - 1).unwrap().find("clusterNam").unwrap() + 1;
        let problems = problems_of(&text);
        let problem = problems.iter().find(|problem| problem.code == "config.unknown_field").unwrap();
        assert_eq!((problem.line, problem.column), (Some(line), Some(column)), "{text}");
        assert!(!problem.file.contains("data"), "{problem:?}");
    }
    // A line that a message names is the file's too.
    let twice = DUMPED.replace("    scheduler: {}\n", "    scheduler: {}\n    clusterName: two\n");
    let problems = problems_of(&twice);
    let problem = problems.iter().find(|problem| problem.message.contains("given twice")).unwrap();
    assert_eq!((problem.line, problem.message.as_str()), (Some(24), "the key is given twice; first on line 10"));
}

#[test]
fn a_problem_in_text_that_is_not_there_line_by_line_names_its_place_within() {
    let broken = JSON.replace("certSANs", "certSans");
    let problem = problem_of_bytes(broken.as_bytes());
    assert_eq!(
        problem.to_string(),
        "a b.yaml: data.ClusterConfiguration:3:13: apiServer.certSans: unknown field \"certSans\""
    );
    let of_list = json_list(&["{}", &broken]);
    assert_eq!(problem_of_bytes(of_list.as_bytes()).file, "a b.yaml: items[1].data.ClusterConfiguration");
    let folded =
        data().replace("ClusterConfiguration: |", "ClusterConfiguration: >").replace("clusterName", "\n    clusterNam");
    assert!(problems_of(&folded).iter().all(|problem| problem.file.ends_with(": data.ClusterConfiguration")));
    let twice = JSON
        .replace("apiVersion: kubeadm.k8s.io/v1beta4", "apiVersion: v1")
        .replace("kind: Cluster", "kind: ConfigMap #");
    assert!(load("k.yaml", twice.as_bytes(), &options()).is_err(), "a ConfigMap within a ConfigMap");
}

#[test]
fn a_config_map_that_cannot_be_read_for_another_reason_says_it() {
    let own = named("kube-system", "kubeadm-config");
    let nested = data().replace("ClusterConfiguration: |", "ClusterConfiguration:");
    let forms = [
        (json_list(&[JSON, JSON]), "items[0], items[1]", "give the one that is meant"),
        (json_list(&[&own, &own]), r#""kube-system/kubeadm-config", "kube-system/kubeadm-config""#, "the one that is"),
        (format!("{DUMPED}---\n{CLUSTER}"), "a ConfigMap with", "a file of its own"),
        (format!("{}---\n{CLUSTER}", entry()), "the data of a ConfigMap with", "a file of its own"),
        (nested, "the data of a ConfigMap with", "`ClusterConfiguration: |`"),
        (r#"{"ClusterConfiguration": 5}"#.to_owned(), "the data of a ConfigMap with", "has to be a text"),
        (
            json_list(&[&JSON.replace(r#""ClusterConfiguration": ""#, r#""ClusterConfiguration": null, "b": ""#)]),
            "a list that",
            "has to be a text",
        ),
    ];
    for (text, what, hint) in &forms {
        let problem = problem_of_bytes(text.as_bytes());
        assert_eq!(problem.code, "config.config_map", "{text}\n{problem:#?}");
        assert!(problem.message.contains(what), "{what}\n{problem:#?}");
        assert!(problem.hint.contains(hint), "{hint}\n{problem:#?}");
        assert!(problem.hint.contains("kubectl --namespace kube-system get configmap kubeadm-config"), "{problem:#?}");
    }
}

#[test]
fn other_files_are_named_as_what_they_are() {
    let object = |kind: &str| format!("apiVersion: v1\nkind: {kind}\n").into_bytes();
    let cases: [(Vec<u8>, &str); 26] = [
        (golden!("admin.conf").to_vec(), "a kubeconfig"),
        (object("Pod"), "a Pod of Kubernetes"),
        (golden!("pki/ca.crt").to_vec(), "a certificate,"),
        (golden!("pki/ca.key").to_vec(), "a private key,"),
        (golden!("pki/sa.pub").to_vec(), "a public key,"),
        (object("Secret"), "a Secret of Kubernetes"),
        (object("Endpoints"), "an Endpoints of Kubernetes"),
        (
            b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kubelet-config}\n".to_vec(),
            "the ConfigMap \"kubelet-config\"",
        ),
        (br#"{"apiVersion": "v1", "kind": "List", "items": []}"#.to_vec(), "a List of Kubernetes"),
        (b"maxValidity: 8760h\ncertificates: {}\n".to_vec(), "a policy of kubepki"),
        (b"all:\n  hosts:\n    cp1: {ansible_host: 192.0.2.1}\n".to_vec(), "an Ansible inventory"),
        (b"[control_plane]\ncp1 ansible_host=192.0.2.1\n".to_vec(), "an INI file"),
        (b"# servers\n[all:vars]\nx=y\n".to_vec(), "an INI file"),
        (b"- hosts: all\n  roles: [kubepki]\n".to_vec(), "an Ansible playbook"),
        (b"ansible_user: root\nkubepki_role: control_plane\n".to_vec(), "a file of Ansible variables"),
        (b"#!/bin/sh\nkubeadm init --config - <<EOF\n".to_vec(), "a script"),
        (b"<!DOCTYPE html>\n<html><body>404</body></html>\n".to_vec(), "an HTML or XML page"),
        (b"KUBE_VERSION=1.36\n".to_vec(), "a list of variables"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00".to_vec(), "compressed by gzip"),
        (b"\x28\xb5\x2f\xfd\x04\x00".to_vec(), "compressed by zstd"),
        (b"PK\x03\x04\x14\x00\xff".to_vec(), "a ZIP archive"),
        (b"\x7fELF\x02\x01\x01\x00".to_vec(), "a program"),
        (b"\x30\x82\x01\x00\x02\x01\x03\x30\x82\xff".to_vec(), "a PKCS#12 file"),
        (b"\x30\x81\x80\x02\x01\x00\x30\x0d\xff".to_vec(), "a private key in DER form,"),
        (vec![0; 4096], "a file of zero bytes alone"),
        (b"\xef\xbb\xbf-----BEGIN CERTIFICATE REQUEST-----\n".to_vec(), "PEM"),
    ];
    for (bytes, what) in &cases {
        let problem = problem_of_bytes(bytes);
        assert_eq!(problem.code, "config.other_file", "{what}\n{problem:#?}");
        assert!(problem.message.starts_with(&format!("this is {what}")), "{what}\n{problem:#?}");
        assert!(!problem.hint.is_empty() && problem.hint.matches('`').count().is_multiple_of(2), "{problem:#?}");
    }
}

#[test]
fn utf16_is_named_with_the_command_that_converts_it() {
    let little: Vec<u8> = CLUSTER.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = CLUSTER.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (bytes, encoding) in
        [([&[0xff, 0xfe], &little[..]].concat(), "UTF-16"), (little, "UTF-16LE"), (big, "UTF-16BE")]
    {
        let error = load("k.yaml", &bytes, &options()).unwrap_err();
        assert_eq!(error.code(), "config.not_utf8");
        assert_eq!(error.to_string(), format!("k.yaml:1: the text is {encoding}, not UTF-8"));
        let command = format!("`iconv --from-code {encoding} --to-code UTF-8 k.yaml > k.yaml.utf8`");
        assert!(error.hint().contains(&command), "{}", error.hint());
    }
}

#[test]
fn a_file_without_a_configuration_says_what_it_has() {
    for (text, what) in [
        ("", "the file is empty"),
        (" \n\n", "document is empty"),
        (
            "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n",
            "the file has \"KubeletConfiguration\", and no",
        ),
        ("apiVersion: apps/v1\nkind: Deployment\n", "the file has \"Deployment\", and no"),
    ] {
        let problems = problems_of(text);
        assert!(problems.iter().any(|problem| problem.message.contains(what)), "{text}\n{problems:#?}");
    }
}
