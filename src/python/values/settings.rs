//! What components are told, so that kubelets serve certificates that can be verified.

use super::values;
use crate::ops::enable_serving;
use crate::ops::require_serving;
use crate::plan::setting;
use crate::report;
use crate::text::counted;

values! {
    /// A document, and what it is to say: a file of the node, or an object of the cluster.
    Setting(it: setting::Setting);
    shown = format!("{}: {}", it.place, it.says);
    attributes {
        /// Where it is: a path, or `ConfigMap NAMESPACE/NAME`.
        place = &it.place;
        /// What it is to say, as `serverTLSBootstrap: true`.
        says = &it.says;
        /// Whether it said so before.
        is_set = it.is_set();
        /// Its text before.
        before = &it.before;
        /// Its text afterwards.
        after = &it.after;
    }
}

values! {
    /// What came of a kubelet's request for its serving certificate.
    AwaitedRequest(it: enable_serving::AwaitedRequest);
    shown = format!("{}: {}", it.name.as_deref().unwrap_or("no request"), it.state.as_str());
    attributes {
        /// `waits` (to be approved), `denied`, or `served`: the kubelet has its certificate.
        state = it.state.as_str();
        /// The request's name in the cluster, if there is one.
        name = &it.name;
        /// The names and addresses that it asks for, as `DNS:NAME` and `IP:ADDRESS`.
        names = &it.names;
    }
}

values! {
    /// What makes kubelets ask the cluster for the certificate that they serve.
    ServingSetup(it: enable_serving::ServingSetup);
    shown = format!("{}: {}", it.node.as_deref().unwrap_or("a node"), counted(it.settings.len(), "document"));
    text = report::settings::setup(it, None);
    attributes {
        /// The node's name; none where nothing says it.
        node = &it.node;
        /// The API server's URL; none where none was asked.
        server = &it.server;
        /// The documents, and what each is to say.
        settings = &it.settings;
        /// Whether every document said it before.
        is_set = it.is_set();
        /// Whether what was not so is so now.
        is_written = it.is_written;
        /// Where the file is kept as it was.
        backup = &it.backup;
        /// Whether the kubelet was restarted.
        was_restarted = it.was_restarted;
        /// What came of the kubelet's request, where it was waited for.
        request = &it.request;
    }
}

values! {
    /// What a node's kubelet serves, as the API server sees it.
    NodeServing(it: require_serving::NodeServing);
    shown = format!("{}: {}", it.name, it.problem.as_deref().unwrap_or("verified"));
    attributes {
        /// The node's name.
        name = &it.name;
        /// Where the API server reaches its kubelet, as `host:port`.
        endpoint = &it.endpoint;
        /// When the certificate ends that it serves.
        not_after = it.not_after;
        /// Why the API server would not accept it.
        problem = &it.problem;
    }
}

values! {
    /// What makes the API server of a node verify what kubelets serve.
    ServingRequirement(it: require_serving::ServingRequirement);
    shown = format!("{}: {}", it.server, counted(it.nodes.len(), "node"));
    text = report::settings::requirement(it, None);
    attributes {
        /// The API server's URL.
        server = &it.server;
        /// The file of the CA that verifies.
        authority = &it.authority;
        /// The nodes of the cluster.
        nodes = &it.nodes;
        /// The control-plane nodes: each has an API server of its own.
        control_plane = &it.control_plane;
        /// The documents, and what each is to say.
        settings = &it.settings;
        /// Whether every document said it before.
        is_set = it.is_set();
        /// Whether what was not so is so now.
        is_written = it.is_written;
        /// Where the manifest is kept as it was.
        backup = &it.backup;
    }
}
