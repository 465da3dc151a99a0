package boot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// bring writes to file the initramfs with one more archive behind it, that
// brings the node what this boot alone is about. The kernel unpacks archives
// one after the other, and each may be compressed in its own way.
func bring(initramfs, file string, authorized []byte) (err error) {
	in, err := safeopen.File(initramfs)
	if err != nil {
		return fmt.Errorf("reading the initramfs: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("writing the initrd: %w", err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	n, err := io.Copy(out, in)
	if err != nil {
		return fmt.Errorf("writing the initrd: %w", err)
	}
	// An archive begins at a multiple of four bytes; zeros between are skipped.
	if _, err := out.Write(append(make([]byte, -n&3), extra(authorized)...)); err != nil {
		return fmt.Errorf("writing the initrd: %w", err)
	}
	return nil
}

// extra is the archive, in cpio's format newc.
func extra(authorized []byte) []byte {
	const directory, file = 0o40000, 0o100000
	var b bytes.Buffer
	for i, e := range []struct {
		name string
		mode int
		data []byte
	}{
		{"run", directory | 0o755, nil},
		{"run/rootbuild", directory | 0o755, nil},
		{"run/rootbuild/authorized_keys", file | 0o600, authorized},
		{"TRAILER!!!", 0, nil},
	} {
		inode, links, none := i+1, 1, 0
		b.WriteString("070701")
		for _, field := range []int{inode, e.mode, none, none, links, none, len(e.data), none, none, none, none, len(e.name) + 1, none} {
			fmt.Fprintf(&b, "%08x", field)
		}
		b.WriteString(e.name + "\x00")
		b.Write(make([]byte, -b.Len()&3))
		b.Write(e.data)
		b.Write(make([]byte, -b.Len()&3))
	}
	return b.Bytes()
}
