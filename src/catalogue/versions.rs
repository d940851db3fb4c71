//! What kubeadm changed about its certificates, and in which releases.
//!
//! In: the cluster's version, if it is known. Out: whether it has a [`Change`]; the groups that a certificate has
//! ([`Organizations`]); its key usages; the access rules ([`Binding`]) that go with fewer groups. Without a version, or
//! with one that says nothing (`stable-1`), the newest rules hold.
//!
//! Source: kubernetes/kubernetes pull requests 119859 and 120521 (etcd clients), 121305 (`admin.conf`), 121837 and
//! 138957 (`apiserver-kubelet-client`), 142037 (key usages), and the changelogs that name them.

use std::fmt;

use super::SYSTEM_NODES;
use crate::config::KubernetesVersion;
use crate::x509::KeyUsage;

/// The group that may do everything, and that no access rule restricts.
pub const MASTERS: &str = "system:masters";

/// kubeadm's group of administrators, whose power is the [`Binding`] of the same name.
pub const CLUSTER_ADMINS: &str = "kubeadm:cluster-admins";

/// Something that kubeadm does since a release.
#[derive(Debug)]
pub struct Change {
    /// The first release of each branch that has it, oldest first; branches between those never get it.
    first: &'static [&'static str],
}

/// The clients of etcd have no group any more: etcd asks for none.
pub static ETCD_CLIENTS_WITHOUT_GROUP: Change = Change { first: &["1.29.0-alpha.1"] };

/// `admin.conf` is of a group that can be restricted; the power of `system:masters` is in `super-admin.conf`.
pub static SEPARATE_SUPER_ADMIN: Change = Change { first: &["1.29.0-alpha.3"] };

/// The API server's client of the kubelet is of that group too.
static KUBELET_CLIENT_IN_CLUSTER_ADMINS: Change = Change { first: &["1.29.0-rc.0"] };

/// The API server's client of the kubelet has no group, and a binding of its own. kubeadm's patch releases have it;
/// their `-rc.0`, tagged with the release before, do not.
pub static KUBELET_CLIENT_BINDING: Change =
    Change { first: &["1.33.12", "1.34.8", "1.35.5", "1.36.1", "1.37.0-alpha.1"] };

/// Keys that cannot encipher do not say that they may: keyEncipherment is for RSA alone.
pub static ENCIPHERMENT_FOR_RSA_ALONE: Change = Change { first: &["1.38.0-alpha.1"] };

impl Change {
    /// Whether a cluster of this version has it.
    #[must_use]
    pub fn is_in(&self, version: Option<&KubernetesVersion>) -> bool {
        let Some(version) = version else { return true };
        let mut newest = None;
        for first in self.first.iter().filter_map(|text| KubernetesVersion::parse(text)) {
            if first.is_of_branch(version) {
                return *version >= first;
            }
            newest = Some(first);
        }
        newest.is_none_or(|first| *version >= first)
    }
}

/// The releases in words, as `1.33.12, 1.34.8, 1.35.5, 1.36.1`; a pre-release by the release that it led to.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let releases: Vec<_> = self
            .first
            .iter()
            .map(|first| first.split('-').next().unwrap_or(first))
            .filter(|first| self.first.len() == 1 || !first.ends_with(".0"))
            .collect();
        f.write_str(&releases.join(", "))
    }
}

/// The groups of a certificate, by version.
#[derive(Debug)]
pub struct Organizations {
    newest: &'static [&'static str],
    /// What they were before a change, the latest change first.
    before: &'static [(&'static Change, &'static [&'static str])],
}

impl Organizations {
    /// The same in each version.
    const fn always(newest: &'static [&'static str]) -> Self {
        Self { newest, before: &[] }
    }

    /// Those that kubeadm of this version writes.
    #[must_use]
    pub fn at(&self, version: Option<&KubernetesVersion>) -> &'static [&'static str] {
        let older = self.before.iter().rev().find(|(change, _)| !change.is_in(version));
        older.map_or(self.newest, |(_, groups)| groups)
    }

    /// Those of every version, the newest first.
    pub fn all(&self) -> impl Iterator<Item = &'static [&'static str]> {
        std::iter::once(self.newest).chain(self.before.iter().map(|(_, groups)| *groups))
    }

    /// The changes behind [`Self::all`]: with what each older one ended.
    pub fn changes(&self) -> impl Iterator<Item = &'static Change> {
        self.before.iter().map(|(change, _)| *change)
    }
}

pub(super) const NO_GROUP: Organizations = Organizations::always(&[]);
pub(super) const NODES: Organizations = Organizations::always(&[SYSTEM_NODES]);
pub(super) const SUPER_ADMIN: Organizations = Organizations::always(&[MASTERS]);
pub(super) const ADMIN: Organizations =
    Organizations { newest: &[CLUSTER_ADMINS], before: &[(&SEPARATE_SUPER_ADMIN, &[MASTERS])] };
pub(super) const ETCD_CLIENT: Organizations =
    Organizations { newest: &[], before: &[(&ETCD_CLIENTS_WITHOUT_GROUP, &[MASTERS])] };
pub(super) const API_SERVER_TO_KUBELET: Organizations = Organizations {
    newest: &[],
    before: &[(&KUBELET_CLIENT_BINDING, &[CLUSTER_ADMINS]), (&KUBELET_CLIENT_IN_CLUSTER_ADMINS, &[MASTERS])],
};

/// A `ClusterRoleBinding` that kubeadm makes in the cluster for users and groups of its certificates.
#[derive(Debug)]
pub struct Binding {
    /// Its name.
    pub name: &'static str,
    /// The `ClusterRole`.
    pub role: &'static str,
    /// Who gets it, as `kubectl create clusterrolebinding` takes it.
    subject: &'static str,
    /// Since when kubeadm makes it, at `init` and `upgrade apply`.
    pub since: &'static Change,
}

/// What the API server's client of the kubelet needs when it is of no group.
pub static KUBELET_API_ADMIN: Binding = Binding {
    name: "kubeadm:apiserver-kubelet-client",
    role: "system:kubelet-api-admin",
    subject: "--user=kube-apiserver-kubelet-client",
    since: &KUBELET_CLIENT_BINDING,
};

/// What kubeadm's group of administrators needs.
pub static CLUSTER_ADMIN: Binding = Binding {
    name: CLUSTER_ADMINS,
    role: "cluster-admin",
    subject: "--group=kubeadm:cluster-admins",
    since: &SEPARATE_SUPER_ADMIN,
};

/// The binding without which a certificate of this name with these groups may do nothing; `None` when it needs none.
#[must_use]
pub fn binding<G: AsRef<str>>(name: &str, groups: &[G]) -> Option<&'static Binding> {
    match groups {
        [] if name == "apiserver-kubelet-client" => Some(&KUBELET_API_ADMIN),
        [group] if group.as_ref() == CLUSTER_ADMINS => Some(&CLUSTER_ADMIN),
        _ => None,
    }
}

impl PartialEq for Binding {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Binding {
    /// The command that makes it, for a cluster's administrator.
    #[must_use]
    pub fn command(&self) -> String {
        format!("kubectl create clusterrolebinding {} --clusterrole={} {}", self.name, self.role, self.subject)
    }
}

/// The key usages of a new CA with a key of this kind (`ECDSA-P256`): kubeadm's, which have no cRLSign.
#[must_use]
pub fn authority_key_usages(version: Option<&KubernetesVersion>, key_kind: &str) -> Vec<KeyUsage> {
    usages(version, key_kind, &[KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment, KeyUsage::KeyCertSign])
}

/// The key usages of a new leaf with a key of this kind.
#[must_use]
pub fn leaf_key_usages(version: Option<&KubernetesVersion>, key_kind: &str) -> Vec<KeyUsage> {
    usages(version, key_kind, &super::LEAF_KEY_USAGES)
}

fn usages(version: Option<&KubernetesVersion>, key_kind: &str, all: &[KeyUsage]) -> Vec<KeyUsage> {
    let may_encipher = key_kind.starts_with("RSA-") || !ENCIPHERMENT_FOR_RSA_ALONE.is_in(version);
    all.iter().copied().filter(|usage| may_encipher || *usage != KeyUsage::KeyEncipherment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(organizations: &Organizations, version: &str) -> &'static [&'static str] {
        organizations.at(KubernetesVersion::parse(version).as_ref())
    }

    #[test]
    fn the_kubelets_client_has_the_groups_of_each_version() {
        let cases: [(&[&str], &[&str]); 3] = [
            (&[MASTERS], &["v1.22.0", "v1.28.15", "v1.29.0-alpha.3", "v1.29.0-beta.0", "stable-1.28"]),
            (
                &[CLUSTER_ADMINS],
                &[
                    "v1.29.0-rc.0",
                    "v1.29.0",
                    "v1.30.14",
                    "v1.31.99",
                    "v1.32.0",
                    "v1.32.999",
                    "v1.33.0",
                    "v1.33.11",
                    "v1.33.5+k3s1",
                    "v1.33.12-rc.0",
                    "v1.34.7",
                    "v1.34.8-rc.0",
                    "v1.35.4",
                    "v1.36.0-rc.1",
                    "v1.36.0",
                    "v1.36.1-rc.0",
                    "v1.37.0-alpha.0",
                    "stable-1.32",
                    "latest-1.30",
                    "v1.33.11-eks-1a2b3c4",
                ],
            ),
            (
                &[],
                &[
                    "v1.33.12",
                    "v1.33.13",
                    "v1.34.8",
                    "v1.35.5",
                    "v1.36.1",
                    "v1.36.2",
                    "v1.37.0-alpha.1",
                    "v1.37.0",
                    "v1.38.0",
                    "v1.40.3",
                    "v2.0.0",
                    "stable-1.33",
                    "stable-1.36",
                    "stable-1",
                    "latest",
                    "ci/latest",
                    "",
                    "v1.33.12+k3s1",
                    "v1.33.12-eks-1a2b3c4",
                    "1.36.1",
                ],
            ),
        ];
        for (groups, versions) in cases {
            for version in versions {
                assert_eq!(at(&API_SERVER_TO_KUBELET, version), groups, "{version}");
            }
        }
    }

    #[test]
    fn other_clients_changed_with_1_29() {
        for (organizations, before, since, last) in [
            (&ADMIN, "v1.29.0-alpha.2", "v1.29.0-alpha.3", &[CLUSTER_ADMINS][..]),
            (&ETCD_CLIENT, "v1.28.99", "v1.29.0-alpha.1", &[]),
        ] {
            assert_eq!(at(organizations, before), [MASTERS]);
            assert_eq!(at(organizations, since), last);
            assert_eq!(at(organizations, "latest"), last);
        }
    }

    #[test]
    fn only_rsa_keys_encipher_from_1_38_on() {
        let of = |version: &str, kind| leaf_key_usages(KubernetesVersion::parse(version).as_ref(), kind);
        let all = super::super::LEAF_KEY_USAGES;
        assert_eq!(of("v1.37.5", "ECDSA-P256"), all);
        assert_eq!(of("v1.38.0-alpha.0", "ECDSA-P384"), all);
        assert_eq!(of("v1.38.0", "RSA-3072"), all);
        assert_eq!(of("v1.38.0-alpha.1", "ECDSA-P384"), [KeyUsage::DigitalSignature]);
        assert_eq!(of("", "ECDSA-P256"), [KeyUsage::DigitalSignature]);
        let authority = authority_key_usages(None, "ECDSA-P256");
        assert_eq!(authority, [KeyUsage::DigitalSignature, KeyUsage::KeyCertSign]);
    }

    #[test]
    fn the_binding_is_made_by_one_command() {
        assert_eq!(
            KUBELET_API_ADMIN.command(),
            "kubectl create clusterrolebinding kubeadm:apiserver-kubelet-client \
             --clusterrole=system:kubelet-api-admin --user=kube-apiserver-kubelet-client"
        );
        assert_eq!(KUBELET_CLIENT_BINDING.to_string(), "1.33.12, 1.34.8, 1.35.5, 1.36.1");
        assert_eq!(SEPARATE_SUPER_ADMIN.to_string(), "1.29.0");
    }
}
