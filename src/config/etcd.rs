//! `ClusterConfiguration.etcd`: ours or somebody else's.
//!
//! In: the view of `etcd`. Out: [`Etcd`], with kubeadm's default (local) when nothing is said. Files are not
//! looked at.
//!
//! Source: kubeadm `ValidateEtcd`, `SetDefaults_Etcd`.

use super::problem::{Code, Problems, quoted};
use super::spec::Etcd;
use super::value::{absolute_path, check_arguments, sans, url_fault};
use super::view::View;

/// Where etcd keeps its data unless told otherwise.
const DATA_DIR: &str = "/var/lib/etcd";

/// Reads and judges `etcd`.
pub(super) fn read(view: &View<'_>, problems: &mut Problems) -> Etcd {
    let (local, external) = (view.field("local"), view.field("external"));
    if local.is_present() && external.is_present() {
        problems.add(
            Code::Etcd,
            view.place(),
            "etcd is given both as local and as external",
            "remove one: local when kubeadm runs etcd, external when somebody else does",
        );
    }
    if external.is_present() { read_external(&external, problems) } else { read_local(&local, problems) }
}

fn read_local(view: &View<'_>, problems: &mut Problems) -> Etcd {
    check_arguments(&view.field("extraArgs"), problems);
    Etcd::Local {
        data_dir: absolute_path(&view.field("dataDir"), DATA_DIR, problems),
        server_cert_sans: sans(&view.field("serverCertSANs"), false, problems),
        peer_cert_sans: sans(&view.field("peerCertSANs"), false, problems),
    }
}

fn read_external(view: &View<'_>, problems: &mut Problems) -> Etcd {
    let (ca, certificate, key) = (view.field("caFile"), view.field("certFile"), view.field("keyFile"));
    let unusable = [&ca, &certificate, &key].into_iter().any(View::is_unusable);
    let (has_ca, has_certificate, has_key) = (ca.text().is_some(), certificate.text().is_some(), key.text().is_some());
    if !unusable && has_certificate != has_key {
        let (present, absent) = if has_certificate { (&certificate, "keyFile") } else { (&key, "certFile") };
        problems.add(
            Code::Etcd,
            present.place(),
            format!("{absent} is missing: a client certificate and its key go together"),
            format!("add {absent}, or remove both"),
        );
    }
    if !unusable && has_certificate && has_key && !has_ca {
        problems.add(
            Code::Etcd,
            certificate.place(),
            "caFile is missing beside certFile and keyFile",
            "add caFile, the certificate authority of the etcd servers",
        );
    }
    let endpoints = view.field("endpoints");
    if endpoints.items().is_empty() && !endpoints.is_unusable() && !view.is_unusable() {
        let hint = "add endpoints: with at least one URL, as https://10.0.0.1:2379";
        problems.add(Code::Etcd, endpoints.place(), "an external etcd needs endpoints", hint);
    }
    let require_https = has_ca || has_certificate || has_key;
    urls(&view.field("httpEndpoints"), false, problems);
    Etcd::External {
        endpoints: urls(&endpoints, require_https, problems),
        ca_file: absolute_path(&ca, "", problems),
        cert_file: absolute_path(&certificate, "", problems),
        key_file: absolute_path(&key, "", problems),
    }
}

fn urls(view: &View<'_>, require_https: bool, problems: &mut Problems) -> Vec<String> {
    let mut urls = Vec::new();
    for item in view.items() {
        if item.is_unusable() {
            continue;
        }
        let url = item.text().unwrap_or_default();
        match url_fault(url, require_https) {
            Some(fault) => {
                problems.add(
                    Code::Etcd,
                    item.place(),
                    format!("{} is not the URL of an etcd server", quoted(url)),
                    fault,
                );
            }
            None => urls.push(url.to_owned()),
        }
    }
    urls
}
