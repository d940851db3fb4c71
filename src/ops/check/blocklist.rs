//! The list of keys whose private half is published, read once for all keys.

use std::path::PathBuf;

use crate::error::Result;
use crate::key::Blocklist;
use crate::store::Store;

/// badkeys' list has a few million keys, 16 bytes each.
const LARGEST: u64 = 1 << 30;

/// Reads the list that was named.
///
/// # Errors
/// It cannot be read, or is none.
pub(in crate::ops) fn read(named: Option<&PathBuf>) -> Result<Option<Blocklist>> {
    let Some(path) = named else { return Ok(None) };
    let content = Store::new(None)?.read_large(path, LARGEST)?;
    Ok(Some(Blocklist::parse(content)?))
}
