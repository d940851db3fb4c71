//! Names of certificates and of their files stand in the catalogue, and nowhere else: other code names its constants, or
//! asks it. Sentences for people may name a file.

use std::collections::BTreeSet;

use kubepki::catalogue::{KubeletFiles, Layout, ROWS};

use crate::sources::{Part, Source, under};

/// Every name of the catalogue: `etcd-ca`, `etcd/ca`, `ca.crt`, `kubelet-client-current.pem`.
fn names() -> BTreeSet<String> {
    let layout = Layout { certificates_dir: "".into(), kubeconfig_dir: "".into() };
    let files = layout.every_path().into_iter().chain(KubeletFiles::within("".as_ref()).every_path());
    let rows = ROWS.iter().flat_map(|row| [row.name, row.base_name]).map(str::to_owned);
    rows.chain(files.map(|path| path.to_str().unwrap().to_owned())).collect()
}

fn named(source: &Source, names: &BTreeSet<String>) -> Vec<String> {
    let literals = source.parts().into_iter().filter_map(|part| match part {
        Part::Literal(text) => Some(text),
        Part::Attribute(_) => None,
    });
    literals.filter(|text| names.contains(text)).collect()
}

#[test]
fn names_of_certificates_stand_in_the_catalogue_alone() {
    let names = names();
    for source in under("src", "rs").iter().filter(|source| !source.path.starts_with("src/catalogue")) {
        let found = named(source, &names);
        assert!(found.is_empty(), "{}: {found:?}: name the catalogue's constant, or ask it", source.path);
    }
}

#[test]
fn a_name_is_found_where_it_is_meant_and_not_in_a_test_or_a_sentence() {
    let found = |text: &str| named(&Source { path: "src/ops/x.rs".into(), text: text.into() }, &names());
    assert_eq!(found(r#"fn f() { open("sa.pub", "etcd/ca"); }"#), ["sa.pub", "etcd/ca"]);
    assert_eq!(found(r#"const KUBELET: &str = "kubelet-client-current.pem";"#), ["kubelet-client-current.pem"]);
    for text in [
        r#"fn f() { say("sa.pub is missing"); }"#,
        r#"#[cfg(test)] mod tests { const NAME: &str = "admin.conf"; }"#,
        "/// \"ca\"\nfn f() {}",
    ] {
        assert!(found(text).is_empty(), "{text}");
    }
}
