//! The speed of RSA key generation beside others, turn by turn in one run, so that what else the machine does falls on
//! all alike. Each contestant makes one key at a time on one thread and says how long that took; those that are other
//! programs time themselves, so that starting a process is not counted, but for the openssl command.

use std::convert::Infallible;
use std::process::Command;
use std::time::{Duration, Instant};

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::RsaKeyPair;
use kubepki::key::{Algorithm, PrivateKey, generation_method};
use rand_core::{TryCryptoRng, TryRng};

const TURNS: [(Algorithm, KeySize, usize, u32); 3] = [
    (Algorithm::Rsa2048, KeySize::Rsa2048, 2048, 200),
    (Algorithm::Rsa3072, KeySize::Rsa3072, 3072, 60),
    (Algorithm::Rsa4096, KeySize::Rsa4096, 4096, 25),
];

/// How many keys kubepki makes in a turn, as chance is most of the difference between two keys. The others make one.
const OURS: u32 = 4;

const PYTHON: &str = "import sys, time
from cryptography.hazmat.primitives.asymmetric import rsa
began = time.perf_counter()
rsa.generate_private_key(65537, int(sys.argv[1]))
print(time.perf_counter() - began)";

const GO: &str = "package main
import (\"crypto/rand\"; \"crypto/rsa\"; \"fmt\"; \"os\"; \"strconv\"; \"time\")
func main() {
	bits, _ := strconv.Atoi(os.Args[1])
	began := time.Now()
	if _, err := rsa.GenerateKey(rand.Reader, bits); err != nil { panic(err) }
	fmt.Println(time.Since(began).Seconds())
}";

/// The same entropy for the crate `rsa` as for ours.
struct System(SystemRandom);

impl TryRng for System {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(out).unwrap();
        Ok(())
    }
}

impl TryCryptoRng for System {}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Runs a program that prints the seconds it took.
fn told(program: &str, arguments: &[&str]) -> Option<Duration> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok().map(Duration::from_secs_f64)
}

/// The Go program, built once; nothing without a Go toolchain.
fn go_program(folder: &std::path::Path) -> Option<String> {
    std::fs::write(folder.join("main.go"), GO).unwrap();
    let program = folder.join("keygen").to_str()?.to_owned();
    let built = Command::new("go").args(["build", "-o", &program, "main.go"]).current_dir(folder).status();
    built.is_ok_and(|status| status.success()).then_some(program)
}

type Contestant<'a> = (&'a str, Box<dyn Fn() -> Option<Duration> + 'a>);

#[test]
#[ignore = "a measurement: run it alone, in release mode"]
fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let go = go_program(folder.path());
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    eprintln!(
        "method: {}\n\n| key | who | mean ± standard error | kubepki is faster by |\n|---|---|---|---|",
        generation_method()
    );
    for (algorithm, size, bits, turns) in TURNS {
        let text = bits.to_string();
        let contestants: [Contestant<'_>; 6] = [
            (
                "kubepki",
                Box::new(|| {
                    Some(timed(|| (0..OURS).for_each(|_| drop(PrivateKey::generate(algorithm).unwrap()))) / OURS)
                }),
            ),
            ("aws-lc-rs", Box::new(|| Some(timed(|| RsaKeyPair::generate(size).unwrap())))),
            (
                "rsa (crate)",
                Box::new(|| {
                    let mut entropy = System(SystemRandom::new());
                    Some(timed(|| rsa::PrivateKey::new(&mut entropy, bits).unwrap()))
                }),
            ),
            ("pyca/cryptography", Box::new(|| told(&python, &["-c", PYTHON, &text]))),
            (
                "openssl genrsa (a process)",
                Box::new(|| {
                    let mut command = Command::new("openssl");
                    command.args(["genrsa", &text]);
                    Some(timed(|| command.output())).filter(|_| Command::new("openssl").arg("version").output().is_ok())
                }),
            ),
            ("Go crypto/rsa", Box::new(|| go.as_ref().and_then(|program| told(program, &[&text])))),
        ];
        let mut samples: [Option<Vec<f64>>; 6] = std::array::from_fn(|_| Some(Vec::new()));
        for _ in 0..turns {
            for (samples, (_, contestant)) in samples.iter_mut().zip(&contestants) {
                *samples = samples.take().and_then(|mut samples| {
                    samples.push(contestant()?.as_secs_f64() * 1000.0);
                    Some(samples)
                });
            }
        }
        let ours = samples[0].as_deref().map_or(f64::NAN, |samples| mean(samples).0);
        for (samples, (name, _)) in samples.iter().zip(&contestants) {
            match samples.as_deref().map(mean) {
                Some((mean, error)) => {
                    eprintln!("| {algorithm} | {name} | {mean:.1} ± {error:.1} ms | {:.1} |", mean / ours);
                }
                None => eprintln!("| {algorithm} | {name} | not on this machine | |"),
            }
        }
    }
}

/// The mean and its standard error.
fn mean(samples: &[f64]) -> (f64, f64) {
    let count = samples.iter().map(|_| 1.0).sum::<f64>();
    let mean = samples.iter().sum::<f64>() / count;
    let spread = samples.iter().map(|sample| (sample - mean).powi(2)).sum::<f64>();
    (mean, (spread / (count - 1.0) / count).sqrt())
}
