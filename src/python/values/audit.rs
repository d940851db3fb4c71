//! Many trees: what was seen of each, and of all together.

use super::certificate::Checked;
use super::convert::Lines;
use super::values;
use crate::ops::audit;
use crate::report::{self, html::Page};
use crate::text::counted;

values! {
    /// One tree: what was found in it, or why nothing could be read.
    TreeReport(it: audit::TreeReport);
    shown = match (&it.report, &it.problem) {
        (Some(report), _) => format!(
            "{}: {}, {}",
            it.place(),
            format!("{:?}", it.status).to_lowercase(),
            counted(report.findings.len(), "finding")
        ),
        (None, Some(problem)) => format!("{}: {}", it.place(), problem.code),
        (None, None) => it.place(),
    };
    page = Page::of_tree(it);
    attributes {
        /// Where it was read, as `/srv/bundles.tar.gz!cp1`.
        place = it.place();
        /// The folder, the archive or the file that it was read from.
        path = &it.path;
        /// Its place within that: the folder within an archive, the host in a report; None where it is all of it.
        member = &it.member;
        /// In what it was found.
        kind = it.kind;
        /// The node's name, where it is known.
        node = &it.node;
        /// The SHA-256 of the public key of the cluster's CA in hexadecimal, its first 16 digits: which cluster it is of.
        cluster = &it.cluster;
        /// What the node does, where it is known.
        role = it.role;
        /// The version of Kubernetes that it runs, as `v1.36.1`, where it is known.
        kubernetes_version = &it.kubernetes_version;
        /// The whole in one word: unknown where nothing could be read.
        status = it.status;
        /// What the check found.
        report = it.report.clone().map(Checked::from);
        /// Why nothing could be read.
        problem = &it.problem;
        /// The SHA-256 of each public key of the service accounts in hexadecimal.
        service_account_keys = &it.service_account_keys;
    }
}

values! {
    /// What is wrong with several trees together.
    FleetFinding(it: audit::FleetFinding);
    shown = format!("{} {}: {}", it.finding.severity, it.finding.code, counted(it.trees.len(), "tree"));
    attributes {
        /// What it is.
        finding = &it.finding;
        /// Where the trees were read that it is about, as their `place`.
        trees = &it.trees;
    }
}

values! {
    /// How many trees are in which state.
    StatusCounts(it: audit::StatusCounts);
    shown = format!("{} ok, {} warning, {} critical, {} unknown", it.ok, it.warning, it.critical, it.unknown);
    attributes {
        /// How many have nothing to do.
        ok = it.ok;
        /// How many are to be looked at.
        warning = it.warning;
        /// How many are broken, or soon so.
        critical = it.critical;
        /// How many could not be seen.
        unknown = it.unknown;
    }
}

values! {
    /// All trees, and what is wrong with them together.
    FleetReport(it: audit::FleetReport);
    shown = format!(
        "{} at {}: {}, {}",
        format!("{:?}", it.summary.status).to_lowercase(),
        it.audited_at.format("%Y-%m-%d %H:%M UTC"),
        counted(it.trees.len(), "tree"),
        counted(it.summary.certificates, "certificate")
    );
    text = {
        let mut digest = report::audit::Digest::default();
        it.trees.iter().for_each(|tree| digest.add(tree, it.audited_at));
        digest.text(&it.summary, None)
    };
    page = Page::of_fleet(it);
    attributes {
        /// The moment for which it holds.
        audited_at = it.audited_at;
        /// Every tree.
        trees = &it.trees;
        /// What is wrong between trees, the worst first.
        findings = &it.summary.findings;
        /// How many trees are in which state.
        counts = it.summary.counts;
        /// How many certificates were seen.
        certificates = it.summary.certificates;
        /// How many clusters the trees are of, as far as their CAs are known.
        clusters = it.summary.clusters;
        /// The worst of all: critical, then unknown, then warning.
        status = it.summary.status;
        /// The exit code of the monitoring convention: 0 ok, 1 warning, 2 critical, 3 unknown.
        exit_code = it.summary.status.exit_code();
    }
    methods {
        /// Return it as metrics, in the text format of Prometheus.
        to_prometheus = {
            let mut metrics = report::prometheus::Metrics::default();
            it.trees.iter().for_each(|tree| metrics.tree(tree));
            Lines(metrics.fleet(&it.summary, it.audited_at, env!("CARGO_PKG_VERSION")))
        };
    }
}
