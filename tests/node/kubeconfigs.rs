//! Kubeconfigs are read as client-go reads them: every case of `tests/hostile/kubeconfigs.yaml`, with its verdict.

use kubepki::request::Backups;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kubepki::ops::check::{CheckRequest, check};
use serde::Deserialize;

use super::client_go;
use super::support::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    base: String,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    #[serde(rename = "rule")]
    name: String,
    #[serde(rename = "source")]
    _source: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    client_go: String,
    /// Why kubepki refuses what client-go accepts.
    stricter: Option<String>,
    /// Why kubepki reads what client-go refuses.
    laxer: Option<String>,
    encoding: Option<String>,
    /// Parts of the base, each with what stands in its place.
    #[serde(default)]
    replace: Vec<(String, String)>,
    /// What stands behind the base.
    append: Option<String>,
    /// The whole text.
    text: Option<String>,
}

impl Case {
    fn text(&self, base: &str) -> String {
        let mut text = self.text.as_ref().map_or_else(|| base.to_owned(), |text| text.replace("@BASE@", base));
        for (part, other) in &self.replace {
            assert!(text.contains(part.as_str()), "{}: {part}", self.name);
            text = text.replacen(part.as_str(), other, 1);
        }
        text + self.append.as_deref().unwrap_or_default()
    }
}

fn corpus() -> Corpus {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/kubeconfigs.yaml");
    kubepki::yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

/// Letters in pieces of sixty, joined by `between`.
fn pieces(letters: &str, between: &str) -> String {
    let pieces: Vec<_> = letters.as_bytes().chunks(60).map(|piece| str::from_utf8(piece).unwrap()).collect();
    pieces.join(between)
}

fn without_passphrase(key: &[u8], folder: &Path) -> Vec<u8> {
    let path = folder.join("key-to-convert");
    fs::write(&path, key).unwrap();
    let output = Command::new("openssl").args(["pkcs8", "-topk8", "-nocrypt", "-in"]).arg(&path).output().unwrap();
    fs::remove_file(path).unwrap();
    output.stdout
}

/// What the placeholders stand for, and the files that kubeconfigs name.
fn materials(folder: &Path) -> BTreeMap<&'static str, String> {
    const LINES: &str = "\n      ";
    let pki = case("minimal").join("kubernetes/pki");
    let read = |name: &str| fs::read(pki.join(name)).unwrap();
    let (ca, certificate, key) =
        (read("ca.crt"), read("apiserver-kubelet-client.crt"), read("apiserver-kubelet-client.key"));
    let broken = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n".to_vec();
    let encrypted = b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
        DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\naGVsbG8=\n-----END RSA PRIVATE KEY-----\n";
    let noted = [b"note: ???~~~>>>\n".as_slice(), &ca].concat();
    let mut padded = ca.clone();
    while !base64(&padded).ends_with('=') {
        padded.push(b'\n');
    }
    // The last letter before the padding has bits that no byte uses.
    let padding = base64(&padded).bytes().filter(|byte| *byte == b'=').count();
    let letters = base64(&padded);
    let (start, last) = letters.trim_end_matches('=').split_at(letters.trim_end_matches('=').len() - 1);
    let bits = format!("{start}{}{}", char::from(last.as_bytes()[0] + 1), "=".repeat(padding));

    let files = folder.join("files");
    fs::create_dir(&files).unwrap();
    for (name, content) in [
        ("ca.crt", &ca),
        ("client.crt", &certificate),
        ("client.key", &key),
        ("empty", &Vec::new()),
        ("token", &b"abc\n".to_vec()),
    ] {
        fs::write(files.join(name), content).unwrap();
    }
    BTreeMap::from([
        ("@CA@", base64(&ca)),
        ("@CERT@", base64(&certificate)),
        ("@KEY@", base64(&key)),
        ("@CA-LINES@", pieces(&base64(&ca), LINES)),
        ("@CERT-LINES@", pieces(&base64(&certificate), LINES)),
        ("@KEY-LINES@", pieces(&base64(&key), LINES)),
        ("@CA-SPACED@", pieces(&base64(&ca), " ")),
        ("@CA-ESCAPED@", pieces(&base64(&ca), "\\n")),
        ("@CA-TABBED@", pieces(&base64(&ca), "\\t")),
        ("@CA-TEXT@", base64(&noted)),
        ("@CA-URL@", base64(&noted).replace('+', "-").replace('/', "_")),
        ("@CA-PADDED@", base64(&padded)),
        ("@CA-UNPADDED@", base64(&padded).trim_end_matches('=').to_owned()),
        ("@CA-BITS@", bits),
        ("@CA-TWICE@", base64(base64(&ca))),
        ("@CA-TWICE-LINES@", pieces(&base64(base64(&ca)), LINES)),
        ("@CA-PEM@", String::from_utf8(ca.clone()).unwrap().trim_end().replace('\n', LINES)),
        ("@CA-AND-BROKEN@", base64([ca.clone(), broken.clone()].concat())),
        ("@BROKEN-AND-CA@", base64([broken.clone(), ca.clone()].concat())),
        ("@BROKEN@", base64(&broken)),
        ("@CA-AND-KEY@", base64([ca.clone(), key.clone()].concat())),
        ("@CERT-AND-KEY@", base64([certificate.clone(), key.clone()].concat())),
        ("@CERT-AND-BROKEN@", base64([certificate.clone(), broken].concat())),
        ("@ENCRYPTED@", base64(encrypted)),
        ("@PKCS8@", base64(without_passphrase(&key, folder))),
    ])
}

fn encoded(text: &str, encoding: Option<&str>) -> Vec<u8> {
    let units = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    match encoding {
        None => text.as_bytes().to_vec(),
        Some("utf-16-le") => [b"\xff\xfe".to_vec(), units(u16::to_le_bytes)].concat(),
        Some("utf-16-be") => [b"\xfe\xff".to_vec(), units(u16::to_be_bytes)].concat(),
        Some("utf-16-without-mark") => units(u16::to_le_bytes),
        Some("latin-1") => text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect(),
        Some(other) => panic!("{other}"),
    }
}

/// Writes every case into `folder`, and returns its content.
fn write_cases(folder: &Path, corpus: &Corpus) -> BTreeMap<String, Vec<u8>> {
    let materials = materials(folder);
    let mut written = BTreeMap::new();
    for one in corpus.rules.iter().flat_map(|rule| &rule.cases) {
        let mut text = one.text(&corpus.base);
        for (placeholder, value) in &materials {
            text = text.replace(placeholder, value);
        }
        let content = encoded(&text, one.encoding.as_deref());
        let path = folder.join(format!("{}.conf", one.name));
        fs::write(&path, &content).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        assert!(written.insert(one.name.clone(), content).is_none(), "{} is there twice", one.name);
    }
    written
}

#[test]
fn check_refuses_what_client_go_refuses_and_reads_what_it_reads() {
    let corpus = corpus();
    let root = tempfile::tempdir().unwrap();
    let cases = write_cases(root.path(), &corpus);
    assert!(cases.len() > 600);
    let mut request = CheckRequest::default();
    request.node.rootfs = root.path().to_owned().into();
    request.extra = cases.keys().map(|name| format!("/{name}.conf").into()).collect();
    let report = check(&request, now()).unwrap();
    let mut refusals: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| finding.is_critical()) {
        let path = finding.subject.trim_start_matches('/').trim_end_matches(".conf");
        refusals.entry(path).or_default().push(format!("{}: {}", finding.code, finding.evidence));
    }
    let mut differences = Vec::new();
    for rule in &corpus.rules {
        for one in &rule.cases {
            let ours = refusals.get(one.name.as_str());
            let expected = (one.client_go != "accepted" || one.stricter.is_some()) && one.laxer.is_none();
            if ours.is_some() != expected {
                differences
                    .push(format!("{} ({}): client-go {}, kubepki {ours:?}", one.name, rule.name, one.client_go));
            }
            let is_of_kubeconfigs = |line: &String| !line.starts_with("x509.none");
            assert!(ours.is_none_or(|lines| lines.iter().any(is_of_kubeconfigs)), "{}: {ours:?}", one.name);
        }
    }
    assert!(differences.is_empty(), "{} of {}:\n{}", differences.len(), cases.len(), differences.join("\n"));
}

#[test]
fn the_verdicts_are_client_gos() {
    let corpus = corpus();
    let root = tempfile::tempdir().unwrap();
    write_cases(root.path(), &corpus);
    let Some(verdicts) = client_go::verdicts("kubeconfigs", root.path()) else { return };
    let differences: Vec<_> = corpus
        .rules
        .iter()
        .flat_map(|rule| &rule.cases)
        .filter(|one| verdicts[format!("{}.conf", one.name)]["stage"] != one.client_go.as_str())
        .map(|one| format!("{}: {} is {}", one.name, one.client_go, verdicts[format!("{}.conf", one.name)]))
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// What plans make of kubeconfigs that client-go refuses: nothing, or one that it reads.
#[test]
fn no_plan_writes_a_kubeconfig_that_client_go_refuses() {
    let corpus = corpus();
    let materials_folder = tempfile::tempdir().unwrap();
    let cases = write_cases(materials_folder.path(), &corpus);
    let judged = tempfile::tempdir().unwrap();
    let node = Node::golden("minimal");
    let admin = "/etc/kubernetes/admin.conf";
    let (mut renewed, mut blocked) = (0, 0);
    for (name, content) in &cases {
        for embeds in [false, true] {
            node.write(admin, content);
            node.set_mode(admin, 0o600);
            let plan = if embeds { embed_plan(&node) } else { renew_plan(&node) };
            let is_blocked = plan.findings.iter().any(kubepki::audit::Finding::is_critical);
            if is_blocked || plan.changes().next().is_none() {
                blocked += 1;
                continue;
            }
            apply_plan(&plan).unwrap();
            renewed += 1;
            let written = node.read(admin);
            // Keys and certificates in files of their own are the node's, not this folder's.
            let text = String::from_utf8_lossy(&written);
            if text.contains(" client-key: ") || text.contains(" client-certificate: ") {
                continue;
            }
            fs::write(judged.path().join(format!("{name}-{embeds}.conf")), written).unwrap();
        }
    }
    assert!(renewed > 100 && blocked > 300, "{renewed} {blocked}");
    fs::create_dir(judged.path().join("files")).unwrap();
    for name in ["ca.crt", "client.crt", "client.key", "token", "empty"] {
        fs::copy(materials_folder.path().join("files").join(name), judged.path().join("files").join(name)).unwrap();
    }
    let mut request = CheckRequest::default();
    request.node.rootfs = judged.path().to_owned().into();
    let names: Vec<_> =
        files(judged.path()).into_iter().filter(|path| path.extension().is_some_and(|one| one == "conf")).collect();
    request.extra = names.iter().map(|name| Path::new("/").join(name)).collect();
    let refused: Vec<_> =
        check(&request, node.now).unwrap().findings.into_iter().filter(kubepki::audit::Finding::is_critical).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    let Some(verdicts) = client_go::verdicts("kubeconfigs", judged.path()) else { return };
    for (name, verdict) in verdicts.as_object().unwrap() {
        assert_eq!(verdict["stage"], "accepted", "{name}: {verdict}");
    }
}

fn renew_plan(node: &Node) -> kubepki::plan::Plan {
    let request = kubepki::ops::renew::RenewRequest {
        node: node.request.node.clone(),
        names: kubepki::plan::generate::Selection::Names(vec!["admin.conf".into()]),
        backups: Backups::none(),
        algorithm: Some(kubepki::key::Algorithm::EcdsaP256),
        ..kubepki::ops::renew::RenewRequest::default()
    };
    kubepki::ops::renew::plan(&request, node.now).unwrap().plan
}

fn embed_plan(node: &Node) -> kubepki::plan::Plan {
    let request = kubepki::ops::embed::EmbedRequest {
        node: node.request.node.clone(),
        kubeconfigs: kubepki::plan::generate::Selection::Names(vec!["admin.conf".into()]),
        flatten: false,
        copies_of: None,
        client_certificate: None,
        client_key: None,
        certificate_authority: None,
        backups: Backups::none(),
        recover: false.into(),
    };
    kubepki::ops::embed::plan(&request, node.now).unwrap().plan
}
