//! Which credentials the cluster is asked with.
//!
//! In: what was asked for, and which kubeconfigs of the node may be used. Out: [`Credentials`]. The first that is there counts: the
//! file that was named, `$KUBECONFIG`, the pod's service account, the node's own, `~/.kube/config`. A
//! kubeconfig can name a program that gets the credentials: it is not used when somebody else could have written it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::named::read_named;
use crate::edge::cluster::{ClusterError, Credentials};
use crate::edge::host;
use crate::edge::program;
use crate::error::Result;
use crate::kubeconfig::{Current, Kubeconfig};
use crate::request::ClusterAccess;
use crate::store::Store;

/// Where Kubernetes puts the service account's token into a pod.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Finds them.
pub(super) fn find(access: &ClusterAccess, own: &[PathBuf]) -> Result<Credentials> {
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
    let at_home = environment.home.map(|home| home.join(".kube/config"));
    let places: Vec<PathBuf> = own.iter().cloned().chain(at_home).collect();
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
    let document = kubeconfig.to_json(place.parent().unwrap_or(Path::new("/")))?;
    refuse_way(&current, entry(&document, "clusters", current.cluster, "cluster"))?;
    // It names whom to tell a token of this machine, or a program to run.
    if ["exec", "tokenFile"].iter().any(|way| current.other_credentials.contains(way)) {
        refuse_foreign(&place)?;
        let user = entry(&document, "users", current.user, "user");
        let command = user.and_then(|user| user.get("exec")?.get("command")?.as_str());
        if let Some(command) = command.filter(|command| command.contains('/')) {
            refuse_foreign(Path::new(command))?;
        }
    }
    Ok(Credentials::Kubeconfig(Box::new(document)))
}

/// Refuses what would tell credentials to anybody, and what Kubernetes' own clients have given up.
fn refuse_way(current: &Current<'_>, cluster: Option<&Value>) -> Result<(), ClusterError> {
    let bad = |reason: String| Err(ClusterError::BadCredentials { reason });
    if current.other_credentials.contains(&"auth-provider") {
        return bad(format!("user {:?} has an auth-provider, which Kubernetes has replaced by exec", current.user));
    }
    match current.server {
        Some(server) if !server.to_ascii_lowercase().starts_with("https://") => {
            bad(format!("the server {server:?} is not https: credentials would be sent in the clear"))
        }
        _ if cluster.and_then(|cluster| cluster.get("insecure-skip-tls-verify")) == Some(&Value::Bool(true)) => {
            bad("insecure-skip-tls-verify: anybody could answer for the cluster; embed its CA instead".to_owned())
        }
        _ => Ok(()),
    }
}

/// What a list of the kubeconfig has under a name.
fn entry<'d>(document: &'d Value, list: &str, name: &str, inner: &str) -> Option<&'d Value> {
    let mut entries = document.get(list)?.as_array()?.iter();
    entries.find(|entry| entry.get("name").and_then(Value::as_str) == Some(name))?.get(inner)
}

/// A program that a kubeconfig names is run as whoever asks.
fn refuse_foreign(path: &Path) -> Result<(), ClusterError> {
    let changeable = |reason: String| ClusterError::ForeignProgram { path: path.to_owned(), reason };
    program::refuse_foreign(path)
        .map_err(|distrust| changeable(format!("{}: {}", distrust.place.display(), distrust.reason)))
}
