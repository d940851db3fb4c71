//! `kubepki kubelet enable-serving-certs`: this node's kubelet, and those that join, ask the cluster for the certificate that
//! they serve.
//!
//! In: a request. Out: an [`Enabling`], which says what is to change and does it, and a [`ServingSetup`]. First the cluster's
//! `ConfigMap` `kubelet-config`, then the node's file, then the kubelet: whatever breaks off, the next run goes on from there.
//! Approving the requests is not its business.
//!
//! Source: kubeadm documentation, "Enabling signed kubelet serving certificates".

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::cluster::{Api, own_kubeconfigs};
use super::kubelet::{Kubelet, flags_forbid_request};
use super::node::name_in_kubelet_conf;
use super::restart::{self, Reservation, RestartRequest, kubelet_that_runs, reserve, restart_reserved};
use super::settings::{KUBELET_CONFIG, after, apply, change, refuse_backup_place, text_of};
use super::{Continue, serving};
use crate::catalogue::{ADMIN_CONF, DEFAULT_KUBECONFIG_DIR, KUBELET, KUBELET_CONF, SYSTEM_NODE};
use crate::clock::SystemClock;
use crate::edge::cluster::ClusterError;
use crate::edge::host;
use crate::error::{Category, Error, Fault, Result};
use crate::inventory::Documents;
use crate::objects::CertificateSigningRequest;
use crate::plan::generate::Selection;
use crate::plan::serving::{Awaited, ServingError, awaited, kubelet_configuration, missing_step};
use crate::plan::setting::Setting;
pub use crate::request::EnableServingRequest;
use crate::request::{NodeRequest, RequestError, RestartOptions};
use crate::store::{Action, Store};
use crate::x509::read_certificates;

/// The operation, as backups are named after it.
const OPERATION: &str = "kubelet enable-serving-certs";

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// What came of the request of the node's kubelet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitedRequest {
    /// What came of it.
    pub state: Awaited,
    /// The request's name in the cluster, if there is one.
    pub name: Option<String>,
    /// The names and addresses that it asks for.
    pub names: Vec<String>,
}

/// What is to change, or was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServingSetup {
    /// The node's name; none where nothing says it.
    pub node: Option<String>,
    /// The API server; none where none was asked.
    pub server: Option<String>,
    /// The documents, and what each is to say.
    pub settings: Vec<Setting>,
    /// Whether it was written.
    pub is_written: bool,
    /// Where the files are kept as they were.
    pub backup: Option<PathBuf>,
    /// Whether a component was restarted.
    pub was_restarted: bool,
    /// What came of the kubelet's request, where it was waited for.
    pub request: Option<AwaitedRequest>,
}

impl ServingSetup {
    /// Whether every document says it already.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.settings.iter().all(Setting::is_set)
    }
}

/// What was read, and is to be done.
pub struct Enabling<'t> {
    request: EnableServingRequest,
    store: Store,
    api: Option<Api<'t>>,
    path: PathBuf,
    wait: Duration,
    setup: ServingSetup,
}

impl<'t> Enabling<'t> {
    /// Reads the node's file and the cluster's `ConfigMap`, and says what they are to be. Nothing is written.
    ///
    /// # Errors
    /// [`ServingError`]; the cluster cannot be asked, unless only this node's file is wanted.
    pub fn read(request: &EnableServingRequest, tell: &'t mut dyn FnMut() -> ControlFlow<()>) -> Result<Self> {
        let wait = request.wait()?;
        let store = Store::new(request.rootfs.dir())?;
        if request.restart {
            restart::refuse_elsewhere(&restart_request(request, false))?;
        }
        let path = request.kubelet_dir.join("config.yaml");
        if !store.read([&path]).is_there(&path) {
            return Err(ServingError::NoKubelet { path: store.place(&path) }.into());
        }
        let own = kubelet_configuration(&path.display().to_string(), &text_of(&store, &path)?)?;
        if flags_forbid_request(&store, &request.kubelet_dir) {
            return Err(ServingError::FlagWins.into());
        }
        refuse_backup_place(&store, &request.backups)?;
        let node = node_name(&store, request);
        if request.restart && node.is_none() {
            let hint = "leave --restart out: what it would wait for is not known";
            return Err(RequestError::bad("the node's name is not known: there is no usable kubelet.conf", hint).into());
        }
        let mut settings = Vec::new();
        let mut api = None;
        if !request.local || request.restart {
            // A kubelet may read what it is told, and see its requests.
            let folder = Path::new(DEFAULT_KUBECONFIG_DIR);
            let own = own_kubeconfigs(request.rootfs.as_deref(), folder, &[ADMIN_CONF, KUBELET_CONF]);
            let mut opened = Api::open(&request.access, &own, tell).map_err(|error| or_local(error, request.local))?;
            if !request.local {
                settings.push(
                    KUBELET_CONFIG.plan(&mut opened, &kubelet_configuration).map_err(|error| or_local(error, false))?,
                );
            }
            api = Some(opened);
        }
        settings.push(own);
        let server = api.as_ref().map(|api| api.server().to_owned());
        let setup = ServingSetup {
            node,
            server,
            settings,
            is_written: false,
            backup: None,
            was_restarted: false,
            request: None,
        };
        Ok(Self { request: request.clone(), store, api, path, wait, setup })
    }

    /// What is to change.
    #[must_use]
    pub const fn setup(&self) -> &ServingSetup {
        &self.setup
    }

    /// Writes what is to change, and restarts the kubelet where that is wanted and due.
    ///
    /// # Errors
    /// `store.*`, [`ClusterError`], [`restart::RestartError`]. What was done before stands, and the error says so.
    pub fn write(
        mut self,
        now: DateTime<Utc>,
        progress: &mut dyn FnMut(&restart::Progress) -> Continue,
    ) -> Result<ServingSetup> {
        if self.setup.is_set() && !self.request.restart {
            return Ok(self.setup);
        }
        // The right to all that follows is taken before anything is written.
        let reservation = self.request.restart.then(|| self.reserve(now)).transpose()?;
        let mut session = self.store.lock(&[&*self.request.kubelet_dir])?;
        let mut done = None;
        for setting in &self.setup.settings {
            if setting.is_set() {
                continue;
            }
            if setting.place == self.path.display().to_string() {
                let change = change(&self.path, setting);
                let applied = apply(&mut session, change, self.request.backups.dir().as_deref(), OPERATION)
                    .map_err(|error| after(done, error))?;
                if applied.files.iter().any(|(_, action)| *action != Action::Unchanged) {
                    done = Some("the kubelet's configuration is changed");
                }
                self.setup.backup = applied.backup;
            } else if let Some(api) = &mut self.api {
                KUBELET_CONFIG.write(api, &kubelet_configuration).map_err(|error| or_local(error, false))?;
                done = Some("the ConfigMap kubelet-config is changed");
            }
        }
        drop(session);
        self.setup.is_written = true;
        if let Some(reservation) = reservation {
            let report = restart_reserved(reservation, now, progress).map_err(|error| after(done, error))?;
            self.setup.was_restarted = !report.restarted.is_empty();
            self.setup.request = Some(self.request_of_kubelet(progress).map_err(|error| after(done, error))?);
        }
        Ok(self.setup)
    }

    /// The right to restart the kubelet; it is restarted if it has not read its file as it will be.
    fn reserve(&self, now: DateTime<Utc>) -> Result<Reservation> {
        let running = kubelet_that_runs(&self.store, &self.request.kubelet_dir)?;
        let is_old = || running.started_at.zip(self.store.changed_at(&self.path)).is_none_or(|(at, told)| at < told);
        let is_due = self.setup.settings.last().is_some_and(|own| !own.is_set()) || is_old();
        reserve(&restart_request(&self.request, is_due), now)
    }

    /// Waits for the request of this node's kubelet, or for the certificate that it has.
    fn request_of_kubelet(
        &mut self,
        progress: &mut dyn FnMut(&restart::Progress) -> Continue,
    ) -> Result<AwaitedRequest> {
        let node = self.setup.node.clone().unwrap_or_default();
        let told_at = self.store.changed_at(&self.path).unwrap_or_default();
        let since = Instant::now();
        loop {
            // It has restarted; whether to go on, the API server's client asks.
            let _ = progress(&restart::Progress {
                component: KUBELET.to_owned(),
                phase: restart::Phase::Done,
                seconds: since.elapsed().as_secs_f64(),
                detail: "its request for a serving certificate is waited for".into(),
            });
            let requests = match self.requests(&node) {
                // An API server may be away for a moment.
                Err(error) if error.category() == Category::Environment && since.elapsed() < self.wait => {
                    self.pause()?;
                    continue;
                }
                other => other?,
            };
            let seen = awaited(&requests, self.has_certificate(), told_at);
            if let Some((state, request)) = seen {
                let name = request.map(|request| request.metadata.name.clone());
                let names = request.map(serving::names_of).unwrap_or_default();
                return Ok(AwaitedRequest { state, name, names });
            }
            if since.elapsed() >= self.wait {
                let kubelet = kubelet_that_runs(&self.store, &self.request.kubelet_dir)?;
                let (missing, hint) = missing_step(&kubelet, &self.path, told_at, &requests);
                return Err(ServingError::NoRequest { node, waited: self.wait, missing, hint }.into());
            }
            self.pause()?;
        }
    }

    fn pause(&mut self) -> Result<()> {
        Ok(self.api.as_mut().map_or(Ok(()), |api| api.pause(PAUSE))?)
    }

    fn requests(&mut self, node: &str) -> Result<Vec<CertificateSigningRequest>> {
        let Some(api) = &mut self.api else { return Ok(Vec::new()) };
        let username = format!("{SYSTEM_NODE}{node}");
        let listed = api.list::<CertificateSigningRequest>(None, &serving::selector())?;
        Ok(listed.items.into_iter().filter(|one| one.spec.username == username).collect())
    }

    /// Whether the kubelet has got what it asks for.
    fn has_certificate(&self) -> bool {
        let kubelet = Kubelet::read(&self.store, &self.request.kubelet_dir);
        let path = kubelet.files.server();
        let tree = self.store.read([&path]);
        let certificates = tree.content(&path).and_then(|content| read_certificates(content).ok());
        certificates.is_some_and(|all| all.first().is_some_and(|leaf| leaf.not_after() > SystemClock.now()))
    }
}

fn restart_request(request: &EnableServingRequest, force: bool) -> RestartRequest {
    RestartRequest {
        components: Selection::Names(vec![KUBELET.to_owned()]),
        force,
        kubelet_dir: request.kubelet_dir.clone(),
        rootfs: request.rootfs.clone(),
        how: RestartOptions { timeout: request.timeout, ..RestartOptions::default() },
        ..RestartRequest::default()
    }
}

/// The error of the cluster, with the way on without it.
fn or_local(error: Error, is_local: bool) -> Error {
    if error.code() == ClusterError::INTERRUPTED || !error.code().as_str().starts_with("cluster.") {
        return error;
    }
    let fault = Fault::from(error);
    let more = if is_local {
        "or leave --restart out: the API server is asked for the request that the kubelet makes then"
    } else {
        "run it with a kubeconfig that may change kube-system/kubelet-config first, as on a control-plane node; or change this node's file only: --local"
    };
    Fault { hint: format!("{}; {more}", fault.hint), ..fault }.into()
}

/// The node's name, as its kubelet has it.
fn node_name(store: &Store, request: &EnableServingRequest) -> Option<String> {
    let kubelet = Kubelet::read(store, &request.kubelet_dir);
    let of_host = || store.is_of_this_machine().then(|| host::facts().hostname).flatten();
    name_in_kubelet_conf(store, &NodeRequest::default(), &Documents::default())
        .or(kubelet.configuration.node_name)
        .or_else(of_host)
        .map(|name| name.to_ascii_lowercase())
}
