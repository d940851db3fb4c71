//! The command line: `kubepki`, as the script of the Python package runs it and as a program of its own.
//!
//! In: arguments. Out: an exit code; data on stdout, talk on stderr. It converts arguments into requests, calls the
//! verb in [`crate::ops`] and prints what [`crate::report`] makes of the answer; it decides nothing about certificates.
