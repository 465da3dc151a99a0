package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/buildertest"
	"github.com/rootbuild/rootbuild/builder/engine"
)

// The example's file is one that rootbuild reads, and names the builders that the other
// example starts.
func TestExampleBuilders(t *testing.T) {
	var config struct{ Data map[string]string }
	decode(t, "build.yaml", "ConfigMap", &config)
	dir := t.TempDir()
	if err := os.Symlink(buildertest.Certificates(t), filepath.Join(dir, "builder")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "builders.yaml")
	if err := os.WriteFile(file, []byte(config.Data["builders.yaml"]), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := builder.LoadBuilders(file)
	if err != nil {
		t.Fatal(err)
	}
	var set struct {
		Metadata struct{ Name string }
		Spec     struct {
			Replicas    int
			ServiceName string `yaml:"serviceName"`
		}
	}
	decode(t, "builders.yaml", "StatefulSet", &set)
	for i := range set.Spec.Replicas {
		want := fmt.Sprintf("tcp://%s-%d.%s:1234", set.Metadata.Name, i, set.Spec.ServiceName)
		if !slices.ContainsFunc(list, func(b engine.Builder) bool { return b.URL == want }) {
			t.Errorf("the build does not know %s", want)
		}
	}
	if len(list) != set.Spec.Replicas {
		t.Errorf("the build knows %d builders of %d", len(list), set.Spec.Replicas)
	}
	if err := engine.Validate(list); err != nil {
		t.Error(err)
	}
}

// decode reads the document of a kind from an example's file.
func decode(t *testing.T, file, kind string, to any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../docs/examples/kubernetes", file))
	if err != nil {
		t.Fatal(err)
	}
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		if strings.Contains(document, "\nkind: "+kind+"\n") {
			if err := yaml.Unmarshal([]byte(document), to); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("%s has no %s", file, kind)
}
