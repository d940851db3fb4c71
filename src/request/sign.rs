//! What `certs sign` is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use chrono::TimeDelta;
use clap::{Args, ValueHint};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{NodeRequest, OutliveCa, Recover, RequestError, Span};
use crate::catalogue::{Layout, NodeRole};
use crate::secret::Secret;

/// What messages call a key that is in no file.
pub(crate) const CONTENT: &str = "ca_key_content";

/// A request by its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedFile {
    /// The file.
    pub path: PathBuf,
    /// kubeadm's name; the file's name tells it otherwise.
    pub name: Option<String>,
}

/// Whose requests a folder holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeEntry {
    /// The node's name; the folder's without one.
    #[serde(default)]
    pub node_name: Option<String>,
    /// The kind of node.
    pub role: NodeRole,
}

/// The nodes of many folders: themselves, or the file that lists them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Nodes {
    /// The file.
    File(PathBuf),
    /// Each folder's node.
    Listed(BTreeMap<String, NodeEntry>),
}

impl From<OsString> for Nodes {
    fn from(path: OsString) -> Self {
        Self::File(path.into())
    }
}

impl<'de> Deserialize<'de> for Nodes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As an untagged enumeration, without losing what is wrong with a node.
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Nodes;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a path, or a mapping of folders to nodes")
            }

            fn visit_str<E>(self, path: &str) -> Result<Nodes, E> {
                Ok(Nodes::File(path.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Nodes, A::Error> {
                BTreeMap::deserialize(MapAccessDeserializer::new(map)).map(Nodes::Listed)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// Requests as a caller names them: paths, or a path for each name.
#[derive(Deserialize)]
#[serde(untagged)]
enum Files {
    Named(BTreeMap<String, PathBuf>),
    Paths(Vec<PathBuf>),
    Both(Vec<NamedFile>),
}

fn files<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<NamedFile>, D::Error> {
    Ok(match Files::deserialize(deserializer)? {
        Files::Named(paths) => paths.into_iter().map(|(name, path)| NamedFile { path, name: Some(name) }).collect(),
        Files::Paths(paths) => paths.into_iter().map(|path| NamedFile { path, name: None }).collect(),
        Files::Both(files) => files,
    })
}

/// What `certs sign` is asked for.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignRequest {
    /// The configuration and the node's name, if they are known.
    #[arg(skip)]
    #[serde(flatten)]
    pub node: NodeRequest,
    /// The directory of CAs of the node, laid out as in `certificatesDir`; the configuration's or `/etc/kubernetes/pki` without it.
    #[arg(long, alias = "cert-dir", value_name = "DIR")]
    pub ca_dir: Option<PathBuf>,
    /// The kind of node that the requests are from, which bounds what is signed; without it nothing but a worker's
    /// `kubelet.conf` is.
    #[arg(long, value_name = "ROLE")]
    pub role: Option<NodeRole>,
    /// For requests of many nodes, the node of each directory below --csr-dir: `{cp1: {role: control-plane}}`, in YAML.
    ///
    /// Where the directory is not named as the node, `w2: {node_name: worker-2.example, role: worker}`. JSON is read too.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub nodes: Option<Nodes>,
    /// The directory of the node below which every `.csr` is signed.
    #[arg(long, value_name = "DIR")]
    pub csr_dir: Option<PathBuf>,
    /// Requests by their files on the node; by name where the file does not say it: `{"kubelet.conf": "node7.csr"}`.
    #[arg(skip)]
    #[serde(deserialize_with = "files")]
    pub files: Vec<NamedFile>,
    /// The directory of the node for the certificates, not beside their requests.
    #[arg(long, value_name = "DIR")]
    pub out_dir: Option<PathBuf>,
    /// How long certificates are valid; the configuration's period without it.
    #[arg(long, value_name = "DURATION", value_parser = Span::positive)]
    pub validity: Option<Span>,
    /// The policy file: what may be signed besides the catalogue, or may not.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// What was in it when a plan was made, which carries this: SHA-256 in hexadecimal.
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_sha256: Option<String>,
    /// openssl's file (`-CAserial`) on the node with the last serial number of one CA; numbers are random without it.
    #[arg(long, alias = "ca-serial", value_name = "FILE", conflicts_with = "serial_files")]
    pub serial_file: Option<PathBuf>,
    /// The same in a file beside each CA (`ca.srl`).
    #[arg(long, alias = "srl")]
    pub serial_files: bool,
    /// A certificate that would be valid for longer than its CA.
    #[command(flatten)]
    pub outlive_ca: OutliveCa,
    /// Overwrite certificates that are there.
    #[arg(long)]
    pub force: bool,
    /// Sign again what was signed before and ends within this time, or answers its request no more.
    #[arg(long, value_name = "DURATION")]
    pub renew_before: Option<Span>,
    /// The passphrase of the CAs' keys.
    #[arg(skip)]
    #[serde(skip)]
    pub ca_key_passphrase: Option<Secret>,
    /// Sign what can be signed, whatever else is refused.
    ///
    /// Also when another CA or its key is missing or broken. The exit code is 5; when nothing can be signed, 1 or 4 as
    /// without it.
    #[arg(long)]
    pub partial: bool,
    /// Whether an interrupted change is ended first.
    #[command(flatten)]
    pub recover: Recover,
}

/// Secrets of CAs: keys, or passphrases of keys.
#[derive(Clone, Debug, Default)]
pub enum OfAuthorities {
    /// None is given.
    #[default]
    None,
    /// The same for every CA.
    Every(Secret),
    /// By the CA's name, as `front-proxy-ca`.
    Each(BTreeMap<String, Secret>),
}

impl OfAuthorities {
    /// That of one CA.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<&Secret> {
        match self {
            Self::None => None,
            Self::Every(secret) => Some(secret),
            Self::Each(secrets) => secrets.get(name),
        }
    }
}

/// What the signing of one request is asked for, which is given as text.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignTextRequest {
    /// The configuration and the node's name, if they are known.
    #[serde(flatten)]
    pub node: NodeRequest,
    /// The kind of the node, which bounds what is signed; a worker without one.
    #[serde(default)]
    pub role: Option<NodeRole>,
    /// The request in PEM.
    pub csr: String,
    /// kubeadm's name (`apiserver`, `kubelet.conf`), or one that the policy adds.
    pub name: String,
    /// The directory of CAs, laid out as in `certificatesDir`: the name says which of them signs.
    #[serde(default)]
    pub ca_dir: Option<PathBuf>,
    /// The file with the certificate of the CA that signs this name, instead of the one in `ca_dir`.
    #[serde(default)]
    pub ca_cert: Option<PathBuf>,
    /// The file with its key, likewise.
    #[serde(default)]
    pub ca_key: Option<PathBuf>,
    /// The keys themselves.
    #[serde(skip)]
    pub ca_key_content: OfAuthorities,
    /// Their passphrases.
    #[serde(skip)]
    pub ca_key_passphrase: OfAuthorities,
    /// The certificate in PEM that the request was answered with before: it is kept while it answers the request.
    #[serde(default)]
    pub present: Option<String>,
    /// With `present`: sign again when it ends within this time; when it has expired without it.
    #[serde(default)]
    pub renew_before: Option<Span>,
    /// Show what would be done, and change nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// How long the certificate is valid; the configuration's period without it.
    #[serde(default)]
    pub validity: Option<Span>,
    /// The policy file: what may be signed besides the catalogue, or may not.
    #[serde(default)]
    pub policy: Option<PathBuf>,
    /// A certificate that would be valid for longer than its CA.
    #[serde(default)]
    pub outlive_ca: OutliveCa,
}

/// The time before its end in which a certificate is signed again.
///
/// # Errors
/// [`RequestError::BadRequest`] when a new certificate would be signed again at once.
fn renew_before(before: Option<Span>, validity: Option<Span>) -> Result<Option<TimeDelta>, RequestError> {
    let Some(before) = before else { return Ok(None) };
    if validity.is_some_and(|validity| validity <= before) {
        return Err(RequestError::bad(
            "--validity is not longer than --renew-before: every run would sign everything again",
            "give --renew-before a shorter time, or --validity a longer one",
        ));
    }
    before.within("--renew-before").map(Some)
}

impl SignTextRequest {
    /// Where the certificate and the key of a CA are.
    ///
    /// # Errors
    /// [`RequestError::BadRequest`] when nothing says it.
    pub(crate) fn authority(&self, issuer: &str) -> Result<(PathBuf, PathBuf), RequestError> {
        let folder = self.ca_dir.clone();
        let layout = folder.map(|folder| Layout { certificates_dir: folder, kubeconfig_dir: PathBuf::new() });
        let (certificate, key) = layout.map(|layout| layout.authority(issuer)).unzip();
        let given = self.ca_key_content.of(issuer).map(|_| PathBuf::from(CONTENT));
        match (self.ca_cert.clone().or(certificate), given.or_else(|| self.ca_key.clone()).or(key)) {
            (Some(certificate), Some(key)) => Ok((certificate, key)),
            _ => Err(RequestError::bad(
                format!("nothing says where certificate and key of the CA {issuer} are"),
                "give ca_dir, the directory of CAs; or ca_cert, and ca_key or ca_key_content",
            )),
        }
    }

    /// The time before its end in which a certificate is signed again.
    ///
    /// # Errors
    /// [`RequestError::BadRequest`] when a new certificate would be signed again at once.
    pub(crate) fn renew_before(&self) -> Result<TimeDelta, RequestError> {
        renew_before(self.renew_before, self.validity).map(Option::unwrap_or_default)
    }
}

impl SignRequest {
    /// The time before its end in which a certificate is signed again, if that is asked for.
    ///
    /// # Errors
    /// [`RequestError::BadRequest`] when a new certificate would be signed again at once.
    pub(crate) fn renew_before(&self) -> Result<Option<TimeDelta>, RequestError> {
        renew_before(self.renew_before, self.validity)
    }

    /// The file of each CA's last number; none for random ones.
    ///
    /// # Errors
    /// [`RequestError::SharedSerialFile`] when two CAs would count in one file.
    pub(crate) fn files_of_serials(
        &self,
        layout: &Layout,
        issuers: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, PathBuf>, RequestError> {
        let with = |file: &dyn Fn(&str) -> PathBuf| issuers.iter().map(|name| (name.clone(), file(name))).collect();
        match &self.serial_file {
            None if self.serial_files => Ok(with(&|name| layout.authority(name).0.with_extension("srl"))),
            None => Ok(BTreeMap::new()),
            Some(path) if issuers.len() < 2 => Ok(with(&|_| path.clone())),
            Some(path) => Err(RequestError::SharedSerialFile {
                path: path.display().to_string(),
                issuers: issuers.iter().cloned().collect(),
            }),
        }
    }
}
