package images_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/images"
)

// The scripts of the initramfs run as process 1, where a mistake is a panic.
func TestInitramfsShellcheck(t *testing.T) {
	shellcheck, err := exec.LookPath("shellcheck")
	if err != nil {
		t.Skip("shellcheck is not installed")
	}
	target, err := images.Load("initramfs")
	if err != nil {
		t.Fatal(err)
	}
	scripts := 0
	for _, f := range target.Files {
		if len(f.Content) == 0 {
			continue
		}
		scripts++
		cmd := exec.Command(shellcheck, "-")
		cmd.Stdin = bytes.NewReader(f.Content)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", f.Path, err, out)
		}
	}
	if scripts != 6 {
		t.Errorf("%d scripts, want 6", scripts)
	}
}

// What a node says that it runs is of the root that it mounted, whatever its boot entry
// says, and a root without modules of the kernel is told.
func TestNodeTellsWhatItRuns(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounts need root")
	}
	const digest = "sha256:0123"
	for _, test := range []struct {
		name, mounted, tag string
		modules            string // of the root; "": it has none
		node, warning      string
	}{
		{"pinned", "uclibc-1", "uclibc-1", "6.12.1", "tag=uclibc-1 digest=sha256:0123 kernel=6.12.1", ""},
		{"current", "current", "uclibc-1", "", "tag=uclibc-1 digest=sha256:0123 kernel=6.12.1", ""},
		{"no entry", "uclibc-1", "", "", "tag=uclibc-1 digest=sha256:0123 kernel=6.12.1", ""},
		{"entry of another root", "uclibc-2", "uclibc-1", "6.12.1", "tag=uclibc-2 kernel=6.12.1", "WARNING: the boot entry is of uclibc-1, the root is uclibc-2"},
		{"other modules", "uclibc-1", "uclibc-1", "6.1.0", "tag=uclibc-1 digest=sha256:0123 kernel=6.12.1", "WARNING: it has no modules of this kernel, 6.12.1, but those of 6.1.0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			if test.modules != "" {
				if err := os.MkdirAll(filepath.Join(root, "usr/lib/modules", test.modules), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			script := `set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/rootbuild
say() { echo "$*" >&2; }
uname() { echo 6.12.1; }
` + initramfsFile(t, "nfs") + `
echo "192.0.2.1:/diskless/nfsroot/` + test.mounted + ` ro" >/run/rootbuild/root
root=` + root + ` tag=` + test.tag + ` digest=` + digest + `
note_root
cat /run/rootbuild/node
`
			cmd := exec.Command("unshare", "--mount", "sh", "-c", script)
			var said bytes.Buffer
			cmd.Stderr = &said
			node, err := cmd.Output()
			if err != nil || strings.TrimSpace(string(node)) != test.node {
				t.Errorf("node %q, %v, want %q", node, err, test.node)
			}
			want := ""
			if test.warning != "" {
				want = "root: " + test.warning
			}
			if got := strings.TrimSpace(said.String()); got != want {
				t.Errorf("said %q, want %q", got, want)
			}
		})
	}
}

// initramfsFile returns the text of a script that the initramfs is made of.
func initramfsFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("initramfs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
