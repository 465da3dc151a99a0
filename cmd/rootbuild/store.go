package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/spf13/cobra"
)

// storeOptions are the flags of every verb on the directory of node roots.
type storeOptions struct {
	dir  string
	json bool
}

func (o *storeOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.dir, "nfsroot", "/diskless/nfsroot", "directory of node roots")
	cmd.Flags().BoolVar(&o.json, "json", false, "as JSON")
}

// open takes the directory to change what is in it.
func (o storeOptions) open() (*nfsroot.Store, error) {
	return nfsroot.Open(o.dir, nfsroot.Options{Existing: true})
}

// completeTags completes the tags of roots.
func (o *storeOptions) completeTags(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	view, err := nfsroot.OpenReadOnly(o.dir)
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

// tagArgs wants n tags, or with n 0 at least one.
func tagArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if n == 0 && len(args) == 0 {
			return usageError{fmt.Errorf("%s: name a tag (see rootbuild ls)", cmd.CommandPath())}
		}
		if n > 0 && len(args) != n {
			return usageError{fmt.Errorf("%s: %d tags named, want %d (see rootbuild ls)", cmd.CommandPath(), len(args), n)}
		}
		return nil
	}
}

func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
