package engine_test

import (
	"regexp"
	"testing"

	"github.com/rootbuild/rootbuild/builder/buildertest"
	"github.com/rootbuild/rootbuild/builder/engine"
)

// Each engine says what it is, and a daemon its version.
func TestAbout(t *testing.T) {
	for kind, url := range map[string]string{
		"embedded": "", "buildkitd": buildertest.Buildkitd(t).URL, "containerd": buildertest.Containerd(t).URL,
	} {
		t.Run(kind, func(t *testing.T) {
			f := buildertest.New(t)
			if url != "" {
				f = f.On(t, engine.Builder{URL: url})
			}
			e, err := f.Start()
			if err != nil {
				t.Fatal(err)
			}
			about := e.About()
			if err := e.Close(); err != nil {
				t.Error(err)
			}
			if about.Kind != kind || about.Platform != "linux/amd64" {
				t.Errorf("it says that it is %+v, want %s on linux/amd64", about, kind)
			}
			if versioned := regexp.MustCompile(`^v?[0-9]+\.[0-9]+`).MatchString(about.Version); versioned != (url != "") {
				t.Errorf("version %q", about.Version)
			}
		})
	}
}
