//! What there is to say about the certificates of a node: judgements over what was read, never the reading.

pub mod expiration;
