//! The report of `kubeadm certs check-expiration`, as text, JSON and YAML.
//!
//! In: [`Row`]s, one a certificate, and `now`. Out: the text that kubeadm prints for them, byte for byte. Beyond
//! kubeadm, which then fails the whole command, a certificate that cannot be used is a row that says why. It
//! judges no certificate and reads no file.
//!
//! Source: kubeadm `cmd/certs.go`, `output.kubeadm.k8s.io/v1alpha3`.

mod json;
mod residual;
mod table;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

pub use residual::residual_time;

use crate::error::{Code, Fault};
use crate::yaml::{self, Mapping, Node};

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
        table::render(self, now)
    }

    /// The output of `-o json`, indented by four, one line break at the end.
    #[must_use]
    pub fn to_json(&self, now: DateTime<Utc>) -> String {
        json::render(&self.document(now))
    }

    /// The output of `-o yaml`.
    #[must_use]
    pub fn to_yaml(&self, now: DateTime<Utc>) -> String {
        let document = self.document(now);
        let list = |rows: &[Entry<'_>]| rows.iter().map(|row| Node::from(row.to_mapping())).collect::<Node>();
        let root = Mapping::from([
            ("apiVersion", Node::text(document.api_version)),
            ("certificateAuthorities", list(&document.certificate_authorities)),
            ("certificates", list(&document.certificates)),
            ("kind", Node::text(document.kind)),
        ]);
        yaml::write(&root).to_string()
    }

    fn document(&self, now: DateTime<Utc>) -> Document<'_> {
        Document {
            kind: "CertificateExpirationInfo",
            api_version: "output.kubeadm.k8s.io/v1alpha3",
            certificates: self.certificates.iter().map(|row| Entry::of(row, now)).collect(),
            certificate_authorities: self.certificate_authorities.iter().map(|row| Entry::of(row, now)).collect(),
        }
    }
}

/// The structured output; the order of the fields is the order of the JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    kind: &'static str,
    api_version: &'static str,
    certificates: Vec<Entry<'a>>,
    certificate_authorities: Vec<Entry<'a>>,
}

/// One row of the structured output.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    name: &'a str,
    #[serde(serialize_with = "rfc3339")]
    expiration_date: Option<DateTime<Utc>>,
    residual_time: i64,
    externally_managed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_name: Option<&'a str>,
    missing: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem<'a>>,
}

/// Why a row has no expiry although its file is there.
#[derive(Serialize)]
struct Problem<'a> {
    code: Code,
    message: &'a str,
}

impl<'a> Entry<'a> {
    fn of(row: &'a Row, now: DateTime<Utc>) -> Self {
        let error = match &row.state {
            RowState::Broken(fault) => Some(Problem { code: fault.code, message: &fault.message }),
            RowState::Present | RowState::Missing => None,
        };
        Self {
            name: &row.name,
            expiration_date: row.expires_at,
            residual_time: row.residual_seconds(now).unwrap_or(0),
            externally_managed: row.externally_managed && !row.is_missing(),
            ca_name: row.ca_name.as_deref().filter(|_| !row.is_missing()),
            missing: row.is_missing(),
            error,
        }
    }

    /// The keys in alphabetical order, but for `error`, which is ours and comes last as in JSON.
    fn to_mapping(&self) -> Mapping {
        let mut mapping = Mapping::from([
            ("expirationDate", self.expiration_date.map_or_else(Node::null, |end| Node::text(date(end)))),
            ("externallyManaged", Node::plain(self.externally_managed)),
            ("missing", Node::plain(self.missing)),
            ("name", Node::text(self.name)),
            ("residualTime", Node::plain(self.residual_time)),
        ]);
        if let Some(ca_name) = self.ca_name {
            mapping.set("caName", Node::text(ca_name));
        }
        if let Some(Problem { code, message }) = &self.error {
            let problem = Mapping::from([("code", Node::text(code.as_str())), ("message", Node::text(*message))]);
            mapping.push("error", problem.into());
        }
        mapping
    }
}

fn date(end: DateTime<Utc>) -> String {
    end.to_rfc3339_opts(SecondsFormat::Secs, true)
}

// The signature is serde's.
#[allow(clippy::ref_option)]
fn rfc3339<S: Serializer>(end: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match end {
        Some(end) => serializer.serialize_str(&date(*end)),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests;
