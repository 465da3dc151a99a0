package main

import (
	"context"
	"fmt"
	"io"

	"github.com/rootbuild/rootbuild/nfsroot/deploy"
	"github.com/rootbuild/rootbuild/nfsroot/unpack"
)

const checkTreeHelp = `check compares a node root with what its image says: every file's type, mode,
owner, size, content, time, hard links, symlink target and capability. It tells
each difference, and with any the exit code is 1. The image is not needed: what
it says was kept when the root was unpacked.`

type checkTreeVerb struct{ taggedOptions }

func (v *checkTreeVerb) run(ctx context.Context, args []string, s streams) error {
	root, err := deploy.FindRoot(v.dir, args[0])
	if err != nil {
		return err
	}
	view, err := v.view()
	if err != nil {
		return err
	}
	found, err := view.Check(ctx, root.Tag)
	if err != nil {
		return err
	}
	if err := s.tell(checkedTree{root.Tag, len(found) == 0, found}, v.json); err != nil {
		return err
	}
	if n := len(found); n > 0 {
		return fmt.Errorf("checking %s: it differs from its image in %d places: unpack the image again under another tag, and switch to that", root.Tag, n)
	}
	if !v.json {
		s.note(fmt.Sprintf("%s: %d names are as in its image", root.Tag, root.Files))
	}
	return nil
}

// checkedTree is the report of check.
type checkedTree struct {
	Tag         string              `json:"tag"`
	Intact      bool                `json:"intact"`
	Differences []unpack.Difference `json:"differences"`
}

// WriteTable writes a difference a line.
func (c checkedTree) WriteTable(w io.Writer) error {
	for _, d := range c.Differences {
		if _, err := fmt.Fprintln(w, d); err != nil {
			return err
		}
	}
	return nil
}
