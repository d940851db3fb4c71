//! Documents that are to say something else: one flag of a static pod's manifest, one argument in kubeadm's configuration.
//!
//! In: a document's text, and what it is to say. Out: a [`Setting`]: the text as it is to be, every other byte kept; or a
//! [`SettingError`]. What was made is read again and held to what was wanted. It reads nothing.
//!
//! Source: kubeadm v1beta3 and v1beta4 (`extraArgs`), `app/util/arguments.go` (flags are sorted).

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::component::{BadManifest, StaticPod};
use crate::error::faults;
use crate::yaml::{self, EditError, Mapping, Node, Step};

/// One document, and what it is to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Where it is: a file, or an object of the cluster.
    pub place: String,
    /// What it is to say, as `serverTLSBootstrap: true`.
    pub says: String,
    /// The text as it is.
    pub before: String,
    /// The text as it is to be.
    pub after: String,
}

impl Setting {
    /// Whether it says so already.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.before == self.after
    }
}

faults! {
    /// Why a document is not changed.
    pub enum SettingError {
        /// A file or an object of the cluster cannot be changed in its one place: it cannot be read, is another kind of
        /// document, or is written in a way in which nothing can be changed alone. Change it by hand.
        #[error("{place}: {reason}")]
        #[fault("setting.unfit", Finding, format!("nothing was changed; fix it, or write it by hand: {says}"))]
        Unfit {
            /// Where.
            place: String,
            /// What is wrong.
            reason: String,
            /// What it is to say.
            says: String,
        },
    }
}

/// A text that is edited, and what it is to say.
pub(super) struct Document<'t> {
    place: &'t str,
    says: String,
    text: &'t str,
}

impl<'t> Document<'t> {
    pub(super) const fn new(place: &'t str, text: &'t str, says: String) -> Self {
        Self { place, says, text }
    }

    pub(super) fn unfit(&self, reason: impl Into<String>) -> SettingError {
        SettingError::Unfit { place: self.place.to_owned(), reason: reason.into(), says: self.says.clone() }
    }

    pub(super) fn read(&self) -> Result<Mapping, SettingError> {
        yaml::parse(self.text.strip_prefix('\u{feff}').unwrap_or(self.text))
            .map_err(|error| self.unfit(EditError::Unread(error).to_string()))
    }

    /// Refuses a document of another kind; the version of its API is returned.
    pub(super) fn version_of(&self, root: &Mapping, group: &str, kind: &str) -> Result<String, SettingError> {
        let version = root.letters("apiVersion").and_then(|text| text.strip_prefix(group)?.strip_prefix('/'));
        match version {
            Some(version) if root.letters("kind") == Some(kind) => Ok(version.to_owned()),
            _ => Err(self.unfit(format!("it is not a {kind} of {group}"))),
        }
    }

    pub(super) fn kept(&self) -> Setting {
        self.becomes(self.text)
    }

    pub(super) fn becomes(&self, after: &str) -> Setting {
        let (place, says) = (self.place.to_owned(), self.says.clone());
        Setting { place, says, before: self.text.to_owned(), after: after.to_owned() }
    }

    pub(super) fn with(&self, path: &[Step<'_>], value: &Node) -> Result<Setting, SettingError> {
        let after = yaml::set(self.text, path, value).map_err(|error| self.unfit(error.to_string()))?;
        Ok(self.becomes(&after))
    }

    /// Without all of these values; they are given in their order.
    fn without(&self, paths: &[Vec<Step<'_>>]) -> Result<Setting, SettingError> {
        let mut after = self.text.to_owned();
        for path in paths.iter().rev() {
            let made = yaml::remove(&after, path).map_err(|error| self.unfit(error.to_string()))?;
            after.clone_from(&made);
        }
        Ok(self.becomes(&after))
    }

    fn pod(&self, text: &str) -> Result<StaticPod, SettingError> {
        StaticPod::parse(text.as_bytes()).map_err(|BadManifest(reason)| self.unfit(reason))
    }
}

/// A word of a manifest's first container.
#[derive(Clone, Copy)]
struct Word<'w> {
    list: &'static str,
    index: usize,
    text: &'w str,
}

impl Word<'_> {
    const fn path(&self) -> [Step<'static>; 5] {
        [Step::Key("spec"), Step::Key("containers"), Step::Item(0), Step::Key(self.list), Step::Item(self.index)]
    }

    fn is_flag(&self) -> bool {
        self.text.starts_with("--")
    }
}

/// The manifest of `program` with `--flag=value`, in kubeadm's order where it is new; without the flag where there is no value.
///
/// # Errors
/// [`SettingError::Unfit`].
pub fn manifest_flag(
    place: &str,
    text: &str,
    program: &str,
    flag: &str,
    value: Option<&str>,
) -> Result<Setting, SettingError> {
    let says = value.map_or_else(|| format!("no --{flag}"), |value| format!("--{flag}={value}"));
    let document = Document::new(place, text, says);
    document.pod(text)?;
    let root = document.read()?;
    let words = words(&root);
    let called = words.first().filter(|word| word.list == "command");
    if called.is_some_and(|word| Path::new(word.text).file_name() != Some(program.as_ref())) {
        return Err(document.unfit(format!("its first word is not {program}")));
    }
    let found = occurrences(&words, flag);
    let setting = match value {
        None => {
            let gone: Vec<_> = found.iter().flat_map(|(name, value)| [Some(*name), *value]).flatten().collect();
            document.without(&gone.iter().map(|word| word.path().to_vec()).collect::<Vec<_>>())?
        }
        Some(value) => match found.last() {
            Some((_, Some(word))) => document.with(&word.path(), &Node::text(value))?,
            Some((word, None)) => document.with(&word.path(), &Node::text(format!("--{flag}={value}")))?,
            None => with_new(&document, &words, &format!("--{flag}={value}"))?,
        },
    };
    if document.pod(&setting.after)?.flag(flag) != value {
        return Err(document.unfit("its flags are not where they are expected"));
    }
    Ok(setting)
}

/// The manifest of `program` with `--flag=file`, a file that its container has under the same path as the node.
///
/// # Errors
/// [`SettingError::Unfit`]: the container has no such file, or has another one there.
pub fn manifest_file(place: &str, text: &str, program: &str, flag: &str, file: &Path) -> Result<Setting, SettingError> {
    let document = Document::new(place, text, format!("--{flag}={}", file.display()));
    if !document.pod(text)?.is_of_a_volume(file) {
        return Err(document.unfit(format!("it does not mount {}", file.display())));
    }
    let setting = manifest_flag(place, text, program, flag, Some(&file.to_string_lossy()))?;
    if document.pod(&setting.after)?.file(flag).as_deref() != Some(file) {
        return Err(document.unfit("its flags are not where they are expected"));
    }
    Ok(setting)
}

fn words(root: &Mapping) -> Vec<Word<'_>> {
    let container = root.get("spec").and_then(|spec| spec.get("containers")?.as_sequence()?.first());
    let of = |list: &'static str| {
        let items = container.and_then(|container| container.get(list)?.as_sequence()).unwrap_or_default();
        items.iter().enumerate().map(move |(index, item)| Word {
            list,
            index,
            text: item.letters().unwrap_or_default(),
        })
    };
    of("command").chain(of("args")).collect()
}

/// Where the flag stands, and its value where that is a word of its own; as [`crate::component::flags`] reads them.
fn occurrences<'w>(words: &[Word<'w>], flag: &str) -> Vec<(Word<'w>, Option<Word<'w>>)> {
    let mut rest = words.iter().copied().peekable();
    let mut found = Vec::new();
    while let Some(word) = rest.next() {
        let Some(said) = word.text.strip_prefix("--") else { continue };
        let (name, value) = match said.split_once('=') {
            Some((name, _)) => (name, None),
            None => (said, rest.next_if(|next| !next.text.starts_with('-'))),
        };
        if name == flag {
            found.push((word, value));
        }
    }
    found
}

/// With a new word, before the first flag that is behind it in the order of letters.
fn with_new(document: &Document<'_>, words: &[Word<'_>], new: &str) -> Result<Setting, SettingError> {
    let has_flags = |list: &str| words.iter().any(|word| word.list == list && word.is_flag());
    let Some(list) = ["command", "args"].into_iter().find(|list| has_flags(list)) else {
        return Err(document.unfit("its container has no flags"));
    };
    let of_list = || words.iter().filter(|word| word.list == list);
    let before = of_list().find(|word| word.is_flag() && word.text > new);
    let place = Word { list, index: before.map_or_else(|| of_list().count(), |word| word.index), text: new };
    let made = yaml::insert(document.text, &place.path(), &Node::text(new));
    Ok(document.becomes(&made.map_err(|error| document.unfit(error.to_string()))?))
}

/// kubeadm's configuration of the cluster, with an argument for the components of `section` (as `apiServer`) that it sets up from
/// now on; without it where there is no value.
///
/// # Errors
/// [`SettingError::Unfit`].
pub fn extra_arg(
    place: &str,
    text: &str,
    section: &str,
    flag: &str,
    value: Option<&str>,
) -> Result<Setting, SettingError> {
    let says = match value {
        Some(value) => format!("{section}.extraArgs: {flag}: {value}"),
        None => format!("{section}.extraArgs: no {flag}"),
    };
    let document = Document::new(place, text, says);
    let root = document.read()?;
    let version = document.version_of(&root, "kubeadm.k8s.io", "ClusterConfiguration")?;
    let given = root.get(section).and_then(|section| section.get("extraArgs"));
    let way = [Step::Key(section), Step::Key("extraArgs")];
    let below = |steps: &[Step<'static>]| [&way[..], steps].concat();
    let mut found = Vec::new();
    let (count, new) = match version.as_str() {
        "v1beta3" => {
            let arguments = given.and_then(Node::as_mapping);
            if arguments.is_some_and(|arguments| arguments.get(flag).is_some()) {
                found.push([&way[..], &[Step::Key(flag)]].concat());
            }
            (arguments.map_or(0, |arguments| arguments.iter().len()), [&way[..], &[Step::Key(flag)]].concat())
        }
        "v1beta4" => {
            let items = given.and_then(Node::as_sequence).unwrap_or_default();
            let is_it = |item: &Node| item.get("name").and_then(Node::letters) == Some(flag);
            let named = items.iter().enumerate().filter(|(_, item)| is_it(item));
            found.extend(named.map(|(index, _)| below(&[Step::Item(index)])));
            (items.len(), below(&[Step::Item(items.len())]))
        }
        other => return Err(document.unfit(format!("its version is {other}, not v1beta3 or v1beta4"))),
    };
    let is_list = version == "v1beta4";
    match (value, found.last()) {
        (None, None) => Ok(document.kept()),
        // As kubeadm writes a component without arguments.
        (None, Some(_)) if found.len() == count => document.without(&[way.to_vec()]),
        (None, Some(_)) => document.without(&found),
        // Of several the component takes the last.
        (Some(value), Some(item)) if is_list => {
            document.with(&[&item[..], &[Step::Key("value")]].concat(), &Node::text(value))
        }
        (Some(value), None) if is_list => {
            let item = Mapping::from([("name", Node::text(flag)), ("value", Node::text(value))]);
            document.with(&new, &item.into())
        }
        (Some(value), _) => document.with(&new, &Node::text(value)),
    }
}

/// What an argument says, in either form; none where it is not given, or nothing can be read.
#[must_use]
pub fn extra_arg_of(text: &str, section: &str, flag: &str) -> Option<String> {
    let root = yaml::parse(text.strip_prefix('\u{feff}').unwrap_or(text)).ok()?;
    let arguments = root.get(section)?.get("extraArgs")?;
    let of_list = |items: &[Node]| {
        let named = items.iter().rfind(|item| item.get("name").and_then(Node::letters) == Some(flag))?;
        Some(named.get("value").and_then(Node::letters).unwrap_or_default().to_owned())
    };
    match arguments.as_sequence() {
        Some(items) => of_list(items),
        None => Some(arguments.get(flag)?.letters().unwrap_or_default().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAG: &str = "cluster-signing-cert-file";
    const FILE: &str = "/etc/kubernetes/pki/ca-signing.crt";
    const MANIFEST: &str = "\
spec:
  containers:
  - command:
    - kube-controller-manager
    - --client-ca-file=/etc/kubernetes/pki/ca.crt
    - --cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt # one certificate
    - --cluster-signing-key-file=/etc/kubernetes/pki/ca.key
    # of the pod
    volumeMounts:
    - {mountPath: /etc/kubernetes/pki, name: pki}
  volumes:
  - {name: pki, hostPath: {path: /etc/kubernetes/pki}}
";

    fn told(text: &str, value: Option<&str>) -> Result<String, String> {
        let made = manifest_flag("it", text, "kube-controller-manager", FLAG, value);
        made.map(|setting| setting.after).map_err(|error| error.to_string())
    }

    #[test]
    fn a_flag_is_changed_where_it_stands_and_taken_out() {
        let line = "    - --cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt # one certificate\n";
        let changed = MANIFEST.replace("cert-file=/etc/kubernetes/pki/ca.crt", &format!("cert-file={FILE}"));
        assert_eq!(told(MANIFEST, Some(FILE)), Ok(changed.clone()));
        assert_eq!(told(&changed, Some(FILE)), Ok(changed.clone()), "again");
        let without = MANIFEST.replace(line, "");
        assert_eq!(told(MANIFEST, None), Ok(without.clone()));
        assert_eq!(told(&without, None), Ok(without.clone()), "again");
        let anew = MANIFEST.replace(line, &format!("    - --{FLAG}={FILE}\n"));
        assert_eq!(told(&without, Some(FILE)), Ok(anew));
        // The last counts.
        let twice = MANIFEST.replace(line, &format!("    - --{FLAG}=/other\n{line}"));
        assert_eq!(
            told(&twice, Some(FILE)).unwrap(),
            twice.replace("=/etc/kubernetes/pki/ca.crt #", &format!("={FILE} #"))
        );
        assert_eq!(told(&twice, None), Ok(without.clone()));
        // A value of its own.
        let two = MANIFEST.replace(line, &format!("    - --{FLAG}\n    - /etc/kubernetes/pki/ca.crt\n"));
        assert_eq!(
            told(&two, Some(FILE)).unwrap(),
            two.replace("    - /etc/kubernetes/pki/ca.crt", &format!("    - {FILE}"))
        );
        assert_eq!(told(&two, None), Ok(without));
        assert!(
            manifest_flag("it", MANIFEST, "kube-scheduler", FLAG, None).unwrap_err().to_string().contains("first word")
        );
    }

    #[test]
    fn a_file_is_named_only_where_the_container_has_it() {
        let named = |file: &str| manifest_file("it", MANIFEST, "kube-controller-manager", FLAG, Path::new(file));
        assert!(named(FILE).unwrap().after.contains(FILE));
        assert!(named("/srv/ca.crt").unwrap_err().to_string().contains("does not mount /srv/ca.crt"));
    }

    #[test]
    fn an_argument_goes_and_leaves_what_kubeadm_writes_without_any() {
        let head = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n";
        let list = |before: &str| format!("{head}controllerManager:{before}\nnetworking: {{}}\n");
        let one = format!("\n  extraArgs:\n  - name: {FLAG}\n    value: {FILE}");
        let of = |text: &str, value: Option<&str>| {
            let made = extra_arg("it", text, "controllerManager", FLAG, value);
            made.map(|setting| setting.after).map_err(|error| error.to_string())
        };
        assert_eq!(of(&list(" {}"), Some(FILE)), Ok(list(&one)));
        assert_eq!(of(&list(&one), None), Ok(list(" {}")));
        assert_eq!(of(&list(" {}"), None), Ok(list(" {}")));
        let other = "\n  extraArgs:\n  - name: v # loud\n    value: \"2\"";
        let both = one.replacen("\n  extraArgs:", other, 1);
        assert_eq!(of(&list(&both), None), Ok(list(other)));
        assert_eq!(of(&list(other), Some(FILE)), Ok(list(&both)));
        let twice = format!("{both}\n  - name: {FLAG}\n    value: /z");
        assert_eq!(of(&list(&twice), None), Ok(list(other)), "all of them");
        let map = |before: &str| list(before).replace("v1beta4", "v1beta3");
        let one = format!("\n  extraArgs:\n    {FLAG}: {FILE}");
        assert_eq!(of(&map(&one), None), Ok(map(" {}")));
        assert_eq!(of(&map(" {}"), Some(FILE)), Ok(map(&one)));
        let both = format!("{one}\n    v: \"2\" # loud");
        assert_eq!(of(&map(&both), None), Ok(map("\n  extraArgs:\n    v: \"2\" # loud")));
    }

    #[test]
    fn kubepki_reads_a_configuration_whose_arguments_are_gone() {
        let text = "apiVersion: kubeadm.k8s.io/v1beta4\ncontrollerManager:\n  extraArgs:\n  - name: v\n    value: \"2\"\nkind: ClusterConfiguration\nkubernetesVersion: v1.36.2\n";
        let after = extra_arg("it", text, "controllerManager", "v", None).unwrap().after;
        assert!(after.contains("controllerManager: {}\n"), "{after}");
        let host = crate::config::HostFacts { is_optional: true, ..Default::default() };
        let options = crate::config::Options { lenient: false, host, ..Default::default() };
        let read = crate::config::load("it", after.as_bytes(), &options).unwrap();
        assert!(read.warnings.is_empty(), "{:?}", read.warnings);
    }
}
