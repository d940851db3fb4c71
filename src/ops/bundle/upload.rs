//! `kubepki bundle upload` and `bundle download`: the Secret of `kubeadm init --upload-certs`, into a cluster and out of it.
//!
//! In: a sealed [`Manifest`], the cluster. Out: an [`Upload`], which kubeadm's `join --certificate-key` reads. The Secret belongs to
//! a bootstrap token that can do nothing but end, and goes with it: nobody has to remember to delete it.
//!
//! Source: kubeadm `phases/copycerts/copycerts.go` (`UploadCerts`, `createShortLivedBootstrapToken`, `createRBAC`,
//! `DownloadCerts`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::cluster::Api;
use crate::bundle::{BundleError, Manifest, SECRET_NAME};
use crate::certificate_key::CertificateKeyError;
use crate::edge::cluster::ClusterError;
use crate::entropy;
use crate::error::Result;
use crate::objects::{KUBE_SYSTEM, Metadata, Object, OwnerReference, Role, RoleBinding, Secret, to_json};

/// The characters of a bootstrap token.
const CHARACTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// What was made in the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// The API server.
    pub server: String,
    /// The Secret, as `NAMESPACE/NAME`.
    pub secret: String,
    /// When the cluster removes it.
    pub expires_at: DateTime<Utc>,
    /// Whether it replaced one that was there.
    pub has_replaced: bool,
}

/// Uploads the Secret, with what lets joining nodes read it. It is removed after `time_to_live`.
///
/// # Errors
/// [`ClusterError`]. The token is deleted then, and with it what it owns; where that fails too, it ends in its time.
pub fn upload(api: &mut Api<'_>, manifest: &Manifest, time_to_live: TimeDelta, now: DateTime<Utc>) -> Result<Upload> {
    let expires_at = now + time_to_live;
    let documents = manifest.documents(true);
    let [mut secret, role, binding]: [Value; 3] =
        documents.into_iter().map(Value::Object).collect::<Vec<_>>().try_into().unwrap_or_default();
    let owner = api.create(&token(expires_at)?)?;
    let uploaded = (|| -> Result<bool> {
        secret["metadata"]["ownerReferences"] = serde_json::to_value([owned_by(&owner)]).unwrap_or_default();
        let has_replaced = put::<Secret>(api, &secret)?;
        put::<Role>(api, &role)?;
        put::<RoleBinding>(api, &binding)?;
        Ok(has_replaced)
    })();
    let has_replaced = uploaded.inspect_err(|_| {
        // The Secret goes with it.
        if let Err(error) = api.delete::<Secret>(Some(KUBE_SYSTEM), &owner.metadata.name) {
            log::warn!("{} is left, and ends at {expires_at}: {error}", owner.metadata.name);
        }
    })?;
    let secret = format!("{KUBE_SYSTEM}/{SECRET_NAME}");
    Ok(Upload { server: api.server().to_owned(), secret, expires_at, has_replaced })
}

/// The Secret that is in the cluster, as text that [`plan_import`](super::plan_import) reads.
///
/// # Errors
/// [`BundleError::NotUploaded`], [`ClusterError`].
pub fn download(api: &mut Api<'_>) -> Result<crate::secret::Secret> {
    let secret = api.find::<Secret>(Some(KUBE_SYSTEM), SECRET_NAME)?.ok_or(BundleError::NotUploaded)?;
    let json = to_json(&secret).map_err(|error| BundleError::Unreadable { problem: error.to_string() })?;
    Ok(crate::secret::Secret::new(json.to_string().into_bytes()))
}

/// A bootstrap token without a use: the cluster removes it in time, and what belongs to it.
fn token(expires_at: DateTime<Utc>) -> Result<Secret> {
    let (id, secret) = (characters(6)?, characters(16)?);
    let expiration = expires_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let data = [
        ("description", "Proxy for managing TTL for the kubeadm-certs secret"),
        ("expiration", expiration.as_str()),
        ("token-id", id.as_str()),
        ("token-secret", secret.as_str()),
    ];
    Ok(Secret {
        metadata: Metadata {
            name: format!("bootstrap-token-{id}"),
            namespace: KUBE_SYSTEM.into(),
            ..Metadata::default()
        },
        data: data.map(|(name, value)| (name.to_owned(), STANDARD.encode(value).into())).into(),
        kind: "bootstrap.kubernetes.io/token".into(),
        ..Secret::default()
    })
}

/// So many letters and digits, each as likely as another.
fn characters(count: usize) -> Result<String> {
    let mut made = String::with_capacity(count);
    while made.len() < count {
        let mut byte = [0];
        let failed = |_| CertificateKeyError::Library { operation: "make a token" };
        entropy::fill(&mut byte).map_err(failed)?;
        // 252 is the last multiple of 36 in a byte.
        if let (Some(character), 0..252) = (CHARACTERS.get(usize::from(byte[0]) % CHARACTERS.len()), byte[0]) {
            made.push(char::from(*character));
        }
    }
    Ok(made)
}

fn owned_by(owner: &Secret) -> OwnerReference {
    OwnerReference {
        api_version: Secret::API_VERSION.into(),
        kind: Secret::KIND.into(),
        name: owner.metadata.name.clone(),
        uid: owner.metadata.uid.clone(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// Makes the object, or replaces the one of its name as a whole; whether one was there.
fn put<T: Object>(api: &mut Api<'_>, document: &Value) -> Result<bool> {
    let wanted: T = read(document)?;
    match api.create(&wanted) {
        Err(ClusterError::AlreadyExists { .. }) => {}
        made => return Ok(made.map(|_| false)?),
    }
    // Without a version it is replaced whatever it has become.
    api.replace(&wanted, None)?;
    Ok(true)
}

fn read<T: DeserializeOwned>(document: &Value) -> Result<T> {
    let unreadable = |error: serde_json::Error| BundleError::Unreadable { problem: error.to_string() };
    Ok(T::deserialize(document).map_err(unreadable)?)
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    #[test]
    fn the_token_is_one_that_nobody_can_use() {
        let made = token(Utc.with_ymd_and_hms(2026, 11, 27, 12, 0, 0).unwrap()).unwrap();
        let text = |name: &str| String::from_utf8(STANDARD.decode(made.data[name].as_bytes()).unwrap()).unwrap();
        assert_eq!(made.metadata.name, format!("bootstrap-token-{}", text("token-id")));
        assert_eq!((text("token-id").len(), text("token-secret").len()), (6, 16));
        assert_eq!(text("expiration"), "2026-11-27T12:00:00Z");
        // Neither a use nor a group: no `usage-bootstrap-authentication`, no `auth-extra-groups`.
        assert_eq!(made.data.len(), 4);
        assert_ne!(characters(16).unwrap(), characters(16).unwrap());
    }
}
