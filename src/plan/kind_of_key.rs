//! Of what kind a new key is that takes the place of an old one.
//!
//! In: the old key's kind, the wanted cluster. Out: the new key's kind, and the words for a change. A kind changes only
//! when somebody says so: kubeadm makes RSA-2048 keys of all others when its configuration names no kind.

use crate::config::ClusterSpec;
use crate::key::Algorithm;

/// The kind of the key that replaces one of the kind `old`: what the configuration says, else the same.
pub(super) fn kind_of_new_key(old: &str, spec: &ClusterSpec) -> Algorithm {
    let same = old.parse().ok().filter(|_| !spec.algorithm_is_said);
    same.unwrap_or(spec.algorithm)
}

/// The words of a plan for a kind that changes.
pub(super) fn change_of_kind(old: &str, new: Algorithm) -> Option<String> {
    (old != new.as_str()).then(|| format!("its key becomes {new} (it is {old})"))
}
