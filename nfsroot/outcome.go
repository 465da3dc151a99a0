package nfsroot

import (
	"fmt"
	"io"

	"github.com/rootbuild/rootbuild/nfsroot/unpack"
)

// Checked is what a check of a root found, for a person or a program to read.
type Checked struct {
	Tag         string              `json:"tag"`
	Intact      bool                `json:"intact"`
	Differences []unpack.Difference `json:"differences"`
}

// NewChecked is of a root that differs from its image so.
func NewChecked(tag string, found []unpack.Difference) Checked {
	return Checked{tag, len(found) == 0, found}
}

// WriteTable writes a difference a line.
func (c Checked) WriteTable(w io.Writer) error {
	for _, d := range c.Differences {
		if _, err := fmt.Fprintln(w, d); err != nil {
			return err
		}
	}
	return nil
}

// Err is the error of a root that differs, or nil.
func (c Checked) Err() error {
	if n := len(c.Differences); n > 0 {
		return fmt.Errorf("checking %s: it differs from its image in %d places: unpack the image again under another tag, and switch to that", c.Tag, n)
	}
	return nil
}

// Removed is what became of roots that were removed.
type Removed struct {
	Trashed []string `json:"trashed"` // tags
}

// WriteTable writes a tag a line.
func (r Removed) WriteTable(w io.Writer) error {
	for _, tag := range r.Trashed {
		if _, err := fmt.Fprintln(w, tag); err != nil {
			return err
		}
	}
	return nil
}

// Moved is what became of current.
type Moved struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// String tells a person.
func (m Moved) String() string {
	switch m.From {
	case "":
		return "current -> " + m.To
	case m.To:
		return fmt.Sprintf("current -> %s, as before", m.To)
	}
	return fmt.Sprintf("current -> %s, was %s", m.To, m.From)
}

// WriteTable writes the one line that a script reads.
func (m Moved) WriteTable(w io.Writer) error {
	_, err := fmt.Fprintln(w, m.To)
	return err
}
