//! The policy file: YAML that says what a CA signs beyond, or short of, the catalogue.
//!
//! In: text. Out: [`Policy`]. A field that is not known is an error with its line: a policy with a typing error must
//! not allow what it was to forbid.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::TimeDelta;
use serde::{Deserialize, Deserializer};

use super::PolicyError;
use super::judge::judge_node;
use super::pattern::{NamePattern, TextPattern};
use super::profile::{AllowedNames, CommonNames, KnownNode, Profile};
use crate::audit::RequestFault;
use crate::catalogue::{self, ADMIN_CONF};
use crate::config::{ClusterSpec, first_template_leftover};
use crate::error::nearest;
use crate::x509::ExtendedKeyUsage;
use crate::yaml::{self, Node, TypedError, Value};

/// What a CA signs, besides the catalogue's rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Policy {
    /// The longest validity, for all names that have none of their own.
    #[serde(deserialize_with = "duration")]
    max_validity: Option<TimeDelta>,
    /// The fewest bits of an RSA key.
    minimum_rsa_bits: Option<u32>,
    /// Whether extensions that are asked for and never copied are passed over instead of refused.
    ignore_other_extensions: bool,
    /// The rules by name.
    certificates: BTreeMap<String, Rule>,
}

/// What is signed for one name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Rule {
    allow: bool,
    issuer: Option<String>,
    usages: Option<Vec<ExtendedKeyUsage>>,
    common_names: Option<Vec<TextPattern>>,
    organizations: Option<Vec<String>>,
    names: Option<Vec<NamePattern>>,
    #[serde(deserialize_with = "duration")]
    max_validity: Option<TimeDelta>,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            allow: true,
            issuer: None,
            usages: None,
            common_names: None,
            organizations: None,
            names: None,
            max_validity: None,
        }
    }
}

/// Why a text is no YAML: what a template left in it, or what the reader says.
fn unreadable(text: &str, error: &TypedError) -> String {
    let Some((line, column, leftover)) = first_template_leftover(text) else { return error.to_string() };
    format!("line {line} column {column}: {leftover:?} is left over from a template; render the template first")
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TimeDelta>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let parsed = crate::config::parse_duration(&text).ok().filter(|duration| *duration > TimeDelta::zero());
    parsed
        .map(Some)
        .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not a duration; write hours, as 8760h")))
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// [`PolicyError::Invalid`] when it is no YAML, has a field that is not known, or a rule that cannot be followed.
    pub fn parse(file: &str, text: &[u8]) -> Result<Self, PolicyError> {
        let invalid = |reason: String| PolicyError::Invalid { file: file.to_owned(), reason };
        let text = std::str::from_utf8(text).map_err(|error| invalid(format!("it is not UTF-8: {error}")))?;
        let root = yaml::own(text).map_err(|error| invalid(unreadable(text, &error)))?;
        if root.is_null() {
            return Err(invalid("it is empty; a policy that allows what the catalogue does is {}".into()));
        }
        if let Some(path) = empty_field(&root) {
            let reason = "it has no value; a rule that is begun and not ended would allow what it was to forbid";
            return Err(invalid(format!("{path}: {reason}")));
        }
        let policy: Self = yaml::from_own(&root).map_err(|error| invalid(error.to_string()))?;
        if policy.minimum_rsa_bits.is_some_and(|bits| !(2048..=8192).contains(&bits)) {
            return Err(invalid("minimumRsaBits: RSA keys have 2048 to 8192 bits".into()));
        }
        for (name, rule) in &policy.certificates {
            let known = catalogue::leaf_names().contains(&name.as_str());
            let checked = if known { check_of_catalogue(rule) } else { check_own(name, rule) };
            checked
                .and_then(|()| check_texts(rule))
                .map_err(|reason| invalid(format!("certificates.{name}: {reason}")))?;
        }
        Ok(policy)
    }

    /// The names that this policy adds to the catalogue's.
    pub fn own_names(&self) -> impl Iterator<Item = &str> {
        let names = self.certificates.keys().map(String::as_str);
        names.filter(|name| !catalogue::leaf_names().contains(name))
    }

    /// The fewest bits of an RSA key.
    #[must_use]
    pub fn minimum_rsa_bits(&self) -> u32 {
        self.minimum_rsa_bits.unwrap_or(2048).max(2048)
    }

    /// Whether extensions that are never copied are passed over.
    #[must_use]
    pub fn ignores_other_extensions(&self) -> bool {
        self.ignore_other_extensions
    }

    /// The CA that signs for this name; `None` for a name that neither the catalogue nor this policy has.
    #[must_use]
    pub fn issuer(&self, name: &str) -> Option<String> {
        self.rules(name, &KnownNode::default()).map(|profile| profile.issuer)
    }

    /// What a certificate of this name may say that is this node's.
    ///
    /// # Errors
    /// Why it is nobody's, or not this node's, to have.
    pub fn profile(&self, name: &str, node: &KnownNode) -> Result<Profile, (RequestFault, String)> {
        let unknown = || format!("{name:?} is neither one of kubeadm's names nor one of the policy's");
        let profile = self.rules(name, node).ok_or_else(|| (RequestFault::UnknownName, unknown()))?;
        judge_node(&profile.name, node).map_or(Ok(profile), Err)
    }

    fn rules(&self, name: &str, node: &KnownNode) -> Option<Profile> {
        let name = catalogue::signed_as(name);
        let rule = self.certificates.get(name);
        let mut profile = match (Profile::of_catalogue(name, node), rule) {
            (Some(profile), _) => profile,
            (None, Some(rule)) => Profile {
                name: name.to_owned(),
                issuer: rule.issuer.clone().unwrap_or_default(),
                is_allowed: rule.allow,
                common_names: CommonNames::Patterns(Vec::new()),
                identity: None,
                organizations: vec![Vec::new()],
                version: node.spec.as_ref().and_then(ClusterSpec::version),
                extended_key_usages: rule.usages.clone().unwrap_or_default(),
                names: AllowedNames::Patterns(Vec::new()),
                max_validity: None,
            },
            (None, None) => return None,
        };
        self.without_forbidden_power(&mut profile);
        if let Some(rule) = rule {
            profile.is_allowed = rule.allow;
            if let Some(patterns) = &rule.common_names {
                profile.common_names = CommonNames::Patterns(patterns.clone());
            }
            if let Some(organizations) = &rule.organizations {
                profile.organizations = vec![organizations.clone()];
            }
            if let Some(patterns) = &rule.names {
                profile.names = AllowedNames::Patterns(patterns.clone());
            }
        }
        profile.max_validity = rule.and_then(|rule| rule.max_validity).or(self.max_validity);
        Some(profile)
    }

    /// Where `admin.conf` is not signed, no other name gets its group, unless it is the version's own for that name.
    fn without_forbidden_power(&self, profile: &mut Profile) {
        let is_forbidden = self.certificates.get(ADMIN_CONF).is_some_and(|rule| !rule.allow);
        if is_forbidden && profile.name != ADMIN_CONF {
            let own = profile.organizations.first().cloned();
            profile.organizations.retain(|groups| {
                Some(groups) == own.as_ref() || !groups.iter().any(|group| group == catalogue::CLUSTER_ADMINS)
            });
        }
    }
}

/// The place of a field without a value, as `certificates.admin.conf`.
fn empty_field(node: &Node) -> Option<String> {
    let inner = |name: String, node: &Node| {
        if node.is_null() {
            return Some(name);
        }
        let rest = empty_field(node)?;
        Some(format!("{name}.{rest}"))
    };
    match &node.value {
        Value::Mapping(fields) => fields.iter().find_map(|(name, node)| inner(name.to_owned(), node)),
        Value::Sequence(items) => items.iter().enumerate().find_map(|(at, node)| inner(at.to_string(), node)),
        Value::Scalar(_) | Value::Unusable => None,
    }
}

fn check_of_catalogue(rule: &Rule) -> Result<(), String> {
    if rule.issuer.is_some() || rule.usages.is_some() {
        return Err("issuer and usages are the catalogue's".into());
    }
    if rule.common_names.as_ref().is_some_and(Vec::is_empty) {
        return Err("no common name matches an empty list; write allow: false".into());
    }
    Ok(())
}

fn check_texts(rule: &Rule) -> Result<(), String> {
    let patterns = rule.common_names.iter().flatten().map(ToString::to_string);
    let mut texts = patterns.chain(rule.organizations.iter().flatten().cloned());
    match texts.find(|text| text.is_empty() || text.trim() != text || text.chars().any(char::is_control)) {
        Some(text) => Err(format!("{text:?} matches nothing: it is empty, or has blanks around it")),
        None => Ok(()),
    }
}

/// A name that is not the catalogue's is one that the policy adds; and then it says all that the catalogue says of its
/// own names. One that only looks like the catalogue's is an error, for it would forbid nothing.
fn check_own(name: &str, rule: &Rule) -> Result<(), String> {
    if let Some(meant) = meant(name) {
        return Err(format!("there is no such certificate; did you mean {meant}?"));
    }
    if catalogue::signed_as(name) != name {
        return Err(format!("it is signed by the rules for {}", catalogue::signed_as(name)));
    }
    if catalogue::certificate_names().contains(&name) || catalogue::renewable_names().contains(&name) {
        return Err("no request is signed for this name".into());
    }
    let is_file_name = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte))
        && name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && name.bytes().last().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if !is_file_name {
        return Err("a name is that of the file without .csr, without a folder, in lower case".into());
    }
    let nearest =
        nearest(name, catalogue::leaf_names()).map(|name| format!("; did you mean {name}?")).unwrap_or_default();
    match rule.issuer.as_deref() {
        Some(issuer) if catalogue::authority(issuer).is_some() => {}
        Some(issuer) => {
            let known = catalogue::authority_names().join(", ");
            return Err(format!("there is no CA {issuer:?}; known CAs are {known}"));
        }
        None => return Err(format!("it is not one of the catalogue's names, so it needs an issuer{nearest}")),
    }
    if rule.usages.as_ref().is_none_or(Vec::is_empty) {
        return Err("it needs usages (serverAuth, clientAuth)".into());
    }
    if rule.common_names.as_ref().is_none_or(Vec::is_empty) {
        return Err("it needs commonNames".into());
    }
    if let Some(unknown) = rule.usages.iter().flatten().find(|usage| usage.object_identifier().is_none()) {
        return Err(format!("{unknown} is not a usage; use serverAuth, clientAuth, or an object identifier"));
    }
    Ok(())
}

/// The name of the catalogue that is meant by another spelling of it: another case, blanks, a file's ending, the place
/// of its file (`etcd/server`), a kubeconfig without its ending; or that a file of this name would be taken for.
fn meant(name: &str) -> Option<String> {
    let folded: String = name.trim().to_lowercase().replace(['_', ' '], "-");
    let stem = [".csr", ".crt", ".key", ".pem"].iter().fold(folded.as_str(), |name, end| name.trim_end_matches(end));
    let leaf = catalogue::rows([catalogue::Kind::Leaf])
        .find(|row| stem == row.name || Path::new(stem).ends_with(row.base_name));
    if let Some(row) = leaf {
        return Some(row.name.to_owned());
    }
    let kubeconfigs = catalogue::kubeconfig_names();
    let is_kubeconfig = |known: &&&str| {
        stem.strip_suffix(**known).is_some_and(|rest| rest.is_empty() || rest.ends_with(['.', '/']))
            || known.strip_suffix(".conf") == Some(stem)
    };
    if let Some(known) = kubeconfigs.iter().find(is_kubeconfig) {
        return Some((*known).to_owned());
    }
    None
}
