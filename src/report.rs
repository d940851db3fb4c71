//! What people and programs read of values: text, tables, diffs, JSON, YAML and HTML.
//!
//! In: plans, reports and findings. Out: text. Pure functions: they read no file, ask no clock and know no terminal but
//! the width that they are given. Text from outside is escaped ([`crate::text`]).

pub mod access;
pub mod audit;
pub mod backup;
pub mod bundle;
mod cell;
pub mod certificate;
pub mod check;
pub mod difference;
pub mod etcd_snapshot;
pub mod finding;
pub mod html;
pub mod moment;
pub mod plan;
pub mod probe;
pub mod problem;
pub mod prometheus;
pub mod recover;
pub mod requests;
pub mod restart;
pub mod rotate;
pub mod serving;
pub mod settings;
pub mod show;
pub mod signer;
pub mod structured;
mod table;
mod unified;
pub mod user;
mod wrap;

pub use table::table;
pub use unified::unified;
pub use wrap::wrapped;
