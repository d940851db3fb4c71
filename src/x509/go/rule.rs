//! The one list of Go's rules: what must hold so that a certificate can be read, and a chain be verified.
//!
//! `docs/reference/go-rules.md` is this list; a test compares the two. A release is the oldest that is known to have the
//! rule: the parser was written anew for Go 1.17, and many of its rules are older.

use std::fmt;

/// A rule of Go's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// Its stable name, in evidence and documents: `read.` where without it nothing can be done with the certificate,
    /// `verify.` where no peer accepts it.
    pub id: &'static str,
    /// The oldest Go release that is known to have it.
    pub since: &'static str,
    /// What must hold.
    pub text: &'static str,
}

/// A rule that does not hold, and what was found instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The rule.
    pub rule: Rule,
    /// What was found.
    pub found: String,
    /// The alternative name that breaks it, with its kind, as `DNS:node`.
    pub name: Option<String>,
}

impl Broken {
    pub(super) fn of(rule: Rule, found: impl Into<String>) -> Self {
        Self { rule, found: found.into(), name: None }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (rule {}, Go {})", self.found, self.rule.id, self.rule.since)
    }
}

macro_rules! rules {
    ($($name:ident = $id:literal, $since:literal, $text:literal;)*) => {
        impl Rule {
            $(
                #[doc = concat!("`", $id, "`: ", $text)]
                #[allow(clippy::doc_markdown)] // the text is for people, not for rustdoc
                pub const $name: Self = Self { id: $id, since: $since, text: $text };
            )*

            /// Every rule, those of reading first.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

rules! {
    DER = "read.der", "1.17", "each element has a one-byte tag and a definite length in its shortest form, and ends within the one around it";
    TRAILING = "read.trailing", "1.0", "nothing comes behind the certificate";
    STRUCTURE = "read.structure", "1.17", "the certificate's fields are there, in order, with their tags";
    VERSION = "read.version", "1.17", "the version is 1, 2 or 3";
    SERIAL = "read.serial", "1.17", "the serial number is an INTEGER in its shortest form (of any length; zero is allowed)";
    SERIAL_NEGATIVE = "read.serial_negative", "1.23", "the serial number is not negative (GODEBUG x509negativeserial)";
    ALGORITHM_MISMATCH = "read.algorithm_mismatch", "1.17", "the signature algorithms inside and outside of the signed part are the same bytes";
    OID = "read.object_identifier", "1.17", "an object identifier has shortest components of less than 2^31";
    NAME = "read.name", "1.17", "subject and issuer are sequences of sets of attributes";
    STRING_TYPE = "read.string_type", "1.17", "a name's value is a PrintableString, UTF8String, T61String, BMPString, IA5String or NumericString";
    PRINTABLE = "read.printable_string", "1.17", "a PrintableString holds only letters, digits, blanks and '()+,-./:=?*&";
    UTF8 = "read.utf8_string", "1.17", "a UTF8String is UTF-8";
    BMP = "read.bmp_string", "1.25", "a BMPString has two bytes a character, without surrogates and noncharacters";
    IA5 = "read.ia5_string", "1.17", "an IA5String is ASCII";
    NUMERIC = "read.numeric_string", "1.17", "a NumericString holds only digits and blanks";
    TIME = "read.time", "1.17", "a time is YYMMDDhhmm or YYMMDDhhmmss (UTCTime) or YYYYMMDDhhmmss (GeneralizedTime) of the calendar, with Z or an offset that is not zero";
    PUBLIC_KEY = "read.public_key", "1.17", "the public key is one of its algorithm: positive numbers, a length that fits";
    RSA_PARAMETERS = "read.rsa_parameters", "1.17", "an RSA key's algorithm has NULL parameters";
    CURVE = "read.curve", "1.17", "an elliptic-curve key is on P-224, P-256, P-384 or P-521, named by its object identifier";
    POINT = "read.point", "1.17", "an elliptic-curve key is an uncompressed point of its curve";
    BIT_STRING = "read.bit_string", "1.17", "the unused bits of a BIT STRING are zero, and at most seven";
    BOOLEAN = "read.boolean", "1.17", "a BOOLEAN is 00 or FF";
    EXTENSION = "read.extension", "1.17", "an extension is an object identifier, a BOOLEAN that may be left out, and an OCTET STRING";
    EXTENSION_TWICE = "read.extension_twice", "1.19", "no extension comes twice";
    KEY_USAGE = "read.key_usage", "1.17", "the key usage is a BIT STRING";
    BASIC_CONSTRAINTS = "read.basic_constraints", "1.17", "basic constraints are a sequence of a BOOLEAN and a path length from 0 on";
    ALTERNATIVE_NAMES = "read.alternative_names", "1.17", "alternative names are a sequence";
    NAME_ASCII = "read.name_ascii", "1.17", "DNS names, mail addresses and URIs are ASCII";
    ADDRESS_LENGTH = "read.address_length", "1.10", "an IP address has 4 or 16 bytes";
    URI = "read.uri", "1.10", "a URI is one that net/url can read, and its host is a name without empty labels and without a dot at its end";
    NAME_CONSTRAINTS = "read.name_constraints", "1.10", "name constraints permit or exclude something, and hold names, ranges of addresses with a proper mask, and domains";
    USAGES = "read.extended_key_usage", "1.17", "extended key usages are a sequence of object identifiers";
    KEY_IDENTIFIER = "read.key_identifier", "1.17", "subject and authority key identifiers are an OCTET STRING and a sequence";
    KEY_IDENTIFIER_CRITICAL = "read.key_identifier_critical", "1.23", "subject and authority key identifiers are not critical";
    AUTHORITY_ACCESS = "read.authority_access", "1.17", "authority information access is a sequence of methods and places";
    AUTHORITY_ACCESS_CRITICAL = "read.authority_access_critical", "1.23", "authority information access is not critical";
    DISTRIBUTION_POINTS = "read.distribution_points", "1.17", "CRL distribution points are sequences with a full name, if they have any";
    POLICIES = "read.policies", "1.22", "certificate policies are object identifiers, none of them twice; mappings and constraints have their form";
    CRITICAL_EXTENSION = "verify.critical_extension", "1.2", "no certificate of the chain, the trusted one included, has a critical extension that Go does not know";
    UNKNOWN_AUTHORITY = "verify.unknown_authority", "1.0", "a trusted certificate has the issuer's name, byte by byte, and signed the certificate";
    NOT_AN_AUTHORITY = "verify.not_an_authority", "1.0", "whoever signs is a CA by its basic constraints; a trusted certificate of version 1 or 2 may be without them";
    KEY_CERT_SIGN = "verify.key_cert_sign", "1.0", "the key usage of whoever signs, if it has any bit, has keyCertSign";
    EXPIRED = "verify.expired", "1.0", "every certificate of the chain, the trusted one included, is within its validity";
    PATH_LENGTH = "verify.path_length", "1.0", "no more intermediates stand below a certificate than its path length says; self-issued ones count, and the trusted certificate's path length counts";
    SIGNATURE = "verify.signature", "1.0", "the signature is right, of a kind that fits the key, by SHA-256, SHA-384 or SHA-512";
    SIGNATURE_SHA1 = "verify.signature_sha1", "1.18", "the signature is not by SHA-1 or MD5 (GODEBUG x509sha1 until 1.23)";
    RSA_SIZE = "verify.rsa_size", "1.24", "an RSA key that has signed has 1024 bits or more, an odd modulus and an odd exponent below 2^31 (GODEBUG rsa1024min)";
    USAGE = "verify.extended_key_usage", "1.10", "every certificate of the chain with extended key usages allows the purpose, the trusted one included";
    CONSTRAINED_NAME = "verify.name_constraints", "1.10", "every alternative name is permitted, and not excluded, by the name constraints of the certificates above";
    POLICY = "verify.policies", "1.24", "where a certificate of the chain asks for an explicit policy, one is valid through the whole chain";
    TOO_LONG = "verify.too_many_signatures", "1.15", "no more than 100 signatures need to be checked to find a chain";
}
