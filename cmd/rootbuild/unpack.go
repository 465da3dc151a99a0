package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/rootbuild/rootbuild/nfsroot/lockfile"
)

// checkStore says before an hour of building, not after, that dir cannot hold
// node roots. That another process holds it is no obstacle yet.
func checkStore(dir string) error {
	store, err := openStore(dir)
	var held *lockfile.HeldError
	if errors.As(err, &held) {
		return nil
	}
	if err != nil {
		return err
	}
	return store.Close()
}

func openStore(dir string) (*nfsroot.Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	return nfsroot.Open(dir, nfsroot.Options{})
}

// unpack makes the image a node root and switches current to it.
func unpack(ctx context.Context, i image, o buildOptions, s streams) (err error) {
	store, err := openStore(o.nfsroot)
	if err != nil {
		return err
	}
	defer closing(store, &err)
	img, err := i.layout.Image(i.digest)
	if err != nil {
		return err
	}
	tag := o.tag
	if tag == "" {
		tag = i.ref()
	}
	root, err := store.Unpack(ctx, img, nfsroot.UnpackOptions{Tag: tag, Target: i.target, Ref: i.reference()})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.err, "node root %s\n", store.Path(root.Tag))
	if o.noSwitch {
		return nil
	}
	if err := store.Switch(ctx, root.Tag); err != nil {
		return err
	}
	fmt.Fprintf(s.err, "current -> %s\n", root.Tag)
	return nil
}
