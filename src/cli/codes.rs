//! Every code of an error, a finding, a request's fault or a configuration's problem, as it is declared.
//!
//! In: the declarations of all modules. Out: one list of them, for `kubepki explain` and for the tables of the reference.

use crate::audit::{FindingCode, RequestFault};
use crate::bundle::BundleError;
use crate::certificate_key::CertificateKeyError;
use crate::config::{ConfigError, PROBLEMS};
use crate::edge::cluster::ClusterError;
use crate::edge::process::ProcessError;
use crate::edge::tls::ProbeError;
use crate::error::{Code, Declaration, Declared as _, InternalError};
use crate::key::{BlocklistError, KeyError};
use crate::kubeconfig::{KubeconfigError, Mismatch};
use crate::ops::OperationError;
use crate::ops::audit::AuditError;
use crate::ops::cleanup::CleanupError;
use crate::ops::embed::EmbedError;
use crate::ops::etcd_snapshot::EtcdSnapshotError;
use crate::ops::output::OutputError;
use crate::ops::restart::RestartError;
use crate::ops::rotate::conduct::ConductError;
use crate::ops::rotate::material::MaterialError;
use crate::ops::rotate::nodes::NodesError;
use crate::ops::rotate::obstacles::ObstacleError;
use crate::ops::rotate::own_cluster::OwnClusterError;
use crate::ops::rotate::reserve::ReserveError;
use crate::ops::rotate::unused::UnusedError;
use crate::ops::signer::SignerError;
use crate::ops::signing::SigningError;
use crate::ops::systemd::SystemdError;
use crate::plan::rotate::RotateError;
use crate::plan::rotate::course::CourseError;
use crate::plan::serving::ServingError;
use crate::plan::setting::SettingError;
use crate::plan::units::UnitError;
use crate::plan::user::UserError;
use crate::policy::PolicyError;
use crate::request::RequestError;
use crate::store::StoreError;
use crate::store::backup::BackupError;
use crate::x509::X509Error;

use super::callers::CallerError;
use super::error::CommandError;

/// All errors; those of one area stand together, in this order.
pub const ERRORS: &[&[Declaration]] = &[
    InternalError::DECLARATIONS,
    ConfigError::DECLARATIONS,
    CommandError::DECLARATIONS,
    CallerError::DECLARATIONS,
    RequestError::DECLARATIONS,
    OperationError::DECLARATIONS,
    PolicyError::DECLARATIONS,
    UserError::DECLARATIONS,
    CertificateKeyError::DECLARATIONS,
    BundleError::DECLARATIONS,
    EmbedError::DECLARATIONS,
    CleanupError::DECLARATIONS,
    OutputError::DECLARATIONS,
    AuditError::DECLARATIONS,
    BackupError::DECLARATIONS,
    UnitError::DECLARATIONS,
    SystemdError::DECLARATIONS,
    KeyError::DECLARATIONS,
    BlocklistError::DECLARATIONS,
    X509Error::DECLARATIONS,
    KubeconfigError::DECLARATIONS,
    Mismatch::DECLARATIONS,
    StoreError::DECLARATIONS,
    RestartError::DECLARATIONS,
    SettingError::DECLARATIONS,
    ServingError::DECLARATIONS,
    ProbeError::DECLARATIONS,
    ProcessError::DECLARATIONS,
    ClusterError::DECLARATIONS,
    EtcdSnapshotError::DECLARATIONS,
    SignerError::DECLARATIONS,
    SigningError::DECLARATIONS,
    RotateError::DECLARATIONS,
    CourseError::DECLARATIONS,
    ConductError::DECLARATIONS,
    MaterialError::DECLARATIONS,
    NodesError::DECLARATIONS,
    ObstacleError::DECLARATIONS,
    OwnClusterError::DECLARATIONS,
    ReserveError::DECLARATIONS,
    UnusedError::DECLARATIONS,
];

/// What is found on a node.
pub const FINDINGS: &[Declaration] = FindingCode::DECLARATIONS;

/// What is wrong with a signing request.
pub const REQUESTS: &[Declaration] = RequestFault::DECLARATIONS;

/// What is wrong with a configuration.
pub const CONFIGURATION: &[Declaration] = PROBLEMS;

/// All of them, and what each is the code of.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static Declaration)> {
    let errors = ERRORS.iter().copied().flatten().map(|one| ("error", one));
    let findings = FINDINGS.iter().map(|one| ("finding", one));
    let requests = REQUESTS.iter().map(|one| ("fault of a request", one));
    let problems = CONFIGURATION.iter().map(|one| ("problem of a configuration", one));
    errors.chain(findings).chain(requests).chain(problems)
}

/// The text of each.
pub(super) fn names() -> Vec<&'static str> {
    all().map(|(_, one)| one.code.as_str()).collect()
}

/// The code with this text, of all that are declared.
#[must_use]
pub fn declared(text: &str) -> Option<Code> {
    all().map(|(_, one)| one.code).find(|code| code.as_str() == text)
}
