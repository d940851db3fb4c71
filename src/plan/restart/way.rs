//! How a component is restarted, and what its manifest says about how it ends.
//!
//! In: a [`StaticPod`], and what can be seen of the running component ([`Sight`]). Out: [`Manners`]; the [`Way`] and why.
//! Pure. What the kubelet does is in [docs/decisions.md]: it starts a container that has ended again in its sandbox, at
//! once the first time, later after a back-off.
//!
//! Source: kubelet `kuberuntime_manager.go` (`doBackOff`), `kubelet.go` (`newCrashLoopBackOff`); kube-apiserver
//! `genericapiserver.go` (`RunWithContext`), `options/server_run_options.go`.

use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::component::{StaticPod, Url};
use crate::config::parse_duration;

/// How a component is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Its process is asked to end, and the kubelet starts the container again.
    InPlace,
    /// The container runtime is asked to stop its container, and the kubelet starts it again.
    Runtime,
    /// Its manifest is moved out, and back when it has ended.
    Manifest,
    /// The API server's, when etcd of its node restarts: its manifest is out meanwhile.
    AroundEtcd,
    /// The kubelet's: systemd restarts the service.
    Service,
}

/// What can be seen of a component that runs or should.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Whether its process can be seen and signalled.
    pub can_be_signalled: bool,
    /// Whether the runtime shows its running container.
    pub has_container: bool,
    /// For how long it has run, where that can be seen.
    pub running_for: Option<TimeDelta>,
    /// How often the kubelet has started its container again, where that can be seen.
    pub attempt: Option<u32>,
    /// The longest back-off, where the kubelet's configuration says it.
    pub longest_back_off: Option<Duration>,
    /// How it ended, if it is known not to run: `exit code 1 at …`.
    pub ended: Option<String>,
}

/// The kubelet's back-off is forgotten when a container has run for as long.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::minutes(10);

/// The longest back-off, in seconds, unless the kubelet's configuration says less.
const LONGEST_BACK_OFF: u64 = 300;

/// How the kubelet's back-off grows, in seconds: so long after the first start that was not the first.
const FIRST_BACK_OFF: u64 = 10;

impl Sight {
    /// The longest that the kubelet may wait before it starts the container again once it has ended, as far as that is known.
    #[must_use]
    pub fn back_off(&self) -> Duration {
        let is_forgotten = self.running_for.is_some_and(|time| time > FORGOTTEN_AFTER);
        let seconds = match self.attempt {
            _ if is_forgotten => 0,
            Some(0) | None => 0,
            Some(attempt) => {
                FIRST_BACK_OFF.saturating_mul(1_u64.checked_shl(attempt.saturating_sub(1)).unwrap_or(u64::MAX))
            }
        };
        let longest = self.longest_back_off.unwrap_or(Duration::from_secs(LONGEST_BACK_OFF));
        Duration::from_secs(seconds).min(longest)
    }

    /// The shortest way that is safe, and why it is not a shorter one.
    #[must_use]
    pub fn way(&self) -> (Way, Option<String>) {
        if let Some(ended) = &self.ended {
            return (Way::Manifest, Some(format!("it does not run: {ended}")));
        }
        let back_off = self.back_off().as_secs();
        let later =
            (back_off > 0).then(|| format!("it was restarted a short time ago: the kubelet may wait {back_off} s"));
        if self.can_be_signalled {
            return (Way::InPlace, later);
        }
        if self.has_container {
            return (Way::Runtime, later.or_else(|| Some("its process cannot be seen, its container can".into())));
        }
        (Way::Manifest, Some("neither its process nor its container can be seen".into()))
    }
}

/// What a manifest says about how its component ends, and by what its process is recognised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manners {
    /// Its name.
    pub name: &'static str,
    /// How long it may take to end when it is asked to.
    pub grace: Duration,
    /// How an API server ends; none for the others.
    pub drain: Option<Drain>,
    /// Where an API server looks for etcd, as in `--etcd-servers`.
    pub etcd_servers: Vec<String>,
    /// Where etcd serves its clients, as in `--listen-client-urls`.
    pub client_urls: Vec<String>,
    /// What etcd calls its member of this node, as in `--name`.
    pub member_name: String,
    /// The user that it runs as.
    user: u32,
    /// The words of its command that name a port.
    port_words: Vec<String>,
}

/// How an API server ends: it goes on for a time, closes its port, and waits for what is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drain {
    /// How long it goes on while it says that it is not ready (`--shutdown-delay-duration`).
    pub delay: Duration,
    /// How long it takes to end watches by itself (`--shutdown-watch-termination-grace-period`).
    pub watches: Duration,
    /// Whether its port stays open until then, with "try again" for an answer (`--shutdown-send-retry-after`).
    pub sends_retry_after: bool,
}

/// How long requests may take to finish once the port is closed. Watches would go on for a minute.
const IN_FLIGHT: Duration = Duration::from_secs(3);

/// How much later than its flags say an API server may do things.
const SLACK: Duration = Duration::from_secs(2);

impl Drain {
    /// How long after it was asked to end its port may stay open.
    #[must_use]
    pub fn open_for(&self) -> Duration {
        let drained = if self.sends_retry_after { self.watches + IN_FLIGHT } else { Duration::ZERO };
        self.delay + drained + SLACK
    }

    /// How long it may take after its port is closed.
    #[must_use]
    pub fn closed_for(&self) -> Duration {
        match self.watches {
            Duration::ZERO => IN_FLIGHT,
            _ if self.sends_retry_after => IN_FLIGHT,
            watches => IN_FLIGHT.max(watches + Duration::from_secs(1)),
        }
    }
}

impl Manners {
    /// What the manifest of `name` says.
    #[must_use]
    pub fn of(name: &'static str, pod: &StaticPod) -> Self {
        let list = |flag: &str| -> Vec<String> {
            let all = pod.flag(flag).unwrap_or_default().split(',').map(str::trim);
            all.filter(|url| !url.is_empty()).map(str::to_owned).collect()
        };
        let duration =
            |flag: &str| pod.flag(flag).and_then(|text| parse_duration(text).ok()?.to_std().ok()).unwrap_or_default();
        let names_port = |word: &&String| word.contains("port=") || word.starts_with("--listen-client-urls=");
        Self {
            name,
            grace: Duration::from_secs(pod.grace_seconds()),
            drain: (name == "kube-apiserver").then(|| Drain {
                delay: duration("shutdown-delay-duration"),
                watches: duration("shutdown-watch-termination-grace-period"),
                sends_retry_after: pod.flag("shutdown-send-retry-after").is_some_and(|value| value != "false"),
            }),
            etcd_servers: list("etcd-servers"),
            client_urls: list("listen-client-urls"),
            member_name: pod.flag("name").unwrap_or("default").to_owned(),
            user: pod.user(),
            port_words: pod.command().iter().filter(names_port).cloned().collect(),
        }
    }

    /// Whether a process is the component: in a pod, of the user that the manifest says, and called by the component's name
    /// or, where it listens at the component's port, with the words of its manifest that name that port. What
    /// merely calls itself so, or happens to have the port, is never signalled.
    /// Anybody can call anything so: `who` is asked for its user, if it is one, and whether it runs in a pod, where
    /// the words are right.
    #[must_use]
    pub fn describes(&self, words: &[String], listens: bool, who: impl FnOnce() -> (Option<u32>, bool)) -> bool {
        let file_name = |word: &String| Path::new(word).file_name()?.to_str().map(str::to_owned);
        // `kube-apiserver`, `/usr/local/bin/etcd.real`.
        let is_named = words.first().and_then(file_name).is_some_and(|word| {
            word.strip_prefix(self.name)
                .is_some_and(|rest| rest.chars().next().is_none_or(|next| !next.is_alphanumeric()))
        });
        let names_its_port = || self.port_words.iter().any(|word| words.contains(word));
        (is_named || (listens && names_its_port())) && who() == (Some(self.user), true)
    }

    /// Whether an API server with these manners has no etcd but this one, so that it must not run without it.
    #[must_use]
    pub fn depends_on(&self, etcd: &Self) -> bool {
        let own: Vec<_> = etcd.client_urls.iter().filter_map(|url| Url::parse(url)).collect();
        let is_its = |server: &String| {
            let server = Url::parse(server);
            server.is_some_and(|server| {
                own.iter().any(|url| *url == server || (server.is_local() && url.port == server.port))
            })
        };
        !self.etcd_servers.is_empty() && self.etcd_servers.iter().all(is_its)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manners(name: &'static str, command: &[&str]) -> Manners {
        let text = format!("spec: {{containers: [{{command: {}}}]}}", serde_json::to_string(command).unwrap());
        Manners::of(name, &StaticPod::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn the_shortest_way_that_can_be_seen_is_taken_and_a_longer_one_says_why() {
        let sight = |can_be_signalled, has_container| Sight { can_be_signalled, has_container, ..Sight::default() };
        assert_eq!(sight(true, true).way(), (Way::InPlace, None));
        let (way, why) = sight(false, true).way();
        assert_eq!((way, why.as_deref()), (Way::Runtime, Some("its process cannot be seen, its container can")));
        let (way, why) = sight(false, false).way();
        assert_eq!(way, Way::Manifest);
        assert_eq!(why.as_deref(), Some("neither its process nor its container can be seen"));
        let ended = Sight { ended: Some("exit code 1".into()), ..sight(false, false) };
        assert_eq!(ended.way(), (Way::Manifest, Some("it does not run: exit code 1".into())));
    }

    #[test]
    fn the_back_off_doubles_and_is_forgotten_after_ten_minutes() {
        let seconds = |minutes, attempt| {
            let running_for = Some(TimeDelta::minutes(minutes));
            Sight { running_for, attempt, ..Sight::default() }.back_off().as_secs()
        };
        let capped = Sight { attempt: Some(5), longest_back_off: Some(Duration::from_secs(1)), ..Sight::default() };
        assert_eq!(capped.back_off(), Duration::from_secs(1));
        let growing = [0, 1, 2, 5, 6, 70].map(|attempt| seconds(1, Some(attempt)));
        assert_eq!(growing, [0, 10, 20, 160, 300, 300]);
        assert_eq!((seconds(11, Some(70)), seconds(1, None), seconds(11, None)), (0, 0, 0));
    }

    #[test]
    fn an_api_server_gets_the_time_that_its_flags_ask_for() {
        let drain = |flags: &[&str]| manners("kube-apiserver", flags).drain.unwrap();
        let seconds = |drain: Drain| (drain.open_for().as_secs(), drain.closed_for().as_secs());
        assert_eq!(seconds(drain(&[])), (2, 3));
        assert_eq!(seconds(drain(&["--shutdown-delay-duration=10s"])), (12, 3));
        assert_eq!(seconds(drain(&["--shutdown-watch-termination-grace-period=15s"])), (2, 16));
        let both = ["--shutdown-watch-termination-grace-period=15s", "--shutdown-send-retry-after=true"];
        assert_eq!(seconds(drain(&both)), (20, 3));
        assert_eq!(manners("etcd", &[]).drain, None);
    }

    #[test]
    fn a_process_is_the_component_by_its_name_or_by_its_port() {
        let scheduler = manners("kube-scheduler", &["kube-scheduler", "--secure-port=10259"]);
        let is_it = |listens, words: &[&str]| {
            let words: Vec<_> = words.iter().map(ToString::to_string).collect();
            scheduler.describes(&words, listens, || (Some(0), true))
        };
        for listens in [false, true] {
            assert!(is_it(listens, &["/usr/local/bin/kube-scheduler", "--v=2"]));
            assert!(is_it(listens, &["/usr/local/bin/kube-scheduler.real"]));
            assert!(!is_it(listens, &["kube-schedulers"]));
            assert!(!is_it(listens, &["tail", "kube-scheduler"]));
            assert!(!is_it(listens, &["nginx", "--secure-port=10260"]));
            assert_eq!(is_it(listens, &["/wrapper", "--v=2", "--secure-port=10259"]), listens);
        }
    }

    #[test]
    fn what_calls_itself_so_is_the_component_only_in_a_pod_and_as_the_user_of_its_manifest() {
        let words = ["kube-scheduler".to_owned()];
        let is_it = |manners: &Manners, user, is_in_pod| manners.describes(&words, true, || (user, is_in_pod));
        let of_root = manners("kube-scheduler", &["kube-scheduler"]);
        assert!(is_it(&of_root, Some(0), true));
        for (user, is_in_pod) in [(Some(0), false), (Some(65534), true), (None, true)] {
            assert!(!is_it(&of_root, user, is_in_pod), "{user:?} {is_in_pod}");
        }
        let text = |spec: &str| format!("spec: {{{spec}}}");
        let users = [
            (r"securityContext: {runAsUser: 7}, containers: [{command: []}]", 7),
            (r"securityContext: {runAsUser: 7}, containers: [{securityContext: {runAsUser: 8}}]", 8),
            (r"containers: [{securityContext: {privileged: true}}]", 0),
        ];
        for (spec, user) in users {
            let pod = StaticPod::parse(text(spec).as_bytes()).unwrap();
            let manners = Manners::of("kube-scheduler", &pod);
            assert!(is_it(&manners, Some(user), true) && !is_it(&manners, Some(user + 1), true), "{spec}");
        }
    }

    #[test]
    fn an_api_server_depends_on_the_etcd_of_its_node_when_it_has_no_other() {
        let etcd = manners("etcd", &["--listen-client-urls=https://127.0.0.1:2379,https://192.0.2.10:2379"]);
        let depends =
            |servers: &str| manners("kube-apiserver", &[&format!("--etcd-servers={servers}")]).depends_on(&etcd);
        assert!(depends("https://127.0.0.1:2379"));
        assert!(depends("https://192.0.2.10:2379/"));
        assert!(!depends("https://192.0.2.11:2379"));
        assert!(!depends("https://127.0.0.1:2379,https://192.0.2.11:2379"));
        assert!(!depends("https://127.0.0.1:12379"));
        assert!(!manners("kube-apiserver", &[]).depends_on(&etcd));
    }
}
