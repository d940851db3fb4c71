//! The codes of those who call the core: the Python functions and the Ansible modules raise them, and they are declared here,
//! so that one list has all codes.

use crate::error::{Category, findings};

findings! {
    /// What can be wrong with a call from Python or from a playbook.
    pub enum CallerError: Category {
        /// `config=` and `config_text=` are both given; give one.
        #[finding("api.two_configurations", Usage, "Give one of them.")]
        TwoConfigurations,
        /// A path that was given is empty, not UTF-8 text, or holds a NUL character; the message names the argument.
        #[finding("api.bad_path", Usage, "Give the path of a file or folder, as UTF-8 text.")]
        BadPath,
        /// A text that was given is not UTF-8 text; the message names the argument.
        #[finding("api.bad_text", Usage, "Give UTF-8 text.")]
        BadText,
        /// An argument has a fixed list of values, and this is not one of them.
        #[finding("api.unknown_choice", Usage, "Use one of those that the hint lists.")]
        UnknownChoice,
        /// `now=` has no time zone; use an aware datetime, as `datetime.now(timezone.utc)`.
        #[finding("api.naive_datetime", Usage, "Give an aware datetime, as `datetime.now(timezone.utc)`.")]
        NaiveDatetime,
        /// The Python package kubepki is not on the host on which a module runs, for the Python that runs it.
        #[finding("ansible.library_missing", Environment,
            "Install it there, by pip or by the role `kubepki.kubeadm.install`.")]
        LibraryMissing,
        /// The Python package kubepki is on the host, but cannot be loaded.
        #[finding("ansible.library_broken", Environment, "Install it anew.")]
        LibraryBroken,
        /// The Python package kubepki on the host and the collection on the controller are of different versions.
        #[finding("ansible.version_mismatch", Environment, "Upgrade the older of the two; the hint has the command.")]
        VersionMismatch,
        /// `certificate_info` found neither a certificate nor a kubeconfig of the node. The state is unknown then, and roles fail.
        #[finding("ansible.nothing_seen", Environment,
            "Say where the node's files are, with `rootfs`, `certificates_dir` and `kubeconfig_dir`, or make them first.")]
        NothingSeen,
        /// An option of a module is unknown, missing, of another type, or contradicts another; the message says which.
        #[finding("ansible.bad_options", Usage, "`ansible-doc kubepki.kubeadm.MODULE` says which options there are.")]
        BadOptions,
        /// `return_content` is given beside `token`: Ansible would replace the token with asterisks in what is returned.
        #[finding("ansible.token_returned", Usage, "Leave out `return_content`, and read the file of `path` with `no_log`.")]
        TokenReturned,
        /// There is no user or group of the name that `owner` or `group` has.
        #[finding("ansible.unknown_owner", Usage, "Make the user or group first, or give its number.")]
        UnknownOwner,
        /// `mode` cannot be read, or has a set-id or sticky bit.
        #[finding("ansible.bad_mode", Usage, "Write it as `'0600'` or `u=rw,g=,o=`.")]
        BadMode,
    }
}
