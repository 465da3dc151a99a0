package unpack

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// What became of a package or a file from one root to another.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
	Rebuilt = "rebuilt" // a package with its version, and other files
)

// PackageChange is a package that two roots do not share.
type PackageChange struct {
	Name string `json:"name"`
	What string `json:"what"`
	From string `json:"from,omitempty"` // version
	To   string `json:"to,omitempty"`
	Size int64  `json:"size"` // of the layers, packed: new less old
}

// FileChange is a file that two roots do not share.
type FileChange struct {
	Name Name     `json:"name"`
	What string   `json:"what"`
	How  []string `json:"how,omitempty"` // of a changed file: mode, owner, content...
	From int64    `json:"from"`          // size
	To   int64    `json:"to"`
}

// Diff is what leads from one root to another.
type Diff struct {
	Packages []PackageChange `json:"packages"`
	Files    []FileChange    `json:"files"`
}

// WriteTable writes a line for each package, then one for each file.
func (d Diff) WriteTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range d.Packages {
		fmt.Fprintf(table, "package\t%s\t%s\t%s\t%+d\n", p.Name, p.What, p.versions(), p.Size)
	}
	for _, f := range d.Files {
		what := f.What
		if len(f.How) > 0 {
			what += " " + strings.Join(f.How, ",")
		}
		fmt.Fprintf(table, "file\t%s\t%s\t%d -> %d\t%+d\n", f.Name, what, f.From, f.To, f.To-f.From)
	}
	return table.Flush()
}

func (p PackageChange) versions() string {
	switch p.What {
	case Added:
		return p.To
	case Changed:
		return p.From + " -> " + p.To
	}
	return p.From
}

// Compare returns what leads from one root to another, by what their images say.
// Times are left aside: a new epoch would change them all.
func Compare(from, to Root) (Diff, error) {
	var m [2]inventory
	for i, r := range []Root{from, to} {
		var err error
		if m[i], err = r.inventory(); err != nil {
			return Diff{}, err
		}
	}
	return Diff{diffLayers(m[0].Layers, m[1].Layers), diffNodes(m[0].nodes, m[1].nodes)}, nil
}

func diffNodes(from, to []node) []FileChange {
	list := []FileChange{}
	for _, p := range pair(from, to) {
		switch {
		case p.have == nil:
			list = append(list, FileChange{Name: p.want.Name, What: Removed, From: p.want.Size})
		case p.want == nil:
			list = append(list, FileChange{Name: p.have.Name, What: Added, To: p.have.Size})
		default:
			if how := changes(*p.want, *p.have); len(how) > 0 {
				list = append(list, FileChange{p.want.Name, Changed, how, p.want.Size, p.have.Size})
			}
		}
	}
	return list
}

// changes returns what of a file changed.
func changes(from, to node) []string {
	from.Time, to.Time = 0, 0
	var how []string
	for _, d := range differences(from, to) {
		how = append(how, d.What)
	}
	// Other content of another size is one change.
	if slices.Contains(how, "content") {
		how = slices.DeleteFunc(how, func(s string) bool { return s == "size" })
	}
	return how
}

// layerSet is the layers of one package.
type layerSet struct {
	version string
	digests []v1.Hash
	size    int64
}

// packages groups layers by the packages that they say they are of.
func packages(layers []imageLayer) map[string]layerSet {
	all := map[string]layerSet{}
	for _, l := range layers {
		name, version := l.packageName()
		set := all[name]
		set.version, set.size = version, set.size+l.Size
		set.digests = append(set.digests, l.Digest)
		all[name] = set
	}
	return all
}

// packageName reads what rootbuild writes into the history of an image:
// "package NAME VERSION", and "target NAME" for the target's own files.
func (l imageLayer) packageName() (name, version string) {
	words := strings.Fields(l.CreatedBy)
	if len(words) == 3 && words[0] == "package" {
		return words[1], words[2]
	}
	return cmp.Or(Name(strings.TrimSpace(l.CreatedBy)).String(), l.Digest.String()), ""
}

func diffLayers(from, to []imageLayer) []PackageChange {
	old, now := packages(from), packages(to)
	list := []PackageChange{}
	for _, name := range sortedKeys(old, now) {
		a, had := old[name]
		b, has := now[name]
		c := PackageChange{Name: name, From: a.version, To: b.version, Size: b.size - a.size}
		switch {
		case !had:
			c.What = Added
		case !has:
			c.What = Removed
		case a.version != b.version:
			c.What = Changed
		case !slices.Equal(a.digests, b.digests):
			c.What = Rebuilt
		default:
			continue
		}
		list = append(list, c)
	}
	return list
}
