//! Every class of a value, by its name. Python is given one when it first asks: to make them all takes longer than most verbs.
//!
//! In: a name that the module does not have yet. Out: the class, which the module keeps.

use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::stub::Class;

macro_rules! classes {
    ($($class:ident),* $(,)?) => {
        /// What is declared of each.
        const ALL: &[Class] = &[$(super::$class::STUB),*];

        fn made<'py>(py: Python<'py>, name: &str) -> Option<Bound<'py, PyType>> {
            match name {
                $(stringify!($class) => Some(py.get_type::<super::$class>()),)*
                _ => None,
            }
        }
    };
}

classes! {
    AccessReport, AffectedObject, Anchor, Artefact, AuditLog, AuthorityRotation, AwaitedRequest, Backup, BackupFile, Bundle, BundleEntry, Certificate, CertificateFile, Changed, ChangedObject, CheckReport, ClusterSpec, ClusterState, ComponentRestart, Configuration, Credential, CredentialUse, DueRestart, Endpoint, EnsuredUser, EtcdSnapshot, ExpirationReport, ExpirationRow, FileProblem, Finding, FleetFinding, FleetReport, HeldManifest, InterruptedChange, LiveCertificate, NodeRotation, NodeServing, Obstacle, Plan, PlannedFile, ProbeReport, ProbedEndpoint, Problem, PruneFailure, PruneReport, Recovery, RecoveryReport, Report, RestartPlan, RestartReport, Restarted, RestartedPod, ReviewedRequest, RotationGate, RotationLeg, RotationPlan, RotationReport, RotationStep, SeenNode, ServingReport, ServingRequirement, ServingSetup, Setting, SignedCertificate, SignedLeaf, Signer, SignerProbe, SignersReport, StatusCounts, TreeReport, TrustElsewhere, Unit, UnitChange, UnknownCredential, UploadedBundle, UserKubeconfig,
}

/// The classes as `_core.pyi` has them.
#[pyfunction]
pub(in crate::python) fn values_stub() -> String {
    ALL.iter().map(Class::text).collect::<Vec<_>>().join("\n")
}

/// Offers all of them in a module.
pub(in crate::python) fn offer(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let names = module.index()?;
    ALL.iter().try_for_each(|class| names.append(class.name))?;
    // PEP 562. The module does not export it, so it is not in `__all__`.
    module.setattr("__getattr__", wrap_pyfunction!(class, module)?)
}

/// Makes a class when it is first asked for.
///
/// # Errors
/// `AttributeError`: there is none of the name.
#[pyfunction]
#[pyo3(pass_module)]
fn class<'py>(module: &Bound<'py, PyModule>, name: &str) -> PyResult<Bound<'py, PyType>> {
    let Some(class) = made(module.py(), name) else {
        let message = format!("module '{}' has no attribute '{name}'", module.name()?);
        return Err(PyAttributeError::new_err(message));
    };
    module.setattr(name, &class)?;
    Ok(class)
}
