//! An audit log of the API server, folded into who used which certificate.
//!
//! In: bytes, plain or gzip, as the API server writes and rotates them: a JSON object a line. Out: [`AuditLog`]. It is read once, a line
//! at a time; what is kept grows with the number of certificates, not with the log. Lines that are cut off, no JSON or no
//! events are counted and passed over. What clients can write into a log is text to be shown, and nothing else.
//!
//! Source: k8s.io/apiserver `pkg/apis/audit/v1` `Event`; `pkg/authentication/request/x509` (the credential's identifier is
//! `X509SHA256=` and the SHA-256 of the certificate's DER, since 1.32).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};

use chrono::{DateTime, Utc};
use flate2::bufread::MultiGzDecoder;
use serde::{Deserialize, Serialize};

/// What stands before the digest.
pub const CREDENTIAL_PREFIX: &str = "X509SHA256=";
pub(super) const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

/// Events with whole lists in them are long; nobody needs the longest ones in memory.
const LONGEST_LINE: usize = 32 << 20;
/// No user with its groups has longer names, and no address.
const LONGEST_NAMES: usize = 8 << 10;
/// More certificates are in no log: the rest is counted together.
pub(super) const MOST_CREDENTIALS: usize = 100_000;
/// So many addresses are kept of each certificate.
const MOST_ADDRESSES: usize = 32;

/// How a certificate was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialUse {
    /// The user that it stood for.
    pub user: String,
    /// The groups, without `system:authenticated`.
    pub groups: Vec<String>,
    /// The first request.
    pub first_at: DateTime<Utc>,
    /// The last one.
    pub last_at: DateTime<Utc>,
    /// How many requests.
    pub requests: u64,
    /// From which addresses, each with its requests, 32 at most: the last hop, the only one that a client cannot invent.
    pub addresses: BTreeMap<String, u64>,
    /// Requests from still other addresses.
    pub other_addresses: u64,
    #[serde(skip)]
    received: u64,
    #[serde(skip)]
    answered: u64,
}

/// What the logs hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLog {
    /// How many events.
    pub events: u64,
    /// The first moment.
    pub first_at: Option<DateTime<Utc>>,
    /// The last one.
    pub last_at: Option<DateTime<Utc>>,
    /// Events of who showed no certificate: tokens, anonymous, or an API server before 1.32, which does not say it.
    pub without_certificate: u64,
    /// Lines that are cut off, no events, longer than 32 MiB, or with names of more than 8 KiB.
    pub damaged_lines: u64,
    /// Each certificate by the SHA-256 of its DER, in hexadecimal.
    #[serde(skip)]
    pub uses: BTreeMap<String, CredentialUse>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, default)]
    stage: Cow<'a, str>,
    #[serde(borrow)]
    user: User<'a>,
    #[serde(borrow, default, rename = "sourceIPs")]
    source_ips: Vec<Cow<'a, str>>,
    #[serde(borrow, rename = "stageTimestamp")]
    stage_timestamp: Cow<'a, str>,
}

#[derive(Deserialize)]
struct User<'a> {
    #[serde(borrow, default)]
    username: Cow<'a, str>,
    #[serde(borrow, default)]
    groups: Vec<Cow<'a, str>>,
    #[serde(borrow, default)]
    extra: BTreeMap<Cow<'a, str>, Vec<Cow<'a, str>>>,
}

impl AuditLog {
    /// Takes one more log.
    ///
    /// # Errors
    /// It cannot be read on. What was read until then counts.
    pub fn read(&mut self, source: impl Read) -> io::Result<()> {
        let mut source = BufReader::with_capacity(1 << 16, source);
        if source.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
            let mut unpacked = BufReader::with_capacity(1 << 16, MultiGzDecoder::new(source));
            return match self.lines(&mut unpacked) {
                // A file that is still being packed, or was cut off.
                Err(error) if [io::ErrorKind::UnexpectedEof, io::ErrorKind::InvalidInput].contains(&error.kind()) => {
                    self.damaged_lines += 1;
                    Ok(())
                }
                other => other,
            };
        }
        self.lines(&mut source)
    }

    /// Whether nothing in it is an event.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.events == 0 && self.damaged_lines > 0
    }

    fn lines(&mut self, source: &mut impl BufRead) -> io::Result<()> {
        let mut line = Vec::new();
        while let Some(is_whole) = next_line(source, &mut line)? {
            let text = line.trim_ascii();
            if text.is_empty() && is_whole {
                continue;
            }
            match serde_json::from_slice::<Event<'_>>(text) {
                Ok(event) if is_whole => self.event(&event),
                _ => self.damaged_lines += 1,
            }
        }
        Ok(())
    }

    fn event(&mut self, event: &Event<'_>) {
        let names = [&event.user.username].into_iter().chain(&event.user.groups).chain(event.source_ips.last());
        let length: usize = names.map(|name| name.len()).sum();
        let moment = event.stage_timestamp.parse::<DateTime<Utc>>();
        let Some(moment) = moment.ok().filter(|_| length <= LONGEST_NAMES) else {
            self.damaged_lines += 1;
            return;
        };
        self.events += 1;
        self.first_at = Some(self.first_at.map_or(moment, |first| first.min(moment)));
        self.last_at = Some(self.last_at.map_or(moment, |last| last.max(moment)));
        let ids = event.user.extra.get(CREDENTIAL_ID).into_iter().flatten();
        let Some(digest) = ids.filter_map(|id| id.strip_prefix(CREDENTIAL_PREFIX)).find(|digest| is_digest(digest))
        else {
            self.without_certificate += 1;
            return;
        };
        if self.uses.len() >= MOST_CREDENTIALS && !self.uses.contains_key(digest) {
            self.without_certificate += 1;
            return;
        }
        let used = self.uses.entry(digest.to_owned()).or_insert_with(|| CredentialUse::first(&event.user, moment));
        used.note(event, moment);
    }
}

impl CredentialUse {
    fn first(user: &User<'_>, moment: DateTime<Utc>) -> Self {
        let own = |group: &&Cow<'_, str>| **group != "system:authenticated";
        Self {
            user: user.username.clone().into_owned(),
            groups: user.groups.iter().filter(own).map(|group| group.clone().into_owned()).collect(),
            first_at: moment,
            last_at: moment,
            requests: 0,
            addresses: BTreeMap::new(),
            other_addresses: 0,
            received: 0,
            answered: 0,
        }
    }

    /// A request has an event for each of its stages, and the policy leaves out some: the stage that comes most counts.
    fn note(&mut self, event: &Event<'_>, moment: DateTime<Utc>) {
        self.first_at = self.first_at.min(moment);
        self.last_at = self.last_at.max(moment);
        match &*event.stage {
            "RequestReceived" => self.received += 1,
            "ResponseComplete" | "Panic" => self.answered += 1,
            // A watch is under way: it was received, and is answered at its end.
            _ => {}
        }
        let before = self.requests;
        self.requests = self.received.max(self.answered).max(1);
        let more = self.requests - before;
        let Some(address) = event.source_ips.last().filter(|_| more > 0) else { return };
        let has_room = self.addresses.len() < MOST_ADDRESSES;
        match self.addresses.get_mut(&**address) {
            Some(count) => *count += more,
            None if has_room => {
                self.addresses.insert(address.clone().into_owned(), more);
            }
            None => self.other_addresses += more,
        }
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Reads up to the next line break; whether all of the line is in `line`. `None` at the end.
fn next_line(source: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    let mut is_whole = true;
    let mut is_begun = false;
    loop {
        let chunk = match source.fill_buf() {
            Ok([]) => return Ok(is_begun.then_some(is_whole)),
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        is_begun = true;
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
        if line.len() + part.len() > LONGEST_LINE {
            is_whole = false;
        } else if is_whole {
            line.extend_from_slice(part);
        }
        let taken = part.len() + usize::from(end.is_some());
        source.consume(taken);
        if end.is_some() {
            return Ok(Some(is_whole));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const DIGEST: &str = "d6b667f1036a0ca8d4d4d9f455c2de882e2570fca5dde306bb92c5a2b8b39cda";

    fn line(stage: &str, second: u32, address: &str, extra: &str) -> String {
        let time = format!("2026-11-26T10:00:{second:02}.751492Z");
        format!(
            r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","stage":"{stage}","verb":"get","user":{{"username":"kubernetes-admin","groups":["kubeadm:cluster-admins","system:authenticated"]{extra}}},"sourceIPs":["1.2.3.4","{address}"],"requestReceivedTimestamp":"{time}","stageTimestamp":"{time}"}}"#
        )
    }

    fn certified(stage: &str, second: u32, address: &str) -> String {
        let extra = format!(r#","extra":{{"{CREDENTIAL_ID}":["{CREDENTIAL_PREFIX}{DIGEST}"]}}"#);
        line(stage, second, address, &extra)
    }

    fn read(text: &[u8]) -> AuditLog {
        let mut log = AuditLog::default();
        log.read(text).unwrap();
        log
    }

    #[test]
    fn a_request_counts_once_whatever_its_stages() {
        let events = [
            certified("RequestReceived", 5, "10.0.0.1"),
            certified("ResponseComplete", 6, "10.0.0.1"),
            certified("RequestReceived", 7, "10.0.0.2"),
            certified("ResponseStarted", 8, "10.0.0.2"),
            certified("ResponseComplete", 59, "10.0.0.2"),
            line("ResponseComplete", 3, "10.0.0.9", ""),
        ];
        let log = read(events.join("\n").as_bytes());
        assert_eq!((log.events, log.without_certificate, log.damaged_lines), (6, 1, 0));
        let used = &log.uses[DIGEST];
        assert_eq!((used.requests, used.user.as_str()), (2, "kubernetes-admin"));
        assert_eq!(used.groups, ["kubeadm:cluster-admins"]);
        assert_eq!(used.addresses, BTreeMap::from([("10.0.0.1".to_owned(), 1), ("10.0.0.2".to_owned(), 1)]));
        assert_eq!(used.first_at.to_rfc3339(), "2026-11-26T10:00:05.751492+00:00");
        assert_eq!(used.last_at.to_rfc3339(), "2026-11-26T10:00:59.751492+00:00");
        // Policies leave stages out.
        let only = |stage: &str| read([certified(stage, 1, "a"), certified(stage, 2, "a")].join("\n").as_bytes());
        assert_eq!(only("RequestReceived").uses[DIGEST].requests, 2);
        assert_eq!(only("ResponseComplete").uses[DIGEST].requests, 2);
    }

    #[test]
    fn lines_that_are_no_events_are_counted_and_passed_over() {
        let whole = certified("ResponseComplete", 1, "10.0.0.1");
        let cut = &whole[..whole.len() / 2];
        let rest = &whole[whole.len() / 2..];
        let text = [rest, "", "no json", "[]", "{}", &whole, cut].join("\r\n");
        let log = read(text.as_bytes());
        assert_eq!((log.events, log.damaged_lines, log.uses.len()), (1, 5, 1));
        assert!(read(b"I1127 legacy format").is_none());
        assert!(!read(b"").is_none());
        let mut foreign = certified("ResponseComplete", 1, "a").replace(DIGEST, "../../etc");
        foreign.push('\n');
        assert_eq!(read(foreign.as_bytes()).without_certificate, 1);
    }

    #[test]
    fn a_packed_log_is_read_and_one_that_is_cut_off_as_far_as_it_goes() {
        let pack = |text: &str| {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packer.write_all(text.as_bytes()).unwrap();
            packer.finish().unwrap()
        };
        let lines: Vec<_> = (0..60).map(|second| certified("ResponseComplete", second, &second.to_string())).collect();
        let packed = pack(&(lines.join("\n") + "\n"));
        let log = read(&packed);
        assert_eq!((log.events, log.uses[DIGEST].requests, log.damaged_lines), (60, 60, 0));
        assert_eq!((log.uses[DIGEST].addresses.len(), log.uses[DIGEST].other_addresses), (32, 28));
        // Rotation appends one packed file to another.
        assert_eq!(read(&[packed.clone(), packed.clone()].concat()).events, 120);
        let cut = read(&packed[..packed.len() - 20]);
        assert!(cut.events <= 60 && cut.damaged_lines >= 1, "{cut:?}");
    }

    #[test]
    fn a_line_without_an_end_takes_no_more_memory_than_the_longest_that_is_read() {
        let endless = io::repeat(b'x').take(100 << 20).chain(&b"\n"[..]);
        let after = certified("ResponseComplete", 1, "a");
        let mut log = AuditLog::default();
        log.read(endless.chain(after.as_bytes())).unwrap();
        assert_eq!((log.events, log.damaged_lines), (1, 1));
    }
}
