//! The names of the signers that are built into the controller manager.
//!
//! Source: Kubernetes, certificate signing requests ("Kubernetes signers").

/// The signer of clients of the API server.
pub const API_SERVER_CLIENT: &str = "kubernetes.io/kube-apiserver-client";
/// The signer of kubelets as clients of the API server.
pub const KUBELET_CLIENT: &str = "kubernetes.io/kube-apiserver-client-kubelet";
/// The signer of kubelets' serving certificates.
pub const KUBELET_SERVING: &str = "kubernetes.io/kubelet-serving";
/// The signer of whatever older versions of the API asked for; `certificates.k8s.io/v1` takes no requests for it.
pub const LEGACY_UNKNOWN: &str = "kubernetes.io/legacy-unknown";
