//! kubeadm's configuration, as the cluster has it: the `ConfigMap` kubeadm-config.
//!
//! In: a request that names it (`--config cluster`), how the cluster is reached. Out: the request with the configuration's text,
//! so that it is read once, or an error that says how to go on with what is on disk. It is never replaced by defaults.
//!
//! Source: kubeadm `util/config/cluster.go` (`FetchInitConfigurationFromCluster`).

use std::ops::ControlFlow;
use std::path::Path;

use super::{Api, own_kubeconfigs};
use crate::catalogue::{ADMIN_CONF, DEFAULT_KUBECONFIG_DIR, KUBELET_CONF};
use crate::config::CLUSTER_NAME;
use crate::edge::cluster::ClusterError;
use crate::error::{Category, Error, Fault, Result};
use crate::objects::{ConfigMap, KUBE_SYSTEM};
use crate::request::{ClusterAccess, NodeRequest};

/// The name of the object.
const NAME: &str = "kubeadm-config";
/// Its entry.
const ENTRY: &str = "ClusterConfiguration";

/// Asks the cluster for its configuration where the request names that and has not got it yet.
///
/// # Errors
/// The cluster cannot be asked (`cluster.*`), with a hint that says how to go on without it.
pub fn read_configuration(
    request: &mut NodeRequest,
    access: &ClusterAccess,
    tell: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<()> {
    if !request.awaits_cluster() {
        return Ok(());
    }
    let folder = request.kubeconfig_dir.as_deref().unwrap_or(Path::new(DEFAULT_KUBECONFIG_DIR));
    // A kubelet may read it too: kubeadm's Role `kubeadm:nodes-kubeadm-config`.
    let own = own_kubeconfigs(request.rootfs.as_deref(), folder, &[ADMIN_CONF, KUBELET_CONF]);
    let asked = Api::open(access, &own, tell).and_then(|mut api| Ok(configuration_text(&mut api)?));
    request.config_text = Some(asked.map_err(from_disk)?);
    Ok(())
}

/// The `ClusterConfiguration` that the cluster has.
///
/// # Errors
/// [`ClusterError`]; [`ClusterError::NotFound`] where kubeadm has not made the cluster.
pub(in crate::ops) fn configuration_text(api: &mut Api<'_>) -> Result<String, ClusterError> {
    let mut map: ConfigMap = api.get(Some(KUBE_SYSTEM), NAME)?;
    map.data.remove(ENTRY).ok_or_else(|| ClusterError::NotFound {
        what: CLUSTER_NAME.to_owned(),
        reason: format!("it has no entry {ENTRY}"),
    })
}

/// The error with the way to go on.
fn from_disk(error: Error) -> Error {
    let fault = Fault::from(error);
    if fault.category == Category::Interrupted {
        return fault.into();
    }
    let way = "to go on without the cluster, name the configuration's file (--config FILE), or leave out --config: kubeadm's \
               defaults hold then";
    Fault { hint: format!("{}; {way}", fault.hint), ..fault }.into()
}
