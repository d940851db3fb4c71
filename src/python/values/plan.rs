//! What a run will do, and what it did.

use pyo3::PyErr;

use super::convert::Lines;
use super::values;
use crate::catalogue;
use crate::error::Error;
use crate::ops::{OperationError, Planned, apply};
use crate::plan;
use crate::report::{self, difference};
use crate::text::counted;

values! {
    /// A file that an artefact consists of, and the permission bits that it is made with.
    PlannedFile(it: plan::PlannedFile);
    shown = format!("{} {:04o}", it.path.display(), it.mode);
    text = report::plan::file(it);
    attributes {
        /// The file.
        path = &it.path;
        /// Its permission bits.
        mode = it.mode;
    }
}

values! {
    /// One certificate, CA, key pair or kubeconfig of a plan, and what happens to it.
    Artefact(it: plan::Artefact);
    shown = format!("{}: {}, {}", it.name, it.action(), it.reason);
    text = report::plan::artefact(it);
    attributes {
        /// kubeadm's name.
        name = &it.name;
        /// What kind of thing it is.
        kind = it.kind;
        /// What happens to it.
        action = it.action();
        /// Why it is skipped or blocked.
        cause = it.step.cause();
        /// The same in words, or why it changes.
        reason = &it.reason;
        /// The files that change, or that it consists of.
        files = &it.files;
        /// The CA that signs it.
        issuer = &it.issuer;
        /// The kind of the key that is made for it.
        new_key = it.step.new_key();
        /// When its new certificate ends, or the one that stays.
        expires_at = it.expires_at;
        /// The certificate that makes way.
        current = &it.current;
        /// What kubeadm calls its certificate in messages.
        long_name = catalogue::long_name(&it.name);
        /// The alternative names of its new certificate, as `DNS:localhost`; none where none is made.
        subject_alt_names = report::plan::subject_alt_names(it);
        /// The alternative names that the new certificate has, and the current one has not.
        names_added = report::plan::names_added(it);
        /// The alternative names that the current certificate has, and the new one has not.
        names_removed = report::plan::names_removed(it);
        /// The signing request that waits for its signature, in PEM; it holds no secret.
        request_pem = Lines(it.step.waiting_request());
        /// Where the signing request is, or will be.
        request_path = it.request_path();
        /// What is there, decoded, for a diff; nothing where nothing is. It holds no key material.
        before_text = Lines(difference::before(it));
        /// What a signing request asks for, in lines as well; nothing where none is made.
        request_text = Lines(difference::request(it));
        /// What will be there; what is known only when it is made reads `(new)`.
        after_text = Lines(difference::after(it));
    }
}

/// What is no plan is an error of the caller's.
fn no_plan(reason: String) -> PyErr {
    Error::from(OperationError::BadPlan { reason }).into()
}

values! {
    /// All that one run will do, and all that stands against it; nothing has been changed yet.
    ///
    /// It can be printed, compared, kept as JSON (`to_dict`, `from_dict`) and applied later: `apply` refuses it when a
    /// file has changed since. `from_dict` raises `ConfigurationError` (`plan.bad`) for what is no plan.
    Plan(it: Planned);
    shown = format!(
        "{}: {}, {}",
        it.plan.operation,
        counted(it.plan.changes().count(), "change"),
        counted(it.plan.findings.len(), "finding")
    );
    text = report::plan::text(&it.plan, None);
    unreadable = no_plan;
    attributes {
        /// The command that makes such plans, as `certs renew`.
        operation = it.plan.operation.as_str();
        /// The moment for which it was made.
        made_at = it.plan.made_at;
        /// The directory in front of every path.
        rootfs = &it.plan.rootfs;
        /// What happens to what, in kubeadm's order.
        artefacts = &it.plan.artefacts;
        /// What was found wrong; a critical finding blocks the whole plan.
        findings = &it.plan.findings;
        /// Of a renewal: what ends within the time that was asked for, and is not renewed here; each says why and what to do.
        not_renewed = plan::renew::not_renewed(&it.plan);
        /// What the configuration's reader warns of.
        warnings = &it.warnings;
        /// The artefacts that change, in the plan's order.
        changes = it.plan.changes().collect::<Vec<_>>();
        /// Whether a critical finding stands against it.
        is_blocked = it.plan.is_blocked();
        /// Whether there is nothing to do.
        is_empty = it.plan.is_empty();
    }
    methods {
        /// Return a unified diff of all certificates, decoded, without key material; nothing when nothing changes.
        diff = difference::text(&it.plan);
    }
}

values! {
    /// One artefact that was changed; serial numbers are hexadecimal.
    Changed(it: apply::Changed);
    shown = format!("{}: {}", it.name, it.action);
    attributes {
        /// kubeadm's name.
        name = &it.name;
        /// What was done to it.
        action = it.action;
        /// Its files.
        files = &it.files;
        /// The serial number of its certificate.
        serial = &it.serial;
        /// The serial number of the certificate that was there before.
        previous_serial = &it.previous_serial;
        /// When its certificate ends.
        expires_at = it.expires_at;
        /// The signing request that was made for it, in PEM; it holds no secret.
        request_pem = Lines(it.request_pem.as_deref());
    }
}

values! {
    /// What applying a plan changed, in the plan's order; `backup` has the files that were replaced or removed.
    Report(it: apply::Report);
    shown = counted(it.changed.len(), "change");
    text = report::plan::report(it, None);
    attributes {
        /// Everything that was changed.
        changed = &it.changed;
        /// The folder with the files as they were; None where none is kept, or only new files came.
        backup = &it.backup;
    }
}
