//! What shall be done to a node's tree, as a value: artefacts and reasons, before anything is touched.
//!
//! In: what was read, the wanted cluster, now. Out: [`Plan`]. It can be printed, compared, serialised and carried
//! elsewhere; it holds no key material. Keys and signatures are made while it is applied (`ops`).

mod artefact;
pub mod backup;
pub mod bundle;
pub mod cleanup;
pub mod embed;
pub mod generate;
pub mod import;
mod kind_of_key;
pub mod place;
pub mod renew;
pub mod renew_ca;
pub mod request;
pub mod restart;
pub mod rotate;
pub mod serving;
pub mod setting;
pub mod sign;
mod step;
pub mod units;
pub mod user;
mod words;

pub use artefact::{Artefact, Input, Kind, Plan, PlannedFile};
pub use step::{
    Answer, AuthorityRenewal, Creation, Installation, KeySource, KubeconfigTemplate, NewCertificate, RequestKey,
    RestoredFile, SignerOrder, Step, TrustBundle,
};
pub use words::{Action, Cause, Operation};
