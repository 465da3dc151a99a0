package flags

import (
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/spf13/cobra"
)

// Store is the directory of node roots, and how a verb tells what it finds there.
type Store struct {
	Dir  string // of node roots
	JSON bool   // and no table
}

// AddFlags adds the flags of every verb on the directory.
func (o *Store) AddFlags(cmd *cobra.Command) {
	AddNFSRoot(cmd, &o.Dir)
	cmd.Flags().BoolVar(&o.JSON, "json", false, "as JSON")
}

// AddNFSRoot adds the flag that names the directory, for verbs that need no more.
func AddNFSRoot(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "nfsroot", "/diskless/nfsroot", "`directory` of node roots")
}

// View looks into the directory, and changes nothing.
func (o Store) View() (*nfsroot.View, error) { return nfsroot.OpenReadOnly(o.Dir) }

// Look tells what f sees in the directory.
func Look[R cli.Report](o Store, s cli.Streams, f func(*nfsroot.View) (R, error)) error {
	view, err := o.View()
	if err != nil {
		return err
	}
	seen, err := f(view)
	if err != nil {
		return err
	}
	return s.Tell(seen, o.JSON)
}

// Change holds the directory while f changes what is in it. The directory has to be
// there.
func (o Store) Change(s cli.Streams, f func(*nfsroot.Store) error) (err error) {
	store, err := nfsroot.Open(o.Dir, nfsroot.Options{Existing: true, Note: s.Note})
	if err != nil {
		return err
	}
	defer cli.Closing(store, &err)
	return f(store)
}
