package stages

import (
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/rootbuild/rootbuild/images"
)

var (
	versionForm = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+~_-]*$`)
	chostForm   = regexp.MustCompile(`^[a-z0-9_]+(-[a-z0-9_]+){2,3}$`)
	envForm     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	reasonForm  = regexp.MustCompile(`\S`)
)

// decoder reads one recipe.yaml.
type decoder struct {
	*images.Decoder
	recipe Recipe
}

// decode reads the text of a recipe that stands in the directory dir.
// Files are those beside it.
func decode(file, dir string, text []byte, files map[string][]byte) (Recipe, error) {
	d := decoder{images.NewDecoder(file), Recipe{
		File: file, Line: 1, Text: text, Kind: KindPackage, Files: files, lines: map[string]int{},
	}}
	keys := d.Document(text, d.fields(dir), "name", "version", "license")
	if keys != nil {
		d.finish(keys)
	}
	return d.recipe, d.Err()
}

// fields are the keys of a recipe.
func (d *decoder) fields(dir string) images.Fields {
	r := &d.recipe
	return images.Fields{
		"name":        d.name(dir),
		"version":     d.Match(&r.Version, versionForm, "a version"),
		"license":     d.license,
		"description": d.String(&r.Description),
		"homepage":    d.String(&r.Homepage),
		"kind":        d.kind,
		"sources":     d.List(d.source),
		"tools":       d.Names(&r.Tools, r.lines),
		"build_needs": d.Names(&r.BuildNeeds, r.lines),
		"needs":       d.Names(&r.Needs, r.lines),
		"fallback":    d.Bool(&r.Fallback),
		"build":       d.build,
		"steps":       d.steps,
		"remove":      d.List(d.pattern),
		"allow_leaks": d.List(d.allowedLeak),
		"services":    d.services,
		"chost":       d.Match(&r.Chost, chostForm, "a triple such as x86_64-vendor-linux-uclibc"),
	}
}

// name reads the recipe's name, which its directory bears too.
func (d *decoder) name(dir string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		d.recipe.Line = n.Line
		if d.Name(&d.recipe.Name)(n); d.recipe.Name != "" && d.recipe.Name != dir {
			d.Faultf(n.Line, "name %q is not that of the directory, %q", d.recipe.Name, dir)
		}
	}
}

func (d *decoder) kind(n *yaml.Node) {
	kinds := []string{string(KindPackage), string(KindTool), string(KindToolchain)}
	d.oneOf((*string)(&d.recipe.Kind), "kind", kinds)(n)
}

// oneOf reads one of a few words.
func (d *decoder) oneOf(to *string, what string, known []string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var s string
		switch d.String(&s)(n); {
		case slices.Contains(known, s):
			*to = s
		case s != "":
			d.Faultf(n.Line, "unknown %s %q%s", what, s, images.DidYouMean(s, known))
		}
	}
}

func (d *decoder) build(n *yaml.Node) {
	b := &d.recipe.Build
	d.Mapping(n, images.Fields{
		"system":    d.oneOf(&b.System, "build system", Systems()),
		"subdir":    d.subdir,
		"configure": d.Strings(&b.Configure),
		"make":      d.Strings(&b.Make),
		"install":   d.Strings(&b.Install),
		"cache":     d.variables(&b.Cache),
		"fragments": d.fragments,
		"config":    d.Strings(&b.Config),
		"env":       d.variables(&b.Env),
	})
}

// fragments reads the names of files that stand beside the recipe.
func (d *decoder) fragments(n *yaml.Node) {
	d.List(func(n *yaml.Node) {
		var name string
		if d.String(&name)(n); name == "" {
			return
		}
		if _, ok := d.recipe.Files[name]; !ok {
			d.Faultf(n.Line, "fragment %q is not a file beside the recipe%s", name, images.DidYouMean(name, slices.Sorted(maps.Keys(d.recipe.Files))))
		}
		d.recipe.Build.Fragments = append(d.recipe.Build.Fragments, name)
	})(n)
}

func (d *decoder) subdir(n *yaml.Node) {
	to := &d.recipe.Build.Subdir
	if d.String(to)(n); *to != "" && !fs.ValidPath(*to) {
		d.Faultf(n.Line, "subdir %q is not a path below the source", *to)
	}
}

// variables reads a mapping whose keys the shell takes as names.
func (d *decoder) variables(to *map[string]string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		d.StringMap(to)(n)
		for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
			if key := n.Content[i]; key.Kind == yaml.ScalarNode && !envForm.MatchString(key.Value) {
				d.Faultf(key.Line, "%q is not the name of a variable", key.Value)
			}
		}
	}
}

func (d *decoder) steps(n *yaml.Node) {
	fields := images.Fields{}
	d.recipe.Steps = map[string]Step{}
	for _, name := range StepNames() {
		fields[name] = func(n *yaml.Node) {
			step := Step{Line: n.Line}
			if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
				step.Line++ // the text of a block begins after its indicator
			}
			d.String(&step.Text)(n)
			d.recipe.Steps[name] = step
		}
	}
	d.Mapping(n, fields)
}

func (d *decoder) pattern(n *yaml.Node) {
	var s string
	if d.String(&s)(n); s == "" {
		return
	}
	if _, err := path.Match(s, ""); err != nil {
		d.Faultf(n.Line, "pattern %q: %s", s, err)
		return
	}
	d.recipe.Remove = append(d.recipe.Remove, s)
}

// finish checks what one key says about another.
func (d *decoder) finish(keys map[string]int) {
	r := &d.recipe
	_, r.OwnTools = keys["tools"]
	_, builds := keys["build"]
	_, install := r.Steps["install"]
	switch {
	case r.Kind == KindToolchain:
		if _, ok := keys["chost"]; !ok {
			d.Faultf(r.Line, `key "chost" is missing in a toolchain`)
		}
	case !builds:
		d.Faultf(r.Line, `key "build" is missing`)
	case r.Build.System == "custom" && !install:
		d.Faultf(keys["build"], "build system custom without a step install")
	}
	if line, ok := keys["chost"]; ok && r.Kind != KindToolchain {
		d.Faultf(line, "chost in a recipe of kind %s; only a toolchain has one", r.Kind)
	}
	if line, ok := keys["services"]; ok && r.Kind != KindPackage {
		d.Faultf(line, "services in a recipe of kind %s; only a package has them", r.Kind)
	}
	if line, ok := keys["allow_leaks"]; ok && r.Kind != KindPackage {
		d.Faultf(line, "allow_leaks in a recipe of kind %s; only packages are looked through", r.Kind)
	}
	if line, ok := keys["needs"]; ok && r.Kind == KindTool {
		d.Faultf(line, "needs in a tool, which runs on the base")
	}
	if len(r.Build.Config)+len(r.Build.Fragments) > 0 && r.Build.System != systemKconfig {
		d.Faultf(keys["build"], "config or fragments in a build system other than kconfig")
	}
}
