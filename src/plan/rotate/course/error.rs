//! Why a rotation over all nodes does not go on.
//!
//! In: what was seen of the nodes. Out: a [`CourseError`].

use crate::error::faults;
use crate::remedy::command;

faults! {
    /// Why a rotation does not go on.
    pub enum CourseError {
        /// Nodes do not have the same CA, and no rotation that is under way explains it.
        #[error("{authority} is not the same on every node: {}", nodes.join("; "))]
        #[fault("rotate.nodes_differ", Refused,
            "compare them: `kubepki rotate status`; a node of another cluster may be in the file",
            context = crate::error::evidence!(authority, nodes))]
        NodesDiffer {
            /// The authority.
            authority: String,
            /// Each node and what it trusts.
            nodes: Vec<String>,
        },
        /// A CA was renewed, with its key, on some nodes and not on others.
        #[error("{authority} has one key on every node, and several certificates: {}", nodes.join("; "))]
        #[fault("rotate.renewed", Refused,
            format!("take the renewed certificate to the others, and run there: `kubepki ca renew {authority} --certificate FILE`"),
            context = crate::error::evidence!(authority, nodes))]
        Renewed {
            /// The authority.
            authority: String,
            /// Each node and what it trusts.
            nodes: Vec<String>,
        },
        /// A node has nothing of what other nodes have: it would be left out, and cut off at the end.
        #[error("{node} has no {authority}")]
        #[fault("rotate.missing", Refused,
            "put it back there, from another node, or from a backup that has it (`kubepki backup list`, then `kubepki backup restore NAME --only FILE`); a node that is not of the cluster any more: take it out of the file",
            context = crate::error::evidence!(node, authority))]
        Missing {
            /// The node.
            node: String,
            /// The authority.
            authority: String,
        },
        /// The files of a node contradict each other.
        #[error("{node}: {authority} is {stage}: {reason}")]
        #[fault("rotate.unclear", Refused, "put the files right there; one that is broken comes from another node, or from a backup that has it (`kubepki backup list`, then `kubepki backup restore NAME --only FILE`)")]
        Unclear {
            /// The node.
            node: String,
            /// The authority.
            authority: String,
            /// What it is.
            stage: &'static str,
            /// What is wrong.
            reason: String,
        },
        /// The old CA is still needed.
        #[error("the old CA is still needed: {}", left.join("; "))]
        #[fault("rotate.not_ready", Refused, format!("go on first: {}", command(["kubepki", "rotate", "resume"])),
            context = crate::error::evidence!(left))]
        NotReady {
            /// What is left to do, by node.
            left: Vec<String>,
        },
        /// The old CA is not trusted any more on some node: the way back is a new rotation.
        #[error("{authority}: the old CA is gone on {node}")]
        #[fault("rotate.too_late", Refused, format!("finish this one: {}; others can still be given up: --authority NAME; the way back is a rotation to the old CA",
            command(["kubepki", "rotate", "finish", "--authority", authority])))]
        TooLate {
            /// The authority.
            authority: String,
            /// The node.
            node: String,
        },
        /// What a kubelet asks the cluster for by itself is not renewed by a rotation.
        #[error("the certificate that the kubelet serves is of the CA that goes: {}", nodes.join(", "))]
        #[fault("rotate.serving_left", Refused,
            "on each of these nodes remove `/var/lib/kubelet/pki/kubelet-server-current.pem`, restart the kubelet, and approve its request: `kubepki kubelet approve`",
            context = crate::error::evidence!(nodes))]
        ServingLeft {
            /// The nodes.
            nodes: Vec<String>,
        },
        /// A component goes on with a certificate that is not on disk any more.
        #[error("another certificate is served than that on disk: {}", served.join("; "))]
        #[fault("rotate.still_served", Refused,
            "an API server loads its certificate within a minute; otherwise, on that node: `kubepki restart`",
            context = crate::error::evidence!(served))]
        StillServed {
            /// Each node, and where.
            served: Vec<String>,
        },
        /// Others have given the old CA up, and a node has nothing else.
        #[error("{authority}: {node} has the old CA alone, and other nodes have given it up")]
        #[fault("rotate.left_behind", Refused,
            format!("it has to join anew: take it out of the cluster (kubectl delete node {node}) and out of the file, go on: {}, then kubeadm reset and kubeadm join there",
                command(["kubepki", "rotate", "resume"])))]
        LeftBehind {
            /// The authority.
            authority: String,
            /// The node.
            node: String,
        },
        /// A control plane has not what the old CA signs with: where the others go back, it could not follow.
        #[error("the old one cannot sign again on every control plane: {}", nodes.join("; "))]
        #[fault("rotate.one_way", Refused,
            "copy its certificate and key, as ca-previous.crt and ca-previous.key, from a control plane that has them; where none has, go on: `kubepki rotate finish`",
            context = crate::error::evidence!(nodes))]
        OneWay {
            /// Each node, and what it lacks.
            nodes: Vec<String>,
        },
        /// No rotation is under way.
        #[error("no rotation is under way")]
        #[fault("rotate.none" as NONE, Finding, format!("begin one: {}", command(["kubepki", "rotate", "start"])))]
        None,
    }
}
