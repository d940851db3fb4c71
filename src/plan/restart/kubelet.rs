//! The kubelet as a component.
//!
//! In: its configuration and files. Out: the [`Component`] that it is.
//! Source: `pkg/kubelet/apis/config/v1beta1/defaults.go`.

use std::path::Path;

use super::KUBELET;
use super::component::{Component, Endpoint, Health, HealthAction, reachable};
use crate::catalogue::{KubeletConfiguration, KubeletFiles, ServingFiles};

/// The kubelet; `kubeconfig` is its `kubelet.conf`.
#[must_use]
pub fn kubelet(
    configuration: &KubeletConfiguration,
    files: &KubeletFiles,
    serving: &ServingFiles,
    kubeconfig: &Path,
) -> Component {
    let ServingFiles { certificate, key, .. } = serving;
    let mut read = vec![certificate.clone(), key.clone(), files.client(), kubeconfig.to_owned()];
    read.extend(configuration.client_authority.clone());
    Component {
        name: KUBELET,
        endpoints: vec![Endpoint {
            purpose: "serving",
            host: reachable(configuration.address.as_deref().unwrap_or_default()),
            port: configuration.port,
            certificate: Some(certificate.clone()),
            key: Some(key.clone()),
        }],
        health: configuration.healthz.as_ref().map(|(host, port)| Health {
            host: reachable(host),
            port: *port,
            action: HealthAction::Get { path: "/healthz".into(), is_tls: false, may_refuse: true },
        }),
        files: read,
        pairs: vec![(certificate.clone(), key.clone())],
    }
}
