//! Signers of the cluster in place of the CAs on the node.
//!
//! In: what a new certificate says. Out: who is asked for it, and with which usages; or a finding that says who else makes it.

use super::Renewal;
use crate::audit::{Finding, FindingCode, Remedy};
use crate::catalogue::CLUSTER_CA;
use crate::inventory::{Found, Item};
use crate::plan::SignerOrder;
use crate::policy::signer::Signer;
use crate::x509::CertificateTemplate;

/// The signers that are asked.
#[derive(Clone, Debug)]
pub struct Signers {
    /// The one that was named; without it the controller manager's own, by what the certificate says.
    pub given: Option<Signer>,
}

impl Signers {
    /// Who is asked for a certificate that stands under `authority`.
    pub(super) fn order(&self, template: &CertificateTemplate, authority: Option<&str>) -> Result<SignerOrder, String> {
        // Where none fits, the one for clients says best what is in the way.
        let signer = self.given.clone().or_else(|| Signer::of(template)).unwrap_or(Signer::ApiServerClient);
        let usages = match authority {
            None => Err("cannot be asked for it: this node has no CA to hold it to".to_owned()),
            // The controller manager has a client CA's key, and no other.
            Some(other) if signer.is_built_in() && other != CLUSTER_CA => {
                Err(format!("signs with the cluster's CA, and this one stands under {other}"))
            }
            _ => signer.usages(template),
        };
        match usages {
            Ok(usages) => Ok(SignerOrder { signer, usages }),
            Err(why) => Err(format!("{} {why}", signer.as_str())),
        }
    }
}

impl Renewal<'_> {
    /// Says who could make it.
    pub(super) fn note_no_signer(&mut self, item: &Item<'_>, held: &Found, why: String) {
        let remedy = Remedy::chosen(
            "renew it where its CA's key is: without --issuer; or by cert-manager: --signer clusterissuers.cert-manager.io/NAME",
        );
        self.findings.push(Finding::new(
            FindingCode::CertificateNoSigner,
            item.name,
            &held.certificate_path,
            why,
            remedy,
        ));
    }
}
