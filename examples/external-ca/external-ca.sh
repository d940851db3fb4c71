#!/bin/sh
# An external CA, step by step: keys and requests on the node, signatures where the CAs' keys are, and back.
# Wants `kubepki` and `openssl` (1.1.1 or newer; 3.0 for the first way of signing) on PATH.
# Arguments: a folder to work in, which must not be there, and who signs: openssl (default) or kubepki.
set -eu

folder=${1:?usage: external-ca.sh FOLDER [openssl|kubepki]}
signer=${2:-openssl}
here=$(cd "$(dirname "$0")" && pwd)
config=$here/../single-node.yaml
owner=$folder/owner # the machine of the CAs' owner
node=$folder/node   # the node's root; leave out --rootfs on the node itself

case $signer in openssl | kubepki) ;; *) echo "no such signer: $signer" >&2 && exit 2 ;; esac
if [ -e "$folder" ]; then
    echo "$folder is there already: name a folder that is not" >&2
    exit 2
fi
umask 077
mkdir -p "$owner/etcd" "$owner/requests" "$owner/signed" "$node"

say() {
    printf '\n# %s\n' "$*"
}

step() {
    printf '$ %s\n' "$*"
    "$@"
}

# Signs every request with openssl, as the script of the kubeadm documentation does, with two differences: the
# alternative names of the request are copied, and the certificate says what it is for.
sign_with_openssl() {
    (cd "$owner/requests" && find . -name '*.csr') | LC_ALL=C sort | while read -r request; do
        name=${request#./} name=${name%.csr}
        case $name in
        *front-proxy*) authority=front-proxy-ca ;;
        */etcd/* | *apiserver-etcd-client) authority=etcd/ca ;;
        *) authority=ca ;;
        esac
        case $name in
        */apiserver) usage=server ;;
        */etcd/server | */etcd/peer) usage=server_and_client ;;
        *) usage=client ;;
        esac
        mkdir -p "$(dirname "$owner/signed/$name")"
        step openssl x509 -req -days 365 -sha256 -copy_extensions copy \
            -in "$owner/requests/$name.csr" -out "$owner/signed/$name.crt" \
            -CA "$owner/$authority.crt" -CAkey "$owner/$authority.key" -CAcreateserial \
            -extfile "$here/openssl.cnf" -extensions "$usage"
    done
}

say "The owner makes the CAs. Their keys never leave this machine."
for name in ca front-proxy-ca etcd/ca; do
    case $name in ca) subject=kubernetes ;; etcd/ca) subject=etcd-ca ;; *) subject=$name ;; esac
    step openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -sha256 -subj "/CN=$subject" \
        -config "$here/openssl.cnf" -extensions ca -addext "subjectAltName=DNS:$subject" \
        -keyout "$owner/$name.key" -out "$owner/$name.crt"
done

say "The node gets the CAs' certificates, and makes the service accounts' keys, which no CA signs."
step kubepki certs import "$owner/ca.crt" "$owner/front-proxy-ca.crt" "$owner/etcd/ca.crt" --config "$config" --rootfs "$node"
step kubepki certs init sa --config "$config" --rootfs "$node"

say "The node makes its keys and its requests."
step kubepki certs generate-csr --config "$config" --rootfs "$node"

say "The requests go to the owner, and nothing else does."
(cd "$node/etc/kubernetes" && find . -name '*.csr' | tar -cf - -T -) | tar -xf - -C "$owner/requests"

say "The owner signs them with $signer."
case $signer in
openssl) sign_with_openssl ;;
kubepki) step kubepki certs sign --csr-dir "$owner/requests" --ca-dir "$owner" --out-dir "$owner/signed" \
    --role control-plane --config "$config" ;;
esac

say "The certificates go back, are checked against keys, requests, CAs and the configuration, and are put in place."
step kubepki certs import "$owner/signed" --config "$config" --rootfs "$node"

say "Client certificates and the CA go into the kubeconfigs."
step kubepki kubeconfig embed all --config "$config" --rootfs "$node"

say "What is in place needs no request any more."
step kubepki certs cleanup --config "$config" --rootfs "$node"

say "All is there and well, and the CAs are managed elsewhere."
step kubepki check --config "$config" --rootfs "$node"
step kubepki certs check-expiration --config "$config" --rootfs "$node"
