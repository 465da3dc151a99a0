package stages_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestIndexModules runs what the recipes of kernels end with, on trees that look
// like a kernel's, with a depmod that only lists.
func TestIndexModules(t *testing.T) {
	image, modules := "boot/vmlinuz-6.1-x", "lib/modules/6.1-x/"
	nfs, nfsv4 := modules+"kernel/fs/nfs/nfs.ko", modules+"kernel/fs/nfs/nfsv4.ko"
	whole := map[string]string{
		image:                       bzImage("6.1-x"),
		modules + "modules.builtin": "",
		nfs:                         "\x00vermagic=6.1-x SMP \x00",
		nfsv4:                       "\x00vermagic=6.1-x SMP \x00",
	}
	tests := []struct {
		name string
		with map[string]string // over whole; an empty name is left out
		want string            // of the refusal
	}{
		{name: "whole"},
		{name: "NFS built in", with: map[string]string{nfs: "", nfsv4: "", modules + "modules.builtin": "kernel/fs/nfs/nfs.ko\nkernel/fs/nfs/nfsv4.ko\n"}},
		{name: "no NFS", with: map[string]string{nfsv4: ""}, want: "A kernel without NFS: nfsv4"},
		{name: "no image", with: map[string]string{image: ""}, want: "there is no /boot/vmlinuz-6.1-x"},
		{name: "image of another kernel", with: map[string]string{image: bzImage("6.1-y")}, want: "/boot/vmlinuz-6.1-x is of kernel 6.1-y, not 6.1-x"},
		{name: "no image at all", with: map[string]string{image: "MZ"}, want: "is of kernel ?, not 6.1-x"},
		{name: "module of another kernel", with: map[string]string{nfs: "\x00vermagic=6.1-y SMP \x00"}, want: "modules of another kernel than 6.1-x:\nlib/modules/6.1-x/kernel/fs/nfs/nfs.ko"},
		{name: "a second kernel", with: map[string]string{"lib/modules/6.1-y/modules.order": "x"}, want: "/lib/modules/6.1-y is of another kernel than 6.1-x"},
		{name: "compressed", with: map[string]string{modules + "kernel/a.ko.xz": "x"}, want: "modules are compressed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, files := range []map[string]string{whole, test.with} {
				for name, text := range files {
					place(t, filepath.Join(dir, name), text)
				}
			}
			for name, text := range test.with {
				if text == "" {
					if err := os.Remove(filepath.Join(dir, name)); err != nil {
						t.Fatal(err)
					}
				}
			}
			out, err := indexModules(t, dir, "6.1-x")
			if (err == nil) != (test.want == "") || !strings.Contains(out, test.want) {
				t.Errorf("ended with %v and %q, want %q", err, out, test.want)
			}
		})
	}
}

// indexModules runs the script on dir in place of what a recipe installed.
func indexModules(t *testing.T, dir, version string) (string, error) {
	t.Helper()
	script, err := os.ReadFile("recipes/depmod/index-modules")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	place(t, filepath.Join(bin, "depmod"), "#!/bin/sh\ncd \"$2/lib/modules/$3\" && find kernel -name '*.ko' 2>/dev/null | sed 's/$/:/' >modules.dep\n")
	cmd := exec.Command("bash", "-c", strings.ReplaceAll(string(script), "cd /dest\n", "cd '"+dir+"'\n"), "index-modules", version)
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// bzImage is the beginning of a kernel's image, which tells its version.
func bzImage(version string) string {
	text := []byte(fmt.Sprintf("%1024s%s (builder@host) #1", "", version))
	copy(text[514:], "HdrS")
	copy(text[526:], []byte{0x00, 0x02}) // from 512 on
	return string(text)
}

// place writes a file that can be run, and the directories above it.
func place(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}
