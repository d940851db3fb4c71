//! Whether the names and addresses that a kubelet asks for are its node's.
//!
//! In: the request, the node, the certificate that it serves now, evidence. Out: where each name is known from, or every
//! reason against one. Both lists are judged whole: a request with addresses alone gets no less of a look.

use std::net::IpAddr;

use super::super::plausible::{self, KnownServer};
use super::{Evidence, Judgement};
use crate::audit::RequestFault;
use crate::config::{alternative_name, parse_address};
use crate::x509::{Certificate, CertificateRequest, SubjectAltName};

/// The API server's name for pods, and the start of many names that pods find it by.
const API_SERVICE: &str = "kubernetes";

/// One judgement.
struct Names<'a> {
    node: &'a str,
    /// The certificate that is served now, where the request renews it and nobody has said what the node has.
    renewed: Option<&'a Certificate>,
    evidence: &'a Evidence,
    server: KnownServer,
}

/// Where each name is known from; `judgement` is told what stands against them.
pub(super) fn judge(
    request: &CertificateRequest,
    node: &str,
    served: Option<&Certificate>,
    evidence: &Evidence,
    judgement: &mut Judgement<'_>,
) -> Vec<String> {
    let asked = request.subject_alt_names();
    if asked.is_empty() {
        judgement.note(RequestFault::MissingNames, "it asks for no name and no address");
    }
    let is_said = evidence.known.names(node);
    let renewed = served.filter(|served| !is_said && served.subject_alt_names().has_same_names(asked));
    // Other nodes' names are looked for among all that Node objects have.
    let kubelet = KnownServer { is_api_server: false, node_name: Some(node.to_owned()), other_nodes: Vec::new() };
    let names = Names { node, renewed, evidence, server: kubelet };
    let mut known = Vec::new();
    for name in asked.iter() {
        match names.judge(name) {
            Ok(source) => known.push(source),
            Err((fault, said)) if matches!(fault, RequestFault::ApiServerNames | RequestFault::UnprovenNames) => {
                judgement.note_decidable(fault, said, node, name);
            }
            Err((fault, said)) => judgement.note(fault, said),
        }
    }
    known
}

impl Names<'_> {
    /// Where one name is known from, or what stands against it.
    fn judge(&self, name: &SubjectAltName) -> Result<String, (RequestFault, String)> {
        let Self { node, evidence, .. } = self;
        if let Some(reason) = self.never(name) {
            return Err((RequestFault::ReservedNames, format!("{name}: {reason}")));
        }
        if self.is_api_servers(name) && !self.is_listed(name) {
            return Err((
                RequestFault::ApiServerNames,
                format!("{name} is the API server's, and is not listed for {node}"),
            ));
        }
        if let Some(other) = evidence.claimed_by(node, name).filter(|_| !self.is_listed(name)) {
            return Err((RequestFault::ClaimedNames, format!("{name} is one of the node {other} too, as that says")));
        }
        if !self.is_of_node_object(name) {
            return Err((RequestFault::UnprovenNames, format!("{name} is not among the addresses of the Node {node}")));
        }
        let source = self.source(name).map(|source| format!("{name}: {source}"));
        source.ok_or_else(|| (RequestFault::UnprovenNames, format!("only the node {node} itself claims {name}")))
    }

    /// Why no node, or not this one, ever has the name.
    fn never(&self, name: &SubjectAltName) -> Option<String> {
        if let Some(reason) = plausible::fault(name, &self.server) {
            return Some(reason.to_owned());
        }
        match name {
            SubjectAltName::Dns(name) => self.never_name(name),
            SubjectAltName::Ip(address) => self.never_address(*address),
            _ => Some("neither a DNS name nor an address".to_owned()),
        }
    }

    fn never_name(&self, name: &str) -> Option<String> {
        let reserved = &self.evidence.reserved;
        // Upper case, a final dot, letters that are none of ASCII: other programs may take it for another name.
        if alternative_name(name).ok().as_deref() != Some(name) {
            return Some("not written as DNS names are written".into());
        }
        let first = name.split('.').next().unwrap_or_default();
        let is_nodes = name == self.node || self.evidence.known.has_name(self.node, name);
        if first == API_SERVICE || name.starts_with(API_SERVICE) && !is_nodes {
            return Some("a name of the API server".into());
        }
        if name.split('.').any(|label| label.starts_with("xn--")) && !self.evidence.known.has_name(self.node, name) {
            return Some("a name in other letters than ASCII's, which may look like another".into());
        }
        let domain = reserved.domain.trim_matches('.').to_ascii_lowercase();
        if name == "localhost" || name.ends_with(".localhost") {
            return Some("a name that every host has".into());
        }
        if !domain.is_empty() && (name == domain || name.ends_with(&format!(".{domain}"))) {
            return Some(format!("within the cluster's domain {domain}"));
        }
        if reserved.never.contains(name) {
            return Some("reserved (--reserve)".into());
        }
        if name == self.node {
            return None;
        }
        let Evidence { known, nodes, .. } = self.evidence;
        let is_short = |other: &&String| !name.contains('.') && other.split('.').next() == Some(name);
        let others = nodes.keys().filter(|other| *other != self.node);
        let is_own = self.node.split('.').next() == Some(name);
        let owner = known
            .other_owner(self.node, |other| known.has_name(other, name))
            .or_else(|| others.filter(|other| *other == name || !is_own && is_short(other)).map(String::as_str).next());
        owner.map(|owner| format!("a name of the node {owner}"))
    }

    fn never_address(&self, address: IpAddr) -> Option<String> {
        let reserved = &self.evidence.reserved;
        if address.is_loopback() {
            return Some("a loopback address".into());
        }
        if let Some(network) = reserved.networks.iter().find(|network| network.contains(&address)) {
            return Some(format!("an address of the services' network {network}"));
        }
        let is_it = |text: &String| parse_address(text).is_some_and(|one| one.to_canonical() == address);
        if reserved.never.iter().any(is_it) {
            return Some("reserved (--reserve)".into());
        }
        let known = &self.evidence.known;
        let owner = known.other_owner(self.node, |other| known.has_exact_address(other, address));
        owner.map(|owner| format!("an address of the node {owner}"))
    }

    fn is_api_servers(&self, name: &SubjectAltName) -> bool {
        let mut all = self.evidence.reserved.api_server.iter();
        match name {
            SubjectAltName::Dns(name) => all.any(|one| one == name || is_below(name, one)),
            SubjectAltName::Ip(address) => {
                all.any(|one| parse_address(one).is_some_and(|one| one.to_canonical() == *address))
            }
            _ => false,
        }
    }

    fn is_of_node_object(&self, name: &SubjectAltName) -> bool {
        let Some(addresses) = self.evidence.nodes.get(self.node) else { return false };
        addresses.iter().any(|one| match name {
            SubjectAltName::Ip(address) => parse_address(one).is_some_and(|one| one.to_canonical() == *address),
            SubjectAltName::Dns(name) => one.eq_ignore_ascii_case(name),
            _ => false,
        }) || matches!(name, SubjectAltName::Dns(name) if name == self.node)
    }

    /// Whether somebody has said that this very name or address is the node's: a network does not do. Who names a node has said
    /// that its name is its own.
    fn is_listed(&self, name: &SubjectAltName) -> bool {
        let known = &self.evidence.known;
        match name {
            SubjectAltName::Dns(name) => known.has_name(self.node, name) || name == self.node && known.names(self.node),
            SubjectAltName::Ip(address) => known.has_exact_address(self.node, *address),
            _ => false,
        }
    }

    /// Who says that the node has the name, but for the node.
    fn source(&self, name: &SubjectAltName) -> Option<String> {
        let Evidence { known, resolved, .. } = self.evidence;
        if let Some(served) = self.renewed {
            return Some(format!("the certificate with serial {} that it serves now has it", served.serial()));
        }
        // Whoever joins chooses the node's name, so that DNS speaks only of nodes that are meant to be there.
        let of_node = resolved.get(self.node).filter(|_| known.names(self.node));
        match name {
            // Whoever joins chooses the name: that it asks under it does not make it the owner of that name.
            SubjectAltName::Dns(name) if name == self.node && known.names(self.node) => {
                Some("an inventory or --allow names the node".into())
            }
            SubjectAltName::Dns(name) if known.has_name(self.node, name) => {
                Some("an inventory or --allow has it".into())
            }
            SubjectAltName::Ip(address) if known.has_address(self.node, *address) => {
                Some("an inventory or --allow has it".into())
            }
            SubjectAltName::Ip(address) if of_node.is_some_and(|all| all.contains(address)) => {
                Some(format!("DNS has it for {}", self.node))
            }
            SubjectAltName::Dns(name) => {
                let (mine, its) = (of_node?, resolved.get(name)?);
                let is_nodes = name.split('.').next() == Some(self.node) && !its.is_empty() && its.is_subset(mine);
                is_nodes.then(|| format!("DNS has addresses of {} for it", self.node))
            }
            _ => None,
        }
    }
}

/// Whether a wildcard has the name.
fn is_below(name: &str, wildcard: &str) -> bool {
    let rest = name.split_once('.').map(|(_, rest)| rest);
    wildcard.strip_prefix("*.").is_some_and(|domain| rest == Some(domain))
}
