package main

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// occurrence is a line of the report: a failed request, or a stream that broke and went on.
type occurrence struct {
	State   string    `json:"state,omitempty"`
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Seconds float64   `json:"seconds"`
	Error   string    `json:"error"`
}

type report struct {
	lock     sync.Mutex
	requests map[string]int
	longest  map[string]float64
	// What streams have carried.
	pieces map[string]int
}

func newReport() *report {
	return &report{requests: map[string]int{}, longest: map[string]float64{}, pieces: map[string]int{}}
}

// note counts a request, and reports it when it failed.
func (r *report) note(kind string, began time.Time, err error) {
	r.lock.Lock()
	defer r.lock.Unlock()
	seconds := time.Since(began).Seconds()
	r.requests[kind]++
	r.longest[kind] = max(r.longest[kind], seconds)
	if err != nil {
		print(occurrence{At: began, Kind: kind, Seconds: seconds, Error: err.Error()})
	}
}

func (r *report) piece(kind string) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.pieces[kind]++
}

// resumed reports a stream that had broken.
func (r *report) resumed(kind string, broke time.Time, why error) {
	r.lock.Lock()
	defer r.lock.Unlock()
	print(occurrence{State: "resumed", At: broke, Kind: kind, Seconds: time.Since(broke).Seconds(), Error: why.Error()})
}

func (r *report) end() {
	r.lock.Lock()
	defer r.lock.Unlock()
	print(map[string]any{"state": "ended", "requests": r.requests, "longest": r.longest, "pieces": r.pieces})
}

func print(value any) {
	line, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}
