package main

import (
	"context"
	"fmt"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/trust"
	"github.com/spf13/cobra"
)

type verifyVerb struct {
	keys     []string
	policy   string
	registry flags.Registry
}

func (v *verifyVerb) AddFlags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&v.keys, "key", nil, "`file` with a public key that has to have signed the image, in place of a policy; may be given again")
	cmd.Flags().StringVar(&v.policy, "policy", flags.PolicyFile, "`file` with the policy that says whose signatures an image needs")
	v.registry.AddFlags(cmd)
	v.registry.AddMirrors(cmd)
}

func (v *verifyVerb) Run(ctx context.Context, args []string, s cli.Streams) error {
	from, err := oci.ParseReference(args[0])
	if err != nil {
		return cli.UsageError{Err: err}
	}
	policy, err := v.load()
	if err != nil {
		return cli.UsageError{Err: err}
	}
	options, err := v.registry.Options()
	if err != nil {
		return err
	}
	verdict, err := registry.Verify(ctx, from, policy, options)
	if err != nil {
		return err
	}
	if len(verdict.Signed)+len(verdict.Rebuilt) == 0 {
		return fmt.Errorf("%s: policy %s takes it unsigned, and nobody vouches for it", from, policy.Name)
	}
	verdict.WriteText(s.Err)
	_, err = fmt.Fprintln(s.Out, from.At(verdict.Digest))
	return err
}

// load reads the policy, or makes one of the keys.
func (v *verifyVerb) load() (trust.Policy, error) {
	if len(v.keys) == 0 {
		return trust.LoadPolicy(v.policy)
	}
	return trust.PolicyOfKeys("--key", v.keys)
}
