//! What holds on to a CA that goes: listed for whoever owns it; pods are restarted where that is wanted.
//!
//! In: the API, the CAs, a moment. Out: [`Affected`]; a [`RestartedPod`] for each pod. Pods end by eviction, as their disruption
//! budgets allow.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::edge::cluster::ClusterError;
use crate::error::Result;
use crate::objects::{
    ApiService, CustomResourceDefinition, MutatingWebhookConfiguration, Object, Pod, Secret,
    ValidatingWebhookConfiguration, Webhook, escaped,
};
use crate::ops::cluster::Api;
use crate::ops::keys::Continue;
use crate::plan::rotate::affected::{Affected, Bundle, pod, stays_by_hand, token};
use crate::plan::rotate::objects::ClusterTrust;
use crate::x509::Certificate;

/// Between two looks at a pod that ends.
const PAUSE: Duration = Duration::from_millis(500);

/// What became of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartedPod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Why it was left; none when it has ended, and something makes it anew.
    pub left: Option<String>,
}

/// What holds a CA, or a service-account key, that goes, and does not follow by itself: CA bundles, lasting tokens, and pods that started
/// `before`.
///
/// # Errors
/// [`ClusterError`].
pub fn affected(
    api: &mut Api<'_>,
    wanted: &ClusterTrust,
    (goes, keys): (&[Certificate], &[String]),
    before: Option<DateTime<Utc>>,
) -> Result<Vec<Affected>> {
    let mut all = if goes.is_empty() { Vec::new() } else { bundles(api, goes)? };
    let authority = if goes.is_empty() { &[] } else { wanted.authority.as_slice() };
    if !authority.is_empty() || !keys.is_empty() {
        let selector = format!("fieldSelector={}", escaped("type=kubernetes.io/service-account-token"));
        let secrets = all_of::<Secret>(api, &selector)?;
        all.extend(secrets.iter().filter_map(|secret| token(secret, authority, keys)));
    }
    if let Some(before) = before.filter(|_| !goes.is_empty()) {
        all.extend(all_of::<Pod>(api, "")?.iter().filter_map(|one| pod(one, before)));
    }
    Ok(all)
}

fn bundles(api: &mut Api<'_>, goes: &[Certificate]) -> Result<Vec<Affected>> {
    let mut all = Vec::new();
    for one in all_of::<MutatingWebhookConfiguration>(api, "")? {
        all.extend(webhooks(&one, &one.webhooks, goes));
    }
    for one in all_of::<ValidatingWebhookConfiguration>(api, "")? {
        all.extend(webhooks(&one, &one.webhooks, goes));
    }
    for one in all_of::<ApiService>(api, "")? {
        all.extend(Bundle::of(&one, None, one.spec.ca_bundle.as_ref()).judge(goes));
    }
    for one in all_of::<CustomResourceDefinition>(api, "")? {
        let webhook = one.spec.conversion.as_ref().and_then(|conversion| conversion.webhook.as_ref());
        let bundle = webhook.and_then(|webhook| webhook.client_config.ca_bundle.as_ref());
        all.extend(Bundle::of(&one, Some("its conversion"), bundle).judge(goes));
    }
    Ok(all)
}

fn webhooks<T: Object>(of: &T, all: &[Webhook], goes: &[Certificate]) -> Vec<Affected> {
    let judged = |one: &Webhook| Bundle::of(of, Some(&one.name), one.client_config.ca_bundle.as_ref()).judge(goes);
    all.iter().filter_map(judged).collect()
}

/// All objects of a kind; none where the cluster does not have it.
fn all_of<T: Object>(api: &mut Api<'_>, selector: &str) -> Result<Vec<T>, ClusterError> {
    match api.list::<T>(None, selector) {
        Err(ClusterError::NotFound { .. }) => Ok(Vec::new()),
        other => other.map(|listed| listed.items),
    }
}

/// Restarts every pod that started `before`, one after the other: it is evicted, and waited for until it is gone. A disruption budget
/// that does not allow it is asked again until the time of this pod is up; what is left then says why.
///
/// # Errors
/// [`ClusterError`]; the wait was broken off.
pub fn restart_pods(
    api: &mut Api<'_>,
    before: DateTime<Utc>,
    timeout: Duration,
    progress: &mut dyn FnMut(&RestartedPod) -> Continue,
) -> Result<Vec<RestartedPod>> {
    let mut all = Vec::new();
    for one in all_of::<Pod>(api, "")?.into_iter().filter(|one| pod(one, before).is_some()) {
        let left = match stays_by_hand(&one) {
            Some(reason) => Some(reason),
            None => ended(api, &one, timeout)?,
        };
        let done = RestartedPod { namespace: one.metadata.namespace, name: one.metadata.name, left };
        if progress(&done) == Continue::No {
            return Err(ClusterError::Interrupted { server: api.server().to_owned() }.into());
        }
        all.push(done);
    }
    Ok(all)
}

/// Evicts a pod, and waits until it is gone; why it is not.
fn ended(api: &mut Api<'_>, pod: &Pod, timeout: Duration) -> Result<Option<String>, ClusterError> {
    let since = Instant::now();
    let mut said = "the time was up before it could be evicted".to_owned();
    loop {
        if since.elapsed() >= timeout {
            return Ok(Some(said));
        }
        match api.evict(pod) {
            Ok(()) => break,
            // A budget does not allow it yet.
            Err(ClusterError::Timeout { what, .. }) => said = what,
            Err(error @ ClusterError::Refused { .. }) => return Ok(Some(error.to_string())),
            Err(error) => return Err(error),
        }
    }
    let (namespace, name) = (pod.metadata.namespace.as_str(), pod.metadata.name.as_str());
    loop {
        let there: Option<Pod> = api.find(Some(namespace), name)?;
        if there.is_none_or(|there| there.metadata.uid != pod.metadata.uid) {
            return Ok(None);
        }
        if since.elapsed() >= timeout {
            return Ok(Some("it was evicted, and has not ended yet".into()));
        }
        api.pause(PAUSE)?;
    }
}
