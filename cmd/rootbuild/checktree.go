package main

import (
	"context"
	"fmt"

	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/rootbuild/rootbuild/nfsroot/unpack"
	"github.com/spf13/cobra"
)

const checkTreeHelp = `check compares a node root with what its image says: every file's type, mode,
owner, size, content, time, hard links, symlink target and capability. It tells
each difference, and with any the exit code is 1. The image is not needed: what
it says was kept when the root was unpacked.`

func newCheckTree(s streams) *cobra.Command {
	var o storeOptions
	cmd := &cobra.Command{
		Use:   "check TAG",
		Short: "compare a node root with its image, file by file",
		Long:  checkTreeHelp,
		Args:  tagArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCheckTree(cmd.Context(), args[0], o, s)
		},
		ValidArgsFunction: o.completeTags,
	}
	o.addFlags(cmd)
	return cmd
}

// checkedTree is the report of check.
type checkedTree struct {
	Tag         string              `json:"tag"`
	Intact      bool                `json:"intact"`
	Differences []unpack.Difference `json:"differences"`
}

func runCheckTree(ctx context.Context, tag string, o storeOptions, s streams) error {
	root, err := findRoot(o.dir, tag)
	if err != nil {
		return err
	}
	view, err := nfsroot.OpenReadOnly(o.dir)
	if err != nil {
		return err
	}
	found, err := view.Check(ctx, root.Tag)
	if err != nil {
		return err
	}
	report := checkedTree{root.Tag, len(found) == 0, found}
	if err := report.write(o, s, root.Files); err != nil {
		return err
	}
	if len(found) > 0 {
		return fmt.Errorf("checking %s: it differs from its image in %d places: unpack the image again under another tag, and switch to that", root.Tag, len(found))
	}
	return nil
}

func (c checkedTree) write(o storeOptions, s streams, files int) error {
	if o.json {
		return writeJSON(s.out, c)
	}
	for _, d := range c.Differences {
		if _, err := fmt.Fprintln(s.out, d); err != nil {
			return err
		}
	}
	if c.Intact {
		fmt.Fprintf(s.err, "%s: %d names are as in its image\n", c.Tag, files)
	}
	return nil
}
