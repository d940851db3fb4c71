//! What every verb offers.

use clap::Args;

use super::session::Session;
use super::stop::Stop;

/// What a verb's arguments do.
pub(super) trait Run: Args {
    /// The exit code of all its errors, where they shall have one.
    const FAILURE: Option<u8> = None;

    /// Does it and returns the exit code.
    fn run(self, session: &Session) -> Result<u8, Stop>;
}
