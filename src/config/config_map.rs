//! The `ConfigMap` kubeadm-config, which holds a configuration as a text: its dump, its data alone, or a list with it.
//!
//! In: the text of a file. Out: the configuration in it, and where it stands. It reads one document, YAML or JSON. What else
//! is around a configuration is for `foreign` to name.
//!
//! Source: kubeadm `uploadconfig` `UploadConfiguration`, `constants.ClusterConfigurationConfigMapKey`.

use super::chunk;
use super::problem::Origin;
use super::unreadable;
use crate::secret::WipedText;
use crate::yaml::{self, Mark, Node, Scalar};

/// The entry with the configuration.
pub(super) const ENTRY: &str = "ClusterConfiguration";
/// Where kubeadm keeps it.
const OWN: (Option<&str>, Option<&str>) = (Some("kube-system"), Some("kubeadm-config"));

/// The configuration in the file `name`, and where it stands there.
pub(super) fn configuration_in(name: &str, text: &str) -> Option<(WipedText, Origin)> {
    // Most files have no such entry, and are not parsed twice.
    let is_key = |(at, _)| text[at + ENTRY.len()..].trim_start_matches(['"', '\'', ' ']).starts_with(':');
    if !text.match_indices(ENTRY).any(is_key) {
        return None;
    }
    let chunk = chunk::only(text)?;
    let read = yaml::read(chunk.text, chunk.first_line).ok()?;
    let root = unreadable::stops(read.passed_over).is_none().then_some(read.root)?;
    let (path, node) = entry_of(&root)?;
    let Scalar::Text(configuration) = node.as_scalar()? else { return None };
    let origin = match shift(text, node.mark, configuration) {
        Some((lines, columns)) => Origin { file: name.to_owned(), lines, columns },
        None => Origin { file: format!("{name}: {path}"), ..Origin::default() },
    };
    Some((configuration.clone(), origin))
}

/// Every item of a list that holds a configuration, with its index.
pub(super) fn holders(list: &Node) -> Vec<(usize, &Node)> {
    let items = list.get("items").and_then(Node::as_sequence).unwrap_or_default();
    let is_config_map = |item: &Node| item.get("kind").is_none_or(|kind| kind.letters() == Some("ConfigMap"));
    items.iter().enumerate().filter(|(_, item)| is_config_map(item) && in_data(item).is_some()).collect()
}

/// The only entry that can be meant, and its path.
fn entry_of(root: &Node) -> Option<(String, &Node)> {
    let of_object = |object| in_data(object).map(|entry| (format!("data.{ENTRY}"), entry));
    match (letters(root, "apiVersion"), letters(root, "kind")) {
        (None, None) => root.get(ENTRY).map(|entry| (ENTRY.to_owned(), entry)).or_else(|| of_object(root)),
        (Some("v1"), Some("ConfigMap")) => of_object(root),
        (Some("v1"), Some("List" | "ConfigMapList")) => {
            let all = holders(root);
            let own: Vec<_> = all.iter().copied().filter(|(_, item)| namespace_and_name(item) == OWN).collect();
            let (at, item) = match (&own[..], &all[..]) {
                ([one], _) | ([], [one]) => *one,
                _ => return None,
            };
            Some((format!("items[{at}].data.{ENTRY}"), in_data(item)?))
        }
        _ => None,
    }
}

fn in_data(object: &Node) -> Option<&Node> {
    object.get("data")?.get(ENTRY)
}

/// Where an object is, and what it is called.
pub(super) fn namespace_and_name(object: &Node) -> (Option<&str>, Option<&str>) {
    let of = |field| object.get("metadata").and_then(|metadata| letters(metadata, field));
    (of("namespace"), of("name"))
}

fn letters<'n>(node: &'n Node, name: &str) -> Option<&'n str> {
    node.get(name)?.letters()
}

/// How many lines and columns the text stands further down and to the right, where the file has it line by line.
fn shift(file: &str, mark: Mark, inner: &str) -> Option<(usize, usize)> {
    let is_blank = |line: &str| line.trim().is_empty();
    let shift_below = |above: usize| {
        let outer: Vec<_> = file.lines().skip(above).take(inner.lines().count()).collect();
        let (first, line) = inner.lines().zip(&outer).find(|(first, _)| !is_blank(first))?;
        let indent = line.strip_suffix(first).filter(|indent| indent.bytes().all(|byte| byte == b' '))?;
        let is_same = |(line, outer): (&str, &&str)| {
            outer.strip_prefix(indent) == Some(line) || (is_blank(line) && is_blank(outer))
        };
        let is_whole = outer.len() == inner.lines().count();
        (is_whole && inner.lines().zip(&outer).all(is_same)).then_some((above, indent.len()))
    };
    // The mark is that of the text, or of what begins a block (`|`) on the line above it.
    shift_below(mark.line.saturating_sub(1)).or_else(|| shift_below(mark.line))
}
