//! Objects that hold data: `ConfigMap`, `Secret`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{Metadata, object};

/// Texts by their names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfigMap {
    /// Name and version.
    pub metadata: Metadata,
    /// The texts.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, String>,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

object!(ConfigMap = "ConfigMap", "v1", "configmaps", namespaced: true);

/// Secret bytes by their names; `Debug` does not show them.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Secret {
    /// Name and version.
    pub metadata: Metadata,
    /// The bytes, in base64.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, Zeroizing<String>>,
    /// What they are for.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

object!(Secret = "Secret", "v1", "secrets", namespaced: true);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.data.keys().collect();
        f.debug_struct("Secret").field("name", &self.metadata.name).field("entries", &names).finish_non_exhaustive()
    }
}
