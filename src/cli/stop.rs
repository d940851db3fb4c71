//! Why a run stops before its end.
//!
//! In: errors of the core, and what the line said of the node. Out: [`Stop`], which `failure` reports.

use std::io;
use std::path::PathBuf;

use clap::ArgMatches;

use crate::error::{Diagnostic, Error};
use crate::remedy::with_options;
use crate::request::{ConductRequest, NodeRequest};
use crate::store::DEFAULT_BACKUP_DIR;

/// Why a run stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// An error, what is known of the node that it is about, and the exit code if it is not that of its category.
    Error(Error, Box<Given>),
    /// stdout could not be written.
    Output(io::Error),
}

/// What the line said of the node: commands in hints have to be about the same one.
#[derive(Debug, Default)]
pub(super) struct Given {
    node: NodeRequest,
    backup_dir: Option<PathBuf>,
    /// Over which nodes a rotation goes.
    conducted: ConductRequest,
    /// The exit code, if it is not that of the error's category.
    pub(super) exit_code: Option<u8>,
}

/// The node that arguments name; what a verb does not have is not given.
pub(super) fn node_of(matches: &ArgMatches) -> NodeRequest {
    NodeRequest {
        config: path(matches, "config"),
        lenient: matches.try_get_one("lenient").ok().flatten().copied().unwrap_or_default(),
        node_name: matches.try_get_one("node_name").ok().flatten().cloned(),
        certificates_dir: path(matches, "certificates_dir"),
        kubeconfig_dir: path(matches, "kubeconfig_dir"),
        rootfs: path(matches, "rootfs").into(),
        ..NodeRequest::default()
    }
}

fn path(matches: &ArgMatches, name: &str) -> Option<PathBuf> {
    matches.try_get_one(name).ok().flatten().cloned()
}

/// What arguments say of a rotation over nodes; what a verb does not have is as it is by default.
fn conducted_by(matches: &ArgMatches) -> ConductRequest {
    let is_set = |name: &str| matches.try_get_one(name).ok().flatten().copied().unwrap_or_default();
    let mut request = ConductRequest::default();
    request.on.nodes = path(matches, "nodes");
    if let Some(given) = matches.try_get_many::<String>("authority").ok().flatten() {
        *request.on.authority = given.cloned().collect();
    }
    request.coming.new_ca = path(matches, "new_ca");
    request.coming.common_name = matches.try_get_one("common_name").ok().flatten().cloned();
    request.coming.allow_failing_clients = is_set("allow_failing_clients");
    request.keeping.no_etcd_snapshot = is_set("no_etcd_snapshot");
    request.keeping.etcd_snapshot = path(matches, "etcd_snapshot");
    if let Some(life) = matches.try_get_one("token_life").ok().flatten().copied() {
        request.leaving.token_life = life;
    }
    request.evicting.restart_pods = is_set("restart_pods");
    request
}

impl Given {
    /// What the arguments of a verb say; those that it does not have are not given.
    pub(super) fn of(matches: &ArgMatches, exit_code: Option<u8>) -> Self {
        let backup_dir = path(matches, "backup_dir").filter(|dir| dir.as_os_str() != DEFAULT_BACKUP_DIR);
        let conducted = conducted_by(matches);
        Self { node: node_of(matches), backup_dir, conducted, exit_code }
    }

    /// Nothing is known of the node; errors have this exit code, if there is one.
    pub(super) fn ending_with(exit_code: Option<u8>) -> Self {
        Self { exit_code, ..Self::default() }
    }

    /// A hint whose commands are about this node.
    pub(super) fn complete(&self, hint: &str) -> String {
        if !hint.contains('`') || hint.contains(" --help`") {
            return hint.to_owned();
        }
        let hint = self.node.complete_commands(hint);
        let hint = self.conducted.complete(&hint);
        let Some(backup_dir) = &self.backup_dir else { return hint };
        let option = ("--backup-dir", backup_dir.display().to_string());
        with_options(&hint, |words| matches!(words, ["kubepki", "backup", ..]), &[option])
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error, Box::default())
    }
}

impl<T: Diagnostic> From<T> for Stop {
    fn from(error: T) -> Self {
        Error::from(error).into()
    }
}

impl Stop {
    /// The same error, about the node that the line gave.
    pub(super) fn given(self, given: Given) -> Self {
        match self {
            Self::Error(error, _) => Self::Error(error, Box::new(given)),
            Self::Output(error) => Self::Output(error),
        }
    }
}
