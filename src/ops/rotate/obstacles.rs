//! What a rotation cannot begin with on a node, and nobody but its administrator can change.
//!
//! In: a node. Out: [`Obstacle`]s: two authorities in one file, a controller manager that signs with a file of several certificates.
//! Source: kubernetes `pkg/controller/certificates/authority` and `signer`: a file with several certificates is refused, and signs nothing.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{CONTROLLER_MANAGER, Place};
use crate::audit::rotation::{AuthorityRotation, SIGNING_FLAG, Stage, told_to_sign_with};
use crate::audit::signers::{BUILT_IN, flag};
use crate::catalogue::{CLUSTER_CA, rotated_names};
use crate::component::StaticPod;
use crate::error::faults;
use crate::remedy::command;
use crate::text::printable;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Obstacle {
    /// A link makes the file of one authority that of another: whoever writes the one writes the other.
    OneFile {
        /// kubeadm's names.
        authorities: [String; 2],
        /// The file of each.
        files: [PathBuf; 2],
        /// The folder that is the link, where the file itself is none.
        #[serde(default)]
        folder: Option<PathBuf>,
    },
    /// A signer of the controller manager's has the file that will hold two CAs.
    Signer {
        /// Its flag.
        flag: String,
        /// The file, as it is named.
        file: PathBuf,
        /// The manifest.
        manifest: PathBuf,
    },
    /// The controller manager does not see the folder with the certificate that it is to sign with meanwhile.
    Unseen {
        /// The certificate.
        file: PathBuf,
        /// What the flag names.
        named: PathBuf,
        /// The manifest.
        manifest: PathBuf,
    },
}

faults! {
    /// Why a rotation is not begun.
    pub enum ObstacleError {
        /// Links make the files of two authorities one file: what is written for the one would replace the other.
        #[error("{node}{authorities} are one file: {from} leads to {to}")]
        #[fault("rotate.one_file", Refused, format!("separate them on that node first: {separate}"))]
        OneFile {
            /// The node, and a colon; nothing for this one.
            node: String,
            /// Both authorities.
            authorities: String,
            /// The file of the second one.
            from: String,
            /// That of the first.
            to: String,
            /// What separates them.
            separate: String,
        },
        /// The controller manager would sign nothing while two CAs are trusted: a flag of its names the file that holds both then, or it
        /// does not see the one with the single certificate.
        #[error("{node}{reason}")]
        #[fault("rotate.signs_with_bundle", Refused, hint.clone(), context = crate::error::evidence!(reason))]
        SignsWithBundle {
            /// The node, and a colon; nothing for this one.
            node: String,
            /// What names what.
            reason: String,
            /// What to do.
            hint: String,
        },
    }
}

impl Obstacle {
    /// Whether it stands against one of these.
    #[must_use]
    pub fn concerns(&self, name: &str) -> bool {
        match self {
            Self::OneFile { authorities, .. } => authorities.iter().any(|one| one == name),
            Self::Signer { .. } | Self::Unseen { .. } => name == CLUSTER_CA,
        }
    }

    /// As an error, of a node.
    #[must_use]
    pub fn error(&self, node: Option<&str>) -> ObstacleError {
        let node = node.map(|node| format!("{}: ", printable(node))).unwrap_or_default();
        let shown = |path: &Path| printable(&path.display().to_string()).into_owned();
        match self {
            Self::OneFile { authorities: [first, second], files: [to, from], folder } => ObstacleError::OneFile {
                node,
                authorities: format!("{} and {}", printable(first), printable(second)),
                from: shown(from),
                to: shown(to),
                separate: folder.as_deref().map_or_else(
                    || {
                        let copy = ["cp".as_ref(), "--remove-destination".as_ref(), to.as_os_str(), from.as_os_str()];
                        format!("put a copy in the place of the link, {}", command(copy))
                    },
                    |folder| {
                        format!(
                            "put a folder with copies of the files in the place of {}, which is a link",
                            shown(folder)
                        )
                    },
                ),
            },
            Self::Signer { flag, file, manifest } => ObstacleError::SignsWithBundle {
                node,
                reason: format!(
                    "{CONTROLLER_MANAGER} --{} names {}, which will hold two certificates: it would sign nothing",
                    printable(flag),
                    shown(file)
                ),
                hint: format!(
                    "in {}, put --{SIGNING_FLAG} and --cluster-signing-key-file in the place of the flags of single signers; or have this one, and its key's, name another CA",
                    shown(manifest)
                ),
            },
            Self::Unseen { file, named, manifest } => ObstacleError::SignsWithBundle {
                node,
                reason: format!(
                    "{CONTROLLER_MANAGER} --{SIGNING_FLAG} names {}, and the pod does not see {}, which it is to sign with",
                    shown(named),
                    shown(file)
                ),
                hint: format!("have it name kubeadm's own file, in a folder that the pod mounts: {}", shown(manifest)),
            },
        }
    }
}

/// All of a node.
pub(super) fn find(place: &Place) -> Vec<Obstacle> {
    let mut all = one_files(place);
    let Some(pod) = place.controller_manager() else { return all };
    let (store, ca) = (&place.node.store, place.node.layout.in_use(CLUSTER_CA).public);
    let manifest = &place.manifest;
    for (_, signer) in BUILT_IN {
        let flag = flag(signer, "cert");
        if let Some(file) = pod.file(&flag).filter(|file| store.are_one(file, &ca)) {
            all.push(Obstacle::Signer { flag, file, manifest: manifest.clone() });
        }
    }
    let file = place.node.layout.signing_certificate();
    if told_to_sign_with(&place.node.layout, Some(&pod)).is_some() && named_inside(place, &pod, &file).is_none() {
        let named = pod.flag(SIGNING_FLAG).unwrap_or_default().into();
        all.push(Obstacle::Unseen { file, named, manifest: manifest.clone() });
    }
    all
}

/// Refuses to begin here.
pub(super) fn refuse(place: &Place, rotations: &[AuthorityRotation]) -> Result<(), ObstacleError> {
    let begins =
        |obstacle: &&Obstacle| rotations.iter().any(|one| one.stage == Stage::Single && obstacle.concerns(&one.name));
    find(place).iter().find(begins).map_or(Ok(()), |obstacle| Err(obstacle.error(None)))
}

fn one_files(place: &Place) -> Vec<Obstacle> {
    let (layout, names) = (&place.node.layout, rotated_names());
    let pairs =
        names.iter().enumerate().flat_map(|(at, first)| names.iter().skip(at + 1).map(move |other| (first, other)));
    let mut all = Vec::new();
    for (first, second) in pairs {
        let (one, other) = (layout.in_use(first), layout.in_use(second));
        for mut files in [[one.public, other.public], [one.key, other.key]] {
            if !place.tree.is_there(&files[0]) || !place.node.store.are_one(&files[0], &files[1]) {
                continue;
            }
            let mut authorities = [first, second].map(|name| (*name).to_owned());
            // The link comes last, also where it is the first one's.
            if place.node.store.behind(&files[1]).is_none() && place.node.store.behind(&files[0]).is_some() {
                files.reverse();
                authorities.reverse();
            }
            let folder =
                files[1].parent().filter(|_| place.node.store.behind(&files[1]).is_none()).map(Path::to_path_buf);
            all.push(Obstacle::OneFile { authorities, files, folder });
        }
    }
    all
}

/// How the controller manager names a file beside the one that it signs with: as it names that one, where that leads to it, or by the
/// file's own path. None where it sees neither.
pub(super) fn named_inside(place: &Place, pod: &StaticPod, file: &Path) -> Option<String> {
    let beside = Path::new(pod.flag(SIGNING_FLAG)?).with_file_name(file.file_name()?);
    let leads_there = |inside: &Path| {
        let (folder, own) = (pod.on_host(inside.parent()?), file.parent()?);
        place.node.store.are_one(&folder, own).then_some(())
    };
    let is_seen = |inside: &Path| pod.is_of_a_volume(inside) && leads_there(inside).is_some();
    [beside.as_path(), file].into_iter().find(|inside| is_seen(inside)).map(|inside| inside.display().to_string())
}
