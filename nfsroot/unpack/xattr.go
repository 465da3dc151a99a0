package unpack

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sys/unix"
)

// The extended attributes that the kernel takes apart. What it makes of them is not
// always what was set.
const (
	accessACL  = "system.posix_acl_access"
	defaultACL = "system.posix_acl_default"
)

// procPath names a file in an open directory for the calls that take a path only:
// setxattrat came with Linux 6.13.
func procPath(dirfd int, name string) string { return fmt.Sprintf("/proc/self/fd/%d/%s", dirfd, name) }

// setXattrs sets the extended attributes of a name, and refuses what the file system
// does not keep as it is: no check could confirm it later.
func (a attr) setXattrs(dirfd int, name string) error {
	xattrs := a.xattrs()
	if len(xattrs) == 0 {
		return nil
	}
	path := procPath(dirfd, name)
	for _, x := range slices.Sorted(maps.Keys(xattrs)) {
		if err := unix.Lsetxattr(path, x, []byte(xattrs[x]), 0); err != nil {
			return a.explainXattr(dirfd, x, err)
		}
	}
	buf := make([]byte, 64<<10)
	for _, x := range slices.Sorted(maps.Keys(xattrs)) {
		n, err := unix.Lgetxattr(path, x, buf)
		if err != nil || string(buf[:n]) != xattrs[x] {
			return errors.Join(fmt.Errorf("its extended attribute %s is none that this file system keeps as it is", x), err)
		}
	}
	return a.checkACL(dirfd, name)
}

// checkACL refuses a mode that the ACL changed: its mask is the mode's group bits.
func (a attr) checkACL(dirfd int, name string) error {
	if _, ok := a.xattrs()[accessACL]; !ok {
		return nil
	}
	var st unix.Stat_t
	if err := unix.Fstatat(dirfd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return pathError("fstatat", name, err)
	}
	if have := st.Mode & modeBits; have != a.mode {
		return fmt.Errorf("its mode %s is not that of its POSIX ACL, %s: a file has one of them", modeText(a.mode), modeText(have))
	}
	return nil
}

// explainXattr tells an attribute that is too large from a file system that is full.
func (a attr) explainXattr(dirfd int, x string, err error) error {
	size := 0
	for name, value := range a.xattrs() {
		size += len(name) + len(value)
	}
	var st unix.Statfs_t
	roomy := unix.Fstatfs(dirfd, &st) == nil && st.Bavail > 1024
	if errors.Is(err, unix.E2BIG) || errors.Is(err, unix.ERANGE) || errors.Is(err, unix.ENOSPC) && roomy {
		return fmt.Errorf("setting extended attribute %s: its attributes have %d bytes, more than this file system keeps for a file: name a directory on one that keeps more, such as XFS", x, size)
	}
	return fmt.Errorf("setting extended attribute %s: %w", x, err)
}

// DropACLs takes from a new directory the ACLs that it has from the one that it is in:
// all that is unpacked there would have them too.
func DropACLs(dir string) error {
	for _, x := range []string{accessACL, defaultACL} {
		if err := unix.Lremovexattr(dir, x); err != nil && !errors.Is(err, unix.ENODATA) && !errors.Is(err, unix.EOPNOTSUPP) {
			return fmt.Errorf("removing the ACL %s of %s: %w", x, dir, err)
		}
	}
	return nil
}
