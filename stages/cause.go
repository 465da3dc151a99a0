package stages

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Cause is one reason to build a stage again.
type Cause struct {
	Kind CauseKind `json:"kind"`
	Name string    `json:"name,omitempty"` // of the key, file, source or stage that changed
	Line int       `json:"line,omitempty"` // of the recipe's file, where one tells it
}

// CauseKind says what changed.
type CauseKind string

// The kinds of causes, in the order in which they are told.
const (
	CauseRecipe     CauseKind = "recipe"
	CauseFile       CauseKind = "file" // beside the recipe
	CauseSource     CauseKind = "source"
	CauseDependency CauseKind = "dependency"
	CauseToolchain  CauseKind = "toolchain" // a stage that the toolchain binds, or its chost
	CauseBase       CauseKind = "base"
	CauseEpoch      CauseKind = "epoch"     // of the target
	CauseRootbuild  CauseKind = "rootbuild" // what rootbuild adds to every step
)

// Changes returns why a stage that was made of before is not what now describes:
// nothing if the two are equal.
func (g Graph) Changes(stage string, before, now Ingredients) []Cause {
	r := g.Recipe(stage)
	var causes []Cause
	for _, key := range differing(before.Recipe, now.Recipe) {
		causes = append(causes, Cause{CauseRecipe, key, r.lineOf(key, before.Recipe[key])})
	}
	if before.Remove != now.Remove {
		causes = append(causes, Cause{CauseRecipe, "remove", r.lineOf("remove", "")})
	}
	for _, name := range differing(before.Files, now.Files) {
		causes = append(causes, Cause{Kind: CauseFile, Name: name})
	}
	for _, name := range differing(before.Sources, now.Sources) {
		causes = append(causes, Cause{Kind: CauseSource, Name: name})
	}
	causes = append(causes, g.changedStages(r, before, now)...)
	if before.Base != now.Base {
		causes = append(causes, Cause{Kind: CauseBase})
	}
	if !before.Epoch.Equal(now.Epoch) {
		causes = append(causes, Cause{Kind: CauseEpoch})
	}
	if len(causes) == 0 && !slices.Equal(before.Programs, now.Programs) {
		causes = append(causes, Cause{Kind: CauseRootbuild})
	}
	return causes
}

// changedStages are those that a stage is built with, the toolchain's last: the
// ones that changed themselves, else those beneath which something did.
func (g Graph) changedStages(r Recipe, before, now Ingredients) []Cause {
	var own, toolchain []Cause
	bound := g.boundBy(r)
	changed := differing(before.Dependencies, now.Dependencies)
	if len(changed) == 0 {
		changed = differing(before.Beneath, now.Beneath)
	}
	for _, name := range changed {
		if bound[name] {
			toolchain = append(toolchain, Cause{Kind: CauseToolchain, Name: name})
		} else {
			own = append(own, Cause{Kind: CauseDependency, Name: name})
		}
	}
	if before.Chost != now.Chost {
		toolchain = append(toolchain, Cause{Kind: CauseToolchain, Name: "chost"})
	}
	return append(own, toolchain...)
}

// boundBy are the stages that a stage is built with because the toolchain says
// so, with what these need.
func (g Graph) boundBy(r Recipe) map[string]bool {
	bound := map[string]bool{}
	if implied(r) {
		e := g.edges()
		needs := e.withNeeds(named(e.toolchain, e.toolchain.BuildNeeds))
		for _, name := range names(append(e.tools(r), needs...)) {
			bound[name] = true
		}
	}
	return bound
}

// differing returns the keys whose values are not the same in both, sorted.
func differing(a, b map[string]string) []string {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, b)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(key string) bool {
		x, inA := a[key]
		y, inB := b[key]
		return x == y && inA == inB
	})
}

// lineOf returns where a key such as build.make stands in the recipe; for a step
// the first line that differs from what it was. It is 0 for a key that was
// taken out.
func (r Recipe) lineOf(key, before string) int {
	if step, ok := r.Steps[strings.TrimPrefix(key, "steps.")]; ok && strings.HasPrefix(key, "steps.") {
		return step.Line + firstDifference(before, step.Text)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(r.Text, &document); err != nil || len(document.Content) == 0 {
		return 0
	}
	node, line := document.Content[0], 0
	for name := range strings.SplitSeq(key, ".") {
		if node, line = member(node, name); node == nil {
			return 0
		}
	}
	return line
}

// member returns the value of a key of a mapping and the key's line, or nil.
func member(n *yaml.Node, name string) (*yaml.Node, int) {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1], n.Content[i].Line
		}
	}
	return nil, 0
}

// firstDifference counts the lines in which two texts begin alike. A text that
// was only cut short differs at its last line.
func firstDifference(before, now string) int {
	old, lines := strings.Split(before, "\n"), strings.Split(strings.TrimRight(now, "\n"), "\n")
	for i, line := range lines {
		if i >= len(old) || line != old[i] {
			return i
		}
	}
	return len(lines) - 1
}

// String tells the cause in a few words.
func (c Cause) String() string {
	switch {
	case c.Kind == CauseRecipe && c.Line > 0:
		return fmt.Sprintf("recipe changed: line %d (%s)", c.Line, c.Name)
	case c.Kind == CauseRecipe:
		return fmt.Sprintf("recipe changed: %s", c.Name)
	case c.Kind == CauseFile || c.Kind == CauseSource:
		return fmt.Sprintf("%s %s changed", c.Kind, c.Name)
	case c.Kind == CauseBase || c.Kind == CauseEpoch || c.Kind == CauseRootbuild:
		return string(c.Kind) + " changed"
	case c.Name == "":
		return string(c.Kind)
	}
	return fmt.Sprintf("%s %s", c.Kind, c.Name)
}
