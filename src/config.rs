//! kubeadm configuration files: v1beta3 and v1beta4 to one [`ClusterSpec`].
//!
//! In: the bytes of a file, and what the host says of itself ([`HostFacts`]). Out: a [`ClusterSpec`] with every default
//! filled in, and warnings; or a [`ConfigError`] with *all* problems of the file, each with line, column, field and
//! hint. It never touches a file, a socket or the host, and never asks a cluster.
//!
//! A file passes through: `document` (which documents count), [`crate::yaml`] (text to tree), `schema` and `fields`
//! (known fields, right types), `cluster`, `etcd`, `node` and `join` (defaults and rules), and is put
//! together here. Where kubeadm warns of an unknown field and goes on with a default path, kubepki stops;
//! `docs/reference/configuration.md` lists every difference.
//!
//! Source: kubeadm `util/config`, `apis/kubeadm`.

mod chunk;
mod cluster;
mod config_map;
mod convert;
mod document;
mod duration;
mod etcd;
mod fields;
mod foreign;
mod join;
mod name;
mod network;
mod node;
mod problem;
mod schema;
mod spec;
mod template;
mod unreadable;
mod value;
mod version;
mod view;

use std::net::{IpAddr, Ipv4Addr};

pub use duration::{BadDuration, parse as parse_duration};
pub use network::{parse_address, parse_host_port};
pub use problem::{ConfigError, PROBLEMS, Problem, Severity};
pub use spec::{ClusterSpec, Endpoint, Etcd, Host, Role};
pub(crate) use template::first_in as first_template_leftover;
pub(crate) use value::url_fault;
pub use version::KubernetesVersion;

use cluster::Node;
use document::{Document, Documents, Kind};
use node::Local;
use problem::{Code, Origin, Place, Problems};
use schema::{ApiVersion, Struct};
use view::View;

use crate::yaml;

/// A subject alternative name as a configuration's `certSANs` takes it: lower case, an address in its canonical form.
///
/// # Errors
/// Why it is none.
pub fn alternative_name(text: &str) -> Result<String, &'static str> {
    network::san(text.to_lowercase())
}

/// The word for the configuration that the cluster itself has, where a file is named otherwise.
pub const OF_CLUSTER: &str = "cluster";

/// What that configuration is called in messages.
pub const CLUSTER_NAME: &str = "ConfigMap kubeadm-config";

/// The largest file that is read, in bytes.
pub const LARGEST_FILE: usize = 1 << 20;

/// What the host says of itself; `edge` reads it, and this module takes it as given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostFacts {
    /// The host's name, the default of `nodeRegistration.name`.
    pub hostname: Option<String>,
    /// The source address of the default route, the default of `localAPIEndpoint.advertiseAddress`.
    pub default_address: Option<IpAddr>,
    /// Whether the work needs neither: what nobody says is then left empty (the name) or unspecified (the address), and
    /// is not judged.
    pub is_optional: bool,
}

/// How a configuration is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether unknown fields, unknown kinds and duplicate keys are warnings, as they are to kubeadm, and not errors.
    pub lenient: bool,
    /// A node name that goes before the file's. Unlike the file's it is not lower-cased, as kubeadm's `--node-name` is
    /// not.
    pub node_name: Option<String>,
    /// What the host says of itself.
    pub host: HostFacts,
}

/// A configuration that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The node and its cluster, every default filled in.
    pub spec: ClusterSpec,
    /// What the user should know, in file order.
    pub warnings: Vec<Problem>,
}

/// Reads the configuration file `bytes`, which messages call `name`.
///
/// The role follows from the documents: `InitConfiguration` or `ClusterConfiguration` alone describe a first
/// control-plane node; `JoinConfiguration` a further one, or a worker when it has no `controlPlane`. Beside a
/// `JoinConfiguration` a `ClusterConfiguration` tells what kubeadm would ask the cluster.
///
/// The file may be the cluster's `ConfigMap` kubeadm-config, its data alone, or a list with it; then it is the configuration
/// in it that is read. Problems name their lines in the file, or, where the text is not there line by line (JSON), within it.
///
/// # Errors
/// [`ConfigError::TooLarge`] over [`LARGEST_FILE`] bytes, [`ConfigError::NotUtf8`], and
/// [`ConfigError::Invalid`] with every problem when one of them is an error.
///
/// # Example
/// ```
/// use kubepki::config::{self, Options, Role};
///
/// let file = b"
/// apiVersion: kubeadm.k8s.io/v1beta4
/// kind: InitConfiguration
/// localAPIEndpoint: {advertiseAddress: 192.0.2.10}
/// nodeRegistration: {name: cp1}
/// ";
/// let loaded = config::load("kubeadm.yaml", file, &Options::default())?;
/// assert_eq!(loaded.spec.role, Role::ControlPlane);
/// assert_eq!(loaded.spec.local_endpoint().https_url(), "https://192.0.2.10:6443");
/// # Ok::<(), config::ConfigError>(())
/// ```
pub fn load(name: &str, bytes: &[u8], options: &Options) -> Result<Loaded, ConfigError> {
    let text = text(name, bytes)?;
    match config_map::configuration_in(name, text) {
        Some((inner, origin)) => load_text(origin, &inner, options),
        None => load_text(name.into(), text, options),
    }
}

/// The text of the configuration file `bytes`, which messages call `name`.
///
/// # Errors
/// As [`load`], for what is no text.
pub fn text<'b>(name: &str, bytes: &'b [u8]) -> Result<&'b str, ConfigError> {
    if bytes.len() > LARGEST_FILE {
        return Err(ConfigError::TooLarge { file: name.to_owned(), size: bytes.len(), limit: LARGEST_FILE });
    }
    if let Some(foreign) = foreign::of_bytes(name, bytes) {
        let mut problems = Problems::new(name.into(), false);
        foreign.report(&Place::file(), &mut problems);
        problems.finish()?;
    }
    if let Some(encoding) = foreign::utf16(bytes) {
        return Err(ConfigError::NotUtf8 { file: name.to_owned(), line: 1, encoding: Some(encoding) });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.split(|&byte| byte == b'\n').count();
        ConfigError::NotUtf8 { file: name.to_owned(), line, encoding: None }
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn load_text(origin: Origin, text: &str, options: &Options) -> Result<Loaded, ConfigError> {
    let mut problems = Problems::new(origin, options.lenient);
    let mut documents = if refuse_control_characters(text, &mut problems) {
        Documents::default()
    } else {
        document::read(text, &mut problems)
    };
    let unreadable = problems.has_errors();
    check_documents(&mut documents, &mut problems);
    let spec = if unreadable {
        // What an unreadable document may have said must not be reported as missing.
        assemble(&documents, &Options { host: stand_in(), ..options.clone() }, &mut problems)
    } else {
        assemble(&documents, options, &mut problems)
    };
    Ok(Loaded { spec, warnings: problems.finish()? })
}

/// A host that knows all of itself.
fn stand_in() -> HostFacts {
    HostFacts {
        hostname: Some("host".into()),
        default_address: Some(Ipv4Addr::new(192, 0, 2, 1).into()),
        is_optional: false,
    }
}

/// What kubeadm does without a configuration file: a first control-plane node with every default.
///
/// # Errors
/// [`ConfigError::Invalid`] when the host's facts (or the node name of `options`) give no name or no address.
pub fn defaults(options: &Options) -> Result<ClusterSpec, ConfigError> {
    let mut problems = Problems::new("(defaults)".into(), options.lenient);
    let spec = assemble_control_plane(&Documents::default(), options, &mut problems);
    problems.finish().map(|_| spec)
}

/// Reports the first character that YAML does not allow at all, such as NUL.
fn refuse_control_characters(text: &str, problems: &mut Problems) -> bool {
    let Some((mark, c)) = yaml::control_character(text) else { return false };
    let message = format!("the file holds the control character U+{:04X}", u32::from(c));
    problems.add(Code::ControlCharacter, &Place::at(mark), message, "remove it: this may be a binary file");
    true
}

/// Holds each document against its schema, and the documents against each other.
fn check_documents(documents: &mut Documents, problems: &mut Problems) {
    let elsewhere: [(&str, &'static Struct); 3] = [
        (Kind::Cluster.as_str(), &fields::CLUSTER),
        (Kind::Init.as_str(), &fields::INIT),
        (Kind::Join.as_str(), &fields::JOIN),
    ];
    let Documents { init, cluster, join } = documents;
    let mut warned = false;
    for document in [init, cluster, join].into_iter().flatten() {
        let schema = match document.kind {
            Kind::Init => &fields::INIT,
            Kind::Cluster => &fields::CLUSTER,
            Kind::Join => &fields::JOIN,
        };
        schema::check(&mut document.root, schema, document.version, &elsewhere, problems);
        if document.version == ApiVersion::V1beta3 && !warned {
            warned = true;
            let place = Place { mark: Some(document.version_mark), field: "apiVersion".into() };
            let hint = "migrate the file with `kubeadm config migrate` of kubeadm 1.31 or newer";
            problems.add(Code::DeprecatedVersion, &place, "kubeadm.k8s.io/v1beta3 is deprecated", hint);
        }
    }
}

fn view(document: Option<&Document>) -> View<'_> {
    View::root(document.map(|document| &document.root))
}

fn assemble(documents: &Documents, options: &Options, problems: &mut Problems) -> ClusterSpec {
    match &documents.join {
        Some(join) if documents.init.is_none() => assemble_joining(join, documents, options, problems),
        join => {
            if let Some(join) = join {
                let place = Place::at(join.root.mark);
                let hint = "keep it in a file of its own, for the node that joins";
                let message = "JoinConfiguration is ignored beside InitConfiguration";
                problems.add(Code::IgnoredDocument, &place, message, hint);
            }
            assemble_control_plane(documents, options, problems)
        }
    }
}

fn assemble_control_plane(documents: &Documents, options: &Options, problems: &mut Problems) -> ClusterSpec {
    let init = view(documents.init.as_ref());
    node::check_init(&init, problems);
    let local = node::local_endpoint(&init.field("localAPIEndpoint"), &options.host, problems);
    let name = node::name(&init, options.node_name.as_deref(), &options.host, problems);
    let node = Node {
        role: Role::ControlPlane,
        name,
        local,
        ca_cert_path: join::CA_CERT_PATH.to_owned(),
        discovery_endpoint: None,
    };
    cluster::read(&view(documents.cluster.as_ref()), node, problems)
}

fn assemble_joining(
    document: &Document,
    documents: &Documents,
    options: &Options,
    problems: &mut Problems,
) -> ClusterSpec {
    let root = view(Some(document));
    let joining = join::read(&root, problems);
    let name = node::name(&root, options.node_name.as_deref(), &options.host, problems);
    let cluster = view(documents.cluster.as_ref());
    let (role, local) = if joining.is_control_plane {
        let endpoint = root.path(&["controlPlane", "localAPIEndpoint"]);
        let local = node::local_endpoint(&endpoint, &options.host, problems);
        if documents.cluster.is_none() {
            problems.add(
                Code::ClusterDefaults,
                &Place::at(document.root.mark),
                "there is no ClusterConfiguration beside the JoinConfiguration: kubeadm would ask the cluster, kubepki \
                 takes the defaults",
                "add the cluster's ClusterConfiguration (`kubectl -n kube-system get configmap kubeadm-config`)",
            );
        }
        (Role::SecondaryControlPlane, local)
    } else {
        let unspecified = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        (Role::Worker, Local { advertise_address: unspecified, bind_port: node::BIND_PORT })
    };
    let has_endpoint = cluster.field("controlPlaneEndpoint").is_present();
    if role == Role::Worker && joining.discovers_by_file && !has_endpoint {
        problems.add(
            Code::ApiEndpoint,
            &Place::at(document.root.mark),
            "nothing says where the worker's kubelet finds the API server",
            "add a ClusterConfiguration with controlPlaneEndpoint, or discovery.bootstrapToken.apiServerEndpoint",
        );
    }
    let (ca_cert_path, discovery_endpoint) = (joining.ca_cert_path, joining.discovery_endpoint);
    cluster::read(&cluster, Node { role, name, local, ca_cert_path, discovery_endpoint }, problems)
}

#[cfg(test)]
mod tests;
