package registry_test

import (
	"testing"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/registry"
)

func TestResolve(t *testing.T) {
	address := startRegistry(t, "")
	l, h := imagetest.NodeImage(t, 1)
	pushTo(t, l, h, address+"/roots/site:1")
	for _, ref := range []string{address + "/roots/site:1", address + "/roots/site@" + h.String(), "oci:" + l.Dir(), "oci:" + l.Dir() + "@" + h.String()} {
		got, err := registry.Resolve(t.Context(), imagetest.Reference(t, ref), impatient())
		if err != nil || got != h {
			t.Errorf("%s is %s, %v, want %s", ref, got, err, h)
		}
	}
	_, err := registry.Resolve(t.Context(), imagetest.Reference(t, address+"/roots/site:9"), impatient())
	imagetest.WantError(t, err, "finding the image "+address+"/roots/site:9: ")
}
