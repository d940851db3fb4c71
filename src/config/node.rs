//! What describes one node: its name, its address, its registration; `InitConfiguration` and the parts that
//! `JoinConfiguration` shares with it.
//!
//! In: views of checked documents and what the host says of itself. Out: [`Registration`] and [`Local`], defaulted and
//! judged.
//!
//! Source: kubeadm `SetNodeRegistrationDynamicDefaults`, `SetAPIEndpointDynamicDefaults`,
//! `ValidateNodeRegistrationOptions`, `ValidateBootstrapTokens`.

use std::net::IpAddr;

use super::HostFacts;
use super::name::subdomain_fault;
use super::network::{is_global_unicast, parse_address};
use super::problem::{Code, Place, Problems, quoted};
use super::value::{certificate_key, check_arguments, token};
use super::view::View;

/// `localAPIEndpoint.bindPort` unless told otherwise.
pub(super) const BIND_PORT: u16 = 6443;

/// The API server of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Local {
    pub(super) advertise_address: IpAddr,
    pub(super) bind_port: u16,
}

/// Judges what only `InitConfiguration` has.
pub(super) fn check_init(view: &View<'_>, problems: &mut Problems) {
    certificate_key(&view.field("certificateKey"), problems);
    for item in view.field("bootstrapTokens").items() {
        bootstrap_token(&item, problems);
    }
}

fn bootstrap_token(view: &View<'_>, problems: &mut Problems) {
    token(&view.field("token"), problems);
    if view.field("ttl").is_present() && view.field("expires").is_present() {
        let hint = "keep one: ttl counts from now, expires is a moment";
        problems.add(Code::Token, view.place(), "a token has both ttl and expires", hint);
    }
    let usages = view.field("usages").items();
    for usage in &usages {
        let name = usage.text().unwrap_or_default();
        if !matches!(name, "signing" | "authentication") && !usage.is_unusable() {
            let message = format!("{} is not a token usage", quoted(name));
            problems.add(Code::Token, usage.place(), message, "use signing and authentication");
        }
    }
    // No usages at all are both by default.
    let authenticates = usages.is_empty() || usages.iter().any(|usage| usage.text() == Some("authentication"));
    for group in view.field("groups").items() {
        let name = group.text().unwrap_or_default();
        let suffix = name.strip_prefix("system:bootstrappers:").unwrap_or_default();
        let good = suffix.len() <= 256
            && suffix.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && suffix
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b':' | b'-'));
        if !good && !group.is_unusable() {
            let message = format!("{} is not a group for tokens", quoted(name));
            problems.add(Code::Token, group.place(), message, "write it as system:bootstrappers:my-group");
        } else if !authenticates {
            let message = "the token has groups but does not authenticate";
            problems.add(Code::Token, group.place(), message, "add authentication to its usages, or remove the groups");
        }
    }
}

/// Reads `nodeRegistration`: the node's name, after `override_name` if there is one.
pub(super) fn name(view: &View<'_>, override_name: Option<&str>, host: &HostFacts, problems: &mut Problems) -> String {
    let registration = view.field("nodeRegistration");
    check_arguments(&registration.field("kubeletExtraArgs"), problems);
    cri_socket(&registration.field("criSocket"), problems);
    let field = registration.field("name");
    let mut place = field.place().clone();
    let written = field.text();
    let mut name = written.or(host.hostname.as_deref()).unwrap_or_default().trim().to_lowercase();
    if let Some(fault) = written.and_then(|_| subdomain_fault(&name)) {
        problems.add(Code::NodeName, &place, format!("{} is not a node name", quoted(&name)), fault);
        return name;
    }
    if host.is_optional && written.is_none() && override_name.is_none() && subdomain_fault(&name).is_some() {
        return String::new();
    }
    if let Some(given) = override_name {
        place = Place { mark: None, field: "node name".into() };
        given.clone_into(&mut name);
    }
    if name.is_empty() && !field.is_unusable() {
        problems.add(
            Code::NoNodeName,
            &place,
            "the node has no name, and the host's name is not known",
            "add nodeRegistration.name, or give the node name as an argument",
        );
    } else if let Some(fault) = subdomain_fault(&name.to_ascii_lowercase())
        && (!field.is_unusable() || override_name.is_some())
    {
        let whose = if override_name.is_some() { "given" } else { "this host's name," };
        let message = format!("the node name {whose} {} cannot be used", quoted(&name));
        problems.add(Code::NodeName, &place, message, fault);
    }
    name
}

fn cri_socket(view: &View<'_>, problems: &mut Problems) {
    let Some(socket) = view.text() else {
        return;
    };
    match socket.split_once("://") {
        Some(("unix", _)) => {}
        None if socket.starts_with('/') => problems.warning(
            Code::CriSocket,
            view.place(),
            "the socket has no scheme; kubeadm takes it as unix:// and warns",
            format!("write {}", quoted(&format!("unix://{socket}"))),
        ),
        _ => problems.add(
            Code::CriSocket,
            view.place(),
            format!("{} is not a container runtime socket", quoted(socket)),
            "write it as unix:///run/containerd/containerd.sock",
        ),
    }
}

/// Reads `localAPIEndpoint`.
pub(super) fn local_endpoint(view: &View<'_>, host: &HostFacts, problems: &mut Problems) -> Local {
    let port = view.field("bindPort");
    let bind_port = match port.integer().map(u16::try_from) {
        Some(Ok(0)) => BIND_PORT,
        Some(Ok(given)) => given,
        None if !port.is_present() || port.is_unusable() => BIND_PORT,
        _ => {
            problems.add(Code::Port, port.place(), "this is not a port", "give a number from 1 to 65535");
            BIND_PORT
        }
    };
    let advertise_address = advertise_address(&view.field("advertiseAddress"), host, problems);
    Local { advertise_address, bind_port }
}

fn advertise_address(view: &View<'_>, host: &HostFacts, problems: &mut Problems) -> IpAddr {
    let hint = if view.place().field.starts_with("controlPlane") {
        "write this node's address into the configuration: in its JoinConfiguration, \
         controlPlane: {localAPIEndpoint: {advertiseAddress: 192.0.2.10}}"
    } else {
        "write this node's address into the configuration (--config FILE): an InitConfiguration with \
         localAPIEndpoint: {advertiseAddress: 192.0.2.10}"
    };
    let stand_in = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
    if view.is_unusable() {
        return stand_in;
    }
    if let Some(text) = view.text() {
        let Some(address) = parse_address(text) else {
            let message = format!("{} is not an IP address", quoted(text));
            problems.add(Code::Address, view.place(), message, "write an IPv4 or IPv6 address, without a port");
            return stand_in;
        };
        if is_global_unicast(address) {
            return address;
        }
        if !address.is_unspecified() {
            problems.add(
                Code::Address,
                view.place(),
                format!("other nodes cannot reach {address}"),
                "write the address that this node has in the cluster's network; loopback, link-local, multicast and \
                 broadcast addresses end at the host or its link",
            );
            return stand_in;
        }
    }
    host.default_address
        .map(|address| address.to_canonical())
        .filter(|address| is_global_unicast(*address))
        .unwrap_or_else(|| {
            if !host.is_optional {
                problems.add(
                    Code::NoAddress,
                    view.place(),
                    "the address of the API server is not given, and the host has no default route to find it by",
                    hint,
                );
            }
            stand_in
        })
}
