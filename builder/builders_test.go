package builder_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/buildertest"
	"github.com/rootbuild/rootbuild/builder/engine"
)

func TestLoadBuilders(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(buildertest.Certificates(t), filepath.Join(dir, "certs")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "builders.yaml")
	if list, err := builder.LoadBuilders(file); len(list) > 0 || err != nil {
		t.Errorf("without a file: %v, %v", list, err)
	}
	for text, want := range map[string]string{
		"builders:\n  - {url: \"tcp://one:1234\", tls: certs}\n  - url: unix:///socket\n": "",
		"builders:\n  - {url: \"tcp://one:1234\"}\n":                                      "builders.yaml:2: --builder tcp://one:1234: without TLS anybody",
		"builders:\n  - {url: embedded}\n":                                                "builders.yaml:2: --builder \"embedded\": it is one of",
		"builders:\n  - {tls: certs}\n":                                                   "builders.yaml:2: ",
		"builders: []\nsteps: 3\n":                                                        "builders.yaml:2: ",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		list, err := builder.LoadBuilders(file)
		if want == "" {
			right := []engine.Builder{{URL: "tcp://one:1234", TLS: filepath.Join(dir, "certs")}, {URL: "unix:///socket"}}
			if err != nil || !slices.Equal(list, right) {
				t.Errorf("got %v, %v, want %v", list, err, right)
			}
		} else if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}
