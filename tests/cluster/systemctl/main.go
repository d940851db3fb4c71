// Command systemctl passes its arguments to the node's supervisor, and its answer on: no systemd runs in a node.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
)

const supervisor = "/run/kubepki-node/supervisor.sock"

type answer struct {
	Code   int    `json:"code"`
	Stdout string `json:"stdout"`
	Stderr string `json:"stderr"`
}

func ask(arguments []string) (answer, error) {
	var got answer
	connection, err := net.Dial("unix", supervisor)
	if err != nil {
		return got, err
	}
	defer connection.Close()
	if err := json.NewEncoder(connection).Encode(arguments); err != nil {
		return got, err
	}
	err = json.NewDecoder(connection).Decode(&got)
	return got, err
}

func main() {
	got, err := ask(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "Failed to connect to the node's supervisor:", err)
		os.Exit(1)
	}
	fmt.Print(got.Stdout)
	fmt.Fprint(os.Stderr, got.Stderr)
	os.Exit(got.Code)
}
