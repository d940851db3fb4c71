//! A node in a temporary directory, and the ways to look at it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use chrono::{DateTime, TimeDelta, Utc};
use kubepki::audit::Finding;
use kubepki::error::Error;
use kubepki::key::{Algorithm, PrivateKey};
use kubepki::ops::apply::{Continue, Report, apply};
use kubepki::ops::init::{InitRequest, plan};
use kubepki::plan::{Action, Plan};
use kubepki::x509::{
    Certificate, CertificateTemplate, DistinguishedName, Issuer, KeyUsage, SerialNumber, SubjectAltNames,
    read_certificates,
};
use tempfile::TempDir;

pub const CASES: [&str; 7] = ["dual-stack", "ecdsa-p256", "external-etcd", "ha", "minimal", "v1beta3", "validity"];

/// A control-plane node with keys that are quickly made.
pub const CONTROL_PLANE: &str = "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: 192.0.2.10, bindPort: 6443}
nodeRegistration: {name: cp1}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.2
encryptionAlgorithm: ECDSA-P256
";

/// When the golden trees are two days old.
pub fn now() -> DateTime<Utc> {
    "2026-11-26T12:00:00Z".parse().unwrap()
}

pub fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

pub fn facts(name: &str) -> serde_json::Value {
    serde_json::from_slice(&fs::read(case(name).join("facts.json")).unwrap()).unwrap()
}

/// Every file below `folder`, relative to it, sorted; links are not followed.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    fn walk(folder: &Path, base: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                walk(&path, base, found);
            } else {
                found.push(path.strip_prefix(base).unwrap().to_owned());
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}

/// A path's kind, mode and content (for a large file its size, for a link its target).
pub type Snapshot = BTreeMap<PathBuf, (u32, Vec<u8>)>;

/// Everything below `folder`, folders too.
pub fn snapshot(folder: &Path) -> Snapshot {
    fn walk(folder: &Path, all: &mut Snapshot) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let content = if metadata.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else if metadata.is_dir() {
                walk(&path, all);
                Vec::new()
            } else if metadata.len() > 1 << 20 {
                metadata.len().to_string().into_bytes()
            } else {
                fs::read(&path).unwrap()
            };
            all.insert(path, (metadata.permissions().mode(), content));
        }
    }
    let mut all = Snapshot::new();
    walk(folder, &mut all);
    all
}

/// A node below a temporary root directory.
pub struct Node {
    pub root: TempDir,
    pub request: InitRequest,
    pub now: DateTime<Utc>,
}

impl Node {
    /// An empty node with this configuration.
    pub fn empty(config: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let mut request = InitRequest::default();
        request.node.rootfs = root.path().to_owned().into();
        request.node.config = Some("/etc/kubeadm.yaml".into());
        fs::create_dir(root.path().join("etc")).unwrap();
        let node = Self { root, request, now: now() };
        node.write("/etc/kubeadm.yaml", config);
        node
    }

    /// A node with the tree that kubeadm made for `name`, and its modes.
    pub fn golden(name: &str) -> Self {
        let node = Self::empty(&fs::read_to_string(case(name).join("config.yaml")).unwrap());
        node.copy_golden(name, |_| true);
        node
    }

    /// A node on which everything has been made.
    pub fn made(config: &str) -> Self {
        let node = Self::empty(config);
        node.apply();
        node
    }

    pub fn copy_golden(&self, name: &str, wanted: impl Fn(&str) -> bool) {
        let facts = facts(name);
        let from = case(name).join("kubernetes");
        for file in files(&from) {
            let relative = file.to_str().unwrap();
            if wanted(relative) {
                let path = format!("/etc/kubernetes/{relative}");
                self.write(&path, fs::read(from.join(&file)).unwrap());
                self.set_mode(&path, mode_of(&facts["kubernetes"][relative]));
            }
        }
    }

    pub fn path(&self, logical: &str) -> PathBuf {
        self.root.path().join(logical.trim_start_matches('/'))
    }

    pub fn write(&self, logical: &str, content: impl AsRef<[u8]>) {
        let path = self.path(logical);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn read(&self, logical: &str) -> Vec<u8> {
        fs::read(self.path(logical)).unwrap()
    }

    pub fn remove(&self, logical: &str) {
        fs::remove_file(self.path(logical)).unwrap();
    }

    pub fn set_mode(&self, logical: &str, mode: u32) {
        fs::set_permissions(self.path(logical), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub fn try_plan(&self) -> Result<Plan, Error> {
        plan(&self.request, self.now).map(|planned| planned.plan)
    }

    pub fn plan(&self) -> Plan {
        self.try_plan().unwrap()
    }

    pub fn apply(&self) -> Report {
        apply_plan(&self.plan()).unwrap()
    }

    pub fn snapshot(&self) -> Snapshot {
        snapshot(self.root.path())
    }

    pub fn certificate(&self, base_name: &str) -> Certificate {
        read_certificates(&self.read(&format!("/etc/kubernetes/pki/{base_name}.crt"))).unwrap().remove(0)
    }

    pub fn key(&self, base_name: &str) -> PrivateKey {
        PrivateKey::from_pem(&self.read(&format!("/etc/kubernetes/pki/{base_name}.key"))).unwrap()
    }

    pub fn issuer(&self, base_name: &str) -> Issuer {
        Issuer::new(self.certificate(base_name), self.key(base_name)).unwrap()
    }

    /// Puts a pair in its place.
    pub fn put_pair(&self, base_name: &str, certificate: &Certificate, key: &PrivateKey) {
        self.write(&format!("/etc/kubernetes/pki/{base_name}.crt"), certificate.to_pem());
        self.write(&format!("/etc/kubernetes/pki/{base_name}.key"), key.to_pem().expose());
        self.set_mode(&format!("/etc/kubernetes/pki/{base_name}.key"), 0o600);
    }

    /// Replaces a leaf by one that differs as `change` has it, with a new key, signed by `issuer`.
    pub fn replace_leaf(&self, base_name: &str, issuer: &Issuer, change: impl FnOnce(&mut CertificateTemplate)) {
        let mut template = template_of(&self.certificate(base_name));
        change(&mut template);
        let key = ecdsa_key();
        let certificate = template.issue(&SerialNumber::random().unwrap(), key.public_key_info(), issuer).unwrap();
        self.put_pair(base_name, &certificate, &key);
    }

    /// Edits a text file below `/etc/kubernetes`.
    pub fn edit(&self, logical: &str, change: impl FnOnce(String) -> String) {
        let text = String::from_utf8(self.read(logical)).unwrap();
        let changed = change(text.clone());
        assert_ne!(text, changed, "the edit of {logical} changes nothing");
        self.write(logical, changed);
    }
}

pub fn apply_plan(plan: &Plan) -> Result<Report, Error> {
    apply(plan, &mut |_| Continue::Yes)
}

pub fn mode_of(fact: &serde_json::Value) -> u32 {
    u32::from_str_radix(fact["mode"].as_str().unwrap().trim_start_matches("0o"), 8).unwrap()
}

pub fn ecdsa_key() -> PrivateKey {
    PrivateKey::generate(Algorithm::EcdsaP256).unwrap()
}

/// A certificate's own wording, to be signed again with a difference.
pub fn template_of(of: &Certificate) -> CertificateTemplate {
    CertificateTemplate::like(of, of.not_before(), of.not_after())
}

/// A CA of any name that is valid from yesterday on.
pub fn authority(common_name: &str, days: i64) -> Issuer {
    let key = ecdsa_key();
    let template = authority_template(common_name, days);
    Issuer::new(template.self_sign(&SerialNumber::random().unwrap(), &key).unwrap(), key).unwrap()
}

pub fn authority_template(common_name: &str, days: i64) -> CertificateTemplate {
    CertificateTemplate {
        subject: DistinguishedName::new::<&str>(&[], common_name).unwrap(),
        subject_alt_names: SubjectAltNames::default(),
        key_usages: vec![KeyUsage::DigitalSignature, KeyUsage::KeyCertSign],
        extended_key_usages: Vec::new(),
        is_ca: true,
        not_before: now() - TimeDelta::days(1),
        not_after: now() + TimeDelta::days(days),
        other_extensions: Vec::new(),
    }
}

/// The text behind `field:` in a kubeconfig, decoded; independent of our kubeconfig reader.
pub fn embedded(kubeconfig: &[u8], field: &str) -> Vec<u8> {
    let text = std::str::from_utf8(kubeconfig).unwrap();
    let line = text.lines().find(|line| line.trim_start().starts_with(field)).unwrap();
    base64::engine::general_purpose::STANDARD.decode(line.split_once(": ").unwrap().1).unwrap()
}

pub fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// `subject code` of each critical finding, sorted.
pub fn criticals(findings: &[Finding]) -> Vec<String> {
    let mut all: Vec<_> = findings
        .iter()
        .filter(|finding| finding.is_critical())
        .map(|finding| format!("{} {}", finding.subject, finding.code))
        .collect();
    all.sort();
    all
}

/// `subject code` of each finding that is at least a warning, sorted.
pub fn problems(findings: &[Finding]) -> Vec<String> {
    let mut all: Vec<_> = findings
        .iter()
        .filter(|finding| finding.severity != kubepki::audit::Severity::Info)
        .map(|finding| format!("{} {}", finding.subject, finding.code))
        .collect();
    all.sort();
    all
}

pub fn find<'a>(findings: &'a [Finding], code: &str) -> &'a Finding {
    findings.iter().find(|finding| finding.code == code).unwrap_or_else(|| panic!("no {code} in {findings:#?}"))
}

pub fn action(plan: &Plan, name: &str) -> Action {
    plan.artefacts.iter().find(|one| one.name == name).unwrap_or_else(|| panic!("no {name}")).action()
}

pub fn created(plan: &Plan) -> Vec<&str> {
    plan.changes().map(|one| one.name.as_str()).collect()
}
