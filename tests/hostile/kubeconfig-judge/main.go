// Judges kubeconfigs and public key files as Kubernetes does, with its own client-go.
//
// In: `kubeconfigs FOLDER` or `public-keys FOLDER`. Out, on standard output: one JSON object, a verdict for every
// file of the folder. It decides nothing itself.
//
// A kubeconfig is read as the kubelet, the controller manager, the scheduler and kubectl read it: loaded from the
// file, validated for its current context, and made into TLS settings.
package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	// The providers that kubectl has.
	_ "k8s.io/client-go/plugin/pkg/client/auth"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/keyutil"
)

// Verdict says how far a file came and why it came no further.
type Verdict struct {
	// Stage is "load", "validate" or "tls" where the file was refused, and "accepted" where it was not.
	Stage  string   `json:"stage"`
	Reason string   `json:"reason,omitempty"`
	Keys   []string `json:"keys,omitempty"`
}

func kubeconfig(path string) Verdict {
	config, err := clientcmd.LoadFromFile(path)
	if err != nil {
		return Verdict{Stage: "load", Reason: err.Error()}
	}
	if err := clientcmd.ResolveLocalPaths(config); err != nil {
		return Verdict{Stage: "load", Reason: err.Error()}
	}
	client, err := clientcmd.NewDefaultClientConfig(*config, &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		return Verdict{Stage: "validate", Reason: err.Error()}
	}
	if _, _, err := rest.DefaultServerUrlFor(client); err != nil {
		return Verdict{Stage: "validate", Reason: err.Error()}
	}
	if _, err := rest.TLSConfigFor(client); err != nil {
		return Verdict{Stage: "tls", Reason: err.Error()}
	}
	return Verdict{Stage: "accepted"}
}

func publicKeys(path string) Verdict {
	content, err := os.ReadFile(path)
	if err != nil {
		return Verdict{Stage: "load", Reason: err.Error()}
	}
	keys, err := keyutil.ParsePublicKeysPEM(content)
	if err != nil {
		return Verdict{Stage: "load", Reason: err.Error()}
	}
	verdict := Verdict{Stage: "accepted"}
	for _, key := range keys {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			return Verdict{Stage: "load", Reason: err.Error()}
		}
		digest := sha256.Sum256(der)
		verdict.Keys = append(verdict.Keys, hex.EncodeToString(digest[:]))
	}
	return verdict
}

func main() {
	judges := map[string]func(string) Verdict{"kubeconfigs": kubeconfig, "public-keys": publicKeys}
	if len(os.Args) != 3 || judges[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: kubeconfig-judge kubeconfigs|public-keys FOLDER")
		os.Exit(2)
	}
	entries, err := os.ReadDir(os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	verdicts := map[string]Verdict{}
	for _, entry := range entries {
		if entry.Type().IsRegular() {
			verdicts[entry.Name()] = judges[os.Args[1]](filepath.Join(os.Args[2], entry.Name()))
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(verdicts); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}
