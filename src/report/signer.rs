//! The signers of the controller manager, as text: a line for each, why one does not sign, and what to tell kubeadm.

use chrono::TimeDelta;

use super::{finding, moment, table};
use crate::audit::signers::{ExtraArgs, Signer};
use crate::ops::signer::{SignerProbe, SignersReport};
use crate::text::{file_name, printable};

/// All of it.
#[must_use]
pub fn text(report: &SignersReport, width: Option<usize>) -> String {
    text_with(
        report,
        width,
        finding::grouped(&report.findings).iter().map(|group| finding::group_text(group)).collect(),
    )
}

/// The same with findings that are text already.
#[must_use]
pub fn text_with(report: &SignersReport, width: Option<usize>, findings: Vec<String>) -> String {
    let header = ["SIGNER", "STATE", "AT MOST", "CA ENDS", "CERTIFICATE", "KEY"];
    let signers = table(width, header, report.signers.iter().map(|one| row(&one.signer)));
    let parts = std::iter::once(signers).chain(reasons(report)).chain(probes(report)).chain(findings);
    parts.chain(report.extra_args.as_ref().map(advice)).collect::<Vec<_>>().join("\n\n")
}

fn row(signer: &Signer) -> [String; 6] {
    let whose = if signer.has_own_pair { "its own" } else { "for all" };
    let certificate = signer.certificate.as_ref().map(|path| format!("{} ({whose})", path.display()));
    [
        signer.name.clone(),
        signer.state.as_str().to_owned(),
        signer.longest_seconds.map(|seconds| moment::span(TimeDelta::seconds(seconds))).unwrap_or_default(),
        signer.authority.as_ref().map(|one| one.not_after.format("%Y-%m-%d %H:%M UTC").to_string()).unwrap_or_default(),
        certificate.unwrap_or_default(),
        signer.key.as_deref().map(file_name).unwrap_or_default(),
    ]
}

/// Why signers do not sign; a reason that all have is said once, and one that is a finding there.
fn reasons(report: &SignersReport) -> Option<String> {
    let is_said = |signer: &&Signer| report.findings.iter().any(|finding| finding.evidence == signer.reason);
    let told: Vec<_> =
        report.signers.iter().map(|one| &one.signer).filter(|one| !one.reason.is_empty() && !is_said(one)).collect();
    let first = told.first()?;
    let is_of_all = told.len() == report.signers.len() && told.iter().all(|one| one.reason == first.reason);
    let line = |name: &str, signer: &Signer| {
        printable(&format!("{name}: {}: {}", signer.state.as_str(), signer.reason)).into_owned()
    };
    Some(if is_of_all {
        line("all signers", first)
    } else {
        told.iter().map(|one| line(&one.name, one)).collect::<Vec<_>>().join("\n")
    })
}

/// What became of each request.
fn probes(report: &SignersReport) -> Option<String> {
    let asked = report.signers.iter().filter_map(|one| Some((&one.signer.name, one.probe.as_ref()?)));
    let lines: Vec<_> = asked.flat_map(|(name, probe)| said(name, probe)).collect();
    (!lines.is_empty()).then(|| lines.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n"))
}

fn said(name: &str, probe: &SignerProbe) -> Vec<String> {
    match (&probe.problem, &probe.certificate, &probe.authority) {
        (Some(problem), ..) => {
            vec![format!("{name}: {} [{}]", problem.message, problem.code), format!("  hint: {}", problem.hint)]
        }
        (None, _, Some(authority)) => {
            vec![format!("{name}: signs now, with {} ({})", authority.subject, authority.path.display())]
        }
        (None, Some(certificate), None) => vec![format!("{name}: signs now, with {}", certificate.issuer)],
        (None, None, None) => Vec::new(),
    }
}

fn advice(extra: &ExtraArgs) -> String {
    format!(
        "to have them sign, put a CA's certificate and key there on every control-plane node, and this into the \
         ClusterConfiguration\n(v1beta4):\n{}\n(v1beta3):\n{}\nthen, on each of them: kubeadm init phase control-plane \
         controller-manager --config FILE",
        extra.v1beta4, extra.v1beta3
    )
}
