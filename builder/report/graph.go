package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/rootbuild/rootbuild/builder/report/layered"
)

// graphView is the graph of stages as SVG draws it.
type graphView struct {
	Width, Height string
	NodeWidth     int
	NodeHeight    int
	Nodes         []nodeView
	Edges         []edgeView
}

type nodeView struct {
	ID                             int
	X, Y, TextX, NameY, NoteY      string
	Name, Note, Label, Class, Full string
}

type edgeView struct {
	From, To int
	Path     string
	Critical bool
}

// Measures of the graph, in pixels.
const (
	nodeWidth, nodeHeight = 120, 35
	gap                   = 30 // between two columns
	rowHeight             = 42
	bendRadius            = 5.0
	graphMargin           = 6
	longestName           = 15 // characters that a node has room for
)

// graph draws which stage waits for which. An edge that others say already is left out:
// where libgcc waits for gcc, and bash for libgcc, there is none from gcc to bash.
func (p Page) graph(path []int) graphView {
	edges := p.reduced()
	l := layered.Place(len(p.Stages), edges)
	v := graphView{
		NodeWidth: nodeWidth, NodeHeight: nodeHeight,
		Width:  number(float64(l.Columns-1)*(nodeWidth+gap) + nodeWidth + 2*graphMargin),
		Height: number((l.Rows-1)*rowHeight + nodeHeight + 2*graphMargin),
	}
	for i, s := range p.Stages {
		v.Nodes = append(v.Nodes, p.node(i, s, l.Nodes[i], slices.Contains(path, i)))
	}
	at := lanes(l.Edges)
	for i, e := range edges {
		v.Edges = append(v.Edges, edgeView{e[0], e[1], line(l.Edges[i], at), follows(path, e)})
	}
	// What comes last lies above.
	slices.SortStableFunc(v.Edges, func(a, b edgeView) int { return cmp.Compare(rank(a.Critical), rank(b.Critical)) })
	return v
}

func (p Page) node(i int, s Stage, at layered.Point, critical bool) nodeView {
	x, y := left(at), middle(at)
	how := p.how(s)
	v := nodeView{
		ID: i, X: number(x), Y: number(y - nodeHeight/2), TextX: number(x + 12), NameY: number(y - 2), NoteY: number(y + 11.5),
		Name: s.Name, Full: s.Name, Note: "time not known", Class: string(how),
	}
	if runes := []rune(s.Name); len(runes) > longestName {
		v.Name = string(runes[:longestName-1]) + "\u2026"
	}
	if seconds, known := s.seconds(); known {
		v.Note = span(seconds)
	}
	if critical {
		v.Class += " critical"
	}
	v.Label = fmt.Sprintf("%s %s, %s, %s", s.Name, s.Version, howText[how], v.Note)
	return v
}

// reduced are the edges from each stage to those that wait for it, without those that
// follow from others.
func (p Page) reduced() [][2]int {
	at := p.byName()
	before := make([]map[int]bool, len(p.Stages)) // all that a stage waits for
	var edges [][2]int
	for i, s := range p.Stages {
		before[i] = map[int]bool{}
		var direct []int
		for _, name := range s.After {
			if j, ok := at[name]; ok && j < i {
				direct = append(direct, j)
			}
		}
		slices.Sort(direct)
		for _, j := range slices.Backward(slices.Compact(direct)) {
			if !before[i][j] {
				edges = append(edges, [2]int{j, i})
			}
			before[i][j] = true
			for k := range before[j] {
				before[i][k] = true
			}
		}
	}
	return edges
}

func rank(critical bool) int {
	if critical {
		return 1
	}
	return 0
}

// follows says whether an edge is a part of a path.
func follows(path []int, e [2]int) bool {
	i := slices.Index(path, e[0])
	return i >= 0 && i+1 < len(path) && path[i+1] == e[1]
}

// lanes are where lines go up and down between two columns, by the point that they come
// from: each in a place of its own, the upper ones to the right, so that few of those that
// go down cross.
func lanes(edges [][]layered.Point) map[layered.Point]float64 {
	from := map[float64][]layered.Point{}
	for _, points := range edges {
		for i, at := range points[:len(points)-1] {
			if at.Y != points[i+1].Y && !slices.Contains(from[at.X], at) {
				from[at.X] = append(from[at.X], at)
			}
		}
	}
	x := map[layered.Point]float64{}
	for _, points := range from {
		slices.SortFunc(points, func(a, b layered.Point) int { return cmp.Compare(b.Y, a.Y) })
		for i, at := range points {
			x[at] = left(at) + nodeWidth + gap*float64(i+1)/float64(len(points)+1)
		}
	}
	return x
}

// line leads from the right side of a node to the left side of another.
func line(points []layered.Point, lanes map[layered.Point]float64) string {
	var d strings.Builder
	fmt.Fprintf(&d, "M%s %s", number(left(points[0])+nodeWidth), number(middle(points[0])))
	for i, at := range points[:len(points)-1] {
		y, to := middle(at), middle(points[i+1])
		if y == to {
			continue
		}
		x, bend := lanes[at], min(bendRadius, math.Abs(to-y)/2)
		turn := math.Copysign(bend, to-y)
		fmt.Fprintf(&d, "H%sQ%s %s %s %s", number(x-bend), number(x), number(y), number(x), number(y+turn))
		fmt.Fprintf(&d, "V%sQ%s %s %s %s", number(to-turn), number(x), number(to), number(x+bend), number(to))
	}
	fmt.Fprintf(&d, "H%s", number(left(points[len(points)-1])))
	return d.String()
}

func left(p layered.Point) float64   { return graphMargin + p.X*(nodeWidth+gap) }
func middle(p layered.Point) float64 { return graphMargin + p.Y*rowHeight + nodeHeight/2 }

// style lets the graph shrink a little where it would have to be scrolled otherwise.
func (v graphView) style() string {
	return fmt.Sprintf("@media (min-width: 62rem) { .graph { width: 100%%; height: auto; min-width: calc(.84 * %spx); max-width: %spx; } }\n", v.Width, v.Width)
}
