//! The CA, or key, that comes: made, or given to this node, and laid beside the one in use.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::draft::Draft;
use super::{Circumstances, RotateError, Turn, Wishes};
use crate::audit::rotation::{Anchor, AuthorityRotation, Stage};
use crate::catalogue::{Aside, Layout, SERVICE_ACCOUNT};
use crate::error::Error;
use crate::inventory::{Inventory, Item, Part};
use crate::key::{KeyError, PrivateKey, read_public_keys};
use crate::plan::generate::BACKDATE;
use crate::plan::kind_of_key::kind_of_new_key;
use crate::plan::{Artefact, Creation, Kind, Step};
use crate::secret::Secret;
use crate::x509::{Certificate, CertificateTemplate, DistinguishedName, read_certificates, verify_draft};

/// What a node is given of one authority.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// The CA certificates in PEM, the one that signs first; of the service accounts their public keys.
    pub certificates: String,
    /// The private key in PEM.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "text_of",
        deserialize_with = "secret_of"
    )]
    pub key: Option<Secret>,
    /// The same of the one that goes: a node that has joined meanwhile has neither beside the pair in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Box<Self>>,
}

/// What a node is given.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Material {
    /// The common name of a CA that is made here. It is text of somebody's, which no remote shell is to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub common_name: Option<String>,
    /// What others have, by kubeadm's names.
    #[serde(flatten)]
    pub authorities: BTreeMap<String, Given>,
}

impl Material {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.common_name.is_none() && self.authorities.is_empty()
    }

    /// What it has of one.
    #[must_use]
    pub fn get(&self, authority: &str) -> Option<&Given> {
        self.authorities.get(authority)
    }
}

#[allow(clippy::ref_option)] // serde calls it so
fn text_of<S: Serializer>(key: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    let text = key.as_ref().map(|key| std::str::from_utf8(key.expose()).map_err(serde::ser::Error::custom));
    text.transpose()?.serialize(serializer)
}

fn secret_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.map(|text| Secret::new(text.into_bytes())))
}

impl Given {
    /// What a PEM text holds: certificates, and a key where one is in it.
    ///
    /// # Errors
    /// A certificate or the key cannot be read: a key that was meant to be there is not left out.
    pub fn of_pem(text: &Secret) -> Result<Self, Error> {
        let certificates = read_certificates(text.expose())?;
        let key = match PrivateKey::from_pem(text.expose()) {
            Ok(key) => Some(key.to_pem()),
            Err(KeyError::NoKey | KeyError::OtherFormat { .. }) if !certificates.is_empty() => None,
            Err(error) => return Err(error.into()),
        };
        let pem: Vec<u8> = certificates.iter().flat_map(Certificate::to_pem).collect();
        Ok(Self { certificates: String::from_utf8_lossy(&pem).into_owned(), key, previous: None })
    }

    /// The certificates.
    ///
    /// # Errors
    /// [`RotateError::BadAuthority`].
    pub fn read(&self, authority: &str) -> Result<Vec<Certificate>, RotateError> {
        let bad = |reason: String| RotateError::BadAuthority { authority: authority.to_owned(), reason };
        let all = read_certificates(self.certificates.as_bytes()).map_err(|error| bad(error.to_string()))?;
        if all.is_empty() { Err(bad("it has no certificate".into())) } else { Ok(all) }
    }
}

/// Lays the one that comes beside the one in use; none when it is there, or is not this node's to have.
///
/// # Errors
/// [`RotateError`].
pub fn prepare(
    inventory: &Inventory<'_>,
    rotation: &AuthorityRotation,
    given: Option<&Given>,
    wishes: &Wishes,
    circumstances: Circumstances,
) -> Result<Option<Turn>, RotateError> {
    let name = rotation.name.as_str();
    let Some(item) = inventory.get(name).filter(|_| !circumstances.is_worker) else { return Ok(None) };
    if rotation.stage == Stage::Absent {
        return Ok(None);
    }
    let preparing = Preparing { item, rotation, wishes, circumstances };
    if name == SERVICE_ACCOUNT { preparing.keys(inventory, given) } else { preparing.authority(inventory, given) }
}

/// What is to be laid beside the pair in use, and where; what is not given is made.
struct Lacking<'g> {
    aside: Aside,
    given: Option<&'g Given>,
}

struct Preparing<'a> {
    item: &'a Item<'a>,
    rotation: &'a AuthorityRotation,
    wishes: &'a Wishes,
    circumstances: Circumstances,
}

impl Preparing<'_> {
    fn bad(&self, reason: impl Into<String>) -> RotateError {
        RotateError::BadAuthority { authority: self.rotation.name.clone(), reason: reason.into() }
    }

    fn other(&self, reason: impl Into<String>) -> RotateError {
        RotateError::OtherAuthority { authority: self.rotation.name.clone(), reason: reason.into() }
    }

    /// Whether nothing is to be laid down; `lacks_key` where what lies ready has no key, and one is given.
    fn is_done(&self, layout: &Layout, given: Option<&[Anchor]>, lacks_key: bool) -> Result<bool, RotateError> {
        let AuthorityRotation { stage, next, trusted, has_other_key, .. } = self.rotation;
        let given = given.and_then(<[Anchor]>::first);
        if self.rotation.lacks_other() && given.is_some_and(|given| trusted.contains(given)) {
            return Ok(false);
        }
        if !next.is_empty() {
            return match given {
                Some(given) if next.first() != Some(given) => Err(self.other(format!(
                    "{} lies ready here, not the one that was given ({})",
                    next.first().map_or("another", Anchor::short),
                    given.short()
                ))),
                Some(_) => Ok(!lacks_key),
                // Nobody could sign with it later.
                None if !has_other_key && self.rotation.issuing.is_some() => {
                    Err(RotateError::no_key(&self.rotation.name, &layout.aside(&self.rotation.name, Aside::Next)))
                }
                None => Ok(true),
            };
        }
        match (stage, given) {
            (Stage::IssueNew | Stage::Unclear, _) => Ok(true),
            (Stage::IssueOld | Stage::TrustBoth, _) if !has_other_key => Err(RotateError::NotHere {
                authority: self.rotation.name.clone(),
                reason: "two are trusted, and the key of the one that comes is not here".to_owned(),
                hint: "give it, with its certificate: --new-ca FILE".to_owned(),
            }),
            (_, Some(given)) if trusted.contains(given) => Err(self.bad("it is the one in use")),
            _ => Ok(false),
        }
    }

    /// Which of both this node lacks: a key that signs here already never comes again. `anchors` are those of the one that comes.
    fn lacking<'g>(
        &self,
        layout: &Layout,
        given: Option<&'g Given>,
        anchors: impl Fn(&Given) -> Result<Vec<Anchor>, RotateError>,
    ) -> Result<Option<Lacking<'g>>, RotateError> {
        let Some(given) = given else {
            return Ok((!self.is_done(layout, None, false)?).then_some(Lacking { aside: Aside::Next, given: None }));
        };
        let comes = anchors(given)?;
        let lacks_key = given.key.is_some() && !self.rotation.has_other_key;
        let signs_here = comes.first().is_some_and(|first| Some(first.sha256.as_str()) == self.rotation.signs());
        if !self.rotation.lacks_other() || !signs_here {
            return Ok((!self.is_done(layout, Some(&comes), lacks_key)?)
                .then_some(Lacking { aside: Aside::Next, given: Some(given) }));
        }
        let Some(goes) = given.previous.as_deref() else {
            return if self.rotation.stage == Stage::IssueNew {
                Ok(None)
            } else {
                let name = &self.rotation.name;
                Err(RotateError::NotHere {
                    authority: name.clone(),
                    reason: "what was given signs here already, and the one that goes was not given".to_owned(),
                    hint: format!("export it on a control-plane node that has {name}-previous.key"),
                })
            };
        };
        match anchors(goes)?.iter().find(|one| !self.rotation.trusted.contains(one)) {
            Some(one) => Err(self.other(format!("{} goes, and is not trusted here", one.short()))),
            None => Ok(Some(Lacking { aside: Aside::Previous, given: Some(goes) })),
        }
    }

    fn authority(&self, inventory: &Inventory<'_>, given: Option<&Given>) -> Result<Option<Turn>, RotateError> {
        let name = self.item.name;
        let anchors = |given: &Given| Ok(given.read(name)?.iter().map(Anchor::of).collect());
        let Some(Lacking { aside, given }) = self.lacking(inventory.layout, given, anchors)? else { return Ok(None) };
        let files = inventory.layout.aside(name, aside);
        // What signs here later must be able to step back too.
        if let Part::Broken(fault) = self.item.pair().key.as_ref() {
            return Err(RotateError::NotHere {
                authority: name.to_owned(),
                reason: format!("its key cannot be used: {}", fault.message),
                hint: fault.hint.clone(),
            });
        }
        let mut draft = Draft::new(inventory);
        let Some(given) = given else {
            draft.push(self.new_authority(inventory)?, &[(&files.key, 0o600), (&files.public, 0o644)]);
            return Ok(Some(draft.turn(self.circumstances.now)));
        };
        let certificates = given.read(name)?;
        self.judge(given, &certificates, aside)?;
        if aside == Aside::Next {
            self.judge_leaves(inventory, &certificates)?;
        }
        let pem = Secret::new(given.certificates.clone().into_bytes());
        let contents = given.key.iter().map(|key| (&files.key, 0o600, key.clone()));
        let contents = contents.chain([(&files.public, 0o644, pem)]);
        draft.supply(&beside(name, aside), Kind::CertificateAuthority, "given", contents);
        Ok(Some(draft.turn(self.circumstances.now)))
    }

    fn judge(&self, given: &Given, certificates: &[Certificate], aside: Aside) -> Result<(), RotateError> {
        let Some(first) = certificates.first() else { return Err(self.bad("it has no certificate")) };
        let is_in_use = |one: &&Certificate| self.rotation.trusted.contains(&Anchor::of(one));
        if self.rotation.stage == Stage::Single
            && let Some(one) = certificates.iter().find(is_in_use)
        {
            return Err(
                self.bad(format!("{} is in use already: what comes must not stand below what goes", one.subject()))
            );
        }
        let stands_below = |old: &&Certificate| certificates.iter().any(|one| one != *old && old.has_signed(one));
        if let Some(old) = self.item.certificates().iter().filter(|_| aside == Aside::Next).find(stands_below) {
            return Err(self.bad(format!(
                "{} has signed it, which is in use: what comes must not stand below what goes",
                old.subject()
            )));
        }
        let now = self.circumstances.now;
        if !first.may_sign_certificates() {
            return Err(self.bad(format!("{} may not sign certificates", first.subject())));
        }
        // The one that goes may have ended: it is why it goes.
        let is_valid =
            |one: &&Certificate| aside == Aside::Previous || (one.not_after() > now && one.not_before() <= now);
        if let Some(one) = certificates.iter().find(|one| !is_valid(one)) {
            return Err(self.bad(format!(
                "{} is valid from {} until {}",
                one.subject(),
                one.not_before(),
                one.not_after()
            )));
        }
        let has_key_here = self.item.pair().key.present().is_some();
        if given.key.is_none() && has_key_here && aside == Aside::Next {
            return Err(
                self.bad("it has no private key, and that of the CA in use is on this node: what signs here needs one")
            );
        }
        if let Some(key) = &given.key {
            let key = PrivateKey::from_pem(key.expose()).map_err(|error| self.bad(error.to_string()))?;
            if key.public_key_info() != first.public_key_info() {
                return Err(self.bad("the key is not that of its first certificate"));
            }
        }
        Ok(())
    }

    /// What is to be signed anew here must be what the one that comes may sign: its names, above all.
    fn judge_leaves(&self, inventory: &Inventory<'_>, certificates: &[Certificate]) -> Result<(), RotateError> {
        let now = self.circumstances.now;
        for leaf in self.rotation.leaves.iter().filter_map(|leaf| inventory.get(&leaf.name)?.leaf()) {
            let template = CertificateTemplate::like(leaf, now - BACKDATE, now + BACKDATE);
            let draft = template.draft(Some(leaf.public_key_info()), certificates.first());
            let draft = draft.map_err(|error| self.bad(error.to_string()))?;
            if let Err(problem) = verify_draft(&draft, certificates, now, None) {
                return Err(self.bad(format!("it may not sign {}: {problem}", leaf.subject())));
            }
        }
        Ok(())
    }

    /// Like the one in use, for as long, with a key of the same kind.
    fn new_authority(&self, inventory: &Inventory<'_>) -> Result<Artefact, RotateError> {
        let (item, now) = (self.item, self.circumstances.now);
        let Some(old) = item.leaf() else { return Err(self.bad("the one in use cannot be read")) };
        if item.pair().is_external() {
            return Err(RotateError::NotHere {
                authority: item.name.to_owned(),
                reason: "its key is elsewhere, so the new one is not made here".to_owned(),
                hint: "give the certificate of the new one: --new-ca FILE".to_owned(),
            });
        }
        let validity = inventory.spec.ca_certificate_validity;
        let mut template = CertificateTemplate::like(old, now - BACKDATE, now + validity);
        template.other_extensions.clear();
        if let Some(common_name) = &self.wishes.common_name {
            template.subject = DistinguishedName::new(&old.subject().organizations(), common_name)
                .map_err(|error| self.bad(error.to_string()))?;
        }
        let new_key = kind_of_new_key(old.key_kind(), inventory.spec);
        let end = template.not_after;
        let step = Step::Create(Creation::Pair { certificate: template, new_key });
        let artefact =
            Artefact::new(&beside(item.name, Aside::Next), Kind::CertificateAuthority, step, "comes", Vec::new());
        Ok(Artefact { expires_at: Some(end), ..artefact })
    }

    fn keys(&self, inventory: &Inventory<'_>, given: Option<&Given>) -> Result<Option<Turn>, RotateError> {
        let name = self.item.name;
        let read = |given: &Given| {
            read_public_keys(given.certificates.as_bytes()).map_err(|error| self.bad(error.to_string()))
        };
        let anchors = |given: &Given| Ok(read(given)?.iter().map(|key| Anchor::of_key(key)).collect());
        let Some(Lacking { aside, given }) = self.lacking(inventory.layout, given, anchors)? else { return Ok(None) };
        let files = inventory.layout.aside(name, aside);
        let mut draft = Draft::new(inventory);
        let paths = [(&files.key, 0o600), (&files.public, 0o600)];
        let Some(given) = given else {
            let old = self.item.service_account().and_then(|keys| keys.key.present()).map(PrivateKey::kind);
            let new_key = kind_of_new_key(&old.unwrap_or_default(), inventory.spec);
            let step = Step::Create(Creation::KeyPair { new_key });
            draft.push(Artefact::new(&beside(name, aside), Kind::KeyPair, step, "comes", Vec::new()), &paths);
            return Ok(Some(draft.turn(self.circumstances.now)));
        };
        let Some(text) = &given.key else { return Err(self.bad("it has no private key")) };
        let key = PrivateKey::from_pem(text.expose()).map_err(|error| self.bad(error.to_string()))?;
        if read(given)?.first().map(Vec::as_slice) != Some(key.public_key_info()) {
            return Err(self.bad("the public key is another key's"));
        }
        let public = Secret::new(given.certificates.clone().into_bytes());
        let contents = [(&files.key, 0o600, text.clone()), (&files.public, 0o600, public)];
        draft.supply(&beside(name, aside), Kind::KeyPair, "given", contents);
        Ok(Some(draft.turn(self.circumstances.now)))
    }
}

fn beside(name: &str, aside: Aside) -> String {
    format!("{name}-{}", if aside == Aside::Next { "next" } else { "previous" })
}
