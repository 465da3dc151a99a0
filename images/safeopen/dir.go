package safeopen

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// OwnerError says who else could change a directory.
type OwnerError struct {
	Path string
	Why  string // such as "belongs to uid 1000"
	Do   string // what makes it safe
}

// Error says what to do.
func (e *OwnerError) Error() string {
	return fmt.Sprintf("%s %s: whoever can change it decides over what is written, removed and booted from there: %s, or name another directory; nothing was changed",
		e.Path, e.Why, e.Do)
}

// maxLinks is how many symlinks are followed, as the kernel does.
const maxLinks = 40

// Dir checks that only root and the caller can change the directory at path, and can
// put another in its place: it, all above it, and the symlinks on the way belong to
// one of them, and others cannot write there (above it, a sticky bit will do). Of one
// that is not there, what is above it is checked.
func Dir(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	// at is free of symlinks, so that what lies above it is its own parent.
	at, rest, links := "/", split(path), 0
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		if name == ".." {
			at = filepath.Dir(at)
			continue
		}
		info, err := os.Lstat(filepath.Join(at, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = filepath.Join(at, name)
			if err := checkDir(at, info, true); err != nil {
				return err
			}
			continue
		}
		if links++; links > maxLinks {
			return &fs.PathError{Op: "open", Path: path, Err: syscall.ELOOP}
		}
		to, err := readOwnLink(filepath.Join(at, name), info)
		if err != nil {
			return err
		}
		if filepath.IsAbs(to) {
			at = "/"
		}
		rest = append(split(to), rest...)
	}
	info, err := os.Lstat(at)
	if err != nil {
		return err
	}
	return checkDir(at, info, false)
}

// readOwnLink returns where a symlink leads that nobody else made.
func readOwnLink(path string, info fs.FileInfo) (string, error) {
	if err := checkOwner(path, info); err != nil {
		return "", err
	}
	return os.Readlink(path)
}

// split returns the names in a path.
func split(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(name string) bool { return name == "" || name == "." })
}

// Root opens the directory at path, and nothing else, without waiting.
func Root(path string) (*os.Root, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &KindError{path, info.Mode().Type(), "directory"}
	}
	return os.OpenRoot(path)
}

// ReadDirIn lists a directory below root, which no symlink leads out of, sorted.
func ReadDirIn(root *os.Root, path string) (_ []fs.DirEntry, err error) {
	dir, err := root.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	entries, err := dir.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// Subdir checks a directory below one that Dir found safe: it is no symlink, only
// root and the caller can change it. One that is not there is no error.
func Subdir(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%w: what is written and removed there would be somewhere else: move it away; nothing was changed", &KindError{path, info.Mode().Type(), "directory"})
	}
	return checkDir(path, info, false)
}

// Make makes the directory at path, and those above it that are missing, with exactly
// this mode, whatever the umask. One that is there stays as it is. The first that was
// made is returned, or "".
func Make(path string, mode fs.FileMode) (made string, err error) {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		return "", fmt.Errorf("%w: name a directory, or move it away", &KindError{path, info.Mode().Type(), "directory"})
	}
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if above := filepath.Dir(path); above != path {
		if made, err = Make(above, mode); err != nil {
			return made, err
		}
	}
	if err := os.Mkdir(path, mode); errors.Is(err, fs.ErrExist) {
		// Somebody else made it since. A link that leads nowhere is told as it is.
		if info, missing := os.Stat(path); missing == nil && info.IsDir() {
			return made, nil
		}
		return made, err
	} else if err != nil {
		return made, err
	}
	if made == "" {
		made = path
	}
	return made, os.Chmod(path, mode)
}

// checkDir says who but root and the caller can write to a directory. Above what is
// used, a sticky bit keeps them from moving what is not theirs.
func checkDir(path string, info fs.FileInfo, above bool) error {
	if !info.IsDir() {
		return &KindError{path, info.Mode().Type(), "directory"}
	}
	if err := checkOwner(path, info); err != nil {
		return err
	}
	if above && info.Mode()&fs.ModeSticky != 0 {
		return nil
	}
	st := info.Sys().(*syscall.Stat_t)
	switch perm := info.Mode().Perm(); {
	case perm&0o002 != 0:
		return &OwnerError{path, "can be written by everybody", "chmod o-w " + path}
	case perm&0o020 != 0 && !ourGroup(st.Gid):
		return &OwnerError{path, fmt.Sprintf("can be written by group %d", st.Gid), "chmod g-w " + path}
	}
	return nil
}

func checkOwner(path string, info fs.FileInfo) error {
	st := info.Sys().(*syscall.Stat_t)
	if ours(st.Uid) {
		return nil
	}
	return &OwnerError{path, fmt.Sprintf("belongs to uid %d", st.Uid), fmt.Sprintf("look at what it holds, then chown -h %d %s", os.Geteuid(), path)}
}

// ours says whether a user is root, who can change all, or the caller.
func ours(uid uint32) bool { return uid == 0 || int(uid) == os.Geteuid() }

// ourGroup is root's, or the caller's own, which a umask of 002 lets write.
func ourGroup(gid uint32) bool { return gid == 0 || int(gid) == os.Getegid() }
