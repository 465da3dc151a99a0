package nfsroot

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// checkLocks refuses a directory where a lock keeps out the processes of this
// machine alone while other machines write there too.
func checkLocks(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("asking for the file system of %s: %w", dir, err)
	}
	if st.Type != unix.NFS_SUPER_MAGIC {
		return nil
	}
	mount, err := mountOf(dir)
	if err != nil {
		return err
	}
	return checkLockOptions(dir, mount.Source, mount.VFSOptions)
}

// checkLockOptions reads the options of an NFS mount as the kernel shows them.
// It asks the server for flock only with local_lock=none.
func checkLockOptions(dir, source, options string) error {
	list := strings.Split(options, ",")
	if slices.Contains(list, "local_lock=none") && !slices.Contains(list, "nolock") {
		return nil
	}
	return fmt.Errorf("%s lies on NFS (%s), mounted so that locks are not told to the server, and another machine could change it at the same time: run rootbuild on the server, or mount it without nolock and with local_lock=none; no root was changed", dir, source)
}

// mountOf returns the mount that a directory lies on.
func mountOf(dir string) (*mountinfo.Info, error) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	mounts, err := mountinfo.GetMounts(mountinfo.ParentsFilter(real))
	if err != nil {
		return nil, fmt.Errorf("reading the list of mounts: %w", err)
	}
	// Of two mounts on one place the later hides the other.
	var found *mountinfo.Info
	for _, m := range mounts {
		if found == nil || len(m.Mountpoint) >= len(found.Mountpoint) {
			found = m
		}
	}
	if found == nil {
		return nil, fmt.Errorf("%s is on no mount that /proc/self/mountinfo tells of", real)
	}
	return found, nil
}
