//! Tests of the repository itself: the floor plan, the size and heads of source files, the documented codes.
//!
//! They read the sources as text and tokens; of kubepki only its declarations are used.

// A panic in a test is a failed test, and reading the sources is what these tests do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod codes;
mod files;
mod floor_plan;
mod functions;
mod names;
mod options;
mod reference;
mod signatures;
mod sources;
