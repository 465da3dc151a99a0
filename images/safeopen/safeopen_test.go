package safeopen_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// What is no regular file is refused at once: a FIFO that nobody writes to would
// keep a plain open for ever.
func TestFile(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "file"), []byte("text"), 0o644))
	must(t, os.Symlink("file", filepath.Join(dir, "link")))
	must(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o644))
	must(t, os.Symlink("fifo", filepath.Join(dir, "to-fifo")))
	must(t, os.Mkdir(filepath.Join(dir, "dir"), 0o755))
	must(t, os.Symlink("/dev/zero", filepath.Join(dir, "device")))
	root, err := os.OpenRoot(dir)
	must(t, err)
	defer root.Close()
	open := map[string]func(string) (*os.File, error){
		"path": func(name string) (*os.File, error) { return safeopen.File(filepath.Join(dir, name)) },
		"root": func(name string) (*os.File, error) { return safeopen.FileIn(root, name) },
	}
	for way, open := range open {
		for _, name := range []string{"file", "link"} {
			f, err := open(name)
			must(t, err)
			text, err := io.ReadAll(f)
			if err := errors.Join(err, f.Close()); err != nil || string(text) != "text" {
				t.Errorf("%s %s: %q, %v", way, name, text, err)
			}
		}
		for _, name := range []string{"fifo", "to-fifo", "dir", "device"} {
			if f, err := open(name); err == nil {
				t.Errorf("%s %s: opened", way, name)
				f.Close()
			}
		}
	}
	var kind *safeopen.KindError
	if _, err := safeopen.FileIn(root, "to-fifo"); !errors.As(err, &kind) || kind.Have != fs.ModeNamedPipe {
		t.Errorf("a FIFO: %v", err)
	}
	if _, err := safeopen.Read(filepath.Join(dir, "file"), 3); err == nil {
		t.Error("a file of four bytes was read where three are the limit")
	}
}

// What is written to a file of ours is written nowhere else.
func TestOwn(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "victim"), []byte("text"), 0o644))
	must(t, os.Symlink("victim", filepath.Join(dir, "link")))
	must(t, os.Symlink("absent", filepath.Join(dir, "dangling")))
	must(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o644))
	for _, name := range []string{"link", "dangling", "fifo"} {
		if f, err := safeopen.Own(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE, 0o600); err == nil {
			t.Errorf("%s: opened", name)
			f.Close()
		}
	}
	f, err := safeopen.Own(filepath.Join(dir, "new"), os.O_RDWR|os.O_CREATE, 0o600)
	must(t, err)
	must(t, f.Close())
	if _, err := os.Lstat(filepath.Join(dir, "absent")); err == nil {
		t.Error("a dangling symlink was written through")
	}
}

// A directory that another user owns, can write to or can exchange is refused, and
// so is one behind a symlink of theirs; root's sticky /tmp above it is not.
func TestDir(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("giving directories away needs root")
	}
	const other = 12345
	top := t.TempDir()
	for _, tc := range []struct {
		name string
		make func(dir string)
		safe bool
	}{
		{"plain", func(string) {}, true},
		{"sticky above", func(d string) { chmod(t, d+"/above", 0o777|fs.ModeSticky) }, true},
		{"absent", func(d string) { must(t, os.Remove(d+"/above/dir")); chmod(t, d+"/above", 0o777|fs.ModeSticky) }, true},
		{"absent, world above", func(d string) { must(t, os.Remove(d+"/above/dir")); chmod(t, d+"/above", 0o777) }, false},
		{"symlink of ours", func(d string) { replaceByLink(t, d+"/above/dir") }, true},
		{"relative symlink above", func(d string) {
			must(t, os.Rename(d+"/above", d+"/x"))
			must(t, os.Symlink("./../"+filepath.Base(d)+"/x", d+"/above"))
		}, true},
		{"owner", func(d string) { must(t, os.Chown(d+"/above/dir", other, 0)) }, false},
		{"owner above", func(d string) { must(t, os.Chown(d+"/above", other, 0)) }, false},
		{"world", func(d string) { chmod(t, d+"/above/dir", 0o777) }, false},
		{"world and sticky", func(d string) { chmod(t, d+"/above/dir", 0o777|fs.ModeSticky) }, false},
		{"world above", func(d string) { chmod(t, d+"/above", 0o777) }, false},
		{"group", func(d string) { must(t, os.Chown(d+"/above/dir", 0, other)); chmod(t, d+"/above/dir", 0o775) }, false},
		{"root's group", func(d string) { chmod(t, d+"/above/dir", 0o775) }, true},
		{"symlink of theirs", func(d string) { replaceByLink(t, d+"/above/dir"); must(t, os.Lchown(d+"/above/dir", other, 0)) }, false},
		{"symlink to theirs", func(d string) { replaceByLink(t, d+"/above/dir"); must(t, os.Chown(d+"/above/real", other, 0)) }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, err := os.MkdirTemp(top, "")
			must(t, err)
			made, err := safeopen.Make(d+"/above/dir", 0o755)
			must(t, err)
			if made != d+"/above" {
				t.Errorf("made %q first", made)
			}
			tc.make(d)
			err = safeopen.Dir(d + "/above/dir")
			var owner *safeopen.OwnerError
			if tc.safe != (err == nil) || !tc.safe && !errors.As(err, &owner) {
				t.Error(err)
			}
		})
	}
}

// Directories get their mode whatever the umask, those above too.
func TestMake(t *testing.T) {
	dir := t.TempDir()
	defer unix.Umask(unix.Umask(0o077))
	_, err := safeopen.Make(dir+"/a/b", 0o755)
	must(t, err)
	for _, name := range []string{"/a", "/a/b"} {
		if info, err := os.Stat(dir + name); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

// Those who make one directory at once have it all, and one of them made it.
func TestMakeTogether(t *testing.T) {
	dir := t.TempDir()
	for i := range 200 {
		var made atomic.Int32
		var all errgroup.Group
		for range 8 {
			all.Go(func() error {
				first, err := safeopen.Make(fmt.Sprintf("%s/%d/b", dir, i), 0o755)
				if first != "" {
					made.Add(1)
				}
				return err
			})
		}
		must(t, all.Wait())
		if made.Load() == 0 {
			t.Error("made by none")
		}
	}
}

// A link to nothing in its place stays an error.
func TestMakeAtDanglingLink(t *testing.T) {
	link := t.TempDir() + "/link"
	must(t, os.Symlink("nothing", link))
	if _, err := safeopen.Make(link, 0o755); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
}

func replaceByLink(t *testing.T, dir string) {
	t.Helper()
	must(t, os.Rename(dir, filepath.Dir(dir)+"/real"))
	must(t, os.Symlink("real", dir))
}

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	must(t, os.Chmod(path, mode))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
