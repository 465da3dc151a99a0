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

// Switch is one change of current, as the journal tells it.
type Switch struct {
	When     time.Time `json:"when"`
	From     string    `json:"from"` // empty for the first
	To       string    `json:"to"`
	Rollback bool      `json:"rollback"` // whether it went back
	By       string    `json:"by"`       // user
	Host     string    `json:"host"`     // the user came from; empty in old lines
	Command  string    `json:"command"`

	// Void is set for a switch that was killed before it changed anything.
	Void bool `json:"void"`
}

// History is every switch of current, the oldest first.
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
			unpack.Name(cmp.Or(s.From, "-")), s.To+s.note(), unpack.Name(by), unpack.Name(s.Command))
	}
	return table.Flush()
}

// note says what was special about a switch.
func (s Switch) note() string {
	switch {
	case s.Void:
		return " (ended before it changed current)"
	case s.Rollback:
		return " (rollback)"
	}
	return ""
}

// Switches returns every switch of current.
func (v *View) Switches() (History, error) {
	lines, err := readSwitches(v.meta("switches.jsonl"))
	if err != nil {
		return nil, fmt.Errorf("reading the journal of nfsroot %s: %w", v.dir, err)
	}
	// What a line did shows in where the next one begins, or in current.
	now, err := v.Current()
	if err != nil {
		return nil, err
	}
	list := make(History, len(lines))
	for i, l := range slices.Backward(lines) {
		list[i] = Switch{
			When: l.When, From: l.From, To: l.To, Rollback: l.Rollback,
			By: l.By, Host: l.Host, Command: l.Command, Void: now == l.From,
		}
		now = l.From
	}
	return list, nil
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
		if s.Void {
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

// lastCurrent returns when current last named each tag, as late as the journal
// allows. The tag that it names now is not special here.
func lastCurrent(switches []Switch) map[string]time.Time {
	last := map[string]time.Time{}
	at := func(tag string, when time.Time) {
		if last[tag].Before(when) {
			last[tag] = when
		}
	}
	for i, s := range switches {
		at(s.From, s.When)
		at(s.To, s.When)
		if i > 0 {
			// It differs from From when someone changed the symlink by hand.
			at(switches[i-1].To, s.When)
		}
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
