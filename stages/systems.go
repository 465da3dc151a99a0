package stages

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// systemKconfig is the build system whose configuration is lines CONFIG_X=y.
const systemKconfig = "kconfig"

// systems are the build systems: the text of each step that a recipe leaves out.
var systems = map[string]func(Recipe) map[string]string{
	"autotools":   autotools,
	"make":        makeSystem,
	"meson":       meson,
	systemKconfig: kconfig,
	"custom":      func(Recipe) map[string]string { return nil },
}

// Systems returns the build systems that a recipe may name, sorted.
func Systems() []string { return slices.Sorted(maps.Keys(systems)) }

// autotools is configure, make, make install. A tool is for the host and goes
// below /tools, a package is for nodes and goes below /usr.
func autotools(r Recipe) map[string]string {
	prefix := "--prefix=/usr --bindir=/usr/bin --sbindir=/usr/bin --libdir=/usr/lib --libexecdir=/usr/lib " +
		"--sysconfdir=/etc --localstatedir=/var --build=$CBUILD --host=$CHOST"
	if r.Kind == KindTool {
		prefix = "--prefix=/tools --build=$CBUILD --host=$CBUILD --target=$CHOST"
	}
	steps := makeSystem(r)
	steps["configure"] = fmt.Sprintf("./configure %s %s", prefix, words(r.Build.Configure))
	return steps
}

// makeSystem is a plain Makefile that knows DESTDIR.
func makeSystem(r Recipe) map[string]string {
	install := r.Build.Install
	if len(install) == 0 {
		install = append(slices.Clone(r.Build.Make), "install")
	}
	return map[string]string{
		"build":   "make -j$JOBS " + words(r.Build.Make),
		"install": "make DESTDIR=/dest " + words(install),
	}
}

// meson is meson setup with a cross file, and ninja. The recipe's answers are
// properties of the machine, which meson asks before it runs a program.
func meson(r Recipe) map[string]string {
	var s strings.Builder
	s.WriteString(mesonScript)
	for _, name := range slices.Sorted(maps.Keys(r.Build.Cache)) {
		fmt.Fprintf(&s, "echo %s >>/build/cross.ini\n", quote(name+" = "+r.Build.Cache[name]))
	}
	fmt.Fprintf(&s, "meson setup --cross-file /build/cross.ini --prefix=/usr --bindir=bin --sbindir=bin --libdir=lib "+
		"--libexecdir=lib --sysconfdir=/etc --localstatedir=/var --buildtype=plain --wrap-mode=nodownload %s /build/meson\n",
		words(r.Build.Configure))
	return map[string]string{
		"configure": s.String(),
		"build":     "ninja -C /build/meson -j$JOBS " + words(r.Build.Make),
		"install":   "DESTDIR=/dest meson install -C /build/meson --no-rebuild " + words(r.Build.Install),
	}
}

// kconfig is a Makefile with a .config, completed by the program's own answers.
func kconfig(r Recipe) map[string]string {
	steps := makeSystem(r)
	if len(r.Build.Install) > 0 {
		steps["install"] = "make DESTDIR=/dest " + words(append(slices.Clone(r.Build.Make), r.Build.Install...))
	}
	if len(r.Build.Fragments) > 0 {
		steps["configure"] = configOfFragments(r)
	} else {
		steps["configure"] = configOfDefaults(r)
	}
	return steps
}

// configOfFragments makes .config of what the recipe's fragments and lines say, and
// of nothing else.
func configOfFragments(r Recipe) string {
	fragments, lines := make([]string, len(r.Build.Fragments)), make([]string, len(r.Build.Config))
	for i, name := range r.Build.Fragments {
		fragments[i] = quote(dirRecipe + "/" + name)
	}
	for i, line := range r.Build.Config {
		lines[i] = quote(line)
	}
	return fmt.Sprintf("arguments=(%s)\nfragments=(%s)\nlines=(%s)\n%s", words(r.Build.Make),
		strings.Join(fragments, " "), strings.Join(lines, " "), kconfigScript)
}

// configOfDefaults makes .config of the defaults, with the recipe's lines in place
// of theirs.
func configOfDefaults(r Recipe) string {
	var s strings.Builder
	fmt.Fprintf(&s, "make %s defconfig\n", words(r.Build.Make))
	for _, line := range r.Build.Config {
		name, value, _ := strings.Cut(line, "=")
		if value == "n" {
			line = "# " + name + " is not set"
		}
		fmt.Fprintf(&s, "sed -i -e '/^%[1]s=/d' -e '/^# %[1]s is not set/d' .config\necho %[2]s >>.config\n", name, quote(line))
	}
	// yes ends by a broken pipe, which is no failure.
	fmt.Fprintf(&s, "make %s oldconfig < <(yes '')\n", words(r.Build.Make))
	for _, line := range r.Build.Config {
		if !strings.HasSuffix(line, "=n") {
			fmt.Fprintf(&s, "grep -qxF %[1]s .config || { echo 'configuration refuses '%[1]s >&2; exit 1; }\n", quote(line))
		}
	}
	return s.String()
}
