// Package rootbuild_test holds the whole module to the rules of its design.
package rootbuild_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/rootbuild/rootbuild"

// layers maps each package, with those below it, to the packages of the module that it
// may import. Only the command knows the whole flow.
var layers = map[string][]string{
	"cmd/rootbuild":       {"cmd/rootbuild/cli", "cmd/rootbuild/flags", "images", "images/oci", "images/registry", "images/trust", "stages", "builder", "builder/attach", "builder/base", "builder/distfiles", "builder/engine", "builder/history", "builder/packages", "builder/plan", "builder/provenance", "builder/prune", "builder/report", "builder/sources", "builder/state", "nfsroot", "nfsroot/boot", "nfsroot/deploy", "nfsroot/entries", "nfsroot/unpack"},
	"cmd/rootbuild/cli":   {"builder/engine", "images"},
	"cmd/rootbuild/flags": {"cmd/rootbuild/cli", "images", "images/cpio", "images/oci", "images/registry", "images/trust", "stages", "builder", "builder/base", "builder/engine", "builder/packages", "builder/plan", "builder/sources", "builder/state", "nfsroot", "nfsroot/boot", "nfsroot/deploy", "nfsroot/unpack"},
	"hack/base":           {"builder/base", "images/oci"},
	"hack/bench":          {"images/oci", "images/registry", "nfsroot"},
	"images":              {},
	"images/compare":      {"images/oci"},
	"images/cpio":         {"images", "images/oci", "images/safeopen"},
	"images/imagetest":    {"images/oci"},
	"images/leaks":        {},
	"images/safeopen":     {},
	"images/oci":          {"images/safeopen"},
	"images/registry":     {"images", "images/oci", "images/safeopen", "images/trust"},
	"images/trust":        {"images", "images/oci"},
	"stages":              {"images", "images/leaks"},
	"builder":             {"builder/attach", "builder/base", "builder/definition", "builder/distfiles", "builder/engine", "builder/initramfs", "builder/pack", "builder/packages", "builder/plan", "builder/provenance", "builder/records", "builder/sources", "builder/state", "images", "images/compare", "images/cpio", "images/oci", "images/registry", "images/trust", "stages"},
	"builder/attach":      {"builder/pack", "images/oci", "images/safeopen", "stages"},
	"builder/buildertest": {"builder/engine", "builder/pack", "builder/state", "images/oci"},
	"builder/definition":  {"builder/packages", "stages"},
	"builder/history":     {"builder/attach", "builder/definition", "builder/records", "builder/report", "builder/sources", "builder/state", "images/oci", "stages"},
	"builder/initramfs":   {"builder/pack", "builder/state", "images", "images/cpio", "images/oci", "stages"},
	"builder/pack":        {"builder/definition", "builder/engine", "builder/state", "images/leaks", "images/oci", "stages"},
	"builder/plan":        {"builder/base", "builder/definition", "builder/packages", "builder/records", "builder/state", "images/oci", "stages"},
	"builder/provenance":  {"builder/definition", "builder/engine", "builder/pack", "builder/packages", "builder/records", "builder/state", "images/oci", "images/trust", "stages"},
	"builder/prune":       {"builder/attach", "builder/base", "builder/definition", "builder/distfiles", "builder/engine", "builder/initramfs", "builder/packages", "builder/records", "builder/sources", "builder/state", "images/oci", "images/safeopen", "nfsroot/lockfile", "stages"},
	"builder/records":     {"builder/definition", "builder/packages", "builder/state", "images/oci", "stages"},
	"builder/sources":     {"builder/distfiles", "builder/engine", "builder/state", "images/oci", "images/registry", "images/safeopen", "stages"},
	"builder/state":       {"builder/engine", "images/oci", "images/safeopen", "nfsroot/lockfile"},
	"builder/engine":      {"images/safeopen"},
	"builder/packages":    {"images", "images/compare", "images/oci", "images/registry", "images/trust"},
	"builder/report":      {},
	"builder/base":        {"images/oci", "images/safeopen"},
	"builder/distfiles":   {"images/safeopen"},
	"nfsroot":             {"images", "images/safeopen", "nfsroot/entries", "nfsroot/lockfile", "nfsroot/unpack"},
	"nfsroot/entries":     {"images/safeopen"},
	"nfsroot/lockfile":    {"images/safeopen"},
	"nfsroot/boot":        {"images/safeopen", "nfsroot/entries", "nfsroot/lockfile"},
	"nfsroot/deploy":      {"images", "images/oci", "images/trust", "nfsroot", "nfsroot/boot", "nfsroot/lockfile", "nfsroot/unpack"},
	"nfsroot/unpack":      {"images/oci", "images/safeopen"},
}

const (
	buildkit = "github.com/moby/buildkit/client"
	cobra    = "github.com/spf13/cobra"
)

// foreign are packages of others that those of a layer leave alone: stages opens no
// socket and starts no program, and neither does what plans; only the engine knows
// BuildKit's client, only the command has flags, and only nfsroot/unpack knows what
// layers are made of.
var foreign = map[string][]string{
	"stages":              {"net", "net/http", "os/exec", buildkit},
	"builder":             {buildkit, cobra},
	"builder/attach":      {buildkit, cobra},
	"builder/definition":  {"os", "net/http", "os/exec", buildkit},
	"builder/history":     {buildkit, cobra},
	"builder/initramfs":   {"net/http", "os/exec", buildkit, cobra},
	"builder/pack":        {buildkit, cobra},
	"builder/plan":        {"os", "net/http", "os/exec", buildkit},
	"builder/provenance":  {buildkit, cobra},
	"builder/prune":       {buildkit, cobra},
	"builder/records":     {"os", "net/http", "os/exec", buildkit},
	"builder/report":      {"os", "net/http", "os/exec"},
	"builder/sources":     {buildkit, cobra},
	"builder/state":       {buildkit, cobra},
	"cmd/rootbuild":       {buildkit},
	"cmd/rootbuild/cli":   {buildkit},
	"cmd/rootbuild/flags": {buildkit},
	"nfsroot":             {"archive/tar", "archive/zip", "github.com/klauspost/compress/zstd"},
	"nfsroot/deploy":      {cobra, "golang.org/x/term"},
}

// unlinked are packages that may not even lie below a layer, in what it imports. What
// reads an untrusted layout, or decides on trust, opens no connection and starts no
// program; an image knows no keys.
var unlinked = map[string][]string{
	"images/oci":   {"net/http", "os/exec", "crypto/x509", "crypto/ecdsa"},
	"images/trust": {"net/http", "os/exec", buildkit},
}

// nondescript are names that say nothing of what a package is for.
var nondescript = []string{"common", "helper", "helpers", "manager", "misc", "types", "util", "utils"}

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func TestImports(t *testing.T) {
	for _, p := range modulePackages(t) {
		layer := layerOf(p.ImportPath)
		if layer == "" {
			t.Errorf("%s has no place in the layers above: give it one", p.ImportPath)
			continue
		}
		for _, path := range p.Imports {
			below := layerOf(path)
			if below != "" && below != layer && !slices.Contains(layers[layer], below) {
				t.Errorf("%s imports %s, which its layer may not", p.ImportPath, path)
			}
			if slices.Contains(foreign[layer], path) {
				t.Errorf("%s imports %s, which a package of its layer leaves alone", p.ImportPath, path)
			}
		}
		for _, path := range unlinked[layer] {
			if slices.Contains(p.Deps, path) {
				t.Errorf("%s stands on %s, which its layer may not", p.ImportPath, path)
			}
		}
	}
}

func TestPackageNames(t *testing.T) {
	for _, p := range modulePackages(t) {
		last := p.ImportPath[strings.LastIndex(p.ImportPath, "/")+1:]
		if slices.Contains(nondescript, last) {
			t.Errorf("%s: name the package after what it is for", p.ImportPath)
		}
	}
}

func modulePackages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "./...")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var packages []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("reading go list: %v", err)
		}
		if p.ImportPath != module {
			packages = append(packages, p)
		}
	}
}

// layerOf returns the layer that holds the package at path, the narrowest where one
// lies below another, or "" where there is none.
func layerOf(path string) string {
	found := ""
	for layer := range layers {
		within := path == module+"/"+layer || strings.HasPrefix(path, module+"/"+layer+"/")
		if within && len(layer) > len(found) {
			found = layer
		}
	}
	return found
}
