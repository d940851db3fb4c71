//! Certificates and findings as metrics, in the text format of Prometheus.
//!
//! In: what checks and audits saw. Out: samples. Names and labels of certificates are those of x509-certificate-exporter 4, so
//! that its dashboards and alerts work; what it does not know begins with `kubepki_`. A label without a value is left out,
//! which means the same.
//!
//! Source: Prometheus, "Exposition formats", text format 0.0.4; x509-certificate-exporter 4, docs/metrics.md and
//! pkg/registry/labels.go.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use chrono::{DateTime, Utc};

use crate::audit::node::Status;
use crate::audit::{Finding, SeenCertificate, Severity};
use crate::catalogue;
use crate::ops::audit::{FleetSummary, TreeReport};
use crate::ops::check::CheckReport;
use crate::text::{file_name, printable};

/// Who is said to have read the files.
const SOURCE_NAME: &str = "kubepki";

/// Parts of a name that are labels.
const FIELDS: [&str; 6] = ["C", "ST", "L", "O", "OU", "CN"];

/// The kinds of metric, their names and what they say.
const FAMILIES: [(&str, &str, &str); 13] = [
    ("x509_cert_not_after", "gauge", "Unix timestamp of the certificate's NotAfter."),
    ("x509_cert_not_before", "gauge", "Unix timestamp of the certificate's NotBefore."),
    ("x509_cert_expired", "gauge", "1 if the certificate is expired, 0 otherwise."),
    ("x509_cert_error", "gauge", "1 for a file that cannot be read as certificates, keys or a kubeconfig."),
    ("x509_source_up", "gauge", "1 if files could be looked at, 0 otherwise."),
    ("x509_source_bundles", "gauge", "How many files with certificates were read."),
    ("x509_source_errors_total", "counter", "How many files cannot be used, by the code of the finding."),
    ("kubepki_findings", "gauge", "How many findings there are, by severity and code."),
    ("kubepki_status", "gauge", "The state in the numbers of monitoring: 0 ok, 1 warning, 2 critical, 3 unknown."),
    ("kubepki_trees", "gauge", "How many trees of an audit are in which state."),
    ("kubepki_fleet_findings", "gauge", "How many findings there are between the trees of an audit."),
    ("kubepki_last_run_timestamp_seconds", "gauge", "The moment for which all of this holds."),
    ("kubepki_build_info", "gauge", "1, with the version of kubepki."),
];

type Labels = Vec<(&'static str, String)>;

/// Samples by their metric.
#[derive(Debug, Default)]
pub struct Metrics {
    families: BTreeMap<&'static str, BTreeSet<String>>,
}

/// What the samples of one tree have in common.
#[derive(Clone, Debug, Default)]
struct Of {
    tree: Option<String>,
    node: Option<String>,
    cluster: Option<String>,
}

impl Of {
    fn labels(&self) -> Labels {
        let all = [("tree", &self.tree), ("node", &self.node), ("cluster", &self.cluster)];
        all.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }
}

/// The metrics of one node.
#[must_use]
pub fn check(report: &CheckReport, version: &str) -> String {
    let mut metrics = Metrics::default();
    metrics.report(report, &Of::default());
    metrics.run(report.checked_at, version);
    metrics.text()
}

impl Metrics {
    /// Takes a tree of an audit.
    pub fn tree(&mut self, tree: &TreeReport) {
        let of = Of { tree: Some(tree.place()), node: tree.node.clone(), cluster: tree.cluster.clone() };
        match &tree.report {
            Some(report) => self.report(report, &of),
            None => self.add("kubepki_status", of.labels(), i64::from(tree.status.exit_code())),
        }
    }

    /// Takes what is known of all trees, and ends.
    #[must_use]
    pub fn fleet(mut self, summary: &FleetSummary, audited_at: DateTime<Utc>, version: &str) -> String {
        let counts = summary.counts;
        let each = [
            ("ok", counts.ok),
            ("warning", counts.warning),
            ("critical", counts.critical),
            ("unknown", counts.unknown),
        ];
        for (status, count) in each {
            self.add("kubepki_trees", vec![("status", status.to_owned())], number(count));
        }
        let findings: Vec<_> = summary.findings.iter().map(|one| &one.finding).collect();
        self.findings("kubepki_fleet_findings", &findings, &Of::default());
        self.run(audited_at, version);
        self.text()
    }

    fn report(&mut self, report: &CheckReport, of: &Of) {
        for seen in &report.certificates {
            let labels = [certificate(seen), of.labels()].concat();
            let is_expired = report.checked_at > seen.not_after;
            self.add("x509_cert_not_after", labels.clone(), seen.not_after.timestamp());
            self.add("x509_cert_not_before", labels.clone(), seen.not_before.timestamp());
            self.add("x509_cert_expired", labels, i64::from(is_expired));
        }
        let files: BTreeSet<&Path> = report.certificates.iter().map(|seen| seen.path.as_path()).collect();
        for kind in ["file", "kubeconfig"] {
            let is_kind = |path: &&&Path| kind_of(path) == kind;
            let source = || {
                let own = [("source_kind", kind.to_owned()), ("source_name", SOURCE_NAME.to_owned())];
                [own.to_vec(), of.labels()].concat()
            };
            self.add("x509_source_up", source(), i64::from(report.status != Status::Unknown));
            self.add("x509_source_bundles", source(), number(files.iter().filter(is_kind).count()));
            let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
            for finding in report.findings.iter().filter(|finding| is_unusable(finding)) {
                let Some(path) = finding.path.as_deref().filter(|path| kind_of(path) == kind) else { continue };
                *reasons.entry(finding.code.as_str()).or_default() += 1;
                self.add("x509_cert_error", [place(path), of.labels()].concat(), 1);
            }
            for (reason, count) in reasons {
                let labels = [source(), vec![("reason", reason.to_owned())]].concat();
                self.add("x509_source_errors_total", labels, number(count));
            }
        }
        self.findings("kubepki_findings", &report.findings.iter().collect::<Vec<_>>(), of);
        self.add("kubepki_status", of.labels(), i64::from(report.status.exit_code()));
    }

    fn findings(&mut self, name: &'static str, findings: &[&Finding], of: &Of) {
        let mut counts: BTreeMap<(Severity, &str), usize> = BTreeMap::new();
        for finding in findings {
            *counts.entry((finding.severity, finding.code.as_str())).or_default() += 1;
        }
        for ((severity, code), count) in counts {
            let own = vec![("severity", severity.to_string()), ("code", code.to_owned())];
            self.add(name, [own, of.labels()].concat(), number(count));
        }
    }

    fn run(&mut self, moment: DateTime<Utc>, version: &str) {
        self.add("kubepki_last_run_timestamp_seconds", Vec::new(), moment.timestamp());
        self.add("kubepki_build_info", vec![("version", version.to_owned())], 1);
    }

    /// A sample that is there already, as of a certificate that a kubeconfig leads to, is one sample.
    fn add(&mut self, name: &'static str, labels: Labels, value: i64) {
        let labels: Vec<_> = labels.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let shown: Vec<_> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if shown.is_empty() { String::new() } else { format!("{{{}}}", shown.join(",")) };
        self.families.entry(name).or_default().insert(format!("{name}{labels} {value}"));
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (name, kind, help) in FAMILIES {
            let Some(samples) = self.families.get(name) else { continue };
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for sample in samples {
                text.push_str(sample);
                text.push('\n');
            }
        }
        text
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn is_kubeconfig(path: &Path) -> bool {
    catalogue::kubeconfig_names().contains(&file_name(path).as_str()) || file_name(path).ends_with(".kubeconfig")
}

fn kind_of(path: &Path) -> &'static str {
    if is_kubeconfig(path) { "kubeconfig" } else { "file" }
}

/// Whether a file cannot be used as what it is: the areas of the codes that readers have.
fn is_unusable(finding: &Finding) -> bool {
    let area = finding.code.as_str().split('.').next().unwrap_or_default();
    ["store", "pem", "x509", "kubeconfig", "yaml"].contains(&area) && finding.severity == Severity::Critical
}

fn place(path: &Path) -> Labels {
    vec![("filename", file_name(path)), ("filepath", path.to_string_lossy().into_owned())]
}

/// The labels of a certificate.
fn certificate(seen: &SeenCertificate) -> Labels {
    let mut labels = vec![("serial_number", decimal(&seen.serial))];
    for (prefix, name) in [(SUBJECT, &seen.subject), (ISSUER, &seen.issuer)] {
        let parts = parts(name);
        labels.extend(FIELDS.iter().zip(prefix).map(|(field, label)| (label, value(&parts, field))));
    }
    labels.extend(place(&seen.path));
    if is_kubeconfig(&seen.path) {
        // kubeadm names the user as its certificate does.
        let user = value(&parts(&seen.subject), "CN");
        labels.extend([("embedded_kind", "user".to_owned()), ("embedded_key", user)]);
    }
    labels
}

const SUBJECT: [&str; 6] = ["subject_C", "subject_ST", "subject_L", "subject_O", "subject_OU", "subject_CN"];
const ISSUER: [&str; 6] = ["issuer_C", "issuer_ST", "issuer_L", "issuer_O", "issuer_OU", "issuer_CN"];

/// The first value of a field as the certificate has them, the last common name: as Go has it. The text is the other way
/// round (RFC 4514).
fn value(parts: &[(String, String)], field: &str) -> String {
    let mut values = parts.iter().filter(|(name, _)| name == field).map(|(_, value)| value);
    let value = if field == "CN" { values.next() } else { values.next_back() };
    value.cloned().unwrap_or_default()
}

/// The parts of a name in the text of RFC 4514, escapes undone.
fn parts(name: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let (mut field, mut bytes, mut in_value) = (String::new(), Vec::new(), false);
    let mut letters = name.chars();
    let mut end = |field: &mut String, bytes: &mut Vec<u8>| {
        let value = String::from_utf8_lossy(&std::mem::take(bytes)).into_owned();
        all.push((std::mem::take(field).trim().to_owned(), value));
    };
    let mut room = [0; 4];
    while let Some(letter) = letters.next() {
        match letter {
            '=' if !in_value => in_value = true,
            ',' | '+' => {
                end(&mut field, &mut bytes);
                in_value = false;
            }
            '\\' => {
                let rest = letters.as_str();
                let digits = rest.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
                match digits {
                    Some(byte) => {
                        bytes.push(byte);
                        letters = rest.get(2..).unwrap_or_default().chars();
                    }
                    None => bytes.extend(
                        letters.next().map(|next| next.encode_utf8(&mut room).as_bytes().to_vec()).unwrap_or_default(),
                    ),
                }
            }
            letter if in_value => bytes.extend(letter.encode_utf8(&mut room).as_bytes()),
            letter => field.push(letter),
        }
    }
    if in_value {
        end(&mut field, &mut bytes);
    }
    all
}

/// Hexadecimal digits as a decimal number of any length.
fn decimal(hexadecimal: &str) -> String {
    let mut digits: Vec<u32> = vec![0];
    for letter in hexadecimal.chars() {
        let Some(mut carry) = letter.to_digit(16) else { continue };
        for digit in &mut digits {
            let all = *digit * 16 + carry;
            (*digit, carry) = (all % 10, all / 10);
        }
        while carry > 0 {
            digits.push(carry % 10);
            carry /= 10;
        }
    }
    digits.iter().rev().filter_map(|digit| char::from_digit(*digit, 10)).collect()
}

/// A label's value as the text format has it. What a terminal must not get is escaped as everywhere, once more for the
/// format, which has an escape of its own for the end of a line.
fn escaped(value: &str) -> String {
    let line = |line: &str| printable(line).replace('\\', "\\\\").replace('"', "\\\"");
    value.split('\n').map(line).collect::<Vec<_>>().join("\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_decimal_as_the_exporter_has_it() {
        for (hexadecimal, number) in
            [("00", "0"), ("0a", "10"), ("ff", "255"), ("0100", "256"), ("ffffffffffffffff", "18446744073709551615")]
        {
            assert_eq!(decimal(hexadecimal), number);
        }
    }

    #[test]
    fn names_are_taken_apart_as_go_takes_them_apart() {
        let parts = parts("CN=a\\,b\\\"c\\C3\\BC,OU=2+OU=1,O=system:masters");
        assert_eq!(value(&parts, "CN"), "a,b\"cü");
        assert_eq!(value(&parts, "OU"), "1");
        assert_eq!(value(&parts, "O"), "system:masters");
        assert_eq!(value(&parts, "C"), "");
    }

    #[test]
    fn what_a_name_holds_cannot_end_its_label() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
        assert_eq!(escaped("a\u{1b}[2J\u{202e}"), "a\\\\x1b[2J\\\\u{202e}");
    }
}
