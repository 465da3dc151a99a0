// Package initramfs makes what the kernel of a root boots with: the initramfs of its own
// modules, as a layer of the image.
package initramfs

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/opencontainers/go-digest"

	"github.com/rootbuild/rootbuild/builder/pack"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/images/cpio"
	"github.com/rootbuild/rootbuild/images/cpio/kmod"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
)

// Made is a layer with an initramfs.
type Made struct {
	Layer   oci.Layer
	Release string // of its kernel
}

// Make makes the layer with the initramfs of the graph's kernel, of the layers of the
// graph's contents. What an earlier build made of the same is used again.
func Make(ctx context.Context, s *state.State, layout *oci.Layout, graph stages.Graph, layers []oci.Layer) (Made, error) {
	m := maker{layout, graph, map[string]oci.Layer{}}
	for i, name := range graph.Contents() {
		m.layers[name] = layers[i]
	}
	key, err := m.key()
	if err != nil {
		return Made{}, err
	}
	var made Made
	found, err := s.Read(state.KindInitramfs, key, &made)
	if err != nil || found && layout.Has(made.Layer.Digest) {
		return made, err
	}
	if made, err = m.make(ctx); err != nil {
		return Made{}, err
	}
	return made, s.Write(state.KindInitramfs, key, made)
}

// maker makes the initramfs of a root.
type maker struct {
	layout *oci.Layout
	graph  stages.Graph
	layers map[string]oci.Layer // by package
}

// key names all that the initramfs is made of.
func (m maker) key() (digest.Digest, error) {
	k := m.graph.Target.Kernel
	own := digest.Canonical.Digester()
	if err := k.Initramfs.WriteTar(own.Hash()); err != nil {
		return "", err
	}
	early, firmware := []v1.Hash{}, []v1.Hash{}
	for _, name := range m.graph.Initramfs {
		early = append(early, m.layers[name].Digest)
	}
	for _, name := range m.withFirmware() {
		firmware = append(firmware, m.layers[name].Digest)
	}
	boot, err := m.bootDir()
	if err != nil {
		return "", err
	}
	text, err := json.Marshal([]any{
		m.layers[k.Recipe].Digest, early, firmware, own.Digest(), k.Modules, k.Firmware, m.graph.Target.Epoch.Unix(), boot,
	})
	return digest.FromBytes(text), err
}

// bootDir is the directory of the kernel as the root has it.
func (m maker) bootDir() ([]oci.Entry, error) {
	var layers []oci.Layer
	for _, name := range m.graph.Packages {
		layers = append(layers, m.layers[name])
	}
	return pack.Parents(layers, []string{"/boot/initramfs"})
}

func (m maker) make(ctx context.Context) (Made, error) {
	kernel := cpio.Tree{}
	if err := m.add(kernel, m.graph.Target.Kernel.Recipe); err != nil {
		return Made{}, err
	}
	modules, err := kernelModules(kernel)
	if err != nil {
		return Made{}, fmt.Errorf("%s: package %s: %w", m.graph.Target.KernelAt(), m.graph.Target.Kernel.Recipe, err)
	}
	archive, err := m.archive(modules)
	if err != nil {
		return Made{}, err
	}
	layer, err := m.pack(ctx, "boot/initramfs-"+modules.Release+".cpio.zst", archive)
	return Made{layer, modules.Release}, err
}

// add adds the layer of a package to a tree.
func (m maker) add(tree cpio.Tree, name string) (err error) {
	r, err := m.layout.OpenLayer(m.layers[name])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := tree.AddTar(r); err != nil {
		return fmt.Errorf("reading package %s: %w", name, err)
	}
	// Only at its end is it known that the bytes are the layer's.
	_, err = io.Copy(io.Discard, r)
	return err
}

// kernelModules are those of the one kernel in a tree.
func kernelModules(tree cpio.Tree) (kmod.Dir, error) {
	const prefix = "boot/vmlinuz-"
	var kernels []string
	for p, f := range tree {
		if release, ok := strings.CutPrefix(p, prefix); ok && f.Regular() {
			kernels = append(kernels, release)
		}
	}
	slices.Sort(kernels)
	if len(kernels) != 1 {
		return kmod.Dir{}, fmt.Errorf("it brings %d kernels /%sVERSION, where one is wanted: %s", len(kernels), prefix, strings.Join(kernels, ", "))
	}
	modules, err := kmod.FromTree(tree)
	if err != nil {
		return kmod.Dir{}, err
	}
	if modules.Release != kernels[0] {
		return kmod.Dir{}, fmt.Errorf("its modules are of version %s, its kernel is /%s%s: one of them is of another build", modules.Release, prefix, kernels[0])
	}
	return modules, nil
}

// archive is the initramfs: the microcode that the kernel loads first, and what it
// starts.
func (m maker) archive(dir kmod.Dir) ([]byte, error) {
	t := m.graph.Target
	modules, err := dir.Select(t.Kernel.Modules)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.KernelAt(), err)
	}
	tree := cpio.Tree{}
	for _, name := range m.graph.Initramfs {
		if err := m.add(tree, name); err != nil {
			return nil, err
		}
	}
	var own bytes.Buffer
	if err := errors.Join(t.Kernel.Initramfs.WriteTar(&own), tree.AddTar(&own), modules.AddTo(tree)); err != nil {
		return nil, err
	}
	firmware, err := m.firmware()
	if err != nil {
		return nil, err
	}
	if err := firmware.addTo(tree, t); err != nil {
		return nil, err
	}
	var archive bytes.Buffer
	if microcode := firmware.microcode(); len(microcode) > 0 {
		if err := microcode.Write(&archive, t.Epoch); err != nil {
			return nil, err
		}
	}
	packed, err := cpio.Compress(&archive, ".cpio.zst")
	if err != nil {
		return nil, err
	}
	err = errors.Join(tree.Write(packed, t.Epoch), packed.Close())
	return archive.Bytes(), err
}

// pack makes a layer of one file.
func (m maker) pack(ctx context.Context, name string, content []byte) (oci.Layer, error) {
	boot, err := m.bootDir()
	if err != nil {
		return oci.Layer{}, err
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(writeBelow(w, boot, name, content)) }()
	return m.layout.WriteLayer(ctx, r, oci.LayerOptions{Epoch: m.graph.Target.Epoch})
}

// writeBelow writes a file and the directories above it.
func writeBelow(w io.Writer, dirs []oci.Entry, name string, content []byte) error {
	out := tar.NewWriter(w)
	for _, d := range dirs {
		if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: d.Path + "/", Mode: d.Mode, Uid: d.UID, Gid: d.GID}); err != nil {
			return err
		}
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content))}
	if err := out.WriteHeader(h); err != nil {
		return err
	}
	if _, err := out.Write(content); err != nil {
		return err
	}
	return out.Close()
}
