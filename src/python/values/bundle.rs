//! What the nodes of a cluster share, sealed for the journey.

#![allow(clippy::doc_markdown)] // documentation of methods as Python has it

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use serde::Serialize;

use super::{secrets, values};
use crate::audit::Finding;
use crate::bundle::{Manifest, Recipient};
use crate::config::Problem;
use crate::ops::bundle::{Contents, ExportedEntry, Upload};
use crate::report;
use crate::secret::Secret;
use crate::text::counted;

values! {
    /// One entry of a bundle: its name, the file on the node, and whether there is nothing in it.
    BundleEntry(it: ExportedEntry);
    shown = if it.is_empty { format!("{}, empty", it.name) } else { it.name.clone() };
    attributes {
        /// Its name.
        name = &it.name;
        /// The file that it is made of.
        path = &it.path;
        /// Whether there is nothing in it: a key of an external CA, or a file that the external etcd has not.
        is_empty = it.is_empty;
    }
}

values! {
    /// The Secret of a bundle, in a cluster.
    UploadedBundle(it: Upload);
    shown = format!("{} until {}", it.secret, it.expires_at);
    attributes {
        /// The API server's URL.
        server = &it.server;
        /// The Secret, as `NAMESPACE/NAME`.
        secret = &it.secret;
        /// When the cluster removes it.
        expires_at = it.expires_at;
        /// Whether it replaced one that was there.
        has_replaced = it.has_replaced;
    }
}

/// A bundle; its plain data have neither text nor key.
#[derive(Clone, PartialEq, Serialize)]
pub(in crate::python) struct Exported {
    pub(in crate::python) recipient: Recipient,
    pub(in crate::python) entries: Vec<ExportedEntry>,
    pub(in crate::python) findings: Vec<Finding>,
    #[serde(skip)]
    pub(in crate::python) warnings: Vec<Problem>,
    /// Whether the access rules are part of it.
    #[serde(skip)]
    pub(in crate::python) rbac: bool,
    /// A dry run makes none.
    #[serde(skip)]
    pub(in crate::python) contents: Option<Contents>,
}

impl Exported {
    fn has_no(&self, form: &str) -> PyErr {
        let recipient = self.recipient.as_str();
        PyValueError::new_err(format!("this bundle, for a {recipient} node, has no form '{form}'"))
    }

    fn key(&self) -> PyResult<Secret> {
        match &self.contents {
            Some(Contents::Sealed { key, .. }) => Ok(key.to_hex()),
            _ => Err(PyValueError::new_err("this bundle has no certificate key")),
        }
    }

    pub(in crate::python) fn manifest(&self, form: &str) -> PyResult<&Manifest> {
        match &self.contents {
            Some(Contents::Sealed { manifest, .. }) => Ok(manifest),
            _ => Err(self.has_no(form)),
        }
    }

    fn pem(&self) -> PyResult<String> {
        match &self.contents {
            Some(Contents::Authority(certificate)) => Ok(String::from_utf8_lossy(certificate).into_owned()),
            _ => Err(self.has_no("pem")),
        }
    }
}

secrets! {
    /// A bundle for a joining node.
    ///
    /// For a control-plane node it is the Secret `kubeadm-certs`, which may be shown to anybody, and the certificate key,
    /// which may not. For a worker it is the CA's certificate. It is not pickled; `repr` and `to_dict()` have neither
    /// the text nor the key.
    Bundle(it: Exported);
    shown = format!("for a {} node, {}", it.recipient.as_str(), counted(it.entries.len(), "file"));
    text = report::bundle::text(&it.entries, None);
    attributes {
        /// The kind of node that it is for: `control-plane` or `worker`.
        recipient = it.recipient;
        /// Its entries.
        entries = &it.entries;
        /// What should be looked at.
        findings = &it.findings;
        /// What the configuration's reader warns of.
        warnings = &it.warnings;
    }
    methods {
        /// Return the key that opens it: 64 hexadecimal digits, a secret.
        ///
        /// Raises:
        ///     ValueError: For a worker, whose bundle is not encrypted, and after a dry run.
        certificate_key = it.key();
        /// Return the Secret, and the access rules if they were asked for, as YAML documents.
        ///
        /// Raises:
        ///     ValueError: For a worker, and after a dry run.
        to_yaml = it.manifest("yaml").map(|manifest| manifest.to_yaml(it.rbac));
        /// Return the Secret as JSON; with access rules a `List`.
        ///
        /// Raises:
        ///     ValueError: For a worker, and after a dry run.
        to_json = it.manifest("json").map(|manifest| manifest.to_json(it.rbac));
        /// Return the CA's certificate, which is all that a worker gets.
        ///
        /// Raises:
        ///     ValueError: For a control-plane node, and after a dry run.
        to_pem = it.pem();
    }
    further "    def save(
        self, path: str | PathLike[str], *, form: Literal[\"yaml\", \"json\", \"pem\"] = \"yaml\", force: bool = False
    ) -> Path: ..." {
        /// Write it with mode 0600 and return the path; the key is not in it.
        ///
        /// Args:
        ///     path: A path of this machine; `rootfs` is not in front of it.
        ///     form: Which form: `yaml`, `json` or `pem`.
        ///     force: Whether to overwrite what is there, if its owner alone can read it.
        ///
        /// Raises:
        ///     RefusedError: `output.exists`, `output.readable_by_others`.
        ///     EnvironmentFailure: `store.*` when writing fails.
        ///     ValueError: When there is no such form of it.
        #[pyo3(signature = (*arguments, **options), text_signature = "($self, path, *, form='yaml', force=False)")]
        fn save<'py>(
            slf: &Bound<'py, Self>,
            arguments: &Bound<'py, PyTuple>,
            options: Option<&Bound<'py, PyDict>>,
        ) -> PyResult<Bound<'py, PyAny>> {
            super::convert::saved(slf.as_any(), Self::STUB.name, arguments, options)
        }
    }
}
