//! The words of a plan: which operation makes it, and what happens to an artefact. They are the same everywhere.
//!
//! In: nothing. Out: [`Operation`], [`Action`] and [`Cause`].

/// An enum of which each value is one word (or two) for Rust, JSON, Python and people.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $value:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ::serde::Serialize, ::serde::Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $value,)*
        }

        impl $name {
            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)*
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(super) use words;

words! {
    /// The operation that makes a plan, by the command's words.
    Operation {
        /// Makes what a node lacks.
        Init = "init",
        /// Renews certificates.
        Renew = "certs renew",
        /// Renews the certificates of CAs.
        RenewCa = "ca renew",
        /// Asks for certificates.
        Request = "certs generate-csr",
        /// Signs what was asked for.
        Sign = "certs sign",
        /// Installs what was signed elsewhere.
        Import = "certs import",
        /// Puts certificates into kubeconfigs.
        Embed = "kubeconfig embed",
        /// Takes away what is needed no more.
        Cleanup = "certs cleanup",
        /// Puts a bundle on a node.
        Bundle = "bundle import",
        /// Restores a backup.
        Restore = "backup restore",
        /// Replaces a CA by steps.
        Rotate = "rotate step",
    }
}

words! {
    /// What happens to an artefact, in one word; [`Step`](super::Step) says all of it.
    Action {
        /// It is made.
        Create = "create",
        /// It gets a new certificate in the place of the one that is there.
        Renew = "renew",
        /// A certificate signing request is made for it.
        Request = "request",
        /// What was signed elsewhere is put into its place.
        Install = "install",
        /// The set of CAs that are trusted changes.
        Trust = "trust",
        /// The certificate of a CA is replaced by one that is valid for longer, of the same key and name, in every copy.
        RenewAuthority = "renew_authority",
        /// It is taken away.
        Remove = "remove",
        /// It becomes what it was when a backup was made.
        Restore = "restore",
        /// A request for it is there, and waits for its signature.
        Wait = "wait",
        /// It is there, and stays as it is.
        Keep = "keep",
        /// It is not this node's to have, or not there to be changed.
        Skip = "skip",
        /// It must be made elsewhere, or what is there must be put right first; a finding says why.
        Blocked = "blocked",
    }
}

words! {
    /// Why an artefact is skipped or blocked, for programs; its reason says it to people.
    Cause {
        /// It is not there.
        Missing = "missing",
        /// A node of this kind, or of this version, has none.
        NotOnNode = "not_on_node",
        /// The kubeconfig has no client certificate.
        NoClientCertificate = "no_client_certificate",
        /// The key of its CA is elsewhere.
        ExternalAuthority = "external_authority",
        /// Another CA than the node's has signed it.
        OtherAuthority = "other_authority",
        /// No signer of the cluster makes it.
        NoSigner = "no_signer",
        /// Its CA is not there, or cannot sign.
        UnusableAuthority = "unusable_authority",
        /// It would be valid for longer than its CA.
        OutlivesAuthority = "outlives_authority",
        /// The kubelet renews it.
        LeftToKubelet = "left_to_kubelet",
        /// Its certificate is not signed yet.
        NotSigned = "not_signed",
        /// A file that is there, or was given, cannot be used.
        Unusable = "unusable",
        /// Something is there that is not overwritten.
        Exists = "exists",
        /// It is another node's.
        OtherNode = "other_node",
        /// The node's name is not known.
        UnknownNode = "unknown_node",
        /// What was asked for is refused, or nobody would accept the result.
        Refused = "refused",
        /// Others could read its key, or put another in its place.
        Exposed = "exposed",
        /// Something on this node still needs it.
        StillNeeded = "still_needed",
    }
}

impl Action {
    /// Whether a file changes.
    #[must_use]
    pub const fn is_change(self) -> bool {
        !matches!(self, Self::Wait | Self::Keep | Self::Skip | Self::Blocked)
    }
}
