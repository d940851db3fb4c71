//! What holds of every command: its help, its examples, and the commands that remedies name.

use std::path::PathBuf;

use clap::Command;

use super::{command, line};
use crate::remedy::Caller;

/// Every command that does something, as its words and its parser.
fn leaves() -> Vec<(Vec<String>, Command)> {
    fn walk(command: &Command, words: &[String], found: &mut Vec<(Vec<String>, Command)>) {
        if !command.has_subcommands() {
            found.push((words.to_vec(), command.clone()));
        }
        for below in command.get_subcommands() {
            walk(below, &[words, &[below.get_name().to_owned()]].concat(), found);
        }
    }
    let mut found = Vec::new();
    walk(&command(), &["kubepki".to_owned()], &mut found);
    found
}

/// The words of an example, without quotes and what a shell does with its output.
fn words(example: &str) -> Vec<String> {
    let own = example.split(" | ").find(|part| part.trim_start().starts_with("kubepki")).unwrap_or(example);
    let own = own.split(" > ").next().unwrap_or(own);
    let plain = own.split_whitespace().filter(|word| *word != "\\");
    plain.map(|word| word.trim_matches(['\'', '"']).to_owned()).collect()
}

#[test]
fn the_parser_is_sound() {
    command().debug_assert();
}

#[test]
fn every_command_has_a_sentence_and_examples_that_it_takes() {
    for (path, leaf) in leaves() {
        assert!(leaf.get_about().is_some(), "{path:?} says nothing of itself");
        let after = leaf.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples: Vec<_> = after.lines().filter(|line| line.contains("kubepki ")).collect();
        assert!(!examples.is_empty(), "{path:?} has no examples");
        for example in examples {
            let words = words(example);
            assert!(words.starts_with(&path), "{example:?} is no example of {path:?}");
            let parsed = command().try_get_matches_from(&words);
            assert!(parsed.is_ok(), "{example:?}: {}", parsed.unwrap_err());
        }
    }
}

#[test]
fn every_option_says_what_it_does() {
    for (path, leaf) in leaves() {
        for argument in leaf.get_arguments() {
            assert!(argument.get_help().is_some(), "{path:?}: {} has no help", argument.get_id());
        }
    }
}

#[test]
fn a_remedy_gets_only_options_that_its_command_has() {
    let path = |name: &str| Some(PathBuf::from(name));
    let caller = Caller {
        rootfs: path("/mnt/node"),
        config: path("/srv/kubeadm.yaml"),
        is_at_the_node: true,
        lenient: true,
        node_name: Some("cp1".into()),
        certificates_dir: path("/srv/pki"),
        kubeconfig_dir: path("/srv/kubernetes"),
        kubelet_dir: path("/srv/kubelet"),
    };
    for (path, leaf) in leaves() {
        let completed = caller.complete(&format!("`{}`", path.join(" ")));
        let options = completed.trim_matches('`').split(' ').filter_map(|word| word.strip_prefix("--"));
        for option in options {
            let has = leaf.get_arguments().any(|argument| {
                argument.get_long() == Some(option)
                    || argument.get_all_aliases().is_some_and(|all| all.contains(&option))
            });
            assert!(has, "{path:?} has no --{option}");
        }
    }
}

#[test]
fn options_may_stand_in_front_of_the_verb_and_help_is_a_word_too() {
    let arranged = |text: &str| {
        let all = text.split(' ').map(Into::into).collect();
        line::arranged(&command(), all).map(|line| line.words.join(" ")).map_err(|error| error.to_string())
    };
    for (given, wanted) in [
        ("kubepki -o json version", "kubepki version -o json"),
        ("kubepki --rootfs /mnt certs --dry-run init ca", "kubepki certs init --rootfs /mnt --dry-run ca"),
        ("kubepki -v --config=x init", "kubepki init -v --config=x"),
        ("kubepki help certs init", "kubepki certs init --help"),
        ("kubepki help", "kubepki --help"),
        ("kubepki certs help", "kubepki certs --help"),
        ("kubepki certs help renew", "kubepki certs renew --help"),
        ("kubepki --version", "kubepki --version"),
        ("kubepki certs", "kubepki certs"),
        ("kubepki -ojson certs renew", "kubepki certs renew -ojson"),
        // What follows a misspelt option is its value, unless it is a command.
        ("kubepki --rotfs . check", "kubepki check --rotfs ."),
        ("kubepki --rotfs check", "kubepki check --rotfs"),
        ("kubepki certs --dryrun renew ca", "kubepki certs renew --dryrun ca"),
        ("kubepki --rotfs .", "kubepki --rotfs ."),
    ] {
        assert_eq!(arranged(given).as_deref(), Ok(wanted), "{given}");
    }
    for (given, error) in [
        ("kubepki -o json frobnicate", "unknown command 'frobnicate'"),
        ("kubepki --rotfs . frobnicate", "unknown command 'frobnicate'"),
        ("kubepki --help frobnicate", "unknown command 'frobnicate'"),
        ("kubepki --rootfs=/mnt", "--rootfs is an option of a command, and none is named"),
        ("kubepki -v -o json", "-o is an option of a command, and none is named"),
        ("kubepki certs --dry-run", "--dry-run is an option of a command, and none is named"),
    ] {
        assert_eq!(arranged(given).unwrap_err(), error, "{given}");
    }
}
