//! Reading certificates from anywhere: files of one or many, thousands at once.
//!
//! In: paths. Out: for each its certificates, or why it cannot be read. On all cores.

use std::path::{Path, PathBuf};
use std::thread;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::node::content_of;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::x509::{Certificate, read_certificates};

/// One certificate that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeenCertificate {
    /// kubeadm's name, or the file's.
    pub name: String,
    /// The file that holds it.
    pub path: PathBuf,
    /// Its subject (RFC 4514).
    pub subject: String,
    /// Its issuer (RFC 4514).
    pub issuer: String,
    /// Its serial number in hexadecimal.
    pub serial: String,
    /// Its first moment.
    pub not_before: DateTime<Utc>,
    /// Its last moment.
    pub not_after: DateTime<Utc>,
    /// What is left, in whole seconds; negative when it has expired.
    pub residual_seconds: i64,
    /// Its key, as `RSA-2048`.
    pub key: String,
    /// Its alternative names, as `DNS:localhost`.
    pub subject_alt_names: Vec<String>,
    /// Whether it is a CA's.
    pub is_ca: bool,
}

impl SeenCertificate {
    /// What can be said of `certificate` at `now`.
    #[must_use]
    pub fn of(name: &str, path: &Path, certificate: &Certificate, now: DateTime<Utc>) -> Self {
        Self {
            name: name.to_owned(),
            path: path.to_owned(),
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: certificate.serial().to_string(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            residual_seconds: (certificate.not_after() - now).num_seconds(),
            key: certificate.key_kind().to_owned(),
            subject_alt_names: certificate.subject_alt_names().iter().map(ToString::to_string).collect(),
            is_ca: certificate.is_ca(),
        }
    }
}

/// What one file held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertificateFile {
    /// The file.
    pub path: PathBuf,
    /// Its certificates in its order; empty when it cannot be used.
    pub certificates: Vec<SeenCertificate>,
    /// Why it cannot be used.
    pub problem: Option<FileProblem>,
}

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileProblem {
    /// The stable code: `store.*`, `x509.*` or `pem.*`.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl From<&Error> for FileProblem {
    fn from(error: &Error) -> Self {
        Self { code: error.code().to_owned(), message: error.to_string(), hint: error.hint() }
    }
}

/// Reads the certificates of each file; the answers are in the order of `paths`.
///
/// # Errors
/// `rootfs` is no directory. A file that cannot be used is an answer, not an error.
pub fn read(paths: &[PathBuf], rootfs: Option<PathBuf>, now: DateTime<Utc>) -> Result<Vec<CertificateFile>> {
    let store = Store::new(rootfs)?;
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let share = paths.len().div_ceil(workers).max(1);
    Ok(thread::scope(|scope| {
        let store = &store;
        let parts: Vec<_> = paths
            .chunks(share)
            .map(|part| scope.spawn(move || part.iter().map(|path| read_one(store, path, now)).collect::<Vec<_>>()))
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect()
    }))
}

fn read_one(store: &Store, path: &Path, now: DateTime<Utc>) -> CertificateFile {
    let tree = store.read([path]);
    let read = content_of(&tree, path).and_then(|content| Ok(read_certificates(&content)?));
    let name = path.display().to_string();
    let (certificates, problem) = match &read {
        Ok(all) => (all.iter().map(|one| SeenCertificate::of(&name, path, one, now)).collect(), None),
        Err(error) => (Vec::new(), Some(FileProblem::from(error))),
    };
    CertificateFile { path: path.to_owned(), certificates, problem }
}
