//! Asking for a certificate: a key, new or of this node, and a signing request for it.

use std::path::Path;

use super::bad;
use super::workbench::Workbench;
use crate::error::Result;
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
    let (key, before, expected) = match key {
        // It says nothing but what the key and the plan say: an older one makes way.
        RequestKey::ExistingKey { key_file: path } => {
            (present(Part::read(bench.tree, path, PrivateKey::from_pem), path)?, None, Expected::Any)
        }
        RequestKey::ExistingKubeconfig { key_file: path } => {
            let client = Client::read(bench.tree, path, content_of(bench.tree, path)?.expose())?;
            (present(client.found.key.into_part(), path)?, None, Expected::Any)
        }
        RequestKey::NewKey { .. } => {
            let key = bench.take_key(artefact)?;
            let file = key.to_pem();
            (key, Some(file), Expected::Absent)
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
            (key, Some(document.to_yaml()), Expected::Absent)
        }
    };
    let pem = template.sign(&key)?.to_pem();
    let contents = before.into_iter().chain([Secret::new(pem.clone())]).collect();
    bench.write(artefact, contents, None, Some(expected))?;
    bench.note_request(&pem);
    Ok(())
}

/// The key of a file, which must be there.
pub(super) fn present(key: Part<PrivateKey>, path: &Path) -> Result<PrivateKey> {
    match key {
        Part::Present(key) => Ok(key),
        Part::Missing => Err(bad(format!("there is no key in {}", path.display())).into()),
        Part::Broken(fault) => Err(bad(fault.message).into()),
    }
}
