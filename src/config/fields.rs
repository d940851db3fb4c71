//! Every field of kubeadm's `InitConfiguration`, `ClusterConfiguration` and `JoinConfiguration`, in v1beta3 and
//! v1beta4, as tables.
//!
//! In: nothing. Out: [`INIT`], [`CLUSTER`], [`JOIN`]. To add a field, add a row. Fields that kubepki does not
//! use are here too: a valid file must never be refused.
//!
//! Source: kubeadm `apis/kubeadm/v1beta3/types.go`, `v1beta4/types.go`, `apis/bootstraptoken/v1/types.go`, and
//! `Taint`, `EnvVar`, `HostPathType`, `PullPolicy` of the Kubernetes core v1 API.

use super::schema::{ApiVersion, Field, Struct, Type};

const fn both(name: &'static str, kind: Type) -> Field {
    Field { name, kind, only: None, instead: "" }
}

const fn v1beta3(name: &'static str, kind: Type, instead: &'static str) -> Field {
    Field { name, kind, only: Some(ApiVersion::V1beta3), instead }
}

const fn v1beta4(name: &'static str, kind: Type) -> Field {
    Field { name, kind, only: Some(ApiVersion::V1beta4), instead: "" }
}

const STRINGS: Type = Type::List(&Type::Text);
const STRING_MAP: Type = Type::Map(&Type::Text);
const ARGS: Type = Type::List(&Type::Struct(&ARG));
const ENVS: Type = Type::List(&Type::Struct(&ENV_VAR));
const MOUNTS: Type = Type::List(&Type::Struct(&HOST_PATH_MOUNT));

const TYPE_META: &[Field] = &[both("apiVersion", Type::Text), both("kind", Type::Text)];

pub(super) static INIT: Struct = Struct {
    groups: &[
        TYPE_META,
        &[
            both("bootstrapTokens", Type::List(&Type::Struct(&BOOTSTRAP_TOKEN))),
            v1beta4("dryRun", Type::Flag),
            both("nodeRegistration", Type::Struct(&NODE_REGISTRATION)),
            both("localAPIEndpoint", Type::Struct(&API_ENDPOINT)),
            both("certificateKey", Type::Secret),
            both("skipPhases", STRINGS),
            both("patches", Type::Struct(&PATCHES)),
            v1beta4("timeouts", Type::Struct(&TIMEOUTS)),
        ],
    ],
};

pub(super) static CLUSTER: Struct = Struct {
    groups: &[
        TYPE_META,
        &[
            both("etcd", Type::Struct(&ETCD)),
            both("networking", Type::Struct(&NETWORKING)),
            both("kubernetesVersion", Type::Text),
            both("controlPlaneEndpoint", Type::Text),
            both("apiServer", Type::Struct(&API_SERVER)),
            both("controllerManager", Type::Struct(&COMPONENT)),
            both("scheduler", Type::Struct(&COMPONENT)),
            both("dns", Type::Struct(&DNS)),
            v1beta4("proxy", Type::Struct(&PROXY)),
            both("certificatesDir", Type::Text),
            both("imageRepository", Type::Text),
            both("featureGates", Type::Map(&Type::Flag)),
            both("clusterName", Type::Text),
            v1beta4("encryptionAlgorithm", Type::Text),
            v1beta4("certificateValidityPeriod", Type::Duration),
            v1beta4("caCertificateValidityPeriod", Type::Duration),
        ],
    ],
};

pub(super) static JOIN: Struct = Struct {
    groups: &[
        TYPE_META,
        &[
            v1beta4("dryRun", Type::Flag),
            both("nodeRegistration", Type::Struct(&NODE_REGISTRATION)),
            both("caCertPath", Type::Text),
            both("discovery", Type::Struct(&DISCOVERY)),
            both("controlPlane", Type::Struct(&JOIN_CONTROL_PLANE)),
            both("skipPhases", STRINGS),
            both("patches", Type::Struct(&PATCHES)),
            v1beta4("timeouts", Type::Struct(&TIMEOUTS)),
        ],
    ],
};

const EXTRA_ARGS: &[Field] = &[v1beta3("extraArgs", STRING_MAP, ""), v1beta4("extraArgs", ARGS)];

const COMPONENT_FIELDS: &[Field] = &[both("extraVolumes", MOUNTS), v1beta4("extraEnvs", ENVS)];

const IMAGE_META: &[Field] = &[both("imageRepository", Type::Text), both("imageTag", Type::Text)];

static COMPONENT: Struct = Struct { groups: &[EXTRA_ARGS, COMPONENT_FIELDS] };

static API_SERVER: Struct = Struct {
    groups: &[
        EXTRA_ARGS,
        COMPONENT_FIELDS,
        &[
            both("certSANs", STRINGS),
            v1beta3(
                "timeoutForControlPlane",
                Type::Duration,
                "write timeouts.controlPlaneComponentHealthCheck in InitConfiguration or JoinConfiguration instead",
            ),
        ],
    ],
};

static DNS: Struct = Struct { groups: &[IMAGE_META, &[v1beta4("disabled", Type::Flag)]] };

static PROXY: Struct = Struct { groups: &[&[v1beta4("disabled", Type::Flag)]] };

static NETWORKING: Struct = Struct {
    groups: &[&[both("serviceSubnet", Type::Text), both("podSubnet", Type::Text), both("dnsDomain", Type::Text)]],
};

static ETCD: Struct =
    Struct { groups: &[&[both("local", Type::Struct(&LOCAL_ETCD)), both("external", Type::Struct(&EXTERNAL_ETCD))]] };

static LOCAL_ETCD: Struct = Struct {
    groups: &[
        IMAGE_META,
        EXTRA_ARGS,
        &[
            both("dataDir", Type::Text),
            v1beta4("extraEnvs", ENVS),
            both("serverCertSANs", STRINGS),
            both("peerCertSANs", STRINGS),
        ],
    ],
};

static EXTERNAL_ETCD: Struct = Struct {
    groups: &[&[
        both("endpoints", STRINGS),
        v1beta4("httpEndpoints", STRINGS),
        both("caFile", Type::Text),
        both("certFile", Type::Text),
        both("keyFile", Type::Text),
    ]],
};

static API_ENDPOINT: Struct =
    Struct { groups: &[&[both("advertiseAddress", Type::Text), both("bindPort", Type::Integer)]] };

static NODE_REGISTRATION: Struct = Struct {
    groups: &[&[
        both("name", Type::Text),
        both("criSocket", Type::Text),
        both("taints", Type::List(&Type::Struct(&TAINT))),
        v1beta3("kubeletExtraArgs", STRING_MAP, ""),
        v1beta4("kubeletExtraArgs", ARGS),
        both("ignorePreflightErrors", STRINGS),
        both("imagePullPolicy", Type::OneOf(&["Always", "IfNotPresent", "Never"])),
        v1beta4("imagePullSerial", Type::Flag),
    ]],
};

static TAINT: Struct = Struct {
    groups: &[&[
        both("key", Type::Text),
        both("value", Type::Text),
        both("effect", Type::Text),
        both("timeAdded", Type::Time),
    ]],
};

static JOIN_CONTROL_PLANE: Struct = Struct {
    groups: &[&[both("localAPIEndpoint", Type::Struct(&API_ENDPOINT)), both("certificateKey", Type::Secret)]],
};

static DISCOVERY: Struct = Struct {
    groups: &[&[
        both("bootstrapToken", Type::Struct(&TOKEN_DISCOVERY)),
        both("file", Type::Struct(&FILE_DISCOVERY)),
        both("tlsBootstrapToken", Type::Secret),
        v1beta3("timeout", Type::Duration, "write timeouts.discovery instead"),
    ]],
};

static TOKEN_DISCOVERY: Struct = Struct {
    groups: &[&[
        both("token", Type::Secret),
        both("apiServerEndpoint", Type::Text),
        both("caCertHashes", STRINGS),
        both("unsafeSkipCAVerification", Type::Flag),
    ]],
};

static FILE_DISCOVERY: Struct = Struct { groups: &[&[both("kubeConfigPath", Type::Text)]] };

static BOOTSTRAP_TOKEN: Struct = Struct {
    groups: &[&[
        both("token", Type::Secret),
        both("description", Type::Text),
        both("ttl", Type::Duration),
        both("expires", Type::Time),
        both("usages", STRINGS),
        both("groups", STRINGS),
    ]],
};

static PATCHES: Struct = Struct { groups: &[&[both("directory", Type::Text)]] };

static TIMEOUTS: Struct = Struct {
    groups: &[&[
        v1beta4("controlPlaneComponentHealthCheck", Type::Duration),
        v1beta4("kubeletHealthCheck", Type::Duration),
        v1beta4("kubernetesAPICall", Type::Duration),
        v1beta4("etcdAPICall", Type::Duration),
        v1beta4("tlsBootstrap", Type::Duration),
        v1beta4("discovery", Type::Duration),
        v1beta4("upgradeManifests", Type::Duration),
    ]],
};

static ARG: Struct = Struct { groups: &[&[v1beta4("name", Type::Text), v1beta4("value", Type::Text)]] };

static HOST_PATH_MOUNT: Struct = Struct {
    groups: &[&[
        both("name", Type::Text),
        both("hostPath", Type::Text),
        both("mountPath", Type::Text),
        both("readOnly", Type::Flag),
        both("pathType", Type::Text),
    ]],
};

static ENV_VAR: Struct = Struct {
    groups: &[&[
        v1beta4("name", Type::Text),
        v1beta4("value", Type::Text),
        v1beta4("valueFrom", Type::Struct(&ENV_VAR_SOURCE)),
    ]],
};

static ENV_VAR_SOURCE: Struct = Struct {
    groups: &[&[
        v1beta4("fieldRef", Type::Struct(&FIELD_REF)),
        v1beta4("resourceFieldRef", Type::Struct(&RESOURCE_FIELD_REF)),
        v1beta4("configMapKeyRef", Type::Struct(&KEY_REF)),
        v1beta4("secretKeyRef", Type::Struct(&KEY_REF)),
        v1beta4("fileKeyRef", Type::Struct(&FILE_KEY_REF)),
    ]],
};

static FIELD_REF: Struct = Struct { groups: &[&[both("apiVersion", Type::Text), both("fieldPath", Type::Text)]] };

static RESOURCE_FIELD_REF: Struct = Struct {
    groups: &[&[both("containerName", Type::Text), both("resource", Type::Text), both("divisor", Type::Quantity)]],
};

static KEY_REF: Struct =
    Struct { groups: &[&[both("name", Type::Text), both("key", Type::Text), both("optional", Type::Flag)]] };

static FILE_KEY_REF: Struct = Struct {
    groups: &[&[
        both("volumeName", Type::Text),
        both("path", Type::Text),
        both("key", Type::Text),
        both("optional", Type::Flag),
    ]],
};
