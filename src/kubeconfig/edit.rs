//! Changes in place: what renewal, embedding and kubelet rotation put into an existing kubeconfig.
//!
//! In: a [`Kubeconfig`], a name and the new content. Out: the same document with those fields changed and
//! nothing else. An error leaves it as it was.
//!
//! Source: kubeadm `certs/renewal` (kubeconfig read-write) and `phases/kubelet` (kubelet-finalize).

use std::sync::Arc;

use super::Kubeconfig;
use super::error::KubeconfigError;
use super::fields::{content_mut, data, names};
use crate::secret::Secret;
use crate::yaml::{Mapping, Node};

impl Kubeconfig {
    /// Embeds a new certificate and key for `user`, in place of the old ones or of paths to them.
    ///
    /// # Errors
    /// [`KubeconfigError::UserMissing`] when there is no such user.
    pub fn set_client_certificate(
        &mut self,
        user: &str,
        certificate_pem: &[u8],
        key_pem: &Secret,
    ) -> Result<(), KubeconfigError> {
        let fields = self.user_mut(user)?;
        fields.set("client-certificate-data", data(certificate_pem));
        fields.set("client-key-data", data(key_pem.expose()));
        fields.remove("client-certificate");
        fields.remove("client-key");
        Ok(())
    }

    /// Embeds a certificate for the key that `user` already has, as when a CSR comes back signed.
    ///
    /// # Errors
    /// [`KubeconfigError::UserMissing`] when there is no such user.
    pub fn embed_client_certificate(&mut self, user: &str, certificate_pem: &[u8]) -> Result<(), KubeconfigError> {
        let fields = self.user_mut(user)?;
        fields.set("client-certificate-data", data(certificate_pem));
        fields.remove("client-certificate");
        Ok(())
    }

    /// Embeds the CA of `cluster`, in place of the old one or of a path to it.
    ///
    /// # Errors
    /// [`KubeconfigError::ClusterMissing`] when there is no such cluster.
    pub fn set_certificate_authority(&mut self, cluster: &str, pem: &[u8]) -> Result<(), KubeconfigError> {
        let Some(fields) = content_mut(Arc::make_mut(&mut self.root), "clusters", "cluster", cluster) else {
            let known = names(&self.root, "clusters").into_iter().map(str::to_owned).collect();
            return Err(KubeconfigError::ClusterMissing { cluster: cluster.to_owned(), known });
        };
        fields.set("certificate-authority-data", data(pem));
        fields.remove("certificate-authority");
        Ok(())
    }

    /// Makes `user` read its certificate and key from files, and drops the embedded ones.
    ///
    /// The kubelet rotates its own certificate this way: both paths are `kubelet-client-current.pem`.
    ///
    /// # Errors
    /// [`KubeconfigError::UserMissing`] when there is no such user.
    pub fn set_client_paths(
        &mut self,
        user: &str,
        certificate_path: &str,
        key_path: &str,
    ) -> Result<(), KubeconfigError> {
        let fields = self.user_mut(user)?;
        fields.set("client-certificate", Node::text(certificate_path));
        fields.set("client-key", Node::text(key_path));
        fields.remove("client-certificate-data");
        fields.remove("client-key-data");
        Ok(())
    }

    fn user_mut(&mut self, user: &str) -> Result<&mut Mapping, KubeconfigError> {
        let known = self.user_names().into_iter().map(str::to_owned).collect();
        content_mut(Arc::make_mut(&mut self.root), "users", "user", user)
            .ok_or_else(|| KubeconfigError::UserMissing { user: user.to_owned(), known })
    }
}
