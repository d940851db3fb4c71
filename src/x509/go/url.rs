//! URIs as `net/url` reads them: whether it can, and which host it finds.
//!
//! In: ASCII text. Out: the host with its port, `%` sequences resolved; `None` where Go gives an error.

use std::net::{Ipv4Addr, Ipv6Addr};

/// What may stand unescaped in a host.
const IN_HOST: &[u8] = b"-._~!\"$&'()*+,:;<=>[]";
/// What may stand in the part before the `@`.
const IN_USER: &[u8] = b"-._:~!$&'()*+,;=%@";

/// The host of a URI, empty without one.
pub(super) fn host(uri: &str) -> Option<Vec<u8>> {
    let (uri, fragment) = uri.split_once('#').unwrap_or((uri, ""));
    let host = host_without_fragment(uri)?;
    is_escaped(fragment.as_bytes()).then_some(host)
}

fn host_without_fragment(uri: &str) -> Option<Vec<u8>> {
    if uri.bytes().any(|byte| byte.is_ascii_control()) {
        return None;
    }
    if uri == "*" {
        return Some(Vec::new());
    }
    let (scheme, rest) = scheme(uri)?;
    let rest = rest.split_once('?').map_or(rest, |(path, _)| path);
    if !rest.starts_with('/') {
        if !scheme.is_empty() {
            return Some(Vec::new());
        }
        if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
            return None;
        }
    }
    let has_authority = rest.starts_with("//") && (!scheme.is_empty() || !rest.starts_with("///"));
    let (host, path) = if has_authority {
        let authority = rest.get(2..)?;
        let (authority, path) = authority.split_at(authority.find('/').unwrap_or(authority.len()));
        (self::authority(&scheme.to_ascii_lowercase(), authority)?, path)
    } else {
        (Vec::new(), rest)
    };
    is_escaped(path.as_bytes()).then_some(host)
}

fn scheme(uri: &str) -> Option<(&str, &str)> {
    for (position, byte) in uri.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if position > 0 => {}
            b':' if position == 0 => return None,
            b':' => return Some((uri.get(..position)?, uri.get(position + 1..)?)),
            _ => break,
        }
    }
    Some(("", uri))
}

fn authority(scheme: &str, authority: &str) -> Option<Vec<u8>> {
    let Some((user, host)) = authority.rsplit_once('@') else { return parse_host(scheme, authority) };
    let host = parse_host(scheme, host)?;
    let is_user = user.bytes().all(|byte| byte.is_ascii_alphanumeric() || IN_USER.contains(&byte));
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    (is_user && is_escaped(name.as_bytes()) && is_escaped(password.as_bytes())).then_some(host)
}

fn parse_host(scheme: &str, host: &str) -> Option<Vec<u8>> {
    match host.rfind('[') {
        Some(0) => return address_in_brackets(host),
        Some(_) => return None,
        None => {}
    }
    if let (Some(first), Some(last)) = (host.find(':'), host.rfind(':')) {
        // Several colons are an error for http and https alone.
        let port = if scheme == "http" || scheme == "https" { first } else { last };
        is_port(host.get(port..)?).then_some(())?;
    }
    resolve(host.as_bytes(), Part::Host)
}

fn address_in_brackets(host: &str) -> Option<Vec<u8>> {
    let close = host.rfind(']')?;
    let (name, port) = (host.get(1..close)?, host.get(close + 1..)?);
    if !is_port(port) {
        return None;
    }
    let name = match name.find("%25") {
        Some(zone) => {
            let mut both = resolve(name.get(..zone)?.as_bytes(), Part::Host)?;
            both.extend(resolve(name.get(zone..)?.as_bytes(), Part::Zone)?);
            both
        }
        None => resolve(name.as_bytes(), Part::Host)?,
    };
    if !matches!(address(std::str::from_utf8(&name).ok()?), Some(Address::V6)) {
        return None;
    }
    Some([b"[", name.as_slice(), b"]", port.as_bytes()].concat())
}

fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What `netip.ParseAddr` takes.
pub(super) enum Address {
    V4,
    V6,
}

pub(super) fn address(text: &str) -> Option<Address> {
    // The first of these characters decides.
    match text.bytes().find(|byte| matches!(byte, b'.' | b':' | b'%'))? {
        b'.' => text.parse::<Ipv4Addr>().ok().map(|_| Address::V4),
        b':' => {
            let (address, zone) = text.split_once('%').map_or((text, None), |(address, zone)| (address, Some(zone)));
            if zone == Some("") {
                return None;
            }
            address.parse::<Ipv6Addr>().ok().map(|_| Address::V6)
        }
        _ => None,
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Host,
    Zone,
}

/// Whether each `%` stands before two hexadecimal digits.
fn is_escaped(text: &[u8]) -> bool {
    text.iter().enumerate().filter(|(_, byte)| **byte == b'%').all(|(position, _)| {
        text.get(position + 1..position + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

fn resolve(text: &[u8], part: Part) -> Option<Vec<u8>> {
    let in_host = |byte: u8| byte.is_ascii_alphanumeric() || IN_HOST.contains(&byte);
    let mut resolved = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, behind)) = rest.split_first() {
        if *byte != b'%' {
            if byte.is_ascii() && !in_host(*byte) {
                return None;
            }
            resolved.push(*byte);
            rest = behind;
            continue;
        }
        let digits = behind.get(..2)?;
        let value = *crate::digest::unhex(&digits.to_ascii_lowercase())?.first()?;
        let is_percent = digits == b"25";
        let is_allowed = match part {
            Part::Host => value >= 0x80 || is_percent,
            Part::Zone => is_percent || value == b' ' || in_host(value),
        };
        if !is_allowed {
            return None;
        }
        resolved.push(value);
        rest = behind.get(2..)?;
    }
    Some(resolved)
}
