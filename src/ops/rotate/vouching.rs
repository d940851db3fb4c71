//! Whether clients that trust the old CA alone will accept what the new one signs.
//!
//! In: the inventory, how far the cluster's CA is replaced, now. Out: why they will not; none where they will. What will be sent to them
//! is made for trial, with keys that are thrown away, and judged as every client judges it: a limit on the length of the path, on names
//! or on purposes in the old CA's certificate is one rule here.

use chrono::{DateTime, TimeDelta, Utc};

use crate::audit::rotation::{AuthorityRotation, Stage};
use crate::catalogue::{API_SERVER, CLUSTER_CA};
use crate::error::Result;
use crate::inventory::Inventory;
use crate::key::{Algorithm, PrivateKey};
use crate::ops::apply::bridge::across;
use crate::plan::rotate::RotateError;
use crate::request::Coming;
use crate::x509::{CertificateTemplate, ExtendedKeyUsage, Issuer, SerialNumber, verify_chain};

/// For so long the certificates of the trial are valid.
const TRIAL: TimeDelta = TimeDelta::hours(1);

/// Why they will not, before the new one signs.
pub(super) fn objection(
    inventory: &Inventory<'_>,
    rotation: &AuthorityRotation,
    now: DateTime<Utc>,
) -> Result<Option<String>> {
    if rotation.name != CLUSTER_CA || !matches!(rotation.stage, Stage::Single | Stage::Prepared | Stage::IssueOld) {
        return Ok(None);
    }
    let (Some(item), Some(server)) = (inventory.get(CLUSTER_CA), inventory.get(API_SERVER)) else { return Ok(None) };
    let (Some(old), Some(leaf)) = (item.leaf(), server.leaf()) else { return Ok(None) };
    let own_key = inventory.tree.content(&inventory.layout.in_use(CLUSTER_CA).key);
    let Some(key) = own_key.and_then(|text| PrivateKey::from_pem(text).ok()) else {
        return Ok(Some("its key is not on this node, so it cannot sign the new one".to_owned()));
    };
    let (begin, end) = (now - TRIAL, now + TRIAL);
    let like = CertificateTemplate::like(old, begin, end);
    let template = CertificateTemplate { other_extensions: Vec::new(), ..like };
    let new_key = PrivateKey::generate(Algorithm::EcdsaP256)?;
    let new = template.self_sign(&SerialNumber::random()?, &new_key)?;
    let bridge = across(&new, &Issuer::new(old.clone(), key)?)?;
    // Any key will do for the server.
    let server_key = new_key.public_key_info().to_vec();
    let leaf = CertificateTemplate::like(leaf, begin, end);
    let leaf = leaf.issue(&SerialNumber::random()?, &server_key, &Issuer::new(new, new_key)?)?;
    let judged = verify_chain(&leaf, &[bridge], std::slice::from_ref(old), now, Some(&ExtendedKeyUsage::ServerAuth));
    // Clients of one that has ended accept nothing today either.
    Ok(judged.err().filter(|problem| !problem.is_about_time()).map(|problem| problem.to_string()))
}

/// Refuses to begin where nobody has accepted that such clients fail.
pub(super) fn refuse(objection: Option<String>, coming: &Coming) -> Result<(), RotateError> {
    match objection {
        Some(reason) if !coming.allow_failing_clients => {
            Err(RotateError::CannotVouch { authority: CLUSTER_CA.to_owned(), reason })
        }
        _ => Ok(()),
    }
}
