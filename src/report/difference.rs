//! What a plan changes, as a unified diff of certificates decoded to lines: no key material, nothing that is not yet decided.
//!
//! In: plans and their artefacts. Out: text, each line printable.

use super::cell::second;
use super::plan::subject_alt_names;
use super::unified::unified;
use crate::audit::SeenCertificate;
use crate::error::Result;
use crate::key::Algorithm;
use crate::ops::sign::SignedText;
use crate::plan::{Artefact, AuthorityRenewal, Installation, NewCertificate, Plan, Step, TrustBundle};
use crate::text::printable;
use crate::x509::{Certificate, Successor, read_certificates};

/// What is known only when the certificate is made.
const NEW: &str = "(new)";

/// The diff of all that changes; nothing when nothing changes.
///
/// # Errors
/// As [`after`].
pub fn text(plan: &Plan) -> Result<String> {
    plan.changes().map(of_artefact).collect()
}

fn of_artefact(artefact: &Artefact) -> Result<String> {
    let (before, after) = (before(artefact), after(artefact)?);
    let name = printable(&artefact.name);
    let named = |text: &str, what: &str| if text.is_empty() { "/dev/null".into() } else { format!("{name} ({what})") };
    Ok(unified(&before, &after, &named(&before, "is"), &named(&after, "will be")))
}

/// What is there: the certificate, and the CAs that make way for others; nothing where nothing is.
#[must_use]
pub fn before(artefact: &Artefact) -> String {
    let trust = trust(artefact);
    // A set of CAs is shown whole; its first certificate is one of them.
    let own = if is_set(artefact) { String::new() } else { current(artefact) };
    own + &trusted(trust.map(|trust| trust.replaces.as_slice()).unwrap_or_default())
}

/// What will be there; what is known only when it is made reads `(new)`.
///
/// # Errors
/// `pem.*`, `x509.*` when the certificates of the plan cannot be read.
pub fn after(artefact: &Artefact) -> Result<String> {
    if !artefact.step.is_change() {
        return Ok(before(artefact));
    }
    let own = match &artefact.step {
        Step::TrustBundle(_) => String::new(),
        Step::Install(installation) => match installed(installation) {
            Some(pem) => read(pem)?.first().map(seen).unwrap_or_default(),
            None => current(artefact),
        },
        Step::RenewAuthority(renewal) => followed(artefact, renewal)?,
        _ => planned(artefact),
    };
    let trusts = trust(artefact).map(|trust| read(&trust.certificates)).transpose()?;
    Ok(own + &trusted(&trusts.unwrap_or_default()))
}

const fn is_set(artefact: &Artefact) -> bool {
    matches!(artefact.step, Step::TrustBundle(_))
}

/// The set of CAs that an artefact's step changes, if it changes one.
const fn trust(artefact: &Artefact) -> Option<&TrustBundle> {
    match &artefact.step {
        Step::TrustBundle(trust) => Some(trust),
        Step::Renew { trust, .. } | Step::Install(Installation::Kubeconfig { trust, .. }) => trust.as_ref(),
        _ => None,
    }
}

/// The certificates that are installed, in PEM.
fn installed(installation: &Installation) -> Option<&str> {
    match installation {
        Installation::Files { certificates, .. } | Installation::Rotating { certificates, .. } => Some(certificates),
        Installation::Kubeconfig { certificates, .. } => certificates.as_deref(),
        Installation::Supplied => None,
    }
}

fn read(pem: &str) -> Result<Vec<SeenCertificate>> {
    // What is left of a certificate's time is not shown.
    let seen = |one: &Certificate| SeenCertificate::of("", "".as_ref(), one, one.not_before());
    Ok(read_certificates(pem.as_bytes())?.iter().map(seen).collect())
}

fn current(artefact: &Artefact) -> String {
    artefact.current.as_ref().map(seen).unwrap_or_default()
}

/// A certificate that was seen.
#[must_use]
pub fn seen(certificate: &SeenCertificate) -> String {
    [
        field("subject", &certificate.subject),
        field("issuer", &certificate.issuer),
        field("serial", &certificate.serial),
        field("not before", &second(certificate.not_before)),
        field("not after", &second(certificate.not_after)),
        field("key", &certificate.key),
        field("public key sha256", &certificate.public_key_sha256),
        field("key usages", &joined(&certificate.key_usages)),
        field("extended key usages", &joined(&certificate.extended_key_usages)),
        list("names", &certificate.subject_alt_names),
    ]
    .concat()
}

/// The certificate that an artefact's plan describes; nothing where it describes none.
fn planned(artefact: &Artefact) -> String {
    let Some(certificate) = artefact.step.certificate() else { return String::new() };
    let (current, new_key) = (artefact.current.as_ref(), artefact.step.new_key());
    let kept = current.filter(|_| new_key.is_none());
    let subject = certificate.subject.to_string();
    [
        field("subject", &subject),
        field("issuer", current.map(|one| &one.issuer).or(artefact.issuer.as_ref()).unwrap_or(&subject)),
        field("serial", NEW),
        field("not before", &second(certificate.not_before)),
        field("not after", &second(certificate.not_after)),
        field("key", kept.map(|one| one.key.as_str()).or(new_key.map(Algorithm::as_str)).unwrap_or_default()),
        field("public key sha256", kept.map_or(NEW, |one| one.public_key_sha256.as_str())),
        field("key usages", &joined(&certificate.key_usages)),
        field("extended key usages", &joined(&certificate.extended_key_usages)),
        list("names", &subject_alt_names(artefact)),
    ]
    .concat()
}

/// A CA's next certificate: what the one before it says, for another time.
fn followed(artefact: &Artefact, renewal: &AuthorityRenewal) -> Result<String> {
    match &renewal.certificate {
        NewCertificate::Given { pem } => Ok(read(pem)?.first().map(seen).unwrap_or_default()),
        NewCertificate::Signed { certificate, .. } => {
            Ok(artefact.current.clone().map_or_else(String::new, |current| {
                let Successor { not_before, not_after, .. } = *certificate;
                seen(&SeenCertificate { serial: NEW.to_owned(), not_before, not_after, ..current })
            }))
        }
    }
}

/// The certificate that answers a request, which was kept, signed, or would be.
#[must_use]
pub fn signed(certificate: &SignedText) -> String {
    if let Some(present) = certificate.present.as_ref().filter(|_| certificate.is_kept) {
        return seen(present);
    }
    [
        field("subject", &certificate.subject),
        field("issuer", &certificate.issuer),
        field("serial", certificate.serial.as_deref().unwrap_or(NEW)),
        field("not before", &second(certificate.not_before)),
        field("not after", &second(certificate.not_after)),
        field("key", &certificate.key),
        field("public key sha256", &certificate.public_key_sha256),
        field("key usages", &joined(&certificate.key_usages)),
        field("extended key usages", &joined(&certificate.extended_key_usages)),
        list("names", &certificate.subject_alt_names),
    ]
    .concat()
}

/// What the signing request of an artefact asks for; nothing where none is made.
#[must_use]
pub fn request(artefact: &Artefact) -> String {
    let Step::Request { request, .. } = &artefact.step else { return String::new() };
    let names: Vec<_> = request.subject_alt_names.iter().map(ToString::to_string).collect();
    field("subject", &request.subject.to_string()) + &list("names", &names)
}

fn trusted(certificates: &[SeenCertificate]) -> String {
    let each =
        |one: &SeenCertificate| format!("{}, serial {}, until {}", one.subject, one.serial, second(one.not_after));
    list("trusted CAs", &certificates.iter().map(each).collect::<Vec<_>>())
}

fn joined(all: &[impl ToString]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn field(name: &str, value: &str) -> String {
    if value.is_empty() { String::new() } else { line(&format!("{name}: {value}")) }
}

fn list(name: &str, values: &[String]) -> String {
    if values.is_empty() {
        return String::new();
    }
    line(&format!("{name}:")) + &values.iter().map(|value| line(&format!("  {value}"))).collect::<String>()
}

fn line(text: &str) -> String {
    format!("{}\n", printable(text))
}
