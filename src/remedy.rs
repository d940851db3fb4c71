//! Commands within sentences: the form of every remedy and hint, and how a command is completed for its caller.
//!
//! In: text with commands between backquotes, and the options with which kubepki was run. Out: the same text, with
//! commands that work as they are printed. It runs nothing and reads no file.
//!
//! **The form.** A remedy is one sentence or several. What is between backquotes is
//!
//! - a command: whole, quoted for a shell, with the node's own paths. All commands of a remedy are run in their order;
//! - or an absolute path: a file that has to come from elsewhere, as "restore `/etc/kubernetes/pki/ca.key` …".
//!
//! A remedy that starts with `nothing` asks for nothing. A choice that the reader may make instead has no backquotes.
//!
//! **To write one**, use [`command`] and [`file()`], or write the backquotes when no word can need quotes:
//! `"renew it: `kubepki certs renew apiserver`"`. Neither `--rootfs` nor `--config` is written there: plans and
//! judgements do not know them. The operation completes the text once, at its end: `audit::complete_remedies` for
//! findings, [`Caller::complete`] for a hint; `NodeRequest::caller` has the options. It adds the options that the verb has, and puts the root directory before
//! the paths of other programs' arguments (`chmod 600 …`). To complete twice changes nothing.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Programs whose absolute paths are the node's.
const PROGRAMS: [&str; 9] = ["chmod", "chown", "cp", "ln", "mkdir", "mv", "rm", "setfacl", "openssl"];

/// A command between backquotes, each word quoted where a shell needs it.
#[must_use]
pub fn command<W: AsRef<OsStr>>(words: impl IntoIterator<Item = W>) -> String {
    let words: Vec<_> = words.into_iter().map(|word| quoted(&word.as_ref().to_string_lossy())).collect();
    format!("`{}`", words.join(" "))
}

/// A path between backquotes: a file that has to come from elsewhere.
#[must_use]
pub fn file(path: &Path) -> String {
    command([path])
}

/// A text where each command that `is_meant` has these options too, unless it has them; a flag has an empty value.
#[must_use]
pub fn with_options(text: &str, is_meant: impl Fn(&[&str]) -> bool, options: &[(&str, String)]) -> String {
    let mut parts: Vec<String> = text.split('`').map(str::to_owned).collect();
    for code in parts.iter_mut().skip(1).step_by(2) {
        let found: Vec<String> = words(code).into_iter().map(str::to_owned).collect();
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        if is_meant(&found) {
            for (flag, value) in options.iter().filter(|(flag, _)| !found.contains(flag)) {
                let value = if value.is_empty() { String::new() } else { quoted(value) };
                for word in [*flag, value.as_str()].into_iter().filter(|word| !word.is_empty()) {
                    code.push(' ');
                    code.push_str(word);
                }
            }
        }
    }
    parts.join("`")
}

/// How kubepki was run, as far as a command that its user runs next has to be run the same way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The directory in front of every path of the node.
    pub rootfs: Option<PathBuf>,
    /// The kubeadm configuration.
    pub config: Option<PathBuf>,
    /// Whether the node runs on this machine, whatever its root directory: whoever restarts components says so.
    pub is_at_the_node: bool,
    /// Whether unknown fields of the configuration are warnings.
    pub lenient: bool,
    /// The node's name.
    pub node_name: Option<String>,
    /// The certificates directory, where it was given.
    pub certificates_dir: Option<PathBuf>,
    /// The kubeconfig directory, where it was given.
    pub kubeconfig_dir: Option<PathBuf>,
    /// The kubelet's directory, where it is not the usual one.
    pub kubelet_dir: Option<PathBuf>,
}

impl Caller {
    /// A text with its commands and paths completed.
    #[must_use]
    pub fn complete(&self, text: &str) -> String {
        let mut done = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('`') {
            done.push_str(before);
            let Some(end) = end_of_code(after) else {
                done.push('`');
                rest = after;
                break;
            };
            let (code, behind) = after.split_at(end);
            done.push_str(&self.complete_code(code));
            rest = behind.strip_prefix('`').unwrap_or(behind);
        }
        done.push_str(rest);
        done
    }

    /// What is between two backquotes, with backquotes.
    fn complete_code(&self, code: &str) -> String {
        let words = words(code);
        let own = words.iter().position(|word| *word != "sudo").unwrap_or(0);
        let completed = match words.get(own).copied() {
            // Another machine's disk: its components do not run here.
            Some("kubepki") if self.is_elsewhere(&words) && needs_a_living_node(words.get(own + 1..)) => {
                return format!("{code} (on that node, once it runs)");
            }
            Some("kubepki") => self.complete_own(&words, own),
            Some("systemctl") if self.rootfs.is_some() && !self.is_at_the_node => {
                return format!("{code} (on that node, once it runs)");
            }
            Some(program) if PROGRAMS.contains(&program) || program_is_path(program) => {
                words.iter().map(|word| self.prefixed(word)).collect::<Vec<_>>().join(" ")
            }
            _ => code.to_owned(),
        };
        format!("`{completed}`")
    }

    /// Whether a command is about another machine's disk, and not about that of this one, as it is seen from a container.
    fn is_elsewhere(&self, words: &[&str]) -> bool {
        self.rootfs.is_some() && !self.is_at_the_node && !words.contains(&"--rootfs")
    }

    fn complete_own(&self, words: &[&str], own: usize) -> String {
        let verb: Vec<_> = words.iter().skip(own + 1).copied().filter(|word| !word.starts_with('-')).take(2).collect();
        let mut all: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let mut add = |flag: &str, value: Option<String>| {
            if let Some(value) = value
                && !words.contains(&flag)
            {
                all.push(flag.to_owned());
                all.extend((!value.is_empty()).then(|| quoted(&value)));
            }
        };
        let shown = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let (is_node_verb, has_configuration, has_kubelet) = match verb.as_slice() {
            _ if is_of_no_node(&verb) => (false, false, false),
            ["restart" | "etcd" | "backup" | "systemd" | "recover" | "show", ..] => (false, false, false),
            ["kubelet", ..] => (false, false, true),
            ["certs", "sign"] | ["config", ..] => (false, true, false),
            ["check" | "signer", ..] | ["certs", "renew" | "generate-csr" | "import" | "cleanup"] => (true, true, true),
            _ => (true, true, false),
        };
        if has_configuration {
            add("--config", shown(&self.config));
            add("--lenient", self.lenient.then(String::new));
            add("--node-name", self.node_name.clone());
        }
        if is_node_verb {
            add("--certificates-dir", shown(&self.certificates_dir));
            add("--kubeconfig-dir", shown(&self.kubeconfig_dir));
        }
        if has_kubelet {
            add("--kubelet-dir", shown(&self.kubelet_dir));
        }
        if !is_of_no_node(&verb) {
            add("--rootfs", shown(&self.rootfs));
        }
        all.join(" ")
    }

    /// A word of another program: a path of the node has the root directory in front.
    fn prefixed(&self, word: &str) -> String {
        let Some(rootfs) = &self.rootfs else { return word.to_owned() };
        if let Some(inner) = word.strip_prefix("$'").filter(|inner| inner.starts_with('/')) {
            let root: String = rootfs.to_string_lossy().chars().map(escaped).collect();
            return if inner.starts_with(&root) { word.to_owned() } else { format!("$'{root}{inner}") };
        }
        let plain = unquoted(word);
        let path = Path::new(&plain);
        match path.strip_prefix("/") {
            Ok(below) if !path.starts_with(rootfs) => quoted(&rootfs.join(below).to_string_lossy()),
            _ => word.to_owned(),
        }
    }
}

/// Whether what a command does is done to components that run.
fn needs_a_living_node(words: Option<&[&str]>) -> bool {
    matches!(words, Some(["restart", ..] | ["kubelet", "enable-serving-certs" | "require-serving-certs", ..]))
}

/// Whether a command of ours has nothing to do with a node, so that none of a node's options belongs to it.
fn is_of_no_node(verb: &[&str]) -> bool {
    matches!(
        verb,
        ["version" | "explain" | "completion" | "manual" | "help" | "probe" | "audit", ..]
            | ["kubelet", "csrs" | "approve"]
            | ["rotate", "plan" | "start" | "resume" | "finish" | "abort"]
            | ["certs", "certificate-key"]
            | []
    )
}

fn program_is_path(program: &str) -> bool {
    program.trim_start_matches(['$', '\'']).starts_with('/')
}

/// A word as a shell reads it back; what would move a terminal's cursor is written as digits.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%~".contains(c);
    if !word.is_empty() && !word.starts_with('~') && word.chars().all(is_plain) {
        word.to_owned()
    } else if word.chars().any(|c| c.is_control() || c == '\'' || c == '`') {
        let escaped: String = word.chars().map(escaped).collect();
        format!("$'{escaped}'")
    } else {
        format!("'{word}'")
    }
}

/// One character within `$'…'`.
fn escaped(c: char) -> String {
    match c {
        '\\' => "\\\\".into(),
        '\'' | '`' => format!("\\x{:02x}", u32::from(c)),
        c if c.is_control() => {
            c.to_string().bytes().flat_map(|byte| ["\\x".to_owned(), crate::digest::hex(&[byte])]).collect()
        }
        c => c.into(),
    }
}

/// The inverse of [`quoted`] for words that it has made; another word stays as it is.
fn unquoted(word: &str) -> String {
    match word.strip_prefix('\'').and_then(|inner| inner.strip_suffix('\'')) {
        Some(inner) if !inner.contains('\'') => inner.to_owned(),
        _ => word.to_owned(),
    }
}

/// Where the code ends that `text` begins with: at a backquote outside of quotes.
fn end_of_code(text: &str) -> Option<usize> {
    let mut is_quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '\'' => is_quoted = !is_quoted,
            '`' if !is_quoted => return Some(at),
            _ => {}
        }
    }
    text.find('`')
}

/// The words of a command, with their quotes.
fn words(code: &str) -> Vec<&str> {
    let mut is_quoted = false;
    code.split(|c: char| {
        is_quoted ^= c == '\'';
        c == ' ' && !is_quoted
    })
    .filter(|word| !word.is_empty())
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn below(rootfs: &str) -> Caller {
        Caller { rootfs: Some(rootfs.into()), config: Some("/srv/kubeadm.yaml".into()), ..Caller::default() }
    }

    #[test]
    fn commands_get_the_options_that_their_verb_has() {
        let caller = below("/mnt/node 1");
        for (text, completed) in [
            ("run `kubepki init`", "run `kubepki init --config /srv/kubeadm.yaml --rootfs '/mnt/node 1'`"),
            (
                "`sudo kubepki certs renew ca`: now",
                "`sudo kubepki certs renew ca --config /srv/kubeadm.yaml --rootfs '/mnt/node 1'`: now",
            ),
            (
                "`kubepki restart` and `kubepki version`",
                "kubepki restart (on that node, once it runs) and `kubepki version`",
            ),
            ("`kubepki check --rootfs /x --config y`", "`kubepki check --rootfs /x --config y`"),
            (
                "`kubepki config validate`",
                "`kubepki config validate --config /srv/kubeadm.yaml --rootfs '/mnt/node 1'`",
            ),
            ("`chmod 600 /etc/kubernetes/admin.conf`", "`chmod 600 '/mnt/node 1/etc/kubernetes/admin.conf'`"),
            ("restore `/etc/kubernetes/pki/ca.key`", "restore `'/mnt/node 1/etc/kubernetes/pki/ca.key'`"),
            ("the `.kubepki-*` files, `namei -l` and a ` alone", "the `.kubepki-*` files, `namei -l` and a ` alone"),
            (
                "`kubepki restart etcd`, `kubepki recover`",
                "kubepki restart etcd (on that node, once it runs), `kubepki recover --rootfs '/mnt/node 1'`",
            ),
            ("`kubepki restart kubelet`", "kubepki restart kubelet (on that node, once it runs)"),
            ("`systemctl restart kubelet`", "systemctl restart kubelet (on that node, once it runs)"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(caller.complete(text), completed);
            assert_eq!(caller.complete(completed), completed, "twice");
            assert_eq!(Caller::default().complete(text), text, "without options");
        }
        let caller = Caller { is_at_the_node: true, ..caller };
        assert_eq!(caller.complete("`kubepki restart`"), "`kubepki restart --rootfs '/mnt/node 1'`");
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        for word in ["/etc/a b", "a'b", "$(reboot)", "a\nb\u{1b}[2J", "`reboot`", "", "~root", "a\\b", "ü"] {
            let text = command(["printf", "%s", word]);
            let code = text.strip_prefix('`').unwrap().strip_suffix('`').unwrap();
            assert!(!code.contains('`') && !code.chars().any(char::is_control), "{code:?}");
            #[allow(clippy::disallowed_methods)] // the judge is a shell
            let printed = std::process::Command::new("bash").args(["-c", code]).output().unwrap();
            assert_eq!(String::from_utf8(printed.stdout).unwrap(), word);
        }
    }
}
