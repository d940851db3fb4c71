//! What `ca renew` is asked for.

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use serde::{Deserialize, Serialize};

use super::{Backups, NodeRequest, Recover, RequestError, Span, refuse_unknown};
use crate::catalogue::{self, Kind, SERVICE_ACCOUNT};
use crate::config::ClusterSpec;
use crate::plan::generate::Selection;
use crate::plan::renew_ca::Options;

/// What `ca renew` is asked for.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[command(next_help_heading = "What is renewed, and how")]
#[serde(default, deny_unknown_fields)]
pub struct RenewCaRequest {
    /// Which CAs, by kubeadm's names: `ca`, `front-proxy-ca`, `etcd-ca`; all that the node has, or none for an empty list.
    #[arg(skip)]
    pub names: Selection,
    /// The renewed certificate, from the node or the owner that has the key: nothing is signed here, and no key is needed.
    ///
    /// Can be repeated. Of each file the certificate counts that has the CA's name and key, as in a copy of the other node's `ca.crt`.
    #[arg(long = "certificate", value_name = "FILE")]
    pub certificates: Vec<PathBuf>,
    /// How long the new certificates are valid, instead of the configuration's `caCertificateValidityPeriod`, or 3650 days.
    #[arg(long, value_name = "DURATION")]
    pub validity: Option<Span>,
    /// Renew only what ends within this time: then a second run changes nothing.
    #[arg(long, value_name = "DURATION")]
    pub before: Option<Span>,
    /// Where the files that change are kept as they were.
    #[command(flatten)]
    #[serde(flatten)]
    pub backups: Backups,
    /// Whether an interrupted change is ended first.
    #[command(flatten)]
    pub recover: Recover,
    /// Which node.
    #[command(flatten)]
    #[serde(flatten)]
    pub node: NodeRequest,
}

impl RenewCaRequest {
    /// Every name that can be asked for.
    #[must_use]
    pub fn known_names() -> Vec<&'static str> {
        catalogue::rows([Kind::Authority]).map(|row| row.name).collect()
    }

    /// What is planned on a node of `spec`, but for the files that were given.
    ///
    /// # Errors
    /// [`RequestError`] for a name that is unknown, or options that contradict each other.
    pub(crate) fn options(&self, spec: &ClusterSpec, now: DateTime<Utc>) -> Result<Options, RequestError> {
        let known = Self::known_names();
        if matches!(&self.names, Selection::Names(names) if names.iter().any(|name| name == SERVICE_ACCOUNT)) {
            return Err(RequestError::bad(
                "sa is a key without a certificate: it has no end that could be renewed",
                "replace it by another key: `kubepki rotate plan --authority sa`",
            ));
        }
        refuse_unknown(&self.names, &[&["all"], known.as_slice()].concat())?;
        let is_all = match &self.names {
            Selection::All => true,
            Selection::None => false,
            Selection::Names(names) => names.iter().any(|name| name == "all"),
        };
        if self.validity.is_some() && !self.certificates.is_empty() {
            return Err(RequestError::bad(
                "--validity is for certificates that are signed here, and one was given",
                "leave out --validity, or --certificate",
            ));
        }
        let options = Options {
            names: known.into_iter().filter(|name| is_all || self.names.contains(name)).collect(),
            are_named: !is_all,
            before: self.before.map(|before| before.within("--before")).transpose()?,
            validity: self.validity.map(|validity| validity.from("--validity", now)).transpose()?,
            given: Vec::new(),
        };
        let validity = options.validity.unwrap_or(spec.ca_certificate_validity);
        if validity <= TimeDelta::zero() {
            return Err(RequestError::bad("the validity must be longer than 0", "give a duration, as 87600h or 3650d"));
        }
        if options.before.is_some_and(|before| before >= validity) && self.certificates.is_empty() {
            let reason = "CAs would be renewed at every run: their validity is not longer than --before";
            return Err(RequestError::bad(reason, "give --before a duration that is shorter than the validity"));
        }
        Ok(options)
    }
}
