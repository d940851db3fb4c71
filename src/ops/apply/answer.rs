//! Answering requests: the certificates of many are signed at once, on all cores.
//!
//! In: artefacts that were planned from requests. Out: certificates, with serial numbers that are random or follow
//! openssl's file, which is kept in the same transaction.
//!
//! Source: openssl `apps/x509.c` (`-CAserial`, `-CAcreateserial`): the file holds the last number given, in upper-case
//! hexadecimal digits, an even number of them.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::node::content_of;
use super::bad;
use super::workbench::Workbench;
use crate::error::Result;
use crate::ops::OperationError;
use crate::plan::{Answer, Artefact, Creation, Plan, PlannedFile, Step};
use crate::secret::Secret;
use crate::tree::{Observed, Tree};
use crate::workers;
use crate::x509::{Certificate, CertificateRequest, Issuer, SerialNumber};

/// One certificate to be signed.
struct Work<'a> {
    artefact: &'a Artefact,
    answer: &'a Answer,
    serial: SerialNumber,
}

/// Signs all of them.
pub(super) fn answer_all(bench: &mut Workbench<'_>, plan: &Plan) -> Result<()> {
    let mut counters: BTreeMap<&Path, SerialNumber> = BTreeMap::new();
    let mut work = Vec::new();
    for artefact in plan.changes() {
        let Step::Create(Creation::Answer(answer)) = &artefact.step else { continue };
        bench.issuer(&answer.signer)?;
        let serial = match &answer.serial_file {
            None => SerialNumber::random()?,
            Some(file) => next_number(&mut counters, bench.tree, file)?,
        };
        work.push(Work { artefact, answer, serial });
    }
    let signed = {
        let bench: &Workbench<'_> = bench;
        workers::map(&work, |one| -> Result<Certificate> {
            let certificate = sign(bench.tree, one, bench.ready_issuer(&one.answer.signer)?)?;
            bench.judge(one.artefact, &certificate)?;
            Ok(certificate)
        })
    };
    for (one, certificate) in work.iter().zip(signed) {
        let certificate = certificate?;
        let file = one.artefact.files.first().ok_or_else(|| bad("a certificate has no file"))?;
        // What is there makes way, as the plan has seen it: without --force it would have blocked the plan.
        bench.replace(file, Secret::new(certificate.to_pem()));
        bench.note(one.artefact, Some(&certificate));
    }
    for (file, last) in counters {
        let text = format!("{}\n", last.to_string().to_uppercase());
        bench.replace(&PlannedFile { path: file.to_owned(), mode: 0o644 }, Secret::new(text.into_bytes()));
    }
    Ok(())
}

fn sign(tree: &Tree, work: &Work<'_>, issuer: &Issuer) -> Result<Certificate> {
    let request = CertificateRequest::from_pem(content_of(tree, &work.answer.request_file)?.expose())?;
    Ok(work.answer.certificate.issue(&work.serial, request.public_key_info(), issuer)?)
}

/// The number behind the last one of the file; a random one where there is no file yet.
fn next_number<'a>(
    counters: &mut BTreeMap<&'a Path, SerialNumber>,
    tree: &Tree,
    file: &'a Path,
) -> Result<SerialNumber> {
    let last = match (counters.get(file), tree.get(file)) {
        (Some(last), _) => Some(last.clone()),
        (None, Observed::Missing) => None,
        (None, _) => Some(read_number(content_of(tree, file)?.expose()).ok_or_else(|| bad_serial_file(file))?),
    };
    let next = match last {
        Some(last) => last.next().ok_or_else(|| bad_serial_file(file))?,
        None => SerialNumber::random()?,
    };
    counters.insert(file, next.clone());
    Ok(next)
}

fn bad_serial_file(file: &Path) -> OperationError {
    OperationError::BadSerialFile { path: file.display().to_string() }
}

fn read_number(content: &[u8]) -> Option<SerialNumber> {
    let text = std::str::from_utf8(content).ok()?.trim();
    let is_number = !text.is_empty() && text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let padded = if text.len() % 2 == 0 { text.to_owned() } else { format!("0{text}") };
    let digits = padded.as_bytes().chunks(2);
    let bytes = digits.map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()));
    is_number.then(|| bytes.collect::<Option<Vec<u8>>>())?.map(|bytes| SerialNumber::from_bytes(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_openssl_writes_them() {
        let read = |text: &str| read_number(text.as_bytes()).map(|number| number.to_string());
        assert_eq!(read("0A\n").as_deref(), Some("0a"));
        assert_eq!(read("1FFFF\n").as_deref(), Some("01ffff"));
        assert_eq!(read("00").as_deref(), Some("00"));
        for text in ["", "\n", "-1", "0x10", "xyz", &"F".repeat(42)] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn counting_carries_and_ends_where_a_certificate_cannot_say_more() {
        let next = |bytes: &[u8]| SerialNumber::from_bytes(bytes).next().map(|number| number.to_string());
        assert_eq!(next(&[]).as_deref(), Some("01"));
        assert_eq!(next(&[0xff]).as_deref(), Some("0100"));
        assert_eq!(next(&[0x0a, 0xff, 0xff]).as_deref(), Some("0b0000"));
        assert_eq!(next(&[0x7f; 20]).unwrap().len(), 40);
        assert_eq!(next(&[[0x7f].as_slice(), &[0xff; 19]].concat()), None);
    }
}
