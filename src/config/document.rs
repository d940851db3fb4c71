//! The documents of a configuration file: where each begins, of which kind and version it is, which count.
//!
//! In: the text of a file. Out: [`Documents`], at most one `InitConfiguration`, `ClusterConfiguration` and
//! `JoinConfiguration`. It looks at nothing in a document but `apiVersion` and `kind`.
//!
//! Source: kubeadm `SplitYAMLDocuments`, `validateSupportedVersion`, `documentMapToInitConfiguration`.

use std::collections::HashMap;

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
        if chunk.text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
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
        let known = foreign::of_document(problems.file(), chunk.text, &root)
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
            let message = format!("a second {}; the first begins on line {line}", quoted(&meta.kind));
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

/// A piece of the file between two separators.
struct Chunk<'a> {
    text: &'a str,
    first_line: usize,
}

/// Cuts at lines that begin with `---`; empty pieces are left out.
fn split<'a>(text: &'a str, problems: &mut Problems) -> Vec<Chunk<'a>> {
    let mut chunks = Vec::new();
    let mut start = 0_usize;
    let mut first_line = 1_usize;
    let mut offset = 0_usize;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let number = index.saturating_add(1);
        let end = offset.saturating_add(line.len());
        if let Some(rest) = line.strip_prefix("---") {
            let rest = rest.trim();
            if !rest.is_empty() && !rest.starts_with('#') {
                problems.add(
                    Code::Syntax,
                    &Place::at(Mark { line: number, column: 1 }),
                    "a document separator has more text on its line",
                    "put --- on a line of its own",
                );
            }
            chunks.push(Chunk { text: text.get(start..offset).unwrap_or_default(), first_line });
            start = end;
            first_line = number.saturating_add(1);
        }
        offset = end;
    }
    chunks.push(Chunk { text: text.get(start..).unwrap_or_default(), first_line });
    chunks.retain(|chunk| !chunk.text.is_empty());
    chunks
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

#[cfg(test)]
mod tests {
    use super::*;

    fn split_lines(text: &str) -> Vec<(usize, &str)> {
        let mut problems = Problems::new("k", false);
        let chunks = split(text, &mut problems).into_iter().map(|chunk| (chunk.first_line, chunk.text)).collect();
        assert!(!problems.has_errors());
        chunks
    }

    #[test]
    fn a_file_is_cut_at_separators() {
        assert_eq!(split_lines("a\n---\nb\n"), [(1, "a\n"), (3, "b\n")]);
        assert_eq!(split_lines("---\n---\na\n---\n---  # x\r\nb\n---\n"), [(3, "a\n"), (6, "b\n")]);
        assert_eq!(split_lines("a\n ---\nb"), [(1, "a\n ---\nb")]);
        assert_eq!(split_lines("\n---\na"), [(1, "\n"), (3, "a")]);
        assert_eq!(split_lines(""), []);
    }

    #[test]
    fn text_beside_a_separator_is_an_error() {
        let mut problems = Problems::new("k", false);
        assert_eq!(split("a: 1\n--- b: 2\n", &mut problems).len(), 1);
        let error = problems.finish().unwrap_err().to_string();
        assert!(error.starts_with("k:2:1: a document separator"), "{error}");
    }
}
