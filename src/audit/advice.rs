//! What to do about a finding, on this node: the remedy that fits the file, the node's role and where its CA's key is.
//!
//! In: findings as judgements made them, and what is on the node. Out: the same findings with remedies of the form of
//! [`crate::remedy`]. Whoever judges a file does not know whether its CA can sign here, or whether a request for it
//! waits to be signed; this is where it is known. It judges nothing: codes, severities and paths stay.
//!
//! | part | what it holds |
//! |---|---|
//! | this file | what a finding is about, and remedies that are the same for all files |
//! | `authority` | CAs, the service accounts' keys, somebody else's etcd |
//! | `cause` | what follows from a CA that is not there, has expired, or is another; what is renewed together |
//! | `leaf` | certificates with a key beside them, kubeconfigs |
//! | `kubelet` | the kubelet's own certificates |

mod authority;
mod cause;
mod kubelet;
mod leaf;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub use self::cause::rank;
use super::FindingCode as Code;
use super::subject::or_bind;
use super::{Finding, Settled, Severity};
use crate::catalogue::{
    self, API_SERVER_TO_ETCD, ETCD_CA, KUBELET_CLIENT, KUBELET_SERVER, Kind, KubeletFiles, Layout, Row, with_ending,
};
use crate::component::ServingFiles;
use crate::config::{ClusterSpec, Role};
use crate::error::{Code as AnyCode, Declared as _};
use crate::inventory::Inventory;
use crate::key::KeyError;
use crate::kubeconfig::{KubeconfigError, Mismatch};
use crate::remedy::{command, file};
use crate::store::StoreError;
use crate::tree::Tree;
use crate::x509::{Certificate, X509Error};

/// What is known of the node that the findings are about.
#[derive(Debug)]
pub struct Advisor<'a> {
    /// What the node has.
    pub inventory: &'a Inventory<'a>,
    /// The catalogue's files, the kubelet's, and what is on its way to them.
    pub tree: &'a Tree,
    /// Where they are.
    pub layout: &'a Layout,
    /// The kubelet's.
    pub kubelet: &'a KubeletFiles,
    /// Those that it serves with.
    pub serving: &'a ServingFiles,
    /// What the node is.
    pub spec: &'a ClusterSpec,
    /// Whether a configuration says so.
    pub has_config: bool,
    /// Which of the paths are symbolic links.
    pub links: BTreeSet<PathBuf>,
    /// An older client certificate of the kubelet that is still valid, with its key.
    pub valid_kubelet_client: Option<PathBuf>,
}

/// Who can sign, of the CA in question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signer {
    /// Its key is here, or nothing is known that speaks against it.
    Here,
    /// Its owner, elsewhere.
    Elsewhere,
}

impl Advisor<'_> {
    /// Gives each finding the remedy for this node, where the one that it has is not for this node already.
    pub fn advise(&self, findings: &mut [Finding]) {
        for finding in &mut *findings {
            if let Some(remedy) = self.remedy(finding) {
                finding.remedy = remedy;
            }
        }
        follow_the_certificate(findings);
        if !self.follow_the_authority(findings) {
            self.renew_together(findings);
        }
    }

    fn remedy(&self, finding: &Finding) -> Option<String> {
        let row = self.row(finding);
        let signs_here = row.is_some_and(|row| self.signs_here(row));
        match (Code::of(finding.code), &finding.settled) {
            (Some(Code::AuthorityExternal), _) if row.is_some_and(|row| row.kind == Kind::KubeletClient) => {
                return Some(self.for_external_kubelet_client(finding));
            }
            (Some(Code::AuthorityExternal | Code::KubeconfigNoCertificate), _) => return self.waiting_kubeconfig(row?),
            (None, _) if finding.code == Mismatch::OTHER_SERVER => return self.waiting_kubeconfig(row?),
            (Some(Code::FileModeTooWide), _) => {
                return finding.path.as_ref().map(|path| command(["chmod".as_ref(), "600".as_ref(), path.as_os_str()]));
            }
            // A CA's key goes with the CA, and every certificate of it.
            (
                Some(
                    Code::KeyWeak
                    | Code::KeyPublished
                    | Code::KeySharedPrime
                    | Code::KeyUnusable
                    | Code::CertificateKeyIdentifier
                    | Code::CertificateKeyUsages,
                ),
                _,
            ) if row.is_none_or(|row| !matches!(row.kind, Kind::Leaf | Kind::Kubeconfig)) => {
                return None;
            }
            (_, Settled::AuthorityForbids) => return self.for_issuer(row?, finding),
            (_, Settled::AuthorityForbidsName(name)) => {
                return self.for_forbidden_name(row?, name.as_deref()?, finding);
            }
            // Made again elsewhere, or made right by a rule in the cluster.
            (_, Settled::WhereSigned(Some(binding))) if !signs_here => {
                let row = row.filter(|row| matches!(row.kind, Kind::Leaf | Kind::Kubeconfig));
                let ask = self.for_row(Some(row?), finding)?;
                return Some(format!("{ask}; {}", or_bind(binding)));
            }
            (_, Settled::WhereSigned(_)) if signs_here => return None,
            (_, Settled::Nothing | Settled::Chosen) => return None,
            // A link further up leads nowhere: a disk that is not mounted, perhaps.
            (None, _)
                if is_link(finding.code) && !finding.path.as_ref().is_some_and(|path| self.links.contains(path)) =>
            {
                return None;
            }
            _ => {}
        }
        // Options of the run (--remove-san, say) are put right by whoever judged them, not by a new file.
        if !is_judged_here(finding.code) {
            return None;
        }
        let remedy = self.for_row(row, finding)?;
        // What is no file stands in the way of one.
        let mut path = finding.path.iter().filter(|_| is_no_file(finding.code));
        Some(match path.find_map(|path| self.remove([path])) {
            Some(clear) if !Self::removes(finding, &remedy) => format!("{clear}, then {remedy}"),
            _ => remedy,
        })
    }

    fn for_row(&self, row: Option<&'static Row>, finding: &Finding) -> Option<String> {
        let subject = finding.subject.as_str();
        let Some(row) = row else {
            return if self.is_foreign_etcds(subject) {
                Some(self.for_foreign_etcd(finding))
            } else if is_named(&self.kubelet.own_certificate(), subject) {
                Some(self.for_kubelets_own(finding))
            } else {
                for_other(finding)
            };
        };
        Some(match row.kind {
            Kind::Authority => self.for_authority(row, finding),
            Kind::Leaf => self.for_leaf(row, finding),
            Kind::Kubeconfig => self.for_kubeconfig(row, finding),
            Kind::ServiceAccount => self.for_service_account(finding),
            Kind::KubeletClient => self.for_kubelet_client(finding),
            Kind::KubeletServer => self.for_kubelet_server(finding),
        })
    }

    /// What of the catalogue a finding is about; `None` for somebody else's etcd, the certificate that the kubelet makes
    /// for itself, and files that were named besides.
    fn row(&self, finding: &Finding) -> Option<&'static Row> {
        let (subject, client) = (finding.subject.as_str(), self.kubelet.client());
        let name = match catalogue::row(subject) {
            _ if self.is_foreign_etcds(subject) => return None,
            // A kubeconfig that leads to the kubelet's certificate has that one's fault.
            Some(row) if row.kind == Kind::Kubeconfig && finding.path.as_ref() == Some(&client) => KUBELET_CLIENT,
            Some(row) => return Some(row),
            None if is_named(&client, subject) => KUBELET_CLIENT,
            None if is_named(&self.kubelet.server(), subject) => KUBELET_SERVER,
            None => return None,
        };
        catalogue::row(name)
    }

    /// Whether it is somebody else's: the CA of etcd, and the certificate that etcd wants to see.
    fn is_foreign_etcds(&self, subject: &str) -> bool {
        self.spec.has_external_etcd() && matches!(subject, ETCD_CA | API_SERVER_TO_ETCD)
    }

    /// Who signs what `issuer` signs.
    fn signer(&self, issuer: &str) -> Signer {
        if self.spec.role == Role::Worker {
            return Signer::Elsewhere;
        }
        if self.inventory.is_external(issuer) { Signer::Elsewhere } else { Signer::Here }
    }

    /// The certificate in use.
    fn leaf(&self, name: &str) -> Option<&Certificate> {
        self.inventory.get(name)?.leaf()
    }

    fn signs_here(&self, row: &Row) -> bool {
        matches!(row.kind, Kind::Leaf | Kind::Kubeconfig) && self.signer(row.issuer) == Signer::Here
    }

    /// A command of ours that makes something as the configuration says. Where none was given, it has to be named.
    fn configured<const N: usize>(&self, words: [&str; N]) -> String {
        let missing: &[&str] = if self.has_config { &[] } else { &["--config", "FILE"] };
        command(words.iter().chain(missing))
    }

    /// What `FILE` is in the commands before, where it is in them.
    fn explanation(&self) -> &'static str {
        if self.has_config { "" } else { " (FILE: this node's kubeadm configuration)" }
    }

    /// Whether a remedy takes the finding's file away already.
    fn removes(finding: &Finding, remedy: &str) -> bool {
        let path = finding.path.as_deref().map(Path::to_string_lossy).unwrap_or_default();
        let is_link = is_link(finding.code);
        let removes = |code: &str| code.starts_with("rm ") || code.starts_with("mv ");
        let takes =
            |code: &str| (removes(code) || is_link && code.starts_with("ln -s -f -n ")) && code.contains(&*path);
        remedy.split('`').any(takes)
    }

    /// Takes away those of the files that are there; a folder in a file's place is only moved.
    fn remove<'p>(&self, paths: impl IntoIterator<Item = &'p PathBuf>) -> Option<String> {
        let mut there: Vec<_> = paths.into_iter().filter(|path| self.tree.is_there(path)).collect();
        // One file may hold certificate and key.
        there.dedup();
        let is_folder = |path: &PathBuf| self.tree.get(path).failing_with(StoreError::IS_A_DIRECTORY).is_some();
        let (folders, files): (Vec<_>, Vec<_>) = there.into_iter().partition(|path| is_folder(path));
        let moves = folders.into_iter().map(|path| {
            let away = with_ending(path, "old");
            command(["mv".as_ref(), path.as_os_str(), away.as_os_str()])
        });
        let names = files.iter().map(|path| path.as_os_str());
        let removal = (!files.is_empty()).then(|| command(std::iter::once("rm".as_ref()).chain(names)));
        let all: Vec<_> = moves.chain(removal).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }
}

/// A CA is not embedded beside a certificate that cannot be used. What puts the certificate right embeds the CA too.
fn follow_the_certificate(findings: &mut [Finding]) {
    let is_the_certificates = |one: &&Finding| {
        one.severity == Severity::Critical
            && (is_put_right_by_renewal(one.code)
                || one.code == Code::CertificateMissingUsages
                || KeyError::declares(one.code)
                || X509Error::declares(one.code))
            && catalogue::kubeconfig(&one.subject).is_some()
    };
    let remedies: BTreeMap<_, _> =
        findings.iter().filter(is_the_certificates).map(|one| (one.subject.clone(), one.remedy.clone())).collect();
    for finding in findings.iter_mut().filter(|one| is_about_the_authority(one.code)) {
        if let Some(remedy) = remedies.get(&finding.subject) {
            finding.remedy.clone_from(remedy);
        }
    }
}

/// Whether a finding is about the CA in a kubeconfig.
fn is_about_the_authority(code: AnyCode) -> bool {
    Mismatch::declares(code) && code != Mismatch::OTHER_SERVER
}

/// `a`, `b` and `c`, as files that have to come from elsewhere.
fn files<'p>(paths: impl IntoIterator<Item = &'p PathBuf>) -> String {
    let named: Vec<_> = paths.into_iter().map(|path| file(path)).collect();
    named.join(" and ")
}

/// What is in a file's place is none. Of the way to a file others have said what to do.
fn is_no_file(code: AnyCode) -> bool {
    [StoreError::IS_A_DIRECTORY, StoreError::NOT_A_REGULAR_FILE, StoreError::TOO_LARGE].contains(&code) || is_link(code)
}

/// A link that leads nowhere.
fn is_link(code: AnyCode) -> bool {
    [StoreError::DANGLING_SYMLINK, StoreError::SYMLINK_LOOP].contains(&code)
}

/// What may be put right by the key that belongs to the certificate.
fn is_keys(code: AnyCode) -> bool {
    KeyError::declares(code) || code == Code::KeyMismatch || code == Code::FileMissing
}

/// Codes whose remedies are all made here.
fn is_judged_here(code: AnyCode) -> bool {
    let known = [
        Code::FileMissing,
        Code::CertificateExpired,
        Code::CertificateExpiresSoon,
        Code::CertificateNotYetValid,
        Code::CertificateUntrusted,
        Code::CertificateOutlivesAuthority,
        Code::CertificateMissingNames,
        Code::CertificateMissingUsages,
        Code::CertificateOtherSubject,
        Code::CertificateOtherNode,
        Code::AuthorityMissing,
        Code::AuthorityExternalIncomplete,
        Code::AuthorityNotAnAuthority,
        Code::AuthorityUsages,
        Code::KeyMismatch,
        Code::KeyWeak,
        Code::KeyPublished,
        Code::KeySharedPrime,
        Code::KeyUnusable,
        Code::CertificateKeyIdentifier,
        Code::CertificateKeyUsages,
        Code::ServiceAccountMismatch,
        Code::SharedFileMissing,
    ];
    let declared = [X509Error::declares, KeyError::declares, KubeconfigError::declares, Mismatch::declares, is_no_file];
    known.iter().any(|one| code == *one) || declared.iter().any(|declares| declares(code))
}

/// Whether a new certificate with the same content puts it right.
fn is_put_right_by_renewal(code: AnyCode) -> bool {
    [
        Code::CertificateExpired,
        Code::CertificateExpiresSoon,
        Code::CertificateNotYetValid,
        Code::CertificateUntrusted,
        Code::CertificateOutlivesAuthority,
        Code::CertificateKeyIdentifier,
        Code::KeyMismatch,
        Code::KeyWeak,
        Code::KeyPublished,
        Code::KeySharedPrime,
    ]
    .iter()
    .any(|one| code == *one)
}

/// What comes before the commands for some codes.
fn opening(code: AnyCode) -> &'static str {
    match Code::of(code) {
        Some(Code::CertificateNotYetValid) => {
            "check the clocks of this machine and of the one that made it; if they are right: "
        }
        Some(Code::CertificateOtherSubject) => "see which access rules name this subject; to have kubeadm's: ",
        Some(Code::CertificateOutlivesAuthority) => {
            "it is useless once its CA has expired; to have one that ends with its CA: "
        }
        _ => "",
    }
}

fn is_named(path: &Path, name: &str) -> bool {
    path.file_name().is_some_and(|own| own == name)
}

/// A file that the user named: nobody knows how it was made.
fn for_other(finding: &Finding) -> Option<String> {
    let text = match Code::of(finding.code)? {
        Code::CertificateExpired | Code::CertificateExpiresSoon | Code::CertificateNotYetValid => {
            "have it renewed where it was issued, and put the new one in its place"
        }
        Code::FileMissing => "put the file there, or leave it out of the check",
        Code::KeyMismatch => "put the key there that belongs to the certificate",
        _ => return None,
    };
    Some(text.to_owned())
}
