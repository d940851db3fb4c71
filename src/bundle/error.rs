//! Why a bundle cannot be made, read or used.

use serde_json::json;

use crate::error::faults;
use crate::yaml::{Mark, ParseError, Reason};

faults! {
    /// What is wrong with a bundle. No variant holds a key or what an entry decrypts to.
    #[derive(Clone, PartialEq, Eq)]
    pub enum BundleError {
        /// The cluster has no Secret kubeadm-certs: nobody has uploaded it, or its time is over.
        #[error("the cluster has no Secret kubeadm-certs")]
        #[fault("bundle.not_uploaded", Finding,
            "it is removed after two hours: upload it again on a control-plane node: `kubepki bundle upload`")]
        NotUploaded,
        /// The text is no YAML or JSON, or no object of the Kubernetes API; the message has the line.
        #[error("the bundle cannot be read: {problem}")]
        #[fault("bundle.unreadable", Finding,
            "give what kubepki bundle export or kubectl get secret -o yaml wrote")]
        Unreadable {
            /// What is wrong, with its place; none of the text.
            problem: String,
        },
        /// There is no Secret named `kubeadm-certs` in it; the message says what there is.
        #[error("the bundle holds no Secret kubeadm-certs: {found}")]
        #[fault("bundle.no_secret", Finding,
            "give one Secret: kubectl -n kube-system get secret kubeadm-certs -o yaml")]
        NoSecret {
            /// What there is in its place.
            found: String,
        },
        /// There are several of that name; give one.
        #[error("the bundle holds {count} Secrets named kubeadm-certs")]
        #[fault("bundle.several_secrets", Finding,
            "give one Secret: kubectl -n kube-system get secret kubeadm-certs -o yaml")]
        SeveralSecrets {
            /// How many.
            count: usize,
        },
        /// A value is not base64; get the bundle again.
        #[error("the entry {name} is not base64")]
        #[fault("bundle.invalid_base64", Finding,
            "get the bundle again from where it was made", context = json!({ "entries": [name] }))]
        InvalidBase64 {
            /// The entry.
            name: String,
        },
        /// It holds entries that kubeadm does not have; remove them, or ask who made it.
        #[error("the bundle holds what kubeadm never shares: {}", .entries.join(", "))]
        #[fault("bundle.unknown_entries", Finding, "remove these entries, or ask who made the bundle what they are")]
        UnknownEntries {
            /// Their names.
            entries: Vec<String>,
        },
        /// It holds files that belong to one node (`apiserver`, `etcd-server`, `kubelet.conf` …), or the configuration
        /// names one of them as an external etcd's. Each node makes these for itself.
        #[error("the bundle holds files that belong to one node: {}", .entries.join(", "))]
        #[fault("bundle.node_bound", Refused, "each node makes these for itself: kubepki init")]
        NodeBound {
            /// Their names.
            entries: Vec<String>,
        },
        /// Entries are not there; make the bundle again.
        #[error("the bundle lacks {}", .entries.join(", "))]
        #[fault("bundle.missing_entries", Finding,
            "make the bundle again: kubepki bundle export, or kubeadm init phase upload-certs --upload-certs")]
        MissingEntries {
            /// Their names.
            entries: Vec<String>,
        },
        /// Entries are empty: the files were not there when it was made. For CA keys only: `--allow-missing-ca-keys`.
        #[error("the bundle has nothing in {}", .entries.join(", "))]
        #[fault("bundle.empty_entries", Finding,
            if *only_authority_keys {
                "if the CA is external, and its key must stay with its owner: --allow-missing-ca-keys"
            } else {
                "the files were not there when it was made (kubeadm goes on then): make the bundle again on a whole node"
            })]
        EmptyEntries {
            /// Their names.
            entries: Vec<String>,
            /// Whether all of them are CA keys, which an external CA does not give away.
            only_authority_keys: bool,
        },
        /// Entries are too short to be encrypted; get the bundle again.
        #[error("these entries are cut off: {}", .entries.join(", "))]
        #[fault("bundle.truncated", Finding, "get the bundle again from where it was made")]
        Truncated {
            /// Their names.
            entries: Vec<String>,
        },
        /// The certificate key opens none of the entries; each bundle has its own.
        #[error("the certificate key opens none of the entries")]
        #[fault("bundle.wrong_key", Usage,
            "give the key that was printed when this bundle was made: each upload has its own")]
        WrongKey,
        /// The key opens the others, and not these: they were changed, or encrypted with another key.
        #[error("these entries were changed, or encrypted with another key: {}", .entries.join(", "))]
        #[fault("bundle.damaged", Finding, "get the bundle again from where it was made")]
        Damaged {
            /// Their names.
            entries: Vec<String>,
        },
        /// Files that the bundle is to be made of are not on this node.
        #[error("these files are missing: {}", .paths.join(", "))]
        #[fault("bundle.missing_files", Finding,
            "make the bundle on a control-plane node that has them, with its --config")]
        MissingFiles {
            /// Their paths.
            paths: Vec<String>,
        },
        /// The key of a CA is not on this node; `--allow-missing-ca-keys` leaves it out.
        #[error("external CA mode: these keys are not on this node: {}", .paths.join(", "))]
        #[fault("bundle.external_authority", Refused,
            "a node can join without them, and its certificates are then signed by the CA's owner: --allow-missing-ca-keys")]
        ExternalAuthority {
            /// Their paths.
            paths: Vec<String>,
        },
        /// A worker was given a control-plane node's bundle, with CA keys; give it only `ca.crt`.
        #[error("this is the bundle of a control-plane node, with keys that a worker must not have")]
        #[fault("bundle.not_for_workers", Refused, "give the worker ca.crt alone: kubepki bundle export --role worker")]
        NotForWorkers,
        /// The bundle is of a cluster with an external etcd and the configuration is not, or the other way round;
        /// `--config`.
        #[error("the bundle has {bundle} etcd, the configuration {configuration}")]
        #[fault("bundle.other_etcd", Usage,
            "give the configuration of this cluster with --config (etcd.external has the paths)")]
        OtherEtcd {
            /// `a local` or `an external`.
            bundle: &'static str,
            /// `a local` or `an external`.
            configuration: &'static str,
        },
        /// The certificate key is missing: `--certificate-key-file`, `--certificate-key` or `KUBEPKI_CERTIFICATE_KEY`.
        #[error("the certificate key is missing")]
        #[fault("bundle.no_key", Usage,
            "give it with --certificate-key-file FILE, with --certificate-key, or in KUBEPKI_CERTIFICATE_KEY")]
        NoKey,
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
