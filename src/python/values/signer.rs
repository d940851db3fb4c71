//! The signers of the controller manager.

use super::values;
use crate::ops::signer;
use crate::report;

values! {
    /// One of the signers that are built into the controller manager.
    Signer(it: signer::ShownSigner);
    shown = format!("{}: {}", it.signer.name, it.signer.state.as_str());
    attributes {
        /// Its name in the API, as `kubernetes.io/kubelet-serving`.
        name = &it.signer.name;
        /// Whether it can sign: `ready`, `disabled`, `broken`, `unknown`.
        state = it.signer.state.as_str();
        /// Why it does not; empty where it does.
        reason = &it.signer.reason;
        /// Whether it has a pair of its own, and not the one for all.
        has_own_pair = it.signer.has_own_pair;
        /// The file of the CA's certificate, on the node.
        certificate = &it.signer.certificate;
        /// The file of its key.
        key = &it.signer.key;
        /// The CA that signs.
        authority = &it.signer.authority;
        /// For how long it signs at most now, in seconds: what the controller manager is set to, and no longer than the CA lasts.
        longest_seconds = it.signer.longest_seconds;
        /// What became of a request; none without one, and where the API takes none for this signer.
        probe = &it.probe;
    }
}

values! {
    /// What became of a request for a certificate of ten minutes.
    SignerProbe(it: signer::SignerProbe);
    shown = match (&it.problem, &it.certificate) {
        (Some(problem), _) => problem.code.to_string(),
        (None, Some(certificate)) => format!("signed by {}", certificate.issuer),
        (None, None) => String::new(),
    };
    attributes {
        /// What was signed; it is thrown away.
        certificate = &it.certificate;
        /// The CA of this node that vouches for it.
        authority = &it.authority;
        /// Why nothing was signed, or not as it should be.
        problem = &it.problem;
    }
}

values! {
    /// The signers of the controller manager, and what keeps them from signing.
    SignersReport(it: signer::SignersReport);
    shown = it.signers.iter().map(|one| one.signer.state.as_str()).collect::<Vec<_>>().join(", ");
    text = report::signer::text(it, None);
    attributes {
        /// The moment for which it holds.
        looked_at = it.looked_at;
        /// The manifest of the controller manager; none where this node has no such.
        manifest = &it.manifest;
        /// Each of the four built-in signers.
        signers = &it.signers;
        /// What keeps them from signing, the worst first.
        findings = &it.findings;
        /// What the `ClusterConfiguration` has to say where a signer has no pair, in the words of v1beta4.
        extra_args_v1beta4 = it.extra_args.as_ref().map(|one| one.v1beta4.clone());
        /// The same in the words of v1beta3.
        extra_args_v1beta3 = it.extra_args.as_ref().map(|one| one.v1beta3.clone());
        /// What the configuration's reader warns of.
        warnings = &it.warnings;
    }
}
