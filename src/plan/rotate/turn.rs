//! What a step changes of one authority's files on this node.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::draft::{Draft, Turn};
use super::{Circumstances, Given, Material, Phase, RotateError, keys};
use crate::audit::rotation::{AuthorityRotation, Stage, certificates_aside, is_bridge, is_chain, other_kubeconfigs};
use crate::catalogue::{API_SERVER, Aside, CLUSTER_CA, KUBELET_SERVER, SERVICE_ACCOUNT};
use crate::inventory::{Inventory, Item};
use crate::key::PrivateKey;
use crate::plan::import::pem_of;
use crate::plan::{Artefact, Kind, Step, TrustBundle};
use crate::remedy::command;
use crate::secret::Secret;
use crate::x509::{Certificate, read_certificates};

/// Without files aside it was done by hand: the one that signs stays, with those above it.
fn staying(others_gone: &[Certificate]) -> Vec<Certificate> {
    if is_chain(others_gone) {
        return others_gone.to_vec();
    }
    others_gone.first().cloned().into_iter().collect()
}

/// Plans the step for all of `rotations`.
///
/// # Errors
/// [`RotateError`]; nothing is done then, of none of them.
pub fn turn(
    inventory: &Inventory<'_>,
    rotations: &[&AuthorityRotation],
    phase: Phase,
    material: &Material,
    circumstances: Circumstances,
) -> Result<Turn, RotateError> {
    let mut draft = Draft::new(inventory);
    for rotation in rotations.iter().filter(|one| one.stage != Stage::Absent) {
        let given = material.get(&rotation.name);
        let Some(item) = inventory.get(&rotation.name) else { continue };
        if rotation.name == SERVICE_ACCOUNT {
            draft.add(keys::turn(inventory, rotation, phase)?);
        } else if circumstances.is_worker {
            draft.add(Turning { inventory, item, rotation, phase, now: circumstances.now }.of_worker(given)?);
        } else {
            draft.add(Turning { inventory, item, rotation, phase, now: circumstances.now }.of_control_plane()?);
        }
    }
    Ok(draft.turn(circumstances.now))
}

/// Takes the file away that only the controller manager has signed with.
#[must_use]
pub fn without_signing_file(inventory: &Inventory<'_>, now: DateTime<Utc>) -> Turn {
    let mut draft = Draft::new(inventory);
    draft.remove("ca-signing", Kind::File, "nobody names it any more", &[inventory.layout.signing_certificate()]);
    draft.turn(now)
}

struct Turning<'a> {
    inventory: &'a Inventory<'a>,
    item: &'a Item<'a>,
    rotation: &'a AuthorityRotation,
    phase: Phase,
    now: DateTime<Utc>,
}

impl<'a> Turning<'a> {
    fn wrong_stage(&self) -> RotateError {
        let (stage, phase) = (self.rotation.stage.as_str(), self.phase.as_str());
        let authority = self.rotation.name.clone();
        RotateError::WrongStage { authority, stage, phase }
    }

    fn of_control_plane(&self) -> Result<Draft<'a>, RotateError> {
        let trusted = self.item.certificates();
        let name = self.item.name;
        let next = certificates_aside(self.inventory, name, Aside::Next);
        let previous = certificates_aside(self.inventory, name, Aside::Previous);
        let without = |others: &[Certificate]| -> Vec<_> {
            trusted.iter().filter(|one| !others.contains(one)).cloned().collect()
        };
        let mut draft = Draft::new(self.inventory);
        match (self.phase, self.rotation.stage) {
            (Phase::TrustBoth, Stage::Prepared | Stage::IssueOld) => {
                let old = without(&next);
                self.trust(&mut draft, &[old, next].concat());
            }
            // What is so already, and the newer state trusts both too: what others have undone is put right.
            (Phase::TrustBoth | Phase::IssueNew, Stage::IssueNew)
            | (Phase::IssueOld, Stage::IssueOld)
            | (Phase::TrustNew | Phase::TrustOld, Stage::Single)
            | (Phase::Reissue | Phase::Cluster, _) => self.trust(&mut draft, trusted),
            (Phase::IssueNew, Stage::IssueOld) => self.swap(&mut draft, Aside::Next, &next, &without(&next))?,
            (Phase::IssueOld, Stage::IssueNew) => {
                self.swap(&mut draft, Aside::Previous, &previous, &without(&previous))?;
            }
            (Phase::TrustNew, Stage::IssueNew) => {
                self.refuse_leaves_left()?;
                let stays = staying(&without(&previous));
                self.refuse_other_key(&stays)?;
                self.trust(&mut draft, &stays);
                self.take_bridge_away(&mut draft, &previous);
                self.forget(&mut draft, Aside::Previous);
            }
            (Phase::TrustOld, Stage::IssueOld | Stage::Prepared) => {
                self.refuse_leaves_left()?;
                let stays = staying(&without(&next));
                self.refuse_other_key(&stays)?;
                self.trust(&mut draft, &stays);
                self.forget(&mut draft, Aside::Next);
            }
            _ => return Err(self.wrong_stage()),
        }
        Ok(draft)
    }

    /// A worker has the certificates alone, and is told which.
    fn of_worker(&self, given: Option<&Given>) -> Result<Draft<'a>, RotateError> {
        let trusted = self.item.certificates();
        let mut draft = Draft::new(self.inventory);
        let wanted = match self.phase {
            Phase::Reissue if given.is_none() => return Ok(draft),
            Phase::TrustBoth | Phase::TrustNew | Phase::TrustOld | Phase::Reissue => {
                let given = given.ok_or_else(|| RotateError::NotHere {
                    authority: self.item.name.to_owned(),
                    reason: "a worker has to be given the CA certificates".to_owned(),
                    hint: "export them on a control-plane node, as `kubepki rotate export --to worker`, and give them: --material FILE"
                        .to_owned(),
                })?;
                given.read(self.item.name)?
            }
            _ => return Ok(draft),
        };
        if self.phase == Phase::TrustBoth {
            let more: Vec<_> = wanted.into_iter().filter(|one| !trusted.contains(one)).collect();
            self.trust(&mut draft, &[trusted.to_vec(), more].concat());
            return Ok(draft);
        }
        // What stays must have been trusted before: both ends agree on nothing otherwise.
        if let Some(unknown) = wanted.iter().find(|one| !trusted.contains(one)) {
            return Err(RotateError::OtherAuthority {
                authority: self.item.name.to_owned(),
                reason: format!("{} is not trusted here yet", unknown.subject()),
            });
        }
        let signed = |leaf: &Certificate| wanted.iter().any(|one| one.has_signed(leaf));
        let leaves = self.leaves().filter(|item| item.leaf().is_some_and(|leaf| !signed(leaf)));
        if self.phase != Phase::Reissue {
            self.refuse(leaves.map(|item| item.name.to_owned()).collect())?;
        }
        self.trust(&mut draft, &wanted);
        Ok(draft)
    }

    fn leaves(&self) -> impl Iterator<Item = &'a Item<'a>> {
        let (inventory, rotation) = (self.inventory, self.rotation);
        rotation.leaves.iter().filter_map(move |leaf| inventory.get(&leaf.name))
    }

    /// A CA whose key is not the one in use would stay, and sign nothing.
    fn refuse_other_key(&self, stays: &[Certificate]) -> Result<(), RotateError> {
        let key = self.item.pair().key.present();
        let is_its = |key: &PrivateKey| stays.first().is_some_and(|one| one.public_key_info() == key.public_key_info());
        if key.is_none_or(is_its) {
            return Ok(());
        }
        Err(RotateError::no_key(self.item.name, &self.inventory.layout.in_use(self.item.name)))
    }

    /// What the CA that goes has signed is worth nothing afterwards.
    fn refuse_leaves_left(&self) -> Result<(), RotateError> {
        self.refuse(self.rotation.outdated_leaves().map(|leaf| leaf.name.clone()).collect())
    }

    fn refuse(&self, leaves: Vec<String>) -> Result<(), RotateError> {
        if leaves.is_empty() {
            return Ok(());
        }
        let hint = if leaves == [KUBELET_SERVER] {
            "the kubelet asks the cluster for it: remove kubelet-server-current.pem, restart the kubelet, and approve its request: `kubepki kubelet approve`".to_owned()
        } else {
            format!("renew them: {}", command(["kubepki", "rotate", "step", "reissue"]))
        };
        Err(RotateError::LeavesLeft { authority: self.item.name.to_owned(), leaves, hint })
    }

    /// The CA's file, the kubeconfigs and the certificate that signs alone.
    fn trust(&self, draft: &mut Draft<'a>, wanted: &[Certificate]) {
        let (name, now) = (self.item.name, self.now);
        let there = self.item.certificates();
        let mut bundle = TrustBundle::of_file(name, &self.item.certificate, wanted, there, now);
        let mut files = vec![(self.item.certificate.clone(), 0o644)];
        if there == wanted {
            bundle.file = None;
            files.clear();
        }
        if name == CLUSTER_CA {
            let others = other_kubeconfigs(self.inventory, wanted);
            bundle.kubeconfigs = others.filter_map(|(item, _)| item.kubeconfig.clone()).collect();
            files.extend(bundle.kubeconfigs.iter().map(|path| (path.clone(), 0o600)));
            self.signing(draft, wanted);
        }
        if !files.is_empty() {
            let reason = if wanted.len() > there.len() { "trusts the new one too" } else { "trusts what signs" };
            let files: Vec<_> = files.iter().map(|(path, mode)| (path, *mode)).collect();
            draft.push(
                Artefact::new(name, Kind::CertificateAuthority, Step::TrustBundle(bundle), reason, Vec::new()),
                &files,
            );
        }
    }

    /// The controller manager takes one certificate, and no more; the file goes when nobody names it any more.
    fn signing(&self, draft: &mut Draft<'a>, wanted: &[Certificate]) {
        let path = self.inventory.layout.signing_certificate();
        let Some(first) = wanted.first().filter(|_| wanted.len() > 1 && !self.item.pair().is_external()) else {
            return;
        };
        let alone = std::slice::from_ref(first);
        let there = self.inventory.tree.content(&path).and_then(|pem| read_certificates(pem).ok()).unwrap_or_default();
        if there == alone {
            return;
        }
        let bundle = TrustBundle::of_file("ca-signing", &path, alone, &there, self.now);
        let artefact = Artefact::new(
            "ca-signing",
            Kind::File,
            Step::TrustBundle(bundle),
            "signs for the controller manager",
            Vec::new(),
        );
        draft.push(artefact, &[(&path, 0o644)]);
    }

    /// The one that comes signs, or the one that went signs again.
    fn swap(
        &self,
        draft: &mut Draft<'a>,
        from: Aside,
        comes: &[Certificate],
        goes: &[Certificate],
    ) -> Result<(), RotateError> {
        let (layout, tree, name) = (self.inventory.layout, self.inventory.tree, self.item.name);
        let to = if from == Aside::Next { Aside::Previous } else { Aside::Next };
        let (in_use, source, target) = (layout.in_use(name), layout.aside(name, from), layout.aside(name, to));
        let key_of = |path: &Path| tree.content(path).map(|text| Secret::new(text.to_vec()));
        let order = [comes, goes].concat();
        let pem = |all: &[Certificate]| Secret::new(pem_of(all).into_bytes());
        let (new_key, old_key) = (key_of(&source.key), key_of(&in_use.key));
        if (new_key.is_some() || old_key.is_some()) && !self.rotation.has_other_key {
            return Err(RotateError::no_key(name, &source));
        }
        let kind = Kind::CertificateAuthority;
        let aside = old_key.into_iter().map(|key| (&target.key, 0o600, key));
        draft.supply(
            &format!("{name}-other"),
            kind,
            "does not sign any more",
            aside.chain([(&target.public, 0o644, pem(goes))]),
        );
        let own = new_key.into_iter().map(|key| (&in_use.key, 0o600, key));
        draft.supply(name, kind, "signs from now on", own.chain([(&in_use.public, 0o644, pem(&order))]));
        if name == CLUSTER_CA {
            self.signing(draft, &order);
        }
        draft.remove(&format!("{name}-aside"), kind, "is in use now", &source.paths());
        Ok(())
    }

    /// Nobody trusts the old CA any more, so nobody needs what it has said of the new one.
    fn take_bridge_away(&self, draft: &mut Draft<'a>, previous: &[Certificate]) {
        let (Some(item), Some(new)) = (self.inventory.get(API_SERVER), self.item.leaf()) else { return };
        if self.item.name != CLUSTER_CA {
            return;
        }
        let all = item.certificates();
        let rest: Vec<_> = all.iter().filter(|one| !is_bridge(one, new, previous)).cloned().collect();
        if !rest.is_empty() && rest.len() < all.len() {
            let pem = Secret::new(pem_of(&rest).into_bytes());
            draft.supply(API_SERVER, Kind::Certificate, "comes alone again", [(&item.certificate, 0o644, pem)]);
        }
    }

    fn forget(&self, draft: &mut Draft<'a>, aside: Aside) {
        let files = self.inventory.layout.aside(self.item.name, aside).paths();
        draft.remove(
            &format!("{}-other", self.item.name),
            Kind::CertificateAuthority,
            "is not trusted any more",
            &files,
        );
    }
}
