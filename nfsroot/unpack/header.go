package unpack

import (
	"archive/tar"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// checkHeader refuses what the disk would not keep as the entry has it, and
// what only the kernel may write.
func checkHeader(hdr *tar.Header) error {
	switch {
	case !isID(hdr.Uid) || !isID(hdr.Gid):
		return fmt.Errorf("its owner %d:%d is out of range", hdr.Uid, hdr.Gid)
	case isDevice(hdr) && !isDeviceNumber(hdr.Devmajor, hdr.Devminor):
		return fmt.Errorf("its device number %d,%d is out of range", hdr.Devmajor, hdr.Devminor)
	}
	if err := checkTime(hdr.ModTime); err != nil {
		return err
	}
	for x := range xattrsOf(hdr) {
		if !utf8.ValidString(x) {
			return fmt.Errorf("its extended attribute %q is none that an image may set", x)
		}
	}
	return nil
}

// isID says whether chown would set this owner: it wraps a larger one round,
// and takes -1 for "leave it".
func isID(id int) bool { return 0 <= id && id < math.MaxUint32 }

func isDevice(hdr *tar.Header) bool {
	return hdr.Typeflag == tar.TypeChar || hdr.Typeflag == tar.TypeBlock
}

// isDeviceNumber says whether mknod would make this device: it cuts a larger
// number off.
func isDeviceNumber(major, minor int64) bool {
	return 0 <= major && major < 1<<12 && 0 <= minor && minor < 1<<20
}

// checkTime refuses times that ext4 does not keep.
func checkTime(t time.Time) error {
	const first, last = -1 << 31, 1<<34 - 1<<31 - 1
	if s := t.Unix(); s < first || s > last {
		return fmt.Errorf("its time, %d seconds from 1970, is out of range", s)
	}
	return nil
}

// Refusal is what an image may not hold.
type Refusal struct {
	// Devices are device nodes: on the master they are the master's devices.
	Devices bool
	// Setuid are files that give their owner's rights to whoever starts them:
	// those with setuid or setgid bits, or with capabilities.
	Setuid bool
}

// check refuses an entry by its type and mode.
func (r Refusal) check(hdr *tar.Header) error {
	if r.Devices && isDevice(hdr) {
		return errors.New("it is a device node, and --no-devices refuses that")
	}
	if !r.Setuid || hdr.Typeflag == tar.TypeDir || hdr.Typeflag == tar.TypeLink || hdr.Typeflag == tar.TypeSymlink {
		return nil
	}
	if hdr.Mode&(unix.S_ISUID|unix.S_ISGID) != 0 {
		return errors.New("it is setuid or setgid, and --no-setuid refuses that")
	}
	if hdr.PAXRecords[xattrPrefix+"security.capability"] != "" {
		return errors.New("it has capabilities, and --no-setuid refuses that")
	}
	return nil
}
