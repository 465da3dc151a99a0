package distfiles_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rootbuild/rootbuild/builder/distfiles"
)

func TestExportIsReadBack(t *testing.T) {
	from, dir := t.TempDir(), t.TempDir()
	other := []byte("the other source")
	write(t, from, "one.tar", content)
	write(t, from, "two.tar", other)
	store, opts := open(t), quick()
	opts.Dirs, opts.Offline = []string{from}, true
	one, two := source("one.tar", content), source("two.tar", other)
	check(t, fetch(t, store, opts, one, two))
	check(t, store.Export(t.Context(), dir, []distfiles.ExportFile{
		{Path: "one-1/one.tar", SHA256: one.SHA256},
		{Path: "one-1/recipe/recipe.yaml", Text: []byte("name: one\n")},
	}))
	// A second export adds to the first.
	check(t, store.Export(t.Context(), dir, []distfiles.ExportFile{{Path: "two-1/two.tar", SHA256: two.SHA256}}))

	verify := exec.Command("sha256sum", "-c", distfiles.SumsFile)
	verify.Dir = dir
	if out, err := verify.CombinedOutput(); err != nil {
		t.Errorf("sha256sum: %v\n%s", err, out)
	}
	// Found by checksum, under names that the sources never had.
	one.Name, two.Name = "uno.tar", "due.tar"
	again := open(t)
	opts.Dirs = []string{dir}
	check(t, fetch(t, again, opts, one, two))
	wantKept(t, again, content, other)
}

func TestExportRefusesABrokenBlob(t *testing.T) {
	dir := t.TempDir()
	store := open(t)
	broken := source("broken.tar", content)
	write(t, filepath.Dir(store.Path(broken.SHA256)), broken.SHA256, []byte("rotten"))
	err := store.Export(t.Context(), dir, []distfiles.ExportFile{{Path: "broken-1/broken.tar", SHA256: broken.SHA256}})
	wantError(t, err, "broken-1/broken.tar", "wrong checksum")
	if _, err := os.Stat(filepath.Join(dir, "broken-1/broken.tar")); err == nil {
		t.Error("wrong bytes were exported")
	}
}

func TestExportStaysBelowItsDirectory(t *testing.T) {
	for _, path := range []string{"../out", "/out", "", distfiles.SumsFile, "two\nlines"} {
		err := open(t).Export(t.Context(), t.TempDir(), []distfiles.ExportFile{{Path: path, Text: []byte("text")}})
		wantError(t, err, "not a path")
	}
}

// An index that leads elsewhere is no way out of the directory.
func TestIndexStaysBelowItsDirectory(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "dir")
	write(t, top, "outside", content)
	check(t, os.Mkdir(dir, 0o755))
	write(t, dir, distfiles.SumsFile, []byte("not a line of sums\n"+sumOf(content)+"  ../outside\n"))
	opts := quick()
	opts.Dirs, opts.Offline = []string{dir}, true
	store := open(t)
	wantError(t, fetch(t, store, opts, source("one.tar", content)), "no file one.tar")
	wantKept(t, store)
}
