//! The codes of what can be found on a node: each is declared once, and the table of `docs/reference/findings.md` is made
//! of these declarations.

use super::{RequestFault, Severity};
use crate::error::findings;
use crate::kubeconfig::Mismatch;
use crate::store::StoreError;
use crate::x509::X509Error;

findings! {
    /// The kinds of finding that judging certificates, keys and trees can yield. Requests, kubeconfigs and files that
    /// cannot be used bring the codes of their own modules.
    pub enum FindingCode: Severity or RequestFault, StoreError, X509Error, Mismatch {
        /// A file is missing, or its partner is there without it.
        #[finding("file.missing", Critical also "info when a renewal passes over it",
            "Make or renew it (`kubepki init`, `certs renew`), ask for it where its CA is elsewhere; what nodes \
             share is restored.",
            source = "kubeadm init phase certs, init phase kubeconfig: what a node has")]
        FileMissing,
        /// A file already exists where one would be made; nothing is overwritten.
        #[finding("file.exists", Critical, "Move it away, or make the other one elsewhere.",
            source = "kubeadm `app/phases/certs`: an existing file is used, never replaced")]
        FileExists,
        /// A key or kubeconfig can be read by others than its owner, by its mode or its access list.
        #[finding("file.mode_too_wide", Warning also "critical where a key would be put into it", "`chmod 600`",
            source = "CIS 1.1.13, 1.1.15, 1.1.17, 1.1.21, 4.1.5; kubeadm writes keys and kubeconfigs with 0600")]
        FileModeTooWide,
        /// A key or kubeconfig belongs to a user other than root, the running user, and the owner of `--rootfs`.
        #[finding("file.other_owner", Warning also "critical where a key would be put into it", "`chown`",
            source = "CIS 1.1.14, 1.1.16, 1.1.18, 1.1.19, 4.1.6")]
        FileOtherOwner,
        /// Others can replace the files of a folder with keys: it belongs to another user, or others may write in it.
        #[finding("folder.open", Warning also "critical where a key would be put into it", "`chown`, `chmod go-w`",
            source = "CIS 1.1.19; path_resolution(7): who may write in a folder replaces its files")]
        FolderOpen,
        /// A file or folder lets others do more than the profile (`--profile`) has it: more than a fresh kubeadm's, or more
        /// than the benchmark asks. Keys and kubeconfigs that others can read are `file.mode_too_wide`.
        #[finding("profile.mode", Warning also "info where others may only read a manifest that kubeadm keeps to itself", "`chmod`",
            source = "CIS 1.1.1, 1.1.3, 1.1.5, 1.1.7, 1.1.9, 1.1.11, 1.1.13, 1.1.15, 1.1.17, 1.1.20, 1.1.21, 4.1.1, 4.1.3, 4.1.5, 4.1.7, 4.1.9; kubeadm: the modes that it gives")]
        ProfileMode,
        /// A file or folder belongs to another than the profile (`--profile`) has it: root, for etcd's data the user of
        /// etcd.
        #[finding("profile.owner", Warning, "`chown`",
            source = "CIS 1.1.2, 1.1.4, 1.1.6, 1.1.8, 1.1.10, 1.1.12, 1.1.14, 1.1.16, 1.1.18, 1.1.19, 4.1.2, 4.1.4, 4.1.6, 4.1.8, 4.1.10")]
        ProfileOwner,
        /// It has expired.
        #[finding("certificate.expired", Critical,
            "`kubepki certs renew NAME`; `certs generate-csr NAME --renew` where its CA is elsewhere.",
            source = "RFC 5280 4.1.2.5, 6.1.3")]
        CertificateExpired,
        /// It expires within `--warning` or `--critical`.
        #[finding("certificate.expires_soon", Warning also "critical", "As for `certificate.expired`.",
            source = "RFC 5280 4.1.2.5; kubeadm's certificates live for one year (kubeadm certs renew)")]
        CertificateExpiresSoon,
        /// It is not valid yet.
        #[finding("certificate.not_yet_valid", Critical, "Check the clocks.",
            source = "RFC 5280 4.1.2.5, 6.1.3")]
        CertificateNotYetValid,
        /// No client and no server accepts its chain: its CA did not sign it, or one of [Go's rules](go-rules.md) is
        /// broken, which the evidence names; in a plan it is about the certificate that would be written. A warning in
        /// an import: the CA that signed it is not the first of its file, and kubeadm looks only at the first.
        #[finding("certificate.untrusted", Critical also "warning",
            "Have it signed by this CA, or put the right CA back.",
            source = "RFC 5280 6.1; Go crypto/x509 (go-rules.md)")]
        CertificateUntrusted,
        /// It names another key as its CA's than the CA does: OpenSSL does not find its CA, Go does.
        #[finding("certificate.key_identifier", Warning, "Have it issued again by the CA as it is now.",
            source = "RFC 5280 section 4.2.1.1")]
        CertificateKeyIdentifier,
        /// Its key usage lacks digitalSignature, has keyCertSign though the certificate is not a CA's, or allows what its kind of key cannot do.
        #[finding("certificate.key_usages", Warning also "info for keyEncipherment of a key that cannot encipher",
            "Have it issued again with digitalSignature, and for an RSA key keyEncipherment.",
            source = "RFC 5280 section 4.2.1.3, RFC 8446 section 4.4.2.2, RFC 8813")]
        CertificateKeyUsages,
        /// It is valid for longer than its CA.
        #[finding("certificate.outlives_authority", Warning also "critical in a plan",
            "Renew the CA first; when planning, `--outlive-ca clamp` or `allow`.",
            source = "RFC 5280 6.1.3: every certificate of the path has to be valid")]
        CertificateOutlivesAuthority,
        /// Names or addresses that clients will look for are not among its SANs.
        #[finding("certificate.missing_names", Critical also "info for a name to be removed that is not there",
            "`kubepki certs renew NAME --sans-from-config`.",
            source = "RFC 9525 6; Kubernetes: PKI certificates and requirements")]
        CertificateMissingNames,
        /// Its extended key usage lacks a purpose that it is used for.
        #[finding("certificate.missing_usages", Critical also "warning in an import for a key usage without digitalSignature, which Go does not look at",
            "Remove the pair and make it again: `kubepki certs init NAME`.",
            source = "RFC 5280 4.2.1.12; Kubernetes: PKI certificates and requirements")]
        CertificateMissingUsages,
        /// Its subject is not kubeadm's, or not that of the configuration's version.
        #[finding("certificate.other_subject", Warning also "info for the groups of another version of kubeadm",
            "See that access rules fit it; what an older kubeadm made works. `system:masters`: make it again.",
            source = "Kubernetes: PKI certificates and requirements; kubeadm `app/phases/certs/certlist.go`")]
        CertificateOtherSubject,
        /// It has no group, or fewer than its version's kubeadm gives it, and may do nothing without a
        /// `ClusterRoleBinding` that the cluster may lack.
        #[finding("certificate.needs_binding", Warning also "info when only the cluster's age speaks for it",
            "Make it again with the group, or make the binding: the finding has the command.",
            source = "kubernetes/kubeadm#2414, kubernetes/kubeadm#3310")]
        CertificateNeedsBinding,
        /// An import: a CA's certificate (CA:TRUE) in the place of a leaf.
        #[finding("certificate.is_an_authority", Critical, "Have it signed as a leaf.",
            source = "RFC 5280 4.2.1.9")]
        CertificateIsAnAuthority,
        /// An import: it is valid from before its CA was.
        #[finding("certificate.precedes_authority", Warning, "Check that this CA is the right one.",
            source = "RFC 5280 4.1.2.5, 6.1.3")]
        CertificatePrecedesAuthority,
        /// An import or an embedding: it ends earlier than the certificate whose place it takes.
        #[finding("certificate.ends_earlier", Warning, "See that it is not an old one.",
            source = "RFC 5280 4.1.2.5")]
        CertificateEndsEarlier,
        /// A name that is to be removed (`--remove-san`) is not in the certificate; with `--before`, a warning: an
        /// earlier run may have removed it.
        #[finding("certificate.name_absent", Critical, "Correct the name, or leave it out.",
            source = "kubepki: what was asked for")]
        CertificateNameAbsent,
        /// A name that is to be added (`--add-san`) is in the certificate already.
        #[finding("certificate.name_present", Info, "Nothing.",
            source = "kubepki: what was asked for")]
        CertificateNamePresent,
        /// A renewed certificate's names are not the configuration's.
        #[finding("certificate.names_differ", Warning,
            "`--sans-from-config`, or put the names into the configuration.",
            source = "kubeadm certs renew keeps a certificate's names; kubeadm `app/phases/certs/certlist.go`")]
        CertificateNamesDiffer,
        /// A certificate was made for another node: its subject names that one.
        #[finding("certificate.other_node", Critical also "warning in a check, when forced, or when the node's name is a guess",
            "Make this node's own; `certs renew --force` renews it as it is.",
            source = "Kubernetes: PKI certificates and requirements; Node authorization: `system:node:NAME`")]
        CertificateOtherNode,
        /// A file that all may read, of a bundle, holds a private key.
        #[finding("certificate.holds_key", Critical, "Take the key out of it.",
            source = "CIS 1.1.21")]
        CertificateHoldsKey,
        /// The kubelet asks the cluster for its serving certificate (`serverTLSBootstrap`), and nobody has approved the
        /// request: it serves no TLS, so logs, exec and metrics of its node fail.
        #[finding("certificate.pending", Critical, "`kubepki kubelet csrs`, `kubepki kubelet approve --allow NODE=ADDRESS`.",
            source = "Kubernetes: Kubelet TLS bootstrapping; kubeadm: Enabling signed kubelet serving certificates")]
        CertificatePending,
        /// The file in a CA's place may not sign certificates, or nobody accepts what its key signs. A CA of version 1
        /// vouches, but kubeadm does not sign with it.
        #[finding("authority.not_an_authority", Critical also "warning for X.509 version 1",
            "Put a CA's certificate there.",
            source = "RFC 5280 4.2.1.3, 4.2.1.9")]
        AuthorityNotAnAuthority,
        /// A CA has extended key usages of its own, and none (critical), or not all (warning), of those that its
        /// certificates are used for: every peer refuses them, for usages nest.
        #[finding("authority.missing_usages", Critical also "warning",
            "Replace the CA by one without extended key usages.",
            source = "Go crypto/x509 (go-rules.md): extended key usages nest")]
        AuthorityUsages,
        /// A certificate chains to another than the first certificate of its CA's file. Every one of the file vouches;
        /// kubeadm signs with the first.
        #[finding("authority.not_the_first", Info, "Nothing, while a CA is being replaced.",
            source = "Kubernetes: Manual Rotation of CA Certificates; kubeadm `app/util/pkiutil`: signs with the first")]
        AuthorityNotFirst,
        /// A CA is missing while certificates that it signed are there, or one is to be signed.
        #[finding("authority.missing", Critical, "Put it back; a new CA would not fit them.",
            source = "RFC 5280 6.1: without its trust anchor no path is valid")]
        AuthorityMissing,
        /// A CA's key is not on this node: external CA mode; a renewal passes over its certificates. `check` does not
        /// say it on a worker, which never has the key.
        #[finding("authority.external", Info also "warning when a certificate has expired, or ends within the time that is renewed",
            "Nothing, or have them signed by its owner.",
            source = "kubeadm: External CA mode")]
        AuthorityExternal,
        /// The certificate of a CA cannot be renewed as it was asked for: its key is not on this node, another CA has signed it, it is of
        /// X.509 version 1 or 2, it would end no later; or what was given does not follow it.
        #[finding("authority.not_renewable", Critical,
            "Renew it where its key is; `kubepki ca renew NAME --certificate FILE` takes what was renewed there.",
            source = "RFC 5280 sections 3.2 and 6.1: paths are found by names and keys")]
        AuthorityNotRenewable,
        /// A CA, or the service accounts' key, is being replaced by another on this node: how far it is, and what is behind. A backup
        /// that is to be restored trusts others than the node does (warning).
        #[finding("authority.replaced", Info also "warning where clients of the old CA are refused, and for a backup that trusts others",
            "`kubepki rotate status`",
            source = "Kubernetes: Manual Rotation of CA Certificates")]
        AuthorityReplaced,
        /// A CA ends sooner than what it signs would: what it signs now ends with it.
        #[finding("authority.ends_early", Info, "`kubepki ca renew NAME`",
            source = "RFC 5280 6.1.3: every certificate of the path has to be valid")]
        AuthorityEndsEarly,
        /// While a CA is being replaced, a kubeconfig does not trust all that `ca.crt` has: kubeadm writes the first certificate alone.
        #[finding("kubeconfig.fewer_authorities", Warning, "`kubepki kubeconfig embed NAME`",
            source = "kubeadm `app/phases/certs/renewal`, `phases/kubeconfig`: the first certificate of `ca.crt`")]
        KubeconfigFewerAuthorities,
        /// A worker has a CA's private key: whoever takes the worker over has the cluster.
        #[finding("authority.key_on_worker", Warning, "Move it away.",
            source = "Kubernetes: PKI certificates and requirements: workers need `ca.crt` alone")]
        AuthorityKeyOnWorker,
        /// A kubeconfig whose power nothing can restrict (`system:masters`) is still on the node, a week after the cluster
        /// was made.
        #[finding("kubeconfig.left_in_place", Info also "warning in the profile `cis`",
            "Keep it in a safe place elsewhere; make it again when it is needed.",
            source = "KEP-4214; Kubernetes: Certificate Management with kubeadm; CIS 5.1.7")]
        KubeconfigLeftInPlace,
        /// The signer that is asked for it never makes such a certificate; a renewal passes over it.
        #[finding("certificate.no_signer", Warning, "Renew it where its CA's key is, or by another signer: `--signer`.",
            source = "Kubernetes: certificate signing requests, Kubernetes signers")]
        CertificateNoSigner,
        /// In external CA mode a file is missing that only the CA's owner can make.
        #[finding("authority.external_incomplete", Critical, "Have it signed, and put it there.",
            source = "kubeadm: External CA mode")]
        AuthorityExternalIncomplete,
        /// A cleanup: a CA's key is to go, and something on this node still needs it; the evidence lists all.
        #[finding("authority.key_needed", Critical, "Put that right first.",
            source = "kubepki: what a node does with a CA's key (external CA guide)")]
        AuthorityKeyNeeded,
        /// A private key is not its certificate's.
        #[finding("key.mismatch", Critical, "`kubepki certs renew NAME`; a CA is restored.",
            source = "Go crypto/tls.X509KeyPair: the server does not start")]
        KeyMismatch,
        /// The private key can be computed from the public one (small factors, primes close to each other, ROCA, a small
        /// private exponent), or it is too short, or has an exponent or a length that is refused.
        #[finding("key.weak", Critical also "warning where it is merely too short, or its exponent below 65537",
            "Replace the key and its certificate; a CA's key with the CA.",
            source = "NIST SP 800-131A, SP 800-89; CVE-2017-15361, CVE-2022-26320")]
        KeyWeak,
        /// Its private key is published: it is on the list that `--key-blocklist` names.
        #[finding("key.published", Critical, "Replace the key and its certificate at once; a CA's key with the CA.",
            source = "CVE-2008-0166, badkeys.info")]
        KeyPublished,
        /// Its modulus has a prime in common with another key, so that both private keys can be computed. `check` compares up
        /// to 1,000 keys with each other.
        #[finding("key.shared_prime", Critical, "Replace both keys, and find out which machine made them with too little entropy.",
            source = "Heninger et al., Mining your Ps and Qs (2012)")]
        KeySharedPrime,
        /// Its key is of a kind that no component of Kubernetes uses, as ML-DSA or DSA.
        #[finding("key.unusable", Warning, "Have it issued again with an RSA or ECDSA key.",
            source = "Go crypto/x509")]
        KeyUnusable,
        /// The request beside an imported certificate is for another key: an old one, or one that is not signed yet.
        #[finding("request.other_key", Warning, "Remove it, or have it signed.",
            source = "RFC 2986 3: a request is for one key")]
        RequestOtherKey,
        /// A certificate belongs to nothing on this node, by name or by key.
        #[finding("import.unmatched", Critical also "warning in a folder",
            "Name it as its place is named; or bring it to the node that has its key.",
            source = "kubepki: what a node has")]
        ImportUnmatched,
        /// Two different certificates for one place, or two leaves in one file.
        #[finding("import.ambiguous", Critical, "Give the right one.",
            source = "kubepki: what a node has")]
        ImportAmbiguous,
        /// A file also holds certificates that did not sign its leaf.
        #[finding("import.left_out", Warning, "Nothing: they are left out.",
            source = "RFC 8446 4.4.2: a chain holds what signed its leaf")]
        ImportLeftOut,
        /// A request or a certificate file is still needed: what it became is not in place, or does not verify.
        #[finding("cleanup.still_needed", Critical also "warning where it was not named", "Have it signed, import it, embed it.",
            source = "kubepki: what a cleanup may remove (external CA guide)")]
        CleanupStillNeeded,
        /// The user has a token or a plugin, no certificate.
        #[finding("kubeconfig.no_certificate", Info, "Nothing, if that is meant.",
            source = "Kubernetes: Authenticating, X.509 client certificates are one of several")]
        KubeconfigNoCertificate,
        /// `sa.pub` does not hold the public half of `sa.key`: every token would be refused. `restart` restarts nothing
        /// then.
        #[finding("service_account.mismatch", Critical,
            "While it is replaced (`sa-next.pub` or `sa-previous.pub` is there): `kubepki rotate status`. Else, if `sa.key` is the cluster's, remove `sa.pub` and make it from the key: `kubepki certs init sa`.",
            source = "kube-apiserver `--service-account-key-file`, `--service-account-signing-key-file`; CIS 1.3.4")]
        ServiceAccountMismatch,
        /// `sa.key` and `sa.pub` were replaced while the API server runs with the old ones, and `sa.pub` holds only the
        /// new key: the restart ends every token that was issued so far.
        #[finding("service_account.replaced", Warning,
            "Add the old public key to `sa.pub` before the restart; without it, restart the pods afterwards.",
            source = "Kubernetes: Configure Service Accounts for Pods; measured (reload.md)")]
        ServiceAccountReplaced,
        /// A component of this node uses an older file than the one on disk, and will not load it by itself
        /// ([table](reload.md)). Only `check` on the node itself, as root, sees it.
        #[finding("component.outdated", Warning, "`kubepki restart NAME`",
            source = "Kubernetes and etcd sources, and measured (reload.md)")]
        ComponentOutdated,
        /// A component's flags, or the kubelet's configuration, leave out what its PKI needs; what it means is in the
        /// evidence.
        #[finding("flag.absent", Warning also "info where kubeadm leaves it out too, and the profile is kubeadm's",
            "Add the flag; what a fresh kubeadm leaves out is a choice.",
            source = "CIS 1.2.4, 1.2.5, 1.2.23 to 1.2.26, 1.3.4, 1.3.5, 2.1, 2.2, 2.4, 2.5, 4.2.3, 4.2.10, 4.2.11 (1.11)")]
        FlagAbsent,
        /// A flag names a file that is not there.
        #[finding("flag.file_missing", Critical, "Put the file there, or correct the flag.",
            source = "the components' options: they end when a file of theirs is missing")]
        FlagFileMissing,
        /// By the flags a certificate and a key belong together, and they do not.
        #[finding("flag.pair_mismatch", Critical, "Name a certificate and its own key.",
            source = "Go crypto/tls.X509KeyPair: the component does not start, or does not load the pair")]
        FlagPairMismatch,
        /// What a component shows is refused by the one that it is shown to, by what that one is told: its CAs, or the names
        /// that it allows.
        #[finding("flag.not_accepted", Critical, "Have it signed by the CA that is asked for, or name the right CA.",
            source = "RFC 5280 6.1; Kubernetes: PKI certificates and requirements, Configure the Aggregation Layer")]
        FlagNotAccepted,
        /// A component answers those who show no certificate: etcd without `--client-cert-auth`, a kubelet that knows
        /// anonymous callers.
        #[finding("flag.open", Critical also "warning where others cannot reach it, or another asks for authorization",
            "Switch it off.", source = "CIS 2.2, 2.3, 2.5, 2.6, 4.2.1; etcd: Transport security model")]
        FlagOpen,
        /// One CA has two purposes. The cluster's and that of the front proxy, with no allowed names: every client can be
        /// any user, and an API server from 1.35 on does not start. etcd's and the cluster's: every client of the cluster
        /// may read etcd.
        #[finding("flag.shared_authority", Critical also "warning for etcd's", "A CA of its own for each; or allowed names.",
            source = "kubernetes/kubernetes#119267 (NCC-E003660-F9W), kubernetes/kubernetes#131411; CIS 2.7")]
        FlagSharedAuthority,
        /// What the kubelet serves does not name its node as `system:node:NAME`: an API server that checks this refuses it.
        #[finding("certificate.not_node_name", Info also "critical where the API server of this node checks it",
            "Have it issued with this name; the kubelet's own requests have it.", source = "KEP-4872")]
        CertificateNotNodeName,
        /// A server presents another certificate than the file has that it is held against: it has not loaded it, or another
        /// server answers.
        #[finding("endpoint.other_certificate", Warning, "Restart what serves it: `kubepki restart` on its node.",
            source = "RFC 8446 4.4.2; reload.md")]
        EndpointOtherCertificate,
        /// A component serves a certificate that has ended. Connections that are open go on, so that nobody may have noticed.
        #[finding("endpoint.expired", Critical, "Renew it where its file has ended too; `kubepki restart NAME --force`.",
            source = "RFC 5280 6.1.3; RFC 8446 4.4.2: a certificate is looked at when a connection begins")]
        EndpointExpired,
        /// A component sends fewer certificates than its file has: clients that have no copy of those between cannot build
        /// the chain.
        #[finding("endpoint.chain_not_sent", Warning, "`kubepki restart NAME --force`",
            source = "RFC 8446 4.4.2: the chain is the server's to send")]
        EndpointChainNotSent,
        /// Nothing answers by TLS where a component of this node is told to listen.
        #[finding("endpoint.no_answer", Warning, "See whether it runs, and why not: `crictl ps --all`.",
            source = "kubeadm: static pods and their ports")]
        EndpointNoAnswer,
        /// The controller manager is told to sign with files with which it does not start: a CA file with several
        /// certificates (a bundle, while a CA is being replaced), a key that is missing or is another's. While it runs
        /// it goes on with what it has loaded; it ends at its next start, a while after it has said that it is well.
        #[finding("component.would_not_start", Warning also "critical in a restart",
            "Sign with a file that holds the one certificate alone; take the flags out where the CA's key is kept \
             elsewhere.",
            source = "kubernetes `pkg/controller/certificates/signer/ca_provider.go`: expected 1 certificate")]
        ComponentWouldNotStart,
        /// A joining node lacks a file that the nodes share: a CA, or `sa.key`.
        #[finding("shared.missing", Critical,
            "Copy it from the first control-plane node; a worker needs only `ca.crt`.",
            source = "kubeadm join: files that control-plane nodes share")]
        SharedFileMissing,
        /// Two things of a bundle have a certificate or key in common: entries were exchanged, which needs no
        /// certificate key.
        #[finding("shared.same_key", Critical also "warning in an export, and where all files are there already",
            "Export the bundle again from the cluster. If the cluster does use one CA for both, copy its files by \
             hand.",
            source = "Kubernetes: PKI certificates and requirements: CAs of their own; kubernetes/kubernetes#119267")]
        SharedSameKey,
        /// A CA of a bundle has the name that kubeadm gives another CA. As a warning: no name says which CA is which.
        #[finding("shared.other_name", Critical also "warning in an export, where all files are there already, or when two CAs have names of their own",
            "Export the bundle again from the cluster; compare subjects with the other nodes.",
            source = "kubeadm `app/phases/certs/certlist.go`")]
        SharedOtherName,
        /// A bundle has another file than the node.
        #[finding("shared.differs", Critical, "Make sure that it is this cluster's; `--force` replaces the file.",
            source = "kubeadm join: files that control-plane nodes share")]
        SharedFileDiffers,
        /// A user's certificate is valid for more than a year; it cannot be revoked.
        #[finding("user.long_validity", Warning, "Issue it for a shorter time, and again before it ends.",
            source = "CIS 3.1.1; kubernetes/kubernetes#18982: no revocation")]
        UserLongValidity,
        /// A user is in a group that may do everything in the cluster.
        #[finding("user.privileged", Warning, "Do not give the file to anyone who needs less.",
            source = "Kubernetes: RBAC Good Practices; CIS 5.1.1, 5.1.7")]
        UserPrivileged,
        /// A user or a group has a name of Kubernetes' own (`system:…`), and its powers.
        #[finding("user.reserved_name", Warning, "Use another name, and bind it to a role.",
            source = "Kubernetes: Using RBAC Authorization: the prefix `system:` is reserved")]
        UserReservedName,
        /// `access`: a certificate of `system:masters` in a file that kubeadm does not make. No rule can restrict it.
        #[finding("access.unrestricted", Warning, "Give its owner a certificate without this group.", source = "CIS 5.1.1")]
        AccessUnrestricted,
        /// `access`: the identity of another node, or the group of nodes without a node's name.
        #[finding("access.other_node", Warning, "Remove it from this node.", source = "KEP-279, NodeRestriction")]
        AccessOtherNode,
        /// `access`: a client certificate lives longer than `--longest`; it cannot be revoked.
        #[finding("access.long_lived", Info, "Issue it for a shorter time, and again before it ends.",
            source = "kubernetes.io: certificates and certificate signing requests")]
        AccessLongLived,
        /// `access --audit-log`: nobody has used it in the time of the log.
        #[finding("access.unused", Info, "Remove it, if it is not for emergencies.", source = "CIS 5.1.1")]
        AccessUnused,
        /// `access --audit-log`: a certificate was used that is in no file that was looked at.
        #[finding("access.unknown", Info also "warning for `system:masters`",
            "Look at the files of other nodes and people too; find out whose it is.",
            source = "kubernetes/kubernetes#125634: the certificate's SHA-256 is in the audit log from 1.32 on")]
        AccessUnknown,
        /// A static-pod manifest of a component that is to be restarted cannot be read as that of a pod. `restart`
        /// alone judges this.
        #[finding("restart.bad_manifest", Critical,
            "Correct it: the kubelet cannot use it either. Until then name the other components to restart them.",
            source = "Kubernetes: Create static Pods")]
        BadManifest,
        /// A restart has moved a static-pod manifest out and did not end; the component does not run. While a restart
        /// is under way this is as it must be.
        #[finding("restart.manifest_held", Critical, "`kubepki restart` puts it back.",
            source = "Kubernetes: Create static Pods")]
        ManifestHeld,
        /// The key of a certificate is on several nodes, or in several clusters. Copies of kubeconfigs as single files do
        /// not count within a cluster.
        #[finding("fleet.shared_key", Warning also "critical in several clusters",
            "Give each node a key of its own: `kubepki certs renew NAME` on all but one.",
            source = "kubeadm `app/phases/certs`: each node makes keys of its own; NIST SP 800-57 part 1, 5.3")]
        FleetSharedKey,
        /// The certificate of a node's kubelet, with its key, is on other nodes too: each of them is that node to the API
        /// server.
        #[finding("fleet.other_node", Critical, "Remove it there, and have the node join anew.",
            source = "Kubernetes: Node authorization, `system:node:NAME`")]
        FleetOtherNode,
        /// Different certificates of one CA have the same serial number.
        #[finding("fleet.repeated_serial", Warning, "Renew all but one of them.",
            source = "RFC 5280 4.1.2.2")]
        FleetRepeatedSerial,
        /// Clusters whose CAs differ have the same key for another CA, or for the service accounts.
        #[finding("fleet.shared_authority", Critical, "Give each cluster CAs and keys of its own.",
            source = "Kubernetes: PKI certificates and requirements; CIS 2.7 for etcd")]
        FleetSharedAuthority,
        /// The nodes of one cluster do not have the same keys in a CA's file, or in `sa.pub`.
        #[finding("fleet.authorities_differ", Warning,
            "Nothing while the CA is being replaced; otherwise copy the right file.",
            source = "kubeadm: certificates that control planes share (join --control-plane)")]
        FleetAuthoritiesDiffer,
        /// A run was killed while it changed files, and the change waits to be completed or taken back; files may be of
        /// two generations. It comes first, and the other findings about its files have the same remedy.
        #[finding("store.interrupted_change", Warning,
            "`kubepki recover` ends it, and so does the next run that changes files. Remove nothing by hand.",
            source = "kubepki: how changes are made (store.md)")]
        InterruptedChange,
    }
}
