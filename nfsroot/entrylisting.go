package nfsroot

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/rootbuild/rootbuild/nfsroot/entries"
)

// EntryListing is the boot entries of a store for a person or a program to read.
type EntryListing struct {
	Site    entries.Site  `json:"site"`
	Entries []ListedEntry `json:"entries"`
}

// ListedEntry is the default entry, that of a group, or that of a root in the menu.
type ListedEntry struct {
	Kind   string   `json:"kind"` // default, group or menu
	Group  string   `json:"group,omitempty"`
	Nodes  []string `json:"nodes,omitempty"` // of a group, as patterns
	Tag    string   `json:"tag"`             // of a group without one, the default's
	Kernel string   `json:"kernel"`          // version
	// Problem is why it is no entry that boots: a root without a kernel, or entries
	// that are not what the store says.
	Problem string `json:"problem,omitempty"`
}

// Entries returns the boot entries: the default, the groups, and all roots. Without
// any it is an error that wraps [ErrNoEntries].
func (v *View) Entries() (EntryListing, error) {
	l, err := v.entryListing()
	if err != nil {
		return EntryListing{}, fmt.Errorf("listing the boot entries of nfsroot %s: %w", v.dir, err)
	}
	return l, nil
}

func (v *View) entryListing() (EntryListing, error) {
	b, err := v.bootEntries()
	if err != nil {
		return EntryListing{}, err
	}
	if b.Site.TFTP == "" {
		return EntryListing{}, ErrNoEntries
	}
	current, err := v.currentRoot()
	if err != nil {
		return EntryListing{}, err
	}
	links, err := entries.Links(b.Site.TFTP)
	if err != nil {
		return EntryListing{}, err
	}
	roots, err := v.List()
	if err != nil {
		return EntryListing{}, err
	}
	list := EntryListing{Site: b.Site, Entries: []ListedEntry{v.listedEntry(ListedEntry{Kind: "default", Tag: current}, links["default"])}}
	for _, g := range b.Groups {
		e := ListedEntry{Kind: "group", Group: g.Name, Nodes: slices.Concat(g.MACs, g.UUIDs, g.Hosts), Tag: cmp.Or(g.Tag, current)}
		list.Entries = append(list.Entries, v.listedEntry(e, cmp.Or(links["group "+g.Name], links["default"])))
	}
	for _, r := range roots {
		list.Entries = append(list.Entries, v.listedEntry(ListedEntry{Kind: "menu", Tag: r.Tag}, r.Tag))
	}
	return list, nil
}

// listedEntry fills in the kernel of an entry, which loaders see with a tag.
func (v *View) listedEntry(e ListedEntry, seen string) ListedEntry {
	if e.Tag == "" {
		e.Problem = "no root is current"
		return e
	}
	k, err := entries.FindKernel(v.Path(e.Tag))
	e.Kernel = k.Version
	switch {
	case err != nil:
		e.Problem = err.Error()
	case seen != e.Tag:
		e.Problem = fmt.Sprintf("loaders get %s: rootbuild entries mends it", cmp.Or(seen, "none"))
	}
	return e
}

// WriteTable writes a line for each entry.
func (l EntryListing) WriteTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ENTRY\tTAG\tKERNEL\tNODES")
	for _, e := range l.Entries {
		name := e.Kind
		if e.Group != "" {
			name = "group " + e.Group
		}
		kernel := e.Kernel
		if e.Problem != "" {
			kernel = strings.TrimSpace(kernel + " (" + e.Problem + ")")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", name, cmp.Or(e.Tag, "-"), kernel, cmp.Or(strings.Join(e.Nodes, " "), "-"))
	}
	return table.Flush()
}
