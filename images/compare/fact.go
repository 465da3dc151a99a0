package compare

import (
	"maps"
	"slices"
)

// fact is something that two things of a kind can be compared by.
type fact struct{ name, value string }

// ofMap makes facts of a map, in a fixed order.
func ofMap(prefix string, m map[string]string) []fact {
	var facts []fact
	for _, key := range slices.Sorted(maps.Keys(m)) {
		facts = append(facts, fact{prefix + key, m[key]})
	}
	return facts
}

// unlike makes a difference of every fact that is not in both lists with one
// value.
func unlike(want, have []fact, make func(fact) Difference) []Difference {
	var found []Difference
	add := func(f fact, want, have string) {
		if want == have {
			return
		}
		d := make(f)
		d.Want, d.Have = want, have
		found = append(found, d)
	}
	for _, f := range want {
		add(f, f.value, valueOf(have, f.name))
	}
	for _, f := range have {
		if !slices.ContainsFunc(want, f.named) {
			add(f, "", f.value)
		}
	}
	return found
}

func (f fact) named(other fact) bool { return f.name == other.name }

func valueOf(facts []fact, name string) string {
	for _, f := range facts {
		if f.name == name {
			return f.value
		}
	}
	return ""
}
