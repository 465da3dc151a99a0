package boot_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rootbuild/rootbuild/builder/buildertest"
	"github.com/rootbuild/rootbuild/nfsroot/boot"
)

const sampleFstab = `# writable
tmpfs /var/log tmpfs mode=0755,size=64m 0 0
tmpfs /tmp tmpfs mode=1777,nofail 0 0
tmpfs /missing tmpfs mode=0755 0 0
tmpfs /tmp/below tmpfs mode=0700 0 0
proc /proc proc defaults 0 0
`

func TestContainerMounts(t *testing.T) {
	root := writeTree(t, map[string]string{"etc/fstab": sampleFstab, "proc/": "", "sys/": "", "dev/": "", "run/": "", "tmp/": "", "var/log/": ""})
	spec, err := boot.ContainerSpec(boot.EnterOptions{Root: root, Name: "one"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range spec.Mounts {
		got = append(got, m.Destination+" "+m.Type)
	}
	want := []string{
		"/proc proc", "/sys sysfs", "/dev tmpfs", "/dev/pts devpts", "/dev/shm tmpfs", "/run tmpfs",
		"/tmp tmpfs", "/tmp/below tmpfs", "/var/log tmpfs",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("a mount point that is not there would be made in the root:", diff)
	}
	if i := slices.IndexFunc(spec.Process.Args, func(a string) bool { return a == "/bin/sh" }); i != 0 {
		t.Errorf("the command is %q", spec.Process.Args)
	}
}

// No directory is made in a root, whatever its fstab asks for.
func TestEnterChangesNothing(t *testing.T) {
	root := enterable(t)
	before := listing(t, root)
	o := enterOptions(t, root, "/bin/busybox", "true")
	if status, err := boot.Enter(t.Context(), o); status != 0 || err != nil {
		t.Fatal(status, err)
	}
	if diff := cmp.Diff(before, listing(t, root)); diff != "" {
		t.Error(diff)
	}
}

func TestEnterStatus(t *testing.T) {
	o := enterOptions(t, enterable(t), "/bin/busybox", "sh", "-c", "touch /tmp/x && ! touch /x 2>/dev/null && exit 7")
	if status, err := boot.Enter(t.Context(), o); status != 7 || err != nil {
		t.Errorf("got %d, %v, want 7", status, err)
	}
	if left, err := os.ReadDir(o.Dir); len(left) > 0 || err != nil {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestEnterInterrupted(t *testing.T) {
	o := enterOptions(t, enterable(t), "/bin/busybox", "sleep", "1000")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if _, err := boot.Enter(ctx, o); err == nil {
		t.Error("no error")
	}
	if left, err := os.ReadDir(o.Dir); len(left) > 0 || err != nil {
		t.Errorf("left %v, %v", left, err)
	}
}

// enterable is a root that holds a static shell and little more.
func enterable(t *testing.T) string {
	t.Helper()
	busybox, err := os.ReadFile(lookPath(t, "busybox"))
	if err != nil {
		t.Fatal(err)
	}
	return writeTree(t, map[string]string{
		"bin/busybox": string(busybox), "etc/fstab": sampleFstab,
		"proc/": "", "sys/": "", "dev/": "", "run/": "", "tmp/": "", "var/log/": "", "root/": "",
	})
}

func enterOptions(t *testing.T, root string, command ...string) boot.EnterOptions {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("containers need root")
	}
	runc, err := buildertest.Runc()
	if err != nil {
		t.Fatal(err)
	}
	return boot.EnterOptions{Root: root, Name: "one", Command: command, Runc: runc, Dir: t.TempDir()}
}

func listing(t *testing.T, root string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		list = append(list, strings.TrimPrefix(path, root)+" "+info.Mode().String()+" "+info.ModTime().String())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
