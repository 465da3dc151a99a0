package state_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/builder/state"
)

// A state directory that another user can change, or prepared with links, is refused
// before anything behind a link is touched.
func TestStatePrepared(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("giving directories away needs root")
	}
	for _, test := range []struct {
		link, to string // below the state, below the victim
		want     string
	}{
		{"lock", "file", "lock is a symlink"},
		{"images", "", "images is a symlink"},
		{"images/partial", "", "partial is a symlink"},
		{"images/blobs", "", "blobs is a symlink"},
		{"distfiles/partial", "", "partial is a symlink"},
		{"reproduce", "", "reproduce is a symlink"},
		{"records", "", "records is a symlink"},
		{"buildkit", "", "buildkit is a symlink"},
		{"boots", "", "boots is a symlink"},
	} {
		t.Run(test.link, func(t *testing.T) {
			outer := t.TempDir()
			state, victim := outer+"/state", outer+"/victim"
			link := filepath.Join(state, test.link)
			err := errors.Join(os.MkdirAll(filepath.Dir(link), 0o700), os.Mkdir(victim, 0o755),
				os.WriteFile(victim+"/file", []byte("mine"), 0o644), os.Symlink(filepath.Join(victim, test.to), link))
			if err != nil {
				t.Fatal(err)
			}
			wantPrepared(t, state, test.want)
			if text, err := os.ReadFile(victim + "/file"); err != nil || string(text) != "mine" {
				t.Errorf("the file holds %q, %v", text, err)
			}
		})
	}
	dir := t.TempDir()
	if err := os.Chown(dir, 12345, 0); err != nil {
		t.Fatal(err)
	}
	wantPrepared(t, dir, "belongs to uid 12345")
}

func wantPrepared(t *testing.T, dir, want string) {
	t.Helper()
	s, err := state.Open(dir, "test")
	if err == nil {
		s.Close()
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want an error with %q", err, want)
	}
}
