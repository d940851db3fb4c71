//! Keys whose private half is published: those that Debian's OpenSSL made from 2006 to 2008 (CVE-2008-0166), those of
//! firmware images, documentation and software tests.
//!
//! In: the file `blocklist.dat` of badkeys, a public key. Out: the list that it is on.
//!
//! A record has 16 bytes: the first 15 of the SHA-256 of a number of the key (an RSA key's modulus, the x coordinate of a point,
//! a DSA key's y; the highest byte first, without leading zeros), and the number of a list. Records are sorted.
//!
//! Source: badkeys 0.0.17 `badkeys/allkeys/block.py`; badkeys/blocklistmaker `blocklistmaker` and `template.badkeysdata.json`.

use std::fmt;

use der::{Decode, asn1::UintRef};
use spki::SubjectPublicKeyInfoRef;

use super::{rsa_modulus, trimmed};
use crate::digest::Digest;
use crate::error::faults;
use crate::key::{OID_EC_PUBLIC_KEY, OID_RSA};

const RECORD: usize = 16;
const HASH: usize = 15;
const OID_DSA: &str = "1.2.840.10040.4.1";
/// Keys that are nothing but the number: X25519, X448, Ed25519, Ed448.
const RAW_KEYS: [&str; 4] = ["1.3.101.110", "1.3.101.111", "1.3.101.112", "1.3.101.113"];

faults! {
    /// Why a list of known keys cannot be used.
    pub enum BlocklistError {
        /// The file of `--key-blocklist` is no `blocklist.dat` of badkeys: it has no sorted records of 16 bytes.
        #[error("it is not a blocklist of badkeys: {reason}")]
        #[fault("key.bad_blocklist" as BAD_BLOCKLIST, Usage,
            "give the file blocklist.dat, unpacked, that `badkeys --update-bl` puts into ~/.cache/badkeys")]
        NoBlocklist {
            /// What is wrong with it.
            reason: &'static str,
        },
    }
}

/// The keys that are known.
pub struct Blocklist {
    records: Vec<u8>,
}

/// The list that a key is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockedKey {
    /// badkeys' number of the list.
    pub list: u8,
}

impl Blocklist {
    /// Takes the content of `blocklist.dat`.
    ///
    /// # Errors
    /// [`BlocklistError::NoBlocklist`] when it is another file: a search in it would find nothing, and say so. So would one in
    /// a file of zeros, which is sorted too; no hash is zero.
    pub fn parse(records: Vec<u8>) -> Result<Self, BlocklistError> {
        let bad = |reason| Err(BlocklistError::NoBlocklist { reason });
        let (all, []) = records.as_chunks::<RECORD>() else { return bad("its size is not a multiple of 16") };
        match all {
            [] => bad("it is empty"),
            [first, ..] if hash(first) == [0; HASH] => bad("its first record has no hash of a key"),
            _ if !all.is_sorted_by_key(hash) => bad("its records are not sorted"),
            _ => Ok(Self { records }),
        }
    }

    /// How many keys it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len() / RECORD
    }

    /// Whether it has none; one that was read has some.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The list that a `SubjectPublicKeyInfo` is on.
    #[must_use]
    pub fn find(&self, public_key_info: &[u8]) -> Option<BlockedKey> {
        let digest = Digest::of(&number(public_key_info)?);
        let wanted = digest.as_bytes().first_chunk::<HASH>()?;
        let (all, _) = self.records.as_chunks::<RECORD>();
        let place = all.binary_search_by(|record| hash(record).cmp(wanted)).ok()?;
        let list = all.get(place)?.last().copied()?;
        Some(BlockedKey { list })
    }
}

impl fmt::Debug for Blocklist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blocklist({} keys)", self.len())
    }
}

impl fmt::Display for BlockedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.list {
            1 => "debianssl: Debian's OpenSSL of 2006 to 2008, CVE-2008-0166",
            2 => "keypair: a weak generator in JavaScript, CVE-2021-41117",
            3 => "ransomware",
            4 => "documentation",
            5 => "firmware",
            6 => "localhostcert",
            7 => "localroot",
            8 => "misc",
            9 => "rfc",
            10 => "softwaretests",
            11 => "testvectors",
            12 => "web: found on web servers",
            13 => "git: found in git repositories",
            other => return write!(f, "list {other}"),
        };
        f.write_str(name)
    }
}

fn hash(record: &[u8; RECORD]) -> [u8; HASH] {
    record.first_chunk().copied().unwrap_or_default()
}

/// The number by which badkeys knows a key.
fn number(public_key_info: &[u8]) -> Option<Vec<u8>> {
    let info = SubjectPublicKeyInfoRef::from_der(public_key_info).ok()?;
    let bits = info.subject_public_key.raw_bytes();
    let algorithm = info.algorithm.oid;
    let number = if algorithm == OID_RSA {
        rsa_modulus(public_key_info)?
    } else if algorithm == OID_EC_PUBLIC_KEY {
        match bits.split_first()? {
            (4, point) => point.get(..point.len() / 2)?,
            (_, x) => x,
        }
    } else if algorithm.to_string() == OID_DSA {
        return Some(trimmed(UintRef::from_der(bits).ok()?.as_bytes()).to_vec());
    } else if RAW_KEYS.contains(&algorithm.to_string().as_str()) {
        bits
    } else {
        return None;
    };
    Some(trimmed(number).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{Algorithm, PrivateKey};

    fn record(number: &[u8], list: u8) -> Vec<u8> {
        [&Digest::of(number).as_bytes()[..HASH], &[list]].concat()
    }

    /// The list of a few keys, sorted.
    fn list(mut records: Vec<Vec<u8>>) -> Blocklist {
        records.sort();
        Blocklist::parse(records.concat()).unwrap()
    }

    #[test]
    fn a_key_is_found_among_others_by_its_number() {
        let (bad, good) = [0, 1].map(|_| PrivateKey::generate(Algorithm::EcdsaP256).unwrap()).into();
        let others = (0_u32..1000).map(|other| record(&other.to_be_bytes(), 5));
        let x = &bad.public_key_info()[27..59];
        let list = list(others.chain([record(trimmed(x), 1)]).collect());
        assert_eq!(list.len(), 1001);
        let found = list.find(bad.public_key_info()).unwrap();
        assert!(found.to_string().contains("CVE-2008-0166"), "{found}");
        assert_eq!(list.find(good.public_key_info()), None);
        assert_eq!(list.find(b"no key"), None);
    }

    #[test]
    fn another_file_is_refused() {
        for (content, says) in [
            (Vec::new(), "empty"),
            (vec![1; 17], "multiple"),
            (vec![0; 160], "no hash"),
            ([record(b"1", 1), record(b"2", 1), record(b"3", 1)].concat(), "sorted"),
        ] {
            let error = Blocklist::parse(content).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}
