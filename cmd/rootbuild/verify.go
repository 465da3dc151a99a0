package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/trust"
	"github.com/spf13/cobra"
)

const verifyHelp = `verify says whether an image may be used, without pulling it: whether the policy
lets it through, or, with --key, whether all those keys signed it. The image is in
a registry (HOST/REPOSITORY:TAG, or by digest) or in a layout (oci:DIR,
oci-archive:FILE).

Standard output carries the reference with the digest that is vouched for. The
exit code is 1 if it is not.`

// verifyOptions are the flags of verify.
type verifyOptions struct {
	keys     []string
	policy   string
	registry registryOptions
}

func newVerify(s streams) *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify REF",
		Short: "say who vouches for an image",
		Long:  verifyHelp,
		Args:  exactly(1, "what to verify: rootbuild verify REF"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runVerify(cmd.Context(), args[0], o, s)
		},
	}
	cmd.Flags().StringArrayVar(&o.keys, "key", nil, "public key that has to have signed the image, in place of a policy; may be given again")
	cmd.Flags().StringVar(&o.policy, "policy", policyFile, "policy that says whose signatures an image needs")
	o.registry.addFlags(cmd)
	o.registry.addMirrors(cmd)
	return cmd
}

func runVerify(ctx context.Context, ref string, o verifyOptions, s streams) error {
	from, err := oci.ParseReference(ref)
	if err != nil {
		return usageError{err}
	}
	policy, err := o.load()
	if err != nil {
		return usageError{err}
	}
	options, err := o.registry.options()
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
	tell := func(what string, keys []string) {
		if len(keys) > 0 {
			fmt.Fprintf(s.err, "%s by %s\n", what, strings.Join(keys, ", "))
		}
	}
	tell("signed", verdict.Signed)
	tell("rebuilt", verdict.Rebuilt)
	fmt.Fprintf(s.err, "serial %d\n", verdict.Serial)
	_, err = fmt.Fprintln(s.out, from.At(verdict.Digest))
	return err
}

// load reads the policy, or makes one of the keys.
func (o verifyOptions) load() (trust.Policy, error) {
	if len(o.keys) == 0 {
		return trust.LoadPolicy(o.policy)
	}
	var keys []trust.PublicKey
	var errs []error
	for _, file := range o.keys {
		text, err := os.ReadFile(file)
		if err != nil {
			errs = append(errs, fmt.Errorf("reading --key: %w", err))
			continue
		}
		key, err := trust.ParsePublicKey(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("reading --key %s: %w", file, err))
		}
		key.Name = strings.TrimSuffix(filepath.Base(file), ".pub")
		keys = append(keys, key)
	}
	return trust.Policy{Name: "--key", Default: trust.Rule{Signatures: trust.Quorum{Need: len(keys), Of: keys}}}, errors.Join(errs...)
}
