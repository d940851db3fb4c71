//! The kubelet's own certificates.
//!
//! Source: Kubernetes' "Troubleshooting kubeadm", "Kubelet client certificate rotation fails"; kubelet
//! `pkg/kubelet/certificate/bootstrap` (the kubelet starts with the kubeconfig's certificate when its own is missing).

use super::leaf::waits;
use super::{Advisor, Signer, is_keys, is_put_right_by_renewal, opening};
use crate::audit::{Finding, Severity};
use crate::catalogue::{CLUSTER_CA, KUBELET_CLIENT, KUBELET_CONF, KUBELET_SERVER, NodeRole, SYSTEM_NODE, with_ending};
use crate::component::{ServingFiles, ServingSource};
use crate::config::Role;
use crate::inventory::{Item, Part};
use crate::remedy::command;
use crate::x509::read_certificates;

/// Where a file that the kubelet reads is new, `kubepki restart` sees it, and waits until the kubelet is well.
fn own_restart() -> String {
    command(["kubepki", "restart", "kubelet"])
}

impl Advisor<'_> {
    pub(super) fn for_kubelet_client(&self, finding: &Finding) -> String {
        let restart = command(["systemctl", "restart", "kubelet"]);
        let client = self.kubelet.client();
        let signer = self.signer(CLUSTER_CA);
        let is_readable = self.leaf(KUBELET_CLIENT).is_some();
        let is_keys = is_keys(finding.code);
        if signer == Signer::Here && is_readable && (is_put_right_by_renewal(finding.code) || is_keys) {
            let renew = command(["kubepki", "certs", "renew", KUBELET_CLIENT]);
            return format!("{}renew it: {renew}, {}", opening(finding.code), own_restart());
        }
        if let Some(valid) = self.valid_kubelet_client.as_ref().and_then(|path| path.file_name()) {
            let words = ["ln", "-s", "-f", "-n"].map(std::ffi::OsStr::new);
            let link = command(words.into_iter().chain([valid, client.as_os_str()]));
            return format!("point the link at the newest file that is still valid: {link}, {restart}");
        }
        let kubeconfig = self.layout.kubeconfig(KUBELET_CONF);
        let used = self.inventory.get(KUBELET_CONF).and_then(Item::client);
        let leads_there = matches!(used, Some(Ok(used)) if used.referenced_paths().contains(&client));
        // Its successor's way puts kubelet.conf right too, whatever it says now.
        let is_usable = matches!(used, Some(Ok(used)) if used.certified().is_some());
        if signer == Signer::Elsewhere && is_usable {
            return self.ask_for_kubelet_client(opening(finding.code));
        }
        let remove = self.remove([&client]).map(|remove| remove + ", ").unwrap_or_default();
        if used.is_some() && !leads_there {
            return format!("{remove}{restart}: the kubelet asks for a new one with kubelet.conf");
        }
        let away = crate::catalogue::with_ending(&kubeconfig, "old");
        let words = ["mv".as_ref(), kubeconfig.as_os_str(), away.as_os_str()];
        let aside = if self.tree.is_there(&kubeconfig) { command(words) + ", " } else { String::new() };
        let make = match signer {
            Signer::Here => self.configured(["kubepki", "kubeconfig", "init", KUBELET_CONF]) + self.explanation(),
            Signer::Elsewhere => format!(
                "{}{}; let the owner of ca sign {}.csr and put the certificate beside it; then {}, {}",
                self.configured(["kubepki", "certs", "generate-csr", KUBELET_CONF]),
                self.explanation(),
                kubeconfig.display(),
                command(["kubepki", "certs", "import"]),
                command(["kubepki", "kubeconfig", "embed", KUBELET_CONF]),
            ),
        };
        format!(
            "give the kubelet a kubeconfig with a certificate of its own, from which it starts again: {aside}{remove}{make}, {restart}"
        )
    }

    /// What `certs renew` says where the CA's key is elsewhere.
    pub(super) fn for_external_kubelet_client(&self, finding: &Finding) -> String {
        let opening = if finding.severity == Severity::Info { "the kubelet renews it itself; by hand: " } else { "" };
        self.ask_for_kubelet_client(opening)
    }

    /// Whether a kubeconfig's certificate is asked for by way of the file that the kubelet rotates.
    pub(super) fn is_kubelets(&self, name: &str) -> bool {
        name == KUBELET_CONF && self.tree.is_there(&self.kubelet.client())
    }

    /// From a request on this node to a certificate in the file that the kubelet rotates. The key does not leave it.
    pub(super) fn ask_for_kubelet_client(&self, opening: &str) -> String {
        let base = self.layout.renewal().kubeconfig_dir.join(KUBELET_CLIENT);
        let [request, certificate, key] = ["csr", "crt", "key"].map(|ending| with_ending(&base, ending));
        let finish = format!("{}, {}", command(["kubepki", "certs", "import"]), own_restart());
        let sign = format!(
            "let the owner of ca sign {} (there: kubepki certs sign {KUBELET_CLIENT}.csr --role {} --node-name {}) and put the certificate beside it; then ",
            request.display(),
            if self.spec.role == Role::Worker { NodeRole::Worker } else { NodeRole::ControlPlane },
            self.name_of_kubelet().unwrap_or_else(|| "NAME".to_owned()),
        );
        if self.tree.is_there(&request) && self.tree.is_there(&key) {
            let is_signed = self.tree.is_there(&certificate);
            let sign = if is_signed { String::new() } else { sign };
            return format!("{}{sign}{finish}", waits(is_signed));
        }
        let clear = self.remove([&request, &certificate, &key]).map(|remove| remove + ", ").unwrap_or_default();
        let unknown: &[&str] = if self.name_of_kubelet().is_none() { &["--node-name", "NAME"] } else { &[] };
        let ask = command(["kubepki", "certs", "generate-csr", KUBELET_CLIENT].iter().chain(unknown));
        format!("{opening}ask for it: {clear}{ask}; {sign}{finish}")
    }

    /// The node's name, as its certificate has it, or kubeadm as the user in `kubelet.conf`.
    fn name_of_kubelet(&self) -> Option<String> {
        let common_name = self.leaf(KUBELET_CLIENT).and_then(|certificate| certificate.subject().common_name());
        let configured = Some(self.spec.node_name.clone()).filter(|name| !name.is_empty());
        common_name.as_deref().and_then(|name| name.strip_prefix(SYSTEM_NODE)).map(str::to_owned).or(configured)
    }

    pub(super) fn for_kubelet_server(&self, finding: &Finding) -> String {
        let ServingFiles { source, certificate, key } = self.serving;
        let can_renew = self.leaf(KUBELET_SERVER).is_some() && self.signer(CLUSTER_CA) == Signer::Here;
        match source {
            ServingSource::Configured if !can_renew => {
                let pair = super::files([certificate, key]);
                format!("put a pair there that was issued for this node: {pair}")
            }
            ServingSource::Own | ServingSource::Configured | ServingSource::Requested => {
                self.for_serving(finding, can_renew, &[certificate.clone(), key.clone()])
            }
        }
    }

    pub(super) fn for_kubelets_own(&self, finding: &Finding) -> String {
        let (certificate, key) = (self.kubelet.own_certificate(), self.kubelet.own_key());
        let is_readable = matches!(Part::read(self.tree, &certificate, read_certificates), Part::Present(_));
        // The name stands for what the kubelet really serves with.
        let is_meant = is_readable && self.serving.source == ServingSource::Own;
        self.for_serving(finding, is_meant, &[certificate, key])
    }

    fn for_serving(&self, finding: &Finding, can_renew: bool, files: &[std::path::PathBuf]) -> String {
        let restart = command(["systemctl", "restart", "kubelet"]);
        let opening = opening(finding.code);
        if can_renew && (is_put_right_by_renewal(finding.code) || is_keys(finding.code)) {
            let renew = command(["kubepki", "certs", "renew", KUBELET_SERVER]);
            return format!("{opening}renew it: {renew}, {}", own_restart());
        }
        let remove = self.remove(files).map(|remove| remove + ", ").unwrap_or_default();
        format!("{opening}{remove}{restart}: the kubelet makes a new one, or asks for it")
    }
}
