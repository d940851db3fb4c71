//! What is wrong with something on disk, as a value.
//!
//! In: nothing. Out: [`Finding`]. A bad certificate is never an error of the program: all findings are collected,
//! and the caller decides what they mean. Evidence holds names, times and fingerprints, never key material.

mod code;
mod remedy;
mod request;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Serialize};

pub use code::FindingCode;
pub use remedy::Remedy;
pub(crate) use remedy::Settled;
pub use request::RequestFault;

use crate::error::{Code, Declared as _, Evidence, Fault};
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
    #[serde(deserialize_with = "known")]
    pub code: Code,
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
    /// How far that is settled, while it is judged.
    #[serde(skip)]
    pub(crate) settled: Settled,
}

/// A file name may be any bytes, and JSON holds only text.
#[allow(clippy::ref_option)] // what serde hands over
fn lossy<S: serde::Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_ref().map(|path| path.to_string_lossy()).serialize(serializer)
}

impl Finding {
    /// A finding about no file, as bad as it usually is.
    #[must_use]
    pub fn about(code: FindingCode, subject: &str, evidence: impl Into<String>, remedy: impl Into<Remedy>) -> Self {
        let Remedy { text: remedy, settled } = remedy.into();
        Self {
            code: code.code(),
            severity: code.severity(),
            subject: subject.to_owned(),
            path: None,
            evidence: evidence.into(),
            remedy,
            settled,
        }
    }

    /// The same about a file.
    #[must_use]
    pub fn new(
        code: FindingCode,
        subject: &str,
        path: &Path,
        evidence: impl Into<String>,
        remedy: impl Into<Remedy>,
    ) -> Self {
        Self { path: Some(path.to_owned()), ..Self::about(code, subject, evidence, remedy) }
    }

    /// What makes a file unusable.
    #[must_use]
    pub fn unusable(subject: &str, path: &Path, fault: Fault) -> Self {
        debug_assert!(FindingCode::known(fault.code.as_str()).is_some(), "{} is no code of a finding", fault.code);
        Self {
            code: fault.code,
            severity: Severity::Critical,
            subject: subject.to_owned(),
            path: Some(path.to_owned()),
            evidence: fault.message,
            remedy: fault.hint,
            settled: Settled::Open,
        }
    }

    /// The same, worse or less bad than usual.
    #[must_use]
    pub fn as_bad_as(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// Puts another remedy in the place of its own.
    pub fn set_remedy(&mut self, remedy: impl Into<Remedy>) {
        let Remedy { text, settled } = remedy.into();
        (self.remedy, self.settled) = (text, settled);
    }

    /// Whether a plan with it must not be applied.
    #[must_use]
    pub fn is_critical(&self) -> bool {
        self.severity == Severity::Critical
    }
}

impl Evidence for Finding {
    fn evidence(&self) -> serde_json::Value {
        serde_json::json!(self)
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

/// The code that a text names, of all that a finding can have.
fn known<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Code, D::Error> {
    let text = String::deserialize(deserializer)?;
    FindingCode::known(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is not the code of a finding")))
}

/// Collects findings, each once, about one subject and file after the other.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    pub(super) subject: String,
    pub(super) path: Option<PathBuf>,
    list: Vec<Finding>,
}

impl Findings {
    /// Starts with what the first findings are about.
    #[must_use]
    pub fn on(subject: &str) -> Self {
        Self { subject: subject.to_owned(), ..Self::default() }
    }

    /// The file that the next findings are about.
    pub fn at(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.path = Some(path.into());
        self
    }

    /// A finding, as bad as it usually is.
    pub fn add(&mut self, code: FindingCode, evidence: impl Into<String>, remedy: impl Into<Remedy>) {
        self.add_as(code.severity(), code, evidence, remedy);
    }

    /// A finding that is worse here than usual, or less bad.
    pub fn add_as(
        &mut self,
        severity: Severity,
        code: impl Into<Code>,
        evidence: impl Into<String>,
        remedy: impl Into<Remedy>,
    ) {
        let Remedy { text: remedy, settled } = remedy.into();
        self.push(Finding {
            code: code.into(),
            severity,
            subject: self.subject.clone(),
            path: self.path.clone(),
            evidence: evidence.into(),
            remedy,
            settled,
        });
    }

    /// What makes a file unusable.
    pub fn add_fault(&mut self, fault: Fault) {
        self.add_as(Severity::Critical, fault.code, fault.message, fault.hint);
    }

    /// A finding that was made elsewhere. One file may hold both the certificate and the key, and is noted once.
    pub fn push(&mut self, finding: Finding) {
        if !self.list.contains(&finding) {
            self.list.push(finding);
        }
    }

    /// All of them, in the order in which they were found.
    #[must_use]
    pub fn into_vec(self) -> Vec<Finding> {
        self.list
    }
}

/// Findings can be looked at and changed in place as a list.
impl std::ops::Deref for Findings {
    type Target = Vec<Finding>;

    fn deref(&self) -> &Vec<Finding> {
        &self.list
    }
}

impl std::ops::DerefMut for Findings {
    fn deref_mut(&mut self) -> &mut Vec<Finding> {
        &mut self.list
    }
}
