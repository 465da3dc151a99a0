package stages

import "fmt"

// order puts recipes after those that their edges lead to.
type order struct {
	next   func(name string) []edge
	what   string // the kind of cycle that errors tell
	done   map[string]bool
	path   []edge // from where the walk began to where it is
	sorted []string
	errs   []error
}

// add walks to a recipe and everything it leads to.
func (o *order) add(to edge) {
	for i, passed := range o.path {
		if passed.to == to.to {
			o.errs = append(o.errs, o.cycle(append(o.path[i:len(o.path):len(o.path)], to)))
			return
		}
	}
	if o.done[to.to] {
		return
	}
	o.path = append(o.path, to)
	for _, e := range o.next(to.to) {
		o.add(e)
	}
	o.path = o.path[:len(o.path)-1]
	o.done[to.to] = true
	o.sorted = append(o.sorted, to.to)
}

// cycle tells a path that ends where it begins, and who names each of its steps.
func (o *order) cycle(path []edge) error {
	text := path[0].to
	for _, e := range path[1:] {
		text += fmt.Sprintf(" -> %s (%s)", e.to, e.at)
	}
	return fmt.Errorf("%s: %s: %s", path[1].at, o.what, text)
}

// topological returns the names that roots lead to, each after its own edges.
func topological(roots []edge, what string, next func(string) []edge) ([]string, []error) {
	o := order{next: next, what: what, done: map[string]bool{}}
	for _, root := range roots {
		o.add(root)
	}
	return o.sorted, o.errs
}
