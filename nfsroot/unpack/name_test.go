package unpack_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/rootbuild/rootbuild/nfsroot/unpack"
)

func FuzzName(f *testing.F) {
	for _, name := range []string{"", "usr/bin", `"`, `"a"`, `\x00`, "\xff\x00", "\x1b[31m", "ä\u2028", "a b"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		text, err := json.Marshal(unpack.Name(name))
		if err != nil {
			t.Fatal(err)
		}
		var back unpack.Name
		if err := json.Unmarshal(text, &back); err != nil || string(back) != name {
			t.Errorf("%q became %s and then %q, %v", name, text, back, err)
		}
		if shown := unpack.Name(name).String(); strings.ContainsFunc(shown, unicode.IsControl) {
			t.Errorf("%q is shown as %q", name, shown)
		}
	})
}
