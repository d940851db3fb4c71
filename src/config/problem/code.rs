//! The codes of what can be wrong in a configuration file: each is declared once, and the table of
//! `docs/reference/configuration.md` is made of these declarations.

use super::Severity;
use crate::error::findings;

findings! {
    /// The kinds of problem.
    pub enum Code: Severity {
        /// An address of the API server that other nodes cannot reach.
        #[finding("config.address", Error,
            "Write the node's address in the cluster's network.", example = "other nodes cannot reach 127.0.0.1")]
        Address,
        /// `PublicKeysECDSA` overrides `encryptionAlgorithm`.
        #[finding("config.algorithm_overridden", Warning,
            "Remove the deprecated gate.",
            example = "the feature gate PublicKeysECDSA overrides encryptionAlgorithm: keys will be ECDSA-P256")]
        AlgorithmOverridden,
        /// The certificate key is not 32 bytes in hexadecimal.
        #[finding("config.certificate_key", Error,
            "`kubeadm certs certificate-key` makes one.", example = "the certificate key is not hexadecimal")]
        CertificateKey,
        /// There is no `ClusterConfiguration` beside the `JoinConfiguration`.
        #[finding("config.cluster_defaults", Warning,
            "Names, networks and algorithm are kubeadm's defaults.",
            example = "there is no ClusterConfiguration beside the JoinConfiguration")]
        ClusterDefaults,
        /// Several objects of a list hold a configuration, a `ConfigMap` stands beside other documents, or its
        /// `ClusterConfiguration` is no text.
        #[finding("config.config_map", Error,
            "Give the `ConfigMap` that is meant in a file of its own, or the text in it.",
            example = "this is a ConfigMap with the configuration inside, not the configuration itself")]
        ConfigMap,
        /// The file holds a control character.
        #[finding("config.control_character", Error,
            "Remove it.", example = "the file holds the control character U+0000")]
        ControlCharacter,
        /// This is not a container runtime socket; a path without scheme is a warning.
        #[finding("config.cri_socket", Error also "warning",
            "`unix:///run/containerd/containerd.sock`; a path without scheme is a warning.",
            example = "\"tcp://x\" is not a container runtime socket")]
        CriSocket,
        /// v1beta3 is deprecated.
        #[finding("config.deprecated_version", Warning,
            "`kubeadm config migrate`", example = "kubeadm.k8s.io/v1beta3 is deprecated")]
        DeprecatedVersion,
        /// The node cannot find its cluster, or not know it for its own.
        #[finding("config.discovery", Error,
            "`kubeadm token create --print-join-command` prints what is needed.",
            example = "without caCertHashes the node cannot know that it talks to its own cluster")]
        Discovery,
        /// This is no DNS name in lower case.
        #[finding("config.dns_name", Error,
            "Write it in lower case.", example = "\"Cluster.local\" is not a DNS domain")]
        DnsName,
        /// A key appears twice.
        #[finding("config.duplicate_key", Error also "warning with `--lenient`",
            "Keep one; the last one wins in kubeadm.", example = "the key is given twice; first on line 3")]
        DuplicateKey,
        /// This is no Go duration; there is no unit for days.
        #[finding("config.duration", Error, "Write 8760h.", example = "\"365d\": the duration has an unknown unit")]
        Duration,
        /// A document is empty or only comments.
        #[finding("config.empty_document", Error,
            "Remove the `---` between a comment and its document.",
            example = "the document is empty or only comments, which kubeadm refuses")]
        EmptyDocument,
        /// Certificates would be expired when they are made.
        #[finding("config.empty_validity", Warning,
            "Give a longer period.", example = "certificates with this validity would be expired from the start")]
        EmptyValidity,
        /// This is no `host[:port]`.
        #[finding("config.endpoint", Error, "Write `a.b:6443`", example = "\"https://a.b:6443\" is no endpoint")]
        Endpoint,
        /// The port of `controlPlaneEndpoint` is not this node's.
        #[finding("config.endpoint_port", Warning,
            "Right for a load balancer that forwards the port.",
            example = "port 8443 is not the bindPort 6443 of this node's API server")]
        EndpointPort,
        /// The fields of etcd do not fit together.
        #[finding("config.etcd", Error,
            "Add it, or remove both.", example = "keyFile is missing: a client certificate and its key go together")]
        Etcd,
        /// There is no such feature gate; one of an earlier release is a warning.
        #[finding("config.feature_gate", Error also "warning",
            "Use the spelling in the hint; a gate of an earlier release is a warning.",
            example = "unknown feature gate \"publicKeysECDSA\"")]
        FeatureGate,
        /// The field exists in the other API version.
        #[finding("config.field_of_other_version", Error also "warning with `--lenient`",
            "Change `apiVersion`, or use the field in the hint.",
            example = "the field exists in v1beta4, not in v1beta3")]
        OtherVersion,
        /// A document is not used.
        #[finding("config.ignored_document", Warning,
            "Remove it if it was meant for kubeadm.", example = "the document of kind \"Thing\" is ignored")]
        IgnoredDocument,
        /// There are two documents of one kind.
        #[finding("config.kind_twice", Error,
            "Keep one document of each kind.",
            example = "a second \"ClusterConfiguration\"; the first begins on line 1")]
        KindTwice,
        /// This is not a Kubernetes version.
        #[finding("config.kubernetes_version", Error,
            "Write v1.36.2.", example = "\"1.36\" is not a Kubernetes version")]
        Version,
        /// Certificates would be valid for longer than their CA.
        #[finding("config.leaf_outlives_ca", Warning,
            "Shorten the one or lengthen the other.",
            example = "certificates would be valid for longer than the certificate authority that signs them")]
        LeafOutlivesCa,
        /// The validity is longer than recommended.
        #[finding("config.long_validity", Warning,
            "Prefer regular renewal.", example = "the validity is longer than the recommended 8760h")]
        LongValidity,
        /// The address of the API server is not given, and the host does not have one to use.
        #[finding("config.no_address", Error,
            "Add `localAPIEndpoint.advertiseAddress`",
            example = "the address of the API server is not given, and the host has no default route to find it by")]
        NoAddress,
        /// Nothing says where the worker's kubelet finds the API server.
        #[finding("config.no_api_endpoint", Error,
            "Add a `ClusterConfiguration` with `controlPlaneEndpoint`",
            example = "nothing says where the worker's kubelet finds the API server")]
        ApiEndpoint,
        /// The file has none of the three kinds that are read.
        #[finding("config.no_configuration", Error,
            "Add one.", example = "the file has no InitConfiguration, ClusterConfiguration or JoinConfiguration")]
        NoConfiguration,
        /// The node has no name, and the host does not have one to use.
        #[finding("config.no_node_name", Error,
            "Add `nodeRegistration.name`", example = "the node has no name, and the host's name is not known")]
        NoNodeName,
        /// A document has no `apiVersion` or no `kind`.
        #[finding("config.no_type_meta", Error,
            "Begin it with `apiVersion` and `kind`", example = "the document has no kind")]
        NoTypeMeta,
        /// This is not a node name.
        #[finding("config.node_name", Error,
            "Use letters, digits, hyphens and dots.", example = "\"cp_1\" is not a node name")]
        NodeName,
        /// The file or document is something else (a kubeconfig, a manifest, a key, an archive); the message names it.
        #[finding("config.other_file", Error,
            "Give the kubeadm configuration.", example = "this is a kubeconfig, not a kubeadm configuration")]
        OtherFile,
        /// This is no absolute path, or has the wrong ending.
        #[finding("config.path", Error, "Write the whole path.", example = "\"pki\" is not an absolute path")]
        Path,
        /// This is no port.
        #[finding("config.port", Error, "1 to 65535.", example = "this is not a port")]
        Port,
        /// This is neither an address nor a DNS name.
        #[finding("config.san", Error,
            "A wildcard is a single `*.` in front.", example = "\"**.a\" is neither an IP address nor a DNS name")]
        San,
        /// These networks cannot be used.
        #[finding("config.subnet", Error,
            "Leave the space out.", example = "\"10.96.0.0/12, fd00::/112\" cannot be used")]
        Subnet,
        /// The YAML is broken.
        #[finding("config.syntax", Error, "Correct the YAML.", example = "unclosed bracket '['")]
        Syntax,
        /// A YAML tag has no meaning here (`!vault`).
        #[finding("config.tag", Error,
            "Give kubepki the decrypted file.", example = "the tag !vault has no meaning for this value")]
        Tag,
        /// A template was not rendered: `{{ … }}`, `${NAME}` and the like.
        #[finding("config.template", Error,
            "Render the template first.", example = "\"{{ vip }}\" is left over from a template that was not rendered")]
        Template,
        /// This is no bootstrap token.
        #[finding("config.token", Error,
            "`kubeadm token generate` makes one.", example = "this is not a bootstrap token")]
        Token,
        /// The document is too large once its aliases are resolved.
        #[finding("config.too_complex", Error,
            "Repeat less with aliases.", example = "the document is too large once its aliases are resolved")]
        TooComplex,
        /// More than 500 problems; the rest is only counted.
        #[finding("config.too_many_problems", Error also "warning",
            "Correct the first 500 and look again; a warning when no error is among the rest.",
            example = "7 more problems are not listed")]
        TooMany,
        /// This is not one of kubeadm's five algorithms.
        #[finding("config.unknown_algorithm", Error,
            "Use the spelling in the hint.",
            example = "\"rsa-2048\" is not an encryption algorithm that kubeadm knows")]
        UnknownAlgorithm,
        /// There is no such field.
        #[finding("config.unknown_field", Error also "warning with `--lenient`",
            "Did you mean certificatesDir?", example = "unknown field \"certificatesdir\"")]
        UnknownField,
        /// There is no such kind in kubeadm's group.
        #[finding("config.unknown_kind", Error also "warning with `--lenient`",
            "Use the spelling in the hint.", example = "unknown kind \"ClusterConfig\"")]
        UnknownKind,
        /// The API version is neither v1beta4 nor v1beta3.
        #[finding("config.unsupported_version", Error,
            "`kubeadm config migrate`", example = "the version \"kubeadm.k8s.io/v1beta2\" is not supported")]
        UnsupportedVersion,
        /// This is not one of the possible values.
        #[finding("config.value", Error,
            "Use one that the hint lists.", example = "\"always\" is not one of the possible values")]
        Value,
        /// A value of one type is given where another is expected.
        #[finding("config.wrong_type", Error,
            "Put it in quotes: \"123\".", example = "an integer is given where a string is expected")]
        WrongType,
    }
}
