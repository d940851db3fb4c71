//! `kubepki version`: which kubepki this is, for people and for bug reports.

use serde::Serialize;

/// The facts of this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Build {
    /// The version.
    pub version: &'static str,
    /// `release` or `debug`.
    pub profile: &'static str,
    /// The operating system.
    pub os: &'static str,
    /// The architecture.
    pub architecture: &'static str,
    /// How RSA keys are made on this machine.
    pub key_generation: &'static str,
}

/// What was built, and which way RSA keys are made by this processor.
#[must_use]
pub fn build() -> Build {
    Build {
        version: env!("CARGO_PKG_VERSION"),
        profile: if cfg!(debug_assertions) { "debug" } else { "release" },
        os: std::env::consts::OS,
        architecture: std::env::consts::ARCH,
        key_generation: crate::key::generation_method(),
    }
}
