//! A user's kubeconfig that is there: kept as long as it is what is asked for, and made again for a reason that is said.

use std::os::unix::fs::PermissionsExt;

use kubepki::ops::Continue;
use kubepki::ops::output::Access;
use kubepki::ops::user::{Ensured, Order, Present, UserRequest, ensure};
use kubepki::request::{ClusterAccess, Signing, Span};
use kubepki::secret::Secret;

use super::support::*;

fn request(node: &Node) -> UserRequest {
    UserRequest {
        node: node.request.node.clone(),
        client_name: "jane".into(),
        organizations: vec!["qa".into(), "dev".into()],
        validity: Span::of_seconds(90 * 86_400),
        renew_before: Some(Span::of_seconds(30 * 86_400)),
        algorithm: None,
        server: None,
        allow_masters: false,
        outlive_ca: kubepki::plan::generate::OutliveAuthority::Refuse.into(),
        signing: Signing::default(),
        access: ClusterAccess::default(),
        token: None,
    }
}

fn order(text: Option<&[u8]>) -> Order {
    let present = Present::Text(text.map(|text| Secret::new(text.to_vec())));
    Order { present, force: false, dry_run: true, access: Access::default() }
}

fn made(node: &Node, wanted: &UserRequest) -> Vec<u8> {
    let order = Order { dry_run: false, ..order(None) };
    let ensured = ensure(wanted, &order, node.now, &mut |_| Continue::Yes).unwrap();
    assert_eq!(ensured.reason.unwrap().word.as_str(), "missing");
    ensured.text.unwrap().expose().to_vec()
}

fn looked(node: &Node, wanted: &UserRequest, text: &[u8]) -> Ensured {
    ensure(wanted, &order(Some(text)), node.now, &mut |_| panic!("a dry run makes no key")).unwrap()
}

/// The word of the reason for which it is not kept; empty when it is.
fn why(node: &Node, wanted: &UserRequest, text: &[u8]) -> &'static str {
    looked(node, wanted, text).reason.map_or("", |reason| reason.word.as_str())
}

fn replaced(text: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(text.to_vec()).unwrap();
    assert!(text.contains(from), "{from}");
    text.replace(from, to).into_bytes()
}

/// The line of the field, without its value.
fn without(text: &[u8], field: &str) -> Vec<u8> {
    let text = String::from_utf8(text.to_vec()).unwrap();
    let kept: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with(field)).collect();
    kept.join("\n").into_bytes()
}

#[test]
fn what_is_there_is_kept_in_every_form_that_kubectl_reads() {
    let node = Node::made(CONTROL_PLANE);
    let wanted = request(&node);
    let text = made(&node, &wanted);
    let kept = looked(&node, &wanted, &text);
    assert_eq!(kept.reason, None);
    assert_eq!(kept.text.unwrap().expose(), text);
    assert_eq!(kept.facts.subject.as_deref(), Some("CN=jane,O=qa+O=dev"));
    assert!(kept.facts.serial.is_some());
    assert_eq!(kept.before, Some(kept.facts));
    let other_order = UserRequest { organizations: vec!["dev".into(), "qa".into()], ..request(&node) };
    assert_eq!(why(&node, &other_order, &text), "");
    for (from, to) in
        [("    server: https://", "    \"server\":   'https://"), ("apiVersion: v1", "# a comment\napiVersion: v1")]
    {
        let mut text = replaced(&text, from, to);
        if to.contains('\'') {
            text = replaced(&text, ":6443\n", ":6443'\n");
        }
        assert_eq!(why(&node, &wanted, &text), "", "{to}");
    }
    // Another cluster stands first, as in a file of several contexts: a search for lines would take its fields.
    let first = "clusters:\n- cluster:\n    server: https://192.0.2.99:6443\n  name: other\n";
    assert_eq!(why(&node, &wanted, &replaced(&text, "clusters:\n", first)), "");
}

#[test]
fn each_difference_is_a_reason_of_its_own() {
    let node = Node::made(CONTROL_PLANE);
    let wanted = request(&node);
    let text = made(&node, &wanted);
    let other = made(&node, &UserRequest { client_name: "joe".into(), ..request(&node) });
    let key = |text: &[u8]| base64(&embedded(text, "client-key-data"));
    let ca = |text: &[u8]| base64(&embedded(text, "certificate-authority-data"));
    let foreign = base64(&authority("other", 100).certificate().to_pem());
    for (word, text) in [
        ("other_server", replaced(&text, ":6443", ":443")),
        ("other_authority", replaced(&text, &ca(&text), &foreign)),
        ("other_authority", without(&text, "certificate-authority-data")),
        ("other_user", other.clone()),
        ("no_certificate", without(&text, "client-certificate-data")),
        ("other_credential", replaced(&text, "    client-key-data", "    token: abc\n    client-key-data")),
        ("unusable", replaced(&text, &key(&text), &key(&other))),
        ("unusable", without(&text, "client-key-data")),
        ("unusable", without(&text, "current-context")),
        ("unusable", b"no kubeconfig".to_vec()),
        ("unusable", replaced(&text, "    server:", "    insecure-skip-tls-verify: true\n    server:")),
    ] {
        let ensured = looked(&node, &wanted, &text);
        let reason = ensured.reason.unwrap();
        assert_eq!(reason.word.as_str(), word, "{}", reason.text);
        assert!(ensured.text.is_none());
        assert!(!reason.text.contains("PRIVATE") && !reason.text.is_empty());
    }
    let forced = Order { force: true, ..order(Some(&text)) };
    let ensured = ensure(&wanted, &forced, node.now, &mut |_| Continue::Yes).unwrap();
    assert_eq!(ensured.reason.unwrap().word.as_str(), "forced");
}

#[test]
fn a_certificate_is_made_again_before_it_ends_unless_a_new_one_would_end_no_later() {
    let mut node = Node::made(CONTROL_PLANE);
    let wanted = request(&node);
    let text = made(&node, &wanted);
    node.now += chrono::TimeDelta::days(59);
    assert_eq!(why(&node, &wanted, &text), "");
    node.now += chrono::TimeDelta::days(2);
    assert_eq!(looked(&node, &wanted, &text).reason.unwrap().text, "it ends within 30d");

    // Ten days are left of the CA: what is signed now ends with it, whatever is asked for.
    let mut node = Node::made(CONTROL_PLANE);
    node.now = node.certificate("ca").not_after() - chrono::TimeDelta::days(10);
    let clamped = UserRequest { outlive_ca: kubepki::plan::generate::OutliveAuthority::Clamp.into(), ..request(&node) };
    let text = made(&node, &clamped);
    assert_eq!(why(&node, &clamped, &text), "");
}

#[test]
fn a_validity_that_would_be_renewed_at_every_run_is_refused() {
    let node = Node::made(CONTROL_PLANE);
    let wanted = UserRequest { validity: Span::of_seconds(30 * 86_400), ..request(&node) };
    let error = ensure(&wanted, &order(None), node.now, &mut |_| Continue::Yes).unwrap_err();
    assert_eq!(error.code(), "plan.bad_request");
    assert!(error.hint().contains("shorter than --validity"), "{error}");
}

#[test]
fn a_token_is_compared_and_never_said() {
    let node = Node::made(CONTROL_PLANE);
    let with = |text: &str| UserRequest { token: Some(Secret::new(text.as_bytes().to_vec())), ..request(&node) };
    let text = made(&node, &with("hunter2"));
    assert_eq!(why(&node, &with("hunter2"), &text), "");
    let other = looked(&node, &with("hunter3"), &text);
    assert_eq!(other.reason.as_ref().unwrap().word.as_str(), "other_token");
    assert!(!format!("{:?} {:?}", other.reason, other.before).contains("hunter"));
    assert_eq!(why(&node, &request(&node), &text), "no_certificate");
}

#[test]
fn a_file_that_others_can_read_is_made_again_with_the_mode_that_is_wanted() {
    let node = Node::made(CONTROL_PLANE);
    let wanted = request(&node);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jane.conf");
    let ensured = |mode: Option<u32>, dry_run: bool| {
        let access = Access { mode, ..Access::default() };
        let order = Order { present: Present::File(path.clone()), force: false, dry_run, access };
        let ensured = ensure(&wanted, &order, node.now, &mut |_| Continue::Yes).unwrap();
        ensured.reason.map(|reason| (reason.word.as_str(), reason.text))
    };
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    let set_mode = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    assert_eq!(ensured(None, false).unwrap().0, "missing");
    assert_eq!((ensured(None, false), mode()), (None, 0o600));
    let before = std::fs::read(&path).unwrap();
    set_mode(0o644);
    let readable = Some(("readable_by_others", "others than its owner can use it (mode 0644)".to_owned()));
    assert_eq!((ensured(None, true), mode()), (readable.clone(), 0o644));
    assert_eq!((ensured(Some(0o640), true), mode()), (readable.clone(), 0o644));
    assert_eq!((ensured(None, false), mode()), (readable, 0o600));
    assert_ne!(std::fs::read(&path).unwrap(), before);
    // What is wanted so is kept, and so is what nobody else can use.
    set_mode(0o640);
    assert_eq!((ensured(Some(0o640), false), mode()), (None, 0o640));
    set_mode(0o700);
    assert_eq!(ensured(None, false), None);
}
