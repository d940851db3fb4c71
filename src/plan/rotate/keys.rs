//! What a step changes of the service accounts' keys: `sa.pub` holds all that tokens are verified with, `sa.key` signs.

use chrono::{DateTime, Utc};

use super::draft::{Draft, Turn};
use super::{Phase, RotateError};
use crate::audit::rotation::{Anchor, AuthorityRotation, Stage};
use crate::catalogue::{Aside, KeyFiles, SERVICE_ACCOUNT};
use crate::inventory::Inventory;
use crate::key::{PrivateKey, pem, read_public_keys};
use crate::plan::Kind;
use crate::secret::Secret;

/// The PEM label of a `SubjectPublicKeyInfo`.
const PUBLIC_KEY: &str = "PUBLIC KEY";

/// Plans the step.
pub(super) fn turn<'a>(
    inventory: &'a Inventory<'a>,
    rotation: &AuthorityRotation,
    phase: Phase,
) -> Result<Draft<'a>, RotateError> {
    let mut draft = Draft::new(inventory);
    let keys = Keys::read(inventory, rotation);
    match (phase, rotation.stage) {
        (Phase::TrustBoth, Stage::Prepared | Stage::IssueOld) => {
            let all = [keys.without(&keys.next), keys.next.clone()].concat();
            keys.verify_with(&mut draft, &all);
        }
        (Phase::IssueNew, Stage::IssueOld) => keys.swap(&mut draft, Aside::Next, &keys.next)?,
        (Phase::IssueOld, Stage::IssueNew) => keys.swap(&mut draft, Aside::Previous, &keys.previous)?,
        (Phase::TrustNew | Phase::TrustOld, Stage::IssueNew | Stage::IssueOld | Stage::TrustBoth)
            if keys.has_other_in_use(rotation) =>
        {
            return Err(RotateError::no_key(SERVICE_ACCOUNT, &keys.files));
        }
        (Phase::TrustNew, Stage::IssueNew) => {
            keys.verify_with(&mut draft, &keys.without(&keys.previous));
            keys.forget(&mut draft, Aside::Previous);
        }
        (Phase::TrustOld, Stage::IssueOld | Stage::Prepared) => {
            keys.verify_with(&mut draft, &keys.without(&keys.next));
            keys.forget(&mut draft, Aside::Next);
        }
        // Copied from a node that has ended it since: what signs stays.
        (Phase::TrustNew | Phase::TrustOld, Stage::TrustBoth) => {
            keys.verify_with(&mut draft, keys.public.get(..1).unwrap_or_default());
        }
        (Phase::TrustBoth | Phase::IssueNew, Stage::IssueNew)
        | (Phase::IssueOld, Stage::IssueOld)
        | (Phase::TrustNew | Phase::TrustOld, Stage::Single)
        | (Phase::Reissue | Phase::Cluster, _) => {}
        (phase, stage) => {
            let (stage, phase) = (stage.as_str(), phase.as_str());
            return Err(RotateError::WrongStage { authority: rotation.name.clone(), stage, phase });
        }
    }
    Ok(draft)
}

/// Writes the key that signs again: from the time of its change it is counted how long tokens of the other key may live, and components
/// have made such tokens until now. What has the same content is not written, so an empty line at the end comes, or goes.
#[must_use]
pub fn sign_anew(inventory: &Inventory<'_>, now: DateTime<Utc>) -> Turn {
    let mut draft = Draft::new(inventory);
    let path = inventory.layout.service_account_key();
    let anew = |text: &[u8]| match text.strip_suffix(b"\n\n") {
        Some(rest) => Secret::new([rest, b"\n"].concat()),
        None => Secret::new([text, b"\n"].concat()),
    };
    let key = inventory.tree.content(&path).map(|text| (&path, 0o600, anew(text)));
    draft.supply(SERVICE_ACCOUNT, Kind::KeyPair, "signs only from now on", key);
    draft.turn(now)
}

struct Keys<'a> {
    inventory: &'a Inventory<'a>,
    files: KeyFiles,
    public: Vec<Vec<u8>>,
    next: Vec<Vec<u8>>,
    previous: Vec<Vec<u8>>,
    has_other_key: bool,
}

impl<'a> Keys<'a> {
    fn read(inventory: &'a Inventory<'a>, rotation: &AuthorityRotation) -> Self {
        let read = |files: &KeyFiles| {
            let text = inventory.tree.content(&files.public);
            text.and_then(|text| read_public_keys(text).ok()).unwrap_or_default()
        };
        let files = inventory.layout.in_use(&rotation.name);
        let aside = |aside| read(&inventory.layout.aside(&rotation.name, aside));
        Self {
            public: read(&files),
            next: aside(Aside::Next),
            previous: aside(Aside::Previous),
            has_other_key: rotation.has_other_key,
            files,
            inventory,
        }
    }

    /// Whether the key in use is not that of the first public key.
    fn has_other_in_use(&self, rotation: &AuthorityRotation) -> bool {
        let first = self.public.first().map(|der| Anchor::of_key(der).sha256);
        rotation.issuing.is_some() && rotation.issuing != first
    }

    fn without(&self, others: &[Vec<u8>]) -> Vec<Vec<u8>> {
        self.public.iter().filter(|one| !others.contains(one)).cloned().collect()
    }

    fn verify_with(&self, draft: &mut Draft<'a>, all: &[Vec<u8>]) {
        if all != self.public.as_slice() {
            draft.supply(
                SERVICE_ACCOUNT,
                Kind::KeyPair,
                "tokens are verified with them",
                [(&self.files.public, 0o600, text(all))],
            );
        }
    }

    fn swap(&self, draft: &mut Draft<'a>, from: Aside, comes: &[Vec<u8>]) -> Result<(), RotateError> {
        let layout = self.inventory.layout;
        let to = if from == Aside::Next { Aside::Previous } else { Aside::Next };
        let (source, target) = (layout.aside(SERVICE_ACCOUNT, from), layout.aside(SERVICE_ACCOUNT, to));
        let key = |path| {
            let text = self.inventory.tree.content(path);
            text.filter(|text| PrivateKey::from_pem(text).is_ok()).map(|text| Secret::new(text.to_vec()))
        };
        let new = key(&source.key).filter(|_| self.has_other_key);
        let new = new.ok_or_else(|| RotateError::no_key(SERVICE_ACCOUNT, &source))?;
        let old = key(&self.files.key).ok_or_else(|| RotateError::no_key(SERVICE_ACCOUNT, &self.files))?;
        let goes = self.without(comes);
        let kind = Kind::KeyPair;
        let aside = [(&target.key, 0o600, old), (&target.public, 0o600, text(&goes))];
        draft.supply("sa-other", kind, "does not sign any more", aside);
        let all = [comes.to_vec(), goes].concat();
        let own = [(&self.files.key, 0o600, new), (&self.files.public, 0o600, text(&all))];
        draft.supply(SERVICE_ACCOUNT, kind, "signs from now on", own);
        draft.remove("sa-aside", kind, "is in use now", &source.paths());
        Ok(())
    }

    fn forget(&self, draft: &mut Draft<'a>, aside: Aside) {
        let files = self.inventory.layout.aside(SERVICE_ACCOUNT, aside).paths();
        draft.remove("sa-other", Kind::KeyPair, "is not trusted any more", &files);
    }
}

fn text(all: &[Vec<u8>]) -> Secret {
    Secret::new(all.iter().flat_map(|der| pem::encode(PUBLIC_KEY, der).expose().to_vec()).collect())
}
