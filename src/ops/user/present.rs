//! The kubeconfig that a user has: looked at, and kept where it will do.
//!
//! In: a request; a file of this machine, or a text. Out: [`Ensured`]: what was there, why it was not kept, and what is there now.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::{Planned, UserFacts, UserRequest, plan};
use crate::config::Problem;
use crate::error::{Fault, Result};
use crate::inventory::{Client, referenced_paths};
use crate::kubeconfig::{Kubeconfig, KubeconfigError};
use crate::ops::output::{Access, refuse_place, write_secret};
use crate::ops::{Continue, Progress};
use crate::plan::user::{Credential, Reason, Terms, Unfit, unfit};
use crate::secret::Secret;
use crate::store::Store;
use crate::tree::{Observed, Tree};
use crate::x509::Certificate;

/// The name of a kubeconfig that is in no file.
const UNNAMED: &str = "-";

/// Where the kubeconfig is that a user has.
#[derive(Debug)]
pub enum Present {
    /// In this file of this machine, if it is there.
    File(PathBuf),
    /// Here; there is none without it.
    Text(Option<Secret>),
}

/// What is to be there, and where.
#[derive(Debug)]
pub struct Order {
    /// What is there.
    pub present: Present,
    /// Make it again, whatever is there.
    pub force: bool,
    /// Say what would be made, and make and write nothing.
    pub dry_run: bool,
    /// What a file is made like; of mode 0600 unless told otherwise.
    pub access: Access,
}

/// A kubeconfig that was kept or made.
#[derive(Clone, Debug, PartialEq)]
pub struct Ensured {
    /// What could be shown of the one that was there; none where there was none that could be read.
    pub before: Option<UserFacts>,
    /// Why it was not kept; none when it was.
    pub reason: Option<Reason>,
    /// What can be shown of the one that is there now, or would be.
    pub facts: UserFacts,
    /// Its text; none after a dry run that would make one.
    pub text: Option<Secret>,
    /// What the configuration's reader warns of.
    pub warnings: Vec<Problem>,
}

/// What is there.
struct Looked {
    facts: Option<UserFacts>,
    text: Option<Secret>,
    reason: Option<Reason>,
}

/// Keeps the kubeconfig that is there, or makes one; a file is written.
///
/// # Errors
/// As [`plan`] and [`Planned::make`]; `store.*` for a file that cannot be read or written, in a dry run too.
pub fn ensure(
    request: &UserRequest,
    order: &Order,
    now: DateTime<Utc>,
    progress: &mut dyn FnMut(&Progress) -> Continue,
) -> Result<Ensured> {
    let planned = plan(request, now)?;
    let allowed = order.access.mode.unwrap_or(0o600);
    let Looked { facts, text, reason } = planned.look(request, &order.present, order.force, allowed)?;
    let warnings = planned.warnings.clone();
    let (after, text) = match (&reason, facts.clone()) {
        (None, Some(facts)) => (facts, text),
        _ => planned.make_at(request, order, allowed, progress)?,
    };
    Ok(Ensured { before: facts, reason, facts: after, text, warnings })
}

impl Planned {
    /// Makes the kubeconfig where it is wanted; a dry run says what would be made.
    fn make_at(
        &self,
        request: &UserRequest,
        order: &Order,
        allowed: u32,
        progress: &mut dyn FnMut(&Progress) -> Continue,
    ) -> Result<(UserFacts, Option<Secret>)> {
        let access = Access { mode: Some(allowed), ..order.access };
        let file = match &order.present {
            Present::File(path) => Some(path),
            Present::Text(_) => None,
        };
        // A signer is not asked for what could not be written.
        if let Some(path) = file {
            refuse_place(path, true, access)?;
        }
        if order.dry_run {
            return Ok((self.facts(), None));
        }
        let made = self.make(request.token.as_ref(), progress)?;
        if let Some(path) = file {
            write_secret(path, &made.text, true, access)?;
        }
        Ok((made.facts, Some(made.text)))
    }

    /// Looks at what is there, and judges whether it will do; with `force` it will not, nor with a mode wider than `allowed`.
    fn look(&self, request: &UserRequest, present: &Present, force: bool, allowed: u32) -> Result<Looked> {
        let renew_before = request.renew_before()?;
        let (path, mode, mut tree) = read(present)?;
        let Some(content) = tree.content(&path).map(|content| Secret::new(content.to_vec())) else {
            return Ok(Looked { facts: None, text: None, reason: Some(Reason::of(Unfit::Missing)) });
        };
        let document = Kubeconfig::parse(content.expose());
        if let (Ok(document), Present::File(_)) = (&document, present) {
            tree.add(Store::new(None)?.read(referenced_paths(&path, document)));
        }
        let client = Client::of(&tree, &path, document);
        let terms = Terms { token: request.token.as_ref(), renew_before, now: self.now };
        let reason = if force {
            Some(Reason::of(Unfit::Forced))
        } else {
            // A key that others could read is not made good by a narrower mode.
            let wide = mode & 0o077 & !allowed != 0;
            let readable = || Reason {
                text: format!("others than its owner can use it (mode {mode:04o})"),
                ..Reason::of(Unfit::ReadableByOthers)
            };
            unfit(client.as_ref(), &path, &tree, &self.plan, &terms).or_else(|| wide.then(readable))
        };
        Ok(Looked { facts: self.seen(client.as_ref()), text: Some(content), reason })
    }

    /// What can be shown of a kubeconfig that is there; `findings` are those of the one that is wanted.
    fn seen(&self, client: Result<&Client, &KubeconfigError>) -> Option<UserFacts> {
        let client = client.ok()?;
        let current = client.document.current().ok()?;
        let certificate = client.certified().and_then(|found| found.certificate());
        Some(UserFacts {
            user: certificate
                .and_then(|certificate| certificate.subject().common_name())
                .unwrap_or_else(|| current.user.to_owned()),
            organizations: certificate.map(|one| one.subject().organizations()).unwrap_or_default(),
            credential: if client.found.has_certificate { Credential::Certificate } else { Credential::Token },
            server: current.server.unwrap_or_default().to_owned(),
            cluster_name: current.cluster.to_owned(),
            subject: certificate.map(|one| one.subject().to_string()),
            algorithm: certificate.and_then(|one| one.key_kind().parse().ok()),
            not_before: certificate.map(Certificate::not_before),
            not_after: certificate.map(Certificate::not_after),
            serial: certificate.map(|one| one.serial().to_string()),
            findings: self.plan.findings.clone(),
        })
    }
}

/// The path of what is there, its mode, and a tree with it. A text has no mode that others could read it with.
fn read(present: &Present) -> Result<(PathBuf, u32, Tree)> {
    let mut mode = 0o600;
    let (path, observed) = match present {
        Present::Text(text) => {
            let observed = match text {
                Some(text) => Observed::File { content: text.clone(), mode: 0o600 },
                None => Observed::Missing,
            };
            (PathBuf::from(UNNAMED), observed)
        }
        Present::File(path) => {
            let store = Store::new(None)?;
            let path = store.locate(path)?;
            let observed = match store.read([&path]).get(&path) {
                Observed::Unreadable(fault) => return Err(Fault::clone(fault).into()),
                Observed::File { content, mode: found } => {
                    mode = *found;
                    Observed::File { content: content.clone(), mode: 0o600 }
                }
                Observed::Missing => Observed::Missing,
            };
            (path, observed)
        }
    };
    let mut tree = Tree::default();
    tree.insert(path.clone(), observed);
    Ok((path, mode, tree))
}
