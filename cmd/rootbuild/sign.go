package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder/provenance"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/trust"
)

type signVerb struct {
	key        string
	repository string
	serial     uint64
	provenance string // file
	image      flags.Image
	registry   flags.Registry
}

func (v *signVerb) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&v.key, "key", "", "`file` with the private key, as rootbuild keygen and cosign write it")
	f.StringVar(&v.repository, "for", "", "repository that the image is meant for, `HOST/REPOSITORY`")
	f.Uint64Var(&v.serial, "serial", 0, "serial `number` of the image (default: the time, in seconds since 1970)")
	f.StringVar(&v.provenance, "provenance", "", "`file` with the provenance to sign, as rootbuild sbom --provenance prints it (default: what the state directory built)")
	v.image.AddFlags(cmd)
	v.registry.AddFlags(cmd)
}

func (v *signVerb) Run(ctx context.Context, args []string, s cli.Streams) error {
	what := args[0]
	if v.key == "" {
		return cli.UsageErrorf("--key is missing: the private key to sign with (see rootbuild keygen)")
	}
	if oci.IsLocal(what) && !strings.HasPrefix(what, "oci:") {
		return cli.UsageErrorf("%s: an archive is not written to: sign the image before it is exported, or its layout", what)
	}
	if err := flags.CheckFor(v.repository); err != nil {
		return err
	}
	key, err := flags.ReadPrivateKey(v.key)
	if err != nil {
		return err
	}
	ref, err := oci.ParseReference(what)
	if err != nil || !ref.Registry() {
		if ref, err = v.image.Find(what); err != nil {
			return err
		}
	}
	h, err := v.sign(ctx, what, ref, key, s)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.Out, ref.At(h))
	return err
}

// sign signs an image where it is. It holds the state directory while it signs there.
func (v *signVerb) sign(ctx context.Context, what string, ref oci.Reference, key *trust.PrivateKey, s cli.Streams) (_ v1.Hash, err error) {
	options, err := v.registry.Options()
	if err != nil {
		return v1.Hash{}, err
	}
	if !ref.Registry() && ref.Dir() == v.image.State.Images() {
		in, err := v.image.State.Open("sign " + what)
		if err != nil {
			return v1.Hash{}, err
		}
		defer cli.Closing(in, &err)
	}
	told := provenance.Of(v.image.State.Dir)
	if v.provenance != "" {
		told = func(v1.Hash) ([]byte, error) { return os.ReadFile(v.provenance) }
	}
	h, err := registry.Sign(ctx, ref, trust.SignOptions{
		Key: key, Repository: v.repository, Serial: cmp.Or(v.serial, uint64(time.Now().Unix())), Provenance: told,
	}, options)
	if err != nil {
		return h, err
	}
	if signed, err := told(h); signed != nil || err != nil {
		return h, err
	}
	list, err := registry.Attachments(ctx, ref, h, provenance.Type, options)
	if slices.ContainsFunc(list, func(a oci.Attachment) bool { return trust.IsProvenance(a, h) }) {
		fmt.Fprintf(s.Err, "its provenance is not signed, for %s did not build it: read it with rootbuild sbom --provenance, and sign it with --provenance FILE\n", v.image.State.Dir)
	}
	return h, err
}
