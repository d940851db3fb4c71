//! What is accepted, and what it becomes.

use super::*;

#[test]
fn nothing_at_all_is_kubeadm_s_defaults() {
    let spec = defaults(&options()).unwrap();
    assert_eq!(
        spec,
        ClusterSpec {
            role: Role::ControlPlane,
            node_name: "host-1".into(),
            advertise_address: "198.51.100.9".parse().unwrap(),
            bind_port: 6443,
            cluster_name: "kubernetes".into(),
            certificates_dir: "/etc/kubernetes/pki".into(),
            control_plane_endpoint: None,
            discovery_endpoint: None,
            dns_domain: "cluster.local".into(),
            service_subnets: vec!["10.96.0.0/12".parse().unwrap()],
            pod_subnets: Vec::new(),
            api_server_cert_sans: Vec::new(),
            etcd: Etcd::Local {
                data_dir: "/var/lib/etcd".into(),
                server_cert_sans: Vec::new(),
                peer_cert_sans: Vec::new(),
            },
            algorithm: Algorithm::Rsa2048,
            algorithm_is_said: false,
            certificate_validity: TimeDelta::days(365),
            ca_certificate_validity: TimeDelta::days(3650),
            kubernetes_version: None,
            ca_cert_path: "/etc/kubernetes/pki/ca.crt".into(),
        }
    );
    assert_eq!(spec_of(INIT), spec);
    assert_eq!(spec_of(CLUSTER), spec);
    let empty_is_default = format!(
        "{CLUSTER}clusterName: ''\ncertificatesDir: \"\"\ncontrolPlaneEndpoint: ''\nencryptionAlgorithm: ''\n\
         certificateValidityPeriod: null\nfeatureGates: ~\nkubernetesVersion:\n\
         networking: {{serviceSubnet: '', podSubnet: '', dnsDomain: ''}}\netcd: {{local: {{dataDir: ''}}, external: null}}\n\
         ---\n{INIT}localAPIEndpoint: {{advertiseAddress: '', bindPort: 0}}\nnodeRegistration: {{name: '', criSocket: ''}}\n"
    );
    assert_eq!(spec_of(&empty_is_default), spec);
}

#[test]
fn the_golden_configurations_load() {
    for (name, bytes) in GOLDEN {
        let Loaded { spec, warnings } = load(name, bytes, &Options::default()).unwrap();
        assert_eq!(spec.role, Role::ControlPlane, "{name}");
        assert_eq!(spec.kubernetes_version.as_deref(), Some("v1.36.2"), "{name}");
        assert_eq!(spec.has_external_etcd(), name == "external-etcd", "{name}");
        let expected: &[&str] = match name {
            "ha" => &["config.endpoint_port"],
            "v1beta3" => &["config.deprecated_version"],
            _ => &[],
        };
        assert_eq!(codes(&warnings), expected, "{name}");
        match name {
            "minimal" => assert_eq!(spec.local_endpoint().to_string(), "192.0.2.10:6443"),
            "ha" => {
                assert_eq!(spec.node_name, "cp-a.example.test");
                assert_eq!(spec.local_endpoint().to_string(), "192.0.2.11:6444");
                assert_eq!(spec.control_plane_endpoint.unwrap().to_string(), "api.example.test:8443");
                assert_eq!((spec.cluster_name.as_str(), spec.dns_domain.as_str()), ("prod-eu1", "corp.example"));
                assert_eq!(spec.service_subnets, ["172.20.0.0/16".parse().unwrap()]);
                assert_eq!(spec.api_server_cert_sans, ["lb.example.test", "198.51.100.7", "*.apps.example.test"]);
                let Etcd::Local { server_cert_sans, peer_cert_sans, .. } = spec.etcd else { panic!("{name}") };
                assert_eq!(server_cert_sans, ["etcd-a.example.test", "203.0.113.5"]);
                assert_eq!(peer_cert_sans, ["peer-a.example.test", "203.0.113.6"]);
            }
            "dual-stack" => {
                assert_eq!(spec.local_endpoint().https_url(), "https://[2001:db8::10]:6443");
                let subnets = ["fd00:10:96::/112".parse().unwrap(), "10.96.0.0/16".parse().unwrap()];
                assert_eq!(spec.service_subnets, subnets);
                assert_eq!(spec.pod_subnets.len(), 2);
            }
            "ecdsa-p256" => assert_eq!(spec.algorithm, Algorithm::EcdsaP256),
            "external-etcd" => assert_eq!(
                spec.etcd,
                Etcd::External {
                    endpoints: vec!["https://203.0.113.21:2379".into()],
                    ca_file: "/etc/kubernetes/pki/etcd/ca.crt".into(),
                    cert_file: "/etc/kubernetes/pki/apiserver-etcd-client.crt".into(),
                    key_file: "/etc/kubernetes/pki/apiserver-etcd-client.key".into(),
                }
            ),
            "validity" => {
                assert_eq!(spec.certificate_validity, TimeDelta::hours(720));
                assert_eq!(spec.ca_certificate_validity, TimeDelta::hours(17520));
            }
            "v1beta3" => {
                assert_eq!(spec.control_plane_endpoint.unwrap().to_string(), "some-dns-address:6443");
                assert_eq!(spec.certificate_validity, TimeDelta::hours(8760));
            }
            _ => panic!("a golden case without a test: {name}"),
        }
    }
}

/// Every field of both versions, each with a value of its type.
#[test]
fn every_field_of_both_versions_is_known() {
    let shared_init = "
bootstrapTokens:
- token: abcdef.0123456789abcdef
  description: d
  ttl: 24h0m0s
  usages: [signing, authentication]
  groups: ['system:bootstrappers:kubeadm:default-node-token']
- token: abcdef.0123456789abcde0
  expires: 2030-01-31T12:00:00Z
localAPIEndpoint: {advertiseAddress: 192.0.2.10, bindPort: 6443}
certificateKey: e6a2eb8581237ab72a4f494f30285ec12a9694d750b9785706a83bfcbbbd2204
skipPhases: [addon/kube-proxy]
patches: {directory: /x}
";
    let registration = "
  name: cp1
  criSocket: unix:///run/containerd/containerd.sock
  taints: [{key: k, value: v, effect: NoSchedule, timeAdded: '2026-01-01T00:00:00Z'}]
  ignorePreflightErrors: [Swap]
  imagePullPolicy: IfNotPresent
";
    let timeouts = "
timeouts: {controlPlaneComponentHealthCheck: 4m, kubeletHealthCheck: 4m, kubernetesAPICall: 1m, etcdAPICall: 2m,
  tlsBootstrap: 5m, discovery: 5m, upgradeManifests: 5m}
";
    let volumes =
        "extraVolumes: [{name: vol, hostPath: /h, mountPath: /m, readOnly: true, pathType: DirectoryOrCreate}]";
    let envs = "extraEnvs: [{name: A, value: b}, {name: F, valueFrom: {fieldRef: {apiVersion: v1, fieldPath: f}, \
                resourceFieldRef: {containerName: c, resource: r, divisor: 1}, configMapKeyRef: {name: obj, key: k, optional: true}, \
                secretKeyRef: {name: obj, key: k, optional: false}, fileKeyRef: {volumeName: v, path: p, key: k, optional: true}}}]";
    let shared_cluster = "
networking: {serviceSubnet: 10.96.0.0/12, podSubnet: 10.244.0.0/16, dnsDomain: cluster.local}
kubernetesVersion: v1.36.2
controlPlaneEndpoint: api.example.test:6443
certificatesDir: /etc/kubernetes/pki
imageRepository: registry.k8s.io
clusterName: c
";
    let shared_join = "
caCertPath: /etc/kubernetes/pki/ca.crt
controlPlane: {localAPIEndpoint: {advertiseAddress: 192.0.2.11, bindPort: 6443}, certificateKey: ''}
skipPhases: []
patches: {directory: /x}
";
    let token_discovery = "bootstrapToken: {token: abcdef.0123456789abcdef, apiServerEndpoint: 'a:6443', caCertHashes: \
        ['sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'], unsafeSkipCAVerification: false}, \
        tlsBootstrapToken: abcdef.0123456789abcdef";

    let v1beta3 = format!(
        "apiVersion: kubeadm.k8s.io/v1beta3\nkind: InitConfiguration\n{shared_init}
nodeRegistration:{registration}  kubeletExtraArgs: {{v: '5'}}
---
apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\n{shared_cluster}
etcd: {{local: {{imageRepository: r, imageTag: t, dataDir: /d, extraArgs: {{a: b}}, serverCertSANs: [a], peerCertSANs: [b]}}}}
apiServer: {{extraArgs: {{a: b}}, {volumes}, certSANs: [a.b], timeoutForControlPlane: 4m0s}}
controllerManager: {{extraArgs: {{a: b}}, {volumes}}}
scheduler: {{extraArgs: {{a: b}}, {volumes}}}
dns: {{imageRepository: r, imageTag: t}}
featureGates: {{RootlessControlPlane: false}}
"
    );
    let v1beta4 = format!(
        "{INIT}{shared_init}{timeouts}dryRun: false
nodeRegistration:{registration}  kubeletExtraArgs: [{{name: v, value: '5'}}]\n  imagePullSerial: true
---
{CLUSTER}{shared_cluster}
etcd: {{local: {{imageRepository: r, imageTag: t, dataDir: /d, extraArgs: [{{name: a, value: b}}], {envs}, serverCertSANs: [a], peerCertSANs: [b]}}}}
apiServer: {{extraArgs: [{{name: a, value: b}}], {volumes}, {envs}, certSANs: [a.b]}}
controllerManager: {{extraArgs: [{{name: a, value: b}}], {volumes}, {envs}}}
scheduler: {{extraArgs: [{{name: a, value: b}}], {volumes}, {envs}}}
dns: {{imageRepository: r, imageTag: t, disabled: true}}
proxy: {{disabled: true}}
featureGates: {{NodeLocalCRISocket: true, PublicKeysECDSA: false}}
encryptionAlgorithm: RSA-2048
certificateValidityPeriod: 8760h0m0s
caCertificateValidityPeriod: 87600h0m0s
"
    );
    let join3 = format!(
        "apiVersion: kubeadm.k8s.io/v1beta3\nkind: JoinConfiguration\n{shared_join}
nodeRegistration:{registration}  kubeletExtraArgs: {{v: '5'}}
discovery: {{{token_discovery}, timeout: 5m0s}}
---
{CLUSTER_V1BETA3}etcd: {{external: {{endpoints: ['https://e:2379'], caFile: /a, certFile: /b, keyFile: /c}}}}
"
    );
    let join4 = format!(
        "{JOIN}{shared_join}{timeouts}dryRun: true
nodeRegistration:{registration}  kubeletExtraArgs: [{{name: v, value: '5'}}]
discovery: {{file: {{kubeConfigPath: /etc/discovery.conf}}, tlsBootstrapToken: abcdef.0123456789abcdef}}
---
{CLUSTER}etcd: {{external: {{endpoints: ['https://e:2379'], httpEndpoints: ['http://e:2381'], caFile: /a, certFile: /b, keyFile: /c}}}}
"
    );
    let deprecated: &[&str] = &["config.deprecated_version"];
    for (text, warnings) in [(&v1beta3, deprecated), (&v1beta4, &[]), (&join3, deprecated), (&join4, &[])] {
        assert_eq!(codes(&loaded(text).warnings), warnings, "{text}");
    }
}

#[test]
fn documents_come_in_any_order_and_dress() {
    let name = "nodeRegistration: {name: cp1}\n";
    let cluster_name = "clusterName: c1\n";
    let json_init =
        r#"{"apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "InitConfiguration", "nodeRegistration": {"name": "cp1"}}"#;
    let foreign = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nanything: [1]\nanything: 2\n";
    let texts = [
        format!("{INIT}{name}---\n{CLUSTER}{cluster_name}"),
        format!("---\n---\n{CLUSTER}{cluster_name}---\n{INIT}{name}---\n"),
        format!("# licence\n{CLUSTER}{cluster_name}--- # next\n{INIT}{name}...\n"),
        format!("\u{feff}{CLUSTER}{cluster_name}---\n{json_init}\n"),
        format!("{CLUSTER}{cluster_name}---\n{INIT}{name}").replace('\n', "\r\n"),
        format!(
            "{foreign}---\n{CLUSTER}{cluster_name}---\n{INIT}{name}---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: ResetConfiguration\nx: y\n"
        ),
        format!("{INIT}patches: {{directory: &d cp1}}\nnodeRegistration: {{name: *d}}\n---\n{CLUSTER}{cluster_name}"),
    ];
    for text in texts {
        let Loaded { spec, warnings } = loaded(&text);
        assert_eq!((spec.node_name.as_str(), spec.cluster_name.as_str()), ("cp1", "c1"), "{text}");
        assert_eq!(warnings, [], "{text}");
    }
}

#[test]
fn the_documents_decide_the_role() {
    let control_plane = "controlPlane: {localAPIEndpoint: {advertiseAddress: 192.0.2.12, bindPort: 7443}}\n";
    let endpoint = "controlPlaneEndpoint: lb.example.test\nclusterName: c1\n";

    let worker = spec_of(&format!("{JOIN}{DISCOVERY}"));
    assert_eq!(worker.role, Role::Worker);
    assert!(worker.advertise_address.is_unspecified());
    // kubeadm does not judge the case of a discovery host; ours is lower case as every name.
    assert_eq!(worker.discovery_endpoint.unwrap().to_string(), "api.example.test:6443");
    assert_eq!(worker.control_plane_endpoint, None);

    let worker = spec_of(&format!("{JOIN}{DISCOVERY}---\n{CLUSTER}{endpoint}"));
    assert_eq!(worker.control_plane_endpoint.unwrap().to_string(), "lb.example.test:6443");
    assert_eq!(worker.cluster_name, "c1");

    let loaded_secondary = loaded(&format!("{JOIN}{DISCOVERY}{control_plane}"));
    assert_eq!(codes(&loaded_secondary.warnings), ["config.cluster_defaults"]);
    let secondary =
        spec_of(&format!("{JOIN}{DISCOVERY}{control_plane}caCertPath: /x/ca.crt\n---\n{CLUSTER}{endpoint}"));
    assert_eq!(secondary.role, Role::SecondaryControlPlane);
    assert_eq!(secondary.local_endpoint().to_string(), "192.0.2.12:7443");
    assert_eq!(secondary.control_plane_endpoint.unwrap().to_string(), "lb.example.test:7443");
    assert_eq!(secondary.ca_cert_path, "/x/ca.crt");
    assert_eq!(loaded_secondary.spec.ca_cert_path, "/etc/kubernetes/pki/ca.crt");
    let by_default = spec_of(&format!("{JOIN}{DISCOVERY}controlPlane: {{}}\n"));
    assert_eq!(by_default.local_endpoint().to_string(), "198.51.100.9:6443");
    assert_eq!(by_default.role, Role::SecondaryControlPlane);

    let both =
        loaded(&format!("{JOIN}nodeRegistration: {{name: joins}}\n---\n{INIT}nodeRegistration: {{name: inits}}\n"));
    assert_eq!((both.spec.role, both.spec.node_name.as_str()), (Role::ControlPlane, "inits"));
    assert_eq!(codes(&both.warnings), ["config.ignored_document"]);
    assert_eq!(both.warnings[0].line, Some(1));
}

#[test]
fn names_and_sans_are_normalised_as_kubeadm_does() {
    let spec = spec_of(&format!(
        "{INIT}nodeRegistration: {{name: ' CP-1.Example.Test '}}\nlocalAPIEndpoint: {{advertiseAddress: 192.168.007.010}}\n---\n\
         {CLUSTER}apiServer: {{certSANs: [LB.Example.Test, '*.Apps.example.test', 192.168.007.010, '2001:DB8::1', '::ffff:10.0.0.5']}}\n\
         networking: {{serviceSubnet: '10.96.5.7/16'}}\n"
    ));
    assert_eq!(spec.node_name, "cp-1.example.test");
    assert_eq!(spec.advertise_address.to_string(), "192.168.7.10");
    let sans = ["lb.example.test", "*.apps.example.test", "192.168.7.10", "2001:db8::1", "10.0.0.5"];
    assert_eq!(spec.api_server_cert_sans, sans);
    assert_eq!(spec.service_subnets, ["10.96.0.0/16".parse().unwrap()]);
}

#[test]
fn a_given_node_name_goes_first_and_keeps_its_case() {
    let given = |name: &str| {
        let options = Options { node_name: Some(name.into()), ..options() };
        load("k.yaml", format!("{INIT}nodeRegistration: {{name: cp1}}\n").as_bytes(), &options)
    };
    assert_eq!(given("Other").unwrap().spec.node_name, "Other");
    let error = given("not a name").unwrap_err();
    assert!(error.to_string().contains("node name: the node name given \"not a name\""), "{error}");
    assert!(given("").is_err());
}

#[test]
fn the_feature_gate_overrides_the_algorithm() {
    let read = |text: &str| {
        let Loaded { spec, warnings } = loaded(&format!("{CLUSTER}{text}"));
        (spec.algorithm, codes(&warnings))
    };
    let overridden = vec!["config.algorithm_overridden"];
    assert_eq!(read("encryptionAlgorithm: ECDSA-P384\n"), (Algorithm::EcdsaP384, vec![]));
    assert_eq!(read("featureGates: {PublicKeysECDSA: true}\n"), (Algorithm::EcdsaP256, vec![]));
    let rsa = "encryptionAlgorithm: RSA-3072\n";
    assert_eq!(
        read(&format!("{rsa}featureGates: {{PublicKeysECDSA: true}}\n")),
        (Algorithm::EcdsaP256, overridden.clone())
    );
    assert_eq!(read(&format!("{rsa}featureGates: {{PublicKeysECDSA: false}}\n")), (Algorithm::Rsa2048, overridden));
    assert_eq!(read("featureGates: {EtcdLearnerMode: true}\n"), (Algorithm::Rsa2048, vec!["config.feature_gate"]));
}

#[test]
fn odd_validity_is_a_warning() {
    let read = |text: &str| codes(&loaded(&format!("{CLUSTER}{text}")).warnings);
    let long = "config.long_validity";
    assert_eq!(read("certificateValidityPeriod: 8760h\n"), [""; 0]);
    assert_eq!(read("certificateValidityPeriod: 8760h1s\n"), [long]);
    assert_eq!(read("caCertificateValidityPeriod: 87601h\n"), [long]);
    assert_eq!(read("certificateValidityPeriod: 2h\ncaCertificateValidityPeriod: 1h\n"), ["config.leaf_outlives_ca"]);
    assert_eq!(read("caCertificateValidityPeriod: 1h\n"), ["config.leaf_outlives_ca"]);
    assert_eq!(read("certificateValidityPeriod: -1h\n"), ["config.empty_validity"]);
    assert_eq!(read("certificateValidityPeriod: 1h\ncaCertificateValidityPeriod: 1h\n"), [""; 0]);
    let spec = spec_of(&format!("{CLUSTER}certificateValidityPeriod: 1h30m10.7s\n"));
    assert_eq!(spec.certificate_validity, TimeDelta::milliseconds(5_410_700));
}

#[test]
fn endpoints_take_the_bind_port_unless_they_have_their_own() {
    let read = |endpoint: &str| {
        let text =
            format!("{INIT}localAPIEndpoint: {{bindPort: 7000}}\n---\n{CLUSTER}controlPlaneEndpoint: '{endpoint}'\n");
        let Loaded { spec, warnings } = loaded(&text);
        (spec.control_plane_endpoint.unwrap().https_url(), warnings.len())
    };
    assert_eq!(read("api.example.test"), ("https://api.example.test:7000".into(), 0));
    assert_eq!(read("api.example.test:7000"), ("https://api.example.test:7000".into(), 0));
    assert_eq!(read("api.example.test:443"), ("https://api.example.test:443".into(), 1));
    assert_eq!(read("2001:db8::1"), ("https://[2001:db8::1]:7000".into(), 0));
}

#[test]
fn lenient_reading_goes_on_where_kubeadm_does() {
    let text = format!(
        "{CLUSTER}certificatesdir: /x\nclusterName: a\nclusterName: b\n---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfigurations\n"
    );
    assert!(load("k.yaml", text.as_bytes(), &options()).is_err());
    let Loaded { spec, warnings } = load("k.yaml", text.as_bytes(), &lenient()).unwrap();
    assert_eq!(codes(&warnings), ["config.unknown_field", "config.duplicate_key", "config.unknown_kind"]);
    assert_eq!(spec.certificates_dir, "/etc/kubernetes/pki");
    assert_eq!(spec.cluster_name, "b");

    // Kubernetes makes JSON of a document first: what JSON cannot say is refused in any field.
    let error = load("k.yaml", format!("{CLUSTER}unknown: .inf\n").as_bytes(), &lenient()).unwrap_err();
    assert_eq!(error.context()["problems"][0]["code"], "config.value");

    // A field of the other version has no effect, as in kubeadm.
    let text = format!("{CLUSTER_V1BETA3}encryptionAlgorithm: ECDSA-P256\n");
    let Loaded { spec, warnings } = load("k.yaml", text.as_bytes(), &lenient()).unwrap();
    assert_eq!(codes(&warnings), ["config.deprecated_version", "config.field_of_other_version"]);
    assert_eq!(spec.algorithm, Algorithm::Rsa2048);
}

#[test]
fn the_smallest_and_largest_service_networks_are_accepted() {
    for network in ["10.96.0.0/12", "10.96.0.0/28", "fd00::/108", "fd00::/124"] {
        let spec = spec_of(&format!("{CLUSTER}networking: {{serviceSubnet: '{network}'}}\n"));
        assert_eq!(spec.service_subnets, [network.parse().unwrap()]);
    }
}

#[test]
fn pod_networks_are_held_against_the_node_mask() {
    let good = [
        "networking: {podSubnet: 10.244.0.0/25}\ncontrollerManager: {extraArgs: [{name: node-cidr-mask-size-ipv4, value: '26'}]}\n",
        "networking: {podSubnet: 10.244.0.0/25}\ncontrollerManager: {extraArgs: [{name: allocate-node-cidrs, value: 'false'}]}\n",
        "networking: {podSubnet: 10.0.0.0/8}\n",
        "networking: {podSubnet: 'fd00::/48,10.244.0.0/24'}\n",
    ];
    for text in good {
        assert!(!spec_of(&format!("{CLUSTER}{text}")).pod_subnets.is_empty(), "{text}");
    }
    let as_mapping =
        "networking: {podSubnet: 10.244.0.0/25}\ncontrollerManager: {extraArgs: {node-cidr-mask-size-ipv4: '26'}}\n";
    assert_eq!(spec_of(&format!("{CLUSTER_V1BETA3}{as_mapping}")).pod_subnets.len(), 1);
}
