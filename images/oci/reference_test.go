package oci_test

import (
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
)

func TestParseReference(t *testing.T) {
	sum := "sha256:" + strings.Repeat("0", 64)
	tests := []struct{ in, err string }{
		{"example.org/site:1", ""},
		{"example.org:5000/a/b/site@" + sum, ""},
		{"oci:dir", ""},
		{"oci:dir@" + sum, ""},
		{"oci-archive:a/b.tar", ""},
		{"site", "no host"},
		{"site:1", "no host"},
		{"example.org/site", "neither a tag nor a digest"},
		{"example.org/site@sha512:" + strings.Repeat("0", 128), "sha256"},
		{"oci:", "no path"},
		{"oci:dir@latest", "hash"},
		{"docker-archive:file", ""},
		{"https://example.org/site:1", "leave that out"},
		{"example.org/../site:1", "no path of lower case words"},
		{"", "no host"},
	}
	for _, tt := range tests {
		got, err := oci.ParseReference(tt.in)
		imagetest.WantError(t, err, tt.err)
		if err == nil && got.String() != tt.in {
			t.Errorf("%s comes back as %s", tt.in, got)
		}
	}
}
