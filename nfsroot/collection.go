package nfsroot

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// What a collection does with a root, or with what is in the trash.
const (
	ActionKeep   = "keep"
	ActionTrash  = "trash"
	ActionDelete = "delete"
)

// Collection is what a collection did, or would do, for a person or a program to read.
type Collection struct {
	Done  bool            `json:"done"`
	Roots []CollectedRoot `json:"roots"`
	Trash []CollectedRoot `json:"trash"`
}

// CollectedRoot is a root, or what was one and is in the trash.
type CollectedRoot struct {
	Action string    `json:"action"`
	Tag    string    `json:"tag"`
	Size   int64     `json:"size,omitempty"` // bytes
	Since  time.Time `json:"trashed,omitzero"`
	Kept   []Reason  `json:"kept"`
}

// Collection is the plan as it was done, or as it would be.
func (p Plan) Collection(done bool) Collection {
	c := Collection{Done: done, Roots: []CollectedRoot{}, Trash: []CollectedRoot{}}
	for _, r := range p.Roots {
		c.Roots = append(c.Roots, CollectedRoot{Action: actionOf(r.Kept, ActionTrash), Tag: r.Tag, Size: r.Size, Kept: r.Kept})
	}
	for _, t := range p.Trash {
		c.Trash = append(c.Trash, CollectedRoot{Action: actionOf(t.Kept, ActionDelete), Tag: t.Tag, Since: t.Since, Kept: t.Kept})
	}
	return c
}

func actionOf(kept []Reason, otherwise string) string {
	if len(kept) > 0 {
		return ActionKeep
	}
	return otherwise
}

// WriteTable writes a line for each root, those in the trash last.
func (c Collection) WriteTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ACTION\tTAG\tMIB\tWHY")
	for _, r := range c.Roots {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", r.Action, r.Tag, mebibytes(r.Size), whyKept(r.Kept))
	}
	for _, t := range c.Trash {
		fmt.Fprintf(table, "%s\t%s\t\tin the trash since %s; %s\n", t.Action, t.Tag, t.Since.Local().Format(time.DateTime), whyKept(t.Kept))
	}
	return table.Flush()
}

func whyKept(kept []Reason) string {
	if len(kept) == 0 {
		return "nothing holds it"
	}
	var list []string
	for _, r := range kept {
		list = append(list, r.String())
	}
	return strings.Join(list, "; ")
}
