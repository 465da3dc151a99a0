package main

import (
	"context"
	"fmt"
)

// measureMemory pulls an image of as many files as one may have, and then one of
// which a layer differs. Each twenty files lie in a directory of their own.
func measureMemory(ctx context.Context, o options, i images) error {
	first, next, err := i.pushMany(ctx, o.files)
	if err != nil {
		return err
	}
	_, err = onFresh(ctx, o.dir, "12G", func(dir string) error {
		fmt.Printf("\nAn image of %d files:\n\n| command | MB of memory | CPU s | wall s |\n|---|---|---|---|\n", o.files)
		for _, c := range []struct{ name, ref string }{
			{"pull", first}, {"pull --link", next}, {"pull --tag again", next},
		} {
			s, err := measure(ctx, dir, fmt.Sprintf("%s %s --plain-http --no-switch --progress plain --state state --nfsroot roots %s", o.rootbuild, c.name, c.ref))
			if err != nil {
				return err
			}
			fmt.Printf("| rootbuild %s | %d | %.2f | %.2f |\n", c.name, s.memory/1_000_000, s.cpu.Seconds(), s.wall.Seconds())
		}
		return nil
	})
	return err
}
