package packages

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/docker/go-units"
	"golang.org/x/sync/errgroup"

	"github.com/rootbuild/rootbuild/images/registry"
)

// Listed is a package that a place has.
type Listed struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Key     string `json:"key"`
	Place   string `json:"place"`
	Bytes   int64  `json:"bytes"` // of all its outputs, packed
	// Signed are the keys that count for it by the policy, if one was given.
	Signed []string `json:"signed,omitempty"`
	// Refused is why the policy does not let it through.
	Refused string `json:"refused,omitempty"`

	layers map[Output]Layer
}

// Listing is what places have, by name, version and key.
type Listing []Listed

// parallelLooks is how many packages of a place are looked at at once.
const parallelLooks = 8

var keyForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// List returns the packages that places have. Where it is judged, each has its verdict by
// the policy of its place.
func List(ctx context.Context, places []Place, judged bool) (Listing, error) {
	var all Listing
	for _, p := range places {
		list, err := p.list(ctx, judged)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	slices.SortStableFunc(all, func(a, b Listed) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Key, b.Key))
	})
	return all, nil
}

func (p Place) list(ctx context.Context, judged bool) (Listing, error) {
	tags, err := p.tags(ctx)
	if err != nil {
		return nil, err
	}
	keys := slices.DeleteFunc(tags, func(tag string) bool { return !keyForm.MatchString(tag) })
	list := make(Listing, len(keys))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelLooks)
	for i, key := range keys {
		group.Go(func() (err error) {
			list[i], err = p.listed(ctx, key, judged)
			return err
		})
	}
	return list, group.Wait()
}

func (p Place) tags(ctx context.Context) ([]string, error) {
	if !p.Ref.Registry() {
		return p.Ref.Names()
	}
	return registry.Tags(ctx, p.Ref, p.Registry)
}

func (p Place) listed(ctx context.Context, key string, judged bool) (Listed, error) {
	pkg, _, err := p.Look(ctx, key)
	if err != nil {
		return Listed{}, err
	}
	l := Listed{Name: pkg.Name, Version: pkg.Version, Key: key, Place: p.String(), layers: pkg.Layers}
	for _, layer := range pkg.Layers {
		l.Bytes += layer.Size
	}
	if pkg.Key != key {
		l.Refused = "it does not say that it is the package with this key"
	} else if judged {
		l.Signed, l.Refused, err = p.judge(ctx, key)
	}
	return l, err
}

// judge asks the policy of the place about a package.
func (p Place) judge(ctx context.Context, key string) (signed []string, refused string, err error) {
	ref, err := p.at(key)
	if err != nil {
		return nil, "", err
	}
	verdict, err := registry.Verify(ctx, ref, p.Policy, p.Registry)
	if err != nil && ctx.Err() == nil && !registry.Unreachable(err) {
		return nil, err.Error(), nil
	}
	return verdict.Signed, "", err
}

// WriteTable writes a line for each package.
func (l Listing) WriteTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tVERSION\tKEY\tSIZE\tPLACE\tSIGNED BY")
	for _, p := range l {
		signed := cmp.Or(strings.Join(p.Signed, ", "), "-")
		if p.Refused != "" {
			signed = "refused: " + p.Refused
		}
		fmt.Fprintf(table, "%s\t%s\t%.12s\t%s\t%s\t%s\n", p.Name, p.Version, p.Key, units.BytesSize(float64(p.Bytes)), p.Place, signed)
	}
	return table.Flush()
}

// Err is the error of packages that places have with other bytes under one key, or nil.
func (l Listing) Err() error {
	first := map[string]Listed{}
	var lines []string
	for _, p := range l {
		other, known := first[p.Key]
		if !known {
			first[p.Key] = p
			continue
		}
		if !maps.Equal(other.layers, p.layers) {
			lines = append(lines, fmt.Sprintf("package %s %s has other bytes in %s than in %s: build it here and publish it to either, which tells the files", p.Name, p.Version, p.Place, other.Place))
		}
	}
	if lines == nil {
		return nil
	}
	return errors.New(strings.Join(lines, "\n"))
}
