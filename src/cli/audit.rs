//! `kubepki audit`: the certificates of many nodes.

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::error::CommandError;
use super::run::Run;
use super::screen::lines;
use super::session::Session;
use super::stop::Stop;
use crate::audit::node::Status;
use crate::ops::audit::{Audit as Auditing, FleetReport, FleetSummary, Gathered, TreeReport};
use crate::report::html::{self, Page};
use crate::report::{self, structured};
use crate::request::AuditRequest;
use crate::text::counted;

/// The form of an audit's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people: the sum, the worst trees, what is wrong by its cause.
    Text,
    /// For programs: one document.
    Json,
    /// For programs: a tree on each line as it comes, the sum on the last.
    Jsonl,
    /// For Prometheus.
    Prometheus,
    /// One page for a browser, which needs nothing else.
    Html,
}

/// Check the certificates of many nodes.
///
/// Each tree is checked as `kubepki check` does, on all cores, and then all are held against each other: keys, serial numbers and
/// CAs that are where they should not be. Archives are read and unpacked to nowhere. Memory does not grow with the number
/// of trees but for what is compared, in all forms but `html` and `prometheus`. Exit code: 0 ok, 1 warning, 2 critical, 3 unknown.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki audit /srv/nodes
  kubepki audit support-bundle.tar.gz
  kubepki audit /srv/nodes kubepki-audit.json -o jsonl
  kubepki audit /srv/nodes --warning 60d -o prometheus
  kubepki audit kubepki-audit.json -o html --title 'Certificates of prod'")]
pub(super) struct Audit {
    /// The form of the output.
    #[arg(short = 'o', long = "output", value_name = "FORM", default_value = "text", hide_possible_values = false)]
    form: Form,
    /// The heading of the page, with `-o html`; without it, it counts the nodes.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    #[command(flatten)]
    request: AuditRequest,
}

impl Run for Audit {
    // As check: monitoring would take the 2 of a usage error for a critical state.
    const FAILURE: Option<u8> = Some(Status::Unknown.exit_code());

    fn run(self, session: &Session) -> Result<u8, Stop> {
        if self.title.is_some() && self.form != Form::Html {
            let hint = "add -o html, or leave --title out";
            return Err(CommandError::usage("--title is the heading of a page, and no page is made", hint).into());
        }
        let bar = Bar::new(session);
        let mut output = Printed::new(self.form, self.title, session)?;
        let mut gathered = Gathered::default();
        for tree in Auditing::new(&self.request, session.now, session.stop_signal())? {
            session.go_on()?;
            gathered.add(&tree);
            bar.show(&gathered);
            output.tree(&tree)?;
        }
        drop(bar);
        let summary = gathered.summary(&session.stop_signal());
        // All of it ends early then.
        session.go_on()?;
        output.end(&summary)?;
        Ok(summary.status.exit_code())
    }
}

/// What was printed so far.
struct Printed<'s> {
    form: Form,
    title: Option<String>,
    session: &'s Session,
    digest: report::audit::Digest,
    metrics: report::prometheus::Metrics,
    /// Those of a page, which has all of them.
    trees: Vec<TreeReport>,
    is_first: bool,
}

impl<'s> Printed<'s> {
    fn new(form: Form, title: Option<String>, session: &'s Session) -> Result<Self, Stop> {
        if form == Form::Json {
            let now = structured::json(&session.now)?;
            session.screen.data(&format!("{{\n  \"audited_at\": {now},\n  \"trees\": ["))?;
        }
        let (digest, metrics) = (report::audit::Digest::default(), report::prometheus::Metrics::default());
        Ok(Self { form, title, session, digest, metrics, trees: Vec::new(), is_first: true })
    }

    fn tree(&mut self, tree: &TreeReport) -> Result<(), Stop> {
        match self.form {
            Form::Text => self.digest.add(tree, self.session.now),
            Form::Prometheus => self.metrics.tree(tree),
            Form::Html => self.trees.push(tree.clone()),
            Form::Jsonl => self.session.screen.data(&format!("{}\n", structured::line(tree)?))?,
            Form::Json => {
                let comma = if std::mem::take(&mut self.is_first) { "" } else { "," };
                let text = structured::json(tree)?.replace('\n', "\n    ");
                self.session.screen.data(&format!("{comma}\n    {text}"))?;
            }
        }
        Ok(())
    }

    fn end(self, summary: &FleetSummary) -> Result<(), Stop> {
        let (screen, now) = (&self.session.screen, self.session.now);
        match self.form {
            Form::Text => screen.data(&format!("{}\n", lines(&self.digest.text(summary, screen.width())))),
            Form::Jsonl => screen.data(&format!("{}\n", structured::line(summary)?)),
            Form::Html => {
                let fleet = FleetReport { audited_at: now, trees: self.trees, summary: summary.clone() };
                let page = Page::of_fleet(&fleet);
                let title = self.title.unwrap_or_else(|| page.title.clone());
                screen.data(&html::page(Page { title, ..page }))
            }
            Form::Prometheus => screen.data(&self.metrics.fleet(summary, now, env!("CARGO_PKG_VERSION"))),
            Form::Json => {
                // The document goes on where the trees end.
                let text = structured::json(summary)?;
                let end = if self.is_first { "" } else { "\n  " };
                screen.data(&format!("{end}],{}\n", text.strip_prefix('{').unwrap_or(&text)))
            }
        }
    }
}

/// How far it is: on stderr, on a terminal alone.
struct Bar(ProgressBar);

impl Bar {
    fn new(session: &Session) -> Self {
        let target =
            if session.screen.is_watched { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template("audit {spinner} {msg}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
        Self(ProgressBar::with_draw_target(None, target).with_style(style))
    }

    fn show(&self, gathered: &Gathered) {
        self.0.inc(1);
        let counts = gathered.counts();
        let bad = match counts.critical + counts.unknown {
            0 => String::new(),
            _ => format!(" ({} critical, {} unknown)", counts.critical, counts.unknown),
        };
        self.0.set_message(format!("{}{bad}", counted(counts.total(), "tree")));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
