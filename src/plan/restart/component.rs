//! Where each component listens, which files it reads, how its health is asked for.
//!
//! In: a [`StaticPod`]. Out: [`Component`]. What a manifest does not say is the component's own default.
//! Source: kubeadm `phases/controlplane/manifests.go`, `phases/etcd/local.go`; the components' `options`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::catalogue::{Reload, reload};
use crate::component::{ETCD_CLIENT, LOCALHOST, PAIRS, Probe, SIGNERS, StaticPod, Url, reachable};
use crate::edge::tls::Address;

/// A port of a component that speaks TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// What it is for.
    pub purpose: &'static str,
    /// An address of this host at which it can be reached.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// The file of the certificate that it serves; none when it is made in memory.
    pub certificate: Option<PathBuf>,
    /// The file of that certificate's key.
    pub key: Option<PathBuf>,
}

impl Endpoint {
    /// Where it is.
    #[must_use]
    pub fn address(&self) -> Address {
        Address { host: self.host.clone(), port: self.port }
    }
}

/// What to ask for at a health address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthAction {
    /// A GET of this path must succeed.
    Get {
        /// The path.
        path: String,
        /// Whether TLS is spoken.
        is_tls: bool,
        /// Whether "you may not ask" counts as an answer: for a path that the manifest does not name.
        may_refuse: bool,
    },
    /// A connection is enough.
    Connect,
}

/// How a component's health is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The host.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// What is asked.
    pub action: HealthAction,
}

/// A file that a component reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadFile {
    /// Where it is on the host.
    pub path: PathBuf,
    /// When a change of it is used: the latest of all that it is used for.
    pub reload: Reload,
}

/// A component of this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Its name.
    pub name: &'static str,
    /// Its ports that speak TLS.
    pub endpoints: Vec<Endpoint>,
    /// How its health is asked for; none where only its ports can be looked at.
    pub health: Option<Health>,
    /// Every certificate, key and kubeconfig that it reads, on the host, each once.
    pub files: Vec<ReadFile>,
    /// The certificates with their keys among them: what it cannot start with if they do not fit.
    pub pairs: Vec<(PathBuf, PathBuf)>,
    /// The pair with which an API server asks etcd.
    pub etcd_client: Option<(PathBuf, PathBuf)>,
    /// The certificates and keys with which it signs for others.
    pub signing: Vec<(PathBuf, PathBuf)>,
    /// What it makes tokens with; the API server knows what they are verified with.
    pub service_account: Option<ServiceAccount>,
}

impl Component {
    /// Every address at which it listens.
    pub fn addresses(&self) -> impl Iterator<Item = Address> {
        let health = self.health.iter().map(|health| Address { host: health.host.clone(), port: health.port });
        self.endpoints.iter().map(Endpoint::address).chain(health)
    }
}

/// The files of service accounts' tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    /// The key that signs them.
    pub key: PathBuf,
    /// The public keys of those that are accepted.
    pub public_keys: Vec<PathBuf>,
}

/// The component `name`, one of [`STATIC_PODS`](crate::component::STATIC_PODS), that a manifest describes.
#[must_use]
pub fn from_manifest(name: &'static str, pod: &StaticPod) -> Component {
    let endpoints = match name {
        "etcd" => etcd_endpoints(pod),
        "kube-apiserver" => serving(pod, 6443),
        "kube-controller-manager" => serving(pod, 10257),
        _ => serving(pod, 10259),
    };
    let health = health(name, pod, endpoints.first());
    let pair = |(certificate, key): &(&str, &str)| Some((pod.file(certificate)?, pod.file(key)?));
    let version = pod.version();
    let files = once_each(pod.credentials(name).map(|(flag, path)| (path, reload(name, flag, version))));
    let signing = SIGNERS.iter().filter_map(|signer| {
        let file = |end| pod.file(&format!("cluster-signing{signer}-{end}-file"));
        Some((file("cert")?, file("key")?))
    });
    Component {
        name,
        endpoints,
        health,
        files,
        pairs: PAIRS.iter().filter_map(pair).collect(),
        etcd_client: pair(&ETCD_CLIENT),
        signing: signing.collect(),
        service_account: service_account(pod),
    }
}

/// The controller manager is not told the public keys: the file beside its key stands for them.
fn service_account(pod: &StaticPod) -> Option<ServiceAccount> {
    if let Some(key) = pod.file("service-account-signing-key-file") {
        return Some(ServiceAccount { key, public_keys: pod.files("service-account-key-file") });
    }
    let key = pod.file("service-account-private-key-file")?;
    Some(ServiceAccount { public_keys: vec![key.with_extension("pub")], key })
}

/// Each file once, with the latest of its reloads; in the order of their paths.
pub(super) fn once_each(all: impl IntoIterator<Item = (PathBuf, Reload)>) -> Vec<ReadFile> {
    let mut files = BTreeMap::new();
    for (path, reload) in all {
        let latest = files.entry(path).or_insert(reload);
        *latest = reload.max(*latest);
    }
    files.into_iter().map(|(path, reload)| ReadFile { path, reload }).collect()
}

fn serving(pod: &StaticPod, default_port: u16) -> Vec<Endpoint> {
    let port = pod.flag("secure-port").and_then(|port| port.parse().ok()).unwrap_or(default_port);
    // Port 0 switches it off.
    if port == 0 {
        return Vec::new();
    }
    vec![Endpoint {
        purpose: "serving",
        host: reachable(pod.flag("bind-address").unwrap_or_default()),
        port,
        certificate: pod.file("tls-cert-file"),
        key: pod.file("tls-private-key-file"),
    }]
}

fn etcd_endpoints(pod: &StaticPod) -> Vec<Endpoint> {
    let rows = [
        ("clients", "listen-client-urls", "cert-file", "key-file"),
        ("peers", "listen-peer-urls", "peer-cert-file", "peer-key-file"),
    ];
    rows.into_iter()
        .filter_map(|(purpose, urls, certificate, key)| {
            let Url { is_tls, host, port } = first_url(pod.flag(urls)?)?;
            let (certificate, key) = (pod.file(certificate), pod.file(key));
            is_tls.then_some(Endpoint { purpose, host, port, certificate, key })
        })
        .collect()
}

fn health(name: &str, pod: &StaticPod, endpoint: Option<&Endpoint>) -> Option<Health> {
    // etcd is ready only with a quorum; after all members' certificates have expired, the first one to be restarted
    // has none, and waiting for it would keep the others from their turn.
    let probe = match name {
        "kube-apiserver" => pod.readiness().or(pod.liveness()),
        _ => pod.liveness(),
    };
    if let Some(probe) = probe {
        return Some(asked_by(probe));
    }
    let get = |path: &str, is_tls| HealthAction::Get { path: path.into(), is_tls, may_refuse: true };
    if name == "etcd" {
        let Url { is_tls, host, port } = first_url(pod.flag("listen-metrics-urls")?)?;
        return Some(Health { host, port, action: get("/health?serializable=true", is_tls) });
    }
    let Endpoint { host, port, .. } = endpoint?;
    let path = if name == "kube-apiserver" { "/readyz" } else { "/healthz" };
    Some(Health { host: host.clone(), port: *port, action: get(path, true) })
}

fn asked_by(probe: &Probe) -> Health {
    let action = match &probe.path {
        Some(path) => HealthAction::Get { path: path.clone(), is_tls: probe.is_tls, may_refuse: false },
        None => HealthAction::Connect,
    };
    Health { host: reachable(probe.host.as_deref().unwrap_or_default()), port: probe.port, action }
}

/// The first URL of a list, with an address at which this host reaches it; one that this host alone can reach goes first.
fn first_url(urls: &str) -> Option<Url> {
    let all = Url::list(urls).map(|url| Url { host: reachable(&url.host), ..url });
    all.min_by_key(|url| url.host != LOCALHOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(command: &[&str], probes: &str) -> StaticPod {
        let text = format!("spec: {{containers: [{{command: {}{probes}}}]}}", serde_json::to_string(command).unwrap());
        StaticPod::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn etcd_is_looked_at_on_the_loopback_address_and_its_health_asked_without_a_quorum() {
        let etcd = from_manifest(
            "etcd",
            &pod(
                &[
                    "etcd",
                    "--cert-file=/etc/kubernetes/pki/etcd/server.crt",
                    "--key-file=/etc/kubernetes/pki/etcd/server.key",
                    "--listen-client-urls=https://192.0.2.10:2379,https://127.0.0.1:2379",
                    "--listen-peer-urls=https://[fd00::10]:2380",
                    "--listen-metrics-urls=http://127.0.0.1:2381",
                ],
                ", readinessProbe: {httpGet: {path: /readyz, port: 2381}}",
            ),
        );
        let places: Vec<_> = etcd.endpoints.iter().map(|one| (one.purpose, one.host.as_str(), one.port)).collect();
        assert_eq!(places, [("clients", "127.0.0.1", 2379), ("peers", "fd00::10", 2380)]);
        assert_eq!(etcd.endpoints[0].certificate, Some("/etc/kubernetes/pki/etcd/server.crt".into()));
        assert_eq!(etcd.endpoints[1].certificate, None);
        let health = etcd.health.unwrap();
        assert_eq!(health.port, 2381);
        let HealthAction::Get { path, is_tls, .. } = health.action else { panic!("{:?}", health.action) };
        assert_eq!((path.as_str(), is_tls), ("/health?serializable=true", false));
        assert_eq!(etcd.pairs.len(), 1);
    }

    #[test]
    fn a_file_with_two_uses_is_as_late_as_the_later_one() {
        let manager = from_manifest(
            "kube-controller-manager",
            &pod(
                &["x", "--client-ca-file=/pki/ca.crt", "--root-ca-file=/pki/ca.crt", "--tls-cert-file=/pki/a.crt"],
                "",
            ),
        );
        let file = |path: &str, reload| ReadFile { path: path.into(), reload };
        assert_eq!(manager.files, [file("/pki/a.crt", Reload::Watched), file("/pki/ca.crt", Reload::AtStart)]);
    }

    #[test]
    fn what_the_controller_manager_signs_and_makes_tokens_with_is_known() {
        let flags = [
            "x",
            "--cluster-signing-cert-file=/pki/ca.crt",
            "--cluster-signing-key-file=/pki/ca.key",
            "--cluster-signing-kubelet-client-cert-file=/pki/k.crt",
            "--service-account-private-key-file=/pki/sa.key",
        ];
        let manager = from_manifest("kube-controller-manager", &pod(&flags, ""));
        assert_eq!(manager.signing, [("/pki/ca.crt".into(), "/pki/ca.key".into())], "a pair is two files");
        let tokens = ServiceAccount { key: "/pki/sa.key".into(), public_keys: vec!["/pki/sa.pub".into()] };
        assert_eq!(manager.service_account, Some(tokens));
    }

    #[test]
    fn what_a_manifest_does_not_say_is_the_default() {
        let scheduler = from_manifest("kube-scheduler", &pod(&["kube-scheduler", "--bind-address=0.0.0.0"], ""));
        assert_eq!((scheduler.endpoints[0].host.as_str(), scheduler.endpoints[0].port), ("127.0.0.1", 10259));
        assert_eq!(scheduler.endpoints[0].certificate, None);
        let action = HealthAction::Get { path: "/healthz".into(), is_tls: true, may_refuse: true };
        assert_eq!(scheduler.health, Some(Health { host: "127.0.0.1".into(), port: 10259, action }));
        let off = from_manifest("kube-scheduler", &pod(&["kube-scheduler", "--secure-port=0"], ""));
        assert_eq!((off.endpoints.len(), off.health), (0, None));
    }

    #[test]
    fn the_api_server_must_be_ready_where_its_manifest_says_how_to_ask() {
        let probes = ", livenessProbe: {httpGet: {path: /livez, port: 6443, scheme: HTTPS, host: 192.0.2.10}}, \
                      readinessProbe: {httpGet: {path: /readyz, port: 6443, scheme: HTTPS, host: 192.0.2.10}}";
        let server = from_manifest("kube-apiserver", &pod(&["kube-apiserver"], probes));
        let action = HealthAction::Get { path: "/readyz".into(), is_tls: true, may_refuse: false };
        assert_eq!(server.health, Some(Health { host: "192.0.2.10".into(), port: 6443, action }));
    }
}
