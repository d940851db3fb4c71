//! The writer against what kubectl wrote, the reader against what the writer wrote.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

const VALUES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/yaml/values.json"));
const KEYS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/yaml/keys.json"));

const SCALARS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/yaml/scalars.json"));

fn mapping(entries: &[(&str, Node)]) -> Mapping {
    entries.iter().cloned().collect()
}

fn list(mapping: Mapping) -> Node {
    Node::from_iter([Node::from(mapping)])
}

fn rows(table: &str) -> Vec<(String, String)> {
    let rows: Vec<(String, String)> = serde_json::from_str(table).unwrap();
    assert!(rows.len() > 500, "the table is there");
    rows
}

#[test]
fn strings_are_written_as_kubectl_writes_them() {
    for (text, written) in rows(VALUES) {
        let user = mapping(&[("token", Node::text(text.as_str())), ("username", Node::text("k"))]);
        let entry = mapping(&[("name", Node::text("u")), ("user", user.into())]);
        let root = mapping(&[("users", list(entry))]);
        let expected = format!("users:\n- name: u\n  user:\n    token:{written}\n    username: k\n");
        assert_eq!(*write(&root), expected, "for {text:?}");
        assert_eq!(parse(&expected), Ok(root), "for {text:?}");
    }
}

#[test]
fn keys_are_written_as_kubectl_writes_them() {
    for (key, written) in rows(KEYS) {
        let extension = mapping(&[("x", list(mapping(&[(&key, Node::plain(1))])))]);
        let entry = mapping(&[("extension", extension.into()), ("name", Node::text("e"))]);
        let root = mapping(&[("extensions", list(entry))]);
        let expected = format!("extensions:\n- extension:\n    x:\n    - {written}: 1\n  name: e\n");
        assert_eq!(*write(&root), expected, "for {key:?}");
        assert_eq!(parse(&expected), Ok(root), "for {key:?}");
    }
}

#[test]
fn plain_scalars_mean_what_kubernetes_makes_of_them() {
    let rows: Vec<[String; 4]> = serde_json::from_str(SCALARS).unwrap();
    assert!(rows.len() > 900, "the table is there");
    let mut met = std::collections::BTreeMap::new();
    for [letters, kind, json, key] in &rows {
        let scalar = Scalar::unquoted(letters.as_str());
        let found = scalar.kind();
        let name = match found {
            Kind::Null => "null",
            Kind::Bool(_) => "bool",
            Kind::Integer(_) => "int",
            Kind::LargeInteger(_) => "uint",
            Kind::Float(_) => "float",
            Kind::Text => "string",
        };
        assert_eq!(name, kind, "{letters}");
        let value = match found {
            Kind::Float(_) if found.is_not_finite() => "refused".into(),
            // Go and Rust do not write every float alike.
            Kind::Float(value) if json.parse() == Ok(value) => json.clone(),
            Kind::Float(value) => value.to_string(),
            Kind::Null => "null".into(),
            Kind::Bool(value) => value.to_string(),
            Kind::Integer(value) => value.to_string(),
            Kind::LargeInteger(value) => value.to_string(),
            Kind::Text => serde_json::to_string(letters).unwrap(),
        };
        assert_eq!(&value.replace('<', "\\u003c"), json, "{letters}");
        assert_eq!(parse(&format!("x: {letters}\n")).is_err(), json == "refused", "{letters}");
        assert_eq!(
            found.is_whole(),
            kind != "string" && (json.parse::<i128>().is_ok() || json.contains("e+")),
            "{letters}"
        );
        if letters != "<<" {
            let root = parse(&format!("? {letters}\n: 1\n"));
            let named = root.map_or("refused".into(), |root| root.iter().next().unwrap().0.to_owned());
            assert_eq!(&named, key, "{letters}");
        }
        *met.entry(name).or_insert(0) += 1;
    }
    assert!(met.len() == 6 && met.values().all(|count| *count > 2), "{met:?}");
}

#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Fields {
    text: String,
    flag: bool,
    port: Option<u16>,
    list: Vec<String>,
    map: std::collections::BTreeMap<String, u32>,
    inner: Option<Box<Fields>>,
}

/// What the kubelet (1.36.2) reads of such fields in its configuration and in manifests.
#[test]
fn structs_are_read_as_the_kubelet_reads_them() {
    let read = |text: &str| from_clients::<Fields>(text.as_bytes()).map_err(|error| error.to_string());
    for (text, expected) in [
        ("", Fields::default()),
        ("text: null\nflag: ~\nport:\nlist: null\nmap: null\ninner: null\n", Fields::default()),
        ("text: 2026-01-02\nflag: yes\n", Fields { text: "2026-01-02".into(), flag: true, ..Fields::default() }),
        ("text: a\ntext: b\n---\ntext: c\n", Fields { text: "b".into(), ..Fields::default() }),
        ("\u{feff}text: a\n", Fields { text: "a".into(), ..Fields::default() }),
        ("port: 010\n", Fields { port: Some(8), ..Fields::default() }),
        ("port: 08\n", Fields { port: Some(8), ..Fields::default() }),
        ("port: 1e3\n", Fields { port: Some(1000), ..Fields::default() }),
        ("list: [a, '5', null]\n", Fields { list: vec!["a".into(), "5".into(), String::new()], ..Fields::default() }),
        ("map: {a: null, 010: 1}\n", Fields { map: [("a".into(), 0), ("8".into(), 1)].into(), ..Fields::default() }),
        (
            "inner: {text: x}",
            Fields { inner: Some(Box::new(Fields { text: "x".into(), ..Fields::default() })), ..Fields::default() },
        ),
    ] {
        assert_eq!(read(text), Ok(expected), "{text}");
    }
    for (text, place) in [
        ("text: 5\n", "line 1 column 7: a string is expected"),
        ("text: yes\n", "line 1 column 7: "),
        ("list: [a, 5]\n", "line 1 column 11: "),
        ("port: 1.5\n", "line 1 column 7: "),
        ("port: '10'\n", "line 1 column 7: "),
        ("port: 99999\n", "line 1 column 7: "),
        ("inner:\n  tex: x\n", "line 2 column 3: unknown field `tex`"),
        ("text: \"\\/\"\n", "line 1 column 7: it holds an escape"),
        ("- a\n", "line 1 column 1: "),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.starts_with(place), "{text}: {error}");
    }
}

#[test]
fn a_file_of_our_own_says_nothing_twice_and_nothing_by_chance() {
    let read = |text: &str| from_str::<Fields>(text).map_err(|error| error.to_string());
    assert_eq!(read("flag: true\nmap: {a: 1, '010': 2}\n").unwrap().map.len(), 2);
    for (text, says) in [
        ("text: a\ntext: b\n", "line 2 column 1: the key \"text\" appears twice"),
        ("text: a\n---\ntext: b\n", "line 3 column 1: it holds a second document"),
        ("text: !vault a\n", "line 1 column 14: it holds the tag \"!vault\""),
        ("map: {no: 1}\n", "line 1 column 7: the key no is \"false\" to YAML"),
        ("map: {010: 1}\n", "line 1 column 7: the key 010 is \"8\" to YAML"),
        ("flag: yes\n", "line 1 column 7: yes is a truth value to YAML"),
        ("text: null\n", "line 1 column 7: "),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.starts_with(says), "{text}: {error}");
    }
}

/// A private key where a configuration should be is one long text.
#[test]
fn an_error_does_not_repeat_a_text() {
    for text in
        ["-----BEGIN PRIVATE KEY-----\nMIIsecret\n-----END PRIVATE KEY-----\n", "port: MIIsecret\n", "map: MIIsecret"]
    {
        for error in [from_str::<Fields>(text).unwrap_err(), from_clients::<Fields>(text.as_bytes()).unwrap_err()] {
            let said = error.to_string();
            assert!(said.contains("invalid type: text, expected ") && !said.contains("MIIsecret"), "{said}");
        }
    }
}

/// What kubectl 1.32 wrote for a mapping of awkward shapes.
#[test]
fn collections_are_laid_out_as_kubectl_lays_them_out() {
    let text = format!(
        r#"x:
  "": e
  "5": z
  em: []
  eo: {{}}
  ? {0}
  : a: b
  ? |-
    l
    x
  : true
  nn: null
  s: |
    a
    b
  seq:
  - - a
    - b
  - c: d
    e: f
  - []
  - {{}}
  ? s{0}
  : - 1
    - 2
  t: "2001-01-01"
  "true": q
"#,
        "k".repeat(140)
    );
    assert_eq!(*write(&parse(&text).unwrap()), text);
}

#[test]
fn a_quoted_merge_key_stays_a_key() {
    let root = mapping(&[("<<", Node::text("<<"))]);
    assert_eq!(*write(&root), "\"<<\": <<\n");
    assert_eq!(parse("\"<<\": <<\n"), Ok(root));
}

#[test]
fn line_separators_are_escaped() {
    let text = "a\u{85}b\u{2028}c\u{2029}";
    let root = mapping(&[("a", Node::text(text))]);
    assert_eq!(*write(&root), "a: \"a\\Nb\\Lc\\P\"\n");
    assert_eq!(parse(&write(&root)), Ok(root));
}

#[test]
fn plain_scalars_keep_their_letters_and_quoted_ones_their_type() {
    let text = "a: 010\nb: \"010\"\nc: 0x1F\nd: yes\ne: ~\nf: 1.0\ng: 2001-01-01\n010: x\n\"010a\": x\n";
    let written = "a: 010\nb: \"010\"\nc: 0x1F\nd: yes\ne: ~\nf: 1.0\ng: 2001-01-01\n010: x\n010a: x\n";
    assert_eq!(*write(&parse(text).unwrap()), written);
    assert_eq!(*write(&parse("a:\nb: ''\nc: !!str 1\nd: ! 1\n").unwrap()), "a: null\nb: \"\"\nc: \"1\"\nd: \"1\"\n");
}

#[test]
fn json_comments_flow_and_markers_are_read() {
    let written = "a:\n- 1\n- b: \"2\"\nc: null\n";
    for text in [
        r#"{"a": [1, {"b": "2"}], "c": null}"#,
        "---\n# comment\na: [1, {b: '2'}] # more\nc:\n...\n",
        "%YAML 1.1\n---\na:\n  - 1\n  - b: \"2\"\nc: null\n---\n",
        "{\r\n\t\"a\": [1,\r\n\t{\"b\": \"\\u0032\"}],\"c\":null}\r\n",
    ] {
        assert_eq!(*write(&parse(text).unwrap()), written, "for {text:?}");
    }
    for empty in ["", "\n", "# nothing\n", "---\n", "null\n", "~", "---\n...\n---\n"] {
        assert_eq!(parse(empty), Ok(Mapping::new()), "for {empty:?}");
    }
}

#[test]
fn aliases_and_merge_keys_are_put_in_place() {
    let text = "a: &a {x: 1, y: 2}\nb: *a\nc: {y: 3, <<: *a}\nd:\n  <<: [{x: 4}, *a]\n  z: 5\n";
    // A merge key counts in its place: what stands behind it wins, what stands before it loses.
    let written =
        "a:\n  x: 1\n  \"y\": 2\nb:\n  x: 1\n  \"y\": 2\nc:\n  y: 2\n  x: 1\nd:\n  x: 4\n  \"y\": 2\n  z: 5\n";
    // Unquoted `y` is a boolean in YAML 1.1; as a key it keeps its letters.
    assert_eq!(*write(&parse(text).unwrap()), written.replace("\"y\"", "y"));
}

fn fails(text: &str) -> (usize, Reason) {
    let error = parse(text).unwrap_err();
    (error.mark.line, error.reason)
}

#[test]
fn what_kubernetes_does_not_read_is_refused_with_its_line() {
    use Construct::{
        AliasToItself, Binary, Directive, Escape, Infinite, KeyCollection, KeyNull, KeyTooLarge, Merge, SecondDocument,
    };
    for (text, line, construct) in [
        ("a: 1\n---\nb: 2\n", 3, SecondDocument),
        ("a: 1\n...\nb: 2\n", 3, SecondDocument),
        ("a: 1\n? [x]\n: y\n", 2, KeyCollection),
        ("a: &k {b: c}\n? *k\n: y\n", 2, KeyCollection),
        ("a: !!binary '*'\n", 1, Binary),
        ("a: 1\nnull: 2\n", 2, KeyNull),
        ("18446744073709551615: 2\n", 1, KeyTooLarge),
        ("a: \"b\\/c\"\n", 1, Escape),
        ("a: &a [*a]\n", 1, AliasToItself),
        ("a: {<<: 1}\n", 1, Merge),
        ("a: 1\nb: [{c: -.inf}]\n", 2, Infinite),
        ("a: .nan\n", 1, Infinite),
        ("%YAML 1.2\n---\na: 1\n", 1, Directive),
    ] {
        assert_eq!(fails(text), (line, Reason::Unsupported(construct)), "{text:?}");
    }
    assert_eq!(fails("a: !!int x\n"), (1, Reason::Tag("!!int".into())));
    assert_eq!(fails("a: 1\nb: 2\n\"a\": 3\n"), (3, Reason::DuplicateKey("a".into())));
    for text in ["- a\n", "a"] {
        assert_eq!(fails(text), (1, Reason::NotAMapping), "{text:?}");
    }
    for (text, line, words) in [
        ("a: 1\n\tb: 2\n", 1, "tab"),
        ("a: [1, 2\n", 1, "bracket"),
        ("b: 1\na: *nowhere\n", 2, "unknown anchor"),
        ("%YAML 1.1\na: 1\n", 1, "document start"),
        ("a: b: c\n", 1, ""),
        ("a: 'x\n", 1, ""),
    ] {
        let (found, Reason::Syntax(problem)) = fails(text) else { panic!("{text:?}") };
        assert!((line..=line + 1).contains(&found) && problem.contains(words), "{text:?}: {found}: {problem}");
    }
}

#[test]
fn clients_read_the_last_of_equal_keys_and_the_first_document() {
    let (root, passed_over) = parse_as_clients("a: 1\nb: 2\na: 3\n---\n[broken\n").unwrap();
    assert_eq!(*write(&root), "a: 3\nb: 2\n");
    let reasons: Vec<_> = passed_over.into_iter().map(|error| error.reason).collect();
    assert_eq!(reasons, [Reason::DuplicateKey("a".into()), Reason::Unsupported(Construct::SecondDocument)]);
    assert_eq!(parse_as_clients("a: 1\n---\n").unwrap().1, []);
    let control = parse_as_clients("# \u{1b}[31m\na: 1\n").unwrap_err();
    assert_eq!(control.mark, Mark { line: 1, column: 3 });
}

#[test]
fn a_repeated_key_keeps_the_last_value_and_the_first_place() {
    let earlier = |text: &str| {
        let root = read(text, 1).unwrap().root;
        let entry = root.as_mapping().unwrap().entries.iter().find(|entry| entry.name == "k").unwrap().clone();
        (entry.node.letters().unwrap().to_owned(), entry.earlier.map(|mark| mark.line))
    };
    assert_eq!(earlier("k: 1\nl: 2\nk: 3\n"), ("3".into(), Some(1)));
    assert_eq!(earlier("k: 1\n"), ("1".into(), None));
    // A written key before the merge loses in go-yaml v2, against the YAML specification.
    assert_eq!(earlier("x: &x {k: 1}\nk: 2\n<<: *x\n"), ("1".into(), Some(2)));
    assert_eq!(earlier("x: &x {k: 1}\n<<: *x\nk: 2\n"), ("2".into(), None));
    // One key to Kubernetes, whatever its letters.
    assert_eq!(parse("8: a\n010: b\n").unwrap_err().reason, Reason::DuplicateKey("8".into()));
}

#[test]
fn every_node_knows_its_place_in_the_file() {
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl";
    let text = format!("a:\n  - ä: x\nb: {{t: {token}, u: *n}}\n").replace("*n", "&n 1");
    let root = read(&text, 10).unwrap().root;
    let [first, second] = root.as_mapping().unwrap().entries.as_slice() else { panic!("{root:?}") };
    assert_eq!(first.mark, Mark { line: 10, column: 1 });
    let inner = &first.node.as_sequence().unwrap()[0].as_mapping().unwrap().entries[0];
    assert_eq!((inner.mark, inner.node.mark), (Mark { line: 11, column: 5 }, Mark { line: 11, column: 8 }));
    assert_eq!(second.node.get("t").unwrap().letters(), Some(token));
    assert_eq!(second.node.as_mapping().unwrap().entries[1].mark, Mark { line: 12, column: token.len() + 10 });
    assert_eq!(read("", 7).unwrap().root.mark, Mark { line: 7, column: 1 });
}

#[test]
fn tags_that_kubernetes_passes_over_are_noted() {
    for (text, tags) in [
        ("a: !!int \"7\"\nb: !!map {}\nc: !!seq []\nd: ! x\ne: !!str 5\n", [].as_slice()),
        ("a: !vault x\nb: !Ref {b: c}\nc: !!set {b: ~}\n", &["!vault", "!Ref", "!!set"]),
    ] {
        let noted: Vec<_> = read(text, 1).unwrap().passed_over.into_iter().map(|error| error.reason).collect();
        assert_eq!(noted, tags.iter().map(|tag| Reason::Tag((*tag).into())).collect::<Vec<_>>(), "{text}");
    }
}

#[test]
fn tags_make_the_values_that_clients_read() {
    let text = "a: !secret 5\nb: !!binary Zm9v\nc: !!str 5\nd: !!float 5\ne: !!null ''\nf: !!map {x: 1}\n";
    let written = "a: \"5\"\nb: foo\nc: \"5\"\nd: 5\ne: null\nf:\n  x: 1\n";
    assert_eq!(*write(&parse(text).unwrap()), written);
}

#[test]
fn bombs_are_refused_while_they_are_small() {
    let too_complex = |text: &str| matches!(fails(text).1, Reason::TooDeep(_));
    assert!(too_complex(&"[".repeat(1 << 20)));
    assert!(too_complex(&"a: {".repeat(1 << 18)));
    assert!(too_complex(&"- ".repeat(1 << 19)));
    assert!(too_complex(&(0..2000).map(|depth| " ".repeat(depth) + "a:\n").collect::<Vec<_>>().concat()));
    // A billion laughs, and a chain in which each link is a little deeper than the one before.
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    let mut chain = "c0: &c0 [x]\n".to_owned();
    for (previous, next) in (0..200).zip(1..) {
        writeln!(laughs, "a{next}: &a{next} [{}]", vec![format!("*a{previous}"); 10].join(",")).unwrap();
        writeln!(chain, "c{next}: &c{next} [*c{previous}]").unwrap();
    }
    assert_eq!(fails(&laughs).1, Reason::TooLarge);
    assert!(matches!(fails(&chain).1, Reason::TooDeep(_)));
    // Nested anchors, each of which keeps a copy of all below it.
    let anchors = (0..50).map(|depth| format!("&b{depth} [")).collect::<Vec<_>>().concat();
    assert_eq!(fails(&format!("a: {anchors}{}{}\n", "x, ".repeat(100_000), "]".repeat(50))).1, Reason::TooLarge);
    let text = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 2000].join(","));
    assert_eq!(fails(&text).1, Reason::TooLarge);
}

fn any_scalar() -> impl Strategy<Value = Node> {
    let awkward = prop::sample::select(vec![
        "- x",
        "a: b",
        " #",
        "#",
        "'",
        "\"",
        "\\",
        "\n",
        "\n\n",
        " ",
        "  ",
        "\t",
        "é",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\u{1F600}",
        "\r",
        "---",
        "...",
        "? ",
        ":",
        "word",
        "<<",
        "~",
        "null",
        "010",
        "1e3",
        "12:30",
        "|",
        ">",
        "{",
        "]",
    ]);
    prop_oneof![
        any::<String>().prop_map(Node::text),
        prop::collection::vec(awkward, 0..30).prop_map(|parts| Node::text(parts.concat())),
        any::<i64>().prop_map(Node::plain),
        any::<bool>().prop_map(Node::plain),
        Just(Node::null()),
    ]
}

fn any_node() -> impl Strategy<Value = Node> {
    any_scalar().prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Node::from_iter),
            prop::collection::hash_map(any_key(), inner, 0..5)
                .prop_map(|entries| entries.into_iter().collect::<Mapping>().into()),
        ]
    })
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![any_scalar().prop_map(|node| node.as_scalar().unwrap().as_str().to_owned()), "[a-z]{100,200}",]
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(node in any_node()) {
        let root = mapping(&[("a", node), ("b", Node::text("end"))]);
        prop_assert_eq!(parse(&write(&root)), Ok(root));
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        if let Ok(root) = parse(&text) {
            prop_assert_eq!(parse(&write(&root)), Ok(root));
        }
    }

    #[test]
    fn any_yaml_like_text_is_read_or_refused(text in "([a-c]|[-:?&*!|>%@`'\"{}\\[\\], \n#]|\\\\|: |- |<<: |\n  ){0,40}") {
        if let Ok(root) = parse(&text) {
            prop_assert_eq!(parse(&write(&root)), Ok(root));
        }
    }
}
