//! Backups as text.
//!
//! In: backups. Out: a table of all, or all that is known of one.

use super::cell::{minute, path};
use super::table;
use crate::ops::backup::{Shown, ShownFile};
use crate::store::backup::{Backup, Difference, State};
use crate::text::printable;

/// All of them, a line each. Moment and operation are in the name too: they go first where there is little room.
#[must_use]
pub fn list(backups: &[Backup], width: Option<usize>) -> String {
    let row = |backup: &Backup| {
        let files = backup.manifest.as_ref().map_or(0, |manifest| manifest.files.len());
        let made_at = minute(Some(backup.made_at));
        [backup.name.clone(), state(backup.state).to_owned(), files.to_string(), made_at, backup.operation.clone()]
    };
    table(width, ["NAME", "STATE", "FILES", "MADE", "BEFORE"], backups.iter().map(row))
}

/// One: what it is, all that is wrong with it, its files, and what was made by that run.
#[must_use]
pub fn text(shown: &Shown, width: Option<usize>) -> String {
    let Shown { backup, files } = shown;
    let made = minute(Some(backup.made_at));
    let (state, place) = (state(backup.state), path(&backup.path));
    let mut parts = vec![format!("{}: {state}, made {made} before `{}`, in {place}", backup.name, backup.operation)];
    parts.extend(backup.problems.iter().cloned());
    let mut parts: Vec<_> = parts.iter().map(|part| printable(part).into_owned()).collect();
    if !files.is_empty() {
        parts.push(table(width, ["FILE", "MODE", "OWNER", "EXPIRES", "NOW"], files.iter().map(row)));
    }
    let created = backup.manifest.iter().flat_map(|manifest| &manifest.created);
    parts.extend(created.map(|file| printable(&format!("made by that run: {}", path(file))).into_owned()));
    parts.join("\n")
}

fn row(shown: &ShownFile) -> [String; 5] {
    let file = &shown.file;
    let now = shown.difference.map(since).unwrap_or_default();
    let (mode, owner) = (format!("{:04o}", file.mode), format!("{}:{}", file.uid, file.gid));
    [path(&file.path), mode, owner, minute(shown.expires_at), now.to_owned()]
}

/// What can be done with a backup, in a word.
#[must_use]
pub const fn state(state: State) -> &'static str {
    match state {
        State::Complete => "complete",
        State::Incomplete => "incomplete",
        State::Damaged => "damaged",
        State::Untrusted => "untrusted",
    }
}

const fn since(difference: Difference) -> &'static str {
    match difference {
        Difference::Same => "same",
        Difference::Missing => "missing",
        Difference::Content => "changed since",
        Difference::Attributes => "mode or owner changed since",
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn a_backup_says_what_it_is_and_all_that_is_wrong_with_it() {
        let backup = Backup {
            name: "19700101T000000Z-certs-renew".into(),
            path: "/backups//19700101T000000Z-certs-renew".into(),
            made_at: DateTime::UNIX_EPOCH,
            operation: "certs renew".into(),
            state: State::Damaged,
            problems: vec!["bad\u{1b}".into()],
            manifest: None,
        };
        let table = list(std::slice::from_ref(&backup), None);
        let header = "NAME                           STATE     FILES   MADE                   BEFORE";
        let row = "19700101T000000Z-certs-renew   damaged   0       1970-01-01 00:00 UTC   certs renew";
        assert_eq!(table, format!("{header}\n{row}"));
        let longest = Backup {
            name: "19700101T000000Z-certs-check-expiration-2".into(),
            state: State::Incomplete,
            ..backup.clone()
        };
        let narrow = list(&[longest], Some(80));
        assert!(narrow.lines().next().unwrap().contains("   STATE        FILES"), "{narrow}");
        assert!(narrow.contains("   incomplete   0"), "{narrow}");
        assert_eq!(
            text(&Shown { backup, files: Vec::new() }, None),
            "19700101T000000Z-certs-renew: damaged, made 1970-01-01 00:00 UTC before `certs renew`, in \
             /backups/19700101T000000Z-certs-renew\nbad\\x1b"
        );
    }
}
