// A cluster's PKI by Go's standard library, as kubeadm makes it: one key after the other in one process. Prints nothing;
// writes into the folder that is named first, keys of the kind that is named second.
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func newKey() crypto.Signer {
	if os.Args[2] == "RSA-2048" {
		return must(rsa.GenerateKey(rand.Reader, 2048))
	}
	return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
}

func write(name, kind string, der []byte) {
	document := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(filepath.Join(os.Args[1], name), document, 0o600); err != nil {
		panic(err)
	}
}

func writeKey(name string, key crypto.Signer) {
	write(name+".key", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key)))
}

func certify(name string, parent *x509.Certificate, signer crypto.Signer) (*x509.Certificate, crypto.Signer) {
	key := newKey()
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		SerialNumber:          must(rand.Int(rand.Reader, big.NewInt(1<<62))),
		NotBefore:             time.Now().UTC(),
		NotAfter:              time.Now().Add(365 * 24 * time.Hour).UTC(),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  parent == nil,
	}
	if parent == nil {
		template.KeyUsage |= x509.KeyUsageCertSign
		parent, signer = template, key
	}
	der := must(x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer))
	write(name+".crt", "CERTIFICATE", der)
	writeKey(name, key)
	return must(x509.ParseCertificate(der)), key
}

func main() {
	// How many certificates each CA signs: with the CAs themselves 15.
	for name, leaves := range map[string]int{"ca": 7, "front-proxy-ca": 1, "etcd-ca": 4} {
		ca, signer := certify(name, nil, nil)
		for leaf := range leaves {
			certify(fmt.Sprintf("%s-%d", name, leaf), ca, signer)
		}
	}
	writeKey("sa", newKey())
}
