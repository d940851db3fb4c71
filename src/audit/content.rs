//! What is in a file, whatever it is: certificates, requests, keys, kubeconfigs, in PEM, DER or PKCS#7.
//!
//! In: bytes. Out: [`Content`]s, plain data without private parts. It judges nothing, and decrypts nothing.

use std::path::Path;

use serde::Serialize;

use crate::catalogue::{self, SYSTEM_NODE};
use crate::digest::sha256_hex;
use crate::error::{Diagnostic as _, Fault};
use crate::key::format::{Format, Wanted};
use crate::key::{KeyError, PrivateKey, pem};
use crate::kubeconfig::{Kubeconfig, KubeconfigError};
use crate::text::without_password;
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
    /// The API server, without a name and password in its URL.
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

/// Everything that the bytes hold, which `file` has, and the first fault of what cannot be read, or that nothing known is in them.
#[must_use]
pub fn contents(bytes: &[u8], file: &Path) -> (Vec<Content>, Option<Fault>) {
    let (mut found, mut problem) = (Vec::new(), None);
    let mut note = |read: Result<Vec<Content>, Fault>| match read {
        Ok(more) => found.extend(more),
        Err(fault) => {
            problem.get_or_insert(fault);
        }
    };
    let mut has_blocks = false;
    for block in pem::blocks(bytes) {
        has_blocks = true;
        note(of_block(&block, file));
    }
    if pem::has_broken_block(bytes) {
        note(Err(X509Error::Damaged { reason: "a PEM block is cut off or not base64".into() }.fault_at(file)));
    } else if !has_blocks {
        note(whole(bytes, file));
    }
    (found, problem)
}

/// A file that is no PEM.
fn whole(bytes: &[u8], file: &Path) -> Result<Vec<Content>, Fault> {
    let one = |read: Result<Content, Fault>| read.map(|one| vec![one]);
    match Format::of(bytes, Wanted::Certificate) {
        Some(Format::Kubeconfig) => one(kubeconfig(bytes, file)),
        Some(Format::DerCertificate) => one(certificate(bytes, file)),
        Some(Format::DerRequest) => one(request(bytes, file)),
        Some(Format::DerPkcs7) => pkcs7(bytes, file),
        Some(Format::DerEncryptedKey) => Ok(vec![Content::EncryptedPrivateKey]),
        Some(Format::DerPrivateKey) => one(private_key(bytes, file)),
        Some(Format::DerPublicKey) => one(public(bytes, file)),
        Some(format) => Err(X509Error::OtherFormat { format, wanted: Wanted::Certificate }.fault_at(file)),
        None => Err(nothing(bytes, file)),
    }
}

/// There is nothing in it that is known here.
fn nothing(bytes: &[u8], file: &Path) -> Fault {
    let message = match bytes.trim_ascii() {
        [] => "the file is empty",
        _ => "it holds no certificate, signing request, key or kubeconfig",
    };
    let hint = "give a file in PEM, DER or PKCS#7, or a kubeconfig";
    Fault { message: message.to_owned(), hint: hint.to_owned(), ..X509Error::NoCertificate.fault_at(file) }
}

fn of_block(block: &pem::Block<'_>, file: &Path) -> Result<Vec<Content>, Fault> {
    let der = block.der.expose();
    match block.label {
        "CERTIFICATE" | "X509 CERTIFICATE" => certificate(der, file).map(|one| vec![one]),
        // openssl puts its own data behind the certificate.
        "TRUSTED CERTIFICATE" => certificate(der, file).map(|one| vec![one]),
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => request(der, file).map(|one| vec![one]),
        "PKCS7" | "CMS" => pkcs7(der, file),
        "ENCRYPTED PRIVATE KEY" => Ok(vec![Content::EncryptedPrivateKey]),
        label if label.ends_with("PRIVATE KEY") && block.has_headers => Ok(vec![Content::EncryptedPrivateKey]),
        "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "PRIVATE KEY" => {
            let key = PrivateKey::from_pem(pem::encode(block.label, der).expose());
            key.map(|key| vec![of_key(&key)]).map_err(|error| error.fault_at(file))
        }
        "PUBLIC KEY" => public(der, file).map(|one| vec![one]),
        label => Ok(vec![Content::OtherBlock { label: label.to_owned(), bytes: der.len() }]),
    }
}

fn certificate(der: &[u8], file: &Path) -> Result<Content, Fault> {
    let description = describe_certificate(der).map_err(|error| error.fault_at(file))?;
    Ok(Content::Certificate { kubeadm_name: kubeadm_name(&description), description: Box::new(description) })
}

fn request(der: &[u8], file: &Path) -> Result<Content, Fault> {
    let description = describe_request(der).map_err(|error| error.fault_at(file))?;
    Ok(Content::Request { kubeadm_name: kubeadm_name(&description), description: Box::new(description) })
}

fn pkcs7(der: &[u8], file: &Path) -> Result<Vec<Content>, Fault> {
    pkcs7_certificates(der).map_err(|error| error.fault_at(file))?.iter().map(|one| certificate(one, file)).collect()
}

/// A key in DER, which says nothing of its form: the first that it can be read as.
fn private_key(der: &[u8], file: &Path) -> Result<Content, Fault> {
    let as_label = |label: &str| PrivateKey::from_pem(pem::encode(label, der).expose());
    let key = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"].into_iter().find_map(|label| as_label(label).ok());
    key.map(|key| of_key(&key)).ok_or_else(|| KeyError::Damaged.fault_at(file))
}

fn of_key(key: &PrivateKey) -> Content {
    Content::PrivateKey { key: key.kind(), public_key_sha256: sha256_hex(key.public_key_info()) }
}

fn public(der: &[u8], file: &Path) -> Result<Content, Fault> {
    let (key, public_key_sha256) = public_key(der).map_err(|error| error.fault_at(file))?;
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

fn kubeconfig(bytes: &[u8], file: &Path) -> Result<Content, Fault> {
    let kubeconfig = Kubeconfig::parse(bytes).map_err(|error| error.fault_at(file))?;
    // What is embedded is in no file that a command could name.
    let embedded = |data: &[u8]| contents(data, Path::new("FILE"));
    let cluster = |name: &str| {
        let (read, fault) = or_fault(kubeconfig.cluster(name), file);
        let (authorities, problem) = read.certificate_authority_data.as_deref().map(embedded).unwrap_or_default();
        ShownCluster {
            name: name.to_owned(),
            server: read.server.map(|url| without_password(url).into_owned()),
            authorities,
            authority_file: read.certificate_authority.map(str::to_owned),
            problem: fault.or(problem),
        }
    };
    let user = |name: &str| {
        let (read, fault) = or_fault(kubeconfig.user(name), file);
        let (certificates, problem) = read.client_certificate_data.as_deref().map(embedded).unwrap_or_default();
        let (keys, of_key) = read.client_key_data.map(|key| embedded(key.expose())).unwrap_or_default();
        let files = [read.client_certificate, read.client_key, read.token_file];
        let credentials = read.token.map(|_| "token").into_iter().chain(read.other_credentials);
        ShownUser {
            name: name.to_owned(),
            certificates,
            keys,
            files: files.into_iter().flatten().map(str::to_owned).collect(),
            credentials: credentials.map(str::to_owned).collect(),
            problem: fault.or(problem).or(of_key),
        }
    };
    Ok(Content::Kubeconfig {
        current_context: kubeconfig.current_context().to_owned(),
        contexts: kubeconfig.context_names().into_iter().map(str::to_owned).collect(),
        clusters: kubeconfig.cluster_names().into_iter().map(cluster).collect(),
        users: kubeconfig.user_names().into_iter().map(user).collect(),
    })
}

/// What was read, or nothing and why.
fn or_fault<T: Default>(read: Result<T, KubeconfigError>, file: &Path) -> (T, Option<Fault>) {
    read.map_or_else(|error| (T::default(), Some(error.fault_at(file))), |read| (read, None))
}
