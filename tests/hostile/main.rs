//! Hostile and odd certificates: our verdict must be Go's, which every component of Kubernetes has.
//!
//! The corpus and Go's verdicts on it are in `corpus.json`, made by `generate.py`. Where Go is at hand the judge runs
//! here too: then its verdicts of today, the stored ones and ours must all be the same. More mutants of another seed:
//! `generate.py --seed 7 --mutants 20000 --output FILE`, and `KUBEPKI_CORPUS=FILE` for the test.

#![allow(
    clippy::type_complexity,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use kubepki::digest::unhex;
use kubepki::x509::{Certificate, ExtendedKeyUsage, Rule, verify_chain};
use serde::Deserialize;
use serde_json::json;

/// Offset in the old, bytes taken away, bytes put there.
type Edit = (usize, usize, String);

#[derive(Deserialize)]
#[serde(untagged)]
enum Made {
    Whole(String),
    Edited(Vec<Edit>),
}

#[derive(Deserialize)]
struct Corpus {
    certificates: Vec<(Option<usize>, Made, String)>,
    cases: Vec<(String, usize, Vec<usize>, Vec<usize>, DateTime<Utc>, String, String)>,
    mutants: Vec<(usize, Vec<Edit>, bool, Option<usize>, Option<usize>, String)>,
}

/// A certificate of the corpus, by a name, and whether Go reads it.
struct Item {
    name: String,
    der: Vec<u8>,
    is_read: bool,
    message: String,
}

/// A chain of the corpus, and for which purposes Go verifies it: `a`ny, `s`erver, `c`lient.
struct Case {
    name: String,
    leaf: usize,
    intermediates: Vec<usize>,
    roots: Vec<usize>,
    at: DateTime<Utc>,
    flags: String,
    message: String,
}

fn edited(old: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut new = old.to_vec();
    for (offset, taken, put) in edits.iter().rev() {
        new.splice(*offset..*offset + *taken, unhex(put.as_bytes()).unwrap());
    }
    new
}

fn corpus() -> (Vec<Item>, Vec<Case>) {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/corpus.json");
    let path = std::env::var_os("KUBEPKI_CORPUS").map_or(usual, PathBuf::from);
    let text = std::fs::read(path).unwrap();
    let corpus: Corpus = serde_json::from_slice(&text).unwrap();
    let mut items: Vec<Item> = Vec::new();
    for (position, (base, made, message)) in corpus.certificates.iter().enumerate() {
        let der = match (made, base) {
            (Made::Whole(digits), _) => unhex(digits.as_bytes()).unwrap(),
            (Made::Edited(edits), base) => edited(&items[base.unwrap()].der, edits),
        };
        let name = format!("certificate {position}");
        items.push(Item { name, der, is_read: message.is_empty(), message: message.clone() });
    }
    let mut cases: Vec<Case> = corpus
        .cases
        .into_iter()
        .map(|(name, leaf, intermediates, roots, at, flags, message)| Case {
            name,
            leaf,
            intermediates,
            roots,
            at,
            flags,
            message,
        })
        .collect();
    for (number, (base, edits, is_read, leaf, root, flags)) in corpus.mutants.into_iter().enumerate() {
        let name = format!("mutant {number}");
        let der = edited(&items[base].der, &edits);
        cases.push(Case {
            name: name.clone(),
            leaf: leaf.unwrap_or(items.len()),
            intermediates: Vec::new(),
            roots: vec![root.unwrap_or(items.len())],
            at: cases[0].at,
            flags,
            message: String::new(),
        });
        items.push(Item { name, der, is_read, message: String::new() });
    }
    (items, cases)
}

/// What neither side calls wrong, though the two differ; each is said in `docs/reference/go-rules.md`.
fn is_known_difference(name: &str) -> bool {
    name.starts_with("P-224 by") || name.starts_with("small RSA-PSS")
}

#[test]
fn every_certificate_is_read_exactly_when_go_reads_it() {
    let (items, _) = corpus();
    let mut wrong = String::new();
    for item in &items {
        let ours = Certificate::from_der(&item.der);
        if ours.is_ok() != item.is_read {
            let _ = writeln!(
                wrong,
                "{}: ours {:?}, Go {:?}",
                item.name,
                ours.map(|_| ()).map_err(|e| e.to_string()),
                item.message
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(items.len() > 5_000 && items.iter().filter(|item| !item.is_read).count() > 1_000);
}

#[test]
fn every_chain_is_verified_exactly_when_go_verifies_it() {
    let (items, cases) = corpus();
    let read: Vec<Option<Certificate>> = items.iter().map(|item| Certificate::from_der(&item.der).ok()).collect();
    let all = |positions: &[usize]| positions.iter().filter_map(|one| read[*one].clone()).collect::<Vec<_>>();
    let mut wrong = String::new();
    for case in cases.iter().filter(|case| !is_known_difference(&case.name)) {
        let Some(leaf) = &read[case.leaf] else {
            assert_eq!(case.flags, "", "{}", case.name);
            continue;
        };
        let (intermediates, roots) = (all(&case.intermediates), all(&case.roots));
        for (flag, purpose) in
            [('a', None), ('s', Some(ExtendedKeyUsage::ServerAuth)), ('c', Some(ExtendedKeyUsage::ClientAuth))]
        {
            let ours = verify_chain(leaf, &intermediates, &roots, case.at, purpose.as_ref());
            if ours.is_ok() != case.flags.contains(flag) {
                let ours = ours.map_err(|problem| problem.to_string());
                let _ =
                    writeln!(wrong, "{} ({flag}): ours {ours:?}, Go {:?} {:?}", case.name, case.flags, case.message);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(cases.len() > 4_000);
}

/// A rule that no certificate of the corpus breaks would be tested by nothing.
#[test]
fn every_rule_is_broken_by_something_in_the_corpus() {
    let (items, cases) = corpus();
    let mut broken: BTreeMap<&str, usize> = BTreeMap::new();
    let mut texts: Vec<String> = Vec::new();
    for item in &items {
        texts.extend(Certificate::from_der(&item.der).err().map(|error| error.to_string()));
    }
    let read: Vec<Option<Certificate>> = items.iter().map(|item| Certificate::from_der(&item.der).ok()).collect();
    let all = |positions: &[usize]| positions.iter().filter_map(|one| read[*one].clone()).collect::<Vec<_>>();
    for case in &cases {
        let Some(leaf) = &read[case.leaf] else { continue };
        for purpose in [None, Some(&ExtendedKeyUsage::ServerAuth)] {
            let ours = verify_chain(leaf, &all(&case.intermediates), &all(&case.roots), case.at, purpose);
            if let Err(problem) = ours {
                *broken.entry(problem.rule.id).or_default() += 1;
            }
        }
    }
    let never: Vec<_> = Rule::ALL
        .iter()
        .filter(|rule| !broken.contains_key(rule.id))
        .filter(|rule| !texts.iter().any(|text| text.contains(&format!("rule {},", rule.id))))
        .map(|rule| rule.id)
        .collect();
    assert!(never.is_empty(), "{never:?}");
}

#[test]
fn go_itself_says_the_same_today() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/judge");
    let version = Command::new("go").args(["env", "GOVERSION"]).env("GOTOOLCHAIN", "local").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    let minor = version.strip_prefix("go1.").and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
    if minor.is_none_or(|minor| minor < 26) {
        eprintln!("skipped: Go 1.26 or later is not here ({version:?}), so its verdicts are the stored ones alone");
        return;
    }
    let (items, cases) = corpus();
    let certificates: BTreeMap<_, _> = items.iter().map(|item| (&item.name, STANDARD.encode(&item.der))).collect();
    let asked: Vec<_> = cases
        .iter()
        .map(|case| {
            let names = |positions: &[usize]| positions.iter().map(|one| items[*one].name.clone()).collect::<Vec<_>>();
            json!({
                "name": case.name, "leaf": items[case.leaf].name, "intermediates": names(&case.intermediates),
                "roots": names(&case.roots), "at": case.at.to_rfc3339(),
            })
        })
        .collect();
    let question = json!({ "certificates": certificates, "cases": asked }).to_string();
    let mut judge = Command::new("go")
        .args(["run", "."])
        .current_dir(directory)
        .env("GOTOOLCHAIN", "local")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    judge.stdin.take().unwrap().write_all(question.as_bytes()).unwrap();
    let output = judge.wait_with_output().unwrap();
    assert!(output.status.success());
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let version = answer["go"].as_str().unwrap();
    let mut wrong = String::new();
    for item in &items {
        let message = answer["certificates"][&item.name].as_str().unwrap();
        if message.is_empty() != item.is_read {
            let _ = writeln!(wrong, "{}: {version} says {message:?}, stored is {:?}", item.name, item.message);
        }
    }
    for case in &cases {
        let verdict = &answer["cases"][&case.name];
        for (flag, use_) in [("a", "any"), ("s", "server"), ("c", "client")] {
            let message = verdict[use_].as_str().unwrap();
            if message.is_empty() != case.flags.contains(flag) {
                let _ =
                    writeln!(wrong, "{} ({use_}): {version} says {message:?}, stored is {:?}", case.name, case.flags);
            }
        }
    }
    assert!(wrong.is_empty(), "another release of Go has other rules; see docs/reference/go-rules.md:\n{wrong}");
}

#[test]
fn the_reference_lists_every_rule() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/go-rules.md");
    let text = std::fs::read_to_string(path).unwrap();
    let documented: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .map(|(id, rest)| (id, rest.split(" |").next().unwrap_or_default()))
        .collect();
    let rules: Vec<(&str, &str)> = Rule::ALL.iter().map(|rule| (rule.id, rule.since)).collect();
    assert_eq!(documented, rules);
}
