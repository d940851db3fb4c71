//! Why a tree could not be read, where the store's own errors do not say it.

use std::path::PathBuf;

use crate::error::faults;

faults! {
    /// Why nothing is known of a place.
    pub enum AuditError {
        /// There is no file of a node at any depth: no `etc/kubernetes`, no `pki` folder, no archive and no kubeconfig.
        #[error("{} holds no node's files", path.display())]
        #[fault("audit.nothing_there", Environment,
            "name a folder with etc/kubernetes in it, a pki folder, a tar archive, a kubeconfig or a report in JSON")]
        NothingThere {
            /// The folder or the archive.
            path: PathBuf,
        },
        /// A JSON file is none that a check, an audit or Ansible's role `audit` writes, or a part of it is not.
        #[error("{}: {reason}", path.display())]
        #[fault("audit.bad_report", Environment,
            "give what `kubepki check -o json`, `kubepki audit -o json` or the role audit has written, unchanged")]
        BadReport {
            /// The file.
            path: PathBuf,
            /// What is wrong with it.
            reason: String,
        },
        /// The host of a report was not checked; the message is what it answered.
        #[error("the host was not checked: {reason}")]
        #[fault("audit.not_checked", Environment, "look at the run that made the report")]
        NotChecked {
            /// What the report says.
            reason: String,
        },
        /// More than 2,000 files or 16 MiB of one node are in an archive: what is beyond was not looked at.
        #[error("{} holds more of one node than is read", path.display())]
        #[fault("audit.tree_too_large", Environment, "unpack the archive and name the folder")]
        TreeTooLarge {
            /// The archive.
            path: PathBuf,
        },
        /// More than 100,000 nodes are in an archive: those that come after them were not looked at.
        #[error("{} holds more than {limit} nodes", path.display())]
        #[fault("audit.too_many_trees", Environment,
            "what comes after them was not looked at: divide the archive, or unpack it and name the folder")]
        TooManyTrees {
            /// The archive.
            path: PathBuf,
            /// The limit.
            limit: usize,
        },
        /// The files of a node are too far apart in an archive: some of them come after those of 64 other nodes.
        #[error("the files of {member} are not together in {}", path.display())]
        #[fault("audit.scattered", Environment, "unpack the archive and name the folder")]
        Scattered {
            /// The archive.
            path: PathBuf,
            /// The node's folder in it.
            member: String,
        },
        /// The folder is nested too deep, or holds too much.
        #[error("{} is nested more than {depth} levels deep", path.display())]
        #[fault("audit.too_deep", Environment, "name the folders below it that hold nodes' files")]
        TooDeep {
            /// The folder.
            path: PathBuf,
            /// The limit.
            depth: usize,
        },
    }
}
