//! What a file is that is given as a configuration and is none: a dumped `ConfigMap`, a kubeconfig, a key, an archive.
//!
//! In: the bytes of a file, its text, or one of its documents. Out: [`Foreign`]: what it is, and what leads on. It
//! recognises files by their beginnings and their fields, and reads nothing out of them.
//!
//! Source: kubeadm `uploadconfig` (the `ConfigMap` kubeadm-config); magic(5) for the beginnings.

use super::config_map::{self, ENTRY};
use super::convert::{file, into};
use super::problem::{Code, Place, Problems, quoted};
use crate::key::format::{Format, Wanted};
use crate::yaml::{Node, Scalar};

/// A file or document that is no configuration.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Foreign {
    code: Code,
    message: String,
    hint: String,
}

impl Foreign {
    pub(super) fn report(self, place: &Place, problems: &mut Problems) {
        problems.add(self.code, place, self.message, self.hint);
    }
}

/// Beginnings of archives and programs.
const BINARY: [(&[u8], &str); 7] = [
    (b"\xfd7zXZ", "compressed by xz"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd"),
    (b"BZh", "compressed by bzip2"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3", "a database"),
    (b"\x00asm", "a program"),
];
const GIVE: &str = "give the file that kubeadm reads (apiVersion: kubeadm.k8s.io/v1beta4, kind: ClusterConfiguration)";
const OF_CLUSTER: &str = "kubectl --namespace kube-system get configmap kubeadm-config --output \
                          jsonpath='{.data.ClusterConfiguration}'";

/// What leads on where the configuration of a cluster is wanted.
fn printed() -> String {
    format!("the configuration of a cluster is printed by `{OF_CLUSTER}`")
}

fn other(what: &str, hint: impl Into<String>) -> Foreign {
    let message = format!("this is {what}, not a kubeadm configuration");
    Foreign { code: Code::OtherFile, message, hint: hint.into() }
}

/// Where a file in another encoding of text is UTF-16, the name of that encoding.
pub(super) fn utf16(bytes: &[u8]) -> Option<&'static str> {
    let zeros = |skip: usize| bytes.len() > 3 && bytes.iter().skip(skip).step_by(2).take(32).all(|byte| *byte == 0);
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        _ if zeros(0) && zeros(1) => None,
        _ if zeros(1) => Some("UTF-16LE"),
        _ if zeros(0) => Some("UTF-16BE"),
        _ => None,
    }
}

/// What the bytes are as a whole, text or not.
pub(super) fn of_bytes(name: &str, bytes: &[u8]) -> Option<Foreign> {
    if bytes.starts_with(b"\x1f\x8b") {
        let unpack = into(&["zcat", file(name)], name, "yaml");
        return Some(other("compressed by gzip", format!("unpack it, and give what is in it: {unpack}")));
    }
    if let Some((_, what)) = BINARY.iter().find(|(begin, _)| bytes.starts_with(begin)) {
        let hint = if what.starts_with("compressed") { "unpack it first, and give the result" } else { GIVE };
        return Some(other(what, hint));
    }
    let is_pem = first_line(bytes).is_some_and(|line| line.starts_with(b"-----BEGIN "));
    let is_text = std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0'));
    if is_text && !is_pem {
        return None;
    }
    // A request is wanted, so that certificates and keys are named.
    let what = match Format::of(bytes, Wanted::Request) {
        Some(Format::Utf16) | None if !is_pem => return None,
        Some(format) => {
            let text = format.description();
            text.split(", not ").next().and_then(|text| text.split(", which ").next()).unwrap_or(text)
        }
        None => "PEM (a certificate, request or key)",
    };
    let hint =
        "certificates and keys are found below --certificates-dir and are not named; give the kubeadm configuration";
    Some(other(what, hint))
}

/// The first line that is neither empty nor a comment.
fn first_line(bytes: &[u8]) -> Option<&[u8]> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).find(|line| !line.is_empty() && !line.starts_with(b"#"))
}

/// What a text is that is no YAML, or no mapping.
pub(super) fn of_text(text: &str) -> Option<Foreign> {
    if text.starts_with("#!") {
        return Some(other("a script", GIVE));
    }
    let first = std::str::from_utf8(first_line(text.as_bytes())?).ok()?;
    let lower = first.to_ascii_lowercase();
    if lower.starts_with("<!doctype") || lower.starts_with("<html") || lower.starts_with("<?xml") {
        return Some(other("an HTML or XML page, perhaps an error message of a download", GIVE));
    }
    let section = first.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_section = |name: &str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':' | '.' | ' ' | '"');
        !name.is_empty() && name.chars().all(is_part) && !name.contains(": ")
    };
    if section.is_some_and(is_section) {
        return Some(other("an INI file, perhaps an Ansible inventory", GIVE));
    }
    let is_assignment = |line: &str| {
        let name = line.strip_prefix("export ").unwrap_or(line).split_once('=').map(|(name, _)| name);
        name.is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
    };
    is_assignment(first).then(|| other("a list of variables (NAME=value)", GIVE))
}

/// What a document is by its fields; `None` for what is kubeadm's and for what is not known.
pub(super) fn of_document(root: &Node) -> Option<Foreign> {
    if let Some(items) = root.as_sequence() {
        let is_play = |item: &Node| item.get("hosts").is_some() || item.get("import_playbook").is_some();
        return items.first().filter(|item| is_play(item)).map(|_| other("an Ansible playbook", GIVE));
    }
    let mapping = root.as_mapping()?;
    let api_version = text_of(root, "apiVersion");
    let Some(kind) = text_of(root, "kind").filter(|_| api_version.is_some()) else {
        let entry = root.get(ENTRY).or_else(|| root.get("data")?.get(ENTRY));
        if let Some(data) = config_map("the data of a ConfigMap", entry) {
            return Some(data);
        }
        return of_fields(&mapping.iter().map(|(name, _)| name).collect::<Vec<_>>(), root);
    };
    if api_version != Some("v1") {
        return None;
    }
    let article = if kind.starts_with(['A', 'E', 'I', 'O']) { "an" } else { "a" };
    match kind {
        "ConfigMap" => config_map("a ConfigMap", root.get("data").and_then(|data| data.get(ENTRY))).or_else(|| {
            let which = root.get("metadata").and_then(|metadata| text_of(metadata, "name")).unwrap_or_default();
            let what = format!("the ConfigMap {}, without {ENTRY}", quoted(which));
            Some(other(&what, printed()))
        }),
        _ if kind == "List" || kind.ends_with("List") => config_maps(root).or_else(|| {
            let what = format!("{article} {kind} of Kubernetes, as kubectl prints it");
            Some(other(&what, printed()))
        }),
        "Config" => {
            let hint = format!("kubeconfigs are found below --kubeconfig-dir; {}", printed());
            Some(other("a kubeconfig", hint))
        }
        "InitConfiguration" | "ClusterConfiguration" | "JoinConfiguration" => None,
        _ => {
            let what = format!("{article} {} of Kubernetes", cut(kind));
            let hint = format!("keep it in a file of its own; {}", printed());
            Some(other(&what, hint))
        }
    }
}

/// A kind as it is written, if it looks like one.
fn cut(kind: &str) -> String {
    if kind.len() < 60 && kind.chars().all(|c| c.is_ascii_alphanumeric()) { kind.to_owned() } else { quoted(kind) }
}

/// A mapping without kind, by the names of its fields.
fn of_fields(names: &[&str], root: &Node) -> Option<Foreign> {
    const POLICY: [&str; 4] = ["maxValidity", "minimumRsaBits", "ignoreOtherExtensions", "certificates"];
    if names.is_empty() {
        return None;
    }
    if names.iter().all(|name| POLICY.contains(name)) {
        return Some(other(
            "a policy of kubepki",
            "give it to certs sign as --policy, and here the kubeadm configuration",
        ));
    }
    let is_group = |group: &Node| ["hosts", "children"].iter().any(|name| group.get(name).is_some());
    if names.iter().all(|name| root.get(name).is_some_and(is_group)) {
        return Some(other("an Ansible inventory", GIVE));
    }
    let is_variable = |name: &&str| name.starts_with("ansible_") || name.starts_with("kubepki_");
    names.iter().any(is_variable).then(|| other("a file of Ansible variables", GIVE))
}

/// An object of Kubernetes, or the data of one, that holds a configuration which is not read.
fn config_map(what: &str, entry: Option<&Node>) -> Option<Foreign> {
    let hint = match entry?.as_scalar() {
        Some(Scalar::Text(_)) => {
            format!("give it in a file of its own, or put the text in it in its place; {}", printed())
        }
        _ => format!(
            "{ENTRY} has to be a text (`{ENTRY}: |`): write it so, or give what is below it alone; {}",
            printed()
        ),
    };
    let message = format!("this is {what} with the configuration inside, not the configuration itself");
    Some(Foreign { code: Code::ConfigMap, message, hint })
}

/// Several objects that hold a configuration, in a list.
fn config_maps(list: &Node) -> Option<Foreign> {
    let holders = config_map::holders(list);
    if let [(_, one)] = &holders[..] {
        return config_map("a list that holds a ConfigMap", one.get("data")?.get(ENTRY));
    }
    let name = |(at, item): &(usize, &Node)| match config_map::namespace_and_name(item) {
        (Some(namespace), Some(name)) => quoted(&format!("{namespace}/{name}")),
        (_, Some(name)) => quoted(name),
        _ => format!("items[{at}]"),
    };
    let names: Vec<_> = holders.iter().map(name).collect();
    let message =
        format!("this is a list with {} objects that hold a configuration: {}", names.len(), names.join(", "));
    let hint = format!("give the one that is meant in a file of its own; {}", printed());
    (!names.is_empty()).then_some(Foreign { code: Code::ConfigMap, message, hint })
}

fn text_of<'n>(node: &'n Node, name: &str) -> Option<&'n str> {
    node.get(name)?.letters().filter(|text| !text.is_empty())
}
