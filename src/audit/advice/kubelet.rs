//! The kubelet's own certificates.
//!
//! Source: Kubernetes' "Troubleshooting kubeadm", "Kubelet client certificate rotation fails"; kubelet
//! `pkg/kubelet/certificate/bootstrap` (the kubelet starts with the kubeconfig's certificate when its own is missing).

use super::{Advisor, Signer, is_put_right_by_renewal, opening};
use crate::audit::kubeconfig::referenced_paths;
use crate::audit::{Finding, Part};
use crate::catalogue::{KUBELET_CLIENT, KUBELET_CONF, KUBELET_SERVER};
use crate::remedy::command;
use crate::x509::read_certificates;

impl Advisor<'_> {
    pub(super) fn for_kubelet_client(&self, finding: &Finding) -> String {
        let restart = command(["systemctl", "restart", "kubelet"]);
        let client = self.kubelet.client();
        let signer = self.signer("ca");
        let is_readable = matches!(Part::read(self.tree, &client, read_certificates), Part::Present(_));
        let is_keys = finding.code.starts_with("key.") || finding.code == "file.missing";
        if signer == Signer::Here && is_readable && (is_put_right_by_renewal(&finding.code) || is_keys) {
            let renew = command(["kubepki", "certs", "renew", KUBELET_CLIENT]);
            return format!("{}renew it: {renew}, {restart}", opening(&finding.code));
        }
        if let Some(valid) = self.valid_kubelet_client.as_ref().and_then(|path| path.file_name()) {
            let words = ["ln", "-s", "-f", "-n"].map(std::ffi::OsStr::new);
            let link = command(words.into_iter().chain([valid, client.as_os_str()]));
            return format!("point the link at the newest file that is still valid: {link}, {restart}");
        }
        let kubeconfig = self.layout.kubeconfig(KUBELET_CONF);
        let content = self.tree.content(&kubeconfig);
        let leads_there = content.is_some_and(|content| referenced_paths(&kubeconfig, content).contains(&client));
        let remove = self.remove([&client]).map(|remove| remove + ", ").unwrap_or_default();
        if content.is_some() && !leads_there {
            return format!("{remove}{restart}: the kubelet asks for a new one with kubelet.conf");
        }
        let away = crate::catalogue::with_ending(&kubeconfig, "old");
        let words = ["mv".as_ref(), kubeconfig.as_os_str(), away.as_os_str()];
        let aside = if self.is_there(&kubeconfig) { command(words) + ", " } else { String::new() };
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

    pub(super) fn for_kubelet_server(&self, finding: &Finding) -> String {
        let server = self.kubelet.server();
        let is_readable = matches!(Part::read(self.tree, &server, read_certificates), Part::Present(_));
        self.for_serving(finding, is_readable && self.signer("ca") == Signer::Here, &[server])
    }

    pub(super) fn for_kubelets_own(&self, finding: &Finding) -> String {
        let (certificate, key) = (self.kubelet.own_certificate(), self.kubelet.own_key());
        let is_readable = matches!(Part::read(self.tree, &certificate, read_certificates), Part::Present(_));
        // The name stands for what the kubelet really serves with.
        let is_meant = is_readable && !self.is_there(&self.kubelet.server());
        self.for_serving(finding, is_meant, &[certificate, key])
    }

    fn for_serving(&self, finding: &Finding, can_renew: bool, files: &[std::path::PathBuf]) -> String {
        let restart = command(["systemctl", "restart", "kubelet"]);
        let opening = opening(&finding.code);
        if can_renew
            && (is_put_right_by_renewal(&finding.code)
                || finding.code == "file.missing"
                || finding.code.starts_with("key."))
        {
            return format!("{opening}renew it: {}, {restart}", command(["kubepki", "certs", "renew", KUBELET_SERVER]));
        }
        let remove = self.remove(files).map(|remove| remove + ", ").unwrap_or_default();
        format!("{opening}{remove}{restart}: the kubelet makes a new one, or asks for it")
    }
}
