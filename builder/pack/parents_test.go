package pack_test

import (
	"archive/tar"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rootbuild/rootbuild/builder/pack"
	"github.com/rootbuild/rootbuild/images/oci"
)

func TestParents(t *testing.T) {
	layers := []oci.Layer{
		{Entries: []oci.Entry{
			{Path: "bin", Type: tar.TypeSymlink, Link: "usr/bin"},
			{Path: "etc", Type: tar.TypeDir, Mode: 0o755},
			{Path: "etc/motd", Type: tar.TypeReg, Mode: 0o644},
			{Path: "root", Type: tar.TypeDir, Mode: 0o755},
		}},
		{Entries: []oci.Entry{{Path: "root", Type: tar.TypeDir, Mode: 0o700}}},
	}

	got, err := pack.Parents(layers, []string{"/root/.ssh/authorized_keys", "/root/.profile", "/srv/new/file"})
	if err != nil {
		t.Fatal(err)
	}
	want := []oci.Entry{{Path: "root", Type: tar.TypeDir, Mode: 0o700}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the topmost layer's directories (-want +got):\n%s", diff)
	}

	_, err = pack.Parents(layers, []string{"/bin/tool", "/etc/motd/x"})
	for _, part := range []string{"/bin/tool: /bin is a symlink to usr/bin", "/etc/motd/x: /etc/motd is no directory"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v does not tell %q", err, part)
		}
	}
}
