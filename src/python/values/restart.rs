//! What a restart would do, and what it did.

use serde::{Deserialize, Serialize};

use super::convert::{Fraction, Seconds};
use super::values;
use crate::error::Fault;
use crate::ops::restart;
use crate::plan::restart as plan;
use crate::report;
use crate::text::{counted, printable};

values! {
    /// A certificate that is served, or that is on disk to be served; serial and fingerprint (SHA-256) hexadecimal.
    LiveCertificate(it: plan::LiveCertificate);
    shown = format!("{}, ends {}", it.serial, it.not_after.format("%Y-%m-%d"));
    attributes {
        /// Its subject (RFC 4514).
        subject = &it.subject;
        /// Its serial number in hexadecimal.
        serial = &it.serial;
        /// Its first moment.
        not_before = it.not_before;
        /// Its last moment.
        not_after = it.not_after;
        /// The SHA-256 of the whole certificate in hexadecimal.
        fingerprint = &it.fingerprint;
    }
}

values! {
    /// One port of a component: what it serves (or the problem that kept it from being seen), and what is on disk.
    ///
    /// `path` and `on_disk` are None for a certificate that is made in memory.
    Endpoint(it: plan::EndpointPlan);
    shown = {
        let is_current = match it.is_current() {
            Some(true) => "current",
            Some(false) => "not current",
            None => "not known",
        };
        format!("{} at {}: {is_current}", it.purpose, it.address)
    };
    attributes {
        /// What it is for: `clients`, `peers`, `serving`.
        purpose = &it.purpose;
        /// Where it was looked at.
        address = &it.address;
        /// The certificate that is served there.
        served = &it.served;
        /// Why none could be seen.
        problem = &it.problem;
        /// The file that it is read from.
        path = &it.path;
        /// The first certificate of that file.
        on_disk = &it.on_disk;
        /// Whether it serves what is on disk; None where that cannot be said.
        is_current = it.is_current();
    }
}

values! {
    /// One component, what happens to it, and how; `manifest` is None for the kubelet.
    ///
    /// `awaited` says what of the files on disk it has not loaded yet and loads by itself, `way_reason` why a restart is
    /// not done by a shorter way, `back_off` how long the kubelet may wait before it starts the component again.
    ComponentRestart(it: plan::ComponentPlan);
    shown = match it.way {
        Some(way) => format!("{}: {}, {}", it.name, report::restart::action(it.action), report::restart::way(way)),
        None => format!("{}: {}", it.name, report::restart::action(it.action)),
    };
    attributes {
        /// Its name: `etcd`, `kube-apiserver`, …, `kubelet`.
        name = &it.name;
        /// What happens to it.
        action = it.action;
        /// Why, each in a few words.
        reasons = &it.reasons;
        /// What it will load by itself in a while, each in a few words.
        awaited = &it.awaited;
        /// How it is restarted; None when it is not.
        way = it.way;
        /// Why not by a shorter way.
        way_reason = &it.way_reason;
        /// The longest that the kubelet may wait before it starts it again.
        back_off = Seconds::of(it.back_off_seconds);
        /// Its static-pod manifest.
        manifest = &it.manifest;
        /// When it started, where that can be seen.
        started_at = it.started_at;
        /// Its ports.
        endpoints = &it.endpoints;
    }
}

values! {
    /// A manifest that a restart which did not end has left outside; it belongs to `manifest` and is at `held`.
    HeldManifest(it: plan::HeldManifest);
    shown = format!("{}: {}", it.component, it.held.display());
    attributes {
        /// The component.
        component = &it.component;
        /// Where it belongs.
        manifest = &it.manifest;
        /// Where it is.
        held = &it.held;
        /// Since when; None when its note is unreadable.
        held_at = it.held_at;
    }
}

/// A fault that stands against a restart, or a rotation.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::python) struct Standing(pub(super) Fault);

values! {
    /// What of the node itself stands against a restart, which `restart` raises; or against a rotation.
    Obstacle(it: Standing);
    shown = format!("{}: {}", it.0.code, it.0.message);
    text = printable(&it.0.message).into_owned();
    attributes {
        /// Which error it is.
        code = it.0.code;
        /// What is wrong: one sentence.
        message = &it.0.message;
        /// What to do about it: one sentence.
        hint = &it.0.hint;
    }
}

values! {
    /// All that a restart would do; nothing has been changed.
    RestartPlan(it: plan::RestartPlan);
    shown = {
        let restarts = it.restarts().map(|each| each.name.as_str()).collect::<Vec<_>>().join(", ");
        let (restarts, blocked) =
            (if restarts.is_empty() { "nothing" } else { &restarts }, if it.is_blocked() { "blocked, " } else { "" });
        format!("{blocked}restarts {restarts}")
    };
    text = report::restart::text(it, None);
    attributes {
        /// The moment for which it was made.
        made_at = it.made_at;
        /// The folder in front of every path.
        rootfs = &it.rootfs;
        /// Where the kubelet reads static-pod manifests.
        manifests_dir = &it.manifests_dir;
        /// How long the kubelet may take to see a change there.
        file_check_frequency = Fraction(it.file_check_frequency_seconds);
        /// Manifests that are put back first.
        held = &it.held;
        /// Every component, in the order of the restarts.
        components = &it.components;
        /// What stands against it; a critical finding blocks the whole plan.
        findings = &it.findings;
        /// What of the node itself stands against any restart.
        obstacles = it.obstacles.iter().cloned().map(Standing).collect::<Vec<_>>();
        /// The components that are restarted, in order.
        restarts = it.restarts().collect::<Vec<_>>();
        /// Whether a critical finding stands against it.
        is_blocked = it.is_blocked();
        /// Whether there is nothing to do.
        is_empty = it.is_empty();
    }
}

values! {
    /// One component that was restarted, how long that took, and what it serves now.
    Restarted(it: restart::Restarted);
    shown = format!("{}, {:.1} s", it.name, it.seconds);
    attributes {
        /// Its name.
        name = &it.name;
        /// How it was to be restarted.
        way = it.way;
        /// How long it took.
        duration = Fraction(it.seconds);
        /// When it started, where that can be seen.
        started_at = it.started_at;
        /// What it serves now.
        endpoints = &it.endpoints;
    }
}

values! {
    /// What a restart did: manifests of an earlier run that were put back, components that were restarted, in order.
    RestartReport(it: restart::RestartReport);
    shown = {
        let names: Vec<_> = it.restarted.iter().map(|each| each.name.as_str()).collect();
        format!("{}: {}", counted(names.len(), "component"), names.join(", "))
    };
    attributes {
        /// Components whose manifest an earlier run had left outside.
        put_back = &it.put_back;
        /// Components that were restarted, in order.
        restarted = &it.restarted;
        /// The plan that was followed.
        plan = &it.plan;
    }
}
