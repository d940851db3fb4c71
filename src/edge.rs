//! The world beyond files: this host's name and address.
//!
//! In: nothing. Out: facts that configuration takes as defaults. Only modules below this one open sockets or
//! start processes; none of them decides anything about certificates.

pub mod host;
