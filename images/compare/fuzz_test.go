package compare_test

import (
	"bytes"
	"testing"

	"github.com/rootbuild/rootbuild/images/compare"
)

// Whatever two files hold, there is a difference if they differ.
func FuzzContent(f *testing.F) {
	f.Add([]byte(ar(0, "one", "two")), []byte(ar(1, "one")))
	f.Add([]byte("!<arch>\n/-5             0           0     0     644     0         `\n"), []byte(ar(0)))
	f.Add([]byte("text\n"), []byte("text"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if bytes.Equal(a, b) {
			return
		}
		found := compare.Content(a, b)
		if len(found) == 0 {
			t.Error("no difference")
		}
		for _, d := range found {
			if d.String() == "" || d.Kind == "" {
				t.Errorf("%+v says nothing", d)
			}
		}
	})
}
