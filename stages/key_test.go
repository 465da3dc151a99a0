package stages_test

import (
	"maps"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// changedKeys are the stages whose keys are others after an edit.
func changedKeys(t *testing.T, edit func(fstest.MapFS)) []string {
	t.Helper()
	before := smallGraphAfter(t, func(fstest.MapFS) {}).Keys()
	var changed []string
	for name, key := range smallGraphAfter(t, edit).Keys() {
		if before[name] != key {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	return changed
}

func TestKeys(t *testing.T) {
	all := slices.Sorted(maps.Keys(smallGraphAfter(t, func(fstest.MapFS) {}).Keys()))
	for name, test := range map[string]struct {
		edit func(fstest.MapFS)
		want []string
	}{
		"nothing":             {func(fstest.MapFS) {}, nil},
		"a comment":           {replaceText(t, "lines/recipe.yaml", "# A library", "# The library"), nil},
		"a leaf":              {replaceText(t, "hello/recipe.yaml", `"2.12"`, `"2.13"`), []string{"hello"}},
		"what is removed":     {replaceText(t, "hello/recipe.yaml", "hello-debug", "hello-test"), []string{"hello"}},
		"a library":           {replaceText(t, "lines/recipe.yaml", "version:", "# version\nversion:"), nil},
		"a patch":             {replaceText(t, "hello/greeting.patch", "Hello", "Good day"), []string{"hello"}},
		"the tools of all":    {replaceText(t, "binutils/recipe.yaml", "build: {system: autotools}", "build: {system: autotools}\nsteps:\n  finish: |\n    true\n"), all},
		"what all links with": {replaceText(t, "libc/recipe.yaml", "TESTS=n", "TESTS=y"), slices.DeleteFunc(slices.Clone(all), func(n string) bool { return n == "binutils" })},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, changedKeys(t, test.edit)); diff != "" {
				t.Errorf("stages with other keys (-want +got):\n%s", diff)
			}
		})
	}
}

// The key by content follows what is mounted, and not what that was made of.
func TestContentKey(t *testing.T) {
	graph := smallGraphAfter(t, func(fstest.MapFS) {})
	mounted := []string{"root of lines: a", "dev of lines: b"}
	key := graph.ContentKey("hello", mounted)
	edited := func(file, old, text string) string {
		return smallGraphAfter(t, replaceText(t, file, old, text)).ContentKey("hello", mounted)
	}
	for name, test := range map[string]struct {
		key  string
		same bool
	}{
		"again":           {graph.ContentKey("hello", mounted), true},
		"another library": {edited("libc/recipe.yaml", "TESTS=n", "TESTS=y"), true},
		"another recipe":  {edited("hello/recipe.yaml", `"2.12"`, `"2.13"`), false},
		"another mount":   {graph.ContentKey("hello", []string{"root of lines: a", "dev of lines: c"}), false},
		"another order":   {graph.ContentKey("hello", []string{"dev of lines: b", "root of lines: a"}), false},
		"another stage":   {graph.ContentKey("lines", mounted), false},
		"the other key":   {graph.Keys()["hello"], false},
	} {
		if (test.key == key) != test.same {
			t.Errorf("%s: same key is %t, want %t", name, !test.same, test.same)
		}
	}
}
