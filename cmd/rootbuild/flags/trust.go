package flags

import (
	"fmt"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/trust"
	"github.com/spf13/cobra"
)

// PolicyFile is the policy that is read where no other is named.
const PolicyFile = "/etc/rootbuild/policy.yaml"

// Trust says which images are taken.
type Trust struct {
	policy   string
	noVerify bool
}

// AddFlags adds the flags of a verb that takes images of others.
func (o *Trust) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.policy, "policy", "", "`file` with the policy that says whose signatures an image needs (default "+PolicyFile+", where it is there)")
	f.BoolVar(&o.noVerify, "insecure-no-verify", false, "take the image whoever made it")
}

// Policy returns the policy for an image, and warns where it lets everything through.
func (o Trust) Policy(from oci.Reference, s cli.Streams) (trust.Policy, error) {
	if o.noVerify {
		if o.policy != "" {
			return trust.Policy{}, cli.UsageErrorf("--policy and --insecure-no-verify: want one of them")
		}
		fmt.Fprintf(s.Err, "WARNING: --insecure-no-verify: NO SIGNATURE IS CHECKED. Whoever can write to %s decides what nodes run as root.\n", from)
		return trust.Unverified, nil
	}
	if o.policy != "" {
		return loadPolicy(o.policy)
	}
	found, err := trust.HasPolicy(PolicyFile)
	if err != nil {
		return trust.Policy{}, cli.UsageError{Err: err}
	}
	if found {
		return loadPolicy(PolicyFile)
	}
	if !from.Pinned() {
		fmt.Fprintf(s.Err, "warning: nobody vouches for %s: there is no %s, and no digest was asked for\n", from, PolicyFile)
	}
	return trust.Unverified, nil
}

func loadPolicy(file string) (trust.Policy, error) {
	p, err := trust.LoadPolicy(file)
	if err != nil {
		return p, cli.UsageError{Err: err}
	}
	return p, nil
}
