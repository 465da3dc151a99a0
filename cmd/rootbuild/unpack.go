package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
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

// unpack makes the image a node root and returns its tag.
func unpack(ctx context.Context, i image, o buildOptions, s streams) (tag string, err error) {
	store, err := openStore(o.nfsroot)
	if err != nil {
		return "", err
	}
	defer closing(store, &err)
	img, err := i.layout.Image(i.digest)
	if err != nil {
		return "", err
	}
	if err := o.trust.accept(store, i); err != nil {
		return "", err
	}
	root, err := store.Unpack(ctx, img, nfsroot.UnpackOptions{
		Tag: cmp.Or(o.tag, i.ref()), Target: i.target, Ref: i.reference(), MaxEntries: int(min(o.entries, math.MaxInt32)), Refuse: o.refuse,
		Link: o.link, Note: func(text string) { fmt.Fprintln(s.err, text) },
	})
	if err != nil {
		return "", err
	}
	fmt.Fprintf(s.err, "node root %s\n", store.Path(root.Tag))
	return root.Tag, nil
}

// switchTo makes current name a root.
func switchTo(ctx context.Context, tag string, o buildOptions, s streams) (err error) {
	store, err := openStore(o.nfsroot)
	if err != nil {
		return err
	}
	defer closing(store, &err)
	if err := store.Switch(ctx, tag); err != nil {
		return err
	}
	fmt.Fprintf(s.err, "current -> %s\n", tag)
	return nil
}

// deliver unpacks the image, has its root booted if that was asked for, and
// switches current to it.
func deliver(ctx context.Context, i image, o buildOptions, s streams) error {
	tag, err := unpack(ctx, i, o, s)
	if err != nil {
		return err
	}
	if o.check {
		if err := checkRoot(ctx, tag, o, s); err != nil {
			return err
		}
	}
	if o.noSwitch {
		return nil
	}
	return switchTo(ctx, tag, o, s)
}
