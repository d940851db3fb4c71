#!/bin/sh
# Make, check and renew a cluster's PKI by the stand-alone binary in a root folder that has nothing else: no C library, /proc,
# /etc/passwd, resolver or locale. Needs root for that; without, and under an emulator, the folder is given by --rootfs.
#   sh tests/binary/try_binary.sh BINARY [EMULATOR]
set -eu
binary=$1
emulator=${2:-}

case $(LC_ALL=C readelf --program-headers --dynamic "$binary") in
    *INTERP* | *NEEDED*) echo "$binary wants a loader or a library" >&2; exit 1 ;;
esac

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$binary" "$folder/kubepki"
if [ -n "$emulator" ] || [ "$(id -u)" != 0 ]; then
    mkdir "$folder/node"
    kubepki() {
        verb=$1
        shift
        case $verb in version) set -- version ;; *) set -- "$verb" "$@" --rootfs "$folder/node" ;; esac
        env -i $emulator "$folder/kubepki" "$@"
    }
else
    kubepki() { env -i "$(command -v chroot)" "$folder" /kubepki "$@"; }
fi

cat > "$folder/kubeadm.yaml" <<'CONFIG'
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: 192.0.2.10, bindPort: 6443}
nodeRegistration: {name: cp1}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.2
encryptionAlgorithm: ECDSA-P256
CONFIG
config=/kubeadm.yaml
[ ! -d "$folder/node" ] || config=$folder/kubeadm.yaml

kubepki version
kubepki init --config "$config"
kubepki check --config "$config"
kubepki certs renew all
kubepki check
echo "$binary: static, and works where there is nothing else"
