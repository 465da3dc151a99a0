package base_test

import (
	"archive/tar"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/builder/base"
	"github.com/rootbuild/rootbuild/images/oci"
)

// TestBootstrap makes a small base, twice, from the archive that this host's apt is
// configured for. It asks to be wanted because it leaves the machine.
func TestBootstrap(t *testing.T) {
	if os.Getenv("ROOTBUILD_TEST_BASE") == "" {
		t.Skip("set ROOTBUILD_TEST_BASE=1 to fetch packages from the configured Debian archive")
	}
	if err := base.Check(); err != nil {
		t.Fatal(err)
	}
	o := base.Options{Packages: []string{"bzip2", "locales"}, TempDir: t.TempDir(), Log: t.Output()}
	first, second := openLayout(t), openLayout(t)
	h, err := base.Bootstrap(t.Context(), first, o)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := base.Bootstrap(t.Context(), second, o); err != nil || again != h {
		t.Errorf("second run: got %v, %v, want the same digest %v", again, err, h)
	}
	if found, ok, err := base.Find(first, o); found != h || !ok || err != nil {
		t.Errorf("find: got %v, %v, %v, want %v", found, ok, err, h)
	}

	img, err := first.Image(h)
	if err != nil {
		t.Fatal(err)
	}
	got := tree(t, img)
	want := map[string]string{
		"build":                            "dir",
		"dev":                              "dir",
		"out":                              "dir",
		"src":                              "dir",
		"sysroot":                          "dir",
		"tools":                            "dir",
		"etc/hostname":                     "file 0",
		"etc/hosts":                        "file 0",
		"etc/resolv.conf":                  "file 0",
		"etc/machine-id":                   "",
		"var/log/dpkg.log":                 "",
		"var/cache/ldconfig/aux-cache":     "",
		"etc/apt/sources.list":             "",
		"etc/apt/apt.conf.d/99mmdebstrap":  "",
		"usr/share/man/man1/bzip2.1.gz":    "",
		"usr/share/doc/bzip2/changelog.gz": "",
	}
	seen := map[string]string{}
	for path := range want {
		seen[path] = got[path]
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("tree of the base (-want +got):\n%s", diff)
	}
	for _, path := range []string{"usr/bin/bzip2", "usr/lib/locale/locale-archive", "usr/share/doc/bzip2/copyright"} {
		if got[path] == "" {
			t.Errorf("%s is not there", path)
		}
	}
}

// tree maps what the image's layer holds to "dir", "link" or "file SIZE".
func tree(t *testing.T, img v1.Image) map[string]string {
	t.Helper()
	layer, err := oci.OpenLayer(img, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer layer.Close()
	entries := map[string]string{}
	for r := tar.NewReader(layer); ; {
		h, err := r.Next()
		if err == io.EOF {
			return entries
		}
		if err != nil {
			t.Fatal(err)
		}
		path := strings.TrimSuffix(h.Name, "/")
		switch h.Typeflag {
		case tar.TypeDir:
			entries[path] = "dir"
		case tar.TypeReg:
			entries[path] = fmt.Sprintf("file %d", h.Size)
		default:
			entries[path] = "link"
		}
	}
}
