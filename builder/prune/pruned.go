package prune

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// Pruned is what a prune did, or would do, for a person or a program to read.
type Pruned struct {
	Done  bool   `json:"done"`
	Bytes int64  `json:"bytes"` // that went, or would go
	Items []Item `json:"items"`
	// Notes tell what could not be known.
	Notes []string `json:"notes,omitempty"`
}

// Item is an image, or all that is alike of another kind.
type Item struct {
	Action Action `json:"action"`
	Kind   string `json:"kind"`
	Name   string `json:"name,omitempty"`   // of an image's target, or of a file
	Digest string `json:"digest,omitempty"` // of an image
	Count  int    `json:"count"`
	Size   int64  `json:"size"` // bytes; what several items have counts for the first
	Why    string `json:"why"`
}

// Action is what becomes of an item.
type Action string

// The actions.
const (
	Keep   Action = "keep"
	Delete Action = "delete"
)

// The kinds of what a state holds.
const (
	kindImage   = "image"
	kindBase    = "base"
	kindPackage = "package"
	kindLayer   = "layer"
	kindSource  = "source"
	kindPart    = "part of a download"
	kindRecord  = "record"
	kindCache   = "BuildKit's cache"
	kindBuilder = "builder"
	kindAgain   = "reproduce"
	kindKernel  = "kernel"
	kindBoot    = "boot"
)

var kindsInOrder = []string{
	kindImage, kindBase, kindPackage, kindLayer, kindSource, kindPart, kindRecord,
	kindCache, kindBuilder, kindAgain, kindKernel, kindBoot,
}

// sort puts what goes of a kind behind what stays.
func (p *Pruned) sort() {
	slices.SortStableFunc(p.Items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(slices.Index(kindsInOrder, a.Kind), slices.Index(kindsInOrder, b.Kind)), cmp.Compare(b.Action, a.Action))
	})
}

// add adds an item to what it is alike.
func (p *Pruned) add(i Item) {
	i.Count = 1
	if i.Action == Delete {
		p.Bytes += i.Size
	}
	for n := range p.Items {
		old := &p.Items[n]
		if old.Action == i.Action && old.Kind == i.Kind && old.Name == i.Name && old.Digest == i.Digest && old.Why == i.Why {
			old.Count, old.Size = old.Count+1, old.Size+i.Size
			return
		}
	}
	p.Items = append(p.Items, i)
}

// kept is how many bytes stay.
func (p *Pruned) kept() int64 {
	var sum int64
	for _, i := range p.Items {
		if i.Action == Keep {
			sum += i.Size
		}
	}
	return sum
}

// WriteTable writes a line for each image and for all that is alike, and the sums.
func (p Pruned) WriteTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ACTION\tKIND\tWHAT\tMIB\tWHY")
	for _, i := range p.Items {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", i.Action, i.Kind, i.what(), mebibytes(i.Size), i.Why)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	verb := "go"
	if p.Done {
		verb = "went"
	}
	_, err := fmt.Fprintf(w, "\n%s MiB %s, %s MiB stay\n", mebibytes(p.Bytes), verb, mebibytes(p.kept()))
	return err
}

// what names an item, an image as the tag of its node root would, or counts.
func (i Item) what() string {
	switch {
	case i.Digest != "":
		return i.Name + "-" + i.Digest[len("sha256:"):][:12]
	case i.Name != "":
		return i.Name
	}
	return fmt.Sprint(i.Count)
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f", float64(n)/(1<<20)) }
