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

#[test]
fn the_configuration_in_a_dumped_config_map_is_read() {
    let inner = data().lines().skip(2).map(|line| &line[4..]).collect::<Vec<_>>().join("\n");
    let wanted = spec_of(&inner);
    assert_eq!(wanted.api_server_cert_sans, ["api.example.test"]);
    for text in [DUMPED.to_owned(), format!("---\n{DUMPED}"), format!("\u{feff}{DUMPED}"), list()] {
        assert_eq!(spec_of(&text), wanted, "{text}");
    }
    for text in [JSON.to_owned(), format!(r#"{{"apiVersion": "v1", "kind": "ConfigMapList", "items": [{JSON}]}}"#)] {
        assert_eq!(spec_of(&text).api_server_cert_sans, ["api.example.test"], "{text}");
    }
}

#[test]
fn a_problem_in_a_config_map_names_its_place_within_it() {
    let broken = JSON.replace("certSANs", "certSans");
    let problem = problem_of_bytes(broken.as_bytes());
    assert_eq!(
        problem.to_string(),
        "a b.yaml: data.ClusterConfiguration:3:13: apiServer.certSans: unknown field \"certSans\""
    );
    let of_list = format!(r#"{{"apiVersion": "v1", "kind": "List", "items": [{{}}, {broken}]}}"#);
    assert_eq!(problem_of_bytes(of_list.as_bytes()).file, "a b.yaml: items[1].data.ClusterConfiguration");
    let twice = JSON
        .replace("apiVersion: kubeadm.k8s.io/v1beta4", "apiVersion: v1")
        .replace("kind: Cluster", "kind: ConfigMap #");
    assert!(load("k.yaml", twice.as_bytes(), &options()).is_err(), "a ConfigMap within a ConfigMap");
}

#[test]
fn a_part_of_a_config_map_is_named_and_so_are_several() {
    let forms = [
        (format!(r#"{{"apiVersion": "v1", "kind": "List", "items": [{JSON}, {JSON}]}}"#), "kubectl annotate --local"),
        (format!("{DUMPED}---\n{CLUSTER}"), "kubectl annotate --local"),
        (data(), "sed '1i apiVersion"),
        (data().lines().skip(1).map(|line| &line[2..]).collect::<Vec<_>>().join("\n"), "sed 's/^/ /; 1i apiVersion"),
        (r#"{"ClusterConfiguration": "a: b\n"}"#.to_owned(), "python3 -c"),
        (r#"{"data": {"ClusterConfiguration": "a: b\n"}}"#.to_owned(), "python3 -c"),
    ];
    for (text, command) in &forms {
        let problem = problem_of_bytes(text.as_bytes());
        assert_eq!(problem.code, "config.config_map", "{text}\n{problem:#?}");
        for part in
            [command, "'a b.yaml'", "'a b.yaml.yaml'", "kubectl --namespace kube-system get configmap kubeadm-config"]
        {
            assert!(problem.hint.contains(part), "{part}\n{problem:#?}");
        }
    }
    let Err(error) = load("(inline configuration)", forms[0].0.as_bytes(), &options()) else { panic!("accepted") };
    assert!(error.hint().contains("--filename FILE > FILE.yaml"), "{}", error.hint());
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
