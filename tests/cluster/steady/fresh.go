package main

import (
	"crypto/tls"
	"io"
	"net/http"
)

// fresh makes a connection for each request, and closes it when the answer has been read.
func fresh(config *tls.Config) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
		answer, err := transport.RoundTrip(request)
		if err != nil {
			transport.CloseIdleConnections()
			return nil, err
		}
		answer.Body = closing{answer.Body, transport}
		return answer, nil
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (do roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return do(request) }

type closing struct {
	io.ReadCloser
	transport *http.Transport
}

func (c closing) Close() error {
	err := c.ReadCloser.Close()
	c.transport.CloseIdleConnections()
	return err
}
