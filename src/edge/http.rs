//! Sends one HTTP request: a GET for a health probe, or a request whose answer the caller gets piece by piece as it arrives.
//!
//! In: an address, whether TLS is spoken there, a path. Out: the status and the start of the body. As the kubelet's
//! own probes do, a GET verifies no certificate, and sends no credentials but a client certificate that it is given, of which
//! the key stays here. It follows no redirect and keeps no connection. What is handed on is of a server that has been verified.
//! Source: RFC 9112 section 4 (the status line); kubelet `pkg/probe/http`.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use super::tls::{Accept, Address, Identity, ProbeError, Secure, Stream, exchange};

/// No answer to a probe is read further than this, in bytes.
const LIMIT: u64 = 16 << 10;

/// So much of an answer is read at once; one whose head is longer is none.
const PIECE: usize = 16 << 10;

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The start of the body.
    pub body: String,
}

/// Asks for `path`.
///
/// # Errors
/// [`ProbeError`]: it cannot be connected to within `timeout`, or what answers is no HTTP server.
pub fn get(address: &Address, is_tls: bool, path: &str, timeout: Duration) -> Result<Answer, ProbeError> {
    let request = request(address, path, "1.1");
    let answer = if is_tls {
        exchange(address, None, request.as_bytes(), LIMIT, timeout)?
    } else {
        plain(address, request.as_bytes(), timeout)?
    };
    read(address, &answer)
}

/// Asks for `path` over TLS, as the owner of a client certificate.
///
/// # Errors
/// As [`get`].
pub fn get_as(identity: &Identity, address: &Address, path: &str, timeout: Duration) -> Result<Answer, ProbeError> {
    // Whoever asks by HTTP/1.0 is answered in one piece.
    let answer = exchange(address, Some(identity), request(address, path, "1.0").as_bytes(), LIMIT, timeout)?;
    read(address, &answer)
}

/// A server that is verified, and who asks it.
pub struct Server<'s> {
    /// Where it is.
    pub address: &'s Address,
    /// Who asks.
    pub identity: Option<&'s Identity>,
    /// Whether it is the one that is meant.
    pub accept: &'s Accept<'s>,
    /// How long it may take for the next piece.
    pub timeout: Duration,
    /// How long it may take in all.
    pub whole: Duration,
}

impl Server<'_> {
    /// Sends JSON to `path` (nothing: asks for it), and hands on the body of a good answer piece by piece. An answer that is not
    /// good comes back with the start of its body.
    ///
    /// # Errors
    /// [`ProbeError`]; what `see` says.
    pub fn ask<E: From<ProbeError>>(
        &self,
        path: &str,
        json: Option<&str>,
        see: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Answer, E> {
        let address = self.address;
        let begun = Instant::now();
        // Whoever asks by HTTP/1.0 is answered in one piece.
        let head = format!("Host: {address}\r\nUser-Agent: kubepki\r\nConnection: close");
        let request = match json {
            None => format!("GET {path} HTTP/1.0\r\n{head}\r\n\r\n"),
            Some(json) => format!(
                "POST {path} HTTP/1.0\r\n{head}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}",
                json.len()
            ),
        };
        let mut connection = Secure::connect(address, self.identity, self.accept, self.timeout)?;
        connection.send(request.as_bytes())?;
        let mut buffer = vec![0; PIECE];
        let mut start = Vec::new();
        let mut good: Option<Answer> = None;
        loop {
            let length = connection.receive(&mut buffer)?;
            if begun.elapsed() > self.whole {
                return Err(ProbeError::Timeout { address: address.to_string(), waited: self.whole }.into());
            }
            let piece = buffer.get(..length).unwrap_or_default();
            match &good {
                Some(answer) if piece.is_empty() => return Ok(answer.clone()),
                Some(_) => see(piece)?,
                None => {
                    start.extend_from_slice(piece);
                    let body = start.windows(4).position(|four| four == b"\r\n\r\n").map(|end| end + 4);
                    if piece.is_empty() || body.is_none() && start.len() > PIECE {
                        return Ok(read(address, &start)?);
                    }
                    let Some(body) = body else { continue };
                    let answer = read(address, start.get(..body).unwrap_or_default())?;
                    if answer.status == 200 {
                        see(start.get(body..).unwrap_or_default())?;
                        good = Some(answer);
                    } else if start.len() > PIECE {
                        return Ok(read(address, &start)?);
                    }
                }
            }
        }
    }
}

fn request(address: &Address, path: &str, version: &str) -> String {
    format!("GET {path} HTTP/{version}\r\nHost: {address}\r\nUser-Agent: kubepki\r\nConnection: close\r\n\r\n")
}

fn read(address: &Address, answer: &[u8]) -> Result<Answer, ProbeError> {
    parse(answer).ok_or_else(|| ProbeError::NoHttp {
        address: address.to_string(),
        reason: format!("it says {:?}", String::from_utf8_lossy(answer.get(..40).unwrap_or(answer))),
    })
}

fn plain(address: &Address, request: &[u8], timeout: Duration) -> Result<Vec<u8>, ProbeError> {
    let mut stream = Stream::connect(address, timeout)?;
    let mut answer = Vec::new();
    let outcome =
        stream.write_all(request).and_then(|()| Read::by_ref(&mut stream).take(LIMIT).read_to_end(&mut answer));
    match outcome {
        Err(error) if answer.is_empty() => {
            Err(stream.failure(error, |reason| ProbeError::NoHttp { address: address.to_string(), reason }))
        }
        _ => Ok(answer),
    }
}

/// `HTTP/1.1 200 OK`, headers, an empty line, the body.
fn parse(answer: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(answer);
    let mut words = text.lines().next()?.split(' ');
    let status = words.next().filter(|word| word.starts_with("HTTP/1.")).and_then(|_| words.next())?.parse().ok()?;
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    Some(Answer { status, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_and_the_body_are_read_and_other_protocols_are_not() {
        let answer = parse(b"HTTP/1.1 503 Service Unavailable\r\nA: b\r\n\r\n[-]etcd failed\n").unwrap();
        assert_eq!(answer, Answer { status: 503, body: "[-]etcd failed\n".into() });
        assert_eq!(parse(b"HTTP/1.0 200 OK\r\n").map(|answer| answer.status), Some(200));
        assert_eq!(parse(b"SSH-2.0-OpenSSH_9.2\r\n"), None);
        assert_eq!(parse(b""), None);
    }
}
