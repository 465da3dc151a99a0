package nfsroot_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/nfsroot"
)

// A serial never goes back within its line, whoever opens the store.
func TestAccept(t *testing.T) {
	dir := t.TempDir()
	for _, step := range []struct {
		line   string
		serial uint64
		older  bool
		ok     bool
	}{
		{"a", 0, false, true},
		{"a", 5, false, true},
		{"a", 5, false, true},
		{"a", 4, false, false},
		{"a", 0, false, false},
		{"b", 1, false, true},
		{"a", 4, true, true},
		{"a", 4, false, false},
		{"a", 6, false, true},
	} {
		s := open(t, dir)
		err := s.Accept(step.line, step.serial, step.older)
		var older *nfsroot.OlderError
		if step.ok && err != nil || !step.ok && !errors.As(err, &older) {
			t.Errorf("%+v: %v", step, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, ".rootbuild/serials.json"))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("serials.json: %v, %v", info, err)
	}
}

// What cannot be read is not taken for "nothing was accepted".
func TestAcceptDamaged(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	file := filepath.Join(dir, ".rootbuild/serials.json")
	if err := os.WriteFile(file, []byte(`{"a":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Accept("a", 1, true); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v, want one that names %s", err, file)
	}
}
