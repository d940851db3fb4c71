//! What is in a file, as text.

use chrono::{DateTime, Utc};

use super::moment::ends;
use crate::audit::content::{Content, ShownCluster, ShownUser};
use crate::error::Fault;
use crate::ops::show::ShownFile;
use crate::text::printable;
use crate::x509::{DescribedExtension, Description};

const STEP: &str = "    ";

/// Lines of text, each below its heading.
struct Lines {
    done: Vec<String>,
    depth: usize,
    now: DateTime<Utc>,
}

/// A file and all that it holds.
#[must_use]
pub fn text(file: &ShownFile, now: DateTime<Utc>) -> String {
    let mut lines = Lines { done: Vec::new(), depth: 0, now };
    lines.add(&file.path.to_string_lossy());
    lines.below(|lines| {
        lines.contents(&file.contents);
    });
    lines.done.join("\n")
}

impl Lines {
    fn add(&mut self, line: &str) {
        self.done.push(format!("{}{}", STEP.repeat(self.depth), printable(line)));
    }

    fn below(&mut self, write: impl FnOnce(&mut Self)) {
        self.depth += 1;
        write(self);
        self.depth -= 1;
    }

    fn fact(&mut self, name: &str, value: &str) {
        self.add(&format!("{name}: {value}"));
    }

    fn contents(&mut self, contents: &[Content]) {
        for content in contents {
            self.content(content);
        }
    }

    fn content(&mut self, content: &Content) {
        match content {
            Content::Certificate { kubeadm_name, description } => {
                self.described("Certificate", kubeadm_name.as_deref(), description);
            }
            Content::Request { kubeadm_name, description } => {
                self.described("Certificate signing request", kubeadm_name.as_deref(), description);
            }
            Content::PrivateKey { key, public_key_sha256 } => self.key("Private key", key, public_key_sha256),
            Content::PublicKey { key, public_key_sha256 } => self.key("Public key", key, public_key_sha256),
            Content::EncryptedPrivateKey => self.add("Private key, encrypted with a passphrase"),
            Content::OtherBlock { label, bytes } => self.add(&format!("PEM block {label:?}, {bytes} bytes")),
            Content::Kubeconfig { current_context, contexts, clusters, users } => {
                self.add("Kubeconfig");
                self.below(|lines| {
                    lines.fact("Current context", if current_context.is_empty() { "none" } else { current_context });
                    lines.fact("Contexts", &contexts.join(", "));
                    for cluster in clusters {
                        lines.cluster(cluster);
                    }
                    for user in users {
                        lines.user(user);
                    }
                });
            }
        }
    }

    fn key(&mut self, what: &str, key: &str, public_key_sha256: &str) {
        self.fact(what, key);
        self.below(|lines| lines.fact("SHA-256 of the public key", public_key_sha256));
    }

    fn cluster(&mut self, cluster: &ShownCluster) {
        self.fact("Cluster", &cluster.name);
        self.below(|lines| {
            lines.fact("Server", cluster.server.as_deref().unwrap_or("none"));
            lines.files("CA", cluster.authority_file.as_slice());
            lines.contents(&cluster.authorities);
            lines.problem(cluster.problem.as_ref());
        });
    }

    fn user(&mut self, user: &ShownUser) {
        self.fact("User", &user.name);
        self.below(|lines| {
            lines.files("File", &user.files);
            for credential in &user.credentials {
                lines.add(&format!("Authenticates with: {credential} (not shown)"));
            }
            lines.contents(&user.certificates);
            lines.contents(&user.keys);
            lines.problem(user.problem.as_ref());
        });
    }

    fn files(&mut self, what: &str, files: &[String]) {
        for file in files {
            self.fact(what, file);
        }
    }

    fn problem(&mut self, problem: Option<&Fault>) {
        if let Some(fault) = problem {
            self.fact("Cannot be shown", &format!("{} [{}]", fault.message, fault.code));
        }
    }

    fn described(&mut self, what: &str, kubeadm_name: Option<&str>, description: &Description) {
        match kubeadm_name {
            Some(name) => self.add(&format!("{what}, kubeadm's name: {name}")),
            None => self.add(what),
        }
        self.below(|lines| {
            if let Some(version) = description.version {
                lines.fact("Version", &version.to_string());
            }
            for (name, value) in [("Serial number", &description.serial), ("Issuer", &description.issuer)] {
                if let Some(value) = value {
                    lines.fact(name, value);
                }
            }
            lines.fact("Subject", &description.subject);
            lines.validity(description);
            lines.fact("Public key", &description.public_key);
            lines.below(|lines| lines.fact("SHA-256", &description.public_key_sha256));
            lines.fact("Signature algorithm", &description.signature_algorithm);
            if !description.extensions.is_empty() {
                lines.add("Extensions:");
                lines.below(|lines| {
                    for extension in &description.extensions {
                        lines.extension(extension);
                    }
                });
            }
            lines.fact("SHA-256 fingerprint", &description.sha256);
        });
    }

    fn validity(&mut self, description: &Description) {
        let minute = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M:%S UTC").to_string();
        if let Some(not_before) = description.not_before {
            self.fact("Not before", &minute(not_before));
        }
        if let Some(not_after) = description.not_after {
            let ends = ends(not_after, self.now);
            self.fact("Not after", &format!("{} ({ends})", minute(not_after)));
        }
    }

    fn extension(&mut self, extension: &DescribedExtension) {
        let name = if extension.name.is_empty() { &extension.oid } else { &extension.name };
        let critical = if extension.critical { " (critical)" } else { "" };
        self.add(&format!("{name}{critical}: {}", extension.values.join(", ")));
    }
}
