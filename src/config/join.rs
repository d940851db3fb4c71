//! `JoinConfiguration`: how a node finds the cluster that it joins.
//!
//! In: the view of a checked document. Out: [`Join`], defaulted and judged. No cluster is asked and no discovery file
//! is read.
//!
//! Source: kubeadm `ValidateJoinConfiguration`, `ValidateDiscovery`, `SetDefaults_JoinConfiguration`.

use super::network::{parse_host_port, split_host_port};
use super::problem::{Code, Problems, quoted};
use super::spec::{Endpoint, Host};
use super::value::{certificate_key, token};
use super::view::View;

/// `caCertPath` unless told otherwise.
pub(super) const CA_CERT_PATH: &str = "/etc/kubernetes/pki/ca.crt";

/// What a joining node knows of its cluster.
#[derive(Debug)]
pub(super) struct Join {
    /// Where discovery asks the API server.
    pub(super) discovery_endpoint: Option<Endpoint>,
    pub(super) ca_cert_path: String,
    /// Whether only a file, which nobody has read, says where the API server is.
    pub(super) discovers_by_file: bool,
    /// Whether the node becomes part of the control plane.
    pub(super) is_control_plane: bool,
}

/// Reads and judges a `JoinConfiguration`, but for the parts of [`super::node`].
pub(super) fn read(view: &View<'_>, problems: &mut Problems) -> Join {
    let control_plane = view.field("controlPlane");
    certificate_key(&control_plane.field("certificateKey"), problems);
    let by = |method: &str| view.path(&["discovery", method]).is_present();
    Join {
        discovers_by_file: by("file") && !by("bootstrapToken"),
        discovery_endpoint: discovery(&view.field("discovery"), problems),
        ca_cert_path: ca_cert_path(&view.field("caCertPath"), problems),
        is_control_plane: control_plane.is_present(),
    }
}

fn ca_cert_path(view: &View<'_>, problems: &mut Problems) -> String {
    let path = view.text().unwrap_or(CA_CERT_PATH);
    if !path.starts_with('/') || path.strip_suffix(".crt").is_none() {
        let message = format!("{} is not the absolute path of a .crt file", quoted(path));
        problems.add(Code::Path, view.place(), message, format!("write it as {CA_CERT_PATH}"));
    }
    path.to_owned()
}

fn discovery(view: &View<'_>, problems: &mut Problems) -> Option<Endpoint> {
    if view.is_unusable() {
        return None;
    }
    let (by_token, by_file) = (view.field("bootstrapToken"), view.field("file"));
    match (by_token.is_present(), by_file.is_present()) {
        (false, false) => problems.add(
            Code::Discovery,
            view.place(),
            "the node cannot find its cluster: neither discovery.bootstrapToken nor discovery.file is given",
            "add discovery.bootstrapToken with apiServerEndpoint, token and caCertHashes (`kubeadm token create \
             --print-join-command` prints all three)",
        ),
        (true, true) => problems.add(
            Code::Discovery,
            view.place(),
            "discovery.bootstrapToken and discovery.file are both given",
            "keep one of them",
        ),
        _ => {}
    }
    token(&view.field("tlsBootstrapToken"), problems);
    check_file(&by_file, problems);
    if by_token.is_present() && !by_token.is_unusable() { token_discovery(&by_token, problems) } else { None }
}

fn check_file(view: &View<'_>, problems: &mut Problems) {
    let path = view.field("kubeConfigPath");
    if !view.is_present() || view.is_unusable() || path.is_unusable() {
        return;
    }
    let Some(text) = path.text() else {
        let hint = "add the path or the https URL of a kubeconfig file";
        problems.add(Code::Discovery, path.place(), "kubeConfigPath is missing", hint);
        return;
    };
    if let Some((scheme, _)) = text.split_once("://")
        && !matches!(scheme, "https" | "file")
    {
        let message = format!("a kubeconfig file cannot be fetched by {}", quoted(scheme));
        problems.add(Code::Discovery, path.place(), message, "use https, or a path");
    }
}

fn token_discovery(view: &View<'_>, problems: &mut Problems) -> Option<Endpoint> {
    let secret = view.field("token");
    if secret.text().is_none() && !secret.is_unusable() {
        let hint = "add token: `kubeadm token create` makes one";
        problems.add(Code::Discovery, secret.place(), "the bootstrap token is missing", hint);
    }
    token(&secret, problems);
    check_hashes(view, problems);
    endpoint(&view.field("apiServerEndpoint"), problems)
}

fn check_hashes(view: &View<'_>, problems: &mut Problems) {
    const HEX_DIGITS: usize = 64;
    let hashes = view.field("caCertHashes");
    if hashes.items().is_empty() && !hashes.is_unusable() && !view.field("unsafeSkipCAVerification").flag() {
        problems.add(
            Code::Discovery,
            hashes.place(),
            "without caCertHashes the node cannot know that it talks to its own cluster",
            "add caCertHashes with sha256: and the hash of the CA's public key",
        );
    }
    for hash in hashes.items() {
        let text = hash.text().unwrap_or_default();
        let good = text
            .strip_prefix("sha256:")
            .is_some_and(|digits| digits.len() == HEX_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if !good && !hash.is_unusable() {
            let message = format!("{} is not the hash of a public key", quoted(text));
            problems.add(Code::Discovery, hash.place(), message, "write sha256: and 64 hexadecimal digits");
        }
    }
}

/// `apiServerEndpoint`; its port is mandatory, and its host may be written in upper case.
fn endpoint(view: &View<'_>, problems: &mut Problems) -> Option<Endpoint> {
    if view.is_unusable() {
        return None;
    }
    let Some(text) = view.text() else {
        let hint = "add the host and port of an API server of the cluster, as api.example.com:6443";
        problems.add(Code::Discovery, view.place(), "apiServerEndpoint is missing", hint);
        return None;
    };
    let parsed = match split_host_port(text) {
        Some(_) => parse_host_port(&text.to_ascii_lowercase()),
        None => Err("a port is required: write host:port"),
    };
    let fault = match parsed {
        Ok((host, Some(port))) => return Some(Endpoint { host, port }),
        Ok((Host::Ip(_) | Host::Dns(_), None)) => "a port is required: write host:port",
        Err(fault) => fault,
    };
    problems.add(Code::Endpoint, view.place(), format!("{} is not an endpoint", quoted(text)), fault);
    None
}
