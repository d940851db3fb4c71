//! What nodes share, parsed once: a CA, the service accounts' keys, the client of an external etcd.
//!
//! In: the table of entries, the files. Out: [`Shared`]. It never judges.

use std::path::Path;

use super::super::Kind;
use crate::bundle::{Content, EXTERNAL_ETCD, Entry};
use crate::catalogue::{Layout, SERVICE_ACCOUNT};
use crate::inventory::{Found, ServiceAccountKeys};
use crate::key::PrivateKey;
use crate::tree::Tree;
use crate::x509::Certificate;

/// One artefact of a bundle.
pub(super) struct Shared<'e> {
    pub(super) artefact: &'static str,
    pub(super) kind: Kind,
    /// Its entries, at least one.
    pub(super) entries: &'e [Entry],
    pub(super) keys: Keys,
}

/// What its files hold.
pub(super) enum Keys {
    /// A certificate and its key. Of a CA that comes without its key, the key is nowhere.
    Pair(Found),
    ServiceAccount(ServiceAccountKeys),
}

impl<'e> Shared<'e> {
    /// The artefacts of `entries`, but for those of an external etcd that the configuration does not have.
    pub(super) fn all(entries: &'e [Entry], tree: &Tree, layout: &Layout) -> Vec<Self> {
        let artefacts = entries.chunk_by(|one, other| one.artefact == other.artefact);
        artefacts.filter_map(|entries| Self::of(entries, tree, layout)).collect()
    }

    fn of(entries: &'e [Entry], tree: &Tree, layout: &Layout) -> Option<Self> {
        let Entry { artefact, path: first, .. } = entries.first()?;
        let first = first.clone()?;
        let (kind, keys) = if *artefact == SERVICE_ACCOUNT {
            (
                Kind::KeyPair,
                Keys::ServiceAccount(ServiceAccountKeys::read(
                    tree,
                    layout.service_account_key(),
                    layout.service_account_public_key(),
                )),
            )
        } else {
            let is_key = |entry: &&Entry| matches!(entry.content, Content::AuthorityKey | Content::Key);
            let key = entries.iter().find(is_key).and_then(|entry| entry.path.clone());
            let is_leaf = *artefact == EXTERNAL_ETCD;
            let kind = if is_leaf { Kind::Certificate } else { Kind::CertificateAuthority };
            (kind, Keys::Pair(Found::pair(tree, first, key.unwrap_or_default())))
        };
        Some(Self { artefact, kind, entries, keys })
    }

    /// Its certificate.
    pub(super) fn certificate(&self) -> Option<&Certificate> {
        match &self.keys {
            Keys::Pair(pair) => pair.certificate(),
            Keys::ServiceAccount(_) => None,
        }
    }

    pub(super) fn common_name(&self) -> Option<String> {
        self.certificate()?.subject().common_name()
    }

    /// Each public key of its certificates and keys.
    pub(super) fn public_keys(&self) -> Vec<&[u8]> {
        let (key, mut all): (_, Vec<&[u8]>) = match &self.keys {
            Keys::Pair(pair) => (&*pair.key, pair.all().iter().map(Certificate::public_key_info).collect()),
            Keys::ServiceAccount(keys) => {
                (&keys.key, keys.public_keys.present().into_iter().flatten().map(Vec::as_slice).collect())
            }
        };
        all.extend(key.present().map(PrivateKey::public_key_info));
        all
    }

    /// The file that stands for it.
    pub(super) fn path(&self) -> &Path {
        self.entries.iter().find_map(|entry| entry.path.as_deref()).unwrap_or(Path::new(""))
    }
}
