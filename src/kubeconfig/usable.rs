//! Whether clients can use a kubeconfig that they can read.
//!
//! In: a document, and a way to tell whether a file that it names can be read. Out: every reason for which client-go
//! would not make a client of its current context. What is in certificates and keys is judged elsewhere.
//!
//! Source: client-go v0.36 `tools/clientcmd/validation.go` and `client_config.go`, `transport.TLSConfigFor`,
//! `plugin/pkg/client/auth/exec`.

use super::Kubeconfig;
use super::error::KubeconfigError;
use super::fields::{bytes, entry, joined, string};
use super::view::CurrentCluster;
use crate::yaml::{Kind, Mapping, Node, Scalar, Value};

/// The versions of the exec protocol that client-go speaks, the newest first.
const EXEC_VERSIONS: [&str; 2] = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

impl Kubeconfig {
    /// Why clients refuse the current context; none when they do not. `is_readable` is asked about each file that the
    /// kubeconfig names.
    ///
    /// # Errors
    /// As [`Kubeconfig::current`].
    pub fn faults(&self, is_readable: impl Fn(&str) -> bool) -> Result<Vec<KubeconfigError>, KubeconfigError> {
        static EMPTY: Mapping = Mapping::new();
        let current = CurrentCluster::of(&self.root)?;
        let mut faults = Faults { list: Vec::new(), is_readable: &is_readable };
        faults.cluster(&current.cluster.path, current.cluster.content.unwrap_or(&EMPTY))?;
        if let Some(user) = entry(&self.root, "users", "user", current.user) {
            faults.user(&user.path, user.content.unwrap_or(&EMPTY))?;
        }
        Ok(faults.list)
    }
}

struct Faults<'a> {
    list: Vec<KubeconfigError>,
    is_readable: &'a dyn Fn(&str) -> bool,
}

type Outcome = Result<(), KubeconfigError>;

impl Faults<'_> {
    fn note(&mut self, field: String, reason: &'static str) {
        self.list.push(KubeconfigError::Unusable { field, reason });
    }

    fn cluster(&mut self, path: &str, fields: &Mapping) -> Outcome {
        let at = |key: &str| joined(path, key);
        let server = string(fields, "server", path)?;
        match server.map(server_fault) {
            None => self.note(at("server"), "it is missing: nothing says where the API server is"),
            Some(Some(reason)) => self.note(at("server"), reason),
            Some(None) => {}
        }
        if let Some(proxy) = string(fields, "proxy-url", path)?
            && !is_proxy(proxy)
        {
            self.note(at("proxy-url"), "it is not a URL that begins with http://, https:// or socks5://");
        }
        let data = bytes(fields, "certificate-authority-data", path)?;
        let file = string(fields, "certificate-authority", path)?;
        if data.is_some() && file.is_some() {
            self.note(at("certificate-authority"), "certificate-authority-data is there too; only one of them may be");
        }
        if let Some(file) = file
            && !(self.is_readable)(file)
        {
            self.note(at("certificate-authority"), "the file that it names cannot be read");
        }
        let is_insecure = fields.get("insecure-skip-tls-verify").and_then(Node::as_scalar).map(Scalar::kind)
            == Some(Kind::Bool(true));
        let is_tls =
            server.is_some_and(|server| server.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://")));
        if is_insecure && is_tls && (data.is_some() || file.is_some()) {
            self.note(
                at("insecure-skip-tls-verify"),
                "it is true beside a certificate authority; only one of them may be",
            );
        }
        Ok(())
    }

    fn user(&mut self, path: &str, fields: &Mapping) -> Outcome {
        let at = |key: &str| joined(path, key);
        let certificate_data = bytes(fields, "client-certificate-data", path)?.is_some();
        let certificate = string(fields, "client-certificate", path)?;
        let key_data = bytes(fields, "client-key-data", path)?.is_some();
        let key = string(fields, "client-key", path)?;
        if certificate_data && certificate.is_some() {
            self.note(at("client-certificate"), "client-certificate-data is there too; only one of them may be");
        }
        if certificate_data || certificate.is_some() {
            if key_data && key.is_some() {
                self.note(at("client-key"), "client-key-data is there too; only one of them may be");
            }
            for (field, file) in [("client-certificate", certificate), ("client-key", key)] {
                if file.is_some_and(|file| !(self.is_readable)(file)) {
                    self.note(at(field), "the file that it names cannot be read");
                }
            }
        }
        let token = string(fields, "token", path)?;
        let has_password = string(fields, "username", path)?.is_some() || string(fields, "password", path)?.is_some();
        if token.is_some() && has_password {
            self.note(at("token"), "username or password are there too; only one way to authenticate may be");
        }
        if token.is_none() && string(fields, "tokenFile", path)?.is_some_and(|file| !(self.is_readable)(file)) {
            self.note(at("tokenFile"), "the file that it names cannot be read");
        }
        let acts_as = string(fields, "as", path)?.is_some();
        let is_filled = |key: &str| match fields.get(key).map(|node| &node.value) {
            Some(Value::Sequence(items)) => !items.is_empty(),
            Some(Value::Mapping(mapping)) => !mapping.is_empty(),
            Some(Value::Scalar(scalar)) => !scalar.is_null() && !scalar.as_str().is_empty(),
            Some(Value::Unusable) | None => false,
        };
        if !acts_as && ["as-uid", "as-groups", "as-user-extra"].into_iter().any(is_filled) {
            self.note(at("as"), "as-uid, as-groups and as-user-extra need the user whom they are about");
        }
        let provider = fields.get("auth-provider").and_then(Node::as_mapping);
        if let Some(exec) = fields.get("exec").and_then(Node::as_mapping) {
            if provider.is_some() {
                self.note(at("exec"), "auth-provider is there too; only one of them may be");
            }
            self.exec(&at("exec"), exec)?;
        }
        if let Some(provider) = provider {
            self.provider(&at("auth-provider"), provider)?;
        }
        Ok(())
    }

    fn provider(&mut self, path: &str, fields: &Mapping) -> Outcome {
        static EMPTY: Mapping = Mapping::new();
        if string(fields, "name", path)? != Some("oidc") {
            self.note(joined(path, "name"), "clients have no such provider any more, only oidc; use exec");
            return Ok(());
        }
        let config = fields.get("config").and_then(Node::as_mapping).unwrap_or(&EMPTY);
        let path = joined(path, "config");
        for key in ["idp-issuer-url", "client-id"] {
            if string(config, key, &path)?.is_none() {
                self.note(joined(&path, key), "it is missing");
            }
        }
        Ok(())
    }

    fn exec(&mut self, path: &str, fields: &Mapping) -> Outcome {
        let at = |key: &str| joined(path, key);
        if string(fields, "command", path)?.is_none() {
            self.note(at("command"), "it is missing");
        }
        let version = string(fields, "apiVersion", path)?;
        match version {
            None => self.note(at("apiVersion"), "it is missing"),
            Some(version) if !EXEC_VERSIONS.contains(&version) => {
                self.note(at("apiVersion"), "clients know client.authentication.k8s.io/v1 and v1beta1 alone");
            }
            Some(_) => {}
        }
        match string(fields, "interactiveMode", path)? {
            Some("Never" | "IfAvailable" | "Always") => {}
            // The default of the older versions.
            None if version.is_some_and(|version| version != "client.authentication.k8s.io/v1") => {}
            _ => self.note(at("interactiveMode"), "it must be Never, IfAvailable or Always"),
        }
        let variables = fields.get("env").and_then(Node::as_sequence).unwrap_or_default();
        for (index, item) in variables.iter().enumerate() {
            let named = match item.as_mapping() {
                Some(variable) => string(variable, "name", path)?.is_some(),
                None => false,
            };
            if !named {
                self.note(format!("{path}.env[{index}].name"), "it is missing");
            }
        }
        Ok(())
    }
}

/// What of a server's URL or `host:port` no client can use.
fn server_fault(server: &str) -> Option<&'static str> {
    let is_url = server.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme));
    let (authority, path) = match server.split_once("://").filter(|_| is_url) {
        Some((_, rest)) => rest.split_once('/').map_or((rest, ""), |(authority, path)| (authority, path)),
        None => match server.split_once('/') {
            // Without a scheme only a host and a port can stand.
            Some((authority, path)) if !path.is_empty() => {
                return Some(if authority.is_empty() {
                    "it has no host"
                } else {
                    "it has a path, and no https:// before the host"
                });
            }
            Some((authority, _)) => (authority, ""),
            None => (server, ""),
        },
    };
    let is_whole = !is_url || !authority.is_empty();
    if is_whole && is_authority(authority) && is_path(path) { None } else { Some("it is not the URL of a server") }
}

/// A proxy's URL as Go parses it, with a scheme that client-go knows.
fn is_proxy(proxy: &str) -> bool {
    let Some((scheme, rest)) = proxy.split_once(':') else { return false };
    if !["http", "https", "socks5"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) || proxy.contains(is_control)
    {
        return false;
    }
    let Some(rest) = rest.strip_prefix("//") else { return true };
    let (authority, path) = rest.split_once(['/', '?', '#']).unwrap_or((rest, ""));
    is_authority(authority) && is_path(path)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

fn is_control(c: char) -> bool {
    c.is_ascii_control()
}

/// A path, query or fragment in which every percent sign begins two hexadecimal digits.
fn is_path(text: &str) -> bool {
    let query = text.find('?').unwrap_or(text.len());
    let mut rest = text.get(..query).unwrap_or_default();
    while let Some((_, after)) = rest.split_once('%') {
        if !after.get(..2).is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            return false;
        }
        rest = after;
    }
    !text.contains(is_control)
}

/// `user@host:port`: no blanks, brackets that close, a port of digits.
fn is_authority(authority: &str) -> bool {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let port = match host.strip_prefix('[') {
        Some(inside) => match inside.split_once(']') {
            Some((_, port)) => port,
            None => return false,
        },
        None => host.find(':').and_then(|colon| host.get(colon..)).unwrap_or_default(),
    };
    let is_port =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let is_host = !host.contains(|c: char| {
        c.is_ascii_control() || matches!(c, ' ' | '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' | '%')
    });
    is_port && is_host
}
