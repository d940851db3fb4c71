//! Who besides root has keys in hand: owners of files, and folders in which others can write.

use crate::audit::Severity;
use crate::audit::exposure::judge;
use crate::audit::node::Checkup;
use crate::catalogue::{
    self, KUBELET_CLIENT_FILE, KUBELET_OWN_FILE, KUBELET_SERVER_FILE, Kind, KubeletFiles, SERVICE_ACCOUNT,
};
use crate::store::Store;

impl Checkup<'_> {
    pub(super) fn exposure(&mut self, store: &Store, kubelet_dir: &std::path::Path) {
        let layout = self.inventory.layout;
        let pairs = [Kind::Authority, Kind::Leaf].into_iter().flat_map(|kind| catalogue::rows([kind]));
        let pairs = pairs.map(|row| (row.name, layout.key(row.base_name)));
        let kubeconfigs = catalogue::rows([Kind::Kubeconfig]).map(|row| (row.name, layout.kubeconfig(row.name)));
        let kubelet = KubeletFiles::of(kubelet_dir);
        let more = [
            (SERVICE_ACCOUNT, layout.service_account_key()),
            (KUBELET_CLIENT_FILE, kubelet.client()),
            (KUBELET_SERVER_FILE, kubelet.server()),
            (KUBELET_OWN_FILE, kubelet.own_key()),
        ];
        for (name, path) in pairs.chain(kubeconfigs).chain(more) {
            let mut exposed = store.exposure(&path);
            // The mode has been judged with the file; a folder counts when there is a key in it.
            if exposed.mode.take().is_some() {
                judge(name, &path, &exposed, Severity::Warning, &mut self.findings);
            }
        }
    }
}
