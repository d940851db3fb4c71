//! ASN.1 as `cryptobyte` reads it: one-byte tags, definite lengths in their shortest form.
//!
//! In: bytes. Out: elements, one after the other; `None` where `cryptobyte` says no. What comes behind the element that
//! was asked for stays, and it is the caller's to ask for more or not, as Go does.

pub(in crate::x509) const BOOLEAN: u8 = 0x01;
pub(in crate::x509) const INTEGER: u8 = 0x02;
pub(in crate::x509) const BIT_STRING: u8 = 0x03;
pub(in crate::x509) const OCTET_STRING: u8 = 0x04;
pub(in crate::x509) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(in crate::x509) const SEQUENCE: u8 = 0x30;
pub(in crate::x509) const SET: u8 = 0x31;

/// Bytes that are read from their beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::x509) struct Reader<'a> {
    rest: &'a [u8],
}

/// An element: its tag, its content, and both with the length between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::x509) struct Element<'a> {
    pub(in crate::x509) tag: u8,
    pub(in crate::x509) content: &'a [u8],
    pub(in crate::x509) whole: &'a [u8],
}

/// A BIT STRING: bytes, and how many bits of the last are none.
#[derive(Clone, Copy, Debug)]
pub(in crate::x509) struct Bits<'a> {
    pub(in crate::x509) bytes: &'a [u8],
    unused: u8,
}

impl<'a> Reader<'a> {
    pub(in crate::x509) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(in crate::x509) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(in crate::x509) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Whether the next element has this tag.
    pub(in crate::x509) fn is_next(&self, tag: u8) -> bool {
        self.rest.first() == Some(&tag)
    }

    pub(in crate::x509) fn any(&mut self) -> Option<Element<'a>> {
        let [tag, length, ..] = *self.rest else { return None };
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (header, length) = if length & 0x80 == 0 {
            (2, usize::from(length))
        } else {
            let count = usize::from(length & 0x7f);
            if count == 0 || count > 4 {
                return None;
            }
            let bytes = self.rest.get(2..2 + count)?;
            let length = bytes.iter().try_fold(0_u32, |sum, byte| Some(sum.checked_mul(256)? | u32::from(*byte)))?;
            let is_shortest = length >= 128 && bytes.first() != Some(&0);
            if !is_shortest {
                return None;
            }
            (2 + count, usize::try_from(length).ok()?)
        };
        let whole = self.rest.get(..header.checked_add(length)?)?;
        self.rest = self.rest.get(whole.len()..)?;
        Some(Element { tag, content: whole.get(header..)?, whole })
    }

    pub(in crate::x509) fn element(&mut self, tag: u8) -> Option<Element<'a>> {
        self.any().filter(|element| element.tag == tag)
    }

    /// The content of the next element, which must have this tag.
    pub(in crate::x509) fn read(&mut self, tag: u8) -> Option<Reader<'a>> {
        self.element(tag).map(|element| Reader::new(element.content))
    }

    /// `Some(None)` when the next element has another tag, `None` when it is not DER.
    #[allow(clippy::option_option)]
    pub(in crate::x509) fn optional(&mut self, tag: u8) -> Option<Option<Reader<'a>>> {
        if self.is_next(tag) { self.read(tag).map(Some) } else { Some(None) }
    }

    /// The bytes of an INTEGER, two's complement, in their shortest form.
    pub(in crate::x509) fn integer(&mut self) -> Option<&'a [u8]> {
        self.integer_tagged(INTEGER)
    }

    pub(in crate::x509) fn integer_tagged(&mut self, tag: u8) -> Option<&'a [u8]> {
        let bytes = self.element(tag)?.content;
        match bytes {
            [] | [0x00, 0x00..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => None,
            _ => Some(bytes),
        }
    }

    pub(in crate::x509) fn boolean(&mut self) -> Option<bool> {
        match self.element(BOOLEAN)?.content {
            [0x00] => Some(false),
            [0xff] => Some(true),
            _ => None,
        }
    }

    pub(in crate::x509) fn bits(&mut self) -> Option<Bits<'a>> {
        let (unused, bytes) = self.element(BIT_STRING)?.content.split_first()?;
        let last = bytes.last().copied();
        let mask = 1_u8.checked_shl(u32::from(*unused))?.wrapping_sub(1);
        let is_right = *unused <= 7 && if let Some(last) = last { last & mask == 0 } else { *unused == 0 };
        is_right.then_some(Bits { bytes, unused: *unused })
    }

    /// An object identifier, dotted; each component below 2^31.
    pub(in crate::x509) fn object_identifier(&mut self) -> Option<String> {
        object_identifier(self.element(OBJECT_IDENTIFIER)?.content)
    }
}

impl Bits<'_> {
    pub(in crate::x509) fn is_set(&self, position: usize) -> bool {
        self.bytes.get(position / 8).is_some_and(|byte| byte & (0x80 >> (position % 8)) != 0)
    }

    /// The bits as a number, the last one at its end.
    pub(in crate::x509) fn right_aligned(&self) -> Vec<u8> {
        let shift = u32::from(self.unused);
        if shift == 0 {
            return self.bytes.to_vec();
        }
        let before = std::iter::once(0).chain(self.bytes.iter().copied());
        before.zip(self.bytes).map(|(before, byte)| before << (8 - shift) | byte >> shift).collect()
    }
}

fn object_identifier(content: &[u8]) -> Option<String> {
    let mut components: Vec<u32> = Vec::new();
    let mut rest = content;
    while !rest.is_empty() {
        let mut value = 0_u32;
        let mut count = 0;
        loop {
            let (byte, behind) = rest.split_first()?;
            rest = behind;
            if count == 5 || value >= 1 << 24 || (count == 0 && *byte == 0x80) {
                return None;
            }
            value = value << 7 | u32::from(byte & 0x7f);
            count += 1;
            if byte & 0x80 == 0 {
                break;
            }
        }
        components.push(value);
    }
    let (first, others) = components.split_first()?;
    let (one, two) = if *first < 80 { (first / 40, first % 40) } else { (2, first - 80) };
    let mut dotted = format!("{one}.{two}");
    for component in others {
        dotted.push('.');
        dotted.push_str(&component.to_string());
    }
    Some(dotted)
}

/// A number of at most 64 bits.
pub(in crate::x509) fn signed(bytes: &[u8]) -> Option<i64> {
    let start = bytes.len().checked_sub(8).map_or(Some(bytes), |excess| (excess == 0).then_some(bytes))?;
    let sign = if start.first()? & 0x80 == 0 { 0 } else { -1 };
    Some(start.iter().fold(sign, |sum, byte| sum << 8 | i64::from(*byte)))
}

pub(in crate::x509) fn is_negative(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|byte| byte & 0x80 != 0)
}

pub(in crate::x509) fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_their_shortest_form() {
        assert!(Reader::new(&[0x04, 0x01, 0x00]).any().is_some());
        let long = [&[0x04, 0x81, 0x80][..], &[0; 128]].concat();
        assert!(Reader::new(&long).any().is_some());
        for wrong in [&[0x04, 0x81, 0x01, 0x00][..], &[0x04, 0x80, 0, 0], &[0x04, 0x82, 0, 0x80], &[0x1f, 0x01, 0x00]] {
            assert_eq!(Reader::new(wrong).any(), None, "{wrong:?}");
        }
    }

    #[test]
    fn numbers_and_identifiers_have_their_shortest_form() {
        assert_eq!(signed(&[0xff]), Some(-1));
        assert_eq!(signed(&[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Some(i64::MAX));
        assert_eq!(signed(&[0; 9]), None);
        assert_eq!(Reader::new(&[2, 2, 0, 1]).integer(), None);
        assert_eq!(object_identifier(&[0x55, 0x1d, 0x11]).as_deref(), Some("2.5.29.17"));
        assert_eq!(object_identifier(&[0x55, 0x80, 0x01]), None);
        assert_eq!(object_identifier(&[0x55, 0x88, 0x80, 0x80, 0x80, 0x00]), None);
        assert_eq!(object_identifier(&[0x55, 0x87, 0xff, 0xff, 0xff, 0x7f]).as_deref(), Some("2.5.2147483647"));
    }

    #[test]
    fn bits_are_aligned_to_the_right() {
        let bits = Reader::new(&[3, 3, 4, 0xab, 0xc0]).bits().unwrap();
        assert_eq!(bits.right_aligned(), [0x0a, 0xbc]);
        assert!(Reader::new(&[3, 2, 4, 0xa8]).bits().is_none());
    }
}
