//! Why a kubeconfig could not be read, looked at or changed.

use crate::error::faults;
use crate::yaml::{Mark, ParseError, Reason};

faults! {
    /// Why a kubeconfig could not be used. No variant holds key material, tokens or passwords.
    #[derive(Clone, PartialEq, Eq)]
    pub enum KubeconfigError {
        /// The file is not text; restore it or make it again.
        #[error("the kubeconfig is not UTF-8 text (first bad byte at offset {offset})")]
        #[fault("kubeconfig.not_utf8", Finding, "restore the file from a backup or make it again")]
        NotUtf8 {
            /// The offset of the first bad byte.
            offset: usize,
        },
        /// The YAML is broken; the message has line and column.
        #[error("the kubeconfig is not valid YAML: line {line}, column {column}: {problem}")]
        #[fault("kubeconfig.invalid_yaml", Finding, format!("correct line {line}, or make the file again"))]
        InvalidYaml {
            /// The line, from 1.
            line: usize,
            /// The column, from 1.
            column: usize,
            /// What the parser says; never any of the text.
            problem: String,
        },
        /// The YAML is nested too deep, or grows too large once its aliases are resolved.
        #[error("the kubeconfig is nested too deeply or multiplied by aliases (line {line})")]
        #[fault("kubeconfig.too_complex", Finding, "write the file out without YAML anchors and with less nesting")]
        TooComplex {
            /// The line where the bound was reached, from 1.
            line: usize,
        },
        /// The YAML holds what Kubernetes does not read (a key that is null, a tag that does not fit, `\/`). A second
        /// document is a warning: clients pass over it.
        #[error("the kubeconfig holds {construct} (line {line})")]
        #[fault("kubeconfig.unsupported_yaml", Finding, format!("write the file without {construct}"))]
        UnsupportedYaml {
            /// The line, from 1.
            line: usize,
            /// The construct, in words.
            construct: &'static str,
        },
        /// A warning: a key appears twice in one mapping, and clients use the last; keep one.
        #[error("the key {key:?} appears twice in one mapping of the kubeconfig (line {line})")]
        #[fault("kubeconfig.duplicate_key", Finding, format!("keep one of the two {key:?}"))]
        DuplicateKey {
            /// The line of the second one, from 1.
            line: usize,
            /// The key.
            key: String,
        },
        /// It is not `apiVersion: v1`, `kind: Config`.
        #[error("this is not a kubeconfig: it is {found}, not a v1 Config")]
        #[fault("kubeconfig.not_a_kubeconfig" as NOT_A_KUBECONFIG, Finding, "give a file with apiVersion: v1 and kind: Config")]
        NotAKubeconfig {
            /// What it is instead.
            found: String,
        },
        /// A field has another type than a kubeconfig's, in use or not: a number or `yes` where text belongs needs
        /// quotes.
        #[error("the field {field} of the kubeconfig must be {expected}")]
        #[fault("kubeconfig.wrong_type", Finding, format!("make {field} {expected}"))]
        WrongType {
            /// The field, as `users[admin].user.token`.
            field: String,
            /// What it must be.
            expected: &'static str,
        },
        /// Two clusters, contexts or users have one name.
        #[error("two entries of {list} in the kubeconfig are named {name:?}")]
        #[fault("kubeconfig.duplicate_name", Finding, format!("give every entry of {list} its own name"))]
        DuplicateName {
            /// `clusters`, `contexts` or `users`.
            list: &'static str,
            /// The name.
            name: String,
        },
        /// `current-context` names no context of the file; an empty file says so too.
        #[error("the current-context {context:?} is not among the contexts of the kubeconfig")]
        #[fault("kubeconfig.context_missing", Finding, format!("set current-context: {}", one_of("context", known)))]
        ContextMissing {
            /// `current-context`; empty if there is none.
            context: String,
            /// The contexts there are.
            known: Vec<String>,
        },
        /// The context names a cluster that is not in the file.
        #[error("the cluster {cluster:?} is not among the clusters of the kubeconfig")]
        #[fault("kubeconfig.cluster_missing", Finding, one_of("cluster", known))]
        ClusterMissing {
            /// The cluster that is wanted.
            cluster: String,
            /// The clusters there are.
            known: Vec<String>,
        },
        /// The context names a user that is not in the file.
        #[error("the user {user:?} is not among the users of the kubeconfig")]
        #[fault("kubeconfig.user_missing", Finding, one_of("user", known))]
        UserMissing {
            /// The user that is wanted.
            user: String,
            /// The users there are.
            known: Vec<String>,
        },
        /// Clients read the file and refuse to use its current context: the message names the field and why.
        #[error("no client would use the kubeconfig: {field}: {reason}")]
        #[fault("kubeconfig.unusable", Finding, format!("correct {field}, or make the file again"))]
        Unusable {
            /// The field, as `users[admin].user.client-key`.
            field: String,
            /// What is wrong with it.
            reason: &'static str,
        },
        /// A `-data` field is not base64 on one line (line breaks of a literal block are fine, blanks and folded lines
        /// are not).
        #[error("the field {field} of the kubeconfig is not base64 on one line")]
        #[fault("kubeconfig.invalid_base64", Finding,
            format!(
                "put the base64 of the PEM into {field}, without blanks and line breaks, as base64 -w0 prints it"
            ))]
        InvalidBase64 {
            /// The field, as `users[admin].user.client-key-data`.
            field: String,
        },
    }
}

fn one_of(what: &str, known: &[String]) -> String {
    match known {
        [] => format!("add the {what}, or make the file again; it has none"),
        known => format!("name one of {}", known.join(", ")),
    }
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
