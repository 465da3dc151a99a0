package main

import (
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rootbuild/rootbuild/images/registry/registrytest"
)

// scriptRegistry is "registry": it starts the registry of the distribution
// project on loopback until the script ends, pushes the base there, and sets
// REGISTRY to its address and REGISTRY_BASE to the base's reference.
func scriptRegistry(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: registry")
	}
	address, stop, err := registrytest.Start(ts.MkAbs("."), "")
	ts.Check(err)
	ts.Defer(func() { ts.Check(stop()) })
	ref, err := pushBase(address, strings.TrimPrefix(ts.Getenv("BASE"), "oci:"))
	ts.Check(err)
	ts.Setenv("REGISTRY", address)
	ts.Setenv("REGISTRY_BASE", ref)
}

// pushBase pushes the only image of a layout and returns its reference by digest.
func pushBase(address, dir string) (string, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return "", err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return "", err
	}
	img, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		return "", err
	}
	ref, err := name.NewDigest(address + "/tools/base@" + manifest.Manifests[0].Digest.String())
	if err != nil {
		return "", err
	}
	return ref.String(), remote.Write(ref, img)
}
