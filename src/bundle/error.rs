//! Why a bundle cannot be made, read or used.

use serde_json::{Value, json};

use crate::error::{Category, Diagnostic};
use crate::yaml::{Mark, ParseError, Reason};

/// What is wrong with a bundle. No variant holds a key or what an entry decrypts to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The text is no document.
    #[error("the bundle cannot be read: {problem}")]
    Unreadable {
        /// What is wrong, with its place; none of the text.
        problem: String,
    },
    /// There is no `kubeadm-certs` Secret in it.
    #[error("the bundle holds no Secret kubeadm-certs: {found}")]
    NoSecret {
        /// What there is in its place.
        found: String,
    },
    /// There are several.
    #[error("the bundle holds {count} Secrets named kubeadm-certs")]
    SeveralSecrets {
        /// How many.
        count: usize,
    },
    /// A value is not base64.
    #[error("the entry {name} is not base64")]
    InvalidBase64 {
        /// The entry.
        name: String,
    },
    /// Entries that kubeadm does not have.
    #[error("the bundle holds what kubeadm never shares: {}", .names.join(", "))]
    UnknownEntries {
        /// Their names.
        names: Vec<String>,
    },
    /// Files that belong to one node.
    #[error("the bundle holds files that belong to one node: {}", .names.join(", "))]
    NodeBound {
        /// Their names.
        names: Vec<String>,
    },
    /// Entries that must be there.
    #[error("the bundle lacks {}", .names.join(", "))]
    MissingEntries {
        /// Their names.
        names: Vec<String>,
    },
    /// Entries with nothing in them.
    #[error("the bundle has nothing in {}", .names.join(", "))]
    EmptyEntries {
        /// Their names.
        names: Vec<String>,
        /// Whether all of them are CA keys, which an external CA does not give away.
        only_authority_keys: bool,
    },
    /// Entries that are too short to be encrypted at all.
    #[error("these entries are cut off: {}", .names.join(", "))]
    Truncated {
        /// Their names.
        names: Vec<String>,
    },
    /// The key opens none of the entries.
    #[error("the certificate key opens none of the entries")]
    WrongKey,
    /// The key opens some of the entries.
    #[error("these entries were changed, or encrypted with another key: {}", .names.join(", "))]
    Damaged {
        /// Their names.
        names: Vec<String>,
    },
    /// Files that the bundle is to be made of are not there.
    #[error("these files are missing: {}", .paths.join(", "))]
    MissingFiles {
        /// Their paths.
        paths: Vec<String>,
    },
    /// CAs whose keys are not there.
    #[error("external CA mode: these keys are not on this node: {}", .paths.join(", "))]
    ExternalAuthority {
        /// Their paths.
        paths: Vec<String>,
    },
    /// A bundle for a control-plane node, given to a worker.
    #[error("this is the bundle of a control-plane node, with keys that a worker must not have")]
    NotForWorkers,
    /// The bundle is of another kind of etcd than the configuration.
    #[error("the bundle has {bundle} etcd, the configuration {configuration}")]
    OtherEtcd {
        /// `a local` or `an external`.
        bundle: &'static str,
        /// `a local` or `an external`.
        configuration: &'static str,
    },
    /// The operation needs the certificate key.
    #[error("the certificate key is missing")]
    NoKey,
}

impl Diagnostic for BundleError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "bundle.unreadable",
            Self::NoSecret { .. } => "bundle.no_secret",
            Self::SeveralSecrets { .. } => "bundle.several_secrets",
            Self::InvalidBase64 { .. } => "bundle.invalid_base64",
            Self::UnknownEntries { .. } => "bundle.unknown_entries",
            Self::NodeBound { .. } => "bundle.node_bound",
            Self::MissingEntries { .. } => "bundle.missing_entries",
            Self::EmptyEntries { .. } => "bundle.empty_entries",
            Self::Truncated { .. } => "bundle.truncated",
            Self::WrongKey => "bundle.wrong_key",
            Self::Damaged { .. } => "bundle.damaged",
            Self::MissingFiles { .. } => "bundle.missing_files",
            Self::ExternalAuthority { .. } => "bundle.external_authority",
            Self::NotForWorkers => "bundle.not_for_workers",
            Self::OtherEtcd { .. } => "bundle.other_etcd",
            Self::NoKey => "bundle.no_key",
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } => "give what `kubepki bundle export` or `kubectl get secret -o yaml` wrote".into(),
            Self::NoSecret { .. } | Self::SeveralSecrets { .. } => {
                "give one Secret: kubectl -n kube-system get secret kubeadm-certs -o yaml".into()
            }
            Self::InvalidBase64 { .. } | Self::Truncated { .. } | Self::Damaged { .. } => {
                "get the bundle again from where it was made".into()
            }
            Self::UnknownEntries { .. } => "remove these entries, or ask who made the bundle what they are".into(),
            Self::NodeBound { .. } => "each node makes these for itself: kubepki init".into(),
            Self::MissingEntries { .. } => {
                "make the bundle again: kubepki bundle export, or kubeadm init phase upload-certs --upload-certs".into()
            }
            Self::EmptyEntries { only_authority_keys: true, .. } => {
                "if the CA is external, and its key must stay with its owner: --allow-missing-ca-keys".into()
            }
            Self::EmptyEntries { .. } => {
                "the files were not there when it was made (kubeadm goes on then): make the bundle again on a whole node".into()
            }
            Self::WrongKey => "give the key that was printed when this bundle was made: each upload has its own".into(),
            Self::MissingFiles { .. } => "make the bundle on a control-plane node that has them, with its --config".into(),
            Self::ExternalAuthority { .. } => {
                "a node can join without them, and its certificates are then signed by the CA's owner: --allow-missing-ca-keys".into()
            }
            Self::NotForWorkers => {
                "give the worker ca.crt alone: kubepki bundle export --role worker".into()
            }
            Self::OtherEtcd { .. } => "give the configuration of this cluster with --config (etcd.external has the paths)".into(),
            Self::NoKey => {
                "give it with --certificate-key-file FILE, with --certificate-key, or in KUBEPKI_CERTIFICATE_KEY".into()
            }
        }
    }

    fn category(&self) -> Category {
        match self {
            Self::NodeBound { .. } | Self::ExternalAuthority { .. } | Self::NotForWorkers => Category::Refused,
            Self::OtherEtcd { .. } | Self::NoKey | Self::WrongKey => Category::Usage,
            _ => Category::Finding,
        }
    }

    fn context(&self) -> Value {
        match self {
            Self::UnknownEntries { names }
            | Self::NodeBound { names }
            | Self::MissingEntries { names }
            | Self::EmptyEntries { names, .. }
            | Self::Truncated { names }
            | Self::Damaged { names } => json!({ "entries": names }),
            Self::InvalidBase64 { name } => json!({ "entries": [name] }),
            Self::MissingFiles { paths } | Self::ExternalAuthority { paths } => json!({ "paths": paths }),
            _ => json!({}),
        }
    }
}

impl BundleError {
    /// A document that is no YAML, behind so many lines of others.
    pub(super) fn unreadable(error: ParseError, lines_before: usize) -> Self {
        let ParseError { mark: Mark { line, column }, reason } = error;
        let line = line.saturating_add(lines_before);
        let problem = match reason {
            Reason::Syntax(problem) => format!("line {line}, column {column}: {problem}"),
            Reason::NotAMapping => "it is not a Kubernetes API document".into(),
            reason => format!("{reason} (line {line})"),
        };
        Self::Unreadable { problem }
    }
}
