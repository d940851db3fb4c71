//! Judging what a server presents to its clients.
//!
//! In: the chain, the name that clients use, the CA's file, the certificate on disk, now. Out: findings. A server is somebody's
//! ([`judge_served`]), or a component of this node whose file is known ([`judge_live`]).

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{DateTime, Utc};

use super::certificate::{Thresholds, judge};
use super::{Finding, FindingCode, Findings};
use crate::inventory::Expectation;
use crate::remedy::command;
use crate::x509::{Certificate, ExtendedKeyUsage, SubjectAltName, SubjectAltNames};

/// What is expected of a server.
#[derive(Clone, Debug)]
pub struct Expected<'a> {
    /// The name by which its clients know it.
    pub name: SubjectAltName,
    /// The certificates of its CA's file; without any, nobody's signature is judged.
    pub authorities: &'a [Certificate],
    /// The certificate that it should present.
    pub certificate: Option<&'a Certificate>,
}

/// Judges a chain as it was sent, the server's own certificate first.
#[must_use]
pub fn judge_served(
    server: &str,
    chain: &[Certificate],
    expected: &Expected<'_>,
    thresholds: Thresholds,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let mut notes = Findings::on(server);
    let Some((leaf, intermediates)) = chain.split_first() else { return Vec::new() };
    let expectation = Expectation {
        extended_key_usages: vec![ExtendedKeyUsage::ServerAuth],
        subject_alt_names: SubjectAltNames::in_order(vec![expected.name.clone()]),
        ..Expectation::default()
    };
    judge(&mut notes, leaf, intermediates, &expectation, expected.authorities, thresholds, now);
    if let Some(wanted) = expected.certificate.filter(|wanted| wanted.as_der() != leaf.as_der()) {
        notes.add(
            FindingCode::EndpointOtherCertificate,
            format!(
                "it presents serial {}, which ends on {}; the file has serial {}, which ends on {}",
                leaf.serial(),
                leaf.not_after(),
                wanted.serial(),
                wanted.not_after()
            ),
            "restart what serves it: `kubepki restart` on its node",
        );
    }
    let mut found = notes.into_vec();
    // Its files are elsewhere, and nobody has said that they are wrong.
    for finding in &mut found {
        if finding.code == FindingCode::CertificateMissingNames {
            finding.set_remedy(
                "name it as its clients do, with --server-name NAME; if they do call it so, have its certificate issued with this name, on its node",
            );
        } else if finding.code == FindingCode::CertificateMissingUsages {
            finding.set_remedy("have its certificate issued with this usage, on its node");
        }
    }
    found
}

/// What a component of a node serves at one of its ports, and its file.
#[derive(Clone, Copy, Debug)]
pub struct Live<'a> {
    /// Its name.
    pub component: &'a str,
    /// Where it listens.
    pub place: &'a str,
    /// The file that it is told to serve with.
    pub path: &'a Path,
    /// The chain as it was sent.
    pub served: &'a [Certificate],
    /// The certificates of the file, at least one.
    pub on_disk: &'a [Certificate],
}

/// Judges what a component serves. What is in the file is judged with the file: here it is said what the file does not
/// show.
#[must_use]
pub fn judge_live(
    live: &Live<'_>,
    authorities: &[Certificate],
    thresholds: Thresholds,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let mut notes = Findings::on(live.component);
    notes.at(live.path);
    let (Some((leaf, sent)), Some((wanted, chain))) = (live.served.split_first(), live.on_disk.split_first()) else {
        return Vec::new();
    };
    // Of what it loads by itself within a minute, or has loaded in part, nothing else restarts it.
    let restart = command(["kubepki", "restart", live.component, "--force"]);
    let is_same = leaf.as_der() == wanted.as_der();
    if !is_same {
        let names = |certificate: &Certificate| -> BTreeSet<String> {
            certificate.subject_alt_names().iter().map(ToString::to_string).collect()
        };
        let lacking: Vec<_> = names(wanted).difference(&names(leaf)).cloned().collect();
        let lacking = if lacking.is_empty() { String::new() } else { format!("; it lacks {}", lacking.join(", ")) };
        notes.add(
            FindingCode::EndpointOtherCertificate,
            format!(
                "{} presents serial {}, which ends on {}; the file has serial {}, which ends on {}{lacking}",
                live.place,
                leaf.serial(),
                leaf.not_after(),
                wanted.serial(),
                wanted.not_after()
            ),
            format!("have it load the file: {restart}"),
        );
    }
    if leaf.not_after() < now {
        let remedy = if is_same { format!("renew it, then {restart}") } else { restart.clone() };
        notes.add(
            FindingCode::EndpointExpired,
            format!(
                "{} presents a certificate that ended on {}: existing connections go on, new ones are refused",
                live.place,
                leaf.not_after()
            ),
            remedy,
        );
    }
    let is_sent =
        |one: &&Certificate| sent.iter().any(|sent| sent.as_der() == one.as_der()) || one.subject() == one.issuer();
    let unsent = chain.iter().filter(|one| !is_sent(one)).count();
    if is_same && unsent > 0 {
        notes.add(
            FindingCode::EndpointChainNotSent,
            format!(
                "{} sends {} of the {} certificates of its file",
                live.place,
                live.served.len(),
                live.on_disk.len()
            ),
            format!("have it load the file: {restart}"),
        );
    }
    if !is_same && leaf.not_after() >= now {
        let issuers: Vec<_> = authorities.iter().filter(|ca| ca.subject() == leaf.issuer()).cloned().collect();
        let expectation =
            Expectation { extended_key_usages: vec![ExtendedKeyUsage::ServerAuth], ..Expectation::default() };
        judge(&mut notes, leaf, sent, &expectation, &issuers, thresholds, now);
    }
    notes.into_vec()
}

/// What there is to say of a port that does not answer.
#[must_use]
pub fn judge_silent(component: &str, place: &str, path: &Path, reason: &str) -> Vec<Finding> {
    let mut notes = Findings::on(component);
    notes.at(path).add(
        FindingCode::EndpointNoAnswer,
        if reason.starts_with(place) { reason.to_owned() } else { format!("{place}: {reason}") },
        format!("see whether it runs, and why not: {}", command(["crictl", "ps", "--all"])),
    );
    notes.into_vec()
}
