// Command bench compares rootbuild pull with other ways from an image in a
// registry to a directory on disk, side by side, and measures a store of a
// thousand roots. It prints tables as docs/measurements.md has them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"github.com/rootbuild/rootbuild/images/registry/registrytest"
)

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "runs of each chain, of which the median counts")
	flag.StringVar(&o.dir, "dir", os.TempDir(), "where to work; it takes 8 GB there")
	flag.StringVar(&o.rootbuild, "rootbuild", "", "the program to measure (default: built from this tree)")
	flag.StringVar(&o.only, "only", "", "one chain alone, by the beginning of its name")
	flag.StringVar(&o.images, "images", "", "layout with an image that was built here (default: that of the state directory)")
	flag.StringVar(&o.built, "built", "uclibc", "its name; empty for none")
	flag.IntVar(&o.files, "files", 238_000, "files of the image of which the memory of a pull is measured; 0 for none")
	flag.IntVar(&o.roots, "roots", 1000, "roots of the store that is listed; 0 for none")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	rounds    int
	dir       string
	rootbuild string
	only      string
	images    string
	built     string
	files     int
	roots     int
}

func run(ctx context.Context, o options) (err error) {
	o.dir, err = os.MkdirTemp(o.dir, "rootbuild-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.dir)) }()
	if o.rootbuild == "" {
		o.rootbuild = filepath.Join(o.dir, "rootbuild")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", o.rootbuild, "./cmd/rootbuild")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("building rootbuild: %w", err)
		}
	}
	registry, stop, err := registrytest.Start(filepath.Join(o.dir, "registry"), "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	images, err := makeImages(ctx, filepath.Join(o.dir, "images"), registry)
	if err != nil {
		return fmt.Errorf("making the images: %w", err)
	}
	if err := compare(ctx, o, images.pair); err != nil {
		return err
	}
	if err := compareBuilt(ctx, o, registry); err != nil {
		return err
	}
	if o.files > 0 {
		if err := measureMemory(ctx, o, images); err != nil {
			return err
		}
	}
	if o.roots == 0 {
		return nil
	}
	return measureStore(ctx, o, images)
}

// compareBuilt compares the ways of an image that users have.
func compareBuilt(ctx context.Context, o options, registry string) error {
	if o.built == "" {
		return nil
	}
	if o.images == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return err
		}
		o.images = filepath.Join(cache, "rootbuild", "images")
	}
	p, err := pushBuilt(ctx, o.images, o.built, registry)
	if err != nil {
		return err
	}
	fmt.Println()
	return compare(ctx, o, p)
}
