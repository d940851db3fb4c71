// Command steady asks an API server without pause, over connections that it keeps and over new ones, and reports what failed.
//
// It runs until SIGTERM. Each failure is a line of JSON on stdout as it happens; the last line is the count of all requests.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycore "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	namespace = "default"
	timeout   = 10 * time.Second
)

type failure struct {
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Seconds float64   `json:"seconds"`
	Error   string    `json:"error"`
}

type report struct {
	lock     sync.Mutex
	requests map[string]int
	longest  map[string]float64
}

func (r *report) note(kind string, began time.Time, err error) {
	r.lock.Lock()
	defer r.lock.Unlock()
	seconds := time.Since(began).Seconds()
	r.requests[kind]++
	r.longest[kind] = max(r.longest[kind], seconds)
	if err != nil {
		print(failure{At: began, Kind: kind, Seconds: seconds, Error: err.Error()})
	}
}

func print(value any) {
	line, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

// client returns one that keeps its connection, or one that makes a new one for each request.
func client(kubeconfig string, keeps bool) kubernetes.Interface {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		fail(err)
	}
	config.QPS, config.Timeout = -1, timeout
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		fail(err)
	}
	if !keeps {
		transport, err := rest.TLSConfigFor(config)
		if err != nil {
			fail(err)
		}
		httpClient.Transport = fresh(transport)
	}
	made, err := kubernetes.NewForConfigAndClient(config, httpClient)
	if err != nil {
		fail(err)
	}
	return made
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func read(ctx context.Context, of kubernetes.Interface, name string) error {
	_, err := of.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	return err
}

func write(ctx context.Context, of kubernetes.Interface, name string) error {
	wanted := applycore.ConfigMap(name, namespace).WithData(map[string]string{"at": time.Now().String()})
	_, err := of.CoreV1().ConfigMaps(namespace).Apply(ctx, wanted, metav1.ApplyOptions{FieldManager: "steady", Force: true})
	return err
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "the client's kubeconfig")
	pause := flag.Duration("pause", 50*time.Millisecond, "between two requests of a kind")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	report := &report{requests: map[string]int{}, longest: map[string]float64{}}
	kept, renewed := client(*kubeconfig, true), client(*kubeconfig, false)
	for _, name := range []string{"steady-kept", "steady-new"} {
		if err := write(ctx, kept, name); err != nil {
			fail(err)
		}
	}
	print(map[string]string{"state": "started"})
	var all sync.WaitGroup
	for _, each := range []struct {
		kind, name string
		of         kubernetes.Interface
		do         func(context.Context, kubernetes.Interface, string) error
	}{
		{"read kept", "steady-kept", kept, read},
		{"write kept", "steady-kept", kept, write},
		{"read new", "steady-new", renewed, read},
		{"write new", "steady-new", renewed, write},
	} {
		all.Go(func() {
			for ctx.Err() == nil {
				began := time.Now()
				// What is asked when the end comes is still waited for: it is a request like the others.
				report.note(each.kind, began, each.do(context.WithoutCancel(ctx), each.of, each.name))
				select {
				case <-ctx.Done():
				case <-time.After(*pause):
				}
			}
		})
	}
	all.Wait()
	print(map[string]any{"state": "ended", "requests": report.requests, "longest": report.longest})
}
