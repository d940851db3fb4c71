//! Names and addresses of nodes, by those who run the cluster: an inventory, options.
//!
//! In: `NODE=NAME,ADDRESS,NETWORK`, or a file: a mapping from node to a list of these; an Ansible inventory in YAML; what
//! `ansible-inventory --list` prints. Out: [`KnownNames`]. Addresses are compared as values, names without regard to case.
//!
//! Source: Ansible, "How to build your inventory" (`ansible_host`, `hosts`, `children`).

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Map, Value};

use crate::config::{alternative_name, parse_address};
use crate::yaml;

/// The variables of an Ansible host whose values are addresses or names of it.
const HOST_VARIABLES: [&str; 4] = ["ansible_host", "ansible_ssh_host", "node_ip", "kubelet_node_ip"];

/// Inventories are nested no deeper than this.
const DEEPEST: usize = 32;

/// What is known of nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownNames(BTreeMap<String, Vec<Known>>);

/// One thing that is known of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Known {
    Name(String),
    Address(IpAddr),
    Network(IpNet),
}

/// Why a text says nothing of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadKnownName(String);

impl fmt::Display for BadKnownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Known {
    fn read(text: &str) -> Result<Self, BadKnownName> {
        if let Some(address) = parse_address(text) {
            return Ok(Self::Address(address.to_canonical()));
        }
        if text.contains('/') {
            let network: IpNet =
                text.parse().map_err(|_| BadKnownName(format!("{text:?} is no network, as 10.0.0.0/24")))?;
            if network.prefix_len() == 0 {
                return Err(BadKnownName(format!("{text:?} is every address there is")));
            }
            return Ok(Self::Network(network.trunc()));
        }
        if text.contains('*') {
            return Err(BadKnownName(format!("{text:?}: wildcards are never approved")));
        }
        let name = alternative_name(text).map_err(|reason| BadKnownName(format!("{text:?}: {reason}")))?;
        Ok(Self::Name(name))
    }
}

impl KnownNames {
    /// Adds what an option says: `NODE=NAME,ADDRESS,NETWORK`.
    ///
    /// # Errors
    /// [`BadKnownName`].
    pub fn add_option(&mut self, text: &str) -> Result<(), BadKnownName> {
        let Some((node, names)) = text.split_once('=').filter(|(node, names)| !node.is_empty() && !names.is_empty())
        else {
            return Err(BadKnownName(format!("{text:?} is not NODE=NAME,ADDRESS,NETWORK")));
        };
        for name in names.split(',') {
            self.add(node, name.trim())?;
        }
        Ok(())
    }

    /// Adds what a file says: YAML or JSON.
    ///
    /// # Errors
    /// [`BadKnownName`].
    pub fn add_file(&mut self, text: &[u8]) -> Result<(), BadKnownName> {
        let read: Value = yaml::from_clients(text).map_err(|error| {
            BadKnownName(format!("{error} (an inventory in INI: give what `ansible-inventory --list` prints)"))
        })?;
        let Value::Object(top) = read else {
            return Err(BadKnownName("it is not a mapping from nodes to their names and addresses".into()));
        };
        if let Some(hosts) = top.get("_meta").and_then(|meta| meta.get("hostvars")).and_then(Value::as_object) {
            return self.add_hosts(hosts);
        }
        let is_group = |value: &Value| value.get("hosts").is_some() || value.get("children").is_some();
        if top.values().any(is_group) {
            return top.values().try_for_each(|group| self.add_group(group, DEEPEST));
        }
        for (node, names) in &top {
            let Value::Array(names) = names else {
                return Err(BadKnownName(format!("{node}: a list of names and addresses is expected")));
            };
            for name in names {
                let name = name.as_str().ok_or_else(|| BadKnownName(format!("{node}: {name} is no text")))?;
                self.add(node, name)?;
            }
        }
        Ok(())
    }

    /// A group of an Ansible inventory.
    fn add_group(&mut self, group: &Value, deepest: usize) -> Result<(), BadKnownName> {
        if deepest == 0 {
            return Err(BadKnownName("its groups are nested too deeply".into()));
        }
        if let Some(hosts) = group.get("hosts").and_then(Value::as_object) {
            self.add_hosts(hosts)?;
        }
        let children = group.get("children").and_then(Value::as_object);
        children.into_iter().flat_map(Map::values).try_for_each(|child| self.add_group(child, deepest - 1))
    }

    /// Hosts of an Ansible inventory with their variables. What is no name or address (a template) is passed over.
    fn add_hosts(&mut self, hosts: &Map<String, Value>) -> Result<(), BadKnownName> {
        for (host, variables) in hosts {
            let named = variables.get("kubepki_node_name").and_then(Value::as_str);
            let node = named.unwrap_or(host);
            let values = HOST_VARIABLES.iter().filter_map(|name| variables.get(*name)?.as_str());
            let more = variables.get("kubepki_node_names").and_then(Value::as_array);
            for text in values.chain(more.into_iter().flatten().filter_map(Value::as_str)) {
                if !text.contains("{{") {
                    self.add(node, text)?;
                }
            }
            // A host that Ansible reaches by its name has it.
            if Known::read(host).is_ok() {
                self.add(node, host)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, node: &str, name: &str) -> Result<(), BadKnownName> {
        let known = Known::read(name)?;
        self.0.entry(node.to_owned()).or_default().push(known);
        Ok(())
    }

    /// Whether anything is said of the node: then it is one that is meant to be there.
    #[must_use]
    pub fn names(&self, node: &str) -> bool {
        self.0.contains_key(node)
    }

    /// The nodes of which anything is said.
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether the DNS name is said to be the node's.
    pub(super) fn has_name(&self, node: &str, name: &str) -> bool {
        self.of(node).any(|known| matches!(known, Known::Name(one) if one == name))
    }

    /// Whether the address is said to be the node's, or to be in a network of its.
    pub(super) fn has_address(&self, node: &str, address: IpAddr) -> bool {
        self.has_exact_address(node, address)
            || self.of(node).any(|known| matches!(known, Known::Network(network) if network.contains(&address)))
    }

    /// Whether this very address is said to be the node's.
    pub(super) fn has_exact_address(&self, node: &str, address: IpAddr) -> bool {
        self.of(node).any(|known| matches!(known, Known::Address(one) if *one == address))
    }

    /// Another node that is said to have the name or address itself.
    pub(super) fn other_owner(&self, node: &str, is_it: impl Fn(&str) -> bool) -> Option<&str> {
        self.0.keys().map(String::as_str).find(|other| *other != node && is_it(other))
    }

    fn of(&self, node: &str) -> impl Iterator<Item = &Known> {
        self.0.get(node).into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_option_says_names_addresses_and_networks() {
        let mut known = KnownNames::default();
        known.add_option("w1=10.0.0.7,W1.Example.com,2001:db8:0:0::/64").unwrap();
        assert!(known.has_name("w1", "w1.example.com"));
        assert!(
            known.has_address("w1", address("2001:db8::7")) && !known.has_exact_address("w1", address("2001:db8::7"))
        );
        assert!(known.has_exact_address("w1", address("10.0.0.7")) && !known.has_address("w2", address("10.0.0.7")));
        for bad in [
            "w1",
            "w1=",
            "=10.0.0.1",
            "w1=10.0.0.0/33",
            "w1=0.0.0.0/0",
            "w1=::/0",
            "w1=*.example.com",
            "w1=a b",
            "w1=10.0.0.1,",
        ] {
            assert!(known.clone().add_option(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_file_is_a_mapping_or_an_ansible_inventory() {
        for text in [
            "w1: [10.0.0.7, w1.example.com]",
            "all:\n  children:\n    workers:\n      hosts:\n        w1:\n          ansible_host: 10.0.0.7\n          kubepki_node_names: [w1.example.com]\n        w2: {ansible_host: '{{ inventory_hostname }}.example'}\n        w3:\n",
            r#"{"_meta": {"hostvars": {"w1": {"ansible_host": "10.0.0.7", "kubepki_node_names": ["w1.example.com"]}}}, "all": {"children": ["workers"]}}"#,
            r#"{"_meta": {"hostvars": {"first": {"kubepki_node_name": "w1", "ansible_host": "10.0.0.7", "node_ip": "w1.example.com"}}}}"#,
        ] {
            let mut known = KnownNames::default();
            known.add_file(text.as_bytes()).unwrap();
            assert!(known.has_exact_address("w1", address("10.0.0.7")), "{text}");
            assert!(known.has_name("w1", "w1.example.com"), "{text}");
        }
        for bad in ["[all]\nw1 ansible_host=10.0.0.7\n", "- w1", "w1: 10.0.0.7", "w1: [7]", "w1: ['*']"] {
            assert!(KnownNames::default().add_file(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
