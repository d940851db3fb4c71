//! Whether something accepts connections at a socket in the file system.
//!
//! In: a path. Out: yes, or why not. Nothing is sent.
//! Source: Linux `unix(7)`.

// This is the floor that the ban on sockets elsewhere exists for.
#![allow(clippy::disallowed_methods)]

use std::os::unix::net::UnixStream;
use std::path::Path;

/// Connects, and hangs up.
///
/// # Errors
/// Nothing is there, nothing accepts, or this user may not.
pub fn connect(path: &Path) -> std::io::Result<()> {
    UnixStream::connect(path).map(drop)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_socket_without_a_server_is_told_from_one_that_has_one() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("runtime.sock");
        assert!(connect(&path).is_err());
        let listener = UnixListener::bind(&path).unwrap();
        assert!(connect(&path).is_ok());
        drop(listener);
        assert!(connect(&path).is_err());
    }
}
