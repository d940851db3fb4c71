//! A cluster's API server: one request and its answer, and what changes there.
//!
//! In: credentials, a path of the API, an object as JSON. Out: the object that was answered, or a [`ClusterError`] that says
//! what to do. A server that is busy is asked again as it says (`Retry-After`), as long as the time for the request lasts.
//! It knows no object by its kind and decides nothing. A wait can be broken off: whoever waits is asked twenty times a
//! second.
//!
//! | part | what it holds |
//! |---|---|
//! | this file | credentials, time limits, errors |
//! | `client` | the client, of the cargo feature `cluster` |
//! | `absent` | what stands in its place without that feature: an error |
//! | `status` | what a refusal of the server means |
//!
//! Source: Kubernetes API concepts (watches, `Status`), RFC 9110 section 10.2.3 (`Retry-After`).

#[cfg(not(feature = "cluster"))]
mod absent;
#[cfg(feature = "cluster")]
mod client;
#[cfg(any(feature = "cluster", test))]
mod status;

#[cfg(not(feature = "cluster"))]
pub use absent::Cluster;
#[cfg(feature = "cluster")]
pub use client::Cluster;

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::error::faults;

/// Who asks, and where.
#[derive(Clone)]
pub enum Credentials {
    /// A kubeconfig as JSON, its current context; the paths in it are absolute.
    Kubeconfig(Box<Value>),
    /// The service account of the pod that this process runs in.
    InCluster,
}

/// What a request is, with the object that goes along.
#[derive(Clone, Debug)]
pub enum Verb {
    /// The object, or the list.
    Get,
    /// A new object.
    Create(Value),
    /// The whole object anew; the server refuses it when it has changed since (`metadata.resourceVersion`).
    Replace(Value),
    /// The object goes.
    Delete,
}

/// What has happened to an object that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is new, or is as it says now.
    Is(Value),
    /// It is gone; what it was.
    Gone(Value),
}

/// How a watch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchEnd {
    /// Whoever watches has seen enough.
    Enough,
    /// The server, or the network, has ended it: list again, and go on from there.
    Dropped,
}

faults! {
    /// Why the API server did not do what it was asked for.
    pub enum ClusterError {
        /// This build of kubepki has no client for a cluster's API; the wheel and the stand-alone program have it.
        #[error("this build of kubepki cannot ask a cluster")]
        #[fault("cluster.not_built", Usage, "take the wheel or the stand-alone program, or build with `--features cluster`")]
        NotBuilt,
        /// There is no kubeconfig and no service account to ask the cluster with.
        #[error("there are no credentials for a cluster: {reason}")]
        #[fault("cluster.no_credentials", Usage, "name a kubeconfig: --kubeconfig FILE, or $KUBECONFIG where the command has no such option")]
        NoCredentials {
            /// Where they were looked for.
            reason: String,
        },
        /// The kubeconfig cannot be used: no server, a context that is not there, a file it names that is missing, a program
        /// for credentials that fails.
        #[error("the credentials cannot be used: {reason}")]
        #[fault("cluster.bad_credentials", Usage, "fix the kubeconfig, or name another one: --kubeconfig FILE")]
        BadCredentials {
            /// What is wrong.
            reason: String,
        },
        /// The kubeconfig names a program that gets the credentials, and somebody else can change that file: the program would
        /// run as whoever runs kubepki.
        #[error("{} names a program to run, and others can change it: {reason}", path.display())]
        #[fault("cluster.foreign_program", Refused,
            format!("let the kubeconfig and its folders belong to root or to you, and nobody else write to them: {}", path.display()))]
        ForeignProgram {
            /// The kubeconfig.
            path: PathBuf,
            /// Who can change what.
            reason: String,
        },
        /// Nothing answers there.
        #[error("{server} cannot be reached: {reason}")]
        #[fault("cluster.unreachable" as UNREACHABLE, Environment,
            "check that the API server runs (`crictl ps`), and that this is its address; what is on disk needs no API server: \
             `kubepki check`")]
        Unreachable {
            /// The server.
            server: String,
            /// The system's answer.
            reason: String,
        },
        /// The server's certificate is not what the kubeconfig trusts, has expired, or is for another name.
        #[error("{server} is not trusted: {reason}")]
        #[fault("cluster.untrusted", Environment,
            "compare the kubeconfig's certificate-authority-data with the cluster's CA, and look at what the server \
             presents: `kubepki probe HOST:PORT`")]
        Untrusted {
            /// The server.
            server: String,
            /// What is wrong with the certificate.
            reason: String,
        },
        /// It did not answer in time, or was busy all the while.
        #[error("{server} did not answer within {} s: {what}", waited.as_secs_f32())]
        #[fault("cluster.timeout" as TIMEOUT, Environment, "try again, or wait for longer: --request-timeout 60s")]
        Timeout {
            /// The server.
            server: String,
            /// How long it was waited for.
            waited: Duration,
            /// What was asked, and what was answered so far.
            what: String,
        },
        /// The server does not know who asks: the client certificate has expired or is of another CA, the token is not valid.
        #[error("{server} does not accept these credentials: {reason}")]
        #[fault("cluster.unauthorized", Environment,
            "look at the client certificate: `kubepki show KUBECONFIG`; renew it: `kubepki certs renew admin.conf`")]
        Unauthorized {
            /// The server.
            server: String,
            /// What it says.
            reason: String,
        },
        /// Who asks may not do this.
        #[error("{server} forbids it: {reason}")]
        #[fault("cluster.forbidden", Refused,
            "use credentials with this permission (--kubeconfig /etc/kubernetes/admin.conf), or ask for a ClusterRole that has it")]
        Forbidden {
            /// The server.
            server: String,
            /// What it says.
            reason: String,
        },
        /// The object is not there, or the server does not have this API.
        #[error("{what} is not there: {reason}")]
        #[fault("cluster.not_found" as NOT_FOUND, Finding, "check the name, and that this is the right cluster")]
        NotFound {
            /// The path that was asked for.
            what: String,
            /// What it says.
            reason: String,
        },
        /// There is an object of this name.
        #[error("{what} is there already: {reason}")]
        #[fault("cluster.already_exists", Finding, "delete it, or run again: names are made anew")]
        AlreadyExists {
            /// The path that was asked for.
            what: String,
            /// What it says.
            reason: String,
        },
        /// Somebody else has changed the object meanwhile.
        #[error("{what} has changed meanwhile: {reason}")]
        #[fault("cluster.conflict" as CONFLICT, Environment, "run again")]
        Conflict {
            /// The path that was asked for.
            what: String,
            /// What it says.
            reason: String,
        },
        /// The server refuses the object: a webhook, a quota, a rule of its own.
        #[error("{server} refuses {what}: {status} {reason}")]
        #[fault("cluster.refused", Finding, "see what it says: a webhook or a policy of the cluster may be in the way")]
        Refused {
            /// The server.
            server: String,
            /// The path that was asked for.
            what: String,
            /// The HTTP status.
            status: u32,
            /// What it says.
            reason: String,
        },
        /// The server failed.
        #[error("{server} failed at {what}: {status} {reason}")]
        #[fault("cluster.failed" as FAILED, Environment, "see the log of kube-apiserver; `kubepki check --live` looks at its certificates")]
        Failed {
            /// The server.
            server: String,
            /// The path that was asked for.
            what: String,
            /// The HTTP status.
            status: u32,
            /// What it says.
            reason: String,
        },
        /// What answers is no API server, or an object is not as the API defines it.
        #[error("{server} answers {what} with something else: {reason}")]
        #[fault("cluster.bad_answer", Environment, "check that the kubeconfig's server is an API server, not a proxy's page")]
        BadAnswer {
            /// The server.
            server: String,
            /// The path that was asked for.
            what: String,
            /// What it is instead.
            reason: String,
        },
        /// The answer is larger than anything that kubepki reads.
        #[error("{server} answers {what} with more than {limit} bytes")]
        #[fault("cluster.too_large", Environment, "delete what nobody needs: signing requests, for example")]
        TooLarge {
            /// The server.
            server: String,
            /// The path that was asked for.
            what: String,
            /// How many bytes are read.
            limit: usize,
        },
        /// The wait was broken off.
        #[error("interrupted while {server} was waited for")]
        #[fault("cluster.interrupted" as INTERRUPTED, Interrupted, "run again")]
        Interrupted {
            /// The server.
            server: String,
        },
    }
}
