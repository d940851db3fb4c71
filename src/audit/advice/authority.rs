//! CAs, the service accounts' keys, and somebody else's etcd: what is shared cannot be made anew on one node.

use super::{Advisor, Signer, files, opening};
use crate::audit::{Finding, FindingCode};
use crate::catalogue::{self, API_SERVER, API_SERVER_TO_ETCD, Aside, CLUSTER_CA, Kind, Row, SERVICE_ACCOUNT};
use crate::config::{Etcd, Role};
use crate::inventory::{Found, Item};
use crate::remedy::command;

/// The verb, which is called as the cluster's CA is.
const RENEW: [&str; 3] = ["kubepki", CLUSTER_CA, "renew"];

impl Advisor<'_> {
    pub(super) fn for_authority(&self, row: &Row, finding: &Finding) -> String {
        let (certificate, key) = (self.layout.certificate(row.base_name), self.layout.key(row.base_name));
        let Some(pair) = self.inventory.get(row.name).map(Item::pair) else { return String::new() };
        if pair.is_missing() && self.may_make_authority(row) {
            return self.make_all();
        }
        let is_worker = self.spec.role == Role::Worker;
        let is_key = finding.path.as_ref() == Some(&key) && !pair.key.is_missing();
        if finding.code == FindingCode::KeyMismatch
            && let Some((place, _)) = pair.other_certificate_of_key()
        {
            return format!(
                "put certificate number {place} of {} before the others: the first one is the one that signs",
                files(vec![&certificate])
            );
        }
        let needed = match FindingCode::of(finding.code) {
            Some(
                FindingCode::KeyMismatch
                | FindingCode::CertificateExpired
                | FindingCode::CertificateExpiresSoon
                | FindingCode::CertificateNotYetValid
                | FindingCode::CertificateOutlivesAuthority,
            ) if !is_worker && !pair.is_external() => {
                vec![&certificate, &key]
            }
            _ if is_key => vec![&key],
            _ if pair.is_missing() && !is_worker => vec![&certificate, &key],
            _ => vec![&certificate],
        };
        match FindingCode::of(finding.code) {
            Some(
                FindingCode::CertificateExpired
                | FindingCode::CertificateExpiresSoon
                | FindingCode::CertificateOutlivesAuthority,
            ) => self.renew_authority(row, pair),
            code => {
                let from = if code == Some(FindingCode::SharedFileMissing) && !is_worker {
                    "from the first control-plane node"
                } else if is_worker {
                    "from a control-plane node"
                } else if pair.is_external() {
                    "from its owner, a backup or another control-plane node"
                } else {
                    "from a backup or another control-plane node"
                };
                format!("{}restore {} {from}", opening(finding.code), files(needed))
            }
        }
    }

    /// A CA that ends: with the key that it has, all that it has signed stays valid.
    fn renew_authority(&self, row: &Row, pair: &Found) -> String {
        let is_own = pair.certificate().is_some_and(|one| one.subject() == one.issuer());
        if is_own && self.spec.role != Role::Worker && !pair.is_external() {
            return format!(
                "renew it with the key that it has, and all that it has signed stays valid: {}; where that key may be known to others, \
                 replace the CA",
                command(RENEW.into_iter().chain([row.name]))
            );
        }
        format!(
            "have it renewed where its key is, with this key and this name, and bring the certificate here: {} (FILE: the new certificate)",
            command(RENEW.into_iter().chain([row.name, "--certificate", "FILE"]))
        )
    }

    /// The CA of `row`, which refuses what it is asked to sign.
    pub(super) fn for_issuer(&self, row: &Row, finding: &Finding) -> Option<String> {
        let authority = catalogue::authority(row.issuer)?;
        Some(format!("a new one of this CA would be refused too; {}", self.for_authority(authority, finding)))
    }

    /// A certificate with a name that its CA's constraints do not permit.
    pub(super) fn for_forbidden_name(&self, row: &Row, name: &str, finding: &Finding) -> Option<String> {
        if row.kind != Kind::Leaf {
            return self.for_issuer(row, finding);
        }
        let is_in_use =
            self.leaf(row.name).is_some_and(|leaf| leaf.subject_alt_names().iter().any(|one| one.to_string() == name));
        let (_, plain) = name.split_once(':')?;
        Some(if is_in_use && self.signer(row.issuer) == Signer::Here {
            let renew = command(["kubepki", "certs", "renew", row.name, "--remove-san", plain]);
            format!("renew it without this name: {renew}; if it needs the name, its CA has to permit it")
        } else {
            let restore = self.for_issuer(row, finding)?;
            format!("leave {plain} out of the command and the configuration; if it needs the name: {restore}")
        })
    }

    /// Whether nothing that this CA signed would be left alone by a new one.
    fn may_make_authority(&self, row: &Row) -> bool {
        let mut signed = catalogue::rows([Kind::Leaf, Kind::Kubeconfig]).filter(|one| one.is_signed_by(row));
        self.has_config
            && self.spec.role == Role::ControlPlane
            && !signed.any(|one| one.is_on(self.spec) && self.tree.is_there(&self.layout.of(one)))
    }

    /// All that is lacking, at once.
    pub(super) fn make_all(&self) -> String {
        format!("make all that is missing: {}{}", self.configured(["kubepki", "init"]), self.explanation())
    }

    pub(super) fn for_service_account(&self, finding: &Finding) -> String {
        let (key, public) = (self.layout.service_account_key(), self.layout.service_account_public_key());
        let make = self.configured(["kubepki", "certs", "init", SERVICE_ACCOUNT]);
        let explanation = self.explanation();
        let has_key = self.tree.is_there(&key);
        let mut aside = [Aside::Next, Aside::Previous].into_iter().map(|one| self.layout.aside(SERVICE_ACCOUNT, one));
        if finding.path.as_ref() == Some(&public) && has_key && aside.any(|one| self.tree.is_there(&one.public)) {
            // Made from sa.key it would lack the key that comes, or went.
            let status = command(["kubepki", "rotate", "status"]);
            return format!(
                "sa.key is being replaced, so leave sa.pub there: {status} says how far that is, and what comes next"
            );
        }
        if finding.path.as_ref() == Some(&public) && has_key {
            return match self.remove([&public]) {
                None => format!("make it from sa.key: {make}{explanation}"),
                Some(remove) => format!(
                    "if sa.key is the cluster's, make sa.pub from it: {remove}, {make}{explanation}; else restore sa.key from another control-plane node"
                ),
            };
        }
        let is_new = !has_key
            && !self.tree.is_there(&public)
            && self.has_config
            && self.spec.role == Role::ControlPlane
            && !self.tree.is_there(&self.layout.certificate(API_SERVER));
        if is_new {
            return self.make_all();
        }
        let needed = if self.tree.is_there(&public) { vec![&key] } else { vec![&key, &public] };
        let from = if finding.code == FindingCode::SharedFileMissing {
            "the first control-plane node"
        } else {
            "a backup or another control-plane node"
        };
        format!("restore {} from {from}: with a new key every token would be refused", files(needed))
    }

    pub(super) fn for_foreign_etcd(&self, finding: &Finding) -> String {
        let Some(path) = &finding.path else { return "ask the owner of the etcd cluster".to_owned() };
        let (mut certificate, mut key) =
            (self.layout.certificate(API_SERVER_TO_ETCD), self.layout.key(API_SERVER_TO_ETCD));
        if let Etcd::External { cert_file, key_file, .. } = &self.spec.etcd
            && !cert_file.is_empty()
        {
            (certificate, key) = (cert_file.into(), key_file.into());
        }
        let is_client = *path == certificate || *path == key;
        let needed = if is_client { vec![&certificate, &key] } else { vec![path] };
        format!("{}get {} from the owner of the etcd cluster", opening(finding.code), files(needed))
    }
}
