//! The writer against what kubectl wrote, the reader against what the writer wrote.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

const VALUES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/yaml/values.json"));
const KEYS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/yaml/keys.json"));

fn mapping(entries: &[(&str, Node)]) -> Mapping {
    let mut mapping = Mapping::new();
    for (key, value) in entries {
        mapping.push(Scalar::text(*key), value.clone());
    }
    mapping
}

fn list(mapping: Mapping) -> Node {
    Node::Sequence(vec![Node::Mapping(mapping)])
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
        let entry = mapping(&[("name", Node::text("u")), ("user", Node::Mapping(user))]);
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
        let entry = mapping(&[("extension", Node::Mapping(extension)), ("name", Node::text("e"))]);
        let root = mapping(&[("extensions", list(entry))]);
        let expected = format!("extensions:\n- extension:\n    x:\n    - {written}: 1\n  name: e\n");
        assert_eq!(*write(&root), expected, "for {key:?}");
        assert_eq!(parse(&expected), Ok(root), "for {key:?}");
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

#[test]
fn what_would_not_survive_is_refused() {
    let unsupported = |text: &str| match parse(text) {
        Err(ParseError::Unsupported { line, construct }) => (line, construct),
        other => panic!("{text:?} gave {other:?}"),
    };
    assert_eq!(unsupported("a: 1\n---\nb: 2\n"), (3, "a second document"));
    assert_eq!(unsupported("a: 1\n? [x]\n: y\n"), (2, "a key that is a list or a mapping"));
    assert_eq!(unsupported("a: &k {b: c}\n? *k\n: y\n").1, "a key that is a list or a mapping");
    assert_eq!(unsupported("a: !!binary '*'\n"), (1, "binary data that is not base64"));
    assert_eq!(unsupported("a: !!int x\n"), (1, "a tag that does not fit its value"));
    assert_eq!(unsupported("a: 1\nnull: 2\n"), (2, "a key that is null"));
    assert_eq!(unsupported("a: \"b\\/c\"\n").0, 1);
    assert_eq!(unsupported("a: &a [*a]\n"), (1, "an alias to itself"));
    assert_eq!(unsupported("a: {<<: 1}\n").1, "a merge key whose value is not a mapping");
    assert_eq!(parse("a: 1\nb: 2\n\"a\": 3\n"), Err(ParseError::DuplicateKey { line: 3, key: "a".into() }));
    assert_eq!(parse("- a\n"), Err(ParseError::NotAMapping));
    assert_eq!(parse("a"), Err(ParseError::NotAMapping));
    assert!(matches!(parse("a: [\n"), Err(ParseError::Syntax { .. })));
    assert!(matches!(parse("a: *b\n"), Err(ParseError::Syntax { line: 1, column: 4, .. })));
}

#[test]
fn clients_read_the_last_of_equal_keys_and_the_first_document() {
    let (root, passed_over) = parse_as_clients("a: 1\nb: 2\na: 3\n---\n[broken\n").unwrap();
    assert_eq!(*write(&root), "a: 3\nb: 2\n");
    let second = ParseError::Unsupported { line: 4, construct: "a second document" };
    assert_eq!(passed_over.first(), Some(&ParseError::DuplicateKey { line: 3, key: "a".into() }));
    assert!(
        matches!(passed_over.get(1), Some(ParseError::Unsupported { construct: "a second document", .. })),
        "{second:?}"
    );
    assert_eq!(parse_as_clients("a: 1\n---\n").unwrap().1, []);
    assert!(matches!(parse_as_clients("# \u{1b}[31m\na: 1\n"), Err(ParseError::Syntax { line: 1, .. })));
}

#[test]
fn tags_make_the_values_that_clients_read() {
    let text = "a: !secret 5\nb: !!binary Zm9v\nc: !!str 5\nd: !!float 5\ne: !!null ''\nf: !!map {x: 1}\n";
    let written = "a: \"5\"\nb: foo\nc: \"5\"\nd: 5\ne: null\nf:\n  x: 1\n";
    assert_eq!(*write(&parse(text).unwrap()), written);
}

#[test]
fn bombs_are_refused() {
    let too_complex =
        |text: &str| matches!(parse(text), Err(ParseError::TooComplex { .. } | ParseError::Syntax { .. }));
    assert!(too_complex(&"[".repeat(1 << 20)));
    assert!(too_complex(&"a: {".repeat(1 << 18)));
    assert!(too_complex(&"- ".repeat(1 << 19)));
    assert!(too_complex(&(0..2000).map(|depth| " ".repeat(depth) + "a:\n").collect::<Vec<_>>().concat()));
    // A billion laughs, and a chain in which each link is a little deeper than the one before.
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    let mut chain = "c0: &c0 [x]\n".to_owned();
    for (previous, next) in (0..100).zip(1..) {
        writeln!(laughs, "a{next}: &a{next} [{}]", vec![format!("*a{previous}"); 10].join(",")).unwrap();
        writeln!(chain, "c{next}: &c{next} [*c{previous}]").unwrap();
    }
    assert!(matches!(parse(&laughs), Err(ParseError::TooComplex { .. })));
    assert!(matches!(parse(&chain), Err(ParseError::TooComplex { .. })));
    // Nested anchors, each of which keeps a copy of all below it.
    let anchors = (0..50).map(|depth| format!("&b{depth} [")).collect::<Vec<_>>().concat();
    let nested = format!("a: {anchors}{}{}\n", "x, ".repeat(100_000), "]".repeat(50));
    assert!(matches!(parse(&nested), Err(ParseError::TooComplex { .. })));
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
            prop::collection::vec(inner.clone(), 0..5).prop_map(Node::Sequence),
            prop::collection::hash_map(any_key(), inner, 0..5).prop_map(|entries| {
                let mut mapping = Mapping::new();
                for (key, value) in entries {
                    mapping.push(Scalar::text(key), value);
                }
                Node::Mapping(mapping)
            }),
        ]
    })
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        any_scalar().prop_map(|node| match node {
            Node::Scalar(scalar) => scalar.as_str().to_owned(),
            Node::Sequence(_) | Node::Mapping(_) => String::new(),
        }),
        "[a-z]{100,200}",
    ]
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
