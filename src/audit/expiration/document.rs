//! The structured output of the report, from which its text is made too.
//!
//! In: rows and a moment, or the output that was kept. Out: text, JSON and YAML.
//!
//! Source: `output.kubeadm.k8s.io/v1alpha3`.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize, Serializer};

use super::{Row, RowState, json, table};
use crate::error::Code;
use crate::yaml::{self, Mapping, Node};

/// What the report says at one moment; the order of the fields is the order of the JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// What it is.
    pub(super) kind: DocumentKind,
    /// The version of its fields.
    pub(super) api_version: ApiVersion,
    /// The certificates.
    pub certificates: Vec<Entry>,
    /// The certificate authorities.
    pub certificate_authorities: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum DocumentKind {
    CertificateExpirationInfo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ApiVersion {
    #[serde(rename = "output.kubeadm.k8s.io/v1alpha3")]
    V1Alpha3,
}

/// One certificate, or one certificate authority, at that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// kubeadm's name, as `apiserver-etcd-client`.
    pub name: String,
    /// The end of its validity; `None` unless it can be read.
    #[serde(serialize_with = "rfc3339")]
    pub expiration_date: Option<DateTime<Utc>>,
    /// The whole seconds that are left; 0 without an end.
    pub residual_time: i64,
    /// Whether its authority's key is elsewhere.
    pub externally_managed: bool,
    /// The name of its authority; `None` for an authority, and for what is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_name: Option<String>,
    /// Whether its file is not there.
    pub missing: bool,
    /// Why it has no end although its file is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Unusable>,
}

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unusable {
    /// Which error it is.
    pub code: Code,
    /// What is wrong.
    pub message: String,
}

impl Document {
    /// The two tables that kubeadm prints by default.
    #[must_use]
    pub fn to_text(&self) -> String {
        table::render(self)
    }

    /// The output of `-o json`, indented by four, one line break at the end.
    #[must_use]
    pub fn to_json(&self) -> String {
        json::render(self)
    }

    /// The output of `-o yaml`.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let list = |rows: &[Entry]| rows.iter().map(|row| Node::from(row.to_mapping())).collect::<Node>();
        let word = |value: serde_json::Result<serde_json::Value>| {
            Node::text(value.ok().as_ref().and_then(serde_json::Value::as_str).unwrap_or_default())
        };
        let root = Mapping::from([
            ("apiVersion", word(serde_json::to_value(self.api_version))),
            ("certificateAuthorities", list(&self.certificate_authorities)),
            ("certificates", list(&self.certificates)),
            ("kind", word(serde_json::to_value(self.kind))),
        ]);
        yaml::write(&root).to_string()
    }
}

impl Entry {
    pub(super) fn of(row: &Row, now: DateTime<Utc>) -> Self {
        let error = match &row.state {
            RowState::Broken(fault) => Some(Unusable { code: fault.code, message: fault.message.clone() }),
            RowState::Present | RowState::Missing => None,
        };
        Self {
            name: row.name.clone(),
            expiration_date: row.expires_at,
            residual_time: row.residual_seconds(now).unwrap_or(0),
            externally_managed: row.externally_managed && !row.is_missing(),
            ca_name: row.ca_name.clone().filter(|_| !row.is_missing()),
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
            ("name", Node::text(&self.name)),
            ("residualTime", Node::plain(self.residual_time)),
        ]);
        if let Some(ca_name) = &self.ca_name {
            mapping.set("caName", Node::text(ca_name));
        }
        if let Some(Unusable { code, message }) = &self.error {
            let problem = Mapping::from([("code", Node::text(code.as_str())), ("message", Node::text(message))]);
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
