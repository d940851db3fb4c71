//! What a certificate of a name may say.
//!
//! In: the catalogue's row, and what is known of the node. Out: [`Profile`].

use std::net::IpAddr;

use chrono::TimeDelta;

use super::pattern::{NamePattern, TextPattern};
use super::plausible::KnownServer;
use crate::catalogue::{self, AlternativeNames, CommonName, MASTERS, NodeRole, Organizations, Row, SYSTEM_NODE};
use crate::config::{ClusterSpec, KubernetesVersion};
use crate::x509::{ExtendedKeyUsage, SubjectAltNames};

/// What the signer knows of the node whose requests are signed; never what the node says of itself.
#[derive(Clone, Debug, Default)]
pub struct KnownNode {
    /// Its name.
    pub name: Option<String>,
    /// Its kind; without one nothing but a worker's `kubelet.conf` is signed.
    pub role: Option<NodeRole>,
    /// The names of the other nodes that are known.
    pub other_nodes: Vec<String>,
    /// What its cluster's configuration says, and of the node what is known ([`ClusterSpec::known_node_name`],
    /// [`ClusterSpec::known_address`]).
    pub spec: Option<ClusterSpec>,
}

/// What a certificate of one name may say.
#[derive(Clone, Debug)]
pub struct Profile {
    /// kubeadm's name, or the policy's.
    pub name: String,
    /// The CA that signs it.
    pub issuer: String,
    /// Whether it is signed at all.
    pub is_allowed: bool,
    /// The common names.
    pub common_names: CommonNames,
    /// The common name besides, which no policy loosens: a kubelet is the node that it says it is.
    pub identity: Option<String>,
    /// The organizations: each of these sets is right, whole and without another.
    pub organizations: Vec<Vec<String>>,
    /// The cluster's version, which decides on key usages.
    pub version: Option<KubernetesVersion>,
    /// The purposes that the certificate has; a request may ask for some of them.
    pub extended_key_usages: Vec<ExtendedKeyUsage>,
    /// The alternative names.
    pub names: AllowedNames,
    /// The longest validity.
    pub max_validity: Option<TimeDelta>,
}

/// Which common names are right.
#[derive(Clone, Debug)]
pub enum CommonNames {
    /// This one.
    Fixed(String),
    /// A node's name behind this prefix.
    AnyNode {
        /// `system:node:` or nothing.
        prefix: &'static str,
    },
    /// One that matches.
    Patterns(Vec<TextPattern>),
}

/// Which alternative names are right.
#[derive(Clone, Debug)]
pub enum AllowedNames {
    /// None.
    None,
    /// The configuration's: all of them, no other, but for a name and an address of a node that is not known.
    Configured {
        /// What the configuration asks for.
        wanted: SubjectAltNames,
        /// How many further DNS names there may be.
        free_dns: usize,
        /// How many further addresses there may be.
        free_addresses: usize,
    },
    /// DNS names and addresses that hosts can have, these among them.
    Plausible {
        /// What is known of the server.
        server: KnownServer,
        /// Those that must be there.
        wanted: SubjectAltNames,
        /// Whether the common name must be there.
        with_common_name: bool,
    },
    /// Those that match.
    Patterns(Vec<NamePattern>),
}

impl KnownNode {
    /// The cluster's version, if the configuration has one that says something.
    fn version(&self) -> Option<KubernetesVersion> {
        self.spec.as_ref().and_then(ClusterSpec::version)
    }
}

/// The version's own, the newest first, and those of other versions: a certificate that was renewed keeps the groups that
/// an older kubeadm gave it. A group that nothing can restrict must be the known version's own.
fn allowed_organizations(organizations: &Organizations, node: &KnownNode) -> Vec<Vec<String>> {
    let own = organizations.at(node.version().as_ref());
    let others = organizations.all().filter(|groups| *groups != own && !groups.contains(&MASTERS));
    std::iter::once(own).chain(others).map(|groups| groups.iter().map(|group| (*group).to_owned()).collect()).collect()
}

impl Profile {
    /// The catalogue's rules for a name; `None` for a name that it does not have.
    pub(super) fn of_catalogue(name: &str, node: &KnownNode) -> Option<Self> {
        let row = catalogue::issued(name)?;
        let is_kubelets = row.common_name == CommonName::SystemNode;
        Some(Self {
            name: row.name.to_owned(),
            issuer: row.issuer.to_owned(),
            is_allowed: true,
            common_names: match row.common_name {
                CommonName::Fixed(name) => CommonNames::Fixed(name.to_owned()),
                CommonName::Node => node_name("", node),
                CommonName::SystemNode => node_name(SYSTEM_NODE, node),
            },
            identity: node.name.as_ref().filter(|_| is_kubelets).map(|name| format!("{SYSTEM_NODE}{name}")),
            organizations: allowed_organizations(&row.organizations, node),
            version: node.version(),
            extended_key_usages: row.extended_key_usages.to_vec(),
            names: names_of(row, node),
            max_validity: None,
        })
    }
}

fn node_name(prefix: &'static str, node: &KnownNode) -> CommonNames {
    match &node.name {
        Some(name) => CommonNames::Fixed(format!("{prefix}{name}")),
        None => CommonNames::AnyNode { prefix },
    }
}

fn names_of(row: &Row, node: &KnownNode) -> AllowedNames {
    if !row.has_alternative_names() {
        return AllowedNames::None;
    }
    if let Some(spec) = &node.spec {
        // Every server's certificate names its node once and has its address once.
        return AllowedNames::Configured {
            free_dns: usize::from(spec.known_node_name().is_none()),
            free_addresses: usize::from(spec.known_address().is_none()),
            wanted: row.subject_alt_names(spec),
        };
    }
    let server = KnownServer {
        is_api_server: row.alternative_names == AlternativeNames::ApiServer,
        node_name: node.name.clone(),
        other_nodes: node.other_nodes.clone(),
    };
    let with_common_name = !server.is_api_server;
    let wanted = if server.is_api_server {
        SubjectAltNames::sorted(["kubernetes", "kubernetes.default", "kubernetes.default.svc"], [])
    } else {
        SubjectAltNames::sorted(["localhost"], [IpAddr::from([127, 0, 0, 1])])
    };
    AllowedNames::Plausible { server, wanted, with_common_name }
}
