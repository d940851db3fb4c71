//! A changed set of CAs: in the file of a CA, in kubeconfigs, or in both at once.
//!
//! In: the set, and the artefact's files. Out: changes of the transaction, so that whoever trusts by one of the files
//! changes together with the others or not at all. A kubeconfig keeps everything else, what another step of the same plan
//! has put into it too.

use super::workbench::{Workbench, first};
use crate::error::Result;
use crate::plan::{Artefact, TrustBundle};
use crate::secret::Secret;

/// Changes the artefact's files; its certificate is the CA's, or the kubeconfig's own.
pub(super) fn trust(bench: &mut Workbench<'_>, artefact: &Artefact, bundle: &TrustBundle) -> Result<()> {
    replace(bench, artefact, bundle)?;
    let certificate = match (&bundle.file, artefact.files.as_slice()) {
        (None, [file, ..]) => {
            let embedded = bench.kubeconfig(file)?.current()?.client_certificate_data;
            embedded.map(|pem| first(&pem)).transpose()?
        }
        _ => Some(first(bundle.certificates.as_bytes())?),
    };
    bench.note(artefact, certificate.as_ref());
    Ok(())
}

/// Puts the set into every file of the artefact that is to hold it.
pub(super) fn replace(bench: &mut Workbench<'_>, artefact: &Artefact, bundle: &TrustBundle) -> Result<()> {
    let pem = bundle.certificates.as_bytes();
    // An empty or damaged set would lock everybody out.
    first(pem)?;
    for file in &artefact.files {
        if bundle.file.as_ref() == Some(&file.path) {
            bench.replace(file, Secret::new(pem.to_vec()));
        } else if bundle.kubeconfigs.contains(&file.path) {
            let document = bench.kubeconfig(file)?;
            let cluster = document.current()?.cluster.to_owned();
            document.set_certificate_authority(&cluster, pem)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::catalogue::Layout;
    use crate::key::{Algorithm, PrivateKey};
    use crate::kubeconfig::{Client, ClientConfig, Kubeconfig};
    use crate::ops::apply::{Report, apply_supplied};
    use crate::plan::{Installation, Kind, Operation, Plan, PlannedFile, Step};
    use crate::store::{Change, Expected, Store};
    use crate::x509::{Certificate, CertificateTemplate, DistinguishedName, KeyUsage, SerialNumber, SubjectAltNames};

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn certificate(name: &str) -> (Certificate, PrivateKey) {
        let key = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
        let template = CertificateTemplate {
            subject: DistinguishedName::new::<&str>(&[], name).unwrap(),
            subject_alt_names: SubjectAltNames::default(),
            key_usages: vec![KeyUsage::KeyCertSign],
            extended_key_usages: Vec::new(),
            is_ca: true,
            not_before: NOW,
            not_after: NOW + TimeDelta::days(1),
            other_extensions: Vec::new(),
        };
        (template.self_sign(&SerialNumber::random().unwrap(), &key).unwrap(), key)
    }

    /// A node whose `ca.crt` and two kubeconfigs trust one CA.
    struct Node {
        root: tempfile::TempDir,
        old: Certificate,
        new: Certificate,
    }

    const FILES: [&str; 3] = ["/k/pki/ca.crt", "/k/admin.conf", "/k/scheduler.conf"];

    impl Node {
        fn new() -> Self {
            let node =
                Self { root: tempfile::tempdir().unwrap(), old: certificate("old").0, new: certificate("new").0 };
            node.write(FILES[0], &node.old.to_pem());
            for file in &FILES[1..] {
                let (client, key) = certificate("client");
                let document = Kubeconfig::new(&ClientConfig {
                    cluster_name: "kubernetes",
                    server: "https://192.0.2.1:6443",
                    certificate_authority_pem: Some(&node.old.to_pem()),
                    user: "me",
                    client: Client::Certificate { certificate_pem: client.to_pem(), key_pem: key.to_pem() },
                });
                node.write(file, document.to_yaml().expose());
            }
            node
        }

        fn store(&self) -> Store {
            Store::new(Some(self.root.path().to_owned())).unwrap()
        }

        fn write(&self, path: &str, content: &[u8]) {
            let (path, content) = (path.into(), content.to_vec().into());
            let change = Change::Write { path, content, mode: 0o600, expected: Expected::Any };
            self.store().lock(&["/k"]).unwrap().apply(&[change]).unwrap();
        }

        fn read(&self) -> Vec<Vec<u8>> {
            let tree = self.store().read(FILES);
            FILES.iter().map(|path| tree.content(path.as_ref()).unwrap().to_vec()).collect()
        }

        /// The whole set, and the kubeconfigs with it.
        fn both(&self) -> TrustBundle {
            let [ca, kubeconfigs @ ..] = FILES.map(PathBuf::from);
            let wanted = [self.old.clone(), self.new.clone()];
            let bundle = TrustBundle::of_file("ca", &ca, &wanted, std::slice::from_ref(&self.old), NOW);
            TrustBundle { kubeconfigs: kubeconfigs.to_vec(), ..bundle }
        }

        fn apply(&self, steps: Vec<(Kind, Step, &[&str])>) -> crate::error::Result<Report> {
            let layout = Layout { certificates_dir: "/k/pki".into(), kubeconfig_dir: "/k".into() };
            let artefact = |(at, (kind, step, files)): (usize, (Kind, Step, &[&str]))| {
                let files = files.iter().map(|path| PlannedFile { path: path.into(), mode: 0o600 }).collect();
                Artefact::new(&at.to_string(), kind, step, "", files)
            };
            let artefacts = steps.into_iter().enumerate().map(artefact).collect();
            let tree = self.store().read(FILES);
            let mut plan = Plan::new(Operation::Renew, &layout, &tree, NOW, artefacts, Vec::new());
            plan.rootfs = Some(self.root.path().to_owned());
            apply_supplied(&plan, BTreeMap::new())
        }
    }

    fn trusted(kubeconfig: &[u8]) -> Vec<u8> {
        Kubeconfig::parse(kubeconfig).unwrap().current().unwrap().certificate_authority_data.unwrap()
    }

    fn client_of(kubeconfig: &[u8]) -> Vec<u8> {
        Kubeconfig::parse(kubeconfig).unwrap().current().unwrap().client_certificate_data.unwrap()
    }

    #[test]
    fn a_changed_set_of_cas_comes_into_every_file_and_nothing_else_changes() {
        let node = Node::new();
        let before = node.read();
        let step = Step::TrustBundle(node.both());
        let report = node.apply(vec![(Kind::CertificateAuthority, step, &FILES)]).unwrap();
        let both = [node.old.to_pem(), node.new.to_pem()].concat();
        let after = node.read();
        assert_eq!(after[0], both);
        for (after, before) in after.iter().zip(&before).skip(1) {
            assert_eq!(trusted(after), both);
            assert_eq!(client_of(after), client_of(before));
        }
        assert_eq!(report.changed.len(), 1);
        assert_eq!(report.changed[0].action.as_str(), "trust");
        assert_eq!(report.changed[0].files, FILES.map(PathBuf::from));
        assert_eq!(report.changed[0].serial, Some(node.old.serial().to_string()));
    }

    #[test]
    fn two_steps_of_one_plan_change_one_kubeconfig() {
        let node = Node::new();
        let client = certificate("another").0;
        let certificates = Some(String::from_utf8(client.to_pem()).unwrap());
        let install = Step::Install(Installation::Kubeconfig { certificates, key: None, trust: None });
        let trust = Step::TrustBundle(node.both());
        let steps = vec![(Kind::Kubeconfig, install, &FILES[1..2]), (Kind::CertificateAuthority, trust, &FILES[..])];
        assert_eq!(node.apply(steps).unwrap().changed.len(), 2);
        let after = node.read();
        assert_eq!(client_of(&after[1]), client.to_pem());
        assert_eq!(trusted(&after[1]), [node.old.to_pem(), node.new.to_pem()].concat());
        assert_ne!(client_of(&after[2]), client.to_pem());
    }

    #[test]
    fn a_set_that_is_empty_or_a_kubeconfig_that_is_none_leaves_every_file_as_it_was() {
        let node = Node::new();
        let before = node.read();
        for damaged in ["", "no PEM"] {
            let step = Step::TrustBundle(TrustBundle { certificates: damaged.into(), ..node.both() });
            node.apply(vec![(Kind::CertificateAuthority, step, &FILES)]).unwrap_err();
            assert_eq!(node.read(), before);
        }
        node.write(FILES[2], b"clusters: []\n");
        let before = node.read();
        let error = node.apply(vec![(Kind::CertificateAuthority, Step::TrustBundle(node.both()), &FILES)]).unwrap_err();
        assert!(error.code().as_str().starts_with("kubeconfig."), "{error}");
        assert_eq!(node.read(), before);
    }
}
