package nfsroot_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/nfsroot"
)

// A record that is damaged, or empty, is an error that names it, whatever is asked of
// the store.
func TestDamagedRecord(t *testing.T) {
	for _, text := range []string{"{}", "null", "[]", "", `{"tag":"other","digest":"sha256:` + strings.Repeat("0", 64) + `"}`, `{"tag":"one","digest":"sha256:0"}`, `{"tag":"one"}`} {
		dir := t.TempDir()
		s := open(t, dir)
		mustUnpack(t, s, "one", image(t, []entry{file("etc/hostname", "one")}))
		record := dir + "/.rootbuild/roots/one.json"
		if err := errors.Join(s.Close(), os.WriteFile(record, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		view, err := nfsroot.OpenReadOnly(dir)
		if err != nil {
			t.Fatal(err)
		}
		_, err = view.List()
		if err == nil || !strings.Contains(err.Error(), record) {
			t.Errorf("%q: %v, want an error that names %s", text, err, record)
		}
		_, err = view.Plan(nfsroot.Policy{})
		if err == nil || !strings.Contains(err.Error(), "one.json") {
			t.Errorf("%q: planning: %v", text, err)
		}
	}
}
