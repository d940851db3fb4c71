//! Which cluster this node's CAs are written to: its own, and no other.
//!
//! In: a request, a control-plane node. Out: the kubeconfig to use; a refusal where what answers by it is another cluster. What
//! `$KUBECONFIG` or a home directory names is nobody's choice for a node, so none of them is asked.

use std::path::{Path, PathBuf};

use super::{Place, RotateStepRequest};
use crate::audit::rotation::certificates_aside;
use crate::catalogue::{ADMIN_CONF, Aside, CLUSTER_CA, ROOT_CA_MAP, SUPER_ADMIN_CONF};
use crate::error::{Result, faults};
use crate::kubeconfig::Kubeconfig;
use crate::objects::{ConfigMap, KUBE_SYSTEM};
use crate::ops::cluster::{Api, own_kubeconfigs};
use crate::ops::named::read_named;
use crate::x509::{Certificate, read_certificates};

/// The kubeconfigs of a control plane that may write everywhere.
const OWN: [&str; 2] = [ADMIN_CONF, SUPER_ADMIN_CONF];

faults! {
    /// Why the cluster's objects are not written.
    pub enum OwnClusterError {
        /// The node has no kubeconfig that may write the cluster's objects, and none was named.
        #[error("nothing says which cluster this node's CAs are written to: {reason}")]
        #[fault("rotate.no_kubeconfig" as NO_KUBECONFIG, Usage,
            "name a kubeconfig of this node's cluster: --kubeconfig FILE; or make the node's own: `kubepki kubeconfig init admin.conf`")]
        NoKubeconfig {
            /// Where it was looked for.
            reason: String,
        },
        /// The kubeconfig is of another cluster: neither does it trust a CA of this node, nor does that cluster hand one out.
        #[error("{} is of another cluster: {server} is not verified by a CA of this node, and hands out another one", kubeconfig.display())]
        #[fault("rotate.other_cluster" as OTHER_CLUSTER, Refused, "name a kubeconfig of this node's cluster: --kubeconfig FILE")]
        OtherCluster {
            /// The kubeconfig.
            kubeconfig: PathBuf,
            /// Its server.
            server: String,
        },
    }
}

/// The kubeconfig that was named, or the node's own.
pub(super) fn kubeconfig(request: &RotateStepRequest, place: &Place) -> Result<PathBuf> {
    if let Some(named) = &request.access.kubeconfig {
        return Ok(named.clone());
    }
    let folder = &place.node.layout.kubeconfig_dir;
    let own = own_kubeconfigs(request.node.rootfs.as_deref(), folder, &OWN);
    let is_there = |path: &&PathBuf| place.node.store.read([*path]).is_there(path);
    if let Some(path) = own.iter().find(is_there) {
        return Ok(path.clone());
    }
    let reason = if own.is_empty() {
        "those below --rootfs are used only where they are named".to_owned()
    } else {
        format!("there is no {} and no {} in {}", OWN[0], OWN[1], folder.display())
    };
    Err(OwnClusterError::NoKubeconfig { reason }.into())
}

/// Refuses a cluster that is not this node's: TLS proves it where the kubeconfig trusts a CA of the node; behind a proxy with a
/// certificate of its own, the cluster says it.
pub(super) fn refuse_other(kubeconfig: &Path, place: &Place, api: &mut Api<'_>) -> Result<()> {
    let inventory = place.inventory()?;
    let mut own = inventory.bundle(CLUSTER_CA).to_vec();
    for aside in [Aside::Next, Aside::Previous] {
        own.extend(certificates_aside(&inventory, CLUSTER_CA, aside));
    }
    // A CA that was signed again is the same one.
    let is_own =
        |one: &Certificate| own.iter().any(|certificate| certificate.public_key_info() == one.public_key_info());
    if trusted_by(kubeconfig)?.iter().any(is_own) {
        return Ok(());
    }
    let (name, entry) = ROOT_CA_MAP;
    let handed_out = api.find::<ConfigMap>(Some(KUBE_SYSTEM), name)?;
    let text = handed_out.as_ref().and_then(|map| map.data.get(entry)).map(String::as_bytes);
    let all = text.and_then(|text| read_certificates(text).ok()).unwrap_or_default();
    if all.iter().any(is_own) {
        return Ok(());
    }
    let server = api.server().to_owned();
    Err(OwnClusterError::OtherCluster { kubeconfig: kubeconfig.to_owned(), server }.into())
}

/// The CAs by which a kubeconfig knows its server; none where it names none.
fn trusted_by(path: &Path) -> Result<Vec<Certificate>> {
    let content = read_named(path, None)?;
    let kubeconfig = Kubeconfig::parse(content.expose())?;
    let current = kubeconfig.current()?;
    let pem = match (current.certificate_authority_data, current.certificate_authority) {
        (Some(data), _) => data,
        (None, Some(file)) => {
            let folder = path.parent().unwrap_or(Path::new("/"));
            read_named(&folder.join(file), None)?.expose().to_vec()
        }
        (None, None) => return Ok(Vec::new()),
    };
    Ok(read_certificates(&pem)?)
}
