// Package stages says how a target is built: its recipes, their graph, and the LLB of
// each stage. It is pure: it opens no socket and starts no program.
package stages

import (
	"fmt"
	"maps"
	"slices"

	"github.com/rootbuild/rootbuild/images"
)

// Recipe says how one package or tool is built: a directory with recipe.yaml,
// patches and small files.
type Recipe struct {
	Name        string
	Version     string
	License     string // an SPDX expression
	Description string
	Homepage    string

	File string // recipe.yaml, as errors tell it
	Line int    // where its name stands in File
	Text []byte // of File

	Kind       Kind
	Sources    []Source
	Tools      []string // tools that it finds below /tools while it is built
	OwnTools   bool     // Tools holds all it is built with, even if that is none
	BuildNeeds []string // packages that are in its sysroot
	Needs      []string // packages that it needs at run time
	Fallback   bool     // its paths give way to those of other packages
	Build      Build
	Steps      map[string]Step   // by the name of the step, one of StepNames
	Services   []Service         // in the order in which they are written
	Remove     []string          // patterns of installed paths that neither root nor dev gets
	AllowLeaks []AllowedLeak     // what an image may hold of the build's surroundings all the same
	Files      map[string][]byte // every file beside recipe.yaml, by its path
	Patches    []string          // the *.patch of Files, sorted
	Chost      string            // the triple that a toolchain builds for

	lines map[string]int // of File, where a recipe is first named
}

// Kind is what a recipe is for.
type Kind string

// The kinds of recipes.
const (
	KindPackage   Kind = "package"   // what nodes or sysroots get
	KindTool      Kind = "tool"      // a part of the toolchain, built on the base
	KindToolchain Kind = "toolchain" // binds tools and packages, builds nothing
)

// Source is one pinned input of a recipe.
type Source struct {
	Name    string // the file's name where the recipe sees it
	SHA256  string // 64 hexadecimal digits
	Origins []Origin
	Line    int
}

// Origin is a place that has a source: either a URL, or the path of a file in
// the host's package mirror; with Member, a file within that Debian package.
type Origin struct {
	URL    string
	Apt    string
	Member string
}

// Build is the recipe's build system with what the recipe tells it.
type Build struct {
	System    string            // one of Systems
	Subdir    string            // of the unpacked source
	Configure []string          // options of the configure step
	Make      []string          // arguments of the build step
	Install   []string          // arguments of the install step
	Cache     map[string]string // answers that configure cannot find out by running a program
	Fragments []string          // kconfig files beside the recipe
	Config    []string          // lines of a kconfig file, over those of the fragments
	Env       map[string]string
}

// Step is shell text of a recipe.
type Step struct {
	Text string
	Line int // of the recipe's File, where Text begins
}

// StepNames returns the names of the steps in the order in which they run.
func StepNames() []string {
	return []string{"unpack", "prepare", "configure", "build", "install", "finish"}
}

// At tells file and line of the recipe.
func (r Recipe) At() string { return fmt.Sprintf("%s:%d", r.File, max(1, r.Line)) }

// NamedAt tells file and line where the recipe first names another one, or
// those of the recipe if it does not.
func (r Recipe) NamedAt(name string) string {
	if line, ok := r.lines[name]; ok {
		return fmt.Sprintf("%s:%d", r.File, line)
	}
	return r.At()
}

// Recipes holds recipes by name.
type Recipes map[string]Recipe

// Names returns the names of the recipes, sorted; of the given kinds only, if
// there are any.
func (r Recipes) Names(kinds ...Kind) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(r)) {
		if len(kinds) == 0 || slices.Contains(kinds, r[name].Kind) {
			names = append(names, name)
		}
	}
	return names
}

// hint proposes the nearest names of the given kinds.
func (r Recipes) hint(name string, kinds ...Kind) string {
	return images.DidYouMean(name, r.Names(kinds...))
}
