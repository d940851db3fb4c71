//! Trees of three nodes in two clusters, and one thing wrong between them at a time.

use chrono::DateTime;

use super::*;

fn seen(name: &str, subject: &str, key: u8, serial: &str) -> SeenCertificate {
    SeenCertificate {
        name: name.into(),
        path: name.into(),
        subject: subject.into(),
        issuer: "CN=kubernetes".into(),
        serial: serial.into(),
        not_before: DateTime::UNIX_EPOCH,
        not_after: DateTime::UNIX_EPOCH,
        residual_seconds: 0,
        key: String::new(),
        subject_alt_names: Vec::new(),
        is_ca: name.ends_with("ca"),
        public_key_sha256: crate::digest::sha256_hex(&[key]),
        key_usages: Vec::new(),
        extended_key_usages: Vec::new(),
    }
}

/// A tree of the node `node` of cluster `cluster`, whose own keys begin at `first`.
struct Tree {
    place: &'static str,
    node: &'static str,
    cluster: &'static str,
    certificates: Vec<SeenCertificate>,
    service_account_keys: Vec<String>,
    moduli: Vec<TreeModulus>,
    is_copy: bool,
    options: Option<Vec<String>>,
}

fn tree(node: &'static str, cluster: &'static str, first: u8) -> Tree {
    let of = cluster.as_bytes()[0];
    let kubelet = format!("O=system:nodes,CN=system:node:{node}");
    Tree {
        place: node,
        node,
        cluster,
        certificates: vec![
            seen("ca", "CN=kubernetes", of, &format!("{of:02x}")),
            seen("etcd-ca", "CN=etcd-ca", of + 1, &format!("{:02x}", of + 1)),
            seen("apiserver", "CN=kube-apiserver", first, &format!("{first:02x}")),
            seen("kubelet.conf", &kubelet, first + 1, &format!("{:02x}", first + 1)),
        ],
        service_account_keys: vec![crate::digest::sha256_hex(&[of + 2])],
        moduli: Vec::new(),
        is_copy: false,
        options: None,
    }
}

fn found(trees: &[Tree]) -> Vec<(&'static str, Severity, Vec<String>)> {
    let findings = findings(trees).into_iter();
    findings.map(|one| (one.finding.code.as_str(), one.finding.severity, one.trees)).collect()
}

fn findings(trees: &[Tree]) -> Vec<FleetFinding> {
    let mut fleet = Fleet::default();
    for tree in trees {
        fleet.add(&TreeFacts {
            place: tree.place,
            node: Some(tree.node),
            cluster: Some(tree.cluster),
            is_copy: tree.is_copy,
            options: tree.options.as_deref(),
            certificates: &tree.certificates,
            service_account_keys: &tree.service_account_keys,
            moduli: &tree.moduli,
        });
    }
    fleet.findings(&StopSignal::default())
}

fn fleet() -> [Tree; 3] {
    [tree("cp1", "A", 10), tree("cp2", "A", 20), tree("x1", "X", 30)]
}

#[test]
fn nodes_that_share_what_they_should_say_nothing() {
    assert_eq!(found(&fleet()), []);
    let [one, two, _] = fleet();
    // The same node, looked at twice.
    assert_eq!(found(&[tree("cp1", "A", 10), one, two]), []);
}

#[test]
fn a_key_on_two_nodes_is_a_warning_and_in_two_clusters_critical() {
    let [one, mut two, other] = fleet();
    two.certificates[2] = one.certificates[2].clone();
    let expected = vec!["cp1".to_owned(), "cp2".to_owned()];
    assert_eq!(found(&[one, two, other]), [("fleet.shared_key", Severity::Warning, expected)]);
    let [one, two, mut other] = fleet();
    other.certificates[2].public_key_sha256 = one.certificates[2].public_key_sha256.clone();
    assert_eq!(found(&[one, two, other])[0].1, Severity::Critical);
}

#[test]
fn copies_of_kubeconfigs_are_with_people() {
    let [one, ..] = fleet();
    let mut copy = Tree { place: "mine.conf", node: "", is_copy: true, ..tree("cp1", "A", 10) };
    copy.certificates.truncate(3);
    assert_eq!(found(&[one, copy]), []);
}

#[test]
fn a_copy_of_a_kubeconfig_beside_another_ca_makes_no_second_cluster() {
    let [one, ..] = fleet();
    let copy = |cluster, first| Tree { place: "mine.conf", is_copy: true, ..tree("", cluster, first) };
    let only = |tree: Tree| {
        let certificates = vec![one.certificates[2].clone()];
        Tree { certificates, service_account_keys: Vec::new(), ..tree }
    };
    assert_eq!(found(&[only(copy("B", 50)), only(copy("C", 60))]), []);
    let [one, ..] = fleet();
    let mut other = only(copy("B", 50));
    // The key in another certificate, which another cluster's CA signed, is no copy.
    other.certificates[0].serial = "77".into();
    assert_eq!(found(&[one, other])[0].1, Severity::Critical);
}

#[test]
fn the_commands_name_the_trees_that_they_are_about() {
    let [mut one, mut two, _] = fleet();
    two.certificates[2] = one.certificates[2].clone();
    let remedy = |trees: &[Tree]| findings(trees)[0].finding.remedy.clone();
    let below = |root: &str| Some(vec!["--rootfs".to_owned(), root.to_owned()]);
    (one.options, two.options) = (below("/srv/cp1"), below("/srv/cp 2"));
    let own = "give each node a key of its own";
    let trees = [one, two];
    assert_eq!(remedy(&trees), format!("{own}: `kubepki certs renew apiserver --rootfs '/srv/cp 2'`"));
    let [one, mut two] = trees;
    two.options = None;
    assert_eq!(remedy(&[one, two]), format!("{own}: `kubepki certs renew apiserver` on all but one"));
}

#[test]
fn a_node_of_one_name_in_two_clusters_is_said_by_its_clusters() {
    let (one, mut other) = (tree("cp1", "A", 10), tree("cp1", "X", 30));
    other.certificates[3] = one.certificates[3].clone();
    let all = findings(&[Tree { place: "a", ..one }, Tree { place: "b", ..other }]);
    assert_eq!(all[0].finding.code.as_str(), "fleet.other_node");
    assert_eq!(all[0].finding.evidence, "2 clusters have the key of node cp1: 2 trees (a, b)");
    assert!(!all[0].finding.remedy.contains("every node but cp1"), "{:?}", all[0]);
}

#[test]
fn the_certificate_of_another_node_is_named_by_its_node() {
    let [one, mut two, _] = fleet();
    two.certificates[3] = one.certificates[3].clone();
    let expected = vec!["cp1".to_owned(), "cp2".to_owned()];
    assert_eq!(found(&[one, two]), [("fleet.other_node", Severity::Critical, expected)]);
}

#[test]
fn a_serial_number_is_used_once_by_a_ca() {
    let [one, mut two, mut other] = fleet();
    other.certificates[2].serial = "0a".into();
    assert_eq!(found(&[tree("cp1", "A", 10), tree("cp2", "A", 20), other]), []);
    two.certificates[2].serial = "0a".into();
    assert_eq!(found(&[one, two])[0].0, "fleet.repeated_serial");
}

#[test]
fn clusters_share_no_ca_and_no_service_account_key() {
    let [one, two, mut other] = fleet();
    other.service_account_keys.clone_from(&one.service_account_keys);
    let all = ["cp1", "cp2", "x1"].map(str::to_owned).to_vec();
    assert_eq!(found(&[one, two, other]), [("fleet.shared_authority", Severity::Critical, all)]);
}

#[test]
fn keys_of_different_trees_that_share_a_prime_are_found() {
    let modulus = |number: u8| TreeModulus { name: "apiserver".into(), modulus: format!("{number:02x}") };
    let [mut one, mut two, mut other] = fleet();
    (one.moduli, two.moduli, other.moduli) = (vec![modulus(7 * 11)], vec![modulus(13 * 17)], vec![modulus(3 * 7)]);
    let expected = || vec!["cp1".to_owned(), "x1".to_owned()];
    let each = ("key.shared_prime", Severity::Critical, expected());
    assert_eq!(found(&[one, two, other]), [each.clone(), each]);
    // The same key twice is another fault.
    let [mut one, mut two, _] = fleet();
    (one.moduli, two.moduli) = (vec![modulus(7 * 11)], vec![modulus(7 * 11)]);
    assert_eq!(found(&[one, two]), []);
}

#[test]
fn the_nodes_of_a_cluster_have_the_same_cas() {
    let [one, two, _] = fleet();
    let mut third = tree("cp3", "A", 40);
    third.certificates[1] = seen("etcd-ca", "CN=etcd-ca", 99, "63");
    let expected = vec!["cp3".to_owned()];
    assert_eq!(found(&[one, two, third]), [("fleet.authorities_differ", Severity::Warning, expected)]);
}
