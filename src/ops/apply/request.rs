//! Asking for a certificate: a key, new or of this node, and a signing request for it.

use std::path::Path;

use super::bad;
use super::workbench::Workbench;
use crate::error::{Error, Result};
use crate::inventory::{Client, Part};
use crate::key::PrivateKey;
use crate::kubeconfig::{Client as ShownClient, ClientConfig, Kubeconfig};
use crate::ops::node::content_of;
use crate::plan::{Artefact, RequestKey};
use crate::secret::Secret;
use crate::store::Expected;
use crate::x509::RequestTemplate;

/// Makes the request, and the key or kubeconfig where there is none. A key is never overwritten.
pub(super) fn request(
    bench: &mut Workbench<'_>,
    artefact: &Artefact,
    template: &RequestTemplate,
    key: &RequestKey,
) -> Result<()> {
    let request = |key: &PrivateKey| Ok::<_, Error>(Secret::new(template.sign(key)?.to_pem()));
    match key {
        RequestKey::ExistingKey { key_file: path } | RequestKey::ExistingKubeconfig { key_file: path } => {
            let key = match key {
                RequestKey::ExistingKey { .. } => Part::read(bench.tree, path, PrivateKey::from_pem),
                _ => Client::read(bench.tree, path, content_of(bench.tree, path)?.expose())?.found.key.into_part(),
            };
            // It says nothing but what the key and the plan say: an older one makes way.
            bench.write(artefact, vec![request(&present(key, path)?)?], None, Some(Expected::Any))
        }
        RequestKey::NewKey { .. } => {
            let key = bench.take_key(artefact)?;
            bench.write(artefact, vec![key.to_pem(), request(&key)?], None, Some(Expected::Absent))
        }
        RequestKey::NewKubeconfig { kubeconfig, .. } => {
            let key = bench.take_key(artefact)?;
            let document = Kubeconfig::new(&ClientConfig {
                cluster_name: &kubeconfig.cluster_name,
                server: &kubeconfig.server,
                certificate_authority_pem: None,
                user: &kubeconfig.user,
                client: ShownClient::Key { key_pem: key.to_pem() },
            });
            bench.write(artefact, vec![document.to_yaml(), request(&key)?], None, Some(Expected::Absent))
        }
    }
}

/// The key of a file, which must be there.
pub(super) fn present(key: Part<PrivateKey>, path: &Path) -> Result<PrivateKey> {
    match key {
        Part::Present(key) => Ok(key),
        Part::Missing => Err(bad(format!("there is no key in {}", path.display())).into()),
        Part::Broken(fault) => Err(bad(fault.message).into()),
    }
}
