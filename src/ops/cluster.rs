//! The cluster's API server, as the operations ask it: typed objects and whole lists.
//!
//! In: how it is reached. Out: [`Api`]. Credentials are the kubeconfig's current context, or the pod's service account.
//!
//! | part | what it holds |
//! |---|---|
//! | this file | objects read, made, changed and deleted |
//! | `approval` | a signing request that is approved or denied |
//! | `credentials` | which kubeconfig, and whether it may be used |
//! | `configuration` | kubeadm's configuration, as the cluster has it |

mod approval;
mod configuration;
mod credentials;

pub use approval::Answered;
pub(super) use configuration::configuration_text;
pub use configuration::read_configuration;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::edge::cluster::{Cluster, ClusterError, Event, Verb, WatchEnd};
use crate::error::{Error, Result};
use crate::objects::{self, List, Metadata, Object, Pod, escaped, path};
use crate::request::ClusterAccess;

/// So many objects are asked for at once.
const PART: usize = 500;

/// No list is read further than this.
const MOST_OBJECTS: usize = 100_000;

/// A cluster that can be asked.
pub struct Api<'t>(Cluster<'t>);

/// All objects of a kind, and the moment that they are of.
pub struct Listed<T> {
    /// The objects.
    pub items: Vec<T>,
    /// From which state on a watch follows.
    pub resource_version: String,
}

/// The kubeconfigs of the node that may be used without being named; none below a root directory: whoever wrote that disk could
/// name a server, and a program to run.
#[must_use]
pub fn own_kubeconfigs(rootfs: Option<&Path>, folder: &Path, names: &[&str]) -> Vec<PathBuf> {
    let is_elsewhere = rootfs.is_some_and(|rootfs| rootfs != Path::new("/"));
    if is_elsewhere { Vec::new() } else { names.iter().map(|name| folder.join(name)).collect() }
}

/// Whether the same question may be answered a little later.
pub(super) fn is_passing(error: &Error) -> bool {
    [ClusterError::UNREACHABLE, ClusterError::TIMEOUT, ClusterError::FAILED].contains(&error.code())
}

impl<'t> Api<'t> {
    /// Takes up the credentials, where none are named those of `own` ([`own_kubeconfigs`]); nothing is asked yet. `tell` is asked
    /// twenty times a second whether to go on.
    ///
    /// # Errors
    /// No credentials, or none that can be used ([`ClusterError`]).
    pub fn open(access: &ClusterAccess, own: &[PathBuf], tell: &'t mut dyn FnMut() -> ControlFlow<()>) -> Result<Self> {
        let credentials = credentials::find(access, own)?;
        Ok(Self(Cluster::connect(&credentials, access.timeout()?, tell)?))
    }

    /// Where it is.
    #[must_use]
    pub fn server(&self) -> &str {
        self.0.server()
    }

    /// The object.
    ///
    /// # Errors
    /// [`ClusterError`]; [`ClusterError::NotFound`] when it is not there.
    pub fn get<T: Object>(&mut self, namespace: Option<&str>, name: &str) -> Result<T, ClusterError> {
        self.ask(&path::<T>(namespace, Some(name)), &Verb::Get)
    }

    /// The object, or none.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub fn find<T: Object>(&mut self, namespace: Option<&str>, name: &str) -> Result<Option<T>, ClusterError> {
        match self.get(namespace, name) {
            Err(ClusterError::NotFound { .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    /// All objects of the kind; `selector` is the query's, as `fieldSelector=spec.signerName=…`, with its value escaped.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub fn list<T: Object>(&mut self, namespace: Option<&str>, selector: &str) -> Result<Listed<T>, ClusterError> {
        let place = path::<T>(namespace, None);
        let (mut items, mut next, mut size) = (Vec::new(), String::new(), PART);
        loop {
            let query = format!("{place}?limit={size}&continue={}&{selector}", escaped(&next));
            let part: List<T> = match self.ask(query.trim_end_matches('&'), &Verb::Get) {
                // Somebody has made large ones.
                Err(ClusterError::TooLarge { .. }) if size > 1 => {
                    size /= 2;
                    continue;
                }
                answer => answer?,
            };
            items.extend(part.items);
            next = part.metadata.next;
            if next.is_empty() {
                return Ok(Listed { items, resource_version: part.metadata.resource_version });
            }
            // A part of a list is never taken for the whole.
            if items.len() >= MOST_OBJECTS {
                return Err(ClusterError::TooLarge {
                    server: self.server().to_owned(),
                    what: place,
                    limit: MOST_OBJECTS,
                });
            }
        }
    }

    /// Tells `see` of each object of the kind that changes after a list, for at most `timeout`.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub fn watch<T: Object>(
        &mut self,
        namespace: Option<&str>,
        selector: &str,
        resource_version: &str,
        timeout: Duration,
        see: &mut dyn FnMut(T) -> ControlFlow<()>,
    ) -> Result<WatchEnd, ClusterError> {
        let version = escaped(resource_version);
        let seconds = timeout.as_secs().max(1);
        let place = path::<T>(namespace, None);
        let query = format!("{place}?watch=1&resourceVersion={version}&timeoutSeconds={seconds}&{selector}");
        self.0.watch(query.trim_end_matches('&'), timeout, &mut |event| match event {
            // One that cannot be read is not this client's to judge.
            Event::Is(object) => serde_json::from_value(object).map_or(ControlFlow::Continue(()), &mut *see),
            Event::Gone(_) => ControlFlow::Continue(()),
        })
    }

    /// Makes the object.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub fn create<T: Object>(&mut self, object: &T) -> Result<T, ClusterError> {
        let namespace = Some(object.metadata().namespace.as_str()).filter(|namespace| !namespace.is_empty());
        let value = self.json(object)?;
        self.ask(&path::<T>(namespace, None), &Verb::Create(value))
    }

    /// Writes the object as it is now, or a part of it (`status`, `approval`); it must not have changed meanwhile.
    ///
    /// # Errors
    /// [`ClusterError`]; [`ClusterError::Conflict`] when it has.
    pub fn replace<T: Object>(&mut self, object: &T, part: Option<&str>) -> Result<T, ClusterError> {
        let metadata = object.metadata();
        let namespace = Some(metadata.namespace.as_str()).filter(|namespace| !namespace.is_empty());
        let mut place = path::<T>(namespace, Some(&metadata.name));
        if let Some(part) = part {
            place = format!("{place}/{part}");
        }
        let value = self.json(object)?;
        self.ask(&place, &Verb::Replace(value))
    }

    /// Deletes the object; one that is gone already is no error.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub fn delete<T: Object>(&mut self, namespace: Option<&str>, name: &str) -> Result<(), ClusterError> {
        match self.0.ask(&path::<T>(namespace, Some(name)), &Verb::Delete) {
            Err(ClusterError::NotFound { .. }) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Whether the API server is ready to serve.
    ///
    /// # Errors
    /// [`ClusterError`]: it is not, and what it says.
    pub fn is_ready(&mut self) -> Result<(), ClusterError> {
        self.0.check("/readyz")
    }

    /// What is at a path whose version is not known beforehand; none where the server has no such API.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub fn read<R: serde::de::DeserializeOwned>(&mut self, place: &str) -> Result<Option<R>, ClusterError> {
        match self.ask(place, &Verb::Get) {
            Err(ClusterError::NotFound { .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    /// Lets a pod end as its disruption budget allows; one that is gone, or is another by now, is no error. A budget that does not
    /// allow it yet is asked again as long as a request may take.
    ///
    /// # Errors
    /// [`ClusterError`]; [`ClusterError::Timeout`] with the budget's words.
    pub fn evict(&mut self, pod: &Pod) -> Result<(), ClusterError> {
        let Metadata { name, namespace, uid, .. } = &pod.metadata;
        let place = format!("{}/eviction", path::<Pod>(Some(namespace), Some(name)));
        let eviction = serde_json::json!({
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": { "name": name, "namespace": namespace },
            "deleteOptions": { "preconditions": { "uid": uid } },
        });
        match self.0.ask(&place, &Verb::Create(eviction)) {
            Err(ClusterError::NotFound { .. } | ClusterError::Conflict { .. }) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Whether it is to be broken off; unlike all else here it may be asked while another client works.
    pub fn is_interrupted(&mut self) -> bool {
        self.0.is_interrupted()
    }

    /// Waits.
    ///
    /// # Errors
    /// [`ClusterError::Interrupted`].
    pub fn pause(&mut self, pause: Duration) -> Result<(), ClusterError> {
        self.0.pause(pause)
    }

    fn ask<R: serde::de::DeserializeOwned>(&mut self, place: &str, verb: &Verb) -> Result<R, ClusterError> {
        let answer = self.0.ask(place, verb)?;
        serde_json::from_value(answer).map_err(|error| self.bad_answer(place, &error))
    }

    fn json<T: Object>(&self, object: &T) -> Result<serde_json::Value, ClusterError> {
        objects::to_json(object).map_err(|error| self.bad_answer(T::PLURAL, &error))
    }

    fn bad_answer(&self, place: &str, error: &serde_json::Error) -> ClusterError {
        ClusterError::BadAnswer { server: self.server().to_owned(), what: place.to_owned(), reason: error.to_string() }
    }
}
