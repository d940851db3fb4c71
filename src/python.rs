//! The Python binding: the native module `kubepki._core`.
//!
//! In: Python values. Out: the classes of [`values`], plain data (strings, dictionaries, lists), or a `kubepki.errors` exception. It converts, calls a floor below and
//! converts back; it takes no decision about certificates, and work runs with the GIL released
//! ([`call::detached`]). The module is private to the Python package: `kubepki` re-exports what users need.

mod audit;
mod backup;
mod build;
mod bundle;
mod call;
mod cluster;
mod command;
mod data;
mod exceptions;
mod key;
mod logging;
mod operations;
mod recover;
mod restart;
mod rotate;
mod serving;
mod systemd;
mod text;
mod user;
mod values;
mod verbs;

use pyo3::prelude::*;

/// The native core of the `kubepki` package. Private: use `kubepki`.
#[pymodule]
#[pyo3(name = "_core")]
mod native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::audit::{Seen, Trees, audit_places, audit_trees, fleet_report};
    #[pymodule_export]
    use super::backup::{list_backups, show_backup};
    #[pymodule_export]
    use super::build::build_info;
    #[pymodule_export]
    use super::bundle::{
        certificate_key, download_bundle, export_bundle, import_bundle, plan_import_bundle, upload_bundle,
    };
    #[pymodule_export]
    use super::call::_panic;
    #[pymodule_export]
    use super::call::refuse_core_dumps;
    #[pymodule_export]
    use super::cluster::{cluster_configuration, show_signers};
    #[pymodule_export]
    use super::command::main;
    #[pymodule_export]
    use super::key::parse_algorithm;
    #[pymodule_export]
    use super::operations::{
        apply_plan, certificate_names, check, check_files, expiration, kubeconfig_names, leaf_names,
        load_configuration, parse_certificates, parse_moment, read_certificates, rehearse_plan, renewable_names,
        to_yaml,
    };
    #[pymodule_export]
    use super::recover::recover;
    #[pymodule_export]
    use super::restart::{must_restart, plan_restart, restart};
    #[pymodule_export]
    use super::rotate::{node_rotation, plan_rotation, rotate, rotation_status};
    #[pymodule_export]
    use super::serving::{enable_serving_certs, kubelet_csrs, require_serving_certs};
    #[pymodule_export]
    use super::systemd::{install_units, remove_units, schedule_units};
    #[pymodule_export]
    use super::text::{duration_seconds, printable};
    #[pymodule_export]
    use super::user::{ensure_user, user_kubeconfig, write_secret_file};
    #[pymodule_export]
    use super::values::{classes::values_stub, enumeration_words};
    #[pymodule_export]
    use super::verbs::{
        access, plan_cleanup, plan_embed, plan_generate_csr, plan_import, plan_init, plan_renew, plan_renew_ca,
        plan_restore, plan_sign, probe, prune_backups, sign_csr,
    };

    #[pymodule_init]
    fn initialise(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::logging::refresh(module.py());
        crate::error::read_codes_by(crate::cli::codes::declared);
        super::values::classes::offer(module)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        log::debug!(target: "kubepki", "native core {} loaded", env!("CARGO_PKG_VERSION"));
        Ok(())
    }
}
