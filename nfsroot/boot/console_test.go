package boot_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rootbuild/rootbuild/nfsroot/boot"
)

func TestConsole(t *testing.T) {
	for _, test := range []struct {
		name, text  string
		deadly, bad []string
	}{
		{"good", "[    0.100000] Linux version 6\n\x1b[32m * sshd: started (0.42 s)\x1b[0m\r\n", nil, nil},
		{"service", " * sshd: FAILED (status 1)\r\n", nil, []string{"* sshd: FAILED (status 1)"}},
		{"write", "touch: /etc/x: Read-only file system\n", nil, []string{"touch: /etc/x: Read-only file system"}},
		{"panic", "[    1.000000] Kernel panic - not syncing: no init\n",
			[]string{"[    1.000000] Kernel panic - not syncing: no init"}, []string{"[    1.000000] Kernel panic - not syncing: no init"}},
		{"oops", "[    1.000000] Oops: 0002 [#1]\n", nil, []string{"[    1.000000] Oops: 0002 [#1]"}},
		{"server", "[   60.000000] nfs: server 10.0.2.2 not responding, still trying\n",
			[]string{"[   60.000000] nfs: server 10.0.2.2 not responding, still trying"},
			[]string{"[   60.000000] nfs: server 10.0.2.2 not responding, still trying"}},
		{"initramfs", "rootbuild: root: no such export\nrootbuild: rebooting in 5 s (...)\n",
			[]string{"rootbuild: root: no such export"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			var deadly []string
			c := boot.NewConsole(&log, func(line string) { deadly = append(deadly, line) })
			// Pieces end anywhere.
			for _, b := range []byte(test.text) {
				if _, err := c.Write([]byte{b}); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(test.deadly, deadly); diff != "" {
				t.Error("deadly:", diff)
			}
			if diff := cmp.Diff(test.bad, c.BadLines()); diff != "" {
				t.Error("bad:", diff)
			}
			if log.String() != test.text {
				t.Errorf("the log has %q", log.String())
			}
		})
	}
}

func TestReadOnly(t *testing.T) {
	const nfs = "10.0.2.2:/roots/one / nfs4 ro,relatime,vers=4.2 0 0\n"
	for _, test := range []struct{ name, mounts, want string }{
		{"nfs", "rootfs / rootfs rw 0 0\n" + nfs + "tmpfs /tmp tmpfs rw 0 0\n", ""},
		{"remounted", strings.Replace(nfs, "ro,", "rw,", 1), "is mounted rw"},
		{"overlaid", nfs + "overlay / overlay rw 0 0\n", "not NFS"},
		{"nothing", "", "does not name /"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := boot.RootReadOnly(test.mounts)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
