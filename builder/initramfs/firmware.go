package initramfs

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/images/cpio"
)

// firmwareDir is where a root has what its drivers hand to devices.
const firmwareDir = "usr/lib/firmware"

// withFirmware are the packages of the root that bring firmware.
func (m maker) withFirmware() []string {
	var names []string
	for _, name := range m.graph.Packages {
		for _, e := range m.layers[name].Entries {
			if strings.HasPrefix(e.Path, firmwareDir+"/") {
				names = append(names, name)
				break
			}
		}
	}
	return names
}

// firmware is what a root has of it, by its path below firmwareDir.
type firmware cpio.Tree

func (m maker) firmware() (firmware, error) {
	tree := cpio.Tree{}
	for _, name := range m.withFirmware() {
		if err := m.add(tree, name); err != nil {
			return nil, err
		}
	}
	files := firmware{}
	for p, f := range tree {
		if below, ok := strings.CutPrefix(p, firmwareDir+"/"); ok && !f.Directory() {
			files[below] = f
		}
	}
	return files, nil
}

// addTo adds what the target wants early to an initramfs.
func (f firmware) addTo(tree cpio.Tree, t images.Target) error {
	for _, pattern := range t.Kernel.Firmware {
		found := false
		for name, file := range f {
			ok, err := path.Match(pattern, name)
			if err != nil {
				return fmt.Errorf("%s: firmware %q: %w", t.FirmwareAt(pattern), pattern, err)
			}
			if !ok {
				continue
			}
			found = true
			if err := tree.Add(path.Join(firmwareDir, name), file); err != nil {
				return err
			}
		}
		if !found {
			return fmt.Errorf("%s: firmware %q: no package of the root brings such a file below /%s", t.FirmwareAt(pattern), pattern, firmwareDir)
		}
	}
	return nil
}

// microcodes are where the kernel looks for a processor's microcode, and the
// directories of firmware that have it, a file for each kind of processor.
var microcodes = []struct{ file, dir string }{
	{"AuthenticAMD.bin", "amd-ucode"},
	{"GenuineIntel.bin", "intel-ucode"},
}

// microcode is the archive that the kernel reads before any other: uncompressed, with
// all that the root has in one file for each maker.
func (f firmware) microcode() cpio.Tree {
	tree := cpio.Tree{}
	for _, m := range microcodes {
		var all bytes.Buffer
		for _, name := range slices.Sorted(maps.Keys(f)) {
			if path.Dir(name) == m.dir && f[name].Regular() && !strings.HasSuffix(name, ".asc") {
				all.Write(f[name].Content)
			}
		}
		if all.Len() > 0 {
			tree[path.Join("kernel/x86/microcode", m.file)] = cpio.NewFile(0o644, all.Bytes())
		}
	}
	return tree
}
