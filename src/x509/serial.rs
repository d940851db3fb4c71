//! Serial numbers, drawn as kubeadm draws them.
//!
//! Source: RFC 5280 section 4.1.2.2; kubeadm `util/pkiutil` `NewSignedCert` (uniform in [1, 2^63-2]).

use std::fmt;

use super::X509Error;
use crate::entropy;
use crate::key::KeyError;

/// A positive serial number as big-endian bytes without a leading zero.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SerialNumber(Vec<u8>);

impl SerialNumber {
    /// A new number, uniform in [1, 2^63-2], from the system's entropy.
    ///
    /// # Errors
    /// [`X509Error::Key`] when the system gives no entropy.
    pub fn random() -> Result<Self, X509Error> {
        loop {
            let mut bytes = [0; 8];
            entropy::fill(&mut bytes).map_err(|_| KeyError::Library { operation: "draw a serial number" })?;
            let number = u64::from_be_bytes(bytes) >> 1;
            // 63 random bits, drawn again at the two ends: uniform, without bias.
            if (1..(1 << 63) - 1).contains(&number) {
                return Ok(Self::from_bytes(&number.to_be_bytes()));
            }
        }
    }

    /// Takes big-endian bytes; leading zeros are dropped.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
        Self(bytes.get(start..).unwrap_or_default().to_vec())
    }

    /// The number behind this one; `None` when it would have more than 159 bits, the most that a certificate may
    /// have in 20 bytes (RFC 5280 section 4.1.2.2).
    #[must_use]
    pub fn next(&self) -> Option<Self> {
        let mut bytes = [&[0], self.0.as_slice()].concat();
        for byte in bytes.iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                break;
            }
        }
        let next = Self::from_bytes(&bytes);
        let is_short = next.0.len() < 20 || next.0.len() == 20 && next.0.first().is_some_and(|byte| *byte < 0x80);
        is_short.then_some(next)
    }

    /// Big-endian bytes without a leading zero.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Lower-case hexadecimal, two digits a byte, as `openssl x509 -serial` has it but for the case.
impl fmt::Display for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("00");
        }
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SerialNumber({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_positive_have_at_most_63_bits_and_differ() {
        let numbers: Vec<_> = (0..1_000).map(|_| SerialNumber::random().unwrap()).collect();
        for number in &numbers {
            assert!((1..=8).contains(&number.as_bytes().len()));
            assert!(number.as_bytes().len() < 8 || number.as_bytes()[0] < 0x80);
        }
        let different: std::collections::HashSet<_> = numbers.iter().collect();
        assert_eq!(different.len(), numbers.len());
        // Half of them have the 63rd bit set; none has fewer than 40 bits, but for one chance in thousands.
        let high = numbers.iter().filter(|number| number.as_bytes().len() == 8 && number.as_bytes()[0] >= 0x40).count();
        assert!((350..650).contains(&high), "{high}");
    }

    #[test]
    fn leading_zeros_are_dropped() {
        assert_eq!(SerialNumber::from_bytes(&[0, 0, 1, 0]).to_string(), "0100");
        assert_eq!(SerialNumber::from_bytes(&[0]).to_string(), "00");
    }
}
