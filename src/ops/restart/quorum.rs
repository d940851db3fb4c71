//! Whether etcd can spare the member of this node for a moment.
//!
//! In: etcd as its manifest has it. Out: [`Quorum`]: whether there is one now, and whether it would be lost. The members
//! are asked as `etcdctl endpoint health --cluster` asks them: this node's member for the list, by its peer port, and each
//! for its own health, by its client port. No certificate is verified: one that has expired is to be replaced by the very
//! restart that is asked for, and the answers do no more than let it go on or stop it.
//!
//! Source: etcd `etcdserver/api/etcdhttp/peer.go` (`/members`, `/version`), `health.go` (`/health`).

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::node::Components;
use crate::component::Url;
use crate::edge::http;
use crate::edge::tls::{Address, Identity};
use crate::plan::restart::{Endpoint, HealthAction, Quorum, QuorumMember, judge_quorum};
use crate::workers;

/// How long one member may take.
const TIMEOUT: Duration = Duration::from_secs(3);

/// A member, as etcd lists it.
#[derive(Clone, Debug, Deserialize)]
struct Member {
    #[serde(default)]
    name: String,
    #[serde(default, rename = "peerURLs")]
    peer_urls: Vec<String>,
    #[serde(default, rename = "clientURLs")]
    client_urls: Vec<String>,
    #[serde(default, rename = "isLearner")]
    is_learner: bool,
}

/// Asks the members.
pub(super) fn ask(components: &Components) -> Quorum {
    let Some((etcd, name)) = components
        .member("etcd")
        .and_then(|member| Some((member.component.as_ref()?, member.manners.as_ref()?.member_name.as_str())))
    else {
        return Quorum::default();
    };
    let identities = identities(components);
    let Some(peers) = etcd.endpoints.iter().find(|endpoint| endpoint.purpose == "peers").map(Endpoint::address) else {
        return Quorum::default();
    };
    let listed = identities.iter().find_map(|identity| members(identity, &peers));
    let Some(members) = listed else {
        log::info!("etcd's members cannot be asked: none of the client certificates gets an answer from {peers}");
        return Quorum::default();
    };
    let voting: Vec<_> = members.into_iter().filter(|member| !member.is_learner).collect();
    let states = workers::at_once(&voting, |member| health(&identities, member));
    let states: Vec<_> = voting
        .iter()
        .zip(states)
        .map(|(member, state)| QuorumMember {
            name: member.name.clone(),
            is_ours: member.name == name,
            problem: state.err(),
        })
        .collect();
    judge_quorum(&states)
}

/// Whether this node's member says that there is a quorum; `Err` with what it says.
pub(super) fn is_there(components: &Components) -> Result<(), String> {
    let Some(etcd) = components.component("etcd") else { return Ok(()) };
    if let Some(health) = &etcd.health
        && let HealthAction::Get { is_tls: false, .. } = health.action
    {
        let place = Address { host: health.host.clone(), port: health.port };
        return said(&place, &http::get(&place, false, "/health", TIMEOUT).map_err(|error| error.to_string())?);
    }
    let Some(clients) = etcd.endpoints.iter().find(|endpoint| endpoint.purpose == "clients").map(Endpoint::address)
    else {
        return Ok(());
    };
    let answer = asked_as(&identities(components), &clients, "/health");
    answer.map_or(Ok(()), |answer| said(&clients, &answer?))
}

/// The answer to the first identity that gets one, or the last failure; `None` without an identity.
fn asked_as(identities: &[Identity], place: &Address, path: &str) -> Option<Result<http::Answer, String>> {
    let mut last = None;
    for identity in identities {
        let answer = http::get_as(identity, place, path, TIMEOUT).map_err(|error| error.to_string());
        if answer.is_ok() {
            return Some(answer);
        }
        last = Some(answer);
    }
    last
}

fn said(place: &Address, answer: &http::Answer) -> Result<(), String> {
    match answer.status {
        200 => Ok(()),
        status => Err(format!("{place}/health answers {status} {}", answer.body.trim())),
    }
}

fn members(identity: &Identity, peers: &Address) -> Option<Vec<Member>> {
    let answer = http::get_as(identity, peers, "/members", TIMEOUT).ok().filter(|answer| answer.status == 200)?;
    serde_json::from_str(answer.body.trim()).ok()
}

fn health(identities: &[Identity], member: &Member) -> Result<(), String> {
    let ask = |urls: &[String], path: &str| {
        let url = urls.iter().filter_map(|url| Url::parse(url)).find(|url| url.is_tls);
        let Url { host, port, .. } = url.ok_or_else(|| "it has no address".to_owned())?;
        let place = Address { host, port };
        let answer = asked_as(identities, &place, path);
        let answer = answer.unwrap_or_else(|| Err("no client certificate to ask it with".to_owned()))?;
        Ok((place, answer))
    };
    match ask(&member.client_urls, "/health") {
        // A client port that speaks gRPC alone (`--listen-client-http-urls`): whether it lives must do.
        Ok((_, answer)) if answer.status == 404 || answer.status == 415 => ask(&member.peer_urls, "/version").map(drop),
        Ok((place, answer)) => said(&place, &answer),
        Err(problem) => Err(problem),
    }
}

/// The client certificates that etcd accepts, as far as this node has them: kubeadm's for health checks, the API
/// server's, etcd's own.
fn identities(components: &Components) -> Vec<Identity> {
    let etcd = components.component("etcd");
    let server = components.component("kube-apiserver");
    let mut pairs: Vec<(PathBuf, PathBuf)> = Vec::new();
    if let Some(folder) = etcd.and_then(|etcd| etcd.pairs.first()?.0.parent()) {
        pairs.push((folder.join("healthcheck-client.crt"), folder.join("healthcheck-client.key")));
    }
    pairs.extend(server.and_then(|server| server.etcd_client.clone()));
    pairs.extend(etcd.iter().flat_map(|etcd| &etcd.pairs).cloned());
    pairs
        .iter()
        .filter_map(|(certificate, key)| {
            let tree = components.store.read([certificate, key]);
            let certificates = tree.content(certificate)?.to_vec();
            let key = super::super::node::content_of(&tree, key).ok()?.clone();
            Some(Identity { certificates, key })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_as_etcd_lists_them() {
        let text = r#"[{"id":2232387200959030785,"peerURLs":["https://192.0.2.10:2380"],"name":"cp1",
            "clientURLs":["https://192.0.2.10:2379"]},{"id":1,"peerURLs":["https://[fd00::1]:2380"],"name":"",
            "isLearner":true}]"#;
        let members: Vec<Member> = serde_json::from_str(text).unwrap();
        assert_eq!((members[0].name.as_str(), members[0].is_learner, members[1].is_learner), ("cp1", false, true));
        assert_eq!(Url::parse(&members[1].peer_urls[0]).unwrap().host, "fd00::1");
    }
}
