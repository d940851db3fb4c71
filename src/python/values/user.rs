//! A kubeconfig for somebody outside the node.

#![allow(clippy::doc_markdown)] // documentation of methods as Python has it

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use serde::Serialize;

use super::secrets;
use crate::config::Problem;
use crate::ops::user::{Ensured, UserFacts};
use crate::plan::user::Reason;
use crate::report;
use crate::secret::Secret;

/// A user's kubeconfig; its plain data are the facts that may be shown.
#[derive(Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub(in crate::python) struct Made {
    pub(in crate::python) facts: UserFacts,
    #[serde(skip)]
    pub(in crate::python) warnings: Vec<Problem>,
    /// The file's text, key or token in it; none after a dry run.
    #[serde(skip)]
    pub(in crate::python) text: Option<Secret>,
}

secrets! {
    /// A user's kubeconfig: what may be shown of it as attributes, the file with its key or token by `to_yaml()` alone.
    ///
    /// It is neither shown nor pickled with its secret: `repr` and `to_dict()` are without it, and pickling is refused.
    UserKubeconfig(it: Made);
    shown = format!("{}, {}", it.facts.user, it.facts.credential.as_str());
    text = report::user::text(&it.facts);
    attributes {
        /// The user's name.
        user = &it.facts.user;
        /// The groups, in the certificate's order; none for a token, whose groups the API server knows.
        organizations = &it.facts.organizations;
        /// What it shows to the API server: `certificate` or `token`.
        credential = it.facts.credential;
        /// The API server's URL.
        server = &it.facts.server;
        /// The cluster's name.
        cluster_name = &it.facts.cluster_name;
        /// The certificate's subject.
        subject = &it.facts.subject;
        /// The kind of its key.
        algorithm = it.facts.algorithm;
        /// The first moment of its validity.
        not_before = it.facts.not_before;
        /// The last moment of its validity.
        not_after = it.facts.not_after;
        /// Its serial number in hexadecimal, once it is made.
        serial = &it.facts.serial;
        /// What should be looked at.
        findings = &it.facts.findings;
        /// What the configuration's reader warns of.
        warnings = &it.warnings;
        /// Whether there is a file: not after a dry run.
        is_made = it.text.is_some();
    }
    methods {
        /// Return the file's text, with the private key or the token in it.
        ///
        /// Raises:
        ///     ValueError: After a dry run, which makes none.
        to_yaml = it.text.as_ref().ok_or_else(|| PyValueError::new_err("a dry run makes no kubeconfig"));
    }
    further "    def save(
        self,
        path: str | PathLike[str],
        *,
        force: bool = False,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
    ) -> Path: ..." {
        /// Write the file with mode 0600 and return its path.
        ///
        /// Args:
        ///     path: A path of this machine; `rootfs` is not in front of it.
        ///     force: Whether to overwrite what is there, if its owner alone can read it, or a mode or owner is given.
        ///     mode: Another mode, which the file has from the moment it has its name; so have owner and group.
        ///     uid: The owner's user id, instead of the running user's.
        ///     gid: The owner's group id, instead of the running user's.
        ///
        /// Raises:
        ///     RefusedError: `output.exists`, `output.readable_by_others`; `store.untrusted_link` for a link that others
        ///         can set, `store.foreign_file` for another user's file.
        ///     EnvironmentFailure: `store.*` when writing fails.
        ///     ValueError: After a dry run, which makes none.
        #[pyo3(
            signature = (*arguments, **options),
            text_signature = "($self, path, *, force=False, mode=None, uid=None, gid=None)"
        )]
        fn save<'py>(
            slf: &Bound<'py, Self>,
            arguments: &Bound<'py, PyTuple>,
            options: Option<&Bound<'py, PyDict>>,
        ) -> PyResult<Bound<'py, PyAny>> {
            super::convert::saved(slf.as_any(), Self::STUB.name, arguments, options)
        }
    }
}

/// A user's kubeconfig that was kept or made; its plain data are without secrets.
#[derive(Clone, PartialEq, Serialize)]
pub(in crate::python) struct Kept {
    before: Option<Made>,
    reason: Option<Reason>,
    kubeconfig: Made,
}

impl From<Ensured> for Kept {
    fn from(ensured: Ensured) -> Self {
        let Ensured { before, reason, facts, text, warnings } = ensured;
        Self {
            before: before.map(|facts| Made { facts, warnings: Vec::new(), text: None }),
            reason,
            kubeconfig: Made { facts, warnings, text },
        }
    }
}

secrets! {
    /// A user's kubeconfig that was kept where it will do, and made where it will not.
    ///
    /// It is neither shown nor pickled with its secret.
    EnsuredUser(it: Kept);
    shown = format!("{}, {}", it.kubeconfig.facts.user, it.reason.as_ref().map_or("kept", |reason| reason.word.as_str()));
    text = report::user::text(&it.kubeconfig.facts);
    attributes {
        /// Whether it is the one that was there.
        is_kept = it.reason.is_none();
        /// Why the one that was there is not kept, in one sentence.
        reason = it.reason.as_ref().map(|reason| reason.text.as_str());
        /// The same in one word: `missing`, `forced`, `unusable`, `other_server`, `other_authority`, `other_token`,
        /// `other_credential`, `no_certificate`, `other_user`, `ends_soon`, `readable_by_others`.
        reason_code = it.reason.as_ref().map(|reason| reason.word.as_str());
        /// What the one that was there said, without its text; none where there was none that could be read.
        before = &it.before;
        /// The one that is there now; after a dry run that would make one, without its text.
        kubeconfig = &it.kubeconfig;
    }
}
