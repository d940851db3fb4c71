//! A file or a folder that one run works with, and no other meanwhile.
//!
//! In: a file. Out: [`Reserved`], for as long as nobody else has the same file. The lock is a file beside it: whoever may read a
//! file can lock it, and reading is not what is kept apart.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::Store;
use super::acquire::acquire_as;
use super::directory::Directory;
use super::error::StoreError;

/// A file that is reserved, for as long as this lives.
pub struct Reserved(Option<Directory>); // its lock ends with it

impl Reserved {
    /// Whether a lock keeps others away.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.0.as_ref().is_some_and(Directory::is_locked)
    }
}

impl Store {
    /// Reserves a file or a folder that is there; another one is waited for as long as `wait` says. Where no file can be made beside it,
    /// nothing is reserved.
    ///
    /// # Errors
    /// [`StoreError::Locked`] with the file and who has it; those of looking at its folder.
    pub fn reserve(&self, file: &Path, wait: Duration) -> Result<Reserved, StoreError> {
        let found = self.root.resolve(file, true)?;
        let (Some(folder), Some(name)) = (found.existing.parent(), found.existing.file_name()) else {
            return Ok(Reserved(None));
        };
        let mut lock = OsString::from(".");
        lock.push(name);
        lock.push(".kubepki.lock");
        match acquire_as(&lock, &self.root, &self.disk, folder, wait) {
            Ok(folder) => Ok(Reserved(Some(folder))),
            Err(StoreError::Locked { holder, waited, .. }) => {
                Err(StoreError::Locked { path: file.to_owned(), holder, waited })
            }
            // A disk that others can fill must not keep anybody from the way back.
            Err(
                error @ (StoreError::DiskFull { .. }
                | StoreError::NameTooLong { .. }
                | StoreError::LockUnsupported { .. }),
            ) => {
                log::warn!("other runs are not kept from {}: {error}", file.display());
                Ok(Reserved(None))
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_reserved_once_and_another_beside_it_all_the_same() {
        let place = tempfile::tempdir().unwrap();
        let (one, other) = (place.path().join("nodes.yaml"), place.path().join("others.yaml"));
        let link = place.path().join("link.yaml");
        for path in [&one, &other] {
            std::fs::write(path, "").unwrap();
        }
        std::os::unix::fs::symlink("nodes.yaml", &link).unwrap();
        let store = Store::new(None).unwrap();
        // A thread is not kept from what it has itself.
        let refused = |path: &Path| {
            std::thread::scope(|scope| {
                let elsewhere = scope.spawn(|| Store::new(None).unwrap().reserve(path, Duration::ZERO).map(drop));
                matches!(elsewhere.join().unwrap(), Err(StoreError::Locked { path: named, .. }) if named == path)
            })
        };
        let held = store.reserve(&one, Duration::ZERO).unwrap();
        assert!(refused(&one) && refused(&link) && !refused(&other));
        drop(held);
        assert!(!refused(&one));
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 3, "and nothing stays behind");
        // A lock that cannot be had keeps nobody from work.
        let long = place.path().join("n".repeat(250));
        std::fs::write(&long, "").unwrap();
        assert!(store.reserve(&long, Duration::ZERO).is_ok());
    }
}
