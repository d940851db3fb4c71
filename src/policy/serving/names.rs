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
    /// The certificate that is served now, where the request renews it.
    renewed: Option<&'a Certificate>,
    evidence: &'a Evidence<'a>,
}

/// Where each name is known from; `judgement` is told what stands against them.
pub(super) fn judge(
    request: &CertificateRequest,
    node: &str,
    served: Option<&Certificate>,
    evidence: &Evidence<'_>,
    judgement: &mut Judgement<'_>,
) -> Vec<String> {
    let asked = request.subject_alt_names();
    if asked.is_empty() {
        judgement.note(RequestFault::MissingNames, "it asks for no name and no address");
    }
    let renewed = served.filter(|served| served.subject_alt_names().has_same_names(asked));
    let names = Names { node, renewed, evidence };
    let mut known = Vec::new();
    for name in asked.iter() {
        if let Some(reason) = names.never(name) {
            judgement.note(RequestFault::ReservedNames, format!("{name}: {reason}"));
        } else if names.is_api_servers(name) && !names.is_own_by_decision(name) {
            let said = format!("{name} is the API server's, and nobody says that {node} has it too");
            judgement.note_decidable(RequestFault::ReservedNames, said, node, name);
        } else if !names.is_of_node_object(name) {
            let said = format!("{name} is not among the addresses of the Node {node}");
            judgement.note(RequestFault::UnprovenNames, said);
        } else if let Some(source) = names.source(name) {
            known.push(format!("{name}: {source}"));
        } else {
            let said = format!("{name} is known of {node} from nowhere but the node itself");
            judgement.note_decidable(RequestFault::UnprovenNames, said, node, name);
        }
    }
    known
}

impl Names<'_> {
    /// Why no node, or not this one, ever has the name.
    fn never(&self, name: &SubjectAltName) -> Option<String> {
        let others: Vec<_> = self.evidence.nodes.keys().filter(|other| *other != self.node).cloned().collect();
        let server = KnownServer { is_api_server: false, node_name: Some(self.node.to_owned()), other_nodes: others };
        if let Some(reason) = plausible::fault(name, &server) {
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
        if first == API_SERVICE || name.starts_with(API_SERVICE) && name != self.node {
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
        let is_it = |other: &str| self.evidence.known.has_name(other, name);
        let owner = self
            .evidence
            .known
            .other_owner(self.node, is_it)
            .or_else(|| self.claimed_by(|one| one.eq_ignore_ascii_case(name)));
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
        let is_it = |text: &str| parse_address(text).is_some_and(|one| one.to_canonical() == address);
        let known = &self.evidence.known;
        let owner = known.other_owner(self.node, |other| known.has_exact_address(other, address));
        owner.or_else(|| self.claimed_by(is_it)).map(|owner| format!("an address of the node {owner}"))
    }

    fn is_api_servers(&self, name: &SubjectAltName) -> bool {
        let mut all = self.evidence.reserved.api_server.iter();
        match name {
            SubjectAltName::Dns(name) => all.any(|one| one == name),
            SubjectAltName::Ip(address) => {
                all.any(|one| parse_address(one).is_some_and(|one| one.to_canonical() == *address))
            }
            _ => false,
        }
    }

    /// Another node whose object has it.
    fn claimed_by(&self, is_it: impl Fn(&str) -> bool) -> Option<&str> {
        let mut others = self.evidence.nodes.iter().filter(|(name, _)| *name != self.node);
        others.find(|(_, addresses)| addresses.iter().any(|one| is_it(one))).map(|(name, _)| name.as_str())
    }

    fn is_of_node_object(&self, name: &SubjectAltName) -> bool {
        let Some(addresses) = self.evidence.nodes.get(self.node) else { return false };
        addresses.iter().any(|one| match name {
            SubjectAltName::Ip(address) => parse_address(one).is_some_and(|one| one.to_canonical() == *address),
            SubjectAltName::Dns(name) => one.eq_ignore_ascii_case(name),
            _ => false,
        }) || matches!(name, SubjectAltName::Dns(name) if name == self.node)
    }

    /// Whether somebody has decided that this very name or address is the node's: a person, whoever had the certificate
    /// approved that is served now, or whoever made the node of that name a control-plane node.
    fn is_own_by_decision(&self, name: &SubjectAltName) -> bool {
        let known = &self.evidence.known;
        self.renewed.is_some()
            || match name {
                SubjectAltName::Dns(name) => {
                    known.has_name(self.node, name)
                        || name == self.node && self.evidence.control_planes.contains(self.node)
                }
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
        let of_node = resolved.get(self.node);
        match name {
            SubjectAltName::Dns(name) if name == self.node => {
                Some("it is the name that the node is authenticated by".into())
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
