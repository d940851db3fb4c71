// Command steady asks an API server without pause, over connections that it keeps and over new ones, and reports what failed.
//
// It runs until SIGTERM. Each failure is a line of JSON on stdout as it happens, and so is each stream that broke and went
// on; the last line is the count of all requests. `steady live` is a pod of the cluster that does the same from within and
// serves an aggregated API; `steady tick` is what is executed in it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

const (
	namespace = "default"
	account   = "steady"
	timeout   = 10 * time.Second
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "the client's kubeconfig")
	follows := flag.Bool("follow", false, "read the kubeconfig again when it changes")
	pod := flag.String("pod", "", "the pod for streams through kubelets; with it, all kinds of requests are made")
	listen := flag.String("listen", "", "where `live` serves the aggregated API")
	pause := flag.Duration("pause", 50*time.Millisecond, "between two requests of a kind")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	var err error
	switch flag.Arg(0) {
	case "tick":
		tick(ctx)
	case "live":
		err = live(ctx, *listen, *pause)
	default:
		err = ask(ctx, *kubeconfig, *follows, *pod, *pause)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func ask(ctx context.Context, kubeconfig string, follows bool, pod string, pause time.Duration) error {
	using, err := newCredentials(kubeconfig)
	if err != nil {
		return err
	}
	start := using.now.Load()
	for _, name := range []string{"steady-kept", "steady-new"} {
		if err := write(ctx, start.kept, name); err != nil {
			return err
		}
	}
	requests := simple()
	streams := map[string]open{}
	if pod != "" {
		more, err := whole(ctx, start)
		if err != nil {
			return err
		}
		requests = append(requests, more...)
		streams = map[string]open{"watch": watching(), "exec": executing(pod), "log": following(pod)}
	}
	report := newReport()
	var all sync.WaitGroup
	if follows {
		all.Go(func() { using.follow(ctx) })
	}
	for kind, open := range streams {
		all.Go(func() { (&stream{kind: kind, report: report}).keepOpen(ctx, using, open) })
	}
	print(map[string]string{"state": "started"})
	for _, each := range requests {
		all.Go(func() {
			for ctx.Err() == nil {
				began := time.Now()
				// What is asked when the end comes is still waited for: it is a request like the others.
				report.note(each.kind, began, each.do(context.WithoutCancel(ctx), using.now.Load()))
				wait(ctx, pause)
			}
		})
	}
	all.Wait()
	report.end()
	return nil
}
