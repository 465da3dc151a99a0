package flags

import (
	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder/base"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
)

// Base is the reference of the base image that is built in, or "" for the one that
// rootbuild makes.
type Base string

// AddFlags adds the flag that names it.
func (o *Base) AddFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar((*string)(o), "base", "", "base image to build in: `NAME@sha256:DIGEST` or oci:DIR (default: bootstrapped once with mmdebstrap)")
}

// Check refuses a base that is no reference.
func (o Base) Check() error {
	if o == "" {
		return nil
	}
	if _, err := base.Resolve(string(o)); err != nil {
		return cli.UsageError{Err: err}
	}
	return nil
}
