package flags

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/trust"
)

// PackagesFile names the places that are asked where --packages names none.
const PackagesFile = "/etc/rootbuild/packages.yaml"

// Packages says where packages are taken from, and whose.
type Packages struct {
	From   []string // places: HOST/REPOSITORY, oci:DIR or oci-archive:FILE
	policy string
}

// AddFlags adds the flags of every verb that may take packages.
func (o *Packages) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&o.From, "packages", nil, "take what need not be built from this `place`: HOST/REPOSITORY, oci:DIR or oci-archive:FILE; may be given again (default: those in "+PackagesFile+", where it is there)")
	o.AddPolicy(cmd)
}

// AddPolicy adds the flag of the policy alone.
func (o *Packages) AddPolicy(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.policy, "package-policy", "", "`file` with the policy that says whose packages are taken (default "+PolicyFile+")")
}

// Places returns the places that packages are taken from, by the policy for them; none
// where none are named.
func (o Packages) Places(registry Registry) ([]packages.Place, error) {
	refs, err := o.refs()
	if err != nil || len(refs) == 0 {
		return nil, err
	}
	file, err := o.policyFile()
	if err != nil {
		return nil, err
	}
	if file == "" {
		return nil, cli.UsageErrorf("packages are code that every node runs: say whose are taken, with `packages: {signatures: {of: [KEY]}}` in %s, or name another policy with --package-policy", PolicyFile)
	}
	return placesBy(file, refs, registry)
}

// ToList returns the places to list the packages of, and whether there is a policy that
// judges them. Nobody is asked where there is none.
func (o Packages) ToList(registry Registry) (places []packages.Place, judged bool, err error) {
	refs, err := o.refs()
	if err != nil || len(refs) == 0 {
		return nil, false, err
	}
	file, err := o.policyFile()
	if err != nil {
		return nil, false, err
	}
	places, err = placesBy(file, refs, registry)
	return places, file != "", err
}

// placesBy returns places with the policy of a file, or without one.
func placesBy(file string, refs []oci.Reference, registry Registry) ([]packages.Place, error) {
	var policy trust.Policy
	if file != "" {
		p, err := loadPolicy(file)
		if err != nil {
			return nil, err
		}
		policy = p.ForPackages()
	}
	options, err := registry.Options()
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
func (o Packages) refs() ([]oci.Reference, error) {
	from := o.From
	if len(from) == 0 {
		var err error
		if from, err = packages.LoadPlaces(PackagesFile); err != nil {
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

// policyFile is the one of the flag, else the one that is there; "" for none.
func (o Packages) policyFile() (string, error) {
	if o.policy != "" {
		return o.policy, nil
	}
	found, err := trust.HasPolicy(PolicyFile)
	if err != nil {
		return "", cli.UsageError{Err: err}
	}
	if !found {
		return "", nil
	}
	return PolicyFile, nil
}
