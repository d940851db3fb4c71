//! `check-expiration` from the trees themselves.

use chrono::{DateTime, TimeDelta, Utc};
use kubepki::ops::check_expiration::check_expiration;

use super::support::*;

/// The moment for which kubeadm printed the case's report.
fn moment(name: &str) -> DateTime<Utc> {
    let text = std::fs::read(case(name).join("check-expiration.json")).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let row = &document["certificates"][0];
    let end: DateTime<Utc> = row["expirationDate"].as_str().unwrap().parse().unwrap();
    end - TimeDelta::seconds(row["residualTime"].as_i64().unwrap())
}

#[test]
fn the_golden_trees_give_kubeadms_output_byte_for_byte() {
    for name in CASES {
        let node = Node::golden(name);
        let before = node.snapshot();
        let checked = check_expiration(&node.request.node).unwrap();
        let (report, now) = (checked.report, moment(name));
        let golden = |file: &str| std::fs::read_to_string(case(name).join(file)).unwrap();
        assert_eq!(report.to_text(now), golden("check-expiration.txt"), "{name}");
        assert_eq!(report.to_json(now), golden("check-expiration.json"), "{name}");
        assert_eq!(report.to_yaml(now), golden("check-expiration.yaml"), "{name}");
        assert_eq!(node.snapshot(), before, "{name}");
    }
}

#[test]
fn the_role_of_the_node_does_not_change_the_rows() {
    let node = Node::golden("ecdsa-p256");
    node.write("/etc/kubeadm.yaml", super::roles::SECONDARY);
    let report = check_expiration(&node.request.node).unwrap().report;
    assert_eq!(report.certificates().len(), 11);
    assert_eq!(report.certificate_authorities().len(), 3);
}

#[test]
fn what_is_missing_broken_or_external_is_a_row() {
    let node = Node::golden("ecdsa-p256");
    node.remove("/etc/kubernetes/pki/apiserver.crt");
    node.remove("/etc/kubernetes/pki/front-proxy-ca.key");
    node.write("/etc/kubernetes/pki/etcd/peer.crt", "no certificate");
    node.write("/etc/kubernetes/scheduler.conf", "a: [");
    node.remove("/etc/kubernetes/admin.conf");
    std::fs::create_dir(node.path("/etc/kubernetes/admin.conf")).unwrap();
    let report = check_expiration(&node.request.node).unwrap().report;
    let json: serde_json::Value = serde_json::from_str(&report.to_json(node.now)).unwrap();
    let row = |name: &str| {
        let rows = json["certificates"].as_array().unwrap();
        rows.iter().find(|row| row["name"] == name).unwrap().clone()
    };
    assert_eq!(row("apiserver")["missing"], true);
    assert_eq!(row("admin.conf")["missing"], true);
    assert_eq!(row("front-proxy-client")["externallyManaged"], true);
    assert_eq!(row("apiserver-kubelet-client")["externallyManaged"], false);
    assert_eq!(row("etcd-peer")["error"]["code"], "x509.none");
    assert!(row("scheduler.conf")["error"]["code"].as_str().unwrap().starts_with("kubeconfig."));
    assert_eq!(row("etcd-server")["missing"], false);
}
