//! What lies beside a pair in use: whether it could take its place.
//!
//! In: the inventory. Out: [`Beside`]. A key of another certificate would be put to use by the next step, and nothing would verify
//! what it signs.

use crate::catalogue::{Aside, SERVICE_ACCOUNT};
use crate::inventory::Inventory;
use crate::key::{PrivateKey, read_public_keys};
use crate::text::file_name;
use crate::x509::read_certificates;

/// Both sides.
pub(super) struct Beside {
    pub(super) next: Pair,
    pub(super) previous: Pair,
}

/// One of them.
#[derive(Default)]
pub(super) struct Pair {
    /// Whether the key is there, and is that of the first certificate or public key.
    pub(super) has_key: bool,
    /// Why the certificate, or the public key, cannot be used.
    unusable: Option<String>,
    /// What is wrong with the key.
    key_problem: Option<String>,
}

impl Beside {
    /// `signs_here`: the key of the pair in use is on this node, so that of the one that comes has to be too.
    pub(super) fn of_both(inventory: &Inventory<'_>, name: &str, signs_here: bool) -> Self {
        let pair = |aside| Pair::read(inventory, name, aside, signs_here);
        Self { next: pair(Aside::Next), previous: pair(Aside::Previous) }
    }

    pub(super) fn has_key(&self) -> bool {
        self.next.has_key || self.previous.has_key
    }

    /// Whether it cannot be told what comes, or went.
    pub(super) fn is_unclear(&self) -> bool {
        self.next.unusable.is_some() || self.previous.unusable.is_some()
    }

    /// What stands in the way of going on. Without the key of the one that goes there is no way back, which is no step left to do.
    pub(super) fn problems(&self) -> impl Iterator<Item = String> {
        let all = [&self.next.unusable, &self.previous.unusable, &self.next.key_problem];
        all.into_iter().flatten().cloned().collect::<Vec<_>>().into_iter()
    }
}

impl Pair {
    fn read(inventory: &Inventory<'_>, name: &str, aside: Aside, signs_here: bool) -> Self {
        let files = inventory.layout.aside(name, aside);
        if !inventory.tree.is_there(&files.public) {
            return Self::default();
        }
        let text = inventory.tree.content(&files.public).unwrap_or_default();
        let public = match public_key(name, text, aside) {
            Ok(public) => public,
            Err(reason) => {
                return Self { unusable: Some(format!("{} {reason}", files.public.display())), ..Self::default() };
            }
        };
        let (key, of) = (file_name(&files.key), file_name(&files.public));
        let problem = match inventory.tree.content(&files.key).map(PrivateKey::from_pem) {
            Some(Ok(key)) if key.public_key_info() == public => return Self { has_key: true, ..Self::default() },
            Some(Ok(_)) => Some(format!("{key} is not the key of {of}")),
            Some(Err(_)) => Some(format!("{key} cannot be used")),
            None => signs_here.then(|| format!("{key} is missing")),
        };
        Self { key_problem: problem, ..Self::default() }
    }
}

/// The public key of the one that signs.
fn public_key(name: &str, text: &[u8], aside: Aside) -> Result<Vec<u8>, &'static str> {
    const UNREADABLE: &str = "cannot be read";
    if name == SERVICE_ACCOUNT {
        let all = read_public_keys(text).map_err(|_| UNREADABLE)?;
        return all.into_iter().next().ok_or(UNREADABLE);
    }
    let all = read_certificates(text).map_err(|_| UNREADABLE)?;
    let first = all.first().ok_or(UNREADABLE)?;
    // The one that goes was in use.
    if first.is_ca() || aside == Aside::Previous {
        Ok(first.public_key_info().to_vec())
    } else {
        Err("is not the certificate of a CA")
    }
}
