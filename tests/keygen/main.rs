//! RSA keys as they leave the crate: judged by openssl, made by many threads and processes, and timed.
//!
//! `make soak KEYS=10000` has as many keys of each size judged by `judge.py`;
//! `cargo test --release --test keygen measure -- --ignored --nocapture` compares the speed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stderr, missing_docs)]

mod measure;
mod weak;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use kubepki::key::{Algorithm, PrivateKey, generation_method};

const SIZES: [Algorithm; 3] = [Algorithm::Rsa2048, Algorithm::Rsa3072, Algorithm::Rsa4096];

fn has_openssl() -> bool {
    let found = Command::new("openssl").arg("version").output().is_ok();
    if !found {
        eprintln!("skipped: there is no openssl on PATH");
    }
    found
}

/// `openssl rsa -check`: the factors are prime by OpenSSL's own test, n, d and the CRT values fit.
fn openssl_accepts(pem: &[u8]) -> bool {
    let mut child = Command::new("openssl")
        .args(["rsa", "-check", "-noout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(pem).unwrap();
    let output = child.wait_with_output().unwrap();
    output.status.success() && output.stdout.starts_with(b"RSA key ok")
}

#[test]
fn openssl_accepts_keys_of_each_size() {
    if !has_openssl() {
        return;
    }
    for algorithm in SIZES {
        for _ in 0..3 {
            let key = PrivateKey::generate(algorithm).unwrap();
            assert_eq!(key.kind(), algorithm.as_str());
            assert!(openssl_accepts(key.to_pem().expose()), "{algorithm}");
        }
    }
    assert!(!openssl_accepts(b"not a key"));
}

#[test]
fn one_key_of_each_size() {
    let kinds = SIZES.map(|algorithm| PrivateKey::generate(algorithm).unwrap().kind());
    assert_eq!(kinds, SIZES.map(Algorithm::as_str));
}

#[test]
fn threads_make_keys_at_once_and_all_differ() {
    let keys: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let make = |_| PrivateKey::generate(Algorithm::Rsa2048).unwrap().public_key_info().to_vec();
                    (0..2).map(make).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), 16);
}

/// A fresh process each time. `tests/python/test_fork.py` forks without exec, which needs `unsafe` here.
#[test]
fn a_child_process_makes_its_own_keys() {
    const CHILD: &str = "KUBEPKI_TEST_CHILD";
    let own = PrivateKey::generate(Algorithm::Rsa2048).unwrap().public_key_pem();
    if std::env::var_os(CHILD).is_some() {
        eprintln!("{}", String::from_utf8(own).unwrap());
        return;
    }
    let child = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_child_process_makes_its_own_keys", "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap()
    };
    let (first, second) = (child(), child());
    assert!(first.status.success() && second.status.success());
    assert_ne!(first.stderr, second.stderr);
    assert!(String::from_utf8_lossy(&first.stderr).contains("BEGIN PUBLIC KEY"));
}

#[test]
fn the_variable_selects_the_method() {
    const CHILD: &str = "KUBEPKI_TEST_METHOD";
    if std::env::var_os(CHILD).is_some() {
        eprintln!("method: {}", generation_method());
        assert_eq!(PrivateKey::generate(Algorithm::Rsa2048).unwrap().kind(), "RSA-2048");
        return;
    }
    for (value, expected) in [("library", "method: library (aws-lc)"), ("single", "one exponentiation at a time")] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_variable_selects_the_method", "--nocapture"])
            .env(CHILD, "1")
            .env("KUBEPKI_KEYGEN", value)
            .output()
            .unwrap();
        assert!(output.status.success());
        let expected = if cfg!(feature = "library-keygen") { "method: library (aws-lc)" } else { expected };
        assert!(String::from_utf8_lossy(&output.stderr).contains(expected), "{value}");
    }
}

#[test]
#[ignore = "no test: writes KUBEPKI_SOAK_KEYS keys of each size as PEM to KUBEPKI_SOAK_PIPE for judge.py"]
fn emit() {
    let count: usize = std::env::var("KUBEPKI_SOAK_KEYS").unwrap().parse().unwrap();
    let mut pipe = std::fs::File::create(std::env::var_os("KUBEPKI_SOAK_PIPE").unwrap()).unwrap();
    for algorithm in SIZES {
        let count = if algorithm == Algorithm::Rsa4096 { count.div_ceil(20) } else { count };
        for _ in 0..count {
            pipe.write_all(PrivateKey::generate(algorithm).unwrap().to_pem().expose()).unwrap();
        }
    }
}
