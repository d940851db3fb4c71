#!/bin/sh
# Make, check and renew a cluster's PKI by an AArch64 wheel, in Debian's Python for that processor under emulation.
# Needs qemu-user-static, openssl and Debian's package lists; unpacks into the folder that is named second, installs nothing.
#   sh tests/aarch64/try_wheel.sh WHEEL FOLDER
set -eu
wheel=$1
folder=$(mkdir -p "$2" && cd "$2" && pwd)

if [ ! -x "$folder/root/usr/bin/python3.11" ]; then
    mkdir -p "$folder/lists/lists/partial" "$folder/cache/archives/partial"
    : > "$folder/status"
    apt() {
        apt-get -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$folder/lists" \
            -o Dir::State::status="$folder/status" -o Dir::Cache="$folder/cache" "$@"
    }
    apt update
    apt install --yes --download-only --no-install-recommends python3.11
    for package in "$folder"/cache/archives/*.deb; do
        dpkg-deb --extract "$package" "$folder/root"
    done
fi

rm -rf "$folder/site" "$folder/node"
mkdir -p "$folder/site" "$folder/node"
python3 -m zipfile --extract "$wheel" "$folder/site"
export PYTHONPATH="$folder/site"
kubepki() {
    qemu-aarch64-static -L "$folder/root" "$folder/root/usr/bin/python3.11" -m kubepki "$@"
}

kubepki --version --verbose | grep aarch64
kubepki init --rootfs "$folder/node"
kubepki check --rootfs "$folder/node"
kubepki certs renew all --rootfs "$folder/node"
kubepki check --rootfs "$folder/node"
pki="$folder/node/etc/kubernetes/pki"
openssl verify -CAfile "$pki/ca.crt" "$pki/apiserver.crt" "$pki/apiserver-kubelet-client.crt"
openssl verify -CAfile "$pki/etcd/ca.crt" "$pki/etcd/server.crt" "$pki/apiserver-etcd-client.crt"
