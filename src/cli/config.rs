//! `kubepki config validate`: what is wrong with a kubeadm configuration.

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::failure::problem;
use super::input::with_stdin;
use super::options::{Form, Output};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::error::Category;
use crate::ops;
use crate::request::NodeRequest;

/// Print every problem of a kubeadm configuration at once, each with its place and a hint.
#[derive(Args, Debug)]
#[command(
    mut_arg("config", |config| config.required(true)),
    mut_arg("certificates_dir", |unused| unused.hide(true)),
    mut_arg("kubeconfig_dir", |unused| unused.hide(true)),
    after_help = "Examples:
  kubepki config validate --config kubeadm.yaml
  kubepki config validate --config kubeadm.yaml -o json"
)]
pub(super) struct Validate {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    node: NodeRequest,
}

#[derive(Serialize)]
struct Answer<T> {
    valid: bool,
    problems: T,
}

impl Run for Validate {
    fn run(mut self, session: &Session) -> Result<u8, Stop> {
        let name = self.node.config.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        with_stdin(session, &mut self.node)?;
        let form = self.output.form;
        let (valid, problems) = match ops::configuration(&self.node) {
            Ok(loaded) if form != Form::Text => {
                session.structured(&Answer { valid: true, problems: &loaded.warnings }, form)?;
                return Ok(0);
            }
            Ok(loaded) => (true, json!(loaded.warnings)),
            Err(error) => match error.context().get("problems") {
                Some(problems) => (false, problems.clone()),
                None => return Err(error.into()),
            },
        };
        if form == Form::Text {
            for one in problems.as_array().into_iter().flatten() {
                show(session, one)?;
            }
            session.screen.show(&format!("{name}: {}", if valid { "ok" } else { "not valid" }))?;
        } else {
            session.structured(&Answer { valid, problems }, form)?;
        }
        Ok(if valid { 0 } else { Category::Usage.exit_code() })
    }
}

fn show(session: &Session, one: &Value) -> Result<(), Stop> {
    let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default();
    session.screen.show(&format!("{} [{}]", problem(one), text("code")))?;
    if text("hint").is_empty() { Ok(()) } else { session.screen.show(&format!("  hint: {}", text("hint"))) }
}
