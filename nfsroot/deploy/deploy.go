// Package deploy is the way from an image to what nodes boot: it asks whether the
// store may take the image, unpacks it as a node root, has the root booted if that is
// wanted, and makes current name it. It knows no flags and no terminal.
package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/rootbuild/rootbuild/nfsroot/boot"
	"github.com/rootbuild/rootbuild/nfsroot/unpack"
)

// Options say how an image becomes a root.
type Options struct {
	// Dir is the directory of node roots. It is created if it is not there.
	Dir string
	// Tag is the name of the root. The default is that of the image.
	Tag string
	// MaxEntries, MaxSize, Refuse, Labels and Link are those of nfsroot.UnpackOptions.
	MaxEntries int
	MaxSize    int64
	Refuse     unpack.Refusal
	Labels     unpack.Labels
	Link       bool
	// AllowOlder takes an image with a lower serial than one that was taken before.
	AllowOlder bool
	// Trial boots the root before current names it, and keeps current where a check
	// fails. Deploy sets what it boots. Nil boots nothing.
	Trial *boot.Trial
	// Booted is told what the checks of a boot found; it may be nil.
	Booted func(boot.Report) error
	// NoSwitch leaves current as it is.
	NoSwitch bool
	// Note is told what a person should know; it may be nil.
	Note func(string)
}

// CheckDir says before an hour of building, not after, that dir cannot hold node
// roots. That another process holds it is no obstacle yet.
func CheckDir(dir string) error { return nfsroot.Check(dir) }

func open(o Options) (*nfsroot.Store, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	return nfsroot.Open(dir, nfsroot.Options{Note: o.Note})
}

// Deploy unpacks the image, boots its root if there is a trial, and makes current
// name it. It returns the root's tag. A root that fails its checks stays under its
// tag, to be looked at.
func (i Image) Deploy(ctx context.Context, o Options) (string, error) {
	if o.Note == nil {
		o.Note = func(string) {}
	}
	tag, err := i.unpack(ctx, o)
	if err != nil {
		return "", err
	}
	if o.Trial != nil {
		if err := i.try(ctx, tag, o); err != nil {
			return tag, err
		}
	}
	if o.NoSwitch {
		return tag, nil
	}
	return tag, switchTo(ctx, tag, o)
}

// unpack makes the image a node root and returns its tag.
func (i Image) unpack(ctx context.Context, o Options) (tag string, err error) {
	store, err := open(o)
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, store.Abandon())
			return
		}
		err = store.Close()
	}()
	img, err := i.Layout.Image(i.Digest)
	if err != nil {
		return "", err
	}
	if err := i.accept(store, o.AllowOlder); err != nil {
		return "", err
	}
	root, err := store.Unpack(ctx, img, nfsroot.UnpackOptions{
		Tag: cmp.Or(o.Tag, i.Tag()), Target: i.Target, Ref: i.Reference(),
		MaxEntries: o.MaxEntries, MaxSize: o.MaxSize, Refuse: o.Refuse, Labels: o.Labels, Link: o.Link, Note: o.Note,
	})
	if err != nil {
		return "", err
	}
	o.Note("node root " + store.Path(root.Tag))
	return root.Tag, nil
}

// accept refuses an image that is older than what the store had of its line.
func (i Image) accept(store *nfsroot.Store, older bool) error {
	if len(i.Verdict.Signed)+len(i.Verdict.Rebuilt) == 0 {
		return nil
	}
	err := store.Accept(i.Verdict.Repository+" "+i.Target, i.Verdict.Serial, older)
	var refused *nfsroot.OlderError
	if errors.As(err, &refused) {
		return fmt.Errorf("%s: %w; to take it, use --allow-older", i.Reference(), err)
	}
	return err
}

// try boots a root that current does not name yet.
func (i Image) try(ctx context.Context, tag string, o Options) error {
	view, err := nfsroot.OpenReadOnly(o.Dir)
	if err != nil {
		return err
	}
	trial := *o.Trial
	trial.Tag, trial.Image, trial.Root, trial.Export = tag, i.Digest.String(), view.Path(tag), view.Dir()
	report, err := trial.Run(ctx)
	if err != nil {
		return fmt.Errorf("booting %s: %w; current is unchanged", tag, err)
	}
	if o.Booted != nil {
		if err := o.Booted(report); err != nil {
			return err
		}
	}
	if err := report.Err(tag); err != nil {
		return fmt.Errorf("%w; the root stays in %s for inspection, current is unchanged", err, trial.Root)
	}
	return nil
}

// switchTo makes current name a root.
func switchTo(ctx context.Context, tag string, o Options) (err error) {
	store, err := open(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := store.Switch(ctx, tag); err != nil {
		return err
	}
	o.Note("current -> " + tag)
	return nil
}
