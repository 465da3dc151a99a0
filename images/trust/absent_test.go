package trust

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Only what has no name is absent. Whatever else keeps a policy from being read must
// not let images through.
func TestHasPolicy(t *testing.T) {
	link := func(target, name string) func(dir string) error {
		return func(dir string) error { return os.Symlink(target, filepath.Join(dir, name)) }
	}
	tests := []struct {
		name    string
		prepare func(dir string) error
		file    string
		want    bool
		fails   bool
	}{
		{"nothing there", func(string) error { return nil }, "policy.yaml", false, false},
		{"no directory", func(string) error { return nil }, "etc/rootbuild/policy.yaml", false, false},
		{"a file", func(dir string) error { return os.WriteFile(dir+"/policy.yaml", nil, 0o600) }, "policy.yaml", true, false},
		{"a link to a file", func(dir string) error {
			return os.Symlink("/proc/self/status", filepath.Join(dir, "policy.yaml"))
		}, "policy.yaml", true, false},
		{"nothing below a link to a directory", link(".", "etc"), "etc/policy.yaml", false, false},
		{"a dangling link", link("/srv/none/policy.yaml", "policy.yaml"), "policy.yaml", false, true},
		{"a dangling link to a directory", link("/srv/none", "etc"), "etc/policy.yaml", false, true},
		{"a dangling link high above", link("/srv/none", "etc"), "etc/rootbuild/site/policy.yaml", false, true},
		{"a loop", link("policy.yaml", "policy.yaml"), "policy.yaml", false, true},
		{"a file for a directory", func(dir string) error { return os.WriteFile(dir+"/etc", nil, 0o600) }, "etc/policy.yaml", false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := test.prepare(dir); err != nil {
				t.Fatal(err)
			}
			got, err := HasPolicy(filepath.Join(dir, test.file))
			if got != test.want || (err != nil) != test.fails {
				t.Errorf("%t, %v; want %t, and an error: %t", got, err, test.want, test.fails)
			}
		})
	}
}

// A directory is there, but is none to read.
func TestLoadPolicyDirectory(t *testing.T) {
	dir := t.TempDir()
	if found, err := HasPolicy(dir); !found || err != nil {
		t.Errorf("%t, %v", found, err)
	}
	if _, err := LoadPolicy(dir); err == nil {
		t.Error("a directory was read as a policy")
	}
}

func TestHasPolicyWithoutPermission(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("becoming another user needs root")
	}
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/etc", 0o700); err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	old, err := unix.SetfsuidRetUid(65534)
	if err != nil {
		t.Fatal(err)
	}
	found, err := HasPolicy(dir + "/etc/policy.yaml")
	if _, back := unix.SetfsuidRetUid(old); back != nil {
		t.Fatal(back)
	}
	if found || err == nil {
		t.Errorf("%t, %v; want an error", found, err)
	}
}

// No server leaves a handle stale on demand.
func TestHasPolicyStale(t *testing.T) {
	stale := func(name string) (fs.FileInfo, error) {
		if name == "/etc/rootbuild" {
			return nil, &fs.PathError{Op: "lstat", Path: name, Err: syscall.ESTALE}
		}
		return os.Lstat(name)
	}
	if found, err := hasPolicy("/etc/rootbuild/policy.yaml", stale); found || err == nil {
		t.Errorf("%t, %v; want an error", found, err)
	}
}
