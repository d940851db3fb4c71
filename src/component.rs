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
pub use kubelet::{BadConfiguration, KubeletConfiguration, ServingFiles, ServingSource};
pub use static_pod::{BadManifest, Probe, StaticPod};
pub use url::{LOCALHOST, Url, reachable};

/// The components that are static pods, in the order in which they are restarted: each needs those before it.
pub const STATIC_PODS: [&str; 4] = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];
