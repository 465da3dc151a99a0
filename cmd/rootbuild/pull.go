package main

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/spf13/cobra"
)

const pullHelp = `pull brings an image from a registry (HOST/REPOSITORY:TAG, or by digest), or from
a layout (oci:DIR, oci-archive:FILE), into the state directory, unpacks it as a
node root and switches "current" to it. Only what is missing moves, each byte is
checked, and a pull that broke off goes on where it was. Credentials are those
of docker login.`

// pullOptions are the flags of pull.
type pullOptions struct {
	registry registryOptions
	build    buildOptions // of which it has those that make an image a root
}

func newPull(s streams) *cobra.Command {
	var o pullOptions
	cmd := &cobra.Command{
		Use:   "pull REF",
		Short: "bring an image from a registry, unpack it and switch to it",
		Long:  pullHelp,
		Args:  exactly(1, "what to pull: rootbuild pull REF"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runPull(cmd.Context(), args[0], o, s)
		},
	}
	o.build.addDelivery(cmd)
	o.registry.addFlags(cmd)
	o.registry.addMirrors(cmd)
	o.build.trust.addFlags(cmd)
	o.build.addMake(cmd)
	cmd.Flags().BoolVar(&o.build.refuse.Devices, "no-devices", false, "refuse an image with device nodes")
	cmd.Flags().BoolVar(&o.build.refuse.Setuid, "no-setuid", false, "refuse an image with setuid or setgid files, or files with capabilities")
	return cmd
}

// entryMemory is what a pull may take in memory for each entry that the image may
// have, before its garbage is collected more often.
const entryMemory = 330

func runPull(ctx context.Context, ref string, o pullOptions, s streams) error {
	if err := o.build.state.check(); err != nil {
		return err
	}
	debug.SetMemoryLimit(entryMemory * int64(min(max(o.build.entries, nfsroot.DefaultMaxEntries), math.MaxInt32)))
	from, err := oci.ParseReference(ref)
	if err != nil {
		return usageError{err}
	}
	if o.build.check {
		if err := o.build.checkBoot(); err != nil {
			return err
		}
	}
	if err := checkStore(o.build.nfsroot); err != nil {
		return err
	}
	policy, err := o.build.trust.load(from, s)
	if err != nil {
		return err
	}
	image, err := pullImage(ctx, from, policy, o, s)
	if err != nil {
		return err
	}
	if err := deliver(ctx, image, o.build, s); err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, image.reference())
	return err
}

// pullImage holds the state directory while the image comes.
func pullImage(ctx context.Context, from oci.Reference, policy oci.Policy, o pullOptions, s streams) (_ image, err error) {
	options, err := o.registry.options()
	if err != nil {
		return image{}, err
	}
	state, err := o.build.state.open("pull " + from.String())
	if err != nil {
		return image{}, err
	}
	defer closing(state, &err)
	layout, err := oci.OpenLayout(state.Images())
	if err != nil {
		return image{}, err
	}
	pulled, err := transfer(ctx, layout, from, policy, options, o.build.state, s)
	if err != nil {
		return image{}, err
	}
	fmt.Fprintf(s.err, "%d blobs moved, %.1f MiB; the image has %.1f MiB\n",
		pulled.Blobs, float64(pulled.Bytes)/(1<<20), float64(pulled.Size)/(1<<20))
	if signed := pulled.Verdict.Signed; len(signed) > 0 {
		fmt.Fprintf(s.err, "signed by %s\n", strings.Join(signed, ", "))
	}
	return image{target: targetOf(pulled.Title), layout: layout, digest: pulled.Digest, from: from.At(pulled.Digest), verdict: pulled.Verdict}, nil
}

func transfer(ctx context.Context, l *oci.Layout, from oci.Reference, policy oci.Policy, options oci.RegistryOptions, so stateOptions, s streams) (_ oci.Pulled, err error) {
	display, err := so.display(s)
	if err != nil {
		return oci.Pulled{}, err
	}
	defer closing(display, &err)
	progress := newTransferProgress(display, "pull "+from.String())
	options.Progress = progress.show
	pulled, err := l.Pull(ctx, from, policy, options)
	progress.done(err)
	return pulled, err
}

var targetName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$`)

// targetOf returns the target that an image says it was built from, if that can
// be part of a root's name.
func targetOf(title string) string {
	if !targetName.MatchString(title) {
		return "image"
	}
	return title
}
