//! `kubepki kubeconfig user`: a kubeconfig for somebody outside the node.
//!
//! In: a request; the CA is read from the node. Out: [`Planned`], which shows all but secrets, and [`Made`] with the
//! kubeconfig's text. Nothing is written: where the text goes is the caller's business.

mod present;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::cluster::own_kubeconfigs;
use super::keys::generate_all;
use super::node::{Node, issuer_on_disk};
use super::{Continue, OperationError, Progress, signing, unless_critical};
use crate::audit::chain::judge_signed;
use crate::audit::{Finding, complete_remedies};
use crate::catalogue::{ADMIN_CONF, CLUSTER_CA, ServerRule};
use crate::config::Problem;
use crate::error::Result;
use crate::key::{Algorithm, PrivateKey};
use crate::kubeconfig::{Client, Kubeconfig};
use crate::plan::SignerOrder;
use crate::plan::user::{self, Credential, UserError, UserPlan, Wish, token_fault};
use crate::policy::signer::Signer;
pub use crate::request::UserRequest;
use crate::request::{ClusterAccess, Signing};
use crate::secret::Secret;
use crate::tree::Tree;
use crate::x509::{Certificate, CertificateTemplate, SerialNumber, X509Error, read_certificates};
pub use present::{Ensured, Order, Present, ensure};

/// A user's kubeconfig before it is made.
#[derive(Debug)]
pub struct Planned {
    /// What it will say.
    pub plan: UserPlan,
    /// What the configuration's reader warns of.
    pub warnings: Vec<Problem>,
    signing: Signing,
    access: ClusterAccess,
    /// What a certificate that a signer shortens has to outlast.
    least: Option<DateTime<Utc>>,
    node: Node,
    tree: Tree,
    now: DateTime<Utc>,
}

/// What can be shown of a user's kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UserFacts {
    /// The user's name.
    pub user: String,
    /// The groups, in the certificate's order; none for a token, whose groups the API server knows.
    pub organizations: Vec<String>,
    /// What it shows to the API server.
    pub credential: Credential,
    /// The API server's URL.
    pub server: String,
    /// The cluster's name.
    pub cluster_name: String,
    /// The certificate's subject.
    pub subject: Option<String>,
    /// The kind of its key.
    pub algorithm: Option<Algorithm>,
    /// The first moment of its validity.
    pub not_before: Option<DateTime<Utc>>,
    /// The last moment of its validity.
    pub not_after: Option<DateTime<Utc>>,
    /// Its serial number in hexadecimal, once it is made.
    pub serial: Option<String>,
    /// What should be looked at.
    pub findings: Vec<Finding>,
}

/// A user's kubeconfig.
#[derive(Debug)]
pub struct Made {
    /// What can be shown of it.
    pub facts: UserFacts,
    /// The file's text, key or token in it.
    pub text: Secret,
}

/// Reads the configuration and the CA, and plans the kubeconfig.
///
/// # Errors
/// [`UserError`] for a wish that makes no sense or is refused; [`OperationError::Blocked`] when the CA cannot be used;
/// `config.*` and `store.*` for the configuration.
pub fn plan(request: &UserRequest, now: DateTime<Utc>) -> Result<Planned> {
    if let Some(fault) = request.token.as_ref().and_then(|token| token_fault(token.expose())) {
        return Err(UserError::BadToken { fault }.into());
    }
    let renew_before = request.renew_before()?;
    let least = request.renew_before.map(|_| now + renew_before);
    request.refuse_signing()?;
    let mut node = Node::open_without_address(&request.node)?;
    let mut server = request.server.clone();
    if server.is_none() && ServerRule::ControlPlane.known_url(&node.spec).is_none() {
        server = server_of_admin(&node);
        if server.is_none() {
            // It was read a moment ago: all that is lacking is an address.
            node = Node::open(&request.node).map_err(|_| UserError::NoServer)?;
        }
    }
    let mut paths = vec![node.layout.certificate(CLUSTER_CA)];
    let credential = if request.token.is_some() {
        Credential::Token
    } else {
        if !request.signing.asks_cluster() {
            paths.push(node.layout.key(CLUSTER_CA));
        }
        Credential::Certificate
    };
    let tree = node.store.read(paths);
    let wish = Wish {
        name: request.client_name.clone(),
        organizations: request.organizations.clone(),
        credential,
        validity: TimeDelta::try_seconds(request.validity.seconds())
            .ok_or(UserError::BadValidity { seconds: request.validity.seconds() })?,
        algorithm: request.algorithm,
        server,
        allow_masters: request.allow_masters,
        outlive_authority: *request.outlive_ca,
        signer: request
            .signing
            .asks_cluster()
            .then(|| request.signing.signer.clone().unwrap_or(Signer::ApiServerClient)),
    };
    let mut plan = user::user(&wish, &node.spec, &node.layout, &tree, now)?;
    complete_remedies(&mut plan.findings, &request.node.caller());
    plan.findings = unless_critical(plan.findings)?;
    Ok(Planned {
        plan,
        warnings: node.warnings.clone(),
        signing: request.signing.clone(),
        access: request.access.clone(),
        least,
        node,
        tree,
        now,
    })
}

/// Where this node's administrators find the API server.
fn server_of_admin(node: &Node) -> Option<String> {
    let path = node.layout.kubeconfig(ADMIN_CONF);
    let kubeconfig = Kubeconfig::parse(node.store.read([&path]).content(&path)?).ok()?;
    Some(kubeconfig.current().ok()?.server?.to_owned())
}

impl Planned {
    /// What can be shown before it is made.
    #[must_use]
    pub fn facts(&self) -> UserFacts {
        facts(&self.plan)
    }

    /// Makes the key, signs the certificate and writes the text; `token` as in the request.
    ///
    /// # Errors
    /// [`OperationError::Interrupted`] when `progress` says to stop; `key.*` and `x509.*` when making or signing fails.
    pub fn make(&self, token: Option<&Secret>, progress: &mut dyn FnMut(&Progress) -> Continue) -> Result<Made> {
        let mut facts = self.facts();
        let client = match (&self.plan.certificate, token) {
            (Some((algorithm, template)), _) => {
                let key = generate_all(&[(self.plan.user.clone(), *algorithm)], progress)?;
                let key = key.into_iter().next().ok_or(OperationError::Interrupted)?;
                let chain = match &self.plan.order {
                    Some(order) => self.obtain(order, template, &key, progress)?,
                    None => vec![self.sign(template, &key)?],
                };
                let certificate = chain.first().ok_or(X509Error::NoCertificate)?;
                facts.serial = Some(certificate.serial().to_string());
                (facts.not_before, facts.not_after) = (Some(certificate.not_before()), Some(certificate.not_after()));
                let (user, serial, end) = (&self.plan.user, certificate.serial(), certificate.not_after());
                log::info!("user {user}: create: serial {serial}, valid until {end}");
                let certificate_pem = chain.iter().flat_map(Certificate::to_pem).collect();
                Client::Certificate { certificate_pem, key_pem: key.to_pem() }
            }
            (None, Some(token)) => Client::Token(token.clone()),
            (None, None) => return Err(UserError::BadToken { fault: "there is none" }.into()),
        };
        Ok(Made { facts, text: self.plan.kubeconfig(client).to_yaml() })
    }

    /// Signs the certificate with the CA on the node.
    fn sign(&self, template: &CertificateTemplate, key: &PrivateKey) -> Result<Certificate> {
        let issuer = issuer_on_disk(&self.tree, &self.node.layout, CLUSTER_CA)?;
        let certificate = template.issue(&SerialNumber::random()?, key.public_key_info(), &issuer)?;
        let (path, bundle) = (self.node.layout.certificate(CLUSTER_CA), [issuer.certificate().clone()]);
        unless_critical(judge_signed(&self.plan.user, &path, &certificate, &bundle, self.now))?;
        Ok(certificate)
    }

    /// Has a signer of the cluster sign it.
    fn obtain(
        &self,
        terms: &SignerOrder,
        template: &CertificateTemplate,
        key: &PrivateKey,
        progress: &mut dyn FnMut(&Progress) -> Continue,
    ) -> Result<Vec<Certificate>> {
        let order = signing::Order { name: &self.plan.user, terms, template, key, least: self.least };
        let own =
            own_kubeconfigs(Some(self.node.store.root_directory()), &self.node.layout.kubeconfig_dir, &[ADMIN_CONF]);
        let chain = signing::obtain(&[order], &self.signing, (&self.access, &own), progress)?
            .into_iter()
            .next()
            .unwrap_or_default();
        let path = self.node.layout.certificate(CLUSTER_CA);
        let bundle = read_certificates(self.tree.content(&path).unwrap_or_default())?;
        signing::refuse_untrusted(&self.plan.user, &chain, &path, &bundle)?;
        Ok(chain)
    }
}

fn facts(plan: &UserPlan) -> UserFacts {
    let template = plan.certificate.as_ref().map(|(_, template)| template);
    UserFacts {
        user: plan.user.clone(),
        organizations: template.map(|template| template.subject.organizations()).unwrap_or_default(),
        credential: if template.is_some() { Credential::Certificate } else { Credential::Token },
        server: plan.server.clone(),
        cluster_name: plan.cluster_name.clone(),
        subject: template.map(|template| template.subject.to_string()),
        algorithm: plan.certificate.as_ref().map(|(algorithm, _)| *algorithm),
        not_before: template.map(|template| template.not_before),
        not_after: template.map(|template| template.not_after),
        serial: None,
        findings: plan.findings.clone(),
    }
}
