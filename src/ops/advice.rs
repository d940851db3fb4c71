//! What a node's findings are put right with: reads what [`crate::audit::advice`] has to know.
//!
//! In: a node, its tree, findings. Out: the same findings, each with the remedy for this node and this caller.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::kubelet::Kubelet;
use super::node::Node;
use crate::audit::advice::Advisor;
use crate::audit::{Finding, complete_remedies};
use crate::catalogue::{DEFAULT_KUBELET_DIR, KubeletFiles, Layout};
use crate::error::Result;
use crate::inventory::Found;
use crate::request::NodeRequest;
use crate::tree::{Observed, Tree};

/// Gives each finding its remedy.
pub(super) fn advise(
    findings: &mut [Finding],
    node: &Node,
    tree: &Tree,
    request: &NodeRequest,
    kubelet_dir: &Path,
    now: DateTime<Utc>,
) -> Result<()> {
    if !findings.is_empty() {
        let kubelet = Kubelet::read(&node.store, kubelet_dir);
        let mut tree = tree.clone();
        let layouts = [&node.layout, &node.layout.renewal()];
        let on_the_way = layouts.into_iter().flat_map(Layout::all_on_the_way);
        tree.add(node.store.read(on_the_way.chain(kubelet.paths())));
        let inventory = node.inventory(&tree, &kubelet, None, request.has_configuration())?;
        let links = tree.iter().map(|(path, _)| path.to_owned()).filter(|path| node.store.is_link(path)).collect();
        let advisor = Advisor {
            inventory: &inventory,
            tree: &tree,
            layout: &node.layout,
            kubelet: &kubelet.files,
            serving: &kubelet.serving,
            spec: &node.spec,
            has_config: request.has_configuration(),
            links,
            valid_kubelet_client: valid_client(node, &kubelet.files, now),
        };
        advisor.advise(findings);
    }
    let mut caller = request.caller();
    caller.kubelet_dir = (kubelet_dir != Path::new(DEFAULT_KUBELET_DIR)).then(|| kubelet_dir.to_owned());
    complete_remedies(findings, &caller);
    Ok(())
}

/// The file with the kubelet's client certificate that ends last and is valid now, other than the current one.
fn valid_client(node: &Node, kubelet: &KubeletFiles, now: DateTime<Utc>) -> Option<PathBuf> {
    let current = kubelet.client();
    let is_dated = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        *path != current && name.starts_with("kubelet-client-") && path.extension().is_some_and(|end| end == "pem")
    };
    let folder = current.parent()?;
    let dated: Vec<_> = node.store.list(folder).ok()?.files.into_iter().filter(is_dated).collect();
    let tree = node.store.read(dated.iter().cloned().chain([current.clone()]));
    let in_use = match tree.get(&current) {
        Observed::File { content, .. } => Some(content.clone()),
        Observed::Missing | Observed::Unreadable(_) => None,
    };
    let end = |path: &PathBuf| {
        let pair = Found::pair(&tree, path.clone(), path.clone());
        let certificate = pair.certificate()?;
        let fits = pair.key.present()?.public_key_info() == certificate.public_key_info();
        let is_valid = certificate.not_before() <= now && now < certificate.not_after();
        let is_other = in_use.as_ref().is_none_or(|content| tree.content(path) != Some(content.expose()));
        (fits && is_valid && is_other).then(|| certificate.not_after())
    };
    dated.iter().filter_map(|path| Some((end(path)?, path))).max().map(|(_, path)| path.clone())
}
