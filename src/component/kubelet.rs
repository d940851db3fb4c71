//! What a kubelet is told, as far as its files and its restart are concerned.
//!
//! In: the bytes of `/var/lib/kubelet/config.yaml`, and of the files with the flags that systemd adds. Out:
//! [`KubeletConfiguration`], with the kubelet's defaults for what nobody says. It reads no file.
//! Source: `kubelet.config.k8s.io/v1beta1`, `pkg/kubelet/apis/config/v1beta1/defaults.go`, `cmd/kubelet/app/server.go`
//! (`InitializeTLS`; flags go before the file); kubeadm `phases/kubelet/flags.go` and its systemd drop-in
//! `10-kubeadm.conf`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::flags;
use crate::catalogue::KubeletFiles;
use crate::config::parse_duration;
use crate::yaml::from_clients;

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadConfiguration(pub String);

/// What the kubelet is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeletConfiguration {
    /// Where it reads static-pod manifests; none when it reads none.
    pub static_pod_path: Option<PathBuf>,
    /// How long it may take to see a change there.
    pub file_check_frequency: Duration,
    /// The longest that it waits before it starts a container again that ends again and again; none for its default.
    pub longest_back_off: Option<Duration>,
    /// Where its container runtime listens (`unix:///…`); none where nothing says it.
    pub runtime_endpoint: Option<String>,
    /// The address that it serves at; none for all.
    pub address: Option<String>,
    /// The port that it serves at.
    pub port: u16,
    /// Where it says that it is well: the address as it is bound to, and the port; none when switched off.
    pub healthz: Option<(String, u16)>,
    /// The CAs whose client certificates it accepts.
    pub client_authority: Option<PathBuf>,
    /// The node's name, where it is not the host's (`--hostname-override`).
    pub node_name: Option<String>,
    /// Whether it renews its client certificate itself (`rotateCertificates`), and so keeps it in memory.
    pub rotates_client_certificate: bool,
    /// Whether it answers callers without a certificate or token (`authentication.anonymous`).
    pub admits_anonymous: bool,
    /// Who decides what a caller may do (`authorization.mode`).
    pub authorization: Authorization,
    /// `tlsCertFile` and `tlsPrivateKeyFile`, where both are given.
    certificate: Option<(PathBuf, PathBuf)>,
    /// `serverTLSBootstrap`.
    requests_server_certificate: bool,
    /// `--cert-dir`, where it is not `pki` in the kubelet's directory.
    certificate_dir: Option<PathBuf>,
}

/// Who decides what a caller of the kubelet may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorization {
    /// The API server is asked.
    ByApiServer,
    /// Nobody: every caller may do everything.
    AlwaysAllow,
}

impl Authorization {
    fn of(mode: &str) -> Self {
        if mode == "AlwaysAllow" { Self::AlwaysAllow } else { Self::ByApiServer }
    }
}

/// Where the certificate comes from that the kubelet serves with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServingSource {
    /// The kubelet has made it for itself: `kubelet.crt`.
    Own,
    /// Its configuration names it: `tlsCertFile`.
    Configured,
    /// It asks the cluster for it (`serverTLSBootstrap`), and keeps it behind a link.
    Requested,
}

/// The files that the kubelet serves with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServingFiles {
    /// Where they come from.
    pub source: ServingSource,
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key; the same file for one that was requested.
    pub key: PathBuf,
}

/// The kubelet's default, for a field that is absent, empty or zero.
const FILE_CHECK_FREQUENCY: Duration = Duration::from_secs(20);

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Fields {
    static_pod_path: Option<String>,
    file_check_frequency: Option<Frequency>,
    container_runtime_endpoint: Option<String>,
    crash_loop_back_off: CrashLoopBackOff,
    address: Option<String>,
    port: Option<u16>,
    healthz_bind_address: Option<String>,
    healthz_port: Option<u16>,
    tls_cert_file: Option<PathBuf>,
    tls_private_key_file: Option<PathBuf>,
    #[serde(rename = "serverTLSBootstrap")]
    server_tls_bootstrap: Option<bool>,
    rotate_certificates: Option<bool>,
    authentication: Authentication,
    authorization: AuthorizationFields,
}

/// A duration; a number is none, and is told so.
#[derive(Deserialize)]
#[serde(untagged)]
enum Frequency {
    Text(String),
    Number(i64),
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CrashLoopBackOff {
    max_container_restart_period: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Authentication {
    x509: X509,
    anonymous: Anonymous,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Anonymous {
    enabled: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AuthorizationFields {
    mode: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct X509 {
    #[serde(rename = "clientCAFile")]
    client_ca_file: Option<PathBuf>,
}

impl Default for KubeletConfiguration {
    /// What the kubelet does without a configuration file.
    fn default() -> Self {
        Self {
            static_pod_path: None,
            file_check_frequency: FILE_CHECK_FREQUENCY,
            longest_back_off: None,
            runtime_endpoint: None,
            address: None,
            port: 10250,
            healthz: Some((String::new(), 10248)),
            client_authority: None,
            node_name: None,
            rotates_client_certificate: false,
            admits_anonymous: false,
            authorization: Authorization::ByApiServer,
            certificate: None,
            requests_server_certificate: false,
            certificate_dir: None,
        }
    }
}

impl KubeletConfiguration {
    /// Where static-pod manifests are: where the kubelet reads them, or where kubeadm puts them if nothing says where.
    #[must_use]
    pub fn manifests_dir(&self, kubeconfig_dir: &Path) -> PathBuf {
        self.static_pod_path.clone().unwrap_or_else(|| kubeconfig_dir.join("manifests"))
    }

    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`BadConfiguration`] when the text is not YAML or JSON of a configuration, or a duration in it cannot be read.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadConfiguration> {
        let fields: Fields = from_clients(bytes).map_err(|error| BadConfiguration(error.to_string()))?;
        let frequency = fields.file_check_frequency.map(|frequency| match frequency {
            Frequency::Text(text) => text,
            Frequency::Number(number) => number.to_string(),
        });
        let frequency = match frequency.as_deref() {
            None | Some("") => FILE_CHECK_FREQUENCY,
            Some(text) => {
                let bad = |why: &str| BadConfiguration(format!("fileCheckFrequency: {text:?}: {why}"));
                let frequency = parse_duration(text).map_err(|error| bad(&error.message))?;
                let frequency = frequency.to_std().map_err(|_| bad("it is negative"))?;
                if frequency.is_zero() { FILE_CHECK_FREQUENCY } else { frequency }
            }
        };
        let longest_back_off = fields.crash_loop_back_off.max_container_restart_period.as_deref();
        let Self { port, .. } = Self::default();
        let healthz_port = fields.healthz_port.unwrap_or(10248);
        Ok(Self {
            static_pod_path: fields.static_pod_path.filter(|path| !path.is_empty()).map(PathBuf::from),
            file_check_frequency: frequency,
            longest_back_off: longest_back_off.and_then(|text| parse_duration(text).ok()?.to_std().ok()),
            runtime_endpoint: fields.container_runtime_endpoint.filter(|endpoint| !endpoint.is_empty()),
            address: fields.address,
            port: fields.port.filter(|port| *port != 0).unwrap_or(port),
            healthz: (healthz_port != 0).then(|| (fields.healthz_bind_address.unwrap_or_default(), healthz_port)),
            node_name: None,
            client_authority: fields.authentication.x509.client_ca_file.filter(|path| !path.as_os_str().is_empty()),
            rotates_client_certificate: fields.rotate_certificates.unwrap_or(false),
            admits_anonymous: fields.authentication.anonymous.enabled.unwrap_or(false),
            authorization: Authorization::of(fields.authorization.mode.as_deref().unwrap_or_default()),
            certificate: given(fields.tls_cert_file, fields.tls_private_key_file),
            requests_server_certificate: fields.server_tls_bootstrap.unwrap_or(false),
            certificate_dir: None,
        })
    }

    /// The same with the flags of an environment file (`KUBELET_KUBEADM_ARGS="--cert-dir=… …"`): a flag goes before
    /// the configuration file.
    #[must_use]
    pub fn with_flags(self, environment: &str) -> Self {
        self.called_with(words_of(environment))
    }

    /// The same with the words of its command line.
    #[must_use]
    pub fn called_with<'w>(mut self, words: impl IntoIterator<Item = &'w str>) -> Self {
        let (mut certificate, mut key) = match self.certificate.take() {
            Some((certificate, key)) => (Some(certificate), Some(key)),
            None => (None, None),
        };
        for (name, value) in flags(words) {
            let value = value.unwrap_or("true");
            match name {
                "tls-cert-file" => certificate = Some(PathBuf::from(value)),
                "tls-private-key-file" => key = Some(PathBuf::from(value)),
                "cert-dir" => self.certificate_dir = Some(PathBuf::from(value)).filter(|path| path.is_absolute()),
                "client-ca-file" => {
                    self.client_authority = Some(PathBuf::from(value)).filter(|path| path.is_absolute());
                }
                "hostname-override" => self.node_name = Some(value.to_owned()).filter(|name| !name.is_empty()),
                "anonymous-auth" => self.admits_anonymous = value != "false",
                "authorization-mode" => self.authorization = Authorization::of(value),
                "rotate-certificates" => self.rotates_client_certificate = value != "false",
                "pod-manifest-path" => self.static_pod_path = Some(PathBuf::from(value)),
                "container-runtime-endpoint" => self.runtime_endpoint = Some(value.to_owned()),
                "rotate-server-certificates" => self.requests_server_certificate = value != "false",
                _ => {}
            }
        }
        self.certificate = given(certificate, key);
        self
    }

    /// The same, asking the cluster for its serving certificate if `also`.
    #[must_use]
    pub const fn requesting(mut self, also: bool) -> Self {
        self.requests_server_certificate |= also;
        self
    }

    /// Whether it asks the cluster for its serving certificate.
    #[must_use]
    pub const fn requests_server_certificate(&self) -> bool {
        self.requests_server_certificate
    }

    /// The kubelet's certificate files, `kubelet_dir` being its directory.
    #[must_use]
    pub fn files(&self, kubelet_dir: &Path) -> KubeletFiles {
        match &self.certificate_dir {
            Some(folder) => KubeletFiles::within(folder),
            None => KubeletFiles::of(kubelet_dir),
        }
    }

    /// What the kubelet serves with; `is_there` says which files exist.
    #[must_use]
    pub fn serving(&self, files: &KubeletFiles, is_there: impl Fn(&Path) -> bool) -> ServingFiles {
        let requested = files.server();
        match &self.certificate {
            // Until a requested certificate is there, the one that the configuration names is used.
            Some((certificate, key)) if !(self.requests_server_certificate && is_there(&requested)) => {
                ServingFiles { source: ServingSource::Configured, certificate: certificate.clone(), key: key.clone() }
            }
            _ if self.requests_server_certificate => {
                ServingFiles { source: ServingSource::Requested, certificate: requested.clone(), key: requested }
            }
            _ => {
                ServingFiles { source: ServingSource::Own, certificate: files.own_certificate(), key: files.own_key() }
            }
        }
    }
}

/// A certificate counts with its key alone.
fn given(certificate: Option<PathBuf>, key: Option<PathBuf>) -> Option<(PathBuf, PathBuf)> {
    let pair = certificate.zip(key);
    pair.filter(|(certificate, key)| certificate.is_absolute() && key.is_absolute())
}

/// The words in the values of an environment file.
fn words_of(environment: &str) -> impl Iterator<Item = &str> {
    let lines = environment.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let values = lines.filter_map(|line| Some(line.split_once('=')?.1));
    values.flat_map(|value| value.trim_matches(['"', '\'']).split_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifests_and_the_runtime_are_where_a_flag_says_before_the_file() {
        let text = "{staticPodPath: /a, containerRuntimeEndpoint: 'unix:///a.sock'}";
        let file = KubeletConfiguration::parse(text.as_bytes()).unwrap();
        let of = |configuration: &KubeletConfiguration| {
            (configuration.static_pod_path.clone().unwrap(), configuration.runtime_endpoint.clone().unwrap())
        };
        assert_eq!(of(&file), ("/a".into(), "unix:///a.sock".into()));
        let text = b"crashLoopBackOff: {maxContainerRestartPeriod: 5s}";
        let capped = KubeletConfiguration::parse(text).unwrap();
        assert_eq!(capped.longest_back_off, Some(Duration::from_secs(5)));
        let flags = "ARGS=\"--pod-manifest-path=/b --container-runtime-endpoint unix:///b.sock\"";
        assert_eq!(of(&file.with_flags(flags)), ("/b".into(), "unix:///b.sock".into()));
    }

    #[test]
    fn whom_it_knows_and_lets_in_is_what_the_file_says_and_a_flag_before_it() {
        let text = b"{authentication: {x509: {clientCAFile: /a.crt}, anonymous: {enabled: true}}, authorization: {mode: AlwaysAllow}}";
        let file = KubeletConfiguration::parse(text).unwrap();
        let of =
            |told: &KubeletConfiguration| (told.client_authority.clone(), told.admits_anonymous, told.authorization);
        assert_eq!(of(&file), (Some("/a.crt".into()), true, Authorization::AlwaysAllow));
        let flags = "ARGS=\"--client-ca-file=/b.crt --anonymous-auth=false --authorization-mode=Webhook\"";
        assert_eq!(of(&file.with_flags(flags)), (Some("/b.crt".into()), false, Authorization::ByApiServer));
        let none = KubeletConfiguration::parse(b"{}").unwrap();
        assert_eq!(of(&none), (None, false, Authorization::ByApiServer));
    }

    #[test]
    fn zero_and_absent_mean_twenty_seconds_and_a_duration_itself() {
        for (text, seconds) in [
            ("kind: KubeletConfiguration", 20),
            ("fileCheckFrequency: 0s", 20),
            ("fileCheckFrequency: 1m5s", 65),
            ("{\"fileCheckFrequency\": \"5s\"}", 5),
        ] {
            let configuration = KubeletConfiguration::parse(text.as_bytes()).unwrap();
            assert_eq!(configuration.file_check_frequency, Duration::from_secs(seconds), "{text}");
        }
        let BadConfiguration(why) = KubeletConfiguration::parse(b"fileCheckFrequency: 20").unwrap_err();
        assert!(why.contains("no unit"), "{why}");
        assert!(KubeletConfiguration::parse(b"fileCheckFrequency: -1s").is_err());
    }

    /// What a kubelet serves with that is told `yaml` and has the flags of `environment`, where `there` exists.
    fn serving(yaml: &str, environment: &str, there: &[&str]) -> (ServingSource, String) {
        let configuration = KubeletConfiguration::parse(yaml.as_bytes()).unwrap().with_flags(environment);
        let files = configuration.files(Path::new("/k"));
        let serving = configuration.serving(&files, |path| there.iter().any(|one| Path::new(one) == path));
        (serving.source, serving.certificate.to_str().unwrap().to_owned())
    }

    #[test]
    fn its_serving_certificate_is_where_its_configuration_has_it() {
        let link = "/k/pki/kubelet-server-current.pem";
        let pair = "tlsCertFile: /a.crt\ntlsPrivateKeyFile: /a.key\n";
        let both = format!("{pair}serverTLSBootstrap: true");
        for (yaml, environment, there, source, path) in [
            ("port: 10250", "", [link].as_slice(), ServingSource::Own, "/k/pki/kubelet.crt"),
            ("serverTLSBootstrap: true", "", &[], ServingSource::Requested, link),
            (pair, "", &[], ServingSource::Configured, "/a.crt"),
            ("tlsCertFile: /a.crt", "", &[], ServingSource::Own, "/k/pki/kubelet.crt"),
            (&both, "", &[], ServingSource::Configured, "/a.crt"),
            (&both, "", &[link], ServingSource::Requested, link),
        ] {
            assert_eq!(serving(yaml, environment, there), (source, path.to_owned()), "{yaml} {there:?}");
        }
    }

    #[test]
    fn flags_of_the_service_go_before_the_file() {
        for (environment, source, path) in [
            (
                "KUBELET_KUBEADM_ARGS=\"--node-ip=192.0.2.1 --rotate-server-certificates=true\"",
                ServingSource::Requested,
                "/k/pki/kubelet-server-current.pem",
            ),
            (
                "# KUBELET_EXTRA_ARGS=--rotate-server-certificates\nKUBELET_EXTRA_ARGS=--cert-dir /c",
                ServingSource::Own,
                "/c/kubelet.crt",
            ),
            (
                "KUBELET_EXTRA_ARGS='--tls-cert-file /b.crt --tls-private-key-file=/b.key'",
                ServingSource::Configured,
                "/b.crt",
            ),
            (
                "KUBELET_EXTRA_ARGS=--rotate-server-certificates --v=2",
                ServingSource::Requested,
                "/k/pki/kubelet-server-current.pem",
            ),
        ] {
            assert_eq!(serving("port: 1", environment, &[]), (source, path.to_owned()), "{environment}");
        }
        let off = serving("serverTLSBootstrap: true", "A=\"--rotate-server-certificates=false\"", &[]);
        assert_eq!(off.0, ServingSource::Own);
    }
}
