package unpack

import (
	"archive/tar"
	"fmt"
	"math"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// xattrPrefix marks extended attributes among an entry's PAX records.
const xattrPrefix = "SCHILY.xattr."

// modeBits are the bits of a mode that chmod takes. The rest is the type, which
// an entry has apart.
const modeBits = 0o7777

// attr is what a tar entry says of a file beside its content. Each name of an
// image has one in memory.
type attr struct {
	uid, gid uint32
	mode     uint32 // the bits that chmod takes
	nsec     int32
	sec      int64 // of the modification time
	extra    *extra
}

// extra is what few files have.
type extra struct {
	xattrs map[string]string
	target string // of a symlink
	major  uint32 // of a device
	minor  uint32
}

var noExtra = &extra{}

// more returns what few files have.
func (a attr) more() *extra {
	if a.extra == nil {
		return noExtra
	}
	return a.extra
}

func (a attr) xattrs() map[string]string { return a.more().xattrs }

// at returns the attributes with this modification time.
func (a attr) at(t time.Time) attr {
	a.sec, a.nsec = t.Unix(), int32(t.Nanosecond())
	return a
}

func attrOf(hdr *tar.Header) attr {
	a := attr{uid: uint32(hdr.Uid), gid: uint32(hdr.Gid), mode: uint32(hdr.Mode) & modeBits}.at(hdr.ModTime)
	if x := xattrsOf(hdr); x != nil {
		a.extra = &extra{xattrs: x}
	}
	return a
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

// listed describes a name of a finished tree that has these attributes.
func (a attr) listed(typ byte, name string) listed {
	e := listed{Type: typ, Name: name, Mode: int64(a.mode), UID: int(a.uid), GID: int(a.gid), Sec: a.sec, Nsec: int(a.nsec)}
	for x, value := range a.xattrs() {
		if e.PAX == nil {
			e.PAX = map[string]string{}
		}
		e.PAX[xattrPrefix+x] = value
	}
	return e
}

// applyTo sets the attributes of an open file, which is also name in the directory
// dirfd. The order matters: chown clears setuid and security.capability.
func (a attr) applyTo(fd, dirfd int, name string) error {
	if err := unix.Fchown(fd, int(a.uid), int(a.gid)); err != nil {
		return pathError("fchown", name, err)
	}
	if err := unix.Fchmod(fd, a.mode); err != nil {
		return pathError("fchmod", name, err)
	}
	if err := a.setXattrs(dirfd, name); err != nil {
		return err
	}
	return a.setTimes(dirfd, name)
}

// applyAt sets the attributes of a name that need not be opened, or cannot be
// without an effect: a directory, a symlink, a device or a fifo.
func (a attr) applyAt(d openDir, leaf string, typ byte) error {
	if err := unix.Fchownat(d.fd, leaf, int(a.uid), int(a.gid), unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return pathError("fchownat", leaf, err)
	}
	if typ != tar.TypeSymlink {
		if err := unix.Fchmodat(d.fd, leaf, a.mode, 0); err != nil {
			return pathError("fchmodat", leaf, err)
		}
	}
	if err := a.setXattrs(d.fd, leaf); err != nil {
		return err
	}
	return a.setTimes(d.fd, leaf)
}

// setTimes sets the access and the modification time. The image has one time;
// taking it for both makes a root the same on every unpack.
func (a attr) setTimes(dirfd int, name string) error {
	ts := unix.Timespec{Sec: a.sec, Nsec: int64(a.nsec)}
	if err := unix.UtimesNanoAt(dirfd, name, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fmt.Errorf("setting times: %w", err)
	}
	if 0 <= a.sec && a.sec <= math.MaxInt32 {
		return nil // every file system keeps these
	}
	var st unix.Stat_t
	if err := unix.Fstatat(dirfd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return pathError("fstatat", name, err)
	}
	if st.Mtim.Sec != a.sec {
		return fmt.Errorf("its time %s is none that this file system keeps, it makes %s of it: name a directory on one that does (ext4 with inodes of 256 bytes, XFS with bigtime), or build the image with other times",
			timeText(a.sec), timeText(st.Mtim.Sec))
	}
	return nil
}
