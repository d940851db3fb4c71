//! Certificates from the cluster's certificates API: a request each, the wait for its signature, and nothing left behind.
//!
//! In: what is asked for (an order each), how the cluster is reached, how long it is waited for. Out: chains, each for its key and as it was
//! asked for; whether the node trusts them is judged where they are used. Nothing is written on the node. Requests are deleted in
//! any case: when they were answered, denied or forgotten, and after Ctrl-C.
//!
//! | part | what it holds |
//! |---|---|
//! | this file | orders, waiting, deleting |
//! | `error` | why there is no certificate |

mod error;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};

pub use self::error::SigningError;
use super::cluster::{Answered, Api, is_passing};
use super::keys::{Continue, Progress};
use super::node::read_named;
use crate::audit::Finding;
use crate::audit::chain::judge_issued;
use crate::clock::SystemClock;
use crate::edge::cluster::ClusterError;
use crate::error::{Error, Result};
use crate::key::PrivateKey;
use crate::objects::{
    APPROVED, CertificateSigningRequest, DENIED, Event, FAILED, Metadata, Object as _, SigningRequestSpec, escaped,
};
use crate::plan::SignerOrder;
use crate::policy::signer::{SHORTEST_VALIDITY, Signer, faults};
use crate::request::{ClusterAccess, Signing, Span};
use crate::text::printable;
use crate::x509::{Certificate, CertificateTemplate, RequestTemplate, SerialNumber, read_certificates, verify_chain};

/// Between two looks at the requests, at first and at last.
const LOOKS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// For so long nothing is said of a signer that is waited for.
const QUIET: Duration = Duration::from_secs(3);

/// How long it may take to delete a request after Ctrl-C, in seconds.
const LAST_WORDS: i64 = 5;

/// Roots and intermediates are few.
const LONGEST_CHAIN: usize = 10;

/// So many events of a request are shown.
const MOST_EVENTS: usize = 5;

/// A signer may make a certificate end so much earlier than asked without a word: it counts from its own beginning.
const UNSAID: TimeDelta = TimeDelta::minutes(10);

/// cert-manager takes the duration from here.
const DURATION_ANNOTATION: &str = "experimental.cert-manager.io/request-duration";

/// Who says so in conditions.
const REASON: &str = "KubepkiApproved";

/// A certificate that is asked for.
#[derive(Clone, Copy)]
pub(super) struct Order<'a> {
    /// What it is for, as progress and errors say it.
    pub name: &'a str,
    /// Who signs.
    pub terms: &'a SignerOrder,
    /// What it is to say.
    pub template: &'a CertificateTemplate,
    /// Its key.
    pub key: &'a PrivateKey,
    /// It must not end before: the next run would ask again, or what is there would last longer.
    pub least: Option<DateTime<Utc>>,
}

/// A request in the cluster.
struct Waiting<'o> {
    order: Order<'o>,
    name: String,
    /// Whether the API server was asked: it may be there.
    is_asked: bool,
    issued: Option<Vec<Certificate>>,
    is_approved: bool,
}

/// Asks for all of them, and waits until all are there.
///
/// # Errors
/// [`SigningError`] for the first that is denied, fails, or is not what was asked for; [`ClusterError`] when the cluster cannot
/// be asked.
pub(super) fn obtain(
    orders: &[Order<'_>],
    signing: &Signing,
    (access, own): (&ClusterAccess, &[PathBuf]),
    progress: &mut dyn FnMut(&Progress) -> Continue,
) -> Result<Vec<Vec<Certificate>>> {
    let authorities = match &signing.issuer_ca {
        Some(path) => Some((path.display().to_string(), read_certificates(read_named(path, None)?.expose())?)),
        None => None,
    };
    let mut requests = orders.iter().map(|order| named(*order)).collect::<Result<Vec<_>>>()?;
    let outcome = answered(&mut requests, signing, (access, own), progress);
    forget(&requests, access, own);
    outcome?;
    let mut all = Vec::new();
    for request in requests {
        let Some(chain) = request.issued else { continue };
        if let Some((file, authorities)) = &authorities {
            refuse_other_authority(request.order.name, &chain, file, authorities)?;
        }
        all.push(chain);
    }
    Ok(all)
}

/// Chooses the request's name here, not on the server: kubepki can then delete a request although the answer got lost.
fn named(order: Order<'_>) -> Result<Waiting<'_>> {
    let random = SerialNumber::random()?.to_string().to_lowercase();
    let end: String = random.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    let is_plain = |char: &char| char.is_ascii_lowercase() || char.is_ascii_digit() || *char == '-';
    let what: String =
        order.name.to_lowercase().chars().map(|char| if is_plain(&char) { char } else { '-' }).take(60).collect();
    let name = format!("kubepki-{}-{end}", what.trim_matches('-'));
    Ok(Waiting { order, name, is_asked: false, issued: None, is_approved: false })
}

fn answered(
    requests: &mut [Waiting<'_>],
    signing: &Signing,
    (access, own): (&ClusterAccess, &[PathBuf]),
    progress: &mut dyn FnMut(&Progress) -> Continue,
) -> Result<()> {
    let count = requests.len();
    let said = std::cell::RefCell::new(String::new());
    let mut tell = || {
        let waits_for = said.borrow().clone();
        match progress(&Progress { done: count, total: count, name: String::new(), waits_for }) {
            Continue::Yes => ControlFlow::Continue(()),
            Continue::No => ControlFlow::Break(()),
        }
    };
    let mut api = Api::open(access, own, &mut tell)?;
    for request in &mut *requests {
        ask(&mut api, request, signing.approve)?;
    }
    let (timeout, since) = (signing.wait()?, Instant::now());
    let mut pause = LOOKS.0;
    loop {
        let looked = look_at_all(&mut api, requests);
        let Some(open) = requests.iter().find(|request| request.issued.is_none()) else { return Ok(()) };
        match looked {
            // An API server that starts again is there in a moment, and so are the requests.
            Err(error) if !is_passing(&error) || since.elapsed() >= timeout => return Err(error),
            Err(error) => log::warn!("{error}; asked again"),
            Ok(()) if since.elapsed() >= timeout => return Err(timed_out(&mut api, open, timeout).into()),
            Ok(()) => {}
        }
        let waits_for = waits_for(requests, since.elapsed());
        if !waits_for.is_empty() && *said.borrow() != waits_for {
            log::info!("{waits_for}");
            *said.borrow_mut() = waits_for;
        }
        api.pause(pause.min(timeout.saturating_sub(since.elapsed())))?;
        pause = (pause * 2).min(LOOKS.1);
    }
}

fn look_at_all(api: &mut Api<'_>, requests: &mut [Waiting<'_>]) -> Result<()> {
    for request in requests.iter_mut().filter(|request| request.issued.is_none()) {
        look(api, request)?;
    }
    Ok(())
}

/// What is waited for, for a person who may do something about it; a signer that works needs a moment, of which nothing is said.
fn waits_for(requests: &[Waiting<'_>], waited: Duration) -> String {
    let open = requests.iter().filter(|request| request.issued.is_none());
    let names: Vec<_> = open.clone().filter(|one| !one.is_approved).map(|one| one.name.as_str()).collect();
    if !names.is_empty() {
        let what = if names.len() == 1 { "a request waits" } else { "requests wait" };
        return format!("{what} to be approved: `kubectl certificate approve {}`", names.join(" "));
    }
    let mut signers: Vec<_> = open.map(|one| one.order.terms.signer.as_str()).collect();
    signers.dedup();
    if waited > QUIET { format!("approved; waits for {}", signers.join(", ")) } else { String::new() }
}

/// Makes the request, and approves it where that is wanted.
fn ask(api: &mut Api<'_>, request: &mut Waiting<'_>, approve: bool) -> Result<()> {
    let Order { terms, template, key, .. } = request.order;
    let now = SystemClock.now();
    let (what, signer) = (request.order.name.to_owned(), terms.signer.as_str().to_owned());
    let pem = RequestTemplate {
        subject: template.subject.clone(),
        subject_alt_names: template.subject_alt_names.clone(),
        key_usages: Vec::new(),
        extended_key_usages: Vec::new(),
    }
    .sign(key)?
    .to_pem();
    let left = template.not_after - now;
    // Keys and the wait for others have taken a while.
    let validity = left.max(SHORTEST_VALIDITY);
    if left < SHORTEST_VALIDITY / 2 {
        // The plan is old, or the CA ends.
        return Err(
            SigningError::TooShort { what, signer, end: template.not_after, least: now + SHORTEST_VALIDITY }.into()
        );
    }
    let mut object = CertificateSigningRequest {
        metadata: Metadata { name: request.name.clone(), ..Metadata::default() },
        spec: SigningRequestSpec {
            request: STANDARD.encode(pem),
            signer_name: terms.signer.as_str().to_owned(),
            expiration_seconds: Some(seconds(validity)),
            usages: terms.usages.clone(),
            ..SigningRequestSpec::default()
        },
        ..CertificateSigningRequest::default()
    };
    if matches!(terms.signer, Signer::CertManager(_)) {
        object.metadata.annotations.insert(DURATION_ANNOTATION.to_owned(), format!("{}s", seconds(validity)));
    }
    request.is_asked = true;
    let made = api.create(&object)?;
    log::info!("{}: request {} for {}", request.order.name, request.name, terms.signer.as_str());
    if approve {
        // Webhooks change objects: what is approved is what was asked for, and nothing else.
        let is_ours = made.metadata.name == object.metadata.name
            && made.spec.request == object.spec.request
            && made.spec.signer_name == object.spec.signer_name
            && made.spec.usages == object.spec.usages
            && made.spec.expiration_seconds == object.spec.expiration_seconds;
        if !is_ours {
            return Err(SigningError::Altered { what, request: request.name.clone() }.into());
        }
        let said = (REASON, "approved by whoever renews it: kubepki --approve");
        if api.answer(&made, APPROVED, said, now)? == Answered::Busy {
            let what = object.metadata.name;
            return Err(ClusterError::Conflict { what, reason: "others change it all the time".to_owned() }.into());
        }
    }
    Ok(())
}

/// The API has 32 bits for them.
fn seconds(validity: TimeDelta) -> i64 {
    validity.num_seconds().min(i64::from(i32::MAX))
}

/// Looks whether it is answered.
fn look(api: &mut Api<'_>, request: &mut Waiting<'_>) -> Result<()> {
    let name = request.name.clone();
    let what = request.order.name.to_owned();
    let Some(object) = api.find::<CertificateSigningRequest>(None, &name)? else {
        return Err(SigningError::Gone { what, request: name }.into());
    };
    let said = |kind| {
        object.condition(kind).map(|condition| {
            let said = [condition.reason.as_str(), condition.message.as_str()];
            printable(&said.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")).into_owned()
        })
    };
    if let Some(reason) = said(DENIED) {
        return Err(SigningError::Denied { what, request: name, reason }.into());
    }
    if let Some(reason) = said(FAILED) {
        let signer = request.order.terms.signer.as_str().to_owned();
        return Err(SigningError::Failed { what, signer, reason }.into());
    }
    request.is_approved = object.condition(APPROVED).is_some();
    if let Some(certificate) = object.status.certificate.filter(|_| request.is_approved) {
        request.issued = Some(read(request.order, &certificate)?);
    }
    Ok(())
}

/// The chain that came back, if it is the one that was asked for.
fn read(order: Order<'_>, certificate: &str) -> Result<Vec<Certificate>> {
    let wrong = |faults| SigningError::WrongCertificate {
        what: order.name.to_owned(),
        signer: order.terms.signer.as_str().to_owned(),
        faults,
    };
    let chain = STANDARD
        .decode(certificate)
        .map_err(|error| wrong(vec![format!("it is not base64: {error}")]))
        .and_then(|pem| read_certificates(&pem).map_err(|error| wrong(vec![error.to_string()])))?;
    let Some(leaf) = chain.first() else { return Err(wrong(vec!["there is none".to_owned()]).into()) };
    let mut faults = faults(order.template, order.key.public_key_info(), leaf);
    if chain.len() > LONGEST_CHAIN {
        faults.push(format!("it comes with {} certificates", chain.len()));
    }
    if !faults.is_empty() {
        return Err(wrong(faults).into());
    }
    judge_times(order, leaf)?;
    Ok(chain)
}

/// Signers shorten, and their clocks differ.
fn judge_times(order: Order<'_>, leaf: &Certificate) -> Result<()> {
    let (what, signer) = (order.name.to_owned(), order.terms.signer.as_str().to_owned());
    let (now, begin, end) = (SystemClock.now(), leaf.not_before(), leaf.not_after());
    if begin > now {
        return Err(SigningError::OtherClock { what, signer, begin, now }.into());
    }
    if let Some(least) = order.least.filter(|least| end <= *least) {
        return Err(SigningError::TooShort { what, signer, end, least }.into());
    }
    if order.template.not_after - end > UNSAID {
        log::warn!("{what}: {signer} made it valid until {end}, not {}", order.template.not_after);
    }
    Ok(())
}

/// Refuses a chain that the CA certificates in the node's `file` do not vouch for.
pub(super) fn refuse_untrusted(what: &str, chain: &[Certificate], file: &Path, bundle: &[Certificate]) -> Result<()> {
    let findings = judge_issued(what, file, chain, bundle, SystemClock.now());
    let reasons: Vec<_> = findings.into_iter().filter(Finding::is_critical).map(|finding| finding.evidence).collect();
    if reasons.is_empty() {
        return Ok(());
    }
    Err(SigningError::Untrusted { what: what.to_owned(), file: file.to_owned(), reasons }.into())
}

/// A signer that hands out no CA can be held to the one that it should have.
fn refuse_other_authority(what: &str, chain: &[Certificate], file: &str, authorities: &[Certificate]) -> Result<()> {
    let Some((leaf, intermediates)) = chain.split_first() else { return Ok(()) };
    verify_chain(leaf, intermediates, authorities, SystemClock.now(), None).map(drop).map_err(|problem| {
        Error::from(SigningError::OtherAuthority {
            what: what.to_owned(),
            file: file.to_owned(),
            reason: problem.to_string(),
        })
    })
}

/// The error, with what the cluster says of the request.
fn timed_out(api: &mut Api<'_>, request: &Waiting<'_>, waited: Duration) -> SigningError {
    let (what, signer) = (request.order.name.to_owned(), request.order.terms.signer.clone());
    if !request.is_approved {
        return SigningError::NotApproved { what, request: request.name.clone(), waited };
    }
    let selector = format!("fieldSelector={}", escaped(&format!("involvedObject.name={}", request.name)));
    let events = match api.list::<Event>(Some("default"), &selector) {
        Ok(listed) => {
            let is_its = |event: &&Event| event.involved_object.kind == CertificateSigningRequest::KIND;
            let text = |event: &Event| printable(&format!("{}: {}", event.reason, event.message)).into_owned();
            listed.items.iter().filter(is_its).rev().take(MOST_EVENTS).map(text).collect()
        }
        Err(error) => vec![format!("its events cannot be read: {error}")],
    };
    SigningError::NotSigned { what, signer, waited, events }
}

/// Deletes every request; whoever broke off the wait does not break this off.
fn forget(requests: &[Waiting<'_>], access: &ClusterAccess, own: &[PathBuf]) {
    let asked: Vec<_> = requests.iter().filter(|request| request.is_asked).map(|request| &request.name).collect();
    let mut go_on = || ControlFlow::Continue(());
    let access = ClusterAccess { request_timeout: Span::of_seconds(LAST_WORDS), ..access.clone() };
    let mut left = Vec::new();
    let mut reason = String::new();
    match Api::open(&access, own, &mut go_on) {
        Ok(mut api) => {
            for name in asked {
                // What does not answer once is not asked for each.
                let deleted =
                    if reason.is_empty() { api.delete::<CertificateSigningRequest>(None, name) } else { Ok(()) };
                match deleted {
                    Ok(()) => {}
                    // A node may ask, and not delete; what is answered the cluster takes away itself, within an hour.
                    Err(ClusterError::Forbidden { .. }) if requests.iter().all(|one| one.issued.is_some()) => {
                        log::info!("{name} is left to the cluster, which takes it away within an hour");
                        continue;
                    }
                    Err(error) => reason = error.to_string(),
                }
                if !reason.is_empty() {
                    left.push(name.as_str());
                }
            }
        }
        Err(error) => {
            reason = error.to_string();
            left.extend(asked.into_iter().map(String::as_str));
        }
    }
    if !left.is_empty() {
        log::warn!("requests may be left in the cluster, `kubectl delete csr {}`: {reason}", left.join(" "));
    }
}
