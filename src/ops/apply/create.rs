//! Making what is not there: CAs, certificates, kubeconfigs, the service accounts' keys.

use super::super::node::content_of;
use super::workbench::Workbench;
use crate::error::Result;
use crate::key::PrivateKey;
use crate::kubeconfig::{Client, ClientConfig, Kubeconfig};
use crate::plan::{Artefact, Creation};
use crate::secret::Secret;
use crate::store::Expected;
use crate::x509::Issuer;

/// Makes the artefact. Nothing is overwritten: each of its files must be absent when it is written.
pub(super) fn create(bench: &mut Workbench<'_>, artefact: &Artefact, creation: &Creation) -> Result<()> {
    let absent = Some(Expected::Absent);
    match creation {
        Creation::Pair { certificate: template, .. } => {
            let key = bench.take_key(artefact)?;
            let certificate = bench.sign(artefact, template, &key)?;
            let pair = vec![key.to_pem(), Secret::new(certificate.to_pem())];
            bench.write(artefact, pair, Some(&certificate), absent)?;
            if template.is_ca {
                bench.add_issuer(&artefact.name, Issuer::new(certificate, key)?);
            }
            Ok(())
        }
        Creation::Kubeconfig { certificate: template, kubeconfig, .. } => {
            let key = bench.take_key(artefact)?;
            let certificate = bench.sign(artefact, template, &key)?;
            let document = Kubeconfig::new(&ClientConfig {
                cluster_name: &kubeconfig.cluster_name,
                server: &kubeconfig.server,
                certificate_authority_pem: Some(&bench.trusted_bundle()?),
                user: &kubeconfig.user,
                client: Client::Certificate { certificate_pem: certificate.to_pem(), key_pem: key.to_pem() },
            });
            bench.write(artefact, vec![document.to_yaml()], Some(&certificate), absent)
        }
        Creation::KeyPair { .. } => {
            let key = bench.take_key(artefact)?;
            let pair = vec![key.to_pem(), Secret::new(key.public_key_pem())];
            bench.write(artefact, pair, None, absent)
        }
        Creation::PublicKey { of } => {
            let key = PrivateKey::from_pem(content_of(bench.tree, of)?.expose())?;
            bench.write(artefact, vec![Secret::new(key.public_key_pem())], None, absent)
        }
        // Signed with all others, on all cores.
        Creation::Answer(_) => Ok(()),
    }
}
