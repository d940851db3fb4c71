//! The tests of [`super`]: golden files, every field, every refusal.

use super::*;
use crate::error::Diagnostic;
use crate::key::Algorithm;
use chrono::TimeDelta;

mod accepted;
mod foreign;
mod properties;
mod refused;
mod templates;

const INIT: &str = "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
";
const CLUSTER: &str = "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
";
const CLUSTER_V1BETA3: &str = "\
apiVersion: kubeadm.k8s.io/v1beta3
kind: ClusterConfiguration
";
const JOIN: &str = "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
";
/// Enough discovery for a `JoinConfiguration` to be valid.
const DISCOVERY: &str = "\
discovery:
  bootstrapToken: {token: abcdef.0123456789abcdef, apiServerEndpoint: 'Api.example.test:6443', unsafeSkipCAVerification: true}
";

/// The golden configurations, each with its folder.
const GOLDEN: [(&str, &[u8]); 7] = [
    ("minimal", include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/minimal/config.yaml"))),
    ("ha", include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/ha/config.yaml"))),
    ("dual-stack", include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/dual-stack/config.yaml"))),
    ("ecdsa-p256", include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/ecdsa-p256/config.yaml"))),
    ("external-etcd", include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/external-etcd/config.yaml"))),
    ("validity", include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/validity/config.yaml"))),
    ("v1beta3", include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/v1beta3/config.yaml"))),
];

fn options() -> Options {
    Options {
        host: HostFacts {
            hostname: Some("Host-1".into()),
            default_address: Some("198.51.100.9".parse().unwrap()),
            is_optional: false,
        },
        ..Options::default()
    }
}

fn lenient() -> Options {
    Options { lenient: true, ..options() }
}

fn loaded(text: &str) -> Loaded {
    load("k.yaml", text.as_bytes(), &options()).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

fn spec_of(text: &str) -> ClusterSpec {
    loaded(text).spec
}

fn problems_with(text: &str, options: &Options) -> Vec<Problem> {
    match load("k.yaml", text.as_bytes(), options) {
        Ok(loaded) => loaded.warnings,
        Err(ConfigError::Invalid { problems }) => problems,
        Err(error) => panic!("{error}"),
    }
}

fn problems_of(text: &str) -> Vec<Problem> {
    problems_with(text, &options())
}

/// The only problem of `text`.
fn problem_of(text: &str) -> Problem {
    let mut problems = problems_of(text);
    assert_eq!(problems.len(), 1, "{text}\n{problems:#?}");
    problems.remove(0)
}

fn codes(problems: &[Problem]) -> Vec<&'static str> {
    problems.iter().map(|problem| problem.code.as_str()).collect()
}
