//! `check FOLDER`, and every other place where a file is read: what is not PEM is called what it is, with a command that
//! converts it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use kubepki::audit::Finding;
use kubepki::key::PrivateKey;
use kubepki::ops::certificates;
use kubepki::ops::check::{CheckReport, CheckRequest, Status, check};
use kubepki::ops::import::{self, ImportRequest};
use kubepki::x509::CertificateRequest;

use super::support::*;

fn checked(paths: &[&Path]) -> CheckReport {
    let mut request = CheckRequest::default();
    // A node of its own, without a file.
    let elsewhere = tempfile::tempdir().unwrap();
    request.node.certificates_dir = Some(elsewhere.path().to_owned());
    request.node.kubeconfig_dir = Some(elsewhere.path().to_owned());
    elsewhere.path().clone_into(&mut request.kubelet_dir);
    request.extra = paths.iter().map(|path| (*path).to_owned()).collect();
    check(&request, now()).unwrap()
}

fn about<'a>(report: &'a CheckReport, path: &Path) -> Vec<&'a Finding> {
    report.findings.iter().filter(|finding| finding.path.as_deref() == Some(path)).collect()
}

fn openssl(arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs every command of a remedy, as a person would.
fn follow(remedy: &str) {
    let commands: Vec<_> = remedy.split('`').skip(1).step_by(2).collect();
    assert!(!commands.is_empty(), "{remedy}");
    for command in commands {
        let mut shell = Command::new("setsid")
            .args(["sh", "-c", command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The passphrase, where one is asked for; a command that asks for none may have ended already.
        if let Err(error) = std::io::Write::write_all(&mut shell.stdin.take().unwrap(), b"secret\n") {
            assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe, "{command}");
        }
        let output = shell.wait_with_output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The files of a folder in which everything is made from the first one.
struct Forms {
    folder: tempfile::TempDir,
}

impl Forms {
    /// The CA's certificate of a golden case, its key, and every form that openssl makes of them.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let forms = Self { folder };
        let pki = case("minimal").join("kubernetes/pki");
        for (name, from) in [("good.crt", "apiserver-kubelet-client.crt"), ("good.key", "apiserver-kubelet-client.key")]
        {
            fs::copy(pki.join(from), forms.path(name)).unwrap();
        }
        let csr = case("minimal").join("csr/pki/apiserver.csr");
        fs::copy(csr, forms.path("good.csr")).unwrap();
        forms
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> std::path::PathBuf {
        fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Certificates in every form: file, a word of the message, whether a command converts it.
    fn certificates(&self) -> Vec<(&'static str, &'static str, bool)> {
        let (crt, key) = (self.text("good.crt"), self.text("good.key"));
        openssl(&["x509", "-in", &crt, "-outform", "DER", "-out", &self.text("der.crt")]);
        openssl(&["crl2pkcs7", "-nocrl", "-certfile", &crt, "-out", &self.text("pem.p7b")]);
        openssl(&["crl2pkcs7", "-nocrl", "-certfile", &crt, "-outform", "DER", "-out", &self.text("der.p7c")]);
        openssl(&[
            "pkcs12",
            "-export",
            "-in",
            &crt,
            "-inkey",
            &key,
            "-passout",
            "pass:secret",
            "-out",
            &self.text("both.p12"),
        ]);
        openssl(&["x509", "-in", &crt, "-trustout", "-addtrust", "serverAuth", "-out", &self.text("trusted.pem")]);
        let pem = self.read("good.crt");
        let der = self.read("der.crt");
        let utf16: Vec<u8> = str::from_utf8(&pem).unwrap().encode_utf16().flat_map(u16::to_le_bytes).collect();
        let base64 = |bytes: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
        self.write("bom.crt", [b"\xef\xbb\xbf".as_slice(), &pem].concat());
        self.write("utf16.pem", [b"\xff\xfe".to_vec(), utf16].concat());
        self.write("once-more.crt", base64(&pem));
        self.write("bare.pem", base64(&der));
        self.write(
            "old-label.pem",
            String::from_utf8(pem.clone()).unwrap().replace(" CERTIFICATE", " X509 CERTIFICATE"),
        );
        self.write("zeros.crt", [0; 2048]);
        self.write("cfssl.crt", r#"{"cert": "-----BEGIN..."}"#);
        self.write("secret.pem", "apiVersion: v1\nkind: Secret\ndata:\n  tls.crt: LS0t\n");
        self.write("page.crt", "<!DOCTYPE html><html></html>");
        self.write("key.crt", self.read("good.key"));
        self.write("request.crt", self.read("good.csr"));
        vec![
            ("der.crt", "DER", true),
            ("pem.p7b", "PKCS#7", true),
            ("der.p7c", "PKCS#7", true),
            ("both.p12", "PKCS#12", true),
            ("trusted.pem", "TRUSTED CERTIFICATE", true),
            ("bom.crt", "byte order mark", true),
            ("utf16.pem", "UTF-16", true),
            ("once-more.crt", "base64", true),
            ("bare.pem", "base64", true),
            ("old-label.pem", "old label", true),
            ("zeros.crt", "zero bytes", false),
            ("cfssl.crt", "JSON", false),
            ("secret.pem", "Secret", false),
            ("page.crt", "HTML", false),
            ("key.crt", "private key", false),
            ("request.crt", "signing request", false),
        ]
    }
}

#[test]
fn a_form_that_is_not_pem_is_named_and_its_command_makes_pem_of_it() {
    let forms = Forms::new();
    for (name, word, converts) in forms.certificates() {
        let path = forms.path(name);
        let report = checked(&[&path]);
        let findings = about(&report, &path);
        let [finding] = findings.as_slice() else { panic!("{name}: {findings:?}") };
        assert_eq!(finding.code, "x509.other_format", "{name}: {finding:?}");
        assert!(finding.evidence.contains(word), "{name}: {}", finding.evidence);
        assert_eq!(finding.remedy.contains('`'), converts, "{name}: {}", finding.remedy);
        if converts {
            follow(&finding.remedy);
            let made = forms.path(&format!("{name}.pem"));
            let made = if made.exists() { made } else { path };
            let report = checked(&[&made]);
            assert_eq!(about(&report, &made).iter().filter(|one| one.is_critical()).count(), 0, "{name}: {report:?}");
            assert_eq!(report.certificates.len(), 1, "{name}");
        }
    }
}

#[test]
fn keys_and_requests_in_other_forms_are_named_and_converted_too() {
    let forms = Forms::new();
    let (key, csr) = (forms.text("good.key"), forms.text("good.csr"));
    openssl(&["pkey", "-in", &key, "-outform", "DER", "-out", &forms.text("der.key")]);
    openssl(&["pkcs8", "-topk8", "-nocrypt", "-in", &key, "-outform", "DER", "-out", &forms.text("pkcs8.der")]);
    openssl(&[
        "pkcs8",
        "-topk8",
        "-in",
        &key,
        "-passout",
        "pass:secret",
        "-outform",
        "DER",
        "-out",
        &forms.text("locked.der"),
    ]);
    openssl(&["pkcs8", "-topk8", "-in", &key, "-passout", "pass:secret", "-out", &forms.text("locked.key")]);
    openssl(&[
        "rsa",
        "-in",
        &key,
        "-aes128",
        "-passout",
        "pass:secret",
        "-traditional",
        "-out",
        &forms.text("old-locked.key"),
    ]);
    openssl(&["req", "-in", &csr, "-outform", "DER", "-out", &forms.text("der.csr")]);
    let tree = |path: &Path| kubepki::store::Store::new(None).unwrap().read([path]);
    let read_key = |path: &Path| kubepki::inventory::Part::read(&tree(path), path, PrivateKey::from_pem);
    for (name, code) in [
        ("der.key", "key.other_format"),
        ("pkcs8.der", "key.other_format"),
        ("locked.der", "key.other_format"),
        ("locked.key", "key.encrypted"),
        ("old-locked.key", "key.encrypted"),
    ] {
        let path = forms.path(name);
        let kubepki::inventory::Part::Broken(fault) = read_key(&path) else { panic!("{name}") };
        assert_eq!(fault.code, code, "{name}");
        follow(&fault.hint);
        let made = ["pem", "plain"].map(|ending| forms.path(&format!("{name}.{ending}")));
        let made = made.iter().find(|made| made.exists()).unwrap();
        let read = read_key(made);
        assert!(read.present().is_some(), "{name}: {read:?}");
    }
    let path = forms.path("der.csr");
    let part = kubepki::inventory::Part::read(&tree(&path), &path, CertificateRequest::from_pem);
    let kubepki::inventory::Part::Broken(fault) = part else { panic!("{part:?}") };
    assert_eq!(fault.code, "x509.other_format");
    assert!(fault.message.contains("DER"), "{}", fault.message);
    follow(&fault.hint);
    CertificateRequest::from_pem(&forms.read("der.csr.pem")).unwrap();
}

#[test]
fn a_folder_tells_of_all_that_claims_to_be_a_certificate_or_a_kubeconfig() {
    let forms = Forms::new();
    let mut damaged: Vec<String> = forms.certificates().into_iter().map(|(name, ..)| name.to_owned()).collect();
    let pem = forms.read("good.crt");
    let der = forms.read("der.crt");
    let admin = fs::read(case("minimal").join("kubernetes/admin.conf")).unwrap();
    for (name, content) in [
        ("empty.crt", Vec::new()),
        ("empty.pem", Vec::new()),
        ("kubelet-client-current.pem", pem[..pem.len() / 2].to_vec()),
        ("flipped.cer", String::from_utf8(pem.clone()).unwrap().replacen("MII", "M!!", 1).into_bytes()),
        ("cut.der", der[..der.len() / 2].to_vec()),
        ("words.crt", b"hello\n".to_vec()),
        ("noise.p12", b"\x00\x01\x02".to_vec()),
        ("UPPER.CRT", b"x".to_vec()),
        ("by-its-beginning", pem[..pem.len() / 2].to_vec()),
        ("der-without-ending", der.clone()),
        ("admin.conf", admin[..admin.len() / 2].to_vec()),
        ("kubelet.conf", Vec::new()),
        ("scheduler.conf", vec![0; 512]),
        ("other.conf", String::from_utf8(admin.clone()).unwrap().replace("server: ", "server: 5 #").into_bytes()),
        ("a.kubeconfig", b"- a\n".to_vec()),
        ("kubeconfig", Vec::new()),
        ("config.json", br#"{"apiVersion": "v1", "kind": "Config", "users": 5}"#.to_vec()),
        ("noise.conf", b"\xff\x00\x12".to_vec()),
        (
            "folded.conf",
            String::from_utf8(admin.clone()).unwrap().replace("name: kubernetes-admin\n", "name: 5\n").into_bytes(),
        ),
    ] {
        forms.write(name, content);
        damaged.push(name.to_owned());
    }
    // Neither by name nor by beginning.
    let passed_over = [
        ("notes.txt", b"hello".to_vec()),
        ("nginx.conf", b"worker_processes 1;\n".to_vec()),
        ("kubelet-config.yaml", b"apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n".to_vec()),
        ("dhparam.pem", b"-----BEGIN DH PARAMETERS-----\nMAA=\n-----END DH PARAMETERS-----\n".to_vec()),
        ("key.pem", forms.read("good.key")),
        ("empty.txt", Vec::new()),
        ("join.conf", b"apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\n".to_vec()),
    ];
    for (name, content) in &passed_over {
        forms.write(name, content);
    }
    let report = checked(&[forms.folder.path()]);
    assert_eq!(report.status, Status::Critical);
    for name in &damaged {
        let path = forms.path(name);
        let findings = about(&report, &path);
        assert!(findings.iter().any(|one| one.is_critical()), "{name}: nothing is said");
        for finding in findings {
            let shown = format!("{} {}", finding.evidence, finding.remedy);
            for word in ["nom", "Eof", "TooSmall", "Error", "Incomplete", "Err("] {
                assert!(!shown.contains(word), "{name}: {shown}");
            }
        }
    }
    for (name, _) in &passed_over {
        assert!(about(&report, &forms.path(name)).is_empty(), "{name}: {:?}", about(&report, &forms.path(name)));
    }
    assert_eq!(report.certificates.iter().map(|one| one.path.clone()).collect::<Vec<_>>(), [forms.path("good.crt")]);
}

#[test]
fn import_and_reading_name_the_form_too() {
    let forms = Forms::new();
    let forms_of_certificates = forms.certificates();
    let node = Node::golden("minimal");
    for (name, word, _) in &forms_of_certificates {
        let path = forms.path(name);
        let request =
            ImportRequest { node: node.request.node.clone(), paths: vec![path.clone()], ..ImportRequest::default() };
        let planned = import::plan(&request, node.now).unwrap();
        assert!(
            planned.plan.findings.iter().any(|one| one.code == "x509.other_format" && one.evidence.contains(word)),
            "{name}: {:?}",
            planned.plan.findings
        );
        let read = certificates::read(&[path], None, node.now).unwrap();
        let shown = serde_json::to_string(&read).unwrap();
        assert!(shown.contains("x509.other_format") && shown.contains(word), "{name}: {shown}");
    }
}
