package distfiles_test

import (
	"os"
	"testing"

	"github.com/rootbuild/rootbuild/builder/distfiles"
)

func TestCheck(t *testing.T) {
	store := open(t)
	good, bad, gone := source("good", []byte("good")), source("bad", []byte("bad")), source("gone", []byte("gone"))
	for _, s := range []struct {
		source distfiles.Source
		text   string
	}{{good, "good"}, {bad, "worse"}} {
		if err := os.WriteFile(store.Path(s.source.SHA256), []byte(s.text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Check([]distfiles.Source{good}); err != nil {
		t.Error(err)
	}
	wantError(t, store.Check([]distfiles.Source{good, bad, gone}),
		"checking source bad: ", " has the sha256 "+sumOf([]byte("worse"))+": remove it", "checking source gone: ", "no such file")
}
