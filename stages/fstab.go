package stages

import (
	"fmt"
	"strings"

	"github.com/rootbuild/rootbuild/images"
)

// fixedMounts are those of every node. The kernel or the initramfs has mounted /
// when init reads the table; "ro" keeps everybody from mounting it again for
// writing.
const fixedMounts = `# device  directory  type  options  dump  pass
rootfs / auto ro 0 0
proc /proc proc nosuid,nodev,noexec 0 0
sysfs /sys sysfs nosuid,nodev,noexec 0 0
devtmpfs /dev devtmpfs nosuid,mode=0755 0 0
devpts /dev/pts devpts nosuid,noexec,gid=5,mode=0620,ptmxmode=0666 0 0
tmpfs /dev/shm tmpfs nosuid,nodev,mode=1777 0 0
`

// fstab is the table of mounts, a directory after the one above it.
func (n Node) fstab() images.File {
	var b strings.Builder
	b.WriteString(fixedMounts)
	for _, t := range n.Tmpfs {
		if n.nested(t) {
			continue
		}
		fmt.Fprintf(&b, "tmpfs %s tmpfs nosuid,nodev,mode=%04o,uid=%d,gid=%d", t.Path, t.Mode, t.UID, t.GID)
		if t.Size != "" {
			b.WriteString(",size=" + t.Size)
		}
		b.WriteString(" 0 0\n")
	}
	return text("/etc/fstab", 0o644, b.String())
}

// directories lists what lies within a tmpfs: the service mounts makes it.
func (n Node) directories() images.File {
	var b strings.Builder
	b.WriteString("# mode  owner  directory within a tmpfs\n")
	for _, t := range n.Tmpfs {
		if n.nested(t) {
			fmt.Fprintf(&b, "%04o %d:%d %s\n", t.Mode, t.UID, t.GID, t.Path)
		}
	}
	return text("/usr/lib/rc/directories", 0o644, b.String())
}

// nested reports whether a directory lies within another tmpfs.
func (n Node) nested(t images.Tmpfs) bool {
	for _, other := range n.Tmpfs {
		if strings.HasPrefix(t.Path, other.Path+"/") {
			return true
		}
	}
	return false
}
