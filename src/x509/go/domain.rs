//! Host names and mail addresses, as far as certificates and name constraints need them.
//!
//! In: text. Out: whether Go takes it, and its parts. A name of a certificate is looked at only where constraints ask.
//!
//! Source: RFC 2821 section 4.1.2 (mail addresses), RFC 1034 section 3.5, both with Go's leniency.

/// Whether Go takes this domain; a constraint may begin with a dot. An empty one it takes.
pub(super) fn is_valid_domain(domain: &[u8], is_constraint: bool) -> bool {
    if domain.is_empty() {
        return true;
    }
    let rest = if is_constraint { domain.strip_prefix(b".").unwrap_or(domain) } else { domain };
    let has_labels = rest.split(|byte| *byte == b'.').all(|label| !label.is_empty());
    has_labels && rest.iter().all(u8::is_ascii_graphic)
}

/// A mail address: what stands before the `@`, and the domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mailbox {
    pub(super) local: Vec<u8>,
    pub(super) domain: String,
}

/// Splits a mail address; `None` where Go does not take it.
pub(super) fn mailbox(address: &str) -> Option<Mailbox> {
    let bytes = address.as_bytes();
    let (local, rest) = if bytes.first()? == &b'"' { quoted(bytes.get(1..)?)? } else { atoms(bytes)? };
    let domain = std::str::from_utf8(rest.strip_prefix(b"@")?).ok()?;
    // Without labels there is nothing to be wrong in them.
    let is_domain = domain.is_empty() || is_valid_domain(domain.as_bytes(), false);
    is_domain.then(|| Mailbox { local, domain: domain.to_owned() })
}

fn quoted(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut local = Vec::new();
    loop {
        let (byte, behind) = rest.split_first()?;
        rest = behind;
        match byte {
            b'"' => return Some((local, rest)),
            b'\\' => {
                let (escaped, behind) = rest.split_first()?;
                if !matches!(escaped, 1..=9 | 11 | 12 | 14..=127) {
                    return None;
                }
                local.push(*escaped);
                rest = behind;
            }
            1..=8 | 11 | 12 | 14..=33 | 35..=91 | 93..=127 => local.push(*byte),
            _ => return None,
        }
    }
}

fn atoms(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut local = Vec::new();
    while let Some((byte, behind)) = rest.split_first() {
        if *byte == b'\\' {
            let (escaped, behind) = behind.split_first()?;
            local.push(*escaped);
            rest = behind;
        } else if byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(byte) {
            local.push(*byte);
            rest = behind;
        } else {
            break;
        }
    }
    let has_dot_pair = local.windows(2).any(|pair| pair == b"..");
    let is_right = !local.is_empty() && !local.starts_with(b".") && !local.ends_with(b".") && !has_dot_pair;
    is_right.then_some((local, rest))
}
