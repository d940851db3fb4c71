//! Somebody else's etcd: the client certificate that the API server shows it, and the CA that it is asked to have.
//!
//! kubeadm lists neither, though the API server stops when one ends. Both are the etcd owner's: only their validity,
//! their purpose and their key are judged, where the configuration says that they are, or where kubeadm puts them.

use std::path::PathBuf;

use crate::audit::Finding;
use crate::audit::certificate::judge_pair;
use crate::audit::node::Checkup;
use crate::catalogue::{self, API_SERVER_TO_ETCD as CLIENT, ETCD_CA as AUTHORITY};
use crate::config::Etcd;
use crate::inventory::{Expectation, Found, Part};
use crate::store::Store;
use crate::x509::{ExtendedKeyUsage, read_certificates};

impl Checkup<'_> {
    pub(super) fn external_etcd(&mut self, store: &Store) {
        let Etcd::External { ca_file, cert_file, key_file, .. } = &self.inventory.spec.etcd else { return };
        // Without a configuration it is unknown whether there must be any.
        let is_said = |path: &str| self.inventory.is_said && !path.is_empty();
        let (ca_is_said, client_is_said) = (is_said(ca_file), is_said(cert_file));
        if self.inventory.is_said && !ca_is_said {
            return;
        }
        let layout = self.inventory.layout;
        let or = |path: &str, usual: PathBuf| if path.is_empty() { usual } else { PathBuf::from(path) };
        let ca_path = or(ca_file, catalogue::row(AUTHORITY).map(|row| layout.of(row)).unwrap_or_default());
        let pair_paths = (or(cert_file, layout.certificate(CLIENT)), or(key_file, layout.key(CLIENT)));

        let tree = store.read([&ca_path, &pair_paths.0, &pair_paths.1]);
        // The CA's key is not asked for: read as a pair, it would be missing.
        match Part::read(&tree, &ca_path, read_certificates) {
            Part::Missing => self.missing(AUTHORITY, &ca_path, !ca_is_said),
            Part::Present(certificates) => self.judge_extra(AUTHORITY, &ca_path, &certificates),
            Part::Broken(fault) => self.findings.push(Finding::unusable(AUTHORITY, &ca_path, fault)),
        }

        let pair = Found::pair(&tree, pair_paths.0, pair_paths.1);
        if pair.is_missing() {
            return self.missing(CLIENT, &pair.certificate_path, !client_is_said);
        }
        let expectation = Expectation::usages(&[ExtendedKeyUsage::ClientAuth]);
        let findings = judge_pair(CLIENT, &pair, &tree, &expectation, &[], self.thresholds, self.now);
        self.findings.extend(findings);
        self.see_leaf(CLIENT, &pair);
    }
}
