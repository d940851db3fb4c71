//! The world beyond files: this host's name and address, its processes, and what answers on its ports.
//!
//! In: nothing, or an address, or a program. Out: facts that configuration takes as defaults, certificates that a
//! server presents, answers to a health probe, what a program printed. Only modules below this one open sockets or
//! start processes; none of them decides anything about certificates.

pub mod cluster;
pub mod dump;
pub mod host;
pub mod http;
pub mod interrupt;
pub mod listener;
pub mod process;
pub mod program;
pub mod signal;
pub mod socket;
pub mod streams;
pub mod tls;
pub mod transport;
