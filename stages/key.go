package stages

import "encoding/json"

// Keys returns, for each stage by name, the key of what it gives: a digest in hex of
// all that determines it. That is the recipe with its sources, the keys of the stages
// that it is built with, the triple, the epoch and rootbuild's own programs, and not the
// base. Whatever stages are built or taken from elsewhere, the keys are the same.
func (g Graph) Keys() map[string]string {
	keys := map[string]string{}
	made := g.Ingredients("")
	for _, r := range g.Stages {
		i := made[r.Name]
		i.Dependencies, i.Beneath = map[string]string{}, nil
		for _, name := range g.builtWith(r) {
			i.Dependencies[name] = keys[name]
		}
		keys[r.Name] = i.Digest()
	}
	return keys
}

// ContentKey returns the key by content of what a stage gives: a digest in hex of what
// determines its key, but with what the stage mounts in place of the keys of those that
// gave it: their outputs in the order of mounting, by digest. A stage that is built with
// a library that changed, and still has the same bytes, has the same one.
func (g Graph) ContentKey(name string, mounted []string) string {
	i := g.Ingredients("")[name]
	i.Dependencies, i.Beneath = nil, nil
	text, err := json.Marshal(struct {
		Ingredients
		Mounted []string
	}{i, mounted})
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return sum(text)
}
