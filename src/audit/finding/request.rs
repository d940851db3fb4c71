//! The codes of what can be found wrong with a request that a CA is to sign.

use std::path::Path;

use super::{Finding, Settled, Severity};
use crate::error::findings;

findings! {
    /// What can be wrong with a request.
    pub enum RequestFault: Severity {
        /// The file's name is neither one of kubeadm's nor one of the policy's.
        #[finding("request.unknown_name", Critical,
            "name it (NAME=FILE), rename the file as kubeadm names it, or add the name to a --policy file",
            source = "kubeadm `app/phases/certs/certlist.go`; policies")]
        UnknownName,
        /// The policy signs none of this name.
        #[finding("request.not_allowed", Critical, "sign it elsewhere, or change the policy",
            source = "policies: who signs what")]
        NotAllowed,
        /// The signer has not said which node the request is from, or of which kind it is.
        #[finding("request.unknown_node", Critical,
            "say which node it is from: --role control-plane|worker|etcd and --node-name NAME, or --nodes FILE \
             for the folders of many",
            source = "kubepki: subject and names depend on the node (policies)")]
        UnknownNode,
        /// Nodes of this kind do not have such a certificate.
        #[finding("request.other_role", Critical,
            "sign it for a node that has it (--role, --nodes), or find out why this node asks for it",
            source = "Kubernetes: PKI certificates and requirements")]
        OtherRole,
        /// The request holds more than was read, or says a thing so that other programs read it otherwise.
        #[finding("request.not_understood", Critical,
            "have it made again with kubepki certs generate-csr, or with openssl req",
            source = "RFC 2986 4; X.690 10: one encoding")]
        NotUnderstood,
        /// Its key is a CA's, or that of another request of the run.
        #[finding("request.reused_key", Critical also "warning within one node",
            "have it made again with a key of its own",
            source = "NIST SP 800-57 part 1, 5.2: a key has one purpose")]
        ReusedKey,
        /// It is not signed with its own key, or was changed since.
        #[finding("request.signature", Critical, "have the request made again, signed with its own key",
            source = "RFC 2986 4.2: proof of possession")]
        Signature,
        /// The key is too short, of a kind that Kubernetes does not use, or one whose private half can be found
        /// (exponent, modulus).
        #[finding("request.weak_key", Critical,
            "have it made again with RSA of at least 2048 bits, or ECDSA P-256, P-384 or P-521",
            source = "NIST SP 800-57 part 1, 5.6; CA/Browser Forum Baseline Requirements 6.1.1.3, 6.1.5, 6.1.6")]
        WeakKey,
        /// It asks for another subject than the catalogue's or the policy's.
        #[finding("request.other_subject", Critical,
            "if it is another node's, say so (--node-name, --role); otherwise have it made again with kubepki \
             certs generate-csr, or allow this in a --policy file",
            source = "Kubernetes: PKI certificates and requirements; policies")]
        OtherSubject,
        /// It asks for alternative names that it has no right to.
        #[finding("request.other_names", Critical,
            "have it made again with kubepki certs generate-csr, or allow this in a --policy file",
            source = "RFC 5280 4.2.1.6; policies")]
        OtherNames,
        /// It lacks alternative names that clients will look for.
        #[finding("request.missing_names", Critical,
            "have it made again with kubepki certs generate-csr, or allow this in a --policy file",
            source = "RFC 9525 6; Kubernetes: PKI certificates and requirements")]
        MissingNames,
        /// It asks for usages that its certificate does not have.
        #[finding("request.other_usages", Critical,
            "have it made again without them; the CA takes usages and constraints from its own profile",
            source = "RFC 5280 4.2.1.3, 4.2.1.12")]
        OtherUsages,
        /// It asks to be a CA.
        #[finding("request.certificate_authority", Critical,
            "have it made again without them; the CA takes usages and constraints from its own profile",
            source = "RFC 5280 4.2.1.9")]
        CertificateAuthority,
        /// It asks for extensions that are never signed.
        #[finding("request.other_extensions", Critical,
            "have it made again without them; the CA takes usages and constraints from its own profile",
            source = "RFC 5280 4.2; policies")]
        OtherExtensions,
        /// The requested validity is not positive, or longer than the policy allows.
        #[finding("request.validity", Critical, "ask for less (--days, --validity), or change the policy",
            source = "RFC 5280 4.1.2.5; policies")]
        Validity,
        /// Another signer is asked than the one that is approved for.
        #[finding("request.other_signer", Critical, "leave it to whoever approves for that signer",
            source = "Kubernetes: certificate signing requests, signers")]
        OtherSigner,
        /// It was not made by a kubelet of the cluster.
        #[finding("request.other_requestor", Critical,
            "find out who made it: only the kubelet of a node asks for its serving certificate",
            source = "Kubernetes: kubernetes.io/kubelet-serving, permitted subjects")]
        OtherRequestor,
        /// The cluster has no Node of the name.
        #[finding("request.no_node", Critical, "find out why a kubelet asks whose node is not in the cluster: `kubectl get nodes`",
            source = "kubepki: a node that is gone gets no certificate")]
        NoNode,
        /// It asks for a name or an address that is the cluster's, another node's, or no host's.
        #[finding("request.reserved_names", Critical,
            "correct the node's name and addresses (`--node-ip`, `--hostname-override`); nodes of an inventory are called as in \
             the cluster, or have kubepki_node_name",
            source = "RFC 9525 6: clients trust the name; kubepki: kubelets and the API server have certificates of one CA")]
        ReservedNames,
        /// It asks for a name or an address that the API server has too, and that is not allowed for the node.
        #[finding("request.api_server_names", Critical,
            "if the node has it too, list it explicitly: --allow NODE=ADDRESS, or --inventory FILE; a network does not do",
            source = "RFC 9525 6: clients trust the name; kubepki: kubelets and the API server have certificates of one CA")]
        ApiServerNames,
        /// It asks for a name or an address that the Node object of another node has.
        #[finding("request.claimed_names", Critical,
            "find out which of the two nodes has it, and list it explicitly: --allow NODE=ADDRESS, or --inventory FILE",
            source = "kubepki: a kubelet writes the addresses of its own Node object")]
        ClaimedNames,
        /// The certificate that its kubelet serves now lasts for long. Kubelets ask when 70 to 90 % of its time are over; whoever asks before may
        /// be somebody else with credentials of the node.
        #[finding("request.not_due", Critical,
            "wait until it is due; if the kubelet asks early for a good reason, approve it with --early",
            source = "Kubernetes: certificate manager of the kubelet (`nextRotationDeadline`)")]
        NotDue,
        /// It asks for a name or an address that only the node itself claims.
        #[finding("request.unproven_names", Critical,
            "if the node has it, say so: --allow NODE=ADDRESS, an inventory (--inventory FILE), or DNS (--dns)",
            source = "Kubernetes: kubelet serving certificates are not approved automatically; Node addresses are the kubelet's own word")]
        UnprovenNames,
        /// So many requests wait that something is wrong: those of the node, or all, are left.
        #[finding("request.too_many", Critical,
            "find out which node makes them, and delete those that are not needed: `kubectl delete csr NAME`",
            source = "kubepki: floods are not approved")]
        TooMany,
        /// The same kubelet has made a newer request.
        #[finding("request.superseded", Info, "nothing to do: the newer one is judged, this one expires",
            source = "Kubernetes: certificate manager of the kubelet")]
        Superseded,
    }
}

impl RequestFault {
    /// A finding about the request at `path`.
    #[must_use]
    pub fn finding(self, subject: &str, path: Option<&Path>, evidence: impl Into<String>) -> Finding {
        Finding {
            code: self.code(),
            severity: self.severity(),
            subject: subject.to_owned(),
            path: path.map(Path::to_owned),
            evidence: evidence.into(),
            remedy: self.remedy().to_owned(),
            settled: Settled::default(),
        }
    }
}
