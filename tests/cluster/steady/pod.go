package main

import (
	"context"
	"fmt"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const tickEvery = 200 * time.Millisecond

// tick prints all the time: what an exec stream carries.
func tick(ctx context.Context) {
	for ctx.Err() == nil {
		fmt.Println("tick")
		wait(ctx, tickEvery)
	}
}

// live is a pod of today: it serves the aggregated API, and asks the API server as itself. Its CA and its token are files
// that the kubelet renews and client-go reads again. Its log is what is followed.
func live(ctx context.Context, listen string, pause time.Duration) error {
	config, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	config.QPS, config.Timeout = -1, timeout
	// Not the connection of the aggregated API's watches: each request makes its own.
	config.NextProtos = []string{"http/1.1"}
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfigAndClient(config, httpClient)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- serveAggregated(ctx, listen) }()
	go tick(ctx)
	report := newReport()
	for ctx.Err() == nil {
		select {
		case err := <-failed:
			return err
		default:
		}
		began := time.Now()
		report.note("new pod", began, whoAmI(context.WithoutCancel(ctx), client))
		// The next request makes a connection of its own.
		utilnet.CloseIdleConnectionsFor(httpClient.Transport)
		wait(ctx, pause)
	}
	report.end()
	return nil
}
