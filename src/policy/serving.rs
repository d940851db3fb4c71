//! Whether a kubelet may have the serving certificate that it asks for.
//!
//! In: a request as the API keeps it, and what is known of the node by those whom the kubelet cannot write. Out: a
//! [`Verdict`] with every reason. All pure.
//!
//! A kubelet writes the addresses of its own Node object, so they prove nothing: the object has to be there, and never
//! suffices. Each name and each address that is asked for has to be known from somewhere else: the certificate that the kubelet
//! serves now, an inventory, an option, DNS. What belongs to the cluster or to another node is never signed, whoever says so.
//! Whoever has credentials of a node is that node here: a bootstrap token is enough to become any. So a request is left that comes before the
//! certificate that is served is due, and the API server's names are listed one by one, or not approved.
//!
//! | part | what it holds |
//! |---|---|
//! | this file | evidence, verdicts, and what has to hold of every request |
//! | `known` | names and addresses of nodes by an inventory or an option |
//! | `names` | whether a name is the node's |
//! | `crowd` | many requests at once: the newest of each node, and floods |
//!
//! Source: Kubernetes, certificate signing requests (`kubernetes.io/kubelet-serving`); `pkg/apis/certificates/helpers.go`
//! (`ValidateKubeletServingCSR`).

mod crowd;
mod known;
mod names;
#[cfg(test)]
mod tests;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

pub use crowd::{Decision, Limits, decide};
pub use known::{BadKnownName, KnownNames};

use super::judge::weakness;
use crate::audit::{Finding, RequestFault};
use crate::catalogue::signer::KUBELET_SERVING;
use crate::catalogue::{SYSTEM_NODE, SYSTEM_NODES};
use crate::config::parse_address;
use crate::error::Code;
use crate::key::{Effort, public_key_weakness};
use crate::objects::CertificateSigningRequest;
use crate::remedy::command;
use crate::x509::{Certificate, CertificateRequest, DistinguishedName, ExtendedKeyUsage, SubjectAltName, verify_chain};

/// The usages that its certificates have; RSA keys encipher keys besides.
const USAGES: [&[&str]; 2] =
    [&["digital signature", "server auth"], &["digital signature", "key encipherment", "server auth"]];

/// A kubelet asks for its node's names and addresses, which are few.
pub const MOST_NAMES: usize = 32;

/// RSA keys have at least so many bits.
const LEAST_RSA_BITS: u32 = 2048;

/// What is known of the cluster and of the node that asks.
#[derive(Debug, Default)]
pub struct Evidence {
    /// What an inventory and options say.
    pub known: KnownNames,
    /// The chain that the kubelet of each node serves now, its own certificate first.
    pub served: BTreeMap<String, Vec<Certificate>>,
    /// The cluster's CA, for what is served.
    pub authorities: Vec<Certificate>,
    /// Every node of the cluster, with what it says of itself.
    pub nodes: BTreeMap<String, BTreeSet<String>>,
    /// What is the cluster's.
    pub reserved: Reserved,
    /// What DNS says of names, where it is to be believed.
    pub resolved: BTreeMap<String, BTreeSet<IpAddr>>,
    /// Which nodes' objects have a name or an address.
    pub(crate) claims: OnceCell<BTreeMap<String, Vec<String>>>,
}

impl Evidence {
    /// Another node whose object has the name or address.
    fn claimed_by(&self, node: &str, name: &SubjectAltName) -> Option<&str> {
        let claims = self.claims.get_or_init(|| {
            let mut claims: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (node, addresses) in &self.nodes {
                for address in addresses.iter().chain([node]) {
                    claims.entry(plain(address)).or_default().push(node.clone());
                }
            }
            claims
        });
        let text = match name {
            SubjectAltName::Dns(name) => name.clone(),
            SubjectAltName::Ip(address) => address.to_string(),
            _ => return None,
        };
        claims.get(&plain(&text))?.iter().map(String::as_str).find(|other| *other != node)
    }
}

/// A name or an address in one spelling.
fn plain(text: &str) -> String {
    match parse_address(text) {
        Some(address) => address.to_canonical().to_string(),
        None => text.trim_end_matches('.').to_ascii_lowercase(),
    }
}

/// What is the cluster's, and no node's.
#[derive(Clone, Debug, Default)]
pub struct Reserved {
    /// The networks of services.
    pub networks: Vec<ipnet::IpNet>,
    /// The cluster's domain, as `cluster.local`.
    pub domain: String,
    /// The API server's names and addresses, the endpoint and control-plane nodes among them. A control-plane node has some of
    /// them itself: an inventory or an option has to say which, one by one.
    pub api_server: BTreeSet<String>,
    /// What no node ever has, whoever says so: a load balancer's.
    pub never: BTreeSet<String>,
}

/// What is to be done with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It may be approved: where each name is known from.
    Approve {
        /// One sentence a name.
        evidence: Vec<String>,
    },
    /// It is left for a person to look at.
    Leave {
        /// Every reason.
        reasons: Vec<Finding>,
    },
}

/// Judges one request.
#[must_use]
pub fn judge_serving(
    object: &CertificateSigningRequest,
    evidence: &Evidence,
    limits: Limits,
    now: DateTime<Utc>,
) -> Verdict {
    let name = &object.metadata.name;
    // First of all: what another signer signs is judged by other rules, and by nobody here.
    if object.spec.signer_name != KUBELET_SERVING {
        let said = format!("its signer is {:?}", object.spec.signer_name);
        return Verdict::Leave { reasons: vec![RequestFault::OtherSigner.finding(name, None, said)] };
    }
    let mut judgement = Judgement { subject: name, reasons: Vec::new() };
    let node = judgement.requestor(object);
    let Some(request) = judgement.read(object) else { return Verdict::Leave { reasons: judgement.reasons } };
    judgement.key(&request);
    judgement.subject(&request, node.as_deref());
    judgement.usages(object, &request);
    judgement.validity(object, limits.longest);
    let count = request.subject_alt_names().iter().count();
    if count > MOST_NAMES {
        judgement.note(RequestFault::OtherNames, format!("it asks for {count} names; {MOST_NAMES} are the most"));
    }
    // Names cost time: those of a request that is left anyway are not looked at.
    let Some(node) = node.filter(|_| count <= MOST_NAMES) else {
        return Verdict::Leave { reasons: judgement.reasons };
    };
    if !evidence.nodes.contains_key(&node) {
        judgement.note(RequestFault::NoNode, format!("the cluster has no node {node:?}"));
    }
    let served = served(&node, request.subject(), evidence, now);
    if let Some(served) = served.filter(|served| !limits.early && !is_due(served, now)) {
        let is_covered = request.subject_alt_names().missing_from(served.subject_alt_names()).is_empty();
        let has_all = served.subject_alt_names().missing_from(request.subject_alt_names()).is_empty();
        if is_covered || has_all {
            let said = format!("{node} serves serial {}, which ends on {}", served.serial(), served.not_after());
            judgement.note(RequestFault::NotDue, said);
        }
    }
    let known = names::judge(&request, &node, served, evidence, &mut judgement);
    if judgement.reasons.is_empty() {
        Verdict::Approve { evidence: known }
    } else {
        Verdict::Leave { reasons: judgement.reasons }
    }
}

/// Whether a kubelet asks for the next one: two thirds of the time are over.
fn is_due(served: &Certificate, now: DateTime<Utc>) -> bool {
    let whole = served.not_after() - served.not_before();
    (now - served.not_before()) * 3 >= whole * 2
}

/// The certificate that the node's kubelet serves now, if it is one of the cluster's CA for this node.
fn served<'e>(
    node: &str,
    subject: &DistinguishedName,
    evidence: &'e Evidence,
    now: DateTime<Utc>,
) -> Option<&'e Certificate> {
    let (leaf, intermediates) = evidence.served.get(node)?.split_first()?;
    let is_trusted =
        verify_chain(leaf, intermediates, &evidence.authorities, now, Some(&ExtendedKeyUsage::ServerAuth)).is_ok();
    (is_trusted && leaf.subject() == subject).then_some(leaf)
}

impl Verdict {
    /// Why, in one line: where each name is known from, or every reason against it.
    #[must_use]
    pub fn why(&self) -> String {
        match self {
            Self::Approve { evidence } => evidence.join("; "),
            Self::Leave { reasons } => {
                reasons.iter().map(|one| format!("{} [{}]", one.evidence, one.code)).collect::<Vec<_>>().join("; ")
            }
        }
    }

    /// The codes of the reasons against it, in order; none when it may be approved.
    #[must_use]
    pub fn codes(&self) -> Vec<Code> {
        match self {
            Self::Approve { .. } => Vec::new(),
            Self::Leave { reasons } => reasons.iter().map(|one| one.code).collect(),
        }
    }

    /// Whether the request is wrong whatever else is known: it may be denied. What depends on other objects, on an answer in time or
    /// on a word that nobody has said yet is left.
    #[must_use]
    pub fn is_deniable(&self) -> bool {
        let wrong = [
            RequestFault::OtherRequestor,
            RequestFault::NotUnderstood,
            RequestFault::WeakKey,
            RequestFault::Signature,
            RequestFault::OtherSubject,
            RequestFault::OtherUsages,
            RequestFault::OtherExtensions,
            RequestFault::CertificateAuthority,
            RequestFault::OtherNames,
            RequestFault::ReservedNames,
            RequestFault::Validity,
        ];
        match self {
            Self::Approve { .. } => false,
            Self::Leave { reasons } => reasons.iter().any(|one| wrong.iter().any(|fault| one.code == *fault)),
        }
    }
}

/// What is found of one request.
struct Judgement<'a> {
    subject: &'a str,
    reasons: Vec<Finding>,
}

impl Judgement<'_> {
    fn note(&mut self, fault: RequestFault, said: impl Into<String>) {
        self.reasons.push(fault.finding(self.subject, None, said));
    }

    /// The same where a person can decide it, with the command that says so.
    fn note_decidable(&mut self, fault: RequestFault, said: impl Into<String>, node: &str, name: &SubjectAltName) {
        self.note(fault, said);
        let text = match name {
            SubjectAltName::Dns(name) => name.clone(),
            SubjectAltName::Ip(address) => address.to_string(),
            _ => return,
        };
        let allow = command(["kubepki", "kubelet", "approve", "--allow", &format!("{node}={text}")]);
        if let Some(last) = self.reasons.last_mut() {
            last.remedy =
                format!("if the node has it, list it explicitly: {allow}; or in an inventory (--inventory FILE)");
        }
    }

    /// The node that has asked, by what the API server says of who asked.
    fn requestor(&mut self, object: &CertificateSigningRequest) -> Option<String> {
        let spec = &object.spec;
        let node = spec.username.strip_prefix(SYSTEM_NODE).filter(|node| !node.is_empty());
        if node.is_none() || !spec.groups.iter().any(|group| group == SYSTEM_NODES) {
            let said = format!("it was made by {:?} of {}", spec.username, spec.groups.join(", "));
            self.note(RequestFault::OtherRequestor, said);
            return None;
        }
        node.map(str::to_owned)
    }

    fn read(&mut self, object: &CertificateSigningRequest) -> Option<CertificateRequest> {
        let pem = STANDARD.decode(&object.spec.request).ok();
        let read = pem.map(|pem| CertificateRequest::from_pem(&pem));
        match read {
            Some(Ok(request)) => {
                for misread in request.misunderstandings() {
                    self.note(RequestFault::NotUnderstood, misread);
                }
                Some(request)
            }
            Some(Err(error)) => {
                self.note(RequestFault::NotUnderstood, error.to_string());
                None
            }
            None => {
                self.note(RequestFault::NotUnderstood, "spec.request is not base64");
                None
            }
        }
    }

    fn key(&mut self, request: &CertificateRequest) {
        let weakness = weakness(request.key_kind(), LEAST_RSA_BITS).or_else(|| {
            public_key_weakness(request.public_key_info(), Effort::Thorough)
                .map(|weakness| format!("its key is weak: {}", weakness.reason))
        });
        match (weakness, request.verify_signature()) {
            (Some(reason), _) => self.note(RequestFault::WeakKey, reason),
            (None, Err(error)) => self.note(RequestFault::Signature, error.to_string()),
            (None, Ok(())) => {}
        }
    }

    fn subject(&mut self, request: &CertificateRequest, node: Option<&str>) {
        let subject = request.subject();
        let wanted = node.map(|node| format!("{SYSTEM_NODE}{node}"));
        let parts: Vec<_> = subject.relative_names().into_iter().flatten().collect();
        let is_right = parts.len() == 2
            && subject.organizations() == [SYSTEM_NODES]
            && subject.common_name().is_some_and(|name| wanted.as_ref().is_none_or(|wanted| *wanted == name));
        if !is_right {
            let wanted = wanted.unwrap_or_else(|| format!("{SYSTEM_NODE}NODE"));
            self.note(
                RequestFault::OtherSubject,
                format!("it asks for {subject}, not for O={SYSTEM_NODES},CN={wanted}"),
            );
        }
    }

    fn usages(&mut self, object: &CertificateSigningRequest, request: &CertificateRequest) {
        let mut asked: Vec<_> = object.spec.usages.iter().map(String::as_str).collect();
        asked.sort_unstable();
        if !USAGES.iter().any(|usages| asked == *usages) {
            self.note(RequestFault::OtherUsages, format!("it asks for the usages {}", asked.join(", ")));
        }
        if request.asks_for_ca() {
            self.note(RequestFault::CertificateAuthority, "it asks to be a CA");
        }
        let is_other = |usage: &ExtendedKeyUsage| *usage != ExtendedKeyUsage::ServerAuth;
        if request.extended_key_usages().is_some_and(|usages| usages.iter().any(is_other)) {
            self.note(RequestFault::OtherUsages, "its extensions ask for more than to serve");
        }
        if !request.other_extensions().is_empty() {
            let said = format!("it asks for the extensions {}", request.other_extensions().join(", "));
            self.note(RequestFault::OtherExtensions, said);
        }
    }

    fn validity(&mut self, object: &CertificateSigningRequest, longest: TimeDelta) {
        let Some(seconds) = object.spec.expiration_seconds else { return };
        if !(1..=longest.num_seconds()).contains(&seconds) {
            let said = format!("it asks for {seconds} s; at most {} s are approved", longest.num_seconds());
            self.note(RequestFault::Validity, said);
        }
    }
}
