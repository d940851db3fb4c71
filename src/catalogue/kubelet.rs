//! The kubelet's own certificates, which kubeadm neither makes nor renews.
//!
//! In: the kubelet's directory. Out: the paths in it; its configuration (`component`) says which of them it uses.
//!
//! Source: kubelet `pkg/kubelet/certificate`; client-go `util/certificate` `certificate_store.go` (dated files and the
//! link to the current one), `util/cert` `GenerateSelfSignedCertKey`.

use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

/// The kubelet's directory unless its flags name another.
pub const DEFAULT_KUBELET_DIR: &str = "/var/lib/kubelet";

/// What the node's name follows in its kubelet's user name.
pub const SYSTEM_NODE: &str = "system:node:";

/// The group of all kubelets.
pub const SYSTEM_NODES: &str = "system:nodes";

/// The link to the newest client certificate and its key.
pub const KUBELET_CLIENT_FILE: &str = "kubelet-client-current.pem";

/// The link to the newest serving certificate of the cluster's CA and its key.
pub const KUBELET_SERVER_FILE: &str = "kubelet-server-current.pem";

/// The serving certificate that the kubelet makes for itself.
pub const KUBELET_OWN_FILE: &str = "kubelet.crt";

/// The certificate files of one kubelet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeletFiles {
    folder: PathBuf,
}

impl KubeletFiles {
    /// Those below the kubelet's directory.
    #[must_use]
    pub fn of(kubelet_dir: &Path) -> Self {
        Self { folder: kubelet_dir.join("pki") }
    }

    /// Those in the folder itself, which `--cert-dir` names.
    #[must_use]
    pub fn within(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The client certificate and its key: a link to the newest dated file.
    #[must_use]
    pub fn client(&self) -> PathBuf {
        self.folder.join(KUBELET_CLIENT_FILE)
    }

    /// The serving certificate that the cluster's CA signed, with its key: a link too.
    #[must_use]
    pub fn server(&self) -> PathBuf {
        self.folder.join(KUBELET_SERVER_FILE)
    }

    /// The serving certificate that the kubelet made for itself.
    #[must_use]
    pub fn own_certificate(&self) -> PathBuf {
        self.folder.join(KUBELET_OWN_FILE)
    }

    /// Its key.
    #[must_use]
    pub fn own_key(&self) -> PathBuf {
        self.folder.join("kubelet.key")
    }

    /// Every one of them.
    #[must_use]
    pub fn every_path(&self) -> [PathBuf; 4] {
        [self.client(), self.server(), self.own_certificate(), self.own_key()]
    }
}

/// What kubepki puts at the end of its own dated files, to tell them from the kubelet's.
const MADE_HERE: &str = "-kubepki";

/// As the kubelet dates its files, in the host's own time zone.
const DATED: &str = "%Y-%m-%d-%H-%M-%S";

/// The dated file beside a link that ends in `-current.pem`; another link has no such file.
#[must_use]
pub fn dated(link: &Path, now: DateTime<Utc>) -> Option<PathBuf> {
    let prefix = link.file_name()?.to_str()?.strip_suffix("-current.pem")?;
    Some(link.with_file_name(format!("{prefix}-{}{MADE_HERE}.pem", now.format(DATED))))
}

/// Whether the kubelet has written the file `target` behind the link itself, as it does when it has got a certificate:
/// it names the file after the moment and turns the link at once. Nobody else gives a file such a name, at such a time.
#[must_use]
pub fn is_written_by_kubelet(
    link: &Path,
    target: &Path,
    target_changed_at: DateTime<Utc>,
    link_changed_at: DateTime<Utc>,
) -> bool {
    const AT_ONCE: TimeDelta = TimeDelta::seconds(5);
    /// All time zones differ from UTC by a multiple of it.
    const QUARTER: i64 = 15 * 60;
    let name = |path: &Path| path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let moment = || {
        let (link, target) = (name(link)?, name(target)?);
        let date = target.strip_prefix(link.strip_suffix("current.pem")?)?.strip_suffix(".pem")?;
        NaiveDateTime::parse_from_str(date, DATED).ok()
    };
    let Some(named) = moment() else { return false };
    let apart = (target_changed_at.timestamp() - named.and_utc().timestamp()).rem_euclid(QUARTER);
    let is_of_its_time = apart <= AT_ONCE.num_seconds() || apart >= QUARTER - AT_ONCE.num_seconds();
    is_of_its_time && (link_changed_at - target_changed_at).abs() <= AT_ONCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kubelets_own_files_are_told_from_those_of_others() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let link = Path::new("/k/kubelet-client-current.pem");
        let written = |name: &str, target: &str, turned: &str| {
            is_written_by_kubelet(link, &link.with_file_name(name), at(target), at(turned))
        };
        let (then, turned) = ("2026-11-26T14:52:36.505Z", "2026-11-26T14:52:36.505Z");
        assert!(written("kubelet-client-2026-11-26-14-52-36.pem", then, turned));
        assert!(written("kubelet-client-2026-11-26-20-22-36.pem", then, turned), "in India");
        assert!(!written("kubelet-client-current.pem", then, turned), "a copy in the place of the link");
        assert!(!written("kubelet-client-2026.pem", then, turned));
        assert!(!written("kubelet-server-2026-11-26-14-52-36.pem", then, turned));
        // An older file that somebody points the link at, and one that was restored later.
        assert!(!written("kubelet-client-2026-11-26-14-52-36.pem", then, "2026-11-26T15:00:00Z"));
        assert!(!written("kubelet-client-2026-11-26-14-52-36.pem", "2026-11-26T15:00:00Z", "2026-11-26T15:00:00Z"));
        let ours = dated(link, at(then)).unwrap();
        assert!(!is_written_by_kubelet(link, &ours, at(then), at(turned)));
    }
}
