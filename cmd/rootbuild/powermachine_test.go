package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/images/cpio"
	"github.com/rootbuild/rootbuild/images/cpio/kmod"
)

// powerMachine is a virtual machine with a disk that logs what is asked of it.
type powerMachine struct {
	kernel, initrd string
	disk, log      string
	blank          string // the disk before the machine ran
	console        string // what it said
}

func newPowerMachine(t *testing.T) *powerMachine {
	t.Helper()
	dir := t.TempDir()
	m := &powerMachine{
		initrd: filepath.Join(dir, "initrd"), disk: filepath.Join(dir, "disk"),
		log: filepath.Join(dir, "log"), blank: filepath.Join(dir, "blank"),
	}
	m.makeDisk(t)
	kernel, modules := findTestKernel(t)
	m.kernel = kernel
	m.makeInitrd(t, modules)
	return m
}

// findTestKernel returns the host's kernel, or the one that hack/setup unpacked,
// and its modules.
func findTestKernel(t *testing.T) (kernel, modules string) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, top := range []string{"/", filepath.Join(cache, "rootbuild-test", "kernel")} {
		found, err := filepath.Glob(filepath.Join(top, "boot", "vmlinuz-*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) > 0 {
			return found[0], filepath.Join(top, "lib", "modules", strings.TrimPrefix(filepath.Base(found[0]), "vmlinuz-"))
		}
	}
	t.Fatal("no kernel: run hack/setup test")
	return "", ""
}

func (m *powerMachine) makeDisk(t *testing.T) {
	t.Helper()
	for _, file := range []string{m.disk, m.log} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(m.disk, diskSize); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		// No lazy initialization: it would write on in the background.
		{"mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", m.disk, fmt.Sprint(fileSystemSize>>10) + "k"},
		{"cp", "--sparse=always", m.disk, m.blank},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v: %s", args, err, out)
		}
	}
}

// makeInitrd packs busybox, rootbuild, three images and what runs them.
func (m *powerMachine) makeInitrd(t *testing.T, modules string) {
	t.Helper()
	tree := cpio.Tree{"lib": {Mode: unix.S_IFLNK | 0o777, Content: []byte("usr/lib")}}
	dir, err := kmod.Open(modules)
	if err != nil {
		t.Fatal(err)
	}
	set, err := dir.Select([]string{"virtio_blk", "ext4", "crc32c_generic"})
	if err == nil {
		err = set.AddTo(tree)
	}
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "rootbuild")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // the machine has no libc
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building rootbuild: %v: %s", err, out)
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatalf("%v: install busybox-static", err)
	}
	for path, file := range map[string]string{"init": "testdata/powercut/init", "bin/busybox": busybox, "bin/rootbuild": program} {
		tree[path] = fileOf(t, file)
	}
	images := t.TempDir()
	for _, name := range []string{"one", "two", "three"} {
		writeLayout(t, filepath.Join(images, name), siteImage(t, name))
	}
	if err := filepath.WalkDir(images, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			tree[filepath.Join("images", strings.TrimPrefix(path, images))] = fileOf(t, path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(m.initrd)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := tree.Write(out, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
}

func fileOf(t *testing.T, path string) *cpio.File {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return &cpio.File{Mode: unix.S_IFREG | 0o755, Content: data}
}

// run has the machine work until it powers off.
func (m *powerMachine) run(t *testing.T, rounds int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute+time.Duration(rounds)*2*time.Minute)
	defer cancel()
	began := time.Now()
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
		"-serial", "stdio", "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "1024",
		"-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng",
		"-blockdev", "driver=file,node-name=disk,filename="+m.disk,
		"-blockdev", "driver=file,node-name=log,filename="+m.log,
		"-blockdev", "driver=blklogwrites,node-name=logged,file=disk,log=log,log-sector-size=512",
		"-device", "virtio-blk-pci,drive=logged,write-cache=on",
		"-kernel", m.kernel, "-initrd", m.initrd,
		"-append", fmt.Sprintf("console=ttyS0 quiet panic=-1 rounds=%d promises=%d", rounds, fileSystemSize>>12))
	out, err := cmd.CombinedOutput()
	m.console = string(out)
	if err != nil || strings.Contains(m.console, "FAILED") || !strings.Contains(m.console, "MADE ") {
		t.Fatalf("the machine: %v:\n%s", err, m.console)
	}
	t.Logf("the machine ran %s", time.Since(began).Round(time.Second))
}
