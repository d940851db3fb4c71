//! A node whose CAs' keys are elsewhere, and the owner of those keys.

use std::fs;

use chrono::{DateTime, TimeDelta, Utc};
use kubepki::ops::import::{self, ImportRequest};
use kubepki::plan::Plan;
use kubepki::x509::{
    Certificate, CertificateRequest, CertificateTemplate, ExtendedKeyUsage, Issuer, KeyUsage, SerialNumber,
};

use super::support::*;

/// What kubeadm's `generate-csr` leaves on a node: place, the CA that has to sign it, whether it serves.
pub const PLACES: [(&str, &str, bool); 12] = [
    ("pki/apiserver", "ca", true),
    ("pki/apiserver-kubelet-client", "ca", false),
    ("pki/front-proxy-client", "front-proxy-ca", false),
    ("pki/etcd/server", "etcd/ca", true),
    ("pki/etcd/peer", "etcd/ca", true),
    ("pki/etcd/healthcheck-client", "etcd/ca", false),
    ("pki/apiserver-etcd-client", "etcd/ca", false),
    ("admin.conf", "ca", false),
    ("super-admin.conf", "ca", false),
    ("kubelet.conf", "ca", false),
    ("controller-manager.conf", "ca", false),
    ("scheduler.conf", "ca", false),
];

pub const CASE: &str = "ecdsa-p256";

/// The owner of the CAs' keys.
pub struct Owner {
    issuers: Vec<(&'static str, Issuer)>,
}

impl Owner {
    pub fn issuer(&self, base_name: &str) -> &Issuer {
        &self.issuers.iter().find(|(name, _)| *name == base_name).unwrap().1
    }

    /// Signs the request of a place as asked, with a difference.
    pub fn sign_with(&self, node: &Node, place: &str, change: impl FnOnce(&mut CertificateTemplate)) -> Certificate {
        let (_, authority, serves) = PLACES.iter().find(|(name, ..)| *name == place).unwrap();
        let request = CertificateRequest::from_pem(&node.read(&format!("/etc/kubernetes/{place}.csr"))).unwrap();
        let mut usages = vec![ExtendedKeyUsage::ClientAuth];
        if *serves {
            usages.insert(0, ExtendedKeyUsage::ServerAuth);
        }
        let mut template = CertificateTemplate {
            subject: request.subject().clone(),
            subject_alt_names: request.subject_alt_names().clone(),
            key_usages: vec![KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment],
            extended_key_usages: usages,
            is_ca: false,
            not_before: now() - TimeDelta::minutes(5),
            not_after: now() + TimeDelta::days(365),
            other_extensions: Vec::new(),
        };
        change(&mut template);
        let serial = SerialNumber::random().unwrap();
        template.issue(&serial, request.public_key_info(), self.issuer(authority)).unwrap()
    }

    pub fn sign(&self, node: &Node, place: &str) -> Certificate {
        self.sign_with(node, place, |_| {})
    }

    /// Signs every request and lays the certificates out as a tree in `folder` of the node.
    pub fn sign_all(&self, node: &Node, folder: &str) {
        for (place, ..) in PLACES {
            node.write(&format!("{folder}/{place}.crt"), self.sign(node, place).to_pem());
        }
    }
}

/// A node with keys, requests, CAs' certificates and `sa`, and the owner of the CAs.
pub fn requested() -> (Node, Owner) {
    let node = Node::empty(&fs::read_to_string(case(CASE).join("config.yaml")).unwrap());
    node.copy_golden(CASE, |name| {
        ["pki/ca.crt", "pki/front-proxy-ca.crt", "pki/etcd/ca.crt", "pki/sa.key", "pki/sa.pub"].contains(&name)
    });
    let from = case(CASE).join("csr");
    for file in files(&from) {
        let path = format!("/etc/kubernetes/{}", file.display());
        node.write(&path, fs::read(from.join(&file)).unwrap());
        node.set_mode(&path, 0o600);
    }
    let golden = Node::golden(CASE);
    let issuers = ["ca", "front-proxy-ca", "etcd/ca"].map(|name| (name, golden.issuer(name)));
    (node, Owner { issuers: issuers.into() })
}

pub fn import_request(node: &Node, paths: &[&str]) -> ImportRequest {
    ImportRequest {
        node: node.request.node.clone(),
        paths: paths.iter().map(Into::into).collect(),
        ..ImportRequest::default()
    }
}

pub fn plan_import(node: &Node, paths: &[&str]) -> Plan {
    plan_request(node, &import_request(node, paths))
}

pub fn plan_request(node: &Node, request: &ImportRequest) -> Plan {
    import::plan(request, node.now).unwrap().plan
}

/// `subject action` of each artefact.
pub fn rows(plan: &Plan) -> Vec<String> {
    plan.artefacts.iter().map(|one| format!("{} {}", one.name, one.action())).collect()
}

pub fn days(count: i64) -> DateTime<Utc> {
    now() + TimeDelta::days(count)
}
