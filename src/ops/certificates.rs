//! Reading certificates from anywhere: files of one or many, thousands at once.
//!
//! In: paths. Out: for each its certificates, or why it cannot be read. On all cores.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::node::content_of;
use crate::audit::SeenCertificate;
use crate::error::{Fault, Result};
use crate::store::Store;
use crate::workers;
use crate::x509::read_certificates;

/// Name and path of a certificate that is in no file, as programs call their standard input.
pub(super) const UNNAMED: &str = "-";

/// What one file held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFile {
    /// The file.
    pub path: PathBuf,
    /// Its certificates in its order; empty when it cannot be used.
    pub certificates: Vec<SeenCertificate>,
    /// Why it cannot be used.
    pub problem: Option<Fault>,
}

/// Reads the certificates of each file; the answers are in the order of `paths`.
///
/// # Errors
/// `rootfs` is no directory. A file that cannot be used is an answer, not an error.
pub fn read(paths: &[PathBuf], rootfs: Option<PathBuf>, now: DateTime<Utc>) -> Result<Vec<CertificateFile>> {
    let store = Store::new(rootfs)?;
    Ok(workers::map(paths, |path| read_one(&store, path, now)))
}

/// Reads the certificates of PEM text that is in no file; their name and path are `-`.
///
/// # Errors
/// There is no certificate, or one that cannot be read (`pem.*`, `x509.*`).
pub fn parse(content: &[u8], now: DateTime<Utc>) -> Result<Vec<SeenCertificate>> {
    let certificates = read_certificates(content)?;
    Ok(certificates.iter().map(|one| SeenCertificate::of(UNNAMED, Path::new(UNNAMED), one, now)).collect())
}

fn read_one(store: &Store, path: &Path, now: DateTime<Utc>) -> CertificateFile {
    let tree = store.read([path]);
    let read = content_of(&tree, path).and_then(|content| Ok(read_certificates(content.expose())?));
    let name = path.display().to_string();
    let (certificates, problem) = match read {
        Ok(all) => (all.iter().map(|one| SeenCertificate::of(&name, path, one, now)).collect(), None),
        Err(error) => (Vec::new(), Some(error.into())),
    };
    CertificateFile { path: path.to_owned(), certificates, problem }
}
