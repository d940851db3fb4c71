package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/transport"
)

const lookEvery = 200 * time.Millisecond

// clients are what one state of the kubeconfig gives.
type clients struct {
	config *rest.Config
	// One keeps its connection, the other makes a new one for each request.
	kept, renewed kubernetes.Interface
	// Has no limit of time, for streams.
	streaming *rest.Config
	idle      func()
}

func newClients(kubeconfig []byte) (*clients, error) {
	config, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	streaming := rest.CopyConfig(config)
	config.Timeout = timeout
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	kept, err := kubernetes.NewForConfigAndClient(config, httpClient)
	if err != nil {
		return nil, err
	}
	renewed, err := onNewConnections(config, "")
	if err != nil {
		return nil, err
	}
	return &clients{config, kept, renewed, streaming, httpClient.CloseIdleConnections}, nil
}

// onNewConnections returns a client that makes one for each request; with a token it has no certificate.
func onNewConnections(config *rest.Config, token string) (kubernetes.Interface, error) {
	if token != "" {
		config = rest.AnonymousClientConfig(config)
	}
	tls, err := rest.TLSConfigFor(config)
	if err != nil {
		return nil, err
	}
	var through http.RoundTripper = fresh(tls)
	if token != "" {
		through = transport.NewBearerAuthRoundTripper(token, through)
	}
	return kubernetes.NewForConfigAndClient(config, &http.Client{Transport: through, Timeout: timeout})
}

// credentials are the clients of now: a kubeconfig that is followed is read again when it changes.
type credentials struct {
	file    string
	content []byte
	now     atomic.Pointer[clients]
}

func newCredentials(file string) (*credentials, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	made, err := newClients(content)
	if err != nil {
		return nil, err
	}
	c := &credentials{file: file, content: content}
	c.now.Store(made)
	return c, nil
}

func (c *credentials) follow(ctx context.Context) {
	for ctx.Err() == nil {
		content, err := os.ReadFile(c.file)
		if err == nil && !bytes.Equal(content, c.content) {
			// Whoever writes it may be half way: what cannot be read counts for nothing.
			if made, err := newClients(content); err == nil {
				c.content = content
				before := c.now.Swap(made)
				before.idle()
				print(map[string]any{"state": "reloaded", "at": time.Now()})
			}
		}
		wait(ctx, lookEvery)
	}
}

func wait(ctx context.Context, how time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(how):
	}
}
