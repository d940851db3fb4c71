//! The cluster's own objects during a rotation: what they are to say is written, and looked at.
//!
//! In: the API, the CAs by the files of a control-plane node. Out: what was changed; [`Gate`]s; what else holds on to a CA that goes.
//! [`crate::plan::rotate::objects`] judges.
//!
//! | part | what it holds |
//! |---|---|
//! | this file | objects written, gates |
//! | `holders` | what holds on to a CA that goes; pods that are restarted |

mod holders;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

pub use self::holders::{RestartedPod, affected, restart_pods};
use crate::catalogue::{CLUSTER_CA, FRONT_PROXY_CA, ROOT_CA_MAP};
use crate::clock::SystemClock;
use crate::edge::cluster::ClusterError;
use crate::error::Result;
use crate::objects::{ApiResources, ClusterTrustBundle, ConfigMap, KUBE_PUBLIC, KUBE_SYSTEM, List, Namespace, escaped};
use crate::ops::cluster::{Api, is_passing};
use crate::ops::keys::{Continue, Progress};
use crate::ops::settings::{Edit, Entry, KUBEADM_CONFIG};
use crate::ops::signer::{is_answer, issued};
use crate::plan::rotate::objects::{self, ChangedObject, ClusterTrust, Gate, GateName};
use crate::plan::setting::Setting;
use crate::policy::signer::Signer;
use crate::request::{ClusterAccess, Signing, Span};

/// What nodes that join learn the CAs from.
const CLUSTER_INFO: Entry = Entry { namespace: KUBE_PUBLIC, map: "cluster-info", key: "kubeconfig" };

/// What aggregated API servers learn from whose clients may come.
const CLIENT_TRUST: [&str; 2] = ["client-ca-file", "requestheader-client-ca-file"];

/// The signer of the API servers' certificates, for trust bundles alone.
const SERVING: &str = "kubernetes.io/kube-apiserver-serving";

/// The versions in which clusters have trust bundles, the newest first.
const BUNDLE_VERSIONS: [&str; 3] = ["v1", "v1beta1", "v1alpha1"];

/// How long a request may take to be signed.
const SIGNED_WITHIN: i64 = 20;

/// Between two looks at the gates, at first and at last.
const LOOKS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));

/// How the cluster is reached: the probe's request is deleted although the wait is broken off.
pub type Way<'w> = (&'w ClusterAccess, &'w [PathBuf]);

/// Whether the cluster's objects have certificates of one of these authorities.
#[must_use]
pub fn are_handed_out(names: &[&str]) -> bool {
    names.iter().any(|name| [CLUSTER_CA, FRONT_PROXY_CA].contains(name))
}

/// Writes what the cluster's objects are to say where they do not, and says which gate looks at each; with `dry_run` nothing is written.
/// An object that others change at the same time is read again.
///
/// # Errors
/// [`ClusterError`]; an object that cannot be changed in its one place.
pub fn write_objects(
    api: &mut Api<'_>,
    wanted: &ClusterTrust,
    dry_run: bool,
) -> Result<Vec<(GateName, ChangedObject)>> {
    let mut changed = Vec::new();
    for (Wanted { gate, entry, edit, .. }, setting) in due(api, wanted)? {
        if !dry_run {
            entry.write(api, &*edit)?;
        }
        changed.push((gate, ChangedObject { object: setting.place, says: setting.says }));
    }
    Ok(changed)
}

/// The objects that have other CAs of `names` than they are to have. One that was signed again with its key is the same one here.
///
/// # Errors
/// As [`write_objects`].
pub fn objects_behind(api: &mut Api<'_>, wanted: &ClusterTrust, names: &[&str]) -> Result<Vec<ChangedObject>> {
    let is_meant = |one: &Wanted<'_>, setting: &Setting| {
        names.contains(&one.authority) && objects::has_other_keys(one.gate, setting)
    };
    let behind = due(api, wanted)?.into_iter().filter(|(one, setting)| is_meant(one, setting));
    Ok(behind.map(|(_, setting)| ChangedObject { object: setting.place, says: setting.says }).collect())
}

/// What is to be written, and what it says now.
fn due<'w>(api: &mut Api<'_>, wanted: &'w ClusterTrust) -> Result<Vec<(Wanted<'w>, Setting)>> {
    let mut all = Vec::new();
    for one in edits(wanted) {
        if let Some(setting) = planned(api, one.entry, &*one.edit)?.filter(|setting| !setting.is_set()) {
            all.push((one, setting));
        }
    }
    Ok(all)
}

/// Looks at each gate; the signer's is asked for a certificate.
///
/// # Errors
/// [`ClusterError`] where the cluster cannot be asked; an object that cannot be read.
pub fn gates(api: &mut Api<'_>, way: Way<'_>, wanted: &ClusterTrust, now: DateTime<Utc>) -> Result<Vec<Gate>> {
    let mut all = seen(api, wanted)?;
    all.push(signer(api, way, wanted, now)?);
    Ok(all)
}

/// Looks at the gates until all are open or the time is up, and tells `progress` of them at each look. The answer has the closed gates
/// too. It makes its request only when the other gates are open.
///
/// # Errors
/// As [`gates`]; an API server that does not answer for a while is asked again until the time is up.
pub fn wait_for_gates(
    api: &mut Api<'_>,
    way: Way<'_>,
    wanted: &ClusterTrust,
    timeout: Duration,
    progress: &mut dyn FnMut(&[Gate]) -> Continue,
) -> Result<Vec<Gate>> {
    let since = Instant::now();
    let mut pause = LOOKS.0;
    loop {
        let is_late = since.elapsed() >= timeout;
        match look(api, way, wanted, is_late) {
            Ok(all) => {
                if is_late || all.iter().all(|gate| gate.is_open) {
                    return Ok(all);
                }
                if progress(&all) == Continue::No {
                    return Err(ClusterError::Interrupted { server: api.server().to_owned() }.into());
                }
            }
            Err(error) if is_late || !is_passing(&error) => return Err(error),
            Err(error) => log::warn!("{error}; asked again"),
        }
        api.pause(pause.min(timeout.saturating_sub(since.elapsed())))?;
        pause = (pause * 2).min(LOOKS.1);
    }
}

/// The gates; the signer's comes last, and only when the others are open, or at the end of the wait.
fn look(api: &mut Api<'_>, way: Way<'_>, wanted: &ClusterTrust, is_late: bool) -> Result<Vec<Gate>> {
    let mut all = seen(api, wanted)?;
    if is_late || all.iter().all(|gate| gate.is_open) {
        all.push(signer(api, way, wanted, SystemClock.now())?);
    }
    Ok(all)
}

type BoxedEdit<'w> = Box<Edit<'w>>;

/// What is written.
struct Wanted<'w> {
    /// The gate that looks at it.
    gate: GateName,
    /// Whose certificates it has.
    authority: &'static str,
    entry: Entry,
    edit: BoxedEdit<'w>,
}

fn edits(wanted: &ClusterTrust) -> Vec<Wanted<'_>> {
    let (keys, of) = (CLIENT_TRUST, [(CLUSTER_CA, &wanted.clients), (FRONT_PROXY_CA, &wanted.front_proxy)]);
    let trust = keys.into_iter().zip(of).map(|(key, (authority, certificates))| {
        let entry = Entry { namespace: KUBE_SYSTEM, map: "extension-apiserver-authentication", key };
        let edit: BoxedEdit<'_> =
            Box::new(move |place: &str, text: &str| Ok(objects::certificates(place, key, text, certificates)));
        Wanted { gate: GateName::ClientTrust, authority, entry, edit }
    });
    let info: BoxedEdit<'_> = Box::new(|place: &str, text: &str| objects::cluster_info(place, text, &wanted.authority));
    let config: BoxedEdit<'_> =
        Box::new(|place: &str, text: &str| objects::kubeadm_config(place, text, wanted.signing_file.as_deref()));
    let of_ca = |gate, entry, edit| Wanted { gate, authority: CLUSTER_CA, entry, edit };
    let mut all = vec![of_ca(GateName::ClusterInfo, CLUSTER_INFO, info)];
    all.extend(trust);
    all.push(of_ca(GateName::KubeadmConfig, KUBEADM_CONFIG, config));
    all
}

/// What the object says, and is to say; none where it is not there: some delete `cluster-info`, and not every cluster is kubeadm's.
fn planned(api: &mut Api<'_>, entry: Entry, edit: &Edit<'_>) -> Result<Option<Setting>> {
    match entry.plan(api, edit) {
        Err(error) if error.code() == ClusterError::NOT_FOUND => Ok(None),
        other => other.map(Some),
    }
}

/// All gates that only look.
fn seen(api: &mut Api<'_>, wanted: &ClusterTrust) -> Result<Vec<Gate>> {
    let ready = match api.is_ready() {
        Err(error @ ClusterError::Failed { .. }) => Err(error.to_string()),
        other => {
            other?;
            Ok(())
        }
    };
    let mut all = vec![objects::api_server(ready)];
    let mut said = Vec::new();
    for one in edits(wanted) {
        said.push((one.gate, planned(api, one.entry, &*one.edit)?));
    }
    for name in [GateName::ClusterInfo, GateName::ClientTrust, GateName::KubeadmConfig] {
        let settings: Vec<_> = said.iter().filter(|(of, _)| *of == name).map(|(_, setting)| setting.clone()).collect();
        all.push(objects::said(name, &settings));
    }
    if !wanted.authority.is_empty() {
        let namespaces = api.list::<Namespace>(None, "")?.items;
        let selector = format!("fieldSelector={}", escaped(&format!("metadata.name={}", ROOT_CA_MAP.0)));
        let maps = api.list::<ConfigMap>(None, &selector)?.items;
        all.push(objects::root_authority(&namespaces, &maps, &wanted.authority));
        all.push(objects::trust_bundles(bundles(api)?.as_deref(), &wanted.authority));
    }
    Ok(all)
}

/// The trust bundles for the API server; none where the cluster has no such objects.
fn bundles(api: &mut Api<'_>) -> Result<Option<Vec<ClusterTrustBundle>>> {
    for version in BUNDLE_VERSIONS {
        let group = format!("/apis/certificates.k8s.io/{version}");
        let known = api.read::<ApiResources>(&group)?.unwrap_or_default();
        if !known.resources.iter().any(|one| one.name == "clustertrustbundles") {
            continue;
        }
        let selector = escaped(&format!("spec.signerName={SERVING}"));
        let place = format!("{group}/clustertrustbundles?fieldSelector={selector}");
        return Ok(api.read::<List<ClusterTrustBundle>>(&place)?.map(|list| list.items));
    }
    Ok(None)
}

/// What the controller manager signs with; nothing is asked where no CA is known.
fn signer(api: &mut Api<'_>, way: Way<'_>, wanted: &ClusterTrust, now: DateTime<Utc>) -> Result<Gate> {
    if wanted.authority.is_empty() {
        return Ok(objects::signer(&Ok(&[]), &[], now));
    }
    let signing = Signing { approve: true, timeout: Some(Span::of_seconds(SIGNED_WITHIN)), ..Signing::default() };
    let mut progress = |_: &Progress| if api.is_interrupted() { Continue::No } else { Continue::Yes };
    let answer = issued(Signer::ApiServerClient, &signing, way, now, &mut progress);
    match answer {
        Ok(chain) => Ok(objects::signer(&Ok(&chain.unwrap_or_default()), &wanted.authority, now)),
        Err(error) if is_answer(&error) => Ok(objects::signer(&Err(error.to_string()), &wanted.authority, now)),
        Err(error) => Err(error),
    }
}
