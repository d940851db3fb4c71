//! The tables of codes in `docs/reference` are made of the declarations in the sources.
//!
//! In a page, what is between `<!-- generated: NAME -->` and `<!-- end -->` is such a table; the prose around it is not
//! touched. `make reference` writes the tables, and the test here fails when one of them is not what it would write.

use std::fmt::Write as _;

use kubepki::audit::{FindingCode, RequestFault};
use kubepki::bundle::BundleError;
use kubepki::certificate_key::CertificateKeyError;
use kubepki::cli::CommandError;
use kubepki::config::{ConfigError, PROBLEMS};
use kubepki::edge::process::ProcessError;
use kubepki::edge::tls::ProbeError;
use kubepki::error::{Declaration, Declared as _, InternalError};
use kubepki::key::KeyError;
use kubepki::kubeconfig::{KubeconfigError, Mismatch};
use kubepki::ops::OperationError;
use kubepki::ops::cleanup::CleanupError;
use kubepki::ops::embed::EmbedError;
use kubepki::ops::output::OutputError;
use kubepki::ops::restart::RestartError;
use kubepki::ops::systemd::SystemdError;
use kubepki::plan::units::UnitError;
use kubepki::plan::user::UserError;
use kubepki::policy::PolicyError;
use kubepki::request::RequestError;
use kubepki::store::StoreError;
use kubepki::store::backup::BackupError;
use kubepki::x509::X509Error;

use crate::sources::root;

pub(crate) const PAGES: [&str; 3] = ["errors.md", "findings.md", "configuration.md"];

/// All errors; those of one area stand together, in this order.
fn errors() -> impl Iterator<Item = &'static Declaration> {
    [
        InternalError::DECLARATIONS,
        ConfigError::DECLARATIONS,
        CommandError::DECLARATIONS,
        RequestError::DECLARATIONS,
        OperationError::DECLARATIONS,
        PolicyError::DECLARATIONS,
        UserError::DECLARATIONS,
        CertificateKeyError::DECLARATIONS,
        BundleError::DECLARATIONS,
        EmbedError::DECLARATIONS,
        CleanupError::DECLARATIONS,
        OutputError::DECLARATIONS,
        BackupError::DECLARATIONS,
        UnitError::DECLARATIONS,
        SystemdError::DECLARATIONS,
        KeyError::DECLARATIONS,
        X509Error::DECLARATIONS,
        KubeconfigError::DECLARATIONS,
        Mismatch::DECLARATIONS,
        StoreError::DECLARATIONS,
        RestartError::DECLARATIONS,
        ProbeError::DECLARATIONS,
        ProcessError::DECLARATIONS,
    ]
    .into_iter()
    .flatten()
}

/// The table of this name: `findings`, `requests`, `problems`, or the area of some errors.
fn table(name: &str) -> String {
    match name {
        "findings" => findings(FindingCode::DECLARATIONS),
        "requests" => findings(RequestFault::DECLARATIONS),
        "problems" => rows(
            &["code", "severity", "what it means", "message, for example", "what to do"],
            PROBLEMS
                .iter()
                .map(|one| vec![code(one), kinds(one), text(one.meaning), text(one.example), text(one.remedy)]),
        ),
        area => rows(
            &["code", "category", "what it means, and what to do"],
            errors()
                .filter(|one| one.code.as_str().split('.').next() == Some(area))
                .map(|one| vec![code(one), kinds(one), text(one.meaning)]),
        ),
    }
}

fn findings(declarations: &[Declaration]) -> String {
    rows(
        &["code", "severity", "what it means", "what to do"],
        declarations.iter().map(|one| vec![code(one), kinds(one), text(one.meaning), text(one.remedy)]),
    )
}

fn rows(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for row in rows {
        writeln!(table, "| {} |", row.join(" | ")).unwrap();
    }
    table
}

fn code(one: &Declaration) -> String {
    format!("`{}`", one.code)
}

fn kinds(one: &Declaration) -> String {
    let lower = |kind: &str| kind[..1].to_lowercase() + &kind[1..];
    text(&one.kinds.iter().map(|kind| lower(kind)).collect::<Vec<_>>().join("; "))
}

fn text(text: &str) -> String {
    text.trim().replace('|', "\\|")
}

/// The page with its tables as they would be written.
fn written(page: &str) -> String {
    let mut parts = page.split("<!-- generated: ");
    let mut made = parts.next().unwrap().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(" -->\n").unwrap();
        let (_, rest) = rest.split_once("<!-- end -->").unwrap_or_else(|| panic!("{name} has no end"));
        write!(made, "<!-- generated: {name} -->\n{}<!-- end -->{rest}", table(name)).unwrap();
    }
    made
}

#[test]
fn the_tables_are_those_of_the_declarations() {
    for name in PAGES {
        let path = root().join("docs/reference").join(name);
        let page = std::fs::read_to_string(&path).unwrap();
        let made = written(&page);
        if std::env::var_os("KUBEPKI_WRITE_REFERENCE").is_some() {
            std::fs::write(&path, made).unwrap();
        } else {
            let stale = page.lines().zip(made.lines()).find(|(is, should)| is != should);
            assert!(page == made, "docs/reference/{name} is stale: run `make reference`; first: {stale:#?}");
        }
    }
}

#[test]
fn what_is_between_the_tables_stays() {
    let page = "# A\n\n<!-- generated: internal -->\nold\n<!-- end -->\n\nprose\n";
    let made = written(page);
    assert!(made.starts_with("# A\n\n<!-- generated: internal -->\n| code | category |"), "{made}");
    assert!(made.contains("\n| `internal.panic` | internal | A defect in kubepki: "), "{made}");
    assert!(made.ends_with(" |\n<!-- end -->\n\nprose\n"), "{made}");
    assert_eq!(written(&made), made);
}
