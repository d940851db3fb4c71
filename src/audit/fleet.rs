//! What many trees say about each other: keys, serial numbers and CAs where they should not be.
//!
//! In: facts of each tree as it comes ([`TreeFacts`]). Out: [`FleetFinding`]s. Of a certificate some ninety bytes are kept and
//! its RSA modulus, and nothing of a tree but its names: a fleet may be large.
//!
//! Source: RFC 5280 4.1.2.2 (a serial number is unique for its issuer); kubeadm makes a key for each certificate of each node.

mod moduli;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

pub use self::moduli::TreeModulus;
use self::moduli::{Moduli, Sharing};
use super::key_strength::{NEW_KEY, shares_with};
use super::{Finding, FindingCode, Remedy, SeenCertificate, Severity};
use crate::catalogue::{self, Kind, SERVICE_ACCOUNT};
use crate::digest::Digest;
use crate::remedy::command;
use crate::text::counted;
use crate::workers::StopSignal;

/// What is wrong with several trees together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetFinding {
    /// What it is.
    #[serde(flatten)]
    pub finding: Finding,
    /// Where the trees were read that it is about.
    pub trees: Vec<String>,
}

/// What is looked at of one tree.
#[derive(Clone, Copy, Debug)]
pub struct TreeFacts<'a> {
    /// Where it was read.
    pub place: &'a str,
    /// The node's name.
    pub node: Option<&'a str>,
    /// Which cluster it is of.
    pub cluster: Option<&'a str>,
    /// Whether it has nothing but people's credentials: copies of kubeconfigs, in a file or a folder.
    pub is_copy: bool,
    /// The options with which a command of ours is about it, where a command can be.
    pub options: Option<&'a [String]>,
    /// Its certificates.
    pub certificates: &'a [SeenCertificate],
    /// The digests of the public keys of the service accounts.
    pub service_account_keys: &'a [String],
    /// Its RSA keys.
    pub moduli: &'a [TreeModulus],
}

/// What is between the options of a tree.
const SEPARATOR: &str = "\0";

/// So many commands are said.
const MOST_COMMANDS: usize = 4;

/// The beginning of a digest: enough that no two are alike by chance.
type Short = [u8; 16];

/// Words that are said often, by number.
#[derive(Debug, Default)]
struct Words {
    numbers: HashMap<Box<str>, u32>,
    words: Vec<Box<str>>,
}

impl Words {
    fn number(&mut self, word: &str) -> u32 {
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        let number = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        self.numbers.insert(word.into(), number);
        self.words.push(word.into());
        number
    }

    fn word(&self, number: u32) -> &str {
        usize::try_from(number).ok().and_then(|place| self.words.get(place)).map_or("", |word| word)
    }
}

#[derive(Clone, Copy, Debug)]
struct KnownTree {
    place: u32,
    node: Option<u32>,
    cluster: Option<u32>,
    is_copy: bool,
    /// Its options; none where it is this machine's own, or no command can be about it.
    options: Option<u32>,
}

/// A certificate in a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Use {
    tree: u32,
    name: u32,
    /// The node that its subject names.
    subject_node: Option<u32>,
    /// The certificate itself.
    certificate: Short,
}

/// All trees so far.
#[derive(Debug, Default)]
pub struct Fleet {
    words: Words,
    trees: Vec<KnownTree>,
    /// Who has the key of a leaf.
    keys: HashMap<Short, Vec<Use>>,
    /// By issuer and serial number: the certificate that was seen first, and those that differ.
    serials: HashMap<Short, (Short, Use, Vec<Use>)>,
    /// Who has a key of a CA, or of the service accounts, by the CA's name.
    authorities: HashMap<(u32, Short), Vec<u32>>,
    /// The keys of each CA's file in each tree of a cluster: cluster, name, keys.
    sets: BTreeMap<(u32, u32), BTreeMap<Short, Vec<u32>>>,
    moduli: Moduli,
}

impl Fleet {
    /// Notes what is in one more tree.
    pub fn add(&mut self, facts: &TreeFacts<'_>) {
        let tree = u32::try_from(self.trees.len()).unwrap_or(u32::MAX);
        let known = KnownTree {
            place: self.words.number(facts.place),
            node: facts.node.map(|node| self.words.number(node)),
            cluster: facts.cluster.map(|cluster| self.words.number(cluster)),
            is_copy: facts.is_copy,
            // No path holds the character that is between them.
            options: facts.options.map(|options| self.words.number(&options.join(SEPARATOR))),
        };
        self.trees.push(known);
        let shared = catalogue::rows([Kind::Authority]).map(|row| row.name);
        let mut sets: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let shared: Vec<&str> = shared.collect();
        for seen in facts.certificates {
            let Some(key) = short_of(&seen.public_key_sha256) else { continue };
            if shared.contains(&seen.name.as_str()) {
                sets.entry(&seen.name).or_default().insert(&seen.public_key_sha256);
            } else if !seen.is_ca {
                self.note_key(tree, seen, key);
            }
            self.note_serial(tree, known.cluster, seen);
        }
        if !facts.service_account_keys.is_empty() {
            let keys = facts.service_account_keys.iter().map(String::as_str);
            sets.entry(SERVICE_ACCOUNT).or_default().extend(keys);
        }
        for (name, keys) in sets {
            self.note_shared(tree, known.cluster, name, &keys);
        }
        self.moduli.add(tree, &mut self.words, facts.moduli);
    }

    fn use_of(&mut self, tree: u32, seen: &SeenCertificate) -> Use {
        let node = seen.node().map(|node| self.words.number(node));
        let (from, until) = (seen.not_before.timestamp().to_string(), seen.not_after.timestamp().to_string());
        let parts = [&seen.issuer, &seen.serial, &seen.public_key_sha256, &seen.subject, &from, &until];
        let certificate = short(&parts.map(String::as_str));
        Use { tree, name: self.words.number(&seen.name), subject_node: node, certificate }
    }

    fn note_key(&mut self, tree: u32, seen: &SeenCertificate, key: Short) {
        let one = self.use_of(tree, seen);
        let uses = self.keys.entry(key).or_default();
        // A kubeconfig leads to the certificate beside it: one tree has one key once.
        if uses.iter().all(|known| known.tree != tree) {
            uses.push(one);
        }
    }

    fn note_serial(&mut self, tree: u32, cluster: Option<u32>, seen: &SeenCertificate) {
        let cluster = cluster.map(|cluster| self.words.word(cluster).to_owned()).unwrap_or_default();
        let number = short(&[&cluster, &seen.issuer, &seen.serial]);
        let (from, until) = (seen.not_before.timestamp().to_string(), seen.not_after.timestamp().to_string());
        let content = short(&[&seen.public_key_sha256, &seen.subject, &from, &until]);
        let one = self.use_of(tree, seen);
        match self.serials.get_mut(&number) {
            Some((first, _, _)) if *first == content => {}
            Some((_, _, others)) => others.push(one),
            None => {
                self.serials.insert(number, (content, one, Vec::new()));
            }
        }
    }

    fn note_shared(&mut self, tree: u32, cluster: Option<u32>, name: &str, keys: &BTreeSet<&str>) {
        let number = self.words.number(name);
        for key in keys.iter().filter_map(|key| short_of(key)) {
            self.authorities.entry((number, key)).or_default().push(tree);
        }
        if let Some(cluster) = cluster {
            let all = short(&keys.iter().copied().collect::<Vec<_>>());
            self.sets.entry((cluster, number)).or_default().entry(all).or_default().push(tree);
        }
    }

    /// What is wrong between the trees, the worst first. To look for shared primes takes long among many keys: it ends without a
    /// finding once `stop` has come.
    #[must_use]
    pub fn findings(&self, stop: &StopSignal) -> Vec<FleetFinding> {
        let keys = self.keys.values().filter_map(|uses| self.same_key(uses));
        let serials = self.serials.values().filter_map(|(_, first, others)| self.same_serial(*first, others));
        let authorities = self.authorities.iter().filter_map(|((name, _), trees)| self.same_authority(*name, trees));
        let sets = self.sets.iter().filter_map(|((_, name), sets)| self.different_sets(*name, sets));
        let primes = self.moduli.sharing(stop).into_iter().map(|sharing| self.same_prime(&sharing));
        let mut findings: Vec<_> = keys.chain(serials).chain(authorities).chain(sets).chain(primes).collect();
        findings.sort_by(|one, other| {
            let order =
                |one: &FleetFinding| (one.finding.code.as_str(), one.finding.subject.clone(), one.trees.clone());
            other.finding.severity.cmp(&one.finding.severity).then_with(|| order(one).cmp(&order(other)))
        });
        findings.dedup();
        findings
    }

    fn tree(&self, tree: u32) -> Option<&KnownTree> {
        self.trees.get(usize::try_from(tree).ok()?)
    }

    fn places(&self, trees: impl IntoIterator<Item = u32>) -> Vec<String> {
        let known = trees.into_iter().filter_map(|tree| self.tree(tree));
        let all: BTreeSet<_> = known.map(|tree| self.words.word(tree.place).to_owned()).collect();
        all.into_iter().collect()
    }

    /// Different nodes: those that have different names, and those of which nobody says which they are.
    fn nodes(&self, uses: &[Use]) -> usize {
        let node = |one: &Use| {
            let tree = self.tree(one.tree)?;
            Some(tree.node.map_or((None, None, Some(tree.place)), |node| (tree.cluster, Some(node), None)))
        };
        uses.iter().filter_map(node).collect::<BTreeSet<_>>().len()
    }

    fn clusters(&self, trees: impl IntoIterator<Item = u32>) -> BTreeSet<u32> {
        trees.into_iter().filter_map(|tree| self.tree(tree)?.cluster).collect()
    }

    fn same_key(&self, uses: &[Use]) -> Option<FleetFinding> {
        let first = uses.first()?;
        let (copies, on_nodes): (Vec<_>, Vec<_>) =
            uses.iter().copied().partition(|one| self.tree(one.tree).is_some_and(|tree| tree.is_copy));
        // The same certificate in another place is a copy of it, whichever CA the file beside it trusts.
        let mut known: BTreeSet<_> = on_nodes.iter().map(|one| one.certificate).collect();
        let others: Vec<_> = copies.into_iter().filter(|one| known.insert(one.certificate)).collect();
        let clusters = self.clusters(on_nodes.iter().chain(&others).map(|one| one.tree));
        if clusters.len() < 2 && self.nodes(&on_nodes) < 2 {
            return None;
        }
        let trees = self.places(uses.iter().map(|one| one.tree));
        let name = self.words.word(first.name);
        let owner = first.subject_node.filter(|_| uses.iter().all(|one| one.subject_node == first.subject_node));
        let finding = match owner {
            Some(node) => {
                let has_one_name = self.names(&on_nodes).len() < 2;
                let node = self.words.word(node);
                let remedy = if has_one_name {
                    "remove it from every cluster but the one whose CA signed it, and have the node join each of the others anew".to_owned()
                } else {
                    format!("remove it from every node but {node}, and have each other node join anew")
                };
                let evidence = if has_one_name {
                    format!("{} have the key of node {node}: {}", counted(clusters.len(), "cluster"), among(&trees))
                } else {
                    format!("the certificate of node {node} and its key are in {}", among(&trees))
                };
                Finding::about(FindingCode::FleetOtherNode, name, evidence, remedy)
            }
            None => Finding::about(
                FindingCode::FleetSharedKey,
                name,
                format!("the same key is in {}", among(&trees)),
                self.renew_but_one("give each node a key of its own", uses),
            ),
        };
        let finding = if clusters.len() > 1 { finding.as_bad_as(Severity::Critical) } else { finding };
        Some(FleetFinding { finding, trees })
    }

    /// The names of the nodes.
    fn names(&self, uses: &[Use]) -> BTreeSet<u32> {
        uses.iter().filter_map(|one| self.tree(one.tree)?.node).collect()
    }

    /// The commands that renew a certificate in every tree but the first, where each is a folder; else the command that is
    /// run on each node.
    fn renew_but_one(&self, purpose: &str, uses: &[Use]) -> String {
        let Some((first, others)) = uses.split_first() else { return purpose.to_owned() };
        let there = |one: &Use| Some((self.words.word(self.tree(one.tree)?.options?), self.words.word(one.name)));
        let Some(all) = others.iter().map(there).collect::<Option<BTreeSet<_>>>() else {
            return format!("{purpose}: {} on all but one", renew(self.words.word(first.name), ""));
        };
        let commands = all.iter().take(MOST_COMMANDS).map(|(options, name)| renew(name, options));
        let commands: Vec<_> = commands.collect();
        let more = if all.len() > commands.len() { ", and so on" } else { "" };
        format!("{purpose}: {}{more}", commands.join(", "))
    }

    fn same_prime(&self, sharing: &Sharing) -> FleetFinding {
        let place = |tree: u32| self.tree(tree).map_or("", |tree| self.words.word(tree.place));
        let others: Vec<_> = sharing
            .others
            .iter()
            .map(|(name, tree)| format!("{} ({})", self.words.word(*name), place(*tree)))
            .collect();
        let others: Vec<_> = others.iter().map(String::as_str).collect();
        let evidence = shares_with(&listed(&others));
        let trees = sharing.trees.iter().copied().chain(sharing.others.iter().map(|(_, tree)| *tree));
        let finding = Finding::about(FindingCode::KeySharedPrime, self.words.word(sharing.name), evidence, NEW_KEY);
        FleetFinding { finding, trees: self.places(trees) }
    }

    fn same_serial(&self, first: Use, others: &[Use]) -> Option<FleetFinding> {
        if others.is_empty() {
            return None;
        }
        let all = || std::iter::once(&first).chain(others);
        let trees = self.places(all().map(|one| one.tree));
        let names: BTreeSet<_> = all().map(|one| self.words.word(one.name)).collect();
        let name = names.into_iter().collect::<Vec<_>>().join(", ");
        let evidence = format!("different certificates of one CA have the same serial number, in {}", among(&trees));
        let uses: Vec<_> = all().copied().collect();
        let remedy = self.renew_but_one("renew all but one of them", &uses);
        Some(FleetFinding { finding: Finding::about(FindingCode::FleetRepeatedSerial, &name, evidence, remedy), trees })
    }

    fn same_authority(&self, name: u32, trees: &[u32]) -> Option<FleetFinding> {
        let clusters = self.clusters(trees.iter().copied());
        if clusters.len() < 2 {
            return None;
        }
        let (name, places) = (self.words.word(name), self.places(trees.iter().copied()));
        let known: Vec<_> = clusters.iter().map(|cluster| self.words.word(*cluster)).collect();
        let evidence = format!(
            "{} have the same key for it ({}): who is trusted in one is trusted in all",
            counted(known.len(), "cluster"),
            listed(&known)
        );
        let remedy = "give each cluster a CA and keys of its own; a cluster that was cloned from another is made anew";
        let finding = Finding::about(FindingCode::FleetSharedAuthority, name, evidence, remedy);
        Some(FleetFinding { finding, trees: places })
    }

    fn different_sets(&self, name: u32, sets: &BTreeMap<Short, Vec<u32>>) -> Option<FleetFinding> {
        if sets.len() < 2 {
            return None;
        }
        let most = sets.values().map(Vec::len).max()?;
        let total: usize = sets.values().map(Vec::len).sum();
        // Those that differ from the most, or all where none are more.
        let is_clear = sets.values().filter(|trees| trees.len() == most).count() == 1;
        let odd = sets.values().filter(|trees| !is_clear || trees.len() < most).flatten().copied();
        let (name, trees) = (self.words.word(name), self.places(odd));
        let evidence = format!(
            "the nodes of one cluster have {} different sets of keys for it; {} of {total} trees: {}",
            sets.len(),
            trees.len(),
            among(&trees)
        );
        let remedy = Remedy::nothing(
            "nothing while the CA is being replaced; otherwise copy the file of the node whose clients are accepted",
        );
        let finding = Finding::about(FindingCode::FleetAuthoritiesDiffer, name, evidence, remedy);
        Some(FleetFinding { finding, trees })
    }
}

fn renew(name: &str, options: &str) -> String {
    let is_known = catalogue::rows([Kind::Leaf, Kind::Kubeconfig]).any(|row| row.name == name);
    let words = ["kubepki", "certs", "renew", if is_known { name } else { "all" }];
    command(words.into_iter().chain(options.split(SEPARATOR).filter(|word| !word.is_empty())))
}

fn among(trees: &[String]) -> String {
    let places: Vec<_> = trees.iter().map(String::as_str).collect();
    format!("{} ({})", counted(trees.len(), "tree"), listed(&places))
}

fn listed(words: &[&str]) -> String {
    let first: Vec<_> = words.iter().take(3).copied().collect();
    format!("{}{}", first.join(", "), if words.len() > first.len() { ", …" } else { "" })
}

fn short_of(digits: &str) -> Option<Short> {
    crate::digest::unhex(digits.as_bytes())?.get(..16)?.try_into().ok()
}

fn short(parts: &[&str]) -> Short {
    let all: Vec<u8> = parts.iter().flat_map(|part| part.bytes().chain([0])).collect();
    Digest::of(&all).as_bytes().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
