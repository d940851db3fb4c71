//! The documents of a configuration file: where each begins, of which kind and version it is, which count.
//!
//! In: the text of a file. Out: [`Documents`], at most one `InitConfiguration`, `ClusterConfiguration` and
//! `JoinConfiguration`. It looks at nothing in a document but `apiVersion` and `kind`.
//!
//! Source: kubeadm `SplitYAMLDocuments`, `validateSupportedVersion`, `documentMapToInitConfiguration`.

use std::collections::HashMap;

use super::chunk::split;
use super::foreign;
use super::problem::{Code, Place, Problems, quoted};
use super::schema::ApiVersion;
use super::template;
use super::unreadable;
use crate::error::nearest;
use crate::yaml::{self, Entry, Mark, Node, Scalar, Value};

/// The kinds that describe a node or a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Init,
    Cluster,
    Join,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Init, Self::Cluster, Self::Join];

    /// The text of the field `kind`.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Init => "InitConfiguration",
            Self::Cluster => "ClusterConfiguration",
            Self::Join => "JoinConfiguration",
        }
    }
}

/// One document that counts.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) kind: Kind,
    pub(super) version: ApiVersion,
    pub(super) version_mark: Mark,
    pub(super) root: Node,
}

/// The documents of a file that count.
#[derive(Clone, Debug, Default)]
pub(super) struct Documents {
    pub(super) init: Option<Document>,
    pub(super) cluster: Option<Document>,
    pub(super) join: Option<Document>,
}

const GROUP: &str = "kubeadm.k8s.io";
/// Kinds of kubeadm's group that say nothing about certificates on disk.
const PASSED_OVER: [&str; 2] = ["ResetConfiguration", "UpgradeConfiguration"];
/// Groups of component configurations, which kubeadm takes along.
const COMPONENT_GROUPS: [&str; 2] = ["kubelet.config.k8s.io", "kubeproxy.config.k8s.io"];
/// Versions that kubeadm has dropped, with the last release that can migrate each.
const DROPPED: [(&str, &str); 5] =
    [("v1alpha1", "1.11"), ("v1alpha2", "1.12"), ("v1alpha3", "1.14"), ("v1beta1", "1.21"), ("v1beta2", "1.26")];

/// Reads all documents of `text`. One that cannot be read is a problem and does not hide the others' problems.
pub(super) fn read(text: &str, problems: &mut Problems) -> Documents {
    let mut documents = Documents::default();
    let mut kinds: HashMap<String, usize> = HashMap::new();
    for chunk in split(text, problems) {
        if chunk.is_empty() {
            problems.add(
                Code::EmptyDocument,
                &Place::at(Mark { line: chunk.first_line, column: 1 }),
                "the document is empty or only comments, which kubeadm refuses",
                "remove the --- between the comment and the document that it belongs to",
            );
            continue;
        }
        let read =
            yaml::read(chunk.text, chunk.first_line).and_then(|read| match unreadable::stops(read.passed_over) {
                Some(error) => Err(error),
                None => Ok(read.root),
            });
        let mut root = match read {
            Ok(root) => root,
            Err(error) => {
                if template::report_in_text(chunk.text, chunk.first_line, error.mark, problems) {
                    continue;
                }
                if let Some(foreign) = foreign::of_text(chunk.text) {
                    foreign.report(&Place::at(Mark { line: chunk.first_line, column: 1 }), problems);
                    continue;
                }
                unreadable::report(error, problems);
                continue;
            }
        };
        let known = foreign::of_document(&root)
            .or_else(|| if root.as_mapping().is_some() { None } else { foreign::of_text(chunk.text) });
        if let Some(foreign) = known {
            foreign.report(&Place::at(root.mark), problems);
            continue;
        }
        template::report_in_values(&mut root, chunk.text, chunk.first_line, problems);
        if is_unusable(&root, "apiVersion") || is_unusable(&root, "kind") {
            continue;
        }
        let Some(meta) = type_meta(&root, problems) else {
            continue;
        };
        if let Some(line) = kinds.get(&meta.kind) {
            let message = format!("a second {}; the first begins on line {}", quoted(&meta.kind), problems.line(*line));
            problems.add(Code::KindTwice, &Place::at(meta.kind_mark), message, "keep one document of each kind");
            continue;
        }
        kinds.insert(meta.kind.clone(), root.mark.line);
        if let Some((kind, version)) = classify(&meta, problems) {
            let slot = match kind {
                Kind::Init => &mut documents.init,
                Kind::Cluster => &mut documents.cluster,
                Kind::Join => &mut documents.join,
            };
            *slot = Some(Document { kind, version, version_mark: meta.version_mark, root });
        }
    }
    if documents.init.is_none() && documents.cluster.is_none() && documents.join.is_none() && !problems.has_errors() {
        let mut found: Vec<_> = kinds.into_iter().map(|(kind, line)| (line, kind)).collect();
        found.sort_unstable();
        let found: Vec<_> = found.iter().map(|(_, kind)| quoted(kind)).collect();
        let message = if text.trim().is_empty() {
            "the file is empty".to_owned()
        } else if found.is_empty() {
            "the file has no InitConfiguration, ClusterConfiguration or JoinConfiguration".to_owned()
        } else {
            let found = found.join(", ");
            format!("the file has {found}, and no InitConfiguration, ClusterConfiguration or JoinConfiguration")
        };
        problems.add(
            Code::NoConfiguration,
            &Place::file(),
            message,
            "add a document with apiVersion: kubeadm.k8s.io/v1beta4 and kind: ClusterConfiguration",
        );
    }
    documents
}

/// Whether a field holds what was reported already.
fn is_unusable(root: &Node, name: &str) -> bool {
    root.get(name).is_some_and(|node| node.value == Value::Unusable)
}

struct TypeMeta {
    api_version: String,
    version_mark: Mark,
    kind: String,
    kind_mark: Mark,
}

/// `apiVersion` and `kind`, both of which kubeadm demands of every document.
fn type_meta(root: &Node, problems: &mut Problems) -> Option<TypeMeta> {
    let find = |name: &str| -> Option<&Entry> { root.as_mapping()?.entries.iter().find(|entry| entry.name == name) };
    let text = |name: &str| match find(name)?.node.as_scalar()? {
        Scalar::Text(text) if !text.is_empty() => Some(text.to_string()),
        _ => None,
    };
    let missing: Vec<_> = ["apiVersion", "kind"].into_iter().filter(|name| text(name).is_none()).collect();
    if !missing.is_empty() {
        problems.add(
            Code::NoTypeMeta,
            &Place::at(root.mark),
            format!("the document has no {}", missing.join(" and no ")),
            format!("begin it with apiVersion: {GROUP}/v1beta4 and kind: ClusterConfiguration (or another kind)"),
        );
        return None;
    }
    Some(TypeMeta {
        api_version: text("apiVersion")?,
        version_mark: find("apiVersion")?.node.mark,
        kind: text("kind")?,
        kind_mark: find("kind")?.node.mark,
    })
}

/// Which of our kinds a document is; `None` for a foreign one and for one that is a problem.
fn classify(meta: &TypeMeta, problems: &mut Problems) -> Option<(Kind, ApiVersion)> {
    let our_kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == meta.kind);
    let at_version = Place { mark: Some(meta.version_mark), field: "apiVersion".into() };
    let Some((group, version)) = meta.api_version.split_once('/') else {
        problems.add(
            Code::NoTypeMeta,
            &at_version,
            format!("{} is not a kubeadm configuration", quoted(&meta.api_version)),
            format!("write apiVersion: {GROUP}/v1beta4, or keep the document in a file of its own"),
        );
        return None;
    };
    if group != GROUP {
        if our_kind.is_some() {
            problems.add(
                Code::UnsupportedVersion,
                &at_version,
                format!("there is no kind {} in the group {}", meta.kind, quoted(group)),
                format!("write apiVersion: {GROUP}/v1beta4"),
            );
        } else if !COMPONENT_GROUPS.contains(&group) {
            problems.add(
                Code::IgnoredDocument,
                &Place::at(meta.kind_mark),
                format!("the document of kind {} is ignored", quoted(&meta.kind)),
                "remove it if it was meant for kubeadm",
            );
        }
        return None;
    }
    let Some(known) = ApiVersion::ALL.into_iter().find(|known| known.as_str() == version) else {
        let hint = match DROPPED.iter().find(|(dropped, _)| *dropped == version) {
            Some((_, release)) => format!("migrate the file: run `kubeadm config migrate` of kubeadm {release}"),
            None => format!("write {GROUP}/v1beta4 (kubeadm 1.31 and newer) or {GROUP}/v1beta3"),
        };
        let message = format!("the version {} is not supported", quoted(&meta.api_version));
        problems.add(Code::UnsupportedVersion, &at_version, message, hint);
        return None;
    };
    if our_kind.is_none() && !PASSED_OVER.contains(&meta.kind.as_str()) {
        let names = Kind::ALL.iter().map(|kind| kind.as_str()).chain(PASSED_OVER);
        let hint = match nearest(&meta.kind, names) {
            Some(name) => format!("did you mean {name}?"),
            None => "use InitConfiguration, ClusterConfiguration or JoinConfiguration".into(),
        };
        let place = Place { mark: Some(meta.kind_mark), field: "kind".into() };
        problems.strict(Code::UnknownKind, &place, format!("unknown kind {}", quoted(&meta.kind)), hint);
    }
    our_kind.map(|kind| (kind, known))
}
