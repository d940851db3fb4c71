//! Certificates that were seen, and what was found of a whole node.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::convert::{Lines, Seconds};
use super::values;
use crate::audit::SeenCertificate;
use crate::error::Fault;
use crate::ops::certificates;
use crate::ops::check;
use crate::ops::sign::SignedText;
use crate::report::html::Page;
use crate::report::{self, difference};
use crate::text::{counted, printable};

values! {
    /// A certificate that was seen; subject and issuer as RFC 4514 text, the serial number hexadecimal.
    Certificate(it: SeenCertificate);
    shown = format!("{}, ends {}", it.name, it.not_after.format("%Y-%m-%d"));
    text = report::certificate::text(it);
    attributes {
        /// kubeadm's name, or the file's.
        name = &it.name;
        /// The file that holds it.
        path = &it.path;
        /// Its subject (RFC 4514).
        subject = &it.subject;
        /// Its issuer (RFC 4514).
        issuer = &it.issuer;
        /// Its serial number in hexadecimal.
        serial = &it.serial;
        /// Its first moment.
        not_before = it.not_before;
        /// Its last moment.
        not_after = it.not_after;
        /// What is left of it, in whole seconds; negative when it has expired.
        remaining = Seconds(it.residual_seconds);
        /// The whole days that are left of it; negative when it has expired.
        days_left = it.days_left();
        /// Whether it has expired.
        is_expired = it.is_expired();
        /// Its key, as `RSA-2048`.
        key = &it.key;
        /// Its alternative names, as `DNS:localhost`.
        subject_alt_names = &it.subject_alt_names;
        /// Whether it is a CA's.
        is_ca = it.is_ca;
        /// The SHA-256 of its public key (`SubjectPublicKeyInfo`) in hexadecimal.
        public_key_sha256 = &it.public_key_sha256;
        /// Its key usages by their RFC 5280 names.
        key_usages = &it.key_usages;
        /// Its extended key usages by their RFC 5280 names or object identifiers.
        extended_key_usages = &it.extended_key_usages;
    }
    methods {
        /// Return it decoded, in lines as the differences of plans have it.
        to_text = report::difference::seen(it);
    }
    further "    def is_valid_at(self, moment: datetime) -> bool: ..." {
        /// Return whether it is valid at a moment.
        fn is_valid_at(&self, moment: DateTime<Utc>) -> bool {
            self.0.is_valid_at(moment)
        }
    }
}

values! {
    /// Why a file cannot be used, and what to do about it.
    FileProblem(it: Fault);
    shown = format!("{}: {}", it.code, it.message);
    text = printable(&it.message).into_owned();
    attributes {
        /// Which error it is.
        code = it.code;
        /// What is wrong: one sentence.
        message = &it.message;
        /// What to do about it: one sentence.
        hint = &it.hint;
    }
}

values! {
    /// What one file held: its certificates, or why it cannot be used.
    CertificateFile(it: certificates::CertificateFile);
    shown = match &it.problem {
        Some(problem) => format!("{}: {}", it.path.display(), problem.code),
        None => format!("{}: {}", it.path.display(), counted(it.certificates.len(), "certificate")),
    };
    text = report::certificate::file(it);
    attributes {
        /// The file.
        path = &it.path;
        /// Its certificates in its order; empty when it cannot be used.
        certificates = &it.certificates;
        /// Why it cannot be used.
        problem = &it.problem;
    }
}

/// A report and what follows from it.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::python) struct Checked {
    #[serde(flatten)]
    report: check::CheckReport,
    exit_code: u8,
}

impl From<check::CheckReport> for Checked {
    fn from(report: check::CheckReport) -> Self {
        Self { exit_code: report.status.exit_code(), report }
    }
}

values! {
    /// All that was seen of a node and found wrong with it, the worst first.
    CheckReport(it: Checked);
    shown = format!(
        "{} at {}: {}, {}",
        format!("{:?}", it.report.status).to_lowercase(),
        it.report.checked_at.format("%Y-%m-%d %H:%M UTC"),
        counted(it.report.certificates.len(), "certificate"),
        counted(it.report.findings.len(), "finding")
    );
    text = report::check::text(&it.report, None);
    page = Page::of(&it.report);
    attributes {
        /// The moment for which it holds.
        checked_at = it.report.checked_at;
        /// The whole in one word.
        status = it.report.status;
        /// Every certificate, in kubeadm's order, then the kubelet's, then others.
        certificates = &it.report.certificates;
        /// Every finding, the worst first.
        findings = &it.report.findings;
        /// What the configuration's reader warns of.
        warnings = &it.report.warnings;
        /// The exit code of the monitoring convention: 0 ok, 1 warning, 2 critical, 3 unknown.
        exit_code = it.exit_code;
    }
    methods {
        /// Return it as metrics, in the text format of Prometheus.
        to_prometheus = Lines(report::prometheus::check(&it.report, env!("CARGO_PKG_VERSION")));
    }
    further "    def is_valid_at(self, moment: datetime) -> bool: ..." {
        /// Return whether all certificates are valid at a moment; without any, nothing is.
        fn is_valid_at(&self, moment: DateTime<Utc>) -> bool {
            let seen = &self.0.report.certificates;
            !seen.is_empty() && seen.iter().all(|one| one.is_valid_at(moment))
        }
    }
}

values! {
    /// A certificate that answers a signing request: its PEM text and what it says.
    SignedCertificate(it: SignedText);
    shown = format!(
        "{}, serial {}, ends {}",
        it.subject,
        it.serial.as_deref().unwrap_or("(new)"),
        it.not_after.format("%Y-%m-%d")
    );
    text = it.certificate.clone().unwrap_or_else(|| difference::signed(it));
    attributes {
        /// Whether it is the one that was there (`present`), which still answers the request.
        is_kept = it.is_kept;
        /// Why it is kept, or signed.
        reason = &it.reason;
        /// The certificate in PEM; none where a dry run would sign it.
        certificate = Lines(&it.certificate);
        /// Its serial number in hexadecimal, likewise.
        serial = &it.serial;
        /// Its subject (RFC 4514).
        subject = &it.subject;
        /// Its issuer (RFC 4514).
        issuer = &it.issuer;
        /// Its alternative names, as `DNS:localhost`.
        subject_alt_names = &it.subject_alt_names;
        /// Its first moment.
        not_before = it.not_before;
        /// Its last moment.
        not_after = it.not_after;
        /// The certificate that was there, decoded, for a diff; nothing where none was.
        before_text = Lines(it.present.as_ref().map(difference::seen).unwrap_or_default());
        /// The certificate that answers the request; what is known only when it is signed reads `(new)`.
        after_text = Lines(difference::signed(it));
    }
}
