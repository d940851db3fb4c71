//! Whatever the bytes: no panic, and an answer that holds together.

use proptest::prelude::*;

use super::*;

/// Reads `bytes` and checks what must hold for every answer.
fn judge(bytes: &[u8]) {
    for options in [options(), lenient(), Options::default()] {
        match load("k.yaml", bytes, &options) {
            Ok(loaded) => {
                assert!(loaded.warnings.iter().all(|problem| problem.severity == Severity::Warning));
                assert!(loaded.spec.certificates_dir.starts_with('/'));
                assert!(!loaded.spec.node_name.is_empty());
                assert!((1..=2).contains(&loaded.spec.service_subnets.len()));
                assert_eq!(loaded.spec.advertise_address.is_unspecified(), loaded.spec.role == Role::Worker);
            }
            Err(error) => {
                assert!(!error.to_string().is_empty() && !error.hint().is_empty());
                if let ConfigError::Invalid { problems } = error {
                    assert!(problems.iter().any(|problem| problem.severity == Severity::Error));
                    for problem in problems {
                        assert!(PROBLEMS.iter().any(|one| one.code == problem.code));
                        assert!(!problem.message.is_empty() && !problem.hint.is_empty());
                        assert!(problem.line != Some(0) && problem.column != Some(0));
                    }
                }
            }
        }
    }
}

/// Pieces that YAML and kubeadm give a meaning to.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "---\n",
        "...\n",
        "- ",
        ": ",
        "? ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&a ",
        "*a",
        "<<: ",
        "|\n",
        ">-\n",
        "\"",
        "'",
        "#",
        "!!str ",
        "!x ",
        "%YAML 1.1\n",
        "\t",
        "\n",
        "\n  ",
        "\r\n",
        "~",
        "yes",
        "010",
        "0x",
        "1e999",
        "-",
        "\u{feff}",
        "\u{2028}",
        "\u{85}",
        "kind: InitConfiguration\n",
        "kind: JoinConfiguration\n",
        "apiVersion: v1\n",
        "etcd: ",
        "external: ",
        "networking: ",
        "serviceSubnet: 0.0.0.0/0\n",
        "podSubnet: '::/0'\n",
        "extraArgs: ",
        "bindPort: ",
        "99999999999999999999",
        "certificateValidityPeriod: -9223372036854775808ns\n",
        "null",
        "discovery: ",
        "controlPlane: {}\n",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        judge(&bytes);
    }

    #[test]
    fn arbitrary_pieces_are_answered(pieces in prop::collection::vec(piece(), 0..40)) {
        let text = pieces.concat();
        judge(text.as_bytes());
        judge(format!("{CLUSTER}{text}").as_bytes());
    }

    #[test]
    fn damaged_golden_configurations_are_answered(
        case in 0..GOLDEN.len(),
        at in any::<prop::sample::Index>(),
        cut in 0_usize..6,
        inserted in prop_oneof![piece().prop_map(str::to_owned), "\\PC{0,5}"],
    ) {
        let (_, golden) = GOLDEN[case];
        let start = at.index(golden.len());
        let end = (start + cut).min(golden.len());
        let damaged = [&golden[..start], inserted.as_bytes(), &golden[end..]].concat();
        judge(&damaged);
    }

    #[test]
    fn every_go_duration_is_read_back(nanoseconds in any::<i64>()) {
        let text = format!("{nanoseconds}ns");
        prop_assert_eq!(duration::parse(&text), Ok(TimeDelta::nanoseconds(nanoseconds)));
    }
}
