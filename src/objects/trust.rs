//! Objects with CAs that clients verify a server with: webhooks, aggregated APIs, conversions of own kinds, trust bundles.
//!
//! Source: `admissionregistration.k8s.io/v1`, `apiregistration.k8s.io/v1`, `apiextensions.k8s.io/v1`,
//! `certificates.k8s.io/v1beta1` (`ClusterTrustBundle`).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Metadata, object};

/// Webhooks that change objects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MutatingWebhookConfiguration {
    /// Name and version.
    pub metadata: Metadata,
    /// The webhooks.
    pub webhooks: Vec<Webhook>,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

object!(MutatingWebhookConfiguration = "MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", namespaced: false);

/// Webhooks that judge objects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ValidatingWebhookConfiguration {
    /// Name and version.
    pub metadata: Metadata,
    /// The webhooks.
    pub webhooks: Vec<Webhook>,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

object!(ValidatingWebhookConfiguration = "ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", namespaced: false);

/// One webhook.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Webhook {
    /// Its name.
    pub name: String,
    /// How it is reached.
    pub client_config: Verified,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// How the API server reaches a server, and by which CA it knows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Verified {
    /// The CAs in PEM, in base64; none: those of the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<String>,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A version of an API that another server has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApiService {
    /// Name and version.
    pub metadata: Metadata,
    /// How it is reached.
    pub spec: Verified,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

object!(ApiService = "APIService", "apiregistration.k8s.io/v1", "apiservices", namespaced: false);

/// A kind of objects that the cluster's users have made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CustomResourceDefinition {
    /// Name and version.
    pub metadata: Metadata,
    /// What it is.
    pub spec: CustomResourceSpec,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

object!(CustomResourceDefinition = "CustomResourceDefinition", "apiextensions.k8s.io/v1", "customresourcedefinitions", namespaced: false);

/// What a kind of objects is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CustomResourceSpec {
    /// How its versions are converted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversion: Option<Conversion>,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// How versions of a kind are converted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conversion {
    /// The server that converts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<ConversionWebhook>,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A server that converts objects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConversionWebhook {
    /// How it is reached.
    pub client_config: Verified,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// CAs that a signer hands out. Clusters have it in one of several versions, or not at all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterTrustBundle {
    /// Name and version.
    pub metadata: Metadata,
    /// What it holds.
    pub spec: ClusterTrustBundleSpec,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// What a trust bundle holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClusterTrustBundleSpec {
    /// Whose CAs they are.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub signer_name: String,
    /// The CAs in PEM.
    pub trust_bundle: String,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// What a group of the API has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApiResources {
    /// The kinds of one version.
    pub resources: Vec<ApiResource>,
}

/// One kind of objects, as a version of the API has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApiResource {
    /// The word in paths.
    pub name: String,
}
