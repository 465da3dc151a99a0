package pack

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/images/leaks"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
)

// CheckLeaks refuses packages that hold something of the surroundings in which
// they were built, unless their recipes allow it. There is a layer for each
// package of the graph.
func CheckLeaks(s *state.State, layout *oci.Layout, graph stages.Graph, layers []oci.Layer) error {
	var errs []error
	for i, name := range graph.Contents() {
		found, err := leaksOf(s, layout, layers[i], graph.Target.Epoch)
		if err != nil {
			return err
		}
		recipe := graph.Recipe(name)
		for _, l := range found {
			if !recipe.Allows(l) {
				errs = append(errs, fmt.Errorf("%s: package %s brings /%s, which holds %s: %s; mend what puts it there, or allow it in the recipe with `allow_leaks: [{path: %s, kind: %s, reason: ...}]`",
					recipe.At(), name, l.Path, leaked[l.Kind], l.What, l.Path, l.Kind))
			}
		}
	}
	return errors.Join(errs...)
}

// leaked says what a kind of leak is, for the person who has to mend it.
var leaked = map[leaks.Kind]string{
	leaks.BuildPath: "a path of its build",
	leaks.Base:      "something of the base",
	leaks.Date:      "the day of its build",
	leaks.Host:      "the name of the build host",
	leaks.Kernel:    "the build host's kernel release",
	leaks.RunPath:   "a run path that it does not need",
	leaks.Times:     "a time that is not the epoch",
	leaks.Libtool:   "paths of its build",
	leaks.Cache:     "times and inode numbers",
}

// leaksOf returns those of a layer. A layer is looked through once, right after it
// was built: later its build's day is not known.
func leaksOf(s *state.State, layout *oci.Layout, layer oci.Layer, epoch time.Time) ([]leaks.Leak, error) {
	var found []leaks.Leak
	known, err := s.Kept(state.KindLeaks, layer.Digest.String(), &found)
	if known || err != nil {
		return found, err
	}
	if found, err = findLeaks(layout, layer, epoch); err != nil {
		return nil, fmt.Errorf("looking for leaks in layer %s: %w", layer.Digest, err)
	}
	return found, s.Keep(state.KindLeaks, layer.Digest.String(), found)
}

func findLeaks(layout *oci.Layout, layer oci.Layer, epoch time.Time) (_ []leaks.Leak, err error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	var kernel unix.Utsname
	if err := unix.Uname(&kernel); err != nil {
		return nil, fmt.Errorf("asking for the kernel's release: %w", err)
	}
	r, err := layout.OpenLayer(layer)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	found, err := leaks.Find(r, leaks.Surroundings{
		Dirs: stages.StepDirs(), Host: host, Kernel: unix.ByteSliceToString(kernel.Release[:]),
		Now: time.Now(), Epoch: epoch,
	})
	if err != nil {
		return nil, err
	}
	// The layer's digest is checked at its end.
	_, err = io.Copy(io.Discard, r)
	return found, err
}
