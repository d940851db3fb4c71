//! What is not as it should be: on disk, and in a configuration.

use super::values;
use crate::audit;
use crate::config;
use crate::text::printable;

values! {
    /// One thing on disk that is not as it should be; the findings reference lists the codes.
    Finding(it: audit::Finding);
    shown = format!("{} {}: {}", it.severity, it.code, it.subject);
    text = {
        let path = it.path.as_ref().map(|path| format!("\n  path: {}", printable(&path.to_string_lossy())));
        format!("{it}{}\n  remedy: {}", path.unwrap_or_default(), printable(&it.remedy))
    };
    attributes {
        /// The stable dotted code.
        code = it.code;
        /// How bad it is.
        severity = it.severity;
        /// What it is about: kubeadm's name of the certificate, key or kubeconfig.
        subject = &it.subject;
        /// The file, where one is concerned.
        path = &it.path;
        /// What was seen, against what was expected: one sentence.
        evidence = &it.evidence;
        /// What to do: one sentence.
        remedy = &it.remedy;
        /// Whether a plan with it must not be applied.
        is_critical = it.is_critical();
    }
}

values! {
    /// Something wrong with, or suspicious in, a configuration file; lines and columns count from 1.
    Problem(it: config::Problem);
    shown = format!("{}: {}", it.code, it.file);
    text = printable(&it.to_string()).into_owned();
    attributes {
        /// `error`, or `warning` where the file can be used.
        severity = match it.severity {
            config::Severity::Error => "error",
            config::Severity::Warning => "warning",
        };
        /// The stable code.
        code = it.code;
        /// The name of the file, as the caller gave it.
        file = &it.file;
        /// The line, from 1; None when the problem has no place.
        line = it.line;
        /// The column in characters, from 1.
        column = it.column;
        /// The dotted path of the field, as `apiServer.certSANs[1]`; empty for the file or a whole document.
        field = &it.field;
        /// What is wrong.
        message = &it.message;
        /// What to do about it.
        hint = &it.hint;
    }
}
