//! What was seen of an object, for whoever looks later.
//!
//! Source: core `v1` `Event`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Metadata, object};

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Event {
    /// Name and version.
    pub metadata: Metadata,
    /// The object.
    pub involved_object: ObjectReference,
    /// One word.
    pub reason: String,
    /// For people.
    pub message: String,
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it was seen first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_timestamp: Option<DateTime<Utc>>,
    /// When it was seen last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_timestamp: Option<DateTime<Utc>>,
    /// How often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// Who saw it, as `{"component": "kubepki"}`.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub source: Value,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

object!(Event = "Event", "v1", "events", namespaced: true);

/// The object that an event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ObjectReference {
    /// `apiVersion`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Which object of that name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
}
