//! What is wrong with something on disk, as a value.
//!
//! In: nothing. Out: [`Finding`]. A bad certificate is never an error of the program: all findings are collected,
//! and the caller decides what they mean. Evidence holds names, times and fingerprints, never key material.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::remedy::Caller;
use crate::text;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; nothing need be done.
    Info,
    /// It works, and should be looked at.
    Warning,
    /// It does not work, or soon will not. A plan with such a finding is not applied.
    Critical,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        })
    }
}

/// One thing that is not as it should be. `docs/reference/findings.md` lists the codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The stable dotted code.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about: kubeadm's name of the certificate, key or kubeconfig.
    pub subject: String,
    /// The file, where one is concerned; what is not UTF-8 in its name is replaced where it is serialised.
    #[serde(serialize_with = "lossy")]
    pub path: Option<PathBuf>,
    /// What was seen, against what was expected: one sentence.
    #[serde(serialize_with = "text::serialize")]
    pub evidence: String,
    /// What to do: one sentence.
    #[serde(serialize_with = "text::serialize")]
    pub remedy: String,
}

/// A file name may be any bytes, and JSON holds only text.
#[allow(clippy::ref_option)] // what serde hands over
fn lossy<S: serde::Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_ref().map(|path| path.to_string_lossy()).serialize(serializer)
}

/// The kinds of finding that judging certificates, keys and trees can yield; kubeconfigs and unreadable files
/// bring the codes of their own modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FindingCode {
    /// A file that must be there is not.
    FileMissing,
    /// A file in the place of one that is to be made.
    FileExists,
    /// A key or kubeconfig that others can read.
    FileModeTooWide,
    /// A key or kubeconfig that another user owns.
    FileOtherOwner,
    /// A folder of keys in which others can replace files.
    FolderOpen,
    /// A certificate whose validity is over.
    CertificateExpired,
    /// A certificate whose validity ends within a threshold.
    CertificateExpiresSoon,
    /// A certificate whose validity has not begun.
    CertificateNotYetValid,
    /// A certificate that its CA did not sign.
    CertificateUntrusted,
    /// A certificate that is valid for longer than its CA.
    CertificateOutlivesAuthority,
    /// A certificate without names that clients will look for.
    CertificateMissingNames,
    /// A certificate without a purpose that it is used for.
    CertificateMissingUsages,
    /// A certificate for another subject than kubeadm's.
    CertificateOtherSubject,
    /// A certificate that needs an access rule which the cluster may lack.
    CertificateNeedsBinding,
    /// A CA's certificate in the place of a leaf.
    CertificateIsAnAuthority,
    /// A certificate that is valid from before its CA on.
    CertificatePrecedesAuthority,
    /// A certificate that ends earlier than the one whose place it takes.
    CertificateEndsEarlier,
    /// A certificate without a name that is to be removed.
    CertificateNameAbsent,
    /// A certificate that already has a name that is to be added.
    CertificateNamePresent,
    /// A certificate whose names are not the configuration's.
    CertificateNamesDiffer,
    /// A certificate that was made for another node.
    CertificateOtherNode,
    /// A certificate file with a private key in it, where all may read it.
    CertificateHoldsKey,
    /// A CA file whose certificate may not sign.
    AuthorityNotAnAuthority,
    /// A CA whose own extended key usages lack what its certificates are used for.
    AuthorityUsages,
    /// A CA that vouches and is not the first of its file.
    AuthorityNotFirst,
    /// A CA that is missing while certificates that it signed are there.
    AuthorityMissing,
    /// A CA without key, and a file that only its owner can make.
    AuthorityExternalIncomplete,
    /// A CA without key.
    AuthorityExternal,
    /// A CA's key that something on this node still needs.
    AuthorityKeyNeeded,
    /// A private key that is not the certificate's.
    KeyMismatch,
    /// A request that is for another key than the certificate's.
    RequestOtherKey,
    /// A certificate that belongs to nothing on this node.
    ImportUnmatched,
    /// Several certificates for one place, or several leaves in one file.
    ImportAmbiguous,
    /// Certificates of a file that belong to no chain of its leaf.
    ImportLeftOut,
    /// A file that was to be removed and is still needed.
    CleanupStillNeeded,
    /// A kubeconfig whose user has no certificate that could be judged.
    KubeconfigNoCertificate,
    /// `sa.pub` is not the public half of `sa.key`.
    ServiceAccountMismatch,
    /// Both halves of `sa` were replaced under a running API server, and the old public one is not kept.
    ServiceAccountReplaced,
    /// A component that still uses an older file than the one on disk.
    ComponentOutdated,
    /// A component that would not start again with the files that it is told.
    ComponentWouldNotStart,
    /// A certificate that the cluster is asked for, and that nobody has approved.
    CertificatePending,
    /// A node that does not have what nodes share.
    SharedFileMissing,
    /// A node that has another file in the place of one that nodes share.
    SharedFileDiffers,
    /// Two things that nodes share and that have one key.
    SharedSameKey,
    /// A CA with the name of another one, or several whose names say nothing.
    SharedOtherName,
    /// A user's certificate that is valid for more than a year.
    UserLongValidity,
    /// A user of a group that may do everything.
    UserPrivileged,
    /// A user or a group with a name of Kubernetes' own.
    UserReservedName,
    /// A static-pod manifest that a restart which did not end has left outside.
    ManifestHeld,
    /// A static-pod manifest that is none.
    BadManifest,
    /// A change that was interrupted and waits for the run that ends it.
    InterruptedChange,
}

impl FindingCode {
    /// The stable dotted code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::FileMissing => "file.missing",
            Self::FileExists => "file.exists",
            Self::FileModeTooWide => "file.mode_too_wide",
            Self::FileOtherOwner => "file.other_owner",
            Self::FolderOpen => "folder.open",
            Self::CertificateExpired => "certificate.expired",
            Self::CertificateExpiresSoon => "certificate.expires_soon",
            Self::CertificateNotYetValid => "certificate.not_yet_valid",
            Self::CertificateUntrusted => "certificate.untrusted",
            Self::CertificateOutlivesAuthority => "certificate.outlives_authority",
            Self::CertificateMissingNames => "certificate.missing_names",
            Self::CertificateMissingUsages => "certificate.missing_usages",
            Self::CertificateOtherSubject => "certificate.other_subject",
            Self::CertificateNeedsBinding => "certificate.needs_binding",
            Self::CertificateIsAnAuthority => "certificate.is_an_authority",
            Self::CertificatePrecedesAuthority => "certificate.precedes_authority",
            Self::CertificateEndsEarlier => "certificate.ends_earlier",
            Self::CertificateNameAbsent => "certificate.name_absent",
            Self::CertificateNamePresent => "certificate.name_present",
            Self::CertificateNamesDiffer => "certificate.names_differ",
            Self::CertificateOtherNode => "certificate.other_node",
            Self::CertificateHoldsKey => "certificate.holds_key",
            Self::AuthorityNotAnAuthority => "authority.not_an_authority",
            Self::AuthorityUsages => "authority.missing_usages",
            Self::AuthorityNotFirst => "authority.not_the_first",
            Self::AuthorityMissing => "authority.missing",
            Self::AuthorityExternalIncomplete => "authority.external_incomplete",
            Self::AuthorityExternal => "authority.external",
            Self::AuthorityKeyNeeded => "authority.key_needed",
            Self::KeyMismatch => "key.mismatch",
            Self::RequestOtherKey => "request.other_key",
            Self::ImportUnmatched => "import.unmatched",
            Self::ImportAmbiguous => "import.ambiguous",
            Self::ImportLeftOut => "import.left_out",
            Self::CleanupStillNeeded => "cleanup.still_needed",
            Self::KubeconfigNoCertificate => "kubeconfig.no_certificate",
            Self::ServiceAccountMismatch => "service_account.mismatch",
            Self::ServiceAccountReplaced => "service_account.replaced",
            Self::ComponentOutdated => "component.outdated",
            Self::ComponentWouldNotStart => "component.would_not_start",
            Self::CertificatePending => "certificate.pending",
            Self::SharedFileMissing => "shared.missing",
            Self::SharedFileDiffers => "shared.differs",
            Self::SharedSameKey => "shared.same_key",
            Self::SharedOtherName => "shared.other_name",
            Self::UserLongValidity => "user.long_validity",
            Self::UserPrivileged => "user.privileged",
            Self::UserReservedName => "user.reserved_name",
            Self::ManifestHeld => "restart.manifest_held",
            Self::BadManifest => "restart.bad_manifest",
            Self::InterruptedChange => "store.interrupted_change",
        }
    }
}

impl Finding {
    /// Whether a plan with it must not be applied.
    #[must_use]
    pub fn is_critical(&self) -> bool {
        self.severity == Severity::Critical
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (subject, evidence) = (text::printable(&self.subject), text::printable(&self.evidence));
        write!(f, "{}: {subject}: {evidence} [{}]", self.severity, self.code)
    }
}

/// Completes the commands in the remedies of `findings` for those who asked: see [`crate::remedy`].
pub fn complete_remedies(findings: &mut [Finding], caller: &Caller) {
    for finding in findings {
        finding.remedy = caller.complete(&finding.remedy);
    }
}

/// Collects the findings about one subject and file.
pub(super) struct Notes<'a> {
    pub(super) subject: &'a str,
    pub(super) path: Option<PathBuf>,
    pub(super) findings: Vec<Finding>,
}

impl<'a> Notes<'a> {
    pub(super) fn about(subject: &'a str) -> Self {
        Self { subject, path: None, findings: Vec::new() }
    }

    /// The file that the next findings are about.
    pub(super) fn at(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.path = Some(path.into());
        self
    }

    pub(super) fn add(
        &mut self,
        code: FindingCode,
        severity: Severity,
        evidence: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add_coded(code.code(), severity, evidence, remedy);
    }

    /// A finding whose code another module gave.
    pub(super) fn add_coded(
        &mut self,
        code: &str,
        severity: Severity,
        evidence: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let finding = Finding {
            code: code.to_owned(),
            severity,
            subject: self.subject.to_owned(),
            path: self.path.clone(),
            evidence: evidence.into(),
            remedy: remedy.into(),
        };
        // One file may hold both the certificate and the key.
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}
