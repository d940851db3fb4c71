//! Each signer: what it makes, and what it is asked with.

use chrono::DateTime;

use super::*;
use crate::x509::{DistinguishedName, OtherExtension, SubjectAltNames};

fn template(
    organizations: &[&str],
    name: &str,
    purposes: &[ExtendedKeyUsage],
    names: Vec<SubjectAltName>,
) -> CertificateTemplate {
    CertificateTemplate {
        subject: DistinguishedName::new(organizations, name).unwrap(),
        subject_alt_names: SubjectAltNames::in_order(names),
        key_usages: vec![KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment],
        extended_key_usages: purposes.to_vec(),
        is_ca: false,
        not_before: DateTime::UNIX_EPOCH,
        not_after: DateTime::UNIX_EPOCH,
        other_extensions: Vec::new(),
    }
}

fn dns(name: &str) -> SubjectAltName {
    SubjectAltName::Dns(name.to_owned())
}

#[test]
fn each_built_in_signer_makes_what_the_api_server_lets_it_make() {
    use ExtendedKeyUsage::{ClientAuth, ServerAuth};
    let (client, server) = ([ClientAuth].as_slice(), [ServerAuth].as_slice());
    let nodes = ["system:nodes"].as_slice();
    let address = SubjectAltName::Ip("10.0.0.1".parse().unwrap());
    for (what, wanted, signer) in [
        (
            "admin.conf",
            template(&["kubeadm:cluster-admins"], "kubernetes-admin", client, vec![]),
            Some(Signer::ApiServerClient),
        ),
        ("scheduler.conf", template(&[], "system:kube-scheduler", client, vec![]), Some(Signer::ApiServerClient)),
        ("a person of two groups", template(&["a", "b"], "jane", client, vec![]), Some(Signer::ApiServerClient)),
        ("super-admin.conf", template(&["system:masters"], "kubernetes-super-admin", client, vec![]), None),
        ("apiserver", template(&[], "kube-apiserver", server, vec![dns("kubernetes")]), None),
        ("etcd-peer", template(&[], "cp1", &[ServerAuth, ClientAuth], vec![dns("cp1")]), None),
        ("kubelet.conf", template(nodes, "system:node:w1", client, vec![]), Some(Signer::KubeletClient)),
        ("a kubelet without a name", template(nodes, "system:node:", client, vec![]), Some(Signer::ApiServerClient)),
        ("a kubelet of two groups", template(&["system:nodes", "x"], "system:node:w1", server, vec![dns("w1")]), None),
        (
            "kubelet-server",
            template(nodes, "system:node:w1", server, vec![dns("w1"), address]),
            Some(Signer::KubeletServing),
        ),
        ("a kubelet's without names", template(nodes, "system:node:w1", server, vec![]), None),
        (
            "a kubelet's with a URI",
            template(nodes, "system:node:w1", server, vec![SubjectAltName::Uri("a:b".into())]),
            None,
        ),
    ] {
        assert_eq!(Signer::of(&wanted), signer, "{what}");
    }
}

#[test]
fn usages_are_spelled_as_the_api_spells_them() {
    let mut wanted = template(&[], "jane", &[ExtendedKeyUsage::ClientAuth], vec![]);
    assert_eq!(
        Signer::ApiServerClient.usages(&wanted).unwrap(),
        ["digital signature", "key encipherment", "client auth"]
    );
    // kubeadm gives keys that are not RSA no keyEncipherment.
    wanted.key_usages.pop();
    assert_eq!(Signer::ApiServerClient.usages(&wanted).unwrap(), ["digital signature", "client auth"]);
}

#[test]
fn what_a_signer_would_leave_out_is_refused_before_it_is_asked() {
    let good = template(&[], "jane", &[ExtendedKeyUsage::ClientAuth], vec![]);
    let extension = OtherExtension { oid: "1.2.3.4".into(), critical: false, value: "0500".into() };
    for (changed, reason) in [
        (CertificateTemplate { is_ca: true, ..good.clone() }, "CAs"),
        (CertificateTemplate { other_extensions: vec![extension], ..good.clone() }, "1.2.3.4"),
        (CertificateTemplate { key_usages: vec![KeyUsage::KeyEncipherment], ..good.clone() }, "digital signatures"),
        (
            CertificateTemplate {
                key_usages: vec![KeyUsage::DigitalSignature, KeyUsage::KeyAgreement],
                ..good.clone()
            },
            "key agreement",
        ),
        (CertificateTemplate { extended_key_usages: vec![], ..good.clone() }, "client certificates"),
    ] {
        let said = Signer::ApiServerClient.usages(&changed).unwrap_err();
        assert!(said.contains(reason), "{said} has no {reason}");
    }
    let other =
        CertificateTemplate { extended_key_usages: vec![ExtendedKeyUsage::Other("1.3.6.1.5.2.3.4".into())], ..good };
    assert!(Signer::Other("example.com/x".into()).usages(&other).unwrap_err().contains("1.3.6.1.5.2.3.4"));
}

#[test]
fn names_of_signers_are_read_as_the_api_server_reads_them() {
    for (text, signer) in [
        ("kubernetes.io/kube-apiserver-client", Signer::ApiServerClient),
        ("kubernetes.io/kubelet-serving", Signer::KubeletServing),
        ("clusterissuers.cert-manager.io/etcd", Signer::CertManager("clusterissuers.cert-manager.io/etcd".into())),
        ("issuers.cert-manager.io/pki.etcd", Signer::CertManager("issuers.cert-manager.io/pki.etcd".into())),
        ("example.com/a/b", Signer::Other("example.com/a/b".into())),
    ] {
        assert_eq!(text.parse(), Ok(signer), "{text}");
    }
    for bad in [
        "",
        "kubernetes.io",
        "kubernetes.io/",
        "/x",
        "example/x",
        "Example.com/x",
        "kubernetes.io/legacy-unknown",
        "clusterissuers.cert-manager.io/",
        "issuers.cert-manager.io/etcd",
        "issuers.cert-manager.io/a.",
        "clusterissuers.cert-manager.io/a b",
    ] {
        let refused: Result<Signer, BadSigner> = bad.parse();
        assert!(refused.is_err(), "{bad:?}");
    }
}
