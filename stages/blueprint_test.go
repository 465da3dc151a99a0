package stages_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/stages"
)

// Of a blueprint comes the graph that it was made of: what steps see, and what
// lies over them.
func TestBlueprint(t *testing.T) {
	for _, name := range append(images.Names(), "../docs/examples/site/site.yaml") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			want := load(t, name)
			made := stages.Made{Rootbuild: "1", Base: "sha256:00", Programs: want.Programs()}
			files, err := want.Blueprint(made)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			for name, text := range files {
				writeText(t, filepath.Join(dir, name), text)
			}
			got, gotMade, err := stages.ReadBlueprint(dir)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(made, gotMade); diff != "" {
				t.Error(diff)
			}
			if got.Programs() != made.Programs {
				t.Error("the programs are other ones")
			}
			if diff := cmp.Diff(want.Ingredients("base"), got.Ingredients("base")); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(want.Packages, got.Packages); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(want.Target.Layer(), got.Target.Layer()); diff != "" {
				t.Error(diff)
			}
			again, err := got.Blueprint(made)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(files, again); diff != "" {
				t.Errorf("the blueprint of the blueprint: %s", diff)
			}
		})
	}
}

func writeText(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
