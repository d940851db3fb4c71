//! What `kubepki signer show` is asked for.

use clap::Args;
use serde::Deserialize;

use super::{ClusterAccess, IssuedBy, KubeletDir, NodeRequest, RequestError, Signing, Span, defaults};

/// What is asked about the signers of the controller manager.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignerRequest {
    /// Ask each signer for a certificate of ten minutes, approve it, and throw it away; requests are deleted in any case.
    #[arg(long)]
    pub probe: bool,
    /// With --probe: how long each certificate is waited for.
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    pub timeout: Span,
    /// The kubelet's directory: its configuration says where the manifests are.
    #[command(flatten)]
    pub kubelet_dir: KubeletDir,
    /// How the cluster is reached.
    #[command(flatten)]
    #[serde(flatten)]
    pub access: ClusterAccess,
    /// Which node.
    #[command(flatten)]
    #[serde(flatten)]
    pub node: NodeRequest,
}

defaults! { SignerRequest }

impl SignerRequest {
    /// How the signers are asked.
    ///
    /// # Errors
    /// [`RequestError::BadTimeout`].
    pub(crate) fn signing(&self) -> Result<Signing, RequestError> {
        let signing =
            Signing { issuer: IssuedBy::Kubernetes, approve: true, timeout: Some(self.timeout), ..Signing::default() };
        signing.wait()?;
        Ok(signing)
    }
}
