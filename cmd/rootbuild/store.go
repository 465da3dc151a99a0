package main

import (
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/spf13/cobra"
)

// storeOptions are the flags of every verb on the directory of node roots.
type storeOptions struct {
	dir  string
	json bool
}

func (o *storeOptions) AddFlags(cmd *cobra.Command) {
	addNFSRoot(cmd, &o.dir)
	cmd.Flags().BoolVar(&o.json, "json", false, "as JSON")
}

func addNFSRoot(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "nfsroot", "/diskless/nfsroot", "`directory` of node roots")
}

// taggedOptions are the flags of a verb that is told the tags of roots, and completes
// them.
type taggedOptions struct{ storeOptions }

func (o *taggedOptions) AddFlags(cmd *cobra.Command) {
	o.storeOptions.AddFlags(cmd)
	cmd.ValidArgsFunction = o.completeTags
}

// view looks into the directory, and changes nothing.
func (o storeOptions) view() (*nfsroot.View, error) { return nfsroot.OpenReadOnly(o.dir) }

// open takes the directory to change what is in it.
func (o storeOptions) open(s cli.Streams) (*nfsroot.Store, error) {
	return nfsroot.Open(o.dir, nfsroot.Options{Existing: true, Note: s.Note})
}

// completeTags completes the tags of roots.
func (o *storeOptions) completeTags(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	view, err := o.view()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	roots, err := view.List()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var tags []string
	for _, r := range roots {
		tags = append(tags, r.Tag)
	}
	return tags, cobra.ShellCompDirectiveNoFileComp
}
