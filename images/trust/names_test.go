package trust

import (
	"testing"

	"github.com/rootbuild/rootbuild/images/oci"
)

// A rule counts for its place by whatever name that is called, and for no other.
func TestRuleNames(t *testing.T) {
	t.Chdir("/usr/lib")
	for _, tt := range []struct {
		pattern, reference string
		want               bool
	}{
		{"registry.example.org/roots/", "registry.example.org/roots/site:1", true},
		{"registry.example.org/roots/", "REGISTRY.example.org/roots/site:1", true},
		{"REGISTRY.example.org/roots/", "registry.example.org/roots/site:1", true},
		{"registry.example.org/roots/", "registry.example.org./roots/site:1", true},
		{"registry.example.org/roots/", "registry.example.org:443/roots/site:1", true},
		{"registry.example.org/roots/", "registry.example.org.:80/roots/site:1", true},
		{"registry.example.org:443/roots/", "registry.example.org/roots/site:1", true},
		{"registry.example.org/roots/", "registry.example.org:5000/roots/site:1", false},
		{"registry.example.org:5000/roots/", "registry.example.org.:5000/roots/site:1", true},
		{"registry.example.org/roots/", "registry.example.org/rootsite:1", false},
		{"registry.example.org/", "registry.example.org.evil.example/site:1", false},
		{"docker.io/site/", "docker.io/site/root:1", true},
		{"docker.io/site/root", "index.docker.io/site/root:1", true},
		{"index.docker.io/site/root", "docker.io/site/root:1", true},
		{"oci:/srv/trusted/", "oci:/srv/trusted/image", true},
		{"oci:/srv/trusted/", "oci:/srv/trusted/../evil", false},
		{"oci:/srv/trusted/", "oci:/srv//trusted/./image", true},
		{"oci:/srv/trusted", "oci:/srv/trusted", true},
		{"oci:/srv/trusted/../site/", "oci:/srv/site/image", true},
		{"oci:/usr/lib/", "oci:image", true},
		{"oci:/usr/lib/", "oci:../image", false},
		{"oci:", "oci:/srv/image", true},
		{"oci:", "oci-archive:/srv/image", false},
		{"oci-archive:/srv/", "oci-archive:/srv/image.tar", true},
		{"oci:/", "registry.example.org/site:1", false},
	} {
		r, err := oci.ParseReference(tt.reference)
		if err != nil {
			t.Fatal(err)
		}
		if got := names(tt.pattern, r); got != tt.want {
			t.Errorf("%s for %s: %t", tt.pattern, tt.reference, got)
		}
	}
}
