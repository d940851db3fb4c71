//! The tests of [`super`]: shapes, places, limits.

use std::fmt::Write as _;

use super::*;

/// The tree as compact text: `{key:value}`, strings quoted, other scalars bare.
fn shown(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".into(),
        Value::Unusable => "unusable".into(),
        Value::Scalar { kind: Kind::Text, text } => format!("{text:?}"),
        Value::Scalar { text, .. } => text.to_string(),
        Value::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(",")),
        Value::Map(entries) => {
            let entries: Vec<_> = entries.iter().map(|entry| format!("{}:{}", entry.key, shown(&entry.node))).collect();
            format!("{{{}}}", entries.join(","))
        }
    }
}

fn read(text: &str) -> String {
    shown(&parse(text, 1).unwrap())
}

fn fails(text: &str) -> SyntaxError {
    parse(text, 1).unwrap_err()
}

#[test]
fn documents_become_trees() {
    let cases = [
        ("", "null"),
        ("a: 1\nb: [x, '1', yes]\nc: {d: ~}\n", r#"{a:1,b:["x","1",yes],c:{d:null}}"#),
        (r#"{"a": {"b": ["c", 1.5, true, null]}}"#, r#"{a:{b:["c",1.5,true,null]}}"#),
        ("{\n\t\"a\": \"b\",\n\t\"c\": [\n\t\t1\n\t]\n}\n", r#"{a:"b",c:[1]}"#),
        ("a: \"010\"\nb: 010\nc: !!str 010\nd: ! 7\n", r#"{a:"010",b:010,c:"010",d:"7"}"#),
        ("a: |\n  x\n  y\nb: >-\n  x\n  y\n", r#"{a:"x\ny\n",b:"x y"}"#),
        ("on: 1\n0x10: 2\n", "{true:1,16:2}"),
        ("a: 1\r\nb: 2\r\n", "{a:1,b:2}"),
    ];
    for (text, tree) in cases {
        assert_eq!(read(text), tree, "{text}");
    }
}

#[test]
fn every_node_knows_its_place_in_the_file() {
    let root = parse("a:\n  - ä: x\n", 10).unwrap();
    let Value::Map(entries) = &root.value else { panic!("no map") };
    assert_eq!(entries[0].mark, Mark { line: 10, column: 1 });
    let Value::List(items) = &entries[0].node.value else { panic!("no list") };
    let Value::Map(inner) = &items[0].value else { panic!("no map") };
    assert_eq!(inner[0].mark, Mark { line: 11, column: 5 });
    assert_eq!(inner[0].node.mark, Mark { line: 11, column: 8 });
}

#[test]
fn aliases_and_merge_keys_are_resolved() {
    let cases = [
        ("a: &x {k: 1}\nb: *x\n", "{a:{k:1},b:{k:1}}"),
        ("a: &x [1, 2]\nb: [*x, *x]\n", "{a:[1,2],b:[[1,2],[1,2]]}"),
        ("a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}\n", "{a:{k:1,l:2},b:{k:3,l:2}}"),
        ("a: &x {k: 1}\nb: &y {k: 2, m: 3}\nc: {<<: [*x, *y]}\n", "{a:{k:1},b:{k:2,m:3},c:{k:1,m:3}}"),
        ("a: {\"<<\": 1}\n", "{a:{<<:1}}"),
        ("a: <<\n", r#"{a:"<<"}"#),
        ("&k key: 1\nb: *k\n", r#"{key:1,b:"key"}"#),
    ];
    for (text, tree) in cases {
        assert_eq!(read(text), tree, "{text}");
    }
}

#[test]
fn a_repeated_key_keeps_the_last_value_and_the_first_place() {
    let earlier = |text: &str| {
        let Value::Map(entries) = parse(text, 1).unwrap().value else { panic!("no map") };
        let entry = entries.iter().find(|entry| &*entry.key == "k").unwrap().clone();
        (shown(&entry.node), entry.earlier.map(|mark| mark.line))
    };
    assert_eq!(earlier("k: 1\nl: 2\nk: 3\n"), ("3".into(), Some(1)));
    assert_eq!(earlier("k: 1\n"), ("1".into(), None));
    // A written key before the merge loses in go-yaml v2, against the YAML specification: that is worth an error.
    assert_eq!(earlier("x: &x {k: 1}\nk: 2\n<<: *x\n"), ("1".into(), Some(2)));
    assert_eq!(earlier("x: &x {k: 1}\n<<: *x\nk: 2\n"), ("2".into(), None));
}

#[test]
fn what_is_no_yaml_is_refused_with_its_line() {
    let cases = [
        ("a: 1\n\tb: 2\n", 1, "tab"),
        ("a: [1, 2\n", 1, ""),
        ("a: *nowhere\n", 1, "anchor"),
        ("a: &a [*a]\n", 1, "cannot contain itself"),
        ("%YAML 1.1\n---\na: 1\n", 1, "directive"),
        ("a: 1\n...\nb: 2\n", 3, "---"),
        ("? [a, b]\n: 1\n", 1, "field name"),
        ("~: 1\n", 1, "field name"),
        ("a: {<<: 1}\n", 1, "mapping"),
        ("a: b: c\n", 1, ""),
        ("a: 'x\n", 1, ""),
    ];
    for (text, line, hint) in cases {
        let error = fails(text);
        assert_eq!(error.code, Code::Syntax, "{text}");
        assert!(error.mark.line >= line && error.mark.line <= line + 1, "{text}: {error:?}");
        assert!(error.hint.contains(hint), "{text}: {error:?}");
        assert!(!error.message.is_empty(), "{text}");
    }
}

#[test]
fn tags_that_change_a_value_are_refused() {
    assert_eq!(read("a: !!int \"7\"\nb: !!map {}\nc: !!seq []\n"), "{a:7,b:{},c:[]}");
    for text in ["a: !vault x\n", "a: !!binary aGVsbG8=\n", "a: !!int x\n", "a: !Ref {b: c}\n", "a: !!set {b: ~}\n"] {
        let error = fails(text);
        assert_eq!(error.code, Code::Tag, "{text}");
    }
}

#[test]
fn bombs_are_refused_while_they_are_small() {
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = format!("*a{}", level - 1);
        writeln!(laughs, "a{level}: &a{level} [{}]", vec![below; 9].join(", ")).unwrap();
    }
    assert_eq!(fails(&laughs).code, Code::TooComplex);

    let text = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 2000].join(","));
    assert_eq!(fails(&text).code, Code::TooComplex);

    for (open, close) in [("[", "]"), ("{a: ", "}")] {
        let deep = format!("{}{}", open.repeat(5000), close.repeat(5000));
        assert!(parse(&deep, 1).is_err());
    }
    let mut ladder = String::from("a0: &a0 [x]\n");
    for level in 1..200 {
        writeln!(ladder, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
    }
    assert_eq!(fails(&ladder).code, Code::TooComplex);
}
