package boot_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rootbuild/rootbuild/nfsroot/boot"
)

// What is brought begins at a multiple of four bytes, whatever is before it,
// and any cpio reads it.
func TestBring(t *testing.T) {
	for _, first := range []string{"1234", "12345", "1234567"} {
		dir := t.TempDir()
		initramfs, initrd := filepath.Join(dir, "initramfs"), filepath.Join(dir, "initrd")
		if err := os.WriteFile(initramfs, []byte(first), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := boot.Bring(initramfs, initrd, []byte("ssh-ed25519 AAAA\n")); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(initrd)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(data, []byte("070701"))
		if at%4 != 0 || at < len(first) {
			t.Errorf("after %d bytes the archive begins at %d", len(first), at)
		}
		cmd := exec.Command(lookPath(t, "cpio"), "--extract", "--quiet", "--to-stdout", "run/rootbuild/authorized_keys")
		cmd.Stdin = bytes.NewReader(data[at:])
		out, err := cmd.Output()
		if err != nil || string(out) != "ssh-ed25519 AAAA\n" {
			t.Errorf("cpio: %v, %q", err, out)
		}
	}
}
