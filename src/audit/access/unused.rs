//! Whether a certificate that is not known to be the new CA's was used lately, by the API servers' audit logs.
//!
//! In: a log, the certificates of the new CA that are known, now, a span. Out: those that were used within the span, the last one first;
//! or why the log does not tell. The log does not say who has issued a certificate: what nobody knows is taken for the old CA's.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::log::MOST_CREDENTIALS;
use super::{AuditLog, period};
use crate::text::duration;

/// A living cluster writes events all the time; a log that ends earlier was copied too long ago.
const FRESH: TimeDelta = TimeDelta::hours(1);

/// A certificate that was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StillUsed {
    /// The user that it stands for.
    pub user: String,
    /// The SHA-256 of its DER in hexadecimal.
    pub sha256: String,
    /// The last request.
    pub last_at: DateTime<Utc>,
}

/// Those that were used within the span before `now`, and are not among `known`.
///
/// # Errors
/// In words: the log does not reach over the span, or names no certificates.
pub fn still_used(
    log: &AuditLog,
    known: &BTreeSet<String>,
    now: DateTime<Utc>,
    span: TimeDelta,
) -> Result<Vec<StillUsed>, String> {
    let words = |time: TimeDelta| duration(time.num_seconds().max(0).unsigned_abs());
    let since = now - span;
    let (Some(first), Some(last)) = (log.first_at, log.last_at) else { return Err("they hold no event".to_owned()) };
    if first > since {
        return Err(format!("they reach{}, and not back over {}", period(log), words(span)));
    }
    if last < now - FRESH {
        return Err(format!(
            "they reach{}: the end is {} ago, more than {}",
            period(log),
            words(now - last),
            words(FRESH)
        ));
    }
    if log.uses.is_empty() {
        return Err("no event names a certificate: API servers say it since Kubernetes 1.32".to_owned());
    }
    if log.uses.len() >= MOST_CREDENTIALS {
        return Err(format!("they name more than {MOST_CREDENTIALS} certificates"));
    }
    let is_old = |sha256: &String, last_at: DateTime<Utc>| last_at >= since && !known.contains(sha256);
    let old = log.uses.iter().filter(|(sha256, used)| is_old(sha256, used.last_at));
    let mut old: Vec<_> = old
        .map(|(sha256, used)| StillUsed { user: used.user.clone(), sha256: sha256.clone(), last_at: used.last_at })
        .collect();
    old.sort_by_key(|one| std::cmp::Reverse(one.last_at));
    Ok(old)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::access::log::CREDENTIAL_ID;

    const OLD: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const NEW: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn log(events: &[(&str, &str, &str)]) -> AuditLog {
        let line = |(user, digest, moment): &(&str, &str, &str)| {
            let extra = if digest.is_empty() {
                String::new()
            } else {
                format!(r#","extra":{{"{CREDENTIAL_ID}":["X509SHA256={digest}"]}}"#)
            };
            format!(
                r#"{{"stage":"ResponseComplete","user":{{"username":"{user}"{extra}}},"sourceIPs":["192.0.2.1"],"stageTimestamp":"{moment}"}}"#
            )
        };
        let mut log = AuditLog::default();
        let text = events.iter().map(line).collect::<Vec<_>>().join("\n");
        log.read(text.as_bytes()).unwrap();
        log
    }

    fn judge(events: &[(&str, &str, &str)]) -> Result<Vec<String>, String> {
        let known = BTreeSet::from([NEW.to_owned()]);
        let used = still_used(&log(events), &known, at("2026-11-28T12:00:00Z"), TimeDelta::hours(24))?;
        Ok(used.into_iter().map(|one| one.user).collect())
    }

    const BEGIN: (&str, &str, &str) = ("carol", OLD, "2026-11-27T11:59:00Z");

    #[test]
    fn what_is_unknown_and_was_used_within_the_span_is_listed() {
        let quiet = [BEGIN, ("alice", NEW, "2026-11-28T11:58:00Z")];
        assert_eq!(judge(&quiet).unwrap(), Vec::<String>::new());
        let other = OLD.replace('a', "c");
        let busy = [BEGIN, ("alice", NEW, "2026-11-28T11:58:00Z"), ("bob", &other, "2026-11-27T12:00:00Z")];
        assert_eq!(judge(&busy).unwrap(), ["bob"]);
        let later = [BEGIN, ("bob", &other, "2026-11-28T11:00:00Z"), ("carol", OLD, "2026-11-28T11:30:00Z")];
        assert_eq!(judge(&later).unwrap(), ["carol", "bob"]);
    }

    #[test]
    fn a_log_that_does_not_tell_is_said_to() {
        let short =
            judge(&[("alice", NEW, "2026-11-27T12:00:01Z"), ("alice", NEW, "2026-11-28T11:59:00Z")]).unwrap_err();
        assert_eq!(short, "they reach from 2026-11-27 12:00 UTC to 2026-11-28 11:59 UTC, and not back over 1d");
        let stale = judge(&[BEGIN, ("alice", NEW, "2026-11-28T10:59:00Z")]).unwrap_err();
        assert!(stale.contains("to 2026-11-28 10:59 UTC: the end is 61m ago"), "{stale}");
        let silent =
            judge(&[("alice", "", "2026-11-27T11:00:00Z"), ("alice", "", "2026-11-28T11:59:00Z")]).unwrap_err();
        assert!(silent.contains("1.32"), "{silent}");
        assert!(judge(&[]).is_err());
    }
}
