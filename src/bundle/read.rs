//! The `kubeadm-certs` Secret in the text that somebody hands over: YAML or JSON, alone, among other documents, or in a
//! `List`, as `kubectl` prints it.
//!
//! In: bytes. Out: [`Manifest`]. Fields that the cluster adds are passed over; nothing is guessed.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{BundleError, Manifest, SECRET_NAME};
use crate::yaml::{Mapping, Node, parse};

/// How deep lists of lists are looked into.
const LIST_DEPTH: usize = 4;

impl Manifest {
    /// Reads the Secret.
    ///
    /// # Errors
    /// [`BundleError::Unreadable`], [`NoSecret`](BundleError::NoSecret), [`SeveralSecrets`](BundleError::SeveralSecrets),
    /// [`InvalidBase64`](BundleError::InvalidBase64).
    pub fn read(bytes: &[u8]) -> Result<Self, BundleError> {
        let text = str::from_utf8(bytes).map_err(|error| BundleError::Unreadable {
            problem: format!("it is not UTF-8 text (first bad byte at offset {})", error.valid_up_to()),
        })?;
        let mut objects = Vec::new();
        for (lines_before, document) in documents(text) {
            let document = parse(document).map_err(|error| BundleError::unreadable(error, lines_before))?;
            collect(&document, LIST_DEPTH, &mut objects);
        }
        let mut found: Vec<_> = objects.iter().filter(|object| is_the_secret(object)).collect();
        match (found.pop(), found.len()) {
            (Some(secret), 0) => data(secret),
            (Some(_), others) => Err(BundleError::SeveralSecrets { count: others.saturating_add(1) }),
            (None, _) => Err(BundleError::NoSecret { found: names(&objects) }),
        }
    }
}

/// The documents of a stream, each with the number of lines before it. A line that begins with `---` divides documents
/// whatever stands around it (YAML 1.2, section 9.1), so no value is cut in two.
fn documents(text: &str) -> Vec<(usize, &str)> {
    let mut all = Vec::new();
    let (mut start, mut lines_before, mut end) = (0, 0, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let after = line.len().saturating_add(end);
        if line.trim_end() == "---" {
            all.push((lines_before, text.get(start..end).unwrap_or_default()));
            (start, lines_before) = (after, number.saturating_add(1));
        }
        end = after;
    }
    all.push((lines_before, text.get(start..).unwrap_or_default()));
    all.retain(|(_, document)| !document.trim().is_empty());
    all
}

/// The objects of a document: itself, or the items of a list.
fn collect(document: &Mapping, depth: usize, objects: &mut Vec<Mapping>) {
    match document.get("items").and_then(Node::as_sequence) {
        Some(items) if depth > 0 && text(document, "kind").ends_with("List") => {
            for item in items.iter().filter_map(Node::as_mapping) {
                collect(item, depth.saturating_sub(1), objects);
            }
        }
        _ => objects.push(document.clone()),
    }
}

fn is_the_secret(object: &Mapping) -> bool {
    text(object, "kind") == "Secret" && name(object) == SECRET_NAME
}

fn name(object: &Mapping) -> &str {
    object.get("metadata").and_then(Node::as_mapping).map_or("", |metadata| text(metadata, "name"))
}

fn text<'m>(mapping: &'m Mapping, key: &str) -> &'m str {
    mapping.letters(key).unwrap_or_default()
}

/// What there is in place of the Secret, in a few words.
fn names(objects: &[Mapping]) -> String {
    const SHOWN: usize = 3;
    let named = |object: &Mapping| match (text(object, "kind"), name(object)) {
        ("", _) => "a document without kind".to_owned(),
        (kind, "") => format!("a {kind}"),
        (kind, name) => format!("the {kind} {name}"),
    };
    // Names come from a file of whatever content: none is quoted at length.
    let shown: Vec<String> =
        objects.iter().take(SHOWN).map(|object| named(object).chars().take(80).collect()).collect();
    match objects.len() {
        0 => "it is empty".into(),
        count if count > SHOWN => format!("it has {} and {} more", shown.join(", "), count.saturating_sub(SHOWN)),
        _ => format!("it has {}", shown.join(", ")),
    }
}

fn data(secret: &Mapping) -> Result<Manifest, BundleError> {
    let wrong = |problem: &str| BundleError::Unreadable { problem: problem.to_owned() };
    if secret.get("stringData").is_some_and(|node| !node.is_null()) {
        return Err(wrong("it has stringData, which cannot hold what is encrypted"));
    }
    let Some(node) = secret.get("data").filter(|node| !node.is_null()) else { return Ok(Manifest::default()) };
    let entries = node.as_mapping().ok_or_else(|| wrong("its data is not a mapping"))?;
    let mut data = BTreeMap::new();
    for (name, value) in entries.iter() {
        let letters = if value.is_null() { Some("") } else { value.letters() };
        let sealed = letters.and_then(decode).ok_or_else(|| BundleError::InvalidBase64 { name: name.into() })?;
        data.insert(name.to_owned(), sealed);
    }
    Ok(Manifest { data })
}

/// Base64 as the API writes it; blanks and line breaks, which a text editor or a mail brings, are passed over.
fn decode(letters: &str) -> Option<Vec<u8>> {
    let letters: Vec<u8> = letters.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(letters).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: &str = "kind: Secret\nmetadata:\n  name: kubeadm-certs\ndata:\n  ca.crt: AQID\n";

    fn read(text: &str) -> Result<Manifest, BundleError> {
        Manifest::read(text.as_bytes())
    }

    #[test]
    fn the_secret_is_found_alone_among_others_and_in_a_list() {
        let expected = Manifest { data: BTreeMap::from([("ca.crt".to_owned(), vec![1, 2, 3])]) };
        let json = r#"{"kind":"Secret","metadata":{"name":"kubeadm-certs"},"data":{"ca.crt":"AQID"}}"#;
        for text in [
            SECRET.to_owned(),
            format!("---\n{SECRET}"),
            format!("kind: Role\n---  \n{SECRET}---\nkind: Secret\nmetadata: {{name: other}}\n"),
            json.to_owned(),
            format!(r#"{{"kind":"List","items":[{{"kind":"Role"}},{{"kind":"SecretList","items":[{json}]}}]}}"#),
            SECRET.replace("AQID", "|\n    AQ\n    ID"),
        ] {
            assert_eq!(read(&text).as_ref(), Ok(&expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_the_secret_is_said() {
        let code = |text: &str| crate::error::Diagnostic::code(&read(text).unwrap_err());
        assert_eq!(code(""), "bundle.no_secret");
        assert_eq!(code("kind: Secret\nmetadata: {name: other}\n"), "bundle.no_secret");
        assert_eq!(code("kind: ConfigMap\nmetadata: {name: kubeadm-certs}\n"), "bundle.no_secret");
        assert_eq!(code(&format!("{SECRET}---\n{SECRET}")), "bundle.several_secrets");
        assert_eq!(code(&SECRET.replace("AQID", "A*ID")), "bundle.invalid_base64");
        assert_eq!(code(&SECRET.replace("AQID", "[AQID]")), "bundle.invalid_base64");
        assert_eq!(code(&SECRET.replace("data:\n  ca.crt: AQID", "data: AQID")), "bundle.unreadable");
        assert_eq!(code(&format!("{SECRET}stringData: {{a: b}}\n")), "bundle.unreadable");
        assert_eq!(code("- a\n"), "bundle.unreadable");
        assert_eq!(code("{\"kind\": "), "bundle.unreadable");
        let error = read(&format!("{SECRET}---\nkind: Role\n---\na: [\n")).unwrap_err().to_string();
        assert!(error.contains("line 8,") || error.contains("line 9,"), "{error}");
        assert!(Manifest::read(&[0xff]).is_err());
    }

    #[test]
    fn an_entry_may_be_empty() {
        for value in ["\"\"", "null", "~", ""] {
            assert_eq!(read(&SECRET.replace("AQID", value)).unwrap().data["ca.crt"], [0_u8; 0], "{value}");
        }
        assert!(read("kind: Secret\nmetadata: {name: kubeadm-certs}\n").unwrap().data.is_empty());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Manifest::read(&bytes);
        }

        #[test]
        fn no_text_like_a_secret_panics(
            text in "(kind: (Secret|List)\n|metadata:\n|  name: kubeadm-certs\n|data:\n|  [a-z.&*!<{\\[\"]{0,6}: ?[A-Za-z0-9+/=&*|>\"'{\\[]{0,12}\n|items:\n|- |---\n|[ \t]{0,3}){0,20}"
        ) {
            let _ = read(&text);
        }

        #[test]
        fn a_secret_with_a_change_somewhere_never_panics(
            position in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
        ) {
            let mut bytes = SECRET.as_bytes().to_vec();
            let position = position.index(bytes.len());
            bytes[position] = byte;
            if cut {
                bytes.truncate(position);
            }
            let _ = Manifest::read(&bytes);
        }

        #[test]
        fn what_is_written_is_read(
            data in proptest::collection::btree_map("[a-z][a-z.-]{0,12}", proptest::collection::vec(any::<u8>(), 0..60), 0..6),
            rbac in any::<bool>(),
        ) {
            let manifest = Manifest { data };
            prop_assert_eq!(read(&manifest.to_yaml(rbac)), Ok(manifest.clone()));
            prop_assert_eq!(read(&manifest.to_json(rbac)), Ok(manifest));
        }
    }
}
