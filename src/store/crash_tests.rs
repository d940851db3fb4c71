//! The proof of "all or none": every single step of a transaction is made to fail, to be the last one of a killed
//! process, or to be the moment of a power cut; then the tree must be entirely old or entirely new.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use tempfile::TempDir;

use super::backup::State as BackupState;
use super::disk::Step;
use super::disk::faults::{Fault, Faults};
use super::{Attributes, BackupOrder, Change, Expected, Store, StoreError};
use crate::error::Diagnostic;

/// Every path below the root with its mode and, for a file, its content.
type State = BTreeMap<PathBuf, (u32, Option<Vec<u8>>)>;

struct Scenario {
    name: &'static str,
    before: &'static [(&'static str, &'static str, u32)],
    changes: Vec<Change>,
    /// The directories by any one of which the next run may find the tree.
    doors: &'static [&'static str],
    /// Whether a backup is made first.
    is_kept: bool,
}

/// Where backups are kept; what is in `/var` is no part of a tree's state.
const BACKUPS: &str = "/var/kept";

fn write(path: &str, content: &str, mode: u32, expected: Expected) -> Change {
    Change::Write { path: path.into(), content: content.as_bytes().to_vec().into(), mode, expected }
}

/// A first run: no directory is there but `/etc`.
fn first_run() -> Scenario {
    Scenario {
        name: "first run",
        before: &[("etc/hostname", "node-1", 0o644)],
        changes: vec![
            write("/etc/kubernetes/pki/ca.key", "ca key", 0o600, Expected::Absent),
            write("/etc/kubernetes/pki/ca.crt", "ca certificate", 0o644, Expected::Absent),
            write("/etc/kubernetes/pki/etcd/ca.crt", "etcd ca certificate", 0o644, Expected::Absent),
            write("/etc/kubernetes/admin.conf", "kubeconfig", 0o600, Expected::Absent),
        ],
        doors: &["/etc/kubernetes/pki/etcd", "/etc/kubernetes/pki", "/etc/kubernetes", "/etc"],
        is_kept: false,
    }
}

/// A renewal in two trees that have nothing to do with one another, with a new file and a removed one.
fn renewal() -> Scenario {
    Scenario {
        name: "renewal",
        before: &[
            ("srv/pki/apiserver.crt", "old certificate", 0o640),
            ("srv/pki/apiserver.key", "old key", 0o600),
            ("srv/pki/unconcerned.crt", "stays", 0o644),
            ("etc/kubernetes/admin.conf", "old kubeconfig", 0o600),
            ("etc/kubernetes/admin.conf.csr", "request", 0o600),
        ],
        changes: vec![
            write("/srv/pki/apiserver.key", "new key", 0o600, Expected::Any),
            write("/srv/pki/apiserver.crt", "new certificate", 0o644, Expected::Any),
            write("/etc/kubernetes/admin.conf", "new kubeconfig", 0o600, Expected::Any),
            write("/etc/kubernetes/super-admin.conf", "another kubeconfig", 0o600, Expected::Absent),
            Change::Remove { path: "/etc/kubernetes/admin.conf.csr".into(), expected: Expected::Any },
        ],
        doors: &["/srv/pki", "/etc/kubernetes"],
        is_kept: false,
    }
}

/// The same with a backup, in a directory that holds something else too.
fn kept_renewal() -> Scenario {
    const BEFORE: &[(&str, &str, u32)] = &[
        ("srv/pki/apiserver.crt", "old certificate", 0o640),
        ("srv/pki/apiserver.key", "old key", 0o600),
        ("etc/kubernetes/admin.conf", "old kubeconfig", 0o600),
        ("etc/kubernetes/admin.conf.csr", "request", 0o600),
        ("var/kept/notes", "somebody's", 0o644),
    ];
    Scenario { name: "renewal with a backup", before: BEFORE, is_kept: true, ..renewal() }
}

/// Files come back: one that is missing, one with another content, one whose mode alone was changed.
fn restoring() -> Scenario {
    let restore = |path: &str, content: &str, mode| {
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let attributes = Attributes::from_hex(mode, uid, gid, []);
        Change::Restore {
            path: path.into(),
            content: content.as_bytes().to_vec().into(),
            attributes,
            expected: Expected::Any,
        }
    };
    Scenario {
        name: "restoring with a backup",
        before: &[
            ("srv/pki/apiserver.crt", "new certificate", 0o644),
            ("srv/pki/apiserver.key", "one key", 0o644),
            ("etc/kubernetes/scheduler.conf", "stays", 0o600),
            ("var/kept/notes", "somebody's", 0o644),
        ],
        changes: vec![
            restore("/srv/pki/apiserver.key", "one key", 0o600),
            restore("/srv/pki/apiserver.crt", "old certificate", 0o640),
            restore("/etc/kubernetes/admin.conf", "old kubeconfig", 0o600),
        ],
        doors: &["/srv/pki", "/etc/kubernetes"],
        is_kept: true,
    }
}

fn scenarios() -> [Scenario; 4] {
    [first_run(), kept_renewal(), restoring(), rotation()]
}

/// The kubelet's way: a new dated file, and a link that leads to it from then on.
fn rotation() -> Scenario {
    Scenario {
        name: "rotation",
        before: &[
            ("var/lib/kubelet/pki/client-1.pem", "old certificate and key", 0o600),
            ("var/lib/kubelet/pki/client-current.pem", "-> /var/lib/kubelet/pki/client-1.pem", 0o777),
            ("etc/kubernetes/kubelet.conf", "old kubeconfig", 0o600),
            ("var/kept/notes", "somebody's", 0o644),
        ],
        changes: vec![
            write("/var/lib/kubelet/pki/client-2.pem", "new certificate and key", 0o600, Expected::Absent),
            Change::Link {
                path: "/var/lib/kubelet/pki/client-current.pem".into(),
                target: "/var/lib/kubelet/pki/client-2.pem".into(),
            },
            Change::Link { path: "/etc/kubernetes/another.pem".into(), target: "kubelet.conf".into() },
            write("/etc/kubernetes/kubelet.conf", "new kubeconfig", 0o600, Expected::Any),
        ],
        doors: &["/var/lib/kubelet/pki", "/etc/kubernetes"],
        is_kept: true,
    }
}

impl Scenario {
    /// A fresh tree before the change. In memory where there is such a place: no test here depends on the medium.
    fn place(&self) -> TempDir {
        let place = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        for (path, content, mode) in self.before {
            let path = place.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            if let Some(target) = content.strip_prefix("-> ") {
                std::os::unix::fs::symlink(target, &path).unwrap();
                continue;
            }
            std::fs::write(&path, content).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(*mode)).unwrap();
        }
        place
    }

    fn apply(&self, place: &Path, faults: &Arc<Faults>) -> Result<(), StoreError> {
        let mut store = store(place);
        store.disk = faults.disk();
        let order = BackupOrder {
            on_machine: false,
            directory: BACKUPS.as_ref(),
            operation: "certs renew",
            made_at: chrono::DateTime::UNIX_EPOCH,
            certificates_dir: "/srv/pki".as_ref(),
            kubeconfig_dir: "/etc/kubernetes".as_ref(),
        };
        let mut session = store.lock(self.doors)?;
        if self.is_kept {
            return session.apply_with_backup(&self.changes, &order).map(drop);
        }
        session.apply(&self.changes).map(drop)
    }

    /// Whether there is a complete backup. One that is there is of the tree before the change, to the bit; and
    /// whatever else is in the directory stays.
    fn is_backed_up(&self, place: &Path, case: &str) -> bool {
        if !self.is_kept {
            return false;
        }
        assert!(place.join("var/kept/notes").exists(), "{case}: not ours to remove");
        let backups = store(place).backups(BACKUPS.as_ref()).unwrap();
        assert!(backups.len() <= 1, "{case}");
        let Some(backup) = backups.first() else { return false };
        let directory = place.join(backup.path.strip_prefix("/").unwrap());
        assert_eq!(mode_of(&directory), 0o700, "{case}");
        let Ok(manifest) = backup.usable() else {
            assert_eq!(backup.state, BackupState::Incomplete, "{case}: {:?}", backup.problems);
            return false;
        };
        let changes = self.changes.iter().map(|change| change.path().strip_prefix("/").unwrap());
        let replaced = changes.filter_map(|path| self.before.iter().find(|(before, ..)| Path::new(before) == path));
        let kept = manifest.files.iter().map(|file| {
            let copy = directory.join(&file.name);
            assert_eq!(mode_of(&copy), 0o600, "{case}");
            let content = std::fs::read_to_string(copy).unwrap();
            (file.path.strip_prefix("/").unwrap().to_str().unwrap().to_owned(), content, file.mode)
        });
        let expected = replaced.map(|(path, content, mode)| {
            // Of a link, what it led to.
            let led_to =
                content.strip_prefix("-> /").and_then(|led| self.before.iter().find(|(path, ..)| *path == led));
            let (content, mode) = led_to.map_or((content, mode), |(_, content, mode)| (content, mode));
            ((*path).to_owned(), (*content).to_owned(), *mode)
        });
        assert_eq!(kept.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{case}");
        true
    }

    /// What is in the directory of backups.
    fn kept(place: &Path) -> State {
        let kept = place.join("var/kept");
        if kept.exists() { state(&kept) } else { State::new() }
    }

    /// The states before and after, and how many steps lead from one to the other.
    fn course(&self) -> (State, State, usize) {
        let place = self.place();
        let before = state(place.path());
        let faults = Faults::new([]);
        self.apply(place.path(), &faults).unwrap();
        (before, state(place.path()), faults.steps().len())
    }
}

fn store(place: &Path) -> Store {
    Store::new(Some(place.to_owned())).unwrap().with_lock_wait(Duration::ZERO)
}

fn mode_of(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().mode() & 0o7777
}

fn state(place: &Path) -> State {
    let mut state = State::new();
    let mut pending = vec![place.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let (path, metadata) = (entry.path(), entry.metadata().unwrap());
            if path == place.join("var/kept") {
                continue;
            }
            let content = if metadata.is_symlink() {
                Some(format!("-> {}", std::fs::read_link(&path).unwrap().display()).into_bytes())
            } else {
                metadata.is_file().then(|| std::fs::read(&path).unwrap())
            };
            state.insert(path.strip_prefix(place).unwrap().to_owned(), (metadata.mode() & 0o7777, content));
            if metadata.is_dir() {
                pending.push(path);
            }
        }
    }
    state
}

/// Comes back through `door`, then through all, and says whether the tree is the old (`false`) or the new one.
///
/// After the first all files must be of one generation, in the other trees too; after the last nothing else may
/// be left.
fn recover(place: &Path, doors: &[&str], door: usize, before: &State, after: &State, case: &str) -> bool {
    let come_back = |door: &str| drop(store(place).lock(&[door]).unwrap_or_else(|error| panic!("{case}: {error}")));
    come_back(doors[door % doors.len()]);
    let first = state(place);
    let now = files(&first);
    assert!(now == files(before) || now == files(after), "{case}: neither old nor new, but {now:#?}");
    for door in doors {
        come_back(door);
    }
    assert_eq!(files(&state(place)), now, "{case}: another generation through another door");
    let all = state(place);
    assert!(all == *before || all == *after, "{case}: something is left: {:#?}", all.keys());
    all == *after
}

/// The files alone, without a transaction's own.
fn files(state: &State) -> BTreeMap<&Path, &[u8]> {
    let files = state.iter().filter_map(|(path, (_, content))| Some((path.as_path(), content.as_deref()?)));
    files.filter(|(path, _)| !super::recovery::is_reserved(path.file_name().unwrap())).collect()
}

#[test]
fn a_change_that_works_leaves_exactly_the_wanted_files() {
    let (_, after, _) = first_run().course();
    let files = after.iter().filter(|(_, (_, content))| content.is_some()).map(|(path, (mode, _))| (path, *mode));
    let files = files.map(|(path, mode)| (path.to_str().unwrap(), mode)).collect::<Vec<_>>();
    let expected = [
        ("etc/hostname", 0o644),
        ("etc/kubernetes/admin.conf", 0o600),
        ("etc/kubernetes/pki/ca.crt", 0o644),
        ("etc/kubernetes/pki/ca.key", 0o600),
        ("etc/kubernetes/pki/etcd/ca.crt", 0o644),
    ];
    assert_eq!(files, expected);
    let (_, after, _) = renewal().course();
    assert_eq!(after[Path::new("srv/pki/apiserver.crt")], (0o640, Some(b"new certificate".to_vec())), "mode is kept");
    assert!(!after.contains_key(Path::new("etc/kubernetes/admin.conf.csr")));
    assert_eq!(after.len(), 5 + 4, "five files and their four directories: {after:#?}");
}

#[test]
fn a_link_is_repointed_in_one_instant_and_what_it_led_to_stays() {
    let (_, after, _) = rotation().course();
    let content = |path: &str| String::from_utf8(after[Path::new(path)].1.clone().unwrap()).unwrap();
    assert_eq!(content("var/lib/kubelet/pki/client-current.pem"), "-> /var/lib/kubelet/pki/client-2.pem");
    assert_eq!(content("var/lib/kubelet/pki/client-1.pem"), "old certificate and key");
    assert_eq!(content("etc/kubernetes/another.pem"), "-> kubelet.conf");
    let place = rotation().place();
    rotation().apply(place.path(), &Faults::new([])).unwrap();
    let again = store(place.path()).lock(rotation().doors).unwrap().apply(&rotation().changes[1..3]).unwrap();
    assert!(again.files.iter().all(|(_, action)| *action == super::Action::Unchanged), "{again:?}");
}

#[test]
fn one_failing_step_leaves_the_old_files_and_returns_its_own_error() {
    for scenario in scenarios() {
        let (before, after, steps) = scenario.course();
        let mut applied = BTreeSet::new();
        for at in 0..steps {
            for (fault, code) in [
                (Fault::Fail(Errno::IO), "store.io"),
                (Fault::Fail(Errno::NOSPC), "store.disk_full"),
                (Fault::Fail(Errno::ROFS), "store.read_only"),
                (Fault::FailAfter(Errno::IO), "store.io"),
            ] {
                let case = format!("{}, {fault:?} at step {at}", scenario.name);
                let place = scenario.place();
                if let Err(error) = scenario.apply(place.path(), &Faults::new([(at, fault)])) {
                    assert_eq!(error.code(), code, "{case}");
                    assert_eq!(state(place.path()), before, "{case}");
                    assert_eq!(Scenario::kept(place.path()), Scenario::kept(scenario.place().path()), "{case}");
                } else {
                    // Only tidying up failed: the next run does it.
                    applied.insert(at);
                    assert_eq!(scenario.is_backed_up(place.path(), &case), scenario.is_kept, "{case}");
                    assert!(recover(place.path(), scenario.doors, 0, &before, &after, &case), "{case}");
                }
            }
        }
        assert!(applied.len() < steps / 2, "most steps are before the point of no return: {applied:?} of {steps}");
    }
}

#[test]
fn a_disk_that_goes_away_leaves_what_the_next_run_recovers() {
    for scenario in scenarios() {
        let (before, after, steps) = scenario.course();
        for at in 0..steps {
            for (door, name) in scenario.doors.iter().enumerate() {
                let case = format!("{}, disk gone from step {at}, back at {name}", scenario.name);
                let place = scenario.place();
                let answer = scenario.apply(place.path(), &Faults::new([(at, Fault::FailFrom(Errno::ROFS))]));
                match &answer {
                    Err(StoreError::RollbackIncomplete { cause, .. }) => assert_eq!(cause.code(), "store.read_only"),
                    Err(_) => assert_eq!(state(place.path()), before, "{case}"),
                    Ok(()) => {}
                }
                let is_new = recover(place.path(), scenario.doors, door, &before, &after, &case);
                assert!(is_new || answer.is_err(), "{case}: reported as done, and lost");
                let is_backed_up = scenario.is_backed_up(place.path(), &case);
                assert!(is_backed_up || !is_new || !scenario.is_kept, "{case}: changed without a backup");
            }
        }
    }
}

#[test]
fn a_killed_process_leaves_what_the_next_run_recovers() {
    for scenario in scenarios() {
        let (before, after, steps) = scenario.course();
        let mut outcomes = BTreeSet::new();
        for at in 0..steps {
            for (door, name) in scenario.doors.iter().enumerate() {
                let case = format!("{}, killed at step {at}, back at {name}", scenario.name);
                let place = scenario.place();
                let _ = scenario.apply(place.path(), &Faults::new([(at, Fault::Die)]));
                let is_new = recover(place.path(), scenario.doors, door, &before, &after, &case);
                outcomes.insert(is_new);
                let is_backed_up = scenario.is_backed_up(place.path(), &case);
                assert!(is_backed_up || !is_new || !scenario.is_kept, "{case}: changed without a backup");
            }
        }
        assert_eq!(outcomes.len(), 2, "both outcomes must occur, or the test proves nothing");
    }
}

#[test]
fn a_power_cut_leaves_what_the_next_run_recovers() {
    for scenario in scenarios() {
        let (before, after, steps) = scenario.course();
        for at in 0..steps {
            // At most four directories change, that of backups and the backup's own among them: every combination of those that lose what was not flushed.
            for lost in 0..1 << 4 {
                let case = format!("{}, power cut at step {at}, lost {lost:04b}", scenario.name);
                let place = scenario.place();
                let _ = scenario.apply(place.path(), &Faults::new([(at, Fault::PowerCut(lost))]));
                let is_new = recover(place.path(), scenario.doors, at, &before, &after, &case);
                let is_backed_up = scenario.is_backed_up(place.path(), &case);
                assert!(is_backed_up || !is_new || !scenario.is_kept, "{case}: changed without a backup");
            }
        }
    }
}

#[test]
fn what_was_reported_as_done_survives_a_power_cut() {
    for scenario in scenarios() {
        let (before, after, steps) = scenario.course();
        for lost in 0..1 << 4 {
            let place = scenario.place();
            let faults = Faults::new([(steps, Fault::PowerCut(lost))]);
            scenario.apply(place.path(), &faults).unwrap();
            // One more step, which is where the power goes.
            let _ = faults.disk().run(Step::SyncDirectory, place.path(), || Ok(()));
            let case = format!("{}, power cut at the end, lost {lost:04b}", scenario.name);
            assert!(recover(place.path(), scenario.doors, 0, &before, &after, &case), "{case}");
            assert_eq!(scenario.is_backed_up(place.path(), &case), scenario.is_kept, "{case}");
        }
    }
}

#[test]
fn death_while_taking_back_is_recovered() {
    for scenario in [kept_renewal(), restoring()] {
        let (before, after, steps) = scenario.course();
        for at in 0..steps {
            for later in at + 1..at + 30 {
                let case = format!("{}, failed at step {at}, killed at {later}", scenario.name);
                let place = scenario.place();
                let faults = Faults::new([(at, Fault::Fail(Errno::IO)), (later, Fault::Die)]);
                let _ = scenario.apply(place.path(), &faults);
                recover(place.path(), scenario.doors, later, &before, &after, &case);
                scenario.is_backed_up(place.path(), &case);
            }
        }
    }
}

#[test]
fn death_while_recovering_is_recovered() {
    for scenario in [renewal(), restoring()] {
        let (before, after, steps) = scenario.course();
        for at in 0..steps {
            for later in 0.. {
                let case = format!("{}, killed at step {at}, and at step {later} of the recovery", scenario.name);
                let place = scenario.place();
                let _ = scenario.apply(place.path(), &Faults::new([(at, Fault::Die)]));
                let faults = Faults::new([(later, Fault::PowerCut(later.try_into().unwrap()))]);
                let mut second = store(place.path());
                second.disk = faults.disk();
                let answer = second.lock(scenario.doors).map(drop);
                recover(place.path(), scenario.doors, later, &before, &after, &case);
                if answer.is_ok() && faults.steps().len() <= later {
                    break;
                }
            }
        }
    }
}

/// The order of the steps, which is the protocol: each "sync" is there for a reason, and none is missing.
#[test]
fn the_steps_come_in_the_order_that_the_reference_promises() {
    let place = renewal().place();
    let faults = Faults::new([]);
    renewal().apply(place.path(), &faults).unwrap();
    let shown = |(step, path): &(Step, PathBuf)| {
        let path = path.strip_prefix(place.path().canonicalize().unwrap()).unwrap().to_str().unwrap();
        let id = path.split_once(".kubepki-").map(|(_, rest)| rest[..16].to_owned());
        format!("{step:?} {}", id.map_or(path.to_owned(), |id| path.replace(&id, "T")))
    };
    let steps = faults.steps().iter().filter(|(step, _)| *step != Step::Write).map(shown).collect::<Vec<_>>();
    let expected = "\
CreateFile etc/kubernetes/.kubepki-T.prepared
SyncFile etc/kubernetes/.kubepki-T.prepared
SyncDirectory etc/kubernetes
CreateFile srv/pki/.kubepki-T.pointer
SyncFile srv/pki/.kubepki-T.pointer
SyncDirectory srv/pki
CreateFile srv/pki/.kubepki-T-apiserver.key.new
SetMode srv/pki/.kubepki-T-apiserver.key.new
SyncFile srv/pki/.kubepki-T-apiserver.key.new
CreateFile srv/pki/.kubepki-T-apiserver.crt.new
SetMode srv/pki/.kubepki-T-apiserver.crt.new
SyncFile srv/pki/.kubepki-T-apiserver.crt.new
CreateFile etc/kubernetes/.kubepki-T-admin.conf.new
SetMode etc/kubernetes/.kubepki-T-admin.conf.new
SyncFile etc/kubernetes/.kubepki-T-admin.conf.new
CreateFile etc/kubernetes/.kubepki-T-super-admin.conf.new
SyncFile etc/kubernetes/.kubepki-T-super-admin.conf.new
Link srv/pki/.kubepki-T-apiserver.key.old
Link srv/pki/.kubepki-T-apiserver.crt.old
Link etc/kubernetes/.kubepki-T-admin.conf.old
Link etc/kubernetes/.kubepki-T-admin.conf.csr.old
SyncDirectory etc/kubernetes
SyncDirectory srv/pki
Rename etc/kubernetes/.kubepki-T.committed
SyncDirectory etc/kubernetes
Rename srv/pki/apiserver.key
Rename srv/pki/apiserver.crt
Rename etc/kubernetes/admin.conf
Rename etc/kubernetes/super-admin.conf
Unlink etc/kubernetes/admin.conf.csr
SyncDirectory etc/kubernetes
SyncDirectory srv/pki
Rename etc/kubernetes/.kubepki-T.done
SyncDirectory etc/kubernetes
Unlink etc/kubernetes/.kubepki-T-admin.conf.old
Unlink etc/kubernetes/.kubepki-T-admin.conf.csr.old
SyncDirectory etc/kubernetes
Unlink srv/pki/.kubepki-T-apiserver.key.old
Unlink srv/pki/.kubepki-T-apiserver.crt.old
Unlink srv/pki/.kubepki-T.pointer
SyncDirectory srv/pki
Unlink etc/kubernetes/.kubepki-T.done
SyncDirectory etc/kubernetes";
    assert_eq!(steps.join("\n"), expected);
}
