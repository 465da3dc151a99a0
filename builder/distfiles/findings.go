package distfiles

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"text/tabwriter"
)

// Findings are what a survey found, a source each.
type Findings []Finding

// Err is the error of sources that no place is known to serve, or nil.
func (list Findings) Err() error {
	count := map[Presence]int{}
	for _, f := range list {
		count[f.State()]++
	}
	if count[Gone]+count[Unreachable] == 0 {
		return nil
	}
	return fmt.Errorf("of %d sources %d are gone, and %d could not be asked for: keep copies of your own (rootbuild fetch --export DIR, --push REF)",
		len(list), count[Gone], count[Unreachable])
}

// WriteTable writes a line for each source.
func (list Findings) WriteTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SOURCE\tPINNED\tNEWEST\tWHERE\tSTATE")
	for _, f := range list {
		newest := Release{Version: "-", Where: "-"}
		if f.Newest != nil {
			newest = *f.Newest
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", f.Source, cmp.Or(f.Pinned, "-"), newest.Version, newest.Where, f.summary())
	}
	return table.Flush()
}

// summary tells the state of a source, and how many of its places made it so.
func (f Finding) summary() string {
	n := 0
	for _, a := range f.Answers {
		if a.State == f.State() {
			n++
		}
	}
	return fmt.Sprintf("%s (%d of %d)", f.State(), n, len(f.Answers))
}

// WritePlaces names what is gone, and who could not be asked, by host.
func (list Findings) WritePlaces(w io.Writer) {
	silent := map[string][]Answer{}
	for _, f := range list {
		for _, a := range f.Answers {
			switch a.State {
			case Gone:
				fmt.Fprintf(w, "%s is gone: %s\n", f.Source, a.Where)
			case Unreachable:
				silent[hostOf(a.Where)] = append(silent[hostOf(a.Where)], a)
			}
		}
		for _, a := range f.Unknown {
			silent[hostOf(a.Where)] = append(silent[hostOf(a.Where)], a)
		}
	}
	for _, h := range slices.Sorted(maps.Keys(silent)) {
		fmt.Fprintf(w, "%s could not be asked (%d times): %s: %v\n", h, len(silent[h]), silent[h][0].Where, silent[h][0].Err)
	}
}

func hostOf(where string) string {
	u, err := url.Parse(where)
	if err != nil || u.Host == "" {
		return where
	}
	return u.Host
}

// MarshalJSON writes a finding with its state.
func (f Finding) MarshalJSON() ([]byte, error) {
	newest := Release{}
	if f.Newest != nil {
		newest = *f.Newest
	}
	return json.Marshal(struct {
		Source  string   `json:"source"`
		SHA256  string   `json:"sha256"`
		Pinned  string   `json:"pinned,omitempty"`
		State   Presence `json:"state"`
		Newest  string   `json:"newest,omitempty"`
		Where   string   `json:"where,omitempty"`   // that has the newest
		Origins []Answer `json:"origins"`           // what they say of the pinned file
		Unknown []Answer `json:"unknown,omitempty"` // who could not be asked for releases
	}{f.Source, f.SHA256, f.Pinned, f.State(), newest.Version, newest.Where, append([]Answer{}, f.Answers...), f.Unknown})
}

// MarshalJSON writes an answer with the text of its error.
func (a Answer) MarshalJSON() ([]byte, error) {
	told := struct {
		Where string   `json:"where"`
		State Presence `json:"state"`
		Error string   `json:"error,omitempty"`
	}{Where: a.Where, State: a.State}
	if a.Err != nil {
		told.Error = a.Err.Error()
	}
	return json.Marshal(told)
}
