//! The report of `kubeadm certs check-expiration`, as text, JSON and YAML.
//!
//! In: [`Row`]s, one a certificate, and `now`. Out: the text that kubeadm prints for them, byte for byte. Beyond
//! kubeadm, which then fails the whole command, a certificate that cannot be used is a row that says why. It
//! judges no certificate and reads no file.
//!
//! Source: kubeadm `cmd/certs.go`, `output.kubeadm.k8s.io/v1alpha3`.

mod document;
mod json;
mod residual;
mod table;

use chrono::{DateTime, Utc};

use document::{ApiVersion, DocumentKind};
pub use document::{Document, Entry};
pub use residual::residual_time;

use crate::error::Fault;

/// How a certificate was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowState {
    /// It is there.
    Present,
    /// Its file is not there.
    Missing,
    /// Its file is there and cannot be used.
    Broken(Fault),
}

/// One certificate, or one certificate authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// kubeadm's name, as `apiserver-etcd-client`.
    pub name: String,
    /// The end of its validity (`notAfter`); `None` unless it is present.
    pub expires_at: Option<DateTime<Utc>>,
    /// The name of its certificate authority; `None` for authorities.
    pub ca_name: Option<String>,
    /// Whether its authority's key is elsewhere, so that it cannot be renewed here.
    pub externally_managed: bool,
    /// How it was found.
    pub state: RowState,
}

/// Go's `time.Duration` counts nanoseconds in 64 bits: a longer time is cut off there, some 292 years.
const LONGEST_SECONDS: i64 = i64::MAX / 1_000_000_000;

impl Row {
    /// The whole seconds that are left, negative after the end; `None` without an end.
    #[must_use]
    pub fn residual_seconds(&self, now: DateTime<Utc>) -> Option<i64> {
        self.expires_at.map(|end| end.signed_duration_since(now).num_seconds().clamp(-LONGEST_SECONDS, LONGEST_SECONDS))
    }

    fn is_missing(&self) -> bool {
        self.state == RowState::Missing
    }
}

/// The certificates and the authorities of a node, each in byte order of their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpirationReport {
    certificates: Vec<Row>,
    certificate_authorities: Vec<Row>,
}

impl ExpirationReport {
    /// A report; the rows are sorted.
    #[must_use]
    pub fn new(mut certificates: Vec<Row>, mut certificate_authorities: Vec<Row>) -> Self {
        certificates.sort_by(|one, other| one.name.cmp(&other.name));
        certificate_authorities.sort_by(|one, other| one.name.cmp(&other.name));
        Self { certificates, certificate_authorities }
    }

    /// The rows of the certificates.
    #[must_use]
    pub fn certificates(&self) -> &[Row] {
        &self.certificates
    }

    /// The rows of the certificate authorities.
    #[must_use]
    pub fn certificate_authorities(&self) -> &[Row] {
        &self.certificate_authorities
    }

    /// The two tables that kubeadm prints by default.
    #[must_use]
    pub fn to_text(&self, now: DateTime<Utc>) -> String {
        self.at(now).to_text()
    }

    /// The output of `-o json`, indented by four, one line break at the end.
    #[must_use]
    pub fn to_json(&self, now: DateTime<Utc>) -> String {
        self.at(now).to_json()
    }

    /// The output of `-o yaml`.
    #[must_use]
    pub fn to_yaml(&self, now: DateTime<Utc>) -> String {
        self.at(now).to_yaml()
    }

    /// What it says at a moment.
    #[must_use]
    pub fn at(&self, now: DateTime<Utc>) -> Document {
        let entries = |rows: &[Row]| rows.iter().map(|row| Entry::of(row, now)).collect();
        Document {
            kind: DocumentKind::CertificateExpirationInfo,
            api_version: ApiVersion::V1Alpha3,
            certificates: entries(&self.certificates),
            certificate_authorities: entries(&self.certificate_authorities),
        }
    }
}
#[cfg(test)]
mod tests;
