//! Which files a running component loads again by itself, and which it reads only as it starts.
//!
//! In: a component, the flag (or the kubelet's own name of the file), the component's version. Out: [`Reload`]. Adding
//! a flag is adding a row to [`RELOADS`]; what has no row is read at the start. `docs/reference/reload.md` is this table.
//!
//! Source: the components' own code at Kubernetes 1.36.2 and etcd 3.6.8, named in each row; "seen" is a real kubeadm
//! cluster of 1.36.2.

use super::{CLUSTER_CA, ETCD_CA, FRONT_PROXY_CA, KUBELET_CLIENT, KUBELET_CONF, KUBELET_SERVER};
use crate::config::KubernetesVersion;

/// When a running component uses a file that has changed; the soonest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reload {
    /// Each connection reads it anew.
    NextConnection,
    /// The file is watched: at once, and after a minute where the watch was lost.
    Watched,
    /// Each new connection reads it anew; those that are open are looked after every five minutes.
    FiveMinutes,
    /// The component writes it itself, and uses what it has written; what others put there is read at the start.
    OwnFile,
    /// Only as it starts.
    AtStart,
}

impl Reload {
    /// Whether a change by somebody else is used without a restart.
    #[must_use]
    pub const fn is_by_itself(self) -> bool {
        self.within_seconds().is_some()
    }

    /// How long it takes at most until nothing of the old content is used; none for ever.
    #[must_use]
    pub const fn within_seconds(self) -> Option<i64> {
        match self {
            Self::NextConnection => Some(0),
            Self::Watched => Some(60),
            Self::FiveMinutes => Some(300),
            Self::OwnFile | Self::AtStart => None,
        }
    }

    /// As the reference has it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NextConnection => "by itself: each connection reads it",
            Self::Watched => "by itself: at once, within a minute at the latest",
            Self::FiveMinutes => "by itself: new connections at once, open ones within 5 minutes",
            Self::OwnFile => "by itself when it has written the file itself; else at its restart",
            Self::AtStart => "at its restart",
        }
    }
}

/// How a component treats the files of some of its flags.
#[derive(Debug)]
pub struct ReloadRow {
    /// The component.
    pub component: &'static str,
    /// Its flags without dashes; of the kubelet, the fields of its configuration and the names of its own files.
    pub settings: &'static [&'static str],
    /// When a change is used.
    pub reload: Reload,
    /// The first release that does so by itself, where older ones that kubeadm's `v1beta3` knows (1.22) do not.
    pub since: Option<&'static str>,
    /// How that is known.
    pub evidence: &'static str,
}

const fn row(
    component: &'static str,
    settings: &'static [&'static str],
    reload: Reload,
    since: Option<&'static str>,
    evidence: &'static str,
) -> ReloadRow {
    ReloadRow { component, settings, reload, since, evidence }
}

const ETCD: &str = "etcd";
const API_SERVER: &str = "kube-apiserver";
const CONTROLLER_MANAGER: &str = "kube-controller-manager";
const SCHEDULER: &str = "kube-scheduler";
/// The component that is no static pod.
pub const KUBELET: &str = "kubelet";

const SERVING_FLAGS: &[&str] = &["tls-cert-file", "tls-private-key-file", "tls-sni-cert-key"];
const SERVING: &str =
    "apiserver `server/options/serving.go`, `dynamiccertificates/dynamic_serving_content.go` (inotify)";
const CLIENT_CA: &[&str] = &["client-ca-file", "requestheader-client-ca-file"];
const CLIENT_CA_EVIDENCE: &str =
    "apiserver `server/options/authentication.go`, `dynamiccertificates/dynamic_cafile_content.go` (inotify)";
const KUBECONFIG_FLAGS: &[&str] = &["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"];
const KUBECONFIG_EVIDENCE: &str = "`clientcmd` reads the file once. A client certificate that the kubeconfig names as a file is read at each connection (client-go `transport/cert_rotation.go`), and a CA file every five minutes from 1.36 on (`transport/ca_rotation.go`)";

/// What is known of every component, in the order of the restarts.
pub const RELOADS: [ReloadRow; 25] = [
    row(
        ETCD,
        &["cert-file", "key-file", "peer-cert-file", "peer-key-file"],
        Reload::NextConnection,
        None,
        "seen with 3.4 and 3.6: ports 2379 and 2380 serve a changed pair at the next connection; etcd `client/pkg/transport/listener.go` (`GetCertificate`, `GetClientCertificate`) in 3.4 to 3.6",
    ),
    row(
        ETCD,
        &["client-crl-file", "peer-crl-file"],
        Reload::NextConnection,
        None,
        "etcd `client/pkg/transport/listener_tls.go` (`checkCRL`)",
    ),
    row(
        ETCD,
        &["trusted-ca-file", "peer-trusted-ca-file"],
        Reload::AtStart,
        None,
        "seen with 3.4 and 3.6: until the restart a client of a CA that was added is refused, and one of a CA that was taken out is served; etcd `client/pkg/transport/listener.go` (`ServerConfig`) in 3.4 to 3.6; etcd-io/etcd issue 11555 is open",
    ),
    row(
        API_SERVER,
        SERVING_FLAGS,
        Reload::Watched,
        None,
        "seen: a new certificate is served within half a second; apiserver `server/options/serving.go`, `dynamiccertificates/dynamic_serving_content.go` (inotify)",
    ),
    row(
        API_SERVER,
        CLIENT_CA,
        Reload::Watched,
        None,
        "seen: a client of a CA that was added is let in within 2 s, one of a CA that was removed gets 401, on open connections too; apiserver `server/options/authentication.go`, `dynamiccertificates/dynamic_cafile_content.go` (inotify)",
    ),
    row(
        API_SERVER,
        &["proxy-client-cert-file", "proxy-client-key-file"],
        Reload::Watched,
        None,
        "seen: an aggregated server that trusts only the new CA accepts new connections a minute later; kube-aggregator `apiserver/apiserver.go` (`aggregator-proxy-cert`)",
    ),
    row(
        API_SERVER,
        &["kubelet-client-certificate", "kubelet-client-key"],
        Reload::FiveMinutes,
        None,
        "seen: with an expired pair `kubectl logs` failed, and worked 3.5 minutes after the renewal; a restarted kubelet got the new one at once. client-go `transport/cert_rotation.go`: `GetClientCertificate` reads the files, `CertCallbackRefreshDuration` is 5 minutes, connections with an old certificate are closed then",
    ),
    row(
        API_SERVER,
        &["kubelet-certificate-authority"],
        Reload::FiveMinutes,
        Some("1.36.0-alpha.1"),
        "client-go `transport/ca_rotation.go`, feature gate `ClientsAllowCARotation`",
    ),
    row(
        API_SERVER,
        &["etcd-certfile", "etcd-keyfile"],
        Reload::NextConnection,
        None,
        "seen: with an expired pair and a restarted etcd the API server was not ready, and was 14 s after the renewal; apiserver `storage/storagebackend/factory/etcd3.go` takes etcd's `TLSInfo.ClientConfig` (`GetClientCertificate`). Connections that are open stay open",
    ),
    row(
        API_SERVER,
        &["etcd-cafile"],
        Reload::AtStart,
        None,
        "etcd `client/pkg/transport/listener.go` (`ClientConfig` reads `RootCAs` once)",
    ),
    row(
        API_SERVER,
        &["service-account-signing-key-file", "service-account-key-file"],
        Reload::AtStart,
        None,
        "seen: with another sa.key on disk it signs with the old one until its restart, and lets tokens of a key in that was taken out of sa.pub; kubernetes `pkg/controlplane/apiserver/options/options.go`, `pkg/kubeapiserver/options/authentication.go`",
    ),
    row(
        API_SERVER,
        &["oidc-ca-file", "peer-ca-file", "token-auth-file"],
        Reload::AtStart,
        None,
        "kubernetes `pkg/kubeapiserver/options/authentication.go` (`ToAuthenticationConfig`), `pkg/controlplane/apiserver/config.go`",
    ),
    row(
        API_SERVER,
        &["authentication-token-webhook-config-file", "authorization-webhook-config-file", "audit-webhook-config-file"],
        Reload::AtStart,
        None,
        "kubeconfigs: apiserver `util/webhook/webhook.go` (`LoadKubeconfig`)",
    ),
    row(
        CONTROLLER_MANAGER,
        &[
            "cluster-signing-cert-file",
            "cluster-signing-key-file",
            "cluster-signing-kube-apiserver-client-cert-file",
            "cluster-signing-kube-apiserver-client-key-file",
            "cluster-signing-kubelet-client-cert-file",
            "cluster-signing-kubelet-client-key-file",
            "cluster-signing-kubelet-serving-cert-file",
            "cluster-signing-kubelet-serving-key-file",
            "cluster-signing-legacy-unknown-cert-file",
            "cluster-signing-legacy-unknown-key-file",
        ],
        Reload::Watched,
        None,
        "seen: the next request after the change is signed by the new CA; while certificate and key do not fit, or the file holds several certificates, it goes on with the old one. kubernetes `pkg/controller/certificates/signer/ca_provider.go`",
    ),
    row(CONTROLLER_MANAGER, SERVING_FLAGS, Reload::Watched, None, SERVING),
    row(CONTROLLER_MANAGER, CLIENT_CA, Reload::Watched, None, CLIENT_CA_EVIDENCE),
    row(
        CONTROLLER_MANAGER,
        &["root-ca-file", "service-account-private-key-file"],
        Reload::AtStart,
        None,
        "seen: with two CAs in ca.crt every namespace's kube-root-ca.crt had one until the restart; kubernetes `cmd/kube-controller-manager/app/certificates.go` (`getKubeAPIServerCAFileContents`), `app/controllermanager.go` (`readCA`)",
    ),
    row(CONTROLLER_MANAGER, KUBECONFIG_FLAGS, Reload::AtStart, None, KUBECONFIG_EVIDENCE),
    row(SCHEDULER, SERVING_FLAGS, Reload::Watched, None, SERVING),
    row(SCHEDULER, CLIENT_CA, Reload::Watched, None, CLIENT_CA_EVIDENCE),
    row(SCHEDULER, KUBECONFIG_FLAGS, Reload::AtStart, None, KUBECONFIG_EVIDENCE),
    row(
        KUBELET,
        &["tlsCertFile", "tlsPrivateKeyFile", "kubelet.crt", "kubelet.key"],
        Reload::Watched,
        Some("1.31.0-alpha.1"),
        "kubernetes `pkg/kubelet/certificate/kubelet.go` (`NewKubeletServerCertificateDynamicFileManager`), feature gate `ReloadKubeletServerCertificateFile`",
    ),
    row(
        KUBELET,
        &["clientCAFile"],
        Reload::Watched,
        None,
        "kubernetes `cmd/kubelet/app/auth.go` (`BuildAuthn`). From 1.36 on it also names the new CAs to clients (feature gate `ReloadKubeletClientCAFile`); the API server does not look at that",
    ),
    row(
        KUBELET,
        &["kubelet-client-current.pem", "kubelet-server-current.pem"],
        Reload::OwnFile,
        None,
        "seen: a kubelet that renews by itself while a CA is replaced gets its certificate from the CA that signs, and uses it without a restart; client-go `util/certificate/certificate_manager.go`: the file is read as the manager is made, then only written",
    ),
    row(
        KUBELET,
        &["kubelet.conf"],
        Reload::AtStart,
        None,
        "kubernetes `cmd/kubelet/app/server.go` (`buildKubeletClientConfig`)",
    ),
];

/// When `component` uses a change of the file that `setting` names. Of a version that nobody knows, what only newer
/// releases do is not assumed.
#[must_use]
pub fn reload(component: &str, setting: &str, version: Option<&KubernetesVersion>) -> Reload {
    let row = RELOADS.iter().find(|row| row.component == component && row.settings.contains(&setting));
    let is_new_enough = |row: &&ReloadRow| match row.since.and_then(KubernetesVersion::parse) {
        None => true,
        Some(since) => version.is_some_and(|version| *version >= since),
    };
    row.filter(is_new_enough).map_or(Reload::AtStart, |row| row.reload)
}

/// What of a component each certificate is that can be renewed, in the manifests that kubeadm writes; in the order of the
/// restarts. No component that runs holds the others.
const USES: [(&str, &str, &str); 11] = [
    ("etcd-server", ETCD, "cert-file"),
    ("etcd-peer", ETCD, "peer-cert-file"),
    ("apiserver", API_SERVER, "tls-cert-file"),
    ("apiserver-kubelet-client", API_SERVER, "kubelet-client-certificate"),
    ("apiserver-etcd-client", API_SERVER, "etcd-certfile"),
    ("front-proxy-client", API_SERVER, "proxy-client-cert-file"),
    ("controller-manager.conf", CONTROLLER_MANAGER, "kubeconfig"),
    ("scheduler.conf", SCHEDULER, "kubeconfig"),
    (KUBELET_CONF, KUBELET, KUBELET_CONF),
    (KUBELET_CLIENT, KUBELET, "kubelet-client-current.pem"),
    (KUBELET_SERVER, KUBELET, "tlsCertFile"),
];

/// What of a component each CA is, in the manifests and kubeconfigs that kubeadm writes; in the order of the restarts.
const TRUSTS: [(&str, &str, &str); 10] = [
    (ETCD_CA, ETCD, "trusted-ca-file"),
    (ETCD_CA, ETCD, "peer-trusted-ca-file"),
    (ETCD_CA, API_SERVER, "etcd-cafile"),
    (CLUSTER_CA, API_SERVER, "client-ca-file"),
    (FRONT_PROXY_CA, API_SERVER, "requestheader-client-ca-file"),
    (CLUSTER_CA, CONTROLLER_MANAGER, "cluster-signing-cert-file"),
    (CLUSTER_CA, CONTROLLER_MANAGER, "root-ca-file"),
    (CLUSTER_CA, SCHEDULER, "kubeconfig"),
    (CLUSTER_CA, KUBELET, "clientCAFile"),
    (CLUSTER_CA, KUBELET, KUBELET_CONF),
];

/// The flags of manifests that name a file of CAs that are trusted: the CA, the component, the flag.
pub fn trusting_flags() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    TRUSTS.into_iter().filter(|(_, _, setting)| setting.ends_with("ca-file") || setting.ends_with("-cafile"))
}

/// What a flag of a component names in the manifests that kubeadm writes, by the catalogue's name; a certificate's flag alone, not its key's.
#[must_use]
pub fn named_by(component: &str, flag: &str) -> Option<&'static str> {
    let all = USES.iter().chain(&TRUSTS);
    all.into_iter().find(|(_, own, setting)| *own == component && *setting == flag).map(|(name, ..)| *name)
}

/// Every component that holds one of them, in the order of the restarts.
#[must_use]
pub fn components() -> Vec<&'static str> {
    let mut components: Vec<_> = USES.iter().map(|(_, component, _)| *component).collect();
    components.dedup();
    components
}

/// The components that do not load by themselves what was changed of these names, in the order of the restarts.
#[must_use]
pub fn must_restart(changed: &[impl AsRef<str>]) -> Vec<&'static str> {
    let is_changed = |name: &str| changed.iter().any(|one| one.as_ref() == name);
    let due = USES
        .iter()
        .filter(|(name, component, setting)| is_changed(name) && !reload(component, setting, None).is_by_itself());
    let mut components: Vec<_> = due.map(|(_, component, _)| *component).collect();
    components.dedup();
    components
}

/// The components that go on with a CA's certificate as they have read it at their start, in the order of the restarts.
#[must_use]
pub fn must_restart_for(authority: &str) -> Vec<&'static str> {
    let of_it = TRUSTS.iter().filter(|(name, ..)| *name == authority);
    let mut components: Vec<_> = of_it
        .filter(|(_, component, setting)| !reload(component, setting, None).is_by_itself())
        .map(|(_, component, _)| *component)
        .collect();
    components.dedup();
    components
}

/// Whether the flag is known to name a file that is read: `credentials` of a manifest are these, and what looks like one.
#[must_use]
pub fn names_a_file(component: &str, setting: &str) -> bool {
    RELOADS.iter().any(|row| row.component == component && row.settings.contains(&setting))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_newer_releases_reload_is_not_assumed_of_older_and_unknown_ones() {
        let version = |text| KubernetesVersion::parse(text).unwrap();
        let of = |text| reload(KUBELET, "tlsCertFile", Some(&version(text)));
        assert_eq!(of("1.31.0"), Reload::Watched);
        assert_eq!(of("1.30.14"), Reload::AtStart);
        assert_eq!(reload(KUBELET, "tlsCertFile", None), Reload::AtStart);
        assert_eq!(reload(API_SERVER, "client-ca-file", None), Reload::Watched);
        assert_eq!(reload(API_SERVER, "some-other-cert-file", None), Reload::AtStart);
        assert_eq!(reload(SCHEDULER, "etcd-certfile", None), Reload::AtStart);
    }

    #[test]
    fn after_a_renewal_those_restart_that_read_their_file_only_at_the_start() {
        let all: Vec<_> = USES.iter().map(|(name, _, _)| *name).collect();
        assert_eq!(must_restart(&all), ["kube-controller-manager", "kube-scheduler", "kubelet"]);
        assert_eq!(must_restart(&["scheduler.conf", "apiserver", "etcd-peer"]), ["kube-scheduler"]);
        assert!(must_restart(&["admin.conf", "apiserver-etcd-client"]).is_empty());
        for (name, component, setting) in USES {
            assert!(names_a_file(component, setting), "{name}: {component} has no row for {setting}");
        }
    }

    #[test]
    fn a_renewed_ca_is_read_again_by_those_that_watch_it_and_others_restart() {
        assert_eq!(must_restart_for(CLUSTER_CA), [CONTROLLER_MANAGER, SCHEDULER, KUBELET]);
        assert_eq!(must_restart_for(ETCD_CA), [ETCD, API_SERVER]);
        assert!(must_restart_for(FRONT_PROXY_CA).is_empty());
        for (name, component, setting) in TRUSTS {
            assert!(names_a_file(component, setting), "{name}: {component} has no row for {setting}");
        }
    }

    #[test]
    fn every_setting_has_one_row_and_every_release_can_be_compared() {
        let mut seen = std::collections::BTreeSet::new();
        for row in &RELOADS {
            for setting in row.settings {
                assert!(seen.insert((row.component, *setting)), "{} {setting}", row.component);
            }
            assert!(row.since.is_none_or(|since| KubernetesVersion::parse(since).is_some()));
            assert!(!row.evidence.is_empty());
        }
    }

    /// The table of the reference; the kubelet's names are no flags.
    fn table() -> Vec<String> {
        let shown = |row: &ReloadRow| {
            let dashes = if row.component == KUBELET { "" } else { "--" };
            let settings: Vec<_> = row.settings.iter().map(|setting| format!("`{dashes}{setting}`")).collect();
            let since = row.since.map(|since| since.split('-').next().unwrap_or(since));
            let since = since.and_then(|since| since.rsplit_once('.')).map_or("", |(minor, _)| minor);
            format!(
                "| {} | {} | {} | {since} | {} |",
                row.component,
                settings.join(", "),
                row.reload.words(),
                row.evidence
            )
        };
        RELOADS.iter().map(shown).collect()
    }

    #[test]
    fn the_documented_table_is_this_one() {
        let text = include_str!("../../docs/reference/reload.md");
        let rows: Vec<_> = text
            .lines()
            .filter(|line| RELOADS.iter().any(|row| line.starts_with(&format!("| {} |", row.component))))
            .collect();
        let expected = table();
        assert_eq!(rows, expected, "docs/reference/reload.md should have\n{}", expected.join("\n"));
    }
}
