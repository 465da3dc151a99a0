package oci_test

import (
	"archive/tar"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/images/imagetest"
)

// goldenLayer is a stream with every type of entry, text that compresses,
// noise that does not, a match that reaches far back and a run of zeros.
func goldenLayer() []member {
	var text strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&text, "line %d of a text that is like many others\n", i*i%9973)
	}
	noise := make([]byte, 700_000)
	rand.NewChaCha8([32]byte{1}).Read(noise)
	return []member{
		file("usr/lib/noise", string(noise)),
		link(tar.TypeLink, "usr/bin/tool", "usr/share/text"),
		link(tar.TypeSymlink, "bin", "usr/bin"),
		file("usr/share/text", text.String()),
		file("var/"+strings.Repeat("long", 40), string(noise[1000:300_000])),
		file("var/zeros", strings.Repeat("\x00", 9<<20)),
		file("var/empty", ""),
		{tar.Header{Typeflag: tar.TypeChar, Name: "dev/null", Mode: 0o666, Devmajor: 1, Devminor: 3}, ""},
		{tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777}, ""},
		{tar.Header{Typeflag: tar.TypeReg, Name: "bin-ping", Mode: 0o755, PAXRecords: map[string]string{
			"SCHILY.xattr.security.capability": "\x01\x00\x00\x02\x00\x20" + strings.Repeat("\x00", 14),
		}}, "ping"},
	}
}

// TestGolden holds the bytes of images. If it fails after an update of Go or a
// module, every published digest would change: keep the old version, or tell
// users and put the new values here.
func TestGolden(t *testing.T) {
	l := imagetest.NewLayout(t)
	layer := writeLayer(t, l, goldenLayer()...)
	small := writeLayer(t, l, file("etc/motd", "hello\n"))
	tests := []struct{ name, got, want string }{
		{"diffID", layer.DiffID.Hex, "3af5a980e73ce0ebed5fa0539542b6bd18b9a9ce1b4f5a9cfd0e2f3d9babc655"},
		{"layer", layer.Digest.Hex, "bb377fa2f5a72549ed4785367f7dc30c0a6a27bb7c48257b05f1174e97033583"},
		{"small layer", small.Digest.Hex, "7b720ac00cdfeb4c885c04c32e6e8caefeb3dd8ed4bc42331a1af4a020f17bb5"},
		{"manifest", writeImage(t, l, options(small, layer)).Hex, "dfd034c051a684cc49ca194625c8c47605d54516fc030db1d061f635caa44004"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s is %s, want %s", tt.name, tt.got, tt.want)
		}
	}
}
