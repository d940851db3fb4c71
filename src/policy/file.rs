//! The policy file: YAML that says what a CA signs beyond, or short of, the catalogue.
//!
//! In: text. Out: [`Policy`]. A field that is not known is an error with its line: a policy with a typing error must
//! not allow what it was to forbid.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::{Deserialize, Deserializer};

use super::PolicyError;
use super::pattern::{NamePattern, TextPattern};
use super::profile::{AllowedNames, CommonNames, KnownNode, Profile};
use crate::catalogue;
use crate::config::ClusterSpec;
use crate::x509::ExtendedKeyUsage;

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

/// The message with line and column, without the picture of the place behind it.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
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
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let policy: Self = serde_saphyr::from_str(text).map_err(|error| invalid(first_line(&error.to_string())))?;
        for (name, rule) in &policy.certificates {
            let known = catalogue::leaf_names().contains(&name.as_str());
            if known && (rule.issuer.is_some() || rule.usages.is_some()) {
                return Err(invalid(format!("certificates.{name}: issuer and usages are the catalogue's")));
            }
            if !known && rule.allow {
                check_own(name, rule).map_err(|reason| invalid(format!("certificates.{name}: {reason}")))?;
            }
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

    /// What a certificate of this name may say; `None` for a name that neither the catalogue nor this policy has.
    #[must_use]
    pub fn profile(&self, name: &str, node: &KnownNode) -> Option<Profile> {
        let rule = self.certificates.get(name);
        let mut profile = match (Profile::of_catalogue(name, node), rule) {
            (Some(profile), _) => profile,
            (None, Some(rule)) => Profile {
                name: name.to_owned(),
                issuer: rule.issuer.clone().unwrap_or_default(),
                is_allowed: rule.allow,
                common_names: CommonNames::Patterns(Vec::new()),
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
        let is_forbidden = self.certificates.get("admin.conf").is_some_and(|rule| !rule.allow);
        if is_forbidden && profile.name != "admin.conf" {
            let own = profile.organizations.first().cloned();
            profile.organizations.retain(|groups| {
                Some(groups) == own.as_ref() || !groups.iter().any(|group| group == catalogue::CLUSTER_ADMINS)
            });
        }
    }
}

/// A name of the policy's own must say all that the catalogue says of its own names.
fn check_own(name: &str, rule: &Rule) -> Result<(), String> {
    if name.is_empty() || name.contains(['/', ' ']) {
        return Err("a name is that of the file without .csr, without a folder".into());
    }
    match rule.issuer.as_deref() {
        Some(issuer) if catalogue::authority(issuer).is_some() => {}
        Some(issuer) => return Err(format!("there is no CA {issuer:?}; known CAs are ca, etcd-ca, front-proxy-ca")),
        None => return Err("it is not one of the catalogue's names, so it needs an issuer".into()),
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
