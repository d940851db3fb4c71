#!/bin/sh
# Makes and checks the PKI of a cluster of one node below a folder: what `make demo` runs. Wants `kubepki` on PATH.
# The argument is the folder to work in. Run again, it finds everything there and changes nothing.
set -eu

demo=${1:?usage: demo.sh FOLDER}
config=$(dirname "$0")/single-node.yaml

step() {
    printf '\n$ %s\n' "$*"
    "$@"
}

mkdir -p "$demo"
step kubepki --version
step kubepki config validate --config "$config"
step kubepki init --config "$config" --rootfs "$demo"
step kubepki check --config "$config" --rootfs "$demo"
step kubepki certs check-expiration --config "$config" --rootfs "$demo"

printf '\nwhat is in %s now (mode and name):\n' "$demo"
find "$demo" -mindepth 1 -printf '%P/ %M %d\n' | LC_ALL=C sort | while read -r path mode depth; do
    name=${path%/}
    case $mode in d*) slash=/ ;; *) slash= ;; esac
    printf '%s %*s%s%s\n' "$mode" $((2 * depth)) '' "${name##*/}" "$slash"
done
