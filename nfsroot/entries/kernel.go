package entries

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// Kernel is the kernel that a node root brings.
type Kernel struct {
	Version   string // as in vmlinuz-VERSION
	Path      string // in the root
	Initramfs string // in the root
	Size      int64  // of the initramfs, in bytes
}

// ErrNoKernel is wrapped by the error about a root without a kernel.
var ErrNoKernel = errors.New("the root brings no kernel")

// maxInitramfs is how many bytes an initramfs may have: below 2 GiB, where loaders
// of BIOS machines put it, there has to be room for what it unpacks to.
const maxInitramfs = 1 << 30

// largeForTFTP is how many bytes a server of TFTP can send that does not start again
// at block 0 after block 65535, in the blocks that fit into a frame of Ethernet.
const largeForTFTP = 65535 * 1408

// Warning tells what may go wrong with the kernel on some loaders, or is empty.
func (k Kernel) Warning() string {
	if k.Size <= largeForTFTP {
		return ""
	}
	return fmt.Sprintf("%s has %d MiB: some TFTP servers and loaders end at %d; HTTP does not", k.Initramfs, k.Size>>20, largeForTFTP>>20)
}

// FindKernel finds the kernel of the node root in dir. It wants exactly one
// boot/vmlinuz-VERSION with boot/initramfs-VERSION.cpio.zst, and modules of that
// version, if there are any.
func FindKernel(dir string) (_ Kernel, err error) {
	root, err := safeopen.Root(dir)
	if err != nil {
		return Kernel{}, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	version, err := kernelVersion(root)
	if err != nil {
		return Kernel{}, err
	}
	k := Kernel{Version: version, Path: "boot/vmlinuz-" + version, Initramfs: "boot/initramfs-" + version + ".cpio.zst"}
	if _, err := regularSize(root, k.Path); err != nil {
		return Kernel{}, err
	}
	if k.Size, err = regularSize(root, k.Initramfs); errors.Is(err, fs.ErrNotExist) {
		return Kernel{}, fmt.Errorf("/%s has no initramfs beside it: want /%s", k.Path, k.Initramfs)
	} else if err != nil {
		return Kernel{}, err
	}
	if k.Size > maxInitramfs {
		return Kernel{}, fmt.Errorf("/%s has %d MiB, and boot loaders take %d at most", k.Initramfs, k.Size>>20, maxInitramfs>>20)
	}
	return k, checkModules(root, version)
}

// kernelVersion returns that of the only kernel.
func kernelVersion(root *os.Root) (string, error) {
	entries, err := safeopen.ReadDirIn(root, "boot")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("listing /boot of the root: %w", err)
	}
	var versions []string
	for _, e := range entries {
		if v, ok := strings.CutPrefix(e.Name(), "vmlinuz-"); ok && v != "" {
			versions = append(versions, v)
		}
	}
	switch len(versions) {
	case 1:
		if !wordPattern.MatchString(versions[0]) {
			return "", fmt.Errorf("/boot/vmlinuz-%q is no name that boot loaders read alike", versions[0])
		}
		return versions[0], nil
	case 0:
		return "", fmt.Errorf("%w: /boot has no vmlinuz-VERSION", ErrNoKernel)
	}
	return "", fmt.Errorf("the root brings %d kernels, and a node boots one: /boot/vmlinuz-%s", len(versions), strings.Join(versions, ", /boot/vmlinuz-"))
}

// regularSize wants a file that is no symlink.
func regularSize(root *os.Root, path string) (int64, error) {
	info, err := root.Lstat(path)
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, &safeopen.KindError{Path: "/" + path, Have: info.Mode().Type(), Want: "regular file"}
	}
	return info.Size(), nil
}

// checkModules wants modules of the version, or none: a kernel may have all built in.
func checkModules(root *os.Root, version string) error {
	var have []string
	for _, dir := range []string{"usr/lib/modules", "lib/modules"} {
		entries, err := safeopen.ReadDirIn(root, dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("listing /%s of the root: %w", dir, err)
		}
		for _, e := range entries {
			have = append(have, e.Name())
		}
	}
	if len(have) > 0 && !slices.Contains(have, version) {
		return fmt.Errorf("the kernel is /boot/vmlinuz-%s, and the modules in /usr/lib/modules are of %s", version, strings.Join(slices.Compact(have), ", "))
	}
	return nil
}
