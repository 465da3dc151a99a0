package oci_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
)

// run runs a program of another project, and skips the test on a machine
// without it.
func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skip(err)
	}
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// goldenImage exports an image with every type of entry to a new directory.
func goldenImage(t *testing.T, format oci.Format, name string) (path string, h v1.Hash) {
	t.Helper()
	l := imagetest.NewLayout(t)
	h = writeImage(t, l, options(writeLayer(t, l, goldenLayer()...), writeLayer(t, l, file("etc/motd", "hello\n"))))
	path = filepath.Join(t.TempDir(), "image")
	export(t, l, h, oci.Destination{Format: format, Path: path}, name)
	return path, h
}

func TestSkopeoInspect(t *testing.T) {
	dir, h := goldenImage(t, oci.FormatLayout, "site:1")
	var got struct {
		Digest       string
		Architecture string
		Created      string
		Layers       []string
	}
	if err := json.Unmarshal([]byte(run(t, "skopeo", "inspect", "oci:"+dir+":site:1")), &got); err != nil {
		t.Fatal(err)
	}
	if got.Digest != h.String() || got.Architecture != "arm" || got.Created != "2026-11-22T10:20:30Z" || len(got.Layers) != 2 {
		t.Errorf("skopeo sees %+v, want digest %s", got, h)
	}
}

// skopeo checks every digest, and diffIDs too, as it copies.
func TestSkopeoCopy(t *testing.T) {
	for _, format := range []oci.Format{oci.FormatLayout, oci.FormatArchive, oci.FormatDocker} {
		t.Run(string(format), func(t *testing.T) {
			path, _ := goldenImage(t, format, "site:1")
			to := t.TempDir()
			run(t, "skopeo", "--insecure-policy", "copy", string(format)+":"+path+":site:1", "dir:"+to)
			if _, err := os.Stat(filepath.Join(to, "manifest.json")); err != nil {
				t.Error(err)
			}
		})
	}
}

// umoci reads zstd layers from version 0.5 on. An older one gets the image by
// way of the docker archive, packed again with gzip by skopeo.
func TestUmociUnpack(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("device nodes and owners want root")
	}
	old := strings.HasPrefix(run(t, "umoci", "--version"), "umoci version 0.4")
	dir, _ := goldenImage(t, oci.FormatLayout, "1")
	if old {
		archive, _ := goldenImage(t, oci.FormatDocker, "")
		dir = filepath.Join(t.TempDir(), "gzip")
		run(t, "skopeo", "--insecure-policy", "copy", "docker-archive:"+archive, "oci:"+dir+":1")
	}
	bundle := filepath.Join(t.TempDir(), "bundle")
	run(t, "umoci", "unpack", "--image", dir+":1", bundle)
	root := filepath.Join(bundle, "rootfs")
	text, motd := stat(t, root+"/usr/share/text", root+"/usr/bin/tool"), stat(t, root+"/etc/motd")
	if !os.SameFile(text[0], text[1]) {
		t.Error("usr/share/text and usr/bin/tool are not one file")
	}
	if !motd[0].ModTime().Equal(epoch) {
		t.Errorf("time of etc/motd is %v, want %v", motd[0].ModTime(), epoch)
	}
}

// What `crane validate` runs. It reads each layer with gzip alone, so only the
// docker archive, whose layers it packs itself, gets the whole check.
func TestValidate(t *testing.T) {
	l, h := testImage(t)
	img, err := l.Image(h)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(img, validate.Fast); err != nil {
		t.Error(err)
	}
}
