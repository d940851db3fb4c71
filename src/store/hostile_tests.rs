//! Records that command nothing: forged, copied, moved, or in a place where others can write. And the ways out where a
//! genuine change cannot be ended by itself.

use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::disk::Step;
use super::disk::faults::{Fault, Faults};
use super::journal::{Journal, JournalDirectory, JournalFile, Pointer, Role, TransactionId};
use super::{Change, Expected, Keep, Outcome, Store, StoreError};
use crate::digest::Digest;
use crate::error::Diagnostic;

const NOBODY: u32 = 65_534;

fn place() -> TempDir {
    let place = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    put(place.path(), "etc/kubernetes/pki/ca.key", "the CA's key");
    put(place.path(), "etc/kubernetes/pki/ca.crt", "the CA's certificate");
    put(place.path(), "srv/input/request.csr", "a request");
    place
}

fn put(place: &Path, path: &str, content: &str) {
    let path = place.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

fn store(place: &Path) -> Store {
    Store::new(Some(place.to_owned())).unwrap().with_lock_wait(Duration::ZERO)
}

/// Only root can make another user's files: as anybody else such a test ends at once.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn kept(place: &Path) {
    let content = |name: &str| std::fs::read_to_string(place.join("etc/kubernetes/pki").join(name)).unwrap_or_default();
    assert_eq!(content("ca.key"), "the CA's key");
    assert_eq!(content("ca.crt"), "the CA's certificate");
}

/// A committed journal that lies in `home` and says that the CA's key is to be removed, in the directory `way`.
fn forged(place: &Path, home: &str, way: &str) -> (TransactionId, PathBuf) {
    let transaction = TransactionId::new();
    let directory = |path: &str| JournalDirectory { path: path.into(), made: false };
    let directories = if way.is_empty() { vec![directory("")] } else { vec![directory(""), directory(way)] };
    let files = vec![JournalFile {
        directory: directories.len() - 1,
        name: "ca.key".into(),
        old: Some(Digest::of(b"the CA's key")),
        new: None,
    }];
    let journal = Journal::new(transaction.clone(), directories, files);
    let path = place.join(home).join(transaction.name(&Role::Committed));
    write_record(&path, &journal.encode());
    (transaction, path)
}

fn write_record(path: &Path, content: &[u8]) {
    std::fs::write(path, content).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
}

fn inode(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    path.metadata().unwrap().ino()
}

const WAYS: [&str; 3] = ["../../etc/kubernetes/pki", "../../etc/kubernetes/../kubernetes/pki", "link"];

#[test]
fn a_journal_reaches_into_no_directory_that_does_not_vouch_for_it() {
    for way in WAYS {
        let place = place();
        symlink("../../etc/kubernetes/pki", place.path().join("srv/input/link")).unwrap();
        forged(place.path(), "srv/input", way);
        // A node's own folder: it says so, and touches nothing. A folder that was named for the output: it goes on.
        let Err(error) = store(place.path()).lock(&["/srv/input"]) else { panic!("{way}: it was believed") };
        assert_eq!(error.code(), "store.journal_unreachable", "{way}");
        let mut session = store(place.path()).lock_with_outputs(&["/etc/kubernetes/pki"], &["/srv/input"]).unwrap();
        session.apply(&[write("/srv/input/request.crt", "signed")]).unwrap();
        kept(place.path());
    }
}

fn write(path: &str, content: &str) -> Change {
    Change::Write {
        path: path.into(),
        content: content.as_bytes().to_vec().into(),
        mode: 0o644,
        expected: Expected::Any,
    }
}

#[test]
fn a_pointer_of_another_directory_change_or_user_vouches_for_nothing() {
    for case in ["inode", "home", "change", "owner", "mode", "link", "folder"] {
        let place = place();
        let (transaction, _) = forged(place.path(), "srv/input", "../../etc/kubernetes/pki");
        let pki = place.path().join("etc/kubernetes/pki");
        let home = inode(&place.path().join("srv/input"));
        let path = pki.join(transaction.name(&Role::Pointer));
        let record = match case {
            "inode" => Pointer::new("../../../srv/input".into(), home + 1),
            "home" => Pointer::new("../../../srv".into(), home),
            _ => Pointer::new("../../../srv/input".into(), home),
        };
        match case {
            "change" => write_record(&pki.join(TransactionId::new().name(&Role::Pointer)), &record.encode()),
            "link" => {
                write_record(&place.path().join("srv/input/pointer"), &record.encode());
                symlink("../../../srv/input/pointer", &path).unwrap();
            }
            _ => write_record(&path, &record.encode()),
        }
        match case {
            "owner" | "folder" if !is_root() => continue,
            "owner" => chown(&path, Some(NOBODY), None).unwrap(),
            "mode" => std::fs::set_permissions(&path, PermissionsExt::from_mode(0o622)).unwrap(),
            "folder" => std::fs::set_permissions(&pki, PermissionsExt::from_mode(0o1777)).unwrap(),
            _ => {}
        }
        drop(store(place.path()).lock(&["/srv/input"]));
        drop(store(place.path()).lock(&["/etc/kubernetes/pki"]));
        kept(place.path());
    }
}

#[test]
fn what_others_wrote_or_could_have_moved_here_is_ignored_and_blocks_nothing() {
    if !is_root() {
        return;
    }
    let pki = "etc/kubernetes/pki";
    for case in ["owner", "writable", "sticky folder", "their folder", "group's folder", "link", "corrupt"] {
        let place = place();
        let (_, journal) = forged(place.path(), pki, "");
        let folder = place.path().join(pki);
        match case {
            "owner" => chown(&journal, Some(NOBODY), None).unwrap(),
            "writable" => std::fs::set_permissions(&journal, PermissionsExt::from_mode(0o666)).unwrap(),
            "sticky folder" => std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o1777)).unwrap(),
            "their folder" => chown(&folder, Some(NOBODY), None).unwrap(),
            "group's folder" => {
                chown(&folder, None, Some(NOBODY)).unwrap();
                std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o775)).unwrap();
            }
            "link" => {
                let elsewhere = place.path().join("srv/journal");
                std::fs::rename(&journal, &elsewhere).unwrap();
                symlink(&elsewhere, &journal).unwrap();
            }
            _ => {
                write_record(&journal, b"no record\n");
                chown(&journal, Some(NOBODY), None).unwrap();
            }
        }
        let mut session =
            store(place.path()).lock(&["/etc/kubernetes"]).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(session.recovered(), [], "{case}");
        session.apply(&[write("/etc/kubernetes/pki/new.crt", "new")]).unwrap();
        kept(place.path());
        assert!(journal.symlink_metadata().is_ok(), "{case}: it is not ours to remove");
    }
}

#[test]
fn a_genuine_journal_does_not_work_a_second_time_in_another_folder() {
    let place = place();
    put(place.path(), "srv/input/ca.crt", "the CA's certificate");
    let journal = killed(place.path(), "etc/kubernetes/pki/ca.crt");
    // The change is completed; then its journal turns up where another user's files are.
    let name = journal.file_name().unwrap().to_owned();
    let copy = std::fs::read(&journal).unwrap();
    drop(store(place.path()).lock(&["/etc/kubernetes"]).unwrap());
    assert_eq!(std::fs::read_to_string(place.path().join("etc/kubernetes/pki/ca.crt")).unwrap(), "new");
    let replayed = place.path().join("srv/input").join(name);
    write_record(&replayed, &copy);
    std::fs::write(place.path().join("etc/kubernetes/pki/ca.crt"), "the CA's certificate").unwrap();
    drop(store(place.path()).lock(&["/srv/input"]));
    drop(store(place.path()).lock_with_outputs(&["/etc/kubernetes"], &["/srv/input"]).unwrap());
    kept(place.path());
    assert_eq!(std::fs::read_to_string(place.path().join("srv/input/ca.crt")).unwrap(), "the CA's certificate");
}

/// A change of `ca.crt` and `admin.conf`, killed just before `at` would be put into place; where its journal is.
fn killed(place: &Path, at: &str) -> PathBuf {
    let changes = [write("/etc/kubernetes/pki/ca.crt", "new"), write("/etc/kubernetes/admin.conf", "new")];
    let trial = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let copied = std::process::Command::new("cp").arg("-a").arg(place.join("etc")).arg(trial.path()).status().unwrap();
    assert!(copied.success());
    let watching = Faults::new([]);
    let apply = |place: &Path, faults: &std::sync::Arc<Faults>| {
        let mut store = store(place);
        store.disk = faults.disk();
        store.lock(&["/etc/kubernetes"])?.apply(&changes)
    };
    apply(trial.path(), &watching).unwrap();
    let is_it = |(step, path): &(Step, PathBuf)| *step == Step::Rename && path.ends_with(at);
    let step = watching.steps().iter().position(is_it).unwrap();
    apply(place, &Faults::new([(step, Fault::Die)])).unwrap_err();
    let names = std::fs::read_dir(place.join("etc/kubernetes")).unwrap().map(|entry| entry.unwrap().path());
    names.into_iter().find(|path| path.extension().is_some_and(|end| end == "committed")).unwrap()
}

fn content(place: &Path, path: &str) -> Option<String> {
    std::fs::read_to_string(place.join("etc/kubernetes").join(path)).ok()
}

fn leftovers(place: &Path) -> usize {
    let listed = ["etc/kubernetes", "etc/kubernetes/pki"].map(|folder| std::fs::read_dir(place.join(folder)).unwrap());
    listed
        .into_iter()
        .flatten()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'))
        .count()
}

#[test]
fn a_file_that_was_removed_after_the_kill_does_not_stand_in_the_way() {
    for (at, removed) in [
        ("admin.conf", "pki/ca.crt"),
        ("admin.conf", "admin.conf"),
        ("pki/ca.crt", "pki/ca.crt"),
        ("admin.conf", "new of admin.conf"),
        ("admin.conf", "old of ca.crt"),
    ] {
        let place = place();
        put(place.path(), "etc/kubernetes/admin.conf", "old");
        let journal = killed(place.path(), at);
        let id = journal.file_stem().unwrap().to_str().unwrap().to_owned();
        let path = match removed {
            "new of admin.conf" => format!("{id}-admin.conf.new"),
            "old of ca.crt" => format!("pki/{id}-ca.crt.old"),
            name => name.to_owned(),
        };
        std::fs::remove_file(place.path().join("etc/kubernetes").join(path)).unwrap();
        let session =
            store(place.path()).lock(&["/etc/kubernetes"]).unwrap_or_else(|error| panic!("{removed}: {error}"));
        assert_eq!(session.recovered().len(), 1);
        drop(session);
        let both = (content(place.path(), "pki/ca.crt").unwrap(), content(place.path(), "admin.conf").unwrap());
        assert!(
            both == ("new".into(), "new".into()) || both == ("the CA's certificate".into(), "old".into()),
            "{removed}: {both:?}"
        );
        assert_eq!(leftovers(place.path()), 0, "{removed}");
    }
}

#[test]
fn every_way_out_of_a_conflict_works() {
    for (keep, outcome, crt, conf) in [
        (Keep::Present, Outcome::LeftAsFound, "somebody's", "old"),
        (Keep::Old, Outcome::TakenBack, "the CA's certificate", "old"),
    ] {
        let place = place();
        put(place.path(), "etc/kubernetes/admin.conf", "old");
        killed(place.path(), "admin.conf");
        put(place.path(), "etc/kubernetes/pki/ca.crt", "somebody's");
        let Err(error) = store(place.path()).lock(&["/etc/kubernetes"]) else { panic!("it was passed over") };
        assert_eq!(error.code(), "store.recovery_conflict");
        let root = place.path().canonicalize().unwrap();
        for (way, is_offered) in [("present", true), ("new", false), ("old", true)] {
            let command = format!("kubepki recover --rootfs {} /etc/kubernetes --keep {way}", root.display());
            assert_eq!(error.hint().contains(&command), is_offered, "{}", error.hint());
        }
        // The new one was put into place before somebody changed it: there is no second copy of it.
        let Err(lacking) = store(place.path()).recover(&["/etc/kubernetes"], Some(Keep::New)) else {
            panic!("from where?")
        };
        assert_eq!(lacking.code(), "store.recovery_conflict");
        let recovered = store(place.path()).recover(&["/etc/kubernetes"], Some(keep)).unwrap();
        assert_eq!(recovered[0].outcome, outcome);
        assert_eq!(content(place.path(), "pki/ca.crt").as_deref(), Some(crt));
        assert_eq!(content(place.path(), "admin.conf").as_deref(), Some(conf));
        assert_eq!(leftovers(place.path()), 0);
        store(place.path()).lock(&["/etc/kubernetes"]).unwrap();
    }
    let place = place();
    put(place.path(), "etc/kubernetes/admin.conf", "old");
    killed(place.path(), "admin.conf");
    put(place.path(), "etc/kubernetes/admin.conf", "somebody's");
    store(place.path()).recover(&["/etc/kubernetes"], Some(Keep::New)).unwrap();
    assert_eq!(content(place.path(), "pki/ca.crt").as_deref(), Some("new"));
    assert_eq!(content(place.path(), "admin.conf").as_deref(), Some("new"));
    assert_eq!(leftovers(place.path()), 0);
}

#[test]
fn a_corrupt_journal_of_ours_is_named_and_can_be_ended_and_one_further_up_blocks_nobody() {
    let place = place();
    put(place.path(), "etc/kubernetes/admin.conf", "old");
    let journal = killed(place.path(), "admin.conf");
    std::fs::write(&journal, "damaged\n").unwrap();
    let Err(StoreError::JournalCorrupt { .. }) = store(place.path()).lock(&["/etc/kubernetes"]) else { panic!() };
    // Corrupt, and in a folder further up that the run has nothing to do with.
    let above = place.path().join("etc").join(journal.file_name().unwrap());
    std::fs::rename(&journal, &above).unwrap();
    drop(store(place.path()).recover(&["/etc/kubernetes"], Some(Keep::Present)).unwrap());
    drop(store(place.path()).lock(&["/etc/kubernetes"]).unwrap());
    std::fs::rename(&above, &journal).unwrap();
    store(place.path()).recover(&["/etc/kubernetes"], Some(Keep::Present)).unwrap();
    assert_eq!(leftovers(place.path()), 0);
}

#[test]
fn in_a_folder_that_others_can_write_the_journal_lies_in_the_first_one_that_is_made() {
    let place = place();
    let open = place.path().join("tmp");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, PermissionsExt::from_mode(0o1777)).unwrap();
    let watching = Faults::new([]);
    let mut watched = store(place.path());
    watched.disk = watching.disk();
    let changes = [write("/tmp/a/pki/ca.crt", "new"), write("/tmp/a/admin.conf", "new")];
    let applied = watched.lock(&["/tmp/a"]).unwrap().apply(&changes).unwrap();
    assert_eq!(applied.directories.len(), 2);
    let is_journal =
        |(step, path): &(Step, PathBuf)| *step == Step::CreateFile && path.to_string_lossy().ends_with(".prepared");
    let steps = watching.steps();
    let (_, journal) = steps.iter().find(|step| is_journal(step)).unwrap();
    assert!(journal.parent().unwrap().ends_with("tmp/a"));
    // Killed anywhere, it is old or new afterwards.
    for at in 0..steps.len() {
        std::fs::remove_dir_all(open.join("a")).unwrap();
        let mut watched = store(place.path());
        watched.disk = Faults::new([(at, Fault::Die)]).disk();
        let _ = watched.lock(&["/tmp/a"]).unwrap().apply(&changes);
        drop(store(place.path()).lock(&["/tmp/a"]).unwrap());
        let both = ["pki/ca.crt", "admin.conf"].map(|name| open.join("a").join(name).exists());
        assert!(both == [true, true] || both == [false, false], "killed at {at}: {both:?}");
        std::fs::create_dir_all(open.join("a")).unwrap();
    }
}

#[test]
fn a_link_that_others_can_set_is_not_followed_and_their_files_are_not_replaced() {
    if !is_root() {
        return;
    }
    let place = place();
    let home = place.path().join("home/jane");
    std::fs::create_dir_all(home.join("real")).unwrap();
    for path in [home.clone(), home.join("real")] {
        chown(path, Some(NOBODY), None).unwrap();
    }
    symlink("../../etc/kubernetes/pki/ca.key", home.join("config")).unwrap();
    symlink("../../etc/kubernetes/pki", home.join("folder")).unwrap();
    put(place.path(), "home/jane/theirs", "theirs");
    chown(home.join("theirs"), Some(NOBODY), None).unwrap();
    for (path, code) in [
        ("/home/jane/config", "store.untrusted_link"),
        ("/home/jane/folder/ca.key", "store.untrusted_link"),
        ("/home/jane/folder/new", "store.untrusted_link"),
        ("/home/jane/theirs", "store.foreign_file"),
    ] {
        let mut session = store(place.path()).lock::<&Path>(&[]).unwrap();
        let error = session.apply(&[write(path, "a key")]).unwrap_err();
        assert_eq!(error.code(), code, "{path}");
        assert_eq!(error.category(), crate::error::Category::Refused);
        // A rehearsal foresees it.
        let foreseen = store(place.path()).rehearse(&[], &[(path, None)]).unwrap_err();
        assert_eq!(foreseen.to_string(), error.to_string());
        kept(place.path());
    }
    assert_eq!(std::fs::read_to_string(home.join("theirs")).unwrap(), "theirs");
    // One that is to be theirs is, and so is what lies in the node's own folder, where nobody else can write.
    assert!(store(place.path()).rehearse(&[], &[("/home/jane/theirs", Some(NOBODY))]).is_ok());
    put(place.path(), "etc/kubernetes/theirs", "theirs");
    chown(place.path().join("etc/kubernetes/theirs"), Some(NOBODY), None).unwrap();
    assert!(store(place.path()).rehearse(&["/etc/kubernetes"], &[("/etc/kubernetes/theirs", None)]).is_ok());
    let elsewhere = store(place.path()).rehearse(&["/var"], &[("/etc/kubernetes/theirs", None)]).unwrap_err();
    assert_eq!(elsewhere.code(), "store.foreign_file");
    // A link that root set where root alone can write is followed as before, and so is one in a sticky folder.
    symlink("pki", place.path().join("etc/kubernetes/link")).unwrap();
    let sticky = place.path().join("tmp");
    std::fs::create_dir(&sticky).unwrap();
    std::fs::set_permissions(&sticky, PermissionsExt::from_mode(0o1777)).unwrap();
    symlink("../etc/kubernetes/pki", sticky.join("ours")).unwrap();
    symlink("../etc/kubernetes/pki", sticky.join("theirs")).unwrap();
    std::os::unix::fs::lchown(sticky.join("theirs"), Some(NOBODY), None).unwrap();
    let apply = |path: &str| store(place.path()).lock(&["/etc/kubernetes"]).unwrap().apply(&[write(path, "new")]);
    apply("/etc/kubernetes/link/a").unwrap();
    apply("/tmp/ours/b").unwrap();
    assert_eq!(apply("/tmp/theirs/c").unwrap_err().code(), "store.untrusted_link");
}

#[test]
fn no_key_is_left_in_a_folder_of_others_by_a_run_that_was_killed() {
    if !is_root() {
        return;
    }
    let place = place();
    let home = place.path().join("home");
    std::fs::create_dir(&home).unwrap();
    chown(&home, Some(NOBODY), None).unwrap();
    let apply = |faults: &std::sync::Arc<Faults>| {
        let mut store = store(place.path());
        store.disk = faults.disk();
        store.lock_with_outputs::<&Path, _>(&[], &["/home"])?.apply(&[write("/home/jane.conf", "a key")])
    };
    let watching = Faults::new([]);
    apply(&watching).unwrap();
    let names = || std::fs::read_dir(&home).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    let committed = watching.steps().iter().position(|(step, _)| *step == Step::Rename).unwrap();
    for at in 0..=committed {
        std::fs::remove_file(home.join("jane.conf")).unwrap();
        let _ = apply(&Faults::new([(at, Fault::Die)]));
        apply(&Faults::new([])).unwrap();
        assert_eq!(names(), ["jane.conf"], "killed at {at}");
    }
}

#[test]
fn set_id_bits_are_neither_kept_nor_restored() {
    let place = place();
    let path = place.path().join("etc/kubernetes/pki/ca.crt");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o6755)).unwrap();
    let mode = || path.metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(), 0o6755);
    let mut session = store(place.path()).lock(&["/etc/kubernetes"]).unwrap();
    session.apply(&[write("/etc/kubernetes/pki/ca.crt", "new")]).unwrap();
    assert_eq!(mode(), 0o755);
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let attributes = super::Attributes::from_hex(0o4755, uid, gid, []);
    let (path, content) = ("/etc/kubernetes/pki/ca.crt".into(), b"old".to_vec().into());
    session.apply(&[Change::Restore { path, content, attributes, expected: Expected::Any }]).unwrap();
    assert_eq!(mode(), 0o755);
}
