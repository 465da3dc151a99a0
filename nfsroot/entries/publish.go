package entries

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// stageRoot makes the directory of a root, which appears whole: no entry leads to it
// yet. In one that is there, what is missing or has another text is staged.
func (p *Pending) stageRoot(name string, s source) error {
	at := p.path(ownName, name)
	texts := map[string][]byte{}
	for _, l := range languages {
		if text, ok := p.r.inRoots[path.Join(ownName, name, l.file)]; ok {
			texts[l.file] = text
		}
	}
	switch info, err := os.Lstat(at); {
	case err == nil && info.IsDir():
		return p.mendRoot(name, s, texts)
	case err == nil:
		return &safeopen.KindError{Path: at, Have: info.Mode().Type(), Want: "directory"}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if warning := s.kernel.Warning(); warning != "" {
		p.Warnings = append(p.Warnings, fmt.Sprintf("root %s: %s", s.root.Tag, warning))
	}
	staged := p.next()
	if _, err := safeopen.Make(staged, 0o755); err != nil {
		return err
	}
	for to, from := range s.files() {
		if err := publish(s.root.Dir, from, filepath.Join(staged, to)); err != nil {
			return err
		}
	}
	for file, text := range texts {
		if err := os.WriteFile(filepath.Join(staged, file), text, 0o644); err != nil {
			return err
		}
	}
	p.roots = append(p.roots, move{staged, at})
	return nil
}

// files are the kernel's, by their names in the root's directory of entries.
func (s source) files() map[string]string {
	return map[string]string{kernelName: s.kernel.Path, initramfsName: s.kernel.Initramfs}
}

// mendRoot stages what the directory of a root lacks.
func (p *Pending) mendRoot(name string, s source, texts map[string][]byte) error {
	for to, from := range s.files() {
		at := p.path(ownName, name, to)
		if whole, err := sameSize(at, filepath.Join(s.root.Dir, from)); err != nil || whole {
			if err != nil {
				return err
			}
			continue
		}
		staged := p.next()
		if err := publish(s.root.Dir, from, staged); err != nil {
			return err
		}
		p.inDirs = append(p.inDirs, move{staged, at})
	}
	for _, l := range languages {
		if text, ok := texts[l.file]; ok {
			if err := p.stageText(&p.inDirs, path.Join(ownName, name, l.file), text); err != nil {
				return err
			}
		}
	}
	return nil
}

// sameSize says whether a file is there as long as it should be. Nothing is ever
// written in its place, so it is then whole.
func sameSize(file, want string) (bool, error) {
	have, err := os.Lstat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	info, err := os.Lstat(want)
	return err == nil && have.Mode().IsRegular() && have.Size() == info.Size(), err
}

// publish gives a file of a root a name that servers reach: a link if everybody may
// read it and it lies on the same file system, else a copy. A root is never changed.
func publish(root, from, to string) (err error) {
	dir, err := safeopen.Root(root)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	f, err := safeopen.FileIn(dir, from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	const all = 0o444
	if info.Mode().Perm()&all == all {
		// By its descriptor: no name in the root is looked up again.
		err := unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", f.Fd()), unix.AT_FDCWD, to, unix.AT_SYMLINK_FOLLOW)
		if err == nil || errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return writeNew(to, f)
}

// writeNew writes a file that is not there yet, for everybody to read.
func writeNew(file string, from io.Reader) (err error) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.Chmod(0o644); err != nil { // whatever the umask
		return err
	}
	if _, err := io.Copy(f, from); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return nil
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) (err error) {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return f.Sync()
}
