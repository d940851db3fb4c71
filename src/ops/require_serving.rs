//! `kubepki kubelet require-serving-certs`: the API server of this node verifies what kubelets serve.
//!
//! In: a request, now. Out: a [`Requiring`], which says what is to change and does it, and a [`ServingRequirement`]. Every
//! node of the cluster is looked at first, as the API server will: by the address that it takes, with the CA that it is to
//! use. A node that would not be reached any more is a reason to change nothing.
//!
//! Source: kube-apiserver `pkg/kubelet/client/kubelet_client.go` (`GetConnectionInfo`); CIS 1.2.5.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Continue;
use super::cluster::{Api, own_kubeconfigs};
use super::kubelet::Kubelet;
use super::node::content_of;
use super::restart::{Progress, Reservation, RestartRequest, reserve};
use super::serving::{PATIENCE, is_control_plane, kubelet_port};
use super::settings::{KUBEADM_CONFIG, after, apply, change, refuse_backup_place, text_of};
use crate::catalogue::{ADMIN_CONF, CLUSTER_CA, DEFAULT_KUBECONFIG_DIR, Layout};
use crate::component::{BadManifest, StaticPod};
use crate::config::parse_address;
use crate::edge::tls::{self, Address};
use crate::error::Result;
use crate::objects::Node;
use crate::plan::generate::Selection;
use crate::plan::serving::{
    AUTHORITY_FLAG, ServingError, api_server_manifest, authority_of, certificates_dir, cluster_configuration,
    preferred_address,
};
use crate::plan::setting::{Setting, SettingError};
pub use crate::request::RequireServingRequest;
use crate::request::RestartOptions;
use crate::store::{Session, Store};
use crate::workers;
use crate::x509::{Certificate, ExtendedKeyUsage, SubjectAltName, SubjectAltNames, read_certificates, verify_chain};

/// The operation, as backups are named after it.
const OPERATION: &str = "kubelet require-serving-certs";

/// The component that verifies.
const API_SERVER: &str = "kube-apiserver";

/// What a node's kubelet serves, as the API server sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeServing {
    /// The node.
    pub name: String,
    /// Where the API server reaches its kubelet; none where it has no such address.
    pub endpoint: Option<String>,
    /// When the certificate ends that it serves.
    pub not_after: Option<DateTime<Utc>>,
    /// Why the API server would not accept it.
    pub problem: Option<String>,
}

/// What is to change, or was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServingRequirement {
    /// The API server that was asked.
    pub server: String,
    /// The file of the CA that verifies.
    pub authority: PathBuf,
    /// The nodes of the cluster.
    pub nodes: Vec<NodeServing>,
    /// The control-plane nodes: each has an API server of its own.
    pub control_plane: Vec<String>,
    /// The documents, and what each is to say.
    pub settings: Vec<Setting>,
    /// Whether it was written.
    pub is_written: bool,
    /// Where the manifest is kept as it was.
    pub backup: Option<PathBuf>,
}

impl ServingRequirement {
    /// Whether every document says it already.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.settings.iter().all(Setting::is_set)
    }
}

/// What was read, and is to be done.
pub struct Requiring<'t> {
    request: RequireServingRequest,
    store: Store,
    api: Api<'t>,
    manifest: PathBuf,
    /// The CA's file as the container has it.
    authority: PathBuf,
    requirement: ServingRequirement,
}

/// The right to change manifests, with what it takes to wait for the component.
enum Right {
    Waiting(Box<Reservation>),
    Alone(Session),
}

impl Right {
    fn session(&mut self) -> &mut Session {
        match self {
            Self::Waiting(reservation) => reservation.session(),
            Self::Alone(session) => session,
        }
    }
}

impl<'t> Requiring<'t> {
    /// Looks at every node, and says what the documents are to be. Nothing is written.
    ///
    /// # Errors
    /// [`ServingError::Unverified`] with the nodes that would not be reached any more; other [`ServingError`]s; the cluster
    /// cannot be asked; [`ServingError::NoApiServer`] on a node without an API server.
    pub fn read(
        request: &RequireServingRequest,
        now: DateTime<Utc>,
        tell: &'t mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Self> {
        request.wait()?;
        let store = Store::new(request.rootfs.dir())?;
        let kubelet = Kubelet::read(&store, &request.kubelet_dir);
        let own = || kubelet.configuration.manifests_dir(Path::new(DEFAULT_KUBECONFIG_DIR));
        let manifest = request.manifests_dir.clone().unwrap_or_else(own).join(format!("{API_SERVER}.yaml"));
        if !store.read([&manifest]).is_there(&manifest) {
            return Err(ServingError::NoApiServer { manifest: store.place(&manifest) }.into());
        }
        let (place, text) = (manifest.display().to_string(), text_of(&store, &manifest)?);
        let unfit = |BadManifest(reason)| SettingError::Unfit {
            place: place.clone(),
            reason,
            says: format!("--{AUTHORITY_FLAG}=FILE"),
        };
        let pod = StaticPod::parse(text.as_bytes()).map_err(unfit)?;
        refuse_backup_place(&store, &request.backups)?;
        let folder = Path::new(DEFAULT_KUBECONFIG_DIR);
        let own = own_kubeconfigs(request.rootfs.as_deref(), folder, &[ADMIN_CONF]);
        let mut api = Api::open(&request.access, &own, tell)?;
        let said = KUBEADM_CONFIG.read(&mut api)?;
        let authority = authority_of(&pod).unwrap_or_else(|| authority_in(certificates_dir(&said)));
        let file = pod.file(AUTHORITY_FLAG).unwrap_or_else(|| authority.clone());
        let authorities = read_certificates(content_of(&store.read([&file]), &file)?.expose())?;
        let nodes = api.list::<Node>(None, "")?.items;
        let seen = workers::at_once(&nodes, |node| look(&pod, node, &authorities, now));
        refuse_unverified(&seen)?;
        let settings = vec![
            KUBEADM_CONFIG.plan(&mut api, &|place, text| cluster_configuration(place, text, &authority))?,
            api_server_manifest(&place, &text, &authority)?,
        ];
        let control_plane = nodes.iter().filter(|node| is_control_plane(node));
        let requirement = ServingRequirement {
            server: api.server().to_owned(),
            authority: file,
            nodes: seen,
            control_plane: control_plane.map(|node| node.metadata.name.clone()).collect(),
            settings,
            is_written: false,
            backup: None,
        };
        Ok(Self { request: request.clone(), store, api, manifest, authority, requirement })
    }

    /// What is to change.
    #[must_use]
    pub const fn requirement(&self) -> &ServingRequirement {
        &self.requirement
    }

    /// Writes it, and waits until the API server of this node is back.
    ///
    /// # Errors
    /// `store.*`, `cluster.*`; [`ServingError::NotBack`]. What was done before stands, and the error says so.
    pub fn write(
        mut self,
        now: DateTime<Utc>,
        progress: &mut dyn FnMut(&Progress) -> Continue,
    ) -> Result<ServingRequirement> {
        if self.requirement.is_set() {
            return Ok(self.requirement);
        }
        let mut right = self.right(now)?;
        let authority = self.authority.clone();
        let mut done = None;
        if self.requirement.settings.first().is_some_and(|setting| !setting.is_set()) {
            KUBEADM_CONFIG.write(&mut self.api, &|place, text| cluster_configuration(place, text, &authority))?;
            done = Some("the ConfigMap kubeadm-config is changed");
        }
        if let Some(own) = self.requirement.settings.last().filter(|setting| !setting.is_set()) {
            let backup_dir = self.request.backups.dir();
            let applied = apply(right.session(), change(&self.manifest, own), backup_dir.as_deref(), OPERATION)
                .map_err(|error| after(done, error))?;
            self.requirement.backup = applied.backup;
            done = Some("the manifest of kube-apiserver is changed");
            if let Right::Waiting(reservation) = right {
                let flag = (AUTHORITY_FLAG, &*authority.to_string_lossy());
                reservation.wait_for_flag(API_SERVER, flag, progress).map_err(|error| after(done, error))?;
            }
        }
        self.requirement.is_written = true;
        Ok(self.requirement)
    }

    /// Taken before anything is written.
    fn right(&self, now: DateTime<Utc>) -> Result<Right> {
        if self.request.no_wait {
            return Ok(Right::Alone(self.store.lock(&[self.manifest.parent().unwrap_or(&self.manifest)])?));
        }
        let request = RestartRequest {
            components: Selection::Names(vec![API_SERVER.to_owned()]),
            kubelet_dir: self.request.kubelet_dir.clone(),
            rootfs: self.request.rootfs.clone(),
            how: RestartOptions {
                timeout: self.request.timeout,
                manifests_dir: self.request.manifests_dir.clone(),
                ..RestartOptions::default()
            },
            ..RestartRequest::default()
        };
        reserve(&request, now).map(|reservation| Right::Waiting(Box::new(reservation)))
    }
}

/// The cluster's CA in a certificates directory.
fn authority_in(certificates_dir: PathBuf) -> PathBuf {
    Layout { certificates_dir, kubeconfig_dir: DEFAULT_KUBECONFIG_DIR.into() }.authority(CLUSTER_CA).0
}

/// Refuses what would cut nodes off.
fn refuse_unverified(seen: &[NodeServing]) -> Result<(), ServingError> {
    if seen.is_empty() {
        return Err(ServingError::NoNodes);
    }
    let bad = |one: &NodeServing| Some(format!("{}: {}", one.name, one.problem.as_ref()?));
    let nodes: Vec<_> = seen.iter().filter_map(bad).collect();
    if nodes.is_empty() { Ok(()) } else { Err(ServingError::Unverified { nodes, all: seen.len() }) }
}

/// What the API server with this manifest sees of a node's kubelet.
fn look(pod: &StaticPod, node: &Node, authorities: &[Certificate], now: DateTime<Utc>) -> NodeServing {
    let name = node.metadata.name.clone();
    let mut seen = NodeServing { name, endpoint: None, not_after: None, problem: None };
    let Some(address) = preferred_address(pod, node) else {
        seen.problem = Some("it has no address of the types that the API server takes".into());
        return seen;
    };
    let place = Address { host: address.address.clone(), port: kubelet_port(node) };
    seen.endpoint = Some(place.to_string());
    let chain = match tls::proven_chain(&place, PATIENCE) {
        Ok(chain) => chain,
        Err(error) => {
            seen.problem = Some(error.to_string());
            return seen;
        }
    };
    let chain: Vec<_> = chain.iter().map_while(|der| Certificate::from_der(der).ok()).collect();
    let Some((leaf, intermediates)) = chain.split_first() else {
        seen.problem = Some(format!("{place}: what it serves cannot be read"));
        return seen;
    };
    seen.not_after = Some(leaf.not_after());
    let wanted = match parse_address(&place.host) {
        Some(address) => SubjectAltName::Ip(address),
        None => SubjectAltName::Dns(place.host.clone()),
    };
    let verified = verify_chain(leaf, intermediates, authorities, now, Some(&ExtendedKeyUsage::ServerAuth));
    let is_named = leaf.subject_alt_names().missing_from(&SubjectAltNames::in_order(vec![wanted.clone()])).is_empty();
    seen.problem = match verified {
        Err(problem) => Some(format!("{place}: {problem}")),
        Ok(_) if !is_named => Some(format!("{place}: its certificate lacks {wanted}")),
        Ok(_) => None,
    };
    seen
}
