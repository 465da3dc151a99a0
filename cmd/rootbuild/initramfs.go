package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/renameio/v2"
	"github.com/rootbuild/rootbuild/images/cpio"
	"github.com/rootbuild/rootbuild/images/cpio/kmod"
	"github.com/spf13/cobra"
)

// initramfsOptions are the flags of rootbuild initramfs.
type initramfsOptions struct {
	build         buildOptions // of which it has those that make an image
	kernelModules string
	modules       []string
	output        string
}

const initramfsHelp = `Builds the target initramfs, if it is not built yet, and writes its files and
the modules of a kernel as the archive that the kernel boots with.

A kernel with the network driver and NFS built in needs no modules. Standard
output carries the archive's sha256 and path, as sha256sum does.`

func newInitramfs(s streams) *cobra.Command {
	var o initramfsOptions
	cmd := &cobra.Command{
		Use:   "initramfs",
		Short: "write the initramfs that mounts a node's root",
		Long:  initramfsHelp,
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runInitramfs(cmd.Context(), o, s)
		},
	}
	o.addFlags(cmd)
	return cmd
}

func (o *initramfsOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	addTarget(cmd, &o.build.target)
	o.build.target, f.Lookup("target").DefValue = initramfsTarget, initramfsTarget
	f.StringVar(&o.kernelModules, "kernel-modules", "", "directory of the kernel's modules, such as /lib/modules/VERSION")
	f.StringArrayVar(&o.modules, "module", nil, "one more module, or a pattern such as 'drivers/net/usb/*'; may be given again")
	f.StringVar(&o.output, "output", "initramfs.cpio.zst", "file to write; it ends in .cpio, .cpio.gz or .cpio.zst")
	addBase(cmd, &o.build.base)
	f.StringVar(&o.build.runc, "runc", "", "runc program (default: the one beside rootbuild, else in PATH)")
	f.IntVar(&o.build.steps, "steps", 0, "steps that run at once (default: as many as there are cores)")
	o.build.fetch.addFlags(cmd)
	o.build.state.addFlags(cmd)
	o.build.state.addProgress(cmd)
}

// initramfsTarget is the embedded target that an initramfs is made of.
const initramfsTarget = "initramfs"

func runInitramfs(ctx context.Context, o initramfsOptions, s streams) error {
	sum, err := makeInitramfs(ctx, o, s)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s  %s\n", sum, o.output)
	return err
}

// makeInitramfs writes the initramfs to o.output and returns its sha256.
func makeInitramfs(ctx context.Context, o initramfsOptions, s streams) (string, error) {
	graph, err := loadGraph(o.build.target)
	if err != nil {
		return "", err
	}
	if _, err := o.build.parse(); err != nil {
		return "", err
	}
	modules, err := o.selectModules(s)
	if err != nil {
		return "", usageError{err}
	}
	image, err := buildImage(ctx, graph, o.build, s)
	if err != nil {
		return "", err
	}
	img, err := image.layout.Image(image.digest)
	if err != nil {
		return "", err
	}
	tree, err := cpio.FromImage(img)
	if err != nil {
		return "", err
	}
	if err := modules.AddTo(tree); err != nil {
		return "", err
	}
	return writeArchive(o.output, tree, graph.Target.Epoch)
}

// selectModules picks the modules before anything is built: what is wrong with
// them is wrong with the command line.
func (o initramfsOptions) selectModules(s streams) (kmod.Set, error) {
	if _, err := cpio.Compress(io.Discard, o.output); err != nil {
		return kmod.Set{}, err
	}
	switch {
	case o.kernelModules != "":
	case len(o.modules) > 0:
		return kmod.Set{}, errors.New("--module needs --kernel-modules, the directory that it is in")
	default:
		return kmod.Set{}, nil
	}
	dir, err := kmod.Open(o.kernelModules)
	if err != nil {
		return kmod.Set{}, err
	}
	set, err := dir.Select(o.modules)
	if err != nil {
		return kmod.Set{}, err
	}
	fmt.Fprintf(s.err, "%d modules of kernel %s, %.1f MiB\n", set.Len(), dir.Release, float64(set.Size())/(1<<20))
	return set, nil
}

// writeArchive replaces a file by an archive, whole or not at all.
func writeArchive(file string, tree cpio.Tree, epoch time.Time) (_ string, err error) {
	out, err := renameio.NewPendingFile(file, renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return "", fmt.Errorf("writing %s: %w", file, err)
	}
	defer func() { err = errors.Join(err, out.Cleanup()) }()
	sum := sha256.New()
	packed, err := cpio.Compress(io.MultiWriter(out, sum), file)
	if err != nil {
		return "", err
	}
	if err := errors.Join(tree.Write(packed, epoch), packed.Close()); err != nil {
		return "", fmt.Errorf("writing %s: %w", file, err)
	}
	if err := out.CloseAtomicallyReplace(); err != nil {
		return "", fmt.Errorf("writing %s: %w", file, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
