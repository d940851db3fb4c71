//! `kubepki show` says what openssl says, in every form, and nothing private.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kubepki::audit::content::Content;
use kubepki::ops::show::{ShowRequest, ShownFile, show};
use kubepki::report;

use crate::support::*;

fn openssl(arguments: &[&str]) -> String {
    let done = Command::new("openssl").args(arguments).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

fn shown(path: &Path) -> ShownFile {
    let request = ShowRequest { files: vec![path.to_owned()], rootfs: None.into() };
    show(&request, &BTreeMap::new()).unwrap().remove(0)
}

/// Every certificate, request and key of the golden trees.
fn golden(endings: &[&str]) -> Vec<PathBuf> {
    let all = CASES.into_iter().flat_map(|name| {
        let tree = case(name);
        files(&tree).into_iter().map(move |file| tree.join(file))
    });
    all.filter(|path| endings.iter().any(|ending| path.extension().is_some_and(|found| found == *ending))).collect()
}

#[test]
fn a_certificate_says_what_openssl_says() {
    let all = golden(&["crt"]);
    assert!(all.len() > 50, "{}", all.len());
    for path in all {
        let file = path.to_str().unwrap();
        let [Content::Certificate { description, .. }] = &shown(&path).contents[..] else { panic!("{file}") };
        let of = |what: &[&str]| openssl(&[&["x509", "-in", file, "-noout"], what].concat());
        let serial = of(&["-serial"]).replace("serial=", "").to_lowercase();
        let ours = description.serial.clone().unwrap();
        assert_eq!(ours.trim_start_matches('0'), serial.trim_start_matches('0'), "{file}");
        let fingerprint = of(&["-fingerprint", "-sha256"]).to_lowercase().replace(':', "");
        assert!(fingerprint.ends_with(&description.sha256), "{file}");
        assert_eq!(of(&["-subject", "-nameopt", "RFC2253"]), format!("subject={}", description.subject), "{file}");
        let end = description.not_after.unwrap().format("%Y-%m-%d %H:%M:%SZ").to_string();
        assert_eq!(of(&["-enddate", "-dateopt", "iso_8601"]), format!("notAfter={end}"), "{file}");
        let text = of(&["-text"]);
        let named = description.extensions.iter().filter(|extension| !extension.name.is_empty()).count();
        assert_eq!(named, text.matches("X509v3 ").count() - text.matches("X509v3 extensions:").count(), "{text}");
        assert!(text.contains(&description.signature_algorithm), "{text}");
    }
}

#[test]
fn der_and_pkcs7_say_the_same_as_pem() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate, authority] =
        ["apiserver.crt", "ca.crt"].map(|file| case("minimal").join("kubernetes/pki").join(file));
    let path = |name: &str| folder.path().join(name);
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (pem, ca) = (text(&certificate), text(&authority));
    openssl(&["x509", "-in", &pem, "-outform", "DER", "-out", &text(&path("der"))]);
    assert_eq!(shown(&path("der")).contents, shown(&certificate).contents);
    for (form, name) in [("PEM", "p7.pem"), ("DER", "p7.der")] {
        let bundle = text(&path(name));
        openssl(&["crl2pkcs7", "-nocrl", "-certfile", &pem, "-certfile", &ca, "-outform", form, "-out", &bundle]);
        let all = shown(&path(name)).contents;
        assert_eq!(all.len(), 2, "{form}");
        for one in [&certificate, &authority] {
            assert!(all.contains(&shown(one).contents[0]), "{form}: {}", one.display());
        }
    }
}

#[test]
fn a_key_shows_its_public_half_alone() {
    let folder = tempfile::tempdir().unwrap();
    let key = case("minimal").join("kubernetes/pki/sa.key");
    let [Content::PrivateKey { key: kind, public_key_sha256 }] = &shown(&key).contents[..] else { panic!() };
    assert_eq!(kind, "RSA-2048");
    let public = folder.path().join("public.der");
    let (key_file, public_file) = (key.to_str().unwrap(), public.to_str().unwrap());
    openssl(&["pkey", "-in", key_file, "-pubout", "-outform", "DER", "-out", public_file]);
    let sum = openssl(&["dgst", "-sha256", public_file]);
    assert!(sum.ends_with(public_key_sha256), "{sum}");
    let [Content::PublicKey { public_key_sha256: alone, .. }] = &shown(&public).contents[..] else { panic!() };
    assert_eq!(alone, public_key_sha256);

    let sealed = folder.path().join("sealed.key");
    openssl(&["pkey", "-in", key_file, "-aes256", "-passout", "pass:x", "-out", sealed.to_str().unwrap()]);
    assert_eq!(shown(&sealed).contents, [Content::EncryptedPrivateKey]);
}

#[test]
fn a_kubeconfig_shows_its_certificates_and_none_of_its_secrets() {
    let path = case("minimal").join("kubernetes/admin.conf");
    let file = shown(&path);
    let [Content::Kubeconfig { clusters, users, .. }] = &file.contents[..] else { panic!("{file:?}") };
    assert!(matches!(clusters[0].authorities[..], [Content::Certificate { .. }]));
    let [Content::Certificate { kubeadm_name, .. }] = &users[0].certificates[..] else { panic!() };
    assert_eq!(kubeadm_name.as_deref(), Some("admin.conf"));
    assert!(matches!(users[0].keys[..], [Content::PrivateKey { .. }]));

    let folder = tempfile::tempdir().unwrap();
    let with_token = folder.path().join("token.conf");
    let text = "apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers:\n- name: bot\n  user: {token: s3cret-t0ken, password: hunter2}\n";
    fs::write(&with_token, text).unwrap();
    let file = shown(&with_token);
    let said = format!("{}{}", report::show::text(&file, now()), serde_json::to_string(&file).unwrap());
    assert!(said.contains("token") && said.contains("password"), "{said}");
    assert!(!said.contains("s3cret") && !said.contains("hunter2"), "{said}");
}

#[test]
fn what_cannot_be_shown_says_why_and_the_rest_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(case("minimal").join("kubernetes/pki/ca.crt")).unwrap();
    let cut = folder.path().join("cut.crt");
    fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let other = folder.path().join("notes.txt");
    fs::write(&other, "no certificate here\n").unwrap();
    let request = ShowRequest {
        files: vec![cut, other, folder.path().join("missing"), case("minimal").join("kubernetes/pki/ca.crt")],
        rootfs: None.into(),
    };
    let files = show(&request, &BTreeMap::new()).unwrap();
    let codes: Vec<_> = files.iter().map(|file| file.problem.as_ref().map(|fault| fault.code.as_str())).collect();
    assert_eq!(codes, [Some("x509.damaged"), Some("x509.none"), Some("store.missing"), None]);
    assert_eq!(files[3].contents.len(), 1);
}
