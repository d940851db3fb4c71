//! A whole node on disk: what is made, kept, refused and reported, held against what kubeadm does.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub
)]
// Glob imports of the support module, and file names that are ours.
#![allow(clippy::wildcard_imports, clippy::case_sensitive_file_extension_comparisons, clippy::type_complexity)]

mod authorities;
mod backup;
mod bad_input;
mod bundle;
mod causes;
mod check;
mod cleanup;
mod client_go;
mod edited_plans;
mod embed;
mod expiration;
mod external;
mod flags;
mod folders;
mod go_rules;
mod golden;
mod import;
mod kubeconfigs;
mod lacking;
mod mismatches;
mod profiles;
mod renew;
mod renew_ca;
mod requests;
mod reuse;
mod roles;
mod service_account;
mod show;
mod signed_again;
mod signers;
mod signing;
mod succession;
mod support;
mod user;
mod user_present;
mod versions;
mod weak_requests;
