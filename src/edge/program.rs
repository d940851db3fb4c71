//! Programs that may be run with root's rights: where they are looked for, and who else could have changed them.
//!
//! In: a name, or a path. Out: the program's absolute path, or who could put another in its place. `PATH` is not asked:
//! whoever sets it would choose the program. Every folder and every link on the way is looked at, not the last one alone.

// This is the floor that the ban on file access elsewhere exists for.
#![allow(clippy::disallowed_methods)]

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

/// The folders of the system's programs, in the order of a root shell; the last is Flatcar's, for `crictl`.
pub(super) const FOLDERS: [&str; 7] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/opt/bin"];

/// As many links as the kernel follows.
const MOST_LINKS: usize = 40;

/// No first line of a script is longer to the kernel.
const FIRST_LINE: u64 = 256;

/// Why a program is not run: somebody else could have put it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distrust {
    /// The file, folder or link that somebody else can change.
    pub place: PathBuf,
    /// Who, and why.
    pub reason: String,
}

/// Whose files are trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// root's alone.
    Root,
    /// root's, and those of the user who runs this.
    RootOrSelf,
}

impl Owner {
    fn is(self, uid: u32) -> bool {
        uid == 0 || (self == Self::RootOrSelf && uid == rustix::process::geteuid().as_raw())
    }
}

/// The program of that name in the system's folders; `None` where there is none.
///
/// # Errors
/// The one that would be run could be another user's.
pub fn find(program: &str) -> Result<Option<PathBuf>, Distrust> {
    for folder in FOLDERS {
        let candidate = Path::new(folder).join(program);
        let is_program =
            candidate.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
        if is_program {
            return trusted(Path::new("/"), &candidate, Owner::RootOrSelf).map(|real| real.map(|_| candidate));
        }
    }
    Ok(None)
}

/// The file that `path` leads to below `root`, when nobody but its `owner` could change what is found there; `None` where
/// nothing is there. Of a script its interpreter is looked at too.
///
/// # Errors
/// Somebody else could.
pub fn trusted(root: &Path, path: &Path, owner: Owner) -> Result<Option<PathBuf>, Distrust> {
    let Some(real) = resolved(root, path, owner)? else { return Ok(None) };
    if let Some(interpreter) = interpreter(&real) {
        resolved(root, &interpreter, owner)?;
    }
    Ok(Some(real))
}

/// Refuses a file that its user names, where anybody but root and that user could change it.
///
/// # Errors
/// Somebody else could.
pub fn refuse_foreign(path: &Path) -> Result<(), Distrust> {
    let place = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    trusted(Path::new("/"), &place, Owner::RootOrSelf).map(drop)
}

fn resolved(root: &Path, path: &Path, owner: Owner) -> Result<Option<PathBuf>, Distrust> {
    let mut rest: VecDeque<OsString> = parts(path).collect();
    let mut here = root.to_owned();
    let mut links = 0;
    if root == Path::new("/") {
        let found =
            root.symlink_metadata().map_err(|error| Distrust { place: here.clone(), reason: error.to_string() });
        refuse_changeable(&here, &found?, owner)?;
    }
    while let Some(part) = rest.pop_front() {
        if part == ".." {
            if here != root {
                here.pop();
            }
            continue;
        }
        let next = here.join(&part);
        let found = match next.symlink_metadata() {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return refuse_open(&here, &next).map(|()| None);
            }
            Err(error) => return Err(Distrust { place: next, reason: error.to_string() }),
        };
        if found.is_symlink() {
            // Its mode says nothing; in a sticky folder its owner can point it elsewhere.
            refuse_owner(&next, &found, owner)?;
            links += 1;
            if links > MOST_LINKS {
                return Err(Distrust { place: next, reason: "its links lead nowhere".into() });
            }
            let target = next.read_link().map_err(|error| Distrust { place: next, reason: error.to_string() })?;
            if target.is_absolute() {
                root.clone_into(&mut here);
            }
            for part in parts(&target).collect::<Vec<_>>().into_iter().rev() {
                rest.push_front(part);
            }
            continue;
        }
        refuse_changeable(&next, &found, owner)?;
        here = next;
    }
    Ok(Some(here))
}

fn parts(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

fn refuse_changeable(place: &Path, found: &Metadata, owner: Owner) -> Result<(), Distrust> {
    refuse_owner(place, found, owner)?;
    let mode = found.mode() & 0o7777;
    // Of a folder like /tmp, whose entries only their owners may replace; those are looked at next.
    let is_sticky = found.is_dir() && mode & 0o1000 != 0;
    match others(found).filter(|_| !is_sticky) {
        Some(who) => {
            Err(Distrust { place: place.to_owned(), reason: format!("{who} can write to it (mode {mode:04o})") })
        }
        None => Ok(()),
    }
}

/// Refuses what is not there in a folder where others could put it the next moment, as in `/tmp`.
fn refuse_open(folder: &Path, absent: &Path) -> Result<(), Distrust> {
    let found = folder.symlink_metadata().ok();
    let Some(who) = found.as_ref().and_then(others) else { return Ok(()) };
    let reason = format!("it is not there, and {who} could put one there");
    Err(Distrust { place: absent.to_owned(), reason })
}

/// Who else than its owner can write to it. Root's group is no exception: a list of further users shows as the group's rights.
fn others(found: &Metadata) -> Option<String> {
    match found.mode() {
        mode if mode & 0o002 != 0 => Some("everybody".to_owned()),
        mode if mode & 0o020 != 0 => Some(format!("group {}", found.gid())),
        _ => None,
    }
}

fn refuse_owner(place: &Path, found: &Metadata, owner: Owner) -> Result<(), Distrust> {
    if owner.is(found.uid()) {
        return Ok(());
    }
    Err(Distrust { place: place.to_owned(), reason: format!("it belongs to user {}", found.uid()) })
}

/// What the first line of a script names.
fn interpreter(program: &Path) -> Option<PathBuf> {
    let mut start = Vec::new();
    File::open(program).ok()?.take(FIRST_LINE).read_to_end(&mut start).ok()?;
    let line = start.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let word = line.trim_ascii_start().split(u8::is_ascii_whitespace).next()?;
    Some(PathBuf::from(OsString::from_vec(word.to_vec()))).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::symlink;

    use super::*;

    fn program(folder: &Path, name: &str) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn a_program_of_the_system_is_found_and_path_is_not_asked() {
        assert!(FOLDERS.contains(&find("sh").unwrap().unwrap().parent().unwrap().to_str().unwrap()));
        assert_eq!(find("no-such-program-of-kubepki"), Ok(None));
    }

    #[test]
    fn what_others_can_replace_is_refused_wherever_on_the_way_it_is() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        let path = program(&root.join("opt/tools/bin"), "kubepki");
        let judge = |path: &str| trusted(root, Path::new(path), Owner::RootOrSelf);
        assert_eq!(judge("/opt/tools/bin/kubepki"), Ok(Some(path.clone())));
        assert_eq!(judge("/opt/tools/bin/other"), Ok(None));

        for (place, mode) in [("opt/tools/bin/kubepki", 0o757), ("opt/tools/bin", 0o777), ("opt", 0o757)] {
            let place = root.join(place);
            let before = place.metadata().unwrap().permissions();
            fs::set_permissions(&place, Permissions::from_mode(mode)).unwrap();
            assert_eq!(judge("/opt/tools/bin/kubepki").unwrap_err().place, place);
            fs::set_permissions(&place, before).unwrap();
        }
        // A group is no exception, whichever it is: a list of further users shows so.
        fs::set_permissions(root.join("opt"), Permissions::from_mode(0o775)).unwrap();
        assert_eq!(judge("/opt/tools/bin/kubepki").unwrap_err().place, root.join("opt"));
        fs::set_permissions(root.join("opt"), Permissions::from_mode(0o755)).unwrap();
        // What is not there can come from anybody in a folder like /tmp; what is there is its owner's.
        fs::create_dir(root.join("tmp")).unwrap();
        fs::set_permissions(root.join("tmp"), Permissions::from_mode(0o1777)).unwrap();
        let mine = program(&root.join("tmp"), "mine");
        assert_eq!(judge("/tmp/mine"), Ok(Some(mine)));
        assert_eq!(judge("/tmp/other").unwrap_err().place, root.join("tmp/other"));
        // A link in a safe folder that leads through one that is not, and back.
        let open = root.join("srv/open");
        fs::create_dir_all(&open).unwrap();
        symlink("/opt/tools/bin", open.join("bin")).unwrap();
        symlink("../srv/open/bin/kubepki", root.join("opt/kubepki")).unwrap();
        assert_eq!(judge("/opt/kubepki"), Ok(Some(path)));
        fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
        assert_eq!(judge("/opt/kubepki").unwrap_err().place, open);
        symlink("loop", root.join("opt/loop")).unwrap();
        assert!(judge("/opt/loop").is_err());
    }

    #[test]
    fn a_script_is_as_safe_as_its_interpreter() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        let script = program(&root.join("opt"), "kubepki");
        let python = program(&root.join("home/user/venv"), "python");
        fs::write(&script, "#!/home/user/venv/python -I\n").unwrap();
        let judge = || trusted(root, Path::new("/opt/kubepki"), Owner::RootOrSelf);
        assert!(judge().is_ok());
        fs::set_permissions(python.parent().unwrap(), Permissions::from_mode(0o777)).unwrap();
        assert_eq!(judge().unwrap_err().place, python.parent().unwrap());
    }
}
