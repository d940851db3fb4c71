//! The words of options that choose one of a few.
//!
//! In: the enumerations of the floors below, which serialise as one word each. Out: the same words for a command line.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use serde::Serialize;

use super::IssuedBy;
use crate::audit::profile::Profile;
use crate::bundle::Recipient;
use crate::catalogue::NodeRole;
use crate::policy::OutliveAuthority;
use crate::store::Keep;

/// The word as which a choice is serialised, and named everywhere.
fn word(choice: &impl Serialize) -> Option<String> {
    serde_json::to_value(choice).ok()?.as_str().map(str::to_owned)
}

macro_rules! choices {
    ($($choice:ty: $($variant:ident)+;)+) => {$(
        impl ValueEnum for $choice {
            fn value_variants<'a>() -> &'a [Self] {
                &[$(Self::$variant),+]
            }

            fn to_possible_value(&self) -> Option<PossibleValue> {
                word(self).map(PossibleValue::new)
            }
        }
    )+};
}

choices! {
    NodeRole: ControlPlane Worker Etcd;
    Recipient: ControlPlane Worker;
    OutliveAuthority: Refuse Clamp Allow;
    Profile: Kubeadm Cis;
    Keep: New Old Present;
    IssuedBy: Ca Kubernetes;
}
