//! The client of a cluster's API server.
//!
//! In: credentials, a time limit, paths and objects. Out: objects, or [`ClusterError`]. It runs on the thread that
//! called; `tell` is asked there, twenty times a second, whether it is still waited for.

use std::error::Error;
use std::io;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use kube::Client;
use kube::client::{AuthError, Body};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::status::Refusal;
use super::{ClusterError, Credentials, Event, Verb, WatchEnd};
use crate::workers::TICK;

/// No answer is read further than this, in bytes; lists are asked for in parts.
const LIMIT: usize = 32 << 20;

/// A cluster that can be asked.
pub struct Cluster<'t> {
    runtime: Runtime,
    client: Client,
    server: String,
    timeout: Duration,
    tell: &'t mut dyn FnMut() -> ControlFlow<()>,
}

/// What a request came to.
enum Outcome {
    Answer(Vec<u8>),
    Refused(Refusal),
}

impl<'t> Cluster<'t> {
    /// Takes up the credentials; nothing is asked yet. A request may take `timeout`, with all that is asked again.
    ///
    /// # Errors
    /// [`ClusterError::BadCredentials`].
    pub fn connect(
        credentials: &Credentials,
        timeout: Duration,
        tell: &'t mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Self, ClusterError> {
        let bad = |error: &dyn Error| ClusterError::BadCredentials { reason: in_full(error) };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| bad(&error))?;
        let mut config = match credentials {
            Credentials::Kubeconfig(document) => {
                let kubeconfig =
                    serde_json::from_value::<Kubeconfig>((**document).clone()).map_err(|error| bad(&error))?;
                let options = KubeConfigOptions::default();
                runtime.block_on(Config::from_custom_kubeconfig(kubeconfig, &options)).map_err(|error| bad(&error))?
            }
            Credentials::InCluster => Config::incluster().map_err(|error| bad(&error))?,
        };
        // What is asked again is decided here, by what the server says.
        config.default_retry = false;
        config.connect_timeout = Some(timeout);
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let client = {
            let _inside = runtime.enter();
            Client::try_from(config).map_err(|error| ClusterError::BadCredentials { reason: said(&error) })?
        };
        Ok(Self { runtime, client, server, timeout, tell })
    }

    /// Where it is.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Asks, and asks again where the server was busy.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub fn ask(&mut self, path: &str, verb: &Verb) -> Result<Value, ClusterError> {
        let body = self.answer(path, verb)?;
        serde_json::from_slice(&body).map_err(|error| self.bad_answer(path, &error))
    }

    /// Asks for something other than an object, as `/readyz`: any answer but a refusal is good.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub fn check(&mut self, path: &str) -> Result<(), ClusterError> {
        self.answer(path, &Verb::Get).map(drop)
    }

    fn answer(&mut self, path: &str, verb: &Verb) -> Result<Vec<u8>, ClusterError> {
        let since = Instant::now();
        loop {
            let left = self.timeout.saturating_sub(since.elapsed());
            let refusal = match self.once(path, verb, left)? {
                Outcome::Answer(body) => return Ok(body),
                Outcome::Refused(refusal) => refusal,
            };
            let Some(pause) = refusal.again_after() else { return Err(refusal.error(&self.server, path)) };
            if pause >= self.timeout.saturating_sub(since.elapsed()) {
                let what = format!("{path}: {}; it asks to wait for {} s", refusal.said(), pause.as_secs());
                return Err(ClusterError::Timeout { server: self.server.clone(), waited: since.elapsed(), what });
            }
            log::info!("{} is busy: asked again in {} s", self.server, pause.as_secs());
            self.pause(pause)?;
        }
    }

    /// Tells `see` what happens to the objects of `path`, a list with `watch=1` and the version from which on, for at most
    /// `timeout`.
    ///
    /// # Errors
    /// [`ClusterError`] when it cannot be begun, or is broken off.
    pub fn watch(
        &mut self,
        path: &str,
        timeout: Duration,
        see: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<WatchEnd, ClusterError> {
        let until = Instant::now() + timeout;
        let mut body = match self.send(path, &Verb::Get, self.timeout)? {
            answer if answer.status().is_success() => answer.into_body(),
            answer => return Err(self.refusal(path, answer, self.timeout)?.error(&self.server, path)),
        };
        let mut text = Vec::new();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            // Frames that are always ready leave no time in which that is asked.
            if (self.tell)().is_break() {
                return Err(ClusterError::Interrupted { server: self.server.clone() });
            }
            if left.is_zero() {
                return Ok(WatchEnd::Dropped);
            }
            let frame = match self.within(left, path, body.frame()) {
                Ok(Some(Ok(frame))) => frame,
                Ok(_) | Err(ClusterError::Timeout { .. }) => return Ok(WatchEnd::Dropped),
                Err(error) => return Err(error),
            };
            let known = text.len();
            text.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            let new = text.get(known..).unwrap_or_default();
            let whole = new.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| known + end + 1);
            let lines: Vec<u8> = text.drain(..whole).collect();
            for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let Some(event) = event(line) else { return Ok(WatchEnd::Dropped) };
                if see(event).is_break() {
                    return Ok(WatchEnd::Enough);
                }
            }
            if text.len() > LIMIT {
                return Ok(WatchEnd::Dropped);
            }
        }
    }

    /// Whether it is to be broken off; unlike all else here it may be asked while another client works.
    pub fn is_interrupted(&mut self) -> bool {
        (self.tell)().is_break()
    }

    /// Waits.
    ///
    /// # Errors
    /// [`ClusterError::Interrupted`].
    pub fn pause(&mut self, pause: Duration) -> Result<(), ClusterError> {
        match self.within(pause, "", std::future::pending::<()>()) {
            Err(ClusterError::Timeout { .. }) => Ok(()),
            other => other,
        }
    }

    fn once(&mut self, path: &str, verb: &Verb, limit: Duration) -> Result<Outcome, ClusterError> {
        let since = Instant::now();
        let answer = self.send(path, verb, limit)?;
        let left = limit.saturating_sub(since.elapsed());
        if answer.status().is_success() {
            return self.body(path, answer, left).map(Outcome::Answer);
        }
        self.refusal(path, answer, left).map(Outcome::Refused)
    }

    fn send(&mut self, path: &str, verb: &Verb, limit: Duration) -> Result<Response<Body>, ClusterError> {
        let (method, object) = match verb {
            Verb::Get => (Method::GET, None),
            Verb::Create(object) => (Method::POST, Some(object)),
            Verb::Replace(object) => (Method::PUT, Some(object)),
            Verb::Delete => (Method::DELETE, None),
        };
        let body = object.map_or_else(Body::empty, |object| Body::from(object.to_string().into_bytes()));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("kubepki/", env!("CARGO_PKG_VERSION")))
            .body(body)
            .map_err(|error| self.bad_answer(path, &error))?;
        let client = self.client.clone();
        let answer = self.within(limit, path, async move { client.send(request).await })?;
        answer.map_err(|error| self.failure(&error))
    }

    fn body(&mut self, path: &str, answer: Response<Body>, limit: Duration) -> Result<Vec<u8>, ClusterError> {
        let body = Limited::new(answer.into_body(), LIMIT).collect();
        let whole = self.within(limit, path, body)?.map_err(|error| {
            if error.is::<LengthLimitError>() {
                return ClusterError::TooLarge { server: self.server.clone(), what: path.to_owned(), limit: LIMIT };
            }
            self.bad_answer(path, &*error)
        })?;
        Ok(whole.to_bytes().to_vec())
    }

    fn refusal(&mut self, path: &str, answer: Response<Body>, limit: Duration) -> Result<Refusal, ClusterError> {
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = self.body(path, answer, limit)?;
        Ok(Refusal::read(status, retry_after.as_deref(), &body))
    }

    /// Does work on this thread for at most `limit`, unless it is broken off.
    fn within<T>(&mut self, limit: Duration, path: &str, work: impl Future<Output = T>) -> Result<T, ClusterError> {
        let Self { runtime, tell, server, .. } = self;
        let until = Instant::now() + limit;
        runtime.block_on(async {
            let mut work = std::pin::pin!(work);
            loop {
                let left = until.saturating_duration_since(Instant::now());
                if let Ok(done) = timeout(left.min(TICK), &mut work).await {
                    return Ok(done);
                }
                if tell().is_break() {
                    return Err(ClusterError::Interrupted { server: server.clone() });
                }
                if left.is_zero() {
                    let what = format!("{path}: no answer");
                    return Err(ClusterError::Timeout { server: server.clone(), waited: limit, what });
                }
            }
        })
    }

    fn bad_answer(&self, path: &str, error: &dyn Error) -> ClusterError {
        ClusterError::BadAnswer { server: self.server.clone(), what: path.to_owned(), reason: in_full(error) }
    }

    /// Why there was no answer.
    fn failure(&self, error: &kube::Error) -> ClusterError {
        let (server, reason) = (self.server.clone(), said(error));
        if let kube::Error::Auth(_) = error {
            return ClusterError::BadCredentials { reason };
        }
        match of_tls(error) {
            Some(rustls::Error::InvalidCertificate(_)) => ClusterError::Untrusted { server, reason },
            // The server has looked at the client's certificate, and hangs up (TLS 1.3: after the handshake).
            Some(rustls::Error::AlertReceived(_)) => ClusterError::Unauthorized { server, reason },
            _ => ClusterError::Unreachable { server, reason },
        }
    }
}

/// One line of a watch. What is no event of an object (`ERROR`: the version is too old) is none.
fn event(line: &[u8]) -> Option<Event> {
    let mut said: Value = serde_json::from_slice(line).ok()?;
    let object = said.get_mut("object").map(Value::take)?;
    match said.get("type")?.as_str()? {
        "ADDED" | "MODIFIED" => Some(Event::Is(object)),
        "DELETED" => Some(Event::Gone(object)),
        _ => None,
    }
}

/// What TLS has against the connection, wherever it stands among the causes.
fn of_tls<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    // Its source is that of what it holds, not what it holds.
    let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    held.and_then(|held| of_tls(held)).or_else(|| of_tls(error.source()?))
}

/// What the client says. A program that gets credentials is shown with its environment and its output otherwise, and both
/// may hold secrets.
fn said(error: &kube::Error) -> String {
    match error {
        kube::Error::Auth(AuthError::AuthExecRun { out, .. }) => {
            format!("the program that the kubeconfig names for credentials failed: {}", out.status)
        }
        kube::Error::Auth(AuthError::AuthExecParse(_)) => {
            "the program that the kubeconfig names for credentials printed none".to_owned()
        }
        // Its own words only say which part of the client has failed.
        other => in_full(other.source().unwrap_or(other)),
    }
}

/// What an error says, with its causes; what says the same twice is said once.
fn in_full(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        cause = error.source();
    }
    said
}
