// A judge that shares no code with kubepki: Go's crypto/x509, which every component of Kubernetes verifies with.
//
// In: one JSON document on standard input, the corpus. Out: the same verdicts as JSON: for each certificate whether it
// can be read, for each case whether the chain verifies for any purpose, as a server and as a client. An empty text
// means yes; otherwise it is Go's message. Only the standard library is used.
package main

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"time"
)

type testCase struct {
	Name          string   `json:"name"`
	Leaf          string   `json:"leaf"`
	Intermediates []string `json:"intermediates"`
	Roots         []string `json:"roots"`
	At            string   `json:"at"`
}

type corpus struct {
	Certificates map[string]string `json:"certificates"`
	Cases        []testCase        `json:"cases"`
}

type verdict struct {
	Any    string `json:"any"`
	Server string `json:"server"`
	Client string `json:"client"`
}

type answer struct {
	Go           string             `json:"go"`
	Certificates map[string]string  `json:"certificates"`
	Cases        map[string]verdict `json:"cases"`
}

func main() {
	var given corpus
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	read := map[string]*x509.Certificate{}
	result := answer{Go: runtime.Version(), Certificates: map[string]string{}, Cases: map[string]verdict{}}
	for name, text := range given.Certificates {
		der, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			fmt.Fprintln(os.Stderr, name, err)
			os.Exit(1)
		}
		certificate, err := x509.ParseCertificate(der)
		result.Certificates[name] = message(err)
		if err == nil {
			read[name] = certificate
		}
	}
	for _, one := range given.Cases {
		at, err := time.Parse(time.RFC3339, one.At)
		if err != nil {
			fmt.Fprintln(os.Stderr, one.Name, err)
			os.Exit(1)
		}
		result.Cases[one.Name] = verdict{
			Any:    judge(read, one, at, x509.ExtKeyUsageAny),
			Server: judge(read, one, at, x509.ExtKeyUsageServerAuth),
			Client: judge(read, one, at, x509.ExtKeyUsageClientAuth),
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(result); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// judge verifies as a TLS peer does: a certificate of the pools that cannot be read is passed over.
func judge(read map[string]*x509.Certificate, one testCase, at time.Time, usage x509.ExtKeyUsage) string {
	leaf, ok := read[one.Leaf]
	if !ok {
		return "the leaf cannot be read"
	}
	options := x509.VerifyOptions{
		Roots:         pool(read, one.Roots),
		Intermediates: pool(read, one.Intermediates),
		CurrentTime:   at,
		KeyUsages:     []x509.ExtKeyUsage{usage},
	}
	_, err := leaf.Verify(options)
	return message(err)
}

func pool(read map[string]*x509.Certificate, names []string) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, name := range names {
		if certificate, ok := read[name]; ok {
			pool.AddCert(certificate)
		}
	}
	return pool
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
