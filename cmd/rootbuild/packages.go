package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/trust"
)

// packagesFile names the places that are asked where --packages names none.
const packagesFile = "/etc/rootbuild/packages.yaml"

// packageOptions say where packages are taken from.
type packageOptions struct {
	from   []string
	policy string
}

func (o *packageOptions) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&o.from, "packages", nil, "take what need not be built from this `place`: HOST/REPOSITORY, oci:DIR or oci-archive:FILE; may be given again (default: those in "+packagesFile+", where it is there)")
	o.addPolicy(cmd)
}

func (o *packageOptions) addPolicy(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.policy, "package-policy", "", "`file` with the policy that says whose packages are taken (default "+policyFile+")")
}

// places are those that packages are taken from, by the policy for them.
func (o packageOptions) places(registry registryOptions) ([]packages.Place, error) {
	refs, err := o.refs()
	if err != nil || len(refs) == 0 {
		return nil, err
	}
	policy, err := o.load()
	if err != nil {
		return nil, err
	}
	return placesBy(policy, refs, registry)
}

func placesBy(policy trust.Policy, refs []oci.Reference, registry registryOptions) ([]packages.Place, error) {
	options, err := registry.options()
	if err != nil {
		return nil, err
	}
	var list []packages.Place
	for _, ref := range refs {
		list = append(list, packages.Place{Ref: ref, Policy: policy, Registry: options})
	}
	return list, nil
}

// refs are the places of the flags, else those of the file.
func (o packageOptions) refs() ([]oci.Reference, error) {
	from := o.from
	if len(from) == 0 {
		var err error
		if from, err = packages.LoadPlaces(packagesFile); err != nil {
			return nil, cli.UsageError{Err: err}
		}
	}
	var list []oci.Reference
	var errs []error
	for _, text := range from {
		ref, err := packages.ParsePlace(text)
		list, errs = append(list, ref), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, cli.UsageErrorf("--packages: %w", err)
	}
	return list, nil
}

// load reads whose packages are taken. Nobody's are, where no policy says so.
func (o packageOptions) load() (trust.Policy, error) {
	file := o.policy
	if file == "" {
		found, err := trust.HasPolicy(policyFile)
		if err != nil {
			return trust.Policy{}, cli.UsageError{Err: err}
		}
		if !found {
			return trust.Policy{}, cli.UsageErrorf("packages are code that every node runs: say whose are taken, with `packages: {signatures: {of: [KEY]}}` in %s, or name another policy with --package-policy", policyFile)
		}
		file = policyFile
	}
	p, err := loadPolicy(file)
	return p.ForPackages(), err
}

// publish is where what is built goes, nil if nowhere.
func (o buildOptions) publish(key *trust.PrivateKey) (*builder.Publish, error) {
	if o.pushPackages == "" {
		return nil, nil
	}
	ref, err := packages.ParsePlace(o.pushPackages)
	if err != nil {
		return nil, cli.UsageErrorf("--push-packages: %w", err)
	}
	options, err := o.make.registry.options()
	return &builder.Publish{Place: packages.Place{Ref: ref, Registry: options}, Key: key}, err
}
