package images_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rootbuild/rootbuild/images"
)

// What Flatten writes is the same target, wherever it is read.
func TestFlatten(t *testing.T) {
	site := filepath.Join(t.TempDir(), "site.yaml")
	text := `name: site
extends: embedded
description: "with: a colon, # and é"
users:
  - {name: "on", uid: 7, gid: 100, home: "", shell: ""}
tmpfs:
  - {path: /var/spool, owner: "on:users", mode: "01777", size: 10%}
files:
  - {path: /etc/motd, content: "a\ttab\r\nno end", mode: "04711", owner: "on:users"}
  - {path: /etc/empty, content: ""}
  - {path: /etc/binary, from: site.yaml}
  - {path: /usr/lib/console, device: {type: char, major: 5, minor: 1}}
  - {path: "/srv/a: b", directory: true, mode: "01777"}
  - {path: /etc/link, symlink: "../é"}
kernel:
  recipe: linux
  config: ['CONFIG_CMDLINE="a: b"', CONFIG_USB=m]
  modules: [drivers/net/usb/*]
  firmware: [bnx2x/*]
`
	if err := os.WriteFile(site, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range append(images.Names(), site) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			want, err := images.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			writeFlat(t, want, dir)
			got, err := images.Load(filepath.Join(dir, images.FlatTarget))
			if err != nil {
				t.Fatal(err)
			}
			options := []cmp.Option{
				cmpopts.IgnoreUnexported(images.Target{}, images.Kernel{}), cmpopts.IgnoreFields(images.Target{}, "RecipeDirs", "Source"), cmpopts.EquateEmpty(),
			}
			if diff := cmp.Diff(want, got, options...); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func writeFlat(t *testing.T, target images.Target, dir string) {
	t.Helper()
	files, err := target.Flatten()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, images.FlatRecipes), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
