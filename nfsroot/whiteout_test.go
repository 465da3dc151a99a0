package nfsroot_test

import "testing"

func TestWhiteouts(t *testing.T) {
	lower := []entry{dir("d", 0o755), file("d/a", "1"), dir("d/e", 0o755), file("d/e/b", "2"), symlink("s", "d")}
	const kept, sub, s = "dir 0755 0:0", "dir 0755 0:0", "symlink 0:0 -> d"
	a, b, upper := `file 0644 0:0 "1"`, `file 0644 0:0 "2"`, `file 0644 0:0 "up"`
	tests := []struct {
		name  string
		layer []entry
		want  map[string]string
	}{
		{"of a file", []entry{file("d/.wh.a", "")}, map[string]string{".": root, "s": s, "d": kept, "d/e": sub, "d/e/b": b}},
		{"of a directory", []entry{file("d/.wh.e", "")}, map[string]string{".": root, "s": s, "d": kept, "d/a": a}},
		{"of a symlink", []entry{file(".wh.s", "")}, map[string]string{".": root, "d": kept, "d/a": a, "d/e": sub, "d/e/b": b}},
		{"through a symlink", []entry{file("s/.wh.e", "")}, map[string]string{".": root, "s": s, "d": kept, "d/a": a}},
		{"of what is not there", []entry{file("d/.wh.zz", ""), file("none/.wh.x", "")},
			map[string]string{".": root, "s": s, "d": kept, "d/a": a, "d/e": sub, "d/e/b": b}},
		{"before its own layer's file", []entry{file("d/.wh.a", ""), file("d/a", "up")},
			map[string]string{".": root, "s": s, "d": kept, "d/a": upper, "d/e": sub, "d/e/b": b}},
		{"after its own layer's file", []entry{file("d/a", "up"), file("d/.wh.a", "")},
			map[string]string{".": root, "s": s, "d": kept, "d/a": upper, "d/e": sub, "d/e/b": b}},
		{"of a directory that its layer adds to", []entry{file("d/e/c", "up"), file("d/.wh.e", "")},
			map[string]string{".": root, "s": s, "d": kept, "d/a": a, "d/e": sub, "d/e/c": upper}},
		{"opaque, first", []entry{file("d/.wh..wh..opq", ""), file("d/n", "up")}, map[string]string{".": root, "s": s, "d": kept, "d/n": upper}},
		{"opaque, last", []entry{file("d/n", "up"), file("d/e/c", "up"), file("d/.wh..wh..opq", "")},
			map[string]string{".": root, "s": s, "d": kept, "d/n": upper, "d/e": sub, "d/e/c": upper}},
		{"opaque root", []entry{file(".wh..wh..opq", ""), file("n", "up")}, map[string]string{".": root, "n": upper}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, t.TempDir())
			mustUnpack(t, s, "r", image(t, lower, test.layer))
			equal(t, "tree", treeOf(t, s.Path("r")), test.want)
		})
	}
}
