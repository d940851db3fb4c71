//! The report of `check-expiration`.

use serde::{Deserialize, Serialize};

use super::convert::{Lines, Seconds};
use super::values;
use crate::audit::expiration::{Document, Entry};
use crate::config::Problem;
use crate::text::counted;

/// A row, and which of the two tables it is of.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::python) struct Row {
    #[serde(flatten)]
    entry: Entry,
    #[serde(rename = "isCa")]
    is_ca: bool,
}

values! {
    /// One row of the report: a certificate or a CA; `problem` says why a file cannot be used.
    ExpirationRow(it: Row);
    shown = match it.entry.expiration_date {
        Some(end) => format!("{}, ends {}", it.entry.name, end.format("%Y-%m-%d")),
        None if it.entry.missing => format!("{}, missing", it.entry.name),
        None => format!("{}, unusable", it.entry.name),
    };
    attributes {
        /// kubeadm's name.
        name = &it.entry.name;
        /// When it ends; None where it cannot be read.
        expires_at = it.entry.expiration_date;
        /// What is left of it; negative when it has expired.
        remaining = it.entry.expiration_date.map(|_| Seconds(it.entry.residual_time));
        /// The name of its CA.
        ca_name = it.entry.ca_name.as_ref().filter(|name| !name.is_empty());
        /// Whether it is a CA.
        is_ca = it.is_ca;
        /// Whether its CA's key is elsewhere.
        is_externally_managed = it.entry.externally_managed;
        /// Whether its file is not there.
        is_missing = it.entry.missing;
        /// Why its file cannot be used.
        problem = it.entry.error.as_ref().map(|error| &error.message);
    }
}

/// A report at one moment, and what its reader warned of.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::python) struct Reported {
    #[serde(flatten)]
    pub(in crate::python) document: Document,
    #[serde(default)]
    pub(in crate::python) warnings: Vec<Problem>,
}

impl Reported {
    fn rows(&self) -> Vec<Row> {
        let of = |entries: &[Entry], is_ca| {
            entries.iter().cloned().map(move |entry| Row { entry, is_ca }).collect::<Vec<_>>()
        };
        [of(&self.document.certificates, false), of(&self.document.certificate_authorities, true)].concat()
    }
}

values! {
    /// The report of `kubeadm certs check-expiration`, in the three forms that kubeadm prints.
    ///
    /// `to_dict()` is kubeadm's structured output (`output.kubeadm.k8s.io/v1alpha3`), without the warnings.
    ExpirationReport(it: Reported);
    shown = counted(it.rows().len(), "row");
    text = it.document.to_text();
    plain = it.document;
    attributes {
        /// What `check-expiration` prints.
        text = Lines(it.document.to_text());
        /// What `-o json` prints.
        json = Lines(it.document.to_json());
        /// What `-o yaml` prints.
        yaml = Lines(it.document.to_yaml());
        /// What the configuration's reader warns of, and changes that were interrupted.
        warnings = &it.warnings;
        /// The rows as values: the certificates first, then the CAs, each by name.
        rows = it.rows();
    }
}
