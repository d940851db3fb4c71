//! Who signs what a verb makes: a CA on the node, or a signer of the cluster's certificates API.

use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;
use clap::Args;
use serde::{Deserialize, Serialize};

use super::{RequestError, Span, defaults};
use crate::policy::signer::{SHORTEST_VALIDITY, Signer};

const SIGNING: &str = "Who signs";

/// A person approves within a year, or not at all.
const LONGEST_WAIT: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Who signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IssuedBy {
    /// The CAs on the node.
    #[default]
    Ca,
    /// A signer of the cluster's certificates API.
    Kubernetes,
}

/// Who signs, and how it is asked.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Signing {
    /// Who signs: the CAs on this node, or a signer of the cluster's certificates API, which needs no CA key here.
    ///
    /// Certificates are waited for as long as --timeout says.
    #[arg(long, value_name = "WHO", default_value = "ca", help_heading = SIGNING)]
    pub issuer: IssuedBy,
    /// With --issuer kubernetes: the signer, as `kubernetes.io/kube-apiserver-client` or `clusterissuers.cert-manager.io/NAME`.
    ///
    /// Without it the signer of the controller manager that makes such certificates. None of these signs for `system:masters`,
    /// for servers other than kubelets, or for etcd.
    #[arg(long, value_name = "NAME", help_heading = SIGNING)]
    pub signer: Option<Signer>,
    /// With --issuer kubernetes: CA certificates, one of which has to vouch for what was signed; for signers that hand out none.
    ///
    /// What the node trusts has to vouch for it in any case.
    #[arg(long, value_name = "FILE", help_heading = SIGNING)]
    pub issuer_ca: Option<PathBuf>,
    /// With --issuer kubernetes: approve the requests; otherwise somebody else has to.
    #[arg(long, help_heading = SIGNING)]
    pub approve: bool,
    /// With --issuer kubernetes: how long certificates are waited for; five minutes without it.
    #[arg(skip)]
    pub timeout: Option<Span>,
}

defaults! { Signing }

impl Signing {
    /// Whether the cluster is asked.
    #[must_use]
    pub fn asks_cluster(&self) -> bool {
        self.issuer == IssuedBy::Kubernetes
    }

    /// How long certificates are waited for.
    pub(crate) fn wait(&self) -> Result<Duration, RequestError> {
        self.timeout.unwrap_or(Span::of_seconds(300)).timeout(LONGEST_WAIT)
    }

    /// Refuses what says something of a signer where none is asked, and what no signer is asked for.
    pub(crate) fn refuse(&self, validity: TimeDelta) -> Result<(), RequestError> {
        let given = [
            (self.signer.is_some(), "--signer"),
            (self.issuer_ca.is_some(), "--issuer-ca"),
            (self.approve, "--approve"),
        ];
        match given.into_iter().find(|(is_given, _)| *is_given && !self.asks_cluster()) {
            Some((_, option)) => Err(RequestError::bad(
                format!("{option} is about the cluster's certificates API, and the CAs on this node sign"),
                "give --issuer kubernetes besides, or leave it out",
            )),
            None if self.asks_cluster() && validity < SHORTEST_VALIDITY => Err(RequestError::bad(
                "the API server takes no request for less than ten minutes",
                "give a longer validity, as --validity 24h",
            )),
            None => self.wait().map(drop),
        }
    }
}
