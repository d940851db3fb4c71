//! What a file is that is not the PEM that was asked for.
//!
//! In: the bytes of a file in which no certificate, key or request was found. Out: [`Format`]: what it is in words, and
//! the command that makes PEM of it. It recognises forms by their beginnings and outer shape, and converts nothing.
//!
//! Source: RFC 7468 (labels), RFC 5208 and 5958, RFC 2315 (PKCS#7), RFC 7292 (PKCS#12); the openssl manual.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::pem;
use crate::remedy::command;

/// A form in which certificates, keys and requests are handed around, and Kubernetes does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Nothing but zero bytes, as a crash leaves them behind.
    Zeros,
    /// A certificate in DER.
    DerCertificate,
    /// A signing request in DER.
    DerRequest,
    /// A private key in DER.
    DerPrivateKey,
    /// An encrypted private key in DER.
    DerEncryptedKey,
    /// A public key in DER.
    DerPublicKey,
    /// A list of revoked certificates in DER.
    DerRevocationList,
    /// Certificates in PKCS#7, DER.
    DerPkcs7,
    /// Certificates in PKCS#7, PEM.
    PemPkcs7,
    /// Keys and certificates behind a passphrase.
    Pkcs12,
    /// A Java key store.
    JavaKeyStore,
    /// openssl's certificates with trust settings.
    TrustedCertificate,
    /// A certificate under an old label, or with headers, which Kubernetes passes over.
    OtherCertificateBlock,
    /// A private key where something else belongs.
    PrivateKey,
    /// A public key where something else belongs.
    PublicKey,
    /// A signing request where something else belongs.
    Request,
    /// A certificate where something else belongs.
    Certificate,
    /// An OpenSSH key.
    OpenSsh,
    /// PEM behind a UTF-8 byte order mark, which hides its first line.
    ByteOrderMark,
    /// Text in UTF-16.
    Utf16,
    /// PEM that was encoded in base64 once more, as in a kubeconfig or Secret.
    Base64OfPem,
    /// DER in base64, without the lines around it.
    Base64OfDer,
    /// A kubeconfig.
    Kubeconfig,
    /// A Kubernetes Secret.
    Secret,
    /// Another JSON document.
    Json,
    /// An HTML page.
    Html,
}

/// What openssl calls a thing that it converts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Certificates.
    Certificate,
    /// A private key.
    PrivateKey,
    /// A signing request.
    Request,
}

impl Wanted {
    /// Its name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::PrivateKey => "private key",
            Self::Request => "signing request",
        }
    }
}

impl Format {
    /// What `bytes` are, in which no `wanted` was found.
    #[must_use]
    pub fn of(bytes: &[u8], wanted: Wanted) -> Option<Self> {
        let start = bytes.trim_ascii_start();
        if !bytes.is_empty() && bytes.iter().all(|byte| *byte == 0) {
            return Some(Self::Zeros);
        }
        match bytes {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Some(Self::Utf16),
            [0xef, 0xbb, 0xbf, rest @ ..] => {
                return Self::of(rest, wanted).filter(|_| !hides_a_block(bytes)).or(Some(Self::ByteOrderMark));
            }
            [0xfe, 0xed, 0xfe, 0xed, ..] | [0xce, 0xce, 0xce, 0xce, ..] => return Some(Self::JavaKeyStore),
            [0x30, 0x01..=0x84, ..] => return der(bytes),
            _ => {}
        }
        if bytes.len() > 1 && bytes.iter().skip(1).step_by(2).take(32).all(|byte| *byte == 0) {
            return Some(Self::Utf16);
        }
        pem::blocks(bytes)
            .find_map(|block| of_block(block.label, block.has_headers, wanted))
            .or_else(|| base64(start))
            .or_else(|| document(start))
    }

    /// What it is, as the end of the sentence "it is …".
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Zeros => "a file of zero bytes alone: its content was lost, perhaps when the machine crashed",
            Self::DerCertificate => "a certificate in DER form, not PEM",
            Self::DerRequest => "a signing request in DER form, not PEM",
            Self::DerPrivateKey => "a private key in DER form, not PEM",
            Self::DerEncryptedKey => "an encrypted private key in DER form, not PEM",
            Self::DerPublicKey => "a public key in DER form, not PEM",
            Self::DerRevocationList => "a certificate revocation list (CRL), which Kubernetes does not read",
            Self::DerPkcs7 => "a PKCS#7 bundle in DER form (.p7b, .p7c), not PEM certificates",
            Self::PemPkcs7 => "a PKCS#7 bundle (.p7b), not PEM certificates",
            Self::Pkcs12 => "a PKCS#12 file (.p12, .pfx), not PEM",
            Self::JavaKeyStore => "a Java key store, not PEM",
            Self::TrustedCertificate => {
                "a certificate in openssl's TRUSTED CERTIFICATE form, which Kubernetes passes over"
            }
            Self::OtherCertificateBlock => {
                "a certificate block with headers or an old label, which Kubernetes passes over"
            }
            Self::PrivateKey => "a private key",
            Self::PublicKey => "a public key",
            Self::Request => "a signing request, which is not signed yet",
            Self::Certificate => "a certificate",
            Self::OpenSsh => "an OpenSSH key, not PEM of a kind that Kubernetes reads",
            Self::ByteOrderMark => "PEM behind a byte order mark (U+FEFF), which hides its first line from Kubernetes",
            Self::Utf16 => "text in UTF-16, which Kubernetes does not read",
            Self::Base64OfPem => "PEM that was encoded in base64 once more, as in a kubeconfig or a Secret",
            Self::Base64OfDer => "base64 without the lines BEGIN and END around it",
            Self::Kubeconfig => "a kubeconfig",
            Self::Secret => "a Kubernetes Secret, not the PEM in it",
            Self::Json => "JSON, not PEM",
            Self::Html => "an HTML page, perhaps an error message of a download",
        }
    }

    /// The commands that make PEM of the file at `path`; none when no command can.
    #[must_use]
    pub fn conversion(self, path: &Path, wanted: Wanted) -> Option<String> {
        self.conversion_into(path, &converted(path, "pem"), wanted)
    }

    fn conversion_into(self, path: &Path, to: &Path, wanted: Wanted) -> Option<String> {
        let (from, to) = (path.as_os_str(), to.as_os_str());
        let openssl = |words: &[&str]| {
            let words = words.iter().copied().map(os).chain([os("-in"), from, os("-out"), to]);
            Some(command(std::iter::once(os("openssl")).chain(words)))
        };
        match self {
            Self::DerCertificate => openssl(&["x509", "-inform", "DER"]),
            Self::DerRequest => openssl(&["req", "-inform", "DER"]),
            Self::DerPrivateKey | Self::DerEncryptedKey => openssl(&["pkey", "-inform", "DER"]),
            Self::DerPublicKey => openssl(&["pkey", "-pubin", "-inform", "DER"]),
            Self::DerPkcs7 => openssl(&["pkcs7", "-inform", "DER", "-print_certs"]),
            Self::PemPkcs7 => openssl(&["pkcs7", "-print_certs"]),
            Self::Pkcs12 if wanted == Wanted::PrivateKey => openssl(&["pkcs12", "-nocerts", "-nodes"]),
            Self::Pkcs12 => openssl(&["pkcs12", "-nokeys"]),
            Self::TrustedCertificate | Self::OtherCertificateBlock => openssl(&["x509"]),
            Self::Base64OfPem => openssl(&["base64", "-d", "-A"]),
            Self::Base64OfDer => {
                let der = converted(path, "der");
                let decode =
                    [os("openssl"), os("base64"), os("-d"), os("-A"), os("-in"), from, os("-out"), der.as_os_str()];
                let next = match wanted {
                    Wanted::Certificate => Self::DerCertificate,
                    Wanted::PrivateKey => Self::DerPrivateKey,
                    Wanted::Request => Self::DerRequest,
                };
                Some(format!("{} {}", command(decode), next.conversion_into(&der, Path::new(to), wanted)?))
            }
            Self::ByteOrderMark => Some(command([os("sed"), os("-i"), os(r"1s/^\xEF\xBB\xBF//"), from])),
            Self::Utf16 => {
                Some(command([os("iconv"), os("-f"), os("UTF-16"), os("-t"), os("UTF-8"), os("-o"), to, from]))
            }
            Self::JavaKeyStore => {
                let p12 = converted(path, "p12");
                Some(command([
                    os("keytool"),
                    os("-importkeystore"),
                    os("-srckeystore"),
                    from,
                    os("-destkeystore"),
                    p12.as_os_str(),
                    os("-deststoretype"),
                    os("PKCS12"),
                ]))
            }
            Self::OpenSsh => {
                Some(command([os("ssh-keygen"), os("-p"), os("-N"), os(""), os("-m"), os("PEM"), os("-f"), from]))
            }
            Self::Zeros
            | Self::DerRevocationList
            | Self::PrivateKey
            | Self::PublicKey
            | Self::Request
            | Self::Certificate
            | Self::Kubeconfig
            | Self::Secret
            | Self::Json
            | Self::Html => None,
        }
    }

    /// What to do about the file at `path`, in which `wanted` belongs.
    #[must_use]
    pub fn remedy(self, path: &Path, wanted: Wanted) -> String {
        if let Some(conversion) = self.conversion(path, wanted) {
            return match self {
                Self::ByteOrderMark | Self::OpenSsh => format!("convert it in place: {conversion}"),
                _ => format!("convert it, and use the result: {conversion}"),
            };
        }
        let name = format!("the {}", wanted.name());
        match self {
            Self::Zeros => format!("restore {name} from a backup, or have it made again"),
            Self::Kubeconfig => format!("give {name} itself, as PEM; a kubeconfig has it in base64"),
            Self::Secret => format!("give {name} itself, as PEM; a Secret has it in base64 below data"),
            Self::Json => format!("give {name} itself, as PEM; take it out of the JSON"),
            Self::Html => format!("download {name} again, and look at what comes"),
            _ => format!("give {name} itself, as PEM"),
        }
    }
}

fn os(text: &str) -> &OsStr {
    OsStr::new(text)
}

/// `FILE.pem`, or with another ending for a file that has that one.
fn converted(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Whether a byte order mark stands before a block.
pub(crate) fn hides_a_block(bytes: &[u8]) -> bool {
    bytes.strip_prefix(b"\xef\xbb\xbf").is_some_and(|rest| rest.starts_with(b"-----BEGIN "))
}

fn of_block(label: &str, has_headers: bool, wanted: Wanted) -> Option<Format> {
    Some(match label {
        "PKCS7" | "PKCS #7 SIGNED DATA" | "CMS" => Format::PemPkcs7,
        "TRUSTED CERTIFICATE" => Format::TrustedCertificate,
        "X509 CERTIFICATE" => Format::OtherCertificateBlock,
        "CERTIFICATE" if has_headers => Format::OtherCertificateBlock,
        "CERTIFICATE" if wanted != Wanted::Certificate => Format::Certificate,
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" if wanted != Wanted::Request => Format::Request,
        "OPENSSH PRIVATE KEY" => Format::OpenSsh,
        label if label.ends_with("PRIVATE KEY") && wanted != Wanted::PrivateKey => Format::PrivateKey,
        label if label.ends_with("PUBLIC KEY") => Format::PublicKey,
        _ => return None,
    })
}

/// A DER value by the shape of its first elements.
fn der(bytes: &[u8]) -> Option<Format> {
    let content = content(bytes)?;
    let first = *content.first()?;
    // Everything here is a sequence; what comes first in it tells which.
    match first {
        0x02 => {
            let (number, rest) = element(content)?;
            match (number, rest.first()?) {
                ([3], 0x30) => Some(Format::Pkcs12),
                ([0 | 1], 0x30 | 0x02 | 0x04) => Some(Format::DerPrivateKey),
                _ => None,
            }
        }
        0x06 => content.starts_with(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07").then_some(Format::DerPkcs7),
        0x30 => {
            let (inner, rest) = element(content)?;
            match (inner.first()?, rest.first()?) {
                // An algorithm, then a string of bits or bytes.
                (0x06, 0x03) => Some(Format::DerPublicKey),
                (0x06, 0x04) => Some(Format::DerEncryptedKey),
                (0xa0, 0x30) => Some(Format::DerCertificate),
                (0x02, 0x30) => {
                    let (version, rest) = element(inner)?;
                    // A certificate of version 1 begins with its serial number, and an algorithm follows.
                    let (name, rest) = element(rest)?;
                    let is_algorithm = name.first() == Some(&0x06);
                    // The issuer follows, and then a certificate has its validity, and a list the time that it was made.
                    let after_issuer = element(rest).and_then(|(_, rest)| rest.first());
                    let is_list = is_algorithm && matches!(after_issuer, Some(0x17 | 0x18));
                    Some(match version {
                        _ if is_list => Format::DerRevocationList,
                        [0] if !is_algorithm => Format::DerRequest,
                        _ => Format::DerCertificate,
                    })
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// The content of the first element, which may be cut off or of an indefinite length.
fn content(bytes: &[u8]) -> Option<&[u8]> {
    let header = match bytes.get(1)? {
        length @ 0x80..=0x84 => usize::from(length & 0x0f).saturating_add(2),
        _ => 2,
    };
    bytes.get(header..)
}

/// The content of the first element, and what is behind it.
fn element(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let short = *bytes.get(1)?;
    let (header, length) = match short {
        0x81..=0x84 => {
            let count = usize::from(short & 0x0f);
            let digits = bytes.get(2..count.saturating_add(2))?;
            let length = digits
                .iter()
                .fold(0_usize, |length, digit| length.saturating_mul(256).saturating_add(usize::from(*digit)));
            (count.saturating_add(2), length)
        }
        length if length < 0x80 => (2, usize::from(length)),
        _ => return None,
    };
    bytes.get(header..)?.split_at_checked(length)
}

/// Base64 without any label.
fn base64(start: &[u8]) -> Option<Format> {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\n' | b'\r');
    if !start.iter().all(is_letter) {
        return None;
    }
    // `-----BEGIN ` and the sequence's tag.
    match start {
        [b'L', b'S', b'0', b't', b'L', b'S', b'1', b'C', b'R', b'U', ..] => Some(Format::Base64OfPem),
        [b'M', b'I', ..] => Some(Format::Base64OfDer),
        _ => None,
    }
}

/// A text document that is something else.
fn document(start: &[u8]) -> Option<Format> {
    let text = std::str::from_utf8(start).ok()?;
    let compact = text.replace(['"', '\'', ' ', '\t', '\r'], "");
    let has = |field: &str, value: &str| {
        let mut parts = compact.split(['\n', ',', '{', '}']);
        parts.any(|part| part.strip_prefix(field).and_then(|rest| rest.strip_prefix(':')) == Some(value))
    };
    if has("kind", "Config") && has("apiVersion", "v1") {
        Some(Format::Kubeconfig)
    } else if has("kind", "Secret") && has("apiVersion", "v1") {
        Some(Format::Secret)
    } else if text.starts_with('{') || text.starts_with('[') {
        Some(Format::Json)
    } else if text
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("<html") || start.eq_ignore_ascii_case("<!doc"))
    {
        Some(Format::Html)
    } else {
        None
    }
}
