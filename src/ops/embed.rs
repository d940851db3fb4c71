//! `kubepki kubeconfig embed`: signed client certificates and the CA, into kubeconfigs.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::given::Sources;
use super::node::Node;
use super::planned::Planned;
use crate::catalogue::{self, Layout, with_ending};
use crate::error::{Result, faults};
use crate::plan::embed::{self, Options, Wanted};
use crate::plan::generate::Selection;
pub use crate::request::EmbedRequest;

faults! {
    /// Why an embedding was not planned.
    pub enum EmbedError {
        /// A certificate or key was named for several kubeconfigs, or for all; name the one that it is for.
        #[error("a certificate or key was named for {count} kubeconfigs")]
        #[fault("embed.one_kubeconfig", Usage, "name the one kubeconfig that it is for")]
        OneKubeconfig {
            /// How many were asked for.
            count: usize,
        },
        /// Copies get the certificate and the key of the kubeconfig that they are copies of; name no others.
        #[error("copies of a kubeconfig get its certificate and key, and others were named")]
        #[fault("embed.two_sources", Usage, "leave out --client-certificate and --client-key, or --copies-of")]
        TwoSources,
        /// The kubeconfig that others may be copies of has no client certificate with its key embedded.
        #[error("{path} has no client certificate and key embedded")]
        #[fault("embed.no_source", Finding, "name a kubeconfig with both, as admin.conf")]
        NoSource {
            /// The kubeconfig.
            path: String,
        },
    }
}

/// Reads the node's files and those named, and plans what is embedded.
///
/// # Errors
/// [`EmbedError`]; the configuration, or a certificate or key that was named, cannot be read. What is wrong with a
/// kubeconfig or a certificate is a finding in the plan, not an error.
pub fn plan(request: &EmbedRequest, now: DateTime<Utc>) -> Result<Planned> {
    let node = Node::open_without_address(&request.node)?;
    if *request.recover {
        node.recover()?;
    }
    let wanted = wanted(&request.kubeconfigs, &node.layout);
    let is_named = request.client_certificate.is_some() || request.client_key.is_some();
    if is_named && request.copies_of.is_some() {
        return Err(EmbedError::TwoSources.into());
    }
    if is_named && wanted.len() != 1 {
        return Err(EmbedError::OneKubeconfig { count: wanted.len() }.into());
    }
    let source = request.copies_of.as_ref().map(|file| path_of(&file.to_string_lossy(), &node.layout));
    let named =
        wanted.iter().flat_map(|one| [one.path.clone(), with_ending(&one.path, "crt"), with_ending(&one.path, "key")]);
    let mut tree = node.read_with(node.layout.all_on_the_way().chain(named).chain(source.clone()));
    node.add_referenced(&mut tree, wanted.iter().map(|one| one.path.clone()));
    let outside = Sources::new(&node.store, request.node.rootfs.as_deref())?;
    let certificate = |path: &PathBuf| outside.certificate_file(path);
    let (original, of_source, key_of_source) = match &source {
        Some(path) => {
            let missing = || EmbedError::NoSource { path: path.display().to_string() };
            let (original, certificates, key) = outside.kubeconfig_on_node(&tree, path)?.ok_or_else(missing)?;
            (Some(original), Some(certificates), Some(key))
        }
        None => (None, None, None),
    };
    let options = Options {
        flatten: request.flatten,
        copies_of: original,
        client_certificate: request.client_certificate.as_ref().map(certificate).transpose()?.or(of_source),
        client_key: request.client_key.as_ref().map(|path| outside.key_file(path)).transpose()?.or(key_of_source),
        certificate_authority: request
            .certificate_authority
            .as_ref()
            .map(certificate)
            .transpose()?
            .map(|given| (given.path, given.certificates)),
    };
    let inventory = node.own_inventory(&tree, request.node.has_configuration())?;
    let mut plan = embed::embed(&inventory, &wanted, &options, now);
    plan.backup_dir = request.backups.dir();
    Planned::of(plan, node.warnings, &request.node)?.record(request, &request.node.recorded(&node.spec))
}

/// The kubeconfigs that are meant.
fn wanted(selection: &Selection, layout: &Layout) -> Vec<Wanted> {
    let names = catalogue::kubeconfig_names();
    let Selection::Names(asked) = selection else {
        let all = names.into_iter().filter(|name| selection.contains(name));
        return all.map(|name| Wanted { path: layout.kubeconfig(name), is_named: false }).collect();
    };
    let mut all: Vec<Wanted> = Vec::new();
    for one in asked {
        let path = path_of(one, layout);
        if !all.iter().any(|other| other.path == path) {
            all.push(Wanted { path, is_named: true });
        }
    }
    all
}

/// `admin.conf` and `admin` are the node's; anything else is a path.
fn path_of(one: &str, layout: &Layout) -> PathBuf {
    let names = catalogue::kubeconfig_names();
    let known = names.iter().find(|name| one == **name || name.strip_suffix(".conf") == Some(one));
    known.map_or_else(|| PathBuf::from(one), |name| layout.kubeconfig(name))
}
