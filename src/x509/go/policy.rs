//! Certificate policies of a chain, for a verifier that takes any policy: they matter only where a CA asks for one.
//!
//! In: a chain. Out: whether it is valid. The graph is RFC 9618's.
//!
//! Source: RFC 5280 section 6.1, RFC 9618; Go `crypto/x509` `policiesValid`.

use std::collections::BTreeMap;

use super::read::Facts;

/// `anyPolicy` (2.5.29.32.0), as it stands in DER.
const ANY: &[u8] = &[0x55, 0x1d, 0x20, 0x00];

type Policy = Vec<u8>;

#[derive(Clone)]
struct Node {
    expected: Vec<Policy>,
    parents: Vec<Policy>,
    /// Whether a node below still stands on it.
    has_children: bool,
}

/// The graph: a level for each certificate, a node for each policy that is valid there.
struct Graph {
    levels: Vec<BTreeMap<Policy, Node>>,
}

impl Graph {
    fn new() -> Self {
        let root = Node { expected: vec![ANY.to_vec()], parents: Vec::new(), has_children: false };
        Self { levels: vec![BTreeMap::from([(ANY.to_vec(), root)])] }
    }

    fn depth(&self) -> usize {
        self.levels.len() - 1
    }

    fn leaves(&self) -> Option<&BTreeMap<Policy, Node>> {
        self.levels.last()
    }

    fn above(&self) -> Option<&BTreeMap<Policy, Node>> {
        self.levels.get(self.depth().checked_sub(1)?)
    }

    /// The nodes above that expect this policy.
    fn expecting(&self, policy: &[u8]) -> Vec<Policy> {
        let nodes = self.above().into_iter().flatten();
        nodes.filter(|(_, node)| node.expected.iter().any(|one| one == policy)).map(|(name, _)| name.clone()).collect()
    }

    fn insert(&mut self, policy: Policy, parents: Vec<Policy>, expected: Vec<Policy>) {
        if let Some(level) = self.levels.last_mut() {
            level.insert(policy, Node { expected, parents, has_children: false });
        }
    }

    /// Takes away what nothing stands on, from the last level but one upwards; the first level stays.
    fn prune(&mut self) {
        for index in (1..self.levels.len()).rev() {
            let parents: Vec<Policy> =
                self.levels.get(index).into_iter().flatten().flat_map(|(_, node)| node.parents.clone()).collect();
            if let Some(above) = self.levels.get_mut(index - 1) {
                for (name, node) in above.iter_mut() {
                    node.has_children = parents.contains(name);
                }
                if index > 1 {
                    above.retain(|_, node| node.has_children);
                }
            }
        }
    }

    /// Whether any policy is valid from the top to the last level.
    fn has_valid(&self) -> bool {
        let stands_on_any = |node: &Node| matches!(node.parents.as_slice(), [parent] if parent == ANY);
        let in_a_level =
            self.levels.iter().any(|level| level.iter().any(|(name, node)| name != ANY && stands_on_any(node)));
        in_a_level || self.leaves().is_some_and(|leaves| leaves.contains_key(ANY))
    }
}

/// What may still come before a rule holds; 0 when it does.
struct Counters {
    explicit: i64,
    mapping: i64,
    any: i64,
}

impl Counters {
    fn pass(&mut self, facts: &Facts, is_self_issued: bool) {
        let counters = [&mut self.explicit, &mut self.mapping, &mut self.any];
        let said = [
            facts.extensions.require_explicit_policy,
            facts.extensions.inhibit_policy_mapping,
            facts.extensions.inhibit_any_policy,
        ];
        for (counter, said) in counters.into_iter().zip(said) {
            if !is_self_issued && *counter > 0 {
                *counter -= 1;
            }
            if let Some(said) = said.filter(|said| *said >= 0 && said < counter) {
                *counter = said;
            }
        }
    }
}

/// Whether the policies of the chain, the leaf first, are valid.
pub(super) fn is_valid(chain: &[&Facts]) -> bool {
    let Some((_, below)) = chain.split_last().filter(|(_, below)| !below.is_empty()) else { return true };
    let start = i64::try_from(below.len() + 1).unwrap_or(i64::MAX);
    let mut counters = Counters { explicit: start, mapping: start, any: start };
    let mut graph = Some(Graph::new());
    for (index, facts) in below.iter().enumerate().rev() {
        let is_self_issued = facts.issuer == facts.subject;
        if facts.extensions.policies.is_empty() {
            graph = None;
        }
        if counters.explicit == 0 && graph.is_none() {
            return false;
        }
        if let Some(graph) = &mut graph {
            descend(graph, facts, counters.any > 0 || (index > 0 && is_self_issued));
            if index > 0 && !map(graph, facts, counters.mapping > 0) {
                return false;
            }
        }
        if index > 0 {
            counters.pass(facts, is_self_issued);
        }
    }
    let leaf_asks = chain.first().is_some_and(|leaf| leaf.extensions.require_explicit_policy == Some(0));
    let must_have_one = counters.explicit <= 1 || leaf_asks;
    !must_have_one || graph.is_some_and(|graph| graph.has_valid())
}

/// The next level: the certificate's policies.
fn descend(graph: &mut Graph, facts: &Facts, may_be_any: bool) {
    let policies = &facts.extensions.policies;
    graph.levels.push(BTreeMap::new());
    for policy in policies.iter().filter(|policy| *policy != ANY) {
        let mut parents = graph.expecting(policy);
        if parents.is_empty() && graph.above().is_some_and(|above| above.contains_key(ANY)) {
            parents.push(ANY.to_vec());
        }
        if !parents.is_empty() {
            graph.insert(policy.clone(), parents, vec![policy.clone()]);
        }
    }
    if may_be_any && policies.iter().any(|policy| policy == ANY) {
        let mut missing: BTreeMap<Policy, Vec<Policy>> = BTreeMap::new();
        for (name, node) in graph.above().into_iter().flatten() {
            for expected in &node.expected {
                if graph.leaves().is_some_and(|leaves| !leaves.contains_key(expected)) {
                    missing.entry(expected.clone()).or_default().push(name.clone());
                }
            }
        }
        for (policy, mut parents) in missing {
            parents.dedup();
            let expected = vec![policy.clone()];
            graph.insert(policy, parents, expected);
        }
    }
    graph.prune();
}

/// The certificate's policy mappings; `false` when one of them is none that may be.
fn map(graph: &mut Graph, facts: &Facts, may_map: bool) -> bool {
    let all = &facts.extensions.policy_mappings;
    if all.is_empty() {
        return true;
    }
    let mut mappings: BTreeMap<Policy, Vec<Policy>> = BTreeMap::new();
    for (issuers, subjects) in all {
        if may_map {
            if issuers == ANY || subjects == ANY {
                return false;
            }
            mappings.entry(issuers.clone()).or_default().push(subjects.clone());
        } else if let Some(level) = graph.levels.last_mut() {
            level.remove(issuers);
        }
    }
    graph.prune();
    for (policy, subjects) in mappings {
        let Some(level) = graph.levels.last_mut() else { continue };
        if let Some(node) = level.get_mut(&policy) {
            node.expected = subjects;
        } else if level.contains_key(ANY) {
            // Go: the new node stands below the leaf `anyPolicy`, on its own level.
            graph.insert(policy, vec![ANY.to_vec()], subjects);
        }
    }
    true
}
