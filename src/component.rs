//! What the components of a node are told: the models of static-pod manifests, of the kubelet's configuration and of flags.
//!
//! In: bytes of files, words of command lines. Out: values with the components' own defaults for what nobody says. It reads
//! no file and judges nothing.
//!
//! | part | what it holds |
//! |---|---|
//! | `flags` | a command line |
//! | `static_pod` | a static-pod manifest: flags, probes, mounts |
//! | `kubelet` | the kubelet's configuration |
//! | `url` | where something listens |

mod flags;
mod kubelet;
mod static_pod;
mod url;

pub use flags::flags;
pub use kubelet::{Authorization, BadConfiguration, KubeletConfiguration, ServingFiles, ServingSource};
pub use static_pod::{BadManifest, Probe, StaticPod};
pub use url::{LOCALHOST, Url, reachable};

/// The components that are static pods, in the order in which they are restarted: each needs those before it.
pub const STATIC_PODS: [&str; 4] = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];

/// The flags of certificates and their keys, of all components.
pub const PAIRS: [(&str, &str); 6] = [
    ("cert-file", "key-file"),
    ("peer-cert-file", "peer-key-file"),
    ("tls-cert-file", "tls-private-key-file"),
    ETCD_CLIENT,
    ("kubelet-client-certificate", "kubelet-client-key"),
    ("proxy-client-cert-file", "proxy-client-key-file"),
];

/// Those of the pair with which an API server asks etcd.
pub const ETCD_CLIENT: (&str, &str) = ("etcd-certfile", "etcd-keyfile");

/// The signers of the controller manager, as its flags have them: all, or one kind of certificate.
pub const SIGNERS: [&str; 5] = ["", "-kube-apiserver-client", "-kubelet-client", "-kubelet-serving", "-legacy-unknown"];
