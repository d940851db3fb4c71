//! The kubelet's configuration, as far as a restart is concerned.
//!
//! In: the bytes of `/var/lib/kubelet/config.yaml`. Out: [`KubeletConfiguration`], with the kubelet's defaults for what
//! it does not say, and the [`Component`] that the kubelet itself is.
//! Source: `kubelet.config.k8s.io/v1beta1`, `pkg/kubelet/apis/config/v1beta1/defaults.go`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::KUBELET;
use super::component::{Component, Endpoint, Health, HealthAction, reachable};
use crate::config::parse_duration;

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
    address: Option<String>,
    port: u16,
    healthz: Option<(String, u16)>,
    certificate: Option<(PathBuf, PathBuf)>,
    rotates_server_certificate: bool,
    client_authority: Option<PathBuf>,
}

/// The kubelet's default, for a field that is absent, empty or zero.
const FILE_CHECK_FREQUENCY: Duration = Duration::from_secs(20);

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Fields {
    static_pod_path: Option<String>,
    file_check_frequency: Option<String>,
    address: Option<String>,
    port: Option<u16>,
    healthz_bind_address: Option<String>,
    healthz_port: Option<u16>,
    tls_cert_file: Option<PathBuf>,
    tls_private_key_file: Option<PathBuf>,
    #[serde(rename = "serverTLSBootstrap")]
    server_tls_bootstrap: Option<bool>,
    authentication: Authentication,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Authentication {
    x509: X509,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct X509 {
    client_ca_file: Option<PathBuf>,
}

impl Default for KubeletConfiguration {
    /// What the kubelet does without a configuration file.
    fn default() -> Self {
        Self {
            static_pod_path: None,
            file_check_frequency: FILE_CHECK_FREQUENCY,
            address: None,
            port: 10250,
            healthz: Some(("127.0.0.1".into(), 10248)),
            certificate: None,
            rotates_server_certificate: false,
            client_authority: None,
        }
    }
}

impl KubeletConfiguration {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`BadConfiguration`] when it is no YAML or JSON of one, or a duration in it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadConfiguration> {
        let fields: Fields = serde_saphyr::from_slice(bytes).map_err(|error| {
            let text = error.to_string();
            BadConfiguration(text.lines().next().unwrap_or("it is not YAML").to_owned())
        })?;
        let frequency = match fields.file_check_frequency.as_deref() {
            None | Some("") => FILE_CHECK_FREQUENCY,
            Some(text) => {
                let bad = |why: &str| BadConfiguration(format!("fileCheckFrequency: {text:?}: {why}"));
                let frequency = parse_duration(text).map_err(|error| bad(&error.message))?;
                let frequency = frequency.to_std().map_err(|_| bad("it is negative"))?;
                if frequency.is_zero() { FILE_CHECK_FREQUENCY } else { frequency }
            }
        };
        let Self { port, .. } = Self::default();
        let healthz_host = fields.healthz_bind_address.filter(|host| !host.is_empty());
        let healthz_port = fields.healthz_port.unwrap_or(10248);
        Ok(Self {
            static_pod_path: fields.static_pod_path.filter(|path| !path.is_empty()).map(PathBuf::from),
            file_check_frequency: frequency,
            address: fields.address,
            port: fields.port.filter(|port| *port != 0).unwrap_or(port),
            healthz: (healthz_port != 0).then(|| (reachable(&healthz_host.unwrap_or_default()), healthz_port)),
            certificate: fields.tls_cert_file.zip(fields.tls_private_key_file),
            rotates_server_certificate: fields.server_tls_bootstrap.unwrap_or(false),
            client_authority: fields.authentication.x509.client_ca_file,
        })
    }

    /// The kubelet as a component; `kubelet_dir` is its own directory, `kubeconfig` its `kubelet.conf`.
    #[must_use]
    pub fn component(&self, kubelet_dir: &Path, kubeconfig: &Path) -> Component {
        let pki = kubelet_dir.join("pki");
        let (certificate, key) = match &self.certificate {
            Some(pair) => pair.clone(),
            None if self.rotates_server_certificate => {
                (pki.join("kubelet-server-current.pem"), pki.join("kubelet-server-current.pem"))
            }
            None => (pki.join("kubelet.crt"), pki.join("kubelet.key")),
        };
        let mut files = vec![certificate.clone(), key.clone(), pki.join("kubelet-client-current.pem")];
        files.push(kubeconfig.to_owned());
        files.extend(self.client_authority.clone());
        Component {
            name: KUBELET,
            endpoints: vec![Endpoint {
                purpose: "serving",
                host: reachable(self.address.as_deref().unwrap_or_default()),
                port: self.port,
                certificate: Some(certificate.clone()),
                key: Some(key.clone()),
            }],
            health: self.healthz.clone().map(|(host, port)| Health {
                host,
                port,
                action: HealthAction::Get { path: "/healthz".into(), is_tls: false, may_refuse: true },
            }),
            files,
            pairs: vec![(certificate, key)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn its_certificate_is_where_its_configuration_has_it() {
        let certificate = |text: &str| {
            let configuration = KubeletConfiguration::parse(text.as_bytes()).unwrap();
            configuration.component("/k".as_ref(), "/c".as_ref()).endpoints.remove(0).certificate.unwrap()
        };
        assert_eq!(certificate("port: 10250"), Path::new("/k/pki/kubelet.crt"));
        assert_eq!(certificate("serverTLSBootstrap: true"), Path::new("/k/pki/kubelet-server-current.pem"));
        assert_eq!(certificate("{tlsCertFile: /a.crt, tlsPrivateKeyFile: /a.key}"), Path::new("/a.crt"));
    }
}
