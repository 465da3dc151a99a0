package sources_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/builder/distfiles"
	"github.com/rootbuild/rootbuild/builder/sources"
	"github.com/rootbuild/rootbuild/builder/state"
)

// kernelPackage is a Debian package with a kernel and a module, in the place where
// releases have modules.
func kernelPackage(t *testing.T, modules string) []byte {
	t.Helper()
	var data bytes.Buffer
	w := tar.NewWriter(&data)
	for name, text := range map[string]string{
		"./boot/vmlinuz-1": "kernel", "./boot/config-1": "config",
		"./" + modules + "/1/kernel/fs/nfs.ko": "module", "./usr/share/doc/x": "doc",
	} {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(w, text)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, "!<arch>\n%-16s%-12d%-6d%-6d%-8s%-10d`\n%s", "data.tar", 0, 0, 0, "100644", data.Len(), data.Bytes())
}

// A kernel is fetched once, as sources are, and then had from the state.
func TestKernel(t *testing.T) {
	for _, modules := range []string{"lib/modules", "usr/lib/modules"} {
		dist := t.TempDir()
		deb := kernelPackage(t, modules)
		sum := sha256.Sum256(deb)
		k := sources.Kernel{Version: "1", Source: distfiles.Source{
			Name: "linux.deb", SHA256: hex.EncodeToString(sum[:]), Origins: []distfiles.Origin{{Apt: "pool/linux.deb"}},
		}}
		s, err := state.Open(t.TempDir(), "test")
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		from := sources.From{Dirs: []string{dist}, Offline: true}
		if _, _, err := k.Bring(t.Context(), s, from, nil); err == nil || !strings.Contains(err.Error(), "fetching a kernel: ") {
			t.Errorf("without its package: %v", err)
		}
		if err := os.WriteFile(filepath.Join(dist, "linux.deb"), deb, 0o644); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			file, dir, err := k.Bring(t.Context(), s, from, nil)
			if err != nil {
				t.Fatal(err)
			}
			wantText(t, file, "kernel")
			wantText(t, filepath.Join(dir, "kernel/fs/nfs.ko"), "module")
			if err := os.RemoveAll(dist); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func wantText(t *testing.T, file, want string) {
	t.Helper()
	if text, err := os.ReadFile(file); err != nil || string(text) != want {
		t.Errorf("%s holds %q, %v; want %q", file, text, err, want)
	}
}
