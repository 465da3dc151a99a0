package stages

import (
	_ "embed"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
)

var (
	//go:embed scripts/begin.sh
	beginScript string
	//go:embed scripts/target.sh
	targetScript string
	//go:embed scripts/unpack.sh
	unpackScript string
	//go:embed scripts/collect.sh
	collectScript string
	//go:embed scripts/meson.sh
	mesonScript string
	//go:embed scripts/kconfig.sh
	kconfigScript string
)

// script is the program of a build step: the surroundings, then the recipe's
// steps in order, each in a subshell that starts in the source tree.
func script(g Graph, r Recipe) string {
	var s strings.Builder
	fmt.Fprintf(&s, "# %s\n", r.title())
	export(&s, identity(g, r))
	s.WriteString(beginScript)
	if r.Kind == KindPackage {
		s.WriteString(targetScript)
	}
	export(&s, r.Build.Env)
	export(&s, r.Build.Cache)
	if len(r.Sources) > 0 {
		export(&s, map[string]string{"SOURCE": r.Sources[0].Name})
	}
	for _, name := range StepNames() {
		writeStep(&s, r, name)
	}
	return s.String()
}

// collect is the program that sorts what a recipe installed.
func collect(g Graph, r Recipe) string {
	var s strings.Builder
	fmt.Fprintf(&s, "# collect %s\n", r.Name)
	export(&s, identity(g, r))
	export(&s, map[string]string{"remove": strings.Join(r.Remove, " ")})
	s.WriteString(collectScript)
	return s.String()
}

// identity is what both programs know of their stage. The triple of the build
// host is the canonical one of its architecture, not what the base's compiler
// says of itself: some programs keep it.
func identity(g Graph, r Recipe) map[string]string {
	return map[string]string{"NAME": r.Name, "VERSION": r.Version, "CHOST": g.Toolchain.Chost, "CBUILD": buildTriple}
}

var buildTriple = map[string]string{"amd64": "x86_64-pc-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}[runtime.GOARCH]

// writeStep adds the recipe's text for a step, or else the build system's.
func writeStep(s *strings.Builder, r Recipe, name string) {
	text := r.Steps[name].Text
	if text == "" {
		text = r.defaultStep(name)
	}
	if text == "" {
		return
	}
	dir := "/build/src"
	if name != "unpack" && r.Build.Subdir != "" {
		dir += "/" + r.Build.Subdir
	}
	fmt.Fprintf(s, "\n# step %[1]s\necho '=> %[1]s %[2]s'\nSTEP=%[1]s\n(\ncd %[3]s\n%[4]s\n)\n",
		name, r.Name, quote(dir), strings.TrimRight(text, "\n"))
}

// defaultStep is what a recipe that is silent on a step gets.
func (r Recipe) defaultStep(name string) string {
	if name == "unpack" {
		if len(r.Sources) == 0 {
			return ""
		}
		return unpackScript + r.applyPatches()
	}
	return systems[r.Build.System](r)[name]
}

func (r Recipe) applyPatches() string {
	var s strings.Builder
	for _, p := range r.Patches {
		fmt.Fprintf(&s, "patch -p1 --fuzz=0 <%s\n", quote(dirRecipe+"/"+p))
	}
	return s.String()
}

// export writes variables in a fixed order.
func export(s *strings.Builder, env map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintf(s, "export %s=%s\n", name, quote(env[name]))
	}
}

// words quotes arguments for the shell, one after the other. A $ in a recipe's
// argument stays the shell's, so that it may name $CHOST and its like.
func words(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = doubleQuote(a)
	}
	return strings.Join(quoted, " ")
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func doubleQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`").Replace(s) + `"`
}
