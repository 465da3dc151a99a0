package nfsroot

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/rootbuild/rootbuild/nfsroot/unpack"
)

// Switch is one change of current, or of the root of a group, as the journal tells it.
type Switch struct {
	When     time.Time `json:"when"`
	From     string    `json:"from"`            // empty for the first
	To       string    `json:"to"`              // empty for a group that gets the default's
	Group    string    `json:"group,omitempty"` // empty for current
	Rollback bool      `json:"rollback"`        // whether it went back
	By       string    `json:"by"`              // user
	Host     string    `json:"host"`            // the user came from; empty in old lines
	Command  string    `json:"command"`

	// Void is set for a switch that was killed before it changed anything.
	Void bool `json:"void"`
}

// History is every switch of current and of groups, the oldest first.
type History []Switch

// WriteTable writes a line for each switch.
func (h History) WriteTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WHEN\tFROM\tTO\tBY\tCOMMAND")
	for _, s := range h {
		by := s.By
		if s.Host != "" {
			by += "@" + s.Host
		}
		// As names: a user's environment and arguments may hold anything.
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", s.When.Local().Format(time.DateTime),
			unpack.Name(cmp.Or(s.From, "-")), cmp.Or(s.To, "-")+s.note(), unpack.Name(by), unpack.Name(s.Command))
	}
	return table.Flush()
}

// note says what was special about a switch.
func (s Switch) note() string {
	switch {
	case s.Void && s.Group != "":
		return " (group " + s.Group + "; ended before it changed)"
	case s.Void:
		return " (ended before it changed current)"
	case s.Group != "":
		return " (group " + s.Group + ")"
	case s.Rollback:
		return " (rollback)"
	}
	return ""
}

// Switches returns every switch of current and of groups.
func (v *View) Switches() (History, error) {
	lines, err := readSwitches(v.meta(journalFile))
	if err != nil {
		return nil, fmt.Errorf("reading the journal of nfsroot %s: %w", v.dir, err)
	}
	// What a line did shows in where the next one begins, or in current.
	now, err := v.tagsNow()
	if err != nil {
		return nil, err
	}
	list := make(History, len(lines))
	for i, l := range slices.Backward(lines) {
		list[i] = Switch{
			When: l.When, From: l.From, To: l.To, Group: l.Group, Rollback: l.Rollback,
			By: l.By, Host: l.Host, Command: l.Command, Void: now[l.Group] == l.From,
		}
		now[l.Group] = l.From
	}
	return list, nil
}

// tagsNow returns the tags of the groups' roots, by group, and under the empty name
// what current names.
func (v *View) tagsNow() (map[string]string, error) {
	current, err := v.Current()
	if err != nil {
		return nil, err
	}
	b, err := v.bootEntries()
	now := map[string]string{"": current}
	for _, g := range b.Groups {
		now[g.Name] = g.Tag
	}
	return now, err
}

// visited returns the tags that current named on the way to where it is now,
// the last being that one. A rollback takes back what it left: going back from
// a root never leads to it again.
func visited(switches []Switch, current string) []string {
	var way []string
	at := func(tag string) {
		if tag != "" && (len(way) == 0 || way[len(way)-1] != tag) {
			way = append(way, tag)
		}
	}
	for _, s := range switches {
		if s.Void || s.Group != "" {
			continue
		}
		at(s.From)
		if back := lastIndex(way, s.To); s.Rollback && back >= 0 {
			way = way[:back]
		}
		at(s.To)
	}
	at(current)
	return way
}

func lastIndex(list []string, s string) int {
	for i, have := range slices.Backward(list) {
		if have == s {
			return i
		}
	}
	return -1
}

// lastCurrent returns when current, or the entry of a group, last named each tag, as late as the journal
// allows. The tag that it names now is not special here.
func lastCurrent(switches []Switch) map[string]time.Time {
	last := map[string]time.Time{}
	at := func(tag string, when time.Time) {
		if last[tag].Before(when) {
			last[tag] = when
		}
	}
	before := map[string]string{}
	for _, s := range switches {
		at(s.From, s.When)
		at(s.To, s.When)
		// It differs from From when someone changed the symlink by hand.
		at(before[s.Group], s.When)
		before[s.Group] = s.To
	}
	return last
}

// Previous returns the tag that Rollback would go to: the last that current
// named before the one it names now and that is still a root. It is empty when
// there is none.
func (v *View) Previous() (string, error) {
	switches, err := v.Switches()
	if err != nil {
		return "", err
	}
	current, err := v.Current()
	if err != nil {
		return "", err
	}
	for _, tag := range slices.Backward(visited(switches, current)) {
		if tag == current || checkTag(tag) != nil {
			continue
		}
		switch _, err := v.root(tag); {
		case err == nil:
			return tag, nil
		case !missing(err):
			return "", err
		}
	}
	return "", nil
}
