package nfsroot

import (
	"archive/tar"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// xattrPrefix marks extended attributes among an entry's PAX records.
const xattrPrefix = "SCHILY.xattr."

// attr is what a tar entry says of a file beside its content.
type attr struct {
	uid, gid int
	mode     fs.FileMode
	mtime    time.Time
	xattrs   map[string]string
}

func attrOf(hdr *tar.Header) attr {
	// Of the mode only the bits that chmod knows: the type is the entry's own.
	h := *hdr
	h.Mode &= 0o7777
	return attr{uid: hdr.Uid, gid: hdr.Gid, mode: h.FileInfo().Mode(), mtime: hdr.ModTime, xattrs: xattrsOf(hdr)}
}

// xattrsOf returns the extended attributes of an entry, nil if it has none.
func xattrsOf(hdr *tar.Header) map[string]string {
	var xattrs map[string]string
	for key, value := range hdr.PAXRecords {
		if name, ok := strings.CutPrefix(key, xattrPrefix); ok {
			if xattrs == nil {
				xattrs = map[string]string{}
			}
			xattrs[name] = value
		}
	}
	return xattrs
}

// applyTo sets the attributes of an open file or directory, which is also
// name in the directory dirfd. The order matters: chown clears setuid and
// security.capability.
func (a attr) applyTo(f *os.File, dirfd int, name string) error {
	if err := f.Chown(a.uid, a.gid); err != nil {
		return err
	}
	if err := f.Chmod(a.mode); err != nil {
		return err
	}
	for _, x := range slices.Sorted(maps.Keys(a.xattrs)) {
		if err := unix.Fsetxattr(int(f.Fd()), x, []byte(a.xattrs[x]), 0); err != nil {
			return fmt.Errorf("setting extended attribute %s: %w", x, err)
		}
	}
	return a.setTimes(dirfd, name)
}

// applyAt sets the attributes of a name that cannot be opened without an
// effect: a symlink, a device or a fifo.
func (a attr) applyAt(p parent, leaf string) error {
	if err := p.root.Lchown(leaf, a.uid, a.gid); err != nil {
		return err
	}
	if a.mode&fs.ModeSymlink == 0 {
		if err := p.root.Chmod(leaf, a.mode); err != nil {
			return err
		}
	}
	for _, x := range slices.Sorted(maps.Keys(a.xattrs)) {
		// Through /proc, for setxattrat came with Linux 6.13 only.
		path := fmt.Sprintf("/proc/self/fd/%d/%s", p.fd(), leaf)
		if err := unix.Lsetxattr(path, x, []byte(a.xattrs[x]), 0); err != nil {
			return fmt.Errorf("setting extended attribute %s: %w", x, err)
		}
	}
	return a.setTimes(p.fd(), leaf)
}

// setTimes sets the access and the modification time. The image has one time;
// taking it for both makes a root the same on every unpack.
func (a attr) setTimes(dirfd int, name string) error {
	// By way of nanoseconds alone, years after 2262 would wrap round.
	ts := unix.Timespec{Sec: a.mtime.Unix(), Nsec: int64(a.mtime.Nanosecond())}
	if err := unix.UtimesNanoAt(dirfd, name, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fmt.Errorf("setting times: %w", err)
	}
	return nil
}
