package main

import (
	"fmt"

	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/spf13/cobra"
)

// storeOptions are the flags of every verb on the directory of node roots.
type storeOptions struct {
	dir  string
	json bool
}

func (o *storeOptions) addFlags(cmd *cobra.Command) {
	addNFSRoot(cmd, &o.dir)
	cmd.Flags().BoolVar(&o.json, "json", false, "as JSON")
}

func addNFSRoot(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "nfsroot", "/diskless/nfsroot", "`directory` of node roots")
}

// taggedOptions are the flags of a verb that is told the tags of roots, and completes
// them.
type taggedOptions struct{ storeOptions }

func (o *taggedOptions) addFlags(cmd *cobra.Command) {
	o.storeOptions.addFlags(cmd)
	cmd.ValidArgsFunction = o.completeTags
}

// view looks into the directory, and changes nothing.
func (o storeOptions) view() (*nfsroot.View, error) { return nfsroot.OpenReadOnly(o.dir) }

// open takes the directory to change what is in it.
func (o storeOptions) open() (*nfsroot.Store, error) {
	return nfsroot.Open(o.dir, nfsroot.Options{Existing: true})
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

// nodeRoot is a root that is about to be entered, booted or compared.
type nodeRoot struct {
	nfsroot.Root
	store string // directory of all roots
	path  string
}

// findRoot finds a root by its tag; by none, or as "current", the one that
// current names now. It is resolved once: the symlink may move at any moment.
func findRoot(dir, tag string) (nodeRoot, error) {
	view, err := nfsroot.OpenReadOnly(dir)
	if err != nil {
		return nodeRoot{}, err
	}
	if tag == "" || tag == "current" {
		if tag, err = view.Current(); err != nil {
			return nodeRoot{}, err
		}
		if tag == "" {
			return nodeRoot{}, fmt.Errorf("%s has no current root: name a tag (see rootbuild ls)", view.Dir())
		}
	}
	roots, err := view.List()
	if err != nil {
		return nodeRoot{}, err
	}
	var tags []string
	for _, r := range roots {
		if r.Tag == tag {
			return nodeRoot{Root: r, store: view.Dir(), path: view.Path(tag)}, nil
		}
		tags = append(tags, r.Tag)
	}
	return nodeRoot{}, fmt.Errorf("%w %q in %s%s", nfsroot.ErrNoRoot, tag, view.Dir(), images.DidYouMean(tag, tags))
}
