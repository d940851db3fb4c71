//! `kubepki etcd snapshot`: what etcd holds, in a file.
//!
//! In: a request, a control-plane node. Out: an [`EtcdSnapshot`]. etcd is asked as this node's API server asks it, by the flags of its
//! manifest: local or somebody else's. The server has to have a certificate of the CA that the API server trusts; its name is not
//! compared. Nothing of the database but one piece is in memory.
//!
//! | part | what it holds |
//! |---|---|
//! | this file | where etcd is, who asks it, the file |
//! | `stream` | what etcd sends |

mod stream;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use self::stream::{BadStream, Reader, Sink, Whole};
use super::OperationError;
use super::kubelet::Kubelet;
use super::node::content_of;
use crate::catalogue::DEFAULT_KUBECONFIG_DIR;
use crate::component::{ETCD_CLIENT, StaticPod, Url};
use crate::edge::http::{Answer, Server};
use crate::edge::tls::{Address, Identity, ProbeError};
use crate::error::{Error, Result, faults};
pub use crate::request::EtcdSnapshotRequest;
use crate::store::{Draft, Store, StoreError};
use crate::text::printable;
use crate::x509::{Certificate, ExtendedKeyUsage, read_certificates, verify_chain};

/// Where snapshots are kept unless told otherwise.
const FOLDER: &str = "/var/lib/kubepki/etcd";

/// For so long nothing may come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A version comes within that.
const VERSION_WITHIN: Duration = Duration::from_secs(2 * 60);

/// No snapshot takes longer.
const LONGEST: Duration = Duration::from_secs(4 * 60 * 60);

/// No version is longer, in bytes.
const LONGEST_VERSION: usize = 64 << 10;

/// So much of the disk is left to others.
const LEFT_FREE: u64 = 64 << 20;

faults! {
    /// Why there is no snapshot.
    pub enum EtcdSnapshotError {
        /// Nothing on this node says where etcd is.
        #[error("{}: {reason}", manifest.display())]
        #[fault("etcd.no_api_server", Refused, "run it on a control-plane node, whose API server asks etcd")]
        NoApiServer {
            /// The API server's manifest.
            manifest: PathBuf,
            /// What is wrong.
            reason: String,
        },
        /// etcd answers, and gives no snapshot.
        #[error("{server}: {reason}")]
        #[fault("etcd.no_snapshot", Environment,
            "see etcd's log; it has to have a leader, and to speak HTTP at its client port (no --enable-grpc-gateway=false, no \
             --listen-client-http-urls)")]
        NoSnapshot {
            /// Who was asked.
            server: String,
            /// What it said.
            reason: String,
        },
    }
}

/// A file with what etcd holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EtcdSnapshot {
    /// The file of the node.
    pub file: PathBuf,
    /// How many bytes it has.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: String,
    /// Who has given it.
    pub server: String,
    /// The version of that etcd.
    pub etcd_version: String,
}

/// etcd as an API server knows it.
struct Etcd {
    servers: Vec<Address>,
    authorities: Vec<Certificate>,
    identity: Option<Identity>,
}

/// Takes a snapshot; `tell` is asked with each piece whether to go on.
///
/// # Errors
/// [`EtcdSnapshotError`]; `probe.*` where etcd cannot be reached, or is not who the API server trusts; `store.*`. No file is there
/// then.
pub fn snapshot(
    request: &EtcdSnapshotRequest,
    now: DateTime<Utc>,
    tell: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<EtcdSnapshot> {
    let store = Store::new(request.rootfs.dir())?;
    let etcd = etcd(&store, &request.kubelet_dir)?;
    let accept = |sent: &[Vec<u8>]| accepted(sent, &etcd.authorities, now);
    let file = request.file.clone();
    let file = file.unwrap_or_else(|| Path::new(FOLDER).join(now.format("etcd-%Y%m%dT%H%M%SZ.db").to_string()));
    let mut problem: Option<Error> = None;
    for address in &etcd.servers {
        let identity = etcd.identity.as_ref();
        let server = Server { address, identity, accept: &accept, timeout: PATIENCE, whole: LONGEST };
        let etcd_version = match version(&server) {
            Ok(version) => version,
            // The next one may be well.
            Err(error) => {
                problem.get_or_insert(error);
                continue;
            }
        };
        let Whole { size, sha256 } = store.write_new(&file, |draft| download(&server, draft, tell))?;
        let (server, sha256) = (address.to_string(), sha256.to_string());
        return Ok(EtcdSnapshot { file, size, sha256, server, etcd_version });
    }
    // There is at least one server.
    Err(problem.unwrap_or_else(|| OperationError::Interrupted.into()))
}

fn etcd(store: &Store, kubelet_dir: &Path) -> Result<Etcd> {
    let kubelet = Kubelet::read(store, kubelet_dir);
    let folder = kubelet.configuration.manifests_dir(Path::new(DEFAULT_KUBECONFIG_DIR));
    let manifest = folder.join("kube-apiserver.yaml");
    let tree = store.read([&manifest]);
    let none = |reason: &str| EtcdSnapshotError::NoApiServer { manifest: manifest.clone(), reason: reason.to_owned() };
    let text = tree.content(&manifest).ok_or_else(|| none("there is no API server's manifest"))?;
    let pod = StaticPod::parse(text).map_err(|error| none(&error.0))?;
    let urls: Vec<_> = Url::list(pod.flag("etcd-servers").unwrap_or_default()).collect();
    if urls.is_empty() {
        return Err(none("it names no etcd (--etcd-servers)").into());
    }
    if urls.iter().any(|url| !url.is_tls) {
        return Err(none("it asks etcd without TLS: take the snapshot with etcdctl").into());
    }
    let servers = urls.into_iter().map(|Url { host, port, .. }| Address { host, port }).collect();
    let ca = pod.file("etcd-cafile").ok_or_else(|| none("it names no CA of etcd (--etcd-cafile)"))?;
    let read = |path: &Path| Ok::<_, Error>(content_of(&store.read([path]), path)?.clone());
    let authorities = read_certificates(read(&ca)?.expose())?;
    let pair = pod.file(ETCD_CLIENT.0).zip(pod.file(ETCD_CLIENT.1));
    let identity = match pair {
        None => None,
        Some((certificate, key)) => {
            Some(Identity { certificates: read(&certificate)?.expose().to_vec(), key: read(&key)? })
        }
    };
    Ok(Etcd { servers, authorities, identity })
}

/// What is wrong with a server's chain.
fn accepted(sent: &[Vec<u8>], authorities: &[Certificate], now: DateTime<Utc>) -> Result<(), String> {
    let chain = sent.iter().map(|der| Certificate::from_der(der)).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| error.to_string())?;
    let (leaf, intermediates) = chain.split_first().ok_or_else(|| "it has no certificate".to_owned())?;
    verify_chain(leaf, intermediates, authorities, now, Some(&ExtendedKeyUsage::ServerAuth))
        .map(drop)
        .map_err(|problem| problem.to_string())
}

#[derive(Deserialize)]
struct Version {
    etcdserver: String,
}

fn version(server: &Server<'_>) -> Result<String> {
    let server = &Server { whole: VERSION_WITHIN, ..*server };
    let mut body = Vec::new();
    let answer = server.ask::<Ended>("/version", None, &mut |piece| {
        body.extend_from_slice(piece);
        if body.len() > LONGEST_VERSION {
            return Err(BadStream(format!("its version is longer than {LONGEST_VERSION} bytes")).into());
        }
        Ok(())
    });
    let answer = answer.map_err(|ended| ended.of(server))?;
    let said = || no_snapshot(server, said(&answer));
    let version: Version = serde_json::from_slice(&body).map_err(|_| said())?;
    Ok(printable(&version.etcdserver).into_owned())
}

fn no_snapshot(server: &Server<'_>, reason: String) -> Error {
    EtcdSnapshotError::NoSnapshot { server: server.address.to_string(), reason }.into()
}

fn said(answer: &Answer) -> String {
    format!("it answers {} {}", answer.status, printable(answer.body.trim()))
}

/// What ends a download.
enum Ended {
    Ours(Error),
    Bad(BadStream),
}

impl Ended {
    fn of(self, server: &Server<'_>) -> Error {
        match self {
            Self::Ours(error) => error,
            Self::Bad(BadStream(reason)) => no_snapshot(server, reason),
        }
    }
}

impl From<BadStream> for Ended {
    fn from(bad: BadStream) -> Self {
        Self::Bad(bad)
    }
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Ours(error.into())
    }
}

impl From<ProbeError> for Ended {
    fn from(error: ProbeError) -> Self {
        Self::Ours(error.into())
    }
}

impl Sink<Ended> for Draft {
    fn begin(&mut self, size: u64) -> Result<(), Ended> {
        Ok(self.refuse_beyond(size.saturating_add(LEFT_FREE))?)
    }

    fn write(&mut self, piece: &[u8]) -> Result<(), Ended> {
        Ok(Self::write(self, piece)?)
    }
}

fn download(server: &Server<'_>, draft: &mut Draft, tell: &mut dyn FnMut() -> ControlFlow<()>) -> Result<Whole> {
    let mut reader = Reader::default();
    let answer = server.ask("/v3/maintenance/snapshot", Some("{}"), &mut |piece| {
        if tell().is_break() {
            return Err(Ended::Ours(OperationError::Interrupted.into()));
        }
        reader.feed::<Ended>(piece, draft)
    });
    match answer {
        Ok(answer) if answer.status != 200 => Err(no_snapshot(server, said(&answer))),
        Ok(_) => reader.finish().map_err(|BadStream(reason)| no_snapshot(server, reason)),
        Err(ended) => Err(ended.of(server)),
    }
}
