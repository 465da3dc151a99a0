package flags

import (
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/trust"
)

// Transfer shows what f moves as one step, with a bar for each blob, in a display of
// its own.
func (o Registry) Transfer(name string, state State, s cli.Streams, f func(registry.Options) error) error {
	options, err := o.Options()
	if err != nil {
		return err
	}
	return state.Show(s, func(display *engine.Display) error {
		task := display.Task(name)
		options.Progress = func(t registry.Transfer) {
			if t.Note != "" {
				fmt.Fprintf(task, "%s: %s\n", t.Object, t.Note)
				return
			}
			task.Bar(t.Object, t.Done, t.Total)
		}
		err := f(options)
		task.Done(err)
		return err
	})
}

// Push sends an image, and returns its digest.
func (o Registry) Push(ctx context.Context, from, to oci.Reference, state State, s cli.Streams) (digest v1.Hash, err error) {
	err = o.Transfer("push "+to.String(), state, s, func(options registry.Options) error {
		digest, err = registry.Push(ctx, from, to, options)
		return err
	})
	return digest, err
}

// Pull brings an image into a layout, if the policy lets it through.
func (o Registry) Pull(ctx context.Context, to *oci.Layout, from oci.Reference, policy trust.Policy, state State, s cli.Streams) (pulled registry.Pulled, err error) {
	err = o.Transfer("pull "+from.String(), state, s, func(options registry.Options) error {
		pulled, err = registry.Pull(ctx, to, from, policy, options)
		return err
	})
	return pulled, err
}
