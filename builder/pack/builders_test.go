package pack_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootbuild/rootbuild/builder/buildertest"
	"github.com/rootbuild/rootbuild/builder/engine"
)

// The layers are the same, wherever the steps ran.
func TestBuilders(t *testing.T) {
	f := buildertest.New(t)
	want := layersOf(t, f, packages(t, f))
	for name, b := range builders(t) {
		t.Run(name, func(t *testing.T) {
			f := buildertest.New(t).On(t, b)
			if got := layersOf(t, f, packages(t, f)); !cmp.Equal(want, got) {
				t.Errorf("other layers (-embedded +%s):\n%s", name, cmp.Diff(want, got))
			}
		})
	}
}

// builders are one of each kind that runs here.
func builders(t *testing.T) map[string]engine.Builder {
	tls := buildertest.Certificates(t)
	containerd := buildertest.Containerd(t).URL
	over := buildertest.Buildkitd(t, "--oci-worker=false", "--containerd-worker=true", "--containerd-worker-net", "host",
		"--containerd-worker-addr", strings.TrimPrefix(containerd, "containerd://"))
	return map[string]engine.Builder{
		"buildkitd":                 {URL: buildertest.Buildkitd(t).URL},
		"buildkitd by TLS":          {URL: buildertest.BuildkitdTLS(t, tls), TLS: tls},
		"buildkitd over containerd": {URL: over.URL},
		"containerd":                {URL: containerd},
	}
}
