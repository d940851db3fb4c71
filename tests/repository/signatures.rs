//! The arguments of Python's functions, and what their documentation says of them, are made of the requests.
//!
//! A function of `python/kubepki/api` with the decorator `@asked("RenewRequest", "names")` has the options of that
//! request. Those that the decorator names after it may be given by position, in that order; `without` names those that
//! the function does not have, and any other keyword the default that a script has and a command line has not. An argument
//! that is no option of the request stays as it is written, after those that are. `make reference` writes them, and the
//! test here fails when a file is not what it would write.

use std::collections::BTreeMap;

use crate::options::{Declared, Kind, Requests};
use crate::sources::{root, under};

/// The width of a line in Python.
const WIDTH: usize = 120;

/// One argument of a function.
struct Argument {
    name: String,
    /// `validity: timedelta | None = None`
    declaration: String,
    meaning: String,
}

/// What a decorator says.
struct Asked {
    request: String,
    positional: Vec<String>,
    without: Vec<String>,
    defaults: BTreeMap<String, String>,
}

impl Asked {
    /// Of the text between `@asked(` and `)`.
    fn read(text: &str) -> Self {
        let mut asked =
            Self { request: String::new(), positional: Vec::new(), without: Vec::new(), defaults: BTreeMap::new() };
        for part in text.split(", ") {
            match part.split_once('=') {
                Some(("without", names)) => {
                    asked.without = names.trim_matches('"').split(' ').map(str::to_owned).collect();
                }
                Some((name, default)) => drop(asked.defaults.insert(name.to_owned(), default.to_owned())),
                None if asked.request.is_empty() => part.trim_matches('"').clone_into(&mut asked.request),
                None => asked.positional.push(part.trim_matches('"').to_owned()),
            }
        }
        asked
    }

    fn arguments(&self, requests: &Requests) -> Vec<Argument> {
        let options = requests.options(&self.request);
        let names: Vec<_> = options.iter().map(|option| option.name.as_str()).collect();
        for name in self.without.iter().chain(self.defaults.keys()) {
            assert!(names.contains(&name.as_str()), "{} has no option {name}", self.request);
        }
        let kept = options.iter().filter(|option| !self.without.contains(&option.name));
        kept.map(|option| self.argument(option, requests)).collect()
    }

    fn argument(&self, option: &Declared, requests: &Requests) -> Argument {
        let (annotation, default) = typed(option, requests);
        let default = self.defaults.get(&option.name).cloned().or(default);
        let default = default.map_or_else(String::new, |default| format!(" = {default}"));
        Argument {
            name: option.name.clone(),
            declaration: format!("{}: {annotation}{default}", option.name),
            meaning: in_python(&option.doc, requests),
        }
    }
}

/// The annotation, and the default if the argument need not be given.
fn typed(option: &Declared, requests: &Requests) -> (String, Option<String>) {
    let given = option.default.as_deref();
    let quoted = || given.map(|text| format!("{text:?}"));
    match &option.kind {
        Kind::Maybe(inner) => (format!("{} | None", annotation(inner.name(), requests)), Some("None".into())),
        Kind::List(inner) => {
            let annotation = match inner.name() {
                "PathBuf" => "StrPath | Iterable[StrPath]",
                "NamedFile" => "Mapping[str, StrPath] | Iterable[StrPath]",
                "String" => "Iterable[str]",
                other => panic!("{}: a list of {other}", option.name),
            };
            (annotation.into(), Some("()".into()))
        }
        Kind::One(name) => {
            let default = match name.as_str() {
                "bool" => Some("False".into()),
                "Selection" | "SelectionOfPaths" => Some("\"all\"".into()),
                "Span" => given.map(span),
                _ => quoted(),
            };
            (annotation(name, requests), default)
        }
    }
}

fn annotation(name: &str, requests: &Requests) -> String {
    let choices = |words: &Vec<String>| {
        format!("Literal[{}]", words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", "))
    };
    match name {
        "bool" => "bool".into(),
        "i64" | "usize" => "int".into(),
        "String" | "Signer" => "str".into(),
        "PathBuf" => "StrPath".into(),
        "Span" => "timedelta".into(),
        "Algorithm" => "Algorithm | str".into(),
        "Nodes" => "StrPath | Mapping[str, Mapping[str, str]]".into(),
        "Selection" => "Literal[\"all\"] | Iterable[str]".into(),
        "SelectionOfPaths" => "Literal[\"all\"] | StrPath | Iterable[StrPath]".into(),
        name => choices(requests.words.get(name).unwrap_or_else(|| panic!("what is {name} in Python?"))),
    }
}

/// `30d` as Python writes it.
fn span(text: &str) -> String {
    let (number, unit) = text.split_at(text.len() - 1);
    let unit = match unit {
        "d" => "days",
        "h" => "hours",
        "m" => "minutes",
        "s" => "seconds",
        other => panic!("{other:?} is no unit"),
    };
    format!("timedelta({unit}={number})")
}

/// The same sentence with the names of arguments for those of options.
fn in_python(doc: &str, requests: &Requests) -> String {
    let mut made = doc.to_owned();
    let mut longs: Vec<_> = requests.names().flat_map(|request| requests.options(request)).collect();
    longs.sort_by_key(|option| std::cmp::Reverse(option.name.len()));
    for option in longs {
        if let Some(long) = &option.long {
            made = made.replace(&format!("--{long}"), &format!("`{}`", option.name));
        }
    }
    assert!(!made.contains("--"), "{made:?} speaks of a command line");
    made
}

/// Behind the first line of `lines` that is `wanted`, after `start`.
fn position(lines: &[&str], start: usize, is_wanted: impl Fn(&str) -> bool) -> usize {
    start + lines[start..].iter().position(|line| is_wanted(line)).unwrap()
}

/// The names and meanings in an `Args:` section.
fn meanings(lines: &[&str]) -> BTreeMap<String, String> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in lines {
        match (line.strip_prefix("        ").filter(|line| !line.starts_with(' ')), found.last_mut()) {
            (Some(entry), _) => {
                let (name, meaning) = entry.split_once(": ").unwrap();
                found.push((name.to_owned(), meaning.to_owned()));
            }
            (None, Some((_, meaning))) => *meaning = format!("{meaning} {}", line.trim()),
            (None, None) => panic!("{line:?} is about no argument"),
        }
    }
    found.into_iter().collect()
}

/// `name: meaning`, in lines that are not too long.
fn entry(argument: &Argument) -> String {
    let mut lines = vec![String::new()];
    for word in format!("{}: {}", argument.name, argument.meaning).split(' ') {
        let indent = if lines.len() == 1 { 8 } else { 12 };
        let line = lines.last_mut().unwrap();
        if !line.is_empty() && indent + line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(word.to_owned());
        } else {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    format!("        {}\n", lines.join("\n            "))
}

/// The function that starts at its decorator, with its arguments as they should be.
fn function(lines: &[&str], asked: &Asked, requests: &Requests) -> String {
    let first = position(lines, 0, |line| line.starts_with("def "));
    let last = position(lines, first, |line| line.starts_with(") -> "));
    let section = position(lines, last, |line| line == "    Args:");
    let end = position(lines, section, str::is_empty);
    let own = meanings(&lines[section + 1..end]);
    let mut arguments = asked.arguments(requests);
    for line in &lines[first + 1..last] {
        let declaration = line.trim().trim_end_matches(',');
        let name = declaration.split(':').next().unwrap();
        let is_option = requests.options(&asked.request).iter().any(|option| option.name == name);
        if declaration != "*" && !is_option {
            let meaning =
                own.get(name).unwrap_or_else(|| panic!("{}: nothing is said of {name}", lines[first])).clone();
            arguments.push(Argument { name: name.to_owned(), declaration: declaration.to_owned(), meaning });
        }
    }
    let place = |argument: &Argument| {
        asked.positional.iter().position(|name| *name == argument.name).unwrap_or(asked.positional.len())
    };
    arguments.sort_by_key(place);
    let (by_position, by_name) = arguments.split_at(asked.positional.len());
    assert_eq!(
        by_position.iter().map(|one| &one.name).collect::<Vec<_>>(),
        asked.positional.iter().collect::<Vec<_>>()
    );
    let parameters =
        |some: &[Argument]| some.iter().flat_map(|one| ["    ", one.declaration.as_str(), ",\n"]).collect::<String>();
    [
        lines[..=first].join("\n"),
        "\n".to_owned(),
        parameters(by_position),
        "    *,\n".to_owned(),
        parameters(by_name),
        lines[last..=section].join("\n"),
        "\n".to_owned(),
        arguments.iter().map(entry).collect(),
    ]
    .concat()
}

/// The module with its functions as they should be.
fn written(text: &str, requests: &Requests) -> String {
    let lines: Vec<_> = text.lines().collect();
    let (mut made, mut done) = (String::new(), 0);
    for (at, line) in lines.iter().enumerate() {
        let Some(asked) = line.strip_prefix("@asked(") else { continue };
        let asked = Asked::read(asked.strip_suffix(')').unwrap());
        let section = position(&lines, at, |line| line == "    Args:");
        let end = position(&lines, section, str::is_empty);
        made.extend(lines[done..at].iter().flat_map(|line| [line, "\n"]));
        made.push_str(&function(&lines[at..=end], &asked, requests));
        done = end;
    }
    made.extend(lines[done..].iter().flat_map(|line| [line, "\n"]));
    made
}

#[test]
fn the_arguments_of_functions_are_the_options_of_requests() {
    let requests = Requests::read();
    let mut count = 0;
    for module in under("python/kubepki/api", "py") {
        let made = written(&module.text, &requests);
        count += module.text.matches("\n@asked(").count();
        if std::env::var_os("KUBEPKI_WRITE_REFERENCE").is_some() {
            std::fs::write(root().join(&module.path), made).unwrap();
        } else {
            let stale = module.text.lines().zip(made.lines()).find(|(is, should)| is != should);
            assert!(module.text == made, "{} is stale: run `make reference`; first: {stale:#?}", module.path);
        }
    }
    assert!(count >= 20, "only {count} functions are made of requests");
}

#[test]
fn what_is_no_option_stays_and_what_is_one_is_written_anew() {
    let module = "import x\n\n\n@asked(\"BackupPlace\", \"name\", without=\"rootfs\")\ndef show(\n    name: str,\n    old: int,\n) -> B:\n    \
                  \"\"\"Show.\n\n    Args:\n        old: Gone\n            long.\n        name: Which one it\n            is.\n\n    \"\"\"\n    return 1\n";
    let made = written(module, &Requests::read());
    assert!(made.contains("def show(\n    name: str,\n    *,\n    backup_dir: StrPath = \"/var/lib/kubepki/backups\",\n    old: int,\n) -> B:\n"), "{made}");
    assert!(
        made.contains("    Args:\n        name: Which one it is.\n        backup_dir: The directory of the node"),
        "{made}"
    );
    assert!(made.ends_with("\n        old: Gone long.\n\n    \"\"\"\n    return 1\n"), "{made}");
    assert_eq!(written(&made, &Requests::read()), made);
}
