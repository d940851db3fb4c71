//! The golden outputs, missing and broken rows.

use std::path::Path;

use chrono::TimeDelta;
use serde_json::Value;

use super::*;
use crate::error::{Code, Diagnostic as _};
use crate::kubeconfig::KubeconfigError;
use crate::store::StoreError;

const CASES: [&str; 7] = ["dual-stack", "ecdsa-p256", "external-etcd", "ha", "minimal", "v1beta3", "validity"];

fn golden(case: &str, file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(case).join(file);
    // Tests read their golden files themselves; only shipped code goes through `store`.
    #[allow(clippy::disallowed_methods)]
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The rows of a golden JSON, last first, and the moment for which it was made.
fn report_of(case: &str) -> (ExpirationReport, DateTime<Utc>) {
    let document: Value = serde_json::from_str(&golden(case, "check-expiration.json")).unwrap();
    let rows = |list: &str| -> Vec<Row> {
        let row = |row: &Value| Row {
            name: row["name"].as_str().unwrap().into(),
            expires_at: row["expirationDate"].as_str().map(at),
            ca_name: row["caName"].as_str().map(str::to_owned),
            externally_managed: row["externallyManaged"].as_bool().unwrap(),
            state: if row["missing"] == Value::Bool(true) { RowState::Missing } else { RowState::Present },
        };
        document[list].as_array().unwrap().iter().rev().map(row).collect()
    };
    let first = &document["certificates"][0];
    let left = TimeDelta::seconds(first["residualTime"].as_i64().unwrap());
    let now = at(first["expirationDate"].as_str().unwrap()) - left;
    (ExpirationReport::new(rows("certificates"), rows("certificateAuthorities")), now)
}

#[test]
fn every_format_equals_kubeadms() {
    for case in CASES {
        let (report, now) = report_of(case);
        assert_eq!(report.to_text(now), golden(case, "check-expiration.txt"), "{case}");
        assert_eq!(report.to_json(now), golden(case, "check-expiration.json"), "{case}");
        assert_eq!(report.to_yaml(now), golden(case, "check-expiration.yaml"), "{case}");
        // What is left is cut to whole seconds, so a part of a second earlier changes nothing.
        assert_eq!(report.to_json(now - TimeDelta::milliseconds(999)), golden(case, "check-expiration.json"), "{case}");
        assert_ne!(report.to_json(now + TimeDelta::milliseconds(1)), golden(case, "check-expiration.json"), "{case}");
    }
}

fn row(name: &str, end: &str, ca_name: Option<&str>) -> Row {
    Row {
        name: name.into(),
        expires_at: Some(at(end)),
        ca_name: ca_name.map(str::to_owned),
        externally_managed: false,
        state: RowState::Present,
    }
}

fn without_end(name: &str, state: RowState) -> Row {
    // What a caller may know of a missing certificate is not shown.
    Row { name: name.into(), expires_at: None, ca_name: Some("ca".into()), externally_managed: true, state }
}

fn broken(code: Code) -> RowState {
    RowState::Broken(Fault::new(code, "cannot <read> it: \"x\"", ""))
}

fn mixed() -> (ExpirationReport, DateTime<Utc>) {
    let certificates = vec![
        without_end(
            "scheduler.conf",
            broken(KubeconfigError::InvalidYaml { line: 1, column: 1, problem: String::new() }.code()),
        ),
        row("front-proxy-client", "9999-12-31T23:59:59Z", Some("front-proxy-ca")),
        without_end("etcd-server", broken(StoreError::NO_PERMISSION)),
        without_end("apiserver", RowState::Missing),
        Row { externally_managed: true, ..row("admin.conf", "2026-01-01T00:00:00Z", Some("ca")) },
    ];
    let authorities = vec![
        Row { ca_name: None, ..without_end("etcd-ca", RowState::Missing) },
        row("ca", "2028-01-01T00:00:00Z", None),
    ];
    (ExpirationReport::new(certificates, authorities), at("2026-01-02T00:00:00Z"))
}

#[test]
fn missing_and_broken_rows_are_blank_to_the_last_column() {
    let (report, now) = mixed();
    let expected = [
        "CERTIFICATE                EXPIRES                  RESIDUAL TIME   CERTIFICATE AUTHORITY   EXTERNALLY MANAGED",
        "admin.conf                 Jan 01, 2026 00:00 UTC   <invalid>       ca                      yes     ",
        "!MISSING! apiserver                                                                         ",
        "!UNREADABLE! etcd-server                                                                    ",
        "front-proxy-client         Dec 31, 9999 23:59 UTC   292y            front-proxy-ca          no      ",
        "!CORRUPT! scheduler.conf                                                                    ",
        "",
        "CERTIFICATE AUTHORITY   EXPIRES                  RESIDUAL TIME   EXTERNALLY MANAGED",
        "ca                      Jan 01, 2028 00:00 UTC   729d            no      ",
        "!MISSING! etcd-ca                                                ",
        "",
    ];
    assert_eq!(report.to_text(now), expected.join("\n"));
}

#[test]
fn structured_rows_tell_missing_from_broken() {
    let (report, now) = mixed();
    let json: Value = serde_json::from_str(&report.to_json(now)).unwrap();
    let expired = &json["certificates"][0];
    assert_eq!((&expired["residualTime"], &expired["externallyManaged"]), (&Value::from(-86_400), &Value::from(true)));
    let missing = &json["certificates"][1];
    let expected = r#"        {
            "name": "apiserver",
            "expirationDate": null,
            "residualTime": 0,
            "externallyManaged": false,
            "missing": true
        },
        {
            "name": "etcd-server",
            "expirationDate": null,
            "residualTime": 0,
            "externallyManaged": true,
            "caName": "ca",
            "missing": false,
            "error": {
                "code": "store.no_permission",
                "message": "cannot \u003cread\u003e it: \"x\""
            }
        },
"#;
    assert_eq!(missing["missing"], Value::from(true));
    assert!(report.to_json(now).contains(expected), "{}", report.to_json(now));
    let expected = r#"- expirationDate: null
  externallyManaged: false
  missing: true
  name: apiserver
  residualTime: 0
- caName: ca
  expirationDate: null
  externallyManaged: true
  missing: false
  name: etcd-server
  residualTime: 0
  error:
    code: store.no_permission
    message: 'cannot <read> it: "x"'
"#;
    assert!(report.to_yaml(now).contains(expected), "{}", report.to_yaml(now));
}

#[test]
fn rows_sort_by_bytes_and_columns_count_characters() {
    let names = ["ééééééééé", "bbbbbbbbb", "B", "a-c", "a.conf", "a"];
    let certificates = names.map(|name| row(name, "2026-01-01T00:00:00Z", Some("ca"))).to_vec();
    let report = ExpirationReport::new(certificates, vec![]);
    let sorted: Vec<_> = report.certificates().iter().map(|row| row.name.as_str()).collect();
    assert_eq!(sorted, ["B", "a", "a-c", "a.conf", "bbbbbbbbb", "ééééééééé"]);
    let text = report.to_text(at("2026-01-01T00:00:00Z"));
    let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap().to_owned();
    assert_eq!(line("é").replace('é', "b"), line("b"));
    assert!(line("é").starts_with("ééééééééé     Jan 01"), "the header is the widest of its column");
}

#[test]
fn a_report_without_rows_has_its_headers() {
    let report = ExpirationReport::new(vec![], vec![]);
    let now = at("2026-01-01T00:00:00Z");
    // With nothing below it, a header is its own width; the narrowest is under the least width of a column.
    let expected = "CERTIFICATE   EXPIRES   RESIDUAL TIME   CERTIFICATE AUTHORITY   EXTERNALLY MANAGED\n\n\
                    CERTIFICATE AUTHORITY   EXPIRES   RESIDUAL TIME   EXTERNALLY MANAGED\n";
    assert_eq!(report.to_text(now), expected);
    assert!(report.to_json(now).contains("\"certificates\": [],\n    \"certificateAuthorities\": []\n"));
    assert!(report.to_yaml(now).contains("certificateAuthorities: []\ncertificates: []\n"));
}
