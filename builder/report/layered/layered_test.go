package layered_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootbuild/rootbuild/builder/report/layered"
)

// graphs are by name: how many nodes, and which are joined.
var graphs = map[string]struct {
	nodes int
	edges [][2]int
}{
	"empty": {},
	"alone": {1, nil},
	"chain": {3, [][2]int{{0, 1}, {1, 2}}},
	"fan":   {9, [][2]int{{0, 1}, {0, 2}, {0, 3}, {0, 4}, {0, 5}, {0, 6}, {0, 7}, {4, 8}}},
	"long":  {6, [][2]int{{0, 1}, {1, 2}, {2, 3}, {3, 4}, {5, 4}, {0, 4}, {0, 3}}},
	"cross": {6, [][2]int{{0, 5}, {1, 4}, {2, 3}, {0, 3}}},
}

func TestPlace(t *testing.T) {
	for name, g := range graphs {
		t.Run(name, func(t *testing.T) {
			l := layered.Place(g.nodes, g.edges)
			if again := layered.Place(g.nodes, g.edges); !cmp.Equal(l, again) {
				t.Errorf("another layout the second time (-first +second):\n%s", cmp.Diff(l, again))
			}
			for i, a := range l.Nodes {
				if a.Y < 0 || a.Y > l.Rows-1 || a.X < 0 || a.X > float64(l.Columns-1) {
					t.Errorf("node %d is at %v, outside of %d columns and %v rows", i, a, l.Columns, l.Rows)
				}
				for j, b := range l.Nodes[:i] {
					if a.X == b.X && max(a.Y-b.Y, b.Y-a.Y) < 0.999 {
						t.Errorf("nodes %d and %d lie over each other, at %v and %v", j, i, b, a)
					}
				}
			}
			for i, points := range l.Edges {
				from, to := g.edges[i][0], g.edges[i][1]
				if points[0] != l.Nodes[from] || points[len(points)-1] != l.Nodes[to] {
					t.Errorf("the edge from %d to %d leads from %v to %v", from, to, points[0], points[len(points)-1])
				}
				for k := range points[1:] {
					if points[k+1].X != points[k].X+1 {
						t.Errorf("the edge from %d to %d goes from %v to %v", from, to, points[k], points[k+1])
					}
				}
				for n, at := range l.Nodes {
					for _, p := range points[1 : len(points)-1] {
						if p.X == at.X && max(p.Y-at.Y, at.Y-p.Y) < 0.6 {
							t.Errorf("the edge from %d to %d goes through node %d", from, to, n)
						}
					}
				}
			}
		})
	}
}

// Edges that need not cross do not.
func TestOrder(t *testing.T) {
	g := graphs["cross"]
	l := layered.Place(g.nodes, g.edges)
	for i, a := range l.Edges {
		for _, b := range l.Edges[:i] {
			if (a[0].Y-b[0].Y)*(a[1].Y-b[1].Y) < 0 {
				t.Errorf("%v crosses %v", a, b)
			}
		}
	}
}
