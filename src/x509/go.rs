//! What Go's `crypto/x509` makes of certificates: the verdict of every component of Kubernetes.
//!
//! In: DER, chains, trusted certificates, a moment. Out: [`Facts`], or the [`Rule`] that is broken. A certificate that
//! Go cannot read is worth nothing in a cluster, whatever other programs say of it, and one that Go reads is not refused
//! here; so the rules are Go's to the letter, with the release that brought each. It never reads a clock.
//!
//! | part | what it holds |
//! |---|---|
//! | `rule` | the one list of rules |
//! | `der` `text` `time` `key` | the elements: ASN.1 as `cryptobyte` reads it, strings, times, public keys |
//! | `url` `domain` | URIs, host names and mail addresses as `net/url` and `crypto/x509` read them |
//! | `read` `extension` `general_name` | a certificate, its extensions and the names in them |
//! | `signature` `remembered` | which signatures are verified, and how; each once |
//! | `constraint` `policy` | name constraints and certificate policies of a chain |
//! | `chain` | the search for a path from a leaf to a trusted certificate |
//!
//! Source: Go 1.26 `crypto/x509` (`parser.go`, `verify.go`, `constraints.go`), `golang.org/x/crypto/cryptobyte`,
//! `net/url`, read for what they do; no code of theirs is taken over.

mod chain;
mod constraint;
mod der;
mod domain;
mod extension;
mod general_name;
mod key;
mod policy;
mod read;
mod remembered;
mod rule;
mod signature;
mod text;
mod time;
mod url;

pub(super) use chain::{Candidate, Failure, LeafSignature, Search, search, verify_signature};
pub(super) use der::{Reader, SEQUENCE, SET};
pub(super) use extension::ExtensionFacts;
pub(super) use general_name::GeneralName;
pub(super) use read::{Facts, read};
pub use rule::{Broken, Rule};
pub(super) use signature::check_signer;
pub(super) use text::read_text;
