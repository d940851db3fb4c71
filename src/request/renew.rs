//! What `certs renew` is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use serde::{Deserialize, Serialize};

use super::{
    Backups, ClusterAccess, KubeletDir, NodeRequest, Recover, RequestError, Signing, Span, defaults, refuse_unknown,
};
use crate::catalogue::{self, Kind, Row};
use crate::config::{ClusterSpec, Role, alternative_name};
use crate::key::Algorithm;
use crate::plan::generate::Selection;
use crate::plan::renew::{NameChanges, Options, OutliveAuthority, Signers};
use crate::x509::SubjectAltName;

const CONTENTS: &str = "What the new certificates say";

/// What `certs renew` is asked for.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[command(next_help_heading = "What is renewed, and how")]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools)] // each is a flag of the command line
pub struct RenewRequest {
    /// Which certificates, by kubeadm's names, and `kubelet.conf`, `kubelet-client`, `kubelet-server`; `all` means kubeadm's eleven.
    #[arg(skip)]
    pub names: Selection,
    /// With `all`: the kubelet's three too.
    #[arg(long)]
    pub kubelet: bool,
    /// The kubelet's directory.
    #[command(flatten)]
    pub kubelet_dir: KubeletDir,
    /// Renew only what ends within this time: then a second run changes nothing.
    #[arg(long, value_name = "DURATION")]
    pub before: Option<Span>,
    /// How long the new certificates are valid, instead of the configuration's period, or 365 days.
    #[arg(long, value_name = "DURATION", help_heading = CONTENTS)]
    pub validity: Option<Span>,
    /// The kind of the new keys, as `ECDSA-P256`.
    ///
    /// Without it the configuration's `encryptionAlgorithm`, and without that each key's own kind.
    #[arg(long, value_name = "NAME", help_heading = CONTENTS)]
    pub algorithm: Option<Algorithm>,
    /// Keep the keys; only the certificates are new.
    #[arg(long, help_heading = CONTENTS)]
    pub keep_key: bool,
    /// Add alternative names: `example.test`, `10.0.0.1`, `URI:spiffe://…`, `email:…`.
    ///
    /// Can be repeated, and takes several between commas. For `apiserver`, `etcd-server`, `etcd-peer` and
    /// `kubelet-server`, named one by one.
    #[arg(long = "add-san", value_name = "NAME", value_delimiter = ',', help_heading = CONTENTS)]
    pub add_sans: Vec<String>,
    /// Remove alternative names.
    ///
    /// As for --add-san. One that the certificate does not have is a critical finding, with --before a warning.
    #[arg(long = "remove-san", value_name = "NAME", value_delimiter = ',', help_heading = CONTENTS)]
    pub remove_sans: Vec<String>,
    /// Use the alternative names of the configuration.
    #[arg(long, help_heading = CONTENTS)]
    pub sans_from_config: bool,
    /// What to do with a certificate that would be valid for longer than its CA: let it end with the CA, refuse it, or make it anyway, as
    /// kubeadm does.
    #[arg(long, value_name = "WHAT", default_value = "clamp", help_heading = CONTENTS)]
    pub outlive_ca: OutliveAuthority,
    /// Go on with an expired CA, or with a certificate of another node.
    #[arg(long)]
    pub force: bool,
    /// Who signs.
    #[command(flatten)]
    #[serde(flatten)]
    pub signing: Signing,
    /// How the cluster is reached.
    #[command(flatten)]
    #[serde(flatten)]
    pub access: ClusterAccess,
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

defaults! { RenewRequest }

/// Whether `all` leaves it to the kubelet, unless told otherwise.
fn is_of_kubelet(name: &str) -> bool {
    catalogue::row(name).is_some_and(Row::is_kubelets)
}

impl RenewRequest {
    /// Refuses names that cannot be renewed: CAs and `sa` have names too, and are replaced in another way.
    pub(crate) fn refuse_names(&self) -> Result<(), RequestError> {
        let is_other =
            |name: &&String| catalogue::authority(name).is_some() || name.as_str() == catalogue::SERVICE_ACCOUNT;
        if let Selection::Names(names) = &self.names
            && let Some(name) = names.iter().find(is_other)
        {
            return Err(RequestError::NotRenewable { name: name.clone() });
        }
        refuse_unknown(&self.names, &[&["all"], catalogue::renewable_names().as_slice()].concat())
    }

    /// What is planned on a node of `spec`; `host_name` is that of the node's own host, where it can be asked.
    pub(crate) fn options(
        &self,
        spec: &ClusterSpec,
        host_name: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<Options, RequestError> {
        let names = self.chosen(spec);
        let is_named = |name: &str| matches!(&self.names, Selection::Names(all) if all.iter().any(|one| one == name));
        let is_shown = |name: &&str| is_of_kubelet(name) && !self.kubelet && !is_named(name);
        let options = Options {
            shown: names.iter().copied().filter(is_shown).collect(),
            names,
            before: self.before.map(|before| before.within("--before")).transpose()?,
            validity: self.validity.map(|validity| validity.from("--validity", now)).transpose()?,
            algorithm: self.algorithm,
            keep_key: self.keep_key,
            name_changes: self.name_changes()?,
            outlive_authority: self.outlive_ca,
            force: self.force,
            has_node_name: self.node.has_configuration() || self.node.node_name.is_some(),
            host_name,
            next: BTreeMap::new(),
            points_at_kubelet: self.asks_for_all(),
            signers: self.signing.asks_cluster().then(|| Signers { given: self.signing.signer.clone() }),
        };

        let validity = options.validity.unwrap_or(spec.certificate_validity);
        if options.validity.is_some_and(|validity| validity <= TimeDelta::zero()) {
            return Err(RequestError::bad("the validity must be longer than 0", "give a duration, as 8760h or 365d"));
        }
        if options.before.is_some_and(|before| before >= validity) {
            let reason = "certificates would be renewed at every run: their validity is not longer than --before";
            return Err(RequestError::bad(reason, "give --before a duration that is shorter than the validity"));
        }
        self.signing.refuse(validity)?;
        if options.signers.is_some() && options.keep_key {
            return Err(RequestError::bad(
                "--keep-key keeps keys, and what a signer signs is for new ones",
                "leave out --keep-key, or --issuer",
            ));
        }
        if options.keep_key && options.algorithm.is_some() {
            return Err(RequestError::bad(
                "--keep-key keeps the kind of the key, and --algorithm changes it",
                "leave out --keep-key or --algorithm",
            ));
        }
        Ok(options)
    }

    /// What a certificate that a signer shortens has to outlast: the one that is there, unless a shorter one or other names were asked
    /// for, and the time in which the next run would renew it again.
    pub(crate) fn least_end(
        &self,
        now: DateTime<Utc>,
        current: Option<DateTime<Utc>>,
        wanted: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, RequestError> {
        let changes_names = self.sans_from_config || !(self.add_sans.is_empty() && self.remove_sans.is_empty());
        // A signer counts from its own beginning, which is a little earlier than now.
        let current = current.filter(|end| wanted > *end && !changes_names).map(|end| end - TimeDelta::minutes(10));
        let due = self.before.map(|before| before.within("--before")).transpose()?.map(|before| now + before);
        Ok(current.max(due))
    }

    fn asks_for_all(&self) -> bool {
        match &self.names {
            Selection::All => true,
            Selection::None => false,
            Selection::Names(names) => names.iter().any(|name| name == "all"),
        }
    }

    /// The names that are meant; `all` is what kubeadm renews on this kind of node.
    fn chosen(&self, spec: &ClusterSpec) -> BTreeSet<&'static str> {
        let (is_all, is_worker) = (self.asks_for_all(), spec.role == Role::Worker);
        let named = if let Selection::Names(names) = &self.names { names.as_slice() } else { &[] };
        // A kubeconfig may have been made by a newer kubeadm, or for another kind of node.
        let has_own = |name: &str| {
            catalogue::row(name)
                .is_some_and(|row| if row.kind == Kind::Kubeconfig { !is_worker } else { row.absence(spec).is_none() })
        };
        let is_chosen = |name: &&str| {
            // A worker has nothing else to show.
            let belongs = if is_of_kubelet(name) { self.kubelet || is_worker } else { has_own(name) };
            is_all && belongs || named.iter().any(|one| one == name)
        };
        catalogue::renewable_names().into_iter().filter(is_chosen).collect()
    }

    fn name_changes(&self) -> Result<NameChanges, RequestError> {
        if self.sans_from_config && !self.node.has_configuration() {
            return Err(RequestError::bad("there is no configuration to take the names from", "give --config FILE"));
        }
        if !(self.add_sans.is_empty() && self.remove_sans.is_empty()) {
            let changeable: Vec<_> =
                catalogue::ROWS.iter().filter(|row| row.has_alternative_names()).map(|row| row.name).collect();
            let hint = format!("name the certificates that change, among: {}", changeable.join(", "));
            match &self.names {
                Selection::Names(names) => {
                    if let Some(name) = names.iter().find(|name| !changeable.contains(&name.as_str())) {
                        return Err(RequestError::bad(
                            format!("{name:?} has no alternative names that can be changed"),
                            hint,
                        ));
                    }
                }
                Selection::All | Selection::None => {
                    return Err(RequestError::bad(
                        "alternative names can be changed only in certificates that are given by name",
                        hint,
                    ));
                }
            }
        }
        let read =
            |names: &[String]| names.iter().map(|name| parse_name(name)).collect::<Result<Vec<_>, RequestError>>();
        let (add, remove) = (read(&self.add_sans)?, read(&self.remove_sans)?);
        if let Some(name) = add.iter().find(|name| remove.contains(name)) {
            let reason = format!("{name} would be both added and removed");
            return Err(RequestError::bad(reason, "give it to --add-san or to --remove-san, not to both"));
        }
        Ok(NameChanges { add, remove, from_config: self.sans_from_config })
    }
}

/// Reads `example.test`, `10.0.0.1`, or a name behind the prefix with which reports show it.
fn parse_name(text: &str) -> Result<SubjectAltName, RequestError> {
    let (form, name) = match text.split_once(':') {
        Some((form @ ("DNS" | "IP" | "URI" | "email"), name)) => (form, name),
        _ => ("", text),
    };
    match form {
        "URI" if name.contains(':') && name.is_ascii() => return Ok(SubjectAltName::Uri(name.to_owned())),
        "email" if name.contains('@') && name.is_ascii() => return Ok(SubjectAltName::Email(name.to_owned())),
        "" | "DNS" | "IP" => {}
        _ => {
            return Err(RequestError::bad(
                format!("{text:?} is not a subject alternative name"),
                "write URI:scheme:… or email:user@host",
            ));
        }
    }
    let canonical = alternative_name(name)
        .map_err(|fault| RequestError::bad(format!("{text:?} is not a subject alternative name"), fault))?;
    Ok(match canonical.parse::<IpAddr>() {
        Ok(address) => SubjectAltName::Ip(address.to_canonical()),
        Err(_) => SubjectAltName::Dns(canonical),
    })
}
