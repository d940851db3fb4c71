//! Which certificates a server presents.
//!
//! In: an address and a timeout. Out: the chain as it was sent, first the server's own certificate; or why there is
//! none. It looks and does not verify: an expired or foreign certificate is just what is looked for, and nothing
//! secret is sent over the connection. A server that asks for a client certificate (etcd) shows its own before it
//! refuses the client, so the look succeeds there too. Without a name (SNI) a server that has several certificates
//! shows its default one.
//! Source: RFC 8446 section 4.4 (order of the messages), RFC 5246 section 7.3.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, IpAddr, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme};

use crate::error::faults;
use crate::secret::Secret;

faults! {
    /// Why a server could not be looked at.
    pub enum ProbeError {
        /// Nothing listens there.
        #[error("{address}: connection refused")]
        #[fault("probe.refused", Environment, "check that the server runs, and that this is its port")]
        Refused {
            /// Where.
            address: String,
        },
        /// No answer in time.
        #[error("{address}: no answer within {} s", waited.as_secs_f32())]
        #[fault("probe.timeout", Environment, "check the address, and that no firewall is in the way")]
        Timeout {
            /// Where.
            address: String,
            /// How long it was waited for.
            waited: Duration,
        },
        /// The name is not known, or the connection failed; check the address, and firewalls.
        #[error("{address}: {source}")]
        #[fault("probe.unreachable", Environment, "check the address, and that no firewall is in the way")]
        Unreachable {
            /// Where.
            address: String,
            /// The system's answer.
            source: io::Error,
        },
        /// What listens there speaks no TLS: another process has the port (`ss -ltnp`).
        #[error("{address}: no TLS: {reason}")]
        #[fault("probe.no_tls", Environment, "check which process listens there (`ss -ltnp`): it is not the component")]
        NoTls {
            /// Where.
            address: String,
            /// What was seen instead.
            reason: String,
        },
        /// Somebody else answers than who is meant.
        #[error("{address}: {reason}")]
        #[fault("probe.untrusted", Environment,
            "see what it presents: `kubepki probe`; a server that still has an old certificate is to be restarted")]
        Untrusted {
            /// Where.
            address: String,
            /// What is wrong with what it presents.
            reason: String,
        },
        /// What listens there speaks no HTTP.
        #[error("{address}: no HTTP: {reason}")]
        #[fault("probe.no_http", Environment,
            "check which process listens there (`ss -ltnp`): it is not the component")]
        NoHttp {
            /// Where.
            address: String,
            /// What was seen instead.
            reason: String,
        },
    }
}

/// A client certificate with its key, in PEM, for servers that answer nobody without one.
#[derive(Clone)]
pub struct Identity {
    /// The certificate, and what of its chain is in the same file.
    pub certificates: Vec<u8>,
    /// The key.
    pub key: Secret,
}

impl Identity {
    fn parts(&self) -> Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
        let certificates = CertificateDer::pem_slice_iter(&self.certificates).collect::<Result<_, _>>().ok()?;
        Some((certificates, PrivateKeyDer::from_pem_slice(self.key.expose()).ok()?))
    }
}

/// Where a server listens; in a message as `host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// An IP address, or a name.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// What a server is told by whoever looks at it.
#[derive(Clone, Copy, Default)]
pub struct Hello<'a> {
    /// The DNS name that is asked for (SNI).
    pub server_name: Option<&'a str>,
    /// Who asks.
    pub identity: Option<&'a Identity>,
}

/// The certificates (DER) that the server at `address` presents.
///
/// # Errors
/// [`ProbeError`]: it cannot be connected to within `timeout`, or is no TLS server.
pub fn chain(address: &Address, hello: Hello<'_>, timeout: Duration) -> Result<Vec<Vec<u8>>, ProbeError> {
    let mut stream = Stream::connect(address, timeout)?;
    let (mut connection, seen) = connection(address, hello)?;
    let outcome = handshake(&mut connection, &mut stream);
    let certificates = std::mem::take(&mut *seen.certificates.lock().unwrap_or_else(PoisonError::into_inner));
    match outcome {
        // A TLS 1.2 server that wants a client certificate refuses after it has shown its own.
        _ if !certificates.is_empty() => Ok(certificates),
        Ok(()) => Err(ProbeError::NoTls { address: address.to_string(), reason: "it has no certificate".into() }),
        Err(error) => Err(stream.failure(error, |reason| ProbeError::NoTls { address: address.to_string(), reason })),
    }
}

/// The same from a server that has the key of what it presents: the handshake has to succeed. Whose the certificate is, is not
/// asked either.
///
/// # Errors
/// [`ProbeError`], also when the server presents what it has no key of.
pub fn proven_chain(address: &Address, timeout: Duration) -> Result<Vec<Vec<u8>>, ProbeError> {
    let mut stream = Stream::connect(address, timeout)?;
    let (mut connection, seen) = connection_with(address, Hello::default(), Belief::OfItsKey)?;
    handshake(&mut connection, &mut stream)
        .map_err(|error| stream.failure(error, |reason| ProbeError::NoTls { address: address.to_string(), reason }))?;
    Ok(std::mem::take(&mut *seen.certificates.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// What is wrong with the chain that a server presents (DER, its own certificate first).
pub type Accept<'a> = dyn Fn(&[Vec<u8>]) -> Result<(), String> + 'a;

/// A connection to a server that has shown who it is.
pub(super) struct Secure {
    connection: ClientConnection,
    stream: Stream,
}

impl Secure {
    /// Connects as the owner of a client certificate. The server has to have the key of what it presents, and `accept` says what is
    /// wrong with that.
    pub(super) fn connect(
        address: &Address,
        identity: Option<&Identity>,
        accept: &Accept<'_>,
        timeout: Duration,
    ) -> Result<Self, ProbeError> {
        let mut stream = Stream::connect(address, timeout)?;
        let hello = Hello { identity, ..Hello::default() };
        let (mut connection, seen) = connection_with(address, hello, Belief::OfItsKey)?;
        handshake(&mut connection, &mut stream).map_err(|error| stream.no_tls(error))?;
        let chain = std::mem::take(&mut *seen.certificates.lock().unwrap_or_else(PoisonError::into_inner));
        accept(&chain).map_err(|reason| ProbeError::Untrusted { address: address.to_string(), reason })?;
        Ok(Self { connection, stream })
    }

    /// Sends all of it.
    pub(super) fn send(&mut self, request: &[u8]) -> Result<(), ProbeError> {
        let mut both = rustls::Stream::new(&mut self.connection, &mut self.stream);
        let sent = both.write_all(request).and_then(|()| both.flush());
        sent.map_err(|error| self.stream.no_tls(error))
    }

    /// Reads what comes next, and gives the server as long again for what comes then; nothing at the end. A server that hangs up
    /// without saying goodbye has ended too.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, ProbeError> {
        self.stream.begin_again();
        match rustls::Stream::new(&mut self.connection, &mut self.stream).read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            other => other.map_err(|error| self.stream.no_tls(error)),
        }
    }
}

/// Whether something accepts connections at `address`.
#[must_use]
pub fn is_open(address: &Address, timeout: Duration) -> bool {
    Stream::connect(address, timeout).is_ok()
}

/// Sends `request` over TLS, and returns at most `limit` bytes of the answer.
pub(super) fn exchange(
    address: &Address,
    identity: Option<&Identity>,
    request: &[u8],
    limit: u64,
    timeout: Duration,
) -> Result<Vec<u8>, ProbeError> {
    let mut stream = Stream::connect(address, timeout)?;
    let (mut connection, _) = connection(address, Hello { identity, ..Hello::default() })?;
    let mut answer = Vec::new();
    let outcome = handshake(&mut connection, &mut stream).and_then(|()| {
        let mut both = rustls::Stream::new(&mut connection, &mut stream);
        both.write_all(request)?;
        both.flush()?;
        both.take(limit).read_to_end(&mut answer).map(drop)
    });
    match outcome {
        // Many servers hang up without saying goodbye; what they said before counts.
        _ if !answer.is_empty() => Ok(answer),
        Ok(()) => Ok(answer),
        Err(error) => Err(stream.failure(error, |reason| ProbeError::NoTls { address: address.to_string(), reason })),
    }
}

fn handshake(connection: &mut ClientConnection, stream: &mut Stream) -> io::Result<()> {
    while connection.is_handshaking() {
        connection.complete_io(stream)?;
    }
    Ok(())
}

fn connection(address: &Address, hello: Hello<'_>) -> Result<(ClientConnection, Arc<Looking>), ProbeError> {
    connection_with(address, hello, Belief::OfEverything)
}

fn connection_with(
    address: &Address,
    hello: Hello<'_>,
    belief: Belief,
) -> Result<(ClientConnection, Arc<Looking>), ProbeError> {
    let no_tls = |error: rustls::Error| ProbeError::NoTls { address: address.to_string(), reason: error.to_string() };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let seen = Arc::new(Looking {
        certificates: Mutex::default(),
        algorithms: provider.signature_verification_algorithms,
        belief,
    });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(no_tls)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::<Looking>::clone(&seen));
    let config = match hello.identity.and_then(Identity::parts) {
        Some((certificates, key)) => config.with_client_auth_cert(certificates, key).map_err(no_tls)?,
        None => config.with_no_client_auth(),
    };
    // No name is compared, and no address is sent.
    let nobody = ServerName::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST.into()));
    let name = hello.server_name.and_then(|name| ServerName::try_from(name.to_owned()).ok()).unwrap_or(nobody);
    let connection = ClientConnection::new(Arc::new(config), name).map_err(no_tls)?;
    Ok((connection, seen))
}

/// What a server is believed without a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Belief {
    /// Everything: a broken server is looked at all the same.
    OfEverything,
    /// All but that it has the key of its certificate.
    OfItsKey,
}

/// Notes what the server presents.
#[derive(Debug)]
struct Looking {
    certificates: Mutex<Vec<Vec<u8>>>,
    algorithms: WebPkiSupportedAlgorithms,
    belief: Belief,
}

impl ServerCertVerifier for Looking {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = std::iter::once(end_entity).chain(intermediates).map(|one| one.to_vec()).collect();
        *self.certificates.lock().unwrap_or_else(PoisonError::into_inner) = chain;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match self.belief {
            Belief::OfEverything => Ok(HandshakeSignatureValid::assertion()),
            Belief::OfItsKey => verify_tls12_signature(message, certificate, signed, &self.algorithms),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match self.belief {
            Belief::OfEverything => Ok(HandshakeSignatureValid::assertion()),
            Belief::OfItsKey => verify_tls13_signature(message, certificate, signed, &self.algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The addresses of a name, as this host's resolver has them; none when it does not answer within `limit`.
#[must_use]
pub fn addresses_of(name: &str, limit: Duration) -> Vec<std::net::IpAddr> {
    let address = Address { host: name.to_owned(), port: 0 };
    resolve(&address, limit).unwrap_or_default().iter().map(SocketAddr::ip).collect()
}

/// Where a name leads, within `limit`.
#[allow(clippy::disallowed_methods)]
fn resolve(address: &Address, limit: Duration) -> io::Result<Vec<SocketAddr>> {
    let Address { host, port } = address.clone();
    if let Ok(ip) = host.parse::<std::net::IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    within(limit, move || Ok((host.as_str(), port).to_socket_addrs()?.collect()))
}

/// What `work` answers within `limit`. The system's resolver takes no limit, and cannot be stopped: it is left to itself, on a thread that
/// nobody waits for.
fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new().name("resolver".into()).spawn(move || drop(sender.send(work())))?;
    match receiver.recv_timeout(limit) {
        Ok(answer) => answer,
        Err(RecvTimeoutError::Timeout) => Err(io::ErrorKind::TimedOut.into()),
        Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("the resolver gave no answer")),
    }
}

/// A TCP connection all of whose steps together end at one moment.
pub(super) struct Stream {
    tcp: TcpStream,
    address: String,
    deadline: Instant,
    timeout: Duration,
}

impl Stream {
    // This is the floor that the ban on sockets elsewhere exists for.
    #[allow(clippy::disallowed_methods)]
    pub(super) fn connect(address: &Address, timeout: Duration) -> Result<Self, ProbeError> {
        let deadline = Instant::now() + timeout;
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::ConnectionRefused => ProbeError::Refused { address: address.to_string() },
            io::ErrorKind::TimedOut => ProbeError::Timeout { address: address.to_string(), waited: timeout },
            _ => ProbeError::Unreachable { address: address.to_string(), source: error },
        };
        let places = resolve(address, timeout).map_err(failed)?;
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for place in places {
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            match TcpStream::connect_timeout(&place, left) {
                Ok(tcp) => return Ok(Self { tcp, address: address.to_string(), deadline, timeout }),
                Err(error) => last = error,
            }
        }
        Err(failed(last))
    }

    /// What a failure on the way means; `other` for what the other side said.
    pub(super) fn failure(&self, error: io::Error, other: impl FnOnce(String) -> ProbeError) -> ProbeError {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
                ProbeError::Timeout { address: self.address.clone(), waited: self.timeout }
            }
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
                ProbeError::Unreachable { address: self.address.clone(), source: error }
            }
            _ => other(error.to_string()),
        }
    }

    fn no_tls(&self, error: io::Error) -> ProbeError {
        self.failure(error, |reason| ProbeError::NoTls { address: self.address.clone(), reason })
    }

    /// The next step has the whole time again.
    fn begin_again(&mut self) {
        self.deadline = Instant::now() + self.timeout;
    }

    fn left(&self) -> io::Result<Duration> {
        match self.deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
            left => Ok(left),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(Some(self.left()?))?;
        self.tcp.read(buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(Some(self.left()?))?;
        self.tcp.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::error::Diagnostic;

    const SOON: Duration = Duration::from_secs(20);

    fn local(port: u16) -> Address {
        Address { host: "127.0.0.1".into(), port }
    }

    /// A server that says `answer` to whoever connects first.
    fn saying(answer: &'static [u8]) -> Address {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(answer).unwrap();
            let _ = stream.read(&mut [0; 1]);
        });
        local(port)
    }

    #[test]
    fn a_closed_port_refuses() {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let error = chain(&local(port), Hello::default(), SOON).unwrap_err();
        assert_eq!(error.code(), "probe.refused");
        assert_eq!(error.to_string(), format!("127.0.0.1:{port}: connection refused"));
    }

    #[test]
    fn a_server_without_tls_is_told_from_one_with_it() {
        let error = chain(&saying(b"SSH-2.0-OpenSSH_9.2\r\n"), Hello::default(), SOON).unwrap_err();
        assert_eq!(error.code(), "probe.no_tls", "{error}");
    }

    #[test]
    fn a_server_that_says_nothing_is_not_waited_for_longer_than_asked() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let silent = local(listener.local_addr().unwrap().port());
        let error = chain(&silent, Hello::default(), Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.code(), "probe.timeout", "{error}");
    }

    #[test]
    fn a_resolver_that_does_not_answer_is_left_to_itself() {
        let (asked, question) = mpsc::channel::<()>();
        // It waits for as long as this test lives.
        let outcome = within(Duration::from_millis(20), move || question.recv().map_err(io::Error::other));
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(asked);
        assert_eq!(within(SOON, || Ok(5)).unwrap(), 5);
        let known = resolve(&Address { host: "localhost".into(), port: 6443 }, SOON).unwrap();
        assert!(known.iter().all(|place| place.ip().is_loopback() && place.port() == 6443), "{known:?}");
    }

    #[test]
    fn an_address_is_written_as_in_a_url() {
        assert_eq!(Address { host: "::1".into(), port: 6443 }.to_string(), "[::1]:6443");
    }
}
