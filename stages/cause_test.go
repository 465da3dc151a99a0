package stages_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/stages"
)

// smallGraphAfter resolves the small graph after an edit of its files.
func smallGraphAfter(t *testing.T, edit func(fstest.MapFS)) stages.Graph {
	t.Helper()
	fsys, ok := archive(t, smallGraph).(fstest.MapFS)
	if !ok {
		t.Fatal("an archive is no longer a map of files")
	}
	edit(fsys)
	return resolve(t, images.RecipeDir{Path: "recipes", FS: fsys})
}

func TestChangesNameTheCause(t *testing.T) {
	const otherSum = "6"
	tests := map[string]struct {
		edit func(fstest.MapFS)
		want []string
	}{
		"nothing":   {func(fstest.MapFS) {}, nil},
		"a comment": {replaceText(t, "lines/recipe.yaml", "# A library", "# The library\n# in two lines"), nil},
		"a version": {replaceText(t, "hello/recipe.yaml", `"2.12"`, `"2.13"`), []string{"hello: recipe changed: line 2 (version)"}},
		"a patch":   {replaceText(t, "hello/greeting.patch", "Hello", "Good day"), []string{"hello: file greeting.patch changed"}},
		"a remove":  {replaceText(t, "hello/recipe.yaml", "hello-debug", "hello-test"), []string{"hello: recipe changed: line 14 (remove)"}},
		"a source of a library": {
			replaceText(t, "lines/recipe.yaml", strings.Repeat("2", 64), strings.Repeat(otherSum, 64)),
			[]string{"hello: dependency lines", "lines: source lines-8.2.tar.gz changed"},
		},
		"an option": {
			replaceText(t, "libc/recipe.yaml", "TESTS=n", "TESTS=y"),
			[]string{"base-files: toolchain libc", "hello: toolchain libc", "libc: recipe changed: line 9 (build.config)", "lines: toolchain libc"},
		},
		"an option that is gone": {
			replaceText(t, "libc/recipe.yaml", ", config: [THREADS=y, TESTS=n]", ""),
			[]string{"base-files: toolchain libc", "hello: toolchain libc", "libc: recipe changed: build.config", "lines: toolchain libc"},
		},
		"a new step of a tool": {
			replaceText(t, "binutils/recipe.yaml", "build: {system: autotools}", "build: {system: autotools}\nsteps:\n  finish: |\n    true\n"),
			[]string{
				"base-files: toolchain binutils", "binutils: recipe changed: line 13 (steps.finish)",
				"hello: toolchain binutils", "libc: dependency binutils", "lines: toolchain binutils",
			},
		},
		"a dependency that is gone": {
			replaceText(t, "hello/recipe.yaml", "build_needs: [lines]", "build_needs: []"),
			[]string{"hello: dependency lines"},
		},
		"the triple": {
			replaceText(t, "toolchain-tiny/recipe.yaml", "x86_64-tiny", "x86_64-small"),
			[]string{"base-files: toolchain chost", "binutils: toolchain chost", "hello: toolchain chost", "libc: toolchain chost", "lines: toolchain chost"},
		},
	}
	before := smallGraphAfter(t, func(fstest.MapFS) {}).Ingredients("base")
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := smallGraphAfter(t, test.edit)
			if got := told(g, before, g.Ingredients("base")); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// told are the causes of every stage, a line for each stage that has some.
func told(g stages.Graph, before, now map[string]stages.Ingredients) []string {
	var lines []string
	for name := range now {
		var causes []string
		for _, c := range g.Changes(name, before[name], now[name]) {
			causes = append(causes, c.String())
		}
		if causes != nil {
			lines = append(lines, fmt.Sprintf("%s: %s", name, strings.Join(causes, ", ")))
		}
	}
	slices.Sort(lines)
	return lines
}

// What is recorded must compare as what it was, and the base is a cause.
func TestIngredientsAsRecord(t *testing.T) {
	g := smallGraphAfter(t, func(fstest.MapFS) {})
	for name, made := range g.Ingredients("base") {
		text, err := json.Marshal(made)
		if err != nil {
			t.Fatal(err)
		}
		var read stages.Ingredients
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		if causes := g.Changes(name, read, made); causes != nil || read.Digest() != made.Digest() {
			t.Errorf("%s: %v after a record", name, causes)
		}
		other := g.Ingredients("another")[name]
		if causes := g.Changes(name, made, other); len(causes) != 1 || causes[0].Kind != stages.CauseBase {
			t.Errorf("%s on another base: %v", name, causes)
		}
	}
}

// Every key of a recipe that changes a definition is told as a cause.
func TestChangesMissNothing(t *testing.T) {
	edits := map[string]func(fstest.MapFS){}
	for _, line := range []string{
		"build: {system: autotools}|build: {system: make}",
		"build: {system: autotools}|build: {system: autotools, subdir: unix}",
		"build: {system: autotools}|build: {system: autotools, configure: [--with-x]}",
		"build: {system: autotools}|build: {system: autotools, make: [X=1]}",
		"build: {system: autotools}|build: {system: autotools, install: [X=1]}",
		"build: {system: autotools}|build: {system: autotools, cache: {ac_x: 'yes'}}",
		"build: {system: autotools}|build: {system: autotools, env: {X: '1'}}",
		"build: {system: autotools}|build: {system: autotools}\nsteps: {prepare: 'true'}",
		"file: hello-data.tar.gz|file: hello-pictures.tar.gz",
		"build_needs: [lines]|build_needs: [lines, base-files]",
		"remove: [usr/bin/hello-debug]|remove: []",
		"name: hello|name: hello\ntools: [binutils]",
	} {
		old, by, _ := strings.Cut(line, "|")
		edits[by] = replaceText(t, "hello/recipe.yaml", old, by)
	}
	before := smallGraphAfter(t, func(fstest.MapFS) {}).Ingredients("base")
	unchanged := smallDigests(t, func(fstest.MapFS) {})
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			if smallDigests(t, edit)["hello root"] == unchanged["hello root"] {
				t.Fatal("the edit changes no definition")
			}
			g := smallGraphAfter(t, edit)
			causes := g.Changes("hello", before["hello"], g.Ingredients("base")["hello"])
			if len(causes) == 0 || causes[0].Kind == stages.CauseRootbuild {
				t.Errorf("got %v", causes)
			}
		})
	}
}
