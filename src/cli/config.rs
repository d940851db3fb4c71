//! `kubepki config validate`: what is wrong with a kubeadm configuration.

use clap::Args;
use serde::Serialize;

use super::input::with_configuration;
use super::options::{Configuration, Form, Output};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::config::{CLUSTER_NAME, Problem};
use crate::error::Category;
use crate::ops::{self, STDIN};
use crate::report;

/// Print every problem of a kubeadm configuration at once, each with its place and a hint.
#[derive(Args, Debug)]
#[command(
    mut_arg("config", |config| config.required(true)),
    after_help = "Examples:
  kubepki config validate --config kubeadm.yaml
  kubepki config validate --config cluster
  kubectl -n kube-system get configmap kubeadm-config -o yaml | kubepki config validate --config -
  kubepki config validate --config kubeadm.yaml -o json"
)]
pub(super) struct Validate {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    configuration: Configuration,
}

#[derive(Serialize)]
struct Answer {
    valid: bool,
    problems: Vec<Problem>,
}

impl Run for Validate {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let mut node = self.configuration.node;
        with_configuration(session, &mut node)?;
        let answer = match ops::configuration(&node) {
            Ok(loaded) => Answer { valid: true, problems: loaded.warnings },
            Err(error) => {
                let problems = Problem::all_of(&error);
                if problems.is_empty() {
                    return Err(error.into());
                }
                Answer { valid: false, problems }
            }
        };
        let Answer { valid, problems } = &answer;
        if self.output.form == Form::Text {
            let said = problems.iter().flat_map(|one| report::problem::lines(one, &format!(" [{}]", one.code)));
            let name = match (&node.config_text, &node.config) {
                _ if node.is_of_cluster() => CLUSTER_NAME.to_owned(),
                (None, Some(path)) => path.display().to_string(),
                _ => STDIN.to_owned(),
            };
            let end = format!("{name}: {}", if *valid { "ok" } else { "not valid" });
            session.screen.show(&said.chain([end]).collect::<Vec<_>>().join("\n"))?;
        } else {
            session.structured(&answer, self.output.form)?;
        }
        Ok(if *valid { 0 } else { Category::Usage.exit_code() })
    }
}
