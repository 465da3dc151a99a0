// Package layered lays out a directed graph without circles in columns, for people to
// follow: edges lead to the right, and nodes stand near those that they are joined to.
package layered

import (
	"cmp"
	"slices"
)

// Point is a place in a layout: X counts columns, Y rows.
type Point struct{ X, Y float64 }

// Layout is where nodes and edges are.
type Layout struct {
	Nodes []Point
	Edges [][]Point // of each edge the points that it goes through, its ends among them
	// Columns and Rows are how many there are.
	Columns int
	Rows    float64
}

// How far the middles of two neighbours in a column are apart, in rows. An edge that
// only passes through takes less room than a node.
const (
	nodeRoom = 1
	passRoom = 0.45
)

// sweeps is how often columns are ordered by their neighbours.
const sweeps = 24

// item is a node, or the place where a long edge passes a column.
type item struct {
	column        int
	room          float64
	y             float64
	before, after []*item
}

// Place lays out n nodes, of which each edge joins two: from, to. The same graph has the
// same layout.
func Place(n int, edges [][2]int) Layout {
	items := make([]*item, n)
	for i := range items {
		items[i] = &item{room: nodeRoom}
	}
	rank(items, edges)
	columns := make([][]*item, 1)
	add := func(it *item) *item {
		for len(columns) <= it.column {
			columns = append(columns, nil)
		}
		columns[it.column] = append(columns[it.column], it)
		return it
	}
	for _, it := range items {
		add(it)
	}
	routes := make([][]*item, len(edges))
	for i, e := range edges {
		at, to := items[e[0]], items[e[1]]
		routes[i] = []*item{at}
		for at != to {
			next := to
			if to.column > at.column+1 {
				next = add(&item{column: at.column + 1, room: passRoom})
			}
			at.after, next.before = append(at.after, next), append(next.before, at)
			routes[i], at = append(routes[i], next), next
		}
	}
	order(columns)
	return layout(items, columns, routes)
}

// rank gives each node the column after the last of those that lead to it.
func rank(items []*item, edges [][2]int) {
	for range items { // a path has no more edges than there are nodes
		moved := false
		for _, e := range edges {
			if want := items[e[0]].column + 1; items[e[1]].column < want {
				items[e[1]].column, moved = want, true
			}
		}
		if !moved {
			return
		}
	}
}

// order sorts each column by where the neighbours are, to and fro. Then, from the left,
// items go beside those that lead to them, or below, as far as their room allows: so what
// many wait for is at the top, where people begin to read.
func order(columns [][]*item) {
	row := func(it *item) float64 { return it.y }
	for _, c := range columns {
		stack(c, row)
	}
	for sweep := range sweeps {
		for i := range columns {
			c, near := columns[i], func(it *item) []*item { return it.before }
			if sweep%2 == 1 {
				c, near = columns[len(columns)-1-i], func(it *item) []*item { return it.after }
			}
			wanted := func(it *item) float64 { return mean(near(it), it.y) }
			slices.SortStableFunc(c, func(a, b *item) int { return cmp.Compare(wanted(a), wanted(b)) })
			stack(c, wanted)
		}
	}
	for _, c := range columns {
		stack(c, func(it *item) float64 { return mean(it.before, 0) })
	}
}

// mean is that of the rows of items, or other where there are none.
func mean(items []*item, other float64) float64 {
	if len(items) == 0 {
		return other
	}
	sum := 0.0
	for _, it := range items {
		sum += it.y
	}
	return sum / float64(len(items))
}

// stack gives the items of a column, in their order, the rows that are nearest to those
// wanted, not above the first, and leave each its room: neighbours that want the same room
// become a block, at the mean of what its items want.
func stack(column []*item, wanted func(*item) float64) {
	type block struct{ sum, n float64 }
	var blocks []block
	offset := make([]float64, len(column))
	for i, it := range column {
		if i > 0 {
			offset[i] = offset[i-1] + (column[i-1].room+it.room)/2
		}
		b := block{wanted(it) - offset[i], 1}
		for len(blocks) > 0 {
			last := blocks[len(blocks)-1]
			if last.sum/last.n <= b.sum/b.n {
				break
			}
			b, blocks = block{last.sum + b.sum, last.n + b.n}, blocks[:len(blocks)-1]
		}
		blocks = append(blocks, b)
	}
	i := 0
	for _, b := range blocks {
		for range int(b.n) {
			column[i].y = max(0, b.sum/b.n) + offset[i]
			i++
		}
	}
}

// layout tells where all is.
func layout(items []*item, columns [][]*item, routes [][]*item) Layout {
	l := Layout{Columns: len(columns)}
	for _, it := range slices.Concat(columns...) {
		l.Rows = max(l.Rows, it.y+1)
	}
	at := func(it *item) Point { return Point{float64(it.column), it.y} }
	for _, it := range items {
		l.Nodes = append(l.Nodes, at(it))
	}
	for _, r := range routes {
		var points []Point
		for _, it := range r {
			points = append(points, at(it))
		}
		l.Edges = append(l.Edges, points)
	}
	return l
}
