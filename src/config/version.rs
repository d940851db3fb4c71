//! `kubernetesVersion`: a release, or a label that kubeadm would look up.
//!
//! In: the view of the field. Out: a problem when it is neither. kubepki never looks a label up: no certificate
//! depends on it.
//!
//! Source: kubeadm `util/version.go` (`kubeReleaseRegex`, `kubeReleaseLabelRegex`, `kubeBucketPrefixes`).

use super::problem::{Code, Problems, quoted};
use super::view::View;

/// Complains about a version that kubeadm could not use.
pub(super) fn check(view: &View<'_>, problems: &mut Problems) {
    if let Some(version) = view.text()
        && !is_version(version)
    {
        problems.error(
            Code::Version,
            view.place(),
            format!("{} is no version of Kubernetes", quoted(version)),
            "write a release as v1.36.0, or a label as stable-1 or ci/latest",
        );
    }
}

fn is_version(text: &str) -> bool {
    let name = ["release/", "ci/", "ci-cross/"].iter().find_map(|bucket| text.strip_prefix(bucket)).unwrap_or(text);
    is_release(name) || is_label(name)
}

/// `v1.2.3`, the `v` optional, with any suffix of letters, digits and `-_.+`.
fn is_release(text: &str) -> bool {
    let mut parts = text.strip_prefix('v').unwrap_or(text).splitn(3, '.');
    let (Some(major), Some(minor), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let patch_ends = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (patch, suffix) = rest.split_at(patch_ends);
    // A patch of 0 may be followed by anything, also by digits: the pattern's suffix swallows them.
    let patch_is_good = !patch.is_empty();
    is_number(major)
        && is_number(minor)
        && patch_is_good
        && suffix.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+'))
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
            "v1.36.0",
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
            "v1.36.0 ",
            "newest",
            "stable-",
            "stable-0",
            "stable-1.",
            "other/v1.36.0",
            "v1.36.0/x",
            "vv1.36.0",
            "stable1",
            "stable-12",
            "stable-1.123",
        ] {
            assert!(!is_version(bad), "{bad}");
        }
    }
}
