//! What is expected of a certificate.

use crate::catalogue::Row;
use crate::config::ClusterSpec;
use crate::x509::{DistinguishedName, ExtendedKeyUsage, SubjectAltNames, X509Error};

/// What the catalogue expects of a leaf. What is not known is not judged.
#[derive(Clone, Debug, Default)]
pub struct Expectation {
    /// The subject.
    pub subject: Option<DistinguishedName>,
    /// Names that must be covered.
    pub subject_alt_names: SubjectAltNames,
    /// Purposes that must be allowed.
    pub extended_key_usages: Vec<ExtendedKeyUsage>,
}

impl Expectation {
    /// What the node that `spec` describes must have. Without a configuration (`is_said` is false) nobody has said what
    /// it is called, so neither its name nor alternative names are expected; nor its name where the configuration
    /// leaves that to a host whose name is none.
    pub(super) fn of(row: &Row, spec: &ClusterSpec, is_said: bool) -> Result<Self, X509Error> {
        let is_named = is_said && !spec.node_name.is_empty();
        let is_known = is_named || !row.is_named_after_node();
        let names = is_said.then(|| row.subject_alt_names(spec));
        Ok(Self {
            subject: is_known.then(|| row.subject(spec)).transpose()?,
            subject_alt_names: names.unwrap_or_default(),
            ..Self::usages(row.extended_key_usages)
        })
    }

    /// Purposes alone.
    #[must_use]
    pub fn usages(usages: &[ExtendedKeyUsage]) -> Self {
        Self { extended_key_usages: usages.to_vec(), ..Self::default() }
    }
}
