//! Which credentials the cluster is asked with.
//!
//! In: what was asked for, and where the node's kubeconfigs are. Out: [`Credentials`]. The first that is there counts: the
//! file that was named, `$KUBECONFIG`, the pod's service account, the node's `admin.conf`, `~/.kube/config`. A
//! kubeconfig can name a program that gets the credentials: it is not used when somebody else could have written it.

use std::path::{Path, PathBuf};

use super::super::node::read_named;
use crate::catalogue::ADMIN_CONF;
use crate::edge::cluster::{ClusterError, Credentials};
use crate::edge::host;
use crate::edge::program::{self, Owner};
use crate::error::Result;
use crate::kubeconfig::Kubeconfig;
use crate::request::ClusterAccess;
use crate::store::Store;

/// Where Kubernetes puts the service account's token into a pod.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Finds them.
pub(super) fn find(access: &ClusterAccess, kubeconfig_dir: &Path) -> Result<Credentials> {
    if let Some(path) = &access.kubeconfig {
        return read(path);
    }
    let environment = host::environment();
    if let Some(named) = &environment.kubeconfig {
        let mut files = std::env::split_paths(named).filter(|path| !path.as_os_str().is_empty());
        return match (files.next(), files.next()) {
            (Some(path), None) => read(&path),
            _ => Err(ClusterError::NoCredentials { reason: "$KUBECONFIG names several files".into() }.into()),
        };
    }
    let store = Store::new(None)?;
    let is_there = |path: &Path| store.read([path]).is_there(path);
    if environment.is_in_pod && is_there(Path::new(TOKEN)) {
        return Ok(Credentials::InCluster);
    }
    let places = [Some(kubeconfig_dir.join(ADMIN_CONF)), environment.home.map(|home| home.join(".kube/config"))];
    let places: Vec<PathBuf> = places.into_iter().flatten().collect();
    if let Some(path) = places.iter().find(|path| is_there(path)) {
        return read(path);
    }
    let looked: Vec<_> = places.iter().map(|path| path.display().to_string()).collect();
    let reason = format!("$KUBECONFIG is not set, and there is no {}", looked.join(" and no "));
    Err(ClusterError::NoCredentials { reason }.into())
}

/// The kubeconfig at `path`.
fn read(path: &Path) -> Result<Credentials> {
    let content = read_named(path, None)?;
    let place = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let kubeconfig = Kubeconfig::parse(content.expose())?;
    let current = kubeconfig.current()?;
    if current.other_credentials.contains(&"exec") {
        refuse_foreign(&place)?;
    }
    let document = kubeconfig.to_json(place.parent().unwrap_or(Path::new("/")))?;
    Ok(Credentials::Kubeconfig(Box::new(document)))
}

/// A program that a kubeconfig names is run as whoever asks.
fn refuse_foreign(path: &Path) -> Result<(), ClusterError> {
    let changeable = |reason: String| ClusterError::ForeignProgram { path: path.to_owned(), reason };
    match program::trusted(Path::new("/"), path, Owner::RootOrSelf) {
        Ok(_) => Ok(()),
        Err(distrust) => Err(changeable(format!("{}: {}", distrust.place.display(), distrust.reason))),
    }
}
