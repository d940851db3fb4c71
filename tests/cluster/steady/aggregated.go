package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/request/headerrequest"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	aggregatedGroup = "steady.kubepki.test"
	shared          = "extension-apiserver-authentication"
)

// serveAggregated is an API server behind the aggregation layer: whom it serves is what the cluster's ConfigMap says, which
// it follows by the means of every such server. It closes each connection, so that each request proves its trust.
func serveAggregated(ctx context.Context, listen string) error {
	config, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	authority, err := dynamiccertificates.NewDynamicCAFromConfigMapController(
		"request-header", metav1.NamespaceSystem, shared, "requestheader-client-ca-file", client)
	if err != nil {
		return err
	}
	headers := headerrequest.NewRequestHeaderAuthRequestController(shared, metav1.NamespaceSystem, client,
		"requestheader-username-headers", "requestheader-uid-headers", "requestheader-group-headers",
		"requestheader-extra-headers-prefix", "requestheader-allowed-names")
	for _, each := range []interface{ RunOnce(context.Context) error }{authority, headers} {
		if err := each.RunOnce(ctx); err != nil {
			return err
		}
	}
	go authority.Run(ctx, 1)
	go headers.Run(ctx, 1)
	authenticator := headerrequest.NewDynamicVerifyOptionsSecure(authority.VerifyOptions,
		headerrequest.StringSliceProviderFunc(headers.AllowedClientNames),
		headerrequest.StringSliceProviderFunc(headers.UsernameHeaders),
		headerrequest.StringSliceProviderFunc(headers.UIDHeaders),
		headerrequest.StringSliceProviderFunc(headers.GroupHeaders),
		headerrequest.StringSliceProviderFunc(headers.ExtraHeaderPrefixes))
	certificate, err := ownCertificate()
	if err != nil {
		return err
	}
	server := &http.Server{
		Addr: listen,
		Handler: http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
			_, known, err := authenticator.AuthenticateRequest(request)
			if !known {
				http.Error(writer, fmt.Sprintf("not from the front proxy: %v", err), http.StatusUnauthorized)
				return
			}
			writer.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(writer).Encode(metav1.APIResourceList{
				TypeMeta:     metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"},
				GroupVersion: aggregatedGroup + "/v1",
				APIResources: []metav1.APIResource{},
			})
		}),
		TLSConfig: &tls.Config{
			GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
				pool := x509.NewCertPool()
				pool.AppendCertsFromPEM(authority.CurrentCABundleContent())
				return &tls.Config{
					Certificates: []tls.Certificate{certificate},
					ClientAuth:   tls.RequestClientCert,
					ClientCAs:    pool,
				}, nil
			},
		},
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	server.SetKeepAlivesEnabled(false)
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	return server.ListenAndServeTLS("", "")
}

// ownCertificate is one that nobody verifies: the APIService says so.
func ownCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "steady"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
