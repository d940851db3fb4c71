//! Name constraints: which names a CA may sign for, and whether the names of a chain are among them.
//!
//! In: the extension's value; the certificates of a chain. Out: [`NameConstraints`]; the first name that is not allowed.
//! Go sorts the constraints and looks for the nearest one; where that finds less than comparing with each would (ranges
//! of addresses that are not written from their first address), it does so here too.
//!
//! Source: RFC 5280 section 4.2.1.10; Go `crypto/x509` `constraints.go`.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::net::IpAddr;

use super::der::{Reader, SEQUENCE};
use super::domain::{Mailbox, is_valid_domain, mailbox};
use super::general_name::{GeneralName, ascii};
use super::rule::{Broken, Rule};
use super::url;

/// A range of addresses: 4 or 16 bytes each.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Range {
    address: Vec<u8>,
    mask: Vec<u8>,
}

/// What is permitted, or what is excluded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Subtrees {
    dns: Vec<String>,
    ranges: Vec<Range>,
    emails: Vec<String>,
    uris: Vec<String>,
}

/// The extension.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::x509) struct NameConstraints {
    permitted: Subtrees,
    excluded: Subtrees,
}

fn broken(found: impl Into<String>) -> Broken {
    Broken::of(Rule::NAME_CONSTRAINTS, found)
}

impl NameConstraints {
    /// Reads the extension's value; `false` when it holds a form of names that Go does not know.
    pub(super) fn read(value: &[u8]) -> Result<(Self, bool), Broken> {
        let structure = || broken("the name constraints are not permitted and excluded subtrees");
        let mut outer = Reader::new(value);
        let mut inner = outer.read(SEQUENCE).filter(|_| outer.is_empty()).ok_or_else(structure)?;
        let permitted = inner.optional(0xa0).ok_or_else(structure)?;
        let excluded = inner.optional(0xa1).ok_or_else(structure)?;
        let is_nothing = |subtrees: Option<Reader<'_>>| subtrees.is_none_or(|subtrees| subtrees.is_empty());
        if !inner.is_empty() {
            return Err(structure());
        }
        if is_nothing(permitted) && is_nothing(excluded) {
            return Err(broken("the name constraints permit and exclude nothing"));
        }
        let mut is_known = true;
        let mut read = |subtrees: Option<Reader<'_>>| match subtrees {
            Some(subtrees) => Subtrees::read(subtrees, &mut is_known),
            None => Ok(Subtrees::default()),
        };
        let constraints = Self { permitted: read(permitted)?, excluded: read(excluded)? };
        Ok((constraints, is_known))
    }
}

impl Subtrees {
    fn read(mut subtrees: Reader<'_>, is_known: &mut bool) -> Result<Self, Broken> {
        let structure = || broken("a subtree of the name constraints is not a name");
        let mut all = Self::default();
        while !subtrees.is_empty() {
            let base = subtrees.read(SEQUENCE).and_then(|mut subtree| subtree.any()).ok_or_else(structure)?;
            match base.tag {
                0x82 => all.dns.push(domain(base.content, "DNS name")?),
                0x87 => all.ranges.push(range(base.content)?),
                0x81 => all.emails.push(email(base.content)?),
                0x86 => {
                    let domain = domain(base.content, "URI's host")?;
                    if url::address(&domain).is_some() {
                        return Err(broken(format!("a URI constraint is the address {domain}")));
                    }
                    all.uris.push(domain);
                }
                _ => *is_known = false,
            }
        }
        Ok(all)
    }
}

fn domain(content: &[u8], what: &str) -> Result<String, Broken> {
    let text = ascii(content, what).map_err(|error| broken(error.found))?;
    if is_valid_domain(text.as_bytes(), true) {
        Ok(text)
    } else {
        Err(broken(format!("the constraint {:?} of a {what} is no domain", text.escape_default().to_string())))
    }
}

fn email(content: &[u8]) -> Result<String, Broken> {
    let text = ascii(content, "mail address").map_err(|error| broken(error.found))?;
    let is_right = if text.contains('@') { mailbox(&text).is_some() } else { is_valid_domain(text.as_bytes(), true) };
    if is_right { Ok(text) } else { Err(broken("the constraint of a mail address is no address and no domain")) }
}

fn range(content: &[u8]) -> Result<Range, Broken> {
    if !matches!(content.len(), 8 | 32) {
        return Err(broken(format!("a constraint of addresses has {} bytes", content.len())));
    }
    let (address, mask) = content.split_at(content.len() / 2);
    let first_hole = mask.iter().position(|byte| *byte != 0xff).unwrap_or(mask.len());
    let is_mask = match mask.get(first_hole..).and_then(<[u8]>::split_first) {
        None => true,
        Some((byte, rest)) => byte.leading_ones() + byte.trailing_zeros() == 8 && rest.iter().all(|byte| *byte == 0),
    };
    if !is_mask {
        return Err(broken(format!("a constraint of addresses has the mask {}", crate::digest::hex(mask))));
    }
    Ok(Range { address: address.to_vec(), mask: mask.to_vec() })
}

/// Holds every name of a chain's certificates, the leaf first, against the constraints of the certificates above it.
pub(super) fn check(chain: &[(&[GeneralName], Option<&NameConstraints>)]) -> Result<(), Broken> {
    let levels = chain.iter().enumerate();
    let levels: Vec<_> =
        levels.filter_map(|(index, (_, constraints))| Some((index, Level::new((*constraints)?)))).collect();
    for (index, (names, _)) in chain.iter().enumerate() {
        let above: Vec<_> = levels.iter().filter(|(level, _)| *level > index).map(|(_, level)| level).collect();
        if above.is_empty() {
            return Ok(());
        }
        let names = Names::of(names)?;
        for level in above {
            level.check(&names)?;
        }
    }
    Ok(())
}

fn refused(found: impl Into<String>) -> Broken {
    Broken::of(Rule::CONSTRAINED_NAME, found)
}

/// A certificate's names by their forms.
#[derive(Default)]
struct Names<'a> {
    ips: Vec<Vec<u8>>,
    dns: Vec<&'a str>,
    uris: Vec<(&'a str, String)>,
    emails: Vec<(&'a str, Mailbox)>,
}

impl<'a> Names<'a> {
    fn of(names: &'a [GeneralName]) -> Result<Self, Broken> {
        let mut all = Self::default();
        for name in names {
            match name {
                GeneralName::Ip(IpAddr::V4(address)) => all.ips.push(address.octets().to_vec()),
                GeneralName::Ip(IpAddr::V6(address)) => all.ips.push(address.octets().to_vec()),
                GeneralName::Dns(name) => all.dns.push(name),
                GeneralName::Uri(uri, host) => {
                    let domain = uri_domain(host).ok_or_else(|| {
                        refused(format!("the URI {uri} has no host name, which name constraints ask for"))
                    })?;
                    all.uris.push((uri, domain));
                }
                GeneralName::Email(address) => {
                    let mut parts = mailbox(address).ok_or_else(|| {
                        refused(format!("{address:?} is no mail address, and there are name constraints"))
                    })?;
                    parts.domain.make_ascii_lowercase();
                    all.emails.push((address, parts));
                }
                GeneralName::Other(_) => {}
            }
        }
        Ok(all)
    }
}

/// The host without its port; none for an address.
fn uri_domain(host: &[u8]) -> Option<String> {
    let host = std::str::from_utf8(host).ok()?;
    let lower = host.to_ascii_lowercase();
    let name = if lower.contains(':') && !lower.ends_with(']') { without_port(host)? } else { &lower };
    let is_address = url::address(name).is_some() || (name.starts_with('[') && name.ends_with(']'));
    (!host.is_empty() && !is_address).then(|| name.to_owned())
}

/// As `net.SplitHostPort` splits it: one colon outside of brackets.
fn without_port(host: &str) -> Option<&str> {
    let (name, port) = host.rsplit_once(':')?;
    if let Some(inner) = name.strip_prefix('[') {
        let inner = inner.strip_suffix(']')?;
        return (!inner.contains(['[', ']'])).then_some(inner);
    }
    let is_plain = !name.contains([':', '[', ']']) && !port.contains(['[', ']']);
    is_plain.then_some(name)
}

/// One certificate's constraints, sorted.
struct Level {
    permitted: Sorted,
    excluded: Sorted,
}

struct Sorted {
    four: Option<Vec<Range>>,
    sixteen: Option<Vec<Range>>,
    has_ranges: bool,
    dns: Option<Domains>,
    uris: Option<Domains>,
    emails: Option<Emails>,
}

impl Level {
    fn new(constraints: &NameConstraints) -> Self {
        Self {
            permitted: Sorted::new(&constraints.permitted, true),
            excluded: Sorted::new(&constraints.excluded, false),
        }
    }

    fn check(&self, names: &Names<'_>) -> Result<(), Broken> {
        for ip in &names.ips {
            let shown = || format!("IP:{}", show_address(ip));
            let (permitted, excluded) = (&self.permitted, &self.excluded);
            permit(
                permitted.has_ranges.then(|| permitted.has_address(ip)),
                excluded.has_ranges.then(|| excluded.has_address(ip)),
                shown,
            )?;
        }
        for name in &names.dns {
            if !is_valid_domain(name.as_bytes(), false) {
                return Err(refused(format!("{name:?} is no DNS name, and there are name constraints")));
            }
            let (permitted, excluded) = (&self.permitted.dns, &self.excluded.dns);
            let ask = |domains: &Option<Domains>| domains.as_ref().map(|domains| domains.has(name));
            permit(ask(permitted), ask(excluded), || format!("DNS:{name}"))?;
        }
        for (uri, domain) in &names.uris {
            if !is_valid_domain(domain.as_bytes(), false) {
                return Err(refused(format!("the URI {uri} has no proper host name, and there are name constraints")));
            }
            let ask = |domains: &Option<Domains>| domains.as_ref().map(|domains| domains.has(domain));
            permit(ask(&self.permitted.uris), ask(&self.excluded.uris), || format!("URI:{uri}"))?;
        }
        for (address, parts) in &names.emails {
            if !is_valid_domain(parts.domain.as_bytes(), false) {
                return Err(refused(format!("{address:?} has no proper domain, and there are name constraints")));
            }
            let ask = |emails: &Option<Emails>| emails.as_ref().map(|emails| emails.has(parts));
            permit(ask(&self.permitted.emails), ask(&self.excluded.emails), || format!("email:{address}"))?;
        }
        Ok(())
    }
}

/// `permitted` and `excluded` say whether the name is found there; `None` where nothing of its form is.
fn permit(permitted: Option<bool>, excluded: Option<bool>, shown: impl Fn() -> String) -> Result<(), Broken> {
    let verb = match (permitted, excluded) {
        (Some(false), _) => "do not permit",
        (_, Some(true)) => "exclude",
        _ => return Ok(()),
    };
    let name = shown();
    Err(Broken { name: Some(name.clone()), ..refused(format!("a CA's name constraints {verb} {name}")) })
}

fn show_address(bytes: &[u8]) -> String {
    let four = <[u8; 4]>::try_from(bytes).map(|bytes| IpAddr::from(bytes).to_string());
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(|bytes| IpAddr::from(bytes).to_string()))
        .unwrap_or_else(|_| crate::digest::hex(bytes))
}

impl Sorted {
    fn new(subtrees: &Subtrees, is_permitted: bool) -> Self {
        let of_length = |length: usize| {
            let ranges: Vec<_> =
                subtrees.ranges.iter().filter(|range| range.address.len() == length).cloned().collect();
            (!ranges.is_empty()).then(|| sorted_ranges(ranges))
        };
        let domains = |all: &[String]| (!all.is_empty()).then(|| Domains::new(all, is_permitted));
        Self {
            four: of_length(4),
            sixteen: of_length(16),
            has_ranges: !subtrees.ranges.is_empty(),
            dns: domains(&subtrees.dns),
            uris: domains(&subtrees.uris),
            emails: (!subtrees.emails.is_empty()).then(|| Emails::new(&subtrees.emails, is_permitted)),
        }
    }

    fn has_address(&self, ip: &[u8]) -> bool {
        let ranges = if ip.len() == 4 { &self.four } else { &self.sixteen };
        let Some(ranges) = ranges else { return false };
        let position = ranges.partition_point(|range| range.address.as_slice() < ip);
        if ranges.get(position).is_some_and(|range| range.address == ip) {
            return true;
        }
        ranges.get(position.saturating_sub(1)).is_some_and(|range| range.contains(ip))
    }
}

fn sorted_ranges(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_by(|one, other| (&one.address, &one.mask).cmp(&(&other.address, &other.mask)));
    ranges.dedup_by(|later, kept| kept.holds(later));
    ranges
}

/// An IPv4 address in IPv6's clothes is the IPv4 address.
fn plain(address: &[u8]) -> &[u8] {
    match address {
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, four @ ..] if four.len() == 4 => four,
        _ => address,
    }
}

impl Range {
    fn contains(&self, ip: &[u8]) -> bool {
        let (own, ip) = (plain(&self.address), plain(ip));
        let mask = self.mask.get(self.mask.len() - own.len()..).unwrap_or_default();
        own.len() == ip.len() && own.iter().zip(ip).zip(mask).all(|((own, ip), mask)| own & mask == ip & mask)
    }

    fn holds(&self, other: &Self) -> bool {
        let last: Vec<u8> = other.address.iter().zip(&other.mask).map(|(byte, mask)| byte | !mask).collect();
        self.contains(&other.address) && self.contains(&last)
    }
}

/// Domains, compared from their end.
enum Domains {
    All,
    Some { sorted: Vec<String>, parents: HashSet<String> },
}

impl Domains {
    fn new(all: &[String], is_permitted: bool) -> Self {
        if all.iter().any(String::is_empty) {
            return Self::All;
        }
        let mut sorted = all.to_vec();
        sorted.sort_by(|one, other| compare(one, other));
        sorted.dedup_by(|later, kept| is_suffix(kept, later));
        // A wildcard name is excluded with each name that it stands for.
        let parents = if is_permitted {
            HashSet::new()
        } else {
            sorted.iter().filter_map(|name| behind_first_label(&name.to_ascii_lowercase())).collect()
        };
        Self::Some { sorted, parents }
    }

    fn has(&self, name: &str) -> bool {
        let Self::Some { sorted, parents } = self else { return true };
        let position = sorted.partition_point(|one| compare(one, name) == Ordering::Less);
        if sorted.get(position).is_some_and(|one| compare(one, name) == Ordering::Equal) {
            return true;
        }
        if sorted.get(position.saturating_sub(1)).is_some_and(|one| is_suffix(one, name)) {
            return true;
        }
        name.starts_with('*')
            && behind_first_label(&name.to_ascii_lowercase()).is_some_and(|parent| parents.contains(&parent))
    }
}

/// `.example.com` of `www.example.com`.
fn behind_first_label(name: &str) -> Option<String> {
    name.find('.').and_then(|dot| name.get(dot..)).map(str::to_owned)
}

/// By the bytes from the end on, without regard to case, the dot before all others.
fn compare(one: &str, other: &str) -> Ordering {
    let key = |byte: u8| if byte == b'.' { 0 } else { byte.to_ascii_lowercase() };
    one.bytes().rev().map(key).cmp(other.bytes().rev().map(key))
}

/// Whether `name` is the domain `constraint`, or below it.
fn is_suffix(constraint: &str, name: &str) -> bool {
    let (constraint, name) = (constraint.as_bytes(), name.as_bytes());
    let Some(offset) = name.len().checked_sub(constraint.len()) else { return false };
    let Some((front, end)) = name.split_at_checked(offset) else { return false };
    if !end.eq_ignore_ascii_case(constraint) {
        return false;
    }
    constraint.starts_with(b".") || front.is_empty() || front.ends_with(b".")
}

struct Emails {
    full: HashSet<(Vec<u8>, String)>,
    domains: Option<Domains>,
}

impl Emails {
    fn new(all: &[String], is_permitted: bool) -> Self {
        let (full, domains): (Vec<_>, Vec<_>) = all.iter().cloned().partition(|one| one.contains('@'));
        let full = full.iter().filter_map(|one| mailbox(one));
        Self {
            full: full.map(|parts| (parts.local, parts.domain.to_ascii_lowercase())).collect(),
            domains: (!domains.is_empty()).then(|| Domains::new(&domains, is_permitted)),
        }
    }

    fn has(&self, address: &Mailbox) -> bool {
        self.full.contains(&(address.local.clone(), address.domain.clone()))
            || self.domains.as_ref().is_some_and(|domains| domains.has(&address.domain))
    }
}
