//! What is refused: with which code, where, and with which advice.

use super::*;

/// Each text after its header has one error: code, line (the header has two), field, and a part of the hint.
fn assert_refused(header: &str, cases: &[(&str, &str, usize, &str, &str)]) {
    for (text, code, line, field, hint) in cases {
        let problem = problem_of(&format!("{header}{text}\n"));
        assert_eq!(problem.severity, Severity::Error, "{text}\n{problem:?}");
        assert_eq!(problem.code, *code, "{text}\n{problem:?}");
        assert_eq!(problem.line, Some(*line), "{text}\n{problem:?}");
        assert_eq!(problem.field, *field, "{text}\n{problem:?}");
        assert!(problem.hint.contains(hint), "{text}\n{problem:?}");
    }
}

#[test]
fn unknown_fields_name_the_field_that_was_meant() {
    let code = "config.unknown_field";
    let cases = [
        (
            "certificatesdir: /x",
            code,
            3,
            "certificatesdir",
            "did you mean certificatesDir? Field names are case-sensitive",
        ),
        ("certificateDir: /x", code, 3, "certificateDir", "did you mean certificatesDir?"),
        ("certSANs: [a]", code, 3, "certSANs", "did you mean apiServer.certSANs in ClusterConfiguration?"),
        ("nodeRegistration: {}", code, 3, "nodeRegistration", "did you mean nodeRegistration in InitConfiguration?"),
        ("apiServer:\n  certSans: [a]", code, 4, "apiServer.certSans", "did you mean certSANs?"),
        ("etcd:\n  local:\n    dataDirectory: /x", code, 5, "etcd.local.dataDirectory", "did you mean dataDir"),
        (
            "apiServer:\n  extraArgs:\n  - name: a\n    value: b\n    valu: c",
            code,
            7,
            "apiServer.extraArgs[0].valu",
            "did you mean value?",
        ),
        ("dns: {qwertyuiop: 1}", code, 3, "dns.qwertyuiop", "known here: imageRepository, imageTag, disabled"),
    ];
    assert_refused(CLUSTER, &cases);
}

#[test]
fn a_field_of_the_other_version_says_so() {
    let problems = problems_of(&format!("{CLUSTER_V1BETA3}encryptionAlgorithm: RSA-3072\n"));
    assert_eq!(codes(&problems), ["config.deprecated_version", "config.field_of_other_version"]);
    assert_eq!(problems[1].message, "the field exists in v1beta4, not in v1beta3");
    assert!(problems[1].hint.contains("kubeadm.k8s.io/v1beta4"), "{}", problems[1].hint);
    let code = "config.field_of_other_version";
    assert_refused(
        CLUSTER,
        &[(
            "apiServer:\n  timeoutForControlPlane: 4m",
            code,
            4,
            "apiServer.timeoutForControlPlane",
            "timeouts.controlPlaneComponentHealthCheck",
        )],
    );
}

#[test]
fn duplicate_keys_are_refused_at_any_depth() {
    let code = "config.duplicate_key";
    assert_refused(
        CLUSTER,
        &[
            ("clusterName: a\nclusterName: b", code, 4, "clusterName", "keep one"),
            ("networking:\n  dnsDomain: a.b\n  dnsDomain: c.d", code, 5, "networking.dnsDomain", "keep one"),
            (
                "featureGates:\n  PublicKeysECDSA: true\n  PublicKeysECDSA: true",
                code,
                5,
                "featureGates.PublicKeysECDSA",
                "keep one",
            ),
        ],
    );
    let problem = problem_of(&format!("{CLUSTER}clusterName: a\nclusterName: b\n"));
    assert_eq!(problem.message, "the key is given twice; first on line 3");
}

#[test]
fn wrong_types_say_what_to_write() {
    let code = "config.wrong_type";
    assert_refused(
        CLUSTER,
        &[
            ("clusterName: 123", code, 3, "clusterName", "put it in quotes: \"123\""),
            ("clusterName: 010", code, 3, "clusterName", "put it in quotes: \"010\""),
            ("clusterName: 1.5", code, 3, "clusterName", "\"1.5\""),
            ("clusterName: y", code, 3, "clusterName", "\"y\""),
            ("networking: {dnsDomain: true}", code, 3, "networking.dnsDomain", "\"true\""),
            ("networking:\n- a", code, 4, "networking", "give networking a mapping"),
            ("clusterName: [a]", code, 3, "clusterName", "give clusterName a string"),
            ("featureGates: {PublicKeysECDSA: 'true'}", code, 3, "featureGates.PublicKeysECDSA", "remove the quotes"),
            ("featureGates: {PublicKeysECDSA: 1}", code, 3, "featureGates.PublicKeysECDSA", "true or false"),
            ("apiServer: {certSANs: a.b}", code, 3, "apiServer.certSANs", "after a dash"),
            ("apiServer: {certSANs: [a.b, 7]}", code, 3, "apiServer.certSANs[1]", "\"7\""),
            ("apiServer: {extraArgs: {a: b}}", code, 3, "apiServer.extraArgs", "v1beta4 takes a list"),
            (
                "controllerManager: {extraArgs: [{name: v, value: 5}]}",
                code,
                3,
                "controllerManager.extraArgs[0].value",
                "\"5\"",
            ),
            ("certificateValidityPeriod: [1h]", code, 3, "certificateValidityPeriod", "8760h"),
        ],
    );
    assert_refused(
        INIT,
        &[
            ("localAPIEndpoint: {bindPort: '6443'}", code, 3, "localAPIEndpoint.bindPort", "remove the quotes"),
            ("nodeRegistration: {name: 123}", code, 3, "nodeRegistration.name", "\"123\""),
        ],
    );
    let mapping = problems_of(&format!("{CLUSTER_V1BETA3}scheduler: {{extraArgs: [{{name: a, value: b}}]}}\n"));
    assert!(mapping[1].hint.contains("v1beta3 takes a mapping"), "{mapping:?}");
    // Quoted, it is a string.
    assert_eq!(spec_of(&format!("{CLUSTER}clusterName: \"010\"\n")).cluster_name, "010");
    assert_eq!(spec_of(&format!("{CLUSTER}clusterName: 'yes'\n")).cluster_name, "yes");
}

#[test]
fn values_of_a_cluster_are_judged_by_kubeadm_s_rules() {
    let path = "config.path";
    assert_refused(
        CLUSTER,
        &[
            ("certificateValidityPeriod: 365d", "config.duration", 3, "certificateValidityPeriod", "write 8760h"),
            ("certificateValidityPeriod: 8760", "config.duration", 3, "certificateValidityPeriod", "write 8760h"),
            ("certificateValidityPeriod: ''", "config.duration", 3, "certificateValidityPeriod", "remove the field"),
            ("caCertificateValidityPeriod: '87600'", "config.duration", 3, "caCertificateValidityPeriod", "87600h"),
            (
                "encryptionAlgorithm: rsa-2048",
                "config.unknown_algorithm",
                3,
                "encryptionAlgorithm",
                "did you mean RSA-2048? Use one of ECDSA-P256, ECDSA-P384, RSA-2048, RSA-3072, RSA-4096",
            ),
            ("encryptionAlgorithm: Ed25519", "config.unknown_algorithm", 3, "encryptionAlgorithm", "use one of"),
            (
                "apiServer:\n  certSANs:\n  - ok.example\n  - '**.a'",
                "config.san",
                6,
                "apiServer.certSANs[1]",
                "wildcard",
            ),
            ("apiServer: {certSANs: ['https://a.b']}", "config.san", 3, "apiServer.certSANs[0]", "scheme"),
            ("apiServer: {certSANs: ['']}", "config.san", 3, "apiServer.certSANs[0]", "empty"),
            ("etcd: {local: {serverCertSANs: [A.b]}}", "config.san", 3, "etcd.local.serverCertSANs[0]", "lower case"),
            ("etcd: {local: {peerCertSANs: ['1.2.3.L']}}", "config.san", 3, "etcd.local.peerCertSANs[0]", "lower case"),
            ("controlPlaneEndpoint: API.example.test", "config.endpoint", 3, "controlPlaneEndpoint", "lower case"),
            (
                "controlPlaneEndpoint: https://a.b:6443",
                "config.endpoint",
                3,
                "controlPlaneEndpoint",
                "without a scheme",
            ),
            ("controlPlaneEndpoint: a.b:70000", "config.endpoint", 3, "controlPlaneEndpoint", "1 to 65535"),
            ("certificatesDir: pki", path, 3, "certificatesDir", "beginning with /"),
            ("etcd: {local: {dataDir: etcd}}", path, 3, "etcd.local.dataDir", "beginning with /"),
            ("networking: {dnsDomain: Cluster.local}", "config.dns_name", 3, "networking.dnsDomain", "lower case"),
            (
                "featureGates: {publicKeysECDSA: true}",
                "config.feature_gate",
                3,
                "featureGates.publicKeysECDSA",
                "did you mean PublicKeysECDSA?",
            ),
            ("featureGates: {AllAlpha: true}", "config.feature_gate", 3, "featureGates.AllAlpha", "kubeadm knows"),
            ("kubernetesVersion: '1.36'", "config.kubernetes_version", 3, "kubernetesVersion", "v1.36.2"),
            ("scheduler: {extraArgs: [{value: b}]}", "config.value", 3, "scheduler.extraArgs[0]", "name:"),
        ],
    );
}

#[test]
fn networks_are_judged_by_kubeadm_s_rules() {
    let subnet = "config.subnet";
    let subnet_field = "networking.serviceSubnet";
    let pod_field = "networking.podSubnet";
    assert_refused(
        CLUSTER,
        &[
            ("networking: {serviceSubnet: '10.96.0.0/12, fd00::/112'}", subnet, 3, subnet_field, "without a space"),
            ("networking: {serviceSubnet: '10.96.0.0/16,10.97.0.0/16'}", subnet, 3, subnet_field, "one of IPv6"),
            ("networking: {serviceSubnet: 10.96.0.0}", subnet, 3, subnet_field, "prefix length"),
            ("networking: {serviceSubnet: 10.96.0.0/29}", subnet, 3, subnet_field, "/28 or shorter"),
            ("networking: {serviceSubnet: 10.0.0.0/11}", subnet, 3, subnet_field, "/12 or longer"),
            ("networking: {serviceSubnet: 'fd00::/107'}", subnet, 3, subnet_field, "/108 or longer"),
            ("networking: {podSubnet: 10.244.0.0/25}", subnet, 3, pod_field, "/24 or shorter"),
            ("networking: {podSubnet: 10.0.0.0/7}", subnet, 3, pod_field, "/8 or longer"),
            ("networking: {podSubnet: 'fd00::/47'}", subnet, 3, pod_field, "/48 or longer"),
            ("networking: {podSubnet: 10.244.0.0/29}", subnet, 3, pod_field, "/28 or shorter"),
            (
                "networking: {podSubnet: 10.244.0.0/16}\ncontrollerManager: {extraArgs: [{name: node-cidr-mask-size-ipv4, value: big}]}",
                subnet,
                4,
                "controllerManager.extraArgs[0].value",
                "\"24\"",
            ),
        ],
    );
}

#[test]
fn values_of_a_node_are_judged_by_kubeadm_s_rules() {
    assert_refused(
        INIT,
        &[
            ("nodeRegistration: {name: cp_1}", "config.node_name", 3, "nodeRegistration.name", "underscore"),
            (
                "nodeRegistration: {imagePullPolicy: always}",
                "config.value",
                3,
                "nodeRegistration.imagePullPolicy",
                "Always, IfNotPresent, Never",
            ),
            (
                "nodeRegistration: {criSocket: 'tcp://x'}",
                "config.cri_socket",
                3,
                "nodeRegistration.criSocket",
                "unix://",
            ),
            (
                "nodeRegistration: {taints: [{timeAdded: today}]}",
                "config.value",
                3,
                "nodeRegistration.taints[0].timeAdded",
                "RFC 3339",
            ),
            ("localAPIEndpoint: {bindPort: 65536}", "config.port", 3, "localAPIEndpoint.bindPort", "1 to 65535"),
            ("localAPIEndpoint: {bindPort: -1}", "config.port", 3, "localAPIEndpoint.bindPort", "1 to 65535"),
            (
                "localAPIEndpoint: {bindPort: 99999999999999999999}",
                "config.port",
                3,
                "localAPIEndpoint.bindPort",
                "1 to 65535",
            ),
            (
                "localAPIEndpoint: {advertiseAddress: cp1.example.test}",
                "config.address",
                3,
                "localAPIEndpoint.advertiseAddress",
                "IPv4 or IPv6",
            ),
            (
                "localAPIEndpoint: {advertiseAddress: 127.0.0.1}",
                "config.address",
                3,
                "localAPIEndpoint.advertiseAddress",
                "loopback",
            ),
            (
                "localAPIEndpoint: {advertiseAddress: 169.254.0.7}",
                "config.address",
                3,
                "localAPIEndpoint.advertiseAddress",
                "link-local",
            ),
            (
                "localAPIEndpoint: {advertiseAddress: 'ff02::1'}",
                "config.address",
                3,
                "localAPIEndpoint.advertiseAddress",
                "multicast",
            ),
            ("certificateKey: xyz", "config.certificate_key", 3, "certificateKey", "certificate-key"),
            ("certificateKey: abcd", "config.certificate_key", 3, "certificateKey", "certificate-key"),
            (
                "bootstrapTokens: [{token: abcdef.0123}]",
                "config.token",
                3,
                "bootstrapTokens[0].token",
                "token generate",
            ),
            (
                "bootstrapTokens: [{ttl: 1h, expires: '2030-01-01T00:00:00Z'}]",
                "config.token",
                3,
                "bootstrapTokens[0]",
                "keep one",
            ),
            ("bootstrapTokens: [{ttl: 1d}]", "config.duration", 3, "bootstrapTokens[0].ttl", "write 24h"),
            ("bootstrapTokens: [{usages: [sign]}]", "config.token", 3, "bootstrapTokens[0].usages[0]", "signing"),
            (
                "bootstrapTokens: [{groups: [admins]}]",
                "config.token",
                3,
                "bootstrapTokens[0].groups[0]",
                "system:bootstrappers:",
            ),
            (
                "bootstrapTokens: [{usages: [signing], groups: ['system:bootstrappers:a']}]",
                "config.token",
                3,
                "bootstrapTokens[0].groups[0]",
                "authentication",
            ),
        ],
    );
}

#[test]
fn etcd_is_local_or_external_and_whole() {
    let code = "config.etcd";
    let external = "etcd: {external: {endpoints: ['https://e:2379'], ";
    let cases = [
        ("etcd: {local: {}, external: {endpoints: ['http://e:2379']}}".to_owned(), "etcd", "remove one"),
        ("etcd: {external: {}}".into(), "etcd.external.endpoints", "at least one URL"),
        ("etcd: {external: {endpoints: ['e:2379']}}".into(), "etcd.external.endpoints[0]", "scheme"),
        ("etcd: {external: {endpoints: ['http://e:2379'], caFile: /a}}".into(), "etcd.external.endpoints[0]", "https"),
        (format!("{external} caFile: /a, certFile: /b}}}}"), "etcd.external.certFile", "add keyFile"),
        (format!("{external} caFile: /a, keyFile: /b}}}}"), "etcd.external.keyFile", "add certFile"),
        (format!("{external} certFile: /a, keyFile: /b}}}}"), "etcd.external.certFile", "add caFile"),
        (format!("{external} httpEndpoints: [x]}}}}"), "etcd.external.httpEndpoints[0]", "scheme"),
    ];
    for (text, field, hint) in &cases {
        assert_refused(CLUSTER, &[(text.as_str(), code, 3, field, hint)]);
    }
    assert_refused(CLUSTER, &[(&format!("{external} caFile: a}}}}"), "config.path", 3, "etcd.external.caFile", "/")]);
    // Plain http is fine without files.
    assert!(spec_of(&format!("{CLUSTER}etcd: {{external: {{endpoints: ['http://e:2379']}}}}\n")).has_external_etcd());
}

#[test]
fn joining_needs_a_way_to_the_cluster() {
    let token = "token: abcdef.0123456789abcdef";
    let found = "unsafeSkipCAVerification: true";
    let at = "apiServerEndpoint: 'a:6443'";
    let discovery = "config.discovery";
    let known = format!("\n---\n{CLUSTER}controlPlaneEndpoint: a.b");
    let cases = [
        ("dryRun: false".to_owned(), discovery, "discovery", "print-join-command"),
        (
            format!("discovery: {{bootstrapToken: {{{token}, {at}, {found}}}, file: {{kubeConfigPath: /x}}}}"),
            discovery,
            "discovery",
            "keep one",
        ),
        (
            format!("discovery: {{bootstrapToken: {{{at}, {found}}}}}"),
            discovery,
            "discovery.bootstrapToken.token",
            "token create",
        ),
        (
            format!("discovery: {{bootstrapToken: {{token: x, {at}, {found}}}}}"),
            "config.token",
            "discovery.bootstrapToken.token",
            "sixteen",
        ),
        (
            format!("discovery: {{bootstrapToken: {{{token}, {found}}}}}"),
            discovery,
            "discovery.bootstrapToken.apiServerEndpoint",
            "host and port",
        ),
        (
            format!("discovery: {{bootstrapToken: {{{token}, apiServerEndpoint: a, {found}}}}}"),
            "config.endpoint",
            "discovery.bootstrapToken.apiServerEndpoint",
            "port is required",
        ),
        (
            format!("discovery: {{bootstrapToken: {{{token}, apiServerEndpoint: 'a:', {found}}}}}"),
            "config.endpoint",
            "discovery.bootstrapToken.apiServerEndpoint",
            "port is required",
        ),
        (
            format!("discovery: {{bootstrapToken: {{{token}, {at}}}}}"),
            discovery,
            "discovery.bootstrapToken.caCertHashes",
            "sha256:",
        ),
        (
            format!("discovery: {{bootstrapToken: {{{token}, {at}, caCertHashes: ['md5:00']}}}}"),
            discovery,
            "discovery.bootstrapToken.caCertHashes[0]",
            "64 hexadecimal",
        ),
        (
            format!("discovery: {{file: {{kubeConfigPath: 'http://x/y'}}}}{known}"),
            discovery,
            "discovery.file.kubeConfigPath",
            "https",
        ),
        (format!("discovery: {{file: {{}}}}{known}"), discovery, "discovery.file.kubeConfigPath", "kubeconfig"),
        (format!("{DISCOVERY}caCertPath: ca.crt"), "config.path", "caCertPath", "/etc/kubernetes/pki/ca.crt"),
        ("discovery: {file: {kubeConfigPath: /x}}".into(), "config.no_api_endpoint", "", "controlPlaneEndpoint"),
    ];
    for (text, code, field, hint) in &cases {
        let problem = problem_of(&format!("{JOIN}{text}\n"));
        assert_eq!((problem.code.as_str(), problem.field.as_str()), (*code, *field), "{text}\n{problem:?}");
        assert!(problem.hint.contains(hint), "{text}\n{problem:?}");
    }
    let with_endpoint =
        format!("{JOIN}discovery: {{file: {{kubeConfigPath: /x}}}}\n---\n{CLUSTER}controlPlaneEndpoint: a.b\n");
    assert_eq!(spec_of(&with_endpoint).role, Role::Worker);
}

#[test]
fn files_without_a_usable_document_say_what_is_missing() {
    let init_of = |version: &str| format!("apiVersion: {version}\nkind: InitConfiguration\n");
    let cases = [
        (String::new(), "config.no_configuration", None, "ClusterConfiguration"),
        ("---\n---\n".into(), "config.no_configuration", None, "ClusterConfiguration"),
        (
            "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n".into(),
            "config.no_configuration",
            None,
            "kind",
        ),
        (format!("# licence\n---\n{CLUSTER}"), "config.empty_document", Some(1), "remove the ---"),
        (format!("{CLUSTER}---\n\n"), "config.empty_document", Some(4), "remove the ---"),
        (format!("{CLUSTER}---\nkind: InitConfiguration\n"), "config.no_type_meta", Some(4), "apiVersion:"),
        (format!("{CLUSTER}---\napiVersion: v1\nkind: Secret\n"), "config.other_file", Some(4), "file of its own"),
        (format!("{CLUSTER}---\n[]\n"), "config.no_type_meta", Some(4), "kind"),
        (format!("{CLUSTER}---\n{CLUSTER_V1BETA3}"), "config.kind_twice", Some(5), "one document of each kind"),
        (
            init_of("kubeadm.k8s.io/v1beta2"),
            "config.unsupported_version",
            Some(1),
            "kubeadm config migrate` of kubeadm 1.26",
        ),
        (init_of("kubeadm.k8s.io/v1beta9"), "config.unsupported_version", Some(1), "kubeadm.k8s.io/v1beta4"),
        (init_of("kubeadm.example/v1beta4"), "config.unsupported_version", Some(1), "kubeadm.k8s.io/v1beta4"),
        (
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfig\n".into(),
            "config.unknown_kind",
            Some(2),
            "InitConfiguration",
        ),
        (
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: Clusterconfiguration\n".into(),
            "config.unknown_kind",
            Some(2),
            "did you mean ClusterConfiguration?",
        ),
        (format!("{CLUSTER}--- {{a: b}}\n"), "config.syntax", Some(3), "line of its own"),
        (format!("{CLUSTER}clusterName: [a\n"), "config.syntax", Some(3), "brackets"),
        (format!("{CLUSTER}clusterName: a\u{0}b\n"), "config.control_character", Some(3), "remove it"),
        (format!("{CLUSTER}clusterName: !vault x\n"), "config.tag", Some(3), "remove the tag"),
    ];
    for (text, code, line, hint) in &cases {
        let problem = problem_of(text);
        assert_eq!((problem.code.as_str(), problem.line), (*code, *line), "{text:?}\n{problem:?}");
        assert!(problem.hint.contains(hint), "{text:?}\n{problem:?}");
        // Whatever a file that cannot be read leaves unsaid is not reported as missing.
        assert_eq!(problems_with(text, &Options::default()).len(), 1, "{text:?}");
    }
    let ignored = loaded(&format!("{CLUSTER}---\napiVersion: example.com/v1\nkind: Thing\n"));
    assert_eq!(codes(&ignored.warnings), ["config.ignored_document"]);
}

#[test]
fn files_that_are_no_text_are_refused_whole() {
    let large = load("k.yaml", &vec![b'#'; LARGEST_FILE + 1], &options()).unwrap_err();
    assert_eq!(large.code(), "config.too_large");
    let comment = "#".repeat(LARGEST_FILE - CLUSTER.len());
    assert!(load("k.yaml", format!("{CLUSTER}{comment}").as_bytes(), &options()).is_ok());
    let latin1 = load("k.yaml", b"a: b\nname: \xe4\n", &options()).unwrap_err();
    assert_eq!(
        (latin1.code().as_str(), latin1.to_string().as_str()),
        ("config.not_utf8", "k.yaml:2: the text is not UTF-8")
    );
}

#[test]
fn all_problems_of_a_file_are_reported_at_once_in_file_order() {
    let text = format!(
        "{CLUSTER}clusterName: 5\ncertificatesDir: x\nbogus: 1\napiServer: {{certSANs: [a_b]}}\ncertificateValidityPeriod: 9999h\n---\nbroken: [\n---\n\
         {INIT}nodeRegistration: {{name: A_B}}\nlocalAPIEndpoint: {{bindPort: 0x1FFFF}}\n"
    );
    let error = load("k.yaml", text.as_bytes(), &options()).unwrap_err();
    let lines: Vec<_> =
        error.to_string().split("; ").map(|line| line.split(": ").take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines,
        [
            "k.yaml:3:14 clusterName",
            "k.yaml:4:18 certificatesDir",
            "k.yaml:5:1 bogus",
            "k.yaml:6:24 apiServer.certSANs[0]",
            "k.yaml:7:28 certificateValidityPeriod",
            "k.yaml:9:9 unclosed bracket '['",
            "k.yaml:13:26 nodeRegistration.name",
            "k.yaml:14:30 localAPIEndpoint.bindPort",
        ]
    );
    assert_eq!(error.code(), "config.invalid");
    assert!(error.hint().contains("7 places"), "{}", error.hint());
    let context = error.context();
    assert_eq!(context["problems"].as_array().unwrap().len(), 8);
    assert_eq!(context["problems"][4]["severity"], "warning");
}

#[test]
fn a_host_that_says_nothing_must_be_told() {
    let nothing = Options::default();
    let error = defaults(&nothing).unwrap_err();
    let ConfigError::Invalid { problems } = &error else { panic!("{error}") };
    assert_eq!(codes(problems), ["config.no_address", "config.no_node_name"]);
    assert_eq!(
        problems[0].to_string(),
        "(defaults): localAPIEndpoint.advertiseAddress: the address of the API server is not given, and the host has no default route to find it by"
    );
    for unspecified in ["0.0.0.0", "'::'"] {
        let text = format!("{INIT}localAPIEndpoint: {{advertiseAddress: {unspecified}}}\n");
        assert_eq!(spec_of(&text).advertise_address.to_string(), "198.51.100.9");
        assert_eq!(codes(&problems_with(&text, &nothing)), ["config.no_node_name", "config.no_address"]);
    }
    let loopback = HostFacts {
        hostname: Some("a_b".into()),
        default_address: Some("127.0.0.1".parse().unwrap()),
        is_optional: false,
    };
    let problems = problems_with(INIT, &Options { host: loopback, ..Options::default() });
    assert_eq!(codes(&problems), ["config.no_address", "config.node_name"]);
    // A worker serves no API.
    let named = Options { node_name: Some("w1".into()), ..Options::default() };
    assert_eq!(load("k.yaml", format!("{JOIN}{DISCOVERY}").as_bytes(), &named).unwrap().spec.node_name, "w1");
}

#[test]
fn a_field_name_cannot_write_to_the_terminal() {
    let problem = problem_of(&format!("{CLUSTER}\"\\e[31m\": 1\n"));
    assert_eq!(problem.field, r#""\u{1b}[31m""#);
    assert!(!problem.to_string().contains('\u{1b}') && !problem.hint.contains('\u{1b}'));
}

#[test]
fn no_message_repeats_a_secret() {
    let secret = "s3cr3t";
    let texts = [
        format!("{INIT}certificateKey: {secret}\nbootstrapTokens: [{{token: {secret}}}]\n"),
        format!("{INIT}certificateKey: 5318008\nbootstrapTokens: [{{token: 5318008}}]\n"),
        format!(
            "{JOIN}discovery: {{bootstrapToken: {{token: {secret}}}, tlsBootstrapToken: {secret}}}\ncontrolPlane: {{certificateKey: {secret}}}\n"
        ),
        format!("{INIT}certificateKey: !x {secret}\n"),
        format!("{INIT}certificateKey: '{secret}\n"),
    ];
    for text in texts {
        let error = load("k.yaml", text.as_bytes(), &options()).unwrap_err();
        let said = format!("{error} {error:?} {} {}", error.hint(), error.context());
        assert!(!said.contains(secret) && !said.contains("5318008"), "{said}");
    }
}

#[test]
fn merged_and_aliased_values_are_judged_where_they_are_written() {
    let text = format!("{CLUSTER}apiServer: &c\n  extraVolumes: []\n  bogus: 1\nscheduler: *c\n");
    let problems = problems_of(&text);
    assert_eq!(codes(&problems), ["config.unknown_field", "config.unknown_field"]);
    assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [Some(5), Some(5)]);
}
