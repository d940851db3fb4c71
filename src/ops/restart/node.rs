//! The components of a node, as its manifests and its kubelet have them.
//!
//! In: a [`RestartRequest`]. Out: [`Components`]. It changes nothing.

use std::path::{Path, PathBuf};

use super::error::RestartError;
use super::kubelet::RunningKubelet;
use super::runtime::Runtime;
use crate::catalogue::KUBELET;
use crate::component::{BadManifest, STATIC_PODS, StaticPod};
use crate::error::Result;
use crate::plan::generate::Selection;
use crate::plan::restart::{Component, Manners, Member, from_manifest};
use crate::request::{RequestError, RestartRequest};
use crate::store::Store;
use crate::tree::Observed;
use crate::workers;

/// What runs on the node.
#[derive(Clone, Debug)]
pub(super) struct Components {
    pub(super) store: Store,
    pub(super) manifests_dir: PathBuf,
    pub(super) kubelet: RunningKubelet,
    /// In the order of the restarts.
    pub(super) members: Vec<Member>,
}

impl Components {
    /// Reads the kubelet's configuration and the manifests.
    pub(super) fn read(request: &RestartRequest, store: &Store) -> Result<Self> {
        Ok(Self::with(request, store, RunningKubelet::read(store, &request.kubelet_dir)?))
    }

    /// The same as the files have it: of a tree that is not this machine's, nothing that runs here says anything.
    pub(super) fn as_written(request: &RestartRequest, store: &Store) -> Result<Self> {
        Ok(Self::with(request, store, RunningKubelet::as_written(store, &request.kubelet_dir)?))
    }

    fn with(request: &RestartRequest, store: &Store, kubelet: RunningKubelet) -> Self {
        let manifests_dir = request.how.manifests_dir.clone().unwrap_or_else(|| kubelet.manifests_dir.clone());
        let mut members = Vec::new();
        for name in STATIC_PODS {
            let manifest = manifests_dir.join(format!("{name}.yaml"));
            let is_wanted = request.wants(name);
            let (pod, problem) = match read_manifest(store, &manifest) {
                Ok(pod) => (pod, None),
                Err(problem) => (None, Some(problem)),
            };
            let component = pod.as_ref().map(|pod| from_manifest(name, pod));
            let manners = pod.as_ref().map(|pod| Manners::of(name, pod));
            members.push(Member { name, is_wanted, manifest: Some(manifest), component, manners, problem });
        }
        members.push(Member {
            name: KUBELET,
            is_wanted: request.wants(KUBELET),
            manifest: None,
            component: Some(kubelet.component.clone()),
            manners: None,
            problem: None,
        });
        Self { store: store.clone(), manifests_dir, kubelet, members }
    }

    /// What is called so.
    pub(super) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The component of that name, as its manifest has it now.
    pub(super) fn component(&self, name: &str) -> Option<&Component> {
        self.member(name)?.component.as_ref()
    }

    /// What `look` says of each member, all at once; none where it says nothing.
    pub(super) fn at_once<T: Send>(&self, look: impl Fn(&Member) -> Option<T> + Sync) -> Vec<Option<T>> {
        workers::at_once(&self.members, look)
    }

    /// The way to the container runtime.
    pub(super) fn runtime(&self) -> Runtime {
        Runtime::at(self.kubelet.runtime_endpoint.clone())
    }
}

impl RestartRequest {
    /// Refuses names that are no components, components that are not here, and a node that has none.
    pub(super) fn refuse_unknown(&self, components: &Components) -> Result<()> {
        let is_asked = |member: &Member| member.is_wanted && (member.component.is_some() || member.problem.is_some());
        if self.components == Selection::All && !components.members.iter().any(is_asked) {
            return Err(RestartError::NoStaticPods {
                manifests_dir: components.store.place(&components.manifests_dir),
            }
            .into());
        }
        let Selection::Names(names) = &self.components else { return Ok(()) };
        for name in names {
            let Some(member) = components.members.iter().find(|member| member.name == name) else {
                let known: Vec<_> = components.members.iter().map(|member| member.name).collect();
                return Err(RequestError::unknown_name(name, &known).into());
            };
            if let (None, Some(manifest), None) = (&member.component, &member.manifest, &member.problem) {
                return Err(RestartError::NotHere {
                    component: name.clone(),
                    manifest: components.store.place(manifest),
                }
                .into());
            }
        }
        Ok(())
    }
}

fn read_manifest(store: &Store, path: &Path) -> Result<Option<StaticPod>, String> {
    match store.read([path]).get(path) {
        Observed::Missing => Ok(None),
        Observed::Unreadable(fault) => Err(fault.message.clone()),
        Observed::File { content, .. } => match StaticPod::parse(content.expose()) {
            Ok(pod) => Ok(Some(pod)),
            Err(BadManifest(reason)) => Err(reason),
        },
    }
}
