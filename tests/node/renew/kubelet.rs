//! The kubelet's certificates: embedded, by path, behind a link, and self-signed.

use std::os::unix::fs::symlink;

use chrono::TimeDelta;
use kubepki::plan::Action;
use kubepki::x509::SerialNumber;

use super::*;

const PKI: &str = "/var/lib/kubelet/pki";

/// A node whose kubelet has rotated its client certificate once: kubelet.conf leads to the link.
fn rotated() -> (Node, RenewRequest) {
    let (node, request) = quick();
    let both = [client(&node, "kubelet.conf").to_pem(), client_key(&node, "kubelet.conf").to_pem().expose().to_vec()];
    node.write(&format!("{PKI}/kubelet-client-2026-01-01-00-00-00.pem"), both.concat());
    node.set_mode(&format!("{PKI}/kubelet-client-2026-01-01-00-00-00.pem"), 0o600);
    symlink(
        format!("{PKI}/kubelet-client-2026-01-01-00-00-00.pem"),
        node.path(&format!("{PKI}/kubelet-client-current.pem")),
    )
    .unwrap();
    (node, request)
}

fn name_the_link(node: &Node) {
    node.edit("/etc/kubernetes/kubelet.conf", |text| {
        text.lines()
            .map(|line| match line.trim_start().split_once("-data: ") {
                Some((field @ ("client-certificate" | "client-key"), _)) => {
                    format!("    {field}: {PKI}/kubelet-client-current.pem\n")
                }
                _ => format!("{line}\n"),
            })
            .collect()
    });
}

fn assert_rotated(node: &Node) {
    let dated = format!("{PKI}/kubelet-client-2026-11-26-12-00-00-kubepki.pem");
    let target = std::fs::read_link(node.path(&format!("{PKI}/kubelet-client-current.pem"))).unwrap();
    assert_eq!(target.to_str().unwrap(), dated, "dated as the kubelet's, and told from those");
    let both = node.read(&dated);
    let (certificate, key) = (read_certificates(&both).unwrap().remove(0), PrivateKey::from_pem(&both).unwrap());
    assert_eq!(certificate.public_key_info(), key.public_key_info());
    assert_eq!(certificate.subject().to_string(), "CN=system:node:cp1,O=system:nodes");
    assert_eq!(certificate.not_after(), node.now + TimeDelta::days(365));
    let mode = std::fs::metadata(node.path(&dated)).unwrap().permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
    let old = node.read(&format!("{PKI}/kubelet-client-2026-01-01-00-00-00.pem"));
    assert_ne!(read_certificates(&old).unwrap()[0].serial(), certificate.serial(), "the old file stays");
}

#[test]
fn a_link_leads_to_a_new_dated_file() {
    let (node, request) = rotated();
    let report = renewed(&node, &RenewRequest { names: names(&["kubelet-client"]), ..request });
    assert_eq!(report.changed[0].name, "kubelet-client");
    assert_rotated(&node);
}

#[test]
fn a_kubeconfig_that_names_the_link_is_renewed_with_it_once() {
    let (node, request) = rotated();
    name_the_link(&node);
    let kubeconfig = node.read("/etc/kubernetes/kubelet.conf");
    let plan = planned(&node, &RenewRequest { kubelet: true, ..request });
    assert_eq!(action(&plan, "kubelet.conf"), Action::Renew);
    assert_eq!(action(&plan, "kubelet-client"), Action::Keep);
    assert_eq!(action(&plan, "kubelet-server"), Action::Skip);
    assert_eq!(apply_plan(&plan).unwrap().changed.len(), 12);
    assert_rotated(&node);
    assert_eq!(node.read("/etc/kubernetes/kubelet.conf"), kubeconfig, "nothing in it had to change");
}

#[test]
fn its_ca_is_brought_up_to_date_even_if_its_certificate_is_elsewhere() {
    let (node, request) = rotated();
    name_the_link(&node);
    let bundle = [node.read("/etc/kubernetes/pki/ca.crt"), authority("kubernetes", 90).certificate().to_pem()].concat();
    node.write("/etc/kubernetes/pki/ca.crt", &bundle);
    renewed(&node, &RenewRequest { names: names(&["kubelet.conf"]), ..request });
    let text = node.read("/etc/kubernetes/kubelet.conf");
    assert_eq!(embedded(&text, "certificate-authority-data"), bundle);
    assert!(String::from_utf8(text).unwrap().contains("client-key: /var/lib/kubelet/pki/kubelet-client-current.pem"));
    assert_rotated(&node);
}

#[test]
fn a_key_that_is_kept_goes_into_the_new_file_too() {
    let (node, request) = rotated();
    let old = PrivateKey::from_pem(&node.read(&format!("{PKI}/kubelet-client-2026-01-01-00-00-00.pem"))).unwrap();
    renewed(&node, &RenewRequest { names: names(&["kubelet-client"]), keep_key: true, ..request });
    let new =
        PrivateKey::from_pem(&node.read(&format!("{PKI}/kubelet-client-2026-11-26-12-00-00-kubepki.pem"))).unwrap();
    assert_eq!(new.public_key_info(), old.public_key_info());
    assert_rotated(&node);
}

#[test]
fn a_file_that_is_no_link_is_replaced() {
    let (node, request) = quick();
    let both = [client(&node, "kubelet.conf").to_pem(), client_key(&node, "kubelet.conf").to_pem().expose().to_vec()];
    let path = format!("{PKI}/kubelet-client-current.pem");
    node.write(&path, both.concat());
    node.set_mode(&path, 0o600);
    renewed(&node, &RenewRequest { names: names(&["kubelet-client"]), ..request });
    assert_eq!(files(&node.path(PKI)).len(), 1);
    assert_eq!(read_certificates(&node.read(&path)).unwrap()[0].not_after(), node.now + TimeDelta::days(365));
}

#[test]
fn what_the_kubelet_signed_itself_is_self_signed_and_what_the_ca_signed_stays_so() {
    let (node, request) = quick();
    // A CA that lives inside the kubelet signs the leaf, and is appended.
    let own = authority("cp1-ca@1764000000", 365);
    let mut template = template_of(&node.certificate("apiserver"));
    template.subject = kubepki::x509::DistinguishedName::new::<&str>(&[], "cp1@1764000000").unwrap();
    let key = ecdsa_key();
    let leaf = template.issue(&SerialNumber::random().unwrap(), key.public_key_info(), &own).unwrap();
    node.write(&format!("{PKI}/kubelet.crt"), [leaf.to_pem(), own.certificate().to_pem()].concat());
    node.write(&format!("{PKI}/kubelet.key"), key.to_pem().expose());
    node.set_mode(&format!("{PKI}/kubelet.key"), 0o600);
    let only = RenewRequest { names: names(&["kubelet-server"]), ..request };
    let plan = planned(&node, &only);
    assert_eq!(plan.artefacts[0].issuer, None);
    apply_plan(&plan).unwrap();
    let new = read_certificates(&node.read(&format!("{PKI}/kubelet.crt"))).unwrap();
    assert_eq!((new.len(), new[0].issuer(), new[0].subject_alt_names()), (1, leaf.subject(), leaf.subject_alt_names()));
    assert_eq!(
        PrivateKey::from_pem(&node.read(&format!("{PKI}/kubelet.key"))).unwrap().public_key_info(),
        new[0].public_key_info()
    );

    let leaf = template.issue(&SerialNumber::random().unwrap(), key.public_key_info(), &node.issuer("ca")).unwrap();
    node.write(&format!("{PKI}/kubelet-server-current.pem"), [leaf.to_pem(), key.to_pem().expose().to_vec()].concat());
    node.set_mode(&format!("{PKI}/kubelet-server-current.pem"), 0o600);
    node.write("/var/lib/kubelet/config.yaml", "serverTLSBootstrap: true\n");
    renewed(&node, &only);
    let new = read_certificates(&node.read(&format!("{PKI}/kubelet-server-current.pem"))).unwrap();
    assert_eq!(new[0].issuer(), node.certificate("ca").subject());
    assert_ne!(new[0].serial(), leaf.serial());
}

#[test]
fn what_the_kubelet_does_not_serve_with_stays_as_it_is() {
    let (node, request) = quick();
    let key = ecdsa_key();
    let template = template_of(&node.certificate("apiserver"));
    let of_cluster = || template.issue(&SerialNumber::random().unwrap(), key.public_key_info(), &node.issuer("ca"));
    let pem = key.to_pem().expose().to_vec();
    let both = [of_cluster().unwrap().to_pem(), pem.clone()].concat();
    node.write(&format!("{PKI}/kubelet-server-current.pem"), &both);
    for folder in [PKI, "/srv"] {
        node.write(&format!("{folder}/kubelet.crt"), of_cluster().unwrap().to_pem());
        node.write(&format!("{folder}/kubelet.key"), &pem);
        node.set_mode(&format!("{folder}/kubelet.key"), 0o600);
    }
    node.set_mode(&format!("{PKI}/kubelet-server-current.pem"), 0o600);
    let only = RenewRequest { names: names(&["kubelet-server"]), ..request };
    let files_of = |text: &str| {
        node.write("/var/lib/kubelet/config.yaml", text);
        renewed(&node, &only).changed[0].files.clone()
    };
    let pair = |folder: &str| ["kubelet.key", "kubelet.crt"].map(|name| std::path::Path::new(folder).join(name));
    assert_eq!(files_of("port: 10250\n"), pair(PKI));
    assert_eq!(files_of("tlsCertFile: /srv/kubelet.crt\ntlsPrivateKeyFile: /srv/kubelet.key\n"), pair("/srv"));
    assert_eq!(node.read(&format!("{PKI}/kubelet-server-current.pem")), both);
    assert_eq!(files_of("serverTLSBootstrap: true\n").len(), 1);
}

#[test]
fn a_serving_certificate_of_another_ca_is_not_signed_anew() {
    let (node, request) = quick();
    let key = ecdsa_key();
    let template = template_of(&node.certificate("apiserver"));
    let other = authority("a company's CA", 90);
    let leaf = template.issue(&SerialNumber::random().unwrap(), key.public_key_info(), &other).unwrap();
    node.write("/srv/kubelet.crt", leaf.to_pem());
    node.write("/srv/kubelet.key", key.to_pem().expose());
    node.write("/var/lib/kubelet/config.yaml", "tlsCertFile: /srv/kubelet.crt\ntlsPrivateKeyFile: /srv/kubelet.key\n");
    let plan = planned(&node, &RenewRequest { names: names(&["kubelet-server"]), ..request });
    assert_eq!(action(&plan, "kubelet-server"), Action::Skip);
    let finding = plan.findings.iter().find(|one| one.subject == "kubelet-server").unwrap();
    assert_eq!(finding.code, "authority.external");
    assert!(finding.evidence.contains("a company's CA"), "{finding:?}");
    assert!(finding.remedy.contains("/srv/kubelet.crt"), "{finding:?}");
}

#[test]
fn on_a_worker_its_ca_is_external() {
    let (node, request) = rotated();
    node.remove("/etc/kubernetes/pki/ca.key");
    let plan = planned(&node, &RenewRequest { names: names(&["kubelet-client", "kubelet.conf"]), ..request });
    assert!(plan.is_empty() && !plan.is_blocked());
    assert!(plan.artefacts.iter().all(|one| one.reason == "external CA"));
}
