//! Why a signer of the cluster gave no certificate.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::error::faults;
use crate::policy::signer::Signer;

faults! {
    /// Why there is no certificate. Nothing was changed on the node, and no request is left in the cluster.
    pub enum SigningError {
        /// Somebody denied the request.
        #[error("{what}: request {request} was denied: {reason}")]
        #[fault("signer.denied", Refused, "ask whoever approves requests in this cluster, or approve your own: --approve")]
        Denied {
            /// What the certificate is for.
            what: String,
            /// The request.
            request: String,
            /// What the one who denied it says.
            reason: String,
        },
        /// The signer gave the request up.
        #[error("{what}: {signer} gave the request up: {reason}")]
        #[fault("signer.failed", Finding, "see the log of the signer, and `kubepki signer show` for those of the controller manager")]
        Failed {
            /// What the certificate is for.
            what: String,
            /// The signer.
            signer: String,
            /// What it says.
            reason: String,
        },
        /// The request was deleted while it was waited for.
        #[error("{what}: request {request} was deleted before it was signed")]
        #[fault("signer.gone", Environment, "run again; somebody, or a policy of the cluster, deletes requests")]
        Gone {
            /// What the certificate is for.
            what: String,
            /// The request.
            request: String,
        },
        /// Nobody approved the request in time.
        #[error("{what}: nobody approved request {request} within {} s", waited.as_secs())]
        #[fault("signer.not_approved", Environment,
            "approve it while it is waited for (`kubectl certificate approve`), wait for longer (--timeout 1h), or approve your own: --approve")]
        NotApproved {
            /// What the certificate is for.
            what: String,
            /// The request.
            request: String,
            /// How long it was waited for.
            waited: Duration,
        },
        /// The request was approved, and the signer did not sign it in time.
        #[error("{what}: {} did not sign within {} s{}", signer.as_str(), waited.as_secs(), said(events))]
        #[fault("signer.not_signed", Environment, hint(signer))]
        NotSigned {
            /// What the certificate is for.
            what: String,
            /// The signer.
            signer: Signer,
            /// How long it was waited for.
            waited: Duration,
            /// What the cluster says of the request.
            events: Vec<String>,
        },
        /// What came back is not what was asked for.
        #[error("{what}: what {signer} signed is not what was asked for: {}", faults.join("; "))]
        #[fault("signer.wrong_certificate", Finding, "nothing was changed; see how the signer is set up, or name another: --signer")]
        WrongCertificate {
            /// What the certificate is for.
            what: String,
            /// The signer.
            signer: String,
            /// Every difference.
            faults: Vec<String>,
        },
        /// The API server, or a webhook of the cluster, has changed the request: it was not approved.
        #[error("{what}: request {request} is not what was asked for any more; it was not approved")]
        #[fault("signer.altered", Refused, "look for a mutating webhook on certificatesigningrequests")]
        Altered {
            /// What the certificate is for.
            what: String,
            /// The request.
            request: String,
        },
        /// The certificate would end too soon: before the one that is there, within the time in which it would be renewed again, or in less
        /// than ten minutes.
        #[error("{what}: what {signer} signs ends on {end}, which is no later than {least}")]
        #[fault("signer.too_short", Finding,
            "nothing was changed; have the signer make certificates that last longer (the controller manager's --cluster-signing-duration), \
             or ask for less: --validity, and a shorter --before or --renew-before")]
        TooShort {
            /// What the certificate is for.
            what: String,
            /// The signer.
            signer: String,
            /// When it ends.
            end: DateTime<Utc>,
            /// What it would have to outlast.
            least: DateTime<Utc>,
        },
        /// The certificate is not valid yet, by this machine's clock.
        #[error("{what}: what {signer} signed is valid from {begin} on, and here it is {now}")]
        #[fault("signer.other_clock", Environment, "set the clocks of this machine and of the signer's")]
        OtherClock {
            /// What the certificate is for.
            what: String,
            /// The signer.
            signer: String,
            /// When it begins.
            begin: DateTime<Utc>,
            /// What this machine takes for now.
            now: DateTime<Utc>,
        },
        /// The node's own CA file does not vouch for the certificate, or no client and no server would accept it.
        #[error("{what}: the certificate was signed, and nobody would trust it: {}", reasons.join("; "))]
        #[fault("signer.untrusted", Finding,
            format!("nothing was changed; name a signer of the node's own CA (--signer), or have the node trust this signer's CA first: {}", file.display()))]
        Untrusted {
            /// What the certificate is for.
            what: String,
            /// The node's CA file.
            file: PathBuf,
            /// Why not.
            reasons: Vec<String>,
        },
        /// No CA of the file that was given vouches for the certificate.
        #[error("{what}: no CA of {file} vouches for the certificate: {reason}")]
        #[fault("signer.other_authority", Finding, "nothing was changed; name the CA of this signer: --issuer-ca FILE")]
        OtherAuthority {
            /// What the certificate is for.
            what: String,
            /// The file.
            file: String,
            /// Why not.
            reason: String,
        },
    }
}

fn said(events: &[String]) -> String {
    if events.is_empty() { String::new() } else { format!("; its events: {}", events.join("; ")) }
}

fn hint(signer: &Signer) -> String {
    match signer {
        Signer::CertManager(_) => {
            "see that cert-manager runs with --feature-gates=ExperimentalCertificateSigningRequestControllers=true, which is off by default, that \
             the issuer is there and ready, and that cert-manager may sign for it"
                .to_owned()
        }
        Signer::Other(_) => "see that this signer runs, and its log".to_owned(),
        _ => "see whether the controller manager has this signer's key, and runs: `kubepki signer show`".to_owned(),
    }
}
