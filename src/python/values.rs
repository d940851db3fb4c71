//! The values that Python sees: frozen classes over the core's own, each declared once by [`values!`].
//!
//! In: values of the core. Out: objects whose attributes are converted when they are asked for ([`convert`]), and which
//! are compared, hashed, copied and pickled by their plain data ([`plain`]). `_core.pyi` is made of the same declarations
//! ([`stub`]). Only what is shown of a secret is ever within one.

mod access;
mod audit;
mod backup;
mod bundle;
mod certificate;
pub(super) mod classes;
mod configuration;
mod convert;
mod expiration;
mod finding;
pub(super) mod page;
mod plain;
mod plan;
mod probe;
mod recover;
mod restart;
mod rotate;
mod serving;
mod settings;
mod shown;
mod signer;
pub(super) mod stub;
mod systemd;
mod user;
mod words;

pub(super) use access::{AccessReport, AuditLog, Credential, CredentialUse, UnknownCredential};
pub(super) use audit::{FleetFinding, FleetReport, StatusCounts, TreeReport};
pub(super) use backup::{Backup, BackupFile, PruneFailure, PruneReport};
pub(super) use bundle::{Bundle, BundleEntry, Exported, UploadedBundle};
pub(super) use certificate::{Certificate, CertificateFile, CheckReport, FileProblem, SignedCertificate};
pub(super) use configuration::{ClusterSpec, Configuration, Read};
pub(super) use convert::Convert;
pub(super) use expiration::{ExpirationReport, ExpirationRow, Reported};
pub(super) use finding::{Finding, Problem};
pub(super) use plan::{Artefact, Changed, Plan, PlannedFile, Report};
pub(super) use probe::{ProbeReport, ProbedEndpoint};
pub(super) use recover::{InterruptedChange, Recovery, RecoveryReport};
pub(super) use restart::{
    ComponentRestart, Endpoint, HeldManifest, LiveCertificate, Obstacle, RestartPlan, RestartReport, Restarted,
};
pub(super) use rotate::{
    AffectedObject, Anchor, AuthorityRotation, ChangedObject, ClusterState, DueRestart, EtcdSnapshot, NodeRotation,
    RestartedPod, RotationGate, RotationLeg, RotationPlan, RotationReport, RotationStep, SeenNode, SignedLeaf,
    TrustElsewhere,
};
pub(super) use serving::{ReviewedRequest, ServingReport};
pub(super) use settings::{AwaitedRequest, NodeServing, ServingRequirement, ServingSetup, Setting};
pub(super) use signer::{Signer, SignerProbe, SignersReport};
pub(super) use systemd::{Unit, UnitChange};
pub(super) use user::{EnsuredUser, Kept, Made, UserKubeconfig};
pub(super) use words::enumeration_words;

/// Declares a class: its doc; its name and the value of the core that it holds; how it is shown in one line; its text,
/// where that is not a line for each attribute; its plain data, where that is less than all that it is compared by; the error for
/// what it cannot be read from, where that is no `TypeError`; the page of a report; its attributes; methods without arguments; and further methods, with their lines of the stub.
///
/// Every class has `from_dict`, `to_dict`, `==`, `hash`, `copy`, `pickle`, `str`, `repr`, `_repr_html_` and `__match_args__`.
macro_rules! values {
    (
        @with $stub:ident { $($always:tt)* }
        $(#[doc = $doc:literal])*
        $class:ident($it:ident: $inner:ty);
        shown = $shown:expr;
        $(text = $text:expr;)?
        $(plain = $plain:expr;)?
        $(unreadable = $unreadable:expr;)?
        $(page = $page:expr;)?
        attributes { $($(#[doc = $about:literal])* $name:ident = $value:expr;)* }
        $(methods { $($(#[doc = $does:literal])* $method:ident = $answer:expr;)* })?
        $(further $lines:literal { $($further:tt)* })?
    ) => {
        $(#[doc = $doc])*
        #[::pyo3::pyclass(frozen, module = "kubepki")]
        pub(in crate::python) struct $class(pub(in crate::python) $inner);

        impl $class {
            pub(in crate::python) const STUB: $crate::python::values::stub::Class = $crate::python::values::stub::Class {
                name: stringify!($class),
                doc: &[$($doc),*],
                attributes: &[$((stringify!($name), {
                    fn kind() -> $crate::python::values::stub::Kind {
                        let nothing: Option<&$inner> = None;
                        $crate::python::values::stub::kind_of(nothing.map(|$it| $value))
                    }
                    kind
                })),*],
                methods: &[$($((stringify!($method), {
                    fn kind() -> $crate::python::values::stub::Kind {
                        let nothing: Option<&$inner> = None;
                        $crate::python::values::stub::kind_of(nothing.map(|$it| $answer))
                    }
                    kind
                })),*)?],
                always: $crate::python::values::stub::$stub,
                further: &[$($lines,)? $($crate::python::values::page::lines(stringify!($page)),)?],
            };

            /// The error for plain data that it cannot be read from.
            #[allow(dead_code)] // not every class is read
            const UNREADABLE: &[fn(String) -> ::pyo3::PyErr] = &[$($unreadable)?];
        }

        #[::pyo3::pymethods]
        impl $class {
            $(
                $(#[doc = $about])*
                #[getter]
                fn $name<'py>(&self, py: ::pyo3::Python<'py>) -> ::pyo3::PyResult<::pyo3::Bound<'py, ::pyo3::PyAny>> {
                    let $it = &self.0;
                    $crate::python::call::converted(|| $crate::python::values::Convert::convert($value, py))
                }
            )*

            $($(
                $(#[doc = $does])*
                fn $method<'py>(&self, py: ::pyo3::Python<'py>) -> ::pyo3::PyResult<::pyo3::Bound<'py, ::pyo3::PyAny>> {
                    let $it = &self.0;
                    $crate::python::call::converted(|| $crate::python::values::Convert::convert($answer, py))
                }
            )*)?

            /// Its attributes by position in a `case`.
            #[classattr]
            fn __match_args__(py: ::pyo3::Python<'_>) -> ::pyo3::PyResult<::pyo3::Bound<'_, ::pyo3::types::PyTuple>> {
                ::pyo3::types::PyTuple::new(py, [$(stringify!($name)),*])
            }

            #[allow(unused_variables)] // not every class has a text of its own
            fn __str__(slf: &::pyo3::Bound<'_, Self>) -> ::pyo3::PyResult<String> {
                let $it = &slf.get().0;
                $crate::python::values::shown::text(slf.as_any(), Self::STUB.attributes, [$($text)?])
            }

            fn __repr__(&self) -> String {
                let $it = &self.0;
                $crate::python::values::shown::in_one_line(stringify!($class), &$shown)
            }

            /// Return a table for notebooks.
            fn _repr_html_(slf: &::pyo3::Bound<'_, Self>) -> ::pyo3::PyResult<String> {
                $({
                    let $it = &slf.get().0;
                    return Ok($crate::report::html::fragment($page));
                })?
                #[allow(unreachable_code)]
                $crate::python::values::shown::html(slf.as_any(), stringify!($class), Self::STUB.attributes)
            }

            $(
                /// Return it as one page of HTML, whole in itself: a sum, findings by cause, pictures, every certificate.
                #[pyo3(signature = (title=None))]
                fn to_html(&self, title: Option<&str>) -> String {
                    let $it = &self.0;
                    $crate::python::values::page::document($page, title)
                }

                /// Return its `certificates`, its `findings` or the `trees` of a fleet as a table.
                #[pyo3(signature = (rows="certificates"))]
                fn table<'py>(slf: &::pyo3::Bound<'py, Self>, rows: &str) -> ::pyo3::PyResult<::pyo3::Bound<'py, ::pyo3::PyAny>> {
                    $crate::python::values::page::in_python(slf.as_any(), "table", (rows,))
                }

                /// Return the same table as a `pandas.DataFrame`.
                #[pyo3(signature = (rows="certificates"))]
                fn to_pandas<'py>(slf: &::pyo3::Bound<'py, Self>, rows: &str) -> ::pyo3::PyResult<::pyo3::Bound<'py, ::pyo3::PyAny>> {
                    $crate::python::values::page::in_python(slf.as_any(), "to_pandas", (rows,))
                }

                /// Return the table of certificates as a stream of Arrow's, in a capsule.
                #[pyo3(signature = (requested_schema=None))]
                fn __arrow_c_stream__<'py>(
                    slf: &::pyo3::Bound<'py, Self>,
                    requested_schema: Option<::pyo3::Bound<'py, ::pyo3::PyAny>>,
                ) -> ::pyo3::PyResult<::pyo3::Bound<'py, ::pyo3::PyAny>> {
                    $crate::python::values::page::in_python(slf.as_any(), "arrow_c_stream", (requested_schema,))
                }

                /// Return a chart of when certificates end, the first on top: altair's, or an SVG picture without it.
                #[pyo3(signature = (most=$crate::report::html::timeline::MOST))]
                fn timeline<'py>(slf: &::pyo3::Bound<'py, Self>, most: usize) -> ::pyo3::PyResult<::pyo3::Bound<'py, ::pyo3::PyAny>> {
                    let $it = &slf.get().0;
                    let drawn = $crate::python::values::page::timeline(slf.py(), &$page, most)?;
                    $crate::python::values::page::in_python(slf.as_any(), "timeline", drawn)
                }

                /// Return a chart of which CA signs what: altair's, or an SVG picture without it.
                #[pyo3(signature = (most=$crate::report::html::trust::MOST))]
                fn trust_graph<'py>(slf: &::pyo3::Bound<'py, Self>, most: usize) -> ::pyo3::PyResult<::pyo3::Bound<'py, ::pyo3::PyAny>> {
                    let $it = &slf.get().0;
                    let drawn = $crate::python::values::page::trust(slf.py(), &$page, most)?;
                    $crate::python::values::page::in_python(slf.as_any(), "trust_graph", drawn)
                }
            )?

            /// Return it as plain data for JSON; a copy, so that changing it does not change the value.
            #[allow(unused_variables)] // of most classes it is all that they hold
            fn to_dict<'py>(&self, py: ::pyo3::Python<'py>) -> ::pyo3::PyResult<::pyo3::Bound<'py, ::pyo3::PyAny>> {
                let $it = &self.0;
                $(return $crate::python::data::answer(py, &$plain);)?
                #[allow(unreachable_code)]
                $crate::python::data::answer(py, &self.0)
            }

            $($always)*
            $($($further)*)?
        }

        impl $crate::python::values::Convert for $inner {
            const HAS_LINES: bool = true;

            fn annotation() -> String {
                stringify!($class).to_owned()
            }

            fn convert(self, py: ::pyo3::Python<'_>) -> ::pyo3::PyResult<::pyo3::Bound<'_, ::pyo3::PyAny>> {
                Ok(::pyo3::Bound::new(py, $class(self))?.into_any())
            }
        }

        impl $crate::python::values::Convert for &$inner {
            const HAS_LINES: bool = true;

            fn annotation() -> String {
                stringify!($class).to_owned()
            }

            fn convert(self, py: ::pyo3::Python<'_>) -> ::pyo3::PyResult<::pyo3::Bound<'_, ::pyo3::PyAny>> {
                $crate::python::values::Convert::convert(self.clone(), py)
            }
        }
    };

    ($($declaration:tt)*) => {
        $crate::python::values::values! {
            @with OF_A_VALUE {
                /// Build it from the plain data that `to_dict` gave.
                #[classmethod]
                fn from_dict(_cls: &::pyo3::Bound<'_, ::pyo3::types::PyType>, data: &::pyo3::Bound<'_, ::pyo3::PyAny>) -> ::pyo3::PyResult<Self> {
                    $crate::python::values::plain::read(data, Self::UNREADABLE).map(Self)
                }

                fn __eq__(&self, other: &::pyo3::Bound<'_, Self>) -> bool {
                    ::std::ptr::eq(self, other.get()) || $crate::python::values::plain::are_equal(&self.0, &other.get().0)
                }

                fn __hash__(&self) -> u64 {
                    $crate::python::values::plain::hash(&self.0)
                }

                fn __copy__(slf: ::pyo3::Py<Self>) -> ::pyo3::Py<Self> {
                    slf
                }

                fn __deepcopy__(slf: ::pyo3::Py<Self>, _memo: &::pyo3::Bound<'_, ::pyo3::PyAny>) -> ::pyo3::Py<Self> {
                    slf
                }

                fn __reduce__<'py>(
                    slf: &::pyo3::Bound<'py, Self>,
                ) -> ::pyo3::PyResult<(::pyo3::Bound<'py, ::pyo3::PyAny>, (::pyo3::Bound<'py, ::pyo3::PyAny>,))> {
                    use ::pyo3::prelude::*;
                    let all = $crate::python::data::answer(slf.py(), &slf.get().0)?;
                    Ok((slf.get_type().getattr("from_dict")?, (all,)))
                }
            }
            $($declaration)*
        }
    };
}
use values;

/// Declares a class as [`values!`] does, whose value of the core holds a [`Secret`](crate::secret::Secret): it is compared with
/// it, in constant time, and neither copied, pickled nor read from plain data. Its plain data are without the secret.
macro_rules! secrets {
    ($($declaration:tt)*) => {
        $crate::python::values::values! {
            @with OF_A_SECRET {
                fn __eq__(&self, other: &::pyo3::Bound<'_, Self>) -> bool {
                    self.0 == other.get().0
                }

                fn __hash__(&self) -> u64 {
                    $crate::python::values::plain::hash(&self.__repr__())
                }

                fn __reduce__(&self) -> ::pyo3::PyResult<()> {
                    let message = "is not pickled, for it holds a secret: pass on its text";
                    Err(::pyo3::exceptions::PyTypeError::new_err(format!("a {} {message}", Self::STUB.name)))
                }
            }
            $($declaration)*
        }
    };
}
use secrets;
