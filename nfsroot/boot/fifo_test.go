package boot_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/nfsroot/boot"
)

// A root may hold anything under any name: a FIFO, or a device that acts when it is
// opened, is not opened.
func TestRootWithFIFOs(t *testing.T) {
	for _, name := range []string{"etc/fstab", "etc/passwd", "usr/lib/rootbuild/checks", "usr/lib/rootbuild/checks/one"} {
		t.Run(name, func(t *testing.T) {
			root := writeTree(t, map[string]string{"etc/": ""})
			file := filepath.Join(root, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), unix.Mkfifo(file, 0o644)); err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			var entered, read error
			go func() {
				defer close(done)
				_, entered = boot.ContainerSpec(boot.EnterOptions{Root: root, Name: "one"})
				_, read = boot.ReadScripts(root)
			}()
			select {
			case <-done:
			case <-time.After(10 * time.Second):
				t.Fatal("it waits for the FIFO")
			}
			// A shell is there without a passwd. Nothing else may be passed over.
			if name != "etc/passwd" && entered == nil && read == nil {
				t.Error("it was passed over")
			}
		})
	}
}
