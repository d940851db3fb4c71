//! Files are kept before they are replaced, and come back as they were.

use kubepki::request::Span;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use kubepki::error::Error;
use kubepki::ops::apply::Report;
use kubepki::ops::backup::{BackupPlace, PruneRequest, Pruned, RestoreRequest, list, plan_restore, prune, show};
use kubepki::plan::{Action, Plan, Step};
use kubepki::store::backup::{Backup, Difference, State};
use kubepki::store::{BackupOrder, Change, DEFAULT_BACKUP_DIR, Expected, Store};

use super::support::*;

const APISERVER: [&str; 2] = ["/etc/kubernetes/pki/apiserver.key", "/etc/kubernetes/pki/apiserver.crt"];

fn place(node: &Node) -> BackupPlace {
    BackupPlace { rootfs: node.root.path().to_owned().into(), ..BackupPlace::default() }
}

/// When the first backup is made: before the clock of any machine that runs this.
fn made() -> DateTime<Utc> {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

/// Changes files the way an operation does, `after` seconds after [`made`]; a file without content goes.
fn change(node: &Node, after: i64, changes: &[(&str, Option<&str>)]) -> PathBuf {
    let changes = changes.iter().map(|(path, content)| match content {
        Some(content) => Change::Write {
            path: path.into(),
            content: content.as_bytes().to_vec().into(),
            mode: 0o600,
            expected: Expected::Any,
        },
        None => Change::Remove { path: path.into(), expected: Expected::Any },
    });
    let order = BackupOrder {
        on_machine: false,
        directory: DEFAULT_BACKUP_DIR.as_ref(),
        operation: "certs renew",
        made_at: made() + TimeDelta::seconds(after),
        certificates_dir: "/etc/kubernetes/pki".as_ref(),
        kubeconfig_dir: "/etc/kubernetes".as_ref(),
    };
    let store = Store::new(Some(node.root.path().to_owned())).unwrap();
    let mut session = store.lock(&["/etc/kubernetes"]).unwrap();
    session.apply_with_backup(&changes.collect::<Vec<_>>(), &order).unwrap().backup.unwrap()
}

/// A node whose apiserver pair and admin.conf were replaced, with the backup of what they were.
fn changed() -> (Node, PathBuf) {
    let node = Node::made(CONTROL_PLANE);
    let changes = [(APISERVER[0], Some("new key")), (APISERVER[1], Some("new")), ("/etc/kubernetes/admin.conf", None)];
    let backup = change(&node, 0, &changes);
    (node, backup)
}

fn request(node: &Node, only: &[&str]) -> RestoreRequest {
    let only = only.iter().map(PathBuf::from).collect();
    RestoreRequest { place: place(node), name: "latest".into(), only, no_backup: false.into(), recover: true.into() }
}

fn plan_of(node: &Node, only: &[&str]) -> Result<Plan, Error> {
    plan_restore(&request(node, only), node.now)
}

fn restore(node: &Node, only: &[&str]) -> Report {
    apply_plan(&plan_of(node, only).unwrap()).unwrap()
}

fn only_backup(node: &Node) -> Backup {
    let mut all = list(&place(node)).unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// Everything but the backups.
fn tree(node: &Node) -> Snapshot {
    snapshot(&node.path("/etc"))
}

fn reasons(plan: &Plan) -> Vec<(&str, Action, &str)> {
    let short = |name: &'_ str| -> usize { name.rfind('/').map_or(0, |at| at + 1) };
    plan.artefacts.iter().map(|one| (&one.name[short(&one.name)..], one.action(), one.reason.as_str())).collect()
}

#[test]
fn what_was_replaced_and_removed_comes_back_to_the_byte() {
    let node = Node::made(CONTROL_PLANE);
    node.set_mode(APISERVER[1], 0o640);
    let before = tree(&node);
    let changes = [(APISERVER[0], Some("new key")), (APISERVER[1], Some("new")), ("/etc/kubernetes/admin.conf", None)];
    let path = change(&node, 0, &changes);
    assert_eq!(path, Path::new("/var/lib/kubepki/backups/20260101T120000Z-certs-renew"));
    let after = tree(&node);
    assert_ne!(before, after);

    let plan = plan_of(&node, &[]).unwrap();
    let expected = [
        ("apiserver.key", Action::Restore, "changed since"),
        ("apiserver.crt", Action::Restore, "changed since"),
        ("admin.conf", Action::Restore, "missing"),
    ];
    assert_eq!(reasons(&plan), expected);
    assert_eq!(
        plan.artefacts[1].expires_at,
        plan.artefacts[2].expires_at.map(|_| plan.artefacts[1].expires_at.unwrap())
    );
    assert!(plan.artefacts[2].expires_at.is_some(), "the certificate in the kubeconfig");
    assert_eq!(tree(&node), after, "a plan changes nothing");
    let report = apply_plan(&plan).unwrap();
    assert_eq!(tree(&node), before);
    assert_eq!(report.changed[1].serial, Some(node.certificate("apiserver").serial().to_string()));

    // The restoring is itself kept, and can be undone; what it made anew is named, and stays.
    let second = list(&place(&node)).unwrap().pop().unwrap();
    assert_eq!((Some(&second.path), second.operation.as_str()), (report.backup.as_ref(), "backup restore"));
    let plan = plan_of(&node, &[]).unwrap();
    assert_eq!(reasons(&plan)[2], ("admin.conf", Action::Keep, "made by backup restore: it stays"));
    apply_plan(&plan).unwrap();
    assert_eq!(node.read(APISERVER[0]), b"new key");
    node.remove("/etc/kubernetes/admin.conf");
    assert_eq!(tree(&node), after);
}

#[test]
fn what_is_as_in_the_backup_is_not_touched_and_a_second_restore_changes_nothing() {
    let (node, _) = changed();
    restore(&node, &[]);
    let first = plan_restore(&RestoreRequest { name: only_first(&node), ..request(&node, &[]) }, node.now).unwrap();
    assert!(first.is_empty(), "{:?}", reasons(&first));
    let before = node.snapshot();
    assert_eq!(apply_plan(&first).unwrap().backup, None);
    assert_eq!(node.snapshot(), before);
}

fn only_first(node: &Node) -> String {
    list(&place(node)).unwrap().remove(0).name
}

#[test]
fn mode_and_owner_alone_come_back_too() {
    let (node, _) = changed();
    restore(&node, &[]);
    let name = only_first(&node);
    let key = node.path(APISERVER[0]);
    let owner = key.metadata().unwrap().uid();
    node.set_mode(APISERVER[0], 0o644);
    let is_root = chown(&key, Some(4242), Some(4243)).is_ok();
    let request = RestoreRequest { name, ..request(&node, &[]) };
    let plan = plan_restore(&request, node.now).unwrap();
    assert_eq!(reasons(&plan)[0], ("apiserver.key", Action::Restore, "mode or owner changed since"));
    apply_plan(&plan).unwrap();
    let metadata = key.metadata().unwrap();
    assert_eq!((metadata.permissions().mode() & 0o7777, metadata.uid()), (0o600, owner));
    // The backup of the restoring has the other owner.
    let last = list(&place(&node)).unwrap().pop().unwrap().manifest.unwrap();
    assert_eq!((last.files[0].mode, last.files[0].uid == 4242), (0o644, is_root));
}

#[test]
fn a_backup_is_for_its_owner_alone() {
    let (node, path) = changed();
    let path = node.path(path.to_str().unwrap());
    let backups = path.parent().unwrap();
    for (folder, mode) in [(path.as_path(), 0o700), (backups, 0o700), (backups.parent().unwrap(), 0o755)] {
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o7777, mode, "{}", folder.display());
    }
    let kept = files(&path);
    let expected =
        ["01-etc-kubernetes-pki-apiserver.key", "02-etc-kubernetes-pki-apiserver.crt", "03-etc-kubernetes-admin.conf"];
    assert_eq!(kept, [&expected[..], &["manifest.json"]].concat().iter().map(PathBuf::from).collect::<Vec<_>>());
    for file in kept {
        assert_eq!(path.join(file).metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    }
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["manifest"]["operation"], "certs renew");
    assert_eq!(manifest["manifest"]["kubepki"], env!("CARGO_PKG_VERSION"));
    assert!(!manifest.to_string().contains("PRIVATE"));
}

#[test]
fn a_part_is_restored_by_file_or_by_folder() {
    let (node, _) = changed();
    let report = restore(&node, &["/etc/kubernetes/admin.conf"]);
    assert_eq!(report.changed.len(), 1);
    assert_eq!(node.read(APISERVER[0]), b"new key");
    let (node, _) = changed();
    assert_eq!(restore(&node, &["/etc/kubernetes/pki"]).changed.len(), 2);
    assert!(!node.path("/etc/kubernetes/admin.conf").exists());
}

#[test]
fn half_a_pair_and_names_that_are_not_there_are_refused() {
    let (node, path) = changed();
    let refused = |only: &str| {
        let error = plan_of(&node, &[only]).unwrap_err();
        (error.code().as_str(), error.hint())
    };
    let (code, hint) = refused(APISERVER[1]);
    assert_eq!((code, hint.contains(APISERVER[0])), ("backup.half_a_pair", true), "{hint}");
    let name = path.file_name().unwrap().to_str().unwrap();
    for (only, near) in
        [("admin.conf", "/etc/kubernetes/admin.conf"), ("/etc/kubernetes/admn.conf", "/etc/kubernetes/admin.conf")]
    {
        assert_eq!(refused(only), ("backup.unknown_file", format!("did you mean {near}?")));
    }
    assert_eq!(refused("/etc/kubernetes/pki/sa.key").0, "backup.unknown_file");
    let by_name =
        |name: &str| plan_restore(&RestoreRequest { name: name.into(), ..request(&node, &[]) }, node.now).unwrap_err();
    assert_eq!(by_name(&name.replace("renew", "renw")).hint(), format!("did you mean {name}?"));
    assert_eq!(by_name("lastest").hint(), "did you mean latest?");
    assert_eq!(by_name("../../etc").code(), "backup.unknown");
    assert_eq!(plan_of(&Node::empty(CONTROL_PLANE), &[]).unwrap_err().code(), "backup.none");
}

#[test]
fn a_damaged_backup_is_seen_named_and_never_restored() {
    let cases: [(&str, fn(&Path), State, &str); 6] = [
        (
            "a changed byte",
            |path| edit(&path.join("02-etc-kubernetes-pki-apiserver.crt"), |text| text.replacen('A', "B", 1)),
            State::Damaged,
            "SHA-256 does not match",
        ),
        (
            "a missing file",
            |path| std::fs::remove_file(path.join("03-etc-kubernetes-admin.conf")).unwrap(),
            State::Damaged,
            "is missing",
        ),
        (
            "a manifest that was altered",
            |path| edit(&path.join("manifest.json"), |text| text.replace("admin.conf", "shadow")),
            State::Damaged,
            "it was altered",
        ),
        (
            "a manifest that is cut off",
            |path| edit(&path.join("manifest.json"), |text| text[..text.len() / 2].to_owned()),
            State::Damaged,
            "manifest.json cannot be used",
        ),
        (
            "no manifest",
            |path| std::fs::remove_file(path.join("manifest.json")).unwrap(),
            State::Incomplete,
            "interrupted",
        ),
        (
            "others may write",
            |path| std::fs::set_permissions(path, PermissionsExt::from_mode(0o777)).unwrap(),
            State::Untrusted,
            "another user",
        ),
    ];
    for (case, damage, state, evidence) in cases {
        let (node, path) = changed();
        damage(&node.path(path.to_str().unwrap()));
        let backup = only_backup(&node);
        assert_eq!(backup.state, state, "{case}");
        assert!(backup.problems.iter().any(|problem| problem.contains(evidence)), "{case}: {:?}", backup.problems);
        let before = node.snapshot();
        let name = backup.name.clone();
        let error = plan_restore(&RestoreRequest { name, ..request(&node, &[]) }, node.now).unwrap_err();
        let code = ["backup.incomplete", "backup.damaged", "backup.untrusted"];
        let expected =
            code[[State::Incomplete, State::Damaged, State::Untrusted].iter().position(|one| *one == state).unwrap()];
        assert_eq!(error.code(), expected, "{case}: {error}");
        assert!(error.to_string().contains(backup.path.to_str().unwrap()), "{case}: {error}");
        assert_eq!(node.snapshot(), before, "{case}");
    }
}

fn edit(path: &Path, change: impl FnOnce(String) -> String) {
    let text = std::fs::read_to_string(path).unwrap();
    let changed = change(text.clone());
    assert_ne!(text, changed);
    std::fs::write(path, changed).unwrap();
}

#[test]
fn a_plan_to_restore_is_refused_once_anything_has_changed() {
    let edits: [fn(&Node, &Path); 3] = [
        |node, _| node.write(APISERVER[0], "somebody else's"),
        |node, _| node.write("/etc/kubernetes/admin.conf", "somebody else's"),
        |node, path| {
            edit(&node.path(path.to_str().unwrap()).join("01-etc-kubernetes-pki-apiserver.key"), |text| text + "\n");
        },
    ];
    for edit in edits {
        let (node, path) = changed();
        let plan = plan_of(&node, &[]).unwrap();
        edit(&node, &path);
        let before = node.snapshot();
        assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.stale");
        assert_eq!(node.snapshot(), before);
    }
}

#[test]
fn a_plan_that_was_edited_restores_nothing() {
    let (node, _) = changed();
    let edits: [fn(&mut Plan); 3] = [
        |plan| plan.artefacts[0].step = Step::Remove,
        |plan| {
            let Step::Restore(restored) = &mut plan.artefacts[0].step else { panic!("nothing is restored") };
            restored.source = "/etc/kubeadm.yaml".into();
        },
        |plan| plan.artefacts[0].files.clear(),
    ];
    let before = node.snapshot();
    for edit in edits {
        let mut plan = plan_of(&node, &[]).unwrap();
        edit(&mut plan);
        assert_eq!(apply_plan(&plan).unwrap_err().code(), "plan.bad");
        assert_eq!(node.snapshot(), before);
    }
}

#[test]
fn no_backup_goes_among_the_certificates_or_to_the_kubelet() {
    let (node, _) = changed();
    std::fs::create_dir_all(node.path("/srv")).unwrap();
    symlink("/etc/kubernetes/pki", node.path("/srv/link")).unwrap();
    for directory in
        ["/etc/kubernetes/pki", "/etc/kubernetes/pki/old", "/etc/kubernetes/manifests/old", "/srv/link/old"]
    {
        let plan = Plan { backup_dir: Some(directory.into()), ..plan_of(&node, &[]).unwrap() };
        let before = node.snapshot();
        let error = apply_plan(&plan).unwrap_err();
        assert_eq!((error.code().as_str(), error.category().exit_code()), ("store.backup_place", 2), "{directory}");
        assert_eq!(node.snapshot(), before);
    }
    let plan = Plan { backup_dir: Some("/var/lib/kubelet/manifests".into()), ..plan_of(&node, &[]).unwrap() };
    assert_eq!(apply_plan(&plan).unwrap_err().code(), "store.backup_place");
}

#[test]
fn an_expired_certificate_is_restored_with_a_warning() {
    let (node, _) = changed();
    let later = node.now + TimeDelta::days(400);
    let plan = plan_restore(&request(&node, &[]), later).unwrap();
    let expired: Vec<_> =
        plan.findings.iter().map(|finding| (finding.code.as_str(), finding.subject.as_str())).collect();
    assert_eq!(expired, [("certificate.expired", APISERVER[1]), ("certificate.expired", "/etc/kubernetes/admin.conf")]);
    assert!(!plan.is_blocked());
}

#[test]
fn a_backup_that_trusts_others_is_restored_with_a_warning() {
    let (node, other) = (Node::made(CONTROL_PLANE), Node::made(CONTROL_PLANE));
    let (ca, its_leaf) = ("/etc/kubernetes/pki/front-proxy-ca.crt", "/etc/kubernetes/pki/front-proxy-client.crt");
    let text = |node: &Node, path: &str| String::from_utf8(node.read(path)).unwrap();
    let (mine, new) = (text(&node, ca), text(&other, ca));
    let warned = |node: &Node| {
        let plan = plan_of(node, &[]).unwrap();
        plan.findings
            .iter()
            .map(|one| format!("{} {} {}", one.severity, one.code.as_str(), one.subject))
            .collect::<Vec<_>>()
    };
    change(&node, 0, &[(ca, Some(&format!("{new}{mine}"))), (its_leaf, Some(&text(&other, its_leaf)))]);
    assert_eq!(warned(&node), ["warning authority.replaced front-proxy-ca"]);

    // What has the same keys in another order trusts the same.
    change(&node, 1, &[(ca, Some(&format!("{mine}{new}")))]);
    assert!(warned(&node).is_empty());
}

#[test]
fn a_backup_is_shown_with_what_differs_now() {
    let (node, _) = changed();
    node.write(APISERVER[1], "another");
    let shown = show(&place(&node), "latest").unwrap();
    let differences: Vec<_> =
        shown.files.iter().map(|file| (file.file.path.to_str().unwrap(), file.difference)).collect();
    let expected = [
        (APISERVER[0], Some(Difference::Content)),
        (APISERVER[1], Some(Difference::Content)),
        ("/etc/kubernetes/admin.conf", Some(Difference::Missing)),
    ];
    assert_eq!(differences, expected);
    assert!(shown.files[1].expires_at.is_some() && shown.files[0].expires_at.is_none());
    std::fs::create_dir(node.path("/etc/kubernetes/admin.conf")).unwrap();
    assert_eq!(show(&place(&node), "latest").unwrap().files[2].difference, None);
    restore(&node, &["/etc/kubernetes/pki"]);
    let first = show(&place(&node), &only_first(&node)).unwrap();
    assert_eq!(first.files[0].difference, Some(Difference::Same));
}

/// Five backups, an hour apart, and things that are none.
fn many() -> Node {
    let node = Node::made(CONTROL_PLANE);
    for hour in 0..5 {
        change(&node, hour * 3600, &[("/etc/kubernetes/admin.conf", Some(&format!("content {hour}")))]);
    }
    node.write("/var/lib/kubepki/backups/notes.txt", "somebody's");
    node.write("/var/lib/kubepki/backups/20200101T000000Z-a-file", "somebody's");
    node.write("/var/lib/kubepki/backups/by-hand/ca.key", "somebody's");
    symlink("/etc", node.path("/var/lib/kubepki/backups/20200101T000000Z-link")).unwrap();
    node
}

fn pruned(node: &Node, keep: Option<i64>, older_than: Option<i64>, dry_run: bool) -> Pruned {
    let request = PruneRequest {
        place: place(node),
        keep,
        older_than: older_than.map(Span::of_seconds),
        dry_run: dry_run.into(),
    };
    prune(&request, made() + TimeDelta::hours(5)).unwrap()
}

#[test]
fn pruning_removes_whole_backups_by_number_or_age_and_nothing_else() {
    let count = |keep, older| {
        let node = many();
        let before = node.snapshot();
        let would = pruned(&node, keep, older, true);
        assert_eq!(node.snapshot(), before, "a dry run");
        let done = pruned(&node, keep, older, false);
        assert_eq!(would.removed, done.removed);
        assert!(done.failures.is_empty());
        assert_eq!(list(&place(&node)).unwrap(), done.kept);
        let after = node.snapshot();
        let gone: Vec<_> = before.iter().filter(|(path, _)| !after.contains_key(*path)).map(|(path, _)| path).collect();
        let names: Vec<_> = done.removed.iter().map(|backup| node.path(backup.path.to_str().unwrap())).collect();
        assert!(gone.iter().all(|path| names.iter().any(|name| path.starts_with(name))), "{gone:?}");
        done.removed.len()
    };
    assert_eq!(count(Some(2), None), 3);
    assert_eq!(count(Some(0), None), 5);
    assert_eq!(count(Some(9), None), 0);
    // They are 5, 4, 3, 2 and 1 hours old.
    assert_eq!(count(None, Some(2 * 3600)), 3);
    assert_eq!(count(Some(4), Some(2 * 3600)), 1);
    assert_eq!(count(Some(1), Some(4 * 3600)), 1);
}

#[test]
fn pruning_takes_incomplete_backups_after_a_day_and_leaves_what_it_does_not_know() {
    let node = many();
    let names: Vec<_> = list(&place(&node)).unwrap().into_iter().map(|backup| backup.name).collect();
    let inside = |name: &str, file: &str| node.path(&format!("/var/lib/kubepki/backups/{name}/{file}"));
    std::fs::remove_file(inside(&names[4], "manifest.json")).unwrap();
    std::fs::write(inside(&names[0], "mine.txt"), "somebody's").unwrap();
    std::fs::create_dir(inside(&names[1], "01-folder")).unwrap();
    let done = pruned(&node, Some(1), None, false);
    assert_eq!(
        done.removed.iter().map(|backup| &backup.name).collect::<Vec<_>>(),
        [&names[2]],
        "an incomplete one does not count"
    );
    let failures: Vec<_> = done.failures.iter().map(|one| (&one.name, one.fault.code.as_str())).collect();
    assert_eq!(failures, [(&names[1], "backup.foreign"), (&names[0], "backup.foreign")]);
    assert!(inside(&names[0], "manifest.json").exists() && inside(&names[4], "").exists());
    let request = PruneRequest { place: place(&node), keep: Some(9), older_than: None, dry_run: false.into() };
    let late = prune(&request, made() + TimeDelta::hours(29)).unwrap();
    assert_eq!(late.removed.iter().map(|backup| &backup.name).collect::<Vec<_>>(), [&names[4]]);
}

#[test]
fn backups_of_one_second_have_numbers_in_order() {
    let node = Node::made(CONTROL_PLANE);
    let names: Vec<_> = (0..11)
        .map(|number| change(&node, 0, &[("/etc/kubernetes/admin.conf", Some(&number.to_string()))]))
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        (names[0].as_str(), names[10].as_str()),
        ("20260101T120000Z-certs-renew", "20260101T120000Z-certs-renew-11")
    );
    assert_eq!(list(&place(&node)).unwrap().into_iter().map(|backup| backup.name).collect::<Vec<_>>(), names);
    restore(&node, &[]);
    assert_eq!(node.read("/etc/kubernetes/admin.conf"), b"9", "latest is the newest");
}
