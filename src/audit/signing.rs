//! Whether the controller manager can start with the CA that it signs with.
//!
//! In: its flags, the files that they name. Out: a finding where it cannot: it comes up, says that it is well, becomes the leader and
//! ends.
//! Source: kubernetes `pkg/controller/certificates/signer/ca_provider.go` ("expected 1 certificate").

use std::path::{Path, PathBuf};

use super::{Finding, FindingCode, Severity};
use crate::component::{SIGNERS, StaticPod};
use crate::inventory::{Found, Part};
use crate::remedy::{command, file};
use crate::text::file_name;
use crate::tree::Tree;

/// Why `component` would not come up again with this certificate and key to sign with.
#[must_use]
pub fn judge_signing(
    component: &str,
    tree: &Tree,
    certificate: &Path,
    key: &Path,
    severity: Severity,
) -> Option<Finding> {
    let pair = Found::pair(tree, certificate.to_owned(), key.to_owned());
    let flags = "--cluster-signing-cert-file and --cluster-signing-key-file";
    let (path, why, remedy): (&Path, String, String) = match (&pair.certificates, &*pair.key) {
        (Part::Present(certificates), _) if certificates.len() > 1 => {
            let alone = PathBuf::from(certificate).with_file_name("ca-signing.crt");
            let words = ["openssl", "x509", "-in"].map(std::ffi::OsStr::new);
            let copy = command(words.into_iter().chain([certificate.as_os_str(), "-out".as_ref(), alone.as_os_str()]));
            (
                certificate,
                format!("{} holds {} certificates, and may hold one", file_name(certificate), certificates.len()),
                format!("give it the first one alone: {copy}, then name that file in its manifest ({flags})"),
            )
        }
        (Part::Missing | Part::Broken(_), _) => (
            certificate,
            format!("{} cannot be used", file_name(certificate)),
            format!("restore {}", file(certificate)),
        ),
        (_, Part::Missing) => (
            key,
            format!("{} is missing", file_name(key)),
            format!("restore it, or take {flags} out of its manifest where the CA's key is kept elsewhere"),
        ),
        (_, Part::Broken(_)) => (key, format!("{} cannot be used", file_name(key)), format!("restore {}", file(key))),
        (Part::Present(certificates), Part::Present(private)) => {
            let fits = certificates.first().is_some_and(|one| one.public_key_info() == private.public_key_info());
            if fits {
                return None;
            }
            let why = format!("{} is not the key of {}", file_name(key), file_name(certificate));
            (key, why, format!("restore the one of the two that is wrong, of {} and {}", file(certificate), file(key)))
        }
    };
    Some(
        Finding::new(
            FindingCode::ComponentWouldNotStart,
            component,
            path,
            format!("it would not come up again with what it is to sign with: {why}"),
            remedy,
        )
        .as_bad_as(severity),
    )
}

/// A controller manager with one pair for all signers and one for some: it ends as it becomes the leader.
#[must_use]
pub fn contradiction(manifest: &Path, pod: &StaticPod) -> Option<Finding> {
    let flag = |signer: &str, end: &str| format!("cluster-signing{signer}-{end}-file");
    let is_given = |signer: &str, end: &str| pod.flag(&flag(signer, end)).is_some_and(|value| !value.is_empty());
    let (all, some) = SIGNERS.split_first()?;
    let has_all = is_given(all, "cert") && is_given(all, "key");
    let own: Vec<_> = some
        .iter()
        .flat_map(|signer| ["cert", "key"].map(|end| (*signer, end)))
        .filter(|(signer, end)| is_given(signer, end))
        .map(|(signer, end)| format!("--{}", flag(signer, end)))
        .collect();
    let first = own.first().filter(|_| has_all)?;
    let finding = Finding::new(
        FindingCode::ComponentWouldNotStart,
        "kube-controller-manager",
        manifest,
        format!("it would not start again: it has a pair for all signers, and {first} too"),
        format!(
            "take the flags of one kind out of {}: a pair for each signer, or one for all, not both",
            manifest.display()
        ),
    );
    Some(finding.as_bad_as(Severity::Warning))
}
