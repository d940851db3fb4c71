//! A static-pod manifest, as far as certificates are concerned: the command's flags, the probes, the mounts.
//!
//! In: the bytes of `/etc/kubernetes/manifests/NAME.yaml`. Out: [`StaticPod`]. Fields that are not needed may be
//! anything; the manifest is never changed.
//! Source: Kubernetes `core/v1` Pod; kubeadm `phases/controlplane` and `phases/etcd`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::flags;
use crate::catalogue::names_a_file;
use crate::config::KubernetesVersion;
use crate::yaml::from_clients;

/// Why a manifest cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadManifest(pub String);

/// What a manifest says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaticPod {
    version: Option<KubernetesVersion>,
    command: Vec<String>,
    flags: Vec<(String, String)>,
    grace_seconds: Option<u64>,
    user: u32,
    /// Paths in the container, and what they are on the host; the longest first.
    mounts: Vec<(PathBuf, PathBuf)>,
    readiness: Option<Probe>,
    liveness: Option<Probe>,
    /// Every path on the host that a flag or a volume names, of whichever container.
    named: BTreeSet<PathBuf>,
    /// Other paths of files on the host, and what they are called here.
    called: Vec<(PathBuf, PathBuf)>,
}

/// What the kubelet asks to see whether the container is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The host; none for the pod's own.
    pub host: Option<String>,
    /// The TCP port.
    pub port: u16,
    /// The path of a GET; none for a mere connection.
    pub path: Option<String>,
    /// Whether TLS is spoken.
    pub is_tls: bool,
}

impl StaticPod {
    /// Reads a manifest.
    ///
    /// # Errors
    /// [`BadManifest`] when the text is not YAML or JSON of a pod with a container.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadManifest> {
        let pod: Pod = from_clients(bytes).map_err(|error| BadManifest(error.to_string()))?;
        let volumes = &pod.spec.volumes;
        let Some(container) = pod.spec.containers.first() else {
            return Err(BadManifest("it has no container".into()));
        };
        let of_flags = pod.spec.containers.iter().flat_map(|container| container.named(volumes));
        let named = of_flags.chain(volumes.iter().filter_map(|volume| Some(volume.host_path.as_ref()?.path.clone())));
        let probe = |probe: Option<&ProbeFields>| probe.and_then(|probe| probe.resolve(&container.ports));
        let command = container.words();
        let flags = flags(command.iter().map(String::as_str)).into_iter();
        Ok(Self {
            named: named.collect(),
            called: Vec::new(),
            version: container.image.as_deref().and_then(version),
            readiness: probe(container.readiness_probe.as_ref()),
            liveness: probe(container.liveness_probe.as_ref()),
            flags: flags.map(|(name, value)| (name.to_owned(), value.unwrap_or_default().to_owned())).collect(),
            command,
            user: container.security_context.run_as_user.or(pod.spec.security_context.run_as_user).unwrap_or_default(),
            grace_seconds: pod.spec.termination_grace_period_seconds,
            mounts: container.mounts(volumes),
        })
    }

    /// The words of its command.
    #[must_use]
    pub fn command(&self) -> &[String] {
        &self.command
    }

    /// The user that it runs as; root where it does not say, as the images of Kubernetes have it.
    #[must_use]
    pub const fn user(&self) -> u32 {
        self.user
    }

    /// How long it may take to end, in seconds; the default of Kubernetes where it does not say.
    #[must_use]
    pub fn grace_seconds(&self) -> u64 {
        self.grace_seconds.unwrap_or(30)
    }

    /// The value of `--name`; the last one where it is repeated.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<&str> {
        self.flags.iter().rev().find(|(flag, _)| flag == name).map(|(_, value)| value.as_str())
    }

    /// The file on the host that `--name` names.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        let value = self.flag(name).filter(|value| value.starts_with('/'))?;
        Some(self.on_host(Path::new(value)))
    }

    /// Every file on the host that `--name` names; it may be repeated.
    #[must_use]
    pub fn files(&self, name: &str) -> Vec<PathBuf> {
        let values = self.flags.iter().filter(|(flag, value)| flag == name && value.starts_with('/'));
        values.map(|(_, value)| self.on_host(Path::new(value))).collect()
    }

    /// Whether a flag is given and not `false`; one without a value is on.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        self.flag(name).is_some_and(|value| !["false", "f", "F", "0", "False", "FALSE"].contains(&value))
    }

    /// Whether a path is a folder's or file's of the host that the pod mounts: others are in its image.
    #[must_use]
    pub fn mounts(&self, path: &Path) -> bool {
        self.mounts.iter().any(|(_, host)| path.starts_with(host))
    }

    /// Whether a path in the container is of a volume: others are in its image.
    #[must_use]
    pub fn is_of_a_volume(&self, inside: &Path) -> bool {
        self.mounts.iter().any(|(mount, _)| inside.starts_with(mount))
    }

    /// The release of the component, as the tag of its image has it; none for another tag.
    #[must_use]
    pub const fn version(&self) -> Option<&KubernetesVersion> {
        self.version.as_ref()
    }

    /// Every file on the host that a flag of `component` for certificates, keys or kubeconfigs names, with the flag.
    pub fn credentials(&self, component: &str) -> impl Iterator<Item = (&str, PathBuf)> {
        const WORDS: [&str; 4] = ["cert", "key", "ca-file", "kubeconfig"];
        let looks_like_one = |flag: &str| WORDS.iter().any(|word| flag.contains(word)) || flag.ends_with("cafile");
        self.flags.iter().filter(move |(flag, _)| looks_like_one(flag) || names_a_file(component, flag)).flat_map(
            |(flag, value)| paths(value).map(|path| (flag.as_str(), on_host(&self.mounts, path))).collect::<Vec<_>>(),
        )
    }

    /// What is asked to see whether it is ready.
    #[must_use]
    pub fn readiness(&self) -> Option<&Probe> {
        self.readiness.as_ref()
    }

    /// What is asked to see whether it lives.
    #[must_use]
    pub fn liveness(&self) -> Option<&Probe> {
        self.liveness.as_ref()
    }

    /// Whether any of its containers is given exactly this file of the host, by a flag or as a volume.
    #[must_use]
    pub fn names(&self, path: &Path) -> bool {
        self.named.contains(path)
    }

    /// Calls the file at a path on the host by another path that leads to it.
    pub fn call(&mut self, path: PathBuf, name: PathBuf) {
        self.called.push((path, name));
    }

    /// What a path in the container is on the host.
    #[must_use]
    pub fn on_host(&self, inside: &Path) -> PathBuf {
        let path = on_host(&self.mounts, inside);
        let called = self.called.iter().find(|(other, _)| *other == path);
        called.map_or(path, |(_, name)| name.clone())
    }
}

/// What a path in a container is on the host.
fn on_host(mounts: &[(PathBuf, PathBuf)], inside: &Path) -> PathBuf {
    let translated = mounts.iter().find_map(|(mount, host)| match inside.strip_prefix(mount) {
        Ok(rest) if rest.as_os_str().is_empty() => Some(host.clone()),
        Ok(rest) => Some(host.join(rest)),
        Err(_) => None,
    });
    translated.unwrap_or_else(|| inside.to_owned())
}

/// The absolute paths in a flag's value: `--tls-sni-cert-key` has two files and the names that they are for.
fn paths(value: &str) -> impl Iterator<Item = &Path> {
    value.split([',', ':']).filter(|value| value.starts_with('/')).map(Path::new)
}

/// The release that an image's name ends with: `registry.k8s.io/kube-apiserver:v1.36.2`.
fn version(image: &str) -> Option<KubernetesVersion> {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    let (_, tag) = name.rsplit_once(':')?;
    KubernetesVersion::parse(tag)
}

#[derive(Deserialize)]
struct Pod {
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    containers: Vec<Container>,
    #[serde(default)]
    volumes: Vec<Volume>,
    termination_grace_period_seconds: Option<u64>,
    #[serde(default)]
    security_context: SecurityContext,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct SecurityContext {
    run_as_user: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    image: Option<String>,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    ports: Vec<NamedPort>,
    #[serde(default)]
    volume_mounts: Vec<VolumeMount>,
    readiness_probe: Option<ProbeFields>,
    liveness_probe: Option<ProbeFields>,
    #[serde(default)]
    security_context: SecurityContext,
}

impl Container {
    fn words(&self) -> Vec<String> {
        [self.command.clone(), self.args.clone()].concat()
    }

    /// Paths in the container, and what they are on the host; the longest first.
    fn mounts(&self, volumes: &[Volume]) -> Vec<(PathBuf, PathBuf)> {
        let host_of = |mount: &VolumeMount| {
            let volume = volumes.iter().find(|volume| volume.name == mount.name)?;
            Some((mount.mount_path.clone(), volume.host_path.as_ref()?.path.clone()))
        };
        let mut mounts: Vec<_> = self.volume_mounts.iter().filter_map(host_of).collect();
        mounts.sort_by_key(|(inside, _)| std::cmp::Reverse(inside.components().count()));
        mounts
    }

    /// What its words name on the host: values of flags, and words that are paths.
    fn named(&self, volumes: &[Volume]) -> Vec<PathBuf> {
        let mounts = self.mounts(volumes);
        let words = self.words();
        let values =
            words.iter().flat_map(|word| paths(word.split_once('=').map_or(word.as_str(), |(_, value)| value)));
        values.map(|path| on_host(&mounts, path)).collect()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NamedPort {
    name: Option<String>,
    container_port: u16,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VolumeMount {
    name: String,
    mount_path: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Volume {
    name: String,
    host_path: Option<HostPath>,
}

#[derive(Deserialize)]
struct HostPath {
    path: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProbeFields {
    http_get: Option<HttpGet>,
    tcp_socket: Option<TcpSocket>,
}

#[derive(Deserialize)]
struct HttpGet {
    host: Option<String>,
    port: Port,
    path: Option<String>,
    scheme: Option<String>,
}

#[derive(Deserialize)]
struct TcpSocket {
    host: Option<String>,
    port: Port,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Port {
    Number(u16),
    Name(String),
}

impl Port {
    fn number(&self, ports: &[NamedPort]) -> Option<u16> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Name(text) => {
                let named = ports.iter().find(|port| port.name.as_ref() == Some(text));
                named.map(|port| port.container_port).or_else(|| text.parse().ok())
            }
        }
    }
}

impl ProbeFields {
    /// `None` for a probe that only the kubelet can make (a command in the container, gRPC).
    fn resolve(&self, ports: &[NamedPort]) -> Option<Probe> {
        if let Some(get) = &self.http_get {
            return Some(Probe {
                host: get.host.clone(),
                port: get.port.number(ports)?,
                path: Some(get.path.clone().unwrap_or_else(|| "/".into())),
                is_tls: get.scheme.as_deref().is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")),
            });
        }
        let socket = self.tcp_socket.as_ref()?;
        Some(Probe { host: socket.host.clone(), port: socket.port.number(ports)?, path: None, is_tls: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  containers:
  - command:
    - kube-apiserver
    - --secure-port=7443
    - --client-ca-file=/etc/kubernetes/pki/ca.crt
    - --etcd-cafile=/etc/kubernetes/pki/etcd/ca.crt
    - --tls-cert-file
    - /certs/apiserver.crt
    - --audit-log-path=/var/log/audit.log
    - --token-auth-file=/etc/tokens.csv
    - --allow-privileged
    ports: [{containerPort: 7443, name: probe-port}]
    livenessProbe:
      httpGet: {host: 192.0.2.10, path: /livez, port: probe-port, scheme: HTTPS}
    readinessProbe:
      exec: {command: [true]}
    volumeMounts:
    - {mountPath: /certs, name: certs}
    - {mountPath: /etc/kubernetes/pki, name: pki}
  hostNetwork: true
  volumes:
  - {name: certs, hostPath: {path: /srv/certs}}
  - {name: pki, hostPath: {path: /etc/kubernetes/pki, type: DirectoryOrCreate}}
";

    #[test]
    fn flags_are_read_in_both_forms_and_files_are_those_of_the_host() {
        let pod = StaticPod::parse(MANIFEST.as_bytes()).unwrap();
        assert_eq!(pod.flag("secure-port"), Some("7443"));
        assert_eq!(pod.flag("allow-privileged"), Some(""));
        assert_eq!(pod.flag("bind-address"), None);
        assert_eq!(pod.file("tls-cert-file"), Some("/srv/certs/apiserver.crt".into()));
        let files = [
            ("client-ca-file", "/etc/kubernetes/pki/ca.crt"),
            ("etcd-cafile", "/etc/kubernetes/pki/etcd/ca.crt"),
            ("tls-cert-file", "/srv/certs/apiserver.crt"),
            ("token-auth-file", "/etc/tokens.csv"),
        ];
        let found: Vec<_> = pod.credentials("kube-apiserver").collect();
        assert_eq!(found, files.map(|(flag, path)| (flag, PathBuf::from(path))));
        assert_eq!(pod.files("client-ca-file"), [PathBuf::from("/etc/kubernetes/pki/ca.crt")]);
    }

    #[test]
    fn a_flag_without_a_value_is_on_and_files_of_the_image_are_not_the_hosts() {
        let text = "spec: {containers: [{command: [a, --on, --true=true, --off=false, --last]}]}";
        let pod = StaticPod::parse(text.as_bytes()).unwrap();
        let on = ["on", "true", "off", "last", "absent"].map(|flag| pod.is_on(flag));
        assert_eq!(on, [true, true, false, true, false]);
        let pod = StaticPod::parse(MANIFEST.as_bytes()).unwrap();
        let mounted = ["/srv/certs/apiserver.crt", "/etc/kubernetes/pki/ca.crt", "/etc/tokens.csv"];
        assert_eq!(mounted.map(|path| pod.mounts(Path::new(path))), [true, true, false]);
    }

    #[test]
    fn a_file_is_named_by_a_flag_of_any_container_or_by_a_volume_and_not_by_the_folder_above_it() {
        let text = "spec: {containers: [{command: [a, --x=/in/a.key]}, {args: [b, --y, /b.key], volumeMounts: \
                    [{mountPath: /v, name: v}, {mountPath: /in, name: v}]}], volumes: [{name: v, hostPath: {path: /c}}]}";
        let pod = StaticPod::parse(text.as_bytes()).unwrap();
        let named = ["/in/a.key", "/b.key", "/c", "/c/a.key", "/a.key", "/"].map(|path| pod.names(Path::new(path)));
        assert_eq!(named, [true, true, true, false, false, false]);
    }

    #[test]
    fn the_release_is_the_tag_of_the_image_where_that_is_one() {
        for (image, release) in [
            ("registry.k8s.io/kube-apiserver:v1.36.2", Some("1.36.2")),
            ("registry.example.test:5000/etcd:3.6.8-0@sha256:00", Some("3.6.8")),
            ("registry.example.test:5000/kube-apiserver", None),
            ("kube-apiserver:latest", None),
        ] {
            let text = format!("spec: {{containers: [{{image: {image:?}, command: [x]}}]}}");
            let pod = StaticPod::parse(text.as_bytes()).unwrap();
            assert_eq!(pod.version().cloned(), release.and_then(KubernetesVersion::parse), "{image}");
        }
    }

    #[test]
    fn a_probe_finds_its_port_by_name_and_one_in_the_container_is_none() {
        let pod = StaticPod::parse(MANIFEST.as_bytes()).unwrap();
        let probe = Probe { host: Some("192.0.2.10".into()), port: 7443, path: Some("/livez".into()), is_tls: true };
        assert_eq!(pod.liveness(), Some(&probe));
        assert_eq!(pod.readiness(), None);
    }

    #[test]
    fn what_is_no_pod_is_refused_with_a_reason() {
        for text in ["", "kind: Pod", "spec: {containers: []}", "a: [", "spec: 3"] {
            let BadManifest(reason) = StaticPod::parse(text.as_bytes()).unwrap_err();
            assert!(!reason.is_empty(), "{text}");
        }
    }
}
