//! What the verbs of `rotate` are asked for.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;
use clap::Args;
use serde::Deserialize;

use super::{
    Authorities, Backups, ClusterAccess, KubeletDir, NodeRequest, Recover, RequestError, RestartOptions, Span,
    defaults, refuse_unknown,
};
use crate::catalogue::{SERVICE_ACCOUNT, rotated_names};
use crate::plan::generate::Selection;
use crate::remedy::with_options;
use crate::secret::Secret;
use crate::text::is_plain_word;

/// The verbs that go over all nodes.
const CONDUCTED: [&str; 6] = ["plan", "start", "status", "resume", "finish", "abort"];

/// Nobody waits longer for a cluster.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Where a rotation over all nodes is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// A new rotation.
    Start,
    /// Go on with what has broken off.
    Resume,
    /// Give up the old one.
    Finish,
    /// Give up the new one.
    Abort,
}

impl Wish {
    /// The verb of `kubepki rotate`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Resume => "resume",
            Self::Finish => "finish",
            Self::Abort => "abort",
        }
    }
}

/// What takes the place of what is there.
#[derive(Args, Clone, Debug, PartialEq, Deserialize)]
#[command(next_help_heading = "What takes its place")]
#[serde(default)]
pub struct Coming {
    /// The new CA: its certificate, those above it, and its key, in PEM. Without it one is made like the old one.
    #[arg(long, value_name = "FILE")]
    pub new_ca: Option<PathBuf>,
    /// The common name of a CA that is made, instead of the old one's.
    #[arg(long, value_name = "NAME")]
    pub common_name: Option<String>,
    /// Replace a CA that cannot vouch for the new one: clients that know it alone fail from the step reissue on.
    #[arg(long)]
    pub allow_failing_clients: bool,
}

/// When what was there is given up.
#[derive(Args, Clone, Copy, Debug, PartialEq, Deserialize)]
#[command(next_help_heading = "When the one that goes is given up")]
#[serde(default)]
pub struct Leaving {
    /// How long a token may be in use that the service-account key which goes has signed; until then that key stays trusted.
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    pub token_life: Span,
}

/// Who is made to learn of what comes.
#[derive(Args, Clone, Copy, Debug, PartialEq, Deserialize)]
#[command(next_help_heading = "When the one that goes is given up")]
#[serde(default)]
pub struct Evicting {
    /// Restart every pod that may have read the CAs before both were trusted, as disruption budgets allow.
    ///
    /// In the step cluster, before the old CA is given up.
    #[arg(long)]
    pub restart_pods: bool,
}

/// Where what etcd holds is kept before a rotation begins.
#[derive(Args, Clone, Debug, PartialEq, Deserialize)]
#[command(next_help_heading = "What is kept of etcd")]
#[serde(default)]
pub struct Keeping {
    /// The file on the node, the first control plane, for what etcd holds before the rotation; without it one below `/var/lib/kubepki/etcd`.
    ///
    /// The file must not exist.
    #[arg(long, value_name = "FILE", conflicts_with = "no_etcd_snapshot")]
    pub etcd_snapshot: Option<PathBuf>,
    /// Begin without a snapshot of etcd.
    #[arg(long)]
    pub no_etcd_snapshot: bool,
}

/// Which CAs, and on which node.
#[derive(Args, Clone, Debug, Deserialize)]
#[command(next_help_heading = "What is replaced")]
#[serde(default, deny_unknown_fields)]
pub struct RotationRequest {
    /// What is replaced.
    #[command(flatten)]
    pub authority: Authorities,
    /// The kubelet's directory.
    #[command(flatten)]
    pub kubelet_dir: KubeletDir,
    /// Which node.
    #[command(flatten)]
    #[serde(flatten)]
    pub node: NodeRequest,
}

/// Whether the cluster is asked what its objects hold.
#[derive(Args, Clone, Copy, Debug, Deserialize)]
#[command(next_help_heading = "What is asked")]
#[serde(default)]
pub struct Objects {
    /// Ask the cluster too whether its objects hold the CAs of this node's files; a control-plane node, with its own kubeconfig.
    #[arg(long)]
    pub cluster: bool,
}

/// What `rotate status` is asked for of one node.
#[derive(Args, Clone, Debug, Deserialize)]
#[command(next_help_heading = "What is replaced")]
#[serde(default, deny_unknown_fields)]
pub struct NodeRotationRequest {
    /// What is replaced.
    #[command(flatten)]
    pub authority: Authorities,
    /// Whether the cluster is asked.
    #[command(flatten)]
    #[serde(flatten)]
    pub objects: Objects,
    /// The kubelet's directory.
    #[command(flatten)]
    pub kubelet_dir: KubeletDir,
    /// Which node.
    #[command(flatten)]
    #[serde(flatten)]
    pub node: NodeRequest,
}

/// What `rotate reserve` is asked for.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RotateReserveRequest {
    /// Who asks: nothing is done with it, but `ps` shows it to whoever is refused.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Which node.
    #[command(flatten)]
    #[serde(flatten)]
    pub node: NodeRequest,
}

/// What `rotate step` is asked for.
#[derive(Args, Clone, Debug, Deserialize)]
#[command(
    next_help_heading = "What is replaced, and how",
    mut_arg("kubeconfig", |kubeconfig| kubeconfig.help(
        "The kubeconfig for the cluster's API; without it the node's own, not below `--rootfs`: `admin.conf` or `super-admin.conf`, a worker's `kubelet.conf`"
    ))
)]
#[serde(default, deny_unknown_fields)]
pub struct RotateStepRequest {
    /// What is replaced.
    #[command(flatten)]
    pub authority: Authorities,
    /// What another node has exported with `rotate export`; `-` is stdin.
    #[arg(long, value_name = "FILE")]
    pub material: Option<PathBuf>,
    /// The same, instead of a file.
    #[arg(skip)]
    #[serde(skip)]
    pub material_content: Option<Secret>,
    /// What comes.
    #[command(flatten)]
    #[serde(flatten)]
    pub coming: Coming,
    /// When what goes is given up.
    #[command(flatten)]
    #[serde(flatten)]
    pub leaving: Leaving,
    /// Which pods are restarted.
    #[command(flatten)]
    #[serde(flatten)]
    pub evicting: Evicting,
    /// Restart nothing: components go on with what they have loaded.
    ///
    /// Below `--rootfs` nothing is restarted in any case.
    #[arg(long)]
    pub no_restart: bool,
    /// The kubelet's directory.
    #[command(flatten)]
    pub kubelet_dir: KubeletDir,
    /// How components are restarted.
    #[command(flatten)]
    #[serde(flatten)]
    pub how: RestartOptions,
    /// How the cluster is reached.
    #[command(flatten)]
    #[serde(flatten)]
    pub access: ClusterAccess,
    /// Where the files that change are kept as they were.
    #[command(flatten)]
    #[serde(flatten)]
    pub backups: Backups,
    /// Whether an interrupted change is ended first.
    #[command(flatten)]
    pub recover: Recover,
    /// Which node.
    #[command(flatten)]
    #[serde(flatten)]
    pub node: NodeRequest,
}

/// Which CAs, and on which nodes.
#[derive(Args, Clone, Debug, Deserialize)]
#[command(next_help_heading = "What is replaced, and where")]
#[serde(default)]
pub struct RotatedNodes {
    /// What is replaced.
    #[command(flatten)]
    pub authority: Authorities,
    /// A YAML file with the cluster's nodes, and the words that run kubepki on each; without it the cluster is this node.
    #[arg(long, value_name = "FILE")]
    pub nodes: Option<PathBuf>,
}

/// What a rotation over all nodes is asked for. A verb has those of its parts as options that it uses; the others are as they are by
/// default.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConductRequest {
    /// What is replaced, and where.
    #[command(flatten)]
    #[serde(flatten)]
    pub on: RotatedNodes,
    /// What comes.
    #[command(flatten)]
    #[serde(flatten)]
    pub coming: Coming,
    /// What is kept before the first step.
    #[command(flatten)]
    #[serde(flatten)]
    pub keeping: Keeping,
    /// When what goes is given up.
    #[command(flatten)]
    #[serde(flatten)]
    pub leaving: Leaving,
    /// Which pods are restarted.
    #[command(flatten)]
    #[serde(flatten)]
    pub evicting: Evicting,
    /// What is looked for before the old CA goes.
    #[command(flatten)]
    #[serde(flatten)]
    pub unused: UnusedRequest,
    /// How long it is waited.
    #[command(flatten)]
    #[serde(flatten)]
    pub patience: StepPatience,
}

/// How long it is waited in each step.
#[derive(Args, Clone, Copy, Debug, Deserialize)]
#[command(next_help_heading = "How long it is waited")]
#[serde(default)]
pub struct StepPatience {
    /// How long each component may take to come back, and the cluster to follow.
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    pub timeout: Span,
}

/// What `rotate finish` looks for before the old CA goes.
#[derive(Args, Clone, Debug, PartialEq, Deserialize)]
#[command(next_help_heading = "Whether the old CA is still used")]
#[serde(default)]
pub struct UnusedRequest {
    /// The API server's audit logs, as JSON lines, plain or gzip: who has used which certificate.
    #[arg(long, value_name = "FILE")]
    pub audit_log: Vec<PathBuf>,
    /// For how long no certificate of the old CA may have been used.
    #[arg(long, value_name = "DURATION", default_value = "24h", requires = "audit_log")]
    pub unused_for: Span,
    /// Kubeconfigs and client certificates of the new CA that no node has, or folders of them: their use stops nothing.
    #[arg(long, value_name = "PATH", requires = "audit_log")]
    pub new_credential: Vec<PathBuf>,
}

/// What `rotate unused` is asked for.
#[derive(Args, Clone, Debug, Deserialize)]
#[command(next_help_heading = "Whether the old CA is still used")]
#[serde(default, deny_unknown_fields)]
pub struct UnusedHereRequest {
    /// The logs, and for how long.
    #[command(flatten)]
    #[serde(flatten)]
    pub unused: UnusedRequest,
    /// What the other nodes and users have, as JSON; `-` is stdin.
    ///
    /// A mapping: `authorities`, a list of what `kubepki rotate status --local -o json` has as `authorities` on other control planes;
    /// `workers`, the same by the name of each worker; `certificates`, client certificates of the new CA that users have, in PEM.
    #[arg(long, value_name = "FILE")]
    pub known: Option<PathBuf>,
    /// The same, instead of a file.
    #[arg(skip)]
    #[serde(skip)]
    pub known_content: Option<Secret>,
    /// The kubelet's directory.
    #[command(flatten)]
    pub kubelet_dir: KubeletDir,
    /// Which node.
    #[command(flatten)]
    #[serde(flatten)]
    pub node: NodeRequest,
}

defaults! { Coming Leaving Evicting Keeping StepPatience Objects RotatedNodes NodeRotationRequest RotationRequest RotateStepRequest ConductRequest UnusedRequest UnusedHereRequest }

/// The names that are meant, in the catalogue's order.
fn chosen(given: &[String]) -> Result<Vec<&'static str>, RequestError> {
    let known = rotated_names();
    let all = given.is_empty() || given.iter().any(|name| name == "all");
    refuse_unknown(&Selection::Names(given.to_vec()), &[&["all"], known.as_slice()].concat())?;
    let given: BTreeSet<_> = given.iter().map(String::as_str).collect();
    Ok(known.into_iter().filter(|name| all || given.contains(name)).collect())
}

impl RotationRequest {
    /// The names that are meant.
    pub(crate) fn chosen(&self) -> Result<Vec<&'static str>, RequestError> {
        chosen(&self.authority)
    }
}

impl NodeRotationRequest {
    /// The names that are meant.
    pub(crate) fn chosen(&self) -> Result<Vec<&'static str>, RequestError> {
        chosen(&self.authority)
    }
}

/// Refuses one CA for several.
fn refuse_one_for_all(new_ca: Option<&PathBuf>, chosen: &[&str]) -> Result<(), RequestError> {
    if new_ca.is_none() || matches!(chosen, [one] if *one != SERVICE_ACCOUNT) {
        return Ok(());
    }
    Err(RequestError::bad(
        "--new-ca is one CA, and others are to be replaced",
        "name the one that it is for: --authority ca",
    ))
}

/// A text where each command of these verbs has these options too.
fn with(text: &str, verbs: &[&str], options: &[(&str, String)]) -> String {
    with_options(text, |words| matches!(words, ["kubepki", "rotate", verb, ..] if verbs.contains(verb)), options)
}

impl RotatedNodes {
    /// A text whose commands go over the same nodes, and are about the same.
    #[must_use]
    pub fn complete(&self, text: &str) -> String {
        let nodes = self.nodes.iter().map(|file| ("--nodes", file.display().to_string()));
        let authorities = (!self.authority.is_empty()).then(|| ("--authority", self.authority.join(",")));
        with(text, &CONDUCTED, &nodes.chain(authorities).collect::<Vec<_>>())
    }

    /// The names that are meant.
    pub(crate) fn chosen(&self) -> Result<Vec<&'static str>, RequestError> {
        chosen(&self.authority)
    }
}

impl Keeping {
    /// A file for what is not to be.
    fn refuse_both(&self) -> Result<(), RequestError> {
        if self.etcd_snapshot.is_none() || !self.no_etcd_snapshot {
            return Ok(());
        }
        Err(RequestError::bad("--etcd-snapshot names a file, and --no-etcd-snapshot wants none", "give one of them"))
    }

    /// The name goes to another node, through a shell there where SSH leads to it.
    fn refuse_other_words(&self) -> Result<(), RequestError> {
        let is_other = |file: &&PathBuf| file.to_str().is_none_or(|file| !is_plain_word(file));
        let Some(file) = self.etcd_snapshot.as_ref().filter(is_other) else { return Ok(()) };
        Err(RequestError::bad(
            format!("--etcd-snapshot {}: a shell of the node could take this name for something else", file.display()),
            "name a file in letters and digits of ASCII, `/`, `.`, `_` and `-`",
        ))
    }
}

impl ConductRequest {
    /// The names that are meant.
    pub(crate) fn chosen(&self) -> Result<Vec<&'static str>, RequestError> {
        let chosen = self.on.chosen()?;
        refuse_one_for_all(self.coming.new_ca.as_ref(), &chosen)?;
        self.keeping.refuse_both()?;
        self.keeping.refuse_other_words()?;
        self.unused.refuse_without_log()?;
        Ok(chosen)
    }

    /// A text whose commands do the same, over the same nodes.
    #[must_use]
    pub fn complete(&self, text: &str) -> String {
        let flag = |name, is_set: bool| is_set.then(|| (name, String::new()));
        let file = |name, path: &Option<PathBuf>| path.as_ref().map(|path| (name, path.display().to_string()));
        let Coming { new_ca, common_name, allow_failing_clients } = &self.coming;
        let starts = [
            file("--new-ca", new_ca),
            common_name.clone().map(|name| ("--common-name", name)),
            flag("--allow-failing-clients", *allow_failing_clients),
            file("--etcd-snapshot", &self.keeping.etcd_snapshot),
            flag("--no-etcd-snapshot", self.keeping.no_etcd_snapshot),
        ];
        let life = (self.leaving != Leaving::default())
            .then(|| ("--token-life", format!("{}s", self.leaving.token_life.seconds())));
        let pods = flag("--restart-pods", self.evicting.restart_pods);
        let timeout = self.patience.timeout.seconds();
        let wait = (timeout != StepPatience::default().timeout.seconds()).then(|| ("--timeout", format!("{timeout}s")));
        let text = with(
            &self.on.complete(text),
            &["start", "resume", "finish", "abort"],
            &wait.into_iter().collect::<Vec<_>>(),
        );
        let text = with(&text, &["start"], &starts.into_iter().flatten().collect::<Vec<_>>());
        let text = with(&text, &["resume", "finish", "abort"], &life.into_iter().collect::<Vec<_>>());
        with(&text, &["resume", "finish"], &pods.into_iter().collect::<Vec<_>>())
    }

    /// Refuses what is given and would do nothing, as the command of that verb has no option for it.
    pub(crate) fn refuse_unused_options(&self, wish: Wish) -> Result<(), RequestError> {
        let has_use = |verbs: &[Wish]| verbs.contains(&wish);
        let unused = [
            ("a CA that comes", self.coming == Coming::default() || has_use(&[Wish::Start])),
            ("a snapshot of etcd", self.keeping == Keeping::default() || has_use(&[Wish::Start])),
            ("the life of tokens", self.leaving == Leaving::default() || !has_use(&[Wish::Start])),
            ("restarted pods", self.evicting == Evicting::default() || has_use(&[Wish::Resume, Wish::Finish])),
            ("audit logs", self.unused == UnusedRequest::default() || has_use(&[Wish::Finish])),
        ];
        let Some((what, _)) = unused.iter().find(|(_, is_right)| !is_right) else { return Ok(()) };
        let verb = wish.as_str();
        Err(RequestError::bad(
            format!("{verb} has no use for {what}"),
            format!("leave it out; see what it takes: `kubepki rotate {verb} --help`"),
        ))
    }

    /// How long each component may take to come back.
    pub(crate) fn timeout(&self) -> Result<Duration, RequestError> {
        self.patience.timeout.timeout(LONGEST_WAIT)
    }
}

impl UnusedRequest {
    /// Whether anything is looked for.
    pub(crate) const fn is_wanted(&self) -> bool {
        !self.audit_log.is_empty()
    }

    /// How a log is read, and none.
    fn refuse_without_log(&self) -> Result<(), RequestError> {
        if self.is_wanted() || *self == Self::default() {
            return Ok(());
        }
        Err(RequestError::bad(
            "--unused-for and --new-credential say how audit logs are read, and none is given",
            "give those of every API server: --audit-log FILE",
        ))
    }

    /// For how long nothing may have been used.
    pub(crate) fn span(&self) -> Result<TimeDelta, RequestError> {
        self.unused_for.within("--unused-for")
    }
}

impl RotateStepRequest {
    /// The names that are meant.
    pub(crate) fn chosen(&self) -> Result<Vec<&'static str>, RequestError> {
        let chosen = chosen(&self.authority)?;
        refuse_one_for_all(self.coming.new_ca.as_ref(), &chosen)?;
        let given = [self.coming.new_ca.is_some(), self.material.is_some(), self.material_content.is_some()];
        if given.iter().filter(|is_given| **is_given).count() > 1 {
            return Err(RequestError::bad("--new-ca and --material say both what comes", "give one of them"));
        }
        Ok(chosen)
    }

    /// How long it is waited for a component, and for the cluster.
    pub(crate) fn timeout(&self) -> Result<Duration, RequestError> {
        self.how.timeout.timeout(LONGEST_WAIT)
    }

    /// For how long tokens of the old key may live.
    pub(crate) fn token_life(&self) -> Result<TimeDelta, RequestError> {
        self.leaving.token_life.within("--token-life")
    }
}
