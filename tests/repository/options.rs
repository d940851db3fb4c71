//! What `src/request` declares: every option of every request, as the derives of clap and serde read it.
//!
//! In: the sources. Out: for a request, by its name in Rust, its options in order, those of the types that it flattens
//! among them. The declaration itself is read, so that nothing of this is in what is built and shipped.

use std::collections::BTreeMap;

use syn::parse::ParseBuffer;
use syn::{Attribute, Expr, ExprLit, Field, Fields, Item, ItemEnum, ItemStruct, Lit, Type};

use crate::sources::{Source, under};

/// What may be given once.
#[derive(Clone, Debug)]
pub(crate) struct Declared {
    /// The name of the field: serde's, and Python's.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The first paragraph of its documentation, which is what everybody reads; the rest is for `--help`.
    pub(crate) doc: String,
    /// The default as text, where one is declared.
    pub(crate) default: Option<String>,
    /// `--add-san`, without the dashes; none where it has no option, or is given by its position.
    pub(crate) long: Option<String>,
}

/// The type of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Maybe(Box<Kind>),
    List(Box<Kind>),
    One(String),
}

impl Kind {
    fn of(kind: &Type) -> Self {
        let Type::Path(path) = kind else { panic!("an option's type has a name") };
        let last = path.path.segments.last().unwrap();
        let inner = || {
            let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else {
                panic!("{} of what?", last.ident)
            };
            let Some(syn::GenericArgument::Type(inner)) = arguments.args.first() else {
                panic!("{} of what?", last.ident)
            };
            Box::new(Self::of(inner))
        };
        match last.ident.to_string().as_str() {
            "Option" => Self::Maybe(inner()),
            "Vec" => Self::List(inner()),
            name => Self::One(name.to_owned()),
        }
    }

    /// The name of the type itself, in whatever it is wrapped.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Maybe(inner) | Self::List(inner) => inner.name(),
            Self::One(name) => name,
        }
    }
}

/// All declarations.
pub(crate) struct Requests {
    structs: BTreeMap<String, ItemStruct>,
    /// The words of each enumeration in `src`.
    pub(crate) words: BTreeMap<String, Vec<String>>,
    constants: BTreeMap<String, String>,
}

impl Requests {
    pub(crate) fn read() -> Self {
        let mut all = Self { structs: BTreeMap::new(), words: BTreeMap::new(), constants: BTreeMap::new() };
        for source in under("src", "rs") {
            let request = source.path.strip_prefix("src/request/").map(|path| path.trim_end_matches(".rs").to_owned());
            for item in items(&source) {
                all.add(item, request.as_deref());
            }
        }
        all
    }

    fn add(&mut self, item: Item, module: Option<&str>) {
        match (item, module) {
            // The types of options that several requests have.
            (Item::Macro(item), Some(module)) if item.mac.path.is_ident("options") => {
                for item in syn::parse2::<syn::File>(item.mac.tokens).unwrap().items {
                    self.add(item, Some(module));
                }
            }
            (Item::Struct(item), Some(module)) if matches!(item.fields, Fields::Named(_)) => {
                let name = item.ident.to_string();
                let name = if module == "bundle" { format!("bundle.{name}") } else { name };
                assert!(self.structs.insert(name.clone(), item).is_none(), "two requests are named {name}");
            }
            (Item::Enum(item), _) => {
                self.words.insert(item.ident.to_string(), words(&item));
            }
            (Item::Const(item), _) => {
                if let Some(text) = text(&item.expr) {
                    self.constants.insert(item.ident.to_string(), text);
                }
            }
            _ => {}
        }
    }

    /// The names of the requests.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.structs.keys().map(String::as_str).filter(|name| name.ends_with("Request"))
    }

    /// The options of a request. What only a plan carries with it, or no caller gives as a field, is none.
    pub(crate) fn options(&self, request: &str) -> Vec<Declared> {
        let item = self.structs.get(request).unwrap_or_else(|| panic!("there is no request {request:?}"));
        let Fields::Named(fields) = &item.fields else { panic!("{request} has no named fields") };
        fields.named.iter().filter(|field| !is_hidden(field)).flat_map(|field| self.of_field(field)).collect()
    }

    fn of_field(&self, field: &Field) -> Vec<Declared> {
        let kind = Kind::of(&field.ty);
        if matches!(kind, Kind::One(_)) && self.structs.contains_key(kind.name()) {
            return self.options(kind.name());
        }
        let name = field.ident.as_ref().unwrap().to_string();
        let mut declared = Declared { name, kind, doc: doc(&field.attrs), default: None, long: None };
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("arg")) {
            self.read_argument(attribute, &mut declared);
        }
        vec![declared]
    }

    fn read_argument(&self, attribute: &Attribute, declared: &mut Declared) {
        let read = attribute.parse_nested_meta(|meta| {
            let value: Option<Expr> = meta.value().ok().map(ParseBuffer::parse).transpose()?;
            if meta.path.is_ident("long") {
                let own = declared.name.replace('_', "-");
                declared.long = Some(value.as_ref().map_or(own, |value| text(value).unwrap()));
            } else if meta.path.is_ident("default_value") {
                declared.default = value.as_ref().map(|value| self.text(value));
            }
            Ok(())
        });
        read.unwrap();
    }

    fn text(&self, value: &Expr) -> String {
        match value {
            Expr::Path(path) => self.constants[&path.path.segments.last().unwrap().ident.to_string()].clone(),
            value => text(value).unwrap(),
        }
    }
}

fn items(source: &Source) -> Vec<Item> {
    syn::parse_file(&source.text).unwrap_or_else(|error| panic!("{}: {error}", source.path)).items
}

/// The words as which serde has the variants.
fn words(item: &ItemEnum) -> Vec<String> {
    let mut between = None;
    for attribute in item.attrs.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        // What else serde is told has no bearing on this.
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename_all") {
                let style: syn::LitStr = meta.value()?.parse()?;
                between = match style.value().as_str() {
                    "kebab-case" => Some('-'),
                    "snake_case" => Some('_'),
                    _ => None,
                };
            }
            Ok(())
        });
    }
    let word = |name: String| {
        let letters = name.chars().enumerate().flat_map(|(at, letter)| {
            let before = between.filter(|_| at > 0 && letter.is_uppercase());
            before.into_iter().chain(letter.to_lowercase())
        });
        letters.collect()
    };
    item.variants.iter().map(|variant| word(variant.ident.to_string())).collect()
}

fn is_hidden(field: &Field) -> bool {
    let of_serde = field.attrs.iter().filter(|attribute| attribute.path().is_ident("serde"));
    of_serde.into_iter().any(|attribute| {
        let mut is_hidden = false;
        let _ = attribute.parse_nested_meta(|meta| {
            is_hidden |= meta.path.is_ident("skip") || meta.path.is_ident("skip_serializing_if");
            if let Ok(value) = meta.value() {
                value.parse::<Expr>()?;
            }
            Ok(())
        });
        is_hidden
    })
}

/// The first paragraph.
fn doc(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter(|attribute| attribute.path().is_ident("doc")).map(|attribute| {
        let syn::Meta::NameValue(line) = &attribute.meta else { return String::new() };
        text(&line.value).unwrap_or_default().trim().to_owned()
    });
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

fn text(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}

/// What an option is called on the command line where a list has its singular: `--add-san` twice is `add_sans`.
fn is_called(option: &Declared, long: &str) -> bool {
    let long = long.replace('-', "_");
    long == option.name || matches!(option.kind, Kind::List(_)) && format!("{long}s") == option.name
}

#[test]
fn an_option_has_one_name_on_the_command_line_in_requests_and_in_python() {
    let requests = Requests::read();
    assert!(requests.names().count() > 15);
    for request in requests.names() {
        for option in requests.options(request) {
            if let Some(long) = &option.long {
                assert!(is_called(&option, long), "{request}: --{long} is {}", option.name);
            }
        }
    }
}

#[test]
fn an_option_means_the_same_wherever_it_is() {
    let requests = Requests::read();
    let mut seen: BTreeMap<String, (String, String)> = BTreeMap::new();
    let mut twice: Vec<String> = Vec::new();
    // What a schedule says is written into a unit, and read at another time.
    for request in requests.names().filter(|name| *name != "ScheduleRequest") {
        for option in requests.options(request) {
            let (place, doc) =
                seen.entry(option.name.clone()).or_insert_with(|| (request.to_owned(), option.doc.clone()));
            if *doc != option.doc && !OF_THE_VERB.contains(&option.name.as_str()) {
                twice.push(format!("{} of {request} and of {place}", option.name));
            }
        }
    }
    assert!(twice.is_empty(), "these are declared twice, and say different things: {twice:#?}");
}

/// What each verb has in its own sense.
const OF_THE_VERB: [&str; 24] = [
    "nodes",
    "certificates",
    "algorithm",
    "force",
    "keep",
    "kubelet",
    "name",
    "names",
    "out_dir",
    "outlive_ca",
    "paths",
    "role",
    "validity",
    "keep_key",
    "kubeconfigs",
    "allow_missing_ca_keys",
    "files",
    "before",
    "renew_before",
    "timeout",
    "certificate_authority",
    "client_certificate",
    "client_key",
    "ca_dir",
];

/// Paths of the machine that runs kubepki; every other one says that it is of the node, below `--rootfs`.
const OF_THIS_MACHINE: [&str; 23] = [
    "RenewCaRequest.certificates",
    "new_ca",
    "new_credential",
    "known",
    "material",
    "ConductRequest.nodes",
    "AuditRequest.paths",
    "SignTextRequest.ca_dir",
    "certificate",
    "config",
    "audit_log",
    "key_blocklist",
    "policy",
    "nodes",
    "client_certificate",
    "client_key",
    "certificate_authority",
    "inventory",
    "kubeconfig",
    "ca_key_backup",
    "issuer_ca",
    "ca_cert",
    "ca_key",
];

#[test]
fn a_path_of_the_node_says_so() {
    let requests = Requests::read();
    for request in requests.names() {
        for option in requests.options(request).iter().filter(|option| option.kind.name() == "PathBuf") {
            let of_node = ["of the node", "on the node", "of the node's"].iter().any(|word| option.doc.contains(word));
            let names = [option.name.clone(), format!("{request}.{}", option.name)];
            let of_machine = names.iter().any(|name| OF_THIS_MACHINE.contains(&name.as_str()));
            assert!(of_node != of_machine, "{request}: whose path is {}? {:?}", option.name, option.doc);
        }
    }
}
