package deploy_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
)

// An image is found by its own name, by its digest, and by the tag of a root of it. A
// name that is that of an image and of a root of another one is told, not guessed.
func TestFindImage(t *testing.T) {
	layout, digest := imagetest.NodeImage(t, 1)
	other, otherDigest := imagetest.NodeImage(t, 2)
	images, roots := layout.Dir(), filepath.Join(t.TempDir(), "roots")
	deployed := func(i deploy.Image, tag string) {
		t.Helper()
		if got, err := i.Deploy(t.Context(), deploy.Options{Dir: roots, Tag: tag}); err != nil || got != tag {
			t.Fatalf("deploying %s: tag %q, %v", tag, got, err)
		}
	}
	deployed(deploy.Image{Layout: layout, Digest: digest, Target: "test"}, "same")
	deployed(deploy.Image{Layout: other, Digest: otherDigest, Target: "test"}, "test")
	named, err := layout.WriteImage(oci.ImageOptions{Platform: v1.Platform{OS: "linux", Architecture: "amd64"}, Ref: "test"})
	if err != nil {
		t.Fatal(err)
	}

	reference := "oci:" + images + "@" + digest.String()
	for _, what := range []string{"same", "test@" + digest.String(), reference} {
		if got, err := deploy.FindImage(what, images, roots); err != nil || got.String() != reference {
			t.Errorf("%s: found %s, %v; want %s", what, got, err, reference)
		}
	}
	_, err = deploy.FindImage("test", images, roots)
	if err == nil || !strings.Contains(err.Error(), named.String()) || !strings.Contains(err.Error(), otherDigest.String()) {
		t.Errorf("a name of two images: %v", err)
	}
	var name deploy.NameError
	for _, what := range []string{"test@sha256:0", "oci:"} {
		if _, err := deploy.FindImage(what, images, roots); !errors.As(err, &name) {
			t.Errorf("%s: %v, want a fault of the name", what, err)
		}
	}
	if _, err := deploy.FindImage("none", images, roots); err == nil || errors.As(err, &name) {
		t.Errorf("an image that is not there: %v", err)
	}
}
