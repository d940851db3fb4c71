//! Asking for a certificate: a key, new or of this node, and a signing request for it.

use super::bad;
use super::workbench::Workbench;
use crate::audit::Part;
use crate::audit::kubeconfig::client_key;
use crate::error::Result;
use crate::key::PrivateKey;
use crate::kubeconfig::{Client, ClientConfig, Kubeconfig};
use crate::plan::{Artefact, Kind};
use crate::secret::Secret;
use crate::store::Expected;

/// Makes the request, and the key or kubeconfig where there is none. A key is never overwritten.
pub(super) fn request(bench: &mut Workbench<'_>, artefact: &Artefact) -> Result<()> {
    let template = artefact.request.as_ref().ok_or_else(|| bad("a request has no template"))?;
    if artefact.request_key.is_some() {
        let key = existing_key(bench, artefact)?;
        let request = Secret::new(template.sign(&key)?.to_pem());
        // It says nothing but what the key and the plan say: an older one makes way.
        return bench.write(artefact, vec![request], None, Expected::Any);
    }
    let key = bench.take_key(artefact)?;
    let request = Secret::new(template.sign(&key)?.to_pem());
    let key_file = match &artefact.kubeconfig {
        None => key.to_pem(),
        Some(wanted) => Kubeconfig::new(&ClientConfig {
            cluster_name: &wanted.cluster_name,
            server: &wanted.server,
            certificate_authority_pem: None,
            user: &wanted.user,
            client: Client::Key { key_pem: key.to_pem() },
        })
        .to_yaml(),
    };
    bench.write(artefact, vec![key_file, request], None, Expected::Absent)
}

fn existing_key(bench: &Workbench<'_>, artefact: &Artefact) -> Result<PrivateKey> {
    let path = artefact.request_key.as_ref().ok_or_else(|| bad("a request has no key"))?;
    let key = match artefact.kind {
        Kind::Kubeconfig => client_key(bench.tree, path),
        _ => Part::read(bench.tree, path, PrivateKey::from_pem),
    };
    match key {
        Part::Present(key) => Ok(key),
        Part::Missing => Err(bad(format!("there is no key in {}", path.display())).into()),
        Part::Broken(fault) => Err(bad(fault.message).into()),
    }
}
