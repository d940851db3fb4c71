//! kubeadm configuration files: v1beta3 and v1beta4 to one [`ClusterSpec`].

mod spec;

pub use spec::{ClusterSpec, Endpoint, Etcd, Host, Role};
