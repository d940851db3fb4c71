//! The components of a node, as its manifests and the kubelet's configuration have them.
//!
//! In: a [`RestartRequest`]. Out: [`Components`]. It opens no socket and changes nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::OperationError;
use super::super::kubelet::Kubelet;
use super::error::RestartError;
use super::{MANIFESTS_DIR, RestartRequest};
use crate::catalogue::DEFAULT_KUBECONFIG_DIR;
use crate::error::Result;
use crate::plan::generate::Selection;
use crate::plan::restart::{BadManifest, Component, KUBELET, STATIC_PODS, StaticPod, from_manifest, kubelet};
use crate::store::Store;
use crate::tree::Observed;

/// A component, and whether it is asked for.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) is_wanted: bool,
    pub(super) manifest: Option<PathBuf>,
    /// None where the node has no such component.
    pub(super) component: Option<Component>,
}

/// What runs on the node.
#[derive(Clone, Debug)]
pub(super) struct Components {
    pub(super) store: Store,
    pub(super) manifests_dir: PathBuf,
    pub(super) file_check_frequency: Duration,
    /// In the order of the restarts.
    pub(super) members: Vec<Member>,
}

impl Components {
    /// Reads the kubelet's configuration and the manifests.
    pub(super) fn read(request: &RestartRequest, store: &Store) -> Result<Self> {
        let Kubelet { configuration, files, serving, problem, .. } = Kubelet::read(store, &request.kubelet_dir);
        if let Some((path, reason)) = problem {
            return Err(RestartError::BadKubeletConfiguration { path, reason }.into());
        }
        let manifests_dir = request
            .manifests_dir
            .clone()
            .or_else(|| configuration.static_pod_path.clone())
            .unwrap_or_else(|| PathBuf::from(MANIFESTS_DIR));
        let mut members = Vec::new();
        for name in STATIC_PODS {
            let manifest = manifests_dir.join(format!("{name}.yaml"));
            let component = read_manifest(store, name, &manifest)?;
            members.push(Member { name, is_wanted: request.wants(name), manifest: Some(manifest), component });
        }
        let kubeconfig = Path::new(DEFAULT_KUBECONFIG_DIR).join("kubelet.conf");
        members.push(Member {
            name: KUBELET,
            is_wanted: request.wants(KUBELET),
            manifest: None,
            component: Some(kubelet(&configuration, &files, &serving, &kubeconfig)),
        });
        let file_check_frequency = configuration.file_check_frequency;
        Ok(Self { store: store.clone(), manifests_dir, file_check_frequency, members })
    }

    /// The component of that name, as its manifest has it now.
    pub(super) fn component(&self, name: &str) -> Option<&Component> {
        self.members.iter().find(|member| member.name == name)?.component.as_ref()
    }
}

impl RestartRequest {
    /// Whether the component is asked for: by name, or by not naming any; the kubelet is by its name or flag alone.
    fn wants(&self, name: &str) -> bool {
        match &self.components {
            Selection::All => name != KUBELET || self.kubelet,
            Selection::None => name == KUBELET && self.kubelet,
            Selection::Names(names) => names.iter().any(|one| one == name) || (name == KUBELET && self.kubelet),
        }
    }

    /// Refuses names that are no components, and components that are not here.
    pub(super) fn refuse_unknown(&self, components: &Components) -> Result<()> {
        let Selection::Names(names) = &self.components else { return Ok(()) };
        for name in names {
            let Some(member) = components.members.iter().find(|member| member.name == name) else {
                let known: Vec<_> = components.members.iter().map(|member| member.name).collect();
                return Err(OperationError::unknown_name(name, &known).into());
            };
            if let (None, Some(manifest)) = (&member.component, &member.manifest) {
                return Err(RestartError::NotHere { component: name.clone(), manifest: manifest.clone() }.into());
            }
        }
        Ok(())
    }
}

fn read_manifest(store: &Store, name: &'static str, path: &Path) -> Result<Option<Component>> {
    let bad = |reason: String| RestartError::BadManifest { path: path.to_owned(), reason };
    match store.read([path]).get(path) {
        Observed::Missing => Ok(None),
        Observed::Unreadable { message, .. } => Err(bad(message.clone()).into()),
        Observed::File { content, .. } => match StaticPod::parse(content.expose()) {
            Ok(pod) => Ok(Some(from_manifest(name, &pod))),
            Err(BadManifest(reason)) => Err(bad(reason).into()),
        },
    }
}
