//! Requests that are strange or weak: each is refused, and the reason is said.
//!
//! They are forged byte by byte and signed with their own key, so that nothing but their strangeness speaks against
//! them.

use kubepki::catalogue::NodeRole;
use kubepki::key::{Effort, PrivateKey, public_key_weakness};
use kubepki::ops::sign::{SignRequest, plan};
use kubepki::x509::CertificateRequest;

use super::support::*;

const PRIME: &str = "d8f135d25f557203301850c5a38fd547923a736994e3bf911a61dbe22e44158bae97ba94d0eda82f8f6d05584ef8aa38922766581e27a1c08a6a63ec24ede6a46b4cb2424a23d5962217beaddbc496cb8e81973e0becd7b03898d190f9ebdacc0cb1e29c658cda1495e60af593bd04cf0fd630f1f29d0da9953f48f1a09f76b5a170b33839263059f28c105d1fb17c2390c192cfd3ac94af0f21ddb66cad4a268d116ece1738f7d93d9c172411e20b8f6b0d549b6f03675a1600a35a099950d836f675cc81e74ef5e8e25d940ed904759531985d5d9dc9f81818e811892f902bd23f0824128b2f330c5c7fd0a6a3a4506513270e269e0d37f2a74de452e6b959";
const CLOSE: &str = "c1c1518483f873b73acce42d96745cb78a7040b8cc0de3e7d3e9a83a4ab2755fba7f1622f6033d8ecdd7fc6c5bc31f61671720bccaf0afca2d48b3226f9dc98e7325d5ea75026b5179ece8f6e9f1fbaca0ad47d70326a9c0ad4ce631706aed2ac281aaa72abc2df1c94518cff2e3e1f8d5d4fe6d337f4fcb40729d1d3101e31ed1fdd8cb48aa8e600fcdb4394ebb75f379d7908b6cf8e9bc2d344e838bce66ae270745f7a89ab12f0286b66092147fb344dcea46274e842e815218156ffc622838bf8b30cf5518536aed05f24080b557b412b210ad88a6679cb44c65d764cfd720c3391b9fc239e064ccda2954b10bb3daa28a906b8f3c7f4829e49b0f8e4219";
const SQUARE: &str = "c1c1518483f873b73acce42d96745cb78a7040b8cc0de3e7d3e9a83a4ab2755fba7f1622f6033d8ecdd7fc6c5bc31f61671720bccaf0afca2d48b3226f9dc98e7317ea7fd1e851ec14ae16eb2d47827797ca3276b3c370b00d7ffbb73fd3b2fae37a6e3f0b2e42857abfa35a719dafba6dd779cb05e371e5679a65b869d8707b3d369d883eb04dae4f844ba50c035161de704c4dd09da04c77df8e58155aeda892df1f6121b3ba2bbc886ae44b1d130a0a124893628f23e6ae823f0999c46e65ea9a7211f39a44ee09b5326d47f1f7c26a4ba4e8a0fcdab48599f62cde439f656ac0884b0408499c7cc5d0575397b1467c35e2bfb7c951b983fe94d7b743d059";
const SMALL: &str = "f33dc44838004301fdf3031381aa597ec32030f4cc7de1860738b2bafeec91b50f5c119b4cfd54c7dec78fe9f55628ef9c4e2bd5a0aaf8ea2c689eb7ec8e1850cefa12a784d33d5ec2506085ceda2693025481529105b1521f33ced56a15d9a65b8ceaa209e543f5db34c674c1449089d5bf3dcfe55064e3a890a1f1025e26382f1cdc7b1220db4e36e8f73649553f8f14aa72a2d666d8a605f23448028e8331dad25e4f88c8fa80cf9f813afec6b8506f6a1e51a81cb6abf25cbe27710bd74d00e72aaeec15a6dfa58d39446cf0edd8cac2678cd4f10240d729e90a0b0f63512e00b1f530fef15f95d4f9a993e4461c7d07e7a7c7899b8761b083d8a8c72611";
const ROCA: &str = "8bec9127315845ec6d5c57d0339a606f22062b2aa7f9983f8380eb8b8389c3a8d9da5e12ebefde9a4a3d4bb14ad0e2a4351abda0b2f17e1b1a55f4ad954df4e4f971b60bde697788e018ec83d9c2f4863b8819f782010657f5358dcfab016f2b39a9541bf9f35243f959ed8c84cb4c520e2f08b58e8edfcf7bec59ae3375771b74675d41d92628b505f850415b03d0ea33adbfaa512467abfc60fafeee6b240d2e4a950e74142d50c3ce34b0e57f8c08cef4614e2c49bb3907c60ab5d4425964bf3dea7b84c19222bf7e6062fc5ad9b6e46f93793de0f6e4f7c3dee1932445ba46716c9fc51382dcd93bc6e3e77a64f1f5b27ca5d61f59c65c56d7a6f4a8d16f";

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const COMMON_NAME: &[u8] = &[0x06, 3, 0x55, 4, 3];
const ORGANIZATION: &[u8] = &[0x06, 3, 0x55, 4, 10];
const EXTENSION_REQUEST: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14];
const CHALLENGE_PASSWORD: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 7];
const PRINTABLE: u8 = 0x13;
const UTF8: u8 = 0x0c;

/// A value in DER.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = match content.len() {
        short @ 0..128 => vec![u8::try_from(short).unwrap()],
        middle @ 128..256 => vec![0x81, u8::try_from(middle).unwrap()],
        long => vec![0x82, u8::try_from(long >> 8).unwrap(), u8::try_from(long & 255).unwrap()],
    };
    [&[tag], length.as_slice(), &content].concat()
}

fn attribute(oid: &[u8], tag: u8, text: &[u8]) -> Vec<u8> {
    tlv(SEQUENCE, &[oid, &tlv(tag, &[text])])
}

fn relative(attributes: &[&[u8]]) -> Vec<u8> {
    tlv(SET, attributes)
}

/// The parts of a request, each to be put in another's place.
struct Forged {
    version: Vec<u8>,
    subject: Vec<u8>,
    public_key: Option<Vec<u8>>,
    attributes: Vec<u8>,
    algorithm: Vec<u8>,
    behind: Vec<u8>,
}

impl Default for Forged {
    /// A right request for admin.conf.
    fn default() -> Self {
        let organization = attribute(ORGANIZATION, UTF8, b"kubeadm:cluster-admins");
        let common_name = attribute(COMMON_NAME, PRINTABLE, b"kubernetes-admin");
        Self {
            version: vec![2, 1, 0],
            subject: tlv(SEQUENCE, &[&relative(&[&organization]), &relative(&[&common_name])]),
            public_key: None,
            attributes: tlv(0xa0, &[]),
            // ecdsa-with-SHA256
            algorithm: tlv(SEQUENCE, &[&[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]]),
            behind: Vec::new(),
        }
    }
}

impl Forged {
    fn der(&self, key: &PrivateKey) -> Vec<u8> {
        let public_key = self.public_key.clone().unwrap_or_else(|| key.public_key_info().to_vec());
        let info = tlv(SEQUENCE, &[&self.version, &self.subject, &public_key, &self.attributes, &self.behind]);
        let signature = tlv(3, &[&[0], &key.sign(&info).unwrap()]);
        tlv(SEQUENCE, &[&info, &self.algorithm, &signature])
    }

    /// `(code, evidence)` of everything that the signer finds.
    fn judged(&self) -> Vec<(String, String)> {
        judged_der(&self.der(&ecdsa_key()))
    }
}

fn judged_der(der: &[u8]) -> Vec<(String, String)> {
    let node = Node::golden("minimal");
    let pem = format!("-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n", base64(der));
    node.write("/csr/admin.conf.csr", pem);
    let mut request =
        SignRequest { csr_dir: Some("/csr".into()), role: Some(NodeRole::ControlPlane), ..SignRequest::default() };
    request.node.rootfs.clone_from(&node.request.node.rootfs);
    let plan = plan(&request, node.now).unwrap().plan;
    assert_eq!(plan.is_empty(), plan.is_blocked());
    plan.findings.iter().map(|finding| (finding.code.to_string(), finding.evidence.clone())).collect()
}

/// Refused with `code`, in words that hold `says`.
fn refused(what: &str, forged: &Forged, code: &str, says: &str) {
    let reasons = forged.judged();
    let is_said = reasons.iter().any(|(found, evidence)| found == code && evidence.contains(says));
    assert!(is_said, "{what}: {reasons:#?}");
}

/// The whole request asks for these extensions, in the one attribute.
fn asking(extensions: &[&[u8]]) -> Forged {
    let values = tlv(SET, &[&tlv(SEQUENCE, extensions)]);
    Forged { attributes: tlv(0xa0, &[&tlv(SEQUENCE, &[EXTENSION_REQUEST, &values])]), ..Forged::default() }
}

fn extension(last: u8, more: &[u8], value: &[u8]) -> Vec<u8> {
    tlv(SEQUENCE, &[&[0x06, 3, 0x55, 29, last], more, &tlv(4, &[value])])
}

#[test]
fn what_is_forged_here_is_right_but_for_the_forgery() {
    assert_eq!(Forged::default().judged(), []);
    // digitalSignature, keyEncipherment; clientAuth
    let usages = extension(15, &[1, 1, 0xff], &[3, 2, 5, 0xa0]);
    let purposes = extension(37, &[], &tlv(SEQUENCE, &[&[0x06, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2]]));
    assert_eq!(asking(&[&usages, &purposes]).judged(), []);
    let password = tlv(SEQUENCE, &[CHALLENGE_PASSWORD, &tlv(SET, &[&tlv(UTF8, &[b"secret"])])]);
    assert_eq!(Forged { attributes: tlv(0xa0, &[&password]), ..Forged::default() }.judged(), []);
}

#[test]
fn a_request_has_the_one_version() {
    for version in [&[2, 1, 1][..], &[2, 1, 2], &[2, 1, 0xff], &[2, 2, 0, 1], &[10, 1, 0]] {
        let reasons = Forged { version: version.to_vec(), ..Forged::default() }.judged();
        let codes = ["request.not_understood", "x509.request_damaged"];
        assert!(reasons.iter().any(|(code, _)| codes.contains(&code.as_str())), "{version:?}: {reasons:#?}");
    }
}

#[test]
fn a_subject_says_nothing_but_what_is_read() {
    let organization = || relative(&[&attribute(ORGANIZATION, UTF8, b"kubeadm:cluster-admins")]);
    let with =
        |common_name: Vec<u8>| Forged { subject: tlv(SEQUENCE, &[&organization(), &common_name]), ..Forged::default() };
    let name = |tag: u8, text: &[u8]| with(relative(&[&attribute(COMMON_NAME, tag, text)]));
    let admin = b"kubernetes-admin";
    let more = tlv(SEQUENCE, &[COMMON_NAME, &tlv(PRINTABLE, &[admin]), &tlv(PRINTABLE, &[b"system:masters"])]);
    let twin = attribute(COMMON_NAME, PRINTABLE, admin);
    let other = attribute(ORGANIZATION, PRINTABLE, b"system:masters");
    let wide: Vec<u8> = admin.iter().flat_map(|byte| [0, *byte]).collect();
    for (what, forged) in [
        ("an element more in an attribute", with(relative(&[&more]))),
        ("letters in a NumericString", name(0x12, admin)),
        ("a T61String", name(0x14, admin)),
        ("a BMPString", name(0x1e, &wide)),
        ("a VisibleString", name(0x1a, admin)),
        ("an OCTET STRING", name(4, admin)),
        ("a NUL", name(UTF8, b"kubernetes-admin\0.example")),
        ("a line break", name(UTF8, b"kubernetes-admin\n")),
        ("a character that turns the writing", name(UTF8, "kubernetes-\u{202e}nimda".as_bytes())),
        ("UTF-8 that is none", name(UTF8, b"kubernetes-admin\xff")),
        ("an overlong sequence", name(UTF8, b"kubernetes\xc0\xadadmin")),
        ("an asterisk in a PrintableString", name(PRINTABLE, b"kubernetes*admin")),
        ("an empty text", name(UTF8, b"")),
        ("an attribute twice in a set", with(relative(&[&twin, &twin]))),
        ("an attribute twice", with([relative(&[&twin]), relative(&[&twin])].concat())),
        ("an empty set", with([relative(&[]), relative(&[&twin])].concat())),
        ("an unsorted set", with(relative(&[&twin, &other]))),
        (
            "a length in two bytes",
            with(relative(&[&[&[SEQUENCE, 0x81, 23][..], COMMON_NAME, &tlv(PRINTABLE, &[admin])].concat()])),
        ),
    ] {
        let reasons = forged.judged();
        let codes = ["request.not_understood", "x509.request_damaged"];
        assert!(reasons.iter().any(|(code, _)| codes.contains(&code.as_str())), "{what}: {reasons:#?}");
    }
}

#[test]
fn a_request_has_nothing_twice_and_nothing_besides() {
    let usages = extension(15, &[1, 1, 0xff], &[3, 2, 5, 0xa0]);
    let list = tlv(SEQUENCE, &[&usages]);
    let once = tlv(SEQUENCE, &[EXTENSION_REQUEST, &tlv(SET, &[&list])]);
    let purpose: &[u8] = &[0x06, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2];
    for (what, forged) in [
        ("bytes behind the attributes", Forged { behind: vec![5, 0], ..Forged::default() }),
        ("an attribute twice", Forged { attributes: tlv(0xa0, &[&once, &once]), ..Forged::default() }),
        (
            "two values of an attribute",
            Forged {
                attributes: tlv(
                    0xa0,
                    &[&tlv(SEQUENCE, &[EXTENSION_REQUEST, &tlv(SET, &[&tlv(SEQUENCE, &[]), &list])])],
                ),
                ..Forged::default()
            },
        ),
        (
            "an attribute without a value",
            Forged {
                attributes: tlv(0xa0, &[&tlv(SEQUENCE, &[CHALLENGE_PASSWORD, &tlv(SET, &[])])]),
                ..Forged::default()
            },
        ),
        (
            "an element more in an attribute",
            Forged {
                attributes: tlv(0xa0, &[&tlv(SEQUENCE, &[EXTENSION_REQUEST, &tlv(SET, &[&list]), &[5, 0]])]),
                ..Forged::default()
            },
        ),
        ("bytes behind an extension's value", asking(&[&extension(15, &[], &[3, 2, 5, 0xa0, 5, 0])])),
        ("unused bits that are used", asking(&[&extension(15, &[], &[3, 2, 5, 0xbf])])),
        ("a bit string with a zero byte more", asking(&[&extension(15, &[], &[3, 3, 5, 0xa0, 0])])),
        ("a default that is written", asking(&[&extension(15, &[1, 1, 0], &[3, 2, 5, 0xa0])])),
        ("a true that is 1", asking(&[&extension(15, &[1, 1, 1], &[3, 2, 5, 0xa0])])),
        ("a purpose twice", asking(&[&extension(37, &[], &tlv(SEQUENCE, &[purpose, purpose]))])),
        ("no purpose", asking(&[&extension(37, &[], &tlv(SEQUENCE, &[]))])),
        ("no names", asking(&[&extension(17, &[], &tlv(SEQUENCE, &[]))])),
        ("a name twice", asking(&[&extension(17, &[], &tlv(SEQUENCE, &[&[0x82, 1, b'a'], &[0x82, 1, b'a']]))])),
        (
            "bytes behind the names",
            asking(&[&extension(17, &[], &[&tlv(SEQUENCE, &[&[0x82, 1, b'a']])[..], &[0]].concat())]),
        ),
    ] {
        let reasons = forged.judged();
        let codes = ["request.not_understood", "x509.request_damaged"];
        assert!(reasons.iter().any(|(code, _)| codes.contains(&code.as_str())), "{what}: {reasons:#?}");
    }
    let mut der = Forged::default().der(&ecdsa_key());
    der.push(0);
    assert_eq!(judged_der(&der)[0].0, "x509.request_damaged");
}

const RSA: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const P256: &[u8] = &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const ELLIPTIC: &[u8] = &[0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];

fn rsa_info(parameters: &[u8], key: &[u8]) -> Vec<u8> {
    tlv(SEQUENCE, &[&tlv(SEQUENCE, &[RSA, parameters]), &tlv(3, &[&[0], key])])
}

fn rsa_key(modulus: &str, exponent: &[u8]) -> Vec<u8> {
    let bytes: Vec<u8> =
        (0..modulus.len()).step_by(2).map(|at| u8::from_str_radix(&modulus[at..at + 2], 16).unwrap()).collect();
    tlv(SEQUENCE, &[&tlv(2, &[&[0], &bytes]), &tlv(2, &[exponent])])
}

/// The product of two random primes.
fn sound_modulus() -> String {
    let key = PrivateKey::generate(kubepki::key::Algorithm::Rsa2048).unwrap();
    let info = key.public_key_info();
    // SEQUENCE, algorithm, BIT STRING, SEQUENCE, and the modulus with its leading zero.
    let start = info.windows(5).position(|bytes| bytes == [2, 0x82, 1, 1, 0]).unwrap() + 5;
    kubepki::digest::hex(&info[start..start + 256])
}

#[test]
fn rsa_keys_that_can_be_factored_or_misused_are_weak() {
    let sound = sound_modulus();
    let f4: &[u8] = &[1, 0, 1];
    assert_eq!(public_key_weakness(&rsa_info(&[5, 0], &rsa_key(&sound, f4)), Effort::Thorough), None);
    let even = format!("{}e", &sound[..511]);
    for (what, modulus, exponent, says) in [
        ("e = 1", sound.as_str(), &[1][..], "exponent is 1"),
        ("e = 3", &sound, &[3], "exponent 3 "),
        ("e = 17", &sound, &[17], "exponent 17 "),
        ("an even exponent", &sound, &[1, 0, 0], "even"),
        ("an exponent of 40 bits", &sound, &[1, 0, 0, 0, 1], "larger"),
        ("an exponent as long as the modulus", &sound, &[0x7f; 256], "larger"),
        ("an even modulus", &even, f4, "even"),
        ("a prime modulus", PRIME, f4, "a prime number"),
        ("close primes", CLOSE, f4, "close"),
        ("a square", SQUARE, f4, "close"),
        ("a small factor", SMALL, f4, "10007"),
        ("Infineon's", ROCA, f4, "ROCA"),
    ] {
        let key = rsa_info(&[5, 0], &rsa_key(modulus, exponent));
        refused(what, &Forged { public_key: Some(key), ..Forged::default() }, "request.weak_key", says);
    }
}

#[test]
fn a_public_key_is_written_in_one_way() {
    let sound = rsa_key(&sound_modulus(), &[1, 0, 1]);
    let inner = &sound[4..];
    let elliptic = ecdsa_key();
    let point = elliptic.public_key_info()[26..].to_vec();
    assert_eq!((point[0], point.len()), (4, 65));
    let on_curve = |parameters: &[u8], point: &[u8]| {
        tlv(SEQUENCE, &[&tlv(SEQUENCE, &[ELLIPTIC, parameters]), &tlv(3, &[&[0], point])])
    };
    let compressed = [&[2 + (point[64] & 1)], &point[1..33]].concat();
    let mut beside = point.clone();
    beside[64] ^= 1;
    for (what, key) in [
        ("RSA without parameters", rsa_info(&[], &sound)),
        ("RSA with parameters", rsa_info(&[4, 0], &sound)),
        ("bytes behind the key", rsa_info(&[5, 0], &[&sound[..], &[5, 0]].concat())),
        ("an element more in the key", rsa_info(&[5, 0], &tlv(SEQUENCE, &[inner, &[2, 1, 1]]))),
        ("a zero more before the modulus", rsa_info(&[5, 0], &tlv(SEQUENCE, &[&[2, 0x82, 1, 2, 0], &inner[4..]]))),
        ("a compressed point", on_curve(P256, &compressed)),
        ("a hybrid point", on_curve(P256, &[&[6 + (point[64] & 1)], &point[1..]].concat())),
        ("the point at infinity", on_curve(P256, &[0])),
        ("a point that is cut off", on_curve(P256, &point[..64])),
        ("bytes behind the point", on_curve(P256, &[&point[..], &[0]].concat())),
        ("no curve", on_curve(&[], &point)),
        ("the curve that the issuer has", on_curve(&[5, 0], &point)),
        ("a curve that is spelled out", on_curve(&tlv(SEQUENCE, &[&[2, 1, 1]]), &point)),
        ("secp256k1", on_curve(&[0x06, 5, 0x2b, 0x81, 4, 0, 10], &point)),
        ("a point that is not on its curve", on_curve(P256, &beside)),
    ] {
        let reasons = Forged { public_key: Some(key), ..Forged::default() }.judged();
        assert!(!reasons.is_empty(), "{what}");
        let codes = ["request.not_understood", "x509.request_damaged", "request.weak_key", "request.signature"];
        assert!(reasons.iter().all(|(code, _)| codes.contains(&code.as_str())), "{what}: {reasons:#?}");
        assert!(
            what.ends_with("its curve") || reasons.iter().any(|(code, _)| code != "request.signature"),
            "{what}: {reasons:#?}"
        );
    }
}

#[test]
fn a_signature_is_of_today_and_of_its_key() {
    for (what, algorithm) in [
        ("ecdsa-with-SHA1", &[0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1][..]),
        ("sha1WithRSAEncryption", &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5, 5, 0]),
        ("md5WithRSAEncryption", &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4, 5, 0]),
        ("sha256WithRSAEncryption", &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5, 0]),
    ] {
        let forged = Forged { algorithm: tlv(SEQUENCE, &[algorithm]), ..Forged::default() };
        refused(what, &forged, "request.signature", "not accepted");
    }
    // Another's key, without its private half.
    let forged = Forged { public_key: Some(ecdsa_key().public_key_info().to_vec()), ..Forged::default() };
    refused("another's key", &forged, "request.signature", "does not verify");
}

#[test]
fn what_kubeadm_and_openssl_write_is_understood() {
    for case_name in CASES {
        let folder = case(case_name).join("csr");
        for file in files(&folder).iter().filter(|file| file.extension().is_some_and(|end| end == "csr")) {
            let request = CertificateRequest::from_pem(&std::fs::read(folder.join(file)).unwrap()).unwrap();
            assert_eq!(request.misunderstandings(), Vec::<String>::new(), "{case_name} {}", file.display());
            assert_eq!(public_key_weakness(request.public_key_info(), Effort::Thorough), None);
        }
    }
}
