//! How far the nodes of a cluster are with a rotation, what comes, and what was done.

use super::convert::Fraction;
use super::restart::Standing;
use super::values;
use crate::audit::rotation as audit;
use crate::error::Error;
use crate::ops::etcd_snapshot;
use crate::ops::rotate;
use crate::ops::rotate::{cluster, conduct};
use crate::plan::rotate::{affected, course, objects};
use crate::report;
use crate::text::counted;

values! {
    /// A CA certificate, or a public key of the service accounts, by what tells it apart; digests hexadecimal.
    Anchor(it: audit::Anchor);
    shown = it.short();
    attributes {
        /// The SHA-256 of the certificate, or of the public key.
        sha256 = &it.sha256;
        /// The SHA-256 of the public key: what `kubeadm join` pins.
        public_key_sha256 = &it.public_key_sha256;
        /// The certificate's subject (RFC 4514); None for a key.
        subject = &it.subject;
        /// The certificate's last moment; None for a key.
        not_after = it.not_after;
    }
}

values! {
    /// A certificate of a node, and which of the trusted CAs has signed it; digests hexadecimal.
    SignedLeaf(it: audit::SignedLeaf);
    shown = it.name.clone();
    attributes {
        /// kubeadm's name.
        name = &it.name;
        /// The SHA-256 of the certificate.
        sha256 = &it.sha256;
        /// The SHA-256 of the CA's certificate; None where no trusted one has signed it.
        signed_by = &it.signed_by;
        /// Whether the kubelet asks the cluster for it by itself.
        is_requested = it.is_requested;
    }
}

values! {
    /// A file that is not kubeadm's, from which a component takes whom it trusts.
    TrustElsewhere(it: audit::Elsewhere);
    shown = format!("{}: {}", it.setting, it.file.display());
    attributes {
        /// What names it, as `kube-apiserver --client-ca-file`.
        setting = &it.setting;
        /// The file on the node.
        file = &it.file;
        /// What it holds; nothing where it cannot be read.
        trusted = &it.trusted;
    }
}

values! {
    /// How far one CA, or the service accounts' key, is replaced on a node.
    ///
    /// `stage` is `absent`, `single`, `prepared`, `trust-both/issue-old`, `trust-both/issue-new`, `trust-both` (which one
    /// signs cannot be told there), or `unclear`.
    AuthorityRotation(it: audit::AuthorityRotation);
    shown = format!("{}: {}", it.name, it.stage.as_str());
    attributes {
        /// kubeadm's name: `ca`, `front-proxy-ca`, `etcd-ca`, `sa`.
        name = &it.name;
        /// How far it is.
        stage = it.stage.as_str();
        /// What is trusted, in the file's order.
        trusted = &it.trusted;
        /// The one that signs, by its SHA-256; None where its key is elsewhere.
        issuing = &it.issuing;
        /// Those that come, the one that will sign first.
        next = &it.next;
        /// Those that go, the one that has signed first.
        previous = &it.previous;
        /// Whether the key that comes, or went, is here too.
        has_other_key = it.has_other_key;
        /// Whether the API server does not send what clients of the CA that goes verify its certificate with.
        lacks_bridge = it.lacks_bridge;
        /// Certificates of this node, and who has signed them.
        leaves = &it.leaves;
        /// Files that are not kubeadm's, from which components of this node take whom they trust.
        elsewhere = &it.elsewhere;
        /// What is not as the stage has it, each in a few words.
        behind = &it.behind;
    }
}

values! {
    /// A component that does not use what is on disk.
    DueRestart(it: course::DueRestart);
    shown = format!("{}: {}", it.component, it.reason);
    attributes {
        /// Its name.
        component = &it.component;
        /// Why, in a few words.
        reason = &it.reason;
        /// Whose key it still signs with, or whose certificate it still shows, although another is on disk.
        uses_old = &it.uses_old;
        /// Whose file says something else now than when it started: it trusts what that file held then.
        trusts_old = &it.trusts_old;
    }
}

values! {
    /// How far a node is.
    NodeRotation(it: rotate::NodeRotation);
    shown = {
        let stages: Vec<_> = it.authorities.iter().map(|one| format!("{} {}", one.name, one.stage.as_str())).collect();
        format!("{}: {}", it.node.as_deref().unwrap_or("a node"), stages.join(", "))
    };
    text = report::rotate::status(it, None);
    attributes {
        /// Its name; None where nothing says it.
        node = &it.node;
        /// Whether it is a worker.
        is_worker = it.is_worker;
        /// Its clock.
        looked_at = it.looked_at;
        /// The kubepki that has looked.
        version = &it.version;
        /// Each of those that were asked for.
        authorities = &it.authorities;
        /// The components that do not use what is on disk.
        to_restart = &it.to_restart;
        /// Why the components could not be looked at; None where they were, or none runs here.
        unseen = &it.unseen;
        /// Where a component serves another certificate than that on disk, each in a few words.
        serves_other = &it.serves_other;
        /// The components whose manifest a restart that broke off has left outside its folder: they do not run.
        held = &it.held;
        /// Why clients that trust the old CA alone will refuse what the new one signs; None where they will not.
        failing_clients = &it.failing_clients;
        /// What a rotation cannot begin with here.
        obstacles = it.obstacles.iter().map(|one| Standing(Error::from(one.error(None)).into())).collect::<Vec<_>>();
        /// The cluster's objects that do not hold what this node's files do; None where the cluster was not asked.
        objects = &it.objects;
        /// Why the cluster does not say that; None where it does, or was not asked.
        objects_problem = &it.objects_problem;
        /// Whether something is replaced here, or is not as it is to be.
        is_under_way = it.is_under_way();
    }
}

values! {
    /// A node as it was seen; `rotation` or `problem` is None.
    SeenNode(it: conduct::SeenNode);
    shown = match (&it.rotation, &it.problem) {
        (None, Some(problem)) => format!("{}: {}", it.name, problem.code),
        _ => it.name.clone(),
    };
    attributes {
        /// Its name.
        name = &it.name;
        /// Whether the file of nodes has it as a worker.
        is_worker = it.is_worker;
        /// How far it is.
        rotation = &it.rotation;
        /// Why that is not known.
        problem = &it.problem;
    }
}

values! {
    /// A step of a rotation, and the nodes on which it is due.
    RotationLeg(it: course::Leg);
    shown = format!("{} ({}) on {}", it.phase, it.authorities.join(", "), it.nodes.join(", "));
    attributes {
        /// `trust-both`, `issue-new`, `issue-old`, `reissue`, `trust-new`, `trust-old`, `cluster`.
        phase = it.phase.as_str();
        /// What it is about, by kubeadm's names.
        authorities = &it.authorities;
        /// The nodes, control planes first.
        nodes = &it.nodes;
    }
}

values! {
    /// An object of the cluster that was changed, or is to be.
    ChangedObject(it: objects::ChangedObject);
    shown = format!("{}: {}", it.object, it.says);
    attributes {
        /// The object, as `ConfigMap kube-public/cluster-info`.
        name = &it.object;
        /// What it says now, or is to say.
        says = &it.says;
    }
}

values! {
    /// What has to hold in the cluster before a rotation goes on.
    RotationGate(it: objects::Gate);
    shown = format!("{}: {}", it.name, if it.is_open { &it.seen } else { &it.waits_for });
    attributes {
        /// `api-server`, `kube-root-ca`, `cluster-info`, `client-trust`, `kubeadm-config`, `trust-bundles`, `signer`.
        name = it.name.as_str();
        /// Whether it holds.
        is_open = it.is_open;
        /// What was seen.
        seen = &it.seen;
        /// What is waited for; empty where it is open.
        waits_for = &it.waits_for;
    }
}

values! {
    /// An object of the cluster that holds on to a CA that goes, and does not follow by itself.
    AffectedObject(it: affected::Affected);
    shown = format!("{} {}: {}", it.kind, it.object, it.reason);
    attributes {
        /// `ca-bundle`, `token-secret`, `pod`.
        kind = it.kind.as_str();
        /// The object, as `APIService v1.example.org`.
        name = &it.object;
        /// What was seen.
        reason = &it.reason;
    }
}

values! {
    /// A pod that was restarted, so that it learns of the CAs, or why it was left.
    RestartedPod(it: cluster::RestartedPod);
    shown = format!("{}/{}", it.namespace, it.name);
    attributes {
        /// Its namespace.
        namespace = &it.namespace;
        /// Its name.
        name = &it.name;
        /// Why it was left; None when it has ended, and something makes it anew.
        left = &it.left;
    }
}

values! {
    /// What the cluster's own objects say.
    ClusterState(it: rotate::Settled);
    shown = {
        let closed = it.gates.iter().filter(|gate| !gate.is_open).count();
        format!("{}, {}", counted(it.objects.len(), "changed object"), counted(closed, "closed gate"))
    };
    text = report::rotate::settled(it, None);
    attributes {
        /// Objects that were changed; of a plan those that are to be.
        objects = &it.objects;
        /// What has to hold before it goes on.
        gates = &it.gates;
        /// What holds on to the CA that goes, and does not follow by itself.
        affected = &it.affected;
        /// Pods that were restarted, or why not.
        pods = &it.pods;
        /// The cluster's nodes, by name.
        nodes = &it.nodes;
    }
}

values! {
    /// What etcd held, in a file of a node.
    EtcdSnapshot(it: etcd_snapshot::EtcdSnapshot);
    shown = it.file.display().to_string();
    attributes {
        /// The file on the node.
        file = &it.file;
        /// How many bytes it has.
        size = it.size;
        /// Its SHA-256, hexadecimal.
        sha256 = &it.sha256;
        /// The server that has given it.
        server = &it.server;
        /// The version of that etcd.
        etcd_version = &it.etcd_version;
    }
}

values! {
    /// What a rotation would do, as far as it can be foreseen; nothing was changed.
    RotationPlan(it: conduct::Foreseen);
    shown = counted(it.legs.len(), "step");
    text = report::rotate::foreseen(it, None);
    attributes {
        /// The node on which etcd's snapshot is taken first; None where none is taken.
        etcd_snapshot = &it.etcd_snapshot;
        /// The steps, in order.
        legs = &it.legs;
        /// What the cluster says now.
        cluster = &it.cluster;
        /// What the audit logs say of the old CA's certificates; None where none was given.
        unused = &it.unused;
        /// What is to be known before it begins.
        warnings = &it.warnings;
    }
}

values! {
    /// A step that was done on a node.
    RotationStep(it: conduct::DoneStep);
    shown = format!("{}: {}, {:.1} s", it.node, it.phase, it.seconds);
    attributes {
        /// `trust-both`, `issue-new`, `issue-old`, `reissue`, `trust-new`, `trust-old`, `cluster`.
        phase = it.phase.as_str();
        /// The node.
        node = &it.node;
        /// What it was about, by kubeadm's names.
        authorities = &it.authorities;
        /// How long it took.
        duration = Fraction(it.seconds);
        /// The names of what was changed.
        changed = &it.changed;
        /// The components that were restarted.
        restarted = &it.restarted;
        /// What the cluster says, where that was the step.
        cluster = &it.cluster;
    }
}

values! {
    /// What was done on all nodes, and how far they are.
    RotationReport(it: conduct::Conducted);
    shown = format!("{} on {}", counted(it.steps.len(), "step"), counted(it.nodes.len(), "node"));
    text = report::rotate::nodes(&it.nodes, &[], None);
    attributes {
        /// What etcd held before the first step, where that was kept.
        etcd_snapshot = &it.etcd_snapshot;
        /// Every step, in order.
        steps = &it.steps;
        /// The nodes at the end.
        nodes = &it.nodes;
        /// What `kubeadm join --discovery-token-ca-cert-hash` takes from now on.
        discovery_hashes = &it.discovery_hashes;
    }
}
