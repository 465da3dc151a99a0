package sources

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rootbuild/rootbuild/builder/distfiles"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/state"
)

// A Kernel is a Debian package of one, for hosts that have none to boot with.
type Kernel struct {
	Version string // as its file and the directory of its modules are called
	Source  distfiles.Source
}

// DefaultKernel is that of Debian 13, for amd64.
var DefaultKernel = Kernel{
	Version: "6.12.117+deb13-amd64",
	Source: distfiles.Source{
		Name:   "linux-image-6.12.117+deb13-amd64_6.12.117-1_amd64.deb",
		SHA256: "ca712d36790184f6ac125ce2b20ea4e2202ae6bb7817b7de268f1f0115ccda73",
		Origins: []distfiles.Origin{
			{Apt: "pool/main/l/linux-signed-amd64/linux-image-6.12.117+deb13-amd64_6.12.117-1_amd64.deb"},
			{URL: "https://snapshot.debian.org/file/8d84a75c14dcaabe4a09e361972d5303721084aa"},
		},
	},
}

// Bring returns the file of a kernel and the directory of its modules, out of a state. The
// first time its package is fetched, as sources are, and unpacked; nothing of it is
// installed.
func (k Kernel) Bring(ctx context.Context, in *state.State, from From, display *engine.Display) (file, modules string, err error) {
	dir := filepath.Join(in.Dir(), "kernels", k.Version)
	file, modules = filepath.Join(dir, "vmlinuz-"+k.Version), filepath.Join(dir, "modules", k.Version)
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return file, modules, err
	}
	store, err := distfiles.Open(in.Distfiles())
	if err != nil {
		return "", "", err
	}
	if err := fetch(ctx, store, []distfiles.Source{k.Source}, from, nil, display); err != nil {
		return "", "", fmt.Errorf("fetching a kernel: %w", err)
	}
	if err := k.unpack(store, dir); err != nil {
		return "", "", fmt.Errorf("unpacking the kernel %s: %w", k.Source.Name, err)
	}
	return file, modules, nil
}

// HalfSuffix is of a directory of a kernel that is not whole.
const HalfSuffix = ".half"

// unpack makes the kernel's directory, whole or not at all.
func (k Kernel) unpack(store *distfiles.Store, dir string) error {
	// The lock says that what is there was left by a kill.
	half := dir + HalfSuffix
	if err := errors.Join(os.RemoveAll(half), os.MkdirAll(half, 0o700)); err != nil {
		return err
	}
	err := store.UnpackDeb(k.Source.SHA256, half, func(name string) string {
		if name == "boot/vmlinuz-"+k.Version {
			return "vmlinuz-" + k.Version
		}
		for _, lib := range []string{"usr/lib/", "lib/"} {
			if path, ok := strings.CutPrefix(name, lib+"modules/"+k.Version+"/"); ok {
				return "modules/" + k.Version + "/" + path
			}
		}
		return ""
	})
	if err == nil {
		_, err = os.Stat(filepath.Join(half, "vmlinuz-"+k.Version))
	}
	if err == nil {
		err = os.Rename(half, dir)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(half))
	}
	return nil
}
