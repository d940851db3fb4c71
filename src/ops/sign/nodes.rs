//! Whose requests each folder holds, when one run signs for many nodes.
//!
//! In: a mapping of folders to nodes, from the caller or from a file. Out: what is known of each node. It is the
//! signer's own list: nothing of it is taken from a request.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;

use super::super::node::read_named;
use super::known_node;
use crate::catalogue::{self, KUBELET_CLIENT};
use crate::config::alternative_name;
use crate::error::Result;
use crate::plan::sign::name_of_file;
use crate::policy::{KnownNode, Policy};
use crate::request::{NodeEntry, NodeRequest, Nodes, RequestError, SignRequest};
use crate::yaml;

/// The nodes that the request names, each with its folder; `None` when it is about one node alone.
pub(super) fn entries(wanted: &SignRequest) -> Result<Option<BTreeMap<String, NodeEntry>>> {
    let entries = match &wanted.nodes {
        None => return Ok(None),
        Some(Nodes::Listed(nodes)) => nodes.clone(),
        Some(Nodes::File(file)) => parse(file, read_named(file, wanted.node.rootfs.as_deref())?.expose())?,
    };
    if wanted.role.is_some() || wanted.node.node_name.is_some() {
        let reason = "the nodes of folders are named, and one node besides";
        return Err(RequestError::bad(reason, "leave out --nodes, or --role and --node-name").into());
    }
    if wanted.csr_dir.is_none() || !wanted.files.is_empty() {
        let reason = "nodes are named by their folders, and requests by their files";
        return Err(
            RequestError::bad(reason, "put each node's requests into a folder of its own below --csr-dir DIR").into()
        );
    }
    for (folder, entry) in &entries {
        let is_folder = !folder.is_empty() && folder != "." && folder != ".." && !folder.contains('/');
        if !is_folder {
            let reason = format!("{folder:?} is not the name of a folder below the requests' folder");
            return Err(RequestError::bad(reason, "name the folder alone: cp1, not requests/cp1").into());
        }
        let name = name_of(folder, entry);
        if alternative_name(name).ok().as_deref() != Some(name) || name.contains('*') {
            let reason = format!("{name:?} is not a node's name");
            return Err(
                RequestError::bad(reason, "give node_name as `kubectl get nodes` shows it, in lower case").into()
            );
        }
    }
    Ok(Some(entries))
}

/// What is known of each node, by its folder.
pub(super) fn known(
    entries: &BTreeMap<String, NodeEntry>,
    request: &NodeRequest,
) -> Result<BTreeMap<String, KnownNode>> {
    let mut nodes = BTreeMap::new();
    for (folder, entry) in entries {
        let name = name_of(folder, entry);
        let of_node = NodeRequest { node_name: Some(name.to_owned()), ..request.clone() };
        let mut node = known_node(&of_node, Some(entry.role))?.node;
        if let Some(spec) = &mut node.spec {
            // One configuration's address is one node's.
            spec.advertise_address = Ipv4Addr::UNSPECIFIED.into();
        }
        let others = entries.iter().map(|(folder, entry)| name_of(folder, entry)).filter(|other| *other != name);
        node.other_nodes = others.map(str::to_owned).collect();
        nodes.insert(folder.clone(), node);
    }
    Ok(nodes)
}

/// The folder by which a node is known: the first below the requests' folder, or what stands before the kubeconfig's
/// name in a file that lies in no folder (`cp1` for `cp1.admin.conf.csr`).
pub(super) fn folder_of(relative: &Path, policy: &Policy) -> Option<String> {
    let mut components = relative.components();
    let first = components.next()?.as_os_str().to_str()?;
    if components.next().is_some() {
        return Some(first.to_owned());
    }
    let name = name_of_file(relative, policy)?;
    let is_client = name == KUBELET_CLIENT || catalogue::kubeconfig_names().contains(&name.as_str());
    let prefix = first.strip_suffix(".csr")?.strip_suffix(name.as_str())?.strip_suffix('.')?;
    (is_client && !prefix.is_empty()).then(|| prefix.to_owned())
}

fn name_of<'a>(folder: &'a str, entry: &'a NodeEntry) -> &'a str {
    entry.node_name.as_deref().unwrap_or(folder)
}

fn parse(file: &Path, content: &[u8]) -> Result<BTreeMap<String, NodeEntry>> {
    let hint = "write a line for each folder: cp1: {role: control-plane}, w1: {node_name: w1.example, role: worker}";
    let invalid = |reason: &str| RequestError::bad(format!("{}: {reason}", file.display()), hint);
    let text = std::str::from_utf8(content).map_err(|_| invalid("it is not UTF-8"))?;
    let entries: BTreeMap<String, NodeEntry> = yaml::from_str(text).map_err(|error| invalid(&error.to_string()))?;
    if entries.is_empty() {
        return Err(invalid("it names no node").into());
    }
    Ok(entries)
}
