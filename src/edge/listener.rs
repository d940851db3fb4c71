//! Which process listens on a port, since when it runs, how it was called; how many connections the port has.
//!
//! In: an address. Out: the [`Process`], where the kernel shows it: static pods share the host's network, so their
//! processes are visible from the host to root; to others, or in a container of its own, nothing is. It never looks
//! into a process beyond its command line, and never signals one ([`super::signal`] does).
//! Source: Linux `proc_net_tcp`, `proc_pid_fd(5)`, `proc_pid_stat(5)`, `proc_pid_cmdline(5)`.

// The kernel's tables are files, but none of a node's: this is no work for `store`.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chrono::{DateTime, TimeDelta, Utc};
use rustix::time::{ClockId, clock_gettime};

use super::tls::Address;
use crate::clock::SystemClock;

const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// A running process. Two are the same by id and start; the moment is reckoned anew at each look.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// When it started, in the kernel's ticks since the boot; with the id it names a process for ever.
    start_ticks: u64,
    /// When it started, to a hundredth of a second, never later than it did.
    pub started_at: DateTime<Utc>,
}

impl PartialEq for Process {
    fn eq(&self, other: &Self) -> bool {
        (self.pid, self.start_ticks) == (other.pid, other.start_ticks)
    }
}

impl Eq for Process {}

impl Process {
    /// Whether it still runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        stat(self.pid).is_some_and(|(state, ticks)| ticks == self.start_ticks && !matches!(state, 'Z' | 'X'))
    }

    /// The words with which it was called.
    #[must_use]
    pub fn command_line(&self) -> Vec<String> {
        let line = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        let words = line.split(|byte| *byte == 0).filter(|word| !word.is_empty());
        words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }

    /// The user that it runs as; `None` where it has changed from one to another, as a set-user-ID program has.
    #[must_use]
    pub fn user(&self) -> Option<u32> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let ids = text.lines().find_map(|line| line.strip_prefix("Uid:"))?;
        let ids: Vec<u32> = ids.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
        let first = *ids.first()?;
        ids.iter().all(|id| *id == first).then_some(first)
    }

    /// Whether it is root's, or of the user who looks: another user's must not decide what this one does.
    #[must_use]
    pub fn is_of_root_or_ours(&self) -> bool {
        const ROOT: u32 = 0;
        self.user().is_some_and(|user| user == ROOT || user == rustix::process::getuid().as_raw())
    }

    /// Whether it runs in a container of a pod: in a control group of the kubelet's.
    #[must_use]
    pub fn is_in_pod(&self) -> bool {
        let groups = fs::read_to_string(format!("/proc/{}/cgroup", self.pid)).unwrap_or_default();
        groups.lines().any(|group| group.contains("kubepods"))
    }

    pub(super) fn of(pid: u32) -> Option<Self> {
        let (_, start_ticks) = stat(pid)?;
        Some(Self { pid, start_ticks, started_at: moment_of(start_ticks)? })
    }

    /// As if it had the id of this one, and the start of `other`.
    #[cfg(test)]
    pub(super) fn started_before(self, other: Self) -> Self {
        Self { start_ticks: other.start_ticks.wrapping_sub(1), ..self }
    }
}

/// The processes like that which share this one's network: one that comes and goes has no port to be found at.
#[must_use]
pub fn processes_that(is_it: impl Fn(&Process) -> bool) -> Vec<Process> {
    let network = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/net")).ok();
    let own = network("self");
    let is_one = |process: &Process| is_it(process) && process.is_running() && network(&process.pid.to_string()) == own;
    pids().filter_map(Process::of).filter(is_one).collect()
}

/// How many connections the port has, of whoever; `None` where the kernel does not show them.
#[must_use]
pub fn connections_to(port: u16) -> Option<usize> {
    let connections = sockets()?.into_iter().filter(|socket| socket.state == ESTABLISHED && socket.port == port);
    // A table that changes while it is read may show a line twice.
    Some(connections.map(|socket| (socket.address, socket.remote)).collect::<BTreeSet<_>>().len())
}

fn pids() -> impl Iterator<Item = u32> {
    let all = fs::read_dir("/proc").into_iter().flatten();
    all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The process that listens at `address`; the one that started first where several share the socket.
#[must_use]
pub fn process_at(address: &Address) -> Option<Process> {
    let wanted: IpAddr = address.host.parse().ok()?;
    let is_there = |socket: &Socket| {
        let serves = socket.address == wanted || socket.address.is_unspecified();
        socket.state == LISTEN && socket.port == address.port && serves
    };
    let inodes: BTreeSet<_> = sockets()?.into_iter().filter(is_there).map(|socket| socket.inode).collect();
    if inodes.is_empty() {
        return None;
    }
    pids().filter(|pid| holds(*pid, &inodes)).filter_map(Process::of).min_by_key(|process| process.start_ticks)
}

const ESTABLISHED: &str = "01";
const LISTEN: &str = "0A";

/// A socket of the kernel's table.
struct Socket {
    address: IpAddr,
    port: u16,
    remote: String,
    state: String,
    inode: u64,
}

/// The TCP sockets; `None` where the kernel does not show them.
fn sockets() -> Option<Vec<Socket>> {
    let tables: Vec<_> = TABLES.into_iter().filter_map(|table| fs::read_to_string(table).ok()).collect();
    let read = || tables.iter().flat_map(|text| text.lines().skip(1).filter_map(Socket::read)).collect();
    (!tables.is_empty()).then(read)
}

impl Socket {
    fn read(line: &str) -> Option<Self> {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (address, port) = fields.get(1)?.split_once(':')?;
        Some(Self {
            address: address_of(address)?,
            port: u16::from_str_radix(port, 16).ok()?,
            remote: (*fields.get(2)?).to_owned(),
            state: (*fields.get(3)?).to_owned(),
            inode: fields.get(9)?.parse().ok()?,
        })
    }
}

/// An address as the kernel writes it: words of four bytes in the machine's order.
fn address_of(text: &str) -> Option<IpAddr> {
    let mut bytes = [0; 16];
    let length = text.len() / 2;
    for (word, place) in text.as_bytes().chunks(8).zip(bytes.chunks_mut(4)) {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        place.copy_from_slice(&word.to_ne_bytes());
    }
    match length {
        4 => Some(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).into()),
        16 => Some(Ipv6Addr::from(bytes).to_canonical()),
        _ => None,
    }
}

fn holds(pid: u32, sockets: &BTreeSet<u64>) -> bool {
    let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok()).any(|target| {
        let inode = target.to_str().and_then(|text| text.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
        inode.is_some_and(|inode| sockets.contains(&inode))
    })
}

/// State and start of a process; the name before them may hold spaces and parentheses.
fn stat(pid: u32) -> Option<(char, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    let fields: Vec<_> = fields.split_whitespace().collect();
    Some((fields.first()?.chars().next()?, fields.get(19)?.parse().ok()?))
}

/// The moment so many ticks after the boot.
fn moment_of(ticks: u64) -> Option<DateTime<Utc>> {
    let since_boot = clock_gettime(ClockId::Boottime);
    let now = SystemClock.exact();
    let up = TimeDelta::try_seconds(since_boot.tv_sec)? + TimeDelta::nanoseconds(since_boot.tv_nsec);
    let started = ticks.checked_mul(1000)?.checked_div(rustix::param::clock_ticks_per_second())?;
    Some(now - up + TimeDelta::try_milliseconds(i64::try_from(started).ok()?)?)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_listener_of_this_process_is_this_process() {
        let before = Process::of(std::process::id()).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let found = process_at(&Address { host: "127.0.0.1".into(), port }).unwrap();
        assert_eq!(found, before);
        assert!(found.is_running());
        assert!(found.started_at <= SystemClock.exact());
        // Another address of the same port is another listener.
        assert_eq!(process_at(&Address { host: "127.0.0.2".into(), port }), None);
        drop(listener);
        assert_eq!(process_at(&Address { host: "127.0.0.1".into(), port }), None);
    }

    #[test]
    fn the_connections_of_a_port_are_counted_and_its_listener_is_none() {
        // An address of its own: other tests connect to ports of 127.0.0.1 that they have just closed.
        let listener = TcpListener::bind(("127.0.67.1", 0)).unwrap();
        let place = listener.local_addr().unwrap();
        let port = place.port();
        assert_eq!(connections_to(port), Some(0));
        let client = std::net::TcpStream::connect(place).unwrap();
        let served = listener.accept().unwrap();
        assert_eq!(connections_to(port), Some(1));
        drop((client, served));
    }

    #[test]
    fn a_process_is_known_by_the_words_it_was_called_with() {
        let mut child = std::process::Command::new("sleep").arg("1234.5").spawn().unwrap();
        let process = Process::of(child.id()).unwrap();
        // Until it has become `sleep` it is this program's copy.
        while process.command_line() != ["sleep", "1234.5"] {}
        let is_it = |process: &Process| process.command_line() == ["sleep", "1234.5"];
        assert_eq!(processes_that(is_it), [process]);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(processes_that(is_it).is_empty());
    }

    #[test]
    fn the_user_of_a_process_is_the_kernels_word_and_it_is_in_no_pod() {
        let own = Process::of(std::process::id()).unwrap();
        assert_eq!(own.user(), Some(rustix::process::getuid().as_raw()));
        assert!(!own.is_in_pod());
    }

    #[test]
    fn a_process_that_has_ended_does_not_run_even_before_it_is_reaped() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let process = Process::of(child.id()).unwrap();
        while stat(child.id()).is_some_and(|(state, _)| state != 'Z') {}
        assert!(!process.is_running());
        child.wait().unwrap();
        assert!(!process.is_running());
    }

    #[test]
    fn addresses_are_read_as_the_kernel_writes_them() {
        assert_eq!(address_of("0100007F"), Some("127.0.0.1".parse().unwrap()));
        assert_eq!(address_of("00000000000000000000000001000000"), Some("::1".parse().unwrap()));
        assert_eq!(address_of("0000000000000000FFFF00000100007F"), Some("127.0.0.1".parse().unwrap()));
    }
}
