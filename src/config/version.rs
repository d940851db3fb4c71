//! `kubernetesVersion`: a release, or a label that kubeadm would look up.
//!
//! In: the view of the field. Out: a problem when it is neither; a [`KubernetesVersion`] for whoever has to compare it.
//! kubepki never looks a label up.
//!
//! Source: kubeadm `util/version.go` (`kubeReleaseRegex`, `kubeReleaseLabelRegex`, `kubeBucketPrefixes`); Semantic
//! Versioning 2.0.0, section 11.

use std::cmp::Ordering;
use std::fmt;

use super::problem::{Code, Problems, quoted};
use super::view::View;

/// A release of Kubernetes, ordered as Semantic Versioning has it.
///
/// A suffix is a pre-release only when it is one of Kubernetes' own (`-alpha.1`, `-beta.0`, `-rc.0`). Every other
/// suffix (`-eks-1a2b3c`, `-gke.100`, `+k3s1`) is a vendor's build of that very release.
///
/// ```
/// use kubepki::config::KubernetesVersion;
/// let version = |text| KubernetesVersion::parse(text).unwrap();
/// assert!(version("v1.36.0-rc.1") < version("v1.36.0"));
/// assert!(version("v1.36.1") < version("stable-1.36"));
/// assert_eq!(KubernetesVersion::parse("stable-1"), None);
/// assert_eq!(version("v1.36.0-rc.1").to_string(), "1.36.0-rc.1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubernetesVersion {
    major: u64,
    minor: u64,
    patch: u64,
    /// Nothing for a release.
    pre_release: Vec<Identifier>,
}

/// A part of a pre-release between dots. Numbers come before texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Text(String),
}

impl KubernetesVersion {
    /// Reads a release, or a label that names a minor version: the newest release of it. `None` for what nobody can
    /// compare: `stable`, `latest-1`, or no version at all.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let name = without_bucket(text);
        if is_label(name) {
            let (major, minor) = name.split_once('-')?.1.split_once('.')?;
            let (major, minor) = (major.parse().ok()?, minor.parse().ok()?);
            return Some(Self { major, minor, patch: u64::MAX, pre_release: Vec::new() });
        }
        let (major, minor, patch, suffix) = release_parts(name)?;
        let major = major.parse().ok()?;
        // What a build without a version calls itself: v0.0.0-master.
        if major == 0 {
            return None;
        }
        Some(Self { major, minor: minor.parse().ok()?, patch: patch.parse().ok()?, pre_release: pre_release(suffix) })
    }

    /// Whether both are of one minor version, and so of one release branch.
    #[must_use]
    pub fn is_of_branch(&self, other: &Self) -> bool {
        (self.major, self.minor) == (other.major, other.minor)
    }
}

impl fmt::Display for KubernetesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        for (place, part) in self.pre_release.iter().enumerate() {
            f.write_str(if place == 0 { "-" } else { "." })?;
            match part {
                Identifier::Number(number) => write!(f, "{number}")?,
                Identifier::Text(text) => f.write_str(text)?,
            }
        }
        Ok(())
    }
}

impl Ord for KubernetesVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        let release = |version: &Self| (version.major, version.minor, version.patch);
        release(self).cmp(&release(other)).then_with(|| {
            match (self.pre_release.is_empty(), other.pre_release.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => self.pre_release.cmp(&other.pre_release),
            }
        })
    }
}

impl PartialOrd for KubernetesVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The identifiers of `-alpha.1`, `-beta.0`, `-rc.0`; none of any other suffix.
fn pre_release(suffix: &str) -> Vec<Identifier> {
    let Some(text) = suffix.strip_prefix('-') else { return Vec::new() };
    let text = text.split_once('+').map_or(text, |(before_build, _)| before_build);
    let first = text.split('.').next().unwrap_or_default();
    if !["alpha", "beta", "rc"].contains(&first.trim_end_matches(|c: char| c.is_ascii_digit())) {
        return Vec::new();
    }
    text.split('.')
        .map(|part| part.parse().map_or_else(|_| Identifier::Text(part.to_owned()), Identifier::Number))
        .collect()
}

/// Complains about a version that kubeadm could not use.
pub(super) fn check(view: &View<'_>, problems: &mut Problems) {
    if let Some(version) = view.text()
        && !is_version(version)
    {
        problems.add(
            Code::Version,
            view.place(),
            format!("{} is not a Kubernetes version", quoted(version)),
            "write a release as v1.36.2, or a label as stable-1 or ci/latest",
        );
    }
}

fn is_version(text: &str) -> bool {
    let name = without_bucket(text);
    release_parts(name).is_some() || is_label(name)
}

fn without_bucket(text: &str) -> &str {
    ["release/", "ci/", "ci-cross/"].iter().find_map(|bucket| text.strip_prefix(bucket)).unwrap_or(text)
}

/// Major, minor, patch and suffix of `v1.2.3`, the `v` optional, with any suffix of letters, digits and `-_.+`.
fn release_parts(text: &str) -> Option<(&str, &str, &str, &str)> {
    let mut parts = text.strip_prefix('v').unwrap_or(text).splitn(3, '.');
    let (major, minor, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let patch_ends = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (patch, suffix) = rest.split_at(patch_ends);
    // A patch of 0 may be followed by anything, also by digits: the pattern's suffix swallows them.
    let patch_is_good = !patch.is_empty();
    let is_release = is_number(major)
        && is_number(minor)
        && patch_is_good
        && suffix.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+'));
    is_release.then_some((major, minor, patch, suffix))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'))
}

/// `stable`, `latest-1`, `stable-1.36`.
fn is_label(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("stable").or_else(|| text.strip_prefix("latest")) else {
        return false;
    };
    let Some(numbers) = rest.strip_prefix('-') else {
        return rest.is_empty();
    };
    let number = |text: &str, longest: usize| text.len() <= longest && text != "0" && is_number(text);
    match numbers.split_once('.') {
        Some((major, minor)) => number(major, 1) && number(minor, 2),
        None => number(numbers, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_and_labels_are_versions() {
        let good = [
            "v1.36.2",
            "1.36.0",
            "v1.36.0-rc.1+build_2",
            "stable",
            "latest",
            "stable-1",
            "latest-1.36",
            "ci/latest",
            "ci/v1.37.0-alpha.0.1+abc",
            "release/stable-1",
            "ci-cross/latest-1",
        ];
        for good in good {
            assert!(is_version(good), "{good}");
        }
        for bad in [
            "v1.36",
            "1",
            "v1.36.x",
            "v01.36.0",
            "v1.36.2 ",
            "newest",
            "stable-",
            "stable-0",
            "stable-1.",
            "other/v1.36.2",
            "v1.36.2/x",
            "vv1.36.2",
            "stable1",
            "stable-12",
            "stable-1.123",
        ] {
            assert!(!is_version(bad), "{bad}");
        }
    }
    fn version(text: &str) -> KubernetesVersion {
        KubernetesVersion::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn releases_are_ordered_as_semantic_versions_are() {
        let ascending = [
            "v1.28.15",
            "v1.29.0-alpha.0",
            "v1.29.0-alpha.0.12+0123456789abcd",
            "v1.29.0-alpha.1",
            "v1.29.0-alpha.10",
            "v1.29.0-beta.0",
            "v1.29.0-rc.0",
            "v1.29.0-rc1",
            "v1.29.0",
            "1.33.9",
            "1.33.12",
            "stable-1.33",
            "v1.34.0",
            "ci/v1.37.0-alpha.0.1+abc",
            "v1.100.0",
            "v2.0.0",
        ];
        for pair in ascending.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn a_vendors_suffix_is_that_very_release() {
        for vendor in ["+k3s1", "-eks-1a2b3c4", "-gke.1080000", "+rke2r1", "_vendor", "-12+0123456789abcd", "-dirty"] {
            assert_eq!(version(&format!("v1.33.12{vendor}")), version("v1.33.12"), "{vendor}");
        }
        assert!(version("v1.33.12-rc.0+vendor") < version("v1.33.12"));
    }

    #[test]
    fn what_cannot_be_compared_is_no_version() {
        for unknown in
            ["", "stable", "latest", "stable-1", "ci/latest", "v0.0.0-master", "v1.99999999999999999999.0", "newest"]
        {
            assert_eq!(KubernetesVersion::parse(unknown), None, "{unknown}");
        }
    }
}
