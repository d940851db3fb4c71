//! The three standard streams of a process of ours.
//!
//! In: nothing. Out: streams that are open. A file that is opened while one of them is closed (`>&-`) gets its number, and
//! what is printed would go into that file.

#![allow(clippy::disallowed_methods)] // `/dev/null` is no file of a node's

use std::fs::OpenOptions;
use std::os::fd::IntoRawFd;

/// Puts `/dev/null` in the place of each standard stream that the caller has closed.
pub fn open_closed() {
    for stream in [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()] {
        if rustix::io::fcntl_getfd(stream).is_err()
            && let Ok(nowhere) = OpenOptions::new().read(true).write(true).open("/dev/null")
        {
            // The lowest free number is this one; it stays open for the process's life.
            let _ = nowhere.into_raw_fd();
        }
    }
}
