//! Judging the chain of a certificate, of one that is there and of one that a plan is about to write, by one code.
//!
//! In: a leaf, its CA's file, a moment, purposes. Out: findings, and which CA vouches. The verdict is that of Go's
//! `crypto/x509`, as every component of Kubernetes has it.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::{Finding, FindingCode, Findings, Remedy, Settled};
use crate::error::Diagnostic;
use crate::x509::{Certificate, CertificateTemplate, ChainProblem, ExtendedKeyUsage, verify_chain, verify_draft};

/// A leaf with what its file holds behind it.
pub(super) struct Chain<'a> {
    pub(super) leaf: &'a Certificate,
    pub(super) intermediates: &'a [Certificate],
    /// Whether its signature is still to be made.
    pub(super) is_draft: bool,
}

/// When the chain must hold.
#[derive(Clone, Copy)]
pub(super) enum Moment {
    Now(DateTime<Utc>),
    /// The leaf is out of its own time, and who signed it is worth knowing all the same.
    WhenBothWereValid,
}

impl Chain<'_> {
    fn verify(
        &self,
        authorities: &[Certificate],
        moment: DateTime<Utc>,
        purpose: Option<&ExtendedKeyUsage>,
    ) -> Result<usize, ChainProblem> {
        if self.is_draft {
            verify_draft(self.leaf, authorities, moment, purpose)
        } else {
            verify_chain(self.leaf, self.intermediates, authorities, moment, purpose)
        }
    }

    /// Verifies for any purpose: which CA vouches, and the moment for which that holds. `None` when there is no moment
    /// at which it could.
    fn find_authority(
        &self,
        bundle: &[Certificate],
        moment: Moment,
    ) -> Option<Result<(usize, DateTime<Utc>), ChainProblem>> {
        let first_moment = |ca: &Certificate| {
            let first = self.leaf.not_before().max(ca.not_before());
            (first <= self.leaf.not_after().min(ca.not_after())).then_some(first)
        };
        if let Moment::Now(now) = moment {
            return Some(self.verify(bundle, now, None).map(|position| (position, now)));
        }
        let mut problem = None;
        for (position, ca) in bundle.iter().enumerate() {
            let Some(moment) = first_moment(ca) else { continue };
            match self.verify(std::slice::from_ref(ca), moment, None) {
                Ok(_) => return Some(Ok((position, moment))),
                Err(found) if found.is_about_time() => {}
                Err(found) => problem = problem.or(Some(found)),
            }
        }
        problem.map(Err)
    }
}

/// Notes why no peer accepts the chain for one of `purposes`. The position of the CA that vouches.
pub(super) fn judge(
    notes: &mut Findings,
    chain: &Chain<'_>,
    bundle: &[Certificate],
    moment: Moment,
    purposes: &[ExtendedKeyUsage],
) -> Option<usize> {
    if bundle.is_empty() || !chain.leaf.unknown_critical_extensions().is_empty() {
        judge_alone(notes, chain.leaf);
        return None;
    }
    let (position, moment) = match chain.find_authority(bundle, moment)? {
        Ok(found) => found,
        Err(problem) => {
            note(notes, &problem, bundle);
            return None;
        }
    };
    // What the leaf itself does not allow is said by another finding.
    for purpose in purposes.iter().filter(|purpose| chain.leaf.allows_purpose(purpose)) {
        if let Err(problem) = chain.verify(bundle, moment, Some(purpose)) {
            note(notes, &problem, bundle);
        }
    }
    Some(position)
}

fn note(notes: &mut Findings, problem: &ChainProblem, bundle: &[Certificate]) {
    let remedy: Remedy = if problem.is_about_time() {
        "replace the CA, or put back the one that is valid".into()
    } else if problem.is_about_names() {
        let settled = Settled::AuthorityForbidsName(problem.forbidden_name().map(str::to_owned));
        Remedy::settled("leave out the name that its CA does not permit", settled)
    } else if problem.is_of_one_of(bundle) {
        Remedy::settled("put back a CA that allows it", Settled::AuthorityForbids)
    } else {
        "have it signed by the CA beside it, or put back the CA that signed it".into()
    };
    notes.add(FindingCode::CertificateUntrusted, problem.to_string(), remedy);
}

/// Notes what makes a certificate worthless in every chain.
pub(super) fn judge_alone(notes: &mut Findings, certificate: &Certificate) {
    let unknown = certificate.unknown_critical_extensions();
    if !unknown.is_empty() {
        notes.add(
            FindingCode::CertificateUntrusted,
            format!(
                "no client and no server accepts it: it has the critical extension {}, which Go does not know",
                unknown.join(", ")
            ),
            "have it issued again without this extension, or with the extension not critical",
        );
    }
}

/// Judges what a certificate of `template` will be, once the first of `bundle`, its CA's file, has signed it; without a
/// bundle its CA is still to be made, or it signs itself. Without a `public_key_info` there is no key yet.
#[must_use]
pub fn judge_draft(
    name: &str,
    path: &Path,
    template: &CertificateTemplate,
    public_key_info: Option<&[u8]>,
    bundle: &[Certificate],
    now: DateTime<Utc>,
) -> Vec<Finding> {
    match template.draft(public_key_info, bundle.first()) {
        Ok(draft) => judge_new(name, path, &Chain { leaf: &draft, intermediates: &[], is_draft: true }, bundle, now),
        Err(error) => {
            let mut notes = Findings::on(name);
            notes.at(path).add_fault(error.fault());
            notes.into_vec()
        }
    }
}

/// Judges a certificate that the first of `bundle` has just signed, before it is written.
#[must_use]
pub fn judge_signed(
    name: &str,
    path: &Path,
    certificate: &Certificate,
    bundle: &[Certificate],
    now: DateTime<Utc>,
) -> Vec<Finding> {
    judge_new(name, path, &Chain { leaf: certificate, intermediates: &[], is_draft: false }, bundle, now)
}

/// Judges a chain that was signed elsewhere for a key of this node, before it is written; any CA of `bundle` may vouch for it.
#[must_use]
pub fn judge_issued(
    name: &str,
    path: &Path,
    chain: &[Certificate],
    bundle: &[Certificate],
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let mut notes = Findings::on(name);
    notes.at(path);
    if let Some((leaf, intermediates)) = chain.split_first() {
        let purposes = used_purposes(leaf);
        judge(&mut notes, &Chain { leaf, intermediates, is_draft: false }, bundle, Moment::Now(now), &purposes);
        notes.extend(judge_end(name, path, leaf.not_after(), now));
    }
    notes.into_vec()
}

/// What it is for, of what TLS looks at.
fn used_purposes(leaf: &Certificate) -> Vec<ExtendedKeyUsage> {
    let has = leaf.extended_key_usages().unwrap_or_default();
    [ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth].into_iter().filter(|one| has.contains(one)).collect()
}

/// All that `check` would say of the chain.
fn judge_new(name: &str, path: &Path, chain: &Chain<'_>, bundle: &[Certificate], now: DateTime<Utc>) -> Vec<Finding> {
    let mut notes = Findings::on(name);
    notes.at(path);
    // Others of the issuer's name, with another key, will not have signed it.
    let is_signer =
        |one: &&Certificate| bundle.first().is_some_and(|first| first.public_key_info() == one.public_key_info());
    let authorities: Vec<_> = bundle.iter().filter(is_signer).cloned().collect();
    let is_in_time = |one: &Certificate| one.not_before() <= now && now <= one.not_after();
    let moment = if is_in_time(chain.leaf) && authorities.iter().any(is_in_time) {
        Moment::Now(now)
    } else {
        Moment::WhenBothWereValid
    };
    judge(&mut notes, chain, &authorities, moment, &used_purposes(chain.leaf));
    notes.extend(judge_end(name, path, chain.leaf.not_after(), now));
    notes.into_vec()
}

/// Judges the end of a certificate that is about to be made: one that has ended already is never written.
#[must_use]
pub fn judge_end(name: &str, path: &Path, not_after: DateTime<Utc>, now: DateTime<Utc>) -> Option<Finding> {
    let mut notes = Findings::on(name);
    if not_after <= now {
        notes.at(path).add(
            FindingCode::CertificateExpired,
            format!("it would be expired from the start: it would end on {not_after}"),
            Remedy::chosen(
                "give it a longer validity: certificateValidityPeriod or caCertificateValidityPeriod in the configuration, or the \
                 option that says how long it is valid",
            ),
        );
    }
    notes.pop()
}
