package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/rootbuild/rootbuild/nfsroot"
)

// measureStore times the commands that look through a store with many roots,
// as whole processes.
func measureStore(ctx context.Context, o options, i images) error {
	_, err := onFresh(ctx, o.dir, "4G", func(dir string) error {
		if err := fill(ctx, filepath.Join(dir, "roots"), o.roots, i); err != nil {
			return err
		}
		fmt.Printf("\nA store of %d roots, each of them current once, the median of 11:\n\n| command | CPU s | wall s |\n|---|---|---|\n", o.roots)
		for _, verb := range []string{"ls", "gc --keep 3 --grace 0s"} {
			var samples []sample
			for range 11 {
				s, err := measure(ctx, dir, o.rootbuild+" "+verb+" --nfsroot roots >/dev/null")
				if err != nil {
					return err
				}
				samples = append(samples, s)
			}
			m := median(samples)
			fmt.Printf("| rootbuild %s | %.2f | %.2f |\n", verb, m.cpu.Seconds(), m.wall.Seconds())
		}
		return nil
	})
	return err
}

// fill makes a store of small roots.
func fill(ctx context.Context, dir string, count int, i images) (err error) {
	s, err := nfsroot.Open(dir, nfsroot.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	img, err := i.layout.Image(i.tinyHash)
	if err != nil {
		return err
	}
	start := time.Now()
	for n := range count {
		tag := fmt.Sprintf("r%04d", n)
		if _, err := s.Unpack(ctx, img, nfsroot.UnpackOptions{Tag: tag, Target: fmt.Sprintf("t%d", n%10)}); err != nil {
			return err
		}
		if err := s.Switch(ctx, tag); err != nil {
			return err
		}
	}
	fmt.Fprintf(os.Stderr, "bench: %d roots were made and switched to in %s\n", count, time.Since(start).Round(time.Second))
	return nil
}
