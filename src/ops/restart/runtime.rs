//! The container runtime, where `crictl` is there and gets an answer.
//!
//! In: where the runtime listens. Out: [`Runtime`]: a component's containers, how the last one ended; it stops one.
//!
//! Source: cri-tools `cmd/crictl`; CRI `runtime/v1` (`ListContainers`, `ContainerStatus`).

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::edge::process::{self, ProcessError};

/// How long `crictl` may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The way to the runtime.
#[derive(Clone, Debug)]
pub(super) struct Runtime {
    crictl: Option<PathBuf>,
    endpoint: Option<String>,
}

/// A container of a component, as the runtime lists it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Container {
    pub(super) id: String,
    state: String,
    metadata: Metadata,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    attempt: u32,
}

#[derive(Deserialize)]
struct Listing {
    #[serde(default)]
    containers: Vec<Container>,
}

#[derive(Deserialize)]
struct Inspected {
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Status {
    exit_code: i64,
    finished_at: String,
    reason: String,
}

impl Container {
    pub(super) fn is_running(&self) -> bool {
        self.state == "CONTAINER_RUNNING"
    }

    /// The component's name, as its pod calls the container.
    pub(super) fn name(&self) -> &str {
        &self.metadata.name
    }

    /// How often the kubelet has started it again.
    pub(super) const fn attempt(&self) -> u32 {
        self.metadata.attempt
    }
}

impl Runtime {
    /// The runtime at `endpoint` (`unix:///…`), or where `crictl` itself looks for one.
    pub(super) fn at(endpoint: Option<String>) -> Self {
        let crictl = match process::find("crictl") {
            Ok(crictl) => Some(crictl),
            Err(ProcessError::NotFound { .. }) => None,
            Err(error) => {
                log::warn!("containers cannot be seen, only processes and ports: {error}");
                None
            }
        };
        Self { crictl, endpoint }
    }

    /// All containers of these components; `None` where the runtime cannot be asked.
    pub(super) fn containers(&self, names: &[&str]) -> Option<Vec<Container>> {
        let (pattern, label) = (format!("^({})$", names.join("|")), "io.kubernetes.pod.namespace=kube-system");
        let output = self.run(&["ps", "--all", "--output", "json", "--name", &pattern, "--label", label], TIMEOUT)?;
        match serde_json::from_slice::<Listing>(&output) {
            Ok(listing) => Some(listing.containers),
            Err(error) => {
                log::warn!("crictl's list of containers cannot be read: {error}");
                None
            }
        }
    }

    /// The ids of those that run.
    pub(super) fn running(&self, name: &str) -> Option<Vec<String>> {
        let all = self.containers(&[name])?;
        Some(all.into_iter().filter(Container::is_running).map(|container| container.id).collect())
    }

    /// How a container ended, in a few words.
    pub(super) fn end_of(&self, container: &Container) -> Option<String> {
        let output = self.run(&["inspect", "--output", "json", &container.id], TIMEOUT)?;
        let Status { exit_code, finished_at, reason } = serde_json::from_slice::<Inspected>(&output).ok()?.status;
        let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
        let at = finished_at.get(..19).unwrap_or(&finished_at).replace('T', " ");
        Some(format!("its container ended with exit code {exit_code}{reason} at {at}"))
    }

    /// Stops a container: SIGTERM, and after `grace` SIGKILL.
    pub(super) fn stop(&self, id: &str, grace: Duration) -> Result<(), ProcessError> {
        let seconds = grace.as_secs().to_string();
        match &self.crictl {
            None => Err(ProcessError::NotFound { program: "crictl".into() }),
            Some(crictl) => {
                let arguments = self.arguments(&["stop", "--timeout", &seconds, id]);
                process::run(crictl, &borrowed(&arguments), grace + TIMEOUT).map(drop)
            }
        }
    }

    fn run(&self, arguments: &[&str], timeout: Duration) -> Option<Vec<u8>> {
        match process::run(self.crictl.as_ref()?, &borrowed(&self.arguments(arguments)), timeout) {
            Ok(output) => Some(output),
            Err(error) => {
                log::warn!("containers cannot be seen, only processes and ports: {error}");
                None
            }
        }
    }

    fn arguments(&self, arguments: &[&str]) -> Vec<String> {
        let endpoint = self.endpoint.iter().flat_map(|endpoint| ["--runtime-endpoint".to_owned(), endpoint.clone()]);
        endpoint.chain(arguments.iter().map(|&word| word.to_owned())).collect()
    }
}

fn borrowed(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_crictl_lists_is_read() {
        let text = r#"{"containers":[{"id":"ab","state":"CONTAINER_EXITED","metadata":{"name":"etcd","attempt":3}},
            {"id":"cd","state":"CONTAINER_RUNNING","metadata":{"name":"etcd"},"labels":{}}]}"#;
        let listing: Listing = serde_json::from_str(text).unwrap();
        let read: Vec<_> = listing.containers.iter().map(|one| (one.name(), one.is_running(), one.attempt())).collect();
        assert_eq!(read, [("etcd", false, 3), ("etcd", true, 0)]);
        assert!(serde_json::from_str::<Listing>("{}").unwrap().containers.is_empty());
    }
}
