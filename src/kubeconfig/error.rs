//! Why a kubeconfig could not be read, looked at or changed.

use serde_json::{Value, json};

use crate::error::{Category, Diagnostic};
use crate::yaml::{Mark, ParseError, Reason};

/// Why a kubeconfig could not be used. No variant holds key material, tokens or passwords.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KubeconfigError {
    /// The bytes are not UTF-8.
    #[error("the kubeconfig is not UTF-8 text (first bad byte at offset {offset})")]
    NotUtf8 {
        /// The offset of the first bad byte.
        offset: usize,
    },
    /// The text is not YAML.
    #[error("the kubeconfig is not valid YAML: line {line}, column {column}: {problem}")]
    InvalidYaml {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What the parser says; never any of the text.
        problem: String,
    },
    /// The YAML nests too deeply, or its aliases multiply it.
    #[error("the kubeconfig is nested too deeply or multiplied by aliases (line {line})")]
    TooComplex {
        /// The line where the bound was reached, from 1.
        line: usize,
    },
    /// The YAML holds something that would not survive an edit.
    #[error("the kubeconfig holds {construct} (line {line})")]
    UnsupportedYaml {
        /// The line, from 1.
        line: usize,
        /// The construct, in words.
        construct: &'static str,
    },
    /// A key appears twice in one mapping.
    #[error("the key {key:?} appears twice in one mapping of the kubeconfig (line {line})")]
    DuplicateKey {
        /// The line of the second one, from 1.
        line: usize,
        /// The key.
        key: String,
    },
    /// The document is something other than a mapping, or of another kind.
    #[error("this is not a kubeconfig: it is {found}, not a v1 Config")]
    NotAKubeconfig {
        /// What it is instead.
        found: String,
    },
    /// A field has the wrong shape.
    #[error("the field {field} of the kubeconfig must be {expected}")]
    WrongType {
        /// The field, as `users[admin].user.token`.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
    /// Two entries of one list have the same name.
    #[error("two entries of {list} in the kubeconfig are named {name:?}")]
    DuplicateName {
        /// `clusters`, `contexts` or `users`.
        list: &'static str,
        /// The name.
        name: String,
    },
    /// `current-context` names no entry of `contexts`.
    #[error("the current-context {context:?} is not among the contexts of the kubeconfig")]
    ContextMissing {
        /// `current-context`; empty if there is none.
        context: String,
        /// The contexts there are.
        known: Vec<String>,
    },
    /// A cluster that is needed is no entry of `clusters`.
    #[error("the cluster {cluster:?} is not among the clusters of the kubeconfig")]
    ClusterMissing {
        /// The cluster that is wanted.
        cluster: String,
        /// The clusters there are.
        known: Vec<String>,
    },
    /// A user that is needed is no entry of `users`.
    #[error("the user {user:?} is not among the users of the kubeconfig")]
    UserMissing {
        /// The user that is wanted.
        user: String,
        /// The users there are.
        known: Vec<String>,
    },
    /// Clients read the file and refuse to use it.
    #[error("no client would use the kubeconfig: {field}: {reason}")]
    Unusable {
        /// The field, as `users[admin].user.client-key`.
        field: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A `*-data` field is not base64.
    #[error("the field {field} of the kubeconfig is not base64 on one line")]
    InvalidBase64 {
        /// The field, as `users[admin].user.client-key-data`.
        field: String,
    },
}

impl From<ParseError> for KubeconfigError {
    fn from(error: ParseError) -> Self {
        let ParseError { mark: Mark { line, column }, reason } = error;
        match reason {
            Reason::Syntax(problem) => Self::InvalidYaml { line, column, problem },
            Reason::TooDeep(_) | Reason::TooLarge => Self::TooComplex { line },
            Reason::Unsupported(construct) => Self::UnsupportedYaml { line, construct: construct.as_str() },
            Reason::Tag(_) => Self::UnsupportedYaml { line, construct: "a tag that does not fit its value" },
            Reason::DuplicateKey(key) => Self::DuplicateKey { line, key },
            Reason::NotAMapping => Self::NotAKubeconfig { found: "no YAML mapping".to_owned() },
        }
    }
}

impl Diagnostic for KubeconfigError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotUtf8 { .. } => "kubeconfig.not_utf8",
            Self::InvalidYaml { .. } => "kubeconfig.invalid_yaml",
            Self::TooComplex { .. } => "kubeconfig.too_complex",
            Self::UnsupportedYaml { .. } => "kubeconfig.unsupported_yaml",
            Self::DuplicateKey { .. } => "kubeconfig.duplicate_key",
            Self::NotAKubeconfig { .. } => "kubeconfig.not_a_kubeconfig",
            Self::WrongType { .. } => "kubeconfig.wrong_type",
            Self::DuplicateName { .. } => "kubeconfig.duplicate_name",
            Self::ContextMissing { .. } => "kubeconfig.context_missing",
            Self::ClusterMissing { .. } => "kubeconfig.cluster_missing",
            Self::UserMissing { .. } => "kubeconfig.user_missing",
            Self::Unusable { .. } => "kubeconfig.unusable",
            Self::InvalidBase64 { .. } => "kubeconfig.invalid_base64",
        }
    }

    fn hint(&self) -> String {
        let one_of = |what: &str, known: &[String]| match known {
            [] => format!("add the {what}, or make the file again; it has none"),
            known => format!("name one of {}", known.join(", ")),
        };
        match self {
            Self::NotUtf8 { .. } => "restore the file from a backup or make it again".to_owned(),
            Self::InvalidYaml { line, .. } => format!("correct line {line}, or make the file again"),
            Self::TooComplex { .. } => "write the file out without YAML anchors and with less nesting".to_owned(),
            Self::UnsupportedYaml { construct, .. } => format!("write the file without {construct}"),
            Self::DuplicateKey { key, .. } => format!("keep one of the two {key:?}"),
            Self::NotAKubeconfig { .. } => "give a file with apiVersion: v1 and kind: Config".to_owned(),
            Self::WrongType { field, expected } => format!("make {field} {expected}"),
            Self::DuplicateName { list, .. } => format!("give every entry of {list} its own name"),
            Self::ContextMissing { known, .. } => {
                format!("set current-context: {}", one_of("context", known))
            }
            Self::ClusterMissing { known, .. } => one_of("cluster", known),
            Self::UserMissing { known, .. } => one_of("user", known),
            Self::Unusable { field, .. } => format!("correct {field}, or make the file again"),
            Self::InvalidBase64 { field } => {
                format!(
                    "put the base64 of the PEM into {field}, without blanks and line breaks, as base64 -w0 prints it"
                )
            }
        }
    }

    fn category(&self) -> Category {
        Category::Finding
    }

    fn context(&self) -> Value {
        match self {
            Self::NotUtf8 { offset } => json!({ "offset": offset }),
            Self::InvalidYaml { line, column, problem } => {
                json!({ "line": line, "column": column, "problem": problem })
            }
            Self::TooComplex { line } => json!({ "line": line }),
            Self::UnsupportedYaml { line, construct } => json!({ "line": line, "construct": construct }),
            Self::DuplicateKey { line, key } => json!({ "line": line, "key": key }),
            Self::NotAKubeconfig { found } => json!({ "found": found }),
            Self::WrongType { field, expected } => json!({ "field": field, "expected": expected }),
            Self::DuplicateName { list, name } => json!({ "list": list, "name": name }),
            Self::ContextMissing { context, known } => json!({ "context": context, "known": known }),
            Self::ClusterMissing { cluster, known } => json!({ "cluster": cluster, "known": known }),
            Self::UserMissing { user, known } => json!({ "user": user, "known": known }),
            Self::Unusable { field, reason } => json!({ "field": field, "reason": reason }),
            Self::InvalidBase64 { field } => json!({ "field": field }),
        }
    }
}
