//! Judging an item of the inventory that is there, whatever it is.

use chrono::{DateTime, Utc};

use super::Finding;
use super::authority::judge_authority;
use super::certificate::{Thresholds, judge_pair};
use super::kubeconfig::{ExpectedKubeconfig, judge_kubeconfig};
use crate::catalogue::Kind;
use crate::inventory::{Expectation, Item};
use crate::x509::Certificate;

/// Judges the item's files, and what its certificate says by what is `wanted` and by the certificates of its CA's file.
#[must_use]
pub fn judge_item(
    item: &Item<'_>,
    wanted: &Expectation,
    bundle: &[Certificate],
    thresholds: Thresholds,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    if let Some(keys) = item.service_account() {
        return keys.judge(item.tree);
    }
    match item.row.kind {
        Kind::Authority => judge_authority(item.name, item.pair(), item.tree, thresholds, now),
        Kind::Kubeconfig => {
            let expected =
                ExpectedKubeconfig { client: wanted.clone(), server: item.server().cloned(), trusted: bundle };
            judge_kubeconfig(item.name, item.path(), item.client(), item.tree, &expected, thresholds, now)
        }
        _ => judge_pair(item.name, item.pair(), item.tree, wanted, bundle, thresholds, now),
    }
}
