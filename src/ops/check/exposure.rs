//! Who besides root has keys in hand: owners of files, and folders in which others can write.

use super::Checking;
use crate::audit::Severity;
use crate::audit::exposure::{Exposed, judge};
use crate::catalogue::{AUTHORITIES, CERTIFICATES, KUBECONFIGS, KubeletFiles, SERVICE_ACCOUNT};
use crate::ops::exposure::exposed;

impl Checking {
    pub(super) fn exposure(&mut self, kubelet_dir: &std::path::Path) {
        let layout = &self.node.layout;
        let authorities = AUTHORITIES.iter().map(|row| (row.name, layout.key(row.base_name)));
        let leaves = CERTIFICATES.iter().map(|row| (row.name, layout.key(row.base_name)));
        let kubeconfigs = KUBECONFIGS.iter().map(|row| (row.name, layout.kubeconfig(row.name)));
        let kubelet = KubeletFiles::of(kubelet_dir);
        let more = [
            (SERVICE_ACCOUNT, layout.service_account_key()),
            ("kubelet-client-current.pem", kubelet.client()),
            ("kubelet-server-current.pem", kubelet.server()),
            ("kubelet.crt", kubelet.own_key()),
        ];
        for (name, path) in authorities.chain(leaves).chain(kubeconfigs).chain(more) {
            let seen = self.node.store.exposure(&path);
            // The mode has been judged with the file; a folder counts when there is a key in it.
            if seen.mode.is_some() {
                judge(name, &path, &Exposed { mode: None, ..exposed(&seen) }, Severity::Warning, &mut self.findings);
            }
        }
    }
}
