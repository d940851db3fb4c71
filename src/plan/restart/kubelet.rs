//! The kubelet as a component.
//!
//! In: its configuration and files. Out: the [`Component`] that it is.
//! Source: `pkg/kubelet/apis/config/v1beta1/defaults.go`.

use std::path::Path;

use super::component::{Component, Endpoint, Health, HealthAction, once_each};
use crate::catalogue::{KUBELET, KUBELET_CLIENT_FILE, KUBELET_CONF, KUBELET_SERVER_FILE, KubeletFiles, Reload, reload};
use crate::component::{KubeletConfiguration, ServingFiles, ServingSource, reachable};

/// The kubelet; `kubeconfig` is its `kubelet.conf`.
#[must_use]
pub fn kubelet(
    configuration: &KubeletConfiguration,
    files: &KubeletFiles,
    serving: &ServingFiles,
    kubeconfig: &Path,
) -> Component {
    let ServingFiles { certificate, key, source } = serving;
    // Nobody says which release the kubelet is. What it serves shows whether it has loaded its files.
    let when = |setting| reload(KUBELET, setting, None);
    let served = match source {
        ServingSource::Requested => when(KUBELET_SERVER_FILE),
        ServingSource::Configured | ServingSource::Own => when("tlsCertFile"),
    };
    let client = if configuration.rotates_client_certificate { when(KUBELET_CLIENT_FILE) } else { Reload::FiveMinutes };
    let authority = configuration.client_authority.clone().map(|path| (path, when("clientCAFile")));
    let own = [
        (certificate.clone(), served),
        (key.clone(), served),
        (files.client(), client),
        (kubeconfig.to_owned(), when(KUBELET_CONF)),
    ];
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
        files: once_each(own.into_iter().chain(authority)),
        pairs: vec![(certificate.clone(), key.clone())],
        etcd_client: None,
        signing: Vec::new(),
        service_account: None,
    }
}
