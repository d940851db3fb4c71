//! What is in a file, whatever it is: certificates, requests, keys, kubeconfigs, in PEM, DER or PKCS#7.
//!
//! In: bytes. Out: [`Content`]s, plain data without private parts. It judges nothing, and decrypts nothing.

use serde::Serialize;

use crate::catalogue::{self, SYSTEM_NODE};
use crate::digest::sha256_hex;
use crate::error::{Diagnostic as _, Fault};
use crate::key::format::{Format, Wanted};
use crate::key::{KeyError, PrivateKey, pem};
use crate::kubeconfig::Kubeconfig;
use crate::x509::{Description, X509Error, describe_certificate, describe_request, pkcs7_certificates, public_key};

/// One thing that a file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// A certificate.
    Certificate {
        /// kubeadm's name for one with this subject, where there is one.
        kubeadm_name: Option<String>,
        /// What it says.
        #[serde(flatten)]
        description: Box<Description>,
    },
    /// A signing request.
    Request {
        /// kubeadm's name for a certificate with this subject, where there is one.
        kubeadm_name: Option<String>,
        /// What it says.
        #[serde(flatten)]
        description: Box<Description>,
    },
    /// A private key, of which only the public half is shown.
    PrivateKey {
        /// Its kind, as `RSA-2048`.
        key: String,
        /// The SHA-256 of its public key in hexadecimal.
        public_key_sha256: String,
    },
    /// A private key under a passphrase.
    EncryptedPrivateKey,
    /// A public key.
    PublicKey {
        /// Its kind.
        key: String,
        /// The SHA-256 of it in hexadecimal.
        public_key_sha256: String,
    },
    /// A kubeconfig.
    Kubeconfig {
        /// Its current context; empty where it has none.
        current_context: String,
        /// The names of its contexts.
        contexts: Vec<String>,
        /// Its clusters.
        clusters: Vec<ShownCluster>,
        /// Its users.
        users: Vec<ShownUser>,
    },
    /// A PEM block that is none of these.
    OtherBlock {
        /// Its label.
        label: String,
        /// How many bytes it holds.
        bytes: usize,
    },
}

/// A cluster of a kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShownCluster {
    /// Its name.
    pub name: String,
    /// The API server.
    pub server: Option<String>,
    /// The CAs that are embedded.
    pub authorities: Vec<Content>,
    /// The file that holds them otherwise.
    pub authority_file: Option<String>,
    /// What of it cannot be read.
    pub problem: Option<Fault>,
}

/// A user of a kubeconfig: how it authenticates, never with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShownUser {
    /// Its name.
    pub name: String,
    /// The client certificates that are embedded.
    pub certificates: Vec<Content>,
    /// The key that is embedded.
    pub keys: Vec<Content>,
    /// The files that hold them otherwise.
    pub files: Vec<String>,
    /// Its other credentials, by their field names: `token`, `exec`.
    pub credentials: Vec<String>,
    /// What of it cannot be read.
    pub problem: Option<Fault>,
}

/// Everything that the bytes hold.
///
/// # Errors
/// The fault of what cannot be read, or that there is nothing known in it.
pub fn contents(bytes: &[u8]) -> Result<Vec<Content>, Fault> {
    if pem::has_broken_block(bytes) {
        return Err(X509Error::Damaged { reason: "a PEM block is cut off or not base64".into() }.fault());
    }
    let blocks = pem::blocks(bytes).map(|block| of_block(&block)).collect::<Result<Vec<_>, _>>()?;
    if !blocks.is_empty() {
        return Ok(blocks.into_iter().flatten().collect());
    }
    match Format::of(bytes, Wanted::Certificate) {
        Some(Format::Kubeconfig) => kubeconfig(bytes).map(|one| vec![one]),
        Some(Format::DerCertificate) => certificate(bytes).map(|one| vec![one]),
        Some(Format::DerRequest) => request(bytes).map(|one| vec![one]),
        Some(Format::DerPkcs7) => pkcs7(bytes),
        Some(Format::DerEncryptedKey) => Ok(vec![Content::EncryptedPrivateKey]),
        Some(Format::DerPrivateKey) => private_key(bytes).map(|one| vec![one]),
        Some(Format::DerPublicKey) => public(bytes).map(|one| vec![one]),
        Some(format) => Err(X509Error::OtherFormat { format, wanted: Wanted::Certificate }.fault()),
        None => Err(X509Error::NoCertificate.fault()),
    }
}

fn of_block(block: &pem::Block<'_>) -> Result<Vec<Content>, Fault> {
    let der = block.der.expose();
    match block.label {
        "CERTIFICATE" | "X509 CERTIFICATE" => certificate(der).map(|one| vec![one]),
        // openssl puts its own data behind the certificate.
        "TRUSTED CERTIFICATE" => certificate(der).map(|one| vec![one]),
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => request(der).map(|one| vec![one]),
        "PKCS7" | "CMS" => pkcs7(der),
        "ENCRYPTED PRIVATE KEY" => Ok(vec![Content::EncryptedPrivateKey]),
        label if label.ends_with("PRIVATE KEY") && block.has_headers => Ok(vec![Content::EncryptedPrivateKey]),
        "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "PRIVATE KEY" => {
            let key = PrivateKey::from_pem(pem::encode(block.label, der).expose());
            key.map(|key| vec![of_key(&key)]).map_err(|error| error.fault())
        }
        "PUBLIC KEY" => public(der).map(|one| vec![one]),
        label => Ok(vec![Content::OtherBlock { label: label.to_owned(), bytes: der.len() }]),
    }
}

fn certificate(der: &[u8]) -> Result<Content, Fault> {
    let description = describe_certificate(der).map_err(|error| error.fault())?;
    Ok(Content::Certificate { kubeadm_name: kubeadm_name(&description), description: Box::new(description) })
}

fn request(der: &[u8]) -> Result<Content, Fault> {
    let description = describe_request(der).map_err(|error| error.fault())?;
    Ok(Content::Request { kubeadm_name: kubeadm_name(&description), description: Box::new(description) })
}

fn pkcs7(der: &[u8]) -> Result<Vec<Content>, Fault> {
    pkcs7_certificates(der).map_err(|error| error.fault())?.iter().map(|one| certificate(one)).collect()
}

/// A key in DER, which says nothing of its form: the first that it can be read as.
fn private_key(der: &[u8]) -> Result<Content, Fault> {
    let as_label = |label: &str| PrivateKey::from_pem(pem::encode(label, der).expose());
    let key = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"].into_iter().find_map(|label| as_label(label).ok());
    key.map(|key| of_key(&key)).ok_or_else(|| KeyError::Damaged.fault())
}

fn of_key(key: &PrivateKey) -> Content {
    Content::PrivateKey { key: key.kind(), public_key_sha256: sha256_hex(key.public_key_info()) }
}

fn public(der: &[u8]) -> Result<Content, Fault> {
    let (key, public_key_sha256) = public_key(der).map_err(|error| error.fault())?;
    Ok(Content::PublicKey { key, public_key_sha256 })
}

/// The row whose certificates have this subject on each node.
fn kubeadm_name(description: &Description) -> Option<String> {
    let common_name = description.common_name.as_deref()?;
    if common_name.starts_with(SYSTEM_NODE) {
        return Some(format!("a kubelet's ({common_name})"));
    }
    let row = catalogue::ROWS.iter().find(|row| row.common_name.fixed() == Some(common_name))?;
    Some(row.name.to_owned())
}

fn kubeconfig(bytes: &[u8]) -> Result<Content, Fault> {
    let kubeconfig = Kubeconfig::parse(bytes).map_err(|error| error.fault())?;
    let embedded = |data: Option<Vec<u8>>| data.map(|data| contents(&data)).transpose().map(Option::unwrap_or_default);
    let cluster = |name: &str| {
        let read = kubeconfig.cluster(name).map_err(|error| error.fault());
        let read = read.and_then(|cluster| Ok((cluster.server, cluster.authority_file, embedded(cluster.authority)?)));
        let (server, authority_file, authorities, problem) = match read {
            Ok((server, file, authorities)) => (server, file, authorities, None),
            Err(fault) => (None, None, Vec::new(), Some(fault)),
        };
        ShownCluster { name: name.to_owned(), server, authorities, authority_file, problem }
    };
    let user = |name: &str| {
        let shown = ShownUser {
            name: name.to_owned(),
            certificates: Vec::new(),
            keys: Vec::new(),
            files: Vec::new(),
            credentials: Vec::new(),
            problem: None,
        };
        let read = kubeconfig.user(name).map_err(|error| error.fault());
        read.and_then(|user| {
            Ok(ShownUser {
                certificates: embedded(user.certificate)?,
                keys: user.key.map(|key| contents(key.expose())).transpose()?.unwrap_or_default(),
                files: user.files,
                credentials: user.credentials,
                ..shown.clone()
            })
        })
        .unwrap_or_else(|fault| ShownUser { problem: Some(fault), ..shown })
    };
    Ok(Content::Kubeconfig {
        current_context: kubeconfig.current_context().to_owned(),
        contexts: kubeconfig.context_names().into_iter().map(str::to_owned).collect(),
        clusters: kubeconfig.cluster_names().into_iter().map(cluster).collect(),
        users: kubeconfig.user_names().into_iter().map(user).collect(),
    })
}
