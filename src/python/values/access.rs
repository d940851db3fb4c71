//! Who gets in with a certificate.

use super::convert::Seconds;
use super::values;
use crate::audit::access;
use crate::ops::access as looking;
use crate::report;
use crate::text::counted;

values! {
    /// How a certificate was used, by the API server's audit log.
    CredentialUse(it: access::CredentialUse);
    shown = format!("{} by {:?}", counted(usize::try_from(it.requests).unwrap_or(usize::MAX), "request"), it.user);
    attributes {
        /// The user that it stood for.
        user = &it.user;
        /// The groups, without `system:authenticated`.
        groups = &it.groups;
        /// The first request.
        first_at = it.first_at;
        /// The last one.
        last_at = it.last_at;
        /// How many requests.
        requests = it.requests;
        /// From which addresses, 32 at most; `to_dict()` has the requests of each.
        addresses = it.addresses.keys().cloned().collect::<Vec<_>>();
        /// Requests from still other addresses.
        other_addresses = it.other_addresses;
    }
}

values! {
    /// A client certificate, and all that is known of it.
    Credential(it: access::Credential);
    shown = format!("{}: {:?}, {}", it.name, it.user, it.power);
    attributes {
        /// kubeadm's name, or the file's.
        name = &it.name;
        /// Every file that holds it.
        paths = &it.paths;
        /// The user that it stands for: its common name.
        user = &it.user;
        /// The groups: its organizations.
        groups = &it.groups;
        /// What it can do, the most first: `unrestricted`, `any_user`, `etcd`, `cluster_admin`, `component`, `node`, `bound`.
        power = it.power.to_string();
        /// kubeadm's name of the CA that signed it; none where no CA of the tree did.
        authority = &it.authority;
        /// Whether its key is there: without it nobody gets in with this copy.
        has_key = it.has_key;
        /// Whether there is a file for its key that may not be read: then nobody knows.
        is_key_unreadable = it.is_key_unreadable;
        /// Its first moment.
        not_before = it.not_before;
        /// Its last moment.
        not_after = it.not_after;
        /// What is left; negative when it has expired.
        remaining = Seconds(it.residual_seconds);
        /// The SHA-256 of its DER in hexadecimal: what an API server's log calls `X509SHA256=`.
        sha256 = &it.sha256;
        /// How the log says it was used; none where it was not, or no log was given.
        used = &it.used;
    }
}

values! {
    /// A certificate that the audit log knows and no file has.
    UnknownCredential(it: access::UnknownCredential);
    shown = format!("{:?}, {}", it.used.user, it.power);
    attributes {
        /// The SHA-256 of its DER in hexadecimal.
        sha256 = &it.sha256;
        /// What it can do, as far as its user and groups say; the words are those of `Credential.power`.
        power = it.power.to_string();
        /// How it was used.
        used = &it.used;
    }
}

values! {
    /// What audit logs hold.
    AuditLog(it: access::AuditLog);
    shown = counted(usize::try_from(it.events).unwrap_or(usize::MAX), "event");
    attributes {
        /// How many events.
        events = it.events;
        /// The first moment.
        first_at = it.first_at;
        /// The last one.
        last_at = it.last_at;
        /// Events of who showed no certificate: tokens, anonymous, or an API server before 1.32, which does not say it.
        without_certificate = it.without_certificate;
        /// Lines that are cut off, no events, or longer than 32 MiB.
        damaged_lines = it.damaged_lines;
    }
}

values! {
    /// Who gets in with a certificate, and who has used which.
    AccessReport(it: looking::AccessReport);
    shown = format!(
        "{} at {}",
        counted(it.credentials.len(), "credential"),
        it.looked_at.format("%Y-%m-%d %H:%M UTC"),
    );
    text = report::access::text(it, None);
    attributes {
        /// The moment for which it holds.
        looked_at = it.looked_at;
        /// Every client certificate, the most powerful first.
        credentials = &it.credentials;
        /// Certificates that the log knows and no file has.
        unknown = &it.unknown;
        /// What the logs hold; none without one.
        log = &it.log;
        /// What there is to say, the worst first.
        findings = &it.findings;
        /// Files that could not be read, and why.
        problems = &it.problems;
        /// What the configuration's reader warns of.
        warnings = &it.warnings;
    }
}
