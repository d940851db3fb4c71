//! What kubelets and API servers are told, so that kubelets serve certificates that the cluster signs and the API server
//! verifies them.
//!
//! In: a document's text. Out: a [`Setting`]: the text as it is to be, every other byte kept; or a [`SettingError`]. Which
//! step is missing where a kubelet does not ask for its certificate ([`missing_step`]). It reads nothing.
//!
//! Source: `kubelet.config.k8s.io/v1beta1` (`serverTLSBootstrap`); kubeadm v1beta3 and v1beta4 (`apiServer.extraArgs`);
//! kube-apiserver `--kubelet-certificate-authority`, `--kubelet-preferred-address-types`.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::setting::{Document, Setting, SettingError, extra_arg, manifest_file};
use crate::catalogue::DEFAULT_KUBECONFIG_DIR;
use crate::component::StaticPod;
use crate::error::faults;
use crate::objects::{APPROVED, CertificateSigningRequest, DENIED, Node, NodeAddress};
use crate::remedy::command;
use crate::yaml::{self, Kind, Step};

/// What lets a kubelet ask the cluster for its serving certificate.
const BOOTSTRAP: &str = "serverTLSBootstrap";

/// The API server's flag with the file of the CA that kubelets' certificates are verified with.
pub const AUTHORITY_FLAG: &str = "kubelet-certificate-authority";

/// The API server's flag that says which of a node's addresses it takes.
const ADDRESS_TYPES: &str = "kubelet-preferred-address-types";

/// The API server's own order. Source: `cmd/kube-apiserver/app/options/options.go`.
const DEFAULT_TYPES: &str = "Hostname,InternalDNS,InternalIP,ExternalDNS,ExternalIP";

/// The program that a manifest runs.
const API_SERVER: &str = "kube-apiserver";

faults! {
    /// Why a component is not told something else.
    pub enum ServingError or Setting(SettingError) {
        /// The node has no API server of its own: it is a worker, or its manifests are elsewhere.
        #[error("this node has no API server: {} is not there", manifest.display())]
        #[fault("serving.no_api_server", Usage, "run it on a control-plane node, or name the folder of its manifests: --manifests-dir DIR",
            context = crate::error::evidence!(manifest))]
        NoApiServer {
            /// The manifest that is missing.
            manifest: PathBuf,
        },
        /// The node has no kubelet that kubeadm has set up.
        #[error("{} is not there", path.display())]
        #[fault("serving.no_kubelet", Usage, "run it on a node that has joined, or name the kubelet's directory: --kubelet-dir DIR",
            context = crate::error::evidence!(path))]
        NoKubelet {
            /// The configuration that is missing.
            path: PathBuf,
        },
        /// A flag of the kubelet's service switches off what its configuration is to switch on; flags go before it.
        #[error("the kubelet is called with --rotate-server-certificates=false, which goes before its configuration")]
        #[fault("serving.flag_wins", Finding, "take the flag out of kubeadm-flags.env or of /etc/default/kubelet")]
        FlagWins,
        /// No request of the kubelet for its serving certificate came in time; the message says which step is missing.
        #[error("no request of {node} for its serving certificate within {} s: {missing}", waited.as_secs())]
        #[fault("serving.no_request", Environment, hint.clone(), context = crate::error::evidence!(node, waited, missing))]
        NoRequest {
            /// The node.
            node: String,
            /// How long it was waited for.
            waited: std::time::Duration,
            /// The step that is missing.
            missing: String,
            /// What to do.
            hint: String,
        },
        /// Nodes do not serve a certificate that the cluster's CA verifies: the API server would not reach them any more, for
        /// logs, exec and port-forward.
        #[error("{} of {all} nodes serve no certificate that can be verified: {}", nodes.len(), nodes.join("; "))]
        #[fault("serving.unverified", Refused, format!("on each of them: {}, then approve its request: {}",
            command(["kubepki", "kubelet", "enable-serving-certs", "--restart"]), command(["kubepki", "kubelet", "approve"])),
            context = crate::error::evidence!(nodes, all))]
        Unverified {
            /// Each node, and what is wrong there.
            nodes: Vec<String>,
            /// How many there are.
            all: usize,
        },
        /// The cluster has no nodes: nothing can be verified.
        #[error("the cluster has no nodes")]
        #[fault("serving.no_nodes", Refused, "name the cluster's kubeconfig: --kubeconfig FILE")]
        NoNodes,
        /// The API server of this node has not come back with its new flag; its manifest as it was is in the backup.
        #[error("{component} has not come back within {} s: {reason}", waited.as_secs())]
        #[fault("serving.not_back", Environment,
            "see why: `crictl ps --all`, `crictl logs ID`; the manifest as it was is in the backup: `kubepki backup list`",
            context = crate::error::evidence!(component, waited, reason))]
        NotBack {
            /// The component.
            component: String,
            /// How long it was waited for.
            waited: std::time::Duration,
            /// What is still wrong.
            reason: String,
        },
    }
}

/// The kubelet's configuration, asking the cluster for its serving certificate.
///
/// # Errors
/// [`SettingError::Unfit`].
pub fn kubelet_configuration(place: &str, text: &str) -> Result<Setting, SettingError> {
    let document = Document::new(place, text, format!("{BOOTSTRAP}: true"));
    let root = document.read()?;
    document.version_of(&root, "kubelet.config.k8s.io", "KubeletConfiguration")?;
    // `yes` is true for the kubelet.
    if root.get(BOOTSTRAP).and_then(yaml::Node::as_scalar).is_some_and(|scalar| scalar.kind() == Kind::Bool(true)) {
        return Ok(document.kept());
    }
    document.with(&[Step::Key(BOOTSTRAP)], &yaml::Node::plain(true))
}

/// kubeadm's configuration of the cluster, with the flag for the API servers that it sets up from now on.
///
/// # Errors
/// [`SettingError::Unfit`].
pub fn cluster_configuration(place: &str, text: &str, authority: &Path) -> Result<Setting, SettingError> {
    extra_arg(place, text, "apiServer", AUTHORITY_FLAG, Some(&authority.display().to_string()))
}

/// Where kubeadm's configuration has the certificates; kubeadm's own folder where it does not say.
#[must_use]
pub fn certificates_dir(text: &str) -> PathBuf {
    let root = yaml::parse(text).unwrap_or_default();
    root.letters("certificatesDir").map_or_else(|| Path::new(DEFAULT_KUBECONFIG_DIR).join("pki"), PathBuf::from)
}

/// The API server's manifest with the flag, in kubeadm's order; one that names a CA already stays as it is.
///
/// # Errors
/// [`SettingError::Unfit`].
pub fn api_server_manifest(place: &str, text: &str, authority: &Path) -> Result<Setting, SettingError> {
    // One that cannot be read is refused below.
    let pod = StaticPod::parse(text.as_bytes()).unwrap_or_default();
    if let Some(own) = authority_of(&pod) {
        let says = format!("--{AUTHORITY_FLAG}={}", own.display());
        return Ok(Document::new(place, text, says).kept());
    }
    manifest_file(place, text, API_SERVER, AUTHORITY_FLAG, authority)
}

/// The file, as the container has it, of the CA that kubelets' certificates are verified with.
#[must_use]
pub fn authority_of(pod: &StaticPod) -> Option<PathBuf> {
    pod.flag(AUTHORITY_FLAG).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The address through which an API server with this manifest reaches a node's kubelet.
#[must_use]
pub fn preferred_address<'n>(pod: &StaticPod, node: &'n Node) -> Option<&'n NodeAddress> {
    let types = pod.flag(ADDRESS_TYPES).filter(|types| !types.is_empty()).unwrap_or(DEFAULT_TYPES);
    types.split(',').find_map(|kind| node.status.addresses.iter().find(|one| one.kind == kind.trim()))
}

/// What came of a kubelet's wish for a serving certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Awaited {
    /// Its request waits to be approved.
    Waits,
    /// Its request was denied.
    Denied,
    /// It has its certificate.
    Served,
}

impl Awaited {
    /// Its word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waits => "waits",
            Self::Denied => "denied",
            Self::Served => "served",
        }
    }
}

/// What came of it, by the requests of the node; none while there is nothing to see.
#[must_use]
pub fn awaited(
    requests: &[CertificateSigningRequest],
    has_certificate: bool,
    told_at: DateTime<Utc>,
) -> Option<(Awaited, Option<&CertificateSigningRequest>)> {
    if let Some(pending) = newest(requests.iter().filter(|one| one.is_pending())) {
        return Some((Awaited::Waits, Some(pending)));
    }
    if has_certificate {
        return Some((Awaited::Served, None));
    }
    let newest = newest(requests.iter().filter(|one| is_after(one, told_at)))?;
    newest.condition(DENIED).is_some().then_some((Awaited::Denied, Some(newest)))
}

fn newest<'r>(requests: impl Iterator<Item = &'r CertificateSigningRequest>) -> Option<&'r CertificateSigningRequest> {
    requests.max_by_key(|one| one.metadata.creation_timestamp)
}

fn is_after(request: &CertificateSigningRequest, moment: DateTime<Utc>) -> bool {
    // The cluster's clock has whole seconds, and is another one.
    request.metadata.creation_timestamp.is_some_and(|made| (moment - made).num_seconds() < 5)
}

/// What can be seen of a kubelet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenKubelet {
    /// When it started; none when it does not run, or nobody can see it.
    pub started_at: Option<DateTime<Utc>>,
    /// The configuration that it was called with; none where it cannot be seen.
    pub reads: Option<PathBuf>,
}

/// Which step is missing, and what to do.
#[must_use]
pub fn missing_step(
    kubelet: &SeenKubelet,
    configuration: &Path,
    told_at: DateTime<Utc>,
    requests: &[CertificateSigningRequest],
) -> (String, String) {
    let restart = command(["kubepki", "restart", "kubelet"]);
    let shown = configuration.display();
    let log = "see what it says: `journalctl -u kubelet`";
    match (kubelet.started_at, &kubelet.reads) {
        (None, _) => ("the kubelet does not run".into(), format!("start it: {restart}; {log}")),
        (Some(started), _) if started < told_at => (
            format!("the kubelet was not restarted: it started before {shown} changed"),
            format!("restart it: {restart}"),
        ),
        (_, Some(reads)) if reads != configuration => (
            format!("the kubelet does not read {shown}: it was called with --config {}", reads.display()),
            format!("name its directory: --kubelet-dir {}", reads.parent().unwrap_or(reads).display()),
        ),
        _ if requests.iter().any(|one| is_after(one, told_at) && one.condition(APPROVED).is_some()) => (
            "its request was approved, and the certificate is not there: the controller manager has not signed it"
                .into(),
            "see what the controller manager says: `kubectl -n kube-system logs -l component=kube-controller-manager`"
                .into(),
        ),
        _ => (
            "the kubelet runs with its new configuration, and its request is not there".into(),
            format!("{log}; another configuration (--config-dir), or a flag, may switch it off"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    const AUTHORITY: &str = "/etc/kubernetes/pki/ca.crt";

    fn kubelet(text: &str) -> Result<String, String> {
        kubelet_configuration("it", text).map(|setting| setting.after).map_err(|error| error.to_string())
    }

    fn cluster(text: &str) -> Result<String, String> {
        let made = cluster_configuration("it", text, Path::new(AUTHORITY));
        made.map(|setting| setting.after).map_err(|error| error.to_string())
    }

    #[test]
    fn a_kubelet_is_told_to_ask_and_nothing_else_changes() {
        let head = "apiVersion: kubelet.config.k8s.io/v1beta1\n";
        for (before, after) in [
            ("kind: KubeletConfiguration\n", "kind: KubeletConfiguration\nserverTLSBootstrap: true\n"),
            (
                "kind: KubeletConfiguration # of w1\nrotateCertificates: true\n# static\nstaticPodPath: /m\n",
                "kind: KubeletConfiguration # of w1\nrotateCertificates: true\nserverTLSBootstrap: true\n# static\nstaticPodPath: /m\n",
            ),
            (
                "kind: KubeletConfiguration\nserverTLSBootstrap: false # not yet\n",
                "kind: KubeletConfiguration\nserverTLSBootstrap: true # not yet\n",
            ),
            // YAML 1.1, as the kubelet reads it.
            (
                "kind: KubeletConfiguration\nserverTLSBootstrap: yes\n",
                "kind: KubeletConfiguration\nserverTLSBootstrap: yes\n",
            ),
        ] {
            let after = format!("{head}{after}");
            assert_eq!(kubelet(&format!("{head}{before}")), Ok(after.clone()));
            assert_eq!(kubelet(&after), Ok(after.clone()), "again");
        }
        let json = r#"{"kind":"KubeletConfiguration","apiVersion":"kubelet.config.k8s.io/v1beta1"}"#;
        assert_eq!(kubelet(json), Ok(json.replacen('{', "{\"serverTLSBootstrap\": true, ", 1)));
        for (text, said) in [
            ("", "it is not a KubeletConfiguration"),
            ("apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n", "it is not a KubeletConfiguration"),
            (
                &format!("{head}kind: KubeletConfiguration\nkind: KubeletConfiguration\n"),
                "line 3: the key \"kind\" appears twice",
            ),
            (
                &format!("{head}kind: KubeletConfiguration\nserverTLSBootstrap: &a false\nrotateCertificates: *a\n"),
                "alone",
            ),
        ] {
            let error = kubelet(text).unwrap_err();
            assert!(error.contains(said), "{text:?}: {error}");
        }
    }

    #[test]
    fn kubeadm_keeps_the_flag_in_the_form_of_its_version() {
        let listed = "    - name: kubelet-certificate-authority\n      value: /etc/kubernetes/pki/ca.crt\n";
        let list = |before: &str| format!("apiVersion: kubeadm.k8s.io/v1beta4\n{before}kind: ClusterConfiguration\n");
        for (before, after) in [
            ("", None),
            (
                "apiServer: {}\n",
                Some(format!("apiServer:\n  extraArgs:\n{}", listed.replace("\n  ", "\n").replacen("  ", "", 1))),
            ),
            (
                "apiServer:\n  extraArgs:\n    - name: v # loud\n      value: \"2\"\n",
                Some(format!("apiServer:\n  extraArgs:\n    - name: v # loud\n      value: \"2\"\n{listed}")),
            ),
            (
                "apiServer:\n  extraArgs:\n    - name: kubelet-certificate-authority\n      value: /other\n",
                Some(format!("apiServer:\n  extraArgs:\n{listed}")),
            ),
        ] {
            let made = cluster(&list(before)).unwrap();
            if let Some(after) = after {
                assert_eq!(made, list(&after));
            }
            assert_eq!(cluster(&made), Ok(made.clone()), "again: {before}");
        }
        let map = |before: &str| {
            format!(
                "apiServer:\n  extraArgs:\n{before}apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\n"
            )
        };
        let made = cluster(&map("    audit-log-maxage: \"30\"\n    v: \"2\"\n")).unwrap();
        let flag = "    kubelet-certificate-authority: /etc/kubernetes/pki/ca.crt\n";
        assert_eq!(made, map(&format!("    audit-log-maxage: \"30\"\n{flag}    v: \"2\"\n")));
        assert!(
            cluster("apiVersion: kubeadm.k8s.io/v1beta2\nkind: ClusterConfiguration\n")
                .unwrap_err()
                .contains("v1beta2")
        );
        assert!(cluster(&list("apiServer:\n  extraArgs: {v: \"2\"}\n")).unwrap_err().contains("a list"));
    }

    const MANIFEST: &str = "\
# of kubeadm
spec:
  containers:
  - command:
    - kube-apiserver
    - --client-ca-file=/etc/kubernetes/pki/ca.crt # who
    - --kubelet-client-certificate=/etc/kubernetes/pki/apiserver-kubelet-client.crt
    - --kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname
    volumeMounts:
    - {mountPath: /etc/kubernetes/pki, name: pki}
  volumes:
  - {name: pki, hostPath: {path: /etc/kubernetes/pki, type: DirectoryOrCreate}}
";

    #[test]
    fn the_manifest_gets_the_flag_in_kubeadms_order() {
        let told = |text: &str| api_server_manifest("it", text, Path::new(AUTHORITY));
        let flag = "    - --kubelet-certificate-authority=/etc/kubernetes/pki/ca.crt\n";
        let before = "    - --kubelet-client-certificate";
        let after = MANIFEST.replace(before, &format!("{flag}{before}"));
        assert_eq!(told(MANIFEST).unwrap().after, after);
        assert!(told(&after).unwrap().is_set());
        let empty = after.replace("authority=/etc/kubernetes/pki/ca.crt", "authority=");
        assert_eq!(told(&empty).unwrap().after, after);
        let own = after.replace("authority=/etc/kubernetes/pki/ca.crt", "authority=/etc/kubernetes/pki/kubelet-ca.crt");
        assert!(told(&own).unwrap().is_set(), "a CA of its own stays");
        let arguments =
            MANIFEST.replace("  - command:\n    - kube-apiserver\n", "  - command: [kube-apiserver]\n    args:\n");
        assert!(told(&arguments).unwrap().after.contains(flag));
        for (text, said) in [
            (MANIFEST.replace("kube-apiserver", "sh"), "its first word is not kube-apiserver"),
            (
                MANIFEST.replace("hostPath: {path: /etc/kubernetes/pki", "hostPath: {path: /srv"),
                "not where they are expected",
            ),
            (MANIFEST.replace("mountPath: /etc/kubernetes/pki", "mountPath: /in"), "does not mount"),
            ("spec: {containers: []}".to_owned(), "no container"),
            (
                MANIFEST
                    .replace("command:", "command: &c")
                    .replace("    volumeMounts", "    args: *c\n    volumeMounts"),
                "alone",
            ),
        ] {
            let error = told(&text).unwrap_err().to_string();
            assert!(error.contains(said), "{said}: {error}");
        }
    }

    #[test]
    fn a_node_is_reached_by_the_first_type_of_address_that_it_has() {
        let address = |kind: &str, address: &str| NodeAddress { kind: kind.into(), address: address.into() };
        let mut node = Node::default();
        node.status.addresses = vec![address("Hostname", "w1"), address("InternalIP", "10.0.0.7")];
        let of = |text: &str| StaticPod::parse(text.as_bytes()).unwrap();
        let reached = |text: &str| preferred_address(&of(text), &node).map(|one| one.address.clone());
        assert_eq!(reached(MANIFEST).as_deref(), Some("10.0.0.7"));
        assert_eq!(reached("spec: {containers: [{command: [kube-apiserver]}]}").as_deref(), Some("w1"));
        let other = MANIFEST.replace("InternalIP,ExternalIP,Hostname", "ExternalDNS");
        assert_eq!(reached(&other), None);
    }

    #[test]
    fn the_step_that_is_missing_is_named() {
        let at = |minute| Utc.with_ymd_and_hms(2026, 11, 27, 12, minute, 0).unwrap();
        let request = |minute, condition: Option<&str>| {
            let mut one = CertificateSigningRequest::default();
            one.metadata.creation_timestamp = Some(at(minute));
            if let Some(kind) = condition {
                one.set_condition(kind, "", "", at(minute));
            }
            one
        };
        let path = Path::new("/var/lib/kubelet/config.yaml");
        let seen =
            |started: Option<u32>, reads: &str| SeenKubelet { started_at: started.map(at), reads: Some(reads.into()) };
        for (kubelet, requests, said) in [
            (SeenKubelet::default(), vec![], "does not run"),
            (seen(Some(9), "/var/lib/kubelet/config.yaml"), vec![], "was not restarted"),
            (seen(Some(11), "/other/config.yaml"), vec![], "does not read"),
            (seen(Some(11), "/var/lib/kubelet/config.yaml"), vec![request(11, Some(APPROVED))], "has not signed it"),
            (
                seen(Some(11), "/var/lib/kubelet/config.yaml"),
                vec![request(1, Some(APPROVED))],
                "its request is not there",
            ),
        ] {
            let (missing, hint) = missing_step(&kubelet, path, at(10), &requests);
            assert!(missing.contains(said) && !hint.is_empty(), "{said}: {missing}");
        }
        let pending = [request(1, Some(DENIED)), request(11, None)];
        assert_eq!(awaited(&pending, true, at(10)).map(|(state, _)| state), Some(Awaited::Waits));
        assert_eq!(awaited(&[], true, at(10)).map(|(state, _)| state), Some(Awaited::Served));
        let denied = [request(11, Some(DENIED))];
        assert_eq!(awaited(&denied, false, at(10)).map(|(state, _)| state), Some(Awaited::Denied));
        assert_eq!(awaited(&[request(1, Some(DENIED))], false, at(10)), None, "before it was told");
    }
}
