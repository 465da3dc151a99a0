package stages

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
