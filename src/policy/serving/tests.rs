//! Attacks on whoever approves serving certificates of kubelets, one a row, and what has to go through.

use chrono::TimeZone as _;

use super::*;
use crate::key::{Algorithm, PrivateKey};
use crate::objects::{APPROVED, Metadata, SigningRequestSpec};
use crate::x509::{
    CertificateTemplate, Issuer, KeyUsage, RequestTemplate, SerialNumber, SubjectAltName, SubjectAltNames,
};

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap()
}

/// What a kubelet asks for.
struct Asked {
    signer: &'static str,
    username: String,
    groups: Vec<&'static str>,
    organizations: Vec<&'static str>,
    common_name: String,
    names: Vec<SubjectAltName>,
    usages: Vec<&'static str>,
    extended: Vec<ExtendedKeyUsage>,
    expiration_seconds: Option<i64>,
    algorithm: Algorithm,
}

fn name(text: &str) -> SubjectAltName {
    text.parse().map_or_else(|_| SubjectAltName::Dns(text.to_owned()), SubjectAltName::Ip)
}

impl Asked {
    fn by(node: &str, names: &[&str]) -> Self {
        Self {
            signer: KUBELET_SERVING,
            username: format!("system:node:{node}"),
            groups: vec!["system:nodes", "system:authenticated"],
            organizations: vec!["system:nodes"],
            common_name: format!("system:node:{node}"),
            names: names.iter().map(|text| name(text)).collect(),
            usages: vec!["digital signature", "server auth"],
            extended: Vec::new(),
            expiration_seconds: None,
            algorithm: Algorithm::EcdsaP256,
        }
    }

    fn object(&self) -> CertificateSigningRequest {
        let template = RequestTemplate {
            subject: DistinguishedName::new(&self.organizations, &self.common_name).unwrap(),
            subject_alt_names: SubjectAltNames::in_order(self.names.clone()),
            key_usages: Vec::new(),
            extended_key_usages: self.extended.clone(),
        };
        let key = PrivateKey::generate(self.algorithm).unwrap();
        CertificateSigningRequest {
            metadata: Metadata {
                name: "csr-a".into(),
                uid: "1".into(),
                creation_timestamp: Some(now() - TimeDelta::minutes(1)),
                ..Metadata::default()
            },
            spec: SigningRequestSpec {
                request: STANDARD.encode(template.sign(&key).unwrap().to_pem()),
                signer_name: self.signer.into(),
                expiration_seconds: self.expiration_seconds,
                usages: self.usages.iter().map(|usage| (*usage).to_owned()).collect(),
                username: self.username.clone(),
                groups: self.groups.iter().map(|group| (*group).to_owned()).collect(),
                ..SigningRequestSpec::default()
            },
            ..CertificateSigningRequest::default()
        }
    }
}

/// A CA, and certificates of it that kubelets serve.
struct Authority(Issuer);

impl Authority {
    fn new() -> Self {
        let key = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
        let template = template(DistinguishedName::new::<&str>(&[], "kubernetes").unwrap(), &[], true);
        let certificate = template.self_sign(&SerialNumber::random().unwrap(), &key).unwrap();
        Self(Issuer::new(certificate, key).unwrap())
    }

    fn served(&self, node: &str, names: &[&str]) -> Vec<Certificate> {
        let key = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
        let subject = DistinguishedName::new(&["system:nodes"], &format!("system:node:{node}")).unwrap();
        let serial = SerialNumber::random().unwrap();
        vec![template(subject, names, false).issue(&serial, key.public_key_info(), &self.0).unwrap()]
    }
}

fn template(subject: DistinguishedName, names: &[&str], is_ca: bool) -> CertificateTemplate {
    CertificateTemplate {
        subject,
        subject_alt_names: SubjectAltNames::in_order(names.iter().map(|text| name(text)).collect()),
        key_usages: if is_ca { vec![KeyUsage::KeyCertSign] } else { vec![KeyUsage::DigitalSignature] },
        extended_key_usages: if is_ca { Vec::new() } else { vec![ExtendedKeyUsage::ServerAuth] },
        is_ca,
        not_before: now() - TimeDelta::days(300),
        not_after: now() + TimeDelta::days(60),
        other_extensions: Vec::new(),
    }
}

/// Three nodes; an inventory names the addresses of two, and of the control-plane node one that is the API server's too.
fn evidence() -> Evidence {
    let nodes = [
        ("cp1", &["cp1", "10.0.0.1"][..]),
        (
            "node1",
            &["node1", "10.0.0.11", "2001:db8::11", "node1.example.com", "10.96.0.9", "192.0.2.9", "172.16.0.11"],
        ),
        ("node10", &["node10", "10.0.0.110"]),
        ("registry.example.com", &["registry.example.com"]),
        ("api.example.com", &["api.example.com"]),
    ];
    let mut known = KnownNames::default();
    for option in ["cp1=10.0.0.1", "node1=10.0.0.0/24,2001:db8::11,node1.example.com", "node10=10.0.0.110"] {
        known.add_option(option).unwrap();
    }
    let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
    Evidence {
        known,
        nodes: nodes.iter().map(|(node, addresses)| ((*node).to_owned(), texts(addresses))).collect(),
        reserved: Reserved {
            networks: vec!["10.96.0.0/12".parse().unwrap()],
            domain: "cluster.local".into(),
            api_server: texts(&["cp1", "10.0.0.1", "192.0.2.9", "api.example.com", "10.96.0.1"]),
            never: BTreeSet::new(),
        },
        ..Evidence::default()
    }
}

fn codes(verdict: &Verdict) -> Vec<&'static str> {
    verdict.codes().into_iter().map(Code::as_str).collect()
}

fn judged(asked: &Asked, evidence: &Evidence) -> Verdict {
    judge_serving(&asked.object(), evidence, Limits::default(), now())
}

#[test]
fn what_is_known_from_elsewhere_is_approved_and_says_from_where() {
    for (node, names) in [
        ("node1", &["node1", "10.0.0.11"][..]),
        ("node1", &["10.0.0.11", "2001:db8:0:0:0::11", "node1.example.com"]),
        ("node10", &["node10", "10.0.0.110"]),
        ("node10", &["node10"]),
        ("cp1", &["cp1", "10.0.0.1"]),
    ] {
        let verdict = judged(&Asked::by(node, names), &evidence());
        let Verdict::Approve { evidence } = &verdict else { panic!("{node} {names:?}: {verdict:?}") };
        assert_eq!(evidence.len(), names.len());
    }
    let rsa = Asked {
        algorithm: Algorithm::Rsa2048,
        usages: vec!["server auth", "key encipherment", "digital signature"],
        expiration_seconds: Some(3600),
        ..Asked::by("node1", &["node1"])
    };
    assert!(matches!(judged(&rsa, &evidence()), Verdict::Approve { .. }));
}

#[test]
#[allow(clippy::too_many_lines)] // it is a table
fn every_attack_is_left_with_its_reason() {
    let node1 = |names: &[&str]| Asked::by("node1", names);
    let good = || node1(&["node1", "10.0.0.11"]);
    let rows: Vec<(&str, Asked, &str)> = vec![
        ("another node's name and address", node1(&["node10", "10.0.0.110"]), "request.reserved_names"),
        ("another node's name beside its own", node1(&["node1", "node10", "10.0.0.11"]), "request.reserved_names"),
        ("another node's address, in a network of its own", node1(&["node1", "10.0.0.110"]), "request.reserved_names"),
        (
            "a name that whoever joined has chosen",
            Asked::by("registry.example.com", &["registry.example.com"]),
            "request.unproven_names",
        ),
        ("an address that only its own object has", node1(&["node1", "172.16.0.11"]), "request.unproven_names"),
        ("addresses alone, so that names are not looked at", node1(&["172.16.0.11"]), "request.unproven_names"),
        ("names alone, so that addresses are not looked at", node1(&["node1.evil.example"]), "request.unproven_names"),
        ("an address of its network that its object lacks", node1(&["10.0.0.99"]), "request.unproven_names"),
        ("no name at all", node1(&[]), "request.missing_names"),
        ("the API service", node1(&["node1", "kubernetes"]), "request.reserved_names"),
        (
            "the API service by its whole name",
            node1(&["kubernetes.default.svc.cluster.local"]),
            "request.reserved_names",
        ),
        ("the API service in capitals", node1(&["KUBERNETES.default.svc"]), "request.reserved_names"),
        ("the API service with a final dot", node1(&["kubernetes.default.svc."]), "request.reserved_names"),
        ("what starts as the API service does", node1(&["kubernetes-api"]), "request.reserved_names"),
        ("letters that look alike", node1(&["xn--ubernetes-6jc.example"]), "request.reserved_names"),
        ("a service of the cluster", node1(&["metrics-server.kube-system.svc"]), "request.reserved_names"),
        ("the cluster's domain", node1(&["node1.cluster.local"]), "request.reserved_names"),
        ("the domain in capitals", node1(&["node1.CLUSTER.LOCAL"]), "request.reserved_names"),
        ("the service network, which its object claims", node1(&["10.96.0.9"]), "request.reserved_names"),
        ("the API server's service address", node1(&["10.96.0.1"]), "request.reserved_names"),
        ("the endpoint's address, which its object claims", node1(&["192.0.2.9"]), "request.api_server_names"),
        ("the endpoint's name", node1(&["api.example.com"]), "request.reserved_names"),
        (
            "the endpoint's name, by which it is authenticated",
            Asked::by("api.example.com", &["api.example.com"]),
            "request.api_server_names",
        ),
        ("the API server's host, in a network of its own", node1(&["10.0.0.1"]), "request.reserved_names"),
        ("a wildcard", node1(&["*.example.com"]), "request.reserved_names"),
        ("a wildcard for itself", node1(&["*.node1"]), "request.reserved_names"),
        ("localhost", node1(&["node1", "localhost"]), "request.reserved_names"),
        ("loopback", node1(&["127.0.0.1"]), "request.reserved_names"),
        ("loopback of IPv6", node1(&["::1"]), "request.reserved_names"),
        ("link-local", node1(&["169.254.169.254"]), "request.reserved_names"),
        ("link-local of IPv6", node1(&["fe80::1"]), "request.reserved_names"),
        ("multicast", node1(&["224.0.0.1"]), "request.reserved_names"),
        ("everywhere", node1(&["0.0.0.0"]), "request.reserved_names"),
        ("an IPv4 address in IPv6", node1(&["::ffff:10.0.0.110"]), "request.reserved_names"),
        (
            "an address written as a name",
            Asked { names: vec![SubjectAltName::Dns("10.0.0.11".into())], ..good() },
            "request.reserved_names",
        ),
        (
            "a mail address",
            Asked { names: vec![SubjectAltName::Email("root@node1".into())], ..good() },
            "request.reserved_names",
        ),
        (
            "a URI",
            Asked { names: vec![SubjectAltName::Uri("spiffe://cluster/ns/kube-system".into())], ..good() },
            "request.reserved_names",
        ),
        ("a node that is not there", Asked::by("node2", &["node2"]), "request.no_node"),
        ("the start of a node's name", Asked::by("node", &["node"]), "request.no_node"),
        (
            "another signer",
            Asked { signer: "kubernetes.io/kube-apiserver-client-kubelet", ..good() },
            "request.other_signer",
        ),
        (
            "another signer of one's own",
            Asked { signer: "kubernetes.io/kubelet-serving.evil", ..good() },
            "request.other_signer",
        ),
        ("a person for a node", Asked { username: "jane".into(), ..good() }, "request.other_requestor"),
        (
            "a service account that is called so",
            Asked { username: "system:serviceaccount:a:system:node:node1".into(), ..good() },
            "request.other_requestor",
        ),
        ("no name behind the prefix", Asked { username: "system:node:".into(), ..good() }, "request.other_requestor"),
        (
            "a user of another group",
            Asked { groups: vec!["system:authenticated"], ..good() },
            "request.other_requestor",
        ),
        ("another node's user", Asked { username: "system:node:node10".into(), ..good() }, "request.other_subject"),
        ("another common name", Asked { common_name: "system:node:node10".into(), ..good() }, "request.other_subject"),
        (
            "a common name that goes on",
            Asked { common_name: "system:node:node1 ".into(), ..good() },
            "request.other_subject",
        ),
        (
            "a second group",
            Asked { organizations: vec!["system:nodes", "system:masters"], ..good() },
            "request.other_subject",
        ),
        ("another group", Asked { organizations: vec!["system:masters"], ..good() }, "request.other_subject"),
        ("no group", Asked { organizations: vec![], ..good() }, "request.other_subject"),
        (
            "the right to be a client",
            Asked { usages: vec!["digital signature", "server auth", "client auth"], ..good() },
            "request.other_usages",
        ),
        ("no usage", Asked { usages: vec![], ..good() }, "request.other_usages"),
        ("a usage twice", Asked { usages: vec!["server auth", "server auth"], ..good() }, "request.other_usages"),
        (
            "a client's purpose in its extensions",
            Asked { extended: vec![ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth], ..good() },
            "request.other_usages",
        ),
        ("a hundred years", Asked { expiration_seconds: Some(100 * 365 * 86_400), ..good() }, "request.validity"),
        ("less than nothing", Asked { expiration_seconds: Some(-1), ..good() }, "request.validity"),
    ];
    for (what, asked, code) in rows {
        let verdict = judged(&asked, &evidence());
        assert!(codes(&verdict).contains(&code), "{what}: {verdict:?}");
    }
}

#[test]
fn what_is_no_request_is_left() {
    let mut object = Asked::by("node1", &["node1"]).object();
    for text in ["", "!", "aGVsbG8="] {
        object.spec.request = text.to_owned();
        let verdict = judge_serving(&object, &evidence(), Limits::default(), now());
        assert_eq!(codes(&verdict), ["request.not_understood"]);
    }
}

#[test]
fn a_request_is_a_renewal_only_of_the_same_names_of_the_same_node_from_the_clusters_authority() {
    let authority = Authority::new();
    let authorities = vec![authority.0.certificate().clone()];
    let with = |served: Vec<Certificate>| Evidence {
        known: KnownNames::default(),
        served: BTreeMap::from([("node1".to_owned(), served)]),
        authorities: authorities.clone(),
        ..evidence()
    };
    let asked = Asked::by("node1", &["node1", "10.0.0.11"]);
    let approved = |served| codes(&judged(&asked, &with(served))).is_empty();
    assert!(approved(authority.served("node1", &["10.0.0.11", "node1"])));
    assert!(!approved(Vec::new()), "nothing is served");
    assert!(!approved(authority.served("node1", &["node1"])), "an address more");
    assert!(!approved(authority.served("node1", &["node1", "10.0.0.11", "10.0.0.12"])), "an address less");
    assert!(!approved(authority.served("node10", &["node1", "10.0.0.11"])), "another node's");
    assert!(!approved(Authority::new().served("node1", &["node1", "10.0.0.11"])), "of a CA of its own");
    // Whoever had a certificate approved that names the cluster's own does not have it renewed.
    let stolen = Asked::by("node1", &["node1", "10.96.0.9"]);
    let verdict = judged(&stolen, &with(authority.served("node1", &["node1", "10.96.0.9"])));
    assert_eq!(codes(&verdict), ["request.reserved_names"]);
}

#[test]
fn what_is_served_for_long_is_renewed_early_only_when_that_is_said() {
    let authority = Authority::new();
    let names = ["node1", "10.0.0.11"];
    let mut long = Evidence {
        served: BTreeMap::from([("node1".to_owned(), authority.served("node1", &names))]),
        authorities: vec![authority.0.certificate().clone()],
        ..evidence()
    };
    let object = Asked::by("node1", &names).object();
    let at = |days: i64, early: bool, evidence: &Evidence| {
        let limits = Limits { early, ..Limits::default() };
        codes(&judge_serving(&object, evidence, limits, now() - TimeDelta::days(days)))
    };
    // 360 days from 300 days ago: two thirds are over 60 days ago. An inventory has the node; it does not make it early.
    assert_eq!(at(61, false, &long), ["request.not_due"]);
    assert!(at(59, false, &long).is_empty());
    assert!(at(61, true, &long).is_empty());
    // Fewer names than those that are served are no way around it.
    let fewer = Asked::by("node1", &["node1"]).object();
    let verdict = judge_serving(&fewer, &long, Limits::default(), now() - TimeDelta::days(61));
    assert_eq!(codes(&verdict), ["request.not_due"]);
    // Where somebody has said what the node has, a certificate that says more is not renewed for ever.
    long.known = KnownNames::default();
    long.known.add_option("node1=10.0.0.99").unwrap();
    assert_eq!(at(0, false, &long), ["request.unproven_names"]);
}

#[test]
fn what_another_nodes_object_claims_is_decided_by_who_runs_the_cluster() {
    let mut evidence = evidence();
    evidence.nodes.get_mut("node10").unwrap().insert("10.0.0.11".into());
    let asked = Asked::by("node1", &["node1", "10.0.0.11"]);
    let verdict = judged(&asked, &evidence);
    assert_eq!((codes(&verdict), verdict.is_deniable()), (vec!["request.claimed_names"], false));
    let mut listed = Evidence { nodes: evidence.nodes.clone(), ..self::evidence() };
    listed.known.add_option("node1=10.0.0.11").unwrap();
    assert!(codes(&judged(&asked, &listed)).is_empty());
    // The API server's names may be wildcards.
    listed.reserved.api_server.insert("*.example.com".into());
    listed.nodes.get_mut("node1").unwrap().insert("a.example.com".into());
    assert_eq!(codes(&judged(&Asked::by("node1", &["a.example.com"]), &listed)), ["request.api_server_names"]);
}

#[test]
fn what_is_reserved_is_no_nodes_whoever_allows_it() {
    let mut reserved = evidence();
    reserved.reserved.never.extend(["10.0.0.11".to_owned(), "node1.example.com".to_owned()]);
    reserved.known.add_option("node1=10.0.0.11").unwrap();
    let verdict = judged(&Asked::by("node1", &["10.0.0.11", "node1.example.com"]), &reserved);
    assert_eq!((codes(&verdict), verdict.is_deniable()), (vec!["request.reserved_names"; 2], true));
}

#[test]
fn more_names_than_a_node_has_are_not_looked_at() {
    let many: Vec<String> = (0..40).map(|number| format!("10.0.0.{number}")).collect();
    let names: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(codes(&judged(&Asked::by("node1", &names), &evidence())), ["request.other_names"]);
}

#[test]
fn dns_is_believed_where_it_is_asked() {
    let addresses = |all: &[&str]| all.iter().map(|text| text.parse().unwrap()).collect::<BTreeSet<IpAddr>>();
    let mut known = KnownNames::default();
    known.add_option("node1=node1").unwrap();
    let evidence = Evidence {
        known,
        resolved: BTreeMap::from([
            ("node1".to_owned(), addresses(&["10.0.0.11", "172.16.0.11"])),
            ("node1.example.com".to_owned(), addresses(&["10.0.0.11"])),
        ]),
        ..evidence()
    };
    let codes_of = |names: &[&str]| codes(&judged(&Asked::by("node1", names), &evidence));
    assert!(codes_of(&["node1", "10.0.0.11", "172.16.0.11", "node1.example.com"]).is_empty());
    assert_eq!(codes_of(&["2001:db8::11"]), ["request.unproven_names"]);
}

#[test]
fn the_newest_of_a_node_is_judged_and_a_flood_stops_all() {
    let request = |name: &str, node: &str, minutes: i64| {
        let mut object = Asked::by(node, &[node]).object();
        object.metadata.name = name.into();
        object.metadata.creation_timestamp = Some(now() - TimeDelta::minutes(minutes));
        object
    };
    let decided = |requests: &[CertificateSigningRequest], limits| -> Vec<(String, Vec<&'static str>)> {
        let decisions = decide(requests, &evidence(), limits, now());
        decisions.into_iter().map(|one| (one.name, codes(&one.verdict))).collect()
    };
    let mut three = vec![request("old", "node1", 30), request("new", "node1", 1), request("other", "node10", 2)];
    let none = Vec::<&str>::new;
    let expected =
        [("old".to_owned(), vec!["request.superseded"]), ("new".to_owned(), none()), ("other".to_owned(), none())];
    assert_eq!(decided(&three, Limits::default()), expected);

    let few = Limits { of_a_node: 1, ..Limits::default() };
    assert_eq!(decided(&three, few)[1].1, ["request.too_many"]);
    assert!(decided(&three, few)[2].1.is_empty(), "another node's is judged all the same");
    let mut answered = three.clone();
    answered[0].set_condition(APPROVED, "x", "y", now());
    assert_eq!(decided(&answered, few)[0].1, ["request.too_many"], "approval makes no room for more");

    let flood = Limits { beyond_nodes: 0, ..Limits::default() };
    three.extend([3, 4, 5].map(|minutes| request(&format!("more-{minutes}"), "node10", minutes)));
    assert!(decided(&three, flood).iter().all(|(_, codes)| *codes == ["request.too_many"]));
    // Those that have waited for long are no flood.
    three[0].metadata.creation_timestamp = Some(now() - TimeDelta::hours(5));
    assert!(decided(&three, flood)[1].1.is_empty());

    // What is answered, or is another signer's, is not decided upon.
    three[1].set_condition(APPROVED, "x", "y", now());
    three[2].spec.signer_name = "example.com/x".into();
    let names: Vec<_> = decided(&three, Limits::default()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["old", "more-3", "more-4", "more-5"]);
}
