//! The dump of a cluster's `ConfigMap` kubeadm-config, which holds a configuration as a text.
//!
//! In: the text of a file. Out: the configuration in it, and where it stands. It reads one document, YAML or JSON: the
//! object itself, or a list with one such object. What else is around a configuration is for `foreign` to name.
//!
//! Source: kubeadm `uploadconfig` `UploadConfiguration`, `constants.ClusterConfigurationConfigMapKey`.

use zeroize::Zeroizing;

use super::unreadable;
use crate::yaml::{self, Node, Scalar};

/// The entry with the configuration.
const ENTRY: &str = "ClusterConfiguration";

/// The configuration that a dump holds, and the path at which it does.
pub(super) fn configuration_in(text: &str) -> Option<(Zeroizing<String>, String)> {
    // Most files are no dump, and are not parsed twice.
    if !(text.contains("ConfigMap") && text.contains(ENTRY)) {
        return None;
    }
    let text = text.strip_prefix("---\n").unwrap_or(text);
    let read = yaml::read(text, 1).ok().filter(|_| !text.contains("\n---"))?;
    let root = unreadable::stops(read.passed_over).is_none().then_some(read.root)?;
    let kind = root.get("kind").and_then(Node::letters)?;
    if root.get("apiVersion").and_then(Node::letters) != Some("v1") {
        return None;
    }
    match kind {
        "ConfigMap" => Some((entry(&root)?, format!("data.{ENTRY}"))),
        "List" | "ConfigMapList" => {
            let items = root.get("items").and_then(Node::as_sequence)?;
            let mut found = items.iter().zip(0..).filter_map(|(item, at)| Some((entry(item)?, at)));
            let (configuration, at) = found.next().filter(|_| found.next().is_none())?;
            Some((configuration, format!("items[{at}].data.{ENTRY}")))
        }
        _ => None,
    }
}

fn entry(object: &Node) -> Option<Zeroizing<String>> {
    match object.get("data")?.get(ENTRY)?.as_scalar()? {
        Scalar::Text(text) => Some(text.clone()),
        Scalar::Plain(_) => None,
    }
}
