//! Files that are not kubeadm's, from which components of this node take whom they trust.
//!
//! In: such a file, as it was read; how far the authority is. Out: what it lacks. No step writes them: they may hold other CAs, and
//! somebody, or a tool of theirs, keeps them. A component that does not know the CA that comes would refuse all that it signs.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Anchor, AuthorityRotation, Stage, shown};

/// A file from which a component takes whom it trusts, where it is not kubeadm's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// What names it, as `kube-apiserver --client-ca-file`.
    pub setting: String,
    /// The file on the host.
    pub file: PathBuf,
    /// What it holds; nothing where it cannot be read.
    pub trusted: Vec<Anchor>,
}

impl Elsewhere {
    /// Those of `anchors` that it does not hold.
    pub fn lacking<'a>(&'a self, anchors: &'a [Anchor]) -> impl Iterator<Item = &'a Anchor> {
        anchors.iter().filter(|one| !self.holds(one))
    }

    /// Whether it holds this one.
    #[must_use]
    pub fn holds(&self, anchor: &Anchor) -> bool {
        self.trusted.iter().any(|one| one.sha256 == anchor.sha256)
    }
}

impl AuthorityRotation {
    /// What comes, or signs already where it has come: whoever does not trust it refuses what is reissued.
    #[must_use]
    pub fn coming(&self) -> Vec<Anchor> {
        let not_previous = |one: &&Anchor| !self.previous.contains(one);
        match self.stage {
            Stage::Prepared | Stage::IssueOld if !self.next.is_empty() => self.next.clone(),
            Stage::IssueNew => self.trusted.iter().filter(not_previous).cloned().collect(),
            Stage::IssueOld | Stage::TrustBoth => self.trusted.clone(),
            _ => Vec::new(),
        }
    }

    /// What files that are not kubeadm's lack of it, each in a few words.
    pub(super) fn lacking_elsewhere(&self) -> Vec<String> {
        let coming = self.coming();
        let lacks = |one: &Elsewhere| {
            let lacking: Vec<_> = one.lacking(&coming).cloned().collect();
            let named = || format!("{} ({}) does not hold {}", one.file.display(), one.setting, shown(&lacking));
            (!lacking.is_empty()).then(named)
        };
        self.elsewhere.iter().filter_map(lacks).collect()
    }
}
