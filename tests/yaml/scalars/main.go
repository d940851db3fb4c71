// What Kubernetes' reader of YAML makes of unquoted scalars.
//
// In: the table, of which it takes the letters, and further letters as arguments. Out: the table, made anew.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	goyaml "go.yaml.in/yaml/v2"
	"sigs.k8s.io/yaml"
)

const refused = "refused"

// The type of the value before it is made JSON.
func kind(letters string) string {
	var found map[string]any
	if err := goyaml.Unmarshal([]byte("x: "+letters+"\n"), &found); err != nil {
		return refused
	}
	switch found["x"].(type) {
	case nil:
		return "null"
	case bool:
		return "bool"
	case int, int64:
		return "int"
	case uint64:
		return "uint"
	case float64:
		return "float"
	case string:
		return "string"
	default:
		return fmt.Sprintf("%T", found["x"])
	}
}

func value(letters string) string {
	text, err := yaml.YAMLToJSON([]byte("x: " + letters + "\n"))
	if err != nil {
		return refused
	}
	var found map[string]json.RawMessage
	if err := json.Unmarshal(text, &found); err != nil {
		panic(err)
	}
	return string(found["x"])
}

func key(letters string) string {
	text, err := yaml.YAMLToJSON([]byte("? " + letters + "\n: 1\n"))
	if err != nil {
		return refused
	}
	var found map[string]int
	if err := json.Unmarshal(text, &found); err != nil {
		panic(err)
	}
	for key := range found {
		return key
	}
	panic(letters)
}

func main() {
	content, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	var table [][4]string
	if err := json.Unmarshal(content, &table); err != nil {
		panic(err)
	}
	all := slices.Clone(os.Args[2:])
	for _, row := range table {
		all = append(all, row[0])
	}
	slices.Sort(all)
	var rows [][]byte
	for _, letters := range slices.Compact(all) {
		row, err := json.Marshal([4]string{letters, kind(letters), value(letters), key(letters)})
		if err != nil {
			panic(err)
		}
		rows = append(rows, row)
	}
	fmt.Printf("[\n%s\n]\n", bytes.Join(rows, []byte(",\n")))
}
