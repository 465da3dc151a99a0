package stages

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
)

// Ingredients are what a stage is made of, by kind. Kept after a build, they
// tell why the next one builds the stage again. What is long stands for itself
// by its sha256.
type Ingredients struct {
	Recipe       map[string]string // the recipe's keys that the build sees, such as steps.install
	Remove       string            // which the sorting alone sees
	Files        map[string]string // beside the recipe
	Sources      map[string]string
	Dependencies map[string]string // the stages that it is built with: what each is made of itself
	Beneath      map[string]string // the same stages, with all that they are built with
	Programs     []string          // of its two steps
	Chost        string
	Base         string
	Epoch        time.Time
}

// Ingredients returns those of every stage, by name, on the base of that
// digest.
func (g Graph) Ingredients(base string) map[string]Ingredients {
	all := map[string]Ingredients{}
	itself, whole := map[string]string{}, map[string]string{}
	for _, r := range g.Stages {
		i := Ingredients{
			Recipe:  recipeKeys(r),
			Remove:  joined(r.Remove),
			Files:   map[string]string{},
			Sources: map[string]string{},
		}
		for name, text := range r.Files {
			i.Files[name] = sum(text)
		}
		for _, s := range r.Sources {
			i.Sources[s.Name] = s.SHA256
		}
		// What is the same for all stages is not part of these: those that are
		// built with this one see it themselves.
		itself[r.Name] = i.Digest()
		i.Dependencies, i.Beneath = map[string]string{}, map[string]string{}
		for _, name := range g.builtWith(r) {
			i.Dependencies[name], i.Beneath[name] = itself[name], whole[name]
		}
		whole[r.Name] = i.Digest()
		i.Programs = []string{sum([]byte(script(g, r))), sum([]byte(collect(g, r)))}
		i.Chost, i.Base, i.Epoch = g.Toolchain.Chost, base, g.Target.Epoch
		all[r.Name] = i
	}
	return all
}

// builtWith are the stages whose outputs a stage sees.
func (g Graph) builtWith(r Recipe) []string { return names(g.edges().stages(r)) }

// recipeKeys are the values of a recipe that its build depends on. A key that
// is left out is not there.
func recipeKeys(r Recipe) map[string]string {
	var sources []string
	for _, s := range r.Sources {
		sources = append(sources, s.Name)
	}
	keys := map[string]string{
		"version":         r.Version,
		"kind":            string(r.Kind),
		"sources":         joined(sources),
		"build.system":    r.Build.System,
		"build.subdir":    r.Build.Subdir,
		"build.configure": joined(r.Build.Configure),
		"build.make":      joined(r.Build.Make),
		"build.install":   joined(r.Build.Install),
		"build.cache":     variables(r.Build.Cache),
		"build.fragments": joined(r.Build.Fragments),
		"build.config":    joined(r.Build.Config),
		"build.env":       variables(r.Build.Env),
	}
	for name, step := range r.Steps {
		keys["steps."+name] = step.Text
	}
	for key, value := range keys {
		if value == "" {
			delete(keys, key)
		}
	}
	return keys
}

func variables(env map[string]string) string {
	var s strings.Builder
	export(&s, env)
	return s.String()
}

func joined(list []string) string { return strings.Join(list, "\n") }

func sum(text []byte) string {
	digest := sha256.Sum256(text)
	return hex.EncodeToString(digest[:])
}

// Digest names the ingredients: equal ones have equal digests.
func (i Ingredients) Digest() string {
	// JSON sorts the keys of maps.
	text, err := json.Marshal(i)
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return sum(text)
}
