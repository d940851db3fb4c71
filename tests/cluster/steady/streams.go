package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
)

const (
	// A stream that says nothing for so long is opened again: all of them say something several times a second.
	mostSilent = 10 * time.Second
	// One that does not go on after so long has failed.
	mostBroken = 60 * time.Second
	openEvery  = 100 * time.Millisecond
)

var errEnded = errors.New("it ended")

// open opens a stream and calls `seen` for each piece, until it ends.
type open func(ctx context.Context, of *clients, seen func()) error

// stream is a stream that is opened again whenever it ends.
type stream struct {
	kind   string
	report *report

	lock     sync.Mutex
	last     time.Time
	broke    time.Time
	why      error
	reported bool
}

func (s *stream) keepOpen(ctx context.Context, using *credentials, open open) {
	for ctx.Err() == nil {
		s.touch()
		attempt, end := context.WithCancelCause(ctx)
		go s.endWhenSilent(attempt, end)
		err := open(attempt, using.now.Load(), s.seen)
		if silent := context.Cause(attempt); silent != nil {
			err = silent
		} else if err == nil {
			err = errEnded
		}
		end(nil)
		if ctx.Err() != nil {
			return
		}
		s.broken(err)
		wait(ctx, openEvery)
	}
}

func (s *stream) touch() {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.last = time.Now()
}

func (s *stream) seen() {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.last = time.Now()
	s.report.piece(s.kind)
	if !s.broke.IsZero() {
		s.report.resumed(s.kind, s.broke, s.why)
		s.broke, s.reported = time.Time{}, false
	}
}

func (s *stream) broken(why error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.broke.IsZero() {
		s.broke, s.why = time.Now(), why
	}
	if !s.reported && time.Since(s.broke) > mostBroken {
		s.reported = true
		s.report.note(s.kind, s.broke, fmt.Errorf("it does not go on: %w, and first: %w", why, s.why))
	}
}

func (s *stream) endWhenSilent(ctx context.Context, end context.CancelCauseFunc) {
	for ctx.Err() == nil {
		s.lock.Lock()
		silent := time.Since(s.last)
		s.lock.Unlock()
		if silent > mostSilent {
			end(fmt.Errorf("silent for %s", mostSilent))
		}
		wait(ctx, openEvery)
	}
}

// watching watches what the writers write, and goes on where it ended: nothing may be left out.
func watching() open {
	version := ""
	return func(ctx context.Context, of *clients, seen func()) error {
		client, err := kubernetes.NewForConfig(of.streaming)
		if err != nil {
			return err
		}
		of1 := client.CoreV1().ConfigMaps(namespace)
		if version == "" {
			first, err := of1.List(ctx, metav1.ListOptions{})
			if err != nil {
				return err
			}
			version = first.ResourceVersion
		}
		watcher, err := of1.Watch(ctx, metav1.ListOptions{ResourceVersion: version, AllowWatchBookmarks: true})
		if err != nil {
			return err
		}
		defer watcher.Stop()
		for event := range watcher.ResultChan() {
			if event.Type == watch.Error {
				if err := apierrors.FromObject(event.Object); apierrors.IsGone(err) || apierrors.IsResourceExpired(err) {
					version = ""
					return fmt.Errorf("it has to list anew: %w", err)
				}
				return apierrors.FromObject(event.Object)
			}
			if object, ok := event.Object.(metav1.Object); ok {
				version = object.GetResourceVersion()
			}
			seen()
		}
		return nil
	}
}

// executing runs a program in the pod that prints all the time.
func executing(pod string) open {
	return func(ctx context.Context, of *clients, seen func()) error {
		client, err := kubernetes.NewForConfig(of.streaming)
		if err != nil {
			return err
		}
		asked := client.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name(pod).SubResource("exec").
			VersionedParams(&corev1.PodExecOptions{Command: []string{"/steady", "tick"}, Stdout: true}, scheme.ParameterCodec)
		executor, err := remotecommand.NewWebSocketExecutor(of.streaming, "GET", asked.URL().String())
		if err != nil {
			return err
		}
		return executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: eachPiece(seen)})
	}
}

// following reads the pod's log as it grows.
func following(pod string) open {
	return func(ctx context.Context, of *clients, seen func()) error {
		client, err := kubernetes.NewForConfig(of.streaming)
		if err != nil {
			return err
		}
		none := int64(0)
		log, err := client.CoreV1().Pods(namespace).GetLogs(pod, &corev1.PodLogOptions{Follow: true, TailLines: &none}).Stream(ctx)
		if err != nil {
			return err
		}
		defer log.Close()
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			seen()
		}
		return lines.Err()
	}
}

type eachPiece func()

var _ io.Writer = eachPiece(nil)

func (each eachPiece) Write(piece []byte) (int, error) {
	each()
	return len(piece), nil
}
