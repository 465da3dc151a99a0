package stages_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rootbuild/rootbuild/images"
)

var update = flag.Bool("update", false, "write what the tests see into testdata")

// cases runs a test for each archive of testdata/NAME on the recipes that the
// archive holds, and compares what run returns with the archive's "want".
func cases(t *testing.T, name string, run func(t *testing.T, dir images.RecipeDir) string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", name, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in testdata/%s (%v)", name, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			fsys := archive(t, file)
			got := run(t, images.RecipeDir{Path: "recipes", FS: fsys})
			if *update {
				setWant(t, file, got)
				return
			}
			want, err := fs.ReadFile(fsys, "want")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("differs from %s (-want +got):\n%s", file, diff)
			}
		})
	}
}

// setWant puts a text into an archive as its "want".
func setWant(t *testing.T, file, text string) {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	a.Files = slices.DeleteFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" })
	a.Files = append(a.Files, txtar.File{Name: "want", Data: []byte(text)})
	if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

// archive returns the files of a txtar archive.
func archive(t testing.TB, file string) fs.FS {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{}
	for _, f := range a.Files {
		fsys[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return fsys
}

// target reads the file "target" of an archive: lines of a key and words.
func target(t *testing.T, fsys fs.FS) images.Target {
	t.Helper()
	text, err := fs.ReadFile(fsys, "target")
	if err != nil {
		t.Fatal(err)
	}
	read := images.Target{Name: "test", Source: "target.yaml"}
	for line := range strings.Lines(string(text)) {
		key, words, _ := strings.Cut(line, ":")
		switch key {
		case "libc":
			read.Libc = strings.TrimSpace(words)
		case "packages":
			read.Packages = slices.Collect(strings.FieldsSeq(words))
		case "kernel":
			k := strings.Fields(words)
			read.Kernel.Recipe, read.Kernel.Config = k[0], k[1:]
		case "initramfs":
			i := strings.Fields(words)
			read.Kernel.Initramfs = &images.Target{Name: "initramfs", Source: "initramfs.yaml", Libc: i[0], Packages: i[1:]}
		default:
			t.Fatalf("unknown key %q", key)
		}
	}
	return read
}
