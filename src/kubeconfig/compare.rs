//! How an existing kubeconfig differs from the wanted one.
//!
//! In: the existing bytes, the CAs and the server that are wanted, and a way to the file that a
//! `certificate-authority` path names. Out: every [`Mismatch`]; none means that kubeadm would keep the file
//! in silence. The names of contexts, clusters and users, and the user's certificate, are not compared. It
//! decides nothing: kubeadm stops at every mismatch but the server's, which it warns of.
//!
//! Source: kubeadm `phases/kubeconfig` `validateKubeConfig`.

use x509_parser::pem::Pem;

use super::Kubeconfig;
use super::error::KubeconfigError;
use super::view::CurrentCluster;
use crate::digest::sha256_hex;
use crate::error::faults;
use crate::text::without_password;

faults! {
    /// One way in which an existing kubeconfig differs from the wanted one.
    #[derive(Clone, PartialEq, Eq)]
    pub enum Mismatch or Unusable(KubeconfigError) {
        /// Its cluster has no CA: `kubepki kubeconfig embed NAME`.
        #[error("the cluster {cluster:?} of the kubeconfig has no certificate authority")]
        #[fault("kubeconfig.no_certificate_authority", Finding,
            "embed the cluster's CA, or move the file away and make it again")]
        NoCertificateAuthority {
            /// The cluster of the current context.
            cluster: String,
        },
        /// The CA file that it names cannot be read; make it readable, or `kubepki kubeconfig embed NAME`.
        #[error("the certificate authority {path} of the cluster {cluster:?} cannot be read")]
        #[fault("kubeconfig.unreadable_certificate_authority", Finding,
            format!("make {path} readable, or embed the CA"))]
        UnreadableCertificateAuthority {
            /// The cluster of the current context.
            cluster: String,
            /// The path, as the kubeconfig has it.
            path: String,
        },
        /// What it has for a CA is no PEM certificate: `kubepki kubeconfig embed NAME`.
        #[error("the certificate authority of the cluster {cluster:?} is not a PEM certificate")]
        #[fault("kubeconfig.invalid_certificate_authority", Finding,
            "embed the cluster's CA, or move the file away and make it again")]
        InvalidCertificateAuthority {
            /// The cluster of the current context.
            cluster: String,
            /// The path, if the CA came from a file.
            path: Option<String>,
        },
        /// It trusts another CA than `ca.crt`: `kubepki kubeconfig embed NAME`.
        #[error("the cluster {cluster:?} of the kubeconfig trusts another certificate authority")]
        #[fault("kubeconfig.other_certificate_authority" as OTHER_CERTIFICATE_AUTHORITY, Finding,
            "embed the cluster's CA, or move the file away and make it again")]
        OtherCertificateAuthority {
            /// The cluster of the current context.
            cluster: String,
            /// The SHA-256 of its first CA certificate, in lower-case hexadecimal.
            found_sha256: String,
            /// The SHA-256 of every wanted one.
            expected_sha256: Vec<String>,
        },
        /// A warning: it leads to another server than the configuration's; kubeadm keeps it too. Nothing need be done if it is
        /// a load balancer.
        #[error("the kubeconfig leads to {:?}, not to {expected:?}", without_password(found))]
        #[fault("kubeconfig.other_server" as OTHER_SERVER, Finding,
            format!("set server to {expected}, unless the other address is meant"))]
        OtherServer {
            /// The URL that is there; empty if there is none.
            found: String,
            /// The URL that is wanted.
            expected: String,
        },
    }
}

/// Compares an existing kubeconfig with what is wanted, and says all that differs.
///
/// Every certificate of every text in `expected_ca_pems` counts as wanted: kubeadm gives the first of `ca.crt`,
/// and in external-CA mode the whole bundle. `read` is asked for the file that a `certificate-authority` path
/// names, if there is no CA data; `None` says that it cannot be read.
#[must_use]
pub fn compare(
    existing: &Kubeconfig,
    expected_ca_pems: &[&[u8]],
    expected_server: &str,
    read: impl FnOnce(&str) -> Option<Vec<u8>>,
) -> Vec<Mismatch> {
    let current = match CurrentCluster::of(&existing.root) {
        Ok(current) => current,
        Err(error) => return vec![Mismatch::Unusable(error)],
    };
    let server = current.server.unwrap_or_default();
    let other_server = (server != expected_server)
        .then(|| Mismatch::OtherServer { found: server.to_owned(), expected: expected_server.to_owned() });
    compare_authority(&current, expected_ca_pems, read).into_iter().chain(other_server).collect()
}

fn compare_authority(
    current: &CurrentCluster<'_>,
    expected_ca_pems: &[&[u8]],
    read: impl FnOnce(&str) -> Option<Vec<u8>>,
) -> Option<Mismatch> {
    let cluster = current.cluster.name.to_owned();
    let (pem, path) = match (&current.certificate_authority_data, current.certificate_authority) {
        (Some(data), _) => (data.clone(), None),
        (None, None) => return Some(Mismatch::NoCertificateAuthority { cluster }),
        (None, Some(path)) => match read(path) {
            Some(content) => (content, Some(path.to_owned())),
            None => return Some(Mismatch::UnreadableCertificateAuthority { cluster, path: path.to_owned() }),
        },
    };
    let Some(found) = certificates(&pem).and_then(|certificates| certificates.into_iter().next()) else {
        return Some(Mismatch::InvalidCertificateAuthority { cluster, path });
    };
    let expected: Vec<_> = expected_ca_pems.iter().filter_map(|pem| certificates(pem)).flatten().collect();
    if expected.contains(&found) {
        return None;
    }
    let expected_sha256 = expected.iter().map(|der| sha256_hex(der)).collect();
    Some(Mismatch::OtherCertificateAuthority { cluster, found_sha256: sha256_hex(&found), expected_sha256 })
}

/// The DER of every certificate in a PEM text, at least one; `None` when there is none or one is broken.
fn certificates(pem: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut certificates = Vec::new();
    for block in Pem::iter_from_buffer(pem.trim_ascii()) {
        let block = block.ok()?;
        if block.label == "CERTIFICATE" {
            block.parse_x509().ok()?;
            certificates.push(block.contents);
        }
    }
    (!certificates.is_empty()).then_some(certificates)
}
