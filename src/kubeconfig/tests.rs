//! The golden files, edits, comparison, and hostile input.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::error::Diagnostic;

const CASES: [&str; 7] = ["dual-stack", "ecdsa-p256", "external-etcd", "ha", "minimal", "v1beta3", "validity"];
const FILES: [&str; 5] =
    ["admin.conf", "controller-manager.conf", "kubelet.conf", "scheduler.conf", "super-admin.conf"];
const USERS: [&str; 3] = ["user-appdevs.conf", "user-two-orgs.conf", "user-token.conf"];

fn compare(
    existing: &[u8],
    expected_ca_pems: &[&[u8]],
    expected_server: &str,
    read: impl FnOnce(&str) -> Option<Vec<u8>>,
) -> Vec<Mismatch> {
    match Kubeconfig::parse(existing) {
        Ok(existing) => super::compare(&existing, expected_ca_pems, expected_server, read),
        Err(error) => vec![Mismatch::Unusable(error)],
    }
}

fn golden(path: impl AsRef<Path>) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(path);
    // Tests read their golden files themselves; only shipped code goes through `store`.
    #[allow(clippy::disallowed_methods)]
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every kubeconfig file of the golden cases.
fn files() -> Vec<(PathBuf, Vec<u8>)> {
    CASES
        .iter()
        .flat_map(|case| ["kubernetes", "csr"].map(|folder| Path::new(case).join(folder)))
        .flat_map(|folder| FILES.map(|file| folder.join(file)))
        .map(|path| (path.clone(), golden(&path)))
        .collect()
}

/// All but the users of a kubeconfig whose current user is `u`.
const CHAIN: &str =
    "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\nclusters: [{name: c}]\n";

fn text(kubeconfig: &Kubeconfig) -> String {
    String::from_utf8(kubeconfig.to_yaml().expose().to_vec()).unwrap()
}

fn parsed(text: &str) -> Kubeconfig {
    Kubeconfig::parse(text.as_bytes()).unwrap()
}

fn code(text: &str) -> &'static str {
    let error = match Kubeconfig::parse(text.as_bytes()) {
        Err(error) => error,
        Ok(kubeconfig) => kubeconfig.current().unwrap_err(),
    };
    assert!(!error.hint().is_empty() && error.context().is_object());
    error.code().as_str()
}

#[test]
fn golden_files_come_out_as_they_went_in() {
    for (path, content) in files() {
        let kubeconfig = Kubeconfig::parse(&content).unwrap();
        assert_eq!(text(&kubeconfig).as_bytes(), content, "{}", path.display());
    }
    for path in CASES.iter().flat_map(|case| USERS.map(|file| Path::new(case).join(file))) {
        let content = golden(&path);
        let kubeconfig = Kubeconfig::parse(&content).unwrap();
        assert_eq!(format!("{}\n", text(&kubeconfig)).as_bytes(), content, "{}", path.display());
    }
}

/// Makes a kubeconfig anew from what its current context says.
fn remade(content: &[u8]) -> Kubeconfig {
    let read = Kubeconfig::parse(content).unwrap();
    let current = read.current().unwrap();
    assert_eq!(current.context, format!("{}@{}", current.user, current.cluster));
    let client = match (current.client_certificate_data, current.client_key_data, current.token) {
        (Some(certificate_pem), Some(key_pem), None) => Client::Certificate { certificate_pem, key_pem },
        (None, Some(key_pem), None) => Client::Key { key_pem },
        (None, None, Some(token)) => Client::Token(token),
        other => panic!("{other:?}"),
    };
    Kubeconfig::new(&ClientConfig {
        cluster_name: current.cluster,
        server: current.server.unwrap(),
        certificate_authority_pem: current.certificate_authority_data.as_deref(),
        user: current.user,
        client,
    })
}

#[test]
fn new_kubeconfigs_equal_the_golden_files() {
    for (path, content) in files() {
        assert_eq!(text(&remade(&content)).as_bytes(), content, "{}", path.display());
    }
    for file in USERS {
        let content = golden(Path::new("minimal").join(file));
        assert_eq!(format!("{}\n", text(&remade(&content))).as_bytes(), content, "{file}");
    }
}

#[test]
fn the_current_context_gives_the_pem_that_was_embedded() {
    let kubeconfig = Kubeconfig::parse(&golden("minimal/kubernetes/admin.conf")).unwrap();
    let current = kubeconfig.current().unwrap();
    assert_eq!(current.context, "kubernetes-admin@kubernetes");
    assert_eq!(current.user, "kubernetes-admin");
    assert_eq!(current.certificate_authority_data, Some(golden("minimal/kubernetes/pki/ca.crt")));
    let certificate = current.client_certificate_data.clone().unwrap();
    assert!(certificate.starts_with(b"-----BEGIN CERTIFICATE-----\n"));
    let key = current.client_key_data.clone().unwrap();
    assert!(key.expose().starts_with(b"-----BEGIN RSA PRIVATE KEY-----\n"));
    assert_eq!((current.token.clone(), current.client_key), (None, None));
    assert!(current.other_credentials.is_empty());
}

/// A file as people make them: comments, flow style, foreign fields, several users, its own order.
const FOREIGN: &str = r#"# mine
kind: Config
apiVersion: v1
preferences: {}
current-context: "010"
users:
- name: other
  user: {token: "0x1F", x-note: keep me}
- user:
    client-certificate: /old.crt
    client-key: keys/old.key
    exec:
      command: login
      apiVersion: client.authentication.k8s.io/v1
      args: null
  name: me
contexts:
- {name: "010", context: {cluster: c, user: me, namespace: "1e3", extensions: [{name: e, extension: {z: 1, a: 010}}]}}
clusters:
- name: c
  cluster:
    server: https://192.0.2.1:6443
    certificate-authority: /ca.crt
    proxy-url: socks5://127.0.0.1:1080
    insecure-skip-tls-verify: false
"#;

#[test]
fn an_edit_changes_what_was_edited_and_nothing_else() {
    let mut kubeconfig = parsed(FOREIGN);
    let before = text(&kubeconfig);
    kubeconfig.set_client_certificate("me", b"CERT", &Secret::new(b"KEY".to_vec())).unwrap();
    let expected = before.replace(
        "    client-certificate: /old.crt\n    client-key: keys/old.key\n",
        "    client-certificate-data: Q0VSVA==\n    client-key-data: S0VZ\n",
    );
    assert_eq!(text(&kubeconfig), expected);

    kubeconfig.set_certificate_authority("c", b"CA").unwrap();
    // A new key goes before the first that sorts after it, here `server`.
    let expected = expected.replace(
        "    server: https://192.0.2.1:6443\n    certificate-authority: /ca.crt\n",
        "    certificate-authority-data: Q0E=\n    server: https://192.0.2.1:6443\n",
    );
    assert_eq!(text(&kubeconfig), expected);

    kubeconfig.embed_client_certificate("me", b"CERT2").unwrap();
    assert_eq!(text(&kubeconfig), expected.replace("Q0VSVA==", "Q0VSVDI="));

    kubeconfig.set_client_paths("me", "/new.pem", "/new.pem").unwrap();
    let current = kubeconfig.current().unwrap();
    assert_eq!((current.client_certificate, current.client_key), (Some("/new.pem"), Some("/new.pem")));
    assert_eq!((current.client_certificate_data.clone(), current.client_key_data.clone()), (None, None));
    assert_eq!(current.other_credentials, ["exec"]);
    assert!(text(&kubeconfig).contains("token: \"0x1F\"\n    x-note: keep me\n"));
    assert!(text(&kubeconfig).contains("        z: 1\n        a: 010\n"));
}

#[test]
fn an_edit_of_what_is_not_there_is_refused_and_changes_nothing() {
    let mut kubeconfig = parsed(FOREIGN);
    let key = Secret::new(b"KEY".to_vec());
    let error = kubeconfig.set_client_certificate("nobody", b"CERT", &key).unwrap_err();
    assert_eq!(error.code(), "kubeconfig.user_missing");
    assert_eq!(error.hint(), "name one of other, me");
    let error = kubeconfig.set_certificate_authority("nowhere", b"CA").unwrap_err();
    assert_eq!(error.code(), "kubeconfig.cluster_missing");
    assert_eq!(kubeconfig, parsed(FOREIGN));
    // An entry without content gets one.
    let mut bare = parsed("users:\n- name: a\n- name: b\n  user: null\n");
    bare.set_client_paths("b", "/c", "/k").unwrap();
    let expected = "users:\n- name: a\n- name: b\n  user:\n    client-certificate: /c\n    client-key: /k\n";
    assert_eq!(text(&bare), expected);
}

#[test]
fn renewing_a_golden_file_with_its_own_content_changes_no_byte() {
    for (path, content) in files() {
        let mut kubeconfig = Kubeconfig::parse(&content).unwrap();
        let again = kubeconfig.clone();
        let current = again.current().unwrap();
        if let (Some(certificate), Some(ca)) = (&current.client_certificate_data, &current.certificate_authority_data) {
            let key = current.client_key_data.clone().unwrap();
            kubeconfig.set_client_certificate(current.user, certificate, &key).unwrap();
            kubeconfig.set_certificate_authority(current.cluster, ca).unwrap();
        } else {
            // A CSR's kubeconfig, once signed, has the layout of a whole one.
            kubeconfig.embed_client_certificate(current.user, b"CERT").unwrap();
            kubeconfig.set_certificate_authority(current.cluster, b"CA").unwrap();
            assert_eq!(kubeconfig, remade(text(&kubeconfig).as_bytes()));
            continue;
        }
        assert_eq!(text(&kubeconfig).as_bytes(), content, "{}", path.display());
    }
}

#[test]
fn what_breaks_the_chain_is_named() {
    let chain = |current: &str, cluster: &str, user: &str| {
        format!(
            "current-context: {current}\ncontexts: [{{name: x, context: {{cluster: {cluster}, user: {user}}}}}]\n\
             clusters: [{{name: c, cluster: {{server: s}}}}]\nusers: [{{name: u, user: {{token: t}}}}]\n"
        )
    };
    assert!(parsed(&chain("x", "c", "u")).current().is_ok());
    assert_eq!(code(&chain("z", "c", "u")), "kubeconfig.context_missing");
    assert_eq!(code(&chain("x", "z", "u")), "kubeconfig.cluster_missing");
    assert_eq!(code(&chain("x", "c", "z")), "kubeconfig.user_missing");
    assert_eq!(code(""), "kubeconfig.context_missing");
    assert_eq!(code("contexts: [{context: {}}]\n"), "kubeconfig.context_missing");
    let error = parsed(&chain("z", "c", "u")).current().unwrap_err();
    assert_eq!(error.to_string(), r#"the current-context "z" is not among the contexts of the kubeconfig"#);
    assert_eq!(error.hint(), "set current-context: name one of x");
    assert_eq!(error.context(), serde_json::json!({ "context": "z", "known": ["x"] }));
}

#[test]
fn every_wrong_shape_has_its_code() {
    let user = |fields: &str| {
        format!(
            "current-context: x\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c}}]\nusers: [{{name: u, user: {fields}}}]\n"
        )
    };
    assert_eq!(code("a: ["), "kubeconfig.invalid_yaml");
    assert_eq!(code("a: !!int x\n"), "kubeconfig.unsupported_yaml");
    assert_eq!(code(&"[".repeat(100)), "kubeconfig.invalid_yaml");
    assert_eq!(code("a: &a [&b [1]]\nb: [*a,*a]\nnull: x\n"), "kubeconfig.unsupported_yaml");
    assert_eq!(code("just text"), "kubeconfig.not_a_kubeconfig");
    assert_eq!(code("kind: Pod\n"), "kubeconfig.not_a_kubeconfig");
    assert_eq!(code("apiVersion: v2\nkind: Config\n"), "kubeconfig.not_a_kubeconfig");
    assert_eq!(code("users: x\n"), "kubeconfig.wrong_type");
    assert_eq!(code("users: [x]\n"), "kubeconfig.wrong_type");
    assert_eq!(code("users: [{name: [], user: {}}]\n"), "kubeconfig.wrong_type");
    assert_eq!(code("users: [{name: a, user: []}]\n"), "kubeconfig.wrong_type");
    assert_eq!(code("users: [{name: a}, {name: a}]\n"), "kubeconfig.duplicate_name");
    assert_eq!(code(&user("{token: {}}")), "kubeconfig.wrong_type");
    assert_eq!(code(&user("{client-key-data: '*'}")), "kubeconfig.invalid_base64");
    assert_eq!(code(&user("{client-key-data: Zm9vZh}")), "kubeconfig.invalid_base64");
    let error = Kubeconfig::parse(b"ab\xff").unwrap_err();
    assert_eq!((error.code().as_str(), error.context()), ("kubeconfig.not_utf8", serde_json::json!({ "offset": 2 })));
    let chain = (1..100).map(|next| format!("c{next}: &c{next} [*c{}]\n", next - 1)).collect::<Vec<_>>().concat();
    assert_eq!(code(&format!("c0: &c0 [x]\n{chain}")), "kubeconfig.too_complex");
}

#[test]
fn lenient_forms_are_read() {
    let json = r#"{"apiVersion":"v1","kind":"Config","current-context":"x",
        "contexts":[{"name":"x","context":{"cluster":"c","user":"u"}}],
        "clusters":[{"name":"c","cluster":{"server":"","certificate-authority-data":"Q0E="}}],
        "users":[{"name":"u","user":{"token":"t","client-key-data":"","username":"me","exec":null}}]}"#;
    let kubeconfig = parsed(&format!("\u{feff}{json}"));
    let current = kubeconfig.current().unwrap();
    assert_eq!(current.certificate_authority_data.as_deref(), Some(&b"CA"[..]));
    assert_eq!((current.server, current.client_key_data.clone()), (None, None));
    assert_eq!(current.token, Some(Secret::new(b"t".to_vec())));
    assert_eq!(current.other_credentials, ["username"]);
    // A date is a string; a number or `yes` is none.
    assert_eq!(parsed("current-context: 2001-01-01\ncontexts: [{name: 2001-01-01}]\n").context_names(), ["2001-01-01"]);
    for other in ["010", "1e3", "yes", "1.5"] {
        assert_eq!(code(&format!("current-context: {other}\n")), "kubeconfig.wrong_type", "{other}");
    }
    // What clients pass over is noted.
    let twice = parsed("current-context: a\ncurrent-context: b\n---\nkind: List\n");
    assert_eq!(
        twice.passed_over().iter().map(Diagnostic::code).collect::<Vec<_>>(),
        ["kubeconfig.duplicate_key", "kubeconfig.unsupported_yaml"]
    );
    // The last letter may carry bits that no byte uses.
    let user = "users: [{name: u, user: {client-key-data: Zm9vZh==}}]\n";
    let kubeconfig = parsed(&format!("{CHAIN}{user}"));
    assert_eq!(kubeconfig.current().unwrap().client_key_data, Some(Secret::new(b"foof".to_vec())));
    // Wrapped base64, as `base64` prints it.
    let wrapped = "users:\n- name: u\n  user:\n    client-key-data: |\n      S0\n      VZ\n";
    let kubeconfig = parsed(&format!("{CHAIN}{wrapped}"));
    assert_eq!(kubeconfig.current().unwrap().client_key_data, Some(Secret::new(b"KEY".to_vec())));
}

#[test]
fn awkward_names_are_quoted_as_kubeadm_quotes_them() {
    for (name, written) in [("123", "\"123\""), ("true", "\"true\""), ("1e3", "\"1e3\""), ("a: b", "'a: b'")] {
        let kubeconfig = Kubeconfig::new(&ClientConfig {
            cluster_name: "@x",
            server: "https://192.0.2.10:6443",
            certificate_authority_pem: None,
            user: name,
            client: Client::Token(Secret::new(b"t".to_vec())),
        });
        let text = text(&kubeconfig);
        assert!(text.contains("    cluster: '@x'\n"));
        assert!(text.contains(&format!("users:\n- name: {written}\n  user:\n    token: t\n")), "{text}");
        assert_eq!(parsed(&text), kubeconfig);
    }
}

#[test]
fn debug_and_errors_show_no_secret() {
    let kubeconfig = parsed(
        "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\nclusters: [{name: c}]\n\
         users: [{name: u, user: {token: hunter2, password: hunter2, client-key-data: aHVudGVyMg==, note: hunter2}}]\n",
    );
    let secrets = ["hunter2", "aHVudGVyMg", "104, 117"];
    let client = Client::Key { key_pem: Secret::new(b"hunter2".to_vec()) };
    for shown in [format!("{kubeconfig:?}"), format!("{:?}", kubeconfig.current().unwrap()), format!("{client:?}")] {
        assert!(!secrets.iter().any(|secret| shown.contains(secret)), "{shown}");
    }
    for broken in [
        "users: [{name: u, user: {token: hunter2",
        "token: hunter2\n hunter2: x",
        "token: 'hunter2\n",
        "token: hunter2: x\n",
        "token: !!int hunter2\n",
        "token: *hunter2\n",
        "- hunter2\n",
        "hunter2",
        "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\nclusters: [{name: c}]\n\
         users: [{name: u, user: {client-key-data: '*hunter2*'}}]\n",
    ] {
        let error = Kubeconfig::parse(broken.as_bytes()).and_then(|read| read.current().map(|_| ())).unwrap_err();
        let shown = format!("{error} {error:?} {} {}", error.hint(), error.context());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn an_existing_file_of_the_same_cluster_matches() {
    let existing = golden("minimal/kubernetes/admin.conf");
    let ca = golden("minimal/kubernetes/pki/ca.crt");
    let other = golden("ha/kubernetes/pki/ca.crt");
    let server = "https://192.0.2.10:6443";
    let none = |_: &str| -> Option<Vec<u8>> { panic!("no path to read") };
    assert_eq!(compare(&existing, &[&ca], server, none), []);
    // Any of several, in one text or in many, with whitespace and words around.
    let padded = [b"\n\n subject=x\n".as_slice(), &other, b"\n", &ca, b"\n\n  "].concat();
    assert_eq!(compare(&existing, &[&padded], server, none), []);
    assert_eq!(compare(&existing, &[&other, &ca], server, none), []);
    // Only the first certificate of the existing data counts.
    let mut bundle = Kubeconfig::parse(&existing).unwrap();
    bundle.set_certificate_authority("kubernetes", &[other.as_slice(), &ca].concat()).unwrap();
    let mismatches = compare(bundle.to_yaml().expose(), &[&ca], server, none);
    assert!(matches!(mismatches[..], [Mismatch::OtherCertificateAuthority { .. }]));
    assert_eq!(compare(bundle.to_yaml().expose(), &[&other], server, none), []);
}

#[test]
fn all_mismatches_are_told_at_once_with_their_evidence() {
    let existing = golden("minimal/kubernetes/admin.conf");
    let other = golden("ha/kubernetes/pki/ca.crt");
    let mismatches = compare(&existing, &[&other], "https://ha:6443", |_| None);
    let codes: Vec<_> = mismatches.iter().map(Diagnostic::code).collect();
    assert_eq!(codes, ["kubeconfig.other_certificate_authority", "kubeconfig.other_server"]);
    let [Mismatch::OtherCertificateAuthority { cluster, found_sha256, expected_sha256 }, server] = &mismatches[..]
    else {
        panic!("{mismatches:?}")
    };
    assert_eq!((cluster.as_str(), found_sha256.len(), expected_sha256.len()), ("kubernetes", 64, 1));
    assert_ne!(Some(found_sha256), expected_sha256.first());
    let found = "https://192.0.2.10:6443".to_owned();
    assert_eq!(server, &Mismatch::OtherServer { found, expected: "https://ha:6443".into() });
    for mismatch in &mismatches {
        assert!(!mismatch.hint().is_empty() && mismatch.context().is_object());
    }
}

#[test]
fn each_mismatch_has_its_case() {
    let ca = golden("minimal/kubernetes/pki/ca.crt");
    let key = golden("minimal/kubernetes/pki/ca.key");
    let codes = |cluster: &str, file: Option<&[u8]>| -> Vec<&'static str> {
        let existing = format!(
            "current-context: x\ncontexts: [{{name: x, context: {{cluster: c, user: nobody}}}}]\n\
             clusters:\n- name: c\n  cluster: {cluster}\n"
        );
        let read = |path: &str| {
            assert_eq!(path, "pki/ca.crt");
            file.map(<[u8]>::to_vec)
        };
        compare(existing.as_bytes(), &[&ca], "s", read).iter().map(|one| one.code().as_str()).collect()
    };
    let path = "{server: s, certificate-authority: pki/ca.crt}";
    assert_eq!(codes(path, Some(&ca)), [""; 0]);
    assert_eq!(codes(path, None), ["kubeconfig.unreadable_certificate_authority"]);
    assert_eq!(codes(path, Some(&key)), ["kubeconfig.invalid_certificate_authority"]);
    assert_eq!(codes("{server: s}", None), ["kubeconfig.no_certificate_authority"]);
    assert_eq!(codes("{}", None), ["kubeconfig.no_certificate_authority", "kubeconfig.other_server"]);
    let garbage = "{server: s, certificate-authority-data: Q0E=, certificate-authority: pki/ca.crt}";
    assert_eq!(codes(garbage, Some(&ca)), ["kubeconfig.invalid_certificate_authority"]);
    // PEM around what is no certificate.
    let hollow = b"-----BEGIN CERTIFICATE-----\nQ0E=\n-----END CERTIFICATE-----\n";
    assert_eq!(codes(path, Some(hollow)), ["kubeconfig.invalid_certificate_authority"]);
    assert_eq!(codes("{server: s, certificate-authority-data: '*'}", None), ["kubeconfig.invalid_base64"]);

    let unusable = |existing: &str| {
        let mismatches = compare(existing.as_bytes(), &[&ca], "s", |_| None);
        assert_eq!(mismatches.len(), 1);
        mismatches.first().map(|one| one.code().as_str())
    };
    assert_eq!(unusable("a: ["), Some("kubeconfig.invalid_yaml"));
    assert_eq!(unusable(""), Some("kubeconfig.context_missing"));
    assert_eq!(
        unusable("current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n"),
        Some("kubeconfig.cluster_missing")
    );
}

/// A golden file with a few bytes changed, put in or taken out.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (
        any::<prop::sample::Index>(),
        0..3_u8,
        prop_oneof![any::<u8>(), prop::sample::select(b":- \n'\"[]{}&*#|>".to_vec())],
    );
    let files =
        prop::sample::select(vec!["minimal/kubernetes/admin.conf", "minimal/user-token.conf", "ha/csr/kubelet.conf"]);
    (files, prop::collection::vec(change, 1..6)).prop_map(|(file, changes)| {
        let mut bytes = golden(file);
        for (place, kind, byte) in changes {
            let place = place.index(bytes.len());
            match kind {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                _ => drop(bytes.remove(place)),
            }
        }
        bytes
    })
}

/// Uses all there is of whatever can be read, and checks that writing keeps it.
fn exercise(bytes: &[u8]) -> Result<(), TestCaseError> {
    let _ = compare(bytes, &[b"x"], "s", |_| None);
    let Ok(mut kubeconfig) = Kubeconfig::parse(bytes) else { return Ok(()) };
    prop_assert_eq!(
        Kubeconfig::parse(kubeconfig.to_yaml().expose()).map(|read| read.root),
        Ok(kubeconfig.root.clone())
    );
    let _ = kubeconfig.current();
    let users: Vec<String> = kubeconfig.user_names().into_iter().map(str::to_owned).collect();
    for user in users {
        prop_assert!(kubeconfig.set_client_paths(&user, "/c", "/k").is_ok());
        prop_assert_eq!(
            Kubeconfig::parse(kubeconfig.to_yaml().expose()).map(|read| read.root),
            Ok(kubeconfig.root.clone())
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>()) {
        exercise(&bytes)?;
    }

    #[test]
    fn any_damage_is_read_or_refused(bytes in mutated()) {
        exercise(&bytes)?;
    }

    #[test]
    fn any_content_survives_writing_and_reading(
        cluster in any::<String>(), server in any::<String>(), user in any::<String>(), token in any::<String>(),
        ca in proptest::option::of(any::<Vec<u8>>()),
    ) {
        let kubeconfig = Kubeconfig::new(&ClientConfig {
            cluster_name: &cluster,
            server: &server,
            certificate_authority_pem: ca.as_deref(),
            user: &user,
            client: Client::Token(Secret::new(token.clone().into_bytes())),
        });
        let read = Kubeconfig::parse(kubeconfig.to_yaml().expose());
        prop_assert_eq!(&read, &Ok(kubeconfig));
        let read = read.unwrap();
        let current = read.current().unwrap();
        prop_assert_eq!((current.cluster, current.user, current.server.unwrap_or_default()), (&*cluster, &*user, &*server));
        prop_assert_eq!(current.token.unwrap_or(Secret::new(Vec::new())), Secret::new(token.into_bytes()));
        prop_assert_eq!(current.certificate_authority_data.unwrap_or_default(), ca.unwrap_or_default());
    }
}
