//! Holding a request against a profile: every reason against it, not the first one.
//!
//! In: a request, its profile, the policy. Out: findings, all critical; none means that it is signed.

use std::net::IpAddr;
use std::path::Path;

use super::Policy;
use super::plausible::{self, KnownServer, MOST_NAMES};
use super::profile::{AllowedNames, CommonNames, KnownNode, Profile};
use crate::audit::{Finding, RequestFault};
use crate::catalogue::{self, LEAF_KEY_USAGES, NodeRole, Row, SYSTEM_NODE};
use crate::config::alternative_name;
use crate::key::{Effort, public_key_weakness};
use crate::x509::{CertificateRequest, SubjectAltName, SubjectAltNames};

/// Why a request of this name is not this node's to make; `None` when it may be. Names that only a policy has are for
/// any node.
pub(super) fn judge_node(name: &str, node: &KnownNode) -> Option<(RequestFault, String)> {
    let role = node.role.unwrap_or(NodeRole::Worker);
    match (role.has(name), node.role) {
        (None, _) => return None,
        (Some(true), _) => {}
        (Some(false), Some(role)) => {
            let of_node = node.name.as_ref().map(|name| format!(", and {name} is one")).unwrap_or_default();
            return Some((RequestFault::OtherRole, format!("{role} nodes have no {name}{of_node}")));
        }
        (Some(false), None) => {
            let roles: Vec<_> = NodeRole::that_have(name).map(NodeRole::as_str).collect();
            let reason = format!(
                "{name} is signed only for a {} node, and the signer has not said that this is one (--role)",
                roles.join(" or ")
            );
            return Some((RequestFault::UnknownNode, reason));
        }
    }
    if node.name.is_none() && catalogue::issued(name).is_some_and(Row::names_its_node) {
        let reason = format!("{name} names its node, and the signer has named none (--node-name)");
        return Some((RequestFault::UnknownNode, reason));
    }
    None
}

/// Every reason against signing `request`; `subject` and `path` say what the findings are about.
pub(super) fn judge(
    request: &CertificateRequest,
    profile: &Profile,
    policy: &Policy,
    subject: &str,
    path: Option<&Path>,
) -> Vec<Finding> {
    let mut reasons: Vec<(RequestFault, String)> = Vec::new();
    if !profile.is_allowed {
        reasons.push((RequestFault::NotAllowed, format!("the policy signs no {}", profile.name)));
    }
    let misread = request.misunderstandings();
    reasons.extend(misread.into_iter().map(|reason| (RequestFault::NotUnderstood, reason)));
    let weakness = weakness(request.key_kind(), policy.minimum_rsa_bits()).or_else(|| {
        public_key_weakness(request.public_key_info(), Effort::Thorough)
            .map(|weakness| format!("its key is weak: {}", weakness.reason))
    });
    let is_weak = weakness.is_some();
    reasons.extend(weakness.map(|reason| (RequestFault::WeakKey, reason)));
    // What such a key has signed cannot be told.
    if let Err(error) = request.verify_signature()
        && !is_weak
    {
        reasons.push((RequestFault::Signature, error.to_string()));
    }
    if let Some(reason) = other_subject(request, profile) {
        reasons.push((RequestFault::OtherSubject, reason));
    }
    judge_names(request, &profile.names, &mut reasons);
    judge_extensions(request, profile, policy, &mut reasons);
    reasons.into_iter().map(|(fault, evidence)| fault.finding(subject, path, evidence)).collect()
}

/// Why a key of this kind is not signed.
pub(super) fn weakness(kind: &str, minimum_rsa_bits: u32) -> Option<String> {
    if let Some(bits) = kind.strip_prefix("RSA-") {
        let enough = bits.parse::<u32>().is_ok_and(|bits| (minimum_rsa_bits..=8192).contains(&bits));
        return (!enough).then(|| format!("the key is {kind}; RSA keys have {minimum_rsa_bits} to 8192 bits"));
    }
    let known = matches!(kind, "ECDSA-P256" | "ECDSA-P384" | "ECDSA-P521");
    (!known).then(|| format!("the key is of the kind {kind}, which Kubernetes does not use"))
}

fn other_subject(request: &CertificateRequest, profile: &Profile) -> Option<String> {
    let asked = request.subject();
    let attributes: Vec<_> = asked.relative_names().into_iter().flatten().collect();
    let values = |oid: &str| -> Vec<&str> {
        attributes.iter().filter(|part| part.oid == oid).map(|part| part.value.as_str()).collect()
    };
    let (common_names, mut organizations) = (values("2.5.4.3"), values("2.5.4.10"));
    organizations.sort_unstable();
    let has_right_groups = profile.organizations.iter().any(|groups| {
        let mut wanted: Vec<_> = groups.iter().map(String::as_str).collect();
        wanted.sort_unstable();
        organizations == wanted
    });
    let has_others = attributes.len() != common_names.len() + organizations.len();
    let is_right = !has_others
        && has_right_groups
        && match common_names.as_slice() {
            [name] => {
                is_right_common_name(name, &profile.common_names)
                    && !is_another_kubelet(name, profile)
                    && profile.identity.as_deref().is_none_or(|identity| *name == identity)
            }
            _ => false,
        };
    (!is_right).then(|| format!("it asks for the subject {asked}, and {} is {}", profile.name, describe(profile)))
}

fn is_right_common_name(name: &str, allowed: &CommonNames) -> bool {
    match allowed {
        CommonNames::Fixed(wanted) => name == wanted,
        CommonNames::AnyNode { prefix } => {
            name.strip_prefix(prefix).is_some_and(|node| is_host_name(node) && node.parse::<IpAddr>().is_err())
        }
        CommonNames::Patterns(patterns) => patterns.iter().any(|pattern| pattern.matches(name)),
    }
}

/// Whether a name is a kubelet's, under whatever name of a policy's own it is asked for, and is not the known node.
fn is_another_kubelet(name: &str, profile: &Profile) -> bool {
    let is_pattern = matches!(profile.common_names, CommonNames::Patterns(_));
    is_pattern && name.starts_with(SYSTEM_NODE) && profile.identity.as_deref() != Some(name)
}

fn describe(profile: &Profile) -> String {
    let common_name = match &profile.common_names {
        _ if profile.identity.is_some() => profile.identity.clone().unwrap_or_default(),
        CommonNames::Fixed(name) => name.clone(),
        CommonNames::AnyNode { prefix } => format!("{prefix}NODE"),
        CommonNames::Patterns(patterns) => patterns.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "),
    };
    let with_groups = |groups: &Vec<String>| {
        if groups.is_empty() {
            return format!("CN={common_name} without O");
        }
        format!("CN={common_name},O={}", groups.join(",O="))
    };
    profile.organizations.iter().map(with_groups).collect::<Vec<_>>().join(" or ")
}

/// A lower-case DNS name, not a wildcard.
fn is_host_name(name: &str) -> bool {
    !name.contains('*') && alternative_name(name).is_ok_and(|canonical| canonical == name)
}

fn judge_names(request: &CertificateRequest, allowed: &AllowedNames, reasons: &mut Vec<(RequestFault, String)>) {
    let asked = request.subject_alt_names();
    let text = ToString::to_string;
    let (others, missing): (Vec<String>, Vec<SubjectAltName>) = match allowed {
        AllowedNames::None => (asked.iter().map(text).collect(), Vec::new()),
        AllowedNames::Patterns(patterns) => {
            let is_other = |name: &&SubjectAltName| !patterns.iter().any(|one| one.matches(name));
            (asked.iter().filter(is_other).map(text).collect(), Vec::new())
        }
        AllowedNames::Configured { wanted, free_dns, free_addresses } => {
            let others = beyond(asked, wanted, *free_dns, *free_addresses);
            (others.into_iter().map(text).collect(), missing(asked, wanted))
        }
        AllowedNames::Plausible { server, wanted, with_common_name } => {
            let mut missing = missing(asked, wanted);
            let common_name = request.subject().common_name().map(SubjectAltName::Dns);
            missing.extend(common_name.filter(|name| *with_common_name && !asked.iter().any(|one| one == name)));
            let reason = |name: &SubjectAltName| plausible::fault(name, server).map(|why| format!("{name} ({why})"));
            (asked.iter().filter_map(reason).collect(), missing)
        }
    };
    if !others.is_empty() {
        reasons.push((
            RequestFault::OtherNames,
            format!("it asks for alternative names that it has no right to: {}", others.join(", ")),
        ));
    }
    let count = asked.iter().count();
    if matches!(allowed, AllowedNames::Plausible { .. }) && count > MOST_NAMES {
        reasons.push((
            RequestFault::OtherNames,
            format!("it asks for {count} alternative names; without a configuration {MOST_NAMES} are the most"),
        ));
    }
    if !missing.is_empty() {
        let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
        reasons.push((
            RequestFault::MissingNames,
            format!("it lacks alternative names that clients will look for: {}", missing.join(", ")),
        ));
    }
}

fn missing(asked: &SubjectAltNames, wanted: &SubjectAltNames) -> Vec<SubjectAltName> {
    wanted.iter().filter(|name| !asked.iter().any(|one| one == *name)).cloned().collect()
}

/// The names that are not among the wanted ones, but for as many as a node that is not known may have.
fn beyond<'a>(
    asked: &'a SubjectAltNames,
    wanted: &SubjectAltNames,
    mut free_dns: usize,
    mut free_addresses: usize,
) -> Vec<&'a SubjectAltName> {
    let mut others = Vec::new();
    for name in asked.iter().filter(|name| !wanted.iter().any(|one| one == *name)) {
        let free = match name {
            SubjectAltName::Dns(_) => &mut free_dns,
            SubjectAltName::Ip(_) => &mut free_addresses,
            _ => &mut 0,
        };
        if *free > 0 && plausible::fault(name, &KnownServer::default()).is_none() {
            *free -= 1;
        } else {
            others.push(name);
        }
    }
    others
}

fn judge_extensions(
    request: &CertificateRequest,
    profile: &Profile,
    policy: &Policy,
    reasons: &mut Vec<(RequestFault, String)>,
) {
    let asked = request.key_usages().unwrap_or_default().iter();
    let mut others: Vec<_> = asked.filter(|usage| !LEAF_KEY_USAGES.contains(usage)).map(ToString::to_string).collect();
    let asked = request.extended_key_usages().unwrap_or_default().iter();
    others.extend(asked.filter(|usage| !profile.extended_key_usages.contains(usage)).map(ToString::to_string));
    if !others.is_empty() {
        reasons.push((
            RequestFault::OtherUsages,
            format!("it asks for usages that {} does not have: {}", profile.name, others.join(", ")),
        ));
    }
    if request.asks_for_ca() {
        reasons.push((RequestFault::CertificateAuthority, "it asks to be a certificate authority".to_owned()));
    }
    if !request.other_extensions().is_empty() && !policy.ignores_other_extensions() {
        reasons.push((
            RequestFault::OtherExtensions,
            format!("it asks for extensions that are never signed: {}", request.other_extensions().join(", ")),
        ));
    }
}
